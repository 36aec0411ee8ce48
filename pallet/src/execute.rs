//! One transaction of a contract: the engine's `transact` over FRAME storage, and what it changed written at the end.

use crate::code::Loader;
use crate::deposit::Deposits;
use crate::jobs;
use crate::meter::{Toll, TollBooth, divide, gas_time, toll_beside};
use crate::precompiles::Tolled;
use crate::primitives::{StorageDeposit, TracedCall};
use crate::state::{self, State};
use crate::weights::WeightInfo;
use crate::{AddressMapper, BalanceOf, Config, Error, Event, Pallet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::marker::PhantomData;
use frame_support::traits::{FindAuthor, Get, Time};
use frame_support::weights::Weight;
use gristmill::contract::{
    Address, Bytes32, Changes, Environment, Ewasm, Host, KeccakAt9, Message, Observer, Options, Outcome, Receipt,
    Refusal, Revision, Rules, StatusCode, Transaction, TxContext, U256, Vm, transact,
};
use gristmill::{Config as EngineConfig, Dispatch, Engine, Fault, Pages, Profile};
use sp_runtime::DispatchError;
use sp_runtime::traits::UniqueSaturatedInto;

/// Messages inside each other. Source: consensus.md, for the pallet.
pub const MAX_DEPTH: u32 = 32;
/// Pages of a contract's memory; Rust's linker starts at 17. Source: consensus.md, for the pallet.
pub const MEMORY_PAGES: u32 = 32;
/// Pages of all memories of a transaction at once. Source: consensus.md, for the pallet.
pub const LIVE_PAGES: u32 = 256;

/// What one transaction may spend.
pub(crate) struct Limits<T: Config> {
    /// Whole gas.
    pub(crate) gas: i64,
    /// Time and proof beside it.
    pub(crate) toll: Weight,
    /// What its storage may cost the sender.
    pub(crate) deposit: BalanceOf<T>,
}

impl<T: Config> Limits<T> {
    /// A limit of weight beyond the call's own.
    pub(crate) fn of_weight(weight: Weight, deposit: BalanceOf<T>) -> Self {
        let (gas, toll) = divide::<T::WeightInfo>(weight);
        Self { gas, toll, deposit }
    }

    /// A limit of gas. However little it is, accounts can be looked at and code can be loaded, after an upgrade too.
    pub(crate) fn of_gas(gas: u64, deposit: BalanceOf<T>) -> Self {
        let proof = T::BlockWeights::get().max_block.proof_size() / 4;
        let beside = Weight::from_parts(toll_beside::<T::WeightInfo>(gas), 0);
        let toll = State::<T>::reserve()
            .saturating_mul(2)
            .saturating_add(T::WeightInfo::validate(T::MaxCodeLen::get()))
            .saturating_add(beside)
            .set_proof_size(proof);
        Self { gas: i64::try_from(gas).unwrap_or(i64::MAX), toll, deposit }
    }

    /// The most that it comes to.
    pub(crate) fn weight(&self) -> Weight {
        let gas = u64::try_from(self.gas).unwrap_or(0).saturating_mul(gas_time::<T::WeightInfo>());
        self.toll.saturating_add(Weight::from_parts(gas, 0))
    }
}

/// What came of a transaction that happened.
pub(crate) struct Done<T: Config> {
    pub(crate) receipt: Receipt,
    pub(crate) consumed: Weight,
    /// The toll that would have been enough.
    pub(crate) toll_needed: Weight,
    pub(crate) deposit: StorageDeposit<BalanceOf<T>>,
    pub(crate) trace: Vec<TracedCall>,
}

/// Why it did not, and what finding out has weighed.
pub(crate) struct Failed {
    pub(crate) error: DispatchError,
    pub(crate) consumed: Weight,
}

/// The engine's contracts with the toll for frames and loads.
struct Tollgate<'a, T> {
    ewasm: Ewasm,
    loader: &'a Loader<T>,
    toll: &'a Toll,
    of: PhantomData<fn() -> T>,
}

impl<T: Config> Tollgate<'_, T> {
    fn pays(&self, bytes: usize, load: fn(u32) -> Weight) -> bool {
        let load = if bytes == 0 { Weight::zero() } else { load(u32::try_from(bytes).unwrap_or(u32::MAX)) };
        self.toll.take(T::WeightInfo::frame().saturating_add(load).set_proof_size(0))
    }
}

impl<T: Config> Vm for Tollgate<'_, T> {
    fn execute(&self, host: &mut dyn Host, revision: Revision, message: &Message<'_>, code: &[u8]) -> Outcome {
        if !self.pays(code.len(), T::WeightInfo::validate) {
            return Outcome::failure(StatusCode::OutOfGas);
        }
        self.ewasm.execute(host, revision, message, code)
    }

    fn execute_shared(
        &self,
        host: &mut dyn Host,
        revision: Revision,
        message: &Message<'_>,
        code: &Arc<[u8]>,
    ) -> Outcome {
        let (bytes, load): (_, fn(u32) -> Weight) = match self.loader.has_module(code) {
            true => (0, T::WeightInfo::load),
            false if self.loader.is_valid(code) => (code.len(), T::WeightInfo::load),
            false => (code.len(), T::WeightInfo::validate),
        };
        if !self.pays(bytes, load) {
            return Outcome::failure(StatusCode::OutOfGas);
        }
        self.ewasm.execute_shared(host, revision, message, code)
    }
}

impl<T: Config> Pallet<T> {
    fn options() -> Options {
        Options {
            keccak_at_9: if T::KeccakAt9::get() { KeccakAt9::On } else { KeccakAt9::Off },
            exports: T::Exports::get(),
            beyond: T::Beyond::get(),
            ..Options::default()
        }
    }

    /// The engine as this chain has it.
    pub(crate) fn ewasm() -> Result<Ewasm, DispatchError> {
        let mut profile = Profile::chain1();
        profile.run.memory = Pages(MEMORY_PAGES);
        let mut config = EngineConfig::new();
        config.profile(profile).dispatch(Dispatch::Loop).live_memory(Pages(LIVE_PAGES));
        let engine = Engine::new(&config).map_err(|_| Error::<T>::Internal)?;
        Ok(Ewasm::new(&engine, Self::options()))
    }

    fn rules(fees: bool) -> Rules {
        let code = Some(T::MaxCodeLen::get() as usize);
        Rules {
            max_code_size: code,
            max_init_code_size: code,
            max_depth: MAX_DEPTH,
            fees,
            ..Rules::new(T::Revision::get())
        }
    }

    /// The hash of a block of this chain, if it still has it.
    pub(crate) fn block_hash(number: i64) -> Bytes32 {
        let Ok(number) = u64::try_from(number) else { return Bytes32::zero() };
        let Ok(number) = number.try_into() else { return Bytes32::zero() };
        let hash = frame_system::Pallet::<T>::block_hash::<frame_system::pallet_prelude::BlockNumberFor<T>>(number);
        let mut bytes = [0; 32];
        let length = hash.as_ref().len().min(32);
        bytes[..length].copy_from_slice(&hash.as_ref()[..length]);
        Bytes32::from(bytes)
    }

    fn context() -> TxContext {
        let digest = frame_system::Pallet::<T>::digest();
        let author = T::FindAuthor::find_author(digest.logs.iter().filter_map(|item| item.as_pre_runtime()));
        let number: u64 = frame_system::Pallet::<T>::block_number().unique_saturated_into();
        let milliseconds: u64 = T::Time::now().unique_saturated_into();
        let block = T::BlockWeights::get().max_block;
        TxContext {
            coinbase: author.map(|author| T::AddressMapper::to_address(&author)).unwrap_or_default(),
            number: i64::try_from(number).unwrap_or(i64::MAX),
            timestamp: i64::try_from(milliseconds / 1_000).unwrap_or(i64::MAX),
            gas_limit: i64::try_from(block.ref_time() / gas_time::<T::WeightInfo>()).unwrap_or(i64::MAX),
            prev_randao: U256::from_big_endian(T::PrevRandao::get().as_bytes()),
            chain_id: T::ChainId::get().into(),
            base_fee: T::BaseFee::get(),
            // EIP-4844 never has it lower.
            blob_base_fee: U256::one(),
            ..TxContext::default()
        }
    }

    /// Runs a transaction of `origin` and writes what it changed. A contract that fails changes nothing but its sender's
    /// nonce; who wants not even that takes the storage layer back.
    pub(crate) fn transact(
        origin: &T::AccountId,
        transaction: &Transaction,
        limits: &Limits<T>,
        fees: bool,
        trace: bool,
    ) -> Result<Done<T>, Failed> {
        let failed = |error: DispatchError, consumed: Weight| Failed { error, consumed };
        let transaction = Transaction { gas_limit: limits.gas, ..transaction.clone() };
        let rules = Self::rules(fees);
        let toll = Arc::new(Toll::new(limits.toll));
        let reserve = State::<T>::reserve();
        // What is read before the first host call.
        if !toll.covers(reserve) {
            return Err(failed(Error::<T>::OutOfGas.into(), Weight::zero()));
        }
        let plain = Self::ewasm().map_err(|error| failed(error, Weight::zero()))?;
        let loader = Arc::new(Loader::<T>::new(plain.clone()));
        let booth = Arc::new(TollBooth::new::<T::WeightInfo>(toll.clone(), rules.revision, reserve, trace));
        let observer: Arc<dyn Observer> = booth.clone();
        let options = Options { observer: Some(observer), ..Self::options() };
        let vm = Tollgate {
            ewasm: Ewasm::new(plain.engine(), options).with_cache(loader.clone()),
            loader: &loader,
            toll: &toll,
            of: PhantomData,
        };
        let precompiles = Tolled::<T>::new(&toll);
        let context = Self::context();
        let environment = Environment { vm: &vm, precompiles: &precompiles, rules: &rules, context: &context };
        let state = State::new(&toll, &loader);
        let (receipt, changes) = transact(&state, &environment, &transaction)
            .map_err(|refusal| failed(refused::<T>(refusal), toll.taken()))?;
        let used = receipt.gas_used.saturating_add(receipt.gas_refunded);
        let time = u64::try_from(used).unwrap_or(0).saturating_mul(gas_time::<T::WeightInfo>());
        let consumed = toll.taken().saturating_add(Weight::from_parts(time, 0));
        let toll_needed = toll.needed();

        let deposit =
            Self::keep_changes(&receipt, &changes, origin, limits.deposit).map_err(|error| failed(error, consumed))?;
        loader.note_validated();
        Ok(Done { receipt, consumed, toll_needed, deposit, trace: booth.take_trace() })
    }

    /// A call on another VM, without the toll, and what it changed written: for measuring engines in the same place.
    ///
    /// # Errors
    /// The transaction did not happen.
    #[doc(hidden)]
    pub fn call_on(
        vm: &dyn Vm,
        origin: &T::AccountId,
        dest: Address,
        input: Vec<u8>,
    ) -> Result<StatusCode, DispatchError> {
        let toll = Toll::new(Weight::MAX);
        let loader = Loader::<T>::new(Self::ewasm()?);
        let (rules, context) = (Self::rules(false), Self::context());
        let precompiles = Tolled::<T>::new(&toll);
        let environment = Environment { vm, precompiles: &precompiles, rules: &rules, context: &context };
        let sender = T::AddressMapper::to_address(origin);
        let transaction = Transaction {
            to: Some(dest),
            gas_limit: i64::MAX / 1_000_000,
            ..Self::transaction(sender, U256::zero(), input)
        };
        let (receipt, changes) =
            transact(&State::new(&toll, &loader), &environment, &transaction).map_err(refused::<T>)?;
        Self::keep_changes(&receipt, &changes, origin, sp_runtime::traits::Bounded::max_value())?;
        Ok(receipt.outcome.status)
    }

    /// Writes what a transaction of `origin` has changed, settles its deposits and says what was logged.
    fn keep_changes(
        receipt: &Receipt,
        changes: &Changes,
        origin: &T::AccountId,
        limit: BalanceOf<T>,
    ) -> Result<StorageDeposit<BalanceOf<T>>, DispatchError> {
        let mut deposits = Deposits::new();
        state::write::<T>(changes, origin, &mut deposits)?;
        let deposit = deposits.net(origin);
        deposits.settle(origin, limit)?;
        jobs::file::<T>(&receipt.logs)?;
        for log in &receipt.logs {
            Self::deposit_event(Event::ContractEmitted {
                contract: log.address,
                data: log.data.clone(),
                topics: log.topics.clone(),
            });
        }
        Ok(deposit)
    }

    /// The address of who may call contracts.
    pub(crate) fn sender(origin: &T::AccountId) -> Result<Address, DispatchError> {
        let address = T::AddressMapper::to_address(origin);
        let contract = crate::Accounts::<T>::get(address).and_then(|account| account.contract);
        // EIP-3607, for chains whose accounts are addresses.
        if contract.is_some() { Err(Error::<T>::OriginIsContract.into()) } else { Ok(address) }
    }
}

/// Why a transaction was refused, for the chain.
fn refused<T: Config>(refusal: Refusal) -> DispatchError {
    match refusal {
        Refusal::Nonce { .. } => Error::<T>::NonceExhausted,
        Refusal::Balance => Error::<T>::BalanceLow,
        Refusal::IntrinsicGas { .. } => Error::<T>::OutOfGas,
        Refusal::InitCodeSize => Error::<T>::BlobTooLarge,
        Refusal::GasPrice => Error::<T>::GasPriceTooLow,
        Refusal::Fault(Fault::OutOfMemory) => Error::<T>::OutOfMemory,
        Refusal::TooEarly | Refusal::Fault(_) => Error::<T>::Internal,
    }
    .into()
}

/// How a contract that did not succeed ended, for the chain.
pub(crate) fn ended<T: Config>(status: StatusCode) -> Result<(), DispatchError> {
    Err(match status {
        StatusCode::Success => return Ok(()),
        StatusCode::Revert => Error::<T>::ContractReverted,
        StatusCode::OutOfGas => Error::<T>::OutOfGas,
        StatusCode::InvalidMemoryAccess => Error::<T>::OutOfBounds,
        StatusCode::CallDepthExceeded => Error::<T>::MaxCallDepthReached,
        StatusCode::StaticModeViolation => Error::<T>::StateChangeDenied,
        StatusCode::PrecompileFailure => Error::<T>::PrecompileFailed,
        StatusCode::ContractValidationFailure | StatusCode::Rejected => Error::<T>::CodeRejected,
        StatusCode::ArgumentOutOfRange => Error::<T>::ArgumentOutOfRange,
        StatusCode::InsufficientBalance => Error::<T>::TransferFailed,
        // Of a transaction's own message: somebody is at the address already.
        StatusCode::Failure => Error::<T>::DuplicateContract,
        StatusCode::OutOfMemory => Error::<T>::OutOfMemory,
        StatusCode::InternalError => Error::<T>::Internal,
        StatusCode::WasmTrap
        | StatusCode::WasmUnreachableInstruction
        | StatusCode::InvalidInstruction
        | StatusCode::UndefinedInstruction
        | StatusCode::StackOverflow
        | StatusCode::StackUnderflow
        | StatusCode::BadJumpDestination => Error::<T>::ContractTrapped,
    }
    .into())
}

/// Bytes of heap beside memories that a message takes at most: stack slots, the module, tables, the journal's part.
const FRAME_BYTES: u64 = 65_536 * 8 + 1024 * 1024;

/// What contracts may take at once fits what a node gives the runtime.
///
/// # Panics
/// When it does not: a test of the runtime fails.
pub(crate) fn integrity<T: Config>() {
    let memory = u64::from(T::RuntimeMemory::get());
    // A page is 64 KiB. The allocator rounds up to powers of two.
    let memories = u64::from(LIVE_PAGES) * 65_536 * 2;
    let frames = u64::from(MAX_DEPTH) * FRAME_BYTES;
    let codes = u64::from(MAX_DEPTH) * u64::from(T::MaxCodeLen::get()) * 2;
    assert!(
        memories + frames + codes <= memory / 4 * 3,
        "contracts may take {} bytes at once, three quarters of the runtime's memory are {}",
        memories + frames + codes,
        memory / 4 * 3,
    );
    assert!(T::NativeToEthRatio::get() > 0, "a unit of the currency is worth some wei");
    assert!(T::MaxCodeLen::get() <= 1024 * 1024, "code is shorter than what an extrinsic can be");
}

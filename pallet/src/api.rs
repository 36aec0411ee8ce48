//! What users ask a node without sending a transaction.

use crate::execute::{Done, Limits};
use crate::meter::time_for;
use crate::primitives::*;
use crate::{AddressMapper, BalanceOf, Codes, Config, Error, Pallet, ended};
use alloc::vec::Vec;
use frame_support::storage::{TransactionOutcome, with_transaction_unchecked};
use frame_support::traits::Get;
use frame_support::weights::Weight;
use gristmill::contract::{Address, StatusCode, Transaction, U256};
use sp_runtime::DispatchError;
use sp_runtime::traits::{Bounded, Zero};

sp_api::decl_runtime_apis! {
    /// Contracts, asked without a transaction. Everything is a dry run: nothing stays.
    pub trait GristmillApi<AccountId, Balance>
    where
        AccountId: codec::Codec,
        Balance: codec::Codec,
    {
        /// The call `call`. Without limits: what a block has, and whatever storage costs.
        fn call(
            origin: AccountId,
            dest: Address,
            value: Balance,
            weight_limit: Option<Weight>,
            storage_deposit_limit: Option<Balance>,
            input_data: Vec<u8>,
        ) -> ContractResult<ExecReturnValue, Balance>;

        /// The calls `instantiate` and `instantiate_with_code`.
        fn instantiate(
            origin: AccountId,
            value: Balance,
            weight_limit: Option<Weight>,
            storage_deposit_limit: Option<Balance>,
            code: Code,
            data: Vec<u8>,
            salt: Option<[u8; 32]>,
        ) -> ContractResult<InstantiateReturnValue, Balance>;

        /// The call `upload_code`.
        fn upload_code(
            origin: AccountId,
            code: Vec<u8>,
            storage_deposit_limit: Option<Balance>,
        ) -> Result<CodeUploadReturnValue<Balance>, DispatchError>;

        /// What a contract has stored under `key`.
        fn get_storage(address: Address, key: [u8; 32]) -> Result<Option<Vec<u8>>, ContractAccessError>;

        /// The code of an address.
        fn get_code(address: Address) -> Vec<u8>;

        /// The balance of an address, in wei.
        fn balance(address: Address) -> U256;

        /// Transactions that an address has sent to contracts, or accounts that it has created.
        fn nonce(address: Address) -> u64;

        /// The least limit of gas with which a call, or without `dest` a creation, succeeds. Value in wei.
        fn estimate_gas(
            origin: AccountId,
            dest: Option<Address>,
            value: U256,
            input: Vec<u8>,
        ) -> Result<u64, DispatchError>;

        /// The address of an account.
        fn address(account: AccountId) -> Address;

        /// The account behind an address.
        fn account_id(address: Address) -> AccountId;

        /// A call with every host call that it makes.
        fn trace(
            origin: AccountId,
            dest: Address,
            value: Balance,
            input: Vec<u8>,
        ) -> (ContractResult<ExecReturnValue, Balance>, Vec<TracedCall>);
    }
}

/// Runs `f` and takes everything back that it stored.
fn dry<R>(f: impl FnOnce() -> R) -> R {
    with_transaction_unchecked(|| TransactionOutcome::Rollback(f()))
}

impl<T: Config> Pallet<T> {
    /// The greatest weight that a call may have.
    fn greatest_weight() -> Weight {
        let weights = T::BlockWeights::get();
        let normal = weights.get(frame_support::dispatch::DispatchClass::Normal);
        normal.max_extrinsic.unwrap_or(weights.max_block)
    }

    fn limits(weight: Option<Weight>, deposit: Option<BalanceOf<T>>) -> Limits<T> {
        let weight = weight.unwrap_or_else(Self::greatest_weight);
        Limits::of_weight(weight, deposit.unwrap_or_else(Bounded::max_value))
    }

    /// Runs a call and keeps what it changed. The call `call` is this, and takes everything back when the contract fails.
    pub fn bare_call(
        origin: &T::AccountId,
        dest: Address,
        value: U256,
        weight_limit: Option<Weight>,
        storage_deposit_limit: Option<BalanceOf<T>>,
        data: Vec<u8>,
    ) -> ContractResult<ExecReturnValue, BalanceOf<T>> {
        let limits = Self::limits(weight_limit, storage_deposit_limit);
        let sender = T::AddressMapper::to_address(origin);
        let transaction = Transaction { to: Some(dest), ..Self::transaction(sender, value, data) };
        Self::bare(origin, &transaction, &limits, false).0
    }

    /// Runs a creation and keeps what it changed.
    pub fn bare_instantiate(
        origin: &T::AccountId,
        value: U256,
        weight_limit: Option<Weight>,
        storage_deposit_limit: Option<BalanceOf<T>>,
        code: Code,
        data: Vec<u8>,
        salt: Option<[u8; 32]>,
    ) -> ContractResult<InstantiateReturnValue, BalanceOf<T>> {
        let limits = Self::limits(weight_limit, storage_deposit_limit);
        let sender = T::AddressMapper::to_address(origin);
        let code = match code {
            Code::Upload(code) => code,
            Code::Existing(hash) => match Codes::<T>::get(hash) {
                Some(code) => code,
                None => return failed(Error::<T>::CodeNotFound.into(), Weight::zero()),
            },
        };
        let transaction = Self::creation(sender, value, code, data, salt);
        let (result, done) = Self::bare(origin, &transaction, &limits, false);
        let addr = done.and_then(|done| done.receipt.outcome.create_address).unwrap_or_default();
        let output = |output: ExecReturnValue| InstantiateReturnValue { result: output, addr };
        ContractResult {
            result: result.result.map(output),
            weight_consumed: result.weight_consumed,
            weight_required: result.weight_required,
            storage_deposit: result.storage_deposit,
            max_storage_deposit: result.max_storage_deposit,
            gas_consumed: result.gas_consumed,
        }
    }

    fn bare(
        origin: &T::AccountId,
        transaction: &Transaction,
        limits: &Limits<T>,
        trace: bool,
    ) -> (ContractResult<ExecReturnValue, BalanceOf<T>>, Option<Done<T>>) {
        let done = match Self::transact(origin, transaction, limits, false, trace) {
            Ok(done) => done,
            Err(refused) => return (failed(refused.error, refused.consumed), None),
        };
        let outcome = &done.receipt.outcome;
        let result = match outcome.status {
            StatusCode::Success => Ok(ExecReturnValue { flags: ReturnFlags::default(), data: outcome.output.clone() }),
            StatusCode::Revert => Ok(ExecReturnValue { flags: ReturnFlags::REVERT, data: outcome.output.clone() }),
            status => Err(ended::<T>(status).err().unwrap_or(Error::<T>::Internal.into())),
        };
        let gas = done.receipt.gas_used.saturating_add(done.receipt.gas_refunded);
        let result = ContractResult {
            weight_consumed: done.consumed,
            weight_required: Self::weight_for(u64::try_from(gas).unwrap_or(0), done.toll_needed),
            storage_deposit: done.deposit,
            max_storage_deposit: StorageDeposit::Charge(done.deposit.charge_or_zero()),
            gas_consumed: U256::from(done.receipt.gas_used.max(0)).try_into().unwrap_or_else(|_| Bounded::max_value()),
            result,
        };
        (result, Some(done))
    }

    /// A limit of weight that has so much gas and toll.
    fn weight_for(gas: u64, toll: Weight) -> Weight {
        Weight::from_parts(time_for::<T::WeightInfo>(gas, toll.ref_time()), toll.proof_size())
    }

    /// [`Pallet::bare_call`] as a dry run, with the weight that it takes to end the same way.
    pub fn dry_call(
        origin: &T::AccountId,
        dest: Address,
        value: U256,
        weight_limit: Option<Weight>,
        storage_deposit_limit: Option<BalanceOf<T>>,
        data: Vec<u8>,
    ) -> ContractResult<ExecReturnValue, BalanceOf<T>> {
        let run = |weight: Option<Weight>| {
            dry(|| Self::bare_call(origin, dest, value, weight, storage_deposit_limit, data.clone()))
        };
        let result = run(weight_limit);
        let weight_required = Self::required(&result, |weight| run(Some(weight)).result == result.result);
        ContractResult { weight_required, ..result }
    }

    /// [`Pallet::bare_instantiate`] likewise.
    pub fn dry_instantiate(
        origin: &T::AccountId,
        value: U256,
        weight_limit: Option<Weight>,
        storage_deposit_limit: Option<BalanceOf<T>>,
        code: Code,
        data: Vec<u8>,
        salt: Option<[u8; 32]>,
    ) -> ContractResult<InstantiateReturnValue, BalanceOf<T>> {
        let run = |weight: Option<Weight>| {
            let (code, data) = (code.clone(), data.clone());
            dry(|| Self::bare_instantiate(origin, value, weight, storage_deposit_limit, code, data, salt))
        };
        let result = run(weight_limit);
        let weight_required = Self::required(&result, |weight| run(Some(weight)).result == result.result);
        ContractResult { weight_required, ..result }
    }

    /// The least weight that is enough: what was spent, unless frames had to have more than they spent.
    fn required<R>(result: &ContractResult<R, BalanceOf<T>>, enough: impl Fn(Weight) -> bool) -> Weight {
        let spent = result.weight_required;
        if result.result.is_err() || enough(spent) {
            return spent;
        }
        let (mut low, mut high) = (spent.ref_time(), Self::greatest_weight().ref_time().max(spent.ref_time()));
        while low.saturating_add(1) < high {
            let middle = low + (high - low) / 2;
            if enough(spent.set_ref_time(middle)) { high = middle } else { low = middle }
        }
        spent.set_ref_time(high)
    }

    /// The least limit of gas with which the transaction succeeds.
    ///
    /// # Errors
    /// Why it does not with the most that there is.
    pub fn estimate_gas(
        origin: &T::AccountId,
        dest: Option<Address>,
        value: U256,
        input: Vec<u8>,
    ) -> Result<u64, DispatchError> {
        let sender = T::AddressMapper::to_address(origin);
        let transaction = Transaction { to: dest, ..Self::transaction(sender, value, input) };
        let run = |gas: Option<u64>| {
            let limits = gas.map_or_else(|| Self::limits(None, None), Self::limits_of_gas);
            let done =
                dry(|| Self::transact(origin, &transaction, &limits, false, false)).map_err(|failed| failed.error)?;
            ended::<T>(done.receipt.outcome.status)?;
            Ok::<_, DispatchError>(done.receipt.gas_used.saturating_add(done.receipt.gas_refunded))
        };
        let used = u64::try_from(run(None)?).unwrap_or(0);
        if run(Some(used)).is_ok() {
            return Ok(used);
        }
        let greatest = Self::greatest_weight().ref_time() / crate::meter::gas_time::<T::WeightInfo>();
        // Mostly a 64th more is enough, for each depth.
        let (mut low, mut high) = (used, used);
        while high < greatest && run(Some(high)).is_err() {
            low = high;
            high = high.saturating_add(high / 32).saturating_add(1_000).min(greatest);
        }
        while low.saturating_add(1) < high {
            let middle = low + (high - low) / 2;
            if run(Some(middle)).is_ok() { high = middle } else { low = middle }
        }
        Ok(high)
    }

    /// A call as a dry run, with every host call that it makes.
    pub fn trace(
        origin: &T::AccountId,
        dest: Address,
        value: U256,
        input: Vec<u8>,
    ) -> (ContractResult<ExecReturnValue, BalanceOf<T>>, Vec<TracedCall>) {
        let sender = T::AddressMapper::to_address(origin);
        let transaction = Transaction { to: Some(dest), ..Self::transaction(sender, value, input) };
        let (result, done) = dry(|| Self::bare(origin, &transaction, &Self::limits(None, None), true));
        (result, done.map(|done| done.trace).unwrap_or_default())
    }
}

fn failed<R, Balance: Zero>(error: DispatchError, consumed: Weight) -> ContractResult<R, Balance> {
    ContractResult {
        weight_consumed: consumed,
        weight_required: consumed,
        storage_deposit: StorageDeposit::Charge(Zero::zero()),
        max_storage_deposit: StorageDeposit::Charge(Zero::zero()),
        gas_consumed: Zero::zero(),
        result: Err(error),
    }
}

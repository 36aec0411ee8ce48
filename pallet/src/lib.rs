//! Ewasm contracts for FRAME: the gristmill engine inside the runtime.
//!
//! Contracts run on chain in the engine's interpreter, which is part of the runtime's Wasm. The words are pallet-revive's
//! where they fit, and pallet-ssvm's beside them: pallet/README.md has both side by side. Gas is the ledger's to the unit;
//! weight is made of it by one measured constant, and of a toll for what gas does not pay ([`meter`]).
//!
//! - [`Config`]: what a runtime decides. `config_preludes` has defaults.
//! - [`Call`]: what users send. [`GristmillApi`]: what they ask.
//! - [`PrecompileSet`]: contracts that the runtime itself is; [`Jobs`] is one through which contracts request off-chain jobs.
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(unsafe_code)]
// The words are pallet-revive's, and so are their arguments.
#![allow(clippy::too_many_arguments)]
#![recursion_limit = "256"]

extern crate alloc;

#[cfg(feature = "accelerated")]
pub mod acceleration;
mod address;
mod api;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarks;
mod code;
mod deposit;
mod execute;
mod jobs;
pub mod meter;
pub mod migration;
mod precompiles;
mod primitives;
mod state;
#[cfg(test)]
mod tests;
pub mod weights;

pub use address::{AccountId32Mapper, AddressMapper, H160Mapper};
pub use api::*;
pub use code::CodeInfo;
pub use execute::{LIVE_PAGES, MAX_DEPTH, MEMORY_PAGES};
pub use gristmill;
pub use jobs::{JOBS, Jobs};
pub use pallet::*;
pub use precompiles::{Ethereum, PrecompileSet};
pub use primitives::*;
pub use state::{Account, Contract};
pub use weights::WeightInfo;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use deposit::Deposits;
use execute::{Limits, ended};
use frame_support::dispatch::{DispatchErrorWithPostInfo, DispatchResultWithPostInfo, PostDispatchInfo};
use frame_support::pallet_prelude::*;
use frame_support::traits::fungible::{Inspect, Mutate, MutateHold};
use frame_support::traits::tokens::Balance;
use frame_support::traits::{FindAuthor, Time};
use frame_support::weights::WeightMeter;
use frame_support::{DefaultNoBound, PalletId};
use frame_system::pallet_prelude::*;
use gristmill::Exports;
use gristmill::contract::{Address, Bytes32, Revision, Transaction, U256};
use pallet_gristmill_jobs::JobQueue;
use sp_runtime::DispatchError;
use sp_runtime::traits::{AccountIdConversion, UniqueSaturatedInto, Zero};

/// The chain's currency, an amount of it.
pub type BalanceOf<T> = <T as Config>::Balance;

#[frame_support::pallet]
pub mod pallet {
    use super::*;

    /// The version of what is stored.
    pub(crate) const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// Contracts.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What a runtime decides.
    #[pallet::config(with_default)]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// An amount of [`Config::Currency`].
        #[pallet::no_default]
        type Balance: Balance + TryFrom<U256> + Into<U256> + From<u32>;

        /// The chain's own currency: value, deposits.
        #[pallet::no_default]
        type Currency: Inspect<Self::AccountId, Balance = Self::Balance>
            + Mutate<Self::AccountId>
            + MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

        /// The runtime's reasons for holds.
        #[pallet::no_default_bounds]
        type RuntimeHoldReason: From<HoldReason>;

        /// How accounts and addresses belong together: [`AccountId32Mapper`] or [`H160Mapper`].
        #[pallet::no_default]
        type AddressMapper: AddressMapper<Self>;

        /// Whose account keeps deposits and balances of addresses.
        #[pallet::constant]
        type PalletId: Get<PalletId>;

        /// Wei in a unit of the chain's currency: 10^6 for one with 12 decimals.
        #[pallet::constant]
        type NativeToEthRatio: Get<u32>;

        /// What calls and host functions weigh.
        type WeightInfo: WeightInfo;

        /// Contracts that the runtime itself is: [`Ethereum`], or a tuple with more.
        #[pallet::no_default_bounds]
        type Precompiles: PrecompileSet;

        /// Where jobs go that contracts request of [`Jobs`]: `pallet-gristmill-jobs`, or nowhere.
        #[pallet::no_default_bounds]
        type Jobs: JobQueue<Self::AccountId, BalanceOf<Self>>;

        /// Ethereum's rules that contracts live under.
        type Revision: Get<Revision>;

        /// Whether address 9 is keccak256, as Ewasm compilers expect it, and not BLAKE2F.
        #[pallet::constant]
        type KeccakAt9: Get<bool>;

        /// Which exports a contract may have beside `memory` and `main`.
        type Exports: Get<Exports>;

        /// Whether contracts may import the functions that no other Ewasm VM has: transient storage among them.
        #[pallet::constant]
        type Beyond: Get<bool>;

        /// EIP-155's number of the chain.
        #[pallet::constant]
        type ChainId: Get<u64>;

        /// Wei a gas that [`Call::call_with_gas`] and [`Call::create`] pay at least; nobody gets it (EIP-1559).
        type BaseFee: Get<U256>;

        /// What contracts see as the beacon chain's randomness: a constant, or for instance [`RandomnessOf`].
        type PrevRandao: Get<Bytes32>;

        /// Who made the block: contracts see it as the coinbase, and it gets what gas costs beyond the base fee.
        #[pallet::no_default_bounds]
        type FindAuthor: FindAuthor<Self::AccountId>;

        /// The time, in milliseconds; contracts see seconds.
        #[pallet::no_default_bounds]
        type Time: Time<Moment: UniqueSaturatedInto<u64>>;

        /// Who may upload code, and for whom.
        #[pallet::no_default]
        type UploadOrigin: EnsureOrigin<OriginFor<Self>, Success = Self::AccountId>;

        /// Who may instantiate contracts, and for whom. Contracts may always.
        #[pallet::no_default]
        type InstantiateOrigin: EnsureOrigin<OriginFor<Self>, Success = Self::AccountId>;

        /// Bytes of code, deployed or to be run once.
        #[pallet::constant]
        type MaxCodeLen: Get<u32>;

        /// Deposit for an item of the pallet's storage.
        #[pallet::constant]
        #[pallet::no_default_bounds]
        type DepositPerItem: Get<BalanceOf<Self>>;

        /// Deposit for a slot of a contract, beside its bytes.
        #[pallet::constant]
        #[pallet::no_default_bounds]
        type DepositPerChildTrieItem: Get<BalanceOf<Self>>;

        /// Deposit for a byte.
        #[pallet::constant]
        #[pallet::no_default_bounds]
        type DepositPerByte: Get<BalanceOf<Self>>;

        /// Bytes of heap that a node gives the runtime: what contracts may take at once must fit.
        type RuntimeMemory: Get<u32>;
    }

    /// Defaults for [`Config`].
    pub mod config_preludes {
        use super::*;
        use frame_support::traits::{ConstBool, ConstU32, ConstU64};
        use frame_support::{derive_impl, parameter_types};

        parameter_types! {
            #[allow(missing_docs)]
            pub const GristmillPalletId: PalletId = PalletId(*b"gristmil");
            #[allow(missing_docs)]
            pub const Prague: Revision = Revision::Prague;
            #[allow(missing_docs)]
            pub const Strict: Exports = Exports::Strict;
            #[allow(missing_docs)]
            pub const NoFee: U256 = U256::zero();
            #[allow(missing_docs)]
            pub const Fixed: Bytes32 = Bytes32::zero();
            #[allow(missing_docs)]
            pub const Deposit: u32 = 0;
        }

        /// For tests, and to begin with: deposits are nothing.
        pub struct TestDefaultConfig;

        #[derive_impl(frame_system::config_preludes::TestDefaultConfig, no_aggregated_types)]
        impl frame_system::DefaultConfig for TestDefaultConfig {}

        impl Time for TestDefaultConfig {
            type Moment = u64;

            fn now() -> u64 {
                0
            }
        }

        #[frame_support::register_default_impl(TestDefaultConfig)]
        impl DefaultConfig for TestDefaultConfig {
            #[inject_runtime_type]
            type RuntimeHoldReason = ();
            type PalletId = GristmillPalletId;
            type NativeToEthRatio = ConstU32<1_000_000>;
            type WeightInfo = ();
            type Precompiles = ();
            type Jobs = ();
            type Revision = Prague;
            type KeccakAt9 = ConstBool<true>;
            type Exports = Strict;
            type Beyond = ConstBool<false>;
            type ChainId = ConstU64<42>;
            type BaseFee = NoFee;
            type PrevRandao = Fixed;
            type FindAuthor = ();
            type Time = Self;
            type MaxCodeLen = ConstU32<{ 128 * 1024 }>;
            type DepositPerItem = Deposit;
            type DepositPerChildTrieItem = Deposit;
            type DepositPerByte = Deposit;
            type RuntimeMemory = ConstU32<{ 128 * 1024 * 1024 }>;
        }
    }

    /// Why the pallet holds somebody's currency.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// For code, on the pallet's account.
        CodeUploadDepositReserve,
        /// For contracts and their storage, on the pallet's account.
        StorageDepositReserve,
        /// For the way from an address back to an account, on that account.
        AddressMapping,
    }

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A contract logged.
        ContractEmitted {
            /// Who.
            contract: Address,
            /// Any bytes.
            data: Vec<u8>,
            /// At most four.
            topics: Vec<Bytes32>,
        },
        /// There is a new contract.
        Instantiated {
            /// Whose transaction made it.
            deployer: Address,
            /// Its address.
            contract: Address,
        },
        /// A transaction has called a contract.
        Called {
            /// Whose transaction.
            caller: Address,
            /// Whom.
            contract: Address,
            /// Whole gas used, after the refund.
            gas_used: u64,
        },
        /// A contract is gone, with its storage.
        Terminated {
            /// Its address.
            contract: Address,
        },
        /// Code is kept.
        CodeStored {
            /// keccak256 of it.
            code_hash: Bytes32,
            /// What is held for it.
            deposit_held: BalanceOf<T>,
            /// Who pays that.
            uploader: T::AccountId,
        },
        /// Code is no longer kept.
        CodeRemoved {
            /// keccak256 of it.
            code_hash: Bytes32,
            /// What came back.
            deposit_released: BalanceOf<T>,
            /// To whom.
            remover: T::AccountId,
        },
        /// A contract has other code.
        ContractCodeUpdated {
            /// Its address.
            contract: Address,
            /// keccak256 of what it has now.
            new_code_hash: Bytes32,
            /// keccak256 of what it had.
            old_code_hash: Bytes32,
        },
        /// Currency went to the pallet, which keeps it for an address.
        Deposited {
            /// Whose.
            who: T::AccountId,
            /// For which address.
            address: Address,
            /// How much.
            amount: BalanceOf<T>,
        },
        /// What was kept for an address went back.
        Withdrawn {
            /// To whom.
            who: T::AccountId,
            /// Of which address.
            address: Address,
            /// How much.
            amount: BalanceOf<T>,
        },
    }

    /// What went wrong. Nothing of a call that ends in an error stays.
    #[pallet::error]
    pub enum Error<T> {
        /// Gas, time or proof ran out.
        OutOfGas,
        /// A transfer was impossible: a balance is too low, or currency is held for something else.
        TransferFailed,
        /// Too many messages inside each other.
        MaxCallDepthReached,
        /// There is no contract at the address.
        ContractNotFound,
        /// No code has the hash.
        CodeNotFound,
        /// The contract gave the interface a range outside its memory.
        OutOfBounds,
        /// The contract trapped.
        ContractTrapped,
        /// The contract gave the interface an argument that is out of range.
        ArgumentOutOfRange,
        /// A precompile refused its input.
        PrecompileFailed,
        /// Something is at the address of the new contract already.
        DuplicateContract,
        /// State was to change in a static call.
        StateChangeDenied,
        /// The sender cannot pay the deposit for storage.
        StorageDepositNotEnoughFunds,
        /// The deposit for storage is above the call's limit.
        StorageDepositLimitExhausted,
        /// Contracts have the code.
        CodeInUse,
        /// The contract took its changes back. A dry run has its data.
        ContractReverted,
        /// The code is not a contract: not valid WebAssembly, or against the rules of contracts.
        CodeRejected,
        /// The code is too long.
        BlobTooLarge,
        /// An amount does not fit the chain's currency, or is no whole number of its units.
        BalanceConversionFailed,
        /// The account has no mapping: see `map_account`.
        AccountUnmapped,
        /// The account has a mapping.
        AccountAlreadyMapped,
        /// The address has less than value and gas cost.
        BalanceLow,
        /// The gas price is below the base fee.
        GasPriceTooLow,
        /// The address has sent all transactions that it can.
        NonceExhausted,
        /// Contracts cannot sign.
        OriginIsContract,
        /// All memories together were too large.
        OutOfMemory,
        /// The pallet or its engine is broken.
        Internal,
    }

    /// Code, by its keccak256. At most [`Config::MaxCodeLen`] bytes.
    #[pallet::storage]
    #[pallet::unbounded]
    pub type Codes<T: Config> = StorageMap<_, Identity, Bytes32, Vec<u8>>;

    /// What there is to know of a code.
    #[pallet::storage]
    pub type CodeInfoOf<T: Config> = StorageMap<_, Identity, Bytes32, CodeInfo<T>>;

    /// What the pallet has of addresses. Balances are more than that: see [`Pallet::balance`].
    #[pallet::storage]
    pub type Accounts<T: Config> = StorageMap<_, Blake2_128Concat, Address, Account<T>>;

    /// The accounts behind hashed addresses.
    #[pallet::storage]
    pub type OriginalAccount<T: Config> = StorageMap<_, Identity, Address, T::AccountId>;

    /// The number of the next contract's trie.
    #[pallet::storage]
    pub type NextTrie<T: Config> = StorageValue<_, u64, ValueQuery>;

    /// Tries of contracts that are gone, in order.
    #[pallet::storage]
    pub type DeletionQueue<T: Config> = StorageMap<_, Twox64Concat, u64, u64>;

    /// The next place in the queue.
    #[pallet::storage]
    pub type NextDeletion<T: Config> = StorageValue<_, u64, ValueQuery>;

    /// The first place in the queue that may have something.
    #[pallet::storage]
    pub type FirstDeletion<T: Config> = StorageValue<_, u64, ValueQuery>;

    /// Wei that belongs to nobody any more. The pallet's account still has it.
    #[pallet::storage]
    pub type Burnt<T: Config> = StorageValue<_, U256, ValueQuery>;

    /// What a chain begins with.
    #[pallet::genesis_config]
    #[derive(DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// Contracts, and balances that the pallet keeps.
        pub accounts: BTreeMap<Address, GenesisAccount>,
        /// Accounts that are mapped, without a deposit.
        pub mapped: Vec<T::AccountId>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            Pallet::<T>::endow();
            for account in &self.mapped {
                OriginalAccount::<T>::insert(T::AddressMapper::to_address(account), account);
            }
            for (address, account) in &self.accounts {
                Pallet::<T>::begin(address, account);
            }
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_idle(_: BlockNumberFor<T>, limit: Weight) -> Weight {
            let mut meter = WeightMeter::with_limit(limit);
            state::delete_some::<T>(&mut meter);
            meter.consumed()
        }

        fn integrity_test() {
            execute::integrity::<T>();
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Calls the account at `dest`, and moves `value` there.
        ///
        /// `weight_limit` is time and proof beyond the base weight; seven parts of eight of the time are gas.
        /// `storage_deposit_limit` is the most that new storage may cost the sender. Only mapped accounts.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::call().saturating_add(*weight_limit))]
        pub fn call(
            origin: OriginFor<T>,
            dest: Address,
            #[pallet::compact] value: BalanceOf<T>,
            weight_limit: Weight,
            #[pallet::compact] storage_deposit_limit: BalanceOf<T>,
            data: Vec<u8>,
        ) -> DispatchResultWithPostInfo {
            let origin = ensure_signed(origin)?;
            let base = T::WeightInfo::call();
            let sender = Self::mapped_sender(&origin)?;
            let value = Self::native_to_wei(value);
            let transaction = Transaction { to: Some(dest), ..Self::transaction(sender, value, data) };
            let limits = Limits::of_weight(weight_limit, storage_deposit_limit);
            Self::dispatch(&origin, &transaction, &limits, false, base)
        }

        /// Runs uploaded code to make a contract, with `data` as its call data. The address is that of CREATE, or with `salt`
        /// that of CREATE2.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::instantiate(data.len() as u32).saturating_add(*weight_limit))]
        pub fn instantiate(
            origin: OriginFor<T>,
            #[pallet::compact] value: BalanceOf<T>,
            weight_limit: Weight,
            #[pallet::compact] storage_deposit_limit: BalanceOf<T>,
            code_hash: Bytes32,
            data: Vec<u8>,
            salt: Option<[u8; 32]>,
        ) -> DispatchResultWithPostInfo {
            let origin = T::InstantiateOrigin::ensure_origin(origin)?;
            let base = T::WeightInfo::instantiate(data.len() as u32);
            let code = Codes::<T>::get(code_hash).ok_or(Error::<T>::CodeNotFound)?;
            let sender = Self::mapped_sender(&origin)?;
            let transaction = Self::creation(sender, Self::native_to_wei(value), code, data, salt);
            let limits = Limits::of_weight(weight_limit, storage_deposit_limit);
            Self::dispatch(&origin, &transaction, &limits, false, base)
        }

        /// The same with code that comes along and is not kept: what it leaves is.
        #[pallet::call_index(3)]
        #[pallet::weight(
            T::WeightInfo::instantiate_with_code(code.len() as u32, data.len() as u32).saturating_add(*weight_limit)
        )]
        pub fn instantiate_with_code(
            origin: OriginFor<T>,
            #[pallet::compact] value: BalanceOf<T>,
            weight_limit: Weight,
            #[pallet::compact] storage_deposit_limit: BalanceOf<T>,
            code: Vec<u8>,
            data: Vec<u8>,
            salt: Option<[u8; 32]>,
        ) -> DispatchResultWithPostInfo {
            let origin = T::InstantiateOrigin::ensure_origin(origin)?;
            let base = T::WeightInfo::instantiate_with_code(code.len() as u32, data.len() as u32);
            let sender = Self::mapped_sender(&origin)?;
            let transaction = Self::creation(sender, Self::native_to_wei(value), code, data, salt);
            let limits = Limits::of_weight(weight_limit, storage_deposit_limit);
            Self::dispatch(&origin, &transaction, &limits, false, base)
        }

        /// Keeps code to instantiate contracts of, after validating it. Its deposit is at most `storage_deposit_limit`.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::upload_code(code.len() as u32))]
        pub fn upload_code(
            origin: OriginFor<T>,
            code: Vec<u8>,
            #[pallet::compact] storage_deposit_limit: BalanceOf<T>,
        ) -> DispatchResult {
            let origin = T::UploadOrigin::ensure_origin(origin)?;
            Self::bare_upload_code(&origin, &code, storage_deposit_limit).map(drop)
        }

        /// Forgets code that the sender uploaded and no contract has. Free, if that works.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::remove_code())]
        pub fn remove_code(origin: OriginFor<T>, code_hash: Bytes32) -> DispatchResultWithPostInfo {
            let origin = ensure_signed(origin)?;
            let mut deposits = Deposits::new();
            code::remove_uploaded::<T>(&origin, code_hash, &mut deposits)?;
            deposits.settle(&origin, Zero::zero())?;
            Ok(Pays::No.into())
        }

        /// Gives the contract at `dest` the code that was uploaded with that hash. Root only.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::set_code())]
        pub fn set_code(origin: OriginFor<T>, dest: Address, code_hash: Bytes32) -> DispatchResult {
            ensure_root(origin)?;
            let mut deposits = Deposits::new();
            Self::replace_code(&dest, code_hash, &mut deposits)?;
            deposits.settle(&Self::account_id(), Zero::zero())
        }

        /// Lets the sender's address lead back to it, for a deposit: then its balance is the address's.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::map_account())]
        pub fn map_account(origin: OriginFor<T>) -> DispatchResult {
            let origin = ensure_signed(origin)?;
            T::AddressMapper::map(&origin)
        }

        /// Takes that back, and the deposit.
        #[pallet::call_index(8)]
        #[pallet::weight(T::WeightInfo::unmap_account())]
        pub fn unmap_account(origin: OriginFor<T>) -> DispatchResult {
            let origin = ensure_signed(origin)?;
            T::AddressMapper::unmap(&origin)
        }

        /// Gives the pallet `value` to keep for the sender's address. Needs no mapping.
        #[pallet::call_index(20)]
        #[pallet::weight(T::WeightInfo::deposit_balance())]
        pub fn deposit_balance(origin: OriginFor<T>, value: BalanceOf<T>) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::keep_of(&who, value)?;
            let address = T::AddressMapper::to_address(&who);
            Self::deposit_event(Event::Deposited { who, address, amount: value });
            Ok(())
        }

        /// Takes `value` of what the pallet keeps for the sender's address.
        #[pallet::call_index(21)]
        #[pallet::weight(T::WeightInfo::withdraw_balance())]
        pub fn withdraw_balance(origin: OriginFor<T>, value: BalanceOf<T>) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::return_kept(&who, value)?;
            let address = T::AddressMapper::to_address(&who);
            Self::deposit_event(Event::Withdrawn { who, address, amount: value });
            Ok(())
        }

        /// Calls the account at `target` in Ethereum's words: value in wei, a limit of gas, a price a gas in wei.
        ///
        /// The price is bought before and what was not used comes back; the block's author gets it, but for the base fee. It
        /// comes on top of the fee for the weight. Needs no mapping: then value and gas are paid out of what the pallet keeps.
        #[pallet::call_index(22)]
        #[pallet::weight(T::WeightInfo::call().saturating_add(Pallet::<T>::weight_of_gas(*gas_limit)))]
        pub fn call_with_gas(
            origin: OriginFor<T>,
            target: Address,
            input: Vec<u8>,
            value: U256,
            gas_limit: u64,
            gas_price: U256,
        ) -> DispatchResultWithPostInfo {
            let origin = ensure_signed(origin)?;
            let sender = Self::sender(&origin)?;
            let transaction = Transaction { to: Some(target), gas_price, ..Self::transaction(sender, value, input) };
            Self::dispatch(&origin, &transaction, &Self::limits_of_gas(gas_limit), true, T::WeightInfo::call())
        }

        /// Makes a contract of init code in Ethereum's words, at the address of CREATE. The rest is as with `call_with_gas`.
        #[pallet::call_index(23)]
        #[pallet::weight(
            T::WeightInfo::instantiate_with_code(code.len() as u32, 0)
                .saturating_add(Pallet::<T>::weight_of_gas(*gas_limit))
        )]
        pub fn create(
            origin: OriginFor<T>,
            code: Vec<u8>,
            value: U256,
            gas_limit: u64,
            gas_price: U256,
        ) -> DispatchResultWithPostInfo {
            let origin = T::InstantiateOrigin::ensure_origin(origin)?;
            let base = T::WeightInfo::instantiate_with_code(code.len() as u32, 0);
            let sender = Self::sender(&origin)?;
            let creation = Self::creation(sender, value, code, Vec::new(), None);
            let transaction = Transaction { gas_price, ..creation };
            Self::dispatch(&origin, &transaction, &Self::limits_of_gas(gas_limit), true, base)
        }
    }
}

/// An account that a chain begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GenesisAccount {
    /// Transactions sent, or accounts created.
    pub nonce: u64,
    /// In wei. The chain's currency is issued to back it.
    pub balance: U256,
    /// Its code.
    pub code: Vec<u8>,
    /// Values by key.
    pub storage: BTreeMap<Bytes32, Bytes32>,
}

/// Another pallet's randomness as what contracts see of it.
pub struct RandomnessOf<R, BlockNumber>(core::marker::PhantomData<(R, BlockNumber)>);

impl<R, BlockNumber> Get<Bytes32> for RandomnessOf<R, BlockNumber>
where
    R: frame_support::traits::Randomness<Bytes32, BlockNumber>,
{
    fn get() -> Bytes32 {
        R::random(b"gristmill prevrandao").0
    }
}

impl<T: Config> Pallet<T> {
    /// The pallet's own account: deposits, and what backs the balances that it keeps.
    pub fn account_id() -> T::AccountId {
        T::PalletId::get().into_account_truncating()
    }

    /// The balance of an address, in wei.
    pub fn balance(address: &Address) -> U256 {
        Self::wei(address, Accounts::<T>::get(address).as_ref())
    }

    /// The code of an address.
    pub fn code(address: &Address) -> Vec<u8> {
        let contract = Accounts::<T>::get(address).and_then(|account| account.contract);
        contract.and_then(|contract| Codes::<T>::get(contract.code_hash)).unwrap_or_default()
    }

    /// What a contract has stored under `key`.
    ///
    /// # Errors
    /// There is no contract.
    pub fn storage(address: &Address, key: &Bytes32) -> Result<Option<Bytes32>, ContractAccessError> {
        let contract = Accounts::<T>::get(address).and_then(|account| account.contract);
        let contract = contract.ok_or(ContractAccessError::DoesntExist)?;
        Ok(state::slot(contract.trie, key))
    }

    /// Makes sure that the pallet's account lives.
    pub(crate) fn endow() {
        let (account, least) = (Self::account_id(), T::Currency::minimum_balance());
        if T::Currency::total_balance(&account) < least {
            // Fails where the issuance is at its end; then nothing can be kept, and calls say so.
            let _ = T::Currency::mint_into(&account, least);
        }
    }

    fn mapped_sender(origin: &T::AccountId) -> Result<Address, DispatchError> {
        ensure!(T::AddressMapper::is_mapped(origin), Error::<T>::AccountUnmapped);
        Self::sender(origin)
    }

    pub(crate) fn transaction(sender: Address, value: U256, data: Vec<u8>) -> Transaction {
        Transaction { sender, value, data, gas_price: T::BaseFee::get(), ..Transaction::default() }
    }

    pub(crate) fn creation(
        sender: Address,
        value: U256,
        code: Vec<u8>,
        arguments: Vec<u8>,
        salt: Option<[u8; 32]>,
    ) -> Transaction {
        Transaction { arguments, salt: salt.map(Bytes32::from), ..Self::transaction(sender, value, code) }
    }

    /// What a limit of gas weighs, with the toll that stands beside it.
    pub fn weight_of_gas(gas: u64) -> Weight {
        Self::limits_of_gas(gas).weight()
    }

    pub(crate) fn limits_of_gas(gas: u64) -> Limits<T> {
        Limits::of_gas(gas, sp_runtime::traits::Bounded::max_value())
    }

    fn dispatch(
        origin: &T::AccountId,
        transaction: &Transaction,
        limits: &Limits<T>,
        fees: bool,
        base: Weight,
    ) -> DispatchResultWithPostInfo {
        let post = |consumed: Weight| -> PostDispatchInfo { Some(base.saturating_add(consumed)).into() };
        let done = Self::transact(origin, transaction, limits, fees, false)
            .map_err(|failed| DispatchErrorWithPostInfo { post_info: post(failed.consumed), error: failed.error })?;
        let post_info = post(done.consumed);
        ended::<T>(done.receipt.outcome.status).map_err(|error| DispatchErrorWithPostInfo { post_info, error })?;
        if let Some(contract) = transaction.to {
            let gas_used = u64::try_from(done.receipt.gas_used).unwrap_or(0);
            Self::deposit_event(Event::Called { caller: transaction.sender, contract, gas_used });
        }
        Ok(post_info)
    }

    /// As the call `upload_code`, and returns what it did.
    ///
    /// # Errors
    /// [`Error`].
    pub fn bare_upload_code(
        origin: &T::AccountId,
        code: &[u8],
        storage_deposit_limit: BalanceOf<T>,
    ) -> Result<CodeUploadReturnValue<BalanceOf<T>>, DispatchError> {
        let mut deposits = Deposits::new();
        let (code_hash, deposit) = code::upload::<T>(code, origin, &mut deposits)?;
        deposits.settle(origin, storage_deposit_limit)?;
        Ok(CodeUploadReturnValue { code_hash, deposit })
    }
}

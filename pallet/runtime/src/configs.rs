//! What each pallet is told.

use crate::*;
use frame_support::dispatch::DispatchClass;
use frame_support::traits::{ConstU32, ConstU64, ConstU128, Contains, FindAuthor};
use frame_support::weights::constants::{RocksDbWeight, WEIGHT_REF_TIME_PER_SECOND};
use frame_support::weights::{ConstantMultiplier, IdentityFee, Weight};
use frame_support::{derive_impl, parameter_types};
use frame_system::limits::{BlockLength, BlockWeights};
use pallet_gristmill_jobs::{Budget, PURE, Policy, Rules};
use pallet_transaction_payment::FungibleAdapter;
use sp_runtime::Perbill;

/// Six seconds of a block of twelve, and as much proof as there is: code of a contract costs 200 gas a byte, and 24 KB are to fit.
const MAX_BLOCK: Weight = Weight::from_parts(WEIGHT_REF_TIME_PER_SECOND * 6, u64::MAX);
/// Transactions leave this to what must be in a block.
const NORMAL: Perbill = Perbill::from_percent(75);

parameter_types! {
    pub const BlockHashCount: BlockNumber = 2_400;
    pub const Version: RuntimeVersion = VERSION;
    pub RuntimeBlockLength: BlockLength = BlockLength::builder().max_length(5 * 1024 * 1024).build();
    pub RuntimeBlockWeights: BlockWeights = BlockWeights::builder()
        .for_class(DispatchClass::Normal, |weights| weights.max_total = Some(NORMAL * MAX_BLOCK))
        .for_class(DispatchClass::Operational, |weights| weights.max_total = Some(MAX_BLOCK))
        .build_or_panic();
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = Block;
    type BlockWeights = RuntimeBlockWeights;
    type BlockLength = RuntimeBlockLength;
    type AccountId = AccountId;
    type Nonce = Nonce;
    type Hash = Hash;
    type BlockHashCount = BlockHashCount;
    type DbWeight = RocksDbWeight;
    type Version = Version;
    type AccountData = pallet_balances::AccountData<Balance>;
    type SS58Prefix = frame_support::traits::ConstU16<42>;
    type MaxConsumers = ConstU32<16>;
}

impl pallet_timestamp::Config for Runtime {
    type Moment = u64;
    type OnTimestampSet = ();
    // Blocks are made when there are transactions.
    type MinimumPeriod = ConstU64<1>;
    type WeightInfo = ();
}

impl pallet_balances::Config for Runtime {
    type MaxLocks = ConstU32<50>;
    type MaxReserves = ();
    type ReserveIdentifier = [u8; 8];
    type Balance = Balance;
    type RuntimeEvent = RuntimeEvent;
    type DustRemoval = ();
    type ExistentialDeposit = ConstU128<{ UNIT / 1_000 }>;
    type AccountStore = System;
    type WeightInfo = ();
    type FreezeIdentifier = RuntimeFreezeReason;
    type MaxFreezes = frame_support::traits::VariantCountOf<RuntimeFreezeReason>;
    type RuntimeHoldReason = RuntimeHoldReason;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type DoneSlashHandler = ();
}

parameter_types! {
    pub FeeMultiplier: pallet_transaction_payment::Multiplier = sp_runtime::traits::One::one();
}

impl pallet_transaction_payment::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type OnChargeTransaction = FungibleAdapter<Balances, ()>;
    type OperationalFeeMultiplier = frame_support::traits::ConstU8<5>;
    // A picosecond is a millionth of a millionth of a unit: a second of a block is a unit.
    type WeightToFee = IdentityFee<Balance>;
    type LengthToFee = ConstantMultiplier<Balance, ConstU128<{ UNIT / 1_000_000 }>>;
    type FeeMultiplierUpdate = pallet_transaction_payment::ConstFeeMultiplier<FeeMultiplier>;
    type WeightInfo = ();
}

impl pallet_sudo::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type WeightInfo = ();
}

parameter_types! {
    /// What storage costs; sudo sets these three.
    pub storage DepositPerItem: Balance = UNIT / 100;
    pub storage DepositPerChildTrieItem: Balance = UNIT / 1_000;
    pub storage DepositPerByte: Balance = UNIT / 100_000;
    /// Who gets what gas costs beyond the base fee. There is nobody in this chain's headers: sudo sets it.
    pub storage Author: Option<AccountId> = None;
    /// What contracts see as the beacon chain's randomness; sudo sets it.
    pub storage PrevRandao: sp_core::H256 = sp_core::H256::zero();
    /// Wei a gas that nobody gets; sudo sets it.
    pub storage BaseFee: sp_core::U256 = sp_core::U256::zero();
    /// EIP-155's number; sudo sets it.
    pub storage ChainId: u64 = 1_337;
    pub const Exports: pallet_gristmill::gristmill::Exports = pallet_gristmill::gristmill::Exports::Lenient;
}

/// The [`Author`] that was set.
pub struct SetAuthor;

impl FindAuthor<AccountId> for SetAuthor {
    fn find_author<'a, I>(_: I) -> Option<AccountId>
    where
        I: 'a + IntoIterator<Item = (sp_runtime::ConsensusEngineId, &'a [u8])>,
    {
        Author::get()
    }
}

#[cfg(not(feature = "without-contracts"))]
#[derive_impl(pallet_gristmill::config_preludes::TestDefaultConfig)]
impl pallet_gristmill::Config for Runtime {
    type Balance = Balance;
    type Currency = Balances;
    type AddressMapper = pallet_gristmill::AccountId32Mapper<Self>;
    type WeightInfo = pallet_gristmill::weights::SubstrateWeight<Self>;
    type Precompiles = (pallet_gristmill::Ethereum<Self>, pallet_gristmill::Jobs<Self>);
    type Jobs = Jobs;
    type Exports = Exports;
    type Beyond = frame_support::traits::ConstBool<true>;
    type ChainId = ChainId;
    type BaseFee = BaseFee;
    type PrevRandao = PrevRandao;
    type FindAuthor = SetAuthor;
    type Time = Timestamp;
    type UploadOrigin = frame_system::EnsureSigned<AccountId>;
    type InstantiateOrigin = frame_system::EnsureSigned<AccountId>;
    type DepositPerItem = DepositPerItem;
    type DepositPerChildTrieItem = DepositPerChildTrieItem;
    type DepositPerByte = DepositPerByte;
}

parameter_types! {
    pub const JobsPalletId: frame_support::PalletId = frame_support::PalletId(*b"gm/jobs_");
    /// How long jobs have, how many there may be; sudo sets it.
    pub storage JobRules: Rules<BlockNumber> = Rules {
        quorum: 2,
        workers: 16,
        code: 512 * 1024,
        input: 64 * 1024,
        budget: Budget { gas: 1_000_000_000_000, milliseconds: 30_000, pages: 4_096, output: 64 * 1024 },
        open: 256,
        due: 32,
        round: 50,
        rounds: 3,
        keep: 10_000,
    };
    pub const MinReward: Balance = UNIT / 100;
}

/// Policies that jobs may ask for: computation and nothing beside, and what nodes that classify texts have models for.
pub struct KnownPolicies;

/// Jobs with models. What they may do is in the manifest of each node that is a worker.
const CLASSIFY: &[u8] = b"classify";

impl Contains<Policy> for KnownPolicies {
    fn contains(policy: &Policy) -> bool {
        [PURE, CLASSIFY].contains(&&policy[..])
    }
}

impl pallet_gristmill_jobs::Config for Runtime {
    type Balance = Balance;
    type Currency = Balances;
    #[cfg(not(feature = "without-contracts"))]
    type Unpaid = Contracts;
    #[cfg(feature = "without-contracts")]
    type Unpaid = ();
    type WeightInfo = ();
    type PalletId = JobsPalletId;
    type WorkerKey = pallet_gristmill_jobs::key::WorkerKey;
    type WorkerOrigin = frame_system::EnsureRoot<AccountId>;
    type Policies = KnownPolicies;
    type Rules = JobRules;
    type MinReward = MinReward;
    type DepositPerItem = DepositPerItem;
    type DepositPerByte = DepositPerByte;
}

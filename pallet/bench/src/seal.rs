//! pallet-contracts beside ours: a runtime of its own in the same Wasm, on the same accounts.
//!
//! Nothing of it is called by a node: its functions are called as if they were the demo runtime's. Its pallets have the demo
//! runtime's names, so that both share accounts and the block; only the pallet itself has another.

use alloc::vec::Vec;
use frame_support::traits::{ConstBool, ConstU32, ConstU64, Nothing, Randomness};
use frame_support::weights::Weight;
use frame_support::weights::constants::WEIGHT_REF_TIME_PER_SECOND;
use frame_support::{construct_runtime, derive_impl, parameter_types};
use frame_system::pallet_prelude::BlockNumberFor;
use gristmill_demo_runtime::{AccountId, Balance, Hash, Header, UNIT};
use pallet_contracts::{Code, CollectEvents, DebugInfo, Determinism, Frame, Schedule};
use sp_runtime::generic;

type Block = generic::Block<Header, generic::UncheckedExtrinsic<AccountId, RuntimeCall, (), ()>>;

construct_runtime!(
    pub enum Runtime {
        System: frame_system,
        Timestamp: pallet_timestamp,
        Balances: pallet_balances,
        Seal: pallet_contracts,
    }
);

parameter_types! {
    // Half a second of a block: with more, the pallet's integrity test finds that storage could outgrow a validator.
    pub BlockWeights: frame_system::limits::BlockWeights = frame_system::limits::BlockWeights::simple_max(
        Weight::from_parts(WEIGHT_REF_TIME_PER_SECOND / 2, u64::MAX)
    );
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = Block;
    type BlockWeights = BlockWeights;
    type AccountId = AccountId;
    type Lookup = sp_runtime::traits::IdentityLookup<AccountId>;
    type AccountData = pallet_balances::AccountData<Balance>;
}

impl pallet_timestamp::Config for Runtime {
    type Moment = u64;
    type OnTimestampSet = ();
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
    type ExistentialDeposit = frame_support::traits::ConstU128<{ UNIT / 1_000 }>;
    type AccountStore = System;
    type WeightInfo = ();
    type FreezeIdentifier = RuntimeFreezeReason;
    type MaxFreezes = ();
    type RuntimeHoldReason = RuntimeHoldReason;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type DoneSlashHandler = ();
}

/// The token does not ask.
pub struct NoRandomness;

impl Randomness<Hash, BlockNumberFor<Runtime>> for NoRandomness {
    fn random(_: &[u8]) -> (Hash, BlockNumberFor<Runtime>) {
        (Hash::zero(), 0)
    }
}

parameter_types! {
    pub TheSchedule: Schedule<Runtime> = Default::default();
    // As the demo runtime's.
    pub const DepositPerItem: Balance = UNIT / 1_000;
    pub const DepositPerByte: Balance = UNIT / 100_000;
    pub const DefaultDepositLimit: Balance = 1_000 * UNIT;
}

#[derive_impl(pallet_contracts::config_preludes::TestDefaultConfig)]
impl pallet_contracts::Config for Runtime {
    type Time = Timestamp;
    type Randomness = NoRandomness;
    type Currency = Balances;
    type CallFilter = Nothing;
    type WeightInfo = pallet_contracts::weights::SubstrateWeight<Self>;
    type Schedule = TheSchedule;
    type CallStack = [Frame<Self>; 5];
    type DepositPerByte = DepositPerByte;
    type DefaultDepositLimit = DefaultDepositLimit;
    type DepositPerItem = DepositPerItem;
    type UnsafeUnstableInterface = ConstBool<false>;
    type UploadOrigin = frame_system::EnsureSigned<AccountId>;
    type InstantiateOrigin = frame_system::EnsureSigned<AccountId>;
}

const LIMIT: Weight = Weight::from_parts(4 * WEIGHT_REF_TIME_PER_SECOND, 10_000_000);

/// Makes a contract of the code; its account.
///
/// # Panics
/// When the pallet refuses.
pub fn deploy(sender: &AccountId, code: Vec<u8>) -> AccountId {
    let (debug, events) = (DebugInfo::Skip, CollectEvents::Skip);
    let code = Code::Upload(code);
    let made = Seal::bare_instantiate(sender.clone(), 0, LIMIT, None, code, Vec::new(), Vec::new(), debug, events);
    made.result.expect("the contract can be made").account_id
}

/// Sends the transactions one after the other; how many succeeded.
pub fn calls(sender: &AccountId, dest: &AccountId, inputs: Vec<Vec<u8>>) -> u32 {
    let succeeded = |input| {
        let (debug, events, code) = (DebugInfo::Skip, CollectEvents::Skip, Determinism::Enforced);
        let done = Seal::bare_call(sender.clone(), dest.clone(), 0, LIMIT, None, input, debug, events, code);
        done.result.is_ok_and(|returned| !returned.did_revert())
    };
    inputs.into_iter().filter(|input| succeeded(input.clone())).count() as u32
}

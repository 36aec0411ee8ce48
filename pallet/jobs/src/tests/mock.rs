//! A chain in memory with the pallet, workers and users.

use crate as pallet_gristmill_jobs;
use crate::key::{WorkerKey, WorkerPair};
use crate::*;
use frame_support::traits::{ConstU32, ConstU128, Hooks, VariantCountOf};
use frame_support::{construct_runtime, derive_impl, parameter_types};
use frame_system::offchain::{CreateTransaction, CreateTransactionBase};
use sp_core::Pair;
use sp_runtime::generic::UncheckedExtrinsic;
use sp_runtime::{AccountId32, BuildStorage};

pub type Extrinsic = UncheckedExtrinsic<AccountId32, RuntimeCall, (), frame_system::AuthorizeCall<Test>>;
type Block = frame_system::mocking::MockBlock<Test>;

construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        JobsPallet: pallet_gristmill_jobs,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
    type AccountId = AccountId32;
    type Lookup = sp_runtime::traits::IdentityLookup<AccountId32>;
    type AccountData = pallet_balances::AccountData<u128>;
}

impl pallet_balances::Config for Test {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeHoldReason = RuntimeHoldReason;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type WeightInfo = ();
    type Balance = u128;
    type DustRemoval = ();
    type ExistentialDeposit = ConstU128<ED>;
    type AccountStore = System;
    type ReserveIdentifier = [u8; 8];
    type FreezeIdentifier = RuntimeFreezeReason;
    type MaxLocks = ConstU32<0>;
    type MaxReserves = ConstU32<0>;
    type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
    type DoneSlashHandler = ();
}

impl<C> CreateTransactionBase<C> for Test
where
    RuntimeCall: From<C>,
{
    type Extrinsic = Extrinsic;
    type RuntimeCall = RuntimeCall;
}

impl<C> CreateTransaction<C> for Test
where
    RuntimeCall: From<C>,
{
    type Extension = frame_system::AuthorizeCall<Test>;

    fn create_transaction(call: RuntimeCall, extension: Self::Extension) -> Extrinsic {
        Extrinsic::new_transaction(call, extension)
    }
}

impl<C> CreateAuthorizedTransaction<C> for Test
where
    RuntimeCall: From<C>,
{
    fn create_extension() -> Self::Extension {
        frame_system::AuthorizeCall::new()
    }
}

pub const ED: u128 = 10;
pub const RICH: u128 = 1_000_000_000;
pub const BUDGET: Budget = Budget { gas: 1_000, milliseconds: 1_000, pages: 16, output: 64 };

parameter_types! {
    pub const Id: PalletId = PalletId(*b"gm/jobs_");
    pub const MinReward: u128 = 100;
    pub const PerItem: u128 = 1_000;
    pub const PerByte: u128 = 1;
    pub static Numbers: Rules<u64> = Rules {
        quorum: 2,
        workers: 4,
        code: 1_000,
        input: 100,
        budget: BUDGET,
        open: 8,
        due: 4,
        round: 10,
        rounds: 3,
        keep: 20,
    };
}

pub struct Pure;

impl Contains<Policy> for Pure {
    fn contains(policy: &Policy) -> bool {
        policy[..] == *PURE
    }
}

impl Config for Test {
    type Balance = u128;
    type Currency = Balances;
    type Unpaid = ();
    type WeightInfo = ();
    type PalletId = Id;
    type WorkerKey = WorkerKey;
    type WorkerOrigin = frame_system::EnsureRoot<AccountId32>;
    type Policies = Pure;
    type Rules = Numbers;
    type MinReward = MinReward;
    type DepositPerItem = PerItem;
    type DepositPerByte = PerByte;
}

pub const ALICE: AccountId32 = AccountId32::new([1; 32]);
pub const BOB: AccountId32 = AccountId32::new([2; 32]);
pub const CODE: &[u8] = b"\0asm: nobody looks at it here";

/// The account of a worker.
pub fn worker(number: u8) -> AccountId32 {
    AccountId32::new([100 + number; 32])
}

/// Its key. It is in no keystore.
pub fn pair(number: u8) -> WorkerPair {
    WorkerPair::from_seed(&[number; 32])
}

/// A chain with workers 1, 2 and 3, in its first block.
pub fn genesis() -> sp_io::TestExternalities {
    let workers = (1..=3).map(|number| (worker(number), pair(number).public())).collect();
    let config = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: [ALICE, BOB].into_iter().chain((1..=4).map(worker)).map(|account| (account, RICH)).collect(),
            ..Default::default()
        },
        jobs_pallet: GenesisConfig { workers },
        ..Default::default()
    };
    let mut chain: sp_io::TestExternalities = config.build_storage().expect("the genesis builds").into();
    chain.execute_with(|| System::set_block_number(1));
    chain
}

/// Runs a test on it, and looks at the books afterwards.
pub fn chain<R>(test: impl FnOnce() -> R) -> R {
    genesis().execute_with(|| {
        let result = test();
        check_books();
        result
    })
}

pub fn signed(account: &AccountId32) -> RuntimeOrigin {
    RuntimeOrigin::signed(account.clone())
}

pub fn pure() -> Policy {
    PURE.to_vec().try_into().expect("it is short")
}

/// Submits a job for Alice.
pub fn submit(input: &[u8], reward: u128) -> DispatchResult {
    let code = JobCode::Inline(CODE.to_vec());
    JobsPallet::submit_job(signed(&ALICE), code, input.to_vec(), pure(), BUDGET, reward)
}

/// The job that was submitted last.
pub fn last() -> JobId {
    NextJob::<Test>::get() - 1
}

pub fn found(bytes: &[u8]) -> Outcome {
    Outcome::Completed(bytes.to_vec())
}

/// An answer of a worker, in the job's present round, in a transaction of its own.
pub fn answer(number: u8, job: JobId, outcome: Outcome) -> DispatchResult {
    let round = Jobs::<Test>::get(job).map_or(0, |job| job.round);
    JobsPallet::submit_result(signed(&worker(number)), job, round, outcome)
}

/// Goes on to block `number`.
pub fn run_to(number: u64) {
    while System::block_number() < number {
        System::set_block_number(System::block_number() + 1);
        JobsPallet::on_initialize(System::block_number());
    }
}

/// What the pallet's account has is what it owes; lists and maps agree.
pub fn check_books() {
    let jobs: Vec<_> = Jobs::<Test>::iter().collect();
    let owed: u128 = jobs
        .iter()
        .map(|(_, job)| job.deposit + if job.kept_until.is_none() { job.reward } else { 0 })
        .chain(CodeInfoOf::<Test>::iter_values().map(|info| info.deposit))
        .sum();
    assert_eq!(
        Balances::free_balance(JobsPallet::account_id()),
        ED + owed + Stranded::<Test>::get(),
        "the pallet's account"
    );
    let mut open: Vec<_> = jobs.iter().filter(|(_, job)| job.kept_until.is_none()).map(|(id, _)| *id).collect();
    open.sort();
    assert_eq!(Queue::<Test>::get(), open, "the queue, the oldest first");
    for (id, job) in &jobs {
        assert_eq!(Ends::<Test>::contains_key(id), job.kept_until.is_some(), "an end for each closed job");
        assert_eq!(Due::<Test>::get(job.due).iter().filter(|due| *due == id).count(), 1, "each falls due once");
    }
    let due: usize = Due::<Test>::iter_values().map(|list| list.len()).sum();
    assert_eq!(due, jobs.len(), "nothing else falls due");
    assert!(Due::<Test>::iter_values().all(|list| list.len() <= Numbers::get().due as usize));
    for (hash, info) in CodeInfoOf::<Test>::iter() {
        let users = jobs.iter().filter(|(_, job)| job.kept_until.is_none() && job.code_hash == hash).count();
        assert_eq!(users as u32, info.users, "users of a code");
        assert!(users > 0 || info.uploaded, "code that nobody needs is gone");
        assert!(Codes::<Test>::contains_key(hash));
    }
    assert_eq!(Codes::<Test>::iter().count(), CodeInfoOf::<Test>::iter().count());
    assert_eq!(Inputs::<Test>::iter().count(), open.len(), "inputs of open jobs alone");
    assert!(Answers::<Test>::iter_keys().all(|id| open.contains(&id)), "answers of open jobs alone");
}

//! A chain in memory with the pallet, and contracts to try it with.

pub use super::contracts::*;
use crate::*;
use frame_support::traits::{ConstU64, VariantCountOf};
use frame_support::{assert_ok, construct_runtime, derive_impl, parameter_types};
use sp_runtime::{AccountId32, BuildStorage};

type Block = frame_system::mocking::MockBlock<Test>;

construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        Contracts: crate,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
    type AccountId = AccountId32;
    type Lookup = sp_runtime::traits::IdentityLookup<AccountId32>;
    type AccountData = pallet_balances::AccountData<u128>;
    type Version = Version;
}

impl pallet_balances::Config for Test {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeHoldReason = RuntimeHoldReason;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type WeightInfo = ();
    type Balance = u128;
    type DustRemoval = ();
    type ExistentialDeposit = Ed;
    type AccountStore = System;
    type ReserveIdentifier = [u8; 8];
    type FreezeIdentifier = RuntimeFreezeReason;
    type MaxLocks = ();
    type MaxReserves = ();
    type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
    type DoneSlashHandler = ();
}

/// The existential deposit.
pub const ED: u128 = 10;
/// Wei in a unit of currency.
pub const RATIO: u128 = 1_000_000;
/// What each of the accounts has at first.
pub const RICH: u128 = 1_000_000_000_000;

parameter_types! {
    pub const Ed: u128 = ED;
    pub static SpecVersion: u32 = 7;
    pub static Now: u64 = 1_600_000_000_999;
    pub static Author: Option<AccountId32> = None;
    pub static Fee: U256 = U256::zero();
    pub static Rules: Revision = Revision::Prague;
    pub static PerItem: u128 = 1_000;
    pub static PerSlot: u128 = 100;
    pub static PerByte: u128 = 1;
    pub Version: sp_version::RuntimeVersion =
        sp_version::RuntimeVersion { spec_version: SpecVersion::get(), ..Default::default() };
}

/// The time that a test says.
pub struct Clock;

impl Time for Clock {
    type Moment = u64;

    fn now() -> u64 {
        Now::get()
    }
}

/// The author that a test says.
pub struct SetAuthor;

impl FindAuthor<AccountId32> for SetAuthor {
    fn find_author<'a, I>(_: I) -> Option<AccountId32>
    where
        I: 'a + IntoIterator<Item = (sp_runtime::ConsensusEngineId, &'a [u8])>,
    {
        Author::get()
    }
}

#[derive_impl(crate::config_preludes::TestDefaultConfig)]
impl Config for Test {
    type Balance = u128;
    type Currency = Balances;
    type AddressMapper = AccountId32Mapper<Self>;
    type Precompiles = Ethereum<Self>;
    type Beyond = frame_support::traits::ConstBool<true>;
    type ChainId = ConstU64<1_337>;
    type BaseFee = Fee;
    type Revision = Rules;
    type FindAuthor = SetAuthor;
    type Time = Clock;
    type UploadOrigin = frame_system::EnsureSigned<AccountId32>;
    type InstantiateOrigin = frame_system::EnsureSigned<AccountId32>;
    type DepositPerItem = PerItem;
    type DepositPerChildTrieItem = PerSlot;
    type DepositPerByte = PerByte;
}

pub const ALICE: AccountId32 = AccountId32::new([1; 32]);
pub const BOB: AccountId32 = AccountId32::new([2; 32]);
/// Has money and no mapping.
pub const CHARLIE: AccountId32 = AccountId32::new([3; 32]);

/// Plenty of weight.
pub const PLENTY: Weight = Weight::from_parts(1_000_000_000_000, 10_000_000);
/// Plenty of deposit.
pub const MUCH: u128 = u128::MAX;

/// A chain where Alice, Bob and Charlie are rich, and all but Charlie mapped.
pub fn externalities() -> sp_io::TestExternalities {
    let config = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: vec![(ALICE, RICH), (BOB, RICH), (CHARLIE, RICH)],
            ..Default::default()
        },
        contracts: GenesisConfig { mapped: vec![ALICE, BOB], ..Default::default() },
        ..Default::default()
    };
    config.build_storage().expect("the genesis builds").into()
}

/// Runs a test on it.
pub fn chain<R>(test: impl FnOnce() -> R) -> R {
    externalities().execute_with(|| {
        System::set_block_number(10);
        let result = test();
        check_books();
        result
    })
}

pub fn address(account: &AccountId32) -> Address {
    AccountId32Mapper::<Test>::to_address(account)
}

pub fn signed(account: &AccountId32) -> RuntimeOrigin {
    RuntimeOrigin::signed(account.clone())
}

/// Money is where the pallet says: deposits are held, balances are backed.
pub fn check_books() {
    use frame_support::traits::fungible::InspectHold;
    let pot = Contracts::account_id();
    let sum = |amounts: &mut dyn Iterator<Item = u128>| amounts.sum::<u128>();
    let contracts = sum(&mut Accounts::<Test>::iter_values().filter_map(|a| a.contract).map(|c| c.deposit));
    assert_eq!(contracts, Balances::balance_on_hold(&HoldReason::StorageDepositReserve.into(), &pot), "deposits");
    let codes = sum(&mut CodeInfoOf::<Test>::iter_values().map(|info| info.deposit));
    assert_eq!(codes, Balances::balance_on_hold(&HoldReason::CodeUploadDepositReserve.into(), &pot), "code deposits");
    let kept = Accounts::<Test>::iter_values().fold(Burnt::<Test>::get(), |sum, account| sum + account.kept);
    let backing = Contracts::native_to_wei(Balances::free_balance(&pot) - ED);
    assert_eq!(kept, backing, "what is kept is backed");
    for (hash, info) in CodeInfoOf::<Test>::iter() {
        let users = Accounts::<Test>::iter_values().filter_map(|a| a.contract).filter(|c| c.code_hash == hash);
        assert_eq!(users.count() as u64, info.users, "users of a code");
        assert_eq!(Codes::<Test>::get(hash).map(|code| code.len() as u32), Some(info.length));
    }
}

/// Deploys a contract for Alice, with `value`; its address.
pub fn deploy_with(runtime: &str, value: u128) -> Address {
    let nonce = Accounts::<Test>::get(address(&ALICE)).unwrap_or_default().nonce;
    assert_ok!(Contracts::instantiate_with_code(signed(&ALICE), value, PLENTY, MUCH, deployer(runtime), vec![], None));
    gristmill::contract::create_address(&address(&ALICE), nonce)
}

/// Deploys a contract for Alice; its address.
pub fn deploy(runtime: &str) -> Address {
    deploy_with(runtime, 0)
}

/// Calls for Alice.
pub fn call(dest: Address, data: &[u8]) -> DispatchResultWithPostInfo {
    Contracts::call(signed(&ALICE), dest, 0, PLENTY, MUCH, data.to_vec())
}

/// What a dry call by Alice returns.
pub fn ask(dest: Address, data: &[u8]) -> ExecReturnValue {
    Contracts::dry_call(&ALICE, dest, U256::zero(), None, None, data.to_vec()).result.expect("the call works")
}

pub fn slot(dest: Address, key: u64) -> u64 {
    let value = Contracts::storage(&dest, &Bytes32::from_low_u64_be(key)).expect("a contract");
    value.unwrap_or_default().to_low_u64_be()
}

pub fn items(dest: Address) -> u32 {
    Accounts::<Test>::get(dest).and_then(|account| account.contract).map_or(0, |contract| contract.items)
}

//! A chain in memory with the pallet, and contracts to try it with.

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

/// Runs a test on a chain where Alice, Bob and Charlie are rich, and all but Charlie mapped.
pub fn chain<R>(test: impl FnOnce() -> R) -> R {
    let config = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: vec![(ALICE, RICH), (BOB, RICH), (CHARLIE, RICH)],
            ..Default::default()
        },
        contracts: GenesisConfig { mapped: vec![ALICE, BOB], ..Default::default() },
        ..Default::default()
    };
    let storage = config.build_storage().expect("the genesis builds");
    sp_io::TestExternalities::new(storage).execute_with(|| {
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

/// Creation code that leaves the contract of `runtime`, a module in text.
pub fn deployer(runtime: &str) -> Vec<u8> {
    deployer_of(&wat::parse_str(runtime).expect("a module"))
}

/// The same of a module in bytes.
pub fn deployer_of(runtime: &[u8]) -> Vec<u8> {
    let data: String = runtime.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let pages = runtime.len() / 65_536 + 1;
    wat::parse_str(format!(
        r#"(module
            (import "ethereum" "finish" (func $finish (param i32 i32)))
            (memory (export "memory") {pages})
            (data (i32.const 0) "{data}")
            (func (export "main") (call $finish (i32.const 0) (i32.const {}))))"#,
        runtime.len()
    ))
    .expect("a module")
}

/// Imports that contracts of tests choose from, each with the memory they write to.
pub const IMPORTS: &str = r#"
    (import "ethereum" "finish" (func $finish (param i32 i32)))
    (import "ethereum" "revert" (func $revert (param i32 i32)))
    (import "ethereum" "storageStore" (func $store (param i32 i32)))
    (import "ethereum" "storageLoad" (func $load (param i32 i32)))
    (import "ethereum" "getCallDataSize" (func $size (result i32)))
    (import "ethereum" "callDataCopy" (func $data (param i32 i32 i32)))
    (import "ethereum" "call" (func $call (param i64 i32 i32 i32 i32) (result i32)))
    (import "ethereum" "callStatic" (func $static (param i64 i32 i32 i32) (result i32)))
    (import "ethereum" "callDelegate" (func $delegate (param i64 i32 i32 i32) (result i32)))
    (import "ethereum" "create2" (func $create2 (param i32 i32 i32 i32 i32) (result i32)))
    (import "ethereum" "getReturnDataSize" (func $returned (result i32)))
    (import "ethereum" "returnDataCopy" (func $returnedCopy (param i32 i32 i32)))
    (import "ethereum" "selfDestruct" (func $destroy (param i32)))
    (import "ethereum" "log" (func $log (param i32 i32 i32 i32 i32 i32 i32)))
    (import "ethereum" "getBlockTimestamp" (func $timestamp (result i64)))
    (import "ethereum" "getGasLeft" (func $gas (result i64)))
    (import "ethereum" "getAddress" (func $address (param i32)))
    (import "ethereum" "getCaller" (func $caller (param i32)))
    (memory (export "memory") 1)
"#;

/// A contract whose `main` is `body`, with [`IMPORTS`].
pub fn contract(body: &str) -> String {
    format!("(module {IMPORTS} (func (export \"main\") {body}))")
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

/// Stores the 32 bytes at offset 32 of its call data under the 32 bytes at 0; returns what was there.
pub fn keeper() -> String {
    contract(
        "(call $data (i32.const 0) (i32.const 0) (i32.const 64))
         (call $load (i32.const 0) (i32.const 64))
         (call $store (i32.const 0) (i32.const 32))
         (call $finish (i32.const 64) (i32.const 32))",
    )
}

pub fn word(value: u64) -> [u8; 32] {
    Bytes32::from_low_u64_be(value).0
}

/// Call data for [`keeper`].
pub fn set(key: u64, value: u64) -> Vec<u8> {
    [word(key), word(value)].concat()
}

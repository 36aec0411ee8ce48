//! The runtime of the README's first page: the lines there are lines here, and a contract runs.
// What the macro makes asks for a feature of runtimes, and has no documentation of its own.
#![allow(missing_docs, unexpected_cfgs)]

use frame_support::traits::{ConstU32, ConstU64, ConstU128};
use frame_support::weights::Weight;
use frame_support::{assert_ok, derive_impl, parameter_types};
use frame_system::EnsureSigned;
use gristmill_pallet_tests::contracts::{deployer, keeper, set, word};
use pallet_gristmill::gristmill::contract::{Bytes32, create_address};
use pallet_gristmill::{AccountId32Mapper, AddressMapper};
use sp_runtime::{AccountId32, BuildStorage};

type AccountId = AccountId32;
type Balance = u128;
type Block = frame_system::mocking::MockBlock<Runtime>;

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeTask
    )]
    pub struct Runtime;

    #[runtime::pallet_index(0)]
    pub type System = frame_system::Pallet<Runtime>;
    #[runtime::pallet_index(1)]
    pub type Timestamp = pallet_timestamp::Pallet<Runtime>;
    #[runtime::pallet_index(2)]
    pub type Balances = pallet_balances::Pallet<Runtime>;
    #[runtime::pallet_index(5)]
    pub type Contracts = pallet_gristmill::Pallet<Runtime>;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = Block;
    type AccountId = AccountId;
    type Lookup = sp_runtime::traits::IdentityLookup<AccountId>;
    type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Runtime {}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Runtime {
    type Balance = Balance;
    type ExistentialDeposit = ConstU128<10>;
    type AccountStore = System;
    type MaxFreezes = ConstU32<0>;
}

parameter_types! {
    pub const DepositPerItem: Balance = 1_000;
    pub const DepositPerChildTrieItem: Balance = 100;
    pub const DepositPerByte: Balance = 1;
}

#[derive_impl(pallet_gristmill::config_preludes::TestDefaultConfig)]
impl pallet_gristmill::Config for Runtime {
    type Balance = Balance;
    type Currency = Balances;
    type AddressMapper = pallet_gristmill::AccountId32Mapper<Self>; // or H160Mapper
    type WeightInfo = pallet_gristmill::weights::SubstrateWeight<Self>; // or your machine's
    type Precompiles = pallet_gristmill::Ethereum<Self>; // or a tuple with your own
    type Time = Timestamp;
    type FindAuthor = (); // the coinbase
    type ChainId = ConstU64<1337>;
    type UploadOrigin = EnsureSigned<AccountId>;
    type InstantiateOrigin = EnsureSigned<AccountId>;
    type DepositPerItem = DepositPerItem;
    type DepositPerChildTrieItem = DepositPerChildTrieItem;
    type DepositPerByte = DepositPerByte;
}

/// Indentation apart.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).collect()
}

#[test]
fn the_lines_of_the_readme_are_those_of_this_runtime() {
    let readme = include_str!("../../README.md");
    let here = lines(include_str!("quick_start.rs"));
    let blocks: Vec<_> = readme.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 2, "the configuration, and the pallet in the runtime");
    for block in blocks {
        let block = lines(block);
        assert!(here.windows(block.len()).any(|window| window == block), "{block:#?}");
    }
}

#[test]
fn contracts_run_in_it() {
    const ALICE: AccountId = AccountId32::new([1; 32]);
    const PLENTY: Weight = Weight::from_parts(1_000_000_000_000, 10_000_000);
    let config = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig { balances: vec![(ALICE, 1_000_000_000)], ..Default::default() },
        ..Default::default()
    };
    let mut chain: sp_io::TestExternalities = config.build_storage().expect("the genesis builds").into();
    chain.execute_with(|| {
        System::set_block_number(1);
        let signed = || RuntimeOrigin::signed(ALICE);
        assert_ok!(Contracts::map_account(signed()));
        let deposit = 1_000_000;
        assert_ok!(Contracts::instantiate_with_code(signed(), 0, PLENTY, deposit, deployer(&keeper()), vec![], None));
        let keeper = create_address(&AccountId32Mapper::<Runtime>::to_address(&ALICE), 0);
        assert_ok!(Contracts::call(signed(), keeper, 0, PLENTY, deposit, set(1, 7)));
        assert_eq!(Contracts::storage(&keeper, &Bytes32::from(word(1))), Ok(Some(Bytes32::from(word(7)))));
    });
}

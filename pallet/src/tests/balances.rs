//! The pallet keeps currency for addresses, and gives it back.

use super::mock::*;
use crate::*;
use frame_support::traits::fungible::Mutate as _;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::BuildStorage;

#[test]
fn what_is_deposited_can_be_withdrawn() {
    chain(|| {
        let (before, address) = (Balances::free_balance(&CHARLIE), address(&CHARLIE));
        assert_ok!(Contracts::deposit_balance(signed(&CHARLIE), 700));
        System::assert_last_event(Event::Deposited { who: CHARLIE, address, amount: 700 }.into());
        assert_eq!(Balances::free_balance(&CHARLIE), before - 700);
        assert_eq!(Contracts::balance(&address), (700 * RATIO).into());
        assert_noop!(Contracts::withdraw_balance(signed(&CHARLIE), 701), Error::<Test>::BalanceLow);
        assert_ok!(Contracts::withdraw_balance(signed(&CHARLIE), 700));
        System::assert_last_event(Event::Withdrawn { who: CHARLIE, address, amount: 700 }.into());
        assert_eq!(Balances::free_balance(&CHARLIE), before);
        assert!(Accounts::<Test>::get(address).is_none());
        assert_noop!(Contracts::deposit_balance(signed(&CHARLIE), before), Error::<Test>::BalanceLow);
    });
}

#[test]
fn a_mapped_account_has_one_balance() {
    chain(|| {
        let wei = Contracts::balance(&address(&ALICE));
        assert_eq!(wei, ((RICH - ED) * RATIO).into(), "all but the existential deposit");
        assert_ok!(Contracts::deposit_balance(signed(&ALICE), 700));
        assert_eq!(Contracts::balance(&address(&ALICE)), wei, "kept or not, it is the address's");
    });
}

#[test]
fn an_unmapped_account_has_what_is_kept() {
    chain(|| {
        assert_eq!(Contracts::balance(&address(&CHARLIE)), U256::zero());
        assert_ok!(Contracts::deposit_balance(signed(&CHARLIE), 5));
        assert_ok!(Contracts::map_account(signed(&CHARLIE)));
        let free = Balances::free_balance(&CHARLIE);
        assert_eq!(Contracts::balance(&address(&CHARLIE)), ((free - ED + 5) * RATIO).into(), "mapped, it has both");
    });
}

#[test]
fn currency_sent_to_a_contracts_account_is_the_contracts() {
    chain(|| {
        let contract = deploy(&contract(""));
        let own = AccountId32Mapper::<Test>::to_fallback_account_id(&contract);
        assert_ok!(Balances::transfer(&ALICE, &own, 500, frame_support::traits::tokens::Preservation::Preserve));
        assert_eq!(Contracts::balance(&contract), ((500 - ED) * RATIO).into());
        // What it gets from now on goes to its account.
        assert_ok!(Contracts::call(signed(&ALICE), contract, 40, PLENTY, MUCH, vec![]));
        assert_eq!(Balances::free_balance(&own), 540);
    });
}

#[test]
fn a_chain_begins_with_accounts_and_contracts() {
    let (rich, kept) = (Address::repeat_byte(1), Address::repeat_byte(2));
    let code = wat::parse_str(keeper()).unwrap();
    let storage = [(Bytes32::from_low_u64_be(4), Bytes32::from_low_u64_be(5))].into();
    let accounts = [
        (rich, GenesisAccount { balance: 1_234_567.into(), ..Default::default() }),
        (kept, GenesisAccount { nonce: 1, code: code.clone(), storage, ..Default::default() }),
    ];
    let config = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig { balances: vec![(ALICE, RICH)], ..Default::default() },
        contracts: GenesisConfig { accounts: accounts.into(), mapped: vec![ALICE] },
        ..Default::default()
    };
    sp_io::TestExternalities::new(config.build_storage().unwrap()).execute_with(|| {
        System::set_block_number(1);
        assert_eq!(Contracts::balance(&rich), 1_234_567.into());
        assert_eq!(Balances::free_balance(Contracts::account_id()), ED + 2, "two units back a million and some wei");
        assert_eq!((slot(kept, 4), Contracts::code(&kept)), (5, code));
        assert_eq!(CodeInfoOf::<Test>::iter_values().next().unwrap().validated_by, None);
        assert_ok!(call(kept, &set(4, 6)));
        assert_eq!(slot(kept, 4), 6);
        let info = CodeInfoOf::<Test>::iter_values().next().unwrap();
        assert_eq!(info.validated_by, Some(SpecVersion::get()), "the first call has validated it");
    });
}

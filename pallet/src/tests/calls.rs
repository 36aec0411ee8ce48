//! Instantiating and calling: values, logs, addresses, errors.

use super::mock::*;
use crate::*;
use frame_support::{assert_noop, assert_ok};
use gristmill::contract::{create_address, create2_address};

#[test]
fn a_contract_keeps_what_it_stores() {
    chain(|| {
        let keeper = deploy(&keeper());
        assert_ok!(call(keeper, &set(1, 7)));
        assert_eq!(slot(keeper, 1), 7);
        assert_eq!(ask(keeper, &set(1, 8)).data, word(7));
        assert_eq!(slot(keeper, 1), 7, "a dry run changes nothing");
        assert_ok!(call(keeper, &set(1, 0)));
        assert_eq!((slot(keeper, 1), items(keeper)), (0, 0));
    });
}

#[test]
fn addresses_are_ethereums() {
    chain(|| {
        let (code, sender) = (deployer(&keeper()), address(&ALICE));
        let salt = [9; 32];
        let make = |salt| Contracts::instantiate_with_code(signed(&ALICE), 0, PLENTY, MUCH, code.clone(), vec![], salt);
        assert_ok!(make(None));
        assert_ok!(make(Some(salt)));
        assert_ok!(make(None));
        for contract in
            [create_address(&sender, 0), create2_address(&sender, &salt.into(), &code), create_address(&sender, 2)]
        {
            System::assert_has_event(Event::Instantiated { deployer: sender, contract }.into());
            assert!(!Contracts::code(&contract).is_empty());
        }
        assert_eq!(Codes::<Test>::iter().count(), 1, "one code, three contracts");
        assert_eq!(make(Some(salt)).unwrap_err().error, Error::<Test>::DuplicateContract.into());
    });
}

/// The vector of the substrate-ssvm-node documentation: what Alice of `//Alice` creates first.
#[test]
fn the_address_that_pallet_ssvm_documents() {
    let alice = sp_core::crypto::Ss58Codec::from_ss58check("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
    let alice: sp_runtime::AccountId32 = alice.expect("a well-known account");
    assert_eq!(hex::encode(address(&alice)), "9621dde636de098b43efb0fa9b61facfe328f99d");
    assert_eq!(hex::encode(create_address(&address(&alice), 0)), "e2a313e210a6ec1d5a9c0806545670f2e6264f86");
}

#[test]
fn init_code_sees_its_arguments() {
    chain(|| {
        let init = wat::parse_str(contract(
            "(call $data (i32.const 0) (i32.const 0) (call $size))
             (call $store (i32.const 0) (i32.const 32))",
        ))
        .unwrap();
        let contract = create_address(&address(&ALICE), 0);
        assert_ok!(Contracts::instantiate_with_code(signed(&ALICE), 0, PLENTY, MUCH, init, set(3, 4), None));
        assert_eq!(slot(contract, 3), 4);
        assert!(Contracts::code(&contract).is_empty());
    });
}

#[test]
fn value_moves_with_dust() {
    chain(|| {
        // Sends 1,500,000 wei, a unit and a half, to the address in its call data.
        let sender = deploy_with(
            &contract(
                "(call $data (i32.const 0) (i32.const 0) (i32.const 20))
                 (i64.store (i32.const 32) (i64.const 1500000))
                 (drop (call $call (i64.const 100000) (i32.const 0) (i32.const 32) (i32.const 0) (i32.const 0)))",
            ),
            10,
        );
        assert_eq!(Contracts::balance(&sender), (10 * RATIO).into());
        let (before, bob) = (Balances::free_balance(&BOB), address(&BOB));
        assert_ok!(call(sender, bob.as_bytes()));
        assert_eq!(Contracts::balance(&sender), (10 * RATIO - 1_500_000).into());
        assert_eq!(Balances::free_balance(&BOB), before + 1, "a whole unit is currency");
        assert_eq!(Accounts::<Test>::get(bob).unwrap().kept, 500_000.into(), "the rest is kept");
        assert_ok!(call(sender, bob.as_bytes()));
        assert_eq!(Balances::free_balance(&BOB), before + 3, "two halves are a whole");
        assert!(Accounts::<Test>::get(bob).is_none());
        // Nobody's address: all of it is kept.
        let nobody = Address::repeat_byte(0x77);
        assert_ok!(call(sender, nobody.as_bytes()));
        assert_eq!(Contracts::balance(&nobody), 1_500_000.into());
    });
}

#[test]
fn the_sender_pays_the_value() {
    chain(|| {
        let receiver = deploy(&contract(""));
        let before = Balances::free_balance(&ALICE);
        assert_ok!(Contracts::call(signed(&ALICE), receiver, 500, PLENTY, MUCH, vec![]));
        assert_eq!(Balances::free_balance(&ALICE), before - 500);
        assert_eq!(Contracts::balance(&receiver), (500 * RATIO).into());
        let all = Balances::free_balance(&ALICE);
        let error = Contracts::call(signed(&ALICE), receiver, all, PLENTY, MUCH, vec![]).unwrap_err().error;
        assert_eq!(error, Error::<Test>::BalanceLow.into(), "the existential deposit stays");
    });
}

#[test]
fn logs_are_events() {
    chain(|| {
        let logger = deploy(&contract(
            "(i32.store (i32.const 0) (i32.const 0x64636261))
             (i32.store8 (i32.const 63) (i32.const 5))
             (call $log (i32.const 0) (i32.const 4) (i32.const 1) (i32.const 32) (i32.const 0) (i32.const 0) (i32.const 0))",
        ));
        System::reset_events();
        assert_ok!(call(logger, &[]));
        let topics = vec![Bytes32::from_low_u64_be(5)];
        System::assert_has_event(Event::ContractEmitted { contract: logger, data: b"abcd".to_vec(), topics }.into());
        let called = System::events().into_iter().any(|record| {
            matches!(record.event, RuntimeEvent::Contracts(Event::Called { contract, gas_used, .. })
                if contract == logger && gas_used > 0)
        });
        assert!(called);
    });
}

#[test]
fn errors_have_names_and_leave_nothing() {
    chain(|| {
        let ends = [
            ("(call $revert (i32.const 0) (i32.const 4))", Error::<Test>::ContractReverted),
            ("(unreachable)", Error::ContractTrapped),
            ("(loop $l (br $l))", Error::OutOfGas),
            ("(call $finish (i32.const -1) (i32.const 2))", Error::OutOfBounds),
            (
                "(drop (call $call (i64.const -1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))",
                Error::ArgumentOutOfRange,
            ),
        ];
        for (body, error) in ends {
            let stores = "(i32.store8 (i32.const 63) (i32.const 1)) (call $store (i32.const 0) (i32.const 32))";
            let contract = deploy(&contract(&format!("{stores} {body}")));
            let before = (Accounts::<Test>::iter().collect::<Vec<_>>(), System::event_count());
            let weight = Weight::from_parts(100_000_000_000, 10_000_000);
            // As in a block: every call is a storage layer of its own.
            let result = frame_support::storage::with_storage_layer(|| {
                Contracts::call(signed(&ALICE), contract, 0, weight, MUCH, vec![]).map_err(|failed| failed.error)
            });
            assert_eq!(result.unwrap_err(), error.into(), "{body}");
            assert_eq!(before, (Accounts::<Test>::iter().collect::<Vec<_>>(), System::event_count()), "{body}");
            assert_eq!(slot(contract, 0), 0);
        }
        assert_eq!(
            call(Address::from_low_u64_be(6), &[1; 128]).unwrap_err().error,
            Error::<Test>::PrecompileFailed.into(),
            "no point of the curve"
        );
    });
}

#[test]
fn only_mapped_accounts_and_no_contracts_sign() {
    chain(|| {
        let contract = deploy(&contract(""));
        let call = |who| Contracts::call(signed(&who), contract, 0, PLENTY, MUCH, vec![]);
        assert_eq!(call(CHARLIE).unwrap_err().error, Error::<Test>::AccountUnmapped.into());
        assert_ok!(Contracts::map_account(signed(&CHARLIE)));
        assert_ok!(call(CHARLIE));
        let own = AccountId32Mapper::<Test>::to_fallback_account_id(&contract);
        assert_eq!(call(own).unwrap_err().error, Error::<Test>::OriginIsContract.into());
        let root = Contracts::call(RuntimeOrigin::root(), contract, 0, PLENTY, MUCH, vec![]);
        assert_eq!(root.unwrap_err().error, DispatchError::BadOrigin);
    });
}

#[test]
fn mappings_cost_a_deposit() {
    chain(|| {
        let before = Balances::free_balance(&CHARLIE);
        let deposit = PerItem::get() + 52 * PerByte::get();
        assert_ok!(Contracts::map_account(signed(&CHARLIE)));
        assert_eq!(Balances::free_balance(&CHARLIE), before - deposit);
        assert_eq!(AccountId32Mapper::<Test>::to_account_id(&address(&CHARLIE)), CHARLIE);
        assert_noop!(Contracts::map_account(signed(&CHARLIE)), Error::<Test>::AccountAlreadyMapped);
        assert_ok!(Contracts::unmap_account(signed(&CHARLIE)));
        assert_eq!(Balances::free_balance(&CHARLIE), before);
        assert_ne!(AccountId32Mapper::<Test>::to_account_id(&address(&CHARLIE)), CHARLIE);
    });
}

/// The account's own address, whatever its last bytes are not.
#[test]
fn accounts_of_addresses_are_addresses() {
    let address = Address::repeat_byte(5);
    let own = AccountId32Mapper::<Test>::to_fallback_account_id(&address);
    assert_eq!(AccountId32Mapper::<Test>::to_address(&own), address);
    chain(|| assert!(AccountId32Mapper::<Test>::is_mapped(&own)));
}

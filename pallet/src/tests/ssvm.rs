//! What pallet-ssvm got wrong, a test each that would fail there.

use super::mock::*;
use crate::*;
use frame_support::assert_ok;
use gristmill::contract::{create_address, create2_address};

/// Calls the address in its call data with the rest as input, forwards value 0, and returns result code and return data.
fn caller(kind: &str) -> String {
    let call = match kind {
        "call" => "(call $call (i64.const 1000000) (i32.const 0) (i32.const 900) (i32.const 20)",
        "static" => "(call $static (i64.const 1000000) (i32.const 0) (i32.const 20)",
        _ => "(call $delegate (i64.const 1000000) (i32.const 0) (i32.const 20)",
    };
    contract(&format!(
        "(call $data (i32.const 0) (i32.const 0) (call $size))
         (i32.store8 (i32.const 1000) {call} (i32.sub (call $size) (i32.const 20))))
         (call $returnedCopy (i32.const 1001) (i32.const 0) (call $returned))
         (call $finish (i32.const 1000) (i32.add (i32.const 1) (call $returned)))"
    ))
}

fn to(address: Address, data: &[u8]) -> Vec<u8> {
    [address.as_bytes(), data].concat()
}

#[test]
fn value_is_moved() {
    chain(|| {
        let receiver = deploy(&contract(""));
        assert_ok!(Contracts::deposit_balance(signed(&CHARLIE), 5_000));
        let wei = U256::from(1_234_567);
        assert_ok!(Contracts::call_with_gas(signed(&CHARLIE), receiver, vec![], wei, 1_000_000, U256::zero()));
        assert_eq!(Contracts::balance(&receiver), wei);
        assert_eq!(Contracts::balance(&address(&CHARLIE)), U256::from(5_000 * RATIO) - wei);
    });
}

#[test]
fn inner_failures_are_rolled_back() {
    chain(|| {
        // Stores, then reverts with one byte.
        let fails = deploy(&contract(
            "(i32.store8 (i32.const 63) (i32.const 9))
             (call $store (i32.const 0) (i32.const 32))
             (call $revert (i32.const 63) (i32.const 1))",
        ));
        let outer = deploy(&caller("call"));
        let answer = ask(outer, &to(fails, &[]));
        assert_eq!(answer.data, [2, 9], "the outer call goes on and sees the revert");
        assert_ok!(call(outer, &to(fails, &[])));
        assert_eq!((slot(fails, 0), items(fails)), (0, 0));
    });
}

#[test]
fn static_calls_change_nothing() {
    chain(|| {
        let keeper = deploy(&keeper());
        let statically = deploy(&caller("static"));
        assert_eq!(ask(statically, &to(keeper, &set(1, 7))).data, [1], "a write in a static call fails it");
        let through = deploy(&caller("call"));
        let inner = to(through, &to(keeper, &set(1, 7)));
        assert_eq!(ask(statically, &inner).data, [0, 1], "and so does one below");
        assert_ok!(call(statically, &inner));
        assert_eq!(items(keeper), 0);
    });
}

#[test]
fn delegate_calls_keep_sender_and_state() {
    chain(|| {
        let library = deploy(&contract(
            "(call $caller (i32.const 0))
             (call $address (i32.const 20))
             (i32.store8 (i32.const 131) (i32.const 1))
             (i32.store8 (i32.const 163) (i32.const 5))
             (call $store (i32.const 100) (i32.const 132))
             (call $finish (i32.const 0) (i32.const 40))",
        ));
        let user = deploy(&caller("delegate"));
        let answer = ask(user, &to(library, &[])).data;
        assert_eq!(answer, [&[0], address(&ALICE).as_bytes(), user.as_bytes()].concat());
        assert_ok!(call(user, &to(library, &[])));
        assert_eq!((slot(user, 1), items(library)), (5, 0));
    });
}

#[test]
fn depth_is_counted() {
    chain(|| {
        // Calls itself with all its gas, and returns how deep it came.
        let recursive = deploy(&contract(
            "(call $address (i32.const 0))
             (if (i32.eqz (call $call (call $gas) (i32.const 0) (i32.const 900) (i32.const 0) (i32.const 0)))
               (then (call $returnedCopy (i32.const 40) (i32.const 0) (i32.const 4))))
             (i32.store (i32.const 40) (i32.add (i32.load (i32.const 40)) (i32.const 1)))
             (call $finish (i32.const 40) (i32.const 4))",
        ));
        let data = ask(recursive, &[]).data;
        assert_eq!(u32::from_le_bytes(data.try_into().unwrap()), MAX_DEPTH + 1, "the transaction's own, and 32 in it");
    });
}

#[test]
fn salts_make_addresses() {
    chain(|| {
        // Creates an account of the rest of its call data, with the first 32 bytes as the salt.
        let factory = deploy(&contract(
            "(call $data (i32.const 0) (i32.const 0) (call $size))
             (drop (call $create2 (i32.const 60000) (i32.const 32) (i32.sub (call $size) (i32.const 32))
               (i32.const 0) (i32.const 60032)))
             (call $finish (i32.const 60032) (i32.const 20))",
        ));
        let code = deployer(&keeper());
        let salt = Bytes32::repeat_byte(3);
        let expected = create2_address(&factory, &salt, &code);
        let data = [salt.as_bytes(), &code].concat();
        assert_eq!(ask(factory, &data).data, expected.as_bytes(), "creations return their address");
        assert_ok!(call(factory, &data));
        assert!(!Contracts::code(&expected).is_empty());
    });
}

#[test]
fn code_of_a_failed_creation_is_not_stored() {
    chain(|| {
        let bad =
            wat::parse_str("(module (memory (export \"memory\") 1) (func (export \"main\") (unreachable)))").unwrap();
        let make = |code: Vec<u8>| {
            Contracts::create(signed(&ALICE), code, U256::zero(), 10_000_000, U256::zero()).unwrap_err().error
        };
        assert_eq!(make(bad), Error::<Test>::ContractTrapped.into());
        // Leaves a module that is no contract.
        let invalid = deployer("(module (memory (export \"memory\") 1))");
        assert_eq!(make(invalid), Error::<Test>::CodeRejected.into());
        assert_eq!(Codes::<Test>::iter().count(), 0);
        assert!(Contracts::code(&create_address(&address(&ALICE), 0)).is_empty());
    });
}

#[test]
fn gas_is_bought_and_refunded() {
    chain(|| {
        Author::set(Some(BOB));
        Fee::set(2_000_000.into());
        let contract =
            deploy(&contract("(i32.store8 (i32.const 63) (i32.const 1)) (call $store (i32.const 0) (i32.const 32))"));
        System::reset_events();
        let wei = |who| Contracts::balance(&address(&who));
        let before = (wei(ALICE), wei(BOB));
        let price = U256::from(5_000_000);
        assert_ok!(Contracts::call_with_gas(signed(&ALICE), contract, vec![], U256::zero(), 1_000_000, price));
        let deposit = PerSlot::get() + 64;
        let used = System::events()
            .into_iter()
            .find_map(|record| match record.event {
                RuntimeEvent::Contracts(Event::Called { gas_used, .. }) => Some(gas_used),
                _ => None,
            })
            .expect("the event");
        assert!((20_000..60_000).contains(&used), "{used} of a million");
        let paid = before.0 - wei(ALICE) - Contracts::native_to_wei(deposit);
        assert_eq!(paid, price * used, "only what was used");
        assert_eq!(wei(BOB) - before.1, U256::from(3_000_000) * used, "the author gets what is above the base fee");
        assert_eq!(Burnt::<Test>::get(), U256::from(2_000_000) * used, "nobody gets the rest");
        let low = Contracts::call_with_gas(signed(&ALICE), contract, vec![], U256::zero(), 1_000_000, 1.into());
        assert_eq!(low.unwrap_err().error, Error::<Test>::GasPriceTooLow.into());
    });
}

#[test]
fn contracts_destroy_themselves() {
    chain(|| {
        // Destroys itself as it is created, in favour of Bob: the one way that is left since EIP-6780.
        let heir = address(&BOB);
        let data: String = heir.as_bytes().iter().map(|byte| format!("\\{byte:02x}")).collect();
        let init = wat::parse_str(format!(
            r#"(module (import "ethereum" "selfDestruct" (func $destroy (param i32)))
                (memory (export "memory") 1) (data (i32.const 0) "{data}")
                (func (export "main") (call $destroy (i32.const 0))))"#
        ))
        .unwrap();
        let before = Balances::free_balance(&BOB);
        assert_ok!(Contracts::instantiate_with_code(signed(&ALICE), 900, PLENTY, MUCH, init, vec![], None));
        assert_eq!(Balances::free_balance(&BOB), before + 900);
        let contract = create_address(&address(&ALICE), 0);
        assert!(Accounts::<Test>::get(contract).is_none());
        assert_eq!(Contracts::balance(&contract), U256::zero());
    });
}

#[test]
fn time_is_in_seconds() {
    chain(|| {
        let clock =
            deploy(&contract("(i64.store (i32.const 0) (call $timestamp)) (call $finish (i32.const 0) (i32.const 8))"));
        assert_eq!(ask(clock, &[]).data, 1_600_000_000u64.to_le_bytes());
    });
}

#[test]
fn a_revert_is_an_error() {
    chain(|| {
        let reverts = deploy(&contract("(call $revert (i32.const 0) (i32.const 0))"));
        let called = Contracts::call_with_gas(signed(&ALICE), reverts, vec![], U256::zero(), 100_000, U256::zero());
        assert_eq!(called.unwrap_err().error, Error::<Test>::ContractReverted.into());
    });
}

#[test]
fn contracts_ask_for_accounts_and_code() {
    chain(|| {
        let keeper = deploy(&keeper());
        let code = Contracts::code(&keeper);
        let size = code.len();
        let reader = deploy(&format!(
            r#"(module
                (import "ethereum" "externalCodeCopy" (func $copy (param i32 i32 i32 i32)))
                (import "ethereum" "callDataCopy" (func $data (param i32 i32 i32)))
                (import "ethereum" "finish" (func $finish (param i32 i32)))
                (memory (export "memory") 1)
                (func (export "main")
                  (call $data (i32.const 0) (i32.const 0) (i32.const 20))
                  (call $copy (i32.const 0) (i32.const 32) (i32.const 0) (i32.const {size}))
                  (call $finish (i32.const 32) (i32.const {size}))))"#
        ));
        assert_eq!(ask(reader, keeper.as_bytes()).data, code);
    });
}

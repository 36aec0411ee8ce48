//! Storage is paid for, and comes back to who clears it.

use super::mock::*;
use crate::*;
use frame_support::assert_ok;
use frame_support::weights::WeightMeter;

fn slot_deposit() -> u128 {
    PerSlot::get() + 64 * PerByte::get()
}

fn keep(who: &sp_runtime::AccountId32, dest: Address, key: u64, value: u64, limit: u128) -> DispatchResultWithPostInfo {
    frame_support::storage::with_storage_layer(|| Contracts::call(signed(who), dest, 0, PLENTY, limit, set(key, value)))
}

#[test]
fn a_slot_costs_who_fills_it_and_pays_who_clears_it() {
    chain(|| {
        let keeper = deploy(&keeper());
        assert_ok!(Contracts::map_account(signed(&CHARLIE)));
        let free = |who| Balances::free_balance(&who);
        let (bob, charlie) = (free(BOB), free(CHARLIE));
        assert_ok!(keep(&BOB, keeper, 1, 5, MUCH));
        assert_eq!(free(BOB), bob - slot_deposit());
        assert_ok!(keep(&BOB, keeper, 1, 6, MUCH));
        assert_eq!(free(BOB), bob - slot_deposit(), "another value is the same slot");
        assert_ok!(keep(&CHARLIE, keeper, 1, 0, 0));
        assert_eq!((free(BOB), free(CHARLIE)), (bob - slot_deposit(), charlie + slot_deposit()));
    });
}

#[test]
fn refunds_are_shares_of_what_was_paid() {
    chain(|| {
        let keeper = deploy(&keeper());
        assert_ok!(keep(&BOB, keeper, 1, 5, MUCH));
        let paid = slot_deposit();
        PerSlot::set(10_000);
        let before = Balances::free_balance(&BOB);
        assert_ok!(keep(&BOB, keeper, 1, 0, MUCH));
        assert_eq!(Balances::free_balance(&BOB), before + paid);
        PerSlot::set(1);
        assert_ok!(keep(&BOB, keeper, 2, 1, MUCH));
        assert_ok!(keep(&BOB, keeper, 2, 0, MUCH));
        assert_eq!(Balances::free_balance(&BOB), before + paid);
    });
}

#[test]
fn the_limit_is_a_limit() {
    chain(|| {
        let keeper = deploy(&keeper());
        let low = keep(&BOB, keeper, 1, 5, slot_deposit() - 1).unwrap_err().error;
        assert_eq!(low, Error::<Test>::StorageDepositLimitExhausted.into());
        assert_eq!(items(keeper), 0);
        assert_ok!(keep(&BOB, keeper, 1, 5, slot_deposit()));
        let dry = Contracts::dry_call(&BOB, keeper, U256::zero(), None, None, set(2, 5));
        assert_eq!(dry.storage_deposit, StorageDeposit::Charge(slot_deposit()));
        let dry = Contracts::dry_call(&BOB, keeper, U256::zero(), None, None, set(1, 0));
        assert_eq!(dry.storage_deposit, StorageDeposit::Refund(slot_deposit()));
        assert_eq!(dry.max_storage_deposit, StorageDeposit::Charge(0));
    });
}

#[test]
fn who_cannot_pay_stores_nothing() {
    chain(|| {
        let keeper = deploy(&keeper());
        PerSlot::set(RICH);
        let error = keep(&BOB, keeper, 1, 5, MUCH).unwrap_err().error;
        assert_eq!(error, Error::<Test>::StorageDepositNotEnoughFunds.into());
        assert_eq!(items(keeper), 0);
    });
}

#[test]
fn contracts_that_go_give_everything_back() {
    chain(|| {
        // Makes a contract that fills a slot and destroys itself within the same transaction.
        let init = wat::parse_str(contract(
            "(i32.store8 (i32.const 63) (i32.const 1))
             (call $store (i32.const 0) (i32.const 32))
             (call $address (i32.const 100))
             (call $destroy (i32.const 120))",
        ))
        .unwrap();
        let before = Balances::free_balance(&ALICE);
        assert_ok!(Contracts::instantiate_with_code(signed(&ALICE), 0, PLENTY, MUCH, init, vec![], None));
        assert_eq!(Balances::free_balance(&ALICE), before);
        assert_eq!(Accounts::<Test>::iter_values().filter(|account| account.contract.is_some()).count(), 0);
    });
}

/// Before Cancun a contract that was made earlier can go.
#[test]
fn storage_of_contracts_that_are_gone_is_deleted_in_idle_time() {
    Rules::set(Revision::Byzantium);
    let mut committed = genesis();
    let trie = on(&mut committed, || {
        // Stores what it is told, or without call data destroys itself.
        let contract = deploy(&contract(
            "(if (i32.eqz (call $size)) (then (call $destroy (i32.const 200))))
             (call $data (i32.const 0) (i32.const 0) (i32.const 64))
             (call $store (i32.const 0) (i32.const 32))",
        ));
        for key in 1..=20 {
            assert_ok!(call(contract, &set(key, key)));
        }
        let trie = Accounts::<Test>::get(contract).unwrap().contract.unwrap().trie;
        let before = Balances::free_balance(&ALICE);
        assert_ok!(call(contract, &[]));
        assert!(Balances::free_balance(&ALICE) > before, "deposits came back at once");
        assert!(Accounts::<Test>::get(contract).is_none());
        System::assert_has_event(Event::Terminated { contract }.into());
        trie
    });
    // What is in the block's own overlay goes at once; what is committed goes slot by slot, and each step is a block.
    let left = || {
        let slots = (1..=20).filter(|key| state::slot(trie, &Bytes32::from_low_u64_be(*key)).is_some());
        (slots.count(), DeletionQueue::<Test>::iter().count())
    };
    let weight = <Test as Config>::WeightInfo::on_idle_slots;
    let five = <Test as Config>::WeightInfo::on_idle_base().saturating_add(weight(5));
    for (limit, expected) in [(Weight::zero(), (20, 1)), (five, (15, 1)), (five, (10, 1)), (PLENTY, (0, 0))] {
        committed.commit_all().expect("no transaction is open");
        on(&mut committed, || {
            let used = idle(limit);
            assert!(used.all_lte(limit), "{used} of {limit}");
            assert_eq!(left(), expected);
        });
    }
    on(&mut committed, || {
        assert_eq!(FirstDeletion::<Test>::get(), 1);
        assert_eq!(idle(PLENTY), <Test as Config>::WeightInfo::on_idle_base(), "nothing to do");
    });
    Rules::set(Revision::Prague);
}

fn idle(limit: Weight) -> Weight {
    let mut meter = WeightMeter::with_limit(limit);
    state::delete_some::<Test>(&mut meter);
    meter.consumed()
}

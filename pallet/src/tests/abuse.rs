//! Ten thousand random operations, good and bad ones: the books balance after each, and nobody makes money.

use super::mock::*;
use crate::*;
use gristmill::contract::{create_address, keccak256};
use sp_runtime::AccountId32;

/// A small generator of numbers (SplitMix64): the same every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }
}

/// Does what its call data says: byte 0 is what, the rest its operands.
fn jack_of_all_trades() -> String {
    contract(
        "(local $op i32)
         (call $data (i32.const 0) (i32.const 0) (call $size))
         (local.set $op (i32.load8_u (i32.const 0)))
         (if (i32.eq (local.get $op) (i32.const 0)) (then
           (call $store (i32.const 1) (i32.const 33))))
         (if (i32.eq (local.get $op) (i32.const 1)) (then
           (drop (call $call (i64.const 200000) (i32.const 1) (i32.const 21) (i32.const 37)
             (i32.sub (call $size) (i32.const 37))))))
         (if (i32.eq (local.get $op) (i32.const 2)) (then
           (call $store (i32.const 1) (i32.const 33))
           (call $revert (i32.const 0) (i32.const 8))))
         (if (i32.eq (local.get $op) (i32.const 3)) (then
           (call $destroy (i32.const 1))))
         (if (i32.eq (local.get $op) (i32.const 4)) (then
           (drop (call $create2 (i32.const 900) (i32.const 33) (i32.sub (call $size) (i32.const 33)) (i32.const 1)
             (i32.const 60000)))))
         (if (i32.eq (local.get $op) (i32.const 5)) (then
           (call $store (i32.const 1) (i32.const 33))
           (unreachable)))",
    )
}

fn operation(random: &mut Random, contracts: &mut Vec<Address>) {
    let people = [ALICE, BOB, CHARLIE];
    let who: AccountId32 = random.of(&people).clone();
    let addresses: Vec<Address> =
        contracts.iter().copied().chain(people.iter().map(address)).chain([Address::repeat_byte(9)]).collect();
    let dest = *random.of(&addresses);
    let value = if random.below(3) == 0 { u128::from(random.below(2_000)) } else { 0 };
    let wei = U256::from(random.below(5_000_000));
    let key = word(random.below(6));
    let data = match random.below(7) {
        op @ (0 | 2 | 5) => [&[op as u8], &key[..], &word(random.below(3))].concat(),
        1 => {
            let inner = [&[0], &key[..], &word(random.below(3))].concat();
            let amount = u128::from(random.below(3_000_000)).to_le_bytes();
            [&[1], random.of(&addresses).as_bytes(), &amount, &inner].concat()
        }
        3 => [&[3], random.of(&addresses).as_bytes()].concat(),
        4 => {
            let init = deployer(&keeper());
            [&[4], &word(random.below(50))[..], &init].concat()
        }
        _ => vec![random.below(256) as u8; random.below(100) as usize],
    };
    let weight = if random.below(10) == 0 { PLENTY / 1_000 } else { PLENTY };
    let limit = if random.below(10) == 0 { u128::from(random.below(500)) } else { MUCH };
    let origin = signed(&who);
    let nonce = Accounts::<Test>::get(address(&who)).unwrap_or_default().nonce;
    // As in a block: what fails leaves nothing. What it says is looked at elsewhere.
    let done = frame_support::storage::with_storage_layer(|| -> DispatchResult {
        let post = |result: DispatchResultWithPostInfo| result.map(drop).map_err(|failed| failed.error);
        match random.below(12) {
            0..=4 => post(Contracts::call(origin, dest, value, weight, limit, data)),
            5 => post(Contracts::call_with_gas(origin, dest, data, wei, random.below(400_000), random.below(5).into())),
            6 => {
                let code = deployer(&jack_of_all_trades());
                post(Contracts::instantiate_with_code(origin, value, weight, limit, code, vec![], None))
            }
            7 => Contracts::deposit_balance(origin, value),
            8 => Contracts::withdraw_balance(origin, value),
            9 => Contracts::upload_code(origin, deployer(random.of::<String>(&[keeper(), contract("")])), limit),
            10 => post(Contracts::remove_code(
                origin,
                keccak256(&deployer(random.of::<String>(&[keeper(), contract("")]))),
            )),
            _ if random.below(2) == 0 => Contracts::map_account(origin),
            _ => Contracts::unmap_account(origin),
        }
    });
    let made = create_address(&address(&who), nonce);
    if done.is_ok() && Accounts::<Test>::get(made).is_some_and(|account| account.contract.is_some()) {
        contracts.push(made);
        // Few enough that they meet each other.
        if contracts.len() > 8 {
            contracts.remove(0);
        }
    }
}

#[test]
fn ten_thousand_random_operations_conserve_money_and_deposits() {
    Fee::set(1.into());
    Author::set(Some(BOB));
    Rules::set(Revision::Byzantium);
    chain(|| {
        let issuance = pallet_balances::TotalIssuance::<Test>::get();
        let mut random = Random(20_260_914);
        let mut contracts = vec![deploy(&jack_of_all_trades())];
        for step in 0..10_000 {
            operation(&mut random, &mut contracts);
            if step % 50 == 0 {
                check_books();
                state::delete_some::<Test>(&mut WeightMeter::with_limit(PLENTY));
                System::reset_events();
            }
        }
        assert_eq!(pallet_balances::TotalIssuance::<Test>::get(), issuance);
        let stored =
            Accounts::<Test>::iter_values().filter_map(|account| account.contract).map(|c| c.items).sum::<u32>();
        assert!(stored > 20 && Codes::<Test>::iter().count() >= 3, "operations did something: {stored} slots");
        assert!(!Burnt::<Test>::get().is_zero());
    });
    Rules::set(Revision::Prague);
}

//! Bounds: memory, code, weight, recursion.

use super::mock::*;
use crate::*;
use frame_support::assert_ok;

/// Grows its memory as far as it goes and calls itself; the pages that the innermost got, and how deep it came.
#[test]
fn all_memories_together_are_bounded() {
    chain(|| {
        let bomb = deploy(
            r#"(module
                (import "ethereum" "getAddress" (func $address (param i32)))
                (import "ethereum" "getGasLeft" (func $gas (result i64)))
                (import "ethereum" "call" (func $call (param i64 i32 i32 i32 i32) (result i32)))
                (memory (export "memory") 32 32)
                (func (export "main")
                  (call $address (i32.const 0))
                  (drop (call $call (call $gas) (i32.const 0) (i32.const 900) (i32.const 0) (i32.const 0)))))"#,
        );
        // Memory is paid for: with little gas that is the end of it.
        assert!(call(bomb, &[]).is_ok());
        let weight = PLENTY * 100;
        let error = frame_support::storage::with_storage_layer(|| {
            Contracts::call(signed(&ALICE), bomb, 0, weight, MUCH, vec![]).map_err(|failed| failed.error)
        });
        assert_eq!(
            error.unwrap_err(),
            Error::<Test>::OutOfMemory.into(),
            "nine memories of 32 pages are more than 256"
        );
    });
}

#[test]
fn time_beside_gas_runs_out() {
    chain(|| {
        let keeper = deploy(&keeper());
        let dry = Contracts::dry_call(&ALICE, keeper, U256::zero(), None, None, set(1, 5));
        // Gas is there, time for host functions is not.
        let toll = Weight::from_parts(dry.weight_consumed.ref_time() * 8 / 7, 0);
        let none = Contracts::dry_call(&ALICE, keeper, U256::zero(), Some(toll), None, set(1, 5));
        assert_eq!(none.result.unwrap_err(), Error::<Test>::OutOfGas.into(), "no proof at all");
        let nothing = Contracts::call(signed(&ALICE), keeper, 0, Weight::zero(), MUCH, set(1, 5));
        assert_eq!(nothing.unwrap_err().error, Error::<Test>::OutOfGas.into());
    });
}

#[test]
fn code_is_bounded() {
    chain(|| {
        let data: String = (0..110 * 1024).map(|_| "a").collect();
        let large =
            format!(r#"(module (memory (export "memory") 2) (data (i32.const 0) "{data}") (func (export "main")))"#);
        let code = wat::parse_str(&large).unwrap();
        assert!(code.len() < 128 * 1024);
        assert_ok!(Contracts::upload_code(signed(&ALICE), code.clone(), MUCH));
        let longer = [&code[..], &custom_section(20_000)].concat();
        let make = Contracts::instantiate_with_code(signed(&ALICE), 0, PLENTY, MUCH, longer, vec![], None);
        assert_eq!(make.unwrap_err().error, Error::<Test>::BlobTooLarge.into());
    });
}

/// A custom section of about so many bytes.
fn custom_section(length: usize) -> Vec<u8> {
    let mut section = vec![0];
    let body = [&[1, b'x'][..], &vec![0; length]].concat();
    let mut size = body.len();
    loop {
        let byte = (size & 0x7f) as u8;
        size >>= 7;
        section.push(if size > 0 { byte | 0x80 } else { byte });
        if size == 0 {
            break;
        }
    }
    section.extend(body);
    section
}

/// The stack of Wasm is the engine's, and bounded: a guest that calls itself traps.
#[test]
fn recursion_inside_a_contract_traps() {
    chain(|| {
        let deep =
            deploy(r#"(module (memory (export "memory") 1) (func $f (call $f)) (func (export "main") (call $f)))"#);
        assert_eq!(call(deep, &[]).unwrap_err().error, Error::<Test>::ContractTrapped.into());
    });
}

#[test]
fn more_gas_than_weight_is_never_given() {
    let (gas, toll) = meter::divide::<()>(Weight::from_parts(u64::MAX, u64::MAX));
    assert!(gas > 0 && toll.ref_time() == u64::MAX / 8);
    for gas in [0, 1, 21_000, 9_000_000] {
        let time = meter::time_for::<()>(gas, 0);
        assert_eq!(meter::divide::<()>(Weight::from_parts(time, 0)).0, gas as i64);
    }
    assert_eq!(meter::divide::<()>(Weight::zero()), (0, Weight::zero()));
}

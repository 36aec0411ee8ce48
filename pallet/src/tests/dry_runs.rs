//! What users ask: weights that are enough and no more, exact gas, host calls.

use super::mock::*;
use crate::*;
use frame_support::assert_ok;

/// Calls the address in its call data with a 64th of its gas kept, twice.
fn nesting() -> String {
    contract(
        "(call $data (i32.const 0) (i32.const 0) (call $size))
         (if (call $call (call $gas) (i32.const 0) (i32.const 900) (i32.const 20)
               (i32.sub (call $size) (i32.const 20)))
           (then (unreachable)))",
    )
}

#[test]
fn the_weight_that_is_required_is_enough_and_no_more() {
    chain(|| {
        let keeper = deploy(&keeper());
        let nesting = deploy(&nesting());
        let data = [keeper.as_bytes(), &set(1, 5)].concat();
        for (dest, data) in [(keeper, set(1, 5)), (nesting, data)] {
            let dry = Contracts::dry_call(&ALICE, dest, U256::zero(), None, None, data.clone());
            let required = dry.weight_required;
            assert!(dry.weight_consumed.all_lte(required), "{} and {required}", dry.weight_consumed);
            let run = |weight| {
                let result = Contracts::dry_call(&ALICE, dest, U256::zero(), Some(weight), None, data.clone());
                result.result.map(drop)
            };
            assert_eq!(run(required), Ok(()));
            // The toll is a share of the time: what misses may be one or the other.
            let less = Weight::from_parts(required.ref_time() / 100 * 85, required.proof_size());
            assert!(run(less).is_err(), "{required}");
            assert!(run(required.set_proof_size(required.proof_size() - 1)).is_err(), "{required}");
        }
    });
}

#[test]
fn gas_is_estimated_to_the_unit() {
    chain(|| {
        let keeper = deploy(&keeper());
        let nesting = deploy(&nesting());
        let data = [keeper.as_bytes(), &set(1, 5)].concat();
        let cases = [(Some(keeper), set(1, 5)), (Some(nesting), data), (None, deployer(&super::mock::keeper()))];
        for (dest, data) in cases {
            let gas = Contracts::estimate_gas(&ALICE, dest, U256::zero(), data.clone()).expect("it succeeds");
            let run = |gas| {
                frame_support::storage::with_storage_layer(|| {
                    let price = U256::zero();
                    let result = match dest {
                        Some(dest) => {
                            Contracts::call_with_gas(signed(&ALICE), dest, data.clone(), U256::zero(), gas, price)
                        }
                        None => Contracts::create(signed(&ALICE), data.clone(), U256::zero(), gas, price),
                    };
                    result.map_err(|failed| failed.error)
                })
            };
            assert!(run(gas - 1).is_err(), "{gas} is the least");
            assert_ok!(run(gas));
        }
        let fails = deploy(&contract("(unreachable)"));
        let error = Contracts::estimate_gas(&ALICE, Some(fails), U256::zero(), vec![]).unwrap_err();
        assert_eq!(error, Error::<Test>::ContractTrapped.into());
    });
}

#[test]
fn weight_that_was_not_used_comes_back() {
    chain(|| {
        let keeper = deploy(&keeper());
        let dry = Contracts::dry_call(&ALICE, keeper, U256::zero(), None, None, set(1, 5));
        let post = call(keeper, &set(1, 5)).unwrap();
        let base = <Test as Config>::WeightInfo::call();
        assert_eq!(post.actual_weight, Some(base.saturating_add(dry.weight_consumed)));
        assert!(dry.weight_consumed.ref_time() < PLENTY.ref_time() / 50);
        let failed = frame_support::storage::with_storage_layer(|| call(deploy(&contract("(unreachable)")), &[]));
        assert!(
            failed.unwrap_err().post_info.actual_weight.unwrap().ref_time() > PLENTY.ref_time() / 2,
            "traps take all"
        );
    });
}

#[test]
fn a_trace_has_every_host_call() {
    chain(|| {
        let keeper = deploy(&keeper());
        let nesting = deploy(&nesting());
        let data = [keeper.as_bytes(), &set(1, 5)].concat();
        let (result, calls) = Contracts::trace(&ALICE, nesting, U256::zero(), data);
        assert!(result.result.is_ok());
        let names: Vec<_> = calls.iter().map(|call| (call.depth, &call.name[..])).collect();
        let inner = [(1, "callDataCopy"), (1, "storageLoad"), (1, "storageStore"), (1, "finish")];
        let ends: Vec<_> = names.iter().copied().filter(|(depth, _)| *depth == 1).collect();
        assert_eq!(ends, inner);
        assert_eq!(names.last(), Some(&(0, "call")), "a call ends behind what it made");
        assert!(calls.iter().all(|call| call.gas_after <= call.gas_before));
        assert_eq!(items(keeper), 0, "nothing stays");
    });
}

#[test]
fn views_of_state() {
    chain(|| {
        let keeper = deploy(&keeper());
        assert_ok!(call(keeper, &set(1, 5)));
        let key = Bytes32::from_low_u64_be(1);
        assert_eq!(Contracts::storage(&keeper, &key), Ok(Some(Bytes32::from_low_u64_be(5))));
        assert_eq!(Contracts::storage(&keeper, &Bytes32::zero()), Ok(None));
        assert_eq!(Contracts::storage(&address(&ALICE), &key), Err(ContractAccessError::DoesntExist));
        assert!(Contracts::code(&address(&ALICE)).is_empty());
    });
}

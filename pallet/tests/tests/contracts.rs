//! Contracts in blocks of the runtime's Wasm: the important half of what the pallet's own tests try natively.

use codec::Encode;
use frame_support::weights::Weight;
use gristmill::contract::{Address, Bytes32, U256, create_address, create2_address};
use gristmill_demo_runtime as runtime;
use gristmill_pallet_tests::contracts::{contract, deployer, keeper, set, word};
use gristmill_pallet_tests::{Applied, Chain, Runtime};
use pallet_gristmill::{AccountId32Mapper, AddressMapper, ContractResult, Event, ExecReturnValue};
use runtime::{Balance, RuntimeEvent, UNIT};
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Eve};
use sp_runtime::DispatchError;

type Contracts = pallet_gristmill::Call<Runtime>;
type Error = pallet_gristmill::Error<Runtime>;

/// As much as a transaction may have.
const PLENTY: Weight = Weight::from_parts(4_000_000_000_000, 10_000_000);

fn address(who: Sr25519Keyring) -> Address {
    AccountId32Mapper::<Runtime>::to_address(&who.to_account_id())
}

fn nonce(chain: &mut Chain, who: Sr25519Keyring) -> u64 {
    chain.call("GristmillApi_nonce", &address(who))
}

fn instantiate(chain: &mut Chain, code: Vec<u8>, value: Balance, salt: Option<[u8; 32]>) -> Applied {
    let call = Contracts::instantiate_with_code {
        value,
        weight_limit: PLENTY,
        storage_deposit_limit: Balance::MAX,
        code,
        data: vec![],
        salt,
    };
    let applied = chain.submit(Alice, call);
    chain.next_block();
    applied
}

/// Deploys a contract for Alice.
fn deploy(chain: &mut Chain, runtime: &str, value: Balance) -> Address {
    let nonce = nonce(chain, Alice);
    instantiate(chain, deployer(runtime), value, None).unwrap();
    create_address(&address(Alice), nonce)
}

fn call(chain: &mut Chain, who: Sr25519Keyring, dest: Address, data: &[u8]) -> Applied {
    let call = Contracts::call {
        dest,
        value: 0,
        weight_limit: PLENTY,
        storage_deposit_limit: Balance::MAX,
        data: data.to_vec(),
    };
    let applied = chain.submit(who, call);
    chain.next_block();
    applied
}

fn ask(chain: &mut Chain, dest: Address, data: &[u8]) -> ContractResult<ExecReturnValue, Balance> {
    let (weight, deposit) = (None::<Weight>, None::<Balance>);
    chain.call("GristmillApi_call", &(Alice.to_account_id(), dest, 0 as Balance, weight, deposit, data.to_vec()))
}

fn slot(chain: &mut Chain, dest: Address, key: u64) -> Option<Vec<u8>> {
    let result: Result<Option<Vec<u8>>, pallet_gristmill::ContractAccessError> =
        chain.call("GristmillApi_get_storage", &(dest, word(key)));
    result.expect("a contract")
}

/// The error of a transaction that was applied and failed.
fn error(applied: Applied) -> DispatchError {
    applied.result.expect("the block takes it").expect_err("it fails")
}

fn is(error: DispatchError, expected: Error) -> bool {
    let DispatchError::Module(mut expected) = expected.into() else { return false };
    // Names are not in what a block says.
    expected.message = None;
    error == DispatchError::Module(expected)
}

#[test]
fn contracts_are_deployed_called_and_asked() {
    let mut chain = Chain::new();
    let keeper = deploy(&mut chain, &keeper(), 0);
    call(&mut chain, Alice, keeper, &set(1, 7)).unwrap();
    assert_eq!(slot(&mut chain, keeper, 1), Some(word(7).to_vec()));
    let answer = ask(&mut chain, keeper, &set(1, 8));
    assert_eq!(answer.result.unwrap().data, word(7));
    assert_eq!(slot(&mut chain, keeper, 1), Some(word(7).to_vec()), "a dry run changes nothing");
    assert_eq!(slot(&mut chain, keeper, 2), None);
    call(&mut chain, Bob, keeper, &set(1, 0)).unwrap();
    assert_eq!(slot(&mut chain, keeper, 1), None);
}

#[test]
fn a_block_is_executed_again_as_it_was_built() {
    let mut chain = Chain::new();
    let code = deployer(&keeper());
    let call = Contracts::instantiate_with_code {
        value: 3 * UNIT,
        weight_limit: PLENTY,
        storage_deposit_limit: Balance::MAX,
        code: code.clone(),
        data: vec![],
        salt: Some([1; 32]),
    };
    chain.submit(Alice, call).unwrap();
    let contract = create2_address(&address(Alice), &Bytes32::repeat_byte(1), &code);
    let call = Contracts::call {
        dest: contract,
        value: 0,
        weight_limit: PLENTY,
        storage_deposit_limit: Balance::MAX,
        data: set(1, 1),
    };
    chain.submit(Bob, call).unwrap();
    let mut block = chain.next_block();
    assert_eq!(block.extrinsics.len(), 3, "the time and two transactions");
    Chain::import_first(runtime::genesis::configuration(), &block).expect("it comes to the same state");
    block.header.state_root.0[0] ^= 1;
    Chain::import_first(runtime::genesis::configuration(), &block).expect_err("and to no other");
}

#[test]
fn inner_failures_static_calls_and_depth() {
    let mut chain = Chain::new();
    let fails = deploy(
        &mut chain,
        &contract(
            "(i32.store8 (i32.const 63) (i32.const 9))
             (call $store (i32.const 0) (i32.const 32))
             (call $revert (i32.const 63) (i32.const 1))",
        ),
        0,
    );
    let keeper = deploy(&mut chain, &keeper(), 0);
    let forward = |call: &str| {
        contract(&format!(
            "(call $data (i32.const 0) (i32.const 0) (call $size))
             (i32.store8 (i32.const 1000) {call} (i32.sub (call $size) (i32.const 20))))
             (call $returnedCopy (i32.const 1001) (i32.const 0) (call $returned))
             (call $finish (i32.const 1000) (i32.add (i32.const 1) (call $returned)))"
        ))
    };
    let calls =
        deploy(&mut chain, &forward("(call $call (i64.const 100000) (i32.const 0) (i32.const 900) (i32.const 20)"), 0);
    let statically = deploy(&mut chain, &forward("(call $static (i64.const 100000) (i32.const 0) (i32.const 20)"), 0);
    let to = |dest: Address, data: &[u8]| [dest.as_bytes(), data].concat();
    assert_eq!(ask(&mut chain, calls, &to(fails, &[])).result.unwrap().data, [2, 9]);
    call(&mut chain, Alice, calls, &to(fails, &[])).unwrap();
    assert_eq!(slot(&mut chain, fails, 0), None);
    assert_eq!(ask(&mut chain, statically, &to(keeper, &set(1, 7))).result.unwrap().data, [1]);
    call(&mut chain, Alice, calls, &to(keeper, &set(1, 7))).unwrap();
    assert_eq!(slot(&mut chain, keeper, 1), Some(word(7).to_vec()));
}

/// Native stack and heap of the runtime hold the deepest messages there are, each with the deepest Wasm.
#[test]
fn the_deepest_recursion_ends_well() {
    let mut chain = Chain::new();
    // Goes 3,000 Wasm calls deep, and from there calls itself as a contract.
    let bomb = deploy(
        &mut chain,
        r#"(module
            (import "ethereum" "getAddress" (func $address (param i32)))
            (import "ethereum" "getGasLeft" (func $gas (result i64)))
            (import "ethereum" "call" (func $call (param i64 i32 i32 i32 i32) (result i32)))
            (import "ethereum" "getReturnDataSize" (func $returned (result i32)))
            (import "ethereum" "returnDataCopy" (func $returnedCopy (param i32 i32 i32)))
            (import "ethereum" "finish" (func $finish (param i32 i32)))
            (memory (export "memory") 7)
            (func $down (param i32)
              (local i64 i64 i64 i64 i64 i64 i64 i64)
              (if (local.get 0)
                (then (call $down (i32.sub (local.get 0) (i32.const 1))))
                (else
                  (call $address (i32.const 0))
                  (if (i32.eqz (call $call (call $gas) (i32.const 0) (i32.const 900) (i32.const 0) (i32.const 0)))
                    (then (call $returnedCopy (i32.const 40) (i32.const 0) (i32.const 4)))))))
            (func (export "main")
              (call $down (i32.const 3000))
              (i32.store (i32.const 40) (i32.add (i32.load (i32.const 40)) (i32.const 1)))
              (call $finish (i32.const 40) (i32.const 4))))"#,
        0,
    );
    let data = ask(&mut chain, bomb, &[]).result.expect("it ends").data;
    assert_eq!(u32::from_le_bytes(data.try_into().unwrap()), pallet_gristmill::MAX_DEPTH + 1);
    call(&mut chain, Alice, bomb, &[]).unwrap();
}

#[test]
fn bombs_are_errors_and_the_block_goes_on() {
    let mut chain = Chain::new();
    let endless = deploy(&mut chain, &contract("(loop $l (br $l))"), 0);
    let deep = deploy(
        &mut chain,
        r#"(module (memory (export "memory") 1) (func $f (call $f)) (func (export "main") (call $f)))"#,
        0,
    );
    let memory = deploy(
        &mut chain,
        r#"(module
            (import "ethereum" "getAddress" (func $address (param i32)))
            (import "ethereum" "getGasLeft" (func $gas (result i64)))
            (import "ethereum" "call" (func $call (param i64 i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 32 32)
            (func (export "main")
              (call $address (i32.const 0))
              (drop (call $call (call $gas) (i32.const 0) (i32.const 900) (i32.const 0) (i32.const 0)))))"#,
        0,
    );
    for (bomb, expected) in [(endless, Error::OutOfGas), (deep, Error::ContractTrapped), (memory, Error::OutOfMemory)] {
        let name = format!("{expected:?}");
        let applied = call(&mut chain, Alice, bomb, &[]);
        let error = error(applied);
        assert!(is(error, expected), "{name}: {error:?}");
    }
    let huge = vec![0; 128 * 1024 + 1];
    assert!(is(error(instantiate(&mut chain, huge, 0, None)), Error::BlobTooLarge));
    assert!(is(error(instantiate(&mut chain, b"\0asm\x01\0\0\0".to_vec(), 0, None)), Error::CodeRejected));
    let keeper = deploy(&mut chain, &keeper(), 0);
    call(&mut chain, Alice, keeper, &set(1, 1)).unwrap();
}

#[test]
fn fees_are_for_what_was_used() {
    let mut chain = Chain::new();
    let keeper = deploy(&mut chain, &keeper(), 0);
    let paid = |events: Vec<RuntimeEvent>| {
        let fee = events.into_iter().find_map(|event| match event {
            RuntimeEvent::TransactionPayment(pallet_transaction_payment::Event::TransactionFeePaid {
                actual_fee,
                ..
            }) => Some(actual_fee),
            _ => None,
        });
        fee.expect("somebody paid")
    };
    let little = paid(call(&mut chain, Bob, keeper, &set(1, 1)).unwrap());
    // Four seconds of a block are four units.
    assert!(little < UNIT / 20, "{little}");
    let endless = deploy(&mut chain, &contract("(loop $l (br $l))"), 0);
    let much = paid(call(&mut chain, Bob, endless, &[]).events);
    assert!(much > 3 * UNIT, "{much}");
}

#[test]
fn value_and_gas_in_ethereums_words() {
    let mut chain = Chain::new();
    let receiver = deploy(&mut chain, &contract(""), 0);
    chain.submit(Eve, Contracts::deposit_balance { value: UNIT }).unwrap();
    let value = U256::from(123_456_789);
    let call = |gas_limit, gas_price: u64| Contracts::call_with_gas {
        target: receiver,
        input: vec![],
        value,
        gas_limit,
        gas_price: gas_price.into(),
    };
    chain.submit(Eve, call(100_000, 1)).unwrap();
    let balance: U256 = chain.call("GristmillApi_balance", &receiver);
    assert_eq!(balance, value);
    chain.read(|| runtime::BaseFee::set(&5.into()));
    assert!(is(error(chain.submit(Eve, call(100_000, 4))), Error::GasPriceTooLow));
    let gas: Result<u64, DispatchError> =
        chain.call("GristmillApi_estimate_gas", &(Eve.to_account_id(), Some(receiver), value, Vec::<u8>::new()));
    let gas = gas.expect("it succeeds");
    assert!(is(error(chain.submit(Eve, call(gas - 1, 5))), Error::OutOfGas));
    chain.submit(Eve, call(gas, 5)).unwrap();
}

#[test]
fn events_of_a_deployment() {
    let mut chain = Chain::new();
    let expected = create_address(&address(Alice), 0);
    let events = instantiate(&mut chain, deployer(&keeper()), 0, None).unwrap();
    let instantiated = events.iter().any(|event| {
        matches!(event, RuntimeEvent::Contracts(Event::Instantiated { deployer, contract })
            if *deployer == address(Alice) && *contract == expected)
    });
    assert!(instantiated, "{events:?}");
    assert_eq!(format!("{expected:?}"), "0xe2a313e210a6ec1d5a9c0806545670f2e6264f86", "as pallet-ssvm documents it");
}

#[test]
fn a_preset_for_development() {
    let mut chain = Chain::new();
    let names: Vec<String> = chain.call("GenesisBuilder_preset_names", &());
    assert_eq!(names.encode(), vec!["development"].encode());
}

//! The Ewasm state tests (ewasm/tests, stEWASMTests): gas to the unit, storage, balances, logs, by the state root.
//!
//! They were filled by testeth 1.6.0 with hera, on Byzantium, without metering of instructions: schedule `ewasm`. The suite
//! lies outside the repository: in `$GRISTMILL_CONFORMANCE`, or in `../shared/conformance` from the workspace's root. Its
//! folder `bench` is left out: both files there expect one and the same state root, though their contracts differ.

use gristmill::contract::{Address, Revision};
use gristmill::contract::{
    Environment, Ewasm, Ledger, LedgerAccount, Options, Precompiles, Rules, Transaction, TxContext, U256, keccak256,
};
use gristmill::{Config, Dispatch, Engine, Profile, Schedule};
use gristmill_chain::{CodeCache, StandardPrecompiles, logs_hash, state_root};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

/// All tests have this key: 45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8.
const SENDER: &str = "a94f5374fce5edbc8e2a8697c15331677e6ebf0b";

fn suite() -> Option<PathBuf> {
    let root = std::env::var_os("GRISTMILL_CONFORMANCE")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"));
    let folder = root.join("ewasm-state");
    folder.is_dir().then_some(folder)
}

fn number(value: &Value) -> U256 {
    let text = value.as_str().expect("numbers are strings");
    let digits = text.strip_prefix("0x").expect("and hexadecimal");
    U256::from_str_radix(if digits.is_empty() { "0" } else { digits }, 16).expect("of 256 bits")
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("bytes are strings");
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).expect("of digits")
}

fn address(text: &str) -> Address {
    Address::from_slice(&hex::decode(text.strip_prefix("0x").unwrap_or(text)).expect("an address is digits"))
}

fn ledger(pre: &Value, current: i64) -> Ledger {
    let mut ledger = Ledger::new();
    for (name, account) in pre.as_object().expect("accounts") {
        let storage = account["storage"].as_object().expect("storage");
        let word = |value: U256| value.to_big_endian().into();
        let slots = storage.iter().map(|(key, value)| (word(number(&Value::String(key.clone()))), word(number(value))));
        ledger.accounts.insert(
            address(name),
            LedgerAccount {
                nonce: number(&account["nonce"]).as_u64(),
                balance: number(&account["balance"]),
                code: bytes(&account["code"]).into(),
                storage: slots.collect(),
            },
        );
    }
    // testeth's: keccak256 of the number written out.
    for n in (current - 256).max(0)..current {
        ledger.block_hashes.insert(n, keccak256(n.to_string().as_bytes()));
    }
    ledger
}

/// What differs from the expectation; `None`: nothing.
fn judge(vm: &Ewasm, test: &Value) -> Option<String> {
    let env = &test["env"];
    let context = TxContext {
        coinbase: address(env["currentCoinbase"].as_str().expect("a coinbase")),
        number: number(&env["currentNumber"]).as_u64() as i64,
        timestamp: number(&env["currentTimestamp"]).as_u64() as i64,
        gas_limit: number(&env["currentGasLimit"]).as_u64() as i64,
        prev_randao: number(&env["currentDifficulty"]),
        chain_id: 1.into(),
        ..TxContext::default()
    };
    let given = &test["transaction"];
    let to = given["to"].as_str().expect("a receiver or nobody");
    let transaction = Transaction {
        sender: address(SENDER),
        to: (!to.is_empty()).then(|| address(to)),
        value: number(&given["value"][0]),
        data: bytes(&given["data"][0]),
        gas_limit: number(&given["gasLimit"][0]).as_u64() as i64,
        gas_price: number(&given["gasPrice"]),
        nonce: Some(number(&given["nonce"]).as_u64()),
        ..Transaction::default()
    };
    let rules = Rules { intrinsic_gas: true, fees: true, ..Rules::new(Revision::Byzantium) };
    let precompiles = StandardPrecompiles { schedule: Schedule::Ewasm, ..StandardPrecompiles::default() };
    let environment =
        Environment { vm, precompiles: &precompiles as &dyn Precompiles, rules: &rules, context: &context };
    let mut ledger = ledger(&test["pre"], context.number);
    let (told, logs) = match ledger.transact(&environment, &transaction) {
        Ok(receipt) => (format!("{:?}, {} gas used", receipt.outcome.status, receipt.gas_used), receipt.logs),
        Err(refusal) => (refusal.to_string(), Vec::new()),
    };
    let expected = &test["post"]["Byzantium"][0];
    let root = format!("{:#x}", state_root(&ledger));
    let hash = format!("{:#x}", logs_hash(&logs));
    let good = expected["hash"].as_str() == Some(&root) && expected["logs"].as_str() == Some(&hash);
    (!good).then_some(told)
}

/// A main thread's stack: what 1,024 nested messages have to fit in. Threads of the test harness have a quarter of it.
const STACK: usize = 8 << 20;

#[test]
fn ewasm_state_tests() {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(run_suite).expect("a thread");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

fn run_suite() {
    let Some(suite) = suite() else {
        assert!(std::env::var_os("CI").is_none(), "the conformance suites are missing");
        eprintln!("skipped: the Ewasm state tests are not on this machine");
        return;
    };
    let mut failed = Vec::new();
    let mut passed = 0;
    for dispatch in [Dispatch::Tail, Dispatch::Loop] {
        let mut config = Config::new();
        config.profile(Profile::chain1()).schedule(Schedule::Ewasm).dispatch(dispatch);
        let Ok(engine) = Engine::new(&config) else {
            assert_eq!(dispatch, Dispatch::Tail, "only the tail back end may be missing from a build");
            continue;
        };
        let vm = Ewasm::new(&engine, Options::default()).with_cache(Arc::new(CodeCache::new(1 << 24)));
        for entry in suite.join("tests").read_dir().expect("the suite's folder") {
            let path = entry.expect("the suite's folder").path();
            let text = std::fs::read_to_string(&path).expect("a test");
            let file: Value = serde_json::from_str(&text).expect("a test is JSON");
            for (name, test) in file.as_object().expect("tests by name") {
                match judge(&vm, test) {
                    None => passed += 1,
                    Some(told) => failed.push(format!("{} {name}: {told}", dispatch.name())),
                }
            }
        }
    }
    println!("{passed} passed, {} failed", failed.len());
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(passed >= 150, "the suite has 150 tests and more");
}

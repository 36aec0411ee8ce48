//! Contracts and programs that others published (`conformance/contracts`): known results, and equality on every executor.

use gristmill::contract::{
    Access, Address, Bytes32, CallKind, Environment, Host, HostCall, KeccakAt9, Ledger, Log, Message, Observer,
    Options, Outcome, Revision, Rules, StatusCode, StorageStatus, Transaction, TxContext, U256, Vm, keccak256,
};
use gristmill::error::Fault;
use gristmill::{Gas, Meter, Profile, Schedule};
use gristmill_chain::StandardPrecompiles;
use gristmill_tests::machine::{HostFn, Plan, Seen, executors};
use gristmill_tests::{deep, shared, vms};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// A chain of one account: storage and logs, nothing that answers a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Chain {
    storage: HashMap<(Address, Bytes32), Bytes32>,
    logs: Vec<Log>,
}

impl Host for Chain {
    fn account_exists(&mut self, _: &Address) -> Result<bool, Fault> {
        Ok(true)
    }
    fn storage(&mut self, address: &Address, key: &Bytes32) -> Result<Bytes32, Fault> {
        Ok(self.storage.get(&(*address, *key)).copied().unwrap_or_default())
    }
    fn set_storage(&mut self, address: &Address, key: &Bytes32, value: &Bytes32) -> Result<StorageStatus, Fault> {
        let old = self.storage.insert((*address, *key), *value).unwrap_or_default();
        Ok(match (old.is_zero(), value.is_zero()) {
            (true, false) => StorageStatus::Added,
            (false, true) => StorageStatus::Deleted,
            _ if old == *value => StorageStatus::Assigned,
            _ => StorageStatus::Modified,
        })
    }
    fn transient_storage(&mut self, _: &Address, _: &Bytes32) -> Result<Bytes32, Fault> {
        Ok(Bytes32::zero())
    }
    fn set_transient_storage(&mut self, _: &Address, _: &Bytes32, _: &Bytes32) -> Result<(), Fault> {
        Ok(())
    }
    fn balance(&mut self, _: &Address) -> Result<U256, Fault> {
        Ok(U256::from(1_000_000))
    }
    fn code_size(&mut self, _: &Address) -> Result<usize, Fault> {
        Ok(0)
    }
    fn code_hash(&mut self, _: &Address) -> Result<Bytes32, Fault> {
        Ok(Bytes32::zero())
    }
    fn copy_code(&mut self, _: &Address, _: usize, _: &mut [u8]) -> Result<usize, Fault> {
        Ok(0)
    }
    fn self_destruct(&mut self, _: &Address, _: &Address) -> Result<bool, Fault> {
        Ok(true)
    }
    fn call(&mut self, message: &Message<'_>) -> Result<Outcome, Fault> {
        Ok(Outcome { gas_left: message.gas, ..Outcome::failure(StatusCode::Success) })
    }
    fn tx_context(&mut self) -> Result<TxContext, Fault> {
        Ok(TxContext { number: 1, timestamp: 2, gas_limit: 3, ..TxContext::default() })
    }
    fn block_hash(&mut self, _: i64) -> Result<Bytes32, Fault> {
        Ok(Bytes32::repeat_byte(7))
    }
    fn log(&mut self, address: &Address, data: &[u8], topics: &[Bytes32]) -> Result<(), Fault> {
        self.logs.push(Log { address: *address, topics: topics.to_vec(), data: data.to_vec() });
        Ok(())
    }
    fn access_account(&mut self, _: &Address) -> Result<Option<Access>, Fault> {
        Ok(Some(Access::Warm))
    }
    fn access_storage(&mut self, _: &Address, _: &Bytes32) -> Result<Option<Access>, Fault> {
        Ok(Some(Access::Warm))
    }
}

fn message(sender: Address, input: &[u8], gas: i64) -> Message<'_> {
    Message {
        kind: CallKind::Call,
        is_static: false,
        depth: 0,
        gas,
        recipient: Address::zero(),
        sender,
        code_address: Address::zero(),
        input,
        value: U256::zero(),
        salt: Bytes32::zero(),
    }
}

#[derive(Deserialize)]
struct Steps {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    what: String,
    code: String,
    sender: String,
    calldata: Option<String>,
    calldata_file: Option<String>,
    output: Option<String>,
    output_file: Option<String>,
}

/// The nine steps of SSVM-EVMC's own test; the gas of each.
fn erc20(vm: &dyn Vm, what: &str, folder: &Path, deploy: &Path, runtime: Option<&Path>, gas: i64) -> Vec<i64> {
    let text = std::fs::read_to_string(folder.join("erc20-steps.json")).expect("a readable file");
    let steps: Steps = serde_json::from_str(&text).expect("the format of the steps");
    let read = |path: &Path| std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let (deploy, mut chain) = (read(deploy), Chain::default());
    let mut code = runtime.map(read).unwrap_or_default();
    let mut used = Vec::new();
    for step in &steps.steps {
        let sender: [u8; 20] = hex::decode(&step.sender).expect("hex").try_into().expect("20 bytes");
        let is_deploy = step.calldata_file.is_some();
        let input = match &step.calldata {
            Some(data) => hex::decode(data).expect("hex"),
            None => deploy.clone(),
        };
        let run = if is_deploy { &deploy } else { &code };
        let outcome = vm.execute(&mut chain, Revision::Byzantium, &message(sender.into(), &input, gas), run);
        assert_eq!(outcome.status, StatusCode::Success, "{what}: {} ({})", step.what, step.code);
        match (&step.output, &step.output_file) {
            (Some(output), _) => assert_eq!(hex::encode(&outcome.output), *output, "{what}: {}", step.what),
            (None, Some(_)) if code.is_empty() => code = outcome.output,
            (None, Some(_)) => assert!(outcome.output == code, "{what}: the deployed code differs"),
            (None, None) => panic!("{}: a step without an output", step.what),
        }
        used.push(gas - outcome.gas_left);
    }
    used
}

#[test]
fn erc20_of_ssvm() {
    let Some(folder) = shared("conformance/contracts") else { return };
    let evmc = folder.join("ssvm-evmc");
    let contracts = [
        (evmc.join("erc20_deploy_wasm.wasm"), Some(evmc.join("erc20_wasm.wasm"))),
        (folder.join("ssvm/erc20.deploy.wasm"), Some(folder.join("ssvm/erc20.wasm"))),
        (folder.join("substrate-ssvm-node/erc20.wasm"), None),
    ];
    let options = Options { keccak_at_9: KeccakAt9::On, ..Options::default() };
    for schedule in Schedule::ALL {
        // What the test gave, where prices are those that it was written for.
        let gas = if schedule == Schedule::Ewasm { 999_999 } else { 100_000_000 };
        for (deploy, runtime) in &contracts {
            let used = vms(schedule, &options).into_iter().map(|(name, vm)| {
                let what = format!("{} on {name}, {}", deploy.display(), schedule.name());
                erc20(&*vm, &what, &evmc, deploy, runtime.as_deref(), gas)
            });
            let used: Vec<_> = used.collect();
            assert!(used.windows(2).all(|pair| pair[0] == pair[1]), "{}: {used:?}", deploy.display());
        }
    }
}

/// Host calls as text.
#[derive(Default)]
struct Trace(Mutex<Vec<String>>);

impl Observer for Trace {
    fn host_call(&self, call: &HostCall<'_>) {
        let line = format!("{} {}{:?} {} {}", call.depth, call.name, call.args, call.gas_before.0, call.gas_after.0);
        self.0.lock().expect("one thread").push(line);
    }
}

fn wasm_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            found.extend(wasm_files(&path));
        } else if path.extension().is_some_and(|e| e == "wasm") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// What a frame left behind: outcome, host calls, chain.
type Left = (Outcome, Vec<String>, Chain);

fn frame(schedule: Schedule, index: usize, code: &[u8], input: &[u8], gas: i64) -> Left {
    let trace = Arc::new(Trace::default());
    let options = Options { keccak_at_9: KeccakAt9::On, observer: Some(trace.clone()), ..Options::default() };
    let mut chain = Chain::default();
    let vm = &vms(schedule, &options)[index].1;
    let outcome = vm.execute(&mut chain, Revision::Byzantium, &message(Address::repeat_byte(3), input, gas), code);
    (outcome, std::mem::take(&mut *trace.0.lock().expect("one thread")), chain)
}

#[test]
fn every_published_file_as_a_contract() {
    let Some(folder) = shared("conformance/contracts") else { return };
    deep(move || {
        let names: Vec<_> = vms(Schedule::V1, &Options::default()).into_iter().map(|(name, _)| name).collect();
        let mut ends: HashMap<StatusCode, usize> = HashMap::new();
        for path in wasm_files(&folder) {
            let code = std::fs::read(&path).expect("a readable file");
            for (schedule, input, gas) in [
                (Schedule::V1, &[][..], 1_000_000),
                (Schedule::V1, &[1; 36], 1_000_000),
                (Schedule::Unit, &[0; 68], 20_000_000),
                (Schedule::V1, &[0; 68], 1_030),
            ] {
                let expected = frame(schedule, 0, &code, input, gas);
                for (index, name) in names.iter().enumerate().skip(1) {
                    let left = frame(schedule, index, &code, input, gas);
                    assert_eq!(left, expected, "{} on {name} and {}, {}", path.display(), names[0], schedule.name());
                }
                *ends.entry(expected.0.status).or_default() += 1;
            }
        }
        println!("{ends:?}");
        assert!(ends.get(&StatusCode::Success).is_some_and(|n| *n >= 20), "{ends:?}");
    });
}

#[test]
fn keccak256_of_two_compilers() {
    let Some(folder) = shared("conformance/contracts") else { return };
    let read = |file: &str| std::fs::read(folder.join(file)).expect("a readable file");
    for index in 0..vms(Schedule::V1, &Options::default()).len() {
        for input in [&b""[..], b"abc", &[7; 200]] {
            let (outcome, ..) =
                frame(Schedule::V1, index, &read("ewasm-precompiles/keccak256_c_1.wasm"), input, 10_000_000);
            assert_eq!(outcome.status, StatusCode::Success);
            assert_eq!(outcome.output, keccak256(input).as_bytes());
            // The older style of names, which no VM of the design has.
            let (outcome, ..) = frame(
                Schedule::V1,
                index,
                &read("ewasm-precompiles/ewasm_precompile_keccak256.wasm"),
                input,
                10_000_000,
            );
            assert_eq!(outcome, Outcome::failure(StatusCode::ContractValidationFailure));
        }
    }
}

/// As creations on a ledger with precompiles; the examples of the Rust binding and of SOLL.
#[test]
fn contracts_that_finish_or_revert() {
    let Some(folder) = shared("conformance/contracts") else { return };
    let precompiles = StandardPrecompiles { keccak_at_9: KeccakAt9::On, schedule: Schedule::V1 };
    let rules = Rules::new(Revision::Byzantium);
    let context = TxContext::default();
    let paths = ["rust-ssvm", "soll"].map(|name| wasm_files(&folder.join(name))).concat();
    assert!(paths.len() >= 7, "{paths:?}");
    for path in paths {
        let data = std::fs::read(&path).expect("a readable file");
        let transaction = Transaction { data, gas_limit: 100_000_000, ..Transaction::default() };
        let receipts = vms(Schedule::V1, &Options::default()).into_iter().map(|(name, vm)| {
            let environment = Environment { vm: &*vm, precompiles: &precompiles, rules: &rules, context: &context };
            let receipt = Ledger::new().transact(&environment, &transaction).expect("the transaction is in order");
            let ended = matches!(receipt.outcome.status, StatusCode::Success | StatusCode::Revert);
            assert!(ended, "{} on {name}: {receipt:?}", path.display());
            receipt
        });
        let receipts: Vec<_> = receipts.collect();
        assert!(receipts.windows(2).all(|pair| pair[0] == pair[1]), "{}: {receipts:?}", path.display());
    }
}

/// A block of a fizzy `*.inputs` file.
struct Case {
    name: String,
    function: String,
    results: usize,
    args: Vec<u64>,
    input: Vec<u8>,
    result: Option<u64>,
    output: Vec<u8>,
}

/// Blocks of seven lines: name, function, signature (`iii:i`), arguments, memory before, result, memory after.
fn cases(text: &str) -> Vec<Case> {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let bytes = |text: &str| hex::decode(text.split_whitespace().collect::<String>()).expect("hex");
    let number = |text: &str| text.parse::<i64>().map_or_else(|_| text.parse::<u64>().expect("a number"), |n| n as u64);
    lines
        .chunks(7)
        .filter(|block| !block[0].is_empty())
        .map(|block| {
            let line = |i: usize| block.get(i).copied().unwrap_or_default();
            let (params, results) = line(2).split_once(':').expect("a signature");
            let slot = |(ty, text): (char, &str)| if ty == 'i' { number(text) & 0xffff_ffff } else { number(text) };
            Case {
                name: line(0).into(),
                function: line(1).into(),
                results: results.len(),
                args: params.chars().zip(line(3).split_whitespace()).map(slot).collect(),
                input: bytes(line(4)),
                result: results.chars().next().map(|ty| slot((ty, line(5)))),
                output: bytes(line(6)),
            }
        })
        .collect()
}

/// `env.adler32(pointer, length)` of the one program that imports something.
fn adler32(memory: &mut [u8], args: &[u64]) -> Vec<u64> {
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in &memory[args[0] as usize..][..args[1] as usize] {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    vec![u64::from(b << 16 | a)]
}

#[test]
fn programs_of_fizzy() {
    let Some(folder) = shared("conformance/contracts/fizzy") else { return };
    let mut checked = 0;
    for path in wasm_files(&folder) {
        let Ok(text) = std::fs::read_to_string(path.with_extension("inputs")) else { continue };
        let bytes = std::fs::read(&path).expect("a readable file");
        for case in cases(&text) {
            let calls = [(case.function.clone(), case.args.clone())];
            let mut first: Option<Vec<Seen>> = None;
            for (name, executor) in executors(Profile::general(), Schedule::V1) {
                let plan = Plan {
                    profile: Profile::general(),
                    schedule: Schedule::V1,
                    meter: Meter::new(Gas(1 << 40)),
                    bytes: &bytes,
                    imports: &|_, _| Arc::new(adler32) as HostFn,
                    calls: &calls,
                };
                let what = format!("{} {} on {name}", path.display(), case.name);
                let seen = executor.run_over(&plan, &case.input, case.output.len()).expect("a valid module");
                assert_eq!(seen[1].end, Ok(case.result.into_iter().collect()), "{what}");
                assert_eq!(case.results, usize::from(case.result.is_some()), "{what}: one result at most");
                assert_eq!(seen[1].head, case.output, "{what}");
                match &first {
                    None => first = Some(seen),
                    Some(expected) => assert_eq!(&seen, expected, "{what}"),
                }
            }
            checked += 1;
        }
    }
    assert!(checked >= 19, "{checked} cases");
}

//! The consensus vectors of `tests/vectors`: contracts whose gas was worked out by hand (engine/docs/consensus.md 10).

use gristmill::Schedule;
use gristmill::contract::{
    Access, Address, Bytes32, CallKind, Host, HostCall, Message, Observer, Options, Outcome, Revision, StatusCode,
    StorageStatus, TxContext, U256,
};
use gristmill::error::Fault;
use gristmill_tests::vms;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    /// The rule, for people.
    about: String,
    /// The arithmetic, for people.
    why: Vec<String>,
    #[serde(default)]
    data: String,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    schedule: String,
    gas: i64,
    data: Option<String>,
    #[serde(default, rename = "static")]
    is_static: bool,
    status: String,
    #[serde(default)]
    gas_left: i64,
    #[serde(default)]
    output: String,
    #[serde(default)]
    trace: Vec<String>,
}

/// A chain without anything in it.
struct Empty;

impl Host for Empty {
    fn account_exists(&mut self, _: &Address) -> Result<bool, Fault> {
        Ok(false)
    }
    fn storage(&mut self, _: &Address, _: &Bytes32) -> Result<Bytes32, Fault> {
        Ok(Bytes32::zero())
    }
    fn set_storage(&mut self, _: &Address, _: &Bytes32, _: &Bytes32) -> Result<StorageStatus, Fault> {
        Ok(StorageStatus::Assigned)
    }
    fn transient_storage(&mut self, _: &Address, _: &Bytes32) -> Result<Bytes32, Fault> {
        Ok(Bytes32::zero())
    }
    fn set_transient_storage(&mut self, _: &Address, _: &Bytes32, _: &Bytes32) -> Result<(), Fault> {
        Ok(())
    }
    fn balance(&mut self, _: &Address) -> Result<U256, Fault> {
        Ok(U256::zero())
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
        Ok(TxContext::default())
    }
    fn block_hash(&mut self, _: i64) -> Result<Bytes32, Fault> {
        Ok(Bytes32::zero())
    }
    fn log(&mut self, _: &Address, _: &[u8], _: &[Bytes32]) -> Result<(), Fault> {
        Ok(())
    }
    fn access_account(&mut self, _: &Address) -> Result<Option<Access>, Fault> {
        Ok(Some(Access::Cold))
    }
    fn access_storage(&mut self, _: &Address, _: &Bytes32) -> Result<Option<Access>, Fault> {
        Ok(Some(Access::Cold))
    }
}

/// Host calls as the vectors write them.
#[derive(Default)]
struct Trace(Mutex<Vec<String>>);

impl Observer for Trace {
    fn host_call(&self, call: &HostCall<'_>) {
        let args: Vec<_> = call.args.iter().map(u64::to_string).collect();
        let line = format!("{}({}) at {}", call.name, args.join(", "), call.gas_before.0);
        self.0.lock().expect("no thread panics while it holds the trace").push(line);
    }
}

/// `OutOfGas` as `out_of_gas`.
fn snake(status: StatusCode) -> String {
    let mut name = String::new();
    for c in format!("{status:?}").chars() {
        if c.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(c.to_lowercase());
    }
    name
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// One run on one executor: the outcome and the host calls.
fn execute(
    vm_index: usize,
    schedule: Schedule,
    code: &[u8],
    run: &Run,
    data: &str,
    gas: i64,
) -> (Outcome, Vec<String>) {
    let trace = Arc::new(Trace::default());
    let options = Options { observer: Some(trace.clone()), ..Options::default() };
    let input = hex::decode(data).expect("call data is hex");
    let message = Message {
        kind: CallKind::Call,
        is_static: run.is_static,
        depth: 0,
        gas,
        recipient: Address::repeat_byte(1),
        sender: Address::repeat_byte(2),
        code_address: Address::repeat_byte(1),
        input: &input,
        value: U256::zero(),
        salt: Bytes32::zero(),
    };
    let vm = &vms(schedule, &options)[vm_index].1;
    let outcome = vm.execute(&mut Empty, Revision::Byzantium, &message, code);
    let lines = std::mem::take(&mut *trace.0.lock().expect("no thread panics while it holds the trace"));
    (outcome, lines)
}

#[test]
fn every_vector_on_every_executor() {
    let mut names: Vec<_> = std::fs::read_dir(folder())
        .expect("the vectors are part of the repository")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    names.sort();
    let mut wrong = Vec::new();
    let mut runs = 0;
    for path in &names {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).expect("a readable file");
        let vector: Vector = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(!vector.about.is_empty() && !vector.why.is_empty(), "{name} does not say what it shows");
        let code = wat::parse_file(path.with_extension("wat")).unwrap_or_else(|e| panic!("{name}: {e}"));
        for run in &vector.runs {
            let schedule = Schedule::from_name(&run.schedule).unwrap_or_else(|| panic!("{name}: {}", run.schedule));
            let data = run.data.as_deref().unwrap_or(&vector.data);
            for (vm, executor) in vms(schedule, &Options::default()).iter().map(|(n, _)| *n).enumerate() {
                runs += 1;
                let (outcome, trace) = execute(vm, schedule, &code, run, data, run.gas);
                let is = (snake(outcome.status), outcome.gas_left, hex::encode(&outcome.output), trace);
                let should = (run.status.clone(), run.gas_left, run.output.clone(), run.trace.clone());
                if is != should {
                    wrong.push(format!(
                        "{name}, {} with {} on {executor}: {is:?}, by hand {should:?}",
                        run.schedule, run.gas
                    ));
                }
                if !matches!(outcome.status, StatusCode::Success | StatusCode::Revert) {
                    continue;
                }
                let used = run.gas - outcome.gas_left;
                let (exact, _) = execute(vm, schedule, &code, run, data, used);
                if (exact.status, exact.gas_left) != (outcome.status, 0) {
                    wrong.push(format!("{name}, {} with exactly {used} on {executor}: {exact:?}", run.schedule));
                }
                if used > 0 {
                    let (less, _) = execute(vm, schedule, &code, run, data, used - 1);
                    if less != Outcome::failure(StatusCode::OutOfGas) {
                        wrong.push(format!("{name}, {} with {} on {executor}: {less:?}", run.schedule, used - 1));
                    }
                }
            }
        }
    }
    assert!(names.len() >= 40, "only {} vectors", names.len());
    println!("{} vectors, {runs} runs", names.len());
    assert!(wrong.is_empty(), "{} of {runs} runs differ:\n{}", wrong.len(), wrong.join("\n"));
}

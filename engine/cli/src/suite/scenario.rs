//! Runs scenarios of contracts (`ewasm-scenario-1`, `ewasm-negative-1`) over any [`Vm`].
//!
//! A scenario is a list of steps with what each must leave behind, run once for every compiler's output. How it is judged
//! is part of the format: status, output, address, logs, complete storage, balances; never gas. The gas of each step is
//! reported all the same, so that tests can compare executors.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use gristmill::contract::{
    Address, Bytes32, Environment, Ewasm, KeccakAt9, Ledger, LedgerAccount, Log, Options, Receipt, Refunds, Revision,
    Rules, StatusCode, Transaction, TxContext, U256, Vm,
};
use gristmill::{Engine, Exports, Schedule};
use gristmill_chain::{CodeCache, StandardPrecompiles};
use serde::Deserialize;

use super::fields::{Amount, Hex};
use crate::abi::hex_text;

/// Gas of every step: the format asks for plenty, a billion or more.
const STEP_GAS: i64 = 2_000_000_000;

/// The options that scenarios are made for: keccak256 at address 9, and exports beyond `memory` and `main` (the runtime
/// module of AssemblyScript has one).
pub fn options(schedule: Schedule) -> Options {
    Options { schedule, keccak_at_9: KeccakAt9::On, exports: Exports::Lenient, ..Options::default() }
}

/// The VM that scenarios are made for: this engine with [`options`]. Their steps run the same contracts again and again.
pub fn vm(engine: &Engine) -> Ewasm {
    let cache = Arc::new(CodeCache::new(CodeCache::DEFAULT_BYTES));
    Ewasm::new(engine, options(engine.schedule())).with_cache(cache)
}

/// The rules that steps run under. A [`Revision`] alone means schedule `v1`.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Ethereum's rules.
    pub revision: Revision,
    /// Whose prices precompiles have; the VM brings its own for the rest.
    pub schedule: Schedule,
    /// Who counts refunds: the VM, or for old plugins the host.
    pub refunds: Refunds,
}

impl From<Revision> for Terms {
    fn from(revision: Revision) -> Self {
        Self { revision, schedule: Schedule::V1, refunds: Refunds::FromVm }
    }
}

/// A file that this suite can run.
#[derive(Clone, Debug)]
pub enum SuiteFile {
    /// Contracts that work.
    Scenario(Box<Scenario>),
    /// Modules that must fail.
    Negative(Negative),
}

impl SuiteFile {
    /// Whether a file of that name is looked at when a folder is searched.
    pub fn is_named(path: &Path) -> bool {
        path.file_name().is_some_and(|name| name == "scenario.json" || name == "negative.json")
    }

    /// Reads a file by what its `format` says.
    ///
    /// # Errors
    /// Not JSON of a format that this suite knows; the text says where.
    pub fn parse(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
        }
        let head: Head = serde_json::from_str(text).map_err(|e| e.to_string())?;
        match head.format.as_str() {
            "ewasm-scenario-1" => serde_json::from_str(text).map(Self::Scenario),
            "ewasm-negative-1" => serde_json::from_str(text).map(Self::Negative),
            other => return Err(format!("unknown format `{other}`")),
        }
        .map_err(|e| e.to_string())
    }
}

/// `scenario.json`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scenario {
    /// For people.
    pub name: String,
    env: Env,
    accounts: BTreeMap<Hex<Address>, Amount>,
    /// Outputs of the compilers; the step list runs once for each.
    pub wasm: Vec<Build>,
    /// What happens.
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Env {
    number: i64,
    timestamp: i64,
    gas_limit: i64,
    difficulty: Amount,
    coinbase: Hex<Address>,
    gas_price: Amount,
    chain_id: Amount,
    block_hashes: BTreeMap<i64, Hex<Bytes32>>,
}

/// One compiler's output.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Build {
    /// Which compiler.
    pub id: String,
    /// Contract name to file, relative to the scenario.
    pub files: BTreeMap<String, String>,
    compare_storage: bool,
}

/// One transaction and what it must do.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    op: Op,
    contract: Option<String>,
    to: Option<Hex<Address>>,
    data: Option<Hex<Vec<u8>>>,
    call: Option<String>,
    sender: Hex<Address>,
    value: Amount,
    expect: Expect,
    #[serde(default)]
    expect_for: BTreeMap<String, Expect>,
    #[serde(default)]
    skip_for: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Op {
    Deploy,
    Call,
}

/// What a step must leave behind; absent fields are not judged.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Expect {
    status: Option<Status>,
    output: Option<Hex<Vec<u8>>>,
    address: Option<Hex<Address>>,
    logs: Option<Vec<ExpectedLog>>,
    storage: Option<BTreeMap<Hex<Address>, Slots>>,
    balances: Option<BTreeMap<Hex<Address>, Amount>>,
}

/// Storage of one account.
type Slots = BTreeMap<Hex<Bytes32>, Hex<Bytes32>>;

#[derive(Clone, Debug, Deserialize)]
struct ExpectedLog {
    address: Hex<Address>,
    topics: Vec<Hex<Bytes32>>,
    data: Hex<Vec<u8>>,
}

/// How a step ended, in the three words that scenarios have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Success,
    Revert,
    Failure,
}

impl From<StatusCode> for Status {
    fn from(code: StatusCode) -> Self {
        match code {
            StatusCode::Success => Status::Success,
            StatusCode::Revert => Status::Revert,
            _ => Status::Failure,
        }
    }
}

/// What became of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepReport {
    /// Position in the list, from 0.
    pub index: usize,
    /// The step in words.
    pub what: String,
    /// Whole gas used after refunds; 0 for a skipped step. Not judged.
    pub gas_used: i64,
    /// Why the scenario leaves this step out for this compiler.
    pub skipped: Option<String>,
    /// Every difference between what is and what should be.
    pub mismatches: Vec<String>,
}

/// A step that is run.
pub enum Seen<'a> {
    /// It begins.
    Begins {
        /// Position in the list, from 0.
        index: usize,
        /// The step in words.
        what: &'a str,
        /// Whole gas that it may spend.
        gas: i64,
    },
    /// It is over; `None`: the transaction was refused.
    Ended(Option<&'a Receipt>),
}

/// What became of a scenario with one compiler's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairReport {
    /// Name of the scenario.
    pub scenario: String,
    /// Id of the compiler's output.
    pub build: String,
    /// The steps in order.
    pub steps: Vec<StepReport>,
}

impl PairReport {
    /// Whether every step did what it should.
    pub fn passed(&self) -> bool {
        self.steps.iter().all(|s| s.mismatches.is_empty())
    }

    /// Gas over all steps.
    pub fn gas_used(&self) -> i64 {
        self.steps.iter().map(|s| s.gas_used).sum()
    }
}

impl Scenario {
    /// Runs all steps for `build` from a fresh state. `folder` is where the scenario's files are.
    ///
    /// # Errors
    /// A file is missing or a step names a contract that the build does not have: the scenario itself is broken.
    pub fn run(
        &self,
        vm: &dyn Vm,
        terms: impl Into<Terms>,
        folder: &Path,
        build: &Build,
    ) -> Result<PairReport, String> {
        self.run_seen(vm, terms, folder, build, &mut |_| {})
    }

    /// The same, and `seen` sees each step that is run.
    ///
    /// # Errors
    /// As [`Scenario::run`].
    pub fn run_seen(
        &self,
        vm: &dyn Vm,
        terms: impl Into<Terms>,
        folder: &Path,
        build: &Build,
        seen: &mut dyn FnMut(Seen<'_>),
    ) -> Result<PairReport, String> {
        let mut world = World::new(vm, terms.into(), self);
        let mut steps = Vec::with_capacity(self.steps.len());
        for (index, step) in self.steps.iter().enumerate() {
            let mut report = StepReport {
                index,
                what: step.describe(),
                gas_used: 0,
                skipped: step.skip_for.get(&build.id).cloned(),
                mismatches: Vec::new(),
            };
            if report.skipped.is_none() {
                let transaction = step.transaction(&self.env, folder, build)?;
                seen(Seen::Begins { index, what: &report.what, gas: transaction.gas_limit });
                let done = world.transact(&transaction);
                seen(Seen::Ended(done.as_ref().ok()));
                match done {
                    Ok(receipt) => {
                        report.gas_used = receipt.gas_used;
                        report.mismatches = step.judge(&receipt, &world.ledger, build);
                    }
                    Err(refusal) => report.mismatches.push(format!("the transaction was refused: {refusal}")),
                }
            }
            steps.push(report);
        }
        Ok(PairReport { scenario: self.name.clone(), build: build.id.clone(), steps })
    }
}

/// A ledger in the scenario's block.
struct World<'a> {
    ledger: Ledger,
    vm: &'a dyn Vm,
    precompiles: StandardPrecompiles,
    rules: Rules,
    context: TxContext,
}

impl<'a> World<'a> {
    fn new(vm: &'a dyn Vm, terms: Terms, scenario: &Scenario) -> Self {
        let env = &scenario.env;
        let context = TxContext {
            coinbase: env.coinbase.0,
            number: env.number,
            timestamp: env.timestamp,
            gas_limit: env.gas_limit,
            prev_randao: env.difficulty.0,
            chain_id: env.chain_id.0,
            ..TxContext::default()
        };
        let mut world = Self::empty(vm, terms, context);
        for (address, balance) in &scenario.accounts {
            let account = LedgerAccount { balance: balance.0, ..LedgerAccount::default() };
            world.ledger.accounts.insert(address.0, account);
        }
        world.ledger.block_hashes = env.block_hashes.iter().map(|(number, hash)| (*number, hash.0)).collect();
        world
    }

    fn empty(vm: &'a dyn Vm, terms: Terms, context: TxContext) -> Self {
        let precompiles = StandardPrecompiles { keccak_at_9: KeccakAt9::On, schedule: terms.schedule };
        let rules = Rules { refunds: terms.refunds, ..Rules::new(terms.revision) };
        Self { ledger: Ledger::new(), vm, precompiles, rules, context }
    }

    fn transact(&mut self, transaction: &Transaction) -> Result<Receipt, String> {
        let environment =
            Environment { vm: self.vm, precompiles: &self.precompiles, rules: &self.rules, context: &self.context };
        self.ledger.transact(&environment, transaction).map_err(|e| e.to_string())
    }
}

impl Step {
    fn describe(&self) -> String {
        match (self.op, &self.call, &self.contract) {
            (Op::Deploy, _, Some(contract)) => format!("deploy {contract}"),
            (_, Some(call), _) => call.clone(),
            _ => "call".into(),
        }
    }

    fn transaction(&self, env: &Env, folder: &Path, build: &Build) -> Result<Transaction, String> {
        let (to, data) = match self.op {
            Op::Call => (Some(self.to.as_ref().ok_or("a call without `to`")?.0), self.data.clone().map(|d| d.0)),
            Op::Deploy => {
                let contract = self.contract.as_deref().ok_or("a deployment without `contract`")?;
                let file = build.files.get(contract).ok_or_else(|| format!("no file for contract `{contract}`"))?;
                (None, Some(read(&folder.join(file))?))
            }
        };
        Ok(Transaction {
            sender: self.sender.0,
            to,
            value: self.value.0,
            data: data.unwrap_or_default(),
            gas_limit: STEP_GAS,
            gas_price: env.gas_price.0,
            ..Transaction::default()
        })
    }

    /// All differences between the expectation (with what replaces it for this build) and what is.
    fn judge(&self, receipt: &Receipt, ledger: &Ledger, build: &Build) -> Vec<String> {
        let special = self.expect_for.get(&build.id).cloned().unwrap_or_default();
        let mut found = Vec::new();
        let mut differ = |what: &str, is: String, should: String| {
            if is != should {
                found.push(format!("{what} is {is}, should be {should}"));
            }
        };
        let outcome = &receipt.outcome;
        if let Some(status) = special.status.or(self.expect.status) {
            differ("status", words(Status::from(outcome.status), outcome.status), words(status, outcome.status));
        }
        if let Some(output) = special.output.as_ref().or(self.expect.output.as_ref()).filter(|_| self.op == Op::Call) {
            differ("output", hex_text(&outcome.output), hex_text(&output.0));
        }
        if let Some(address) = special.address.as_ref().or(self.expect.address.as_ref()) {
            differ("address", format!("{:?}", outcome.create_address), format!("{:?}", Some(address.0)));
        }
        if let Some(logs) = special.logs.as_ref().or(self.expect.logs.as_ref()) {
            let expected: Vec<_> = logs.iter().map(ExpectedLog::to_log).collect();
            differ("logs", logs_text(&receipt.logs), logs_text(&expected));
        }
        if let Some(storage) =
            special.storage.as_ref().or(self.expect.storage.as_ref()).filter(|_| build.compare_storage)
        {
            let expected = storage.iter().map(|(address, slots)| {
                (address.0, slots.iter().map(|(key, value)| (key.0, value.0)).collect::<BTreeMap<_, _>>())
            });
            let is = ledger.accounts.iter().map(|(address, account)| (*address, account.storage.clone()));
            differ("storage", storage_text(is), storage_text(expected));
        }
        for (address, balance) in special.balances.as_ref().or(self.expect.balances.as_ref()).into_iter().flatten() {
            let is = ledger.accounts.get(&address.0).map_or(U256::zero(), |account| account.balance);
            differ(&format!("balance of {:?}", address.0), is.to_string(), balance.0.to_string());
        }
        found
    }
}

/// The scenario's word, with our code beside it where it says more.
fn words(status: Status, code: StatusCode) -> String {
    match status {
        Status::Failure if Status::from(code) == Status::Failure => format!("failure ({code:?})"),
        status => format!("{status:?}").to_lowercase(),
    }
}

impl ExpectedLog {
    fn to_log(&self) -> Log {
        let topics = self.topics.iter().map(|t| t.0).collect();
        Log { address: self.address.0, topics, data: self.data.0.clone() }
    }
}

fn logs_text(logs: &[Log]) -> String {
    let one = |log: &Log| format!("{:?} {:?} {}", log.address, log.topics, hex_text(&log.data));
    format!("[{}]", logs.iter().map(one).collect::<Vec<_>>().join("; "))
}

/// Accounts without storage do not show.
fn storage_text(storage: impl Iterator<Item = (Address, BTreeMap<Bytes32, Bytes32>)>) -> String {
    let slots =
        storage.flat_map(|(address, slots)| slots.into_iter().map(move |(k, v)| format!("{address:?}[{k:?}]={v:?}")));
    format!("{{{}}}", slots.collect::<Vec<_>>().join(", "))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// `negative.json`: modules that must fail.
#[derive(Clone, Debug, Deserialize)]
pub struct Negative {
    /// The modules.
    pub cases: Vec<NegativeCase>,
}

/// A module that must fail.
///
/// The format has the expectation in words only; they come down to this. With `call`: deployment succeeds, the call
/// fails, nothing of it stays. A `*.creation.wasm` without: deployment fails. Any other file is no valid module and must
/// be refused as such.
#[derive(Clone, Debug, Deserialize)]
pub struct NegativeCase {
    /// Relative to the list.
    pub file: String,
    call: Option<Hex<Vec<u8>>>,
    /// For people.
    pub expect: String,
}

impl NegativeCase {
    /// Runs the case and returns the status that ended it.
    ///
    /// # Errors
    /// It did not fail, or not as it should.
    pub fn run(&self, vm: &dyn Vm, terms: impl Into<Terms>, folder: &Path) -> Result<StatusCode, String> {
        let mut world = World::empty(vm, terms.into(), TxContext { gas_limit: STEP_GAS, ..TxContext::default() });
        let sender = Address::repeat_byte(0xaa);
        let data = read(&folder.join(&self.file))?;
        let transaction = Transaction { sender, data, gas_limit: STEP_GAS, ..Transaction::default() };
        let deployed = world.transact(&transaction)?.outcome;
        let Some(call) = &self.call else {
            return match deployed.status {
                StatusCode::Success | StatusCode::Revert => Err(format!("deployment ended with {:?}", deployed.status)),
                StatusCode::ContractValidationFailure => Ok(deployed.status),
                other if self.file.ends_with(".creation.wasm") => Ok(other),
                other => Err(format!("ended with {other:?} in place of a refusal of the module")),
            };
        };
        let Some(contract) = deployed.create_address else {
            return Err(format!("deployment ended with {:?}", deployed.status));
        };
        let before = world.ledger.accounts.get(&contract).cloned();
        let transaction = Transaction { to: Some(contract), data: call.0.clone(), ..transaction };
        let outcome = world.transact(&transaction)?.outcome;
        if Status::from(outcome.status) != Status::Failure {
            return Err(format!("the call ended with {:?}", outcome.status));
        }
        if world.ledger.accounts.get(&contract) != before.as_ref() {
            return Err("the failed call left something behind".into());
        }
        Ok(outcome.status)
    }
}

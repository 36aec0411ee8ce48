//! `gristmill profile`: gas and time by function.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gristmill::contract::{Ewasm, Receipt, Refunds, Revision, StatusCode, Transaction, rules};
use gristmill::{Config, Engine, Linker, Module, Profile, Store, Val};
use gristmill_chain::CodeCache;
use serde_json::json;

use crate::args::{self, DispatchArg, TierArg, TierArgs};
use crate::command::{call, run};
use crate::link;
use crate::local::{ChainArgs, LocalChain, TransactionArgs, abi_for_module, read_abi};
use crate::output::{Answer, Exit, Failure};
use crate::profile::{By, Kind, Profiled, Profiler, Report};
use crate::receipt::{exit_of, status_text};
use crate::suite::scenario::{Build, Scenario, Seen, SuiteFile, Terms, options};

/// Show where gas and time go, by function, and draw a flame graph
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "gristmill profile [OPTIONS] <MODULE> [FUNCTION] [ARGUMENTS]...\n       \
                      gristmill profile [OPTIONS] --state <FILE> <CONTRACT> [FUNCTION] [ARGUMENTS]...\n       \
                      gristmill profile [OPTIONS] <MODULE> --invoke <NAME> [ARGUMENTS]...",
    after_help = "\
What is profiled:
  a contract's module                  the steps of scenario.json beside it that use it; without one its deployment
  a contract's module and a call       the call, in the words of `gristmill call`, on a chain of its own
  --state FILE and a contract there    the call, as with `gristmill call --dry-run`
  a module and --invoke NAME           the call of an exported function, as with `gristmill run`
Nothing is kept.

The table has a line a name: what it spent itself, what it spent with all that it called (what calls itself counts once), \
how often it was entered. Functions are called as the name section, imports and exports call them, else func[N]; host \
functions and messages to contracts are frames of their own. A metered block is paid whole by the function that enters it, \
entering a function by that function. In parentheses stands gas that no code spends: the intrinsic gas of a transaction, \
validation and first pages of memory, the deposit for code, what a failure loses, refunds. What is left to messages \
themselves is rounding to whole gas. The sum of all is the gas used, exactly.

Gas is what it always is. Functions run with `--dispatch loop`, and entering one costs time here; so times are to be compared \
with each other.

--folded writes a line a stack for the tools that read these: frames, and the innermost one's own in particles (10,000 are 1 \
gas) or nanoseconds. --svg writes a flame graph for a browser.

Examples:
  gristmill profile soll-fixtures/token/soll-normal.wasm
  gristmill profile token.wasm transfer bob 5 --svg transfer.svg
  gristmill profile --state dev.redb TOKEN 'transfer(address,uint256)(bool)' bob 5 --by time
  gristmill profile fib.wasm --invoke run 27 --folded fib.folded"
)]
pub struct Args {
    /// Module or contract, function, arguments
    #[arg(value_name = "WORDS", required = true, allow_negative_numbers = true)]
    words: Vec<String>,
    /// Exported function of a module that is no contract
    #[arg(long, value_name = "NAME")]
    invoke: Option<String>,
    /// ABI of the contract [default: abi.json beside the module]
    #[arg(long, value_name = "FILE")]
    abi: Option<PathBuf>,
    /// What the table is sorted by, and what stacks and bars are measured in
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    by: By,
    /// Lines of the table
    #[arg(long, default_value_t = 25, value_name = "N")]
    top: usize,
    /// Write folded stacks here
    #[arg(long, value_name = "FILE")]
    folded: Option<PathBuf>,
    /// Write the flame graph here
    #[arg(long, value_name = "FILE", default_value = "profile.svg")]
    svg: PathBuf,
    #[command(flatten)]
    transaction: TransactionArgs,
    #[command(flatten)]
    chain: ChainArgs,
}

/// What was profiled.
struct Done {
    profiler: Arc<Profiler>,
    title: String,
    exit: Exit,
    /// How it ended, where that was not well.
    note: Option<String>,
    /// Whole gas, as the receipts or the meter have it.
    gas_used: i64,
}

/// Runs the command.
///
/// # Errors
/// A file cannot be read or written, the module or the transaction is refused, the words make no sense.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    if args.chain.tier.tier != TierArg::Interp || args.chain.tier.dispatch == DispatchArg::Tail {
        return Err(Failure::usage("calls can be seen with --tier interp --dispatch loop alone"));
    }
    if args.chain.coredump.is_some() {
        return Err(Failure::usage("a profile has no coredump; `call --coredump` writes one"));
    }
    let done = measure(args)?;
    let report = done.profiler.report();
    if let Some(path) = &args.folded {
        write(path, &report.folded(args.by))?;
    }
    write(&args.svg, &report.svg(args.by, &done.title))?;
    Ok(answer(args, &done, &report))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|e| Failure::host(e.to_string()).at(path.display()))
}

fn answer(args: &Args, done: &Done, report: &Report) -> Answer {
    let note = done.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    let mut lines = vec![format!("{}: {} gas{note}", done.title, done.gas_used), String::new()];
    lines.extend(report.table(args.by, args.top));
    lines.push(String::new());
    lines.extend(args.folded.as_ref().map(|path| format!("folded stacks  {}", path.display())));
    lines.push(format!("flame graph    {}", args.svg.display()));
    let json = json!({
        "title": done.title,
        "gas_used": done.gas_used,
        "note": done.note,
        "profile": report.json(args.by),
        "folded": args.folded.as_ref().map(|path| path.display().to_string()),
        "svg": args.svg.display().to_string(),
    });
    Answer { exit: done.exit, text: lines.join("\n"), json }
}

fn measure(args: &Args) -> Result<Done, Failure> {
    let (target, words) = args.words.split_first().ok_or_else(|| Failure::usage("which module or contract?"))?;
    if args.chain.state.is_some() {
        return of_chain(args, target, words);
    }
    let file = Path::new(target);
    let bytes = args::read_module(file)?;
    if args.invoke.is_some() || rules::is_wasm(&bytes) && !is_contract(&bytes)? {
        return of_module(args, file, &bytes, words);
    }
    if !words.is_empty() {
        return of_call(args, file, bytes, words);
    }
    match scenario(file)? {
        Some((scenario, build)) => of_scenario(args, file, &scenario, &build),
        None => of_deployment(args, file, bytes),
    }
}

/// Whether a module looks like a contract: it has `main`, and imports from the interface or nothing.
fn is_contract(bytes: &[u8]) -> Result<bool, Failure> {
    let module = Module::new(&Engine::new(&Config::new())?, bytes)?;
    let ours = module.imports().all(|import| matches!(import.module(), "ethereum" | "debug"));
    Ok(module.get_export("main").is_some() && ours)
}

/// A call of an exported function.
fn of_module(args: &Args, file: &Path, bytes: &[u8], words: &[String]) -> Result<Done, Failure> {
    let profiler = Arc::new(Profiler::default());
    let engine = args::engine(Profile::general(), args.chain.schedule.unwrap_or_default(), &TierArgs::default())?;
    let engine = engine.watched(profiler.clone());
    let module = Module::new(&engine, bytes).map_err(|e| Failure::from(e).at(file.display()))?;
    let mut store = Store::new(&engine, ());
    store.set_gas(args.transaction.gas);
    let limit = args.transaction.gas.0 as i64;
    profiler.begin(Kind::Run, &file.display().to_string(), limit);
    profiler.begin_code(bytes, &file.display().to_string());
    let linker = Linker::new(&engine);
    let instance = linker.instantiate(&mut store, &module).map_err(|e| link::failure(e, &module, &linker))?;
    let (name, func) = run::function(args.invoke.as_deref(), &store, instance)?;
    let ty = func.ty(&store);
    let values = run::arguments(name, &ty, words)?;
    let mut results: Vec<_> = ty.results().iter().map(|ty| Val::default(*ty)).collect();
    let outcome = func.call(&mut store, &values, &mut results);
    let left = store.meter().left().0 as i64;
    profiler.end_code();
    profiler.end(left);
    let exit = if outcome.is_ok() { Exit::Good } else { Exit::Guest };
    let note = outcome.err().map(|e| Failure::from(e).message);
    let title = [&[file.display().to_string(), name.into()][..], words].concat().join(" ");
    Ok(Done { profiler, title, exit, note, gas_used: limit - left })
}

/// A chain whose VM is profiled.
fn profiled(local: &mut LocalChain, args: &Args) -> Result<Arc<Profiler>, Failure> {
    let profiler = Arc::new(Profiler::default());
    let (watcher, counter) = (profiler.clone(), profiler.clone());
    let watch = |engine: Engine| engine.watched(watcher);
    local.replace_vm(&args.chain.tier, watch, |vm| Box::new(Profiled::new(vm, counter)))?;
    Ok(profiler)
}

/// One transaction, which is forgotten.
fn of_transaction(args: &Args, local: &mut LocalChain, title: String, sent: &Transaction) -> Result<Done, Failure> {
    let profiler = profiled(local, args)?;
    profiler.begin(Kind::Run, "transaction", sent.gas_limit);
    let receipt = local.call(sent)?;
    settle(&profiler, &receipt, sent.gas_limit);
    let status = receipt.outcome.status;
    let note = (status != StatusCode::Success).then(|| status_text(status).to_string());
    Ok(Done { profiler, title, exit: exit_of(status), note, gas_used: receipt.gas_used })
}

/// Ends the frame of a transaction that had so much gas.
fn settle(profiler: &Profiler, receipt: &Receipt, gas: i64) {
    if receipt.outcome.create_address.is_some() {
        profiler.charge_rest("(code deposit)", gas - receipt.gas_used - receipt.gas_refunded);
    }
    if receipt.gas_refunded > 0 {
        profiler.charge("(refund)", -receipt.gas_refunded);
    }
    profiler.end(gas - receipt.gas_used);
}

fn of_deployment(args: &Args, file: &Path, data: Vec<u8>) -> Result<Done, Failure> {
    let mut local = LocalChain::open(&args.chain)?;
    let transaction = Transaction { data, ..local.transaction(&args.transaction)? };
    of_transaction(args, &mut local, format!("deploy {}", file.display()), &transaction)
}

/// Deploys without being watched, and calls.
fn of_call(args: &Args, file: &Path, data: Vec<u8>, words: &[String]) -> Result<Done, Failure> {
    let mut local = LocalChain::open(&args.chain)?;
    let abi = abi_for_module(args.abi.as_deref(), file)?;
    let call = call::encode(words, abi.as_ref(), &local)?;
    let transaction = local.transaction(&args.transaction)?;
    let deployed = local.transact(&Transaction { data, value: 0.into(), ..transaction.clone() })?;
    let Some(contract) = deployed.outcome.create_address else {
        let status = deployed.outcome.status;
        let failure = Failure { exit: exit_of(status), ..Failure::guest(status_text(status)) };
        return Err(failure.at("the deployment failed").at(file.display()));
    };
    let title = format!("{} {}", file.display(), words.join(" "));
    let transaction = Transaction { to: Some(contract), data: call.data, ..transaction };
    of_transaction(args, &mut local, title, &transaction)
}

/// Calls a contract of a chain that is there.
fn of_chain(args: &Args, target: &str, words: &[String]) -> Result<Done, Failure> {
    if let Some(state) = args.chain.state.as_ref().filter(|state| !state.exists()) {
        return Err(Failure::host("there is no such state file; `deploy` makes one").at(state.display()));
    }
    let mut local = LocalChain::open(&args.chain)?;
    let contract = local.address(target)?;
    let abi = match &args.abi {
        Some(path) => Some(read_abi(path)?),
        None => local.abi(&contract),
    };
    let call = call::encode(words, abi.as_ref(), &local)?;
    let transaction = Transaction { to: Some(contract), data: call.data, ..local.transaction(&args.transaction)? };
    of_transaction(args, &mut local, args.words.join(" "), &transaction)
}

/// The scenario beside a module, and what of it uses the module.
fn scenario(file: &Path) -> Result<Option<(Box<Scenario>, Build)>, Failure> {
    let path = file.with_file_name("scenario.json");
    let Some(name) = file.file_name().and_then(|name| name.to_str()).filter(|_| path.exists()) else { return Ok(None) };
    let at = |e: String| Failure::refused(e).at(path.display());
    let text = String::from_utf8(args::read_file(&path)?).map_err(|e| at(e.to_string()))?;
    let SuiteFile::Scenario(scenario) = SuiteFile::parse(&text).map_err(at)? else { return Ok(None) };
    let build = scenario.wasm.iter().find(|build| build.files.values().any(|file| file == name)).cloned();
    Ok(build.map(|build| (scenario, build)))
}

fn of_scenario(args: &Args, file: &Path, scenario: &Scenario, build: &Build) -> Result<Done, Failure> {
    let schedule = args.chain.schedule.unwrap_or_default();
    let profiler = Arc::new(Profiler::default());
    let engine = args::engine(Profile::chain1(), schedule, &TierArgs::default())?.watched(profiler.clone());
    let cache = Arc::new(CodeCache::new(CodeCache::DEFAULT_BYTES));
    let vm = Profiled::new(Ewasm::new(&engine, options(schedule)).with_cache(cache), profiler.clone());
    let revision = args.chain.revision.unwrap_or(Revision::Byzantium);
    let terms = Terms { revision, schedule, refunds: Refunds::FromVm };
    let folder = file.parent().unwrap_or(Path::new(""));
    let title = format!("scenario {} ({})", scenario.name, build.id);
    profiler.begin(Kind::Run, &title, 0);
    let mut limit = 0;
    let mut seen = |step: Seen<'_>| match step {
        Seen::Begins { index, what, gas } => {
            limit = gas;
            profiler.begin(Kind::Run, &format!("{index}: {what}"), gas);
        }
        Seen::Ended(Some(receipt)) => settle(&profiler, receipt, limit),
        Seen::Ended(None) => profiler.end(limit),
    };
    let ran = scenario.run_seen(&vm, terms, folder, build, &mut seen);
    let ran = ran.map_err(|e| Failure::refused(e).at(folder.join("scenario.json").display()))?;
    profiler.end(-ran.gas_used());
    let (exit, note) = match ran.passed() {
        true => (Exit::Good, None),
        false => (Exit::Guest, Some("steps have failed: `gristmill scenario` says which".into())),
    };
    Ok(Done { profiler, title, exit, note, gas_used: ran.gas_used() })
}

//! `gristmill statetest`: runs state tests in the format of ethereum/tests, in the words of geth's `evm statetest`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use gristmill::contract::{Ewasm, Options, Refunds, Vm};
use gristmill::{Profile, Schedule};
use gristmill_chain::CodeCache;
use gristmill_evmc::host::Plugin;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::{self, TierArgs};
use crate::output::{Answer, Exit, Failure, Progress};
use crate::plugin::{VmArgs, label};
use crate::suite::Tally;
use crate::suite::statetest::{self, Accounts, CaseReport, Terms};

/// Run state tests and compare state roots and logs
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Folders are searched for *.json. Every entry of a test's `post` counts one. With --json the results are geth's list \
[{name, pass, stateRoot, fork, error}], in one line. The last line is one JSON object; `tell` are the passed tests that \
leave gas, `all_gas` the passed ones that expect nothing but all gas gone.

Ewasm's own tests have the fork Byzantium and were filled without a price for instructions: the defaults here.

Examples:
  gristmill statetest conformance/ewasm-state/tests
  gristmill statetest conformance/ewasm-state/tests --run callValue --post conformance/ewasm-state/post
  gristmill statetest tests --fork Byzantium --dispatch loop --json")]
pub struct Args {
    /// State tests and folders of state tests
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only tests whose name contains this; may be given again
    #[arg(long, value_name = "TEXT")]
    run: Vec<String>,
    /// Only this fork
    #[arg(long, value_name = "NAME")]
    fork: Option<String>,
    /// Folder with whole expected states (NAME.json): tells account by account what is behind a wrong root
    #[arg(long, value_name = "FOLDER")]
    post: Option<PathBuf>,
    /// Show what each test took; runs them one by one
    #[arg(long)]
    bench: bool,
    /// Price list: `ewasm`, `unit` or `v1`; part of what is judged
    #[arg(long, value_parser = args::schedule, default_value = "ewasm", value_name = "NAME")]
    schedule: Schedule,
    #[command(flatten)]
    tier: TierArgs,
    #[command(flatten)]
    vm: VmArgs,
}

/// A main thread's stack: what 1,024 nested messages fit in.
const STACK: usize = 8 << 20;

/// Runs the command.
///
/// # Errors
/// A file cannot be read, is no file of state tests, or a test is broken itself.
pub fn run(args: &Args, json: bool) -> Result<Answer, Failure> {
    let files = args::find_files(&args.paths, &|path| path.extension().is_some_and(|e| e == "json"))?;
    let engine = args::engine(Profile::chain1(), args.schedule, &args.tier)?;
    let options = Options { schedule: args.schedule, ..Options::default() };
    let plugin = args.vm.plugin(&options, &args.tier)?;
    let built_in = Ewasm::new(&engine, options).with_cache(Arc::new(CodeCache::new(CodeCache::DEFAULT_BYTES)));
    let vm = plugin.as_ref().map_or(&built_in as &(dyn Vm + Sync), |plugin| plugin);
    let refunds = plugin.as_ref().map_or(Refunds::FromVm, Plugin::refunds);
    let terms = Terms { schedule: args.schedule, refunds };

    let threads = if args.bench { 1 } else { thread::available_parallelism().map_or(1, usize::from) };
    let mut suite = Suite { json, bench: args.bench, ..Suite::new(files.len(), json) };
    let mut failure = None;
    in_order(files.len(), threads, &|n| run_file(args, vm, terms, &files[n]), &mut |n, reports| {
        suite.progress.step(&files[n].display().to_string());
        match reports {
            Ok(reports) => reports.into_iter().for_each(|report| suite.take(report)),
            Err(e) => failure = failure.take().or(Some(e)),
        }
    });
    if let Some(failure) = failure {
        return Err(failure);
    }
    suite.finish(args.tier.name(), &label(plugin.as_ref(), engine.dispatch().name()))
}

/// Runs the wanted tests of a file.
fn run_file(args: &Args, vm: &dyn Vm, terms: Terms, path: &Path) -> Result<Vec<CaseReport>, Failure> {
    let at = |e: String| Failure::refused(e).at(path.display());
    let text = String::from_utf8(args::read_file(path)?).map_err(|e| at(e.to_string()))?;
    let wanted_fork = |fork: &str| match &args.fork {
        None => true,
        Some(wanted) => fork.eq_ignore_ascii_case(wanted),
    };
    let mut reports = Vec::new();
    for (name, test) in statetest::parse(&text).map_err(at)? {
        if !args.run.is_empty() && !args.run.iter().any(|part| name.contains(part)) {
            continue;
        }
        let expected = args.post.as_deref().map(|folder| expected(folder, &name)).transpose()?.flatten();
        reports.extend(test.run(&name, vm, terms, &wanted_fork, expected.as_ref()).map_err(at)?);
    }
    Ok(reports)
}

/// The whole expected state of a test, if the folder has it.
fn expected(folder: &Path, name: &str) -> Result<Option<Accounts>, Failure> {
    #[derive(Deserialize)]
    struct Derived {
        post: Accounts,
    }
    let path = folder.join(format!("{name}.json"));
    if !path.exists() {
        return Ok(None);
    }
    let derived = serde_json::from_slice::<Derived>(&args::read_file(&path)?);
    derived.map(|derived| Some(derived.post)).map_err(|e| Failure::refused(e.to_string()).at(path.display()))
}

/// Does `work` for 0 to `count` on `threads` threads and hands the results to `done` in order, as soon as that can be.
fn in_order<T: Send>(count: usize, threads: usize, work: &(dyn Fn(usize) -> T + Sync), done: &mut dyn FnMut(usize, T)) {
    let next = AtomicUsize::new(0);
    let (results, finished) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..threads.min(count) {
            let (next, results) = (&next, results.clone());
            let worker = move || {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    // Nobody listens any more when the other side has panicked: its panic is what counts.
                    if n >= count || results.send((n, work(n))).is_err() {
                        return;
                    }
                }
            };
            thread::Builder::new().stack_size(STACK).spawn_scoped(scope, worker).expect("this machine has threads");
        }
        drop(results);
        let (mut waiting, mut wanted) = (BTreeMap::new(), 0);
        for (n, result) in finished {
            waiting.insert(n, result);
            while let Some(result) = waiting.remove(&wanted) {
                done(wanted, result);
                wanted += 1;
            }
        }
    });
}

/// Sums and output of a run.
struct Suite {
    json: bool,
    bench: bool,
    progress: Progress,
    tally: Tally,
    /// Passed ones that expect nothing but all gas gone.
    all_gas: usize,
    list: Vec<Value>,
}

impl Suite {
    fn new(files: usize, json: bool) -> Self {
        let progress = Progress::new(files, json);
        Self { json, bench: false, progress, tally: Tally::default(), all_gas: 0, list: Vec::new() }
    }

    fn take(&mut self, report: CaseReport) {
        match (&report.skipped, &report.error) {
            (Some(_), _) => self.tally.skipped += 1,
            (None, Some(_)) => self.tally.failed += 1,
            (None, None) => {
                self.tally.passed += 1;
                self.all_gas += usize::from(report.all_gas);
            }
        }
        if self.json {
            self.list.push(in_json(&report, self.bench));
        } else {
            self.progress.line(&in_text(&report, self.bench));
        }
    }

    fn finish(self, tier: &str, dispatch: &str) -> Result<Answer, Failure> {
        let Suite { progress, tally, all_gas, list, json, .. } = self;
        if tally == Tally::default() {
            return Err(Failure::usage("there is no state test of that name and fork under these paths"));
        }
        if json {
            progress.line(&Value::Array(list).to_string());
        }
        drop(progress);
        let mut summary = tally.json("statetest", tier, dispatch);
        summary["tell"] = (tally.passed - all_gas).into();
        summary["all_gas"] = all_gas.into();
        let exit = if tally.failed == 0 { Exit::Good } else { Exit::Guest };
        Ok(Answer { exit, text: summary.to_string(), json: summary })
    }
}

fn in_text(report: &CaseReport, bench: bool) -> String {
    let case = format!("{} ({} {})", report.name, report.fork, report.index);
    if let Some(why) = &report.skipped {
        return format!("skip {case}: {why}");
    }
    let time = if bench { format!(", {:.3} ms", report.time.as_secs_f64() * 1e3) } else { String::new() };
    let ended = format!("{}, {} gas{time}", report.ended, report.gas_used);
    match &report.error {
        None => format!("ok   {case}: {ended}"),
        Some(error) => {
            let differences = report.differences.iter().map(|what| format!("\n     {what}"));
            format!("FAIL {case}: {error}; {ended}{}", differences.collect::<String>())
        }
    }
}

/// geth's fields, and ours where it has none.
fn in_json(report: &CaseReport, bench: bool) -> Value {
    let mut entry = json!({ "name": report.name, "pass": report.passed(), "fork": report.fork });
    if let Some(why) = &report.skipped {
        entry["skipped"] = why.as_str().into();
        return entry;
    }
    entry["stateRoot"] = format!("{:?}", report.root).into();
    if let Some(error) = &report.error {
        entry["error"] = error.as_str().into();
    }
    if !report.differences.is_empty() {
        entry["differences"] = report.differences.as_slice().into();
    }
    if bench {
        entry["benchStats"] = json!({ "time": report.time.as_nanos() as u64, "gasUsed": report.gas_used });
    }
    entry
}

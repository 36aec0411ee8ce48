//! `gristmill scenario`: runs contracts step by step and compares everything that they leave behind.

use std::path::{Path, PathBuf};

use gristmill::contract::{Refunds, Revision, Vm};
use gristmill::{Profile, Schedule};
use gristmill_evmc::host::Plugin;
use serde_json::{Value, json};

use crate::args::{self, TierArgs};
use crate::output::{Answer, Exit, Failure, Progress};
use crate::plugin::{VmArgs, label};
use crate::suite::Tally;
use crate::suite::scenario::{Negative, PairReport, Scenario, SuiteFile, Terms, options, vm};

/// Run contract scenarios and compare every result
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Folders are searched for scenario.json (ewasm-scenario-1) and negative.json (ewasm-negative-1). A scenario counts one \
for each compiler's output. The last line is one JSON object; what must fail is summed up in a line of its own before \
it. Without --keep-going the run stops at the first failure, and what was not run counts as skipped.

Examples:
  gristmill scenario soll-fixtures
  gristmill scenario soll-fixtures/token --schedule unit --dispatch loop
  gristmill scenario soll-fixtures/negative/negative.json --json")]
pub struct Args {
    /// Scenarios and folders of scenarios
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Go on after a failure
    #[arg(long)]
    keep_going: bool,
    /// Rules: a fork of Ethereum
    #[arg(long, value_parser = args::revision, default_value = "Byzantium", value_name = "NAME")]
    revision: Revision,
    /// Price list: `v1`, `unit` or `ewasm`; results do not depend on it, gas does
    #[arg(long, value_parser = args::schedule, default_value = "v1", value_name = "NAME")]
    schedule: Schedule,
    #[command(flatten)]
    tier: TierArgs,
    #[command(flatten)]
    vm: VmArgs,
}

/// Runs the command.
///
/// # Errors
/// A scenario cannot be read, or is broken itself: a file is missing, a field has the wrong form.
pub fn run(args: &Args, json: bool) -> Result<Answer, Failure> {
    let files = args::find_files(&args.paths, &SuiteFile::is_named)?;
    if files.is_empty() {
        return Err(Failure::usage("there is no scenario.json or negative.json under these paths"));
    }
    let engine = args::engine(Profile::chain1(), args.schedule, &args.tier)?;
    let plugin = args.vm.plugin(&options(args.schedule), &args.tier)?;
    let built_in = vm(&engine);
    let mut suite = Suite {
        vm: plugin.as_ref().map_or(&built_in, |plugin| plugin as &dyn Vm),
        terms: Terms {
            revision: args.revision,
            schedule: args.schedule,
            refunds: plugin.as_ref().map_or(Refunds::FromVm, Plugin::refunds),
        },
        keep_going: args.keep_going,
        json,
        progress: Progress::new(files.len(), json),
        scenario: Tally::default(),
        negative: Tally::default(),
    };
    let (mut scenarios, mut negatives) = (0, 0);
    for path in &files {
        let at = |e: String| Failure::refused(e).at(path.display());
        suite.progress.step(&path.display().to_string());
        let text = String::from_utf8(args::read_file(path)?).map_err(|e| at(e.to_string()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        match SuiteFile::parse(&text).map_err(at)? {
            SuiteFile::Scenario(scenario) => {
                scenarios += 1;
                suite.scenario(&scenario, folder).map_err(at)?;
            }
            SuiteFile::Negative(negative) => {
                negatives += 1;
                suite.negative(&negative, folder).map_err(at)?;
            }
        }
    }
    let label = label(plugin.as_ref(), engine.dispatch().name());
    let Suite { scenario, negative, progress, .. } = suite;
    let summary = |name: &str, tally: Tally| tally.json(name, args.tier.name(), &label);
    let last = if scenarios > 0 { summary("scenario", scenario) } else { summary("negative", negative) };
    if scenarios > 0 && negatives > 0 {
        progress.line(&summary("negative", negative).to_string());
    }
    let exit = if scenario.failed + negative.failed == 0 { Exit::Good } else { Exit::Guest };
    Ok(Answer { exit, text: last.to_string(), json: last })
}

/// A run over several files.
struct Suite<'a> {
    vm: &'a dyn Vm,
    terms: Terms,
    keep_going: bool,
    json: bool,
    progress: Progress,
    scenario: Tally,
    negative: Tally,
}

impl Suite<'_> {
    fn stopped(&self) -> bool {
        !self.keep_going && self.scenario.failed + self.negative.failed > 0
    }

    fn scenario(&mut self, scenario: &Scenario, folder: &Path) -> Result<(), String> {
        for build in &scenario.wasm {
            if self.stopped() {
                self.scenario.skipped += 1;
                continue;
            }
            let report = scenario.run(self.vm, self.terms, folder, build)?;
            match report.passed() {
                true => self.scenario.passed += 1,
                false => self.scenario.failed += 1,
            }
            self.show(pair_text(&report), pair_json(&report));
        }
        Ok(())
    }

    fn negative(&mut self, negative: &Negative, folder: &Path) -> Result<(), String> {
        for case in &negative.cases {
            if self.stopped() {
                self.negative.skipped += 1;
                continue;
            }
            let (ok, what) = match case.run(self.vm, self.terms, folder) {
                Ok(status) => (true, format!("fails as it should: {status:?}")),
                Err(what) => (false, what),
            };
            match ok {
                true => self.negative.passed += 1,
                false => self.negative.failed += 1,
            }
            let word = if ok { "ok  " } else { "FAIL" };
            let text = format!("{word} {}: {what}", case.file);
            self.show(text, json!({ "file": case.file, "passed": ok, "what": what }));
        }
        Ok(())
    }

    fn show(&self, text: String, json: Value) {
        self.progress.line(&if self.json { json.to_string() } else { text });
    }
}

fn pair_text(report: &PairReport) -> String {
    let skipped = report.steps.iter().filter(|s| s.skipped.is_some()).count();
    let skipped = if skipped == 0 { String::new() } else { format!(", {skipped} left out") };
    let pair = format!("{} ({})", report.scenario, report.build);
    if report.passed() {
        return format!("ok   {pair}: {} steps{skipped}, {} gas", report.steps.len(), report.gas_used());
    }
    let failed = report.steps.iter().flat_map(|step| {
        step.mismatches.iter().map(move |what| format!("\n     step {} {}: {what}", step.index, step.what))
    });
    format!("FAIL {pair}{}", failed.collect::<String>())
}

fn pair_json(report: &PairReport) -> Value {
    let steps = report.steps.iter().map(|step| {
        json!({
            "index": step.index,
            "what": step.what,
            "gas_used": step.gas_used,
            "skipped": step.skipped,
            "mismatches": step.mismatches,
        })
    });
    json!({
        "scenario": report.scenario,
        "build": report.build,
        "passed": report.passed(),
        "gas_used": report.gas_used(),
        "steps": steps.collect::<Vec<_>>(),
    })
}

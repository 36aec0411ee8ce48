//! `gristmill-job`: runs a job as a worker's node does, for workers that are not nodes and for who writes jobs.

use clap::{Parser, ValueEnum};
use gristmill_offchain::{Isolated, Policies, Tier, serve};
use pallet_gristmill_jobs::door::{NotRun, Run, Runner};
use pallet_gristmill_jobs::{Budget, Outcome, Policy};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs a job as a worker's node does, and prints what came of it as JSON.
///
/// Exit codes: 0 there is an outcome, failures of the job among them; 1 files cannot be read; 2 wrong usage; 3 the job took longer
/// than its time, or could not be run.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Args {
    /// The module: WebAssembly
    code: Option<PathBuf>,
    /// What it reads: hexadecimal, or @FILE
    #[arg(long, default_value = "")]
    input: String,
    /// What it may do
    #[arg(long, default_value = "pure", value_name = "NAME")]
    policy: String,
    /// The policies that there are beside `pure`, in TOML
    #[arg(long, value_name = "FILE")]
    policies: Option<PathBuf>,
    /// Whole gas
    #[arg(long, default_value_t = 1_000_000_000)]
    gas: u64,
    /// Wall time, in milliseconds
    #[arg(long, default_value_t = 10_000)]
    milliseconds: u32,
    /// Pages of 64 KiB of all memories together
    #[arg(long, default_value_t = 1_024)]
    pages: u32,
    /// Bytes of output
    #[arg(long, default_value_t = 65_536)]
    output: u32,
    /// What runs jobs of the policy `pure`; others have it from their policies
    #[arg(long, value_enum, default_value = "aot")]
    tier: TierArg,
    /// Takes one job from standard input and answers on standard output, encoded
    #[arg(long, hide = true)]
    serve: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TierArg {
    /// The interpreter
    Interp,
    /// Machine code
    Aot,
}

fn read(path: &PathBuf) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn policies(path: &PathBuf) -> Result<Policies, String> {
    let text = String::from_utf8(read(path)?).map_err(|_| format!("{}: not UTF-8", path.display()))?;
    Policies::from_toml(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The job that the arguments are about.
fn job(args: &Args) -> Result<Run, String> {
    let Some(code) = &args.code else { return Err("which module? (see --help)".into()) };
    let input = match args.input.strip_prefix('@') {
        Some(path) => read(&path.into())?,
        None => hex::decode(args.input.trim_start_matches("0x")).map_err(|error| format!("--input: {error}"))?,
    };
    let policy = Policy::try_from(args.policy.clone().into_bytes());
    let policy = policy.map_err(|_| "--policy: the name is too long".to_string())?;
    let &Args { gas, milliseconds, pages, output, .. } = args;
    Ok(Run { code: read(code)?, input, policy, budget: Budget { gas, milliseconds, pages, output } })
}

fn shown(result: &Result<Outcome, NotRun>) -> Value {
    let hex = |bytes: &[u8]| format!("0x{}", hex::encode(bytes));
    match result {
        Ok(Outcome::Completed(output)) => json!({ "outcome": "Completed", "output": hex(output) }),
        Ok(Outcome::Reverted(output)) => json!({ "outcome": "Reverted", "output": hex(output) }),
        Ok(Outcome::Failed(failure)) => json!({ "outcome": "Failed", "failure": format!("{failure:?}") }),
        Err(reason) => json!({ "notRun": format!("{reason:?}") }),
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.serve {
        return match serve() {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::from(3),
        };
    }
    let run = match job(&args) {
        Ok(run) => run,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(if args.code.is_none() { 2 } else { 1 });
        }
    };
    let tier = match args.tier {
        TierArg::Interp => Tier::Interpreter,
        TierArg::Aot => Tier::Compiled,
    };
    let policies = match &args.policies {
        None => Policies::of(tier),
        Some(path) => match policies(path) {
            Ok(policies) => policies,
            Err(message) => {
                eprintln!("{message}");
                return ExitCode::from(1);
            }
        },
    };
    let result = std::env::current_exe()
        .map_err(|_| NotRun::Broken)
        .and_then(|program| Isolated::new(program, vec!["--serve".into()], policies).run(&run));
    println!("{}", shown(&result));
    ExitCode::from(if result.is_ok() { 0 } else { 3 })
}

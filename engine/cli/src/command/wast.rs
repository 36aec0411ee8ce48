//! `gristmill wast`: runs scripts of the WebAssembly specification's test suite.

use std::path::{Path, PathBuf};

use gristmill::{Profile, Proposal, Schedule};
use serde_json::json;

use crate::args::{self, TierArgs, WithoutArgs};
use crate::output::{Answer, Exit, Failure, Progress};
use crate::suite::embedded::Embedded;
use crate::suite::known::{self, Unexpected};
use crate::suite::wast::{count_assertions, run_script};
use crate::suite::{Tally, profile_for};

/// Run test scripts of the WebAssembly specification
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Folders are searched for *.wast. Folders of the suite are known by name: scripts of an \
older core run without what came later. Assertions count one each; known failures count as skipped. \
A known failure that passes is an error, so that the list stays true. Without `simd`, scripts named simd_* are skipped. \
The last line is one JSON object.

Examples:
  gristmill wast conformance/wasm-spec/core-2.0
  gristmill wast --dispatch loop core-2.0/i32.wast core-2.0/call.wast")]
pub struct Args {
    /// Scripts and folders of scripts
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    without: WithoutArgs,
    /// Known failures in place of the built-in list, a line each: FILE:LINE reason, or FILE:* reason
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    #[command(flatten)]
    tier: TierArgs,
}

/// Runs the command.
///
/// # Errors
/// A script cannot be read or does not parse.
pub fn run(args: &Args, json: bool) -> Result<Answer, Failure> {
    let files = args::find_files(&args.paths, &is_script)?;
    let known = match &args.known {
        None => known::parse(known::WAST),
        Some(path) => known::parse(&String::from_utf8_lossy(&args::read_file(path)?)),
    };
    let known = known.map_err(Failure::refused)?;
    let profile = args.without.of(Profile::general());
    let mut engine = args::engine(profile, Schedule::V1, &args.tier)?;

    let mut progress = Progress::new(files.len(), json);
    let mut tally = Tally::default();
    for file in &files {
        progress.step(&file.display().to_string());
        let text = String::from_utf8(args::read_file(file)?)
            .map_err(|e| Failure::refused(e.to_string()).at(file.display()))?;
        if !profile.has(Proposal::Simd) && is_simd(file) {
            tally.skipped += count_assertions(&text).map_err(|e| Failure::refused(e).at(file.display()))?;
            continue;
        }
        let about = profile_for(file, profile);
        if engine.profile() != &about {
            engine = args::engine(about, Schedule::V1, &args.tier)?;
        }
        let verdicts = run_script(&text, &mut Embedded::new(&engine)?);
        let verdicts = verdicts.map_err(|e| Failure::refused(e).at(file.display()))?;
        let (found, unexpected) = known::judge(file, &verdicts, &known);
        tally += found;
        for Unexpected { line, what } in unexpected {
            let name = file.display().to_string();
            progress.line(&match json {
                true => json!({ "file": name, "line": line, "failed": what }).to_string(),
                false => format!("{name}:{line}: {what}"),
            });
        }
    }
    drop(progress);
    let summary = tally.json("wast", args.tier.name(), engine.dispatch().name());
    let exit = if tally.failed == 0 { Exit::Good } else { Exit::Guest };
    Ok(Answer { exit, text: summary.to_string(), json: summary })
}

/// Whether a file is looked at when a folder is searched.
pub fn is_script(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "wast")
}

/// Whether a script is about SIMD, by its name.
pub fn is_simd(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("simd_"))
}

//! The WebAssembly specification's own tests: core 2.0 and what of 3.0 there is, on every executor.

use gristmill::{Profile, Schedule};
use gristmill_cli::suite::Tally;
use gristmill_cli::suite::embedded::Embedded;
use gristmill_cli::suite::known::{self, Known};
use gristmill_cli::suite::wast::{Verdict, run_script};
use gristmill_tests::reference_script::Script;
use gristmill_tests::{deep, engines, shared};
use std::path::{Path, PathBuf};

/// Folders, and how many assertions they have (conformance/wasm-spec/README.md).
const SUITES: [(&str, usize); 3] =
    [("core-2.0", 52_228), ("proposals/relaxed-simd", 85), ("proposals/extended-const", 218)];

fn scripts(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a readable folder");
    let mut scripts: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    scripts.retain(|path| path.extension().is_some_and(|extension| extension == "wast"));
    scripts.sort();
    scripts
}

/// Runs all scripts; `known` is the list of failures that are known.
fn suites(executor: &str, known: &[Known], mut run: impl FnMut(&str) -> Result<Vec<Verdict>, String>) {
    for (folder, assertions) in SUITES {
        suite(executor, folder, assertions, known, &mut run);
    }
}

fn suite(
    executor: &str,
    folder: &str,
    assertions: usize,
    known: &[Known],
    run: &mut impl FnMut(&str) -> Result<Vec<Verdict>, String>,
) {
    let Some(folder) = shared(&format!("conformance/wasm-spec/{folder}")) else { return };
    let (mut tally, mut failures) = (Tally::default(), Vec::new());
    for path in scripts(&folder) {
        let text = std::fs::read_to_string(&path).expect("a readable script");
        let verdicts = run(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let (found, unexpected) = known::judge(&path, &verdicts, known);
        tally += found;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        failures.extend(unexpected.into_iter().map(|u| format!("{name}:{}: {}", u.line, u.what)));
    }
    println!("{executor}: {tally:?}");
    assert!(failures.is_empty(), "{} failures on {executor}:\n{}", failures.len(), failures.join("\n"));
    assert_eq!(tally.passed + tally.skipped, assertions, "{executor} {}", folder.display());
}

#[test]
fn the_engine_with_both_dispatches() {
    let known = known::parse(known::WAST).expect("the list of known failures");
    deep(move || {
        for (name, engine) in engines(Profile::general(), Schedule::V1) {
            suites(name, &known, |text| {
                run_script(text, &mut Embedded::new(&engine).expect("the spectest module links"))
            });
        }
    });
}

#[test]
fn the_reference() {
    deep(|| suites("reference", &[], |text| run_script(text, &mut Script::default())));
}

//! The WebAssembly specification's own tests: core 2.0 and what there is of 3.0 and of proposals, on every executor.

use gristmill::{Profile, Schedule};
use gristmill_cli::suite::embedded::Embedded;
use gristmill_cli::suite::known::{self, Known};
use gristmill_cli::suite::wast::{Verdict, run_script};
use gristmill_cli::suite::{Tally, profile_for};
use gristmill_tests::reference_script::Script;
use gristmill_tests::{deep, engines, shared};
use std::path::{Path, PathBuf};

/// Folders, and how many assertions they have (conformance/wasm-spec/README.md).
const SUITES: [(&str, usize); 9] = [
    ("core-2.0", 52_228),
    ("core-3.0-delta", 14_772),
    ("proposals/relaxed-simd", 85),
    ("proposals/extended-const", 218),
    ("proposals/tail-call", 113),
    ("proposals/wide-arithmetic", 107),
    ("proposals/multi-memory", 1_562),
    ("proposals/custom-page-sizes", 164),
    ("proposals/memory64", 962),
];

fn scripts(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a readable folder");
    let mut scripts: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    scripts.retain(|path| path.extension().is_some_and(|extension| extension == "wast"));
    scripts.sort();
    scripts
}

/// Runs the scripts of a folder; `known` is the list of failures that are known.
fn suite(
    executor: &str,
    folder: &str,
    assertions: usize,
    known: &[Known],
    mut run: impl FnMut(&str) -> Result<Vec<Verdict>, String>,
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

/// What the scripts of a folder are about.
fn profile(folder: &str) -> Profile {
    profile_for(Path::new(folder), Profile::general())
}

fn known() -> Vec<Known> {
    known::parse(known::WAST).expect("the list of known failures")
}

#[test]
fn the_engine_with_both_dispatches() {
    deep(|| {
        for (folder, assertions) in SUITES {
            for (name, engine) in engines(profile(folder), Schedule::V1) {
                suite(name, folder, assertions, &known(), |text| {
                    run_script(text, &mut Embedded::new(&engine).expect("the spectest module links"))
                });
            }
        }
    });
}

#[test]
fn the_reference() {
    deep(|| {
        for (folder, assertions) in SUITES {
            suite("reference", folder, assertions, &known(), |text| {
                run_script(text, &mut Script::new(profile(folder)))
            });
        }
    });
}

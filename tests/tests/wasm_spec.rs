//! The WebAssembly specification's own tests: core 2.0 and what there is of 3.0 and of proposals, on every executor.

use gristmill::{Profile, Schedule};
use gristmill_cli::suite::embedded::Embedded;
use gristmill_cli::suite::known::{self, Known};
use gristmill_cli::suite::wast::{Verdict, run_script};
use gristmill_cli::suite::{Tally, profile_for};
use gristmill_tests::reference_script::Script;
use gristmill_tests::{deep, engines, shared};
use std::path::{Path, PathBuf};

/// Folders, and how many assertions they have (conformance/wasm-spec/README.md); of the scripts that there is everything for.
const SUITES: [(&str, usize); 9] = [
    ("core-2.0", 52_228),
    ("core-3.0-delta", 11_551),
    ("proposals/relaxed-simd", 85),
    ("proposals/extended-const", 218),
    ("proposals/tail-call", 113),
    ("proposals/wide-arithmetic", 107),
    ("proposals/multi-memory", 1_562),
    ("proposals/custom-page-sizes", 164),
    ("proposals/memory64", 819),
];

/// Scripts of 3.0, by their names, that need garbage collection, typed references or exceptions.
const NOT_YET: &str = "
    array array_copy array_fill array_init_data array_init_elem array_new_data array_new_elem br_on_cast
    br_on_cast_fail br_on_non_null br_on_null br_table call_ref data elem extern global i31 imports instance
    linking local_init ref ref_as_non_null ref_cast ref_eq ref_is_null ref_null ref_test return_call_ref struct
    table-sub table table_init table_init64 tag throw throw_ref try_table type-canon type-equivalence type-rec
    type-subtyping unreached-valid";

fn scripts(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a readable folder");
    let mut scripts: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    scripts.retain(|path| path.extension().is_some_and(|extension| extension == "wast"));
    // The proposal of 64-bit memories was written over 3.0.
    if folder.ends_with("core-3.0-delta") || folder.ends_with("memory64") {
        scripts
            .retain(|path| !NOT_YET.split_whitespace().any(|name| path.file_stem().is_some_and(|stem| stem == name)));
    }
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

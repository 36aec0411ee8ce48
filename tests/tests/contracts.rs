//! Compiled contracts of `../shared/contracts`: every scenario does what it should, every negative module fails, and
//! gas is the same on every executor.

use gristmill::Schedule;
use gristmill::contract::Revision;
use gristmill_cli::suite::scenario::{PairReport, SuiteFile, Terms, options};
use gristmill_tests::{deep, shared, vms};
use std::path::{Path, PathBuf};

/// Scenario x compiler pairs (contracts/README.md has them all).
const PAIRS: usize = 41;

fn suites(folder: &Path) -> Vec<(PathBuf, SuiteFile)> {
    let entries = std::fs::read_dir(folder).expect("a readable folder");
    let mut found: Vec<_> = entries
        .flat_map(|entry| std::fs::read_dir(entry.expect("a readable folder").path()).into_iter().flatten())
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| SuiteFile::is_named(path))
        .collect();
    found.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let suite = SuiteFile::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        (path.parent().expect("a file is in a folder").to_path_buf(), suite)
    };
    found.into_iter().map(read).collect()
}

#[test]
fn scenarios_and_negatives_on_every_executor() {
    let Some(folder) = shared("contracts") else { return };
    deep(move || {
        for schedule in Schedule::ALL {
            let terms = Terms { schedule, ..Revision::Byzantium.into() };
            let vms = vms(schedule, &options(schedule));
            let (mut pairs, mut negatives) = (0, 0);
            for (folder, suite) in suites(&folder) {
                match suite {
                    SuiteFile::Scenario(scenario) => {
                        for build in &scenario.wasm {
                            pairs += 1;
                            let mut first: Option<(&str, PairReport)> = None;
                            for (name, vm) in &vms {
                                let what = format!("{} by {} on {name}, {}", scenario.name, build.id, schedule.name());
                                let report = scenario.run(&**vm, terms, &folder, build);
                                let report = report.unwrap_or_else(|e| panic!("{what}: {e}"));
                                assert!(report.passed(), "{what}: {report:#?}");
                                match &first {
                                    None => first = Some((name, report)),
                                    Some((other, expected)) => assert_eq!(&report, expected, "{what} and on {other}"),
                                }
                            }
                        }
                    }
                    SuiteFile::Negative(negative) => {
                        for case in &negative.cases {
                            negatives += 1;
                            let statuses = vms.iter().map(|(name, vm)| {
                                case.run(&**vm, terms, &folder)
                                    .unwrap_or_else(|e| panic!("{} on {name}: {e} ({})", case.file, case.expect))
                            });
                            let statuses: Vec<_> = statuses.collect();
                            assert!(statuses.windows(2).all(|pair| pair[0] == pair[1]), "{}: {statuses:?}", case.file);
                        }
                    }
                }
            }
            assert_eq!(pairs, PAIRS, "scenario x compiler pairs");
            assert!(negatives > 0);
        }
    });
}

//! Every bundled scenario through the shared library at every ABI, beside the engine itself: same results, same gas.

mod common;

use common::{ABIS, plugin};
use gristmill::contract::{Revision, Vm};
use gristmill::{Config, Engine, Profile, Schedule};
use gristmill_cli::suite::scenario::{self, SuiteFile};
use std::path::{Path, PathBuf};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            files(&entry, found);
        } else if SuiteFile::is_named(&entry) {
            found.push(entry);
        }
    }
}

/// One line a scenario's step and a refused module, with everything that is reported of it.
fn run(vm: &dyn Vm, files: &[PathBuf]) -> Vec<String> {
    let mut lines = Vec::new();
    for file in files {
        let folder = file.parent().unwrap();
        match SuiteFile::parse(&std::fs::read_to_string(file).unwrap()).unwrap() {
            SuiteFile::Scenario(scenario) => {
                for build in &scenario.wasm {
                    let report = scenario.run(vm, Revision::Byzantium, folder, build).unwrap();
                    assert!(report.passed(), "{report:#?}");
                    lines.extend(report.steps.iter().map(|step| format!("{} {} {step:?}", report.scenario, build.id)));
                }
            }
            SuiteFile::Negative(negative) => {
                for case in &negative.cases {
                    lines.push(format!("{} {:?}", case.file, case.run(vm, Revision::Byzantium, folder)));
                }
            }
        }
    }
    lines
}

#[test]
fn all_scenarios_at_every_abi() {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../soll-fixtures"), &mut found);
    found.sort();
    let engine = Engine::new(Config::new().profile(Profile::chain1()).schedule(Schedule::V1)).unwrap();
    let built_in = run(&scenario::vm(&engine), &found);
    assert!(built_in.len() > 100, "too few: {}", built_in.len());
    for abi in ABIS {
        let plugin = run(&plugin(abi, ",gas-schedule=v1,keccak-at-9=on,exports=lenient"), &found);
        for (ours, theirs) in built_in.iter().zip(&plugin) {
            // Old ABIs leave refunds to the host, and this ledger takes the VM's word for them.
            assert!(abi < 10 || ours == theirs, "ABI {abi}\n{ours}\n{theirs}");
        }
        assert_eq!(plugin.len(), built_in.len());
    }
}

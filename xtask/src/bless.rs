//! The golden gas: what every step of every bundled scenario costs, by schedule.

use crate::{Outcome, generated};
use gristmill::contract::Revision;
use gristmill::{Config, Engine, Profile, Schedule};
use gristmill_cli::suite::scenario::{SuiteFile, vm};
use std::fmt::Write;

const FILE: &str = "soll-fixtures/gas.golden";

/// Columns: interface prices of `v1` depend on the revision, those of the other schedules do not.
const COLUMNS: [(&str, Schedule, Revision); 4] = [
    ("ewasm", Schedule::Ewasm, Revision::Byzantium),
    ("unit", Schedule::Unit, Revision::Byzantium),
    ("v1/Byzantium", Schedule::V1, Revision::Byzantium),
    ("v1/Prague", Schedule::V1, Revision::Prague),
];

pub fn main(arguments: &[String]) -> Outcome {
    generated(FILE, &golden()?, arguments)
}

/// The whole file.
fn golden() -> Outcome<String> {
    let mut text = String::from(
        "# Whole gas used by every step of the bundled scenarios, refunds taken off, by schedule and revision.\n\
         # Written by `cargo xtask bless`, compared by a test. A changed figure needs a line under Consensus in CHANGELOG.md.\n",
    );
    for folder in gristmill_fixtures::scenarios() {
        let path = gristmill_fixtures::path(folder);
        let json = std::fs::read_to_string(path.join("scenario.json"))?;
        let SuiteFile::Scenario(scenario) = SuiteFile::parse(&json)? else {
            return Err(format!("{folder}: not a scenario").into());
        };
        for build in &scenario.wasm {
            let mut reports = Vec::new();
            for (_, schedule, revision) in COLUMNS {
                let engine = Engine::new(Config::new().profile(Profile::chain1()).schedule(schedule))?;
                let report = scenario.run(&vm(&engine), revision, &path, build)?;
                if let Some(step) = report.steps.iter().find(|step| !step.mismatches.is_empty()) {
                    let (what, mismatches) = (&step.what, &step.mismatches);
                    return Err(format!("{folder} {}, {revision:?}: {what}: {mismatches:?}", build.id).into());
                }
                reports.push(report);
            }
            write!(text, "\n{folder} {}\n ", build.id)?;
            COLUMNS.iter().try_for_each(|(name, ..)| write!(text, " {name:>14}"))?;
            text += "  step\n";
            for (i, step) in reports[0].steps.iter().enumerate().filter(|(_, step)| step.skipped.is_none()) {
                text += " ";
                reports.iter().try_for_each(|report| write!(text, " {:>14}", report.steps[i].gas_used))?;
                writeln!(text, "  {}", step.what)?;
            }
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_golden_gas_holds() {
        super::main(&["--check".into()]).unwrap();
    }
}

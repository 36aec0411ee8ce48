//! `gristmill scenario` and `gristmill wast`: totals, and that a wrong expectation is a failure.

mod common;

use common::{conformance, file, folder, gristmill, root};

#[test]
fn all_bundled_scenarios_pass_in_every_tier() {
    for (tier, dispatch) in
        [("interp", "auto"), ("interp", "loop"), ("aot", "auto"), ("auto", "auto"), ("auto", "loop")]
    {
        let run = gristmill(&["scenario", "soll-fixtures", "--tier", tier, "--dispatch", dispatch]).exits(0);
        let summary = run.summary();
        assert_eq!(summary["suite"], "scenario");
        assert_eq!(summary["tier"], tier);
        assert_eq!((&summary["passed"], &summary["failed"], &summary["skipped"]), (&41.into(), &0.into(), &0.into()));
        let negative = run.stdout.lines().rev().nth(1).unwrap();
        assert!(negative.contains(r#""suite":"negative""#) && negative.contains(r#""passed":5"#), "{negative}");
    }
}

#[test]
fn gas_of_scenarios_does_not_depend_on_what_runs_them() {
    let run = |tier: &str, dispatch: &str| {
        let options = ["--json", "--tier", tier, "--dispatch", dispatch];
        let run = gristmill(&[&["scenario", "soll-fixtures/token"], &options[..]].concat()).exits(0);
        let pairs: Vec<_> = run.stdout.lines().take(2).map(str::to_string).collect();
        assert!(pairs[0].contains(r#""gas_used":"#), "{}", pairs[0]);
        pairs
    };
    let gas = run("interp", "auto");
    assert_eq!(gas, run("interp", "loop"));
    assert_eq!(gas, run("aot", "auto"));
    assert_eq!(gas, run("auto", "auto"));
}

#[test]
fn a_wrong_expectation_fails_and_stops_the_run() {
    let here = folder("scenario_wrong");
    let source = root().join("soll-fixtures/token");
    for entry in std::fs::read_dir(&source).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, here.join(path.file_name().unwrap())).unwrap();
    }
    let text = std::fs::read_to_string(here.join("scenario.json")).unwrap();
    // The total supply of 1,000,000 in hex.
    let wrong = text.replacen("f4240\"", "f4241\"", 1);
    assert_ne!(text, wrong);
    let path = file(&here, "scenario.json", wrong);
    let run = gristmill(&["scenario", &path]).exits(1).says("FAIL token (soll-normal)").says("storage is");
    assert_eq!(run.summary()["failed"], 1);
    assert_eq!(run.summary()["skipped"], 1);
    let on = gristmill(&["scenario", here.to_str().unwrap(), "--keep-going"]).exits(1).summary();
    // The other compiler's storage is not compared.
    assert_eq!((&on["passed"], &on["failed"]), (&1.into(), &1.into()));
}

#[test]
fn broken_scenarios_are_refused() {
    let here = folder("scenario_broken");
    let path = file(&here, "scenario.json", "{\"format\": \"ewasm-scenario-9\"}");
    gristmill(&["scenario", &path]).exits(3).complains("ewasm-scenario-9");
    gristmill(&["scenario", folder("scenario_none").to_str().unwrap()]).exits(2).complains("there is no scenario.json");
    gristmill(&["scenario", "no/such/folder"]).exits(4);
}

const SCRIPT: &str = r#"(module (func (export "f") (result i32) (i32.const 1)) (func (export "t") (unreachable)))
(assert_return (invoke "f") (i32.const 1))
(assert_return (invoke "f") (i32.const 2))
(assert_trap (invoke "t") "integer overflow")
(assert_trap (invoke "f") "unreachable")
(assert_invalid (module (func)) "type mismatch")
(assert_malformed (module quote "(func)") "unexpected token")
(assert_unlinkable (module (func)) "unknown import")
(assert_exhaustion (invoke "t") "call stack exhausted")
(assert_return (invoke "g"))
(assert_trap (invoke "t") "unreachable")
"#;

#[test]
fn scripts_with_wrong_expectations_fail_line_by_line() {
    let here = folder("wast_wrong");
    let script = file(&here, "wrong.wast", SCRIPT);
    let run = gristmill(&["wast", &script]).exits(1);
    for line in 3..=10 {
        assert!(run.stdout.contains(&format!("wrong.wast:{line}: ")), "line {line}: {}", run.stdout);
    }
    let summary = run.summary();
    assert_eq!(summary["suite"], "wast");
    assert_eq!((&summary["passed"], &summary["failed"]), (&2.into(), &8.into()));

    let known: String = (3..=10).map(|line| format!("wrong.wast:{line} wrong on purpose\n")).collect();
    let list = file(&here, "known.txt", &known);
    let summary = gristmill(&["wast", &script, "--known", &list]).exits(0).summary();
    assert_eq!((&summary["passed"], &summary["skipped"]), (&2.into(), &8.into()));
    let list = file(&here, "stale.txt", known + "wrong.wast:2 it passes\n");
    gristmill(&["wast", &script, "--known", &list]).exits(1).says("passes, but is listed as failing: it passes");
}

#[test]
fn the_core_suite_passes_in_every_tier() {
    let Some(conformance) = conformance() else { return };
    let core = conformance.join("wasm-spec/core-2.0");
    let cases = [
        (&["--dispatch", "auto"][..], 52_228, 0),
        (&["--dispatch", "loop"], 52_228, 0),
        (&["--tier", "aot"], 52_228, 0),
        (&["--tier", "auto"], 52_228, 0),
        (&["--without", "simd"], 26_716, 25_512),
    ];
    let delta = conformance.join("wasm-spec/core-3.0-delta");
    for tier in ["interp", "aot"] {
        let run = gristmill(&["wast", delta.to_str().unwrap(), "--tier", tier]);
        let summary = run.summary();
        assert_eq!(summary["failed"], 0, "{}", run.stdout);
        let all = summary["passed"].as_u64().unwrap() + summary["skipped"].as_u64().unwrap();
        assert_eq!((all, run.code), (14_772, 0));
    }
    for (options, passed, skipped) in cases {
        let run = gristmill(&[&["wast", core.to_str().unwrap()], options].concat());
        let summary = run.summary();
        assert_eq!(summary["failed"], 0, "{}", run.stdout);
        assert_eq!((&summary["passed"], &summary["skipped"]), (&passed.into(), &skipped.into()));
        assert_eq!(run.code, 0);
    }
}

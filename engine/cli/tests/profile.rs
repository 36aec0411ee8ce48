//! `gristmill profile`: gas that adds up to the last particle, by functions whose prices are known.

mod common;

use common::{Run, file, folder, gristmill, gristmill_in, root};
use serde_json::Value;

const TOKEN: &str = "soll-fixtures/token/soll-normal.wasm";

/// Profiles into an empty folder and compares all sums: table, stacks, and the gas that the command says was used.
fn profile(test: &str, args: &[&str]) -> (Value, String, String) {
    let here = folder(test);
    let (svg, folded) = (here.join("p.svg"), here.join("p.folded"));
    let files = ["--svg", svg.to_str().unwrap(), "--folded", folded.to_str().unwrap(), "--json"];
    let run = gristmill(&[&["profile"], args, &files].concat());
    assert!(run.code < 2, "{}{}", run.stdout, run.stderr);
    let json = run.json();
    let profile = &json["profile"];
    let used = json["gas_used"].as_i64().unwrap() * 10_000;
    assert_eq!(profile["particles"], used, "{args:?}");
    let own = functions(&json).iter().map(|f| number(f, "self_particles")).sum::<i64>();
    assert_eq!(own, used, "{args:?}");
    let folded = std::fs::read_to_string(folded).unwrap();
    let refunds = functions(&json).iter().filter(|f| f["name"] == "(refund)").map(|f| number(f, "self_particles"));
    assert_eq!(stacks(&folded).map(|(_, own)| own).sum::<i64>() + refunds.sum::<i64>(), used, "{args:?}");
    (json, folded, std::fs::read_to_string(svg).unwrap())
}

fn functions(json: &Value) -> &Vec<Value> {
    json["profile"]["functions"].as_array().unwrap()
}

fn number(function: &Value, field: &str) -> i64 {
    function[field].as_i64().unwrap()
}

fn stacks(folded: &str) -> impl Iterator<Item = (&str, i64)> {
    folded.lines().map(|line| {
        let (stack, own) = line.rsplit_once(' ').unwrap();
        (stack, own.parse().unwrap())
    })
}

/// Calls, own and total particles of the function of that name.
#[track_caller]
fn named(json: &Value, name: &str) -> (i64, i64, i64) {
    let found = functions(json).iter().find(|f| f["name"] == name);
    let found = found.unwrap_or_else(|| panic!("no `{name}` in {json}"));
    (number(found, "calls"), number(found, "self_particles"), number(found, "total_particles"))
}

#[test]
fn mistakes_have_their_own_exit_codes() {
    let here = folder("profile_mistakes");
    let module = file(&here, "m.wat", r#"(module (func (export "f")))"#);
    gristmill(&["profile"]).exits(2);
    gristmill(&["profile", "no/such/file.wasm"]).exits(4);
    gristmill(&["profile", TOKEN, "--dispatch", "tail"]).exits(2).complains("loop alone");
    gristmill(&["profile", TOKEN, "nothing"]).exits(2).complains("the ABI has no function");
    gristmill(&["profile", &module]).exits(2).complains("which function?");
    gristmill(&["profile", &module, "--invoke", "g"]).exits(2).complains("f () -> ()");
    gristmill(&["profile", &module, "--invoke", "f", "1"]).exits(2).complains("takes 0 arguments");
    gristmill(&["profile", "--state", "no.json", "TOKEN"]).exits(4).complains("no such state");
    gristmill(&["profile", &module, "--invoke", "f", "--svg", "no/such/folder.svg"]).exits(4);
    let bad = file(&here, "bad.wat", "(module (func (result i32)))");
    gristmill(&["profile", &bad, "--invoke", "f"]).exits(3);
}

/// Schedule `unit`: an operator is 1 gas, `end` too; a page is 14,336.
#[test]
fn every_operator_is_where_it_was_paid() {
    let module = r#"(module
      (type $none (func))
      (table funcref (elem $leaf))
      (memory 2)
      (func $leaf (nop) (nop))
      (func $middle (call $leaf) (call $leaf) (call_indirect (type $none) (i32.const 0)))
      (func $down (param i32)
        (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1))))))
      (func (param i32) (result i32) (local.get 0))
      (func (export "run") (call $middle) (call $down (i32.const 3)) (drop (call 3 (i32.const 7)))))"#;
    let module = file(&folder("profile_module"), "m.wat", module);
    let (json, stacks, _) = profile("profile_operators", &[&module, "--invoke", "run", "--schedule", "unit"]);
    let gas = |gas: i64| gas * 10_000;
    assert_eq!(named(&json, "leaf"), (3, gas(9), gas(9)));
    // Three calls, an index, `end`.
    assert_eq!(named(&json, "middle"), (1, gas(5), gas(14)));
    // Thrice local.get, if, local.get, i32.const, i32.sub, call, end, end; once without what is inside.
    assert_eq!(named(&json, "down"), (4, gas(3 * 8 + 3), gas(27)), "what calls itself counts once");
    assert_eq!(named(&json, "func[3]"), (1, gas(2), gas(2)));
    assert_eq!(named(&json, "run"), (1, gas(7), gas(7 + 14 + 27 + 2)));
    assert_eq!(named(&json, "(validation, first pages)"), (1, gas(2 * 14_336), gas(2 * 14_336)));
    assert_eq!(json["gas_used"], 2 * 14_336 + 50);
    assert!(stacks.contains("m.wat;run;middle;leaf 90000\n"), "{stacks}");
    assert!(stacks.contains("m.wat;run;down;down;down;down 30000\n"), "{stacks}");

    // Out of gas at the second call of `leaf`.
    let spent = (2 * 14_336 + 8).to_string();
    let (json, ..) = profile("profile_out", &[&module, "--invoke", "run", "--schedule", "unit", "--gas", &spent]);
    assert_eq!(named(&json, "leaf").0, 1, "the second was not entered");
    assert_eq!(named(&json, "leaf").1, gas(3));
    // A block for each call, and the 2 that are not enough for the 3 of `leaf`.
    assert_eq!(named(&json, "middle"), (1, gas(4), gas(7)));
    assert_eq!(json["gas_used"], 2 * 14_336 + 8);
    assert_eq!(json["note"], "trap: out of gas");
}

#[test]
fn host_functions_and_failures_have_frames() {
    let module = r#"(module
      (type $size (func (result i32)))
      (import "ethereum" "useGas" (func $use (param i64)))
      (import "ethereum" "getCallDataSize" (func $size (result i32)))
      (import "ethereum" "callDataCopy" (func $copy (param i32 i32 i32)))
      (table funcref (elem $size))
      (memory (export "memory") 1)
      (func $inner (param i32)
        (call $use (i64.const 1000))
        (if (call_indirect (type $size) (i32.const 0)) (then (call $copy (i32.const 0) (i32.const 0) (i32.const 99)))))
      (func (export "main") (call $inner (i32.const 1)) (call $inner (i32.const 2))))"#;
    let here = folder("profile_host");
    let runtime = file(&here, "runtime.wat", module);
    gristmill(&["pack", &runtime]).exits(0);
    let creation = here.join("runtime.creation.wasm");
    let creation = creation.to_str().unwrap();
    let common = [creation, "--schedule", "ewasm", "--gas", "900000"];

    let (json, folded, _) = profile("profile_host_good", &[&common[..], &["0x"]].concat());
    // The function's own price is 0 in schedule `ewasm`, and other operators are free.
    assert_eq!(named(&json, "ethereum.useGas"), (2, 2 * 10_000_000, 2 * 10_000_000));
    assert_eq!(named(&json, "ethereum.getCallDataSize"), (2, 2 * 2 * 10_000, 2 * 2 * 10_000), "out of the table");
    assert!(folded.contains(";main;inner;ethereum.useGas 20000000\n"), "{folded}");

    // 99 bytes of call data are not there.
    let (json, folded, svg) = profile("profile_host_bad", &[&common[..], &["0x00"]].concat());
    assert_eq!(json["gas_used"], 900_000);
    assert_eq!(named(&json, "inner").0, 1);
    let (calls, copy, _) = named(&json, "ethereum.callDataCopy");
    let lost = named(&json, "(lost by the failure)").1;
    assert_eq!((calls, copy + lost), (1, (900_000 - 1_002) * 10_000));
    assert!(copy < 100 * 10_000, "the price by length, not what was left");
    assert!(folded.contains(";(lost by the failure) "), "{folded}");
    assert!(svg.contains(">ethereum.useGas: "), "a title; less than a pixel is not drawn");
}

/// Every bundled contract, every step, against the gas that the suite reports.
#[test]
fn scenarios_add_up() {
    let all = gristmill(&["scenario", "soll-fixtures", "--json"]).exits(0);
    let pairs = all.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let gas_of: Vec<_> = pairs.filter(|pair| pair["build"].is_string()).collect();
    let mut compared = 0;
    for entry in std::fs::read_dir(root().join("soll-fixtures")).unwrap() {
        let path = entry.unwrap().path().join("scenario.json");
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let scenario: Value = serde_json::from_str(&text).unwrap();
        // One of each compiler family is enough; the gas of all is compared elsewhere.
        let builds = scenario["wasm"].as_array().unwrap();
        for build in [builds.first(), builds.last()].into_iter().flatten() {
            let module =
                path.with_file_name(build["files"].as_object().unwrap().values().next().unwrap().as_str().unwrap());
            let (json, ..) = profile("profile_scenario", &[module.to_str().unwrap()]);
            let title = json["title"].as_str().unwrap();
            let is = |pair: &&Value| {
                title
                    == format!("scenario {} ({})", pair["scenario"].as_str().unwrap(), pair["build"].as_str().unwrap())
            };
            let pair = gas_of.iter().find(is).unwrap_or_else(|| panic!("{title}"));
            assert_eq!(json["gas_used"], pair["gas_used"], "{title}");
            assert_eq!(json["note"], Value::Null, "{title}");
            compared += 1;
        }
    }
    assert!(compared > 20, "{compared}");
}

#[test]
fn calls_are_those_of_call() {
    for words in [&["transfer", "bob", "5"][..], &["transfer", "bob", "1000001"], &["totalSupply"]] {
        let called = gristmill(&[&["call", "--json", "--deploy", TOKEN], words].concat()).json();
        let (json, ..) = profile("profile_call", &[&[TOKEN], words].concat());
        assert_eq!(json["gas_used"], called["gas_used"], "{words:?}");
    }
    // Deployment alone: nothing beside the module says what else to do.
    let here = folder("profile_deploy");
    std::fs::copy(root().join(TOKEN), here.join("t.wasm")).unwrap();
    let module = here.join("t.wasm");
    let deployed = gristmill(&["deploy", "--json", module.to_str().unwrap()]).exits(0).json();
    let (json, ..) = profile("profile_deployment", &[module.to_str().unwrap()]);
    assert_eq!(json["gas_used"], deployed["gas_used"]);
    assert!(named(&json, "(code deposit)").1 > 0);
    assert!(named(&json, "ethereum.finish").0 == 1);

    // A contract of a state file, which stays as it is.
    let run = |args: &[&str]| gristmill_in(&here, args);
    run(&[
        "deploy",
        "--state",
        "dev.json",
        "--name",
        "T",
        "t.wasm",
        "--abi",
        root().join("soll-fixtures/token/abi.json").to_str().unwrap(),
    ])
    .exits(0);
    let before = std::fs::read(here.join("dev.json")).unwrap();
    let state = ["--state", "dev.json", "T", "transfer", "bob", "5"];
    let called = run(&[&["call", "--dry-run", "--json"], &state[..]].concat()).exits(0).json();
    let run: Run = run(&[&["profile", "--json"], &state[..]].concat()).exits(0);
    assert_eq!(run.json()["gas_used"], called["gas_used"]);
    assert!(here.join("profile.svg").exists(), "written where nothing else is said");
    assert_eq!(std::fs::read(here.join("dev.json")).unwrap(), before);
}

/// Messages lie inside of the host function that sent them, in the sum too.
#[test]
fn nested_messages_are_frames() {
    let (json, folded, svg) = profile("profile_nested", &["soll-fixtures/caller/Caller.solc-ewasm-0.8.20.wasm"]);
    let nested = stacks(&folded).filter(|(stack, _)| {
        let frames: Vec<_> = stack.split(';').collect();
        frames.windows(2).any(|pair| pair[0].starts_with("ethereum.call") && pair[1].contains(" 0x"))
    });
    assert!(nested.count() > 3, "{folded}");
    let modules = functions(&json).iter().filter_map(|f| f["module"].as_str());
    assert!(modules.collect::<std::collections::BTreeSet<_>>().len() > 1);
    // A bar is a group; all are closed and none is wider than the picture.
    assert_eq!(svg.matches("<g ").count(), svg.matches("</g>").count());
    let widths = svg.split("data-w=\"").skip(1).map(|rest| rest.split('"').next().unwrap().parse::<f64>().unwrap());
    assert!(widths.clone().all(|width| width <= 1180.001) && widths.count() > 20);
    let text = gristmill(&[
        "profile",
        TOKEN,
        "totalSupply",
        "--by",
        "time",
        "--top",
        "3",
        "--svg",
        folder("profile_text").join("t.svg").to_str().unwrap(),
    ]);
    text.exits(0).says("self gas").says(" more\n").says("flame graph");
}

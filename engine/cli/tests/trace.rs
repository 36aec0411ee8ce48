//! `gristmill trace`: every host call, at the gas of `gristmill call`.

mod common;

use common::{Run, file, folder, gristmill, gristmill_in, root};
use serde_json::{Value, json};

const TOKEN: &str = "soll-fixtures/token/soll-normal.wasm";

fn lines(run: &Run) -> Vec<Value> {
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn gas(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

#[test]
fn mistakes_are_those_of_call() {
    gristmill(&["trace"]).exits(2).complains("which contract?");
    gristmill(&["trace", "--deploy", TOKEN, "nothing"]).exits(2).complains("the ABI has no function");
    gristmill(&["trace", "--deploy", TOKEN, "transfer", "bob", "5", "--gas", "1000"]).exits(1);
}

/// Read by hand: `main` copies 3 bytes, stores and returns.
#[test]
fn a_line_a_host_call() {
    let module = r#"(module
      (import "ethereum" "getCallDataSize" (func $size (result i32)))
      (import "ethereum" "callDataCopy" (func $copy (param i32 i32 i32)))
      (import "ethereum" "useGas" (func $use (param i64)))
      (import "ethereum" "finish" (func $finish (param i32 i32)))
      (memory (export "memory") 1)
      (func (export "main")
        (call $copy (i32.const 8) (i32.const 1) (call $size))
        (call $use (i64.const 1000000000000))
        (call $finish (i32.const 8) (i32.const 3))))"#;
    let here = folder("trace_lines");
    let runtime = file(&here, "runtime.wat", module);
    gristmill(&["pack", &runtime]).exits(0);
    let creation = here.join("runtime.creation.wasm");
    let creation = creation.to_str().unwrap();
    let schedule = ["--schedule", "ewasm"];
    // From 1 there are two bytes, not three.
    let run = gristmill(&[&["trace", "--deploy", creation, "0xaabbcc", "--gas", "900000"], &schedule[..]].concat());
    let lines = lines(&run.exits(1));
    let size = json!({
        "depth": 1, "opName": "ethereum.getCallDataSize", "args": [], "result": "0x3",
        "gas": "0xdbba0", "gasCost": "0x2", "gasAfter": "0xdbb9e",
    });
    assert_eq!(lines[0], size);
    assert_eq!(lines[1]["args"], json!(["0x8", "0x1", "0x3"]));
    assert!(lines[1]["error"].is_string() && lines[1].get("result").is_none(), "{}", lines[1]);
    let summary = json!({ "output": "0x", "gasUsed": "0xdbba0", "pass": false, "status": "InvalidMemoryAccess" });
    assert_eq!(lines[2..], [summary]);
}

#[test]
fn the_gas_is_that_of_call() {
    let caller = "soll-fixtures/errors/solc-ewasm-0.8.20.wasm";
    for (module, words, code) in [
        (TOKEN, &["transfer", "bob", "5"][..], 0),
        (TOKEN, &["transfer", "bob", "1000001"], 1),
        (caller, &["req(bool)", "false"], 1),
    ] {
        for dispatch in ["auto", "loop"] {
            let args = [&["--deploy", module, "--dispatch", dispatch], words].concat();
            let called = gristmill(&[&["call", "--json"], &args[..]].concat()).exits(code).json();
            let traced = gristmill(&[&["trace"], &args[..]].concat()).exits(code);
            let lines = lines(&traced);
            let (summary, calls) = lines.split_last().unwrap();
            assert_eq!(gas(&summary["gasUsed"]), called["gas_used"].as_u64().unwrap());
            assert_eq!(summary["output"], called["output"]);
            assert_eq!(summary["pass"], code == 0);
            assert!(calls.len() > 2);
            for call in calls {
                assert_eq!(gas(&call["gas"]) - gas(&call["gasCost"]), gas(&call["gasAfter"]), "{call}");
            }
            let left = calls.iter().map(|call| gas(&call["gas"]));
            assert!(left.is_sorted_by(|a, b| a >= b), "one frame, falling gas");
            if called["gas_refunded"] == 0 {
                let end = gas(&calls.last().unwrap()["gasAfter"]);
                assert_eq!(100_000_000 - end, gas(&summary["gasUsed"]), "nothing is paid behind the last call");
            }
        }
    }
}

#[test]
fn nested_frames_come_before_the_call_that_made_them() {
    let here = folder("trace_nested");
    // Calls the account at the address in the call data.
    let module = r#"(module
      (import "ethereum" "callDataCopy" (func $copy (param i32 i32 i32)))
      (import "ethereum" "callStatic" (func $call (param i64 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 64) "\18\16\0d\dd")
      (func (export "main")
        (call $copy (i32.const 0) (i32.const 0) (i32.const 20))
        (drop (call $call (i64.const 1000000) (i32.const 0) (i32.const 64) (i32.const 4)))))"#;
    let runtime = file(&here, "runtime.wat", module);
    gristmill(&["pack", &runtime]).exits(0);
    let token = root().join(TOKEN);
    let token = token.to_str().unwrap();
    let run = |args: &[&str]| gristmill_in(&here, &[args, &["--state", "dev.json"]].concat());
    let callee = run(&["deploy", token, "--json"]).exits(0).json()["address"].as_str().unwrap().to_string();
    run(&["deploy", "runtime.creation.wasm", "--name", "CALLER"]).exits(0);
    let before = std::fs::read(here.join("dev.json")).unwrap();
    let traced = run(&["trace", "CALLER", &callee, "--dry-run"]).exits(0);
    assert_eq!(std::fs::read(here.join("dev.json")).unwrap(), before, "a dry run keeps nothing");
    let lines = lines(&traced);
    let names: Vec<_> = lines.iter().map(|line| (line["depth"].as_u64(), line["opName"].as_str())).collect();
    assert_eq!(names[0], (Some(1), Some("ethereum.callDataCopy")));
    assert_eq!(names[names.len() - 2], (Some(1), Some("ethereum.callStatic")));
    let (call, nested) = (&lines[lines.len() - 2], &lines[1..lines.len() - 2]);
    assert!(nested.len() > 3 && nested.iter().all(|line| line["depth"] == 2), "{names:?}");
    assert_eq!(nested.last().unwrap()["opName"], "ethereum.finish");
    // What the callee used is part of the caller's price: a warm call's 100, or a cold one's 2,600, beside it.
    let used = 1_000_000 - gas(&nested.last().unwrap()["gasAfter"]);
    assert_eq!(gas(&call["gasCost"]), used + 2_600);
    run(&["trace", "CALLER", &callee]).exits(0);
    assert_ne!(std::fs::read(here.join("dev.json")).unwrap(), before);
}

//! `gristmill run`: arguments, results, gas, refusals.

mod common;

use common::{file, folder, gristmill, gristmill_in};

const MODULE: &str = r#"(module
  (memory (export "memory") 3)
  (func $add (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "wide") (param i64) (result i64 i32) (local.get 0) (i32.const -7))
  (func (export "half") (param f64) (result f64) (f64.mul (local.get 0) (f64.const 0.5)))
  (func (export "spin") (loop (br 0)))
  (func $deep (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
  (func (export "trap") (drop (call $deep (i32.const 0))))
  (func (export "null") (param externref) (result externref) (local.get 0)))"#;

#[test]
fn mistakes_have_their_own_exit_codes() {
    let here = folder("run_mistakes");
    let module = file(&here, "m.wat", MODULE);
    gristmill(&["run"]).exits(2);
    gristmill(&["no-such-command"]).exits(2);
    gristmill(&["run", "no/such/file.wasm", "--invoke", "f"]).exits(4).complains("no/such/file.wasm");
    gristmill(&["run", &module, "--invoke", "nothing"]).exits(2).complains("add (i32, i32) -> (i32)");
    gristmill(&["run", &module]).exits(2).complains("which function?");
    gristmill(&["run", &module, "--invoke", "add", "1"]).exits(2).complains("takes 2 arguments, 1 given");
    gristmill(&["run", &module, "--invoke", "add", "1", "x"]).exits(2).complains("not a value of type i32");
    gristmill(&["run", &module, "--invoke", "add", "1", "4294967296"]).exits(2);
    gristmill(&["run", &module, "--invoke", "add", "1", "2", "--schedule", "v9"]).exits(2).complains("unit");
    gristmill(&["run", &module, "--invoke", "trap"]).exits(1).complains("divide by zero in `deep` (function 4)");
    gristmill(&["run", &module, "--invoke", "spin", "--gas", "1000"]).exits(1).complains("out of gas");
    gristmill(&["run", &module, "--invoke", "half", "1", "--profile", "chain1"]).exits(3);

    let bad = file(&here, "bad.wat", "(module (func (result i32)))");
    gristmill(&["run", &bad, "--invoke", "f"]).exits(3).complains("offset");
    let text = file(&here, "text.wat", "(module (fun))");
    gristmill(&["run", &text, "--invoke", "f"]).exits(3).complains("text.wat");
    let not_wasm = file(&here, "evm.bin", [0x60, 0x01]);
    gristmill(&["run", &not_wasm, "--invoke", "f"]).exits(3);
    let contract = file(&here, "c.wat", r#"(module (import "ethereum" "getGasLeft" (func (result i64))))"#);
    gristmill(&["run", &contract, "--invoke", "f"]).exits(3).complains("`deploy` and `call`");
}

#[test]
fn results_are_printed_a_line_each() {
    let module = file(&folder("run_results"), "m.wat", MODULE);
    let run = |args: &[&str]| gristmill(&[&["run", &module, "--invoke"], args].concat()).exits(0).stdout;
    assert_eq!(run(&["add", "1", "-3"]), "-2\n");
    assert_eq!(run(&["add", "0xffffffff", "2"]), "1\n");
    assert_eq!(run(&["wide", "-9223372036854775808"]), "-9223372036854775808\n-7\n");
    assert_eq!(run(&["half", "3"]), "1.5\n");
    assert_eq!(run(&["null", "null"]), "null\n");
}

#[test]
fn both_back_ends_use_the_same_gas() {
    let module = file(&folder("run_gas"), "m.wat", MODULE);
    let mut used = Vec::new();
    for dispatch in ["auto", "loop"] {
        let run = gristmill(&["run", &module, "--invoke", "add", "1", "2", "--json", "--dispatch", dispatch]).exits(0);
        let json = run.json();
        assert_eq!(json["results"][0]["type"], "i32");
        assert_eq!(json["results"][0]["value"], "3");
        assert_eq!(json["stats"]["memory_pages"], 3);
        used.push(json["stats"]["gas_used"].as_u64().unwrap());
    }
    // 3 pages at 1,024 gas, and less than one gas of operators, which is rounded up.
    assert_eq!(used, [3 * 1_024 + 1; 2]);
    let unit = gristmill(&["run", &module, "--invoke", "add", "1", "2", "--json", "--schedule", "unit"]).json();
    // 3 pages at 14,336 gas; local.get twice, i32.add and end at 1 gas.
    assert_eq!(unit["stats"]["gas_used"], 3 * 14_336 + 4);
}

#[test]
fn failures_are_json_too() {
    let here = folder("run_json");
    let module = file(&here, "m.wat", MODULE);
    let trap = gristmill(&["--json", "run", &module, "--invoke", "trap"]).exits(1).json();
    assert_eq!(trap["error"]["kind"], "guest");
    assert_eq!(trap["error"]["trap"], "DivideByZero");
    assert_eq!(trap["error"]["invoked"], "trap");
    assert_eq!(trap["error"]["function_name"], "deep");
    let mut bytes = b"\0asm\x01\0\0\0".to_vec();
    bytes.push(0xff);
    let bad = file(&here, "bad.wasm", bytes);
    let refused = gristmill(&["run", &bad, "--invoke", "f", "--json"]).exits(3).json();
    assert_eq!(refused["error"]["kind"], "refused");
    assert!(refused["error"]["offset"].as_u64().unwrap() >= 8);
}

#[test]
fn help_has_examples_everywhere() {
    let all = gristmill(&["--help"]).exits(0).says("Exit codes:").stdout;
    let commands = all.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let commands: Vec<_> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.len() >= 19, "{commands:?}");
    for command in commands.into_iter().filter(|command| *command != "help") {
        gristmill(&[command, "--help"]).exits(0).says("Example").says(&format!("gristmill {command}"));
    }
    gristmill(&["completions", "bash"]).exits(0).says("_gristmill");
    gristmill_in(&folder("anywhere"), &["--version"]).exits(0).says("gristmill");
}

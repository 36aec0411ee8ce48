//! The local chain: deploy, call, storage, account, over the bundled contracts.

mod common;

use common::{Run, file, folder, gristmill, gristmill_in, root};
use serde_json::json;

const TOKEN: &str = "soll-fixtures/token/soll-normal.wasm";
const ERRORS: &str = "soll-fixtures/errors/solc-ewasm-0.8.20.wasm";
const FIRST_CONTRACT: &str = "0x1a47f253efa163c9e4ef2d4962c028231a084394";

/// Calls the error contract, freshly deployed.
fn errors(args: &[&str]) -> Run {
    gristmill(&[&["call", "--deploy", ERRORS], args].concat())
}

#[test]
fn mistakes_have_their_own_exit_codes() {
    gristmill(&["call"]).exits(2).complains("which contract?");
    gristmill(&["call", "TOKEN"]).exits(2).complains("neither an address");
    gristmill(&["call", "--deploy", TOKEN, "nothing"]).exits(2).complains("the ABI has no function");
    gristmill(&["call", "--deploy", TOKEN, "transfer(address,uint256)", "bob"]).exits(2).complains("takes 2 arguments");
    gristmill(&["call", "--deploy", TOKEN, "transfer", "bob", "5", "--from", "nobody"]).exits(2);
    gristmill(&["deploy", "no/such/file.wasm"]).exits(4);
    gristmill(&["deploy", TOKEN, "--name", "0xb0b"]).exits(2).complains("cannot be the name");
    gristmill(&["deploy", TOKEN, "--value", "much"]).exits(2);
    gristmill(&["storage", "0x1", "--state", "no/such/state.redb"]).exits(4).complains("no such state");
    gristmill(&["account", "--state", "no/such/state.redb"]).exits(4);
    gristmill(&["deploy", TOKEN, "--gas", "1000"]).exits(1).says("out of gas");

    let here = folder("contract_mistakes");
    let token = root().join(TOKEN);
    gristmill_in(&here, &["call", "--state", "new.redb", "TOKEN"]).exits(4).complains("no such state");
    let dry = ["call", "--state", "new.redb", "--deploy", token.to_str().unwrap(), "totalSupply", "--dry-run"];
    gristmill_in(&here, &dry).exits(2).complains("leave --state out");
    assert!(!here.join("new.redb").exists(), "no mistake makes a state");
}

#[test]
fn refused_code_says_why_and_where() {
    let here = folder("refused_code");
    let start = file(&here, "start.wat", r#"(module (memory (export "memory") 1) (func (export "main")) (start 0))"#);
    let run = gristmill(&["deploy", &start, "--json"]).exits(3).json();
    assert_eq!(run["status"], "ContractValidationFailure");
    assert!(run["because"].as_str().unwrap().contains("start function"), "{run}");
    assert!(run["offset"].as_u64().unwrap() > 8, "{run}");
    gristmill(&["call", "--deploy", &start]).exits(3).complains("start function");
    let evm = file(&here, "evm.bin", [0x60, 0x00]);
    gristmill(&["deploy", &evm]).exits(3).says("not Wasm");
    let runtime = "soll-fixtures/negative/invalid-runtime.creation.wasm";
    gristmill(&["deploy", runtime])
        .exits(3)
        .says("the code that it returned: type mismatch: expected i64, found i32 (at offset 0x211)");
}

#[test]
fn lenient_exports_are_a_rule_of_the_chain() {
    let here = folder("lenient");
    let token = root().join("soll-fixtures/token-as/asc.wasm");
    let token = token.to_str().unwrap();
    gristmill(&["call", "--deploy", token, "totalSupply"]).exits(3).complains("`construct`");
    gristmill(&["call", "--deploy", token, "totalSupply", "--exports", "lenient"]).exits(0).says("1000000");
    let run = |args: &[&str]| gristmill_in(&here, &[args, &["--state", "dev.redb"]].concat());
    run(&["deploy", token, "--exports", "lenient", "--name", "TOKEN"]).exits(0);
    run(&["call", "TOKEN", "totalSupply"]).exits(0).says("1000000");
    run(&["call", "TOKEN", "totalSupply", "--exports", "strict"]).exits(2).complains("exports lenient");
}

#[test]
fn one_command_deploys_and_calls() {
    gristmill(&["call", "--deploy", TOKEN, "totalSupply()(uint256)"])
        .exits(0)
        .says(FIRST_CONTRACT)
        .says("1000000")
        .says("success");
    let run = gristmill(&["call", "--deploy", TOKEN, "transfer", "0xb0b", "5", "--json"]).exits(0).json();
    assert_eq!(run["results"], json!([true]));
    assert_eq!(run["status"], "Success");
    let event = &run["logs"][0]["event"];
    assert_eq!(event["name"], "Transfer");
    assert_eq!(event["fields"][1], json!({ "name": "to", "value": "0x0000000000000000000000000000000000000b0b" }));
    assert_eq!(event["fields"][2]["value"], "5");
    assert!(run["gas_used"].as_i64().unwrap() > 0);
}

#[test]
fn debug_output_is_there_when_asked_for() {
    let module = r#"(module (import "debug" "print32" (func $print (param i32)))
      (memory (export "memory") 1) (func (export "main") (call $print (i32.const 4711))))"#;
    let module = file(&folder("debug"), "debug.wat", module);
    gristmill(&["deploy", &module]).exits(3).says("debug.print32");
    gristmill(&["deploy", &module, "--debug"]).exits(0).complains("debug: ").complains("4711");
}

#[test]
fn raw_data_works_and_missing_code_is_noticed() {
    let raw = gristmill(&["call", "--deploy", TOKEN, "0x18160ddd", "--json"]).exits(0).json();
    assert_eq!(raw["output"], format!("0x{:064x}", 1_000_000));
    assert_eq!(raw["results"], json!(null));
    gristmill(&["call", "0xdead", "f()"]).exits(0).says("there is no code");
}

#[test]
fn revert_reasons_are_decoded() {
    errors(&["req(bool)", "true"]).exits(0);
    errors(&["req(bool)", "false"]).exits(1).says("reverted").says("reason");
    errors(&["panicAdd", &format!("0x{}", "f".repeat(64))]).exits(1).says("0x11 (arithmetic overflow or underflow)");
    errors(&["shortfall", "10"]).exits(1).says("Shortfall(");
    errors(&["empty"]).exits(1).says("Empty()");
    errors(&["reqSilent", "false"]).exits(1).says("no reason given");
    let custom = errors(&["empty", "--json"]).exits(1).json();
    assert_eq!(custom["status"], "Revert");
    assert_eq!(custom["reason"]["kind"], "custom");
    // SOLL writes the text without any encoding.
    gristmill(&["call", "--deploy", TOKEN, "mint", "5", "--from", "alice"]).exits(0);
    gristmill(&["call", "--deploy", TOKEN, "transfer", "bob", "1000001"]).exits(1).says("balance too low");
}

/// The same story on both kinds of state file.
fn story(state: &str) {
    let here = folder(&format!("story_{}", state.replace('.', "_")));
    let token = root().join(TOKEN);
    let token = token.to_str().unwrap();
    let run = |args: &[&str]| gristmill_in(&here, &[args, &["--state", state]].concat());

    let deployed = run(&["deploy", token, "--name", "TOKEN", "--json"]).exits(0).json();
    assert_eq!(deployed["address"], FIRST_CONTRACT);
    assert_eq!(deployed["name"], "TOKEN");

    // A dry run answers and keeps nothing.
    run(&["call", "TOKEN", "transfer", "bob", "5", "--dry-run"]).exits(0).says("true");
    run(&["call", "TOKEN", "balanceOf(address)(uint256)", "bob"]).exits(0).says("result  0");
    run(&["call", "TOKEN", "transfer", "bob", "5"]).exits(0).says("Transfer(");
    run(&["call", "TOKEN", "balanceOf", "bob"]).exits(0).says("result  5");
    run(&["call", "TOKEN", "transfer", "alice", "2", "--from", "bob", "--dispatch", "loop"]).exits(0);
    run(&["call", FIRST_CONTRACT, "balanceOf", "bob"]).exits(0).says("result  3");
    run(&["call", "TOKEN", "transfer", "alice", "4", "--from", "bob"]).exits(1);
    run(&["call", "TOKEN", "balanceOf", "bob"]).exits(0).says("result  3");

    let supply = format!("0x{:064x}", 1_000_000);
    run(&["storage", "TOKEN", "0"]).exits(0).says(&supply);
    let storage = run(&["storage", "TOKEN", "--json"]).exits(0).json();
    assert_eq!(storage["storage"][format!("0x{:064x}", 0)], supply);
    assert_eq!(storage["storage"].as_object().unwrap().len(), 4);

    let accounts = run(&["account", "--json"]).exits(0).json();
    let accounts = accounts["accounts"].as_array().unwrap().clone();
    let named = |name: &str| accounts.iter().find(|a| a["name"] == name).cloned().unwrap();
    assert!(named("TOKEN")["code_bytes"].as_u64().unwrap() > 0);
    assert_eq!(named("bob")["balance"], format!("1{}", "0".repeat(24)));
    run(&["account", "0xcafe", "--fund", "3 ether"]).exits(0).says("3000000000000000000 wei");
    run(&["account", "0xcafe"]).exits(0).says("3000000000000000000 wei");
    run(&["call", "bob", "--from", "0xcafe", "--value", "1 ether"]).exits(0);
    run(&["account", "0xcafe"]).exits(0).says("2000000000000000000 wei");
    run(&["call", "bob", "--from", "0xcafe", "--value", "9 ether"]).exits(3).complains("refused");

    // A chain keeps the rules that it was made under.
    run(&["call", "TOKEN", "totalSupply", "--schedule", "unit"]).exits(2).complains("schedule");
    run(&["call", "TOKEN", "totalSupply", "--revision", "prague"]).exits(0);
    run(&["call", "TOKEN", "totalSupply", "--revision", "london"]).exits(2).complains("revision");
}

#[test]
fn a_database_keeps_the_state() {
    story("dev.redb");
}

#[test]
fn a_json_file_keeps_the_state() {
    story("dev.json");
}

#[test]
fn a_broken_state_file_is_a_host_failure() {
    let here = folder("broken_state");
    file(&here, "dev.json", "{");
    gristmill_in(&here, &["account", "--state", "dev.json"]).exits(4).complains("dev.json");
    file(&here, "dev.redb", "not a database");
    gristmill_in(&here, &["account", "--state", "dev.redb"]).exits(4).complains("dev.redb");
}

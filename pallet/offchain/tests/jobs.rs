//! Jobs by the real runner, in processes of their own, on both tiers.

use gristmill_offchain::{Isolated, Policies, Tier};
use pallet_gristmill_jobs::door::{NotRun, Run, Runner};
use pallet_gristmill_jobs::{Budget, Failure, Outcome, PURE};
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_gristmill-job");
const BUDGET: Budget = Budget { gas: 10_000_000, milliseconds: 60_000, pages: 32, output: 1_024 };

fn run(module: &str, input: &[u8], budget: Budget) -> Result<Outcome, NotRun> {
    let code = wat::parse_str(module).expect("the test's module is right");
    run_code(code, input, budget)
}

/// On both tiers, which must not differ.
fn run_code(code: Vec<u8>, input: &[u8], budget: Budget) -> Result<Outcome, NotRun> {
    let policy = PURE.to_vec().try_into().expect("it is short");
    let run = Run { code, input: input.to_vec(), policy, budget };
    let outcomes = [Tier::Interpreter, Tier::Compiled].map(|tier| {
        let arguments = vec!["--serve".into()];
        Isolated::new(PROGRAM.into(), arguments, Policies::of(tier)).run(&run)
    });
    assert_eq!(outcomes[0], outcomes[1], "tiers agree");
    outcomes.into_iter().next().expect("there are two")
}

/// A job with the interface's functions, and this in `main`.
fn job(body: &str) -> String {
    format!(
        r#"(module
            (import "ethereum" "getCallDataSize" (func $size (result i32)))
            (import "ethereum" "callDataCopy" (func $copy (param i32 i32 i32)))
            (import "ethereum" "finish" (func $finish (param i32 i32)))
            (import "ethereum" "revert" (func $revert (param i32 i32)))
            (memory (export "memory") 1)
            (func (export "main") {body}))"#
    )
}

const INPUT: &str = "(call $copy (i32.const 0) (i32.const 0) (call $size))";

#[test]
fn input_comes_in_and_output_goes_out() {
    let echo = job(&format!("{INPUT} (call $finish (i32.const 0) (call $size))"));
    assert_eq!(run(&echo, b"grain", BUDGET), Ok(Outcome::Completed(b"grain".to_vec())));
    let back = job(&format!("{INPUT} (call $revert (i32.const 1) (i32.const 2))"));
    assert_eq!(run(&back, b"grain", BUDGET), Ok(Outcome::Reverted(b"ra".to_vec())));
    assert_eq!(run(&job(""), b"", BUDGET), Ok(Outcome::Completed(vec![])));
}

/// What no contract may do: floats, vectors, whose NaNs have the same bits on every machine.
#[test]
fn floats_and_vectors_compute() {
    let root = job("(f64.store (i32.const 0) (f64.sqrt (f64.const 2)))
         (v128.store (i32.const 8) (i32x4.mul (v128.const i32x4 1 2 3 4) (v128.const i32x4 5 6 7 8)))
         (f32.store (i32.const 24) (f32.div (f32.const -0) (f32.const 0)))
         (call $finish (i32.const 0) (i32.const 28))");
    let expected = [
        &2f64.sqrt().to_le_bytes()[..],
        &[5u32, 12, 21, 32].map(u32::to_le_bytes).concat(),
        &0x7fc0_0000u32.to_le_bytes(),
    ];
    assert_eq!(run(&root, b"", BUDGET), Ok(Outcome::Completed(expected.concat())));
}

#[test]
fn each_budget_is_a_bound() {
    let endless = job("(loop $again (br $again))");
    assert_eq!(run(&endless, b"", BUDGET), Ok(Outcome::Failed(Failure::OutOfGas)));
    let forever = Budget { gas: u64::MAX / 2, milliseconds: 300, ..BUDGET };
    assert_eq!(run(&endless, b"", forever), Err(NotRun::TookTooLong));
    let large = job("(call $finish (i32.const 0) (i32.const 1025))");
    assert_eq!(run(&large, b"", BUDGET), Ok(Outcome::Failed(Failure::OutputTooLong)));
    // Growing beyond the budget fails as growing beyond a memory's own maximum does.
    let grow = job(
        "(i32.store (i32.const 0) (memory.grow (i32.const 31))) (i32.store (i32.const 4) (memory.grow (i32.const 1)))
        (call $finish (i32.const 0) (i32.const 8))",
    );
    assert_eq!(run(&grow, b"", BUDGET), Ok(Outcome::Completed(vec![1, 0, 0, 0, 255, 255, 255, 255])));
    let two = r#"(module (memory (export "memory") 17) (memory 17) (func (export "main")))"#;
    assert_eq!(run(two, b"", BUDGET), Ok(Outcome::Failed(Failure::OutOfMemory)));
}

#[test]
fn what_is_no_job_is_rejected() {
    let rejected = Ok(Outcome::Failed(Failure::Rejected));
    assert_eq!(run_code(b"grain".to_vec(), b"", BUDGET), rejected);
    assert_eq!(run_code(vec![], b"", BUDGET), rejected);
    assert_eq!(run("(module)", b"", BUDGET), rejected, "nothing to call");
    assert_eq!(run(r#"(module (func (export "main") (param i32)))"#, b"", BUDGET), rejected);
    // A job sees no chain, no files, no clock.
    for (module, name, ty) in [
        ("ethereum", "storageStore", "(param i32 i32)"),
        ("ethereum", "getBlockNumber", "(result i64)"),
        ("wasi_snapshot_preview1", "clock_time_get", "(param i32 i64 i32) (result i32)"),
    ] {
        let import = format!(r#"(module (import "{module}" "{name}" (func {ty})) (func (export "main")))"#);
        assert_eq!(run(&import, b"", BUDGET), rejected, "{module}.{name}");
    }
    let wide = r#"(module (memory (export "memory") 33) (func (export "main")))"#;
    assert_eq!(run(wide, b"", BUDGET), rejected, "more memory than the budget to begin with");
}

#[test]
fn what_breaks_off_has_failed() {
    let trapped = Ok(Outcome::Failed(Failure::Trapped));
    assert_eq!(run(&job("unreachable"), b"", BUDGET), trapped);
    assert_eq!(run(&job("(call $finish (i32.const 65536) (i32.const 1))"), b"", BUDGET), trapped);
    assert_eq!(run(&job("(call $copy (i32.const 0) (i32.const 0) (i32.const 1))"), b"", BUDGET), trapped);
    assert_eq!(run(&job("(call $copy (i32.const 0) (i32.const -1) (i32.const 2))"), b"", BUDGET), trapped);
    let deep = r#"(module (func $down (call $down)) (func (export "main") (call $down)))"#;
    assert_eq!(run(deep, b"", BUDGET), trapped);
}

#[test]
fn a_node_has_the_policies_that_it_has() {
    let policy = b"root".to_vec().try_into().expect("it is short");
    let run = Run { code: vec![], input: vec![], policy, budget: BUDGET };
    let node = Isolated::new(PROGRAM.into(), vec!["--serve".into()], Policies::default());
    assert_eq!(node.run(&run), Err(NotRun::UnknownPolicy));
}

/// A program that is none, or that says something else.
#[test]
fn a_node_whose_program_is_broken_has_no_outcomes() {
    let code = wat::parse_str(job("")).expect("it is right");
    let policy = PURE.to_vec().try_into().expect("it is short");
    let run = Run { code, input: vec![], policy, budget: Budget { milliseconds: 300, ..BUDGET } };
    let broken = |program: &str, arguments: &[&str]| {
        let arguments = arguments.iter().map(Into::into).collect();
        Isolated::new(program.into(), arguments, Policies::default()).run(&run)
    };
    assert_eq!(broken("/nonexistent", &[]), Err(NotRun::Broken));
    assert_eq!(broken("/bin/false", &[]), Err(NotRun::Broken));
    assert_eq!(broken("/bin/echo", &["an outcome"]), Err(NotRun::Broken));
    assert_eq!(broken("/bin/sleep", &["10"]), Err(NotRun::TookTooLong));
}

#[test]
fn the_command_prints_json_and_has_exit_codes() {
    let folder = std::env::temp_dir().join(format!("gristmill-job-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let module = folder.join("echo.wasm");
    let echo = job(&format!("{INPUT} (call $finish (i32.const 0) (call $size))"));
    std::fs::write(&module, wat::parse_str(echo).expect("it is right")).expect("a file");
    let command = |arguments: &[&str]| {
        let output = Command::new(PROGRAM).args(arguments).output().expect("it starts");
        (output.status.code(), String::from_utf8(output.stdout).expect("text").trim().to_owned())
    };
    let module = module.to_str().expect("a path");
    let echoed = r#"{"outcome":"Completed","output":"0x0102"}"#;
    assert_eq!(command(&[module, "--input", "0x0102"]), (Some(0), echoed.into()));
    let file = format!("@{module}");
    assert_eq!(
        command(&[module, "--input", &file, "--output", "10"]).1,
        r#"{"failure":"OutputTooLong","outcome":"Failed"}"#
    );
    assert_eq!(command(&[module, "--policy", "root"]), (Some(3), r#"{"notRun":"UnknownPolicy"}"#.into()));
    assert_eq!(command(&[module, "--input", "0x0"]).0, Some(1));
    assert_eq!(command(&["/nonexistent"]).0, Some(1));
    assert_eq!(command(&[]).0, Some(2));
    assert_eq!(command(&["--grain"]).0, Some(2));
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}

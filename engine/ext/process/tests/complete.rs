//! Each function with each kind of test, on both tiers and under both names: that it works, wrong pointers, no grant, what it may hold,
//! spent gas. A function that has no row fails; one that has no test of a kind says why.

mod common;

use common::*;
use gristmill::{Config, Engine, HostApi, Trap};
use gristmill_aot::{Aot, Options};
use gristmill_ext_grants::{Grants, Price};
use gristmill_ext_process::{Process, STDIN, WORDS};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A test of a kind, or why there is none.
type Kind<T> = Result<T, &'static str>;

/// What is behind a pointer: so many bytes, or as many as the argument after it says.
#[derive(Clone, Copy)]
enum Behind {
    Bytes(i64),
    Next,
}

struct Case {
    name: &'static str,
    /// Arguments that are fine. The command has run: `out` and `error` were printed, the exit code was 3.
    args: &'static [i64],
    works: i32,
    pointers: Kind<&'static [(usize, Behind)]>,
    /// What it answers without a grant of the command.
    without_grant: Kind<i32>,
    /// Bytes that a program may say with it in all, and the argument that has their number.
    holds: Kind<(usize, usize)>,
}

const NO_POINTERS: &str = "it takes no pointers";
const BEFORE: &str = "it says what is to run, and runs nothing";
const AFTER: &str = "it tells what has run";
const NUMBER: &str = "it is told a number, or nothing";

fn says(name: &'static str, args: &'static [i64], pointers: &'static [(usize, Behind)], most: usize) -> Case {
    Case { name, args, works: 0, pointers: Ok(pointers), without_grant: Err(BEFORE), holds: Ok((most, 1)) }
}

fn tells(name: &'static str, args: &'static [i64], works: i32) -> Case {
    Case { name, args, works, pointers: Err(NO_POINTERS), without_grant: Err(AFTER), holds: Err(NUMBER) }
}

fn table() -> Vec<Case> {
    use Behind::{Bytes, Next};
    vec![
        says("set_prog_name", &[0, 2], &[(0, Next)], WORDS),
        says("add_arg", &[0, 2], &[(0, Next)], WORDS),
        says("add_env", &[0, 2, 0, 2], &[(0, Next), (2, Next)], WORDS),
        says("add_stdin", &[0, 2], &[(0, Next)], STDIN),
        Case { without_grant: Err(BEFORE), ..tells("set_timeout", &[100], 0) },
        Case { without_grant: Ok(-1), ..tells("run", &[], 4) },
        Case { without_grant: Ok(-1), ..tells("get_exit_code", &[], 3) },
        tells("get_stdout_len", &[], 3),
        Case { pointers: Ok(&[(0, Bytes(3))]), ..tells("get_stdout", &[64], 0) },
        tells("get_stderr_len", &[], 5),
        Case { pointers: Ok(&[(0, Bytes(5))]), ..tells("get_stderr", &[64], 0) },
    ]
}

/// Each function on each tier and under each name, for a program with these grants that has run a command.
fn everywhere(grants: &Grants, test: impl Fn(&str, &Case, &mut Run)) {
    let aot = Aot::new(Options::default()).unwrap();
    let config = Config::new();
    let engines = [
        ("interpreter", Engine::new(&config).unwrap()),
        ("machine code", Engine::with_compiler(&config, Arc::new(aot)).unwrap()),
    ];
    for (tier, engine) in &engines {
        for names in [SSVM, WASMEDGE] {
            for case in table() {
                let mut run = Run::on(engine, names, grants.clone(), None);
                run.sh("printf out; printf error >&2; exit 3");
                test(&format!("{}{} on {tier}", names.1, case.name), &case, &mut run);
            }
        }
    }
}

#[test]
fn every_function_has_a_row() {
    let table = table();
    let rows: BTreeSet<_> = table.iter().map(|case| format!("{}{}", SSVM.1, case.name)).collect();
    assert_eq!(rows, Process::rows().iter().map(|row| row.name.to_string()).collect());
    assert_eq!(rows.len(), table.len());
    for row in Process::rows() {
        let case = table.iter().find(|case| row.name.strip_prefix(SSVM.1) == Some(case.name)).unwrap();
        assert_eq!(case.args.len(), row.params.len(), "{}", row.name);
        // All that is not a number points somewhere.
        let is_number = |name: &str| name.ends_with("len") || name == "millis";
        let named = (0..).zip(row.params).filter(|(_, (name, _))| !is_number(name)).map(|(place, _)| place);
        let tried = case.pointers.unwrap_or_default().iter().map(|(place, _)| *place);
        assert!(named.eq(tried), "{}: {:?}", row.name, row.params);
    }
}

#[test]
fn each_works() {
    everywhere(&grants(&["sh"]), |what, case, run| {
        let printed = [("get_stdout", "out"), ("get_stderr", "error")];
        if case.name == "run" {
            run.name("sh").args(&["-c", "exit 4"]);
        }
        assert_eq!(run.call(case.name, case.args).unwrap(), case.works, "{what}");
        if let Some((_, text)) = printed.iter().find(|(name, _)| *name == case.name) {
            assert_eq!(&run.memory()[64..64 + text.len()], text.as_bytes(), "{what}");
        }
    });
}

#[test]
fn each_checks_its_pointers() {
    everywhere(&grants(&["sh"]), |what, case, run| {
        for (pointer, behind) in case.pointers.unwrap_or_default() {
            let wrong: Vec<(i64, Option<i64>)> = match behind {
                Behind::Bytes(bytes) => [SIZE - bytes + 1, SIZE, -1, -bytes].map(|at| (at, None)).into(),
                Behind::Next => {
                    let far = i64::from(i32::MAX);
                    [(SIZE, 1), (SIZE - 1, 2), (SIZE + 1, 0), (-1, 1), (-1, 2), (1, -1), (16, far)]
                        .map(|(at, length)| (at, Some(length)))
                        .into()
                }
            };
            for (at, length) in wrong {
                let mut args = case.args.to_vec();
                args[*pointer] = at;
                args.iter_mut().skip(pointer + 1).take(1).zip(length).for_each(|(arg, length)| *arg = length);
                run.memory().fill(b'.');
                let trap = run.call(case.name, &args).unwrap_err().as_trap();
                assert_eq!(trap, Some(Trap::InvalidMemoryAccess), "{what} {args:?}");
                assert!(run.memory().iter().all(|byte| *byte == b'.'), "{what}");
            }
        }
        // Nothing of that was kept: there is no name to run.
        assert_eq!(run.call("run", &[]).unwrap(), -1, "{what}");
    });
}

#[test]
fn none_runs_without_a_grant() {
    everywhere(&Grants::default(), |what, case, run| {
        assert!(run.log().contains("ssvm_process_run(\"sh\"); it takes --allow-command"), "{what}: {}", run.log());
        let lines = run.log().lines().count();
        if case.name == "run" {
            run.name("cat");
        }
        let answer = run.call(case.name, case.args);
        match case.without_grant {
            Ok(expected) => assert_eq!(answer.unwrap(), expected, "{what}"),
            // It has nothing to refuse.
            Err(_) => assert!(answer.is_ok(), "{what}"),
        }
        assert_eq!(run.log().lines().count(), lines + usize::from(case.name == "run"), "{what}");
        assert_eq!(run.call("get_stdout_len", &[]).unwrap(), 0, "{what}");
    });
}

#[test]
fn none_holds_more_than_it_may() {
    everywhere(&grants(&["sh"]), |what, case, run| {
        let Ok((most, place)) = case.holds else { return };
        let mut args = case.args.to_vec();
        // A name takes the place of the one before, the others come to those before.
        let piece = if case.name == "set_prog_name" { most + 1 } else { 1 << 20 };
        args[place] = piece as i64;
        let error = (0..=most / piece).map(|_| run.call(case.name, &args)).find_map(Result::err);
        assert_eq!(error.and_then(|error| error.as_trap()), Some(Trap::ArgumentOutOfRange), "{what}");
        args[place] = 0;
        run.call(case.name, &args).unwrap();
    });
}

#[test]
fn each_is_paid_for_first() {
    let mut priced = grants(&["sh"]);
    priced.prices.process = Price { call: 1_000, kib: 0 };
    everywhere(&priced, |what, case, run| {
        run.memory().fill(b'.');
        run.set_gas(999);
        assert_eq!(run.call(case.name, case.args).unwrap_err().as_trap(), Some(Trap::OutOfGas), "{what}");
        assert!(run.memory().iter().all(|byte| *byte == b'.'), "{what}");
    });
}

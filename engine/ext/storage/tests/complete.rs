//! Each function with each kind of test, on both tiers: that it works, wrong pointers, no grant, a grant to read alone, a spent quota,
//! spent gas. A function that has no row fails; one that has no test of a kind says why.

mod common;

use common::*;
use gristmill::{HostApi, Trap};
use gristmill_ext_grants::{Grants, Price};
use gristmill_ext_storage::{Backend, Failure, Memory, Quota, Status, Storage};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A test of a kind, or why there is none.
type Kind<T> = Result<T, &'static str>;

type Call = (&'static str, &'static [i64]);

/// How a call ends.
#[derive(Clone, Copy, Debug)]
enum Ends {
    Is(i64),
    Status(Status),
    Traps(fn(&Failure) -> bool),
}

/// What is behind a pointer: so many bytes, or as many as that argument says.
#[derive(Clone, Copy)]
enum Behind {
    Bytes(i64),
    Argument(usize),
}

struct Case {
    names: (&'static str, &'static str),
    name: &'static str,
    /// Arguments that are fine: the key is at 0, its value at 8192, room for an answer at 4096.
    args: &'static [i64],
    /// Calls that come before.
    before: &'static [Call],
    works: i64,
    pointers: Kind<&'static [(usize, Behind)]>,
    without_grant: Ends,
    read_only: Kind<Ends>,
    /// With arguments that keep more than there is room for, which is none.
    full: Kind<(&'static [i64], Ends)>,
}

const NO_POINTERS: &str = "it takes no pointers";
const READS: &str = "it changes nothing";
const LATER: &str = "it keeps nothing yet: the end of its transaction does";
const FRESH: &str = "random bytes are granted whole";

const BEGIN: Call = ("beginStoreTx", &[0]);
const OPEN: Call = ("beginLoadTx", &[0]);
const BATCH: Call = ("batch_begin", &[0]);

fn legacy(name: &'static str, args: &'static [i64], before: &'static [Call], works: i64) -> Case {
    Case {
        names: SSVM,
        name,
        args,
        before,
        works,
        pointers: Err(NO_POINTERS),
        without_grant: Ends::Traps(|failure| *failure == Failure::NotGranted),
        read_only: Err(READS),
        full: Err(READS),
    }
}

fn modern(name: &'static str, args: &'static [i64], before: &'static [Call]) -> Case {
    let without_grant = Ends::Status(Status::Denied);
    Case { names: MODERN, without_grant, ..legacy(name, args, before, 0) }
}

impl Case {
    fn pointers(self, pointers: &'static [(usize, Behind)]) -> Self {
        Self { pointers: Ok(pointers), ..self }
    }

    fn writes(self) -> Self {
        let ends = match self.names {
            SSVM => Ends::Traps(|failure| *failure == Failure::ReadOnly),
            _ => Ends::Status(Status::ReadOnly),
        };
        Self { read_only: Ok(ends), full: Err(LATER), ..self }
    }

    fn fills(self, args: &'static [i64]) -> Self {
        let ends = match self.names {
            SSVM => Ends::Traps(|failure| *failure == Failure::Full),
            _ => Ends::Status(Status::Full),
        };
        Self { full: Ok((args, ends)), ..self }
    }

    /// In a batch, which does not begin without a grant to write.
    fn in_batch(self) -> Self {
        let none = Ends::Status(Status::NoBatch);
        Self { without_grant: none, read_only: Ok(none), full: Err(LATER), ..self }
    }
}

fn table() -> Vec<Case> {
    use Behind::{Argument, Bytes};
    let word = 0x0101_0101;
    let random = Ends::Traps(|failure| *failure == Failure::NoRandom);
    vec![
        Case { without_grant: random, read_only: Err(FRESH), ..legacy("createUUID", &[64], &[], 0) }
            .pointers(&[(0, Bytes(33))]),
        legacy("beginStoreTx", &[0], &[], 0).pointers(&[(0, Bytes(32))]).writes(),
        legacy("storeI32", &[7], &[BEGIN], 0).writes(),
        legacy("storeI64", &[7], &[BEGIN], 0).writes(),
        legacy("endStoreTx", &[], &[BEGIN, ("storeI32", &[7])], 0).writes().fills(&[]),
        legacy("beginLoadTx", &[0], &[], 0).pointers(&[(0, Bytes(32))]),
        legacy("loadI32", &[], &[OPEN], word),
        legacy("loadI64", &[], &[OPEN], word << 32 | word),
        legacy("endLoadTx", &[], &[OPEN], 0),
        modern("open", &[16, 3, 4_096], &[]).pointers(&[(0, Argument(1)), (2, Bytes(4))]),
        modern("get", &[0, 0, 1, 8_192, 8, 4_096], &[]).pointers(&[(1, Argument(2)), (3, Argument(4)), (5, Bytes(4))]),
        modern("set", &[0, 0, 1, 8_192, 8], &[])
            .pointers(&[(1, Argument(2)), (3, Argument(4))])
            .writes()
            .fills(&[0, 0, 1, 8_192, 8]),
        modern("delete", &[0, 0, 1], &[]).pointers(&[(1, Argument(2))]).writes(),
        modern("exists", &[0, 0, 1, 4_096], &[]).pointers(&[(1, Argument(2)), (3, Bytes(4))]),
        modern("list", &[0, 0, 0, 0, 0, 8_192, 64, 4_096], &[]).pointers(&[
            (1, Argument(2)),
            (3, Argument(4)),
            (5, Argument(6)),
            (7, Bytes(4)),
        ]),
        modern("compare_and_swap", &[0, 0, 1, 8_192, 8, 8_192, 8], &[])
            .pointers(&[(1, Argument(2)), (3, Argument(4)), (5, Argument(6))])
            .writes()
            .fills(&[0, 0, 1, 0, -1, 8_192, 8]),
        modern("increment", &[0, 0, 1, 1, 4_096], &[])
            .pointers(&[(1, Argument(2)), (4, Bytes(8))])
            .writes()
            .fills(&[0, 0, 1, 1, 4_096]),
        modern("batch_begin", &[0], &[]).writes(),
        modern("batch_set", &[0, 1, 8_192, 8], &[BATCH]).pointers(&[(0, Argument(1)), (2, Argument(3))]).in_batch(),
        modern("batch_delete", &[0, 1], &[BATCH]).pointers(&[(0, Argument(1))]).in_batch(),
        modern("batch_commit", &[], &[BATCH, ("batch_set", &[0, 1, 8_192, 8])]).in_batch().fills(&[]),
        modern("batch_rollback", &[], &[BATCH]).in_batch(),
    ]
}

/// What is kept under the key of a case: words of ones, or the value at 8192.
fn key(case: &Case) -> (&'static [u8], [u8; 12]) {
    if case.names == SSVM { (&[0; 32], [1; 12]) } else { (b"k", [0; 12]) }
}

/// Each function on each tier, under both of its names, for a program with these grants where its key is kept, or is not.
fn everywhere(grants: &Grants, kept: bool, test: impl Fn(&str, &Case, &mut Run, &dyn Backend)) {
    for (tier, engine) in engines() {
        for case in table() {
            let generations: &[_] = if case.names == SSVM { &[SSVM, WASMEDGE] } else { &[MODERN] };
            for names in generations {
                let backend = Arc::new(Memory::default());
                let (key, value) = key(&case);
                if kept {
                    let value = if case.names == SSVM { &value[..] } else { &value[..8] };
                    backend.write("app", Quota::default(), None, &[(key, Some(value))]).unwrap();
                }
                let mut run = Run::on(&engine, &guest(*names, |_| true), grants.clone(), backend.clone());
                if case.names == MODERN {
                    run.put(0, b"k");
                    run.put(16, b"app");
                }
                for (name, args) in case.before {
                    // What is refused is refused here already.
                    let _ = run.call(name, args);
                }
                test(&format!("{}.{} on {tier}", names.0, case.name), &case, &mut run, &*backend);
            }
        }
    }
}

#[track_caller]
fn ends(what: &str, run: &mut Run, name: &str, args: &[i64], expected: Ends) {
    let done = run.call(name, args);
    match expected {
        Ends::Is(answer) => assert_eq!(done.unwrap(), answer, "{what}"),
        Ends::Status(status) => assert_eq!(done.unwrap(), status as i64, "{what}"),
        Ends::Traps(is) => {
            assert_eq!(done.unwrap_err().as_trap(), Some(Trap::ArgumentOutOfRange), "{what}");
            assert!(run.store.data().failure().is_some_and(is), "{what}: {:?}", run.store.data().failure());
        }
    }
}

#[test]
fn every_function_has_a_row() {
    let table = table();
    let rows: BTreeSet<_> = table.iter().map(|case| (case.names.0, format!("{}{}", case.names.1, case.name))).collect();
    let functions: BTreeSet<_> = Storage::rows().iter().map(|row| (row.module, row.name.to_string())).collect();
    assert_eq!(rows, functions);
    assert_eq!(rows.len(), table.len());
    for case in &table {
        let name = format!("{}{}", case.names.1, case.name);
        let row = Storage::rows().iter().find(|row| (row.module, row.name) == (case.names.0, &*name)).unwrap();
        assert_eq!(case.args.len(), row.params.len(), "{name}");
        // All that is not a number points somewhere.
        let is_number = |name: &str| {
            name.ends_with("_len") || ["space", "delta"].contains(&name) || case.names == SSVM && name == "value"
        };
        let named = (0..).zip(row.params).filter(|(_, (name, _))| !is_number(name)).map(|(place, _)| place);
        let tried = case.pointers.unwrap_or_default().iter().map(|(place, _)| *place);
        assert!(named.eq(tried), "{name}: {:?}", row.params);
    }
}

#[test]
fn each_works() {
    everywhere(&grants(&["app"]), true, |what, case, run, _| {
        ends(what, run, case.name, case.args, Ends::Is(case.works));
        assert_eq!(run.log(), "", "{what}");
    });
}

#[test]
fn each_checks_its_pointers() {
    everywhere(&grants(&["app"]), true, |what, case, run, backend| {
        let Ok(pointers) = case.pointers else { return };
        let before = (backend.usage("app").unwrap(), backend.get("app", key(case).0).unwrap());
        for (pointer, behind) in pointers {
            let wrong: Vec<(i64, Option<i64>)> = match behind {
                Behind::Bytes(bytes) => [SIZE - bytes + 1, SIZE, -1, -bytes].map(|at| (at, None)).into(),
                Behind::Argument(_) => {
                    let far = i64::from(i32::MAX);
                    [(SIZE, 1), (SIZE - 1, 2), (SIZE + 1, 0), (-1, 1), (-1, 2), (1, far), (16, -2)]
                        .map(|(at, length)| (at, Some(length)))
                        .into()
                }
            };
            for (at, length) in wrong {
                let mut args = case.args.to_vec();
                args[*pointer] = at;
                if let (Behind::Argument(place), Some(length)) = (behind, length) {
                    args[*place] = length;
                }
                let memory = run.memory().to_vec();
                match run.call(case.name, &args) {
                    Ok(status) => assert_eq!(status, Status::BadPointer as i64, "{what} {args:?}"),
                    Err(error) => assert_eq!(error.as_trap(), Some(Trap::InvalidMemoryAccess), "{what} {args:?}"),
                }
                assert!(run.memory() == memory, "{what} {args:?}");
            }
        }
        assert_eq!((backend.usage("app").unwrap(), backend.get("app", key(case).0).unwrap()), before, "{what}");
        // What was begun is still there: the call that is right works.
        ends(what, run, case.name, case.args, Ends::Is(case.works));
    });
}

#[test]
fn none_works_without_a_grant() {
    everywhere(&Grants::default(), true, |what, case, run, backend| {
        let before = backend.usage("app").unwrap();
        ends(what, run, case.name, case.args, case.without_grant);
        assert_eq!(backend.usage("app").unwrap(), before, "{what}");
        assert!(run.log().contains("it takes --"), "{what}: {}", run.log());
    });
}

#[test]
fn none_changes_what_is_granted_to_be_read() {
    everywhere(&grants(&["app:ro"]), true, |what, case, run, backend| {
        let before = backend.get("app", key(case).0).unwrap();
        match case.read_only {
            Ok(expected) => {
                ends(what, run, case.name, case.args, expected);
                assert!(run.log().contains("without :ro"), "{what}: {}", run.log());
            }
            // Then it works.
            Err(_) => ends(what, run, case.name, case.args, Ends::Is(case.works)),
        }
        assert_eq!(backend.get("app", key(case).0).unwrap(), before, "{what}");
    });
}

#[test]
fn none_keeps_more_than_its_quota() {
    everywhere(&quota(Some(0), Some(0)), false, |what, case, run, backend| {
        let Ok((args, expected)) = case.full else { return };
        ends(what, run, case.name, args, expected);
        assert!(run.log().contains("`bytes` or `keys`"), "{what}: {}", run.log());
        assert_eq!(backend.usage("app").unwrap().keys, 0, "{what}");
    });
}

#[test]
fn each_is_paid_for_first() {
    let mut priced = grants(&["app"]);
    priced.prices.storage = Price { call: 1_000, kib: 0 };
    everywhere(&priced, true, |what, case, run, backend| {
        let before = (run.memory().to_vec(), backend.get("app", key(case).0).unwrap());
        run.set_gas(999);
        assert_eq!(run.call(case.name, case.args).unwrap_err().as_trap(), Some(Trap::OutOfGas), "{what}");
        assert!((run.memory().to_vec(), backend.get("app", key(case).0).unwrap()) == before, "{what}");
    });
}

//! `gristmill_storage`, function by function.

mod common;

use common::*;
use gristmill::{HostApi, Trap};
use gristmill_ext_grants::{Grants, Limits, Price};
use gristmill_ext_storage::{BATCH, Backend, CHANGE, Failure, KEY, Memory, Quota, Redb, Status, Storage, Usage, VALUE};
use std::sync::Arc;

/// Every function with arguments that are fine: the key `k` at 0, a value of 8 bytes at 8192, room at 4096.
const CALLS: [(&str, &[i64]); 13] = [
    ("open", &[16, 3, 4_096]),
    ("get", &[0, 0, 1, 8_192, 8, 4_096]),
    ("set", &[0, 0, 1, 8_192, 8]),
    ("delete", &[0, 0, 1]),
    ("exists", &[0, 0, 1, 4_096]),
    ("list", &[0, 0, 0, 0, 0, 8_192, 64, 4_096]),
    ("compare_and_swap", &[0, 0, 1, 0, -1, 8_192, 8]),
    ("increment", &[0, 0, 1, 1, 4_096]),
    ("batch_begin", &[0]),
    ("batch_set", &[0, 1, 8_192, 8]),
    ("batch_delete", &[0, 1]),
    ("batch_commit", &[]),
    ("batch_rollback", &[]),
];

#[test]
fn every_function_has_a_call() {
    let rows = Storage::rows().iter().filter(|row| row.module == MODERN.0);
    assert!(rows.map(|row| (row.name, row.params.len())).eq(CALLS.map(|(name, args)| (name, args.len()))));
}

fn is(status: i64, expected: Status) {
    assert_eq!(status, i64::from(expected as u32), "{expected:?}");
}

fn begun(grants: Grants, backend: Arc<dyn Backend>) -> Run {
    let mut run = Run::new(MODERN, grants, backend);
    run.put(0, b"k");
    run.put(16, b"app");
    run
}

fn app() -> Run {
    begun(grants(&["app"]), Arc::new(Memory::default()))
}

#[test]
fn numbers_of_statuses_stay() {
    use Status::*;
    let all = [
        Ok, NotFound, TooSmall, Denied, ReadOnly, Full, BadPointer, BadHandle, BadKey, TooLong, Mismatch, NotANumber,
        Overflow, NoBatch, BatchOpen, BatchFull, Broken,
    ];
    assert!(all.iter().enumerate().all(|(number, status)| number == *status as usize));
}

/// On each back end of ours.
fn everywhere(test: impl Fn(Arc<dyn Backend>)) {
    test(Arc::new(Memory::default()));
    let directory = tempfile::tempdir().unwrap();
    test(Arc::new(Redb::open(directory.path().join("storage.redb")).unwrap()));
}

#[test]
fn what_is_set_is_got_until_it_is_deleted() {
    everywhere(|backend| {
        let mut run = begun(grants(&["app"]), backend.clone());
        assert_eq!(run.get(0, b"k"), Err(1));
        assert_eq!(run.set(0, b"k", b"value"), 0);
        assert_eq!(run.get(0, b"k").unwrap(), b"value");
        assert_eq!(run.set(0, b"k", b""), 0);
        assert_eq!(run.get(0, b"k").unwrap(), b"");
        assert_eq!(run.call("exists", &[0, 0, 1, 4_096]).unwrap(), 0);
        assert_eq!(run.i32_at(4_096), 1);
        assert_eq!(backend.usage("app").unwrap(), Usage { bytes: 1, keys: 1 });
        is(run.call("delete", &[0, 0, 1]).unwrap(), Status::Ok);
        is(run.call("delete", &[0, 0, 1]).unwrap(), Status::NotFound);
        is(run.call("exists", &[0, 0, 1, 4_096]).unwrap(), Status::Ok);
        assert_eq!(run.i32_at(4_096), 0);
        assert_eq!(backend.usage("app").unwrap(), Usage::default());
    });
}

#[test]
fn a_buffer_that_is_too_small_is_told_so() {
    let mut run = app();
    run.set(0, b"k", b"0123456789");
    run.memory()[8_192..8_292].fill(b'x');
    is(run.call("get", &[0, 0, 1, 8_192, 9, 4_096]).unwrap(), Status::TooSmall);
    assert_eq!(run.i32_at(4_096), 10);
    assert!(run.memory()[8_192..8_292].iter().all(|byte| *byte == b'x'));
    is(run.call("get", &[0, 0, 1, 8_192, 10, 4_096]).unwrap(), Status::Ok);
    assert_eq!(&run.memory()[8_192..8_203], b"0123456789x");
    // Neither of them: nothing is written.
    run.memory()[4_096..4_100].fill(0xff);
    is(run.call("get", &[0, 1, 1, 8_192, 10, 4_096]).unwrap(), Status::NotFound);
    assert_eq!(run.i32_at(4_096), -1);
}

#[test]
fn namespaces_do_not_see_each_other() {
    everywhere(|backend| {
        // Names that are prefixes of each other, and keys that would run over.
        let names = ["a", "ab", "b"];
        let mut run = begun(grants(&names), backend.clone());
        let handles: Vec<_> = names.iter().map(|name| run.open(name).unwrap()).collect();
        assert_eq!(run.open("a").unwrap(), handles[0]);
        for (name, handle) in names.iter().zip(&handles) {
            assert_eq!(run.set(*handle, b"key", name.as_bytes()), 0);
            assert_eq!(run.set(*handle, b"bkey", b""), 0);
        }
        for (name, handle) in names.iter().zip(&handles) {
            assert_eq!(run.get(*handle, b"key").unwrap(), name.as_bytes());
            assert_eq!(list(&mut run, *handle, b"", 64), [b"bkey".to_vec(), b"key".to_vec()]);
        }
        assert_eq!(run.get(0, b"key").unwrap(), b"a");
        is(run.call("delete", &[handles[0], 0, 3]).unwrap(), Status::Ok);
        assert_eq!(run.get(handles[1], b"key").unwrap(), b"ab");
        assert_eq!(backend.usage("ab").unwrap(), Usage { bytes: 9, keys: 2 });
        // Another program with other grants: nothing of it by any name or handle.
        let mut other = begun(grants(&["c"]), backend);
        assert_eq!(other.open("a"), Err(Status::Denied as i64));
        assert!(other.log().contains("open(\"a\"); it takes --storage NAMESPACE"));
        assert_eq!(other.get(1, b"key"), Err(Status::NotFound as i64));
        for handle in [2, 3, -1, i64::from(i32::MIN)] {
            assert_eq!(other.get(handle, b"key"), Err(Status::BadHandle as i64), "{handle}");
        }
        assert!(list(&mut other, 0, b"", 64).is_empty());
    });
}

/// All keys with a prefix, by pages of `room` bytes.
fn list(run: &mut Run, space: i64, prefix: &[u8], room: i64) -> Vec<Vec<u8>> {
    let (mut all, mut cursor) = (Vec::new(), Vec::new());
    loop {
        let ([prefix, prefix_len], [at, len]) = (run.put(0, prefix), run.put(2_048, &cursor));
        let status = run.call("list", &[space, prefix, prefix_len, at, len, 8_192, room, 4_096]).unwrap();
        is(status, Status::Ok);
        let written = run.i32_at(4_096) as usize;
        let page = run.memory()[8_192..][..written].to_vec();
        let mut rest = &page[..];
        if rest.is_empty() {
            return all;
        }
        while let Some((len, after)) = rest.split_first_chunk() {
            let (key, after) = after.split_at(u32::from_le_bytes(*len) as usize);
            all.push(key.to_vec());
            rest = after;
        }
        cursor = all.last().unwrap().clone();
    }
}

#[test]
fn keys_are_listed_by_prefix_and_in_pages() {
    everywhere(|backend| {
        let mut run = begun(grants(&["app"]), backend);
        let mut keys: Vec<Vec<u8>> = (0..100).map(|i| format!("n{i}").into_bytes()).collect();
        keys.extend([vec![0], vec![0xff], vec![0xff, 0xff], b"n".to_vec(), b"o".to_vec()]);
        for key in &keys {
            assert_eq!(run.set(0, key, b"v"), 0);
        }
        keys.sort();
        let with = |prefix: &[u8]| keys.iter().filter(|key| key.starts_with(prefix)).cloned().collect::<Vec<_>>();
        for prefix in [&b""[..], b"n", b"n1", b"n99", b"m", b"\xff", b"\xff\xff", b"\xff\xff\xff", b"\0"] {
            for room in [8, 50, 4_096] {
                assert_eq!(list(&mut run, 0, prefix, room), with(prefix), "{prefix:?} by {room}");
            }
        }
        // No room for one: what the next takes.
        run.put(0, b"n99");
        is(run.call("list", &[0, 0, 3, 0, 0, 8_192, 6, 4_096]).unwrap(), Status::TooSmall);
        assert_eq!(run.i32_at(4_096), 7);
        is(run.call("list", &[0, 0, 3, 0, 0, 8_192, 0, 4_096]).unwrap(), Status::TooSmall);
        // A cursor before the prefix is the beginning, one behind it the end.
        run.put(32, b"a");
        is(run.call("list", &[0, 0, 3, 32, 1, 8_192, 64, 4_096]).unwrap(), Status::Ok);
        assert_eq!(run.i32_at(4_096), 7);
        run.put(32, b"o");
        is(run.call("list", &[0, 0, 3, 32, 1, 8_192, 64, 4_096]).unwrap(), Status::Ok);
        assert_eq!(run.i32_at(4_096), 0);
        let long = KEY as i64 + 1;
        is(run.call("list", &[0, 0, long, 0, 0, 8_192, 64, 4_096]).unwrap(), Status::BadKey);
        is(run.call("list", &[0, 0, 0, 0, long, 8_192, 64, 4_096]).unwrap(), Status::BadKey);
    });
}

#[test]
fn a_value_is_swapped_if_it_is_the_expected_one() {
    everywhere(|backend| {
        let mut run = begun(grants(&["app"]), backend);
        let mut swap = |old: Option<&[u8]>, new: Option<&[u8]>| {
            let mut at = |at, value: Option<&[u8]>| value.map_or([-1, -1], |value| run.put(at, value));
            let ([old, old_len], [new, new_len]) = (at(32, old), at(64, new));
            run.call("compare_and_swap", &[0, 0, 1, old, old_len, new, new_len]).unwrap()
        };
        is(swap(Some(b"a"), Some(b"b")), Status::Mismatch);
        is(swap(None, Some(b"a")), Status::Ok);
        is(swap(None, Some(b"b")), Status::Mismatch);
        is(swap(Some(b""), Some(b"b")), Status::Mismatch);
        is(swap(Some(b"a"), Some(b"b")), Status::Ok);
        is(swap(Some(b"a"), None), Status::Mismatch);
        is(swap(Some(b"b"), None), Status::Ok);
        is(swap(None, None), Status::Ok);
        assert_eq!(run.get(0, b"k"), Err(Status::NotFound as i64));
    });
}

#[test]
fn numbers_are_incremented() {
    everywhere(|backend| {
        let mut run = begun(grants(&["app"]), backend);
        let mut add = |delta| {
            let status = run.call("increment", &[0, 0, 1, delta, 4_096]).unwrap();
            (status, i64::from_le_bytes(run.memory()[4_096..4_104].try_into().unwrap()))
        };
        assert_eq!(add(5), (0, 5));
        assert_eq!(add(-7), (0, -2));
        assert_eq!(add(i64::MIN), (Status::Overflow as i64, -2));
        assert_eq!(add(i64::MAX), (0, i64::MAX - 2));
        assert_eq!(run.get(0, b"k").unwrap(), (i64::MAX - 2).to_le_bytes());
        run.set(0, b"k", b"1234567");
        is(run.call("increment", &[0, 0, 1, 1, 4_096]).unwrap(), Status::NotANumber);
    });
}

#[test]
fn a_batch_is_one_act() {
    everywhere(|backend| {
        let mut run = begun(grants(&["app", "other"]), backend.clone());
        run.set(0, b"gone", b"1");
        let change = |run: &mut Run, key: &[u8], value: Option<&[u8]>| {
            let [key, len] = run.put(0, key);
            match value {
                Some(value) => {
                    let [value, value_len] = run.put(64, value);
                    run.call("batch_set", &[key, len, value, value_len]).unwrap()
                }
                None => run.call("batch_delete", &[key, len]).unwrap(),
            }
        };
        is(run.call("batch_begin", &[1]).unwrap(), Status::Ok);
        is(run.call("batch_begin", &[2]).unwrap(), Status::BatchOpen);
        is(change(&mut run, b"a", Some(b"1")), Status::Ok);
        is(change(&mut run, b"a", Some(b"22")), Status::Ok);
        is(change(&mut run, b"gone", None), Status::Ok);
        is(change(&mut run, b"never", None), Status::Ok);
        // Nobody sees it, and others go on.
        assert_eq!(run.get(0, b"a"), Err(Status::NotFound as i64));
        assert_eq!(run.get(0, b"gone").unwrap(), b"1");
        assert_eq!(run.set(2, b"a", b"other"), 0);
        is(run.call("batch_commit", &[]).unwrap(), Status::Ok);
        assert_eq!(run.get(0, b"a").unwrap(), b"22");
        assert_eq!(run.get(0, b"gone"), Err(Status::NotFound as i64));
        assert_eq!(run.get(2, b"a").unwrap(), b"other");
        assert_eq!(backend.usage("app").unwrap(), Usage { bytes: 3, keys: 1 });
        is(run.call("batch_commit", &[]).unwrap(), Status::NoBatch);
        // Rolled back, and left open.
        for end in [true, false] {
            is(run.call("batch_begin", &[0]).unwrap(), Status::Ok);
            is(change(&mut run, b"a", None), Status::Ok);
            if end {
                is(run.call("batch_rollback", &[]).unwrap(), Status::Ok);
                is(run.call("batch_rollback", &[]).unwrap(), Status::NoBatch);
            }
        }
        drop(run);
        assert_eq!(backend.get("app", b"a").unwrap().as_deref(), Some(&b"22"[..]));
        // An empty one is fine.
        let mut run = begun(grants(&["app"]), backend);
        is(run.call("batch_begin", &[0]).unwrap(), Status::Ok);
        is(run.call("batch_commit", &[]).unwrap(), Status::Ok);
    });
}

#[test]
fn a_batch_has_a_bound() {
    let pages = VALUE.div_ceil(65_536) + 1;
    let text = guest(MODERN, |_| true)
        .replace("(memory (export \"memory\") 1)", &format!("(memory (export \"memory\") {pages})"));
    let mut run = Run::of(&text, grants(&["app"]), Arc::new(Memory::default()));
    run.put(0, b"k");
    let long = VALUE as i64;
    is(run.call("set", &[0, 0, 1, 1, long + 1]).unwrap(), Status::TooLong);
    is(run.call("set", &[0, 0, 1, 1, long]).unwrap(), Status::Ok);
    is(run.call("compare_and_swap", &[0, 0, 1, 1, long, 1, long + 1]).unwrap(), Status::TooLong);
    is(run.call("compare_and_swap", &[0, 0, 1, 1, long, 2, long]).unwrap(), Status::Ok);
    is(run.call("batch_begin", &[0]).unwrap(), Status::Ok);
    is(run.call("batch_set", &[0, 1, 1, long + 1]).unwrap(), Status::TooLong);
    let fit = BATCH / (VALUE + 1 + CHANGE);
    for _ in 0..fit {
        is(run.call("batch_set", &[0, 1, 1, long]).unwrap(), Status::Ok);
    }
    is(run.call("batch_set", &[0, 1, 1, long]).unwrap(), Status::BatchFull);
    for _ in 0..(BATCH - fit * (VALUE + 1 + CHANGE)) / (1 + CHANGE) {
        is(run.call("batch_delete", &[0, 1]).unwrap(), Status::Ok);
    }
    is(run.call("batch_delete", &[0, 1]).unwrap(), Status::BatchFull);
    is(run.call("batch_commit", &[]).unwrap(), Status::Ok);
    is(run.call("delete", &[0, 0, 1]).unwrap(), Status::NotFound);
}

/// The place of a pointer among the arguments, with that of its length or the bytes behind it.
type Place = (usize, Result<usize, i64>);

#[test]
fn pointers_are_told_before_anything_happens() {
    let backend = Arc::new(Memory::default());
    backend.write("app", Quota::default(), None, &[(b"k", Some(&[1; 8]))]).unwrap();
    let before = backend.usage("app").unwrap();
    let pointers: [(&str, &[Place]); 9] = [
        ("open", &[(0, Ok(1)), (2, Err(4))]),
        ("get", &[(1, Ok(2)), (3, Ok(4)), (5, Err(4))]),
        ("set", &[(1, Ok(2)), (3, Ok(4))]),
        ("delete", &[(1, Ok(2))]),
        ("exists", &[(1, Ok(2)), (3, Err(4))]),
        ("list", &[(1, Ok(2)), (3, Ok(4)), (5, Ok(6)), (7, Err(4))]),
        ("compare_and_swap", &[(1, Ok(2)), (3, Ok(4)), (5, Ok(6))]),
        ("increment", &[(1, Ok(2)), (4, Err(8))]),
        ("batch_set", &[(0, Ok(1)), (2, Ok(3))]),
    ];
    let mut run = begun(grants(&["app"]), backend.clone());
    let batch_delete = ("batch_delete", &[(0, Ok(1))][..]);
    for (name, places) in pointers.into_iter().chain([batch_delete]) {
        let fine = CALLS.iter().find(|call| call.0 == name).unwrap().1;
        for &(pointer, length) in places {
            let mut wrong: Vec<(i64, Option<i64>)> = Vec::new();
            match length {
                Ok(_) => wrong.extend([
                    (SIZE, Some(1)),
                    (SIZE - 1, Some(2)),
                    (SIZE + 1, Some(0)),
                    (-1, Some(1)),
                    (-1, Some(2)),
                    (1, Some(i64::from(i32::MAX))),
                    (16, Some(-2)),
                ]),
                Err(bytes) => wrong.extend([(SIZE - bytes + 1, None), (SIZE, None), (-1, None), (-bytes, None)]),
            }
            for (at, len) in wrong {
                let mut args = fine.to_vec();
                args[pointer] = at;
                if let (Ok(place), Some(len)) = (length, len) {
                    args[place] = len;
                }
                let memory = run.memory().to_vec();
                is(run.call(name, &args).unwrap(), Status::BadPointer);
                assert!(run.memory() == memory, "{name} {args:?}");
            }
        }
    }
    assert_eq!((backend.usage("app").unwrap(), backend.get("app", b"k").unwrap()), (before, Some(vec![1; 8])));
    assert_eq!(run.log(), "");
}

#[test]
fn keys_have_bounds() {
    let mut run = app();
    run.call("batch_begin", &[0]).unwrap();
    for (name, fine) in CALLS {
        let place = match name {
            "get" | "set" | "delete" | "exists" | "compare_and_swap" | "increment" => 2,
            "batch_set" | "batch_delete" => 1,
            _ => continue,
        };
        for len in [0, KEY as i64 + 1] {
            let mut args = fine.to_vec();
            args[place] = len;
            is(run.call(name, &args).unwrap(), Status::BadKey);
        }
        let mut args = fine.to_vec();
        args[place] = KEY as i64;
        assert_ne!(run.call(name, &args).unwrap(), Status::BadKey as i64, "{name}");
    }
}

#[test]
fn nothing_works_without_a_grant() {
    let mut run = begun(Grants::default(), Arc::new(Memory::default()));
    for (name, args) in CALLS {
        let expected = match name {
            "batch_set" | "batch_delete" | "batch_commit" | "batch_rollback" => Status::NoBatch,
            _ => Status::Denied,
        };
        is(run.call(name, args).unwrap(), expected);
        if expected == Status::Denied {
            let line = run.log().lines().last().unwrap().to_owned();
            assert!(line.contains(name) && line.contains("--storage NAMESPACE, [[storage]]"), "{line}");
            assert_eq!(run.store.data().failure(), Some(&Failure::NotGranted));
        }
    }
}

#[test]
fn what_may_be_read_is_not_changed() {
    let backend = Arc::new(Memory::default());
    backend.write("app", Quota::default(), None, &[(b"k", Some(&[1; 8]))]).unwrap();
    let mut run = begun(grants(&["app:ro"]), backend.clone());
    for (name, args) in CALLS {
        let expected = match name {
            "open" | "get" | "exists" | "list" => Status::Ok,
            "batch_set" | "batch_delete" | "batch_commit" | "batch_rollback" => Status::NoBatch,
            _ => Status::ReadOnly,
        };
        is(run.call(name, args).unwrap(), expected);
        if expected == Status::ReadOnly {
            let line = run.log().lines().last().unwrap().to_owned();
            assert!(line.contains(name) && line.contains("without :ro"), "{line}");
        }
    }
    assert_eq!(backend.get("app", b"k").unwrap(), Some(vec![1; 8]));
}

#[test]
fn a_quota_is_exact() {
    everywhere(|backend| {
        let mut run = begun(quota(Some(20), Some(2)), backend.clone());
        assert_eq!(run.set(0, b"k", &[0; 19]), 0);
        is(run.set(0, b"k", &[0; 20]), Status::Full);
        assert!(run.log().contains("set(\"app\"); it takes more `bytes` or `keys`"));
        is(run.set(0, b"l", b""), Status::Full);
        assert_eq!(run.set(0, b"k", b""), 0);
        assert_eq!(run.set(0, b"l", b""), 0);
        is(run.set(0, b"m", b""), Status::Full);
        run.put(0, b"m");
        is(run.call("increment", &[0, 0, 1, 1, 4_096]).unwrap(), Status::Full);
        is(run.call("compare_and_swap", &[0, 0, 1, 0, -1, 64, 0]).unwrap(), Status::Full);
        assert_eq!(run.store.data().failure(), Some(&Failure::Full));
        assert_eq!(backend.usage("app").unwrap(), Usage { bytes: 2, keys: 2 });
        // Of a batch counts what it comes to, and all of it.
        run.put(0, b"klm");
        is(run.call("batch_begin", &[0]).unwrap(), Status::Ok);
        is(run.call("batch_set", &[2, 1, 64, 0]).unwrap(), Status::Ok);
        is(run.call("batch_delete", &[0, 1]).unwrap(), Status::Ok);
        is(run.call("batch_commit", &[]).unwrap(), Status::Ok);
        is(run.call("batch_begin", &[0]).unwrap(), Status::Ok);
        is(run.call("batch_delete", &[2, 1]).unwrap(), Status::Ok);
        is(run.call("batch_set", &[1, 1, 64, 20]).unwrap(), Status::Ok);
        is(run.call("batch_commit", &[]).unwrap(), Status::Full);
        is(run.call("batch_rollback", &[]).unwrap(), Status::NoBatch);
        assert!(run.log().contains("batch_commit"));
        assert_eq!(list(&mut run, 0, b"", 64), [b"l".to_vec(), b"m".to_vec()]);
        // A smaller quota: it may shrink, and not grow.
        let mut run = begun(quota(Some(1), Some(1)), backend.clone());
        is(run.set(0, b"l", b"1"), Status::Full);
        is(run.set(0, b"l", b""), Status::Ok);
        is(run.call("delete", &[0, 0, 1]).unwrap(), Status::Ok);
        is(run.set(0, b"m", b"1"), Status::Full);
        assert_eq!(backend.usage("app").unwrap(), Usage { bytes: 1, keys: 1 });
    });
}

#[test]
fn gas_is_taken_before_the_work() {
    let mut priced = grants(&["app"]);
    priced.prices.storage = Price { call: 1_000, kib: 5_000 };
    for (name, args) in CALLS {
        for gas in [900, 3_000] {
            let moves = !matches!(name, "batch_begin" | "batch_rollback");
            if gas == 3_000 && !moves {
                continue;
            }
            let backend = Arc::new(Memory::default());
            backend.write("app", Quota::default(), None, &[(b"k", Some(&[1; 8]))]).unwrap();
            let mut run = begun(priced.clone(), backend.clone());
            if name.starts_with("batch") && name != "batch_begin" {
                run.call("batch_begin", &[0]).unwrap();
                run.call("batch_delete", &[0, 1]).unwrap();
            }
            let memory = run.memory().to_vec();
            run.set_gas(gas);
            assert_eq!(run.call(name, args).unwrap_err().as_trap(), Some(Trap::OutOfGas), "{name} {gas}");
            assert!(run.memory() == memory, "{name}");
            assert_eq!(backend.get("app", b"k").unwrap(), Some(vec![1; 8]), "{name}");
        }
    }
    // The value of `get` is paid for before the guest has it.
    let mut run = begun(priced, Arc::new(Memory::default()));
    run.set(0, b"k", b"value");
    run.set_gas(1_000 + 5_000 + 4_000);
    run.memory()[8_192..8_200].fill(0);
    assert_eq!(run.call("get", CALLS[1].1).unwrap_err().as_trap(), Some(Trap::OutOfGas));
    assert_eq!(&run.memory()[8_192..8_200], &[0; 8]);
}

#[test]
fn a_run_ends_when_its_time_is_up() {
    let limits = Limits { milliseconds: Some(0), ..Limits::default() };
    let mut run = begun(Grants { limits, ..grants(&["app"]) }, Arc::new(Memory::default()));
    let error = run.call("set", CALLS[2].1).unwrap_err().to_string();
    assert!(error.contains("time"), "{error}");
}

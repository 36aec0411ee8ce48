//! A process that is killed while it writes: what it has acknowledged is there, nothing is torn, and usage is exact.
//!
//! The ordinary run makes about 20 000 writes. For a million: `GRISTMILL_CRASH_WRITES=1000000 cargo test --release
//! -p gristmill-ext-storage --test crash`. It kills processes: what the kernel has is there for those who come after. That the disk was
//! told in time is for `power.rs`.

mod common;

use common::*;
use gristmill_ext_storage::{Backend, Redb};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const FILE: &str = "GRISTMILL_CRASH_FILE";
const FIRST: &str = "GRISTMILL_CRASH_FIRST";
const WRITES: &str = "GRISTMILL_CRASH_WRITES";

/// Sets in a batch.
const BATCH: u32 = 48;

/// Batch `i` gives `BATCH` keys a value that all of them share, adds one to a number, stores 8 words under a key of SSVM's and
/// deletes a key of the batch before. Then it says so.
const GUEST: &str = r#"(module
    (import "gristmill_storage" "batch_begin" (func $begin (param i32) (result i32)))
    (import "gristmill_storage" "batch_set" (func $set (param i32 i32 i32 i32) (result i32)))
    (import "gristmill_storage" "batch_delete" (func $delete (param i32 i32) (result i32)))
    (import "gristmill_storage" "batch_commit" (func $commit (result i32)))
    (import "gristmill_storage" "increment" (func $increment (param i32 i32 i32 i64 i32) (result i32)))
    (import "ssvm_native" "ssvm_storage_beginStoreTx" (func $begin_store (param i32)))
    (import "ssvm_native" "ssvm_storage_storeI32" (func $store (param i32)))
    (import "ssvm_native" "ssvm_storage_endStoreTx" (func $end_store))
    (memory (export "memory") 1)
    (data (i32.const 256) "count")
    (func $ok (param i32) (if (local.get 0) (then unreachable)))
    ;; The key of a set: its number in the batch, then whatever; the value is 200 bytes of the batch's number.
    (func (export "batch") (param $number i32) (local $i i32)
        (call $ok (call $begin (i32.const 0)))
        (loop $fill
            (i32.store (i32.add (i32.const 1024) (local.get $i)) (local.get $number))
            (local.set $i (i32.add (local.get $i) (i32.const 4)))
            (br_if $fill (i32.lt_u (local.get $i) (i32.const 200))))
        (local.set $i (i32.const 0))
        (loop $next
            (i32.store (i32.const 0) (local.get $i))
            (call $ok (call $set (i32.const 0) (i32.const 4) (i32.const 1024)
                (i32.add (i32.const 4) (i32.rem_u (i32.mul (local.get $number) (i32.const 4)) (i32.const 196)))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $i) (i32.const 48))))
        ;; One key for each batch, gone with the next.
        (i32.store (i32.const 8) (i32.sub (local.get $number) (i32.const 1)))
        (i32.store8 (i32.const 12) (i32.const 98))
        (call $ok (call $delete (i32.const 8) (i32.const 5)))
        (i32.store (i32.const 8) (local.get $number))
        (call $ok (call $set (i32.const 8) (i32.const 5) (i32.const 1024) (i32.const 4)))
        (call $ok (call $commit)))
    (func (export "add")
        (call $ok (call $increment (i32.const 0) (i32.const 256) (i32.const 5) (i64.const 1) (i32.const 264))))
    (func (export "store") (param $number i32) (local $i i32)
        (call $begin_store (i32.const 512))
        (loop $next
            (call $store (local.get $number))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $i) (i32.const 8))))
        (call $end_store)))"#;

/// What the child says it has done: `batch`, `add`, `store`, and the number.
#[test]
fn child() {
    let (Some(file), Ok(first)) = (std::env::var_os(FILE), std::env::var(FIRST)) else { return };
    let backend: Arc<dyn Backend> = Arc::new(Redb::open(file).unwrap());
    let mut run = Run::of(GUEST, quota(Some(1 << 20), Some(1_000)), backend);
    let mut out = std::io::stdout().lock();
    for number in first.parse::<i64>().unwrap().. {
        for (name, args) in [("batch", &[number][..]), ("add", &[]), ("store", &[number])] {
            run.call(name, args).unwrap();
            writeln!(out, "done {name} {number}").unwrap();
            out.flush().unwrap();
        }
    }
}

/// A small generator: when to kill.
fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

/// Lets a child write from batch `first` on and kills it after about so many acknowledged acts; what it has acknowledged last.
fn killed(file: &Path, first: i64, acts: u64, delay: Duration) -> HashMap<String, i64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .env(FILE, file)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut done = HashMap::new();
    let mut take = |line: std::io::Result<String>, seen: &mut u64| {
        let line = line.unwrap();
        // The harness may have begun the line.
        if let Some((_, rest)) = line.split_once("done ") {
            let (name, number) = rest.split_once(' ').unwrap();
            done.insert(name.to_owned(), number.parse().unwrap());
            *seen += 1;
        }
    };
    let mut seen = 0;
    while seen < acts {
        take(lines.next().expect("the child writes for ever"), &mut seen);
    }
    // Somewhere inside the next act.
    std::thread::sleep(delay);
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    lines.for_each(|line| take(line, &mut seen));
    done
}

/// Checks the file; the batch and the store that are there, and the number.
fn check(file: &Path) -> (i64, i64, i64) {
    let redb = Redb::open(file).unwrap();
    let usage = redb.usage("app").unwrap();
    assert_eq!(usage, redb.recount("app").unwrap());
    let get = |key: &[u8]| redb.get("app", key).unwrap();
    let word = |bytes: &[u8]| i64::from(i32::from_le_bytes(bytes[..4].try_into().unwrap()));
    let first = get(&0_u32.to_le_bytes()).expect("the first batch is there");
    let batch = word(&first);
    assert_eq!(first.len() as i64, 4 + batch * 4 % 196);
    for i in 0..BATCH {
        assert_eq!(get(&i.to_le_bytes()).as_ref(), Some(&first), "key {i} of batch {batch}");
    }
    assert!(first.chunks(4).all(|chunk| word(chunk) == batch));
    let mut keys = Vec::new();
    redb.keys("app", &[], &[], &mut |key| {
        keys.push(key.to_vec());
        true
    })
    .unwrap();
    let of_batches: Vec<_> = keys.iter().filter(|key| key.len() == 5 && key[4] == b'b').collect();
    assert_eq!((of_batches.len(), word(of_batches[0])), (1, batch));
    let store = get(&[0; 32]).map_or(0, |value| {
        assert!(value.len() == 32 && value.chunks(4).all(|chunk| chunk == &value[..4]));
        word(&value)
    });
    let count = get(b"count").map_or(0, |value| i64::from_le_bytes(value.try_into().unwrap()));
    (batch, count, store)
}

#[test]
fn what_is_acknowledged_survives() {
    if std::env::var_os(FILE).is_some() {
        return;
    }
    let writes: u64 = std::env::var(WRITES).ok().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("storage.redb");
    let (kills, each) = if writes > 100_000 { (50, writes / 50) } else { (8, writes / 8) };
    // A round of three acts is BATCH sets, one more, a delete, an increment and a store.
    let acts = each * 3 / u64::from(BATCH + 4);
    let mut seed = 0x9e37_79b9_7f4a_7c15;
    let (mut batch, mut adds, started) = (0, 0, Instant::now());
    for kill in 0..kills {
        let delay = Duration::from_micros(next(&mut seed) % 3_000);
        let done = killed(&file, batch + 1, acts + next(&mut seed) % 5, delay);
        let (has, count, store) = check(&file);
        let said = |name: &str| done.get(name).copied().unwrap_or(batch);
        // All that was acknowledged, and at most the one act that was on its way.
        assert!((said("batch")..=said("batch") + 1).contains(&has), "kill {kill}: {has}, {done:?}");
        assert!((said("store")..=said("store") + 1).contains(&store), "kill {kill}: {store}");
        let added = said("add") - batch;
        assert!((adds + added..=adds + added + 1).contains(&count), "kill {kill}: {count}, {adds} + {added}");
        assert!(has > batch);
        (batch, adds) = (has, count);
    }
    let total = batch as u64 * u64::from(BATCH + 4);
    println!("{total} writes, {kills} kills, {:?}", started.elapsed());
    assert!(total >= writes * 9 / 10, "{total}");
}

//! Many instances over one file.

mod common;

use common::*;
use gristmill_ext_storage::{Backend, Broken, Change, Expected, Quota, Redb, Status, Usage, Written};
use std::sync::Arc;
use std::thread;

#[test]
fn instances_share_a_file_and_lose_nothing() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 25;
    let directory = tempfile::tempdir().unwrap();
    let redb = Arc::new(Redb::open(directory.path().join("storage.redb")).unwrap());
    let backend: Arc<dyn Backend> = redb.clone();
    thread::scope(|scope| {
        for number in 0..THREADS {
            let backend = backend.clone();
            scope.spawn(move || {
                let mut run = Run::new(MODERN, grants(&["app"]), backend.clone());
                let mut old = Run::new(SSVM, grants(&["app"]), backend);
                for round in 0..ROUNDS {
                    // Open in both, while others write.
                    run.call("batch_begin", &[0]).unwrap();
                    old.memory()[..32].fill(number as u8);
                    old.call("beginStoreTx", &[0]).unwrap();
                    run.put(0, b"count");
                    assert_eq!(run.call("increment", &[0, 0, 5, 1, 4_096]).unwrap(), 0);
                    let key = format!("{number}-{round}");
                    let [key, len] = run.put(64, key.as_bytes());
                    assert_eq!(run.call("batch_set", &[key, len, key, len]).unwrap(), 0);
                    old.call("storeI32", &[round as i64]).unwrap();
                    assert_eq!(run.call("exists", &[0, key, len, 4_096]).unwrap(), 0);
                    assert_eq!(run.i32_at(4_096), 0);
                    assert_eq!(run.call("batch_commit", &[]).unwrap(), 0);
                    old.call("endStoreTx", &[]).unwrap();
                }
            });
        }
    });
    let count = backend.get("app", b"count").unwrap().unwrap();
    assert_eq!(i64::from_le_bytes(count.try_into().unwrap()), (THREADS * ROUNDS) as i64);
    let usage = backend.usage("app").unwrap();
    assert_eq!(usage.keys, (THREADS * ROUNDS + THREADS + 1) as u64);
    assert_eq!(usage, redb.recount("app").unwrap());
    assert_eq!(redb.spaces().unwrap(), ["app"]);
}

#[test]
fn a_file_of_something_else_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("other.redb");
    let other = redb::Database::create(&path).unwrap();
    let write = other.begin_write().unwrap();
    write.open_table(redb::TableDefinition::<&str, &str>::new("accounts")).unwrap();
    write.commit().unwrap();
    // While another has it, and after.
    assert!(Redb::open(&path).unwrap_err().to_string().contains("other.redb"));
    drop(other);
    assert!(Redb::open(&path).unwrap_err().to_string().contains("something else"));
    let path = directory.path().join("text");
    std::fs::write(&path, "no data base at all").unwrap();
    assert!(Redb::open(&path).is_err());
    // A layout that was, or will be.
    let path = directory.path().join("layout.redb");
    let other = redb::Database::create(&path).unwrap();
    let write = other.begin_write().unwrap();
    let meta = redb::TableDefinition::<&str, &str>::new("meta");
    write.open_table(meta).unwrap().insert("format", "gristmill-storage-1").unwrap();
    write.commit().unwrap();
    drop(other);
    assert!(Redb::open(&path).unwrap_err().to_string().contains("\"gristmill-storage-1\" and must be"));
    let path = directory.path().join("ours.redb");
    for _ in 0..2 {
        Redb::open(&path).unwrap();
    }
}

/// A disk that is broken.
struct Dead;

impl Backend for Dead {
    fn view(&self, _: &str, _: &[u8], _: &mut dyn FnMut(&[u8])) -> Result<bool, Broken> {
        Err(Broken("no disk".into()))
    }

    fn keys(&self, _: &str, _: &[u8], _: &[u8], _: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), Broken> {
        Err(Broken("no disk".into()))
    }

    fn usage(&self, _: &str) -> Result<Usage, Broken> {
        Err(Broken("no disk".into()))
    }

    fn write(&self, _: &str, _: Quota, _: Option<Expected<'_>>, _: &[Change<'_>]) -> Result<Written, Broken> {
        Err(Broken("no disk".into()))
    }
}

#[test]
fn a_broken_host_is_no_fault_of_the_guest() {
    let mut run = Run::new(MODERN, grants(&["app"]), Arc::new(Dead));
    assert_eq!(run.set(0, b"k", b"v"), Status::Broken as i64);
    assert_eq!(run.get(0, b"k"), Err(Status::Broken as i64));
    assert_eq!(run.call("list", &[0, 0, 0, 0, 0, 0, 8, 64]).unwrap(), Status::Broken as i64);
    assert!(run.store.data().failure().unwrap().to_string().contains("no disk"));
    let mut run = Run::new(SSVM, grants(&["app"]), Arc::new(Dead));
    run.call("beginStoreTx", &[0]).unwrap();
    assert!(matches!(run.call("endStoreTx", &[]), Err(gristmill::Error::Fault(_))));
    assert!(matches!(run.call("beginLoadTx", &[0]), Err(gristmill::Error::Fault(_))));
}

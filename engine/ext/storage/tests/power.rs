//! A disk whose power goes: of what was written since it was last told to keep, some is there and some is not.

mod common;

use common::*;
use gristmill_ext_storage::{Backend, Redb};
use redb::{Builder, Database, StorageBackend};
use std::io;
use std::sync::{Arc, Mutex};

/// A disk that notes, now and then, what would be left of it.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// What is seen.
    now: Vec<u8>,
    /// What is kept for sure.
    kept: Vec<u8>,
    /// What was done since.
    since: Vec<Act>,
    /// Acts that the guest had acknowledged.
    acknowledged: u64,
    left: Vec<Left>,
    seed: u64,
}

#[derive(Clone, Debug)]
enum Act {
    Write(usize, Vec<u8>),
    Length(usize),
}

/// What was left, and how much had been acknowledged.
#[derive(Debug)]
struct Left {
    image: Vec<u8>,
    acknowledged: u64,
}

fn random(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

fn apply(image: &mut Vec<u8>, act: &Act) {
    match act {
        Act::Write(at, bytes) => {
            let end = at + bytes.len();
            if image.len() < end {
                image.resize(end, 0);
            }
            image[*at..end].copy_from_slice(bytes);
        }
        Act::Length(len) => image.resize(*len, 0),
    }
}

impl State {
    /// The power goes here, one time in a few: every write since is there or not, or its first sectors are.
    fn maybe_cut(&mut self) {
        if self.acknowledged == 0 || !random(&mut self.seed).is_multiple_of(6) {
            return;
        }
        let mut image = self.kept.clone();
        for act in &self.since {
            match (act, random(&mut self.seed) % 4) {
                (Act::Write(at, bytes), 0) => {
                    let sectors = bytes.len().div_ceil(512) as u64;
                    let torn = (random(&mut self.seed) % (sectors + 1)) as usize * 512;
                    apply(&mut image, &Act::Write(*at, bytes[..torn.min(bytes.len())].to_vec()));
                }
                (Act::Write(..), 1) => {}
                // Lengths are kept: a file system has them in its journal.
                (act, _) => apply(&mut image, act),
            }
        }
        let acknowledged = self.acknowledged;
        self.left.push(Left { image, acknowledged });
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (state, at) = (self.0.lock().unwrap(), offset as usize);
        let bytes = state.now.get(at..at + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let (mut state, act) = (self.0.lock().unwrap(), Act::Length(len as usize));
        apply(&mut state.now, &act);
        state.since.push(act);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.maybe_cut();
        state.kept = state.now.clone();
        state.since.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let (mut state, act) = (self.0.lock().unwrap(), Act::Write(offset as usize, data.to_vec()));
        apply(&mut state.now, &act);
        state.since.push(act);
        state.maybe_cut();
        Ok(())
    }
}

fn open(disk: &Disk) -> Redb {
    let database: Database = Builder::new().create_with_backend(disk.clone()).unwrap();
    Redb::over(database).unwrap()
}

#[test]
fn what_is_acknowledged_is_kept_by_the_disk() {
    const ACTS: u64 = 150;
    let disk = Disk::default();
    disk.0.lock().unwrap().seed = 1;
    let mut run = Run::new(MODERN, quota(Some(1 << 20), Some(100)), Arc::new(open(&disk)));
    // Each act is a batch of keys with one value, which is the act's number, some of it long.
    for act in 1..=ACTS {
        run.call("batch_begin", &[0]).unwrap();
        let value = act.to_le_bytes().repeat(1 + (act as usize % 7) * 40);
        let [value, value_len] = run.put(8_192, &value);
        for key in 0..20 {
            let [at, len] = run.put(0, &[b'k', key]);
            // Every third act removes some.
            let status = match act % 3 == 0 && key % 2 == 1 {
                true => run.call("batch_delete", &[at, len]),
                false => run.call("batch_set", &[at, len, value, value_len]),
            };
            assert_eq!(status.unwrap(), 0);
        }
        assert_eq!(run.call("batch_commit", &[]).unwrap(), 0);
        let mut state = disk.0.lock().unwrap();
        state.acknowledged = act;
        // Between two acts, too.
        state.maybe_cut();
    }
    drop(run);
    let left = std::mem::take(&mut disk.0.lock().unwrap().left);
    assert!(left.len() > 100, "{}", left.len());
    let mut torn = 0;
    for Left { image, acknowledged } in &left {
        let disk = Disk::default();
        disk.0.lock().unwrap().now = image.clone();
        let redb = open(&disk);
        let first = redb.get("app", b"k\0").unwrap().expect("the first act was acknowledged");
        let act = u64::from_le_bytes(first[..8].try_into().unwrap());
        assert!((*acknowledged..=acknowledged + 1).contains(&act), "{act} of {acknowledged}");
        torn += u64::from(act == *acknowledged);
        for key in 0..20 {
            let value = redb.get("app", &[b'k', key]).unwrap();
            let expected = (act % 3 != 0 || key % 2 == 0).then_some(&first);
            assert!(value.as_ref() == expected, "key {key} of act {act}");
        }
        assert_eq!(redb.usage("app").unwrap(), redb.recount("app").unwrap());
    }
    // Cuts before and after the moment at which an act counts.
    println!("{} cuts, {torn} of them lose the act that was on its way", left.len());
    assert!(torn > 10 && torn < left.len() as u64);
}

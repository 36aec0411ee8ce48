//! Operations on paths, made of any bytes: on the host, by the kernel's own walk and by ours, and in memory. The same comes of
//! each everywhere, and nothing is done outside of the directory.

use gristmill_ext_wasi::fs::memory::MemoryFs;
use gristmill_ext_wasi::fs::{host, model};
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;

/// Bytes that are used: some four hundred operations.
const MOST: usize = 4_096;

/// What is in the file beside the directory.
const BESIDE: &[u8] = b"nobody reads this";

/// A directory that is granted, and a file beside it.
fn outside() -> TempDir {
    let outside = tempfile::tempdir().expect("directories can be made");
    fs::create_dir(outside.path().join("granted")).expect("it is empty");
    fs::write(outside.path().join("sentinel"), BESIDE).expect("it is ours");
    outside
}

/// Does the operations that `data` stands for on each back end.
///
/// # Panics
/// When two differ, or something was done outside.
pub fn run(data: &[u8]) {
    let outsides = [outside(), outside()];
    let granted = outsides.each_ref().map(|outside| outside.path().join("granted"));
    let memory = MemoryFs::new(1 << 24, Arc::new(|| 1_000));
    memory.add("sentinel", BESIDE).expect("it is empty");
    memory.root().create_directory("granted").expect("it is empty");
    let backs = [
        ("openat2", host::open(&granted[0]).expect("it is there")),
        ("walk", host::open_by_walk(&granted[1]).expect("it is there")),
        ("memory", memory.directory("granted").expect("it is there")),
    ];
    model::compare(&backs, &data[..data.len().min(MOST)], |_| {});
    for outside in &outsides {
        let names = fs::read_dir(outside.path()).expect("it is there").count();
        assert_eq!(names, 2, "something was made outside");
        assert_eq!(fs::read(outside.path().join("sentinel")).expect("it is there"), BESIDE);
    }
    assert_eq!(memory.root().entries().map(|entries| entries.len()), Ok(4));
    assert_eq!(memory.read("sentinel").as_deref(), Ok(BESIDE));
}

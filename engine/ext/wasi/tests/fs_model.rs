//! Random sequences of operations, on the host and in memory: the same comes of each, and the same is there in the end.

mod common;

use common::Back;
use gristmill_ext_wasi::fs::model::{Driven, operations};
use gristmill_ext_wasi::fs::{Directory, Open, Opened};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Sequences, and the bytes that each is made from.
const SEQUENCES: u64 = 120;
const BYTES: usize = 1_500;

/// The directory that was granted, and two in it that were opened beforehand.
fn begin(back: &Back) -> Driven {
    let root = back.open();
    let open = |name| -> Arc<dyn Directory> {
        root.create_directory(name).unwrap();
        match root.open(name, Open { directory: true, ..Open::default() }).unwrap() {
            Opened::Directory(directory) => directory,
            Opened::File(_) => unreachable!(),
        }
    };
    let roots = vec![root.clone(), open("a"), root.clone(), open("b")];
    Driven::new(roots)
}

#[test]
fn back_ends_agree() {
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    let mut count = 0;
    for seed in 0..SEQUENCES {
        let mut choices = [0; BYTES];
        ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut choices);
        let backs = Back::all();
        let mut driven = backs.each_ref().map(begin);
        for (at, operation) in operations(&choices).iter().enumerate() {
            let [beneath, walk, memory] = driven.each_mut().map(|driven| driven.apply(operation));
            assert_eq!(beneath, walk, "seed {seed}, operation {at}: {operation:?}, openat2 and walk");
            assert_eq!(beneath, memory, "seed {seed}, operation {at}: {operation:?}, host and memory");
            count += 1;
            *outcomes.entry(memory.map_or_else(|error| format!("{error:?}"), |_| "done".into())).or_default() += 1;
        }
        let [beneath, walk, memory] = driven.map(|driven| driven.tree());
        assert_eq!(beneath, walk, "seed {seed}");
        assert_eq!(beneath, memory, "seed {seed}");
        backs.iter().for_each(Back::assert_outside_untouched);
    }
    println!("{count} operations in {SEQUENCES} sequences: {outcomes:?}");
    // The sequences are of use only if they come across these.
    for outcome in ["done", "Perm", "Noent", "Exist", "Notdir", "Isdir", "Notempty", "Loop", "Inval"] {
        assert!(outcomes.get(outcome).is_some_and(|count| *count > 20), "{outcome}: {outcomes:?}");
    }
}

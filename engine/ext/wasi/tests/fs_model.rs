//! Random sequences of operations, on the host and in memory: the same comes of each, and the same is there in the end.

mod common;

use common::Back;
use gristmill_ext_wasi::fs::model::compare;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::collections::BTreeMap;

/// Sequences, and the bytes that each is made from.
const SEQUENCES: u64 = 120;
const BYTES: usize = 1_500;

#[test]
fn back_ends_agree() {
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..SEQUENCES {
        let mut choices = [0; BYTES];
        ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut choices);
        let backs = Back::all();
        let roots = backs.each_ref().map(|back| (back.name(), back.open()));
        compare(&roots, &choices, |outcome| {
            let outcome = outcome.as_ref().map_or_else(|error| format!("{error:?}"), |_| "done".into());
            *outcomes.entry(outcome).or_default() += 1;
        });
        backs.iter().for_each(Back::assert_outside_untouched);
    }
    println!("{} operations in {SEQUENCES} sequences: {outcomes:?}", outcomes.values().sum::<u64>());
    // The sequences are of use only if they come across these.
    for outcome in ["done", "Perm", "Noent", "Exist", "Notdir", "Isdir", "Notempty", "Loop", "Inval"] {
        assert!(outcomes.get(outcome).is_some_and(|count| *count > 20), "{outcome}: {outcomes:?}");
    }
}

//! The fuzz targets over their corpora and a minute of mutations with a fixed seed, side by side.

use gristmill_tests::deep;
use gristmill_tests::fuzz::{TARGETS, sweep};
use std::path::Path;
use std::time::Duration;

/// Minutes of CPU are what a fuzzer has; this only tells that nothing broke since.
const TIME: Duration = Duration::from_secs(20);

fn target(name: &'static str) {
    let &(_, body) = TARGETS.iter().find(|target| target.0 == name).unwrap();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let done = deep(move || sweep(body, &corpus, TIME)).unwrap_or_else(|e| panic!("{name}: {e}"));
    println!("{name}: {} seeds, {} executions", done.seeds, done.executions);
}

#[test]
fn load() {
    target("load");
}

#[test]
fn run() {
    target("run");
}

#[test]
fn tiers() {
    target("tiers");
}

#[test]
fn eei() {
    target("eei");
}

#[test]
fn evmc() {
    target("evmc");
}

#[test]
fn grantless() {
    target("grantless");
}

#[test]
fn wasi_paths() {
    target("wasi_paths");
}

//! Bodies of the fuzz targets. Each takes any bytes, and panics when an executor does something that it must not.
//!
//! libFuzzer runs them (`tests/fuzz/run`), and an ordinary test runs them over the corpora in tests/corpus with a minute
//! of mutations: [`sweep`].

pub mod eei;
pub mod evmc;
pub mod grantless;
pub mod load;
pub mod run;
mod sweep;
pub mod tiers;
pub mod wasi_paths;

pub use sweep::{Sweep, sweep};

/// A target: its name, which is that of its corpus, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("load", load::run),
    ("run", run::run),
    ("tiers", tiers::run),
    ("eei", eei::run),
    ("evmc", evmc::run),
    ("grantless", grantless::run),
    ("wasi_paths", wasi_paths::run),
];

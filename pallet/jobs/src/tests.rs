//! Tests by theme, on a chain in memory.

mod abuse;
mod jobs;
mod mock;
mod worker;

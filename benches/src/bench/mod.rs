//! The benches, one question each.

pub mod blocks;
pub mod compiled;
pub mod contract;
pub mod host_call;
pub mod icount;
pub mod instantiate;
pub mod load;
pub mod looped;
pub mod memory;
pub mod run;

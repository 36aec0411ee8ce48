//! Runs jobs on a node, behind the door of `pallet-gristmill-jobs`.
//!
//! A job is WebAssembly of the profile `general` under a named policy and within a budget. [`Policies`] says what policies a node
//! has, [`run`] runs a job here and now, and [`Isolated`] in a process of its own, which ends when its time is up: that is
//! what a node registers.
//!
//! Under the policy `pure` a job computes and does nothing else. It exports `memory` and `main`, and may import of `ethereum` what
//! sees no chain: `getCallDataSize`, `callDataCopy`, `finish`, `revert`, at the prices that contracts pay. What compilers
//! for Ewasm make runs as it is.

mod isolated;
mod policy;
mod pure;

pub use isolated::{Isolated, serve};
pub use policy::{Policies, Tier};
pub use pure::run;

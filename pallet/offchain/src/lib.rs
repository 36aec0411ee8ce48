//! Runs jobs on a node, behind the door of `pallet-gristmill-jobs`.
//!
//! A job is WebAssembly of the profile `general` under a named policy and within a budget. [`Policies`] says what policies a node
//! has and what jobs of each may do, [`run`] runs a job here and now, and [`Isolated`] in a process of its own, which ends when
//! its time is up: that is what a node registers.
//!
//! Under the policy `pure` a job computes and does nothing else. It exports `memory` and `main`, and may import of `ethereum` what
//! sees no chain: `getCallDataSize`, `callDataCopy`, `finish`, `revert`, at the prices that contracts pay. What compilers
//! for Ewasm make runs as it is.
//!
//! Under a policy with grants it may import the extensions, too, and do with them what is granted: WASI, models and pictures,
//! storage ([`Kept`]), commands. A program of WASI, which exports `_start`, is a job as it is: the input is its standard input, and what
//! it writes to standard output is the output, of a job that has completed when its exit code is 0, and was reverted otherwise.
//! Workers agree when their outputs do: clocks, chance and storage are each node's own, so whoever writes a policy grants those that
//! lead to equal outputs (a virtual clock, a seed), and whoever writes a job puts out what does not depend on the rest.

mod isolated;
mod job;
mod kept;
mod policy;

pub use isolated::{Isolated, serve};
pub use job::run;
pub use kept::{Kept, Nothing};
pub use policy::{BadManifest, Means, Policies, Tier};

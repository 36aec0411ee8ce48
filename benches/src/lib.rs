//! gristmill beside its peers: the kernels, the host they ask for, the engines, and a runner that interleaves them.
//!
//! Every bench answers one question and checks every result it times. A figure belongs to one run on one machine: only
//! ratios of contenders that took turns in the same process are worth comparing.

pub mod engines;
pub mod host;
pub mod kernels;
pub mod measure;
pub mod report;

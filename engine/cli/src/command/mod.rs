//! The commands, a file each: its arguments, and what it does with them.

pub mod account;
pub mod cache;
pub mod call;
pub mod check;
pub mod compile;
pub mod completions;
pub mod deploy;
pub mod disasm;
pub mod extensions;
pub mod gas;
pub mod keygen;
pub mod pack;
pub mod profile;
pub mod run;
pub mod scenario;
#[cfg(feature = "serve")]
pub mod serve;
pub mod statetest;
pub mod storage;
pub mod trace;
pub mod vm_info;
pub mod wast;

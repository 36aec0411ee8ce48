//! Engines behind one small face: load bytes, make an instance, call an export of type `(i32) -> i64` or `() -> ()`.
//!
//! Without std, so that the very same code is a contender natively and inside Wasm. [`worker`] puts a process around
//! engines that cannot be in the process of the others.

#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod host;
#[cfg(feature = "ours")]
mod ours;
#[cfg(feature = "std")]
pub mod worker;

#[cfg(feature = "wasmi")]
mod wasmi2 {
    use ::wasmi as api;
    const NAME: &str = if cfg!(feature = "wasmi-portable") { "wasmi portable" } else { "wasmi" };
    include!("wasmi.rs");
}
#[cfg(feature = "wasmi1")]
mod wasmi1 {
    use ::wasmi1 as api;
    const NAME: &str = "wasmi 1";
    include!("wasmi.rs");
}

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

#[cfg(feature = "wasmi1")]
pub use wasmi1::Wasmi as Wasmi1;
#[cfg(feature = "wasmi")]
pub use wasmi2::Wasmi;
#[cfg(feature = "ours")]
pub use {gristmill, ours::Ours};

/// An engine with its settings.
pub trait Peer {
    /// Column of the tables.
    fn name(&self) -> String;
    /// Validates and translates.
    fn load(&self, wasm: &[u8]) -> Box<dyn Loaded>;
    /// Compiles, writes machine code down, and reads that again. `None`: it has none.
    fn artifact(&self, _wasm: &[u8]) -> Option<Artifact<'_>> {
        None
    }
    /// Whether the engine can run this kernel at all. Where it cannot, its cell is a dash.
    fn runs(&self, _kernel: &str) -> bool {
        true
    }
}

/// Loads a module once more from what was written of it.
pub type Artifact<'a> = Box<dyn Fn() + 'a>;

/// A module that is ready to be instantiated.
pub trait Loaded {
    /// A new instance over a new [`host::KernelHost`].
    fn instantiate(&self) -> Box<dyn Live>;
}

/// An instance.
pub trait Live {
    /// Calls an export of type `(i32) -> i64`.
    fn run(&mut self, export: &str, n: i32) -> i64;
    /// Calls the export `main` of type `() -> ()`.
    fn main(&mut self);
    /// Runs `main` as a contract, to its `finish`; what it finished with. Once an instance.
    fn contract(&mut self) -> Vec<u8> {
        panic!("this engine has no host functions for contracts");
    }
}

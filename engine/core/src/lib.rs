//! gristmill: a deterministic, metered WebAssembly engine with the Ethereum Environment Interface.
//!
//! Two faces. [`Engine`], [`Module`], [`Store`], [`Linker`], [`Instance`] embed WebAssembly in the words of wasmtime and
//! wasmi; [`contract`] runs Ewasm contracts over a [`contract::Host`]. One engine serves both: what differs is the
//! [`Profile`]. Gas belongs to the Wasm operator, never to internal code: see [`gas`] and engine/docs/consensus.md.
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod error;
pub mod gas;
pub mod limits;
pub mod profile;

pub mod wasm;

mod interp;

pub mod tier;

pub mod embed;

pub mod contract;

pub use embed::*;
pub use error::{Error, Fault, Halt, LoadError, LoadErrorKind, Stop, Trap};
pub use gas::{Gas, Meter, Pages, Particles, Schedule};
pub use profile::{Exports, Profile, Proposal};

//! The naive executor: what the engine's answers are compared with.
//!
//! A stack machine over the operators as the parser reads them. It has no plan, no internal code and no `unsafe`, and it
//! charges each operator when it executes it. It shares with the engine what would be wrong in both anyway if it were
//! wrong at all: the operator rows (price, and meaning on numbers), the meter, the schedules and the contract interface.
//! Decoding, limits, blocks, frames, memories, tables, vectors, linking and the order of charges are written here a second
//! time, from engine/docs/consensus.md.
//!
//! A value is 128 bits here, whatever its type. Arguments and results are slots of 64 bits, two for a vector.
//!
//! How counting operator by operator gives what the engine charges block by block: both charge the same operators, and
//! every place where somebody can look (a call, a bulk operator, the end) ends a metered block. What is left is a trap in
//! the middle of a block: there the rest of the block is charged before the trap is reported, so that a block which could
//! not be paid ends out of gas here too.
#![forbid(unsafe_code)]

mod body;
mod exception;
mod exec;
mod memory;
mod module;
mod store;
mod types;
mod vector;

pub use memory::Memory;
pub use module::{Export, Import, Module};
pub use store::{Extern, Failure, Global, Host, InstanceId, NoHost, Store, Table};

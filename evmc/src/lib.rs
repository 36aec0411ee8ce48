//! gristmill behind EVMC, the C interface between Ethereum clients and their virtual machines.
//!
//! As a shared library (`libgristmill_evmc.so`) this crate is a plugin for hosts of ABI 7 to 12; [`plugin`] has its create
//! functions. As a Rust library it is the other side as well: [`host::Plugin`] loads any EVMC plugin and is a
//! [`Vm`](gristmill::contract::Vm).
//!
//! [`abi`] has the memory layouts, one row an ABI; nothing outside of it knows which ABI has what. All `unsafe` code is
//! about pointers that cross the C edge.

pub mod abi;
mod convert;
pub mod host;
pub mod options;
pub mod plugin;
mod results;

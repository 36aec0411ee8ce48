//! A local chain around the engine: precompiles by revision, a cache of loaded contracts, state that stays.
//!
//! [`Chain`] is what the command line uses: a file of state, one block a transaction. [`StandardPrecompiles`] and
//! [`CodeCache`] serve any other embedder of [`gristmill::contract`] as well.
//!
//! Accounts whose code is not WebAssembly get what the VM says, `REJECTED`: a VM of one's own ([`Chain::set_vm`]) may
//! hand them to an EVM.

mod cache;
mod chain;
mod json;
mod redb_store;
mod root;
mod settings;
mod store;

pub use cache::CodeCache;
pub use chain::{Block, Chain, ChainError};
pub use gristmill_precompiles::StandardPrecompiles;
pub use root::{logs_hash, state_root};
pub use settings::Settings;

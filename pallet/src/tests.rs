//! The pallet on a mock: each theme in a file. The same against a runtime's Wasm is in `pallet/runtime/tests`.

mod abuse;
mod assembled;
mod balances;
mod calls;
mod codes;
mod contracts;
mod deposits;
mod dry_runs;
mod limits;
pub(crate) mod mock;
mod ssvm;

//! The Ethereum side: messages, the interface that contracts import, state, transactions.
//!
//! A frame is [`execute()`]: bytes of code, a [`Message`] and a [`Host`] in, an [`Outcome`] out. EVMC edge, pallet and
//! tests implement [`Host`]; [`Journal`] is the one implementation with state of its own, over any [`Backing`], and
//! [`Ledger`] the backing in memory. [`transact()`] is a whole transaction over it.

mod address;
pub mod eei;
pub mod execute;
pub mod host;
pub mod journal;
pub mod ledger;
pub mod rules;
pub mod transact;
pub mod types;

pub use address::{EMPTY_CODE_HASH, create_address, create2_address, keccak256};
pub use execute::{
    Compat, Evm1, Ewasm, HostCall, KeccakAt9, ModuleCache, Observer, Options, Runner, execute, run_frame,
};
pub use host::{Host, Vm};
pub use journal::{AccountInfo, Backing, Change, Changes, Journal, NoPrecompiles, Precompiles, Refunds, Rules};
pub use ledger::{Code, Ledger, LedgerAccount};
pub use transact::{Environment, Receipt, Refusal, Transaction, intrinsic_gas, transact};
pub use types::*;

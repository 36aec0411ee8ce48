//! Key-value storage for programs off chain: SSVM's `ssvm_native` functions, WasmEdge's names for them, and `gristmill_storage`,
//! a module with what those lack ([`modern`] is its reference).
//!
//! What a program may do is in its grants: namespaces, each to read or to write, with a quota of bytes and keys. A [`Backend`]
//! keeps the data: [`Redb`] a file, [`Memory`] nothing beyond the process, and an embedder's own stands in their place.
//!
//! ```
//! use gristmill::{Config, Engine, Linker, Store};
//! use gristmill_ext_grants::{Granted, Grants};
//! use gristmill_ext_storage::{Memory, Storage, add_to_linker};
//! use std::sync::Arc;
//!
//! struct Data { storage: Storage }
//! let engine = Engine::new(&Config::new())?;
//! let mut linker = Linker::new(&engine);
//! add_to_linker(&mut linker, |data: &mut Data| &mut data.storage)?;
//! let granted = Granted::quiet(Grants { storage: vec!["app".parse()?], ..Grants::default() });
//! let store = Store::new(&engine, Data { storage: Storage::new(granted, Arc::new(Memory::default())) });
//! # drop(store);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod backend;
mod legacy;
mod memory;
pub mod modern;
mod redb;
mod table;

pub use backend::{Backend, Broken, Change, Expected, Quota, Usage, Written};
pub use memory::Memory;
pub use modern::Status;
pub use redb::Redb;
pub use table::{Failure, Storage};

use gristmill::{Error, HostApi, Linker};

/// Bytes that a key has at most. A page of the data base (4 KiB) holds some of them, so that looking one up stays cheap.
pub const KEY: usize = 1 << 10;

/// Bytes that a value has at most. The host copies values whole: this is what an instance makes it hold for one.
pub const VALUE: usize = 4 << 20;

/// Bytes that a batch has at most, [`CHANGE`] for each change included: the host holds them until the batch ends.
pub const BATCH: usize = 16 << 20;

/// What a change of a batch counts beside its key and value: about what the host needs to remember it.
pub const CHANGE: usize = 64;

/// Names all functions, in each of their generations. `part` finds the storage in a store's data.
///
/// # Errors
/// When one of the names is taken.
pub fn add_to_linker<T: 'static>(
    linker: &mut Linker<T>,
    part: impl Fn(&mut T) -> &mut Storage + Copy + Send + Sync + 'static,
) -> Result<(), Error> {
    linker.table(part)?;
    for row in Storage::rows().iter().filter(|row| row.module == "ssvm_native") {
        linker.alias(row.module, row.name, "wasmedge_native", &row.name.replacen("ssvm_", "wasmedge_", 1))?;
    }
    Ok(())
}

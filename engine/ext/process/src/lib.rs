//! Commands of the system for programs off chain: SSVM's `ssvm_process` functions, and WasmEdge's names for them.
//!
//! A program runs what its grants list ([`Command`](gristmill_ext_grants::Command)), or anything with
//! [`all_commands`](gristmill_ext_grants::Grants::all_commands). A command gets arguments, variables and standard input from the
//! guest and nothing from the host but its working directory and user: no variable, no descriptor. It is killed, with all
//! of its process group, when its time is up and when it ends; a descendant that leaves the group lives on, and what a
//! command may do is the system's to say, for its grants end where the command begins: unless its entry has
//! [`walls`](gristmill_ext_grants::Command::walls), within which it finds the system's programs, and what they list. A kernel that has
//! no such walls does not run it.
//!
//! To make descriptors of the host stay, `run` marks all of the process but the first three close-on-exec. An embedder that
//! leaves descriptors to children of its own marks them just before it makes one. The process ignores `SIGPIPE`, as programs in
//! Rust do; where it does not, a command that closes its input early would end it.
//!
//! ```
//! use gristmill::{Config, Engine, Linker, Store};
//! use gristmill_ext_grants::{Granted, Grants};
//! use gristmill_ext_process::{Process, add_to_linker};
//!
//! struct Data { process: Process }
//! let engine = Engine::new(&Config::new())?;
//! let mut linker = Linker::new(&engine);
//! add_to_linker(&mut linker, |data: &mut Data| &mut data.process)?;
//! let granted = Granted::quiet(Grants { commands: vec!["ls".parse()?], ..Grants::default() });
//! let store = Store::new(&engine, Data { process: Process::new(granted) });
//! # drop(store);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod allow;
mod run;
mod table;

pub use table::Process;

use gristmill::{Error, HostApi, Linker};

/// Bytes that program name, arguments and variables have at most, [`WORD`] for each included: what Linux takes by default.
pub const WORDS: usize = 2 << 20;

/// What an argument or a variable counts beside its bytes: about what the host needs to remember it.
pub const WORD: usize = 64;

/// Bytes of standard input at most: the host holds them until the command has run.
pub const STDIN: usize = 64 << 20;

/// Milliseconds that a command may run when nobody says.
pub const TIMEOUT: u32 = 10_000;

/// Exit code of a run that was denied, or whose program could not be started.
pub const NOT_RUN: i32 = -1;

/// Exit code of a command whose time was up: Linux's `ETIMEDOUT`.
pub const TIMED_OUT: i32 = 110;

/// Exit code when the host could not learn how the command ended: Linux's `EINVAL`.
pub const LOST: i32 = 22;

/// Names all functions, in both of their generations. `part` finds the process in a store's data.
///
/// # Errors
/// When one of the names is taken.
pub fn add_to_linker<T: 'static>(
    linker: &mut Linker<T>,
    part: impl Fn(&mut T) -> &mut Process + Copy + Send + Sync + 'static,
) -> Result<(), Error> {
    linker.table(part)?;
    for row in Process::rows() {
        linker.alias(row.module, row.name, "wasmedge_process", &row.name.replacen("ssvm_", "wasmedge_", 1))?;
    }
    Ok(())
}

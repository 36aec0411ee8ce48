//! WASI preview 1: all 46 functions, over files of the host or in memory, under grants. With it WasmEdge's sockets, which have the
//! same module, and `wasi_unstable`, the preview before.
//!
//! A [`Wasi`] is one program's: its descriptors, arguments, clocks. It is made of what was granted ([`Wasi::new`]) and named in a
//! linker as a part of the store's data ([`add_to_linker`]). Pointers that lead nowhere answer `fault`; what was not granted answers
//! `notcapable`, or `perm` for paths that lead out, and the operator is told what was missing.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use gristmill::{Engine, Linker, Module, Store};
//! use gristmill_ext_grants::{Granted, Grants};
//! use gristmill_ext_wasi::{Streams, Wasi, add_to_linker};
//!
//! let engine = Engine::default();
//! let mut linker = Linker::new(&engine);
//! add_to_linker(&mut linker, |wasi: &mut Wasi| wasi)?;
//! let wasi = Wasi::new(Granted::quiet(Grants::default()), "program", Streams::default())?;
//! let module = Module::new(&engine, b"\0asm\x01\0\0\0")?;
//! let mut store = Store::new(&engine, wasi);
//! linker.instantiate(&mut store, &module)?;
//! # Ok(())
//! # }
//! ```

mod abi;
mod clock;
pub mod errno;
mod fd;
pub mod fs;
mod path;
mod poll;
mod rights;
mod rows;
mod sock;
mod stdio;
mod system;
mod table;
mod unstable;

use clock::{Clock, Random};
use errno::Errno;
use gristmill::{Error, Gas, HostApi, Linker};
use gristmill_ext_grants::{Granted, Input, Output};
pub use sock::{Resolve, System};
use std::fmt;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
pub use stdio::Captured;
use stdio::Stream;
use table::{Descriptor, Table};

/// The name of the module that programs import.
pub const MODULE: &str = "wasi_snapshot_preview1";

/// The name that the module had before.
pub const UNSTABLE: &str = "wasi_unstable";

/// What the embedder gives beside grants: standard streams, where these leave it to him, and sockets.
#[derive(Default)]
pub struct Streams {
    /// What standard input is when it is `given`.
    pub stdin: Option<Box<dyn Read + Send>>,
    /// Sockets that are open when the program begins: the descriptors behind the directories. The host's side of them does not block.
    pub sockets: Vec<OwnedFd>,
    /// Who knows addresses of names; without, [`System`].
    pub resolver: Option<Box<dyn Resolve>>,
}

/// One program's side of WASI.
pub struct Wasi {
    granted: Arc<Granted>,
    table: Table,
    arguments: Vec<String>,
    environment: Vec<String>,
    clock: Clock,
    random: Random,
    stdout: Captured,
    stderr: Captured,
    resolver: Box<dyn Resolve>,
    resolved: sock::Resolved,
    /// Where bytes are on their way.
    buffer: Vec<u8>,
}

/// Why a program has no WASI.
#[derive(Debug)]
pub enum SetupError {
    /// A directory that was granted cannot be opened.
    Directory(PathBuf, Errno),
    /// There are more descriptors than a program may have.
    TooMany,
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetupError::Directory(path, errno) => {
                write!(f, "the directory {} cannot be opened: {errno:?}", path.display())
            }
            SetupError::TooMany => f.write_str("more directories and sockets than a program may have open"),
        }
    }
}

impl std::error::Error for SetupError {}

/// A stream of this process; one that is closed is as good as none.
fn inherited(stream: fs::Result<Box<dyn fs::File>>) -> Box<dyn fs::File> {
    stream.unwrap_or_else(|_| Box::new(Stream::Null))
}

/// Bytes that a directory in memory may have when no quota says less.
const MEMORY_DIRECTORY: u64 = 64 << 20;

impl Wasi {
    /// WASI for a program that calls itself `name`.
    ///
    /// # Errors
    /// A granted directory cannot be opened.
    pub fn new(granted: Arc<Granted>, name: &str, streams: Streams) -> Result<Self, SetupError> {
        let grants = &granted.grants;
        let kept = |output: Output| if output == Output::Capture { grants.limits.output() } else { 0 };
        let (stdout, stderr) = (Captured::new(kept(grants.stdio.stdout)), Captured::new(kept(grants.stdio.stderr)));
        let mut table = Table::default();
        let mut add = |descriptor| table.add(descriptor).map(drop).map_err(|_| SetupError::TooMany);
        add(Descriptor::stream(match (grants.stdio.stdin, streams.stdin) {
            (Input::Inherit, _) => inherited(fs::host::stdin()),
            (Input::Given, Some(reader)) => Box::new(Stream::Given(reader)),
            (Input::Given, None) | (Input::Null, _) => Box::new(Stream::Null),
        }))?;
        for (output, captured, host) in [
            (grants.stdio.stdout, &stdout, fs::host::stdout as fn() -> fs::Result<Box<dyn fs::File>>),
            (grants.stdio.stderr, &stderr, fs::host::stderr),
        ] {
            add(Descriptor::stream(match output {
                Output::Inherit => inherited(host()),
                Output::Capture => Box::new(Stream::Captured(captured.clone())),
                Output::Null => Box::new(Stream::Null),
            }))?;
        }
        let clock = Clock::new(grants.clock);
        for directory in &grants.directories {
            let opened = match &directory.host {
                Some(path) => fs::host::open(path).map_err(|errno| SetupError::Directory(path.clone(), errno))?,
                // Files in memory have no times: nobody's clock is seen through them.
                None => fs::memory::MemoryFs::new(directory.quota.unwrap_or(MEMORY_DIRECTORY), Arc::new(|| 0)).root(),
            };
            let quota = directory.host.as_ref().and(directory.quota);
            add(Descriptor::preopen(directory.guest.clone(), opened, directory.access, quota))?;
        }
        for socket in streams.sockets {
            let (socket, nonblock) = sock::Socket::given(socket);
            let rights = socket.rights();
            add(Descriptor::socket(socket, rights, nonblock))?;
        }
        let arguments = std::iter::once(name.to_string()).chain(grants.arguments.iter().cloned()).collect();
        let environment = grants.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let random = Random::new(grants.random);
        Ok(Self {
            table,
            arguments,
            environment,
            clock,
            random,
            stdout,
            stderr,
            resolver: streams.resolver.unwrap_or_else(|| Box::new(System)),
            resolved: sock::Resolved::default(),
            buffer: Vec::new(),
            granted,
        })
    }

    /// What was written to standard output, where it is captured.
    pub fn stdout(&self) -> &Captured {
        &self.stdout
    }

    /// What was written to standard error, where it is captured.
    pub fn stderr(&self) -> &Captured {
        &self.stderr
    }

    /// The grants.
    pub fn granted(&self) -> &Arc<Granted> {
        &self.granted
    }

    fn price(&self) -> Gas {
        self.granted.grants.prices.wasi.base()
    }

    fn socket_price(&self) -> Gas {
        self.granted.grants.prices.sockets.base()
    }

    /// Programs off chain are never called without leave to change things.
    fn is_static(&self) -> bool {
        false
    }
}

impl fmt::Debug for Wasi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wasi").field("arguments", &self.arguments).finish_non_exhaustive()
    }
}

/// Names all functions, in each of their generations; `part` finds the program's WASI in a store's data.
///
/// # Errors
/// A name is taken.
pub fn add_to_linker<T: 'static>(
    linker: &mut Linker<T>,
    part: impl Fn(&mut T) -> &mut Wasi + Copy + Send + Sync + 'static,
) -> Result<(), Error> {
    linker.table(part)?;
    for row in Wasi::rows().iter().filter(|row| row.name.starts_with("sock_")) {
        match row.name.strip_suffix("_v2") {
            Some(plain) => linker.alternative(MODULE, row.name, MODULE, plain)?,
            None if Wasi::rows().iter().any(|other| other.name.strip_suffix("_v2") == Some(row.name)) => continue,
            None => linker.alias(MODULE, row.name, MODULE, &format!("{}_v2", row.name))?,
        };
    }
    unstable::alias(linker)
}

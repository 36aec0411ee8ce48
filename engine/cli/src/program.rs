//! What a program is linked with: the extensions, as far as they are granted.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use gristmill::{ApiRow, Error, HostApi, Linker, Module};
use gristmill_ext_grants::{Granted, Grants};
use gristmill_ext_nn::{self as nn, Models, Nn};
use gristmill_ext_process::{self as process, Process};
use gristmill_ext_storage::{self as storage, Backend, Memory, Redb, Storage};
use gristmill_ext_wasi::{self as wasi, Streams, Wasi};

use crate::output::Failure;

/// A store's data: the program's side of each extension.
pub struct Program {
    /// WASI preview 1.
    pub wasi: Wasi,
    /// Key-value storage.
    pub storage: Storage,
    /// Commands of the system.
    pub process: Process,
    /// Models and pictures.
    pub nn: Nn,
}

impl Program {
    /// A program of that file, with sockets that are open already.
    ///
    /// # Errors
    /// A granted directory cannot be opened.
    pub fn new(grants: Grants, file: &Path, sockets: Vec<OwnedFd>, shared: &Shared) -> Result<Self, Failure> {
        let granted = Granted::new(grants, |refused| eprintln!("{refused}"));
        let streams = Streams { sockets, ..Streams::default() };
        Self::of(granted, &name(file), streams, shared)
    }

    /// A program of these parts.
    ///
    /// # Errors
    /// A granted directory cannot be opened.
    pub fn of(granted: Arc<Granted>, name: &str, streams: Streams, shared: &Shared) -> Result<Self, Failure> {
        let wasi = Wasi::new(granted.clone(), name, streams).map_err(|e| Failure::host(e.to_string()))?;
        Ok(Self {
            wasi,
            storage: Storage::new(granted.clone(), shared.storage.clone()),
            process: Process::new(granted.clone()),
            nn: Nn::new(granted, shared.models.clone()),
        })
    }
}

/// What programs share that run in one process.
pub struct Shared {
    /// What keeps the data of key-value storage.
    pub storage: Arc<dyn Backend>,
    /// Models that are loaded.
    pub models: Arc<Models>,
}

impl Shared {
    /// Storage is kept in `kept`; in memory without. Models run on tract, and beside it on the ONNX Runtime that is that library.
    ///
    /// # Errors
    /// The file or the library cannot be opened; this build loads none.
    pub fn open(kept: Option<&Path>, onnxruntime: Option<&Path>) -> Result<Self, Failure> {
        Ok(Self {
            storage: match kept {
                Some(path) => Arc::new(Redb::open(path).map_err(|e| Failure::host(e.to_string()))?),
                None => Arc::new(Memory::default()),
            },
            models: match onnxruntime {
                Some(library) => Arc::new(Models::new(vec![Arc::new(nn::Tract), with(library)?])),
                None => Arc::default(),
            },
        })
    }
}

#[cfg(feature = "onnxruntime")]
fn with(onnxruntime: &Path) -> Result<Arc<dyn nn::Backend>, Failure> {
    Ok(Arc::new(nn::OnnxRuntime::load(onnxruntime).map_err(|e| Failure::host(e.to_string()))?))
}

#[cfg(not(feature = "onnxruntime"))]
fn with(_: &Path) -> Result<Arc<dyn nn::Backend>, Failure> {
    Err(Failure::usage("this build cannot load ONNX Runtime: it is without the cargo feature `onnxruntime`"))
}

/// What a program of that file calls itself.
pub fn name(file: &Path) -> String {
    let name = file.with_extension("wasm");
    name.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Names everything that a program may import.
///
/// # Errors
/// None: no name is there twice.
pub fn link(linker: &mut Linker<Program>) -> Result<(), Error> {
    wasi::add_to_linker(linker, |program: &mut Program| &mut program.wasi)?;
    storage::add_to_linker(linker, |program: &mut Program| &mut program.storage)?;
    process::add_to_linker(linker, |program: &mut Program| &mut program.process)?;
    nn::add_to_linker(linker, |program: &mut Program| &mut program.nn)
}

/// How SSVM's names begin.
pub const EARLIER: &str = "ssvm_";
/// How WasmEdge's names for the same begin.
pub const LATER: &str = "wasmedge_";

/// An extension: what it is, what grants it, and its functions.
pub struct Extension {
    /// Its name.
    pub name: &'static str,
    /// Flags without which its functions refuse.
    pub grants: &'static str,
    /// Its functions, under the first of their names.
    pub rows: &'static [ApiRow],
    /// WasmEdge's modules with the functions of SSVM's, under names that begin with [`LATER`] in the place of [`EARLIER`].
    pub also: &'static [&'static str],
}

/// All extensions.
pub fn extensions() -> [Extension; 4] {
    [
        Extension {
            name: "wasi",
            grants: "--dir, --env, --stdin, --clock, --random, --allow-net, --tcplisten",
            rows: Wasi::rows(),
            also: &[],
        },
        Extension {
            name: "storage",
            grants: "--storage, --storage-file",
            rows: Storage::rows(),
            also: &["wasmedge_native"],
        },
        Extension {
            name: "process",
            grants: "--allow-command, --allow-command-all",
            rows: Process::rows(),
            also: &["wasmedge_process"],
        },
        Extension {
            name: "nn",
            grants: "--nn-model, --nn-own-models; images take none",
            rows: Nn::rows(),
            also: &["wasmedge_tensorflow", "wasmedge_tensorflowlite", "wasmedge_image"],
        },
    ]
}

/// How a module wants to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is a program with a beginning and an end: `_start`.
    Command,
    /// Its functions are called, behind `_initialize` if it has one.
    Reactor,
}

impl Mode {
    /// As the module's exports say.
    pub fn of(module: &Module) -> Self {
        let starts = module.exports().any(|export| export.name() == "_start");
        if starts { Mode::Command } else { Mode::Reactor }
    }
}

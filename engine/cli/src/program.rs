//! What a program is linked with: the extensions, as far as they are granted.

use std::path::Path;
use std::sync::Arc;

use gristmill::{Error, Linker, Module};
use gristmill_ext_grants::{Granted, Grants};
use gristmill_ext_wasi::{self as wasi, Streams, Wasi};

use crate::output::Failure;

/// A store's data: the program's side of each extension.
pub struct Program {
    /// WASI preview 1.
    pub wasi: Wasi,
}

impl Program {
    /// A program of that file.
    ///
    /// # Errors
    /// A granted directory cannot be opened.
    pub fn new(grants: Grants, file: &Path) -> Result<Self, Failure> {
        let granted = Granted::new(grants, |refused| eprintln!("{refused}"));
        Self::with(granted, file)
    }

    fn with(granted: Arc<Granted>, file: &Path) -> Result<Self, Failure> {
        let name = file.with_extension("wasm");
        let name = name.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let wasi = Wasi::new(granted, &name, Streams::default()).map_err(|e| Failure::host(e.to_string()))?;
        Ok(Self { wasi })
    }
}

/// Names everything that a program may import.
///
/// # Errors
/// None: no name is there twice.
pub fn link(linker: &mut Linker<Program>) -> Result<(), Error> {
    wasi::add_to_linker(linker, |program: &mut Program| &mut program.wasi)
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

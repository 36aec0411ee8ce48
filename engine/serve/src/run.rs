//! One run: a fresh store, an instance in it, its limits, its end.
//!
//! What requests share is the engine (its pages of memory are zeroed before another store gets them), the module (its code and its
//! template, which nothing changes) and the linker's host functions, which have no state. All else is made for the request and
//! dropped with it: store, instance, memories, globals, tables, descriptors, the extensions' side of the program.

use crate::call::{self, Returned};
use crate::end::End;
use crate::failed::Failed;
use axum::body::Bytes;
use gristmill::{Engine, Error, Gas, Halt, Instance, Linker, Module, Pages, Store};
use gristmill_ext_grants::{Granted, Grants, Refused};
use gristmill_ext_wasi::{Streams, Wasi};
use std::io::Cursor;
use std::sync::Arc;

/// What requests' programs are made of: which extensions they find, and what those are over.
pub trait Programs: Send + Sync + 'static {
    /// A store's data.
    type Program: Send + 'static;

    /// Names all that programs may import.
    ///
    /// # Errors
    /// A name is there twice.
    fn link(&self, linker: &mut Linker<Self::Program>) -> Result<(), Error>;

    /// A program for one request.
    ///
    /// # Errors
    /// What it is granted cannot be opened; the text is for the operator.
    fn program(&self, granted: Arc<Granted>, name: &str, streams: Streams) -> Result<Self::Program, String>;

    /// Its side of WASI.
    fn wasi<'p>(&self, program: &'p Self::Program) -> &'p Wasi;
}

/// What a request asks for.
#[derive(Debug)]
pub struct Task {
    /// What it may do and spend.
    pub grants: Grants,
    /// What the program is called.
    pub name: String,
    /// What it reads from standard input.
    pub input: Bytes,
    /// Where it begins.
    pub entry: Entry,
}

/// Where a run begins.
#[derive(Debug)]
pub enum Entry {
    /// At `_start`; what it writes to standard output is the answer.
    Start,
    /// At an exported function, which gets these inputs and returns the answer.
    Function(String, Vec<Bytes>),
}

/// What came of a run.
#[derive(Debug)]
pub struct Ran {
    /// The answer.
    pub outcome: Result<Returned, Failed>,
    /// Gas that was spent.
    pub gas: u64,
    /// What was written to standard error, if that is captured.
    pub errors: Vec<u8>,
}

/// Loads modules and runs them.
pub trait Runner: Send + Sync {
    /// A module, compiled as the engine is configured, that can be linked.
    ///
    /// # Errors
    /// [`Failed::Refused`].
    fn load(&self, bytes: &[u8]) -> Result<Module, Failed>;

    /// Runs it once, until it ends by itself, by its limits, or by `end`: then its time is up.
    fn run(&self, module: &Module, task: Task, end: &End) -> Ran;
}

/// The one [`Runner`], over the programs of an embedder.
pub struct Mill<P: Programs> {
    engine: Engine,
    linker: Linker<P::Program>,
    programs: P,
    refused: fn(&Refused),
}

impl<P: Programs> Mill<P> {
    /// Links all that programs may import; `refused` is told what is not granted.
    ///
    /// # Errors
    /// A name is there twice.
    pub fn new(engine: &Engine, programs: P, refused: fn(&Refused)) -> Result<Self, Error> {
        let mut linker = Linker::new(engine);
        programs.link(&mut linker)?;
        Ok(Self { engine: engine.clone(), linker, programs, refused })
    }

    fn entered(&self, store: &mut Store<P::Program>, module: &Module, entry: &Entry) -> Result<Returned, Failed> {
        let instance = self.linker.instantiate(&mut *store, module)?;
        let most = self.programs.wasi(store.data()).granted().grants.limits.output();
        match entry {
            Entry::Start => {
                match instance.get_typed_func::<(), ()>(&*store, "_start")?.call(&mut *store, ()) {
                    Ok(()) | Err(Error::Halt(Halt::Exit(0))) => {}
                    Err(error) => return Err(error.into()),
                }
                let stdout = self.programs.wasi(store.data()).stdout();
                if stdout.dropped() > 0 {
                    return Err(Failed::Answer(format!("the program wrote more than {most} bytes")));
                }
                Ok(Returned::Bytes(stdout.take()))
            }
            Entry::Function(name, inputs) => {
                initialize(store, instance)?;
                call::call(store, instance, name, inputs, most)
            }
        }
    }
}

/// Calls `_initialize`, if there is one.
fn initialize<T>(store: &mut Store<T>, instance: Instance) -> Result<(), Error> {
    match instance.get_func(&*store, "_initialize") {
        Some(func) => func.typed::<(), ()>(&*store)?.call(store, ()),
        None => Ok(()),
    }
}

/// Sets what the run may spend.
fn bound<T>(store: &mut Store<T>, granted: &Granted) {
    let limits = granted.grants.limits;
    store.set_deadline(granted.deadline);
    if let Some(gas) = limits.gas {
        store.set_gas(Gas(gas));
    }
    if let Some(pages) = limits.pages {
        let memory = store.limits().memory.min(Pages(pages));
        store.set_limits(gristmill::limits::RunLimits { memory, ..store.limits() });
    }
}

impl<P: Programs> Runner for Mill<P> {
    fn load(&self, bytes: &[u8]) -> Result<Module, Failed> {
        let module = Module::new(&self.engine, bytes)?;
        let nobody = Granted::quiet(Grants::default());
        let program = self.programs.program(nobody, "", Streams::default()).map_err(Failed::Host)?;
        let mut store = Store::new(&self.engine, program);
        // Names and types are compared before anything is paid for, and without gas nothing runs.
        store.set_gas(Gas(0));
        if let Err(Error::Link(what)) = self.linker.instantiate(&mut store, &module) {
            return Err(Failed::Refused(what));
        }
        Ok(module)
    }

    fn run(&self, module: &Module, task: Task, end: &End) -> Ran {
        let granted = Granted::cancellable(task.grants, end.cancel(), self.refused);
        let streams = Streams { stdin: Some(Box::new(Cursor::new(task.input))), ..Streams::default() };
        let program = match self.programs.program(granted.clone(), &task.name, streams) {
            Ok(program) => program,
            Err(what) => return Ran { outcome: Err(Failed::Host(what)), gas: 0, errors: Vec::new() },
        };
        let mut store = Store::new(&self.engine, program);
        bound(&mut store, &granted);
        let before = store.meter().left().0;
        let outcome = end.during(&mut store, |store| self.entered(store, module, &task.entry));
        let gas = before.saturating_sub(store.meter().left().0);
        Ran { outcome, gas, errors: self.programs.wasi(store.data()).stderr().take() }
    }
}

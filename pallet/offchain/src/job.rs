//! Jobs here and now.

use crate::{Means, Tier, kept};
use gristmill::contract::eei::prices;
use gristmill::{
    Config, Engine, Error, Fault, Gas, Guest, Halt, Linker, Module, Pages, Profile, Stop, Store, Trap, host_api,
};
use gristmill_aot::Aot;
use gristmill_ext_grants::{Granted, Grants, Input, Output, Stdio};
use gristmill_ext_nn::{self as nn, Models, Nn};
use gristmill_ext_process::{self as process, Process};
use gristmill_ext_storage::{self as storage, Backend, Storage};
use gristmill_ext_wasi::{self as wasi, Streams, Wasi};
use pallet_gristmill_jobs::door::{NotRun, Run};
use pallet_gristmill_jobs::{Budget, Failure, Outcome};
use std::io::Cursor;
use std::sync::Arc;

/// What a job reads, and what it leaves.
struct Job {
    input: Vec<u8>,
    /// Bytes of output that it may have.
    most: u32,
    output: Vec<u8>,
    too_long: bool,
}

host_api! {
    impl [] Job, in_static never {
        /// Bytes of input.
        "ethereum" getCallDataSize => size() -> i32, |_| prices::BASE, reads;
        /// Copies `length` bytes of input from `data` to `result`. Traps past the end.
        "ethereum" callDataCopy => copy(result: i32, data: i32, length: i32) -> none,
            |_| prices::VERY_LOW, + Ok(prices::copied(length)), reads;
        /// Ends the job with `length` bytes at `data`.
        "ethereum" finish => finish(data: i32, length: i32) -> none, |_| prices::FREE, reads;
        /// Ends the job with `length` bytes at `data` that say why it could not do what it was to do.
        "ethereum" revert => revert(data: i32, length: i32) -> none, |_| prices::FREE, reads;
    }
}

impl Job {
    /// No row writes the state of a chain.
    #[expect(dead_code)]
    fn never(&self) -> bool {
        false
    }

    fn size(&mut self, _: &mut Guest<'_>) -> Result<u32, Stop> {
        u32::try_from(self.input.len()).map_err(|_| Trap::ArgumentOutOfRange.into())
    }

    fn copy(&mut self, guest: &mut Guest<'_>, result: u32, data: u32, length: u32) -> Result<(), Stop> {
        let end = (data as usize).checked_add(length as usize);
        let part = end.and_then(|end| self.input.get(data as usize..end));
        guest.write(result, part.ok_or(Trap::InvalidMemoryAccess)?)
    }

    fn leave(&mut self, guest: &mut Guest<'_>, data: u32, length: u32, halt: Halt) -> Result<(), Stop> {
        let output = guest.slice(data, length)?;
        self.too_long = length > self.most;
        if !self.too_long {
            self.output = output.to_vec();
        }
        Err(halt.into())
    }

    fn finish(&mut self, guest: &mut Guest<'_>, data: u32, length: u32) -> Result<(), Stop> {
        self.leave(guest, data, length, Halt::Finish)
    }

    fn revert(&mut self, guest: &mut Guest<'_>, data: u32, length: u32) -> Result<(), Stop> {
        self.leave(guest, data, length, Halt::Revert)
    }
}

/// An engine in which all memories together have no more than the budget's pages.
fn engine(budget: &Budget, tier: Tier) -> Result<Engine, Error> {
    let pages = Pages(budget.pages.min(Profile::general().run.memory.0));
    let mut profile = Profile::general();
    profile.run.memory = pages;
    let mut config = Config::new();
    config.profile(profile).live_memory(pages);
    match tier {
        Tier::Interpreter => Engine::new(&config),
        Tier::Compiled => Engine::with_compiler(&config, Arc::new(Aot::new(gristmill_aot::Options::default())?)),
    }
}

/// What a job sees beyond computation: the extensions.
struct Extended {
    job: Job,
    wasi: Wasi,
    nn: Nn,
    storage: Storage,
    process: Process,
}

impl Extended {
    fn new(job: Job, run: &Run, grants: Grants, backend: Arc<dyn Backend>) -> Result<Self, NotRun> {
        let mut grants = kept::bounded(grants);
        grants.stdio = Stdio { stdin: Input::Given, stdout: Output::Capture, stderr: Output::Null };
        // One byte more than there may be tells what is too long.
        grants.limits.output = Some(u64::from(run.budget.output) + 1);
        let time = u64::from(run.budget.milliseconds);
        grants.limits.milliseconds = Some(grants.limits.milliseconds.map_or(time, |limit| limit.min(time)));
        grants.limits.pages = Some(run.budget.pages);
        let granted = Granted::new(grants, |refused| eprintln!("{refused}"));
        let streams = Streams { stdin: Some(Box::new(Cursor::new(job.input.clone()))), ..Streams::default() };
        Ok(Self {
            job,
            wasi: Wasi::new(granted.clone(), "job", streams).map_err(|_| NotRun::Broken)?,
            nn: Nn::new(granted.clone(), Arc::new(Models::default())),
            storage: Storage::new(granted.clone(), backend),
            process: Process::new(granted),
        })
    }

    fn link(linker: &mut Linker<Self>) -> Result<(), Error> {
        linker.table(|it: &mut Self| &mut it.job)?;
        wasi::add_to_linker(linker, |it: &mut Self| &mut it.wasi)?;
        nn::add_to_linker(linker, |it: &mut Self| &mut it.nn)?;
        storage::add_to_linker(linker, |it: &mut Self| &mut it.storage)?;
        process::add_to_linker(linker, |it: &mut Self| &mut it.process)
    }
}

/// Runs a job within its budget of gas, memory and output, over `storage`. A time that host functions wait for is bounded; for all
/// else it is whoever can end this process: [`Isolated`].
///
/// [`Isolated`]: crate::Isolated
///
/// # Errors
/// [`NotRun::TookTooLong`], and [`NotRun::Broken`]: this machine has no such tier or directory, or our side is broken.
pub fn run(run: &Run, means: Means, storage: Arc<dyn Backend>) -> Result<Outcome, NotRun> {
    let engine = engine(&run.budget, means.tier).map_err(|_| NotRun::Broken)?;
    let module = match Module::new(&engine, &run.code) {
        Ok(module) => module,
        Err(error) => return outcome(Err(error), Vec::new(), false),
    };
    let job = Job { input: run.input.clone(), most: run.budget.output, output: Vec::new(), too_long: false };
    let Some(grants) = means.grants else {
        let mut store = Store::new(&engine, job);
        let end = execute(run, &module, &mut store, |linker| linker.api().map(drop), "main");
        let Job { output, too_long, .. } = store.into_data();
        return outcome(end, output, too_long);
    };
    let is_program = module.exports().any(|export| export.name() == "_start");
    let entry = if is_program { "_start" } else { "main" };
    let mut store = Store::new(&engine, Extended::new(job, run, grants, storage)?);
    let end = execute(run, &module, &mut store, Extended::link, entry);
    let Extended { job, wasi, .. } = store.into_data();
    let output = if is_program { wasi.stdout().take() } else { job.output };
    let too_long = job.too_long || output.len() > run.budget.output as usize;
    outcome(end, output, too_long)
}

fn execute<T>(
    run: &Run,
    module: &Module,
    store: &mut Store<T>,
    link: impl FnOnce(&mut Linker<T>) -> Result<(), Error>,
    entry: &str,
) -> Result<(), Error> {
    store.set_gas(Gas(run.budget.gas));
    let mut linker = Linker::new(store.engine());
    link(&mut linker)?;
    let instance = linker.instantiate(&mut *store, module)?;
    // A module without it is a module that cannot be linked.
    let entry = instance.get_typed_func::<(), ()>(&*store, entry).map_err(|e| Error::Link(e.to_string()))?;
    entry.call(store, ())
}

fn outcome(end: Result<(), Error>, output: Vec<u8>, too_long: bool) -> Result<Outcome, NotRun> {
    let failed = |failure| Ok(Outcome::Failed(failure));
    match end {
        Err(Error::Halt(Halt::TimedOut)) => Err(NotRun::TookTooLong),
        _ if too_long => failed(Failure::OutputTooLong),
        Ok(()) | Err(Error::Halt(Halt::Finish | Halt::Exit(0))) => Ok(Outcome::Completed(output)),
        Err(Error::Halt(Halt::Revert | Halt::Exit(_))) => Ok(Outcome::Reverted(output)),
        Err(Error::Load(_) | Error::Link(_)) => failed(Failure::Rejected),
        Err(Error::Trap(Trap::OutOfGas)) => failed(Failure::OutOfGas),
        Err(Error::Trap(_) | Error::ThrownException) => failed(Failure::Trapped),
        Err(Error::Fault(Fault::OutOfMemory)) => failed(Failure::OutOfMemory),
        Err(_) => Err(NotRun::Broken),
    }
}

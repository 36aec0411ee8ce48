//! Jobs that compute and do nothing else.

use crate::Tier;
use gristmill::contract::eei::prices;
use gristmill::{
    Config, Engine, Error, Fault, Gas, Guest, Halt, Linker, Module, Pages, Profile, Stop, Store, Trap, host_api,
};
use gristmill_aot::Aot;
use pallet_gristmill_jobs::door::{NotRun, Run};
use pallet_gristmill_jobs::{Budget, Failure, Outcome};
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

/// Runs a job within its budget of gas, memory and output. Wall time is for whoever can end this process: [`Isolated`].
///
/// [`Isolated`]: crate::Isolated
///
/// # Errors
/// [`NotRun::Broken`]: this machine has no such tier, or our side is broken.
pub fn run(run: &Run, tier: Tier) -> Result<Outcome, NotRun> {
    let engine = engine(&run.budget, tier).map_err(|_| NotRun::Broken)?;
    let job = Job { input: run.input.clone(), most: run.budget.output, output: Vec::new(), too_long: false };
    let mut store = Store::new(&engine, job);
    store.set_gas(Gas(run.budget.gas));
    let end = Module::new(&engine, &run.code).and_then(|module| {
        let mut linker = Linker::new(&engine);
        linker.api()?;
        let instance = linker.instantiate(&mut store, &module)?;
        // A module without it is a module that cannot be linked.
        let main = instance.get_typed_func::<(), ()>(&store, "main").map_err(|e| Error::Link(e.to_string()))?;
        main.call(&mut store, ())
    });
    let Job { output, too_long, .. } = store.into_data();
    let failed = |failure| Ok(Outcome::Failed(failure));
    match end {
        _ if too_long => failed(Failure::OutputTooLong),
        Ok(()) | Err(Error::Halt(Halt::Finish)) => Ok(Outcome::Completed(output)),
        Err(Error::Halt(Halt::Revert)) => Ok(Outcome::Reverted(output)),
        Err(Error::Load(_) | Error::Link(_)) => failed(Failure::Rejected),
        Err(Error::Trap(Trap::OutOfGas)) => failed(Failure::OutOfGas),
        Err(Error::Trap(_) | Error::ThrownException) => failed(Failure::Trapped),
        Err(Error::Fault(Fault::OutOfMemory)) => failed(Failure::OutOfMemory),
        Err(_) => Err(NotRun::Broken),
    }
}

//! One frame: bytes of code and a message in, an [`Outcome`] out.
//!
//! [`run_frame`] is everything but running Wasm, which a [`Runner`] does: the interpreter here, compiled code and the
//! naive executor of the tests elsewhere. [`Ewasm`] is the engine's own [`Vm`].

use super::eei::Eei;
use super::host::{Host, Vm};
use super::rules;
use super::types::{Message, Outcome, Revision, StatusCode};
use crate::embed::{ApiRow, Engine, Guest, HostApi, Module};
use crate::error::{Error, Fault, Halt, Stop, Trap};
use crate::gas::{Gas, Meter, Schedule};
use crate::limits::MESSAGE_DEPTH;
use crate::profile::Exports;
use crate::wasm::load::check_preamble;
use alloc::sync::Arc;
use core::fmt;

/// What a frame may do and what it costs: one value for all frames of a [`Vm`]. Part of consensus, but for `debug` and
/// `observer`.
#[derive(Clone, Default)]
pub struct Options {
    /// The price list. An engine's [`Vm`] takes the engine's.
    pub schedule: Schedule,
    /// Whether static calls to address 9 are answered with keccak256.
    pub keccak_at_9: KeccakAt9,
    /// Whose habits are followed where they differ.
    pub compat: Compat,
    /// Lets modules import `debug` and takes its lines. Never on a live chain.
    pub debug: Option<Print>,
    /// Lets modules import the functions that no other VM has.
    pub beyond: bool,
    /// Which exports a contract may have.
    pub exports: Exports,
    /// What code that is not Wasm gets.
    pub evm1: Evm1,
    /// Sees every host call. Frames pay nothing for it when it is not there.
    pub observer: Option<Arc<dyn Observer>>,
}

/// Takes one line of the `debug` module.
pub type Print = Arc<dyn Fn(&str) + Send + Sync>;

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("schedule", &self.schedule)
            .field("keccak_at_9", &self.keccak_at_9)
            .field("compat", &self.compat)
            .field("debug", &self.debug.is_some())
            .field("beyond", &self.beyond)
            .field("exports", &self.exports)
            .field("evm1", &self.evm1)
            .field("observer", &self.observer.is_some())
            .finish()
    }
}

/// Whether static calls to address 9 are answered with keccak256, the system contract of the Ewasm design. Ethereum has
/// had BLAKE2F there since Istanbul.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KeccakAt9 {
    /// In schedule `ewasm`, and before Istanbul.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

impl KeccakAt9 {
    /// The choice for frames of `schedule` at `revision`.
    pub fn is_on(self, schedule: Schedule, revision: Revision) -> bool {
        match self {
            KeccakAt9::Auto => schedule == Schedule::Ewasm || revision < Revision::Istanbul,
            KeccakAt9::On => true,
            KeccakAt9::Off => false,
        }
    }
}

/// Whose habits are followed where they differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compat {
    /// The design's.
    #[default]
    Standard,
    /// SSVM's: the salt of `create2` is reversed, and `returnDataSize` is there, which SOLL imports.
    Ssvm,
}

/// What code that is not Wasm gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Evm1 {
    /// `REJECTED`: let another VM try.
    #[default]
    Fallback,
    /// `FAILURE`, as hera by default.
    Reject,
}

/// Sees host calls.
pub trait Observer: Send + Sync {
    /// A host function is about to be called: row `index` of the interface's, with its argument slots and the frame's gas left.
    ///
    /// # Errors
    /// What ends the frame in place of the call: for who counts more than gas.
    fn before(&self, index: usize, args: &[u64], gas: Gas) -> Result<(), Trap> {
        let _ = (index, args, gas);
        Ok(())
    }

    /// A host function of a frame has returned; those of nested frames come before the call that made them.
    fn host_call(&self, call: &HostCall<'_>) {
        let _ = call;
    }
}

/// One host call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostCall<'a> {
    /// Row of the interface.
    pub index: usize,
    /// Depth of the frame's message.
    pub depth: u32,
    /// The guest's name of the module.
    pub module: &'static str,
    /// The guest's name of the function.
    pub name: &'static str,
    /// Argument slots; 32-bit ones are zero-extended.
    pub args: &'a [u64],
    /// Gas left when the guest called: all metered blocks entered so far are paid.
    pub gas_before: Gas,
    /// Gas left after it.
    pub gas_after: Gas,
    /// The result slot, or why the guest does not go on.
    pub result: Result<u64, Stop>,
}

/// Loads and runs modules for [`run_frame`].
pub trait Runner {
    /// A loaded contract.
    type Code;

    /// Loads `code`: preamble, limits, validation, contract rules, metering plan.
    ///
    /// # Errors
    /// [`Error::Load`] for refused bytes; anything else is a broken machine.
    fn load(&self, code: &[u8]) -> Result<Self::Code, Error>;

    /// Whether all active segments lie inside the initial memory and table; [`rules::segments_fit`] knows.
    fn segments_fit(&self, code: &Self::Code) -> bool;

    /// Charges the initial memory, instantiates with imports out of `api`'s rows, and calls `main`.
    ///
    /// # Errors
    /// Whatever ends the run before `main` returns.
    fn run<T: HostApi>(&self, code: &Self::Code, api: &mut T, meter: &mut Meter) -> Result<(), Stop>;
}

/// Runs one frame: validation, `main`, and of a creation the check of the code it leaves.
///
/// The order is contract.md 2: no code succeeds at once; code without the magic is [`Options::evm1`]'s; a wrong version,
/// refused bytes or broken contract rules are CONTRACT_VALIDATION_FAILURE. A creation pays for the validation of its init
/// code before it happens, and for that of the code it leaves, which is validated when it has the magic. Gas left is 0 in
/// every failure.
pub fn run_frame<R: Runner>(
    runner: &R,
    options: &Options,
    host: &mut dyn Host,
    revision: Revision,
    message: &Message<'_>,
    code: &[u8],
) -> Outcome {
    if message.depth > MESSAGE_DEPTH {
        return Outcome::failure(StatusCode::CallDepthExceeded);
    }
    let Ok(gas) = u64::try_from(message.gas) else {
        return Outcome::failure(StatusCode::ArgumentOutOfRange);
    };
    if code.is_empty() {
        return Outcome { gas_left: message.gas, ..Outcome::failure(StatusCode::Success) };
    }
    if !rules::is_wasm(code) {
        return Outcome::failure(match options.evm1 {
            Evm1::Fallback => StatusCode::Rejected,
            Evm1::Reject => StatusCode::Failure,
        });
    }
    let mut meter = Meter::new(Gas(gas));
    let mut eei = Eei::new(host, options, revision, message, code);
    let end = run_code(runner, options, &mut eei, &mut meter, message, code);
    let (output, refund) = eei.into_results();
    let end = end.and_then(|end| {
        if end == StatusCode::Success && message.kind.is_create() && rules::is_wasm(&output) {
            load(runner, options, &mut meter, true, &output)?;
        }
        Ok(end)
    });
    match end {
        Ok(status) => Outcome {
            status,
            gas_left: i64::try_from(meter.left().0).unwrap_or(i64::MAX),
            gas_refund: if status == StatusCode::Success { refund } else { 0 },
            output,
            create_address: None,
        },
        Err(status) => Outcome::failure(status),
    }
}

/// Loads and runs the frame's code. A good end is success or revert.
fn run_code<R: Runner>(
    runner: &R,
    options: &Options,
    eei: &mut Eei<'_>,
    meter: &mut Meter,
    message: &Message<'_>,
    code: &[u8],
) -> Result<StatusCode, StatusCode> {
    let loaded = load(runner, options, meter, message.kind.is_create(), code)?;
    let end = match &options.observer {
        None => runner.run(&loaded, eei, meter),
        Some(observer) => runner.run(&loaded, &mut Observed { eei, observer: &**observer }, meter),
    };
    match end {
        Ok(()) | Err(Stop::Halt(Halt::Finish | Halt::SelfDestruct)) => Ok(StatusCode::Success),
        Err(Stop::Halt(Halt::Revert)) => Ok(StatusCode::Revert),
        Err(Stop::Trap(trap)) => Err(trap_status(trap)),
        Err(Stop::Fault(fault)) => Err(fault_status(fault)),
        // Where a profile for contracts has exceptions: as any trap.
        Err(Stop::Exception) => Err(StatusCode::WasmTrap),
        // No function of the interface ends a run this way.
        Err(Stop::Halt(Halt::Exit(_) | Halt::TimedOut) | Stop::Custom) => Err(StatusCode::InternalError),
    }
}

/// Loads bytes that have the magic. Creations pay first, by the byte, and hold segments to their bounds.
fn load<R: Runner>(
    runner: &R,
    options: &Options,
    meter: &mut Meter,
    creation: bool,
    code: &[u8],
) -> Result<R::Code, StatusCode> {
    check_preamble(code).map_err(|_| StatusCode::ContractValidationFailure)?;
    if creation {
        meter.charge_gas(options.schedule.validation_cost(code.len())).map_err(trap_status)?;
    }
    let loaded = runner.load(code).map_err(|error| match error {
        Error::Load(_) => StatusCode::ContractValidationFailure,
        Error::Fault(fault) => fault_status(fault),
        _ => StatusCode::InternalError,
    })?;
    if creation && !runner.segments_fit(&loaded) {
        return Err(StatusCode::ContractValidationFailure);
    }
    Ok(loaded)
}

/// The status of a trap (contract.md 2).
pub fn trap_status(trap: Trap) -> StatusCode {
    match trap {
        Trap::OutOfGas => StatusCode::OutOfGas,
        Trap::Unreachable => StatusCode::WasmUnreachableInstruction,
        Trap::InvalidMemoryAccess => StatusCode::InvalidMemoryAccess,
        Trap::StaticViolation => StatusCode::StaticModeViolation,
        Trap::ArgumentOutOfRange => StatusCode::ArgumentOutOfRange,
        Trap::MemoryOutOfBounds
        | Trap::TableOutOfBounds
        | Trap::UndefinedElement
        | Trap::UninitializedElement
        | Trap::IndirectCallTypeMismatch
        | Trap::DivideByZero
        | Trap::IntegerOverflow
        | Trap::InvalidConversionToInteger
        | Trap::NullReference
        | Trap::ExceptionBytes
        | Trap::CallDepth
        | Trap::StackSlots => StatusCode::WasmTrap,
    }
}

/// The status of a broken machine.
pub fn fault_status(fault: Fault) -> StatusCode {
    match fault {
        Fault::OutOfMemory => StatusCode::OutOfMemory,
        Fault::Host(_) | Fault::Spent | Fault::Internal(_) => StatusCode::InternalError,
    }
}

/// The interface with somebody watching.
struct Observed<'e, 'a> {
    eei: &'e mut Eei<'a>,
    observer: &'e dyn Observer,
}

impl HostApi for Observed<'_, '_> {
    fn rows() -> &'static [ApiRow] {
        Eei::rows()
    }

    fn call(&mut self, index: usize, guest: &mut Guest<'_>, args: &[u64]) -> Result<u64, Stop> {
        let gas_before = guest.meter.left();
        self.observer.before(index, args, gas_before)?;
        let result = self.eei.call(index, guest, args);
        if let Some(row) = Self::rows().get(index) {
            self.observer.host_call(&HostCall {
                index,
                depth: self.eei.depth(),
                module: row.module,
                name: row.name,
                args,
                gas_before,
                gas_after: guest.meter.left(),
                result,
            });
        }
        result
    }
}

/// Keeps loaded modules, so that nested calls and later transactions do not load again. One cache belongs to one
/// [`Ewasm`]: what was loaded was checked under its options.
pub trait ModuleCache: Send + Sync {
    /// The module of these very bytes, from the cache or from `load`, which it may call at most once. Refusals need not
    /// be kept.
    ///
    /// # Errors
    /// What `load` returns.
    fn get_or_load(&self, code: &[u8], load: &mut dyn FnMut() -> Result<Module, Error>) -> Result<Module, Error>;

    /// The same for code that others have too, and that nobody therefore changes.
    ///
    /// # Errors
    /// What `load` returns.
    fn get_or_load_shared(
        &self,
        code: &Arc<[u8]>,
        load: &mut dyn FnMut() -> Result<Module, Error>,
    ) -> Result<Module, Error> {
        self.get_or_load(code, load)
    }
}

/// The engine as a [`Vm`]: Ewasm contracts under an engine's profile and schedule.
#[derive(Clone)]
pub struct Ewasm {
    engine: Engine,
    options: Options,
    cache: Option<Arc<dyn ModuleCache>>,
}

impl Ewasm {
    /// Runs contracts on `engine`, whose schedule replaces that of `options`. For consensus the engine has the profile
    /// `chain1`.
    pub fn new(engine: &Engine, options: Options) -> Self {
        let options = Options { schedule: engine.schedule(), ..options };
        Self { engine: engine.clone(), options, cache: None }
    }

    /// The same with a cache, which no other [`Ewasm`] may share.
    pub fn with_cache(self, cache: Arc<dyn ModuleCache>) -> Self {
        Self { cache: Some(cache), ..self }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The options.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Loads a contract as a frame would: valid under the profile and the rules of contracts.
    ///
    /// # Errors
    /// [`Error::Load`] with the reason and its offset.
    pub fn load(&self, code: &[u8]) -> Result<Module, Error> {
        match &self.cache {
            None => self.load_anew(code),
            Some(cache) => cache.get_or_load(code, &mut || self.load_anew(code)),
        }
    }

    /// Loads a contract that was loaded before; nothing of it is validated again, and functions are translated at their first
    /// call.
    ///
    /// # Errors
    /// [`Fault::OutOfMemory`].
    ///
    /// # Safety
    /// These very bytes were loaded by this version of the engine under the same profile and options.
    #[allow(unsafe_code)]
    pub unsafe fn load_valid(&self, code: &[u8]) -> Result<Module, Error> {
        // SAFETY: the caller's promise.
        unsafe { Module::load_valid_for(&self.engine, code, Eei::rows()) }
    }

    fn load_shared(&self, code: &Arc<[u8]>) -> Result<Module, Error> {
        match &self.cache {
            None => self.load_anew(code),
            Some(cache) => cache.get_or_load_shared(code, &mut || self.load_anew(code)),
        }
    }

    fn load_anew(&self, code: &[u8]) -> Result<Module, Error> {
        let module = Module::load_for(&self.engine, code, Eei::rows())?;
        rules::check(module.parsed(), &self.options)?;
        Ok(module)
    }
}

impl fmt::Debug for Ewasm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ewasm").field("options", &self.options).field("cache", &self.cache.is_some()).finish()
    }
}

/// An [`Ewasm`] for one frame.
struct Frame<'a> {
    vm: &'a Ewasm,
    /// The frame's code, if it is shared.
    shared: Option<&'a Arc<[u8]>>,
}

impl Runner for Frame<'_> {
    type Code = Module;

    fn load(&self, code: &[u8]) -> Result<Module, Error> {
        match self.shared {
            Some(shared) if core::ptr::eq(&**shared, code) => self.vm.load_shared(shared),
            _ => self.vm.load(code),
        }
    }

    fn segments_fit(&self, code: &Module) -> bool {
        rules::segments_fit(code.parsed())
    }

    fn run<T: HostApi>(&self, code: &Module, api: &mut T, meter: &mut Meter) -> Result<(), Stop> {
        crate::embed::contract::run_main(code, api, meter)
    }
}

impl Vm for Ewasm {
    fn execute(&self, host: &mut dyn Host, revision: Revision, message: &Message<'_>, code: &[u8]) -> Outcome {
        run_frame(&Frame { vm: self, shared: None }, &self.options, host, revision, message, code)
    }

    fn execute_shared(
        &self,
        host: &mut dyn Host,
        revision: Revision,
        message: &Message<'_>,
        code: &Arc<[u8]>,
    ) -> Outcome {
        run_frame(&Frame { vm: self, shared: Some(code) }, &self.options, host, revision, message, code)
    }
}

/// One frame without a cache; see [`run_frame`].
pub fn execute(
    engine: &Engine,
    options: &Options,
    host: &mut dyn Host,
    revision: Revision,
    message: &Message<'_>,
    code: &[u8],
) -> Outcome {
    Ewasm::new(engine, options.clone()).execute(host, revision, message, code)
}

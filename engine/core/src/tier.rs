//! The door for a compiler of machine code (crate `gristmill-aot`). Not for embedders, and not stable: machine code goes by
//! the layout of this very build.
//!
//! A compiler walks a module's bodies like the interpreter's translator does ([`Source::walk`]: validated, with the plan of
//! gas), makes [`Code`], and attaches it to the module. Runs then enter it. What it must do, and may not:
//!
//! - A function gets `vm`, the budget left (depth in the high half, slots in the low half, both of the run's limits), its
//!   parameters; gas is in a register, a signed count of particles. It may look at the gas late: when it is negative at a
//!   trap, at a call out or at the end, the run was out of gas.
//! - Entry: charge entry and first block, take one level of depth and the static height in slots. Order of failures: entry
//!   charge, depth, slots, first block.
//! - Every trap leaves its [`site`] in the machine ([`layout`]) and goes to `leave`. When a run has left its code early, `enter`
//!   says in which functions it was ([`left`]).
//! - Calls of imports and of functions without machine code go through a gate to [`call`]; operators in [`is_out_of_line`]
//!   through a gate to [`operator`], exceptions that are thrown through one to [`throw`].
#![allow(unsafe_code)]

use crate::embed::{Engine, Module};
use crate::error::{Error, Fault, LoadError, Trap};
use crate::gas::Particles;
use crate::interp::exec::{native, vm::Vm};
use crate::wasm::bodies::{Bodies, KeptBodies};
use crate::wasm::load::{self, Trust};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::ffi::c_void;
use core::fmt;
use core::ptr::NonNull;

pub use crate::interp::exec::interrupt::{GONE as GAS_GONE, Interrupt, Nudge};
pub use crate::wasm::isa::{Group, Op, ROWS, Row};
pub use crate::wasm::load::{ImportKind, Parsed};
pub use crate::wasm::plan::Step;
pub use crate::wasm::walk::{Arg, BodyHead, Ended, Far, Locals, Sink, catch_label};
pub use wasmparser::{BlockType, ValType};

/// Attaches machine code to the module that it was made for.
pub type Attach<'a> = Box<dyn FnOnce(&Module) + 'a>;

/// What makes machine code of modules.
///
/// # Safety
/// [`Compiler::find`] gives code only for bytes that are valid under the engine's profile: they are not validated.
pub unsafe trait Compiler: Send + Sync + fmt::Debug {
    /// Machine code for the module of `bytes` that was made when the very same bytes were loaded under this engine's profile and
    /// schedule before: what attaches it.
    ///
    /// # Safety
    /// What attaches it is called with a module that this engine loads from `bytes`, or not at all.
    unsafe fn find(&self, engine: &Engine, bytes: &[u8]) -> Option<Attach<'_>>;

    /// A module without such code was loaded from `bytes`. Machine code may be attached now or later.
    ///
    /// # Safety
    /// It is true.
    unsafe fn loaded(&self, module: &Module, bytes: &[u8]);

    /// Whether [`Compiler::loaded`] attaches machine code before it returns: the interpreter's code is then made only for
    /// what turns out to need it.
    fn compiles_at_once(&self) -> bool;

    /// Where memories lie of which machine code compares no bounds, if its code does not.
    fn reserve(&self) -> Option<Arc<dyn Reserve>> {
        None
    }
}

/// Bytes of address space behind the start of a memory that an engine's [`Reserve`] gave: all that 32 bits address, and
/// [`BEYOND`] more for what offsets add.
pub const RESERVED: u64 = (1 << 32) + BEYOND;

/// How far behind the last address of 32 bits an access may end without being looked at.
pub const BEYOND: u64 = 32 << 20;

/// Gives memories room in which they never move, and beyond whose end every access faults.
///
/// # Safety
/// Of the [`RESERVED`] bytes from the start that [`Reserve::take`] gives, the first `len` are zero, and readable and writable by
/// who took them alone; an access to any other of them ends in a fault and does nothing else. What is writable to code of the
/// process may not be so to the system, which is to be given other memory to write to.
pub unsafe trait Reserve: Send + Sync + fmt::Debug {
    /// Room for a memory of `len` bytes, a multiple of a WebAssembly page and at most 4 GiB; `None`: there is none.
    fn take(&self, len: usize) -> Option<NonNull<u8>>;

    /// Makes the memory at `start` longer, from `old` to `new` bytes; false: it is as it was.
    ///
    /// # Safety
    /// `start` was taken here, is `old` bytes long, and `new` is such a length as [`Reserve::take`] asks for.
    unsafe fn grow(&self, start: NonNull<u8>, old: usize, new: usize) -> bool;

    /// Takes back the memory at `start`.
    ///
    /// # Safety
    /// `start` was taken here, is `len` bytes long, and nobody uses it any more.
    unsafe fn give_back(&self, start: NonNull<u8>, len: usize);
}

/// Machine code of a module.
pub struct Code {
    /// Address of every own function, imported ones left out. Functions that are interpreted have code that calls out.
    pub functions: Box<[*const u8]>,
    /// By type of the module: address of what enters functions of that type with values from memory.
    pub adaptors: Box<[*const u8]>,
    /// Enters machine code.
    pub enter: Enter,
    /// What `enter` is told.
    pub context: *const c_void,
    /// Keeps the code and the context where they are.
    pub owner: Arc<dyn Any + Send + Sync>,
}

// SAFETY: addresses of code that never changes, kept by the owner, and a context that is meant for any thread.
unsafe impl Send for Code {}
// SAFETY: as above.
unsafe impl Sync for Code {}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Code").field("functions", &self.functions.len()).finish_non_exhaustive()
    }
}

/// Enters machine code for `call` on a machine; false: it left early.
///
/// # Safety
/// `vm` is a machine of this build whose running instance is of the module that the code was made of, and `call` is about
/// a function of that module and has the code's context.
pub type Enter = unsafe fn(vm: *mut c_void, call: &Call) -> bool;

/// A call from outside into machine code.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Of the function's type.
    pub adaptor: *const u8,
    /// The function.
    pub function: *const u8,
    /// Depth left in the high half, slots left in the low half.
    pub budget: u64,
    /// The arguments, in their slots, where the results go too.
    pub values: *mut u64,
    /// [`Code::context`].
    pub context: *const c_void,
}

/// Whether memories of this engine's stores lie in a [`Reserve`]. Modules of such engines run in no others.
pub fn reserves(engine: &Engine) -> bool {
    engine.pool().reserves()
}

/// Attaches machine code to a module, if none was before. Instances made from now on run it.
///
/// # Safety
/// The code was made for the module's bytes, profile and schedule, compares bounds unless the engine [`reserves`], does what
/// the module says and keeps the contract of this page, by the layout of this build.
pub unsafe fn attach(module: &Module, code: Code) {
    assert_eq!(code.functions.len(), module.prepared().code.functions.len(), "one address a function");
    assert_eq!(code.adaptors.len(), module.parsed().types.len(), "one adaptor a type");
    module.prepared().native.put(Box::new(code));
}

/// A module's declarations and bodies, to be walked in any order, by any thread.
#[derive(Debug)]
pub struct Source {
    parsed: Parsed,
    bodies: KeptBodies,
}

impl Source {
    /// Reads `bytes` under the engine's profile and schedule.
    ///
    /// # Errors
    /// Those of loading.
    pub fn new(engine: &Engine, bytes: &[u8]) -> Result<Self, Error> {
        Self::load(engine, bytes, Trust::None)
    }

    /// The same of bytes that were loaded before.
    ///
    /// # Errors
    /// None but for want of memory.
    ///
    /// # Safety
    /// Under the same profile.
    pub unsafe fn valid(engine: &Engine, bytes: &[u8]) -> Result<Self, Error> {
        Self::load(engine, bytes, Trust::Valid)
    }

    fn load(engine: &Engine, bytes: &[u8], trust: Trust) -> Result<Self, Error> {
        let keep = |_: &Parsed, bodies: Bodies<'_>| match trust {
            Trust::None => crate::interp::lazy::keep(bodies),
            Trust::Valid => Ok(bodies.keep()),
        };
        let (parsed, bodies) = load::load(bytes, engine.profile(), engine.schedule(), trust, keep)?;
        Ok(Self { parsed, bodies })
    }

    /// The declarations.
    pub fn parsed(&self) -> &Parsed {
        &self.parsed
    }

    /// How many functions there are, imported ones left out.
    pub fn len(&self) -> usize {
        self.bodies.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of body `index`, imported functions left out.
    pub fn bytes(&self, index: usize) -> usize {
        self.bodies.bytes(index)
    }

    /// What entering a function with `locals` declared locals costs.
    pub fn entry_cost(&self, locals: u32) -> Particles {
        self.bodies.schedule().entry_cost(locals)
    }

    /// Plans body `index` on its way into `sink`.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn walk(&self, index: usize, sink: &mut impl Sink) -> Result<(), LoadError> {
        self.bodies.walk(index, &mut self.bodies.walker(), &self.parsed, sink)
    }

    /// The key by which calls through tables compare type `index`; `None`: it is too long, and its key is the store's.
    pub fn type_key(&self, index: u32) -> Option<u64> {
        crate::wasm::canon::short_key(&self.parsed.types[index as usize])
    }
}

/// Where machine code finds what it needs: offsets in bytes.
pub mod layout {
    use crate::interp::exec::memory::Memory;
    use crate::interp::exec::native::Native;
    use crate::interp::exec::vm::{BUDGET_SPENT, Func, Instance, Table, Vm};
    use core::mem::offset_of;

    const NATIVE: usize = offset_of!(Vm, native);

    /// The machine: the signed counter of gas.
    pub const VM_COUNTER: usize = offset_of!(Vm, meter);
    /// Pointers to the running instance's globals' values.
    pub const VM_GLOBALS: usize = offset_of!(Vm, globals);
    /// The running instance's memory.
    pub const VM_MEMORY: usize = offset_of!(Vm, memory);
    /// The running instance.
    pub const VM_INSTANCE: usize = offset_of!(Vm, instance);
    /// The thread's stack pointer.
    pub const VM_HOST_STACK: usize = NATIVE + offset_of!(Native, host_stack);
    /// Where the next run puts its frames.
    pub const VM_STACK: usize = NATIVE + offset_of!(Native, stack);
    /// The way out and back.
    pub const VM_GATES: usize = NATIVE + offset_of!(Native, gates);
    /// The way out.
    pub const VM_LEAVE: usize = NATIVE + offset_of!(Native, leave);
    /// The frame in which a run leaves its code: the innermost one of the chain of frame pointers.
    pub const VM_FRAME: usize = NATIVE + offset_of!(Native, frame);
    /// A trap's site, 32 bits.
    pub const VM_SITE: usize = NATIVE + offset_of!(Native, site);
    /// A memory: its base.
    pub const MEMORY_BASE: usize = Memory::LAYOUT[0];
    /// Its length in bytes.
    pub const MEMORY_LEN: usize = Memory::LAYOUT[1];
    /// For accesses of 1, 2, 4 and 8 bytes: how many addresses they fit at.
    pub const MEMORY_BOUNDS: usize = Memory::LAYOUT[2];
    /// An instance: pointers to its imported functions.
    pub const INSTANCE_IMPORTS: usize = offset_of!(Instance, imports);
    /// Pointers to its tables.
    pub const INSTANCE_TABLES: usize = offset_of!(Instance, table_list);
    /// Pointers to its memories, the first left out.
    pub const INSTANCE_MEMORIES: usize = offset_of!(Instance, memory_list);
    /// The keys of its module's types.
    pub const INSTANCE_KEYS: usize = offset_of!(Instance, signatures);
    /// A table: its elements.
    pub const TABLE_START: usize = offset_of!(Table, start);
    /// How many there are.
    pub const TABLE_LEN: usize = offset_of!(Table, len);
    /// A function: its machine code.
    pub const FUNC_NATIVE: usize = offset_of!(Func, native);
    /// Its instance.
    pub const FUNC_INSTANCE: usize = offset_of!(Func, instance);
    /// The key of its type.
    pub const FUNC_KEY: usize = offset_of!(Func, signature);
    /// All of them, for who compares builds.
    pub const ALL: [usize; 19] = [
        VM_COUNTER,
        VM_GLOBALS,
        VM_MEMORY,
        VM_INSTANCE,
        VM_HOST_STACK,
        VM_STACK,
        VM_GATES,
        VM_LEAVE,
        VM_FRAME,
        VM_SITE,
        MEMORY_BASE,
        MEMORY_LEN,
        MEMORY_BOUNDS,
        INSTANCE_IMPORTS,
        INSTANCE_TABLES,
        INSTANCE_MEMORIES,
        INSTANCE_KEYS,
        TABLE_START,
        TABLE_LEN,
    ];
    /// Set in a budget of which more was taken than there was.
    pub const SPENT: u64 = BUDGET_SPENT;
}

/// A function in machine code that was called and has not returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its index in the module, imported ones counted.
    pub function: u32,
    /// The byte of the module at which the operator starts that it is at, if that is known.
    pub byte: Option<u32>,
}

/// Bytes of a body that sites tell apart.
pub const MAX_SITE: usize = 1 << 24;

/// A trap, and how many bytes behind the first operator of the body the one starts that traps: less than [`MAX_SITE`].
pub const fn site(trap: Trap, offset: u32) -> u32 {
    offset << 8 | trap as u32
}

/// Whether some trap has this site.
pub fn is_site(site: u32) -> bool {
    Trap::ALL.get((site & 0xff) as usize).is_some()
}

/// The trap of a site.
pub(crate) fn trap_of(site: u32) -> Trap {
    Trap::ALL[(site & 0xff) as usize]
}

/// The offset of a site.
pub const fn offset_of(site: u32) -> u32 {
    site >> 8
}

/// How many functions the machine wants to know of when a run leaves its code early, innermost first.
///
/// # Safety
/// `vm` is a machine whose run has left its code.
pub unsafe fn places_wanted(vm: *mut c_void) -> usize {
    // SAFETY: the caller's promise. The depth of calls bounds the others.
    if unsafe { (*vm.cast::<Vm>()).watch.0.is_some() } { usize::MAX } else { 1 }
}

/// Notes in which functions a run was that has left its code early, innermost first, those that stand in for interpreted ones
/// left out.
///
/// # Safety
/// As for [`places_wanted`].
pub unsafe fn left(vm: *mut c_void, places: Vec<Place>) {
    // SAFETY: the caller's promise.
    unsafe { (*vm.cast::<Vm>()).native.places = places };
}

/// What may interrupt runs of this machine, if anything may. Whoever enters machine code says so ([`Interrupt::during`]), and has
/// looked whether it [is raised](Interrupt::is_raised) before the code runs. A [`Nudge`] lets the thread find that it is, and put
/// [`GAS_GONE`] where functions of the code have their gas.
///
/// # Safety
/// `vm` is a machine, for as long as the answer is used.
pub unsafe fn interrupt<'a>(vm: *mut c_void) -> Option<&'a Interrupt> {
    // SAFETY: the caller's promise.
    unsafe { (*vm.cast::<Vm>()).interrupt.as_deref() }
}

/// Whether an operator goes through [`operator`], with its operands from the first value on and its result there.
pub fn is_out_of_line(op: Op) -> bool {
    use Op::*;
    op.row().group == Group::Bulk || matches!(op, DataDrop | ElemDrop | RefFunc | TableGet | TableSet | TableSize)
}

/// Whether `callee` is a function of the host that [`call_host`] can call; if so, it has to be called next.
///
/// # Safety
/// As for [`call`].
#[inline(always)]
pub unsafe fn is_ready(vm: *mut c_void, callee: *const c_void, budget: u64) -> bool {
    // SAFETY: the caller's promise.
    unsafe { native::is_ready(vm.cast::<Vm>(), callee.cast(), budget) }
}

/// Calls a function of the host for which the machine [`is_ready`]. False: the run ends.
///
/// # Safety
/// As for [`call`].
#[inline(always)]
pub unsafe fn call_host(vm: *mut c_void, callee: *const c_void, values: *mut u64) -> bool {
    // SAFETY: the caller's promise.
    unsafe { native::call_host(vm.cast::<Vm>(), callee.cast(), values) }
}

/// Calls a function of the host, of another instance, or one that is interpreted. `callee` points to a function of the
/// machine; `values` has the arguments and gets the results. False: the run ends.
///
/// # Safety
/// Called through the gate by machine code that runs on `vm`.
pub unsafe fn call(vm: *mut c_void, callee: *const c_void, values: *mut u64, budget: u64) -> bool {
    // SAFETY: the caller's promise.
    unsafe { native::call_out(vm.cast::<Vm>(), callee.cast(), values, budget) }
}

/// Calls own function `index` of the running instance in the interpreter.
///
/// # Safety
/// As for [`call`].
pub unsafe fn call_interpreted(vm: *mut c_void, index: u32, values: *mut u64, budget: u64) -> bool {
    // SAFETY: the caller's promise.
    unsafe { native::call_interpreted(vm.cast::<Vm>(), index, values, budget) }
}

/// Notes that a run ends for want of memory, before its code was entered.
///
/// # Safety
/// `vm` is a machine to which nothing else refers now.
pub unsafe fn out_of_memory(vm: *mut c_void) {
    // SAFETY: the caller's promise.
    unsafe { (*vm.cast::<Vm>()).stop = Some(Fault::OutOfMemory.into()) };
}

/// Runs operator number `op` with immediates `word`, packed by [`immediates`], on `values`. False: the run ends.
///
/// # Safety
/// As for [`call`]; `values` has room for three.
pub unsafe fn operator(vm: *mut c_void, op: u64, word: u64, values: *mut u64) -> bool {
    // SAFETY: the caller's promise.
    unsafe { native::operator(vm.cast::<Vm>(), op, word, values) }
}

/// In place of a tag: the exception is there already.
pub const NO_TAG: u64 = u64::MAX;

/// Throws an exception of that tag of the running instance, which carries `values`, or the one that the first of them refers to
/// ([`NO_TAG`]). The run ends: false.
///
/// # Safety
/// As for [`call`].
pub unsafe fn throw(vm: *mut c_void, tag: u64, values: *mut u64, budget: u64) -> bool {
    let tag = (tag != NO_TAG).then_some(tag as u32);
    // SAFETY: the caller's promise.
    unsafe { native::throw(vm.cast::<Vm>(), tag, values, budget) }
}

/// The immediates of an operator that is out of line: one of 32 bits, or two of 16.
pub fn immediates(arg: &Arg<'_>) -> u64 {
    match arg {
        Arg::Index(index) => u64::from(*index) << 32,
        Arg::Pair(first, second) => u64::from(*first as u16) << 32 | u64::from(*second as u16) << 48,
        _ => 0,
    }
}

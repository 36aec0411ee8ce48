//! Runs code: two dispatch back ends over one definition of every op. The only room of the core with `unsafe`.
//!
//! What makes it sound is kept elsewhere and relied on here: the translator writes complete, well-formed code for
//! validated bodies, and the embedding room keeps everything of a store in that store.
#![allow(unsafe_code, unsafe_op_in_unsafe_fn)]

mod arena;
mod body;
pub(crate) mod exception;
mod far;
pub(crate) mod frames;
mod functions;
pub(crate) mod fused;
pub(crate) mod host;
pub(crate) mod interrupt;
mod looped;
pub(crate) mod machine;
pub(crate) mod memory;
pub(crate) mod native;
pub(crate) mod once;
mod ops;
pub(crate) mod prepared;
pub(crate) mod slot;
mod slow;
#[cfg(gristmill_tail)]
mod tail;
mod vector;
pub(crate) mod vm;
pub(crate) mod watch;

use crate::error::{Fault, Halt, Stop, Trap};
use body::{Flow, Regs};
use frames::{Part, Trapped};
use prepared::Prepared;
use vm::{Func, Instance, Vm};

/// How ops follow each other. Never changes a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dispatch {
    /// The fastest that this build has.
    #[default]
    Auto,
    /// One function per op, each ending in a jump to the next. Optimised builds for x86-64 have it.
    Tail,
    /// One function with a loop over a match. Every build has it.
    Loop,
}

impl Dispatch {
    /// The name on command lines.
    pub const fn name(self) -> &'static str {
        match self {
            Dispatch::Auto => "auto",
            Dispatch::Tail => "tail",
            Dispatch::Loop => "loop",
        }
    }

    /// The back end of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Dispatch::Auto, Dispatch::Tail, Dispatch::Loop].into_iter().find(|d| d.name() == name)
    }

    /// Whether this build has tail dispatch, and its calls between ops are jumps.
    pub fn has_tail() -> bool {
        #[cfg(gristmill_tail)]
        return !tail::stack_grows();
        #[cfg(not(gristmill_tail))]
        false
    }
}

/// Calls `func` with `args` and puts its results into `results`.
///
/// Depth and slots that are in use when the call begins (by frames below, when a host function calls back) stay in use.
///
/// # Errors
/// Whatever ends the run early. After out of gas the machine takes no further calls.
///
/// # Safety
/// `func` is a function of `vm`'s arena, `args` and `results` fit its type, references among them are of this store,
/// and `vm.store` is what its host functions were made for.
pub(crate) unsafe fn invoke(
    vm: *mut Vm,
    func: *const Func,
    args: &[u64],
    results: &mut [u64],
    dispatch: Dispatch,
) -> Result<(), Stop> {
    // SAFETY: the caller's promises.
    unsafe {
        if (*vm).spent {
            return Err(Fault::Spent.into());
        }
        if (*func).instance.is_null() {
            let mut values: alloc::vec::Vec<u64> = args.into();
            values.resize(args.len().max(results.len()), 0);
            if ((*func).entry)(vm, func, values.as_mut_ptr()).is_null() {
                return Err(take_stop(&mut *vm));
            }
            let count = results.len();
            results.copy_from_slice(&values[..count]);
            return Ok(());
        }
        (*vm).begin()?;
        (*vm).native.dispatch = dispatch;
        let prepared: &Prepared = &(*(*func).instance).prepared;
        if (*func).native.is_null() && prepared.native.get().is_some() {
            native::adopt((*func).instance);
        }
        if native::takes(vm, func) {
            let _outer = Outer::of(vm);
            let (params, count) = (args.len(), args.len().max(results.len()));
            return machine::with_list(count, 0, |values| {
                values[..params].copy_from_slice(args);
                native::call(vm, func, values.as_mut_ptr())?;
                results.copy_from_slice(&values[..results.len()]);
                Ok(())
            });
        }
        run_from(vm, func, args, results, dispatch)
    }
}

/// Interprets `func`, a function of a module.
///
/// # Errors
/// As [`invoke`].
///
/// # Safety
/// As for [`invoke`].
unsafe fn run_from(
    vm: *mut Vm,
    func: *const Func,
    args: &[u64],
    results: &mut [u64],
    dispatch: Dispatch,
) -> Result<(), Stop> {
    // SAFETY: the caller's promises.
    unsafe {
        (*vm).begin()?;
        let outer = Outer::of(vm);
        Vm::enter_instance(vm, (*func).instance);
        let start = outer.used;
        (*vm).saved.pc = (*func).header;
        (*vm).saved.fp = (*vm).stack.base.add(start);
        (*vm).return_to = &raw const slow::EXIT[1];
        let mut flow = slow::enter(vm);
        if matches!(flow, Flow::Next) {
            let saved = (*vm).saved;
            core::slice::from_raw_parts_mut(saved.fp, args.len()).copy_from_slice(args);
            let mut r = Regs { vm, pc: saved.pc, fp: saved.fp, mem: core::ptr::null_mut(), acc: 0 };
            r.reload_memory();
            flow = match dispatch {
                #[cfg(gristmill_tail)]
                Dispatch::Tail | Dispatch::Auto => tail::run(r),
                _ if (*vm).watch.sees_calls() => watch::run(r),
                _ => looped::run(r),
            };
        }
        match flow {
            Flow::Done => {
                let fp = (*vm).stack.base.add(start);
                results.copy_from_slice(core::slice::from_raw_parts(fp, results.len()));
                Ok(())
            }
            Flow::Trap(trap) => {
                Trapped::note(&mut *vm, Part::interpreted(&*vm, outer.across));
                Err(trapped(&mut *vm, trap))
            }
            _ => {
                let stop = take_stop(&mut *vm);
                if matches!(stop, Stop::Trap(_)) {
                    Trapped::note(&mut *vm, Part::interpreted(&*vm, outer.across));
                }
                Err(stop)
            }
        }
    }
}

/// What a trap of code leaves behind.
fn trapped(vm: &mut Vm, trap: Trap) -> Stop {
    if trap == Trap::OutOfGas { out_of_gas(vm) } else { trap.into() }
}

/// What the end of all gas leaves behind: of a run that was interrupted, it was taken away.
fn out_of_gas(vm: &mut Vm) -> Stop {
    vm.meter.exhaust();
    vm.spent = true;
    if vm.is_interrupted() { Halt::TimedOut.into() } else { Trap::OutOfGas.into() }
}

/// A stop that something called out for has left.
fn seen(vm: &mut Vm, stop: Stop) -> Stop {
    if stop == Stop::Trap(Trap::OutOfGas) { out_of_gas(vm) } else { stop }
}

fn take_stop(vm: &mut Vm) -> Stop {
    let stop = vm.stop.take().unwrap_or(Stop::Fault(Fault::Internal("a run stopped without a reason")));
    seen(vm, stop)
}

/// The state of the machine around a run, put back when the run ends, by a panic of a host function too.
struct Outer {
    vm: *mut Vm,
    instance: *const Instance,
    used: usize,
    depth: u32,
    across: usize,
    nested: u32,
}

impl Outer {
    unsafe fn of(vm: *mut Vm) -> Self {
        // SAFETY: `vm` is the machine of the run that begins.
        let machine = unsafe { &*vm };
        Self {
            vm,
            instance: machine.instance,
            used: machine.slots_used(),
            depth: machine.depth_left(),
            across: machine.across.len(),
            nested: machine.native.nested,
        }
    }
}

impl Drop for Outer {
    fn drop(&mut self) {
        // SAFETY: the machine outlives the run, and nothing else refers to it now.
        unsafe {
            (*self.vm).restore_budget(self.used, self.depth);
            (*self.vm).across.truncate(self.across);
            (*self.vm).native.nested = self.nested;
            Vm::enter_instance(self.vm, self.instance);
        }
    }
}

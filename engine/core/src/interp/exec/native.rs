//! Machine code beside the interpreter: where it hangs, how a run enters it, what it calls out for.
//!
//! The code itself is made by another crate ([`crate::tier`]). It keeps depth and slots as a number of its own (what is left
//! of the run's limits), gas in a register, and no slot of the interpreter's stack: what a frame counts is the same there
//! and here, and so are order and kind of everything that can go wrong.

use super::exception;
use super::frames::{At, Part, Trapped};
use super::host::not_host;
use super::machine::with_list;
use super::memory::Memory;
use super::prepared::Prepared;
use super::slow;
use super::vm::{Func, Instance, Vm, budget_of};
use super::{Dispatch, out_of_gas, run_from, seen, take_stop, trapped};
use crate::error::Stop;
use crate::interp::code::Word;
use crate::tier::{self, Call, Code, Place};
use crate::wasm::isa::{Op, ROWS};
use alloc::vec::Vec;

/// What machine code and its entry share with the machine.
#[repr(C)]
pub(crate) struct Native {
    /// Stack pointer of the thread's own stack while machine code runs on another.
    pub host_stack: usize,
    /// Where a run that begins now may put its frames; 0: nowhere yet.
    pub stack: usize,
    /// What machine code calls to get out and back, `fn(vm, a, b, c)` by the number of the purpose: where these lie.
    pub gates: usize,
    /// What machine code jumps to at a trap.
    pub leave: usize,
    /// Frame in which the run left its code, the innermost of a chain.
    pub frame: usize,
    /// The trap and where it was, as [`crate::tier::site`] packs them.
    pub site: u32,
    /// How often runs go from one tier to the other and back, one inside the other.
    pub nested: u32,
    /// How what is interpreted inside the run runs.
    pub dispatch: Dispatch,
    /// Functions that a run had called when it left its code, innermost first.
    pub places: Vec<Place>,
}

impl Native {
    pub const fn new() -> Self {
        Self {
            host_stack: 0,
            stack: 0,
            gates: 0,
            leave: 0,
            frame: 0,
            site: 0,
            nested: 0,
            dispatch: Dispatch::Loop,
            places: Vec::new(),
        }
    }
}

/// Runs go to machine code inside machine code at most as often; what is called beyond is interpreted. Each costs room on
/// the thread's stack, which nothing else in a message bounds.
const MAX_NESTED: u32 = 16;

/// Whether a call of `callee` may go to machine code now.
#[inline(always)]
pub(crate) unsafe fn takes(vm: *const Vm, callee: *const Func) -> bool {
    // SAFETY: `vm` is the running machine, `callee` a function of its arena.
    unsafe { !(*callee).native.is_null() && (*vm).native.nested < MAX_NESTED }
}

/// Gives an instance the machine code of its module, which came after the instance.
#[cold]
pub(crate) unsafe fn adopt(instance: *const Instance) {
    // SAFETY: functions of an instance lie one behind the other in the machine's arena, and nothing refers to them now.
    unsafe {
        let prepared: &Prepared = &(*instance).prepared;
        let hidden = (*instance).hidden.get();
        for (first, functions) in [((*instance).own, &prepared.referable), (hidden, &prepared.hidden)] {
            if !first.is_null() {
                for (at, function) in functions.iter().enumerate() {
                    (*first.cast_mut().add(at)).native = prepared.native_code(*function);
                }
            }
        }
    }
}

/// Calls a function that has machine code. `values` has its arguments and gets its results.
///
/// # Errors
/// What ends the run. Depth and slots are back at what they were in any case.
///
/// # Safety
/// `vm` is a machine to which nothing else refers now, `callee` a function of its arena that has machine code, and `values`
/// has room for parameters and results, outside of the machine's stack.
pub(crate) unsafe fn call(vm: *mut Vm, callee: *const Func, values: *mut u64) -> Result<(), Stop> {
    // SAFETY: the caller's promise. The code was made for this module and this machine's layout (`tier::attach`).
    unsafe {
        let instance = (*callee).instance;
        let around = (*vm).instance;
        Vm::enter_instance(vm, instance);
        open_memories(vm);
        let prepared: &Prepared = &(*instance).prepared;
        let code = prepared.native.get().expect("a function has machine code, so its module has");
        let (used, depth) = ((*vm).slots_used(), (*vm).depth_left());
        (*vm).meter.top_up();
        (*vm).native.nested += 1;
        let done = code.enter(&mut *vm, callee, used, depth, values);
        (*vm).native.nested -= 1;
        // An exception has noted where it left its code.
        let frames = depth - (*vm).depth_left().min(depth);
        (*vm).restore_budget(used, depth);
        let ended = ended(&mut *vm, callee, done, frames);
        Vm::enter_instance(vm, around);
        ended
    }
}

/// Reads the end of a run of machine code that `callee` began: what was not paid comes before whatever else happened. An exception
/// has left `frames` frames.
fn ended(vm: &mut Vm, callee: *const Func, done: bool, frames: u32) -> Result<(), Stop> {
    let (stop, mut places) = (vm.stop.take(), core::mem::take(&mut vm.native.places));
    let stop = if vm.meter.counter < 0 && !vm.refill() {
        out_of_gas(vm)
    } else if done {
        return Ok(());
    } else if stop == Some(Stop::Exception) {
        match vm.charge_leaving(frames) {
            Ok(()) => vm.exceptions.passed_on(),
            Err(trap) => trapped(vm, trap),
        }
    } else if let Some(stop) = stop {
        seen(vm, stop)
    } else {
        trapped(vm, tier::trap_of(vm.native.site))
    };
    if matches!(stop, Stop::Trap(_)) {
        if done {
            // It had returned when its last block turned out not to be paid.
            places.extend(place_of(callee));
        }
        // SAFETY: a function of the arena, which was called.
        let instance = unsafe { (*callee).instance };
        Trapped::note(vm, Part { instance, at: At::Native(places) });
    }
    Err(stop)
}

/// A function that has machine code and was called.
fn place_of(callee: *const Func) -> Option<Place> {
    // SAFETY: a function of the arena, whose instance lives as long as the machine.
    let (instance, code) = unsafe { (&*(*callee).instance, (*callee).native) };
    let functions = &instance.prepared.native.get()?.functions;
    let own = functions.iter().position(|function| core::ptr::eq(*function, code))?;
    Some(Place { function: own as u32 + instance.prepared.parsed.imported_functions, byte: None })
}

// ---- what machine code calls out for ----

/// Takes over from machine code: what it has not looked at yet is paid, and depth and slots are what it counted, for the
/// interpreter, whose stack must be as long as what is in use.
fn take_over(vm: &mut Vm, budget: u64) -> Result<(), Stop> {
    settle(vm)?;
    let used = (vm.limits.stack_slots - budget as u32) as usize;
    if used > vm.stack.size() {
        vm.grow_stack(used)?;
    }
    vm.restore_budget(used, (budget >> 32) as u32);
    Ok(())
}

/// Takes over if nothing is to be paid and no stack to grow.
#[inline(always)]
fn takes_over_at_once(vm: &mut Vm, budget: u64) -> bool {
    let ready = vm.meter.counter >= 0 && budget as u32 >= vm.stack.closed;
    if ready {
        // What is left of the limit, less what is not allocated, is left of what is.
        vm.budget = budget - u64::from(vm.stack.closed);
    }
    ready
}

/// Pays what machine code has not looked at yet.
fn settle(vm: &mut Vm) -> Result<(), Stop> {
    if vm.meter.counter < 0 && !vm.refill() {
        return Err(out_of_gas(vm));
    }
    Ok(())
}

/// Goes back to machine code, if there is no reason not to.
fn went_on(vm: &mut Vm, done: Result<(), Stop>) -> bool {
    match done {
        Ok(()) => vm.meter.top_up(),
        Err(stop) => vm.stop = Some(stop),
    }
    done.is_ok()
}

/// Whether a function of the host can be called at once, and with that, the machine is taken over for it: nothing is to be paid,
/// and no stack to grow.
///
/// # Safety
/// As for [`call_out`].
#[inline(always)]
pub(crate) unsafe fn is_ready(vm: *mut Vm, callee: *const Func, budget: u64) -> bool {
    // SAFETY: the caller's promise.
    unsafe { (*callee).instance.is_null() && takes_over_at_once(&mut *vm, budget) }
}

/// Calls a function of the host for which the machine [`is_ready`].
///
/// # Safety
/// As for [`call_out`].
#[inline(always)]
pub(crate) unsafe fn call_host(vm: *mut Vm, callee: *const Func, values: *mut u64) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let done = !((*callee).entry)(vm, callee, values).is_null();
        if done {
            (*vm).meter.top_up();
        }
        done
    }
}

/// Calls any function: of the host, of another instance, or one that is interpreted.
///
/// # Safety
/// Called by machine code of `vm` through its gate; `callee` is a function of its arena, `values` has its arguments and room
/// for its results.
pub(crate) unsafe fn call_out(vm: *mut Vm, callee: *const Func, values: *mut u64, budget: u64) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let called = take_over(&mut *vm, budget).and_then(|()| {
            if (*callee).instance.is_null() {
                let done = !((*callee).entry)(vm, callee, values).is_null();
                return if done { Ok(()) } else { Err(take_stop(&mut *vm)) };
            }
            let other = !core::ptr::eq((*callee).instance, (*vm).instance);
            let ended =
                if other && takes(vm, callee) { call(vm, callee, values) } else { interpret(vm, callee, values) };
            Trapped::inside(vm, ended)
        });
        went_on(&mut *vm, called)
    }
}

/// Interprets own function `index` of the running instance: one that has no machine code of its own.
///
/// # Safety
/// As for [`call_out`].
pub(crate) unsafe fn call_interpreted(vm: *mut Vm, index: u32, values: *mut u64, budget: u64) -> bool {
    // SAFETY: the caller's promise. Not every function is one of the store: this one is for the call alone.
    unsafe {
        let instance = (*vm).instance;
        let prepared: &Prepared = &(*instance).prepared;
        let callee = prepared.function(&*instance, index, not_host, u32::MAX);
        let callee = &raw const callee;
        let called = take_over(&mut *vm, budget).and_then(|()| Trapped::inside(vm, interpret(vm, callee, values)));
        went_on(&mut *vm, called)
    }
}

/// Opens the memories of the running instance to its machine code, which has no way to ask for more, for good.
#[inline(always)]
unsafe fn open_memories(vm: *mut Vm) {
    // SAFETY: memories and instances live as long as the machine; no other reference to these is alive. Machine code has an
    // instance.
    unsafe {
        (*(*vm).memory).open_all();
        let others: &[*mut Memory] = &(*(*vm).instance).others;
        others.iter().for_each(|memory| (**memory).open_all());
    }
}

/// Interprets a function of the machine, inside a run.
unsafe fn interpret(vm: *mut Vm, callee: *const Func, values: *mut u64) -> Result<(), Stop> {
    // SAFETY: the caller's promise: as many values as the type has.
    unsafe {
        let ty = (*callee).ty();
        let (params, results) = ty.slots();
        with_list(params, 0, |args| {
            args.copy_from_slice(core::slice::from_raw_parts(values, params));
            run_from(vm, callee, args, core::slice::from_raw_parts_mut(values, results), (*vm).native.dispatch)
        })
    }
}

/// Runs an operator that has no machine code of its own: `word` has its immediates, `values` its operands and results.
///
/// # Safety
/// Called by machine code of `vm` through the gate, with the number of an operator of the running instance's module.
pub(crate) unsafe fn operator(vm: *mut Vm, op: u64, word: u64, values: *mut u64) -> bool {
    // SAFETY: the caller's promise; operands are at most three.
    unsafe {
        let instance = (*vm).instance.cast_mut();
        let op: Op = ROWS[op as usize].op;
        let operands = core::slice::from_raw_parts_mut(values, 3);
        let done = settle(&mut *vm).and_then(|()| slow::act(&mut *vm, &mut *instance, op, Word(word), operands));
        went_on(&mut *vm, done)
    }
}

/// Throws an exception of tag `tag` of the running instance that carries `values`, or without one the exception that the first of
/// them refers to. The run of machine code ends, always.
///
/// # Safety
/// Called by machine code of `vm` through its gate, with as many values as the tag's type has.
pub(crate) unsafe fn throw(vm: *mut Vm, tag: Option<u32>, values: *mut u64, budget: u64) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let instance: &Instance = &*(*vm).instance;
        let operands = core::slice::from_raw_parts(values, exception::operands_of(&*vm, instance, tag));
        let thrown =
            take_over(&mut *vm, budget).and_then(|()| Err(exception::raise(&mut *vm, instance, tag, operands)));
        went_on(&mut *vm, thrown)
    }
}

impl Code {
    /// Enters the machine code of `callee`; false: it left early.
    unsafe fn enter(&self, vm: &mut Vm, callee: *const Func, used: usize, depth: u32, values: *mut u64) -> bool {
        // SAFETY: the caller's promise.
        unsafe {
            let instance: &Instance = &*(*callee).instance;
            let ty = instance.prepared.type_index((*callee).ty);
            let left = vm.limits.stack_slots - used as u32;
            let call = Call {
                adaptor: self.adaptors[ty],
                function: (*callee).native.cast(),
                budget: u64::from(depth) << 32 | u64::from(left),
                values,
                context: self.context,
            };
            (self.enter)(core::ptr::from_mut(vm).cast(), &call)
        }
    }
}

const _: () = assert!(budget_of(1) == 1 << 32 | 1, "machine code counts depth and slots in the same halves");

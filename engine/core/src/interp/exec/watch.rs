//! Runs that somebody watches: who is called, and what gas is left at every call and return.
//!
//! Nothing is asked for on the way of a run that nobody watches. The code of a watched module is written over once, when it
//! was translated: its calls and returns get codes of [`Break`], which leave the loop. Here they are shown and run one by one,
//! and the loop goes on behind them. Gas, results and traps are those of the ops themselves.

use super::body::*;
use super::exception::{self, Unwound};
use super::frames::Stopped;
use super::fused::{first_of, last_of, words_of};
use super::looped;
use super::machine::index_of;
use super::slow;
use super::vm::{Func, Instance, Vm};
use crate::error::Trap;
use crate::gas::PARTICLES_PER_GAS;
use crate::interp::code::{Code, Family, HEADER_WORDS, Word};
use crate::wasm::load::Parsed;
use alloc::sync::Arc;
use core::fmt;

/// Somebody who watches the runs of an engine's stores. Sees, and changes nothing.
///
/// Frames nest: what is entered last is left first, host functions among them, and a run inside of a host function lies
/// between that one's entry and its end. Whatever ends a run leaves all of its frames.
pub trait Watcher: Send + Sync {
    /// Whether it wants to see calls. Modules are loaded for that: an answer must not change.
    fn sees_calls(&self) -> bool {
        false
    }

    /// A function is entered. `left` particles are left before what entering it costs.
    fn enter(&self, callee: Callee<'_>, left: u128) {
        let _ = (callee, left);
    }

    /// The function that was entered last is left, by a return or by the end of the run. `left` particles are left; what its
    /// caller pays to go on is not taken yet.
    fn leave(&self, left: u128) {
        let _ = left;
    }

    /// A call into a store has ended in a trap.
    fn trapped(&self, stopped: &Stopped<'_>) {
        let _ = stopped;
    }
}

/// A function that is called.
#[derive(Clone, Copy, Debug)]
pub struct Callee<'a> {
    /// Its module; of a host function the module that calls it.
    pub module: &'a Parsed,
    /// Its index there. `None`: a host function out of a table, which the module that calls it does not import.
    pub function: Option<u32>,
}

/// A watcher, or none.
#[derive(Clone, Default)]
pub(crate) struct Watch(pub Option<Arc<dyn Watcher>>);

impl Watch {
    /// Whether there is one that wants to see calls.
    pub fn sees_calls(&self) -> bool {
        self.0.as_ref().is_some_and(|watcher| watcher.sees_calls())
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Watch" } else { "None" })
    }
}

/// The code of the op that stands for an op of this code, if that is watched.
fn break_for(code: u16) -> Option<u16> {
    macro_rules! breaks {
        ($($op:ty)*) => { match code {
            $(code if code == <$op as Body>::CODE => Some(<Break<$op> as Body>::CODE),)*
            _ => None,
        } };
    }
    breaks!(Call CallImport CallIndirect CallRef Return<0> Return<1> Return<2> Return<3> TailCall<0> TailCall<1> TailCall<2> TailCall<3>
        Throw<0> Throw<1>)
}

impl Code {
    /// Writes [`Break`] over all calls and returns, and takes apart what is fused with one.
    pub fn watch(&mut self) {
        for function in 0..self.functions.len() {
            let mut at = self.functions[function] as usize + HEADER_WORDS;
            let end = self.functions.get(function + 1).map_or(self.words.len(), |next| *next as usize);
            while at < end {
                let word = self.words[at];
                if break_for(last_of(word.code())).is_some() {
                    let alone = first_of(word.code());
                    self.words[at] = word.with_code(break_for(alone).unwrap_or(alone));
                }
                at += words_of(word);
            }
        }
    }
}

/// Particles left. A charge that was too much leaves nothing.
pub(super) fn left(vm: &Vm) -> u128 {
    with_counter(vm, 0)
}

/// The same before `cost` particles were taken.
fn with_counter(vm: &Vm, cost: u32) -> u128 {
    let counter = i128::from(vm.meter.counter) + i128::from(cost);
    let reserve = i128::from(vm.meter.reserve) * i128::from(PARTICLES_PER_GAS);
    (counter + reserve).max(0) as u128
}

/// Runs from `start`, the entry of a function, to the end of the run, showing calls and returns to the machine's watcher.
///
/// # Safety
/// The contract of the bodies.
pub(crate) unsafe fn run(start: Regs) -> Flow {
    let vm = start.vm;
    // SAFETY: the caller's promise; a run on a machine without watcher is nobody's.
    unsafe {
        let Some(watcher) = (*vm).watch.0.clone() else { return looped::run(start) };
        let mut run = Shown { watcher: &*watcher, open: 0 };
        let header = start.pc.sub(HEADER_WORDS);
        run.enter(vm, start.pc, with_counter(&*vm, 0) + entry_cost(header));
        let mut r = start;
        let end = loop {
            let flow = looped::run(r);
            if !matches!(flow, Flow::Stop) || (*vm).stop.is_some() {
                break flow;
            }
            r = slow::registers(vm);
            let flow = run.op(&mut r);
            if !matches!(flow, Flow::Next) {
                break r.leave(flow);
            }
        };
        let left = if matches!(end, Flow::Trap(Trap::OutOfGas)) { 0 } else { left(&*vm) };
        (0..run.open).for_each(|_| watcher.leave(left));
        // What was unwound was this run's, not that of one around it.
        (*vm).unwound = Unwound::default();
        end
    }
}

/// What entering the function with this header costs.
unsafe fn entry_cost(header: *const Word) -> u128 {
    // SAFETY: a header (caller's promise).
    let costs = unsafe { *header };
    u128::from(costs.low()) + u128::from(costs.high())
}

/// The frames of one run.
struct Shown<'w> {
    watcher: &'w dyn Watcher,
    /// Functions entered and not left.
    open: usize,
}

impl Shown<'_> {
    /// Shows and runs the op at `pc`, a [`Break`].
    unsafe fn op(&mut self, r: &mut Regs) -> Flow {
        // SAFETY: the contract of bodies: the word is one of the op that it stands for, but for the code.
        unsafe {
            let vm = r.vm;
            let before = left(&*vm);
            let form = (*r.pc).form();
            (*vm).unwound = Unwound::default();
            let flow = self.shown_op(r, form, before);
            // Frames that an exception has left.
            let unwound = (*vm).unwound;
            for _ in 0..unwound.frames.min(self.open) {
                self.watcher.leave(unwound.left);
                self.open -= 1;
            }
            flow
        }
    }

    /// Shows and runs an op of this form, with `before` particles left.
    unsafe fn shown_op(&mut self, r: &mut Regs, form: u16, before: u128) -> Flow {
        // SAFETY: as for `op`.
        unsafe {
            let vm = r.vm;
            if form >= Throw::<0>::FORM {
                let flow = r.out_of_line(|vm| exception::throw(vm, form - Throw::<0>::FORM));
                return settle(r, flow);
            }
            if form >= TailCall::<0>::FORM {
                let behind = r.pc.add(TailCall::<0>::WORDS);
                // By the form of the op itself, which the word has lost.
                let flow = match form - TailCall::<0>::FORM {
                    0 => r.out_of_line(|vm| slow::tail_call(vm, 0)),
                    1 => r.out_of_line(|vm| slow::tail_call(vm, 1)),
                    2 => r.out_of_line(|vm| slow::tail_call(vm, 2)),
                    _ => r.out_of_line(|vm| slow::tail_call(vm, 3)),
                };
                let flow = settle(r, flow);
                if matches!(flow, Flow::Next) && !core::ptr::eq(r.pc, behind) {
                    self.watcher.leave(before);
                    self.open -= 1;
                    self.enter(vm, r.pc, before);
                }
                return flow;
            }
            if form > CallRef::FORM {
                self.watcher.leave(before);
                self.open -= 1;
                let flow = match form - Return::<0>::FORM {
                    0 => Return::<0>::run(r),
                    1 => Return::<1>::run(r),
                    2 => Return::<2>::run(r),
                    _ => Return::<3>::run(r),
                };
                return settle(r, flow);
            }
            let host = host_callee(r, form);
            let behind = r.extension().low();
            if let Some(callee) = host {
                self.watcher.enter(callee, before);
            }
            let flow = match form {
                Call::FORM => Call::run(r),
                CallImport::FORM => CallImport::run(r),
                CallIndirect::FORM => CallIndirect::run(r),
                _ => CallRef::run(r),
            };
            if host.is_some() {
                // What has returned has paid for the block behind the call, which is the caller's.
                let returned = matches!(flow, Flow::Next | Flow::Unpaid);
                self.watcher.leave(match (*vm).unwound {
                    Unwound { thrown: true, left, .. } => left,
                    _ => with_counter(&*vm, if returned { behind } else { 0 }),
                });
                return settle(r, flow);
            }
            let flow = settle(r, flow);
            if matches!(flow, Flow::Next) {
                self.enter(vm, r.pc, before);
            }
            flow
        }
    }

    /// Shows that the function whose first op is at `pc` was entered.
    unsafe fn enter(&mut self, vm: *mut Vm, pc: *const Word, left: u128) {
        // SAFETY: the running instance lives as long as the machine.
        let prepared = unsafe { &(*(*vm).instance).prepared };
        let function = prepared.code.function_at(pc).map(|own| own as u32 + prepared.parsed.imported_functions);
        self.open += 1;
        self.watcher.enter(Callee { module: &prepared.parsed, function }, left);
    }
}

/// What a loop does behind a body.
unsafe fn settle(r: &mut Regs, flow: Flow) -> Flow {
    // SAFETY: the contract of bodies.
    unsafe {
        match flow {
            Flow::Unpaid if (*r.vm).refill() => Flow::Next,
            Flow::Enter => r.out_of_line(|vm| slow::enter(vm)),
            flow => flow,
        }
    }
}

/// The host function that the call at `pc` is about to call, if it is going to call one.
unsafe fn host_callee<'a>(r: &Regs, form: u16) -> Option<Callee<'a>> {
    // SAFETY: the contract of bodies: the instance has what the op names, and tables have null or functions of the arena.
    unsafe {
        let (w, instance): (_, &'a Instance) = (r.word(), &*(*r.vm).instance);
        let module = &instance.prepared.parsed;
        let is_host = |callee: *const Func| (*callee).instance.is_null();
        match form {
            CallImport::FORM => {
                let import = *instance.functions.get(w.high() as usize)?;
                is_host(import).then_some(Callee { module, function: Some(w.high()) })
            }
            CallIndirect::FORM | CallRef::FORM => {
                let operand = r.slot(w.b());
                let callee = if form == CallRef::FORM {
                    operand
                } else {
                    let table = instance.tables[r.extension().high() as usize];
                    let elements = &(*table).elements;
                    *elements.get(index_of(operand))?
                };
                let callee = callee as usize as *const Func;
                let expected = *instance.signatures.add(usize::from(w.c()));
                if callee.is_null() || (*callee).signature != expected || !is_host(callee) {
                    return None;
                }
                let function = instance.functions.iter().position(|import| core::ptr::eq(*import, callee));
                Some(Callee { module, function: function.map(|index| index as u32) })
            }
            _ => None,
        }
    }
}

/// An op that is watched keeps its family's place among the codes of no fused op.
const _: () = assert!(Family::Break.effect(Throw::<1>::FORM) < crate::interp::code::CODES as u16);

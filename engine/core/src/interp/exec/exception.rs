//! Exceptions: made, thrown, and caught by a frame of the run, or by nobody in it.
//!
//! One that is thrown goes from frame to frame, as returns would: where a frame's op stands in a region that catches it, its
//! values go to the homes of the label, and the run goes on there, paying for the block as a branch would. Frames on the way
//! give back depth and slots, and nothing that was paid.

use super::body::{Flow, Regs};
use super::machine::{Cell, Machine};
use super::slow::{ACROSS, EXIT, registers, save};
use super::vm::{Instance, Vm, budget_of};
use super::watch;
use crate::error::{Fault, Stop, Trap};
use crate::interp::code::{Caught, Code, Word};
use crate::wasm::canon::top;
use crate::wasm::types::{FuncType, ValType};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

/// A tag of a store.
pub(crate) struct Tag {
    /// Key of its type.
    pub key: u64,
    /// Its type, in which names of types are the store's numbers.
    pub ty: FuncType,
}

/// An exception of a store.
pub(crate) struct Exception {
    pub tag: u32,
    /// What it carries, in slots.
    pub values: Box<[u64]>,
    /// A reference to it was given out: it stays until the store is dropped.
    held: bool,
}

impl Exception {
    /// Bytes that it counts for.
    fn bytes(&self) -> u64 {
        size_of_exception(self.values.len())
    }
}

/// Bytes of an exception that carries so many slots.
const fn size_of_exception(slots: usize) -> u64 {
    16 + 8 * slots as u64
}

/// The exceptions of a store. A reference to one is its index plus 1.
#[derive(Default)]
pub(crate) struct Exceptions {
    all: Vec<Exception>,
    /// Indices of those that are gone.
    free: Vec<u32>,
    /// Bytes of those that are not.
    bytes: u64,
    /// The one that is thrown and not caught yet; 0: none.
    pending: u64,
}

impl Exceptions {
    /// The exception behind a reference that is not null.
    pub fn get(&self, reference: u64) -> &Exception {
        &self.all[reference as usize - 1]
    }

    /// Notes that somebody has a reference.
    pub fn hold(&mut self, reference: u64) {
        self.all[reference as usize - 1].held = true;
    }

    /// Frees one that nobody can refer to any more, if nobody ever could.
    fn release(&mut self, reference: u64) {
        let exception = &mut self.all[reference as usize - 1];
        if !exception.held {
            self.bytes -= exception.bytes();
            exception.values = Box::default();
            self.free.push(reference as u32 - 1);
        }
    }

    /// Makes this one the one that is thrown. One that was, and that nothing has caught, is gone.
    pub fn set_pending(&mut self, reference: u64) {
        let before = core::mem::replace(&mut self.pending, reference);
        if before != 0 && before != reference {
            self.release(before);
        }
    }

    /// What becomes of a run that a host function ends with the one that is thrown: there may be none.
    pub fn passed_on(&self) -> Stop {
        match self.pending {
            0 => Fault::Internal("a host function passed on an exception that is not there").into(),
            _ => Stop::Exception,
        }
    }

    /// Takes the one that is thrown; somebody has a reference then.
    pub fn take_pending(&mut self) -> Option<u64> {
        let reference = Some(core::mem::take(&mut self.pending)).filter(|reference| *reference != 0)?;
        self.hold(reference);
        Some(reference)
    }
}

/// Frames that an exception has left, for who watches, and the gas that was left then.
#[derive(Clone, Copy, Default)]
pub(crate) struct Unwound {
    pub thrown: bool,
    pub frames: usize,
    pub left: u128,
}

/// Where code is that was translated at its first call, where exceptions may pass through it: functions by the address at which
/// their code starts.
#[derive(Default)]
pub(crate) struct Late(BTreeMap<usize, u32>);

impl Late {
    /// Notes the code of own function `index` of some module.
    pub fn note(&mut self, code: &[Word], index: usize) {
        self.0.insert(code.as_ptr() as usize, index as u32);
    }
}

impl Vm {
    /// Makes an exception that carries `values`, and pays for it: the reference to it.
    pub fn make_exception(&mut self, tag: u32, values: &[u64]) -> Result<u64, Stop> {
        let bytes = size_of_exception(values.len());
        // A type has at most some thousand values.
        self.meter.charge(self.schedule.exception_cost(bytes as u32))?;
        let exceptions = &mut self.exceptions;
        if exceptions.bytes + bytes > u64::from(self.limits.exception_bytes) {
            return Err(Trap::ExceptionBytes.into());
        }
        let mut kept = Vec::new();
        kept.try_reserve_exact(values.len()).map_err(|_| Fault::OutOfMemory)?;
        kept.extend_from_slice(values);
        let exception = Exception { tag, values: kept.into(), held: false };
        exceptions.bytes += bytes;
        if let Some(index) = exceptions.free.pop() {
            exceptions.all[index as usize] = exception;
            return Ok(u64::from(index) + 1);
        }
        // As many as there are exceptions may be free.
        let all = exceptions.all.len() + 1;
        exceptions.all.try_reserve(1).map_err(|_| Fault::OutOfMemory)?;
        exceptions.free.try_reserve(all - exceptions.free.len()).map_err(|_| Fault::OutOfMemory)?;
        exceptions.all.push(exception);
        Ok(all as u64)
    }

    /// The code of `instance` that `pc` points into, and which word of it.
    fn code_at<'a>(&self, instance: &'a Instance, pc: *const Word) -> Option<(&'a Code, usize)> {
        let code = &instance.prepared.code;
        if let Some(at) = code.word_at(pc) {
            return Some((code, at));
        }
        let (_, function) = self.late.0.range(..=pc as usize).next_back()?;
        let code = code.lazy.as_ref()?.translated(*function as usize)?;
        Some((code, code.word_at(pc)?))
    }

    /// Pays for leaving `frames` frames.
    pub fn charge_leaving(&mut self, frames: u32) -> Result<(), Trap> {
        self.meter.charge(self.schedule.unwind_cost(frames))
    }
}

impl Machine {
    /// Adds a tag of a type that names no others.
    pub fn add_tag(&mut self, ty: FuncType) -> u32 {
        let vm = self.vm_mut();
        vm.tags.push(Tag { key: vm.types.key_of(&ty), ty });
        vm.tags.len() as u32 - 1
    }

    /// The type of a tag: what its exceptions carry is what the function takes.
    pub fn tag_type(&self, index: u32) -> &FuncType {
        &self.vm().tags[index as usize].ty
    }

    /// Takes the exception that a run has ended with.
    pub fn take_pending(&mut self) -> Option<u32> {
        self.vm_mut().exceptions.take_pending().map(|reference| reference as u32 - 1)
    }

    /// What a host function's error that passes on an exception comes to.
    pub fn passed_on(&self) -> Stop {
        self.vm().exceptions.passed_on()
    }

    /// Makes an exception the one that a host function's error passes on.
    pub fn set_pending(&mut self, number: u32) {
        self.vm_mut().exceptions.set_pending(u64::from(number) + 1);
    }

    /// The tag of an exception, and what it carries.
    pub fn exception(&self, number: u32) -> (u32, Vec<Cell>) {
        let exception = self.vm().exceptions.get(u64::from(number) + 1);
        let mut at = 0;
        let cell = |ty: &ValType| {
            // SAFETY: the slots were written for values of the tag's types.
            let cell = unsafe { Cell::of_slots(top(*ty), &exception.values[at..]) };
            at += ty.slots();
            cell
        };
        (exception.tag, self.tag_type(exception.tag).params().iter().map(cell).collect())
    }

    /// Makes an exception; `None`: the values are not those of the tag.
    pub fn make_exception(&mut self, tag: u32, cells: &[Cell]) -> Result<Option<u32>, Stop> {
        if !self.admits_all(cells, self.tag_type(tag).params()) {
            return Ok(None);
        }
        let mut values = vec![0; self.tag_type(tag).slots().0];
        let mut at = 0;
        for cell in cells {
            at += cell.write(&mut values[at..]);
        }
        let made = self.vm_mut().make_exception(tag, &values)?;
        self.vm_mut().exceptions.hold(made);
        Ok(Some(made as u32 - 1))
    }
}

/// Throws what `operands` are: an exception of tag `tag` of the instance that carries them, or the one that the first refers
/// to. Leaves it pending, which the error says.
pub(crate) fn raise(vm: &mut Vm, instance: &Instance, tag: Option<u32>, operands: &[u64]) -> Stop {
    let raised = match tag {
        Some(tag) => vm.make_exception(instance.tags[tag as usize], operands),
        None if operands[0] == 0 => Err(Trap::NullReference.into()),
        None => Ok(operands[0]),
    };
    match raised {
        Ok(reference) => {
            vm.exceptions.set_pending(reference);
            Stop::Exception
        }
        Err(stop) => stop,
    }
}

/// Slots of the operands of a throw: of an exception of tag `tag` of the instance, or of a reference.
pub(crate) fn operands_of(vm: &Vm, instance: &Instance, tag: Option<u32>) -> usize {
    tag.map_or(1, |tag| vm.tags[instance.tags[tag as usize] as usize].ty.slots().0)
}

/// Runs a `Throw` op of this form, which a watched word does not say.
///
/// # Safety
/// `vm` is the running machine, and its saved registers stand at a `Throw` op.
#[cold]
#[inline(never)]
pub(crate) unsafe fn throw(vm: *mut Vm, form: u16) -> Flow {
    // SAFETY: the caller's promise. Validated: operands lie in consecutive slots from `a`, which are the frame's, as many as
    // the tag's type has.
    unsafe {
        let r = registers(vm);
        let w: Word = *r.pc;
        let instance: &Instance = &*(*vm).instance;
        let tag = (form == 0).then_some(w.high());
        let count = operands_of(&*vm, instance, tag);
        let operands = core::slice::from_raw_parts(r.fp.add(usize::from(w.a())), count);
        match raise(&mut *vm, instance, tag, operands) {
            Stop::Exception => unwind(vm, r),
            Stop::Trap(trap) => Flow::Trap(trap),
            other => {
                (*vm).stop = Some(other);
                Flow::Stop
            }
        }
    }
}

/// Goes on when a call has stopped whose arguments are at `args` now: an exception may be caught in this run.
///
/// # Safety
/// `vm` is the running machine, and its saved registers stand at a call op whose callee has left its reason in [`Vm::stop`];
/// if that is an exception, `args` is in the machine's stack.
#[cold]
#[inline(never)]
pub(crate) unsafe fn stopped(vm: *mut Vm, args: *mut u64) -> Flow {
    // SAFETY: the caller's promise; field a of a call has the distance of the callee's frame.
    unsafe {
        if (*vm).stop != Some(Stop::Exception) {
            return Flow::Stop;
        }
        (*vm).stop = None;
        let mut r = registers(vm);
        r.fp = args.sub(usize::from(r.word().a()));
        unwind(vm, r)
    }
}

/// The same when the call has taken the place of its caller's frame, which is saved and would have returned to `return_to`.
///
/// # Safety
/// `vm` is the running machine. Depth and slots of the frame that is gone were given back.
#[cold]
#[inline(never)]
pub(crate) unsafe fn stopped_in_place(vm: *mut Vm, return_to: *const Word) -> Flow {
    // SAFETY: the caller's promise.
    unsafe {
        let mut r = registers(vm);
        if (*vm).stop != Some(Stop::Exception) || !leave_to(vm, &mut r, return_to) {
            return Flow::Stop;
        }
        (*vm).stop = None;
        unwind(vm, r)
    }
}

/// Takes the pending exception out of the op at `r` to where it is caught.
///
/// # Safety
/// `vm` is the running machine, and `r` stands at the op that has thrown the exception or called what has.
unsafe fn unwind(vm: *mut Vm, mut r: Regs) -> Flow {
    // SAFETY: the caller's promise: the op lies in code of the running instance, its frame in the stack. A frame's control slot
    // has the address that its call returns to.
    unsafe {
        if let Stop::Fault(fault) = (*vm).exceptions.passed_on() {
            (*vm).stop = Some(fault.into());
            return Flow::Stop;
        }
        (*vm).unwound = Unwound { thrown: true, ..Unwound::default() };
        let (flow, cost) = loop {
            let instance: &Instance = &*(*vm).instance;
            let Some((code, at)) = (*vm).code_at(instance, r.pc) else {
                (*vm).stop = Some(Fault::Internal("an exception was thrown outside of code").into());
                return Flow::Stop;
            };
            match find(&mut *vm, instance, code, at) {
                Ok(Some((caught, table))) => {
                    deliver(vm, &mut r, caught);
                    r.pc = code.words.as_ptr().add(table);
                    r.jump(caught.offset);
                    break (Flow::Next, caught.cost);
                }
                Ok(None) => {}
                Err(trap) => break (Flow::Trap(trap), 0),
            }
            if let Err(trap) = (*vm).charge_leaving(1) {
                break (Flow::Trap(trap), 0);
            }
            let frame = code.frame_at(at);
            let return_to = r.slot(frame.a() + frame.b()) as usize as *const Word;
            (*vm).budget += budget_of(frame.code());
            (*vm).unwound.frames += 1;
            if !leave_to(vm, &mut r, return_to) {
                (*vm).stop = Some(Stop::Exception);
                break (Flow::Stop, 0);
            }
        };
        (*vm).unwound.left = watch::left(&*vm);
        let flow = if matches!(flow, Flow::Next) { r.pay(cost) } else { flow };
        save(&r);
        flow
    }
}

/// Makes the caller's frame the running one again, at its call; false: the frame was the first of the run.
unsafe fn leave_to(vm: *mut Vm, r: &mut Regs, return_to: *const Word) -> bool {
    // SAFETY: as for `unwind`; return addresses are those of calls of this run, whose word before has the frame's distance.
    unsafe {
        if core::ptr::eq(return_to, &raw const EXIT[1]) {
            return false;
        }
        if core::ptr::eq(return_to, &raw const ACROSS[1]) {
            let back = (*vm).across.pop().expect("every return across instances follows a call across instances");
            Vm::enter_instance(vm, back.instance);
            r.fp = r.fp.sub(usize::from(back.base));
            r.pc = back.return_to.sub(1);
        } else {
            r.pc = return_to.sub(1);
            r.fp = r.fp.sub(usize::from((*r.pc).a()));
        }
        true
    }
}

/// The clause that catches the pending exception at word `at` of `code`, and where its table begins. Every clause that is looked
/// at is paid for.
fn find(vm: &mut Vm, instance: &Instance, code: &Code, at: usize) -> Result<Option<(Caught, usize)>, Trap> {
    let (tag, price) = (vm.exceptions.get(vm.exceptions.pending).tag, vm.schedule.clause_cost());
    for (caught, table) in code.catches(at) {
        vm.meter.charge(price)?;
        if caught.tag.is_none_or(|own| instance.tags[own as usize] == tag) {
            return Ok(Some((caught, table)));
        }
    }
    Ok(None)
}

/// Puts what the clause wants of the pending exception into the frame. It is pending no more, and gone if nobody refers to it.
unsafe fn deliver(vm: *mut Vm, r: &mut Regs, caught: Caught) {
    // SAFETY: as for `unwind`. Values of a label lie in the frame: its static height counts them.
    unsafe {
        let exceptions = &mut (*vm).exceptions;
        let reference = core::mem::take(&mut exceptions.pending);
        let mut home = caught.home;
        if caught.tag.is_some() {
            for value in &exceptions.get(reference).values {
                r.set_slot(home, *value);
                home += 1;
            }
        }
        if caught.with_reference {
            exceptions.hold(reference);
            r.set_slot(home, reference);
        } else {
            exceptions.release(reference);
        }
    }
}

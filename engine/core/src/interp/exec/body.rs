//! The definition of every op: a type per op, its body one inline function over the registers. Both dispatch back ends are
//! made from these.
//!
//! Contract of all bodies, kept by the translator: the code at `pc` is complete and ends in an op that leaves it; slot
//! numbers are below the height of the running function, whose slots lie in the stack; i32 values are zero-extended.
//! The `checked` feature tests slots and code addresses at every access.

mod breaks;
mod control;
mod memory;
mod value;

pub(crate) use breaks::*;
pub(crate) use control::*;
pub(crate) use memory::*;
pub(crate) use value::*;

use super::memory::{Memory, PAGE};
use super::vm::{BUDGET_SPENT, Func, Instance, Vm, budget_of};
use crate::error::Trap;
use crate::interp::code::{self, Family, HEADER_WORDS, Kind, TO_SLOT, Word};
use core::marker::PhantomData;

/// The interpreter's registers. `vm` is pinned; the others change.
#[derive(Clone, Copy)]
pub(crate) struct Regs {
    pub vm: *mut Vm,
    pub pc: *const Word,
    pub fp: *mut u64,
    pub mem: *mut u8,
    pub acc: u64,
}

/// The fields of the op at an address.
#[derive(Clone, Copy)]
pub(crate) struct Fields(*const Word);

macro_rules! field {
    ($($name:ident: $ty:ty = $index:literal;)*) => { $(
        #[inline(always)]
        pub fn $name(self) -> $ty {
            // SAFETY: made for a complete op alone (contract), whose word lies in memory in this machine's order; the index
            // counts from the lowest bits.
            unsafe {
                let parts = self.0.cast::<$ty>();
                let last = 8 / size_of::<$ty>() - 1;
                *parts.add(if cfg!(target_endian = "little") { $index } else { last - $index })
            }
        }
    )* };
}

impl Fields {
    field! {
        code: u16 = 0;
        a: u16 = 1;
        b: u16 = 2;
        c: u16 = 3;
        high: u32 = 1;
    }
}

/// What comes after a body.
pub(crate) enum Flow {
    /// The op at `pc`.
    Next,
    /// The block at `pc` is entered but not covered by the counter: the reserve decides.
    Unpaid,
    /// The op at `pc`, which has changed nothing yet, accesses memory at [`Vm::beyond`], which is not all open.
    Beyond,
    /// The function whose header is at `pc` is called with its frame at `fp`, but not by the fast path.
    Enter,
    /// The run ends in a trap.
    Trap(Trap),
    /// The run ends for the reason in [`Vm::stop`].
    Stop,
    /// The run is over.
    Done,
}

/// One op.
pub(crate) trait Body {
    /// Its code.
    const CODE: u16;
    /// The words that it takes; 0: as many as it says itself.
    const WORDS: usize = 1;
    /// The codes of the ops that a fused op is made of, in order.
    const PARTS: Parts = [Self::CODE, NONE, NONE];
    /// What it does.
    ///
    /// # Safety
    /// The contract of this module's bodies.
    unsafe fn run(r: &mut Regs) -> Flow;
}

/// Up to three codes, [`NONE`] where there are fewer.
pub(crate) type Parts = [u16; 3];

/// No code.
pub(crate) const NONE: u16 = u16::MAX;

/// An op that goes on to the op behind it, or ends the run: one that may be fused with what follows.
pub(crate) trait Straight: Body {}

impl Regs {
    /// The op at `pc`. Its fields are loaded one by one: cheaper than one load and many shifts.
    #[inline(always)]
    pub unsafe fn word(&self) -> Fields {
        Fields(self.pc)
    }

    #[inline(always)]
    pub unsafe fn extension(&self) -> Word {
        // SAFETY: the op at `pc` has an extension word (its body knows).
        unsafe { *self.pc.add(1) }
    }

    #[inline(always)]
    pub unsafe fn slot(&self, index: u16) -> u64 {
        self.check_slot(index);
        // SAFETY: slot numbers are below the frame's height (contract).
        unsafe { *self.fp.add(usize::from(index)) }
    }

    #[inline(always)]
    pub unsafe fn set_slot(&mut self, index: u16, value: u64) {
        self.check_slot(index);
        // SAFETY: slot numbers are below the frame's height (contract).
        unsafe { *self.fp.add(usize::from(index)) = value }
    }

    /// Copies `N` slots that are apart, all read before any is written.
    #[inline(always)]
    pub unsafe fn copy_slots<const N: usize>(&mut self, to: u16, from: u16) {
        let last = N as u16 - 1;
        self.check_slot(from + last);
        self.check_slot(to + last);
        // SAFETY: slot numbers are below the frame's height (contract), for the last slot too.
        unsafe {
            let values = self.fp.add(usize::from(from)).cast::<[u64; N]>().read();
            self.fp.add(usize::from(to)).cast::<[u64; N]>().write(values);
        }
    }

    #[inline(always)]
    fn check_slot(&self, index: u16) {
        if cfg!(feature = "checked") {
            // SAFETY: `vm` is the running machine.
            let owns = unsafe { (*self.vm).owns_slots(self.fp.wrapping_add(usize::from(index)), 1) };
            assert!(owns, "an op's slot lies in the stack");
        }
    }

    /// Goes `offset` words on.
    #[inline(always)]
    pub unsafe fn jump(&mut self, offset: i32) {
        // SAFETY: branch targets lie in the same function's code (contract).
        self.pc = unsafe { self.pc.offset(offset as isize) };
        if cfg!(feature = "checked") {
            // SAFETY: the running instance is alive while its code runs; code without one is a test's.
            let instance = unsafe { (*self.vm).instance.as_ref() };
            let stays = instance.is_none_or(|instance| instance.prepared.code.function_at(self.pc).is_some());
            assert!(stays, "a branch stays in the module's code");
        }
    }

    /// Pays `cost` particles for the block at `pc`.
    #[inline(always)]
    pub unsafe fn pay(&mut self, cost: u32) -> Flow {
        // SAFETY: `vm` is the running machine and nothing else refers to its meter.
        let counter = unsafe { &mut (*self.vm).meter.counter };
        // Cannot wrap: the counter was not negative and a cost has 32 bits.
        *counter -= i64::from(cost);
        if *counter < 0 { Flow::Unpaid } else { Flow::Next }
    }

    /// Loads base and bounds of the running instance's memory again.
    #[inline(always)]
    pub unsafe fn reload_memory(&mut self) {
        // SAFETY: `vm.memory` always points at a memory of the machine's arena.
        unsafe {
            let memory: &Memory = &*(*self.vm).memory;
            self.mem = memory.data_ptr();
            (*self.vm).bounds = memory.bounds();
        }
    }

    /// Leaves an op whose access at `at` is not in bounds.
    #[inline(always)]
    pub unsafe fn beyond(&self, at: u64) -> Flow {
        // SAFETY: `vm` is the running machine.
        unsafe { (*self.vm).beyond = at };
        Flow::Beyond
    }

    /// Opens memory for the access that was not in bounds; false: that is no access to memory at all.
    pub unsafe fn open_memory(&mut self) -> bool {
        // SAFETY: `vm` is the running machine; its memory is one of its arena, to which nothing else refers now.
        unsafe {
            let opened = (*(*self.vm).memory).open((*self.vm).beyond);
            self.reload_memory();
            opened
        }
    }

    /// Runs `f` with these registers in the machine, where it may change them. By memory and not by reference: a reference
    /// to registers that outlives inlining would keep every handler that has one from ending in a jump.
    #[inline(always)]
    pub unsafe fn out_of_line(&mut self, f: impl FnOnce(*mut Vm) -> Flow) -> Flow {
        // SAFETY: `vm` is the running machine.
        unsafe {
            let saved = &mut (*self.vm).saved;
            (saved.pc, saved.fp, saved.acc) = (self.pc, self.fp, self.acc);
            let flow = f(self.vm);
            let saved = &(*self.vm).saved;
            (self.pc, self.fp, self.acc) = (saved.pc, saved.fp, saved.acc);
            self.reload_memory();
            flow
        }
    }

    /// Ends the run: notes where, and makes a trap of what nothing helped.
    #[inline(always)]
    pub unsafe fn leave(&self, flow: Flow) -> Flow {
        // SAFETY: `vm` is the running machine.
        unsafe { ((*self.vm).saved.pc, (*self.vm).saved.fp) = (self.pc, self.fp) };
        match flow {
            Flow::Unpaid => Flow::Trap(Trap::OutOfGas),
            Flow::Beyond => Flow::Trap(Trap::MemoryOutOfBounds),
            flow => flow,
        }
    }

    /// Enters the function with header `header` and frame `fp`; its return goes to `return_to`.
    #[inline(always)]
    pub unsafe fn enter(&mut self, header: *const Word, fp: *mut u64, return_to: *const Word) -> Flow {
        // SAFETY: `header` is the header of a function (contract), `vm` the running machine.
        unsafe {
            let (costs, frame) = (*header, *header.add(1));
            let vm = &mut *self.vm;
            let cost = i64::from(costs.low()) + i64::from(costs.high());
            let left = vm.meter.counter - cost;
            let budget = vm.budget.wrapping_sub(budget_of(frame.code()));
            self.fp = fp;
            if left < 0 || budget & BUDGET_SPENT != 0 {
                vm.return_to = return_to;
                self.pc = header;
                return Flow::Enter;
            }
            (vm.meter.counter, vm.budget) = (left, budget);
            self.open_frame(frame, return_to);
            self.pc = header.add(HEADER_WORDS);
        }
        Flow::Next
    }

    /// Zeroes the declared locals of the frame at `fp` and notes the return address.
    #[inline(always)]
    pub unsafe fn open_frame(&mut self, frame: Word, return_to: *const Word) {
        let (params, locals) = (usize::from(frame.a()), usize::from(frame.b()));
        // SAFETY: the budget covers the frame's height, which counts parameters, locals and control slots. Volatile, so
        // that the loop stays a loop: most functions have few locals, and a call to memset would spill every register.
        unsafe {
            let mut slot = self.fp.add(params);
            let end = slot.add(locals);
            while slot != end {
                slot.write_volatile(0);
                slot = slot.add(1);
            }
            *end = return_to as usize as u64;
        }
    }
}

// ---- operands ----

/// Where a left operand is: field b (of a branch: a), or the accumulator.
pub(crate) trait Left {
    const KIND: Kind;
    unsafe fn get(r: &Regs, w: Fields) -> u64;
    unsafe fn left_of_branch(r: &Regs, w: Fields) -> u64;
}

/// Where a right operand is: field c (of a branch: b), the accumulator, or the extension word.
pub(crate) trait Right {
    const KIND: Kind;
    unsafe fn get(r: &Regs, w: Fields) -> u64;
    unsafe fn right_of_branch(r: &Regs, w: Fields) -> u64;
}

/// In a slot.
pub(crate) struct S;
/// An immediate.
pub(crate) struct I;
/// In the accumulator.
pub(crate) struct A;
/// In the extension word.
pub(crate) struct K;

macro_rules! operand {
    ($($side:ident $branch:ident $ty:ident $kind:ident = |$r:ident, $w:ident| $value:expr, $of_branch:expr;)*) => { $(
        impl $side for $ty {
            const KIND: Kind = Kind::$kind;
            #[inline(always)]
            unsafe fn get($r: &Regs, $w: Fields) -> u64 {
                // SAFETY: the form says that the operand is there (contract).
                #[allow(unused_unsafe)]
                unsafe { $value }
            }
            #[inline(always)]
            unsafe fn $branch($r: &Regs, $w: Fields) -> u64 {
                // SAFETY: the form says that the operand is there (contract).
                #[allow(unused_unsafe)]
                unsafe { $of_branch }
            }
        }
    )* };
}

operand! {
    Left left_of_branch S Slot = |r, w| r.slot(w.b()), r.slot(w.a());
    Left left_of_branch I Imm = |_r, w| immediate(w.b()), immediate(w.a());
    Left left_of_branch A Acc = |r, _w| r.acc, r.acc;
    Right right_of_branch S Slot = |r, w| r.slot(w.c()), r.slot(w.b());
    Right right_of_branch I Imm = |_r, w| immediate(w.c()), immediate(w.b());
    Right right_of_branch A Acc = |r, _w| r.acc, r.acc;
    Right right_of_branch K Ext = |r, _w| r.extension().0, r.extension().0;
}

/// The slot of a 16-bit immediate.
#[inline(always)]
fn immediate(field: u16) -> u64 {
    i64::from(field as i16) as u64
}

/// Where a value goes: always the accumulator, and slot `a` too if the form says so.
pub(crate) trait To {
    const BIT: u16;
}

/// Nowhere else.
pub(crate) struct ToAcc;
/// To slot `a`.
pub(crate) struct ToSlot;

impl To for ToAcc {
    const BIT: u16 = 0;
}

impl To for ToSlot {
    const BIT: u16 = TO_SLOT;
}

#[inline(always)]
unsafe fn put<D: To>(r: &mut Regs, w: Fields, value: u64) {
    r.acc = value;
    if D::BIT != 0 {
        // SAFETY: the form says that `a` is a slot.
        unsafe { r.set_slot(w.a(), value) }
    }
}

/// Words of an op that may have an extension.
const fn words(extended: bool) -> usize {
    if extended { 2 } else { 1 }
}

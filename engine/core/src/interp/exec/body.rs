//! The definition of every op: a type per op, its body one inline function over the registers. Both dispatch back ends are
//! made from these.
//!
//! Contract of all bodies, kept by the translator: the code at `pc` is complete and ends in an op that leaves it; slot
//! numbers are below the height of the running function, whose slots lie in the stack; i32 values are zero-extended.
//! The `checked` feature tests slots and code addresses at every access.

use super::functions::{Access, Binary, Compare, Partial, Unary};
use super::memory::Memory;
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
            // SAFETY: the running instance is alive while its code runs.
            let instance = unsafe { &*(*self.vm).instance };
            assert!(instance.prepared.code.function_at(self.pc).is_some(), "a branch stays in the module's code");
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

    /// Ends the run: notes where, and makes an unpaid block what it is.
    #[inline(always)]
    pub unsafe fn leave(&self, flow: Flow) -> Flow {
        // SAFETY: `vm` is the running machine.
        unsafe { (*self.vm).saved.pc = self.pc };
        if matches!(flow, Flow::Unpaid) { Flow::Trap(Trap::OutOfGas) } else { flow }
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

// ---- values ----

/// A total function of two operands.
pub(crate) struct Bin<F, L, R, D>(PhantomData<(F, L, R, D)>);

impl<F: Binary, L: Left, R: Right, D: To> Straight for Bin<F, L, R, D> {}

impl<F: Binary, L: Left, R: Right, D: To> Body for Bin<F, L, R, D> {
    const CODE: u16 = F::FAMILY.value(code::pair(L::KIND, R::KIND), D::BIT);
    const WORDS: usize = words(matches!(R::KIND, Kind::Ext));
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract.
        unsafe {
            let w = r.word();
            let value = F::apply(L::get(r, w), R::get(r, w));
            put::<D>(r, w, value);
            r.pc = r.pc.add(Self::WORDS);
        }
        Flow::Next
    }
}

/// A function of two operands that may trap.
pub(crate) struct Try<F, L, R, D>(PhantomData<(F, L, R, D)>);

impl<F: Partial, L: Left, R: Right, D: To> Straight for Try<F, L, R, D> {}

impl<F: Partial, L: Left, R: Right, D: To> Body for Try<F, L, R, D> {
    const CODE: u16 = F::FAMILY.value(code::pair(L::KIND, R::KIND), D::BIT);
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract.
        unsafe {
            let w = r.word();
            match F::apply(L::get(r, w), R::get(r, w)) {
                Ok(value) => put::<D>(r, w, value),
                Err(trap) => return Flow::Trap(trap),
            }
            r.pc = r.pc.add(1);
        }
        Flow::Next
    }
}

/// A function of one operand, in slot b or the accumulator; some trap.
pub(crate) struct Un<F, L, D>(PhantomData<(F, L, D)>);

impl<F: Unary, L: Left, D: To> Straight for Un<F, L, D> {}

impl<F: Unary, L: Left, D: To> Body for Un<F, L, D> {
    const CODE: u16 = F::FAMILY.value(code::single(L::KIND), D::BIT);
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract.
        unsafe {
            let w = r.word();
            match F::apply(L::get(r, w)) {
                Ok(value) => put::<D>(r, w, value),
                Err(trap) => return Flow::Trap(trap),
            }
            r.pc = r.pc.add(1);
        }
        Flow::Next
    }
}

/// One of two slots.
pub(crate) struct Select<C, D>(PhantomData<(C, D)>);

impl<C: Left, D: To> Straight for Select<C, D> {}

impl<C: Left, D: To> Body for Select<C, D> {
    const CODE: u16 = Family::Select.value(code::single(C::KIND), D::BIT);
    const WORDS: usize = words(matches!(C::KIND, Kind::Slot));
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract.
        unsafe {
            let w = r.word();
            let in_slot = matches!(C::KIND, Kind::Slot);
            let condition = if in_slot { r.slot(r.extension().code()) } else { r.acc };
            // A conditional move on two loaded values: branches on data would be mispredicted.
            let (yes, no) = (r.slot(w.b()), r.slot(w.c()));
            put::<D>(r, w, if condition as u32 != 0 { yes } else { no });
            r.pc = r.pc.add(Self::WORDS);
        }
        Flow::Next
    }
}

/// A global's value.
pub(crate) struct GlobalGet<D>(PhantomData<D>);

impl<D: To> Straight for GlobalGet<D> {}

impl<D: To> Body for GlobalGet<D> {
    const CODE: u16 = Family::GlobalGet.value(0, D::BIT);
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: validated: the running instance has this global, whose cell lives in the arena.
        unsafe {
            let w = r.word();
            let value = **(*r.vm).globals.add(w.high() as usize);
            put::<D>(r, w, value);
            r.pc = r.pc.add(1);
        }
        Flow::Next
    }
}

/// Sets a global to slot a or the accumulator.
pub(crate) struct GlobalSet<L>(PhantomData<L>);

impl<L: Left> Straight for GlobalSet<L> {}

impl<L: Left> Body for GlobalSet<L> {
    const CODE: u16 = Family::GlobalSet.effect(code::single(L::KIND));
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: as for `GlobalGet`; nothing else refers to the cell while code runs.
        unsafe {
            let w = r.word();
            let value = if matches!(L::KIND, Kind::Slot) { r.slot(w.a()) } else { r.acc };
            **(*r.vm).globals.add(w.high() as usize) = value;
            r.pc = r.pc.add(1);
        }
        Flow::Next
    }
}

/// Pages of memory 0.
pub(crate) struct MemorySize<D>(PhantomData<D>);

impl<D: To> Body for MemorySize<D> {
    const CODE: u16 = Family::MemorySize.value(0, D::BIT);
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract.
        unsafe {
            let w = r.word();
            let memory: &Memory = &*(*r.vm).memory;
            let pages = u64::from(memory.pages().0);
            put::<D>(r, w, pages);
            r.pc = r.pc.add(1);
        }
        Flow::Next
    }
}

/// To slot a, the accumulator untouched.
pub(crate) struct Copy<const FORM: u16>;

impl<const FORM: u16> Straight for Copy<FORM> {}

impl<const FORM: u16> Body for Copy<FORM> {
    const CODE: u16 = Family::Copy.effect(FORM);
    const WORDS: usize = words(FORM == 4);
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract.
        unsafe {
            let w = r.word();
            let value = match FORM {
                5..8 => {
                    match FORM {
                        6 => r.copy_slots::<2>(w.a(), w.b()),
                        7 => r.copy_slots::<4>(w.a(), w.b()),
                        // Upwards: the target is below the source, or apart.
                        _ => (0..w.c()).for_each(|i| r.copy_slots::<1>(w.a() + i, w.b() + i)),
                    }
                    r.pc = r.pc.add(1);
                    return Flow::Next;
                }
                0 => r.slot(w.b()),
                1 => r.acc,
                2 => u64::from(w.high()),
                3 => i64::from(w.high() as i32) as u64,
                _ => r.extension().0,
            };
            r.set_slot(w.a(), value);
            r.pc = r.pc.add(Self::WORDS);
        }
        Flow::Next
    }
}

// ---- memory ----

/// Where an address is: slot, accumulator, or an absolute 32-bit immediate in b:c.
#[inline(always)]
unsafe fn address<L: Left>(r: &Regs, w: Fields, slot: u16, near: u16, far: bool) -> u64 {
    // SAFETY: contract.
    unsafe {
        let base = match L::KIND {
            Kind::Slot => r.slot(slot),
            Kind::Acc => r.acc,
            _ => return u64::from(w.high()),
        };
        // Both below 2^32: no wrap in 64 bits.
        base + if far { r.extension().0 } else { u64::from(near) }
    }
}

/// Loads and widens.
pub(crate) struct Load<F, L, D, const FAR: bool>(PhantomData<(F, L, D)>);

impl<F: Access, L: Left, D: To, const FAR: bool> Straight for Load<F, L, D, FAR> {}

impl<F: Access, L: Left, D: To, const FAR: bool> Body for Load<F, L, D, FAR> {
    const CODE: u16 = F::FAMILY.value(code::load(L::KIND, FAR), D::BIT);
    const WORDS: usize = words(FAR);
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract; the access lies in memory by the check.
        unsafe {
            let w = r.word();
            let at = address::<L>(r, w, w.b(), w.c(), FAR);
            if !(*r.vm).bounds.hold(at, F::SIZE) {
                return Flow::Trap(Trap::MemoryOutOfBounds);
            }
            let value = F::load(r.mem.add(at as usize));
            put::<D>(r, w, value);
            r.pc = r.pc.add(Self::WORDS);
        }
        Flow::Next
    }
}

/// Stores the low bytes: address in slot a (or as for loads), value in slot b, the accumulator, or an immediate.
pub(crate) struct Store<F, L, V, const FAR: bool>(PhantomData<(F, L, V)>);

impl<F: Access, L: Left, V: Left, const FAR: bool> Straight for Store<F, L, V, FAR> {}

impl<F: Access, L: Left, V: Left, const FAR: bool> Body for Store<F, L, V, FAR> {
    const CODE: u16 = F::FAMILY.effect(code::store(L::KIND, V::KIND, FAR));
    const WORDS: usize = words(FAR);
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract; the access lies in memory by the check.
        unsafe {
            let w = r.word();
            let at = address::<L>(r, w, w.a(), w.c(), FAR);
            // With an absolute address in b:c the value's field is a.
            let value = match (L::KIND, V::KIND) {
                (Kind::Imm, Kind::Slot) => r.slot(w.a()),
                (Kind::Imm, Kind::Imm) => immediate(w.a()),
                _ => V::get(r, w),
            };
            if !(*r.vm).bounds.hold(at, F::SIZE) {
                return Flow::Trap(Trap::MemoryOutOfBounds);
            }
            F::store(r.mem.add(at as usize), value);
            r.pc = r.pc.add(Self::WORDS);
        }
        Flow::Next
    }
}

// ---- control ----

/// Branches on a comparison of a and b.
pub(crate) struct Branch<F, L, R>(PhantomData<(F, L, R)>);

impl<F: Compare, L: Left, R: Right> Body for Branch<F, L, R> {
    const CODE: u16 = F::BRANCH.effect(code::pair(L::KIND, R::KIND));
    const WORDS: usize = 2;
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract.
        unsafe {
            let w = r.word();
            let costs = r.extension();
            // Operands are one field further left than in a value's op: the offset has c.
            if F::apply(L::left_of_branch(r, w), R::right_of_branch(r, w)) != 0 {
                r.jump(i32::from(w.c() as i16));
                r.pay(costs.low())
            } else {
                r.pc = r.pc.add(2);
                r.pay(costs.high())
            }
        }
    }
}

/// Branches when a value is (not) zero.
pub(crate) struct BranchZero<L, const WHEN: bool, const WIDE: bool>(PhantomData<L>);

impl<L: Left, const WHEN: bool, const WIDE: bool> Body for BranchZero<L, WHEN, WIDE> {
    const CODE: u16 = match (WHEN, WIDE) {
        (true, false) => Family::BrZero,
        (false, false) => Family::BrNonZero,
        (true, true) => Family::BrZeroWide,
        (false, true) => Family::BrNonZeroWide,
    }
    .effect(code::single(L::KIND));
    const WORDS: usize = 2;
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract.
        unsafe {
            let w = r.word();
            let costs = r.extension();
            let value = if matches!(L::KIND, Kind::Slot) { r.slot(w.a()) } else { r.acc };
            if (value as u32 == 0) == WHEN {
                r.jump(if WIDE { w.high() as i32 } else { i32::from(w.c() as i16) });
                r.pay(costs.low())
            } else {
                r.pc = r.pc.add(2);
                r.pay(costs.high())
            }
        }
    }
}

/// Branches always.
pub(crate) struct Br<const WIDE: bool>;

impl<const WIDE: bool> Body for Br<WIDE> {
    const CODE: u16 = if WIDE { Family::BrWide } else { Family::Br }.effect(0);
    const WORDS: usize = words(WIDE);
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract.
        unsafe {
            let w = r.word();
            let cost = if WIDE { r.extension().low() } else { w.high() };
            r.jump(if WIDE { w.high() as i32 } else { i32::from(w.a() as i16) });
            r.pay(cost)
        }
    }
}

/// Branches by a table.
pub(crate) struct BrTable<L>(PhantomData<L>);

impl<L: Left> Body for BrTable<L> {
    const CODE: u16 = Family::BrTable.effect(code::single(L::KIND));
    const WORDS: usize = 0;
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract; there are b:c entries and a default behind the word.
        unsafe {
            let w = r.word();
            let index = if matches!(L::KIND, Kind::Slot) { r.slot(w.a()) } else { r.acc } as u32;
            let entry = *r.pc.add(1 + index.min(w.high()) as usize);
            r.jump(entry.low() as i32);
            r.pay(entry.high())
        }
    }
}

/// Pays for the block that is fallen into.
pub(crate) struct Charge;

impl Straight for Charge {}

impl Body for Charge {
    const CODE: u16 = Family::Charge.effect(0);
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract.
        unsafe {
            let w = r.word();
            r.pc = r.pc.add(1);
            r.pay(w.high())
        }
    }
}

/// Calls a function of the same module.
pub(crate) struct Call;

impl Body for Call {
    const CODE: u16 = Family::Call.effect(0);
    const WORDS: usize = 2;
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract; the offset leads to a function's header.
        unsafe {
            let w = r.word();
            let fp = r.fp.add(usize::from(w.a()));
            r.enter(r.pc.offset(w.high() as i32 as isize), fp, r.pc.add(1))
        }
    }
}

/// Calls through a table.
pub(crate) struct CallIndirect;

impl Body for CallIndirect {
    const CODE: u16 = Family::CallIndirect.effect(0);
    const WORDS: usize = 2;
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract; validated: the instance has the table and the type; entries are null or functions of the arena.
        unsafe {
            let w = r.word();
            let instance: &Instance = &*(*r.vm).instance;
            let table = *instance.tables.get_unchecked(r.extension().high() as usize);
            let elements = &(*table).elements;
            let Some(&callee) = elements.get(r.slot(w.b()) as u32 as usize) else {
                return Flow::Trap(Trap::UndefinedElement);
            };
            let callee = callee as usize as *const Func;
            if callee.is_null() {
                return Flow::Trap(Trap::UninitializedElement);
            }
            if (*callee).signature != *instance.signatures.add(usize::from(w.c())) {
                return Flow::Trap(Trap::IndirectCallTypeMismatch);
            }
            let fp = r.fp.add(usize::from(w.a()));
            if core::ptr::eq((*callee).instance, instance) {
                r.enter((*callee).header, fp, r.pc.add(1))
            } else {
                r.out_of_line(|vm| super::slow::call(vm, callee))
            }
        }
    }
}

/// Calls through the instance: host functions, functions of other instances, and its own when they are translated late.
pub(crate) struct CallImport;

impl Body for CallImport {
    const CODE: u16 = Family::CallImport.effect(0);
    const WORDS: usize = 2;
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract; validated: the instance has the function.
        unsafe {
            let w = r.word();
            let callee = (*(*r.vm).instance).function(w.high());
            if !(*callee).instance.is_null() {
                return r.out_of_line(|vm| super::slow::call(vm, callee));
            }
            let base = usize::from(w.a());
            let fp = super::slow::call_host(r.vm, callee, r.fp.add(base));
            if fp.is_null() {
                return Flow::Stop;
            }
            r.acc = *fp;
            r.fp = fp.sub(base);
            r.reload_memory();
            let cost = r.extension().low();
            r.pc = r.pc.add(2);
            r.pay(cost)
        }
    }
}

/// Returns none, one or several values.
pub(crate) struct Return<const FORM: u16>;

impl<const FORM: u16> Body for Return<FORM> {
    const CODE: u16 = Family::Return.effect(FORM);
    const WORDS: usize = words(FORM == 3);
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract; the control slot holds the return address that `open_frame` put there, and the word before a
        // return address has the frame's distance in field a. Results fit the frame: they were its operands.
        unsafe {
            let w = r.word();
            let return_to = r.slot(w.a()) as usize as *const Word;
            match FORM {
                0 => {}
                1 => {
                    r.acc = r.slot(w.b());
                    r.set_slot(0, r.acc);
                }
                2 => r.set_slot(0, r.acc),
                _ => {
                    for i in 0..r.extension().code() {
                        let value = r.slot(w.b() + i);
                        r.set_slot(i, value);
                    }
                }
            }
            let call = *return_to.sub(1);
            (*r.vm).budget += budget_of(w.c());
            r.fp = r.fp.sub(usize::from(call.a()));
            r.pc = return_to.add(1);
            r.pay((*return_to).low())
        }
    }
}

/// Returns into the instance that called.
pub(crate) struct ReturnAcross;

impl Body for ReturnAcross {
    const CODE: u16 = Family::ReturnAcross.effect(0);
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: this op is reached by returns of calls that `slow::call` made across instances, each with its record.
        unsafe { r.out_of_line(|vm| super::slow::return_across(vm)) }
    }
}

/// Everything off the fast path.
pub(crate) struct Slow;

impl Body for Slow {
    const CODE: u16 = Family::Slow.effect(0);
    const WORDS: usize = 2;
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract.
        unsafe { r.out_of_line(|vm| super::slow::operator(vm)) }
    }
}

/// Has the function translated whose stub was entered.
pub(crate) struct Translate;

impl Body for Translate {
    const CODE: u16 = Family::Translate.effect(0);
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract.
        unsafe { r.out_of_line(|vm| super::slow::translate(vm)) }
    }
}

/// Traps.
pub(crate) struct TrapNow;

impl Body for TrapNow {
    const CODE: u16 = Family::Trap.effect(0);
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract; the translator writes numbers of existing traps.
        Flow::Trap(Trap::ALL[usize::from(unsafe { r.word() }.a())])
    }
}

/// Ends the run.
pub(crate) struct Exit;

impl Body for Exit {
    const CODE: u16 = Family::Exit.effect(0);
    #[inline(always)]
    unsafe fn run(_: &mut Regs) -> Flow {
        Flow::Done
    }
}

//! Ops that make values: arithmetic, selection, globals, copies.

use super::*;
use crate::interp::exec::functions::{Binary, Partial, Unary};

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

/// Pages of a near memory 0.
pub(crate) struct MemorySize<D>(PhantomData<D>);

impl<D: To> Body for MemorySize<D> {
    const CODE: u16 = Family::MemorySize.value(0, D::BIT);
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract.
        unsafe {
            let w = r.word();
            let memory: &Memory = &*(*r.vm).memory;
            let pages = (memory.len() / PAGE) as u64;
            put::<D>(r, w, pages);
            r.pc = r.pc.add(1);
        }
        Flow::Next
    }
}

/// The bytes of a slot in the opposite order, 8 of them or 4; goes on behind the ops that it stands for.
pub(crate) struct Reverse<const WIDE: bool, D>(PhantomData<D>);

impl<const WIDE: bool, D: To> Body for Reverse<WIDE, D> {
    const CODE: u16 = if WIDE { Family::I64Reverse } else { Family::I32Reverse }.value(0, D::BIT);
    const WORDS: usize = 0;
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract; c words on the code goes on.
        unsafe {
            let w = r.word();
            let value = r.slot(w.b());
            let value = if WIDE { value.swap_bytes() } else { u64::from((value as u32).swap_bytes()) };
            put::<D>(r, w, value);
            r.pc = r.pc.add(usize::from(w.c()));
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

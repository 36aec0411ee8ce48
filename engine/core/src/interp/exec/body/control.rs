//! Branches, calls, returns, and ops that leave the fast path.

use super::*;
use crate::interp::exec::functions::Compare;
use crate::interp::exec::machine::index_of;
use crate::interp::exec::{exception, far, slow, vector};

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
            let Some(&callee) = elements.get(index_of(r.slot(w.b()))) else {
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
                r.out_of_line(|vm| slow::call(vm, callee))
            }
        }
    }
}

/// Calls the function that a reference refers to.
pub(crate) struct CallRef;

impl Body for CallRef {
    const CODE: u16 = Family::CallIndirect.effect(1);
    const WORDS: usize = 2;
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract; validated: the reference is null or a function of the arena, of the type that the arguments are for.
        unsafe {
            let w = r.word();
            let callee = r.slot(w.b()) as usize as *const Func;
            if callee.is_null() {
                return Flow::Trap(Trap::NullReference);
            }
            if core::ptr::eq((*callee).instance, (*r.vm).instance) {
                let fp = r.fp.add(usize::from(w.a()));
                r.enter((*callee).header, fp, r.pc.add(1))
            } else {
                r.out_of_line(|vm| slow::call(vm, callee))
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
            let callee = Vm::callee(r.vm, w.high());
            let base = usize::from(w.a());
            if !(*callee).instance.is_null() {
                if core::ptr::eq((*callee).instance, (*r.vm).instance) && (*callee).native.is_null() {
                    return r.enter((*callee).header, r.fp.add(base), r.pc.add(1));
                }
                return r.out_of_line(|vm| slow::call(vm, callee));
            }
            let fp = slow::call_host(r.vm, callee, r.fp.add(base));
            if fp.is_null() {
                return r.out_of_line(|vm| exception::stopped(vm, (*vm).stopped_at));
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

/// Calls a function in the place of the running one.
pub(crate) struct TailCall<const FORM: u16>;

impl<const FORM: u16> Body for TailCall<FORM> {
    const CODE: u16 = Family::TailCall.effect(FORM);
    const WORDS: usize = 2;
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract.
        unsafe { r.out_of_line(|vm| slow::tail_call(vm, FORM)) }
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
        unsafe { r.out_of_line(|vm| slow::return_across(vm)) }
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
        unsafe { r.out_of_line(|vm| slow::operator(vm)) }
    }
}

/// A load or store in a far memory.
pub(crate) struct Far;

impl Body for Far {
    const CODE: u16 = Family::Far.effect(0);
    const WORDS: usize = 3;
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract.
        unsafe { r.out_of_line(|vm| far::access(vm)) }
    }
}

/// An operator on vectors.
pub(crate) struct Vector<const FORM: u16>;

impl<const FORM: u16> Body for Vector<FORM> {
    const CODE: u16 = Family::Vector.effect(FORM);
    const WORDS: usize = if FORM == 0 { 2 } else { 4 };
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract.
        unsafe { r.out_of_line(|vm| vector::operator(vm)) }
    }
}

/// Has the function translated whose stub was entered.
pub(crate) struct Translate;

impl Body for Translate {
    const CODE: u16 = Family::Translate.effect(0);
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract.
        unsafe { r.out_of_line(|vm| slow::translate(vm)) }
    }
}

/// Throws.
pub(crate) struct Throw<const FORM: u16>;

impl<const FORM: u16> Body for Throw<FORM> {
    const CODE: u16 = Family::Throw.effect(FORM);
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract.
        unsafe { r.out_of_line(|vm| exception::throw(vm, FORM)) }
    }
}

/// Goes on behind a table of what is caught.
pub(crate) struct TryTable;

impl Body for TryTable {
    const CODE: u16 = Family::TryTable.effect(0);
    const WORDS: usize = 0;
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract; b:c words on the code goes on.
        unsafe { r.jump(r.word().high() as i32) };
        Flow::Next
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

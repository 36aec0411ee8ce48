//! Loads and stores.

use super::*;
use crate::interp::exec::functions::Access;

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
                return r.beyond(at);
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
                return r.beyond(at);
            }
            F::store(r.mem.add(at as usize), value);
            r.pc = r.pc.add(Self::WORDS);
        }
        Flow::Next
    }
}

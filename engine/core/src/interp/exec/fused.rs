//! Fused ops: two or three ops that often follow each other, behind one dispatch.
//!
//! A fused op is a code and nothing else. It takes the place of its first op's code; all fields stay where they are, and the
//! ops behind the first keep their own codes, so that a branch may lead to them. Fusing therefore changes what no op does,
//! and may be left out anywhere.

use super::body::*;
use super::functions::*;
use super::ops::{expand_ops, for_each_op};
use crate::interp::code::{CODES, Family, Word};
use core::hint::select_unpredictable;
use core::marker::PhantomData;

/// `A`, which may be fused itself, and then `B`.
pub(crate) struct Fused<A, B>(PhantomData<(A, B)>);

impl<A: Straight, B: Straight> Straight for Fused<A, B> {}

impl<A: Straight, B: Body> Body for Fused<A, B> {
    const CODE: u16 = code_of(Self::PARTS);
    const WORDS: usize = A::WORDS;
    const PARTS: Parts = match A::PARTS {
        [first, NONE, _] => [first, B::CODE, NONE],
        [first, second, _] => [first, second, B::CODE],
    };
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract; an op behind a straight one is complete too, and `A` went on to it.
        unsafe {
            match A::run(r) {
                Flow::Next => B::run(r),
                flow => flow,
            }
        }
    }
}

/// Calls `$callback` with what is passed on and the type of every fused op. Chosen by counting: engine/docs/interpreter.md. A
/// fused op of three comes behind the pair that it begins with.
macro_rules! with_fused {
    ($callback:ident $($ops:tt)*) => {
        $callback! {
            $($ops)*
            [Fused<Bin<I32Add, A, I, ToAcc>, Load<Load32U, A, ToAcc, false>>]
            [Fused<Bin<I32Add, A, I, ToSlot>, GlobalSet<A>>]
            [Fused<Bin<I32Add, A, K, ToSlot>, Bin<I32ShrU, A, I, ToAcc>>]
            [Fused<Bin<I32Add, A, S, ToAcc>, Bin<I32Add, A, S, ToSlot>>]
            [Fused<Bin<I32Add, A, S, ToAcc>, Load<Load32U, A, ToSlot, false>>]
            [Fused<Bin<I32Add, A, S, ToAcc>, Load<Load64, A, ToAcc, false>>]
            [Fused<Bin<I32Add, A, S, ToSlot>, Bin<I32Add, S, I, ToAcc>>]
            [Fused<Bin<I32Add, A, S, ToSlot>, Bin<I32Add, S, I, ToSlot>>]
            [Fused<Bin<I32Add, S, I, ToAcc>, GlobalSet<A>>]
            [Fused<Bin<I32Add, S, I, ToAcc>, Load<Load32U, A, ToAcc, false>>]
            [Fused<Bin<I32Add, S, I, ToAcc>, Load<Load32U, A, ToSlot, false>>]
            [Fused<Bin<I32Add, S, I, ToAcc>, Load<Load64, A, ToAcc, false>>]
            [Fused<Bin<I32Add, S, I, ToAcc>, Load<Load64, A, ToSlot, false>>]
            [Fused<Bin<I32Add, S, I, ToAcc>, Load<Load8U, A, ToAcc, false>>]
            [Fused<Bin<I32Add, S, I, ToAcc>, Load<Load8U, A, ToSlot, false>>]
            [Fused<Bin<I32Add, S, I, ToAcc>, Store<Store8, A, I, false>>]
            [Fused<Bin<I32Add, S, I, ToSlot>, Bin<I32Add, S, I, ToAcc>>]
            [Fused<Bin<I32Add, S, I, ToSlot>, Bin<I32Add, S, I, ToSlot>>]
            [Fused<Bin<I32Add, S, I, ToSlot>, Bin<I32Sub, S, S, ToSlot>>]
            [Fused<Bin<I32Add, S, I, ToSlot>, Branch<I32LtU, I, A>>]
            [Fused<Bin<I32Add, S, I, ToSlot>, Branch<I32Ne, A, I>>]
            [Fused<Bin<I32Add, S, I, ToSlot>, Branch<I32Ne, A, S>>]
            [Fused<Bin<I32Add, S, I, ToSlot>, Branch<I32Ne, S, A>>]
            [Fused<Bin<I32Add, S, I, ToSlot>, BranchZero<A, false, false>>]
            [Fused<Bin<I32Add, S, I, ToSlot>, Call>]
            [Fused<Bin<I32Add, S, I, ToSlot>, Load<Load32U, S, ToSlot, false>>]
            [Fused<Bin<I32Add, S, I, ToSlot>, Load<Load64, A, ToSlot, false>>]
            [Fused<Bin<I32Add, S, I, ToSlot>, Load<Load64, S, ToSlot, false>>]
            [Fused<Bin<I32Add, S, I, ToSlot>, Store<Store32, S, A, false>>]
            [Fused<Bin<I32Add, S, K, ToSlot>, Bin<I32Add, S, I, ToAcc>>]
            [Fused<Bin<I32Add, S, S, ToAcc>, Bin<I32Add, A, I, ToAcc>>]
            [Fused<Bin<I32Add, S, S, ToAcc>, Load<Load32U, A, ToSlot, false>>]
            [Fused<Bin<I32Add, S, S, ToAcc>, Return<2>>]
            [Fused<Bin<I32Add, S, S, ToSlot>, Bin<I32Add, A, I, ToAcc>>]
            [Fused<Bin<I32Add, S, S, ToSlot>, Bin<I32Add, A, I, ToSlot>>]
            [Fused<Bin<I32Add, S, S, ToSlot>, Bin<I32Add, S, I, ToSlot>>]
            [Fused<Bin<I32Add, S, S, ToSlot>, Branch<I32LtS, A, S>>]
            [Fused<Bin<I32And, A, I, ToAcc>, Bin<I32Add, A, S, ToAcc>>]
            [Fused<Bin<I32And, A, I, ToSlot>, Branch<I32Eq, A, I>>]
            [Fused<Bin<I32LtU, S, A, ToAcc>, Select<A, ToSlot>>]
            [Fused<Bin<I32LtU, S, S, ToAcc>, Select<A, ToAcc>>]
            [Fused<Bin<I32Mul, A, S, ToAcc>, Bin<I32Add, A, S, ToSlot>>]
            [Fused<Bin<I32Mul, S, K, ToAcc>, Bin<I32Add, A, K, ToSlot>>]
            [Fused<Bin<I32Or, A, S, ToSlot>, GlobalSet<A>>]
            [Fused<Bin<I32Rotl, S, I, ToAcc>, Bin<I32Xor, A, S, ToSlot>>]
            [Fused<Bin<I32Shl, A, I, ToAcc>, Bin<I32Add, A, S, ToAcc>>]
            [Fused<Bin<I32Shl, A, I, ToAcc>, Bin<I32Add, A, S, ToSlot>>]
            [Fused<Bin<I32Shl, S, I, ToAcc>, Bin<I32Add, A, S, ToAcc>>]
            [Fused<Bin<I32Shl, S, I, ToAcc>, Bin<I32Add, A, S, ToSlot>>]
            [Fused<Bin<I32ShrU, A, I, ToAcc>, Bin<I32And, A, I, ToAcc>>]
            [Fused<Bin<I32Sub, S, A, ToAcc>, Bin<I32And, A, I, ToSlot>>]
            [Fused<Bin<I32Sub, S, S, ToSlot>, Bin<I32LtU, S, S, ToAcc>>]
            [Fused<Bin<I32Sub, S, S, ToSlot>, Bin<I32Sub, S, S, ToSlot>>]
            [Fused<Bin<I64Add, A, S, ToAcc>, Bin<I64Add, A, S, ToAcc>>]
            [Fused<Bin<I64Add, A, S, ToAcc>, Bin<I64Add, A, S, ToSlot>>]
            [Fused<Bin<I64Add, A, S, ToSlot>, Bin<I32Add, S, I, ToSlot>>]
            [Fused<Bin<I64Add, A, S, ToSlot>, Bin<I64And, A, K, ToAcc>>]
            [Fused<Bin<I64Add, A, S, ToSlot>, Bin<I64And, A, K, ToSlot>>]
            [Fused<Bin<I64Add, A, S, ToSlot>, Bin<I64LtU, S, S, ToSlot>>]
            [Fused<Bin<I64Add, A, S, ToSlot>, Bin<I64Mul, S, K, ToAcc>>]
            [Fused<Bin<I64Add, A, S, ToSlot>, Bin<I64Mul, S, S, ToAcc>>]
            [Fused<Bin<I64Add, A, S, ToSlot>, Bin<I64Shl, S, S, ToSlot>>]
            [Fused<Bin<I64Add, A, S, ToSlot>, Bin<I64ShrU, A, I, ToAcc>>]
            [Fused<Bin<I64Add, A, S, ToSlot>, Bin<I64ShrU, S, I, ToAcc>>]
            [Fused<Bin<I64Add, A, S, ToSlot>, Bin<I64ShrU, S, S, ToSlot>>]
            [Fused<Bin<I64Add, A, S, ToSlot>, Bin<I64Xor, A, S, ToAcc>>]
            [Fused<Bin<I64Add, A, S, ToSlot>, Store<Store32, S, A, false>>]
            [Fused<Bin<I64Add, S, S, ToSlot>, Bin<I64Add, A, S, ToSlot>>]
            [Fused<Bin<I64And, A, K, ToAcc>, Bin<I64Add, A, S, ToSlot>>]
            [Fused<Bin<I64And, A, S, ToAcc>, Bin<I64Xor, A, S, ToSlot>>]
            [Fused<Bin<I64And, S, K, ToSlot>, Bin<I64And, S, K, ToSlot>>]
            [Fused<Bin<I64LtU, A, S, ToSlot>, Bin<I64LtU, S, S, ToAcc>>]
            [Fused<Bin<I64LtU, S, S, ToAcc>, Bin<I32Or, A, S, ToSlot>>]
            [Fused<Bin<I64LtU, S, S, ToAcc>, Bin<I32Sub, S, A, ToAcc>>]
            [Fused<Bin<I64LtU, S, S, ToSlot>, Bin<I64LtU, S, S, ToAcc>>]
            [Fused<Bin<I64Mul, A, K, ToSlot>, Bin<I64Mul, S, K, ToAcc>>]
            [Fused<Bin<I64Mul, A, S, ToAcc>, Bin<I64Add, A, S, ToSlot>>]
            [Fused<Bin<I64Mul, S, K, ToAcc>, Bin<I64Add, A, S, ToAcc>>]
            [Fused<Bin<I64Mul, S, K, ToAcc>, Bin<I64Add, A, S, ToSlot>>]
            [Fused<Bin<I64Mul, S, S, ToAcc>, Bin<I64Add, A, S, ToSlot>>]
            [Fused<Bin<I64Mul, S, S, ToSlot>, Bin<I64Mul, S, S, ToAcc>>]
            [Fused<Bin<I64Rotl, A, I, ToSlot>, Bin<I64Add, A, S, ToSlot>>]
            [Fused<Bin<I64Rotl, A, I, ToSlot>, Bin<I64Xor, A, I, ToAcc>>]
            [Fused<Bin<I64Rotl, A, I, ToSlot>, Bin<I64Xor, S, S, ToAcc>>]
            [Fused<Bin<I64Rotl, S, I, ToAcc>, Bin<I64Xor, A, S, ToSlot>>]
            [Fused<Bin<I64Shl, A, I, ToAcc>, Bin<I64Xor, A, S, ToSlot>>]
            [Fused<Bin<I64Shl, S, A, ToAcc>, Bin<I64Add, A, S, ToSlot>>]
            [Fused<Bin<I64Shl, S, S, ToSlot>, Bin<I64Sub, I, S, ToAcc>>]
            [Fused<Bin<I64ShrU, A, I, ToAcc>, Bin<I64Add, A, S, ToSlot>>]
            [Fused<Bin<I64ShrU, A, I, ToAcc>, Bin<I64Xor, A, S, ToSlot>>]
            [Fused<Bin<I64ShrU, S, A, ToAcc>, Bin<I64Add, A, S, ToSlot>>]
            [Fused<Bin<I64ShrU, S, I, ToAcc>, Bin<I64Add, A, S, ToSlot>>]
            [Fused<Bin<I64ShrU, S, I, ToAcc>, Bin<I64Xor, A, S, ToSlot>>]
            [Fused<Bin<I64ShrU, S, S, ToSlot>, Bin<I64Sub, I, S, ToAcc>>]
            [Fused<Bin<I64Sub, I, S, ToAcc>, Bin<I64Shl, S, A, ToAcc>>]
            [Fused<Bin<I64Sub, I, S, ToAcc>, Bin<I64ShrU, S, A, ToAcc>>]
            [Fused<Bin<I64Xor, A, I, ToAcc>, Bin<I64And, A, S, ToAcc>>]
            [Fused<Bin<I64Xor, A, S, ToAcc>, Bin<I64Mul, A, K, ToSlot>>]
            [Fused<Bin<I64Xor, A, S, ToAcc>, Bin<I64Rotl, A, I, ToSlot>>]
            [Fused<Bin<I64Xor, A, S, ToAcc>, Bin<I64Xor, A, S, ToAcc>>]
            [Fused<Bin<I64Xor, A, S, ToAcc>, Bin<I64Xor, A, S, ToSlot>>]
            [Fused<Bin<I64Xor, A, S, ToSlot>, Bin<I64Mul, A, K, ToSlot>>]
            [Fused<Bin<I64Xor, A, S, ToSlot>, Bin<I64Rotl, A, I, ToSlot>>]
            [Fused<Bin<I64Xor, A, S, ToSlot>, Bin<I64Shl, A, I, ToAcc>>]
            [Fused<Bin<I64Xor, A, S, ToSlot>, Bin<I64ShrU, A, I, ToAcc>>]
            [Fused<Bin<I64Xor, A, S, ToSlot>, Bin<I64Xor, S, I, ToAcc>>]
            [Fused<Bin<I64Xor, A, S, ToSlot>, Bin<I64Xor, S, S, ToAcc>>]
            [Fused<Bin<I64Xor, A, S, ToSlot>, Copy<1>>]
            [Fused<Bin<I64Xor, S, I, ToAcc>, Bin<I64And, A, S, ToAcc>>]
            [Fused<Bin<I64Xor, S, S, ToAcc>, Bin<I64Rotl, A, I, ToSlot>>]
            [Fused<Bin<I64Xor, S, S, ToAcc>, Bin<I64Xor, A, S, ToAcc>>]
            [Fused<Charge, Bin<I32Add, S, I, ToSlot>>]
            [Fused<Charge, Bin<I32Add, S, S, ToAcc>>]
            [Fused<Copy<0>, Bin<I32Add, S, I, ToSlot>>]
            [Fused<Copy<0>, Br<false>>]
            [Fused<Copy<0>, Call>]
            [Fused<Copy<0>, Charge>]
            [Fused<Copy<0>, Copy<0>>]
            [Fused<Copy<1>, Bin<I64Xor, S, I, ToAcc>>]
            [Fused<Copy<1>, Copy<0>>]
            [Fused<Copy<1>, GlobalGet<ToSlot>>]
            [Fused<Copy<2>, Call>]
            [Fused<Copy<2>, Charge>]
            [Fused<Copy<2>, Copy<0>>]
            [Fused<Copy<2>, Copy<2>>]
            [Fused<Copy<2>, Select<A, ToAcc>>]
            [Fused<Copy<2>, Select<A, ToSlot>>]
            [Fused<Copy<5>, Call>]
            [Fused<GlobalGet<ToAcc>, Bin<I32Add, A, I, ToSlot>>]
            [Fused<GlobalGet<ToSlot>, GlobalGet<ToSlot>>]
            [Fused<GlobalSet<A>, Return<1>>]
            [Fused<GlobalSet<S>, GlobalSet<S>>]
            [Fused<Load<Load32U, A, ToAcc, false>, Bin<I32Add, A, I, ToSlot>>]
            [Fused<Load<Load32U, A, ToAcc, false>, Bin<I32Mul, A, S, ToAcc>>]
            [Fused<Load<Load32U, A, ToSlot, false>, Bin<I32Add, S, I, ToAcc>>]
            [Fused<Load<Load32U, A, ToSlot, false>, Branch<I32Eq, A, S>>]
            [Fused<Load<Load32U, A, ToSlot, false>, Copy<0>>]
            [Fused<Load<Load32U, S, ToSlot, false>, Bin<I64Mul, A, S, ToAcc>>]
            [Fused<Load<Load32U, S, ToSlot, false>, Copy<2>>]
            [Fused<Load<Load32U, S, ToSlot, false>, Load<Load32U, S, ToSlot, false>>]
            [Fused<Load<Load64, A, ToAcc, false>, Store<Store64, S, A, false>>]
            [Fused<Load<Load64, S, ToAcc, false>, Store<Store64, S, A, false>>]
            [Fused<Load<Load64, S, ToSlot, false>, Bin<I64LtU, A, S, ToSlot>>]
            [Fused<Load<Load64, S, ToSlot, false>, Load<Load64, S, ToSlot, false>>]
            [Fused<Load<Load8U, A, ToAcc, false>, Bin<I32Shl, A, I, ToAcc>>]
            [Fused<Load<Load8U, A, ToAcc, false>, BrTable<A>>]
            [Fused<Load<Load8U, A, ToAcc, false>, Store<Store8, S, A, false>>]
            [Fused<Load<Load8U, A, ToSlot, false>, Bin<I32Add, S, I, ToAcc>>]
            [Fused<Load<Load8U, S, ToAcc, false>, Store<Store8, S, A, false>>]
            [Fused<Select<A, ToAcc>, Branch<I32Ne, S, A>>]
            [Fused<Store<Store32, A, S, false>, Bin<I32Add, S, I, ToSlot>>]
            [Fused<Store<Store32, S, A, false>, Bin<I32Add, S, I, ToSlot>>]
            [Fused<Store<Store32, S, A, false>, Bin<I64ShrU, A, I, ToSlot>>]
            [Fused<Store<Store32, S, S, false>, Store<Store32, S, S, false>>]
            [Fused<Store<Store64, S, A, false>, Bin<I32Add, S, I, ToSlot>>]
            [Fused<Store<Store64, S, A, false>, Bin<I32Add, S, K, ToSlot>>]
            [Fused<Store<Store64, S, A, false>, Load<Load64, S, ToAcc, false>>]
            [Fused<Store<Store64, S, A, false>, Load<Load64, S, ToSlot, false>>]
            [Fused<Store<Store8, A, I, false>, Bin<I32Add, S, S, ToSlot>>]
            [Fused<Store<Store8, S, A, false>, Bin<I32Add, S, I, ToSlot>>]
            [Fused<Fused<Bin<I32Add, A, K, ToSlot>, Bin<I32ShrU, A, I, ToAcc>>, Bin<I32And, A, I, ToAcc>>]
            [Fused<Fused<Bin<I32Add, A, S, ToAcc>, Load<Load32U, A, ToSlot, false>>, Copy<0>>]
            [Fused<Fused<Bin<I32Add, A, S, ToSlot>, Bin<I32Add, S, I, ToAcc>>, Load<Load32U, A, ToSlot, false>>]
            [Fused<Fused<Bin<I32Add, A, S, ToSlot>, Bin<I32Add, S, I, ToSlot>>, Branch<I32LtU, I, A>>]
            [Fused<Fused<Bin<I32Add, S, I, ToAcc>, Load<Load32U, A, ToAcc, false>>, Bin<I32Mul, A, S, ToAcc>>]
            [Fused<Fused<Bin<I32Add, S, I, ToAcc>, Load<Load32U, A, ToSlot, false>>, Bin<I32Add, S, I, ToAcc>>]
            [Fused<Fused<Bin<I32Add, S, I, ToAcc>, Load<Load64, A, ToAcc, false>>, Store<Store64, S, A, false>>]
            [Fused<Fused<Bin<I32Add, S, I, ToAcc>, Load<Load8U, A, ToAcc, false>>, Bin<I32Shl, A, I, ToAcc>>]
            [Fused<Fused<Bin<I32Add, S, I, ToAcc>, Load<Load8U, A, ToAcc, false>>, BrTable<A>>]
            [Fused<Fused<Bin<I32Add, S, I, ToAcc>, Store<Store8, A, I, false>>, Bin<I32Add, S, S, ToSlot>>]
            [Fused<Fused<Bin<I32Add, S, I, ToSlot>, Bin<I32Add, S, I, ToAcc>>, Load<Load8U, A, ToAcc, false>>]
            [Fused<Fused<Bin<I32Add, S, I, ToSlot>, Bin<I32Add, S, I, ToSlot>>, Bin<I32Add, S, I, ToSlot>>]
            [Fused<Fused<Bin<I32Add, S, I, ToSlot>, Bin<I32Add, S, I, ToSlot>>, BranchZero<A, false, false>>]
            [Fused<Fused<Bin<I32Add, S, K, ToSlot>, Bin<I32Add, S, I, ToAcc>>, Load<Load64, A, ToAcc, false>>]
            [Fused<Fused<Bin<I32Add, S, S, ToAcc>, Load<Load32U, A, ToSlot, false>>, Branch<I32Eq, A, S>>]
            [Fused<Fused<Bin<I32And, A, I, ToAcc>, Bin<I32Add, A, S, ToAcc>>, Load<Load32U, A, ToSlot, false>>]
            [Fused<Fused<Bin<I32Mul, A, S, ToAcc>, Bin<I32Add, A, S, ToSlot>>, Bin<I32Add, S, I, ToAcc>>]
            [Fused<Fused<Bin<I32Mul, S, K, ToAcc>, Bin<I32Add, A, K, ToSlot>>, Bin<I32ShrU, A, I, ToAcc>>]
            [Fused<Fused<Bin<I32Or, A, S, ToSlot>, GlobalSet<A>>, Return<1>>]
            [Fused<Fused<Bin<I32Shl, A, I, ToAcc>, Bin<I32Add, A, S, ToAcc>>, Load<Load64, A, ToAcc, false>>]
            [Fused<Fused<Bin<I32ShrU, A, I, ToAcc>, Bin<I32And, A, I, ToAcc>>, Bin<I32Add, A, S, ToAcc>>]
            [Fused<Fused<Bin<I64Add, A, S, ToAcc>, Bin<I64Add, A, S, ToSlot>>, Bin<I32Add, S, I, ToSlot>>]
            [Fused<Fused<Bin<I64Add, A, S, ToSlot>, Bin<I64And, A, K, ToAcc>>, Bin<I64Add, A, S, ToSlot>>]
            [Fused<Fused<Bin<I64Add, A, S, ToSlot>, Bin<I64LtU, S, S, ToSlot>>, Bin<I64LtU, S, S, ToAcc>>]
            [Fused<Fused<Bin<I64Add, A, S, ToSlot>, Bin<I64Mul, S, K, ToAcc>>, Bin<I64Add, A, S, ToSlot>>]
            [Fused<Fused<Bin<I64Add, A, S, ToSlot>, Bin<I64Mul, S, S, ToAcc>>, Bin<I64Add, A, S, ToSlot>>]
            [Fused<Fused<Bin<I64Add, A, S, ToSlot>, Bin<I64ShrU, A, I, ToAcc>>, Bin<I64Add, A, S, ToSlot>>]
            [Fused<Fused<Bin<I64Add, A, S, ToSlot>, Bin<I64ShrU, S, I, ToAcc>>, Bin<I64Add, A, S, ToSlot>>]
            [Fused<Fused<Bin<I64Add, A, S, ToSlot>, Bin<I64Xor, A, S, ToAcc>>, Bin<I64Rotl, A, I, ToSlot>>]
            [Fused<Fused<Bin<I64Add, S, S, ToSlot>, Bin<I64Add, A, S, ToSlot>>, Bin<I64LtU, S, S, ToSlot>>]
            [Fused<Fused<Bin<I64And, A, S, ToAcc>, Bin<I64Xor, A, S, ToSlot>>, Bin<I64Xor, S, S, ToAcc>>]
            [Fused<Fused<Bin<I64And, A, S, ToAcc>, Bin<I64Xor, A, S, ToSlot>>, Copy<1>>]
            [Fused<Fused<Bin<I64And, S, K, ToSlot>, Bin<I64And, S, K, ToSlot>>, Bin<I64And, S, K, ToSlot>>]
            [Fused<Fused<Bin<I64LtU, S, S, ToAcc>, Bin<I32Or, A, S, ToSlot>>, GlobalSet<A>>]
            [Fused<Fused<Bin<I64LtU, S, S, ToSlot>, Bin<I64LtU, S, S, ToAcc>>, Bin<I32Or, A, S, ToSlot>>]
            [Fused<Fused<Bin<I64Mul, A, S, ToAcc>, Bin<I64Add, A, S, ToSlot>>, Store<Store32, S, A, false>>]
            [Fused<Fused<Bin<I64Mul, S, S, ToAcc>, Bin<I64Add, A, S, ToSlot>>, Bin<I64Mul, S, S, ToAcc>>]
            [Fused<Fused<Bin<I64Mul, S, S, ToAcc>, Bin<I64Add, A, S, ToSlot>>, Bin<I64ShrU, A, I, ToAcc>>]
            [Fused<Fused<Bin<I64Rotl, A, I, ToSlot>, Bin<I64Add, A, S, ToSlot>>, Bin<I64Xor, A, S, ToAcc>>]
            [Fused<Fused<Bin<I64Rotl, A, I, ToSlot>, Bin<I64Xor, A, I, ToAcc>>, Bin<I64And, A, S, ToAcc>>]
            [Fused<Fused<Bin<I64Rotl, A, I, ToSlot>, Bin<I64Xor, S, S, ToAcc>>, Bin<I64Rotl, A, I, ToSlot>>]
            [Fused<Fused<Bin<I64Shl, A, I, ToAcc>, Bin<I64Xor, A, S, ToSlot>>, Bin<I64ShrU, A, I, ToAcc>>]
            [Fused<Fused<Bin<I64Shl, S, A, ToAcc>, Bin<I64Add, A, S, ToSlot>>, Bin<I64ShrU, S, S, ToSlot>>]
            [Fused<Fused<Bin<I64Shl, S, S, ToSlot>, Bin<I64Sub, I, S, ToAcc>>, Bin<I64ShrU, S, A, ToAcc>>]
            [Fused<Fused<Bin<I64ShrU, A, I, ToAcc>, Bin<I64Add, A, S, ToSlot>>, Bin<I64Mul, S, K, ToAcc>>]
            [Fused<Fused<Bin<I64ShrU, A, I, ToAcc>, Bin<I64Add, A, S, ToSlot>>, Bin<I64Mul, S, S, ToAcc>>]
            [Fused<Fused<Bin<I64ShrU, A, I, ToAcc>, Bin<I64Xor, A, S, ToSlot>>, Bin<I64Shl, A, I, ToAcc>>]
            [Fused<Fused<Bin<I64ShrU, S, A, ToAcc>, Bin<I64Add, A, S, ToSlot>>, Bin<I64Shl, S, S, ToSlot>>]
            [Fused<Fused<Bin<I64ShrU, S, I, ToAcc>, Bin<I64Add, A, S, ToSlot>>, Bin<I64Mul, S, S, ToAcc>>]
            [Fused<Fused<Bin<I64ShrU, S, S, ToSlot>, Bin<I64Sub, I, S, ToAcc>>, Bin<I64Shl, S, A, ToAcc>>]
            [Fused<Fused<Bin<I64Sub, I, S, ToAcc>, Bin<I64Shl, S, A, ToAcc>>, Bin<I64Add, A, S, ToSlot>>]
            [Fused<Fused<Bin<I64Sub, I, S, ToAcc>, Bin<I64ShrU, S, A, ToAcc>>, Bin<I64Add, A, S, ToSlot>>]
            [Fused<Fused<Bin<I64Xor, A, I, ToAcc>, Bin<I64And, A, S, ToAcc>>, Bin<I64Xor, A, S, ToSlot>>]
            [Fused<Fused<Bin<I64Xor, A, S, ToAcc>, Bin<I64Rotl, A, I, ToSlot>>, Bin<I64Add, A, S, ToSlot>>]
            [Fused<Fused<Bin<I64Xor, A, S, ToAcc>, Bin<I64Xor, A, S, ToAcc>>, Bin<I64Xor, A, S, ToSlot>>]
            [Fused<Fused<Bin<I64Xor, A, S, ToSlot>, Bin<I64Shl, A, I, ToAcc>>, Bin<I64Xor, A, S, ToSlot>>]
            [Fused<Fused<Bin<I64Xor, A, S, ToSlot>, Bin<I64ShrU, A, I, ToAcc>>, Bin<I64Xor, A, S, ToSlot>>]
            [Fused<Fused<Bin<I64Xor, A, S, ToSlot>, Bin<I64Xor, S, S, ToAcc>>, Bin<I64Rotl, A, I, ToSlot>>]
            [Fused<Fused<Bin<I64Xor, A, S, ToSlot>, Copy<1>>, Bin<I64Xor, S, I, ToAcc>>]
            [Fused<Fused<Bin<I64Xor, S, I, ToAcc>, Bin<I64And, A, S, ToAcc>>, Bin<I64Xor, A, S, ToSlot>>]
            [Fused<Fused<Bin<I64Xor, S, S, ToAcc>, Bin<I64Rotl, A, I, ToSlot>>, Bin<I64Xor, A, I, ToAcc>>]
            [Fused<Fused<Bin<I64Xor, S, S, ToAcc>, Bin<I64Rotl, A, I, ToSlot>>, Bin<I64Xor, S, S, ToAcc>>]
            [Fused<Fused<Bin<I64Xor, S, S, ToAcc>, Bin<I64Xor, A, S, ToAcc>>, Bin<I64Xor, A, S, ToAcc>>]
            [Fused<Fused<Charge, Bin<I32Add, S, I, ToSlot>>, Call>]
            [Fused<Fused<Charge, Bin<I32Add, S, S, ToAcc>>, Return<2>>]
            [Fused<Fused<Copy<0>, Copy<0>>, Call>]
            [Fused<Fused<Copy<0>, Copy<0>>, Copy<0>>]
            [Fused<Fused<Copy<1>, Bin<I64Xor, S, I, ToAcc>>, Bin<I64And, A, S, ToAcc>>]
            [Fused<Fused<Copy<1>, GlobalGet<ToSlot>>, GlobalGet<ToSlot>>]
            [Fused<Fused<GlobalGet<ToAcc>, Bin<I32Add, A, I, ToSlot>>, GlobalSet<A>>]
            [Fused<Fused<GlobalGet<ToSlot>, GlobalGet<ToSlot>>, GlobalGet<ToSlot>>]
            [Fused<Fused<Load<Load32U, A, ToAcc, false>, Bin<I32Mul, A, S, ToAcc>>, Bin<I32Add, A, S, ToSlot>>]
            [Fused<Fused<Load<Load32U, A, ToSlot, false>, Bin<I32Add, S, I, ToAcc>>, Load<Load32U, A, ToAcc, false>>]
            [Fused<Fused<Load<Load32U, S, ToSlot, false>, Load<Load32U, S, ToSlot, false>>, Load<Load32U, S, ToSlot, false>>]
            [Fused<Fused<Load<Load64, A, ToAcc, false>, Store<Store64, S, A, false>>, Bin<I32Add, S, K, ToSlot>>]
            [Fused<Fused<Load<Load8U, A, ToAcc, false>, Bin<I32Shl, A, I, ToAcc>>, Bin<I32Add, A, S, ToAcc>>]
            [Fused<Fused<Load<Load8U, A, ToAcc, false>, Store<Store8, S, A, false>>, Bin<I32Add, S, I, ToSlot>>]
            [Fused<Fused<Store<Store64, S, A, false>, Bin<I32Add, S, K, ToSlot>>, Bin<I32Add, S, I, ToAcc>>]
            [Fused<Fused<Store<Store64, S, A, false>, Load<Load64, S, ToAcc, false>>, Store<Store64, S, A, false>>]
            [Fused<Fused<Store<Store8, A, I, false>, Bin<I32Add, S, S, ToSlot>>, Branch<I32LtS, A, S>>]
        }
    };
}
pub(crate) use with_fused;

macro_rules! list {
    ($([$op:ty])*) => {
        /// The parts of every fused op; its position is its code, counted from [`CODES`].
        const LIST: &[Parts] = &[$(<$op as Body>::PARTS),*];
    };
}
with_fused!(list);

/// All codes.
pub(crate) const ALL_CODES: usize = CODES + LIST.len();

const fn code_of(parts: Parts) -> u16 {
    let mut at = 0;
    while at < LIST.len() {
        let [a, b, c] = LIST[at];
        if a == parts[0] && b == parts[1] && c == parts[2] {
            return (CODES + at) as u16;
        }
        at += 1;
    }
    panic!("a fused op is in the list")
}

/// Code of the first op behind a code.
pub(crate) fn first_of(code: u16) -> u16 {
    LIST.get(usize::from(code).wrapping_sub(CODES)).map_or(code, |parts| parts[0])
}

/// Code of the last op behind a code.
pub(crate) fn last_of(code: u16) -> u16 {
    let at = usize::from(code).wrapping_sub(CODES);
    if at < LIST.len() { last_part(at) } else { code }
}

/// What loading asks about a code.
#[derive(Clone, Copy)]
struct Row {
    /// Words of the op that the code begins; 0: as many as it says itself.
    words: u8,
    /// Column of the code in [`GRID`], where it is the last part of a fused op; else 0.
    column: u8,
    /// Where its row begins, where it is the first; else 0, where an empty row begins.
    row: u16,
}

/// Rows for all codes, and for as many more as 12 bits can say: an index of these needs no check.
type Rows = [Row; 1 << 12];

const fn row_of(rows: &Rows, code: u16) -> Row {
    rows[code as usize % rows.len()]
}

macro_rules! words {
    ($([$op:ty])*) => {
        const fn with_words(mut rows: Rows) -> Rows {
            assert!(ALL_CODES <= rows.len());
            $(rows[<$op as Body>::CODE as usize].words = <$op as Body>::WORDS as u8;)*
            rows
        }
    };
}
for_each_op!(words);

/// The code that begins fused op `at`: a code of one op, or the pair that a fused op of three begins with.
const fn first_part(at: usize) -> u16 {
    match LIST[at] {
        [first, _, NONE] => first,
        [first, second, _] => code_of([first, second, NONE]),
    }
}

const fn last_part(at: usize) -> u16 {
    match LIST[at] {
        [_, second, NONE] => second,
        [_, _, third] => third,
    }
}

const ROWS: Rows = {
    let mut rows = with_words([Row { words: 1, column: 0, row: 0 }; 1 << 12]);
    let (mut columns, mut at) = (1, 0);
    while at < LIST.len() {
        let last = &mut rows[last_part(at) as usize];
        if last.column == 0 {
            assert!(columns < 256, "columns have 8 bits");
            last.column = columns as u8;
            columns += 1;
        }
        at += 1;
    }
    let mut begin = columns;
    at = 0;
    while at < LIST.len() {
        let first = &mut rows[first_part(at) as usize];
        if first.row == 0 {
            first.row = begin as u16;
            begin += columns;
        }
        at += 1;
    }
    assert!(begin <= GRID_CELLS);
    rows
};

static TABLE: Rows = ROWS;

/// A power of two: an index of these needs no check.
const GRID_CELLS: usize = 1 << 14;

/// Which fused op two codes make: its position in [`LIST`] plus 1, or 0. Rows of the first code, one cell for each column.
static GRID: [u8; GRID_CELLS] = {
    let (mut grid, mut at) = ([0; GRID_CELLS], 0);
    assert!(LIST.len() < 256, "cells have 8 bits");
    while at < LIST.len() {
        let (first, last) = (row_of(&ROWS, first_part(at)), row_of(&ROWS, last_part(at)));
        grid[first.row as usize + last.column as usize] = at as u8 + 1;
        at += 1;
    }
    grid
};

/// Words of the op that begins with `word`; of a fused one, of its first op.
#[inline]
pub(crate) fn words_of(word: Word) -> usize {
    match row_of(&TABLE, word.code()).words {
        0 if word.family() == Some(Family::BrTable) => 2 + word.high() as usize,
        0 if word.family() == Some(Family::TryTable) => 1 + 2 * usize::from(word.a()),
        0 => usize::from(word.c()),
        words => usize::from(words),
    }
}

/// Fuses what can be fused in `code`, complete ops from its start to its end, from the left. Heads of loops, ascending,
/// always begin a run: a loop must find the longest one behind its back edge. Ops are changed by `change` first: from the op before
/// and the code that starts with an op it makes another in that one's place.
///
/// Whether an op goes with what is before it is as good as random, so nothing here branches on it.
#[inline(always)]
pub(crate) fn fuse(code: &mut [Word], heads: &[usize], change: impl Fn(Word, &[Word]) -> Option<Word>) {
    let mut heads = heads.iter().copied();
    let mut head = heads.next().unwrap_or(code.len());
    // The run so far: where it starts, its first word, and its row.
    let (mut start, mut first, mut run) = (0, Word(0), 0);
    let (mut at, mut before) = (0, Word(0));
    while let Some(&word) = code.get(at) {
        let word = change(before, &code[at..]).unwrap_or(word);
        let own = row_of(&TABLE, word.code());
        if at == head {
            (head, run) = (heads.next().unwrap_or(code.len()), 0);
        }
        let cell = GRID[(usize::from(run) + usize::from(own.column)) % GRID_CELLS];
        let fused = (CODES as u16).wrapping_add(cell.into()).wrapping_sub(1);
        let goes_on = cell != 0;
        start = select_unpredictable(goes_on, start, at);
        first = select_unpredictable(goes_on, first.with_code(fused), word);
        run = select_unpredictable(goes_on, row_of(&TABLE, fused).row, own.row);
        code[start] = first;
        before = word;
        at += words_of(word);
    }
}

#[cfg(test)]
mod tests;

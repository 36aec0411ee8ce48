//! Values in 8-byte slots: i32 and f32 zero-extended, i64 and f64 as their bits, v128 in two of them.

use crate::error::Trap;

/// An operator's meaning on slots, operands in order.
pub type Meaning = fn(&[u64]) -> Result<u64, Trap>;

/// The same where operands or results are vectors, which take two slots, the lower half first.
pub type VectorMeaning = fn(&[u64]) -> [u64; 2];

/// A type that lives in a slot.
pub trait Slot: Copy {
    /// The value in `slot`.
    fn from_slot(slot: u64) -> Self;
    /// The slot with this value.
    fn into_slot(self) -> u64;
}

impl Slot for u32 {
    #[inline(always)]
    fn from_slot(slot: u64) -> Self {
        slot as u32
    }
    #[inline(always)]
    fn into_slot(self) -> u64 {
        u64::from(self)
    }
}

impl Slot for u64 {
    #[inline(always)]
    fn from_slot(slot: u64) -> Self {
        slot
    }
    #[inline(always)]
    fn into_slot(self) -> u64 {
        self
    }
}

impl Slot for f32 {
    #[inline(always)]
    fn from_slot(slot: u64) -> Self {
        f32::from_bits(slot as u32)
    }
    #[inline(always)]
    fn into_slot(self) -> u64 {
        u64::from(self.to_bits())
    }
}

impl Slot for f64 {
    #[inline(always)]
    fn from_slot(slot: u64) -> Self {
        f64::from_bits(slot)
    }
    #[inline(always)]
    fn into_slot(self) -> u64 {
        self.to_bits()
    }
}

/// A result: a value, or a value or a trap.
pub trait Yield {
    /// The slot or the trap.
    fn into_result(self) -> Result<u64, Trap>;
}

impl<S: Slot> Yield for S {
    #[inline(always)]
    fn into_result(self) -> Result<u64, Trap> {
        Ok(self.into_slot())
    }
}

impl<S: Slot> Yield for Result<S, Trap> {
    #[inline(always)]
    fn into_result(self) -> Result<u64, Trap> {
        self.map(Slot::into_slot)
    }
}

/// A function of one or two slots; `Args` only tells the two apart.
pub trait Function<Args> {
    /// Applies it to operands in order.
    fn apply(self, args: &[u64]) -> Result<u64, Trap>;
}

impl<A: Slot, R: Yield, F: Fn(A) -> R> Function<(A,)> for F {
    fn apply(self, args: &[u64]) -> Result<u64, Trap> {
        let &[a] = args else { unreachable!("a unary operator has one operand") };
        self(A::from_slot(a)).into_result()
    }
}

impl<A: Slot, B: Slot, R: Yield, F: Fn(A, B) -> R> Function<(A, B)> for F {
    fn apply(self, args: &[u64]) -> Result<u64, Trap> {
        let &[a, b] = args else { unreachable!("a binary operator has two operands") };
        self(A::from_slot(a), B::from_slot(b)).into_result()
    }
}

/// Applies `f` to operands in slots.
pub fn eval<Args>(f: impl Function<Args>, args: &[u64]) -> Result<u64, Trap> {
    f.apply(args)
}

/// A value that lies in one slot or two.
pub trait Operand: Copy {
    /// How many.
    const SLOTS: usize;
    /// The value at the start of `slots`.
    fn from_slots(slots: &[u64]) -> Self;
    /// Its slots; the second is 0 if it has one.
    fn into_slots(self) -> [u64; 2];
}

impl<S: Slot> Operand for S {
    const SLOTS: usize = 1;
    #[inline(always)]
    fn from_slots(slots: &[u64]) -> Self {
        S::from_slot(slots[0])
    }
    #[inline(always)]
    fn into_slots(self) -> [u64; 2] {
        [self.into_slot(), 0]
    }
}

impl Operand for u128 {
    const SLOTS: usize = 2;
    #[inline(always)]
    fn from_slots(slots: &[u64]) -> Self {
        u128::from(slots[0]) | u128::from(slots[1]) << 64
    }
    #[inline(always)]
    fn into_slots(self) -> [u64; 2] {
        [self as u64, (self >> 64) as u64]
    }
}

/// A function of up to three operands that may be vectors; `Args` only tells their numbers apart.
pub trait VectorFunction<Args> {
    /// Applies it to operands in order.
    fn apply(self, args: &[u64]) -> [u64; 2];
}

impl<A: Operand, R: Operand, F: Fn(A) -> R> VectorFunction<(A,)> for F {
    #[inline(always)]
    fn apply(self, args: &[u64]) -> [u64; 2] {
        self(A::from_slots(args)).into_slots()
    }
}

impl<A: Operand, B: Operand, R: Operand, F: Fn(A, B) -> R> VectorFunction<(A, B)> for F {
    #[inline(always)]
    fn apply(self, args: &[u64]) -> [u64; 2] {
        self(A::from_slots(args), B::from_slots(&args[A::SLOTS..])).into_slots()
    }
}

impl<A: Operand, B: Operand, C: Operand, R: Operand, F: Fn(A, B, C) -> R> VectorFunction<(A, B, C)> for F {
    #[inline(always)]
    fn apply(self, args: &[u64]) -> [u64; 2] {
        let (b, c) = (&args[A::SLOTS..], &args[A::SLOTS + B::SLOTS..]);
        self(A::from_slots(args), B::from_slots(b), C::from_slots(c)).into_slots()
    }
}

/// Applies `f` to operands in slots, of which there may be more than it takes.
#[inline(always)]
pub fn eval_vector<Args>(f: impl VectorFunction<Args>, args: &[u64]) -> [u64; 2] {
    f.apply(args)
}

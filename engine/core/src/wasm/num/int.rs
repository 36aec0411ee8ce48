//! Integers.

use crate::error::Trap;

macro_rules! integer {
    ($unsigned:ty, $signed:ty, $bits:literal:
        $eqz:ident $eq:ident $ne:ident $lt_s:ident $lt_u:ident $gt_s:ident $gt_u:ident
        $le_s:ident $le_u:ident $ge_s:ident $ge_u:ident
        $clz:ident $ctz:ident $popcnt:ident $add:ident $sub:ident $mul:ident
        $div_s:ident $div_u:ident $rem_s:ident $rem_u:ident $and:ident $or:ident $xor:ident
        $shl:ident $shr_s:ident $shr_u:ident $rotl:ident $rotr:ident $extend8:ident $extend16:ident) => {
        integer! { @pure $unsigned:
            $clz(a) = a.leading_zeros() as $unsigned, "Leading zero bits; the width for 0.";
            $ctz(a) = a.trailing_zeros() as $unsigned, "Trailing zero bits; the width for 0.";
            $popcnt(a) = a.count_ones() as $unsigned, "One bits.";
            $extend8(a) = a as u8 as i8 as $signed as $unsigned, "The low 8 bits, sign-extended.";
            $extend16(a) = a as u16 as i16 as $signed as $unsigned, "The low 16 bits, sign-extended.";
            $add(a, b) = a.wrapping_add(b), "Sum, wrapping.";
            $sub(a, b) = a.wrapping_sub(b), "Difference, wrapping.";
            $mul(a, b) = a.wrapping_mul(b), "Product, wrapping.";
            $and(a, b) = a & b, "Bitwise and.";
            $or(a, b) = a | b, "Bitwise or.";
            $xor(a, b) = a ^ b, "Bitwise exclusive or.";
            $shl(a, b) = a.wrapping_shl(b as u32), "Left shift, the count modulo the width.";
            $shr_s(a, b) = (a as $signed).wrapping_shr(b as u32) as $unsigned, "Arithmetic right shift.";
            $shr_u(a, b) = a.wrapping_shr(b as u32), "Logical right shift.";
            $rotl(a, b) = a.rotate_left(b as u32 % $bits), "Left rotation.";
            $rotr(a, b) = a.rotate_right(b as u32 % $bits), "Right rotation.";
        }
        integer! { @pure u32 of $unsigned:
            $eqz(a) = u32::from(a == 0), "1 if zero.";
            $eq(a, b) = u32::from(a == b), "1 if equal.";
            $ne(a, b) = u32::from(a != b), "1 if not equal.";
            $lt_s(a, b) = u32::from((a as $signed) < b as $signed), "1 if less, signed.";
            $lt_u(a, b) = u32::from(a < b), "1 if less, unsigned.";
            $gt_s(a, b) = u32::from(a as $signed > b as $signed), "1 if greater, signed.";
            $gt_u(a, b) = u32::from(a > b), "1 if greater, unsigned.";
            $le_s(a, b) = u32::from(a as $signed <= b as $signed), "1 if less or equal, signed.";
            $le_u(a, b) = u32::from(a <= b), "1 if less or equal, unsigned.";
            $ge_s(a, b) = u32::from(a as $signed >= b as $signed), "1 if greater or equal, signed.";
            $ge_u(a, b) = u32::from(a >= b), "1 if greater or equal, unsigned.";
        }

        /// Quotient, signed.
        ///
        /// # Errors
        /// [`Trap::DivideByZero`]; [`Trap::IntegerOverflow`] for the least value by -1.
        #[inline(always)]
        pub fn $div_s(a: $unsigned, b: $unsigned) -> Result<$unsigned, Trap> {
            if b == 0 {
                return Err(Trap::DivideByZero);
            }
            (a as $signed).checked_div(b as $signed).map(|q| q as $unsigned).ok_or(Trap::IntegerOverflow)
        }

        /// Quotient, unsigned.
        ///
        /// # Errors
        /// [`Trap::DivideByZero`].
        #[inline(always)]
        pub fn $div_u(a: $unsigned, b: $unsigned) -> Result<$unsigned, Trap> {
            a.checked_div(b).ok_or(Trap::DivideByZero)
        }

        /// Remainder, signed; 0 for the least value by -1.
        ///
        /// # Errors
        /// [`Trap::DivideByZero`].
        #[inline(always)]
        pub fn $rem_s(a: $unsigned, b: $unsigned) -> Result<$unsigned, Trap> {
            if b == 0 {
                return Err(Trap::DivideByZero);
            }
            Ok((a as $signed).wrapping_rem(b as $signed) as $unsigned)
        }

        /// Remainder, unsigned.
        ///
        /// # Errors
        /// [`Trap::DivideByZero`].
        #[inline(always)]
        pub fn $rem_u(a: $unsigned, b: $unsigned) -> Result<$unsigned, Trap> {
            a.checked_rem(b).ok_or(Trap::DivideByZero)
        }
    };
    (@pure $result:ident of $operand:ty: $($name:ident($($arg:ident),+) = $value:expr, $doc:literal;)*) => { $(
        #[doc = $doc]
        #[inline(always)]
        pub fn $name($($arg: $operand),+) -> $result {
            $value
        }
    )* };
    (@pure $ty:ty: $($name:ident($($arg:ident),+) = $value:expr, $doc:literal;)*) => { $(
        #[doc = $doc]
        #[inline(always)]
        pub fn $name($($arg: $ty),+) -> $ty {
            $value
        }
    )* };
}

integer! { u32, i32, 32:
i32_eqz i32_eq i32_ne i32_lt_s i32_lt_u i32_gt_s i32_gt_u i32_le_s i32_le_u i32_ge_s i32_ge_u
i32_clz i32_ctz i32_popcnt i32_add i32_sub i32_mul i32_div_s i32_div_u i32_rem_s i32_rem_u
i32_and i32_or i32_xor i32_shl i32_shr_s i32_shr_u i32_rotl i32_rotr i32_extend8_s i32_extend16_s }

integer! { u64, i64, 64:
i64_eqz i64_eq i64_ne i64_lt_s i64_lt_u i64_gt_s i64_gt_u i64_le_s i64_le_u i64_ge_s i64_ge_u
i64_clz i64_ctz i64_popcnt i64_add i64_sub i64_mul i64_div_s i64_div_u i64_rem_s i64_rem_u
i64_and i64_or i64_xor i64_shl i64_shr_s i64_shr_u i64_rotl i64_rotr i64_extend8_s i64_extend16_s }

/// The low 32 bits.
#[inline(always)]
pub fn i32_wrap_i64(a: u64) -> u32 {
    a as u32
}

/// Sign extension from 32 bits.
#[inline(always)]
pub fn i64_extend_i32_s(a: u32) -> u64 {
    i64::from(a as i32) as u64
}

/// Zero extension from 32 bits.
#[inline(always)]
pub fn i64_extend_i32_u(a: u32) -> u64 {
    u64::from(a)
}

/// The low 32 bits, sign-extended.
#[inline(always)]
pub fn i64_extend32_s(a: u64) -> u64 {
    i64::from(a as u32 as i32) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_traps_where_the_specification_says() {
        assert_eq!(i32_div_s(1, 0), Err(Trap::DivideByZero));
        assert_eq!(i32_div_s(0x8000_0000, u32::MAX), Err(Trap::IntegerOverflow));
        assert_eq!(i32_rem_s(0x8000_0000, u32::MAX), Ok(0));
        assert_eq!(i64_div_s((-7i64) as u64, 2), Ok((-3i64) as u64));
        assert_eq!(i64_rem_s((-7i64) as u64, 2), Ok((-1i64) as u64));
    }

    #[test]
    fn counts_wrap_at_the_width() {
        assert_eq!(i32_shl(1, 33), 2);
        assert_eq!(i64_rotl(1, 65), 2);
        assert_eq!(i32_rotr(1, 33), 0x8000_0000);
        assert_eq!(i64_shr_s(u64::MAX, 127), u64::MAX);
        assert_eq!(i32_clz(0), 32);
    }
}

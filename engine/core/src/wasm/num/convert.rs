//! Conversions between floats and integers.

use super::float::{f32_canonical, f64_canonical};
use crate::error::Trap;

macro_rules! truncate {
    ($($name:ident $sat:ident: $float:ty => $int:ty as $slot:ty, $low:literal $above:literal;)*) => { $(
        /// Rounded to zero.
        ///
        /// # Errors
        /// [`Trap::InvalidConversionToInteger`] for a NaN, [`Trap::IntegerOverflow`] outside the integer's range.
        #[inline]
        pub fn $name(a: $float) -> Result<$slot, Trap> {
            if a.is_nan() {
                Err(Trap::InvalidConversionToInteger)
            } else if a > $low && a < $above {
                Ok(a as $int as $slot)
            } else {
                Err(Trap::IntegerOverflow)
            }
        }

        /// Rounded to zero and clamped to the integer's range; 0 for a NaN.
        #[inline]
        pub fn $sat(a: $float) -> $slot {
            a as $int as $slot
        }
    )* };
}

// The bounds are exclusive and exact: the next float below the least integer (or -1 for unsigned), and 2^bits. Where the
// float has no value strictly between the least integer minus 1 and the least integer, the bound is the next float down.
truncate! {
    i32_trunc_f32_s i32_trunc_sat_f32_s: f32 => i32 as u32, -2147483904.0 2147483648.0;
    i32_trunc_f32_u i32_trunc_sat_f32_u: f32 => u32 as u32, -1.0 4294967296.0;
    i32_trunc_f64_s i32_trunc_sat_f64_s: f64 => i32 as u32, -2147483649.0 2147483648.0;
    i32_trunc_f64_u i32_trunc_sat_f64_u: f64 => u32 as u32, -1.0 4294967296.0;
    i64_trunc_f32_s i64_trunc_sat_f32_s: f32 => i64 as u64, -9223373136366403584.0 9223372036854775808.0;
    i64_trunc_f32_u i64_trunc_sat_f32_u: f32 => u64 as u64, -1.0 18446744073709551616.0;
    i64_trunc_f64_s i64_trunc_sat_f64_s: f64 => i64 as u64, -9223372036854777856.0 9223372036854775808.0;
    i64_trunc_f64_u i64_trunc_sat_f64_u: f64 => u64 as u64, -1.0 18446744073709551616.0;
}

macro_rules! pure {
    ($($name:ident($a:ident: $from:ty) -> $to:ty = $value:expr, $doc:literal;)*) => { $(
        #[doc = $doc]
        #[inline]
        pub fn $name($a: $from) -> $to {
            $value
        }
    )* };
}

pure! {
    f32_convert_i32_s(a: u32) -> f32 = a as i32 as f32, "The nearest float.";
    f32_convert_i32_u(a: u32) -> f32 = a as f32, "The nearest float.";
    f32_convert_i64_s(a: u64) -> f32 = a as i64 as f32, "The nearest float.";
    f32_convert_i64_u(a: u64) -> f32 = a as f32, "The nearest float.";
    f32_demote_f64(a: f64) -> f32 = f32_canonical(a as f32), "The nearest float; a NaN becomes canonical.";
    f64_convert_i32_s(a: u32) -> f64 = f64::from(a as i32), "Exact.";
    f64_convert_i32_u(a: u32) -> f64 = f64::from(a), "Exact.";
    f64_convert_i64_s(a: u64) -> f64 = a as i64 as f64, "The nearest float.";
    f64_convert_i64_u(a: u64) -> f64 = a as f64, "The nearest float.";
    f64_promote_f32(a: f32) -> f64 = f64_canonical(f64::from(a)), "Exact; a NaN becomes canonical.";
    i32_reinterpret_f32(a: f32) -> u32 = a.to_bits(), "The bits.";
    i64_reinterpret_f64(a: f64) -> u64 = a.to_bits(), "The bits.";
    f32_reinterpret_i32(a: u32) -> f32 = f32::from_bits(a), "The bits.";
    f64_reinterpret_i64(a: u64) -> f64 = f64::from_bits(a), "The bits.";
}

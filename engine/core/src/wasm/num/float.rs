//! Floats, deterministic: every NaN that an operator makes is the canonical one, positive and quiet with no payload.
//!
//! `abs`, `neg` and `copysign` work on the sign bit alone and keep a NaN as it is, as the specification demands.

macro_rules! float {
    ($ty:ty, $nan:expr, $sqrt:path, $ceil:path, $floor:path, $trunc:path, $nearest:path:
        $eq:ident $ne:ident $lt:ident $gt:ident $le:ident $ge:ident
        $f_abs:ident $f_neg:ident $f_ceil:ident $f_floor:ident $f_trunc:ident $f_nearest:ident $f_sqrt:ident
        $add:ident $sub:ident $mul:ident $div:ident $min:ident $max:ident $copysign:ident $canon:ident) => {
        /// Any NaN as the canonical one.
        #[inline(always)]
        pub fn $canon(a: $ty) -> $ty {
            if a.is_nan() { $nan } else { a }
        }
        float! { @compare $ty:
            $eq(a, b) = a == b, "1 if equal.";
            $ne(a, b) = a != b, "1 if not equal.";
            $lt(a, b) = a < b, "1 if less.";
            $gt(a, b) = a > b, "1 if greater.";
            $le(a, b) = a <= b, "1 if less or equal.";
            $ge(a, b) = a >= b, "1 if greater or equal.";
        }
        float! { @pure $ty:
            $f_abs(a) = a.abs(), "Sign bit cleared.";
            $f_neg(a) = -a, "Sign bit flipped.";
            $copysign(a, b) = a.copysign(b), "The first with the sign of the second.";
            $f_ceil(a) = $canon($ceil(a)), "Rounded up.";
            $f_floor(a) = $canon($floor(a)), "Rounded down.";
            $f_trunc(a) = $canon($trunc(a)), "Rounded to zero.";
            $f_nearest(a) = $canon($nearest(a)), "Rounded to the nearest integer, ties to even.";
            $f_sqrt(a) = $canon($sqrt(a)), "Square root.";
            $add(a, b) = $canon(a + b), "Sum.";
            $sub(a, b) = $canon(a - b), "Difference.";
            $mul(a, b) = $canon(a * b), "Product.";
            $div(a, b) = $canon(a / b), "Quotient.";
        }

        /// The lesser; NaN if either is, and -0 below +0.
        #[inline(always)]
        pub fn $min(a: $ty, b: $ty) -> $ty {
            if a.is_nan() || b.is_nan() {
                $nan
            } else if a == b {
                <$ty>::from_bits(a.to_bits() | b.to_bits())
            } else if a < b {
                a
            } else {
                b
            }
        }

        /// The greater; NaN if either is, and +0 above -0.
        #[inline(always)]
        pub fn $max(a: $ty, b: $ty) -> $ty {
            if a.is_nan() || b.is_nan() {
                $nan
            } else if a == b {
                <$ty>::from_bits(a.to_bits() & b.to_bits())
            } else if a > b {
                a
            } else {
                b
            }
        }
    };
    (@compare $ty:ty: $($name:ident($a:ident, $b:ident) = $value:expr, $doc:literal;)*) => { $(
        #[doc = $doc]
        #[inline(always)]
        pub fn $name($a: $ty, $b: $ty) -> u32 {
            u32::from($value)
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

float! { f32, f32::from_bits(0x7fc0_0000), libm::sqrtf, libm::ceilf, libm::floorf, libm::truncf, libm::rintf:
f32_eq f32_ne f32_lt f32_gt f32_le f32_ge
f32_abs f32_neg f32_ceil f32_floor f32_trunc f32_nearest f32_sqrt
f32_add f32_sub f32_mul f32_div f32_min f32_max f32_copysign f32_canonical }

float! { f64, f64::from_bits(0x7ff8_0000_0000_0000), libm::sqrt, libm::ceil, libm::floor, libm::trunc, libm::rint:
f64_eq f64_ne f64_lt f64_gt f64_le f64_ge
f64_abs f64_neg f64_ceil f64_floor f64_trunc f64_nearest f64_sqrt
f64_add f64_sub f64_mul f64_div f64_min f64_max f64_copysign f64_canonical }

//! Vectors: 128 bits as lanes of integers or floats, lane 0 in the lowest bits.
//!
//! What lanes are to each other is written once for all widths; floats are those of [`float`](super::float), lane by lane, so a
//! NaN that an operator makes is canonical here too. Lane indices are validated to be below the number of lanes.

use super::{convert, float};

/// A number that vectors are made of.
trait Lane: Copy + Default + PartialEq {
    /// Its bytes.
    const BYTES: usize;
    /// As many as a vector has.
    const COUNT: usize = 16 / Self::BYTES;
    /// The lane that `bytes` start with.
    fn read(bytes: &[u8]) -> Self;
    /// Writes it to the start of `bytes`.
    fn write(self, bytes: &mut [u8]);
}

macro_rules! lanes {
    ($($ty:ty)*) => { $(
        impl Lane for $ty {
            const BYTES: usize = size_of::<$ty>();
            #[inline(always)]
            fn read(bytes: &[u8]) -> Self {
                let mut lane = [0; size_of::<$ty>()];
                lane.copy_from_slice(&bytes[..size_of::<$ty>()]);
                Self::from_le_bytes(lane)
            }
            #[inline(always)]
            fn write(self, bytes: &mut [u8]) {
                bytes[..size_of::<$ty>()].copy_from_slice(&self.to_le_bytes());
            }
        }
    )* };
}
lanes!(i8 u8 i16 u16 i32 u32 i64 u64 f32 f64);

/// Lane `index` of `vector`.
#[inline(always)]
fn lane<T: Lane>(vector: u128, index: usize) -> T {
    T::read(&vector.to_le_bytes()[index * T::BYTES..])
}

/// The vector whose lanes `f` gives by index.
#[inline(always)]
fn build<T: Lane>(f: impl Fn(usize) -> T) -> u128 {
    let mut bytes = [0; 16];
    for index in 0..T::COUNT {
        f(index).write(&mut bytes[index * T::BYTES..]);
    }
    u128::from_le_bytes(bytes)
}

/// `f` of each lane.
#[inline(always)]
fn each<T: Lane, R: Lane>(a: u128, f: impl Fn(T) -> R) -> u128 {
    build(|index| f(lane(a, index)))
}

/// `f` of each pair of lanes.
#[inline(always)]
fn both<T: Lane, R: Lane>(a: u128, b: u128, f: impl Fn(T, T) -> R) -> u128 {
    build(|index| f(lane(a, index), lane(b, index)))
}

/// All bits of a lane where `f` holds, none elsewhere.
#[inline(always)]
fn mask<T: Lane>(a: u128, b: u128, f: impl Fn(T, T) -> bool) -> u128 {
    let mut bytes = [0; 16];
    for (index, lanes) in bytes.chunks_exact_mut(T::BYTES).enumerate() {
        lanes.fill(if f(lane(a, index), lane(b, index)) { 0xff } else { 0 });
    }
    u128::from_le_bytes(bytes)
}

/// `vector` with lane `index` replaced.
#[inline(always)]
fn replace<T: Lane>(vector: u128, index: u32, value: T) -> u128 {
    let mut bytes = vector.to_le_bytes();
    value.write(&mut bytes[index as usize * T::BYTES..]);
    u128::from_le_bytes(bytes)
}

/// The lower half of the lanes (the upper one, from `first` on), each made wider.
#[inline(always)]
fn widen<T: Lane, R: Lane>(a: u128, first: usize, f: impl Fn(T) -> R) -> u128 {
    build(|index| f(lane(a, first + index)))
}

/// Products of half of the lanes, from `first` on, each made wider.
#[inline(always)]
fn multiply<T: Lane, R: Lane>(a: u128, b: u128, first: usize, f: impl Fn(T, T) -> R) -> u128 {
    build(|index| f(lane(a, first + index), lane(b, first + index)))
}

/// `f` of every two neighbours.
#[inline(always)]
fn pairs<T: Lane, R: Lane>(a: u128, f: impl Fn(T, T) -> R) -> u128 {
    build(|index| f(lane(a, 2 * index), lane(a, 2 * index + 1)))
}

/// The lanes of `a`, then those of `b`, each made narrower.
#[inline(always)]
fn narrow<T: Lane, R: Lane>(a: u128, b: u128, f: impl Fn(T) -> R) -> u128 {
    build(|index| f(if index < T::COUNT { lane(a, index) } else { lane(b, index - T::COUNT) }))
}

/// One bit for each lane where `f` holds, from the lowest on.
#[inline(always)]
fn bits<T: Lane>(a: u128, f: impl Fn(T) -> bool) -> u32 {
    (0..T::COUNT).fold(0, |bits, index| bits | u32::from(f(lane(a, index))) << index)
}

macro_rules! functions {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $result:ty = $value:expr, $doc:literal;)*) => { $(
        #[doc = $doc]
        #[inline]
        pub fn $name($($arg: $ty),*) -> $result {
            $value
        }
    )* };
}

functions! {
    v128_same(a: u128) -> u128 = a, "The bits.";
    v128_not(a: u128) -> u128 = !a, "Bitwise complement.";
    v128_and(a: u128, b: u128) -> u128 = a & b, "Bitwise and.";
    v128_andnot(a: u128, b: u128) -> u128 = a & !b, "Bitwise and with the complement of the second.";
    v128_or(a: u128, b: u128) -> u128 = a | b, "Bitwise or.";
    v128_xor(a: u128, b: u128) -> u128 = a ^ b, "Bitwise exclusive or.";
    v128_bitselect(a: u128, b: u128, mask: u128) -> u128 = a & mask | b & !mask,
        "Bits of the first where the mask is 1, of the second where it is 0.";
    v128_any_true(a: u128) -> u32 = u32::from(a != 0), "1 if any bit is set.";
    i8x16_shuffle(a: u128, b: u128, lanes: u128) -> u128 = each(lanes, |at: u8| match at {
        0..16 => lane(a, at.into()),
        _ => lane::<u8>(b, usize::from(at) % 16),
    }), "Bytes of both, chosen by index: 0 to 15 are of the first, 16 to 31 of the second.";
    i8x16_swizzle(a: u128, at: u128) -> u128 = each(at, |at: u8| if at < 16 { lane(a, at.into()) } else { 0u8 }),
        "Bytes of the first, chosen by those of the second; 0 for an index above 15.";
}

/// What integers of all four widths have.
macro_rules! integer {
    ($unsigned:ty, $signed:ty, $slot:ty:
        $splat:ident $replace:ident $eq:ident $ne:ident $lt_s:ident $gt_s:ident $le_s:ident $ge_s:ident
        $abs:ident $neg:ident $all_true:ident $bitmask:ident $shl:ident $shr_s:ident $shr_u:ident $add:ident $sub:ident) => {
        functions! {
            $splat(a: $slot) -> u128 = build(|_| a as $unsigned), "The same in every lane.";
            $replace(a: u128, value: $slot, at: u32) -> u128 = replace(a, at, value as $unsigned), "One lane replaced.";
            $eq(a: u128, b: u128) -> u128 = mask(a, b, |a: $unsigned, b| a == b), "Where lanes are equal.";
            $ne(a: u128, b: u128) -> u128 = mask(a, b, |a: $unsigned, b| a != b), "Where lanes differ.";
            $lt_s(a: u128, b: u128) -> u128 = mask(a, b, |a: $signed, b| a < b), "Where less, signed.";
            $gt_s(a: u128, b: u128) -> u128 = mask(a, b, |a: $signed, b| a > b), "Where greater, signed.";
            $le_s(a: u128, b: u128) -> u128 = mask(a, b, |a: $signed, b| a <= b), "Where less or equal, signed.";
            $ge_s(a: u128, b: u128) -> u128 = mask(a, b, |a: $signed, b| a >= b), "Where greater or equal, signed.";
            $abs(a: u128) -> u128 = each(a, <$signed>::wrapping_abs), "Absolute values; the least value stays.";
            $neg(a: u128) -> u128 = each(a, <$signed>::wrapping_neg), "Negated.";
            $all_true(a: u128) -> u32 = u32::from(bits(a, |a: $unsigned| a == 0) == 0), "1 if no lane is 0.";
            $bitmask(a: u128) -> u32 = bits(a, |a: $signed| a < 0), "The lanes' sign bits.";
            $shl(a: u128, count: u32) -> u128 = each(a, |a: $unsigned| a.wrapping_shl(count)),
                "Left shift, the count modulo the width.";
            $shr_s(a: u128, count: u32) -> u128 = each(a, |a: $signed| a.wrapping_shr(count)), "Arithmetic right shift.";
            $shr_u(a: u128, count: u32) -> u128 = each(a, |a: $unsigned| a.wrapping_shr(count)), "Logical right shift.";
            $add(a: u128, b: u128) -> u128 = both(a, b, <$unsigned>::wrapping_add), "Sums, wrapping.";
            $sub(a: u128, b: u128) -> u128 = both(a, b, <$unsigned>::wrapping_sub), "Differences, wrapping.";
        }
    };
}

integer! { u8, i8, u32:
i8x16_splat i8x16_replace_lane i8x16_eq i8x16_ne i8x16_lt_s i8x16_gt_s i8x16_le_s i8x16_ge_s
i8x16_abs i8x16_neg i8x16_all_true i8x16_bitmask i8x16_shl i8x16_shr_s i8x16_shr_u i8x16_add i8x16_sub }
integer! { u16, i16, u32:
i16x8_splat i16x8_replace_lane i16x8_eq i16x8_ne i16x8_lt_s i16x8_gt_s i16x8_le_s i16x8_ge_s
i16x8_abs i16x8_neg i16x8_all_true i16x8_bitmask i16x8_shl i16x8_shr_s i16x8_shr_u i16x8_add i16x8_sub }
integer! { u32, i32, u32:
i32x4_splat i32x4_replace_lane i32x4_eq i32x4_ne i32x4_lt_s i32x4_gt_s i32x4_le_s i32x4_ge_s
i32x4_abs i32x4_neg i32x4_all_true i32x4_bitmask i32x4_shl i32x4_shr_s i32x4_shr_u i32x4_add i32x4_sub }
integer! { u64, i64, u64:
i64x2_splat i64x2_replace_lane i64x2_eq i64x2_ne i64x2_lt_s i64x2_gt_s i64x2_le_s i64x2_ge_s
i64x2_abs i64x2_neg i64x2_all_true i64x2_bitmask i64x2_shl i64x2_shr_s i64x2_shr_u i64x2_add i64x2_sub }

/// What those below 64 bits have.
macro_rules! compared {
    ($unsigned:ty, $signed:ty: $lt_u:ident $gt_u:ident $le_u:ident $ge_u:ident
        $min_s:ident $min_u:ident $max_s:ident $max_u:ident) => {
        functions! {
            $lt_u(a: u128, b: u128) -> u128 = mask(a, b, |a: $unsigned, b| a < b), "Where less, unsigned.";
            $gt_u(a: u128, b: u128) -> u128 = mask(a, b, |a: $unsigned, b| a > b), "Where greater, unsigned.";
            $le_u(a: u128, b: u128) -> u128 = mask(a, b, |a: $unsigned, b| a <= b), "Where less or equal, unsigned.";
            $ge_u(a: u128, b: u128) -> u128 = mask(a, b, |a: $unsigned, b| a >= b), "Where greater or equal, unsigned.";
            $min_s(a: u128, b: u128) -> u128 = both(a, b, <$signed as Ord>::min), "The lesser, signed.";
            $min_u(a: u128, b: u128) -> u128 = both(a, b, <$unsigned as Ord>::min), "The lesser, unsigned.";
            $max_s(a: u128, b: u128) -> u128 = both(a, b, <$signed as Ord>::max), "The greater, signed.";
            $max_u(a: u128, b: u128) -> u128 = both(a, b, <$unsigned as Ord>::max), "The greater, unsigned.";
        }
    };
}

compared! { u8, i8: i8x16_lt_u i8x16_gt_u i8x16_le_u i8x16_ge_u i8x16_min_s i8x16_min_u i8x16_max_s i8x16_max_u }
compared! { u16, i16: i16x8_lt_u i16x8_gt_u i16x8_le_u i16x8_ge_u i16x8_min_s i16x8_min_u i16x8_max_s i16x8_max_u }
compared! { u32, i32: i32x4_lt_u i32x4_gt_u i32x4_le_u i32x4_ge_u i32x4_min_s i32x4_min_u i32x4_max_s i32x4_max_u }

/// What bytes and 16-bit integers have.
macro_rules! saturating {
    ($unsigned:ty, $signed:ty, $wide:ty: $extract_s:ident $extract_u:ident
        $add_sat_s:ident $add_sat_u:ident $sub_sat_s:ident $sub_sat_u:ident $avgr_u:ident) => {
        functions! {
            $extract_s(a: u128, at: u32) -> u32 = lane::<$signed>(a, at as usize) as i32 as u32, "A lane, sign-extended.";
            $extract_u(a: u128, at: u32) -> u32 = lane::<$unsigned>(a, at as usize).into(), "A lane, zero-extended.";
            $add_sat_s(a: u128, b: u128) -> u128 = both(a, b, <$signed>::saturating_add), "Sums, clamped, signed.";
            $add_sat_u(a: u128, b: u128) -> u128 = both(a, b, <$unsigned>::saturating_add), "Sums, clamped, unsigned.";
            $sub_sat_s(a: u128, b: u128) -> u128 = both(a, b, <$signed>::saturating_sub), "Differences, clamped, signed.";
            $sub_sat_u(a: u128, b: u128) -> u128 = both(a, b, <$unsigned>::saturating_sub), "Differences, clamped, unsigned.";
            $avgr_u(a: u128, b: u128) -> u128 =
                both(a, b, |a: $unsigned, b: $unsigned| (<$wide>::from(a) + <$wide>::from(b)).div_ceil(2) as $unsigned),
                "Averages, rounded up, unsigned.";
        }
    };
}

saturating! { u8, i8, u16: i8x16_extract_lane_s i8x16_extract_lane_u
i8x16_add_sat_s i8x16_add_sat_u i8x16_sub_sat_s i8x16_sub_sat_u i8x16_avgr_u }
saturating! { u16, i16, u32: i16x8_extract_lane_s i16x8_extract_lane_u
i16x8_add_sat_s i16x8_add_sat_u i16x8_sub_sat_s i16x8_sub_sat_u i16x8_avgr_u }

/// What integers of 16, 32 and 64 bits have: products, and half of the lanes of the width below.
macro_rules! wider {
    ($unsigned:ty, $signed:ty, $half_unsigned:ty, $half_signed:ty: $mul:ident
        $low_s:ident $low_u:ident $high_s:ident $high_u:ident
        $mul_low_s:ident $mul_low_u:ident $mul_high_s:ident $mul_high_u:ident) => {
        functions! {
            $mul(a: u128, b: u128) -> u128 = both(a, b, <$unsigned>::wrapping_mul), "Products, wrapping.";
            $low_s(a: u128) -> u128 = widen(a, 0, |a: $half_signed| <$signed>::from(a)), "The lower lanes, sign-extended.";
            $low_u(a: u128) -> u128 = widen(a, 0, |a: $half_unsigned| <$unsigned>::from(a)), "The lower lanes, zero-extended.";
            $high_s(a: u128) -> u128 = widen(a, <$signed>::COUNT, |a: $half_signed| <$signed>::from(a)),
                "The upper lanes, sign-extended.";
            $high_u(a: u128) -> u128 = widen(a, <$signed>::COUNT, |a: $half_unsigned| <$unsigned>::from(a)),
                "The upper lanes, zero-extended.";
            $mul_low_s(a: u128, b: u128) -> u128 =
                multiply(a, b, 0, |a: $half_signed, b: $half_signed| <$signed>::from(a) * <$signed>::from(b)),
                "Whole products of the lower lanes, signed.";
            $mul_low_u(a: u128, b: u128) -> u128 =
                multiply(a, b, 0, |a: $half_unsigned, b: $half_unsigned| <$unsigned>::from(a) * <$unsigned>::from(b)),
                "Whole products of the lower lanes, unsigned.";
            $mul_high_s(a: u128, b: u128) -> u128 =
                multiply(a, b, <$signed>::COUNT, |a: $half_signed, b: $half_signed| <$signed>::from(a) * <$signed>::from(b)),
                "Whole products of the upper lanes, signed.";
            $mul_high_u(a: u128, b: u128) -> u128 = multiply(a, b, <$signed>::COUNT, |a: $half_unsigned, b: $half_unsigned| {
                <$unsigned>::from(a) * <$unsigned>::from(b)
            }), "Whole products of the upper lanes, unsigned.";
        }
    };
}

wider! { u16, i16, u8, i8: i16x8_mul
i16x8_extend_low_i8x16_s i16x8_extend_low_i8x16_u i16x8_extend_high_i8x16_s i16x8_extend_high_i8x16_u
i16x8_extmul_low_i8x16_s i16x8_extmul_low_i8x16_u i16x8_extmul_high_i8x16_s i16x8_extmul_high_i8x16_u }
wider! { u32, i32, u16, i16: i32x4_mul
i32x4_extend_low_i16x8_s i32x4_extend_low_i16x8_u i32x4_extend_high_i16x8_s i32x4_extend_high_i16x8_u
i32x4_extmul_low_i16x8_s i32x4_extmul_low_i16x8_u i32x4_extmul_high_i16x8_s i32x4_extmul_high_i16x8_u }
wider! { u64, i64, u32, i32: i64x2_mul
i64x2_extend_low_i32x4_s i64x2_extend_low_i32x4_u i64x2_extend_high_i32x4_s i64x2_extend_high_i32x4_u
i64x2_extmul_low_i32x4_s i64x2_extmul_low_i32x4_u i64x2_extmul_high_i32x4_s i64x2_extmul_high_i32x4_u }

functions! {
    i32x4_extract_lane(a: u128, at: u32) -> u32 = lane(a, at as usize), "A lane.";
    i64x2_extract_lane(a: u128, at: u32) -> u64 = lane(a, at as usize), "A lane.";
    i8x16_popcnt(a: u128) -> u128 = each(a, |a: u8| a.count_ones() as u8), "One bits of each lane.";
    i8x16_narrow_i16x8_s(a: u128, b: u128) -> u128 = narrow(a, b, |a: i16| a.clamp(-0x80, 0x7f) as i8), "Clamped, signed.";
    i8x16_narrow_i16x8_u(a: u128, b: u128) -> u128 = narrow(a, b, |a: i16| a.clamp(0, 0xff) as u8), "Clamped, unsigned.";
    i16x8_narrow_i32x4_s(a: u128, b: u128) -> u128 = narrow(a, b, |a: i32| a.clamp(-0x8000, 0x7fff) as i16),
        "Clamped, signed.";
    i16x8_narrow_i32x4_u(a: u128, b: u128) -> u128 = narrow(a, b, |a: i32| a.clamp(0, 0xffff) as u16), "Clamped, unsigned.";
    i16x8_extadd_pairwise_i8x16_s(a: u128) -> u128 = pairs(a, |a: i8, b: i8| i16::from(a) + i16::from(b)),
        "Sums of neighbours, signed.";
    i16x8_extadd_pairwise_i8x16_u(a: u128) -> u128 = pairs(a, |a: u8, b: u8| u16::from(a) + u16::from(b)),
        "Sums of neighbours, unsigned.";
    i32x4_extadd_pairwise_i16x8_s(a: u128) -> u128 = pairs(a, |a: i16, b: i16| i32::from(a) + i32::from(b)),
        "Sums of neighbours, signed.";
    i32x4_extadd_pairwise_i16x8_u(a: u128) -> u128 = pairs(a, |a: u16, b: u16| u32::from(a) + u32::from(b)),
        "Sums of neighbours, unsigned.";
    i16x8_q15mulr_sat_s(a: u128, b: u128) -> u128 = both(a, b, |a: i16, b: i16| {
        ((i32::from(a) * i32::from(b) + 0x4000) >> 15).clamp(-0x8000, 0x7fff) as i16
    }), "Products of fractions of 15 bits, rounded and clamped.";
    i32x4_dot_i16x8_s(a: u128, b: u128) -> u128 = build(|index| {
        let product = |at: usize| i32::from(lane::<i16>(a, at)) * i32::from(lane::<i16>(b, at));
        product(2 * index).wrapping_add(product(2 * index + 1))
    }), "Sums of two products of neighbours, wrapping.";
}

/// What floats of both widths have, each lane as one of [`float`].
macro_rules! floats {
    ($ty:ty: $eq:ident $ne:ident $lt:ident $gt:ident $le:ident $ge:ident $pmin:ident $pmax:ident
        $($unary:ident $of:ident)*; $($binary:ident $of_both:ident)*) => {
        functions! {
            $eq(a: u128, b: u128) -> u128 = mask(a, b, |a: $ty, b| a == b), "Where lanes are equal.";
            $ne(a: u128, b: u128) -> u128 = mask(a, b, |a: $ty, b| a != b), "Where lanes differ.";
            $lt(a: u128, b: u128) -> u128 = mask(a, b, |a: $ty, b| a < b), "Where less.";
            $gt(a: u128, b: u128) -> u128 = mask(a, b, |a: $ty, b| a > b), "Where greater.";
            $le(a: u128, b: u128) -> u128 = mask(a, b, |a: $ty, b| a <= b), "Where less or equal.";
            $ge(a: u128, b: u128) -> u128 = mask(a, b, |a: $ty, b| a >= b), "Where greater or equal.";
            $pmin(a: u128, b: u128) -> u128 = v128_bitselect(b, a, mask(a, b, |a: $ty, b| b < a)),
                "The second where it is less, else the first, bit by bit.";
            $pmax(a: u128, b: u128) -> u128 = v128_bitselect(b, a, mask(a, b, |a: $ty, b| a < b)),
                "The second where it is greater, else the first, bit by bit.";
            $($unary(a: u128) -> u128 = each(a, float::$of), "As the operator on one float.";)*
            $($binary(a: u128, b: u128) -> u128 = both(a, b, float::$of_both), "As the operator on two floats.";)*
        }
    };
}

floats! { f32: f32x4_eq f32x4_ne f32x4_lt f32x4_gt f32x4_le f32x4_ge f32x4_pmin f32x4_pmax
f32x4_ceil f32_ceil f32x4_floor f32_floor f32x4_trunc f32_trunc f32x4_nearest f32_nearest f32x4_sqrt f32_sqrt;
f32x4_add f32_add f32x4_sub f32_sub f32x4_mul f32_mul f32x4_div f32_div f32x4_min f32_min f32x4_max f32_max }
floats! { f64: f64x2_eq f64x2_ne f64x2_lt f64x2_gt f64x2_le f64x2_ge f64x2_pmin f64x2_pmax
f64x2_ceil f64_ceil f64x2_floor f64_floor f64x2_trunc f64_trunc f64x2_nearest f64_nearest f64x2_sqrt f64_sqrt;
f64x2_add f64_add f64x2_sub f64_sub f64x2_mul f64_mul f64x2_div f64_div f64x2_min f64_min f64x2_max f64_max }

functions! {
    // On bits: a NaN stays what it is, on every machine.
    f32x4_abs(a: u128) -> u128 = each(a, |a: u32| a & !(1 << 31)), "Sign bits cleared.";
    f64x2_abs(a: u128) -> u128 = each(a, |a: u64| a & !(1 << 63)), "Sign bits cleared.";
    f32x4_neg(a: u128) -> u128 = each(a, |a: u32| a ^ 1 << 31), "Sign bits flipped.";
    f64x2_neg(a: u128) -> u128 = each(a, |a: u64| a ^ 1 << 63), "Sign bits flipped.";

    i32x4_trunc_sat_f32x4_s(a: u128) -> u128 = each(a, convert::i32_trunc_sat_f32_s), "Rounded to zero and clamped.";
    i32x4_trunc_sat_f32x4_u(a: u128) -> u128 = each(a, convert::i32_trunc_sat_f32_u), "Rounded to zero and clamped.";
    f32x4_convert_i32x4_s(a: u128) -> u128 = each(a, convert::f32_convert_i32_s), "The nearest floats.";
    f32x4_convert_i32x4_u(a: u128) -> u128 = each(a, convert::f32_convert_i32_u), "The nearest floats.";
    i32x4_trunc_sat_f64x2_s_zero(a: u128) -> u128 = lower(a, convert::i32_trunc_sat_f64_s),
        "Rounded to zero and clamped; the upper lanes are 0.";
    i32x4_trunc_sat_f64x2_u_zero(a: u128) -> u128 = lower(a, convert::i32_trunc_sat_f64_u),
        "Rounded to zero and clamped; the upper lanes are 0.";
    f64x2_convert_low_i32x4_s(a: u128) -> u128 = widen(a, 0, convert::f64_convert_i32_s), "The lower lanes, exact.";
    f64x2_convert_low_i32x4_u(a: u128) -> u128 = widen(a, 0, convert::f64_convert_i32_u), "The lower lanes, exact.";
    f32x4_demote_f64x2_zero(a: u128) -> u128 = lower(a, convert::f32_demote_f64),
        "The nearest floats; the upper lanes are 0.";
    f64x2_promote_low_f32x4(a: u128) -> u128 = widen(a, 0, convert::f64_promote_f32), "The lower lanes, exact.";
}

functions! {
    f32x4_relaxed_madd(a: u128, b: u128, c: u128) -> u128 = f32x4_add(f32x4_mul(a, b), c), "Products and sums, each rounded.";
    f32x4_relaxed_nmadd(a: u128, b: u128, c: u128) -> u128 = f32x4_relaxed_madd(f32x4_neg(a), b, c),
        "The same with the first negated.";
    f64x2_relaxed_madd(a: u128, b: u128, c: u128) -> u128 = f64x2_add(f64x2_mul(a, b), c), "Products and sums, each rounded.";
    f64x2_relaxed_nmadd(a: u128, b: u128, c: u128) -> u128 = f64x2_relaxed_madd(f64x2_neg(a), b, c),
        "The same with the first negated.";
    i16x8_relaxed_dot_i8x16_i7x16_s(a: u128, b: u128) -> u128 = build(|index| {
        let product = |at: usize| i16::from(lane::<i8>(a, at)) * i16::from(lane::<i8>(b, at));
        product(2 * index).saturating_add(product(2 * index + 1))
    }), "Sums of two products of neighbours, signed, clamped.";
    i32x4_relaxed_dot_i8x16_i7x16_add_s(a: u128, b: u128, c: u128) -> u128 =
        i32x4_add(i32x4_extadd_pairwise_i16x8_s(i16x8_relaxed_dot_i8x16_i7x16_s(a, b)), c),
        "Sums of two such sums and a lane of the third, wrapping.";
}

/// `f` of each lane in the lower half, the default above.
#[inline(always)]
fn lower<T: Lane, R: Lane>(a: u128, f: impl Fn(T) -> R) -> u128 {
    build(|index| if index < T::COUNT { f(lane(a, index)) } else { R::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lane_0_is_lowest() {
        let v = 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100;
        assert_eq!(i8x16_extract_lane_u(v, 3), 3);
        assert_eq!(i16x8_extract_lane_u(v, 1), 0x0302);
        assert_eq!(i64x2_extract_lane(v, 1), 0x0f0e_0d0c_0b0a_0908);
        assert_eq!(i8x16_replace_lane(v, 0x1ff, 15) >> 120, 0xff);
        assert_eq!(i8x16_bitmask(0x80 | 0x80 << 120), 0x8001);
    }

    #[test]
    fn indices_beyond_the_lanes() {
        let v = 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100;
        assert_eq!(i8x16_swizzle(v, 0xff10_0f00), 0x0f00);
        assert_eq!(i8x16_shuffle(v, !0, 0x100f) & 0xffff_ffff, 0x0000_ff0f);
    }

    #[test]
    fn edges_of_integers() {
        let least = i16x8_splat(0x8000);
        assert_eq!(i16x8_q15mulr_sat_s(least, least), i16x8_splat(0x7fff));
        assert_eq!(i16x8_abs(least), least);
        assert_eq!(i32x4_dot_i16x8_s(least, least), i32x4_splat(0x8000_0000));
        assert_eq!(i8x16_avgr_u(!0, i8x16_splat(0xfe)), !0);
        assert_eq!(
            i8x16_narrow_i16x8_s(i16x8_splat(0x80), least),
            i64x2_splat(0x8080_8080_8080_8080) & !(u64::MAX as u128) | 0x7f7f_7f7f_7f7f_7f7f
        );
        assert_eq!(i64x2_shl(i64x2_splat(1), 65), i64x2_splat(2));
    }

    #[test]
    fn a_nan_is_canonical_unless_it_is_only_moved() {
        let (nan, one) = (i32x4_splat(0xffc1_2345), i32x4_splat(1.0f32.to_bits()));
        assert_eq!(f32x4_add(nan, one), i32x4_splat(0x7fc0_0000));
        assert_eq!(f32x4_min(one, nan), i32x4_splat(0x7fc0_0000));
        assert_eq!(f32x4_pmin(nan, one), nan);
        assert_eq!(f32x4_neg(nan), i32x4_splat(0x7fc1_2345));
        assert_eq!(f64x2_promote_low_f32x4(nan), i64x2_splat(0x7ff8_0000_0000_0000));
    }
}

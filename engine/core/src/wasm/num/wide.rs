//! Arithmetic of 128 bits on pairs of 64-bit numbers, the lower half first.

/// Sum, wrapping.
#[inline(always)]
pub fn i64_add128(a: u128, b: u128) -> u128 {
    a.wrapping_add(b)
}

/// Difference, wrapping.
#[inline(always)]
pub fn i64_sub128(a: u128, b: u128) -> u128 {
    a.wrapping_sub(b)
}

/// Whole product, signed.
#[inline(always)]
pub fn i64_mul_wide_s(a: u64, b: u64) -> u128 {
    (i128::from(a as i64) * i128::from(b as i64)) as u128
}

/// Whole product, unsigned.
#[inline(always)]
pub fn i64_mul_wide_u(a: u64, b: u64) -> u128 {
    u128::from(a) * u128::from(b)
}

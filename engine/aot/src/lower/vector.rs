//! Operators over vectors. On the operand stack every vector is sixteen bytes; each operator says which lanes it sees.

use super::Lower;
use crate::abi::{self, VECTOR};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{ConstantData, Endianness, InstBuilder, MemFlagsData, Type, Value, types};
use gristmill::tier::{Arg, Far, Op, ROWS};
use types::{F32X4, F64X2, I8, I8X16, I16, I16X8, I32, I32X4, I64, I64X2};

lowerings! { vector, l, arg:
    // Memory.
    V128Load => l.vector_load(arg, I8X16, |_, v| v);
    V128Load8x8S => l.load_half(arg, I8X16, |l, v| l.b.ins().swiden_low(v));
    V128Load8x8U => l.load_half(arg, I8X16, |l, v| l.b.ins().uwiden_low(v));
    V128Load16x4S => l.load_half(arg, I16X8, |l, v| l.b.ins().swiden_low(v));
    V128Load16x4U => l.load_half(arg, I16X8, |l, v| l.b.ins().uwiden_low(v));
    V128Load32x2S => l.load_half(arg, I32X4, |l, v| l.b.ins().swiden_low(v));
    V128Load32x2U => l.load_half(arg, I32X4, |l, v| l.b.ins().uwiden_low(v));
    V128Load8Splat => l.vector_load(arg, I8, |l, v| l.b.ins().splat(I8X16, v));
    V128Load16Splat => l.vector_load(arg, I16, |l, v| l.b.ins().splat(I16X8, v));
    V128Load32Splat => l.vector_load(arg, I32, |l, v| l.b.ins().splat(I32X4, v));
    V128Load64Splat => l.vector_load(arg, I64, |l, v| l.b.ins().splat(I64X2, v));
    V128Load32Zero => l.vector_load(arg, I32, |l, v| l.b.ins().scalar_to_vector(I32X4, v));
    V128Load64Zero => l.vector_load(arg, I64, |l, v| l.b.ins().scalar_to_vector(I64X2, v));
    V128Load8Lane => l.load_lane(arg, I8X16);
    V128Load16Lane => l.load_lane(arg, I16X8);
    V128Load32Lane => l.load_lane(arg, I32X4);
    V128Load64Lane => l.load_lane(arg, I64X2);
    V128Store => l.vector_store(arg, I8X16, |_, v| v);
    V128Store8Lane => l.store_lane(arg, I8X16);
    V128Store16Lane => l.store_lane(arg, I16X8);
    V128Store32Lane => l.store_lane(arg, I32X4);
    V128Store64Lane => l.store_lane(arg, I64X2);

    // Lanes.
    I8x16Shuffle => l.shuffle(arg);
    I8x16Swizzle | I8x16RelaxedSwizzle => l.two(I8X16, |l, a, b| l.b.ins().swizzle(a, b));
    I8x16ExtractLaneS => l.extract(arg, I8X16, |l, v| l.b.ins().sextend(I32, v));
    I8x16ExtractLaneU => l.extract(arg, I8X16, |l, v| l.b.ins().uextend(I32, v));
    I16x8ExtractLaneS => l.extract(arg, I16X8, |l, v| l.b.ins().sextend(I32, v));
    I16x8ExtractLaneU => l.extract(arg, I16X8, |l, v| l.b.ins().uextend(I32, v));
    I32x4ExtractLane => l.extract(arg, I32X4, |_, v| v);
    I64x2ExtractLane => l.extract(arg, I64X2, |_, v| v);
    F32x4ExtractLane => l.extract(arg, F32X4, |_, v| v);
    F64x2ExtractLane => l.extract(arg, F64X2, |_, v| v);
    I8x16ReplaceLane => l.replace(arg, I8X16, |l, v| l.b.ins().ireduce(I8, v));
    I16x8ReplaceLane => l.replace(arg, I16X8, |l, v| l.b.ins().ireduce(I16, v));
    I32x4ReplaceLane => l.replace(arg, I32X4, |_, v| v);
    I64x2ReplaceLane => l.replace(arg, I64X2, |_, v| v);
    F32x4ReplaceLane => l.replace(arg, F32X4, |_, v| v);
    F64x2ReplaceLane => l.replace(arg, F64X2, |_, v| v);
    I8x16Splat => l.splat(I8X16, |l, v| l.b.ins().ireduce(I8, v));
    I16x8Splat => l.splat(I16X8, |l, v| l.b.ins().ireduce(I16, v));
    I32x4Splat => l.splat(I32X4, |_, v| v);
    I64x2Splat => l.splat(I64X2, |_, v| v);
    F32x4Splat => l.splat(F32X4, |_, v| v);
    F64x2Splat => l.splat(F64X2, |_, v| v);

    // All bits.
    V128Not => l.one(I8X16, |l, a| l.b.ins().bnot(a));
    V128And => l.two(I8X16, |l, a, b| l.b.ins().band(a, b));
    V128AndNot => l.two(I8X16, |l, a, b| l.b.ins().band_not(a, b));
    V128Or => l.two(I8X16, |l, a, b| l.b.ins().bor(a, b));
    V128Xor => l.two(I8X16, |l, a, b| l.b.ins().bxor(a, b));
    V128Bitselect | I8x16RelaxedLaneselect | I16x8RelaxedLaneselect | I32x4RelaxedLaneselect | I64x2RelaxedLaneselect =>
        l.three(I8X16, |l, a, b, mask| l.b.ins().bitselect(mask, a, b));
    V128AnyTrue => l.test(I8X16, |l, a| l.b.ins().vany_true(a));
    I8x16AllTrue => l.test(I8X16, |l, a| l.b.ins().vall_true(a));
    I16x8AllTrue => l.test(I16X8, |l, a| l.b.ins().vall_true(a));
    I32x4AllTrue => l.test(I32X4, |l, a| l.b.ins().vall_true(a));
    I64x2AllTrue => l.test(I64X2, |l, a| l.b.ins().vall_true(a));
    I8x16Bitmask => l.bitmask(I8X16);
    I16x8Bitmask => l.bitmask(I16X8);
    I32x4Bitmask => l.bitmask(I32X4);
    I64x2Bitmask => l.bitmask(I64X2);

    // Comparisons.
    I8x16Eq => l.lanes(I8X16, IntCC::Equal);
    I8x16Ne => l.lanes(I8X16, IntCC::NotEqual);
    I8x16LtS => l.lanes(I8X16, IntCC::SignedLessThan);
    I8x16LtU => l.lanes(I8X16, IntCC::UnsignedLessThan);
    I8x16GtS => l.lanes(I8X16, IntCC::SignedGreaterThan);
    I8x16GtU => l.lanes(I8X16, IntCC::UnsignedGreaterThan);
    I8x16LeS => l.lanes(I8X16, IntCC::SignedLessThanOrEqual);
    I8x16LeU => l.lanes(I8X16, IntCC::UnsignedLessThanOrEqual);
    I8x16GeS => l.lanes(I8X16, IntCC::SignedGreaterThanOrEqual);
    I8x16GeU => l.lanes(I8X16, IntCC::UnsignedGreaterThanOrEqual);
    I16x8Eq => l.lanes(I16X8, IntCC::Equal);
    I16x8Ne => l.lanes(I16X8, IntCC::NotEqual);
    I16x8LtS => l.lanes(I16X8, IntCC::SignedLessThan);
    I16x8LtU => l.lanes(I16X8, IntCC::UnsignedLessThan);
    I16x8GtS => l.lanes(I16X8, IntCC::SignedGreaterThan);
    I16x8GtU => l.lanes(I16X8, IntCC::UnsignedGreaterThan);
    I16x8LeS => l.lanes(I16X8, IntCC::SignedLessThanOrEqual);
    I16x8LeU => l.lanes(I16X8, IntCC::UnsignedLessThanOrEqual);
    I16x8GeS => l.lanes(I16X8, IntCC::SignedGreaterThanOrEqual);
    I16x8GeU => l.lanes(I16X8, IntCC::UnsignedGreaterThanOrEqual);
    I32x4Eq => l.lanes(I32X4, IntCC::Equal);
    I32x4Ne => l.lanes(I32X4, IntCC::NotEqual);
    I32x4LtS => l.lanes(I32X4, IntCC::SignedLessThan);
    I32x4LtU => l.lanes(I32X4, IntCC::UnsignedLessThan);
    I32x4GtS => l.lanes(I32X4, IntCC::SignedGreaterThan);
    I32x4GtU => l.lanes(I32X4, IntCC::UnsignedGreaterThan);
    I32x4LeS => l.lanes(I32X4, IntCC::SignedLessThanOrEqual);
    I32x4LeU => l.lanes(I32X4, IntCC::UnsignedLessThanOrEqual);
    I32x4GeS => l.lanes(I32X4, IntCC::SignedGreaterThanOrEqual);
    I32x4GeU => l.lanes(I32X4, IntCC::UnsignedGreaterThanOrEqual);
    I64x2Eq => l.lanes(I64X2, IntCC::Equal);
    I64x2Ne => l.lanes(I64X2, IntCC::NotEqual);
    I64x2LtS => l.lanes(I64X2, IntCC::SignedLessThan);
    I64x2GtS => l.lanes(I64X2, IntCC::SignedGreaterThan);
    I64x2LeS => l.lanes(I64X2, IntCC::SignedLessThanOrEqual);
    I64x2GeS => l.lanes(I64X2, IntCC::SignedGreaterThanOrEqual);
    F32x4Eq => l.float_lanes(F32X4, FloatCC::Equal);
    F32x4Ne => l.float_lanes(F32X4, FloatCC::NotEqual);
    F32x4Lt => l.float_lanes(F32X4, FloatCC::LessThan);
    F32x4Gt => l.float_lanes(F32X4, FloatCC::GreaterThan);
    F32x4Le => l.float_lanes(F32X4, FloatCC::LessThanOrEqual);
    F32x4Ge => l.float_lanes(F32X4, FloatCC::GreaterThanOrEqual);
    F64x2Eq => l.float_lanes(F64X2, FloatCC::Equal);
    F64x2Ne => l.float_lanes(F64X2, FloatCC::NotEqual);
    F64x2Lt => l.float_lanes(F64X2, FloatCC::LessThan);
    F64x2Gt => l.float_lanes(F64X2, FloatCC::GreaterThan);
    F64x2Le => l.float_lanes(F64X2, FloatCC::LessThanOrEqual);
    F64x2Ge => l.float_lanes(F64X2, FloatCC::GreaterThanOrEqual);

    // Integers.
    I8x16Abs => l.one(I8X16, |l, a| l.b.ins().iabs(a));
    I16x8Abs => l.one(I16X8, |l, a| l.b.ins().iabs(a));
    I32x4Abs => l.one(I32X4, |l, a| l.b.ins().iabs(a));
    I64x2Abs => l.one(I64X2, |l, a| l.b.ins().iabs(a));
    I8x16Neg => l.one(I8X16, |l, a| l.b.ins().ineg(a));
    I16x8Neg => l.one(I16X8, |l, a| l.b.ins().ineg(a));
    I32x4Neg => l.one(I32X4, |l, a| l.b.ins().ineg(a));
    I64x2Neg => l.one(I64X2, |l, a| l.b.ins().ineg(a));
    I8x16Popcnt => l.one(I8X16, |l, a| l.b.ins().popcnt(a));
    I8x16Shl => l.shift(I8X16, |l, a, n| l.b.ins().ishl(a, n));
    I16x8Shl => l.shift(I16X8, |l, a, n| l.b.ins().ishl(a, n));
    I32x4Shl => l.shift(I32X4, |l, a, n| l.b.ins().ishl(a, n));
    I64x2Shl => l.shift(I64X2, |l, a, n| l.b.ins().ishl(a, n));
    I8x16ShrS => l.shift(I8X16, |l, a, n| l.b.ins().sshr(a, n));
    I16x8ShrS => l.shift(I16X8, |l, a, n| l.b.ins().sshr(a, n));
    I32x4ShrS => l.shift(I32X4, |l, a, n| l.b.ins().sshr(a, n));
    I64x2ShrS => l.shift(I64X2, |l, a, n| l.b.ins().sshr(a, n));
    I8x16ShrU => l.shift(I8X16, |l, a, n| l.b.ins().ushr(a, n));
    I16x8ShrU => l.shift(I16X8, |l, a, n| l.b.ins().ushr(a, n));
    I32x4ShrU => l.shift(I32X4, |l, a, n| l.b.ins().ushr(a, n));
    I64x2ShrU => l.shift(I64X2, |l, a, n| l.b.ins().ushr(a, n));
    I8x16Add => l.two(I8X16, |l, a, b| l.b.ins().iadd(a, b));
    I16x8Add => l.two(I16X8, |l, a, b| l.b.ins().iadd(a, b));
    I32x4Add => l.two(I32X4, |l, a, b| l.b.ins().iadd(a, b));
    I64x2Add => l.two(I64X2, |l, a, b| l.b.ins().iadd(a, b));
    I8x16Sub => l.two(I8X16, |l, a, b| l.b.ins().isub(a, b));
    I16x8Sub => l.two(I16X8, |l, a, b| l.b.ins().isub(a, b));
    I32x4Sub => l.two(I32X4, |l, a, b| l.b.ins().isub(a, b));
    I64x2Sub => l.two(I64X2, |l, a, b| l.b.ins().isub(a, b));
    I16x8Mul => l.two(I16X8, |l, a, b| l.b.ins().imul(a, b));
    I32x4Mul => l.two(I32X4, |l, a, b| l.b.ins().imul(a, b));
    I64x2Mul => l.two(I64X2, |l, a, b| l.b.ins().imul(a, b));
    I8x16AddSatS => l.two(I8X16, |l, a, b| l.b.ins().sadd_sat(a, b));
    I16x8AddSatS => l.two(I16X8, |l, a, b| l.b.ins().sadd_sat(a, b));
    I8x16AddSatU => l.two(I8X16, |l, a, b| l.b.ins().uadd_sat(a, b));
    I16x8AddSatU => l.two(I16X8, |l, a, b| l.b.ins().uadd_sat(a, b));
    I8x16SubSatS => l.two(I8X16, |l, a, b| l.b.ins().ssub_sat(a, b));
    I16x8SubSatS => l.two(I16X8, |l, a, b| l.b.ins().ssub_sat(a, b));
    I8x16SubSatU => l.two(I8X16, |l, a, b| l.b.ins().usub_sat(a, b));
    I16x8SubSatU => l.two(I16X8, |l, a, b| l.b.ins().usub_sat(a, b));
    I8x16MinS => l.two(I8X16, |l, a, b| l.b.ins().smin(a, b));
    I16x8MinS => l.two(I16X8, |l, a, b| l.b.ins().smin(a, b));
    I32x4MinS => l.two(I32X4, |l, a, b| l.b.ins().smin(a, b));
    I8x16MinU => l.two(I8X16, |l, a, b| l.b.ins().umin(a, b));
    I16x8MinU => l.two(I16X8, |l, a, b| l.b.ins().umin(a, b));
    I32x4MinU => l.two(I32X4, |l, a, b| l.b.ins().umin(a, b));
    I8x16MaxS => l.two(I8X16, |l, a, b| l.b.ins().smax(a, b));
    I16x8MaxS => l.two(I16X8, |l, a, b| l.b.ins().smax(a, b));
    I32x4MaxS => l.two(I32X4, |l, a, b| l.b.ins().smax(a, b));
    I8x16MaxU => l.two(I8X16, |l, a, b| l.b.ins().umax(a, b));
    I16x8MaxU => l.two(I16X8, |l, a, b| l.b.ins().umax(a, b));
    I32x4MaxU => l.two(I32X4, |l, a, b| l.b.ins().umax(a, b));
    I8x16AvgrU => l.two(I8X16, |l, a, b| l.b.ins().avg_round(a, b));
    I16x8AvgrU => l.two(I16X8, |l, a, b| l.b.ins().avg_round(a, b));
    I16x8Q15MulrSatS | I16x8RelaxedQ15mulrS => l.two(I16X8, |l, a, b| l.b.ins().sqmul_round_sat(a, b));
    I8x16NarrowI16x8S => l.two(I16X8, |l, a, b| l.b.ins().snarrow(a, b));
    I8x16NarrowI16x8U => l.two(I16X8, |l, a, b| l.b.ins().unarrow(a, b));
    I16x8NarrowI32x4S => l.two(I32X4, |l, a, b| l.b.ins().snarrow(a, b));
    I16x8NarrowI32x4U => l.two(I32X4, |l, a, b| l.b.ins().unarrow(a, b));
    I16x8ExtendLowI8x16S => l.one(I8X16, |l, a| l.b.ins().swiden_low(a));
    I16x8ExtendLowI8x16U => l.one(I8X16, |l, a| l.b.ins().uwiden_low(a));
    I16x8ExtendHighI8x16S => l.one(I8X16, |l, a| l.b.ins().swiden_high(a));
    I16x8ExtendHighI8x16U => l.one(I8X16, |l, a| l.b.ins().uwiden_high(a));
    I32x4ExtendLowI16x8S => l.one(I16X8, |l, a| l.b.ins().swiden_low(a));
    I32x4ExtendLowI16x8U => l.one(I16X8, |l, a| l.b.ins().uwiden_low(a));
    I32x4ExtendHighI16x8S => l.one(I16X8, |l, a| l.b.ins().swiden_high(a));
    I32x4ExtendHighI16x8U => l.one(I16X8, |l, a| l.b.ins().uwiden_high(a));
    I64x2ExtendLowI32x4S => l.one(I32X4, |l, a| l.b.ins().swiden_low(a));
    I64x2ExtendLowI32x4U => l.one(I32X4, |l, a| l.b.ins().uwiden_low(a));
    I64x2ExtendHighI32x4S => l.one(I32X4, |l, a| l.b.ins().swiden_high(a));
    I64x2ExtendHighI32x4U => l.one(I32X4, |l, a| l.b.ins().uwiden_high(a));
    I16x8ExtMulLowI8x16S => l.products(I8X16, |l, a| l.b.ins().swiden_low(a));
    I16x8ExtMulLowI8x16U => l.products(I8X16, |l, a| l.b.ins().uwiden_low(a));
    I16x8ExtMulHighI8x16S => l.products(I8X16, |l, a| l.b.ins().swiden_high(a));
    I16x8ExtMulHighI8x16U => l.products(I8X16, |l, a| l.b.ins().uwiden_high(a));
    I32x4ExtMulLowI16x8S => l.products(I16X8, |l, a| l.b.ins().swiden_low(a));
    I32x4ExtMulLowI16x8U => l.products(I16X8, |l, a| l.b.ins().uwiden_low(a));
    I32x4ExtMulHighI16x8S => l.products(I16X8, |l, a| l.b.ins().swiden_high(a));
    I32x4ExtMulHighI16x8U => l.products(I16X8, |l, a| l.b.ins().uwiden_high(a));
    I64x2ExtMulLowI32x4S => l.products(I32X4, |l, a| l.b.ins().swiden_low(a));
    I64x2ExtMulLowI32x4U => l.products(I32X4, |l, a| l.b.ins().uwiden_low(a));
    I64x2ExtMulHighI32x4S => l.products(I32X4, |l, a| l.b.ins().swiden_high(a));
    I64x2ExtMulHighI32x4U => l.products(I32X4, |l, a| l.b.ins().uwiden_high(a));
    I16x8ExtAddPairwiseI8x16S => l.one(I8X16, |l, a| l.signed_pairs(a));
    I16x8ExtAddPairwiseI8x16U => l.one(I8X16, |l, a| l.unsigned_pairs(a));
    I32x4ExtAddPairwiseI16x8S => l.one(I16X8, |l, a| l.signed_pairs(a));
    I32x4ExtAddPairwiseI16x8U => l.one(I16X8, |l, a| l.unsigned_pairs(a));
    I32x4DotI16x8S => l.two(I16X8, |l, a, b| {
        let (low, high) = l.signed_products(a, b);
        l.b.ins().iadd_pairwise(low, high)
    });
    I16x8RelaxedDotI8x16I7x16S => l.two(I8X16, |l, a, b| l.dot_of_bytes(a, b));
    I32x4RelaxedDotI8x16I7x16AddS => l.three(I8X16, |l, a, b, c| {
        let dot = l.dot_of_bytes(a, b);
        let (sums, c) = (l.signed_pairs(dot), l.seen_as(c, I32X4));
        l.b.ins().iadd(sums, c)
    });

    // Conversions.
    I32x4TruncSatF32x4S | I32x4RelaxedTruncF32x4S => l.one(F32X4, |l, a| l.b.ins().fcvt_to_sint_sat(I32X4, a));
    I32x4TruncSatF32x4U | I32x4RelaxedTruncF32x4U => l.one(F32X4, |l, a| l.b.ins().fcvt_to_uint_sat(I32X4, a));
    I32x4TruncSatF64x2SZero | I32x4RelaxedTruncF64x2SZero => l.one(F64X2, |l, a| {
        let (wide, zero) = (l.b.ins().fcvt_to_sint_sat(I64X2, a), abi::vector(&mut l.b, I64X2, &[0; 16]));
        l.b.ins().snarrow(wide, zero)
    });
    I32x4TruncSatF64x2UZero | I32x4RelaxedTruncF64x2UZero => l.one(F64X2, |l, a| {
        let (wide, zero) = (l.b.ins().fcvt_to_uint_sat(I64X2, a), abi::vector(&mut l.b, I64X2, &[0; 16]));
        l.b.ins().uunarrow(wide, zero)
    });
    F32x4ConvertI32x4S => l.one(I32X4, |l, a| l.b.ins().fcvt_from_sint(F32X4, a));
    F32x4ConvertI32x4U => l.one(I32X4, |l, a| l.b.ins().fcvt_from_uint(F32X4, a));
    F64x2ConvertLowI32x4S => l.one(I32X4, |l, a| {
        let wide = l.b.ins().swiden_low(a);
        l.b.ins().fcvt_from_sint(F64X2, wide)
    });
    F64x2ConvertLowI32x4U => l.one(I32X4, |l, a| {
        let wide = l.b.ins().uwiden_low(a);
        l.b.ins().fcvt_from_uint(F64X2, wide)
    });
    F32x4DemoteF64x2Zero => l.one(F64X2, |l, a| l.b.ins().fvdemote(a));
    F64x2PromoteLowF32x4 => l.one(F32X4, |l, a| l.b.ins().fvpromote_low(a));

    // Floats.
    F32x4Ceil => l.one(F32X4, |l, a| l.b.ins().ceil(a));
    F64x2Ceil => l.one(F64X2, |l, a| l.b.ins().ceil(a));
    F32x4Floor => l.one(F32X4, |l, a| l.b.ins().floor(a));
    F64x2Floor => l.one(F64X2, |l, a| l.b.ins().floor(a));
    F32x4Trunc => l.one(F32X4, |l, a| l.b.ins().trunc(a));
    F64x2Trunc => l.one(F64X2, |l, a| l.b.ins().trunc(a));
    F32x4Nearest => l.one(F32X4, |l, a| l.b.ins().nearest(a));
    F64x2Nearest => l.one(F64X2, |l, a| l.b.ins().nearest(a));
    F32x4Abs => l.one(F32X4, |l, a| l.b.ins().fabs(a));
    F64x2Abs => l.one(F64X2, |l, a| l.b.ins().fabs(a));
    F32x4Neg => l.one(F32X4, |l, a| l.b.ins().fneg(a));
    F64x2Neg => l.one(F64X2, |l, a| l.b.ins().fneg(a));
    F32x4Sqrt => l.one(F32X4, |l, a| l.b.ins().sqrt(a));
    F64x2Sqrt => l.one(F64X2, |l, a| l.b.ins().sqrt(a));
    F32x4Add => l.two(F32X4, |l, a, b| l.b.ins().fadd(a, b));
    F64x2Add => l.two(F64X2, |l, a, b| l.b.ins().fadd(a, b));
    F32x4Sub => l.two(F32X4, |l, a, b| l.b.ins().fsub(a, b));
    F64x2Sub => l.two(F64X2, |l, a, b| l.b.ins().fsub(a, b));
    F32x4Mul => l.two(F32X4, |l, a, b| l.b.ins().fmul(a, b));
    F64x2Mul => l.two(F64X2, |l, a, b| l.b.ins().fmul(a, b));
    F32x4Div => l.two(F32X4, |l, a, b| l.b.ins().fdiv(a, b));
    F64x2Div => l.two(F64X2, |l, a, b| l.b.ins().fdiv(a, b));
    F32x4Min | F32x4RelaxedMin => l.two(F32X4, |l, a, b| l.b.ins().fmin(a, b));
    F64x2Min | F64x2RelaxedMin => l.two(F64X2, |l, a, b| l.b.ins().fmin(a, b));
    F32x4Max | F32x4RelaxedMax => l.two(F32X4, |l, a, b| l.b.ins().fmax(a, b));
    F64x2Max | F64x2RelaxedMax => l.two(F64X2, |l, a, b| l.b.ins().fmax(a, b));
    F32x4PMin => l.two(F32X4, |l, a, b| l.second_where(b, a, b, a));
    F64x2PMin => l.two(F64X2, |l, a, b| l.second_where(b, a, b, a));
    F32x4PMax => l.two(F32X4, |l, a, b| l.second_where(a, b, b, a));
    F64x2PMax => l.two(F64X2, |l, a, b| l.second_where(a, b, b, a));
    F32x4RelaxedMadd => l.multiply_add(F32X4, false);
    F64x2RelaxedMadd => l.multiply_add(F64X2, false);
    F32x4RelaxedNmadd => l.multiply_add(F32X4, true);
    F64x2RelaxedNmadd => l.multiply_add(F64X2, true);
}

impl Lower<'_> {
    /// The same bits, other lanes.
    fn seen_as(&mut self, value: Value, ty: Type) -> Value {
        if self.b.func.dfg.value_type(value) == ty {
            return value;
        }
        self.b.ins().bitcast(ty, MemFlagsData::new().with_endianness(Endianness::Little), value)
    }

    fn pop_as(&mut self, ty: Type) -> Value {
        let value = self.pop();
        self.seen_as(value, ty)
    }

    fn push_vector(&mut self, value: Value) {
        let value = self.seen_as(value, VECTOR);
        self.push(value);
    }

    /// `v128.const`.
    pub(super) fn vector_constant(&mut self, bytes: &[u8; 16]) {
        let value = abi::vector(&mut self.b, VECTOR, bytes);
        self.push(value);
    }

    fn one(&mut self, ty: Type, f: impl FnOnce(&mut Self, Value) -> Value) {
        let a = self.pop_as(ty);
        let value = f(self, a);
        self.push_vector(value);
    }

    fn two(&mut self, ty: Type, f: impl FnOnce(&mut Self, Value, Value) -> Value) {
        let (b, a) = (self.pop_as(ty), self.pop_as(ty));
        let value = f(self, a, b);
        self.push_vector(value);
    }

    fn three(&mut self, ty: Type, f: impl FnOnce(&mut Self, Value, Value, Value) -> Value) {
        let (c, b, a) = (self.pop_as(ty), self.pop_as(ty), self.pop_as(ty));
        let value = f(self, a, b, c);
        self.push_vector(value);
    }

    /// A test of all lanes.
    fn test(&mut self, ty: Type, f: impl FnOnce(&mut Self, Value) -> Value) {
        let a = self.pop_as(ty);
        let holds = f(self, a);
        let holds = self.b.ins().uextend(I32, holds);
        self.push(holds);
    }

    fn bitmask(&mut self, ty: Type) {
        let a = self.pop_as(ty);
        let bits = self.b.ins().vhigh_bits(I32, a);
        self.push(bits);
    }

    fn lanes(&mut self, ty: Type, condition: IntCC) {
        self.two(ty, |l, a, b| l.b.ins().icmp(condition, a, b));
    }

    fn float_lanes(&mut self, ty: Type, condition: FloatCC) {
        self.two(ty, |l, a, b| l.b.ins().fcmp(condition, a, b));
    }

    /// `yes` where `a` is less than `b`, `no` elsewhere.
    fn second_where(&mut self, a: Value, b: Value, yes: Value, no: Value) -> Value {
        let ty = self.b.func.dfg.value_type(a);
        let less = self.b.ins().fcmp(FloatCC::LessThan, a, b);
        let less = self.seen_as(less, ty);
        self.b.ins().bitselect(less, yes, no)
    }

    fn shift(&mut self, ty: Type, f: impl FnOnce(&mut Self, Value, Value) -> Value) {
        let count = self.pop();
        self.one(ty, |l, a| f(l, a, count));
    }

    fn splat(&mut self, ty: Type, f: impl FnOnce(&mut Self, Value) -> Value) {
        let value = self.pop();
        let value = f(self, value);
        let value = self.b.ins().splat(ty, value);
        self.push_vector(value);
    }

    fn extract(&mut self, arg: &Arg<'_>, ty: Type, f: impl FnOnce(&mut Self, Value) -> Value) {
        let a = self.pop_as(ty);
        let value = self.b.ins().extractlane(a, lane(arg));
        let value = f(self, value);
        self.push(value);
    }

    fn replace(&mut self, arg: &Arg<'_>, ty: Type, f: impl FnOnce(&mut Self, Value) -> Value) {
        let value = self.pop();
        let value = f(self, value);
        self.one(ty, |l, a| l.b.ins().insertlane(a, value, lane(arg)));
    }

    fn shuffle(&mut self, arg: &Arg<'_>) {
        let Arg::Bytes(lanes) = arg else { unreachable!("a shuffle has lanes") };
        let lanes = self.b.func.dfg.immediates.push(ConstantData::from(lanes.as_slice()));
        self.two(I8X16, |l, a, b| l.b.ins().shuffle(a, b, lanes));
    }

    fn signed_pairs(&mut self, a: Value) -> Value {
        let (low, high) = (self.b.ins().swiden_low(a), self.b.ins().swiden_high(a));
        self.b.ins().iadd_pairwise(low, high)
    }

    fn unsigned_pairs(&mut self, a: Value) -> Value {
        let (low, high) = (self.b.ins().uwiden_low(a), self.b.ins().uwiden_high(a));
        self.b.ins().iadd_pairwise(low, high)
    }

    /// Products of half of the lanes, which `widen` makes wider.
    fn products(&mut self, ty: Type, widen: impl Fn(&mut Self, Value) -> Value) {
        self.two(ty, |l, a, b| {
            let (a, b) = (widen(l, a), widen(l, b));
            l.b.ins().imul(a, b)
        });
    }

    /// Whole products, signed: of the lower lanes, and of the upper ones.
    fn signed_products(&mut self, a: Value, b: Value) -> (Value, Value) {
        let (low_a, low_b) = (self.b.ins().swiden_low(a), self.b.ins().swiden_low(b));
        let (high_a, high_b) = (self.b.ins().swiden_high(a), self.b.ins().swiden_high(b));
        (self.b.ins().imul(low_a, low_b), self.b.ins().imul(high_a, high_b))
    }

    /// Sums of two products of neighbours, signed, clamped.
    fn dot_of_bytes(&mut self, a: Value, b: Value) -> Value {
        let (low, high) = self.signed_products(a, b);
        let (low, high) = (self.signed_pairs(low), self.signed_pairs(high));
        self.b.ins().snarrow(low, high)
    }

    /// A product, rounded, and a sum.
    fn multiply_add(&mut self, ty: Type, negated: bool) {
        self.three(ty, |l, a, b, c| {
            let a = if negated { l.b.ins().fneg(a) } else { a };
            let product = l.b.ins().fmul(a, b);
            l.b.ins().fadd(product, c)
        });
    }

    // ---- memory ----

    fn vector_load(&mut self, arg: &Arg<'_>, ty: Type, f: impl FnOnce(&mut Self, Value) -> Value) {
        let from = self.place(arg, ty.bytes());
        let value = self.load_at(from, ty);
        let value = f(self, value);
        self.push_vector(value);
    }

    /// Loads eight bytes, and makes their lanes wider.
    fn load_half(&mut self, arg: &Arg<'_>, ty: Type, widen: impl FnOnce(&mut Self, Value) -> Value) {
        self.vector_load(arg, I64, |l, v| {
            let v = l.b.ins().scalar_to_vector(I64X2, v);
            let v = l.seen_as(v, ty);
            widen(l, v)
        });
    }

    fn load_lane(&mut self, arg: &Arg<'_>, ty: Type) {
        let vector = self.pop_as(ty);
        self.vector_load(arg, ty.lane_type(), |l, v| l.b.ins().insertlane(vector, v, lane(arg)));
    }

    fn vector_store(&mut self, arg: &Arg<'_>, ty: Type, f: impl FnOnce(&mut Self, Value) -> Value) {
        let value = self.pop_as(ty);
        let value = f(self, value);
        let bytes = self.b.func.dfg.value_type(value).bytes();
        let to = self.place(arg, bytes);
        self.store_at(to, value);
    }

    fn store_lane(&mut self, arg: &Arg<'_>, ty: Type) {
        self.vector_store(arg, ty, |l, v| l.b.ins().extractlane(v, lane(arg)));
    }
}

/// The lane that an operator is about.
fn lane(arg: &Arg<'_>) -> u8 {
    let (Arg::Lane(lane) | Arg::OffsetLane(_, lane) | Arg::Far(Far { lane, .. })) = *arg else {
        unreachable!("the operator has a lane")
    };
    lane
}

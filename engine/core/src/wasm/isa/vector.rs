//! The rows of operators over `v128`: fixed-width SIMD of WebAssembly 2.0, relaxed SIMD of 3.0; columns as in [`isa`](super).
//!
//! Not in any chain profile; priced like the work of the same latency class on 16 bytes (ours). The meaning of a load is what
//! becomes of the bytes that were read, that of a store what gives the bytes to be written; a lane index is a last operand.

macro_rules! vector_rows {
    ($next:ident $($callback:tt)*) => {
        $next! {
            $($callback)*

            // Memory.
            V128Load                 0xfd_0000  "v128.load"                       135  (i32) -> (v128)                vector_load v128_same;
            V128Load8x8S             0xfd_0001  "v128.load8x8_s"                  135  (i32) -> (v128)                vector_load i16x8_extend_low_i8x16_s;
            V128Load8x8U             0xfd_0002  "v128.load8x8_u"                  135  (i32) -> (v128)                vector_load i16x8_extend_low_i8x16_u;
            V128Load16x4S            0xfd_0003  "v128.load16x4_s"                 135  (i32) -> (v128)                vector_load i32x4_extend_low_i16x8_s;
            V128Load16x4U            0xfd_0004  "v128.load16x4_u"                 135  (i32) -> (v128)                vector_load i32x4_extend_low_i16x8_u;
            V128Load32x2S            0xfd_0005  "v128.load32x2_s"                 135  (i32) -> (v128)                vector_load i64x2_extend_low_i32x4_s;
            V128Load32x2U            0xfd_0006  "v128.load32x2_u"                 135  (i32) -> (v128)                vector_load i64x2_extend_low_i32x4_u;
            V128Load8Splat           0xfd_0007  "v128.load8_splat"                135  (i32) -> (v128)                vector_load i8x16_splat;
            V128Load16Splat          0xfd_0008  "v128.load16_splat"               135  (i32) -> (v128)                vector_load i16x8_splat;
            V128Load32Splat          0xfd_0009  "v128.load32_splat"               135  (i32) -> (v128)                vector_load i32x4_splat;
            V128Load64Splat          0xfd_000a  "v128.load64_splat"               135  (i32) -> (v128)                vector_load i64x2_splat;
            V128Load32Zero           0xfd_005c  "v128.load32_zero"                135  (i32) -> (v128)                vector_load v128_same;
            V128Load64Zero           0xfd_005d  "v128.load64_zero"                135  (i32) -> (v128)                vector_load v128_same;
            V128Store                0xfd_000b  "v128.store"                      135  (i32 v128) -> ()               vector_store v128_same;
            V128Load8Lane            0xfd_0054  "v128.load8_lane"                 135  (i32 v128) -> (v128)           vector_load i8x16_replace_lane;
            V128Load16Lane           0xfd_0055  "v128.load16_lane"                135  (i32 v128) -> (v128)           vector_load i16x8_replace_lane;
            V128Load32Lane           0xfd_0056  "v128.load32_lane"                135  (i32 v128) -> (v128)           vector_load i32x4_replace_lane;
            V128Load64Lane           0xfd_0057  "v128.load64_lane"                135  (i32 v128) -> (v128)           vector_load i64x2_replace_lane;
            V128Store8Lane           0xfd_0058  "v128.store8_lane"                135  (i32 v128) -> ()               vector_store i8x16_extract_lane_u;
            V128Store16Lane          0xfd_0059  "v128.store16_lane"               135  (i32 v128) -> ()               vector_store i16x8_extract_lane_u;
            V128Store32Lane          0xfd_005a  "v128.store32_lane"               135  (i32 v128) -> ()               vector_store i32x4_extract_lane;
            V128Store64Lane          0xfd_005b  "v128.store64_lane"               135  (i32 v128) -> ()               vector_store i64x2_extract_lane;

            // Constants, lanes.
            V128Const                0xfd_000c  "v128.const"                       10  () -> (v128)                   constant;
            I8x16Shuffle             0xfd_000d  "i8x16.shuffle"                   135  (v128 v128) -> (v128)          vector i8x16_shuffle;
            I8x16ExtractLaneS        0xfd_0015  "i8x16.extract_lane_s"             90  (v128) -> (i32)                vector i8x16_extract_lane_s;
            I8x16ExtractLaneU        0xfd_0016  "i8x16.extract_lane_u"             90  (v128) -> (i32)                vector i8x16_extract_lane_u;
            I8x16ReplaceLane         0xfd_0017  "i8x16.replace_lane"               90  (v128 i32) -> (v128)           vector i8x16_replace_lane;
            I16x8ExtractLaneS        0xfd_0018  "i16x8.extract_lane_s"             90  (v128) -> (i32)                vector i16x8_extract_lane_s;
            I16x8ExtractLaneU        0xfd_0019  "i16x8.extract_lane_u"             90  (v128) -> (i32)                vector i16x8_extract_lane_u;
            I16x8ReplaceLane         0xfd_001a  "i16x8.replace_lane"               90  (v128 i32) -> (v128)           vector i16x8_replace_lane;
            I32x4ExtractLane         0xfd_001b  "i32x4.extract_lane"               90  (v128) -> (i32)                vector i32x4_extract_lane;
            I32x4ReplaceLane         0xfd_001c  "i32x4.replace_lane"               90  (v128 i32) -> (v128)           vector i32x4_replace_lane;
            I64x2ExtractLane         0xfd_001d  "i64x2.extract_lane"               90  (v128) -> (i64)                vector i64x2_extract_lane;
            I64x2ReplaceLane         0xfd_001e  "i64x2.replace_lane"               90  (v128 i64) -> (v128)           vector i64x2_replace_lane;
            F32x4ExtractLane         0xfd_001f  "f32x4.extract_lane"               90  (v128) -> (f32)                vector i32x4_extract_lane;
            F32x4ReplaceLane         0xfd_0020  "f32x4.replace_lane"               90  (v128 f32) -> (v128)           vector i32x4_replace_lane;
            F64x2ExtractLane         0xfd_0021  "f64x2.extract_lane"               90  (v128) -> (f64)                vector i64x2_extract_lane;
            F64x2ReplaceLane         0xfd_0022  "f64x2.replace_lane"               90  (v128 f64) -> (v128)           vector i64x2_replace_lane;
            I8x16Swizzle             0xfd_000e  "i8x16.swizzle"                    90  (v128 v128) -> (v128)          vector i8x16_swizzle;
            I8x16Splat               0xfd_000f  "i8x16.splat"                      90  (i32) -> (v128)                vector i8x16_splat;
            I16x8Splat               0xfd_0010  "i16x8.splat"                      90  (i32) -> (v128)                vector i16x8_splat;
            I32x4Splat               0xfd_0011  "i32x4.splat"                      90  (i32) -> (v128)                vector i32x4_splat;
            I64x2Splat               0xfd_0012  "i64x2.splat"                      90  (i64) -> (v128)                vector i64x2_splat;
            F32x4Splat               0xfd_0013  "f32x4.splat"                      90  (f32) -> (v128)                vector i32x4_splat;
            F64x2Splat               0xfd_0014  "f64x2.splat"                      90  (f64) -> (v128)                vector i64x2_splat;

            // All bits.
            V128Not                  0xfd_004d  "v128.not"                         45  (v128) -> (v128)               vector v128_not;
            V128And                  0xfd_004e  "v128.and"                         45  (v128 v128) -> (v128)          vector v128_and;
            V128AndNot               0xfd_004f  "v128.andnot"                      45  (v128 v128) -> (v128)          vector v128_andnot;
            V128Or                   0xfd_0050  "v128.or"                          45  (v128 v128) -> (v128)          vector v128_or;
            V128Xor                  0xfd_0051  "v128.xor"                         45  (v128 v128) -> (v128)          vector v128_xor;
            V128Bitselect            0xfd_0052  "v128.bitselect"                   90  (v128 v128 v128) -> (v128)     vector v128_bitselect;
            V128AnyTrue              0xfd_0053  "v128.any_true"                   135  (v128) -> (i32)                vector v128_any_true;

            // Bytes.
            I8x16Eq                  0xfd_0023  "i8x16.eq"                         45  (v128 v128) -> (v128)          vector i8x16_eq;
            I8x16Ne                  0xfd_0024  "i8x16.ne"                         45  (v128 v128) -> (v128)          vector i8x16_ne;
            I8x16LtS                 0xfd_0025  "i8x16.lt_s"                       45  (v128 v128) -> (v128)          vector i8x16_lt_s;
            I8x16LtU                 0xfd_0026  "i8x16.lt_u"                       45  (v128 v128) -> (v128)          vector i8x16_lt_u;
            I8x16GtS                 0xfd_0027  "i8x16.gt_s"                       45  (v128 v128) -> (v128)          vector i8x16_gt_s;
            I8x16GtU                 0xfd_0028  "i8x16.gt_u"                       45  (v128 v128) -> (v128)          vector i8x16_gt_u;
            I8x16LeS                 0xfd_0029  "i8x16.le_s"                       45  (v128 v128) -> (v128)          vector i8x16_le_s;
            I8x16LeU                 0xfd_002a  "i8x16.le_u"                       45  (v128 v128) -> (v128)          vector i8x16_le_u;
            I8x16GeS                 0xfd_002b  "i8x16.ge_s"                       45  (v128 v128) -> (v128)          vector i8x16_ge_s;
            I8x16GeU                 0xfd_002c  "i8x16.ge_u"                       45  (v128 v128) -> (v128)          vector i8x16_ge_u;
            I8x16Abs                 0xfd_0060  "i8x16.abs"                        45  (v128) -> (v128)               vector i8x16_abs;
            I8x16Neg                 0xfd_0061  "i8x16.neg"                        45  (v128) -> (v128)               vector i8x16_neg;
            I8x16Popcnt              0xfd_0062  "i8x16.popcnt"                    135  (v128) -> (v128)               vector i8x16_popcnt;
            I8x16AllTrue             0xfd_0063  "i8x16.all_true"                  135  (v128) -> (i32)                vector i8x16_all_true;
            I8x16Bitmask             0xfd_0064  "i8x16.bitmask"                   135  (v128) -> (i32)                vector i8x16_bitmask;
            I8x16NarrowI16x8S        0xfd_0065  "i8x16.narrow_i16x8_s"             90  (v128 v128) -> (v128)          vector i8x16_narrow_i16x8_s;
            I8x16NarrowI16x8U        0xfd_0066  "i8x16.narrow_i16x8_u"             90  (v128 v128) -> (v128)          vector i8x16_narrow_i16x8_u;
            I8x16Shl                 0xfd_006b  "i8x16.shl"                        67  (v128 i32) -> (v128)           vector i8x16_shl;
            I8x16ShrS                0xfd_006c  "i8x16.shr_s"                      67  (v128 i32) -> (v128)           vector i8x16_shr_s;
            I8x16ShrU                0xfd_006d  "i8x16.shr_u"                      67  (v128 i32) -> (v128)           vector i8x16_shr_u;
            I8x16Add                 0xfd_006e  "i8x16.add"                        45  (v128 v128) -> (v128)          vector i8x16_add;
            I8x16AddSatS             0xfd_006f  "i8x16.add_sat_s"                  45  (v128 v128) -> (v128)          vector i8x16_add_sat_s;
            I8x16AddSatU             0xfd_0070  "i8x16.add_sat_u"                  45  (v128 v128) -> (v128)          vector i8x16_add_sat_u;
            I8x16Sub                 0xfd_0071  "i8x16.sub"                        45  (v128 v128) -> (v128)          vector i8x16_sub;
            I8x16SubSatS             0xfd_0072  "i8x16.sub_sat_s"                  45  (v128 v128) -> (v128)          vector i8x16_sub_sat_s;
            I8x16SubSatU             0xfd_0073  "i8x16.sub_sat_u"                  45  (v128 v128) -> (v128)          vector i8x16_sub_sat_u;
            I8x16MinS                0xfd_0076  "i8x16.min_s"                      45  (v128 v128) -> (v128)          vector i8x16_min_s;
            I8x16MinU                0xfd_0077  "i8x16.min_u"                      45  (v128 v128) -> (v128)          vector i8x16_min_u;
            I8x16MaxS                0xfd_0078  "i8x16.max_s"                      45  (v128 v128) -> (v128)          vector i8x16_max_s;
            I8x16MaxU                0xfd_0079  "i8x16.max_u"                      45  (v128 v128) -> (v128)          vector i8x16_max_u;
            I8x16AvgrU               0xfd_007b  "i8x16.avgr_u"                     45  (v128 v128) -> (v128)          vector i8x16_avgr_u;

            // 16-bit integers.
            I16x8Eq                  0xfd_002d  "i16x8.eq"                         45  (v128 v128) -> (v128)          vector i16x8_eq;
            I16x8Ne                  0xfd_002e  "i16x8.ne"                         45  (v128 v128) -> (v128)          vector i16x8_ne;
            I16x8LtS                 0xfd_002f  "i16x8.lt_s"                       45  (v128 v128) -> (v128)          vector i16x8_lt_s;
            I16x8LtU                 0xfd_0030  "i16x8.lt_u"                       45  (v128 v128) -> (v128)          vector i16x8_lt_u;
            I16x8GtS                 0xfd_0031  "i16x8.gt_s"                       45  (v128 v128) -> (v128)          vector i16x8_gt_s;
            I16x8GtU                 0xfd_0032  "i16x8.gt_u"                       45  (v128 v128) -> (v128)          vector i16x8_gt_u;
            I16x8LeS                 0xfd_0033  "i16x8.le_s"                       45  (v128 v128) -> (v128)          vector i16x8_le_s;
            I16x8LeU                 0xfd_0034  "i16x8.le_u"                       45  (v128 v128) -> (v128)          vector i16x8_le_u;
            I16x8GeS                 0xfd_0035  "i16x8.ge_s"                       45  (v128 v128) -> (v128)          vector i16x8_ge_s;
            I16x8GeU                 0xfd_0036  "i16x8.ge_u"                       45  (v128 v128) -> (v128)          vector i16x8_ge_u;
            I16x8ExtAddPairwiseI8x16S 0xfd_007c  "i16x8.extadd_pairwise_i8x16_s"   135  (v128) -> (v128)               vector i16x8_extadd_pairwise_i8x16_s;
            I16x8ExtAddPairwiseI8x16U 0xfd_007d  "i16x8.extadd_pairwise_i8x16_u"   135  (v128) -> (v128)               vector i16x8_extadd_pairwise_i8x16_u;
            I16x8Abs                 0xfd_0080  "i16x8.abs"                        45  (v128) -> (v128)               vector i16x8_abs;
            I16x8Neg                 0xfd_0081  "i16x8.neg"                        45  (v128) -> (v128)               vector i16x8_neg;
            I16x8Q15MulrSatS         0xfd_0082  "i16x8.q15mulr_sat_s"             135  (v128 v128) -> (v128)          vector i16x8_q15mulr_sat_s;
            I16x8AllTrue             0xfd_0083  "i16x8.all_true"                  135  (v128) -> (i32)                vector i16x8_all_true;
            I16x8Bitmask             0xfd_0084  "i16x8.bitmask"                   135  (v128) -> (i32)                vector i16x8_bitmask;
            I16x8NarrowI32x4S        0xfd_0085  "i16x8.narrow_i32x4_s"             90  (v128 v128) -> (v128)          vector i16x8_narrow_i32x4_s;
            I16x8NarrowI32x4U        0xfd_0086  "i16x8.narrow_i32x4_u"             90  (v128 v128) -> (v128)          vector i16x8_narrow_i32x4_u;
            I16x8ExtendLowI8x16S     0xfd_0087  "i16x8.extend_low_i8x16_s"         90  (v128) -> (v128)               vector i16x8_extend_low_i8x16_s;
            I16x8ExtendHighI8x16S    0xfd_0088  "i16x8.extend_high_i8x16_s"        90  (v128) -> (v128)               vector i16x8_extend_high_i8x16_s;
            I16x8ExtendLowI8x16U     0xfd_0089  "i16x8.extend_low_i8x16_u"         90  (v128) -> (v128)               vector i16x8_extend_low_i8x16_u;
            I16x8ExtendHighI8x16U    0xfd_008a  "i16x8.extend_high_i8x16_u"        90  (v128) -> (v128)               vector i16x8_extend_high_i8x16_u;
            I16x8Shl                 0xfd_008b  "i16x8.shl"                        67  (v128 i32) -> (v128)           vector i16x8_shl;
            I16x8ShrS                0xfd_008c  "i16x8.shr_s"                      67  (v128 i32) -> (v128)           vector i16x8_shr_s;
            I16x8ShrU                0xfd_008d  "i16x8.shr_u"                      67  (v128 i32) -> (v128)           vector i16x8_shr_u;
            I16x8Add                 0xfd_008e  "i16x8.add"                        45  (v128 v128) -> (v128)          vector i16x8_add;
            I16x8AddSatS             0xfd_008f  "i16x8.add_sat_s"                  45  (v128 v128) -> (v128)          vector i16x8_add_sat_s;
            I16x8AddSatU             0xfd_0090  "i16x8.add_sat_u"                  45  (v128 v128) -> (v128)          vector i16x8_add_sat_u;
            I16x8Sub                 0xfd_0091  "i16x8.sub"                        45  (v128 v128) -> (v128)          vector i16x8_sub;
            I16x8SubSatS             0xfd_0092  "i16x8.sub_sat_s"                  45  (v128 v128) -> (v128)          vector i16x8_sub_sat_s;
            I16x8SubSatU             0xfd_0093  "i16x8.sub_sat_u"                  45  (v128 v128) -> (v128)          vector i16x8_sub_sat_u;
            I16x8Mul                 0xfd_0095  "i16x8.mul"                       135  (v128 v128) -> (v128)          vector i16x8_mul;
            I16x8MinS                0xfd_0096  "i16x8.min_s"                      45  (v128 v128) -> (v128)          vector i16x8_min_s;
            I16x8MinU                0xfd_0097  "i16x8.min_u"                      45  (v128 v128) -> (v128)          vector i16x8_min_u;
            I16x8MaxS                0xfd_0098  "i16x8.max_s"                      45  (v128 v128) -> (v128)          vector i16x8_max_s;
            I16x8MaxU                0xfd_0099  "i16x8.max_u"                      45  (v128 v128) -> (v128)          vector i16x8_max_u;
            I16x8AvgrU               0xfd_009b  "i16x8.avgr_u"                     45  (v128 v128) -> (v128)          vector i16x8_avgr_u;
            I16x8ExtMulLowI8x16S     0xfd_009c  "i16x8.extmul_low_i8x16_s"        135  (v128 v128) -> (v128)          vector i16x8_extmul_low_i8x16_s;
            I16x8ExtMulHighI8x16S    0xfd_009d  "i16x8.extmul_high_i8x16_s"       135  (v128 v128) -> (v128)          vector i16x8_extmul_high_i8x16_s;
            I16x8ExtMulLowI8x16U     0xfd_009e  "i16x8.extmul_low_i8x16_u"        135  (v128 v128) -> (v128)          vector i16x8_extmul_low_i8x16_u;
            I16x8ExtMulHighI8x16U    0xfd_009f  "i16x8.extmul_high_i8x16_u"       135  (v128 v128) -> (v128)          vector i16x8_extmul_high_i8x16_u;

            // 32-bit integers.
            I32x4Eq                  0xfd_0037  "i32x4.eq"                         45  (v128 v128) -> (v128)          vector i32x4_eq;
            I32x4Ne                  0xfd_0038  "i32x4.ne"                         45  (v128 v128) -> (v128)          vector i32x4_ne;
            I32x4LtS                 0xfd_0039  "i32x4.lt_s"                       45  (v128 v128) -> (v128)          vector i32x4_lt_s;
            I32x4LtU                 0xfd_003a  "i32x4.lt_u"                       45  (v128 v128) -> (v128)          vector i32x4_lt_u;
            I32x4GtS                 0xfd_003b  "i32x4.gt_s"                       45  (v128 v128) -> (v128)          vector i32x4_gt_s;
            I32x4GtU                 0xfd_003c  "i32x4.gt_u"                       45  (v128 v128) -> (v128)          vector i32x4_gt_u;
            I32x4LeS                 0xfd_003d  "i32x4.le_s"                       45  (v128 v128) -> (v128)          vector i32x4_le_s;
            I32x4LeU                 0xfd_003e  "i32x4.le_u"                       45  (v128 v128) -> (v128)          vector i32x4_le_u;
            I32x4GeS                 0xfd_003f  "i32x4.ge_s"                       45  (v128 v128) -> (v128)          vector i32x4_ge_s;
            I32x4GeU                 0xfd_0040  "i32x4.ge_u"                       45  (v128 v128) -> (v128)          vector i32x4_ge_u;
            I32x4ExtAddPairwiseI16x8S 0xfd_007e  "i32x4.extadd_pairwise_i16x8_s"   135  (v128) -> (v128)               vector i32x4_extadd_pairwise_i16x8_s;
            I32x4ExtAddPairwiseI16x8U 0xfd_007f  "i32x4.extadd_pairwise_i16x8_u"   135  (v128) -> (v128)               vector i32x4_extadd_pairwise_i16x8_u;
            I32x4Abs                 0xfd_00a0  "i32x4.abs"                        45  (v128) -> (v128)               vector i32x4_abs;
            I32x4Neg                 0xfd_00a1  "i32x4.neg"                        45  (v128) -> (v128)               vector i32x4_neg;
            I32x4AllTrue             0xfd_00a3  "i32x4.all_true"                  135  (v128) -> (i32)                vector i32x4_all_true;
            I32x4Bitmask             0xfd_00a4  "i32x4.bitmask"                   135  (v128) -> (i32)                vector i32x4_bitmask;
            I32x4ExtendLowI16x8S     0xfd_00a7  "i32x4.extend_low_i16x8_s"         90  (v128) -> (v128)               vector i32x4_extend_low_i16x8_s;
            I32x4ExtendHighI16x8S    0xfd_00a8  "i32x4.extend_high_i16x8_s"        90  (v128) -> (v128)               vector i32x4_extend_high_i16x8_s;
            I32x4ExtendLowI16x8U     0xfd_00a9  "i32x4.extend_low_i16x8_u"         90  (v128) -> (v128)               vector i32x4_extend_low_i16x8_u;
            I32x4ExtendHighI16x8U    0xfd_00aa  "i32x4.extend_high_i16x8_u"        90  (v128) -> (v128)               vector i32x4_extend_high_i16x8_u;
            I32x4Shl                 0xfd_00ab  "i32x4.shl"                        67  (v128 i32) -> (v128)           vector i32x4_shl;
            I32x4ShrS                0xfd_00ac  "i32x4.shr_s"                      67  (v128 i32) -> (v128)           vector i32x4_shr_s;
            I32x4ShrU                0xfd_00ad  "i32x4.shr_u"                      67  (v128 i32) -> (v128)           vector i32x4_shr_u;
            I32x4Add                 0xfd_00ae  "i32x4.add"                        45  (v128 v128) -> (v128)          vector i32x4_add;
            I32x4Sub                 0xfd_00b1  "i32x4.sub"                        45  (v128 v128) -> (v128)          vector i32x4_sub;
            I32x4Mul                 0xfd_00b5  "i32x4.mul"                       135  (v128 v128) -> (v128)          vector i32x4_mul;
            I32x4MinS                0xfd_00b6  "i32x4.min_s"                      45  (v128 v128) -> (v128)          vector i32x4_min_s;
            I32x4MinU                0xfd_00b7  "i32x4.min_u"                      45  (v128 v128) -> (v128)          vector i32x4_min_u;
            I32x4MaxS                0xfd_00b8  "i32x4.max_s"                      45  (v128 v128) -> (v128)          vector i32x4_max_s;
            I32x4MaxU                0xfd_00b9  "i32x4.max_u"                      45  (v128 v128) -> (v128)          vector i32x4_max_u;
            I32x4DotI16x8S           0xfd_00ba  "i32x4.dot_i16x8_s"               135  (v128 v128) -> (v128)          vector i32x4_dot_i16x8_s;
            I32x4ExtMulLowI16x8S     0xfd_00bc  "i32x4.extmul_low_i16x8_s"        135  (v128 v128) -> (v128)          vector i32x4_extmul_low_i16x8_s;
            I32x4ExtMulHighI16x8S    0xfd_00bd  "i32x4.extmul_high_i16x8_s"       135  (v128 v128) -> (v128)          vector i32x4_extmul_high_i16x8_s;
            I32x4ExtMulLowI16x8U     0xfd_00be  "i32x4.extmul_low_i16x8_u"        135  (v128 v128) -> (v128)          vector i32x4_extmul_low_i16x8_u;
            I32x4ExtMulHighI16x8U    0xfd_00bf  "i32x4.extmul_high_i16x8_u"       135  (v128 v128) -> (v128)          vector i32x4_extmul_high_i16x8_u;

            // 64-bit integers.
            I64x2Eq                  0xfd_00d6  "i64x2.eq"                         45  (v128 v128) -> (v128)          vector i64x2_eq;
            I64x2Ne                  0xfd_00d7  "i64x2.ne"                         45  (v128 v128) -> (v128)          vector i64x2_ne;
            I64x2LtS                 0xfd_00d8  "i64x2.lt_s"                       45  (v128 v128) -> (v128)          vector i64x2_lt_s;
            I64x2GtS                 0xfd_00d9  "i64x2.gt_s"                       45  (v128 v128) -> (v128)          vector i64x2_gt_s;
            I64x2LeS                 0xfd_00da  "i64x2.le_s"                       45  (v128 v128) -> (v128)          vector i64x2_le_s;
            I64x2GeS                 0xfd_00db  "i64x2.ge_s"                       45  (v128 v128) -> (v128)          vector i64x2_ge_s;
            I64x2Abs                 0xfd_00c0  "i64x2.abs"                        45  (v128) -> (v128)               vector i64x2_abs;
            I64x2Neg                 0xfd_00c1  "i64x2.neg"                        45  (v128) -> (v128)               vector i64x2_neg;
            I64x2AllTrue             0xfd_00c3  "i64x2.all_true"                  135  (v128) -> (i32)                vector i64x2_all_true;
            I64x2Bitmask             0xfd_00c4  "i64x2.bitmask"                   135  (v128) -> (i32)                vector i64x2_bitmask;
            I64x2ExtendLowI32x4S     0xfd_00c7  "i64x2.extend_low_i32x4_s"         90  (v128) -> (v128)               vector i64x2_extend_low_i32x4_s;
            I64x2ExtendHighI32x4S    0xfd_00c8  "i64x2.extend_high_i32x4_s"        90  (v128) -> (v128)               vector i64x2_extend_high_i32x4_s;
            I64x2ExtendLowI32x4U     0xfd_00c9  "i64x2.extend_low_i32x4_u"         90  (v128) -> (v128)               vector i64x2_extend_low_i32x4_u;
            I64x2ExtendHighI32x4U    0xfd_00ca  "i64x2.extend_high_i32x4_u"        90  (v128) -> (v128)               vector i64x2_extend_high_i32x4_u;
            I64x2Shl                 0xfd_00cb  "i64x2.shl"                        67  (v128 i32) -> (v128)           vector i64x2_shl;
            I64x2ShrS                0xfd_00cc  "i64x2.shr_s"                      67  (v128 i32) -> (v128)           vector i64x2_shr_s;
            I64x2ShrU                0xfd_00cd  "i64x2.shr_u"                      67  (v128 i32) -> (v128)           vector i64x2_shr_u;
            I64x2Add                 0xfd_00ce  "i64x2.add"                        45  (v128 v128) -> (v128)          vector i64x2_add;
            I64x2Sub                 0xfd_00d1  "i64x2.sub"                        45  (v128 v128) -> (v128)          vector i64x2_sub;
            I64x2Mul                 0xfd_00d5  "i64x2.mul"                       135  (v128 v128) -> (v128)          vector i64x2_mul;
            I64x2ExtMulLowI32x4S     0xfd_00dc  "i64x2.extmul_low_i32x4_s"        135  (v128 v128) -> (v128)          vector i64x2_extmul_low_i32x4_s;
            I64x2ExtMulHighI32x4S    0xfd_00dd  "i64x2.extmul_high_i32x4_s"       135  (v128 v128) -> (v128)          vector i64x2_extmul_high_i32x4_s;
            I64x2ExtMulLowI32x4U     0xfd_00de  "i64x2.extmul_low_i32x4_u"        135  (v128 v128) -> (v128)          vector i64x2_extmul_low_i32x4_u;
            I64x2ExtMulHighI32x4U    0xfd_00df  "i64x2.extmul_high_i32x4_u"       135  (v128 v128) -> (v128)          vector i64x2_extmul_high_i32x4_u;

            // Conversions.
            I32x4TruncSatF32x4S      0xfd_00f8  "i32x4.trunc_sat_f32x4_s"         135  (v128) -> (v128)               vector i32x4_trunc_sat_f32x4_s;
            I32x4TruncSatF32x4U      0xfd_00f9  "i32x4.trunc_sat_f32x4_u"         135  (v128) -> (v128)               vector i32x4_trunc_sat_f32x4_u;
            F32x4ConvertI32x4S       0xfd_00fa  "f32x4.convert_i32x4_s"           135  (v128) -> (v128)               vector f32x4_convert_i32x4_s;
            F32x4ConvertI32x4U       0xfd_00fb  "f32x4.convert_i32x4_u"           135  (v128) -> (v128)               vector f32x4_convert_i32x4_u;
            I32x4TruncSatF64x2SZero  0xfd_00fc  "i32x4.trunc_sat_f64x2_s_zero"    135  (v128) -> (v128)               vector i32x4_trunc_sat_f64x2_s_zero;
            I32x4TruncSatF64x2UZero  0xfd_00fd  "i32x4.trunc_sat_f64x2_u_zero"    135  (v128) -> (v128)               vector i32x4_trunc_sat_f64x2_u_zero;
            F64x2ConvertLowI32x4S    0xfd_00fe  "f64x2.convert_low_i32x4_s"       135  (v128) -> (v128)               vector f64x2_convert_low_i32x4_s;
            F64x2ConvertLowI32x4U    0xfd_00ff  "f64x2.convert_low_i32x4_u"       135  (v128) -> (v128)               vector f64x2_convert_low_i32x4_u;
            F32x4DemoteF64x2Zero     0xfd_005e  "f32x4.demote_f64x2_zero"         135  (v128) -> (v128)               vector f32x4_demote_f64x2_zero;
            F64x2PromoteLowF32x4     0xfd_005f  "f64x2.promote_low_f32x4"         135  (v128) -> (v128)               vector f64x2_promote_low_f32x4;

            // Floats.
            F32x4Eq                  0xfd_0041  "f32x4.eq"                         45  (v128 v128) -> (v128)          vector f32x4_eq;
            F32x4Ne                  0xfd_0042  "f32x4.ne"                         45  (v128 v128) -> (v128)          vector f32x4_ne;
            F32x4Lt                  0xfd_0043  "f32x4.lt"                         45  (v128 v128) -> (v128)          vector f32x4_lt;
            F32x4Gt                  0xfd_0044  "f32x4.gt"                         45  (v128 v128) -> (v128)          vector f32x4_gt;
            F32x4Le                  0xfd_0045  "f32x4.le"                         45  (v128 v128) -> (v128)          vector f32x4_le;
            F32x4Ge                  0xfd_0046  "f32x4.ge"                         45  (v128 v128) -> (v128)          vector f32x4_ge;
            F64x2Eq                  0xfd_0047  "f64x2.eq"                         45  (v128 v128) -> (v128)          vector f64x2_eq;
            F64x2Ne                  0xfd_0048  "f64x2.ne"                         45  (v128 v128) -> (v128)          vector f64x2_ne;
            F64x2Lt                  0xfd_0049  "f64x2.lt"                         45  (v128 v128) -> (v128)          vector f64x2_lt;
            F64x2Gt                  0xfd_004a  "f64x2.gt"                         45  (v128 v128) -> (v128)          vector f64x2_gt;
            F64x2Le                  0xfd_004b  "f64x2.le"                         45  (v128 v128) -> (v128)          vector f64x2_le;
            F64x2Ge                  0xfd_004c  "f64x2.ge"                         45  (v128 v128) -> (v128)          vector f64x2_ge;
            F32x4Ceil                0xfd_0067  "f32x4.ceil"                      135  (v128) -> (v128)               vector f32x4_ceil;
            F32x4Floor               0xfd_0068  "f32x4.floor"                     135  (v128) -> (v128)               vector f32x4_floor;
            F32x4Trunc               0xfd_0069  "f32x4.trunc"                     135  (v128) -> (v128)               vector f32x4_trunc;
            F32x4Nearest             0xfd_006a  "f32x4.nearest"                   135  (v128) -> (v128)               vector f32x4_nearest;
            F32x4Abs                 0xfd_00e0  "f32x4.abs"                        45  (v128) -> (v128)               vector f32x4_abs;
            F32x4Neg                 0xfd_00e1  "f32x4.neg"                        45  (v128) -> (v128)               vector f32x4_neg;
            F32x4Sqrt                0xfd_00e3  "f32x4.sqrt"                      900  (v128) -> (v128)               vector f32x4_sqrt;
            F32x4Add                 0xfd_00e4  "f32x4.add"                       135  (v128 v128) -> (v128)          vector f32x4_add;
            F32x4Sub                 0xfd_00e5  "f32x4.sub"                       135  (v128 v128) -> (v128)          vector f32x4_sub;
            F32x4Mul                 0xfd_00e6  "f32x4.mul"                       135  (v128 v128) -> (v128)          vector f32x4_mul;
            F32x4Div                 0xfd_00e7  "f32x4.div"                       900  (v128 v128) -> (v128)          vector f32x4_div;
            F32x4Min                 0xfd_00e8  "f32x4.min"                       135  (v128 v128) -> (v128)          vector f32x4_min;
            F32x4Max                 0xfd_00e9  "f32x4.max"                       135  (v128 v128) -> (v128)          vector f32x4_max;
            F32x4PMin                0xfd_00ea  "f32x4.pmin"                      135  (v128 v128) -> (v128)          vector f32x4_pmin;
            F32x4PMax                0xfd_00eb  "f32x4.pmax"                      135  (v128 v128) -> (v128)          vector f32x4_pmax;
            F64x2Ceil                0xfd_0074  "f64x2.ceil"                      135  (v128) -> (v128)               vector f64x2_ceil;
            F64x2Floor               0xfd_0075  "f64x2.floor"                     135  (v128) -> (v128)               vector f64x2_floor;
            F64x2Trunc               0xfd_007a  "f64x2.trunc"                     135  (v128) -> (v128)               vector f64x2_trunc;
            F64x2Nearest             0xfd_0094  "f64x2.nearest"                   135  (v128) -> (v128)               vector f64x2_nearest;
            F64x2Abs                 0xfd_00ec  "f64x2.abs"                        45  (v128) -> (v128)               vector f64x2_abs;
            F64x2Neg                 0xfd_00ed  "f64x2.neg"                        45  (v128) -> (v128)               vector f64x2_neg;
            F64x2Sqrt                0xfd_00ef  "f64x2.sqrt"                      900  (v128) -> (v128)               vector f64x2_sqrt;
            F64x2Add                 0xfd_00f0  "f64x2.add"                       135  (v128 v128) -> (v128)          vector f64x2_add;
            F64x2Sub                 0xfd_00f1  "f64x2.sub"                       135  (v128 v128) -> (v128)          vector f64x2_sub;
            F64x2Mul                 0xfd_00f2  "f64x2.mul"                       135  (v128 v128) -> (v128)          vector f64x2_mul;
            F64x2Div                 0xfd_00f3  "f64x2.div"                       900  (v128 v128) -> (v128)          vector f64x2_div;
            F64x2Min                 0xfd_00f4  "f64x2.min"                       135  (v128 v128) -> (v128)          vector f64x2_min;
            F64x2Max                 0xfd_00f5  "f64x2.max"                       135  (v128 v128) -> (v128)          vector f64x2_max;
            F64x2PMin                0xfd_00f6  "f64x2.pmin"                      135  (v128 v128) -> (v128)          vector f64x2_pmin;
            F64x2PMax                0xfd_00f7  "f64x2.pmax"                      135  (v128 v128) -> (v128)          vector f64x2_pmax;

            // Relaxed, as the specification's deterministic profile has them: most are their strict siblings, a product is rounded
            // before it is added, and the sums of dot products are clamped.
            I8x16RelaxedSwizzle           0xfd_0100  "i8x16.relaxed_swizzle"                 90  (v128 v128) -> (v128)     vector i8x16_swizzle;
            I32x4RelaxedTruncF32x4S       0xfd_0101  "i32x4.relaxed_trunc_f32x4_s"          135  (v128) -> (v128)          vector i32x4_trunc_sat_f32x4_s;
            I32x4RelaxedTruncF32x4U       0xfd_0102  "i32x4.relaxed_trunc_f32x4_u"          135  (v128) -> (v128)          vector i32x4_trunc_sat_f32x4_u;
            I32x4RelaxedTruncF64x2SZero   0xfd_0103  "i32x4.relaxed_trunc_f64x2_s_zero"     135  (v128) -> (v128)          vector i32x4_trunc_sat_f64x2_s_zero;
            I32x4RelaxedTruncF64x2UZero   0xfd_0104  "i32x4.relaxed_trunc_f64x2_u_zero"     135  (v128) -> (v128)          vector i32x4_trunc_sat_f64x2_u_zero;
            F32x4RelaxedMadd              0xfd_0105  "f32x4.relaxed_madd"                   270  (v128 v128 v128) -> (v128) vector f32x4_relaxed_madd;
            F32x4RelaxedNmadd             0xfd_0106  "f32x4.relaxed_nmadd"                  270  (v128 v128 v128) -> (v128) vector f32x4_relaxed_nmadd;
            F64x2RelaxedMadd              0xfd_0107  "f64x2.relaxed_madd"                   270  (v128 v128 v128) -> (v128) vector f64x2_relaxed_madd;
            F64x2RelaxedNmadd             0xfd_0108  "f64x2.relaxed_nmadd"                  270  (v128 v128 v128) -> (v128) vector f64x2_relaxed_nmadd;
            I8x16RelaxedLaneselect        0xfd_0109  "i8x16.relaxed_laneselect"              90  (v128 v128 v128) -> (v128) vector v128_bitselect;
            I16x8RelaxedLaneselect        0xfd_010a  "i16x8.relaxed_laneselect"              90  (v128 v128 v128) -> (v128) vector v128_bitselect;
            I32x4RelaxedLaneselect        0xfd_010b  "i32x4.relaxed_laneselect"              90  (v128 v128 v128) -> (v128) vector v128_bitselect;
            I64x2RelaxedLaneselect        0xfd_010c  "i64x2.relaxed_laneselect"              90  (v128 v128 v128) -> (v128) vector v128_bitselect;
            F32x4RelaxedMin               0xfd_010d  "f32x4.relaxed_min"                    135  (v128 v128) -> (v128)     vector f32x4_min;
            F32x4RelaxedMax               0xfd_010e  "f32x4.relaxed_max"                    135  (v128 v128) -> (v128)     vector f32x4_max;
            F64x2RelaxedMin               0xfd_010f  "f64x2.relaxed_min"                    135  (v128 v128) -> (v128)     vector f64x2_min;
            F64x2RelaxedMax               0xfd_0110  "f64x2.relaxed_max"                    135  (v128 v128) -> (v128)     vector f64x2_max;
            I16x8RelaxedQ15mulrS          0xfd_0111  "i16x8.relaxed_q15mulr_s"              135  (v128 v128) -> (v128)     vector i16x8_q15mulr_sat_s;
            I16x8RelaxedDotI8x16I7x16S    0xfd_0112  "i16x8.relaxed_dot_i8x16_i7x16_s"      135  (v128 v128) -> (v128)     vector i16x8_relaxed_dot_i8x16_i7x16_s;
            I32x4RelaxedDotI8x16I7x16AddS 0xfd_0113  "i32x4.relaxed_dot_i8x16_i7x16_add_s"  270  (v128 v128 v128) -> (v128) vector i32x4_relaxed_dot_i8x16_i7x16_add_s;
        }
    };
}
pub(super) use vector_rows;

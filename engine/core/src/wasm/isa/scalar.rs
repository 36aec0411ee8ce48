//! The rows of operators over numbers, references, tables and memory; columns as in [`isa`](super).

macro_rules! scalar_rows {
    ($callback:ident $($more:tt)*) => {
        $callback! {
            // Control. `end` of a `block` that is reached only by branches is not executed and costs nothing.
            Unreachable        0x00       "unreachable"              0  () -> ()                     control;
            Nop                0x01       "nop"                      0  () -> ()                     control;
            Block              0x02       "block"                    0  () -> ()                     control;
            Loop               0x03       "loop"                     0  () -> ()                     control;
            If                 0x04       "if"                      90  () -> ()                     control;
            Else               0x05       "else"                     0  () -> ()                     control;
            TryTable           0x1f       "try_table"               45  () -> ()                     control;
            Throw              0x08       "throw"                 2000  () -> ()                     control;
            ThrowRef           0x0a       "throw_ref"             2000  () -> ()                     control;
            End                0x0b       "end"                      0  () -> ()                     control;
            Br                 0x0c       "br"                      90  () -> ()                     control;
            BrIf               0x0d       "br_if"                  135  () -> ()                     control;
            BrTable            0x0e       "br_table"               120  () -> ()                     control;
            Return             0x0f       "return"                  90  () -> ()                     control;
            Call               0x10       "call"                    90  () -> ()                     control;
            CallIndirect       0x11       "call_indirect"          300  () -> ()                     control;
            ReturnCall         0x12       "return_call"             90  () -> ()                     control;
            ReturnCallIndirect 0x13       "return_call_indirect"   300  () -> ()                     control;
            CallRef            0x14       "call_ref"               210  () -> ()                     control;
            ReturnCallRef      0x15       "return_call_ref"        210  () -> ()                     control;
            BrOnNull           0xd5       "br_on_null"             135  () -> ()                     control;
            BrOnNonNull        0xd6       "br_on_non_null"         135  () -> ()                     control;

            // Parametric and variables.
            Drop               0x1a       "drop"                     0  () -> ()                     parametric;
            Select             0x1b       "select"                 135  () -> ()                     parametric;
            TypedSelect        0x1c       "select"                 135  () -> ()                     parametric;
            LocalGet           0x20       "local.get"               60  () -> ()                     variable;
            LocalSet           0x21       "local.set"               60  () -> ()                     variable;
            LocalTee           0x22       "local.tee"               60  () -> ()                     variable;
            GlobalGet          0x23       "global.get"             135  () -> ()                     variable;
            GlobalSet          0x24       "global.set"             135  () -> ()                     variable;

            // Tables and references.
            TableGet           0x25       "table.get"             1000  () -> ()                     table;
            TableSet           0x26       "table.set"             1000  () -> ()                     table;
            RefNull            0xd0       "ref.null"                10  () -> ()                     reference;
            RefIsNull          0xd1       "ref.is_null"             45  () -> ()                     reference;
            RefFunc            0xd2       "ref.func"               135  () -> ()                     reference;
            RefAsNonNull       0xd4       "ref.as_non_null"         45  () -> ()                     reference;
            TableInit          0xfc_000c  "table.init"            1000  () -> ()                     bulk;
            ElemDrop           0xfc_000d  "elem.drop"             1000  () -> ()                     table;
            TableCopy          0xfc_000e  "table.copy"            1000  () -> ()                     bulk;
            TableGrow          0xfc_000f  "table.grow"            1000  () -> ()                     bulk;
            TableSize          0xfc_0010  "table.size"            1000  () -> ()                     table;
            TableFill          0xfc_0011  "table.fill"            1000  () -> ()                     bulk;

            // Memory.
            I32Load            0x28       "i32.load"               135  (i32) -> (i32)               load;
            I64Load            0x29       "i64.load"               135  (i32) -> (i64)               load;
            F32Load            0x2a       "f32.load"               135  (i32) -> (f32)               load;
            F64Load            0x2b       "f64.load"               135  (i32) -> (f64)               load;
            I32Load8S          0x2c       "i32.load8_s"            135  (i32) -> (i32)               load;
            I32Load8U          0x2d       "i32.load8_u"            135  (i32) -> (i32)               load;
            I32Load16S         0x2e       "i32.load16_s"           135  (i32) -> (i32)               load;
            I32Load16U         0x2f       "i32.load16_u"           135  (i32) -> (i32)               load;
            I64Load8S          0x30       "i64.load8_s"            135  (i32) -> (i64)               load;
            I64Load8U          0x31       "i64.load8_u"            135  (i32) -> (i64)               load;
            I64Load16S         0x32       "i64.load16_s"           135  (i32) -> (i64)               load;
            I64Load16U         0x33       "i64.load16_u"           135  (i32) -> (i64)               load;
            I64Load32S         0x34       "i64.load32_s"           135  (i32) -> (i64)               load;
            I64Load32U         0x35       "i64.load32_u"           135  (i32) -> (i64)               load;
            I32Store           0x36       "i32.store"              135  (i32 i32) -> ()              store;
            I64Store           0x37       "i64.store"              135  (i32 i64) -> ()              store;
            F32Store           0x38       "f32.store"              135  (i32 f32) -> ()              store;
            F64Store           0x39       "f64.store"              135  (i32 f64) -> ()              store;
            I32Store8          0x3a       "i32.store8"             135  (i32 i32) -> ()              store;
            I32Store16         0x3b       "i32.store16"            135  (i32 i32) -> ()              store;
            I64Store8          0x3c       "i64.store8"             135  (i32 i64) -> ()              store;
            I64Store16         0x3d       "i64.store16"            135  (i32 i64) -> ()              store;
            I64Store32         0x3e       "i64.store32"            135  (i32 i64) -> ()              store;
            MemorySize         0x3f       "memory.size"            100  () -> (i32)                  memory;
            MemoryGrow         0x40       "memory.grow"          10000  (i32) -> (i32)               bulk;
            MemoryInit         0xfc_0008  "memory.init"           1000  (i32 i32 i32) -> ()          bulk;
            DataDrop           0xfc_0009  "data.drop"             1000  () -> ()                     memory;
            MemoryCopy         0xfc_000a  "memory.copy"           1000  (i32 i32 i32) -> ()          bulk;
            MemoryFill         0xfc_000b  "memory.fill"           1000  (i32 i32 i32) -> ()          bulk;

            // Constants.
            I32Const           0x41       "i32.const"               10  () -> (i32)                  constant;
            I64Const           0x42       "i64.const"               10  () -> (i64)                  constant;
            F32Const           0x43       "f32.const"               10  () -> (f32)                  constant;
            F64Const           0x44       "f64.const"               10  () -> (f64)                  constant;

            // Integers: comparisons, then arithmetic. Division and remainder are partial: they trap.
            I32Eqz             0x45       "i32.eqz"                 45  (i32) -> (i32)               pure i32_eqz;
            I32Eq              0x46       "i32.eq"                  45  (i32 i32) -> (i32)           pure i32_eq;
            I32Ne              0x47       "i32.ne"                  45  (i32 i32) -> (i32)           pure i32_ne;
            I32LtS             0x48       "i32.lt_s"                45  (i32 i32) -> (i32)           pure i32_lt_s;
            I32LtU             0x49       "i32.lt_u"                45  (i32 i32) -> (i32)           pure i32_lt_u;
            I32GtS             0x4a       "i32.gt_s"                45  (i32 i32) -> (i32)           pure i32_gt_s;
            I32GtU             0x4b       "i32.gt_u"                45  (i32 i32) -> (i32)           pure i32_gt_u;
            I32LeS             0x4c       "i32.le_s"                45  (i32 i32) -> (i32)           pure i32_le_s;
            I32LeU             0x4d       "i32.le_u"                45  (i32 i32) -> (i32)           pure i32_le_u;
            I32GeS             0x4e       "i32.ge_s"                45  (i32 i32) -> (i32)           pure i32_ge_s;
            I32GeU             0x4f       "i32.ge_u"                45  (i32 i32) -> (i32)           pure i32_ge_u;
            I64Eqz             0x50       "i64.eqz"                 45  (i64) -> (i32)               pure i64_eqz;
            I64Eq              0x51       "i64.eq"                  45  (i64 i64) -> (i32)           pure i64_eq;
            I64Ne              0x52       "i64.ne"                  45  (i64 i64) -> (i32)           pure i64_ne;
            I64LtS             0x53       "i64.lt_s"                45  (i64 i64) -> (i32)           pure i64_lt_s;
            I64LtU             0x54       "i64.lt_u"                45  (i64 i64) -> (i32)           pure i64_lt_u;
            I64GtS             0x55       "i64.gt_s"                45  (i64 i64) -> (i32)           pure i64_gt_s;
            I64GtU             0x56       "i64.gt_u"                45  (i64 i64) -> (i32)           pure i64_gt_u;
            I64LeS             0x57       "i64.le_s"                45  (i64 i64) -> (i32)           pure i64_le_s;
            I64LeU             0x58       "i64.le_u"                45  (i64 i64) -> (i32)           pure i64_le_u;
            I64GeS             0x59       "i64.ge_s"                45  (i64 i64) -> (i32)           pure i64_ge_s;
            I64GeU             0x5a       "i64.ge_u"                45  (i64 i64) -> (i32)           pure i64_ge_u;
            I32Clz             0x67       "i32.clz"                135  (i32) -> (i32)               pure i32_clz;
            I32Ctz             0x68       "i32.ctz"                135  (i32) -> (i32)               pure i32_ctz;
            I32Popcnt          0x69       "i32.popcnt"             135  (i32) -> (i32)               pure i32_popcnt;
            I32Add             0x6a       "i32.add"                 45  (i32 i32) -> (i32)           pure i32_add;
            I32Sub             0x6b       "i32.sub"                 45  (i32 i32) -> (i32)           pure i32_sub;
            I32Mul             0x6c       "i32.mul"                135  (i32 i32) -> (i32)           pure i32_mul;
            I32DivS            0x6d       "i32.div_s"             3600  (i32 i32) -> (i32)           partial i32_div_s;
            I32DivU            0x6e       "i32.div_u"             3600  (i32 i32) -> (i32)           partial i32_div_u;
            I32RemS            0x6f       "i32.rem_s"             3600  (i32 i32) -> (i32)           partial i32_rem_s;
            I32RemU            0x70       "i32.rem_u"             3600  (i32 i32) -> (i32)           partial i32_rem_u;
            I32And             0x71       "i32.and"                 45  (i32 i32) -> (i32)           pure i32_and;
            I32Or              0x72       "i32.or"                  45  (i32 i32) -> (i32)           pure i32_or;
            I32Xor             0x73       "i32.xor"                 45  (i32 i32) -> (i32)           pure i32_xor;
            I32Shl             0x74       "i32.shl"                 67  (i32 i32) -> (i32)           pure i32_shl;
            I32ShrS            0x75       "i32.shr_s"               67  (i32 i32) -> (i32)           pure i32_shr_s;
            I32ShrU            0x76       "i32.shr_u"               67  (i32 i32) -> (i32)           pure i32_shr_u;
            I32Rotl            0x77       "i32.rotl"                90  (i32 i32) -> (i32)           pure i32_rotl;
            I32Rotr            0x78       "i32.rotr"                90  (i32 i32) -> (i32)           pure i32_rotr;
            I64Clz             0x79       "i64.clz"                135  (i64) -> (i64)               pure i64_clz;
            I64Ctz             0x7a       "i64.ctz"                135  (i64) -> (i64)               pure i64_ctz;
            I64Popcnt          0x7b       "i64.popcnt"             135  (i64) -> (i64)               pure i64_popcnt;
            I64Add             0x7c       "i64.add"                 45  (i64 i64) -> (i64)           pure i64_add;
            I64Sub             0x7d       "i64.sub"                 45  (i64 i64) -> (i64)           pure i64_sub;
            I64Mul             0x7e       "i64.mul"                135  (i64 i64) -> (i64)           pure i64_mul;
            I64DivS            0x7f       "i64.div_s"             3600  (i64 i64) -> (i64)           partial i64_div_s;
            I64DivU            0x80       "i64.div_u"             3600  (i64 i64) -> (i64)           partial i64_div_u;
            I64RemS            0x81       "i64.rem_s"             3600  (i64 i64) -> (i64)           partial i64_rem_s;
            I64RemU            0x82       "i64.rem_u"             3600  (i64 i64) -> (i64)           partial i64_rem_u;
            I64And             0x83       "i64.and"                 45  (i64 i64) -> (i64)           pure i64_and;
            I64Or              0x84       "i64.or"                  45  (i64 i64) -> (i64)           pure i64_or;
            I64Xor             0x85       "i64.xor"                 45  (i64 i64) -> (i64)           pure i64_xor;
            I64Shl             0x86       "i64.shl"                 67  (i64 i64) -> (i64)           pure i64_shl;
            I64ShrS            0x87       "i64.shr_s"               67  (i64 i64) -> (i64)           pure i64_shr_s;
            I64ShrU            0x88       "i64.shr_u"               67  (i64 i64) -> (i64)           pure i64_shr_u;
            I64Rotl            0x89       "i64.rotl"                90  (i64 i64) -> (i64)           pure i64_rotl;
            I64Rotr            0x8a       "i64.rotr"                90  (i64 i64) -> (i64)           pure i64_rotr;

            // Integers: width.
            I32WrapI64         0xa7       "i32.wrap_i64"            90  (i64) -> (i32)               pure i32_wrap_i64;
            I64ExtendI32S      0xac       "i64.extend_i32_s"        90  (i32) -> (i64)               pure i64_extend_i32_s;
            I64ExtendI32U      0xad       "i64.extend_i32_u"        90  (i32) -> (i64)               pure i64_extend_i32_u;
            I32Extend8S        0xc0       "i32.extend8_s"           90  (i32) -> (i32)               pure i32_extend8_s;
            I32Extend16S       0xc1       "i32.extend16_s"          90  (i32) -> (i32)               pure i32_extend16_s;
            I64Extend8S        0xc2       "i64.extend8_s"           90  (i64) -> (i64)               pure i64_extend8_s;
            I64Extend16S       0xc3       "i64.extend16_s"          90  (i64) -> (i64)               pure i64_extend16_s;
            I64Extend32S       0xc4       "i64.extend32_s"          90  (i64) -> (i64)               pure i64_extend32_s;
            I64Add128          0xfc_0013  "i64.add128"              90  (i64 i64 i64 i64) -> (i64 i64)  wide   i64_add128;
            I64Sub128          0xfc_0014  "i64.sub128"              90  (i64 i64 i64 i64) -> (i64 i64)  wide   i64_sub128;
            I64MulWideS        0xfc_0015  "i64.mul_wide_s"         180  (i64 i64) -> (i64 i64)       wide   i64_mul_wide_s;
            I64MulWideU        0xfc_0016  "i64.mul_wide_u"         180  (i64 i64) -> (i64 i64)       wide   i64_mul_wide_u;

            // Floats: not in any chain profile; priced like the integer work of the same latency class (ours).
            F32Eq              0x5b       "f32.eq"                  45  (f32 f32) -> (i32)           pure f32_eq;
            F32Ne              0x5c       "f32.ne"                  45  (f32 f32) -> (i32)           pure f32_ne;
            F32Lt              0x5d       "f32.lt"                  45  (f32 f32) -> (i32)           pure f32_lt;
            F32Gt              0x5e       "f32.gt"                  45  (f32 f32) -> (i32)           pure f32_gt;
            F32Le              0x5f       "f32.le"                  45  (f32 f32) -> (i32)           pure f32_le;
            F32Ge              0x60       "f32.ge"                  45  (f32 f32) -> (i32)           pure f32_ge;
            F64Eq              0x61       "f64.eq"                  45  (f64 f64) -> (i32)           pure f64_eq;
            F64Ne              0x62       "f64.ne"                  45  (f64 f64) -> (i32)           pure f64_ne;
            F64Lt              0x63       "f64.lt"                  45  (f64 f64) -> (i32)           pure f64_lt;
            F64Gt              0x64       "f64.gt"                  45  (f64 f64) -> (i32)           pure f64_gt;
            F64Le              0x65       "f64.le"                  45  (f64 f64) -> (i32)           pure f64_le;
            F64Ge              0x66       "f64.ge"                  45  (f64 f64) -> (i32)           pure f64_ge;
            F32Abs             0x8b       "f32.abs"                 45  (f32) -> (f32)               pure f32_abs;
            F32Neg             0x8c       "f32.neg"                 45  (f32) -> (f32)               pure f32_neg;
            F32Ceil            0x8d       "f32.ceil"               135  (f32) -> (f32)               pure f32_ceil;
            F32Floor           0x8e       "f32.floor"              135  (f32) -> (f32)               pure f32_floor;
            F32Trunc           0x8f       "f32.trunc"              135  (f32) -> (f32)               pure f32_trunc;
            F32Nearest         0x90       "f32.nearest"            135  (f32) -> (f32)               pure f32_nearest;
            F32Sqrt            0x91       "f32.sqrt"               900  (f32) -> (f32)               pure f32_sqrt;
            F32Add             0x92       "f32.add"                135  (f32 f32) -> (f32)           pure f32_add;
            F32Sub             0x93       "f32.sub"                135  (f32 f32) -> (f32)           pure f32_sub;
            F32Mul             0x94       "f32.mul"                135  (f32 f32) -> (f32)           pure f32_mul;
            F32Div             0x95       "f32.div"                900  (f32 f32) -> (f32)           pure f32_div;
            F32Min             0x96       "f32.min"                135  (f32 f32) -> (f32)           pure f32_min;
            F32Max             0x97       "f32.max"                135  (f32 f32) -> (f32)           pure f32_max;
            F32Copysign        0x98       "f32.copysign"            45  (f32 f32) -> (f32)           pure f32_copysign;
            F64Abs             0x99       "f64.abs"                 45  (f64) -> (f64)               pure f64_abs;
            F64Neg             0x9a       "f64.neg"                 45  (f64) -> (f64)               pure f64_neg;
            F64Ceil            0x9b       "f64.ceil"               135  (f64) -> (f64)               pure f64_ceil;
            F64Floor           0x9c       "f64.floor"              135  (f64) -> (f64)               pure f64_floor;
            F64Trunc           0x9d       "f64.trunc"              135  (f64) -> (f64)               pure f64_trunc;
            F64Nearest         0x9e       "f64.nearest"            135  (f64) -> (f64)               pure f64_nearest;
            F64Sqrt            0x9f       "f64.sqrt"               900  (f64) -> (f64)               pure f64_sqrt;
            F64Add             0xa0       "f64.add"                135  (f64 f64) -> (f64)           pure f64_add;
            F64Sub             0xa1       "f64.sub"                135  (f64 f64) -> (f64)           pure f64_sub;
            F64Mul             0xa2       "f64.mul"                135  (f64 f64) -> (f64)           pure f64_mul;
            F64Div             0xa3       "f64.div"                900  (f64 f64) -> (f64)           pure f64_div;
            F64Min             0xa4       "f64.min"                135  (f64 f64) -> (f64)           pure f64_min;
            F64Max             0xa5       "f64.max"                135  (f64 f64) -> (f64)           pure f64_max;
            F64Copysign        0xa6       "f64.copysign"            45  (f64 f64) -> (f64)           pure f64_copysign;

            // Floats: conversions.
            I32TruncF32S       0xa8       "i32.trunc_f32_s"        135  (f32) -> (i32)               partial i32_trunc_f32_s;
            I32TruncF32U       0xa9       "i32.trunc_f32_u"        135  (f32) -> (i32)               partial i32_trunc_f32_u;
            I32TruncF64S       0xaa       "i32.trunc_f64_s"        135  (f64) -> (i32)               partial i32_trunc_f64_s;
            I32TruncF64U       0xab       "i32.trunc_f64_u"        135  (f64) -> (i32)               partial i32_trunc_f64_u;
            I64TruncF32S       0xae       "i64.trunc_f32_s"        135  (f32) -> (i64)               partial i64_trunc_f32_s;
            I64TruncF32U       0xaf       "i64.trunc_f32_u"        135  (f32) -> (i64)               partial i64_trunc_f32_u;
            I64TruncF64S       0xb0       "i64.trunc_f64_s"        135  (f64) -> (i64)               partial i64_trunc_f64_s;
            I64TruncF64U       0xb1       "i64.trunc_f64_u"        135  (f64) -> (i64)               partial i64_trunc_f64_u;
            F32ConvertI32S     0xb2       "f32.convert_i32_s"      135  (i32) -> (f32)               pure f32_convert_i32_s;
            F32ConvertI32U     0xb3       "f32.convert_i32_u"      135  (i32) -> (f32)               pure f32_convert_i32_u;
            F32ConvertI64S     0xb4       "f32.convert_i64_s"      135  (i64) -> (f32)               pure f32_convert_i64_s;
            F32ConvertI64U     0xb5       "f32.convert_i64_u"      135  (i64) -> (f32)               pure f32_convert_i64_u;
            F32DemoteF64       0xb6       "f32.demote_f64"         135  (f64) -> (f32)               pure f32_demote_f64;
            F64ConvertI32S     0xb7       "f64.convert_i32_s"      135  (i32) -> (f64)               pure f64_convert_i32_s;
            F64ConvertI32U     0xb8       "f64.convert_i32_u"      135  (i32) -> (f64)               pure f64_convert_i32_u;
            F64ConvertI64S     0xb9       "f64.convert_i64_s"      135  (i64) -> (f64)               pure f64_convert_i64_s;
            F64ConvertI64U     0xba       "f64.convert_i64_u"      135  (i64) -> (f64)               pure f64_convert_i64_u;
            F64PromoteF32      0xbb       "f64.promote_f32"        135  (f32) -> (f64)               pure f64_promote_f32;
            I32ReinterpretF32  0xbc       "i32.reinterpret_f32"     45  (f32) -> (i32)               pure i32_reinterpret_f32;
            I64ReinterpretF64  0xbd       "i64.reinterpret_f64"     45  (f64) -> (i64)               pure i64_reinterpret_f64;
            F32ReinterpretI32  0xbe       "f32.reinterpret_i32"     45  (i32) -> (f32)               pure f32_reinterpret_i32;
            F64ReinterpretI64  0xbf       "f64.reinterpret_i64"     45  (i64) -> (f64)               pure f64_reinterpret_i64;
            I32TruncSatF32S    0xfc_0000  "i32.trunc_sat_f32_s"    135  (f32) -> (i32)               pure i32_trunc_sat_f32_s;
            I32TruncSatF32U    0xfc_0001  "i32.trunc_sat_f32_u"    135  (f32) -> (i32)               pure i32_trunc_sat_f32_u;
            I32TruncSatF64S    0xfc_0002  "i32.trunc_sat_f64_s"    135  (f64) -> (i32)               pure i32_trunc_sat_f64_s;
            I32TruncSatF64U    0xfc_0003  "i32.trunc_sat_f64_u"    135  (f64) -> (i32)               pure i32_trunc_sat_f64_u;
            I64TruncSatF32S    0xfc_0004  "i64.trunc_sat_f32_s"    135  (f32) -> (i64)               pure i64_trunc_sat_f32_s;
            I64TruncSatF32U    0xfc_0005  "i64.trunc_sat_f32_u"    135  (f32) -> (i64)               pure i64_trunc_sat_f32_u;
            I64TruncSatF64S    0xfc_0006  "i64.trunc_sat_f64_s"    135  (f64) -> (i64)               pure i64_trunc_sat_f64_s;
            I64TruncSatF64U    0xfc_0007  "i64.trunc_sat_f64_u"    135  (f64) -> (i64)               pure i64_trunc_sat_f64_u;
            $($more)*
        }
    };
}
pub(super) use scalar_rows;

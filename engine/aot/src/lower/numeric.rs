//! Operators over numbers.

use super::Lower;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use gristmill::Trap;
use gristmill::tier::{Arg, Op, ROWS};
use types::{F32, F64, I8, I16, I32, I64};

/// A range of floats whose integer parts an integer type has: above the first number or equal to it, below the second.
struct Range {
    low: f64,
    /// The lowest itself is in.
    closed: bool,
    high: f64,
}

const fn range(low: f64, closed: bool, high: f64) -> Range {
    Range { low, closed, high }
}

const I32_RANGE: f64 = 2_147_483_648.0;
const U32_RANGE: f64 = 4_294_967_296.0;
const I64_RANGE: f64 = 9_223_372_036_854_775_808.0;
const U64_RANGE: f64 = 18_446_744_073_709_551_616.0;

impl Lower<'_> {
    fn unary(&mut self, f: impl FnOnce(&mut Self, Value) -> Value) {
        let value = self.pop();
        let value = f(self, value);
        self.push(value);
    }

    fn binary(&mut self, f: impl FnOnce(&mut Self, Value, Value) -> Value) {
        let (left, right) = self.pop_two();
        let value = f(self, left, right);
        self.push(value);
    }

    fn compare(&mut self, condition: IntCC) {
        self.binary(|l, x, y| {
            let holds = l.b.ins().icmp(condition, x, y);
            l.b.ins().uextend(types::I32, holds)
        });
    }

    fn compare_floats(&mut self, condition: FloatCC) {
        self.binary(|l, x, y| {
            let holds = l.b.ins().fcmp(condition, x, y);
            l.b.ins().uextend(types::I32, holds)
        });
    }

    fn is_zero(&mut self) {
        self.unary(|l, x| {
            let zero = l.b.ins().icmp_imm_s(IntCC::Equal, x, 0);
            l.b.ins().uextend(types::I32, zero)
        });
    }

    fn nonzero(&mut self, divisor: Value) {
        let zero = self.b.ins().icmp_imm_s(IntCC::Equal, divisor, 0);
        self.trap_if(zero, Trap::DivideByZero);
    }

    fn divide_signed(&mut self) {
        self.binary(|l, x, y| {
            l.nonzero(y);
            let ty = l.b.func.dfg.value_type(x);
            let least = if ty == types::I32 { i64::from(i32::MIN) } else { i64::MIN };
            let least = l.b.ins().icmp_imm_s(IntCC::Equal, x, least);
            let minus_one = l.b.ins().icmp_imm_s(IntCC::Equal, y, -1);
            let overflows = l.b.ins().band(least, minus_one);
            l.trap_if(overflows, Trap::IntegerOverflow);
            l.b.ins().sdiv(x, y)
        });
    }

    /// Sign extension of the lowest bits.
    fn extend_low(&mut self, narrow: Type) {
        self.unary(|l, x| {
            let wide = l.b.func.dfg.value_type(x);
            let low = l.b.ins().ireduce(narrow, x);
            l.b.ins().sextend(wide, low)
        });
    }

    /// To an integer, or a trap.
    fn truncate(&mut self, to: Type, signed: bool, range: Range) {
        self.unary(|l, x| {
            let nan = l.b.ins().fcmp(FloatCC::Unordered, x, x);
            l.trap_if(nan, Trap::InvalidConversionToInteger);
            let float = |l: &mut Self, bound: f64| match l.b.func.dfg.value_type(x) {
                types::F32 => l.b.ins().f32const(bound as f32),
                _ => l.b.ins().f64const(bound),
            };
            let low = float(l, range.low);
            let above = if range.closed { FloatCC::LessThan } else { FloatCC::LessThanOrEqual };
            let below = l.b.ins().fcmp(above, x, low);
            l.trap_if(below, Trap::IntegerOverflow);
            let high = float(l, range.high);
            let beyond = l.b.ins().fcmp(FloatCC::GreaterThanOrEqual, x, high);
            l.trap_if(beyond, Trap::IntegerOverflow);
            l.saturate(x, to, signed)
        });
    }

    fn saturate(&mut self, x: Value, to: Type, signed: bool) -> Value {
        if signed { self.b.ins().fcvt_to_sint_sat(to, x) } else { self.b.ins().fcvt_to_uint_sat(to, x) }
    }

    /// Numbers of 128 bits, which are two operands each.
    fn wide(&mut self, f: impl FnOnce(&mut Self, Value, Value) -> Value) {
        let (low_b, high_b) = self.pop_two();
        let (low_a, high_a) = self.pop_two();
        let (a, b) = (self.b.ins().iconcat(low_a, high_a), self.b.ins().iconcat(low_b, high_b));
        let value = f(self, a, b);
        let (low, high) = self.b.ins().isplit(value);
        self.push(low);
        self.push(high);
    }

    fn whole_product(&mut self, high: impl FnOnce(&mut Self, Value, Value) -> Value) {
        let (a, b) = self.pop_two();
        let (low, high) = (self.b.ins().imul(a, b), high(self, a, b));
        self.push(low);
        self.push(high);
    }

    fn bits(&mut self, to: Type) {
        self.unary(|l, x| l.b.ins().bitcast(to, cranelift_codegen::ir::MemFlagsData::new(), x));
    }
}

lowerings! { numeric, l, _arg:
    I64Add128 => l.wide(|l, a, b| l.b.ins().iadd(a, b));
    I64Sub128 => l.wide(|l, a, b| l.b.ins().isub(a, b));
    I64MulWideS => l.whole_product(|l, a, b| l.b.ins().smulhi(a, b));
    I64MulWideU => l.whole_product(|l, a, b| l.b.ins().umulhi(a, b));

    I32Eqz | I64Eqz => l.is_zero();
    I32Eq | I64Eq => l.compare(IntCC::Equal);
    I32Ne | I64Ne => l.compare(IntCC::NotEqual);
    I32LtS | I64LtS => l.compare(IntCC::SignedLessThan);
    I32LtU | I64LtU => l.compare(IntCC::UnsignedLessThan);
    I32GtS | I64GtS => l.compare(IntCC::SignedGreaterThan);
    I32GtU | I64GtU => l.compare(IntCC::UnsignedGreaterThan);
    I32LeS | I64LeS => l.compare(IntCC::SignedLessThanOrEqual);
    I32LeU | I64LeU => l.compare(IntCC::UnsignedLessThanOrEqual);
    I32GeS | I64GeS => l.compare(IntCC::SignedGreaterThanOrEqual);
    I32GeU | I64GeU => l.compare(IntCC::UnsignedGreaterThanOrEqual);
    I32Clz | I64Clz => l.unary(|l, x| l.b.ins().clz(x));
    I32Ctz | I64Ctz => l.unary(|l, x| l.b.ins().ctz(x));
    I32Popcnt | I64Popcnt => l.unary(|l, x| l.b.ins().popcnt(x));
    I32Add | I64Add => l.binary(|l, x, y| l.b.ins().iadd(x, y));
    I32Sub | I64Sub => l.binary(|l, x, y| l.b.ins().isub(x, y));
    I32Mul | I64Mul => l.binary(|l, x, y| l.b.ins().imul(x, y));
    I32DivS | I64DivS => l.divide_signed();
    I32DivU | I64DivU => l.binary(|l, x, y| {
        l.nonzero(y);
        l.b.ins().udiv(x, y)
    });
    I32RemS | I64RemS => l.binary(|l, x, y| {
        l.nonzero(y);
        l.b.ins().srem(x, y)
    });
    I32RemU | I64RemU => l.binary(|l, x, y| {
        l.nonzero(y);
        l.b.ins().urem(x, y)
    });
    I32And | I64And => l.binary(|l, x, y| l.b.ins().band(x, y));
    I32Or | I64Or => l.binary(|l, x, y| l.b.ins().bor(x, y));
    I32Xor | I64Xor => l.binary(|l, x, y| l.b.ins().bxor(x, y));
    I32Shl | I64Shl => l.binary(|l, x, y| l.b.ins().ishl(x, y));
    I32ShrS | I64ShrS => l.binary(|l, x, y| l.b.ins().sshr(x, y));
    I32ShrU | I64ShrU => l.binary(|l, x, y| l.b.ins().ushr(x, y));
    I32Rotl | I64Rotl => l.binary(|l, x, y| l.b.ins().rotl(x, y));
    I32Rotr | I64Rotr => l.binary(|l, x, y| l.b.ins().rotr(x, y));
    I32WrapI64 => l.unary(|l, x| l.b.ins().ireduce(I32, x));
    I64ExtendI32S => l.unary(|l, x| l.b.ins().sextend(I64, x));
    I64ExtendI32U => l.unary(|l, x| l.b.ins().uextend(I64, x));
    I32Extend8S | I64Extend8S => l.extend_low(I8);
    I32Extend16S | I64Extend16S => l.extend_low(I16);
    I64Extend32S => l.extend_low(I32);

    F32Eq | F64Eq => l.compare_floats(FloatCC::Equal);
    F32Ne | F64Ne => l.compare_floats(FloatCC::NotEqual);
    F32Lt | F64Lt => l.compare_floats(FloatCC::LessThan);
    F32Gt | F64Gt => l.compare_floats(FloatCC::GreaterThan);
    F32Le | F64Le => l.compare_floats(FloatCC::LessThanOrEqual);
    F32Ge | F64Ge => l.compare_floats(FloatCC::GreaterThanOrEqual);
    F32Abs | F64Abs => l.unary(|l, x| l.b.ins().fabs(x));
    F32Neg | F64Neg => l.unary(|l, x| l.b.ins().fneg(x));
    F32Ceil | F64Ceil => l.unary(|l, x| l.b.ins().ceil(x));
    F32Floor | F64Floor => l.unary(|l, x| l.b.ins().floor(x));
    F32Trunc | F64Trunc => l.unary(|l, x| l.b.ins().trunc(x));
    F32Nearest | F64Nearest => l.unary(|l, x| l.b.ins().nearest(x));
    F32Sqrt | F64Sqrt => l.unary(|l, x| l.b.ins().sqrt(x));
    F32Add | F64Add => l.binary(|l, x, y| l.b.ins().fadd(x, y));
    F32Sub | F64Sub => l.binary(|l, x, y| l.b.ins().fsub(x, y));
    F32Mul | F64Mul => l.binary(|l, x, y| l.b.ins().fmul(x, y));
    F32Div | F64Div => l.binary(|l, x, y| l.b.ins().fdiv(x, y));
    F32Min | F64Min => l.binary(|l, x, y| l.b.ins().fmin(x, y));
    F32Max | F64Max => l.binary(|l, x, y| l.b.ins().fmax(x, y));
    F32Copysign | F64Copysign => l.binary(|l, x, y| l.b.ins().fcopysign(x, y));

    I32TruncF32S => l.truncate(I32, true, range(-I32_RANGE, true, I32_RANGE));
    I32TruncF64S => l.truncate(I32, true, range(-I32_RANGE - 1.0, false, I32_RANGE));
    I32TruncF32U | I32TruncF64U => l.truncate(I32, false, range(-1.0, false, U32_RANGE));
    I64TruncF32S | I64TruncF64S => l.truncate(I64, true, range(-I64_RANGE, true, I64_RANGE));
    I64TruncF32U | I64TruncF64U => l.truncate(I64, false, range(-1.0, false, U64_RANGE));
    I32TruncSatF32S | I32TruncSatF64S => l.unary(|l, x| l.saturate(x, I32, true));
    I32TruncSatF32U | I32TruncSatF64U => l.unary(|l, x| l.saturate(x, I32, false));
    I64TruncSatF32S | I64TruncSatF64S => l.unary(|l, x| l.saturate(x, I64, true));
    I64TruncSatF32U | I64TruncSatF64U => l.unary(|l, x| l.saturate(x, I64, false));
    F32ConvertI32S | F32ConvertI64S => l.unary(|l, x| l.b.ins().fcvt_from_sint(F32, x));
    F32ConvertI32U | F32ConvertI64U => l.unary(|l, x| l.b.ins().fcvt_from_uint(F32, x));
    F64ConvertI32S | F64ConvertI64S => l.unary(|l, x| l.b.ins().fcvt_from_sint(F64, x));
    F64ConvertI32U | F64ConvertI64U => l.unary(|l, x| l.b.ins().fcvt_from_uint(F64, x));
    F32DemoteF64 => l.unary(|l, x| l.b.ins().fdemote(F32, x));
    F64PromoteF32 => l.unary(|l, x| l.b.ins().fpromote(F64, x));
    I32ReinterpretF32 => l.bits(I32);
    I64ReinterpretF64 => l.bits(I64);
    F32ReinterpretI32 => l.bits(F32);
    F64ReinterpretI64 => l.bits(F64);
}

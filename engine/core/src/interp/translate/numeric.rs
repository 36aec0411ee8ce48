//! Pure and partial operators: from operator and operands to family and form.

use super::Translator;
use super::stack::{Operand, Popped};
use crate::interp::code::{Family, Kind, pair, single};
use crate::wasm::isa::Op;

/// How an operator becomes an op.
enum Lowering {
    Commutative(Family),
    Subtract {
        add: Family,
        sub: Family,
    },
    Shift(Family),
    /// `swap`: the comparison holds of the operands in the other order.
    Compare {
        family: Family,
        swap: bool,
    },
    Partial(Family),
    Unary(Family),
    FloatBinary(Family),
    FloatUnary(Family),
    /// Compare with zero.
    IsZero(Family),
    /// The slot is the same before and after.
    Nothing,
}

#[inline(always)]
fn lowering(op: Op) -> Lowering {
    macro_rules! same {
        ($($wrap:expr => $($name:ident)*;)*) => {
            match op {
                $($(Op::$name => $wrap(Family::$name),)*)*
                Op::I64ExtendI32U | Op::I32ReinterpretF32 | Op::I64ReinterpretF64 => Lowering::Nothing,
                Op::F32ReinterpretI32 | Op::F64ReinterpretI64 => Lowering::Nothing,
                Op::I64ExtendI32S => Lowering::Unary(Family::I64Extend32S),
                Op::I32Eqz => Lowering::IsZero(Family::I32Eq),
                Op::I64Eqz => Lowering::IsZero(Family::I64Eq),
                Op::I32Sub => Lowering::Subtract { add: Family::I32Add, sub: Family::I32Sub },
                Op::I64Sub => Lowering::Subtract { add: Family::I64Add, sub: Family::I64Sub },
                Op::I32GtS => Lowering::Compare { family: Family::I32LtS, swap: true },
                Op::I32GtU => Lowering::Compare { family: Family::I32LtU, swap: true },
                Op::I32LeS => Lowering::Compare { family: Family::I32GeS, swap: true },
                Op::I32LeU => Lowering::Compare { family: Family::I32GeU, swap: true },
                Op::I64GtS => Lowering::Compare { family: Family::I64LtS, swap: true },
                Op::I64GtU => Lowering::Compare { family: Family::I64LtU, swap: true },
                Op::I64LeS => Lowering::Compare { family: Family::I64GeS, swap: true },
                Op::I64LeU => Lowering::Compare { family: Family::I64GeU, swap: true },
                _ => unreachable!("every pure and partial operator is lowered here"),
            }
        };
    }
    same! {
        Lowering::Commutative =>
            I32Add I32Mul I32And I32Or I32Xor I64Add I64Mul I64And I64Or I64Xor;
        Lowering::Shift =>
            I32Shl I32ShrS I32ShrU I32Rotl I32Rotr I64Shl I64ShrS I64ShrU I64Rotl I64Rotr;
        |family| Lowering::Compare { family, swap: false } =>
            I32Eq I32Ne I32LtS I32LtU I32GeS I32GeU I64Eq I64Ne I64LtS I64LtU I64GeS I64GeU;
        Lowering::Partial =>
            I32DivS I32DivU I32RemS I32RemU I64DivS I64DivU I64RemS I64RemU;
        Lowering::Unary =>
            I32Clz I32Ctz I32Popcnt I64Clz I64Ctz I64Popcnt I32Extend8S I32Extend16S I64Extend8S I64Extend16S
            I64Extend32S I32WrapI64;
        Lowering::FloatBinary =>
            F32Eq F32Ne F32Lt F32Gt F32Le F32Ge F64Eq F64Ne F64Lt F64Gt F64Le F64Ge
            F32Add F32Sub F32Mul F32Div F32Min F32Max F32Copysign F64Add F64Sub F64Mul F64Div F64Min F64Max F64Copysign;
        Lowering::FloatUnary =>
            F32Abs F32Neg F32Ceil F32Floor F32Trunc F32Nearest F32Sqrt
            F64Abs F64Neg F64Ceil F64Floor F64Trunc F64Nearest F64Sqrt
            I32TruncF32S I32TruncF32U I32TruncF64S I32TruncF64U I64TruncF32S I64TruncF32U I64TruncF64S I64TruncF64U
            F32ConvertI32S F32ConvertI32U F32ConvertI64S F32ConvertI64U F32DemoteF64
            F64ConvertI32S F64ConvertI32U F64ConvertI64S F64ConvertI64U F64PromoteF32
            I32TruncSatF32S I32TruncSatF32U I32TruncSatF64S I32TruncSatF64U
            I64TruncSatF32S I64TruncSatF32U I64TruncSatF64S I64TruncSatF64U;
    }
}

/// Whether the family computes on 64 bits.
fn is_64(family: Family) -> bool {
    (family as u16 >= Family::I64Add as u16 && family as u16 <= Family::I64Xor as u16)
        || (family as u16 >= Family::I64Sub as u16 && family as u16 <= Family::I64Rotr as u16)
        || (family as u16 >= Family::I64Eq as u16 && family as u16 <= Family::BrI64GeU as u16)
        || (family as u16 >= Family::I64DivS as u16 && family as u16 <= Family::I64RemU as u16)
}

/// `value` as a 16-bit immediate of an op that computes on 64 or 32 bits.
pub(super) fn immediate(value: u64, wide: bool) -> Option<u16> {
    let value = if wide { value as i64 } else { i64::from(value as i32) };
    i16::try_from(value).ok().map(|v| v as u16)
}

impl Translator<'_> {
    // What pops operands is a function for all operators of its kind: the one that each operator has stays short, and there are
    // many of them to keep at hand.
    #[inline(always)]
    pub(super) fn numeric(&mut self, op: Op) {
        match lowering(op) {
            Lowering::Nothing => {}
            Lowering::Commutative(family) => {
                self.unions += u32::from(matches!(op, Op::I64Or | Op::I32Or));
                self.commutative(family);
            }
            Lowering::Subtract { add, sub } => match self.lists.stack.constant() {
                Some(value) => {
                    *value = if is_64(sub) { value.wrapping_neg() } else { u64::from((*value as u32).wrapping_neg()) };
                    self.commutative(add);
                }
                None => self.ordered(sub, false),
            },
            Lowering::Shift(family) => {
                if let Some(count) = self.lists.stack.constant() {
                    *count &= if is_64(family) { 63 } else { 31 };
                }
                self.ordered(family, false);
            }
            Lowering::Compare { family, swap } => self.ordered(family, swap),
            Lowering::IsZero(family) => self.is_zero(family),
            Lowering::Partial(family) => self.partial(family),
            Lowering::Unary(family) => self.unary(family),
            Lowering::FloatBinary(family) => self.float_binary(family),
            Lowering::FloatUnary(family) => self.float_unary(family),
        }
    }

    #[inline(never)]
    fn is_zero(&mut self, family: Family) {
        if family == Family::I32Eq
            && let Some(producer) = self.lists.stack.top_producer()
            && producer.end() == self.code.len()
            && let Some(inverse) = self.code[producer.at()].family().and_then(Family::inverse)
        {
            // The negation of the comparison just made.
            let word = &mut self.code[producer.at()];
            word.0 = word.0 & !0xffff | u64::from(inverse.effect(word.form()));
            return;
        }
        self.lists.stack.push_const(0);
        self.ordered(family, false);
    }

    #[inline(never)]
    fn partial(&mut self, family: Family) {
        let (right, left) = (self.pop(), self.pop());
        let constant = right.value().and_then(|value| immediate(value, is_64(family)));
        let left = self.slot_of(left);
        match constant {
            Some(value) => self.emit_value(family, pair(Kind::Slot, Kind::Imm), left, value, None),
            None => {
                let right = self.slot_of(right);
                self.emit_value(family, pair(Kind::Slot, Kind::Slot), left, right, None);
            }
        }
    }

    #[inline(never)]
    fn unary(&mut self, family: Family) {
        let operand = self.pop();
        if operand.in_acc() {
            self.emit_value(family, single(Kind::Acc), 0, 0, None);
        } else {
            let slot = self.slot_of(operand);
            self.emit_value(family, single(Kind::Slot), slot, 0, None);
        }
    }

    #[inline(never)]
    fn float_binary(&mut self, family: Family) {
        let (right, left) = (self.pop(), self.pop());
        let (left, right) = (self.slot_of(left), self.slot_of(right));
        self.emit_value(family, pair(Kind::Slot, Kind::Slot), left, right, None);
    }

    #[inline(never)]
    fn float_unary(&mut self, family: Family) {
        let operand = self.pop();
        let slot = self.slot_of(operand);
        self.emit_value(family, single(Kind::Slot), slot, 0, None);
    }

    #[inline(never)]
    fn commutative(&mut self, family: Family) {
        let (right, left) = (self.pop(), self.pop());
        let swap = match left.operand() {
            Operand::Const(_) => true,
            Operand::Slot(_) => right.in_acc(),
            _ => false,
        };
        let (left, right) = if swap { (right, left) } else { (left, right) };
        // A constant on the left is one on both sides now.
        let (kind, b) = if left.in_acc() { (Kind::Acc, 0) } else { (Kind::Slot, self.slot_of(left)) };
        match right.value() {
            Some(value) => match immediate(value, is_64(family)) {
                Some(value) => self.emit_value(family, pair(kind, Kind::Imm), b, value, None),
                None => self.emit_value(family, pair(kind, Kind::Ext), b, 0, Some(value)),
            },
            None => {
                let c = self.slot_of(right);
                self.emit_value(family, pair(kind, Kind::Slot), b, c, None);
            }
        }
    }

    /// Emits an op whose operands' order matters; `swap`: it takes them in the other one.
    #[inline(never)]
    fn ordered(&mut self, family: Family, swap: bool) {
        let (right, left) = (self.pop(), self.pop());
        let (left, right) = if swap { (right, left) } else { (left, right) };
        let (form, b, c) = self.ordered_form(is_64(family), left, right);
        self.emit_value(family, form, b, c, None);
    }

    fn ordered_form(&mut self, wide: bool, left: Popped, right: Popped) -> (u16, u16, u16) {
        let (mut left_kind, mut b) = self.place(wide, left);
        let (mut right_kind, mut c) = self.place(wide, right);
        if left_kind == Kind::Imm && right_kind == Kind::Imm {
            (left_kind, b) = (Kind::Slot, self.slot_of(left));
        }
        if left_kind == Kind::Acc && right_kind == Kind::Acc {
            (right_kind, c) = (Kind::Slot, self.slot_of(right));
        }
        (pair(left_kind, right_kind), b, c)
    }

    fn place(&mut self, wide: bool, operand: Popped) -> (Kind, u16) {
        match operand.operand() {
            Operand::Both(_) | Operand::Acc(_) => (Kind::Acc, 0),
            Operand::Slot(slot) => (Kind::Slot, slot),
            Operand::Const(value) => match immediate(value, wide) {
                Some(value) => (Kind::Imm, value),
                None => (Kind::Slot, self.slot_of(operand)),
            },
        }
    }
}

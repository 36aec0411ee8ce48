//! Operators on vectors, whose two slots are two values of the stack. All of them are off the fast path: one op for all, whose
//! operands are in slots of the frame.

use super::Translator;
use super::stack::Operand;
use crate::interp::code::{Family, Kind, Word, single};
use crate::wasm::isa::{Op, Ty};
use crate::wasm::types::ValType;
use crate::wasm::walk::{Arg, Locals};

/// The slot that a local starts at.
#[derive(Clone, Copy)]
pub(super) struct Local {
    slot: u16,
    vector: bool,
}

impl Translator<'_> {
    /// Gives the locals of a function that has vectors among them their slots. Beyond 65,535 of these the function is refused
    /// in the end.
    pub(super) fn place_locals(&mut self, locals: &Locals<'_, '_>) {
        self.lists.locals.clear();
        let parsed = self.parsed;
        let params = parsed.func_type(self.head.function).params().iter().map(|ty| (1, *ty));
        let mut slot = 0u16;
        for (count, ty) in params.chain(locals.runs()) {
            for _ in 0..count {
                self.lists.locals.push(Local { slot, vector: ty == ValType::V128 });
                slot = slot.wrapping_add(ty.slots() as u16);
            }
        }
    }

    /// Emits an operator whose row has vectors.
    #[inline(never)]
    pub(super) fn vector(&mut self, op: Op, arg: &Arg<'_>) {
        if let Arg::Far(_) = arg {
            return self.far(op, arg);
        }
        let row = op.row();
        let mut operands = [0; 3];
        for (slot, ty) in operands[..row.params.len()].iter_mut().zip(row.params).rev() {
            *slot = match ty {
                Ty::v128 => self.pop_vector(),
                _ => {
                    let operand = self.pop();
                    self.slot_of(operand)
                }
            };
        }
        let [b, c, third] = operands;
        let (third, offset, lanes) = match *arg {
            Arg::Lane(lane) => (lane.into(), 0, None),
            // Validated: offsets into a memory have 32 bits.
            Arg::Offset(offset) => (third, offset as u32, None),
            Arg::OffsetLane(offset, lane) => (lane.into(), offset as u32, None),
            Arg::Bytes(lanes) => (third, 0, Some(lanes)),
            _ => (third, 0, None),
        };
        let results = row.results.iter().map(|ty| ty.slots()).sum();
        self.emit_vector(op, b, c, Word::wide(op as u16, third, offset), lanes, results);
    }

    /// Emits the op, and pushes the slots of its result.
    fn emit_vector(&mut self, op: Op, b: u16, c: u16, extension: Word, lanes: Option<[u8; 16]>, results: u16) {
        debug_assert_eq!(extension.code(), op as u16);
        let to = self.home(self.lists.stack.len());
        self.emit_effect(Family::Vector, u16::from(lanes.is_some()), to, b, c);
        self.emit(extension);
        if let Some(lanes) = lanes {
            let lanes = u128::from_le_bytes(lanes);
            self.emit(Word(lanes as u64));
            self.emit(Word((lanes >> 64) as u64));
        }
        self.lists.stack.acc.overwritten(to.into()..u32::from(to) + u32::from(results));
        self.push_homes(results.into());
    }

    /// Pops a vector, and gets it into two slots, one behind the other; returns the first.
    fn pop_vector(&mut self) -> u16 {
        let (high, low) = (self.pop(), self.pop());
        if let (Operand::Slot(first) | Operand::Both(first), Operand::Slot(second) | Operand::Both(second)) =
            (low.operand(), high.operand())
            && second == first.wrapping_add(1)
        {
            return first;
        }
        let (home, upper_home) = (self.home(low.position()), self.home(high.position()));
        let (first, second) = (self.slot_of(low), self.slot_of(high));
        self.emit_copy(home, first);
        self.emit_copy(upper_home, second);
        home
    }

    fn select_vector(&mut self) {
        let condition = self.pop();
        let condition = self.slot_of(condition);
        let (no, yes) = (self.pop_vector(), self.pop_vector());
        for half in 0..2 {
            let extension = Some(u64::from(condition));
            self.emit_value(
                Family::Select,
                single(Kind::Slot),
                yes.wrapping_add(half),
                no.wrapping_add(half),
                extension,
            );
        }
    }

    /// Lowers an operator if its operands, its result or its variable are vectors, or locals are not where their index says;
    /// false: it is one like any other.
    pub(super) fn among_vectors(&mut self, op: Op, arg: &Arg<'_>) -> bool {
        match (op, arg) {
            (Op::V128Const, Arg::Bytes(bytes)) => {
                let value = u128::from_le_bytes(*bytes);
                self.lists.stack.push_const(value as u64);
                self.lists.stack.push_const((value >> 64) as u64);
            }
            (Op::Drop, Arg::Vector) => {
                self.pop();
                self.pop();
            }
            (Op::Select | Op::TypedSelect, Arg::Vector) => self.select_vector(),
            (Op::LocalGet | Op::LocalSet | Op::LocalTee, Arg::Index(index)) => {
                let Some(&Local { slot, vector }) = self.lists.locals.get(*index as usize) else { return false };
                if op != Op::LocalGet {
                    if vector {
                        self.local_set(slot.wrapping_add(1));
                    }
                    self.local_set(slot);
                }
                if op != Op::LocalSet {
                    self.lists.stack.push_local(slot);
                    if vector {
                        self.lists.stack.push_local(slot.wrapping_add(1));
                    }
                }
            }
            (Op::GlobalGet | Op::GlobalSet, Arg::Index(index))
                if self.parsed.globals[*index as usize].content == ValType::V128 =>
            {
                let (from, results) = if op == Op::GlobalSet { (self.pop_vector(), 0) } else { (0, 2) };
                self.emit_vector(op, from, 0, Word::wide(op as u16, 0, *index), None, results);
            }
            _ => return false,
        }
        true
    }
}

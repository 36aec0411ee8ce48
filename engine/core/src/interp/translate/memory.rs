//! Loads, stores, and the operators on memories, tables and references.

use super::Translator;
use super::numeric::immediate;
use super::stack::Popped;
use crate::error::{LoadError, LoadErrorKind};
use crate::interp::code::{Family, Kind, Word, load, pair, store};
use crate::wasm::isa::{Group, Op, Ty};
use crate::wasm::walk::Arg;

/// The family of a load or store. Zero-extending loads of both widths are the same; floats are their bits.
#[inline(always)]
fn access(op: Op) -> Family {
    match op {
        Op::I32Load | Op::F32Load | Op::I64Load32U => Family::Load32U,
        Op::I64Load | Op::F64Load => Family::Load64,
        Op::I32Load8U | Op::I64Load8U => Family::Load8U,
        Op::I32Load16U | Op::I64Load16U => Family::Load16U,
        Op::I32Load8S => Family::I32Load8S,
        Op::I32Load16S => Family::I32Load16S,
        Op::I64Load8S => Family::I64Load8S,
        Op::I64Load16S => Family::I64Load16S,
        Op::I64Load32S => Family::I64Load32S,
        Op::I32Store | Op::F32Store | Op::I64Store32 => Family::Store32,
        Op::I64Store | Op::F64Store => Family::Store64,
        Op::I32Store8 | Op::I64Store8 => Family::Store8,
        Op::I32Store16 | Op::I64Store16 => Family::Store16,
        _ => unreachable!("not a load or store"),
    }
}

impl Translator<'_> {
    pub(super) fn memory(&mut self, op: Op, arg: &Arg<'_>) -> Result<(), LoadError> {
        let pair_of = |first: u32, second: u32| -> Result<(u16, u16), LoadError> {
            let narrow = |index: u32| {
                u16::try_from(index).map_err(|_| LoadError::new(LoadErrorKind::Limit, 0, "an index is above 65,535"))
            };
            Ok((narrow(first)?, narrow(second)?))
        };
        let (b, c) = match arg {
            Arg::Index(index) if op != Op::RefFunc => pair_of(*index, 0)?,
            Arg::Index(index) => (*index as u16, (*index >> 16) as u16),
            Arg::Pair(first, second) => pair_of(*first, *second)?,
            _ => (0, 0),
        };
        match (op, arg) {
            (Op::MemorySize, Arg::Index(memory)) if self.parsed.is_far(*memory) => self.slow(op, 0, 1, b, c),
            (Op::MemorySize, _) => self.emit_value(Family::MemorySize, 0, 0, 0, None),
            (Op::MemoryGrow, _) => self.slow(op, 1, 1, b, c),
            (Op::MemoryInit | Op::MemoryCopy | Op::MemoryFill, _) => self.slow(op, 3, 0, b, c),
            (Op::TableInit | Op::TableCopy | Op::TableFill, _) => self.slow(op, 3, 0, b, c),
            (Op::DataDrop | Op::ElemDrop, _) => self.slow(op, 0, 0, b, c),
            (Op::TableGet, _) => self.slow(op, 1, 1, b, c),
            (Op::TableSet, _) => self.slow(op, 2, 0, b, c),
            (Op::TableSize | Op::RefFunc, _) => self.slow(op, 0, 1, b, c),
            (Op::TableGrow, _) => self.slow(op, 2, 1, b, c),
            (Op::RefNull, _) => self.lists.stack.push_const(0),
            (Op::RefAsNonNull, _) => self.slow(op, 1, 1, 0, 0),
            (Op::RefIsNull, _) => {
                let operand = self.pop();
                let slot = self.slot_of(operand);
                self.emit_value(Family::I64Eq, pair(Kind::Slot, Kind::Imm), slot, 0, None);
            }
            _ => unreachable!("every memory, table and reference operator is lowered here"),
        }
        Ok(())
    }

    #[inline(always)]
    pub(super) fn access(&mut self, op: Op, arg: &Arg<'_>) {
        let &Arg::Offset(offset) = arg else { return self.far(op, arg) };
        match op.row().group {
            Group::Store => self.store(access(op), offset),
            _ => self.load(access(op), offset),
        }
    }

    /// A load or store in a far memory.
    #[cold]
    #[inline(never)]
    pub(super) fn far(&mut self, op: Op, arg: &Arg<'_>) {
        let &Arg::Far(far) = arg else { unreachable!("a load or store has an offset") };
        let slots = |types: &[Ty]| types.iter().map(|ty| usize::from(ty.slots())).sum();
        let row = op.row();
        let (operands, results) = (slots(row.params), slots(row.results));
        let slot = self.settle_operands(operands);
        // Validated: the parser has at most 100 memories.
        self.emit_effect(Family::Far, 0, slot, far.memory as u16, far.lane.into());
        self.emit(Word((op as u64) << 32));
        self.emit(Word(far.offset));
        self.leave_results(operands, results);
    }

    /// An absolute address, if the whole of it fits 32 bits.
    fn absolute(address: Popped, offset: u64) -> Option<u32> {
        u32::try_from(address.value()? + offset).ok()
    }

    fn load(&mut self, family: Family, offset: u64) {
        let address = self.pop();
        if let Some(at) = Self::absolute(address, offset) {
            self.emit_value(family, load(Kind::Imm, false), at as u16, (at >> 16) as u16, None);
            return;
        }
        let (kind, b) = if address.in_acc() { (Kind::Acc, 0) } else { (Kind::Slot, self.slot_of(address)) };
        match u16::try_from(offset) {
            Ok(near) => self.emit_value(family, load(kind, false), b, near, None),
            Err(_) => self.emit_value(family, load(kind, true), b, 0, Some(offset)),
        }
    }

    fn store(&mut self, family: Family, offset: u64) {
        let (value, address) = (self.pop(), self.pop());
        let constant = value.value().and_then(|value| immediate(value, family == Family::Store64));
        if let Some(at) = Self::absolute(address, offset) {
            let (kind, a) = match (value.in_acc(), constant) {
                (true, _) => (Kind::Acc, 0),
                (_, Some(constant)) => (Kind::Imm, constant),
                _ => (Kind::Slot, self.slot_of(value)),
            };
            self.emit(Word::wide(family.effect(store(Kind::Imm, kind, false)), a, at));
            return;
        }
        let Ok(near) = u16::try_from(offset) else {
            let (a, b) = (self.slot_of(address), self.slot_of(value));
            self.emit_effect(family, store(Kind::Slot, Kind::Slot, true), a, b, 0);
            self.emit(Word(offset));
            return;
        };
        match (address.in_acc(), value.in_acc(), constant) {
            (true, _, Some(constant)) => {
                self.emit_effect(family, store(Kind::Acc, Kind::Imm, false), 0, constant, near);
            }
            (true, _, _) => {
                let b = self.slot_of(value);
                self.emit_effect(family, store(Kind::Acc, Kind::Slot, false), 0, b, near);
            }
            (_, true, _) => {
                let a = self.slot_of(address);
                self.emit_effect(family, store(Kind::Slot, Kind::Acc, false), a, 0, near);
            }
            (_, _, Some(constant)) => {
                let a = self.slot_of(address);
                self.emit_effect(family, store(Kind::Slot, Kind::Imm, false), a, constant, near);
            }
            _ => {
                let (a, b) = (self.slot_of(address), self.slot_of(value));
                self.emit_effect(family, store(Kind::Slot, Kind::Slot, false), a, b, near);
            }
        }
    }
}

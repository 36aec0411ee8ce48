//! Locals, globals, `drop` and `select`.

use super::Translator;
use super::stack::{Acc, Operand};
use crate::interp::code::{Family, Kind, Word, single};
use crate::wasm::isa::Op;
use crate::wasm::walk::Arg;

impl Translator<'_> {
    #[inline(always)]
    pub(super) fn variable(&mut self, op: Op, arg: &Arg<'_>) {
        match (op, arg) {
            (Op::LocalGet, Arg::Index(local)) => self.lists.stack.push_local(*local as u16),
            (Op::LocalSet, Arg::Index(local)) => self.local_set(*local as u16),
            (Op::LocalTee, Arg::Index(local)) => {
                self.local_set(*local as u16);
                self.lists.stack.push_local(*local as u16);
            }
            (Op::GlobalGet, Arg::Index(global)) => {
                self.emit_value(Family::GlobalGet, 0, *global as u16, (*global >> 16) as u16, None);
            }
            (Op::GlobalSet, Arg::Index(global)) => {
                let value = self.pop();
                let (form, slot) =
                    if value.in_acc() { (single(Kind::Acc), 0) } else { (single(Kind::Slot), self.slot_of(value)) };
                self.emit(Word::wide(Family::GlobalSet.effect(form), slot, *global));
            }
            (Op::Drop, _) => {
                self.pop();
            }
            _ => self.select(),
        }
    }

    pub(super) fn local_set(&mut self, local: u16) {
        let value = self.pop();
        let end = self.code.len();
        // Values on the stack that are this local keep the old one.
        while let Some(home) = self.lists.stack.detach(local) {
            self.emit_copy(home, local);
        }
        match value.operand() {
            Operand::Acc(producer) if producer.end() == end && self.code.len() == end => {
                self.write_to(producer.at(), local);
                self.lists.stack.acc = Acc::of(local);
            }
            Operand::Both(_) if self.lists.stack.acc.holds(local) => {}
            Operand::Both(_) | Operand::Acc(_) => {
                self.emit_effect(Family::Copy, 1, local, 0, 0);
                self.lists.stack.acc = Acc::of(local);
            }
            Operand::Slot(slot) => self.emit_copy(local, slot),
            Operand::Const(value) => self.emit_const(local, value),
        }
    }

    fn select(&mut self) {
        let condition = self.pop();
        let (no, yes) = (self.pop(), self.pop());
        if let Some(value) = condition.value() {
            // Nothing to choose at run time; the chosen value moves down to its new position's home if it must.
            let chosen = if value as u32 != 0 { yes } else { no };
            let slot = self.slot_of(chosen);
            let home = self.home(yes.position());
            self.emit_copy(home, slot);
            self.lists.stack.push_home();
            return;
        }
        let (yes, no) = (self.slot_of(yes), self.slot_of(no));
        if condition.in_acc() {
            self.emit_value(Family::Select, single(Kind::Acc), yes, no, None);
        } else {
            let slot = self.slot_of(condition);
            self.emit_value(Family::Select, single(Kind::Slot), yes, no, Some(u64::from(slot)));
        }
    }
}

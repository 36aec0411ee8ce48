//! Blocks, branches and calls.

use super::Translator;
use super::fixup::{Field, Jump, Place, Waiting};
use super::stack::{Acc, Operand};
use crate::error::{LoadError, LoadErrorKind, Trap};
use crate::interp::code::{Caught, Family, Kind, Region, Word, pair, single};
use crate::wasm::isa::Op;
use crate::wasm::plan::Step;
use crate::wasm::walk::{Arg, catch_label};
use alloc::{collections::BTreeMap, vec::Vec};
use wasmparser::{BlockType, BrTable, Catch, TryTable};

/// Where branches to a construct go.
#[derive(Clone, Copy)]
enum Label {
    /// To its start: the code there, and the metered block that starts there.
    Start { at: u32, block: u32 },
    /// To its end, which is not known yet.
    End(Waiting),
    /// Out of the function.
    Return,
}

/// A construct that is open. Its numbers are below 2^32 in any module that is not refused.
pub(super) struct Frame {
    label: Label,
    /// Stack height below its parameters. All of these count slots.
    base: u32,
    params: u32,
    results: u32,
    /// The branch over the first arm of an `if` whose `else` has not come.
    skip: Waiting,
    /// Reachable; nothing is known of the others.
    live: bool,
    /// It catches exceptions.
    catches: bool,
}

impl Frame {
    pub fn function(results: usize) -> Self {
        Self {
            label: Label::Return,
            base: 0,
            params: 0,
            results: results as u32,
            skip: Waiting::default(),
            live: true,
            catches: false,
        }
    }

    /// Values that a branch carries.
    fn arity(&self) -> usize {
        match self.label {
            Label::Start { .. } => self.params as usize,
            Label::End(_) | Label::Return => self.results as usize,
        }
    }
}

/// A condition that was popped: the op that branches when it holds (or not), without offset and costs.
struct Condition {
    family: Family,
    form: u16,
    a: u16,
    b: u16,
}

impl Translator<'_> {
    #[inline(always)]
    pub(super) fn control(&mut self, op: Op, arg: &Arg<'_>, step: Step) -> Result<(), LoadError> {
        match (op, arg) {
            (Op::Block | Op::Loop | Op::If | Op::TryTable, _) if !step.live => {
                self.lists.frames.push(Frame { live: false, ..Frame::function(0) });
            }
            (Op::Block | Op::Loop | Op::If, Arg::Block(ty)) => self.open_frame(op, *ty, step),
            (Op::TryTable, Arg::Try(table)) => self.try_table(table, step),
            (Op::Throw, Arg::Index(tag)) => {
                let ty = self.parsed.tags[*tag as usize];
                self.throw(0, self.parsed.types[ty as usize].slots().0, *tag);
            }
            (Op::ThrowRef, _) => self.throw(1, 1, 0),
            (Op::Else, _) => self.else_arm(step),
            (Op::End, _) => self.end_frame(step),
            (Op::Br, Arg::Index(depth)) => self.br(*depth),
            (Op::BrIf, Arg::Index(depth)) => self.br_if(*depth, true),
            (Op::BrOnNull | Op::BrOnNonNull, Arg::Index(depth)) => self.br_on_null(*depth, op == Op::BrOnNull),
            (Op::BrTable, Arg::Table(table)) => self.br_table(table)?,
            (Op::Return, _) => self.emit_return(),
            (Op::Call, Arg::Index(function)) => {
                let (results, cost) = self.call(*function);
                self.open_behind(results, cost);
            }
            (Op::CallIndirect, Arg::Pair(ty, table)) => {
                let (results, cost) = self.call_indirect(*ty, Some(*table), false)?;
                self.open_behind(results, cost);
            }
            (Op::CallRef, Arg::Index(ty)) => {
                let (results, cost) = self.call_indirect(*ty, None, false)?;
                self.open_behind(results, cost);
            }
            (Op::ReturnCall, Arg::Index(function)) if *function < self.parsed.imported_functions => {
                let (results, _) = self.call(*function);
                self.emit_return_of(results);
            }
            (Op::ReturnCall, Arg::Index(function)) => self.return_call(*function),
            (Op::ReturnCallIndirect, Arg::Pair(ty, table)) => {
                let (results, _) = self.call_indirect(*ty, Some(*table), true)?;
                self.emit_return_of(results);
            }
            (Op::ReturnCallRef, Arg::Index(ty)) => {
                let (results, _) = self.call_indirect(*ty, None, true)?;
                self.emit_return_of(results);
            }
            (Op::Unreachable, _) => {
                self.emit_effect(Family::Trap, 0, Trap::Unreachable as u16, 0, 0);
            }
            _ => debug_assert!(op == Op::Nop, "every control operator is lowered here"),
        }
        Ok(())
    }

    /// Slots of parameters and results.
    fn block_type(&self, ty: BlockType) -> (usize, usize) {
        match ty {
            BlockType::Empty => (0, 0),
            BlockType::Type(ty) => (0, if ty == wasmparser::ValType::V128 { 2 } else { 1 }),
            BlockType::FuncType(index) => self.parsed.types[index as usize].slots(),
        }
    }

    // ---- constructs ----

    fn open_frame(&mut self, op: Op, ty: BlockType, step: Step) {
        let (params, results) = self.block_type(ty);
        let condition = (op == Op::If).then(|| self.pop_condition(false));
        if op != Op::Block {
            // Paths meet at the start of a loop, and part at an `if`: what they share is where both look for it.
            self.settle_top(params);
        }
        self.settle_locals();
        let base = self.lists.stack.len() - params;
        let mut frame = Frame {
            label: Label::End(Waiting::default()),
            base: base as u32,
            params: params as u32,
            ..Frame::function(results)
        };
        if let Some(condition) = condition {
            let jump = self.emit_condition(&condition);
            self.lists.fixups.push(&mut frame.skip, jump);
        }
        if op == Op::Loop {
            self.forget();
            self.emit_charge();
            let block = self.lists.costs.len() + usize::from(step.closed.is_some());
            self.lists.heads.push(self.code.len());
            self.copied = 0;
            frame.label = Label::Start { at: self.code.len() as u32, block: block as u32 };
        }
        self.lists.frames.push(frame);
    }

    /// Opens a block whose exceptions are caught. Values below it are where its labels look for them: no code inside moves them.
    fn try_table(&mut self, table: &TryTable, step: Step) {
        self.forget();
        self.settle_locals();
        let op = self.emit(Word::wide(Family::TryTable.effect(0), table.catches.len() as u16, 0));
        self.code.resize(op + 1 + 2 * table.catches.len(), Word(0));
        let mut returns = Vec::new();
        for (i, catch) in table.catches.iter().enumerate() {
            let (tag, with_reference) = match *catch {
                Catch::One { tag, .. } => (Some(tag), false),
                Catch::OneRef { tag, .. } => (Some(tag), true),
                Catch::All { .. } => (None, false),
                Catch::AllRef { .. } => (None, true),
            };
            let (label, entry) = (self.label_at(catch_label(*catch)), op + 1 + 2 * i);
            let home = self.home(self.lists.frames[label].base as usize);
            self.code[entry] = Caught::word(tag, with_reference, home);
            let jump = Jump::new(entry + 1, Field::Low, op, Place::high(entry + 1));
            if matches!(self.lists.frames[label].label, Label::Return) {
                returns.push(jump);
            } else {
                self.jump_to(label, jump);
            }
        }
        if !returns.is_empty() {
            // What is caught lies in the first homes. A return pays for nothing.
            let target = self.code.len();
            for jump in returns {
                self.too_far |= !jump.write(&mut self.code, target);
            }
            let (results, first) = (self.head.results as usize, self.home(0));
            match results {
                0 => self.emit_return_op(0, 0),
                1 => self.emit_return_op(1, first),
                _ => {
                    self.emit_return_op(3, first);
                    self.emit(Word(results as u64));
                }
            }
        }
        let words = (self.code.len() - op) as u32;
        self.code[op] = Word::wide(Family::TryTable.effect(0), table.catches.len() as u16, words);
        self.copied = 0;
        self.open_frame(Op::Block, table.ty, step);
        let (start, around) = (self.code.len() as u32, self.lists.region);
        self.lists.regions.push(Region { start, table: op as u32 + 1, around });
        self.lists.region = self.lists.regions.len() as u32;
        let frame = self.lists.frames.last_mut().expect("just opened");
        frame.catches = true;
    }

    /// From here on the region around the open one is open.
    fn end_region(&mut self) {
        let region = |number: u32| self.lists.regions[number as usize - 1];
        let around = region(self.lists.region).around;
        let (start, nothing) = (self.code.len() as u32, Region { start: 0, table: 0, around: 0 });
        let again = Region { start, ..if around == 0 { nothing } else { region(around) } };
        self.lists.regions.push(again);
        self.lists.region = around;
    }

    fn throw(&mut self, form: u16, operands: usize, tag: u32) {
        self.settle_top(operands);
        self.forget();
        let base = self.home(self.lists.stack.len() - operands);
        self.emit(Word::wide(Family::Throw.effect(form), base, tag));
    }

    fn else_arm(&mut self, step: Step) {
        // Validated: `else` stands inside an `if`.
        let at = self.label_at(0);
        let frame = &mut self.lists.frames[at];
        let (base, params, results) = (frame.base as usize, frame.params as usize, frame.results as usize);
        if frame.live {
            let skip = core::mem::take(&mut frame.skip);
            if step.live {
                self.settle_top(results);
                let jump = self.emit_br();
                self.jump_to(at, jump);
            }
            self.forget();
            self.bind(skip);
            self.truncate(base);
            self.push_homes(params);
        }
    }

    fn end_frame(&mut self, step: Step) {
        let frame = self.lists.frames.pop().expect("validated: every `end` has its construct");
        let (base, results) = (frame.base as usize, frame.results as usize);
        if !frame.live {
            return;
        }
        if frame.catches {
            self.end_region();
        }
        if matches!(frame.label, Label::Return) {
            if step.live {
                self.emit_return();
            }
            return;
        }
        if !step.live_after {
            self.truncate(base);
            return;
        }
        if !step.opens {
            // The end of a loop, or of a block that nothing branches to: the values stay where they are.
            return;
        }
        if step.live {
            self.settle_top(results);
            self.forget();
            self.emit_charge();
        } else {
            self.forget();
        }
        let Label::End(waiting) = frame.label else { unreachable!("a loop's end opens no block") };
        self.bind(waiting);
        self.bind(frame.skip);
        self.truncate(base);
        self.push_homes(results);
    }

    /// Drops values from the stack down to `len`.
    pub(super) fn truncate(&mut self, len: usize) {
        self.lists.stack.truncate(len);
    }

    pub(super) fn push_homes(&mut self, count: usize) {
        for _ in 0..count {
            self.lists.stack.push_home();
        }
    }

    /// Pays for the block that follows, on the path that falls into it.
    fn emit_charge(&mut self) {
        if self.metered() {
            let at = self.emit_effect(Family::Charge, 0, 0, 0, 0);
            self.lists.next.push(Place::high(at));
        }
    }

    /// Whether operators cost anything; if not, nothing has to pay for blocks that are fallen into.
    fn metered(&self) -> bool {
        Op::BrIf.cost(self.schedule).0 != 0
    }

    /// Lets the branches of a list go to the code that comes next, which starts the block that opens behind the operator at hand.
    fn bind(&mut self, mut waiting: Waiting) {
        self.copied = 0;
        while let Some(jump) = self.lists.fixups.pop(&mut waiting) {
            self.land(jump);
        }
    }

    fn land(&mut self, jump: Jump) {
        self.copied = 0;
        let target = self.code.len();
        self.too_far |= !jump.write(&mut self.code, target);
        self.lists.next.push(jump.cost());
    }

    // ---- branches ----

    fn label_at(&self, depth: u32) -> usize {
        self.lists.frames.len() - 1 - depth as usize
    }

    /// Sends `jump` to the label of frame `at`.
    fn jump_to(&mut self, at: usize, jump: Jump) {
        match &mut self.lists.frames[at].label {
            Label::Start { at, block } => {
                self.too_far |= !jump.write(&mut self.code, *at as usize);
                match self.lists.costs.get(*block as usize) {
                    Some(cost) => jump.cost().write(&mut self.code, *cost),
                    None => self.lists.open.push(jump.cost()),
                }
            }
            Label::End(waiting) => self.lists.fixups.push(waiting, jump),
            Label::Return => unreachable!("returns are ops of their own"),
        }
    }

    fn emit_br(&mut self) -> Jump {
        let at = self.code.len();
        if self.wide {
            self.emit_effect(Family::BrWide, 0, 0, 0, 0);
            let cost = Place::low(self.emit(Word(0)));
            Jump::new(at, Field::High, at, cost)
        } else {
            self.emit_effect(Family::Br, 0, 0, 0, 0);
            Jump::new(at, Field::A, at, Place::high(at))
        }
    }

    /// Pops a condition; the branch is to be taken when it is not zero (`when`), or when it is.
    fn pop_condition(&mut self, when: bool) -> Condition {
        let condition = self.pop();
        if let Operand::Acc(producer) = condition.operand()
            && !self.wide
            && producer.end() == self.code.len()
            && let Some(inverse) = self.code[producer.at()].family().and_then(Family::inverse)
        {
            // Branch on the comparison itself: its op goes, its operands stay. The accumulator is as it was before.
            let word = self.code[producer.at()];
            let family = if when { inverse.inverse() } else { Some(inverse) };
            let family = family.and_then(Family::branch).expect("comparisons come in pairs, each with its branch");
            self.code.truncate(producer.at());
            self.lists.stack.acc = Acc::default();
            return Condition { family, form: word.form() / 2, a: word.b(), b: word.c() };
        }
        let family = match (when, self.wide) {
            (true, false) => Family::BrNonZero,
            (false, false) => Family::BrZero,
            (true, true) => Family::BrNonZeroWide,
            (false, true) => Family::BrZeroWide,
        };
        if condition.in_acc() {
            Condition { family, form: single(Kind::Acc), a: 0, b: 0 }
        } else {
            Condition { family, form: single(Kind::Slot), a: self.slot_of(condition), b: 0 }
        }
    }

    /// Emits a conditional branch. What falls through is the block that opens behind the operator at hand.
    fn emit_condition(&mut self, condition: &Condition) -> Jump {
        let (jump, fall) = self.emit_condition_with(condition);
        self.lists.next.push(fall);
        jump
    }

    fn emit_condition_with(&mut self, condition: &Condition) -> (Jump, Place) {
        let at = self.emit_effect(condition.family, condition.form, condition.a, condition.b, 0);
        let costs = self.emit(Word(0));
        let field = if self.wide { Field::High } else { Field::C };
        (Jump::new(at, field, at, Place::low(costs)), Place::high(costs))
    }

    /// Whether the topmost values are where the label wants them once they are in their homes.
    fn aligned(&self, at: usize) -> bool {
        let frame = &self.lists.frames[at];
        frame.arity() == 0 || self.lists.stack.len() - frame.arity() == frame.base as usize
    }

    /// Emits what moves the topmost values, which are in their homes, to where the label of frame `at` wants them.
    /// Upwards: a target is never the home of a value still to be moved.
    fn emit_moves(&mut self, at: usize) {
        let (arity, base) = (self.lists.frames[at].arity(), self.lists.frames[at].base as usize);
        let top = self.lists.stack.len() - arity;
        if arity == 0 || top == base {
            return;
        }
        let (to, from) = (self.home(base), self.home(top));
        if arity == 1 {
            return self.emit_copy(to, from);
        }
        self.emit_effect(Family::Copy, 5, to, from, arity as u16);
        self.lists.stack.acc.overwritten(to.into()..to.saturating_add(arity as u16).into());
    }

    fn br(&mut self, depth: u32) {
        let at = self.label_at(depth);
        if matches!(self.lists.frames[at].label, Label::Return) {
            return self.emit_return();
        }
        self.settle_top(self.lists.frames[at].arity());
        self.emit_moves(at);
        let jump = self.emit_br();
        self.jump_to(at, jump);
    }

    /// Branches if the reference on top is null, and drops it there; or if it is not, and drops it here.
    fn br_on_null(&mut self, depth: u32, when: bool) {
        self.settle_top(1);
        self.forget();
        let home = self.home(self.lists.stack.len() - 1);
        if when {
            self.lists.stack.drop_homes(1);
        }
        self.emit_value(Family::I64Eq, pair(Kind::Slot, Kind::Imm), home, 0, None);
        self.br_if(depth, when);
        // Where it is taken nothing lies above what the branch carries, and where not the home is as it was.
        if when {
            self.lists.stack.push_home();
        } else {
            self.lists.stack.drop_homes(1);
        }
    }

    /// Branches if the condition on top is not zero (`when`), or if it is.
    fn br_if(&mut self, depth: u32, when: bool) {
        let at = self.label_at(depth);
        let returns = matches!(self.lists.frames[at].label, Label::Return);
        let arity = self.lists.frames[at].arity();
        if !returns && self.aligned(at) {
            let condition = self.pop_condition(when);
            self.settle_top(arity);
            let jump = self.emit_condition(&condition);
            self.jump_to(at, jump);
            return;
        }
        // Moves happen on the taken path alone: branch around them.
        let condition = self.pop_condition(!when);
        self.settle_top(arity);
        // Where it falls through, the move or return, nothing is to be paid: the branch pays for its target.
        let (jump, _) = self.emit_condition_with(&condition);
        let acc = self.lists.stack.acc;
        if returns {
            self.emit_return_of(arity);
        } else {
            self.emit_moves(at);
            let jump = self.emit_br();
            self.jump_to(at, jump);
        }
        self.lists.stack.acc = acc;
        self.land(jump);
    }

    fn br_table(&mut self, table: &BrTable<'_>) -> Result<(), LoadError> {
        let index = self.pop();
        let (form, a) = if index.in_acc() { (single(Kind::Acc), 0) } else { (single(Kind::Slot), self.slot_of(index)) };
        let default = self.label_at(table.default());
        self.settle_top(self.lists.frames[default].arity());
        let at = self.emit(Word::wide(Family::BrTable.effect(form), a, table.len()));
        self.code.resize(at + 1 + table.len() as usize + 1, Word(0));
        // Targets that need moves or a return go through a stub each.
        let mut stubs = BTreeMap::<usize, Vec<usize>>::new();
        for (i, depth) in table.targets().chain(core::iter::once(Ok(table.default()))).enumerate() {
            let (label, entry) = (self.label_at(depth?), at + 1 + i);
            if matches!(self.lists.frames[label].label, Label::Return) || !self.aligned(label) {
                stubs.entry(label).or_default().push(entry);
            } else {
                self.jump_to(label, Jump::new(entry, Field::Low, at, Place::high(entry)));
            }
        }
        let acc = self.lists.stack.acc;
        for (label, entries) in stubs {
            let target = self.code.len();
            for entry in entries {
                let jump = Jump::new(entry, Field::Low, at, Place::high(entry));
                self.too_far |= !jump.write(&mut self.code, target);
            }
            // A branch by table leaves the accumulator alone, so every stub finds it as it was.
            self.lists.stack.acc = acc;
            if matches!(self.lists.frames[label].label, Label::Return) {
                self.emit_return_of(self.lists.frames[label].arity());
            } else {
                self.emit_moves(label);
                let jump = self.emit_br();
                self.jump_to(label, jump);
            }
        }
        Ok(())
    }

    // ---- returns and calls ----

    /// Returns the topmost values.
    fn emit_return(&mut self) {
        let results = self.head.results as usize;
        if results != 1 {
            self.settle_top(results);
            return self.emit_return_of(results);
        }
        let value = self.pop();
        let (form, b) = if value.in_acc() { (2, 0) } else { (1, self.slot_of(value)) };
        self.emit_return_op(form, b);
        self.lists.stack.push_home();
    }

    /// Returns the topmost `results` values, which are in their homes.
    fn emit_return_of(&mut self, results: usize) {
        let top = self.lists.stack.len() - results;
        let first = self.home(top);
        match results {
            0 => self.emit_return_op(0, 0),
            1 => self.emit_return_op(1, first),
            _ => {
                self.emit_return_op(3, first);
                self.emit(Word(results as u64));
            }
        }
    }

    fn emit_return_op(&mut self, form: u16, b: u16) {
        let control = self.control_slot();
        // Field c, the frame's height, is written at the function's end.
        let at = self.emit_effect(Family::Return, form, control, b, 0);
        self.lists.returns.push(at);
    }

    /// Emits a call; the slots of its results, and where the cost of the block behind it goes.
    fn call(&mut self, function: u32) -> (usize, usize) {
        let imported = self.lazy || function < self.parsed.imported_functions;
        let family = if imported { Family::CallImport } else { Family::Call };
        let ty = self.parsed.functions[function as usize];
        let (params, results) = self.parsed.types[ty as usize].slots();
        let base = self.settle_arguments(params);
        let at = self.emit(Word::wide(family.effect(0), base, if imported { function } else { 0 }));
        if !imported {
            self.lists.calls.push((at as u32, function));
        }
        let cost = self.emit(Word(0));
        self.give_results(params, results);
        (results, cost)
    }

    /// A call of an own function whose frame takes the place of this one.
    fn return_call(&mut self, function: u32) {
        let ty = self.parsed.functions[function as usize];
        let (params, _) = self.parsed.types[ty as usize].slots();
        let base = self.settle_arguments(params);
        let (form, callee) = if self.lazy { (1, function) } else { (0, 0) };
        let at = self.emit(Word::wide(Family::TailCall.effect(form), base, callee));
        if !self.lazy {
            self.lists.calls.push((at as u32, function));
        }
        self.emit_tail(params, 0);
    }

    /// The extension word of a tail call.
    fn emit_tail(&mut self, params: usize, table: u16) {
        let control = self.control_slot();
        // Field c, the frame's height, is written at the function's end.
        let at = self.emit(Word::new(params as u16, control, table, 0));
        self.lists.returns.push(at);
    }

    /// As [`Translator::call`], through a table or by the reference on top; for a tail call an op before it that takes it on if
    /// it can.
    fn call_indirect(&mut self, ty: u32, table: Option<u32>, tail: bool) -> Result<(usize, usize), LoadError> {
        let narrow = |index: u32| {
            u16::try_from(index).map_err(|_| LoadError::new(LoadErrorKind::Limit, 0, "an index is above 65,535"))
        };
        let number = narrow(ty)?;
        let (form, table) = table.map_or(Ok((1, 0)), |table| narrow(table).map(|table| (0, table)))?;
        let index = self.pop();
        let index = self.slot_of(index);
        let (params, results) = self.parsed.types[ty as usize].slots();
        let base = self.settle_arguments(params);
        if tail {
            self.emit_effect(Family::TailCall, 2 + form, base, index, number);
            self.emit_tail(params, table);
        }
        self.emit_effect(Family::CallIndirect, form, base, index, number);
        let cost = self.emit(Word(u64::from(table) << 32));
        self.give_results(params, results);
        Ok((results, cost))
    }

    /// Puts the arguments of a call into their homes; returns the first one's slot, where the callee's frame starts.
    fn settle_arguments(&mut self, params: usize) -> u16 {
        self.settle_top(params);
        self.forget();
        self.home(self.lists.stack.len() - params)
    }

    /// Results take the place of a call's arguments.
    fn give_results(&mut self, params: usize, results: usize) {
        self.lists.stack.drop_homes(params);
        self.push_homes(results);
    }

    /// The block behind a call, which goes on with its results.
    fn open_behind(&mut self, results: usize, cost: usize) {
        self.lists.next.push(Place::low(cost));
        if results == 1 {
            // A single result is returned in the accumulator too.
            self.lists.stack.acc = Acc::of(self.home(self.lists.stack.len() - 1));
        }
    }
}

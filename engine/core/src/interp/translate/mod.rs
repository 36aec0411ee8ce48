//! The sink that makes the interpreter's code: one pass, no tree, no second look.
//!
//! Values stay where they are for as long as possible: constants nowhere, `local.get` in its local, the newest result in
//! the accumulator. An op is emitted with its result in the accumulator alone; when that value must live longer, the op
//! is told to write a slot too ([`Translator::spill`]). Metered costs become known when a block ends, so the fields that
//! hold the cost of the open block are noted and written then.

mod control;
mod fixup;
pub(crate) mod listing;
mod memory;
mod numeric;
mod reversal;
mod stack;
mod variable;
mod vector;
mod workbench;

use crate::error::{LoadError, LoadErrorKind};
use crate::gas::Schedule;
use crate::interp::code::{Code, Family, HEADER_WORDS, Region, TO_SLOT, Word};
use crate::interp::exec::fused::fuse;
use crate::wasm::isa::{Group, Op};
use crate::wasm::load::{Parsed, Trust};
use crate::wasm::plan::Step;
use crate::wasm::walk::{Arg, BodyHead, Ended, Locals, Sink};
use alloc::{boxed::Box, vec::Vec};
use control::Frame;
use fixup::{Fixups, Place};
use stack::{Acc, Operand, Place as At, Popped, Producer, Stack};
pub(crate) use workbench::Workbench;

/// Makes the code of a module.
pub(crate) struct Translator<'m> {
    parsed: &'m Parsed,
    schedule: Schedule,
    code: Vec<Word>,
    /// Header of each function, imported ones left out.
    functions: Vec<u32>,
    lists: Lists,

    // Of the function at hand:
    head: BodyHead,
    start: usize,
    /// Index behind the copy that was emitted last, if no label lies there.
    copied: usize,
    /// Ops that unite bits: without one no bytes are reversed.
    unions: u32,
    /// Offsets of conditional branches have 32 bits: set when 16 were not enough, for a second try.
    wide: bool,
    too_far: bool,
    /// Functions of the module are called through the instance: their code may not be there yet.
    lazy: bool,
}

/// What a translator fills for one function after the other. Its room outlives functions, and modules too.
#[derive(Default)]
pub(crate) struct Lists {
    /// Calls whose callee had no code yet, with the callee. These are the module's, as are regions that catch exceptions; all that
    /// follows is the function's at hand.
    calls: Vec<(u32, u32)>,
    regions: Vec<Region>,
    /// The innermost region that is open: its place in the list, plus 1; and how many there were before the function.
    region: u32,
    regions_before: usize,
    stack: Stack,
    /// Where locals are, if they are not all where their index says.
    locals: Vec<vector::Local>,
    frames: Vec<Frame>,
    fixups: Fixups,
    /// Costs of the blocks that are complete.
    costs: Vec<u32>,
    /// Fields for the cost of the open block, and of the one that opens behind the operator at hand.
    open: Vec<Place>,
    next: Vec<Place>,
    /// Return ops, which get the frame's height at the end.
    returns: Vec<usize>,
    /// Where loops start.
    heads: Vec<usize>,
}

impl Lists {
    /// With room for what most functions need.
    pub fn new() -> Self {
        Self {
            calls: Vec::new(),
            regions: Vec::new(),
            region: 0,
            regions_before: 0,
            stack: Stack::default(),
            locals: Vec::new(),
            frames: Vec::with_capacity(16),
            fixups: Fixups::default(),
            costs: Vec::with_capacity(64),
            open: Vec::with_capacity(16),
            next: Vec::with_capacity(16),
            returns: Vec::with_capacity(8),
            heads: Vec::with_capacity(8),
        }
    }
}

impl<'m> Translator<'m> {
    /// For `bodies` bodies that have `bytes` bytes. Room is made for the code of nearly any such bodies (three bytes a byte,
    /// headers and the last return).
    pub fn new(parsed: &'m Parsed, schedule: Schedule, bodies: usize, bytes: usize, lists: Lists) -> Self {
        let head = BodyHead { function: 0, params: 0, locals: 0, results: 0, vector_locals: false };
        Self {
            parsed,
            schedule,
            code: Vec::with_capacity(bytes / 8 * 3 + bodies.max(1) * (HEADER_WORDS + 1)),
            functions: Vec::with_capacity(bodies),
            lists,
            head,
            start: 0,
            copied: 0,
            unions: 0,
            wide: false,
            too_far: false,
            lazy: false,
        }
    }

    /// For the code of one function, with a body of `bytes`, of a module whose functions are translated when called.
    pub fn lazy(parsed: &'m Parsed, schedule: Schedule, bytes: usize, lists: Lists) -> Self {
        Self { lazy: true, ..Self::new(parsed, schedule, 0, bytes, lists) }
    }

    /// The code, once all functions are in, and the lists for another translator.
    pub fn finish(mut self) -> (Code, Lists) {
        for (call, function) in self.lists.calls.drain(..) {
            let header = self.functions[(function - self.parsed.imported_functions) as usize];
            let word = &mut self.code[call as usize];
            *word = set_high(*word, header.wrapping_sub(call));
        }
        // What is left over is given back when it is much. When it is little, an allocator that is asked for as much again
        // has it at hand, where it would map and clear new pages: 9 % of the time of loading big modules of one size.
        if self.code.len() < self.code.capacity() / 3 * 2 {
            self.code.shrink_to_fit();
        }
        let regions = core::mem::take(&mut self.lists.regions);
        (Code { words: self.code, functions: self.functions.into(), regions, lazy: None }, self.lists)
    }

    // ---- slots ----

    /// The slot that holds the return address.
    fn control_slot(&self) -> u16 {
        (self.head.params + self.head.locals) as u16
    }

    /// The slot of stack position `position`.
    fn home(&self, position: usize) -> u16 {
        self.lists.stack.home(position)
    }

    // ---- emission ----

    fn emit(&mut self, word: Word) -> usize {
        self.code.push(word);
        self.code.len() - 1
    }

    fn emit_effect(&mut self, family: Family, form: u16, a: u16, b: u16, c: u16) -> usize {
        self.emit(Word::new(family.effect(form), a, b, c))
    }

    /// Emits an op that makes a value, and pushes the value. Operands must have been popped.
    #[inline(always)]
    fn emit_value(&mut self, family: Family, form: u16, b: u16, c: u16, extension: Option<u64>) {
        let word = Word::new(family.value(form, 0), 0, b, c);
        match extension {
            None => self.emit_producer(word),
            Some(extension) => self.emit_extended(word, Word(extension)),
        }
    }

    fn emit_producer(&mut self, word: Word) {
        self.spill();
        let producer = self.emit(word);
        self.push_result(producer);
    }

    fn emit_extended(&mut self, word: Word, extension: Word) {
        self.spill();
        let producer = self.emit(word);
        self.emit(extension);
        self.push_result(producer);
    }

    fn push_result(&mut self, producer: usize) {
        self.lists.stack.push_acc(Producer::new(producer, self.code.len()));
    }

    /// Tells the op that made a value to write it to `slot` too.
    fn write_to(&mut self, producer: usize, slot: u16) {
        let word = self.code[producer];
        self.code[producer] = Word((word.0 | u64::from(TO_SLOT)) & !0xffff_0000 | u64::from(slot) << 16);
    }

    /// Gives the value that is only in the accumulator its home.
    fn spill(&mut self) {
        if let Some((producer, home)) = self.lists.stack.spill() {
            self.write_to(producer.at(), home);
        }
    }

    /// What the accumulator holds is unknown from here on.
    fn forget(&mut self) {
        self.spill();
        self.lists.stack.acc = Acc::default();
    }

    /// Emits what puts `value` into `slot`, leaving the accumulator alone.
    fn emit_const(&mut self, slot: u16, value: u64) {
        if let Ok(value) = u32::try_from(value) {
            self.emit(Word::wide(Family::Copy.effect(2), slot, value));
        } else if let Ok(value) = i32::try_from(value as i64) {
            self.emit(Word::wide(Family::Copy.effect(3), slot, value as u32));
        } else {
            self.emit(Word::wide(Family::Copy.effect(4), slot, 0));
            self.emit(Word(value));
        }
        self.overwritten(slot);
    }

    fn emit_copy(&mut self, to: u16, from: u16) {
        if to == from {
            return;
        }
        if self.lists.stack.acc.holds(from) {
            self.emit_effect(Family::Copy, 1, to, 0, 0);
        } else {
            if !self.lengthen_copy(to, from) {
                self.copied = self.emit_effect(Family::Copy, 0, to, from, 0) + 1;
            }
            self.overwritten(to);
        }
    }

    /// Makes the copy just emitted one of a longer run of slots, if `from` and `to` lie beside its own: several slots of one
    /// wide number. Only between locals and homes, which are apart, so that the order does not matter.
    fn lengthen_copy(&mut self, to: u16, from: u16) -> bool {
        if self.copied != self.code.len() {
            return false;
        }
        let word = self.code[self.copied - 1];
        let (first_to, first_from) = (word.a(), word.b());
        let count = if word.form() == 0 { 1 } else { word.c() };
        let control = self.control_slot();
        let (above, below) = (
            to == first_to.wrapping_add(count) && from == first_from.wrapping_add(count),
            to == first_to.wrapping_sub(1) && from == first_from.wrapping_sub(1),
        );
        let apart = |to, from| (to < control) != (from < control);
        if !(above || below) || !apart(to, from) || !apart(first_to, first_from) {
            return false;
        }
        let count = count + 1;
        let form = match count {
            2 => 6,
            4 => 7,
            _ => 5,
        };
        self.code[self.copied - 1] =
            Word::new(Family::Copy.effect(form), to.min(first_to), from.min(first_from), count);
        true
    }

    fn overwritten(&mut self, slot: u16) {
        self.lists.stack.acc.overwritten(slot.into()..u32::from(slot) + 1);
    }

    // ---- operands ----

    fn pop(&mut self) -> Popped {
        self.lists.stack.pop()
    }

    /// Gets an operand into a slot.
    fn slot_of(&mut self, popped: Popped) -> u16 {
        match popped.operand() {
            Operand::Slot(slot) | Operand::Both(slot) => slot,
            Operand::Const(value) => {
                let home = self.home(popped.position());
                self.emit_const(home, value);
                home
            }
            Operand::Acc(producer) => {
                let home = self.home(popped.position());
                self.write_to(producer.at(), home);
                self.lists.stack.acc = Acc::of(home);
                home
            }
        }
    }

    /// Puts the topmost `count` values into their homes.
    #[inline]
    fn settle_top(&mut self, count: usize) {
        if count > 0 {
            self.settle_some(count);
        }
    }

    fn settle_some(&mut self, count: usize) {
        for position in (self.lists.stack.len() - count..self.lists.stack.len()).rev() {
            self.settle(position);
        }
    }

    /// Puts the value at `position` into its home. All values above it that are the same local are there already.
    fn settle(&mut self, position: usize) {
        match self.lists.stack.place(position) {
            At::Home => {}
            At::Acc => self.spill(),
            At::Const(value) => {
                let home = self.lists.stack.settle(position);
                self.emit_const(home, value);
            }
            At::Local(local) => {
                let home = self.lists.stack.settle_top_local(position);
                self.emit_copy(home, local);
            }
        }
    }

    /// Puts all values that are locals into their homes: code that follows may be left by one path and changed by another.
    fn settle_locals(&mut self) {
        while let Some((home, local)) = self.lists.stack.settle_local() {
            self.emit_copy(home, local);
        }
    }

    // ---- operators off the fast path ----

    /// Emits an operator that takes `operands` values from their homes and leaves `results` there.
    fn slow(&mut self, op: Op, operands: usize, results: usize, b: u16, c: u16) {
        let slot = self.settle_operands(operands);
        self.emit_effect(Family::Slow, 0, slot, b, c);
        let extension = self.emit(Word((op as u64) << 32));
        if op.row().group == Group::Bulk {
            self.lists.next.push(Place::low(extension));
        }
        self.leave_results(operands, results);
    }

    /// Gets so many operands to their homes; where the first is.
    fn settle_operands(&mut self, operands: usize) -> u16 {
        self.settle_top(operands);
        self.forget();
        self.home(self.lists.stack.len() - operands)
    }

    /// These operands were taken, and results are in their homes.
    fn leave_results(&mut self, operands: usize, results: usize) {
        self.truncate(self.lists.stack.len() - operands);
        self.push_homes(results);
    }
}

/// `word` with b:c set.
fn set_high(word: Word, high: u32) -> Word {
    Word(word.0 & 0xffff_ffff | u64::from(high) << 32)
}

impl Sink for Translator<'_> {
    fn begin(&mut self, head: BodyHead) {
        let again = self.too_far && self.head.function == head.function;
        self.wide = again;
        self.too_far = false;
        self.head = head;
        self.lists.stack.reset((head.params + head.locals) as usize);
        self.lists.locals.clear();
        self.lists.fixups.clear();
        self.lists.costs.clear();
        self.lists.open.clear();
        self.lists.next.clear();
        self.lists.returns.clear();
        self.lists.heads.clear();
        (self.lists.region, self.lists.regions_before) = (0, self.lists.regions.len());
        self.copied = 0;
        self.unions = 0;
        self.lists.frames.clear();
        self.lists.frames.push(Frame::function(head.results as usize));
        self.start = self.code.len();
        self.code.resize(self.start + HEADER_WORDS, Word(0));
        self.lists.open.push(Place::low(self.start));
    }

    fn locals(&mut self, locals: Locals<'_, '_>) {
        if self.head.vector_locals {
            self.place_locals(&locals);
        }
    }

    #[inline(always)]
    fn operator(&mut self, op: Op, arg: &Arg<'_>, step: Step) -> Result<(), Box<LoadError>> {
        match op.row().group {
            Group::Control => self.control(op, arg, step)?,
            Group::Parametric | Group::Variable => self.variable(op, arg),
            Group::Constant => {
                let &Arg::Bits(value) = arg else { unreachable!("a constant has bits") };
                self.lists.stack.push_const(value);
            }
            Group::Pure | Group::Partial => self.numeric(op),
            Group::Wide => self.slow(op, op.row().params.len(), 2, 0, 0),
            Group::Load | Group::Store => self.access(op, arg),
            Group::Vector | Group::VectorLoad | Group::VectorStore => self.vector(op, arg),
            Group::Memory | Group::Bulk | Group::Table | Group::Reference => self.memory(op, arg)?,
        }
        Ok(())
    }

    fn operator_among_vectors(&mut self, op: Op, arg: &Arg<'_>, step: Step) -> Result<(), Box<LoadError>> {
        if self.among_vectors(op, arg) { Ok(()) } else { self.operator(op, arg, step) }
    }

    #[inline]
    fn block(&mut self, closed: Option<u32>, opens: bool) {
        if let Some(cost) = closed {
            for place in &self.lists.open {
                place.write(&mut self.code, cost);
            }
            self.lists.open.clear();
            self.lists.costs.push(cost);
        }
        if opens {
            core::mem::swap(&mut self.lists.open, &mut self.lists.next);
        }
    }

    fn end(&mut self, height: u32) -> Result<Ended, LoadError> {
        if self.code.len() > i32::MAX as usize {
            return Err(LoadError::new(LoadErrorKind::Limit, 0, "the module's code is too large"));
        }
        if self.too_far {
            self.code.truncate(self.start);
            let start = self.start;
            self.lists.calls.retain(|(call, _)| (*call as usize) < start);
            let regions = self.lists.regions_before;
            self.lists.regions.truncate(regions);
            return Ok(Ended::Again);
        }
        for at in &self.lists.returns {
            self.code[*at].0 |= u64::from(height as u16) << 48;
        }
        let first = self.start + HEADER_WORDS;
        self.lists.heads.iter_mut().for_each(|head| *head -= first);
        let (code, homes) = (&mut self.code[first..], self.lists.stack.home(0));
        if self.unions > 0 {
            fuse(code, &self.lists.heads, |before, code| reversal::reversal(before, code, homes));
        } else {
            fuse(code, &self.lists.heads, |_, _| None);
        }
        let head = self.head;
        let entry = self.schedule.entry_cost(head.locals).0;
        self.code[self.start] = set_high(self.code[self.start], entry as u32);
        self.code[self.start + 1] = Word::new(height as u16, head.params as u16, head.locals as u16, 0);
        if !self.lazy {
            self.functions.push(self.start as u32);
        }
        Ok(Ended::Done)
    }
}

/// When functions are translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// As they are loaded.
    Now,
    /// When they are first called; validated now.
    Called,
    /// When they are first called; the module is known to be valid.
    CalledAndValid,
}

/// Loads a module into the interpreter's code, all of it or what stands for it until it is called.
pub(crate) fn load(
    bytes: &[u8],
    profile: &crate::profile::Profile,
    schedule: Schedule,
    when: When,
    bench: &Workbench,
) -> Result<(Parsed, Code), LoadError> {
    let trust = if when == When::CalledAndValid { Trust::Valid } else { Trust::None };
    crate::wasm::load::load(bytes, profile, schedule, trust, |parsed, bodies| match when {
        // What a build cannot do is not compiled into it.
        When::Now if cfg!(feature = "eager") => bench.translate(parsed, &bodies),
        When::Now | When::Called => super::lazy::load(bodies),
        When::CalledAndValid => super::lazy::load_valid(bodies),
    })
}

/// The same with a [`listing::Listing`] of every function.
pub(crate) fn load_listing(
    bytes: &[u8],
    profile: &crate::profile::Profile,
    schedule: Schedule,
) -> Result<(Parsed, (Code, Vec<listing::Listing>)), LoadError> {
    crate::wasm::load::load(bytes, profile, schedule, Trust::None, |parsed, bodies| {
        let translator = Translator::new(parsed, schedule, bodies.len(), bodies.bytes(), Lists::new());
        let mut lister = listing::Lister::new(translator);
        bodies.walk_apart(&mut lister)?;
        Ok(lister.finish())
    })
}

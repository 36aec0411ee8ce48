//! Operators, plan and internal ops side by side, for people: a sink around the translator that takes notes.

use super::Translator;
use crate::error::LoadError;
use crate::gas::Particles;
use crate::interp::code::{Code, Family};
use crate::wasm::isa::{Group, Op};
use crate::wasm::plan::Step;
use crate::wasm::walk::{Arg, BodyHead, Ended, Far, Locals, Sink};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use wasmparser::{BlockType, Catch};

/// A function as it was planned and translated.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Index in the module, imports included.
    pub function: u32,
    /// Parameters, in slots.
    pub params: u32,
    /// Declared locals, in slots.
    pub locals: u32,
    /// Static height in slots.
    pub height: u32,
    /// What a call pays on entry, beside the first block.
    pub entry: Particles,
    /// All operators of the body in order, dead ones too.
    pub operators: Vec<ListedOperator>,
    /// The metered blocks in order.
    pub blocks: Vec<ListedBlock>,
    /// The internal ops in order.
    pub ops: Vec<ListedOp>,
}

impl Listing {
    /// The byte of the module where the operator starts that the code `at` words from the function's start is for; the
    /// first one's, for its header.
    pub fn offset_at(&self, at: u32) -> Option<usize> {
        let behind = self.ops.partition_point(|op| op.at <= at);
        let operator = behind.checked_sub(1).map_or(0, |last| self.ops[last].operator);
        self.operators.get(operator).map(|operator| operator.offset)
    }
}

/// An operator of a body.
#[derive(Clone, Debug)]
pub struct ListedOperator {
    /// Where it starts, in bytes of the module.
    pub offset: usize,
    /// Which one it is.
    pub op: Op,
    /// Its immediates as text, as far as the engine needs them.
    pub immediates: String,
    /// It is reachable: it counts.
    pub live: bool,
}

/// A metered block.
#[derive(Clone, Copy, Debug)]
pub struct ListedBlock {
    /// Position of its first operator in [`Listing::operators`].
    pub start: usize,
    /// Operators that count.
    pub operators: u32,
    /// What they cost.
    pub cost: Particles,
    /// The operator that it stands behind; `None`: it begins the function. Behind `loop`: the head of a loop.
    pub behind: Option<Op>,
}

/// An internal op.
#[derive(Clone, Debug)]
pub struct ListedOp {
    /// Position of the operator that it was emitted for in [`Listing::operators`]: of the last one, where it stands for
    /// several.
    pub operator: usize,
    /// Where it starts: words from the start of the function's code.
    pub at: u32,
    /// Its name, fields a, b and c, and its extension words.
    pub text: String,
}

/// Translates and takes notes.
pub(crate) struct Lister<'m> {
    translator: Translator<'m>,
    done: Vec<Listing>,
    /// Of each function: from which word on the code belongs to which operator. Later ones win.
    origins: Vec<Vec<(usize, usize)>>,
    current: Listing,
    current_origins: Vec<(usize, usize)>,
    /// The open block, until its cost is known.
    open: ListedBlock,
}

/// The first block of a function, and what stands for the open one where none is.
const FIRST: ListedBlock = ListedBlock { start: 0, operators: 0, cost: Particles(0), behind: None };

impl<'m> Lister<'m> {
    pub fn new(translator: Translator<'m>) -> Self {
        Self {
            translator,
            done: Vec::new(),
            origins: Vec::new(),
            current: Listing::default(),
            current_origins: Vec::new(),
            open: FIRST,
        }
    }

    pub fn finish(self) -> (Code, Vec<Listing>) {
        let code = self.translator.finish().0;
        let mut listings = self.done;
        for (function, at, words) in code.listing() {
            let (listing, origins) = (&mut listings[function as usize], &self.origins[function as usize]);
            // The function's first op is emitted for its first operator at the earliest.
            let behind = origins.partition_point(|(from, _)| *from <= at);
            let operator = behind.checked_sub(1).map_or(0, |last| origins[last].1);
            let (op, extension) = (words[0], &words[1..]);
            let mut text = format!("{} {} {} {}", op.name(), op.a(), op.b(), op.c());
            extension.iter().for_each(|word| text += &format!(" +{:#x}", word.0));
            let at = (at - code.functions[function as usize] as usize) as u32;
            listing.ops.push(ListedOp { operator, at, text });
        }
        (code, listings)
    }

    /// Has an operator translated, and notes which code that makes.
    fn note(
        &mut self,
        op: Op,
        step: Step,
        translate: impl FnOnce(&mut Translator<'m>) -> Result<(), Box<LoadError>>,
    ) -> Result<(), Box<LoadError>> {
        let position = self.current.operators.len() - 1;
        self.current.operators[position].live = step.live;
        self.open.operators += u32::from(step.live);

        let family = |translator: &Translator<'_>, at: usize| translator.code.get(at).and_then(|word| word.family());
        let (before, pending) = (self.translator.code.len(), self.translator.lists.stack.pending());
        let compared = pending.map(|producer| (producer.at(), family(&self.translator, producer.at())));
        translate(&mut self.translator)?;
        let from = match (op, compared) {
            // A branch on a comparison takes the place of the comparison's op.
            (Op::BrIf | Op::If, Some((at, Some(was)))) if replaced(was, family(&self.translator, at)) => at,
            _ => before,
        };
        while self.current_origins.last().is_some_and(|(start, _)| *start >= from) {
            self.current_origins.pop();
        }
        self.current_origins.push((from, position));
        Ok(())
    }
}

impl Sink for Lister<'_> {
    fn begin(&mut self, head: BodyHead) {
        let BodyHead { function, params, locals, .. } = head;
        let entry = self.translator.schedule.entry_cost(locals);
        self.current = Listing { function, params, locals, entry, ..Listing::default() };
        self.current_origins.clear();
        self.open = FIRST;
        self.translator.begin(head);
    }

    fn locals(&mut self, locals: Locals<'_, '_>) {
        self.translator.locals(locals);
    }

    fn see(&mut self, offset: usize, op: Op, arg: &Arg<'_>) {
        let immediates = immediates(op, arg);
        self.current.operators.push(ListedOperator { offset, op, immediates, live: false });
    }

    // One copy for all operators: nobody waits for a listing.
    #[inline(never)]
    fn operator(&mut self, op: Op, arg: &Arg<'_>, step: Step) -> Result<(), Box<LoadError>> {
        self.note(op, step, |translator| translator.operator(op, arg, step))
    }

    fn operator_among_vectors(&mut self, op: Op, arg: &Arg<'_>, step: Step) -> Result<(), Box<LoadError>> {
        self.note(op, step, |translator| translator.operator_among_vectors(op, arg, step))
    }

    fn block(&mut self, closed: Option<u32>, opens: bool) {
        if let Some(cost) = closed {
            self.current.blocks.push(ListedBlock { cost: Particles(u64::from(cost)), ..self.open });
        }
        if opens {
            let behind = self.current.operators.last().map(|operator| operator.op);
            self.open = ListedBlock { start: self.current.operators.len(), behind, ..FIRST };
        }
        self.translator.block(closed, opens);
    }

    fn end(&mut self, height: u32) -> Result<Ended, LoadError> {
        let ended = self.translator.end(height)?;
        if ended == Ended::Done {
            self.current.height = height;
            self.done.push(core::mem::take(&mut self.current));
            self.origins.push(core::mem::take(&mut self.current_origins));
        }
        Ok(ended)
    }
}

/// Whether the op of a comparison has made room for its branch.
fn replaced(was: Family, is: Option<Family>) -> bool {
    was.inverse().is_some() && is != Some(was)
}

fn immediates(op: Op, arg: &Arg<'_>) -> String {
    match arg {
        Arg::None | Arg::Vector | Arg::Block(BlockType::Empty) | Arg::Offset(0) => String::new(),
        Arg::Block(BlockType::Type(ty)) => format!("(result {ty})"),
        Arg::Block(BlockType::FuncType(index)) => format!("(type {index})"),
        Arg::Try(table) => {
            let catch = |catch: &Catch| match catch {
                Catch::One { tag, label } => format!(" (catch {tag} {label})"),
                Catch::OneRef { tag, label } => format!(" (catch_ref {tag} {label})"),
                Catch::All { label } => format!(" (catch_all {label})"),
                Catch::AllRef { label } => format!(" (catch_all_ref {label})"),
            };
            let block = immediates(op, &Arg::Block(table.ty));
            block + &table.catches.iter().map(catch).collect::<String>()
        }
        Arg::Index(index) => format!("{index}"),
        Arg::Pair(first, second) => format!("{first} {second}"),
        Arg::Offset(offset) => format!("offset={offset}"),
        Arg::Bits(bits) => match op {
            Op::I32Const => format!("{}", *bits as i32),
            Op::I64Const => format!("{}", *bits as i64),
            Op::F32Const => format!("{:?}", f32::from_bits(*bits as u32)),
            _ => format!("{:?}", f64::from_bits(*bits)),
        },
        Arg::Bytes(bytes) if op == Op::V128Const => format!("i64x2 {}", lanes(bytes, 8)),
        Arg::Bytes(bytes) => lanes(bytes, 1),
        Arg::Lane(lane) => format!("{lane}"),
        Arg::OffsetLane(0, lane) => format!("{lane}"),
        Arg::OffsetLane(offset, lane) => format!("offset={offset} {lane}"),
        Arg::Far(far) => {
            let Far { memory, offset, lane } = far;
            let lane = if has_lane(op) { format!(" {lane}") } else { String::new() };
            format!("{memory} offset={offset}{lane}")
        }
        Arg::Table(table) => {
            // Validated: targets are numbers.
            let targets = table.targets().filter_map(Result::ok).chain([table.default()]);
            targets.map(|target| format!("{target}")).collect::<Vec<_>>().join(" ")
        }
    }
}

/// Whether a load or store is of a lane.
fn has_lane(op: Op) -> bool {
    matches!(op.row().group, Group::VectorLoad | Group::VectorStore) && op.row().name.ends_with("_lane")
}

/// Little-endian integers of `width` bytes.
fn lanes(bytes: &[u8], width: usize) -> String {
    let lane = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |lane, byte| lane << 8 | u64::from(*byte));
    bytes.chunks_exact(width).map(|bytes| format!("{}", lane(bytes))).collect::<Vec<_>>().join(" ")
}

//! One function body: its operators, where its blocks end, which of them can be reached, where metered blocks are cut.

use crate::module::{Contents, Types};
use gristmill::gas::{MAX_BLOCK_COST, MAX_FUNCTION_COST};
use gristmill::limits::{FRAME_OVERHEAD_SLOTS, MAX_CLAUSES, MAX_FRAME_SLOTS};
use gristmill::wasm::isa::{Group, Op};
use gristmill::{LoadError, LoadErrorKind, Profile, Schedule};
use wasmparser::{
    BlockType, BrTable, Catch, FuncValidator, FunctionBody, HeapType, Ieee32, Ieee64, MemArg, MemArgTarget, Operator,
    Ordering, RefType, ResumeTable, TryTable, V128, ValType, ValidatorResources,
};

/// One operator of a body.
#[derive(Debug)]
pub struct Step {
    /// Which one.
    pub op: Op,
    /// What stands behind it in the code.
    pub immediate: Immediate,
    /// Its static price in particles.
    pub cost: u64,
    /// The metered block ends behind it.
    pub cut: bool,
}

/// What stands behind an operator in the code, with the ends of blocks found.
#[derive(Debug)]
pub enum Immediate {
    /// Nothing, or nothing that execution needs.
    None,
    /// A constant, the lanes of a shuffle, or a lane index.
    Bits(u128),
    /// Where a memory access is, beside its address.
    Access {
        /// In which memory.
        memory: u32,
        /// What is added to the address.
        offset: u64,
        /// A lane index, or 0.
        lane: u8,
    },
    /// An index or the depth of a label.
    Index(u32),
    /// Two indices in the order of the binary format.
    Pair(u32, u32),
    /// The labels of `br_table`, the default last.
    Labels(Box<[u32]>),
    /// A block whose exceptions are caught.
    Try {
        /// The block.
        block: Box<Immediate>,
        /// What is caught, in order.
        catches: Box<[Catch]>,
    },
    /// A structured block.
    Block {
        /// Operands that it takes.
        params: usize,
        /// Operands that it leaves.
        results: usize,
        /// The position behind its `end`.
        end: usize,
        /// The position behind its `else`, if it has one.
        otherwise: Option<usize>,
    },
}

/// A function body ready to be executed.
#[derive(Debug)]
pub struct Body {
    /// Its operators, those included that nothing reaches.
    pub steps: Vec<Step>,
    /// Declared locals, parameters not counted.
    pub locals: u32,
    /// Their slots: a vector has two.
    pub local_slots: u32,
    /// Static height in slots: parameters, declared locals, greatest operand height and the overhead of a frame.
    pub height: u32,
}

/// What opened a block.
#[derive(Clone, Copy, PartialEq)]
enum Opener {
    Block,
    Loop,
    If,
    Else,
}

/// An open block while a body is read.
struct Open {
    by: Opener,
    /// Position of the opening operator; none for the body itself.
    at: Option<usize>,
    /// Whether the opening operator can be reached.
    live: bool,
    /// Whether a reachable branch targets the end.
    targeted: bool,
}

pub(crate) fn refuse(kind: LoadErrorKind, offset: u64, what: &'static str) -> LoadError {
    LoadError::new(kind, offset as usize, what)
}

/// A refusal by one of our limits.
pub(crate) fn limit(offset: u64, what: &'static str) -> LoadError {
    refuse(LoadErrorKind::Limit, offset, what)
}

impl Body {
    pub(crate) fn read(
        body: &FunctionBody<'_>,
        mut validator: FuncValidator<ValidatorResources>,
        module: &Contents,
        profile: &Profile,
        schedule: Schedule,
    ) -> Result<Self, LoadError> {
        let types = &module.types;
        let start = body.range().start;
        let mut reader = body.get_binary_reader();
        let params = validator.len_locals();
        validator.read_locals(&mut reader)?;
        if validator.len_locals() > profile.module.locals {
            return Err(limit(start, "too many locals"));
        }
        let locals = validator.len_locals() - params;
        let is_vector = |index: &u32| validator.get_local_type(*index) == Some(ValType::V128);
        let vectors = |locals: std::ops::Range<u32>| locals.filter(is_vector).count() as u32;
        let local_slots = locals + vectors(params..params + locals);
        let all_locals = params + vectors(0..params) + local_slots;
        // Looked for on the stack only where one may have been pushed.
        let mut has_vectors =
            types.iter().any(|ty| ty.params().iter().chain(ty.results()).any(|ty| *ty == ValType::V128));

        let mut blocks = Blocks {
            steps: Vec::new(),
            open: vec![Open { by: Opener::Block, at: None, live: true, targeted: false }],
            live: true,
            block_cost: 0,
            function_cost: 0,
        };
        let mut highest = 0;
        let mut operators = wasmparser::OperatorsReader::new(reader);
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset()?;
            validator.op(offset, &operator)?;
            let reached = blocks.live;
            blocks.push(&operator, types, schedule, profile, offset)?;
            if reached || blocks.live {
                let height = validator.operand_stack_height();
                let is_vector = |depth: &u32| validator.get_operand_type(*depth as usize) == Some(Some(ValType::V128));
                has_vectors |= is_vector(&0);
                let vectors = if has_vectors { (0..height).filter(is_vector).count() } else { 0 };
                highest = highest.max(height + vectors as u32);
                if let Operator::TryTable { try_table } = &operator {
                    for catch in &try_table.catches {
                        // Values below the label, and what the exception leaves there.
                        let frame = validator.get_control_frame(label(catch) as usize + 1).expect("validated: a label");
                        let below = frame.height as u32;
                        let vectors = (height - below..height).filter(is_vector).count() as u32;
                        let tags = &module.tags;
                        let carried = |tag: u32| types[tags[tag as usize] as usize].params().iter().map(slots_of).sum();
                        let left: u32 = match catch {
                            Catch::One { tag, .. } => carried(*tag),
                            Catch::OneRef { tag, .. } => carried(*tag) + 1,
                            Catch::All { .. } => 0,
                            Catch::AllRef { .. } => 1,
                        };
                        highest = highest.max(below + if has_vectors { vectors } else { 0 } + left);
                    }
                }
            }
        }
        operators.finish()?;

        let height = all_locals.saturating_add(highest).saturating_add(FRAME_OVERHEAD_SLOTS);
        if height > MAX_FRAME_SLOTS {
            return Err(limit(start, "frame too large"));
        }
        Ok(Self { steps: blocks.steps, locals, local_slots, height })
    }

    /// The price of what follows step `at` in its metered block.
    pub(crate) fn rest_of_block(&self, at: usize) -> u64 {
        let mut sum = 0;
        let mut at = at;
        while !self.steps[at].cut {
            at += 1;
            sum += self.steps[at].cost;
        }
        sum
    }
}

/// The walk over the operators of a body.
struct Blocks {
    steps: Vec<Step>,
    open: Vec<Open>,
    /// Whether control flow can reach the next operator.
    live: bool,
    /// Price of the metered block so far.
    block_cost: u64,
    /// Price of the metered blocks before it.
    function_cost: u64,
}

impl Blocks {
    fn push(
        &mut self,
        operator: &Operator<'_>,
        types: &Types,
        schedule: Schedule,
        profile: &Profile,
        offset: u64,
    ) -> Result<(), LoadError> {
        let (op, numbers) = decode(operator);
        let op = op.ok_or_else(|| refuse(LoadErrorKind::Unsupported, offset, "operator without a row"))?;
        let at = self.steps.len();
        let immediate = immediate(op, operator, &numbers, types)?;
        let mut cut = op.ends_block();
        let reached = self.live;
        match op {
            Op::Block | Op::Loop | Op::If | Op::TryTable => {
                if let Immediate::Try { catches, .. } = &immediate {
                    if catches.len() > MAX_CLAUSES {
                        return Err(limit(offset, "too many clauses"));
                    }
                    catches.iter().for_each(|catch| self.target(label(catch)));
                }
                if self.open.len() > profile.module.nesting as usize {
                    return Err(limit(offset, "blocks nested too deeply"));
                }
                let by = match op {
                    Op::Block | Op::TryTable => Opener::Block,
                    Op::Loop => Opener::Loop,
                    _ => Opener::If,
                };
                self.open.push(Open { by, at: Some(at), live: self.live, targeted: false });
            }
            Op::Else => {
                let block = self.open.last_mut().expect("validation: else inside an if");
                block.by = Opener::Else;
                // The end of the first arm jumps behind the `end` of the second.
                block.targeted |= self.live;
                self.live = block.live;
                let opener = block.at.expect("validation: else inside an if");
                if let Immediate::Block { otherwise, .. } = &mut self.steps[opener].immediate {
                    *otherwise = Some(at + 1);
                }
            }
            Op::End => {
                let block = self.open.pop().expect("validation: end matches an opening operator");
                cut = match block.by {
                    Opener::If | Opener::Else => true,
                    Opener::Block => block.targeted || block.at.is_none(),
                    Opener::Loop => false,
                };
                // An `if` without `else` whose condition is false arrives here too.
                self.live |= block.targeted || (block.by == Opener::If && block.live);
                match block.at.map(|at| &mut self.steps[at].immediate) {
                    Some(Immediate::Block { end, .. }) => *end = at + 1,
                    Some(Immediate::Try { block, .. }) => {
                        if let Immediate::Block { end, .. } = &mut **block {
                            *end = at + 1;
                        }
                    }
                    _ => {}
                }
            }
            Op::Br | Op::BrIf | Op::BrOnNull | Op::BrOnNonNull => {
                if let Immediate::Index(depth) = immediate {
                    self.target(depth);
                }
            }
            Op::BrTable => {
                if let Immediate::Labels(labels) = &immediate {
                    if labels.len() - 1 > profile.module.br_table_targets as usize {
                        return Err(limit(offset, "br_table too large"));
                    }
                    labels.iter().for_each(|&depth| self.target(depth));
                }
            }
            _ => {}
        }
        let calls = matches!(op, Op::ReturnCall | Op::ReturnCallIndirect | Op::ReturnCallRef);
        if calls || matches!(op, Op::Br | Op::BrTable | Op::Return | Op::Unreachable | Op::Throw | Op::ThrowRef) {
            cut = true;
            self.live = false;
        }
        let cost = op.cost(schedule).0;
        self.steps.push(Step { op, immediate, cost, cut });
        if reached {
            self.count(cost, cut, offset)?;
        }
        Ok(())
    }

    /// Checks that every metered block and the whole function fit the counter.
    fn count(&mut self, cost: u64, cut: bool, offset: u64) -> Result<(), LoadError> {
        self.block_cost += cost;
        if self.block_cost > MAX_BLOCK_COST {
            return Err(refuse(LoadErrorKind::Plan, offset, "metered block too dear"));
        }
        if cut {
            self.function_cost += self.block_cost;
            self.block_cost = 0;
            if self.function_cost > MAX_FUNCTION_COST {
                return Err(refuse(LoadErrorKind::Plan, offset, "function too dear"));
            }
        }
        Ok(())
    }

    fn target(&mut self, depth: u32) {
        let index = self.open.len() - 1 - depth as usize;
        let block = &mut self.open[index];
        block.targeted |= self.live && block.by != Opener::Loop;
    }
}

/// Where an exception that is caught goes.
pub(crate) fn label(catch: &Catch) -> u32 {
    match *catch {
        Catch::One { label, .. } | Catch::OneRef { label, .. } | Catch::All { label } | Catch::AllRef { label } => {
            label
        }
    }
}

fn slots_of(ty: &ValType) -> u32 {
    if *ty == ValType::V128 { 2 } else { 1 }
}

/// A number behind an operator; 0 for what is not a number.
trait Number {
    fn number(&self) -> u128;
}

macro_rules! numbers {
    ($($ty:ty: $value:ident => $number:expr;)*) => { $(
        impl Number for $ty {
            fn number(&self) -> u128 {
                let $value = self;
                $number
            }
        }
    )* };
}

numbers! {
    u32: value => u128::from(*value);
    i32: value => u128::from(*value as u32);
    i64: value => u128::from(*value as u64);
    Ieee32: value => u128::from(value.bits());
    Ieee64: value => u128::from(value.bits());
    MemArg: value => u128::from(value.offset) | u128::from(memory(value)) << 64;
    BlockType: _value => 0;
    BrTable<'_>: _value => 0;
    ValType: _value => 0;
    RefType: _value => 0;
    HeapType: _value => 0;
    TryTable: _value => 0;
    ResumeTable: _value => 0;
    Ordering: _value => 0;
    Vec<ValType>: _value => 0;
    u8: value => u128::from(*value);
    [u8; 16]: value => u128::from_le_bytes(*value);
    V128: value => u128::from(*value);
}

/// The memory of a load or store.
fn memory(memarg: &MemArg) -> u32 {
    if let MemArgTarget::Memory(index) = memarg.target { index } else { u32::MAX }
}

macro_rules! define_decode {
    ($(@$proposal:ident $op:ident $({ $($field:ident: $ty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
        /// The row of what the parser read, and the numbers behind it.
        fn decode(operator: &Operator<'_>) -> (Option<Op>, Vec<u128>) {
            match operator {
                $(Operator::$op $({ $($field),* })? => {
                    (const { Op::from_ident(stringify!($op)) }, vec![$($($field.number()),*)?])
                })*
                _ => (None, Vec::new()),
            }
        }
    };
}
wasmparser::for_each_operator!(define_decode);

fn immediate(op: Op, operator: &Operator<'_>, numbers: &[u128], types: &Types) -> Result<Immediate, LoadError> {
    let block = |ty: BlockType| {
        let (params, results) = match ty {
            BlockType::Empty => (0, 0),
            BlockType::Type(_) => (0, 1),
            BlockType::FuncType(ty) => (types[ty as usize].params().len(), types[ty as usize].results().len()),
        };
        Immediate::Block { params, results, end: usize::MAX, otherwise: None }
    };
    if let Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } = operator {
        return Ok(block(*blockty));
    }
    if let Operator::TryTable { try_table } = operator {
        return Ok(Immediate::Try { block: block(try_table.ty).into(), catches: try_table.catches.as_slice().into() });
    }
    if let Operator::BrTable { targets } = operator {
        let mut labels = targets.targets().collect::<Result<Vec<_>, _>>()?;
        labels.push(targets.default());
        return Ok(Immediate::Labels(labels.into()));
    }
    Ok(match (op.row().group, numbers) {
        (Group::Constant | Group::Vector, &[bits]) => Immediate::Bits(bits),
        (Group::Load | Group::Store | Group::VectorLoad | Group::VectorStore, &[place, ref lane @ ..]) => {
            let lane = lane.first().map_or(0, |lane| *lane as u8);
            Immediate::Access { memory: (place >> 64) as u32, offset: place as u64, lane }
        }
        (_, &[index]) => Immediate::Index(index as u32),
        (_, &[first, second]) => Immediate::Pair(first as u32, second as u32),
        _ => Immediate::None,
    })
}

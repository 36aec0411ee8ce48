//! One pass over a body: validate through the parser, look up the row, follow the plan, emit to a sink.

use super::context::{Context, Valid};
use super::isa::{Group, Op};
use super::load::Parsed;
use super::plan::{Planner, Step};
use super::short::{self, Short};
use super::types;
use super::vectors::Vectors;
use crate::error::{LoadError, LoadErrorKind};
use crate::gas::Schedule;
use crate::profile::Profile;
use alloc::{boxed::Box, vec::Vec};
#[cfg(feature = "simd")]
use wasmparser::VisitSimdOperator;
use wasmparser::{
    BinaryReader, BlockType, BrTable, Catch, FrameStack, FuncToValidate, FuncValidatorAllocations, FunctionBody,
    HeapType, Ieee32, Ieee64, MemArg, MemArgTarget, Ordering, RefType, ResumeTable, TryTable, V128, ValType,
    VisitOperator, WasmModuleResources,
};

/// The immediates of an operator.
#[derive(Clone, Debug)]
pub enum Arg<'a> {
    /// None, or none that the engine needs.
    None,
    /// None, of `drop` and `select`, whose operands are vectors: a matter of context, which sinks so need not follow.
    Vector,
    /// Of `block`, `loop`, `if`.
    Block(BlockType),
    /// Of `try_table`.
    Try(TryTable),
    /// One index or label.
    Index(u32),
    /// Two indices, in the parser's order.
    Pair(u32, u32),
    /// Static offset of a load or store in a memory 0 that is near ([`Parsed::is_far`]).
    Offset(u64),
    /// A constant, as a slot.
    Bits(u64),
    /// Targets of a `br_table`.
    Table(BrTable<'a>),
    /// A constant vector, or the lanes of a shuffle.
    Bytes([u8; 16]),
    /// Index of a lane.
    Lane(u8),
    /// Static offset of a load or store, and index of a lane.
    OffsetLane(u64, u8),
    /// Of a load or store in a far memory.
    Far(Far),
}

/// The immediates of a load or store in a far memory ([`Parsed::is_far`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Far {
    /// Index of the memory.
    pub memory: u32,
    /// Static offset.
    pub offset: u64,
    /// Index of the lane, or 0.
    pub lane: u8,
}

/// What is known of a function before its operators. Counts are slots: a v128 has two.
#[derive(Clone, Copy, Debug)]
pub struct BodyHead {
    /// Index in the module, imports included.
    pub function: u32,
    /// Parameters.
    pub params: u32,
    /// Declared locals.
    pub locals: u32,
    /// Results.
    pub results: u32,
    /// Whether a parameter or a declared local is a vector, so that it has other slots than its index.
    pub vector_locals: bool,
}

impl BodyHead {
    /// A function without declared locals.
    pub(super) fn new(function: u32, params: u32, results: u32) -> Self {
        Self { function, params, locals: 0, results, vector_locals: false }
    }

    /// Declares `count` locals more.
    pub(super) fn declare(&mut self, count: u32, ty: ValType) {
        let vector = ty == ValType::V128;
        self.locals = self.locals.saturating_add(if vector { count.saturating_mul(2) } else { count });
        self.vector_locals |= vector && count > 0;
    }
}

/// The declared locals of a function, for sinks that want to know their types.
pub struct Locals<'b, 'a>(&'b FunctionBody<'a>);

impl Locals<'_, '_> {
    /// In order: how many, of which type.
    pub fn runs(&self) -> impl Iterator<Item = (u32, types::ValType)> {
        let runs = self.0.get_locals_reader().into_iter().flatten().filter_map(Result::ok);
        runs.map(|(count, ty)| (count, types::ValType::from_parser(ty).expect("validated: of a type that there is")))
    }
}

/// Where a walked function goes: interpreter code, later machine code.
pub trait Sink {
    /// A function begins; its first block is open.
    fn begin(&mut self, head: BodyHead);
    /// Right behind that: the types of the declared locals. Those of parameters are in the module.
    #[inline]
    fn locals(&mut self, _locals: Locals<'_, '_>) {}
    /// Every operator with the byte it starts at, dead ones too, right before [`Sink::operator`]. Only for those who look.
    #[inline]
    fn see(&mut self, _offset: usize, _op: Op, _arg: &Arg<'_>) {}
    /// One operator. Dead ones come only if they are part of the block structure. The error is boxed because results of
    /// one word are what a walk passes most.
    fn operator(&mut self, op: Op, arg: &Arg<'_>, step: Step) -> Result<(), Box<LoadError>>;
    /// The same in the place of [`Sink::operator`] once there may be vectors in the function or in a variable, for all operators
    /// whose operands or variables could be some: for sinks to which they are not like other values.
    #[inline]
    fn operator_among_vectors(&mut self, op: Op, arg: &Arg<'_>, step: Step) -> Result<(), Box<LoadError>> {
        self.operator(op, arg, step)
    }
    /// Behind an operator: the open block is complete at this cost, or a new one opens, or both.
    fn block(&mut self, closed: Option<u32>, opens: bool);
    /// The function ends. `height` is its static height in slots.
    fn end(&mut self, height: u32) -> Result<Ended, LoadError>;
}

/// What a sink says at the end of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The function is in.
    Done,
    /// The sink wants the body once more, knowing more about it now.
    Again,
}

/// Walks bodies.
pub(crate) struct Walker {
    planner: Planner,
    profile: Profile,
    vectors: Vectors,
    /// The validator's lists, between bodies.
    allocations: FuncValidatorAllocations,
    /// In its place, for valid bodies.
    valid: Valid,
}

impl Walker {
    pub(crate) fn new(schedule: Schedule, profile: Profile) -> Self {
        Self {
            planner: Planner::new(schedule),
            profile,
            vectors: Vectors::default(),
            allocations: FuncValidatorAllocations::default(),
            valid: Valid::default(),
        }
    }

    /// Walks the body of `function`, a function of `parsed`, into `sink`; as often as that wants it.
    pub(crate) fn function<R: WasmModuleResources>(
        &mut self,
        parsed: &Parsed,
        function: impl Fn() -> FuncToValidate<R>,
        body: &FunctionBody<'_>,
        sink: &mut impl Sink,
    ) -> Result<(), LoadError> {
        loop {
            let mut validator = function().into_validator(core::mem::take(&mut self.allocations));
            let index = validator.index();
            #[cfg(not(feature = "checked"))]
            let ended = self.body(body, index, &mut validator, parsed, sink)?;
            #[cfg(feature = "checked")]
            let ended = {
                let mut valid = Valid::default();
                valid.begin(parsed, index);
                let mut compared = super::context::Compared { validator, valid };
                let ended = self.body(body, index, &mut compared, parsed, sink)?;
                validator = compared.validator;
                ended
            };
            self.allocations = validator.into_allocations();
            if ended == Ended::Done {
                return Ok(());
            }
        }
    }

    /// Walks the body of function `index` of `parsed`, which is valid, into `sink`; as often as that wants it.
    pub(crate) fn valid_function(
        &mut self,
        parsed: &Parsed,
        index: u32,
        body: &FunctionBody<'_>,
        sink: &mut impl Sink,
    ) -> Result<(), LoadError> {
        let mut context = core::mem::take(&mut self.valid);
        loop {
            context.begin(parsed, index);
            if self.body(body, index, &mut context, parsed, sink)? == Ended::Done {
                self.valid = context;
                return Ok(());
            }
        }
    }

    /// `context` has begun with the parameters.
    fn body(
        &mut self,
        body: &FunctionBody<'_>,
        index: u32,
        context: &mut impl Context,
        parsed: &Parsed,
        sink: &mut impl Sink,
    ) -> Result<Ended, LoadError> {
        let ty = parsed.func_type(index);
        let mut head = BodyHead::new(index, ty.slots().0 as u32, ty.slots().1 as u32);
        let mut reader = body.get_binary_reader();
        reader.set_features(self.profile.features);
        let offset = reader.original_position() as usize;
        let params = context.len_locals();
        for _ in 0..reader.read_var_u32()? {
            let at = reader.original_position();
            let (count, ty) = (reader.read()?, reader.read()?);
            context.define_locals(at, count, ty)?;
            head.declare(count, ty);
        }
        if context.len_locals() > self.profile.module.locals {
            return Err(limit(offset, "too many locals"));
        }
        head.vector_locals |= head.params > params;
        self.planner.reset();
        self.vectors.reset();
        if parsed.has_vectors || head.vector_locals {
            self.vectors.begin(context, parsed);
        }
        sink.begin(head);
        sink.locals(Locals(body));
        let bytes = reader.read_bytes(reader.bytes_remaining())?;
        let mut visitor = Visitor {
            context,
            planner: &mut self.planner,
            vectors: &mut self.vectors,
            parsed,
            sink,
            body: bytes,
            rest: &[],
            next: None,
            behind: 0,
            end: reader.original_position() as usize,
            offset: 0,
            height: 0,
            profile: &self.profile,
        };
        visitor.go_to(bytes);
        while let Some(handler) = visitor.next {
            visitor.offset = visitor.end - 1 - visitor.rest.len();
            handler(&mut visitor)?;
        }
        visitor.go_to(&bytes[bytes.len() - visitor.behind..]);
        while visitor.next.is_some() {
            visitor.offset = visitor.end - 1 - visitor.rest.len();
            visitor.long()?;
        }
        let operands = visitor.height;
        reader.finish_expression(&visitor)?;
        let height = head.params + head.locals + operands + crate::limits::FRAME_OVERHEAD_SLOTS;
        if height > crate::limits::MAX_FRAME_SLOTS {
            return Err(limit(offset, "the function's frame is too large"));
        }
        sink.end(height)
    }
}

#[cold]
fn limit(offset: usize, what: &'static str) -> LoadError {
    LoadError::new(LoadErrorKind::Limit, offset, what)
}

#[cold]
fn unsupported(offset: usize, what: &'static str) -> Box<LoadError> {
    Box::new(LoadError::new(LoadErrorKind::Unsupported, offset, what))
}

/// Deals with an operator, by its opcode.
type Handler<V> = fn(&mut V) -> Result<(), Box<LoadError>>;

struct Visitor<'v, 'a, C, S> {
    context: &'v mut C,
    planner: &'v mut Planner,
    vectors: &'v mut Vectors,
    parsed: &'v Parsed,
    sink: &'v mut S,
    body: &'a [u8],
    /// What follows the opcode of the next operator.
    rest: &'a [u8],
    /// What takes that operator, if there is one. Fetched as soon as the operator before was read, and not when that was dealt
    /// with: processors often guess wrong where to go next, and go there until this is known.
    next: Option<Handler<Self>>,
    /// Bytes behind the `end` that ends the body.
    behind: usize,
    /// Where the body ends in the module.
    end: usize,
    /// Where the operator at hand starts in the module.
    offset: usize,
    /// Greatest operand height behind a reachable operator so far, in slots.
    height: u32,
    profile: &'v Profile,
}

impl<C: Context, S> FrameStack for Visitor<'_, '_, C, S> {
    fn current_frame(&self) -> Option<wasmparser::FrameKind> {
        self.context.construct(0).map(|construct| construct.kind)
    }
}

impl<C: Context, S: Sink> Visitor<'_, '_, C, S> {
    /// The immediates, and what sinks need of the operands' types: before the context takes these.
    #[inline(always)]
    fn in_context<'a>(&self, op: Option<Op>, arg: Arg<'a>) -> Arg<'a> {
        let depth = match op {
            Some(Op::Drop) => 0,
            Some(Op::Select) => 1,
            Some(op) if op.access_bytes().is_some() => return self.placed(arg),
            _ => return arg,
        };
        let vector = self.vectors.on && self.context.is_vector(depth);
        if vector { Arg::Vector } else { arg }
    }

    /// What a load or store is told of its memory.
    #[inline(always)]
    fn placed<'a>(&self, arg: Arg<'a>) -> Arg<'a> {
        match arg {
            Arg::Offset(offset) if self.parsed.first_is_far => Arg::Far(Far { memory: 0, offset, lane: 0 }),
            Arg::OffsetLane(offset, lane) if self.parsed.first_is_far => Arg::Far(Far { memory: 0, offset, lane }),
            arg => arg,
        }
    }

    // Inlined with a constant operator: what does not concern it folds away.
    #[inline(always)]
    fn operator(&mut self, op: Op, arg: Arg<'_>) -> Result<(), Box<LoadError>> {
        let indifferent =
            matches!(op.row().group, Group::Pure | Group::Partial | Group::Wide | Group::Load | Group::Store);
        if op.vectors() != (0, 0) || !indifferent && self.vectors.on {
            return self.operator_among_vectors(op, arg);
        }
        if C::UNROLLED { self.deal_with::<false>(op, arg) } else { self.operator_of_many(op, arg) }
    }

    /// One function for all operators, where size counts.
    #[inline(never)]
    fn operator_of_many(&mut self, op: Op, arg: Arg<'_>) -> Result<(), Box<LoadError>> {
        self.deal_with::<false>(op, arg)
    }

    /// One function for all operators: nobody else pays for vectors.
    #[cold]
    #[inline(never)]
    fn operator_among_vectors(&mut self, op: Op, arg: Arg<'_>) -> Result<(), Box<LoadError>> {
        self.deal_with::<true>(op, arg)
    }

    #[inline(always)]
    fn deal_with<const AMONG_VECTORS: bool>(&mut self, op: Op, arg: Arg<'_>) -> Result<(), Box<LoadError>> {
        self.context.take(op, &arg, self.parsed);
        match &arg {
            Arg::Index(depth) if matches!(op, Op::Br | Op::BrIf | Op::BrOnNull | Op::BrOnNonNull) => {
                self.planner.branch(*depth)
            }
            Arg::Table(table) => {
                if table.len() > self.profile.module.br_table_targets {
                    return Err(limit(self.offset, "too many br_table targets").into());
                }
                for target in table.targets() {
                    self.planner.branch(target?);
                }
                self.planner.branch(table.default());
            }
            Arg::Try(table) => {
                if table.catches.len() > crate::limits::MAX_CLAUSES {
                    return Err(limit(self.offset, "too many clauses of a try_table").into());
                }
                for catch in &table.catches {
                    self.planner.branch(catch_label(*catch));
                }
                if self.context.constructs() > self.profile.module.nesting + 1 {
                    return Err(limit(self.offset, "blocks are nested too deep").into());
                }
            }
            Arg::Block(_) if self.context.constructs() > self.profile.module.nesting + 1 => {
                return Err(limit(self.offset, "blocks are nested too deep").into());
            }
            _ => {}
        }
        let step = self.planner.step(op, self.offset)?;
        let mut vectors = 0;
        if AMONG_VECTORS && (self.vectors.on || step.live) {
            if !self.vectors.on {
                self.vectors.begin(self.context, self.parsed);
            }
            self.vectors.operator(op, &arg, step.live, self.context, self.parsed);
            vectors = self.vectors.count;
        }
        // Operators of these groups leave no more than they take. What a reachable operator finds was counted before: behind the
        // operator before it, behind the `if`, or behind what pushed the values that a branch carried here.
        let grows =
            !matches!(op.row().group, Group::Pure | Group::Partial | Group::Load | Group::Store | Group::Parametric);
        if step.live && grows {
            self.height = self.height.max(self.context.height() + vectors);
            if let Arg::Try(table) = &arg {
                self.count_caught(table);
            }
        }
        self.sink.see(self.offset, op, &arg);
        if step.live || matches!(op, Op::Block | Op::Loop | Op::If | Op::TryTable | Op::Else | Op::End) {
            match AMONG_VECTORS {
                true => self.sink.operator_among_vectors(op, &arg, step)?,
                false => self.sink.operator(op, &arg, step)?,
            }
        }
        if step.closed.is_some() || step.opens {
            self.sink.block(step.closed, step.opens);
        }
        if op == Op::End && self.context.constructs() == 0 {
            self.behind = self.next.take().map_or(0, |_| self.rest.len() + 1);
        }
        Ok(())
    }
}

impl<C: Context, S> Visitor<'_, '_, C, S> {
    /// Counts what exceptions leave on the stack when they are caught: values above those below the label that they go to.
    #[cold]
    fn count_caught(&mut self, table: &TryTable) {
        for catch in &table.catches {
            // Of the construct that is open around this one.
            let depth = catch_label(*catch) as usize + 1;
            let below = self.context.construct(depth).map_or(0, |construct| construct.height);
            let height = below + self.vectors.below(depth) + caught_slots(*catch, self.parsed);
            self.height = self.height.max(height);
        }
    }
}

/// Where an exception that is caught goes.
pub fn catch_label(catch: Catch) -> u32 {
    match catch {
        Catch::One { label, .. } | Catch::OneRef { label, .. } | Catch::All { label } | Catch::AllRef { label } => {
            label
        }
    }
}

/// Slots of what it leaves there.
pub(crate) fn caught_slots(catch: Catch, parsed: &Parsed) -> u32 {
    let carried = |tag: u32| parsed.types[parsed.tags[tag as usize] as usize].slots().0 as u32;
    match catch {
        Catch::One { tag, .. } => carried(tag),
        Catch::OneRef { tag, .. } => carried(tag) + 1,
        Catch::All { .. } => 0,
        Catch::AllRef { .. } => 1,
    }
}

macro_rules! visit {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($arity:tt)*))*) => {
        visit!(check $($op $({ $($arg: $ty),* })? $visit)*);
    };
    ($check:ident $($op:ident $({ $($arg:ident: $ty:ty),* })? $visit:ident)*) => { $(
        fn $visit(&mut self $($(, $arg: $ty)*)?) -> Self::Output {
            // A join at compile time: an operator without a row is refused here whatever the parser thinks of it.
            const OP: Option<Op> = Op::from_ident(stringify!($op));
            let Some(op) = OP else {
                $($(let _ = $arg;)*)?
                return Err(unsupported(self.offset, concat!("operator ", stringify!($op), " is not supported")));
            };
            // Read before the context takes them: a copy of an immediate of several words would wait for its parts.
            let arg = Immediates(($($($arg.clone(),)*)?)).into();
            let arg = self.in_context(OP, arg);
            self.context.$check(self.offset as u64).$visit($($($arg),*)?)?;
            self.operator(op, arg)
        }
    )* };
}

#[cfg(feature = "simd")]
macro_rules! visit_vector {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($arity:tt)*))*) => {
        visit!(check_simd $($op $({ $($arg: $ty),* })? $visit)*);
    };
}

macro_rules! handlers {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($arity:tt)*))*) => {
        /// What takes an operator, by its first byte.
        const HANDLERS: [Handler<Self>; 256] = {
            let mut handlers: [Handler<Self>; 256] = [Self::long; 256];
            $(
                if short::code(stringify!($op), C::UNROLLED) < 256 {
                    handlers[short::code(stringify!($op), C::UNROLLED) as usize] = |visitor| {
                        const OP: Option<Op> = Op::from_ident(stringify!($op));
                        match <($($($ty,)*)?)>::read(visitor.rest, OP) {
                            Some((($($($arg,)*)?), rest)) => {
                                visitor.go_to(rest);
                                visitor.$visit($($($arg),*)?)
                            }
                            None => visitor.long(),
                        }
                    };
                }
            )*
            handlers
        };
    };
}

impl<'a, C: Context, S: Sink> Visitor<'_, 'a, C, S> {
    wasmparser::for_each_visit_operator!(handlers);

    /// Has the parser read the next operator.
    #[cold]
    #[inline(never)]
    fn long(&mut self) -> Result<(), Box<LoadError>> {
        let bytes = &self.body[self.body.len() - self.rest.len() - 1..];
        let mut reader = BinaryReader::new_features(bytes, self.offset as u64, self.profile.features);
        reader.visit_operator(self)??;
        self.go_to(&bytes[bytes.len() - reader.bytes_remaining()..]);
        Ok(())
    }

    #[inline(always)]
    fn go_to(&mut self, rest: &'a [u8]) {
        self.next = match rest.split_first() {
            Some((code, rest)) => {
                self.rest = rest;
                Some(Self::HANDLERS[usize::from(*code)])
            }
            None => None,
        };
    }
}

impl<'a, C: Context, S: Sink> VisitOperator<'a> for Visitor<'_, 'a, C, S> {
    type Output = Result<(), Box<LoadError>>;

    #[cfg(feature = "simd")]
    fn simd_visitor(&mut self) -> Option<&mut dyn VisitSimdOperator<'a, Output = Self::Output>> {
        // Without: what profiles that have no vectors say of an operator stays what it was.
        if self.profile.features.simd() { Some(self) } else { None }
    }

    wasmparser::for_each_visit_operator!(visit);
}

#[cfg(feature = "simd")]
impl<'a, C: Context, S: Sink> VisitSimdOperator<'a> for Visitor<'_, 'a, C, S> {
    wasmparser::for_each_visit_simd_operator!(visit_vector);
}

/// The parser's immediates of one operator, as a tuple.
struct Immediates<T>(T);

macro_rules! immediates {
    ($($ty:ty, $value:pat => $arg:expr;)*) => { $(
        impl<'a> From<Immediates<$ty>> for Arg<'a> {
            #[inline]
            fn from(Immediates($value): Immediates<$ty>) -> Self {
                $arg
            }
        }
    )* };
}

immediates! {
    (), () => Arg::None;
    (BlockType,), (ty,) => Arg::Block(ty);
    (u32,), (index,) => Arg::Index(index);
    (u32, u32), (a, b) => Arg::Pair(a, b);
    (MemArg,), (memarg,) => match memarg.target {
        MemArgTarget::Memory(0) => Arg::Offset(memarg.offset),
        target => Arg::Far(Far { memory: memory(target), offset: memarg.offset, lane: 0 }),
    };
    (i32,), (value,) => Arg::Bits(u64::from(value as u32));
    (i64,), (value,) => Arg::Bits(value as u64);
    (Ieee32,), (value,) => Arg::Bits(u64::from(value.bits()));
    (Ieee64,), (value,) => Arg::Bits(value.bits());
    (V128,), (value,) => Arg::Bytes(*value.bytes());
    ([u8; 16],), (lanes,) => Arg::Bytes(lanes);
    (u8,), (lane,) => Arg::Lane(lane);
    (TryTable,), (table,) => Arg::Try(table);
    (MemArg, u8), (memarg, lane) => match memarg.target {
        MemArgTarget::Memory(0) => Arg::OffsetLane(memarg.offset, lane),
        target => Arg::Far(Far { memory: memory(target), offset: memarg.offset, lane }),
    };
    (ValType,), (ty,) => if ty == ValType::V128 { Arg::Vector } else { Arg::None };
    // Immediates of operators that have no row.
    (HeapType,), _ => Arg::None;
    (Vec<ValType>,), _ => Arg::None;
    (u32, RefType, RefType), _ => Arg::None;
    (Ordering,), _ => Arg::None;
    (Ordering, u32), _ => Arg::None;
    (Ordering, u32, u32), _ => Arg::None;
    (u32, ResumeTable), _ => Arg::None;
    (u32, u32, ResumeTable), _ => Arg::None;
}

/// The memory of a load or store; the validator refuses what else there may be.
fn memory(target: MemArgTarget) -> u32 {
    if let MemArgTarget::Memory(index) = target { index } else { u32::MAX }
}

impl<'a> From<Immediates<(BrTable<'a>,)>> for Arg<'a> {
    fn from(Immediates((table,)): Immediates<(BrTable<'a>,)>) -> Self {
        Arg::Table(table)
    }
}

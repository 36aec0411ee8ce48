//! Where a walk is: which constructs are open, what is on the operand stack.
//!
//! The parser's validator knows, and refuses what is not valid. [`Valid`] knows it of a body that was valid when it was walked
//! before, and asks nothing. Builds with `checked` have both beside each other for every body that is validated.

use super::isa::Op;
use super::load::Parsed;
use super::types::{self, FuncType};
use super::walk::Arg;
use alloc::vec::Vec;
#[cfg(feature = "simd")]
use wasmparser::VisitSimdOperator;
use wasmparser::{BlockType, Error, FrameKind, FuncValidator, TryTable, ValType, VisitOperator, WasmModuleResources};

/// What a walk asks.
pub(super) trait Context {
    /// Whether every operator has code of its own, and its short encoding too.
    const UNROLLED: bool;

    /// Checks an operator, and takes it.
    fn check<'t, 'a: 't>(&'t mut self, offset: u64) -> impl VisitOperator<'a, Output = Result<(), Error>> + 't;
    /// The same for those of vectors.
    #[cfg(feature = "simd")]
    fn check_simd<'t, 'a: 't>(&'t mut self, offset: u64)
    -> impl VisitSimdOperator<'a, Output = Result<(), Error>> + 't;
    /// Takes an operator, if checking has not.
    fn take(&mut self, op: Op, arg: &Arg<'_>, parsed: &Parsed);
    /// Declares `count` locals more.
    fn define_locals(&mut self, offset: u64, count: u32, ty: ValType) -> Result<(), Error>;
    /// How many locals there are, parameters included.
    fn len_locals(&self) -> u32;
    /// Whether a local is a vector.
    fn is_vector_local(&self, local: u32) -> bool;
    /// Operands on the stack.
    fn height(&self) -> u32;
    /// Whether the operand at `depth` is a vector, the topmost being 0.
    fn is_vector(&self, depth: usize) -> bool;
    /// Open constructs, the body included.
    fn constructs(&self) -> u32;
    /// The construct at `depth`, the innermost being 0.
    fn construct(&self, depth: usize) -> Option<Construct>;
}

/// An open construct.
#[derive(Clone, Copy, Debug)]
pub(super) struct Construct {
    pub kind: FrameKind,
    pub ty: BlockType,
    /// Operands below its parameters.
    pub height: u32,
}

impl<R: WasmModuleResources> Context for FuncValidator<R> {
    // Where size counts, bodies are validated once in their life.
    const UNROLLED: bool = cfg!(feature = "eager");

    #[inline(always)]
    fn check<'t, 'a: 't>(&'t mut self, offset: u64) -> impl VisitOperator<'a, Output = Result<(), Error>> + 't {
        self.visitor(offset)
    }

    #[cfg(feature = "simd")]
    #[inline(always)]
    fn check_simd<'t, 'a: 't>(
        &'t mut self,
        offset: u64,
    ) -> impl VisitSimdOperator<'a, Output = Result<(), Error>> + 't {
        self.simd_visitor(offset)
    }

    #[inline(always)]
    fn take(&mut self, _: Op, _: &Arg<'_>, _: &Parsed) {}

    fn define_locals(&mut self, offset: u64, count: u32, ty: ValType) -> Result<(), Error> {
        FuncValidator::define_locals(self, offset, count, ty)
    }

    fn len_locals(&self) -> u32 {
        FuncValidator::len_locals(self)
    }

    fn is_vector_local(&self, local: u32) -> bool {
        self.get_local_type(local) == Some(ValType::V128)
    }

    #[inline(always)]
    fn height(&self) -> u32 {
        self.operand_stack_height()
    }

    #[inline(always)]
    fn is_vector(&self, depth: usize) -> bool {
        self.get_operand_type(depth) == Some(Some(ValType::V128))
    }

    #[inline(always)]
    fn constructs(&self) -> u32 {
        self.control_stack_height()
    }

    #[inline(always)]
    fn construct(&self, depth: usize) -> Option<Construct> {
        let frame = self.get_control_frame(depth)?;
        Some(Construct { kind: frame.kind, ty: frame.block_type, height: frame.height as u32 })
    }
}

/// The context of a walk through a valid body. Like the validator it takes code for reachable behind every `end`.
#[derive(Debug, Default)]
pub(super) struct Valid {
    height: u32,
    /// Which operands are vectors, by how many lie below.
    vectors: Vec<u32>,
    open: Vec<Open>,
    /// Runs of locals: where each ends, and whether they are vectors.
    locals: Vec<(u32, bool)>,
    vector_locals: bool,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    construct: Construct,
    /// Nothing reaches the operator at hand, or nothing reached the construct.
    dead: bool,
    dead_before: bool,
}

impl Valid {
    /// Begins function `index`, with its parameters for locals.
    pub fn begin(&mut self, parsed: &Parsed, index: u32) {
        let ty = BlockType::FuncType(parsed.functions[index as usize]);
        (self.height, self.vector_locals) = (0, false);
        self.vectors.clear();
        self.open.clear();
        self.locals.clear();
        for param in parsed.func_type(index).params() {
            self.define(1, *param == types::ValType::V128);
        }
        let construct = Construct { kind: FrameKind::Block, ty, height: 0 };
        self.open.push(Open { construct, dead: false, dead_before: false });
    }

    fn define(&mut self, count: u32, vector: bool) {
        let end = Context::len_locals(self) + count;
        self.vector_locals |= vector;
        match self.locals.last_mut() {
            Some(run) if run.1 == vector => run.0 = end,
            _ => self.locals.push((end, vector)),
        }
    }

    #[inline(always)]
    fn pop(&mut self, count: u32) {
        self.shrink(self.height - count);
    }

    #[inline(always)]
    fn shrink(&mut self, height: u32) {
        self.height = height;
        while self.vectors.last().is_some_and(|at| *at >= height) {
            self.vectors.pop();
        }
    }

    #[inline(always)]
    fn push(&mut self, vector: bool) {
        if vector {
            self.vectors.push(self.height);
        }
        self.height += 1;
    }

    fn push_all(&mut self, types: &[types::ValType]) {
        types.iter().for_each(|ty| self.push(*ty == types::ValType::V128));
    }

    fn call(&mut self, ty: &FuncType) {
        self.pop(ty.params().len() as u32);
        self.push_all(ty.results());
    }

    /// Nothing goes on from here.
    fn die(&mut self) {
        if let Some(open) = self.open.last_mut() {
            open.dead = true;
            let height = open.construct.height;
            self.shrink(height);
        }
    }

    #[cold]
    #[inline(never)]
    fn begin_construct(&mut self, op: Op, ty: BlockType, parsed: &Parsed) {
        let dead = self.is_dead();
        let kind = match op {
            Op::Loop => FrameKind::Loop,
            Op::If => FrameKind::If,
            Op::TryTable => FrameKind::TryTable,
            _ => FrameKind::Block,
        };
        let taken = if dead { 0 } else { u32::from(op == Op::If) };
        self.pop(taken);
        let params = if dead { 0 } else { params_of(ty, parsed).len() as u32 };
        let construct = Construct { kind, ty, height: self.height - params };
        self.open.push(Open { construct, dead, dead_before: dead });
    }

    #[cold]
    #[inline(never)]
    fn begin_else(&mut self, parsed: &Parsed) {
        if let Some(open) = self.open.last_mut() {
            open.construct.kind = FrameKind::Else;
            open.dead = open.dead_before;
            let Construct { height, ty, .. } = open.construct;
            self.shrink(height);
            self.push_all(params_of(ty, parsed));
        }
    }

    #[cold]
    #[inline(never)]
    fn end(&mut self, parsed: &Parsed) {
        if let Some(Open { construct: Construct { height, ty, .. }, .. }) = self.open.pop() {
            self.shrink(height);
            match ty {
                BlockType::Empty => {}
                BlockType::Type(ty) => self.push(ty == ValType::V128),
                BlockType::FuncType(index) => self.push_all(parsed.types[index as usize].results()),
            }
        }
    }

    #[inline(always)]
    fn is_dead(&self) -> bool {
        self.open.last().is_some_and(|open| open.dead)
    }
}

fn params_of(ty: BlockType, parsed: &Parsed) -> &[types::ValType] {
    if let BlockType::FuncType(index) = ty { parsed.types[index as usize].params() } else { &[] }
}

impl Context for Valid {
    const UNROLLED: bool = true;

    #[inline(always)]
    fn check<'t, 'a: 't>(&'t mut self, _: u64) -> impl VisitOperator<'a, Output = Result<(), Error>> + 't {
        Unasked
    }

    #[cfg(feature = "simd")]
    #[inline(always)]
    fn check_simd<'t, 'a: 't>(&'t mut self, _: u64) -> impl VisitSimdOperator<'a, Output = Result<(), Error>> + 't {
        Unasked
    }

    // Inlined with a constant operator: what does not concern it folds away.
    #[inline(always)]
    fn take(&mut self, op: Op, arg: &Arg<'_>, parsed: &Parsed) {
        match (op, arg) {
            (Op::Block | Op::Loop | Op::If, Arg::Block(ty)) | (_, Arg::Try(TryTable { ty, .. })) => {
                return self.begin_construct(op, *ty, parsed);
            }
            (Op::Else, _) => return self.begin_else(parsed),
            (Op::End, _) => return self.end(parsed),
            _ if self.is_dead() => return,
            _ => {}
        }
        let (taken, left) = match (op, arg) {
            (Op::Unreachable | Op::Br | Op::BrTable | Op::Return | Op::Throw | Op::ThrowRef, _)
            | (Op::ReturnCall | Op::ReturnCallIndirect | Op::ReturnCallRef, _) => return self.die(),
            (Op::Call, Arg::Index(function)) => return self.call(parsed.func_type(*function)),
            (Op::CallIndirect, Arg::Pair(ty, _)) | (Op::CallRef, Arg::Index(ty)) => {
                self.pop(1);
                return self.call(&parsed.types[*ty as usize]);
            }
            (Op::LocalGet, Arg::Index(local)) => return self.push(self.is_vector_local(*local)),
            (Op::GlobalGet, Arg::Index(global)) => {
                return self.push(parsed.globals[*global as usize].content == types::ValType::V128);
            }
            (Op::Select | Op::TypedSelect, arg) => {
                self.pop(3);
                return self.push(matches!(arg, Arg::Vector));
            }
            (Op::TableInit | Op::TableCopy | Op::TableFill, _) => (3, 0),
            (Op::TableSet, _) => (2, 0),
            (Op::TableGrow, _) => (2, 1),
            (Op::BrIf | Op::BrOnNonNull | Op::Drop | Op::LocalSet | Op::GlobalSet, _) => (1, 0),
            (Op::RefNull | Op::RefFunc | Op::TableSize, _) => (0, 1),
            (Op::LocalTee | Op::BrOnNull | Op::TableGet | Op::RefIsNull | Op::RefAsNonNull, _) => return,
            _ => (op.row().params.len() as u32, op.row().results.len()),
        };
        self.pop(taken);
        if op.vectors().1 == 0 {
            self.height += left as u32;
        } else {
            op.row().results.iter().for_each(|ty| self.push(ty.slots() == 2));
        }
    }

    fn define_locals(&mut self, _: u64, count: u32, ty: ValType) -> Result<(), Error> {
        self.define(count, ty == ValType::V128);
        Ok(())
    }

    fn len_locals(&self) -> u32 {
        self.locals.last().map_or(0, |run| run.0)
    }

    #[inline(always)]
    fn is_vector_local(&self, local: u32) -> bool {
        self.vector_locals && self.locals[self.locals.partition_point(|run| run.0 <= local)].1
    }

    #[inline(always)]
    fn height(&self) -> u32 {
        self.height
    }

    fn is_vector(&self, depth: usize) -> bool {
        let at = self.height.checked_sub(depth as u32 + 1);
        at.is_some_and(|at| self.vectors.iter().rev().any(|vector| *vector == at))
    }

    #[inline(always)]
    fn constructs(&self) -> u32 {
        self.open.len() as u32
    }

    #[inline(always)]
    fn construct(&self, depth: usize) -> Option<Construct> {
        Some(self.open.iter().rev().nth(depth)?.construct)
    }
}

/// Takes every operator.
struct Unasked;

macro_rules! unasked {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($arity:tt)*))*) => { $(
        #[inline(always)]
        fn $visit(&mut self $($(, _: $ty)*)?) -> Self::Output {
            Ok(())
        }
    )* };
}

impl<'a> VisitOperator<'a> for Unasked {
    type Output = Result<(), Error>;

    wasmparser::for_each_visit_operator!(unasked);
}

#[cfg(feature = "simd")]
impl<'a> VisitSimdOperator<'a> for Unasked {
    wasmparser::for_each_visit_simd_operator!(unasked);
}

/// The validator, and beside it [`Valid`], which has to agree: for tests.
#[cfg(feature = "checked")]
pub(super) struct Compared<R> {
    pub validator: FuncValidator<R>,
    pub valid: Valid,
}

#[cfg(feature = "checked")]
use core::mem::discriminant;

#[cfg(feature = "checked")]
impl<R: WasmModuleResources> Context for Compared<R> {
    const UNROLLED: bool = true;

    fn check<'t, 'a: 't>(&'t mut self, offset: u64) -> impl VisitOperator<'a, Output = Result<(), Error>> + 't {
        self.validator.check(offset)
    }

    #[cfg(feature = "simd")]
    fn check_simd<'t, 'a: 't>(
        &'t mut self,
        offset: u64,
    ) -> impl VisitSimdOperator<'a, Output = Result<(), Error>> + 't {
        self.validator.check_simd(offset)
    }

    fn take(&mut self, op: Op, arg: &Arg<'_>, parsed: &Parsed) {
        self.valid.take(op, arg, parsed);
        assert_eq!(self.valid.constructs(), self.validator.constructs(), "{op:?}");
        let Some(frame) = self.validator.get_control_frame(0) else { return };
        let open = self.valid.open.last().expect("as many constructs are open");
        assert_eq!(open.construct.kind, frame.kind, "{op:?}");
        // The validator has numbers of its own for types that types name.
        assert_eq!(discriminant(&open.construct.ty), discriminant(&frame.block_type), "{op:?}");
        // What is below one that nothing reaches is as unknown to the validator.
        if !frame.unreachable && !open.dead {
            let validator = &self.validator;
            assert_eq!(
                (self.valid.height(), open.construct.height),
                (validator.height(), frame.height as u32),
                "{op:?}"
            );
            let operands = 0..self.valid.height().min(8) as usize;
            operands.for_each(|depth| assert_eq!(self.valid.is_vector(depth), validator.is_vector(depth), "{op:?}"));
        }
    }

    fn define_locals(&mut self, offset: u64, count: u32, ty: ValType) -> Result<(), Error> {
        self.validator.define_locals(offset, count, ty)?;
        Context::define_locals(&mut self.valid, offset, count, ty)
    }

    fn len_locals(&self) -> u32 {
        assert_eq!(Context::len_locals(&self.valid), self.validator.len_locals());
        self.validator.len_locals()
    }

    fn is_vector_local(&self, local: u32) -> bool {
        self.validator.is_vector_local(local)
    }

    fn height(&self) -> u32 {
        self.validator.height()
    }

    fn is_vector(&self, depth: usize) -> bool {
        self.validator.is_vector(depth)
    }

    fn constructs(&self) -> u32 {
        self.validator.constructs()
    }

    fn construct(&self, depth: usize) -> Option<Construct> {
        self.validator.construct(depth)
    }
}

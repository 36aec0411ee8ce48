//! How many vectors are on the operand stack: each takes a slot more than the validator counts.
//!
//! Functions without vectors pay for none of it: counting begins with the first operator that makes one, or with the function
//! where a type, a global or a local of it could bring one.

use super::context::Context;
use super::isa::Op;
use super::load::Parsed;
use super::types::ValType;
use super::walk::Arg;
use alloc::vec::Vec;
use wasmparser::{BlockType, TryTable};

/// The count at the operator at hand, and what it will be at the ends of open constructs.
#[derive(Debug, Default)]
pub(super) struct Vectors {
    /// Whether there may be any.
    pub on: bool,
    /// On the operand stack.
    pub count: u32,
    open: Vec<Open>,
}

/// An open construct.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// Vectors below its parameters.
    below: u32,
    /// Vectors among its parameters and its results.
    params: u32,
    results: u32,
}

impl Vectors {
    /// Starts a new body, keeping allocations.
    pub fn reset(&mut self) {
        (self.on, self.count) = (false, 0);
        self.open.clear();
    }

    /// Begins to count, with no vector on the stack so far.
    #[cold]
    pub fn begin(&mut self, context: &impl Context, parsed: &Parsed) {
        self.on = true;
        for depth in (0..context.constructs() as usize).rev() {
            let construct = context.construct(depth).expect("as many constructs are open");
            let (params, results) = of_block(construct.ty, parsed);
            self.open.push(Open { below: 0, params, results });
        }
    }

    /// Counts what an operator did that the context has taken. Dead ones (`live`: not) matter for their constructs alone.
    #[inline(never)]
    pub fn operator(&mut self, op: Op, arg: &Arg<'_>, live: bool, context: &impl Context, parsed: &Parsed) {
        match (op, arg) {
            (Op::Block | Op::Loop | Op::If, Arg::Block(ty)) | (_, Arg::Try(TryTable { ty, .. })) => {
                let (params, results) = of_block(*ty, parsed);
                let below = if live { self.count - params } else { 0 };
                self.open.push(Open { below, params, results });
                return;
            }
            (Op::Else, _) => {
                let open = self.open.last().expect("validated: `else` stands inside an `if`");
                self.count = open.below + open.params;
                return;
            }
            (Op::End, _) => {
                let open = self.open.pop().expect("validated: every `end` has its construct");
                self.count = open.below + open.results;
                return;
            }
            _ if !live => return,
            _ => {}
        }
        let is_vector = |ty: Option<ValType>| u32::from(ty == Some(ValType::V128));
        let (taken, left) = match (op, arg) {
            (Op::Drop | Op::Select | Op::TypedSelect, Arg::Vector) => (1, 0),
            (Op::LocalGet | Op::LocalSet, Arg::Index(local)) => {
                let vector = u32::from(context.is_vector_local(*local));
                if op == Op::LocalGet { (0, vector) } else { (vector, 0) }
            }
            (Op::GlobalGet | Op::GlobalSet, Arg::Index(global)) => {
                let vector = is_vector(parsed.globals.get(*global as usize).map(|ty| ty.content));
                if op == Op::GlobalGet { (0, vector) } else { (vector, 0) }
            }
            (Op::Call, Arg::Index(function)) => parsed.func_type(*function).vectors(),
            (Op::CallIndirect, Arg::Pair(ty, _)) | (Op::CallRef, Arg::Index(ty)) => {
                parsed.types[*ty as usize].vectors()
            }
            // What it leaves is the caller's.
            (Op::ReturnCall, Arg::Index(function)) => (parsed.func_type(*function).vectors().0, 0),
            (Op::ReturnCallIndirect, Arg::Pair(ty, _)) | (Op::ReturnCallRef, Arg::Index(ty)) => {
                (parsed.types[*ty as usize].vectors().0, 0)
            }
            _ => op.vectors(),
        };
        self.count = self.count - taken + left;
    }
}

impl Vectors {
    /// Vectors below the parameters of the construct at `depth`, the innermost being 0.
    pub fn below(&self, depth: usize) -> u32 {
        self.open.iter().rev().nth(depth).map_or(0, |open| open.below)
    }
}

/// Vectors among the parameters and the results of a block.
fn of_block(ty: BlockType, parsed: &Parsed) -> (u32, u32) {
    match ty {
        BlockType::Empty => (0, 0),
        BlockType::Type(ty) => (0, u32::from(ty == wasmparser::ValType::V128)),
        BlockType::FuncType(index) => parsed.types[index as usize].vectors(),
    }
}

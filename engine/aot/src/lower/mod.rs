//! The second sink of the walk: one function to Cranelift's intermediate form.
//!
//! A value of Wasm is a value of the form; control becomes blocks whose parameters are what branches carry. Gas is in a
//! register of its own, from which every metered block subtracts its cost; it is looked at on entry and at the heads of loops
//! only; whatever ends a run looks at it too. Every way out goes through cold blocks that never come back, so that nothing is
//! lost around them.

/// The lowering of each operator on values alone, and the table of those that have one.
macro_rules! lowerings {
    ($name:ident, $l:ident, $arg:ident: $($($op:ident)|+ => $lower:expr;)*) => {
        pub(super) const LOWERED: [bool; ROWS.len()] = {
            let mut lowered = [false; ROWS.len()];
            $($(lowered[Op::$op as usize] = true;)+)*
            lowered
        };

        impl Lower<'_> {
            pub(super) fn $name(&mut self, op: Op, $arg: &Arg<'_>) {
                let $l = self;
                match op {
                    $($(Op::$op)|+ => $lower,)*
                    _ => unreachable!("not an operator of this group"),
                }
            }
        }
    };
}

mod control;
mod memory;
mod numeric;
mod vector;

/// Operators with more than values to them, which have functions by group.
const OTHERS: &[Op] = {
    use Op::*;
    &[
        Unreachable,
        Nop,
        Block,
        Loop,
        If,
        Else,
        End,
        Br,
        BrIf,
        BrTable,
        Return,
        Call,
        CallIndirect,
        ReturnCall,
        ReturnCallIndirect,
        CallRef,
        ReturnCallRef,
        TryTable,
        Throw,
        ThrowRef,
        BrOnNull,
        BrOnNonNull,
        Drop,
        Select,
        TypedSelect,
        LocalGet,
        LocalSet,
        LocalTee,
        GlobalGet,
        GlobalSet,
        TableGet,
        TableSet,
        RefNull,
        RefIsNull,
        RefFunc,
        RefAsNonNull,
        TableInit,
        ElemDrop,
        TableCopy,
        TableGrow,
        TableSize,
        TableFill,
        I32Load,
        I64Load,
        F32Load,
        F64Load,
        I32Load8S,
        I32Load8U,
        I32Load16S,
        I32Load16U,
        I64Load8S,
        I64Load8U,
        I64Load16S,
        I64Load16U,
        I64Load32S,
        I64Load32U,
        I32Store,
        I64Store,
        F32Store,
        F64Store,
        I32Store8,
        I32Store16,
        I64Store8,
        I64Store16,
        I64Store32,
        MemorySize,
        MemoryGrow,
        MemoryInit,
        DataDrop,
        MemoryCopy,
        MemoryFill,
        I32Const,
        I64Const,
        F32Const,
        F64Const,
        V128Const,
    ]
};

// An operator without lowering does not compile.
const _: () = {
    let mut lowered = numeric::LOWERED;
    let mut at = 0;
    while at < OTHERS.len() {
        lowered[OTHERS[at] as usize] = true;
        at += 1;
    }
    at = 0;
    while at < ROWS.len() {
        assert!(lowered[at] != vector::LOWERED[at], "every operator has one lowering");
        at += 1;
    }
};

use crate::Bounds;
use crate::abi::{self, Signatures};
use crate::charge::{CHARGE, LOOKED_AT};
use crate::enter::Gate;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::immediates::Imm64;
use cranelift_codegen::ir::{
    AliasRegion, AliasRegionData, Block, Inst, InstBuilder, InstructionData, MemFlagsData, SourceLoc, StackSlot,
    StackSlotData, StackSlotKind, Type, Value, types,
};
use cranelift_frontend::{FunctionBuilder, Variable};
use gristmill::Trap;
use gristmill::error::LoadError;
use gristmill::tier::{self, Arg, BodyHead, Ended, Group, Locals, Op, ROWS, Sink, Source, Step, layout};
use gristmill::wasm::types::{FuncType, ValType};

/// One function on its way to the intermediate form.
pub(crate) struct Lower<'a> {
    b: FunctionBuilder<'a>,
    source: &'a Source,
    signatures: &'a Signatures,
    head: BodyHead,
    /// Operands.
    stack: Vec<Value>,
    frames: Vec<control::Frame>,
    /// Parameters and locals.
    locals: Vec<Variable>,
    vm: Value,
    /// Depth and slots left for callees.
    budget: Value,
    /// What the open metered block pays with.
    charge: Option<Charge>,
    /// What the open block pays beside its own cost: entering the function.
    entry: u32,
    /// The open block begins with a look at the gas.
    looks: bool,
    /// Traps are instructions that the processor refuses, and bounds of memory are not compared.
    faults: bool,
    /// The cold block of each trap, with its site.
    traps: Vec<(Block, u32)>,
    /// The byte of the module at which the first operator starts, and how far behind it the present one does.
    first_operator: Option<usize>,
    operator: u32,
    /// The cold block of entries that fail, with what they would have to ask.
    refused: Option<Block>,
    /// The constant that is known at the end: height.
    height: Option<Inst>,
    /// What the first metered block costs, once it is closed.
    first_cost: Option<u32>,
    /// Slots for calls out and operators, and how many of them are used.
    values: StackSlot,
    values_used: u32,
    regions: Regions,
    total_height: u32,
    /// It catches exceptions, which interpreted functions alone do.
    catches: bool,
}

/// Instructions of a metered block's payment.
#[derive(Clone, Copy)]
struct Charge {
    /// The constant, not known yet.
    cost: Inst,
    /// What there is less that, and that for what there is.
    all: [Inst; 3],
    /// Whether what is left is looked at.
    looked_at: bool,
}

/// What stores may and may not change.
#[derive(Clone, Copy)]
struct Regions {
    /// Linear memory.
    heap: AliasRegion,
    /// Base and bounds of memory.
    memory: AliasRegion,
    globals: AliasRegion,
    tables: AliasRegion,
    /// Call arguments and results.
    values: AliasRegion,
}

impl<'a> Lower<'a> {
    /// Begins with the empty function that `b` builds, whose signature is set.
    pub(crate) fn new(
        mut b: FunctionBuilder<'a>,
        source: &'a Source,
        signatures: &'a Signatures,
        bounds: Bounds,
    ) -> Self {
        let mut region = |user_id, description: &'static str| {
            b.func.dfg.alias_regions.insert(AliasRegionData { user_id, description: description.into() })
        };
        let regions = Regions {
            heap: region(0, "heap"),
            memory: region(1, "memory"),
            globals: region(2, "globals"),
            tables: region(3, "tables"),
            values: region(4, "values"),
        };
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        b.seal_block(entry);
        let (vm, budget) = (b.block_params(entry)[0], b.block_params(entry)[1]);
        let values = b.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, 0, 3));
        Self {
            b,
            source,
            signatures,
            head: BodyHead { function: 0, params: 0, locals: 0, results: 0, vector_locals: false },
            stack: Vec::new(),
            frames: Vec::new(),
            locals: Vec::new(),
            vm,
            budget,
            charge: None,
            entry: 0,
            looks: false,
            faults: bounds == Bounds::Guard,
            traps: Vec::new(),
            first_operator: None,
            operator: 0,
            refused: None,
            height: None,
            first_cost: None,
            values,
            values_used: 0,
            regions,
            total_height: 0,
            catches: false,
        }
    }

    // ---- operands ----

    fn pop(&mut self) -> Value {
        self.stack.pop().expect("validated: the operand is there")
    }

    fn pop_two(&mut self) -> (Value, Value) {
        let right = self.pop();
        (self.pop(), right)
    }

    fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    /// One more local, which begins with `value`.
    fn declare(&mut self, value: Value) {
        let variable = self.b.declare_var(self.b.func.dfg.value_type(value));
        self.b.def_var(variable, value);
        self.locals.push(variable);
    }

    fn constant(&mut self, value: i64) -> Value {
        self.b.ins().iconst(types::I64, value)
    }

    // ---- the machine ----

    /// A field of the machine, or of what hangs on it, that stays what it is while the function runs.
    fn fixed(&mut self, ty: Type, base: Value, at: usize) -> Value {
        let flags = MemFlagsData::trusted().with_readonly().with_can_move();
        self.b.ins().load(ty, flags, base, at as i32)
    }

    fn flags(&self, region: AliasRegion) -> MemFlagsData {
        MemFlagsData::trusted().with_alias_region(Some(region))
    }

    // ---- gas ----

    /// Opens a metered block, whose cost is known when it is closed.
    fn open(&mut self) {
        let looked_at = std::mem::take(&mut self.looks);
        let mark = if looked_at { CHARGE | LOOKED_AT } else { CHARGE };
        self.b.set_srcloc(SourceLoc::new(self.operator | mark));
        let left = self.pay(looked_at);
        if looked_at {
            let spent = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, left, 0);
            self.trap_if(spent, Trap::OutOfGas);
        }
        self.b.set_srcloc(SourceLoc::new(self.operator));
    }

    /// The payment for the block that begins here; what is left then.
    fn pay(&mut self, looked_at: bool) -> Value {
        let cost = self.constant(0);
        let gas = self.gas();
        let left = self.b.ins().isub(gas, cost);
        let set = self.b.ins().set_pinned_reg(left);
        let [cost, get, subtract] = [cost, gas, left].map(|value| self.instruction_of(value));
        self.charge = Some(Charge { cost, all: [get, subtract, set], looked_at });
        left
    }

    fn close(&mut self, cost: u32) {
        let entry = std::mem::take(&mut self.entry);
        let charge = self.charge.take().expect("a block is closed once");
        self.set_constant(charge.cost, i64::from(cost) + i64::from(entry));
        if cost == 0 && entry == 0 && !charge.looked_at {
            charge.all.into_iter().for_each(|inst| self.b.func.layout.remove_inst(inst));
        }
        self.first_cost.get_or_insert(cost);
    }

    fn instruction_of(&self, value: Value) -> Inst {
        self.b.func.dfg.value_def(value).inst().expect("a constant is an instruction")
    }

    fn set_constant(&mut self, inst: Inst, value: i64) {
        if let InstructionData::UnaryImm { imm, .. } = &mut self.b.func.dfg.insts[inst] {
            *imm = Imm64::new(value);
        }
    }

    /// What is left. It is in its register at every instruction, so that whoever takes over there finds it.
    fn gas(&mut self) -> Value {
        self.b.ins().get_pinned_reg(types::I64)
    }

    fn set_gas(&mut self, gas: Value) {
        self.b.ins().set_pinned_reg(gas);
    }

    // ---- ways out ----

    /// Traps when `condition` is not zero.
    fn trap_if(&mut self, condition: Value, trap: Trap) {
        if self.faults {
            self.b.ins().trapnz(condition, abi::trap_code(trap));
            return;
        }
        let to = self.trap_block(trap);
        let next = self.b.create_block();
        self.b.ins().brif(condition, to, &[], next, &[]);
        self.b.seal_block(next);
        self.b.switch_to_block(next);
    }

    /// Does not enter the function when `condition` is not zero.
    fn refuse_if(&mut self, condition: Value) {
        let (refused, next) = (self.refused.expect("the function begins"), self.b.create_block());
        self.b.ins().brif(condition, refused, &[], next, &[]);
        self.b.seal_block(next);
        self.b.switch_to_block(next);
    }

    fn trap_now(&mut self, trap: Trap) {
        if self.faults {
            self.b.ins().trap(abi::trap_code(trap));
            return;
        }
        let to = self.trap_block(trap);
        self.b.ins().jump(to, &[]);
    }

    /// Where a trap of the present operator goes. A block for each, so that what it hands on is made there and nowhere else.
    fn trap_block(&mut self, trap: Trap) -> Block {
        let site = tier::site(trap, self.operator);
        match self.traps.last() {
            Some((block, last)) if *last == site => *block,
            _ => {
                let block = self.cold_block();
                self.traps.push((block, site));
                block
            }
        }
    }

    fn cold_block(&mut self) -> Block {
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        block
    }

    /// Writes the blocks that all traps end in.
    fn ways_out(&mut self) {
        self.b.set_srcloc(SourceLoc::default());
        let (refused, traps) = (self.refused.take(), std::mem::take(&mut self.traps));
        if refused.is_none() && traps.is_empty() {
            return;
        }
        let exit = self.cold_block();
        let site = self.b.append_block_param(exit, types::I32);
        if let Some(block) = refused {
            self.b.switch_to_block(block);
            self.b.seal_block(block);
            // A function that is not entered is at its first operator.
            let site = self.why_refused();
            self.b.ins().jump(exit, &[site.into()]);
        }
        for (block, site) in traps {
            self.b.switch_to_block(block);
            self.b.seal_block(block);
            let site = self.b.ins().iconst(types::I32, i64::from(site));
            self.b.ins().jump(exit, &[site.into()]);
        }
        self.b.switch_to_block(exit);
        self.b.seal_block(exit);
        self.b.ins().store(MemFlagsData::trusted(), site, self.vm, layout::VM_SITE as i32);
        let leave = self.fixed(types::I64, self.vm, layout::VM_LEAVE);
        let signature = self.b.import_signature(abi::leave());
        self.b.ins().call_indirect(signature, leave, &[self.vm]);
        self.b.ins().trap(abi::NEVER);
    }

    /// The site of the trap of an entry that failed: entry charge, depth, slots, first block, in this order.
    fn why_refused(&mut self) -> Value {
        let gas = self.gas();
        let first = self.first_cost.expect("all blocks are closed at the end of the function");
        let at_entry = self.b.ins().iadd_imm_u(gas, i64::from(first));
        // The first block is paid last, and so was not by an entry that fails before.
        self.set_gas(at_entry);
        let entry_unpaid = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, at_entry, 0);
        let before = self.b.block_params(self.b.func.layout.entry_block().expect("there is one"))[1];
        let depth = self.b.ins().ushr_imm_u(before, 32);
        let no_depth = self.b.ins().icmp_imm_s(IntCC::Equal, depth, 0);
        let slots = self.b.ins().ireduce(types::I32, self.budget);
        let no_slots = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, slots, 0);
        let number = |lower: &mut Self, trap: Trap| lower.b.ins().iconst(types::I32, i64::from(tier::site(trap, 0)));
        let (out_of_gas, no_more_depth, no_more_slots) =
            (number(self, Trap::OutOfGas), number(self, Trap::CallDepth), number(self, Trap::StackSlots));
        let otherwise = self.b.ins().select(no_slots, no_more_slots, out_of_gas);
        let otherwise = self.b.ins().select(no_depth, no_more_depth, otherwise);
        self.b.ins().select(entry_unpaid, out_of_gas, otherwise)
    }

    // ---- calls out ----

    /// Where call arguments and operands for the outside go; there are `count` slots.
    fn values(&mut self, count: usize) -> Value {
        self.values_used = self.values_used.max(count as u32);
        self.b.ins().stack_addr(types::I64, self.values, 0)
    }

    fn store_values(&mut self, values: Value, list: &[Value]) {
        let flags = self.flags(self.regions.values);
        abi::store_all(&mut self.b, flags, values, list);
    }

    fn load_values(&mut self, values: Value, types: &[ValType]) -> Vec<Value> {
        let flags = self.flags(self.regions.values);
        abi::load_all(&mut self.b, flags, values, types)
    }

    /// Goes through a gate with three arguments.
    fn call_out(&mut self, gate: Gate, a: Value, b: Value, c: Value) {
        let gates = self.fixed(types::I64, self.vm, layout::VM_GATES);
        let gate = self.fixed(types::I64, gates, 8 * gate as usize);
        let signature = self.b.import_signature(abi::gate());
        self.b.ins().call_indirect(signature, gate, &[self.vm, a, b, c]);
    }

    /// Ends the function: constants that are known now, ways out.
    fn finish(&mut self, height: u32) {
        self.total_height = height;
        if let Some(inst) = self.height.take() {
            self.set_constant(inst, 1 << 32 | i64::from(height));
        }
        self.ways_out();
        self.b.func.sized_stack_slots[self.values].size = 8 * self.values_used;
    }

    /// The function's static height in slots, once it is walked.
    pub(crate) fn total_height(&self) -> u32 {
        self.total_height
    }

    /// The byte of the module at which the first operator starts, once it is walked.
    pub(crate) fn first_operator(&self) -> u32 {
        self.first_operator.map_or(0, |at| at as u32)
    }

    /// Whether it has to be interpreted: an exception leaves all frames of a run of machine code, and only an interpreted one
    /// below them catches it.
    pub(crate) fn catches(&self) -> bool {
        self.catches
    }

    /// The builder, for who finishes it.
    pub(crate) fn into_builder(self) -> FunctionBuilder<'a> {
        self.b
    }
}

impl Sink for Lower<'_> {
    fn begin(&mut self, head: BodyHead) {
        self.head = head;
        self.entry = self.source.entry_cost(head.locals).0 as u32;
    }

    fn locals(&mut self, locals: Locals<'_, '_>) {
        let entry = self.b.current_block().expect("the function has begun");
        for at in 2..self.b.block_params(entry).len() {
            let value = self.b.block_params(entry)[at];
            self.declare(value);
        }
        for (count, ty) in locals.runs() {
            let zero = abi::zero(&mut self.b, abi::of(ty));
            (0..count).for_each(|_| self.declare(zero));
        }
        // Entry: gas and budget, both looked at before anything happens.
        self.refused = Some(self.cold_block());
        self.b.set_srcloc(SourceLoc::new(CHARGE | LOOKED_AT));
        let left = self.pay(true);
        let spent = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, left, 0);
        self.refuse_if(spent);
        self.b.set_srcloc(SourceLoc::default());
        let own = self.constant(0);
        self.height = Some(self.instruction_of(own));
        self.budget = self.b.ins().isub(self.budget, own);
        let too_much = self.b.ins().band_imm_s(self.budget, layout::SPENT as i64);
        self.refuse_if(too_much);
        self.begin_frames();
    }

    fn see(&mut self, offset: usize, _: Op, _: &Arg<'_>) {
        let first = *self.first_operator.get_or_insert(offset);
        self.operator = (offset - first) as u32;
        self.b.set_srcloc(SourceLoc::new(self.operator));
    }

    fn operator(&mut self, op: Op, arg: &Arg<'_>, step: Step) -> Result<(), Box<LoadError>> {
        match op.row().group {
            Group::Control => self.control(op, arg, step),
            Group::Parametric | Group::Variable | Group::Reference | Group::Constant => self.variable(op, arg),
            Group::Load | Group::Store => self.access(op, arg),
            Group::Memory | Group::Table | Group::Bulk => self.memory(op, arg),
            Group::Pure | Group::Partial | Group::Wide => self.numeric(op, arg),
            Group::Vector | Group::VectorLoad | Group::VectorStore => self.vector(op, arg),
        }
        Ok(())
    }

    fn block(&mut self, closed: Option<u32>, opens: bool) {
        if let Some(cost) = closed {
            self.close(cost);
        }
        if opens {
            self.open();
        }
    }

    fn end(&mut self, height: u32) -> Result<Ended, LoadError> {
        self.finish(height);
        Ok(Ended::Done)
    }
}

/// A stand-in for a function that is interpreted, of the same signature: calls out.
pub(crate) fn stand_in(lower: &mut Lower<'_>, index: u32, ty: &FuncType) {
    let entry = lower.b.current_block().expect("the function has begun");
    let values = lower.values(ty.slots().0.max(ty.slots().1));
    let arguments = lower.b.block_params(entry)[2..].to_vec();
    lower.store_values(values, &arguments);
    let index = lower.constant(i64::from(index));
    lower.call_out(Gate::Interpreted, index, values, lower.budget);
    let returned = lower.load_values(values, ty.results());
    lower.b.ins().return_(&returned);
    lower.finish(0);
}

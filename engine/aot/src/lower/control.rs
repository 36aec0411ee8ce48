//! Blocks, branches, calls, variables.

use super::Lower;
use crate::abi;
use crate::enter::Gate;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    Block, BlockArg, BlockCall, ExtFuncData, ExternalName, FuncRef, InstBuilder, JumpTableData, Type, UserExternalName,
    Value, types,
};
use gristmill::Trap;
use gristmill::tier::{self, Arg, BlockType, Op, Step, layout};
use gristmill::wasm::types::ValType;

/// An open construct.
pub(super) struct Frame {
    kind: Kind,
    /// It is reachable.
    live: bool,
    /// Where a branch to its end goes.
    end: Block,
    /// How many values that carries, with their types.
    results: Vec<Type>,
    /// How many values a branch to it carries.
    carried: usize,
    /// Operands below it.
    height: usize,
    /// Something goes to its end.
    reached: bool,
}

enum Kind {
    Block,
    /// Branches go to its head.
    Loop(Block),
    /// What follows when the condition is zero, and the operands that both arms begin with.
    If(Block, Vec<Value>),
    Else,
}

fn arguments(values: &[Value]) -> Vec<BlockArg> {
    values.iter().map(|value| BlockArg::Value(*value)).collect()
}

impl Lower<'_> {
    /// Opens the function's own frame.
    pub(super) fn begin_frames(&mut self) {
        let ty = self.source.parsed().func_type(self.head.function);
        let results: Vec<Type> = ty.results().iter().map(|ty| abi::of(*ty)).collect();
        self.push_frame(Kind::Block, true, results, None, 0);
    }

    fn push_frame(&mut self, kind: Kind, live: bool, results: Vec<Type>, carried: Option<usize>, height: usize) {
        let end = self.b.create_block();
        for ty in &results {
            self.b.append_block_param(end, *ty);
        }
        let carried = carried.unwrap_or(results.len());
        self.frames.push(Frame { kind, live, end, results, carried, height, reached: false });
    }

    /// Types of a block's parameters and results.
    fn block_types(&self, ty: BlockType) -> (usize, Vec<Type>) {
        match ty {
            BlockType::Empty => (0, Vec::new()),
            BlockType::Type(ty) => (0, vec![abi::of_parser(ty)]),
            BlockType::FuncType(index) => {
                let ty = &self.source.parsed().types[index as usize];
                (ty.params().len(), ty.results().iter().map(|ty| abi::of(*ty)).collect())
            }
        }
    }

    fn top(&self, count: usize) -> Vec<Value> {
        self.stack[self.stack.len() - count..].to_vec()
    }

    /// Where a branch goes, and how many operands it carries there.
    fn target(&mut self, depth: u32) -> (Block, usize) {
        let at = self.frames.len() - 1 - depth as usize;
        let frame = &mut self.frames[at];
        match frame.kind {
            Kind::Loop(head) => (head, frame.carried),
            _ => {
                frame.reached = true;
                (frame.end, frame.carried)
            }
        }
    }

    pub(super) fn control(&mut self, op: Op, arg: &Arg<'_>, step: Step) {
        match (op, arg) {
            (Op::Nop, _) => {}
            (Op::Unreachable, _) => self.trap_now(Trap::Unreachable),
            (Op::Block | Op::Loop | Op::If, Arg::Block(ty)) => self.begin_block(op, *ty, step),
            (Op::TryTable, Arg::Try(table)) => {
                // The form is made whole, and thrown away.
                self.catches = true;
                if step.live {
                    for catch in &table.catches {
                        self.target(tier::catch_label(*catch));
                    }
                }
                self.begin_block(op, table.ty, step);
            }
            (Op::Throw, Arg::Index(tag)) => {
                let parsed = self.source.parsed();
                let ty = &parsed.types[parsed.tags[*tag as usize] as usize];
                self.throw((*tag).into(), ty.params().len(), ty.slots().0);
            }
            (Op::ThrowRef, _) => self.throw(tier::NO_TAG, 1, 1),
            (Op::Else, _) => self.begin_else(step),
            (Op::End, _) => self.end_block(step),
            (Op::Br, Arg::Index(depth)) => {
                let (to, count) = self.target(*depth);
                let carried = arguments(&self.top(count));
                self.b.ins().jump(to, &carried);
            }
            (Op::BrIf, Arg::Index(depth)) => {
                let condition = self.pop();
                self.branch_if(condition, *depth);
            }
            (Op::BrOnNull, Arg::Index(depth)) => {
                let value = self.pop();
                let null = self.b.ins().icmp_imm_s(IntCC::Equal, value, 0);
                self.branch_if(null, *depth);
                self.push(value);
            }
            (Op::BrOnNonNull, Arg::Index(depth)) => {
                let value = self.top(1)[0];
                let not_null = self.b.ins().icmp_imm_s(IntCC::NotEqual, value, 0);
                self.branch_if(not_null, *depth);
                self.pop();
            }
            (Op::BrTable, Arg::Table(table)) => {
                let index = self.pop();
                let mut calls = Vec::with_capacity(table.len() as usize + 1);
                for depth in table.targets().chain([Ok(table.default())]) {
                    let (to, count) = self.target(depth.expect("validated: targets are numbers"));
                    let carried = arguments(&self.top(count));
                    calls.push(BlockCall::new(to, carried, &mut self.b.func.dfg.value_lists));
                }
                let default = calls.pop().expect("the default is there");
                let table = self.b.create_jump_table(JumpTableData::new(default, &calls));
                self.b.ins().br_table(index, table);
            }
            (Op::Return, _) => self.return_top(),
            (Op::Call, Arg::Index(function)) => self.call(*function),
            (Op::ReturnCall, Arg::Index(function)) => self.return_call(*function),
            (Op::ReturnCallIndirect, Arg::Pair(ty, table)) => {
                let (callee, inside) = self.callee(*ty, *table);
                self.return_call_either(callee, *ty, inside);
            }
            (Op::CallIndirect, Arg::Pair(ty, table)) => self.call_indirect(*ty, *table),
            (Op::CallRef, Arg::Index(ty)) => {
                let (callee, inside) = self.referred();
                self.call_either(callee, *ty, inside);
            }
            (Op::ReturnCallRef, Arg::Index(ty)) => {
                let (callee, inside) = self.referred();
                self.return_call_either(callee, *ty, inside);
            }
            _ => unreachable!("not an operator of this group, or not its immediates"),
        }
    }

    /// Branches when `condition` is not zero.
    fn branch_if(&mut self, condition: Value, depth: u32) {
        let (to, count) = self.target(depth);
        let carried = arguments(&self.top(count));
        let next = self.b.create_block();
        self.b.ins().brif(condition, to, &carried, next, &[]);
        self.b.seal_block(next);
        self.b.switch_to_block(next);
    }

    fn begin_block(&mut self, op: Op, ty: BlockType, step: Step) {
        let (params, results) = self.block_types(ty);
        if !step.live {
            return self.push_frame(Kind::Block, false, results, None, self.stack.len());
        }
        let condition = (op == Op::If).then(|| self.pop());
        let height = self.stack.len() - params;
        match condition {
            None if op == Op::Loop => {
                let head = self.b.create_block();
                let carried = self.stack.split_off(height);
                for value in &carried {
                    let ty = self.b.func.dfg.value_type(*value);
                    self.b.append_block_param(head, ty);
                }
                self.b.ins().jump(head, &arguments(&carried));
                self.b.switch_to_block(head);
                self.stack.extend_from_slice(self.b.block_params(head));
                self.looks = true;
                self.push_frame(Kind::Loop(head), true, results, Some(params), height);
            }
            None => self.push_frame(Kind::Block, true, results, None, height),
            Some(condition) => {
                let (then, other) = (self.b.create_block(), self.b.create_block());
                self.b.ins().brif(condition, then, &[], other, &[]);
                self.b.seal_block(then);
                self.b.seal_block(other);
                self.b.switch_to_block(then);
                let operands = self.stack[height..].to_vec();
                self.push_frame(Kind::If(other, operands), true, results, None, height);
            }
        }
    }

    /// Throws what the topmost operands are: a way out that does not come back.
    fn throw(&mut self, tag: u64, operands: usize, slots: usize) {
        let values = self.values(slots);
        let operands = self.stack.split_off(self.stack.len() - operands);
        self.store_values(values, &operands);
        let tag = self.constant(tag as i64);
        self.call_out(Gate::Throw, tag, values, self.budget);
        self.b.ins().trap(abi::NEVER);
    }

    fn begin_else(&mut self, step: Step) {
        let frame = self.frames.last().expect("validated: `else` stands inside an `if`");
        let (end, count) = (frame.end, frame.results.len());
        if step.live {
            let carried = arguments(&self.top(count));
            self.b.ins().jump(end, &carried);
        }
        let frame = self.frames.last_mut().expect("as above");
        frame.reached |= step.live;
        if let Kind::If(other, operands) = std::mem::replace(&mut frame.kind, Kind::Else) {
            self.stack.truncate(frame.height);
            self.stack.extend(operands);
            self.b.switch_to_block(other);
        }
    }

    fn end_block(&mut self, step: Step) {
        let mut frame = self.frames.pop().expect("validated: every `end` has its construct");
        let count = frame.results.len();
        if step.live {
            let carried = arguments(&self.top(count));
            self.b.ins().jump(frame.end, &carried);
            frame.reached = true;
        }
        match frame.kind {
            Kind::If(other, operands) => {
                // No `else`: what goes in comes out.
                self.b.switch_to_block(other);
                self.b.ins().jump(frame.end, &arguments(&operands));
                frame.reached = true;
            }
            Kind::Loop(head) => self.b.seal_block(head),
            Kind::Block | Kind::Else => {}
        }
        if !frame.live {
            return;
        }
        self.stack.truncate(frame.height);
        self.b.seal_block(frame.end);
        if frame.reached {
            self.b.switch_to_block(frame.end);
            self.stack.extend_from_slice(self.b.block_params(frame.end));
        }
        if frame.reached && self.frames.is_empty() {
            let returned = self.top(count);
            self.b.ins().return_(&returned);
        }
    }

    fn call(&mut self, function: u32) {
        let parsed = self.source.parsed();
        let ty = parsed.functions[function as usize];
        if function < parsed.imported_functions {
            let imports = self.instance_field(layout::INSTANCE_IMPORTS);
            let callee = self.fixed(types::I64, imports, 8 * function as usize);
            return self.call_outside(callee, ty);
        }
        let count = parsed.types[ty as usize].params().len();
        let arguments = self.stack.split_off(self.stack.len() - count);
        let callee = self.own_function(function);
        let mut all = vec![self.vm, self.budget];
        all.extend(arguments);
        let call = self.b.ins().call(callee, &all);
        self.stack.extend_from_slice(self.b.inst_results(call));
    }

    fn own_function(&mut self, function: u32) -> FuncRef {
        let ty = self.source.parsed().functions[function as usize];
        let name = self.b.func.declare_imported_user_function(UserExternalName { namespace: 0, index: function });
        let signature = self.b.import_signature(self.signatures.of(ty).clone());
        let data = ExtFuncData { name: ExternalName::User(name), signature, colocated: true, patchable: false };
        self.b.import_function(data)
    }

    /// What a function in the place of this one is called with: the budget that this one got.
    fn tail_arguments(&mut self, params: usize) -> Vec<Value> {
        let entry = self.b.func.layout.entry_block().expect("the function has begun");
        let mut all = vec![self.vm, self.b.block_params(entry)[1]];
        all.extend(self.top(params));
        all
    }

    fn return_call(&mut self, function: u32) {
        if function < self.source.parsed().imported_functions {
            self.call(function);
            return self.return_top();
        }
        let callee = self.own_function(function);
        let all = self.tail_arguments(self.source.parsed().func_type(function).params().len());
        self.b.ins().return_call(callee, &all);
    }

    /// Returns the topmost values.
    fn return_top(&mut self) {
        let returned = self.top(self.frames[0].results.len());
        self.b.ins().return_(&returned);
    }

    pub(super) fn instance_field(&mut self, at: usize) -> Value {
        let instance = self.fixed(types::I64, self.vm, layout::VM_INSTANCE);
        self.fixed(types::I64, instance, at)
    }

    /// Calls a function that may be anybody's.
    fn call_outside(&mut self, callee: Value, ty: u32) {
        let ty = &self.source.parsed().types[ty as usize];
        let arguments = self.stack.split_off(self.stack.len() - ty.params().len());
        let values = self.values(ty.slots().0.max(ty.slots().1));
        self.store_values(values, &arguments);
        self.call_out(Gate::Call, callee, values, self.budget);
        let results = self.load_values(values, ty.results());
        self.stack.extend(results);
    }

    fn call_indirect(&mut self, ty: u32, table: u32) {
        let (callee, inside) = self.callee(ty, table);
        self.call_either(callee, ty, inside);
    }

    /// The function of a call through a table, and whether it is of this instance.
    fn callee(&mut self, ty: u32, table: u32) -> (Value, Value) {
        let index = self.pop();
        let index = self.index(index);
        let tables = self.instance_field(layout::INSTANCE_TABLES);
        let table = self.fixed(types::I64, tables, 8 * table as usize);
        let flags = self.flags(self.regions.tables);
        let len = self.b.ins().load(types::I64, flags, table, layout::TABLE_LEN as i32);
        let outside = self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, index, len);
        self.trap_if(outside, Trap::UndefinedElement);
        let start = self.b.ins().load(types::I64, flags, table, layout::TABLE_START as i32);
        let at = self.b.ins().ishl_imm_u(index, 3);
        let at = self.b.ins().iadd(start, at);
        let callee = self.b.ins().load(types::I64, flags, at, 0);
        let null = self.b.ins().icmp_imm_s(IntCC::Equal, callee, 0);
        self.trap_if(null, Trap::UninitializedElement);
        let expected = match self.source.type_key(ty) {
            Some(key) => self.constant(key as i64),
            None => {
                let keys = self.instance_field(layout::INSTANCE_KEYS);
                self.fixed(types::I64, keys, 8 * ty as usize)
            }
        };
        let key = self.b.ins().load(types::I64, flags, callee, layout::FUNC_KEY as i32);
        let differs = self.b.ins().icmp(IntCC::NotEqual, key, expected);
        self.trap_if(differs, Trap::IndirectCallTypeMismatch);
        (callee, self.is_ours(callee))
    }

    /// The function that the reference on top refers to, and whether it is of this instance.
    fn referred(&mut self) -> (Value, Value) {
        let callee = self.pop();
        self.not_null(callee);
        (callee, self.is_ours(callee))
    }

    fn is_ours(&mut self, callee: Value) -> Value {
        let flags = self.flags(self.regions.tables);
        let ours = self.fixed(types::I64, self.vm, layout::VM_INSTANCE);
        let theirs = self.b.ins().load(types::I64, flags, callee, layout::FUNC_INSTANCE as i32);
        self.b.ins().icmp(IntCC::Equal, ours, theirs)
    }

    fn not_null(&mut self, reference: Value) {
        let null = self.b.ins().icmp_imm_s(IntCC::Equal, reference, 0);
        self.trap_if(null, Trap::NullReference);
    }

    /// Calls a function of this instance in the place of this one; any other, and returns what that does.
    fn return_call_either(&mut self, callee: Value, ty: u32, inside: Value) {
        let (near, far) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(far);
        self.b.ins().brif(inside, near, &[], far, &[]);
        self.b.seal_block(near);
        self.b.seal_block(far);

        self.b.switch_to_block(near);
        let flags = self.flags(self.regions.tables);
        let native = self.b.ins().load(types::I64, flags, callee, layout::FUNC_NATIVE as i32);
        let signature = self.b.import_signature(self.signatures.of(ty).clone());
        let all = self.tail_arguments(self.source.parsed().types[ty as usize].params().len());
        self.b.ins().return_call_indirect(signature, native, &all);

        self.b.switch_to_block(far);
        self.call_outside(callee, ty);
        self.return_top();
    }

    /// Calls a function of this instance by its machine code, another by the way out.
    fn call_either(&mut self, callee: Value, ty: u32, inside: Value) {
        let (near, far, next) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        let func_type = &self.source.parsed().types[ty as usize];
        for result in func_type.results() {
            self.b.append_block_param(next, abi::of(*result));
        }
        self.b.set_cold_block(far);
        self.b.ins().brif(inside, near, &[], far, &[]);
        self.b.seal_block(near);
        self.b.seal_block(far);
        let count = func_type.params().len();
        let operands = self.top(count);

        self.b.switch_to_block(near);
        let flags = self.flags(self.regions.tables);
        let native = self.b.ins().load(types::I64, flags, callee, layout::FUNC_NATIVE as i32);
        let signature = self.b.import_signature(self.signatures.of(ty).clone());
        let mut all = vec![self.vm, self.budget];
        all.extend(operands);
        let call = self.b.ins().call_indirect(signature, native, &all);
        let results = arguments(self.b.inst_results(call));
        self.b.ins().jump(next, &results);

        self.b.switch_to_block(far);
        let height = self.stack.len() - count;
        self.call_outside(callee, ty);
        let results = arguments(&self.stack.split_off(height));
        self.b.ins().jump(next, &results);

        self.b.seal_block(next);
        self.b.switch_to_block(next);
        self.stack.extend_from_slice(self.b.block_params(next));
    }

    pub(super) fn variable(&mut self, op: Op, arg: &Arg<'_>) {
        match (op, arg) {
            (Op::Drop, _) => {
                self.pop();
            }
            (Op::Select | Op::TypedSelect, _) => {
                let condition = self.pop();
                let (first, second) = self.pop_two();
                let value = self.b.ins().select(condition, first, second);
                self.push(value);
            }
            (Op::LocalGet, Arg::Index(local)) => {
                let value = self.b.use_var(self.locals[*local as usize]);
                self.push(value);
            }
            (Op::LocalSet, Arg::Index(local)) => {
                let value = self.pop();
                self.b.def_var(self.locals[*local as usize], value);
            }
            (Op::LocalTee, Arg::Index(local)) => {
                let value = *self.stack.last().expect("validated: the operand is there");
                self.b.def_var(self.locals[*local as usize], value);
            }
            (Op::GlobalGet, Arg::Index(global)) => {
                let ty = abi::of(self.source.parsed().globals[*global as usize].content);
                let (at, flags) = (self.global(*global), self.flags(self.regions.globals));
                let value = self.b.ins().load(ty, flags, at, 0);
                self.push(value);
            }
            (Op::GlobalSet, Arg::Index(global)) => {
                let value = self.pop();
                let slot = abi::to_slot(&mut self.b, value);
                let (at, flags) = (self.global(*global), self.flags(self.regions.globals));
                self.b.ins().store(flags, slot, at, 0);
            }
            (Op::RefNull, _) => {
                let null = self.constant(0);
                self.push(null);
            }
            (Op::RefIsNull, _) => {
                let value = self.pop();
                let null = self.b.ins().icmp_imm_s(IntCC::Equal, value, 0);
                let null = self.b.ins().uextend(types::I32, null);
                self.push(null);
            }
            (Op::RefAsNonNull, _) => {
                let value = self.top(1)[0];
                self.not_null(value);
            }
            (Op::RefFunc, _) => self.out_of_line(op, arg, 0, &[ValType::FUNCREF]),
            (Op::I32Const, Arg::Bits(bits)) => {
                let value = self.b.ins().iconst(types::I32, i64::from(*bits as u32));
                self.push(value);
            }
            (Op::I64Const, Arg::Bits(bits)) => {
                let value = self.constant(*bits as i64);
                self.push(value);
            }
            (Op::F32Const, Arg::Bits(bits)) => {
                let value = self.b.ins().f32const(f32::from_bits(*bits as u32));
                self.push(value);
            }
            (Op::F64Const, Arg::Bits(bits)) => {
                let value = self.b.ins().f64const(f64::from_bits(*bits));
                self.push(value);
            }
            (Op::V128Const, Arg::Bytes(bytes)) => self.vector_constant(bytes),
            _ => unreachable!("not an operator of these groups, or not its immediates"),
        }
    }

    /// The address of a global's value.
    fn global(&mut self, index: u32) -> Value {
        let globals = self.fixed(types::I64, self.vm, layout::VM_GLOBALS);
        self.fixed(types::I64, globals, 8 * index as usize)
    }
}

//! Execution: a stack of values, a stack of labels, a stack of frames.

use crate::body::{Body, Immediate, Step, label};
use crate::memory::refused;
use crate::store::{Func, Host, Span, Store, Table, range, range_mut};
use crate::types::Named;
use crate::vector;
use gristmill::wasm::isa::{Group, Op, Ty};
use gristmill::{Fault, Guest, Particles, Stop, Trap};
use std::rc::Rc;
use wasmparser::{Catch, ValType};

/// A function being executed.
pub(crate) struct Frame {
    pub(crate) instance: usize,
    body: Rc<Body>,
    /// The next operator.
    at: usize,
    /// Where its locals start among the values.
    locals: usize,
    /// Where its labels start.
    labels: usize,
    results: usize,
}

/// An open block: where a branch to it goes on and what it keeps.
struct Label {
    to: usize,
    arity: usize,
    height: usize,
    is_loop: bool,
    /// The position of the `try_table` that it is of, if it is of one.
    catches: Option<usize>,
}

/// What comes after an operator.
enum Next {
    Step,
    Jump(usize),
    Call(usize),
    TailCall(usize),
}

pub(crate) struct Machine<'a> {
    pub(crate) store: &'a mut Store,
    host: &'a mut dyn Host,
    pub(crate) values: Vec<u128>,
    labels: Vec<Label>,
    frames: Vec<Frame>,
    /// Static heights of the live frames.
    slots: u64,
}

impl Store {
    /// Calls a function with raw argument slots; returns its result slots.
    ///
    /// # Errors
    /// Whatever ends the run early.
    pub fn invoke(&mut self, host: &mut dyn Host, func: usize, args: &[u64]) -> Result<Vec<u64>, Stop> {
        let ty = self.funcs[func].ty().clone();
        let results = self.invoke_values(host, func, from_slots(ty.params(), args))?;
        Ok(to_slots(ty.results(), &results))
    }

    /// The same with values, which have 128 bits whatever their type.
    ///
    /// # Errors
    /// Whatever ends the run early.
    pub fn invoke_values(&mut self, host: &mut dyn Host, func: usize, values: Vec<u128>) -> Result<Vec<u128>, Stop> {
        if self.spent {
            return Err(Fault::Spent.into());
        }
        assert_eq!(self.funcs[func].ty().params().len(), values.len(), "the caller knows the function's type");
        let mut machine = Machine { store: self, host, values, labels: Vec::new(), frames: Vec::new(), slots: 0 };
        let end = machine.enter(func, None).and_then(|()| machine.run());
        let values = machine.values;
        self.spent |= end == Err(Stop::Trap(Trap::OutOfGas));
        end.map(|()| values)
    }
}

impl Machine<'_> {
    fn run(&mut self) -> Result<(), Stop> {
        while let Some(frame) = self.frames.last() {
            let body = Rc::clone(&frame.body);
            let mut at = frame.at;
            loop {
                let Some(step) = body.steps.get(at) else {
                    self.leave();
                    break;
                };
                self.store.meter.charge(Particles(step.cost))?;
                self.store.blocks += u64::from(step.cut);
                match self.step(step, at) {
                    Ok(Next::Step) => at += 1,
                    Ok(Next::Jump(to)) => at = to,
                    Ok(Next::Call(func)) => {
                        let frame = self.frame();
                        frame.at = at + 1;
                        let caller = frame.instance;
                        self.enter(func, Some(caller))?;
                        break;
                    }
                    Ok(Next::TailCall(func)) => {
                        self.tail_call(func)?;
                        break;
                    }
                    Err(Stop::Trap(trap)) => {
                        // The whole block had to be paid before any of it happened.
                        self.store.meter.charge(Particles(body.rest_of_block(at)))?;
                        return Err(trap.into());
                    }
                    Err(Stop::Exception) => {
                        self.catch()?;
                        break;
                    }
                    Err(stop) => return Err(stop),
                }
            }
        }
        Ok(())
    }

    /// Leaves blocks and functions up to the one that catches the exception that is thrown, and goes where that wants it.
    fn catch(&mut self) -> Result<(), Stop> {
        let (clause_cost, unwind_cost) = (self.store.schedule.clause_cost(), self.store.schedule.unwind_cost(1));
        while let Some(frame) = self.frames.last() {
            let (body, instance, first, locals) = (Rc::clone(&frame.body), frame.instance, frame.labels, frame.locals);
            while self.labels.len() > first {
                let Some(Label { catches: Some(at), .. }) = self.labels.pop() else { continue };
                let Immediate::Try { catches, .. } = &body.steps[at].immediate else {
                    unreachable!("the label of a try_table")
                };
                for catch in catches {
                    self.store.meter.charge(clause_cost)?;
                    let (tag, with_reference) = match *catch {
                        Catch::One { tag, .. } => (Some(tag), false),
                        Catch::OneRef { tag, .. } => (Some(tag), true),
                        Catch::All { .. } => (None, false),
                        Catch::AllRef { .. } => (None, true),
                    };
                    let tag = tag.map(|tag| self.store.instances[instance].tags[tag as usize]);
                    if tag.is_some_and(|tag| tag != self.store.exceptions.thrown().tag) {
                        continue;
                    }
                    let (carried, reference) = self.store.exceptions.caught(with_reference);
                    self.values.extend(tag.map(|_| carried).unwrap_or_default());
                    if with_reference {
                        self.push(reference);
                    }
                    if let Next::Jump(to) = self.branch(label(catch)) {
                        self.frame().at = to;
                    }
                    return Ok(());
                }
            }
            self.store.meter.charge(unwind_cost)?;
            self.values.truncate(locals);
            self.slots -= u64::from(body.height);
            self.frames.pop();
        }
        Err(Stop::Exception)
    }

    /// Enters a function whose arguments are the topmost values: entry charge, depth, stack.
    fn enter(&mut self, func: usize, caller: Option<usize>) -> Result<(), Stop> {
        match &self.store.funcs[func] {
            Func::Wasm { instance, ty, body, .. } => {
                let (instance, body) = (*instance, Rc::clone(body));
                let (params, results) = (ty.params().len(), ty.results().len());
                self.store.meter.charge(self.store.schedule.entry_cost(body.local_slots))?;
                if self.frames.len() >= self.store.limits.call_depth as usize {
                    return Err(Trap::CallDepth.into());
                }
                if self.slots + u64::from(body.height) > u64::from(self.store.limits.stack_slots) {
                    return Err(Trap::StackSlots.into());
                }
                self.slots += u64::from(body.height);
                let locals = self.values.len() - params;
                self.values.resize(self.values.len() + body.locals as usize, 0);
                let labels = self.labels.len();
                let (to, height) = (body.steps.len(), self.values.len());
                self.labels.push(Label { to, arity: results, height, is_loop: false, catches: None });
                self.frames.push(Frame { instance, body, at: 0, locals, labels, results });
            }
            Func::Host { number, ty } => {
                let (number, ty) = (*number, ty.clone());
                let args = self.values.split_off(self.values.len() - ty.params().len());
                let args = to_slots(ty.params(), &args);
                let memory = caller.and_then(|instance| self.store.instances[instance].memories.first());
                let memory = match memory {
                    Some(&memory) => self.store.memories[memory].bytes.as_mut_slice(),
                    None => &mut [],
                };
                let mut guest = Guest::new(memory, &mut self.store.meter);
                let results = self.host.call(number, &mut guest, &args)?;
                self.values.extend(from_slots(ty.results(), &results));
            }
        }
        Ok(())
    }

    /// Calls a function of the same instance in the place of the running one; any other, and then returns.
    fn tail_call(&mut self, func: usize) -> Result<(), Stop> {
        let caller = self.frame().instance;
        match &self.store.funcs[func] {
            Func::Wasm { instance, ty, .. } if *instance == caller => {
                let params = ty.params().len();
                self.frame().results = params;
                // What it leaves are the arguments.
                self.leave();
            }
            _ => {
                let frame = self.frame();
                frame.at = frame.body.steps.len();
            }
        }
        self.enter(func, Some(caller))
    }

    /// Leaves the function: its results take the place of its arguments.
    fn leave(&mut self) {
        if let Some(frame) = self.frames.pop() {
            self.keep(frame.results, frame.locals);
            self.labels.truncate(frame.labels);
            self.slots -= u64::from(frame.body.height);
        }
    }

    /// Drops everything above `height` but the topmost `count` values.
    fn keep(&mut self, count: usize, height: usize) {
        let kept = self.values.len() - count;
        self.values.drain(height..kept);
    }

    fn branch(&mut self, depth: u32) -> Next {
        let index = self.labels.len() - 1 - depth as usize;
        let Label { to, arity, height, is_loop, .. } = self.labels[index];
        self.keep(arity, height);
        self.labels.truncate(index + usize::from(is_loop));
        Next::Jump(to)
    }

    pub(crate) fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("an operator runs in a frame")
    }

    /// A value of any type.
    pub(crate) fn pop_value(&mut self) -> u128 {
        self.values.pop().expect("validation: operands are there")
    }

    pub(crate) fn pop(&mut self) -> u64 {
        self.pop_value() as u64
    }

    pub(crate) fn push(&mut self, value: u64) {
        self.values.push(value.into());
    }

    /// What the reference on top refers to, by number.
    fn pop_reference(&mut self) -> Result<usize, Trap> {
        Ok(self.pop().checked_sub(1).ok_or(Trap::NullReference)? as usize)
    }

    fn pop_u32(&mut self) -> u32 {
        self.pop() as u32
    }

    /// The operands of a bulk operator, in order.
    pub(crate) fn pop3(&mut self) -> Span {
        let (c, b, a) = (self.pop(), self.pop(), self.pop());
        (a, b, c)
    }

    fn local(&mut self, step: &Step) -> &mut u128 {
        let index = self.frame().locals + index(step);
        &mut self.values[index]
    }

    fn global(&mut self, step: &Step) -> &mut u128 {
        let instance = self.frame().instance;
        let global = self.store.instances[instance].globals[index(step)];
        &mut self.store.globals[global].value
    }

    fn table(&mut self, table: usize) -> &mut Table {
        let instance = self.frame().instance;
        let table = self.store.instances[instance].tables[table];
        &mut self.store.tables[table]
    }

    fn step(&mut self, step: &Step, at: usize) -> Result<Next, Stop> {
        match step.op.row().group {
            Group::Control => return self.control(step, at),
            Group::Pure | Group::Partial => {
                let first = self.values.len() - step.op.row().params.len();
                let operands: Vec<_> = self.values.drain(first..).map(|value| value as u64).collect();
                self.push(step.op.eval(&operands)?);
            }
            Group::Wide => {
                let first = self.values.len() - step.op.row().params.len();
                let operands: Vec<_> = self.values.drain(first..).map(|value| value as u64).collect();
                self.wide(step.op, &operands);
            }
            Group::Constant => self.values.push(bits(step)),
            Group::Parametric | Group::Variable => self.variable(step),
            Group::Load => self.load(step)?,
            Group::Store => self.store(step)?,
            Group::Vector => self.vector(step),
            Group::VectorLoad | Group::VectorStore => self.vector_access(step)?,
            Group::Table | Group::Reference | Group::Memory => self.table_or_reference(step)?,
            Group::Bulk => self.bulk(step)?,
        }
        Ok(Next::Step)
    }

    fn control(&mut self, step: &Step, at: usize) -> Result<Next, Stop> {
        Ok(match (step.op, &step.immediate) {
            (Op::Unreachable, _) => return Err(Trap::Unreachable.into()),
            (Op::Nop, _) => Next::Step,
            (Op::Block, &Immediate::Block { params, results, end, .. }) => {
                self.open(end, params, results);
                Next::Step
            }
            (Op::TryTable, Immediate::Try { block, .. }) => {
                if let Immediate::Block { params, results, end, .. } = **block {
                    self.open(end, params, results);
                }
                self.labels.last_mut().expect("just opened").catches = Some(at);
                Next::Step
            }
            (Op::Throw, &Immediate::Index(tag)) => {
                let instance = self.frame().instance;
                let tag = self.store.instances[instance].tags[tag as usize];
                let (module, ty) = &self.store.tags[tag];
                let types = module.types[*ty as usize].params().to_vec();
                let carried = self.values.split_off(self.values.len() - types.len());
                let slots = to_slots(&types, &carried).len() as u64;
                self.store.make_exception(tag, carried, slots)?;
                return Err(Stop::Exception);
            }
            (Op::ThrowRef, _) => {
                let reference = self.pop_reference()? as u64 + 1;
                self.store.exceptions.throw(reference);
                return Err(Stop::Exception);
            }
            (Op::Loop, &Immediate::Block { params, .. }) => {
                let height = self.values.len() - params;
                self.labels.push(Label { to: at + 1, arity: params, height, is_loop: true, catches: None });
                Next::Step
            }
            (Op::If, &Immediate::Block { params, results, end, otherwise }) => {
                if self.pop_u32() != 0 {
                    self.open(end, params, results);
                    Next::Step
                } else if let Some(otherwise) = otherwise {
                    self.open(end, params, results);
                    Next::Jump(otherwise)
                } else {
                    Next::Jump(end)
                }
            }
            // Reached at the end of the taken arm: on behind the `end` of the other.
            (Op::Else, _) => Next::Jump(self.labels.pop().expect("validation: else inside an if").to),
            (Op::End, _) => {
                self.labels.pop();
                Next::Step
            }
            (Op::Br, &Immediate::Index(depth)) => self.branch(depth),
            (Op::BrIf, &Immediate::Index(depth)) => {
                if self.pop_u32() != 0 {
                    self.branch(depth)
                } else {
                    Next::Step
                }
            }
            (Op::BrTable, Immediate::Labels(labels)) => {
                let chosen = (self.pop_u32() as usize).min(labels.len() - 1);
                self.branch(labels[chosen])
            }
            (Op::Return, _) => Next::Jump(self.frame().body.steps.len()),
            (Op::Call | Op::ReturnCall, &Immediate::Index(func)) => {
                let instance = self.frame().instance;
                let func = self.store.instances[instance].funcs[func as usize];
                if step.op == Op::Call { Next::Call(func) } else { Next::TailCall(func) }
            }
            (Op::CallIndirect | Op::ReturnCallIndirect, &Immediate::Pair(ty, table)) => {
                let element = self.pop() as usize;
                let &slot = self.table(table as usize).elements.get(element).ok_or(Trap::UndefinedElement)?;
                let func = slot.checked_sub(1).ok_or(Trap::UninitializedElement)? as usize;
                let instance = &self.store.instances[self.frames.last().map_or(0, |f| f.instance)];
                if !self.store.funcs[func].is_of(Named { module: &instance.module, index: ty }) {
                    return Err(Trap::IndirectCallTypeMismatch.into());
                }
                if step.op == Op::CallIndirect { Next::Call(func) } else { Next::TailCall(func) }
            }
            (Op::CallRef | Op::ReturnCallRef, _) => {
                let func = self.pop_reference()?;
                if step.op == Op::CallRef { Next::Call(func) } else { Next::TailCall(func) }
            }
            (Op::BrOnNull, &Immediate::Index(depth)) => {
                let reference = self.pop();
                if reference == 0 {
                    self.branch(depth)
                } else {
                    self.push(reference);
                    Next::Step
                }
            }
            (Op::BrOnNonNull, &Immediate::Index(depth)) => {
                let reference = self.pop();
                if reference == 0 {
                    Next::Step
                } else {
                    self.push(reference);
                    self.branch(depth)
                }
            }
            _ => return Err(Fault::Internal("control operator without its immediate").into()),
        })
    }

    fn open(&mut self, end: usize, params: usize, results: usize) {
        let height = self.values.len() - params;
        self.labels.push(Label { to: end, arity: results, height, is_loop: false, catches: None });
    }

    fn variable(&mut self, step: &Step) {
        match step.op {
            Op::Drop => {
                self.pop_value();
            }
            Op::Select | Op::TypedSelect => {
                let (condition, second, first) = (self.pop_u32(), self.pop_value(), self.pop_value());
                self.values.push(if condition != 0 { first } else { second });
            }
            Op::LocalGet => {
                let value = *self.local(step);
                self.values.push(value);
            }
            Op::LocalSet => {
                let value = self.pop_value();
                *self.local(step) = value;
            }
            Op::LocalTee => {
                let value = self.pop_value();
                *self.local(step) = value;
                self.values.push(value);
            }
            Op::GlobalGet => {
                let value = *self.global(step);
                self.values.push(value);
            }
            _ => {
                let value = self.pop_value();
                *self.global(step) = value;
            }
        }
    }

    /// By halves and carries: not as the engine does it.
    fn wide(&mut self, op: Op, operands: &[u64]) {
        let (low, high) = match (op, operands) {
            (Op::I64Add128, &[a, b, c, d]) => {
                let (low, carry) = a.overflowing_add(c);
                (low, b.wrapping_add(d).wrapping_add(carry.into()))
            }
            (Op::I64Sub128, &[a, b, c, d]) => {
                let (low, borrow) = a.overflowing_sub(c);
                (low, b.wrapping_sub(d).wrapping_sub(borrow.into()))
            }
            (_, &[a, b]) => {
                let (a0, a1, b0, b1) = (a & 0xffff_ffff, a >> 32, b & 0xffff_ffff, b >> 32);
                let middle = a1 * b0 + ((a0 * b0) >> 32);
                let (rest, carry) = (a0 * b1 + (middle & 0xffff_ffff), middle >> 32);
                let high = a1 * b1 + carry + (rest >> 32);
                // Each negative factor was taken for 2^64 more than it is.
                let less = |factor: u64, other: u64| if op == Op::I64MulWideS && factor >> 63 == 1 { other } else { 0 };
                (a.wrapping_mul(b), high.wrapping_sub(less(a, b)).wrapping_sub(less(b, a)))
            }
            _ => unreachable!("validation: operands are there"),
        };
        self.push(low);
        self.push(high);
    }

    fn vector(&mut self, step: &Step) {
        let row = step.op.row();
        let mut operands = self.values.split_off(self.values.len() - row.params.len());
        if let Immediate::Bits(bits) = step.immediate {
            operands.push(bits);
        }
        // A float's bits; whatever is not a vector has 64 of them at most.
        self.values.push(vector::eval(row.name, &operands));
        debug_assert!(row.results == [Ty::v128] || self.values.last().is_some_and(|value| *value >> 64 == 0));
    }

    fn table_or_reference(&mut self, step: &Step) -> Result<(), Stop> {
        let instance = self.frame().instance;
        match step.op {
            Op::TableGet => {
                let element = self.pop() as usize;
                let value = self.table(index(step)).elements.get(element).copied();
                self.push(value.ok_or(Trap::TableOutOfBounds)?);
            }
            Op::TableSet => {
                let (value, element) = (self.pop(), self.pop() as usize);
                *self.table(index(step)).elements.get_mut(element).ok_or(Trap::TableOutOfBounds)? = value;
            }
            Op::TableSize => {
                let size = self.table(index(step)).elements.len() as u64;
                self.push(size);
            }
            Op::ElemDrop => self.store.instances[instance].elements[index(step)].clear(),
            Op::DataDrop => self.store.instances[instance].data[index(step)].clear(),
            Op::MemorySize => {
                let pages = self.memory(index(step)).pages();
                self.push(pages);
            }
            Op::RefNull => self.values.push(0),
            Op::RefAsNonNull => {
                let reference = self.pop_reference()?;
                self.push(reference as u64 + 1);
            }
            Op::RefIsNull => {
                let is_null = self.pop() == 0;
                self.values.push(is_null.into());
            }
            _ => {
                let func = self.store.instances[instance].funcs[index(step)];
                self.push(func as u64 + 1);
            }
        }
        Ok(())
    }

    /// Operators with a dynamic charge: operands first, then the charge, then bounds, then the act.
    fn bulk(&mut self, step: &Step) -> Result<(), Stop> {
        let schedule = self.store.schedule;
        let instance = self.frame().instance;
        match (step.op, &step.immediate) {
            (Op::MemoryGrow | Op::MemoryInit | Op::MemoryCopy | Op::MemoryFill, immediate) => {
                return self.bulk_memory(step.op, immediate);
            }
            (Op::TableInit, &Immediate::Pair(segment, table)) => {
                let (to, from, len) = self.pop3();
                self.store.meter.charge(schedule.table_cost(len))?;
                self.store.table_init(instance, table, segment, (to, from, len))?;
            }
            (Op::TableCopy, &Immediate::Pair(target, source)) => {
                let (to, from, len) = self.pop3();
                self.store.meter.charge(schedule.table_cost(len))?;
                let source = range(&self.table(source as usize).elements, from, len).map(<[u64]>::to_vec);
                let source = source.ok_or(Trap::TableOutOfBounds)?;
                let target = range_mut(&mut self.table(target as usize).elements, to, len);
                target.ok_or(Trap::TableOutOfBounds)?.copy_from_slice(&source);
            }
            (Op::TableFill, &Immediate::Index(table)) => {
                let (len, value, to) = (self.pop(), self.pop(), self.pop());
                self.store.meter.charge(schedule.table_cost(len))?;
                let elements = &mut self.table(table as usize).elements;
                range_mut(elements, to, len).ok_or(Trap::TableOutOfBounds)?.fill(value);
            }
            (Op::TableGrow, &Immediate::Index(table)) => {
                let (delta, value) = (self.pop(), self.pop());
                let grown = self.grow_table(table as usize, delta, value)?;
                self.push(grown);
            }
            _ => return Err(Fault::Internal("bulk operator without its immediate").into()),
        }
        Ok(())
    }

    /// As for memories, in elements.
    fn grow_table(&mut self, table: usize, delta: u64, value: u64) -> Result<u64, Stop> {
        let cap = u64::from(self.store.limits.table_elements);
        let Table { elements, ty, .. } = self.table(table);
        let (size, most) = (elements.len() as u64, ty.maximum.map_or(cap, |max| max.min(cap)));
        if u128::from(size) + u128::from(delta) > most.into() {
            return Ok(refused(ty.table64));
        }
        self.store.meter.charge(self.store.schedule.table_cost(delta))?;
        let elements = &mut self.table(table).elements;
        elements.try_reserve_exact(delta as usize).map_err(|_| Fault::OutOfMemory)?;
        elements.resize((size + delta) as usize, value);
        Ok(size)
    }
}

/// The index behind an operator.
fn index(step: &Step) -> usize {
    match step.immediate {
        Immediate::Index(index) => index as usize,
        _ => unreachable!("the decoder gives an index to every operator that asks for one"),
    }
}

/// The constant behind an operator.
fn bits(step: &Step) -> u128 {
    match step.immediate {
        Immediate::Bits(bits) => bits,
        _ => unreachable!("the decoder gives bits to every operator that asks for them"),
    }
}

/// Values of these types from slots, of which a vector has two, the lower half first.
fn from_slots(types: &[ValType], slots: &[u64]) -> Vec<u128> {
    let mut slots = slots.iter().map(|slot| u128::from(*slot));
    let mut slot = || slots.next().expect("the caller knows the function's type");
    types.iter().map(|ty| if *ty == ValType::V128 { slot() | slot() << 64 } else { slot() }).collect()
}

/// The slots of values of these types.
fn to_slots(types: &[ValType], values: &[u128]) -> Vec<u64> {
    let halves = |(ty, value): (&ValType, &u128)| {
        let slots = [*value as u64, (*value >> 64) as u64];
        slots.into_iter().take(if *ty == ValType::V128 { 2 } else { 1 })
    };
    types.iter().zip(values).flat_map(halves).collect()
}

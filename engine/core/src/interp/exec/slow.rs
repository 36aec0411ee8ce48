//! What the fast path leaves out: calls out of the instance, entries that need a look, and rare operators.

use super::body::{Flow, Regs};
use super::exception;
use super::frames::Trapped;
use super::machine::{index_of, with_list};
use super::memory::Memory;
use super::native;
use super::prepared::Prepared;
use super::vm::{Across, Func, Instance, Table, Vm, budget_of};
use crate::error::{Fault, Stop, Trap};
use crate::gas::Particles;
use crate::interp::code::{Family, HEADER_WORDS, Word};
use crate::wasm::isa::{Group, Op, ROWS};
use crate::wasm::load::{ConstExpr, ConstStep};

/// Where calls across instances return to: a call's two words, whose frame distance is 0, and the op that returns.
pub(super) static ACROSS: [Word; 3] = [Word(0), Word(0), Word::new(Family::ReturnAcross.effect(0), 0, 0, 0)];

/// Where the entry function of a run returns to.
pub(crate) static EXIT: [Word; 3] = [Word(0), Word(0), Word::new(Family::Exit.effect(0), 0, 0, 0)];

pub(super) unsafe fn registers(vm: *mut Vm) -> Regs {
    // SAFETY: `vm` is the running machine (callers' promise).
    unsafe {
        let saved = (*vm).saved;
        let memory: &Memory = &*(*vm).memory;
        Regs { vm, pc: saved.pc, fp: saved.fp, mem: memory.data_ptr(), acc: saved.acc }
    }
}

pub(super) unsafe fn save(r: &Regs) {
    // SAFETY: `vm` is the running machine (callers' promise).
    let saved = unsafe { &mut (*r.vm).saved };
    (saved.pc, saved.fp, saved.acc) = (r.pc, r.fp, r.acc);
}

fn stop(vm: &mut Vm, stop: Stop) -> Flow {
    match stop {
        Stop::Trap(trap) => Flow::Trap(trap),
        other => {
            vm.stop = Some(other);
            Flow::Stop
        }
    }
}

/// Calls a host function: [`HostCall`](super::vm::HostCall). A jump, and a function of its own so that no handler has an
/// indirect call: `xtask tails` would have to tell it from a dispatch that is no jump.
///
/// # Safety
/// `vm` is the running machine, `callee` is a host function of its arena, and `args` lies in its stack with room for
/// parameters and results.
#[inline(never)]
pub(crate) unsafe fn call_host(vm: *mut Vm, callee: *const Func, args: *mut u64) -> *mut u64 {
    // SAFETY: the caller's promise; host functions reach the machine only through the store, while nothing here refers to it.
    unsafe { ((*callee).entry)(vm, callee, args) }
}

/// Calls a host function, or a function of any instance, by the call op in the saved registers.
///
/// # Safety
/// `vm` is the running machine, its saved registers stand at a call op, and `callee` is a function of its arena.
#[inline(never)]
pub(crate) unsafe fn call(vm: *mut Vm, callee: *const Func) -> Flow {
    // SAFETY: the caller's promise.
    unsafe {
        let mut r = registers(vm);
        let base = r.word().a();
        let fp = r.fp.add(usize::from(base));
        let flow = if (*callee).instance.is_null() {
            let fp = call_host(vm, callee, fp);
            if fp.is_null() {
                // A run inside of it may have left its own.
                save(&r);
                return exception::stopped(vm, (*vm).stopped_at);
            }
            (r.fp, r.acc) = (fp.sub(usize::from(base)), *fp);
            let cost = r.extension().low();
            r.pc = r.pc.add(2);
            r.pay(cost)
        } else if native::takes(vm, callee) {
            let (fp, called) = call_native(vm, callee, fp);
            r.fp = fp.sub(usize::from(base));
            if let Err(e) = called {
                save(&r);
                (*vm).stop = Some(e);
                return exception::stopped(vm, fp);
            }
            r.acc = *fp;
            let cost = r.extension().low();
            r.pc = r.pc.add(2);
            r.pay(cost)
        } else if core::ptr::eq((*callee).instance, (*vm).instance) {
            r.enter((*callee).header, fp, r.pc.add(1))
        } else {
            let here = Across { instance: (*vm).instance, return_to: r.pc.add(1), base };
            (*vm).across.push(here);
            Vm::enter_instance(vm, (*callee).instance);
            r.enter((*callee).header, fp, &raw const ACROSS[1])
        };
        save(&r);
        flow
    }
}

/// Calls a function of the running instance in the place of the one that runs: its frame is gone, the return is the same. Any
/// other callee, and any reason not to call, is left to the call and the return behind the op.
///
/// # Safety
/// `vm` is the running machine, and its saved registers stand at a `TailCall` op of this form.
#[inline(never)]
pub(crate) unsafe fn tail_call(vm: *mut Vm, form: u16) -> Flow {
    // SAFETY: the caller's promise. Validated: the instance has the function, the table and the type; elements are null or
    // functions of the arena. Parameters fit where the frame's operands were, and the control slot has the return address.
    unsafe {
        let mut r = registers(vm);
        let (w, extension) = (*r.pc, *r.pc.add(1));
        let instance: &Instance = &*(*vm).instance;
        let callee = match form {
            0 => core::ptr::null(),
            1 => Vm::callee(vm, w.high()),
            _ => {
                let operand = r.slot(w.b());
                let callee = if form == 2 {
                    let table: &Table = &*instance.tables[usize::from(extension.b())];
                    table.elements.get(index_of(operand)).copied().unwrap_or(0)
                } else {
                    operand
                };
                let callee = callee as usize as *const Func;
                let expected = *instance.signatures.add(usize::from(w.c()));
                let is_ours =
                    !callee.is_null() && (*callee).signature == expected && core::ptr::eq((*callee).instance, instance);
                if !is_ours {
                    r.pc = r.pc.add(2);
                    save(&r);
                    return Flow::Next;
                }
                callee
            }
        };
        let return_to = r.slot(extension.a()) as usize as *const Word;
        let arguments = r.fp.add(usize::from(w.a()));
        core::ptr::copy(arguments, r.fp, usize::from(extension.code()));
        (*vm).budget += budget_of(extension.c());
        if !callee.is_null() && native::takes(vm, callee) {
            let (fp, called) = call_native(vm, callee, r.fp);
            if let Err(e) = called {
                // For who looks for frames: this one is gone, what is around it is not.
                *fp.add(usize::from(extension.a())) = return_to as usize as u64;
                r.fp = fp;
                save(&r);
                (*vm).stop = Some(e);
                return exception::stopped_in_place(vm, return_to);
            }
            let call = *return_to.sub(1);
            (r.fp, r.acc) = (fp.sub(usize::from(call.a())), *fp);
            r.pc = return_to.add(1);
            let flow = r.pay((*return_to).low());
            save(&r);
            return flow;
        }
        let header = if callee.is_null() { r.pc.offset(w.high() as i32 as isize) } else { (*callee).header };
        let flow = r.enter(header, r.fp, return_to);
        save(&r);
        flow
    }
}

/// Calls machine code with the arguments at `args`, where the results go: where that is afterwards, and how it ended.
unsafe fn call_native(vm: *mut Vm, callee: *const Func, args: *mut u64) -> (*mut u64, Result<(), Stop>) {
    // SAFETY: as for `call`. The code gets a copy of the slots, since the stack may move meanwhile.
    unsafe {
        let distance = args.offset_from((*vm).stack.base);
        let ty = (*callee).ty();
        let (params, results) = ty.slots();
        with_list(params.max(results), 0, |values| {
            values[..params].copy_from_slice(core::slice::from_raw_parts(args, params));
            let called = Trapped::inside(vm, native::call(vm, callee, values.as_mut_ptr()));
            let args = (*vm).stack.base.offset(distance);
            if called.is_ok() {
                (*vm).slice();
                core::slice::from_raw_parts_mut(args, results).copy_from_slice(&values[..results]);
            }
            (args, called)
        })
    }
}

/// Goes back to the instance that called.
///
/// # Safety
/// `vm` is the running machine, at the return of a call across instances.
#[inline(never)]
pub(crate) unsafe fn return_across(vm: *mut Vm) -> Flow {
    // SAFETY: the caller's promise; `return_to` is the second word of the call op.
    unsafe {
        let mut r = registers(vm);
        let back = (*vm).across.pop().expect("every return across instances follows a call across instances");
        Vm::enter_instance(vm, back.instance);
        r.fp = r.fp.sub(usize::from(back.base));
        r.pc = back.return_to.add(1);
        let flow = r.pay((*back.return_to).low());
        save(&r);
        flow
    }
}

/// Enters a function as the consensus rules order it: entry charge, depth, slots, first block. The saved registers have its
/// header and its frame; [`Vm::return_to`] has the return address.
///
/// # Safety
/// `vm` is the running machine, and the header is a function's.
#[cold]
#[inline(never)]
pub(crate) unsafe fn enter(vm: *mut Vm) -> Flow {
    // SAFETY: the caller's promise. The frame is found again after the stack may have moved.
    unsafe {
        let mut r = registers(vm);
        let (costs, frame) = (*r.pc, *r.pc.add(1));
        let machine = &mut *vm;
        let distance = r.fp.offset_from(machine.stack.base);
        let entered = (|| -> Result<(), Stop> {
            machine.charge(Particles(u64::from(costs.high())))?;
            if machine.depth_left() == 0 {
                return Err(Trap::CallDepth.into());
            }
            machine.reserve_slots(u32::from(frame.code()))?;
            machine.charge(Particles(u64::from(costs.low())))?;
            Ok(())
        })();
        r.fp = machine.stack.base.offset(distance);
        if let Err(e) = entered {
            save(&r);
            return stop(machine, e);
        }
        machine.budget -= budget_of(frame.code());
        let return_to = machine.return_to;
        r.open_frame(frame, return_to);
        r.pc = r.pc.add(HEADER_WORDS);
        save(&r);
        Flow::Next
    }
}

/// Translates a function whose stub was entered, and enters it instead: slots and first block, since the stub's entry paid
/// the entry charge and took the depth and the least frame. From the next call on the store's function is the code.
///
/// # Safety
/// `vm` is the running machine, and its saved registers stand at the op of a stub of the running instance's module.
#[cold]
#[inline(never)]
pub(crate) unsafe fn translate(vm: *mut Vm) -> Flow {
    // SAFETY: the caller's promise. Code stays where it is until the instance's module goes, which is after the machine's
    // last run. Functions live in the machine's arena and nothing refers to this one now. The control slot of the stub's
    // frame is the one behind the parameters. The frame is found again after the stack may have moved.
    unsafe {
        let mut r = registers(vm);
        let (index, stub) = (r.word().high() as usize, *r.pc.sub(1));
        let prepared: &Prepared = &(*(*vm).instance).prepared;
        let Prepared { parsed, code, .. } = prepared;
        let func = Vm::callee(vm, parsed.imported_functions + index as u32).cast_mut();
        let machine = &mut *vm;
        let Some((lazy, code)) = code.lazy.as_ref().and_then(|lazy| Some((lazy, lazy.code(index, parsed).ok()?)))
        else {
            return stop(machine, Fault::Internal("a valid function has no code").into());
        };
        (*func).header = code.as_ptr();
        if lazy.throws() {
            machine.late.note(code, index);
        }
        let (costs, frame) = (code[0], code[1]);
        let return_to = r.slot(stub.a()) as usize as *const Word;
        let distance = r.fp.offset_from(machine.stack.base);
        machine.budget += budget_of(stub.code());
        let entered = (|| -> Result<(), Stop> {
            machine.reserve_slots(u32::from(frame.code()))?;
            machine.charge(Particles(u64::from(costs.low())))?;
            Ok(())
        })();
        r.fp = machine.stack.base.offset(distance);
        if let Err(e) = entered {
            return stop(machine, e);
        }
        machine.budget -= budget_of(frame.code());
        r.open_frame(frame, return_to);
        r.pc = code.as_ptr().add(HEADER_WORDS);
        save(&r);
        Flow::Next
    }
}

/// Runs the operator of a `Slow` op.
///
/// # Safety
/// `vm` is the running machine, and its saved registers stand at a `Slow` op.
#[inline(never)]
pub(crate) unsafe fn operator(vm: *mut Vm) -> Flow {
    // SAFETY: the caller's promise; operands lie in consecutive slots from `a`, which are the frame's.
    unsafe {
        let mut r = registers(vm);
        let (w, extension) = (*r.pc, r.extension());
        let operands = core::slice::from_raw_parts_mut(r.fp.add(usize::from(w.a())), 4.min(r.operands_after(w.a())));
        let instance = (*vm).instance.cast_mut();
        let op = ROWS[extension.high() as usize].op;
        if let Err(e) = act(&mut *vm, &mut *instance, op, w, operands) {
            return stop(&mut *vm, e);
        }
        r.pc = r.pc.add(2);
        let flow = r.pay(extension.low());
        save(&r);
        flow
    }
}

/// What an operator does off the fast path, with its immediates in fields b and c.
pub(crate) fn act(vm: &mut Vm, instance: &mut Instance, op: Op, w: Word, operands: &mut [u64]) -> Result<(), Stop> {
    match op {
        Op::MemorySize | Op::MemoryGrow | Op::MemoryInit | Op::DataDrop | Op::MemoryCopy | Op::MemoryFill => {
            match instance.has_far_memories {
                false => memory_operator::<false>(vm, instance, op, w, operands),
                true => memory_operator::<true>(vm, instance, op, w, operands),
            }
        }
        Op::RefAsNonNull => {
            if operands[0] == 0 {
                Err(Trap::NullReference.into())
            } else {
                Ok(())
            }
        }
        _ if op.row().group == Group::Wide => {
            let results = op.eval_vector(operands);
            operands[..2].copy_from_slice(&results);
            Ok(())
        }
        _ => table_operator(vm, instance, op, w, operands),
    }
}

impl Regs {
    /// Slots of the stack from slot `a` of this frame on.
    unsafe fn operands_after(&self, a: u16) -> usize {
        // SAFETY: `vm` is the running machine and the frame lies in its stack.
        unsafe { (*self.vm).slots_after(self.fp.add(usize::from(a))) }
    }
}

/// Checks that `len` things at `at` lie below `bound`.
fn within(at: u64, len: u64, bound: usize, trap: Trap) -> Result<(usize, usize), Trap> {
    let fits = at.checked_add(len).is_some_and(|end| end <= bound as u64);
    if fits { Ok((at as usize, len as usize)) } else { Err(trap) }
}

/// What a growth that is refused gives: -1, as wide as sizes are.
fn refused(wide: bool) -> u64 {
    if wide { u64::MAX } else { u32::MAX.into() }
}

/// Operators of memories; without `FAR`, of instances with no memory but a near one. Dynamic charges come right before an
/// operator acts, on its operands, before bounds.
fn memory_operator<const FAR: bool>(
    vm: &mut Vm,
    instance: &mut Instance,
    op: Op,
    w: Word,
    operands: &mut [u64],
) -> Result<(), Stop> {
    let first = vm.memory;
    let at = |index: u16| if FAR { instance.memory_at(usize::from(index)) } else { first };
    // SAFETY (all memories below): they live in the machine's arena, and at most one reference to each is alive at a time:
    // instance, operands and machine are other allocations.
    let memory = |index: u16| -> &mut Memory { unsafe { &mut *at(index) } };
    let price = |len: u64| match FAR {
        false => vm.schedule.bulk_cost(len as u32),
        true => vm.schedule.wide_bulk_cost(len),
    };
    let oob = Trap::MemoryOutOfBounds;
    match op {
        Op::MemorySize => operands[0] = memory(w.b()).pages(),
        Op::MemoryGrow => {
            let (memory, delta) = (memory(w.b()), operands[0]);
            operands[0] = if memory.may_grow(delta) {
                vm.meter.charge(memory.price_of(vm.schedule, delta))?;
                memory.grow(delta)?
            } else {
                refused(memory.ty.memory64)
            };
        }
        Op::MemoryFill => {
            vm.meter.charge(price(operands[2]))?;
            let memory = memory(w.b());
            let (at, len) = within(operands[0], operands[2], memory.len(), oob)?;
            memory.range_mut(at, len).ok_or(oob)?.fill(operands[1] as u8);
        }
        Op::MemoryCopy => {
            vm.meter.charge(price(operands[2]))?;
            let (from, _) = within(operands[1], operands[2], memory(w.c()).len(), oob)?;
            let (to, len) = within(operands[0], operands[2], memory(w.b()).len(), oob)?;
            if !FAR || core::ptr::eq(at(w.b()), at(w.c())) {
                memory(w.b()).copy_within(from, to, len);
            } else {
                let source = &memory(w.c()).data()[from..from + len];
                memory(w.b()).range_mut(to, len).ok_or(oob)?.copy_from_slice(source);
            }
        }
        Op::MemoryInit => {
            vm.meter.charge(price(operands[2]))?;
            let segment = usize::from(w.b());
            let bytes =
                if instance.dropped_data[segment] { &[][..] } else { &instance.prepared.parsed.data[segment].bytes };
            let (from, _) = within(operands[1], operands[2], bytes.len(), oob)?;
            let memory = memory(w.c());
            let (to, len) = within(operands[0], operands[2], memory.len(), oob)?;
            memory.range_mut(to, len).ok_or(oob)?.copy_from_slice(&bytes[from..from + len]);
        }
        _ => instance.dropped_data[usize::from(w.b())] = true,
    }
    Ok(())
}

fn table_operator(vm: &mut Vm, instance: &mut Instance, op: Op, w: Word, operands: &mut [u64]) -> Result<(), Stop> {
    let oob = Trap::TableOutOfBounds;
    let at = |index: u16| instance.tables[usize::from(index)];
    // SAFETY (all tables below): they live in the machine's arena, and at most one reference to each is alive at a time.
    let table = |index: u16| -> &mut Table { unsafe { &mut *at(index) } };
    match op {
        Op::RefFunc => operands[0] = instance.function(w.high()) as usize as u64,
        Op::TableGet => {
            operands[0] = *table(w.b()).elements.get(index_of(operands[0])).ok_or(oob)?;
        }
        Op::TableSet => *table(w.b()).elements.get_mut(index_of(operands[0])).ok_or(oob)? = operands[1],
        Op::TableSize => operands[0] = table(w.b()).elements.len() as u64,
        Op::TableGrow => {
            let (table, delta) = (table(w.b()), operands[1]);
            if table.may_grow(delta) {
                vm.meter.charge(vm.schedule.table_cost(delta))?;
            }
            operands[0] = table.grow(delta, operands[0])?.map_or(refused(table.ty.table64), u64::from);
        }
        Op::TableFill => {
            vm.meter.charge(vm.schedule.table_cost(operands[2]))?;
            let elements = &mut table(w.b()).elements;
            let (to, len) = within(operands[0], operands[2], elements.len(), oob)?;
            elements[to..to + len].fill(operands[1]);
        }
        Op::TableCopy => {
            vm.meter.charge(vm.schedule.table_cost(operands[2]))?;
            let (from, _) = within(operands[1], operands[2], table(w.c()).elements.len(), oob)?;
            let (to, len) = within(operands[0], operands[2], table(w.b()).elements.len(), oob)?;
            if core::ptr::eq(at(w.b()), at(w.c())) {
                table(w.b()).elements.copy_within(from..from + len, to);
            } else {
                table(w.b()).elements[to..to + len].copy_from_slice(&table(w.c()).elements[from..from + len]);
            }
        }
        Op::TableInit => {
            vm.meter.charge(vm.schedule.table_cost(operands[2]))?;
            let segment = usize::from(w.b());
            let items = if instance.dropped_elements[segment] {
                &[][..]
            } else {
                &instance.prepared.parsed.elements[segment].items
            };
            let (from, _) = within(operands[1], operands[2], items.len(), oob)?;
            let elements = &mut table(w.c()).elements;
            let (to, len) = within(operands[0], operands[2], elements.len(), oob)?;
            for (element, item) in elements[to..to + len].iter_mut().zip(&items[from..from + len]) {
                *element = instance.evaluate(*item);
            }
        }
        _ => instance.dropped_elements[usize::from(w.b())] = true,
    }
    Ok(())
}

impl Instance {
    /// The slots of a constant expression for a global.
    pub fn evaluate_global(&self, expr: ConstExpr) -> [u64; 2] {
        match expr {
            ConstExpr::Vector(slots) => slots,
            // SAFETY: validated: the global exists; its cell, which begins with two slots, lives in the arena.
            ConstExpr::Global(index) => unsafe { *self.globals[index as usize].cast() },
            _ => [self.evaluate(expr), 0],
        }
    }

    fn run_const(&self, steps: &[ConstStep]) -> u64 {
        let mut stack = alloc::vec::Vec::new();
        for step in steps {
            let value = match *step {
                ConstStep::Push(value) => self.evaluate(value),
                ConstStep::Apply(op) => {
                    let (right, left) = (stack.pop(), stack.pop());
                    let operands = left.zip(right).expect("validated: two operands are there");
                    op.eval(&[operands.0, operands.1]).expect("sums and products are total")
                }
            };
            stack.push(value);
        }
        stack.pop().expect("validated: an expression leaves a value")
    }

    /// The slot of a constant expression, which is the lower one of a vector's.
    pub fn evaluate(&self, expr: ConstExpr) -> u64 {
        match expr {
            ConstExpr::Value(slot) => slot,
            ConstExpr::Vector(slots) => slots[0],
            ConstExpr::Null => 0,
            ConstExpr::Program(index) => self.run_const(&self.prepared.parsed.const_programs[index as usize]),
            ConstExpr::Func(index) => self.function(index) as usize as u64,
            // SAFETY: validated: the global exists; its cell lives in the arena.
            ConstExpr::Global(index) => unsafe { *self.globals[index as usize] },
        }
    }
}

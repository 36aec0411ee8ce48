//! Linear memory, and operators that go the way out.

use super::Lower;
use crate::abi;
use crate::enter::Gate;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Inst, InstBuilder, MemFlagsData, Type, Value, types};
use cranelift_frontend::FuncInstBuilder;
use gristmill::Trap;
use gristmill::tier::{self, Arg, Far, Op, layout};
use gristmill::wasm::types::{MemoryType, ValType};

/// Where an access goes.
#[derive(Clone, Copy)]
pub(super) struct Address {
    at: Value,
    offset: i32,
    flags: MemFlagsData,
}

impl Lower<'_> {
    /// The running instance's memory.
    pub(super) fn linear_memory(&mut self) -> Value {
        self.fixed(types::I64, self.vm, layout::VM_MEMORY)
    }

    /// Where `size` bytes at the operand plus `offset` are, which lie in memory, or else trap when they are accessed.
    pub(super) fn address(&mut self, offset: u64, size: u32) -> Address {
        let address = self.pop();
        let at = self.b.ins().uextend(types::I64, address);
        let memory = self.linear_memory();
        if self.faults && offset + u64::from(size) <= tier::BEYOND {
            let base = self.fixed(types::I64, memory, layout::MEMORY_BASE);
            let at = self.b.ins().iadd(base, at);
            let flags = self.heap().with_trap_code(Some(abi::trap_code(Trap::MemoryOutOfBounds)));
            return Address { at, offset: offset as i32, flags };
        }
        // 33 bits at most: no wrap.
        let at = if offset == 0 { at } else { self.b.ins().iadd_imm_u(at, offset as i64) };
        let flags = self.flags(self.regions.memory);
        let outside = if size > 8 {
            // Memories have no bound for so many bytes at hand.
            let end = self.b.ins().iadd_imm_u(at, i64::from(size));
            let len = self.b.ins().load(types::I64, flags, memory, layout::MEMORY_LEN as i32);
            self.b.ins().icmp(IntCC::UnsignedGreaterThan, end, len)
        } else {
            let bound = layout::MEMORY_BOUNDS + 8 * size.trailing_zeros() as usize;
            let bound = self.b.ins().load(types::I64, flags, memory, bound as i32);
            self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, at, bound)
        };
        self.trap_if(outside, Trap::MemoryOutOfBounds);
        let base = self.b.ins().load(types::I64, flags, memory, layout::MEMORY_BASE as i32);
        let at = self.b.ins().iadd(base, at);
        Address { at, offset: 0, flags: self.heap() }
    }

    /// Where `size` bytes of a far memory are, which lie in it.
    fn far_address(&mut self, far: Far, size: u32) -> Address {
        let address = self.pop();
        let at = self.index(address);
        let (memory, flags) = (self.far_memory(far.memory), self.flags(self.regions.memory));
        let len = self.b.ins().load(types::I64, flags, memory, layout::MEMORY_LEN as i32);
        // What the address must leave room for; no memory has 2^64 - 1 bytes.
        let reach = self.constant(far.offset.saturating_add(size.into()) as i64);
        let short = self.b.ins().icmp(IntCC::UnsignedGreaterThan, reach, len);
        let room = self.b.ins().isub(len, reach);
        let outside = self.b.ins().icmp(IntCC::UnsignedGreaterThan, at, room);
        let outside = self.b.ins().bor(short, outside);
        self.trap_if(outside, Trap::MemoryOutOfBounds);
        let base = self.b.ins().load(types::I64, flags, memory, layout::MEMORY_BASE as i32);
        let at = self.b.ins().iadd(base, at);
        let offset = self.constant(far.offset as i64);
        let at = self.b.ins().iadd(at, offset);
        Address { at, offset: 0, flags: self.heap() }
    }

    /// Memory `index` of the running instance.
    fn far_memory(&mut self, index: u32) -> Value {
        let Some(behind) = index.checked_sub(1) else { return self.linear_memory() };
        let memories = self.instance_field(layout::INSTANCE_MEMORIES);
        self.fixed(types::I64, memories, 8 * behind as usize)
    }

    /// An index or address of 32 or 64 bits as one of 64.
    pub(super) fn index(&mut self, value: Value) -> Value {
        match self.b.func.dfg.value_type(value) {
            types::I32 => self.b.ins().uextend(types::I64, value),
            _ => value,
        }
    }

    /// Where the `size` bytes are that a load or store is about.
    pub(super) fn place(&mut self, arg: &Arg<'_>, size: u32) -> Address {
        match *arg {
            Arg::Offset(offset) | Arg::OffsetLane(offset, _) => self.address(offset, size),
            Arg::Far(far) => self.far_address(far, size),
            _ => unreachable!("a load or store has an offset"),
        }
    }

    fn heap(&self) -> MemFlagsData {
        MemFlagsData::new().with_notrap().with_alias_region(Some(self.regions.heap))
    }

    /// The value of type `ty` at `from`.
    pub(super) fn load_at(&mut self, from: Address, ty: Type) -> Value {
        self.b.ins().load(ty, from.flags, from.at, from.offset)
    }

    /// Writes `value` to `to`.
    pub(super) fn store_at(&mut self, to: Address, value: Value) {
        self.b.ins().store(to.flags, value, to.at, to.offset);
    }

    pub(super) fn access(&mut self, op: Op, arg: &Arg<'_>) {
        use types::{F32, F64, I32, I64};
        match op {
            Op::I32Load => self.load(arg, I32),
            Op::I64Load => self.load(arg, I64),
            Op::F32Load => self.load(arg, F32),
            Op::F64Load => self.load(arg, F64),
            Op::I32Load8S => self.load_with(arg, 1, |b, a| b.sload8(I32, a.flags, a.at, a.offset)),
            Op::I32Load8U => self.load_with(arg, 1, |b, a| b.uload8(I32, a.flags, a.at, a.offset)),
            Op::I32Load16S => self.load_with(arg, 2, |b, a| b.sload16(I32, a.flags, a.at, a.offset)),
            Op::I32Load16U => self.load_with(arg, 2, |b, a| b.uload16(I32, a.flags, a.at, a.offset)),
            Op::I64Load8S => self.load_with(arg, 1, |b, a| b.sload8(I64, a.flags, a.at, a.offset)),
            Op::I64Load8U => self.load_with(arg, 1, |b, a| b.uload8(I64, a.flags, a.at, a.offset)),
            Op::I64Load16S => self.load_with(arg, 2, |b, a| b.sload16(I64, a.flags, a.at, a.offset)),
            Op::I64Load16U => self.load_with(arg, 2, |b, a| b.uload16(I64, a.flags, a.at, a.offset)),
            Op::I64Load32S => self.load_with(arg, 4, |b, a| b.sload32(a.flags, a.at, a.offset)),
            Op::I64Load32U => self.load_with(arg, 4, |b, a| b.uload32(a.flags, a.at, a.offset)),
            Op::I32Store => self.store(arg, I32),
            Op::I64Store => self.store(arg, I64),
            Op::F32Store => self.store(arg, F32),
            Op::F64Store => self.store(arg, F64),
            Op::I32Store8 | Op::I64Store8 => self.store_with(arg, 1, |b, v, a| b.istore8(a.flags, v, a.at, a.offset)),
            Op::I32Store16 | Op::I64Store16 => {
                self.store_with(arg, 2, |b, v, a| b.istore16(a.flags, v, a.at, a.offset))
            }
            Op::I64Store32 => self.store_with(arg, 4, |b, v, a| b.istore32(a.flags, v, a.at, a.offset)),
            _ => unreachable!("not a load or store"),
        }
    }

    fn load(&mut self, arg: &Arg<'_>, ty: Type) {
        let at = self.place(arg, ty.bytes());
        let value = self.load_at(at, ty);
        self.push(value);
    }

    /// Loads that extend do it by themselves: apart, the extension would be seen as one of a value that is used narrow too.
    fn load_with(&mut self, arg: &Arg<'_>, bytes: u32, f: impl FnOnce(FuncInstBuilder<'_, '_>, Address) -> Value) {
        let at = self.place(arg, bytes);
        let value = f(self.b.ins(), at);
        self.push(value);
    }

    fn store(&mut self, arg: &Arg<'_>, ty: Type) {
        let value = self.pop();
        let at = self.place(arg, ty.bytes());
        self.store_at(at, value);
    }

    /// Stores of a value's low bytes.
    fn store_with(
        &mut self,
        arg: &Arg<'_>,
        bytes: u32,
        f: impl FnOnce(FuncInstBuilder<'_, '_>, Value, Address) -> Inst,
    ) {
        let value = self.pop();
        let at = self.place(arg, bytes);
        f(self.b.ins(), value, at);
    }

    pub(super) fn memory(&mut self, op: Op, arg: &Arg<'_>) {
        match op {
            Op::MemorySize => {
                let (index, ty) = self.memory_type(arg);
                let memory = self.far_memory(index);
                let flags = self.flags(self.regions.memory);
                let bytes = self.b.ins().load(types::I64, flags, memory, layout::MEMORY_LEN as i32);
                let pages = self.b.ins().ushr_imm_u(bytes, i64::from(ty.page.log2()));
                let pages = if ty.memory64 { pages } else { self.b.ins().ireduce(types::I32, pages) };
                self.push(pages);
            }
            Op::MemoryGrow => {
                let (_, ty) = self.memory_type(arg);
                self.out_of_line(op, arg, 1, &[size_type(ty.memory64)]);
            }
            Op::MemoryInit | Op::MemoryCopy | Op::MemoryFill | Op::TableInit | Op::TableCopy => {
                self.out_of_line(op, arg, 3, &[]);
            }
            Op::TableFill => self.out_of_line(op, arg, 3, &[]),
            Op::DataDrop | Op::ElemDrop => self.out_of_line(op, arg, 0, &[]),
            Op::TableGet => self.out_of_line(op, arg, 1, &[ValType::I64]),
            Op::TableSet => self.out_of_line(op, arg, 2, &[]),
            Op::TableSize | Op::TableGrow => {
                let Arg::Index(table) = *arg else { unreachable!("the operator has a table") };
                let wide = self.source.parsed().tables[table as usize].table64;
                let operands = if op == Op::TableGrow { 2 } else { 0 };
                self.out_of_line(op, arg, operands, &[size_type(wide)]);
            }
            _ => unreachable!("not an operator of memory or tables"),
        }
    }

    /// The memory that an operator is about, and its type.
    fn memory_type(&self, arg: &Arg<'_>) -> (u32, MemoryType) {
        let Arg::Index(index) = *arg else { unreachable!("the operator has a memory") };
        (index, self.source.parsed().memories[index as usize])
    }

    /// Has an operator run by the interpreter's function for it.
    pub(super) fn out_of_line(&mut self, op: Op, arg: &Arg<'_>, operands: usize, result: &[ValType]) {
        let values = self.values(3);
        let operands = self.stack.split_off(self.stack.len() - operands);
        self.store_values(values, &operands);
        let (number, word) = (self.constant(op as i64), self.constant(tier::immediates(arg) as i64));
        self.call_out(Gate::Operator, number, word, values);
        let result = self.load_values(values, result);
        self.stack.extend(result);
    }
}

/// The type of sizes of a memory or table.
fn size_type(wide: bool) -> ValType {
    if wide { ValType::I64 } else { ValType::I32 }
}

//! Linear memory, and operators that go the way out.

use super::Lower;
use crate::enter::Helper;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};
use gristmill::Trap;
use gristmill::tier::{self, Arg, Op, layout};
use gristmill::wasm::types::ValType;

impl Lower<'_> {
    /// The running instance's memory.
    pub(super) fn linear_memory(&mut self) -> Value {
        self.fixed(types::I64, self.vm, layout::VM_MEMORY)
    }

    /// The address of `size` bytes at the operand plus `offset`, which lie in memory.
    pub(super) fn address(&mut self, offset: u64, size: u32) -> Value {
        let address = self.pop();
        let at = self.b.ins().uextend(types::I64, address);
        // 33 bits at most: no wrap.
        let at = if offset == 0 { at } else { self.b.ins().iadd_imm_u(at, offset as i64) };
        let memory = self.linear_memory();
        let flags = self.flags(self.regions.memory);
        let bound = layout::MEMORY_BOUNDS + 8 * size.trailing_zeros() as usize;
        let bound = self.b.ins().load(types::I64, flags, memory, bound as i32);
        let outside = self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, at, bound);
        self.trap_if(outside, Trap::MemoryOutOfBounds);
        let base = self.b.ins().load(types::I64, flags, memory, layout::MEMORY_BASE as i32);
        self.b.ins().iadd(base, at)
    }

    pub(super) fn heap(&self) -> MemFlagsData {
        MemFlagsData::new().with_notrap().with_alias_region(Some(self.regions.heap))
    }

    pub(super) fn access(&mut self, op: Op, arg: &Arg<'_>) {
        use types::{F32, F64, I8, I16, I32, I64};
        let Arg::Offset(offset) = *arg else { unreachable!("a load or store has an offset") };
        match op {
            Op::I32Load => self.load(offset, I32),
            Op::I64Load => self.load(offset, I64),
            Op::F32Load => self.load(offset, F32),
            Op::F64Load => self.load(offset, F64),
            Op::I32Load8S => self.load_signed(offset, I8, I32),
            Op::I32Load8U => self.load_unsigned(offset, I8, I32),
            Op::I32Load16S => self.load_signed(offset, I16, I32),
            Op::I32Load16U => self.load_unsigned(offset, I16, I32),
            Op::I64Load8S => self.load_signed(offset, I8, I64),
            Op::I64Load8U => self.load_unsigned(offset, I8, I64),
            Op::I64Load16S => self.load_signed(offset, I16, I64),
            Op::I64Load16U => self.load_unsigned(offset, I16, I64),
            Op::I64Load32S => self.load_signed(offset, I32, I64),
            Op::I64Load32U => self.load_unsigned(offset, I32, I64),
            Op::I32Store => self.store(offset, I32),
            Op::I64Store => self.store(offset, I64),
            Op::F32Store => self.store(offset, F32),
            Op::F64Store => self.store(offset, F64),
            Op::I32Store8 | Op::I64Store8 => self.store_low(offset, I8),
            Op::I32Store16 | Op::I64Store16 => self.store_low(offset, I16),
            Op::I64Store32 => self.store_low(offset, I32),
            _ => unreachable!("not a load or store"),
        }
    }

    fn load(&mut self, offset: u64, ty: Type) {
        let at = self.address(offset, ty.bytes());
        let heap = self.heap();
        let value = self.b.ins().load(ty, heap, at, 0);
        self.push(value);
    }

    fn load_signed(&mut self, offset: u64, narrow: Type, wide: Type) {
        let at = self.address(offset, narrow.bytes());
        let heap = self.heap();
        let value = self.b.ins().load(narrow, heap, at, 0);
        let value = self.b.ins().sextend(wide, value);
        self.push(value);
    }

    fn load_unsigned(&mut self, offset: u64, narrow: Type, wide: Type) {
        let at = self.address(offset, narrow.bytes());
        let heap = self.heap();
        let value = self.b.ins().load(narrow, heap, at, 0);
        let value = self.b.ins().uextend(wide, value);
        self.push(value);
    }

    fn store(&mut self, offset: u64, ty: Type) {
        let value = self.pop();
        let at = self.address(offset, ty.bytes());
        let heap = self.heap();
        self.b.ins().store(heap, value, at, 0);
    }

    fn store_low(&mut self, offset: u64, narrow: Type) {
        let value = self.pop();
        let at = self.address(offset, narrow.bytes());
        let value = self.b.ins().ireduce(narrow, value);
        let heap = self.heap();
        self.b.ins().store(heap, value, at, 0);
    }

    pub(super) fn memory(&mut self, op: Op, arg: &Arg<'_>) {
        match op {
            Op::MemorySize => {
                let memory = self.linear_memory();
                let flags = self.flags(self.regions.memory);
                let bytes = self.b.ins().load(types::I64, flags, memory, layout::MEMORY_LEN as i32);
                let pages = self.b.ins().ushr_imm_u(bytes, 16);
                let pages = self.b.ins().ireduce(types::I32, pages);
                self.push(pages);
            }
            Op::MemoryGrow => self.out_of_line(op, arg, 1, &[ValType::I32]),
            Op::MemoryInit | Op::MemoryCopy | Op::MemoryFill | Op::TableInit | Op::TableCopy => {
                self.out_of_line(op, arg, 3, &[]);
            }
            Op::TableFill => self.out_of_line(op, arg, 3, &[]),
            Op::DataDrop | Op::ElemDrop => self.out_of_line(op, arg, 0, &[]),
            Op::TableGet => self.out_of_line(op, arg, 1, &[ValType::I64]),
            Op::TableSet => self.out_of_line(op, arg, 2, &[]),
            Op::TableSize => self.out_of_line(op, arg, 0, &[ValType::I32]),
            Op::TableGrow => self.out_of_line(op, arg, 2, &[ValType::I32]),
            _ => unreachable!("not an operator of memory or tables"),
        }
    }

    /// Has an operator run by the interpreter's function for it.
    pub(super) fn out_of_line(&mut self, op: Op, arg: &Arg<'_>, operands: usize, result: &[ValType]) {
        let values = self.values(3);
        let operands = self.stack.split_off(self.stack.len() - operands);
        self.store_values(values, &operands);
        let (number, word) = (self.constant(op as i64), self.constant(tier::immediates(arg) as i64));
        self.call_out(Helper::Operator, number, word, values);
        let result = self.load_values(values, result);
        self.stack.extend(result);
    }
}

//! Memories: loads, stores, bulk operators, growth. Addresses and sizes are 64-bit numbers here, whatever a memory's are.

use crate::body::{Immediate, Step};
use crate::exec::Machine;
use crate::store::{range, range_mut};
use crate::vector::Access;
use gristmill::wasm::isa::Op;
use gristmill::{Fault, Pages, Stop, Trap};
use wasmparser::MemoryType;

/// A linear memory.
#[derive(Debug)]
pub struct Memory {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its type, with the size that it began with.
    pub ty: MemoryType,
}

/// Bytes in a page.
fn page_size(ty: &MemoryType) -> u64 {
    if ty.page_size_log2 == Some(0) { 1 } else { 65_536 }
}

/// The pages of 64 KiB that so many bytes begin: those are paid for.
fn begun(bytes: u64) -> u32 {
    (bytes / 65_536 + u64::from(!bytes.is_multiple_of(65_536))) as u32
}

/// The most pages that a memory may have when the store allows `cap` pages of 64 KiB.
pub(crate) fn most_pages(ty: &MemoryType, cap: Pages) -> u64 {
    let most = u64::from(cap.0) * 65_536 / page_size(ty);
    let most = if ty.memory64 { most } else { most.min(u32::MAX.into()) };
    ty.maximum.map_or(most, |max| max.min(most))
}

/// What a growth that is refused gives.
pub(crate) fn refused(wide: bool) -> u64 {
    if wide { u64::MAX } else { u32::MAX.into() }
}

impl Memory {
    /// All zeros.
    pub(crate) fn new(ty: &MemoryType) -> Self {
        Self { bytes: vec![0; (ty.initial * page_size(ty)) as usize], ty: *ty }
    }

    /// Its size in its pages.
    pub(crate) fn pages(&self) -> u64 {
        self.bytes.len() as u64 / page_size(&self.ty)
    }

    /// The pages of 64 KiB that its initial size begins.
    pub(crate) fn initial_price(ty: &MemoryType) -> Pages {
        Pages(begun(ty.initial * page_size(ty)))
    }
}

impl Machine<'_> {
    pub(crate) fn memory(&mut self, index: usize) -> &mut Memory {
        let instance = self.frame().instance;
        let memory = self.store.instances[instance].memories[index];
        &mut self.store.memories[memory]
    }

    /// The `size` bytes at the popped address plus the immediate offset; and the lane that the operator is about.
    fn place(&mut self, step: &Step, size: usize) -> Result<(&mut [u8], u8), Stop> {
        let Immediate::Access { memory, offset, lane } = step.immediate else {
            return Err(Fault::Internal("a memory access without its offset").into());
        };
        let address = u128::from(self.pop()) + u128::from(offset);
        let bytes = &mut self.memory(memory as usize).bytes;
        let from = usize::try_from(address).unwrap_or(usize::MAX);
        let bytes = bytes.get_mut(from..).and_then(|rest| rest.get_mut(..size));
        Ok((bytes.ok_or(Trap::MemoryOutOfBounds)?, lane))
    }

    fn read<const N: usize>(&mut self, step: &Step) -> Result<[u8; N], Stop> {
        let (bytes, _) = self.place(step, N)?;
        Ok(std::array::from_fn(|at| bytes[at]))
    }

    pub(crate) fn load(&mut self, step: &Step) -> Result<(), Stop> {
        let slot32 = |value: i32| u64::from(value as u32);
        let value = match step.op {
            Op::I32Load8S => slot32(i8::from_le_bytes(self.read(step)?).into()),
            Op::I32Load16S => slot32(i16::from_le_bytes(self.read(step)?).into()),
            Op::I64Load8S => i64::from(i8::from_le_bytes(self.read(step)?)) as u64,
            Op::I64Load16S => i64::from(i16::from_le_bytes(self.read(step)?)) as u64,
            Op::I64Load32S => i64::from(i32::from_le_bytes(self.read(step)?)) as u64,
            Op::I32Load8U | Op::I64Load8U => u8::from_le_bytes(self.read(step)?).into(),
            Op::I32Load16U | Op::I64Load16U => u16::from_le_bytes(self.read(step)?).into(),
            Op::I32Load | Op::F32Load | Op::I64Load32U => u32::from_le_bytes(self.read(step)?).into(),
            _ => u64::from_le_bytes(self.read(step)?),
        };
        self.push(value);
        Ok(())
    }

    pub(crate) fn store(&mut self, step: &Step) -> Result<(), Stop> {
        let value = self.pop().to_le_bytes();
        let size = match step.op {
            Op::I32Store8 | Op::I64Store8 => 1,
            Op::I32Store16 | Op::I64Store16 => 2,
            Op::I32Store | Op::F32Store | Op::I64Store32 => 4,
            _ => 8,
        };
        self.place(step, size)?.0.copy_from_slice(&value[..size]);
        Ok(())
    }

    pub(crate) fn vector_access(&mut self, step: &Step) -> Result<(), Stop> {
        let row = step.op.row();
        let access = Access::named(row.name);
        let vector = if row.params.len() == 2 { self.pop_value() } else { 0 };
        let (bytes, lane) = self.place(step, access.bytes())?;
        if row.results.is_empty() {
            bytes.copy_from_slice(&access.stored(vector, lane).to_le_bytes()[..access.bytes()]);
        } else {
            let bits = bytes.iter().rev().fold(0, |bits: u128, byte| bits << 8 | u128::from(*byte));
            self.values.push(access.loaded(bits, vector, lane));
        }
        Ok(())
    }

    /// Operands first, then the charge, then bounds, then the act.
    pub(crate) fn bulk_memory(&mut self, op: Op, immediate: &Immediate) -> Result<(), Stop> {
        if let (Op::MemoryGrow, &Immediate::Index(memory)) = (op, immediate) {
            let delta = self.pop();
            let grown = self.grow_memory(memory as usize, delta)?;
            self.push(grown);
            return Ok(());
        }
        let (to, second, len) = self.pop3();
        self.store.meter.charge(self.store.schedule.wide_bulk_cost(len))?;
        match (op, immediate) {
            (Op::MemoryInit, &Immediate::Pair(segment, memory)) => {
                let instance = self.frame().instance;
                self.store.memory_init(instance, memory, segment, (to, second, len))?;
            }
            (Op::MemoryCopy, &Immediate::Pair(target, source)) => {
                let source = range(&self.memory(source as usize).bytes, second, len).map(<[u8]>::to_vec);
                let source = source.ok_or(Trap::MemoryOutOfBounds)?;
                let target = range_mut(&mut self.memory(target as usize).bytes, to, len);
                target.ok_or(Trap::MemoryOutOfBounds)?.copy_from_slice(&source);
            }
            (_, &Immediate::Index(memory)) => {
                let bytes = &mut self.memory(memory as usize).bytes;
                range_mut(bytes, to, len).ok_or(Trap::MemoryOutOfBounds)?.fill(second as u8);
            }
            _ => return Err(Fault::Internal("bulk operator without its immediate").into()),
        }
        Ok(())
    }

    /// The size before, or -1. Only a growth that is allowed pays for pages, before it happens.
    fn grow_memory(&mut self, index: usize, delta: u64) -> Result<u64, Stop> {
        let cap = self.store.limits.memory;
        let memory = self.memory(index);
        let (pages, ty, bytes) = (memory.pages(), memory.ty, memory.bytes.len() as u64);
        if u128::from(pages) + u128::from(delta) > most_pages(&ty, cap).into() {
            return Ok(refused(ty.memory64));
        }
        let more = delta * page_size(&ty);
        let (now, then) = (begun(bytes), begun(bytes + more));
        self.store.meter.charge(self.store.schedule.grow_cost(Pages(now), Pages(then - now)))?;
        let bytes = &mut self.memory(index).bytes;
        bytes.try_reserve_exact(more as usize).map_err(|_| Fault::OutOfMemory)?;
        bytes.resize(bytes.len() + more as usize, 0);
        Ok(pages)
    }
}

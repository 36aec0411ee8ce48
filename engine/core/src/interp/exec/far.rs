//! Loads and stores in far memories, by the meaning of their rows: out of line, one op for all of them.

use super::body::Flow;
use super::memory::Memory;
use super::slow::{registers, save};
use super::vector;
use super::vm::{Instance, Vm};
use crate::error::Trap;
use crate::wasm::isa::{Group, Op, ROWS};
use core::ops::Range;

/// Runs the operator of a `Far` op. A trap leaves memory and slots as they were.
///
/// # Safety
/// `vm` is the running machine, and its saved registers stand at a `Far` op.
#[cold]
#[inline(never)]
pub(crate) unsafe fn access(vm: *mut Vm) -> Flow {
    // SAFETY: the caller's promise. The op has three words. Its slots are the frame's: the address, behind it the value, of which
    // a vector has two (contract of the bodies). The memory is one of the machine's arena, and no other reference to it is alive.
    unsafe {
        let mut r = registers(vm);
        let (w, extension, offset) = (*r.pc, r.extension(), (*r.pc.add(2)).0);
        let op = ROWS[extension.high() as usize].op;
        let (group, a, lane) = (op.row().group, w.a(), u64::from(w.c()));
        let instance: &Instance = &*(*vm).instance;
        let memory: &mut Memory = &mut *instance.memory_at(usize::from(w.b()));
        let at = r.slot(a).checked_add(offset);
        let Some(range) = at.and_then(|at| range(at, op)).filter(|range| range.end <= memory.len()) else {
            return Flow::Trap(Trap::MemoryOutOfBounds);
        };
        match group {
            Group::Load => {
                let mut read = [0; 8];
                read[..range.len()].copy_from_slice(&memory.data()[range]);
                r.set_slot(a, widened(op, u64::from_le_bytes(read)));
            }
            Group::VectorLoad => {
                let replaces = op.row().params.len() > 1;
                let vector = replaces.then(|| [r.slot(a + 1), r.slot(a + 2)]);
                let value = vector::loaded(op, &memory.data()[range], vector, lane);
                r.set_slot(a, value[0]);
                r.set_slot(a + 1, value[1]);
            }
            _ => {
                let bytes = match group {
                    Group::Store => u128::from(r.slot(a + 1)).to_le_bytes(),
                    _ => vector::stored(op, [r.slot(a + 1), r.slot(a + 2)], lane),
                };
                // It lies in memory.
                if let Some(room) = memory.range_mut(range.start, range.len()) {
                    room.copy_from_slice(&bytes[..range.len()]);
                }
            }
        }
        r.pc = r.pc.add(3);
        save(&r);
        Flow::Next
    }
}

/// Where a load or store at `at` is, if a memory can have so many bytes here.
pub(super) fn range(at: u64, op: Op) -> Option<Range<usize>> {
    let at = usize::try_from(at).ok()?;
    Some(at..at.checked_add(op.access_bytes()?.into())?)
}

/// What a load makes of the bits that it has read: those with a sign do what the operators for that do.
fn widened(op: Op, bits: u64) -> u64 {
    let extend = match op {
        Op::I32Load8S => Op::I32Extend8S,
        Op::I32Load16S => Op::I32Extend16S,
        Op::I64Load8S => Op::I64Extend8S,
        Op::I64Load16S => Op::I64Extend16S,
        Op::I64Load32S => Op::I64Extend32S,
        _ => return bits,
    };
    extend.eval(&[bits]).unwrap_or(bits)
}

//! Operators on vectors: out of line, by the meaning in their rows.

use super::body::Flow;
use super::far::range;
use super::memory::Memory;
use super::slow::{registers, save};
use super::vm::Vm;
use crate::error::Trap;
use crate::wasm::isa::{Group, Op, ROWS, Ty};
use crate::wasm::num::slot::Operand;

/// Runs the operator of a `Vector` op. A trap leaves memory and slots as they were.
///
/// # Safety
/// `vm` is the running machine, and its saved registers stand at a `Vector` op.
#[inline(never)]
pub(crate) unsafe fn operator(vm: *mut Vm) -> Flow {
    // SAFETY: the caller's promise. The op's slots are the frame's, two of them for a vector (contract of the bodies); a shuffle
    // has four words. The memory is one of the machine's arena, and no other reference to it is alive.
    unsafe {
        let mut r = registers(vm);
        let (w, extension) = (r.word(), r.extension());
        let op = ROWS[usize::from(extension.code())].op;
        let row = op.row();
        let (third, offset) = (extension.a(), extension.high());

        let (mut args, mut count) = ([0; 6], 0);
        let operands = row.params.iter().zip([w.b(), w.c(), third]);
        // An address is no operand of what becomes of the bytes.
        let address = matches!(row.group, Group::VectorLoad | Group::VectorStore);
        for (ty, slot) in operands.skip(usize::from(address)) {
            args[count] = r.slot(slot);
            if *ty == Ty::v128 {
                args[count + 1] = r.slot(slot + 1);
            }
            count += usize::from(ty.slots());
        }
        let mut results = row.results.first().map_or(0, |ty| ty.slots());
        let mut words = 2;
        let value = match row.group {
            Group::Vector => {
                if op == Op::I8x16Shuffle {
                    (args[count], args[count + 1]) = ((*r.pc.add(2)).0, (*r.pc.add(3)).0);
                    words = 4;
                } else if let Some(lane) = args.get_mut(count) {
                    // For those that take one.
                    *lane = third.into();
                }
                op.eval_vector(&args)
            }
            Group::VectorLoad => {
                let memory: &Memory = &*(*vm).memory;
                let at = r.slot(w.b()) + u64::from(offset);
                let Some(bytes) = range(at, op).and_then(|range| memory.data().get(range)) else {
                    return Flow::Trap(Trap::MemoryOutOfBounds);
                };
                loaded(op, bytes, (count > 0).then(|| [args[0], args[1]]), third.into())
            }
            Group::VectorStore => {
                let stored = stored(op, [args[0], args[1]], third.into());
                let memory: &mut Memory = &mut *(*vm).memory;
                let at = r.slot(w.b()) + u64::from(offset);
                let Some(bytes) = range(at, op).and_then(|range| memory.range_mut(range.start, range.len())) else {
                    return Flow::Trap(Trap::MemoryOutOfBounds);
                };
                bytes.copy_from_slice(&stored[..bytes.len()]);
                [0; 2]
            }
            _ => {
                let global = *(*vm).globals.add(offset as usize);
                let global = global.cast::<[u64; 2]>();
                if op == Op::GlobalSet {
                    *global = [r.slot(w.b()), r.slot(w.b() + 1)];
                } else {
                    results = 2;
                }
                *global
            }
        };
        for (i, half) in (0..results).zip(value) {
            r.set_slot(w.a() + i, half);
        }
        r.pc = r.pc.add(words);
        save(&r);
        Flow::Next
    }
}

/// The vector that a load makes of `bytes`, or of `vector` if it replaces a lane of that.
pub(super) fn loaded(op: Op, bytes: &[u8], vector: Option<[u64; 2]>, lane: u64) -> [u64; 2] {
    let mut read = [0; 16];
    read[..bytes.len()].copy_from_slice(bytes);
    let read = u128::from_le_bytes(read).into_slots();
    match vector {
        None => op.eval_vector(&read),
        Some([low, high]) => op.eval_vector(&[low, high, read[0], lane]),
    }
}

/// What a store writes of `vector`: as many of these bytes as it moves.
pub(super) fn stored(op: Op, vector: [u64; 2], lane: u64) -> [u8; 16] {
    u128::from_slots(&op.eval_vector(&[vector[0], vector[1], lane])).to_le_bytes()
}

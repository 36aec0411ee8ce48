//! The threaded back end: one function per op, each ending in a call that the compiler makes a jump.
//!
//! Stable Rust promises no tail calls. LLVM makes these calls jumps because caller and callee have one signature, all
//! arguments in registers, nothing to drop and no address of a local that outlives inlining; but only when optimising and
//! without debug assertions, which the build script checks. `xtask tails` looks at the machine code, and every handler
//! runs on a 64 KiB thread in a test.

use super::body::*;
use super::functions::*;
use super::fused::*;
use super::machine::Machine;
use super::memory::Pool;
use super::ops::{expand_ops, for_each_op};
use super::slow;
use super::vm::Vm;
use crate::error::Trap;
use crate::gas::Schedule;
use crate::interp::code::{Family, Word};
use crate::limits::RunLimits;
use alloc::{sync::Arc, vec};
use core::sync::atomic::{AtomicU8, Ordering};

/// Answers of a run, by number: flows do not fit a register portably.
const DONE: u64 = 0;
const STOP: u64 = 1;
const TRAP: u64 = 2;

/// The code that ends a probe; no op has it.
const PROBE: u16 = Family::Exit.effect(1);

/// Its arguments are the six integer registers that the convention has: [`Regs`] and the table of handlers, whose address
/// every op would have to compute again otherwise.
#[rustfmt::skip]
type Handler = unsafe extern "sysv64" fn(*mut Vm, *const Word, *mut u64, *mut u8, Table, u64) -> u64;

/// Where the handlers' addresses are.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Table(&'static [Handler; ALL_CODES]);

/// Goes on with the op at `pc`.
macro_rules! dispatch {
    ($r:ident, $table:expr) => {{
        let table: Table = $table;
        let handler = *table.0.get_unchecked(usize::from($r.word().code()));
        handler($r.vm, $r.pc, $r.fp, $r.mem, table, $r.acc)
    }};
}

/// What a flow other than to the next op means.
macro_rules! finish {
    ($r:ident, $table:ident, $flow:expr) => {
        match $flow {
            Flow::Next => dispatch!($r, $table),
            Flow::Unpaid => unpaid($r.vm, $r.pc, $r.fp, $r.mem, $table, $r.acc),
            Flow::Beyond => beyond($r.vm, $r.pc, $r.fp, $r.mem, $table, $r.acc),
            Flow::Enter => enter($r.vm, $r.pc, $r.fp, $r.mem, $table, $r.acc),
            Flow::Trap(trap) => {
                ((*$r.vm).saved.pc, (*$r.vm).saved.fp) = ($r.pc, $r.fp);
                TRAP + trap as u64
            }
            Flow::Stop => {
                ((*$r.vm).saved.pc, (*$r.vm).saved.fp) = ($r.pc, $r.fp);
                STOP
            }
            Flow::Done => DONE,
        }
    };
}

unsafe extern "sysv64" fn handler<B: Body>(
    vm: *mut Vm,
    pc: *const Word,
    fp: *mut u64,
    mem: *mut u8,
    table: Table,
    acc: u64,
) -> u64 {
    let mut r = Regs { vm, pc, fp, mem, acc };
    // SAFETY: called by `dispatch!` alone, for the op at `pc`.
    unsafe { finish!(r, table, B::run(&mut r)) }
}

/// The reserve pays, or the run is out of gas.
#[cold]
unsafe extern "sysv64" fn unpaid(
    vm: *mut Vm,
    pc: *const Word,
    fp: *mut u64,
    mem: *mut u8,
    table: Table,
    acc: u64,
) -> u64 {
    let r = Regs { vm, pc, fp, mem, acc };
    // SAFETY: as for `handler`.
    unsafe {
        if !(*vm).refill() {
            ((*vm).saved.pc, (*vm).saved.fp) = (pc, fp);
            return TRAP + Trap::OutOfGas as u64;
        }
        dispatch!(r, table)
    }
}

/// Memory opens, or the access is out of bounds.
#[cold]
unsafe extern "sysv64" fn beyond(
    vm: *mut Vm,
    pc: *const Word,
    fp: *mut u64,
    mem: *mut u8,
    table: Table,
    acc: u64,
) -> u64 {
    let mut r = Regs { vm, pc, fp, mem, acc };
    // SAFETY: as for `handler`.
    unsafe {
        if !r.open_memory() {
            ((*vm).saved.pc, (*vm).saved.fp) = (pc, fp);
            return TRAP + Trap::MemoryOutOfBounds as u64;
        }
        dispatch!(r, table)
    }
}

/// A call that the fast path left.
#[cold]
unsafe extern "sysv64" fn enter(
    vm: *mut Vm,
    pc: *const Word,
    fp: *mut u64,
    mem: *mut u8,
    table: Table,
    acc: u64,
) -> u64 {
    let mut r = Regs { vm, pc, fp, mem, acc };
    // SAFETY: as for `handler`.
    unsafe { finish!(r, table, r.out_of_line(|vm| slow::enter(vm))) }
}

/// Not an op.
unsafe extern "sysv64" fn none(_: *mut Vm, _: *const Word, _: *mut u64, _: *mut u8, _: Table, _: u64) -> u64 {
    unreachable!("the translator writes only codes of existing ops")
}

macro_rules! table {
    ($([$op:ty])*) => {
        static HANDLERS: [Handler; ALL_CODES] = {
            let mut table: [Handler; ALL_CODES] = [none; ALL_CODES];
            $(table[<$op as Body>::CODE as usize] = handler::<$op>;)*
            table[PROBE as usize] = probe;
            table
        };
    };
}
for_each_op!(table);

fn handlers() -> Table {
    Table(&HANDLERS)
}

/// Ends a probe: tells where the host stack is by now.
unsafe extern "sysv64" fn probe(_: *mut Vm, _: *const Word, _: *mut u64, _: *mut u8, _: Table, _: u64) -> u64 {
    let here = 0u8;
    core::hint::black_box(&raw const here) as usize as u64
}

/// Whether the host stack grows from op to op: then calls were not made jumps, and tail dispatch must not be used.
///
/// Looks at this very build, once: two runs of different lengths must end at the same stack address.
pub(crate) fn stack_grows() -> bool {
    static ANSWER: AtomicU8 = AtomicU8::new(0);
    const STEADY: u8 = 1;
    const GROWS: u8 = 2;
    if ANSWER.load(Ordering::Relaxed) == 0 {
        let mut machine = Machine::new(Schedule::Ewasm, RunLimits::CHAIN1, &Arc::new(Pool::new(None, None)));
        let mut depth = |ops: usize| {
            let mut code = vec![Word::wide(Family::Charge.effect(0), 0, 0); ops];
            code.push(Word::new(PROBE, 0, 0, 0));
            let (pc, vm) = (code.as_ptr(), machine.as_ptr());
            // SAFETY: the ops charge nothing and end in the probe; they touch no slot and no memory.
            unsafe { handler::<Charge>(vm, pc, core::ptr::null_mut(), core::ptr::null_mut(), handlers(), 0) }
        };
        let answer = if depth(1) == depth(256) { STEADY } else { GROWS };
        ANSWER.store(answer, Ordering::Relaxed);
    }
    ANSWER.load(Ordering::Relaxed) == GROWS
}

/// Runs from `r` to the end of the run.
///
/// # Safety
/// The contract of the bodies.
pub(crate) unsafe fn run(r: Regs) -> Flow {
    // SAFETY: the caller's promise.
    match unsafe { dispatch!(r, handlers()) } {
        DONE => Flow::Done,
        STOP => Flow::Stop,
        code => Flow::Trap(Trap::ALL[(code - TRAP) as usize]),
    }
}

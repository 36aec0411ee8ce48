//! The portable back end: one function, one loop, one match, all state in locals.

use super::body::*;
use super::functions::*;
use super::fused::*;
use super::ops::{expand_ops, for_each_op};
use super::slow;

/// Nothing, but not the same nothing for two ops: LLVM merges equal ends of arms, so that ops end in a jump to a shared end
/// before the jump to the match. What it is worth: engine/docs/interpreter.md, *Code and ops*.
#[inline(always)]
fn keep_apart<const CODE: u16>() {
    // In Wasm an end is a branch to the loop's head already.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    // SAFETY: a comment, no instruction.
    unsafe {
        core::arch::asm!("/* {} */", const CODE, options(nomem, nostack, preserves_flags));
    }
}

macro_rules! looped {
    ($([$op:ty])*) => {
        /// Runs from `r` to the end of the run.
        ///
        /// # Safety
        /// The contract of the bodies.
        pub(crate) unsafe fn run(start: Regs) -> Flow {
            // A copy field by field: the argument itself lives in memory, and would keep living there.
            let Regs { vm, pc, fp, mem, acc } = start;
            let mut r = Regs { vm, pc, fp, mem, acc };
            loop {
                // SAFETY: the caller's promise; ops keep it for the ops behind them.
                unsafe {
                    let flow = match r.word().code() {
                        // `continue` in every arm: no common code behind the match that would test the flow again.
                        $(<$op as Body>::CODE => match <$op as Body>::run(&mut r) {
                            Flow::Next => {
                                keep_apart::<{ <$op as Body>::CODE }>();
                                continue;
                            }
                            flow => flow,
                        },)*
                        // SAFETY: the translator writes only codes of this list.
                        _ if !cfg!(feature = "checked") => core::hint::unreachable_unchecked(),
                        code => unreachable!("no op has code {code}"),
                    };
                    match flow {
                        Flow::Unpaid if (*r.vm).refill() => {}
                        Flow::Beyond if r.open_memory() => {}
                        Flow::Enter => match r.out_of_line(|vm| slow::enter(vm)) {
                            Flow::Next => {}
                            flow => return r.leave(flow),
                        },
                        flow => return r.leave(flow),
                    }
                }
            }
        }
    };
}
for_each_op!(looped);

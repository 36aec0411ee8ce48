//! Ending a run from another thread.
//!
//! The interpreter looks whether somebody wants that where it is short of gas anyway: while a store has an [`Interrupt`], its
//! counter holds a slice of the gas at a time, and a host function that spends more leaves it short. Machine code looks at its gas
//! and at nothing else. Whoever interrupts nudges the thread that it runs on, and there its gas is taken away ([`GONE`]): it
//! goes the way of a run that is out of gas, and only then is asked whether it was.

use core::mem::transmute;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

/// Particles left, where gas was taken away. So many that no code spends them before it looks, and no refill makes up for them.
pub const GONE: i64 = i64::MIN / 2;

/// Gas that the counter holds at most while a run can be interrupted: some milliseconds of the interpreter.
pub(crate) const SLICE: u64 = 10_000;

/// What a store and those who may interrupt it share.
#[derive(Debug, Default)]
pub struct Interrupt {
    raised: AtomicBool,
    /// Thread that machine code runs on, by the number that `nudge` wants; 0: none does.
    thread: AtomicUsize,
    /// A [`Nudge`]; 0: none yet.
    nudge: AtomicUsize,
}

/// Makes a thread that machine code runs on see that it is interrupted. May be called at any time, also for a thread that is gone.
pub type Nudge = fn(thread: usize);

impl Interrupt {
    /// Ends the run that is under way, and every other that begins.
    ///
    /// A nudge reaches machine code alone, and not what that has called: while this answers true, machine code is under way,
    /// and it has to be called again some time later.
    pub(crate) fn raise(&self) -> bool {
        self.raised.store(true, SeqCst);
        let (thread, nudge) = (self.thread.load(SeqCst), self.nudge.load(SeqCst));
        if thread != 0 {
            // SAFETY: `during` put a `Nudge` there before it named the thread.
            unsafe { transmute::<usize, Nudge>(nudge)(thread) };
        }
        thread != 0
    }

    /// Whether runs are to end.
    pub fn is_raised(&self) -> bool {
        self.raised.load(SeqCst)
    }

    /// Does what machine code does on `thread`, which is not 0 and of which no other such run is under way.
    pub fn during<T>(&self, thread: usize, nudge: Nudge, enter: impl FnOnce() -> T) -> T {
        self.nudge.store(nudge as usize, SeqCst);
        self.thread.store(thread, SeqCst);
        let done = enter();
        self.thread.store(0, SeqCst);
        done
    }
}

//! Stacks for machine code: mapped, with a guard page below, used again.
//!
//! How large one must be follows from the run's limits: a function whose frame is larger than its slots pay for is not
//! compiled ([`FRAME`]), so depth and slots run out before the stack does.

use std::ptr::null_mut;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes of native frame that a slot of a function's static height pays for.
pub(crate) const SLOT: u32 = 16;
/// Bytes of native frame that a call pays for beside its slots.
pub(crate) const FRAME: u32 = 256;
/// Room for the entry's own frame and what gates push.
const BASE: usize = 64 << 10;
/// The guard below.
const GUARD: usize = 64 << 10;
/// Stacks that wait for their next use.
const KEPT: usize = 16;

/// A stack, unmapped when it is dropped.
pub(crate) struct Stack {
    start: *mut libc::c_void,
    size: usize,
}

// SAFETY: a mapping that belongs to whoever has this.
unsafe impl Send for Stack {}

/// Those that wait for their next use.
#[derive(Default)]
pub(crate) struct Stacks(Mutex<Vec<Stack>>);

/// Bytes of stack for a run with that much depth (high half) and so many slots (low half) left.
pub(crate) fn size_for(budget: u64) -> usize {
    let (depth, slots) = ((budget >> 32) as usize, budget as u32 as usize);
    (BASE + depth * FRAME as usize + slots * SLOT as usize).next_multiple_of(64 << 10)
}

impl Stacks {
    fn free(&self) -> MutexGuard<'_, Vec<Stack>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A stack of at least `size` bytes; `None`: the system gives none.
    pub(crate) fn take(&self, size: usize) -> Option<Stack> {
        let mut free = self.free();
        match free.iter().position(|stack| stack.size >= size) {
            Some(at) => Some(free.swap_remove(at)),
            None => Stack::map(size),
        }
    }

    /// Keeps a stack for its next use, or frees it.
    pub(crate) fn give_back(&self, stack: Stack) {
        let mut free = self.free();
        if free.len() < KEPT {
            free.push(stack);
        }
    }
}

impl Stack {
    fn map(size: usize) -> Option<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_STACK;
        // SAFETY: a new mapping, which nothing refers to; without access at first.
        let start = unsafe { libc::mmap(null_mut(), GUARD + size, libc::PROT_NONE, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return None;
        }
        let stack = Self { start, size };
        // SAFETY: inside of the mapping, above the guard; both are multiples of any page size there is.
        let opened = unsafe { libc::mprotect(start.byte_add(GUARD), size, libc::PROT_READ | libc::PROT_WRITE) };
        (opened == 0).then_some(stack)
    }

    /// Where it begins: it grows down from there.
    pub(crate) fn top(&self) -> usize {
        self.start as usize + GUARD + self.size
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: mapped with this size, and nothing runs on it.
        unsafe { libc::munmap(self.start, GUARD + self.size) };
    }
}

//! Memories in reserved address space: they never move, and an access beyond the end of one faults.

use gristmill::tier::{self, Reserve};
use std::ptr::{NonNull, null_mut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes of a reservation.
const RESERVED: usize = tier::RESERVED as usize;

/// Reservations that wait for their next use. What they hold is given back to the system, but for [`SMALL`] bytes of each.
const KEPT: usize = 64;

/// Bytes up to which zeroing costs less than having the system do it.
const SMALL: usize = 256 << 10;

/// Gives reservations, and takes them back for their next use.
#[derive(Debug, Default)]
pub(crate) struct Reservations(Mutex<Vec<Reservation>>);

/// Mapped address space of [`RESERVED`] bytes, unmapped when it is dropped.
#[derive(Debug)]
struct Reservation {
    start: NonNull<u8>,
    /// Readable and writable bytes, from the start on; zero while it waits.
    open: usize,
}

// SAFETY: a mapping that belongs to whoever has this.
unsafe impl Send for Reservation {}

impl Reservation {
    fn map() -> Option<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping, which nothing refers to; without access.
        let start = unsafe { libc::mmap(null_mut(), RESERVED, libc::PROT_NONE, flags, -1, 0) };
        let start = NonNull::new(start).filter(|start| start.as_ptr() != libc::MAP_FAILED)?;
        Some(Self { start: start.cast(), open: 0 })
    }

    /// Makes `len` bytes readable and writable, and no others.
    fn set_open(&mut self, len: usize) -> bool {
        let (from, to) = (self.open.min(len), self.open.max(len));
        let access = if len > self.open { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_NONE };
        // SAFETY: inside of the mapping; both are multiples of 64 KiB, and so of any page size there is. What is closed is of
        // nobody: it belongs to memories that are not in use.
        let done =
            from == to || unsafe { libc::mprotect(self.start.byte_add(from).as_ptr().cast(), to - from, access) } == 0;
        if done {
            self.open = len;
        }
        done
    }

    /// Zeroes what may have been written.
    fn zero(&mut self) -> bool {
        let small = self.open.min(SMALL);
        // SAFETY: open bytes of a memory that nobody uses any more.
        unsafe { self.start.write_bytes(0, small) };
        // SAFETY: as above; private anonymous pages are zero when they are touched again.
        self.open == small
            || unsafe {
                libc::madvise(self.start.byte_add(small).as_ptr().cast(), self.open - small, libc::MADV_DONTNEED) == 0
            }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: mapped with this size, and nobody uses it.
        unsafe { libc::munmap(self.start.as_ptr().cast(), RESERVED) };
    }
}

impl Reservations {
    fn free(&self) -> MutexGuard<'_, Vec<Reservation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self, len: usize) -> Option<Reservation> {
        let mut free = self.free();
        let at = free.iter().rposition(|reservation| reservation.open == len);
        at.map(|at| free.swap_remove(at)).or_else(|| free.pop())
    }
}

// SAFETY: a mapping of that many bytes, of which the first `len` are open and zero: fresh ones are, and others were zeroed
// when they came back. The rest has no access, so the processor refuses what touches it.
unsafe impl Reserve for Reservations {
    fn take(&self, len: usize) -> Option<NonNull<u8>> {
        let mut reservation = self.kept(len).or_else(Reservation::map)?;
        if !reservation.set_open(len) {
            return None;
        }
        let start = reservation.start;
        std::mem::forget(reservation);
        Some(start)
    }

    unsafe fn grow(&self, start: NonNull<u8>, old: usize, new: usize) -> bool {
        let mut reservation = Reservation { start, open: old };
        let grown = reservation.set_open(new);
        std::mem::forget(reservation);
        grown
    }

    unsafe fn give_back(&self, start: NonNull<u8>, len: usize) {
        let mut reservation = Reservation { start, open: len };
        if !reservation.zero() {
            return;
        }
        let mut free = self.free();
        if free.len() < KEPT {
            free.push(reservation);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = 64 << 10;

    fn bytes<'a>(start: NonNull<u8>, len: usize) -> &'a mut [u8] {
        // SAFETY: taken, that long, and looked at here alone.
        unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), len) }
    }

    #[test]
    fn what_comes_back_is_zero_and_used_again() {
        let reservations = Reservations::default();
        let mut before = None;
        for (len, grown) in [(0, 0), (PAGE, PAGE), (PAGE, 3 * PAGE), (2 * PAGE, 40 * PAGE), (PAGE, PAGE), (0, PAGE)] {
            let start = reservations.take(len).unwrap();
            assert!(before.is_none_or(|before| before == start));
            before = Some(start);
            // SAFETY: taken with this length.
            assert!(unsafe { reservations.grow(start, len, grown) });
            assert!(bytes(start, grown).iter().all(|byte| *byte == 0));
            bytes(start, grown).fill(0xee);
            // SAFETY: this long, and not used any more.
            unsafe { reservations.give_back(start, grown) };
        }
    }

    #[test]
    fn many_at_once_are_distinct_and_few_are_kept() {
        let reservations = Reservations::default();
        let taken: Vec<_> = (0..2 * KEPT).map(|_| reservations.take(PAGE).unwrap()).collect();
        for (at, start) in taken.iter().enumerate() {
            bytes(*start, PAGE).fill(at as u8);
        }
        for (at, start) in taken.iter().enumerate() {
            assert!(bytes(*start, PAGE).iter().all(|byte| *byte == at as u8));
            // SAFETY: as above.
            unsafe { reservations.give_back(*start, PAGE) };
        }
        assert_eq!(reservations.free().len(), KEPT);
    }
}

//! Memories in reserved address space: they never move, and an access beyond the end of one faults.
//!
//! Most contracts write to few pages of their memory: some data, the end of a stack. So the first pages of a reservation can be
//! read only until they are written: that write faults, the handler of signals lets it through ([`mend`]), and the page stays
//! writable for the memories that lie there next. Between two memories, writable pages alone are zeroed.

use gristmill::tier::{self, Reserve};
use std::ffi::c_int;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes of address space for a memory.
const RESERVED: usize = tier::RESERVED as usize;

/// Bytes before the memory, in which [`Head`] is. Whole pages, whatever their size is.
const HEAD: usize = 64 << 10;

/// Reservations lie at multiples of their length, so that an address tells where its reservation begins.
const GRID: usize = HEAD + RESERVED;

/// Where reservations lie now, a bit for each multiple of [`GRID`] in what the system gives to programs.
static MAPPED: [AtomicU64; (1 << 47) / GRID / 64 + 1] = [const { AtomicU64::new(0) }; (1 << 47) / GRID / 64 + 1];

/// Reservations that wait for their next use. What they hold is given back to the system, but for [`SMALL`] bytes of each.
const KEPT: usize = 64;

/// Bytes up to which zeroing costs less than having the system do it.
const SMALL: usize = 256 << 10;

/// Bytes of a page that is read only or not, of which [`SMALL`] has as many as a word has bits. Where the system has longer pages,
/// the first write opens all of them.
const PAGE: usize = SMALL / 64;

/// Who writes to more pages gets all of them: each costs a fault, and makes the system's list of mappings longer.
const FEW: u32 = 8;

/// Memories after which all pages are read only again: the next ones may be of other contracts.
const REMEMBERED: usize = 1024;

/// Reservations that may have pages that are read only: no more, for the system's list of mappings has an end (65,530 on Linux).
const LEARNING: usize = 1024;

/// How many there are.
static LEARNERS: AtomicUsize = AtomicUsize::new(0);

const READ: c_int = libc::PROT_READ;
const WRITE: c_int = libc::PROT_WRITE;

/// Gives reservations, and takes them back for their next use.
#[derive(Debug, Default)]
pub(crate) struct Reservations(Mutex<Vec<Reservation>>);

/// Mapped address space of [`GRID`] bytes, unmapped when it is dropped.
#[derive(Debug)]
struct Reservation {
    /// Where the memory begins.
    start: NonNull<u8>,
    /// Readable bytes, from there on; zero while it waits.
    open: usize,
}

// SAFETY: a mapping that belongs to whoever has this.
unsafe impl Send for Reservation {}

/// What the handler of signals reads too.
struct Head {
    /// [`Reservation::open`].
    open: AtomicUsize,
    /// Pages of the first [`SMALL`] bytes that are writable.
    writable: AtomicU64,
    /// Memories that lay here since all pages were read only; [`Head::ALL`]: pages are writable from the start.
    memories: AtomicUsize,
}

impl Head {
    const ALL: usize = usize::MAX;

    /// Of the reservation whose memory begins at `start`.
    ///
    /// # Safety
    /// It is mapped, for as long as the answer is used.
    unsafe fn of<'a>(start: *const u8) -> &'a Self {
        // SAFETY: the caller's promise; [`HEAD`] bytes before it are readable and writable, and were zero at first.
        unsafe { &*start.sub(HEAD).cast() }
    }
}

/// Pages that lie in the first `len` bytes, as bits.
fn pages(len: usize) -> u64 {
    let count = len.min(SMALL) / PAGE;
    if count == 0 { 0 } else { u64::MAX >> (64 - count) }
}

/// Gives all from byte `from` to byte `to` of the memory at `start` this access.
///
/// # Safety
/// They lie in a mapping of [`Reservation`], and nobody relies on an access that they lose.
unsafe fn protect(start: *mut u8, from: usize, to: usize, access: c_int) -> bool {
    // SAFETY: the caller's promise.
    from == to || unsafe { libc::mprotect(start.add(from).cast(), to - from, access) } == 0
}

/// Lets a write to `address` through, which was refused. False: it was not refused because a page of a memory was read only.
/// Async-signal-safe; a host may write to one memory from several threads.
pub(crate) fn mend(address: usize) -> bool {
    let place = address / GRID;
    let mapped = MAPPED.get(place / 64).is_some_and(|bits| bits.load(Ordering::Acquire) >> (place % 64) & 1 == 1);
    let Some(at) = (address % GRID).checked_sub(HEAD).filter(|_| mapped) else { return false };
    let start = (place * GRID + HEAD) as *mut u8;
    // SAFETY: mapped (above). Whoever unmaps it knows that nobody uses the memory, so nobody is here for it.
    let head = unsafe { Head::of(start) };
    let small = head.open.load(Ordering::Relaxed).min(SMALL);
    let writable = head.writable.load(Ordering::Relaxed);
    if at >= small {
        return false;
    }
    let (page, bit) = (at / PAGE * PAGE, 1 << (at / PAGE));
    if writable & bit != 0 {
        // Another thread was faster: it is writable before its bit is set.
        return true;
    }
    // SAFETY: inside of what is readable.
    let (done, bits) = unsafe {
        if writable.count_ones() < FEW && protect(start, page, page + PAGE, READ | WRITE) {
            (true, bit)
        } else {
            (protect(start, 0, small, READ | WRITE), pages(small))
        }
    };
    if done {
        head.writable.fetch_or(bits, Ordering::Relaxed);
    }
    done
}

impl Reservation {
    fn map() -> Option<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping, which nothing refers to; without access.
        let all = unsafe { libc::mmap(null_mut(), 2 * GRID, libc::PROT_NONE, flags, -1, 0) };
        if all == libc::MAP_FAILED {
            return None;
        }
        // The last multiple whose reservation is all in it: the next mapping then lies just before this one.
        let before = GRID - all as usize % GRID;
        // SAFETY: what the mapping has before and behind; not what is behind when that is nothing.
        let (at, trimmed) = unsafe {
            let at = all.byte_add(before);
            let behind = GRID - before;
            let trimmed =
                libc::munmap(all, before) | if behind == 0 { 0 } else { libc::munmap(at.byte_add(GRID), behind) };
            (at.cast::<u8>(), trimmed == 0)
        };
        // SAFETY: inside of the mapping, whose rest is this value's from here on.
        let reservation = Self { start: unsafe { NonNull::new(at)?.add(HEAD) }, open: 0 };
        let learns = LEARNERS.fetch_add(1, Ordering::Relaxed) < LEARNING;
        // SAFETY: as above; nobody uses it yet.
        if !trimmed || !unsafe { protect(at, 0, HEAD, READ | WRITE) } {
            return None;
        }
        reservation.head().memories.store(if learns { 0 } else { Head::ALL }, Ordering::Relaxed);
        reservation.in_map(|bits, bit| bits.fetch_or(bit, Ordering::Release));
        Some(reservation)
    }

    fn head(&self) -> &Head {
        // SAFETY: mapped as long as this is there.
        unsafe { Head::of(self.start.as_ptr()) }
    }

    /// Changes its bit of [`MAPPED`].
    fn in_map(&self, change: impl FnOnce(&AtomicU64, u64) -> u64) {
        let place = self.start.as_ptr() as usize / GRID;
        change(&MAPPED[place / 64], 1 << (place % 64));
    }

    /// Makes `len` bytes readable, and no others.
    fn set_open(&mut self, len: usize) -> bool {
        let (from, to) = (self.open.min(len), self.open.max(len));
        let head = self.head();
        let learns = head.memories.load(Ordering::Relaxed) != Head::ALL;
        let writable = head.writable.load(Ordering::Relaxed);
        let start = self.start.as_ptr();
        // SAFETY: inside of the mapping; all are multiples of 64 KiB, and so of any page size there is. What is closed is of
        // nobody: it belongs to memories that are not in use.
        let done = unsafe {
            if len < self.open {
                protect(start, from, to, libc::PROT_NONE)
            } else {
                let small = if learns { SMALL.clamp(from, to) } else { from };
                let done = protect(start, from, small, READ) && protect(start, small, to, READ | WRITE);
                if !done {
                    protect(start, from, to, libc::PROT_NONE);
                }
                done
            }
        };
        if done {
            let kept = writable & pages(from);
            head.writable.store(if learns { kept } else { pages(len) }, Ordering::Relaxed);
            head.open.store(len, Ordering::Relaxed);
            self.open = len;
        }
        done
    }

    /// Zeroes what may have been written.
    fn zero(&mut self) -> bool {
        let mut writable = self.head().writable.load(Ordering::Relaxed);
        while writable != 0 {
            let from = writable.trailing_zeros();
            let run = (writable >> from).trailing_ones();
            // SAFETY: writable bytes of a memory that nobody uses any more.
            unsafe { self.start.add(from as usize * PAGE).write_bytes(0, run as usize * PAGE) };
            writable &= !(u64::MAX >> (64 - run) << from);
        }
        let small = self.open.min(SMALL);
        // SAFETY: as above; private anonymous pages are zero when they are touched again.
        self.open == small
            || unsafe {
                libc::madvise(self.start.byte_add(small).as_ptr().cast(), self.open - small, libc::MADV_DONTNEED) == 0
            }
    }

    /// Counts a memory that lay here, and forgets after some of them what they wrote to.
    fn count(&mut self) {
        let head = self.head();
        let memories = head.memories.load(Ordering::Relaxed);
        if memories == Head::ALL {
            return;
        }
        head.memories.store(memories + 1, Ordering::Relaxed);
        // SAFETY: readable bytes of a memory that nobody uses.
        if memories >= REMEMBERED && unsafe { protect(self.start.as_ptr(), 0, self.open.min(SMALL), READ) } {
            head.writable.store(0, Ordering::Relaxed);
            head.memories.store(0, Ordering::Relaxed);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        LEARNERS.fetch_sub(1, Ordering::Relaxed);
        self.in_map(|bits, bit| bits.fetch_and(!bit, Ordering::Release));
        // SAFETY: mapped with this size, and nobody uses it.
        unsafe { libc::munmap(self.start.sub(HEAD).as_ptr().cast(), GRID) };
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
// when they came back; a write that is refused although it is to one of them is tried again after [`mend`], which the handler of
// signals calls. The rest has no access, so the processor refuses what touches it.
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
        reservation.count();
        let mut free = self.free();
        if free.len() < KEPT {
            free.push(reservation);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WASM_PAGE: usize = 64 << 10;

    /// With the handlers that let writes through.
    fn reservations() -> Reservations {
        crate::signal::install();
        Reservations::default()
    }

    fn bytes<'a>(start: NonNull<u8>, len: usize) -> &'a mut [u8] {
        // SAFETY: taken, that long, and looked at here alone.
        unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), len) }
    }

    fn writable(start: NonNull<u8>) -> u64 {
        // SAFETY: taken and not given back.
        unsafe { Head::of(start.as_ptr()) }.writable.load(Ordering::Relaxed)
    }

    #[test]
    fn what_comes_back_is_zero_and_used_again() {
        let reservations = reservations();
        let mut before = None;
        for (len, grown) in [
            (0, 0),
            (WASM_PAGE, WASM_PAGE),
            (WASM_PAGE, 3 * WASM_PAGE),
            (2 * WASM_PAGE, 40 * WASM_PAGE),
            (WASM_PAGE, WASM_PAGE),
            (0, WASM_PAGE),
        ] {
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
        let reservations = reservations();
        let taken: Vec<_> = (0..2 * KEPT).map(|_| reservations.take(WASM_PAGE).unwrap()).collect();
        for (at, start) in taken.iter().enumerate() {
            bytes(*start, WASM_PAGE).fill(at as u8);
        }
        for (at, start) in taken.iter().enumerate() {
            assert!(bytes(*start, WASM_PAGE).iter().all(|byte| *byte == at as u8));
            // SAFETY: as above.
            unsafe { reservations.give_back(*start, WASM_PAGE) };
        }
        assert_eq!(reservations.free().len(), KEPT);
    }

    #[test]
    fn written_pages_stay_writable_and_are_zeroed() {
        let reservations = reservations();
        let len = 2 * WASM_PAGE;
        for round in 0..3 {
            let start = reservations.take(len).unwrap();
            let memory = bytes(start, len);
            assert!(memory.iter().all(|byte| *byte == 0), "reading opens nothing");
            assert_eq!(writable(start), if round == 0 { 0 } else { 1 << 31 | 1 << 16 | 1 });
            (memory[7], memory[16 * PAGE], memory[len - 1]) = (1, 2, 3);
            assert_eq!(writable(start), 1 << 31 | 1 << 16 | 1);
            // SAFETY: this long, and not used any more.
            unsafe { reservations.give_back(start, len) };
        }
    }

    #[test]
    fn who_writes_to_many_pages_gets_all() {
        let reservations = reservations();
        let start = reservations.take(WASM_PAGE).unwrap();
        for page in 0..FEW as usize {
            assert_eq!(writable(start).count_ones(), page as u32);
            bytes(start, WASM_PAGE)[page * PAGE] = 1;
        }
        bytes(start, WASM_PAGE)[15 * PAGE] = 1;
        assert_eq!(writable(start), 0xffff);
        // SAFETY: taken with this length.
        assert!(unsafe { reservations.grow(start, WASM_PAGE, 5 * WASM_PAGE) });
        assert_eq!(writable(start), 0xffff, "what is new is read only");
        bytes(start, 5 * WASM_PAGE).fill(1);
        assert_eq!(writable(start), u64::MAX);
        // SAFETY: this long, and not used any more.
        unsafe { reservations.give_back(start, 5 * WASM_PAGE) };
        let start = reservations.take(WASM_PAGE).unwrap();
        assert_eq!(writable(start), 0xffff, "what is closed is forgotten");
    }

    #[test]
    fn threads_may_write_to_one_memory() {
        let reservations = reservations();
        for _ in 0..50 {
            let start = reservations.take(4 * WASM_PAGE).unwrap();
            std::thread::scope(|scope| {
                for part in bytes(start, 4 * WASM_PAGE).chunks_mut(2 * PAGE + 8) {
                    scope.spawn(|| part.fill(1));
                }
            });
            // SAFETY: this long, and not used any more.
            unsafe { reservations.give_back(start, 4 * WASM_PAGE) };
            assert!(bytes(start, 4 * WASM_PAGE).iter().all(|byte| *byte == 0));
            reservations.free()[0].head().memories.store(REMEMBERED, Ordering::Relaxed);
            let mut reservation = reservations.free().pop().unwrap();
            reservation.count();
            reservations.free().push(reservation);
        }
    }

    #[test]
    fn what_was_written_is_forgotten_at_times() {
        let reservations = reservations();
        let opened = (0..=REMEMBERED).map(|_| {
            let start = reservations.take(WASM_PAGE).unwrap();
            bytes(start, WASM_PAGE)[0] = 1;
            let opened = writable(start);
            // SAFETY: this long, and not used any more.
            unsafe { reservations.give_back(start, WASM_PAGE) };
            opened
        });
        assert!(opened.into_iter().all(|opened| opened == 1));
        assert_eq!(writable(reservations.take(WASM_PAGE).unwrap()), 0);
    }

    #[test]
    fn beyond_some_reservations_nothing_is_read_only() {
        let mut reservation = Reservation::map().unwrap();
        reservation.head().memories.store(Head::ALL, Ordering::Relaxed);
        assert!(reservation.set_open(WASM_PAGE));
        assert_eq!(writable(reservation.start), 0xffff);
        bytes(reservation.start, WASM_PAGE).fill(1);
        assert!(reservation.zero());
        reservation.count();
        assert_eq!((writable(reservation.start), bytes(reservation.start, WASM_PAGE)[PAGE]), (0xffff, 0));
    }

    #[test]
    fn only_pages_of_memories_that_are_read_only_are_mended() {
        let mut reservation = Reservation::map().unwrap();
        assert!(reservation.set_open(WASM_PAGE));
        let start = reservation.start.as_ptr() as usize;
        for address in [
            0,
            usize::MAX,
            &raw const reservation as usize,
            start - 1,
            start - HEAD,
            start + WASM_PAGE,
            start + RESERVED - 1,
        ] {
            assert!(!mend(address), "{address:x}");
        }
        assert!(mend(start + PAGE) && mend(start + PAGE), "once more, for another thread");
        assert_eq!(writable(reservation.start), 2);
    }
}

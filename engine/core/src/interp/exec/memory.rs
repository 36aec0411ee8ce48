//! Linear memory: zeroed bytes that grow in place while the allocator lets them, and return to their engine's pool zeroed.
//!
//! Most contracts touch little of their memory, so only what may have been written is zeroed. Code gets at first none of a
//! memory that the pool will want back: an access beyond what is open to it comes out here, and opens what it needs.
//!
//! A compiler may give memories a place of its own, in which they never move ([`Reserve`]): all of those is open.

use super::arena::Lists;
use crate::error::Fault;
use crate::gas::{Pages, Particles, Schedule};
use crate::tier::Reserve;
use crate::wasm::types::MemoryType;
use alloc::alloc::{Layout, alloc_zeroed, dealloc};
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::mem::offset_of;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// Bytes of a page.
pub(crate) const PAGE: usize = 1 << 16;

/// For each width of access, how many addresses it fits at, from 0 on: what a check of one compare needs.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Bounds([u64; 4]);

impl Bounds {
    fn of(len: usize) -> Self {
        Self([1, 2, 4, 8].map(|size| (len as u64 + 1).saturating_sub(size)))
    }

    /// Where they end.
    fn len(&self) -> usize {
        self.0[0] as usize
    }

    /// Whether `size` bytes at `at` lie in memory; `size` is 1, 2, 4 or 8.
    #[inline(always)]
    pub fn hold(&self, at: u64, size: u64) -> bool {
        at < self.0[size.trailing_zeros() as usize]
    }
}

/// A linear memory.
///
/// The bytes are allocated zeroed, so the operating system gives pages only when they are touched; capacity doubles, so
/// that growing page by page costs no more than growing at once. Machine code knows the layout.
#[repr(C)]
pub(crate) struct Memory {
    data: NonNull<u8>,
    /// Bytes that the guest sees.
    len: usize,
    /// Of what is open to code: never more than `written`.
    bounds: Bounds,
    /// Index of this memory in the store.
    pub index: u32,
    /// Bytes that somebody may have written, from the first on: never more than `len`. All others, up to the capacity, are
    /// zero.
    written: usize,
    capacity: usize,
    pub ty: MemoryType,
    /// Its pages beyond which it never grows: the type's maximum, the profile's cap, what code has numbers for.
    max: u64,
    /// Code that has no way to ask for more uses it: what is added is open.
    stays_open: bool,
    /// Whose the bytes are, if they were not allocated: there are `len` of them, and the capacity is 0.
    reserved: Option<Arc<dyn Reserve>>,
    /// What `counted` bytes were taken from, if somebody counts.
    budget: Option<Arc<Budget>>,
    counted: usize,
}

/// Bytes that the memories of an engine's stores may still have.
#[derive(Debug)]
pub(crate) struct Budget(AtomicUsize);

impl Budget {
    /// So many pages.
    pub fn new(pages: Pages) -> Self {
        Self(AtomicUsize::new((pages.0 as usize).saturating_mul(PAGE)))
    }

    fn take(&self, bytes: usize) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Memory {
    /// A memory without pages that never grows.
    pub fn empty() -> Self {
        let ty = MemoryType::new(0, Some(0));
        let (data, bounds) = (NonNull::dangling(), Bounds::of(0));
        Self {
            index: 0,
            data,
            len: 0,
            bounds,
            written: 0,
            capacity: 0,
            ty,
            max: 0,
            stays_open: false,
            reserved: None,
            budget: None,
            counted: 0,
        }
    }

    /// A memory of type `ty` under `cap`, which is not below the type's minimum, out of `pool` if that has a fitting one.
    pub fn new(ty: MemoryType, cap: Pages, pool: &Pool) -> Result<Self, Fault> {
        let max = ty.max.unwrap_or(u64::MAX).min(cap.of_size(ty.page)).min(ty.most());
        let mut memory = Self::empty();
        (memory.ty, memory.max) = (ty, max);
        memory.budget = pool.budget.clone();
        let len = memory.bytes(ty.min)?;
        memory.count(len)?;
        // No other memory is asked for by code that compares no bounds.
        if let Some(reserve) = pool.reserve.as_ref().filter(|_| ty.is_ordinary()) {
            memory.data = reserve.take(len).ok_or(Fault::OutOfMemory)?;
            memory.len = len;
            memory.reserved = Some(reserve.clone());
            memory.open_all();
            return Ok(memory);
        }
        if let Some(data) = pool.take(len) {
            (memory.data, memory.capacity) = (data, len);
        }
        memory.resize(len)?;
        Ok(memory)
    }

    /// Takes what it has not taken of `len` bytes from the budget.
    fn count(&mut self, len: usize) -> Result<(), Fault> {
        let Some(budget) = &self.budget else { return Ok(()) };
        if !budget.take(len - self.counted) {
            return Err(Fault::OutOfMemory);
        }
        self.counted = len;
        Ok(())
    }

    fn bytes(&self, pages: u64) -> Result<usize, Fault> {
        let bytes = pages.checked_mul(1 << self.ty.page.log2());
        bytes.and_then(|bytes| usize::try_from(bytes).ok()).ok_or(Fault::OutOfMemory)
    }

    /// Its size in its pages.
    pub fn pages(&self) -> u64 {
        self.len as u64 >> self.ty.page.log2()
    }

    /// What growing by `delta` pages costs, which must be allowed.
    pub fn price_of(&self, schedule: Schedule, delta: u64) -> Particles {
        let (now, then) = (self.len as u64, (self.pages() + delta) << self.ty.page.log2());
        let (now, then) = (Pages::begun(now), Pages::begun(then));
        schedule.grow_cost(now, Pages(then.0 - now.0))
    }

    /// Where machine code finds base, bytes, and bounds for widths of 1, 2, 4 and 8 bytes.
    pub const LAYOUT: [usize; 3] = [offset_of!(Self, data), offset_of!(Self, len), offset_of!(Self, bounds)];

    pub fn data_ptr(&self) -> *mut u8 {
        self.data.as_ptr()
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// Of what is open to code.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Opens what an access of code at `at` needs, which was not all open. False: it does not lie in memory.
    #[cold]
    pub fn open(&mut self, at: u64) -> bool {
        let opened = self.bounds.len();
        if opened == self.len {
            return false;
        }
        // The access is at most 8 bytes wide, and the sum of two 32-bit numbers is far from the end of 64 bits. One that
        // does not lie in memory opens all of it, and is here again.
        let end = (at + 8).next_multiple_of(OPENED_AT_ONCE).min(self.len as u64) as usize;
        self.set_open(end.max(self.written));
        true
    }

    /// Opens all of it, and all that it grows by, for code that has no way to ask for more.
    pub fn open_all(&mut self) {
        if !self.stays_open {
            self.stays_open = true;
            self.set_open(self.len);
        }
    }

    fn set_open(&mut self, len: usize) {
        (self.written, self.bounds) = (len, Bounds::of(len));
    }

    pub fn data(&self) -> &[u8] {
        // SAFETY: `len` bytes at `data` are allocated and were zeroed; shared by `&self`.
        unsafe { core::slice::from_raw_parts(self.data.as_ptr(), self.len) }
    }

    /// All bytes, to be written anywhere.
    pub fn data_mut(&mut self) -> &mut [u8] {
        self.written = self.len;
        self.lend().0
    }

    /// The `len` bytes at `at`, to be written.
    pub fn range_mut(&mut self, at: usize, len: usize) -> Option<&mut [u8]> {
        let (data, written) = self.lend();
        let range = data.get_mut(at..)?.get_mut(..len)?;
        *written = (*written).max(at + len);
        Some(range)
    }

    /// Copies `len` bytes inside of it.
    ///
    /// # Panics
    /// When they do not all lie in it.
    pub fn copy_within(&mut self, from: usize, to: usize, len: usize) {
        let (data, written) = self.lend();
        *written = (*written).max(to + len);
        data.copy_within(from..from + len, to);
    }

    /// All bytes, for somebody who raises the second number before writing at or beyond it.
    pub fn lend(&mut self) -> (&mut [u8], &mut usize) {
        // SAFETY: as in `data`; exclusive by `&mut self`.
        (unsafe { core::slice::from_raw_parts_mut(self.data.as_ptr(), self.len) }, &mut self.written)
    }

    /// Whether the memory may grow by `delta`: a matter of the maximum and the cap alone, never of this machine.
    pub fn may_grow(&self, delta: u64) -> bool {
        self.pages().checked_add(delta).is_some_and(|pages| pages <= self.max)
    }

    /// Grows by `delta` pages, which must be allowed; returns the old size.
    pub fn grow(&mut self, delta: u64) -> Result<u64, Fault> {
        let old = self.pages();
        let len = self.bytes(old + delta)?;
        self.resize(len)?;
        Ok(old)
    }

    fn resize(&mut self, len: usize) -> Result<(), Fault> {
        self.count(len)?;
        if let Some(reserve) = &self.reserved {
            // SAFETY: taken there, `self.len` bytes long; no more than 4 GiB of pages.
            if !unsafe { reserve.grow(self.data, self.len, len) } {
                return Err(Fault::OutOfMemory);
            }
        } else {
            self.reserve(len)?;
        }
        self.len = len;
        // No pool will want it back, or it is too late to keep anything closed.
        if class(self.capacity).is_none() || self.stays_open {
            self.set_open(len);
        }
        Ok(())
    }

    fn reserve(&mut self, len: usize) -> Result<(), Fault> {
        if len <= self.capacity {
            return Ok(());
        }
        let ceiling = self.bytes(self.max).unwrap_or(usize::MAX);
        // A first allocation is exact: most contracts never grow.
        let capacity = if self.capacity == 0 { len } else { (self.capacity.saturating_mul(2)).min(ceiling).max(len) };
        let data = allocate(capacity).ok_or(Fault::OutOfMemory)?;
        // SAFETY: both regions are allocated with at least `self.written` bytes and are distinct allocations. All others are
        // zero here and there.
        unsafe { core::ptr::copy_nonoverlapping(self.data.as_ptr(), data.as_ptr(), self.written) };
        self.free();
        (self.data, self.capacity) = (data, capacity);
        Ok(())
    }

    fn free(&mut self) {
        if let Some(reserve) = self.reserved.take() {
            // SAFETY: taken there, `self.len` bytes long, and this memory forgets it.
            unsafe { reserve.give_back(self.data, self.len) };
            (self.data, self.len, self.bounds, self.written) = (NonNull::dangling(), 0, Bounds::of(0), 0);
        } else if self.capacity != 0 {
            // SAFETY: allocated with this very size, by `reserve` or by another memory that left it in a pool.
            unsafe { free(self.data, self.capacity) };
        }
    }

    fn uncount(&mut self) {
        if let Some(budget) = self.budget.take() {
            budget.give_back(core::mem::take(&mut self.counted));
        }
    }

    /// Leaves the bytes to `pool`; the memory is empty then.
    pub fn release(&mut self, pool: &Pool) {
        self.uncount();
        if self.reserved.is_some() {
            self.free();
        }
        let (data, written, capacity) = (self.data, self.written, self.capacity);
        if cfg!(any(debug_assertions, feature = "checked")) {
            assert!(self.data()[written..].iter().all(|byte| *byte == 0), "nobody writes beyond what is written");
        }
        (self.data, self.len, self.bounds, self.written, self.capacity) = (NonNull::dangling(), 0, Bounds::of(0), 0, 0);
        if capacity != 0 {
            // SAFETY: allocated with this very size, and this memory has just forgotten it; others than the first `written`
            // bytes are zero.
            unsafe { pool.put(data, written, capacity) };
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.uncount();
        self.free();
    }
}

/// `size` zeroed bytes.
fn allocate(size: usize) -> Option<NonNull<u8>> {
    let layout = Layout::from_size_align(size, ALIGNMENT).ok()?;
    // SAFETY: a memory without bytes allocates none.
    NonNull::new(unsafe { alloc_zeroed(layout) })
}

/// # Safety
/// `data` came from [`allocate`] with this size, and nobody uses it any more.
unsafe fn free(data: NonNull<u8>, size: usize) {
    // SAFETY: the caller's promise; the layout was valid then.
    unsafe { dealloc(data.as_ptr(), Layout::from_size_align_unchecked(size, ALIGNMENT)) };
}

const ALIGNMENT: usize = 16;

/// How much of a memory opens to code at once, in bytes: less would open oftener, more zero what was never touched.
const OPENED_AT_ONCE: u64 = 1 << 12;

/// Sizes of memory that a pool keeps, in pages: those that compilers write, 16 to 18 for a stack of 1 MiB and some data. Zeroing
/// 1 MiB up to its last byte costs as much as getting it anew; what is larger would cost more.
const POOLED_PAGES: [usize; 7] = [1, 2, 3, 4, 16, 17, 18];

/// Which of [`POOLED_PAGES`] a memory of `size` bytes has.
fn class(size: usize) -> Option<usize> {
    POOLED_PAGES.iter().position(|pages| pages * PAGE == size)
}

/// Memories of each size, and lists, that a pool keeps.
const POOLED: usize = 8;

/// Zeroed bytes of small memories that are not in use, and empty lists: an engine's stores leave them to each other.
///
/// Memories in here were zeroed when they came, so that nothing of an instance outlives it. Entries are exchanged whole, by one
/// atomic operation each, so threads never wait for each other.
pub(crate) struct Pool {
    entries: [[AtomicPtr<u8>; POOLED]; POOLED_PAGES.len()],
    /// Of machines that are gone.
    lists: [AtomicPtr<Lists>; POOLED],
    /// Where memories come from instead.
    reserve: Option<Arc<dyn Reserve>>,
    budget: Option<Arc<Budget>>,
}

impl Pool {
    /// An empty pool, or none at all over `reserve`.
    pub fn new(reserve: Option<Arc<dyn Reserve>>, budget: Option<Budget>) -> Self {
        let entries = [const { [const { AtomicPtr::new(core::ptr::null_mut()) }; POOLED] }; POOLED_PAGES.len()];
        Self {
            entries,
            lists: [const { AtomicPtr::new(core::ptr::null_mut()) }; POOLED],
            reserve,
            budget: budget.map(Arc::new),
        }
    }

    /// Whether machine code that compares no bounds may access memories of this pool.
    pub fn reserves(&self) -> bool {
        self.reserve.is_some()
    }

    fn entries(&self, size: usize) -> &[AtomicPtr<u8>] {
        class(size).map_or(&[], |class| &self.entries[class])
    }

    /// `size` zeroed bytes, now the caller's; `None`: there are none of that size.
    fn take(&self, size: usize) -> Option<NonNull<u8>> {
        self.entries(size).iter().find_map(taken)
    }

    /// Lists of a machine that is gone, if there are any.
    pub fn take_lists(&self) -> Option<Box<Lists>> {
        // SAFETY: entries own what they point to, which `put_lists` has made of a box.
        self.lists.iter().find_map(taken).map(|lists| unsafe { Box::from_raw(lists.as_ptr()) })
    }

    /// Keeps lists that are empty, if there is room.
    pub fn put_lists(&self, lists: Box<Lists>) {
        let null = core::ptr::null_mut();
        let Some(entry) = self.lists.iter().find(|entry| entry.load(Ordering::Relaxed).is_null()) else { return };
        let lists = Box::into_raw(lists);
        if entry.compare_exchange(null, lists, Ordering::Release, Ordering::Relaxed).is_err() {
            // SAFETY: of above, and nobody else's: another thread was faster, which is rare.
            drop(unsafe { Box::from_raw(lists) });
        }
    }

    /// Zeroes the first `written` of `size` bytes at `data` and keeps all of them, or frees them when there is no room.
    ///
    /// # Safety
    /// `data` came from [`allocate`] with this size, or from a pool, and nobody uses it any more. All bytes but the first
    /// `written`, which are no more than `size`, are zero.
    unsafe fn put(&self, data: NonNull<u8>, written: usize, size: usize) {
        let null = core::ptr::null_mut();
        for entry in self.entries(size) {
            if entry.load(Ordering::Relaxed).is_null() {
                // SAFETY: the caller's promise; zeroed again below if another thread was faster here, which is rare.
                unsafe { data.write_bytes(0, written) };
                if entry.compare_exchange(null, data.as_ptr(), Ordering::Release, Ordering::Relaxed).is_ok() {
                    return;
                }
            }
        }
        // SAFETY: the caller's promise.
        unsafe { free(data, size) };
    }
}

/// What an entry of a pool has, now the caller's.
fn taken<T>(entry: &AtomicPtr<T>) -> Option<NonNull<T>> {
    // An empty entry is only looked at: the exchange would take its cache line from other threads.
    if entry.load(Ordering::Relaxed).is_null() {
        return None;
    }
    NonNull::new(entry.swap(core::ptr::null_mut(), Ordering::Acquire))
}

impl Drop for Pool {
    fn drop(&mut self) {
        while self.take_lists().is_some() {}
        for (pages, entries) in POOLED_PAGES.iter().zip(&mut self.entries) {
            for data in entries.iter_mut().filter_map(|entry| NonNull::new(*entry.get_mut())) {
                // SAFETY: entries own what they point to, and entries of a class have its size.
                unsafe { free(data, pages * PAGE) };
            }
        }
    }
}

impl core::fmt::Debug for Pool {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Pool")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use alloc::vec::Vec;

    fn memory(pool: &Pool, pages: u64) -> Memory {
        Memory::new(MemoryType::new(pages, None), Pages(16), pool).unwrap()
    }

    #[test]
    fn some_lists_are_kept() {
        let pool = Pool::new(None, None);
        assert!(pool.take_lists().is_none());
        (0..=POOLED).for_each(|_| pool.put_lists(Box::default()));
        assert_eq!((0..=POOLED).filter_map(|_| pool.take_lists()).count(), POOLED);
    }

    /// What comes back is zero, from the first byte to the last, and it is what was left there.
    #[test]
    fn memory_is_used_again_and_zero() {
        let pool = Pool::new(None, None);
        for pages in [1, 2, 16] {
            let mut first = memory(&pool, pages);
            let address = first.data_ptr();
            first.data_mut().fill(0xee);
            first.release(&pool);
            assert_eq!((first.len(), first.data()), (0, &[][..]));
            let second = memory(&pool, pages);
            assert_eq!(second.data_ptr(), address);
            assert_eq!(second.len(), pages as usize * PAGE);
            assert!(second.data().iter().all(|byte| *byte == 0));
        }
    }

    /// Whoever writes, as little as possible is zeroed, and enough: debug builds look at the rest.
    #[test]
    fn only_what_may_be_written_is_zeroed() {
        let pool = Pool::new(None, None);
        type Write = fn(&mut Memory);
        let cases: [(Write, usize); 6] = [
            (|_| {}, 0),
            (|memory| memory.range_mut(100, 28).unwrap().fill(1), 128),
            (|memory| assert!(memory.open(5_000)), 2 * 4_096),
            (
                |memory| {
                    memory.range_mut(9_000, 1).unwrap().fill(1);
                    assert!(memory.open(0));
                },
                9_001,
            ),
            (|memory| memory.copy_within(0, 70_000, 5), 70_005),
            (|memory| memory.data_mut().fill(1), 2 * PAGE),
        ];
        for (write, written) in cases {
            let mut memory = memory(&pool, 2);
            assert!(memory.data().iter().all(|byte| *byte == 0));
            write(&mut memory);
            assert_eq!(memory.written, written);
            let open = memory.bounds();
            assert!([1, 2, 4, 8].iter().all(|size| !open.hold((written as u64 + 1).saturating_sub(*size), *size)));
            memory.release(&pool);
        }
    }

    /// Memory opens up to its end and no further; what no pool wants back is open from the start.
    #[test]
    fn memory_opens_to_its_end() {
        let pool = Pool::new(None, None);
        let mut memory = memory(&pool, 2);
        for at in [0, 4_090, 2 * PAGE as u64 - 8, 1 << 33] {
            let fits = at + 8 <= 2 * PAGE as u64;
            while !memory.bounds().hold(at, 8) && memory.open(at) {}
            assert_eq!(memory.bounds().hold(at, 8), fits);
        }
        assert!(!memory.open(0));
        memory.grow(3).unwrap();
        assert!(memory.bounds().hold(5 * PAGE as u64 - 8, 8) && !memory.open(5 * PAGE as u64 - 7));
        memory.release(&pool);
    }

    /// A memory that has grown comes back as one of its new size, or not at all.
    #[test]
    fn grown_memory() {
        let pool = Pool::new(None, None);
        for (from, delta) in [(1, 1), (1, 2), (0, 1), (2, 3)] {
            let mut grown = memory(&pool, from);
            grown.grow(delta).unwrap();
            grown.data_mut().fill(0xee);
            grown.release(&pool);
        }
        for pages in [1, 2, 3, 4, 5] {
            assert!(memory(&pool, pages).data().iter().all(|byte| *byte == 0), "{pages}");
        }
    }

    #[test]
    fn a_pool_is_bounded() {
        let pool = Pool::new(None, None);
        let mut memories: Vec<_> = (0..3 * POOLED).map(|_| memory(&pool, 1)).collect();
        memories.iter_mut().for_each(|memory| memory.release(&pool));
        assert!((0..POOLED).all(|_| {
            // SAFETY: of this size, and ours now.
            pool.take(PAGE).map(|data| unsafe { free(data, PAGE) }).is_some()
        }));
        assert!(pool.take(PAGE).is_none());
    }

    #[test]
    fn threads_share_a_pool() {
        let pool = Pool::new(None, None);
        std::thread::scope(|scope| {
            for byte in 1..=4 {
                let pool = &pool;
                scope.spawn(move || {
                    for _ in 0..200 {
                        let mut memory = memory(pool, 1);
                        assert!(memory.data().iter().all(|byte| *byte == 0));
                        memory.data_mut().fill(byte);
                        memory.release(pool);
                    }
                });
            }
        });
    }
}

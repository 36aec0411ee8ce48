//! Linear memory: zeroed bytes that grow in place while the allocator lets them.

use crate::error::Fault;
use crate::gas::Pages;
use crate::wasm::types::MemoryType;
use alloc::alloc::{Layout, alloc_zeroed, dealloc};
use core::ptr::NonNull;

/// Bytes of a page.
pub(crate) const PAGE: usize = 1 << 16;

/// For each width of access, how many addresses it fits at, from 0 on: what a check of one compare needs.
#[derive(Clone, Copy)]
pub(crate) struct Bounds([u64; 4]);

impl Bounds {
    fn of(len: usize) -> Self {
        Self([1, 2, 4, 8].map(|size| (len as u64 + 1).saturating_sub(size)))
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
/// that growing page by page costs no more than growing at once.
pub(crate) struct Memory {
    /// Index of this memory in the store.
    pub index: u32,
    data: NonNull<u8>,
    /// Bytes that the guest sees.
    len: usize,
    /// Of `len`.
    bounds: Bounds,
    capacity: usize,
    pub ty: MemoryType,
    /// Pages beyond which it never grows: the type's maximum and the profile's cap.
    max: Pages,
}

impl Memory {
    /// A memory without pages that never grows.
    pub fn empty() -> Self {
        let ty = MemoryType { min: 0, max: Some(0) };
        Self { index: 0, data: NonNull::dangling(), len: 0, bounds: Bounds::of(0), capacity: 0, ty, max: Pages(0) }
    }

    /// A memory of type `ty` under `cap`, which is not below the type's minimum.
    pub fn new(ty: MemoryType, cap: Pages) -> Result<Self, Fault> {
        let max = Pages(ty.max.unwrap_or(u32::MAX).min(cap.0));
        let mut memory = Self { ty, max, ..Self::empty() };
        let len = memory.bytes(ty.min)?;
        memory.resize(len)?;
        Ok(memory)
    }

    fn bytes(&self, pages: u32) -> Result<usize, Fault> {
        (pages as usize).checked_mul(PAGE).ok_or(Fault::OutOfMemory)
    }

    pub fn pages(&self) -> Pages {
        Pages((self.len / PAGE) as u32)
    }

    pub fn data_ptr(&self) -> *mut u8 {
        self.data.as_ptr()
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    pub fn data(&self) -> &[u8] {
        // SAFETY: `len` bytes at `data` are allocated and were zeroed; shared by `&self`.
        unsafe { core::slice::from_raw_parts(self.data.as_ptr(), self.len) }
    }

    pub fn data_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `data`; exclusive by `&mut self`.
        unsafe { core::slice::from_raw_parts_mut(self.data.as_ptr(), self.len) }
    }

    /// Whether the memory may grow by `delta`: a matter of the maximum and the cap alone, never of this machine.
    pub fn may_grow(&self, delta: Pages) -> bool {
        u64::from(self.pages().0) + u64::from(delta.0) <= u64::from(self.max.0)
    }

    /// Grows by `delta` pages, which must be allowed; returns the old size.
    pub fn grow(&mut self, delta: Pages) -> Result<Pages, Fault> {
        let old = self.pages();
        let len = self.bytes(old.0 + delta.0)?;
        self.resize(len)?;
        Ok(old)
    }

    fn resize(&mut self, len: usize) -> Result<(), Fault> {
        self.reserve(len)?;
        (self.len, self.bounds) = (len, Bounds::of(len));
        Ok(())
    }

    fn reserve(&mut self, len: usize) -> Result<(), Fault> {
        if len <= self.capacity {
            return Ok(());
        }
        let ceiling = self.bytes(self.max.0).unwrap_or(usize::MAX);
        // A first allocation is exact: most contracts never grow.
        let capacity = if self.capacity == 0 { len } else { (self.capacity.saturating_mul(2)).min(ceiling).max(len) };
        let layout = Layout::from_size_align(capacity, 16).map_err(|_| Fault::OutOfMemory)?;
        // SAFETY: `len` is above the old capacity, so the size is not zero.
        let data = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or(Fault::OutOfMemory)?;
        // SAFETY: both regions are allocated with at least `self.len` bytes and are distinct allocations.
        unsafe { core::ptr::copy_nonoverlapping(self.data.as_ptr(), data.as_ptr(), self.len) };
        self.release();
        (self.data, self.capacity) = (data, capacity);
        Ok(())
    }

    fn release(&mut self) {
        if self.capacity != 0 {
            // SAFETY: allocated in `reserve` with this very layout, which was valid then.
            unsafe { dealloc(self.data.as_ptr(), Layout::from_size_align_unchecked(self.capacity, 16)) };
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.release();
    }
}

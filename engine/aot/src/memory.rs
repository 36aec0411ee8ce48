//! Memory for machine code: written, then made executable, never both.

use std::io;
use std::ptr::null_mut;

/// Machine code, executable and no longer writable.
#[derive(Debug)]
pub(crate) struct Executable {
    start: *mut libc::c_void,
    size: usize,
}

// SAFETY: bytes that never change.
unsafe impl Send for Executable {}
// SAFETY: as above.
unsafe impl Sync for Executable {}

impl Executable {
    /// Maps `code`.
    pub(crate) fn new(code: &[u8]) -> io::Result<Self> {
        let size = code.len().max(1);
        // All of it is written at once: without a fault a page.
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_POPULATE;
        // SAFETY: a new mapping, which nothing refers to.
        let start = unsafe { libc::mmap(null_mut(), size, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let executable = Self { start, size };
        // SAFETY: the mapping is at least as long, writable, and of this function alone.
        unsafe { start.cast::<u8>().copy_from_nonoverlapping(code.as_ptr(), code.len()) };
        // SAFETY: the mapping of above.
        if unsafe { libc::mprotect(start, size, libc::PROT_READ | libc::PROT_EXEC) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(executable)
    }

    /// The address of byte `offset`, which is inside.
    pub(crate) fn at(&self, offset: usize) -> *const u8 {
        assert!(offset < self.size, "an address lies inside of the code");
        self.start.cast::<u8>().wrapping_add(offset)
    }
}

impl Drop for Executable {
    fn drop(&mut self) {
        // SAFETY: mapped with this size; whoever runs the code keeps this.
        unsafe { libc::munmap(self.start, self.size) };
    }
}

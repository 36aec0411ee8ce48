//! Memory for machine code: written, then made executable, never both; used again.

use std::io;
use std::ptr::null_mut;
use std::sync::{Arc, Mutex, PoisonError};

/// Mappings of code that is gone, for what comes next: a system takes longer to make one than to change what may be done with it.
#[derive(Debug, Default)]
pub(crate) struct Mappings(Mutex<Vec<Mapping>>);

/// Bytes of a mapping that is kept, at most. Up to there sizes are powers of two, so that they fit again.
const SMALL: usize = 64 << 10;
/// Bytes of the smallest mapping: no page is smaller.
const LEAST: usize = 4 << 10;
/// Mappings that wait for their next use.
const KEPT: usize = 64;
/// What lies around code: an instruction that traps.
const FILL: u8 = 0xcc;

/// Pages, unmapped when this is dropped.
#[derive(Debug)]
struct Mapping {
    start: *mut libc::c_void,
    size: usize,
}

// SAFETY: a mapping that belongs to whoever has this.
unsafe impl Send for Mapping {}

/// Machine code, executable and not writable.
#[derive(Debug)]
pub(crate) struct Executable {
    /// Until it is dropped.
    mapping: Option<Mapping>,
    start: *const u8,
    len: usize,
    mappings: Arc<Mappings>,
}

// SAFETY: bytes that do not change as long as this is there.
unsafe impl Send for Executable {}
// SAFETY: as above.
unsafe impl Sync for Executable {}

impl Executable {
    /// Gives `code` a place.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn new(code: &[u8], mappings: &Arc<Mappings>) -> io::Result<Self> {
        let mapping = mappings.take(code.len())?;
        let start = mapping.start.cast::<u8>();
        // SAFETY: the mapping is at least as long, writable, and of this function alone.
        unsafe {
            start.copy_from_nonoverlapping(code.as_ptr(), code.len());
            start.add(code.len()).write_bytes(FILL, mapping.size - code.len());
        }
        mapping.allow(libc::PROT_READ | libc::PROT_EXEC)?;
        Ok(Self { mapping: Some(mapping), start, len: code.len(), mappings: mappings.clone() })
    }

    /// The address of byte `offset`, which is inside.
    pub(crate) fn at(&self, offset: usize) -> *const u8 {
        assert!(offset < self.len.max(1), "an address lies inside of the code");
        self.start.wrapping_add(offset)
    }
}

impl Drop for Executable {
    fn drop(&mut self) {
        if let Some(mapping) = self.mapping.take() {
            self.mappings.give_back(mapping);
        }
    }
}

impl Mappings {
    /// Pages for `len` bytes, writable.
    fn take(&self, len: usize) -> io::Result<Mapping> {
        let size = if len > SMALL { len } else { len.next_power_of_two().max(LEAST) };
        let kept = {
            let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let at = free.iter().rposition(|mapping| mapping.size == size);
            at.map(|at| free.swap_remove(at))
        };
        match kept {
            Some(mapping) => {
                mapping.allow(libc::PROT_READ | libc::PROT_WRITE)?;
                Ok(mapping)
            }
            None => Mapping::new(size),
        }
    }

    /// Keeps pages for their next use, or frees them. No code runs there any more.
    fn give_back(&self, mapping: Mapping) {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if mapping.size <= SMALL && free.len() < KEPT {
            free.push(mapping);
        }
    }
}

impl Mapping {
    fn new(size: usize) -> io::Result<Self> {
        // All of it is written at once: without a fault a page.
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_POPULATE;
        // SAFETY: a new mapping, which nothing refers to.
        let start = unsafe { libc::mmap(null_mut(), size, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
        if start == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(Self { start, size }) }
    }

    /// Changes what may be done with the pages.
    fn allow(&self, access: libc::c_int) -> io::Result<()> {
        // SAFETY: the whole mapping, of which this is the only owner.
        match unsafe { libc::mprotect(self.start, self.size, access) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped with this size, and no code runs there any more.
        unsafe { libc::munmap(self.start, self.size) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `mov eax, number; ret`.
    fn returning(number: u32) -> Vec<u8> {
        [&[0xb8][..], &number.to_le_bytes(), &[0xc3]].concat()
    }

    fn run(executable: &Executable) -> u32 {
        // SAFETY: the code takes nothing and returns a number.
        let function: extern "sysv64" fn() -> u32 = unsafe { std::mem::transmute(executable.at(0)) };
        function()
    }

    /// What the system says of the page at an address: as in `r-xp`.
    fn access(at: *const u8) -> String {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("there is one");
        let line = maps.lines().find(|line| {
            let (from, to) = line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
            let address = |text| usize::from_str_radix(text, 16).expect("a number");
            (address(from)..address(to)).contains(&(at as usize))
        });
        line.and_then(|line| line.split(' ').nth(1)).expect("it is mapped").into()
    }

    #[test]
    fn pages_are_used_again_and_never_writable_with_code() {
        let mappings = Arc::default();
        let (first, other) = (Executable::new(&returning(1), &mappings), Executable::new(&returning(2), &mappings));
        let (first, other) = (first.expect("there is memory"), other.expect("there is memory"));
        let at = first.at(0);
        assert_eq!((run(&first), run(&other), access(at)), (1, 2, "r-xp".into()));
        drop(first);
        let again = Executable::new(&returning(3), &mappings).expect("there is memory");
        assert_eq!((again.at(0), run(&again), run(&other), access(at)), (at, 3, 2, "r-xp".into()));
        // Nothing of what was there before.
        let long = Executable::new(&[&returning(4)[..], &[0x90; 100]].concat(), &mappings).expect("there is memory");
        let place = long.at(0);
        drop(long);
        let short = Executable::new(&returning(5), &mappings).expect("there is memory");
        assert_eq!(short.at(0), place);
        // SAFETY: the rest of a readable page.
        let rest = unsafe { std::slice::from_raw_parts(place.add(6), LEAST - 6) };
        assert!(rest.iter().all(|byte| *byte == FILL));
    }

    #[test]
    fn large_mappings_go_back_to_the_system() {
        let mappings = Arc::new(Mappings::default());
        let executable = Executable::new(&vec![0xc3; SMALL + 1], &mappings).expect("there is memory");
        assert_eq!(access(executable.at(SMALL)), "r-xp");
        drop(executable);
        assert!(mappings.0.lock().unwrap().is_empty());
    }
}

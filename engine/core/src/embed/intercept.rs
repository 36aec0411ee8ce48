//! Somebody between programs and tables of host functions: who records calls, or answers them without the functions.

use super::api::{ApiRow, Guest};
use crate::error::Stop;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

/// Gets the calls of a linker's tables: [`Linker::intercept`](super::Linker::intercept).
pub trait Interceptor<T>: Send + Sync {
    /// Answers a call, by [`Intercepted::proceed`] or without.
    ///
    /// # Errors
    /// What the program gets as the function's.
    fn call(&self, data: &mut T, guest: &mut Guest<'_>, call: Intercepted<'_, T>) -> Result<u64, Stop>;
}

/// The body of a row, for the data of a store.
pub(crate) type Body<'a, T> = &'a dyn Fn(&mut T, &mut Guest<'_>, &[u64]) -> Result<u64, Stop>;

/// A call of a host function that is not done yet.
pub struct Intercepted<'a, T> {
    /// The function. Under another name of it (an alias) the row is the same.
    pub row: &'static ApiRow,
    /// A slot for each parameter. Of 32-bit ones only the lower half counts.
    pub args: &'a [u64],
    pub(crate) body: Body<'a, T>,
}

impl<T> Intercepted<'_, T> {
    /// Calls the function.
    ///
    /// # Errors
    /// As the function.
    pub fn proceed(&self, data: &mut T, guest: &mut Guest<'_>) -> Result<u64, Stop> {
        (self.body)(data, guest, self.args)
    }
}

impl<T> fmt::Debug for Intercepted<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intercepted").field("row", &self.row).field("args", &self.args).finish_non_exhaustive()
    }
}

/// Ranges of memory that host functions have asked for to write to: [`Guest::noting`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writes(Vec<Range<usize>>);

/// Ranges that are kept apart. One more, and they become the one that has them all: what lies between was not written, and is
/// the same whoever looks.
const APART: usize = 1_024;

impl Writes {
    /// None yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The ranges, in the order of asking; they may overlap.
    pub fn ranges(&self) -> &[Range<usize>] {
        &self.0
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn note(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        if let Some(last) = self.0.last_mut().filter(|last| last.start <= range.start && range.start <= last.end) {
            last.end = last.end.max(range.end);
        } else if self.0.len() < APART {
            self.0.push(range);
        } else {
            let both = |all: Range<usize>, one: Range<usize>| all.start.min(one.start)..all.end.max(one.end);
            let all = self.0.drain(..).fold(range, both);
            self.0.push(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_range_and_too_many_are_one() {
        let mut writes = Writes::new();
        for range in [8..8, 0..4, 4..8, 6..7, 16..20, 12..14] {
            writes.note(range);
        }
        assert_eq!(writes.ranges(), [0..8, 16..20, 12..14]);
        writes.clear();
        (0..APART).for_each(|i| writes.note(100 + 2 * i..101 + 2 * i));
        assert_eq!(writes.ranges().len(), APART);
        writes.note(50..60);
        assert_eq!((writes.ranges().len(), writes.ranges()[0].clone()), (1, 50..101 + 2 * (APART - 1)));
    }
}

//! Where what a machine is made of lies.

use super::memory::Memory;
use super::vm::{Func, Global, Instance, Table};
use alloc::vec::Vec;

/// Values at stable addresses, owned until the arena is dropped: in blocks that never grow beyond what was allocated.
pub(crate) struct Arena<T> {
    /// Nearly always the only one.
    first: Vec<T>,
    more: Vec<Vec<T>>,
}

impl<T> Arena<T> {
    /// An empty arena with an empty list to fill first.
    pub fn new(first: Vec<T>) -> Self {
        Self { first, more: Vec::new() }
    }

    /// Drops all values. The longest list, to be filled again.
    pub fn emptied(&mut self) -> Vec<T> {
        let mut lists = core::mem::replace(self, Self::new(Vec::new()));
        emptied(lists.more.pop().unwrap_or(lists.first))
    }

    #[inline]
    fn last(&mut self) -> &mut Vec<T> {
        self.more.last_mut().unwrap_or(&mut self.first)
    }

    /// Makes sure that the next `count` values lie one behind the other.
    #[inline]
    pub fn reserve(&mut self, count: usize) {
        let last = self.last();
        if last.capacity() - last.len() < count {
            self.add_block(count);
        }
    }

    #[cold]
    fn add_block(&mut self, count: usize) {
        let block = Vec::with_capacity(count.max(2 * self.last().capacity()));
        // Nothing lies anywhere yet, or all stays where it is.
        if self.first.is_empty() { self.first = block } else { self.more.push(block) }
    }

    #[inline]
    pub fn push(&mut self, value: T) -> *mut T {
        self.reserve(1);
        let block = self.last();
        let at = block.len();
        // There is room, so nothing moves.
        block.push(value);
        // SAFETY: the item was just written. No reference to the whole block is made, then or later: others are in use.
        unsafe { block.as_mut_ptr().add(at) }
    }

    pub fn len(&self) -> usize {
        self.first.len() + self.more.iter().map(Vec::len).sum::<usize>()
    }

    /// Where the value is. To be written through by whoever has the machine to itself.
    #[inline]
    pub fn pointer(&self, index: usize) -> *mut T {
        if index < self.first.len() {
            // SAFETY: below the block's length.
            return unsafe { self.first.as_ptr().add(index) }.cast_mut();
        }
        self.pointer_further(index)
    }

    #[cold]
    fn pointer_further(&self, index: usize) -> *mut T {
        let mut at = index - self.first.len();
        for block in &self.more {
            if at < block.len() {
                // SAFETY: below the block's length.
                return unsafe { block.as_ptr().add(at) }.cast_mut();
            }
            at -= block.len();
        }
        unreachable!("indices come from this arena")
    }

    #[inline]
    pub fn get(&self, index: usize) -> &T {
        // SAFETY: an item of the arena; shared access is guarded by `&self`, since whoever writes through `pointer` holds
        // the machine mutably.
        unsafe { &*self.pointer(index) }
    }

    #[inline]
    pub fn get_mut(&mut self, index: usize) -> &mut T {
        // SAFETY: an item of the arena; `&mut self` makes the access exclusive.
        unsafe { &mut *self.pointer(index) }
    }

    /// Every value, with the arena to itself.
    pub fn each(&mut self, mut f: impl FnMut(&mut T)) {
        (0..self.len()).for_each(|index| f(self.get_mut(index)));
    }
}

/// Lists of a machine that is gone, empty: the next machine of its pool fills them again.
#[derive(Default)]
pub(crate) struct Lists {
    pub slots: Vec<u64>,
    pub functions: Vec<Func>,
    pub instances: Vec<Instance>,
    pub tables: Vec<Table>,
    pub memories: Vec<Memory>,
    pub globals: Vec<Global>,
}

/// Bytes of the longest list that is filled again.
const LONGEST: usize = 16 << 10;

/// The list without its values, if it is worth keeping.
pub(super) fn emptied<T>(mut list: Vec<T>) -> Vec<T> {
    list.clear();
    if list.capacity() * size_of::<T>() > LONGEST { Vec::new() } else { list }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_where_they_are() {
        let mut arena = Arena::new(Vec::new());
        let pointers: Vec<*mut u64> = (0..100).map(|value| arena.push(value)).collect();
        assert_eq!(arena.len(), 100);
        for (index, pointer) in pointers.into_iter().enumerate() {
            assert_eq!((arena.pointer(index), *arena.get(index)), (pointer, index as u64));
        }
    }

    #[test]
    fn the_longest_list_is_used_again_if_it_is_not_too_long() {
        let mut arena = Arena::new(Vec::new());
        (0..100_u64).for_each(|value| {
            arena.push(value);
        });
        let list = arena.emptied();
        assert_eq!((arena.len(), list.len()), (0, 0));
        assert!(list.capacity() >= 50);
        let (capacity, mut again) = (list.capacity(), Arena::new(list));
        // More than it has room for: in one block, that lies first.
        again.reserve(capacity + 1);
        again.push(1);
        assert_eq!(again.pointer(0).cast_const(), again.first.as_ptr());
        again.reserve(LONGEST);
        again.push(2);
        assert_eq!(again.emptied().capacity(), 0);
    }
}

//! A place for one value, which threads take and leave.

use alloc::boxed::Box;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

/// Nothing, or a value that is whoever's takes it. Threads never wait: one that finds nothing makes what it needs, and what finds
/// the place full is dropped.
pub(crate) struct Slot<T>(AtomicPtr<T>, PhantomData<Box<T>>);

impl<T: Send> Slot<T> {
    /// What was here, now the caller's.
    pub fn take(&self) -> Option<Box<T>> {
        let here = self.0.swap(null_mut(), Ordering::Acquire);
        // SAFETY: not null, then from `Box::into_raw` in `put`; the exchange gave it to this caller alone. Acquire: what the
        // thread that put it here wrote is seen whole.
        (!here.is_null()).then(|| unsafe { Box::from_raw(here) })
    }

    /// Leaves `value` here, in place of what was.
    pub fn put(&self, value: Box<T>) {
        let was = self.0.swap(Box::into_raw(value), Ordering::AcqRel);
        if !was.is_null() {
            // SAFETY: as in `take`.
            drop(unsafe { Box::from_raw(was) });
        }
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(AtomicPtr::new(null_mut()), PhantomData)
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        let here = *self.0.get_mut();
        if !here.is_null() {
            // SAFETY: from `Box::into_raw` in `put`, and nobody took it.
            drop(unsafe { Box::from_raw(here) });
        }
    }
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;
    use alloc::vec::Vec;

    #[test]
    fn everything_is_dropped_once() {
        let value = Arc::new(());
        let slot = Slot::default();
        assert!(slot.take().is_none());
        slot.put(Box::new(value.clone()));
        slot.put(Box::new(value.clone()));
        assert_eq!(Arc::strong_count(&value), 2);
        drop(slot.take());
        assert!(slot.take().is_none());
        slot.put(Box::new(value.clone()));
        drop(slot);
        assert_eq!(Arc::strong_count(&value), 1);
    }

    #[test]
    fn threads_never_share() {
        let slot = Slot::default();
        std::thread::scope(|scope| {
            for n in 0..8u64 {
                let slot = &slot;
                scope.spawn(move || {
                    for _ in 0..1000 {
                        let mut list: Box<Vec<u64>> = slot.take().unwrap_or_default();
                        assert!(list.is_empty());
                        list.extend([n; 3]);
                        assert_eq!(**list, [n; 3]);
                        list.clear();
                        slot.put(list);
                    }
                });
            }
        });
    }
}

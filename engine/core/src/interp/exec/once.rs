//! A place that is filled at most once, by any thread.

use alloc::boxed::Box;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

/// Nothing, or a value that stays where it is until this is dropped.
///
/// Threads that want the value at the same time all make one; the first to be done puts it here, the others drop theirs.
pub(crate) struct Once<T>(AtomicPtr<T>, PhantomData<Box<T>>);

impl<T: Send + Sync> Once<T> {
    pub const fn new() -> Self {
        Self(AtomicPtr::new(null_mut()), PhantomData)
    }

    pub fn get(&self) -> Option<&T> {
        // SAFETY: null, or from `Box::into_raw` in `put` and freed only by `drop`, which has this alone. Acquire: the value
        // that another thread wrote before its release is seen whole.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    /// Puts `value` here if nothing is; returns what is here now.
    pub fn put(&self, value: Box<T>) -> &T {
        let value = Box::into_raw(value);
        let here = match self.0.compare_exchange(null_mut(), value, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => value,
            Err(here) => {
                // SAFETY: made above, and nobody else has seen it.
                drop(unsafe { Box::from_raw(value) });
                here
            }
        };
        // SAFETY: not null, and otherwise as in `get`.
        unsafe { &*here }
    }
}

impl<T: fmt::Debug + Send + Sync> fmt::Debug for Once<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

impl<T> Drop for Once<T> {
    fn drop(&mut self) {
        let here = *self.0.get_mut();
        if !here.is_null() {
            // SAFETY: made by `Box::into_raw` in `put` and freed only here.
            drop(unsafe { Box::from_raw(here) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;

    #[test]
    fn the_first_stays_and_all_are_dropped() {
        let (first, second) = (Arc::new(1), Arc::new(2));
        let once = Once::new();
        assert!(once.get().is_none());
        assert_eq!(**once.put(Box::new(first.clone())), 1);
        assert_eq!(**once.put(Box::new(second.clone())), 1);
        assert_eq!(once.get().map(|value| **value), Some(1));
        assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (2, 1));
        drop(once);
        assert_eq!(Arc::strong_count(&first), 1);
    }

    #[test]
    fn threads_see_one_value() {
        let once = Once::new();
        let seen: alloc::vec::Vec<u32> = std::thread::scope(|scope| {
            let once = &once;
            let threads: alloc::vec::Vec<_> = (0..8).map(|n| scope.spawn(move || *once.put(Box::new(n)))).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        assert!(seen.iter().all(|n| Some(n) == once.get()), "{seen:?}");
    }
}

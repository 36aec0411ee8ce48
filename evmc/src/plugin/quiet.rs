//! No panic leaves the library, and none prints.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::OnceLock;

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// What was there before. A box of something without size, as the standard hook is, allocates nothing.
static BEFORE: OnceLock<Hook> = OnceLock::new();

thread_local! {
    /// How many times the edge is on this thread's stack. Has no destructor, so unloading the library is safe.
    static INSIDE: Cell<u32> = const { Cell::new(0) };
}

struct Inside;

impl Inside {
    fn enter() -> Self {
        INSIDE.set(INSIDE.get() + 1);
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(INSIDE.get() - 1);
    }
}

/// Runs `f`; a panic in it prints nothing and is returned.
///
/// The hook that keeps panics quiet is set once. In a shared library it is that library's own, as its copy of std is, and
/// goes when the library is unloaded: no other code of the process sees it. In a Rust program that links this crate it
/// stands before the program's hook and passes on what happens outside of the edge.
pub(super) fn guarded<T>(f: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    // A thread that is panicking may not change hooks; another time is early enough.
    if BEFORE.get().is_none() && !std::thread::panicking() {
        BEFORE.get_or_init(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(pass_on));
            before
        });
    }
    let _inside = Inside::enter();
    // What a panic may leave half done is this frame's, which is given up, or behind locks that stand it.
    panic::catch_unwind(AssertUnwindSafe(f))
}

fn pass_on(info: &PanicHookInfo<'_>) {
    if INSIDE.get() == 0
        && let Some(before) = BEFORE.get()
    {
        before(info);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_value_and_the_depth_comes_back() {
        let deep = guarded(|| {
            assert!(guarded(|| panic!("inner")).is_err());
            INSIDE.get()
        });
        assert_eq!((deep.unwrap(), INSIDE.get()), (1, 0));
    }
}

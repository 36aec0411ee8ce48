//! Ending a run that nobody waits for any more.

use gristmill::{InterruptHandle, Store};
use gristmill_ext_grants::Cancel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What ends one run from another thread: its code, and the host functions that it waits for.
#[derive(Clone, Debug, Default)]
pub struct End {
    cancel: Cancel,
    /// While the run is under way.
    code: Arc<Mutex<Option<InterruptHandle>>>,
}

impl End {
    /// Ends the run. One that has not begun ends where it begins; one that is over is left alone.
    pub fn end(&self) {
        self.cancel.cancel();
        if let Some(code) = &*self.code() {
            code.interrupt_until_heard();
        }
    }

    /// Whether somebody has wanted that.
    pub fn is_wanted(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Tells host functions.
    pub(crate) fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }

    /// Does what runs in a store.
    pub(crate) fn during<T, R>(&self, store: &mut Store<T>, run: impl FnOnce(&mut Store<T>) -> R) -> R {
        let code = store.interrupt_handle();
        *self.code() = Some(code.clone());
        // Whoever wanted it before found no code to interrupt.
        if self.is_wanted() {
            code.interrupt();
        }
        let done = run(store);
        *self.code() = None;
        done
    }

    fn code(&self) -> MutexGuard<'_, Option<InterruptHandle>> {
        // Nothing panics while it is held.
        self.code.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a run when it is dropped: with whoever waits for it.
#[derive(Debug)]
pub(crate) struct EndOnDrop(pub End);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

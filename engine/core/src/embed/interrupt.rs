//! Ends of runs that come from outside: when somebody says so, or when their time is over.

use crate::interp::exec::interrupt::Interrupt;
use alloc::sync::Arc;

/// Ends runs of a store from any thread: [`Store::interrupt_handle`](crate::Store::interrupt_handle).
#[derive(Clone, Debug)]
pub struct InterruptHandle(Arc<Interrupt>);

impl InterruptHandle {
    pub(crate) fn new(interrupt: &Arc<Interrupt>) -> Self {
        Self(interrupt.clone())
    }

    /// Ends the run that is under way in the store, and every other that begins.
    ///
    /// True: machine code was under way, and may have called a host function, or the interpreter, that does not hear it. It has to be
    /// told again, some time later, until this answers false.
    pub fn interrupt(&self) -> bool {
        self.0.raise()
    }

    /// The same, told again until it is heard, by the thread that keeps the time of [deadlines](crate::Store::set_deadline). This waits
    /// for nothing.
    #[cfg(feature = "std")]
    pub fn interrupt_until_heard(&self) {
        alarm::raise(&self.0);
    }
}

#[cfg(feature = "std")]
pub(crate) use alarm::Alarm;

#[cfg(feature = "std")]
mod alarm {
    use super::{Arc, Interrupt};
    use alloc::collections::BTreeMap;
    use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
    use std::thread;
    use std::time::{Duration, Instant};

    /// How long machine code that has not heard is left alone.
    const AGAIN: Duration = Duration::from_millis(1);

    /// Interrupts a store at a time, unless it is dropped before.
    pub(crate) struct Alarm(Key);

    /// When, and which of those.
    type Key = (Instant, u64);

    /// All alarms of the process, and the one thread that raises them.
    struct Clock {
        alarms: Mutex<Alarms>,
        changed: Condvar,
    }

    #[derive(Default)]
    struct Alarms {
        /// How many there have been.
        made: u64,
        due: BTreeMap<Key, Arc<Interrupt>>,
        /// Raised, and perhaps not heard.
        raised: BTreeMap<Key, Arc<Interrupt>>,
    }

    impl Clock {
        /// The clock, which begins to run with the first alarm and never stops.
        fn get() -> &'static Self {
            static CLOCK: OnceLock<Clock> = OnceLock::new();
            static RUNS: OnceLock<()> = OnceLock::new();
            let clock = CLOCK.get_or_init(|| Self { alarms: Mutex::default(), changed: Condvar::new() });
            RUNS.get_or_init(|| {
                let thread = thread::Builder::new().name("gristmill-alarms".into()).spawn(|| clock.run());
                drop(thread.expect("a thread can be started"));
            });
            clock
        }

        fn alarms(&self) -> MutexGuard<'_, Alarms> {
            // Nothing panics while it is held.
            self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn set(&self, deadline: Instant, interrupt: &Arc<Interrupt>) -> Key {
            let mut alarms = self.alarms();
            alarms.made += 1;
            let key = (deadline, alarms.made);
            alarms.due.insert(key, interrupt.clone());
            let first = alarms.due.keys().next() == Some(&key);
            drop(alarms);
            if first {
                self.changed.notify_one();
            }
            key
        }

        fn run(&self) {
            let mut alarms = self.alarms();
            loop {
                let now = Instant::now();
                while let Some(first) = alarms.due.first_entry().filter(|first| first.key().0 <= now) {
                    let (key, interrupt) = first.remove_entry();
                    alarms.raised.insert(key, interrupt);
                }
                alarms.raised.retain(|_, interrupt| interrupt.raise());
                let next = alarms.due.keys().next().map(|(at, _)| at.saturating_duration_since(now));
                let again = (!alarms.raised.is_empty()).then_some(AGAIN);
                alarms = match next.into_iter().chain(again).min() {
                    Some(wait) => self.changed.wait_timeout(alarms, wait).unwrap_or_else(PoisonError::into_inner).0,
                    None => self.changed.wait(alarms).unwrap_or_else(PoisonError::into_inner),
                };
            }
        }
    }

    impl Alarm {
        /// Interrupts at `deadline`, or at once if that has passed.
        pub(crate) fn at(deadline: Instant, interrupt: &Arc<Interrupt>) -> Self {
            Self(Clock::get().set(deadline, interrupt))
        }
    }

    /// Interrupts now, until it has been heard: then the clock forgets it by itself.
    pub(super) fn raise(interrupt: &Arc<Interrupt>) {
        if interrupt.raise() {
            Clock::get().set(Instant::now(), interrupt);
        }
    }

    impl Drop for Alarm {
        fn drop(&mut self) {
            let mut alarms = Clock::get().alarms();
            alarms.due.remove(&self.0);
            alarms.raised.remove(&self.0);
        }
    }
}

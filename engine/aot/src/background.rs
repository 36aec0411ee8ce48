//! Compiling in the background: as many threads and as many waiting bytes as allowed, and no more.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// Bytes of modules that may wait. What comes beyond stays interpreted.
const WAITING: usize = 64 << 20;

type Job = Box<dyn FnOnce() + Send>;

/// Threads that compile. Dropping this ends them, after what they are at.
pub(crate) struct Workers {
    shared: Arc<Shared>,
    most: usize,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<(usize, Job)>,
    /// Bytes of all of them.
    bytes: usize,
    /// Threads that wait for a job.
    idle: usize,
    /// Jobs that threads are at.
    running: usize,
    closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut queue = self.lock();
        loop {
            if queue.closed {
                return;
            }
            let Some((bytes, job)) = queue.jobs.pop_front() else {
                queue.idle += 1;
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                queue.idle -= 1;
                continue;
            };
            queue.bytes -= bytes;
            queue.running += 1;
            drop(queue);
            // A compiler that panics leaves its module interpreted.
            let _ = catch_unwind(AssertUnwindSafe(job));
            queue = self.lock();
            queue.running -= 1;
            self.changed.notify_all();
        }
    }
}

impl Workers {
    /// At most `most` threads, started as they are needed.
    pub(crate) fn new(most: usize) -> Self {
        Self { shared: Arc::default(), most: most.max(1), threads: Mutex::default() }
    }

    /// Has `job`, about so many bytes of module, done some time; false: too much waits already.
    pub(crate) fn submit(&self, bytes: usize, job: Job) -> bool {
        let mut queue = self.shared.lock();
        if queue.bytes + bytes > WAITING {
            return false;
        }
        queue.bytes += bytes;
        queue.jobs.push_back((bytes, job));
        if queue.idle == 0 {
            let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
            if threads.len() < self.most {
                let shared = self.shared.clone();
                let thread = thread::Builder::new().name("gristmill-aot".into()).spawn(move || shared.work());
                threads.extend(thread);
            }
        }
        self.shared.changed.notify_all();
        true
    }

    /// Waits until nothing waits and nothing runs.
    pub(crate) fn wait(&self) {
        let mut queue = self.shared.lock();
        while !queue.jobs.is_empty() || queue.running > 0 {
            queue = self.shared.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        let jobs = {
            let mut queue = self.shared.lock();
            queue.closed = true;
            std::mem::take(&mut queue.jobs)
        };
        drop(jobs);
        self.shared.changed.notify_all();
        let threads = std::mem::take(self.threads.get_mut().unwrap_or_else(PoisonError::into_inner));
        // A job may have had the last hold on this: its thread cannot wait for itself.
        let here = thread::current().id();
        threads.into_iter().filter(|thread| thread.thread().id() != here).for_each(|thread| drop(thread.join()));
    }
}

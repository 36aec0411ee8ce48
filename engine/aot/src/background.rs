//! Compiling in the background: as many threads and as many waiting bytes as allowed, and no more.
//!
//! Threads are the system's, not std's: starting one of those leaves a destructor with the thread that starts it, and an EVMC
//! plugin must be gone once its instances are.

use std::collections::VecDeque;
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes of modules that may wait. What comes beyond stays interpreted.
const WAITING: usize = 64 << 20;

type Job = Box<dyn FnOnce() + Send>;

/// Threads that compile. Dropping this ends them, after what they are at.
pub(crate) struct Workers {
    shared: Arc<Shared>,
    most: usize,
    threads: Mutex<Vec<libc::pthread_t>>,
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
        if queue.closed || queue.bytes + bytes > WAITING {
            return false;
        }
        queue.bytes += bytes;
        queue.jobs.push_back((bytes, job));
        if queue.idle < queue.jobs.len() {
            let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
            if threads.len() < self.most {
                threads.extend(start(self.shared.clone()));
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

    /// Ends all threads, after what they are at. What waits is forgotten, and nothing is taken any more.
    pub(crate) fn close(&self) {
        let jobs = {
            let mut queue = self.shared.lock();
            queue.closed = true;
            queue.bytes = 0;
            std::mem::take(&mut queue.jobs)
        };
        drop(jobs);
        self.shared.changed.notify_all();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // SAFETY: started by `start`, and neither joined nor detached before: nobody else has this number. A job may have had
            // the last hold on this, and its thread cannot wait for itself.
            unsafe {
                if libc::pthread_equal(thread, libc::pthread_self()) == 0 {
                    libc::pthread_join(thread, null_mut());
                } else {
                    libc::pthread_detach(thread);
                }
            }
        }
    }
}

/// Starts a thread that works for `shared`; `None`: the system gives none.
fn start(shared: Arc<Shared>) -> Option<libc::pthread_t> {
    extern "C" fn work(shared: *mut c_void) -> *mut c_void {
        // SAFETY: from `into_raw` below, for this thread alone.
        let shared = unsafe { Arc::from_raw(shared.cast::<Shared>()) };
        // It panics nowhere but in jobs, which are guarded.
        shared.work();
        null_mut()
    }

    let shared = Arc::into_raw(shared).cast_mut().cast();
    let mut thread = MaybeUninit::uninit();
    // SAFETY: default attributes; `work` takes what it is given here.
    if unsafe { libc::pthread_create(thread.as_mut_ptr(), std::ptr::null(), work, shared) } == 0 {
        // SAFETY: written, since a thread was started.
        return Some(unsafe { thread.assume_init() });
    }
    // SAFETY: from `into_raw` above, and no thread has it.
    drop(unsafe { Arc::from_raw(shared.cast::<Shared>()) });
    None
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.close();
    }
}

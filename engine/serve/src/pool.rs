//! The threads that functions run on: so many, and a queue in front of them that has an end.

use crate::failed::Failed;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// Bytes of a worker's stack: that of a main thread, for the compiler's sake. Guests have stacks of their own.
const STACK: usize = 8 << 20;

/// Threads for work that takes its time. Nothing of it runs on the threads that talk to clients.
#[derive(Debug)]
pub struct Pool {
    jobs: SyncSender<Job>,
    patience: Duration,
}

impl Pool {
    /// So many `workers`, and at most `queue` jobs that wait for one, `patience` long at most. They end with the pool, each behind
    /// the job that it has.
    ///
    /// # Errors
    /// The system has no more threads.
    pub fn new(workers: usize, queue: usize, patience: Duration) -> io::Result<Self> {
        let (jobs, waiting) = sync_channel::<Job>(queue);
        let waiting = Arc::new(Mutex::new(waiting));
        for worker in 0..workers {
            let waiting = waiting.clone();
            let name = format!("worker {worker}");
            thread::Builder::new().name(name).stack_size(STACK).spawn(move || work(&waiting))?;
        }
        Ok(Self { jobs, patience })
    }

    /// Has a worker do `job`, and waits for what it says.
    ///
    /// # Errors
    /// [`Failed::Busy`]: the queue is full, or the wait was too long. [`Failed::Host`]: the job panicked.
    pub async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Failed> {
        let (answer, answered) = oneshot::channel();
        let (queued, patience) = (Instant::now(), self.patience);
        let job = Box::new(move || {
            // Nobody waits any more: the client has gone.
            if answer.is_closed() {
                return;
            }
            let done = if queued.elapsed() > patience { Err(Failed::Busy) } else { Ok(job()) };
            let _ = answer.send(done);
        });
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Failed::Busy,
            TrySendError::Disconnected(_) => Failed::Host("all workers have ended".into()),
        })?;
        answered.await.unwrap_or_else(|_| Err(Failed::Host("a worker panicked".into())))
    }
}

fn work(waiting: &Mutex<Receiver<Job>>) {
    loop {
        // The lock is held while one worker waits: the others wait for the lock, which is the same.
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // A job owns all that it touches: what a panic leaves half done is gone with it, and its client is told.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

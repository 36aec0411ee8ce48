//! The threads that functions run on: so many, and a queue in front of them that has an end.

use crate::failed::Failed;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};
use tokio::sync::{Semaphore, oneshot};

type Job = Box<dyn FnOnce() + Send>;

/// Bytes of a worker's stack: that of a main thread, for the compiler's sake. Guests have stacks of their own.
const STACK: usize = 8 << 20;

/// Threads for work that takes its time. Nothing of it runs on the threads that talk to clients.
#[derive(Debug)]
pub struct Pool {
    jobs: Sender<Job>,
    /// For jobs that run, and those that wait.
    places: Arc<Semaphore>,
    patience: Duration,
}

impl Pool {
    /// So many `workers`, and at most `queue` jobs that wait for one, `patience` long at most. They end with the pool, each behind
    /// the job that it has.
    ///
    /// # Errors
    /// The system has no more threads.
    pub fn new(workers: usize, queue: usize, patience: Duration) -> io::Result<Self> {
        let (jobs, waiting) = channel::<Job>();
        let waiting = Arc::new(Mutex::new(waiting));
        for worker in 0..workers {
            let waiting = waiting.clone();
            let name = format!("worker {worker}");
            thread::Builder::new().name(name).stack_size(STACK).spawn(move || work(&waiting))?;
        }
        Ok(Self { jobs, places: Arc::new(Semaphore::new(workers + queue)), patience })
    }

    /// Has a worker do `job`, and waits for what it says.
    ///
    /// # Errors
    /// [`Failed::Busy`]: the queue is full, or the wait was too long. [`Failed::Host`]: the job panicked.
    pub async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Failed> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| Failed::Busy)?;
        let (answer, answered) = oneshot::channel();
        let (queued, patience) = (Instant::now(), self.patience);
        let job = Box::new(move || {
            // Nobody waits any more: the client has gone.
            if answer.is_closed() {
                return;
            }
            let done = if queued.elapsed() > patience { Err(Failed::Busy) } else { Ok(job()) };
            // Whoever hears the answer finds the place free.
            drop(place);
            let _ = answer.send(done);
        });
        self.jobs.send(job).map_err(|_| Failed::Host("all workers have ended".into()))?;
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

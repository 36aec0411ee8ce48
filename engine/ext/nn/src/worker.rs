//! The thread that model libraries run on: with a stack of its own, where a panic ends a job, and where nobody waits longer
//! than the run's time. What is over soon need not go there.

use crate::backend::Failure;
use gristmill::{Halt, Stop};
use gristmill_ext_grants::Granted;
use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};

/// Bytes of its stack: models are read by recursion.
const STACK: usize = 64 << 20;

type Job = Box<dyn FnOnce() + Send>;

/// A thread that is there when it is needed first, and ends with its owner.
#[derive(Default)]
pub(crate) struct Worker(Option<(Sender<Job>, JoinHandle<()>)>);

impl Worker {
    /// Runs a job until it is done. The job is told when nobody waits for it any more, and should look at that now and then.
    ///
    /// # Errors
    /// [`Halt::TimedOut`] when the run's time is up. What the job answers is inside; that it panicked is an answer.
    pub fn run<R: Send + 'static>(
        &mut self,
        granted: &Granted,
        job: impl FnOnce(Arc<AtomicBool>) -> Result<R, Failure> + Send + 'static,
    ) -> Result<Result<R, Failure>, Stop> {
        granted.in_time()?;
        let (answer, answered) = mpsc::sync_channel(1);
        let cancelled = Arc::new(AtomicBool::new(false));
        let told = cancelled.clone();
        // Nobody listens when the time was up.
        let job = move || drop(answer.send(caught(|| job(told))));
        if !self.send(Box::new(job)) {
            return Ok(Err(Failure::Runtime("the host has no thread for it".into())));
        }
        let answer = loop {
            let waited = match granted.turn(None) {
                None => break Err(RecvTimeoutError::Timeout),
                Some(None) => answered.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(Some(turn)) => answered.recv_timeout(turn),
            };
            if !matches!(waited, Err(RecvTimeoutError::Timeout)) {
                break waited;
            }
        };
        match answer {
            Ok(answer) => Ok(answer),
            Err(RecvTimeoutError::Timeout) => {
                cancelled.store(true, Ordering::Relaxed);
                // It ends by itself behind the operator that it is at, and nobody waits for that.
                self.0 = None;
                Err(Halt::TimedOut.into())
            }
            Err(RecvTimeoutError::Disconnected) => Ok(Err(Failure::Runtime("the thread has ended".into()))),
        }
    }

    fn send(&mut self, job: Job) -> bool {
        if self.0.is_none() {
            let (jobs, given) = mpsc::channel::<Job>();
            let thread = thread::Builder::new().name("gristmill-nn".into()).stack_size(STACK);
            let Ok(thread) = thread.spawn(move || given.into_iter().for_each(|job| job())) else { return false };
            self.0 = Some((jobs, thread));
        }
        self.0.as_ref().is_some_and(|(jobs, _)| jobs.send(job).is_ok())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some((jobs, thread)) = self.0.take() {
            drop(jobs);
            // It waits for jobs, and there are no more. Its panics were caught.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Worker").field(&self.0.is_some()).finish()
    }
}

/// Runs a job of a model of the operator on the thread that asks, where it is not told to end: one that is over soon.
///
/// # Errors
/// [`Halt::TimedOut`] when the run's time is up before it begins.
pub(crate) fn run_here<R>(
    granted: &Granted,
    job: impl FnOnce(Arc<AtomicBool>) -> Result<R, Failure>,
) -> Result<Result<R, Failure>, Stop> {
    granted.in_time()?;
    Ok(caught(|| job(Arc::default())))
}

/// What a job answers; that it panicked is an answer.
fn caught<R>(job: impl FnOnce() -> Result<R, Failure>) -> Result<R, Failure> {
    // What a job leaves half done is its own: it is given things, or shares what can be left so.
    catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|panic| Err(Failure::Runtime(text(&*panic))))
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    format!("a panic: {}", text.unwrap_or("without words"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gristmill_ext_grants::{Cancel, Grants, Limits};
    use std::time::Duration;

    #[test]
    fn a_panic_is_an_answer_and_the_next_job_runs() {
        let (mut worker, granted) = (Worker::default(), Granted::quiet(Grants::default()));
        let answer = worker.run(&granted, |_| -> Result<(), _> { panic!("at the disco") }).unwrap();
        assert_eq!(answer, Err(Failure::Runtime("a panic: at the disco".into())));
        assert_eq!(worker.run(&granted, |_| Ok(7)).unwrap(), Ok(7));
        let answer = run_here(&granted, |_| -> Result<(), _> { panic!("at the {}", "disco") }).unwrap();
        assert_eq!(answer, Err(Failure::Runtime("a panic: at the disco".into())));
    }

    /// Runs a job that does not end by itself, which calls this when it is under way.
    fn endless(granted: &Granted, begun: impl FnOnce() + Send + 'static) {
        let (ended, has_ended) = mpsc::channel();
        let waited = Worker::default().run(granted, move |cancelled| {
            begun();
            while !cancelled.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(1));
            }
            ended.send(()).unwrap();
            Ok(())
        });
        assert_eq!(waited, Err(Stop::Halt(Halt::TimedOut)));
        // The job has looked.
        assert_eq!(has_ended.recv(), Ok(()));
    }

    #[test]
    fn nobody_waits_beyond_the_time_and_the_job_is_told() {
        let limits = Limits { milliseconds: Some(20), ..Limits::default() };
        endless(&Granted::quiet(Grants { limits, ..Grants::default() }), || {});
    }

    #[test]
    fn nobody_waits_when_the_run_is_cancelled() {
        let cancel = Cancel::default();
        let granted = Granted::cancellable(Grants::default(), cancel.clone(), |_| {});
        endless(&granted, move || cancel.cancel());
    }
}

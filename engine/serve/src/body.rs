//! Bodies of requests: whole, bounded each and together, from clients that may be slow.

use crate::failed::Failed;
use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// What is counted of bodies that are here at once.
const UNIT: usize = 1 << 10;

/// How much of bodies may be here, and for how long one may take to come.
#[derive(Debug)]
pub struct Bounds {
    most: usize,
    patience: Duration,
    /// KiB that bodies may still take, all together.
    room: Arc<Semaphore>,
}

/// A body. It counts as long as this is there.
#[derive(Debug, Default)]
pub struct Received {
    /// Its bytes.
    pub bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

impl Bounds {
    /// Bodies of `most` bytes at most, as many as `at_once` of that size.
    pub fn new(most: usize, at_once: usize, patience: Duration) -> Self {
        let room = most.div_ceil(UNIT).saturating_mul(at_once).clamp(1, Semaphore::MAX_PERMITS);
        Self { most, patience, room: Arc::new(Semaphore::new(room)) }
    }

    /// Bytes of one.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Reads a body.
    ///
    /// # Errors
    /// It is too long, too slow, or broken; [`Failed::Busy`]: there is too much of others'.
    pub async fn receive(&self, body: Body) -> Result<Received, Failed> {
        if body.is_end_stream() {
            return Ok(Received::default());
        }
        // Who says so much does not get to send it.
        if body.size_hint().lower() > self.most as u64 {
            return Err(Failed::TooLarge(self.most));
        }
        timeout(self.patience, self.collect(body)).await.unwrap_or(Err(Failed::SlowClient))
    }

    async fn collect(&self, mut body: Body) -> Result<Received, Failed> {
        let (mut bytes, mut room) = (Vec::new(), None);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Failed::Bad(format!("the body broke off: {error}")))?;
            let Ok(data) = frame.into_data() else { continue };
            if data.len() > self.most - bytes.len() {
                return Err(Failed::TooLarge(self.most));
            }
            let (held, needed) = (bytes.len().div_ceil(UNIT), (bytes.len() + data.len()).div_ceil(UNIT));
            let more = u32::try_from(needed - held).map_err(|_| Failed::Busy)?;
            let permit = self.room.clone().try_acquire_many_owned(more).map_err(|_| Failed::Busy)?;
            match &mut room {
                None => room = Some(permit),
                Some(room) => room.merge(permit),
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Received { bytes: bytes.into(), _room: room })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    #[test]
    fn bodies_are_bounded_each_and_together() {
        block(async {
            let bounds = Bounds::new(4 << 10, 2, Duration::from_secs(60));
            let receive = |length: usize| bounds.receive(Body::from(vec![7; length]));
            assert_eq!(receive((4 << 10) + 1).await.unwrap_err(), Failed::TooLarge(4 << 10));
            let (first, second) = (receive(4 << 10).await.unwrap(), receive(3 << 10).await.unwrap());
            assert_eq!(first.bytes.len() + second.bytes.len(), 7 << 10);
            assert_eq!(receive(1025).await.unwrap_err(), Failed::Busy);
            let third = receive(1024).await.unwrap();
            drop(first);
            assert!(receive(4 << 10).await.is_ok());
            drop((second, third));
            assert_eq!(bounds.room.available_permits(), 8);
        });
    }
}

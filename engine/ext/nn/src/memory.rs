//! What the tensors and models of an instance take of the host's memory.

use crate::backend::Failure;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that an instance may make the host hold, and what is left of them.
#[derive(Clone, Debug)]
pub(crate) struct Memory(Arc<AtomicU64>);

impl Memory {
    pub fn new(bytes: u64) -> Self {
        Self(Arc::new(AtomicU64::new(bytes)))
    }

    /// Bytes that are left.
    pub fn left(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Takes bytes; they come back when what is returned is dropped.
    pub fn take(&self, bytes: u64) -> Result<Hold, Failure> {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes))
            .map(|_| Hold { memory: self.clone(), bytes })
            .map_err(|left| Failure::TooLarge(format!("{bytes} bytes are needed, {left} are left")))
    }
}

/// Bytes that are taken.
#[derive(Debug)]
pub(crate) struct Hold {
    memory: Memory,
    bytes: u64,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.memory.0.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

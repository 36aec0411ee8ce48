//! Standard streams that are not the host's: nothing, what is given, what is kept.

use crate::errno::Errno;
use crate::fs::{File, Flags, Kind, Result, Stat, Time};
use std::io::Read;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that a guest has written, up to a limit; what is beyond it is counted and dropped.
#[derive(Clone, Debug, Default)]
pub struct Captured(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    limit: usize,
    dropped: u64,
}

impl Captured {
    /// Keeps so many bytes.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Mutex::new(Kept { limit, ..Kept::default() })))
    }

    /// What was written so far; nothing of it is here any more.
    pub fn take(&self) -> Vec<u8> {
        // Whoever panicked in between has left bytes.
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).bytes)
    }

    /// Bytes beyond the limit.
    pub fn dropped(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).dropped
    }

    fn write(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = kept.limit.saturating_sub(kept.bytes.len()).min(bytes.len());
        kept.bytes.extend_from_slice(&bytes[..room]);
        kept.dropped += (bytes.len() - room) as u64;
    }
}

/// A standard stream.
pub enum Stream {
    /// At its end; what is written is gone.
    Null,
    /// These bytes, or whatever else can be read without waiting.
    Given(Box<dyn Read + Send>),
    /// What is written is kept.
    Captured(Captured),
}

impl File for Stream {
    fn read_at(&mut self, _: &mut [u8], _: u64) -> Result<usize> {
        Err(Errno::Spipe)
    }

    fn write_at(&mut self, _: &[u8], _: u64) -> Result<usize> {
        Err(Errno::Spipe)
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
        match self {
            Stream::Given(reader) => Ok(reader.read(bytes)?),
            Stream::Null | Stream::Captured(_) => Ok(0),
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Result<usize> {
        if let Stream::Captured(captured) = self {
            captured.write(bytes);
        }
        Ok(bytes.len())
    }

    fn stat(&self) -> Result<Stat> {
        let kind = Kind::Unknown;
        Ok(Stat { device: 0, inode: 0, kind, links: 1, size: 0, accessed: 0, modified: 0, changed: 0 })
    }

    fn set_size(&mut self, _: u64) -> Result<()> {
        Err(Errno::Inval)
    }

    fn allocate(&mut self, _: u64, _: u64) -> Result<()> {
        Err(Errno::Spipe)
    }

    fn set_times(&mut self, _: Time, _: Time) -> Result<()> {
        Ok(())
    }

    fn set_flags(&mut self, _: Flags) -> Result<()> {
        Ok(())
    }

    fn sync(&mut self, _: bool) -> Result<()> {
        Ok(())
    }

    fn waits(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

//! The side that records.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gristmill::wasm::isa::Ty;
use gristmill::{ApiRow, Fault, Guest, Intercepted, Interceptor, Stop, Writes};

use super::{Answer, CHUNK, End, Event, Header, MAGIC, VERSION, write_frame};

/// Calls the host functions of a run, and writes down what they did.
pub struct Recorder(Mutex<Recording<BufWriter<File>>>);

struct Recording<W> {
    out: W,
    functions: HashMap<(&'static str, &'static str), u32>,
    /// Gas left when the last call was done.
    left: u64,
    writes: Writes,
    failed: Option<io::Error>,
}

impl Recorder {
    /// A recording in a new file, of a run that begins with `left` gas.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn new(path: &Path, header: &Header, left: u64) -> io::Result<Self> {
        let mut out = BufWriter::new(File::create(path)?);
        out.write_all(MAGIC)?;
        out.write_all(&[VERSION])?;
        write_frame(&mut out, header)?;
        out.flush()?;
        let recording = Recording { out, functions: HashMap::new(), left, writes: Writes::new(), failed: None };
        Ok(Self(Mutex::new(recording)))
    }

    fn recording(&self) -> MutexGuard<'_, Recording<BufWriter<File>>> {
        // Whoever panicked in between has left a recording that ends there.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes how the run ended.
    ///
    /// # Errors
    /// It cannot be written, or something before could not: the recording is of no use.
    pub fn finish(&self, end: End) -> io::Result<()> {
        let mut recording = self.recording();
        match recording.failed.take() {
            Some(error) => Err(error),
            None => {
                write_frame(&mut recording.out, &Event::End(end))?;
                recording.out.flush()
            }
        }
    }
}

impl<W: Write> Recording<W> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        write_frame(&mut self.out, event)
    }

    fn begin(&mut self, row: &'static ApiRow, args: &[u64], left: u64) -> io::Result<()> {
        let next = self.functions.len() as u32;
        let function = *self.functions.entry((row.module, row.name)).or_insert(next);
        if function == next {
            self.event(&Event::Function { module: row.module.into(), name: row.name.into() })?;
        }
        let spent = self.left.saturating_sub(left);
        self.event(&Event::Call { function, spent, args: arguments(row, args) })
    }

    fn end(&mut self, guest: &Guest<'_>, before: u64, result: Result<u64, Stop>) -> io::Result<()> {
        let writes = std::mem::take(&mut self.writes);
        for range in writes.ranges() {
            for at in range.clone().step_by(CHUNK) {
                let bytes = guest.memory()[at..range.end.min(at + CHUNK)].to_vec();
                let at = u32::try_from(at).map_err(|_| io::Error::other("a host function writes beyond 4 GiB"))?;
                self.event(&Event::Write { at, bytes })?;
            }
        }
        self.writes = writes;
        self.left = guest.meter.left().0;
        let gas = before.checked_sub(self.left).ok_or_else(|| io::Error::other("a host function gives gas back"))?;
        let answer = Answer::of(result).ok_or_else(|| io::Error::other("a host function ends as no other does"))?;
        self.event(&Event::Return { gas, answer })?;
        // The time of a run may end the process between two calls.
        self.out.flush()
    }
}

/// The arguments without what counts for nothing.
pub(super) fn arguments(row: &ApiRow, args: &[u64]) -> Vec<u64> {
    let narrow = |ty: Ty, slot: u64| if matches!(ty, Ty::i32 | Ty::f32) { slot & u64::from(u32::MAX) } else { slot };
    row.params.iter().zip(args).map(|((_, ty), slot)| narrow(*ty, *slot)).collect()
}

impl<T> Interceptor<T> for Recorder {
    fn call(&self, data: &mut T, guest: &mut Guest<'_>, call: Intercepted<'_, T>) -> Result<u64, Stop> {
        let mut recording = self.recording();
        let recording = &mut *recording;
        let before = guest.meter.left().0;
        let failed = |recording: &mut Recording<_>, error| {
            recording.failed = Some(error);
            Err(Fault::Host("the recording cannot be written").into())
        };
        if let Err(error) = recording.begin(call.row, call.args, before) {
            return failed(recording, error);
        }
        recording.writes.clear();
        let result = call.proceed(data, &mut guest.noting(&mut recording.writes));
        match recording.end(guest, before, result) {
            Ok(()) => result,
            Err(error) => failed(recording, error),
        }
    }
}

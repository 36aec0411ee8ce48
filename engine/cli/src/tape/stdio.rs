//! Standard output and error of a replay: the only thing that a replay does to the world.
//!
//! What a program writes to a stream is in its memory, and how much of it was taken is in the recording. Which descriptors are
//! the streams is followed through the calls that can change it: a descriptor moves by `fd_renumber`, and goes by `fd_close`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use gristmill::{ApiRow, Guest};
use gristmill_ext_wasi::MODULE;

use super::replay::Why;

/// A standard stream to write.
#[derive(Clone, Copy, Debug)]
enum Stream {
    Output,
    Error,
}

/// Descriptors that are streams.
pub(super) struct Streams(BTreeMap<u64, Stream>);

impl Streams {
    /// As a program begins, with those of the two streams that were the process's.
    pub fn new([output, error]: [bool; 2]) -> Self {
        let both = [(output, 1, Stream::Output), (error, 2, Stream::Error)];
        Self(both.into_iter().filter(|(is, ..)| *is).map(|(_, fd, stream)| (fd, stream)).collect())
    }

    /// Whether a call writes to one.
    pub fn has_output(&self, row: &ApiRow, args: &[u64]) -> bool {
        row.module == MODULE && row.name == "fd_write" && args.first().is_some_and(|fd| self.0.contains_key(fd))
    }

    /// Writes what such a call has written, if it `is_good`; the function tells how many bytes these were by `count`.
    pub fn write(&self, args: &[u64], is_good: bool, count: &[u8], guest: &Guest<'_>) -> Result<(), Why> {
        let &[fd, vectors, n, _] = args else { return Err(Why::Malformed) };
        let (Some(stream), true) = (self.0.get(&fd), is_good) else { return Ok(()) };
        let mut left = u32::from_le_bytes(count.try_into().map_err(|_| Why::Malformed)?);
        let mut out: Box<dyn Write> = match stream {
            Stream::Output => Box::new(io::stdout().lock()),
            Stream::Error => Box::new(io::stderr().lock()),
        };
        for i in 0..n {
            if left == 0 {
                break;
            }
            let at = u32::try_from(vectors + 8 * i).map_err(|_| Why::Malformed)?;
            let vector: [u8; 8] = guest.read(at).map_err(|_| Why::Malformed)?;
            let [at, len] =
                [0, 4].map(|i| u32::from_le_bytes([vector[i], vector[i + 1], vector[i + 2], vector[i + 3]]));
            let bytes = guest.slice(at, len.min(left)).map_err(|_| Why::Malformed)?;
            out.write_all(bytes).map_err(Why::Output)?;
            left -= len.min(left);
        }
        out.flush().map_err(Why::Output)?;
        // No function says that it has written more than it was given.
        if left == 0 { Ok(()) } else { Err(Why::Malformed) }
    }

    /// Looks where the streams are after a call.
    pub fn follow(&mut self, row: &ApiRow, args: &[u64], is_good: bool) {
        if row.module != MODULE || !is_good {
            return;
        }
        match (row.name, args) {
            ("fd_close", [fd]) => drop(self.0.remove(fd)),
            ("fd_renumber", [from, to]) if from != to => match self.0.remove(from) {
                Some(stream) => drop(self.0.insert(*to, stream)),
                None => drop(self.0.remove(to)),
            },
            _ => {}
        }
    }
}

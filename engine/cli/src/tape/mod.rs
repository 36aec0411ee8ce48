//! Recordings of runs: what host functions did to a program, so that it runs again without them.
//!
//! A program sees the world through host functions alone, and of each call it sees the result, the bytes that were written into its
//! memory, and the gas that was taken. These are what a recording has, behind the settings that count for the run ([`Header`])
//! and before how it ended ([`End`]). A replay calls no host function: it compares function, arguments and the gas spent before with
//! what was recorded, and answers the same. So the tier may be another one, and what differs is found at the call where it does.
//!
//! The file: eight bytes and a version, then frames, each a length (32 bits, little-endian) and as many bytes of postcard. Neither
//! side has more than one frame in memory.

mod flags;
mod record;
mod replay;
mod stdio;

pub use flags::{Recorded, Tape, TapeArgs, named_rules};
pub use record::Recorder;
pub use replay::{Replayer, Why, Wrong, open};

use std::io::{self, Read, Write};

use gristmill::{Error, Fault, Halt, Stop, Trap};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// How a recording begins.
const MAGIC: &[u8; 8] = b"gmrecord";

/// The version of all that follows.
const VERSION: u8 = 1;

/// Bytes of guest memory in one frame.
const CHUNK: usize = 32 << 10;

/// Bytes of a frame: a chunk, or a header with arguments.
const LONGEST: usize = 64 << 10;

/// What a replay needs to know to begin as the run did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// SHA-256 of the module.
    pub module: [u8; 32],
    /// The profile's name.
    pub profile: String,
    /// Proposals left out.
    pub without: Vec<String>,
    /// The schedule's name.
    pub schedule: String,
    /// Gas to spend.
    pub gas: Option<u64>,
    /// Pages of memory at most.
    pub pages: Option<u32>,
    /// What was called.
    pub start: Start,
    /// Whether standard output and standard error were this process's.
    pub streams: [bool; 2],
}

/// Where a run begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// At `_start`.
    Command,
    /// At this function, with these arguments as text.
    Function(Option<String>, Vec<String>),
}

/// What happened, in order: functions are numbered when they are first called.
#[derive(Debug, Serialize, Deserialize)]
enum Event {
    /// The next number is this function's.
    Function { module: String, name: String },
    /// The program calls it. Gas that it spent since the last call, or the beginning.
    Call { function: u32, spent: u64, args: Vec<u64> },
    /// The function has written this.
    Write { at: u32, bytes: Vec<u8> },
    /// It is done, and has taken gas.
    Return { gas: u64, answer: Answer },
    /// The run is over.
    End(End),
}

/// How a host function ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Answer {
    Value(u64),
    /// Number in [`Trap::ALL`].
    Trap(u8),
    Exit(i32),
    TimedOut,
    /// The host failed.
    Failed,
}

impl Answer {
    /// None: no function of a table ends like that.
    fn of(result: Result<u64, Stop>) -> Option<Self> {
        Some(match result {
            Ok(value) => Self::Value(value),
            Err(Stop::Trap(trap)) => Self::Trap(number(trap)),
            Err(Stop::Halt(Halt::Exit(code))) => Self::Exit(code),
            Err(Stop::Halt(Halt::TimedOut)) => Self::TimedOut,
            Err(Stop::Fault(_)) => Self::Failed,
            Err(Stop::Halt(_) | Stop::Custom | Stop::Exception) => return None,
        })
    }

    /// None: there is no such trap.
    fn result(self) -> Option<Result<u64, Stop>> {
        Some(match self {
            Self::Value(value) => Ok(value),
            Self::Trap(number) => Err((*Trap::ALL.get(usize::from(number))?).into()),
            Self::Exit(code) => Err(Halt::Exit(code).into()),
            Self::TimedOut => Err(Halt::TimedOut.into()),
            Self::Failed => Err(Fault::Host("the host failed when this was recorded").into()),
        })
    }
}

fn number(trap: Trap) -> u8 {
    // Traps are numbered in the order of `ALL`.
    trap as u8
}

/// What there is at the end of a run: a replay must end the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// How it ended.
    pub outcome: Outcome,
    /// Whole gas left.
    pub left: u64,
    /// SHA-256 of the exported `memory`, where there is one and its bytes are specified.
    pub memory: Option<[u8; 32]>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// With these results, as text.
    Returned(Vec<String>),
    /// By a trap's number in [`Trap::ALL`].
    Trap(u8),
    /// With an exit code.
    Exit(i32),
    /// Its time was up.
    TimedOut,
    /// Otherwise: the error in words.
    Other(String),
}

impl Outcome {
    /// Of a call.
    pub fn of(result: Result<Vec<String>, &Error>) -> Self {
        match result {
            Ok(values) => Self::Returned(values),
            Err(Error::Trap(trap)) => Self::Trap(number(*trap)),
            Err(Error::Halt(Halt::Exit(code))) => Self::Exit(*code),
            Err(Error::Halt(Halt::TimedOut)) => Self::TimedOut,
            Err(other) => Self::Other(other.to_string()),
        }
    }
}

/// Writes one frame.
fn write_frame(out: &mut impl Write, frame: &impl Serialize) -> io::Result<()> {
    let bytes = postcard::to_allocvec(frame).map_err(io::Error::other)?;
    match u32::try_from(bytes.len()) {
        Ok(length) if bytes.len() <= LONGEST => {
            out.write_all(&length.to_le_bytes())?;
            out.write_all(&bytes)
        }
        _ => Err(io::Error::other("more arguments than a recording has room for")),
    }
}

/// Why there is no next frame.
enum NoFrame {
    /// The file ends, between frames or inside of one.
    Truncated,
    /// It is none.
    Malformed,
    Io(io::Error),
}

impl From<io::Error> for NoFrame {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Truncated } else { Self::Io(error) }
    }
}

/// Reads one frame. `buffer` is room for it.
fn read_frame<F: DeserializeOwned>(input: &mut impl Read, buffer: &mut Vec<u8>) -> Result<F, NoFrame> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST {
        return Err(NoFrame::Malformed);
    }
    buffer.resize(length, 0);
    input.read_exact(buffer)?;
    match postcard::take_from_bytes(buffer) {
        Ok((frame, [])) => Ok(frame),
        _ => Err(NoFrame::Malformed),
    }
}

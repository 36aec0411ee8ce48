//! The side that replays.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gristmill::{Fault, Gas, Guest, Intercepted, Interceptor, Stop, Trap};

use super::record::arguments;
use super::stdio::Streams;
use super::{Answer, End, Event, Header, MAGIC, NoFrame, VERSION, read_frame};

/// Functions that a recording may name: more than there are.
const FUNCTIONS: usize = 4_096;

/// Why a recording cannot be replayed, and at which call, counted from 1; 0 is before the first.
#[derive(Debug)]
pub struct Wrong {
    /// Number of the call.
    pub call: u64,
    /// What is wrong there.
    pub why: Why,
}

/// What is wrong with a recording, or with its program.
#[derive(Debug)]
pub enum Why {
    /// The file is no recording.
    NoRecording,
    /// It is of another version.
    Version(u8),
    /// It ends too early: the run was ended from outside there, or the file was cut off.
    Truncated,
    /// What it has there makes no sense.
    Malformed,
    /// The program does something else: what it did, and what it does.
    Differs(String, String),
    /// The program ends, and did not.
    MoreCalls,
    /// The program wrote to a stream, which takes no more.
    Output(io::Error),
    /// The file cannot be read.
    Input(io::Error),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, why } = self;
        match why {
            Why::NoRecording => f.write_str("not a recording"),
            Why::Version(version) => write!(f, "a recording of version {version}, and {VERSION} is the only one"),
            Why::Truncated => write!(f, "call {call}: the recording ends here"),
            Why::Malformed => write!(f, "call {call}: the recording makes no sense here"),
            Why::Differs(was, is) => write!(f, "call {call}: recorded was {was}, and now it is {is}"),
            Why::MoreCalls => write!(f, "call {call}: the run is over, and the recording goes on"),
            Why::Output(error) => write!(f, "call {call}: output: {error}"),
            Why::Input(error) => write!(f, "call {call}: {error}"),
        }
    }
}

impl std::error::Error for Wrong {}

impl From<NoFrame> for Why {
    fn from(no: NoFrame) -> Self {
        match no {
            NoFrame::Truncated => Why::Truncated,
            NoFrame::Malformed => Why::Malformed,
            NoFrame::Io(error) => Why::Input(error),
        }
    }
}

/// Answers the calls of a run as they were answered before.
pub struct Replayer(Mutex<Replaying<BufReader<File>>>);

struct Replaying<R> {
    input: R,
    buffer: Vec<u8>,
    functions: Vec<(String, String)>,
    /// The call that is answered.
    call: u64,
    /// Gas left when the last call was done.
    left: u64,
    streams: Streams,
    wrong: Option<Why>,
}

/// Opens a recording: how its run began, and the rest.
///
/// # Errors
/// It is none, or cannot be read.
pub fn open(path: &Path) -> Result<(Header, BufReader<File>), Wrong> {
    let before = |why| Wrong { call: 0, why };
    let mut input = BufReader::new(File::open(path).map_err(|error| before(Why::Input(error)))?);
    let mut begins = [0; MAGIC.len() + 1];
    input.read_exact(&mut begins).map_err(|_| before(Why::NoRecording))?;
    match begins.split_last() {
        Some((&VERSION, magic)) if magic == MAGIC => {}
        Some((version, magic)) if magic == MAGIC => return Err(before(Why::Version(*version))),
        _ => return Err(before(Why::NoRecording)),
    }
    let header = read_frame(&mut input, &mut Vec::new()).map_err(|no| before(no.into()))?;
    Ok((header, input))
}

impl Replayer {
    /// A replay of what is behind a header, in a run that begins with `left` gas.
    pub fn new(header: &Header, input: BufReader<File>, left: u64) -> Self {
        let streams = Streams::new(header.streams);
        let (buffer, functions) = (Vec::new(), Vec::new());
        Self(Mutex::new(Replaying { input, buffer, functions, call: 0, left, streams, wrong: None }))
    }

    fn replaying(&self) -> MutexGuard<'_, Replaying<BufReader<File>>> {
        // Whoever panicked in between has left a replay that fails.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compares how the run ended.
    ///
    /// # Errors
    /// It ended otherwise, or a call before was wrong.
    pub fn finish(&self, end: &End) -> Result<(), Wrong> {
        let mut replaying = self.replaying();
        let why = match replaying.wrong.take() {
            Some(why) => Some(why),
            None => replaying.end(end).err(),
        };
        why.map_or(Ok(()), |why| Err(Wrong { call: replaying.call, why }))
    }
}

impl<R: Read> Replaying<R> {
    fn event(&mut self) -> Result<Event, Why> {
        Ok(read_frame(&mut self.input, &mut self.buffer)?)
    }

    fn end(&mut self, end: &End) -> Result<(), Why> {
        match self.event()? {
            Event::End(was) if was == *end => {}
            Event::End(was) => return Err(Why::Differs(format!("{was:?}"), format!("{end:?}"))),
            _ => return Err(Why::MoreCalls),
        }
        match self.input.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(Why::Malformed),
            Err(error) => Err(Why::Input(error)),
        }
    }

    /// The call that comes next: function, gas spent before, arguments.
    fn recorded(&mut self) -> Result<(usize, u64, Vec<u64>), Why> {
        loop {
            match self.event()? {
                Event::Function { module, name } if self.functions.len() < FUNCTIONS => {
                    self.functions.push((module, name));
                }
                Event::Call { function, spent, args } if (function as usize) < self.functions.len() => {
                    return Ok((function as usize, spent, args));
                }
                Event::End(end) => {
                    return Err(Why::Differs(format!("the end of the run, {:?}", end.outcome), "a call".into()));
                }
                _ => return Err(Why::Malformed),
            }
        }
    }

    fn answer<T>(&mut self, guest: &mut Guest<'_>, call: &Intercepted<'_, T>) -> Result<Result<u64, Stop>, Why> {
        let (function, spent, args) = self.recorded()?;
        let (module, name) = &self.functions[function];
        let (row, given) = (call.row, arguments(call.row, call.args));
        if (module.as_str(), name.as_str()) != (row.module, row.name) || args != given {
            let was = format!("{module}.{name}{args:?}");
            return Err(Why::Differs(was, format!("{}.{}{given:?}", row.module, row.name)));
        }
        let before = guest.meter.left().0;
        let now = self.left.saturating_sub(before);
        if spent != now {
            let after = |gas| format!("{name} after {gas} gas");
            return Err(Why::Differs(after(spent), after(now)));
        }
        // What a stream is given is looked at before anything is written over it.
        let is_output = self.streams.has_output(row, &given);
        let mut first = None;
        let (gas, answer) = loop {
            match self.event()? {
                Event::Write { at, bytes } => {
                    if is_output && first.is_none() {
                        first = Some((at, bytes));
                        continue;
                    }
                    write(guest, at, &bytes)?;
                }
                Event::Return { gas, answer } => break (gas, answer),
                _ => return Err(Why::Malformed),
            }
        };
        if let Some((at, bytes)) = first {
            self.streams.write(&given, answer == Answer::Value(0), &bytes, guest)?;
            write(guest, at, &bytes)?;
        }
        self.streams.follow(row, &given, answer == Answer::Value(0));
        let result = answer.result().ok_or(Why::Malformed)?;
        let paid = guest.meter.charge_gas(Gas(gas));
        match (result, paid) {
            // Nothing is left then, not the part of a gas either.
            (Err(Stop::Trap(Trap::OutOfGas)), _) => guest.meter.exhaust(),
            (_, Err(_)) => return Err(Why::Malformed),
            _ => {}
        }
        self.left = guest.meter.left().0;
        Ok(result)
    }
}

fn write(guest: &mut Guest<'_>, at: u32, bytes: &[u8]) -> Result<(), Why> {
    guest.write(at, bytes).map_err(|_| Why::Malformed)
}

impl<T> Interceptor<T> for Replayer {
    fn call(&self, _: &mut T, guest: &mut Guest<'_>, call: Intercepted<'_, T>) -> Result<u64, Stop> {
        let mut replaying = self.replaying();
        let replaying = &mut *replaying;
        if replaying.wrong.is_none() {
            replaying.call += 1;
            match replaying.answer(guest, &call) {
                Ok(result) => return result,
                Err(why) => replaying.wrong = Some(why),
            }
        }
        Err(Fault::Host("the replay went wrong").into())
    }
}

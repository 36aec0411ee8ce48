//! Traps for people: what a stopped run looked like, as a backtrace with source lines and as a coredump.

mod contracts;
mod coredump;
mod dwarf;

pub use contracts::{Catching, Found, Traps};

use std::path::Path;
use std::sync::Mutex;

use gristmill::{Engine, Frame, GlobalType, Module, Position, Stopped, Trap, Watcher};
use serde_json::{Value, json};

use crate::names::Names;
use crate::output::Failure;

/// Most frames that are shown: of a stack that overflowed the innermost ones.
const SHOWN: usize = 32;

/// A run that was stopped, copied out of its store.
#[derive(Debug)]
pub struct Caught {
    trap: Trap,
    /// Innermost first, with the slots of parameters and locals.
    frames: Vec<(Frame, Option<Vec<u64>>)>,
    /// Of the innermost function's instance.
    memories: Vec<Vec<u8>>,
    globals: Vec<(GlobalType, Option<u128>)>,
}

impl Caught {
    /// Copies frames, and what a coredump has beside them if one is `wanted`.
    fn of(stopped: &Stopped<'_>, wanted: bool) -> Self {
        let instance = stopped.frames().first().map(|frame| frame.instance).filter(|_| wanted);
        let locals = |frame: &Frame| if wanted { stopped.locals(frame) } else { None };
        Self {
            trap: stopped.trap(),
            frames: stopped.frames().iter().map(|frame| (*frame, locals(frame))).collect(),
            memories: instance.into_iter().flat_map(|of| stopped.memories(of)).map(<[u8]>::to_vec).collect(),
            globals: instance.map(|instance| stopped.globals(instance)).unwrap_or_default(),
        }
    }

    /// Finds out where in `bytes`, the module that ran, all of this was. `engine` has the profile and the schedule that it
    /// was loaded under.
    ///
    /// # Errors
    /// The module is none.
    pub fn locate<'a>(&'a self, engine: &Engine, bytes: &'a [u8]) -> Result<Located<'a>, Failure> {
        let (module, listings) = Module::listing(engine, bytes)?;
        let imported = module.parsed().imported_functions;
        let offset = |frame: &Frame| match frame.at {
            Position::Word(at) => listings.get(frame.function.checked_sub(imported)? as usize)?.offset_at(at),
            Position::Byte(byte) => Some(byte? as usize),
        };
        let offsets = self.frames.iter().map(|(frame, _)| offset(frame)).collect();
        Ok(Located { caught: self, module, bytes, offsets })
    }
}

/// A stopped run and the module that it ran.
pub struct Located<'a> {
    caught: &'a Caught,
    module: Module,
    bytes: &'a [u8],
    /// Byte of the module where the operator of each frame starts.
    offsets: Vec<Option<usize>>,
}

impl Located<'_> {
    /// The frames with names, offsets and source lines.
    pub fn backtrace(&self) -> Backtrace {
        let names = Names::new(self.module.parsed());
        let lines = dwarf::Lines::of(self.bytes);
        let frames = self.caught.frames.iter().zip(&self.offsets).take(SHOWN);
        let place = |((frame, _), offset): (&(Frame, _), &Option<usize>)| Place {
            function: frame.function,
            name: names.of(frame.function).map(str::to_string),
            label: names.label(frame.function),
            offset: *offset,
            sources: lines.as_ref().zip(*offset).map(|(lines, offset)| lines.at(offset)).unwrap_or_default(),
        };
        Backtrace {
            trap: self.caught.trap,
            frames: frames.map(place).collect(),
            left_out: self.caught.frames.len().saturating_sub(SHOWN),
        }
    }

    /// Writes a coredump of a module called `name`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_coredump(&self, name: &str, path: &Path) -> Result<(), Failure> {
        let dump = coredump::encode(self, name);
        std::fs::write(path, dump).map_err(|e| Failure::host(e.to_string()).at(path.display()))
    }
}

/// Frames for people, innermost first.
#[derive(Clone, Debug)]
pub struct Backtrace {
    /// Why the run was stopped.
    pub trap: Trap,
    frames: Vec<Place>,
    /// Frames that there were beyond these.
    left_out: usize,
}

/// Where a frame was.
#[derive(Clone, Debug)]
struct Place {
    function: u32,
    name: Option<String>,
    label: String,
    offset: Option<usize>,
    /// Lines of source, those of functions that were inlined first.
    sources: Vec<Source>,
}

/// A line of source.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Source {
    /// A function that was inlined there.
    inlined: Option<String>,
    file: String,
    line: Option<u32>,
    column: Option<u32>,
}

impl Backtrace {
    /// `` in `name` (function 3) ``, of the innermost function.
    pub fn place(&self) -> String {
        self.frames.first().map(|frame| format!(" in {}", frame.label)).unwrap_or_default()
    }

    /// A line a frame, and one a line of source.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (number, frame) in self.frames.iter().enumerate() {
            let offset = frame.offset.map_or("?".into(), |offset| format!("{offset:#x}"));
            lines.push(format!("{number:3}: {offset:>8}  {}", frame.label));
            lines.extend(frame.sources.iter().map(|source| format!("{:15}at {}", "", source.text())));
        }
        if self.left_out > 0 {
            lines.push(format!("     {} more", self.left_out));
        }
        lines
    }

    /// The frames for machines.
    pub fn json(&self) -> Value {
        let frame = |frame: &Place| {
            let sources = frame.sources.iter().map(Source::json).collect::<Vec<_>>();
            json!({ "function": frame.function, "name": frame.name, "offset": frame.offset, "sources": sources })
        };
        self.frames.iter().map(frame).collect()
    }

    /// Adds it to the failure that it explains.
    pub fn explain(&self, failure: Failure) -> Failure {
        let message = [vec![format!("{}{}", failure.message, self.place())], self.lines()].concat().join("\n");
        let innermost = self.frames.first();
        Failure { message, ..failure }
            .with("function", innermost.map(|frame| frame.function))
            .with("function_name", innermost.and_then(|frame| frame.name.clone()))
            .with("frames", self.json())
            .with("frames_left_out", self.left_out)
    }
}

impl Source {
    fn text(&self) -> String {
        let mut text = self.file.clone();
        let numbers = [self.line, self.column.filter(|_| self.line.is_some())];
        numbers.into_iter().flatten().for_each(|number| text += &format!(":{number}"));
        if let Some(inlined) = &self.inlined {
            text += &format!(" (inlined `{inlined}`)");
        }
        text
    }

    fn json(&self) -> Value {
        json!({ "file": self.file, "line": self.line, "column": self.column, "inlined": self.inlined })
    }
}

/// Catches the last trap of the stores of an engine.
#[derive(Debug, Default)]
pub struct Catcher {
    /// Whether a coredump will be asked for.
    wanted: bool,
    caught: Mutex<Option<Caught>>,
}

impl Catcher {
    /// One that copies what a coredump has, if one is `wanted`.
    pub fn new(wanted: bool) -> Self {
        Self { wanted, caught: Mutex::new(None) }
    }

    /// What was caught since this was asked last.
    pub fn take(&self) -> Option<Caught> {
        self.caught.lock().ok()?.take()
    }
}

impl Watcher for Catcher {
    fn trapped(&self, stopped: &Stopped<'_>) {
        if let Ok(mut caught) = self.caught.lock() {
            *caught = Some(Caught::of(stopped, self.wanted));
        }
    }
}

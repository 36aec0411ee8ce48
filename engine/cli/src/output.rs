//! What a command says and how it ends: text for people, one JSON object for machines, an exit code for scripts.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use gristmill::{Error, LoadError};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Map, Value, json};

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// All is well.
    Good,
    /// The guest trapped, reverted, ran out of gas, or a test of a suite failed.
    Guest,
    /// The command line makes no sense.
    Usage,
    /// The input was refused: not Wasm, invalid, against the profile or the rules of contracts, not to be linked.
    Refused,
    /// This machine or this program failed: files, state, memory, bugs.
    Host,
    /// A program trapped, or a limit of it was spent.
    Trapped,
    /// A program ended with a code of its own.
    Own(u8),
}

impl Exit {
    /// The number that the process ends with.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Good => 0,
            Exit::Guest => 1,
            Exit::Usage => 2,
            Exit::Refused => 3,
            Exit::Host => 4,
            // What a shell says of a process that aborts.
            Exit::Trapped => 134,
            Exit::Own(code) => code,
        }
    }

    /// The word for it in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Exit::Good => "good",
            Exit::Guest => "guest",
            Exit::Usage => "usage",
            Exit::Refused => "refused",
            Exit::Host => "host",
            Exit::Trapped => "trapped",
            Exit::Own(_) => "own",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// What a command that did its work has to say.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Good, or why not.
    pub exit: Exit,
    /// For people; lines without a newline at the end. Empty: nothing to say.
    pub text: String,
    /// For machines.
    pub json: Value,
}

impl Answer {
    /// A good end.
    pub fn good(text: impl Into<String>, json: Value) -> Self {
        Self { exit: Exit::Good, text: text.into(), json }
    }
}

/// Why a command could not do its work.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Whose fault it was.
    pub exit: Exit,
    /// For people.
    pub message: String,
    /// More for machines: byte offsets, names.
    pub details: Map<String, Value>,
}

impl Failure {
    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), details: Map::new() }
    }

    /// The command line makes no sense.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// The input was refused.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, message)
    }

    /// This machine or program failed.
    pub fn host(message: impl Into<String>) -> Self {
        Self::new(Exit::Host, message)
    }

    /// The guest failed.
    pub fn guest(message: impl Into<String>) -> Self {
        Self::new(Exit::Guest, message)
    }

    /// Adds a fact for machines.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.into(), value.into());
        self
    }

    /// Puts where it happened before the message.
    pub fn at(mut self, place: impl std::fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    fn json(&self) -> Value {
        let mut error = self.details.clone();
        error.insert("kind".into(), self.exit.name().into());
        error.insert("message".into(), self.message.clone().into());
        json!({ "error": error })
    }
}

impl From<LoadError> for Failure {
    fn from(e: LoadError) -> Self {
        Failure::refused(e.to_string()).with("offset", e.offset).with("rule", rule(&e))
    }
}

/// The stage of loading that refused a module, as a word.
pub fn rule(e: &LoadError) -> String {
    format!("{:?}", e.kind).to_lowercase()
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        match e {
            Error::Load(e) => e.into(),
            Error::Link(what) => Failure::refused(what),
            Error::Trap(t) => Failure::guest(format!("trap: {t}")).with("trap", format!("{t:?}")),
            Error::Halt(_) | Error::ThrownException => Failure::guest(e.to_string()),
            Error::Usage(what) => Failure::usage(what),
            Error::Fault(_) | Error::Custom(_) => Failure::host(e.to_string()),
        }
    }
}

/// Prints what a command has to say and tells how the process ends.
pub fn finish(outcome: Result<Answer, Failure>, as_json: bool) -> Exit {
    let (exit, written) = match outcome {
        Ok(answer) if as_json => (answer.exit, print_line(&answer.json.to_string())),
        Ok(answer) if answer.text.is_empty() => (answer.exit, Ok(())),
        Ok(answer) => (answer.exit, print_line(&answer.text)),
        Err(failure) if as_json => (failure.exit, print_line(&failure.json().to_string())),
        Err(failure) => {
            eprintln!("error: {}", failure.message);
            (failure.exit, Ok(()))
        }
    };
    match written {
        // A reader that went away (`| head`) has what it wanted.
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Exit::Host,
        _ => exit,
    }
}

/// Writes one line to standard output.
///
/// # Errors
/// Standard output is gone.
pub fn print_line(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// How long a command may be silent.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether anybody would see a progress bar.
fn watched(quiet: bool) -> bool {
    !quiet && io::stderr().is_terminal()
}

/// Progress over steps that may take longer than a second, shown only then and only to a terminal.
pub struct Progress {
    bar: ProgressBar,
    started: Instant,
    /// Not shown yet, but will be when patience ends.
    waiting: bool,
}

impl Progress {
    /// Progress over `steps` steps; `quiet` for machines.
    pub fn new(steps: usize, quiet: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, started: Instant::now(), waiting: watched(quiet) }
    }

    /// One more step is about to begin.
    pub fn step(&mut self, what: &str) {
        if self.waiting && self.started.elapsed() > PATIENCE {
            self.waiting = false;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_message(what.to_string());
        self.bar.inc(1);
    }

    /// Prints a line without disturbing the bar.
    pub fn line(&self, line: &str) {
        // Nobody reads standard output any more: the summary will notice.
        self.bar.suspend(|| drop(print_line(line)));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A sign of life while the guest runs, shown after a second and only to a terminal. It ends with this value.
pub struct Spinner {
    /// Dropping it wakes the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Spinner {
    /// Begins to wait.
    pub fn new(what: &'static str) -> Self {
        if !watched(false) {
            return Self { stop: None, thread: None };
        }
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            if stopped.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let bar = ProgressBar::new_spinner().with_message(what);
            bar.enable_steady_tick(Duration::from_millis(100));
            // Ends with an error when the other side is dropped: that is the signal.
            let _ = stopped.recv();
            bar.finish_and_clear();
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A spinner that died has nothing more to say.
            let _ = thread.join();
        }
    }
}

//! `--record` and `--replay`.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use gristmill::{Gas, Instance, Linker, Profile, Schedule, Store};
use gristmill_ext_grants::Digest;

use super::{End, Header, Outcome, Recorder, Replayer, Wrong, open};
use crate::args::{self, ProfileArg, WithoutArgs};
use crate::output::Failure;
use crate::program::Program;

/// What records a run, or replays one.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Recordings")]
pub struct TapeArgs {
    /// Write down what host functions do, so that the run can be replayed
    #[arg(long, value_name = "FILE", conflicts_with_all = ["replay", "explain"])]
    record: Option<PathBuf>,
    /// Run as it was recorded, on either tier: host functions answer as they did, and nothing of the world is touched. What the
    /// program wrote to standard output and standard error is written again
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "explain", "invoke", "reactor", "args", "gas", "profile", "without", "schedule", "manifest", "dir", "env", "stdin", "clock",
        "random", "allow_command", "allow_command_all", "allow_net", "tcplisten", "storage", "storage_file", "nn_model",
        "nn_own_models", "nn_old_types", "onnxruntime",
    ])]
    replay: Option<PathBuf>,
}

/// A recording that was opened.
pub struct Recorded {
    /// How the run began.
    pub header: Header,
    input: BufReader<File>,
}

/// What stands between a run and its host functions.
pub enum Tape {
    /// Nothing.
    Off,
    /// Who records them, where.
    Records(Arc<Recorder>, PathBuf),
    /// Who answers in their place, from where.
    Replays(Arc<Replayer>, PathBuf),
}

fn wrong(wrong: &Wrong, path: &Path) -> Failure {
    Failure::refused(wrong.to_string()).at(path.display()).with("call", wrong.call)
}

impl TapeArgs {
    /// The recording to replay.
    ///
    /// # Errors
    /// The file cannot be read, or is none.
    pub fn open(&self) -> Result<Option<Recorded>, Failure> {
        let Some(path) = &self.replay else { return Ok(None) };
        let (header, input) = open(path).map_err(|e| wrong(&e, path))?;
        Ok(Some(Recorded { header, input }))
    }

    /// What stands between a run, which has `left` to spend, and its host functions.
    ///
    /// # Errors
    /// The recording cannot be written.
    pub fn begin(&self, recorded: Option<Recorded>, header: &Header, left: Gas) -> Result<Tape, Failure> {
        Ok(match (recorded, &self.replay, &self.record) {
            (Some(recorded), Some(path), _) => {
                Tape::Replays(Arc::new(Replayer::new(&recorded.header, recorded.input, left.0)), path.clone())
            }
            (_, _, Some(path)) => {
                let recorder = Recorder::new(path, header, left.0);
                let recorder = recorder.map_err(|e| Failure::host(e.to_string()).at(path.display()))?;
                Tape::Records(Arc::new(recorder), path.clone())
            }
            _ => Tape::Off,
        })
    }
}

impl Tape {
    /// Has the functions that a linker names from now on recorded, or answered.
    pub fn join(&self, linker: &mut Linker<Program>) {
        match self {
            Tape::Off => {}
            Tape::Records(recorder, _) => drop(linker.intercept(recorder.clone())),
            Tape::Replays(replayer, _) => drop(linker.intercept(replayer.clone())),
        }
    }

    /// The run is over: what its memory is, unless nobody records or replays it.
    ///
    /// # Errors
    /// The recording could not be written; the replay went wrong, or has ended otherwise.
    pub fn finish(
        &self,
        store: &Store<Program>,
        instance: Option<Instance>,
        outcome: Outcome,
    ) -> Result<Option<Digest>, Failure> {
        if matches!(self, Tape::Off) {
            return Ok(None);
        }
        // What is in the memory of a run that was out of gas, nobody says.
        let instance = instance.filter(|_| !store.is_spent());
        let memory = instance.and_then(|instance| instance.get_memory(store, "memory"));
        let memory = memory.map(|memory| Digest::of(memory.data(store)));
        let end = End { outcome, left: store.meter().left().0, memory: memory.map(|digest| digest.0) };
        match self {
            Tape::Off => {}
            Tape::Records(recorder, path) => {
                recorder.finish(end).map_err(|e| Failure::host(e.to_string()).at(path.display()))?;
            }
            Tape::Replays(replayer, path) => replayer.finish(&end).map_err(|e| wrong(&e, path))?,
        }
        Ok(memory)
    }
}

/// Profile and schedule of a recorded run.
///
/// # Errors
/// There are none of these names.
pub fn named_rules(header: &Header) -> Result<(Profile, Schedule), Failure> {
    let unknown = |what: &str, name: &str| Failure::refused(format!("the recording is of a {what} `{name}`"));
    let profile = ProfileArg::from_str(&header.profile, false).map_err(|_| unknown("profile", &header.profile))?;
    let without = header.without.iter().map(|name| args::proposal(name).map_err(|_| unknown("proposal", name)));
    let without = WithoutArgs { without: without.collect::<Result<_, _>>()? };
    let schedule = args::schedule(&header.schedule).map_err(|_| unknown("schedule", &header.schedule))?;
    Ok((without.of(profile), schedule))
}

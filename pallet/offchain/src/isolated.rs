//! Runs in a process of their own: when time is up it ends, whatever the job is doing.

use crate::kept::{self, Kept, Nothing, Space};
use crate::{Means, Policies, Tier};
use codec::{Decode, DecodeAll, Encode};
use gristmill_ext_grants::Grants;
use pallet_gristmill_jobs::Outcome;
use pallet_gristmill_jobs::door::{NotRun, Run, Runner};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use wait_timeout::ChildExt;

/// Bytes that an answer has beside output and namespace, at most.
const BESIDE: u64 = 64;

/// How often a job is run while others change what it has read.
const TRIES: usize = 4;

/// Runs each job in a new process of a program that calls [`serve`].
#[derive(Clone, Debug)]
pub struct Isolated {
    program: PathBuf,
    arguments: Vec<OsString>,
    policies: Policies,
    kept: Arc<dyn Kept>,
}

/// What a process is asked.
#[derive(Encode, Decode)]
struct Request {
    tier: Tier,
    /// The policy's grants, in JSON.
    grants: Option<Vec<u8>>,
    space: Space,
    run: Run,
}

/// What it answers: the outcome, and what is in the namespace if that has changed.
type Answer = (Result<Outcome, NotRun>, Option<Space>);

impl Isolated {
    /// Starts `program` with `arguments`. What jobs store is gone with them.
    pub fn new(program: PathBuf, arguments: Vec<OsString>, policies: Policies) -> Self {
        Self { program, arguments, policies, kept: Arc::new(Nothing) }
    }

    /// The same, and what jobs store is kept there.
    pub fn keeping(self, kept: Arc<dyn Kept>) -> Self {
        Self { kept, ..self }
    }

    fn start(&self) -> io::Result<Child> {
        Command::new(&self.program)
            .args(&self.arguments)
            // Nothing of the node's is the job's.
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Where the operator reads what was refused. A job's own goes nowhere.
            .stderr(Stdio::inherit())
            .spawn()
    }

    fn ask(&self, means: &Means, space: Space, run: &Run) -> Result<Answer, NotRun> {
        let grants = means.grants.as_ref().map(serde_json::to_vec).transpose().map_err(|_| NotRun::Broken)?;
        let request = Request { tier: means.tier, grants, space, run: run.clone() }.encode();
        let mut child = self.start().map_err(|_| NotRun::Broken)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else { return Err(NotRun::Broken) };
        // Both ways at once and beside the clock: a child that neither reads nor writes is ended all the same.
        let writer = thread::spawn(move || stdin.write_all(&request));
        let most = BESIDE + u64::from(run.budget.output) + kept::longest(means);
        let reader = thread::spawn(move || {
            let mut answer = Vec::new();
            stdout.take(most).read_to_end(&mut answer).map(|_| answer)
        });
        let ended = child.wait_timeout(Duration::from_millis(run.budget.milliseconds.into()));
        if !matches!(ended, Ok(Some(_))) {
            let _ = child.kill();
            let _ = child.wait();
        }
        let (written, answer) = (writer.join(), reader.join());
        match ended {
            Ok(None) => return Err(NotRun::TookTooLong),
            Ok(Some(status)) if status.success() => {}
            _ => return Err(NotRun::Broken),
        }
        match (written, answer) {
            (Ok(Ok(())), Ok(Ok(answer))) => Answer::decode_all(&mut &answer[..]).map_err(|_| NotRun::Broken),
            _ => Err(NotRun::Broken),
        }
    }

    /// Runs a job over what is kept under `namespace`; nothing, when that is another by the time that the job is done.
    fn over(&self, means: &Means, namespace: &str, run: &Run) -> Result<Option<Outcome>, NotRun> {
        let old = self.kept.get(namespace);
        let space = old.as_ref().map_or(Ok(Space::default()), |old| Space::decode_all(&mut &old[..]));
        let (outcome, changed) = self.ask(means, space.map_err(|_| NotRun::Broken)?, run)?;
        let outcome = outcome?;
        let Some(new) = changed.filter(|_| matches!(outcome, Outcome::Completed(_))) else { return Ok(Some(outcome)) };
        Ok(self.kept.replace(namespace, old.as_deref(), &new.encode()).then_some(outcome))
    }
}

impl Runner for Isolated {
    fn run(&self, run: &Run) -> Result<Outcome, NotRun> {
        let means = self.policies.get(&run.policy).ok_or(NotRun::UnknownPolicy)?;
        let Some(namespace) = kept::namespace(means) else { return self.ask(means, Space::default(), run)?.0 };
        for _ in 0..TRIES {
            if let Some(outcome) = self.over(means, namespace, run)? {
                return Ok(outcome);
            }
        }
        Err(NotRun::Broken)
    }
}

/// Reads a job from standard input, runs it and writes what came of it: the other side of [`Isolated`], with which it ends.
///
/// # Errors
/// What was read is no job, or nobody reads the answer.
pub fn serve() -> io::Result<()> {
    // The thread that has started this waits for it; a node that is killed leaves no job behind.
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let mut request = Vec::new();
    io::stdin().lock().read_to_end(&mut request)?;
    let Request { tier, grants, space, run } = Request::decode_all(&mut &request[..]).map_err(io::Error::other)?;
    let grants: Option<Grants> = grants.map(|grants| serde_json::from_slice(&grants)).transpose()?;
    let mut output = io::stdout().lock();
    output.write_all(&answer(&run, Means { tier, grants }, &space).encode())?;
    output.flush()
}

fn answer(run: &Run, means: Means, before: &Space) -> Answer {
    let namespace = kept::namespace(&means).unwrap_or_default().to_string();
    let Some(memory) = before.open(&namespace).map(Arc::new) else { return (Err(NotRun::Broken), None) };
    let outcome = crate::job::run(run, means, memory.clone());
    let after = Space::of(&memory, &namespace);
    (outcome, after.filter(|after| after != before))
}

//! Runs in a process of their own: when time is up it ends, whatever the job is doing.

use crate::{Policies, Tier};
use codec::{Decode, DecodeAll, Encode};
use pallet_gristmill_jobs::Outcome;
use pallet_gristmill_jobs::door::{NotRun, Run, Runner};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;
use wait_timeout::ChildExt;

/// Bytes that an answer has beside its output, at most.
const BESIDE: u64 = 64;

/// Runs each job in a new process of a program that calls [`serve`].
#[derive(Clone, Debug)]
pub struct Isolated {
    program: PathBuf,
    arguments: Vec<OsString>,
    policies: Policies,
}

impl Isolated {
    /// Starts `program` with `arguments`.
    pub fn new(program: PathBuf, arguments: Vec<OsString>, policies: Policies) -> Self {
        Self { program, arguments, policies }
    }

    fn start(&self) -> io::Result<Child> {
        Command::new(&self.program)
            .args(&self.arguments)
            // Nothing of the node's is the job's.
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
    }

    fn ask(&self, tier: Tier, run: &Run) -> Result<Outcome, NotRun> {
        let mut child = self.start().map_err(|_| NotRun::Broken)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else { return Err(NotRun::Broken) };
        let request = (tier, run).encode();
        // Both ways at once and beside the clock: a child that neither reads nor writes is ended all the same.
        let writer = thread::spawn(move || stdin.write_all(&request));
        let most = BESIDE + u64::from(run.budget.output);
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
            (Ok(Ok(())), Ok(Ok(answer))) => {
                Result::<Outcome, NotRun>::decode_all(&mut &answer[..]).unwrap_or(Err(NotRun::Broken))
            }
            _ => Err(NotRun::Broken),
        }
    }
}

impl Runner for Isolated {
    fn run(&self, run: &Run) -> Result<Outcome, NotRun> {
        let tier = self.policies.get(&run.policy).ok_or(NotRun::UnknownPolicy)?;
        self.ask(tier, run)
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
    let (tier, run) = <(Tier, Run)>::decode(&mut &request[..]).map_err(io::Error::other)?;
    let mut output = io::stdout().lock();
    output.write_all(&crate::run(&run, tier).encode())?;
    output.flush()
}

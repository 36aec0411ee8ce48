//! How a command is run: its group, its three pipes, its time.

use crate::allow::Allowed;
use crate::table::Request;
use crate::{LOST, NOT_RUN, TIMED_OUT};
use gristmill_ext_grants::{CommandWalls, Granted};
use gristmill_ext_walls::{Strength, WallError, Walls};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionbio;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes that are moved at once: the size of a pipe.
const CHUNK: usize = 64 << 10;

/// Bytes that are still read of a pipe when the command has ended. What it has written is in the pipe, and no pipe is larger; a
/// descendant that has left the group may write for ever.
const REST: usize = 1 << 20;

/// How a command has ended, and what it has printed.
#[derive(Debug)]
pub(crate) struct Ended {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// Runs a command for at most `time`, and no longer than whoever asks for it may run, and keeps `cap` bytes of each output.
pub(crate) fn run(request: Request, allowed: &Allowed<'_>, granted: &Granted, time: Duration, cap: usize) -> Ended {
    let begun = Instant::now();
    let path = match allowed.path {
        Some(path) => Ok(path.to_path_buf()),
        None => find(OsStr::from_bytes(&request.program)).map_err(NotStarted::System),
    };
    // The standard library's descriptors close by themselves; others of this process may not.
    close_fds::set_fds_cloexec_threadsafe(3, &[]);
    let spawned = path.and_then(|path| match allowed.walls {
        None => spawn(&path, &request).map_err(NotStarted::System),
        Some(walls) => spawn_within(walls, &path, &request),
    });
    let mut child = match spawned {
        Ok(child) => child,
        Err(why) => {
            let mut stderr = Vec::new();
            keep(&mut stderr, format!("{why}\n").as_bytes(), cap);
            return Ended { code: NOT_RUN, stdout: Vec::new(), stderr };
        }
    };
    let mut pipes = Pipes {
        stdin: child.stdin.take().map(|pipe| (pipe, 0)),
        stdout: Output::new(child.stdout.take(), cap),
        stderr: Output::new(child.stderr.take(), cap),
    };
    let mut running = Running::new(child);
    if !pipes.set_nonblocking() {
        let _ = running.end();
        return Ended { code: LOST, stdout: Vec::new(), stderr: Vec::new() };
    }
    let in_time = pump(&running, &mut pipes, &request.stdin, granted, begun, time);
    let status = running.end();
    pipes.stdout.drain();
    pipes.stderr.drain();
    let code = match status {
        _ if !in_time => TIMED_OUT,
        Ok(status) => exit_code(status),
        Err(_) => LOST,
    };
    Ended { code, stdout: pipes.stdout.kept, stderr: pipes.stderr.kept }
}

/// Why a command was not started.
enum NotStarted {
    System(ErrorKind),
    Walls(WallError),
}

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(ErrorKind::NotFound) => f.write_str("not found"),
            Self::System(ErrorKind::PermissionDenied) => f.write_str("permission denied"),
            Self::System(_) => f.write_str("unknown"),
            Self::Walls(error) => error.fmt(f),
        }
    }
}

/// The low 8 bits of an exit code, signed, or 128 and the number of the signal.
fn exit_code(status: ExitStatus) -> i32 {
    match (status.code(), status.signal()) {
        (Some(code), _) => i32::from(code as u8 as i8),
        (None, Some(signal)) => 128 + signal,
        (None, None) => LOST,
    }
}

/// The file of a name, by the host's `PATH`: the guest's own, which the command sees, must not choose what is run. Directories
/// that are not absolute are passed over.
fn find(name: &OsStr) -> Result<PathBuf, ErrorKind> {
    if name.as_bytes().contains(&b'/') {
        return Ok(name.into());
    }
    let mut kind = ErrorKind::NotFound;
    let path = std::env::var_os("PATH").unwrap_or_default();
    for directory in std::env::split_paths(&path).filter(|directory| directory.is_absolute()) {
        let file = directory.join(name);
        match file.metadata() {
            Ok(data) if data.is_file() && data.permissions().mode() & 0o111 != 0 => return Ok(file),
            Ok(data) if data.is_file() => kind = ErrorKind::PermissionDenied,
            _ => {}
        }
    }
    Err(kind)
}

fn spawn(path: &Path, request: &Request) -> Result<Child, ErrorKind> {
    let text = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    let mut command = Command::new(path);
    command.arg0(text(&request.program)).args(request.arguments.iter().map(|it| text(it)));
    command.env_clear();
    // In reverse: of a name that comes again the first value stays.
    command.envs(request.environment.iter().rev().map(|(name, value)| (text(name), text(value))));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.process_group(0);
    command.spawn().map_err(|error| error.kind())
}

/// The same from a thread that has walls, which children get with their first breath. There is no child without them.
fn spawn_within(within: &CommandWalls, path: &Path, request: &Request) -> Result<Child, NotStarted> {
    let mut walls = Walls { read: within.read.clone(), write: within.write.clone(), ..Walls::default() }.with_system();
    walls.run.push(path.into());
    walls.network = within.network;
    thread::scope(|scope| {
        let behind = scope.spawn(|| {
            walls.around_thread(Strength::Whole).map_err(NotStarted::Walls)?;
            spawn(path, request).map_err(NotStarted::System)
        });
        behind.join().unwrap_or(Err(NotStarted::System(ErrorKind::Other)))
    })
}

/// A child that is killed with its group and reaped, whatever happens.
struct Running {
    child: Child,
    group: Pid,
    is_reaped: bool,
}

impl Running {
    fn new(child: Child) -> Self {
        Self { group: Pid::from_child(&child), child, is_reaped: false }
    }

    /// Something to poll that is ready when the child has ended, where the system has that.
    #[cfg(target_os = "linux")]
    fn handle(&self) -> Option<OwnedFd> {
        rustix::process::pidfd_open(self.group, rustix::process::PidfdFlags::empty()).ok()
    }

    #[cfg(not(target_os = "linux"))]
    fn handle(&self) -> Option<OwnedFd> {
        None
    }

    /// Whether it has ended. It is left to be reaped, so that its number, which is that of the group, stays its own.
    fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        match waitid(WaitId::Pid(self.group), options) {
            Ok(status) => status.is_some(),
            // There is no such child, because the embedder reaps all: nothing to wait for.
            Err(error) => error != rustix::io::Errno::INTR,
        }
    }

    /// Kills what is left of the group, and the child if it has left the group, and reaps it.
    fn end(&mut self) -> std::io::Result<ExitStatus> {
        // Both fail when nobody is left.
        let _ = kill_process_group(self.group, Signal::KILL);
        let _ = self.child.kill();
        self.is_reaped = true;
        self.child.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_reaped {
            let _ = self.end();
        }
    }
}

/// Our ends.
struct Pipes {
    /// With what is written of the input.
    stdin: Option<(ChildStdin, usize)>,
    stdout: Output<std::process::ChildStdout>,
    stderr: Output<std::process::ChildStderr>,
}

impl Pipes {
    fn set_nonblocking(&self) -> bool {
        let stdin = self.stdin.as_ref().is_none_or(|(pipe, _)| ioctl_fionbio(pipe, true).is_ok());
        stdin && self.stdout.set_nonblocking() && self.stderr.set_nonblocking()
    }

    /// Writes what the pipe takes; closes it when all is written or nobody reads it.
    fn feed(&mut self, input: &[u8]) {
        let Some((pipe, at)) = &mut self.stdin else { return };
        while *at < input.len() {
            match pipe.write(&input[*at..]) {
                Ok(written) if written > 0 => *at += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                _ => break,
            }
        }
        self.stdin = None;
    }
}

/// One output of a command.
struct Output<P> {
    pipe: Option<P>,
    kept: Vec<u8>,
    cap: usize,
}

impl<P: Read + AsFd> Output<P> {
    fn new(pipe: Option<P>, cap: usize) -> Self {
        Self { pipe, kept: Vec::new(), cap }
    }

    fn set_nonblocking(&self) -> bool {
        self.pipe.as_ref().is_none_or(|pipe| ioctl_fionbio(pipe, true).is_ok())
    }

    /// Reads once; how many bytes there were. Closes the pipe at its end.
    fn pull(&mut self, buffer: &mut [u8]) -> usize {
        let Some(pipe) = &mut self.pipe else { return 0 };
        match pipe.read(buffer) {
            Ok(len) if len > 0 => {
                keep(&mut self.kept, &buffer[..len], self.cap);
                return len;
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            _ => self.pipe = None,
        }
        0
    }

    /// Reads what there is, and waits for nothing.
    fn drain(&mut self) {
        let (mut buffer, mut read) = (vec![0; CHUNK], 0);
        while read < REST {
            match self.pull(&mut buffer) {
                0 => break,
                len => read += len,
            }
        }
        self.pipe = None;
    }
}

/// Keeps of `bytes` what there is room for.
fn keep(kept: &mut Vec<u8>, bytes: &[u8], cap: usize) {
    let room = cap.saturating_sub(kept.len());
    kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

/// Moves bytes in all three pipes until the child ends (true) or its time is up (false).
fn pump(running: &Running, pipes: &mut Pipes, input: &[u8], granted: &Granted, begun: Instant, time: Duration) -> bool {
    let handle = running.handle();
    let mut buffer = vec![0; CHUNK];
    loop {
        if running.has_ended() {
            return true;
        }
        let left = time.checked_sub(begun.elapsed()).filter(|left| !left.is_zero());
        let Some(left) = left.and_then(|left| granted.turn(Some(left)).flatten()) else { return false };
        // Without a handle of the child it is looked at every millisecond.
        let wait = if handle.is_some() { left } else { left.min(Duration::from_millis(1)) };
        pipes.feed(input);
        let mut fds = Vec::with_capacity(4);
        fds.extend(handle.as_ref().map(|handle| PollFd::new(handle, PollFlags::IN)));
        fds.extend(pipes.stdin.as_ref().map(|(pipe, _)| PollFd::new(pipe, PollFlags::OUT)));
        fds.extend(pipes.stdout.pipe.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        fds.extend(pipes.stderr.pipe.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        let wait = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: wait.subsec_nanos().into() };
        // An interruption, or anything else: the next round looks again, and time passes.
        let _ = poll(&mut fds, Some(&wait));
        pipes.stdout.pull(&mut buffer);
        pipes.stderr.pull(&mut buffer);
    }
}

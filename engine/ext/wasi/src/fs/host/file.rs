//! Open files of the host, and the three streams of a process.

use super::{kind, stat, timestamps};
use crate::errno::Errno;
use crate::fs::{File, Flags, Kind, Open, Result, Stat, Time};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{self as sys, FallocateFlags, FileType, OFlags};
use rustix::io::retry_on_intr;
use rustix::net::{SocketType, sockopt};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Bytes that a pipe with room for any takes without waiting for more room. Source: Linux, PIPE_BUF.
const READY: usize = 4096;

/// How a file is opened. Whatever it is, opening it does not wait, and no terminal becomes that of the process.
pub(super) fn open_flags(how: &Open) -> OFlags {
    let mut flags = OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    flags |= match (how.read, how.write) {
        (true, true) => OFlags::RDWR,
        (false, true) => OFlags::WRONLY,
        // There is no way to open a file for neither and still know all that is asked of it.
        (_, false) => OFlags::RDONLY,
    };
    for (asked, flag) in [
        (how.create, OFlags::CREATE),
        (how.create && how.exclusive, OFlags::EXCL),
        (how.truncate, OFlags::TRUNC),
        (how.flags.append, OFlags::APPEND),
        (how.flags.dsync, OFlags::DSYNC),
        (how.flags.rsync, OFlags::RSYNC),
        (how.flags.sync, OFlags::SYNC),
    ] {
        if asked {
            flags |= flag;
        }
    }
    flags
}

/// An open file of the host.
pub(super) struct HostFile {
    fd: OwnedFd,
    kind: Kind,
    flags: Flags,
    /// The descriptor is a copy of one of the process: others read and write through it, and its flags and position are theirs, too.
    shared: bool,
}

impl HostFile {
    /// What was opened with [`open_flags`].
    pub fn opened(fd: OwnedFd, kind: Kind, flags: Flags) -> Result<Self> {
        let file = HostFile { fd, kind, flags, shared: false };
        // It was opened so to not wait for the other end of a pipe. A regular file does not wait either way.
        if file.waits().is_some() && !flags.nonblock {
            file.apply(flags)?;
        }
        Ok(file)
    }

    fn stream(fd: BorrowedFd<'_>) -> Result<Box<dyn File>> {
        let fd = fd.try_clone_to_owned()?;
        let kind = match kind(FileType::from_raw_mode(sys::fstat(&fd)?.st_mode)) {
            Kind::Stream if sockopt::socket_type(&fd) == Ok(SocketType::DGRAM) => Kind::Datagram,
            kind => kind,
        };
        Ok(Box::new(HostFile { fd, kind, flags: Flags::default(), shared: true }))
    }

    /// Has the system know which flags there are, of those that can be changed.
    fn apply(&self, flags: Flags) -> Result<()> {
        let mut set = sys::fcntl_getfl(&self.fd)?;
        set.set(OFlags::APPEND, flags.append);
        set.set(OFlags::NONBLOCK, flags.nonblock);
        Ok(sys::fcntl_setfl(&self.fd, set)?)
    }

    /// Refuses to wait where the system does not know that it must not.
    fn must_be_ready(&self, events: PollFlags) -> Result<()> {
        if !(self.shared && self.flags.nonblock && self.waits().is_some()) {
            return Ok(());
        }
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        match retry_on_intr(|| poll(&mut [PollFd::new(&self.fd, events)], Some(&now)))? {
            0 => Err(Errno::Again),
            _ => Ok(()),
        }
    }
}

/// The standard input of the process.
///
/// # Errors
/// If the process has no descriptors left.
pub fn stdin() -> Result<Box<dyn File>> {
    HostFile::stream(std::io::stdin().as_fd())
}

/// The standard output of the process. What it has buffered itself must be written before.
///
/// # Errors
/// As [`stdin`].
pub fn stdout() -> Result<Box<dyn File>> {
    HostFile::stream(std::io::stdout().as_fd())
}

/// The standard error of the process.
///
/// # Errors
/// As [`stdin`].
pub fn stderr() -> Result<Box<dyn File>> {
    HostFile::stream(std::io::stderr().as_fd())
}

impl File for HostFile {
    fn read_at(&mut self, bytes: &mut [u8], offset: u64) -> Result<usize> {
        Ok(retry_on_intr(|| rustix::io::pread(&self.fd, &mut *bytes, offset))?)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> Result<usize> {
        Ok(retry_on_intr(|| rustix::io::pwrite(&self.fd, bytes, offset))?)
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
        if self.has_offsets() {
            return Err(Errno::Spipe);
        }
        self.must_be_ready(PollFlags::IN)?;
        Ok(retry_on_intr(|| rustix::io::read(&self.fd, &mut *bytes))?)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<usize> {
        if self.has_offsets() && !self.flags.append {
            return Err(Errno::Spipe);
        }
        self.must_be_ready(PollFlags::OUT)?;
        // A pipe that has room for some would have us wait until there is room for all. A datagram is sent whole.
        let bytes = match (self.waits(), self.kind) {
            (None, _) | (_, Kind::Datagram) => bytes,
            (Some(_), _) => bytes.get(..READY).unwrap_or(bytes),
        };
        Ok(retry_on_intr(|| rustix::io::write(&self.fd, bytes))?)
    }

    fn stat(&self) -> Result<Stat> {
        Ok(Stat { kind: self.kind, ..stat(&sys::fstat(&self.fd)?) })
    }

    fn set_size(&mut self, size: u64) -> Result<()> {
        Ok(retry_on_intr(|| sys::ftruncate(&self.fd, size))?)
    }

    fn allocate(&mut self, offset: u64, length: u64) -> Result<()> {
        Ok(retry_on_intr(|| sys::fallocate(&self.fd, FallocateFlags::empty(), offset, length))?)
    }

    fn set_times(&mut self, accessed: Time, modified: Time) -> Result<()> {
        Ok(sys::futimens(&self.fd, &timestamps(accessed, modified))?)
    }

    fn set_flags(&mut self, flags: Flags) -> Result<()> {
        // Linux lets F_SETFL pass and ignores these.
        if (flags.dsync, flags.rsync, flags.sync) != (self.flags.dsync, self.flags.rsync, self.flags.sync) {
            return Err(Errno::Notsup);
        }
        // The flags of the process are not a guest's to change; they are minded here instead.
        if !self.shared {
            self.apply(flags)?;
        }
        self.flags = flags;
        Ok(())
    }

    fn sync(&mut self, all: bool) -> Result<()> {
        Ok(if all { sys::fsync(&self.fd) } else { sys::fdatasync(&self.fd) }?)
    }

    fn waits(&self) -> Option<BorrowedFd<'_>> {
        match self.kind {
            Kind::Regular | Kind::Directory | Kind::Block | Kind::Link => None,
            Kind::Character | Kind::Datagram | Kind::Stream | Kind::Unknown => Some(self.fd.as_fd()),
        }
    }
}

impl HostFile {
    /// Whether it is read and written at offsets. Never so for the streams of a process: a file behind one goes on where others,
    /// who write to it as well, have got to.
    fn has_offsets(&self) -> bool {
        !self.shared && matches!(self.kind, Kind::Regular | Kind::Block)
    }
}

//! Directories and files, wherever they lie: on the host, beneath a directory that was granted ([`host`]), or in memory
//! ([`memory`]). Whoever calls has looked at rights, quotas and grants already; what is decided here is where a path leads.
//!
//! Paths are the guest's: relative, separated by `/`, never empty. No part of one, and no symbolic link on the way, leads out of
//! the directory: [`Errno::Perm`] then. A slash at the end says that a directory, or a link to one, is meant.

pub mod host;
pub mod memory;
#[doc(hidden)]
pub mod model;
mod path;

use crate::errno::Errno;
use std::any::Any;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// The result of whatever is done with files.
pub type Result<T> = std::result::Result<T, Errno>;

/// What something is, with preview 1's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Something else.
    Unknown = 0,
    /// A block device.
    Block = 1,
    /// A character device.
    Character = 2,
    /// A directory.
    Directory = 3,
    /// A regular file.
    Regular = 4,
    /// A socket of datagrams.
    Datagram = 5,
    /// A socket of streams.
    Stream = 6,
    /// A symbolic link.
    Link = 7,
}

/// What is known of a file. Times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The device.
    pub device: u64,
    /// The file on it.
    pub inode: u64,
    /// What it is.
    pub kind: Kind,
    /// Names that it has.
    pub links: u64,
    /// Bytes.
    pub size: u64,
    /// When it was read last.
    pub accessed: u64,
    /// When its contents were changed last.
    pub modified: u64,
    /// When it was changed last.
    pub changed: u64,
}

/// What a time becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// What it was.
    Kept,
    /// The present.
    Now,
    /// Nanoseconds since 1970.
    At(u64),
}

/// How a path is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// A symbolic link at the end is followed; otherwise it is [`Errno::Loop`].
    pub follow: bool,
    /// A file is made if there is none.
    pub create: bool,
    /// It must be new.
    pub exclusive: bool,
    /// It becomes empty.
    pub truncate: bool,
    /// It must be a directory, [`Errno::Notdir`] otherwise.
    pub directory: bool,
    /// To read.
    pub read: bool,
    /// To write. A directory cannot be opened so: [`Errno::Isdir`].
    pub write: bool,
    /// Flags of the descriptor.
    pub flags: Flags,
}

/// Flags of a descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// All that is written goes to the end.
    pub append: bool,
    /// Reads and writes do not wait.
    pub nonblock: bool,
    /// Data is on the device when a write returns.
    pub dsync: bool,
    /// Reads wait for that, too.
    pub rsync: bool,
    /// Data and what is known of the file.
    pub sync: bool,
}

/// What was opened.
pub enum Opened {
    /// A file, or whatever can be read or written like one.
    File(Box<dyn File>),
    /// A directory.
    Directory(Arc<dyn Directory>),
}

/// What is in a directory, under which name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As it is stored; no guest can use what is not UTF-8.
    pub name: Vec<u8>,
    /// The file.
    pub inode: u64,
    /// What it is.
    pub kind: Kind,
}

/// An open directory.
pub trait Directory: Any + Send + Sync {
    /// Opens what a path leads to.
    fn open(&self, path: &str, how: Open) -> Result<Opened>;
    /// Makes a directory.
    fn create_directory(&self, path: &str) -> Result<()>;
    /// Removes an empty directory.
    fn remove_directory(&self, path: &str) -> Result<()>;
    /// Removes anything but a directory ([`Errno::Isdir`], or [`Errno::Perm`]).
    fn unlink(&self, path: &str) -> Result<()>;
    /// Moves `from` to `to` in another directory, of the same kind or [`Errno::Xdev`].
    fn rename(&self, from: &str, other: &dyn Directory, to: &str) -> Result<()>;
    /// Gives `from` the name `to` in another directory, too. With `follow`, what a symbolic link leads to.
    fn link(&self, from: &str, follow: bool, other: &dyn Directory, to: &str) -> Result<()>;
    /// Makes a symbolic link. One that begins with `/` is refused ([`Errno::Perm`]): it leads out.
    fn symlink(&self, target: &str, path: &str) -> Result<()>;
    /// Where a symbolic link leads, as it was written.
    fn read_link(&self, path: &str) -> Result<Vec<u8>>;
    /// What a path leads to.
    fn stat_at(&self, path: &str, follow: bool) -> Result<Stat>;
    /// Sets times of what a path leads to.
    fn set_times_at(&self, path: &str, follow: bool, accessed: Time, modified: Time) -> Result<()>;
    /// All that is in it, `.` and `..` first. In an order that stays while nothing is added or removed.
    fn entries(&self) -> Result<Vec<Entry>>;
    /// The directory itself.
    fn stat(&self) -> Result<Stat>;
    /// Sets its times.
    fn set_times(&self, accessed: Time, modified: Time) -> Result<()>;
    /// Has what was done in it on the device.
    fn sync(&self) -> Result<()>;
}

/// An open file. Where it is read next is the descriptor's matter.
pub trait File: Send {
    /// Reads from `offset` on; how many bytes. 0: the end.
    fn read_at(&mut self, bytes: &mut [u8], offset: u64) -> Result<usize>;
    /// Writes from `offset` on; how many bytes.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> Result<usize>;
    /// Reads what comes next, of files that have no offsets ([`Errno::Spipe`] for others).
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize>;
    /// Writes what comes next, or at the end: of files that have no offsets, or that are written at their end.
    fn append(&mut self, bytes: &[u8]) -> Result<usize>;
    /// What is known of it.
    fn stat(&self) -> Result<Stat>;
    /// Cuts it off, or has it end with zeros.
    fn set_size(&mut self, size: u64) -> Result<()>;
    /// Makes it at least that long, and has the device keep room for it.
    fn allocate(&mut self, offset: u64, length: u64) -> Result<()>;
    /// Sets its times.
    fn set_times(&mut self, accessed: Time, modified: Time) -> Result<()>;
    /// Changes the flags of the descriptor.
    fn set_flags(&mut self, flags: Flags) -> Result<()>;
    /// Has its contents on the device, and with `all` what is known of it.
    fn sync(&mut self, all: bool) -> Result<()>;
    /// What the system knows it by, if it may have to be waited for.
    fn waits(&self) -> Option<BorrowedFd<'_>>;
}

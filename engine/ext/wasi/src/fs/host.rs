//! Directories of the host.
//!
//! The kernel keeps paths beneath a directory (openat2, RESOLVE_BENEATH). Where it cannot, a walk part by part does. Either finds
//! the directory that holds the last part; what is done there is given that directory and a bare name, and follows no link.
//!
//! For Linux.

mod file;

pub use file::{stderr, stdin, stdout};

use super::path::{self, Follow, Last, Place, Tree};
use super::{Directory, Entry, Kind, Open, Opened, Result, Stat, Time};
use crate::errno::Errno;
use rustix::fs::{self as sys, AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno as Sys;
use std::any::Any;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

/// How often a lookup is tried that the kernel gives up because something was renamed at that moment.
const RETRIES: usize = 16;

/// Opens a directory that was granted. The path is the operator's: links are followed, wherever they lead.
///
/// # Errors
/// As the host has them; [`Errno::Notdir`] if it is not a directory.
pub fn open(path: &Path) -> Result<Arc<dyn Directory>> {
    let fd = open_root(path)?;
    // Refused by old kernels (ENOSYS) and by sandboxes that do not know it (EPERM). Any other reason will do as well: the walk
    // is no less safe, only slower.
    let beneath = open_beneath(&fd, b".").is_ok();
    Ok(Arc::new(HostDirectory { fd: Arc::new(fd), beneath }))
}

/// As [`open`], without the kernel's help. For tests.
///
/// # Errors
/// As [`open`].
pub fn open_by_walk(path: &Path) -> Result<Arc<dyn Directory>> {
    Ok(Arc::new(HostDirectory { fd: Arc::new(open_root(path)?), beneath: false }))
}

fn open_root(path: &Path) -> Result<OwnedFd> {
    Ok(sys::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

/// A directory on the way to something, only to look names up in.
const PASSING: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The directory a path leads to. The kernel sees to it that it is beneath `root`.
fn open_beneath(root: &OwnedFd, path: &[u8]) -> std::result::Result<OwnedFd, Sys> {
    let within = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let mut tries = 0;
    loop {
        match sys::openat2(root, path, PASSING, Mode::empty(), within) {
            Err(Sys::AGAIN | Sys::INTR) if tries < RETRIES => tries += 1,
            done => return done,
        }
    }
}

/// The host's directories, as a walk sees them.
struct Host;

impl Tree for Host {
    type Dir = Arc<OwnedFd>;
    // Each is a descriptor of ours, and there may be a thousand in all.
    const DEEPEST: usize = 256;

    fn look(&self, dir: &Self::Dir, name: &[u8]) -> Result<Option<Kind>> {
        match sys::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(kind(FileType::from_raw_mode(stat.st_mode)))),
            Err(Sys::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn enter(&self, dir: &Self::Dir, name: &[u8]) -> Result<Self::Dir> {
        Ok(Arc::new(sys::openat(dir, name, PASSING | OFlags::NOFOLLOW, Mode::empty())?))
    }

    fn target(&self, dir: &Self::Dir, name: &[u8]) -> Result<Vec<u8>> {
        Ok(sys::readlinkat(dir, name, Vec::new())?.into_bytes())
    }
}

/// An open directory of the host.
struct HostDirectory {
    fd: Arc<OwnedFd>,
    /// Whether the kernel keeps paths beneath it.
    beneath: bool,
}

impl HostDirectory {
    fn locate(&self, path: &str, follow: Follow) -> Result<Place<Arc<OwnedFd>>> {
        if self.beneath {
            match self.locate_beneath(path.as_bytes(), follow) {
                // Someone renames without end; a walk is not disturbed by it.
                Err(Errno::Again) => {}
                done => return done,
            }
        }
        path::walk(&Host, &self.fd, path.as_bytes(), follow)
    }

    fn locate_beneath(&self, path: &[u8], mut follow: Follow) -> Result<Place<Arc<OwnedFd>>> {
        path::check(path)?;
        let mut path = path.to_vec();
        for _ in 0..=path::LINKS {
            let slash = path.ends_with(b"/");
            let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
            path.truncate(end);
            let start = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
            let (above, name) = path.split_at(start);
            let last = match name {
                b"." => Last::Dot,
                b".." => Last::DotDot,
                name => Last::Name(name.to_vec()),
            };
            let way = if last == Last::DotDot { &path[..] } else { above };
            let dir = match way {
                [] => self.fd.clone(),
                way => Arc::new(open_beneath(&self.fd, way).map_err(|error| match error {
                    // What the kernel says of all that leads out.
                    Sys::XDEV => Errno::Perm,
                    error => error.into(),
                })?),
            };
            let Last::Name(name) = &last else { return Ok(Place { dir, last, slash, found: Some(Kind::Directory) }) };
            let found = Host.look(&dir, name)?;
            if found != Some(Kind::Link) || !follow.link(slash) {
                return Ok(Place { dir, last, slash, found });
            }
            // From the top again, for the kernel to see where `..` leads.
            let target = Host.target(&dir, name)?;
            path::check(&target)?;
            path.truncate(start);
            path.extend(target);
            if slash {
                path.push(b'/');
            }
            follow = Follow::Always;
        }
        Err(Errno::Loop)
    }
}

/// The host's directory behind any.
fn host(directory: &dyn Directory) -> Result<&HostDirectory> {
    (directory as &dyn Any).downcast_ref().ok_or(Errno::Xdev)
}

impl Directory for HostDirectory {
    fn open(&self, path: &str, how: Open) -> Result<Opened> {
        how.check()?;
        let (dir, name, found) = self.locate(path, how.follows())?.for_open(&how)?;
        let name = name.as_deref().unwrap_or(b".");
        if found == Some(Kind::Directory) {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let fd = Arc::new(sys::openat(dir, name, flags, Mode::empty())?);
            return Ok(Opened::Directory(Arc::new(HostDirectory { fd, beneath: self.beneath })));
        }
        let fd = sys::openat(dir, name, file::open_flags(&how), Mode::from_raw_mode(0o666))?;
        let kind = kind(FileType::from_raw_mode(sys::fstat(&fd)?.st_mode));
        if kind == Kind::Directory {
            // It was none a moment ago.
            let directory = HostDirectory { fd: Arc::new(fd), beneath: self.beneath };
            return if how.write { Err(Errno::Isdir) } else { Ok(Opened::Directory(Arc::new(directory))) };
        }
        Ok(Opened::File(Box::new(file::HostFile::opened(fd, kind, how.flags)?)))
    }

    fn create_directory(&self, path: &str) -> Result<()> {
        let (dir, name) = self.locate(path, Follow::Never)?.for_new_directory()?;
        Ok(sys::mkdirat(dir, name, Mode::from_raw_mode(0o777))?)
    }

    fn remove_directory(&self, path: &str) -> Result<()> {
        let (dir, name) = self.locate(path, Follow::Never)?.for_remove_directory()?;
        Ok(sys::unlinkat(dir, name, AtFlags::REMOVEDIR)?)
    }

    fn unlink(&self, path: &str) -> Result<()> {
        let (dir, name) = self.locate(path, Follow::Never)?.for_unlink()?;
        Ok(sys::unlinkat(dir, name, AtFlags::empty())?)
    }

    fn rename(&self, from: &str, other: &dyn Directory, to: &str) -> Result<()> {
        let other = host(other)?;
        let (from, to) = self.locate(from, Follow::Never)?.for_rename(other.locate(to, Follow::Never)?)?;
        Ok(sys::renameat(from.0, from.1, to.0, to.1)?)
    }

    fn link(&self, from: &str, follow: bool, other: &dyn Directory, to: &str) -> Result<()> {
        let other = host(other)?;
        let (from, to) = self.locate(from, Follow::asked(follow))?.for_link(other.locate(to, Follow::Never)?)?;
        Ok(sys::linkat(from.0, from.1, to.0, to.1, AtFlags::empty())?)
    }

    fn symlink(&self, target: &str, path: &str) -> Result<()> {
        path::check_target(target)?;
        let (dir, name) = self.locate(path, Follow::Never)?.for_new()?;
        Ok(sys::symlinkat(target, dir, name)?)
    }

    fn read_link(&self, path: &str) -> Result<Vec<u8>> {
        let (dir, name) = self.locate(path, Follow::Slash)?.for_read_link()?;
        Host.target(&dir, &name)
    }

    fn stat_at(&self, path: &str, follow: bool) -> Result<Stat> {
        let (dir, name) = self.locate(path, Follow::asked(follow))?.for_look()?;
        let name = name.as_deref().unwrap_or(b".");
        Ok(stat(&sys::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?))
    }

    fn set_times_at(&self, path: &str, follow: bool, accessed: Time, modified: Time) -> Result<()> {
        let (dir, name) = self.locate(path, Follow::asked(follow))?.for_look()?;
        let name = name.as_deref().unwrap_or(b".");
        Ok(sys::utimensat(dir, name, &timestamps(accessed, modified), AtFlags::SYMLINK_NOFOLLOW)?)
    }

    fn entries(&self) -> Result<Vec<Entry>> {
        // A descriptor of its own: where a listing has got to is shared with copies of a descriptor.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut listing = sys::Dir::new(sys::openat(&self.fd, ".", flags, Mode::empty())?)?;
        let itself = self.stat()?.inode;
        // What lies above the directory is nobody's business here: `..` is the directory, as at the root of a system.
        let dots = [b".".to_vec(), b"..".to_vec()];
        let dots = dots.map(|name| Entry { name, inode: itself, kind: Kind::Directory });
        let mut entries = Vec::new();
        while let Some(entry) = listing.read() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let kind = match entry.file_type() {
                // Some file systems do not keep it beside the name.
                FileType::Unknown => Host.look(&self.fd, name)?.unwrap_or(Kind::Unknown),
                known => kind(known),
            };
            entries.push(Entry { name: name.to_vec(), inode: entry.ino(), kind });
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(dots.into_iter().chain(entries).collect())
    }

    fn stat(&self) -> Result<Stat> {
        Ok(stat(&sys::fstat(&self.fd)?))
    }

    fn set_times(&self, accessed: Time, modified: Time) -> Result<()> {
        Ok(sys::futimens(&self.fd, &timestamps(accessed, modified))?)
    }

    fn sync(&self) -> Result<()> {
        Ok(sys::fsync(self.fd.as_fd())?)
    }
}

fn kind(of: FileType) -> Kind {
    match of {
        FileType::RegularFile => Kind::Regular,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Link,
        FileType::BlockDevice => Kind::Block,
        FileType::CharacterDevice => Kind::Character,
        // A socket in a directory does not say of which type it is; most are of streams.
        FileType::Socket => Kind::Stream,
        FileType::Fifo | FileType::Unknown => Kind::Unknown,
    }
}

// The fields have other types on other machines.
#[allow(clippy::unnecessary_cast)]
fn stat(of: &sys::Stat) -> Stat {
    let nanoseconds =
        |seconds: i64, more: u64| u64::try_from(seconds).unwrap_or(0).saturating_mul(NANOS).saturating_add(more);
    Stat {
        device: of.st_dev as u64,
        inode: of.st_ino as u64,
        kind: kind(FileType::from_raw_mode(of.st_mode)),
        links: of.st_nlink as u64,
        size: u64::try_from(of.st_size).unwrap_or(0),
        accessed: nanoseconds(of.st_atime as i64, of.st_atime_nsec as u64),
        modified: nanoseconds(of.st_mtime as i64, of.st_mtime_nsec as u64),
        changed: nanoseconds(of.st_ctime as i64, of.st_ctime_nsec as u64),
    }
}

/// Nanoseconds of a second.
const NANOS: u64 = 1_000_000_000;

fn timestamps(accessed: Time, modified: Time) -> sys::Timestamps {
    let time = |time| match time {
        Time::Kept => sys::Timespec { tv_sec: 0, tv_nsec: sys::UTIME_OMIT },
        Time::Now => sys::Timespec { tv_sec: 0, tv_nsec: sys::UTIME_NOW },
        // Both fit: 2^64 nanoseconds are less than 2^35 seconds.
        Time::At(at) => sys::Timespec { tv_sec: (at / NANOS) as _, tv_nsec: (at % NANOS) as _ },
    };
    sys::Timestamps { last_access: time(accessed), last_modification: time(modified) }
}

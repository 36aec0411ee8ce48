//! Directories in memory.
//!
//! All there is belongs to one [`MemoryFs`]: directories, files, links, with a limit on the bytes of all together. Nothing of it
//! depends on the host: names are in the order of their bytes, inodes are counted from 1, and the clock is passed in.

mod state;

use super::path::{self, Follow, Place};
use super::{Directory, Entry, File, Flags, Kind, Open, Opened, Result, Stat, Time};
use crate::errno::Errno;
use state::{Data, NAME, State};
use std::any::Any;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What tells the time, in nanoseconds since 1970.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// A file system in memory. A copy is the same file system.
#[derive(Clone)]
pub struct MemoryFs(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    clock: Clock,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked did so in a clock, before anything was changed: it is read before the lock is taken.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, at the present time.
    fn now(&self) -> MutexGuard<'_, State> {
        let now = (self.clock)();
        let mut state = self.state();
        state.now = now;
        state
    }
}

impl MemoryFs {
    /// An empty file system that holds at most `limit` bytes: contents, and [`COST`] for each file and each name.
    #[must_use]
    pub fn new(limit: u64, clock: Clock) -> Self {
        let state = Mutex::new(State::new(limit, clock()));
        MemoryFs(Arc::new(Shared { state, clock }))
    }

    /// Its topmost directory.
    #[must_use]
    pub fn root(&self) -> Arc<dyn Directory> {
        Arc::new(MemoryDirectory::new(&self.0, &mut self.0.state(), State::ROOT))
    }

    /// The directory of a path.
    ///
    /// # Errors
    /// [`Errno::Noent`], [`Errno::Notdir`], and what else there is to say of paths.
    pub fn directory(&self, path: &str) -> Result<Arc<dyn Directory>> {
        match self.root().open(path, Open { follow: true, directory: true, ..Open::default() })? {
            Opened::Directory(directory) => Ok(directory),
            Opened::File(_) => Err(Errno::Notdir),
        }
    }

    /// Puts a file there, and the directories above it. One that is there is replaced.
    ///
    /// # Errors
    /// [`Errno::Nospc`] beyond the limit, and what else there is to say of paths.
    pub fn add(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let root = self.root();
        for (slash, _) in path.match_indices('/').filter(|(slash, _)| *slash > 0) {
            match root.create_directory(&path[..slash]) {
                Ok(()) | Err(Errno::Exist) => {}
                Err(error) => return Err(error),
            }
        }
        let how = Open { follow: true, create: true, truncate: true, write: true, ..Open::default() };
        match root.open(path, how)? {
            Opened::File(mut file) => file.write_at(bytes, 0).map(|_| ()),
            Opened::Directory(_) => Err(Errno::Isdir),
        }
    }

    /// What is in a file.
    ///
    /// # Errors
    /// [`Errno::Noent`], [`Errno::Isdir`], and what else there is to say of paths.
    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        let state = self.0.state();
        let (dir, name) = path::walk(&*state, &State::ROOT, path.as_bytes(), Follow::Always)?.for_look()?;
        match &state.node(state.named(dir, name.as_deref())?)?.data {
            Data::File(bytes) => Ok(bytes.clone()),
            _ => Err(Errno::Isdir),
        }
    }

    /// Bytes that are taken, of those that there may be.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.0.state().used
    }
}

/// Bytes that a file takes whatever is in it, and a name as well: about what they take of the host's memory.
pub const COST: u64 = NAME;

/// An open directory.
struct MemoryDirectory {
    fs: Arc<Shared>,
    node: u64,
}

impl MemoryDirectory {
    /// With the lock held, so that what is opened cannot vanish before.
    fn new(fs: &Arc<Shared>, state: &mut State, node: u64) -> Self {
        state.hold(node);
        MemoryDirectory { fs: fs.clone(), node }
    }

    fn locate(&self, state: &State, path: &str, follow: Follow) -> Result<Place<u64>> {
        path::walk(state, &self.node, path.as_bytes(), follow)
    }

    /// The same file system behind another directory.
    fn same<'d>(&self, other: &'d dyn Directory) -> Result<&'d MemoryDirectory> {
        let other: &MemoryDirectory = (other as &dyn Any).downcast_ref().ok_or(Errno::Xdev)?;
        if Arc::ptr_eq(&self.fs, &other.fs) { Ok(other) } else { Err(Errno::Xdev) }
    }
}

impl Drop for MemoryDirectory {
    fn drop(&mut self) {
        self.fs.state().release(self.node);
    }
}

impl Directory for MemoryDirectory {
    fn open(&self, path: &str, how: Open) -> Result<Opened> {
        how.check()?;
        let mut state = self.fs.now();
        let (dir, name, found) = self.locate(&state, path, how.follows())?.for_open(&how)?;
        let node = match (&name, found) {
            (Some(name), None) => state.make(dir, name, Data::File(Vec::new()))?,
            _ => state.named(dir, name.as_deref())?,
        };
        if found == Some(Kind::Directory) {
            return Ok(Opened::Directory(Arc::new(MemoryDirectory::new(&self.fs, &mut state, node))));
        }
        if how.truncate {
            state.resize(node, 0)?;
        }
        state.hold(node);
        let file = MemoryFile { fs: self.fs.clone(), node, read: how.read, write: how.write, flags: how.flags };
        Ok(Opened::File(Box::new(file)))
    }

    fn create_directory(&self, path: &str) -> Result<()> {
        let mut state = self.fs.now();
        let (dir, name) = self.locate(&state, path, Follow::Never)?.for_new_directory()?;
        state.make(dir, &name, Data::directory(dir)).map(|_| ())
    }

    fn remove_directory(&self, path: &str) -> Result<()> {
        let mut state = self.fs.now();
        let (dir, name) = self.locate(&state, path, Follow::Never)?.for_remove_directory()?;
        state.remove(dir, &name)
    }

    fn unlink(&self, path: &str) -> Result<()> {
        let mut state = self.fs.now();
        let (dir, name) = self.locate(&state, path, Follow::Never)?.for_unlink()?;
        state.remove(dir, &name)
    }

    fn rename(&self, from: &str, other: &dyn Directory, to: &str) -> Result<()> {
        let other = self.same(other)?;
        let mut state = self.fs.now();
        let from = self.locate(&state, from, Follow::Never)?;
        let to = other.locate(&state, to, Follow::Never)?;
        let (from, to) = from.for_rename(to)?;
        state.rename((from.0, &from.1), (to.0, &to.1))
    }

    fn link(&self, from: &str, follow: bool, other: &dyn Directory, to: &str) -> Result<()> {
        let other = self.same(other)?;
        let mut state = self.fs.now();
        let from = self.locate(&state, from, Follow::asked(follow))?;
        let to = other.locate(&state, to, Follow::Never)?;
        let (from, to) = from.for_link(to)?;
        let node = state.named(from.0, Some(&from.1))?;
        state.link(to.0, &to.1, node)
    }

    fn symlink(&self, target: &str, path: &str) -> Result<()> {
        path::check_target(target)?;
        let mut state = self.fs.now();
        let (dir, name) = self.locate(&state, path, Follow::Never)?.for_new()?;
        state.make(dir, &name, Data::Link(target.into())).map(|_| ())
    }

    fn read_link(&self, path: &str) -> Result<Vec<u8>> {
        let state = self.fs.state();
        let (dir, name) = self.locate(&state, path, Follow::Slash)?.for_read_link()?;
        path::Tree::target(&*state, &dir, &name)
    }

    fn stat_at(&self, path: &str, follow: bool) -> Result<Stat> {
        let state = self.fs.state();
        let (dir, name) = self.locate(&state, path, Follow::asked(follow))?.for_look()?;
        state.stat(state.named(dir, name.as_deref())?)
    }

    fn set_times_at(&self, path: &str, follow: bool, accessed: Time, modified: Time) -> Result<()> {
        let mut state = self.fs.now();
        let (dir, name) = self.locate(&state, path, Follow::asked(follow))?.for_look()?;
        let node = state.named(dir, name.as_deref())?;
        state.set_times(node, accessed, modified)
    }

    fn entries(&self) -> Result<Vec<Entry>> {
        self.fs.state().entries(self.node)
    }

    fn stat(&self) -> Result<Stat> {
        self.fs.state().stat(self.node)
    }

    fn set_times(&self, accessed: Time, modified: Time) -> Result<()> {
        self.fs.now().set_times(self.node, accessed, modified)
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }
}

/// An open file.
struct MemoryFile {
    fs: Arc<Shared>,
    node: u64,
    read: bool,
    write: bool,
    flags: Flags,
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        self.fs.state().release(self.node);
    }
}

impl File for MemoryFile {
    fn read_at(&mut self, bytes: &mut [u8], offset: u64) -> Result<usize> {
        state::end(offset, 0)?;
        // Neither for reading nor for writing: for reading, as on the host.
        if !self.read && self.write {
            return Err(Errno::Badf);
        }
        self.fs.now().read(self.node, bytes, offset)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> Result<usize> {
        state::end(offset, 0)?;
        if !self.write {
            return Err(Errno::Badf);
        }
        // Linux checks the offset, and then writes at the end whatever it is.
        state::end(offset, bytes.len())?;
        let mut state = self.fs.now();
        let offset = if self.flags.append { state.size(self.node)? } else { offset };
        state.write(self.node, bytes, offset)
    }

    fn read(&mut self, _: &mut [u8]) -> Result<usize> {
        Err(Errno::Spipe)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<usize> {
        if self.flags.append { self.write_at(bytes, 0) } else { Err(Errno::Spipe) }
    }

    fn stat(&self) -> Result<Stat> {
        self.fs.state().stat(self.node)
    }

    fn set_size(&mut self, size: u64) -> Result<()> {
        if !self.write {
            return Err(Errno::Inval);
        }
        self.fs.now().resize(self.node, size)
    }

    fn allocate(&mut self, offset: u64, length: u64) -> Result<()> {
        let end = offset.checked_add(length).filter(|end| i64::try_from(*end).is_ok());
        if length == 0 || i64::try_from(offset).is_err() || i64::try_from(length).is_err() {
            return Err(Errno::Inval);
        }
        if !self.write {
            return Err(Errno::Badf);
        }
        let end = end.ok_or(Errno::Fbig)?;
        let mut state = self.fs.now();
        if end > state.size(self.node)? { state.resize(self.node, end) } else { Ok(()) }
    }

    fn set_times(&mut self, accessed: Time, modified: Time) -> Result<()> {
        self.fs.now().set_times(self.node, accessed, modified)
    }

    fn set_flags(&mut self, flags: Flags) -> Result<()> {
        // Nothing would keep them from changing here; the host's files cannot.
        if (flags.dsync, flags.rsync, flags.sync) != (self.flags.dsync, self.flags.rsync, self.flags.sync) {
            return Err(Errno::Notsup);
        }
        self.flags = flags;
        Ok(())
    }

    fn sync(&mut self, _: bool) -> Result<()> {
        Ok(())
    }

    fn waits(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

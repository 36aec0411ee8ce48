//! Descriptors: what a guest's numbers stand for.

use crate::errno::Errno;
use crate::fs::{Directory, Entry, File, Flags};
use crate::rights::Rights;
use crate::sock::Socket;
use gristmill_ext_grants::Access;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Descriptors that a guest has at once at most.
const MANY: usize = 1_024;

/// Entries of directories that are kept for a guest at once; those of the directory that it reads come on top.
const ENTRIES: usize = 1 << 17;

/// What a descriptor stands for.
pub enum What {
    /// A file with places, and the place that is read or written next.
    File {
        /// The file.
        file: Box<dyn File>,
        /// The next byte.
        position: u64,
    },
    /// Something to read or write that has no places.
    Stream(Box<dyn File>),
    /// A socket.
    Socket(Socket),
    /// A directory, and what was in it when it was read from its beginning.
    Directory {
        /// The directory.
        directory: Arc<dyn Directory>,
        /// In the order in which it is shown.
        listing: Vec<Entry>,
    },
}

/// Bytes that files may grow by.
#[derive(Debug)]
pub struct Quota(AtomicU64);

impl Quota {
    /// So many.
    pub fn new(bytes: u64) -> Self {
        Self(AtomicU64::new(bytes))
    }

    /// Takes some.
    pub fn take(&self, bytes: u64) -> bool {
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        taken.is_ok()
    }

    /// Puts back what was not used.
    pub fn give_back(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// A descriptor.
pub struct Descriptor {
    /// What it stands for.
    pub what: What,
    /// What may be done with it.
    pub base: Rights,
    /// What may be done with what is opened beneath it.
    pub inheriting: Rights,
    /// Its flags.
    pub flags: Flags,
    /// Its name, of directories that are open when the program begins.
    pub preopen: Option<String>,
    /// As the directory was granted.
    pub access: Access,
    /// What the directory's files may grow by.
    pub quota: Option<Arc<Quota>>,
}

impl Descriptor {
    /// Something to read and write that has no places: a standard stream, even one that leads to a file, whose places other
    /// processes share.
    pub fn stream(file: Box<dyn File>) -> Self {
        let (what, base) = (What::Stream(file), Rights::STREAM);
        let inheriting = Rights::default();
        let flags = Flags::default();
        Self { what, base, inheriting, flags, preopen: None, access: Access::Rw, quota: None }
    }

    /// A socket.
    pub fn socket(socket: Socket, base: Rights, nonblock: bool) -> Self {
        let flags = Flags { nonblock, ..Flags::default() };
        let inheriting = if base.has(Rights::SOCK_ACCEPT) { Rights::CONNECTION } else { Rights::default() };
        let what = What::Socket(socket);
        Self { what, base, inheriting, flags, preopen: None, access: Access::Rw, quota: None }
    }

    /// A directory that was granted.
    pub fn preopen(name: String, directory: Arc<dyn Directory>, access: Access, quota: Option<u64>) -> Self {
        let all = |rights: Rights| if access == Access::Rw { rights } else { rights.without(Rights::WRITING) };
        Self {
            what: What::Directory { directory, listing: Vec::new() },
            base: all(Rights::DIRECTORY),
            inheriting: all(Rights::DIRECTORY | Rights::FILE),
            flags: Flags::default(),
            preopen: Some(name),
            access,
            quota: quota.map(|bytes| Arc::new(Quota::new(bytes))),
        }
    }

    /// The directory that it stands for.
    pub fn directory(&self) -> Result<&Arc<dyn Directory>, Errno> {
        match &self.what {
            What::Directory { directory, .. } => Ok(directory),
            What::File { .. } | What::Stream(_) | What::Socket(_) => Err(Errno::Notdir),
        }
    }

    /// What is kept of what was in the directory.
    fn listing(&mut self) -> Option<&mut Vec<Entry>> {
        match &mut self.what {
            What::Directory { listing, .. } => Some(listing),
            What::File { .. } | What::Stream(_) | What::Socket(_) => None,
        }
    }

    /// The file, or what is like one.
    pub fn file(&mut self) -> Result<&mut dyn File, Errno> {
        match &mut self.what {
            What::File { file, .. } | What::Stream(file) => Ok(&mut **file),
            What::Socket(_) => Err(Errno::Inval),
            What::Directory { .. } => Err(Errno::Isdir),
        }
    }
}

/// A guest's descriptors.
#[derive(Default)]
pub struct Table(Vec<Option<Descriptor>>);

impl Table {
    /// Gives the lowest number that is free.
    pub fn add(&mut self, descriptor: Descriptor) -> Result<u32, Errno> {
        let number = match self.0.iter().position(Option::is_none) {
            Some(free) => free,
            None if self.0.len() < MANY => {
                self.0.push(None);
                self.0.len() - 1
            }
            None => return Err(Errno::Mfile),
        };
        self.0[number] = Some(descriptor);
        // Below `MANY`.
        Ok(number as u32)
    }

    /// Whether another one can be had.
    pub fn has_room(&self) -> Result<(), Errno> {
        if self.0.len() < MANY || self.0.iter().any(Option::is_none) { Ok(()) } else { Err(Errno::Mfile) }
    }

    /// A descriptor.
    pub fn get(&self, number: u32) -> Result<&Descriptor, Errno> {
        self.0.get(number as usize).and_then(Option::as_ref).ok_or(Errno::Badf)
    }

    /// A descriptor.
    pub fn get_mut(&mut self, number: u32) -> Result<&mut Descriptor, Errno> {
        self.0.get_mut(number as usize).and_then(Option::as_mut).ok_or(Errno::Badf)
    }

    /// Closes it.
    pub fn remove(&mut self, number: u32) -> Result<Descriptor, Errno> {
        self.0.get_mut(number as usize).and_then(Option::take).ok_or(Errno::Badf)
    }

    /// Keeps what is in a directory for who reads on; listings of others are given up when there are too many entries in all.
    pub fn keep_listing(&mut self, number: u32, entries: Vec<Entry>) -> Result<(), Errno> {
        let mut listings: Vec<_> = self.0.iter_mut().map(|slot| slot.as_mut().and_then(Descriptor::listing)).collect();
        if listings.iter().flatten().map(|listing| listing.len()).sum::<usize>() > ENTRIES {
            listings.iter_mut().flatten().for_each(|listing| **listing = Vec::new());
        }
        let kept = listings.get_mut(number as usize).and_then(Option::as_mut).ok_or(Errno::Badf)?;
        **kept = entries;
        Ok(())
    }

    /// Gives a descriptor the number of another, which is closed.
    pub fn renumber(&mut self, from: u32, to: u32) -> Result<(), Errno> {
        self.get(to)?;
        if from != to {
            let descriptor = self.remove(from)?;
            self.0[to as usize] = Some(descriptor);
        }
        Ok(())
    }
}

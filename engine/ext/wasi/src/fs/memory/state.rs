//! What is in a file system in memory: nodes by number, and the bytes that they take.
//!
//! A node lives as long as a name or a descriptor has it. What an operation would add is charged before anything is changed, so
//! that one that is refused has changed nothing. Contents have at most twice the memory that is charged for them.

use crate::errno::Errno;
use crate::fs::path::Tree;
use crate::fs::{Entry, Kind, Result, Stat, Time};
use std::collections::BTreeMap;

/// Bytes that a node is charged for, and a name as well.
pub(super) const NAME: u64 = 512;

/// Bytes of a name. Source: Linux, NAME_MAX.
const LONGEST: usize = 255;

/// Where bytes at an offset end, if they do so before the last that there may be.
pub(super) fn end(offset: u64, length: usize) -> Result<u64> {
    offset.checked_add(length as u64).filter(|end| i64::try_from(*end).is_ok()).ok_or(Errno::Inval)
}

/// What there is.
pub(super) struct State {
    nodes: BTreeMap<u64, Node>,
    /// The number of the next node.
    next: u64,
    /// Bytes that are taken.
    pub used: u64,
    limit: u64,
    /// The time of the operation that is going on.
    pub now: u64,
}

pub(super) struct Node {
    pub data: Data,
    links: u64,
    /// Descriptors that have it.
    open: u64,
    accessed: u64,
    modified: u64,
    changed: u64,
}

pub(super) enum Data {
    File(Vec<u8>),
    Link(Vec<u8>),
    Directory {
        entries: BTreeMap<Vec<u8>, u64>,
        /// The one that it is in. The topmost is in itself.
        above: u64,
    },
}

impl Data {
    pub fn directory(above: u64) -> Self {
        Data::Directory { entries: BTreeMap::new(), above }
    }

    fn kind(&self) -> Kind {
        match self {
            Data::File(_) => Kind::Regular,
            Data::Link(_) => Kind::Link,
            Data::Directory { .. } => Kind::Directory,
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Data::File(bytes) | Data::Link(bytes) => bytes.len() as u64,
            Data::Directory { .. } => 0,
        }
    }
}

impl Tree for State {
    type Dir = u64;
    // A step costs a number.
    const DEEPEST: usize = usize::MAX;

    fn look(&self, dir: &u64, name: &[u8]) -> Result<Option<Kind>> {
        if name.len() > LONGEST {
            return Err(Errno::NameTooLong);
        }
        match self.children(*dir)?.get(name) {
            Some(node) => Ok(Some(self.node(*node)?.data.kind())),
            None => Ok(None),
        }
    }

    fn enter(&self, dir: &u64, name: &[u8]) -> Result<u64> {
        self.named(*dir, Some(name))
    }

    fn target(&self, dir: &u64, name: &[u8]) -> Result<Vec<u8>> {
        match &self.node(self.named(*dir, Some(name))?)?.data {
            Data::Link(target) => Ok(target.clone()),
            _ => Err(Errno::Inval),
        }
    }
}

impl State {
    /// The topmost directory.
    pub const ROOT: u64 = 1;

    pub fn new(limit: u64, now: u64) -> Self {
        let data = Data::directory(Self::ROOT);
        let root = Node { data, links: 2, open: 0, accessed: now, modified: now, changed: now };
        State { nodes: BTreeMap::from([(Self::ROOT, root)]), next: Self::ROOT + 1, used: 0, limit, now }
    }

    /// A node. None is ever missing that a name or a descriptor has; a mistake of ours is no reason to stop the host.
    pub fn node(&self, node: u64) -> Result<&Node> {
        self.nodes.get(&node).ok_or(Errno::Stale)
    }

    fn node_mut(&mut self, node: u64) -> Result<&mut Node> {
        self.nodes.get_mut(&node).ok_or(Errno::Stale)
    }

    fn children(&self, dir: u64) -> Result<&BTreeMap<Vec<u8>, u64>> {
        match &self.node(dir)?.data {
            Data::Directory { entries, .. } => Ok(entries),
            _ => Err(Errno::Notdir),
        }
    }

    fn children_mut(&mut self, dir: u64) -> Result<&mut BTreeMap<Vec<u8>, u64>> {
        match &mut self.node_mut(dir)?.data {
            Data::Directory { entries, .. } => Ok(entries),
            _ => Err(Errno::Notdir),
        }
    }

    fn above(&self, dir: u64) -> Result<u64> {
        match &self.node(dir)?.data {
            Data::Directory { above, .. } => Ok(*above),
            _ => Err(Errno::Notdir),
        }
    }

    /// The node of a name in a directory, or the directory.
    pub fn named(&self, dir: u64, name: Option<&[u8]>) -> Result<u64> {
        match name {
            Some(name) => self.children(dir)?.get(name).copied().ok_or(Errno::Noent),
            None => Ok(dir),
        }
    }

    fn charge(&mut self, bytes: u64) -> Result<()> {
        self.used = self.used.checked_add(bytes).filter(|used| *used <= self.limit).ok_or(Errno::Nospc)?;
        Ok(())
    }

    fn credit(&mut self, bytes: u64) {
        self.used = self.used.saturating_sub(bytes);
    }

    /// A descriptor has it.
    pub fn hold(&mut self, node: u64) {
        if let Some(node) = self.nodes.get_mut(&node) {
            node.open += 1;
        }
    }

    /// A descriptor no longer has it.
    pub fn release(&mut self, node: u64) {
        if let Some(held) = self.nodes.get_mut(&node) {
            held.open = held.open.saturating_sub(1);
        }
        self.free(node);
    }

    fn free(&mut self, node: u64) {
        if let Some(unused) = self.nodes.get(&node).filter(|node| node.links == 0 && node.open == 0) {
            let bytes = unused.data.bytes() + NAME;
            self.nodes.remove(&node);
            self.credit(bytes);
        }
    }

    /// Refuses a directory that was removed.
    fn must_exist(&self, dir: u64) -> Result<()> {
        if self.node(dir)?.links == 0 { Err(Errno::Noent) } else { Ok(()) }
    }

    fn touch_dir(&mut self, dir: u64) -> Result<()> {
        let now = self.now;
        let dir = self.node_mut(dir)?;
        (dir.modified, dir.changed) = (now, now);
        Ok(())
    }

    fn touch(&mut self, node: u64) -> Result<()> {
        self.node_mut(node)?.changed = self.now;
        Ok(())
    }

    /// Makes a node, under a name that is free.
    pub fn make(&mut self, dir: u64, name: &[u8], data: Data) -> Result<u64> {
        self.must_exist(dir)?;
        self.charge(2 * NAME + data.bytes())?;
        let node = self.next;
        self.next += 1;
        let links = match data {
            Data::Directory { .. } => {
                self.node_mut(dir)?.links += 1;
                2
            }
            _ => 1,
        };
        let now = self.now;
        self.nodes.insert(node, Node { data, links, open: 0, accessed: now, modified: now, changed: now });
        self.children_mut(dir)?.insert(name.to_vec(), node);
        self.touch_dir(dir)?;
        Ok(node)
    }

    /// Gives a node a second name, one that is free.
    pub fn link(&mut self, dir: u64, name: &[u8], node: u64) -> Result<()> {
        self.must_exist(dir)?;
        self.charge(NAME)?;
        self.children_mut(dir)?.insert(name.to_vec(), node);
        self.node_mut(node)?.links += 1;
        self.touch(node)?;
        self.touch_dir(dir)
    }

    /// Removes a name, and what no other name or descriptor has. A directory must be empty.
    pub fn remove(&mut self, dir: u64, name: &[u8]) -> Result<()> {
        let node = self.named(dir, Some(name))?;
        self.must_be_empty(node)?;
        self.children_mut(dir)?.remove(name);
        self.credit(NAME);
        self.touch_dir(dir)?;
        self.unname(dir, node)
    }

    /// Refuses a directory that has something in it.
    fn must_be_empty(&self, node: u64) -> Result<()> {
        match &self.node(node)?.data {
            Data::Directory { entries, .. } if !entries.is_empty() => Err(Errno::Notempty),
            _ => Ok(()),
        }
    }

    /// A name in `dir` no longer has the node.
    fn unname(&mut self, dir: u64, node: u64) -> Result<()> {
        self.touch(node)?;
        let unnamed = self.node_mut(node)?;
        if unnamed.data.kind() == Kind::Directory {
            unnamed.links = 0;
            self.node_mut(dir)?.links -= 1;
        } else {
            unnamed.links -= 1;
        }
        self.free(node);
        Ok(())
    }

    /// Whether a directory is `top`, or somewhere in it.
    fn within(&self, mut dir: u64, top: u64) -> Result<bool> {
        loop {
            if dir == top {
                return Ok(true);
            }
            let above = self.above(dir)?;
            if above == dir {
                return Ok(false);
            }
            dir = above;
        }
    }

    /// Gives a node another name, in place of what has it now. In the order in which Linux looks.
    pub fn rename(&mut self, from: (u64, &[u8]), to: (u64, &[u8])) -> Result<()> {
        let node = self.named(from.0, Some(from.1))?;
        self.must_exist(to.0)?;
        let old = self.children(to.0)?.get(to.1).copied();
        let moves_directory = self.node(node)?.data.kind() == Kind::Directory;
        if moves_directory && self.within(to.0, node)? {
            return Err(Errno::Inval);
        }
        if let Some(old) = old {
            let onto_directory = self.node(old)?.data.kind() == Kind::Directory;
            if onto_directory && self.within(from.0, old)? {
                return Err(Errno::Notempty);
            }
            if old == node {
                return Ok(());
            }
            match (moves_directory, onto_directory) {
                (true, false) => return Err(Errno::Notdir),
                (false, true) => return Err(Errno::Isdir),
                _ => self.must_be_empty(old)?,
            }
        }
        self.children_mut(from.0)?.remove(from.1);
        self.children_mut(to.0)?.insert(to.1.to_vec(), node);
        if let Some(old) = old {
            self.credit(NAME);
            self.unname(to.0, old)?;
        }
        if moves_directory {
            self.node_mut(from.0)?.links -= 1;
            self.node_mut(to.0)?.links += 1;
            if let Data::Directory { above, .. } = &mut self.node_mut(node)?.data {
                *above = to.0;
            }
        }
        self.touch(node)?;
        self.touch_dir(from.0)?;
        self.touch_dir(to.0)
    }

    pub fn entries(&self, dir: u64) -> Result<Vec<Entry>> {
        let dots = [&b"."[..], b".."].map(|name| Entry { name: name.to_vec(), inode: dir, kind: Kind::Directory });
        let mut entries = Vec::from(dots);
        for (name, node) in self.children(dir)? {
            entries.push(Entry { name: name.clone(), inode: *node, kind: self.node(*node)?.data.kind() });
        }
        Ok(entries)
    }

    pub fn stat(&self, node: u64) -> Result<Stat> {
        let Node { data, links, accessed, modified, changed, .. } = self.node(node)?;
        Ok(Stat {
            device: 1,
            inode: node,
            kind: data.kind(),
            links: *links,
            size: data.bytes(),
            accessed: *accessed,
            modified: *modified,
            changed: *changed,
        })
    }

    pub fn set_times(&mut self, node: u64, accessed: Time, modified: Time) -> Result<()> {
        let now = self.now;
        let node = self.node_mut(node)?;
        for (old, new) in [(&mut node.accessed, accessed), (&mut node.modified, modified)] {
            match new {
                Time::Kept => {}
                Time::Now => *old = now,
                Time::At(at) => *old = at,
            }
        }
        if (accessed, modified) != (Time::Kept, Time::Kept) {
            node.changed = now;
        }
        Ok(())
    }

    pub fn size(&self, file: u64) -> Result<u64> {
        Ok(self.node(file)?.data.bytes())
    }

    fn contents(&mut self, file: u64) -> Result<&mut Vec<u8>> {
        match &mut self.node_mut(file)?.data {
            Data::File(bytes) => Ok(bytes),
            _ => Err(Errno::Isdir),
        }
    }

    pub fn read(&mut self, file: u64, bytes: &mut [u8], offset: u64) -> Result<usize> {
        end(offset, bytes.len())?;
        let contents = self.contents(file)?;
        let rest = usize::try_from(offset).ok().and_then(|offset| contents.get(offset..)).unwrap_or_default();
        let length = rest.len().min(bytes.len());
        bytes[..length].copy_from_slice(&rest[..length]);
        if length > 0 {
            self.node_mut(file)?.accessed = self.now;
        }
        Ok(length)
    }

    pub fn write(&mut self, file: u64, bytes: &[u8], offset: u64) -> Result<usize> {
        let end = end(offset, bytes.len())?;
        if bytes.is_empty() {
            return Ok(0);
        }
        self.grow(file, end)?;
        let contents = self.contents(file)?;
        // Both fit: the file was just made that long.
        contents[offset as usize..end as usize].copy_from_slice(bytes);
        self.touch_dir(file)?;
        Ok(bytes.len())
    }

    /// Has a file end at `size`, if it ends before.
    fn grow(&mut self, file: u64, size: u64) -> Result<()> {
        let old = self.size(file)?;
        let more = size.saturating_sub(old);
        self.charge(more)?;
        let grown = (|| {
            let contents = self.contents(file)?;
            let size = usize::try_from(size).map_err(|_| Errno::Nospc)?;
            if size > contents.len() {
                // An eighth in reserve: many small writes at the end do not copy it each time.
                if size > contents.capacity() {
                    let wanted = size.saturating_add(size / 8) - contents.len();
                    contents.try_reserve_exact(wanted).map_err(|_| Errno::Nospc)?;
                }
                contents.resize(size, 0);
            }
            Ok(())
        })();
        if grown.is_err() {
            self.credit(more);
        }
        grown
    }

    pub fn resize(&mut self, file: u64, size: u64) -> Result<()> {
        if i64::try_from(size).is_err() {
            return Err(Errno::Inval);
        }
        let old = self.size(file)?;
        if size < old {
            let contents = self.contents(file)?;
            contents.truncate(size as usize); // fits: less than its length
            // Not each time: a file that loses a byte at a time would be copied as often.
            if contents.capacity() / 2 > contents.len() {
                contents.shrink_to_fit();
            }
            self.credit(old - size);
        } else {
            self.grow(file, size)?;
        }
        self.touch_dir(file)
    }
}

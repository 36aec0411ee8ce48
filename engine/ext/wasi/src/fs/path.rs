//! Where a path leads, and what may be done with its last part: the rules that all back ends share, so that they cannot differ.
//!
//! Nothing here knows the names `..` goes up to: a walk keeps the directories it came through, and goes back to those. Whatever
//! is renamed meanwhile, it does not leave the one it began in.

use super::{Kind, Open, Result};
use crate::errno::Errno;

/// Symbolic links that are followed in one path. Source: Linux, MAXSYMLINKS.
pub(super) const LINKS: usize = 40;

/// Bytes of a path. Source: Linux, PATH_MAX, less the zero at the end.
pub(super) const PATH: usize = 4095;

/// Directories, as a walk sees them. A name is never `.` or `..`, never empty, and has no `/` in it.
pub(super) trait Tree {
    /// A directory that is held.
    type Dir: Clone;
    /// How deep a walk may be, where each step costs something that is scarce.
    const DEEPEST: usize;

    /// What has that name, without following it. None: nothing.
    fn look(&self, dir: &Self::Dir, name: &[u8]) -> Result<Option<Kind>>;
    /// The directory of that name, without following a link.
    fn enter(&self, dir: &Self::Dir, name: &[u8]) -> Result<Self::Dir>;
    /// Where the link of that name leads.
    fn target(&self, dir: &Self::Dir, name: &[u8]) -> Result<Vec<u8>>;
}

/// Whether a symbolic link at the end of a path is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follow {
    /// No: the name itself is what an operation is about.
    Never,
    /// If a slash says that a directory is meant.
    Slash,
    /// Yes.
    Always,
}

impl Follow {
    /// As a caller asks for it, who looks at what a path leads to.
    pub fn asked(follow: bool) -> Self {
        if follow { Follow::Always } else { Follow::Slash }
    }

    /// Whether it is, with a slash at the end or without.
    pub fn link(self, slash: bool) -> bool {
        self == Follow::Always || self == Follow::Slash && slash
    }
}

/// The last part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Last {
    /// The directory itself: `.`
    Dot,
    /// The directory itself, which `..` has led to.
    DotDot,
    /// A name in it.
    Name(Vec<u8>),
}

/// Where a path leads: its last part, in the directory of all that comes before.
#[derive(Debug)]
pub(super) struct Place<D> {
    /// The directory.
    pub dir: D,
    /// What is meant in it.
    pub last: Last,
    /// A slash at the end: only a directory will do.
    pub slash: bool,
    /// What was found. It may be something else by now: an operation must not follow a link that appears here.
    pub found: Option<Kind>,
}

/// A directory, and a name in it.
pub(super) type Named<D> = (D, Vec<u8>);

/// Refuses what is no path beneath a directory, whatever is there.
pub(super) fn check(path: &[u8]) -> Result<()> {
    match path {
        [] => Err(Errno::Noent),
        _ if path.contains(&0) => Err(Errno::Inval),
        [b'/', ..] => Err(Errno::Perm),
        _ if path.len() > PATH => Err(Errno::NameTooLong),
        _ => Ok(()),
    }
}

/// The parts of a path.
fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> + '_ {
    path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).map(<[u8]>::to_vec)
}

/// Walks a path part by part.
pub(super) fn walk<T: Tree>(tree: &T, root: &T::Dir, path: &[u8], follow: Follow) -> Result<Place<T::Dir>> {
    check(path)?;
    let mut above: Vec<T::Dir> = Vec::new();
    let mut dir = root.clone();
    let mut rest: Vec<Vec<u8>> = parts(path).rev().collect();
    let mut slash = path.ends_with(b"/");
    let mut links = 0;
    while let Some(name) = rest.pop() {
        let at_end = rest.is_empty();
        if name == b"." {
            if at_end {
                break;
            }
            continue;
        }
        if name == b".." {
            dir = above.pop().ok_or(Errno::Perm)?;
            if at_end {
                return Ok(Place { dir, last: Last::DotDot, slash, found: Some(Kind::Directory) });
            }
            continue;
        }
        match tree.look(&dir, &name)? {
            Some(Kind::Link) if !at_end || follow.link(slash) => {
                links += 1;
                if links > LINKS {
                    return Err(Errno::Loop);
                }
                let target = tree.target(&dir, &name)?;
                check(&target)?;
                slash |= at_end && target.ends_with(b"/");
                rest.extend(parts(&target).rev());
            }
            found if at_end => return Ok(Place { dir, last: Last::Name(name), slash, found }),
            Some(Kind::Directory) if above.len() >= T::DEEPEST => return Err(Errno::NameTooLong),
            Some(Kind::Directory) => {
                let below = tree.enter(&dir, &name)?;
                above.push(std::mem::replace(&mut dir, below));
            }
            Some(_) => return Err(Errno::Notdir),
            None => return Err(Errno::Noent),
        }
    }
    Ok(Place { dir, last: Last::Dot, slash, found: Some(Kind::Directory) })
}

// What each operation says of the last part, before it is tried. Order and numbers are those of Linux, where wasi-testsuite leaves
// a choice. What the host finds out itself (a directory that is not empty) is left to it.
impl<D> Place<D> {
    /// The name of something new that is not a directory.
    pub fn for_new(self) -> Result<Named<D>> {
        match (self.last, self.found) {
            (Last::Name(_), None) if self.slash => Err(Errno::Noent),
            (Last::Name(name), None) => Ok((self.dir, name)),
            _ => Err(Errno::Exist),
        }
    }

    /// The name of a new directory.
    pub fn for_new_directory(self) -> Result<Named<D>> {
        match (self.last, self.found) {
            (Last::Name(name), None) => Ok((self.dir, name)),
            _ => Err(Errno::Exist),
        }
    }

    /// The name of a directory to remove.
    pub fn for_remove_directory(self) -> Result<Named<D>> {
        match (self.last, self.found) {
            (Last::Dot, _) => Err(Errno::Inval),
            (Last::DotDot, _) => Err(Errno::Notempty),
            (Last::Name(name), Some(Kind::Directory)) => Ok((self.dir, name)),
            (Last::Name(_), Some(_)) => Err(Errno::Notdir),
            (Last::Name(_), None) => Err(Errno::Noent),
        }
    }

    /// The name of anything else to remove.
    pub fn for_unlink(self) -> Result<Named<D>> {
        match (self.last, self.found) {
            (Last::Name(_), None) => Err(Errno::Noent),
            (Last::Dot | Last::DotDot, _) | (_, Some(Kind::Directory)) => Err(Errno::Isdir),
            (Last::Name(_), Some(_)) if self.slash => Err(Errno::Notdir),
            (Last::Name(name), Some(_)) => Ok((self.dir, name)),
        }
    }

    /// The names of something to rename, and of what it becomes.
    pub fn for_rename(self, to: Self) -> Result<(Named<D>, Named<D>)> {
        // Inval is what POSIX says of `.` and `..`; Linux says Busy.
        let (Last::Name(from_name), Last::Name(to_name)) = (self.last, to.last) else { return Err(Errno::Inval) };
        match self.found {
            None => Err(Errno::Noent),
            Some(Kind::Directory) => Ok(((self.dir, from_name), (to.dir, to_name))),
            Some(_) if self.slash || to.slash => Err(Errno::Notdir),
            Some(_) => Ok(((self.dir, from_name), (to.dir, to_name))),
        }
    }

    /// The name of something to give a second name, and that.
    pub fn for_link(self, to: Self) -> Result<(Named<D>, Named<D>)> {
        if self.found.is_none() {
            return Err(Errno::Noent);
        }
        let to = to.for_new()?;
        match (self.last, self.found) {
            (Last::Dot | Last::DotDot, _) | (_, Some(Kind::Directory)) => Err(Errno::Perm),
            (Last::Name(_), _) if self.slash => Err(Errno::Notdir),
            (Last::Name(name), _) => Ok(((self.dir, name), to)),
        }
    }

    /// The name of a link to read.
    pub fn for_read_link(self) -> Result<Named<D>> {
        match (self.last, self.found) {
            (Last::Name(name), Some(Kind::Link)) => Ok((self.dir, name)),
            (Last::Name(_), None) => Err(Errno::Noent),
            (Last::Name(_), Some(kind)) if self.slash && kind != Kind::Directory => Err(Errno::Notdir),
            _ => Err(Errno::Inval),
        }
    }

    /// What is there, to look at it or to touch it. No name: the directory itself.
    pub fn for_look(self) -> Result<(D, Option<Vec<u8>>)> {
        match (self.last, self.found) {
            (Last::Dot | Last::DotDot, _) => Ok((self.dir, None)),
            (Last::Name(_), None) => Err(Errno::Noent),
            (Last::Name(_), Some(kind)) if self.slash && kind != Kind::Directory => Err(Errno::Notdir),
            (Last::Name(name), Some(_)) => Ok((self.dir, Some(name))),
        }
    }

    /// What to open. No name: the directory itself.
    pub fn for_open(self, how: &Open) -> Result<(D, Option<Vec<u8>>, Option<Kind>)> {
        match self.found {
            None if !how.create => return Err(Errno::Noent),
            None if self.slash => return Err(Errno::Isdir),
            None => {}
            Some(_) if how.create && how.exclusive => return Err(Errno::Exist),
            Some(Kind::Link) => return Err(Errno::Loop),
            Some(Kind::Directory) if how.create || how.write || how.truncate => return Err(Errno::Isdir),
            Some(Kind::Directory) => {}
            Some(_) if how.directory || self.slash => return Err(Errno::Notdir),
            Some(_) => {}
        }
        let name = match self.last {
            Last::Name(name) => Some(name),
            Last::Dot | Last::DotDot => None,
        };
        Ok((self.dir, name, self.found))
    }
}

impl Open {
    /// Refuses what no file can be: a new file that is a directory.
    pub(super) fn check(&self) -> Result<()> {
        if self.create && self.directory { Err(Errno::Inval) } else { Ok(()) }
    }

    /// Whether a link at the end is followed: a new file does not lie behind one.
    pub(super) fn follows(&self) -> Follow {
        if self.create && self.exclusive { Follow::Never } else { Follow::asked(self.follow) }
    }
}

/// Refuses what no symbolic link may say.
pub(super) fn check_target(target: &str) -> Result<()> {
    // Nothing absolute is beneath the directory, and others that read the link may not resolve it as is done here.
    check(target.as_bytes())
}

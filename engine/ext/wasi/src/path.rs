//! Functions on paths.

use crate::Wasi;
use crate::abi::{Answer, Failed, answer, filestat, path};
use crate::errno::Errno;
use crate::fd::{flags, times};
use crate::fs::{Directory, Kind, Open, Opened, Stat};
use crate::rights::Rights;
use crate::table::{Descriptor, What};
use gristmill::Guest;
use gristmill_ext_grants::{Access, Act};
use std::sync::Arc;

/// The bit of `lookupflags`.
fn follow(flags: u32) -> Result<bool, Errno> {
    if flags >= 1 << 1 { Err(Errno::Inval) } else { Ok(flags == 1) }
}

impl Wasi {
    /// A directory with these rights, and a path beneath it, which is paid for.
    fn place(
        &mut self,
        guest: &mut Guest<'_>,
        function: &'static str,
        fd: u32,
        rights: Rights,
        (at, length): (u32, u32),
    ) -> Result<(Arc<dyn Directory>, String), Failed> {
        let directory = self.table.get(fd)?.directory()?.clone();
        let path = path(guest, self.granted.grants.prices.wasi, at, length)?;
        let held = self.table.get(fd)?;
        if !held.base.has(rights) {
            if held.access == Access::Ro {
                self.granted.refuse(function, path, Act::Write);
            }
            return Err(Errno::Notcapable.into());
        }
        Ok((directory, path))
    }

    /// What leads out of a directory is told the operator.
    fn beneath<T>(&self, function: &'static str, path: &str, done: crate::fs::Result<T>) -> Result<T, Failed> {
        if matches!(done, Err(Errno::Perm | Errno::Notcapable)) {
            self.granted.refuse(function, path, Act::Directory);
        }
        Ok(done?)
    }

    pub(crate) fn path_create_directory(&mut self, guest: &mut Guest<'_>, fd: u32, at: u32, length: u32) -> Answer {
        let function = "path_create_directory";
        answer(|| {
            let (directory, path) = self.place(guest, function, fd, Rights::PATH_CREATE_DIRECTORY, (at, length))?;
            self.beneath(function, &path, directory.create_directory(&path))
        })
    }

    pub(crate) fn path_filestat_get(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        lookup: u32,
        at: u32,
        length: u32,
        out: u32,
    ) -> Answer {
        self.path_stat(guest, fd, lookup, (at, length), out, filestat)
    }

    /// What is known of a path, in one form of the structure or the other.
    pub(crate) fn path_stat<const N: usize>(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        lookup: u32,
        path: (u32, u32),
        out: u32,
        encode: fn(&Stat) -> [u8; N],
    ) -> Answer {
        let function = "path_filestat_get";
        answer(|| {
            let follow = follow(lookup)?;
            let (directory, path) = self.place(guest, function, fd, Rights::PATH_FILESTAT_GET, path)?;
            let stat = self.beneath(function, &path, directory.stat_at(&path, follow))?;
            Ok(guest.write(out, &encode(&stat))?)
        })
    }

    #[allow(clippy::too_many_arguments)] // The standard's.
    pub(crate) fn path_filestat_set_times(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        lookup: u32,
        at: u32,
        length: u32,
        accessed: u64,
        modified: u64,
        flags: u32,
    ) -> Answer {
        let function = "path_filestat_set_times";
        answer(|| {
            let follow = follow(lookup)?;
            let (accessed, modified) = times(accessed, modified, flags)?;
            let (directory, path) = self.place(guest, function, fd, Rights::PATH_FILESTAT_SET_TIMES, (at, length))?;
            self.beneath(function, &path, directory.set_times_at(&path, follow, accessed, modified))
        })
    }

    #[allow(clippy::too_many_arguments)] // The standard's.
    pub(crate) fn path_link(
        &mut self,
        guest: &mut Guest<'_>,
        old_fd: u32,
        lookup: u32,
        old: u32,
        old_length: u32,
        new_fd: u32,
        new: u32,
        new_length: u32,
    ) -> Answer {
        let function = "path_link";
        answer(|| {
            let follow = follow(lookup)?;
            let (from, old) = self.place(guest, function, old_fd, Rights::PATH_LINK_SOURCE, (old, old_length))?;
            let (to, new) = self.place(guest, function, new_fd, Rights::PATH_LINK_TARGET, (new, new_length))?;
            self.beneath(function, &format!("{old} -> {new}"), from.link(&old, follow, &*to, &new))
        })
    }

    #[allow(clippy::too_many_arguments)] // The standard's.
    pub(crate) fn path_open(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        lookup: u32,
        at: u32,
        length: u32,
        oflags: u32,
        base: u64,
        inheriting: u64,
        fdflags: u32,
        out: u32,
    ) -> Answer {
        let function = "path_open";
        answer(|| {
            let (base, inheriting) = (Rights(base), Rights(inheriting));
            let flags = flags(fdflags)?;
            if oflags >= 1 << 4 {
                return Err(Errno::Inval.into());
            }
            guest.check(out, 4)?;
            let how = Open {
                follow: follow(lookup)?,
                create: oflags & 1 != 0,
                directory: oflags & 2 != 0,
                exclusive: oflags & 4 != 0,
                truncate: oflags & 8 != 0,
                read: base.has(Rights::FD_READ),
                write: !(base & (Rights::FD_WRITE | Rights::FD_ALLOCATE | Rights::FD_FILESTAT_SET_SIZE))
                    .eq(&Rights::default()),
                flags,
            };
            let mut needed = Rights::PATH_OPEN;
            if how.create {
                needed = needed | Rights::PATH_CREATE_FILE;
            }
            if how.truncate {
                needed = needed | Rights::PATH_FILESTAT_SET_SIZE;
            }
            let (directory, path) = self.place(guest, function, fd, needed, (at, length))?;
            let parent = self.table.get(fd)?;
            let (allowed, access, quota) = (parent.inheriting, parent.access, parent.quota.clone());
            // Guests ask for many rights that they do not use; reading and writing they mean.
            let meant = base & (Rights::FD_READ | Rights::FD_WRITE);
            if !allowed.has(meant) {
                if access == Access::Ro {
                    self.granted.refuse(function, path, Act::Write);
                }
                return Err(Errno::Notcapable.into());
            }
            let how = Open { write: how.write && allowed.has(Rights::FD_WRITE), ..how };
            self.table.has_room()?;
            let opened = self.beneath(function, &path, directory.open(&path, how))?;
            let (what, kind) = match opened {
                Opened::Directory(directory) => (What::Directory { directory, listing: Vec::new() }, Rights::DIRECTORY),
                Opened::File(file) => match file.stat()?.kind {
                    Kind::Regular | Kind::Block => (What::File { file, position: 0 }, Rights::FILE),
                    _ => (What::Stream(file), Rights::STREAM),
                },
            };
            let beneath = if matches!(what, What::Directory { .. }) { inheriting & allowed } else { Rights::default() };
            let descriptor = Descriptor {
                what,
                base: base & allowed & kind,
                inheriting: beneath,
                flags,
                preopen: None,
                access,
                quota,
            };
            let number = self.table.add(descriptor)?;
            Ok(guest.write(out, &number.to_le_bytes())?)
        })
    }

    #[allow(clippy::too_many_arguments)] // The standard's.
    pub(crate) fn path_readlink(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        at: u32,
        length: u32,
        out: u32,
        room: u32,
        used: u32,
    ) -> Answer {
        let function = "path_readlink";
        answer(|| {
            guest.check(out, room)?;
            guest.check(used, 4)?;
            let (directory, path) = self.place(guest, function, fd, Rights::PATH_READLINK, (at, length))?;
            let target = self.beneath(function, &path, directory.read_link(&path))?;
            let shown = &target[..target.len().min(room as usize)];
            guest.write(out, shown)?;
            Ok(guest.write(used, &(shown.len() as u32).to_le_bytes())?)
        })
    }

    pub(crate) fn path_remove_directory(&mut self, guest: &mut Guest<'_>, fd: u32, at: u32, length: u32) -> Answer {
        let function = "path_remove_directory";
        answer(|| {
            let (directory, path) = self.place(guest, function, fd, Rights::PATH_REMOVE_DIRECTORY, (at, length))?;
            self.beneath(function, &path, directory.remove_directory(&path))
        })
    }

    #[allow(clippy::too_many_arguments)] // The standard's.
    pub(crate) fn path_rename(
        &mut self,
        guest: &mut Guest<'_>,
        old_fd: u32,
        old: u32,
        old_length: u32,
        new_fd: u32,
        new: u32,
        new_length: u32,
    ) -> Answer {
        let function = "path_rename";
        answer(|| {
            let (from, old) = self.place(guest, function, old_fd, Rights::PATH_RENAME_SOURCE, (old, old_length))?;
            let (to, new) = self.place(guest, function, new_fd, Rights::PATH_RENAME_TARGET, (new, new_length))?;
            self.beneath(function, &format!("{old} -> {new}"), from.rename(&old, &*to, &new))
        })
    }

    pub(crate) fn path_symlink(
        &mut self,
        guest: &mut Guest<'_>,
        target: u32,
        target_length: u32,
        fd: u32,
        at: u32,
        length: u32,
    ) -> Answer {
        let function = "path_symlink";
        answer(|| {
            let target = path(guest, self.granted.grants.prices.wasi, target, target_length)?;
            let (directory, path) = self.place(guest, function, fd, Rights::PATH_SYMLINK, (at, length))?;
            self.beneath(function, &format!("{path} -> {target}"), directory.symlink(&target, &path))
        })
    }

    pub(crate) fn path_unlink_file(&mut self, guest: &mut Guest<'_>, fd: u32, at: u32, length: u32) -> Answer {
        let function = "path_unlink_file";
        answer(|| {
            let (directory, path) = self.place(guest, function, fd, Rights::PATH_UNLINK_FILE, (at, length))?;
            self.beneath(function, &path, directory.unlink(&path))
        })
    }
}

//! Functions on descriptors.

use crate::Wasi;
use crate::abi::{Answer, Buffers, Failed, answer, filestat};
use crate::errno::Errno;
use crate::fs::{Entry, File, Flags, Kind, Stat, Time};
use crate::rights::Rights;
use crate::table::{Descriptor, What};
use gristmill::{Guest, Halt};
use gristmill_ext_grants::{Access, Act};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno as HostErrno;
use std::time::Duration;

/// Bits of `fdflags`.
pub(crate) fn flags(bits: u32) -> Result<Flags, Errno> {
    if bits >= 1 << 5 {
        return Err(Errno::Inval);
    }
    let has = |bit: u32| bits & 1 << bit != 0;
    Ok(Flags { append: has(0), dsync: has(1), nonblock: has(2), rsync: has(3), sync: has(4) })
}

fn bits(flags: Flags) -> u16 {
    let Flags { append, nonblock, dsync, rsync, sync } = flags;
    [append, dsync, nonblock, rsync, sync].iter().rev().fold(0, |bits, flag| bits << 1 | u16::from(*flag))
}

/// Bits of `fstflags`, and what they make of the two times.
pub(crate) fn times(accessed: u64, modified: u64, flags: u32) -> Result<(Time, Time), Errno> {
    let time = |at: u64, set: u32, now: u32| match (flags & set != 0, flags & now != 0) {
        (true, true) => Err(Errno::Inval),
        (true, false) => Ok(Time::At(at)),
        (false, true) => Ok(Time::Now),
        (false, false) => Ok(Time::Kept),
    };
    if flags >= 1 << 4 {
        return Err(Errno::Inval);
    }
    Ok((time(accessed, 1, 2)?, time(modified, 4, 8)?))
}

impl Wasi {
    /// The descriptor, if it has these rights. What a directory lacks because it was granted so, the operator is told.
    pub(crate) fn descriptor(
        &mut self,
        function: &'static str,
        fd: u32,
        rights: Rights,
    ) -> Result<&mut Descriptor, Failed> {
        let descriptor = self.table.get_mut(fd)?;
        if !descriptor.base.has(rights) {
            if descriptor.access == Access::Ro && !(rights & Rights::WRITING).eq(&Rights::default()) {
                let name = descriptor.preopen.clone().unwrap_or_default();
                self.granted.refuse(function, name, Act::Write);
            }
            return Err(Errno::Notcapable.into());
        }
        Ok(descriptor)
    }

    /// Waits until a descriptor can be read, or written; no longer than the run may take.
    pub(crate) fn wait(&mut self, fd: u32, flags: PollFlags) -> Result<(), Failed> {
        let granted = self.granted.clone();
        let descriptor = self.table.get_mut(fd)?;
        if descriptor.flags.nonblock || granted.is_endless() {
            return Ok(());
        }
        let Some(waited) = descriptor.file()?.waits() else { return Ok(()) };
        loop {
            let Some(Some(left)) = granted.turn(None) else { return Err(Failed::Stop(Halt::TimedOut.into())) };
            match poll(&mut [PollFd::new(&waited, flags)], Some(&timespec(left))) {
                Ok(0) | Err(HostErrno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(errno) => return Err(Errno::from(errno).into()),
            }
        }
    }

    /// Has a file grow until `end` without data: the quota has room for that, and it is paid for, since a file in memory takes it.
    fn grow(
        &mut self,
        guest: &mut Guest<'_>,
        function: &'static str,
        fd: u32,
        end: u64,
        act: impl FnOnce(&mut dyn File) -> crate::fs::Result<()>,
    ) -> Result<(), Failed> {
        let size = self.table.get_mut(fd)?.file()?.stat()?.size;
        self.granted.grants.prices.wasi.charge_bytes(guest, end.saturating_sub(size))?;
        let taken = self.take_quota(function, fd, end)?;
        let descriptor = self.table.get_mut(fd)?;
        let done = act(descriptor.file()?);
        if let (Err(_), Some(quota)) = (&done, &descriptor.quota) {
            quota.give_back(taken);
        }
        Ok(done?)
    }

    /// Takes what a file is about to grow by out of its directory's quota; how much.
    fn take_quota(&mut self, function: &'static str, fd: u32, end: u64) -> Result<u64, Failed> {
        let granted = self.granted.clone();
        let descriptor = self.table.get_mut(fd)?;
        let Some(quota) = descriptor.quota.clone() else { return Ok(0) };
        let growth = end.saturating_sub(descriptor.file()?.stat()?.size);
        if !quota.take(growth) {
            granted.refuse(function, format!("{growth} bytes more"), Act::Quota);
            return Err(Errno::Dquot.into());
        }
        Ok(growth)
    }

    pub(crate) fn fd_advise(&mut self, _: &mut Guest<'_>, fd: u32, offset: u64, length: u64, advice: u32) -> Answer {
        answer(|| {
            self.descriptor("fd_advise", fd, Rights::FD_ADVISE)?.file()?;
            // Advice may be left unheeded.
            let fits = advice <= 5 && i64::try_from(offset).is_ok() && i64::try_from(length).is_ok();
            if fits { Ok(()) } else { Err(Errno::Inval.into()) }
        })
    }

    pub(crate) fn fd_allocate(&mut self, guest: &mut Guest<'_>, fd: u32, offset: u64, length: u64) -> Answer {
        answer(|| {
            self.descriptor("fd_allocate", fd, Rights::FD_ALLOCATE)?.file()?;
            let end = offset.checked_add(length).filter(|end| i64::try_from(*end).is_ok()).ok_or(Errno::Fbig)?;
            if length == 0 {
                return Err(Errno::Inval.into());
            }
            self.grow(guest, "fd_allocate", fd, end, |file| file.allocate(offset, length))
        })
    }

    pub(crate) fn fd_close(&mut self, _: &mut Guest<'_>, fd: u32) -> Answer {
        answer(|| Ok(self.table.remove(fd).map(drop)?))
    }

    pub(crate) fn fd_datasync(&mut self, _: &mut Guest<'_>, fd: u32) -> Answer {
        answer(|| Ok(self.descriptor("fd_datasync", fd, Rights::FD_DATASYNC)?.file()?.sync(false)?))
    }

    pub(crate) fn fd_sync(&mut self, _: &mut Guest<'_>, fd: u32) -> Answer {
        answer(|| match &mut self.descriptor("fd_sync", fd, Rights::FD_SYNC)?.what {
            What::Directory { directory, .. } => Ok(directory.sync()?),
            What::File { file, .. } | What::Stream(file) => Ok(file.sync(true)?),
            What::Socket(_) => Err(Errno::Inval.into()),
        })
    }

    pub(crate) fn fd_fdstat_get(&mut self, guest: &mut Guest<'_>, fd: u32, out: u32) -> Answer {
        answer(|| {
            let descriptor = self.table.get_mut(fd)?;
            let kind = match &descriptor.what {
                What::Directory { .. } => Kind::Directory,
                What::File { file, .. } | What::Stream(file) => file.stat()?.kind,
                What::Socket(socket) => socket.stat().kind,
            };
            let mut bytes = [0; 24];
            bytes[0] = kind as u8;
            bytes[2..4].copy_from_slice(&bits(descriptor.flags).to_le_bytes());
            bytes[8..16].copy_from_slice(&descriptor.base.0.to_le_bytes());
            bytes[16..24].copy_from_slice(&descriptor.inheriting.0.to_le_bytes());
            Ok(guest.write(out, &bytes)?)
        })
    }

    pub(crate) fn fd_fdstat_set_flags(&mut self, _: &mut Guest<'_>, fd: u32, bits: u32) -> Answer {
        answer(|| {
            let flags = flags(bits)?;
            let descriptor = self.descriptor("fd_fdstat_set_flags", fd, Rights::FD_FDSTAT_SET_FLAGS)?;
            match &mut descriptor.what {
                // The host's side does not block, whatever the guest sees.
                What::Socket(_) => {}
                _ => descriptor.file().map_err(|_| Errno::Badf)?.set_flags(flags)?,
            }
            descriptor.flags = flags;
            Ok(())
        })
    }

    pub(crate) fn fd_fdstat_set_rights(&mut self, _: &mut Guest<'_>, fd: u32, base: u64, inheriting: u64) -> Answer {
        answer(|| {
            let descriptor = self.table.get_mut(fd)?;
            let (base, inheriting) = (Rights(base), Rights(inheriting));
            if !descriptor.base.has(base) || !descriptor.inheriting.has(inheriting) {
                return Err(Errno::Notcapable.into());
            }
            (descriptor.base, descriptor.inheriting) = (base, inheriting);
            Ok(())
        })
    }

    pub(crate) fn fd_filestat_get(&mut self, guest: &mut Guest<'_>, fd: u32, out: u32) -> Answer {
        self.descriptor_stat(guest, fd, out, filestat)
    }

    /// What is known of a descriptor, in one form of the structure or the other.
    pub(crate) fn descriptor_stat<const N: usize>(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        out: u32,
        encode: fn(&Stat) -> [u8; N],
    ) -> Answer {
        answer(|| {
            let stat = match &self.descriptor("fd_filestat_get", fd, Rights::FD_FILESTAT_GET)?.what {
                What::Directory { directory, .. } => directory.stat()?,
                What::File { file, .. } | What::Stream(file) => file.stat()?,
                What::Socket(socket) => socket.stat(),
            };
            Ok(guest.write(out, &encode(&stat))?)
        })
    }

    pub(crate) fn fd_filestat_set_size(&mut self, guest: &mut Guest<'_>, fd: u32, size: u64) -> Answer {
        answer(|| {
            self.descriptor("fd_filestat_set_size", fd, Rights::FD_FILESTAT_SET_SIZE)?.file()?;
            if i64::try_from(size).is_err() {
                return Err(Errno::Fbig.into());
            }
            self.grow(guest, "fd_filestat_set_size", fd, size, |file| file.set_size(size))
        })
    }

    pub(crate) fn fd_filestat_set_times(
        &mut self,
        _: &mut Guest<'_>,
        fd: u32,
        accessed: u64,
        modified: u64,
        flags: u32,
    ) -> Answer {
        answer(|| {
            let (accessed, modified) = times(accessed, modified, flags)?;
            match &mut self.descriptor("fd_filestat_set_times", fd, Rights::FD_FILESTAT_SET_TIMES)?.what {
                What::Directory { directory, .. } => Ok(directory.set_times(accessed, modified)?),
                What::File { file, .. } | What::Stream(file) => Ok(file.set_times(accessed, modified)?),
                What::Socket(_) => Err(Errno::Inval.into()),
            }
        })
    }

    pub(crate) fn fd_read(&mut self, guest: &mut Guest<'_>, fd: u32, iovs: u32, count: u32, out: u32) -> Answer {
        if matches!(self.table.get(fd).map(|it| &it.what), Ok(What::Socket(_))) {
            return self.read_socket(guest, fd, (iovs, count), out);
        }
        answer(|| self.read(guest, "fd_read", fd, (iovs, count), None, out))
    }

    pub(crate) fn fd_pread(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        iovs: u32,
        count: u32,
        offset: u64,
        out: u32,
    ) -> Answer {
        answer(|| self.read(guest, "fd_pread", fd, (iovs, count), Some(offset), out))
    }

    fn read(
        &mut self,
        guest: &mut Guest<'_>,
        function: &'static str,
        fd: u32,
        iovs: (u32, u32),
        at: Option<u64>,
        out: u32,
    ) -> Result<(), Failed> {
        let rights = Rights::FD_READ | at.map_or(Rights::default(), |_| Rights::FD_SEEK);
        self.descriptor(function, fd, rights)?.file()?;
        let buffers = Buffers::read(guest, iovs.0, iovs.1)?;
        guest.check(out, 4)?;
        self.granted.grants.prices.wasi.charge_bytes(guest, buffers.len() as u64)?;
        self.wait(fd, PollFlags::IN)?;
        // The system cannot write where nobody has written yet: what is read comes by way of memory of ours.
        let mut bytes = std::mem::take(&mut self.buffer);
        bytes.resize(buffers.len(), 0);
        let read = match (&mut self.table.get_mut(fd)?.what, at) {
            (What::File { file, .. }, Some(at)) => file.read_at(&mut bytes, at),
            (What::File { file, position }, None) => {
                file.read_at(&mut bytes, *position).inspect(|read| *position += *read as u64)
            }
            (What::Stream(file), None) => file.read(&mut bytes),
            (What::Stream(_), Some(_)) | (What::Socket(_), _) => Err(Errno::Spipe),
            (What::Directory { .. }, _) => Err(Errno::Isdir),
        };
        let done = read.map_err(Failed::from).and_then(|read| {
            buffers.scatter(guest, &bytes[..read.min(bytes.len())])?;
            Ok(guest.write(out, &(read as u32).to_le_bytes())?)
        });
        self.buffer = bytes;
        done
    }

    pub(crate) fn fd_write(&mut self, guest: &mut Guest<'_>, fd: u32, iovs: u32, count: u32, out: u32) -> Answer {
        if matches!(self.table.get(fd).map(|it| &it.what), Ok(What::Socket(_))) {
            return self.write_socket(guest, fd, (iovs, count), out);
        }
        answer(|| self.write(guest, "fd_write", fd, (iovs, count), None, out))
    }

    pub(crate) fn fd_pwrite(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        iovs: u32,
        count: u32,
        offset: u64,
        out: u32,
    ) -> Answer {
        answer(|| self.write(guest, "fd_pwrite", fd, (iovs, count), Some(offset), out))
    }

    fn write(
        &mut self,
        guest: &mut Guest<'_>,
        function: &'static str,
        fd: u32,
        iovs: (u32, u32),
        at: Option<u64>,
        out: u32,
    ) -> Result<(), Failed> {
        let rights = Rights::FD_WRITE | at.map_or(Rights::default(), |_| Rights::FD_SEEK);
        self.descriptor(function, fd, rights)?.file()?;
        let buffers = Buffers::read(guest, iovs.0, iovs.1)?;
        guest.check(out, 4)?;
        let length = buffers.len() as u64;
        self.granted.grants.prices.wasi.charge_bytes(guest, length)?;
        self.wait(fd, PollFlags::OUT)?;
        let descriptor = self.table.get_mut(fd)?;
        let (append, quota) = (descriptor.flags.append, descriptor.quota.clone());
        let taken = match (&descriptor.what, at) {
            // Whatever the place: the system writes at the end of such a file.
            (What::File { file, .. }, _) if append => {
                let end = if quota.is_some() { file.stat()?.size } else { 0 };
                self.take_quota(function, fd, end.saturating_add(length))?
            }
            (What::File { position, .. }, None) => {
                let end = position.saturating_add(length);
                self.take_quota(function, fd, end)?
            }
            (_, Some(at)) => self.take_quota(function, fd, at.saturating_add(length))?,
            _ => 0,
        };
        let mut gathered = std::mem::take(&mut self.buffer);
        let bytes = match buffers.together(guest) {
            Some(bytes) => bytes,
            None => {
                buffers.gather(guest, &mut gathered)?;
                &gathered
            }
        };
        let written = match (&mut self.table.get_mut(fd)?.what, at) {
            (What::File { file, .. }, Some(at)) => file.write_at(bytes, at),
            (What::File { file, position }, None) if append => {
                let written = file.append(bytes);
                *position = file.stat().map_or(*position, |stat| stat.size);
                written
            }
            (What::File { file, position }, None) => {
                file.write_at(bytes, *position).inspect(|written| *position += *written as u64)
            }
            (What::Stream(file), None) => file.append(bytes),
            (What::Stream(_), Some(_)) | (What::Socket(_), _) => Err(Errno::Spipe),
            (What::Directory { .. }, _) => Err(Errno::Isdir),
        };
        self.buffer = gathered;
        if let Some(quota) = quota {
            quota.give_back(match written {
                // The place may have been behind the end: nothing lies between them, either.
                Err(_) | Ok(0) => taken,
                Ok(written) => length.saturating_sub(written as u64).min(taken),
            });
        }
        Ok(guest.write(out, &(written? as u32).to_le_bytes())?)
    }

    pub(crate) fn fd_prestat_get(&mut self, guest: &mut Guest<'_>, fd: u32, out: u32) -> Answer {
        answer(|| {
            let name = self.table.get(fd)?.preopen.as_ref().ok_or(Errno::Badf)?;
            let mut bytes = [0; 8];
            bytes[4..].copy_from_slice(&(name.len() as u32).to_le_bytes());
            Ok(guest.write(out, &bytes)?)
        })
    }

    pub(crate) fn fd_prestat_dir_name(&mut self, guest: &mut Guest<'_>, fd: u32, out: u32, room: u32) -> Answer {
        answer(|| {
            let name = self.table.get(fd)?.preopen.as_ref().ok_or(Errno::Notdir)?;
            guest.check(out, room)?;
            if name.len() > room as usize {
                return Err(Errno::NameTooLong.into());
            }
            Ok(guest.write(out, name.as_bytes())?)
        })
    }

    pub(crate) fn fd_readdir(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        out: u32,
        room: u32,
        cookie: u64,
        used: u32,
    ) -> Answer {
        answer(|| {
            guest.check(out, room)?;
            guest.check(used, 4)?;
            let price = self.granted.grants.prices.wasi;
            self.descriptor("fd_readdir", fd, Rights::FD_READDIR)?;
            price.charge_bytes(guest, u64::from(room))?;
            let listing = self.listing(guest, fd, cookie == 0)?;
            let mut bytes = Vec::new();
            let from = usize::try_from(cookie).unwrap_or(usize::MAX).min(listing.len());
            for (place, entry) in listing.iter().enumerate().skip(from) {
                bytes.extend((place as u64 + 1).to_le_bytes());
                bytes.extend(entry.inode.to_le_bytes());
                bytes.extend((entry.name.len() as u32).to_le_bytes());
                bytes.extend([entry.kind as u8, 0, 0, 0]);
                bytes.extend(&entry.name);
                if bytes.len() >= room as usize {
                    break;
                }
            }
            // The last one may be cut off: so guests know that there are more.
            bytes.truncate(room as usize);
            guest.write(out, &bytes)?;
            Ok(guest.write(used, &(bytes.len() as u32).to_le_bytes())?)
        })
    }

    /// What is in a directory, as it was when it was read from its beginning. Listings of other descriptors make room for one
    /// that is large: they are read again when they are asked for.
    fn listing(&mut self, guest: &mut Guest<'_>, fd: u32, again: bool) -> Result<&[Entry], Failed> {
        let What::Directory { directory, listing } = &self.table.get(fd)?.what else {
            return Err(Errno::Notdir.into());
        };
        if again || listing.is_empty() {
            let read = directory.entries()?;
            let bytes = read.iter().map(|entry| (size_of::<Entry>() + entry.name.len()) as u64).sum();
            // How much there is nobody knows before.
            self.granted.grants.prices.wasi.charge_bytes(guest, bytes)?;
            self.table.keep_listing(fd, read)?;
        }
        match &self.table.get(fd)?.what {
            What::Directory { listing, .. } => Ok(listing),
            _ => Err(Errno::Notdir.into()),
        }
    }

    pub(crate) fn fd_renumber(&mut self, _: &mut Guest<'_>, from: u32, to: u32) -> Answer {
        answer(|| Ok(self.table.renumber(from, to)?))
    }

    pub(crate) fn fd_seek(&mut self, guest: &mut Guest<'_>, fd: u32, delta: u64, whence: u32, out: u32) -> Answer {
        answer(|| {
            // Where one is can be asked for with less.
            let rights = if delta == 0 && whence == 1 { Rights::FD_TELL } else { Rights::FD_SEEK };
            guest.check(out, 8)?;
            let What::File { file, position } = &mut self.seekable("fd_seek", fd, rights)?.what else {
                return Err(Errno::Spipe.into());
            };
            let from = match whence {
                0 => 0,
                1 => *position,
                2 => file.stat()?.size,
                _ => return Err(Errno::Inval.into()),
            };
            let place = from.checked_add_signed(delta as i64).filter(|place| i64::try_from(*place).is_ok());
            *position = place.ok_or(Errno::Inval)?;
            Ok(guest.write(out, &position.to_le_bytes())?)
        })
    }

    pub(crate) fn fd_tell(&mut self, guest: &mut Guest<'_>, fd: u32, out: u32) -> Answer {
        answer(|| match &self.seekable("fd_tell", fd, Rights::FD_TELL)?.what {
            What::File { position, .. } => Ok(guest.write(out, &position.to_le_bytes())?),
            What::Stream(_) | What::Socket(_) | What::Directory { .. } => Err(Errno::Spipe.into()),
        })
    }

    /// A descriptor with places. What has none says so, whatever its rights.
    fn seekable(&mut self, function: &'static str, fd: u32, rights: Rights) -> Result<&mut Descriptor, Failed> {
        match self.table.get(fd)?.what {
            What::File { .. } => self.descriptor(function, fd, rights),
            What::Stream(_) | What::Socket(_) => Err(Errno::Spipe.into()),
            What::Directory { .. } => Err(Errno::Badf.into()),
        }
    }
}

/// A duration for the system.
pub(crate) fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        // Below 10^9.
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}

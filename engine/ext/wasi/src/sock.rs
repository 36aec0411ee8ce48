//! Sockets of preview 1: those that the embedder has opened.

use crate::Wasi;
use crate::abi::{Answer, Buffers, Failed, answer};
use crate::errno::Errno;
use crate::fs::{File, Flags, Kind, Result, Stat, Time};
use crate::rights::Rights;
use crate::table::{Descriptor, What};
use gristmill::Guest;
use rustix::event::PollFlags;
use rustix::net::sockopt::{socket_acceptconn, socket_type};
use rustix::net::{RecvFlags, SendFlags, Shutdown, SocketFlags, SocketType, accept_with, recv, send, shutdown};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A socket of the host.
#[derive(Debug)]
pub struct Socket(OwnedFd);

impl Socket {
    /// One that is open.
    pub fn new(socket: OwnedFd) -> Self {
        Self(socket)
    }

    /// Whether connections are accepted at it.
    pub fn listens(&self) -> bool {
        socket_acceptconn(&self.0).unwrap_or(false)
    }

    /// Whether nothing waits for it.
    pub fn is_nonblocking(&self) -> bool {
        rustix::fs::fcntl_getfl(&self.0).is_ok_and(|flags| flags.contains(rustix::fs::OFlags::NONBLOCK))
    }
}

impl File for Socket {
    fn read_at(&mut self, _: &mut [u8], _: u64) -> Result<usize> {
        Err(Errno::Spipe)
    }

    fn write_at(&mut self, _: &[u8], _: u64) -> Result<usize> {
        Err(Errno::Spipe)
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
        Ok(recv(&self.0, bytes, RecvFlags::empty())?.1)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<usize> {
        // Who has gone away ends no process of ours.
        Ok(send(&self.0, bytes, SendFlags::NOSIGNAL)?)
    }

    fn stat(&self) -> Result<Stat> {
        let kind = match socket_type(&self.0)? {
            SocketType::STREAM => Kind::Stream,
            SocketType::DGRAM => Kind::Datagram,
            _ => Kind::Unknown,
        };
        Ok(Stat { device: 0, inode: 0, kind, links: 1, size: 0, accessed: 0, modified: 0, changed: 0 })
    }

    fn set_size(&mut self, _: u64) -> Result<()> {
        Err(Errno::Inval)
    }

    fn allocate(&mut self, _: u64, _: u64) -> Result<()> {
        Err(Errno::Spipe)
    }

    fn set_times(&mut self, _: Time, _: Time) -> Result<()> {
        Err(Errno::Inval)
    }

    fn set_flags(&mut self, flags: Flags) -> Result<()> {
        let mut now = rustix::fs::fcntl_getfl(&self.0)?;
        now.set(rustix::fs::OFlags::NONBLOCK, flags.nonblock);
        Ok(rustix::fs::fcntl_setfl(&self.0, now)?)
    }

    fn sync(&mut self, _: bool) -> Result<()> {
        Err(Errno::Inval)
    }

    fn waits(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

impl Wasi {
    fn socket(&mut self, function: &'static str, fd: u32, rights: Rights) -> std::result::Result<&Socket, Failed> {
        if !matches!(self.table.get(fd)?.what, What::Socket(_)) {
            return Err(Errno::NotSock.into());
        }
        match &self.descriptor(function, fd, rights)?.what {
            What::Socket(socket) => Ok(socket),
            _ => Err(Errno::NotSock.into()),
        }
    }

    pub(crate) fn sock_accept(&mut self, guest: &mut Guest<'_>, fd: u32, flags: u32, out: u32) -> Answer {
        answer(|| {
            let flags = crate::fd::flags(flags)?;
            self.socket("sock_accept", fd, Rights::SOCK_ACCEPT)?;
            self.table.has_room()?;
            guest.check(out, 4)?;
            self.wait(fd, PollFlags::IN)?;
            let mut how = SocketFlags::CLOEXEC;
            how.set(SocketFlags::NONBLOCK, flags.nonblock);
            let accepted = accept_with(&self.socket("sock_accept", fd, Rights::SOCK_ACCEPT)?.0, how);
            let socket = Socket::new(accepted.map_err(Errno::from)?);
            let number = self.table.add(Descriptor::socket(socket))?;
            Ok(guest.write(out, &number.to_le_bytes())?)
        })
    }

    #[allow(clippy::too_many_arguments)] // The standard's.
    pub(crate) fn sock_recv(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        iovs: u32,
        count: u32,
        flags: u32,
        length_out: u32,
        flags_out: u32,
    ) -> Answer {
        answer(|| {
            if flags >= 1 << 2 {
                return Err(Errno::Inval.into());
            }
            let mut how = RecvFlags::empty();
            how.set(RecvFlags::PEEK, flags & 1 != 0);
            how.set(RecvFlags::WAITALL, flags & 2 != 0);
            // Of a datagram, how long it was: so it is known whether it was cut off.
            how.set(RecvFlags::TRUNC, self.socket("sock_recv", fd, Rights::FD_READ)?.stat()?.kind == Kind::Datagram);
            let buffers = Buffers::read(guest, iovs, count)?;
            guest.check(length_out, 4)?;
            guest.check(flags_out, 2)?;
            self.granted.grants.prices.wasi.charge_bytes(guest, buffers.len() as u64)?;
            self.wait(fd, PollFlags::IN)?;
            let mut bytes = vec![MaybeUninit::uninit(); buffers.len()];
            let socket = self.socket("sock_recv", fd, Rights::FD_READ)?;
            let ((received, _), length) = recv(&socket.0, &mut bytes[..], how).map_err(Errno::from)?;
            buffers.scatter(guest, received)?;
            guest.write(length_out, &(received.len() as u32).to_le_bytes())?;
            let cut = u16::from(length > received.len());
            Ok(guest.write(flags_out, &cut.to_le_bytes())?)
        })
    }

    pub(crate) fn sock_send(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        iovs: u32,
        count: u32,
        flags: u32,
        out: u32,
    ) -> Answer {
        answer(|| {
            if flags != 0 {
                return Err(Errno::Inval.into());
            }
            self.socket("sock_send", fd, Rights::FD_WRITE)?;
            let buffers = Buffers::read(guest, iovs, count)?;
            guest.check(out, 4)?;
            self.granted.grants.prices.wasi.charge_bytes(guest, buffers.len() as u64)?;
            self.wait(fd, PollFlags::OUT)?;
            let mut bytes = Vec::new();
            buffers.gather(guest, &mut bytes)?;
            let socket = self.socket("sock_send", fd, Rights::FD_WRITE)?;
            let sent = send(&socket.0, &bytes, SendFlags::NOSIGNAL).map_err(Errno::from)?;
            Ok(guest.write(out, &(sent as u32).to_le_bytes())?)
        })
    }

    pub(crate) fn sock_shutdown(&mut self, _: &mut Guest<'_>, fd: u32, how: u32) -> Answer {
        answer(|| {
            let how = match how {
                1 => Shutdown::Read,
                2 => Shutdown::Write,
                3 => Shutdown::Both,
                _ => return Err(Errno::Inval.into()),
            };
            let socket = self.socket("sock_shutdown", fd, Rights::SOCK_SHUTDOWN)?;
            Ok(shutdown(&socket.0, how).map_err(Errno::from)?)
        })
    }
}

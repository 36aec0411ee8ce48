//! Sockets: what one is, how it waits, and the four functions of preview 1.
//!
//! A socket is the embedder's ([`Streams::sockets`](crate::Streams::sockets)) or opened under grants of the network. For the host none
//! of them ever blocks, whatever the guest sees: so every wait ends when the run's time is up.

mod address;
mod allowed;
mod names;
mod open;
mod options;
mod resolve;

pub use allowed::Resolved;
pub use resolve::{Resolve, System};

use crate::Wasi;
use crate::abi::{Answer, Buffers, Failed, answer};
use crate::errno::Errno;
use crate::fd::timespec;
use crate::fs::{Kind, Stat};
use crate::rights::Rights;
use crate::table::{Descriptor, What};
use gristmill::{Guest, Halt};
use gristmill_ext_grants::{NetAct, Protocol};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno as HostErrno;
use rustix::net::sockopt::{socket_acceptconn, socket_type};
use rustix::net::{RecvFlags, SendFlags, Shutdown, SocketFlags, SocketType};
use rustix::net::{accept_with, recvfrom, send, sendto, shutdown};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// A socket of the host.
#[derive(Debug)]
pub struct Socket {
    host: OwnedFd,
    kind: Kind,
    /// Whether it is where a grant or the embedder has put it, and so gets what anyone sends there.
    bound: bool,
    /// How long receiving and sending wait at most.
    patience: [Option<Duration>; 2],
    /// Seconds that closing waits, as the guest has said; the host's never does.
    linger: Option<u32>,
}

impl Socket {
    /// One that is open, and whether the guest finds it non-blocking.
    pub fn given(host: OwnedFd) -> (Self, bool) {
        let flags = fcntl_getfl(&host).unwrap_or(OFlags::empty());
        // What is no socket is found out when it is used.
        let _ = fcntl_setfl(&host, flags | OFlags::NONBLOCK);
        (Self::new(host, true), flags.contains(OFlags::NONBLOCK))
    }

    fn new(host: OwnedFd, bound: bool) -> Self {
        let kind = match socket_type(&host) {
            Ok(SocketType::STREAM) => Kind::Stream,
            Ok(SocketType::DGRAM) => Kind::Datagram,
            _ => Kind::Unknown,
        };
        Self { host, kind, bound, patience: [None; 2], linger: None }
    }

    /// What can be done with it.
    pub fn rights(&self) -> Rights {
        match socket_acceptconn(&self.host) {
            Ok(true) => Rights::LISTENER,
            _ => Rights::CONNECTION,
        }
    }

    /// What is known of it.
    pub fn stat(&self) -> Stat {
        Stat { device: 0, inode: 0, kind: self.kind, links: 1, size: 0, accessed: 0, modified: 0, changed: 0 }
    }

    fn protocol(&self) -> Protocol {
        if self.kind == Kind::Datagram { Protocol::Udp } else { Protocol::Tcp }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.host.as_fd()
    }
}

/// What came.
struct Received {
    length: usize,
    /// Whether there was more of the datagram.
    cut: bool,
    from: Option<SocketAddr>,
}

impl Wasi {
    fn socket(&mut self, function: &'static str, fd: u32, rights: Rights) -> Result<&mut Socket, Failed> {
        if !matches!(self.table.get(fd)?.what, What::Socket(_)) {
            return Err(Errno::NotSock.into());
        }
        match &mut self.descriptor(function, fd, rights)?.what {
            What::Socket(socket) => Ok(socket),
            _ => Err(Errno::NotSock.into()),
        }
    }

    /// Does what may have to wait, again and again until it need not: no longer than the socket's time and the run's.
    fn waiting<T>(
        &self,
        fd: u32,
        flags: PollFlags,
        mut act: impl FnMut(&Socket) -> Result<T, HostErrno>,
    ) -> Result<T, Failed> {
        let descriptor = self.table.get(fd)?;
        let What::Socket(socket) = &descriptor.what else { return Err(Errno::NotSock.into()) };
        let patience = socket.patience[usize::from(flags == PollFlags::OUT)];
        let until = patience.and_then(|patience| Instant::now().checked_add(patience));
        loop {
            match act(socket) {
                Err(HostErrno::INTR) => {}
                Err(HostErrno::AGAIN) if !descriptor.flags.nonblock => {}
                done => return Ok(done.map_err(Errno::from)?),
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Err(Errno::Again.into());
            }
            let Some(left) = self.granted.turn(left) else { return Err(Failed::Stop(Halt::TimedOut.into())) };
            match poll(&mut [PollFd::new(socket, flags)], left.map(timespec).as_ref()) {
                Ok(_) | Err(HostErrno::INTR) => {}
                Err(errno) => return Err(Errno::from(errno).into()),
            }
        }
    }

    fn accept(&mut self, guest: &mut Guest<'_>, fd: u32, flags: u32, out: u32) -> Result<(), Failed> {
        let flags = crate::fd::flags(flags)?;
        self.socket("sock_accept", fd, Rights::SOCK_ACCEPT)?;
        self.table.has_room()?;
        guest.check(out, 4)?;
        let how = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let accepted = Socket::new(self.waiting(fd, PollFlags::IN, |socket| accept_with(socket, how))?, true);
        let rights = accepted.rights();
        let number = self.table.add(Descriptor::socket(accepted, rights, flags.nonblock))?;
        Ok(guest.write(out, &number.to_le_bytes())?)
    }

    /// Receives into a list of buffers. Whoever calls has checked where all else is written.
    fn receive(
        &mut self,
        guest: &mut Guest<'_>,
        function: &'static str,
        fd: u32,
        (iovs, count): (u32, u32),
        flags: u32,
    ) -> Result<Received, Failed> {
        if flags >= 1 << 2 {
            return Err(Errno::Inval.into());
        }
        self.socket(function, fd, Rights::FD_READ)?;
        let buffers = Buffers::read(guest, iovs, count)?;
        self.granted.grants.prices.wasi.charge_bytes(guest, buffers.len() as u64)?;
        let mut bytes = std::mem::take(&mut self.buffer);
        bytes.resize(buffers.len(), 0);
        let received = self.fill(fd, &mut bytes, flags & 1 != 0, flags & 2 != 0);
        let done = received.and_then(|received| {
            buffers.scatter(guest, &bytes[..received.length])?;
            Ok(received)
        });
        self.buffer = bytes;
        done
    }

    /// Receives what is there: one datagram, or of a stream what there is, with `all` as much as there is room for.
    fn fill(&self, fd: u32, bytes: &mut [u8], peek: bool, all: bool) -> Result<Received, Failed> {
        let descriptor = self.table.get(fd)?;
        let What::Socket(socket) = &descriptor.what else { return Err(Errno::NotSock.into()) };
        let mut how = RecvFlags::DONTWAIT;
        how.set(RecvFlags::PEEK, peek);
        // Of a datagram, how long it was: so it is known whether it was cut off.
        how.set(RecvFlags::TRUNC, socket.kind == Kind::Datagram);
        let all = all && !peek && !descriptor.flags.nonblock && socket.kind == Kind::Stream;
        let mut filled = 0;
        loop {
            let came = self.waiting(fd, PollFlags::IN, |socket| recvfrom(socket, &mut bytes[filled..], how));
            let (_, length, from) = match came {
                Err(Failed::Errno(_)) if filled > 0 => return Ok(Received { length: filled, cut: false, from: None }),
                came => came?,
            };
            let from = from.and_then(|from| SocketAddr::try_from(from).ok());
            if socket.kind == Kind::Datagram {
                // A socket that nobody was told of hears only whom the guest may talk to.
                let known = from.is_none_or(|from| self.allows(NetAct::Connect, Protocol::Udp, from));
                if socket.bound || known {
                    return Ok(Received { length: length.min(bytes.len()), cut: length > bytes.len(), from });
                }
                if peek {
                    let _ = recvfrom(socket, &mut [0; 1][..], RecvFlags::DONTWAIT);
                }
                self.granted.in_time()?;
                continue;
            }
            filled += length;
            if !all || length == 0 || filled == bytes.len() {
                return Ok(Received { length: filled, cut: false, from });
            }
        }
    }

    /// Sends a list of buffers; how many bytes.
    fn send(
        &mut self,
        guest: &mut Guest<'_>,
        function: &'static str,
        fd: u32,
        (iovs, count): (u32, u32),
        to: Option<SocketAddr>,
    ) -> Result<u32, Failed> {
        self.socket(function, fd, Rights::FD_WRITE)?;
        let buffers = Buffers::read(guest, iovs, count)?;
        self.granted.grants.prices.wasi.charge_bytes(guest, buffers.len() as u64)?;
        let mut gathered = std::mem::take(&mut self.buffer);
        let bytes = match buffers.together(guest) {
            Some(bytes) => bytes,
            None => {
                buffers.gather(guest, &mut gathered)?;
                &gathered
            }
        };
        // Who has gone away ends no process of ours.
        let how = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let sent = self.waiting(fd, PollFlags::OUT, |socket| match to {
            Some(to) => sendto(socket, bytes, how, &to),
            None => send(socket, bytes, how),
        });
        self.buffer = gathered;
        // No more than a call moves.
        Ok(sent? as u32)
    }

    /// `fd_read` of a socket.
    pub(crate) fn read_socket(&mut self, guest: &mut Guest<'_>, fd: u32, iovs: (u32, u32), out: u32) -> Answer {
        answer(|| {
            guest.check(out, 4)?;
            let received = self.receive(guest, "fd_read", fd, iovs, 0)?;
            Ok(guest.write(out, &(received.length as u32).to_le_bytes())?)
        })
    }

    /// `fd_write` to a socket.
    pub(crate) fn write_socket(&mut self, guest: &mut Guest<'_>, fd: u32, iovs: (u32, u32), out: u32) -> Answer {
        answer(|| {
            guest.check(out, 4)?;
            let sent = self.send(guest, "fd_write", fd, iovs, None)?;
            Ok(guest.write(out, &sent.to_le_bytes())?)
        })
    }

    pub(crate) fn sock_accept(&mut self, guest: &mut Guest<'_>, fd: u32, out: u32) -> Answer {
        answer(|| self.accept(guest, fd, 0, out))
    }

    pub(crate) fn sock_accept_v2(&mut self, guest: &mut Guest<'_>, fd: u32, flags: u32, out: u32) -> Answer {
        answer(|| self.accept(guest, fd, flags, out))
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
            guest.check(length_out, 4)?;
            guest.check(flags_out, 2)?;
            let received = self.receive(guest, "sock_recv", fd, (iovs, count), flags)?;
            guest.write(length_out, &(received.length as u32).to_le_bytes())?;
            Ok(guest.write(flags_out, &u16::from(received.cut).to_le_bytes())?)
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
            guest.check(out, 4)?;
            let sent = self.send(guest, "sock_send", fd, (iovs, count), None)?;
            Ok(guest.write(out, &sent.to_le_bytes())?)
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
            Ok(shutdown(socket, how).map_err(Errno::from)?)
        })
    }
}

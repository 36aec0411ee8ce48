//! WasmEdge's sockets: opening, binding, listening, connecting, datagrams, addresses. Whatever reaches for the network asks the grants
//! first, and nothing is sent when they refuse.
//!
//! In two generations with the same meaning: what `_v2` has are other parameters, and [storage areas](super::address).

use super::Socket;
use super::address::{Form, INET4, INET6, Place};
use crate::Wasi;
use crate::abi::{Answer, Failed, answer};
use crate::errno::Errno;
use crate::rights::Rights;
use crate::table::Descriptor;
use gristmill::Guest;
use gristmill_ext_grants::{NetAct, Protocol};
use rustix::event::PollFlags;
use rustix::io::Errno as HostErrno;
use rustix::net::sockopt::{set_ipv6_v6only, socket_domain};
use rustix::net::{AddressFamily, SocketAddrAny, SocketFlags, SocketType, socket_with};
use rustix::net::{bind, connect, getpeername, getsockname, listen};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// Connections that wait to be accepted, at most.
const MANY_WAITING: u32 = 128;

/// An end of a connection.
#[derive(Clone, Copy)]
enum End {
    Local,
    Peer,
}

impl End {
    fn of(self, socket: &Socket) -> Result<SocketAddr, Errno> {
        let address: SocketAddrAny = match self {
            End::Local => getsockname(socket)?,
            End::Peer => getpeername(socket)?.ok_or(Errno::NotConn)?,
        };
        SocketAddr::try_from(address).map_err(|_| Errno::AfNoSupport)
    }

    fn function(self) -> &'static str {
        match self {
            End::Local => "sock_getlocaladdr",
            End::Peer => "sock_getpeeraddr",
        }
    }
}

impl Wasi {
    pub(crate) fn sock_open(&mut self, guest: &mut Guest<'_>, family: u32, kind: u32, out: u32) -> Answer {
        answer(|| {
            let family = match u8::try_from(family) {
                Ok(INET4) => AddressFamily::INET,
                Ok(INET6) => AddressFamily::INET6,
                // Sockets of the machine, by paths.
                Ok(3) => return Err(Errno::Nosys.into()),
                _ => return Err(Errno::Inval.into()),
            };
            let (kind, protocol) = match kind {
                1 => (SocketType::DGRAM, Protocol::Udp),
                2 => (SocketType::STREAM, Protocol::Tcp),
                _ => return Err(Errno::Inval.into()),
            };
            guest.check(out, 4)?;
            self.table.has_room()?;
            self.may_open("sock_open", protocol)?;
            let host = socket_with(family, kind, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None);
            let socket = Socket::new(host.map_err(Errno::from)?, false);
            let rights = Rights::CONNECTION | Rights::LISTENER;
            let number = self.table.add(Descriptor::socket(socket, rights, false))?;
            Ok(guest.write(out, &number.to_le_bytes())?)
        })
    }

    /// Whether a socket may be at an address of this machine.
    fn may_be_at(&mut self, function: &'static str, fd: u32, at: SocketAddr) -> Result<(), Failed> {
        let protocol = self.socket(function, fd, Rights::default())?.protocol();
        self.may(function, NetAct::Listen, protocol, at)?;
        // Who is at all addresses of IPv6 is at those of IPv4 as well, unless he says no.
        let both = SocketAddr::from((Ipv4Addr::UNSPECIFIED, at.port()));
        if at.ip() == Ipv6Addr::UNSPECIFIED && !self.allows(NetAct::Listen, protocol, both) {
            set_ipv6_v6only(self.socket(function, fd, Rights::default())?, true).map_err(Errno::from)?;
        }
        Ok(())
    }

    fn bind(&mut self, guest: &Guest<'_>, fd: u32, address: u32, port: u32, form: Form) -> Result<(), Failed> {
        self.socket("sock_bind", fd, Rights::default())?;
        let at = Place::read(guest, address, form)?.address(guest, port)?;
        self.may_be_at("sock_bind", fd, at)?;
        let socket = self.socket("sock_bind", fd, Rights::default())?;
        bind(&*socket, &at).map_err(Errno::from)?;
        socket.bound = true;
        Ok(())
    }

    pub(crate) fn sock_bind(&mut self, guest: &mut Guest<'_>, fd: u32, address: u32, port: u32) -> Answer {
        answer(|| self.bind(guest, fd, address, port, Form::V1))
    }

    pub(crate) fn sock_bind_v2(&mut self, guest: &mut Guest<'_>, fd: u32, address: u32, port: u32) -> Answer {
        answer(|| self.bind(guest, fd, address, port, Form::V2))
    }

    pub(crate) fn sock_listen(&mut self, _: &mut Guest<'_>, fd: u32, backlog: u32) -> Answer {
        answer(|| {
            let socket = self.socket("sock_listen", fd, Rights::SOCK_ACCEPT)?;
            if !socket.bound {
                // The system puts it anywhere.
                let at = match socket_domain(&*socket).map_err(Errno::from)? {
                    AddressFamily::INET6 => Ipv6Addr::UNSPECIFIED.into(),
                    _ => Ipv4Addr::UNSPECIFIED.into(),
                };
                self.may_be_at("sock_listen", fd, SocketAddr::new(at, 0))?;
            }
            let socket = self.socket("sock_listen", fd, Rights::SOCK_ACCEPT)?;
            // At most 128.
            listen(&*socket, backlog.min(MANY_WAITING) as i32).map_err(Errno::from)?;
            socket.bound = true;
            Ok(())
        })
    }

    fn connect(&mut self, guest: &Guest<'_>, fd: u32, address: u32, port: u32, form: Form) -> Result<(), Failed> {
        let protocol = self.socket("sock_connect", fd, Rights::default())?.protocol();
        let to = Place::read(guest, address, form)?.address(guest, port)?;
        self.may("sock_connect", NetAct::Connect, protocol, to)?;
        let waits = !self.table.get(fd)?.flags.nonblock;
        self.waiting(fd, PollFlags::OUT, |socket| match connect(socket, &to) {
            // Asked again, it says what came of it.
            Err(HostErrno::INPROGRESS | HostErrno::ALREADY) if waits => Err(HostErrno::AGAIN),
            done => done,
        })
    }

    pub(crate) fn sock_connect(&mut self, guest: &mut Guest<'_>, fd: u32, address: u32, port: u32) -> Answer {
        answer(|| self.connect(guest, fd, address, port, Form::V1))
    }

    pub(crate) fn sock_connect_v2(&mut self, guest: &mut Guest<'_>, fd: u32, address: u32, port: u32) -> Answer {
        answer(|| self.connect(guest, fd, address, port, Form::V2))
    }

    /// Receives, and tells from where: address, port if it is asked for.
    fn receive_from(
        &mut self,
        guest: &mut Guest<'_>,
        (fd, iovs): (u32, (u32, u32)),
        (address, form): (u32, Form),
        flags: u32,
        [port_out, length_out, flags_out]: [Option<u32>; 3],
    ) -> Result<(), Failed> {
        const NAME: &str = "sock_recv_from";
        let place = Place::read(guest, address, form)?;
        for (out, size) in [(port_out, 2), (length_out, 4), (flags_out, 2)] {
            out.map_or(Ok(()), |out| guest.check(out, size))?;
        }
        let domain = socket_domain(self.socket(NAME, fd, Rights::FD_READ)?).map_err(Errno::from)?;
        if domain == AddressFamily::INET6 && !place.is_wide() {
            return Err(Errno::Inval.into());
        }
        let received = self.receive(guest, NAME, fd, iovs, flags)?;
        // Of a stream it is always the peer.
        let from = match received.from {
            Some(from) => Some(from),
            None => End::Peer.of(self.socket(NAME, fd, Rights::FD_READ)?).ok(),
        };
        if let Some(from) = from {
            place.write(guest, from.ip())?;
            port_out.map_or(Ok(()), |out| guest.write(out, &from.port().to_le_bytes()))?;
        }
        length_out.map_or(Ok(()), |out| guest.write(out, &(received.length as u32).to_le_bytes()))?;
        Ok(flags_out.map_or(Ok(()), |out| guest.write(out, &u16::from(received.cut).to_le_bytes()))?)
    }

    #[allow(clippy::too_many_arguments)] // WasmEdge's.
    pub(crate) fn sock_recv_from(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        iovs: u32,
        count: u32,
        address: u32,
        flags: u32,
        length_out: u32,
        flags_out: u32,
    ) -> Answer {
        let outs = [None, Some(length_out), Some(flags_out)];
        answer(|| self.receive_from(guest, (fd, (iovs, count)), (address, Form::V1), flags, outs))
    }

    #[allow(clippy::too_many_arguments)] // WasmEdge's.
    pub(crate) fn sock_recv_from_v2(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        iovs: u32,
        count: u32,
        address: u32,
        flags: u32,
        port_out: u32,
        length_out: u32,
        flags_out: u32,
    ) -> Answer {
        let outs = [port_out, length_out, flags_out].map(Some);
        answer(|| self.receive_from(guest, (fd, (iovs, count)), (address, Form::V2), flags, outs))
    }

    #[allow(clippy::too_many_arguments)] // WasmEdge's, and the form.
    fn send_to(
        &mut self,
        guest: &mut Guest<'_>,
        (fd, iovs): (u32, (u32, u32)),
        (address, port, form): (u32, u32, Form),
        flags: u32,
        out: u32,
    ) -> Result<(), Failed> {
        const NAME: &str = "sock_send_to";
        if flags != 0 {
            return Err(Errno::Inval.into());
        }
        guest.check(out, 4)?;
        let protocol = self.socket(NAME, fd, Rights::FD_WRITE)?.protocol();
        let to = Place::read(guest, address, form)?.address(guest, port)?;
        self.may(NAME, NetAct::Connect, protocol, to)?;
        let sent = self.send(guest, NAME, fd, iovs, Some(to))?;
        Ok(guest.write(out, &sent.to_le_bytes())?)
    }

    #[allow(clippy::too_many_arguments)] // WasmEdge's.
    pub(crate) fn sock_send_to(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        iovs: u32,
        count: u32,
        address: u32,
        port: u32,
        flags: u32,
        out: u32,
    ) -> Answer {
        answer(|| self.send_to(guest, (fd, (iovs, count)), (address, port, Form::V1), flags, out))
    }

    #[allow(clippy::too_many_arguments)] // WasmEdge's.
    pub(crate) fn sock_send_to_v2(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        iovs: u32,
        count: u32,
        address: u32,
        port: u32,
        flags: u32,
        out: u32,
    ) -> Answer {
        answer(|| self.send_to(guest, (fd, (iovs, count)), (address, port, Form::V2), flags, out))
    }

    /// Tells an end's address in the first generation: beside it which IP, 4 or 6, and the port.
    fn end(
        &mut self,
        guest: &mut Guest<'_>,
        end: End,
        fd: u32,
        address: u32,
        kind_out: u32,
        port_out: u32,
    ) -> Result<(), Failed> {
        let at = end.of(self.socket(end.function(), fd, Rights::default())?);
        let place = Place::read(guest, address, Form::V1)?;
        guest.check(kind_out, 4)?;
        guest.check(port_out, 4)?;
        let at = at?;
        place.write(guest, at.ip())?;
        guest.write(kind_out, &if at.is_ipv4() { 4u32 } else { 6 }.to_le_bytes())?;
        Ok(guest.write(port_out, &u32::from(at.port()).to_le_bytes())?)
    }

    /// The same in the second: a storage area, and the port.
    fn end_v2(&mut self, guest: &mut Guest<'_>, end: End, fd: u32, address: u32, port_out: u32) -> Result<(), Failed> {
        let at = end.of(self.socket(end.function(), fd, Rights::default())?);
        let place = Place::storage(guest, address)?;
        guest.check(port_out, 4)?;
        let at = at?;
        place.write(guest, at.ip())?;
        Ok(guest.write(port_out, &u32::from(at.port()).to_le_bytes())?)
    }

    pub(crate) fn sock_getlocaladdr(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        address: u32,
        kind_out: u32,
        port_out: u32,
    ) -> Answer {
        answer(|| self.end(guest, End::Local, fd, address, kind_out, port_out))
    }

    pub(crate) fn sock_getlocaladdr_v2(&mut self, guest: &mut Guest<'_>, fd: u32, address: u32, port: u32) -> Answer {
        answer(|| self.end_v2(guest, End::Local, fd, address, port))
    }

    pub(crate) fn sock_getpeeraddr(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        address: u32,
        kind_out: u32,
        port_out: u32,
    ) -> Answer {
        answer(|| self.end(guest, End::Peer, fd, address, kind_out, port_out))
    }

    pub(crate) fn sock_getpeeraddr_v2(&mut self, guest: &mut Guest<'_>, fd: u32, address: u32, port: u32) -> Answer {
        answer(|| self.end_v2(guest, End::Peer, fd, address, port))
    }
}

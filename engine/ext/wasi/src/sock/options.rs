//! Options of sockets, by name: each has values of one size, and no other is taken.

use super::Socket;
use crate::Wasi;
use crate::abi::{Answer, Failed, answer};
use crate::errno::Errno;
use crate::fs::Kind;
use crate::rights::Rights;
use gristmill::Guest;
use gristmill_ext_grants::Act;
use rustix::net::sockopt::*;
use std::time::Duration;

/// Bytes that the system keeps of what was not yet sent, or received, at most.
const MANY_KEPT: i32 = 1 << 20;

/// Options that can be known or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    ReuseAddress,
    Type,
    Error,
    /// Packets go by the system's routes.
    DontRoute,
    Broadcast,
    SendBuffer,
    ReceiveBuffer,
    KeepAlive,
    OutOfBandInline,
    Linger,
    /// Receiving waits for a byte.
    ReceiveLow,
    ReceiveTime,
    SendTime,
    Accepts,
    /// No grant allows that: a socket goes by any interface.
    Device,
}

impl Name {
    fn read(level: u32, name: u32) -> Result<Self, Errno> {
        const ALL: [Name; 15] = [
            Name::ReuseAddress,
            Name::Type,
            Name::Error,
            Name::DontRoute,
            Name::Broadcast,
            Name::SendBuffer,
            Name::ReceiveBuffer,
            Name::KeepAlive,
            Name::OutOfBandInline,
            Name::Linger,
            Name::ReceiveLow,
            Name::ReceiveTime,
            Name::SendTime,
            Name::Accepts,
            Name::Device,
        ];
        let known = ALL.get(name as usize).filter(|_| level == 0);
        known.copied().ok_or(Errno::NoProtoOpt)
    }

    /// Bytes of its value.
    fn size(self) -> u32 {
        match self {
            Name::Device => 0,
            Name::Linger => 8,
            Name::ReceiveTime | Name::SendTime => 16,
            _ => 4,
        }
    }
}

fn word(value: i32) -> Vec<u8> {
    value.to_le_bytes().into()
}

/// Seconds and microseconds; none is no limit.
fn time(value: Option<Duration>) -> Vec<u8> {
    let value = value.unwrap_or_default();
    let mut bytes = value.as_secs().to_le_bytes().to_vec();
    bytes.extend(u64::from(value.subsec_micros()).to_le_bytes());
    bytes
}

impl Socket {
    fn option(&self, name: Name) -> Result<Vec<u8>, Errno> {
        let flag = |value: rustix::io::Result<bool>| Ok::<_, Errno>(word(value?.into()));
        let size = |value: rustix::io::Result<usize>| Ok(word(i32::try_from(value?).unwrap_or(i32::MAX)));
        match name {
            Name::ReuseAddress => flag(socket_reuseaddr(self)),
            Name::Type => Ok(word(if self.kind == Kind::Datagram { 1 } else { 2 })),
            Name::Error => Ok(word(socket_error(self)?.err().map_or(0, |errno| Errno::from(errno) as i32))),
            Name::DontRoute => Ok(word(0)),
            Name::Broadcast => flag(socket_broadcast(self)),
            Name::SendBuffer => size(socket_send_buffer_size(self)),
            Name::ReceiveBuffer => size(socket_recv_buffer_size(self)),
            Name::KeepAlive => flag(socket_keepalive(self)),
            Name::OutOfBandInline => flag(socket_oobinline(self)),
            Name::Linger => {
                let seconds = i32::try_from(self.linger.unwrap_or(0)).unwrap_or(i32::MAX);
                Ok([word(self.linger.is_some().into()), word(seconds)].concat())
            }
            Name::ReceiveLow => Ok(word(1)),
            Name::ReceiveTime => Ok(time(self.patience[0])),
            Name::SendTime => Ok(time(self.patience[1])),
            Name::Accepts => flag(socket_acceptconn(self)),
            Name::Device => Ok(Vec::new()),
        }
    }

    fn set_option(&mut self, name: Name, bytes: &[u8]) -> Result<(), Errno> {
        let (words, _) = bytes.as_chunks::<4>();
        let (longs, _) = bytes.as_chunks::<8>();
        let word = words.first().map_or(0, |word| i32::from_le_bytes(*word));
        let flag = word != 0;
        let kept = || usize::try_from(word.min(MANY_KEPT)).map_err(|_| Errno::Inval);
        let only = |value: i32| if word == value { Ok(()) } else { Err(Errno::NoProtoOpt) };
        match name {
            Name::ReuseAddress => Ok(set_socket_reuseaddr(self, flag)?),
            Name::Broadcast => Ok(set_socket_broadcast(self, flag)?),
            Name::SendBuffer => Ok(set_socket_send_buffer_size(self, kept()?)?),
            Name::ReceiveBuffer => Ok(set_socket_recv_buffer_size(self, kept()?)?),
            Name::KeepAlive => Ok(set_socket_keepalive(self, flag)?),
            Name::OutOfBandInline => Ok(set_socket_oobinline(self, flag)?),
            Name::Linger => {
                let seconds = words.get(1).map_or(0, |word| i32::from_le_bytes(*word));
                let linger = u32::try_from(seconds).map_err(|_| Errno::Inval)?;
                // Closing waits for nothing: what is left goes out behind it, or with 0 seconds is dropped.
                set_socket_linger(&*self, (flag && linger == 0).then_some(Duration::ZERO))?;
                self.linger = flag.then_some(linger);
                Ok(())
            }
            Name::ReceiveTime | Name::SendTime => {
                let long = |at: usize| longs.get(at).map_or(0, |long| i64::from_le_bytes(*long));
                let seconds = u64::try_from(long(0)).map_err(|_| Errno::Inval)?;
                let micros = u32::try_from(long(1)).ok().filter(|micros| *micros < 1_000_000).ok_or(Errno::Inval)?;
                let limit = Duration::new(seconds, micros * 1_000);
                self.patience[usize::from(name == Name::SendTime)] = (!limit.is_zero()).then_some(limit);
                Ok(())
            }
            Name::DontRoute => only(0),
            Name::ReceiveLow => only(1),
            Name::Type | Name::Error | Name::Accepts | Name::Device => Err(Errno::NoProtoOpt),
        }
    }
}

impl Wasi {
    pub(crate) fn sock_getsockopt(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        level: u32,
        name: u32,
        value: u32,
        length: u32,
    ) -> Answer {
        answer(|| {
            let name = Name::read(level, name)?;
            let socket = self.socket("sock_getsockopt", fd, Rights::default())?;
            if u32::from_le_bytes(guest.read(length)?) < name.size() {
                return Err(Errno::Inval.into());
            }
            guest.check(value, name.size())?;
            let bytes = socket.option(name)?;
            guest.write(value, &bytes)?;
            Ok(guest.write(length, &name.size().to_le_bytes())?)
        })
    }

    pub(crate) fn sock_setsockopt(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        level: u32,
        name: u32,
        value: u32,
        length: u32,
    ) -> Answer {
        answer(|| {
            let name = Name::read(level, name)?;
            self.socket("sock_setsockopt", fd, Rights::default())?;
            if name == Name::Device {
                guest.check(value, length)?;
                self.granted.refuse("sock_setsockopt", "bindtodevice", Act::Interface);
                return Err(Failed::Errno(Errno::Notcapable));
            }
            if length != name.size() {
                return Err(Errno::Inval.into());
            }
            let bytes = guest.slice(value, length)?.to_vec();
            Ok(self.socket("sock_setsockopt", fd, Rights::default())?.set_option(name, &bytes)?)
        })
    }
}

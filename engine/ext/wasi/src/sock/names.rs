//! `sock_getaddrinfo`: addresses of a name and a service, put into the list that the guest has made for them.
//!
//! An entry of the list is 28 bytes: flags u16 0, family u8 2, kind u8 3, protocol u8 4, length u32 8, where the address is u32 12,
//! where the name goes u32 16, its length u32 20, the next entry u32 24. The address is 12 bytes: family u8 0, length u32 4, where
//! its data is u32 8. The data is a port in network order and an address: 14 bytes for IPv4, 26 for IPv6.

use super::address::{INET4, INET6, family};
use crate::Wasi;
use crate::abi::{Answer, Failed, answer};
use crate::errno::Errno;
use gristmill::{Guest, Halt};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Entries that are filled at most.
const MANY: u32 = 128;

/// Bytes of an entry, of an address, and of its data.
const ENTRY: u32 = 28;
const ADDRESS: u32 = 12;
const DATA4: u32 = 14;
const DATA6: u32 = 26;

/// Bytes of a name, or of a service, and the NUL behind it. Source: RFC 1035, 255 with its lengths.
const MANY_BYTES: u32 = 256;

/// Kinds of sockets, and their protocols, by number.
const KINDS: [(u8, u8); 2] = [(2, 1), (1, 2)];

/// Services that guests ask for. Source: IANA's registry.
const SERVICES: [(&str, u16); 12] = [
    ("domain", 53),
    ("echo", 7),
    ("ftp", 21),
    ("http", 80),
    ("https", 443),
    ("imap", 143),
    ("mqtt", 1_883),
    ("ntp", 123),
    ("postgresql", 5_432),
    ("redis", 6_379),
    ("smtp", 25),
    ("ssh", 22),
];

/// What a guest wants to know.
struct Hints {
    passive: bool,
    canonical: bool,
    numeric_host: bool,
    numeric_service: bool,
    /// Of IPv4 in the clothes of IPv6: if there is nothing else, or always.
    mapped: bool,
    all: bool,
    /// 0: any.
    family: u8,
    kind: u8,
    protocol: u8,
}

impl Hints {
    /// What is at `pointer`; all, if nothing is.
    fn read(guest: &Guest<'_>, pointer: u32) -> Result<Self, Failed> {
        let bytes = if pointer == 0 { [0; ENTRY as usize] } else { guest.read(pointer)? };
        let flag = |bit: u16| u16::from_le_bytes([bytes[0], bytes[1]]) & 1 << bit != 0;
        let [_, _, family, kind, protocol, ..] = bytes;
        match (family, kind, protocol) {
            (3.., _, _) => Err(Errno::AiFamily.into()),
            (_, 3.., _) => Err(Errno::AiSockType.into()),
            (_, _, 3..) => Err(Errno::AiService.into()),
            _ => Ok(Self {
                passive: flag(0),
                canonical: flag(1),
                numeric_host: flag(2),
                numeric_service: flag(3),
                mapped: flag(4),
                all: flag(5),
                family,
                kind,
                protocol,
            }),
        }
    }

    /// The port of a service. A number is one, too.
    fn port(&self, service: &str) -> Result<u16, Errno> {
        match (service, service.parse()) {
            ("", _) => Ok(0),
            (_, Ok(port)) => Ok(port),
            _ if self.numeric_service => Err(Errno::AiNoName),
            _ => SERVICES.iter().find(|known| known.0 == service).map(|known| known.1).ok_or(Errno::AiService),
        }
    }

    /// Those of these addresses that are wanted.
    fn choose(&self, addresses: Vec<IpAddr>) -> Vec<IpAddr> {
        let (four, six): (Vec<_>, Vec<_>) = addresses.into_iter().partition(IpAddr::is_ipv4);
        let mapped = |four: Vec<IpAddr>| {
            let four = four.into_iter().filter_map(|address| match address {
                IpAddr::V4(address) => Some(IpAddr::from(address.to_ipv6_mapped())),
                IpAddr::V6(_) => None,
            });
            four.collect::<Vec<_>>()
        };
        match self.family {
            INET4 => four,
            INET6 if self.mapped && self.all => [six, mapped(four)].concat(),
            INET6 if self.mapped && six.is_empty() => mapped(four),
            INET6 => six,
            _ => [four, six].concat(),
        }
    }

    /// Kinds of sockets that are wanted, with their protocols.
    fn kinds(&self) -> Vec<(u8, u8)> {
        let wanted = |asked: u8, kind: u8| asked == 0 || asked == kind;
        let kinds =
            KINDS.iter().filter(|(kind, protocol)| wanted(self.kind, *kind) && wanted(self.protocol, *protocol));
        kinds.copied().collect()
    }
}

/// A text with its NUL, if it has one.
fn text(guest: &Guest<'_>, at: u32, length: u32) -> Result<String, Failed> {
    let bytes = guest.slice(at, length)?;
    if length > MANY_BYTES {
        return Err(Errno::AiNoName.into());
    }
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text.into()),
        _ => Err(Errno::AiNoName.into()),
    }
}

/// An entry of the guest's list, every part of which lies in memory.
struct Entry {
    at: u32,
    address: u32,
    data: u32,
    name: u32,
    room: u32,
}

impl Entry {
    /// Follows the list from `at`, as far as it goes, `most` entries at most.
    fn list(guest: &Guest<'_>, mut at: u32, most: u32, data: u32) -> Result<Vec<Self>, Failed> {
        let mut entries = Vec::new();
        while at != 0 && entries.len() < most.min(MANY) as usize {
            let bytes: [u8; ENTRY as usize] = guest.read(at)?;
            let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
            let (address, name, room, next) = (word(12), word(16), word(20), word(24));
            let place: [u8; ADDRESS as usize] = guest.read(address)?;
            let place = u32::from_le_bytes([place[8], place[9], place[10], place[11]]);
            guest.check(place, data)?;
            guest.check(name, room)?;
            entries.push(Self { at, address, data: place, name, room });
            at = next;
        }
        Ok(entries)
    }

    /// Says of an address what it is. Pointers stay.
    fn fill(&self, guest: &mut Guest<'_>, address: IpAddr, port: u16, kind: (u8, u8)) -> Result<(), Failed> {
        let family = family(address);
        let mut data = port.to_be_bytes().to_vec();
        match address {
            IpAddr::V4(address) => data.extend(address.octets()),
            IpAddr::V6(address) => {
                data.extend([0; 4]);
                data.extend(address.octets());
            }
        }
        let length = if address.is_ipv4() { DATA4 } else { DATA6 };
        data.resize(length as usize, 0);
        guest.write(self.at, &[0, 0, family, kind.0, kind.1])?;
        // A family of two bytes comes before the data, where addresses lie in C.
        guest.write(self.at + 8, &(length + 2).to_le_bytes())?;
        guest.write(self.at + 20, &0u32.to_le_bytes())?;
        guest.write(self.address, &[family])?;
        guest.write(self.address + 4, &length.to_le_bytes())?;
        Ok(guest.write(self.data, &data)?)
    }
}

impl Wasi {
    #[allow(clippy::too_many_arguments)] // WasmEdge's.
    pub(crate) fn sock_getaddrinfo(
        &mut self,
        guest: &mut Guest<'_>,
        node: u32,
        node_length: u32,
        service: u32,
        service_length: u32,
        hints: u32,
        list: u32,
        most: u32,
        out: u32,
    ) -> Answer {
        answer(|| {
            let hints = Hints::read(guest, hints)?;
            let (node, service) = (text(guest, node, node_length)?, text(guest, service, service_length)?);
            let port = hints.port(&service)?;
            guest.check(out, 4)?;
            let data = if hints.family == INET4 { DATA4 } else { DATA6 };
            let entries = Entry::list(guest, u32::from_le_bytes(guest.read(list)?), most, data)?;
            let length = u64::from(node_length) + entries.len() as u64 * u64::from(ENTRY + ADDRESS + data);
            self.granted.grants.prices.sockets.charge_bytes(guest, length)?;
            if node.is_empty() && service.is_empty() {
                return Err(Errno::AiNoName.into());
            }
            let addresses = hints.choose(self.addresses(&node, &hints)?);
            let kinds = hints.kinds();
            if kinds.is_empty() {
                return Err(Errno::AiService.into());
            }
            if addresses.is_empty() {
                return Err(Errno::AiNoData.into());
            }
            let found = addresses.iter().flat_map(|address| kinds.iter().map(move |kind| (*address, *kind)));
            let mut filled = 0u32;
            for (entry, (address, kind)) in entries.iter().zip(found) {
                entry.fill(guest, address, port, kind)?;
                filled += 1;
            }
            // The name goes where the guest has said that there is room for it.
            if let Some(first) = entries.first().filter(|it| hints.canonical && it.room as usize >= node.len()) {
                guest.write(first.name, node.as_bytes())?;
                guest.write(first.at + 20, &(node.len() as u32).to_le_bytes())?;
            }
            Ok(guest.write(out, &filled.to_le_bytes())?)
        })
    }

    /// Addresses of a name. Nobody is asked for one that is an address.
    fn addresses(&mut self, node: &str, hints: &Hints) -> Result<Vec<IpAddr>, Failed> {
        if node.is_empty() {
            return Ok(match hints.passive {
                true => vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
                false => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            });
        }
        if let Ok(address) = node.parse() {
            return Ok(vec![address]);
        }
        if hints.numeric_host {
            return Err(Errno::AiNoName.into());
        }
        self.may_resolve("sock_getaddrinfo", node)?;
        let Some(patience) = self.granted.patience(None) else { return Err(Failed::Stop(Halt::TimedOut.into())) };
        let resolved = self.resolver.resolve(node, patience);
        self.granted.in_time()?;
        let mut addresses = resolved?;
        addresses.truncate(MANY as usize);
        addresses.iter().for_each(|address| self.resolved.add(node, *address));
        Ok(addresses)
    }
}

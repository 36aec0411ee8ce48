//! Addresses in a guest's memory, in WasmEdge's two forms. A pointer leads to a record `{ buf: u32, len: u32 }`; the bytes at `buf`
//! are an address of 4 or 16 bytes in network order, or a storage area of 128: the family in two bytes, little endian, and the
//! address behind it. The port is told beside it.

use crate::abi::Failed;
use crate::errno::Errno;
use gristmill::Guest;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Bytes of a storage area.
const STORAGE: u32 = 128;

/// Families by number.
pub const INET4: u8 = 1;
pub const INET6: u8 = 2;

/// The generation of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Addresses alone.
    V1,
    /// Storage areas, too.
    V2,
}

/// The number of an address's family.
pub fn family(address: IpAddr) -> u8 {
    if address.is_ipv4() { INET4 } else { INET6 }
}

/// Where an address lies, or is to lie: in memory, and as long as its form has it.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    at: u32,
    length: u32,
}

impl Place {
    /// Follows the record at `pointer`.
    ///
    /// # Errors
    /// [`Errno::Fault`]; [`Errno::Inval`] for a length that the form does not have.
    pub fn read(guest: &Guest<'_>, pointer: u32, form: Form) -> Result<Self, Failed> {
        let [a, b, c, d, e, f, g, h] = guest.read(pointer)?;
        let (at, length) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        match (length, form) {
            (4 | 16, _) | (STORAGE, Form::V2) => {}
            _ => return Err(Errno::Inval.into()),
        }
        guest.check(at, length)?;
        Ok(Self { at, length })
    }

    /// The same, of a storage area alone.
    pub fn storage(guest: &Guest<'_>, pointer: u32) -> Result<Self, Failed> {
        let place = Self::read(guest, pointer, Form::V2)?;
        if place.length == STORAGE { Ok(place) } else { Err(Errno::Inval.into()) }
    }

    /// The address there.
    ///
    /// # Errors
    /// [`Errno::AfNoSupport`] for another family, [`Errno::Inval`] for a port that is none.
    pub fn address(&self, guest: &Guest<'_>, port: u32) -> Result<SocketAddr, Failed> {
        let bytes = guest.slice(self.at, self.length)?;
        let (family, bytes) = match self.length {
            4 => (INET4.into(), bytes),
            16 => (INET6.into(), bytes),
            _ => (u16::from_le_bytes([bytes[0], bytes[1]]), &bytes[2..]),
        };
        let address: IpAddr = if family == INET4.into() {
            Ipv4Addr::from_octets(bytes[..4].try_into().map_err(|_| Errno::Inval)?).into()
        } else if family == INET6.into() {
            Ipv6Addr::from_octets(bytes[..16].try_into().map_err(|_| Errno::Inval)?).into()
        } else {
            return Err(Errno::AfNoSupport.into());
        };
        Ok((address, u16::try_from(port).map_err(|_| Errno::Inval)?).into())
    }

    /// Whether there is room for an address of IPv6.
    pub fn is_wide(&self) -> bool {
        self.length > 4
    }

    /// Writes an address there.
    ///
    /// # Errors
    /// [`Errno::Inval`] when there is no room for it.
    pub fn write(&self, guest: &mut Guest<'_>, address: IpAddr) -> Result<(), Failed> {
        let octets = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(_) if !self.is_wide() => return Err(Errno::Inval.into()),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let mut bytes = octets;
        if self.length == STORAGE {
            bytes.splice(0..0, [family(address), 0]);
        }
        bytes.resize(self.length as usize, 0);
        Ok(guest.write(self.at, &bytes)?)
    }
}

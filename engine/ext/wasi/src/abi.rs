//! Preview 1's structures in a guest's memory, and how a function answers.

use crate::errno::Errno;
use crate::fs::Stat;
use gristmill::{Guest, Stop, Trap};
use gristmill_ext_grants::Price;

/// What a body returns: an error number, 0 for none; or the end of the run.
pub type Answer = Result<u32, Stop>;

/// Why a function does not succeed.
#[derive(Debug)]
pub enum Failed {
    /// The guest is told.
    Errno(Errno),
    /// The guest is told nothing more.
    Stop(Stop),
}

impl From<Errno> for Failed {
    fn from(errno: Errno) -> Self {
        Failed::Errno(errno)
    }
}

/// A pointer that leads nowhere is an error number here, where it is a trap elsewhere.
impl From<Stop> for Failed {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Trap(Trap::InvalidMemoryAccess) => Failed::Errno(Errno::Fault),
            stop => Failed::Stop(stop),
        }
    }
}

/// What came of `body`, for the guest.
pub fn answer(body: impl FnOnce() -> Result<(), Failed>) -> Answer {
    match body() {
        Ok(()) => Ok(0),
        Err(Failed::Errno(errno)) => Ok(errno as u32),
        Err(Failed::Stop(stop)) => Err(stop),
    }
}

/// Buffers that one call reads or writes at most. Source: extensions.md 5.
const MANY_BUFFERS: u32 = 1_024;

/// Bytes that one call moves at most: guests go on with what is left, as they do when a system moves less.
pub const MANY_BYTES: usize = 1 << 20;

/// Bytes of a path.
const MANY_PATH_BYTES: u32 = 4_096;

/// Addresses in memory that a call reads from, or writes to, one behind the other.
#[derive(Debug)]
pub struct Buffers(Vec<(u32, u32)>);

impl Buffers {
    /// Reads the list, every part of which lies in memory, cut off after [`MANY_BYTES`].
    ///
    /// # Errors
    /// [`Errno::Fault`], and [`Errno::Inval`] for more than 1,024 or more than 2^32-1 bytes in all.
    pub fn read(guest: &Guest<'_>, list: u32, count: u32) -> Result<Self, Failed> {
        if count > MANY_BUFFERS {
            return Err(Errno::Inval.into());
        }
        let mut parts = Vec::with_capacity(count as usize);
        let (mut all, mut room) = (0u32, MANY_BYTES as u32);
        for entry in guest.slice(list, count * 8)?.chunks_exact(8) {
            let word = |at: usize| u32::from_le_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]]);
            let (at, length) = (word(0), word(4));
            guest.check(at, length)?;
            all = all.checked_add(length).ok_or(Errno::Inval)?;
            let taken = length.min(room);
            room -= taken;
            parts.push((at, taken));
        }
        Ok(Self(parts))
    }

    /// Bytes that they have.
    pub fn len(&self) -> usize {
        self.0.iter().map(|(_, length)| *length as usize).sum()
    }

    /// The bytes, if they lie together.
    pub fn together<'g>(&self, guest: &'g Guest<'_>) -> Option<&'g [u8]> {
        let mut parts = self.0.iter().filter(|(_, length)| *length > 0);
        let part = parts.next();
        if parts.next().is_some() {
            return None;
        }
        let (at, length) = part.copied().unwrap_or((0, 0));
        guest.slice(at, length).ok()
    }

    /// Puts all of them behind each other.
    pub fn gather(&self, guest: &Guest<'_>, into: &mut Vec<u8>) -> Result<(), Failed> {
        into.clear();
        for (at, length) in &self.0 {
            into.extend_from_slice(guest.slice(*at, *length)?);
        }
        Ok(())
    }

    /// Fills them from the first on.
    pub fn scatter(&self, guest: &mut Guest<'_>, mut bytes: &[u8]) -> Result<(), Failed> {
        for (at, length) in &self.0 {
            let (now, later) = bytes.split_at((*length as usize).min(bytes.len()));
            guest.write(*at, now)?;
            bytes = later;
        }
        Ok(())
    }
}

/// A path, which is paid for. [`Errno::Ilseq`] for what is not UTF-8, [`Errno::Inval`] for a NUL inside.
pub fn path(guest: &mut Guest<'_>, price: Price, at: u32, length: u32) -> Result<String, Failed> {
    guest.check(at, length)?;
    if length > MANY_PATH_BYTES {
        return Err(Errno::NameTooLong.into());
    }
    price.charge_bytes(guest, length.into())?;
    let text = std::str::from_utf8(guest.slice(at, length)?).map_err(|_| Errno::Ilseq)?;
    if text.contains('\0') {
        return Err(Errno::Inval.into());
    }
    if text.is_empty() {
        return Err(Errno::Noent.into());
    }
    Ok(text.into())
}

/// Bytes of a `filestat`.
pub const FILESTAT: u32 = 64;

/// A `filestat`: 64 bytes.
pub fn filestat(stat: &Stat) -> [u8; FILESTAT as usize] {
    let mut bytes = [0; FILESTAT as usize];
    bytes[0..8].copy_from_slice(&stat.device.to_le_bytes());
    bytes[8..16].copy_from_slice(&stat.inode.to_le_bytes());
    bytes[16] = stat.kind as u8;
    bytes[24..32].copy_from_slice(&stat.links.to_le_bytes());
    bytes[32..40].copy_from_slice(&stat.size.to_le_bytes());
    bytes[40..48].copy_from_slice(&stat.accessed.to_le_bytes());
    bytes[48..56].copy_from_slice(&stat.modified.to_le_bytes());
    bytes[56..64].copy_from_slice(&stat.changed.to_le_bytes());
    bytes
}

/// The same in the preview before 1: 56 bytes, in which there are fewer names.
pub fn filestat_unstable(stat: &Stat) -> [u8; 56] {
    let mut bytes = [0; 56];
    bytes[..17].copy_from_slice(&filestat(stat)[..17]);
    bytes[20..24].copy_from_slice(&u32::try_from(stat.links).unwrap_or(u32::MAX).to_le_bytes());
    bytes[24..].copy_from_slice(&filestat(stat)[32..]);
    bytes
}

//! Copies of byte strings: call data, code, return data. A source that ends too early traps; nothing is padded.

use super::{Eei, read_address};
use crate::embed::Guest;
use crate::error::{Fault, Stop, Trap};

/// Copies `length` bytes of `source` from `from` to guest memory at `to`.
fn copy(guest: &mut Guest<'_>, to: u32, source: &[u8], from: u32, length: u32) -> Result<(), Stop> {
    guest.check(to, length)?;
    let end = u64::from(from) + u64::from(length);
    if end > source.len() as u64 {
        return Err(Trap::InvalidMemoryAccess.into());
    }
    guest.write(to, &source[from as usize..end as usize])
}

/// A length for the guest. Hosts hold no more than 4 GiB of code or data; one that says so is broken.
pub(super) fn size(length: usize) -> Result<u32, Stop> {
    u32::try_from(length).map_err(|_| Fault::Host("more than 4 GiB of data").into())
}

impl Eei<'_> {
    pub(super) fn call_data_size(&mut self, _: &mut Guest<'_>) -> Result<u32, Stop> {
        size(self.message.input.len())
    }

    pub(super) fn call_data_copy(
        &mut self,
        guest: &mut Guest<'_>,
        to: u32,
        from: u32,
        length: u32,
    ) -> Result<(), Stop> {
        copy(guest, to, self.message.input, from, length)
    }

    pub(super) fn code_size(&mut self, _: &mut Guest<'_>) -> Result<u32, Stop> {
        size(self.code.len())
    }

    pub(super) fn code_copy(&mut self, guest: &mut Guest<'_>, to: u32, from: u32, length: u32) -> Result<(), Stop> {
        copy(guest, to, self.code, from, length)
    }

    pub(super) fn return_data_size(&mut self, _: &mut Guest<'_>) -> Result<u32, Stop> {
        size(self.return_data.len())
    }

    pub(super) fn return_data_copy(
        &mut self,
        guest: &mut Guest<'_>,
        to: u32,
        from: u32,
        length: u32,
    ) -> Result<(), Stop> {
        copy(guest, to, &self.return_data, from, length)
    }

    pub(super) fn external_code_size(&mut self, guest: &mut Guest<'_>, address: u32) -> Result<u32, Stop> {
        let address = read_address(guest, address)?;
        self.touch(guest, &address)?;
        size(self.host.code_size(&address)?)
    }

    pub(super) fn external_code_copy(
        &mut self,
        guest: &mut Guest<'_>,
        address: u32,
        to: u32,
        from: u32,
        length: u32,
    ) -> Result<(), Stop> {
        let address = read_address(guest, address)?;
        guest.check(to, length)?;
        self.touch(guest, &address)?;
        // One question to the host either way: no bytes to copy says nothing about the offset, so the size is asked.
        let there = if length == 0 {
            from as usize <= self.host.code_size(&address)?
        } else {
            let target = guest.slice_mut(to, length)?;
            self.host.copy_code(&address, from as usize, target)? == length as usize
        };
        if there { Ok(()) } else { Err(Trap::InvalidMemoryAccess.into()) }
    }

    pub(super) fn external_code_hash(&mut self, guest: &mut Guest<'_>, address: u32, result: u32) -> Result<(), Stop> {
        let address = read_address(guest, address)?;
        guest.check(result, 32)?;
        self.touch(guest, &address)?;
        let hash = self.host.code_hash(&address)?;
        guest.write(result, hash.as_bytes())
    }

    pub(super) fn keccak256(&mut self, guest: &mut Guest<'_>, data: u32, length: u32, result: u32) -> Result<(), Stop> {
        guest.check(data, length)?;
        guest.check(result, 32)?;
        let hash = self.hashes.keccak256(guest.slice(data, length)?);
        guest.write(result, hash.as_bytes())
    }
}

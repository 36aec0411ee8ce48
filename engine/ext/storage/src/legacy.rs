//! Bodies of `ssvm_native`: the nine functions of SSVM 0.7, which are also WasmEdge's `wasmedge_native`.
//!
//! They have no way to tell an error: what does not work is a trap, `InvalidMemoryAccess` for pointers and `ArgumentOutOfRange`
//! for all else, and [`Storage::failure`] says which. Nothing nests, a begin of either kind replaces what is open, and what
//! is open when the instance ends is gone. All of them act on the first namespace that is granted.

use crate::backend::Written;
use crate::table::{Failure, Storage, quota};
use crate::{VALUE, backend::Broken};
use gristmill::{Fault, Guest, Stop, Trap};
use gristmill_ext_grants::{Access, Act};

/// Bytes of a key.
const KEY: u32 = 32;

/// What is between a begin and its end.
pub(crate) enum Transaction {
    Store { key: [u8; KEY as usize], value: Vec<u8> },
    Load { value: Vec<u8>, at: usize },
}

impl Storage {
    fn fail(&mut self, failure: Failure) -> Stop {
        let stop = match &failure {
            Failure::Broken(_) => Fault::Host("the storage cannot be read or written").into(),
            _ => Trap::ArgumentOutOfRange.into(),
        };
        self.failure = Some(failure);
        stop
    }

    /// The first namespace, if it may be accessed so.
    fn home(&mut self, function: &'static str, access: Access) -> Result<(), Stop> {
        self.space(function, 0, access).map(|_| ()).map_err(|_| Trap::ArgumentOutOfRange.into())
    }

    pub(crate) fn create_uuid(&mut self, guest: &mut Guest<'_>, key: u32) -> Result<(), Stop> {
        guest.check(key, KEY + 1)?;
        let mut bytes = [0; 16];
        self.random(&mut bytes).map_err(|failure| {
            if failure == Failure::NoRandom {
                self.granted.refuse("ssvm_storage_createUUID", "", Act::Random);
            }
            self.fail(failure)
        })?;
        // Version 4 of the usual variant: random.
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut text = [0; KEY as usize + 1];
        for (digits, byte) in text.chunks_exact_mut(2).zip(bytes) {
            digits.copy_from_slice(&[byte >> 4, byte & 15].map(|digit| b"0123456789abcdef"[usize::from(digit)]));
        }
        guest.write(key, &text)
    }

    pub(crate) fn begin_store(&mut self, guest: &mut Guest<'_>, key: u32) -> Result<(), Stop> {
        let key = guest.read(key)?;
        self.home("ssvm_storage_beginStoreTx", Access::Rw)?;
        self.transaction = Some(Transaction::Store { key, value: Vec::new() });
        Ok(())
    }

    fn store(&mut self, guest: &mut Guest<'_>, function: &'static str, word: &[u8]) -> Result<(), Stop> {
        self.home(function, Access::Rw)?;
        let Some(Transaction::Store { value, .. }) = &mut self.transaction else {
            return Err(self.fail(Failure::NoTransaction));
        };
        if value.len() + word.len() > VALUE {
            return Err(self.fail(Failure::TooLong));
        }
        // The bytes are paid for as they come, a KiB when it begins: the host holds them from here on.
        let kib = |len: usize| len.div_ceil(1 << 10);
        let begun = kib(value.len() + word.len()) - kib(value.len());
        self.granted.grants.prices.storage.charge_bytes(guest, (begun as u64) << 10)?;
        value.extend_from_slice(word);
        Ok(())
    }

    pub(crate) fn store_i32(&mut self, guest: &mut Guest<'_>, value: u32) -> Result<(), Stop> {
        self.store(guest, "ssvm_storage_storeI32", &value.to_le_bytes())
    }

    pub(crate) fn store_i64(&mut self, guest: &mut Guest<'_>, value: u64) -> Result<(), Stop> {
        self.store(guest, "ssvm_storage_storeI64", &value.to_le_bytes())
    }

    pub(crate) fn end_store(&mut self, guest: &mut Guest<'_>) -> Result<(), Stop> {
        const NAME: &str = "ssvm_storage_endStoreTx";
        self.home(NAME, Access::Rw)?;
        let Some(Transaction::Store { key, value }) = self.transaction.take_if(|it| it.is_store()) else {
            return Err(self.fail(Failure::NoTransaction));
        };
        self.price().charge_bytes(guest, (key.len() + value.len()) as u64)?;
        self.granted.in_time()?;
        let grant = &self.granted.grants.storage[0];
        match self.backend.write(&grant.namespace, quota(grant), None, &[(&key, Some(&value))]) {
            Ok(Written::Done { .. }) => Ok(()),
            Ok(Written::Full) => {
                self.granted.refuse(NAME, &*grant.namespace, Act::StorageQuota);
                Err(self.fail(Failure::Full))
            }
            Ok(Written::Mismatch) => Err(self.fail(Failure::Broken(Broken("nothing was expected".into())))),
            Err(broken) => Err(self.fail(Failure::Broken(broken))),
        }
    }

    pub(crate) fn begin_load(&mut self, guest: &mut Guest<'_>, key: u32) -> Result<(), Stop> {
        let key: [u8; KEY as usize] = guest.read(key)?;
        self.home("ssvm_storage_beginLoadTx", Access::Ro)?;
        // A begin that fails leaves nothing open either.
        self.transaction = None;
        self.granted.in_time()?;
        let value = self.backend.get(&self.granted.grants.storage[0].namespace, &key);
        let value = match value {
            Ok(Some(value)) => value,
            Ok(None) => return Err(self.fail(Failure::NoSuchKey)),
            Err(broken) => return Err(self.fail(Failure::Broken(broken))),
        };
        self.price().charge_bytes(guest, (key.len() + value.len()) as u64)?;
        self.transaction = Some(Transaction::Load { value, at: 0 });
        Ok(())
    }

    fn load<const N: usize>(&mut self, function: &'static str) -> Result<[u8; N], Stop> {
        self.home(function, Access::Ro)?;
        let Some(Transaction::Load { value, at }) = &mut self.transaction else {
            return Err(self.fail(Failure::NoTransaction));
        };
        let Some(word) = value.get(*at..).and_then(|rest| rest.first_chunk::<N>()) else {
            return Err(self.fail(Failure::EndOfValue));
        };
        *at += N;
        Ok(*word)
    }

    pub(crate) fn load_i32(&mut self, _: &mut Guest<'_>) -> Result<u32, Stop> {
        self.load("ssvm_storage_loadI32").map(u32::from_le_bytes)
    }

    pub(crate) fn load_i64(&mut self, _: &mut Guest<'_>) -> Result<u64, Stop> {
        self.load("ssvm_storage_loadI64").map(u64::from_le_bytes)
    }

    pub(crate) fn end_load(&mut self, _: &mut Guest<'_>) -> Result<(), Stop> {
        self.home("ssvm_storage_endLoadTx", Access::Ro)?;
        match self.transaction.take_if(|it| !it.is_store()) {
            Some(_) => Ok(()),
            None => Err(self.fail(Failure::NoTransaction)),
        }
    }
}

impl Transaction {
    fn is_store(&self) -> bool {
        matches!(self, Self::Store { .. })
    }
}

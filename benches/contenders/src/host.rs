//! The `ethereum` functions that the kernels import, as their README specifies them: one state for every engine.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use tiny_keccak::{Hasher, Keccak};

/// What a call of the token kernel sends: `transfer(0x9091..a3, 1)`.
fn call_data() -> [u8; 68] {
    let mut data = [0; 68];
    data[..4].copy_from_slice(&[0xa9, 0x05, 0x9c, 0xbb]);
    for (i, byte) in data[16..36].iter_mut().enumerate() {
        *byte = 0x90 + i as u8;
    }
    data[67] = 1;
    data
}

/// The state behind the kernels' host functions. Ranges outside memory are an error: no kernel asks for one.
#[derive(Clone, Debug)]
pub struct KernelHost {
    data: [u8; 68],
    caller: [u8; 20],
    storage: BTreeMap<[u8; 32], [u8; 32]>,
    /// What the last static call returned.
    returned: [u8; 32],
    /// Whether `finish` ends the run, as for a contract. The token kernel goes on behind it, a transfer after the other.
    pub contract: bool,
    /// What a contract finished with.
    pub output: Option<Vec<u8>>,
}

/// Why a host function does not return to the guest.
#[derive(Debug)]
pub enum Stop {
    /// A pointer or length outside memory.
    OutOfBounds,
    /// The contract finished: [`KernelHost::output`] has what with.
    Finished,
    /// The contract reverted.
    Reverted,
}

impl core::fmt::Display for Stop {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Stop::OutOfBounds => "a kernel's pointer is outside its memory",
            Stop::Finished => "the contract finished",
            Stop::Reverted => "the contract reverted",
        })
    }
}

impl core::error::Error for Stop {}

/// What a host function of the kernels returns.
pub type Answer<T = ()> = Result<T, Stop>;

impl Default for KernelHost {
    fn default() -> Self {
        Self {
            data: call_data(),
            caller: core::array::from_fn(|i| i as u8 + 1),
            storage: BTreeMap::new(),
            returned: [0; 32],
            contract: false,
            output: None,
        }
    }
}

fn slice(memory: &[u8], at: u32, len: usize) -> Answer<&[u8]> {
    memory.get(at as usize..).and_then(|m| m.get(..len)).ok_or(Stop::OutOfBounds)
}

fn write(memory: &mut [u8], at: u32, bytes: &[u8]) -> Answer {
    memory
        .get_mut(at as usize..)
        .and_then(|m| m.get_mut(..bytes.len()))
        .ok_or(Stop::OutOfBounds)?
        .copy_from_slice(bytes);
    Ok(())
}

fn word(memory: &[u8], at: u32) -> Answer<[u8; 32]> {
    let mut word = [0; 32];
    word.copy_from_slice(slice(memory, at, 32)?);
    Ok(word)
}

impl KernelHost {
    /// `getGasLeft`: a constant, so that `run(n)` of `hostcall` is known.
    pub const GAS_LEFT: i64 = 1_000;

    /// `getCallDataSize`.
    pub fn call_data_size(&self) -> u32 {
        self.data.len() as u32
    }

    /// `getCaller`.
    ///
    /// # Errors
    /// [`Stop::OutOfBounds`], like every function here.
    pub fn caller(&self, memory: &mut [u8], result: u32) -> Answer {
        write(memory, result, &self.caller)
    }

    /// `callDataCopy`.
    pub fn call_data_copy(&self, memory: &mut [u8], result: u32, from: u32, len: u32) -> Answer {
        write(memory, result, slice(&self.data, from, len as usize)?)
    }

    /// `storageLoad`. The first key ever touched holds 0xff at byte 16: the caller has a balance.
    pub fn storage_load(&mut self, memory: &mut [u8], key: u32, result: u32) -> Answer {
        let key = word(memory, key)?;
        let first = self.storage.is_empty();
        let value = *self.storage.entry(key).or_insert_with(|| {
            let mut value = [0; 32];
            value[16] = if first { 0xff } else { 0 };
            value
        });
        write(memory, result, &value)
    }

    /// `storageStore`.
    pub fn storage_store(&mut self, memory: &[u8], key: u32, value: u32) -> Answer {
        self.storage.insert(word(memory, key)?, word(memory, value)?);
        Ok(())
    }

    /// `getCallValue`: nothing.
    pub fn call_value(&self, memory: &mut [u8], result: u32) -> Answer {
        write(memory, result, &[0; 16])
    }

    /// `callStatic`, to the Keccak-256 precompile at address 9 and nobody else. The answer is the status: 0 for success.
    pub fn call_static(&mut self, memory: &[u8], address: u32, data: u32, len: u32) -> Answer<u32> {
        let mut keccak_at_9 = [0; 20];
        keccak_at_9[19] = 9;
        if slice(memory, address, 20)? != keccak_at_9 {
            return Ok(1);
        }
        let mut keccak = Keccak::v256();
        keccak.update(slice(memory, data, len as usize)?);
        keccak.finalize(&mut self.returned);
        Ok(0)
    }

    /// `returnDataCopy`.
    pub fn return_data_copy(&self, memory: &mut [u8], result: u32, from: u32, len: u32) -> Answer {
        write(memory, result, slice(&self.returned, from, len as usize)?)
    }

    /// `log` looks at its data and keeps nothing.
    pub fn log(&self, memory: &[u8], data: u32, len: u32) -> Answer {
        slice(memory, data, len as usize).map(|_| ())
    }

    /// `finish`.
    pub fn finish(&mut self, memory: &[u8], data: u32, len: u32) -> Answer {
        let data = slice(memory, data, len as usize)?;
        if !self.contract {
            return Ok(());
        }
        self.output = Some(data.into());
        Err(Stop::Finished)
    }

    /// `revert`.
    pub fn revert(&self) -> Answer {
        Err(Stop::Reverted)
    }
}

//! The `ethereum` functions that the kernels import, as their README specifies them: one state for every engine.

use alloc::collections::BTreeMap;

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
}

/// A pointer or length outside memory.
#[derive(Debug)]
pub struct OutOfBounds;

impl core::fmt::Display for OutOfBounds {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("a kernel's pointer is outside its memory")
    }
}

impl core::error::Error for OutOfBounds {}

/// What a host function of the kernels returns.
pub type Answer<T = ()> = Result<T, OutOfBounds>;

impl Default for KernelHost {
    fn default() -> Self {
        Self { data: call_data(), caller: core::array::from_fn(|i| i as u8 + 1), storage: BTreeMap::new() }
    }
}

fn slice(memory: &[u8], at: u32, len: usize) -> Answer<&[u8]> {
    memory.get(at as usize..).and_then(|m| m.get(..len)).ok_or(OutOfBounds)
}

fn write(memory: &mut [u8], at: u32, bytes: &[u8]) -> Answer {
    memory.get_mut(at as usize..).and_then(|m| m.get_mut(..bytes.len())).ok_or(OutOfBounds)?.copy_from_slice(bytes);
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
    /// [`OutOfBounds`], like every function here.
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

    /// `log` and `finish` look at their data and keep nothing.
    pub fn data(&self, memory: &[u8], data: u32, len: u32) -> Answer {
        slice(memory, data, len as usize).map(|_| ())
    }
}

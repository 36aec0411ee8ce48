//! Module `debug`: prints for developers. Never linked on a live chain; costs nothing, changes nothing.

use super::Eei;
use crate::contract::types::Bytes32;
use crate::embed::Guest;
use crate::error::{Stop, Trap};
use alloc::format;
use alloc::string::String;
use core::fmt::{self, Write as _};

/// Bytes of a word on the stack of an EVM interpreter.
const WORD: u32 = 32;
/// Words on such a stack, at most.
const MAX_STACK: u32 = 1_024;

/// Bytes as hexadecimal digits.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Eei<'_> {
    fn print(&self, what: fmt::Arguments<'_>) {
        if let Some(sink) = &self.options.debug {
            sink(&format!("[{}] DEBUG {what}", self.message.depth));
        }
    }

    pub(super) fn print_32(&mut self, _: &mut Guest<'_>, value: u32) -> Result<(), Stop> {
        self.print(format_args!("print32: {} 0x{value:x}", value as i32));
        Ok(())
    }

    pub(super) fn print_64(&mut self, _: &mut Guest<'_>, value: u64) -> Result<(), Stop> {
        self.print(format_args!("print64: {} 0x{value:x}", value as i64));
        Ok(())
    }

    pub(super) fn print_memory(&mut self, guest: &mut Guest<'_>, data: u32, length: u32) -> Result<(), Stop> {
        let bytes = guest.slice(data, length)?;
        if !bytes.is_empty() {
            self.print(format_args!("printMem: {}", String::from_utf8_lossy(bytes)));
        }
        Ok(())
    }

    pub(super) fn print_memory_hex(&mut self, guest: &mut Guest<'_>, data: u32, length: u32) -> Result<(), Stop> {
        let bytes = guest.slice(data, length)?;
        if !bytes.is_empty() {
            self.print(format_args!("printMemHex: {}", Hex(bytes)));
        }
        Ok(())
    }

    /// The stored value; reading it marks nothing warm, so that a print cannot change a bill.
    fn stored(&mut self, guest: &Guest<'_>, path: u32) -> Result<Bytes32, Stop> {
        let key = Bytes32::from(guest.read::<32>(path)?);
        Ok(self.host.storage(&self.message.recipient, &key)?)
    }

    pub(super) fn print_storage(&mut self, guest: &mut Guest<'_>, path: u32) -> Result<(), Stop> {
        let value = self.stored(guest, path)?;
        self.print(format_args!("printStorage: {}", String::from_utf8_lossy(value.as_bytes())));
        Ok(())
    }

    pub(super) fn print_storage_hex(&mut self, guest: &mut Guest<'_>, path: u32) -> Result<(), Stop> {
        let value = self.stored(guest, path)?;
        self.print(format_args!("printStorageHex: {}", Hex(value.as_bytes())));
        Ok(())
    }

    /// A negative `stack` means that there is nothing on the stack; else it is the offset of the topmost word.
    pub(super) fn evm_trace(
        &mut self,
        guest: &mut Guest<'_>,
        pc: u32,
        opcode: u32,
        cost: u32,
        stack: u32,
    ) -> Result<(), Stop> {
        let words = if (stack as i32) < 0 { 0 } else { stack / WORD + 1 };
        if words > MAX_STACK {
            return Err(Trap::ArgumentOutOfRange.into());
        }
        let memory = guest.slice(0, words * WORD)?;
        let mut list = String::new();
        for (i, word) in memory.chunks(WORD as usize).enumerate() {
            // Words are little-endian there, as all numbers in Wasm memory.
            let comma = if i == 0 { "" } else { "," };
            let digits: String = word.iter().rev().map(|byte| format!("{byte:02x}")).collect();
            // Writing to a String never fails.
            let _ = write!(list, "{comma}\"0x{digits}\"");
        }
        if let Some(sink) = &self.options.debug {
            sink(&format!(
                "{{\"depth\":{},\"gas\":{},\"gasCost\":{cost},\"op\":{opcode},\"pc\":{pc},\"stack\":[{list}]}}",
                self.message.depth,
                guest.meter.left().0,
            ));
        }
        Ok(())
    }
}

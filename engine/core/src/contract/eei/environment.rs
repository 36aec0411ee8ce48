//! What the message, the block and other accounts say.

use super::{Eei, narrow, read_address, write_value};
use crate::contract::types::TxContext;
use crate::embed::Guest;
use crate::error::Stop;

/// How far back `getBlockHash` reaches.
const RECENT_BLOCKS: u64 = 256;

impl Eei<'_> {
    /// Block and transaction, asked of the host once a frame.
    pub(super) fn context(&mut self) -> Result<&TxContext, Stop> {
        if self.context.is_none() {
            self.context = Some(self.host.tx_context()?);
        }
        Ok(self.context.as_ref().expect("it was just put there"))
    }

    pub(super) fn use_gas(&mut self, _: &mut Guest<'_>, _amount: u64) -> Result<(), Stop> {
        // The row's price by argument has taken it.
        Ok(())
    }

    pub(super) fn gas_left(&mut self, guest: &mut Guest<'_>) -> Result<u64, Stop> {
        Ok(guest.meter.left().0)
    }

    pub(super) fn address(&mut self, guest: &mut Guest<'_>, result: u32) -> Result<(), Stop> {
        guest.write(result, self.message.recipient.as_bytes())
    }

    pub(super) fn caller(&mut self, guest: &mut Guest<'_>, result: u32) -> Result<(), Stop> {
        guest.write(result, self.message.sender.as_bytes())
    }

    pub(super) fn call_value(&mut self, guest: &mut Guest<'_>, result: u32) -> Result<(), Stop> {
        guest.check(result, 16)?;
        write_value(guest, result, self.message.value)
    }

    pub(super) fn external_balance(&mut self, guest: &mut Guest<'_>, address: u32, result: u32) -> Result<(), Stop> {
        let address = read_address(guest, address)?;
        guest.check(result, 16)?;
        self.touch(guest, &address)?;
        let balance = self.host.balance(&address)?;
        write_value(guest, result, balance)
    }

    pub(super) fn self_balance(&mut self, guest: &mut Guest<'_>, result: u32) -> Result<(), Stop> {
        guest.check(result, 16)?;
        let balance = self.host.balance(&self.message.recipient)?;
        write_value(guest, result, balance)
    }

    /// 0: written; 1: the host has no such hash, memory is as before.
    pub(super) fn block_hash(&mut self, guest: &mut Guest<'_>, number: u64, result: u32) -> Result<u32, Stop> {
        guest.check(result, 32)?;
        let current = self.context()?.number as u64;
        if number >= current || current - number > RECENT_BLOCKS {
            return Ok(1);
        }
        // Below the current number, which is an i64.
        let hash = self.host.block_hash(number as i64)?;
        if hash.is_zero() {
            return Ok(1);
        }
        guest.write(result, hash.as_bytes())?;
        Ok(0)
    }

    pub(super) fn block_coinbase(&mut self, guest: &mut Guest<'_>, result: u32) -> Result<(), Stop> {
        guest.check(result, 20)?;
        guest.write(result, self.context()?.coinbase.as_bytes())
    }

    pub(super) fn block_difficulty(&mut self, guest: &mut Guest<'_>, result: u32) -> Result<(), Stop> {
        guest.check(result, 32)?;
        guest.write(result, &self.context()?.prev_randao.to_little_endian())
    }

    pub(super) fn block_gas_limit(&mut self, _: &mut Guest<'_>) -> Result<u64, Stop> {
        Ok(self.context()?.gas_limit as u64)
    }

    pub(super) fn block_number(&mut self, _: &mut Guest<'_>) -> Result<u64, Stop> {
        Ok(self.context()?.number as u64)
    }

    pub(super) fn block_timestamp(&mut self, _: &mut Guest<'_>) -> Result<u64, Stop> {
        Ok(self.context()?.timestamp as u64)
    }

    pub(super) fn gas_price(&mut self, guest: &mut Guest<'_>, result: u32) -> Result<(), Stop> {
        guest.check(result, 16)?;
        write_value(guest, result, self.context()?.gas_price)
    }

    pub(super) fn origin(&mut self, guest: &mut Guest<'_>, result: u32) -> Result<(), Stop> {
        guest.check(result, 20)?;
        guest.write(result, self.context()?.origin.as_bytes())
    }

    pub(super) fn chain_id(&mut self, guest: &mut Guest<'_>, result: u32) -> Result<(), Stop> {
        guest.check(result, 16)?;
        write_value(guest, result, self.context()?.chain_id)
    }

    pub(super) fn base_fee(&mut self, guest: &mut Guest<'_>, result: u32) -> Result<(), Stop> {
        guest.check(result, 16)?;
        write_value(guest, result, self.context()?.base_fee)
    }

    pub(super) fn blob_base_fee(&mut self, guest: &mut Guest<'_>, result: u32) -> Result<(), Stop> {
        guest.check(result, 16)?;
        write_value(guest, result, self.context()?.blob_base_fee)
    }

    /// Whether our balance covers `value`; a balance beyond 128 bits cannot be compared and ends the frame.
    pub(super) fn can_pay(&mut self, value: crate::contract::types::U256) -> Result<bool, Stop> {
        if value.is_zero() {
            return Ok(true);
        }
        let balance = self.host.balance(&self.message.recipient)?;
        Ok(narrow(value)? <= narrow(balance)?)
    }
}

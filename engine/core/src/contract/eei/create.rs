//! `create` and `create2`.

use super::calls::{Data, FAILURE, SUCCESS};
use super::prices::{KECCAK_WORD, words};
use super::{Eei, read_value};
use crate::contract::execute::Compat;
use crate::contract::types::{Address, Bytes32, CallKind, Message, U256};
use crate::embed::Guest;
use crate::error::{Fault, Stop, Trap};
use crate::gas::Gas;
use crate::limits::MESSAGE_DEPTH;

impl Eei<'_> {
    pub(super) fn create(
        &mut self,
        guest: &mut Guest<'_>,
        value: u32,
        data: u32,
        length: u32,
        result: u32,
    ) -> Result<u32, Stop> {
        guest.charge(Gas(self.prices.init_word * words(length)))?;
        let value = self.endowment(guest, value)?;
        let data = Data::check(guest, data, length)?;
        self.message_create(guest, CallKind::Create, value, data, Bytes32::zero(), result)
    }

    pub(super) fn create2(
        &mut self,
        guest: &mut Guest<'_>,
        value: u32,
        data: u32,
        length: u32,
        salt: u32,
        result: u32,
    ) -> Result<u32, Stop> {
        guest.charge(Gas((self.prices.init_word + KECCAK_WORD) * words(length)))?;
        let value = self.endowment(guest, value)?;
        let data = Data::check(guest, data, length)?;
        let mut salt = guest.read::<32>(salt)?;
        if self.options.compat == Compat::Ssvm {
            salt.reverse();
        }
        self.message_create(guest, CallKind::Create2, value, data, Bytes32::from(salt), result)
    }

    /// The value, then the static check: a creation always writes.
    fn endowment(&mut self, guest: &mut Guest<'_>, value: u32) -> Result<U256, Stop> {
        let value = read_value(guest, value)?;
        if self.message.is_static {
            return Err(Trap::StaticViolation.into());
        }
        Ok(value)
    }

    fn message_create(
        &mut self,
        guest: &mut Guest<'_>,
        kind: CallKind,
        value: U256,
        data: Data,
        salt: Bytes32,
        result: u32,
    ) -> Result<u32, Stop> {
        // Before the host: a bad pointer must not end the frame after the account exists.
        guest.check(result, 20)?;
        if self.message.depth >= MESSAGE_DEPTH || !self.can_pay(value)? {
            self.return_data.clear();
            return Ok(FAILURE);
        }
        let left = guest.meter.left().0;
        let forwarded = (left - left / 64).min(i64::MAX as u64);
        guest.charge(Gas(forwarded))?;
        let gas = forwarded as i64;
        let outcome = self.host.call(&Message {
            kind,
            is_static: false,
            depth: self.message.depth + 1,
            gas,
            recipient: Address::zero(),
            sender: self.message.recipient,
            code_address: Address::zero(),
            input: data.of(guest)?,
            value,
            salt,
        })?;
        let status = self.settle(guest, &outcome, gas)?;
        if status == SUCCESS {
            let created = outcome.create_address.ok_or(Fault::Host("a creation without an address"))?;
            guest.write(result, created.as_bytes())?;
            self.return_data.clear();
        } else {
            self.return_data = outcome.output;
        }
        Ok(status)
    }
}

//! `call`, `callCode`, `callDelegate`, `callStatic`.

use super::prices::{NEW_ACCOUNT, STIPEND, VALUE, words};
use super::{Eei, read_address, read_value};
use crate::contract::types::{Address, Bytes32, CallKind, H160, Message, Outcome, StatusCode, U256};
use crate::embed::Guest;
use crate::error::{Fault, Stop, Trap};
use crate::gas::{Gas, Schedule};
use crate::limits::MESSAGE_DEPTH;

/// What the guest sees of a nested message.
pub(super) const SUCCESS: u32 = 0;
/// Every other end than success and revert, those of a broken machine included.
pub(super) const FAILURE: u32 = 1;
const REVERT: u32 = 2;

/// The keccak256 service of the Ewasm design.
const KECCAK_ADDRESS: Address = H160([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);

/// Which of the four functions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flavour {
    Call,
    Code,
    Delegate,
    Static,
}

/// Where call data is; an empty range lies anywhere, as compilers pass arbitrary offsets then.
#[derive(Clone, Copy)]
pub(super) struct Data {
    pointer: u32,
    length: u32,
}

impl Data {
    pub(super) fn check(guest: &Guest<'_>, pointer: u32, length: u32) -> Result<Self, Stop> {
        let pointer = if length == 0 { 0 } else { pointer };
        guest.check(pointer, length)?;
        Ok(Self { pointer, length })
    }

    pub(super) fn of<'g>(self, guest: &'g Guest<'_>) -> Result<&'g [u8], Stop> {
        guest.slice(self.pointer, self.length)
    }
}

impl Eei<'_> {
    pub(super) fn call_account(
        &mut self,
        guest: &mut Guest<'_>,
        gas: u64,
        address: u32,
        value: u32,
        data: u32,
        length: u32,
    ) -> Result<u32, Stop> {
        let value = read_value(guest, value)?;
        if self.message.is_static && !value.is_zero() {
            return Err(Trap::StaticViolation.into());
        }
        self.message_call(guest, Flavour::Call, gas, address, value, data, length)
    }

    pub(super) fn call_code(
        &mut self,
        guest: &mut Guest<'_>,
        gas: u64,
        address: u32,
        value: u32,
        data: u32,
        length: u32,
    ) -> Result<u32, Stop> {
        let value = read_value(guest, value)?;
        self.message_call(guest, Flavour::Code, gas, address, value, data, length)
    }

    pub(super) fn call_delegate(
        &mut self,
        guest: &mut Guest<'_>,
        gas: u64,
        address: u32,
        data: u32,
        length: u32,
    ) -> Result<u32, Stop> {
        self.message_call(guest, Flavour::Delegate, gas, address, U256::zero(), data, length)
    }

    /// Address 9 answers here with keccak256 when the option says so: no message, no forwarding rule, no depth. Only
    /// static calls do, as in SSVM; other kinds reach the host, which may serve the address as a precompile.
    pub(super) fn call_static(
        &mut self,
        guest: &mut Guest<'_>,
        gas: u64,
        address: u32,
        data: u32,
        length: u32,
    ) -> Result<u32, Stop> {
        if self.keccak_at_9 && read_address(guest, address)? == KECCAK_ADDRESS {
            let data = Data::check(guest, data, length)?;
            let (at_once, a_word) = self.prices.keccak_at_9;
            guest.charge(Gas(at_once.0 + a_word * words(length)))?;
            let hash = self.hashes.keccak256(data.of(guest)?);
            self.return_data.clear();
            self.return_data.extend_from_slice(hash.as_bytes());
            return Ok(SUCCESS);
        }
        self.message_call(guest, Flavour::Static, gas, address, U256::zero(), data, length)
    }

    /// The common part, from pointers to result. `value` is what moves: zero for delegate and static calls.
    #[allow(clippy::too_many_arguments)] // The guest's function has that many.
    fn message_call(
        &mut self,
        guest: &mut Guest<'_>,
        flavour: Flavour,
        gas: u64,
        address: u32,
        value: U256,
        data: u32,
        length: u32,
    ) -> Result<u32, Stop> {
        let target = read_address(guest, address)?;
        let data = Data::check(guest, data, length)?;
        self.touch(guest, &target)?;
        if !self.is_affordable(guest, flavour, &target, value)? {
            self.return_data.clear();
            // As the EVM does: the caller, who has paid for the transfer, keeps the stipend that nobody used.
            if self.options.schedule == Schedule::V1 && !value.is_zero() {
                guest.meter.give_back(Gas(STIPEND));
            }
            return Ok(FAILURE);
        }
        let left = guest.meter.left().0;
        let forwarded = gas.min(left - left / 64);
        guest.charge(Gas(forwarded))?;
        // `gas` is at most i64::MAX, the row has checked that.
        let stipend = if value.is_zero() { 0 } else { STIPEND };
        let gas = forwarded.saturating_add(stipend).min(i64::MAX as u64) as i64;

        let me = self.message.recipient;
        let (kind, sender, recipient, value) = match flavour {
            Flavour::Call | Flavour::Static => (CallKind::Call, me, target, value),
            Flavour::Code => (CallKind::CallCode, me, me, value),
            Flavour::Delegate => (CallKind::DelegateCall, self.message.sender, me, self.message.value),
        };
        let outcome = self.host.call(&Message {
            kind,
            is_static: self.message.is_static || flavour == Flavour::Static,
            depth: self.message.depth + 1,
            gas,
            recipient,
            sender,
            code_address: target,
            input: data.of(guest)?,
            value,
            salt: Bytes32::zero(),
        })?;
        let result = self.settle(guest, &outcome, gas)?;
        self.return_data = outcome.output;
        Ok(result)
    }

    /// Charges of a call that moves value, and the two light failures, in the schedule's order. False: result 1.
    fn is_affordable(
        &mut self,
        guest: &mut Guest<'_>,
        flavour: Flavour,
        target: &Address,
        value: U256,
    ) -> Result<bool, Stop> {
        let deep = self.message.depth >= MESSAGE_DEPTH;
        if value.is_zero() {
            return Ok(!deep);
        }
        if self.options.schedule == Schedule::Ewasm {
            // Hera: a call that fails lightly does not pay for what it would have done.
            if deep {
                return Ok(false);
            }
            guest.charge(VALUE)?;
            if !self.can_pay(value)? {
                return Ok(false);
            }
            self.charge_new_account(guest, flavour, target)?;
            return Ok(true);
        }
        guest.charge(VALUE)?;
        self.charge_new_account(guest, flavour, target)?;
        Ok(!deep && self.can_pay(value)?)
    }

    /// EIP-161: value that goes to an account that does not exist.
    fn charge_new_account(&mut self, guest: &mut Guest<'_>, flavour: Flavour, target: &Address) -> Result<(), Stop> {
        if flavour == Flavour::Call && !self.host.account_exists(target)? {
            guest.charge(NEW_ACCOUNT)?;
        }
        Ok(())
    }

    /// Takes back what a nested message left of `given`, counts its refund, and is what the guest sees of its status.
    pub(super) fn settle(&mut self, guest: &mut Guest<'_>, outcome: &Outcome, given: i64) -> Result<u32, Stop> {
        if outcome.gas_left < 0 {
            return Err(Fault::Host("negative gas left").into());
        }
        guest.meter.give_back(Gas(outcome.gas_left.min(given) as u64));
        Ok(match outcome.status {
            StatusCode::Success => {
                self.add_refund(outcome.gas_refund);
                SUCCESS
            }
            StatusCode::Revert => REVERT,
            _ => FAILURE,
        })
    }
}

//! Functions that end the frame.

use super::prices::{NEW_ACCOUNT, Writes};
use super::{Eei, read_address};
use crate::contract::types::Access;
use crate::embed::Guest;
use crate::error::{Halt, Stop};

impl Eei<'_> {
    pub(super) fn finish(&mut self, guest: &mut Guest<'_>, data: u32, length: u32) -> Result<(), Stop> {
        self.output = guest.slice(data, length)?.to_vec();
        Err(Halt::Finish.into())
    }

    pub(super) fn revert(&mut self, guest: &mut Guest<'_>, data: u32, length: u32) -> Result<(), Stop> {
        self.output = guest.slice(data, length)?.to_vec();
        Err(Halt::Revert.into())
    }

    pub(super) fn self_destruct(&mut self, guest: &mut Guest<'_>, address: u32) -> Result<(), Stop> {
        let beneficiary = read_address(guest, address)?;
        let owner = self.message.recipient;
        if let Some(prices) = self.prices.access
            && self.host.access_account(&beneficiary)? == Some(Access::Cold)
        {
            guest.charge(prices.beneficiary)?;
        }
        // EIP-161 charges for a new account only when something is given to it; the fixed schedules, as hera, always.
        let gives = self.prices.writes == Writes::Fixed || !self.host.balance(&owner)?.is_zero();
        if gives && !self.host.account_exists(&beneficiary)? {
            guest.charge(NEW_ACCOUNT)?;
        }
        if self.host.self_destruct(&owner, &beneficiary)? {
            self.add_refund(self.prices.self_destruct_refund);
        }
        Err(Halt::SelfDestruct.into())
    }
}

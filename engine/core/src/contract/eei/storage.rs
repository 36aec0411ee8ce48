//! Persistent and transient storage.

use super::Eei;
use super::prices::{NET_ISTANBUL, STORE_ADDED, Writes, store_cost, store_refund};
use crate::contract::types::{Access, Bytes32};
use crate::embed::Guest;
use crate::error::{Stop, Trap};
use crate::gas::Gas;

impl Eei<'_> {
    pub(super) fn storage_load(&mut self, guest: &mut Guest<'_>, path: u32, result: u32) -> Result<(), Stop> {
        let key = Bytes32::from(guest.read::<32>(path)?);
        guest.check(result, 32)?;
        let owner = self.message.recipient;
        if let Some(prices) = self.prices.access {
            match self.host.access_storage(&owner, &key)? {
                Some(Access::Warm) => {}
                Some(Access::Cold) => guest.charge(prices.slot)?,
                None => guest.charge(prices.unknown_slot)?,
            }
        }
        let value = self.host.storage(&owner, &key)?;
        guest.write(result, value.as_bytes())
    }

    pub(super) fn storage_store(&mut self, guest: &mut Guest<'_>, path: u32, value: u32) -> Result<(), Stop> {
        let key = Bytes32::from(guest.read::<32>(path)?);
        let value = Bytes32::from(guest.read::<32>(value)?);
        let owner = self.message.recipient;
        let sentry = self.prices.store_sentry;
        if sentry > Gas(0) && guest.meter.left() <= sentry {
            return Err(Trap::OutOfGas.into());
        }
        let mut refunds = self.prices.refunds;
        let mut writes = self.prices.writes;
        if let Some(prices) = self.prices.access {
            match self.host.access_storage(&owner, &key)? {
                Some(Access::Warm) => {}
                Some(Access::Cold) => guest.charge(prices.written_slot)?,
                // A host older than EIP-2929: Istanbul's numbers.
                None => (refunds, writes) = (Some(NET_ISTANBUL), Writes::Net(NET_ISTANBUL)),
            }
        }
        if writes == Writes::Fixed && !value.is_zero() && self.host.storage(&owner, &key)?.is_zero() {
            guest.charge(STORE_ADDED)?;
        }
        let status = self.host.set_storage(&owner, &key, &value)?;
        // The write has happened when its price is known: a frame that cannot pay is rolled back by the host.
        match writes {
            Writes::Fixed => {}
            Writes::Legacy => guest.charge(store_cost(None, status))?,
            Writes::Net(net) => guest.charge(store_cost(Some(net), status))?,
        }
        self.add_refund(store_refund(refunds, status));
        Ok(())
    }

    pub(super) fn transient_load(&mut self, guest: &mut Guest<'_>, path: u32, result: u32) -> Result<(), Stop> {
        let key = Bytes32::from(guest.read::<32>(path)?);
        guest.check(result, 32)?;
        let value = self.host.transient_storage(&self.message.recipient, &key)?;
        guest.write(result, value.as_bytes())
    }

    pub(super) fn transient_store(&mut self, guest: &mut Guest<'_>, path: u32, value: u32) -> Result<(), Stop> {
        let key = Bytes32::from(guest.read::<32>(path)?);
        let value = Bytes32::from(guest.read::<32>(value)?);
        Ok(self.host.set_transient_storage(&self.message.recipient, &key, &value)?)
    }
}

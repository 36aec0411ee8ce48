//! Events.

use super::Eei;
use super::prices::{LOG, LOG_BYTE};
use crate::contract::types::Bytes32;
use crate::embed::Guest;
use crate::error::{Stop, Trap};
use crate::gas::Gas;
use crate::limits::MAX_LOG_TOPICS;

/// 375 a topic and 8 a byte. More than four topics end the frame before their price is known: it could wrap.
pub(super) fn price(topics: u32, length: u32) -> Result<Gas, Stop> {
    if topics > MAX_LOG_TOPICS {
        return Err(Trap::ArgumentOutOfRange.into());
    }
    Ok(Gas(LOG.0 * u64::from(topics) + LOG_BYTE * u64::from(length)))
}

impl Eei<'_> {
    /// Only the first `topics` pointers mean anything; the others may be garbage.
    #[allow(clippy::too_many_arguments)] // The guest's function has that many.
    pub(super) fn emit_log(
        &mut self,
        guest: &mut Guest<'_>,
        data: u32,
        length: u32,
        topics: u32,
        topic1: u32,
        topic2: u32,
        topic3: u32,
        topic4: u32,
    ) -> Result<(), Stop> {
        let data = guest.slice(data, length)?;
        let mut values = [Bytes32::zero(); MAX_LOG_TOPICS as usize];
        let used = &mut values[..topics as usize];
        for (value, pointer) in used.iter_mut().zip([topic1, topic2, topic3, topic4]) {
            *value = Bytes32::from(guest.read::<32>(pointer)?);
        }
        Ok(self.host.log(&self.message.recipient, data, used)?)
    }
}

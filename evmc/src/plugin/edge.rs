//! An EVMC host as the engine's [`Host`].
//!
//! What a host cannot mean is a [`Fault`], and the frame ends with INTERNAL_ERROR: a missing function, an unknown storage
//! or access status, negative gas left, output that is NULL and has a size, more code than was asked for. Gas left above
//! what was given counts as what was given. Statuses of calls that we do not know are failures.

use crate::abi::Abi;
use crate::abi::layout::{AccessPart, Destroyed, HostTable, TransientPart, Word};
use crate::convert;
use crate::results::take_result;
use gristmill::Fault;
use gristmill::contract::{Access, Address, Bytes32, Host, Message, Outcome, StorageStatus, TxContext, U256};
use gristmill::limits::MAX_LOG_TOPICS;
use std::ffi::{c_int, c_void};

/// The host of one execution.
pub(super) struct EvmcHost<'h, A: Abi> {
    table: &'h HostTable<A>,
    /// Not ours to look at; may be NULL.
    context: *mut c_void,
}

impl<'h, A: Abi> EvmcHost<'h, A> {
    pub(super) fn new(table: &'h HostTable<A>, context: *mut c_void) -> Self {
        Self { table, context }
    }
}

/// A function of the table.
fn present<F: Copy>(function: Option<F>) -> Result<F, Fault> {
    function.ok_or(Fault::Host("a function of the host is NULL"))
}

fn access(number: c_int) -> Result<Option<Access>, Fault> {
    match number {
        0 => Ok(Some(Access::Cold)),
        1 => Ok(Some(Access::Warm)),
        _ => Err(Fault::Host("an unknown access status")),
    }
}

// SAFETY of the calls below: a function of the table is called with the context that came with the table, and with
// pointers to values of ours that live for the time of the call. That the functions do what EVMC says is the host's part.
impl<A: Abi> Host for EvmcHost<'_, A> {
    fn account_exists(&mut self, address: &Address) -> Result<bool, Fault> {
        let function = present(self.table.account_exists)?;
        // SAFETY: see above the impl.
        Ok(unsafe { function(self.context, &address.0) } != 0)
    }

    fn storage(&mut self, address: &Address, key: &Bytes32) -> Result<Bytes32, Fault> {
        let function = present(self.table.get_storage)?;
        // SAFETY: see above the impl.
        Ok(unsafe { function(self.context, &address.0, &Word::from(key)) }.bytes())
    }

    fn set_storage(&mut self, address: &Address, key: &Bytes32, value: &Bytes32) -> Result<StorageStatus, Fault> {
        let function = present(self.table.set_storage)?;
        // SAFETY: see above the impl.
        let status = unsafe { function(self.context, &address.0, &Word::from(key), &Word::from(value)) };
        convert::read_storage_status::<A>(status)
    }

    /// Zero where the ABI has no such storage: nothing can have been written.
    fn transient_storage(&mut self, address: &Address, key: &Bytes32) -> Result<Bytes32, Fault> {
        let Some(functions) = self.table.transient.functions() else { return Ok(Bytes32::zero()) };
        let function = present(functions.get_transient_storage)?;
        // SAFETY: see above the impl.
        Ok(unsafe { function(self.context, &address.0, &Word::from(key)) }.bytes())
    }

    fn set_transient_storage(&mut self, address: &Address, key: &Bytes32, value: &Bytes32) -> Result<(), Fault> {
        let functions = self.table.transient.functions();
        let functions = functions.ok_or(Fault::Host("no transient storage below ABI 11"))?;
        let function = present(functions.set_transient_storage)?;
        // SAFETY: see above the impl.
        unsafe { function(self.context, &address.0, &Word::from(key), &Word::from(value)) };
        Ok(())
    }

    fn balance(&mut self, address: &Address) -> Result<U256, Fault> {
        let function = present(self.table.get_balance)?;
        // SAFETY: see above the impl.
        Ok(unsafe { function(self.context, &address.0) }.number())
    }

    fn code_size(&mut self, address: &Address) -> Result<usize, Fault> {
        let function = present(self.table.get_code_size)?;
        // SAFETY: see above the impl.
        Ok(unsafe { function(self.context, &address.0) })
    }

    fn code_hash(&mut self, address: &Address) -> Result<Bytes32, Fault> {
        let function = present(self.table.get_code_hash)?;
        // SAFETY: see above the impl.
        Ok(unsafe { function(self.context, &address.0) }.bytes())
    }

    fn copy_code(&mut self, address: &Address, offset: usize, buffer: &mut [u8]) -> Result<usize, Fault> {
        let function = present(self.table.copy_code)?;
        // SAFETY: see above the impl; the buffer is writable for its length.
        let copied = unsafe { function(self.context, &address.0, offset, buffer.as_mut_ptr(), buffer.len()) };
        if copied > buffer.len() {
            return Err(Fault::Host("more code than was asked for"));
        }
        Ok(copied)
    }

    fn self_destruct(&mut self, address: &Address, beneficiary: &Address) -> Result<bool, Fault> {
        let function = present(self.table.selfdestruct)?;
        // SAFETY: see above the impl.
        Ok(unsafe { function(self.context, &address.0, &beneficiary.0) }.is_first())
    }

    fn call(&mut self, message: &Message<'_>) -> Result<Outcome, Fault> {
        let function = present(self.table.call)?;
        // Up to ABI 9 the one address of a message to the host is that of the code; whose state it is, the host knows.
        let destination = if A::RENUMBERED { &message.recipient } else { &message.code_address };
        let raw = convert::write_message::<A>(message, destination);
        // SAFETY: see above the impl; the message's input is the caller's and lives as long.
        unsafe { take_result(function(self.context, &raw), message.kind) }
    }

    fn tx_context(&mut self) -> Result<TxContext, Fault> {
        let function = present(self.table.get_tx_context)?;
        // SAFETY: see above the impl.
        Ok(convert::read_context::<A>(&unsafe { function(self.context) }))
    }

    fn block_hash(&mut self, number: i64) -> Result<Bytes32, Fault> {
        let function = present(self.table.get_block_hash)?;
        // SAFETY: see above the impl.
        Ok(unsafe { function(self.context, number) }.bytes())
    }

    fn log(&mut self, address: &Address, data: &[u8], topics: &[Bytes32]) -> Result<(), Fault> {
        let function = present(self.table.emit_log)?;
        let mut words = [Word([0; 32]); MAX_LOG_TOPICS as usize];
        let words = words.get_mut(..topics.len()).ok_or(Fault::Internal("a log of more topics than there are"))?;
        words.iter_mut().zip(topics).for_each(|(word, topic)| *word = Word::from(topic));
        let data_pointer = convert::pointer(data);
        // SAFETY: see above the impl.
        unsafe { function(self.context, &address.0, data_pointer, data.len(), words.as_ptr(), words.len()) };
        Ok(())
    }

    fn access_account(&mut self, address: &Address) -> Result<Option<Access>, Fault> {
        let Some(functions) = self.table.access.functions() else { return Ok(None) };
        let function = present(functions.access_account)?;
        // SAFETY: see above the impl.
        access(unsafe { function(self.context, &address.0) })
    }

    fn access_storage(&mut self, address: &Address, key: &Bytes32) -> Result<Option<Access>, Fault> {
        let Some(functions) = self.table.access.functions() else { return Ok(None) };
        let function = present(functions.access_storage)?;
        // SAFETY: see above the impl.
        access(unsafe { function(self.context, &address.0, &Word::from(key)) })
    }
}

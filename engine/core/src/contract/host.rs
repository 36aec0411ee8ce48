//! The small door to chain state. EVMC edge, pallet, journal and tests implement it and nothing more.

use super::types::{Access, Address, Bytes32, Message, Outcome, Revision, StorageStatus, TxContext, U256};
use crate::error::Fault;
use alloc::sync::Arc;

/// State-shaped access to a chain: EVMC's host functions in our types.
///
/// A method fails only when the host itself is broken; what the guest may see (missing accounts, failed calls) is a value.
pub trait Host {
    /// Whether the account exists (not empty, from Spurious Dragon on).
    fn account_exists(&mut self, address: &Address) -> Result<bool, Fault>;
    /// The value under `key`; zero when there is none.
    fn storage(&mut self, address: &Address, key: &Bytes32) -> Result<Bytes32, Fault>;
    /// Writes `value` under `key` and tells what that did.
    fn set_storage(&mut self, address: &Address, key: &Bytes32, value: &Bytes32) -> Result<StorageStatus, Fault>;
    /// The transient value under `key` (EIP-1153).
    fn transient_storage(&mut self, address: &Address, key: &Bytes32) -> Result<Bytes32, Fault>;
    /// Writes a transient value.
    fn set_transient_storage(&mut self, address: &Address, key: &Bytes32, value: &Bytes32) -> Result<(), Fault>;
    /// Balance in wei.
    fn balance(&mut self, address: &Address) -> Result<U256, Fault>;
    /// Bytes of code; 0 for a missing account.
    fn code_size(&mut self, address: &Address) -> Result<usize, Fault>;
    /// keccak256 of the code; zero for a missing account.
    fn code_hash(&mut self, address: &Address) -> Result<Bytes32, Fault>;
    /// Copies code from `offset` into `buffer` and returns how many bytes there were.
    fn copy_code(&mut self, address: &Address, offset: usize, buffer: &mut [u8]) -> Result<usize, Fault>;
    /// Registers `address` for destruction in favour of `beneficiary`; true when it was not registered before.
    fn self_destruct(&mut self, address: &Address, beneficiary: &Address) -> Result<bool, Fault>;
    /// Runs a nested message and returns its result; moves value, creates accounts, rolls back failures.
    fn call(&mut self, message: &Message<'_>) -> Result<Outcome, Fault>;
    /// Block and transaction.
    fn tx_context(&mut self) -> Result<TxContext, Fault>;
    /// Hash of one of the 256 blocks before this one; zero when the host has none.
    fn block_hash(&mut self, number: i64) -> Result<Bytes32, Fault>;
    /// Records an event.
    fn log(&mut self, address: &Address, data: &[u8], topics: &[Bytes32]) -> Result<(), Fault>;
    /// Marks the account warm and tells what it was. `None`: the host is older than EIP-2929 (EVMC ABI 7).
    fn access_account(&mut self, address: &Address) -> Result<Option<Access>, Fault>;
    /// Marks the slot warm and tells what it was.
    fn access_storage(&mut self, address: &Address, key: &Bytes32) -> Result<Option<Access>, Fault>;
}

/// Something that runs one frame of code: this engine, the naive executor of the tests, a plugin behind EVMC.
pub trait Vm {
    /// Runs `code` for `message` over `host`. Never fails: what goes wrong is a status.
    fn execute(&self, host: &mut dyn Host, revision: Revision, message: &Message<'_>, code: &[u8]) -> Outcome;

    /// The same for code that others have too, and that nobody therefore changes: who keeps it knows it again by its place.
    fn execute_shared(
        &self,
        host: &mut dyn Host,
        revision: Revision,
        message: &Message<'_>,
        code: &Arc<[u8]>,
    ) -> Outcome {
        self.execute(host, revision, message, code)
    }
}

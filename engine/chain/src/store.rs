//! Where a chain keeps itself: what the JSON file and the database have in common.

use crate::chain::{Block, ChainError};
use crate::settings::Settings;
use gristmill::contract::{AccountInfo, Address, Backing, Bytes32, Changes};
use std::sync::Arc;

/// Block hashes that are kept: those that a contract may ask for, and the head's.
pub(crate) const KEPT_BLOCKS: i64 = 257;

/// A chain's file.
pub(crate) trait Store: Send {
    /// The state as it is now, to read from.
    fn backing(&self) -> Result<Box<dyn Backing + '_>, ChainError>;
    /// The last block.
    fn head(&self) -> Result<Block, ChainError>;
    /// Writes blocks, the last of which is the new head, and what they changed: all of it or nothing.
    fn commit(&mut self, changes: Changes, blocks: &[Block]) -> Result<(), ChainError>;
    fn settings(&self) -> Result<Settings, ChainError>;
    fn set_settings(&mut self, settings: &Settings) -> Result<(), ChainError>;
    /// Every account, by address.
    fn accounts(&self) -> Result<Vec<(Address, AccountInfo)>, ChainError>;
    /// Everything that an account has stored, by key.
    fn storage(&self, address: &Address) -> Result<Vec<(Bytes32, Bytes32)>, ChainError>;
    fn code(&self, address: &Address) -> Result<Arc<[u8]>, ChainError>;
    /// Texts beside the state, by key.
    fn notes(&self) -> Result<Vec<(String, String)>, ChainError>;
    fn note(&self, key: &str) -> Result<Option<String>, ChainError>;
    fn set_note(&mut self, key: &str, value: Option<&str>) -> Result<(), ChainError>;
}

//! State in memory: for tests, small chains and everything that loads and saves state as a whole.

use super::address::{EMPTY_CODE_HASH, keccak256};
use super::journal::{AccountInfo, Backing, Changes};
use super::transact::{Environment, Receipt, Refusal, Transaction, transact};
use super::types::{Address, Bytes32, U256};
use crate::error::Fault;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Deref;

/// Accounts and block hashes in maps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Every account that exists.
    pub accounts: BTreeMap<Address, LedgerAccount>,
    /// Hashes by block number.
    pub block_hashes: BTreeMap<i64, Bytes32>,
}

/// An account with everything it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerAccount {
    /// Transactions sent, or accounts created.
    pub nonce: u64,
    /// In wei.
    pub balance: U256,
    /// Its code.
    pub code: Code,
    /// Non-zero values by key.
    pub storage: BTreeMap<Bytes32, Bytes32>,
}

impl LedgerAccount {
    /// What the account is, apart from its storage.
    pub fn info(&self) -> AccountInfo {
        AccountInfo { nonce: self.nonce, balance: self.balance, code_hash: self.code.hash }
    }
}

/// Bytes of code with their hash, computed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    bytes: Arc<[u8]>,
    hash: Bytes32,
}

impl Code {
    /// The bytes, shared.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// Their keccak256.
    pub fn hash(&self) -> Bytes32 {
        self.hash
    }
}

impl Default for Code {
    fn default() -> Self {
        Self { bytes: Arc::default(), hash: EMPTY_CODE_HASH }
    }
}

impl From<Arc<[u8]>> for Code {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self { hash: keccak256(&bytes), bytes }
    }
}

impl From<Vec<u8>> for Code {
    fn from(bytes: Vec<u8>) -> Self {
        Arc::<[u8]>::from(bytes).into()
    }
}

impl From<&[u8]> for Code {
    fn from(bytes: &[u8]) -> Self {
        Arc::<[u8]>::from(bytes).into()
    }
}

impl Deref for Code {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Ledger {
    /// No accounts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a transaction and writes what it changed.
    ///
    /// # Errors
    /// [`Refusal`]: the transaction did not happen, and nothing changed.
    pub fn transact(&mut self, environment: &Environment<'_>, transaction: &Transaction) -> Result<Receipt, Refusal> {
        let (receipt, changes) = transact(self, environment, transaction)?;
        self.apply(changes);
        Ok(receipt)
    }

    /// Runs a transaction and forgets what it changed.
    ///
    /// # Errors
    /// [`Refusal`]: the transaction could not happen.
    pub fn call(&self, environment: &Environment<'_>, transaction: &Transaction) -> Result<Receipt, Refusal> {
        transact(self, environment, transaction).map(|(receipt, _)| receipt)
    }

    /// Writes what a transaction changed.
    pub fn apply(&mut self, changes: Changes) {
        for (address, change) in changes.accounts {
            let Some(info) = change.info else {
                self.accounts.remove(&address);
                continue;
            };
            let account = self.accounts.entry(address).or_default();
            account.nonce = info.nonce;
            account.balance = info.balance;
            if let Some(bytes) = change.code {
                account.code = Code { bytes, hash: info.code_hash };
            }
            if change.wiped {
                account.storage.clear();
            }
            for (key, value) in change.storage {
                if value.is_zero() {
                    account.storage.remove(&key);
                } else {
                    account.storage.insert(key, value);
                }
            }
        }
    }
}

impl Backing for Ledger {
    fn account(&self, address: &Address) -> Result<Option<AccountInfo>, Fault> {
        Ok(self.accounts.get(address).map(LedgerAccount::info))
    }

    fn storage(&self, address: &Address, key: &Bytes32) -> Result<Bytes32, Fault> {
        let account = self.accounts.get(address);
        Ok(account.and_then(|account| account.storage.get(key)).copied().unwrap_or_default())
    }

    fn has_storage(&self, address: &Address) -> Result<bool, Fault> {
        Ok(self.accounts.get(address).is_some_and(|account| account.storage.values().any(|value| !value.is_zero())))
    }

    fn code(&self, address: &Address, _: &Bytes32) -> Result<Arc<[u8]>, Fault> {
        Ok(self.accounts.get(address).map(|account| account.code.bytes.clone()).unwrap_or_default())
    }

    fn block_hash(&self, number: i64) -> Result<Bytes32, Fault> {
        Ok(self.block_hashes.get(&number).copied().unwrap_or_default())
    }
}

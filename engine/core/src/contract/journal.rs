//! The one journal: state of a transaction over a [`Backing`], with checkpoints.
//!
//! Everything that a failing frame takes back is written to one undo list; a checkpoint is its length. Reads go to the
//! backing once and stay; [`Journal::finish`] is what changed, for the backing's owner to write. Nested messages
//! (`journal/messages.rs`) recurse through the [`Vm`] and back.

mod messages;
mod table;
#[cfg(test)]
mod tests;

use super::address::EMPTY_CODE_HASH;
use super::eei::prices;
use super::host::{Host, Vm};
use super::types::{Access, Address, Bytes32, Log, Message, Outcome, Revision, StorageStatus, TxContext, U256};
use crate::error::Fault;
use crate::gas::Schedule;
use crate::limits::MESSAGE_DEPTH;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use table::Table;

/// What an account is, apart from its storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountInfo {
    /// Transactions sent, or accounts created.
    pub nonce: u64,
    /// In wei.
    pub balance: U256,
    /// keccak256 of the code; [`EMPTY_CODE_HASH`] without code.
    pub code_hash: Bytes32,
}

impl Default for AccountInfo {
    fn default() -> Self {
        Self { nonce: 0, balance: U256::zero(), code_hash: EMPTY_CODE_HASH }
    }
}

impl AccountInfo {
    /// Empty by EIP-161: no nonce, no balance, no code.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// State before the transaction: what the ledger, the chain's database and the pallet have in common.
pub trait Backing {
    /// The account; `None` when there is none.
    fn account(&self, address: &Address) -> Result<Option<AccountInfo>, Fault>;
    /// The value under `key`; zero when there is none.
    fn storage(&self, address: &Address, key: &Bytes32) -> Result<Bytes32, Fault>;
    /// Whether anything is stored for the account.
    fn has_storage(&self, address: &Address) -> Result<bool, Fault>;
    /// The code of an account whose hash is `hash`; never asked for [`EMPTY_CODE_HASH`].
    fn code(&self, address: &Address, hash: &Bytes32) -> Result<Arc<[u8]>, Fault>;
    /// The hash of a block before this one; zero when it is not known. Asked only for one of the last 256.
    fn block_hash(&self, number: i64) -> Result<Bytes32, Fault>;
}

impl<B: Backing + ?Sized> Backing for &B {
    fn account(&self, address: &Address) -> Result<Option<AccountInfo>, Fault> {
        (**self).account(address)
    }

    fn storage(&self, address: &Address, key: &Bytes32) -> Result<Bytes32, Fault> {
        (**self).storage(address, key)
    }

    fn has_storage(&self, address: &Address) -> Result<bool, Fault> {
        (**self).has_storage(address)
    }

    fn code(&self, address: &Address, hash: &Bytes32) -> Result<Arc<[u8]>, Fault> {
        (**self).code(address, hash)
    }

    fn block_hash(&self, number: i64) -> Result<Bytes32, Fault> {
        (**self).block_hash(number)
    }
}

/// Accounts whose code is native.
pub trait Precompiles {
    /// Whether `address` is one at `revision`.
    fn contains(&self, address: &Address, revision: Revision) -> bool;
    /// Runs the one that is the message's code. Asked only for addresses that [`Precompiles::contains`] has. What it does
    /// to `host` is taken back when it, or who called it, fails.
    fn run(&self, host: &mut dyn Host, message: &Message<'_>, revision: Revision) -> Outcome;
}

/// No precompiles at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPrecompiles;

impl Precompiles for NoPrecompiles {
    fn contains(&self, _: &Address, _: Revision) -> bool {
        false
    }

    fn run(&self, _: &mut dyn Host, _: &Message<'_>, _: Revision) -> Outcome {
        Outcome::failure(super::types::StatusCode::PrecompileFailure)
    }
}

/// What a chain decides beside the VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Ethereum's rule set.
    pub revision: Revision,
    /// EIP-170: most bytes of deployed code (Ethereum: 24,576). Off by default, as on the Ewasm testnet: Wasm is larger.
    pub max_code_size: Option<usize>,
    /// EIP-3860: most bytes of init code (Ethereum: 49,152). Off by default.
    pub max_init_code_size: Option<usize>,
    /// Who counts refunds.
    pub refunds: Refunds,
    /// Whether a transaction pays for itself: 21,000, its data, a creation. Off by default.
    pub intrinsic_gas: bool,
    /// Whether gas costs money: the sender buys it, the beneficiary of the block gets what was used. Off by default.
    pub fees: bool,
    /// Messages inside each other, the transaction's own not counted: [`MESSAGE_DEPTH`] by default, and at most.
    pub max_depth: u32,
}

impl Rules {
    /// The rules of `revision`, without limits on code, intrinsic gas and fees.
    pub fn new(revision: Revision) -> Self {
        Self {
            revision,
            max_code_size: None,
            max_init_code_size: None,
            refunds: Refunds::FromVm,
            intrinsic_gas: false,
            fees: false,
            max_depth: MESSAGE_DEPTH,
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::new(Revision::default())
    }
}

/// Who counts refunds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refunds {
    /// The VM, in [`Outcome::gas_refund`].
    #[default]
    FromVm,
    /// The journal, from what happens to storage: for a plugin of EVMC ABI 9 or less, which has no such field.
    Counted,
}

/// What a transaction changed, for the owner of the backing to write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Account by account; those that ended as they were are not here.
    pub accounts: BTreeMap<Address, Change>,
}

/// What happened to an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// What it is now; `None`: it is gone, with its code and storage.
    pub info: Option<AccountInfo>,
    /// New code.
    pub code: Option<Arc<[u8]>>,
    /// Whether everything that it had stored before is gone.
    pub wiped: bool,
    /// Values stored now; zero: none.
    pub storage: BTreeMap<Bytes32, Bytes32>,
}

/// A point to go back to.
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint {
    undo: usize,
    logs: usize,
}

#[derive(Default)]
struct Entry {
    /// What the backing has.
    before: Option<AccountInfo>,
    info: Option<AccountInfo>,
    /// Loaded or set; `None`: not looked at yet.
    code: Option<Arc<[u8]>>,
    flags: Flags,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Flags {
    /// EIP-2929.
    warm: bool,
    /// EIP-161: if it is empty at the end, it goes.
    touched: bool,
    /// By this transaction.
    created: bool,
    /// Goes at the end.
    destroyed: bool,
    /// Its code is new.
    coded: bool,
}

#[derive(Clone, Copy)]
struct Slot {
    original: Bytes32,
    current: Bytes32,
    warm: bool,
}

/// How it was before. Accounts and slots by their indices.
enum Undo {
    Info(usize, Option<AccountInfo>),
    Flags(usize, Flags),
    Code(usize, Option<Arc<[u8]>>),
    Slot(usize, Slot),
    Transient(Address, Bytes32, Bytes32),
    Refund(i64),
}

/// The state of one transaction.
pub struct Journal<'a> {
    backing: &'a dyn Backing,
    vm: &'a dyn Vm,
    precompiles: &'a dyn Precompiles,
    rules: &'a Rules,
    context: &'a TxContext,
    accounts: Table<Address, Entry>,
    /// By the account's index and the key.
    slots: Table<(usize, Bytes32), Slot>,
    transient: BTreeMap<(Address, Bytes32), Bytes32>,
    logs: Vec<Log>,
    undo: Vec<Undo>,
    refund: i64,
    /// The first failure of the backing: a VM can only say that something was wrong.
    fault: Option<Fault>,
}

impl<'a> Journal<'a> {
    /// An empty journal over `backing`, for one transaction.
    pub fn new(
        backing: &'a dyn Backing,
        vm: &'a dyn Vm,
        precompiles: &'a dyn Precompiles,
        rules: &'a Rules,
        context: &'a TxContext,
    ) -> Self {
        Self {
            backing,
            vm,
            precompiles,
            rules,
            context,
            accounts: Table::new(),
            slots: Table::new(),
            transient: BTreeMap::new(),
            logs: Vec::new(),
            // Enough for a transfer of a token.
            undo: Vec::with_capacity(10),
            refund: 0,
            fault: None,
        }
    }

    /// A point to go back to.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { undo: self.undo.len(), logs: self.logs.len() }
    }

    /// Takes back everything since `point`.
    pub fn revert_to(&mut self, point: Checkpoint) {
        self.logs.truncate(point.logs);
        while self.undo.len() > point.undo {
            let Some(undo) = self.undo.pop() else { break };
            self.take_back(undo);
        }
    }

    fn take_back(&mut self, undo: Undo) {
        // What was once looked at stays in its table.
        match undo {
            Undo::Info(account, info) => self.accounts[account].info = info,
            Undo::Code(account, code) => self.accounts[account].code = code,
            Undo::Flags(account, flags) => self.accounts[account].flags = flags,
            Undo::Slot(at, slot) => self.slots[at] = slot,
            Undo::Transient(address, key, value) => {
                self.transient.insert((address, key), value);
            }
            Undo::Refund(refund) => self.refund = refund,
        }
    }

    /// The account as it is now.
    ///
    /// # Errors
    /// The backing's.
    pub fn account(&mut self, address: &Address) -> Result<Option<AccountInfo>, Fault> {
        Ok(self.entry(address)?.info)
    }

    /// Replaces the account.
    ///
    /// # Errors
    /// The backing's.
    pub fn set_account(&mut self, address: &Address, info: AccountInfo) -> Result<(), Fault> {
        let account = self.index(address)?;
        let before = self.accounts[account].info.replace(info);
        self.undo.push(Undo::Info(account, before));
        Ok(())
    }

    /// The code of the account; empty when it has none.
    ///
    /// # Errors
    /// The backing's.
    pub fn code(&mut self, address: &Address) -> Result<Arc<[u8]>, Fault> {
        let account = self.index(address)?;
        let entry = &self.accounts[account];
        if let Some(code) = &entry.code {
            return Ok(code.clone());
        }
        let code = match entry.info {
            Some(info) if info.code_hash != EMPTY_CODE_HASH => {
                let code = self.backing.code(address, &info.code_hash);
                self.noted(code)?
            }
            _ => Arc::default(),
        };
        self.accounts[account].code = Some(code.clone());
        Ok(code)
    }

    /// Adds to the balance and touches the account, creating it when it is not there.
    ///
    /// # Errors
    /// The backing's.
    pub fn add_balance(&mut self, address: &Address, value: U256) -> Result<(), Fault> {
        self.change_flags(address, |flags| flags.touched = true)?;
        let info = self.account(address)?;
        // Touching creates accounts before EIP-161, and never afterwards.
        if !value.is_zero() || (info.is_none() && self.rules.revision < Revision::SpuriousDragon) {
            let info = info.unwrap_or_default();
            self.set_account(address, AccountInfo { balance: info.balance.saturating_add(value), ..info })?;
        }
        Ok(())
    }

    /// Takes from the balance; false: there is not as much.
    ///
    /// # Errors
    /// The backing's.
    pub fn take_balance(&mut self, address: &Address, value: U256) -> Result<bool, Fault> {
        if value.is_zero() {
            return Ok(true);
        }
        let info = self.account(address)?.unwrap_or_default();
        let Some(balance) = info.balance.checked_sub(value) else { return Ok(false) };
        self.set_account(address, AccountInfo { balance, ..info })?;
        Ok(true)
    }

    /// The refund counter, when the journal counts.
    pub fn refund(&self) -> i64 {
        self.refund
    }

    /// Ends the transaction: accounts that were destroyed or are touched and empty go. What changed, and the logs.
    pub fn finish(self) -> (Changes, Vec<Log>) {
        let clears = self.rules.revision >= Revision::SpuriousDragon;
        let mut changes = Changes::default();
        let mut stored = vec![BTreeMap::new(); self.accounts.len()];
        for ((account, key), slot) in self.slots.into_items() {
            if slot.current != slot.original {
                stored[account].insert(key, slot.current);
            }
        }
        for ((address, entry), storage) in self.accounts.into_items().zip(stored) {
            let empty = clears && entry.flags.touched && entry.info.is_some_and(|info| info.is_empty());
            if entry.flags.destroyed || empty || entry.info.is_none() {
                if entry.before.is_some() {
                    changes.accounts.insert(address, Change { wiped: true, ..Change::default() });
                }
                continue;
            }
            let wiped = entry.flags.created && entry.before.is_some();
            if entry.info != entry.before || !storage.is_empty() || wiped {
                let code = if entry.flags.coded { entry.code } else { None };
                changes.accounts.insert(address, Change { info: entry.info, code, wiped, storage });
            }
        }
        (changes, self.logs)
    }

    /// Where the account is in its table, which has it from then on.
    fn index(&mut self, address: &Address) -> Result<usize, Fault> {
        if let Some(account) = self.accounts.find(address) {
            return Ok(account);
        }
        let info = self.backing.account(address);
        let info = self.noted(info)?;
        Ok(self.accounts.add(*address, Entry { before: info, info, ..Entry::default() }))
    }

    fn entry(&mut self, address: &Address) -> Result<&mut Entry, Fault> {
        let account = self.index(address)?;
        Ok(&mut self.accounts[account])
    }

    /// Remembers the backing's failure: it passes through VMs that can only say that something was wrong.
    fn noted<T>(&mut self, result: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = result {
            self.fault.get_or_insert(fault);
        }
        result
    }

    fn change_flags(&mut self, address: &Address, change: impl FnOnce(&mut Flags)) -> Result<(), Fault> {
        let account = self.index(address)?;
        let flags = &mut self.accounts[account].flags;
        let before = *flags;
        change(flags);
        if *flags != before {
            self.undo.push(Undo::Flags(account, before));
        }
        Ok(())
    }

    fn set_code(&mut self, address: &Address, code: Arc<[u8]>, hash: Bytes32) -> Result<(), Fault> {
        self.change_flags(address, |flags| flags.coded = true)?;
        let account = self.index(address)?;
        let entry = &mut self.accounts[account];
        let before = entry.code.replace(code);
        let info = entry.info.unwrap_or_default();
        self.undo.push(Undo::Code(account, before));
        self.set_account(address, AccountInfo { code_hash: hash, ..info })
    }

    /// Where the slot is in its table, which has it from then on.
    fn slot(&mut self, address: &Address, key: &Bytes32) -> Result<usize, Fault> {
        let account = self.index(address)?;
        if let Some(slot) = self.slots.find(&(account, *key)) {
            return Ok(slot);
        }
        // Nothing is created where storage was left (EIP-7610), so that of a new account is empty too.
        let original = if self.accounts[account].before.is_none() {
            Bytes32::zero()
        } else {
            let value = self.backing.storage(address, key);
            self.noted(value)?
        };
        Ok(self.slots.add((account, *key), Slot { original, current: original, warm: false }))
    }

    fn set_slot(&mut self, at: usize, now: Slot) {
        self.undo.push(Undo::Slot(at, core::mem::replace(&mut self.slots[at], now)));
    }

    fn exists(&mut self, address: &Address) -> Result<bool, Fault> {
        let clears = self.rules.revision >= Revision::SpuriousDragon;
        Ok(self.account(address)?.is_some_and(|info| !(clears && info.is_empty())))
    }

    fn count_refund(&mut self, amount: i64) {
        if self.rules.refunds == Refunds::Counted && amount != 0 {
            self.undo.push(Undo::Refund(self.refund));
            self.refund = self.refund.saturating_add(amount);
        }
    }
}

/// What a write of `new` over `current` did, when the transaction began with `original`. Source: EVMC's table of statuses.
pub fn storage_status(original: Bytes32, current: Bytes32, new: Bytes32) -> StorageStatus {
    if current == new {
        return StorageStatus::Assigned;
    }
    match (original == current, original.is_zero(), current.is_zero(), new.is_zero()) {
        (true, true, _, _) => StorageStatus::Added,
        (true, false, _, true) => StorageStatus::Deleted,
        (true, false, _, false) => StorageStatus::Modified,
        (false, true, _, true) => StorageStatus::AddedDeleted,
        (false, true, _, false) => StorageStatus::Assigned,
        (false, false, true, _) if new == original => StorageStatus::DeletedRestored,
        (false, false, true, _) => StorageStatus::DeletedAdded,
        (false, false, false, true) => StorageStatus::ModifiedDeleted,
        (false, false, false, false) if new == original => StorageStatus::ModifiedRestored,
        (false, false, false, false) => StorageStatus::Assigned,
    }
}

impl Host for Journal<'_> {
    fn account_exists(&mut self, address: &Address) -> Result<bool, Fault> {
        self.exists(address)
    }

    fn storage(&mut self, address: &Address, key: &Bytes32) -> Result<Bytes32, Fault> {
        let at = self.slot(address, key)?;
        Ok(self.slots[at].current)
    }

    fn set_storage(&mut self, address: &Address, key: &Bytes32, value: &Bytes32) -> Result<StorageStatus, Fault> {
        let at = self.slot(address, key)?;
        let slot = self.slots[at];
        if slot.current != *value {
            self.set_slot(at, Slot { current: *value, ..slot });
        }
        let status = storage_status(slot.original, slot.current, *value);
        // An old plugin has no schedule of ours; refunds are those of its revision.
        let net = prices::Prices::of(Schedule::V1, self.rules.revision).refunds;
        self.count_refund(prices::store_refund(net, status));
        Ok(status)
    }

    fn transient_storage(&mut self, address: &Address, key: &Bytes32) -> Result<Bytes32, Fault> {
        Ok(self.transient.get(&(*address, *key)).copied().unwrap_or_default())
    }

    fn set_transient_storage(&mut self, address: &Address, key: &Bytes32, value: &Bytes32) -> Result<(), Fault> {
        let before = self.transient.insert((*address, *key), *value).unwrap_or_default();
        self.undo.push(Undo::Transient(*address, *key, before));
        Ok(())
    }

    fn balance(&mut self, address: &Address) -> Result<U256, Fault> {
        Ok(self.account(address)?.unwrap_or_default().balance)
    }

    fn code_size(&mut self, address: &Address) -> Result<usize, Fault> {
        Ok(self.code(address)?.len())
    }

    fn code_hash(&mut self, address: &Address) -> Result<Bytes32, Fault> {
        if !self.exists(address)? {
            return Ok(Bytes32::zero());
        }
        Ok(self.account(address)?.unwrap_or_default().code_hash)
    }

    fn copy_code(&mut self, address: &Address, offset: usize, buffer: &mut [u8]) -> Result<usize, Fault> {
        let code = self.code(address)?;
        let rest = code.get(offset..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    /// Before Cancun every such account goes at the end; from then on (EIP-6780) only one that this transaction created,
    /// and the balance moves in any case.
    fn self_destruct(&mut self, address: &Address, beneficiary: &Address) -> Result<bool, Fault> {
        let flags = self.entry(address)?.flags;
        let goes = self.rules.revision < Revision::Cancun || flags.created;
        let info = self.account(address)?.unwrap_or_default();
        if beneficiary != address {
            self.set_account(address, AccountInfo { balance: U256::zero(), ..info })?;
            self.add_balance(beneficiary, info.balance)?;
        } else if goes {
            self.set_account(address, AccountInfo { balance: U256::zero(), ..info })?;
        }
        let first = goes && !flags.destroyed;
        if first {
            self.change_flags(address, |flags| flags.destroyed = true)?;
            self.count_refund(prices::Prices::of(Schedule::V1, self.rules.revision).self_destruct_refund);
        }
        Ok(first)
    }

    fn call(&mut self, message: &Message<'_>) -> Result<Outcome, Fault> {
        if message.kind.is_create() { self.create_nested(message) } else { self.call_nested(message) }
    }

    fn tx_context(&mut self) -> Result<TxContext, Fault> {
        Ok(self.context.clone())
    }

    fn block_hash(&mut self, number: i64) -> Result<Bytes32, Fault> {
        let hash = self.backing.block_hash(number);
        self.noted(hash)
    }

    fn log(&mut self, address: &Address, data: &[u8], topics: &[Bytes32]) -> Result<(), Fault> {
        self.logs.push(Log { address: *address, topics: topics.to_vec(), data: data.to_vec() });
        Ok(())
    }

    fn access_account(&mut self, address: &Address) -> Result<Option<Access>, Fault> {
        if self.precompiles.contains(address, self.rules.revision) {
            return Ok(Some(Access::Warm));
        }
        let was_warm = self.entry(address)?.flags.warm;
        self.change_flags(address, |flags| flags.warm = true)?;
        Ok(Some(if was_warm { Access::Warm } else { Access::Cold }))
    }

    fn access_storage(&mut self, address: &Address, key: &Bytes32) -> Result<Option<Access>, Fault> {
        let at = self.slot(address, key)?;
        let slot = self.slots[at];
        if slot.warm {
            return Ok(Some(Access::Warm));
        }
        self.set_slot(at, Slot { warm: true, ..slot });
        Ok(Some(Access::Cold))
    }
}

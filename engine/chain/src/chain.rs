//! The local chain: state that stays, one block a transaction.

use crate::StandardPrecompiles;
use crate::cache::CodeCache;
use crate::json::JsonStore;
use crate::redb_store::RedbStore;
use crate::settings::Settings;
use crate::store::Store;
use gristmill::contract::{
    self, AccountInfo, Address, Bytes32, Change, Changes, Environment, Ewasm, Options, Receipt, Refunds, Refusal,
    Revision, Rules, Transaction, TxContext, U256, Vm, keccak256,
};
use gristmill::{Config, Engine, Error, Profile};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// What a difficulty never goes below. Source: Yellow Paper, section 4.3.4.
const MIN_DIFFICULTY: u64 = 131_072;

/// What went wrong with a chain, other than a contract.
#[derive(Debug)]
pub enum ChainError {
    /// The transaction did not happen.
    Refused(Refusal),
    /// The engine could not be made.
    Engine(Error),
    /// A file could not be read or written.
    File {
        /// Which file.
        path: PathBuf,
        /// Why not.
        what: String,
    },
    /// A file is not what it should be.
    Format {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}

impl ChainError {
    pub(crate) fn file(path: &Path, what: &dyn fmt::Display) -> Self {
        ChainError::File { path: path.to_owned(), what: what.to_string() }
    }
}

impl fmt::Display for ChainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChainError::Refused(refusal) => refusal.fmt(f),
            ChainError::Engine(error) => error.fmt(f),
            ChainError::File { path, what } => write!(f, "{}: {what}", path.display()),
            ChainError::Format { path, what } => write!(f, "{} is no chain: {what}", path.display()),
        }
    }
}

impl std::error::Error for ChainError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ChainError::Refused(refusal) => Some(refusal),
            ChainError::Engine(error) => Some(error),
            ChainError::File { .. } | ChainError::Format { .. } => None,
        }
    }
}

impl From<Refusal> for ChainError {
    fn from(refusal: Refusal) -> Self {
        ChainError::Refused(refusal)
    }
}

/// A block, as far as a local chain has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// 0 is the genesis.
    pub number: i64,
    /// Seconds since the epoch; rises with every block.
    pub timestamp: i64,
    /// Stands for the hash of a header: keccak256 of the parent's hash, number and timestamp, both as 8 big-endian bytes.
    pub hash: Bytes32,
}

impl Block {
    /// The first block of a chain; its parent's hash is the chain id as 32 big-endian bytes.
    pub(crate) fn genesis(chain_id: u64) -> Self {
        Self::new(Bytes32::from_low_u64_be(chain_id), 0, 0)
    }

    fn new(parent: Bytes32, number: i64, timestamp: i64) -> Self {
        let header = [parent.as_bytes(), &number.to_be_bytes(), &timestamp.to_be_bytes()].concat();
        Self { number, timestamp, hash: keccak256(&header) }
    }

    /// The block after this one, at `time` if that is later.
    fn next(&self, time: i64) -> Self {
        Self::new(self.hash, self.number.saturating_add(1), time.max(self.timestamp.saturating_add(1)))
    }
}

/// A local chain.
pub struct Chain {
    store: Box<dyn Store>,
    settings: Settings,
    head: Block,
    time: i64,
    options: Options,
    /// Made when first needed, for its options may still change.
    ewasm: OnceLock<Ewasm>,
    /// Somebody else's VM in its place.
    vm: Option<Box<dyn Vm + Send>>,
    /// Who counts for that VM.
    refunds: Refunds,
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("settings", &self.settings).field("head", &self.head).finish_non_exhaustive()
    }
}

impl Chain {
    /// Opens the chain at `path`, or creates it there: a JSON file if the name ends in `.json`, a redb database else. The
    /// settings of a chain that exists are its own; `settings` are for a new one.
    ///
    /// # Errors
    /// [`ChainError::File`] and [`ChainError::Format`]. A database that another process has open is refused; a JSON file is
    /// not locked, and the last writer wins.
    pub fn open(path: &Path, settings: &Settings) -> Result<Self, ChainError> {
        let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let store: Box<dyn Store> = if !is_json {
            Box::new(RedbStore::open(path, settings)?)
        } else if path.exists() {
            Box::new(JsonStore::load(path)?)
        } else {
            Box::new(JsonStore::create(Some(path), settings)?)
        };
        Self::over(store)
    }

    /// A chain that ends with this value.
    ///
    /// # Errors
    /// None today; the same as [`Chain::open`].
    pub fn in_memory(settings: &Settings) -> Result<Self, ChainError> {
        Self::over(Box::new(JsonStore::create(None, settings)?))
    }

    fn over(store: Box<dyn Store>) -> Result<Self, ChainError> {
        let settings = store.settings()?;
        let head = store.head()?;
        let options = settings.options();
        Ok(Self { store, settings, head, time: 0, options, ewasm: OnceLock::new(), vm: None, refunds: Refunds::FromVm })
    }

    /// What the chain is.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Makes the chain something else from its next block on. Options of this process are reset.
    ///
    /// # Errors
    /// [`ChainError::File`].
    pub fn set_settings(&mut self, settings: Settings) -> Result<(), ChainError> {
        self.store.set_settings(&settings)?;
        self.options = settings.options();
        self.ewasm = OnceLock::new();
        self.settings = settings;
        Ok(())
    }

    /// Options of the VM, to add what concerns this process alone: debug output, an observer, another VM's habits. Not
    /// stored. Code that was loaded under the old options is forgotten.
    pub fn options_mut(&mut self) -> &mut Options {
        self.ewasm = OnceLock::new();
        &mut self.options
    }

    /// Runs contracts with another VM from now on. Not stored.
    pub fn set_vm(&mut self, vm: Box<dyn Vm + Send>) {
        self.vm = Some(vm);
    }

    /// Who counts refunds from now on: the VM, unless that is a plugin which cannot. Not stored.
    pub fn set_refunds(&mut self, refunds: Refunds) {
        self.refunds = refunds;
    }

    /// Runs a transaction in a block of its own and writes it.
    ///
    /// # Errors
    /// [`ChainError::Refused`]: the transaction did not happen, there is no block. [`ChainError::File`]: it could not be
    /// written, the chain is as before.
    pub fn transact(&mut self, transaction: &Transaction) -> Result<Receipt, ChainError> {
        let block = self.next_block();
        let (receipt, changes) = self.run(&block, transaction)?;
        self.commit(changes, &[block])?;
        Ok(receipt)
    }

    /// Runs a transaction in the block that would come next, and forgets it.
    ///
    /// # Errors
    /// [`ChainError::Refused`]: it could not happen.
    pub fn call(&self, transaction: &Transaction) -> Result<Receipt, ChainError> {
        self.run(&self.next_block(), transaction).map(|(receipt, _)| receipt)
    }

    fn run(&self, block: &Block, transaction: &Transaction) -> Result<(Receipt, Changes), ChainError> {
        let rules = Rules { refunds: self.refunds, ..self.settings.rules() };
        let precompiles =
            StandardPrecompiles { keccak_at_9: self.settings.keccak_at_9, schedule: self.settings.schedule };
        let environment =
            Environment { vm: self.vm()?, precompiles: &precompiles, rules: &rules, context: &self.context(block) };
        let backing = self.store.backing()?;
        Ok(contract::transact(&*backing, &environment, transaction)?)
    }

    fn vm(&self) -> Result<&dyn Vm, ChainError> {
        if let Some(vm) = &self.vm {
            return Ok(&**vm);
        }
        if self.ewasm.get().is_none() {
            let mut config = Config::new();
            config.profile(Profile::chain1()).schedule(self.settings.schedule);
            let engine = Engine::new(&config).map_err(ChainError::Engine)?;
            let cache = Arc::new(CodeCache::new(CodeCache::DEFAULT_BYTES));
            // Another thread may have been faster; its VM is as good.
            let _ = self.ewasm.set(Ewasm::new(&engine, self.options.clone()).with_cache(cache));
        }
        Ok(self.ewasm.get().expect("set above, by this thread or another"))
    }

    fn next_block(&self) -> Block {
        self.head.next(self.time)
    }

    fn context(&self, block: &Block) -> TxContext {
        let prev_randao = if self.settings.revision >= Revision::Paris {
            U256::from_big_endian(self.head.hash.as_bytes())
        } else {
            MIN_DIFFICULTY.into()
        };
        TxContext {
            coinbase: self.settings.coinbase,
            number: block.number,
            timestamp: block.timestamp,
            gas_limit: self.settings.block_gas_limit,
            prev_randao,
            chain_id: self.settings.chain_id.into(),
            // EIP-4844 never has it lower.
            blob_base_fee: U256::one(),
            ..TxContext::default()
        }
    }

    fn commit(&mut self, changes: Changes, blocks: &[Block]) -> Result<(), ChainError> {
        self.store.commit(changes, blocks)?;
        if let Some(head) = blocks.last() {
            self.head = head.clone();
        }
        Ok(())
    }

    /// Every account, by address.
    ///
    /// # Errors
    /// [`ChainError::File`], as everything below that reads or writes.
    pub fn accounts(&self) -> Result<Vec<(Address, AccountInfo)>, ChainError> {
        self.store.accounts()
    }

    /// The account, if there is one.
    ///
    /// # Errors
    /// [`ChainError::Refused`] with the database's fault.
    pub fn account(&self, address: &Address) -> Result<Option<AccountInfo>, ChainError> {
        Ok(self.store.backing()?.account(address).map_err(Refusal::Fault)?)
    }

    /// Everything that the account has stored, by key.
    ///
    /// # Errors
    /// [`ChainError::File`].
    pub fn storage(&self, address: &Address) -> Result<Vec<(Bytes32, Bytes32)>, ChainError> {
        self.store.storage(address)
    }

    /// What the account has stored under `key`; zero: nothing.
    ///
    /// # Errors
    /// [`ChainError::Refused`] with the database's fault.
    pub fn storage_at(&self, address: &Address, key: &Bytes32) -> Result<Bytes32, ChainError> {
        Ok(self.store.backing()?.storage(address, key).map_err(Refusal::Fault)?)
    }

    /// The account's code; empty when it has none.
    ///
    /// # Errors
    /// [`ChainError::File`].
    pub fn code(&self, address: &Address) -> Result<Arc<[u8]>, ChainError> {
        self.store.code(address)
    }

    /// Sets a balance out of nothing, within the present block.
    ///
    /// # Errors
    /// [`ChainError::File`].
    pub fn set_balance(&mut self, address: &Address, balance: U256) -> Result<(), ChainError> {
        let info = AccountInfo { balance, ..self.account(address)?.unwrap_or_default() };
        let change = Change { info: Some(info), ..Change::default() };
        self.commit(Changes { accounts: [(*address, change)].into() }, &[])
    }

    /// The last block.
    pub fn block(&self) -> &Block {
        &self.head
    }

    /// The earliest time of the next block, in seconds since the epoch; without it a second after the last.
    pub fn set_time(&mut self, time: i64) {
        self.time = time;
    }

    /// Adds blocks without transactions.
    ///
    /// # Errors
    /// [`ChainError::File`].
    pub fn advance(&mut self, blocks: u32) -> Result<(), ChainError> {
        let next = |last: &Block| Some(last.next(self.time));
        let blocks: Vec<_> = std::iter::successors(next(&self.head), next).take(blocks as usize).collect();
        self.commit(Changes::default(), &blocks)
    }

    /// A text kept beside the state, such as a name for an address; no part of the chain.
    ///
    /// # Errors
    /// [`ChainError::File`].
    pub fn note(&self, key: &str) -> Result<Option<String>, ChainError> {
        self.store.note(key)
    }

    /// Keeps a text, or with `None` drops it.
    ///
    /// # Errors
    /// [`ChainError::File`].
    pub fn set_note(&mut self, key: &str, value: Option<&str>) -> Result<(), ChainError> {
        self.store.set_note(key, value)
    }

    /// All texts, by key.
    ///
    /// # Errors
    /// [`ChainError::File`].
    pub fn notes(&self) -> Result<Vec<(String, String)>, ChainError> {
        self.store.notes()
    }
}

//! State in a redb database: accounts are read when they are needed, a block is one transaction of the database.

use crate::chain::{Block, ChainError};
use crate::settings::{Settings, SettingsText};
use crate::store::{KEPT_BLOCKS, Store};
use gristmill::Fault;
use gristmill::contract::{AccountInfo, Address, Backing, Bytes32, Change, Changes, EMPTY_CODE_HASH, U256};
use redb::{
    Database, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Nonce, balance (big-endian wei), code hash.
type AccountRow = (u64, &'static [u8; 32], &'static [u8; 32]);
/// Address and key of a stored value.
type SlotKey = (&'static [u8; 20], &'static [u8; 32]);

/// By address.
const ACCOUNTS: TableDefinition<'_, &[u8; 20], AccountRow> = TableDefinition::new("accounts");
/// Zero is never there.
const STORAGE: TableDefinition<'_, SlotKey, &[u8; 32]> = TableDefinition::new("storage");
/// Hash -> code; shared by accounts, never removed.
const CODE: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("code");
/// Number -> timestamp, hash; the last [`KEPT_BLOCKS`].
const BLOCKS: TableDefinition<'_, i64, (i64, &[u8; 32])> = TableDefinition::new("blocks");
/// "format" and "settings".
const META: TableDefinition<'_, &str, &str> = TableDefinition::new("meta");
/// Texts beside the state.
const NOTES: TableDefinition<'_, &str, &str> = TableDefinition::new("notes");

/// The name of the layout above; another layout has another name.
const FORMAT: &str = "gristmill-redb-1";

pub(crate) struct RedbStore {
    path: PathBuf,
    database: Database,
}

/// Runs `body` with errors of the database told by the file's name.
fn at<T>(path: &Path, body: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, ChainError> {
    body().map_err(|e| ChainError::file(path, &e))
}

fn info((nonce, balance, code_hash): (u64, &[u8; 32], &[u8; 32])) -> AccountInfo {
    AccountInfo { nonce, balance: U256::from_big_endian(balance), code_hash: Bytes32::from(code_hash) }
}

impl RedbStore {
    /// A chain from its file, or one at its genesis in a new file.
    pub(crate) fn open(path: &Path, settings: &Settings) -> Result<Self, ChainError> {
        let database = at(path, || Ok(Database::create(path)?))?;
        let store = Self { path: path.to_owned(), database };
        let format = at(path, || {
            let write = store.database.begin_write()?;
            write.open_table(ACCOUNTS)?;
            write.open_table(STORAGE)?;
            write.open_table(CODE)?;
            write.open_table(BLOCKS)?;
            write.open_table(NOTES)?;
            let format = write.open_table(META)?.get("format")?.map(|text| text.value().to_owned());
            write.commit()?;
            Ok(format)
        })?;
        match format.as_deref() {
            Some(FORMAT) => {}
            Some(other) => return Err(store.bad(format!("the format is {other:?} and must be {FORMAT:?}"))),
            None => store.write(|write| {
                put_blocks(write, &[Block::genesis(settings.chain_id)])?;
                let mut meta = write.open_table(META)?;
                meta.insert("format", FORMAT)?;
                meta.insert("settings", settings_text(settings).as_str())?;
                Ok(())
            })?,
        }
        Ok(store)
    }

    fn bad(&self, what: impl Into<String>) -> ChainError {
        ChainError::Format { path: self.path.clone(), what: what.into() }
    }

    fn read<T>(&self, body: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>) -> Result<T, ChainError> {
        at(&self.path, || body(&self.database.begin_read()?))
    }

    /// All that `body` writes, or nothing.
    fn write(&self, body: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>) -> Result<(), ChainError> {
        at(&self.path, || {
            let write = self.database.begin_write()?;
            body(&write)?;
            Ok(write.commit()?)
        })
    }
}

fn settings_text(settings: &Settings) -> String {
    serde_json::to_string(&SettingsText::from(settings)).expect("strings, numbers and booleans are always JSON")
}

fn put_blocks(write: &WriteTransaction, blocks: &[Block]) -> Result<(), redb::Error> {
    let mut table = write.open_table(BLOCKS)?;
    for block in blocks {
        table.insert(block.number, (block.timestamp, &block.hash.0))?;
    }
    if let Some(head) = blocks.last() {
        table.retain(|number, _| number > head.number - KEPT_BLOCKS)?;
    }
    Ok(())
}

fn put_change(write: &WriteTransaction, address: &Address, change: &Change) -> Result<(), redb::Error> {
    let mut accounts = write.open_table(ACCOUNTS)?;
    let mut storage = write.open_table(STORAGE)?;
    if change.wiped || change.info.is_none() {
        let all = (&address.0, &[0; 32])..=(&address.0, &[0xff; 32]);
        storage.retain_in(all, |_, _| false)?;
    }
    let Some(info) = change.info else {
        accounts.remove(&address.0)?;
        return Ok(());
    };
    accounts.insert(&address.0, (info.nonce, &info.balance.to_big_endian(), &info.code_hash.0))?;
    if let Some(code) = &change.code {
        write.open_table(CODE)?.insert(&info.code_hash.0, &code[..])?;
    }
    for (key, value) in &change.storage {
        let key = (&address.0, &key.0);
        if value.is_zero() {
            storage.remove(key)?;
        } else {
            storage.insert(key, &value.0)?;
        }
    }
    Ok(())
}

/// One consistent view of the state, its tables opened once.
struct Snapshot {
    accounts: ReadOnlyTable<&'static [u8; 20], AccountRow>,
    storage: ReadOnlyTable<SlotKey, &'static [u8; 32]>,
    code: ReadOnlyTable<&'static [u8; 32], &'static [u8]>,
    blocks: ReadOnlyTable<i64, (i64, &'static [u8; 32])>,
}

/// The database cannot be read: no consensus on that.
fn unreadable<E>(_: E) -> Fault {
    Fault::Host("the state database cannot be read")
}

impl Backing for Snapshot {
    fn account(&self, address: &Address) -> Result<Option<AccountInfo>, Fault> {
        Ok(self.accounts.get(&address.0).map_err(unreadable)?.map(|row| info(row.value())))
    }

    fn storage(&self, address: &Address, key: &Bytes32) -> Result<Bytes32, Fault> {
        let value = self.storage.get((&address.0, &key.0)).map_err(unreadable)?;
        Ok(value.map(|value| Bytes32::from(value.value())).unwrap_or_default())
    }

    fn has_storage(&self, address: &Address) -> Result<bool, Fault> {
        let mut slots = self.storage.range((&address.0, &[0; 32])..=(&address.0, &[0xff; 32])).map_err(unreadable)?;
        Ok(slots.next().transpose().map_err(unreadable)?.is_some())
    }

    fn code(&self, _: &Address, hash: &Bytes32) -> Result<Arc<[u8]>, Fault> {
        let code = self.code.get(&hash.0).map_err(unreadable)?;
        Ok(code.ok_or(Fault::Host("the state database lacks a contract's code"))?.value().into())
    }

    fn block_hash(&self, number: i64) -> Result<Bytes32, Fault> {
        let block = self.blocks.get(number).map_err(unreadable)?;
        Ok(block.map(|block| Bytes32::from(block.value().1)).unwrap_or_default())
    }
}

impl Store for RedbStore {
    fn backing(&self) -> Result<Box<dyn Backing + '_>, ChainError> {
        self.read(|read| {
            Ok(Box::new(Snapshot {
                accounts: read.open_table(ACCOUNTS)?,
                storage: read.open_table(STORAGE)?,
                code: read.open_table(CODE)?,
                blocks: read.open_table(BLOCKS)?,
            }) as Box<dyn Backing>)
        })
    }

    fn head(&self) -> Result<Block, ChainError> {
        let last = self.read(|read| {
            let blocks = read.open_table(BLOCKS)?;
            let last = blocks.last()?;
            Ok(last.map(|(number, block)| {
                let (timestamp, hash) = block.value();
                Block { number: number.value(), timestamp, hash: Bytes32::from(hash) }
            }))
        })?;
        last.ok_or_else(|| self.bad("there is no block"))
    }

    fn commit(&mut self, changes: Changes, blocks: &[Block]) -> Result<(), ChainError> {
        self.write(|write| {
            changes.accounts.iter().try_for_each(|(address, change)| put_change(write, address, change))?;
            put_blocks(write, blocks)
        })
    }

    fn settings(&self) -> Result<Settings, ChainError> {
        let text = self.read(|read| Ok(read.open_table(META)?.get("settings")?.map(|text| text.value().to_owned())))?;
        let text: SettingsText =
            serde_json::from_str(&text.unwrap_or_default()).map_err(|e| self.bad(e.to_string()))?;
        text.parse().map_err(|what| self.bad(what))
    }

    fn set_settings(&mut self, settings: &Settings) -> Result<(), ChainError> {
        self.write(|write| {
            write.open_table(META)?.insert("settings", settings_text(settings).as_str())?;
            Ok(())
        })
    }

    fn accounts(&self) -> Result<Vec<(Address, AccountInfo)>, ChainError> {
        self.read(|read| {
            let mut list = Vec::new();
            for row in read.open_table(ACCOUNTS)?.iter()? {
                let (address, account) = row?;
                list.push((Address::from(address.value()), info(account.value())));
            }
            Ok(list)
        })
    }

    fn storage(&self, address: &Address) -> Result<Vec<(Bytes32, Bytes32)>, ChainError> {
        self.read(|read| {
            let mut list = Vec::new();
            let all = (&address.0, &[0; 32])..=(&address.0, &[0xff; 32]);
            for row in read.open_table(STORAGE)?.range(all)? {
                let (key, value) = row?;
                list.push((Bytes32::from(key.value().1), Bytes32::from(value.value())));
            }
            Ok(list)
        })
    }

    fn code(&self, address: &Address) -> Result<Arc<[u8]>, ChainError> {
        self.read(|read| {
            let hash = read.open_table(ACCOUNTS)?.get(&address.0)?.map(|row| info(row.value()).code_hash);
            match hash {
                Some(hash) if hash != EMPTY_CODE_HASH => {
                    let code = read.open_table(CODE)?.get(&hash.0)?;
                    Ok(code.map(|code| code.value().into()).unwrap_or_default())
                }
                _ => Ok(Arc::default()),
            }
        })
    }

    fn notes(&self) -> Result<Vec<(String, String)>, ChainError> {
        self.read(|read| {
            let mut list = Vec::new();
            for row in read.open_table(NOTES)?.iter()? {
                let (key, value) = row?;
                list.push((key.value().to_owned(), value.value().to_owned()));
            }
            Ok(list)
        })
    }

    fn note(&self, key: &str) -> Result<Option<String>, ChainError> {
        self.read(|read| Ok(read.open_table(NOTES)?.get(key)?.map(|text| text.value().to_owned())))
    }

    fn set_note(&mut self, key: &str, value: Option<&str>) -> Result<(), ChainError> {
        self.write(|write| {
            let mut notes = write.open_table(NOTES)?;
            match value {
                Some(value) => notes.insert(key, value)?,
                None => notes.remove(key)?,
            };
            Ok(())
        })
    }
}

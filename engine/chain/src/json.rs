//! State in a JSON file, for the eyes; without a file, state in memory.
//!
//! ```json
//! {
//!   "format": "gristmill-state-1",
//!   "settings": { "chainId": 1337, "revision": "Prague", "schedule": "v1", "keccakAt9": "on", ... },
//!   "head": { "number": 2, "timestamp": 1700000000 },
//!   "blockHashes": { "0": "0x...", "1": "0x...", "2": "0x..." },
//!   "accounts": {
//!     "0x<40 digits>": { "nonce": 1, "balance": "<decimal wei>", "code": "0x...", "storage": { "0x<64>": "0x<64>" } }
//!   },
//!   "notes": { "<key>": "<text>" }
//! }
//! ```
//! `code` and `storage` may be missing; `blockHashes` are those of the last 257 blocks, the head's included. The file is
//! written whole, beside the old one, and then put in its place.

use crate::chain::{Block, ChainError};
use crate::settings::{Settings, SettingsText};
use crate::store::{KEPT_BLOCKS, Store};
use gristmill::contract::{AccountInfo, Address, Backing, Bytes32, Changes, Ledger, LedgerAccount, U256};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

/// The name of the format; another format has another name.
const FORMAT: &str = "gristmill-state-1";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    format: String,
    settings: SettingsText,
    head: Head,
    block_hashes: BTreeMap<i64, String>,
    accounts: BTreeMap<String, Account>,
    #[serde(default)]
    notes: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    number: i64,
    timestamp: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    nonce: u64,
    balance: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    code: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    storage: BTreeMap<String, String>,
}

/// Bytes as 0x and digits.
pub(crate) fn hex_text(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn parse_bytes(text: &str) -> Result<Vec<u8>, String> {
    let digits = text.strip_prefix("0x").ok_or_else(|| format!("{text:?} does not start with 0x"))?;
    hex::decode(digits).map_err(|e| format!("{text:?}: {e}"))
}

/// Exactly `N` bytes from 0x and digits.
pub(crate) fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], String> {
    parse_bytes(text)?.try_into().map_err(|_| format!("{text:?} is not {N} bytes"))
}

/// A whole chain in memory, with the file that it is written to, if any.
pub(crate) struct JsonStore {
    path: Option<PathBuf>,
    settings: Settings,
    head: Block,
    ledger: Ledger,
    notes: BTreeMap<String, String>,
}

impl JsonStore {
    /// A chain at its genesis, written to `path` at once.
    pub(crate) fn create(path: Option<&Path>, settings: &Settings) -> Result<Self, ChainError> {
        let head = Block::genesis(settings.chain_id);
        let mut ledger = Ledger::new();
        ledger.block_hashes.insert(head.number, head.hash);
        let path = path.map(Path::to_owned);
        let store = Self { path, settings: settings.clone(), head, ledger, notes: BTreeMap::new() };
        store.save()?;
        Ok(store)
    }

    /// A chain from its file.
    pub(crate) fn load(path: &Path) -> Result<Self, ChainError> {
        let text = fs::read_to_string(path).map_err(|e| ChainError::file(path, &e))?;
        Self::parse(path, &text).map_err(|what| ChainError::Format { path: path.to_owned(), what })
    }

    fn parse(path: &Path, text: &str) -> Result<Self, String> {
        let file: File = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if file.format != FORMAT {
            return Err(format!("the format is {:?} and must be {FORMAT:?}", file.format));
        }
        let mut ledger = Ledger::new();
        for (number, hash) in &file.block_hashes {
            ledger.block_hashes.insert(*number, Bytes32::from(parse_hex::<32>(hash)?));
        }
        for (address, account) in file.accounts {
            let address = Address::from(parse_hex::<20>(&address)?);
            ledger.accounts.insert(address, account.parse()?);
        }
        let Head { number, timestamp } = file.head;
        let hash = *ledger.block_hashes.get(&number).ok_or("the head's block hash is missing")?;
        Ok(Self {
            path: Some(path.to_owned()),
            settings: file.settings.parse()?,
            head: Block { number, timestamp, hash },
            ledger,
            notes: file.notes,
        })
    }

    fn save(&self) -> Result<(), ChainError> {
        let Some(path) = &self.path else { return Ok(()) };
        let file = File {
            format: FORMAT.into(),
            settings: (&self.settings).into(),
            head: Head { number: self.head.number, timestamp: self.head.timestamp },
            block_hashes: self.ledger.block_hashes.iter().map(|(n, h)| (*n, hex_text(h.as_bytes()))).collect(),
            accounts: self.ledger.accounts.iter().map(|(a, v)| (hex_text(a.as_bytes()), v.into())).collect(),
            notes: self.notes.clone(),
        };
        let mut text = serde_json::to_vec_pretty(&file).map_err(|e| ChainError::file(path, &e))?;
        text.push(b'\n');
        replace(path, &text).map_err(|e| ChainError::file(path, &e))
    }
}

/// Writes beside the file and renames: a reader sees the old or the new one, never a part.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    use io::Write as _;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let written = fs::File::create(&beside).and_then(|mut file| {
        file.write_all(text)?;
        file.sync_all()
    });
    let done = written.and_then(|()| fs::rename(&beside, path));
    if done.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    done
}

impl Account {
    fn parse(self) -> Result<LedgerAccount, String> {
        let mut storage = BTreeMap::new();
        for (key, value) in &self.storage {
            let value = Bytes32::from(parse_hex::<32>(value)?);
            if !value.is_zero() {
                storage.insert(Bytes32::from(parse_hex::<32>(key)?), value);
            }
        }
        let code = if self.code.is_empty() { Vec::new() } else { parse_bytes(&self.code)? };
        let balance = U256::from_dec_str(&self.balance).map_err(|e| format!("balance {:?}: {e:?}", self.balance))?;
        Ok(LedgerAccount { nonce: self.nonce, balance, code: code.into(), storage })
    }
}

impl From<&LedgerAccount> for Account {
    fn from(account: &LedgerAccount) -> Self {
        let pair = |(key, value): (&Bytes32, &Bytes32)| (hex_text(key.as_bytes()), hex_text(value.as_bytes()));
        Self {
            nonce: account.nonce,
            balance: account.balance.to_string(),
            code: if account.code.is_empty() { String::new() } else { hex_text(&account.code) },
            storage: account.storage.iter().map(pair).collect(),
        }
    }
}

impl Store for JsonStore {
    fn backing(&self) -> Result<Box<dyn Backing + '_>, ChainError> {
        Ok(Box::new(&self.ledger))
    }

    fn head(&self) -> Result<Block, ChainError> {
        Ok(self.head.clone())
    }

    fn commit(&mut self, changes: Changes, blocks: &[Block]) -> Result<(), ChainError> {
        // A file that cannot be written must not leave its chain ahead of it.
        let before = self.path.is_some().then(|| (self.ledger.clone(), self.head.clone()));
        self.ledger.apply(changes);
        for block in blocks {
            self.ledger.block_hashes.insert(block.number, block.hash);
            self.head = block.clone();
        }
        self.ledger.block_hashes = self.ledger.block_hashes.split_off(&(self.head.number - KEPT_BLOCKS + 1));
        let saved = self.save();
        if let (Err(_), Some(before)) = (&saved, before) {
            (self.ledger, self.head) = before;
        }
        saved
    }

    fn settings(&self) -> Result<Settings, ChainError> {
        Ok(self.settings.clone())
    }

    fn set_settings(&mut self, settings: &Settings) -> Result<(), ChainError> {
        let before = std::mem::replace(&mut self.settings, settings.clone());
        self.save().inspect_err(|_| self.settings = before)
    }

    fn accounts(&self) -> Result<Vec<(Address, AccountInfo)>, ChainError> {
        Ok(self.ledger.accounts.iter().map(|(address, account)| (*address, account.info())).collect())
    }

    fn storage(&self, address: &Address) -> Result<Vec<(Bytes32, Bytes32)>, ChainError> {
        let account = self.ledger.accounts.get(address);
        Ok(account.into_iter().flat_map(|account| account.storage.iter().map(|(k, v)| (*k, *v))).collect())
    }

    fn code(&self, address: &Address) -> Result<Arc<[u8]>, ChainError> {
        Ok(self.ledger.accounts.get(address).map(|account| account.code.bytes().clone()).unwrap_or_default())
    }

    fn notes(&self) -> Result<Vec<(String, String)>, ChainError> {
        Ok(self.notes.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn note(&self, key: &str) -> Result<Option<String>, ChainError> {
        Ok(self.notes.get(key).cloned())
    }

    fn set_note(&mut self, key: &str, value: Option<&str>) -> Result<(), ChainError> {
        let before = match value {
            Some(value) => self.notes.insert(key.into(), value.into()),
            None => self.notes.remove(key),
        };
        self.save().inspect_err(|_| match before {
            Some(before) => drop(self.notes.insert(key.into(), before)),
            None => drop(self.notes.remove(key)),
        })
    }
}

//! What the service keeps, in memory and bounded: executables, and values for an hour.

use super::Options;
use super::key::{Key, NONE};
use super::outbound::Target;
use crate::failed::Failed;
use gristmill::Module;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Runs of an executable that its log has.
const LINES: usize = 64;

/// How long a value stays that nobody changes.
const HOUR: Duration = Duration::from_secs(3_600);

/// Values for an hour: how many, and bytes of each.
const VALUES: usize = 1_024;
pub const VALUE: usize = 64 << 10;

/// A module that somebody uploaded.
#[derive(Clone, Debug)]
pub struct Executable {
    /// What it is, in words.
    pub description: String,
    /// SHA-256 of its bytes, with `0x`.
    pub digest: String,
    /// The module.
    pub module: Module,
    /// Bytes that it had.
    pub bytes: usize,
    /// Whoever runs it must show this.
    pub usage: Option<Key>,
    /// Whoever changes it must show this.
    pub admin: Key,
    /// The beginning of its namespaces in key-value storage.
    pub storage: String,
    /// What its functions find as their first argument.
    pub state: String,
    /// Where answers go.
    pub callback: Option<Target>,
    log: VecDeque<Line>,
}

/// A run, in the log.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// When it ended.
    pub time: String,
    /// What was called.
    pub function: String,
    /// `ok`, or what failed.
    pub outcome: String,
    /// Gas that was spent.
    pub gas: u64,
    /// What was written to standard error, the beginning of it.
    pub errors: String,
}

impl Executable {
    /// One that nobody has run.
    pub fn new(
        description: String,
        digest: String,
        module: Module,
        bytes: usize,
        keys: (Option<Key>, Key),
        storage: String,
    ) -> Self {
        let (usage, admin) = keys;
        let (state, callback, log) = (String::new(), None, VecDeque::new());
        Self { description, digest, module, bytes, usage, admin, storage, state, callback, log }
    }

    /// What everybody may know.
    pub fn told(&self, id: u64) -> Value {
        json!({ "wasm_id": id, "wasm_description": self.description, "wasm_sha256": self.digest, "wasm_bytes": self.bytes })
    }

    /// The usage key, as the service tells it.
    pub fn usage_text(&self) -> &str {
        self.usage.as_ref().map_or(NONE, Key::text)
    }

    /// Notes a run.
    pub fn note(&mut self, line: Line) {
        if self.log.len() == LINES {
            self.log.pop_front();
        }
        self.log.push_back(line);
    }

    /// The runs, oldest first.
    pub fn log(&self) -> Vec<Line> {
        self.log.iter().cloned().collect()
    }
}

/// Executables and values. No lock is held while anything runs.
#[derive(Debug)]
pub struct Store {
    executables: Mutex<Executables>,
    values: Mutex<BTreeMap<String, (Instant, Value)>>,
    most: usize,
    most_bytes: usize,
}

#[derive(Debug, Default)]
struct Executables {
    last: u64,
    by_id: BTreeMap<u64, Executable>,
    bytes: usize,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is done under a lock is one insertion or one change of a field.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unknown(id: u64) -> Failed {
    Failed::NotFound(format!("there is no executable {id}"))
}

impl Store {
    /// An empty one.
    pub fn new(options: &Options) -> Self {
        Self {
            executables: Mutex::default(),
            values: Mutex::default(),
            most: options.executables,
            most_bytes: options.total,
        }
    }

    /// Whether there is room for `more` executables with so many `bytes`.
    ///
    /// # Errors
    /// [`Failed::Full`].
    pub fn has_room(&self, more: usize, bytes: usize) -> Result<(), Failed> {
        self.room(&locked(&self.executables), more, bytes)
    }

    fn room(&self, all: &Executables, more: usize, bytes: usize) -> Result<(), Failed> {
        let fits = all.by_id.len() + more <= self.most && all.bytes.saturating_add(bytes) <= self.most_bytes;
        fits.then_some(()).ok_or_else(|| Failed::Full("there is no room for another executable".into()))
    }

    /// Keeps an executable and returns its number.
    ///
    /// # Errors
    /// [`Failed::Full`].
    pub fn add(&self, executable: Executable) -> Result<u64, Failed> {
        let mut all = locked(&self.executables);
        self.room(&all, 1, executable.bytes)?;
        all.last += 1;
        all.bytes += executable.bytes;
        let id = all.last;
        all.by_id.insert(id, executable);
        Ok(id)
    }

    /// Shows an executable to `look`.
    ///
    /// # Errors
    /// [`Failed::NotFound`], or what `look` says.
    pub fn with<T>(&self, id: u64, look: impl FnOnce(&mut Executable) -> Result<T, Failed>) -> Result<T, Failed> {
        look(locked(&self.executables).by_id.get_mut(&id).ok_or_else(|| unknown(id))?)
    }

    /// Puts another module in the place of an executable's.
    ///
    /// # Errors
    /// [`Failed::NotFound`], [`Failed::Full`].
    pub fn replace(&self, id: u64, module: Module, digest: String, bytes: usize) -> Result<(), Failed> {
        let mut all = locked(&self.executables);
        let before = all.by_id.get(&id).ok_or_else(|| unknown(id))?.bytes;
        self.room(&all, 0, bytes.saturating_sub(before))?;
        all.bytes = all.bytes - before + bytes;
        if let Some(executable) = all.by_id.get_mut(&id) {
            (executable.module, executable.digest, executable.bytes) = (module, digest, bytes);
        }
        Ok(())
    }

    /// Forgets an executable.
    pub fn remove(&self, id: u64) {
        let mut all = locked(&self.executables);
        if let Some(executable) = all.by_id.remove(&id) {
            all.bytes -= executable.bytes;
        }
    }

    /// All executables.
    pub fn list(&self) -> Vec<Value> {
        locked(&self.executables).by_id.iter().map(|(id, executable)| executable.told(*id)).collect()
    }

    /// Keeps a value under `key` for an hour; one that is there is replaced, and only then if it `must_exist`.
    ///
    /// # Errors
    /// [`Failed::NotFound`], [`Failed::Full`].
    pub fn put_value(&self, key: &str, value: Value, must_exist: bool) -> Result<(), Failed> {
        let mut values = locked(&self.values);
        values.retain(|_, (since, _)| since.elapsed() < HOUR);
        match (values.contains_key(key), must_exist) {
            (false, true) => return Err(Failed::NotFound("there is no such key".into())),
            (false, false) if values.len() >= VALUES => {
                return Err(Failed::Full("there is no room for another value".into()));
            }
            _ => {}
        }
        values.insert(key.into(), (Instant::now(), value));
        Ok(())
    }

    /// The value under a key.
    pub fn value(&self, key: &str) -> Option<Value> {
        locked(&self.values).get(key).filter(|(since, _)| since.elapsed() < HOUR).map(|(_, value)| value.clone())
    }

    /// Forgets a value; whether there was one.
    pub fn remove_value(&self, key: &str) -> bool {
        locked(&self.values).remove(key).is_some()
    }
}

//! Data that is gone with the process.

use crate::backend::{Backend, Broken, Change, Expected, Quota, Usage, Written};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A [`Backend`] in memory: for tests, and for jobs that leave nothing behind.
#[derive(Debug, Default)]
pub struct Memory(Mutex<BTreeMap<String, Space>>);

#[derive(Debug, Default)]
struct Space {
    data: BTreeMap<Vec<u8>, Vec<u8>>,
    usage: Usage,
}

impl Memory {
    fn spaces(&self) -> MutexGuard<'_, BTreeMap<String, Space>> {
        // Only `view` and `keys` call foreign code while they hold the lock, and they change nothing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Space {
    /// Gives a key a value or takes it away, and returns what it had.
    fn put(&mut self, key: &[u8], value: Option<&[u8]>) -> Option<Vec<u8>> {
        let old = match (value, self.data.entry(key.to_vec())) {
            (Some(value), Entry::Occupied(mut entry)) => Some(entry.insert(value.to_vec())),
            (Some(value), Entry::Vacant(entry)) => {
                entry.insert(value.to_vec());
                None
            }
            (None, Entry::Occupied(entry)) => Some(entry.remove()),
            (None, Entry::Vacant(_)) => None,
        };
        self.usage = self.usage.changed(key.len(), old.as_ref().map(Vec::len), value.map(<[u8]>::len));
        old
    }
}

impl Backend for Memory {
    fn view(&self, space: &str, key: &[u8], see: &mut dyn FnMut(&[u8])) -> Result<bool, Broken> {
        Ok(self.spaces().get(space).and_then(|space| space.data.get(key)).map(|value| see(value)).is_some())
    }

    fn keys(
        &self,
        space: &str,
        prefix: &[u8],
        after: &[u8],
        each: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), Broken> {
        let spaces = self.spaces();
        let Some(space) = spaces.get(space) else { return Ok(()) };
        let from = if after < prefix { Bound::Included(prefix) } else { Bound::Excluded(after) };
        let keys = space.data.range::<[u8], _>((from, Bound::Unbounded)).map(|(key, _)| key);
        let _ = keys.take_while(|key| key.starts_with(prefix)).all(|key| each(key));
        Ok(())
    }

    fn usage(&self, space: &str) -> Result<Usage, Broken> {
        Ok(self.spaces().get(space).map_or(Usage::default(), |space| space.usage))
    }

    fn write(
        &self,
        space: &str,
        quota: Quota,
        expected: Option<Expected<'_>>,
        changes: &[Change<'_>],
    ) -> Result<Written, Broken> {
        let mut spaces = self.spaces();
        let space = spaces.entry(space.to_owned()).or_default();
        if expected.is_some_and(|(key, value)| space.data.get(key).map(Vec::as_slice) != value) {
            return Ok(Written::Mismatch);
        }
        let before = space.usage;
        let old: Vec<_> = changes.iter().map(|(key, value)| (*key, space.put(key, *value))).collect();
        let after = space.usage;
        if quota.admits(before, after) {
            return Ok(Written::Done { before, after });
        }
        for (key, value) in old.into_iter().rev() {
            space.put(key, value.as_deref());
        }
        Ok(Written::Full)
    }
}

//! What jobs store: a namespace of theirs is one value of the node's.

use crate::Means;
use codec::{Decode, Encode};
use gristmill_ext_grants::Grants;
use gristmill_ext_storage::{Backend, Memory, Quota, Written};
use std::fmt;

/// Where a node keeps what jobs store. A job sees what was there when it began, and what it changes is kept when it completes,
/// all of it or nothing.
pub trait Kept: Send + Sync {
    /// What was kept under that name, if anything was.
    fn get(&self, namespace: &str) -> Option<Vec<u8>>;

    /// Keeps `new` if what is kept is still `old`; false: it is not.
    fn replace(&self, namespace: &str, old: Option<&[u8]>, new: &[u8]) -> bool;
}

/// For nodes that keep nothing.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Kept for Nothing {
    fn get(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn replace(&self, _: &str, _: Option<&[u8]>, _: &[u8]) -> bool {
        true
    }
}

impl fmt::Debug for dyn Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

/// Bytes that a namespace may have when its grant does not say: it goes to the job and back whole.
const BYTES: u64 = 1 << 20;

/// Keys that it may have.
const KEYS: u64 = 1 << 14;

/// The keys and values of a namespace, as the node keeps them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Space(Vec<(Vec<u8>, Vec<u8>)>);

/// The namespace that a policy's jobs have, if they have one.
pub(crate) fn namespace(means: &Means) -> Option<&str> {
    means.grants.as_ref()?.storage.first().map(|grant| grant.namespace.as_str())
}

/// Bytes that an answer may have for the namespace, at most.
pub(crate) fn longest(means: &Means) -> u64 {
    // Of each key and value the length, in four bytes at most.
    let grant = means.grants.as_ref().and_then(|grants| grants.storage.first());
    grant.map_or(0, |grant| grant.bytes.unwrap_or(BYTES) + 8 * grant.keys.unwrap_or(KEYS) + 4)
}

/// Grants for a job, in which a namespace has bounds.
pub(crate) fn bounded(mut grants: Grants) -> Grants {
    for grant in &mut grants.storage {
        grant.bytes.get_or_insert(BYTES);
        grant.keys.get_or_insert(KEYS);
    }
    grants
}

impl Space {
    /// A namespace with these keys, in memory. Nothing, when more is there than fits.
    pub(crate) fn open(&self, namespace: &str) -> Option<Memory> {
        let memory = Memory::default();
        let changes: Vec<_> = self.0.iter().map(|(key, value)| (&key[..], Some(&value[..]))).collect();
        let written = memory.write(namespace, Quota::default(), None, &changes).ok()?;
        matches!(written, Written::Done { .. }).then_some(memory)
    }

    /// What is in a namespace.
    pub(crate) fn of(memory: &Memory, namespace: &str) -> Option<Self> {
        let mut keys = Vec::new();
        memory
            .keys(namespace, b"", b"", &mut |key| {
                keys.push(key.to_vec());
                true
            })
            .ok()?;
        let value = |key: Vec<u8>| memory.get(namespace, &key).ok()?.map(|value| (key, value));
        keys.into_iter().map(value).collect::<Option<_>>().map(Self)
    }
}

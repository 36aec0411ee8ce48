//! What keeps the data.

use std::fmt;

/// A change of one key: its new value, or nothing when it is removed.
pub type Change<'a> = (&'a [u8], Option<&'a [u8]>);

/// What a key must have for a change to take place: that value, or nothing when it must not be there.
pub type Expected<'a> = (&'a [u8], Option<&'a [u8]>);

/// Keeps namespaces of keys and values. All instances of a node share one; each method is an act of its own, and none waits for
/// a guest.
///
/// An implementation keeps three promises. *Atomic*: of a [`write`](Backend::write) everything is there or nothing, after a crash
/// too. *Durable*: what it has returned from is there after a crash, as far as it keeps anything. *Exact*: usage changes in the
/// same act as the data. Namespaces never see each other. Keys are in the order of their bytes.
pub trait Backend: Send + Sync {
    /// Shows `see` the value of a key, if it has one, and says whether it has.
    ///
    /// # Errors
    /// When the data cannot be read.
    fn view(&self, space: &str, key: &[u8], see: &mut dyn FnMut(&[u8])) -> Result<bool, Broken>;

    /// A copy of the value of a key.
    ///
    /// # Errors
    /// When the data cannot be read.
    fn get(&self, space: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Broken> {
        let mut copy = None;
        self.view(space, key, &mut |value| copy = Some(value.to_vec()))?;
        Ok(copy)
    }

    /// Shows `each` the keys that begin with `prefix` and are behind `after`, in order, until it says no.
    ///
    /// # Errors
    /// When the data cannot be read.
    fn keys(&self, space: &str, prefix: &[u8], after: &[u8], each: &mut dyn FnMut(&[u8]) -> bool)
    -> Result<(), Broken>;

    /// Bytes and keys in a namespace.
    ///
    /// # Errors
    /// When the data cannot be read.
    fn usage(&self, space: &str) -> Result<Usage, Broken>;

    /// Makes all changes in their order, if `expected` is so and the quota admits what they come to.
    ///
    /// # Errors
    /// When the data cannot be read or written; nothing has changed then.
    fn write(
        &self,
        space: &str,
        quota: Quota,
        expected: Option<Expected<'_>>,
        changes: &[Change<'_>],
    ) -> Result<Written, Broken>;
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// All changes are made, and durable.
    Done {
        /// What was in the namespace.
        before: Usage,
        /// What is.
        after: Usage,
    },
    /// What was expected is not so; nothing has changed.
    Mismatch,
    /// There would be more than the quota admits; nothing has changed.
    Full,
}

/// What is in a namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of all keys and values.
    pub bytes: u64,
    /// Keys.
    pub keys: u64,
}

impl Usage {
    /// After a value of `key` has gone (`old`) and another come (`new`), by their lengths.
    pub fn changed(self, key: usize, old: Option<usize>, new: Option<usize>) -> Self {
        let (bytes, keys) = (
            |value: Option<usize>| value.map_or(0, |value| (key + value) as u64),
            |v: Option<_>| u64::from(v.is_some()),
        );
        // A sum of lengths that are all there at once fits; a counter that was damaged must not wrap.
        Self {
            bytes: self.bytes.saturating_sub(bytes(old)).saturating_add(bytes(new)),
            keys: self.keys.saturating_sub(keys(old)).saturating_add(keys(new)),
        }
    }
}

/// What may be in a namespace at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Bytes of all keys and values.
    pub bytes: Option<u64>,
    /// Keys.
    pub keys: Option<u64>,
}

impl Quota {
    /// Whether a write may take a namespace from `before` to `after`. One that is over its quota, which was larger once or is
    /// another program's, may still shrink.
    pub fn admits(self, before: Usage, after: Usage) -> bool {
        let fits = |limit: Option<u64>, before, after| limit.is_none_or(|limit| after <= limit || after <= before);
        fits(self.bytes, before.bytes, after.bytes) && fits(self.keys, before.keys, after.keys)
    }
}

/// The data cannot be read or written. The text is for the operator; guests never see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(pub String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the storage cannot be read or written: {}", self.0)
    }
}

impl std::error::Error for Broken {}

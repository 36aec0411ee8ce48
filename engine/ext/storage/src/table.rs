//! The state of an instance, and the rows of both modules.

use crate::backend::{Backend, Broken, Quota};
use crate::legacy::Transaction;
use crate::modern::Batch;
use gristmill::Gas;
use gristmill_ext_grants::{Access, Act, Granted, Price, Random, Storage as Grant};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::fmt;
use std::sync::Arc;

/// The storage of one store: grants, the data that all share, and what is open.
pub struct Storage {
    pub(crate) granted: Arc<Granted>,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) transaction: Option<Transaction>,
    pub(crate) batch: Option<Batch>,
    pub(crate) failure: Option<Failure>,
    generator: Option<ChaCha20Rng>,
}

/// Why the last function that failed did: what a trap of `ssvm_native` or a status of `gristmill_storage` leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No namespace is granted, or not that one.
    NotGranted,
    /// The namespace may be read only.
    ReadOnly,
    /// The namespace's quota is spent.
    Full,
    /// No random bytes are granted.
    NoRandom,
    /// `beginLoadTx` of a key that is not there.
    NoSuchKey,
    /// A word or an end outside the matching transaction.
    NoTransaction,
    /// Fewer bytes of the value are left than the word has.
    EndOfValue,
    /// A value beyond [`VALUE`](crate::VALUE).
    TooLong,
    /// The data cannot be read or written.
    Broken(Broken),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotGranted => "the namespace is not granted",
            Self::ReadOnly => "the namespace may be read only",
            Self::Full => "the quota of the namespace is spent",
            Self::NoRandom => "random bytes are not granted",
            Self::NoSuchKey => "there is no such key in the storage",
            Self::NoTransaction => "no transaction of that kind is open",
            Self::EndOfValue => "the value has no such word left",
            Self::TooLong => "the value is too long",
            Self::Broken(broken) => return broken.fmt(f),
        })
    }
}

impl std::error::Error for Failure {}

impl Storage {
    /// The storage of a new store.
    pub fn new(granted: Arc<Granted>, backend: Arc<dyn Backend>) -> Self {
        Self { granted, backend, transaction: None, batch: None, failure: None, generator: None }
    }

    /// Why the last function that failed did, for the operator; a call that goes well leaves it alone.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    pub(crate) fn price(&self) -> Price {
        self.granted.grants.prices.storage
    }

    /// A namespace by its place among the grants, if it may be accessed so. `object` is what the operator is told.
    pub(crate) fn space(&mut self, function: &'static str, place: usize, access: Access) -> Result<&Grant, Failure> {
        let missing = match self.granted.grants.storage.get(place) {
            None => (Failure::NotGranted, Act::Storage, String::new()),
            Some(grant) if access == Access::Rw && grant.access == Access::Ro => {
                (Failure::ReadOnly, Act::StorageWrite, grant.namespace.clone())
            }
            Some(_) => return Ok(&self.granted.grants.storage[place]),
        };
        let (failure, act, object) = missing;
        self.granted.refuse(function, object, act);
        self.failure = Some(failure.clone());
        Err(failure)
    }

    /// Fills `bytes` as the grants say.
    pub(crate) fn random(&mut self, bytes: &mut [u8]) -> Result<(), Failure> {
        match self.granted.grants.random {
            Random::Off => Err(Failure::NoRandom),
            Random::System => {
                getrandom::fill(bytes).map_err(|error| Failure::Broken(Broken(format!("random bytes: {error}"))))
            }
            Random::Seed(seed) => {
                let generator = self.generator.get_or_insert_with(|| {
                    let mut generator = ChaCha20Rng::seed_from_u64(seed);
                    // Of the same seed as what other extensions give, and not the same bytes.
                    generator.set_stream(u64::from_le_bytes(*b"storage\0"));
                    generator
                });
                generator.fill_bytes(bytes);
                Ok(())
            }
        }
    }

    /// Static mode is the chain's, and storage is not there.
    fn is_static(&self) -> bool {
        false
    }

    fn call(&self) -> Gas {
        self.price().base()
    }
}

/// What may be in a namespace.
pub(crate) fn quota(grant: &Grant) -> Quota {
    Quota { bytes: grant.bytes, keys: grant.keys }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage")
            .field("granted", &self.granted)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

gristmill::host_api! {
    impl [] Storage, in_static is_static {
        /// Writes 32 lower-case hexadecimal digits of a fresh random UUID and a NUL at `key`.
        "ssvm_native" ssvm_storage_createUUID => create_uuid(key: i32) -> none, Storage::call, reads;
        /// Begins a value for the 32 bytes at `key`. Whatever was open is given up.
        "ssvm_native" ssvm_storage_beginStoreTx => begin_store(key: i32) -> none, Storage::call, writes;
        /// Appends 4 bytes, little-endian.
        "ssvm_native" ssvm_storage_storeI32 => store_i32(value: i32) -> none, Storage::call, writes;
        /// Appends 8 bytes, little-endian.
        "ssvm_native" ssvm_storage_storeI64 => store_i64(value: i64) -> none, Storage::call, writes;
        /// Stores the value, on disk when it returns.
        "ssvm_native" ssvm_storage_endStoreTx => end_store() -> none, Storage::call, writes;
        /// Loads the value of the 32 bytes at `key`. Whatever was open is given up.
        "ssvm_native" ssvm_storage_beginLoadTx => begin_load(key: i32) -> none, Storage::call, reads;
        /// The next 4 bytes of it.
        "ssvm_native" ssvm_storage_loadI32 => load_i32() -> i32, Storage::call, reads;
        /// The next 8 bytes of it.
        "ssvm_native" ssvm_storage_loadI64 => load_i64() -> i64, Storage::call, reads;
        /// Closes the value.
        "ssvm_native" ssvm_storage_endLoadTx => end_load() -> none, Storage::call, reads;

        /// Writes a handle of the namespace with that name at `out`.
        "gristmill_storage" open => open(name: i32, name_len: i32, out: i32) -> i32, Storage::call, reads;
        /// Writes the value of a key to `buf` and its length at `written`.
        "gristmill_storage" get => get(space: i32, key: i32, key_len: i32, buf: i32, buf_len: i32, written: i32) -> i32,
            Storage::call, reads;
        /// Gives a key a value.
        "gristmill_storage" set => set(space: i32, key: i32, key_len: i32, value: i32, value_len: i32) -> i32,
            Storage::call, writes;
        /// Removes a key.
        "gristmill_storage" delete => delete(space: i32, key: i32, key_len: i32) -> i32, Storage::call, writes;
        /// Writes 1 at `out` if the key is there, else 0.
        "gristmill_storage" exists => exists(space: i32, key: i32, key_len: i32, out: i32) -> i32, Storage::call, reads;
        /// Writes keys with a prefix and behind a cursor to `buf`, and how many bytes that is at `written`.
        "gristmill_storage" list => list(space: i32, prefix: i32, prefix_len: i32, cursor: i32, cursor_len: i32, buf: i32,
            buf_len: i32, written: i32) -> i32, Storage::call, reads;
        /// Replaces a value if it is the one that is expected.
        "gristmill_storage" compare_and_swap => compare_and_swap(space: i32, key: i32, key_len: i32, old: i32, old_len: i32,
            new: i32, new_len: i32) -> i32, Storage::call, writes;
        /// Adds to a number and writes the sum at `out`.
        "gristmill_storage" increment => increment(space: i32, key: i32, key_len: i32, delta: i64, out: i32) -> i32,
            Storage::call, writes;
        /// Begins a batch of changes of a namespace.
        "gristmill_storage" batch_begin => batch_begin(space: i32) -> i32, Storage::call, writes;
        /// Gives a key a value when the batch is committed.
        "gristmill_storage" batch_set => batch_set(key: i32, key_len: i32, value: i32, value_len: i32) -> i32, Storage::call,
            writes;
        /// Removes a key when the batch is committed.
        "gristmill_storage" batch_delete => batch_delete(key: i32, key_len: i32) -> i32, Storage::call, writes;
        /// Makes all changes of the batch at once.
        "gristmill_storage" batch_commit => batch_commit() -> i32, Storage::call, writes;
        /// Forgets the batch.
        "gristmill_storage" batch_rollback => batch_rollback() -> i32, Storage::call, reads;
    }
}

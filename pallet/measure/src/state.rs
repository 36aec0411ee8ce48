//! A state in memory that can go back to how it began, and counts what is read and written.

use sp_core::storage::{ChildInfo, StateVersion, TrackedStorageKey};
use sp_runtime::traits::BlakeTwo256;
use sp_state_machine::backend::Backend;
use sp_state_machine::{
    BackendTransaction, ChildStorageCollection, IterArgs, StateMachineStats, StorageCollection, StorageIterator,
    StorageKey, StorageValue, TrieBackend, UsageInfo,
};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

type Memory = TrieBackend<BackendTransaction<BlakeTwo256>, BlakeTwo256>;
type Failure = <Memory as Backend<BlakeTwo256>>::Error;
type Merkle = sp_trie::MerkleValue<<BlakeTwo256 as sp_core::Hasher>::Out>;
type Hash = <BlakeTwo256 as sp_core::Hasher>::Out;

/// A key, and the child trie that it is in, if any.
type Place = (Option<Vec<u8>>, Vec<u8>);

/// The state.
pub struct State {
    first: Memory,
    now: RefCell<Memory>,
    read: RefCell<BTreeSet<Place>>,
    written: RefCell<BTreeSet<Place>>,
    /// What is not counted.
    whitelist: RefCell<Vec<TrackedStorageKey>>,
}

impl State {
    /// Begins with this.
    pub fn new(first: sp_core::storage::Storage) -> Self {
        let first = Memory::from((first, StateVersion::V1));
        let now = RefCell::new(first.clone());
        Self { first, now, read: RefCell::default(), written: RefCell::default(), whitelist: RefCell::default() }
    }

    fn has_read(&self, child: Option<&ChildInfo>, key: &[u8]) {
        self.read.borrow_mut().insert(place(child.map(ChildInfo::storage_key), key));
    }

    fn count(&self, places: &RefCell<BTreeSet<Place>>) -> u32 {
        let whitelist = self.whitelist.borrow();
        let skipped = |(child, key): &&Place| {
            whitelist
                .iter()
                .any(|tracked| tracked.whitelisted && tracked.key == *key && tracked.child_trie_key == *child)
        };
        let places = places.borrow();
        u32::try_from(places.iter().filter(|place| !skipped(place)).count()).unwrap_or(u32::MAX)
    }
}

fn place(child: Option<&[u8]>, key: &[u8]) -> Place {
    (child.map(<[u8]>::to_vec), key.to_vec())
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

/// Goes over keys, which is reading them.
pub struct Iter {
    inner: <Memory as Backend<BlakeTwo256>>::RawIter,
    child: Option<ChildInfo>,
}

impl StorageIterator<BlakeTwo256> for Iter {
    type Backend = State;
    type Error = Failure;

    fn next_key(&mut self, state: &State) -> Option<Result<StorageKey, Failure>> {
        let key = self.inner.next_key(&state.now.borrow());
        if let Some(Ok(key)) = &key {
            state.has_read(self.child.as_ref(), key);
        }
        key
    }

    fn next_pair(&mut self, state: &State) -> Option<Result<(StorageKey, StorageValue), Failure>> {
        let pair = self.inner.next_pair(&state.now.borrow());
        if let Some(Ok((key, _))) = &pair {
            state.has_read(self.child.as_ref(), key);
        }
        pair
    }

    fn was_complete(&self) -> bool {
        self.inner.was_complete()
    }
}

impl Backend<BlakeTwo256> for State {
    type Error = Failure;
    type TrieBackendStorage = BackendTransaction<BlakeTwo256>;
    type RawIter = Iter;

    fn storage(&self, key: &[u8]) -> Result<Option<StorageValue>, Failure> {
        self.has_read(None, key);
        self.now.borrow().storage(key)
    }

    fn storage_hash(&self, key: &[u8]) -> Result<Option<Hash>, Failure> {
        self.has_read(None, key);
        self.now.borrow().storage_hash(key)
    }

    fn closest_merkle_value(&self, key: &[u8]) -> Result<Option<Merkle>, Failure> {
        self.has_read(None, key);
        self.now.borrow().closest_merkle_value(key)
    }

    fn child_closest_merkle_value(&self, child: &ChildInfo, key: &[u8]) -> Result<Option<Merkle>, Failure> {
        self.has_read(Some(child), key);
        self.now.borrow().child_closest_merkle_value(child, key)
    }

    fn child_storage(&self, child: &ChildInfo, key: &[u8]) -> Result<Option<StorageValue>, Failure> {
        self.has_read(Some(child), key);
        self.now.borrow().child_storage(child, key)
    }

    fn child_storage_hash(&self, child: &ChildInfo, key: &[u8]) -> Result<Option<Hash>, Failure> {
        self.has_read(Some(child), key);
        self.now.borrow().child_storage_hash(child, key)
    }

    fn next_storage_key(&self, key: &[u8]) -> Result<Option<StorageKey>, Failure> {
        self.has_read(None, key);
        self.now.borrow().next_storage_key(key)
    }

    fn next_child_storage_key(&self, child: &ChildInfo, key: &[u8]) -> Result<Option<StorageKey>, Failure> {
        self.has_read(Some(child), key);
        self.now.borrow().next_child_storage_key(child, key)
    }

    fn storage_root<'a>(
        &self,
        delta: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
        version: StateVersion,
    ) -> (Hash, BackendTransaction<BlakeTwo256>) {
        self.now.borrow().storage_root(delta, version)
    }

    fn child_storage_root<'a>(
        &self,
        child: &ChildInfo,
        delta: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
        version: StateVersion,
    ) -> (Hash, bool, BackendTransaction<BlakeTwo256>) {
        self.now.borrow().child_storage_root(child, delta, version)
    }

    fn raw_iter(&self, args: IterArgs<'_>) -> Result<Iter, Failure> {
        let child = args.child_info.clone();
        Ok(Iter { inner: self.now.borrow().raw_iter(args)?, child })
    }

    fn register_overlay_stats(&self, _: &StateMachineStats) {}

    fn usage_info(&self) -> UsageInfo {
        UsageInfo::empty()
    }

    fn wipe(&self) -> Result<(), Failure> {
        *self.now.borrow_mut() = self.first.clone();
        self.reset_read_write_count();
        Ok(())
    }

    fn commit(
        &self,
        root: Hash,
        changes: BackendTransaction<BlakeTwo256>,
        main: StorageCollection,
        children: ChildStorageCollection,
    ) -> Result<(), Failure> {
        self.now.borrow_mut().apply_transaction(root, changes);
        let mut written = self.written.borrow_mut();
        written.extend(main.iter().map(|(key, _)| place(None, key)));
        for (child, changes) in &children {
            written.extend(changes.iter().map(|(key, _)| place(Some(child), key)));
        }
        Ok(())
    }

    /// Reads, repeated ones, writes, repeated ones. A key counts once; nobody asks for the repeated.
    fn read_write_count(&self) -> (u32, u32, u32, u32) {
        (self.count(&self.read), 0, self.count(&self.written), 0)
    }

    fn reset_read_write_count(&self) {
        self.read.borrow_mut().clear();
        self.written.borrow_mut().clear();
    }

    fn get_whitelist(&self) -> Vec<TrackedStorageKey> {
        self.whitelist.borrow().clone()
    }

    fn set_whitelist(&self, whitelist: Vec<TrackedStorageKey>) {
        *self.whitelist.borrow_mut() = whitelist;
    }

    fn proof_size(&self) -> Option<u32> {
        None
    }

    fn get_read_and_written_keys(&self) -> Vec<(Vec<u8>, u32, u32, bool)> {
        Vec::new()
    }
}

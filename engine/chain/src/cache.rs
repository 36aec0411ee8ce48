//! Loaded contracts by their bytes.

use foldhash::quality::RandomState;
use gristmill::contract::ModuleCache;
use gristmill::{Error, Module};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What an entry counts beyond the bytes of its code: the module around them.
const OVERHEAD: usize = 4_096;

/// Keeps loaded modules, the last used ones, within a bound on their code.
///
/// A look-up hashes the code with a seed of this process and compares all of it: nobody can make two contracts share an
/// entry. What lies where it lay at one of the last look-ups is only compared, and not even that if it is shared: the cache
/// shares it too, so it is what it was. Threads that want the same code at once load it once. No lock is held while loading.
#[derive(Debug)]
pub struct CodeCache {
    bound: usize,
    inner: Mutex<Inner>,
    loaded: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    entries: HashMap<Arc<[u8]>, Entry, RandomState>,
    /// By time of use.
    order: BTreeMap<u64, Arc<[u8]>>,
    loading: HashSet<Arc<[u8]>, RandomState>,
    /// What was asked for lately, by where it was: hosts keep the code of a running contract in one place.
    recent: [Option<Recent>; RECENT],
    bytes: usize,
    clock: u64,
}

/// How many codes are found by their address.
const RECENT: usize = 4;

#[derive(Debug)]
struct Recent {
    /// Address of the bytes that were asked for: a hint, which says nothing about what is there now.
    address: usize,
    /// What was asked for, if it was shared. Nothing else can lie there while it is kept here.
    asked: Option<Arc<[u8]>>,
    code: Arc<[u8]>,
    module: Module,
    /// Time of use, which the entry does not know yet.
    used: u64,
}

#[derive(Debug)]
struct Entry {
    /// The key again, to name the entry in the order without a second look-up.
    code: Arc<[u8]>,
    module: Module,
    used: u64,
}

impl Inner {
    fn find(&mut self, code: &[u8], shared: Option<&Arc<[u8]>>) -> Option<Module> {
        self.clock += 1;
        let address = code.as_ptr() as usize;
        let hinted = self.recent.iter_mut().flatten().find(|recent| recent.address == address);
        let is_same = |recent: &Recent| {
            let asked = recent.asked.as_ref().zip(shared);
            asked.is_some_and(|(asked, shared)| Arc::ptr_eq(asked, shared)) || *recent.code == *code
        };
        if let Some(recent) = hinted.filter(|recent| is_same(recent)) {
            recent.used = self.clock;
            if shared.is_some() && recent.asked.is_none() {
                recent.asked = shared.cloned();
            }
            return Some(recent.module.clone());
        }
        let entry = self.entries.get_mut(code)?;
        self.order.remove(&entry.used);
        entry.used = self.clock;
        self.order.insert(self.clock, entry.code.clone());
        let (code, module) = (entry.code.clone(), entry.module.clone());
        let recent = Recent { address, asked: shared.cloned(), code, module: module.clone(), used: self.clock };
        self.remember(recent);
        Some(module)
    }

    /// Puts the hint in the place of one for the same address or code, or of the oldest.
    fn remember(&mut self, recent: Recent) {
        let same = |old: &Recent| old.address == recent.address || Arc::ptr_eq(&old.code, &recent.code);
        let place = self.recent.iter().position(|old| old.as_ref().is_some_and(same)).unwrap_or_else(|| {
            let age = |old: &Option<Recent>| old.as_ref().map_or(0, |old| old.used);
            (0..RECENT).min_by_key(|place| age(&self.recent[*place])).unwrap_or(0)
        });
        if let Some(old) = self.recent[place].replace(recent) {
            self.note_use(&old.code, old.used);
        }
    }

    /// Makes `used` the last use of the entry, if that is later.
    fn note_use(&mut self, code: &Arc<[u8]>, used: u64) {
        if let Some(entry) = self.entries.get_mut(code).filter(|entry| entry.used < used) {
            self.order.remove(&entry.used);
            entry.used = used;
            self.order.insert(used, code.clone());
        }
    }

    /// Drops the entry that was not used for the longest time.
    fn evict(&mut self) -> bool {
        for place in 0..RECENT {
            if let Some((code, used)) = self.recent[place].as_ref().map(|recent| (recent.code.clone(), recent.used)) {
                self.note_use(&code, used);
            }
        }
        let Some((_, oldest)) = self.order.pop_first() else { return false };
        self.recent.iter_mut().for_each(|recent| drop(recent.take_if(|recent| Arc::ptr_eq(&recent.code, &oldest))));
        self.entries.remove(&oldest);
        self.bytes -= CodeCache::weight(&oldest);
        true
    }

    fn insert(&mut self, code: Arc<[u8]>, module: Module, bound: usize) {
        if CodeCache::weight(&code) > bound {
            return;
        }
        self.bytes += CodeCache::weight(&code);
        while self.bytes > bound && self.evict() {}
        self.clock += 1;
        self.order.insert(self.clock, code.clone());
        self.entries.insert(code.clone(), Entry { code, module, used: self.clock });
    }
}

impl CodeCache {
    /// The bound where nobody chooses one.
    pub const DEFAULT_BYTES: usize = 64 << 20;

    /// A cache of at most `bytes` bytes of code, each entry counting 4 KiB more. Loaded code takes a few times that.
    pub fn new(bytes: usize) -> Self {
        Self { bound: bytes, inner: Mutex::default(), loaded: Condvar::new() }
    }

    /// What `code` counts against the bound.
    pub fn weight(code: &[u8]) -> usize {
        code.len() + OVERHEAD
    }

    /// Whether these very bytes are kept. Does not count as a use.
    pub fn contains(&self, code: &[u8]) -> bool {
        self.lock().entries.contains_key(code)
    }

    /// How many contracts are kept.
    pub fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the kept contracts count against the bound.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Forgets all of them.
    pub fn clear(&self) {
        let mut inner = self.lock();
        let loading = std::mem::take(&mut inner.loading);
        *inner = Inner { loading, clock: inner.clock, ..Inner::default() };
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics half-way through a change.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the loading of its code, also when loading panics: others wait for it.
struct Loading<'c> {
    cache: &'c CodeCache,
    code: Arc<[u8]>,
}

impl Drop for Loading<'_> {
    fn drop(&mut self) {
        self.cache.lock().loading.remove(&self.code);
        self.cache.loaded.notify_all();
    }
}

impl ModuleCache for CodeCache {
    fn get_or_load(&self, code: &[u8], load: &mut dyn FnMut() -> Result<Module, Error>) -> Result<Module, Error> {
        self.find_or_load(code, None, load)
    }

    fn get_or_load_shared(
        &self,
        code: &Arc<[u8]>,
        load: &mut dyn FnMut() -> Result<Module, Error>,
    ) -> Result<Module, Error> {
        self.find_or_load(code, Some(code), load)
    }
}

impl CodeCache {
    fn find_or_load(
        &self,
        code: &[u8],
        shared: Option<&Arc<[u8]>>,
        load: &mut dyn FnMut() -> Result<Module, Error>,
    ) -> Result<Module, Error> {
        let mut inner = self.lock();
        loop {
            if let Some(module) = inner.find(code, shared) {
                return Ok(module);
            }
            if !inner.loading.contains(code) {
                break;
            }
            inner = self.loaded.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        let key = shared.map_or_else(|| code.into(), Arc::clone);
        inner.loading.insert(key.clone());
        drop(inner);
        let loading = Loading { cache: self, code: key };
        let module = load()?;
        self.lock().insert(loading.code.clone(), module.clone(), self.bound);
        Ok(module)
    }
}

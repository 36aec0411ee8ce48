//! How long does an act of the storage take from a guest, beside redb called natively? Both keep the same promise: reads see
//! the last commit, a write is on disk when it returns, committed in two phases. Everybody has a file of their own.

use gristmill::{Config, Engine, Linker, Module, Store};
use gristmill_aot::{Aot, Options};
use gristmill_ext_grants::{Granted, Grants};
use gristmill_ext_storage::{Redb, Storage, add_to_linker};
use gristmill_measure::{Contender, MICROSECONDS, Report};
use redb::{AccessGuard, Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

/// Keys that there are before: 8 bytes, big-endian numbers from 0.
const KEYS: u64 = 1 << 16;
/// Bytes of each value.
const VALUE: usize = 128;
/// Keys that are listed at once, and changes of a batch.
const MANY: u64 = 64;

const DATA: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("data");

/// Each export does its act `n` times, with a key that moves, and returns all statuses, or-ed. The key is at 0 and the value at
/// 16; what comes back is at 1024, its length at 8.
const GUEST: &str = r#"(module
  (import "gristmill_storage" "get" (func $get (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "gristmill_storage" "exists" (func $exists (param i32 i32 i32 i32) (result i32)))
  (import "gristmill_storage" "list" (func $list (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "gristmill_storage" "set" (func $set (param i32 i32 i32 i32 i32) (result i32)))
  (import "gristmill_storage" "increment" (func $increment (param i32 i32 i32 i64 i32) (result i32)))
  (import "gristmill_storage" "batch_begin" (func $batch_begin (param i32) (result i32)))
  (import "gristmill_storage" "batch_set" (func $batch_set (param i32 i32 i32 i32) (result i32)))
  (import "gristmill_storage" "batch_commit" (func $batch_commit (result i32)))
  (memory (export "memory") 1)
  (global $key (mut i32) (i32.const 0))
  (global $status (mut i32) (i32.const 0))
  ;; The next key: the low 16 bits of a number that grows by a prime, big-endian at the end of the eight bytes.
  (func $next
    (global.set $key (i32.and (i32.add (global.get $key) (i32.const 40503)) (i32.const 0xffff)))
    (i32.store8 (i32.const 6) (i32.shr_u (global.get $key) (i32.const 8)))
    (i32.store8 (i32.const 7) (global.get $key)))
  (func $note (param i32) (global.set $status (i32.or (global.get $status) (local.get 0))))
  (func $act_get (call $next)
    (call $note (call $get (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 1024) (i32.const 128) (i32.const 8))))
  (func $act_exists (call $next)
    (call $note (call $exists (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 8))))
  (func $act_list (call $next)
    (call $note
      (call $list (i32.const 0) (i32.const 0) (i32.const 5) (i32.const 0) (i32.const 8) (i32.const 1024) (i32.const 768)
        (i32.const 8))))
  (func $act_set (call $next)
    (call $note (call $set (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 16) (i32.const 128))))
  (func $act_increment
    (call $note (call $increment (i32.const 0) (i32.const 240) (i32.const 7) (i64.const 1) (i32.const 1024))))
  (func $act_batch (local $i i32)
    (call $note (call $batch_begin (i32.const 0)))
    (loop $more
      (call $next)
      (call $note (call $batch_set (i32.const 0) (i32.const 8) (i32.const 16) (i32.const 128)))
      (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 64))))
    (call $note (call $batch_commit)))
  (data (i32.const 240) "counter")
  (table funcref (elem $act_get $act_exists $act_list $act_set $act_increment $act_batch))
  (type $act (func))
  (func (export "run") (param $act i32) (param $n i32) (result i32)
    (loop $more
      (call_indirect (type $act) (local.get $act))
      (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (global.get $status)))"#;

/// An act: its name, and what does it natively.
type Act = (&'static str, fn(&mut Native));

/// The acts, in the order of the guest's table.
const ACTS: [Act; 6] = [
    ("get 128 bytes", Native::get),
    ("exists", Native::exists),
    ("list 64 keys", Native::list),
    ("set 128 bytes", Native::set),
    ("increment", Native::increment),
    ("batch of 64 sets", Native::batch),
];

/// redb as a program would use it by itself.
struct Native {
    database: Database,
    key: u64,
}

impl Native {
    fn new(file: &Path) -> Self {
        let native = Self { database: Database::create(file).expect("a data base"), key: 0 };
        native.write(|write| {
            let mut data = write.open_table(DATA).expect("a table");
            for key in 0..KEYS {
                data.insert(&key.to_be_bytes()[..], &[7; VALUE][..]).expect("an insert");
            }
            data.insert(&b"counter"[..], &[0; 8][..]).expect("an insert");
        });
        native
    }

    fn next(&mut self) -> [u8; 8] {
        self.key = (self.key + 40_503) % KEYS;
        self.key.to_be_bytes()
    }

    fn write(&self, body: impl FnOnce(&WriteTransaction)) {
        let mut write = self.database.begin_write().expect("a transaction");
        write.set_two_phase_commit(true);
        body(&write);
        write.commit().expect("a commit");
    }

    fn value(&mut self) -> Option<AccessGuard<'static, &'static [u8]>> {
        let key = self.next();
        let read = self.database.begin_read().expect("a transaction");
        let data = read.open_table(DATA).expect("a table");
        data.get(&key[..]).expect("a read")
    }

    fn get(&mut self) {
        assert_eq!(self.value().map(|value| black_box(value.value().to_vec()).len()), Some(VALUE));
    }

    fn exists(&mut self) {
        assert!(self.value().is_some());
    }

    fn list(&mut self) {
        let key = self.next();
        let read = self.database.begin_read().expect("a transaction");
        let data = read.open_table(DATA).expect("a table");
        let behind = (std::ops::Bound::Excluded(&key[..]), std::ops::Bound::Unbounded);
        let mut keys = Vec::new();
        for entry in data.range::<&[u8]>(behind).expect("a range").take(MANY as usize) {
            let entry = entry.expect("an entry");
            if !entry.0.value().starts_with(&key[..5]) {
                break;
            }
            keys.extend_from_slice(entry.0.value());
        }
        black_box(keys);
    }

    fn set(&mut self) {
        let key = self.next();
        self.write(|write| {
            let mut data = write.open_table(DATA).expect("a table");
            data.insert(&key[..], &[7; VALUE][..]).expect("an insert");
        });
    }

    fn increment(&mut self) {
        self.write(|write| {
            let mut data = write.open_table(DATA).expect("a table");
            let old = data.get(&b"counter"[..]).expect("a read").expect("it is there").value().try_into();
            let sum = i64::from_le_bytes(old.expect("8 bytes")) + 1;
            data.insert(&b"counter"[..], &sum.to_le_bytes()[..]).expect("an insert");
        });
    }

    fn batch(&mut self) {
        let keys: Vec<_> = (0..MANY).map(|_| self.next()).collect();
        self.write(|write| {
            let mut data = write.open_table(DATA).expect("a table");
            for key in &keys {
                data.insert(&key[..], &[7; VALUE][..]).expect("an insert");
            }
        });
    }
}

/// A guest with a data base: what does an act so many times.
fn ours(engine: &Engine, file: &Path) -> impl FnMut(usize, u64) + use<> {
    let mut linker = Linker::new(engine);
    add_to_linker(&mut linker, |storage: &mut Storage| storage).expect("no name is there twice");
    let backend: Arc<Redb> = Arc::new(Redb::open(file).expect("a data base"));
    fill(&*backend);
    let storage = vec!["bench".parse().expect("a namespace")];
    let granted = Granted::quiet(Grants { storage, ..Grants::default() });
    let mut store = Store::new(engine, Storage::new(granted, backend));
    let module = Module::new(engine, &wat::parse_str(GUEST).expect("a module")).expect("a valid module");
    let instance = linker.instantiate(&mut store, &module).expect("everything is linked");
    let memory = instance.get_memory(&store, "memory").expect("it is exported");
    memory.data_mut(&mut store)[16..][..VALUE].fill(7);
    let run = instance.get_typed_func::<(i32, i32), i32>(&store, "run").expect("it is exported");
    move |act, times| {
        let status = run.call(&mut store, (act as i32, times as i32)).expect("no trap");
        assert_eq!(status, 0, "{:?}", store.data().failure());
    }
}

/// What [`Native::new`] writes.
fn fill(backend: &dyn gristmill_ext_storage::Backend) {
    let keys: Vec<_> = (0..KEYS).map(u64::to_be_bytes).collect();
    let mut changes: Vec<(&[u8], Option<&[u8]>)> = keys.iter().map(|key| (&key[..], Some(&[7; VALUE][..]))).collect();
    changes.push((b"counter", Some(&[0; 8])));
    backend.write("bench", Default::default(), None, &changes).expect("a write");
}

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let aot = Aot::new(Options::default()).expect("a compiler for this machine");
    let compiled = Engine::with_compiler(&Config::new(), Arc::new(aot)).expect("an engine");
    let mut guests = [("aot", &compiled), ("interp", &Engine::default())]
        .map(|(name, engine)| (name, ours(engine, &folder.path().join(name))));
    let mut native = Native::new(&folder.path().join("native"));
    let mut report = Report::from_arguments("storage: an act of a guest, beside redb natively", MICROSECONDS);
    for (act, (name, natively)) in ACTS.iter().enumerate() {
        if !report.wants(name) {
            continue;
        }
        let guests = guests.iter_mut().map(|(name, guest)| Contender::many(*name, move |times| guest(act, times)));
        let native = Contender::new("native", || natively(&mut native));
        report.time(name, 1.0, true, &mut guests.chain([native]).collect::<Vec<_>>());
    }
    report.finish();
}

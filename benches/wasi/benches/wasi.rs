//! How long does a function of WASI take from a guest, beside wasmtime's and beside the system's call from Rust? Everybody has a
//! file of their own, in one folder.

use gristmill::{Config, Engine, Linker, Module, Store};
use gristmill_aot::{Aot, Bounds, Options};
use gristmill_ext_grants::{Access, Clock, Directory, Granted, Grants};
use gristmill_ext_wasi::{Streams, Wasi};
use gristmill_measure::{Contender, Report, Unit};
use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

/// Bytes of a large read or write.
const LARGE: usize = 64 << 10;

/// `open` opens `f` in the first folder; each act of the table does its part `n` times and `run` returns all error numbers, or-ed.
/// Lists of one buffer are at 0 (64 bytes) and 8 (64 KiB); what comes back is at 32, the path at 64.
const GUEST: &str = r#"(module
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (memory (export "memory") 4)
  (data (i32.const 0) "\00\00\01\00\40\00\00\00\00\00\01\00\00\00\01\00")
  (data (i32.const 64) "f")
  (global $fd (mut i32) (i32.const 0))
  (global $errno (mut i32) (i32.const 0))
  (func $note (param i32) (global.set $errno (i32.or (global.get $errno) (local.get 0))))
  (func $open (result i32)
    (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 0)
      (i64.const 0x66) (i64.const 0) (i32.const 0) (i32.const 32)))
  (func $start (call $note (call $seek (global.get $fd) (i64.const 0) (i32.const 0) (i32.const 40))))
  (func $act_clock (call $note (call $clock (i32.const 1) (i64.const 1) (i32.const 32))))
  (func $act_read (call $start)
    (call $note (call $read (global.get $fd) (i32.const 0) (i32.const 1) (i32.const 32))))
  (func $act_read_large (call $start)
    (call $note (call $read (global.get $fd) (i32.const 8) (i32.const 1) (i32.const 32))))
  (func $act_write (call $start)
    (call $note (call $write (global.get $fd) (i32.const 0) (i32.const 1) (i32.const 32))))
  (func $act_write_large (call $start)
    (call $note (call $write (global.get $fd) (i32.const 8) (i32.const 1) (i32.const 32))))
  (func $act_open
    (call $note (call $open))
    (call $note (call $close (i32.load (i32.const 32)))))
  (table funcref (elem $act_clock $act_read $act_read_large $act_write $act_write_large $act_open))
  (type $act (func))
  (func (export "open") (result i32)
    (call $open)
    (global.set $fd (i32.load (i32.const 32))))
  (func (export "run") (param $act i32) (param $n i32) (result i32)
    (loop $more
      (call_indirect (type $act) (local.get $act))
      (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (global.get $errno)))"#;

/// An act: its name, and what does it natively.
type Act = (&'static str, fn(&mut Native));

/// The acts, in the order of the guest's table.
const ACTS: [Act; 6] = [
    ("clock", Native::clock),
    ("seek and read 64 bytes", |native| native.read(64)),
    ("seek and read 64 KiB", |native| native.read(LARGE)),
    ("seek and write 64 bytes", |native| native.write(64)),
    ("seek and write 64 KiB", |native| native.write(LARGE)),
    ("open and close", Native::open),
];

/// At a page, as guests have theirs: where one lies changes what the system's copies take, threefold at worst.
#[repr(align(4096))]
struct Buffer([u8; LARGE]);

/// The system, from Rust.
struct Native {
    path: PathBuf,
    file: File,
    buffer: Box<Buffer>,
}

impl Native {
    fn new(folder: &Path) -> Self {
        let path = folder.join("f");
        let file = OpenOptions::new().read(true).write(true).open(&path).expect("the file is there");
        Self { path, file, buffer: Box::new(Buffer([7; LARGE])) }
    }

    fn clock(&mut self) {
        black_box(Instant::now());
    }

    fn read(&mut self, len: usize) {
        self.file.seek(SeekFrom::Start(0)).expect("a file");
        assert_eq!(self.file.read(&mut self.buffer.0[..len]).expect("a file"), len);
    }

    fn write(&mut self, len: usize) {
        self.file.seek(SeekFrom::Start(0)).expect("a file");
        assert_eq!(self.file.write(&self.buffer.0[..len]).expect("a file"), len);
    }

    fn open(&mut self) {
        black_box(OpenOptions::new().read(true).write(true).open(&self.path).expect("the file is there"));
    }
}

/// Does an act so many times.
type Run = Box<dyn FnMut(usize, u64)>;

fn ours(engine: &Engine, folder: &Path) -> Run {
    let mut linker = Linker::new(engine);
    gristmill_ext_wasi::add_to_linker(&mut linker, |wasi: &mut Wasi| wasi).expect("no name is there twice");
    let directory = Directory { guest: "/".into(), host: Some(folder.into()), access: Access::Rw, quota: None };
    let grants = Grants { directories: vec![directory], clock: Clock::Real, ..Grants::default() };
    let wasi = Wasi::new(Granted::quiet(grants), "bench", Streams::default()).expect("the folder is there");
    let mut store = Store::new(engine, wasi);
    let module = Module::new(engine, &wat::parse_str(GUEST).expect("a module")).expect("a valid module");
    let instance = linker.instantiate(&mut store, &module).expect("everything is linked");
    let open = instance.get_typed_func::<(), i32>(&store, "open").expect("it is exported");
    assert_eq!(open.call(&mut store, ()).expect("no trap"), 0);
    let run = instance.get_typed_func::<(i32, i32), i32>(&store, "run").expect("it is exported");
    Box::new(move |act, times| {
        assert_eq!(run.call(&mut store, (act as i32, times as i32)).expect("no trap"), 0);
    })
}

fn wasmtime(folder: &Path) -> Run {
    let engine = wasmtime::Engine::default();
    let mut linker: wasmtime::Linker<WasiP1Ctx> = wasmtime::Linker::new(&engine);
    wasmtime_wasi::p1::add_to_linker_sync(&mut linker, |wasi| wasi).expect("no name is there twice");
    // Files without a thread of their own: what it recommends to who may block, and its fastest.
    let wasi = WasiCtxBuilder::new()
        .allow_blocking_current_thread(true)
        .preopened_dir(folder, "/", FsPerms::ReadWrite)
        .expect("the folder is there")
        .build_p1();
    let mut store = wasmtime::Store::new(&engine, wasi);
    let module = wasmtime::Module::new(&engine, wat::parse_str(GUEST).expect("a module")).expect("a valid module");
    let instance = linker.instantiate(&mut store, &module).expect("everything is linked");
    let open = instance.get_typed_func::<(), i32>(&mut store, "open").expect("it is exported");
    assert_eq!(open.call(&mut store, ()).expect("no trap"), 0);
    let run = instance.get_typed_func::<(i32, i32), i32>(&mut store, "run").expect("it is exported");
    Box::new(move |act, times| {
        assert_eq!(run.call(&mut store, (act as i32, times as i32)).expect("no trap"), 0);
    })
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = |name| {
        let own = folder.path().join(name);
        std::fs::create_dir(&own).expect("a folder");
        std::fs::write(own.join("f"), vec![1; LARGE]).expect("a file");
        own
    };
    let options = Options { bounds: Bounds::Guard, ..Options::default() };
    let aot = Aot::new(options).expect("a compiler for this machine");
    let compiled = Engine::with_compiler(&Config::new(), Arc::new(aot)).expect("an engine");
    let mut guests = [
        ("aot", ours(&compiled, &own("aot"))),
        ("interp", ours(&Engine::default(), &own("interp"))),
        ("wasmtime", wasmtime(&own("wasmtime"))),
    ];
    let mut native = Native::new(&own("native"));
    let unit = Unit { name: "ns an act", nanoseconds: 1.0 };
    let mut report = Report::from_arguments("wasi: functions from a guest, beside the system's from Rust", unit);
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

//! The contenders, each a server on loopback that runs until the process ends.

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use gristmill::{Config, Engine, Error, Linker};
use gristmill_aot::{Aot, Bounds, Options as Compile, When};
use gristmill_ext_grants::{Granted, Grants};
use gristmill_ext_wasi::{Streams, Wasi};
use gristmill_serve::run::{Mill, Programs, Runner};
use gristmill_serve::{Form, Mount, Options, Server};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

const HELLO: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\05\00\00\00") (data (i32.const 16) "hello")
  (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

/// `echo`, in the convention of wasmedge-bindgen.
const ECHO: &str = r#"(module
  (memory (export "memory") 4)
  (global $top (mut i32) (i32.const 4096))
  (func (export "allocate") (param i32) (result i32)
    (global.get $top) (global.set $top (i32.add (global.get $top) (i32.add (local.get 0) (i32.const 8)))))
  (func (export "echo") (param $in i32) (param i32) (result i32)
    (i32.store (i32.const 64) (i32.load (local.get $in)))
    (i32.store (i32.const 68) (i32.const 21))
    (i32.store (i32.const 72) (i32.load offset=4 (local.get $in)))
    (i32.store offset=1 (i32.const 80) (i32.const 64))
    (i32.store offset=5 (i32.const 80) (i32.const 1))
    (i32.const 80)))"#;

/// What runs guests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guest {
    Compiled,
    Interpreted,
}

struct Only;

impl Programs for Only {
    type Program = Wasi;

    fn link(&self, linker: &mut Linker<Wasi>) -> Result<(), Error> {
        gristmill_ext_wasi::add_to_linker(linker, |wasi| wasi)
    }

    fn program(&self, granted: Arc<Granted>, name: &str, streams: Streams) -> Result<Wasi, String> {
        Wasi::new(granted, name, streams).map_err(|error| error.to_string())
    }

    fn wasi<'p>(&self, program: &'p Wasi) -> &'p Wasi {
        program
    }
}

/// Ours, as the command has it, without a log.
pub fn ours(guest: Guest) -> SocketAddr {
    let engine = match guest {
        Guest::Interpreted => Engine::default(),
        Guest::Compiled => {
            let (when, bounds) = (When::AtOnce, Bounds::Guard);
            let options = Compile { when, bounds, cache: None, trusted: Vec::new(), threads: 1, perf_map: false };
            let aot = Aot::new(options).expect("a compiler for this machine");
            Engine::with_compiler(&Config::new(), Arc::new(aot)).expect("an engine")
        }
    };
    let mill = Mill::new(&engine, Only, |_| {}).expect("no name is there twice");
    let mount = |route: &str, text| {
        let module = mill.load(&wat::parse_str(text).expect("a module")).expect("a module that links");
        Mount { route: route.into(), name: "guest.wasm".into(), module }
    };
    let mounts = vec![mount("/hello", HELLO), mount("/f", ECHO)];
    let mut grants = Grants::default();
    grants.limits.milliseconds = Some(10_000);
    grants.limits.gas = Some(1_000_000_000);
    grants.limits.pages = Some(2_048);
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let options = Options { address, log: Form::Off, ..Options::default() };
    let server = Server::bind(options, grants, mounts, Arc::new(mill)).expect("a server");
    let address = server.address();
    thread::spawn(|| server.run(std::future::pending()));
    address
}

/// Handlers in Rust.
pub fn native() -> SocketAddr {
    let router = Router::new()
        .route("/hello", get(|| async { "hello" }))
        .route("/f/echo", post(|body: Bytes| async { body }))
        .layer(DefaultBodyLimit::max(4 << 20));
    let runtime = Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a listener");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || runtime.block_on(async { axum::serve(listener, router).await }));
    address
}

//! `gristmill serve`, as a process: what it is told, what it grants, and how it ends.
#![cfg(feature = "serve")]

mod common;

use common::{file, folder, gristmill};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

const HELLO: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\05\00\00\00") (data (i32.const 16) "hello")
  (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

/// Waits a second, and writes `done`.
const SLOW: &str = r#"(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 512) "done") (data (i32.const 256) "\00\02\00\00\04\00\00\00")
  (func (export "_start")
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const 1000000000))
    (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))
    (drop (call $write (i32.const 1) (i32.const 256) (i32.const 1) (i32.const 264)))))"#;

/// Reads the file `a` of its first directory, and writes what is in it.
const READS: &str = r#"(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "a")
  (func (export "_start")
    (if (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 0) (i64.const 2) (i64.const 0)
      (i32.const 0) (i32.const 32)) (then unreachable))
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const 1024))
    (drop (call $read (i32.load (i32.const 32)) (i32.const 0) (i32.const 1) (i32.const 4)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

/// Adds one to the value under a key of 32 zeros, in the storage, and writes it as a digit.
const COUNTS: &str = r#"(module
  (import "ssvm_native" "ssvm_storage_beginStoreTx" (func $begin (param i32)))
  (import "ssvm_native" "ssvm_storage_storeI32" (func $store (param i32)))
  (import "ssvm_native" "ssvm_storage_endStoreTx" (func $end))
  (import "ssvm_native" "ssvm_storage_beginLoadTx" (func $open (param i32)))
  (import "ssvm_native" "ssvm_storage_loadI32" (func $load (result i32)))
  (memory (export "memory") 1)
  (global $top (mut i32) (i32.const 4096))
  (func $malloc (export "__wbindgen_malloc") (param i32) (result i32)
    (global.get $top) (global.set $top (i32.add (global.get $top) (local.get 0))))
  (func $answer (param $to i32) (param $value i32)
    (i32.store8 (i32.const 2048) (i32.add (i32.const 48) (local.get $value)))
    (i32.store (local.get $to) (i32.const 2048))
    (i32.store offset=4 (local.get $to) (i32.const 1)))
  (func $put (param i32) (call $begin (i32.const 1024)) (call $store (local.get 0)) (call $end))
  (func (export "first") (param $to i32) (call $put (i32.const 1)) (call $answer (local.get $to) (i32.const 1)))
  (func (export "next") (param $to i32) (local $value i32)
    (call $open (i32.const 1024))
    (local.set $value (i32.add (call $load) (i32.const 1)))
    (call $put (local.get $value))
    (call $answer (local.get $to) (local.get $value))))"#;

/// Loads the model called `face`, and writes the error number as a digit.
const LOADS: &str = r#"(module
  (import "wasi_ephemeral_nn" "load_by_name" (func $load (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\01\00\00\00") (data (i32.const 32) "face")
  (func (export "_start")
    (i32.store8 (i32.const 16) (i32.add (i32.const 48) (call $load (i32.const 32) (i32.const 4) (i32.const 64))))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

/// A model in ONNX: `y = Relu(x)`, of a float.
fn relu() -> Vec<u8> {
    let number = |field: u8, value: u8| vec![field << 3, value];
    let bytes = |field: u8, bytes: &[u8]| [&[field << 3 | 2, bytes.len() as u8], bytes].concat();
    let shape = bytes(1, &number(1, 1));
    let ty = bytes(1, &[number(1, 1), bytes(2, &shape)].concat());
    let value = |name: &[u8]| [bytes(1, name), bytes(2, &ty)].concat();
    let node = [bytes(1, b"x"), bytes(2, b"y"), bytes(4, b"Relu")].concat();
    let graph = [bytes(1, &node), bytes(2, b"g"), bytes(11, &value(b"x")), bytes(12, &value(b"y"))].concat();
    [number(1, 8), bytes(8, &number(2, 13)), bytes(7, &graph)].concat()
}

/// The command, serving. It is ended with this.
struct Serving {
    child: Child,
    address: String,
    metrics: Option<String>,
    /// Lines of standard error.
    log: Receiver<String>,
}

impl Serving {
    fn new(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gristmill"))
            .args(["serve", "--json", "--addr", "127.0.0.1:0"])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (line, log) = channel();
        let errors = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || errors.lines().map_while(Result::ok).try_for_each(|text| line.send(text)));
        let mut first = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
        let told: Value = serde_json::from_str(&first).unwrap_or_else(|e| panic!("{e}: {first} {:?}", log.try_recv()));
        let text = |name: &str| told[name].as_str().map(String::from);
        Self { child, address: text("listening").unwrap(), metrics: text("metrics"), log }
    }

    fn get(&self, path: &str) -> (u16, String) {
        get(&format!("http://{}{path}", self.address))
    }

    /// Sends a signal, and returns the exit code.
    fn ended(mut self, signal: &str) -> i32 {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
        self.child.wait().unwrap().code().expect("it is not the signal that ends it")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into()
}

fn get(url: &str) -> (u16, String) {
    let mut answer = agent().get(url).call().unwrap();
    (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
}

fn post(url: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String) {
    let request = headers.iter().fold(agent().post(url), |request, (name, value)| request.header(*name, *value));
    let mut answer = request.send(body).unwrap();
    (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
}

#[test]
fn mistakes_have_their_own_exit_codes() {
    let here = folder("serve_mistakes");
    let hello = file(&here, "hello.wat", HELLO);
    gristmill(&["serve"]).exits(2);
    gristmill(&["serve", &hello, "--addr", "nowhere"]).exits(2);
    gristmill(&["serve", "--faas", "--addr", "0.0.0.0:0"]).exits(2).complains("--upload-key");
    gristmill(&["serve", &hello, "--upload-key", "key"]).exits(2);
    gristmill(&["serve", &hello, &hello]).exits(3).complains("two modules");
    gristmill(&["serve", &format!("/a/=={hello}")]).exits(4);
    let nothing = file(&here, "nothing.wat", "(module)");
    gristmill(&["serve", &nothing]).exits(3).complains("neither a program");
    let unknown = file(&here, "unknown.wat", r#"(module (import "env" "f" (func)) (func (export "_start")))"#);
    gristmill(&["serve", &unknown]).exits(3).complains("env.f");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    gristmill(&["serve", &hello, "--addr", &taken.local_addr().unwrap().to_string()]).exits(4);
}

#[test]
fn programs_are_served_with_what_flags_grant() {
    let here = folder("serve_grants");
    let (hello, reads) = (file(&here, "hello.wat", HELLO), file(&here, "reads.wat", READS));
    std::fs::create_dir(here.join("data")).unwrap();
    file(&here, "data/a", "what is in the file");
    let data = format!("{}::/:ro", here.join("data").display());
    let modules = [format!("/={hello}"), format!("/file={reads}")];
    for tier in ["aot", "interp"] {
        let serving =
            Serving::new(&[&modules[0], &modules[1], "--dir", &data, "--metrics", "127.0.0.1:0", "--tier", tier]);
        assert_eq!(serving.get("/any/path"), (200, "hello".into()));
        assert_eq!(serving.get("/file"), (200, "what is in the file".into()));
        let line: Value = serde_json::from_str(&serving.log.recv_timeout(Duration::from_secs(60)).unwrap()).unwrap();
        assert_eq!(
            (&line["method"], &line["path"], &line["status"]),
            (&json!("GET"), &json!("/any/path"), &json!(200))
        );
        assert!(line["gas"].as_u64().unwrap() > 1_000);
        let (_, figures) = get(&format!("http://{}/metrics", serving.metrics.as_ref().unwrap()));
        assert!(figures.contains("gristmill_requests_total{route=\"/file\",status=\"200\"} 1"), "{figures}");
        assert_eq!(serving.ended("-INT"), 0);
    }
    let without = Serving::new(&[&modules[1]]);
    assert_eq!(without.get("/file").0, 500);
}

#[test]
fn limits_are_per_request() {
    let here = folder("serve_limits");
    let spin = file(&here, "spin.wat", r#"(module (func (export "_start") (loop (br 0))))"#);
    let large = file(&here, "large.wat", r#"(module (memory 32) (func (export "_start")))"#);
    let (spin, large) = (format!("/spin={spin}"), format!("/large={large}"));
    let serving = Serving::new(&[&spin, &large, "--gas", "50_000_000", "--memory", "1MiB"]);
    for _ in 0..3 {
        assert!(serving.get("/spin").1.contains("out_of_gas"));
    }
    for tier in ["aot", "interp"] {
        let serving = Serving::new(&[&spin, "--timeout", "100ms", "--workers", "1", "--tier", tier]);
        for _ in 0..3 {
            assert_eq!(serving.get("/spin").0, 504);
        }
    }
    assert!(serving.get("/large").1.contains("limit"), "{:?}", serving.get("/large"));
}

#[test]
fn what_was_begun_is_answered_before_the_process_ends() {
    let here = folder("serve_ends");
    let slow = file(&here, "slow.wat", SLOW);
    let serving = Serving::new(&[&slow, "--workers", "2", "--metrics", "127.0.0.1:0"]);
    let figures = format!("http://{}/metrics", serving.metrics.as_ref().unwrap());
    let url = format!("http://{}/", serving.address);
    let asked: Vec<_> = (0..4)
        .map(|_| {
            thread::spawn({
                let url = url.clone();
                move || get(&url)
            })
        })
        .collect();
    let address = serving.address.clone();
    while !get(&figures).1.contains("gristmill_requests_in_flight 4") {
        thread::sleep(Duration::from_millis(5));
    }
    let code = thread::spawn(move || serving.ended("-TERM"));
    for answer in asked {
        assert_eq!(answer.join().unwrap(), (200, "done".into()));
    }
    assert_eq!(code.join().unwrap(), 0);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn uploads_have_storage_of_their_own() {
    let here = folder("serve_faas");
    let key = file(&here, "key.txt", "let me in\n");
    let storage = here.join("storage.redb").display().to_string();
    let args = ["--faas", "--upload-key", &key, "--storage", "app", "--storage-file", &storage];
    let serving = Serving::new(&args);
    let wasm = wat::parse_str(COUNTS).unwrap();
    let uploads = format!("http://{}/api/executables", serving.address);
    let octets = ("Content-Type", "application/octet-stream");
    assert_eq!(post(&uploads, &[octets, ("SSVM_Admin_Key", "let me")], &wasm).0, 403);
    let upload = || {
        let (status, told) = post(&uploads, &[octets, ("SSVM_Admin_Key", "let me in")], &wasm);
        assert_eq!(status, 200, "{told}");
        serde_json::from_str::<Value>(&told).unwrap()["wasm_id"].as_u64().unwrap()
    };
    let (one, other) = (upload(), upload());
    let run = |id: u64, function: &str| {
        let url = format!("http://{}/api/run/{id}/{function}", serving.address);
        let mut answer = agent().post(url).send_empty().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    };
    assert_eq!(run(one, "first"), (200, "1".into()));
    assert_eq!(run(one, "next"), (200, "2".into()));
    assert_eq!(run(other, "next").0, 500, "another's key is not there");
    assert_eq!(run(other, "first"), (200, "1".into()));
    assert_eq!(run(one, "next"), (200, "3".into()));
}

#[test]
fn a_model_is_read_once_for_all_requests() {
    let here = folder("serve_models");
    let (loads, model) = (file(&here, "loads.wat", LOADS), here.join("face.onnx"));
    let granted = format!("face={}", model.display());
    let serve = || Serving::new(&[&loads, "--nn-model", &granted, "--workers", "2"]);
    std::fs::write(&model, relu()).unwrap();
    let serving = serve();
    assert_eq!(serving.get("/"), (200, "0".into()));
    std::fs::remove_file(&model).unwrap();
    for _ in 0..4 {
        assert_eq!(serving.get("/"), (200, "0".into()));
    }
    // Another server has to read it, and cannot.
    assert_eq!(serve().get("/"), (200, "5".into()));
}

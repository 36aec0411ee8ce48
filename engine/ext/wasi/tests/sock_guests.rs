//! Programs that were compiled from Rust with the published crate `wasmedge_wasi_socket`, and with std, over loopback.

use gristmill::{Config, Engine, Error, Halt, Linker, Module, Store};
use gristmill_ext_grants::{Clock, Granted, Grants, Limits, Output, Random, Stdio};
use gristmill_ext_wasi::{Captured, Streams, Wasi, add_to_linker};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A program: how it ended, and what it wrote.
struct Program {
    run: JoinHandle<i32>,
    stdout: Captured,
    stderr: Captured,
}

impl Program {
    fn start(file: &str, rules: &[&str], arguments: &[&str], sockets: Vec<OwnedFd>) -> Self {
        let grants = Grants {
            network: rules.iter().map(|rule| rule.parse().unwrap()).collect(),
            arguments: arguments.iter().map(|text| text.to_string()).collect(),
            stdio: Stdio { stdout: Output::Capture, stderr: Output::Capture, ..Stdio::default() },
            clock: Clock::Real,
            random: Random::System,
            // Long enough for any machine, so that a test that waits in vain ends.
            limits: Limits { milliseconds: Some(60_000), ..Limits::default() },
            ..Grants::default()
        };
        let wasi = Wasi::new(Granted::quiet(grants), file, Streams { sockets, ..Streams::default() }).unwrap();
        let (stdout, stderr) = (wasi.stdout().clone(), wasi.stderr().clone());
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../soll-fixtures/guests/sockets/");
        let bytes = std::fs::read(format!("{folder}{file}")).unwrap();
        let run = thread::spawn(move || {
            let engine = Engine::new(&Config::new()).unwrap();
            let mut linker = Linker::new(&engine);
            add_to_linker(&mut linker, |wasi: &mut Wasi| wasi).unwrap();
            let module = Module::new(&engine, &bytes).unwrap();
            let mut store = Store::new(&engine, wasi);
            let instance = linker.instantiate(&mut store, &module).unwrap();
            let start = instance.get_typed_func::<(), ()>(&store, "_start").unwrap();
            match start.call(&mut store, ()) {
                Ok(()) => 0,
                Err(Error::Halt(Halt::Exit(code))) => code,
                Err(error) => panic!("{error}"),
            }
        });
        Self { run, stdout, stderr }
    }

    /// The end: exit code, standard output, standard error.
    fn end(self) -> (i32, String, String) {
        let code = self.run.join().unwrap();
        let text = |captured: Captured| String::from_utf8(captured.take()).unwrap();
        (code, text(self.stdout), text(self.stderr))
    }

    /// The first line that it writes: where it listens.
    fn address(&self) -> SocketAddr {
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            assert!(!self.run.is_finished());
            line.extend(self.stdout.take());
            thread::sleep(Duration::from_millis(1));
        }
        String::from_utf8(line).unwrap().trim().parse().unwrap()
    }
}

#[test]
fn a_server_of_streams_and_its_clients() {
    let server = Program::start("echo.wasm", &["listen:tcp:127.0.0.1:0"], &["serve", "127.0.0.1:0", "2"], vec![]);
    let at = server.address();
    assert!(at.ip().is_loopback() && at.port() != 0, "{at}");
    // A client that is a guest, one that may not connect, and one that is none.
    let rule = format!("connect:tcp:127.0.0.1:{}", at.port());
    let client = Program::start("echo.wasm", &[&rule], &["talk", &at.to_string(), "there and back"], vec![]);
    assert_eq!(client.end(), (0, "there and back\n".into(), "".into()));
    let denied =
        Program::start("echo.wasm", &["connect:udp:*", "listen:tcp:*"], &["talk", &at.to_string(), "x"], vec![]);
    let (code, _, stderr) = denied.end();
    assert!(code != 0 && stderr.contains("code: 76"), "{stderr}");
    let mut stream = TcpStream::connect(at).unwrap();
    let text = "a".repeat(100_000);
    let writer = {
        let (mut stream, text) = (stream.try_clone().unwrap(), text.clone());
        thread::spawn(move || {
            stream.write_all(text.as_bytes()).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
        })
    };
    let mut back = String::new();
    stream.read_to_string(&mut back).unwrap();
    writer.join().unwrap();
    assert!(back == text);
    assert_eq!(server.end().0, 0);
}

#[test]
fn datagrams_there_and_back() {
    let ours = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = ours.local_addr().unwrap();
    let rules = ["listen:udp:127.0.0.1:0", "connect:udp:127.0.0.1"];
    let guest = Program::start("datagrams.wasm", &rules, &["127.0.0.1:0", &to.to_string(), "ping"], vec![]);
    let mut bytes = [0; 64];
    let (length, from) = ours.recv_from(&mut bytes).unwrap();
    assert_eq!(&bytes[..length], b"ping");
    ours.send_to(b"pong", from).unwrap();
    assert_eq!(guest.end(), (0, format!("pong from {to}\n"), "".into()));
}

#[test]
fn a_page_by_its_name() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.extend(byte);
        }
        stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\na page").unwrap();
        String::from_utf8(request).unwrap()
    });
    // Who may connect to addresses may not ask for names.
    let denied = Program::start("get.wasm", &["connect:127.0.0.0/8"], &["localhost", &port, "/"], vec![]);
    let (code, _, stderr) = denied.end();
    assert!(code != 0 && stderr.contains("code: 76"), "{stderr}");
    let rule = format!("connect:tcp:localhost:{port}");
    let guest = Program::start("get.wasm", &[&rule], &["localhost", &port, "/page"], vec![]);
    assert_eq!(guest.end(), (0, "HTTP/1.0 200 OK\na page\n".into(), "".into()));
    let request = server.join().unwrap();
    assert!(request.starts_with("GET /page HTTP/1.0\r\nHost: localhost\r\n"), "{request}");
}

#[test]
fn a_listener_that_was_open_before() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let guest = Program::start("inherited.wasm", &[], &[], vec![listener.into()]);
    let mut stream = TcpStream::connect(at).unwrap();
    stream.write_all(b"hello").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "you said: hello");
    assert_eq!(guest.end(), (0, "".into(), "".into()));
}

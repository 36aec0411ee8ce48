//! Clients that mean harm, or are slow, or go; more of them than there is room for.

mod common;

use common::guests::{CALLS, ECHO, FUNCTIONS, does, says, waits};
use common::{aside, engines, grants, mill, options, serve, try_serve, try_serve_by};
use gristmill::{Engine, Module};
use gristmill_serve::run::{Ran, Runner, Task};
use gristmill_serve::{Drained, End, Failed, Options, Returned};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// A server whose clients have 300 ms.
fn impatient(mounts: &[(&str, &str)]) -> common::Running {
    try_serve(mounts, grants(), Options { client: Duration::from_millis(300), ..options() }).unwrap()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

#[test]
fn heads_are_bounded() {
    let server = serve(&[("/", &says("hello"))]);
    let long = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(100 << 10));
    assert!(["414", "431"].contains(&status(&server.raw(long.as_bytes()))));
    let field = format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "a".repeat(100 << 10));
    assert_eq!(status(&server.raw(field.as_bytes())), "431");
    let many = format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", "x: 1\r\n".repeat(101));
    assert_eq!(status(&server.raw(many.as_bytes())), "431");
    for request in [
        "\0\0\0\0\r\n\r\n",
        "GET / HTTP/1.1\r\nx y: 1\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    ] {
        assert_eq!(status(&server.raw(request.as_bytes())), "400", "{request:?}");
    }
    assert_eq!(server.get("/").text(), "hello");
}

#[test]
fn paths_are_what_they_seem() {
    let server = serve(&[("/", &says("root")), ("/a", &says("a"))]);
    let get =
        |target: &str| server.raw(format!("GET {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").as_bytes());
    for target in ["/a/../b", "/a/%2e%2e/b", "/..", "/a%2fb", "/a%00", "/%", "/%c0%ae", "*"] {
        assert_eq!(status(&get(target)), "400", "{target}");
    }
    assert_eq!(status(&server.raw(b"CONNECT a:1 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")), "400");
    // However it is written, the path of one module is not another's.
    for target in ["/a", "/%61", "/a/b", "http://other/a"] {
        assert!(get(target).ends_with("a"), "{target}");
    }
    for target in ["/ab", "//a", "/b"] {
        assert!(get(target).ends_with("root"), "{target}");
    }
}

#[test]
fn bodies_are_bounded() {
    let server = serve(&[("/", ECHO)]);
    server.post("/", vec![0; (64 << 10) + 1]).failed(413, "too_large");
    let claimed = server.raw(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1099511627776\r\n\r\n");
    assert_eq!(status(&claimed), "413");
    let mut chunked = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..17 {
        chunked.extend(format!("1000\r\n{}\r\n", "x".repeat(4096)).bytes());
    }
    assert_eq!(status(&server.raw(&chunked)), "413");
    let broken = server.raw(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n");
    assert!(["400", "none"].contains(&status(&broken)));
}

#[test]
fn slow_clients_are_given_up() {
    let server = impatient(&[("/", ECHO)]);
    // A head that never ends, and nothing at all.
    assert_eq!(status(&server.raw(b"GET / HTTP/1.1\r\nhost: a\r\n")), "none");
    assert_eq!(server.raw(b""), "");
    // A body that never comes.
    let slow = server.raw(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345");
    assert_eq!(status(&slow), "408");
    assert!(slow.contains("connection: close"));
    // A connection that was used, and is not any more.
    let kept = server.raw(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n12");
    assert!(kept.starts_with("HTTP/1.1 200") && kept.ends_with("12"));
    assert_eq!(server.figure("gristmill_failures_total{kind=\"slow_client\"}"), 1.0);
}

#[test]
fn slow_bodies_take_no_workers() {
    let server = serve(&[("/", ECHO)]);
    let slow: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = TcpStream::connect(server.address).unwrap();
            stream.write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345").unwrap();
            stream
        })
        .collect();
    assert_eq!(server.post("/", "quick").text(), "quick");
    for mut stream in slow {
        stream.write_all(b"67890").unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        // All at once are more than there is room for.
        assert!([b"HTTP/1.1 200", b"HTTP/1.1 503"].contains(&&answer));
    }
}

#[test]
fn connections_are_bounded() {
    let server = try_serve(&[("/", &says("hello"))], grants(), Options { connections: 2, ..options() }).unwrap();
    let held: Vec<_> = (0..2)
        .map(|_| {
            let mut stream = TcpStream::connect(server.address).unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"HTTP/1.1 200");
            stream
        })
        .collect();
    assert_eq!(status(&server.raw(b"")), "503");
    assert_eq!(server.figure("gristmill_rejected_total{kind=\"connection\"}"), 1.0);
    drop(held);
    while server.figure("gristmill_connections") > 0.0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(server.get("/").text(), "hello");
}

const IN_FLIGHT: &str = "gristmill_requests_in_flight";

/// Holds all workers and all places of the queue: each request takes a second.
fn crowd(server: &common::Running) -> Vec<std::sync::mpsc::Receiver<u16>> {
    let asked = (0..4).map(|_| server.ask("GET", "/slow")).collect();
    server.wait_for(IN_FLIGHT, 4.0);
    asked
}

#[test]
fn who_finds_no_place_is_told_to_come_again() {
    let server = serve(&[("/", &says("hello")), ("/slow", &waits(1_000))]);
    let asked = crowd(&server);
    let busy = server.get("/");
    busy.failed(503, "busy");
    assert_eq!(busy.header("retry-after"), "1");
    for answer in asked {
        assert_eq!(answer.recv().unwrap(), 200);
    }
    assert_eq!(server.get("/").text(), "hello");
    assert_eq!(server.figure("gristmill_rejected_total{kind=\"request\"}"), 1.0);
}

#[test]
fn clients_that_go_give_their_places_back() {
    let server = serve(&[("/", &says("hello")), ("/slow", &waits(500))]);
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let mut stream = TcpStream::connect(server.address).unwrap();
            stream.write_all(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
            stream
        })
        .collect();
    server.wait_for(IN_FLIGHT, 4.0);
    drop(clients);
    server.wait_for("gristmill_requests_total{route=\"none\",status=\"499\"}", 4.0);
    // Two are waited for by nobody, the others are never begun.
    while server.get("/").status != 200 {}
    assert_eq!(server.figure(IN_FLIGHT), 0.0);
}

#[test]
fn what_was_begun_is_answered_when_the_server_ends() {
    let mut server = serve(&[("/slow", &waits(1_000))]);
    let asked = crowd(&server);
    let address = server.address;
    server.stop();
    while TcpStream::connect(address).is_ok() {
        std::thread::sleep(Duration::from_millis(5));
    }
    for answer in asked {
        assert_eq!(answer.recv().unwrap(), 200);
    }
    assert_eq!(server.ended(), Drained { cut: 0 });
}

#[test]
fn what_takes_too_long_is_cut_off_when_the_server_ends() {
    let mounts = [("/slow", &*waits(20_000))];
    let server = try_serve(&mounts, grants(), Options { grace: Duration::from_millis(100), ..options() }).unwrap();
    let address = server.address;
    let held = aside(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
        stream.read(&mut [0])
    });
    server.wait_for(IN_FLIGHT, 1.0);
    assert_eq!(server.ended(), Drained { cut: 1 });
    assert!(matches!(held.recv().unwrap(), Ok(0) | Err(_)));
}

#[test]
fn a_function_that_loops_harms_no_other() {
    let mut granted = grants();
    granted.limits.milliseconds = Some(500);
    let server = try_serve(&[("/f", FUNCTIONS), ("/", &says("hello"))], granted, options()).unwrap();
    let looping = server.ask("POST", "/f/spin");
    server.wait_for(IN_FLIGHT, 1.0);
    for _ in 0..20 {
        assert_eq!(server.get("/").text(), "hello");
    }
    assert_eq!(looping.recv().unwrap(), 504);
}

const ABANDONED: &str = "gristmill_abandoned_total";

/// Guests that do not end by themselves: one computes, one waits, one calls a function all the time that looks at no time, where
/// machine code does not hear an interruption.
fn endless() -> [(&'static str, String); 3] {
    [("loops", does("(loop (br 0))")), ("waits", waits(3_600_000)), ("calls", CALLS.into())]
}

/// Tells when runs begin and end.
struct Told {
    mill: Arc<dyn Runner>,
    begun: Sender<()>,
    ended: Sender<Result<Returned, Failed>>,
}

impl Runner for Told {
    fn load(&self, bytes: &[u8]) -> Result<Module, Failed> {
        self.mill.load(bytes)
    }

    fn run(&self, module: &Module, task: Task, end: &End) -> Ran {
        // The test may be over.
        let _ = self.begun.send(());
        let ran = self.mill.run(module, task, end);
        let _ = self.ended.send(ran.outcome.clone());
        ran
    }
}

/// A server with one worker and no queue, where runs have all the time, and a client for whom a guest runs; how runs end.
fn held(engine: &Engine, guest: &str) -> (common::Running, TcpStream, Receiver<Result<Returned, Failed>>) {
    let ((begun, begins), (ended, ends)) = (channel(), channel());
    let told = Arc::new(Told { mill: mill(engine), begun, ended });
    let mut patient = grants();
    patient.limits.milliseconds = None;
    let options = Options { workers: 1, queue: 0, grace: Duration::ZERO, ..options() };
    let server = try_serve_by(told, &[("/", &says("hello")), ("/held", guest)], patient, options).unwrap();
    let mut client = TcpStream::connect(server.address).unwrap();
    client.write_all(b"GET /held HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    begins.recv().unwrap();
    (server, client, ends)
}

#[test]
fn runs_end_when_their_clients_go() {
    for (tier, engine) in engines() {
        for (what, guest) in endless() {
            let (server, client, ends) = held(&engine, &guest);
            server.get("/").failed(503, "busy");
            assert_eq!((server.figure(IN_FLIGHT), server.figure(ABANDONED)), (1.0, 0.0), "{tier}: {what}");
            drop(client);
            assert_eq!(ends.recv().unwrap(), Err(Failed::TimedOut), "{tier}: {what}");
            server.wait_for(ABANDONED, 1.0);
            // The place is given back when all else is done.
            while server.get("/").text() != "hello" {}
            assert_eq!((server.figure(IN_FLIGHT), server.figure(ABANDONED)), (0.0, 1.0), "{tier}: {what}");
        }
    }
}

#[test]
fn runs_end_with_their_server() {
    for (tier, engine) in engines() {
        for (what, guest) in endless() {
            let (server, client, ends) = held(&engine, &guest);
            assert_eq!(server.ended(), Drained { cut: 1 });
            assert_eq!(ends.recv().unwrap(), Err(Failed::TimedOut), "{tier}: {what}");
            drop(client);
        }
    }
}

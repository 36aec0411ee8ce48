//! Programs behind routes: the Common Gateway Interface, limits, and nothing that stays.

mod common;

use common::guests::{COUNTS, ECHO, ENVIRONMENT, does, says, waits};
use common::{grants, options, serve, try_serve};
use std::collections::BTreeMap;

#[test]
fn sites_that_cannot_be_served_are_refused() {
    let refused = |mounts: &[(&str, &str)]| match try_serve(mounts, grants(), options()) {
        Ok(_) => panic!("served"),
        Err(what) => what,
    };
    let hello = says("hello");
    assert!(refused(&[("/", "(module)")]).contains("neither a program"));
    assert!(refused(&[("/", &hello), ("/", ECHO)]).contains("two modules"));
    assert!(refused(&[("/a/../b", &hello)]).contains("cannot be a route"));
    let unknown = r#"(module (import "env" "f" (func)) (func (export "_start")))"#;
    assert!(refused(&[("/", unknown)]).contains("unknown import: env.f"));
    let other = r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i64))) (func (export "_start")))"#;
    assert!(refused(&[("/", other)]).contains("incompatible import type"));
}

#[test]
fn failures_have_their_codes() {
    let mut few = grants();
    few.limits.gas = Some(1_000_000);
    few.limits.output = Some(64);
    let long = says(&"x".repeat(65));
    let server = try_serve(
        &[
            ("/trap", &does("unreachable")),
            ("/exit", &does("(call $exit (i32.const 3))")),
            ("/good", &does("(call $exit (i32.const 0))")),
            ("/gas", &does("(loop (br 0))")),
            ("/grow", &does("(if (i32.eq (memory.grow (i32.const 64)) (i32.const -1)) (then unreachable))")),
            ("/long", &long),
            ("/bad", &says("Status: 1000\n\n")),
            ("/deep", r#"(module (func $f (export "_start") (call $f)))"#),
            ("/start", r#"(module (func $f unreachable) (start $f) (func (export "_start")))"#),
        ],
        few,
        options(),
    )
    .unwrap();
    server.get("/trap").failed(500, "trap");
    server.get("/exit").failed(500, "exit");
    assert_eq!(server.get("/good").status, 200);
    server.get("/gas").failed(500, "out_of_gas");
    server.get("/grow").failed(500, "trap");
    server.get("/long").failed(502, "answer");
    server.get("/bad").failed(502, "answer");
    assert!(server.get("/deep").status == 500);
    server.get("/start").failed(500, "trap");
    server.get("/none").failed(404, "not_found");
    server.get("/trapdoor").failed(404, "not_found");
    assert_eq!(server.figure("gristmill_failures_total{kind=\"Unreachable\"}"), 3.0);
    assert_eq!(server.figure("gristmill_failures_total{kind=\"out_of_gas\"}"), 1.0);
    assert!(server.figure("gristmill_gas_total{route=\"/gas\"}") >= 1_000_000.0);
    assert_eq!(server.figure("gristmill_requests_total{route=\"/exit\",status=\"500\"}"), 1.0);
    assert_eq!(server.figure("gristmill_request_duration_seconds_count"), 11.0);
    assert_eq!(server.figure("gristmill_requests_in_flight"), 0.0);
}

#[test]
fn waiting_ends_with_the_time_for_the_request() {
    let mut short = grants();
    short.limits.milliseconds = Some(50);
    let server = try_serve(&[("/", &waits(60_000))], short, options()).unwrap();
    server.get("/").failed(504, "timeout");
}

#[test]
fn what_a_program_writes_is_the_answer() {
    let server = serve(&[
        ("/", &says("Hello, world\n")),
        ("/html", &says("Content-Type: text/html\r\nStatus: 201 Created\r\nX-A: b\r\n\r\n<p>")),
        ("/moved", &says("Location: http://example.org/\n\n")),
        ("/echo", ECHO),
    ]);
    let hello = server.get("/anything/below");
    assert_eq!(
        (hello.status, hello.header("content-type"), &*hello.text()),
        (200, "text/plain; charset=utf-8", "Hello, world\n")
    );
    let html = server.get("/html");
    assert_eq!(
        (html.status, html.header("content-type"), html.header("x-a"), &*html.text()),
        (201, "text/html", "b", "<p>")
    );
    let moved = server.get("/moved");
    assert_eq!((moved.status, moved.header("location")), (302, "http://example.org/"));
    let body: Vec<u8> = (0..64 << 10).map(|i| i as u8).collect();
    let echo = server.post("/echo", &body);
    assert!(echo.status == 200 && echo.body == body);
    assert_eq!(server.send("HEAD", "/", &[], "").status, 200);
}

#[test]
fn a_request_is_in_the_environment() {
    let mut granted = grants();
    granted.environment = BTreeMap::from([("SECRET".into(), "s".into()), ("PATH_INFO".into(), "granted".into())]);
    let server = try_serve(&[("/env", ENVIRONMENT)], granted, options()).unwrap();
    let answer = server.send("PURGE", "/env/a%20b/c?d=1", &[("X-Name", "v"), ("Authorization", "a")], "123").text();
    let variables: BTreeMap<_, _> =
        answer.trim_end_matches('\0').split('\0').filter_map(|v| v.split_once('=')).collect();
    let address = server.address.to_string();
    for (name, value) in [
        ("SECRET", "s"),
        ("PATH_INFO", "/a b/c"),
        ("SCRIPT_NAME", "/env"),
        ("QUERY_STRING", "d=1"),
        ("REQUEST_METHOD", "PURGE"),
        ("REMOTE_ADDR", "127.0.0.1"),
        ("SERVER_NAME", "127.0.0.1"),
        ("SERVER_PORT", address.rsplit(':').next().unwrap()),
        ("CONTENT_LENGTH", "3"),
        ("HTTP_X_NAME", "v"),
        ("GATEWAY_INTERFACE", "CGI/1.1"),
    ] {
        assert_eq!(variables.get(name), Some(&value), "{name}");
    }
    assert!(!variables.contains_key("HTTP_AUTHORIZATION"));
    assert!(!variables.contains_key("PATH"), "nothing is inherited");
}

#[test]
fn nothing_stays_between_requests() {
    let server = serve(&[("/", COUNTS)]);
    for _ in 0..50 {
        assert_eq!(server.get("/").text(), "1");
    }
}

//! Functions of bytes behind routes, in both conventions.

mod common;

use common::guests::{BINDGEN, FUNCTIONS};
use common::{grants, options, serve, try_serve};
use serde_json::json;

#[test]
fn answers_that_are_none_do_no_harm() {
    let mut few = grants();
    few.limits.gas = Some(10_000_000);
    let server = try_serve(&[("/f", FUNCTIONS), ("/b", BINDGEN)], few, options()).unwrap();
    for name in ["outside", "far", "many", "long"] {
        server.post(&format!("/f/{name}"), "x").failed(502, "answer");
    }
    server.post("/b/lie", "x").failed(502, "answer");
    server.post("/f/text", b"\xff").failed(502, "answer");
    server.post("/f/other", "x").failed(502, "answer");
    server.post("/f/trap", "x").failed(500, "trap");
    server.post("/f/spin", "x").failed(500, "out_of_gas");
    let failed = server.post("/f/fail", "x");
    failed.failed(500, "function");
    assert_eq!(failed.json()["error"]["message"], "no such luck");
}

#[test]
fn only_functions_are_called_and_only_by_post() {
    let server = serve(&[("/f", FUNCTIONS)]);
    for path in ["/f", "/f/", "/f/missing", "/f/memory", "/f/allocate", "/f/deallocate", "/f/echo/more", "/f//echo"] {
        server.post(path, "x").failed(404, "not_found");
    }
    let get = server.get("/f/echo");
    get.failed(405, "method");
    assert_eq!(get.header("allow"), "POST");
}

#[test]
fn bytes_go_in_and_come_out() {
    let server = serve(&[("/f", FUNCTIONS), ("/b", BINDGEN)]);
    let bytes: Vec<u8> = (0..60_000).map(|i| (i % 251) as u8).collect();
    let echo = server.post("/f/echo", &bytes);
    assert_eq!((echo.status, echo.header("content-type")), (200, "application/octet-stream"));
    assert!(echo.body == bytes);
    let text = server.post("/f/text", "grüß");
    assert_eq!((text.header("content-type"), &*text.text()), ("text/plain; charset=utf-8", "grüß"));
    assert_eq!(server.post("/f/both", "ab").json(), json!(["ab", [97, 98]]));
    assert_eq!(server.post("/f/count", "ab").json(), json!(1));
    assert_eq!(server.post("/f/none", "ab").status, 204);
    assert_eq!(server.post("/b/greet", "you").text(), "hi you");
    assert_eq!(server.post("/b/pair", "same").text(), "same");
    assert_eq!(server.post("/b/nothing", "x").status, 204);
    assert_eq!(server.post("/b/greet", "").text(), "hi ");
}

#[test]
fn nothing_stays_between_calls() {
    let server = serve(&[("/f", FUNCTIONS)]);
    for _ in 0..50 {
        assert_eq!(server.post("/f/state", "").json(), json!(1));
    }
}

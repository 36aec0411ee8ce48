//! The service that takes uploads: keys, limits, runs, and what goes to others.

mod common;

use common::guests::{BINDGEN, FUNCTIONS, says};
use common::{Answer, Running, grants, options, serve, try_serve};
use gristmill_ext_grants::Grants;
use gristmill_serve::{Options, faas};
use serde_json::{Value, json};

const OCTETS: (&str, &str) = ("Content-Type", "application/octet-stream");
const TEXT: (&str, &str) = ("Content-Type", "text/plain");

fn service(limits: faas::Options, grants: Grants, mounts: &[(&str, &str)]) -> Running {
    try_serve(mounts, grants, Options { faas: Some(limits), ..options() }).unwrap()
}

fn plain() -> Running {
    service(faas::Options::default(), grants(), &[])
}

fn upload(server: &Running, guest: &str, headers: &[(&str, &str)]) -> Answer {
    server.send("POST", "/api/executables", &[&[OCTETS], headers].concat(), wat::parse_str(guest).unwrap())
}

/// Number, usage key and admin key of an upload.
fn uploaded(server: &Running, guest: &str, headers: &[(&str, &str)]) -> (u64, String, String) {
    let answer = upload(server, guest, headers);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let json = answer.json();
    let text = |name: &str| json[name].as_str().unwrap().to_string();
    (json["wasm_id"].as_u64().unwrap(), text("SSVM_Usage_Key"), text("SSVM_Admin_Key"))
}

#[test]
fn uploads_are_checked_and_bounded() {
    let limits = faas::Options { executables: 2, bytes: 32 << 10, total: 40 << 10, ..faas::Options::default() };
    let server = service(limits, grants(), &[]);
    let send = |body: &[u8]| server.send("POST", "/api/executables", &[OCTETS], body);
    send(b"").failed(422, "refused");
    send(b"\0asm\x01\0\0\0\xff").failed(422, "refused");
    send(&wat::parse_str(r#"(module (import "ethereum" "f" (func)))"#).unwrap()).failed(422, "refused");
    send(&[0; (32 << 10) + 1]).failed(413, "too_large");
    server.send("POST", "/api/executables", &[TEXT], wat::parse_str("(module)").unwrap()).failed(400, "bad_request");
    let big = format!("(module (memory 1) (data (i32.const 0) \"{}\"))", "x".repeat(30 << 10));
    let (_, _, admin) = uploaded(&server, &big, &[]);
    upload(&server, &big, &[]).failed(507, "full");
    uploaded(&server, "(module)", &[]);
    upload(&server, "(module)", &[]).failed(507, "full");
    assert_eq!(server.send("DELETE", "/api/executables/1", &[("SSVM_Admin_Key", &admin)], "").status, 200);
    uploaded(&server, "(module)", &[]);
}

#[test]
fn keys_are_needed_and_must_be_right() {
    let limits = faas::Options { upload_key: Some("operator".into()), ..faas::Options::default() };
    let server = service(limits, grants(), &[]);
    upload(&server, FUNCTIONS, &[]).failed(403, "forbidden");
    upload(&server, FUNCTIONS, &[("SSVM_Admin_Key", "operato")]).failed(403, "forbidden");
    let mine = [("SSVM_Admin_Key", "operator"), ("SSVM_Create_Usage_Key", "true")];
    let (id, usage, admin) = uploaded(&server, FUNCTIONS, &mine);
    let (_, _, others) = uploaded(&server, FUNCTIONS, &mine);
    assert!(usage.len() == 36 && usage != admin && admin != others);

    let run = format!("/api/run/{id}/text");
    let none = "00000000-0000-0000-0000-000000000000";
    for headers in
        [&[][..], &[("SSVM_Usage_Key", none)], &[("SSVM_Usage_Key", &admin[1..])], &[("SSVM_Admin_Key", &others)]]
    {
        server.send("POST", &run, headers, "x").failed(403, "forbidden");
    }
    assert_eq!(server.send("POST", &run, &[("SSVM_Usage_Key", &usage)], "x").text(), "x");
    assert_eq!(server.send("POST", &run, &[("SSVM_Admin_Key", &admin)], "x").text(), "x");

    for (method, path) in [
        ("DELETE", format!("/api/executables/{id}")),
        ("PUT", format!("/api/update_wasm_binary/{id}")),
        ("PUT", format!("/api/state/{id}")),
        ("PUT", format!("/api/callback/{id}")),
        ("GET", format!("/api/log/{id}")),
        ("PUT", format!("/api/keys/{id}/usage_key")),
        ("DELETE", format!("/api/keys/{id}/usage_key")),
    ] {
        for key in ["", &usage, &others, "operator"] {
            server.send(method, &path, &[("SSVM_Admin_Key", key)], "").failed(403, "forbidden");
        }
    }
    let fresh = server.send("PUT", &format!("/api/keys/{id}/usage_key"), &[("SSVM_Admin_Key", &admin)], "").json();
    server.send("POST", &run, &[("SSVM_Usage_Key", &usage)], "x").failed(403, "forbidden");
    let fresh = fresh["SSVM_Usage_Key"].as_str().unwrap();
    assert_eq!(server.send("POST", &run, &[("SSVM_Usage_Key", fresh)], "x").text(), "x");
    server.send("DELETE", &format!("/api/keys/{id}/usage_key"), &[("SSVM_Admin_Key", &admin)], "");
    assert_eq!(server.post(&run, "x").text(), "x");
    for answer in [server.get("/api/executables"), server.get(&format!("/api/executables/{id}"))] {
        assert!(!answer.text().contains(&admin) && !answer.text().contains(fresh));
    }
}

#[test]
fn functions_run_with_text_bytes_and_parts() {
    let server = plain();
    let (id, usage, admin) = uploaded(&server, FUNCTIONS, &[("SSVM_Description", "functions")]);
    assert_eq!(usage, "00000000-0000-0000-0000-000000000000");
    let run = |rest: &str| format!("/api/run/{id}/{rest}");
    let text = server.send("POST", &run("echo"), &[TEXT], "grüß");
    assert_eq!((text.header("content-type"), &*text.text()), ("text/plain; charset=utf-8", "grüß"));
    let bytes = server.send("POST", &run("echo/bytes"), &[OCTETS], b"\xff\0");
    assert_eq!((bytes.header("content-type"), &*bytes.body), ("application/octet-stream", &b"\xff\0"[..]));
    server.send("POST", &run("echo"), &[TEXT], b"\xff").failed(400, "bad_request");
    assert_eq!(server.post(&run("both"), "a").json(), json!(["a", [97]]));
    server.post(&run("missing"), "a").failed(404, "not_found");
    server.post(&run("_start"), "a").failed(404, "not_found");
    server.post(&run("trap"), "a").failed(500, "trap");
    server.post("/api/run/99/echo", "a").failed(404, "not_found");
    server.post("/api/run/x/echo", "a").failed(400, "bad_request");
    let get = server.get(&run("echo"));
    get.failed(405, "method");
    assert_eq!(get.header("allow"), "POST");

    let form = ("Content-Type", "multipart/form-data; boundary=B");
    let parts = "--B\r\nContent-Disposition: form-data; name=\"input_1\"\r\n\r\none\r\n\
                 --B\r\nContent-Disposition: form-data; name=\"input_2\"\r\n\r\ntwo\r\n--B--\r\n";
    let multipart = |rest: &str| format!("/api/multipart/run/{id}/{rest}");
    assert_eq!(server.send("POST", &multipart("second"), &[form], parts).text(), "two");
    assert_eq!(server.send("POST", &multipart("echo/bytes"), &[form], parts).body, b"one");
    for (ty, body) in [
        (TEXT.1, parts),
        ("multipart/form-data", parts),
        ("multipart/form-data; boundary=C", parts),
        (form.1, "--B\r\nContent-Disposition: form-data; name=\"input_1\"\r\n\r\none"),
        (form.1, "--B\r\n\r\n--B"),
        (form.1, ""),
        (form.1, &"--B\r\nContent-Disposition: form-data; name=\"i\"\r\n\r\n\r\n".repeat(100)),
    ] {
        let answer = server.send("POST", &multipart("echo"), &[("Content-Type", ty)], body);
        answer.failed(400, "bad_request");
    }

    let told = server.get(&format!("/api/executables/{id}")).json();
    assert_eq!((&told["wasm_description"], &told["wasm_id"]), (&json!("functions"), &json!(id)));
    assert_eq!(told["wasm_sha256"].as_str().unwrap().len(), 66);
    assert_eq!(server.get("/api/executables").json(), json!([told]));
    let log = server.send("GET", &format!("/api/log/{id}"), &[("SSVM_Admin_Key", &admin)], "").json();
    let outcomes: Vec<_> = log.as_array().unwrap().iter().map(|line| line["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes[..6], ["ok", "ok", "ok", "not_found", "not_found", "DivideByZero"]);
}

#[test]
fn executables_are_replaced_and_taken_away() {
    let server = plain();
    let (id, _, admin) = uploaded(&server, FUNCTIONS, &[]);
    let key = ("SSVM_Admin_Key", &*admin);
    assert_eq!(server.post(&format!("/api/run/{id}/echo"), "a").text(), "a");
    let update = format!("/api/update_wasm_binary/{id}");
    server.send("PUT", &update, &[key, OCTETS], "no module").failed(422, "refused");
    assert_eq!(server.post(&format!("/api/run/{id}/echo"), "a").text(), "a");
    assert_eq!(server.send("PUT", &update, &[key, OCTETS], wat::parse_str(BINDGEN).unwrap()).status, 200);
    assert_eq!(server.post(&format!("/api/run/{id}/greet"), "a").text(), "hi a");
    server.post(&format!("/api/run/{id}/echo"), "a").failed(404, "not_found");
    assert_eq!(server.send("DELETE", &format!("/api/executables/{id}"), &[key], "").json(), json!({ "wasm_id": id }));
    server.post(&format!("/api/run/{id}/greet"), "a").failed(404, "not_found");
}

/// `state` returns the first argument behind the program's name.
const STATE: &str = r#"(module
  (import "wasi_snapshot_preview1" "args_get" (func $get (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "__wbindgen_malloc") (param i32) (result i32) (i32.const 8192))
  (func (export "state") (param $to i32) (local $end i32)
    (drop (call $get (i32.const 64) (i32.const 1024)))
    (local.set $end (i32.load (i32.const 68)))
    (loop $more (if (i32.load8_u (local.get $end))
      (then (local.set $end (i32.add (local.get $end) (i32.const 1))) (br $more))))
    (i32.store (local.get $to) (i32.load (i32.const 68)))
    (i32.store offset=4 (local.get $to) (i32.sub (local.get $end) (i32.load (i32.const 68))))))"#;

#[test]
fn state_is_an_argument() {
    let server = plain();
    let (id, _, admin) = uploaded(&server, STATE, &[]);
    let (state, run) = (format!("/api/state/{id}"), format!("/api/run/{id}/state"));
    let put = |body: &str| server.send("PUT", &state, &[("SSVM_Admin_Key", &admin)], body);
    assert_eq!(put("{\"a\": 1}").status, 200);
    assert_eq!((server.get(&state).text(), server.figure("gristmill_requests_in_flight")), ("{\"a\": 1}".into(), 0.0));
    put("a\0b").failed(400, "bad_request");
    put(&"x".repeat(70_000)).failed(413, "too_large");
    let no_body = server.raw(format!("POST {run} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").as_bytes());
    assert!(no_body.ends_with("{\"a\": 1}"), "{no_body}");
}

#[test]
fn values_stay_under_their_keys() {
    let server = plain();
    let key = server.post("/api/ephemeral_storage", "{\"a\":[1]}").json()["key"].as_str().unwrap().to_string();
    let path = format!("/api/ephemeral_storage/{key}");
    assert_eq!(server.get(&path).json(), json!({ "value": { "a": [1] } }));
    assert_eq!(server.send("PUT", &path, &[], "2").status, 200);
    assert_eq!(server.get(&path).json(), json!({ "value": 2 }));
    server.post("/api/ephemeral_storage", "{").failed(400, "bad_request");
    server.post("/api/ephemeral_storage", format!("\"{}\"", "x".repeat(70_000))).failed(413, "too_large");
    server.send("PUT", "/api/ephemeral_storage/mine", &[], "1").failed(404, "not_found");
    assert_eq!(server.send("DELETE", &path, &[], "").status, 200);
    server.get(&path).failed(404, "not_found");
}

#[test]
fn nobody_is_asked_without_a_grant() {
    let other = serve(&[("/", &says("fetched"))]);
    let server = plain();
    let (id, _, _) = uploaded(&server, FUNCTIONS, &[]);
    let run = format!("/api/run/{id}/echo");
    let url = other.url("/");
    server.send("POST", &run, &[("SSVM_Fetch", &url)], "").failed(403, "forbidden");
    let callback = json!({ "hostname": "127.0.0.1", "port": other.address.port(), "path": "/" }).to_string();
    server.send("POST", &run, &[("SSVM_Callback", &callback)], "x").failed(403, "forbidden");
    let body = json!({ "SSVM_Fetch": url }).to_string();
    server.send("POST", &run, &[("Content-Type", "application/json")], &body).failed(403, "forbidden");
    assert_eq!(other.figure("gristmill_requests_total"), 0.0);
    assert_eq!(other.figure("gristmill_connections"), 0.0);
}

#[test]
fn granted_hosts_give_inputs_and_take_answers() {
    let other = serve(&[("/", &says("fetched")), ("/f", FUNCTIONS), ("/bad", &says("Status: 500\n\n"))]);
    let port = other.address.port();
    let mut granted = grants();
    granted.network.push(format!("connect:tcp:127.0.0.1:{port}").parse().unwrap());
    granted.network.push(format!("connect:tcp:localhost:{port}").parse().unwrap());
    let server = service(faas::Options::default(), granted, &[]);
    let (id, _, admin) = uploaded(&server, FUNCTIONS, &[]);
    let run = |headers: &[(&str, &str)], body: &str| server.send("POST", &format!("/api/run/{id}/echo"), headers, body);
    assert_eq!(run(&[("SSVM_Fetch", &other.url("/"))], "").text(), "fetched");
    assert_eq!(run(&[("SSVM_Fetch", &format!("http://localhost:{port}/"))], "").text(), "fetched");
    let object =
        |path: &str| json!({ "hostname": "127.0.0.1", "port": port, "path": path, "method": "POST", "body": "in" });
    assert_eq!(run(&[("SSVM_Fetch", &object("/f/echo").to_string())], "").text(), "in");
    run(&[("SSVM_Fetch", &other.url("/bad"))], "").failed(502, "elsewhere");
    run(&[("SSVM_Fetch", "http://127.0.0.1:1/")], "").failed(403, "forbidden");
    run(&[("SSVM_Fetch", "http://169.254.169.254/")], "").failed(403, "forbidden");
    run(&[("SSVM_Fetch", "nonsense")], "").failed(400, "bad_request");

    // The header wins over the body, the body over what is stored, and an empty one stands for none.
    let to = |path: &str| json!({ "hostname": "127.0.0.1", "port": port, "path": path });
    let stored =
        server.send("PUT", &format!("/api/callback/{id}"), &[("SSVM_Admin_Key", &admin)], to("/f/text").to_string());
    assert_eq!(stored.status, 200);
    assert_eq!(run(&[], "out").text(), "out");
    assert_eq!(other.figure("gristmill_requests_total{route=\"/f\",status=\"200\"}"), 2.0);
    assert_eq!(run(&[("SSVM_Callback", "{}")], "out").text(), "out");
    assert_eq!(other.figure("gristmill_requests_total{route=\"/f\",status=\"200\"}"), 2.0);
    let body = json!({ "SSVM_Callback": to("/f/none"), "function_params": 1 }).to_string();
    assert_eq!(run(&[("Content-Type", "application/json")], &body).text(), "");
    run(&[("SSVM_Callback", &to("/bad").to_string())], "out").failed(502, "elsewhere");

    let form = ("Content-Type", "multipart/form-data; boundary=B");
    let parts =
        format!("--B\r\nContent-Disposition: form-data; name=\"fetch_1\"\r\n\r\n{}\r\n--B--\r\n", other.url("/"));
    let fetched = server.send("POST", &format!("/api/multipart/run/{id}/echo"), &[form, ("SSVM_Callback", "")], &parts);
    assert_eq!(fetched.text(), "fetched");
}

#[test]
fn the_service_is_there_only_when_asked_for_and_beside_modules() {
    let without = serve(&[("/", &says("mine"))]);
    assert_eq!(without.get("/api/executables").text(), "mine");
    let with = service(faas::Options::default(), grants(), &[("/", &says("mine"))]);
    assert_eq!(with.get("/api/executables").json(), Value::Array(Vec::new()));
    assert_eq!(with.get("/other").text(), "mine");
    assert!(
        try_serve(&[("/api", &says("x"))], grants(), Options { faas: Some(faas::Options::default()), ..options() })
            .is_err()
    );
}

//! Modules that cannot be linked are told why, and what would help.

mod common;

use common::{file, folder, gristmill};

#[test]
fn an_import_that_nobody_has_names_what_would() {
    let here = folder("link");
    let cases = [
        ("ethereum", "getCaller", "(param i32)", "the module is a contract, which runs with `deploy` and `call`"),
        ("debug", "print32", "(param i32)", "the module is a contract"),
        ("env", "getCaller", "(param i32)", "the module is a contract"),
        ("env", "abort", "(param i32 i32 i32 i32)", "what a compiler leaves there"),
        ("wasi:cli/stdout@0.2.0", "get-stdout", "(result i32)", "that is a component's"),
        ("wasi_snapshot_preview1", "fd_wriet", "", "the extension `wasi` has `fd_write`"),
        (
            "wasi_snapshot_preview",
            "sock_accept",
            "",
            "the extension `wasi` has it, in the module `wasi_snapshot_preview1`",
        ),
        ("ssvm_native", "ssvm_storage_storeI23", "(param i32)", "the extension `storage` has `ssvm_storage_storeI32`"),
        ("wasmedge_process", "wasmedge_process_rum", "", "the extension `process` has `wasmedge_process_run`"),
        ("ssvm_storage", "ssvm_storage_storeI32", "(param i32)", "in the module `ssvm_native`"),
        ("what", "ever", "", "`gristmill extensions` lists"),
    ];
    for (module, name, ty, hint) in cases {
        let text = format!(r#"(module (import "{module}" "{name}" (func {ty})) (func (export "_start")))"#);
        let path = file(&here, "m.wat", text);
        let run = gristmill(&["run", &path]).exits(3);
        assert_eq!((run.stderr.lines().count(), run.stdout.as_str()), (1, ""), "{}", run.stderr);
        run.complains(&format!("unknown import: {module}.{name}; ")).complains(hint);
        let json = gristmill(&["run", &path, "--json"]).exits(3).json();
        assert_eq!(json["error"]["import"], format!("{module}.{name}"));
        assert!(json["error"]["message"].as_str().unwrap().contains(hint), "{json}");
    }
    let memory = file(&here, "m.wat", r#"(module (import "env" "memory" (memory 1)) (func (export "_start")))"#);
    gristmill(&["run", &memory]).exits(3).complains("programs import functions and nothing else");
}

#[test]
fn an_import_of_another_type_names_both() {
    let text = r#"(module (import "wasi_snapshot_preview1" "fd_close" (func (param i64))) (func (export "_start")))"#;
    let path = file(&folder("link_type"), "m.wat", text);
    gristmill(&["run", &path])
        .exits(3)
        .complains("incompatible import type: wasi_snapshot_preview1.fd_close is (i32) -> (i32), not (i64) -> ()");
}

#[test]
fn every_function_is_listed_with_its_type_and_grant() {
    let json = gristmill(&["extensions", "--json"]).exits(0).json();
    let functions = json["functions"].as_array().unwrap();
    let one = |name: &str| functions.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!(one("fd_read")["params"], serde_json::json!(["i32", "i32", "i32", "i32"]));
    assert_eq!(one("fd_read")["result"], "i32");
    assert!(one("ssvm_process_run")["granted_by"].as_str().unwrap().contains("--allow-command"));
    assert_eq!(one("ssvm_process_run")["aliases"][0]["module"], "wasmedge_process");
    assert!(functions.iter().all(|it| !it["granted_by"].as_str().unwrap().is_empty()));
    let text = gristmill(&["extensions", "storage"]).exits(0).says("ssvm_storage_storeI32(value: i32)").stdout;
    assert!(!text.contains("fd_read"));
    gristmill(&["extensions", "none"]).exits(2);
}

#[test]
fn flags_of_ssvm_mean_what_they_meant() {
    let here = folder("ssvm_flags");
    let module = file(
        &here,
        "m.wat",
        r#"(module (memory (export "memory") 1)
        (func (export "fib") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2))))"#,
    );
    let old =
        ["--enable-instruction-count", "--enable-gas-measuring", "--enable-all-statistics", "--memory-page-limit=2"];
    let run = |args: &[&str]| gristmill(&[&["run"], args, &["--reactor", &module, "fib", "21"]].concat());
    run(&[]).exits(0).says("42\n");
    run(&old).exits(0).says("42\n").says("gas used");
    run(&["--allow-command", "ls", "--allow-command-all", "--dir", "/x:.", "--env", "A=b"]).exits(0).says("42");
    // They are not offered.
    let help = gristmill(&["run", "--help"]).exits(0).stdout;
    assert!(!help.contains("--enable-") && !help.contains("--memory-page-limit"));
}

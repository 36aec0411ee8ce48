//! `gristmill check` and `gristmill pack`.

mod common;

use common::{file, folder, gristmill};

/// What a compiler for ordinary Wasm writes: helpers exported, runtime code only. It returns 32 bytes that end in 42.
const RUNTIME: &str = r#"(module
  (import "ethereum" "finish" (func $finish (param i32 i32)))
  (memory (export "memory") 2)
  (global (export "__heap_base") i32 (i32.const 1024))
  (func (export "call") (i32.store8 (i32.const 31) (i32.const 42)) (call $finish (i32.const 0) (i32.const 32)))
  (func (export "helper") (result i32) (i32.const 1))
  (@custom "notes" "made by hand"))"#;

#[test]
fn refusals_have_reason_and_offset() {
    let here = folder("check_refusals");
    for (name, text, word) in [
        ("float", r#"(module (memory (export "memory") 1) (func (export "main") (drop (f32.const 1))))"#, "float"),
        ("start", r#"(module (memory (export "memory") 1) (func (export "main")) (start 0))"#, "start"),
        ("exports", r#"(module (memory (export "memory") 1) (func (export "main")) (func (export "x")))"#, "`x`"),
        ("no_main", r#"(module (memory (export "memory") 1))"#, "main"),
        ("type", r#"(module (memory (export "memory") 1) (func (export "main") (param i32)))"#, "main"),
        (
            "import",
            r#"(module (import "env" "f" (func)) (memory (export "memory") 1) (func (export "main")))"#,
            "env.f",
        ),
        ("data", r#"(module (memory (export "memory") 1) (func (export "main")) (data (i32.const 65536) "x"))"#, "fit"),
    ] {
        let path = file(&here, &format!("{name}.wat"), text);
        let run = gristmill(&["check", &path, "--json"]).exits(3).json();
        let message = run["files"][0]["error"]["message"].as_str().unwrap().to_string();
        assert!(message.contains(word), "{name}: {message}");
        assert!(run["files"][0]["error"]["rule"].is_string(), "{name}");
        gristmill(&["check", &path]).exits(3).says("refused");
    }
}

#[test]
fn good_modules_pass_under_their_profile() {
    let here = folder("check_good");
    let good = file(&here, "good.wat", r#"(module (memory (export "memory") 1) (func (export "main")))"#);
    let float = file(&here, "float.wat", r#"(module (func (export "f") (result f32) (f32.const 1)))"#);
    let more = file(&here, "more.wat", r#"(module (memory (export "memory") 1) (func (export "main") (export "x")))"#);
    gristmill(&["check", &good]).exits(0).says("ok");
    gristmill(&["check", &float, "--profile", "general"]).exits(0);
    gristmill(&["check", &more, "--exports", "lenient"]).exits(0);
    let both = gristmill(&["check", &good, &float, "--json"]).exits(3).json();
    assert_eq!(both["files"][0]["ok"], true);
    assert_eq!(both["files"][0]["module"]["functions"], 1);
    assert_eq!(both["files"][1]["ok"], false);
    gristmill(&["check", "soll-fixtures/token/soll-normal.wasm"]).exits(0);
    gristmill(&["check", "soll-fixtures/negative/invalid-runtime.wasm"]).exits(3);
}

#[test]
fn a_packed_module_deploys_and_answers() {
    let here = folder("pack");
    let runtime = file(&here, "runtime.wat", RUNTIME);
    gristmill(&["check", &runtime]).exits(3);
    gristmill(&["pack", &runtime]).exits(3).complains("--main takes one of `call`, `helper`");
    let packed = gristmill(&["pack", &runtime, "--main", "call", "--strip"])
        .exits(0)
        .says("dropped the exported global `__heap_base`")
        .says("dropped the exported function `helper`")
        .says("renamed the exported function `call` to `main`")
        .says("dropped custom section `notes`")
        .says("wrapped");
    assert!(packed.stdout.contains("runtime.creation.wasm"), "{}", packed.stdout);
    let creation = here.join("runtime.creation.wasm");
    let answer = gristmill(&["call", "--deploy", creation.to_str().unwrap(), "--json"]).exits(0).json();
    assert_eq!(answer["output"], format!("0x{:064x}", 42));
}

#[test]
fn packing_can_stop_at_the_runtime_module() {
    let here = folder("pack_runtime");
    let runtime = file(&here, "runtime.wat", RUNTIME);
    let output = here.join("out.wasm");
    let output = output.to_str().unwrap();
    let packed = gristmill(&["pack", &runtime, "--main", "call", "--no-wrap", "-o", output, "--json"]).exits(0).json();
    assert_eq!(packed["output"], output);
    assert_eq!(packed["changes"].as_array().unwrap().len(), 3);
    gristmill(&["check", output]).exits(0);
}

#[test]
fn what_cannot_be_mended_is_refused() {
    let here = folder("pack_refused");
    let start = r#"(module (memory (export "memory") 1) (func (export "main")) (start 0))"#;
    let start = file(&here, "start.wat", start);
    gristmill(&["pack", &start]).exits(3).complains("start function");
    let nothing = file(&here, "nothing.wat", "(module)");
    gristmill(&["pack", &nothing]).exits(3).complains("exports nothing");
    assert!(!here.join("start.creation.wasm").exists(), "nothing is written");
}

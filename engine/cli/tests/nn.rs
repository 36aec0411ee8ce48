//! `gristmill run` of programs that use models and pictures.

mod common;

use common::{file, folder, gristmill};

/// Loads the model called `face`, and answers the error number.
const NAMED: &str = r#"(module
  (import "wasi_ephemeral_nn" "load_by_name" (func $load (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "face")
  (func (export "load") (result i32) (call $load (i32.const 16) (i32.const 4) (i32.const 0))))"#;

/// Brings a model of its own, which is none.
const OWN: &str = r#"(module
  (import "ssvm_tensorflow" "ssvm_tensorflow_create_session" (func $create (param i32 i32) (result i64)))
  (import "wasmedge_image" "wasmedge_image_load_png_to_rgb8" (func $png (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "create") (result i64) (call $create (i32.const 0) (i32.const 8)))
  (func (export "png") (result i32) (call $png (i32.const 0) (i32.const 8) (i32.const 1) (i32.const 1) (i32.const 64))))"#;

#[test]
fn models_are_granted_by_flags() {
    let here = folder("nn_flags");
    let module = file(&here, "named.wat", NAMED);
    let run = |flags: &[&str]| gristmill(&[&["run", &module, "--invoke", "load"], flags].concat()).exits(0);
    let refused = "refused: load_by_name(\"face\"); it takes --nn-model NAME=FILE, [[model]]";
    assert_eq!(run(&[]).complains(refused).stdout, "8\n");
    // A file that is not there, bytes that are no model, a target that nobody has.
    assert_eq!(run(&["--nn-model", "face=no/such/file"]).complains(refused).stdout, "5\n");
    let model = file(&here, "model.onnx", "no model");
    assert_eq!(run(&["--nn-model", &format!("face={model}")]).stdout, "2\n");
    assert_eq!(run(&["--nn-preload", &format!("face:onnx:gpu:{model}")]).stdout, "6\n");
    assert_eq!(run(&["--nn-model", &format!("face={model}:tengine")]).stdout, "2\n");
    let explained = gristmill(&["run", &module, "--nn-model", &format!("face={model}"), "--explain"]).exits(0).stdout;
    assert!(explained.contains("runs the model face"), "{explained}");
}

#[test]
fn models_that_a_program_brings_are_another_grant() {
    let module = file(&folder("nn_own"), "own.wat", OWN);
    let create = &["run", &module, "--invoke", "create"];
    let without = gristmill(create).exits(0).complains("it takes --nn-own-models, own_models = true");
    assert_eq!(without.stdout, "0\n");
    let with = gristmill(&[&create[..], &["--nn-own-models"]].concat()).exits(0);
    assert_eq!((with.stdout.as_str(), with.stderr.contains("refused")), ("0\n", false));
    // Pictures take no grant.
    assert_eq!(gristmill(&["run", &module, "--invoke", "png"]).exits(0).stdout, "1\n");
}

#[test]
fn a_back_end_that_is_not_there_is_told_before_the_run() {
    let here = folder("nn_backend");
    let module = file(&here, "named.wat", NAMED);
    let run = |flags: &[&str]| gristmill(&[&["run", &module, "--invoke", "load"], flags].concat());
    let model = format!("face={}:onnx:cpu:onnxruntime", file(&here, "model.onnx", "no model"));
    run(&["--nn-model", &model])
        .exits(3)
        .complains(r#"the model face: unsupported: there is no back end "onnxruntime" among ["tract"]"#);
    let (exit, why) = match cfg!(feature = "onnxruntime") {
        true => (4, "no/such/library: "),
        false => (2, "this build cannot load ONNX Runtime: it is without the cargo feature `onnxruntime`"),
    };
    run(&["--nn-model", &model, "--onnxruntime", "no/such/library"]).exits(exit).complains(why);
}

/// Of a build with the feature, and with a library that `GRISTMILL_ONNXRUNTIME` names.
#[test]
#[cfg(feature = "onnxruntime")]
fn models_run_on_the_library_that_is_named() {
    let Ok(library) = std::env::var("GRISTMILL_ONNXRUNTIME") else {
        return eprintln!("GRISTMILL_ONNXRUNTIME is not set: nothing is tested");
    };
    let here = folder("nn_library");
    let module = file(&here, "named.wat", NAMED);
    // ir_version 8, opset 13, and a graph `g` whose output `y` is its input `x`, a float.
    let graph = [
        b"\x0a\x10\x0a\x01x\x12\x01y\x22\x08Identity".as_slice(),
        b"\x12\x01g",
        b"\x5a\x0b\x0a\x01x\x12\x06\x0a\x04\x08\x01\x12\x00",
        b"\x62\x0b\x0a\x01y\x12\x06\x0a\x04\x08\x01\x12\x00",
    ]
    .concat();
    let model = [b"\x08\x08\x3a".as_slice(), &[graph.len() as u8], &graph, b"\x42\x04\x0a\x00\x10\x0d"].concat();
    let path = here.join("same.onnx");
    std::fs::write(&path, model).unwrap();
    let model = format!("face={}:onnx:cpu:onnxruntime", path.display());
    let flags = ["run", &module, "--invoke", "load", "--onnxruntime", &library, "--nn-model", &model];
    assert_eq!(gristmill(&flags).exits(0).stdout, "0\n");
    assert_eq!(gristmill(&[&flags[..], &["--confine=best-effort"]].concat()).exits(0).stdout, "0\n");
}

#[test]
fn extensions_lists_every_generation() {
    let listed = gristmill(&["extensions", "nn"]).exits(0).stdout;
    for line in [
        "wasi_ephemeral_nn load(builders: i32, count: i32, encoding: i32, target: i32, out: i32) -> i32",
        "ssvm_image ssvm_image_load_jpg_to_rgb8",
        "wasmedge_tensorflowlite append_input",
    ] {
        assert!(listed.contains(line), "{line} is not in\n{listed}");
    }
}

//! Jobs with extensions, under policies of a node's manifest, in processes of their own.

use gristmill_offchain::{Isolated, Kept, Policies};
use pallet_gristmill_jobs::door::{NotRun, Run, Runner};
use pallet_gristmill_jobs::{Budget, Failure, Outcome};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

const BUDGET: Budget = Budget { gas: 1_000_000_000, milliseconds: 60_000, pages: 64, output: 1_024 };

fn node(manifest: &str) -> Isolated {
    let policies = Policies::from_toml(manifest).expect("a manifest");
    Isolated::new(env!("CARGO_BIN_EXE_gristmill-job").into(), vec!["--serve".into()], policies)
}

fn asked(node: &Isolated, policy: &str, code: &[u8], input: &[u8], budget: Budget) -> Result<Outcome, NotRun> {
    let policy = policy.as_bytes().to_vec().try_into().expect("it is short");
    node.run(&Run { code: code.to_vec(), input: input.to_vec(), policy, budget })
}

/// Both tiers, under the names `interp` and `aot`, with these grants.
fn tiers(grants: &str) -> String {
    let policy = |name, tier| format!("[[policy]]\nname = \"{name}\"\ntier = \"{tier}\"\ngrants = {grants}\n");
    format!("version = 1\n{}{}", policy("interp", "interpreter"), policy("aot", "compiled"))
}

fn on_both(grants: &str, code: &[u8], input: &[u8], budget: Budget) -> Result<Outcome, NotRun> {
    let node = node(&tiers(grants));
    let [first, second] = ["interp", "aot"].map(|policy| asked(&node, policy, code, input, budget));
    assert_eq!(first, second, "tiers agree");
    first
}

fn guest(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../soll-fixtures/guests/wasm").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn completed(text: &str) -> Result<Outcome, NotRun> {
    Ok(Outcome::Completed(text.as_bytes().to_vec()))
}

#[test]
fn a_program_of_wasi_is_a_job() {
    let sort = guest("sort-lines.wasm");
    assert_eq!(on_both("{}", &sort, b"rye\noats\nbarley\n", BUDGET), completed("barley\noats\nrye\n"));
    let short = Budget { output: 15, ..BUDGET };
    let too_long = Ok(Outcome::Failed(Failure::OutputTooLong));
    assert_eq!(on_both("{}", &sort, b"rye\noats\nbarley\n", short), too_long);
    assert_eq!(on_both("{}", &sort, b"rye\noats\nbarle\n", short), completed("barle\noats\nrye\n"));
    let less = Budget { gas: 1_000, ..BUDGET };
    assert_eq!(on_both("{}", &sort, b"rye\n", less), Ok(Outcome::Failed(Failure::OutOfGas)));
}

/// What a policy grants is there, in memory and nowhere else; what it does not grant is refused, and the job says so.
#[test]
fn directories_are_in_memory_or_granted() {
    let count = guest("word-count.wasm");
    let refused = on_both(r#"{ arguments = ["/notes.txt"] }"#, &count, b"", BUDGET);
    assert!(matches!(refused, Ok(Outcome::Reverted(_))), "{refused:?}");
    let folder = std::env::temp_dir().join(format!("gristmill-granted-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("notes.txt"), "rye and oats\nand rye\n").expect("a file");
    let grants = format!(
        r#"{{ arguments = ["/notes.txt"], directory = [{{ guest = "/", host = {:?} }}] }}"#,
        folder.display().to_string()
    );
    assert_eq!(on_both(&grants, &count, b"", BUDGET), completed("      2       5      21 /notes.txt\n"));
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}

#[test]
fn waiting_ends_with_the_budget() {
    let sleeper = wat::parse_str(
        r#"(module
            (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "_start")
                (i64.store (i32.const 24) (i64.const 100000000000))
                (i32.store (i32.const 16) (i32.const 1))
                (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))"#,
    )
    .expect("it is right");
    let soon = Budget { milliseconds: 700, ..BUDGET };
    assert_eq!(on_both(r#"{ clock = "real" }"#, &sleeper, b"", soon), Err(NotRun::TookTooLong));
    // The virtual clock waits for nobody.
    assert_eq!(on_both(r#"{ clock = "virtual" }"#, &sleeper, b"", BUDGET), completed(""));
}

/// What a node keeps, in memory.
#[derive(Default)]
struct Shelf(Mutex<BTreeMap<String, Vec<u8>>>);

impl Kept for Shelf {
    fn get(&self, namespace: &str) -> Option<Vec<u8>> {
        self.0.lock().expect("no test panics with it").get(namespace).cloned()
    }

    fn replace(&self, namespace: &str, old: Option<&[u8]>, new: &[u8]) -> bool {
        let mut shelf = self.0.lock().expect("no test panics with it");
        let is_old = shelf.get(namespace).map(Vec::as_slice) == old;
        if is_old {
            shelf.insert(namespace.into(), new.to_vec());
        }
        is_old
    }
}

/// Adds its input's first byte to what is stored, and puts out the sum; reverts with it if the input has a second byte.
fn counter() -> Vec<u8> {
    wat::parse_str(
        r#"(module
            (import "ethereum" "getCallDataSize" (func $size (result i32)))
            (import "ethereum" "callDataCopy" (func $copy (param i32 i32 i32)))
            (import "ethereum" "finish" (func $finish (param i32 i32)))
            (import "ethereum" "revert" (func $revert (param i32 i32)))
            (import "ssvm_native" "ssvm_storage_beginStoreTx" (func $store (param i32)))
            (import "ssvm_native" "ssvm_storage_storeI32" (func $put (param i32)))
            (import "ssvm_native" "ssvm_storage_endStoreTx" (func $stored))
            (import "ssvm_native" "ssvm_storage_beginLoadTx" (func $load (param i32)))
            (import "ssvm_native" "ssvm_storage_loadI32" (func $get (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 64) "a counter of thirty-two bytes  .")
            (func (export "main") (local $sum i32)
                (call $copy (i32.const 0) (i32.const 0) (call $size))
                (if (i32.load8_u (i32.const 0)) (then
                    (if (i32.gt_u (call $size) (i32.const 2)) (then) (else
                        (call $load (i32.const 64))
                        (local.set $sum (call $get))))))
                (local.set $sum (i32.add (local.get $sum) (i32.load8_u (i32.const 0))))
                (call $store (i32.const 64))
                (call $put (local.get $sum))
                (call $stored)
                (i32.store (i32.const 128) (local.get $sum))
                (if (i32.eq (call $size) (i32.const 2)) (then (call $revert (i32.const 128) (i32.const 4))))
                (call $finish (i32.const 128) (i32.const 4))))"#,
    )
    .expect("it is right")
}

#[test]
fn storage_is_kept_when_a_job_completes() {
    let grants = r#"{ storage = [{ namespace = "counters", access = "rw" }] }"#;
    let shelf = Arc::new(Shelf::default());
    let node = node(&tiers(grants)).keeping(shelf.clone());
    let count = |policy: &str, input: &[u8]| asked(&node, policy, &counter(), input, BUDGET);
    let sum = |sum: u32| Ok(Outcome::Completed(sum.to_le_bytes().to_vec()));
    // Three bytes: begins anew.
    assert_eq!(count("interp", &[5, 0, 0]), sum(5));
    assert_eq!(count("aot", &[7]), sum(12), "what one policy has stored, the other with its namespace reads");
    assert_eq!(count("aot", &[100, 0]), Ok(Outcome::Reverted(112u32.to_le_bytes().to_vec())));
    assert_eq!(count("interp", &[1]), sum(13), "what has reverted has changed nothing");
    assert_eq!(shelf.0.lock().unwrap().len(), 1);
    // A node that keeps nothing: each job begins with nothing.
    assert_eq!(on_both(grants, &counter(), &[7], BUDGET), Ok(Outcome::Failed(Failure::Trapped)));
    let quota = r#"{ storage = [{ namespace = "counters", access = "rw", bytes = 16 }] }"#;
    assert_eq!(on_both(quota, &counter(), &[5, 0, 0], BUDGET), Ok(Outcome::Failed(Failure::Trapped)));
}

/// Neither processes nor network, unless the node's operator says so.
#[test]
fn commands_are_the_operators_to_grant() {
    let command = wat::parse_str(
        r#"(module
            (import "ethereum" "finish" (func $finish (param i32 i32)))
            (import "ssvm_process" "ssvm_process_set_prog_name" (func $name (param i32 i32)))
            (import "ssvm_process" "ssvm_process_run" (func $run (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "false")
            (func (export "main")
                (call $name (i32.const 0) (i32.const 5))
                (i32.store (i32.const 8) (call $run))
                (call $finish (i32.const 8) (i32.const 4))))"#,
    )
    .expect("it is right");
    let code = |code: i32| Ok(Outcome::Completed(code.to_le_bytes().to_vec()));
    assert_eq!(on_both("{}", &command, b"", BUDGET), code(-1));
    assert_eq!(on_both(r#"{ command = [{ name = "false", path = "/bin/false" }] }"#, &command, b"", BUDGET), code(1));
}

/// Where the models are that the project's suites come with.
fn model(name: &str) -> Option<PathBuf> {
    let conformance = match std::env::var_os("GRISTMILL_CONFORMANCE") {
        Some(conformance) => PathBuf::from(conformance),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
    };
    let path = conformance.join("models").join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} not found, and CI=true", path.display());
    eprintln!("{} not found: nothing is tested", path.display());
    None
}

#[test]
fn a_model_classifies_texts() {
    let Some(magika) = model("magika-standard_v3_3.onnx") else { return };
    let grants = format!(r#"{{ model = [{{ name = "magika", file = {:?} }}] }}"#, magika.display().to_string());
    let budget = Budget { gas: 100_000_000_000, pages: 4_096, ..BUDGET };
    let text =
        b"use std::collections::BTreeMap;\n\nfn main() {\n    println!(\"{:?}\", BTreeMap::<u8, u8>::new());\n}\n";
    assert_eq!(on_both(&grants, &guest("file-type.wasm"), text, budget), completed("rust\n"));
    // Without the model the program says that it can do nothing.
    let without = on_both("{}", &guest("file-type.wasm"), text, budget);
    assert!(matches!(without, Ok(Outcome::Reverted(_))), "{without:?}");
}

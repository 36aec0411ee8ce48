//! `ssvm_native` and `wasmedge_native`.

mod common;

use common::*;
use gristmill::contract::{Ewasm, Options};
use gristmill::{Config, Engine, HostApi, Module, Profile, Trap};
use gristmill_ext_grants::{Grants, Price, Random};
use gristmill_ext_storage::{Backend, Failure, Memory, Quota, Storage, Usage, VALUE};
use std::sync::Arc;

/// Bytes of a key.
const HOME_KEY: usize = 32;

const FUNCTIONS: [&str; 9] = [
    "createUUID",
    "beginStoreTx",
    "storeI32",
    "storeI64",
    "endStoreTx",
    "beginLoadTx",
    "loadI32",
    "loadI64",
    "endLoadTx",
];

fn args(name: &str) -> &'static [i64] {
    match name {
        "createUUID" | "beginStoreTx" | "beginLoadTx" => &[64],
        "storeI32" | "storeI64" => &[7],
        _ => &[],
    }
}

#[test]
fn every_function_has_a_call() {
    let rows: Vec<_> = Storage::rows().iter().filter(|row| row.module == SSVM.0).collect();
    assert!(rows.iter().map(|row| row.name).eq(FUNCTIONS.map(|name| format!("{}{name}", SSVM.1))));
    assert!(rows.iter().map(|row| row.params.len()).eq(FUNCTIONS.map(|name| args(name).len())));
    // Both modules are all that there is.
    assert!(Storage::rows().iter().all(|row| [SSVM.0, MODERN.0].contains(&row.module)));
}

/// A call that traps, and why.
fn fails(run: &mut Run, name: &str, args: &[i64]) -> Failure {
    let error = run.call(name, args).expect_err(name);
    assert_eq!(error.as_trap(), Some(Trap::ArgumentOutOfRange), "{name}: {error}");
    run.store.data().failure().cloned().expect(name)
}

fn store(run: &mut Run, key: u8, words: &[i32]) {
    run.memory()[..HOME_KEY].fill(key);
    run.call("beginStoreTx", &[0]).unwrap();
    for word in words {
        run.call("storeI32", &[i64::from(*word)]).unwrap();
    }
    run.call("endStoreTx", &[]).unwrap();
}

fn begin_load(run: &mut Run, key: u8) {
    run.memory()[..HOME_KEY].fill(key);
    run.call("beginLoadTx", &[0]).unwrap();
}

#[test]
fn words_come_back_in_both_widths_and_generations() {
    for names in [SSVM, WASMEDGE] {
        let backend = Arc::new(Memory::default());
        let mut run = Run::new(names, grants(&["app"]), backend.clone());
        run.call("beginStoreTx", &[0]).unwrap();
        run.call("storeI32", &[-2]).unwrap();
        run.call("storeI64", &[0x0102_0304_0506_0708]).unwrap();
        run.call("endStoreTx", &[]).unwrap();
        let value = [0xfe, 0xff, 0xff, 0xff, 8, 7, 6, 5, 4, 3, 2, 1];
        assert_eq!(backend.get("app", &[0; HOME_KEY]).unwrap().as_deref(), Some(&value[..]));
        run.call("beginLoadTx", &[0]).unwrap();
        assert_eq!(run.call("loadI32", &[]).unwrap(), -2);
        assert_eq!(run.call("loadI64", &[]).unwrap(), 0x0102_0304_0506_0708);
        assert_eq!(fails(&mut run, "loadI32", &[]), Failure::EndOfValue);
        run.call("endLoadTx", &[]).unwrap();
        assert_eq!(backend.usage("app").unwrap(), Usage { bytes: 44, keys: 1 });
    }
}

/// Three bytes a word, in decimal, as the guests' library packs what it serialises.
fn packed(bytes: &[u8]) -> Vec<i32> {
    let word = |bytes: &[u8]| match *bytes {
        [a, b, c] => 1_000_000_000 + i32::from(a) * 1_000_000 + i32::from(b) * 1_000 + i32::from(c),
        [a, b] => 2_000_000_000 + i32::from(a) * 1_000 + i32::from(b),
        [a] => i32::from(a),
        _ => unreachable!(),
    };
    bytes.chunks(3).map(word).collect()
}

#[test]
fn packed_words_of_the_guests_library_pass() {
    assert_eq!(packed(&[0xff; 3]), [1_255_255_255]);
    assert_eq!(packed(&[0xfe, 0xff]), [2_000_254_255]);
    assert_eq!(packed(&[0x49]), [73]);
    // The number of words, then the words; i32 as they are.
    let mut run = Run::alone(SSVM, grants(&["app"]));
    let words = packed(b"a value that was there before");
    let all: Vec<_> = [words.len() as i32].into_iter().chain(words).collect();
    store(&mut run, b'k', &all);
    begin_load(&mut run, b'k');
    for word in all {
        assert_eq!(run.call("loadI32", &[]).unwrap(), i64::from(word));
    }
}

#[test]
fn the_subset_of_later_guests_links() {
    let subset = |name: &str| !name.ends_with("I64");
    let mut run = Run::of(&guest(WASMEDGE, subset), grants(&["app"]), Arc::new(Memory::default()));
    store(&mut run, 1, &[1, 2]);
    begin_load(&mut run, 1);
    assert_eq!(run.call("loadI32", &[]).unwrap(), 1);
}

#[test]
fn a_uuid_has_33_bytes() {
    let mut run = Run::alone(SSVM, grants(&[]));
    run.memory().fill(b'x');
    run.call("createUUID", &[1]).unwrap();
    run.call("createUUID", &[41]).unwrap();
    let memory = run.memory();
    let (one, two) = (memory[1..33].to_vec(), memory[41..73].to_vec());
    assert!(one.iter().all(|digit| b"0123456789abcdef".contains(digit)) && one != two);
    assert_eq!((one[12], memory[0], memory[33], memory[34]), (b'4', b'x', 0, b'x'));
    // The end of memory, and a byte too far, where nothing is written.
    run.call("createUUID", &[SIZE - 33]).unwrap();
    run.memory().fill(b'x');
    assert_eq!(run.call("createUUID", &[SIZE - 32]).unwrap_err().as_trap(), Some(Trap::InvalidMemoryAccess));
    assert!(run.memory().iter().all(|byte| *byte == b'x'));
    // The same seed gives the same, and the system's differ.
    let uuid = |random| {
        let mut run = Run::alone(SSVM, Grants { random, ..Grants::default() });
        run.call("createUUID", &[0]).unwrap();
        run.memory()[..32].to_vec()
    };
    assert_eq!(uuid(Random::Seed(3)), uuid(Random::Seed(3)));
    assert_ne!(uuid(Random::System), uuid(Random::System));
}

#[test]
fn a_key_that_is_not_there_traps() {
    let mut run = Run::alone(SSVM, grants(&["app"]));
    store(&mut run, 1, &[5]);
    begin_load(&mut run, 1);
    run.memory()[..HOME_KEY].fill(2);
    assert_eq!(fails(&mut run, "beginLoadTx", &[0]), Failure::NoSuchKey);
    // And closes what was open.
    assert_eq!(fails(&mut run, "loadI32", &[]), Failure::NoTransaction);
}

#[test]
fn words_outside_their_transaction_trap() {
    let mut run = Run::alone(SSVM, grants(&["app"]));
    for name in ["storeI32", "storeI64", "endStoreTx", "loadI32", "loadI64", "endLoadTx"] {
        assert_eq!(fails(&mut run, name, args(name)), Failure::NoTransaction, "{name}");
    }
    run.call("beginStoreTx", &[0]).unwrap();
    for name in ["loadI32", "loadI64", "endLoadTx"] {
        assert_eq!(fails(&mut run, name, args(name)), Failure::NoTransaction, "{name}");
    }
    run.call("endStoreTx", &[]).unwrap();
    assert_eq!(fails(&mut run, "endStoreTx", &[]), Failure::NoTransaction);
    run.call("beginLoadTx", &[0]).unwrap();
    for name in ["storeI32", "storeI64", "endStoreTx"] {
        assert_eq!(fails(&mut run, name, args(name)), Failure::NoTransaction, "{name}");
    }
    run.call("endLoadTx", &[]).unwrap();
    assert_eq!(fails(&mut run, "loadI32", &[]), Failure::NoTransaction);
}

#[test]
fn a_begin_replaces_what_is_open() {
    let backend = Arc::new(Memory::default());
    let mut run = Run::new(SSVM, grants(&["app"]), backend.clone());
    run.memory()[..HOME_KEY].fill(1);
    run.call("beginStoreTx", &[0]).unwrap();
    run.call("storeI32", &[1]).unwrap();
    run.memory()[..HOME_KEY].fill(2);
    run.call("beginStoreTx", &[0]).unwrap();
    run.call("storeI32", &[2]).unwrap();
    run.call("endStoreTx", &[]).unwrap();
    assert_eq!(backend.get("app", &[1; HOME_KEY]).unwrap(), None);
    assert_eq!(backend.get("app", &[2; HOME_KEY]).unwrap(), Some(vec![2, 0, 0, 0]));
    // What is not ended is gone.
    run.call("beginStoreTx", &[0]).unwrap();
    run.call("storeI32", &[3]).unwrap();
    drop(run);
    assert_eq!(backend.get("app", &[2; HOME_KEY]).unwrap(), Some(vec![2, 0, 0, 0]));
}

#[test]
fn pointers_are_checked_whole() {
    let mut run = Run::alone(SSVM, grants(&["app"]));
    for name in ["createUUID", "beginStoreTx", "beginLoadTx"] {
        for at in [SIZE - 31, SIZE, -1, -31, i64::from(i32::MIN)] {
            assert_eq!(run.call(name, &[at]).unwrap_err().as_trap(), Some(Trap::InvalidMemoryAccess), "{name} {at}");
        }
    }
    run.call("beginStoreTx", &[SIZE - 32]).unwrap();
    run.call("endStoreTx", &[]).unwrap();
    run.call("beginLoadTx", &[SIZE - 32]).unwrap();
    // A pointer that is wrong leaves what is open.
    run.call("beginLoadTx", &[SIZE]).unwrap_err();
    run.call("endLoadTx", &[]).unwrap();
}

#[test]
fn nothing_works_without_a_grant() {
    let mut run = Run::alone(SSVM, Grants::default());
    for name in FUNCTIONS {
        let (failure, missing) = match name {
            "createUUID" => (Failure::NoRandom, "--random"),
            _ => (Failure::NotGranted, "--storage NAMESPACE"),
        };
        assert_eq!(fails(&mut run, name, args(name)), failure, "{name}");
        let line = run.log().lines().last().unwrap().to_owned();
        assert!(line.contains(name) && line.contains(missing), "{line}");
    }
    assert!(run.memory().iter().all(|byte| *byte == 0));
}

#[test]
fn what_may_be_read_is_not_written() {
    let backend = Arc::new(Memory::default());
    store(&mut Run::new(SSVM, grants(&["app"]), backend.clone()), 1, &[1]);
    let mut run = Run::new(SSVM, grants(&["app:ro", "other"]), backend.clone());
    for name in ["beginStoreTx", "storeI32", "storeI64", "endStoreTx"] {
        assert_eq!(fails(&mut run, name, args(name)), Failure::ReadOnly, "{name}");
        let line = run.log().lines().last().unwrap().to_owned();
        assert!(line.contains(name) && line.contains("without :ro"), "{line}");
    }
    begin_load(&mut run, 1);
    assert_eq!(run.call("loadI32", &[]).unwrap(), 1);
    run.call("endLoadTx", &[]).unwrap();
}

#[test]
fn a_quota_ends_a_store() {
    let key = HOME_KEY as u64;
    let mut run = Run::alone(SSVM, quota(Some(key + 8), Some(1)));
    store(&mut run, 1, &[1, 2]);
    run.call("beginStoreTx", &[0]).unwrap();
    run.call("storeI64", &[0]).unwrap();
    run.call("storeI32", &[0]).unwrap();
    assert_eq!(fails(&mut run, "endStoreTx", &[]), Failure::Full);
    assert!(run.log().contains("ssvm_storage_endStoreTx(\"app\")") && run.log().contains("`bytes` or `keys`"));
    // The transaction is over, what was there is as it was, and may be replaced by as much.
    assert_eq!(fails(&mut run, "endStoreTx", &[]), Failure::NoTransaction);
    store(&mut run, 1, &[3, 4]);
    run.memory()[..HOME_KEY].fill(2);
    run.call("beginStoreTx", &[0]).unwrap();
    assert_eq!(fails(&mut run, "endStoreTx", &[]), Failure::Full);
    begin_load(&mut run, 1);
    assert_eq!(run.call("loadI32", &[]).unwrap(), 3);
}

#[test]
fn gas_is_taken_before_the_work() {
    let mut priced = grants(&["app"]);
    priced.prices.storage = Price { call: 1_000, kib: 5_000 };
    let gas = |gas: u64, before: &[(&str, &[i64])], name: &str| {
        let backend = Arc::new(Memory::default());
        backend.write("app", Quota::default(), None, &[(&[0; HOME_KEY], Some(&[1; 8]))]).unwrap();
        let mut run = Run::new(SSVM, priced.clone(), backend.clone());
        for (name, args) in before {
            run.call(name, args).unwrap();
        }
        run.set_gas(gas);
        let trap = run.call(name, args(name)).unwrap_err().as_trap();
        assert_eq!(trap, Some(Trap::OutOfGas), "{name}");
        assert_eq!(backend.get("app", &[0; HOME_KEY]).unwrap(), Some(vec![1; 8]));
    };
    for name in FUNCTIONS {
        gas(900, &[], name);
    }
    // A word begins a KiB, an end and a load move one.
    gas(3_000, &[("beginStoreTx", &[0])], "storeI32");
    gas(3_000, &[("beginStoreTx", &[0])], "storeI64");
    gas(3_000, &[("beginStoreTx", &[0]), ("storeI32", &[1])], "endStoreTx");
    let backend = Arc::new(Memory::default());
    backend.write("app", Quota::default(), None, &[(&[0; HOME_KEY], Some(&[1; 8]))]).unwrap();
    let mut run = Run::new(SSVM, priced.clone(), backend);
    run.set_gas(3_000);
    assert_eq!(run.call("beginLoadTx", &[0]).unwrap_err().as_trap(), Some(Trap::OutOfGas));
}

#[test]
fn a_value_has_a_bound() {
    let text = r#"(module
        (import "ssvm_native" "ssvm_storage_beginStoreTx" (func $begin (param i32)))
        (import "ssvm_native" "ssvm_storage_storeI64" (func $store (param i64)))
        (memory (export "memory") 1)
        (func (export "fill") (param $left i32)
            (call $begin (i32.const 0))
            (loop $next
                (call $store (i64.const 1))
                (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))"#;
    let mut run = Run::of(text, grants(&["app"]), Arc::new(Memory::default()));
    let words = (VALUE / 8) as i64;
    run.call("fill", &[words]).unwrap();
    assert_eq!(fails(&mut run, "fill", &[words + 1]), Failure::TooLong);
}

#[test]
fn contracts_cannot_have_it() {
    let engine = Engine::new(Config::new().profile(Profile::chain1())).unwrap();
    let contracts = Ewasm::new(&engine, Options::default());
    for names in [SSVM, WASMEDGE, MODERN] {
        let original = guest(names, |_| true);
        let imports = original.lines().filter_map(|line| line.find("(import").map(|at| line[at..].trim_end()));
        let mut seen = 0;
        for import in imports {
            // Line by line: each of them alone is refused, by the rules, before anything is linked.
            let text = format!("(module {import} (memory (export \"memory\") 1) (func (export \"main\")))");
            let bytes = wat::parse_str(&text).unwrap();
            Module::new(&engine, &bytes).unwrap();
            let error = contracts.load(&bytes).unwrap_err().to_string();
            assert!(error.contains("is not a function of the interface"), "{error}");
            seen += 1;
        }
        assert!(seen >= 9);
    }
}

//! Modules that are cheap to write and dear to compile: bounded, and with the interpreter's results.

use gristmill::{Config, Engine, Gas, Instance, Module, Store, Trap};
use gristmill_aot::{Aot, Options, When};
use std::fmt::Write;
use std::sync::Arc;

/// Each exports a function `run` of one number.
fn bombs() -> Vec<(&'static str, String)> {
    let repeated = |count: usize, text: &str| text.repeat(count);
    let mut table = String::new();
    (0..20_000).for_each(|i| write!(table, " {}", i % 2).expect("strings take text"));
    let mut chain = String::from("(local.get 0)");
    (0..20_000)
        .for_each(|i| write!(chain, "(i32.const {i})(i32.add)(local.tee 1)(i32.xor (local.get 1))").expect("text"));
    let function = |locals: &str, body: &str| {
        format!("(module (memory 1) (func (export \"run\") (param i32) (result i32) {locals} {body}))")
    };
    let nested = format!("{}(local.get 0){}", repeated(500, "(block (result i32) "), repeated(500, ")"));
    vec![
        ("fifty thousand locals", function(&format!("(local{})", repeated(49_000, " i64")), "(local.get 0)")),
        (
            "as many, all used",
            function(
                &format!("(local{})", repeated(3_000, " i32")),
                &format!("{} (local.get 3000)", {
                    let mut body = String::new();
                    (1..=3_000).for_each(|i| {
                        write!(body, "(local.set {i} (i32.add (local.get {}) (i32.const 1)))", i - 1).unwrap()
                    });
                    body
                }),
            ),
        ),
        ("a hundred thousand blocks", function("", &format!("{}(local.get 0)", repeated(100_000, "(block (br 0))")))),
        (
            "branches that all meet",
            function("", &format!("(block {}) (local.get 0)", repeated(20_000, "(br_if 0 (local.get 0))"))),
        ),
        ("deep nesting", function("", &nested)),
        ("a giant table", function("", &format!("(block (block (br_table{table} (local.get 0)))) (local.get 0)"))),
        ("one long chain", function("(local i32)", &format!("{chain} drop (local.get 1)"))),
        (
            "loops side by side",
            function("", &format!("{}(local.get 0)", repeated(8_000, "(loop (br_if 0 (i32.const 0)))"))),
        ),
        (
            "memory accesses",
            function(
                "",
                &format!(
                    "{}(local.get 0)",
                    repeated(12_000, "(i32.store (local.get 0) (i32.load offset=4 (local.get 0)))")
                ),
            ),
        ),
    ]
}

#[test]
fn bombs_compile_or_are_interpreted_with_one_result() {
    let aot = Arc::new(Aot::new(Options::default()).expect("this machine has machine code"));
    let compiled = Engine::with_compiler(&Config::new(), aot).expect("an engine");
    let interpreted = Engine::default();
    for (name, text) in bombs() {
        let bytes = wat::parse_str(&text).expect("the text is WebAssembly");
        let run = |engine: &Engine| {
            let module = Module::new(engine, &bytes).map_err(|e| e.to_string())?;
            let mut results = Vec::new();
            for limit in [100_000_000, 1_000, 0] {
                let mut store = Store::new(engine, ());
                store.set_gas(Gas(limit));
                let Ok(instance) = Instance::new(&mut store, &module, &[]) else {
                    results.push((None, store.meter().left()));
                    continue;
                };
                let run = instance.get_typed_func::<i32, i32>(&store, "run").expect("exported");
                results.push((Some(run.call(&mut store, 5).map_err(|e| e.to_string())), store.meter().left()));
            }
            Ok::<_, String>(results)
        };
        assert_eq!(run(&compiled), run(&interpreted), "{name}");
    }
}

/// The interpreter runs while code is made; whoever calls next runs that. Nobody can tell but by time.
#[test]
fn code_that_comes_later_changes_nothing() {
    let text = r#"(module (global $g (mut i32) (i32.const 0)) (table funcref (elem $f $g)) (type $t (func (param i32) (result i32)))
        (func $f (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
        (func $g (param i32) (result i32) (return_call_indirect (type $t) (i32.mul (local.get 0) (i32.const 3)) (i32.const 0)))
        (func (export "run") (param i32) (result i32) (global.set $g (i32.add (global.get $g) (i32.const 1)))
          (call_indirect (type $t) (global.get $g) (i32.and (local.get 0) (i32.const 1)))))"#;
    let bytes = wat::parse_str(text).expect("the text is WebAssembly");
    let options = Options { when: When::Background, threads: 2, ..Options::default() };
    let aot = Arc::new(Aot::new(options).expect("this machine has machine code"));
    let engine = Engine::with_compiler(&Config::new(), aot.clone()).expect("an engine");
    let calls = |engine: &Engine, wait: Option<usize>| {
        let module = Module::new(engine, &bytes).expect("valid");
        let mut store = Store::new(engine, ());
        store.set_gas(Gas(1_000));
        let instance = Instance::new(&mut store, &module, &[]).expect("nothing is imported");
        let run = instance.get_typed_func::<i32, i32>(&store, "run").expect("exported");
        (0..400)
            .map(|call| {
                if wait == Some(call) {
                    aot.wait();
                }
                let result = run.call(&mut store, call as i32);
                (result.map_err(|e| matches!(e, gristmill::Error::Trap(Trap::OutOfGas))).ok(), store.meter().left())
            })
            .collect::<Vec<_>>()
    };
    let expected = calls(&Engine::default(), None);
    for wait in [None, Some(0), Some(1), Some(7), Some(150)] {
        assert_eq!(calls(&engine, wait), expected, "{wait:?}");
    }
    // What waits is forgotten, and what comes is interpreted.
    Module::new(&engine, &bytes).expect("valid");
    aot.close();
    assert_eq!(calls(&engine, Some(3)), expected);
}

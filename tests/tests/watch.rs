//! Who watches a run sees the same run: every call in order, all gas, and the frames of a trap across instances.

use gristmill::{
    Callee, Caller, Config, Dispatch, Engine, Error, Extern, Gas, Instance, Linker, Module, Schedule, Stopped, Store,
    Trap, Watcher,
};
use std::sync::{Arc, Mutex};

/// Writes down what it is shown.
#[derive(Default)]
struct Notes {
    lines: Mutex<Vec<String>>,
    frames: Mutex<Vec<String>>,
    blind: bool,
}

fn name(callee: &Callee<'_>) -> String {
    let name = callee.function.and_then(|function| callee.module.function_name(function));
    name.unwrap_or_else(|| format!("{:?}", callee.function))
}

impl Watcher for Notes {
    fn sees_calls(&self) -> bool {
        !self.blind
    }

    fn enter(&self, callee: Callee<'_>, left: u128) {
        self.lines.lock().unwrap().push(format!("{} {}", name(&callee), left / 10_000));
    }

    fn leave(&self, left: u128) {
        self.lines.lock().unwrap().push(format!("/ {}", left / 10_000));
    }

    fn trapped(&self, stopped: &Stopped<'_>) {
        let frame = |frame: &gristmill::Frame| {
            let name = stopped.module(frame.instance).function_name(frame.function).unwrap_or_default();
            format!("{name} {:?}", stopped.locals(frame).unwrap_or_default())
        };
        self.frames.lock().unwrap().push(stopped.trap().to_string());
        self.frames.lock().unwrap().extend(stopped.frames().iter().map(frame));
    }
}

const LIBRARY: &str = r#"(module
  (import "host" "back" (func $back (param i32) (result i32)))
  (func $half (export "half") (param i32) (result i32) (local i32)
    (local.set 1 (i32.const 9))
    (call $back (i32.shr_u (local.get 0) (i32.const 1)))))"#;

const PROGRAM: &str = r#"(module
  (import "library" "half" (func $half (param i32) (result i32)))
  (import "host" "back" (func $back (param i32) (result i32)))
  (type $ty (func (param i32) (result i32)))
  (table (export "table") 3 3 funcref)
  (elem (i32.const 0) $half $back)
  (func $deep (export "deep") (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 0))))
  (func $through (param i32) (param i32) (result i32)
    (i32.mul (i32.const 2) (call_indirect (type $ty) (local.get 0) (local.get 1))))
  (func (export "run") (param i32 i32) (result i32) (call $through (local.get 0) (local.get 1))))"#;

/// Both modules, with a host function that has `deep` called below it, or traps when it gets 99.
fn linked(engine: &Engine, gas: u64) -> (Store<()>, Instance) {
    let mut store = Store::new(engine, ());
    store.set_gas(Gas(gas));
    let mut linker = Linker::new(engine);
    linker
        .func_wrap("host", "back", |mut caller: Caller<'_, ()>, n: i32| {
            caller.meter_mut().charge_gas(Gas(100))?;
            if n == 99 {
                return Err(Error::Trap(Trap::ArgumentOutOfRange));
            }
            match caller.get_export("deep").and_then(Extern::into_func) {
                Some(deep) => deep.typed::<i32, i32>(&caller)?.call(&mut caller, n),
                None => Ok(n),
            }
        })
        .unwrap();
    let module = |text: &str| Module::new(engine, &wat::parse_str(text).unwrap()).unwrap();
    let library = linker.instantiate(&mut store, &module(LIBRARY)).unwrap();
    linker.instance(&mut store, "library", library).unwrap();
    let program = linker.instantiate(&mut store, &module(PROGRAM)).unwrap();
    (store, program)
}

fn engine() -> Engine {
    let mut config = Config::new();
    config.schedule(Schedule::Unit);
    Engine::new(&config).unwrap()
}

fn run(engine: &Engine, gas: u64, n: i32, at: i32) -> (Result<i32, Option<Trap>>, Gas) {
    let (mut store, program) = linked(engine, gas);
    let run = program.get_typed_func::<(i32, i32), i32>(&store, "run").unwrap();
    let end = run.call(&mut store, (n, at)).map_err(|e| e.as_trap());
    (end, store.meter().left())
}

#[test]
fn calls_are_shown_in_order_with_the_gas_before_them() {
    let notes = Arc::new(Notes::default());
    let engine = engine().watched(notes.clone());
    assert_eq!(engine.dispatch(), Dispatch::Loop);
    assert_eq!(run(&engine, 1_000, 6, 0), (Ok(6), Gas(1_000 - 4 - 6 - 7 - 100)));
    // Blocks end behind calls: of `run` 3 and 1 operators, of `through` 4 and 2, of `half` 6 and 1. The library exports no
    // `deep` that the host could call.
    let expected = ["Some(4) 1000", "through 997", "half 993", "back 987", "/ 887", "/ 886", "/ 884", "/ 883"];
    assert_eq!(std::mem::take(&mut *notes.lines.lock().unwrap()), expected);
    let names = |lines: &[String]| lines.iter().map(|l| l.split(' ').next().unwrap().to_string()).collect::<Vec<_>>();

    // Out of the table, and below the host function once more into the instance that called.
    let (end, left) = run(&engine, 1_000, 2, 1);
    assert_eq!(end, Ok(4));
    let lines = std::mem::take(&mut *notes.lines.lock().unwrap());
    assert_eq!(
        names(&lines)[1..],
        ["through", "back", "deep", "deep", "deep", "/", "/", "/", "/", "/", "/"],
        "{lines:?}"
    );
    let last = lines.last().unwrap();
    assert_eq!(*last, format!("/ {}", left.0));
    assert!(lines[0].ends_with(" 1000"));
}

#[test]
fn results_and_gas_are_those_of_a_run_that_nobody_watches() {
    let plain = engine();
    let watched = plain.watched(Arc::new(Notes::default()));
    let blind = plain.watched(Arc::new(Notes { blind: true, ..Notes::default() }));
    for gas in 0..260 {
        for (n, at) in [(6, 0), (2, 1), (99, 1), (198, 0), (1, 2), (1, 3)] {
            let expected = run(&plain, gas, n, at);
            assert_eq!(run(&watched, gas, n, at), expected, "{n} at {at} with {gas}");
            assert_eq!(run(&blind, gas, n, at), expected, "{n} at {at} with {gas}");
        }
    }
}

#[test]
fn frames_reach_across_instances() {
    for blind in [false, true] {
        let notes = Arc::new(Notes { blind, ..Notes::default() });
        let engine = engine().watched(notes.clone());
        let frames = || std::mem::take(&mut *notes.frames.lock().unwrap());
        assert_eq!(run(&engine, 1_000, 198, 0).0, Err(Some(Trap::ArgumentOutOfRange)));
        assert_eq!(frames(), ["argument out of range", "half [198, 9]", "through [198, 0]", " [198, 0]"]);
        assert_eq!(run(&engine, 1_000, 1, 2).0, Err(Some(Trap::UninitializedElement)));
        assert_eq!(frames(), ["uninitialized element", "through [1, 2]", " [1, 2]"]);
        assert_eq!(run(&engine, 1_000, 1, 3).0, Err(Some(Trap::UndefinedElement)));
        assert_eq!(frames().len(), 3);
        // The run below the host function first, then the one that called it.
        assert_eq!(run(&engine, 150, 500, 1).0, Err(Some(Trap::OutOfGas)));
        let frames = frames();
        assert!(frames.len() > 4 && frames[0] == "out of gas" && frames[1].starts_with("deep ["), "{frames:?}");
        assert_eq!(frames[frames.len() - 3..], ["out of gas", "through [500, 1]", " [500, 1]"]);
    }
}

#[test]
fn modules_that_show_calls_stay_with_their_engine() {
    let plain = engine();
    let watched = plain.watched(Arc::new(Notes::default()));
    let other = plain.watched(Arc::new(Notes::default()));
    let blind = plain.watched(Arc::new(Notes { blind: true, ..Notes::default() }));
    let bytes = wat::parse_str("(module)").unwrap();
    let module = Module::new(&watched, &bytes).unwrap();
    for engine in [&plain, &other, &blind] {
        assert!(matches!(Instance::new(&mut Store::new(engine, ()), &module, &[]), Err(Error::Usage(_))));
    }
    assert!(Instance::new(&mut Store::new(&watched, ()), &module, &[]).is_ok());
    let module = Module::new(&plain, &bytes).unwrap();
    assert!(Instance::new(&mut Store::new(&watched, ()), &module, &[]).is_err());
    assert!(Instance::new(&mut Store::new(&blind, ()), &module, &[]).is_ok());
}

#[test]
fn frames_that_an_exception_leaves_are_shown() {
    const TEXT: &str = r#"(module
      (import "host" "nothing" (func $nothing))
      (tag $e)
      (func $inner (call $nothing) (throw $e))
      (func $middle (call $inner))
      (func $run (export "run") (block $caught (try_table (catch_all $caught) (call $middle))) (call $middle)))"#;
    let notes = Arc::new(Notes::default());
    let engine = engine().watched(notes.clone());
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "nothing", |_: Caller<'_, ()>| {}).unwrap();
    let mut store = Store::new(&engine, ());
    store.set_gas(Gas(100));
    let instance =
        linker.instantiate(&mut store, &Module::new(&engine, &wat::parse_str(TEXT).unwrap()).unwrap()).unwrap();
    let end = instance.get_typed_func::<(), ()>(&store, "run").unwrap().call(&mut store, ());
    assert!(matches!(end, Err(Error::ThrownException)));
    // An exception of 16 bytes costs 3 gas, a throw 1, and to leave frames nothing in this schedule.
    let expected = [
        "run 100",
        "middle 97",
        "inner 96",
        "nothing 95",
        "/ 95",
        "/ 91",
        "/ 91", // caught
        "middle 90",
        "inner 89",
        "nothing 88",
        "/ 88",
        "/ 84",
        "/ 84",
        "/ 84",
    ];
    assert_eq!(*notes.lines.lock().unwrap(), expected);
    assert_eq!(store.meter().left(), Gas(84));
    assert!(notes.frames.lock().unwrap().is_empty());
}

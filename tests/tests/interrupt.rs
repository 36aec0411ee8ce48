//! Runs that end from outside, on every executor of the engine.

use gristmill::{Caller, Engine, Error, Fault, Gas, Halt, Instance, Linker, Module, Profile, Schedule, Store, Trap};
use gristmill_tests::{engines, machine::particles};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Ways to go on for ever. All import a host function that does nothing and one that charges gas, and export `run`.
const ENDLESS: [(&str, &str); 8] = [
    ("a loop", "(loop (br 0))"),
    ("work in a loop", "(loop (global.set 0 (i64.mul (i64.add (global.get 0) (i64.const 7)) (i64.const 11))) (br 0))"),
    ("calls of the host", "(loop (call $host) (br 0))"),
    ("calls of the host that cost", "(loop (call $charges) (br 0))"),
    ("calls", "(loop (call $leaf) (br 0))"),
    ("calls through a table", "(loop (call_indirect (i32.const 0)) (br 0))"),
    // 2^400 calls, of which none is deeper than 400 and none is in a loop.
    ("a tree of calls", "(call $tree (i32.const 400))"),
    ("a tail call", "(return_call $run)"),
];

fn module(engine: &Engine, body: &str) -> Module {
    let text = format!(
        r#"(module
            (import "host" "nothing" (func $host))
            (import "host" "charges" (func $charges))
            (memory 16)
            (global (mut i64) (i64.const 1))
            (table funcref (elem $leaf))
            (func $leaf)
            (func $tree (param i32)
                (if (local.get 0) (then
                    (call $tree (i32.sub (local.get 0) (i32.const 1)))
                    (call $tree (i32.sub (local.get 0) (i32.const 1))))))
            (func $run (export "run") {body}))"#
    );
    Module::new(engine, &wat::parse_str(text).unwrap()).unwrap()
}

fn start(engine: &Engine, body: &str) -> (Store<()>, Instance) {
    let mut store = Store::new(engine, ());
    let mut linker = Linker::new(engine);
    linker.func_wrap("host", "nothing", || ()).unwrap();
    let charges = |mut caller: Caller<'_, ()>| -> Result<(), Error> { Ok(caller.meter_mut().charge_gas(Gas(20_000))?) };
    linker.func_wrap("host", "charges", charges).unwrap();
    let instance = linker.instantiate(&mut store, &module(engine, body)).unwrap();
    (store, instance)
}

fn call(store: &mut Store<()>, instance: Instance) -> Result<(), Error> {
    instance.get_typed_func::<(), ()>(&*store, "run").unwrap().call(store, ())
}

fn all() -> Vec<(&'static str, Engine)> {
    engines(Profile::general(), Schedule::V1)
}

fn is_over(ended: &Result<(), Error>) -> bool {
    matches!(ended, Err(Error::Halt(Halt::TimedOut)))
}

#[test]
fn a_deadline_ends_what_has_no_end() {
    for (executor, engine) in all() {
        for (what, body) in ENDLESS {
            for gas in [None, Some(1 << 60)] {
                let (mut store, instance) = start(&engine, body);
                gas.into_iter().for_each(|gas| store.set_gas(Gas(gas)));
                store.set_deadline(Some(Instant::now() + Duration::from_millis(20)));
                let ended = call(&mut store, instance);
                assert!(is_over(&ended), "{what} on {executor}: {ended:?}");
                // A run that was under way leaves its store as one out of gas does; one that came too late leaves nothing.
                let again = call(&mut store, instance);
                assert!(matches!(again, Err(Error::Fault(Fault::Spent))) || !store.is_spent() && is_over(&again));
            }
        }
    }
}

#[test]
fn a_run_does_not_begin_when_its_time_is_over() {
    for (executor, engine) in all() {
        let (mut store, instance) = start(&engine, "");
        let handle = store.interrupt_handle();
        call(&mut store, instance).unwrap();
        assert!(!handle.interrupt(), "no machine code is under way");
        assert!(is_over(&call(&mut store, instance)), "{executor}");
    }
}

#[test]
fn an_instance_is_not_made_when_the_time_is_over() {
    for (executor, engine) in all() {
        let mut store = Store::new(&engine, ());
        store.interrupt_handle().interrupt();
        let made = Linker::new(&engine).instantiate(&mut store, &memory(&engine));
        assert!(is_over(&made.map(drop)), "{executor}");
        // Nor does the start function run of one that has no memory to pay for.
        let mut store = Store::new(&engine, ());
        store.interrupt_handle().interrupt();
        let text = r#"(module (func $f) (start $f))"#;
        let starts = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
        let made = Linker::new(&engine).instantiate(&mut store, &starts);
        assert!(is_over(&made.map(drop)), "{executor}");
    }
}

/// A module that is a memory.
fn memory(engine: &Engine) -> Module {
    Module::new(engine, &wat::parse_str("(module (memory 1))").unwrap()).unwrap()
}

#[test]
fn a_handle_ends_the_run_of_its_store_and_no_other() {
    // The judge that watches compares what one thread does.
    for (executor, engine) in all().into_iter().filter(|(name, _)| *name != "loop, watched") {
        for (what, body) in ENDLESS {
            let (handles, told) = mpsc::channel();
            thread::scope(|scope| {
                let first = scope.spawn(|| {
                    let (mut store, instance) = start(&engine, body);
                    handles.send(store.interrupt_handle()).unwrap();
                    call(&mut store, instance)
                });
                let second = scope.spawn(|| {
                    let (mut store, instance) = start(&engine, body);
                    store.set_gas(Gas(50_000));
                    store.interrupt_handle();
                    call(&mut store, instance)
                });
                let handle = told.recv().unwrap();
                while !first.is_finished() {
                    handle.interrupt();
                    thread::sleep(Duration::from_millis(1));
                }
                assert!(is_over(&first.join().unwrap()), "{what} on {executor}");
                let other = second.join().unwrap();
                assert!(matches!(other, Err(Error::Trap(Trap::OutOfGas))), "{what} on {executor}: {other:?}");
            });
        }
    }
}

/// What can be interrupted and is not costs what it costs otherwise, to the particle, at every limit.
#[test]
fn gas_does_not_depend_on_who_might_interrupt() {
    let body = "(local $i i32) (loop
        (memory.fill (i32.const 0) (i32.const 1) (i32.const 70000))
        (call $tree (i32.const 5)) (call $host)
        (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 400))))";
    let run = |engine: &Engine, gas: Option<u64>, interruptible: bool| {
        let (mut store, instance) = start(engine, body);
        gas.into_iter().for_each(|gas| store.set_gas(Gas(gas)));
        let before = particles(store.meter());
        if interruptible {
            store.set_deadline(Some(Instant::now() + Duration::from_secs(3600)));
        }
        let done = call(&mut store, instance);
        assert!(matches!(done, Ok(()) | Err(Error::Trap(Trap::OutOfGas))), "{done:?}");
        (done.is_ok(), before - particles(store.meter()))
    };
    for (executor, engine) in all() {
        let (done, all) = run(&engine, None, false);
        assert!(done && all > 10 * 10_000 * 10_000, "some slices: {all}");
        let all_gas = all.div_ceil(10_000) as u64;
        for gas in
            [None, Some(u64::MAX / 2), Some(all_gas), Some(all_gas - 1), Some(all_gas / 2), Some(100_000), Some(1)]
        {
            let expected = run(&engine, gas, false);
            assert_eq!(run(&engine, gas, true), expected, "{gas:?} gas on {executor}");
            assert_eq!(expected.0, gas.is_none_or(|gas| gas >= all_gas), "{gas:?} gas on {executor}");
        }
    }
}

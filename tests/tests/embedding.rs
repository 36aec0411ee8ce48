//! The embedding API where host functions, memory and the stack meet, on every dispatch back end.

use gristmill::{
    Caller, Engine, Error, Extern, ExternRef, Fault, Func, FuncType, Gas, Instance, Linker, Module, Profile, Schedule,
    Stop, Store, Trap, Val, ValType,
};
use gristmill_tests::engines;

fn on_each(test: impl Fn(&Engine)) {
    for (_, engine) in engines(Profile::general(), Schedule::V1) {
        test(&engine);
    }
}

fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, &wat::parse_str(text).unwrap()).unwrap()
}

/// A host function whose results are not of its type ends the run, whatever it claims.
#[test]
fn results_of_another_type_are_refused() {
    on_each(|engine| {
        let text = r#"(module (import "host" "f" (func $f (result i32 i64)))
            (func (export "run") (result i64) (local i64) (call $f) (local.set 0) (drop) (local.get 0)))"#;
        let module = module(engine, text);
        let run = |values: [Val; 2]| {
            let mut linker = Linker::new(engine);
            let ty = FuncType::new([], [ValType::I32, ValType::I64]);
            let func = move |_: Caller<'_, ()>, _: &[Val], results: &mut [Val]| {
                results.copy_from_slice(&values);
                Ok(())
            };
            linker.func_new("host", "f", ty, func).unwrap();
            let mut store = Store::new(engine, ());
            let instance = linker.instantiate(&mut store, &module).unwrap();
            instance.get_typed_func::<(), i64>(&store, "run").unwrap().call(&mut store, ())
        };
        for wrong in [
            [Val::I64(1), Val::I64(2)],
            [Val::I32(1), Val::I32(2)],
            [Val::I32(1), Val::F64(2)],
            [Val::I32(1), Val::FuncRef(None)],
            [Val::ExternRef(None), Val::I64(2)],
        ] {
            assert!(matches!(run(wrong), Err(Error::Usage(_))), "{wrong:?}");
        }
        assert_eq!(run([Val::I32(1), Val::I64(2)]).unwrap(), 2);
    });
}

/// References of one store mean nothing in another, also out of typed closures.
#[test]
fn references_go_through_typed_closures() {
    on_each(|engine| {
        let text = r#"(module (import "host" "swap" (func $swap (param i32 externref) (result externref i32)))
            (func (export "run") (param externref) (result externref i32)
              (call $swap (i32.const 7) (local.get 0))))"#;
        let module = module(engine, text);
        let mut other = Store::new(engine, ());
        let foreign = ExternRef::new(&mut other, "foreign");
        let mut linker = Linker::new(engine);
        let swap = |c: Caller<'_, Option<ExternRef>>, n: i32, r: Option<ExternRef>| (c.data().or(r), n);
        linker.func_wrap("host", "swap", swap).unwrap();
        let mut store = Store::new(engine, None::<ExternRef>);
        let own = ExternRef::new(&mut store, "own");
        let instance = linker.instantiate(&mut store, &module).unwrap();
        type Swap = gristmill::TypedFunc<Option<ExternRef>, (Option<ExternRef>, i32)>;
        let run: Swap = instance.get_typed_func(&store, "run").unwrap();
        assert_eq!(run.call(&mut store, Some(own)).unwrap(), (Some(own), 7));
        assert_eq!(run.call(&mut store, None).unwrap(), (None, 7));
        *store.data_mut() = Some(foreign);
        assert!(matches!(run.call(&mut store, Some(own)), Err(Error::Usage(_))));
    });
}

/// Types too long for a key of their own are told apart all the same.
#[test]
fn long_types_are_compared() {
    on_each(|engine| {
        let types = |last: &str| format!("(param {} {last}) (result i32)", "i64 ".repeat(30));
        let text = format!(
            r#"(module (type $a (func {})) (type $b (func {})) (table funcref (elem $f))
                (func $f (type $a) (i32.const 5))
                (func (export "right") (result i32) {args} (i32.const 0) (call_indirect (type $a) (i32.const 0)))
                (func (export "wrong") (result i32) {args} (i64.const 0) (call_indirect (type $b) (i32.const 0))))"#,
            types("i32"),
            types("i64"),
            args = "(i64.const 1) ".repeat(30)
        );
        let mut store = Store::new(engine, ());
        let instance = Instance::new(&mut store, &module(engine, &text), &[]).unwrap();
        let call =
            |store: &mut Store<()>, name| instance.get_typed_func::<(), i32>(&*store, name).unwrap().call(store, ());
        assert_eq!(call(&mut store, "wrong").unwrap_err().as_trap(), Some(Trap::IndirectCallTypeMismatch));
        assert_eq!(call(&mut store, "right").unwrap(), 5);

        let import = |last: &str| format!(r#"(module (import "host" "f" (func {})))"#, types(last));
        let ty = |last| FuncType::new([ValType::I64; 30].into_iter().chain([last]), [ValType::I32]);
        let zero = |_: Caller<'_, ()>, _: &[Val], _: &mut [Val]| Ok(());
        let func: Extern = Func::new(&mut store, ty(ValType::I32), zero).into();
        assert!(matches!(Instance::new(&mut store, &module(engine, &import("i64")), &[func]), Err(Error::Link(_))));
        Instance::new(&mut store, &module(engine, &import("i32")), &[func]).unwrap();
    });
}

/// A host function calls back so deep that the stack moves: arguments, results and the caller's locals are in their places.
#[test]
fn the_stack_moves_under_a_host_function() {
    on_each(|engine| {
        let text = r#"(module (import "host" "again" (func $again (param i32 i64) (result i64)))
            (memory (export "memory") 1)
            (func $deep (export "deep") (param i32) (result i64) (local i64 i64 i64 i64 i64 i64 i64 i64)
              (if (result i64) (local.get 0)
                (then (i64.add (i64.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
                (else (i64.const 0))))
            (func (export "run") (param i32) (result i64) (local $mine i64)
              (local.set $mine (i64.const 1000000))
              (i64.add (call $again (local.get 0) (i64.const 30000)) (local.get $mine))))"#;
        let module = module(engine, text);
        let mut linker = Linker::new(engine);
        let again = |mut caller: Caller<'_, u32>, depth: i32, more: i64| -> Result<i64, Error> {
            *caller.data_mut() += 1;
            let deep = caller.get_export("deep").and_then(Extern::into_func).unwrap();
            let deep = deep.typed::<i32, i64>(&caller)?.call(&mut caller, depth)?;
            Ok(deep + more)
        };
        linker.func_wrap("host", "again", again).unwrap();
        for depth in [0, 1, 30, 1_000, 20_000] {
            let mut store = Store::new(engine, 0);
            let instance = linker.instantiate(&mut store, &module).unwrap();
            let run = instance.get_typed_func::<i32, i64>(&store, "run").unwrap();
            assert_eq!(run.call(&mut store, depth).unwrap(), 1_030_000 + i64::from(depth));
            assert_eq!(*store.data(), 1);
            // Called from outside, its arguments are not in the stack, and stay where they are.
            let mut store = Store::new(engine, 0);
            let instance = linker.instantiate(&mut store, &module).unwrap();
            let deep = instance.get_typed_func::<i32, i64>(&store, "deep").unwrap();
            let direct = move |mut caller: Caller<'_, u32>, depth: i32, more: i64| -> Result<(i64, i64), Error> {
                assert!(caller.get_export("deep").is_none(), "nobody called it but the embedder");
                Ok((deep.call(&mut caller, depth)?, more))
            };
            let direct = Func::wrap(&mut store, direct).typed::<(i32, i64), (i64, i64)>(&store).unwrap();
            assert_eq!(direct.call(&mut store, (depth, 7)).unwrap(), (i64::from(depth), 7));
        }
    });
}

/// A host function grows memory: the guest sees the new size, in it and behind it.
#[test]
fn a_host_function_grows_memory() {
    on_each(|engine| {
        let text = r#"(module (import "host" "grow" (func $grow (param i32) (result i32)))
            (memory (export "memory") 1 8)
            (func (export "run") (param i32) (result i32)
              (i32.store (i32.const 65532) (i32.const 42))
              (drop (call $grow (local.get 0)))
              (i32.store (i32.const 131068) (i32.const 7))
              (i32.add (memory.size) (i32.add (i32.load (i32.const 65532)) (i32.load (i32.const 131068))))))"#;
        let module = module(engine, text);
        let mut linker = Linker::new(engine);
        let grow = |mut caller: Caller<'_, ()>, delta: u32| -> Result<u32, Error> {
            let memory = caller.get_export("memory").and_then(Extern::into_memory).unwrap();
            let old = memory.grow(&mut caller, delta.into())?;
            memory.write(&mut caller, 65_536, &[1])?;
            Ok(old as u32)
        };
        linker.func_wrap("host", "grow", grow).unwrap();
        let run = |delta| {
            let mut store = Store::new(engine, ());
            let instance = linker.instantiate(&mut store, &module).unwrap();
            instance.get_typed_func::<u32, u32>(&store, "run").unwrap().call(&mut store, delta)
        };
        assert_eq!(run(0).unwrap_err().as_trap(), Some(Trap::MemoryOutOfBounds));
        assert!(matches!(run(8), Err(Error::Usage(_))));
        for delta in [1, 2, 7] {
            assert_eq!(run(delta).unwrap(), 1 + delta + 42 + 7);
        }
    });
}

/// What one instance wrote, no other one of the engine ever sees, whatever memory it gets.
#[test]
fn memory_of_a_new_instance_is_zero() {
    on_each(|engine| {
        for pages in [1u32, 2, 3] {
            let text = format!(
                r#"(module (memory (export "memory") {pages} 4)
                    (func (export "fill") (param i32)
                      (drop (memory.grow (local.get 0)))
                      (memory.fill (i32.const 0) (i32.const 0xee) (i32.mul (memory.size) (i32.const 65536)))))"#
            );
            let module = module(engine, &text);
            for grown in [0, 1, 0, 1] {
                // Several at once: more than are kept for the next.
                let mut stores: Vec<_> = (0..12).map(|_| Store::new(engine, ())).collect();
                for store in &mut stores {
                    let instance = Instance::new(&mut *store, &module, &[]).unwrap();
                    let memory = instance.get_memory(&*store, "memory").unwrap();
                    assert!(memory.data(&*store).iter().all(|byte| *byte == 0));
                    let fill = instance.get_typed_func::<u32, ()>(&*store, "fill").unwrap();
                    fill.call(&mut *store, grown).unwrap();
                    assert!(memory.data(&*store).iter().all(|byte| *byte == 0xee));
                    assert_eq!(memory.size(&*store), u64::from(pages + grown));
                }
            }
        }
    });
}

/// Ways to write eight bytes at an address, each the first access to its memory.
const WRITES: [(&str, &str); 7] = [
    ("store", "(i64.store (local.get 0) (i64.const -1))"),
    ("halves", "(i32.store offset=4 (local.get 0) (i32.const -1)) (i64.store32 (local.get 0) (i64.const -1))"),
    ("load", "(i64.store (local.get 0) (i64.sub (i64.load (local.get 0)) (i64.const 1)))"),
    ("fill", "(memory.fill (local.get 0) (i32.const 255) (i32.const 8))"),
    ("init", "(memory.init $ones (local.get 0) (i32.const 0) (i32.const 8))"),
    (
        "copy",
        "(i64.store (i32.const 1024) (i64.const -1)) (memory.copy (local.get 0) (i32.const 1024) (i32.const 8))
         (i64.store (i32.const 1024) (i64.const 0))",
    ),
    ("host", "(call $host (local.get 0))"),
];

/// Memory opens to code bit by bit: wherever something is written first, and by whom, it is there; nothing lies outside;
/// and the next instance sees zeros.
#[test]
fn written_memory_is_found_and_zeroed() {
    let writes: String =
        WRITES.iter().map(|(name, body)| format!(r#"(func (export "{name}") (param i32) {body})"#)).collect();
    on_each(|engine| {
        let mut linker = Linker::new(engine);
        let host = |mut caller: Caller<'_, ()>, at: u32| {
            let memory = caller.get_export("memory").and_then(Extern::into_memory).unwrap();
            memory.write(&mut caller, at as usize, &[0xff; 8])
        };
        linker.func_wrap("host", "write", host).unwrap();
        for pages in [1u32, 2, 3] {
            let text = format!(
                r#"(module (import "host" "write" (func $host (param i32)))
                    (memory (export "memory") {pages}) (data $ones "\ff\ff\ff\ff\ff\ff\ff\ff")
                    (func (export "read") (param i32) (result i64) (i64.load (local.get 0))) {writes})"#
            );
            let module = module(engine, &text);
            let end = pages * 65_536;
            let inside = [0, 8, 4_088, 4_089, 4_095, 4_096, 12_285, 32_768, 65_528, end - 4_100, end - 9, end - 8];
            let outside = [end - 7, end - 1, end, end + 4_096, u32::MAX - 7, u32::MAX];
            for at in inside.into_iter().chain(outside) {
                for (name, _) in WRITES {
                    let mut store = Store::new(engine, ());
                    let instance = linker.instantiate(&mut store, &module).unwrap();
                    let memory = instance.get_memory(&store, "memory").unwrap();
                    assert!(memory.data(&store).iter().all(|byte| *byte == 0), "{pages} pages, before {name} at {at}");
                    let write = instance.get_typed_func::<u32, ()>(&store, name).unwrap();
                    let read = instance.get_typed_func::<u32, u64>(&store, "read").unwrap();
                    let (written, seen) = (write.call(&mut store, at), read.call(&mut store, at));
                    if outside.contains(&at) {
                        let trap = Some(Trap::MemoryOutOfBounds);
                        assert_eq!(written.unwrap_err().as_trap(), trap, "{pages} pages, {name} at {at}");
                        assert_eq!(seen.unwrap_err().as_trap(), trap);
                        continue;
                    }
                    assert_eq!((written.unwrap(), seen.unwrap()), ((), u64::MAX), "{pages} pages, {name} at {at}");
                    let ones = memory.data(&store).iter().filter(|byte| **byte == 0xff).count();
                    assert_eq!(ones, 8, "{pages} pages, {name} at {at}");
                }
            }
        }
    });
}

/// Host functions live as long as a store that has them, and are dropped with the last.
#[test]
fn a_store_keeps_its_host_functions() {
    let module = |engine: &Engine| {
        module(engine, r#"(module (import "host" "f" (func $f (result i64))) (export "run" (func $f)))"#)
    };
    on_each(|engine| {
        let token = std::sync::Arc::new(77i64);
        let mut linker = Linker::new(engine);
        let held = token.clone();
        linker.func_wrap("host", "f", move || *held).unwrap();
        let mut store = Store::new(engine, ());
        let instance = linker.instantiate(&mut store, &module(engine)).unwrap();
        drop(linker);
        let run = instance.get_typed_func::<(), i64>(&store, "run").unwrap();
        assert_eq!((run.call(&mut store, ()).unwrap(), std::sync::Arc::strong_count(&token)), (77, 2));
        drop(store);
        assert_eq!(std::sync::Arc::strong_count(&token), 1);
    });
}

/// Stops of typed closures arrive as they were; gas that is gone stays gone.
#[test]
fn errors_of_host_functions_come_back() {
    on_each(|engine| {
        let module = module(
            engine,
            r#"(module (import "host" "f" (func $f (param i32))) (export "run" (func $f))
            (func (export "through") (param i32) (call $f (local.get 0))))"#,
        );
        let mut linker = Linker::new(engine);
        let fail = |mut caller: Caller<'_, ()>, how: i32| -> Result<(), Error> {
            match how {
                0 => Err(Error::Trap(Trap::Unreachable)),
                1 => Err(Error::custom("mine")),
                2 => Err(Error::Fault(Fault::OutOfMemory)),
                3 => Ok(caller.meter_mut().charge_gas(Gas(u64::MAX))?),
                _ => Ok(()),
            }
        };
        linker.func_wrap("host", "f", fail).unwrap();
        for name in ["run", "through"] {
            let run = |how| {
                let mut store = Store::new(engine, ());
                store.set_gas(Gas(1_000));
                let instance = linker.instantiate(&mut store, &module).unwrap();
                let result = instance.get_typed_func::<i32, ()>(&store, name).unwrap().call(&mut store, how);
                (result, store.meter().left() == Gas(0), store.is_spent())
            };
            assert!(matches!(run(0), (Err(Error::Trap(Trap::Unreachable)), false, false)));
            assert!(matches!(run(1), (Err(Error::Custom(e)), false, false) if e.to_string() == "mine"));
            assert!(matches!(run(2), (Err(Error::Fault(Fault::OutOfMemory)), false, false)));
            assert!(matches!(run(3), (Err(Error::Trap(Trap::OutOfGas)), true, _)));
            assert!(matches!(run(4), (Ok(()), false, false)));
        }
    });
    // The word for it inside.
    assert_eq!(Stop::from(Trap::OutOfGas), Stop::Trap(Trap::OutOfGas));
}

//! Vectors where they meet the rest: slots, calls, host functions, globals, gas, profiles.

use gristmill::{
    Caller, Engine, Extern, FuncType, Gas, Global, GlobalType, Linker, Meter, Module, Particles, Profile, Proposal,
    Schedule, Stop, Store, Trap, Val, ValType,
};
use gristmill_tests::machine::{Plan, Seen, executors};
use gristmill_tests::{deep, engines};
use std::sync::Arc;

fn on_each(test: impl Fn(&Engine)) {
    for (_, engine) in engines(Profile::general(), Schedule::V1) {
        test(&engine);
    }
}

fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, &wat::parse_str(text).unwrap()).unwrap()
}

/// What all executors see of one exported function, which is called with `args`.
fn seen(text: &str, meter: Meter, args: &[u64]) -> Vec<Seen> {
    let bytes = wat::parse_str(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    let calls = [("run".to_string(), args.to_vec())];
    let see = |(name, executor): (&str, gristmill_tests::machine::Executor)| {
        let plan = Plan {
            profile: Profile::general(),
            schedule: Schedule::V1,
            meter: meter.clone(),
            bytes: &bytes,
            imports: &|_, _| Arc::new(|_, _| vec![]),
            calls: &calls,
        };
        executor.run(&plan).unwrap_or_else(|| panic!("{name} refuses {text}")).pop().expect("one call")
    };
    executors(Profile::general(), Schedule::V1).into_iter().map(see).collect()
}

fn results(text: &str, args: &[u64]) -> Vec<u64> {
    let seen = seen(text, Meter::unlimited(), args);
    assert!(seen.iter().all(|other| other.end == seen[0].end), "{text}: {seen:?}");
    seen[0].end.clone().unwrap_or_else(|stop| panic!("{text}: {stop:?}"))
}

#[test]
fn chain1_has_no_vectors_anywhere() {
    let texts = [
        "(module (func (param v128)))",
        "(module (func (result v128) unreachable))",
        "(module (func (local v128)))",
        "(module (func (drop (v128.const i64x2 1 2))))",
        "(module (func unreachable (drop (i32x4.splat (i32.const 1)))))",
        "(module (global v128 (v128.const i64x2 1 2)))",
        "(module (import \"a\" \"b\" (global v128)))",
        "(module (memory 1) (func (v128.store (i32.const 0) (v128.load (i32.const 0)))))",
        "(module (func (block (result v128) unreachable) unreachable))",
    ];
    for profile in
        [Profile::chain1(), Profile::chain1().without(Proposal::Simd), Profile::general().without(Proposal::Simd)]
    {
        for (name, engine) in engines(profile, Schedule::V1) {
            for text in texts {
                let bytes = wat::parse_str(text).unwrap();
                assert!(Module::new(&engine, &bytes).is_err(), "{} {name} {text}", profile.name());
            }
        }
    }
    for (_, engine) in engines(Profile::general(), Schedule::V1) {
        texts.iter().for_each(|text| drop(module(&engine, text)));
    }
}

/// Host functions get them and give them, beside values of one slot; closures as numbers of 128 bits.
#[test]
fn host_functions_take_and_give_vectors() {
    on_each(|engine| {
        let text = r#"(module
            (import "host" "values" (func $values (param i32 v128 i64) (result i64 v128 i32)))
            (import "host" "typed" (func $typed (param v128 i32) (result i32 v128)))
            (func (export "run") (param v128 i32) (result i32 v128 i64 v128 i32)
              (call $typed (local.get 0) (local.get 1))
              (call $values (local.get 1) (local.get 0) (i64.const 5))))"#;
        let module = module(engine, text);
        let mut linker = Linker::new(engine);
        let ty =
            FuncType::new([ValType::I32, ValType::V128, ValType::I64], [ValType::I64, ValType::V128, ValType::I32]);
        let values = |_: Caller<'_, ()>, args: &[Val], results: &mut [Val]| {
            assert_eq!(results, [Val::I64(0), Val::V128(0), Val::I32(0)]);
            let [Val::I32(a), Val::V128(b), Val::I64(c)] = *args else { panic!("{args:?}") };
            results.copy_from_slice(&[Val::I64(c + 1), Val::V128(!b), Val::I32(a + 1)]);
            Ok(())
        };
        linker.func_new("host", "values", ty, values).unwrap();
        linker.func_wrap("host", "typed", |a: u128, b: i32| (b * 2, a + 1)).unwrap();
        let mut store = Store::new(engine, ());
        let instance = linker.instantiate(&mut store, &module).unwrap();
        let run = instance.get_func(&store, "run").unwrap();
        let mut results = [Val::I32(0); 5];
        let v = 0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10;
        run.call(&mut store, &[Val::V128(v), Val::I32(7)], &mut results).unwrap();
        assert_eq!(results, [Val::I32(14), Val::V128(v + 1), Val::I64(6), Val::V128(!v), Val::I32(8)]);
        type Run = gristmill::TypedFunc<(u128, i32), (i32, u128, i64, u128, i32)>;
        let typed: Run = instance.get_typed_func(&store, "run").unwrap();
        assert_eq!(typed.call(&mut store, (v, 7)).unwrap(), (14, v + 1, 6, !v, 8));
        assert!(instance.get_typed_func::<(u64, i32), ()>(&store, "run").is_err());
    });
}

/// Globals have two slots: own ones, those of the embedder, and one instance's in another.
#[test]
fn globals_are_shared_whole() {
    on_each(|engine| {
        let mut store = Store::new(engine, ());
        let ty = GlobalType { content: ValType::V128, mutable: true };
        assert!(Global::new(&mut store, ty, Val::I64(1)).is_err());
        let global = Global::new(&mut store, ty, Val::V128(u128::MAX - 1)).unwrap();
        let mut linker = Linker::new(engine);
        linker.define("host", "shared", global).unwrap();
        linker.define("host", "constant", constant(&mut store)).unwrap();
        let text = r#"(module
            (import "host" "shared" (global $shared (mut v128)))
            (import "host" "constant" (global $constant v128))
            (global $copy (export "copy") v128 (global.get $constant))
            (global $between (export "between") i64 (i64.const 7))
            (global $own (export "own") (mut v128) (v128.const i64x2 1 2))
            (func (export "swap") (local $kept v128)
              (local.set $kept (global.get $own))
              (global.set $own (global.get $shared))
              (global.set $shared (local.get $kept))))"#;
        let module = module(engine, text);
        let instance = linker.instantiate(&mut store, &module).unwrap();
        let get = |store: &Store<()>, name| match instance.get_export(store, name) {
            Some(Extern::Global(global)) => global.get(store),
            other => panic!("{other:?}"),
        };
        instance.get_typed_func::<(), ()>(&store, "swap").unwrap().call(&mut store, ()).unwrap();
        assert_eq!(global.get(&store), Val::V128(1 | 2 << 64));
        assert_eq!(get(&store, "own"), Val::V128(u128::MAX - 1));
        assert_eq!(get(&store, "copy"), Val::V128(3 << 100));
        assert_eq!(get(&store, "between"), Val::I64(7));
        assert!(global.set(&mut store, Val::F64(0)).is_err());
        global.set(&mut store, Val::V128(9)).unwrap();
        assert_eq!(global.get(&store), Val::V128(9));
    });
}

fn constant(store: &mut Store<()>) -> Global {
    Global::new(store, GlobalType { content: ValType::V128, mutable: false }, Val::V128(3 << 100)).unwrap()
}

/// Every way that a value goes: parameters and locals between others, calls by index and by table, several results, branches
/// that carry them over other values, tables of branches, loops with parameters.
#[test]
fn vectors_go_where_values_go() {
    let text = r#"(module
        (type $turn (func (param i32 v128 i64 v128) (result v128 i32 v128)))
        (table funcref (elem $turn))
        (func $turn (type $turn) (local $a v128) (local $n i32)
          (local.set $a (local.get 3)) (local.set $n (i32.wrap_i64 (local.get 2)))
          (local.get $a) (i32.add (local.get 0) (local.get $n)) (local.get 1))
        (func (export "run") (param $v v128) (param $n i32) (result v128 i32 v128 i64)
          (local $w v128)
          (local.set $w (i64x2.add (local.get $v) (v128.const i64x2 1 1)))
          (block $out (result v128 i32 v128)
            (i64.const 99)
            (call $turn (local.get $n) (local.get $v) (i64.const 2) (local.get $w))
            (br_if $out (i32.eqz (local.get $n)))
            (drop) (drop) (drop)
            (call_indirect (type $turn) (local.get $n) (local.get $w) (i64.const 3) (local.get $v) (i32.const 0))
            (block $inner (param v128 i32 v128) (result v128 i32 v128)
              (br_table $inner $out (i32.sub (local.get $n) (i32.const 1))))
            (br $out))
          (i64.const 4)
          (loop $again (param v128 i32 v128 i64) (result v128 i32 v128 i64)
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br_if $again (i32.gt_s (local.get $n) (i32.const 0))))))"#;
    let (v, w) = ([10, 20], [11, 21]);
    assert_eq!(results(text, &[v[0], v[1], 0]), [w[0], w[1], 2, v[0], v[1], 4]);
    for n in [1, 2, 3] {
        assert_eq!(results(text, &[v[0], v[1], n]), [v[0], v[1], n + 3, w[0], w[1], 4]);
    }
}

/// A local that is on the stack keeps its old value there when it is set; dropped and chosen ones are counted right.
#[test]
fn old_values_stay_on_the_stack() {
    let text = r#"(module (func (export "run") (param $v v128) (param $n i32) (result v128 v128 v128)
        (local.get $v)
        (local.set $v (v128.not (local.get $v)))
        (local.tee $v (select (local.get $v) (v128.const i64x2 7 8) (local.get $n)))
        (drop (v128.const i64x2 3 4)) (drop (i32.const 1))
        (select (v128.const i64x2 5 6) (local.get $v) (i32.const 0))))"#;
    assert_eq!(results(text, &[1, 2, 1]), [1, 2, !1, !2, !1, !2]);
    assert_eq!(results(text, &[1, 2, 0]), [1, 2, 7, 8, 7, 8]);
}

/// The end of memory, to the byte, for every width; memory that nothing opened yet is read and written.
#[test]
fn bounds_of_every_width() {
    let forms = [
        ("v128.load", 16),
        ("v128.load8x8_s", 8),
        ("v128.load32x2_u", 8),
        ("v128.load8_splat", 1),
        ("v128.load16_splat", 2),
        ("v128.load32_zero", 4),
        ("v128.load64_zero", 8),
        ("v128.load8_lane", 1),
        ("v128.load64_lane", 8),
        ("v128.store", 16),
        ("v128.store16_lane", 2),
        ("v128.store32_lane", 4),
    ];
    for (name, bytes) in forms {
        for (offset, address) in [(0, 65_536), (65_536, 0), (u64::from(u32::MAX), u64::from(u32::MAX))] {
            let (lane, vector) = match name {
                _ if name.ends_with("lane") => ("1", "(v128.const i64x2 1 2)"),
                "v128.store" => ("", "(v128.const i64x2 1 2)"),
                _ => ("", ""),
            };
            let access = format!("({name} offset={offset} {lane} (local.get 0) {vector})");
            let access = if name.contains("load") { format!("(drop {access})") } else { access };
            let text = format!("(module (memory (export \"memory\") 1) (func (export \"run\") (param i32) {access}))");
            for back in [bytes - 1, bytes] {
                let fits = address + offset <= 65_536 && back == bytes;
                let address = address.wrapping_sub(if offset == 0 { back } else { 0 });
                let text = text.replace("offset=65536", &format!("offset={}", 65_536 - back));
                let seen = seen(&text, Meter::unlimited(), &[address]);
                let end = if fits { Ok(vec![]) } else { Err(Stop::Trap(Trap::MemoryOutOfBounds)) };
                assert!(seen.iter().all(|seen| seen.end == end), "{text} {address}: {seen:?}");
                assert!(seen.iter().all(|other| other.state == seen[0].state), "{text} {address}");
            }
        }
    }
}

/// A v128 counts two in the entry charge of declared locals, and its operators have their prices.
#[test]
fn gas_of_vectors() {
    let text = r#"(module (func (export "run") (param v128) (local v128 i32)
        (local.set 1 (i32x4.add (local.get 0) (v128.const i64x2 1 2)))))"#;
    // Entry 90 and three slots; two locals, a constant, a sum; the end is free.
    let price = 90 + 3 * 5 + 60 + 10 + 45 + 60;
    for (short, ends) in [(0, true), (1, false)] {
        let mut meter = Meter::new(Gas(1));
        meter.charge(Particles(10_000 - price + short)).unwrap();
        for seen in seen(text, meter, &[1, 2]) {
            assert_eq!(seen.end.is_ok(), ends, "{seen:?}");
            assert_eq!(seen.left, 0);
        }
    }
}

/// Static heights count slots: where a frame just fits, one value more does not; dead vectors take nothing.
#[test]
fn static_height_counts_two() {
    let pushes = |n: usize, text: &str| text.repeat(n);
    let valid = |text: String| {
        let bytes = wat::parse_str(&text).unwrap();
        let profile = Profile::general();
        let reference = gristmill_reference::Module::new(&profile, Schedule::V1, &bytes).is_ok();
        for (name, engine) in engines(profile, Schedule::V1) {
            assert_eq!(Module::new(&engine, &bytes).is_ok(), reference, "{name}");
        }
        reference
    };
    deep(move || {
        // 65,535 = 4 + 2 a local, 2 an operand.
        let locals = |n: usize, more: &str| format!("(module (func (local {}{more})))", pushes(n, "v128 "));
        assert!(valid(locals(32_765, "i32")) && !valid(locals(32_765, "i32 i32")) && !valid(locals(32_766, "")));
        let splats = |n: usize, more: &str| {
            let body = pushes(n, "(i32x4.splat (i32.const 0))");
            format!("(module (func {body}{more}{}))", pushes(n, "drop "))
        };
        // The operand of the last splat is gone before its vector is there.
        assert!(valid(splats(5_000, "")));
        let params = |n: usize, dead: &str| {
            let carried = "(block (result v128) (v128.const i64x2 0 0))";
            let body = pushes(n, carried);
            format!("(module (func (local {}) {body} {dead} unreachable))", pushes(30_000, "v128 "))
        };
        assert!(valid(params(2_765, "i32.const 0")) && !valid(params(2_765, "i32.const 0 i32.const 0")));
        assert!(valid(params(2_765, "unreachable v128.const i64x2 0 0 v128.const i64x2 0 0")));
        assert!(!valid(params(2_766, "")));
        // What a tail call returns never lies here.
        let tail = |operands: usize| {
            let (locals, body) = (pushes(32_764, "v128 "), pushes(operands, "i32.const 0 "));
            format!("(module (func $f (result v128) (local {locals}) {body} block return_call $f end unreachable))")
        };
        assert!(valid(tail(3)) && !valid(tail(4)));
    });
}

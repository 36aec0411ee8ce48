//! Where a trap was: the same functions at the same operators in both tiers, and where a run goes from one to the other. Of a run
//! that is out of gas nothing is said here: machine code looks at the gas later.

use gristmill::{
    Caller, Config, Engine, Error, Extern, Gas, Instance, Linker, Module, Position, Profile, Schedule, Stopped, Store,
    Trap, Val, ValType, Watcher,
};
use gristmill_aot::{Aot, Bounds, Options};
use gristmill_tests::smith;
use std::sync::{Arc, Mutex};

/// A trap, and of each frame instance, function and position.
type Noted = (Trap, Vec<(u32, u32, Position)>);

/// A trap, and of each frame instance, function and byte of its module.
type Located = (Trap, Vec<(u32, u32, u32)>);

/// Keeps every trap.
#[derive(Default)]
struct Traps(Mutex<Vec<Noted>>);

impl Watcher for Traps {
    fn trapped(&self, stopped: &Stopped<'_>) {
        let frames = stopped.frames().iter().map(|frame| (frame.instance, frame.function, frame.at)).collect();
        self.0.lock().expect("no judgement was wrong").push((stopped.trap(), frames));
    }
}

/// The interpreter, and machine code in both ways to keep to the bounds of memory.
const TIERS: [Option<Bounds>; 3] = [None, Some(Bounds::Check), Some(Bounds::Guard)];

/// An engine that is watched.
fn engine(tier: Option<Bounds>) -> (Engine, Arc<Traps>) {
    let (config, traps) = (Config::new(), Arc::new(Traps::default()));
    let engine = match tier {
        None => Engine::new(&config),
        Some(bounds) => {
            let aot = Aot::new(Options { bounds, ..Options::default() }).expect("this machine has machine code");
            Engine::with_compiler(&config, Arc::new(aot))
        }
    };
    (engine.expect("the automatic dispatch always exists").watched(traps.clone()), traps)
}

/// The noted traps but for those of gas, each frame as instance, function and byte of its module.
fn located(engine: &Engine, traps: &Traps, modules: &[&[u8]]) -> Vec<Located> {
    let listings = modules.iter().map(|bytes| Module::listing(engine, bytes).expect("it was loaded before"));
    let listings: Vec<_> = listings.collect();
    let byte = |instance: u32, function: u32, at: Position| match at {
        Position::Byte(byte) => byte.expect("only a run without gas is somewhere else"),
        Position::Word(at) => {
            let (module, listing) = &listings[instance as usize];
            let own = function
                - module.imports().filter(|import| matches!(import.ty(), gristmill::ExternType::Func(_))).count()
                    as u32;
            listing[own as usize].offset_at(at).expect("a frame is at an operator") as u32
        }
    };
    let noted = std::mem::take(&mut *traps.0.lock().expect("no judgement was wrong")).into_iter();
    noted
        .filter(|(trap, _)| *trap != Trap::OutOfGas)
        .map(|(trap, frames)| (trap, frames.into_iter().map(|(i, f, at)| (i, f, byte(i, f, at))).collect()))
        .collect()
}

/// Without the byte of the innermost frame: where the processor finds a trap, one instruction may stand for several operators.
/// That one is near then; callers are exact.
fn rough(traps: &[Located]) -> Vec<Located> {
    let mut traps = traps.to_vec();
    traps.iter_mut().for_each(|(_, frames)| frames[0].2 = 0);
    traps
}

#[test]
fn generated_modules_trap_at_the_same_operators() {
    let (mut seen, mut deep, mut same, mut seen_by_guards) = (0, 0, 0, 0);
    for seed in 0..400 {
        let Some(bytes) = smith::module(true, seed) else { continue };
        let calls = smith::calls(&bytes, &Profile::general(), Schedule::V1, seed);
        let traps = TIERS.map(|tier| {
            let (engine, traps) = engine(tier);
            run(&engine, &bytes, &calls);
            located(&engine, &traps, &[&bytes])
        });
        let [interpreted, compared, guarded] = &traps;
        assert_eq!(compared, interpreted, "seed {seed}");
        assert_eq!(rough(guarded), rough(interpreted), "seed {seed}");
        (same, seen_by_guards) =
            (same + guarded.iter().zip(interpreted).filter(|(a, b)| a == b).count(), seen_by_guards + guarded.len());
        seen += traps[0].len();
        deep += traps[0].iter().filter(|(_, frames)| frames.len() > 1).count();
    }
    println!("{same} of {seen_by_guards} at the very operator");
    assert!(same * 10 >= seen_by_guards * 8, "{same} of {seen_by_guards} at the very operator");
    assert!(seen > 250 && deep > 40, "{seen} traps, {deep} of them in functions that were called");
}

/// Calls functions of a generated module, whatever becomes of it.
fn run(engine: &Engine, bytes: &[u8], calls: &[(String, Vec<u64>)]) {
    let module = Module::new(engine, bytes).expect("a generated module is valid");
    let (mut linker, mut store) = (Linker::<()>::new(engine), Store::new(engine, ()));
    store.set_gas(Gas(8_000));
    linker.allow_shadowing(true);
    for import in module.imports() {
        let gristmill::ExternType::Func(ty) = import.ty() else { panic!("only functions can be imported here") };
        let nothing = |_: Caller<'_, ()>, _: &[Val], _: &mut [Val]| Ok(());
        linker.func_new(import.module(), import.name(), ty.clone(), nothing).expect("of this engine");
    }
    let Ok(instance) = linker.instantiate(&mut store, &module) else { return };
    for (name, args) in calls {
        let func = instance.get_func(&store, name).expect("exported");
        let ty = func.ty(&store);
        let args = ty.params().iter().zip(args.iter()).map(|(ty, bits)| match ty {
            ValType::I32 => Val::I32(*bits as i32),
            ValType::I64 => Val::I64(*bits as i64),
            ty => Val::default(*ty),
        });
        let args: Vec<_> = args.collect();
        let mut results: Vec<_> = ty.results().iter().map(|ty| Val::default(*ty)).collect();
        let _ = func.call(&mut store, &args, &mut results);
    }
}

const LIBRARY: &str = r#"(module
  (import "host" "trap" (func $trap))
  (memory 1)
  (func (export "work") (param i32)
    (if (i32.eq (local.get 0) (i32.const 0)) (then (unreachable)))
    (if (i32.eq (local.get 0) (i32.const 1)) (then (drop (i32.div_u (i32.const 1) (i32.sub (local.get 0) (i32.const 1))))))
    (if (i32.eq (local.get 0) (i32.const 2)) (then (drop (i64.load offset=65530 (i32.const 0)))))
    (if (i32.eq (local.get 0) (i32.const 3)) (then (memory.fill (i32.const 65535) (i32.const 0) (i32.const 2))))
    (call $trap)))"#;

/// `$big` and `$big_tail` are longer than what is compiled. Everything that `run` does ends in `work`.
fn program() -> String {
    let long = "nop ".repeat(130 << 10);
    format!(
        r#"(module
  (import "library" "work" (func $work (param i32)))
  (import "host" "back" (func $back (param i32)))
  (type $ty (func (param i32)))
  (table funcref (elem $work $big $leaf))
  (func $leaf (param i32) (call $work (local.get 0)))
  (func $big (param i32) {long} (call_indirect (type $ty) (local.get 0) (i32.const 2)))
  (func $big_tail (param i32) {long} (return_call_indirect (type $ty) (local.get 0) (i32.const 2)))
  (func $middle (param i32) (call $big (local.get 0)) (nop))
  (func $middle_tail (param i32) (call $big_tail (local.get 0)) (nop))
  (func (export "plain") (param i32) (call $leaf (local.get 0)) (nop))
  (func (export "table") (param i32) (call_indirect (type $ty) (local.get 0) (i32.const 0)) (nop))
  (func (export "through") (param i32) (call $middle (local.get 0)) (nop))
  (func $tail (param i32) (call $middle_tail (local.get 0)) (nop))
  (func (export "tail") (param i32) (return_call $tail (local.get 0)))
  (func (export "back") (param i32) (call $back (local.get 0)) (nop))
  (func $down (export "down") (param i32) (call $down (local.get 0)) (nop))
  (func (export "big down") (param i32) (call $big_down (local.get 0)) (nop))
  (func $big_down (param i32) {long} (call $down (local.get 0)) (nop)))"#
    )
}

/// An instance of the program, whose host function `back` calls `through` and has its trap, or one of its own.
fn linked(engine: &Engine) -> (Store<()>, Instance) {
    let (mut linker, mut store) = (Linker::<()>::new(engine), Store::new(engine, ()));
    linker
        .func_wrap("host", "trap", |_: Caller<'_, ()>| -> Result<(), Error> { Err(Error::Trap(Trap::StaticViolation)) })
        .expect("new");
    linker
        .func_wrap("host", "back", |mut caller: Caller<'_, ()>, n: i32| -> Result<(), Error> {
            let through = caller.get_export("through").and_then(Extern::into_func).expect("exported");
            through.typed::<i32, ()>(&caller)?.call(&mut caller, n)
        })
        .expect("new");
    let module = |text: &str| Module::new(engine, &wat::parse_str(text).expect("text")).expect("valid");
    let library = linker.instantiate(&mut store, &module(LIBRARY)).expect("linked");
    linker.instance(&mut store, "library", library).expect("new");
    let program = linker.instantiate(&mut store, &module(&program())).expect("linked");
    (store, program)
}

#[test]
fn runs_that_change_tiers_and_instances_have_all_their_frames() {
    let bytes = [LIBRARY, &program()].map(|text| wat::parse_str(text).expect("text"));
    let modules = [&bytes[0][..], &bytes[1][..]];
    let expected: [(&str, &[u32]); 5] = [
        // `work` is 1 in the library; imports of the program come first.
        ("plain", &[1, 2, 7]),
        ("table", &[1, 8]),
        ("through", &[1, 2, 3, 5, 9]),
        // Neither `big_tail` nor `tail`'s caller is there any more.
        ("tail", &[1, 2, 6, 10]),
        ("back", &[12]),
    ];
    for (name, functions) in expected {
        let traps = TIERS.map(|tier| {
            let (engine, traps) = engine(tier);
            let (mut store, program) = linked(&engine);
            for work in 0..5 {
                let func = program.get_typed_func::<i32, ()>(&store, name).expect("exported");
                func.call(&mut store, work).expect_err("they all trap");
            }
            located(&engine, &traps, &modules)
        });
        let outer: Vec<_> =
            traps[0].iter().filter(|(_, frames)| frames.last().map(|f| f.1) == functions.last().copied()).collect();
        assert_eq!(outer.len(), 5, "{name}");
        for (_, frames) in outer {
            assert_eq!(frames.iter().map(|(_, function, _)| *function).collect::<Vec<_>>(), functions, "{name}");
        }
        let [interpreted, compared, guarded] = &traps;
        assert_eq!(compared, interpreted, "{name}");
        assert_eq!(rough(guarded), rough(interpreted), "{name}");
    }
}

#[test]
fn stacks_that_overflow_have_all_their_frames() {
    let bytes = [LIBRARY, &program()].map(|text| wat::parse_str(text).expect("text"));
    for name in ["down", "big down"] {
        let traps = TIERS.map(|tier| {
            let (engine, traps) = engine(tier);
            let (mut store, program) = linked(&engine);
            let func = program.get_typed_func::<i32, ()>(&store, name).expect("exported");
            assert_eq!(func.call(&mut store, 0).expect_err("endless").as_trap(), Some(Trap::CallDepth));
            located(&engine, &traps, &[&bytes[0], &bytes[1]])
        });
        assert!(traps[0][0].1.len() > 1_000);
        assert!(traps.iter().all(|seen| *seen == traps[0]), "{name}: {traps:?}");
    }
}

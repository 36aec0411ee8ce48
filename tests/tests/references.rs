//! References to functions and to objects, on every executor at every limit of gas: calls, branches, traps, types of several modules.

use gristmill::{
    Engine, Extern, Gas, Global, GlobalType, Linker, Meter, Module, Profile, Schedule, Stop, Store, Trap, Val,
};
use gristmill::{HeapType, RefType, ValType};
use gristmill_tests::machine::{Plan, Seen, executors};
use gristmill_tests::{deep, engines};
use std::sync::Arc;

/// What is seen of `run` with these arguments at every limit from nothing to what it takes, in gas of schedule `unit`: one an
/// operator. All executors must see the same.
fn sweep(text: &str, args: &[u64]) -> Seen {
    let bytes = wat::parse_str(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    let calls = [("run".to_string(), args.to_vec())];
    let executors = executors(Profile::general(), Schedule::Unit);
    let at = |gas: u64| {
        let plan = Plan {
            profile: Profile::general(),
            schedule: Schedule::Unit,
            meter: Meter::new(Gas(gas)),
            bytes: &bytes,
            imports: &|_, _| Arc::new(|_, args: &[u64]| vec![args.iter().sum()]),
            calls: &calls,
        };
        let mut seen: Option<Seen> = None;
        for (name, executor) in &executors {
            let now = executor.run(&plan).unwrap_or_else(|| panic!("{name} refuses {text}"));
            let now = now.into_iter().next_back().expect("at least instantiation");
            match &seen {
                None => seen = Some(now),
                Some(first) => assert_eq!(*first, now, "{name}, {gas} gas, {args:?}: {text}"),
            }
        }
        seen.expect("there are executors")
    };
    const MOST: u64 = 3_000;
    let seen = at(MOST);
    let used = MOST - (seen.left / 10_000) as u64;
    (0..=used.min(400)).for_each(|gas| drop(at(gas)));
    seen
}

fn returns(text: &str, args: &[u64], results: &[u64]) {
    assert_eq!(sweep(text, args).end.as_deref(), Ok(results), "{args:?}: {text}");
}

fn traps(text: &str, args: &[u64], trap: Trap) {
    assert_eq!(sweep(text, args).end, Err(Stop::Trap(trap)), "{args:?}: {text}");
}

/// Functions of this module and of the host, and null, by number.
const CALLS: &str = r#"(module
    (type $t (func (param i32 i32) (result i32)))
    (import "host" "sum" (func $sum (type $t)))
    (table $table 4 4 (ref null $t) (ref.func $less))
    (elem (table $table) (i32.const 0) (ref null $t) (ref.func $sum) (ref.func $less) (ref.null $t))
    (func $less (type $t) (i32.sub (local.get 0) (local.get 1)))
    (func $count (param i32 (ref $t)) (result i32)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 7))))
        (return_call_ref $c (i32.sub (local.get 0) (i32.const 1)) (local.get 1) (ref.func $count)))
    (type $c (func (param i32 (ref $t)) (result i32)))
    (elem declare func $count)
    (func (export "run") (param $which i32) (param $how i32) (result i32) (local $f (ref null $t)) (local $g (ref $t))
        (local.set $f (table.get $table (local.get $which)))
        (block $others
            (block $tail (block $counted (br_table $others $tail $counted (local.get $how))))
            (if (i32.eq (local.get $how) (i32.const 1))
                (then (return (return_call_ref $t (i32.const 9) (i32.const 4) (local.get $f)))))
            (return (call $count (i32.const 9) (ref.as_non_null (local.get $f)))))
        (local.set $g (ref.as_non_null (local.get $f)))
        (i32.add (i32.const 100) (call_ref $t (i32.const 9) (i32.const 4) (local.get $g)))))"#;

#[test]
fn functions_are_called_by_reference() {
    deep(|| {
        for (which, plain, tail) in [(0, 113, 13), (1, 105, 5), (3, 105, 5)] {
            returns(CALLS, &[which, 0], &[plain]);
            returns(CALLS, &[which, 1], &[tail]);
            returns(CALLS, &[which, 2], &[7]);
        }
        for how in 0..3 {
            traps(CALLS, &[2, how], Trap::NullReference);
            traps(CALLS, &[4, how], Trap::TableOutOfBounds);
        }
    });
}

/// Branches that carry values, to labels above which values lie or do not, to a loop, and out of the function.
const BRANCHES: &str = r#"(module
    (type $t (func (result i32)))
    (elem declare func $six)
    (func $six (type $t) (i32.const 6))
    (func $get (param i32) (result (ref null $t))
        (if (result (ref null $t)) (local.get 0) (then (ref.func $six)) (else (ref.null $t))))
    (func $null (param i32) (result i32)
        (i32.add
            (i32.const 1000)
            (block $l (result i32)
                (i32.const 5)
                (drop (i32.const 11))
                (br_on_null $l (call $get (local.get 0)))
                (call_ref $t)
                (i32.add))))
    (func $null_above (param i32) (result i32)
        (block $l (result i32)
            (i32.const 40)
            (i32.const 5)
            (drop (br_on_null $l (call $get (local.get 0))))
            (i32.add)))
    (func $null_out (param i32) (result i32)
        (i32.const 3)
        (i32.const 4)
        (call_ref $t (br_on_null 0 (call $get (local.get 0))))
        (i32.add)
        (i32.add))
    (func $some (param i32) (result i32)
        (block $l (result i32 (ref $t))
            (i32.const 20)
            (br_on_non_null $l (call $get (local.get 0)))
            (return (i32.const 9)))
        (call_ref $t)
        (i32.add))
    (func $some_above (param i32) (result i32)
        (call_ref $t
            (block $l (result (ref $t))
                (i32.const 20)
                (br_on_non_null $l (call $get (local.get 0)))
                (return))))
    (func $loop (param i32) (result i32) (local $n i32)
        (ref.func $six)
        (loop $l (param (ref $t)) (result i32)
            (drop)
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_on_non_null $l (call $get (i32.lt_u (local.get $n) (local.get 0))))
            (local.get $n)))
    (func (export "run") (param i32) (result i32 i32 i32 i32 i32 i32)
        (call $null (local.get 0)) (call $null_above (local.get 0)) (call $null_out (local.get 0))
        (call $some (local.get 0)) (call $some_above (local.get 0)) (call $loop (local.get 0))))"#;

#[test]
fn branches_on_null() {
    deep(|| {
        returns(BRANCHES, &[0], &[1_005, 5, 4, 9, 20, 1]);
        returns(BRANCHES, &[1], &[1_011, 45, 13, 26, 6, 1]);
        returns(BRANCHES, &[4], &[1_011, 45, 13, 26, 6, 4]);
    });
}

#[test]
fn functions_of_64_kib_branch_on_null_too() {
    let filler = "(global.set 0 (i32.add (global.get 0) (i32.const 1)))".repeat(6_000);
    let text = format!(
        r#"(module (global (mut i32) (i32.const 0))
            (elem declare func $f) (type $t (func (param i32) (result i32)))
            (func $f (type $t) (local.get 0))
            (func (export "run") (param i32) (result i32)
                (block $null
                    (block $some (result (ref $t))
                        (br_on_null $null (if (result (ref null $t)) (local.get 0)
                            (then (ref.func $f)) (else (ref.null $t))))
                        (br_on_non_null $some)
                        {filler}
                        (unreachable))
                    (return (call_ref $t (i32.const 3))))
                (i32.const 4)))"#
    );
    let text = text.replace("(return (call_ref $t (i32.const 3)))", "(drop) (return (i32.const 3))");
    returns(&text, &[0], &[4]);
    returns(&text, &[1], &[3]);
}

/// `text` instantiated with what `exporter` exports.
fn linked(engine: &Engine, exporter: &str, text: &str) -> Result<(Store<()>, gristmill::Instance), gristmill::Error> {
    let load = |text: &str| Module::new(engine, &wat::parse_str(text).unwrap());
    let (mut store, mut linker) = (Store::new(engine, ()), Linker::new(engine));
    let instance = linker.instantiate(&mut store, &load(exporter)?)?;
    linker.instance(&mut store, "a", instance)?;
    let instance = linker.instantiate(&mut store, &load(text)?)?;
    Ok((store, instance))
}

const EXPORTER: &str = r#"(module
    (type $before (func)) (type $t (func (param i32) (result i32))) (type $u (func (param (ref null $t)) (result i32)))
    (func $f (export "f") (type $t) (i32.add (local.get 0) (i32.const 1)))
    (func $g (export "g") (type $u) (call_ref $t (i32.const 4) (local.get 0)))
    (global (export "c") (ref $t) (ref.func $f))
    (global (export "v") (mut (ref null $t)) (ref.func $f))
    (table (export "t") 2 (ref null $t)))"#;

#[test]
fn types_of_modules_are_compared_by_what_they_say() {
    let types = "(type $t (func (param i32) (result i32))) (type $u (func (param (ref null $t)) (result i32)))";
    let good = [
        r#"(import "a" "g" (func (type $u)))"#,
        r#"(import "a" "c" (global (ref $t)))"#,
        r#"(import "a" "c" (global (ref null $t)))"#,
        r#"(import "a" "c" (global funcref))"#,
        r#"(import "a" "v" (global (mut (ref null $t))))"#,
        r#"(import "a" "t" (table 1 (ref null $t)))"#,
    ];
    let bad = [
        r#"(import "a" "g" (func (param funcref) (result i32)))"#,
        r#"(import "a" "g" (func (param (ref $t)) (result i32)))"#,
        r#"(import "a" "c" (global (ref $u)))"#,
        r#"(import "a" "c" (global externref))"#,
        r#"(import "a" "v" (global (mut funcref)))"#,
        r#"(import "a" "v" (global (ref null $t)))"#,
        r#"(import "a" "t" (table 1 funcref))"#,
        r#"(import "a" "t" (table 1 (ref null $u)))"#,
    ];
    for (_, engine) in engines(Profile::general(), Schedule::V1) {
        for import in good {
            linked(&engine, EXPORTER, &format!("(module {types} {import})"))
                .unwrap_or_else(|e| panic!("{import}: {e}"));
        }
        for import in bad {
            let error = linked(&engine, EXPORTER, &format!("(module {types} {import})")).err();
            let error = error.unwrap_or_else(|| panic!("{import} links")).to_string();
            assert!(error.starts_with("incompatible import type"), "{import}: {error}");
        }
    }
}

#[test]
fn embedders_give_references_of_the_types_that_are_asked_for() {
    for (_, engine) in engines(Profile::general(), Schedule::V1) {
        let (mut store, instance) =
            linked(&engine, "(module)", &EXPORTER.replace("(func $g", "(func (export \"h\")) (func $g")).unwrap();
        let func = |store: &Store<()>, name| instance.get_func(store, name).unwrap();
        let (f, g, h) = (func(&store, "f"), func(&store, "g"), func(&store, "h"));
        let mut results = [Val::I32(0)];
        g.call(&mut store, &[Val::FuncRef(Some(f))], &mut results).unwrap();
        assert_eq!(results, [Val::I32(5)]);
        let null = g.call(&mut store, &[Val::FuncRef(None)], &mut results);
        assert_eq!(null.unwrap_err().as_trap(), Some(Trap::NullReference));
        // Functions of other types, in all places.
        assert!(g.call(&mut store, &[Val::FuncRef(Some(h))], &mut results).is_err());
        let (v, t) = (instance.get_global(&store, "v").unwrap(), instance.get_table(&store, "t").unwrap());
        assert!(v.set(&mut store, Val::FuncRef(Some(h))).is_err());
        assert!(t.set(&mut store, 0, Val::FuncRef(Some(h))).is_err());
        assert!(t.grow(&mut store, 1, Val::FuncRef(Some(h))).is_err());
        v.set(&mut store, Val::FuncRef(None)).unwrap();
        t.set(&mut store, 1, Val::FuncRef(Some(f))).unwrap();
        assert_eq!(t.get(&store, 1), Some(Val::FuncRef(Some(f))));
        // A type of the store's own means something else in another one.
        let content = ValType::Ref(RefType { nullable: true, heap: HeapType::Concrete(0) });
        assert!(Global::new(&mut store, GlobalType { content, mutable: true }, Val::FuncRef(None)).is_err());
        let content = ValType::Ref(RefType { nullable: false, heap: HeapType::Func });
        assert!(Global::new(&mut store, GlobalType { content, mutable: true }, Val::FuncRef(None)).is_err());
        let made = Global::new(&mut store, GlobalType { content, mutable: true }, Val::FuncRef(Some(f))).unwrap();
        assert!(matches!(Extern::from(made), Extern::Global(_)));
    }
}

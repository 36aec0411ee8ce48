//! Exceptions: thrown through frames of every tier and through host functions, caught, kept and thrown again, at every limit of
//! gas. The executors must agree on everything, and one run is worked out by hand.

use gristmill::{
    AsContextMut, Caller, Engine, Error, ExnRef, Extern, FuncType, Gas, Instance, Linker, Meter, Module, Particles,
    Profile, Schedule, Stop, Store, Tag, Trap, Val, ValType,
};
use gristmill_tests::machine::{Executor, Plan, Seen, particles, run_module};
use gristmill_tests::{deep, engines};
use std::sync::Arc;

/// A meter with so many particles.
fn budget(particles: u64) -> Meter {
    let mut meter = Meter::new(Gas(particles.div_ceil(10_000)));
    meter.charge(Particles(particles.next_multiple_of(10_000) - particles)).expect("less than a gas of one more");
    meter
}

/// More than any run here takes.
const MOST: u64 = 1 << 40;

/// What is seen of `run` with these arguments under `profile`, after the same at limits of gas that are `step` particles apart.
fn sweep(profile: Profile, text: &str, args: &[u64], step: usize) -> Seen {
    let bytes = wat::parse_str(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    let engines = engines(profile, Schedule::V1).into_iter();
    let modules: Vec<_> =
        engines.map(|(name, engine)| (name, Module::new(&engine, &bytes).expect("a valid module"))).collect();
    let calls = [("run".to_string(), args.to_vec())];
    let at = |particles: u64| {
        let plan = Plan {
            profile,
            schedule: Schedule::V1,
            meter: budget(particles),
            bytes: &bytes,
            imports: &|_, _| Arc::new(|_, args: &[u64]| vec![args.iter().sum()]),
            calls: &calls,
        };
        let expected = Executor::Reference.run(&plan).expect("valid");
        for (name, module) in &modules {
            let seen = run_module(module, &plan, &[], 0);
            assert_eq!(seen, expected, "{name}, {particles} particles, {args:?}: {text}");
        }
        expected.into_iter().next_back().expect("at least instantiation")
    };
    let seen = at(MOST);
    let used = MOST - u64::try_from(seen.left).expect("not more than there was");
    (0..used).step_by(step).chain([used.saturating_sub(1), used]).for_each(|particles| drop(at(particles)));
    seen
}

fn returns(text: &str, args: &[u64], results: &[u64]) -> u64 {
    let seen = sweep(Profile::general(), text, args, 43);
    assert_eq!(seen.end.as_deref(), Ok(results), "{args:?}: {text}");
    MOST - seen.left as u64
}

fn stops(text: &str, args: &[u64], stop: impl Into<Stop>) {
    assert_eq!(sweep(Profile::general(), text, args, 43).end, Err(stop.into()), "{args:?}: {text}");
}

#[test]
fn prices_of_one_throw() {
    const TEXT: &str = r#"(module
        (tag $e (param i32))
        (func $thrower (throw $e (i32.const 7)))
        (func $between (local i64) (call $thrower))
        (func (export "run") (result i32)
            (block $caught (result i32)
                (try_table (catch $e $caught) (call $between))
                (unreachable))))"#;
    let entries = 90 + (90 + 5) + 90;
    let operators = 45 + 2 * 90 + 10 + 2_000;
    let (exception, frames, clause) = (25 * (16 + 8), 2 * 1_000, 90);
    deep(move || {
        let used = returns(TEXT, &[], &[7]);
        assert_eq!(used, entries + operators + exception + frames + clause);
        // Another clause before it, of another tag.
        let other =
            TEXT.replace("(catch $e", "(catch $f $caught) (catch $e").replace("(tag", "(tag $f (param i32)) (tag");
        assert_eq!(returns(&other, &[], &[7]), used + clause);
        // Nothing is paid for those behind it.
        let other = TEXT.replace("$e $caught)", "$e $caught) (catch $e $caught)");
        assert_eq!(returns(&other, &[], &[7]), used);
    });
}

/// Every clause, every kind of label, values of every type.
const CLAUSES: &str = r#"(module
    (import "host" "sum" (func $sum (param i32) (result i32)))
    (tag $nothing)
    (tag $one (param i32))
    (tag $many (param i64 v128 f32 externref f64 i32))
    (global $kept (mut exnref) (ref.null exn))
    (func $throw (param $which i32)
        (block $3 (block $2 (block $1 (block $0
            (br_table $0 $1 $2 $3 (local.get $which)))
            (throw $nothing))
            (throw $one (i32.const 11)))
            (throw $many (i64.const -1) (v128.const i64x2 5 6) (f32.const 1.5) (ref.null extern) (f64.const 2.5) (i32.const 9)))
        (throw_ref (global.get $kept)))
    (func $between (param i32) (local i64 i64)
        (try_table (call $throw (local.get 0))) (drop (call $sum (i32.const 1))))
    (func $all (param i32) (result i32)
        (i32.const 100)
        (block $caught
            (try_table (catch_all $caught) (call $between (local.get 0)))
            (return (i32.const 0)))
        (drop) (i32.const 1))
    (func $out (param i32) (result i32)
        (i32.const 3)
        (try_table (catch $one 0) (call $between (local.get 0)))
        (drop) (i32.const 4))
    (func $refs (param i32) (result i32) (local $e exnref)
        (block $keep (result exnref)
            (block $value (result i32 exnref)
                (try_table (catch_ref $one $value) (catch_all_ref $keep) (call $between (local.get 0)))
                (return (i32.const 0)))
            (global.set $kept)
            (return))
        (global.set $kept)
        (ref.is_null (global.get $kept)))
    (func $values (param i32) (result i64 v128 f32 externref f64 i32)
        (try_table (catch $many 0) (call $between (local.get 0)))
        (i64.const 1) (v128.const i64x2 2 3) (f32.const 0) (ref.null extern) (f64.const 0) (i32.const 4))
    (func $again (param $which i32) (result i32) (local $count i32) (local $sum i32)
        (i32.const 1)
        (loop $again (param i32) (result i32)
            (local.set $sum (i32.add (local.get $sum)))
            (local.set $count (i32.add (local.get $count) (i32.const 1)))
            (if (result i32) (i32.eq (local.get $count) (i32.const 5)) (then (local.get $sum)) (else
                (try_table (result i32) (catch $one $again) (call $between (local.get $which)) (i32.const 77))))))
    (func $nested (param $which i32) (result i32)
        (block $outer (result i32)
            (try_table (catch $one $outer)
                (block $inner
                    (try_table (catch $nothing $inner)
                        (try_table (catch $nothing $inner) (nop))
                        (try_table)
                        (call $between (local.get $which)))
                    (throw $one (i32.const 21)))
                (throw $one (i32.const 22)))
            (i32.const 23)))
    (func (export "run") (param $how i32) (param $which i32)
        (result i32 i32)
        (block $5 (block $4 (block $3 (block $2 (block $1 (block $0
            (br_table $0 $1 $2 $3 $4 $5 (local.get $how)))
            (return (call $all (local.get $which)) (i32.const 0)))
            (return (i32.const 0) (call $out (local.get $which))))
            (call $refs (local.get $which)) (return (call $refs (i32.const 3))))
            (call $values (local.get $which))
            (drop) (drop) (drop) (drop) (i64x2.extract_lane 1) (i32.wrap_i64) (return (i32.const 2)))
            (return (call $again (local.get $which)) (i32.const 0)))
        (call $nested (local.get $which)) (i32.const 5)))"#;

#[test]
fn clauses() {
    deep(|| {
        // All.
        for which in 0..3 {
            returns(CLAUSES, &[0, which], &[1, 0]);
        }
        // Null is no exception.
        stops(CLAUSES, &[0, 3], Trap::NullReference);
        // Out of the function, or out of the run.
        returns(CLAUSES, &[1, 1], &[0, 11]);
        stops(CLAUSES, &[1, 0], Stop::Exception);
        stops(CLAUSES, &[1, 2], Stop::Exception);
        // Kept, and thrown again.
        returns(CLAUSES, &[2, 0], &[0, 0]);
        returns(CLAUSES, &[2, 1], &[11, 11]);
        returns(CLAUSES, &[2, 2], &[0, 0]);
        // Values.
        returns(CLAUSES, &[3, 2], &[6, 2]);
        stops(CLAUSES, &[3, 1], Stop::Exception);
        // To a loop.
        returns(CLAUSES, &[4, 1], &[1 + 4 * 11, 0]);
        stops(CLAUSES, &[4, 0], Stop::Exception);
        // One inside another.
        returns(CLAUSES, &[5, 0], &[22, 5]);
        returns(CLAUSES, &[5, 1], &[11, 5]);
        stops(CLAUSES, &[5, 2], Stop::Exception);
    });
}

/// Calls of every kind, in both tiers: `$compiled` catches nothing, so it is machine code where there is any.
const CALLS: &str = r#"(module
    (type $t (func (param i32) (result i32)))
    (tag $e (param i32))
    (tag $other)
    (table $table 4 funcref)
    (table $typed 4 (ref null $t))
    (elem (table $table) (i32.const 0) func $compiled $interpreted $tail $tail_interpreted)
    (elem (table $typed) (i32.const 0) (ref null $t)
        (ref.func $compiled) (ref.func $interpreted) (ref.func $tail) (ref.func $tail_interpreted))
    (func $compiled (type $t)
        (if (i32.eqz (local.get 0)) (then (throw $e (i32.const 40))))
        (i32.add (i32.const 1) (call $interpreted (i32.sub (local.get 0) (i32.const 1)))))
    (func $interpreted (type $t)
        (if (i32.eqz (local.get 0)) (then (throw $e (i32.const 50))))
        (block $other
            (return
                (try_table (result i32) (catch $other $other)
                    (i32.add (i32.const 1) (call $compiled (i32.sub (local.get 0) (i32.const 1)))))))
        (unreachable))
    (func $tail (type $t) (return_call $compiled (local.get 0)))
    (func $tail_interpreted (type $t)
        (block $caught (result i32)
            (try_table (result i32) (catch $e $caught) (return_call_indirect $table (type $t) (local.get 0) (i32.const 2))))
        (drop) (i32.const 99))
    (func (export "run") (param $callee i32) (param $depth i32) (param $how i32) (result i32)
        (block $caught (result i32)
            (try_table (result i32) (catch $e $caught)
                (if (result i32) (local.get $how)
                    (then (call_ref $t (local.get $depth) (table.get $typed (local.get $callee))))
                    (else (call_indirect $table (type $t) (local.get $depth) (local.get $callee)))))))
    )"#;

#[test]
fn calls_of_every_kind() {
    deep(|| {
        for how in 0..2 {
            for depth in [0, 1, 2, 7] {
                let [even, odd] = if depth % 2 == 0 { [40, 50] } else { [50, 40] };
                returns(CALLS, &[0, depth, how], &[even]);
                returns(CALLS, &[1, depth, how], &[odd]);
                returns(CALLS, &[2, depth, how], &[even]);
                returns(CALLS, &[3, depth, how], &[even]);
            }
        }
    });
}

#[test]
fn deep_stacks_and_traps() {
    // Down to the bottom, with and without something that catches in every frame; what stops a run is not caught.
    const TEXT: &str = r#"(module
        (tag $e)
        (func $plain (param i32)
            (if (local.get 0) (then (call $plain (i32.sub (local.get 0) (i32.const 1)))) (else (throw $e))))
        (func $catching (param i32)
            (block $caught (result exnref)
                (try_table (catch_all_ref $caught)
                    (if (local.get 0) (then (call $catching (i32.sub (local.get 0) (i32.const 1)))) (else (throw $e))))
                (return))
            (throw_ref))
        (func $for_ever (call $for_ever))
        (func $trap (drop (i32.div_u (i32.const 1) (i32.const 0))))
        (func (export "run") (param $which i32) (param $depth i32) (result i32)
            (block $caught
                (try_table (catch_all $caught)
                    (block $3 (block $2 (block $1 (block $0
                        (br_table $0 $1 $2 $3 (local.get $which)))
                        (call $plain (local.get $depth)) (return (i32.const 0)))
                        (call $catching (local.get $depth)) (return (i32.const 0)))
                        (call $for_ever) (return (i32.const 0)))
                    (call $trap) (return (i32.const 0))))
            (i32.const 1)))"#;
    deep(|| {
        let run = |args: &[u64]| sweep(Profile::general(), TEXT, args, 1 << 20).end;
        assert_eq!(run(&[0, 3_000]), Ok(vec![1]));
        assert_eq!(run(&[1, 3_000]), Ok(vec![1]));
        assert_eq!(run(&[2, 0]), Err(Trap::CallDepth.into()));
        assert_eq!(run(&[3, 0]), Err(Trap::DivideByZero.into()));
    });
}

#[test]
fn bytes_of_exceptions_are_bounded() {
    // Each has 16 bytes and 8 a slot. Those of which nobody had a reference are gone when they are caught.
    const TEXT: &str = r#"(module
        (tag $e (param i64 i64))
        (func $throw (throw $e (i64.const 1) (i64.const 2)))
        (func (export "run") (param $held i32) (param $count i32) (result i32) (local $n i32)
            (loop $next
                (block $caught
                    (if (local.get $held)
                        (then
                            (block $reference (result exnref)
                                (try_table (catch_all_ref $reference) (call $throw))
                                (unreachable))
                            (drop))
                        (else (try_table (catch_all $caught) (call $throw)))))
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if $next (i32.lt_u (local.get $n) (local.get $count))))
            (local.get $n)))"#;
    let mut profile = Profile::general();
    profile.run.exception_bytes = 32 * 10;
    deep(move || {
        let run = |args: &[u64]| sweep(profile, TEXT, args, 997).end;
        assert_eq!(run(&[1, 10]), Ok(vec![10]));
        assert_eq!(run(&[1, 11]), Err(Trap::ExceptionBytes.into()));
        assert_eq!(run(&[0, 100]), Ok(vec![100]));
    });
}

/// Throws, by what the host made of it; `catch` catches what a host function lets through.
const GUEST: &str = r#"(module
    (import "host" "tag" (tag $host (param i32 i64)))
    (import "host" "through" (func $through (param i32) (result i32)))
    (tag $own (export "own") (param i32))
    (func (export "throw") (param i32) (result i32) (local i64)
        (if (i32.eqz (local.get 0)) (then (throw $own (i32.const 5))))
        (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $host (i32.const 6) (i64.const 7))))
        (i32.const 8))
    (func $compiled (param i32) (result i32) (i32.add (i32.const 100) (call $through (local.get 0))))
    (func (export "run") (param i32) (result i32)
        (block $own (result i32)
            (block $host (result i32 i64)
                (return
                    (try_table (result i32) (catch $own $own) (catch $host $host)
                        (call $compiled (local.get 0)))))
            (drop) (i32.add (i32.const 1000))))
    (func (export "escape") (param i32) (result i32) (call $compiled (local.get 0))))"#;

/// A store with the guest above, whose host function takes tens as what to do and ones as what to have thrown.
fn guest(engine: &Engine) -> (Store<Option<Tag>>, Instance) {
    let mut store = Store::new(engine, None);
    let tag = Tag::new(&mut store, FuncType::new([ValType::I32, ValType::I64], [])).expect("of values alone");
    *store.data_mut() = Some(tag);
    let mut linker = Linker::new(engine);
    linker.define("host", "tag", tag).expect("a fresh name");
    let through = move |mut caller: Caller<'_, Option<Tag>>, n: i32| -> Result<i32, Error> {
        let Some(Extern::Func(throw)) = caller.get_export("throw") else { return Err(Error::Trap(Trap::Unreachable)) };
        let throw = throw.typed::<i32, i32>(&caller)?;
        match n / 10 {
            // Passed on as it is.
            0 => throw.call(&mut caller, n % 10),
            // Swallowed.
            1 => Ok(throw.call(&mut caller, n % 10).map_or(20, |n| n + 1)),
            // Looked at, and thrown again.
            2 => {
                let end = throw.call(&mut caller, n % 10);
                let store = caller.as_context_mut();
                let Err(Error::ThrownException) = end else { return end };
                let exception = store.take_pending_exception().expect("it was thrown");
                assert_eq!(store.take_pending_exception(), None);
                Err(store.throw(exception))
            }
            // Its own.
            3 => {
                let tag = caller.data().expect("it was made first");
                let exception = ExnRef::new(&mut caller, tag, &[Val::I32(n), Val::I64(1)])?;
                Err(caller.as_context_mut().throw(exception))
            }
            // Others in between, one of them never caught.
            4 => {
                assert!(throw.call(&mut caller, 0).is_err() && throw.call(&mut caller, 1).is_err());
                throw.call(&mut caller, n % 10)
            }
            // What it has taken is thrown no more.
            _ => {
                let end = throw.call(&mut caller, n % 10);
                caller.as_context_mut().take_pending_exception();
                end
            }
        }
    };
    linker.func_wrap("host", "through", through).expect("a fresh name");
    let module = Module::new(engine, &wat::parse_str(GUEST).expect("a module")).expect("a valid module");
    let instance = linker.instantiate(&mut store, &module).expect("imports fit");
    (store, instance)
}

/// How a call ended: its results, or an exception as what it carries, or in words.
fn end_of(store: &mut Store<Option<Tag>>, instance: Instance, name: &str, n: i32) -> Result<i32, String> {
    let run = instance.get_typed_func::<i32, i32>(&*store, name).expect("exported");
    run.call(&mut *store, n).map_err(|error| match error {
        Error::ThrownException => {
            let exception = store.take_pending_exception().expect("it was thrown");
            let own = Extern::from(exception.tag(&*store)) == instance.get_export(&*store, "own").expect("exported");
            format!("{} {:?}", if own { "own" } else { "host" }, exception.fields(&*store))
        }
        other => other.to_string(),
    })
}

#[test]
fn through_host_functions() {
    let text = |text: &str| Err(text.to_string());
    let cases = [
        (0, "run", Ok(5)),
        (1, "run", Ok(1_006)),
        (2, "run", Ok(108)),
        (0, "escape", text("own [I32(5)]")),
        (1, "escape", text("host [I32(6), I64(7)]")),
        (10, "run", Ok(120)),
        (12, "run", Ok(109)),
        (20, "run", Ok(5)),
        (21, "run", Ok(1_006)),
        (21, "escape", text("host [I32(6), I64(7)]")),
        (30, "run", Ok(1_030)),
        (30, "escape", text("host [I32(30), I64(1)]")),
        (40, "run", Ok(5)),
        (41, "run", Ok(1_006)),
        (42, "run", Ok(108)),
    ];
    deep(move || {
        let engines = engines(Profile::general(), Schedule::V1);
        for (n, name, expected) in cases {
            let at = |limit: u64| {
                let mut first = None;
                for (executor, engine) in &engines {
                    let (mut store, instance) = guest(engine);
                    *store.meter_mut() = budget(limit);
                    let end = end_of(&mut store, instance, name, n);
                    let seen = (end, particles(store.meter()));
                    let first = first.get_or_insert_with(|| seen.clone());
                    assert_eq!(seen, *first, "{executor}: {name} {n} with {limit}");
                }
                first.expect("there are executors")
            };
            let (end, left) = at(MOST);
            assert_eq!(end, expected, "{name} {n}");
            let used = MOST - left as u64;
            (0..used).step_by(61).chain([used - 1]).for_each(|limit| {
                // The host function that goes on after that cannot call again.
                let (end, _) = at(limit);
                assert!(end.is_err_and(|text| text.contains("out of gas")), "{name} {n} with {limit} of {used}");
            });
            assert_eq!(at(used), (expected, 0), "{name} {n}");
        }
        for (executor, engine) in &engines {
            let (mut store, instance) = guest(engine);
            for name in ["run", "escape"] {
                let end = end_of(&mut store, instance, name, 50);
                assert!(end.as_ref().is_err_and(|text| text.contains("not there")), "{executor}: {name}: {end:?}");
            }
            assert_eq!(end_of(&mut store, instance, "run", 0), Ok(5), "{executor}");
        }
    });
}

#[test]
fn tags_of_several_instances() {
    const LIBRARY: &str = r#"(module
        (tag $a (export "a") (param i32)) (tag $b (export "b") (param i32))
        (func (export "throw") (param i32)
            (if (local.get 0) (then (throw $a (i32.const 1))) (else (throw $b (i32.const 2))))))"#;
    // The second import of `a` is the same tag; a tag of the same type is not.
    const PROGRAM: &str = r#"(module
        (import "library" "throw" (func $throw (param i32)))
        (import "library" "b" (tag $b (param i32)))
        (import "library" "a" (tag $a (param i32)))
        (import "library" "a" (tag $again (param i32)))
        (tag $like (param i32))
        (memory 1)
        (func (export "run") (param i32) (result i32)
            (block $1 (result i32) (block $2 (result i32) (block $3 (result i32)
                (try_table (catch $like $3) (catch $again $1) (catch $b $2) (call $throw (local.get 0)))
                (unreachable))
                (return (i32.const -1)))
                (return (i32.add (i32.const 20))))
            (i32.store (i32.const 8) (i32.const 3))
            (i32.add (i32.load (i32.const 8)) (i32.add (i32.const 10)))))"#;
    for (name, engine) in engines(Profile::general(), Schedule::V1) {
        let module = |text: &str| Module::new(&engine, &wat::parse_str(text).expect("a module"));
        let (mut store, mut linker) = (Store::new(&engine, ()), Linker::new(&engine));
        let library = linker.instantiate(&mut store, &module(LIBRARY).expect("valid")).expect("no imports");
        linker.instance(&mut store, "library", library).expect("fresh names");
        let program = linker.instantiate(&mut store, &module(PROGRAM).expect("valid")).expect("imports fit");
        let run = program.get_typed_func::<i32, i32>(&store, "run").expect("exported");
        assert_eq!(run.call(&mut store, 1).expect("caught"), 14, "{name}");
        assert_eq!(run.call(&mut store, 0).expect("caught"), 22, "{name}");
        // A tag of another type does not link.
        let other = module(r#"(module (import "library" "a" (tag (param i64))))"#).expect("valid");
        let refused = linker.instantiate(&mut store, &other);
        assert!(matches!(refused, Err(Error::Link(_))), "{name}: {refused:?}");
    }
}

#[test]
fn tags_and_exceptions_of_embedders() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    assert!(matches!(Tag::new(&mut store, FuncType::new([], [ValType::I32])), Err(Error::Usage(_))));
    let tag = Tag::new(&mut store, FuncType::new([ValType::I32], [])).expect("of values alone");
    assert_eq!(tag.ty(&store).params(), [ValType::I32]);
    assert!(matches!(ExnRef::new(&mut store, tag, &[Val::I64(1)]), Err(Error::Usage(_))));
    assert!(matches!(ExnRef::new(&mut store, tag, &[]), Err(Error::Usage(_))));
    let exception = ExnRef::new(&mut store, tag, &[Val::I32(1)]).expect("values fit");
    assert_eq!((exception.tag(&store), exception.fields(&store).len()), (tag, 1));
}

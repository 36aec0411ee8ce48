//! Bounds at and one above: the same verdict from the engine and the naive executor, typed ends, bounded work.

use gristmill::limits::{ModuleLimits, RunLimits};
use gristmill::{Engine, Gas, Meter, Module, Profile, Schedule, Stop, Trap};
use gristmill_tests::machine::{Plan, executors};
use gristmill_tests::{deep, engines};
use std::fmt::Write;
use std::sync::Arc;

/// The one verdict of engine and reference on a module; true: valid. The engine refuses for one reason in every mode.
fn verdict(profile: Profile, schedule: Schedule, bytes: &[u8]) -> bool {
    let reference = gristmill_reference::Module::new(&profile, schedule, bytes);
    let mut first = None;
    for (name, engine) in engines(profile, schedule) {
        let refused = Module::new(&engine, bytes).err();
        assert_eq!(refused.is_none(), reference.is_ok(), "{name}: {refused:?} {:?}", reference.as_ref().err());
        let reason = refused.map(|refused| format!("{refused:?}"));
        assert_eq!(first.get_or_insert_with(|| reason.clone()), &reason, "{name}");
    }
    reference.is_ok()
}

/// What `make(n)` gives is valid at `limit` and refused at one more.
fn at_and_above(what: &str, profile: Profile, limit: u32, make: impl Fn(u32) -> String) {
    for (n, valid) in [(limit, true), (limit + 1, false)] {
        let bytes = wat::parse_str(make(n)).unwrap_or_else(|e| panic!("{what} {n}: {e}"));
        assert_eq!(verdict(profile, Schedule::V1, &bytes), valid, "{} {what} {n}", profile.name());
    }
}

#[test]
fn a_body_is_refused_before_anything_calls_it() {
    let invalid = "(module (func (export \"run\")) (func $never (result i32) (i64.const 1)))";
    let unsupported = "(module (func (export \"run\")) (func $never (atomic.fence)))";
    for text in [invalid, unsupported] {
        let bytes = wat::parse_str(text).expect("well-formed");
        assert!(!verdict(Profile::general(), Schedule::V1, &bytes), "{text}");
    }
}

fn repeat(n: u32, text: &str) -> String {
    text.repeat(n as usize)
}

#[test]
fn of_modules() {
    for profile in [Profile::chain1(), Profile::general()] {
        let ModuleLimits { items, signature, locals, br_table_targets, nesting, table_elements, .. } = profile.module;
        at_and_above("locals", profile, locals, |n| format!("(module (func (local {})))", repeat(n, "i32 ")));
        at_and_above("parameters and locals", profile, locals, |n| {
            format!("(module (func (param i64 i64) (local {})))", repeat(n - 2, "i32 "))
        });
        at_and_above("functions", profile, items, |n| format!("(module {})", repeat(n, "(func)")));
        at_and_above("functions and imported ones", profile, items, |n| {
            format!("(module (import \"a\" \"b\" (func)) {})", repeat(n - 1, "(func)"))
        });
        at_and_above("types", profile, items, |n| format!("(module {})", repeat(n, "(type (func))")));
        at_and_above("imports", profile, items, |n| format!("(module {})", repeat(n, "(import \"a\" \"b\" (func))")));
        at_and_above("globals", profile, items, |n| format!("(module {})", repeat(n, "(global i32 (i32.const 0))")));
        at_and_above("data segments", profile, items, |n| format!("(module (memory 0) {})", repeat(n, "(data \"\")")));
        at_and_above("element segments", profile, items, |n| {
            format!("(module (table 0 funcref) {})", repeat(n, "(elem func)"))
        });
        at_and_above("exports", profile, items, |n| {
            let mut module = String::from("(module (func $f)");
            (0..n).for_each(|i| write!(module, "(export \"{i}\" (func $f))").expect("a string takes everything"));
            module + ")"
        });
        // The parser has bounds of its own on each side of a type.
        let (params, results) = (signature / 2, signature - signature / 2);
        at_and_above("parameters and results", profile, signature, |n| {
            let params = params + if profile.name() == "general" { 0 } else { n - signature };
            let results = results + if profile.name() == "general" { n - signature } else { 0 };
            format!("(module (type (func (param {}) (result {}))))", repeat(params, "i32 "), repeat(results, "i32 "))
        });
        at_and_above("targets of a br_table", profile, br_table_targets, |n| {
            format!("(module (func (br_table {} 0 (i32.const 3))))", repeat(n, "0 "))
        });
        at_and_above("nested blocks", profile, nesting, |n| {
            format!("(module (func {} {}))", repeat(n, "block "), repeat(n, "end "))
        });
        at_and_above("elements of a table", profile, table_elements, |n| format!("(module (table {n} funcref))"));
        at_and_above("elements of an imported table", profile, table_elements, |n| {
            format!("(module (import \"a\" \"b\" (table {n} funcref)))")
        });
    }
    let general = Profile::general();
    at_and_above("tags", general, general.module.items, |n| format!("(module {})", repeat(n, "(tag)")));
    at_and_above("clauses of a try_table", general, 10_000, |n| {
        format!("(module (func (try_table {})))", repeat(n, "(catch_all 0)"))
    });
    at_and_above("nested try_tables", general, general.module.nesting, |n| {
        format!("(module (func {} {}))", repeat(n, "try_table "), repeat(n, "end "))
    });
    at_and_above("pages", Profile::chain1(), 256, |n| format!("(module (memory {n}))"));
    at_and_above("pages", Profile::general(), 65_536, |n| format!("(module (memory {n}))"));
}

#[test]
fn of_the_size_of_a_module() {
    let profile = Profile::chain1();
    for (size, valid) in [(1 << 20, true), ((1 << 20) + 1, false)] {
        // Preamble 8, section id 1, size in three bytes, name 2: the rest is the custom section's payload.
        let mut bytes = b"\0asm\x01\0\0\0\0".to_vec();
        let payload = size - 8 - 1 - 3;
        bytes.extend([payload as u8 & 0x7f | 0x80, (payload >> 7) as u8 & 0x7f | 0x80, (payload >> 14) as u8]);
        bytes.extend([1, b'x']);
        bytes.resize(size, 0);
        assert_eq!(verdict(profile, Schedule::V1, &bytes), valid, "{size} bytes");
    }
}

#[test]
fn of_frames() {
    // Parameters, locals, operands and 4.
    at_and_above("slots of a frame", Profile::general(), 65_535, |n| {
        let operands = n - 4 - 40_000;
        let locals = repeat(40_000, "i64 ");
        format!("(module (func (local {locals}) {} {}))", repeat(operands, "i32.const 1 "), repeat(operands, "drop "))
    });
    // What a clause leaves at the label of the function.
    for (count, ty) in [(1_000, "i64 "), (500, "v128 ")] {
        at_and_above("slots of a frame that catches", Profile::general(), 65_535, |n| {
            let locals = repeat(32_000, "v128 ") + &repeat(n - 4 - 64_000 - 1_000, "i64 ");
            let carried = repeat(count, ty);
            format!(
                "(module (tag $e (param {carried})) (func (result {carried}) (local {locals})
                    (try_table (catch $e 0)) (unreachable)))"
            )
        });
    }
    at_and_above("slots of a frame", Profile::chain1(), 65_535, |n| {
        let operands = n - 4 - 3;
        format!(
            "(module (func (param i32 i32 i32) {} {}))",
            repeat(operands, "i32.const 1 "),
            repeat(operands, "drop ")
        )
    });
}

#[test]
fn of_the_price_of_a_block() {
    // 2^32 - 1 particles are 429,496 gas and a bit; `end` is one of them.
    for (nops, valid) in [(429_495, true), (429_496, false)] {
        let bytes = wat::parse_str(format!("(module (func {}))", repeat(nops, "nop "))).expect("a module");
        for profile in [Profile::chain1(), Profile::general()] {
            assert_eq!(verdict(profile, Schedule::Unit, &bytes), valid, "{nops} operators at a gas each");
            assert!(verdict(profile, Schedule::V1, &bytes), "nops are free in v1");
            assert!(verdict(profile, Schedule::Ewasm, &bytes), "everything is free in ewasm");
        }
    }
    // Dead operators have no price.
    let dead = wat::parse_str(format!("(module (func return {}))", repeat(600_000, "nop "))).expect("a module");
    assert!(verdict(Profile::chain1(), Schedule::Unit, &dead));
}

/// Calls the export `run` of a module on all executors under `profile` and returns the one end.
fn end(profile: Profile, text: &str, gas: u64) -> Result<Vec<u64>, Stop> {
    let bytes = wat::parse_str(text).expect("a module");
    let calls = [("run".to_string(), vec![])];
    let mut ends = executors(profile, Schedule::V1).into_iter().map(|(name, executor)| {
        let plan = Plan {
            profile,
            schedule: Schedule::V1,
            meter: Meter::new(Gas(gas)),
            bytes: &bytes,
            imports: &|_, _| Arc::new(|_, _| vec![]),
            calls: &calls,
        };
        (name, executor.run(&plan).expect("a valid module").pop().expect("a call"))
    });
    let (first, seen) = ends.next().expect("an executor");
    for (name, other) in ends {
        assert_eq!(other, seen, "{name} and {first}");
    }
    seen.end
}

/// Recursion with `n` levels below the first and `locals` locals.
fn recursion(n: u32, locals: u32) -> String {
    format!(
        r#"(module
            (func $down (param $n i32) (local {})
                (if (local.get $n) (then (call $down (i32.sub (local.get $n) (i32.const 1))))))
            (func (export "run") (call $down (i32.const {n}))))"#,
        repeat(locals, "i64 ")
    )
}

#[test]
fn of_recursion() {
    deep(|| {
        const PLENTY: u64 = 1 << 40;
        for profile in [Profile::chain1(), Profile::general()] {
            let RunLimits { call_depth, stack_slots, .. } = profile.run;
            // `run` is the first frame, `down(0)` the last.
            assert_eq!(end(profile, &recursion(call_depth - 2, 0), PLENTY), Ok(vec![]));
            assert_eq!(end(profile, &recursion(call_depth - 1, 0), PLENTY), Err(Trap::CallDepth.into()));
            // `run` has 0 + 0 + 1 + 4 slots, `down` 1 + locals + 2 + 4.
            let height = 1_024;
            let frames = (stack_slots - 5) / height;
            assert_eq!(end(profile, &recursion(frames - 1, height - 7), PLENTY), Ok(vec![]));
            assert_eq!(end(profile, &recursion(frames, height - 7), PLENTY), Err(Trap::StackSlots.into()));
            // Endless recursion ends by a bound, or by gas where that comes first.
            let endless = r#"(module (func $f (export "run") (call $f)))"#;
            assert_eq!(end(profile, endless, PLENTY), Err(Trap::CallDepth.into()));
            assert_eq!(end(profile, endless, 1), Err(Trap::OutOfGas.into()));
        }
    });
}

#[test]
fn depth_is_looked_at_before_slots() {
    // 5 + 4,095 * 14 = 57,335 slots are taken when the 4,097th frame, of 10,004, is one too many and too large.
    let text = format!(
        r#"(module
            (func $wide (local {}))
            (func $down (param $n i32) (local i64 i64 i64 i64 i64 i64 i64)
                (if (local.get $n)
                    (then (call $down (i32.sub (local.get $n) (i32.const 1))))
                    (else (call $wide))))
            (func (export "run") (call $down (i32.const 4094))))"#,
        repeat(10_000, "i64 ")
    );
    assert_eq!(end(Profile::chain1(), &text, 1 << 40), Err(Trap::CallDepth.into()));
    let shallower = text.replace("4094", "4093");
    assert_eq!(end(Profile::chain1(), &shallower, 1 << 40), Err(Trap::StackSlots.into()));
}

#[test]
fn a_huge_br_table_runs() {
    let text = format!(
        r#"(module (func (export "run") (result i32)
            (block $b (block $a (br_table {} $b (i32.const 65535))) (return (i32.const 1))) (i32.const 2)))"#,
        repeat(65_535, "$b ") + "$a "
    );
    assert_eq!(end(Profile::chain1(), &text, 1_000), Ok(vec![1]));
}

#[test]
fn deep_nesting_runs() {
    let nested = format!("{} (br 1000) {}", repeat(1_024, "block "), repeat(1_024, "end "));
    let text = format!(r#"(module (func (export "run") (result i32) {nested} (i32.const 7)))"#);
    assert_eq!(end(Profile::chain1(), &text, 1_000), Ok(vec![7]));
}

#[test]
fn loading_is_bounded() {
    // A megabyte of whatever is dearest to load takes well under the time that a node would notice.
    let cases = [
        ("constants", format!("(module (func {}))", repeat(250_000, "i32.const 1 drop "))),
        ("blocks", format!("(module (func {}))", repeat(200_000, "block end "))),
        ("loops", format!("(module (func {}))", repeat(200_000, "loop end "))),
        ("calls", format!("(module (func $f {}))", repeat(400_000, "call $f "))),
        (
            "functions of many locals",
            format!("(module {})", repeat(9_000, "(func (local i64 i64 i64 i64 i64 i64 i64 i64))")),
        ),
    ];
    let engine = Engine::new(gristmill::Config::new().profile(Profile::chain1())).expect("an engine");
    for (what, text) in cases {
        let bytes = wat::parse_str(text).expect("a module");
        let start = std::time::Instant::now();
        let module = Module::new(&engine, &bytes);
        let took = start.elapsed();
        assert!(module.is_ok(), "{what}: {:?}", module.err());
        assert!(took.as_secs() < 5, "{what}: {took:?} for {} bytes", bytes.len());
    }
}

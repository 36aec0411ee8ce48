//! Memories that are not memory 0 with 32-bit addresses and pages of 64 KiB, and tables with 64-bit indices: every executor
//! does the same, and what consensus.md says.

use gristmill::error::Fault;
use gristmill::gas::Pages;
use gristmill::{
    Config, Dispatch, Engine, Error, Extern, Func, Gas, Instance, Linker, Memory, MemoryType, Meter, Module, PageSize,
    Profile, Proposal, Schedule, Stop, Store, Trap, ValType,
};
use gristmill_tests::engines;
use gristmill_tests::machine::{Plan, executors};
use std::sync::Arc;

/// Calls the export `run` with `args` on every executor, which must agree; the end, and the gas that all of it took.
fn run_with(text: &str, meter: Meter, args: &[u64]) -> (Result<Vec<u64>, Stop>, u128) {
    let (bytes, profile, schedule) = (wat::parse_str(text).expect("well-formed"), Profile::general(), Schedule::V1);
    let calls = [("run".to_string(), args.to_vec())];
    let host = |_: &str, _: &str| -> gristmill_tests::machine::HostFn {
        Arc::new(|memory, _| vec![memory.iter().map(|byte| u64::from(*byte)).sum()])
    };
    let before = u128::from(meter.left().0) * 10_000;
    let mut all = executors(profile, schedule).into_iter().map(|(name, executor)| {
        let plan = Plan { profile, schedule, meter: meter.clone(), bytes: &bytes, imports: &host, calls: &calls };
        (name, executor.run(&plan).unwrap_or_else(|| panic!("{name} refuses {text}")))
    });
    let (first, expected) = all.next().expect("there are executors");
    for (name, seen) in all {
        assert_eq!(seen, expected, "{name} and {first}, {args:?}: {text}");
    }
    let last = expected.last().expect("a step");
    (last.end.clone(), before - last.left)
}

fn run(text: &str, args: &[u64]) -> Result<Vec<u64>, Stop> {
    run_with(text, Meter::new(Gas(1 << 40)), args).0
}

/// The gas in particles of the call alone: less what making the instance takes.
fn price_of_call(text: &str, args: &[u64]) -> u128 {
    let nothing = format!("{} (func (export \"run\")))", text.split("(func (export \"run\")").next().expect("a head"));
    let call = |text: &str, args: &[u64]| run_with(text, Meter::new(Gas(1 << 40)), args).1;
    // An empty function: its entry, nothing else.
    call(text, args) - (call(&nothing, &[]) - 90)
}

fn out_of_bounds() -> Result<Vec<u64>, Stop> {
    Err(Trap::MemoryOutOfBounds.into())
}

#[test]
fn every_width_in_another_memory() {
    // What is stored, how, and what each load makes of it.
    let cases = [
        ("i64.store8 $m", "i32.load8_s $m", 0xffff_ff80_u64, 0xffff_ff80),
        ("i64.store8 $m", "i32.load8_u $m", 0xffff_ff80, 0x80),
        ("i64.store16 $m", "i32.load16_s $m", 0x8001, 0xffff_8001),
        ("i64.store16 $m", "i32.load16_u $m", 0x8001, 0x8001),
        ("i64.store32 $m", "i32.load $m", 0x8000_0001, 0x8000_0001),
        ("i64.store8 $m", "i64.load8_s $m", 0x80, u64::MAX - 127),
        ("i64.store16 $m", "i64.load16_s $m", 0x8000, u64::MAX - 0x7fff),
        ("i64.store32 $m", "i64.load32_s $m", 0x8000_0000, u64::MAX - 0x7fff_ffff),
        ("i64.store32 $m", "i64.load32_u $m", 0x8000_0000, 0x8000_0000),
        ("i64.store $m", "i64.load $m", u64::MAX - 5, u64::MAX - 5),
    ];
    for (memory, address) in [("", "i32.const"), ("i64", "i64.const")] {
        for (store, load, value, expected) in cases {
            let result = &load[..3];
            let text = format!(
                r#"(module (memory 1) (memory $m {memory} 1)
                    (func (export "run") (param i64) (result {result})
                      ({store} offset=65000 ({address} 9) (local.get 0))
                      ({load} offset=9 ({address} 65000))))"#
            );
            assert_eq!(run(&text, &[value]), Ok(vec![expected]), "{text}");
        }
    }
}

#[test]
fn vectors_in_another_memory() {
    let text = r#"(module (memory 1) (memory $m i64 1)
        (func (export "run") (result i64 i64 i64)
          (v128.store $m offset=7 (i64.const 1) (v128.const i64x2 0x1122334455667788 -2))
          (v128.store8_lane $m offset=15 1 (i64.const 0) (v128.const i8x16 9 8 7 6 5 4 3 2 1 0 0 0 0 0 0 0))
          (i64x2.extract_lane 0 (v128.load $m (i64.const 8)))
          (i64x2.extract_lane 1 (v128.load64_lane $m offset=8 1 (i64.const 0) (v128.const i64x2 1 2)))
          (i64x2.extract_lane 1 (v128.load16x4_u $m (i64.const 8)))))"#;
    let low = 0x0822_3344_5566_7788;
    assert_eq!(run(text, &[]), Ok(vec![low, low, 0x0822_0000_3344]));
}

#[test]
fn bulk_operators_between_memories() {
    let text = |body: &str| {
        format!(
            r#"(module (memory $a 1) (memory $b 1) (memory $c i64 1) (data $d "\01\02\03\04\05")
                (func (export "run") (result i64)
                  (memory.init $b $d (i32.const 10) (i32.const 1) (i32.const 4))
                  (memory.init $c $d (i64.const 65532) (i32.const 0) (i32.const 4))
                  (memory.fill $a (i32.const 0) (i32.const 7) (i32.const 8)) {body}))"#
        )
    };
    let good = [
        (
            "(memory.copy $a $b (i32.const 1) (i32.const 11) (i32.const 2)) (i64.load $a (i32.const 0))",
            0x0707_0707_0704_0307,
        ),
        (
            "(memory.copy $a $c (i32.const 4) (i64.const 65532) (i32.const 4)) (i64.load $a (i32.const 0))",
            0x0403_0201_0707_0707,
        ),
        ("(memory.copy $c $b (i64.const 1) (i32.const 10) (i32.const 3)) (i64.load $c (i64.const 0))", 0x0403_0200),
        ("(memory.copy $c $c (i64.const 0) (i64.const 65533) (i64.const 3)) (i64.load $c (i64.const 0))", 0x0004_0302),
        (
            "(memory.copy $b $b (i32.const 11) (i32.const 10) (i32.const 4)) (i64.load $b (i32.const 10))",
            0x0005_0403_0202,
        ),
        (
            "(memory.fill $c (i64.const 65536) (i32.const 1) (i64.const 0)) (i64.load $c (i64.const 65528))",
            0x0403_0201 << 32,
        ),
    ];
    for (body, expected) in good {
        assert_eq!(run(&text(body), &[]), Ok(vec![expected]), "{body}");
    }
    let bad = [
        "(memory.copy $a $b (i32.const 65535) (i32.const 0) (i32.const 2)) (i64.const 0)",
        "(memory.copy $a $b (i32.const 0) (i32.const 65535) (i32.const 2)) (i64.const 0)",
        "(memory.copy $c $b (i64.const -1) (i32.const 0) (i32.const 1)) (i64.const 0)",
        "(memory.copy $c $c (i64.const -1) (i64.const 2) (i64.const 1)) (i64.const 0)",
        "(memory.fill $c (i64.const -4) (i32.const 0) (i64.const 8)) (i64.const 0)",
        "(memory.init $c $d (i64.const 0x100000000) (i32.const 0) (i32.const 1)) (i64.const 0)",
        "(memory.init $b $d (i32.const 0) (i32.const 4) (i32.const 2)) (i64.const 0)",
    ];
    for body in bad {
        assert_eq!(run(&text(body), &[]), out_of_bounds(), "{body}");
    }
}

#[test]
fn addresses_of_64_bits_do_not_wrap() {
    const END: u64 = 65_536;
    let cases = [
        (0, 0, true),
        (END - 8, 0, true),
        (END - 7, 0, false),
        (0, END - 8, true),
        (0, END - 7, false),
        (1 << 32, 0, false),
        (0, 1 << 32, false),
        (u64::MAX, 1, false),
        (u64::MAX - 6, 7, false),
        (1, u64::MAX, false),
        (u64::MAX, u64::MAX, false),
        (0, u64::MAX - 7, false),
        (1 << 63, 1 << 63, false),
    ];
    for memory in ["(memory $m i64 1)", "(memory 1) (memory $m i64 1)"] {
        for (address, offset, fits) in cases {
            for access in [
                "(i64.load $m OFFSET (local.get 0))",
                "(i64.store $m OFFSET (local.get 0) (i64.const 1)) (i64.const 0)",
            ] {
                let access = access.replace("OFFSET", &format!("offset={offset}"));
                let text = format!(r#"(module {memory} (func (export "run") (param i64) (result i64) {access}))"#);
                let expected = if fits { Ok(vec![0]) } else { out_of_bounds() };
                assert_eq!(run(&text, &[address]), expected, "{text} {address}");
            }
        }
    }
}

#[test]
fn growth() {
    let text = r#"(module (memory 0) (memory $m i64 1 5)
        (func (export "run") (param i64) (result i64 i64)
          (memory.grow $m (local.get 0)) (memory.size $m)))"#;
    for (delta, old, size) in [(0, 1, 1), (4, 1, 5), (5, u64::MAX, 1), (1 << 32, u64::MAX, 1), (u64::MAX, u64::MAX, 1)]
    {
        assert_eq!(run(text, &[delta]), Ok(vec![old, size]), "{delta}");
    }
    // 1,024 gas a page below the 17th.
    assert_eq!(price_of_call(text, &[4]) - price_of_call(text, &[0]), 4 * 1_024 * 10_000);
    assert_eq!(price_of_call(text, &[u64::MAX]), price_of_call(text, &[0]));
}

#[test]
fn pages_of_a_byte() {
    let text = |min: u32| {
        format!(
            r#"(module (memory $m {min} 200000 (pagesize 1))
                (func (export "run") (param i32) (result i32 i32)
                  (memory.grow (local.get 0)) (memory.size)))"#
        )
    };
    let free = price_of_call(&text(0), &[0]);
    let page = 1_024 * 10_000;
    let cases = [(0, 1, 1), (1, 65_535, 0), (1, 65_536, 1), (65_536, 65_536, 1), (65_535, 65_538, 2), (0, 65_536, 1)];
    for (min, delta, pages) in cases {
        assert_eq!(run(&text(min), &[delta]), Ok(vec![min.into(), u64::from(min) + delta]));
        assert_eq!(price_of_call(&text(min), &[delta]) - free, pages * page, "{min} and {delta}");
    }
    assert_eq!(run(&text(3), &[199_998]), Ok(vec![u32::MAX.into(), 3]));
    let access = |at: u32| {
        format!(r#"(module (memory 5 (pagesize 1)) (func (export "run") (result i32) (i32.load (i32.const {at}))))"#)
    };
    assert_eq!(run(&access(1), &[]), Ok(vec![0]));
    assert_eq!(run(&access(2), &[]), out_of_bounds());
}

/// A length is paid before anybody looks whether so many bytes are there, and no length costs less than a smaller one.
#[test]
fn lengths_of_64_bits_are_paid() {
    let text = r#"(module (memory i64 1)
        (func (export "run") (param i64) (memory.fill (i64.const 0) (i32.const 0) (local.get 0))))"#;
    assert_eq!(price_of_call(text, &[64]) - price_of_call(text, &[0]), 2 * 30_000);
    for len in [1 << 33, 1 << 40, 1 << 59, u64::MAX / 2, u64::MAX - 31, u64::MAX] {
        let some = Meter::new(Gas(3 * (len / 32)));
        let pays = len < 1 << 50;
        let end = if pays { out_of_bounds() } else { Err(Trap::OutOfGas.into()) };
        // Gas for the page and the operators too, where the length can be paid.
        let meter = if pays { Meter::new(Gas(3 * (len / 32) + 2_000)) } else { Meter::new(Gas(1 << 50)) };
        assert_eq!(run_with(text, meter, &[len]).0, end, "{len}");
        if pays {
            assert_eq!(run_with(text, some, &[len]).0, Err(Trap::OutOfGas.into()), "{len}");
        } else {
            assert_eq!(run_with(text, Meter::unlimited(), &[len]).0, out_of_bounds(), "{len}");
        }
    }
}

#[test]
fn tables_with_indices_of_64_bits() {
    let text = |body: &str| {
        format!(
            r#"(module (type $t (func (result i64))) (table $t i64 3 9 funcref) (elem $e func $f $f) (elem (i64.const 1) $f)
                (func $f (result i64) (i64.const 42)) (func (export "run") (param i64) (result i64) {body}))"#
        )
    };
    let indirect = text("(call_indirect $t (type $t) (local.get 0))");
    let tail = text("(return_call_indirect $t (type $t) (local.get 0))");
    for call in [&indirect, &tail] {
        assert_eq!(run(call, &[1]), Ok(vec![42]));
        assert_eq!(run(call, &[2]), Err(Trap::UninitializedElement.into()));
        for outside in [3, 1 << 32 | 1, u64::MAX] {
            assert_eq!(run(call, &[outside]), Err(Trap::UndefinedElement.into()), "{outside}");
        }
    }
    let grow =
        text("(i64.add (i64.mul (table.grow $t (ref.null func) (local.get 0)) (i64.const 100)) (table.size $t))");
    assert_eq!(run(&grow, &[6]), Ok(vec![309]));
    for delta in [7, 1 << 32, u64::MAX] {
        assert_eq!(run(&grow, &[delta]), Ok(vec![(-100_i64 + 3) as u64]));
    }
    let oob = Err(Trap::TableOutOfBounds.into());
    let get = text("(drop (table.get $t (local.get 0))) (i64.const 0)");
    let init =
        text("(table.init $t $e (local.get 0) (i32.const 0) (i32.const 2)) (call_indirect $t (type $t) (i64.const 2))");
    for (body, good, bad) in [(&get, 2, [3, 1 << 32]), (&init, 1, [2, u64::MAX])] {
        assert!(run(body, &[good]).is_ok());
        bad.iter().for_each(|at| assert_eq!(run(body, &[*at]), oob, "{at}"));
    }
    let fill = text("(table.fill $t (i64.const 0) (ref.null func) (local.get 0)) (i64.const 0)");
    assert_eq!(run(&fill, &[3]), Ok(vec![0]));
    assert_eq!(run(&fill, &[1 << 33]), oob);
    assert_eq!(price_of_call(&fill, &[3]) - price_of_call(&fill, &[0]), 600);
}

#[test]
fn a_host_function_sees_memory_0() {
    let text = r#"(module (import "host" "sum" (func $sum (result i64))) (memory (export "memory") i64 1) (memory 1)
        (data (memory 0) (i64.const 3) "\05") (data (memory 1) (i32.const 3) "\09")
        (func (export "run") (result i64) (call $sum)))"#;
    assert_eq!(run(text, &[]), Ok(vec![5]));
}

#[test]
fn memories_by_handle() {
    let provider = r#"(module (memory (export "a") 1) (memory (export "b") i64 2 4) (memory (export "c") 3 (pagesize 1))
        (data (memory 1) (i64.const 65536) "here"))"#;
    let user = r#"(module (import "m" "c" (memory $c 3 (pagesize 1))) (import "m" "b" (memory $b i64 1)) (memory $own 1)
        (func (export "run") (result i32)
          (i32.store8 $c (i32.const 2) (i32.const 0xfe)) (drop (memory.grow $b (i64.const 1)))
          (i32.store $own (i32.const 0) (i32.load $b (i64.const 65536))) (i32.load $own (i32.const 0)))
        (export "again" (memory $b)))"#;
    for (name, engine) in engines(Profile::general(), Schedule::V1) {
        let module = |text: &str| Module::new(&engine, &wat::parse_str(text).expect("well-formed")).expect("valid");
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        let made = linker.instantiate(&mut store, &module(provider)).expect("no imports");
        linker.instance(&mut store, "m", made).expect("fresh names");
        let instance = linker.instantiate(&mut store, &module(user)).expect("the types fit");
        let [b, c] = ["b", "c"].map(|name| made.get_memory(&store, name).expect("an export"));
        assert_eq!(b.ty(&store), MemoryType { memory64: true, ..MemoryType::new(2, Some(4)) }, "{name}");
        assert_eq!(c.ty(&store), MemoryType { page: PageSize::Byte, ..MemoryType::new(3, None) });
        let result = instance.get_typed_func::<(), u32>(&store, "run").expect("an export").call(&mut store, ());
        assert_eq!(result.expect("it returns"), u32::from_le_bytes(*b"here"), "{name}");
        assert_eq!((b.size(&store), c.data(&store)), (3, &[0, 0, 0xfe][..]), "{name}");
        assert_eq!(instance.get_memory(&store, "again"), Some(b));
        assert_eq!(b.grow(&mut store, 1).expect("below its maximum"), 3);
        assert!(b.grow(&mut store, 1).is_err() && c.grow(&mut store, u64::MAX).is_err());

        let refused = |text: &str, memory: Memory, store: &mut Store<()>| {
            Instance::new(store, &module(text), &[Extern::Memory(memory)]).is_err()
        };
        for wrong in ["1", "i64 1 (pagesize 1)", "i64 5", "i64 1 3"] {
            assert!(refused(&format!(r#"(module (import "" "" (memory {wrong})))"#), b, &mut store), "{wrong}");
        }
        for wrong in ["0", "i64 0 (pagesize 1)", "4 (pagesize 1)"] {
            assert!(refused(&format!(r#"(module (import "" "" (memory {wrong})))"#), c, &mut store), "{wrong}");
        }
        let too_large = MemoryType { page: PageSize::Byte, ..MemoryType::new(1 << 32, None) };
        assert!(Memory::new(&mut store, too_large).is_err());
    }
}

/// What a profile leaves out is refused by every executor, and `chain1` has none of it.
#[test]
fn proposals_can_be_left_out() {
    let uses = [
        (Proposal::MultiMemory, "(module (memory 0) (memory 0))"),
        (Proposal::MultiMemory, "(module (import \"m\" \"a\" (memory 0)) (memory 0))"),
        (Proposal::CustomPageSizes, "(module (memory 0 (pagesize 1)))"),
        (Proposal::Memory64, "(module (memory i64 0))"),
        (Proposal::Memory64, "(module (table i64 0 funcref))"),
        (Proposal::FunctionReferences, "(module (func (param (ref func))))"),
        (Proposal::FunctionReferences, "(module (table 1 funcref (ref.null func)))"),
        (Proposal::TailCall, "(module (func $f (return_call $f)))"),
        (
            Proposal::WideArithmetic,
            "(module (func (param i64) (result i64 i64) local.get 0 local.get 0 i64.mul_wide_u))",
        ),
        (Proposal::ExtendedConst, "(module (global i32 (i32.add (i32.const 1) (i32.const 1))))"),
        (Proposal::Simd, "(module (func (param v128)))"),
        (Proposal::Exceptions, "(module (tag))"),
        (Proposal::Exceptions, "(module (import \"m\" \"a\" (tag)))"),
        (Proposal::Exceptions, "(module (func (try_table)))"),
        (Proposal::Exceptions, "(module (func (param exnref)))"),
    ];
    let general = Profile::general();
    let valid = |profile: Profile, text: &str| {
        let bytes = wat::parse_str(text).expect("well-formed");
        let reference = gristmill_reference::Module::new(&profile, Schedule::V1, &bytes).is_ok();
        for (name, engine) in engines(profile, Schedule::V1) {
            assert_eq!(Module::new(&engine, &bytes).is_ok(), reference, "{name}: {text}");
        }
        reference
    };
    for (proposal, text) in uses {
        assert!(general.has(proposal) && valid(general, text), "{text}");
        assert!(!general.without(proposal).has(proposal) && !valid(general.without(proposal), text), "{text}");
        assert!(!Profile::chain1().has(proposal) && !valid(Profile::chain1(), text), "{text}");
        assert_eq!(Proposal::from_name(proposal.name()), Some(proposal));
    }
    assert!(!general.without(Proposal::Simd).has(Proposal::RelaxedSimd));
    assert!(general.without(Proposal::RelaxedSimd).has(Proposal::Simd));
    for (count, good) in [(100, true), (101, false)] {
        assert_eq!(valid(general, &format!("(module {})", "(memory 0)".repeat(count))), good);
        let imported = r#"(import "m" "a" (memory 0))"#;
        assert_eq!(valid(general, &format!("(module {imported} {})", "(memory 0)".repeat(count - 1))), good);
    }
    for (memory, good) in [("i64 65536", true), ("i64 65537", false), ("0xffffffff (pagesize 1)", true)] {
        assert_eq!(valid(general, &format!("(module (memory {memory}))")), good, "{memory}");
    }
    let byte_pages = |bytes: u64| format!("(module (memory i64 {bytes} (pagesize 1)))");
    assert!(valid(general, &byte_pages(1 << 32)) && !valid(general, &byte_pages((1 << 32) + 1)));
}

/// Code that is called from another instance sees its own memories.
#[test]
fn calls_across_instances() {
    let callee = r#"(module (memory 1) (memory $m i64 1) (data (memory $m) (i64.const 5) "\2a")
        (func (export "get") (param i64) (result i32) (i32.load8_u $m (local.get 0))))"#;
    let caller = r#"(module (import "m" "get" (func $get (param i64) (result i32))) (memory 1) (memory $m 1)
        (data (memory $m) (i32.const 5) "\07")
        (func (export "run") (result i32) (i32.add (call $get (i64.const 5)) (i32.load8_u $m (i32.const 5)))))"#;
    for (name, engine) in engines(Profile::general(), Schedule::V1) {
        let module = |text: &str| Module::new(&engine, &wat::parse_str(text).expect("well-formed")).expect("valid");
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        let made = linker.instantiate(&mut store, &module(callee)).expect("no imports");
        linker.instance(&mut store, "m", made).expect("fresh names");
        let instance = linker.instantiate(&mut store, &module(caller)).expect("the types fit");
        let run: Func = instance.get_func(&store, "run").expect("an export");
        assert_eq!(run.ty(&store).results(), [ValType::I32]);
        let result = run.typed::<(), u32>(&store).expect("its type").call(&mut store, ());
        assert_eq!(result.expect("it returns"), 49, "{name}");
    }
}

/// All memories that are alive count, of all stores; none is made or grows beyond, and what goes leaves its pages to others.
#[test]
fn live_memory_is_bounded() {
    let bytes = wat::parse_str(
        r#"(module (memory (export "m") 2) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#,
    )
    .expect("well-formed");
    for dispatch in [Dispatch::Loop, Dispatch::Auto] {
        let engine = Engine::new(Config::new().dispatch(dispatch).live_memory(Pages(5))).expect("an engine");
        let module = Module::new(&engine, &bytes).expect("valid");
        let instance = || {
            let mut store = Store::new(&engine, ());
            store.set_gas(Gas(1_000_000));
            Instance::new(&mut store, &module, &[]).map(|instance| (store, instance))
        };
        let grow = |(store, instance): &mut (Store<()>, Instance), pages: i32| {
            let grow = instance.get_typed_func::<i32, i32>(&*store, "grow").expect("exported");
            grow.call(store, pages)
        };
        let out_of_memory = |end: Option<Error>| matches!(end, Some(Error::Fault(Fault::OutOfMemory)));
        let (mut first, second) = (instance().expect("2 of 5"), instance().expect("4 of 5"));
        assert!(out_of_memory(instance().err()), "6 of 5");
        assert_eq!(grow(&mut first, 1).expect("5 of 5"), 2);
        assert!(out_of_memory(grow(&mut first, 1).err()), "6 of 5");
        assert_eq!(grow(&mut first, 0).expect("nothing more"), 3);
        drop(second);
        assert_eq!(grow(&mut first, 2).expect("5 of 5"), 3);
        drop(first);
        let mut last = instance().expect("2 of 5");
        assert_eq!(grow(&mut last, 3).expect("5 of 5"), 2);
    }
}

//! Reversals of bytes, as compilers write them, become one op that does the same; what only looks like one stays.

use gristmill::{Engine, Instance, Module, Profile, Schedule, Store};
use gristmill_tests::engines;

/// What LLVM makes of a reversal of 64 bits: bytes that go up are masked after the shift, or before it.
fn llvm(masks_first: bool) -> String {
    let up = |shift: u32, mask: u64| match masks_first {
        true => format!("(i64.shl (i64.and (local.get $x) (i64.const {})) (i64.const {shift}))", mask >> shift),
        false => format!("(i64.and (i64.shl (local.get $x) (i64.const {shift})) (i64.const {mask}))"),
    };
    let down =
        |shift: u32, mask: u64| format!("(i64.and (i64.shr_u (local.get $x) (i64.const {shift})) (i64.const {mask}))");
    let or = |a: String, b: String| format!("(i64.or {a} {b})");
    let low = or(
        or("(i64.shr_u (local.get $x) (i64.const 56))".into(), down(40, 0xff00)),
        or(down(24, 0xff_0000), down(8, 0xff00_0000)),
    );
    let high = or(
        or("(i64.shl (local.get $x) (i64.const 56))".into(), up(40, 0xff << 48)),
        or(up(24, 0xff << 40), up(8, 0xff << 32)),
    );
    or(high, low)
}

/// The same of 32 bits.
const NARROW: &str = "(i32.or (i32.and (i32.rotl (local.get $y) (i32.const 8)) (i32.const 0xff00ff))
                              (i32.and (i32.rotl (local.get $y) (i32.const 24)) (i32.const 0xff00ff00)))";

const VALUES: [u64; 6] = [0, 1, 0x0807_0605_0403_0201, u64::MAX, 0xff00_0000_0000_0000, 0x8000_0000_dead_beef];

/// Whether the code of `f`, with the expression `body` of `$x` or of `$y`, its low half, reverses bytes in one op; and what it
/// returns for each of [`VALUES`], which all dispatches and schedules agree on.
fn run(body: &str) -> (bool, Vec<u64>) {
    let text = format!(
        "(module (memory 1) (func (export \"f\") (param $x i64) (result i64) (local $y i32) (local $l i64) (local $m i32)
            (local.set $y (i32.wrap_i64 (local.get $x))) {body}))"
    );
    let bytes = wat::parse_str(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
    let mut answers = Vec::new();
    for schedule in [Schedule::V1, Schedule::Ewasm] {
        for (_, engine) in engines(Profile::general(), schedule) {
            let module = Module::new(&engine, &bytes).expect("valid");
            let mut store = Store::new(&engine, ());
            let instance = Instance::new(&mut store, &module, &[]).expect("no imports");
            let f = instance.get_typed_func::<u64, u64>(&store, "f").expect("exported");
            answers.push(VALUES.map(|value| f.call(&mut store, value).expect("no trap")).to_vec());
        }
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{text}");
    let module = Module::new(&Engine::default(), &bytes).expect("valid");
    let reverses = module.disassemble().any(|(_, op)| op.contains("Reverse"));
    (reverses, answers.swap_remove(0))
}

#[test]
fn reversals_become_one_op() {
    let wide = VALUES.map(u64::swap_bytes).to_vec();
    for text in [llvm(false), llvm(true)] {
        for used in [
            format!("(i64.add (i64.const 0) {text})"),
            format!("(i64.store (i32.const 8) {text}) (i64.load (i32.const 8))"),
            format!("(local.set $x {text}) (local.get $x)"),
            format!("{text} (local.set $l (i64.const 3)) (drop (i64.add (local.get $l) (local.get $x)))"),
            format!("(i64.sub (i64.add {text} (local.get $x)) (local.get $x))"),
            format!("(if (result i64) (local.get $y) (then {text}) (else {text}))"),
        ] {
            assert_eq!(run(&used), (true, wide.clone()), "{used}");
        }
    }
    let narrow = VALUES.map(|value| u64::from((value as u32).swap_bytes())).to_vec();
    assert_eq!(run(&format!("(i64.extend_i32_u {NARROW})")), (true, narrow.clone()));
    assert_eq!(run(&format!("(local.set $m {NARROW}) (i64.extend_i32_u (local.get $m))")), (true, narrow));
}

#[test]
fn what_only_looks_like_one_stays() {
    let text = llvm(false);
    let top = "(i64.shr_u (local.get $x) (i64.const 56))";
    let cases = [
        // A byte goes elsewhere, two go to one place, one is missing.
        text.replace("65280", "255"),
        text.replacen("(i64.const 24)", "(i64.const 16)", 1),
        text.replace(top, "(i64.const 0)"),
        format!("(i64.extend_i32_u {})", NARROW.replace("0xff00ff00", "0xff000000")),
        // No whole bytes.
        format!("(i64.extend_i32_u {})", NARROW.replace("(i32.const 24)", "(i32.const 25)")),
        text.replace("(i64.const 16711680)", "(i64.const 16711681)"),
        // Another slot takes part.
        text.replacen("local.get $x", "local.get $l", 1),
        // What is made on the way is used again.
        format!("(i64.add {} (local.get $l))", text.replace(top, &format!("(local.tee $l {top})"))),
    ];
    for case in cases {
        assert!(!run(&case).0, "{case}");
    }
}

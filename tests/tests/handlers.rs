//! Every handler of tail dispatch, many times over, on a thread whose stack would not hold a frame for each.
//!
//! A function per operator and kind of operand loops 20,000 times; 64 KiB of stack are gone after 8,192 return addresses.

use gristmill::wasm::isa::{Group, Op, ROWS, Ty};
use gristmill::{Config, Dispatch, Engine, Instance, Module, Store};
use std::collections::BTreeSet;
use std::fmt::Write;

const ROUNDS: u32 = 20_000;

/// Ways to get an operand: a local, a small constant, a large constant, a value just computed.
const OPERANDS: [fn(Ty, usize) -> String; 4] = [
    |ty, i| format!("local.get ${ty:?}{i}"),
    |ty, _| format!("{ty:?}.const 3"),
    |ty, _| format!("{ty:?}.const {}", if matches!(ty, Ty::i32 | Ty::i64) { "0x12345678" } else { "1.5" }),
    |ty, i| match ty {
        Ty::i32 | Ty::i64 => format!("local.get ${ty:?}{i} local.get ${ty:?}{} {ty:?}.add", 1 - i),
        Ty::f32 | Ty::f64 => format!("local.get ${ty:?}{i} {ty:?}.abs"),
        Ty::v128 => unreachable!("operators on vectors share their handlers"),
    },
];

/// Text that uses the operator's name in the text format with immediates, between operands and result.
fn function(name: &str, body: &str, text: &mut String) {
    write!(
        text,
        "(func (export \"{name}\") (local $n i32) (local $i320 i32) (local $i321 i32) (local $i640 i64) (local $i641 i64)
            (local $f320 f32) (local $f321 f32) (local $f640 f64) (local $f641 f64) (local $r funcref)
            (local.set $i321 (i32.const 7)) (local.set $i641 (i64.const 7))
            (local.set $f321 (f32.const 7)) (local.set $f641 (f64.const 7))
            (loop $again {body}
                (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const {ROUNDS})))))\n"
    )
    .expect("writing to a string does not fail");
}

/// All operators with fixed types, with every kind of operand and both ways to use a result.
fn by_row(text: &mut String) -> Vec<String> {
    let mut names = Vec::new();
    for row in ROWS.iter().filter(|r| matches!(r.group, Group::Pure | Group::Partial | Group::Load | Group::Store)) {
        for first in 0..4 {
            for second in 0..if row.params.len() == 2 { 4 } else { 1 } {
                for (use_result, offset) in [(0, ""), (1, ""), (1, " offset=70000")] {
                    let memory = matches!(row.group, Group::Load | Group::Store);
                    if !memory && !offset.is_empty() {
                        continue;
                    }
                    let kinds = [first, second];
                    let mut body = String::new();
                    for (i, ty) in row.params.iter().enumerate() {
                        // Addresses stay small; the large constant would be out of bounds.
                        let kind = if memory && i == 0 && kinds[i] == 2 { 1 } else { kinds[i] };
                        let local = if row.group == Group::Partial || memory { 1 } else { i };
                        body.push_str(&OPERANDS[kind](*ty, local));
                        body.push(' ');
                    }
                    body.push_str(row.name);
                    body.push_str(offset);
                    match (row.results.first(), use_result) {
                        (Some(ty), 1) => write!(body, " local.set ${ty:?}0").expect("a string"),
                        (Some(Ty::i32), _) => body.push_str(" (if (then nop))"),
                        (Some(_), _) => body.push_str(" drop"),
                        (None, _) => {}
                    }
                    let name = format!("{:?}/{first}{second}{use_result}{}", row.op, offset.len());
                    function(&name, &body, text);
                    names.push(name);
                }
            }
        }
    }
    names
}

/// Everything else that code is made of.
const OTHERS: &[(&str, &str)] = &[
    ("call", "call $callee drop call $none (call $two) drop drop"),
    ("call_import", "call $import"),
    ("call_indirect", "(call_indirect (result i32) (i32.const 0)) drop"),
    ("vectors", "(drop (i32x4.extract_lane 1 (i32x4.add (i32x4.splat (local.get $n)) (v128.const i64x2 1 2))))"),
    (
        "shuffles",
        "(drop (i8x16.shuffle 0 17 2 19 4 21 6 23 8 25 10 27 12 29 14 31 (i32x4.splat (local.get $n)) (v128.const i64x2 1 2)))",
    ),
    ("globals", "(global.set $g (local.get $n)) (global.set $g (i32.add (global.get $g) (i32.const 1)))"),
    ("global_to_local", "(local.set $i320 (global.get $g))"),
    ("select", "(local.set $i320 (select (i32.const 1) (local.get $n) (local.get $i321)))
        (local.set $i320 (select (i32.const 1) (local.get $n) (i32.and (local.get $n) (i32.const 1))))
        (local.set $i320 (i32.add (select (i32.const 1) (local.get $n) (local.get $i321)) (i32.const 1)))
        (local.set $i320 (i32.add (select (i32.const 1) (local.get $n) (i32.and (local.get $n) (i32.const 1))) (i32.const 1)))"),
    ("copies", "(local.set $i320 (local.get $i321)) (local.set $i640 (i64.const -5)) (local.set $i641 (i64.const 0x123456789abc))
        (local.set $i320 (local.tee $i321 (i32.add (local.get $n) (i32.const 1))))"),
    ("tail", "(return_call $tail (i32.const 40))"),
    ("tail_through", "(return_call_indirect $tails (type $counts) (i32.const 40) (i32.const 0))"),
    ("tail_out", "(return_call $import)"),
    ("references", "(drop (call_ref $gives (ref.as_non_null (ref.func $callee)))) (block $a (drop (br_on_null $a (ref.func $callee))))
        (drop (block $b (result (ref $gives)) (br_on_non_null $b (ref.func $callee)) (unreachable)))"),
    ("tail_by_reference", "(return_call_ref $counts (i32.const 40) (ref.func $tail_through))"),
    ("wide", "(i64.add128 (local.get $i640) (i64.const 1) (local.get $i641) (i64.const 2)) drop drop
        (i64.sub128 (local.get $i640) (i64.const 1) (local.get $i641) (i64.const 2)) drop drop
        (i64.mul_wide_s (local.get $i640) (i64.const -3)) drop drop (i64.mul_wide_u (local.get $i640) (i64.const -3)) drop drop"),
    ("exceptions", "(block $a (try_table (catch_all $a) (throw $x (i32.const 1)))) (block $a (try_table (catch_all $a)
        (throw_ref (block $b (result exnref) (try_table (catch_all_ref $b) (call $throws)) (unreachable)))))"),
    ("many", "(block (result i32 i32) (i32.const 9) (i32.const 1) (i32.const 2) (br 0)) drop drop"),
    ("br_table", "(block $a (block $b (br_table $a $b (local.get $n)))) (block $a (block $b (br_table $a $b (i32.and (local.get $n) (i32.const 1)))))"),
    ("br", "(block $a (br_if $a (local.get $i321)) nop) (block $a (br_if $a (i32.and (local.get $n) (i32.const 1))) nop)
        (if (local.get $i321) (then nop) (else nop)) (if (i32.and (local.get $n) (i32.const 1)) (then nop) (else nop))"),
    ("memory", "(local.set $i320 (memory.size)) (drop (i32.add (memory.size) (i32.const 1))) (drop (memory.grow (i32.const 0)))
        (memory.fill (i32.const 0) (i32.const 0) (i32.const 1)) (memory.copy (i32.const 0) (i32.const 1) (i32.const 1))
        (memory.init $d (i32.const 0) (i32.const 0) (i32.const 0)) (data.drop $d)"),
    ("tables", "(table.set $t (i32.const 1) (table.get $t (i32.const 0))) (drop (table.size $t)) (drop (ref.is_null (ref.func $callee)))
        (drop (table.grow $t (ref.null func) (i32.const 0))) (table.fill $t (i32.const 1) (ref.null func) (i32.const 1))
        (table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 1)) (table.init $t $e (i32.const 1) (i32.const 0) (i32.const 0)) (elem.drop $e)"),
];

#[test]
fn no_handler_grows_the_host_stack() {
    let without_tail = cfg!(any(not(target_arch = "x86_64"), feature = "checked"));
    assert_eq!(Dispatch::has_tail(), !without_tail, "the build or the probe took tail dispatch away");
    if without_tail {
        return;
    }
    let mut text = String::from(
        "(module (import \"\" \"import\" (func $import)) (memory 2) (data $d \"x\") (table $t 2 funcref)
         (elem (i32.const 0) $callee) (elem $e func $callee) (global $g (mut i32) (i32.const 0))
         (type $gives (func (result i32))) (func $callee (result i32) (local i32 i32) i32.const 1) (func $none)
         (func $tail (param i32) (if (local.get 0) (then (return_call $tail (i32.sub (local.get 0) (i32.const 1))))))
         (type $counts (func (param i32))) (table $tails 1 funcref) (elem (table $tails) (i32.const 0) func $tail_through)
         (func $tail_through (param i32) (if (local.get 0)
           (then (return_call_indirect $tails (type $counts) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))))
         (tag $x (param i32)) (func $throws (throw $x (i32.const 1)))
         (func $two (result i32 i32) i32.const 1 i32.const 2)\n",
    );
    let mut names = by_row(&mut text);
    for (name, body) in OTHERS {
        function(name, body, &mut text);
        names.push((*name).into());
    }
    text.push(')');
    let engine = Engine::new(Config::new().dispatch(Dispatch::Tail)).expect("tail dispatch is there");
    let bytes = wat::parse_str(&text).expect("the text is WebAssembly");
    let module = Module::new(&engine, &bytes).expect("the module is valid");
    let mut store = Store::new(&engine, ());
    // The import is a function of another instance, so that calls and returns cross instances.
    let other = Module::new(&engine, &wat::parse_str("(module (func (export \"f\")))").expect("text")).expect("valid");
    let other = Instance::new(&mut store, &other, &[]).expect("no imports");
    let import = other.get_export(&store, "f").expect("exported");
    let instance = Instance::new(&mut store, &module, &[import]).expect("imports fit");
    let small = std::thread::Builder::new().stack_size(64 << 10);
    let run = small.spawn(move || {
        for name in names {
            let func = instance.get_typed_func::<(), ()>(&store, &name).expect("exported");
            func.call(&mut store, ()).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
    });
    run.expect("a thread").join().expect("no function fails");

    let seen: BTreeSet<String> = module.disassemble().map(|(_, op)| op).collect();
    // Some 1,170 ops exist, 240 of them fused, which only show as a sign behind their first op's name here and have a test
    // of their own; those of wide branches, far stores and others that need special shapes are compiled from the same
    // generic bodies as the ones seen here.
    assert!(seen.len() > 700, "only {} different ops were run", seen.len());
}

#[test]
fn every_operator_is_exercised_above() {
    let covered = |op: Op| {
        let row = op.row();
        matches!(row.group, Group::Pure | Group::Partial | Group::Load | Group::Store)
            || OTHERS.iter().any(|(_, body)| body.contains(row.name))
            || matches!(op, Op::Unreachable | Op::Nop | Op::Return | Op::TypedSelect | Op::Else | Op::End | Op::RefNull)
            || matches!(row.group, Group::Constant | Group::Variable)
            || matches!(op, Op::Loop | Op::Drop)
            // These share two handlers, which `vectors` and `shuffles` run.
            || matches!(row.group, Group::Vector | Group::VectorLoad | Group::VectorStore)
    };
    for row in ROWS {
        assert!(covered(row.op), "{} is not run by the test above", row.name);
    }
}

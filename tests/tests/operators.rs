//! The operator table against the parser's list of operators and against both dispatches.

use gristmill::wasm::isa::{Group, Op, REFUSED, ROWS, Ty};
use gristmill::{Gas, Meter, Profile, Schedule, Stop};
use gristmill_tests::machine::{Plan, executors};
use std::fmt::Write;
use std::sync::Arc;

/// Operands where something happens: ends of ranges, sign bits, shift counts, rounding, NaNs with and without payload.
fn edges(ty: Ty) -> Vec<u64> {
    let f32s = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        -0.5,
        1.5,
        2.5,
        f32::MIN_POSITIVE,
        f32::MAX,
        f32::MIN,
        2_147_483_648.0,
        -2_147_483_648.0,
        -2_147_483_904.0,
        4_294_967_296.0,
        9_223_372_036_854_775_808.0,
        -9_223_372_036_854_775_808.0,
        18_446_744_073_709_551_616.0,
        f32::INFINITY,
        f32::NEG_INFINITY,
    ];
    let f64s = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        -0.5,
        1.5,
        2.5,
        f64::MIN_POSITIVE,
        f64::MAX,
        f64::MIN,
        2_147_483_647.0,
        2_147_483_648.0,
        -2_147_483_648.0,
        -2_147_483_649.0,
        4_294_967_295.0,
        4_294_967_296.0,
        9_223_372_036_854_774_784.0,
        9_223_372_036_854_775_808.0,
        -9_223_372_036_854_775_808.0,
        18_446_744_073_709_551_616.0,
        1e-40,
        16_777_217.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    match ty {
        Ty::i32 => [
            0,
            1,
            2,
            7,
            31,
            32,
            33,
            0x7f,
            0x80,
            0xff,
            0x7fff,
            0x8000,
            0x7fff_ffff,
            0x8000_0000,
            0xffff_fffe,
            0xffff_ffff,
        ]
        .to_vec(),
        Ty::i64 => [
            0,
            1,
            2,
            63,
            64,
            65,
            0x80,
            0x8000,
            0x7fff_ffff,
            0x8000_0000,
            0xffff_ffff,
            0x1_0000_0000,
            i64::MAX as u64,
            i64::MIN as u64,
            u64::MAX - 1,
            u64::MAX,
            0x0123_4567_89ab_cdef,
        ]
        .to_vec(),
        Ty::f32 => {
            let nans = [0x7fc0_0000, 0xffc0_0000, 0x7f80_0001, 0xff80_1234, 0x7fff_ffff, 1];
            f32s.iter().map(|f| u64::from(f.to_bits())).chain(nans).collect()
        }
        Ty::f64 => {
            let nans = [0x7ff8_0000_0000_0000, 0xfff8_0000_0000_0000, 0x7ff0_0000_0000_0001, 0xfff0_0000_1234_0000, 1];
            f64s.iter().map(|f| f.to_bits()).chain(nans).collect()
        }
    }
}

fn text(ty: Ty) -> &'static str {
    match ty {
        Ty::i32 => "i32",
        Ty::i64 => "i64",
        Ty::f32 => "f32",
        Ty::f64 => "f64",
    }
}

/// A constant operand as text; floats by their bits, through a reinterpretation.
fn constant(ty: Ty, slot: u64) -> String {
    match ty {
        Ty::i32 => format!("(i32.const {})", slot as u32 as i32),
        Ty::i64 => format!("(i64.const {})", slot as i64),
        Ty::f32 => format!("(f32.reinterpret_i32 (i32.const {}))", slot as u32 as i32),
        Ty::f64 => format!("(f64.reinterpret_i64 (i64.const {}))", slot as i64),
    }
}

/// All operand lists of an operator.
fn operands(params: &[Ty]) -> Vec<Vec<u64>> {
    match params {
        [] => vec![vec![]],
        [first, rest @ ..] => {
            let rest = operands(rest);
            edges(*first).iter().flat_map(|&a| rest.iter().map(move |r| [&[a], r.as_slice()].concat())).collect()
        }
    }
}

/// Functions of one operator over two edge operands `a` and `b`: operands from parameters, from locals that were just
/// written, from constants on either side, the result dropped, stored, branched on.
fn shapes(op: Op, args: &[u64]) -> Vec<String> {
    let row = op.row();
    let params: Vec<_> = row.params.iter().map(|ty| text(*ty)).collect();
    let result = text(row.results[0]);
    let gets: Vec<_> = (0..params.len()).map(|i| format!("(local.get {i})")).collect();
    let constants: Vec<_> = row.params.iter().zip(args).map(|(ty, slot)| constant(*ty, *slot)).collect();
    let signature = format!("(param {}) (result {result})", params.join(" "));
    let mut shapes = vec![format!("{signature} ({} {})", row.name, gets.join(" "))];
    shapes.push(format!("{signature} ({} {})", row.name, constants.join(" ")));
    if let [_, _] = params.as_slice() {
        shapes.push(format!("{signature} ({} {} {})", row.name, gets[0], constants[1]));
        shapes.push(format!("{signature} ({} {} {})", row.name, constants[0], gets[1]));
        // The result goes where an operand was.
        shapes.push(format!("{signature} (local $r {result}) (local.tee $r ({} {} {}))", row.name, gets[0], gets[1]));
    }
    if result == "i32" {
        shapes.push(format!(
            "{signature} (if (result i32) ({} {}) (then (i32.const 1)) (else (i32.const 0)))",
            row.name,
            gets.join(" ")
        ));
        shapes.push(format!(
            "{signature} (block $b (br_if $b ({} {})) (return (i32.const 0))) (i32.const 1)",
            row.name,
            gets.join(" ")
        ));
    }
    shapes
}

/// What a shape must give for `value`, the operator's own result.
fn expected(shape: &str, value: u64) -> u64 {
    if shape.contains("(if ") || shape.contains("br_if") { u64::from(value != 0) } else { value }
}

#[test]
fn meanings_on_every_executor() {
    let mut checked = 0;
    for row in ROWS.iter().filter(|row| matches!(row.group, Group::Pure | Group::Partial)) {
        let lists = operands(row.params);
        // Constants make a module of their own for each list, so take a few; the parameters take them all.
        let few: Vec<_> = lists.iter().step_by((lists.len() / 24).max(1)).cloned().collect();
        let mut module = String::from("(module\n");
        let (mut calls, mut wanted) = (Vec::new(), Vec::new());
        for (index, args) in few.iter().enumerate() {
            for (number, shape) in shapes(row.op, args).into_iter().enumerate() {
                let name = format!("{index}.{number}");
                let _ = writeln!(module, "(func (export \"{name}\") {shape})");
                let value = row.op.eval(args);
                wanted.push(value.map(|v| vec![expected(&shape, v)]).map_err(Stop::Trap));
                calls.push((name, args.clone()));
            }
        }
        for args in &lists {
            wanted.push(row.op.eval(args).map(|v| vec![v]).map_err(Stop::Trap));
            calls.push(("0.0".into(), args.clone()));
        }
        module.push(')');
        let bytes = wat::parse_str(&module).unwrap_or_else(|e| panic!("{}: {e}", row.name));
        for (name, executor) in executors(Profile::general(), Schedule::V1) {
            let plan = Plan {
                profile: Profile::general(),
                schedule: Schedule::V1,
                meter: Meter::new(Gas(1 << 40)),
                bytes: &bytes,
                imports: &|_, _| Arc::new(|_, _| vec![]),
                calls: &calls,
            };
            let seen = executor.run(&plan).unwrap_or_else(|| panic!("{} on {name}", row.name));
            for ((seen, wanted), (function, args)) in seen[1..].iter().zip(&wanted).zip(&calls) {
                assert_eq!(&seen.end, wanted, "{} of {args:x?} as function {function} on {name}", row.name);
                checked += 1;
            }
        }
    }
    println!("{checked} results");
    assert!(checked > 100_000, "{checked}");
}

macro_rules! parser_operators {
    ($(@$proposal:ident $op:ident $({ $($payload:tt)* })? => $visit:ident ($($ann:tt)*))*) => {
        /// Every operator that the parser knows: proposal and name.
        const PARSER: &[(&str, &str)] = &[$((concat!("@", stringify!($proposal)), stringify!($op))),*];
    };
}
wasmparser::for_each_operator!(parser_operators);

#[test]
fn every_operator_of_the_parser_is_a_row_or_refused() {
    let refused = |what: &str| REFUSED.iter().any(|(name, _)| *name == what);
    for (proposal, op) in PARSER {
        let row = Op::from_ident(op).is_some();
        let refused = refused(proposal) || refused(op);
        assert!(row || refused, "the parser knows {op} of {proposal}, which is neither a row nor refused");
        assert!(!(row && refused), "{op} of {proposal} is a row and refused");
    }
    for row in ROWS {
        assert!(PARSER.iter().any(|(_, op)| *op == row.ident), "no operator of the parser is called {}", row.ident);
    }
    // SIMD operators have a list of their own, which this build of the parser does not hold.
    for (what, reason) in REFUSED {
        let known = PARSER.iter().any(|(proposal, op)| proposal == what || op == what) || what.contains("simd");
        assert!(known, "{what} is refused, but the parser does not know it");
        assert!(!reason.is_empty(), "{what} is refused without a reason");
    }
}

#[test]
fn rows_are_where_their_operator_says() {
    for (index, row) in ROWS.iter().enumerate() {
        assert_eq!(row.op as usize, index, "{}", row.ident);
        assert_eq!(Op::from_ident(row.ident), Some(row.op));
        assert_eq!(row.meaning.is_some(), matches!(row.group, Group::Pure | Group::Partial), "{}", row.ident);
    }
}

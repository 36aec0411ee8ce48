//! The operator table against the parser's list of operators and against both dispatches.

use gristmill::wasm::isa::{Group, Op, REFUSED, ROWS, Row, Ty};
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
        Ty::v128 => unreachable!("vectors have two slots"),
    }
}

fn text(ty: Ty) -> &'static str {
    match ty {
        Ty::i32 => "i32",
        Ty::i64 => "i64",
        Ty::f32 => "f32",
        Ty::f64 => "f64",
        Ty::v128 => "v128",
    }
}

/// A constant operand as text; floats by their bits, through a reinterpretation.
fn constant(ty: Ty, slot: u64) -> String {
    match ty {
        Ty::i32 => format!("(i32.const {})", slot as u32 as i32),
        Ty::i64 => format!("(i64.const {})", slot as i64),
        Ty::f32 => format!("(f32.reinterpret_i32 (i32.const {}))", slot as u32 as i32),
        Ty::f64 => format!("(f64.reinterpret_i64 (i64.const {}))", slot as i64),
        Ty::v128 => unreachable!("vectors have two slots"),
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

/// Vectors where something happens: each width's ends and signs, floats with their zeros, infinities and NaNs.
fn vectors() -> Vec<[u64; 2]> {
    let f32s = |lanes: [u32; 2]| u64::from(lanes[0]) | u64::from(lanes[1]) << 32;
    let (one, half) = (1f32.to_bits(), 0.5f32.to_bits());
    vec![
        [0, 0],
        [u64::MAX, u64::MAX],
        [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908],
        [0x8080_8080_8080_8080, 0x7f7f_7f7f_7f7f_7f7f],
        [0x8000_7fff_8000_7fff, 0x0001_ffff_00ff_0100],
        [0x8000_0000_7fff_ffff, 0x0000_0001_ffff_fffe],
        [i64::MIN as u64, i64::MAX as u64],
        [1, 0x0123_4567_89ab_cdef],
        [0xff01_fe02_807f_0180, 0x1011_1f20_10ff_8000],
        [f32s([one, half ^ 1 << 31]), f32s([f32::INFINITY.to_bits(), (-0.0f32).to_bits()])],
        [f32s([0x7fc0_0000, 0xff80_0001]), f32s([0x7fc1_2345, 2.5f32.to_bits()])],
        [f32s([2_147_483_648f32.to_bits(), (-2_147_483_904f32).to_bits()]), f32s([f32::MAX.to_bits(), 1])],
        [1f64.to_bits(), (-0.0f64).to_bits()],
        [f64::NEG_INFINITY.to_bits(), 0x7ff0_0000_0000_0001],
        [2_147_483_647.5f64.to_bits(), (-1.5f64).to_bits()],
        [4_294_967_296f64.to_bits(), 1e-40f64.to_bits()],
    ]
}

/// All operand lists of an operator with vectors, in slots.
fn slot_lists(params: &[Ty]) -> Vec<Vec<u64>> {
    let [first, rest @ ..] = params else { return vec![vec![]] };
    let values: Vec<Vec<u64>> = match first {
        Ty::v128 => vectors().iter().map(|halves| halves.to_vec()).collect(),
        ty => edges(*ty).into_iter().map(|slot| vec![slot]).collect(),
    };
    let rest = slot_lists(rest);
    values.iter().flat_map(|value| rest.iter().map(move |rest| [value.as_slice(), rest].concat())).collect()
}

/// The immediates that are tried, as text and as slots behind the operands.
fn immediates(row: &Row) -> Vec<(String, Vec<u64>)> {
    if row.op == Op::I8x16Shuffle {
        let lanes: [[u8; 16]; 2] = [core::array::from_fn(|i| i as u8 * 2), core::array::from_fn(|i| 31 - i as u8)];
        let slots = |lanes: [u8; 16]| {
            let bits = u128::from_le_bytes(lanes);
            vec![bits as u64, (bits >> 64) as u64]
        };
        return lanes.map(|l| (l.map(|lane| lane.to_string()).join(" "), slots(l))).to_vec();
    }
    if !["extract_lane", "replace_lane"].iter().any(|name| row.name.contains(name)) {
        return vec![(String::new(), vec![])];
    }
    let (_, count) = row.name.split_once('.').and_then(|(shape, _)| shape.split_once('x')).expect("lanes of a shape");
    (0..count.parse().expect("a number of lanes")).map(|lane: u64| (lane.to_string(), vec![lane])).collect()
}

/// The rows' meanings, the engine, and the naive executor, which has meanings of its own.
#[test]
fn meanings_of_vectors_on_every_executor() {
    let mut checked = 0;
    for row in ROWS.iter().filter(|row| row.group == Group::Vector) {
        let lists = slot_lists(row.params);
        let params: Vec<_> = row.params.iter().map(|ty| text(*ty)).collect();
        let gets: Vec<_> = (0..params.len()).map(|i| format!("(local.get {i})")).collect();
        let (result, gets) = (text(row.results[0]), gets.join(" "));
        let signature = format!("(param {}) (result {result})", params.join(" "));
        let mut module = String::from("(module\n");
        let (mut calls, mut wanted) = (Vec::new(), Vec::new());
        for (number, (immediate, slots)) in immediates(row).iter().enumerate() {
            let operator = format!("{} {immediate} {gets}", row.name);
            let shapes = [
                format!("{signature} ({operator})"),
                // From homes and to a local between others; kept over a block, chosen, left behind a dropped one.
                format!(
                    "{signature} (local $a i32) (local $r {result}) (local $b i64) (local.set $r (block (result {result}) {gets}
                    ({} {immediate})
                    (br_if 0 (i32.const 1)))) (drop (local.get $r)) (local.get $r) ({operator}) (i32.const 0) (select (result {result}))
                    (local.get $r) (i32.eqz (local.get $a)) (select (result {result})) (local.get $b) (drop)",
                    row.name
                ),
            ];
            for (shape, text) in shapes.iter().enumerate() {
                let _ = writeln!(module, "(func (export \"{number}.{shape}\") {text})");
            }
            for args in &lists {
                let value = row.op.eval_vector(&[args.as_slice(), slots].concat());
                let value = value[..usize::from(row.results[0].slots())].to_vec();
                for shape in 0..shapes.len() {
                    calls.push((format!("{number}.{shape}"), args.clone()));
                    wanted.push(value.clone());
                }
            }
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
                assert_eq!(seen.end.as_ref(), Ok(wanted), "{} of {args:x?} as function {function} on {name}", row.name);
                checked += 1;
            }
        }
    }
    println!("{checked} results");
    assert!(checked > 200_000, "{checked}");
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
    for (what, reason) in REFUSED {
        let known = PARSER.iter().any(|(proposal, op)| proposal == what || op == what);
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
        let vectors = matches!(row.group, Group::Wide | Group::Vector | Group::VectorLoad | Group::VectorStore);
        assert_eq!(row.vector.is_some(), vectors, "{}", row.ident);
        let memory = matches!(row.group, Group::Load | Group::Store | Group::VectorLoad | Group::VectorStore);
        assert_eq!(row.op.access_bytes().is_some(), memory, "{}", row.ident);
    }
}

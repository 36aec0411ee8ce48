//! Traps on the command line: frames, source lines, coredumps.

mod common;

use common::{file, folder, gristmill};
use serde_json::{Value, json};
use wasmparser::{BinaryReader, CoreDumpStackSection, CoreDumpValue, KnownCustom, Parser, Payload};

const SHARE: &str = "engine/cli/tests/fixtures/share.wasm";

const MODULE: &str = r#"(module
  (memory (export "memory") 1 2)
  (global $g (mut i64) (i64.const 7))
  (global f32 (f32.const 1.5))
  (table funcref (elem $deep))
  (type $ty (func (param i32) (result i32)))
  (func $deep (param i32) (result i32) (local i64 f64)
    (local.set 1 (i64.const -3))
    (local.set 2 (f64.const 0.25))
    (global.set $g (i64.const 8))
    (i32.store (i32.const 70) (i32.const 0x01020304))
    (i32.add (i32.const 1) (i32.div_u (i32.const 1) (local.get 0))))
  (func $indirect (param externref) (param i32) (result i32)
    (call_indirect (type $ty) (local.get 1) (i32.const 0)))
  (func (export "trap") (result i32)
    (i32.mul (i32.const 3) (call $indirect (ref.null extern) (i32.const 0))))
  (func $forever (export "forever") (param i32) (result i32)
    (i32.add (call $forever (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
  (func $spin (loop (br 0)))
  (func (export "spin") (call $spin))
  (func (export "out") (drop (i32.load offset=10 (i32.const 65530)))))"#;

/// What runs code: dispatches of the interpreter, and machine code.
const RUNS: [&[&str]; 3] = [&["--dispatch", "auto"], &["--dispatch", "loop"], &["--tier", "aot"]];

/// The name of the operator at that byte of a module, as `disasm` lists it.
fn operator(module: &str, offset: &Value) -> String {
    let listed = gristmill(&["disasm", module, "--profile", "general", "--json"]).exits(0).json();
    let functions = listed["functions"].as_array().unwrap().iter();
    let mut operators = functions.flat_map(|function| function["operators"].as_array().unwrap());
    operators.find(|op| op["offset"] == *offset).expect("an operator starts there")["name"].as_str().unwrap().into()
}

fn frames(run: &Value) -> Vec<(String, Value)> {
    let frames = run["error"]["frames"].as_array().unwrap().iter();
    frames.map(|frame| (frame["name"].as_str().unwrap_or("?").to_string(), frame["offset"].clone())).collect()
}

/// A function to call, more arguments, and of each frame function and operator.
type Expected<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, &'a str)]);

#[test]
fn frames_are_innermost_first_with_their_operators() {
    let module = file(&folder("backtrace"), "m.wat", MODULE);
    let expected: [Expected<'_>; 3] = [
        ("trap", &[], &[("deep", "i32.div_u"), ("indirect", "call_indirect"), ("trap", "call")]),
        ("out", &[], &[("out", "i32.load")]),
        // The block that is entered by the branch.
        ("spin", &["--gas", "2000"], &[("spin", "br"), ("spin", "call")]),
    ];
    for by in RUNS {
        for (invoked, more, expected) in expected {
            let run = gristmill(&[&["run", &module, "--invoke", invoked, "--json"], by, more].concat());
            let frames = frames(&run.exits(1).json());
            let operators = frames.iter().map(|(name, offset)| (name.clone(), operator(&module, offset)));
            let operators: Vec<_> = operators.collect();
            let mut expected: Vec<_> = expected.iter().map(|(name, op)| (name.to_string(), op.to_string())).collect();
            if invoked == "spin" && by.contains(&"aot") {
                // Machine code looks at the gas at the head of a loop.
                expected[0].1 = "loop".into();
            }
            assert_eq!(operators, expected, "{invoked} with {by:?}");
        }
    }
    let text = gristmill(&["run", &module, "--invoke", "trap"]).exits(1);
    text.complains("trap: integer divide by zero in `deep` (function 0)\n  0: ").complains("`indirect` (function 1)\n");
}

#[test]
fn a_stack_that_overflowed_is_cut() {
    let here = folder("backtrace_deep");
    let module = file(&here, "m.wat", MODULE);
    let dump = here.join("core.wasm");
    for by in RUNS {
        let args = ["run", &module, "--invoke", "forever", "0", "--json", "--coredump", dump.to_str().unwrap()];
        let run = gristmill(&[&args[..], by].concat()).exits(1).json();
        let error = &run["error"];
        assert_eq!(error["frames"].as_array().unwrap().len(), 32);
        let all = error["frames_left_out"].as_u64().unwrap() + 32;
        assert!(all > 1_000, "{all}");
        // The innermost one could not be entered: it is at its first operator. All others are at their call.
        assert_eq!(operator(&module, &error["frames"][0]["offset"]), "local.get");
        assert_eq!(operator(&module, &error["frames"][1]["offset"]), "call");
        let bytes = std::fs::read(&dump).unwrap();
        let stack = read(&bytes).stack;
        assert_eq!(stack.frames.len() as u64, all);
        if by.contains(&"aot") {
            assert!(stack.frames.iter().all(|frame| matches!(frame.locals[..], [CoreDumpValue::Missing])));
            continue;
        }
        // Every call got one more.
        let arguments = stack.frames.iter().map(|frame| match frame.locals[..] {
            [CoreDumpValue::I32(value)] => value as u64,
            ref other => panic!("{other:?}"),
        });
        assert!(arguments.eq((0..all).rev()));
    }
}

/// Compiled by clang from share.c beside it: line 6 is inlined into line 10, which line 16 calls.
#[test]
fn dwarf_tells_lines() {
    for by in RUNS {
        let run = gristmill(&[&["run", SHARE, "--invoke", "sum", "4", "--json"], by].concat()).exits(1).json();
        let lines: Vec<_> = run["error"]["frames"].as_array().unwrap().iter().map(|f| f["sources"].clone()).collect();
        let source = |line: u32, column: u32, inlined: Option<&str>| json!({ "file": "./share.c", "line": line, "column": column, "inlined": inlined });
        assert_eq!(
            lines,
            [json!([source(6, 16, Some("divide")), source(10, 10, None)]), json!([source(16, 12, None)])]
        );
    }
    gristmill(&["run", SHARE, "--invoke", "sum", "4"]).exits(1).complains("at ./share.c:6:16 (inlined `divide`)\n");
    gristmill(&["run", SHARE, "--invoke", "sum", "2"]).exits(0).says("16");
}

/// A coredump as an independent reader sees it.
struct Dump<'a> {
    name: String,
    modules: Vec<String>,
    instances: Vec<(u32, Vec<u32>, Vec<u32>)>,
    stack: CoreDumpStackSection<'a>,
    pages: Vec<(u64, Option<u64>)>,
    globals: Vec<String>,
    data: Vec<(u32, String, &'a [u8])>,
}

fn read(bytes: &[u8]) -> Dump<'_> {
    let (mut name, mut modules, mut instances, mut stack) = (None, Vec::new(), Vec::new(), None);
    let (mut pages, mut globals, mut data) = (Vec::new(), Vec::new(), Vec::new());
    let expression = |e: wasmparser::ConstExpr<'_>| {
        let op = e.get_operators_reader().read().unwrap();
        format!("{op:?}")
    };
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.unwrap() {
            Payload::CustomSection(section) => match section.as_known() {
                KnownCustom::CoreDump(core) => name = Some(core.name.to_string()),
                KnownCustom::CoreDumpModules(list) => modules = list.modules.iter().map(|m| m.to_string()).collect(),
                KnownCustom::CoreDumpInstances(list) => {
                    let each = list.instances.into_iter();
                    instances = each.map(|i| (i.module_index, i.memories, i.globals)).collect();
                }
                KnownCustom::CoreDumpStack(_) => {
                    let reader = BinaryReader::new(section.data(), section.data_offset());
                    stack = Some(CoreDumpStackSection::new(reader).unwrap());
                }
                _ => panic!("section {}", section.name()),
            },
            Payload::MemorySection(list) => {
                pages = list.into_iter().map(|m| m.unwrap()).map(|m| (m.initial, m.maximum)).collect();
            }
            Payload::GlobalSection(list) => {
                globals = list.into_iter().map(|g| expression(g.unwrap().init_expr)).collect();
            }
            Payload::DataSection(list) => {
                for segment in list.into_iter().map(Result::unwrap) {
                    let wasmparser::DataKind::Active { memory_index, offset_expr } = segment.kind else { panic!() };
                    data.push((memory_index, expression(offset_expr), segment.data));
                }
            }
            _ => {}
        }
    }
    Dump { name: name.unwrap(), modules, instances, stack: stack.unwrap(), pages, globals, data }
}

fn value(value: &CoreDumpValue) -> String {
    match value {
        CoreDumpValue::Missing => "missing".into(),
        CoreDumpValue::I32(v) => format!("i32 {v}"),
        CoreDumpValue::I64(v) => format!("i64 {v}"),
        CoreDumpValue::F32(v) => format!("f32 {}", f32::from_bits(v.bits())),
        CoreDumpValue::F64(v) => format!("f64 {}", f64::from_bits(v.bits())),
    }
}

#[test]
fn a_coredump_has_what_was_there() {
    let here = folder("coredump");
    let module = file(&here, "m.wat", MODULE);
    let path = here.join("core.wasm");
    let path = path.to_str().unwrap();
    let dump = |invoke: &str, by: &[&str]| {
        gristmill(&[&["run", &module, "--invoke", invoke, "--coredump", path], by].concat()).exits(1);
        std::fs::read(path).unwrap()
    };
    let run = gristmill(&["run", &module, "--invoke", "trap", "--json"]).exits(1).json();
    for by in RUNS {
        let bytes = dump("trap", by);
        let dump = read(&bytes);
        assert!(dump.name.ends_with("m.wat"));
        assert_eq!(dump.modules[..], [&*dump.name]);
        assert_eq!(dump.instances, [(0, vec![0], vec![0, 1])]);
        assert_eq!(dump.pages, [(1, Some(2))]);
        assert_eq!(dump.globals, ["I64Const { value: 8 }", "F32Const { value: Ieee32(1069547520) }"]);
        let [(0, at, data)] = &dump.data[..] else { panic!("one block is not zero") };
        assert_eq!((at.as_str(), data.len()), ("I32Const { value: 0 }", 4_096));
        assert_eq!(data[70..75], [4, 3, 2, 1, 0]);
        let frames = dump.stack.frames.iter();
        let frames: Vec<_> = frames
            .map(|f| (f.funcidx, f.locals.iter().map(value).collect::<Vec<_>>().join(", "), f.stack.len()))
            .collect();
        // Machine code keeps no locals.
        let expected = match by.contains(&"aot") {
            false => [(0, "i32 0, i64 -3, f64 0.25"), (1, "missing, i32 0"), (2, "")],
            true => [(0, "missing, missing, missing"), (1, "missing, missing"), (2, "")],
        };
        assert_eq!(frames, expected.map(|(function, locals)| (function, locals.to_string(), 0)));
        // Offsets count from where a body starts; both lists are in the same order.
        let starts = bodies(&wat::parse_file(&module).unwrap());
        let offsets = run["error"]["frames"].as_array().unwrap().iter().map(|f| f["offset"].as_u64().unwrap());
        let is: Vec<_> =
            dump.stack.frames.iter().map(|f| u64::from(f.codeoffset) + starts[f.funcidx as usize]).collect();
        assert_eq!(is, offsets.collect::<Vec<_>>());
    }
    // No trap, no coredump.
    let none = here.join("none.wasm");
    let good = ["run", SHARE, "--invoke", "sum", "1", "--coredump", none.to_str().unwrap()];
    gristmill(&good).exits(0);
    assert!(!none.exists());
    gristmill(&["run", &module, "--invoke", "trap", "--coredump", "no/such/folder.wasm"])
        .exits(1)
        .complains("no coredump");
}

#[test]
fn a_coredump_has_all_memories() {
    let here = folder("coredump_memories");
    let module = r#"(module (memory 1) (memory i64 2 9) (memory 5 (pagesize 1))
      (data (memory 1) (i64.const 65537) "here") (data (memory 2) (i32.const 4) "!")
      (func (export "trap") (drop (i32.load 1 (i64.const 0x100000000)))))"#;
    let (module, path) = (file(&here, "m.wat", module), here.join("core.wasm"));
    let path = path.to_str().unwrap();
    gristmill(&["run", &module, "--invoke", "trap", "--coredump", path]).exits(1).complains("out of bounds");
    let bytes = std::fs::read(path).unwrap();
    let dump = read(&bytes);
    assert_eq!(dump.instances, [(0, vec![0, 1, 2], vec![])]);
    assert_eq!(dump.pages, [(1, None), (2, Some(9)), (5, None)]);
    let [(1, at, wide), (2, _, bytes)] = &dump.data[..] else { panic!("{:?}", dump.data) };
    assert_eq!((at.as_str(), &wide[..5]), ("I64Const { value: 65536 }", &b"\0here"[..]));
    assert_eq!(bytes, b"\0\0\0\0!");
    // Each of the proposals can be refused.
    for proposal in ["multi-memory", "memory64", "custom-page-sizes,simd"] {
        gristmill(&["run", &module, "--invoke", "trap", "--without", proposal]).exits(3);
        gristmill(&["check", &module, "--profile", "general", "--without", proposal]).exits(3).says("refused");
    }
    gristmill(&["check", &module, "--profile", "general", "--without", "simd"]).exits(0);
    gristmill(&["check", &module, "--without", "no-such-thing"]).exits(2).complains("the proposals are simd");
}

fn bodies(module: &[u8]) -> Vec<u64> {
    let payloads = Parser::new(0).parse_all(module).map(Result::unwrap);
    payloads
        .filter_map(|p| if let Payload::CodeSectionEntry(body) = p { Some(body.range().start) } else { None })
        .collect()
}

#[test]
fn contracts_tell_where_they_trapped() {
    let module = r#"(module
      (import "ethereum" "callDataCopy" (func $copy (param i32 i32 i32)))
      (import "ethereum" "getCallDataSize" (func $size (result i32)))
      (memory (export "memory") 1)
      (func $check (param i32) (if (i32.eqz (local.get 0)) (then (unreachable))))
      (func $load (param i32) (call $copy (i32.const 0) (i32.const 0) (local.get 0)))
      (func (export "main") (call $check (call $size)) (call $load (i32.const 9))))"#;
    let here = folder("backtrace_contract");
    let runtime = file(&here, "runtime.wat", module);
    gristmill(&["pack", &runtime]).exits(0);
    let creation = here.join("runtime.creation.wasm");
    let creation = creation.to_str().unwrap();
    let dump = here.join("core.wasm");
    for by in RUNS {
        let call = |data: &str| {
            let args = ["call", "--deploy", creation, data, "--json", "--coredump", dump.to_str().unwrap()];
            gristmill(&[&args[..], by].concat())
        };
        let names = |run: &Value| {
            let frames = run["trap"]["frames"].as_array().unwrap().iter();
            frames.map(|f| f["name"].as_str().unwrap().to_string()).collect::<Vec<_>>()
        };
        let run = call("0x").exits(1).json();
        assert_eq!((&run["trap"]["trap"], &run["trap"]["depth"]), (&json!("Unreachable"), &json!(0)));
        assert_eq!(names(&run), ["check", "main"]);
        assert_eq!(run["trap"]["contract"], run["contract"]);
        // The trap of a host function is in the function that called it.
        let run = call("0x00").exits(1).json();
        assert_eq!(run["trap"]["trap"], "InvalidMemoryAccess");
        assert_eq!(names(&run), ["load", "main"]);
        let bytes = std::fs::read(&dump).unwrap();
        std::fs::remove_file(&dump).unwrap();
        let stack = read(&bytes).stack;
        assert_eq!(stack.frames.iter().map(|f| f.funcidx).collect::<Vec<_>>(), [3, 4]);
        let aot = by.contains(&"aot");
        assert!(match stack.frames[0].locals[..] {
            [CoreDumpValue::I32(9)] => !aot,
            [CoreDumpValue::Missing] => aot,
            _ => false,
        });
        // All is well: nothing to tell, nothing to write.
        let run = call("0x000000000000000000").exits(0).json();
        assert!(run.get("trap").is_none() && !dump.exists());
    }
    gristmill(&["call", "--deploy", creation])
        .exits(1)
        .says("unreachable in `check` (function 2)")
        .says("`main` (function 4)");
    let trapping =
        file(&here, "t.wat", r#"(module (memory (export "memory") 1) (func (export "main") (unreachable)))"#);
    gristmill(&["deploy", &trapping]).exits(1).says("unreachable in `main` (function 0) (creation of 0x");
    gristmill(&["call", "--deploy", &trapping]).exits(1).complains("unreachable in `main`");
    gristmill(&["call", "--deploy", creation, "--vm", "x.so", "--coredump", "y"]).exits(2).complains("plugin");
}

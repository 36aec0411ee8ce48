//! `gristmill gas` and `gristmill disasm`: prices by hand, and that both speak of the code that runs.

mod common;

use common::{file, folder, gristmill, root};
use gristmill::{Config, Engine, Module, Profile, Schedule};
use serde_json::{Value, json};

const MODULE: &str = r#"(module
  (import "ethereum" "finish" (func $finish (param i32 i32)))
  (import "ethereum" "callDataCopy" (func $copy (param i32 i32 i32)))
  (import "env" "other" (func))
  (memory (export "memory") 1)
  (func $sum (param $n i32) (result i32) (local $s i32)
    (loop $again
      (local.set $s (i32.add (local.get $s) (local.get $n)))
      (br_if $again (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (local.get $s))
  (func (export "main") (export "again")
    (block $out
      (br_if $out (i32.eqz (i32.load offset=8 (i32.const 0))))
      (i32.store (i32.const 0) (call $sum (i32.const 10)))
      (call $finish (i32.const 0) (i32.const 4))
      (unreachable)
      (drop (i32.const 7)))))"#;

#[test]
fn mistakes_have_their_own_exit_codes() {
    let here = folder("inspect_mistakes");
    let module = file(&here, "module.wat", MODULE);
    let float = file(&here, "float.wat", "(module (func (drop (f32.const 1.5))))");
    for command in ["gas", "disasm"] {
        gristmill(&[command]).exits(2);
        gristmill(&[command, "no/such/file.wasm"]).exits(4);
        gristmill(&[command, &float]).exits(3).complains("float");
        gristmill(&[command, &float, "--profile", "general"]).exits(0);
        gristmill(&[command, &module, "--function", "nothing"]).exits(2).complains("`nothing`");
        // Imported ones have no code.
        gristmill(&[command, &module, "--function", "0"]).exits(2);
        gristmill(&[command, &module, "--schedule", "v0"]).exits(2);
    }
}

/// Prices of engine/docs/gas.md added up by hand: operators and particles of each block, what it stands behind.
#[test]
fn blocks_cost_what_the_page_says() {
    let module = file(&folder("gas_blocks"), "module.wat", MODULE);
    let json = gristmill(&["gas", &module, "--json"]).exits(0).json();
    let blocks = |function: usize| {
        let blocks = json["functions"][function]["blocks"].as_array().unwrap().iter();
        blocks.map(|b| json!([b["operators"], b["particles"], b["behind"], b["loop_head"]])).collect::<Vec<_>>()
    };
    assert_eq!(
        blocks(0),
        [
            json!([1, 0, null, false]),
            // 5 times a local (60), 2 constants (10), add, sub and gt_s (45), br_if (135).
            json!([11, 590, "loop", true]),
            // `end` of the loop, a local, `end` of the function.
            json!([3, 60, "br_if", false]),
        ]
    );
    assert_eq!(
        blocks(1),
        [
            // block, a constant (10), a load (135), eqz (45), br_if (135).
            json!([5, 325, null, false]),
            // 2 constants, call (90).
            json!([3, 110, "br_if", false]),
            // A store (135), 2 constants, call.
            json!([4, 245, "call", false]),
            json!([1, 0, "call", false]),
            json!([1, 0, "end", false]),
        ]
    );
    let function = &json["functions"][0];
    assert_eq!((&function["index"], &function["name"], &function["exports"]), (&3.into(), &json!("sum"), &json!([])));
    // 90, and 5 for a declared local.
    assert_eq!((&function["entry_particles"], &function["gas"]), (&95.into(), &json!("0.0650")));
    assert_eq!(json["functions"][1]["exports"], json!(["main", "again"]));
    let total = json!({ "functions": 2, "blocks": 8, "operators": 29, "particles": 1330, "gas": "0.1330" });
    assert_eq!(json["total"], total);

    let host = json["host_functions"].as_array().unwrap();
    assert_eq!(host[0], json!({ "name": "ethereum.finish", "price": "prices::FREE" }));
    assert!(host[1]["price"].as_str().unwrap().starts_with("prices::VERY_LOW + "), "{host:?}");
    assert_eq!(host[2]["price"], Value::Null);

    let unit = gristmill(&["gas", &module, "--schedule", "unit", "--function", "sum", "--json"]).exits(0).json();
    assert_eq!(unit["functions"].as_array().unwrap().len(), 1);
    assert_eq!(unit["functions"][0]["blocks"][1]["gas"], "11.0000");
    let text = gristmill(&["gas", &module, "--function", "again"]).exits(0);
    text.says("`main` (function 4): 14 operators, 680 particles (0.0680 gas), entry 90 particles");
}

#[test]
fn operators_plan_and_ops_stand_side_by_side() {
    let module = file(&folder("disasm"), "module.wat", MODULE);
    let json = gristmill(&["disasm", &module, "--json"]).exits(0).json();
    let main = &json["functions"][1];
    let operators = main["operators"].as_array().unwrap();
    let named = |name: &str| operators.iter().filter(|o| o["name"] == name).collect::<Vec<_>>();
    // What a comparison and its branch became stands at the branch.
    assert_eq!(named("i32.eqz")[0]["ops"], json!([]));
    assert!(named("br_if")[0]["ops"][0].as_str().unwrap().starts_with("BrI32"), "{operators:?}");
    assert!(named("i32.load")[0]["ops"][0].as_str().unwrap().starts_with("Load32U"));
    assert_eq!(named("i32.load")[0]["immediates"], "offset=8");
    assert_eq!((&named("drop")[0]["live"], &named("drop")[0]["ops"]), (&false.into(), &json!([])));
    let offsets: Vec<_> = operators.iter().map(|o| o["offset"].as_u64().unwrap()).collect();
    assert!(offsets.is_sorted());
    let bytes = wat::parse_str(MODULE).unwrap();
    assert_eq!(bytes[named("drop")[0]["offset"].as_u64().unwrap() as usize], 0x1a);
    assert_eq!(bytes[named("unreachable")[0]["offset"].as_u64().unwrap() as usize], 0x00);
    gristmill(&["disasm", &module, "--function", "main"])
        .exits(0)
        .says("; block 1: 3 operators, 110 particles (0.0110 gas)  behind br_if")
        .says("call 3 `sum`")
        .says("dead");
}

/// Over the bundled contracts: the listing is of the code that a load makes, its blocks have all reachable operators, and
/// only those became something.
#[test]
fn listings_are_of_the_code_that_runs() {
    let mut modules = 0;
    for folder in std::fs::read_dir(root().join("soll-fixtures")).unwrap() {
        let Ok(files) = std::fs::read_dir(folder.unwrap().path()) else { continue };
        let files = files.map(|file| file.unwrap().path());
        for path in files.filter(|path| path.extension().is_some_and(|e| e == "wasm")) {
            let bytes = std::fs::read(&path).unwrap();
            for schedule in [Schedule::V1, Schedule::Unit] {
                let engine = Engine::new(Config::new().profile(Profile::chain1()).schedule(schedule)).unwrap();
                let Ok(module) = Module::new(&engine, &bytes) else { continue };
                let (_, listings) = Module::listing(&engine, &bytes).unwrap();
                let listed = listings
                    .iter()
                    .flat_map(|l| l.ops.iter().map(|op| (l.function, op.text.split(' ').next().unwrap().to_string())));
                assert!(listed.eq(module.disassemble()), "{}", path.display());
                for listing in &listings {
                    let live = || listing.operators.iter().filter(|operator| operator.live);
                    let price: u64 = live().map(|operator| operator.op.cost(schedule).0).sum();
                    assert_eq!(listing.blocks.iter().map(|block| block.cost.0).sum::<u64>(), price);
                    assert_eq!(
                        listing.blocks.iter().map(|block| block.operators as usize).sum::<usize>(),
                        live().count()
                    );
                    assert!(listing.ops.is_sorted_by_key(|op| op.operator));
                    assert!(listing.ops.iter().all(|op| listing.operators[op.operator].live), "{listing:?}");
                }
                modules += 1;
            }
        }
    }
    assert!(modules > 60, "{modules}");
}

#[test]
fn cache_keeps_what_was_used_last() {
    let here = folder("cache");
    let module = |name: &str, filler: usize| {
        let data = "x".repeat(filler);
        let text =
            format!(r#"(module (memory (export "memory") 1) (func (export "main")) (data (i32.const 0) "{data}"))"#);
        file(&here, name, &text)
    };
    let (a, b, large) = (module("a.wat", 10), module("b.wat", 20), module("large.wat", 9_000));
    // An entry counts 4 KiB beyond its code, so two fit into 9,000 bytes and the largest alone does not.
    let run = gristmill(&["cache", "--size", "9000", &a, &b, &a, &large, "--json"]).exits(0).json();
    let states: Vec<_> = run["files"].as_array().unwrap().iter().map(|f| f["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["loaded", "loaded", "found", "too large"]);
    assert_eq!(run["kept"], 2);
    // Room for one: the other goes, and is loaded again.
    gristmill(&["cache", "--size", "5000", &a, &b, &a]).exits(0).says("kept 1 contracts").says("loaded");
    gristmill(&["cache", "/nowhere.wasm"]).exits(4);
}

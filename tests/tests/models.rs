//! Real models (`conformance/models`) through a guest, on both tiers: outputs of the reference runtimes.

use gristmill::{Config, Engine, Instance, Linker, Module, Store, Val};
use gristmill_aot::{Aot, Options};
use gristmill_ext_grants::{Granted, Grants, Model};
use gristmill_ext_nn::{Models, Nn, add_to_linker};
use gristmill_tests::shared;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// How far an output may be from the reference.
const TOLERANCE: f64 = 1e-4;

/// A guest that classifies: it loads the model called `model`, gives it inputs whose records lie behind each other, and copies
/// outputs behind each other, each with its length before it.
const GUEST: &str = r#"(module
  (import "wasi_ephemeral_nn" "load_by_name" (func $load (param i32 i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "init_execution_context" (func $init (param i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "set_input" (func $set_input (param i32 i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "compute" (func $compute (param i32) (result i32)))
  (import "wasi_ephemeral_nn" "get_output" (func $get_output (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 64)
  (data (i32.const 16) "model")
  (global $context (mut i32) (i32.const 0))
  (func (export "open") (result i32)
    (local $errno i32)
    (local.tee $errno (call $load (i32.const 16) (i32.const 5) (i32.const 0)))
    if (return (local.get $errno)) end
    (local.set $errno (call $init (i32.load (i32.const 0)) (i32.const 0)))
    (global.set $context (i32.load (i32.const 0)))
    (local.get $errno))
  ;; Records of 20 bytes at 1024; outputs at 2 MiB, whose end it returns, or a number below 100 when something fails.
  (func (export "run") (param $inputs i32) (param $outputs i32) (result i32)
    (local $i i32) (local $errno i32) (local $at i32)
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $inputs)))
      (local.tee $errno (call $set_input (global.get $context) (local.get $i)
        (i32.add (i32.const 1024) (i32.mul (local.get $i) (i32.const 20)))))
      if (return (local.get $errno)) end
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
    (local.tee $errno (call $compute (global.get $context)))
    if (return (local.get $errno)) end
    (local.set $i (i32.const 0))
    (local.set $at (i32.const 0x200000))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $outputs)))
      (local.tee $errno (call $get_output (global.get $context) (local.get $i)
        (i32.add (local.get $at) (i32.const 4)) (i32.const 0x100000) (local.get $at)))
      if (return (local.get $errno)) end
      (local.set $at (i32.add (i32.add (local.get $at) (i32.const 4)) (i32.load (local.get $at))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
    (local.get $at)))"#;

struct Guest {
    store: Store<Nn>,
    instance: Instance,
}

/// An input: the number of its type, dimensions, bytes.
type Input = (u32, Vec<u32>, Vec<u8>);

impl Guest {
    fn call(&mut self, name: &str, args: &[Val]) -> i32 {
        let mut results = [Val::I32(0)];
        let func = self.instance.get_func(&self.store, name).unwrap();
        func.call(&mut self.store, args, &mut results).unwrap();
        results[0].i32().unwrap()
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        let memory = self.instance.get_memory(&self.store, "memory").unwrap();
        memory.data_mut(&mut self.store)[at..][..bytes.len()].copy_from_slice(bytes);
    }

    /// Runs the model: its outputs, as floats.
    fn run(&mut self, inputs: &[Input], outputs: usize) -> Vec<Vec<f32>> {
        let (mut at, mut dims_at) = (65_536, 2_048);
        for (i, (ty, dims, bytes)) in inputs.iter().enumerate() {
            let words = [dims_at, dims.len(), *ty as usize, at, bytes.len()].map(|word| (word as u32).to_le_bytes());
            self.put(1_024 + 20 * i, words.as_flattened());
            let words: Vec<u8> = dims.iter().flat_map(|dim| dim.to_le_bytes()).collect();
            self.put(dims_at, &words);
            self.put(at, bytes);
            (at, dims_at) = (at + bytes.len().next_multiple_of(8), dims_at + words.len());
        }
        let end = self.call("run", &[Val::I32(inputs.len() as i32), Val::I32(outputs as i32)]);
        assert!(end >= 100, "errno {end}: {:?}", self.store.data().failure());
        let memory = self.instance.get_memory(&self.store, "memory").unwrap().data(&self.store);
        let mut rest = &memory[0x20_0000..end as usize];
        let mut output = || {
            let (len, behind) = rest.split_first_chunk::<4>().unwrap();
            let (bytes, behind) = behind.split_at(u32::from_le_bytes(*len) as usize);
            rest = behind;
            bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
        };
        (0..outputs).map(|_| output()).collect()
    }
}

/// A guest on each tier, all with the same models.
fn guests(file: &Path) -> Vec<(&'static str, Guest)> {
    let config = Config::new();
    let aot = Aot::new(Options::default()).unwrap();
    let engines = [
        ("interpreter", Engine::new(&config).unwrap()),
        ("aot", Engine::with_compiler(&config, Arc::new(aot)).unwrap()),
    ];
    let models = Arc::new(Models::default());
    let guest = |engine: Engine| {
        let module = Module::new(&engine, &wat::parse_str(GUEST).unwrap()).unwrap();
        let grant = Model {
            name: "model".into(),
            file: file.into(),
            digest: None,
            encoding: "autodetect".into(),
            target: "cpu".into(),
            backend: None,
        };
        let granted = Granted::quiet(Grants { models: vec![grant], ..Grants::default() });
        let mut linker = Linker::new(&engine);
        add_to_linker(&mut linker, |nn| nn).unwrap();
        let mut store = Store::new(&engine, Nn::new(granted, models.clone()));
        let instance = linker.instantiate(&mut store, &module).unwrap();
        let mut guest = Guest { store, instance };
        let errno = guest.call("open", &[]);
        assert_eq!(errno, 0, "{:?}", guest.store.data().failure());
        guest
    };
    engines.into_iter().map(|(name, engine)| (name, guest(engine))).collect()
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list")).iter().map(|it| it.as_f64().unwrap()).collect()
}

fn floats(value: &Value) -> Vec<u8> {
    numbers(value).iter().flat_map(|number| (*number as f32).to_le_bytes()).collect()
}

/// Dimensions of a list of numbers, or those that are told.
fn form(value: &Value) -> Vec<u32> {
    numbers(value).iter().map(|number| *number as u32).collect()
}

#[track_caller]
fn near(what: &str, got: &[f32], wanted: &[f64]) {
    assert_eq!(got.len(), wanted.len(), "{what}");
    for (i, (got, wanted)) in got.iter().zip(wanted).enumerate() {
        // Of large numbers, floats themselves do not tell the last digits.
        let allowed = TOLERANCE * wanted.abs().max(1.0);
        assert!((f64::from(*got) - wanted).abs() <= allowed, "{what}, element {i}: {got}, and not {wanted}");
    }
}

#[test]
fn magika_tells_what_a_file_is() {
    let Some(folder) = shared("conformance/models") else { return };
    let cases = read(&folder.join("magika-cases.json"));
    for (tier, mut guest) in guests(&folder.join("magika-standard_v3_3.onnx")) {
        for case in cases["cases"].as_array().unwrap() {
            let what = format!("{tier}, {}", case["name"]);
            let bytes = numbers(&case["input_i32"]).iter().flat_map(|it| (*it as i32).to_le_bytes()).collect();
            // 4 is i32.
            let outputs = guest.run(&[(4, form(&case["input_shape"]), bytes)], 1);
            near(&what, &outputs[0], &numbers(&case["output_f32"]));
            let best = (0..outputs[0].len()).max_by(|a, b| outputs[0][*a].total_cmp(&outputs[0][*b])).unwrap();
            assert_eq!(best as u64, case["argmax"].as_u64().unwrap(), "{what}");
        }
    }
}

#[test]
fn silero_hears_voices() {
    let Some(folder) = shared("conformance/models") else { return };
    let cases = read(&folder.join("silero-cases.json"));
    for (tier, mut guest) in guests(&folder.join("silero_vad_16k_sequence.onnx")) {
        for case in cases["cases"].as_array().unwrap() {
            let what = format!("{tier}, {}", case["name"]);
            let state = || (1, vec![1, 1, 128], vec![0; 512]);
            let inputs = [(1, form(&case["input_shape"]), floats(&case["input_f32"])), state(), state()];
            let outputs = guest.run(&inputs, 3);
            near(&what, &outputs[0], &numbers(&case["speech_probs"]));
            near(&what, &outputs[1][..8], &numbers(&case["hn_first8"]));
            near(&what, &outputs[2][..8], &numbers(&case["cn_first8"]));
        }
    }
}

/// The picture of a case, 128 by 128, from -1 to 1.
fn picture(case: &Value) -> Vec<f32> {
    match case["name"].as_str().unwrap() {
        "black" => vec![-1.0; 128 * 128 * 3],
        "gradient" => {
            let pixel = |at: usize| [(at % 128) as f32 / 63.5 - 1.0, (at / 128) as f32 / 63.5 - 1.0, 0.0];
            (0..128 * 128).flat_map(pixel).collect()
        }
        _ => {
            let bytes = hex::decode(case["input_u8_hex"].as_str().unwrap()).unwrap();
            bytes.iter().map(|byte| f32::from(*byte) / 127.5 - 1.0).collect()
        }
    }
}

#[test]
fn a_face_is_where_it_is() {
    let Some(folder) = shared("conformance/models") else { return };
    let cases = read(&folder.join("face-cases.json"));
    for (tier, mut guest) in guests(&folder.join("face_detection_short_range.tflite")) {
        for case in cases["cases"].as_array().unwrap() {
            let what = format!("{tier}, {}", case["name"]);
            let bytes = picture(case).iter().flat_map(|it| it.to_le_bytes()).collect();
            let outputs = guest.run(&[(1, vec![1, 128, 128, 3], bytes)], 2);
            let (boxes, scores) = (&outputs[0], &outputs[1]);
            let every_8th: Vec<_> = scores.iter().step_by(8).copied().collect();
            near(&what, &every_8th, &numbers(&case["classificators_every_8th"]));
            let top = (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap();
            assert_eq!(top as u64, case["top_index"].as_u64().unwrap(), "{what}");
            near(&what, &[scores[top]], &[case["top_score"].as_f64().unwrap()]);
            near(&what, &boxes[16 * top..][..16], &numbers(&case["top_box"]));
            let sum: f64 = boxes.iter().map(|it| f64::from(*it)).sum();
            near(&what, &[sum as f32], &[case["regressors_sum"].as_f64().unwrap()]);
        }
    }
}

//! What inference costs through a guest, against tract called natively: turn by turn in one run, medians, as a ratio.
//!
//! ```text
//! cargo run --release -p gristmill-ext-nn --example ratio -- model.tflite 200 1x128x128x3
//! ```

use gristmill::{Config, Engine, Linker, Module, Store};
use gristmill_ext_grants::{Granted, Grants, Model};
use gristmill_ext_nn::{Encoding, Models, Nn, add_to_linker};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tract_onnx::tract_hir::internal::*;

/// The guest: opens the model, and in each round sets the input, computes, and gets the first output.
const GUEST: &str = r#"(module
  (import "wasi_ephemeral_nn" "load_by_name" (func $load (param i32 i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "init_execution_context" (func $init (param i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "set_input" (func $set_input (param i32 i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "compute" (func $compute (param i32) (result i32)))
  (import "wasi_ephemeral_nn" "get_output" (func $get_output (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 256)
  (data (i32.const 16) "model")
  (global $context (mut i32) (i32.const 0))
  (func (export "open") (result i32)
    (i32.or
      (call $load (i32.const 16) (i32.const 5) (i32.const 0))
      (call $init (i32.load (i32.const 0)) (i32.const 4)))
    (global.set $context (i32.load (i32.const 4))))
  (func (export "round") (result i32)
    (i32.or
      (i32.or
        (call $set_input (global.get $context) (i32.const 0) (i32.const 64))
        (call $compute (global.get $context)))
      (call $get_output (global.get $context) (i32.const 0) (i32.const 0x800000) (i32.const 0x800000) (i32.const 0)))))"#;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, rounds, dims] = &arguments[..] else {
        return Err("a model, rounds, and the form of its input of floats".into());
    };
    let dims: Vec<usize> = dims.split('x').map(str::parse).collect::<Result<_, _>>()?;
    let (file, rounds) = (Path::new(file), rounds.parse::<usize>()?);
    let size = 4 * dims.iter().product::<usize>();

    let engine = Engine::new(&Config::new())?;
    let mut linker = Linker::new(&engine);
    add_to_linker(&mut linker, |nn: &mut Nn| nn)?;
    let grant = Model {
        name: "model".into(),
        file: file.into(),
        digest: None,
        encoding: "autodetect".into(),
        target: "cpu".into(),
    };
    let granted = Granted::quiet(Grants { models: vec![grant], ..Grants::default() });
    let mut store = Store::new(&engine, Nn::new(granted, Arc::new(Models::default())));
    let instance = linker.instantiate(&mut store, &Module::new(&engine, &wat::parse_str(GUEST)?)?)?;
    let record = [32, dims.len(), 1, 0x10_0000, size].map(|word| (word as u32).to_le_bytes());
    let numbers: Vec<u8> = dims.iter().flat_map(|dim| (*dim as u32).to_le_bytes()).collect();
    let memory = instance.get_memory(&store, "memory").ok_or("no memory")?;
    memory.data_mut(&mut store)[32..][..numbers.len()].copy_from_slice(&numbers);
    memory.data_mut(&mut store)[64..84].copy_from_slice(record.as_flattened());
    let open = instance.get_typed_func::<(), i32>(&store, "open")?;
    let round = instance.get_typed_func::<(), i32>(&store, "round")?;
    if open.call(&mut store, ())? != 0 {
        return Err(format!("{:?}", store.data().failure()).into());
    }

    let bytes = std::fs::read(file)?;
    let model = match Encoding::of_bytes(&bytes) {
        Some(Encoding::TensorFlowLite) => tract_tflite::tflite().model_for_read(&mut &bytes[..])?.into_optimized()?,
        _ => {
            let mut model = tract_onnx::onnx().model_for_read(&mut &bytes[..])?;
            model.set_input_fact(0, InferenceFact::dt_shape(DatumType::F32, &dims[..]))?;
            model.into_optimized()?
        }
    };
    let plan = SimplePlan::new(model)?;
    let input = Tensor::zero_dt(DatumType::F32, &dims)?;
    let mut native = || plan.run(tvec![input.clone().into()]).map(drop);

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let begun = Instant::now();
        if round.call(&mut store, ())? != 0 {
            return Err(format!("{:?}", store.data().failure()).into());
        }
        ours.push(begun.elapsed());
        let begun = Instant::now();
        native()?;
        theirs.push(begun.elapsed());
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    println!("{}: guest {ours:?}, native {theirs:?}, ratio {ratio:.3} (medians of {rounds})", file.display());
    Ok(())
}

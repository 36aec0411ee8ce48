//! How long does an inference take from a guest, beside tract called natively? Input in, run, output out; the real models of
//! `conformance/models`, where `$GRISTMILL_CONFORMANCE` or `../shared` has it. The one of TensorFlow Lite has weights of 16 bits,
//! which are widened here and which tract alone refuses.

use gristmill::{Config, Engine, Linker, Module, Store};
use gristmill_aot::{Aot, Options};
use gristmill_ext_grants::{Granted, Grants, Model};
use gristmill_ext_nn::{Models, Nn, add_to_linker};
use gristmill_measure::{Contender, MICROSECONDS, Report};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tract_onnx::tract_hir::internal::{
    DatumType, Framework, InferenceFact, InferenceModelExt, SimplePlan, TVec, Tensor, TypedFact, TypedOp,
};

/// A model, the types and dimensions of its inputs, and the bytes of its first output.
struct Row {
    name: &'static str,
    file: &'static str,
    inputs: &'static [(DatumType, &'static [usize])],
    output: usize,
}

const ROWS: [Row; 2] = [
    Row { name: "magika", file: "magika-standard_v3_3.onnx", inputs: &[(DatumType::I32, &[1, 2048])], output: 4 * 214 },
    Row {
        name: "silero",
        file: "silero_vad_16k_sequence.onnx",
        inputs: &[(DatumType::F32, &[2, 576]), (DatumType::F32, &[1, 1, 128]), (DatumType::F32, &[1, 1, 128])],
        output: 4 * 2,
    },
];

/// Opens the model `model`. A round gives it inputs, of which there is a record of 20 bytes each at 1024, computes, and gets the
/// first output, which is at most 1 MiB.
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
    (i32.or
      (call $load (i32.const 16) (i32.const 5) (i32.const 0))
      (call $init (i32.load (i32.const 0)) (i32.const 4)))
    (global.set $context (i32.load (i32.const 4))))
  (func (export "round") (param $inputs i32) (result i32)
    (local $i i32) (local $errno i32)
    (loop $next
      (local.set $errno (i32.or (local.get $errno)
        (call $set_input (global.get $context) (local.get $i)
          (i32.add (i32.const 1024) (i32.mul (local.get $i) (i32.const 20))))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $inputs))))
    (i32.or (local.get $errno)
      (i32.or
        (call $compute (global.get $context))
        (call $get_output
          (global.get $context) (i32.const 0) (i32.const 0x300000) (i32.const 0x100000) (i32.const 8))))))"#;

const OUTPUT: usize = 0x30_0000;

/// Bytes of an input: small numbers that differ, of either type.
fn bytes(ty: DatumType, dims: &[usize]) -> Vec<u8> {
    let words = (0..dims.iter().product()).map(|i: usize| match ty {
        DatumType::I32 => (i as i32 * 7 % 256).to_le_bytes(),
        _ => ((i * 7 % 256) as f32 / 256.0).to_le_bytes(),
    });
    words.flatten().collect()
}

/// A round of a guest, which gives the first output.
fn ours(engine: &Engine, models: &Arc<Models>, row: &Row, file: &Path) -> impl FnMut() -> Vec<u8> + use<> {
    let mut linker = Linker::new(engine);
    add_to_linker(&mut linker, |nn: &mut Nn| nn).expect("no name is there twice");
    let (name, encoding, target) = ("model".into(), "autodetect".into(), "cpu".into());
    let grant = Model { name, file: file.into(), digest: None, encoding, target, backend: None };
    let granted = Granted::quiet(Grants { models: vec![grant], ..Grants::default() });
    let mut store = Store::new(engine, Nn::new(granted, models.clone()));
    let module = Module::new(engine, &wat::parse_str(GUEST).expect("a module")).expect("a valid module");
    let instance = linker.instantiate(&mut store, &module).expect("everything is linked");
    let memory = instance.get_memory(&store, "memory").expect("it is exported");
    let (mut at, mut dims_at) = (0x1_0000, 0x800);
    for (i, (ty, dims)) in row.inputs.iter().enumerate() {
        let (bytes, number) = (bytes(*ty, dims), if *ty == DatumType::I32 { 4 } else { 1 });
        let record = [dims_at, dims.len(), number, at, bytes.len()].map(|word| (word as u32).to_le_bytes());
        let dims: Vec<u8> = dims.iter().flat_map(|dim| (*dim as u32).to_le_bytes()).collect();
        let memory = memory.data_mut(&mut store);
        memory[0x400 + 20 * i..][..20].copy_from_slice(record.as_flattened());
        memory[dims_at..][..dims.len()].copy_from_slice(&dims);
        memory[at..][..bytes.len()].copy_from_slice(&bytes);
        (at, dims_at) = (at + bytes.len(), dims_at + dims.len());
    }
    let open = instance.get_typed_func::<(), i32>(&store, "open").expect("it is exported");
    let round = instance.get_typed_func::<i32, i32>(&store, "round").expect("it is exported");
    assert_eq!(open.call(&mut store, ()).expect("no trap"), 0, "{:?}", store.data().failure());
    let (inputs, output) = (row.inputs.len() as i32, row.output);
    move || {
        let errno = round.call(&mut store, inputs).expect("no trap");
        assert_eq!(errno, 0, "{:?}", store.data().failure());
        memory.data(&store)[OUTPUT..][..output].to_vec()
    }
}

/// The same by tract alone.
fn native(row: &Row, file: &Path) -> impl FnMut() -> Vec<u8> + use<> {
    let model = std::fs::read(file).expect("the model can be read");
    let plan: Arc<SimplePlan<TypedFact, Box<dyn TypedOp>>> = tract_onnx::onnx()
        .model_for_read(&mut &model[..])
        .and_then(|mut model| {
            for (i, (ty, dims)) in row.inputs.iter().enumerate() {
                model.set_input_fact(i, InferenceFact::dt_shape(*ty, *dims))?;
            }
            SimplePlan::new(model.into_optimized()?)
        })
        .expect("tract takes the model");
    let inputs: Vec<_> = row.inputs.iter().map(|(ty, dims)| (*ty, *dims, bytes(*ty, dims))).collect();
    move || {
        let tensor = |(ty, dims, bytes): &(DatumType, &[usize], Vec<u8>)| {
            // SAFETY: of 4-byte numbers, every pattern of bits is one; a length that does not fit is an error.
            unsafe { Tensor::from_raw_dt(*ty, dims, bytes) }.expect("as many bytes as elements")
        };
        let inputs: TVec<_> = inputs.iter().map(|input| tensor(input).into()).collect();
        let outputs = plan.run(inputs).expect("the model runs");
        outputs[0].as_bytes().to_vec()
    }
}

fn main() {
    let conformance = std::env::var_os("GRISTMILL_CONFORMANCE").map(PathBuf::from);
    let place = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/conformance");
    let folder = conformance.unwrap_or_else(place).join("models");
    let aot = Aot::new(Options::default()).expect("a compiler for this machine");
    let compiled = Engine::with_compiler(&Config::new(), Arc::new(aot)).expect("an engine");
    let models = Arc::new(Models::default());
    let mut report = Report::from_arguments("nn: an inference from a guest, beside tract natively", MICROSECONDS);
    for row in &ROWS {
        if !report.wants(row.name) {
            continue;
        }
        let file = folder.join(row.file);
        let mut native = native(row, &file);
        let wanted = native();
        let guests = [("aot", &compiled), ("interp", &Engine::default())].map(|(name, engine)| {
            let mut round = ours(engine, &models, row, &file);
            assert!(round() == wanted, "{}: another output than tract's own", row.name);
            Contender::new(name, move || drop(black_box(round())))
        });
        let native = Contender::new("native", move || drop(black_box(native())));
        report.time(row.name, 1.0, true, &mut guests.into_iter().chain([native]).collect::<Vec<_>>());
    }
    report.finish();
}

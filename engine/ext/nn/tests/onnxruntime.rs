//! ONNX Runtime as a back end: the library that `GRISTMILL_ONNXRUNTIME` names, or nothing is tested beyond its absence.
#![cfg(feature = "onnxruntime")]

mod common;

use common::*;
use gristmill::{Error, Trap};
use gristmill_ext_grants::{Digest, Grants, Inference, Limits, Model, Prices};
use gristmill_ext_nn::{Backend, Encoding, Failure, Form, Models, OnnxRuntime, Origin, Tensor, Tract, Type, Watch};
use prost::Message;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tract_onnx::pb;

const F32_TYPE: u8 = 1;

/// The library, loaded.
fn library() -> Option<OnnxRuntime> {
    let Some(path) = std::env::var_os("GRISTMILL_ONNXRUNTIME") else {
        eprintln!("GRISTMILL_ONNXRUNTIME is not set: nothing is tested");
        return None;
    };
    Some(OnnxRuntime::load(Path::new(&path)).unwrap())
}

/// Behind tract.
fn models(library: &OnnxRuntime) -> Arc<Models> {
    Arc::new(Models::new(vec![Arc::new(Tract), Arc::new(library.clone())]))
}

/// A model in a file of that test, granted to ONNX Runtime.
fn grant(test: &str, model: &[u8]) -> Model {
    let file = folder(test).join("model.onnx");
    std::fs::write(&file, model).unwrap();
    granted(&file, Some("onnxruntime"))
}

/// A guest with that model, and a context of it.
fn ready(grant: Model, library: &OnnxRuntime, grants: Grants) -> (Run, i64) {
    let mut run = Run::of(WASI_NN, Grants { models: vec![grant], ..grants }, models(library), |nn| nn);
    let [ptr, len] = run.put(NAMES, b"model");
    run.is("load_by_name", &[ptr, len, OUT as i64], 0);
    let graph = run.u32_at(OUT).into();
    run.is("init_execution_context", &[graph, OUT as i64], 0);
    let context = run.u32_at(OUT).into();
    (run, context)
}

#[test]
fn what_is_no_library_is_told() {
    let here = folder("ort_none");
    let text = here.join("text");
    std::fs::write(&text, "no library").unwrap();
    for file in [here.join("none"), text, here] {
        let why = OnnxRuntime::load(&file).map(drop).unwrap_err().to_string();
        assert!(why.contains(&file.display().to_string()), "{why}");
    }
}

#[test]
fn one_library_a_process() {
    let Some(_) = library() else { return };
    assert!(library().is_some());
    let other = folder("ort_other").join("other.so");
    std::fs::write(&other, "").unwrap();
    let why = OnnxRuntime::load(&other).map(drop).unwrap_err().to_string();
    assert!(why.contains("has loaded"), "{why}");
}

#[test]
fn models_of_guests_never_get_there() {
    let Some(library) = library() else { return };
    let refused = library.load(Encoding::Onnx, &[&sum(&[2])], Origin::Guest).map(drop);
    assert_eq!(refused, Err(Failure::Unsupported("ONNX Runtime runs no models of guests".into())));
    // Alone, it leaves a guest that may bring models without; behind tract, tract runs them.
    let alone = Arc::new(Models::new(vec![Arc::new(library.clone())]));
    for encoding in [1, 5] {
        assert_eq!(Run::of(WASI_NN, own(), alone.clone(), |nn| nn).load(&sum(&[2]), encoding, 0), Err(6));
        assert!(Run::of(WASI_NN, own(), models(&library), |nn| nn).load(&sum(&[2]), encoding, 0).is_ok());
    }
}

#[test]
fn a_grant_names_it() {
    let Some(library) = library() else { return };
    let grant = grant("ort_grant", &sum(&[-1, 2]));
    let (mut run, context) = ready(grant.clone(), &library, Grants::default());
    for rows in [1, 3] {
        let given: Vec<f32> = (0..2 * rows).map(|number| number as f32).collect();
        assert_eq!(run.input(context, 0, F32_TYPE, &[rows, 2], &bytes(&given)), 0);
        run.is("compute", &[context], 0);
        let sums: Vec<f32> = given.iter().enumerate().map(|(i, it)| it + [1.0, 10.0][i % 2]).collect();
        assert_eq!(run.output(context, 0), bytes(&sums));
    }
    let models = models(&library);
    let digest = Some(Digest([7; 32]));
    assert!(models.granted(&Model { digest, ..grant.clone() }).is_err());
    // It runs ONNX and nothing else.
    let other = models.granted(&Model { encoding: "tensorflow".into(), ..grant }).map(drop);
    assert_eq!(other, Err(Failure::Encoding("no back end takes tensorflow".into())));
}

#[test]
fn inputs_are_what_the_model_takes() {
    let Some(library) = library() else { return };
    let square = onnx(pb::GraphProto {
        name: "square".into(),
        node: vec![operator("Add", &["a", "b"], "y")],
        // Both dimensions have one name: only the library sees that they differ.
        input: vec![value("a", F32, &[-1]), value("b", F32, &[-1])],
        output: vec![value("y", F32, &[-1])],
        ..Default::default()
    });
    let (mut run, context) = ready(grant("ort_inputs", &square), &library, Grants::default());
    let mut given = |inputs: [(u8, &[u32], usize); 2]| {
        for (index, (ty, dims, len)) in inputs.into_iter().enumerate() {
            match run.input(context, index as i64, ty, dims, &vec![0; len]) {
                0 => {}
                errno => return errno,
            }
        }
        run.call("compute", &[context]).unwrap()
    };
    assert_eq!(given([(F32_TYPE, &[2], 8), (F32_TYPE, &[2], 8)]), 0);
    assert_eq!(given([(F32_TYPE, &[], 4), (F32_TYPE, &[2], 8)]), 1);
    assert_eq!(given([(4, &[2], 8), (F32_TYPE, &[2], 8)]), 1);
    assert_eq!(given([(F32_TYPE, &[2, 1], 8), (F32_TYPE, &[2], 8)]), 1);
    assert!([1, 5].contains(&given([(F32_TYPE, &[2], 8), (F32_TYPE, &[3], 12)])));
    assert_eq!(given([(F32_TYPE, &[0], 0), (F32_TYPE, &[0], 0)]), 0);
    assert_eq!(given([(F32_TYPE, &[2], 8), (F32_TYPE, &[2], 8)]), 0);
    assert_eq!(run.output(context, 0), [0; 8]);
}

#[test]
fn every_type_goes_in_and_comes_out() {
    let Some(library) = library() else { return };
    use pb::tensor_proto::DataType;
    let types = [
        (Type::F16, DataType::Float16),
        (Type::F32, DataType::Float),
        (Type::F64, DataType::Double),
        (Type::U8, DataType::Uint8),
        (Type::I8, DataType::Int8),
        (Type::U16, DataType::Uint16),
        (Type::I16, DataType::Int16),
        (Type::U32, DataType::Uint32),
        (Type::I32, DataType::Int32),
        (Type::U64, DataType::Uint64),
        (Type::I64, DataType::Int64),
        (Type::Bool, DataType::Bool),
    ];
    for (ty, number) in types {
        for dims in [&[][..], &[3], &[2, 0]] {
            let declared: Vec<i64> = dims.iter().map(|dim| *dim as i64).collect();
            let model = onnx(pb::GraphProto {
                name: "same".into(),
                node: vec![operator("Identity", &["x"], "y")],
                input: vec![value("x", number as i32, &declared)],
                output: vec![value("y", number as i32, &declared)],
                ..Default::default()
            });
            let graph = library.load(Encoding::Onnx, &[&model], Origin::Operator).unwrap();
            let form = Form { ty, dims: dims.to_vec() };
            let len = form.bytes().unwrap() as usize;
            let input = Arc::new(Tensor { bytes: [1, 0].into_iter().cycle().take(len).collect(), form: form.clone() });
            let plan = graph.prepare(&[form], None).unwrap();
            let watch = Watch { work: u64::MAX, memory: 64, ..Watch::default() };
            assert_eq!(
                plan.run(std::slice::from_ref(&input), &watch).unwrap().outputs,
                [Tensor::clone(&input)],
                "{ty:?} {dims:?}"
            );
            assert_eq!((graph.inputs()[0].ty, graph.outputs()[0].ty), (Some(ty), Some(ty)));
        }
    }
}

#[test]
fn bytes_that_are_no_model_are_an_error() {
    let Some(library) = library() else { return };
    let load = |bytes: &[u8]| library.load(Encoding::Onnx, &[bytes], Origin::Operator).map(drop);
    let model = sum(&[2]);
    let mut unknown = pb::ModelProto::decode(&*model).unwrap();
    unknown.graph.as_mut().unwrap().node[0].op_type = "NoSuchOperator".into();
    for bytes in [&b""[..], b"no model", &model[..model.len() - 3], &unknown.encode_to_vec()] {
        assert!(matches!(load(bytes), Err(Failure::Encoding(_))), "{:?}", load(bytes));
    }
    assert!(library.load(Encoding::Onnx, &[&model, &model], Origin::Operator).is_err());
    // Weights in another file, which the digest of the grant says nothing of.
    let entry = pb::StringStringEntryProto { key: "location".into(), value: "weights".into() };
    let outside =
        pb::TensorProto { data_location: Some(1), external_data: vec![entry], ..constant("b", F32, &[2], Vec::new()) };
    let mut model = pb::ModelProto::decode(&*model).unwrap();
    model.graph.as_mut().unwrap().initializer = vec![outside];
    let why = "parts of the model are in other files";
    assert_eq!(load(&model.encode_to_vec()), Err(Failure::Encoding(why.into())));
}

#[test]
fn a_run_ends_with_the_time() {
    let Some(library) = library() else { return };
    ends_in_time(grant("ort_time", &chain()), models(&library));
}

/// A run of [`chain`] by itself.
fn run_chain(library: &OnnxRuntime, watch: &Watch) -> Result<u64, Failure> {
    let graph = library.load(Encoding::Onnx, &[&chain()], Origin::Operator).unwrap();
    let form = |dims: [usize; 2]| Form { ty: Type::F32, dims: dims.to_vec() };
    let forms = [form([1024, 1]), form([1, 1024])];
    let plan = graph.prepare(&forms, None).unwrap();
    assert_eq!((plan.work(), plan.memory()), (None, 4 << 20));
    plan.run(&forms.map(|form| Arc::new(Tensor { form, bytes: vec![0; 4096] })), watch).map(|ran| ran.work)
}

#[test]
fn a_run_that_nobody_waits_for_ends_between_operators() {
    let Some(library) = library() else { return };
    let cancelled = Arc::new(AtomicBool::new(false));
    let watch = Watch { work: u64::MAX, memory: u64::MAX, cancelled: cancelled.clone() };
    thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(Duration::from_millis(50));
            cancelled.store(true, Ordering::Relaxed);
        });
        assert_eq!(run_chain(&library, &watch), Err(Failure::Cancelled));
    });
    assert_eq!(run_chain(&library, &watch), Err(Failure::Cancelled));
}

#[test]
fn a_run_is_paid_by_its_time() {
    let Some(library) = library() else { return };
    // A millisecond.
    let watch = Watch { work: 1_000 * gristmill_ext_nn::MICROSECOND, memory: u64::MAX, ..Watch::default() };
    assert_eq!(run_chain(&library, &watch), Err(Failure::Spent));
    let prices = Prices { inference: Inference(1_000), ..Prices::default() };
    let grants = Grants { prices, ..Grants::default() };
    let (mut run, context) = ready(grant("ort_paid", &chain()), &library, grants);
    for (input, dims) in [(0, [1024, 1]), (1, [1, 1024])] {
        assert_eq!(run.input(context, input, F32_TYPE, &dims, &[0; 4096]), 0);
    }
    run.set_gas(100_000);
    assert!(matches!(run.call("compute", &[context]), Err(Error::Trap(Trap::OutOfGas))));
    assert_eq!(run.store.meter().left().0, 0);
    // What is over in time costs.
    let (mut run, context) = ready(grant("ort_paid", &sum(&[2])), &library, Grants { prices, ..Grants::default() });
    assert_eq!(run.input(context, 0, F32_TYPE, &[2], &[0; 8]), 0);
    run.set_gas(1 << 40);
    run.is("compute", &[context], 0);
    assert!(run.store.meter().left().0 <= (1 << 40) - 1_000);
}

#[test]
fn outputs_count_against_the_memory() {
    let Some(library) = library() else { return };
    // An outer sum, of a size that the model does not tell.
    let model = onnx(pb::GraphProto {
        name: "outer".into(),
        node: vec![operator("Add", &["a", "b"], "y")],
        input: vec![value("a", F32, &[-1, 1]), value("b", F32, &[1, 1024])],
        output: vec![value("y", F32, &[-1, 1024])],
        ..Default::default()
    });
    let limits = Limits { pages: Some(16), ..Limits::default() };
    let (mut run, context) = ready(grant("ort_memory", &model), &library, Grants { limits, ..Grants::default() });
    assert_eq!(run.input(context, 1, F32_TYPE, &[1, 1024], &[0; 4096]), 0);
    for (rows, errno) in [(100, 0), (300, 7), (100, 0)] {
        assert_eq!(run.input(context, 0, F32_TYPE, &[rows, 1], &vec![0; 4 * rows as usize]), 0);
        run.is("compute", &[context], errno);
    }
}

/// Models with references, unless they are elsewhere or nowhere.
fn references() -> Option<PathBuf> {
    let root = std::env::var_os("GRISTMILL_CONFORMANCE").map(PathBuf::from);
    let root = root.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/conformance"));
    let folder = root.join("models");
    if !folder.exists() {
        eprintln!("{} not found: nothing is tested", folder.display());
        return None;
    }
    Some(folder)
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|it| it.as_f64().unwrap()).collect()
}

fn dims(value: &Value) -> Vec<u32> {
    numbers(value).iter().map(|number| *number as u32).collect()
}

#[track_caller]
fn near(what: &Value, got: &[u8], wanted: &[f64]) {
    let got = got.as_chunks::<4>().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes)));
    for (i, (got, wanted)) in got.zip(wanted).enumerate() {
        let allowed = 1e-4 * wanted.abs().max(1.0);
        assert!((got - wanted).abs() <= allowed, "{what}, element {i}: {got}, and not {wanted}");
    }
}

#[test]
fn magika_tells_what_a_file_is() {
    let (Some(library), Some(folder)) = (library(), references()) else { return };
    let model = granted(&folder.join("magika-standard_v3_3.onnx"), Some("onnxruntime"));
    let (mut run, context) = ready(model, &library, Grants::default());
    let cases = read(&folder.join("magika-cases.json"));
    for case in cases["cases"].as_array().unwrap() {
        let bytes: Vec<u8> = numbers(&case["input_i32"]).iter().flat_map(|it| (*it as i32).to_le_bytes()).collect();
        assert_eq!(run.input(context, 0, 4, &dims(&case["input_shape"]), &bytes), 0);
        run.is("compute", &[context], 0);
        let (output, wanted) = (run.output(context, 0), numbers(&case["output_f32"]));
        assert_eq!(output.len(), 4 * wanted.len());
        near(&case["name"], &output, &wanted);
    }
}

#[test]
fn silero_hears_voices() {
    let (Some(library), Some(folder)) = (library(), references()) else { return };
    let model = granted(&folder.join("silero_vad_16k_sequence.onnx"), Some("onnxruntime"));
    let (mut run, context) = ready(model, &library, Grants::default());
    let cases = read(&folder.join("silero-cases.json"));
    for case in cases["cases"].as_array().unwrap() {
        let bytes: Vec<u8> = numbers(&case["input_f32"]).iter().flat_map(|it| (*it as f32).to_le_bytes()).collect();
        assert_eq!(run.input(context, 0, F32_TYPE, &dims(&case["input_shape"]), &bytes), 0);
        for state in [1, 2] {
            assert_eq!(run.input(context, state, F32_TYPE, &[1, 1, 128], &[0; 512]), 0);
        }
        run.is("compute", &[context], 0);
        for (output, wanted) in (0..).zip(["speech_probs", "hn_first8", "cn_first8"]) {
            let (output, wanted) = (run.output(context, output), numbers(&case[wanted]));
            assert!(output.len() >= 4 * wanted.len() && !wanted.is_empty());
            near(&case["name"], &output, &wanted);
        }
    }
}

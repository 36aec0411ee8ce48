//! Models that nobody has trained: errors, in bounded time and memory, and never the end of the process.

mod common;

use common::*;
use gristmill_ext_nn::{Encoding, Failure, Form, Models, Origin, Tensor, Type, Watch};
use prost::Message;
use std::sync::Arc;
use tract_onnx::pb;

fn load(encoding: Encoding, bytes: &[u8]) -> Result<Arc<dyn gristmill_ext_nn::Graph>, Failure> {
    Models::default().load(encoding, &[bytes], Origin::Guest)
}

fn is_too_large<T: std::fmt::Debug>(what: &str, done: Result<T, Failure>) {
    assert!(matches!(done, Err(Failure::TooLarge(_))), "{what}: {done:?}");
}

fn longs(numbers: &[i64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// A model that computes something of constants alone, and adds it to its input.
fn of_constants(nodes: Vec<pb::NodeProto>, constants: Vec<pb::TensorProto>) -> Vec<u8> {
    let mut node = nodes;
    node.push(operator("Add", &["x", "c"], "y"));
    onnx(pb::GraphProto {
        name: "constants".into(),
        node,
        initializer: constants,
        input: vec![value("x", F32, &[1])],
        output: vec![pb::ValueInfoProto { name: "y".into(), ..value("y", F32, &[-1]) }],
        ..Default::default()
    })
}

/// Makes a model ready for an input of one element.
fn ready(bytes: &[u8]) -> Result<Arc<dyn gristmill_ext_nn::Plan>, Failure> {
    load(Encoding::Onnx, bytes)?.prepare(&[Form { ty: Type::F32, dims: vec![1] }], None)
}

#[test]
fn constants_that_grow_are_not_made() {
    let vast = 1 << 36;
    let one = || constant("one", F32, &[1], bytes(&[1.0]));
    let shape = |dims: &[i64]| constant("shape", I64, &[dims.len() as i64], longs(dims));
    let scalar = |name: &str, number: i64| constant(name, I64, &[], longs(&[number]));
    let to_float = || {
        let to = pb::AttributeProto { name: "to".into(), i: F32.into(), r#type: 2, ..Default::default() };
        pb::NodeProto { attribute: vec![to], ..operator("Cast", &["r"], "c") }
    };
    let two = pb::AttributeProto {
        name: "value".into(),
        t: Some(constant("two", F32, &[1], bytes(&[2.0]))),
        r#type: 4,
        ..Default::default()
    };
    let twos = pb::NodeProto { attribute: vec![two], ..operator("ConstantOfShape", &["shape"], "c") };
    let models = [
        ("ConstantOfShape", of_constants(vec![twos], vec![shape(&[vast])])),
        ("Expand", of_constants(vec![operator("Expand", &["one", "shape"], "c")], vec![one(), shape(&[vast])])),
        ("Tile", of_constants(vec![operator("Tile", &["one", "shape"], "c")], vec![one(), shape(&[vast])])),
        (
            "Range",
            of_constants(
                vec![operator("Range", &["from", "to", "step"], "r"), to_float()],
                vec![scalar("from", 0), scalar("to", vast), scalar("step", 1)],
            ),
        ),
        ("Pad", of_constants(vec![operator("Pad", &["one", "shape"], "c")], vec![one(), shape(&[0, vast])])),
    ];
    for (what, model) in models {
        let Ok(plan) = ready(&model) else { continue };
        // Or it is left for a run, which tells what it takes before it, or finds it on its way.
        if plan.memory() > 1 << 20 {
            assert!(plan.memory() >= 1 << 36, "{what}");
            continue;
        }
        let input = Tensor { form: Form { ty: Type::F32, dims: vec![1] }, bytes: vec![0; 4] };
        let watch = Watch { work: 1 << 20, memory: 1 << 20, ..Watch::default() };
        if let Ok(ran) = plan.run(&[Arc::new(input)], &watch) {
            // tract knows that all elements are the same, and adds one of them.
            assert!(ran.outputs[0].bytes.len() <= 1 << 20, "{what}");
        }
    }
}

#[test]
fn constants_that_double_and_double_are_not_made() {
    let mut nodes = Vec::new();
    for i in 0..40 {
        let (from, to) = (format!("d{i}"), if i == 39 { "c".into() } else { format!("d{}", i + 1) });
        let axis = pb::AttributeProto { name: "axis".into(), i: 0, r#type: 2, ..Default::default() };
        nodes.push(pb::NodeProto { attribute: vec![axis], ..operator("Concat", &[&from, &from], &to) });
    }
    assert!(ready(&of_constants(nodes, vec![constant("d0", F32, &[1], bytes(&[1.0]))])).is_err());
}

#[test]
fn a_run_takes_no_more_memory_than_it_is_given() {
    // An outer sum of 2^20 by 2^20.
    let model = onnx(pb::GraphProto {
        name: "outer".into(),
        node: vec![operator("Add", &["a", "b"], "y")],
        input: vec![value("a", F32, &[-1, 1]), value("b", F32, &[1, 1 << 20])],
        output: vec![value("y", F32, &[-1, 1 << 20])],
        ..Default::default()
    });
    let mut run = Run::new(WASI_NN, own());
    let context = run.ready(&model, 1);
    let side = vec![0; 4 << 20];
    // A guest has less memory than that; the host alone is asked.
    let graph = load(Encoding::Onnx, &model).unwrap();
    let form = |dims: [usize; 2]| Form { ty: Type::F32, dims: dims.to_vec() };
    let plan = graph.prepare(&[form([1 << 20, 1]), form([1, 1 << 20])], None).unwrap();
    assert!(plan.memory() >= 1 << 42 && plan.work().is_some_and(|work| work >= 1 << 40));
    // And through the guest, with less: 2^10 by 2^20 are 4 GiB.
    assert_eq!(run.input(context, 0, 1, &[1 << 10, 1], &side[..4 << 10]), 0);
    let record = words(&[RECORD as u32 + 64, 2, 1, 0, 0]);
    run.put(RECORD, &record);
    run.is("set_input", &[context, 1, RECORD as i64], 1).is("compute", &[context], 1);
}

#[test]
fn sizes_that_depend_on_values_are_found_before_they_are_made() {
    // The inputs say how much is asked for.
    let model = onnx(pb::GraphProto {
        name: "range".into(),
        node: vec![operator("Range", &["from", "to", "step"], "y")],
        input: ["from", "to", "step"].map(|name| value(name, I64, &[])).into(),
        output: vec![value("y", I64, &[-1])],
        ..Default::default()
    });
    let graph = load(Encoding::Onnx, &model).unwrap();
    let form = Form { ty: Type::I64, dims: Vec::new() };
    let plan = graph.prepare(&[form.clone(), form.clone(), form.clone()], None).unwrap();
    assert_eq!(plan.work(), None);
    let run = |to: i64, watch: Watch| {
        let number = |number: i64| Arc::new(Tensor { form: form.clone(), bytes: number.to_le_bytes().to_vec() });
        plan.run(&[number(0), number(to), number(1)], &watch)
    };
    let watch = || Watch { work: 1 << 40, memory: 1 << 20, ..Watch::default() };
    let ran = run(3, watch()).unwrap();
    assert_eq!(ran.outputs[0].bytes, longs(&[0, 1, 2]));
    assert!((3..100).contains(&ran.work));
    for to in [1 << 36, 1 << 18] {
        assert!(run(to, watch()).is_err(), "{to}");
    }
    assert_eq!(run(1 << 16, Watch { work: 1 << 10, ..watch() }).err(), Some(Failure::Spent));
    let cancelled = Arc::new(std::sync::atomic::AtomicBool::new(true));
    assert_eq!(run(3, Watch { cancelled, ..watch() }).err(), Some(Failure::Cancelled));
}

#[test]
fn files_of_the_host_are_not_read() {
    let folder = folder("nn_hostile");
    std::fs::write(folder.join("weights"), bytes(&[1.0, 2.0])).unwrap();
    let entry = |key: &str, value: String| pb::StringStringEntryProto { key: key.into(), value };
    for location in [folder.join("weights").display().to_string(), "../../etc/hostname".into(), "Cargo.toml".into()] {
        let outside = pb::TensorProto {
            data_location: Some(1),
            external_data: vec![entry("location", location)],
            ..constant("b", F32, &[2], Vec::new())
        };
        let mut model = pb::ModelProto::decode(&*sum(&[2])).unwrap();
        model.graph.as_mut().unwrap().initializer = vec![outside];
        assert!(load(Encoding::Onnx, &model.encode_to_vec()).is_err());
    }
}

#[test]
fn no_random_bytes_of_the_system() {
    let ints = |name: &str, ints: &[i64]| pb::AttributeProto {
        name: name.into(),
        ints: ints.into(),
        r#type: 7,
        ..Default::default()
    };
    let noise = pb::NodeProto { attribute: vec![ints("shape", &[4])], ..operator("RandomUniform", &[], "r") };
    let model = onnx(pb::GraphProto {
        name: "noise".into(),
        node: vec![noise, operator("Add", &["x", "r"], "y")],
        input: vec![value("x", F32, &[4])],
        output: vec![value("y", F32, &[4])],
        ..Default::default()
    });
    let run = || {
        let form = Form { ty: Type::F32, dims: vec![4] };
        let plan = load(Encoding::Onnx, &model).unwrap().prepare(std::slice::from_ref(&form), None).unwrap();
        let watch = Watch { work: 1 << 20, memory: 1 << 20, ..Watch::default() };
        plan.run(&[Arc::new(Tensor { form, bytes: vec![0; 16] })], &watch).unwrap().outputs.remove(0).bytes
    };
    assert_eq!(run(), run());
}

#[test]
fn counts_and_names_are_bounded() {
    // Empty fields of two bytes, which become structures of hundreds.
    let mut graph = [0x0a, 0x00].repeat(2 << 20);
    let mut model = vec![0x08, 0x08, 0x3a];
    prost::encoding::encode_varint(graph.len() as u64, &mut model);
    model.append(&mut graph);
    is_too_large("fields", load(Encoding::Onnx, &model));
    let many = (0..20_000).map(|i| operator("Relu", &["x"], &format!("y{i}"))).collect();
    let wide = onnx(pb::GraphProto {
        name: "wide".into(),
        node: many,
        input: vec![value("x", F32, &[1])],
        ..Default::default()
    });
    is_too_large("operators", load(Encoding::Onnx, &wide));
    // A name that is an expression of a million parentheses.
    let mut model = pb::ModelProto::decode(&*sum(&[-1, 2])).unwrap();
    use pb::tensor_shape_proto::dimension::Value;
    let graph = model.graph.as_mut().unwrap();
    if let Some(pb::type_proto::Value::TensorType(tensor)) = &mut graph.input[0].r#type.as_mut().unwrap().value {
        tensor.shape.as_mut().unwrap().dim[0].value = Some(Value::DimParam("(".repeat(1 << 20)));
    }
    assert!(matches!(load(Encoding::Onnx, &model.encode_to_vec()), Err(Failure::Encoding(_))));
}

#[test]
fn graphs_of_tensorflow_are_bounded_too() {
    use tract_tensorflow::tfpb::tensorflow as tf;
    let mut graph = tf::GraphDef::decode(&*frozen(&[2])).unwrap();
    graph.node[2].input[0] = "x:4000000000".into();
    assert!(load(Encoding::TensorFlow, &graph.encode_to_vec()).is_err());
    // One value that stands for 2^40.
    let mut graph = tf::GraphDef::decode(&*frozen(&[2])).unwrap();
    let dim = tf::tensor_shape_proto::Dim { size: 1 << 40, ..Default::default() };
    let shape = tf::TensorShapeProto { dim: vec![dim], unknown_rank: false };
    let value = tf::TensorProto { dtype: 1, tensor_shape: Some(shape), float_val: vec![1.0], ..Default::default() };
    graph.node[1].attr.insert("value".into(), tf::AttrValue { value: Some(tf::attr_value::Value::Tensor(value)) });
    is_too_large("a constant", load(Encoding::TensorFlow, &graph.encode_to_vec()));
}

/// Numbers that follow each other without an order that matters.
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize
}

#[test]
fn any_bytes_are_a_model_or_an_error() {
    let models = [(1, sum(&[-1, 2])), (2, frozen(&[-1, 2])), (4, lite())];
    let mut state = 1;
    for (encoding, model) in models {
        let mut run = Run::new(WASI_NN, own());
        for round in 0..150 {
            let mut bytes = model.clone();
            if round % 3 == 0 {
                bytes.truncate(next(&mut state) % bytes.len());
            }
            for _ in 0..1 + round % 4 {
                if !bytes.is_empty() {
                    let at = next(&mut state) % bytes.len();
                    bytes[at] = [0, 1, 0x7f, 0xff, next(&mut state) as u8][next(&mut state) % 5];
                }
            }
            let Ok(graph) = run.load(&bytes, encoding, 0) else { continue };
            run.is("init_execution_context", &[graph, OUT as i64], 0);
            let context = i64::from(run.u32_at(OUT));
            let dims: &[u32] = if encoding == 4 { &[2] } else { &[1, 2] };
            if run.input(context, 0, 1, dims, &[0; 8]) == 0 {
                let errno = run.call("compute", &[context]).unwrap();
                assert!([0, 1, 2, 5, 6, 7].contains(&errno), "{errno}");
            }
            run.is("finalize_execution_context", &[context], 0).is("unload", &[graph], 0);
        }
    }
}

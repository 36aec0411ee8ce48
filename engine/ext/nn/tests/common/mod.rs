//! A guest whose exports are the functions of an interface, one each, and models that are built here.
#![allow(dead_code)] // Each test uses its part.

use gristmill::{
    ApiRow, Config, Engine, Error, Gas, Halt, HostApi, Instance, Linker, Module, Store, Trap, Val, ValType,
};
use gristmill_ext_grants::{Granted, Grants, Limits, Model};
use gristmill_ext_nn::{Encoding, Models, Nn, Origin, add_to_linker};
use prost::Message;
use std::sync::{Arc, Mutex};
use tract_onnx::pb;

/// Bytes of its memory.
pub const SIZE: i64 = 64 * 65_536;

/// Where tests put their parts of it.
pub const NAMES: usize = 1_024;
pub const RECORD: usize = 8_192;
pub const OUT: usize = 12_288;
pub const DATA: usize = 65_536;
pub const RESULT: usize = 1 << 20;

/// What a module is called that functions are imported from, and with what their names begin; ours, and the guest's.
#[derive(Clone, Copy)]
pub struct Names {
    pub module: &'static str,
    pub prefix: &'static str,
    pub as_module: &'static str,
    pub as_prefix: &'static str,
}

impl Names {
    pub const fn plain(module: &'static str) -> Self {
        Self { module, prefix: "", as_module: module, as_prefix: "" }
    }

    pub const fn with(module: &'static str, prefix: &'static str) -> Self {
        Self { module, prefix, as_module: module, as_prefix: prefix }
    }
}

pub const WASI_NN: Names = Names::plain("wasi_ephemeral_nn");

/// A module that imports an interface and exports it again.
pub fn guest(names: Names) -> Vec<u8> {
    use wasm_encoder as wasm;
    let ty = |ty: &ValType| if *ty == ValType::I64 { wasm::ValType::I64 } else { wasm::ValType::I32 };
    let rows = Nn::rows().iter().filter(|row| row.module == names.module && row.name.starts_with(names.prefix));
    let rows: Vec<_> = rows.collect();
    assert!(!rows.is_empty(), "{} has no functions", names.module);
    let (mut types, mut imports) = (wasm::TypeSection::new(), wasm::ImportSection::new());
    let (mut functions, mut memories) = (wasm::FunctionSection::new(), wasm::MemorySection::new());
    let (mut exports, mut code) = (wasm::ExportSection::new(), wasm::CodeSection::new());
    let memory = wasm::MemoryType { minimum: 64, maximum: None, memory64: false, shared: false, page_size_log2: None };
    memories.memory(memory);
    exports.export("memory", wasm::ExportKind::Memory, 0);
    for (i, row) in (0..).zip(&rows) {
        let func = row.ty();
        types.ty().function(func.params().iter().map(ty), func.results().iter().map(ty));
        let short = &row.name[names.prefix.len()..];
        let name = format!("{}{short}", names.as_prefix);
        imports.import(names.as_module, &name, wasm::EntityType::Function(i));
        functions.function(i);
        exports.export(short, wasm::ExportKind::Func, rows.len() as u32 + i);
        let mut body = wasm::Function::new([]);
        for param in 0..row.params.len() {
            body.instruction(&wasm::Instruction::LocalGet(param as u32));
        }
        body.instruction(&wasm::Instruction::Call(i)).instruction(&wasm::Instruction::End);
        code.function(&body);
    }
    let mut module = wasm::Module::new();
    module.section(&types).section(&imports).section(&functions).section(&memories).section(&exports).section(&code);
    module.finish()
}

pub struct Run {
    pub store: Store<Nn>,
    pub instance: Instance,
    pub log: Arc<Mutex<Vec<String>>>,
}

/// Grants for models that the guest brings.
pub fn own() -> Grants {
    Grants { own_models: true, ..Grants::default() }
}

pub fn limits(limits: Limits) -> Grants {
    Grants { limits, ..own() }
}

impl Run {
    pub fn new(names: Names, grants: Grants) -> Self {
        Self::of(names, grants, Arc::default(), |nn| nn)
    }

    pub fn of(names: Names, grants: Grants, models: Arc<Models>, change: impl FnOnce(Nn) -> Nn) -> Self {
        Self::on(&Engine::new(&Config::new()).unwrap(), names, grants, models, change)
    }

    pub fn on(
        engine: &Engine,
        names: Names,
        grants: Grants,
        models: Arc<Models>,
        change: impl FnOnce(Nn) -> Nn,
    ) -> Self {
        let module = Module::new(engine, &guest(names)).unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let granted = {
            let log = log.clone();
            Granted::new(grants, move |refused| log.lock().unwrap().push(refused.to_string()))
        };
        let mut linker = Linker::new(engine);
        add_to_linker(&mut linker, |nn| nn).unwrap();
        let mut store = Store::new(engine, change(Nn::new(granted, models)));
        let instance = linker.instantiate(&mut store, &module).unwrap();
        Self { store, instance, log }
    }

    pub fn call(&mut self, name: &str, args: &[i64]) -> Result<i64, Error> {
        let func = self.instance.get_func(&self.store, name).unwrap_or_else(|| panic!("{name}"));
        let ty = func.ty(&self.store);
        assert_eq!(ty.params().len(), args.len(), "{name}");
        let value =
            |(ty, arg): (&ValType, &i64)| if *ty == ValType::I64 { Val::I64(*arg) } else { Val::I32(*arg as i32) };
        let args: Vec<_> = ty.params().iter().zip(args).map(value).collect();
        let mut results: Vec<_> = ty.results().iter().map(|ty| Val::default(*ty)).collect();
        func.call(&mut self.store, &args, &mut results)?;
        Ok(results.first().map_or(0, |result| match result {
            Val::I64(value) => *value,
            value => value.i32().unwrap().into(),
        }))
    }

    /// The answer of a call that does not trap, and why it is what it is.
    #[track_caller]
    pub fn is(&mut self, name: &str, args: &[i64], answer: i64) -> &mut Self {
        let got = self.call(name, args).unwrap();
        let why = self.store.data().failure().map(ToString::to_string);
        assert_eq!(got, answer, "{name}: {why:?}");
        self
    }

    pub fn memory(&mut self) -> &mut [u8] {
        self.instance.get_memory(&self.store, "memory").unwrap().data_mut(&mut self.store)
    }

    pub fn put(&mut self, at: usize, bytes: &[u8]) -> [i64; 2] {
        self.memory()[at..][..bytes.len()].copy_from_slice(bytes);
        [at as i64, bytes.len() as i64]
    }

    pub fn u32_at(&mut self, at: usize) -> u32 {
        u32::from_le_bytes(self.memory()[at..][..4].try_into().unwrap())
    }

    pub fn floats(&mut self, at: usize, count: usize) -> Vec<f32> {
        let bytes = &self.memory()[at..][..4 * count];
        bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    pub fn set_gas(&mut self, gas: u64) {
        self.store.set_gas(Gas(gas));
    }

    /// Loads a model of one part: its handle, or the error number.
    pub fn load(&mut self, model: &[u8], encoding: i64, target: i64) -> Result<i64, i64> {
        let [ptr, len] = self.put(DATA, model);
        self.put(RECORD, &words(&[ptr as u32, len as u32]));
        match self.call("load", &[RECORD as i64, 1, encoding, target, OUT as i64]).unwrap() {
            0 => Ok(self.u32_at(OUT).into()),
            errno => Err(errno),
        }
    }

    /// A model and a context of it.
    pub fn ready(&mut self, model: &[u8], encoding: i64) -> i64 {
        let graph = self.load(model, encoding, 0);
        let why = self.store.data().failure().map(ToString::to_string);
        let graph = graph.unwrap_or_else(|errno| panic!("{errno}: {why:?}"));
        self.is("init_execution_context", &[graph, OUT as i64], 0);
        self.u32_at(OUT).into()
    }

    /// Gives a context an input: the error number.
    pub fn input(&mut self, context: i64, index: i64, ty: u8, dims: &[u32], bytes: &[u8]) -> i64 {
        self.put(RECORD + 64, &words(dims));
        let [ptr, len] = self.put(DATA, bytes);
        let mut record = words(&[RECORD as u32 + 64, dims.len() as u32, 0xdead_be00, ptr as u32, len as u32]);
        record[8] = ty;
        self.put(RECORD, &record);
        self.call("set_input", &[context, index, RECORD as i64]).unwrap()
    }

    pub fn output(&mut self, context: i64, index: i64) -> Vec<u8> {
        self.is("get_output", &[context, index, RESULT as i64, 1 << 20, OUT as i64], 0);
        let len = self.u32_at(OUT) as usize;
        self.memory()[RESULT..][..len].to_vec()
    }
}

pub fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

pub fn bytes(floats: &[f32]) -> Vec<u8> {
    floats.iter().flat_map(|float| float.to_le_bytes()).collect()
}

pub const F32: i32 = 1;
pub const I64: i32 = 7;

/// An input or output of an ONNX model; a dimension below 0 is called `n`.
pub fn value(name: &str, ty: i32, dims: &[i64]) -> pb::ValueInfoProto {
    use pb::tensor_shape_proto::{Dimension, dimension::Value};
    let dim = |dim: &i64| Dimension {
        value: Some(if *dim < 0 { Value::DimParam("n".into()) } else { Value::DimValue(*dim) }),
        ..Default::default()
    };
    let shape = pb::TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor = pb::type_proto::Tensor { elem_type: ty, shape: Some(shape) };
    let r#type = pb::TypeProto { value: Some(pb::type_proto::Value::TensorType(tensor)), ..Default::default() };
    pb::ValueInfoProto { name: name.into(), r#type: Some(r#type), ..Default::default() }
}

/// An ONNX operator: kind, inputs, output.
pub fn operator(kind: &str, inputs: &[&str], output: &str) -> pb::NodeProto {
    pb::NodeProto {
        op_type: kind.into(),
        name: format!("{kind}-{output}"),
        input: inputs.iter().map(|name| name.to_string()).collect(),
        output: vec![output.into()],
        ..Default::default()
    }
}

/// A constant of an ONNX model.
pub fn constant(name: &str, ty: i32, dims: &[i64], raw: Vec<u8>) -> pb::TensorProto {
    pb::TensorProto { name: name.into(), data_type: ty, dims: dims.to_vec(), raw_data: raw, ..Default::default() }
}

pub fn onnx(graph: pb::GraphProto) -> Vec<u8> {
    let opset = pb::OperatorSetIdProto { version: 13, ..Default::default() };
    let model = pb::ModelProto { ir_version: 8, opset_import: vec![opset], graph: Some(graph), ..Default::default() };
    model.encode_to_vec()
}

/// `y = x + (1, 10)`, for `x` of that form.
pub fn sum(dims: &[i64]) -> Vec<u8> {
    onnx(pb::GraphProto {
        name: "sum".into(),
        node: vec![operator("Add", &["x", "b"], "y")],
        initializer: vec![constant("b", F32, &[2], bytes(&[1.0, 10.0]))],
        input: vec![value("x", F32, dims)],
        output: vec![value("y", F32, dims)],
        ..Default::default()
    })
}

/// A model that takes long from little: the product of a column and a row of 1024 floats, multiplied by itself 400 times.
pub fn chain() -> Vec<u8> {
    let product = |i: i32| operator("MatMul", &[&format!("p{i}"), "p0"], &format!("p{}", i + 1));
    let mut node = vec![operator("MatMul", &["column", "row"], "p0")];
    node.extend((0..400).map(product));
    onnx(pb::GraphProto {
        name: "chain".into(),
        node,
        input: vec![value("column", F32, &[1024, 1]), value("row", F32, &[1, 1024])],
        output: vec![value("p400", F32, &[1024, 1024])],
        ..Default::default()
    })
}

/// Whether a run of [`chain`], a second after its models were made, ends with its time and in the midst of `compute`.
#[track_caller]
pub fn ends_in_time(grant: Model, models: Arc<Models>) {
    // What is granted is read once, so the guest finds it.
    models.granted(&grant).unwrap();
    let limits = Limits { milliseconds: Some(1_000), ..Limits::default() };
    let name = grant.name.clone();
    let mut run = Run::of(WASI_NN, Grants { models: vec![grant], limits, ..Grants::default() }, models, |nn| nn);
    let [ptr, len] = run.put(NAMES, name.as_bytes());
    run.is("load_by_name", &[ptr, len, OUT as i64], 0);
    let graph = run.u32_at(OUT).into();
    run.is("init_execution_context", &[graph, OUT as i64], 0);
    let context = run.u32_at(OUT).into();
    for (input, dims) in [(0, [1024, 1]), (1, [1, 1024])] {
        assert_eq!(run.input(context, input, 1, &dims, &[0; 4096]), 0);
    }
    let ended = run.call("compute", &[context]);
    assert!(matches!(ended, Err(Error::Halt(Halt::TimedOut))), "{ended:?}");
}

/// A grant of that file, under the name `model`.
pub fn granted(file: &std::path::Path, backend: Option<&str>) -> Model {
    let (name, encoding, target) = ("model".into(), "onnx".into(), "cpu".into());
    Model { name, file: file.into(), digest: None, encoding, target, backend: backend.map(String::from) }
}

/// A frozen graph of TensorFlow: `y = x + (1, 10)`, for floats `x` of that form.
pub fn frozen(dims: &[i64]) -> Vec<u8> {
    use tract_tensorflow::tfpb::tensorflow as tf;
    let attribute = |value| tf::AttrValue { value: Some(value) };
    let float = || attribute(tf::attr_value::Value::Type(1));
    let shape = |dims: &[i64]| {
        let dim = |size: &i64| tf::tensor_shape_proto::Dim { size: *size, ..Default::default() };
        tf::TensorShapeProto { dim: dims.iter().map(dim).collect(), unknown_rank: false }
    };
    let node = |name: &str, op: &str, input: &[&str], attr: Vec<(&str, tf::AttrValue)>| tf::NodeDef {
        name: name.into(),
        op: op.into(),
        input: input.iter().map(|name| name.to_string()).collect(),
        attr: attr.into_iter().map(|(name, value)| (name.to_string(), value)).collect(),
        ..Default::default()
    };
    let value = tf::TensorProto {
        dtype: 1,
        tensor_shape: Some(shape(&[2])),
        tensor_content: bytes(&[1.0, 10.0]),
        ..Default::default()
    };
    let x = vec![("dtype", float()), ("shape", attribute(tf::attr_value::Value::Shape(shape(dims))))];
    let b = vec![("dtype", float()), ("value", attribute(tf::attr_value::Value::Tensor(value)))];
    let nodes = vec![
        node("x", "Placeholder", &[], x),
        node("b", "Const", &[], b),
        node("y", "Add", &["x", "b"], vec![("T", float())]),
    ];
    tf::GraphDef { node: nodes, ..Default::default() }.encode_to_vec()
}

/// A model of TensorFlow Lite: `y = x + x`, for two floats.
pub fn lite() -> Vec<u8> {
    // The writer names tensors as it likes: see `lite_names`.
    use tract_tflite::internal::{DatumType, DatumTypeExt, SpecialOps, TypedModel, tract_core::ops::math::add};
    let mut model = TypedModel::default();
    let x = model.add_source("x", DatumType::F32.fact([2])).unwrap();
    let y = model.wire_node("y", add(), &[x, x]).unwrap();
    model.select_output_outlets(&y).unwrap();
    let mut bytes = Vec::new();
    tract_tflite::tflite().write(&model, &mut bytes).unwrap();
    bytes
}

/// An empty folder for that test.
pub fn folder(test: &str) -> std::path::PathBuf {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Whether each function of an interface is out of gas with less than it costs, 1000.
#[track_caller]
pub fn each_call_costs(names: Names, grants: &Grants) {
    for row in Nn::rows().iter().filter(|row| row.module == names.module && row.name.starts_with(names.prefix)) {
        let mut run = Run::new(names, grants.clone());
        run.set_gas(999);
        let spent = run.call(&row.name[names.prefix.len()..], &vec![0; row.params.len()]);
        assert!(matches!(spent, Err(Error::Trap(Trap::OutOfGas))), "{}: {spent:?}", row.name);
    }
}

/// What the input and the output of [`lite`] are called.
pub fn lite_names() -> (String, String) {
    let graph = Models::default().load(Encoding::TensorFlowLite, &[&lite()], Origin::Guest).unwrap();
    (graph.inputs()[0].name.clone(), graph.outputs()[0].name.clone())
}

/// A contract that imports a function.
pub fn contract(module: &str, name: &str, row: &ApiRow) -> Vec<u8> {
    use wasm_encoder as wasm;
    let ty = |ty: &ValType| if *ty == ValType::I64 { wasm::ValType::I64 } else { wasm::ValType::I32 };
    let mut types = wasm::TypeSection::new();
    types.ty().function(row.ty().params().iter().map(ty), row.ty().results().iter().map(ty));
    types.ty().function([], []);
    let mut imports = wasm::ImportSection::new();
    imports.import(module, name, wasm::EntityType::Function(0));
    let mut functions = wasm::FunctionSection::new();
    functions.function(1);
    let mut memories = wasm::MemorySection::new();
    let memory = wasm::MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None };
    memories.memory(memory);
    let mut exports = wasm::ExportSection::new();
    exports.export("memory", wasm::ExportKind::Memory, 0).export("main", wasm::ExportKind::Func, 1);
    let mut code = wasm::CodeSection::new();
    let mut body = wasm::Function::new([]);
    body.instruction(&wasm::Instruction::End);
    code.function(&body);
    let mut contract = wasm::Module::new();
    contract.section(&types).section(&imports).section(&functions).section(&memories).section(&exports).section(&code);
    contract.finish()
}

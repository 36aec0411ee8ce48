//! What is looked at before tract sees a model: whatever would make it hold or do more than the file's size suggests.

use crate::backend::{Failure, Origin};
use crate::tensor::Type;
use tract_onnx::pb;
use tract_tensorflow::tfpb::tensorflow as tf;
use tract_tflite::tflite;

/// Operators of a model, at most: reading takes time by their square.
const OPERATORS: usize = 16 << 10;

/// Fields of a protocol buffer, at most: each may become a structure of some hundred bytes.
const FIELDS: usize = 1 << 20;

/// Bytes of a dimension's name, at most: names are read as expressions, by recursion.
const NAME: usize = 256;

/// Outputs of an operator, at most.
const OUTPUTS: u64 = 1 << 10;

/// Bytes that constants of a graph of TensorFlow have, at most, beside those in the file: one value may stand for all.
const CONSTANTS: u64 = 64 << 20;

fn refuse(why: impl Into<String>) -> Failure {
    Failure::Encoding(why.into())
}

fn too_large(why: impl Into<String>) -> Failure {
    Failure::TooLarge(why.into())
}

/// Counts fields of a protocol buffer at all depths. What may be a message and reads as one counts as one: weights may, by chance.
///
/// # Errors
/// There are more than [`FIELDS`].
pub(super) fn fields(bytes: &[u8]) -> Result<(), Failure> {
    let mut left = FIELDS;
    // Structures do not nest deeper; prost refuses 100.
    match count(bytes, 24, &mut left) {
        Some(_) => Ok(()),
        None if left == 0 => Err(too_large(format!("more than {FIELDS} fields"))),
        // prost tells what is wrong.
        None => Ok(()),
    }
}

/// Takes the fields of a message off `left`. Nothing: it is none, or nothing is left.
fn count(mut bytes: &[u8], depth: u32, left: &mut usize) -> Option<()> {
    let before = *left;
    let mut message = || {
        while !bytes.is_empty() {
            *left = left.checked_sub(1)?;
            let tag = varint(&mut bytes)?;
            if tag >> 3 == 0 {
                return None;
            }
            let skip = match tag & 7 {
                0 => varint(&mut bytes).map(|_| 0)?,
                1 => 8,
                5 => 4,
                2 => usize::try_from(varint(&mut bytes)?).ok()?,
                _ => return None,
            };
            let (field, rest) = bytes.split_at_checked(skip)?;
            if tag & 7 == 2 && depth > 0 && count(field, depth - 1, left).is_none() && *left == 0 {
                return None;
            }
            bytes = rest;
        }
        Some(())
    };
    let counted = message();
    if counted.is_none() && *left > 0 {
        *left = before;
    }
    counted
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The type that an output of an ONNX model is declared with.
pub(super) fn onnx_type(output: &pb::ValueInfoProto) -> Option<Type> {
    use pb::tensor_proto::DataType;
    let pb::type_proto::Value::TensorType(tensor) = output.r#type.as_ref()?.value.as_ref()?;
    Some(match DataType::try_from(tensor.elem_type).ok()? {
        DataType::Float16 => Type::F16,
        DataType::Float => Type::F32,
        DataType::Double => Type::F64,
        DataType::Uint8 => Type::U8,
        DataType::Int8 => Type::I8,
        DataType::Uint16 => Type::U16,
        DataType::Int16 => Type::I16,
        DataType::Uint32 => Type::U32,
        DataType::Int32 => Type::I32,
        DataType::Uint64 => Type::U64,
        DataType::Int64 => Type::I64,
        DataType::Bool => Type::Bool,
        _ => return None,
    })
}

/// Operators whose results may be larger than anything in the file, by what constants say. In a graph within a graph their
/// sizes are found while tract reads it, where nobody can look.
const GROWING: &[&str] = &[
    "ConstantOfShape",
    "Expand",
    "EyeLike",
    "OneHot",
    "Pad",
    "RandomNormal",
    "RandomUniform",
    "Range",
    "Resize",
    "Tile",
    "Upsample",
];

/// Operators that would ask the system for random bytes unless they have a seed.
const RANDOM: &[&str] =
    &["Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"];

/// Looks at an ONNX model, and gives seeds to what is without: a model gets no random bytes of the system.
pub(super) fn onnx(model: &mut pb::ModelProto, origin: Origin) -> Result<(), Failure> {
    let mut left = OPERATORS;
    model.graph.iter_mut().try_for_each(|graph| onnx_graph(graph, None, &mut left, origin))
}

fn onnx_graph(
    graph: &mut pb::GraphProto,
    within: Option<&str>,
    left: &mut usize,
    origin: Origin,
) -> Result<(), Failure> {
    for info in graph.input.iter().chain(&graph.output).chain(&graph.value_info) {
        onnx_names(info)?;
    }
    *left = left
        .checked_sub(graph.node.len() + graph.initializer.len())
        .ok_or_else(|| too_large(format!("more than {OPERATORS} operators and constants")))?;
    for node in &mut graph.node {
        if let Some(outer) = within
            && origin == Origin::Guest
            && GROWING.contains(&node.op_type.as_str())
        {
            return Err(too_large(format!("{} in a graph of {outer}: its size cannot be told", node.op_type)));
        }
        let random = RANDOM.contains(&node.op_type.as_str());
        if random && !node.attribute.iter().any(|attribute| attribute.name == "seed") {
            let r#type = pb::attribute_proto::AttributeType::Float as i32;
            node.attribute.push(pb::AttributeProto { name: "seed".into(), r#type, ..Default::default() });
        }
        for attribute in &mut node.attribute {
            if attribute.name == "num_outputs" && attribute.i > OUTPUTS as i64 {
                return Err(too_large(format!("an operator with {} outputs", attribute.i)));
            }
            let graphs = attribute.g.iter_mut().chain(&mut attribute.graphs);
            for graph in graphs {
                onnx_graph(graph, Some(&node.op_type), left, origin)?;
            }
        }
    }
    Ok(())
}

fn onnx_names(info: &pb::ValueInfoProto) -> Result<(), Failure> {
    use pb::tensor_shape_proto::dimension::Value;
    let Some(pb::type_proto::Value::TensorType(tensor)) = info.r#type.as_ref().and_then(|it| it.value.as_ref()) else {
        return Ok(());
    };
    let mut dims = tensor.shape.iter().flat_map(|shape| &shape.dim);
    let long = |value: &Value| matches!(value, Value::DimParam(name) if name.len() > NAME);
    match dims.any(|dim| dim.value.as_ref().is_some_and(long)) {
        true => Err(refuse(format!("a dimension of {:?} has a name of more than {NAME} bytes", info.name))),
        false => Ok(()),
    }
}

/// Looks at a graph of TensorFlow.
pub(super) fn tensorflow(graph: &tf::GraphDef) -> Result<(), Failure> {
    use tf::attr_value::Value;
    if graph.node.len() > OPERATORS {
        return Err(too_large(format!("more than {OPERATORS} operators")));
    }
    let mut constants: u64 = 0;
    for node in &graph.node {
        for input in &node.input {
            // `name:slot`: as many outputs are made.
            let slot = input.split_once(':').map_or("0", |(_, slot)| slot);
            if !slot.parse::<u64>().is_ok_and(|slot| slot < OUTPUTS) {
                return Err(refuse(format!("{:?} is no input", input)));
            }
        }
        for value in node.attr.values().filter_map(|attribute| attribute.value.as_ref()) {
            let tensors = match value {
                Value::Tensor(tensor) => std::slice::from_ref(tensor),
                Value::List(list) => &list.tensor,
                _ => continue,
            };
            for tensor in tensors {
                let mut dims = tensor.tensor_shape.iter().flat_map(|shape| &shape.dim);
                // No element of a type is larger.
                let bytes = dims.try_fold(16_u64, |bytes, dim| bytes.checked_mul(u64::try_from(dim.size).ok()?));
                let bytes = bytes.ok_or_else(|| refuse("a constant whose size is no number"))?;
                if (tensor.tensor_content.len() as u64) < bytes / 16 {
                    constants = constants.saturating_add(bytes);
                }
            }
        }
    }
    if constants > CONSTANTS {
        return Err(too_large(format!("constants of {constants} bytes that are not in the file")));
    }
    Ok(())
}

/// Operators whose results may be larger than what goes in.
const GROWING_LITE: &[tflite::BuiltinOperator] = &[
    tflite::BuiltinOperator::BROADCAST_TO,
    tflite::BuiltinOperator::PAD,
    tflite::BuiltinOperator::PADV2,
    tflite::BuiltinOperator::RESIZE_BILINEAR,
    tflite::BuiltinOperator::RESIZE_NEAREST_NEIGHBOR,
];

/// Looks at a model of TensorFlow Lite.
pub(super) fn lite(bytes: &[u8]) -> Result<(), Failure> {
    let model = tflite::root_as_model(bytes).map_err(|error| refuse(error.to_string()))?;
    let Some(graph) = model.subgraphs().and_then(|graphs| graphs.iter().next()) else {
        return Err(refuse("a model without a graph"));
    };
    let (Some(operators), Some(tensors)) = (graph.operators(), graph.tensors()) else {
        return Err(refuse("a model without operators"));
    };
    if operators.len() > OPERATORS {
        return Err(too_large(format!("more than {OPERATORS} operators")));
    }
    let codes = model.operator_codes();
    let code = |index: u32| {
        let code = codes.and_then(|codes| codes.iter().nth(index as usize))?;
        let old = i32::from(code.deprecated_builtin_code());
        Some(if old == tflite::BuiltinOperator::PLACEHOLDER_FOR_GREATER_OP_CODES.0 {
            code.builtin_code().0
        } else {
            old
        })
    };
    let is_constant = |index: i32| {
        let index = usize::try_from(index).ok().filter(|index| *index < tensors.len());
        let buffer = index.map_or(0, |index| tensors.get(index).buffer() as usize);
        let data = model.buffers().filter(|buffers| buffer != 0 && buffer < buffers.len());
        data.is_some_and(|buffers| buffers.get(buffer).data().is_some())
    };
    for operator in operators {
        let grows = code(operator.opcode_index()).is_some_and(|code| GROWING_LITE.iter().any(|it| it.0 == code));
        if grows && operator.inputs().is_some_and(|inputs| inputs.iter().all(is_constant)) {
            return Err(too_large("an operator that makes constants larger"));
        }
    }
    Ok(())
}

/// Names of the outputs of a model that [`lite`] has looked at.
pub(super) fn lite_outputs(bytes: &[u8]) -> Vec<String> {
    let names = || {
        let model = tflite::root_as_model(bytes).ok()?;
        let graph = model.subgraphs()?.iter().next()?;
        let (outputs, tensors) = (graph.outputs()?, graph.tensors()?);
        let name = |index: i32| {
            let index = usize::try_from(index).ok().filter(|index| *index < tensors.len())?;
            Some(tensors.get(index).name()?.to_string())
        };
        Some(outputs.iter().map(|index| name(index).unwrap_or_default()).collect())
    };
    names().unwrap_or_default()
}

//! Weights of 16 bits in models of TensorFlow Lite, which tract does not read: they are made 32 bits wide in the file.
//!
//! Such a model has an operator `DEQUANTIZE` between each of its weights and what uses it. The operators are taken out, what
//! they gave is what they got, and the weights lie, widened, behind the end of the file, where offsets reach them. tract
//! verifies what it gets, so a file that was told lies about is an error like any other.

use tract_onnx::tract_hir::internal::f16;
use tract_tflite::tflite::{Buffer, BuiltinOperator, Operator, SubGraph, TensorType, root_as_model};

/// What is written into a file.
enum Patch {
    /// A byte.
    Byte(usize, u8),
    /// An offset at the first place, to the second.
    Offset(usize, usize),
    /// A number.
    Word(usize, i32),
}

/// The file with all of its weights 32 bits wide. Nothing: it has none of 16, or they are not where they are looked for.
pub(super) fn widened(file: &[u8]) -> Option<Vec<u8>> {
    let model = root_as_model(file).ok()?;
    let (codes, buffers, graph) = (model.operator_codes()?, model.buffers()?, model.subgraphs()?.iter().next()?);
    let (operators, tensors) = (graph.operators()?, graph.tensors()?);
    let (mut patches, mut weights) = (Vec::new(), Vec::new());
    // From the tensor that an operator would give to the one that it gets.
    let mut same = std::collections::HashMap::new();
    let mut kept = Vec::new();
    for operator in operators {
        let code = codes.iter().nth(operator.opcode_index() as usize)?;
        let widens = i32::from(code.deprecated_builtin_code()) == BuiltinOperator::DEQUANTIZE.0;
        let ends = || Some((operator.inputs()?.iter().next()?, operator.outputs()?.iter().next()?));
        let weight = ends().filter(|_| widens).and_then(|(from, to)| {
            let tensor = tensors.iter().nth(usize::try_from(from).ok()?)?;
            let buffer = buffers.iter().nth(tensor.buffer() as usize)?;
            (tensor.type_() == TensorType::FLOAT16).then_some((from, to, tensor, buffer))
        });
        let Some((from, to, tensor, buffer)) = weight else {
            kept.push(operator);
            continue;
        };
        let Some(data) = buffer.data() else {
            kept.push(operator);
            continue;
        };
        patches.push(Patch::Byte(
            field(tensor._tab, tract_tflite::tflite::Tensor::VT_TYPE_)?,
            TensorType::FLOAT32.0 as u8,
        ));
        weights.push((field(buffer._tab, Buffer::VT_DATA)?, data.bytes()));
        same.insert(to, from);
    }
    if same.is_empty() {
        return None;
    }
    for operator in &kept {
        let inputs = field(operator._tab, Operator::VT_INPUTS)?;
        let first = inputs + word(file, inputs)? as usize + 4;
        for (place, input) in operator.inputs()?.iter().enumerate() {
            if let Some(from) = same.get(&input) {
                patches.push(Patch::Word(first + 4 * place, *from));
            }
        }
    }
    let list = field(graph._tab, SubGraph::VT_OPERATORS)?;
    let list = list + word(file, list)? as usize;
    patches.push(Patch::Word(list, kept.len() as i32));
    patches.extend(
        kept.iter().enumerate().map(|(place, operator)| Patch::Offset(list + 4 + 4 * place, operator._tab.loc())),
    );

    let mut wide = file.to_vec();
    weights.sort_unstable_by_key(|weight| weight.0);
    // Two tensors may share what is in the file.
    weights.dedup_by_key(|weight| weight.0);
    for (at, data) in weights {
        wide.resize(wide.len().next_multiple_of(16) + 12, 0);
        patches.push(Patch::Offset(at, wide.len()));
        let halves = data.as_chunks::<2>().0;
        wide.extend_from_slice(&u32::try_from(4 * halves.len()).ok()?.to_le_bytes());
        wide.extend(halves.iter().flat_map(|half| f16::from_le_bytes(*half).to_f32().to_le_bytes()));
    }
    for patch in patches {
        let (at, bytes) = match patch {
            Patch::Byte(at, byte) => {
                *wide.get_mut(at)? = byte;
                continue;
            }
            Patch::Offset(at, to) => (at, u32::try_from(to.checked_sub(at)?).ok()?.to_le_bytes()),
            Patch::Word(at, number) => (at, number.to_le_bytes()),
        };
        wide.get_mut(at..at + 4)?.copy_from_slice(&bytes);
    }
    Some(wide)
}

/// Where a field of a table is, if the table has it.
fn field(table: flatbuffers::Table<'_>, field: flatbuffers::VOffsetT) -> Option<usize> {
    let offset = table.vtable().get(field);
    (offset != 0).then(|| table.loc() + usize::from(offset))
}

fn word(file: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*file.get(at..)?.first_chunk()?))
}

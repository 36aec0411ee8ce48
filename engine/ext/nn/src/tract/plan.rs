//! A model for inputs of some forms: what a run costs, and the run.

use super::failed;
use crate::backend::{Failure, Plan, Ran, Watch};
use crate::tensor::{Form, Tensor, Type};
use std::sync::Arc;
use tract_onnx::tract_hir::internal::{
    DatumType, DatumTypeExt, IntoArcTensor, OutletId, SimplePlan, TDim, TValue, TVec, Tensor as TractTensor,
    TractResult, TypedFact, TypedModel, TypedNode, TypedOp,
};
use tract_onnx::tract_hir::tract_core::ops::cnn::{MaxPool, SumPool};
use tract_onnx::tract_hir::tract_core::ops::konst::Const;
use tract_onnx::tract_hir::tract_core::ops::logic::IfThenElse;
use tract_onnx::tract_hir::tract_core::ops::scan::{Scan, iteration_count};
use tract_onnx::tract_hir::tract_core::plan::eval;

/// Bytes that constants may have that are made of constants, beyond four times those of the file.
const FOLDED: u64 = 64 << 20;

/// Elements of a tensor up to which its values may say the form of a result.
const SMALL: usize = 1 << 10;

/// A plan of tract.
#[derive(Debug)]
pub(super) struct TractPlan {
    plan: Arc<SimplePlan<TypedFact, Box<dyn TypedOp>>>,
    /// Of the outputs that are declared with one.
    types: Vec<Option<Type>>,
    work: Option<u64>,
    memory: u64,
}

impl TractPlan {
    /// Makes a plan of a model whose inputs have all their dimensions; `file` are the bytes that the model had.
    pub fn new(model: TypedModel, types: Vec<Option<Type>>, file: usize) -> Result<Self, Failure> {
        let most = FOLDED.saturating_add(4 * file as u64);
        let folded = folded(&model).map_err(failed)?;
        if folded > most {
            return Err(Failure::TooLarge(format!("{folded} bytes of constants that are made of constants")));
        }
        let model = model.into_decluttered().map_err(failed)?;
        let work = model_work(&model);
        let before = memory(&model).map_err(failed)?;
        // What has dimensions that are found on the way is run as it is: its operators can tell what they will give.
        let model = if work.is_some() { model.into_optimized().map_err(failed)? } else { model };
        let after = memory(&model).map_err(failed)?;
        let plan = SimplePlan::new(model).map_err(failed)?;
        Ok(Self { plan, types, work, memory: before.max(after) })
    }
}

/// Dimensions as numbers, if they are.
fn volume(fact: &TypedFact) -> Option<u64> {
    fact.shape.iter().try_fold(1_u64, |volume, dim| number(dim).map(|dim| volume.saturating_mul(dim)))
}

fn number(dim: &TDim) -> Option<u64> {
    dim.to_i64().ok().map(|dim| u64::try_from(dim).unwrap_or(u64::MAX))
}

/// Bytes of a tensor, with what an operator keeps beside its elements. What is not known counts nothing.
fn size(fact: &TypedFact) -> u64 {
    let plain = volume(fact).unwrap_or(0).saturating_mul(fact.datum_type.size_of() as u64);
    let buffers =
        fact.exotic_fact().map_or(0, |fact| fact.buffer_sizes().iter().filter_map(number).fold(0, u64::saturating_add));
    plain.saturating_add(buffers)
}

/// Bytes that follow from constants alone, constants of the file left out.
fn folded(model: &TypedModel) -> TractResult<u64> {
    let mut constant = vec![false; model.nodes.len()];
    let mut bytes = 0_u64;
    for id in model.eval_order()? {
        let node = model.node(id);
        let made = !node.inputs.is_empty() && node.inputs.iter().all(|input| constant[input.node]);
        constant[id] = made || node.op_is::<Const>();
        if made {
            bytes = node.outputs.iter().fold(bytes, |bytes, output| bytes.saturating_add(size(&output.fact)));
        }
    }
    Ok(bytes)
}

/// Multiplications of a run, and elements that it writes.
fn model_work(model: &TypedModel) -> Option<u64> {
    let order = model.eval_order().ok()?;
    order.into_iter().try_fold(0_u64, |sum, id| {
        let node = model.node(id);
        if node.op_is::<Const>() {
            return Some(sum);
        }
        let inputs = model.node_input_facts(id).ok()?;
        let outputs: TVec<_> = node.outputs.iter().map(|output| &output.fact).collect();
        Some(sum.saturating_add(node_work(node, &inputs, &outputs)?))
    })
}

fn node_work(node: &TypedNode, inputs: &[&TypedFact], outputs: &[&TypedFact]) -> Option<u64> {
    let written = outputs.iter().try_fold(0_u64, |sum, fact| Some(sum.saturating_add(volume(fact)?)))?;
    let within = if let Some(scan) = node.op_as::<Scan>() {
        let rounds = iteration_count(&scan.input_mapping, inputs).as_ref().and_then(number)?;
        rounds.saturating_mul(model_work(&scan.body)?)
    } else if let Some(branch) = node.op_as::<IfThenElse>() {
        model_work(&branch.then_body)?.max(model_work(&branch.else_body)?)
    } else if let Some(kernel) = window(node) {
        written.saturating_mul(kernel)
    } else if node.op.name() == "NonMaxSuppression" {
        // Each box is compared with each.
        let boxes = inputs.first().copied().and_then(volume)? / 4;
        boxes.saturating_mul(boxes)
    } else {
        let costs = node.op.cost(inputs).ok()?;
        costs
            .iter()
            .filter(|(cost, _)| cost.is_compute())
            .try_fold(0_u64, |sum, (_, count)| Some(sum.saturating_add(number(count)?)))?
    };
    Some(within.saturating_add(written))
}

/// Elements that an element of the result is taken from.
fn window(node: &TypedNode) -> Option<u64> {
    let spec = match (node.op_as::<MaxPool>(), node.op_as::<SumPool>()) {
        (Some(pool), _) => &pool.pool_spec,
        (_, Some(pool)) => &pool.pool_spec,
        _ => return None,
    };
    Some(spec.kernel_shape.iter().fold(1, |volume, dim| volume.saturating_mul(*dim as u64)))
}

/// Bytes that are held at the same time, at most: of what has been computed and is still needed, and of what repeated and
/// conditional parts hold.
fn memory(model: &TypedModel) -> TractResult<u64> {
    let order = model.eval_order()?;
    let mut last = vec![0; model.nodes.len()];
    for (step, id) in order.iter().enumerate() {
        for input in &model.node(*id).inputs {
            last[input.node] = step;
        }
    }
    for OutletId { node, .. } in &model.outputs {
        last[*node] = order.len();
    }
    let size =
        |id: usize| model.node(id).outputs.iter().fold(0, |sum: u64, output| sum.saturating_add(size(&output.fact)));
    let (mut held, mut most) = (0_u64, 0_u64);
    for (step, id) in order.iter().enumerate() {
        let node = model.node(*id);
        if node.op_is::<Const>() {
            continue;
        }
        held = held.saturating_add(size(*id));
        let within = match (node.op_as::<Scan>(), node.op_as::<IfThenElse>()) {
            (Some(scan), _) => memory(&scan.body)?,
            (_, Some(branch)) => memory(&branch.then_body)?.max(memory(&branch.else_body)?),
            _ => 0,
        };
        most = most.max(held.saturating_add(within));
        let mut over: TVec<usize> = node.inputs.iter().map(|input| input.node).collect();
        over.push(*id);
        over.sort_unstable();
        over.dedup();
        for id in over {
            if last[id] <= step && !model.node(id).op_is::<Const>() {
                held = held.saturating_sub(size(id));
            }
        }
    }
    Ok(most)
}

impl Plan for TractPlan {
    fn work(&self) -> Option<u64> {
        self.work
    }

    fn memory(&self) -> u64 {
        self.memory
    }

    fn run(&self, inputs: &[Arc<Tensor>], watch: &Watch) -> Result<Ran, Failure> {
        let facts =
            self.plan.model().input_outlets().map_err(failed)?.iter().map(|it| self.plan.model().outlet_fact(*it));
        let facts: Vec<_> = facts.collect::<TractResult<_>>().map_err(failed)?;
        if facts.len() != inputs.len() {
            return Err(Failure::Argument(format!("{} inputs where it takes {}", inputs.len(), facts.len())));
        }
        let inputs = facts.iter().zip(inputs).map(|(fact, input)| to_tract(input, fact.datum_type));
        let inputs: TVec<TValue> = inputs.collect::<TractResult<_>>().map_err(failed)?;
        let mut state = self.plan.spawn().map_err(failed)?;
        let mut toll = Toll { watch, work: 0, bytes: 0 };
        let metered = self.work.is_none();
        let outputs = state.run_plan_with_eval(inputs, |context, state, node, inputs| {
            watch.check()?;
            if metered {
                toll.pay(node, &inputs)?;
            }
            eval(context, state, node, inputs)
        });
        let outputs = outputs.map_err(failed)?;
        let outputs = outputs.iter().enumerate().map(|(i, it)| from_tract(it, self.types.get(i).copied().flatten()));
        Ok(Ran { outputs: outputs.collect::<Result<_, _>>()?, work: toll.work })
    }
}

/// What a run pays on its way, where that is not known before.
struct Toll<'a> {
    watch: &'a Watch,
    work: u64,
    bytes: u64,
}

impl Toll<'_> {
    /// Pays for an operator before it runs.
    fn pay(&mut self, node: &TypedNode, inputs: &[TValue]) -> TractResult<()> {
        let facts: TVec<TypedFact> = inputs.iter().map(fact).collect::<TractResult<_>>()?;
        let facts: TVec<_> = facts.iter().collect();
        let mut outputs = node.op.output_facts(&facts)?;
        // Of those that find out what they give (which are not zero, which are the best) none gives more than it gets, each
        // with its place.
        let given = facts.iter().fold(1_u64, |sum, fact| sum.saturating_add(volume(fact).unwrap_or(0)));
        for output in outputs.iter_mut().filter(|output| volume(output).is_none()) {
            *output = output.datum_type.fact([given.saturating_mul(8).min(i64::MAX as u64) as usize]);
        }
        let outputs: TVec<_> = outputs.iter().collect();
        let Some(work) = node_work(node, &facts, &outputs) else {
            return Err(Failure::Unsupported(format!("what {node} costs cannot be told")).into());
        };
        self.work = self.work.saturating_add(work);
        self.bytes = outputs.iter().fold(self.bytes, |sum, fact| sum.saturating_add(size(fact)));
        if self.work > self.watch.work {
            return Err(Failure::Spent.into());
        }
        if self.bytes > self.watch.memory {
            return Err(Failure::TooLarge(format!("{node} needs {} bytes", self.bytes)).into());
        }
        Ok(())
    }
}

/// What is known of a value; of a small one all, because it may say how large something else is.
fn fact(value: &TValue) -> TractResult<TypedFact> {
    if value.len() <= SMALL && value.is_plain() {
        TypedFact::try_from(value.clone().into_arc_tensor())
    } else {
        Ok(value.datum_type().fact(value.shape()))
    }
}

/// The type of tract that is that.
pub(super) fn datum_type(ty: Type) -> DatumType {
    match ty {
        Type::F16 => DatumType::F16,
        Type::F32 => DatumType::F32,
        Type::F64 => DatumType::F64,
        Type::U8 => DatumType::U8,
        Type::I8 => DatumType::I8,
        Type::U16 => DatumType::U16,
        Type::I16 => DatumType::I16,
        Type::U32 => DatumType::U32,
        Type::I32 => DatumType::I32,
        Type::U64 => DatumType::U64,
        Type::I64 => DatumType::I64,
        Type::Bool => DatumType::Bool,
    }
}

/// The type that is that of tract; dimensions are numbers to everybody else.
pub(super) fn element_type(ty: DatumType) -> Option<Type> {
    Some(match ty.unquantized() {
        DatumType::F16 => Type::F16,
        DatumType::F32 => Type::F32,
        DatumType::F64 => Type::F64,
        DatumType::U8 => Type::U8,
        DatumType::I8 => Type::I8,
        DatumType::U16 => Type::U16,
        DatumType::I16 => Type::I16,
        DatumType::U32 => Type::U32,
        DatumType::I32 => Type::I32,
        DatumType::U64 => Type::U64,
        DatumType::I64 | DatumType::TDim => Type::I64,
        DatumType::Bool => Type::Bool,
        _ => return None,
    })
}

/// A tensor of tract with those bytes: as `ty`, which may say how they are quantized, or be numbers that are dimensions.
fn to_tract(tensor: &Tensor, ty: DatumType) -> TractResult<TValue> {
    let plain = datum_type(tensor.form.ty);
    let like = if plain == ty.unquantized() { ty } else { plain };
    let mut value = TractTensor::zero_dt(like, &tensor.form.dims)?;
    let mut view = value.try_as_plain_ram_mut()?;
    let bytes = view.as_bytes_mut();
    if bytes.len() != tensor.bytes.len() {
        return Err(Failure::Argument("the bytes of an input are not as many as its form says".into()).into());
    }
    bytes.copy_from_slice(&tensor.bytes);
    if plain == DatumType::Bool {
        // No other byte may be a truth value.
        bytes.iter_mut().for_each(|byte| *byte = u8::from(*byte != 0));
    }
    let value = if like == ty { value } else { value.cast_to_dt(ty)?.into_owned() };
    Ok(value.into())
}

/// The tensor that is that of tract, in the type that it is declared with.
fn from_tract(value: &TractTensor, declared: Option<Type>) -> Result<Tensor, Failure> {
    let own = element_type(value.datum_type());
    let ty = declared.filter(|_| own.is_some()).or(own);
    let ty = ty.ok_or_else(|| Failure::Unsupported(format!("an output of {:?}", value.datum_type())))?;
    let plain = if value.datum_type().unquantized() == datum_type(ty) { value.datum_type() } else { datum_type(ty) };
    let value = value.cast_to_dt(plain).map_err(failed)?;
    let bytes = value.try_as_plain_ram().map_err(failed)?.as_bytes().to_vec();
    let tensor = Tensor { form: Form { ty, dims: value.shape().to_vec() }, bytes };
    match tensor.form.bytes() {
        Some(bytes) if bytes == tensor.bytes.len() as u64 => Ok(tensor),
        _ => Err(Failure::Runtime("an output has other bytes than its form says".into())),
    }
}

//! Bounds of what tract computes of constants while it reads a model.

use crate::backend::Failure;
use tract_onnx::tract_hir::internal::*;
use tract_onnx::tract_hir::tract_core::ops::konst::Const;

/// Bytes that an operator on constants gives at most: tract keeps no more than some MiB of it anyhow.
const FOLDED: u64 = 64 << 20;

/// Operators whose results, of a size that is not told, are no larger than what goes in.
const SHRINKING: &[&str] = &["Compress", "NonMaxSuppression", "NonZero", "TopK", "Unique"];

/// Operators whose results may be larger than anything that goes in. tract evaluates those on small constants wherever it meets
/// them, so one whose size cannot be told is refused.
const GROWING: &[&str] = &[
    "ConstantOfShape",
    "Expand",
    "EyeLike",
    "Fill",
    "MultiBroadcastTo",
    "OneHot",
    "OneHotOnnx",
    "Pad",
    "Resize",
    "Tile",
];

/// Puts bounds around all operators of a model.
pub(super) fn wrap(model: &mut InferenceModel) {
    for node in model.nodes_mut() {
        if !InferenceModel::is_source(&node.op) && !node.op_is::<Const>() {
            let inner = std::mem::replace(&mut node.op, Box::new(tract_onnx::tract_hir::ops::source::Source));
            node.op = Box::new(Bounded(inner));
        }
    }
}

/// An operator whose results are looked at before they are made.
#[derive(Clone, Debug)]
struct Bounded(Box<dyn InferenceOp>);

impl PartialEq for Bounded {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

impl Eq for Bounded {}

impl Op for Bounded {
    fn name(&self) -> StaticName {
        self.0.name()
    }

    not_a_typed_op!();
}

impl EvalOp for Bounded {
    fn eval(&self, context: &EvalContext<'_>, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        self.0.eval(context, inputs)
    }

    fn eval_out_of_plan(&self, inputs: TVec<TValue>) -> TractResult<Option<TVec<TValue>>> {
        self.0.eval_out_of_plan(inputs)
    }

    fn state(&self, context: &EvalContext<'_>) -> TractResult<Option<Box<dyn OpState>>> {
        self.0.state(context)
    }
}

type Facts = TVec<InferenceFact>;

impl InferenceOp for Bounded {
    fn infer(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
    ) -> TractResult<(Facts, Facts, Facts)> {
        let known = self.0.infer_facts(inputs.clone(), outputs.clone(), observed.clone())?;
        if known.0.is_empty() || !known.0.iter().all(|fact| fact.value.is_concrete()) {
            return self.0.infer(inputs, outputs, observed);
        }
        let bytes = known.1.iter().map(bytes).try_fold(0_u64, |sum, bytes| Some(sum.saturating_add(bytes?)));
        let bytes = match &*self.0.name() {
            "Range" => Some(range(&known.0)),
            name if GROWING.contains(&name) && known.0.iter().any(says_too_much) => Some(u64::MAX),
            _ => bytes,
        };
        match bytes {
            Some(bytes) if bytes > FOLDED => {
                let why = format!("{} makes {bytes} bytes of constants", self.0.name());
                Err(Failure::TooLarge(why).into())
            }
            Some(_) => self.0.infer(inputs, outputs, observed),
            None if SHRINKING.contains(&&*self.0.name()) => self.0.infer(inputs, outputs, observed),
            None if GROWING.contains(&&*self.0.name()) => {
                Err(Failure::TooLarge(format!("{} makes constants of no known size", self.0.name())).into())
            }
            // Whatever it gives, it gives when it is run, and under the bounds of runs.
            None => Ok(known),
        }
    }

    fn infer_facts(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
    ) -> TractResult<(Facts, Facts, Facts)> {
        self.0.infer_facts(inputs, outputs, observed)
    }

    fn observe_outlets(&self, model: &InferenceModel, node: &InferenceNode) -> TractResult<Vec<OutletId>> {
        self.0.observe_outlets(model, node)
    }

    fn incorporate(&self, model: &InferenceModel, node: &InferenceNode) -> TractResult<Option<InferenceModelPatch>> {
        self.0.incorporate(model, node)
    }

    fn nboutputs(&self) -> TractResult<usize> {
        self.0.nboutputs()
    }

    // What looks for a kind of operator finds the one within.
    fn as_op(&self) -> &dyn Op {
        self.0.as_op()
    }

    fn as_op_mut(&mut self) -> &mut dyn Op {
        self.0.as_op_mut()
    }

    fn to_typed(
        &self,
        source: &InferenceModel,
        node: &InferenceNode,
        target: &mut TypedModel,
        mapping: &HashMap<OutletId, OutletId>,
    ) -> TractResult<TVec<OutletId>> {
        self.0.to_typed(source, node, target, mapping)
    }
}

/// Bytes of a tensor, if they are known. What is not a number is too many.
fn bytes(fact: &InferenceFact) -> Option<u64> {
    let dims = fact.shape.concretize()?;
    // Of a type that is not known, the largest.
    let size = fact.datum_type.concretize().map_or(16, |ty| ty.size_of() as u64);
    dims.iter().try_fold(size, |bytes, dim| {
        let dim = dim.to_i64().ok()?;
        Some(u64::try_from(dim).map_or(u64::MAX, |dim| bytes.saturating_mul(dim)))
    })
}

/// Whether a constant has numbers that are no size of anything: tract takes 32 bits of them for a dimension where it infers,
/// and all of them where it evaluates.
fn says_too_much(fact: &InferenceFact) -> bool {
    let Some(tensor) = fact.value.concretize().filter(|tensor| tensor.datum_type().is_integer()) else { return false };
    let numbers = tensor.cast_to::<i64>();
    let numbers = numbers.as_ref().ok().and_then(|numbers| numbers.try_as_plain_ram().ok()?.as_slice::<i64>().ok());
    numbers.is_none_or(|numbers| numbers.iter().any(|number| i32::try_from(*number).is_err()))
}

/// Bytes of the numbers from one to another by steps, at most. What is not a number is too many.
fn range(inputs: &[InferenceFact]) -> u64 {
    let number = |place: usize| inputs.get(place)?.value.concretize()?.cast_to_scalar::<f64>().ok();
    let (Some(from), Some(to), Some(step)) = (number(0), number(1), number(2)) else { return u64::MAX };
    let count = ((to - from) / step).ceil();
    if count.is_nan() { u64::MAX } else { (count.max(0.0) as u64).saturating_mul(8) }
}

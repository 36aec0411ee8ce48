//! Bounds of what tract computes of constants while it reads a model.

use crate::backend::Failure;
use tract_onnx::tract_hir::internal::*;
use tract_onnx::tract_hir::tract_core::ops::konst::Const;

/// Bytes that an operator on constants gives at most: tract keeps no more than some MiB of it anyhow.
const FOLDED: u64 = 64 << 20;

/// Operators whose results, of a size that is not told, are no larger than what goes in.
const SHRINKING: &[&str] = &["Compress", "NonMaxSuppression", "NonZero", "TopK", "Unique"];

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
        if inputs.is_empty() || !inputs.iter().all(|fact| fact.value.is_concrete()) {
            return self.0.infer(inputs, outputs, observed);
        }
        let known = self.0.infer_facts(inputs.clone(), outputs.clone(), observed.clone())?;
        let bytes = known.1.iter().map(bytes).try_fold(0_u64, |sum, bytes| Some(sum.saturating_add(bytes?)));
        match bytes {
            Some(bytes) if bytes > FOLDED => {
                let why = format!("{} makes {bytes} bytes of constants", self.0.name());
                Err(Failure::TooLarge(why).into())
            }
            Some(_) => self.0.infer(inputs, outputs, observed),
            None if SHRINKING.contains(&&*self.0.name()) => self.0.infer(inputs, outputs, observed),
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

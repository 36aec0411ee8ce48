//! The back end in Rust: tract, for ONNX, frozen graphs of TensorFlow, and TensorFlow Lite.
//!
//! A model is read once and made ready for each set of input forms: dimensions are put in, so that what a run costs is known
//! before it. tract evaluates what depends on constants alone while it reads and prepares; `check` and `bounded` keep that
//! within bounds.

mod bounded;
mod check;
mod half;
mod plan;

use crate::backend::{Backend, Encoding, Failure, Graph, Origin, Plan, Port, Wanted};
use crate::tensor::Form;
use plan::{TractPlan, datum_type, element_type};
use prost::Message;
use std::sync::{Arc, Mutex, PoisonError};
use tract_onnx::tract_hir::internal::{
    DimFact, DimLike, Factoid, Framework, HashMap, InferenceFact, InferenceModel, InferenceModelExt, OutletId,
    ShapeFactoid, SpecialOps, Symbol, TDim, TractError, TypedModel,
};

/// Bytes of a model at most: protocol buffers end at 2 GiB, and guests' memories long before.
const MODEL: usize = 1 << 30;

/// Plans that are kept of a model: the last ones.
const PLANS: usize = 16;

/// tract.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tract;

impl Backend for Tract {
    fn name(&self) -> &'static str {
        "tract"
    }

    fn encodings(&self) -> &'static [Encoding] {
        &[Encoding::Onnx, Encoding::TensorFlow, Encoding::TensorFlowLite]
    }

    fn load(&self, encoding: Encoding, parts: &[&[u8]], origin: Origin) -> Result<Arc<dyn Graph>, Failure> {
        let [bytes] = parts else {
            return Err(Failure::Argument(format!("a model of {encoding} has one part, not {}", parts.len())));
        };
        if bytes.len() > MODEL {
            return Err(Failure::TooLarge(format!("a model of {} bytes", bytes.len())));
        }
        let model = match encoding {
            Encoding::Onnx => onnx(bytes, origin)?,
            Encoding::TensorFlow => tensorflow(bytes, origin)?,
            Encoding::TensorFlowLite => lite(bytes)?,
            other => return Err(Failure::Encoding(format!("tract does not take {other}"))),
        };
        Ok(Arc::new(model.ready()?))
    }
}

/// Bytes that are not what they should be.
fn unreadable(error: TractError) -> Failure {
    match error.chain().find_map(|cause| cause.downcast_ref::<Failure>()) {
        Some(failure) => failure.clone(),
        None => Failure::Encoding(format!("{error:#}")),
    }
}

/// A failure of ours that has come through tract, or one of tract's.
fn failed(error: TractError) -> Failure {
    match error.chain().find_map(|cause| cause.downcast_ref::<Failure>()) {
        Some(failure) => failure.clone(),
        None => Failure::Runtime(format!("{error:#}")),
    }
}

fn decoded<M: Message + Default>(bytes: &[u8], origin: Origin) -> Result<M, Failure> {
    if origin == Origin::Guest {
        check::fields(bytes)?;
    }
    M::decode(bytes).map_err(|error| Failure::Encoding(error.to_string()))
}

fn onnx(bytes: &[u8], origin: Origin) -> Result<Model, Failure> {
    let mut proto: tract_onnx::pb::ModelProto = decoded(bytes, origin)?;
    check::onnx(&mut proto, origin)?;
    let mut model = tract_onnx::onnx().model_for_proto_model(&proto).map_err(unreadable)?;
    bounded::wrap(&mut model);
    let declared = proto.graph.iter().flat_map(|graph| &graph.output);
    let outputs = model.outputs.iter().zip(declared).map(|(outlet, declared)| Port {
        name: declared.name.clone(),
        ty: check::onnx_type(declared),
        dims: inferred(&model, *outlet).dims,
    });
    let outputs = outputs.collect();
    Ok(Model::new(Kind::Inferred(model), outputs, bytes.len()))
}

fn tensorflow(bytes: &[u8], origin: Origin) -> Result<Model, Failure> {
    let mut proto: tract_tensorflow::tfpb::tensorflow::GraphDef = decoded(bytes, origin)?;
    check::tensorflow(&proto)?;
    tract_tensorflow::Tensorflow::determinize(&mut proto).map_err(unreadable)?;
    let mut model = tract_tensorflow::tensorflow().model_for_proto_model(&proto).map_err(unreadable)?;
    bounded::wrap(&mut model);
    let outputs = model.outputs.iter().map(|outlet| inferred(&model, *outlet)).collect();
    Ok(Model::new(Kind::Inferred(model), outputs, bytes.len()))
}

fn lite(bytes: &[u8]) -> Result<Model, Failure> {
    check::lite(bytes)?;
    let wide = half::widened(bytes);
    let mut reader = wide.as_deref().unwrap_or(bytes);
    let model = tract_tflite::tflite().model_for_read(&mut reader).map_err(unreadable)?;
    let names = check::lite_outputs(bytes);
    let outputs =
        model.outputs.iter().zip(names).map(|(outlet, name)| Port { name, ..typed(&model, *outlet) }).collect();
    Ok(Model::new(Kind::Typed(model), outputs, bytes.len()))
}

/// What an input or an output of a model is, as far as it says.
fn inferred(model: &InferenceModel, outlet: OutletId) -> Port {
    let fact = &model.node(outlet.node).outputs[outlet.slot].fact;
    let number = |dim: &DimFact| dim.concretize().and_then(|dim| dim.to_usize().ok());
    Port {
        name: model.node(outlet.node).name.clone(),
        ty: fact.datum_type.concretize().and_then(element_type),
        dims: (!fact.shape.is_open()).then(|| fact.shape.dims().map(number).collect()),
    }
}

fn typed(model: &TypedModel, outlet: OutletId) -> Port {
    let fact = &model.node(outlet.node).outputs[outlet.slot].fact;
    Port {
        name: model.node(outlet.node).name.clone(),
        ty: element_type(fact.datum_type),
        dims: Some(fact.shape.iter().map(|dim| dim.to_usize().ok()).collect()),
    }
}

/// A model as tract has read it.
#[derive(Debug)]
enum Kind {
    Inferred(InferenceModel),
    Typed(TypedModel),
}

/// What asks for a plan.
type Key = (Vec<Form>, Option<Wanted>);

#[derive(Debug)]
struct Model {
    kind: Kind,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    /// Bytes of the file.
    file: usize,
    is_ready: bool,
    /// The last ones that were asked for, the very last at the end.
    plans: Mutex<Vec<(Key, Arc<TractPlan>)>>,
}

impl Model {
    fn new(kind: Kind, outputs: Vec<Port>, file: usize) -> Self {
        let inputs = match &kind {
            Kind::Inferred(model) => model.inputs.iter().map(|outlet| inferred(model, *outlet)).collect(),
            Kind::Typed(model) => model.inputs.iter().map(|outlet| typed(model, *outlet)).collect(),
        };
        Self { kind, inputs, outputs, file, is_ready: false, plans: Mutex::default() }
    }

    /// Makes the only plan of a model that leaves nothing open.
    fn ready(mut self) -> Result<Self, Failure> {
        let form = |port: &Port| {
            let dims = port.dims.as_ref()?.iter().copied().collect::<Option<Vec<_>>>()?;
            Some(Form { ty: port.ty?, dims })
        };
        if let Some(forms) = self.inputs.iter().map(form).collect::<Option<Vec<_>>>() {
            // Graphs of TensorFlow may be asked for other outputs; whether they give theirs is seen when they are.
            self.is_ready = self.prepare(&forms, None).is_ok();
        }
        Ok(self)
    }

    fn planned(&self, forms: &[Form], wanted: Option<&Wanted>) -> Result<TractPlan, Failure> {
        match &self.kind {
            Kind::Inferred(model) => {
                let mut model = model.clone();
                if let Some(wanted) = wanted {
                    select(&mut model, wanted)?;
                }
                fill(&mut model, forms)?;
                let types = match wanted {
                    Some(_) => Vec::new(),
                    None => self.outputs.iter().map(|port| port.ty).collect(),
                };
                TractPlan::new(model.into_typed().map_err(failed)?, types, self.file)
            }
            Kind::Typed(model) => {
                let mut model = model.clone();
                if let Some(wanted) = wanted {
                    let outputs = wanted.outputs.iter().map(|name| {
                        let place = self.outputs.iter().position(|port| port.name == *name);
                        place.map(|place| model.outputs[place]).ok_or_else(|| no_such("output", name))
                    });
                    let outputs = outputs.collect::<Result<Vec<_>, _>>()?;
                    model.select_output_outlets(&outputs).map_err(failed)?;
                }
                TractPlan::new(model, Vec::new(), self.file)
            }
        }
    }
}

impl Graph for Model {
    fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    fn is_ready(&self) -> bool {
        self.is_ready
    }

    fn prepare(&self, forms: &[Form], wanted: Option<&Wanted>) -> Result<Arc<dyn Plan>, Failure> {
        if wanted.is_none() {
            let fit =
                forms.len() == self.inputs.len() && self.inputs.iter().zip(forms).all(|(port, form)| port.takes(form));
            if !fit {
                return Err(Failure::Argument("the model does not take inputs of these forms".into()));
            }
        }
        let key = (forms.to_vec(), wanted.cloned());
        // Whoever asks for the same waits, and finds it. A thread that panicked has left the list as it was.
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = match plans.iter().position(|(it, _)| *it == key) {
            Some(place) => plans.remove(place).1,
            None => Arc::new(self.planned(forms, wanted)?),
        };
        if plans.len() >= PLANS {
            plans.remove(0);
        }
        plans.push((key, plan.clone()));
        Ok(plan)
    }
}

fn no_such(what: &str, name: &str) -> Failure {
    Failure::Argument(format!("the model has no {what} {name:?}"))
}

/// Takes inputs and outputs of a graph by their names: `name`, or `name:slot`.
fn select(model: &mut InferenceModel, wanted: &Wanted) -> Result<(), Failure> {
    let outlet = |model: &InferenceModel, what: &str, name: &str| {
        let (node, slot) = name.rsplit_once(':').unwrap_or((name, "0"));
        let node = model.node_by_name(node).map_err(|_| no_such(what, name))?;
        let slot = slot.parse().ok().filter(|slot| *slot < node.outputs.len()).ok_or_else(|| no_such(what, name))?;
        Ok(OutletId::new(node.id, slot))
    };
    let inputs = wanted.inputs.iter().map(|name| outlet(model, "input", name)).collect::<Result<Vec<_>, Failure>>()?;
    let outputs =
        wanted.outputs.iter().map(|name| outlet(model, "output", name)).collect::<Result<Vec<_>, Failure>>()?;
    if let Some(place) = inputs.iter().position(|outlet| !InferenceModel::is_source(&model.node(outlet.node).op)) {
        return Err(no_such("placeholder", &wanted.inputs[place]));
    }
    model.set_input_outlets(&inputs).map_err(failed)?;
    model.select_output_outlets(&outputs).map_err(failed)
}

/// Puts the forms of the inputs in, and the numbers of dimensions that have names everywhere.
fn fill(model: &mut InferenceModel, forms: &[Form]) -> Result<(), Failure> {
    let mut symbols: HashMap<Symbol, TDim> = HashMap::new();
    for (outlet, form) in model.inputs.clone().into_iter().zip(forms) {
        let fact = model.outlet_fact(outlet).map_err(failed)?;
        for (dim, number) in fact.shape.dims().zip(&form.dims) {
            if let Some(TDim::Sym(symbol)) = dim.concretize() {
                symbols.insert(symbol, TDim::Val(*number as i64));
            }
        }
    }
    model.set_symbols(&symbols).map_err(failed)?;
    for (place, form) in forms.iter().enumerate() {
        let shape = ShapeFactoid::from(form.dims.iter().map(|dim| TDim::Val(*dim as i64)));
        let given = InferenceFact::dt_shape(datum_type(form.ty), shape);
        let fact = model.input_fact(place).map_err(failed)?;
        let fact = given.unify(fact).map_err(|error| Failure::Argument(error.to_string()))?;
        model.set_input_fact(place, fact).map_err(failed)?;
    }
    Ok(())
}

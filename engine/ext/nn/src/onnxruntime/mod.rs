//! The back end over ONNX Runtime, whose library the operator brings: it is loaded when the process runs.
//!
//! It is in C++, and believes what a model says; so it runs models that are granted, and none that a guest brings. Of what
//! it computes between inputs and outputs it tells nothing before a run: a run is paid by its time.

mod tensors;

use crate::backend::{Backend, Encoding, Failure, Graph, Origin, Plan, Port, Ran, Wanted, Watch};
use crate::tensor::{Form, Tensor};
use ort::environment::Environment;
use ort::ep::CPU;
use ort::logging::LogLevel;
use ort::session::{RunOptions, Session};
use ort::value::{Outlet, ValueType};
use ort::{Error, ErrorCode};
use prost::Message;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tract_onnx::pb;

/// Multiplications that a microsecond of a run is charged as: what a core with AVX2 does in it at best, in products of large
/// matrices. There they cost what they cost on [`Tract`](crate::Tract), which counts them; small models that do less in a
/// microsecond cost up to five times as much.
pub const MICROSECOND: u64 = 60_000;

/// How often a run's watch is asked.
const TICK: Duration = Duration::from_millis(2);

/// The library of this process and its state, which it has once.
static LIBRARY: Mutex<Option<(PathBuf, Environment)>> = Mutex::new(None);

/// ONNX Runtime, for ONNX on processors.
///
/// Models of guests are refused; behind [`Tract`](crate::Tract) in the list of [`Models`](crate::Models) it runs those whose
/// grant names it. Runs of one model take turns, each on the thread that asks for it.
///
/// What a run costs is not known before it: a microsecond is charged as [`MICROSECOND`] multiplications, so the same run does
/// not cost the same twice, and a run is ended when the gas is not enough for more, or its time is up: behind the operator
/// that it is at. Inputs and outputs count against the limit of memory; what it holds between is known to it alone, is not
/// counted, and is given back after each run. A host whose models have open dimensions gives the process a limit.
#[derive(Clone, Debug)]
pub struct OnnxRuntime(Environment);

impl OnnxRuntime {
    /// Loads the library, of version 1.17 or later. It is part of the process from then on, and as trusted.
    ///
    /// # Errors
    /// There is no such file, it is no ONNX Runtime or an older one; another one is loaded already.
    pub fn load(library: &Path) -> Result<Self, Failure> {
        let broken = |why: String| Failure::Runtime(format!("{}: {why}", library.display()));
        let path = library.canonicalize().map_err(|error| broken(error.to_string()))?;
        let mut loaded = LIBRARY.lock().unwrap_or_else(PoisonError::into_inner);
        match &*loaded {
            Some((other, environment)) if *other == path => return Ok(Self(environment.clone())),
            Some((other, _)) => return Err(broken(format!("the process has loaded {} already", other.display()))),
            None => {}
        }
        let builder = ort::init_from(&path).map_err(|error| broken(error.to_string()))?;
        let environment = builder.with_telemetry(false).build().map_err(|error| broken(error.to_string()))?;
        // Errors are answers: a guest that makes some writes nothing to the operator's screen.
        environment.set_log_level(LogLevel::Fatal);
        *loaded = Some((path, environment.clone()));
        Ok(Self(environment))
    }

    fn session(&self, bytes: &[u8]) -> ort::Result<Session> {
        Session::builder(&self.0)?
            .with_log_level(LogLevel::Fatal)?
            // Nothing is done but on the thread that asks, and nothing is kept between runs.
            .with_intra_threads(1)?
            .with_inter_threads(1)?
            .with_memory_pattern(false)?
            .with_execution_providers([CPU::default().with_arena_allocator(false).build()])?
            .commit_from_memory(bytes)
    }
}

impl Backend for OnnxRuntime {
    fn name(&self) -> &'static str {
        "onnxruntime"
    }

    fn encodings(&self) -> &'static [Encoding] {
        &[Encoding::Onnx]
    }

    fn load(&self, encoding: Encoding, parts: &[&[u8]], origin: Origin) -> Result<Arc<dyn Graph>, Failure> {
        if origin == Origin::Guest {
            return Err(Failure::Unsupported("ONNX Runtime runs no models of guests".into()));
        }
        if encoding != Encoding::Onnx {
            return Err(Failure::Encoding(format!("ONNX Runtime does not take {encoding}")));
        }
        let [bytes] = parts else {
            return Err(Failure::Argument(format!("a model of {encoding} has one part, not {}", parts.len())));
        };
        whole(bytes)?;
        let session = self.session(bytes).map_err(|error| Failure::Encoding(error.to_string()))?;
        let ports = |outlets: &[Outlet]| outlets.iter().map(port).collect::<Vec<_>>();
        let (inputs, outputs) = (ports(session.inputs()), ports(session.outputs()));
        Ok(Arc::new(Model { inputs, outputs, session: Arc::new(Mutex::new(session)) }))
    }
}

/// Looks whether all of a model is in its bytes, which its digest is of: weights may be in files beside it.
fn whole(bytes: &[u8]) -> Result<(), Failure> {
    fn outside(graph: &pb::GraphProto) -> bool {
        let is_outside = |tensor: &pb::TensorProto| {
            !tensor.external_data.is_empty() || tensor.data_location() != pb::tensor_proto::DataLocation::Default
        };
        let mut attributes = graph.node.iter().flat_map(|node| &node.attribute);
        graph.initializer.iter().any(is_outside)
            || attributes
                .any(|it| it.t.iter().chain(&it.tensors).any(is_outside) || it.g.iter().chain(&it.graphs).any(outside))
    }
    let model = pb::ModelProto::decode(bytes).map_err(|error| Failure::Encoding(error.to_string()))?;
    match model.graph.iter().any(outside) {
        true => Err(Failure::Encoding("parts of the model are in other files".into())),
        false => Ok(()),
    }
}

fn port(outlet: &Outlet) -> Port {
    let (ty, dims) = match outlet.dtype() {
        ValueType::Tensor { ty, shape, .. } => {
            (tensors::element_type(*ty), Some(shape.iter().map(|dim| usize::try_from(*dim).ok()).collect()))
        }
        _ => (None, None),
    };
    Port { name: outlet.name().into(), ty, dims }
}

/// What a run fails with.
fn failed(error: Error) -> Failure {
    let why = error.message().into();
    match error.code() {
        ErrorCode::InvalidArgument => Failure::Argument(why),
        ErrorCode::NotImplemented => Failure::Unsupported(why),
        _ => Failure::Runtime(why),
    }
}

#[derive(Debug)]
struct Model {
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    session: Arc<Mutex<Session>>,
}

impl Graph for Model {
    fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn prepare(&self, forms: &[Form], wanted: Option<&Wanted>) -> Result<Arc<dyn Plan>, Failure> {
        if wanted.is_some() {
            return Err(Failure::Unsupported("ONNX Runtime takes a model's own inputs and outputs".into()));
        }
        if forms.len() != self.inputs.len() || !self.inputs.iter().zip(forms).all(|(port, form)| port.takes(form)) {
            return Err(Failure::Argument("the model does not take inputs of these forms".into()));
        }
        let known = |port: &Port| {
            let dims = port.dims.as_ref()?.iter().copied().collect::<Option<_>>()?;
            Form { ty: port.ty?, dims }.bytes()
        };
        let memory = self.outputs.iter().filter_map(known).fold(0, u64::saturating_add);
        let names = self.inputs.iter().map(|port| port.name.clone()).collect();
        Ok(Arc::new(Prepared { names, session: self.session.clone(), memory }))
    }
}

/// A model for inputs of some forms. There is nothing to prepare.
#[derive(Debug)]
struct Prepared {
    /// Of the inputs.
    names: Vec<String>,
    session: Arc<Mutex<Session>>,
    /// Bytes of the outputs whose forms are known.
    memory: u64,
}

impl Plan for Prepared {
    fn work(&self) -> Option<u64> {
        None
    }

    fn memory(&self) -> u64 {
        self.memory
    }

    fn run(&self, inputs: &[Arc<Tensor>], watch: &Watch) -> Result<Ran, Failure> {
        if inputs.len() != self.names.len() {
            return Err(Failure::Argument(format!("{} inputs where it takes {}", inputs.len(), self.names.len())));
        }
        let named = self.names.iter().zip(inputs).map(|(name, input)| Ok((name.as_str(), tensors::to_value(input)?)));
        let values = named.collect::<ort::Result<Vec<_>>>().map_err(failed)?;
        let options = RunOptions::new().map_err(failed)?;
        let mut session: MutexGuard<'_, Session> = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        watch.check()?;
        let (began, patience) = (Instant::now(), Duration::from_micros(watch.work / MICROSECOND));
        // An option that is set cannot be set in vain: it has no other errors.
        let end = || drop(options.terminate());
        let ran = watched(watch, began, patience, end, || {
            let outputs = session.run_with_options(values, &options).map_err(failed)?;
            let mut left = watch.memory;
            outputs.values().map(|value| tensors::from_value(&value, &mut left)).collect::<Result<Vec<_>, _>>()
        });
        let took = began.elapsed();
        // What was done before it could be ended is an answer; it may cost more than was left.
        let outputs = ran.map_err(|failure| match watch.check() {
            Err(cancelled) => cancelled,
            Ok(()) if took > patience => Failure::Spent,
            Ok(()) => failure,
        })?;
        let work = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).saturating_mul(MICROSECOND);
        Ok(Ran { outputs, work })
    }
}

/// Does something, and calls `end` meanwhile when nobody waits for it any more or it takes longer than it may.
fn watched<T>(
    watch: &Watch,
    began: Instant,
    patience: Duration,
    end: impl Fn() + Send,
    work: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    thread::scope(|scope| {
        let (done, is_done) = mpsc::channel::<()>();
        let look = move || {
            while is_done.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                if watch.check().is_err() || began.elapsed() > patience {
                    return end();
                }
            }
        };
        let thread = thread::Builder::new().name("gristmill-nn-watch".into()).spawn_scoped(scope, look);
        thread.map_err(|error| Failure::Runtime(format!("the host has no thread for it: {error}")))?;
        // Whatever ends the work, a panic too, ends the watch.
        let _done = done;
        work()
    })
}

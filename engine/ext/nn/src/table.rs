//! The state of an instance, and what all interfaces do with it.

use crate::backend::{Encoding, Failure, Graph, Origin, Plan, Ran, Wanted, Watch};
use crate::handles::Handles;
use crate::memory::{Hold, Memory};
use crate::models::Models;
use crate::sessions::{Given, Session};
use crate::tensor::{Form, Held, Tensor};
use crate::worker::{self, Worker};
use gristmill::{Gas, Guest, Stop, Trap};
use gristmill_ext_grants::{Act, Granted, Prices};
use std::sync::{Arc, Weak};

/// Bytes that the tensors and models of an instance take at most when its grants have no limit of memory: 1 GiB.
pub const MEMORY: u64 = 1 << 30;

/// Multiplications that [`Inference`](gristmill_ext_grants::Inference) is the price of.
const MILLION: u64 = 1_000_000;

/// Multiplications of a run that is over so soon that it need not be on a thread where its end is not waited for: there and back
/// takes some 50 microseconds. Silero's 1.5 million take 0.12 ms and Magika's 380 million 7 ms (benches/EXTENSIONS.md), so
/// these take 1 to 3.
const SHORT: u64 = 32 * MILLION;

/// The models of one store: grants, the models that all share, and what is open.
#[derive(Debug)]
pub struct Nn {
    pub(crate) granted: Arc<Granted>,
    pub(crate) models: Arc<Models>,
    pub(crate) old_types: bool,
    pub(crate) memory: Memory,
    pub(crate) graphs: Handles<Arc<Loaded>>,
    pub(crate) contexts: Handles<Context>,
    pub(crate) sessions: Handles<Session>,
    pub(crate) tensors: Handles<Given>,
    pub(crate) failure: Option<Failure>,
    pub(crate) worker: Worker,
}

/// A model that an instance has loaded.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub graph: Arc<dyn Graph>,
    origin: Origin,
    /// Bytes that making it ready is paid by: none for a model of the operator.
    bytes: u64,
    _hold: Option<Hold>,
}

/// What wasi-nn calls an execution context.
#[derive(Debug)]
pub(crate) struct Context {
    pub graph: Arc<Loaded>,
    pub inputs: Vec<Option<Held>>,
    pub outputs: Vec<Held>,
    pub prepared: Option<Prepared>,
}

/// What a model was last made ready for, and paid.
#[derive(Debug)]
pub(crate) struct Prepared {
    forms: Vec<Form>,
    wanted: Option<Wanted>,
    /// The model keeps it, as long as it is among the last ones.
    plan: Weak<dyn Plan>,
}

impl Prepared {
    fn is_for(&self, inputs: &[Arc<Tensor>], wanted: Option<&Wanted>) -> bool {
        self.forms.iter().eq(inputs.iter().map(|input| &input.form)) && self.wanted.as_ref() == wanted
    }
}

/// Why a body ends before its end.
#[derive(Debug)]
pub(crate) enum No {
    Failure(Failure),
    Stop(Stop),
}

impl From<Failure> for No {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Stop> for No {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

pub(crate) fn argument(why: impl Into<String>) -> Failure {
    Failure::Argument(why.into())
}

impl Nn {
    /// The models of a new store.
    pub fn new(granted: Arc<Granted>, models: Arc<Models>) -> Self {
        let memory = granted.grants.limits.pages.map_or(MEMORY, |pages| u64::from(pages) << 16);
        Self {
            granted,
            models,
            old_types: false,
            memory: Memory::new(memory),
            graphs: Handles::default(),
            contexts: Handles::default(),
            sessions: Handles::default(),
            tensors: Handles::default(),
            failure: None,
            worker: Worker::default(),
        }
    }

    /// With the numbers that wasi-nn had for types and errors before `f64` and `i64` were there. Guests of both kinds look the same.
    pub fn with_old_types(mut self, old: bool) -> Self {
        self.old_types = old;
        self
    }

    /// Why the last function that failed did, for the operator; a call that goes well leaves it alone.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    pub(crate) fn prices(&self) -> &Prices {
        &self.granted.grants.prices
    }

    pub(crate) fn call(&self) -> Gas {
        self.prices().nn.base()
    }

    pub(crate) fn image_call(&self) -> Gas {
        self.prices().image.base()
    }

    /// Static mode is the chain's, and models are not there.
    pub(crate) fn is_static(&self) -> bool {
        false
    }

    /// Pays for bytes that are read, written or looked at.
    pub(crate) fn pay_bytes(&self, guest: &mut Guest<'_>, bytes: u64) -> Result<(), Stop> {
        self.prices().nn.charge_bytes(guest, bytes)?;
        self.granted.in_time()
    }

    /// The model that is granted under that name.
    pub(crate) fn load_granted(&mut self, function: &'static str, name: &str) -> Result<Arc<Loaded>, No> {
        let grants = &self.granted.grants;
        let Some(grant) = grants.models.iter().find(|model| model.name == name).cloned() else {
            self.granted.refuse(function, name, Act::Model);
            return Err(Failure::NotFound(format!("no model {name:?} is granted")).into());
        };
        let models = self.models.clone();
        let graph = self.worker.run(&self.granted, move |_| models.granted(&grant))?.inspect_err(|_| {
            // A grant whose file is another one, or none, is not there either.
            self.granted.refuse(function, name, Act::Model);
        })?;
        Ok(Arc::new(Loaded { graph, origin: Origin::Operator, bytes: 0, _hold: None }))
    }

    /// A model that the guest brings, in parts that lie in its memory. It is paid by its bytes, before it is looked at.
    pub(crate) fn load_own(
        &mut self,
        guest: &mut Guest<'_>,
        function: &'static str,
        encoding: Encoding,
        parts: &[(u32, u32)],
    ) -> Result<Arc<Loaded>, No> {
        let mut bytes = 0;
        for (ptr, len) in parts {
            guest.check(*ptr, *len)?;
            bytes += u64::from(*len);
        }
        if !self.granted.grants.own_models {
            self.granted.refuse(function, "", Act::OwnModel);
            return Err(Failure::Unsupported("models of the guest are not granted".into()).into());
        }
        self.prices().model.charge_bytes(guest, bytes)?;
        // Once as it is, once as it is read, once as it is made ready.
        let hold = self.memory.take(bytes.saturating_mul(3))?;
        let copies = parts.iter().map(|(ptr, len)| guest.slice(*ptr, *len).map(<[u8]>::to_vec));
        let copies = copies.collect::<Result<Vec<_>, _>>()?;
        let models = self.models.clone();
        let graph = self.worker.run(&self.granted, move |_| {
            let parts: Vec<_> = copies.iter().map(Vec::as_slice).collect();
            models.load(encoding, &parts, Origin::Guest)
        })??;
        Ok(Arc::new(Loaded { graph, origin: Origin::Guest, bytes, _hold: Some(hold) }))
    }

    /// A tensor of the guest's memory, paid for and held.
    pub(crate) fn take_tensor(&self, guest: &mut Guest<'_>, form: Form, ptr: u32, len: u32) -> Result<Held, No> {
        guest.check(ptr, len)?;
        if form.bytes() != Some(len.into()) {
            return Err(argument(format!("{len} bytes are no tensor of {form:?}")).into());
        }
        self.pay_bytes(guest, len.into())?;
        let hold = self.memory.take(len.into())?;
        Ok(Held { tensor: Arc::new(Tensor { form, bytes: guest.slice(ptr, len)?.to_vec() }), _hold: hold })
    }

    /// Runs a model. Making it ready, if it was not for these forms, and the run itself are paid before they begin.
    pub(crate) fn infer(
        &mut self,
        guest: &mut Guest<'_>,
        loaded: &Loaded,
        inputs: Vec<Arc<Tensor>>,
        wanted: Option<Wanted>,
        prepared: &mut Option<Prepared>,
    ) -> Result<Vec<Held>, No> {
        let last = prepared.take().filter(|last| last.is_for(&inputs, wanted.as_ref()));
        if last.is_none() && (!loaded.graph.is_ready() || wanted.is_some()) {
            self.prices().model.charge_bytes(guest, loaded.bytes)?;
        }
        let plan = match last.as_ref().and_then(|last| last.plan.upgrade()) {
            Some(plan) => {
                *prepared = last;
                plan
            }
            None => {
                let forms: Vec<_> = inputs.iter().map(|input| input.form.clone()).collect();
                let (graph, asked) = (loaded.graph.clone(), (forms.clone(), wanted.clone()));
                let plan = self.worker.run(&self.granted, move |_| graph.prepare(&asked.0, asked.1.as_ref()))??;
                *prepared = Some(Prepared { forms, wanted, plan: Arc::downgrade(&plan) });
                plan
            }
        };
        let price = self.prices().inference.0;
        let between = self.memory.take(plan.memory())?;
        let work = match plan.work() {
            Some(work) => {
                guest.charge(cost(work, price))?;
                0
            }
            // Found on the way: as much as the gas is enough for.
            None => {
                guest.meter.left().0.checked_div(price).map_or(u64::MAX, |millions| millions.saturating_mul(MILLION))
            }
        };
        let memory = self.memory.left();
        let is_short = plan.work().is_some_and(|work| work <= SHORT);
        let run = move |cancelled| plan.run(&inputs, &Watch { work, memory, cancelled });
        let ran = match loaded.origin {
            Origin::Operator if is_short => worker::run_here(&self.granted, run),
            _ => self.worker.run(&self.granted, run),
        }?;
        drop(between);
        let Ran { outputs, work } = match ran {
            Err(Failure::Spent) => {
                guest.meter.exhaust();
                return Err(Stop::from(Trap::OutOfGas).into());
            }
            ran => ran?,
        };
        guest.charge(cost(work, price))?;
        let held = outputs.into_iter().map(|tensor| {
            let hold = self.memory.take(tensor.bytes.len() as u64)?;
            Ok(Held { tensor: Arc::new(tensor), _hold: hold })
        });
        held.collect::<Result<_, Failure>>().map_err(No::from)
    }
}

/// Gas for that many multiplications, every million that is begun.
fn cost(work: u64, price: u64) -> Gas {
    Gas(work.div_ceil(MILLION).saturating_mul(price))
}

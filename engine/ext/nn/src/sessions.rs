//! Sessions, which TensorFlow's interfaces have: inputs and outputs by name, and tensors with handles of their own. What all
//! generations of `tensorflow` and `tensorflowlite` do; how each tells it is in `legacy` and `later`.

use crate::backend::{Encoding, Failure, Wanted};
use crate::table::{Loaded, Nn, No, Prepared, argument};
use crate::tensor::{Form, Held, Tensor};
use gristmill::Guest;
use std::sync::Arc;

/// Inputs and outputs that a session has, at most.
const MOST: usize = 1 << 10;

/// TensorFlow or its smaller sister.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    Full,
    Lite,
}

/// A model with inputs and outputs that are being gathered.
#[derive(Debug)]
pub(crate) struct Session {
    flavour: Flavour,
    graph: Arc<Loaded>,
    /// By name, and of TensorFlow with the slot: in the order in which they came.
    inputs: Vec<(String, Held)>,
    /// What is to be computed.
    outputs: Vec<String>,
    /// An input was refused by a function that cannot say so: the next run fails.
    wrong: Option<Failure>,
    results: Vec<(String, Arc<Held>)>,
    /// Handles that were given for results.
    given: Vec<u32>,
    prepared: Option<Prepared>,
}

/// What a handle of a tensor means.
#[derive(Debug)]
pub(crate) struct Given {
    session: u32,
    flavour: Flavour,
    place: usize,
    held: Arc<Held>,
}

/// The name of an operation and which of its outputs, as one.
pub(crate) fn slotted(name: &str, slot: u32) -> String {
    format!("{name}:{slot}")
}

impl Nn {
    pub(crate) fn begin_session(
        &mut self,
        guest: &mut Guest<'_>,
        function: &'static str,
        flavour: Flavour,
        (ptr, len): (u32, u32),
    ) -> Result<u32, No> {
        guest.check(ptr, len)?;
        if self.sessions.is_full() {
            return Err(Failure::TooLarge("too many sessions are open".into()).into());
        }
        let encoding = match flavour {
            Flavour::Full => Encoding::TensorFlow,
            Flavour::Lite => Encoding::TensorFlowLite,
        };
        let graph = self.load_own(guest, function, encoding, &[(ptr, len)])?;
        let session = Session {
            flavour,
            graph,
            inputs: Vec::new(),
            outputs: Vec::new(),
            wrong: None,
            results: Vec::new(),
            given: Vec::new(),
            prepared: None,
        };
        self.sessions.insert(session).ok_or_else(|| Failure::TooLarge("too many sessions are open".into()).into())
    }

    fn session(&mut self, flavour: Flavour, session: u32) -> Result<&mut Session, Failure> {
        let found = self.sessions.get_mut(session).filter(|it| it.flavour == flavour);
        found.ok_or_else(|| argument("no such session"))
    }

    pub(crate) fn end_session(&mut self, flavour: Flavour, session: u32) -> Result<(), No> {
        self.forget_results(flavour, session)?;
        self.sessions.remove(session);
        Ok(())
    }

    /// Results of the last run are gone, and handles of them name nothing any more.
    fn forget_results(&mut self, flavour: Flavour, session: u32) -> Result<(), Failure> {
        let it = self.session(flavour, session)?;
        it.results = Vec::new();
        for handle in std::mem::take(&mut it.given) {
            self.tensors.remove(handle);
        }
        Ok(())
    }

    /// Notes that an input was refused where no function can say so.
    pub(crate) fn spoil(&mut self, flavour: Flavour, session: u32, failure: Failure) {
        if let Ok(it) = self.session(flavour, session) {
            it.wrong = Some(failure.clone());
        }
        self.failure = Some(failure);
    }

    /// Gives TensorFlow an input; what has the same name stays beside it.
    pub(crate) fn append_input(
        &mut self,
        guest: &mut Guest<'_>,
        session: u32,
        name: String,
        form: Form,
        (ptr, len): (u32, u32),
    ) -> Result<(), No> {
        if self.session(Flavour::Full, session)?.inputs.len() >= MOST {
            return Err(Failure::TooLarge(format!("more than {MOST} inputs")).into());
        }
        let held = self.take_tensor(guest, form, ptr, len)?;
        self.session(Flavour::Full, session)?.inputs.push((name, held));
        Ok(())
    }

    /// Gives TensorFlow Lite an input, whose form the model knows; what had the name is replaced.
    pub(crate) fn set_lite_input(
        &mut self,
        guest: &mut Guest<'_>,
        session: u32,
        name: String,
        (ptr, len): (u32, u32),
    ) -> Result<(), No> {
        let it = self.session(Flavour::Lite, session)?;
        let port = it.graph.graph.inputs().iter().find(|port| port.name == name);
        let port = port.ok_or_else(|| argument(format!("the model has no input {name:?}")))?;
        let dims = port.dims.as_ref().and_then(|dims| dims.iter().copied().collect::<Option<Vec<_>>>());
        let (Some(ty), Some(dims)) = (port.ty, dims) else {
            return Err(argument(format!("the model does not say what {name:?} is")).into());
        };
        let held = self.take_tensor(guest, Form { ty, dims }, ptr, len)?;
        let it = self.session(Flavour::Lite, session)?;
        it.inputs.retain(|input| input.0 != name);
        it.inputs.push((name, held));
        Ok(())
    }

    pub(crate) fn append_output(&mut self, session: u32, name: String) -> Result<(), No> {
        let it = self.session(Flavour::Full, session)?;
        if it.outputs.len() >= MOST {
            return Err(Failure::TooLarge(format!("more than {MOST} outputs")).into());
        }
        it.outputs.push(name);
        Ok(())
    }

    pub(crate) fn clear_inputs(&mut self, session: u32) -> Result<(), No> {
        let it = self.session(Flavour::Full, session)?;
        (it.inputs, it.wrong) = (Vec::new(), None);
        Ok(())
    }

    /// What is not asked for any more has no results either.
    pub(crate) fn clear_outputs(&mut self, session: u32) -> Result<(), No> {
        self.forget_results(Flavour::Full, session)?;
        self.session(Flavour::Full, session)?.outputs = Vec::new();
        Ok(())
    }

    pub(crate) fn run(&mut self, guest: &mut Guest<'_>, flavour: Flavour, session: u32) -> Result<(), No> {
        self.forget_results(flavour, session)?;
        let it = self.session(flavour, session)?;
        if let Some(failure) = it.wrong.take() {
            return Err(failure.into());
        }
        let graph = it.graph.clone();
        let (inputs, names, wanted) = match flavour {
            Flavour::Full => {
                let wanted = Wanted {
                    inputs: it.inputs.iter().map(|input| input.0.clone()).collect(),
                    outputs: it.outputs.clone(),
                };
                let twice = |(i, name)| wanted.inputs[..i].contains(name);
                if let Some((_, name)) = wanted.inputs.iter().enumerate().find(|it| twice(*it)) {
                    return Err(argument(format!("{name:?} is given twice")).into());
                }
                let inputs = it.inputs.iter().map(|input| input.1.tensor.clone()).collect();
                (inputs, it.outputs.clone(), Some(wanted))
            }
            Flavour::Lite => {
                let input =
                    |name: &String| it.inputs.iter().find(|input| input.0 == *name).map(|input| input.1.tensor.clone());
                let inputs = graph.graph.inputs().iter().map(|port| input(&port.name));
                let inputs: Option<Vec<Arc<Tensor>>> = inputs.collect();
                let names = graph.graph.outputs().iter().map(|port| port.name.clone()).collect();
                (inputs.ok_or_else(|| argument("an input is not set"))?, names, None)
            }
        };
        if names.is_empty() {
            return Ok(());
        }
        let mut prepared = it.prepared.take();
        let outputs = self.infer(guest, &graph, inputs, wanted, &mut prepared);
        let it = self.session(flavour, session)?;
        it.prepared = prepared;
        it.results = names.into_iter().zip(outputs?.into_iter().map(Arc::new)).collect();
        Ok(())
    }

    /// A handle of a result: the same each time that it is asked for.
    pub(crate) fn result(&mut self, flavour: Flavour, session: u32, name: &str) -> Result<u32, No> {
        let it = self.session(flavour, session)?;
        let place = it.results.iter().position(|result| result.0 == name);
        let place = place.ok_or_else(|| argument(format!("there is no output {name:?}")))?;
        let (held, given) = (it.results[place].1.clone(), it.given.clone());
        let known = given.into_iter().find(|handle| self.tensors.get(*handle).is_some_and(|it| it.place == place));
        if let Some(handle) = known {
            return Ok(handle);
        }
        let handle = self.tensors.insert(Given { session, flavour, place, held });
        let handle = handle.ok_or_else(|| Failure::TooLarge("too many tensors are open".into()))?;
        self.session(flavour, session)?.given.push(handle);
        Ok(handle)
    }

    /// The tensor of a handle; of that session if one is named.
    pub(crate) fn tensor(&self, flavour: Flavour, session: Option<u32>, tensor: u32) -> Result<Arc<Tensor>, Failure> {
        let given = self.tensors.get(tensor).filter(|given| given.flavour == flavour);
        let given = given.filter(|given| session.is_none_or(|session| session == given.session));
        given.map(|given| given.held.tensor.clone()).ok_or_else(|| argument("no such tensor"))
    }
}

//! What is behind an instance of any ABI.

use super::report::{self, Report};
use crate::abi::layout::OptionStatus;
use crate::options::{self, Settings};
use gristmill::contract::{Ewasm, Host, Message, Outcome, Revision, Vm};
use gristmill_aot::Aot;
use std::any::Any;
use std::ffi::CStr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

/// Settings and their VM, exchanged as one.
pub(super) struct Machine(RwLock<Arc<State>>);

struct State {
    settings: Settings,
    vm: Ewasm,
    compiler: Option<Arc<Aot>>,
}

impl Drop for State {
    fn drop(&mut self) {
        // No thread runs code of a library that may be closed next.
        self.compiler.iter().for_each(|compiler| compiler.close());
    }
}

impl Machine {
    pub(super) fn new(settings: Settings) -> Self {
        let (vm, compiler) = settings.vm().expect("the default settings ask for nothing that a build may lack");
        Self(RwLock::new(Arc::new(State { settings, vm, compiler })))
    }

    /// What an execution that begins now uses up to its end.
    fn state(&self) -> Arc<State> {
        // Nothing panics while it holds the lock for writing.
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_option(&self, name: &CStr, value: Option<&CStr>) -> OptionStatus {
        let Some(row) = name.to_str().ok().and_then(options::find) else { return OptionStatus::InvalidName };
        let Some(value) = value.and_then(|value| value.to_str().ok()) else { return OptionStatus::InvalidValue };
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Some(settings) = state.settings.with(row, value) else { return OptionStatus::InvalidValue };
        let Ok((vm, compiler)) = settings.vm() else { return OptionStatus::InvalidValue };
        *state = Arc::new(State { settings, vm, compiler });
        OptionStatus::Success
    }

    pub(super) fn execute(
        &self,
        host: &mut dyn Host,
        revision: Revision,
        message: &Message<'_>,
        code: &[u8],
    ) -> Outcome {
        let state = self.state();
        let start = state.settings.benchmark.then(Instant::now);
        let outcome = state.vm.execute(host, revision, message, code);
        if let Some(start) = start {
            report::time(message, code, start.elapsed());
        }
        Report(state.settings.verbose).outcome(message, code, &outcome);
        outcome
    }

    pub(super) fn report(&self, panic: &(dyn Any + Send)) {
        Report(self.state().settings.verbose).panic(panic);
    }
}

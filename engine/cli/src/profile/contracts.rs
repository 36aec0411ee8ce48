//! Messages as frames of a profile.

use std::sync::Arc;

use gristmill::contract::{CallKind, Ewasm, Host, Message, Outcome, Revision, StatusCode, Vm};

use super::{Kind, Profiler};

/// Runs contracts and counts.
pub struct Profiled {
    vm: Ewasm,
    profiler: Arc<Profiler>,
}

impl Profiled {
    /// `vm`, whose engine is watched by `profiler`.
    pub fn new(vm: Ewasm, profiler: Arc<Profiler>) -> Self {
        Self { vm, profiler }
    }

    fn framed(&self, message: &Message<'_>, code: &[u8], run: impl FnOnce() -> Outcome) -> Outcome {
        let address = if message.kind.is_create() { message.recipient } else { message.code_address };
        let kind = match message.kind {
            CallKind::Create | CallKind::Create2 => "create",
            CallKind::DelegateCall => "delegate to",
            CallKind::CallCode => "code of",
            CallKind::Call if message.is_static => "static call to",
            CallKind::Call => "call to",
        };
        let short = format!("{address:#x}").chars().take(10).collect::<String>();
        let label = format!("{kind} {short}");
        self.profiler.begin(Kind::Message, &label, message.gas);
        self.profiler.begin_code(code, &short);
        let outcome = run();
        self.profiler.end_code();
        if !matches!(outcome.status, StatusCode::Success | StatusCode::Revert) {
            self.profiler.charge_rest("(lost by the failure)", outcome.gas_left);
        }
        self.profiler.end(outcome.gas_left);
        outcome
    }
}

impl Vm for Profiled {
    fn execute(&self, host: &mut dyn Host, revision: Revision, message: &Message<'_>, code: &[u8]) -> Outcome {
        self.framed(message, code, || self.vm.execute(host, revision, message, code))
    }

    fn execute_shared(
        &self,
        host: &mut dyn Host,
        revision: Revision,
        message: &Message<'_>,
        code: &Arc<[u8]>,
    ) -> Outcome {
        self.framed(message, code, || self.vm.execute_shared(host, revision, message, code))
    }
}

//! What the plugin says on standard error, by the options `verbose` and `benchmark`.

use gristmill::contract::{HostCall, Message, Observer, Outcome, StatusCode};
use std::any::Any;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// From 0, nothing, to 4, everything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report(pub(crate) u8);

const PANICS: u8 = 1;
const FAILURES: u8 = 2;
const MESSAGES: u8 = 3;
const HOST_CALLS: u8 = 4;

/// One line. A closed standard error is no reason to fail.
fn line(text: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "gristmill: {text}");
}

/// How long a message took, those that it sent included.
pub(crate) fn time(message: &Message<'_>, code: &[u8], time: Duration) {
    let micros = time.as_secs_f64() * 1e6;
    line(format_args!("{} bytes of code at depth {}: {micros:.1} us", code.len(), message.depth));
}

impl Report {
    /// Where the module `debug` prints to.
    pub(crate) fn print(self) -> gristmill::contract::execute::Print {
        Arc::new(|text| line(format_args!("{text}")))
    }

    /// What sees host calls, if anything is to.
    pub(crate) fn observer(self) -> Option<Arc<dyn Observer>> {
        (self.0 >= HOST_CALLS).then(|| Arc::new(self) as Arc<dyn Observer>)
    }

    pub(crate) fn panic(self, panic: &(dyn Any + Send)) {
        if self.0 >= PANICS {
            let text = panic.downcast_ref::<&str>().copied();
            let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            line(format_args!("bug: {}", text.unwrap_or("a panic without text")));
        }
    }

    pub(crate) fn outcome(self, message: &Message<'_>, code: &[u8], outcome: &Outcome) {
        let failed = !matches!(outcome.status, StatusCode::Success | StatusCode::Revert);
        if self.0 >= MESSAGES || (failed && self.0 >= FAILURES) {
            line(format_args!(
                "{:?} of {} bytes of code at depth {}: {:?}, gas {} -> {}, {} bytes of output",
                message.kind,
                code.len(),
                message.depth,
                outcome.status,
                message.gas,
                outcome.gas_left,
                outcome.output.len(),
            ));
        }
    }
}

impl Observer for Report {
    fn host_call(&self, call: &HostCall<'_>) {
        line(format_args!(
            "{}.{}{:x?} at depth {}: gas {} -> {}, {:x?}",
            call.module, call.name, call.args, call.depth, call.gas_before.0, call.gas_after.0, call.result
        ));
    }
}

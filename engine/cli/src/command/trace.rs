//! `gristmill trace`: a call with every host call that it makes, as JSON lines in the words of EIP-3155.

use std::sync::Arc;

use gristmill::contract::eei::Eei;
use gristmill::contract::{HostCall, Observer, StatusCode};
use gristmill::{HostApi, Stop};
use serde_json::{Map, Value, json};

use crate::abi::hex_text;
use crate::command::call::{self, Sent};
use crate::output::{Answer, Failure, print_line};
use crate::receipt::exit_of;

/// Call a contract and show its host calls, a JSON line each
#[derive(Debug, clap::Args)]
#[group(id = "TraceArgs")] // `call`'s are among them, whose group has the name of the type
#[command(
    override_usage = "gristmill trace [OPTIONS] <CONTRACT> [FUNCTION] [ARGUMENTS]...\n       \
                      gristmill trace [OPTIONS] --deploy <MODULE> [FUNCTION] [ARGUMENTS]...",
    after_help = "\
Words and options are those of `gristmill call`, and so is what happens: the same gas, the same state. A deployment by \
--deploy is not shown.

Lines have the fields of EIP-3155 as far as host calls have them: `depth` (1 is the transaction's own message), `opName`, \
`gas` before the call and `gasCost`, in hex; `gasAfter`, `args` and `result` are ours, `error` says why the guest does not \
go on. A call that reaches other contracts comes behind what they do, and its cost includes theirs. The last line has \
`output`, `gasUsed` and `pass`.

Examples:
  gristmill trace --deploy token.wasm transfer bob 5
  gristmill trace --state dev.redb TOKEN 'transfer(address,uint256)(bool)' bob 5 --dry-run"
)]
pub struct Args {
    #[command(flatten)]
    call: call::Args,
}

/// Runs the command.
///
/// # Errors
/// As [`call::send`].
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let Sent { receipt, .. } = call::send(&args.call, Some(Arc::new(Lines)))?;
    let outcome = &receipt.outcome;
    let summary = json!({
        "output": hex_text(&outcome.output),
        "gasUsed": number(receipt.gas_used as u64),
        "pass": outcome.status == StatusCode::Success,
        "status": format!("{:?}", outcome.status),
    });
    Ok(Answer { exit: exit_of(outcome.status), text: summary.to_string(), json: summary })
}

/// Prints host calls.
struct Lines;

impl Observer for Lines {
    fn host_call(&self, call: &HostCall<'_>) {
        // A reader that went away wants no more of it; the summary will notice.
        let _ = print_line(&line(call).to_string());
    }
}

fn line(call: &HostCall<'_>) -> Value {
    let mut line = Map::new();
    line.insert("depth".into(), (call.depth + 1).into());
    line.insert("opName".into(), format!("{}.{}", call.module, call.name).into());
    line.insert("gas".into(), number(call.gas_before.0));
    line.insert("gasCost".into(), number(call.gas_before.0.saturating_sub(call.gas_after.0)));
    line.insert("gasAfter".into(), number(call.gas_after.0));
    line.insert("args".into(), call.args.iter().map(|arg| number(*arg)).collect());
    match call.result {
        Ok(result) if has_result(call) => line.insert("result".into(), number(result)),
        // Nothing to return, or the end that the function is for.
        Ok(_) | Err(Stop::Halt(_)) => line.insert("result".into(), Value::Null),
        Err(Stop::Trap(trap)) => line.insert("error".into(), trap.to_string().into()),
        Err(Stop::Fault(fault)) => line.insert("error".into(), fault.to_string().into()),
        Err(Stop::Exception) => line.insert("error".into(), "an exception".into()),
        Err(Stop::Custom) => line.insert("error".into(), "a failure of the host's own".into()),
    };
    Value::Object(line)
}

fn has_result(call: &HostCall<'_>) -> bool {
    Eei::rows().iter().any(|row| row.module == call.module && row.name == call.name && row.result.is_some())
}

/// A number as EIP-3155 has it.
fn number(value: u64) -> Value {
    format!("{value:#x}").into()
}

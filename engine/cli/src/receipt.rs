//! What a transaction left behind, in rows of text and as JSON.

use alloy_json_abi::JsonAbi;
use gristmill::contract::{Outcome, Receipt, StatusCode};
use serde_json::{Map, Value, json};

use crate::abi::{self, hex_text};
use crate::output::Exit;
use crate::trap::Found;

/// How a frame ended, in words.
pub fn status_text(status: StatusCode) -> &'static str {
    match status {
        StatusCode::Success => "success",
        StatusCode::Failure => "failed",
        StatusCode::Revert => "reverted",
        StatusCode::OutOfGas => "out of gas",
        StatusCode::InvalidInstruction | StatusCode::UndefinedInstruction => "invalid instruction",
        StatusCode::StackOverflow => "stack overflow",
        StatusCode::StackUnderflow => "stack underflow",
        StatusCode::BadJumpDestination => "bad jump destination",
        StatusCode::InvalidMemoryAccess => "a host function was given memory that is not there",
        StatusCode::CallDepthExceeded => "too many nested calls",
        StatusCode::StaticModeViolation => "a static call tried to change state",
        StatusCode::PrecompileFailure => "a precompile failed",
        StatusCode::ContractValidationFailure => "not a valid contract",
        StatusCode::ArgumentOutOfRange => "an argument of a host function is out of range",
        StatusCode::WasmUnreachableInstruction => "trap: unreachable",
        StatusCode::WasmTrap => "trap",
        StatusCode::InsufficientBalance => "insufficient balance",
        StatusCode::InternalError => "engine failure",
        StatusCode::Rejected => "not Wasm: this chain runs no other code",
        StatusCode::OutOfMemory => "this machine is out of memory",
    }
}

/// What a frame's end means for the process.
pub fn exit_of(status: StatusCode) -> Exit {
    match status {
        StatusCode::Success => Exit::Good,
        StatusCode::ContractValidationFailure | StatusCode::Rejected => Exit::Refused,
        StatusCode::InternalError | StatusCode::OutOfMemory => Exit::Host,
        _ => Exit::Guest,
    }
}

/// A receipt in rows of text and as JSON, filled in by the commands in the same order.
#[derive(Default)]
pub struct Sheet {
    rows: Vec<(&'static str, String)>,
    json: Map<String, Value>,
}

impl Sheet {
    /// Adds a row of text.
    pub fn row(&mut self, label: &'static str, text: impl Into<String>) {
        self.rows.push((label, text.into()));
    }

    /// Adds a field of JSON.
    pub fn field(&mut self, key: &str, value: impl Into<Value>) {
        self.json.insert(key.into(), value.into());
    }

    /// Adds both, with the same words.
    pub fn both(&mut self, key: &'static str, text: impl Into<String>) {
        let text = text.into();
        self.field(key, text.clone());
        self.row(key, text);
    }

    /// Adds how a transaction ended: status, and the reason if it reverted.
    pub fn status(&mut self, outcome: &Outcome, abi: Option<&JsonAbi>) {
        self.row("status", status_text(outcome.status));
        self.field("status", format!("{:?}", outcome.status));
        if outcome.status == StatusCode::Revert {
            let reason = abi::revert_reason(&outcome.output, abi);
            self.row("reason", reason.text.clone());
            self.field("reason", json!({ "kind": reason.kind, "text": reason.text }));
        }
    }

    /// Adds where a contract trapped, if it did.
    pub fn trap(&mut self, found: Option<&Found>) {
        let Some(found) = found else { return };
        self.row("trap", found.text());
        found.backtrace.lines().into_iter().for_each(|line| self.row("", line));
        found.coredump().into_iter().for_each(|file| self.row("coredump", file));
        self.field("trap", found.json());
    }

    /// Adds logs, decoded where the ABI knows them.
    pub fn logs(&mut self, receipt: &Receipt, abi: Option<&JsonAbi>) {
        let mut list = Vec::new();
        for log in &receipt.logs {
            let event = abi::decode_log(log, abi);
            let raw = || format!("{:?} {} topics {:?}", log.address, hex_text(&log.data), log.topics);
            self.row("log", event.as_ref().map_or_else(raw, abi::Event::to_text));
            let fields = event.as_ref().map(|event| {
                let fields = event.fields.iter().map(|(name, v)| json!({ "name": name, "value": abi::to_json(v) }));
                json!({ "name": event.name, "fields": fields.collect::<Vec<_>>() })
            });
            list.push(json!({
                "address": hex_text(log.address.as_bytes()),
                "topics": log.topics.iter().map(|t| hex_text(t.as_bytes())).collect::<Vec<_>>(),
                "data": hex_text(&log.data),
                "event": fields,
            }));
        }
        self.field("logs", list);
    }

    /// Adds what it cost.
    pub fn gas(&mut self, receipt: &Receipt) {
        let refund = match receipt.gas_refunded {
            0 => String::new(),
            refund => format!(", {refund} refunded"),
        };
        self.row("gas", format!("{}{refund}", receipt.gas_used));
        self.field("gas_used", receipt.gas_used);
        self.field("gas_refunded", receipt.gas_refunded);
    }

    /// The rows with their labels aligned, and the object.
    pub fn finish(self) -> (String, Value) {
        let width = self.rows.iter().map(|(label, _)| label.len()).max().unwrap_or(0) + 2;
        let lines: Vec<_> = self.rows.iter().map(|(label, text)| format!("{label:width$}{text}")).collect();
        (lines.join("\n"), Value::Object(self.json))
    }
}

//! Traps in the frames of contracts.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use gristmill::contract::{Address, Ewasm, Host, Message, Outcome, Revision, Vm};
use gristmill::{Engine, Watcher};
use serde_json::{Value, json};

use super::{Backtrace, Catcher, Caught};
use crate::output::Failure;

/// The last trap of a chain's contracts.
#[derive(Debug)]
pub struct Traps {
    catcher: Arc<Catcher>,
    /// Where a coredump goes.
    coredump: Option<PathBuf>,
    last: Mutex<Option<Last>>,
}

/// A trap, and the frame that it ended.
#[derive(Debug)]
struct Last {
    caught: Caught,
    /// What ran.
    code: Vec<u8>,
    /// Whose code it was.
    contract: Address,
    creation: bool,
    depth: u32,
}

/// A trap for people.
pub struct Found {
    /// Where it was.
    pub backtrace: Backtrace,
    contract: Address,
    creation: bool,
    depth: u32,
    coredump: Option<PathBuf>,
}

impl Traps {
    /// None yet. The last one goes to a file, if one is named.
    pub fn new(coredump: Option<&Path>) -> Self {
        let catcher = Arc::new(Catcher::new(coredump.is_some()));
        Self { catcher, coredump: coredump.map(Path::to_owned), last: Mutex::new(None) }
    }

    /// Who watches the engine.
    pub fn watcher(&self) -> Arc<dyn Watcher> {
        self.catcher.clone()
    }

    /// The last trap since this was asked last, written as a coredump if that was wanted.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn take(&self, engine: &Engine) -> Result<Option<Found>, Failure> {
        let Some(last) = self.last.lock().ok().and_then(|mut last| last.take()) else { return Ok(None) };
        let located = last.caught.locate(engine, &last.code)?;
        if let Some(path) = &self.coredump {
            located.write_coredump(&place(&last.contract, last.creation), path)?;
        }
        let Last { contract, creation, depth, .. } = last;
        Ok(Some(Found { backtrace: located.backtrace(), contract, creation, depth, coredump: self.coredump.clone() }))
    }
}

fn place(contract: &Address, creation: bool) -> String {
    format!("{}{contract:?}", if creation { "creation of " } else { "" })
}

impl Found {
    /// The trap, where it was, and in which frame.
    pub fn text(&self) -> String {
        let nested = if self.depth > 0 { format!(", nested call {} deep", self.depth) } else { String::new() };
        let (trap, contract) = (self.backtrace.trap, place(&self.contract, self.creation));
        format!("{trap}{} ({contract}{nested})", self.backtrace.place())
    }

    /// The file of its coredump.
    pub fn coredump(&self) -> Option<String> {
        Some(self.coredump.as_ref()?.display().to_string())
    }

    /// The same for machines.
    pub fn json(&self) -> Value {
        json!({
            "trap": format!("{:?}", self.backtrace.trap),
            "contract": format!("{:?}", self.contract),
            "creation": self.creation,
            "depth": self.depth,
            "frames": self.backtrace.json(),
            "coredump": self.coredump(),
        })
    }
}

/// Runs contracts and keeps the last trap.
pub struct Catching {
    vm: Ewasm,
    traps: Arc<Traps>,
}

impl Catching {
    /// `vm`, whose engine is watched by [`Traps::watcher`].
    pub fn new(vm: Ewasm, traps: &Arc<Traps>) -> Self {
        Self { vm, traps: traps.clone() }
    }

    fn ended(&self, message: &Message<'_>, code: &[u8]) {
        let Some(caught) = self.traps.catcher.take() else { return };
        let creation = message.kind.is_create();
        let contract = if creation { message.recipient } else { message.code_address };
        if let Ok(mut last) = self.traps.last.lock() {
            *last = Some(Last { caught, code: code.to_vec(), contract, creation, depth: message.depth });
        }
    }
}

impl Vm for Catching {
    fn execute(&self, host: &mut dyn Host, revision: Revision, message: &Message<'_>, code: &[u8]) -> Outcome {
        let outcome = self.vm.execute(host, revision, message, code);
        self.ended(message, code);
        outcome
    }

    fn execute_shared(
        &self,
        host: &mut dyn Host,
        revision: Revision,
        message: &Message<'_>,
        code: &Arc<[u8]>,
    ) -> Outcome {
        let outcome = self.vm.execute_shared(host, revision, message, code);
        self.ended(message, code);
        outcome
    }
}

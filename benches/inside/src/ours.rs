//! Our compiled tier.

use gristmill::{Config, Engine, Module, Schedule};
use gristmill_aot::{Aot, Bounds, Cache, Options};
use gristmill_contenders::{Artifact, Loaded, Ours, Peer};
use std::sync::Arc;

/// Compiles what it loads.
pub struct Compiling {
    ours: Ours,
    schedule: Schedule,
    bounds: Bounds,
}

impl Compiling {
    /// Metered and not, with guard pages and bounds that are compared.
    pub fn all() -> impl Iterator<Item = Self> {
        let all = [Bounds::Guard, Bounds::Check].map(|bounds| [(Schedule::V1, bounds), (Schedule::Ewasm, bounds)]);
        all.into_iter().flatten().map(|(schedule, bounds)| Self::new(schedule, bounds))
    }

    fn new(schedule: Schedule, bounds: Bounds) -> Self {
        let options = Options { bounds, ..Options::default() };
        let aot = Arc::new(Aot::new(options).expect("there is machine code for this machine"));
        let name = if bounds == Bounds::Guard { "aot" } else { "aot check" };
        let engine = Engine::with_compiler(Config::new().schedule(schedule), aot).expect("the settings fit");
        Self { ours: Ours::of(name, engine), schedule, bounds }
    }
}

impl Peer for Compiling {
    fn name(&self) -> String {
        self.ours.name()
    }

    fn load(&self, wasm: &[u8]) -> Box<dyn Loaded> {
        self.ours.load(wasm)
    }

    fn artifact(&self, wasm: &[u8]) -> Option<Artifact<'_>> {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let cache = Cache::open(folder.path()).expect("the folder is ours");
        let options = Options { cache: Some(cache), bounds: self.bounds, ..Options::default() };
        let engine = || {
            let aot = Aot::new(options.clone()).expect("there is machine code for this machine");
            Engine::with_compiler(Config::new().schedule(self.schedule), Arc::new(aot)).expect("the settings fit")
        };
        Module::new(&engine(), wasm).expect("a kernel is valid");
        let (engine, wasm) = (engine(), wasm.to_vec());
        Some(Box::new(move || {
            let _kept = &folder;
            drop(Module::new(&engine, &wasm).expect("a kernel is valid"));
        }))
    }
}

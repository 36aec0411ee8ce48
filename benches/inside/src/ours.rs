//! Our compiled tier.

use gristmill::{Config, Engine, Module, Schedule};
use gristmill_aot::{Aot, Bounds, Options, SigningKey, When};
use gristmill_contenders::{Artifact, Loaded, Ours, Peer};
use std::sync::Arc;

/// Compiles what it loads.
pub struct Compiling {
    ours: Ours,
    engine: Engine,
    aot: Arc<Aot>,
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
        let engine = Engine::with_compiler(Config::new().schedule(schedule), aot.clone()).expect("the settings fit");
        Self { ours: Ours::of(name, engine.clone()), engine, aot, schedule, bounds }
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
        let key = SigningKey::from_bytes(&[7; 32]);
        let (code, interpreted) = self.aot.compile(&self.engine, wasm, Some(&key)).expect("a kernel is valid");
        assert_eq!(interpreted, 0, "a kernel has machine code");
        let trusted = vec![key.verifying_key()];
        let options = Options { when: When::Never, trusted, bounds: self.bounds, ..Options::default() };
        let reader = Arc::new(Aot::new(options).expect("as above"));
        let engine = Engine::with_compiler(Config::new().schedule(self.schedule), reader.clone()).expect("as above");
        let wasm = wasm.to_vec();
        Some(Box::new(move || {
            let module = Module::new(&engine, &wasm).expect("a kernel is valid");
            reader.attach(&module, &wasm, &code).expect("it was signed");
        }))
    }
}

//! tinywasm: an interpreter without unsafe code. Its host functions get no slice of memory, so the token is left out.

use gristmill_contenders::host::KernelHost;
use gristmill_contenders::{Live, Loaded, Peer};
use tinywasm::types::Module;
use tinywasm::{HostFunction, Imports, ModuleInstance, Store};

/// tinywasm with its default engine, without fuel.
pub struct Tinywasm;

impl Peer for Tinywasm {
    fn name(&self) -> String {
        "tinywasm".into()
    }

    fn load(&self, wasm: &[u8]) -> Box<dyn Loaded> {
        Box::new(Ready(tinywasm::parse_bytes(wasm).expect("a kernel is valid")))
    }

    fn runs(&self, kernel: &str) -> bool {
        kernel != "erc20"
    }
}

struct Ready(Module);

impl Loaded for Ready {
    fn instantiate(&self) -> Box<dyn Live> {
        let mut store = Store::default();
        let mut imports = Imports::new();
        let gas = HostFunction::from(&mut store, |_, ()| Ok(KernelHost::GAS_LEFT));
        imports.define("ethereum", "getGasLeft", gas);
        let caller = HostFunction::from(&mut store, |mut context: tinywasm::FuncContext<'_>, result: i32| {
            let mut bytes = [0; 20];
            KernelHost::default().caller(&mut bytes, 0).expect("twenty bytes fit");
            context.memory("memory")?.copy_from_slice(context.store_mut(), result as u32 as usize, &bytes)
        });
        imports.define("ethereum", "getCaller", caller);
        let instance = ModuleInstance::instantiate(&mut store, &self.0, Some(imports)).expect("a kernel links");
        Box::new(Running { store, instance })
    }
}

struct Running {
    store: Store,
    instance: ModuleInstance,
}

impl Live for Running {
    fn run(&mut self, export: &str, n: i32) -> i64 {
        let run = self.instance.func::<i32, i64>(&self.store, export).expect("a kernel has the export");
        run.call(&mut self.store, n).expect("a kernel does not trap")
    }

    fn main(&mut self) {
        let main = self.instance.func::<(), ()>(&self.store, "main").expect("the module has main");
        main.call(&mut self.store, ()).expect("the module does not trap");
    }
}

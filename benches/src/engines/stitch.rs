//! stitch: threaded code by sibling calls, no metering, validates at load and compiles at the first call.

use gristmill_contenders::{Live, Loaded, Peer};
use makepad_stitch::{Engine, Instance, Linker, Module, Store, Val};
use std::rc::Rc;

/// stitch as it comes.
#[derive(Default)]
pub struct Stitch {
    engine: Rc<Engine>,
}

impl Peer for Stitch {
    fn name(&self) -> String {
        "stitch".into()
    }

    fn load(&self, wasm: &[u8]) -> Box<dyn Loaded> {
        let module = Module::new(&self.engine, wasm).expect("a kernel is valid");
        Box::new(Ready { module, engine: Rc::clone(&self.engine) })
    }

    /// Its compiler panics on two kernels, its stack overflows on host calls, and its host functions get no memory.
    fn runs(&self, kernel: &str) -> bool {
        !["bnexp", "dispatch", "erc20", "hostcall", "hostmem"].contains(&kernel)
    }
}

struct Ready {
    module: Module,
    engine: Rc<Engine>,
}

impl Loaded for Ready {
    fn instantiate(&self) -> Box<dyn Live> {
        let mut store = Store::new((*self.engine).clone());
        let instance = Linker::new().instantiate(&mut store, &self.module).expect("a kernel links");
        Box::new(Running { store, instance })
    }
}

struct Running {
    store: Store,
    instance: Instance,
}

impl Live for Running {
    fn run(&mut self, export: &str, n: i32) -> i64 {
        let run = self.instance.exported_func(export).expect("a kernel has the export");
        let mut results = [Val::I64(0)];
        run.call(&mut self.store, &[Val::I32(n)], &mut results).expect("a kernel does not trap");
        results[0].to_i64().expect("a kernel returns i64")
    }

    fn main(&mut self) {
        let main = self.instance.exported_func("main").expect("the module has main");
        main.call(&mut self.store, &[], &mut []).expect("the module does not trap");
    }
}

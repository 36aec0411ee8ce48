//! An engine compiled to Wasm, run by wasmtime.

use gristmill_contenders::{Live, Loaded, Peer};
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use wasmtime::{Engine, Instance, Memory, Module, Store, TypedFunc};

/// A guest of `inside/guest`, compiled once a process, or taken from the compiled file beside it.
pub struct Guest {
    name: String,
    path: PathBuf,
    metered: bool,
    module: OnceCell<Module>,
}

impl Guest {
    /// The guest in the file at `path`; compiled when it is first used.
    pub fn new(name: String, path: PathBuf, metered: bool) -> Self {
        Self { name, path, metered, module: OnceCell::new() }
    }

    fn inner(&self) -> Inner {
        Inner::new(self.module.get_or_init(|| module(&self.path)), self.metered)
    }
}

/// Compiles the guest, and keeps what came out beside it: under callgrind a compilation takes minutes.
fn module(path: &Path) -> Module {
    let engine = Engine::new(&crate::config()).expect("this machine has what x86-64-v3 asks for");
    let compiled = path.with_extension("cwasm");
    let age = |p: &Path| std::fs::metadata(p).and_then(|m| m.modified()).ok();
    if age(&compiled) > age(path) {
        // SAFETY: the file is what `serialize` wrote below; wasmtime refuses those of other versions or settings.
        if let Ok(module) = unsafe { Module::deserialize_file(&engine, &compiled) } {
            return module;
        }
    }
    let module = Module::from_file(&engine, path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    std::fs::write(&compiled, module.serialize().expect("a module can be written")).expect("the folder can be written");
    module
}

impl Peer for Guest {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn load(&self, wasm: &[u8]) -> Box<dyn Loaded> {
        let mut inner = self.inner();
        inner.put(wasm);
        inner.call("load");
        Box::new(Ready {
            module: self.module.get().expect("just used").clone(),
            wasm: wasm.into(),
            metered: self.metered,
        })
    }
}

/// A kernel's bytes: modules stay in the guest that loaded them.
struct Ready {
    module: Module,
    wasm: Rc<[u8]>,
    metered: bool,
}

impl Loaded for Ready {
    fn instantiate(&self) -> Box<dyn Live> {
        let mut inner = Inner::new(&self.module, self.metered);
        inner.put(&self.wasm);
        inner.call("instantiate");
        let run = inner.instance.get_typed_func(&mut inner.store, "run").expect("a guest has run");
        Box::new(Running { inner, run, export: String::new() })
    }
}

struct Inner {
    store: Store<()>,
    instance: Instance,
    memory: Memory,
    metered: bool,
}

impl Inner {
    fn new(module: &Module, metered: bool) -> Self {
        let mut store = Store::new(module.engine(), ());
        let instance = Instance::new(&mut store, module, &[]).expect("a guest has no imports");
        let memory = instance.get_memory(&mut store, "memory").expect("a guest has a memory");
        Self { store, instance, memory, metered }
    }

    fn put(&mut self, bytes: &[u8]) {
        let reserve =
            self.instance.get_typed_func::<u32, u32>(&mut self.store, "reserve").expect("a guest has reserve");
        let at = reserve.call(&mut self.store, bytes.len() as u32).expect("there is room");
        self.memory.write(&mut self.store, at as usize, bytes).expect("reserved");
    }

    fn call(&mut self, name: &str) {
        let f = self.instance.get_typed_func::<i32, ()>(&mut self.store, name).expect("an export of the guest");
        f.call(&mut self.store, i32::from(self.metered)).expect("a kernel loads");
    }
}

struct Running {
    inner: Inner,
    run: TypedFunc<i32, i64>,
    export: String,
}

impl Live for Running {
    fn run(&mut self, export: &str, n: i32) -> i64 {
        if self.export != export {
            self.inner.put(export.as_bytes());
            let store = &mut self.inner.store;
            let choose =
                self.inner.instance.get_typed_func::<(), ()>(&mut *store, "choose").expect("a guest has choose");
            choose.call(store, ()).expect("a name is not too long");
            self.export = export.into();
        }
        self.run.call(&mut self.inner.store, n).expect("a kernel does not trap")
    }

    fn main(&mut self) {
        panic!("guests run exports of type (i32) -> i64");
    }
}

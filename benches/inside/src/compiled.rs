//! Kernels compiled to native code by wasmtime: what a compiled tier is measured against.

use gristmill_contenders::host::KernelHost;
use gristmill_contenders::{Artifact, Live, Loaded, Peer};
use std::cell::LazyCell;
use std::rc::Rc;
use wasmtime::{Caller, Config, Engine, Instance, InstanceAllocationStrategy, Linker, Memory, Module, Store, Strategy};

/// wasmtime with some settings.
pub struct Compiled {
    name: &'static str,
    /// Made when it is first asked for: pools reserve more address space than callgrind has.
    made: LazyCell<(Engine, Rc<Linker<State>>), Box<dyn FnOnce() -> (Engine, Rc<Linker<State>>)>>,
    fuel: bool,
}

struct State {
    host: KernelHost,
    memory: Option<Memory>,
}

/// A way to run it, beyond what [`crate::config`] says.
type Setting = fn(&mut Config) -> &mut Config;

/// By column.
const SETTINGS: [(&str, Setting); 6] = [
    ("wasmtime", |config| config),
    ("wasmtime fuel", |config| config.consume_fuel(true)),
    ("wasmtime check", check),
    ("wasmtime check fuel", |config| check(config).consume_fuel(true)),
    ("wasmtime pooled", |config| config.allocation_strategy(InstanceAllocationStrategy::pooling())),
    ("winch", |config| config.strategy(Strategy::Winch)),
];

/// Bounds are compared with, nothing is left to signals.
fn check(config: &mut Config) -> &mut Config {
    config.signals_based_traps(false).memory_reservation(0).memory_guard_size(0)
}

impl Compiled {
    /// Every setting.
    pub fn all() -> impl Iterator<Item = Self> {
        SETTINGS.into_iter().map(|(name, set)| {
            let make = move || {
                let engine = Engine::new(set(&mut crate::config())).expect("this machine has what x86-64-v3 asks for");
                let linker = Rc::new(linker(&engine).expect("names are distinct"));
                (engine, linker)
            };
            Self { name, made: LazyCell::new(Box::new(make)), fuel: name.ends_with("fuel") }
        })
    }
}

impl Peer for Compiled {
    fn name(&self) -> String {
        self.name.into()
    }

    fn load(&self, wasm: &[u8]) -> Box<dyn Loaded> {
        let (engine, linker) = &*self.made;
        let module = Module::new(engine, wasm).expect("a kernel is valid");
        Box::new(Ready { module, linker: Rc::clone(linker), fuel: self.fuel })
    }

    fn artifact(&self, wasm: &[u8]) -> Option<Artifact<'_>> {
        let (engine, _) = &*self.made;
        let bytes = Module::new(engine, wasm).expect("a kernel is valid").serialize().expect("it can be written");
        // SAFETY: what was just written by the same engine.
        let load = move || drop(unsafe { Module::deserialize(engine, &bytes) }.expect("it can be read"));
        Some(Box::new(load))
    }
}

struct Ready {
    module: Module,
    linker: Rc<Linker<State>>,
    fuel: bool,
}

impl Loaded for Ready {
    fn instantiate(&self) -> Box<dyn Live> {
        let mut store = Store::new(self.module.engine(), State { host: KernelHost::default(), memory: None });
        if self.fuel {
            store.set_fuel(u64::MAX).expect("fuel is on");
        }
        let instance = self.linker.instantiate(&mut store, &self.module).expect("a kernel links");
        store.data_mut().memory = instance.get_memory(&mut store, "memory");
        Box::new(Running { store, instance })
    }
}

struct Running {
    store: Store<State>,
    instance: Instance,
}

impl Live for Running {
    fn run(&mut self, export: &str, n: i32) -> i64 {
        let run = self.instance.get_typed_func::<i32, i64>(&mut self.store, export).expect("a kernel has the export");
        run.call(&mut self.store, n).expect("a kernel does not trap")
    }

    fn main(&mut self) {
        let main = self.instance.get_typed_func::<(), ()>(&mut self.store, "main").expect("the token kernel has main");
        main.call(&mut self.store, ()).expect("the token kernel does not trap");
    }
}

/// Memory and host of a call, borrowed together.
fn parts<'a>(caller: &'a mut Caller<'_, State>) -> (&'a mut [u8], &'a mut KernelHost) {
    let memory = caller.data().memory.expect("set right after instantiation");
    let (bytes, state) = memory.data_and_store_mut(caller);
    (bytes, &mut state.host)
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    linker.func_wrap("ethereum", "getGasLeft", || KernelHost::GAS_LEFT)?;
    linker.func_wrap("ethereum", "getCallDataSize", |c: Caller<'_, State>| c.data().host.call_data_size())?;
    linker.func_wrap("ethereum", "getCaller", |mut c: Caller<'_, State>, result: u32| {
        let (memory, host) = parts(&mut c);
        Ok(host.caller(memory, result)?)
    })?;
    linker.func_wrap("ethereum", "callDataCopy", |mut c: Caller<'_, State>, result: u32, from: u32, len: u32| {
        let (memory, host) = parts(&mut c);
        Ok(host.call_data_copy(memory, result, from, len)?)
    })?;
    linker.func_wrap("ethereum", "storageLoad", |mut c: Caller<'_, State>, key: u32, result: u32| {
        let (memory, host) = parts(&mut c);
        Ok(host.storage_load(memory, key, result)?)
    })?;
    linker.func_wrap("ethereum", "storageStore", |mut c: Caller<'_, State>, key: u32, value: u32| {
        let (memory, host) = parts(&mut c);
        Ok(host.storage_store(memory, key, value)?)
    })?;
    linker.func_wrap(
        "ethereum",
        "log",
        |mut c: Caller<'_, State>, data: u32, len: u32, _: u32, _: u32, _: u32, _: u32, _: u32| {
            let (memory, host) = parts(&mut c);
            Ok(host.log(memory, data, len)?)
        },
    )?;
    linker.func_wrap("ethereum", "finish", |mut c: Caller<'_, State>, data: u32, len: u32| {
        let (memory, host) = parts(&mut c);
        Ok(host.finish(memory, data, len)?)
    })?;
    Ok(linker)
}

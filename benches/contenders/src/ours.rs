//! gristmill: either dispatch, any schedule. Host functions are closures, as wasmi's are.

use crate::host::KernelHost;
use crate::{Live, Loaded, Peer};
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use gristmill::{
    Caller, Config, Dispatch, Engine, Error, Extern, Gas, Instance, Linker, Memory, Module, Schedule, Store,
};

/// gristmill with one of its dispatch back ends; schedule `ewasm` is metering off.
pub struct Ours {
    name: String,
    engine: Engine,
    linker: Rc<Linker<State>>,
}

struct State {
    host: KernelHost,
    memory: Option<Memory>,
}

impl Ours {
    /// The general profile with this dispatch and schedule.
    ///
    /// # Panics
    /// When this build does not hold the dispatch.
    pub fn new(dispatch: Dispatch, schedule: Schedule) -> Self {
        let engine = Engine::new(Config::new().dispatch(dispatch).schedule(schedule)).expect("this build has both");
        assert_eq!(engine.dispatch().name(), dispatch.name(), "a bench must run what it was asked to run");
        Self::of(dispatch.name(), engine)
    }

    /// An engine that calls itself `name`, and unmetered if it is.
    pub fn of(name: &str, engine: Engine) -> Self {
        let unmetered = if engine.schedule() == Schedule::Ewasm { " unmetered" } else { "" };
        let linker = Rc::new(linker(&engine).expect("names are distinct"));
        Self { name: format!("{name}{unmetered}"), engine, linker }
    }
}

impl Peer for Ours {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn load(&self, wasm: &[u8]) -> Box<dyn Loaded> {
        let module = Module::new(&self.engine, wasm).expect("a kernel is valid");
        Box::new(Ready { module, linker: Rc::clone(&self.linker) })
    }
}

struct Ready {
    module: Module,
    linker: Rc<Linker<State>>,
}

impl Loaded for Ready {
    fn instantiate(&self) -> Box<dyn Live> {
        let state = State { host: KernelHost::default(), memory: None };
        let mut store = Store::new(self.module.engine(), state);
        store.set_gas(Gas(u64::MAX));
        let instance = self.linker.instantiate(&mut store, &self.module).expect("a kernel links");
        store.data_mut().memory = instance.get_export(&store, "memory").and_then(Extern::into_memory);
        Box::new(Running { store, instance })
    }
}

struct Running {
    store: Store<State>,
    instance: Instance,
}

impl Live for Running {
    fn run(&mut self, export: &str, n: i32) -> i64 {
        let run = self.instance.get_typed_func::<i32, i64>(&self.store, export).expect("a kernel has the export");
        run.call(&mut self.store, n).expect("a kernel does not trap")
    }

    fn main(&mut self) {
        let main = self.instance.get_typed_func::<(), ()>(&self.store, "main").expect("the token kernel has main");
        main.call(&mut self.store, ()).expect("the token kernel does not trap");
    }

    fn contract(&mut self) -> Vec<u8> {
        self.store.data_mut().host.contract = true;
        let main = self.instance.get_typed_func::<(), ()>(&self.store, "main").expect("a contract has main");
        let end = main.call(&mut self.store, ());
        let output = self.store.data_mut().host.output.take();
        output.unwrap_or_else(|| panic!("the contract did not finish: {end:?}"))
    }
}

/// Memory and host of a call, borrowed together.
fn parts<'a>(caller: &'a mut Caller<'_, State>) -> (&'a mut [u8], &'a mut KernelHost) {
    let memory = caller.data().memory.expect("set right after instantiation");
    let (bytes, state) = memory.data_and_store_mut(caller);
    (bytes, &mut state.host)
}

fn linker(engine: &Engine) -> Result<Linker<State>, Error> {
    let mut linker = Linker::new(engine);
    linker.func_wrap("ethereum", "getGasLeft", || KernelHost::GAS_LEFT)?;
    linker.func_wrap("ethereum", "getCallDataSize", |c: Caller<'_, State>| c.data().host.call_data_size())?;
    linker.func_wrap("ethereum", "getCaller", |mut c: Caller<'_, State>, result: u32| {
        let (memory, host) = parts(&mut c);
        host.caller(memory, result).map_err(Error::custom)
    })?;
    linker.func_wrap("ethereum", "callDataCopy", |mut c: Caller<'_, State>, result: u32, from: u32, len: u32| {
        let (memory, host) = parts(&mut c);
        host.call_data_copy(memory, result, from, len).map_err(Error::custom)
    })?;
    linker.func_wrap("ethereum", "storageLoad", |mut c: Caller<'_, State>, key: u32, result: u32| {
        let (memory, host) = parts(&mut c);
        host.storage_load(memory, key, result).map_err(Error::custom)
    })?;
    linker.func_wrap("ethereum", "storageStore", |mut c: Caller<'_, State>, key: u32, value: u32| {
        let (memory, host) = parts(&mut c);
        host.storage_store(memory, key, value).map_err(Error::custom)
    })?;
    linker.func_wrap("ethereum", "getCallValue", |mut c: Caller<'_, State>, result: u32| {
        let (memory, host) = parts(&mut c);
        host.call_value(memory, result).map_err(Error::custom)
    })?;
    linker.func_wrap(
        "ethereum",
        "callStatic",
        |mut c: Caller<'_, State>, _gas: u64, address: u32, data: u32, len: u32| {
            let (memory, host) = parts(&mut c);
            host.call_static(memory, address, data, len).map_err(Error::custom)
        },
    )?;
    linker.func_wrap("ethereum", "returnDataCopy", |mut c: Caller<'_, State>, result: u32, from: u32, len: u32| {
        let (memory, host) = parts(&mut c);
        host.return_data_copy(memory, result, from, len).map_err(Error::custom)
    })?;
    linker.func_wrap("ethereum", "revert", |c: Caller<'_, State>, _data: u32, _len: u32| {
        c.data().host.revert().map_err(Error::custom)
    })?;
    linker.func_wrap(
        "ethereum",
        "log",
        |mut c: Caller<'_, State>, data: u32, len: u32, _: u32, _: u32, _: u32, _: u32, _: u32| {
            let (memory, host) = parts(&mut c);
            host.log(memory, data, len).map_err(Error::custom)
        },
    )?;
    linker.func_wrap("ethereum", "finish", |mut c: Caller<'_, State>, data: u32, len: u32| {
        let (memory, host) = parts(&mut c);
        host.finish(memory, data, len).map_err(Error::custom)
    })?;
    Ok(linker)
}

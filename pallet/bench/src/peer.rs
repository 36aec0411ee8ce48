//! wasmi as a VM of contracts: the engine's interface over it, its own metering on.

use core::mem::transmute;
use gristmill::contract::eei::Eei;
use gristmill::contract::{Host, KeccakAt9, Message, Options, Outcome, Revision, Runner, Vm, run_frame};
use gristmill::wasm::isa::Ty;
use gristmill::{Error, Exports, Fault, Guest, HostApi, Meter, Stop};
use wasmi::{
    Caller, CompilationMode, Config, Engine, Extern, ExternType, FuncType, Linker, Memory, Module, Store, Val, ValType,
};

/// wasmi, as fast as it says it can be made: code that was validated is not validated again, and functions are
/// translated at their first call.
pub struct Wasmi {
    engine: Engine,
    options: Options,
}

impl Wasmi {
    pub fn new() -> Self {
        let mut config = Config::default();
        config.compilation_mode(CompilationMode::Lazy).consume_fuel(true);
        let options =
            Options { keccak_at_9: KeccakAt9::On, exports: Exports::Lenient, beyond: true, ..Options::default() };
        Self { engine: Engine::new(&config), options }
    }
}

impl Vm for Wasmi {
    fn execute(&self, host: &mut dyn Host, revision: Revision, message: &Message<'_>, code: &[u8]) -> Outcome {
        run_frame(self, &self.options, host, revision, message, code)
    }
}

/// Calls row `index` of the interface with the guest's memory.
type Call<'a> = dyn FnMut(usize, &mut [u8], &[u64]) -> Result<u64, Stop> + 'a;

struct State {
    call: *mut Call<'static>,
    memory: Option<Memory>,
    stopped: Option<Stop>,
}

#[derive(Debug)]
struct Stopped;

impl core::fmt::Display for Stopped {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("a host function has stopped the run")
    }
}

impl core::error::Error for Stopped {}
impl wasmi::errors::HostError for Stopped {}

impl Runner for Wasmi {
    type Code = Module;

    fn load(&self, code: &[u8]) -> Result<Module, Error> {
        // SAFETY: the pallet has validated the code when it was deployed.
        unsafe { Module::new_unchecked(&self.engine, code) }
            .map_err(|_| Error::Fault(Fault::Host("code that was deployed does not load")))
    }

    fn segments_fit(&self, _: &Module) -> bool {
        true
    }

    fn run<T: HostApi>(&self, module: &Module, api: &mut T, meter: &mut Meter) -> Result<(), Stop> {
        let broken = || Stop::Fault(Fault::Host("wasmi does not take a contract"));
        let mut call =
            |index: usize, memory: &mut [u8], args: &[u64]| api.call(index, &mut Guest::new(memory, meter), args);
        let call: *mut Call<'_> = &raw mut call;
        // SAFETY: only the lifetime changes; the store that has it goes before this function returns.
        let call = unsafe { transmute::<*mut Call<'_>, *mut Call<'static>>(call) };
        let mut store = Store::new(&self.engine, State { call, memory: None, stopped: None });
        store.set_fuel(u64::MAX).map_err(|_| broken())?;
        let mut linker = Linker::new(&self.engine);
        for import in module.imports() {
            let ExternType::Func(ty) = import.ty() else { return Err(broken()) };
            let named = |row: &gristmill::ApiRow| row.module == import.module() && row.name == import.name();
            let index = Eei::rows().iter().position(named).ok_or_else(broken)?;
            define(&mut linker, index, ty.clone()).map_err(|_| broken())?;
        }
        let instance = linker.instantiate_and_start(&mut store, module).map_err(|_| broken())?;
        store.data_mut().memory = instance.get_export(&store, "memory").and_then(Extern::into_memory);
        let main = instance.get_typed_func::<(), ()>(&store, "main").map_err(|_| broken())?;
        match main.call(&mut store, ()) {
            Ok(()) => Ok(()),
            Err(_) => Err(store.data_mut().stopped.take().unwrap_or_else(broken)),
        }
    }
}

fn define(linker: &mut Linker<State>, index: usize, ty: FuncType) -> Result<(), wasmi::Error> {
    let row = &Eei::rows()[index];
    let wide = row.result == Some(Ty::i64);
    debug_assert!(ty.results().iter().all(|ty| matches!(ty, ValType::I32 | ValType::I64)));
    linker.func_new(row.module, row.name, ty, move |mut caller: Caller<'_, State>, params, results| {
        let slot = |value: &Val| match value {
            Val::I32(value) => u64::from(*value as u32),
            Val::I64(value) => *value as u64,
            _ => 0,
        };
        let mut args = [0; 8];
        for (arg, value) in args.iter_mut().zip(params) {
            *arg = slot(value);
        }
        let call = caller.data().call;
        let memory = caller.data().memory.expect("set right after instantiation");
        // SAFETY: what it points to lives as long as the store, and the run calls one host function at a time.
        let result = unsafe { (*call)(index, memory.data_mut(&mut caller), &args[..params.len()]) };
        match result {
            Ok(value) => {
                if let Some(result) = results.first_mut() {
                    *result = if wide { Val::I64(value as i64) } else { Val::I32(value as i32) };
                }
                Ok(())
            }
            Err(stop) => {
                caller.data_mut().stopped = Some(stop);
                Err(wasmi::Error::host(Stopped))
            }
        }
    })?;
    Ok(())
}

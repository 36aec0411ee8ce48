//! Contracts on the naive executor.

use gristmill::contract::{Host, Message, Options, Outcome, Revision, Runner, Vm, eei, run_frame};
use gristmill::wasm::isa::Ty;
use gristmill::{ApiRow, Error, Exports, Fault, Guest, HostApi, LoadError, LoadErrorKind, Meter, Profile, Stop};
use gristmill_reference::{Extern, Failure, Host as Imports, Import, InstanceId, Module, NoHost, Store};
use wasmparser::{ExternalKind, FuncType, TypeRef, ValType};

/// The naive executor as a [`Vm`] for contracts.
#[derive(Clone, Debug)]
pub struct Reference {
    profile: Profile,
    options: Options,
}

impl Reference {
    /// Runs contracts under `profile` and `options`.
    pub fn new(profile: Profile, options: Options) -> Self {
        Self { profile, options }
    }

    /// The rules of contracts: two exports, functions of the interface as imports, no start function.
    fn check(&self, module: &Module) -> Result<(), &'static str> {
        for (index, import) in (0..).zip(module.imports()) {
            let row = eei::resolve(&import.module, &import.name, &self.options).ok_or("unknown import")?;
            // All imports so far were functions, so this one has the same index among the functions.
            if !matches!(import.ty, TypeRef::Func(_)) || *module.func_type(index) != signature(row) {
                return Err("import of another type");
            }
        }
        let export = |name| module.exports().iter().find(|e| e.name == name).ok_or("missing export");
        let (memory, main) = (export("memory")?, export("main")?);
        if memory.kind != ExternalKind::Memory || main.kind != ExternalKind::Func {
            return Err("export of another kind");
        }
        if *module.func_type(main.index) != FuncType::new([], []) {
            return Err("`main` of another type");
        }
        if module.has_start() {
            return Err("start function");
        }
        if self.options.exports == Exports::Strict && module.exports().len() != 2 {
            return Err("more exports");
        }
        Ok(())
    }

    fn instantiate(
        &self,
        module: &Module,
        meter: Meter,
        host: &mut dyn Imports,
        number: impl Fn(&Import) -> usize,
    ) -> (Store, Result<InstanceId, Stop>) {
        let mut store = Store::new(self.profile.run, self.options.schedule);
        store.meter = meter;
        let imports = (0..).zip(module.imports());
        let imports: Vec<_> = imports
            .map(|(index, import)| Some(store.host_func(number(import), module.func_type(index).clone())))
            .collect();
        let instance = store.instantiate(host, module, &imports).map_err(|failure| match failure {
            Failure::Stop(stop) => stop,
            Failure::Link(_) => Fault::Internal("a checked contract links").into(),
        });
        (store, instance)
    }
}

fn signature(row: &ApiRow) -> FuncType {
    let ty = |ty: Ty| match ty {
        Ty::i32 => ValType::I32,
        Ty::i64 => ValType::I64,
        Ty::f32 => ValType::F32,
        Ty::f64 => ValType::F64,
        Ty::v128 => ValType::V128,
    };
    FuncType::new(row.params.iter().map(|&(_, param)| ty(param)), row.result.map(ty))
}

/// A table of host functions by row number.
struct Rows<'a, T>(&'a mut T);

impl<T: HostApi> Imports for Rows<'_, T> {
    fn call(&mut self, number: usize, guest: &mut Guest<'_>, args: &[u64]) -> Result<Vec<u64>, Stop> {
        let result = self.0.call(number, guest, args)?;
        Ok(T::rows()[number].result.map(|_| result).into_iter().collect())
    }
}

impl Runner for Reference {
    type Code = Module;

    fn load(&self, code: &[u8]) -> Result<Module, Error> {
        let module = Module::new(&self.profile, self.options.schedule, code)?;
        self.check(&module).map_err(|what| LoadError::new(LoadErrorKind::Contract, 0, what))?;
        Ok(module)
    }

    fn segments_fit(&self, module: &Module) -> bool {
        // The only thing that can go wrong without a bound on gas: a contract has no start function.
        self.instantiate(module, Meter::unlimited(), &mut NoHost, |_| 0).1.is_ok()
    }

    fn run<T: HostApi>(&self, module: &Module, api: &mut T, meter: &mut Meter) -> Result<(), Stop> {
        let row = |import: &Import| T::rows().iter().position(|r| r.module == import.module && r.name == import.name);
        let (mut store, instance) =
            self.instantiate(module, meter.clone(), &mut Rows(api), |import| row(import).unwrap_or(usize::MAX));
        let end = instance.and_then(|instance| match store.export(instance, "main") {
            Some(Extern::Func(main)) => store.invoke(&mut Rows(api), main, &[]),
            _ => Err(Fault::Internal("`main` was checked to be a function").into()),
        });
        *meter = store.meter;
        end.map(drop)
    }
}

impl Vm for Reference {
    fn execute(&self, host: &mut dyn Host, revision: Revision, message: &Message<'_>, code: &[u8]) -> Outcome {
        run_frame(self, &self.options, host, revision, message, code)
    }
}

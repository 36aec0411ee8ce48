//! The naive executor as the engine of specification scripts.

use gristmill::limits::RunLimits;
use gristmill::{Guest, Profile, Schedule, Stop};
use gristmill_cli::suite::wast::{Failure, Value, WastEngine};
use gristmill_reference as reference;
use gristmill_reference::{Extern, Host, InstanceId, Module, Store};
use std::collections::HashMap;
use wasmparser::{AbstractHeapType, FuncType, GlobalType, HeapType, MemoryType, RefType, TableType, ValType};

/// One store, with the `spectest` module registered.
pub struct Script {
    profile: Profile,
    store: Store,
    spectest: HashMap<&'static str, Extern>,
    registered: HashMap<String, InstanceId>,
}

/// The printing functions of `spectest`; nobody reads what they print.
struct Silent;

impl Host for Silent {
    fn call(&mut self, _: usize, _: &mut Guest<'_>, _: &[u64]) -> Result<Vec<u64>, Stop> {
        Ok(Vec::new())
    }
}

impl Script {
    /// A fresh store for modules of `profile`.
    pub fn new(profile: Profile) -> Self {
        use ValType::{F32, F64, I32, I64};
        let mut store = Store::new(RunLimits::GENERAL, Schedule::V1);
        let prints: [(_, &[ValType]); 7] = [
            ("print", &[]),
            ("print_i32", &[I32]),
            ("print_i64", &[I64]),
            ("print_f32", &[F32]),
            ("print_f64", &[F64]),
            ("print_i32_f32", &[I32, F32]),
            ("print_f64_f64", &[F64, F64]),
        ];
        let globals = [
            ("global_i32", I32, 666),
            ("global_i64", I64, 666),
            ("global_f32", F32, u128::from(666.6_f32.to_bits())),
            ("global_f64", F64, 666.6_f64.to_bits().into()),
        ];
        let mut spectest = HashMap::new();
        for (name, params) in prints {
            spectest.insert(name, store.host_func(0, FuncType::new(params.iter().copied(), [])));
        }
        for (name, content_type, bits) in globals {
            let ty = GlobalType { content_type, mutable: false, shared: false };
            spectest.insert(name, store.add_global(ty, bits));
        }
        let table =
            TableType { element_type: RefType::FUNCREF, table64: false, initial: 10, maximum: Some(20), shared: false };
        spectest.insert("table", store.add_table(&table));
        spectest.insert("table64", store.add_table(&TableType { table64: true, ..table }));
        let memory = MemoryType { memory64: false, shared: false, initial: 1, maximum: Some(2), page_size_log2: None };
        spectest.insert("memory", store.add_memory(&memory));
        Self { profile, store, spectest, registered: HashMap::new() }
    }
}

fn bits(value: Value) -> Result<u128, Failure> {
    Ok(match value {
        Value::I32(v) => u128::from(v as u32),
        Value::I64(v) => u128::from(v as u64),
        Value::F32(bits) => u128::from(bits),
        Value::F64(bits) => u128::from(bits),
        Value::V128(bits) => bits,
        Value::FuncRef(false) | Value::ExternRef(None) | Value::ExnRef(false) => 0,
        Value::ExnRef(true) => return Err(Failure::Other("scripts have no exceptions to pass".into())),
        Value::FuncRef(true) => return Err(Failure::Other("scripts have no functions to pass".into())),
        Value::ExternRef(Some(n)) => u128::from(n) + 1,
    })
}

fn value(ty: ValType, slot: u128) -> Result<Value, Failure> {
    Ok(match ty {
        ValType::I32 => Value::I32(slot as i32),
        ValType::I64 => Value::I64(slot as i64),
        ValType::F32 => Value::F32(slot as u32),
        ValType::F64 => Value::F64(slot as u64),
        ValType::V128 => Value::V128(slot),
        ValType::Ref(ty) if ty.is_extern_ref() || ty.heap_type() == HeapType::EXTERN => {
            Value::ExternRef(slot.checked_sub(1).map(|n| n as u32))
        }
        ValType::Ref(ty)
            if matches!(
                ty.heap_type(),
                HeapType::Abstract { ty: AbstractHeapType::Exn | AbstractHeapType::NoExn, .. }
            ) =>
        {
            Value::ExnRef(slot != 0)
        }
        ValType::Ref(_) => Value::FuncRef(slot != 0),
    })
}

fn stopped(stop: Stop) -> Failure {
    match stop {
        Stop::Trap(trap) => Failure::Trap(trap.to_string()),
        Stop::Exception => Failure::Exception,
        other => Failure::Other(format!("{other:?}")),
    }
}

impl WastEngine for Script {
    type Module = Module;
    type Instance = InstanceId;

    fn load(&mut self, bytes: &[u8]) -> Result<Module, String> {
        Module::new(&self.profile, Schedule::V1, bytes).map_err(|e| e.to_string())
    }

    fn instantiate(&mut self, module: &Module) -> Result<InstanceId, Failure> {
        let imports = module.imports().iter().map(|import| match self.registered.get(&import.module) {
            Some(instance) => self.store.export(*instance, &import.name),
            None if import.module == "spectest" => self.spectest.get(import.name.as_str()).copied(),
            None => None,
        });
        let imports: Vec<_> = imports.collect();
        self.store.instantiate(&mut Silent, module, &imports).map_err(|failure| match failure {
            reference::Failure::Link(what) => Failure::Link(what),
            reference::Failure::Stop(stop) => stopped(stop),
        })
    }

    fn register(&mut self, name: &str, instance: &InstanceId) -> Result<(), Failure> {
        self.registered.insert(name.into(), *instance);
        Ok(())
    }

    fn invoke(&mut self, instance: &InstanceId, name: &str, args: &[Value]) -> Result<Vec<Value>, Failure> {
        let Some(Extern::Func(func)) = self.store.export(*instance, name) else {
            return Err(Failure::Other(format!("no exported function `{name}`")));
        };
        let args = args.iter().map(|&v| bits(v)).collect::<Result<Vec<_>, _>>()?;
        let ty = self.store.func_type(func).clone();
        let results = self.store.invoke_values(&mut Silent, func, args).map_err(stopped)?;
        ty.results().iter().zip(results).map(|(ty, bits)| value(*ty, bits)).collect()
    }

    fn global(&mut self, instance: &InstanceId, name: &str) -> Result<Value, Failure> {
        let Some(Extern::Global(global)) = self.store.export(*instance, name) else {
            return Err(Failure::Other(format!("no exported global `{name}`")));
        };
        let global = &self.store.globals[global];
        value(global.ty.content_type, global.value)
    }
}

//! This engine as the engine of a script: the embedding API behind [`WastEngine`].

use gristmill::{
    Engine, Error, ExternRef, Global, GlobalType, Instance, Linker, Memory, MemoryType, Module, Store, Table,
    TableType, Val, ValType,
};

use super::wast::{Failure, Value, WastEngine};

/// A store of its own, with the `spectest` module in its linker.
pub struct Embedded {
    engine: Engine,
    store: Store<()>,
    linker: Linker<()>,
}

impl Embedded {
    /// A fresh store of `engine`.
    ///
    /// # Errors
    /// The engine refuses the `spectest` module: its limits are below what the suite needs.
    pub fn new(engine: &Engine) -> Result<Self, Error> {
        let mut store = Store::new(engine, ());
        let linker = spectest(engine, &mut store)?;
        Ok(Self { engine: engine.clone(), store, linker })
    }

    fn val(&mut self, value: Value) -> Result<Val, Failure> {
        Ok(match value {
            Value::I32(v) => Val::I32(v),
            Value::I64(v) => Val::I64(v),
            Value::F32(bits) => Val::F32(bits),
            Value::F64(bits) => Val::F64(bits),
            Value::V128(bits) => Val::V128(bits),
            Value::FuncRef(false) => Val::FuncRef(None),
            Value::FuncRef(true) => return Err(Failure::Other("scripts have no functions to pass".into())),
            Value::ExternRef(None) => Val::ExternRef(None),
            Value::ExnRef(false) => Val::ExnRef(None),
            Value::ExnRef(true) => return Err(Failure::Other("scripts have no exceptions to pass".into())),
            Value::ExternRef(Some(n)) => Val::ExternRef(Some(ExternRef::new(&mut self.store, n))),
        })
    }

    fn value(&self, val: &Val) -> Result<Value, Failure> {
        Ok(match val {
            Val::I32(v) => Value::I32(*v),
            Val::I64(v) => Value::I64(*v),
            Val::F32(bits) => Value::F32(*bits),
            Val::F64(bits) => Value::F64(*bits),
            Val::V128(bits) => Value::V128(*bits),
            Val::FuncRef(f) => Value::FuncRef(f.is_some()),
            Val::ExternRef(None) => Value::ExternRef(None),
            Val::ExnRef(exception) => Value::ExnRef(exception.is_some()),
            Val::ExternRef(Some(r)) => match r.data(&self.store).and_then(|data| data.downcast_ref::<u32>()) {
                Some(n) => Value::ExternRef(Some(*n)),
                None => return Err(Failure::Other("a reference that this script did not make".into())),
            },
        })
    }
}

/// The module that the suite expects of its runner (interpreter of the specification, `spectest`).
fn spectest(engine: &Engine, store: &mut Store<()>) -> Result<Linker<()>, Error> {
    const NAME: &str = "spectest";
    let mut linker = Linker::new(engine);
    linker.allow_shadowing(true);
    linker.func_wrap(NAME, "print", || {})?;
    linker.func_wrap(NAME, "print_i32", |_: i32| {})?;
    linker.func_wrap(NAME, "print_i64", |_: i64| {})?;
    linker.func_wrap(NAME, "print_f32", |_: f32| {})?;
    linker.func_wrap(NAME, "print_f64", |_: f64| {})?;
    linker.func_wrap(NAME, "print_i32_f32", |_: i32, _: f32| {})?;
    linker.func_wrap(NAME, "print_f64_f64", |_: f64, _: f64| {})?;
    let globals = [
        ("global_i32", Val::I32(666)),
        ("global_i64", Val::I64(666)),
        ("global_f32", Val::F32(666.6_f32.to_bits())),
        ("global_f64", Val::F64(666.6_f64.to_bits())),
    ];
    for (name, value) in globals {
        let ty = GlobalType { content: value.ty(), mutable: false };
        let global = Global::new(&mut *store, ty, value)?;
        linker.define(NAME, name, global)?;
    }
    let ty = TableType::new(ValType::FUNCREF, 10, Some(20));
    let table = Table::new(&mut *store, ty, Val::FuncRef(None))?;
    linker.define(NAME, "table", table)?;
    let table64 = Table::new(&mut *store, TableType { table64: true, ..ty }, Val::FuncRef(None))?;
    linker.define(NAME, "table64", table64)?;
    let memory = Memory::new(&mut *store, MemoryType::new(1, Some(2)))?;
    linker.define(NAME, "memory", memory)?;
    Ok(linker)
}

fn failure(e: Error) -> Failure {
    match e {
        Error::Link(what) => Failure::Link(what),
        Error::Trap(trap) => Failure::Trap(trap.to_string()),
        Error::ThrownException => Failure::Exception,
        other => Failure::Other(other.to_string()),
    }
}

impl WastEngine for Embedded {
    type Module = Module;
    type Instance = Instance;

    fn load(&mut self, bytes: &[u8]) -> Result<Module, String> {
        Module::new(&self.engine, bytes).map_err(|e| e.to_string())
    }

    fn instantiate(&mut self, module: &Module) -> Result<Instance, Failure> {
        self.linker.instantiate(&mut self.store, module).map_err(failure)
    }

    fn register(&mut self, name: &str, instance: &Instance) -> Result<(), Failure> {
        self.linker.instance(&mut self.store, name, *instance).map(drop).map_err(failure)
    }

    fn invoke(&mut self, instance: &Instance, name: &str, args: &[Value]) -> Result<Vec<Value>, Failure> {
        let args = args.iter().map(|v| self.val(*v)).collect::<Result<Vec<_>, _>>()?;
        let func = instance
            .get_func(&self.store, name)
            .ok_or_else(|| Failure::Other(format!("there is no exported function `{name}`")))?;
        let mut results: Vec<_> = func.ty(&self.store).results().iter().map(|ty| Val::default(*ty)).collect();
        func.call(&mut self.store, &args, &mut results).map_err(failure)?;
        results.iter().map(|val| self.value(val)).collect()
    }

    fn global(&mut self, instance: &Instance, name: &str) -> Result<Value, Failure> {
        let global = instance
            .get_global(&self.store, name)
            .ok_or_else(|| Failure::Other(format!("there is no exported global `{name}`")))?;
        let value = global.get(&self.store);
        self.value(&value)
    }
}

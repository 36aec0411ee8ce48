//! Names for importable things.

use super::api::HostApi;
use super::engine::Engine;
use super::entity::Extern;
use super::func::{Caller, Func, IntoFunc, WideFunc, over_values};
use super::instance::Instance;
use super::module::Module;
use super::store::{AsContextMut, HostFunc, RowCall, Store, call_row};
use super::value::Val;
use crate::error::Error;
use crate::wasm::isa::Ty;
use crate::wasm::types::{FuncType, ValType};
use alloc::{collections::BTreeMap, format, string::String, sync::Arc, vec::Vec};

/// What modules may import, by name. Host functions of a linker serve any number of stores.
pub struct Linker<T> {
    engine: Engine,
    names: BTreeMap<String, BTreeMap<String, Definition<T>>>,
    shadowing: bool,
}

enum Definition<T> {
    Extern(Extern),
    Wide(FuncType, Arc<WideFunc<T>>),
    Row(FuncType, RowCall<T>, usize),
}

impl<T> Linker<T> {
    /// An empty linker.
    pub fn new(engine: &Engine) -> Self {
        Self { engine: engine.clone(), names: BTreeMap::new(), shadowing: false }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether a name may be defined again; the last definition counts.
    pub fn allow_shadowing(&mut self, allow: bool) -> &mut Self {
        self.shadowing = allow;
        self
    }

    fn insert(&mut self, module: &str, name: &str, definition: Definition<T>) -> Result<&mut Self, Error> {
        let names = self.names.entry(module.into()).or_default();
        if names.insert(name.into(), definition).is_some() && !self.shadowing {
            return Err(Error::Link(format!("{module}.{name} is defined twice")));
        }
        Ok(self)
    }

    /// Names something of a store.
    ///
    /// # Errors
    /// [`Error::Link`] when the name is taken.
    pub fn define(&mut self, module: &str, name: &str, item: impl Into<Extern>) -> Result<&mut Self, Error> {
        self.insert(module, name, Definition::Extern(item.into()))
    }

    /// Names a host function of type `ty`.
    ///
    /// # Errors
    /// [`Error::Link`] when the name is taken.
    pub fn func_new(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Result<&mut Self, Error> {
        self.insert(module, name, Definition::Wide(ty, over_values(func)))
    }

    /// Names a host function from a closure over Rust types.
    ///
    /// # Errors
    /// [`Error::Link`] when the name is taken.
    pub fn func_wrap<P, R>(
        &mut self,
        module: &str,
        name: &str,
        func: impl IntoFunc<T, P, R>,
    ) -> Result<&mut Self, Error> {
        let (ty, func) = func.into_func();
        self.insert(module, name, Definition::Wide(ty, func))
    }

    /// Names all functions of the table that `T` is.
    ///
    /// # Errors
    /// [`Error::Link`] when a name is taken.
    pub fn api(&mut self) -> Result<&mut Self, Error>
    where
        T: HostApi,
    {
        for (index, row) in T::rows().iter().enumerate() {
            self.insert(row.module, row.name, Definition::Row(row.ty(), call_row::<T>, index))?;
        }
        Ok(self)
    }

    /// Names all exports of an instance.
    ///
    /// # Errors
    /// [`Error::Link`] when a name is taken.
    pub fn instance(
        &mut self,
        mut ctx: impl AsContextMut<Data = T>,
        module: &str,
        instance: Instance,
    ) -> Result<&mut Self, Error> {
        for (name, item) in instance.exports(ctx.as_context_mut()) {
            self.insert(module, &name, Definition::Extern(item))?;
        }
        Ok(self)
    }

    /// What has that name, made in the store if it is a host function.
    pub fn get(&self, mut ctx: impl AsContextMut<Data = T>, module: &str, name: &str) -> Option<Extern> {
        let definition = self.names.get(module)?.get(name)?;
        Some(definition.make(ctx.as_context_mut()))
    }

    /// Instantiates `module` in the store and runs its start function.
    ///
    /// # Errors
    /// [`Error::Link`] for a name that is missing or of another type; otherwise as [`Instance::new`].
    pub fn instantiate(&self, mut ctx: impl AsContextMut<Data = T>, module: &Module) -> Result<Instance, Error> {
        let store = ctx.as_context_mut();
        let mut imports = Vec::with_capacity(module.imports().len());
        for import in &module.parsed().imports {
            let found = self.get(&mut *store, &import.module, &import.name);
            imports
                .push(found.ok_or_else(|| Error::Link(format!("unknown import: {}.{}", import.module, import.name)))?);
        }
        Instance::new(store, module, &imports)
    }
}

impl<T> Definition<T> {
    fn make(&self, store: &mut Store<T>) -> Extern {
        match self {
            Definition::Extern(item) => *item,
            Definition::Wide(ty, func) => Func::from_wide(store, ty, func.clone()).into(),
            Definition::Row(ty, call, row) => {
                let host = store.add_host(HostFunc::Row { call: *call, row: *row });
                let index = store.machine.add_host(ty, host);
                Func::new_handle(store.id, index).into()
            }
        }
    }
}

impl super::api::ApiRow {
    /// The type of the function.
    pub fn ty(&self) -> FuncType {
        let val = |ty: Ty| match ty {
            Ty::i32 => ValType::I32,
            Ty::i64 => ValType::I64,
            Ty::f32 => ValType::F32,
            Ty::f64 => ValType::F64,
        };
        FuncType::new(self.params.iter().map(|(_, ty)| val(*ty)), self.result.map(val))
    }
}

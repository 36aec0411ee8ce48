//! Instances.

use super::api::HostApi;
use super::entity::{Extern, Global, Handle, Memory, Table};
use super::func::{Func, TypedFunc, WasmValues};
use super::module::Module;
use super::store::{AsContext, AsContextMut, Store};
use crate::error::Error;
use crate::interp::exec::host::instantiate_over_rows;
use crate::interp::exec::machine::{ExternIndex, Imports, Refused};
use crate::wasm::load::ImportKind;
use crate::wasm::types::ExternType;
use alloc::{format, string::String, vec::Vec};

/// An instance of a module in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instance(pub(crate) Handle);

impl Instance {
    /// Instantiates `module` with `imports` in the order of its imports, and runs its start function.
    ///
    /// # Errors
    /// [`Error::Link`] when an import does not fit, [`Error::Trap`] when a segment does not, and whatever ends the start
    /// function early.
    pub fn new(mut ctx: impl AsContextMut, module: &Module, imports: &[Extern]) -> Result<Self, Error> {
        let store = ctx.as_context_mut();
        let indices = imports.iter().map(|item| item.import(store.id)).collect::<Result<Vec<_>, _>>()?;
        Self::link(store, module, &indices)
    }

    /// The same with imports that are of the store.
    pub(crate) fn link<T>(store: &mut Store<T>, module: &Module, imports: &[ExternIndex]) -> Result<Self, Error> {
        if !store.engine().is(module.engine()) {
            return Err(Error::usage("the module was loaded under another profile or schedule"));
        }
        let id = store.id;
        let made = store.machine.instantiate(module.prepared(), Imports::Given(imports));
        let index = made.map_err(|refused| match refused {
            Refused::Import(i) => {
                mismatch(module, i, imports.get(i).map(|index| Extern::from_index(*index, id).ty(&*store)))
            }
            other => store.refused(other, |i| mismatch(module, i, None)),
        })?;
        if let Some((start, _)) = module.parsed().start {
            let start = store.machine.function_of(index, start);
            store.call_numbers(start, &[], &mut [])?;
        }
        Ok(Self(Handle { store: id, index }))
    }

    /// Instantiates a module without start function, whose imports are these rows of the store's table.
    pub(crate) fn over_rows<T: HostApi>(store: &mut Store<T>, module: &Module, rows: &[u32]) -> Result<Self, Error> {
        let made = instantiate_over_rows(store, module.prepared(), rows);
        let index = made.map_err(|refused| store.refused(refused, |i| mismatch(module, i, None)))?;
        Ok(Self(Handle { store: store.id, index }))
    }

    /// The export of that name.
    pub fn get_export(&self, ctx: impl AsContext, name: &str) -> Option<Extern> {
        let store = ctx.as_context();
        let index = self.0.of(store);
        let export = store.machine.parsed(index).export(name)?;
        Some(Extern::from_index(store.machine.resolve(index, export.kind, export.index), store.id))
    }

    /// All exports, in order.
    pub fn exports(&self, ctx: impl AsContext) -> Vec<(String, Extern)> {
        let store = ctx.as_context();
        let index = self.0.of(store);
        let exports = store.machine.parsed(index).exports.iter();
        let resolve = |e: &crate::wasm::load::Export| store.machine.resolve(index, e.kind, e.index);
        exports.map(|e| (e.name.clone(), Extern::from_index(resolve(e), store.id))).collect()
    }

    /// The exported function of that name.
    pub fn get_func(&self, ctx: impl AsContext, name: &str) -> Option<Func> {
        self.get_export(ctx, name)?.into_func()
    }

    /// The exported function of that name, with its types known to Rust.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is none or its types are others.
    pub fn get_typed_func<P: WasmValues, R: WasmValues>(
        &self,
        ctx: impl AsContext,
        name: &str,
    ) -> Result<TypedFunc<P, R>, Error> {
        let func =
            self.get_func(&ctx, name).ok_or_else(|| Error::usage(format!("no function `{name}` is exported")))?;
        func.typed(ctx)
    }

    /// The exported memory of that name.
    pub fn get_memory(&self, ctx: impl AsContext, name: &str) -> Option<Memory> {
        self.get_export(ctx, name)?.into_memory()
    }

    /// The exported table of that name.
    pub fn get_table(&self, ctx: impl AsContext, name: &str) -> Option<Table> {
        self.get_export(ctx, name)?.into_table()
    }

    /// The exported global of that name.
    pub fn get_global(&self, ctx: impl AsContext, name: &str) -> Option<Global> {
        self.get_export(ctx, name)?.into_global()
    }
}

/// The specification's words for an import that does not fit.
fn mismatch(module: &Module, index: usize, have: Option<ExternType>) -> Error {
    let parsed = module.parsed();
    let import = &parsed.imports[index];
    let (module_name, name) = (&import.module, &import.name);
    match (&import.kind, have) {
        (_, None) => Error::Link(format!("unknown import: {module_name}.{name}")),
        (ImportKind::Func(ty), Some(ExternType::Func(have))) => {
            let want = &parsed.types[*ty as usize];
            Error::Link(format!("incompatible import type: {module_name}.{name} is {have}, not {want}"))
        }
        (want, Some(have)) => {
            Error::Link(format!("incompatible import type: {module_name}.{name} is {have:?}, not {want:?}"))
        }
    }
}

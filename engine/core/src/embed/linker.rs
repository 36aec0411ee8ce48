//! Names for importable things.

use super::api::{Guest, HostApi};
use super::engine::Engine;
use super::entity::Extern;
use super::func::{Caller, Func, IntoFunc, over_values};
use super::instance::Instance;
use super::intercept::{Intercepted, Interceptor};
use super::module::Module;
use super::store::{AsContextMut, Store};
use super::value::Val;
use crate::error::{Error, Stop};
use crate::gas::Meter;
use crate::interp::exec::host::{HostFunc, OverPart};
use crate::interp::exec::machine::ExternIndex;
use crate::wasm::isa::Ty;
use crate::wasm::load::ImportKind;
use crate::wasm::types::{FuncType, ValType};
use alloc::{format, string::String, sync::Arc, vec::Vec};

/// What modules may import, by name. Host functions of a linker serve any number of stores.
pub struct Linker<T> {
    engine: Engine,
    /// In the order of their hashes.
    names: Vec<Named<T>>,
    shadowing: bool,
    interceptor: Option<Arc<dyn Interceptor<T>>>,
}

struct Named<T> {
    hash: u64,
    module: String,
    name: String,
    definition: Definition<T>,
}

enum Definition<T> {
    Extern(Extern),
    Host(HostFunc<Store<T>>),
}

impl<T> Clone for Definition<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Extern(item) => Self::Extern(*item),
            Self::Host(host) => Self::Host(host.clone()),
        }
    }
}

/// A row of a table that `part` finds in a store's data.
struct Part<F> {
    part: F,
    row: usize,
}

impl<T, A: HostApi, F: Fn(&mut T) -> &mut A + Send + Sync> OverPart<Store<T>> for Part<F> {
    #[inline]
    fn call(
        &self,
        store: &mut Store<T>,
        memory: (&mut [u8], &mut usize),
        meter: &mut Meter,
        args: &[u64],
    ) -> Result<u64, Stop> {
        (self.part)(store.data_mut()).call(self.row, &mut Guest::lent(memory, meter), args)
    }
}

/// The same behind an interceptor.
struct Watched<T, F> {
    interceptor: Arc<dyn Interceptor<T>>,
    part: F,
    row: usize,
}

impl<T, A: HostApi, F: Fn(&mut T) -> &mut A + Send + Sync> OverPart<Store<T>> for Watched<T, F> {
    fn call(
        &self,
        store: &mut Store<T>,
        memory: (&mut [u8], &mut usize),
        meter: &mut Meter,
        args: &[u64],
    ) -> Result<u64, Stop> {
        let body = |data: &mut T, guest: &mut Guest<'_>, args: &[u64]| (self.part)(data).call(self.row, guest, args);
        let call = Intercepted { row: &A::rows()[self.row], args, body: &body };
        self.interceptor.call(store.data_mut(), &mut Guest::lent(memory, meter), call)
    }
}

/// Orders names; equal ones have equal hashes, and others may.
fn hash(module: &str, name: &str) -> u64 {
    let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    [module, name].iter().fold(0, |hash, text| {
        let (words, rest) = text.as_bytes().as_chunks::<8>();
        let hash = words.iter().fold(hash, |hash, word| mix(hash, u64::from_le_bytes(*word)));
        mix(hash, rest.iter().fold(text.len() as u64, |word, byte| word << 8 | u64::from(*byte)))
    })
}

impl<T> Linker<T> {
    /// An empty linker.
    pub fn new(engine: &Engine) -> Self {
        Self { engine: engine.clone(), names: Vec::new(), shadowing: false, interceptor: None }
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

    /// Has calls of all functions that [`Linker::table`] names from now on go to the interceptor. Functions of other kinds are
    /// called as they are; without an interceptor all are.
    pub fn intercept(&mut self, interceptor: Arc<dyn Interceptor<T>>) -> &mut Self {
        self.interceptor = Some(interceptor);
        self
    }

    /// Where the name is, or would be.
    fn find(&self, module: &str, name: &str) -> Result<usize, usize> {
        let hash = hash(module, name);
        let first = self.names.partition_point(|named| named.hash < hash);
        let same = self.names[first..].iter().take_while(|named| named.hash == hash);
        let found = same.enumerate().find(|(_, named)| named.name == name && named.module == module);
        found.map(|(i, _)| first + i).ok_or(first)
    }

    fn insert(&mut self, module: &str, name: &str, definition: Definition<T>) -> Result<&mut Self, Error> {
        match self.find(module, name) {
            Ok(at) if self.shadowing => self.names[at].definition = definition,
            Ok(_) => return Err(Error::Link(format!("{module}.{name} is defined twice"))),
            Err(at) => {
                let hash = hash(module, name);
                self.names.insert(at, Named { hash, module: module.into(), name: name.into(), definition });
            }
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
        self.insert(module, name, Definition::Host(over_values(ty, func)))
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
        self.insert(module, name, Definition::Host(func.into_func()))
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
            self.insert(row.module, row.name, Definition::Host(HostFunc::row(row.ty(), index as u32)))?;
        }
        Ok(self)
    }

    /// Names all functions of a table that is a part of the stores' data; `part` finds it there.
    ///
    /// # Errors
    /// [`Error::Link`] when a name is taken.
    pub fn table<A: HostApi>(
        &mut self,
        part: impl Fn(&mut T) -> &mut A + Copy + Send + Sync + 'static,
    ) -> Result<&mut Self, Error>
    where
        T: 'static,
    {
        for (index, row) in A::rows().iter().enumerate() {
            let func = match &self.interceptor {
                None => HostFunc::part(row.ty(), Part { part, row: index }),
                Some(to) => HostFunc::part(row.ty(), Watched { interceptor: to.clone(), part, row: index }),
            };
            self.insert(row.module, row.name, Definition::Host(func))?;
        }
        Ok(self)
    }

    /// Gives what has a name another one, too.
    ///
    /// # Errors
    /// [`Error::Link`] when there is no such name, or the other is taken.
    pub fn alias(&mut self, module: &str, name: &str, as_module: &str, as_name: &str) -> Result<&mut Self, Error> {
        let at = self.find(module, name).map_err(|_| Error::Link(format!("{module}.{name} is not defined")))?;
        let definition = self.names[at].definition.clone();
        self.insert(as_module, as_name, definition)
    }

    /// Has a name stand for a host function of another type, too, which has a name already. An import of that very type gets it, any
    /// other import what had the name before.
    ///
    /// ```
    /// # use gristmill::{Config, Engine, Error, Linker, Module, Store};
    /// let engine = Engine::new(&Config::new())?;
    /// let mut linker = Linker::<()>::new(&engine);
    /// linker.func_wrap("host", "add", |a: i32, b: i32| a + b)?;
    /// linker.func_wrap("host", "add3", |a: i32, b: i32, c: i32| a + b + c)?;
    /// linker.alternative("host", "add3", "host", "add")?;
    ///
    /// let run = |params: &str, args: &str| {
    ///     let import = format!("(import \"host\" \"add\" (func $add {params} (result i32)))");
    ///     let run = format!("(func (export \"run\") (result i32) {args} call $add)");
    ///     let module = Module::new(&engine, &wat::parse_str(format!("(module {import} {run})")).unwrap())?;
    ///     let mut store = Store::new(&engine, ());
    ///     let instance = linker.instantiate(&mut store, &module)?;
    ///     instance.get_typed_func::<(), i32>(&store, "run")?.call(&mut store, ())
    /// };
    /// assert_eq!(run("(param i32 i32)", "i32.const 1 i32.const 2")?, 3);
    /// assert_eq!(run("(param i32 i32 i32)", "i32.const 1 i32.const 2 i32.const 3")?, 6);
    /// let error = run("(param i32)", "i32.const 1").unwrap_err().to_string();
    /// assert!(error.contains("incompatible import type: host.add"), "{error}");
    /// assert!(linker.alternative("host", "none", "host", "add").is_err());
    /// assert!(linker.alternative("host", "add", "host", "none").is_err());
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Link`] when either name is not defined, or is not a host function's.
    pub fn alternative(
        &mut self,
        module: &str,
        name: &str,
        as_module: &str,
        as_name: &str,
    ) -> Result<&mut Self, Error> {
        let host = |module: &str, name: &str| match self.find(module, name).map(|at| (at, &self.names[at].definition)) {
            Ok((at, Definition::Host(host))) => Ok((at, host.clone())),
            _ => Err(Error::Link(format!("{module}.{name} is no host function"))),
        };
        let (_, other) = host(module, name)?;
        let (at, _) = host(as_module, as_name)?;
        let (hash, definition) = (hash(as_module, as_name), Definition::Host(other));
        // Behind what is found first.
        self.names.insert(at + 1, Named { hash, module: as_module.into(), name: as_name.into(), definition });
        Ok(self)
    }

    /// What an import of that name and type gets.
    fn resolve(&self, module: &str, name: &str, ty: Option<&FuncType>) -> Option<&Definition<T>> {
        let first = self.find(module, name).ok()?;
        let mut same = self.names[first..].iter().take_while(|it| it.name == name && it.module == module);
        let fits =
            |it: &&Named<T>| matches!((&it.definition, ty), (Definition::Host(host), Some(ty)) if host.ty() == ty);
        Some(&same.find(fits).unwrap_or(&self.names[first]).definition)
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

    /// All names, modules before names, in no order.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.names.iter().map(|named| (named.module.as_str(), named.name.as_str()))
    }

    /// What has that name, made in the store if it is a host function.
    pub fn get(&self, mut ctx: impl AsContextMut<Data = T>, module: &str, name: &str) -> Option<Extern> {
        Some(match &self.names[self.find(module, name).ok()?].definition {
            Definition::Extern(item) => *item,
            Definition::Host(host) => Func::from_host(ctx.as_context_mut(), host).into(),
        })
    }

    /// All names, and what has them, made in the store if it is a host function. Their order says nothing.
    pub fn iter(&self, mut ctx: impl AsContextMut<Data = T>) -> impl Iterator<Item = (&str, &str, Extern)> {
        self.names.iter().map(move |named| {
            let item = match &named.definition {
                Definition::Extern(item) => *item,
                Definition::Host(host) => Func::from_host(ctx.as_context_mut(), host).into(),
            };
            (named.module.as_str(), named.name.as_str(), item)
        })
    }

    /// Instantiates `module` in the store and runs its start function.
    ///
    /// # Errors
    /// [`Error::Link`] for a name that is missing or of another type; otherwise as [`Instance::new`].
    pub fn instantiate(&self, mut ctx: impl AsContextMut<Data = T>, module: &Module) -> Result<Instance, Error> {
        let (store, imports) = (ctx.as_context_mut(), &module.parsed().imports);
        store.machine.expect_functions(imports.len() + module.prepared().referable.len());
        let mut indices = Vec::with_capacity(imports.len());
        for import in imports {
            let ty = match import.kind {
                ImportKind::Func(ty) => module.parsed().types.get(ty as usize),
                _ => None,
            };
            indices.push(match self.resolve(&import.module, &import.name, ty) {
                Some(Definition::Host(host)) => ExternIndex::Func(host.add(store)),
                Some(Definition::Extern(item)) => item.import(store.id)?,
                None => return Err(Error::Link(format!("unknown import: {}.{}", import.module, import.name))),
            });
        }
        Instance::link(store, module, &indices)
    }
}

impl super::api::ApiRow {
    /// The type of the function.
    pub fn ty(&self) -> FuncType {
        FuncType::new(self.params.iter().map(|(_, ty)| val_type(*ty)), self.result.map(val_type))
    }

    /// Whether that is the type of the function.
    pub fn has_type(&self, ty: &FuncType) -> bool {
        let params = self.params.iter().map(|(_, ty)| val_type(*ty));
        ty.params().iter().copied().eq(params) && ty.results().iter().copied().eq(self.result.map(val_type))
    }
}

fn val_type(ty: Ty) -> ValType {
    match ty {
        Ty::i32 => ValType::I32,
        Ty::i64 => ValType::I64,
        Ty::f32 => ValType::F32,
        Ty::f64 => ValType::F64,
        Ty::v128 => ValType::V128,
    }
}

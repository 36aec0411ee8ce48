//! Functions: handles, typed calls, host functions from closures.

use super::entity::{Extern, Handle};
use super::instance::Instance;
use super::store::{AsContext, AsContextMut, HostFunc, Store, StoreId};
use super::value::{ExternRef, Val};
use crate::error::Error;
use crate::gas::Meter;
use crate::interp::exec::machine::Cell;
use crate::wasm::types::{FuncType, ValType};
use alloc::{sync::Arc, vec, vec::Vec};
use core::marker::PhantomData;

/// A function of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Func(pub(crate) Handle);

/// The body of a host function that may use the whole store.
pub(crate) type WideFunc<T> = dyn Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync;

impl Func {
    pub(crate) fn new_handle(store: StoreId, index: u32) -> Self {
        Self(Handle { store, index })
    }

    /// A host function of type `ty`. Results arrive as zeros of their types.
    pub fn new<T>(
        mut ctx: impl AsContextMut<Data = T>,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        Self::from_wide(ctx.as_context_mut(), &ty, Arc::new(func))
    }

    /// A host function from a closure over Rust types.
    pub fn wrap<T, P, R>(mut ctx: impl AsContextMut<Data = T>, func: impl IntoFunc<T, P, R>) -> Self {
        let (ty, func) = func.into_func();
        Self::from_wide(ctx.as_context_mut(), &ty, func)
    }

    pub(crate) fn from_wide<T>(store: &mut Store<T>, ty: &FuncType, func: Arc<WideFunc<T>>) -> Self {
        let host = store.add_host(HostFunc::Wide(func));
        let index = store.machine.add_host(ty, host);
        Self::new_handle(store.id, index)
    }

    /// Its type.
    pub fn ty(&self, ctx: impl AsContext) -> FuncType {
        let store = ctx.as_context();
        store.machine.function_type(self.0.of(store)).clone()
    }

    /// Calls it.
    ///
    /// # Errors
    /// [`Error::Usage`] when values do not fit the type, and whatever ends the run early.
    pub fn call(&self, mut ctx: impl AsContextMut, args: &[Val], results: &mut [Val]) -> Result<(), Error> {
        let store = ctx.as_context_mut();
        let index = self.0.of(store);
        let ty = store.machine.function_type(index);
        if !args.iter().map(Val::ty).eq(ty.params().iter().copied()) {
            return Err(Error::usage("the arguments do not fit the function's type"));
        }
        if results.len() != ty.results().len() {
            return Err(Error::usage("the results do not fit the function's type"));
        }
        let machine = &store.machine;
        let cells = args.iter().map(|v| v.cell(store.id, machine)).collect::<Result<Vec<_>, _>>()?;
        let mut returned = vec![Cell::i32(0); results.len()];
        store.call(index, &cells, &mut returned)?;
        for (result, cell) in results.iter_mut().zip(returned) {
            *result = Val::from_cell(cell, store.id);
        }
        Ok(())
    }

    /// The same function with its types known to Rust.
    ///
    /// # Errors
    /// [`Error::Usage`] when the types are not those.
    pub fn typed<P: WasmValues, R: WasmValues>(&self, ctx: impl AsContext) -> Result<TypedFunc<P, R>, Error> {
        let store = ctx.as_context();
        let ty = store.machine.function_type(self.0.of(store));
        let fits = ty.params().iter().copied().eq(P::types()) && ty.results().iter().copied().eq(R::types());
        if !fits {
            return Err(Error::usage(alloc::format!("the function is of type {ty}")));
        }
        Ok(TypedFunc { func: *self, types: PhantomData })
    }
}

/// A function whose types were checked once.
#[derive(Debug)]
pub struct TypedFunc<P, R> {
    func: Func,
    types: PhantomData<fn(P) -> R>,
}

impl<P, R> Clone for TypedFunc<P, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P, R> Copy for TypedFunc<P, R> {}

impl<P: WasmValues, R: WasmValues> TypedFunc<P, R> {
    /// The function.
    pub fn func(&self) -> Func {
        self.func
    }

    /// Calls it.
    ///
    /// # Errors
    /// Whatever ends the run early.
    pub fn call(&self, mut ctx: impl AsContextMut, params: P) -> Result<R, Error> {
        let store = ctx.as_context_mut();
        let index = self.func.0.of(store);
        let mut args = [Cell::i32(0); MAX_TYPED];
        let mut results = [Cell::i32(0); MAX_TYPED];
        let (mut vals, params_len) = ([Val::I32(0); MAX_TYPED], P::types().len());
        params.write(&mut vals);
        for (cell, val) in args.iter_mut().zip(&vals[..params_len]) {
            *cell = val.cell(store.id, &store.machine)?;
        }
        let results = &mut results[..R::types().len()];
        store.call(index, &args[..params_len], results)?;
        for (val, cell) in vals.iter_mut().zip(results.iter()) {
            *val = Val::from_cell(*cell, store.id);
        }
        Ok(R::read(&vals))
    }
}

/// A host function's caller: the whole store, and the instance that called.
pub struct Caller<'a, T> {
    pub(crate) store: &'a mut Store<T>,
    pub(crate) instance: Option<u32>,
}

impl<T> Caller<'_, T> {
    /// The store's data.
    pub fn data(&self) -> &T {
        self.store.data()
    }

    /// The store's data.
    pub fn data_mut(&mut self) -> &mut T {
        self.store.data_mut()
    }

    /// The meter of the run.
    pub fn meter_mut(&mut self) -> &mut Meter {
        self.store.meter_mut()
    }

    /// An export of the calling instance.
    pub fn get_export(&self, name: &str) -> Option<Extern> {
        let instance = Instance(Handle { store: self.store.id, index: self.instance? });
        instance.get_export(&*self.store, name)
    }
}

impl<T> AsContext for Caller<'_, T> {
    type Data = T;

    fn as_context(&self) -> &Store<T> {
        self.store
    }
}

impl<T> AsContextMut for Caller<'_, T> {
    fn as_context_mut(&mut self) -> &mut Store<T> {
        self.store
    }
}

/// A Rust type of one WebAssembly value.
pub trait WasmValue: Copy {
    /// Its type.
    const TYPE: ValType;
    /// To a value.
    fn into_val(self) -> Val;
    /// From a value of the type.
    fn from_val(val: Val) -> Self;
}

macro_rules! wasm_value {
    ($($ty:ty = $name:ident, $value:ident => $into:expr, $from:expr;)*) => { $(
        impl WasmValue for $ty {
            const TYPE: ValType = ValType::$name;

            fn into_val(self) -> Val {
                let $value = self;
                Val::$name($into)
            }

            fn from_val(val: Val) -> Self {
                match val {
                    Val::$name($value) => $from,
                    _ => unreachable!("types are compared before values are read"),
                }
            }
        }
    )* };
}

wasm_value! {
    i32 = I32, v => v, v;
    u32 = I32, v => v as i32, v as u32;
    i64 = I64, v => v, v;
    u64 = I64, v => v as i64, v as u64;
    f32 = F32, v => v.to_bits(), f32::from_bits(v);
    f64 = F64, v => v.to_bits(), f64::from_bits(v);
    Option<Func> = FuncRef, v => v, v;
    Option<ExternRef> = ExternRef, v => v, v;
}

/// Most values of a [`WasmValues`].
const MAX_TYPED: usize = 12;

/// Parameters or results: `()`, one value, or a tuple.
pub trait WasmValues {
    /// Their types.
    fn types() -> impl ExactSizeIterator<Item = ValType>;
    /// Writes them to the front of `vals`.
    fn write(self, vals: &mut [Val]);
    /// Reads them from the front of `vals`, whose types fit.
    fn read(vals: &[Val]) -> Self;
}

/// What a closure may return: values, or values or an error.
pub trait WasmResults {
    /// The values.
    type Values: WasmValues;
    /// The values or the error.
    fn into_values(self) -> Result<Self::Values, Error>;
}

/// A closure that can be a host function: over values, with or without a [`Caller`] in front.
pub trait IntoFunc<T, Params, Results>: Send + Sync + 'static {
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn into_func(self) -> (FuncType, Arc<WideFunc<T>>);
}

/// Marks closures that take a [`Caller`].
#[derive(Debug)]
pub struct WithCaller<P>(PhantomData<P>);

impl<V: WasmValue> WasmValues for V {
    fn types() -> impl ExactSizeIterator<Item = ValType> {
        [V::TYPE].into_iter()
    }

    fn write(self, vals: &mut [Val]) {
        vals[0] = self.into_val();
    }

    fn read(vals: &[Val]) -> Self {
        V::from_val(vals[0])
    }
}

impl<V: WasmValue> WasmResults for V {
    type Values = V;

    fn into_values(self) -> Result<V, Error> {
        Ok(self)
    }
}

impl<V: WasmValues> WasmResults for Result<V, Error> {
    type Values = V;

    fn into_values(self) -> Result<V, Error> {
        self
    }
}

macro_rules! tuples {
    ($(($($v:ident)*))*) => { $(
        // The empty tuple has nothing to read or write.
        #[allow(non_snake_case, unused_variables, unused_mut, clippy::unused_unit)]
        impl<$($v: WasmValue),*> WasmValues for ($($v,)*) {
            fn types() -> impl ExactSizeIterator<Item = ValType> {
                [$($v::TYPE),*].into_iter()
            }

            fn write(self, vals: &mut [Val]) {
                let ($($v,)*) = self;
                let mut vals = vals.iter_mut();
                $(*vals.next().expect("room for every value of a tuple") = $v.into_val();)*
            }

            fn read(vals: &[Val]) -> Self {
                let mut vals = vals.iter().copied();
                ($($v::from_val(vals.next().expect("a value for every place of a tuple")),)*)
            }
        }

        impl<$($v: WasmValue),*> WasmResults for ($($v,)*) {
            type Values = Self;

            fn into_values(self) -> Result<Self, Error> {
                Ok(self)
            }
        }

        #[allow(non_snake_case)]
        impl<T, Ret: WasmResults, Fun, $($v: WasmValue),*> IntoFunc<T, ($($v,)*), Ret> for Fun
        where
            Fun: Fn($($v),*) -> Ret + Send + Sync + 'static,
        {
            #[allow(private_interfaces)]
            fn into_func(self) -> (FuncType, Arc<WideFunc<T>>) {
                let ty = FuncType::new(<($($v,)*)>::types(), Ret::Values::types());
                (ty, Arc::new(move |_, args, results| {
                    let ($($v,)*) = WasmValues::read(args);
                    self($($v),*).into_values()?.write(results);
                    Ok(())
                }))
            }
        }

        #[allow(non_snake_case)]
        impl<T, Ret: WasmResults, Fun, $($v: WasmValue),*> IntoFunc<T, WithCaller<($($v,)*)>, Ret> for Fun
        where
            Fun: Fn(Caller<'_, T>, $($v),*) -> Ret + Send + Sync + 'static,
        {
            #[allow(private_interfaces)]
            fn into_func(self) -> (FuncType, Arc<WideFunc<T>>) {
                let ty = FuncType::new(<($($v,)*)>::types(), Ret::Values::types());
                (ty, Arc::new(move |caller, args, results| {
                    let ($($v,)*) = WasmValues::read(args);
                    self(caller, $($v),*).into_values()?.write(results);
                    Ok(())
                }))
            }
        }
    )* };
}

tuples! {
    () (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H) (A B C D E F G H I)
    (A B C D E F G H I J) (A B C D E F G H I J K) (A B C D E F G H I J K L)
}

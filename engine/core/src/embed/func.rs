//! Functions: handles, typed calls, host functions from closures.

use super::entity::{Extern, Handle};
use super::instance::Instance;
use super::store::{AsContext, AsContextMut, Store, StoreId};
use super::value::{ExternRef, Val};
use crate::error::{Error, Stop};
use crate::gas::Meter;
use crate::interp::exec::host::{HostFunc, OverNumbers};
use crate::interp::exec::machine::{Cell, Machine, with_list};
use crate::wasm::types::{FuncType, ValType};
use alloc::{boxed::Box, vec, vec::Vec};
use core::marker::PhantomData;

/// A function of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Func(pub(crate) Handle);

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
        Self::from_host(ctx.as_context_mut(), &over_values(ty, func))
    }

    /// A host function from a closure over Rust types.
    pub fn wrap<T, P, R>(mut ctx: impl AsContextMut<Data = T>, func: impl IntoFunc<T, P, R>) -> Self {
        Self::from_host(ctx.as_context_mut(), &func.into_func())
    }

    pub(crate) fn from_host<T>(store: &mut Store<T>, host: &HostFunc<Store<T>>) -> Self {
        Self::new_handle(store.id, host.add(store))
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
        let machine = &store.machine;
        let ty = machine.function_type(index);
        let cells = args.iter().map(|v| v.cell(store.id, machine)).collect::<Result<Vec<_>, _>>()?;
        if !machine.admits_all(&cells, ty.params()) {
            return Err(Error::usage("the arguments do not fit the function's type"));
        }
        if results.len() != ty.results().len() {
            return Err(Error::usage("the results do not fit the function's type"));
        }
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

/// A closure over values as a host function of type `ty`.
pub(crate) fn over_values<T>(
    ty: FuncType,
    func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static,
) -> HostFunc<Store<T>> {
    let call = move |store: &mut Store<T>, args: &[Cell], results: &mut [Cell]| {
        let id = store.id;
        with_list(args.len() + results.len(), Val::I32(0), |vals| {
            let (params, returned) = vals.split_at_mut(args.len());
            params.iter_mut().zip(args).for_each(|(val, cell)| *val = Val::from_cell(*cell, id));
            returned.iter_mut().zip(&*results).for_each(|(val, cell)| *val = Val::default(cell.ty()));
            func(Caller { store }, params, returned)?;
            for (cell, val) in results.iter_mut().zip(returned) {
                if val.ty() != cell.ty() {
                    return Err(Error::usage("a host function's result is of another type"));
                }
                *cell = val.cell(id, &store.machine)?;
            }
            Ok(())
        })
    };
    let body = move |store: &mut Store<T>, args: &[Cell], results: &mut [Cell]| {
        call(store, args, results).map_err(|error| store.stop(error))
    };
    HostFunc::over_cells(ty, Box::new(body))
}

/// A closure over Rust types as a host function: over slots where all of them are numbers.
fn over_types<T, P: WasmValues, R: WasmValues>(
    func: impl Fn(&mut Store<T>, P) -> Result<R, Error> + Send + Sync + 'static,
) -> HostFunc<Store<T>> {
    let ty = FuncType::new(P::types(), R::types());
    if P::ARE_NUMBERS && R::ARE_NUMBERS {
        return HostFunc::over_numbers(ty, Typed(func, PhantomData));
    }
    let body = move |store: &mut Store<T>, args: &[Cell], results: &mut [Cell]| {
        let returned = func(store, P::read(args, store.id));
        returned.and_then(|values| values.write(results, store)).map_err(|error| store.stop(error))
    };
    HostFunc::over_cells(ty, Box::new(body))
}

/// A closure with its types.
struct Typed<F, P, R>(F, PhantomData<fn(P) -> R>);

impl<T, F, P: WasmValues, R: WasmValues> OverNumbers<Store<T>> for Typed<F, P, R>
where
    F: Fn(&mut Store<T>, P) -> Result<R, Error> + Send + Sync,
{
    const PARAMS: usize = P::COUNT;
    const RESULTS: usize = R::COUNT;
    type Args = P;
    type Results = R;

    #[inline(always)]
    fn args(slots: &[u64]) -> P {
        P::from_slots(slots)
    }

    #[inline(always)]
    fn run(&self, store: &mut Store<T>, args: P) -> Result<R, Stop> {
        (self.0)(store, args).map_err(|error| store.stop(error))
    }

    #[inline(always)]
    fn results(results: R, slots: &mut [u64]) {
        results.into_slots(slots);
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
        if P::ARE_NUMBERS && R::ARE_NUMBERS {
            let (mut args, mut results) = ([0; MAX_TYPED], [0; MAX_TYPED]);
            params.into_slots(&mut args[..P::COUNT]);
            store.call_numbers(index, &args[..P::COUNT], &mut results[..R::COUNT])?;
            return Ok(R::from_slots(&results[..R::COUNT]));
        }
        let mut cells = [Cell::i32(0); 2 * MAX_TYPED];
        let (args, results) = cells.split_at_mut(MAX_TYPED);
        let (args, results) = (&mut args[..P::COUNT], &mut results[..R::COUNT]);
        params.write(args, store)?;
        store.call(index, args, results)?;
        Ok(R::read(results, store.id))
    }
}

/// A host function's caller: the whole store, and the instance that called.
pub struct Caller<'a, T> {
    pub(crate) store: &'a mut Store<T>,
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
        let instance = Instance(Handle { store: self.store.id, index: self.store.machine.calling()? });
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
pub trait WasmValue: Copy + 'static {
    /// Its type.
    const TYPE: ValType;
    /// The slot of a number. References have none outside of their store, and vectors have two.
    fn into_slot(self) -> u64;
    /// A number from its slot; null for references, zero for vectors.
    fn from_slot(slot: u64) -> Self;
    /// To a cell of a store's machine. [`Error::Usage`]: a reference of another store.
    #[allow(private_interfaces)]
    fn into_cell(self, store: StoreId, machine: &Machine) -> Result<Cell, Error>;
    /// From a cell of the type.
    #[allow(private_interfaces)]
    fn from_cell(cell: Cell, store: StoreId) -> Self;
}

macro_rules! wasm_number {
    ($($ty:ty = $name:ident, $constructor:ident, $value:ident => $into:expr, $from:expr;)*) => { $(
        impl WasmValue for $ty {
            const TYPE: ValType = ValType::$name;

            #[inline(always)]
            fn into_slot(self) -> u64 {
                let $value = self;
                Cell::$constructor($into).bits()
            }

            #[inline(always)]
            fn from_slot($value: u64) -> Self {
                $from
            }

            #[allow(private_interfaces)]
            fn into_cell(self, _: StoreId, _: &Machine) -> Result<Cell, Error> {
                Ok(Cell::number(Self::TYPE, self.into_slot()))
            }

            #[allow(private_interfaces)]
            fn from_cell(cell: Cell, _: StoreId) -> Self {
                Self::from_slot(cell.bits())
            }
        }
    )* };
}

wasm_number! {
    i32 = I32, i32, v => v as u32, v as i32;
    u32 = I32, i32, v => v, v as u32;
    i64 = I64, i64, v => v as u64, v as i64;
    u64 = I64, i64, v => v, v;
    f32 = F32, f32, v => v.to_bits(), f32::from_bits(v as u32);
    f64 = F64, f64, v => v.to_bits(), f64::from_bits(v);
}

impl WasmValue for u128 {
    const TYPE: ValType = ValType::V128;

    fn into_slot(self) -> u64 {
        0
    }

    fn from_slot(_: u64) -> Self {
        0
    }

    #[allow(private_interfaces)]
    fn into_cell(self, _: StoreId, _: &Machine) -> Result<Cell, Error> {
        Ok(Cell::v128(self))
    }

    #[allow(private_interfaces)]
    fn from_cell(cell: Cell, _: StoreId) -> Self {
        cell.vector()
    }
}

macro_rules! wasm_reference {
    ($($ty:ty = $name:ident $constant:ident;)*) => { $(
        impl WasmValue for Option<$ty> {
            const TYPE: ValType = ValType::$constant;

            fn into_slot(self) -> u64 {
                0
            }

            fn from_slot(_: u64) -> Self {
                None
            }

            #[allow(private_interfaces)]
            fn into_cell(self, store: StoreId, machine: &Machine) -> Result<Cell, Error> {
                Val::$name(self).cell(store, machine)
            }

            #[allow(private_interfaces)]
            fn from_cell(cell: Cell, store: StoreId) -> Self {
                match Val::from_cell(cell, store) {
                    Val::$name(reference) => reference,
                    _ => unreachable!("types are compared before values are read"),
                }
            }
        }
    )* };
}

wasm_reference! {
    Func = FuncRef FUNCREF;
    ExternRef = ExternRef EXTERNREF;
}

/// Most values of a [`WasmValues`].
const MAX_TYPED: usize = 12;

/// Parameters or results: `()`, one value, or a tuple.
pub trait WasmValues: 'static {
    /// How many.
    const COUNT: usize;
    /// Whether all of them are numbers.
    const ARE_NUMBERS: bool;
    /// The slots of numbers, to as many.
    fn into_slots(self, slots: &mut [u64]);
    /// Numbers from as many slots.
    fn from_slots(slots: &[u64]) -> Self;
    /// Their types.
    fn types() -> impl ExactSizeIterator<Item = ValType>;
    /// Writes them to `cells`, which are as many. [`Error::Usage`]: a reference of another store.
    #[allow(private_interfaces)]
    fn write<T>(self, cells: &mut [Cell], store: &Store<T>) -> Result<(), Error>;
    /// Reads them from `cells`, which are as many and whose types fit.
    #[allow(private_interfaces)]
    fn read(cells: &[Cell], store: StoreId) -> Self;
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
    fn into_func(self) -> HostFunc<Store<T>>;
}

/// Marks closures that take a [`Caller`].
#[derive(Debug)]
pub struct WithCaller<P>(PhantomData<P>);

impl<V: WasmValue> WasmValues for V {
    const COUNT: usize = 1;
    const ARE_NUMBERS: bool = V::TYPE.is_number();

    #[inline(always)]
    fn into_slots(self, slots: &mut [u64]) {
        slots[0] = self.into_slot();
    }

    #[inline(always)]
    fn from_slots(slots: &[u64]) -> Self {
        V::from_slot(slots[0])
    }

    fn types() -> impl ExactSizeIterator<Item = ValType> {
        [V::TYPE].into_iter()
    }

    #[allow(private_interfaces)]
    fn write<T>(self, cells: &mut [Cell], store: &Store<T>) -> Result<(), Error> {
        cells[0] = self.into_cell(store.id, &store.machine)?;
        Ok(())
    }

    #[allow(private_interfaces)]
    fn read(cells: &[Cell], store: StoreId) -> Self {
        V::from_cell(cells[0], store)
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
            const COUNT: usize = <[ValType]>::len(&[$($v::TYPE),*]);
            const ARE_NUMBERS: bool = true $(&& $v::TYPE.is_number())*;

            #[inline(always)]
            fn into_slots(self, slots: &mut [u64]) {
                let ($($v,)*) = self;
                let mut slots = slots.iter_mut();
                $(*slots.next().expect("room for every value of a tuple") = $v.into_slot();)*
            }

            #[inline(always)]
            fn from_slots(slots: &[u64]) -> Self {
                let mut slots = slots.iter().copied();
                ($($v::from_slot(slots.next().expect("a slot for every value of a tuple")),)*)
            }

            fn types() -> impl ExactSizeIterator<Item = ValType> {
                [$($v::TYPE),*].into_iter()
            }

            #[allow(private_interfaces)]
            fn write<T>(self, cells: &mut [Cell], store: &Store<T>) -> Result<(), Error> {
                let ($($v,)*) = self;
                let mut cells = cells.iter_mut();
                $(*cells.next().expect("room for every value of a tuple") = $v.into_cell(store.id, &store.machine)?;)*
                Ok(())
            }

            #[allow(private_interfaces)]
            fn read(cells: &[Cell], store: StoreId) -> Self {
                let mut cells = cells.iter().copied();
                ($($v::from_cell(cells.next().expect("a value for every place of a tuple"), store),)*)
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
            fn into_func(self) -> HostFunc<Store<T>> {
                over_types::<T, ($($v,)*), Ret::Values>(move |_, ($($v,)*)| self($($v),*).into_values())
            }
        }

        #[allow(non_snake_case)]
        impl<T, Ret: WasmResults, Fun, $($v: WasmValue),*> IntoFunc<T, WithCaller<($($v,)*)>, Ret> for Fun
        where
            Fun: Fn(Caller<'_, T>, $($v),*) -> Ret + Send + Sync + 'static,
        {
            #[allow(private_interfaces)]
            fn into_func(self) -> HostFunc<Store<T>> {
                over_types::<T, ($($v,)*), Ret::Values>(move |store, ($($v,)*)| {
                    self(Caller { store }, $($v),*).into_values()
                })
            }
        }
    )* };
}

tuples! {
    () (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H) (A B C D E F G H I)
    (A B C D E F G H I J) (A B C D E F G H I J K) (A B C D E F G H I J K L)
}

//! Values.

use super::exception::ExnRef;
use super::func::Func;
use super::store::{AsContext, AsContextMut, StoreId};
use crate::error::Error;
use crate::interp::exec::machine::{Cell, Machine};
use crate::wasm::canon::top;
use crate::wasm::types::ValType;
use alloc::boxed::Box;
use core::any::Any;

/// A WebAssembly value. Floats are their bits, vectors too: lane 0 in the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Val {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
    FuncRef(Option<Func>),
    ExternRef(Option<ExternRef>),
    V128(u128),
    ExnRef(Option<ExnRef>),
}

impl Val {
    /// Zero or null, for types without null too: to be written over.
    pub fn default(ty: ValType) -> Self {
        match top(ty) {
            ValType::I32 => Val::I32(0),
            ValType::I64 => Val::I64(0),
            ValType::F32 => Val::F32(0),
            ValType::F64 => Val::F64(0),
            ValType::EXTERNREF => Val::ExternRef(None),
            ValType::EXNREF => Val::ExnRef(None),
            ValType::Ref(_) => Val::FuncRef(None),
            ValType::V128 => Val::V128(0),
        }
    }

    /// The type; of a reference the widest that it has.
    pub fn ty(&self) -> ValType {
        match self {
            Val::I32(_) => ValType::I32,
            Val::I64(_) => ValType::I64,
            Val::F32(_) => ValType::F32,
            Val::F64(_) => ValType::F64,
            Val::FuncRef(_) => ValType::FUNCREF,
            Val::ExternRef(_) => ValType::EXTERNREF,
            Val::ExnRef(_) => ValType::EXNREF,
            Val::V128(_) => ValType::V128,
        }
    }

    /// The value, if it is an i32.
    pub fn i32(&self) -> Option<i32> {
        match self {
            Val::I32(v) => Some(*v),
            _ => None,
        }
    }

    /// The value, if it is an i64.
    pub fn i64(&self) -> Option<i64> {
        match self {
            Val::I64(v) => Some(*v),
            _ => None,
        }
    }

    /// The value, if it is an f32.
    pub fn f32(&self) -> Option<f32> {
        match self {
            Val::F32(v) => Some(f32::from_bits(*v)),
            _ => None,
        }
    }

    /// The value, if it is an f64.
    pub fn f64(&self) -> Option<f64> {
        match self {
            Val::F64(v) => Some(f64::from_bits(*v)),
            _ => None,
        }
    }

    /// The value, if it is a v128.
    pub fn v128(&self) -> Option<u128> {
        match self {
            Val::V128(v) => Some(*v),
            _ => None,
        }
    }

    /// As a cell of the store's machine.
    ///
    /// # Errors
    /// [`Error::Usage`] for a reference of another store.
    pub(crate) fn cell(self, store: StoreId, machine: &Machine) -> Result<Cell, Error> {
        let owned = |id: StoreId| if id == store { Ok(()) } else { Err(Error::usage("a value of another store")) };
        Ok(match self {
            Val::I32(v) => Cell::i32(v as u32),
            Val::I64(v) => Cell::i64(v as u64),
            Val::F32(v) => Cell::f32(v),
            Val::F64(v) => Cell::f64(v),
            Val::V128(v) => Cell::v128(v),
            Val::FuncRef(None) => machine.function_cell(None),
            Val::FuncRef(Some(func)) => {
                owned(func.0.store)?;
                machine.function_cell(Some(func.0.index))
            }
            Val::ExternRef(None) => Cell::external(None),
            Val::ExternRef(Some(r)) => {
                owned(r.store)?;
                Cell::external(Some(r.index))
            }
            Val::ExnRef(None) => Cell::exception(None),
            Val::ExnRef(Some(exception)) => {
                owned(exception.store)?;
                Cell::exception(Some(exception.index))
            }
        })
    }

    pub(crate) fn from_cell(cell: Cell, store: StoreId) -> Self {
        match cell.ty() {
            ValType::I32 => Val::I32(cell.bits() as i32),
            ValType::I64 => Val::I64(cell.bits() as i64),
            ValType::F32 => Val::F32(cell.bits() as u32),
            ValType::F64 => Val::F64(cell.bits()),
            ValType::V128 => Val::V128(cell.vector()),
            ValType::EXTERNREF => Val::ExternRef(cell.number_behind().map(|index| ExternRef { store, index })),
            ValType::EXNREF => Val::ExnRef(cell.number_behind().map(|index| ExnRef { store, index })),
            ValType::Ref(_) => Val::FuncRef(cell.function().map(|index| Func::new_handle(store, index))),
        }
    }
}

impl From<i32> for Val {
    fn from(v: i32) -> Self {
        Val::I32(v)
    }
}

impl From<i64> for Val {
    fn from(v: i64) -> Self {
        Val::I64(v)
    }
}

impl From<f32> for Val {
    fn from(v: f32) -> Self {
        Val::F32(v.to_bits())
    }
}

impl From<f64> for Val {
    fn from(v: f64) -> Self {
        Val::F64(v.to_bits())
    }
}

impl From<u128> for Val {
    fn from(v: u128) -> Self {
        Val::V128(v)
    }
}

/// A reference to an object of the embedder's, kept by the store until the store is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExternRef {
    store: StoreId,
    index: u32,
}

impl ExternRef {
    /// Puts `object` into the store.
    ///
    /// # Panics
    /// After 2^32 - 1 objects.
    pub fn new(mut ctx: impl AsContextMut, object: impl Any + Send + Sync) -> Self {
        let store = ctx.as_context_mut();
        let index = u32::try_from(store.externs.len()).expect("objects of a store are numbered by 32 bits");
        store.externs.push(Box::new(object));
        Self { store: store.id, index }
    }

    /// The object; `None` in another store.
    pub fn data<'a, T: 'a>(&self, ctx: &'a impl AsContext<Data = T>) -> Option<&'a (dyn Any + Send + Sync)> {
        let store = ctx.as_context();
        (store.id == self.store).then(|| &*store.externs[self.index as usize])
    }
}

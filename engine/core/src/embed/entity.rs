//! Handles to memories, tables and globals of a store.

use super::exception::Tag;
use super::func::Func;
use super::store::{AsContext, AsContextMut, Store, StoreId};
use super::value::Val;
use crate::error::Error;
use crate::interp::exec::machine::ExternIndex;
use crate::wasm::types::{ExternType, GlobalType, MemoryType, TableType, ValType};

/// An index of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle {
    pub(crate) store: StoreId,
    pub(crate) index: u32,
}

impl Handle {
    /// The index, in its own store.
    ///
    /// # Panics
    /// In another store: the embedder's bug, which no guest can cause.
    pub(crate) fn of<T>(self, store: &Store<T>) -> u32 {
        assert!(self.store == store.id, "a handle was used in another store");
        self.index
    }
}

/// A linear memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory(pub(crate) Handle);

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table(pub(crate) Handle);

/// A global.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Global(pub(crate) Handle);

/// Something importable or exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Extern {
    Func(Func),
    Global(Global),
    Table(Table),
    Memory(Memory),
    Tag(Tag),
}

impl Extern {
    pub(crate) fn from_index(index: ExternIndex, store: StoreId) -> Self {
        match index {
            ExternIndex::Func(index) => Extern::Func(Func::new_handle(store, index)),
            ExternIndex::Table(index) => Extern::Table(Table(Handle { store, index })),
            ExternIndex::Memory(index) => Extern::Memory(Memory(Handle { store, index })),
            ExternIndex::Global(index) => Extern::Global(Global(Handle { store, index })),
            ExternIndex::Tag(index) => Extern::Tag(Tag(Handle { store, index })),
        }
    }

    /// The index in `store`; `None` in another one.
    pub(crate) fn index(self, store: StoreId) -> Option<ExternIndex> {
        let (handle, index): (Handle, fn(u32) -> ExternIndex) = match self {
            Extern::Func(f) => (f.0, ExternIndex::Func),
            Extern::Table(t) => (t.0, ExternIndex::Table),
            Extern::Memory(m) => (m.0, ExternIndex::Memory),
            Extern::Global(g) => (g.0, ExternIndex::Global),
            Extern::Tag(t) => (t.0, ExternIndex::Tag),
        };
        (handle.store == store).then(|| index(handle.index))
    }

    /// The index in `store`, as an import there.
    pub(crate) fn import(self, store: StoreId) -> Result<ExternIndex, Error> {
        self.index(store).ok_or_else(|| Error::usage("an import of another store"))
    }

    /// The function, if it is one.
    pub fn into_func(self) -> Option<Func> {
        match self {
            Extern::Func(f) => Some(f),
            _ => None,
        }
    }

    /// The memory, if it is one.
    pub fn into_memory(self) -> Option<Memory> {
        match self {
            Extern::Memory(m) => Some(m),
            _ => None,
        }
    }

    /// The table, if it is one.
    pub fn into_table(self) -> Option<Table> {
        match self {
            Extern::Table(t) => Some(t),
            _ => None,
        }
    }

    /// The global, if it is one.
    pub fn into_global(self) -> Option<Global> {
        match self {
            Extern::Global(g) => Some(g),
            _ => None,
        }
    }

    /// The tag, if it is one.
    pub fn into_tag(self) -> Option<Tag> {
        match self {
            Extern::Tag(t) => Some(t),
            _ => None,
        }
    }

    /// Its type as it is now: sizes are current ones.
    pub fn ty(&self, ctx: impl AsContext) -> ExternType {
        match self {
            Extern::Func(f) => ExternType::Func(f.ty(ctx)),
            Extern::Global(g) => ExternType::Global(g.ty(ctx)),
            Extern::Table(t) => ExternType::Table(t.ty(ctx)),
            Extern::Memory(m) => ExternType::Memory(m.ty(ctx)),
            Extern::Tag(t) => ExternType::Tag(t.ty(ctx)),
        }
    }
}

macro_rules! into_extern {
    ($($ty:ident)*) => { $(
        impl From<$ty> for Extern {
            fn from(value: $ty) -> Self {
                Extern::$ty(value)
            }
        }
    )* };
}
into_extern!(Func Global Table Memory Tag);

fn no_import(_: usize) -> Error {
    Error::Link("nothing is imported here".into())
}

/// Whether a type says all by itself: one that names a type means another in another store.
fn is_whole(ty: ValType) -> bool {
    ty.concrete().is_none()
}

impl Memory {
    /// A memory of type `ty`; its pages are charged as those of an instance are.
    ///
    /// # Errors
    /// When the store's limits, gas or this machine do not allow it.
    pub fn new(mut ctx: impl AsContextMut, ty: MemoryType) -> Result<Self, Error> {
        let store = ctx.as_context_mut();
        let index = store.machine.add_memory(ty).map_err(|e| store.refused(e, no_import))?;
        Ok(Self(Handle { store: store.id, index }))
    }

    /// Its type, with the current size as minimum.
    pub fn ty(&self, ctx: impl AsContext) -> MemoryType {
        let store = ctx.as_context();
        let memory = store.machine.memory(self.0.of(store));
        MemoryType { min: memory.pages(), ..memory.ty }
    }

    /// Its size in its pages.
    pub fn size(&self, ctx: impl AsContext) -> u64 {
        let store = ctx.as_context();
        store.machine.memory(self.0.of(store)).pages()
    }

    /// The bytes.
    pub fn data<'a, T: 'a>(&self, ctx: &'a impl AsContext<Data = T>) -> &'a [u8] {
        let store = ctx.as_context();
        store.machine.memory(self.0.of(store)).data()
    }

    /// The bytes.
    pub fn data_mut<'a, T: 'a>(&self, ctx: &'a mut impl AsContextMut<Data = T>) -> &'a mut [u8] {
        self.data_and_store_mut(ctx).0
    }

    /// The bytes and the store's data.
    pub fn data_and_store_mut<'a, T: 'a>(&self, ctx: &'a mut impl AsContextMut<Data = T>) -> (&'a mut [u8], &'a mut T) {
        let store = ctx.as_context_mut();
        let index = self.0.of(store);
        let (machine, data) = store.machine_and_data();
        (machine.memory_mut(index).data_mut(), data)
    }

    /// Grows by `delta` pages, free of charge, and returns the old size.
    ///
    /// # Errors
    /// When its maximum, the store's limits or this machine do not allow it.
    pub fn grow(&self, mut ctx: impl AsContextMut, delta: u64) -> Result<u64, Error> {
        let store = ctx.as_context_mut();
        let index = self.0.of(store);
        let memory = store.machine.memory_mut(index);
        if !memory.may_grow(delta) {
            return Err(Error::usage("the memory may not grow by that much"));
        }
        Ok(memory.grow(delta)?)
    }

    /// Copies bytes from `offset` on.
    ///
    /// # Errors
    /// When they are not all there.
    pub fn read(&self, ctx: impl AsContext, offset: usize, buffer: &mut [u8]) -> Result<(), Error> {
        let store = ctx.as_context();
        let data = store.machine.memory(self.0.of(store)).data();
        let from = data.get(offset..).and_then(|d| d.get(..buffer.len()));
        buffer.copy_from_slice(from.ok_or(Error::Trap(crate::Trap::MemoryOutOfBounds))?);
        Ok(())
    }

    /// Writes bytes at `offset`.
    ///
    /// # Errors
    /// When they do not fit; nothing is written then.
    pub fn write(&self, mut ctx: impl AsContextMut, offset: usize, bytes: &[u8]) -> Result<(), Error> {
        let store = ctx.as_context_mut();
        let index = self.0.of(store);
        let to = store.machine.memory_mut(index).range_mut(offset, bytes.len());
        to.ok_or(Error::Trap(crate::Trap::MemoryOutOfBounds))?.copy_from_slice(bytes);
        Ok(())
    }
}

impl Table {
    /// A table of type `ty` full of `init`.
    ///
    /// # Errors
    /// When the value does not fit the type, or the store's limits or this machine do not allow it.
    pub fn new(mut ctx: impl AsContextMut, ty: TableType, init: Val) -> Result<Self, Error> {
        let store = ctx.as_context_mut();
        let init = init.cell(store.id, &store.machine)?;
        if !is_whole(ty.element) || !store.machine.admits(&init, ty.element) {
            return Err(Error::usage("the initial element is of another type"));
        }
        let index = store.machine.add_table(ty, init).map_err(|e| store.refused(e, no_import))?;
        Ok(Self(Handle { store: store.id, index }))
    }

    /// Its type, with the current size as minimum.
    pub fn ty(&self, ctx: impl AsContext) -> TableType {
        let store = ctx.as_context();
        let table = store.machine.table(self.0.of(store));
        TableType { min: table.elements.len() as u64, ..table.ty }
    }

    /// Elements.
    pub fn size(&self, ctx: impl AsContext) -> u32 {
        // Tables have at most as many as 32 bits count.
        self.ty(ctx).min as u32
    }

    /// The element at `index`.
    pub fn get(&self, ctx: impl AsContext, index: u32) -> Option<Val> {
        let store = ctx.as_context();
        let cell = store.machine.table_get(self.0.of(store), index)?;
        Some(Val::from_cell(cell, store.id))
    }

    /// Sets the element at `index`.
    ///
    /// # Errors
    /// When it does not exist or the value is of another type or store.
    pub fn set(&self, mut ctx: impl AsContextMut, index: u32, value: Val) -> Result<(), Error> {
        let store = ctx.as_context_mut();
        let (table, cell) = (self.0.of(store), value.cell(store.id, &store.machine)?);
        if store.machine.table_set(table, index, cell) {
            Ok(())
        } else {
            Err(Error::usage("the element does not exist or is of another type"))
        }
    }

    /// Grows by `delta` elements of `init` and returns the old size.
    ///
    /// # Errors
    /// When its maximum, the store's limits or this machine do not allow it, or the value is of another type.
    pub fn grow(&self, mut ctx: impl AsContextMut, delta: u32, init: Val) -> Result<u32, Error> {
        let store = ctx.as_context_mut();
        let (table, cell) = (self.0.of(store), init.cell(store.id, &store.machine)?);
        let old = store.machine.table_grow(table, delta, cell)?;
        old.ok_or_else(|| Error::usage("the table may not grow by that much or with that value"))
    }
}

impl Global {
    /// A global of type `ty`.
    ///
    /// # Errors
    /// When the value is of another type or store.
    pub fn new(mut ctx: impl AsContextMut, ty: GlobalType, value: Val) -> Result<Self, Error> {
        let store = ctx.as_context_mut();
        let cell = value.cell(store.id, &store.machine)?;
        if !is_whole(ty.content) || !store.machine.admits(&cell, ty.content) {
            return Err(Error::usage("the value is of another type"));
        }
        let index = store.machine.add_global(ty, cell);
        Ok(Self(Handle { store: store.id, index }))
    }

    /// Its type.
    pub fn ty(&self, ctx: impl AsContext) -> GlobalType {
        let store = ctx.as_context();
        store.machine.global_type(self.0.of(store))
    }

    /// Its value.
    pub fn get(&self, ctx: impl AsContext) -> Val {
        let store = ctx.as_context();
        Val::from_cell(store.machine.global(self.0.of(store)), store.id)
    }

    /// Sets its value.
    ///
    /// # Errors
    /// When it is constant, or the value is of another type or store.
    pub fn set(&self, mut ctx: impl AsContextMut, value: Val) -> Result<(), Error> {
        let store = ctx.as_context_mut();
        let (global, cell) = (self.0.of(store), value.cell(store.id, &store.machine)?);
        if store.machine.set_global(global, cell) {
            Ok(())
        } else {
            Err(Error::usage("the global is constant or of another type"))
        }
    }
}

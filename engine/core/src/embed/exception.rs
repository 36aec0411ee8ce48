//! Exceptions and their tags, as embedders see them.

use super::entity::Handle;
use super::store::{AsContext, AsContextMut, Store, StoreId};
use super::value::Val;
use crate::error::Error;
use crate::interp::exec::machine::Cell;
use crate::wasm::types::FuncType;
use alloc::vec::Vec;

/// A tag: what tells exceptions apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(pub(crate) Handle);

impl Tag {
    /// A tag of the embedder's own, whose exceptions carry what a function of type `ty` takes.
    ///
    /// # Errors
    /// [`Error::Usage`] when the type has results, or names types of a module.
    pub fn new(mut ctx: impl AsContextMut, ty: FuncType) -> Result<Self, Error> {
        if !ty.results().is_empty() || ty.params().iter().any(|ty| ty.concrete().is_some()) {
            return Err(Error::usage("the type of a tag has no results and names no types"));
        }
        let store = ctx.as_context_mut();
        Ok(Tag(Handle { store: store.id, index: store.machine.add_tag(ty) }))
    }

    /// Its type: exceptions carry what the function takes.
    pub fn ty(&self, ctx: impl AsContext) -> FuncType {
        let store = ctx.as_context();
        store.machine.tag_type(self.0.of(store)).clone()
    }
}

/// An exception, kept by its store until the store is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExnRef {
    pub(crate) store: StoreId,
    pub(crate) index: u32,
}

impl ExnRef {
    /// An exception of `tag` that carries `fields`. It is charged to the store's meter as one of a guest is.
    ///
    /// # Errors
    /// [`Error::Usage`] when the values are not those of the tag, and when gas or the store's limits do not allow it.
    pub fn new(mut ctx: impl AsContextMut, tag: Tag, fields: &[Val]) -> Result<Self, Error> {
        let store = ctx.as_context_mut();
        let tag = tag.0.of(store);
        let cells: Vec<Cell> =
            fields.iter().map(|value| value.cell(store.id, &store.machine)).collect::<Result<_, _>>()?;
        let made = store.machine.make_exception(tag, &cells).map_err(|stop| store.error(stop))?;
        let index = made.ok_or_else(|| Error::usage("the values are not those of the tag"))?;
        Ok(Self { store: store.id, index })
    }

    /// Its tag.
    pub fn tag(&self, ctx: impl AsContext) -> Tag {
        let store = ctx.as_context();
        let index = Handle { store: self.store, index: self.index }.of(store);
        Tag(Handle { store: store.id, index: store.machine.exception(index).0 })
    }

    /// What it carries.
    pub fn fields(&self, ctx: impl AsContext) -> Vec<Val> {
        let store = ctx.as_context();
        let index = Handle { store: self.store, index: self.index }.of(store);
        store.machine.exception(index).1.into_iter().map(|cell| Val::from_cell(cell, store.id)).collect()
    }
}

impl<T> Store<T> {
    /// The exception behind an [`Error::ThrownException`], once. It is not thrown any more: that error passes on nothing then, and
    /// [`Store::throw`] makes another.
    pub fn take_pending_exception(&mut self) -> Option<ExnRef> {
        self.machine.take_pending().map(|index| ExnRef { store: self.id, index })
    }

    /// Throws an exception: the error for a host function to return at once, before anything else runs in the store.
    pub fn throw(&mut self, exception: ExnRef) -> Error {
        let index = Handle { store: exception.store, index: exception.index }.of(self);
        self.machine.set_pending(index);
        Error::ThrownException
    }
}

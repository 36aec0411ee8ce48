//! Equality and subtyping of types of different modules, by following names: no numbers are given to types here.

use crate::module::Contents;
use crate::store::Func;
use wasmparser::{AbstractHeapType, FuncType, HeapType, RefType, UnpackedIndex, ValType};

/// A type of a module by its index.
#[derive(Clone, Copy)]
pub(crate) struct Named<'m> {
    pub(crate) module: &'m Contents,
    pub(crate) index: u32,
}

impl<'m> Named<'m> {
    fn ty(self) -> &'m FuncType {
        &self.module.types[self.index as usize]
    }

    /// Whether both say the same.
    pub(crate) fn equals(self, other: Named<'_>) -> bool {
        let (a, b) = (self.ty(), other.ty());
        let same = |a: &[ValType], b: &[ValType]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.equal_inside(*a, other, *b))
        };
        same(a.params(), b.params()) && same(a.results(), b.results())
    }

    /// Whether types of values in two types are equal; a type that names itself is equal to one that does so too.
    fn equal_inside(self, a: ValType, other: Named<'_>, b: ValType) -> bool {
        match (index_of(a), index_of(b)) {
            (Some((a, nullable)), Some((b, other_nullable))) if nullable == other_nullable => {
                let (own, others) = (a == self.index, b == other.index);
                own && others || !own && !others && Named { index: a, ..self }.equals(Named { index: b, ..other })
            }
            _ => a == b && index_of(a).is_none(),
        }
    }
}

/// The index that a type names, and whether it has null.
fn index_of(ty: ValType) -> Option<(u32, bool)> {
    let ValType::Ref(ty) = ty else { return None };
    match ty.heap_type() {
        HeapType::Concrete(UnpackedIndex::Module(index)) => Some((index, ty.is_nullable())),
        _ => None,
    }
}

/// Whether two types of values are equal; modules are missing for what the embedder made, which names no types.
pub(crate) fn equal(a: (ValType, Option<&Contents>), b: (ValType, Option<&Contents>)) -> bool {
    match (index_of(a.0).zip(a.1), index_of(b.0).zip(b.1)) {
        (Some(((index, nullable), module)), Some(((other_index, other_nullable), other))) => {
            let other = Named { module: other, index: other_index };
            nullable == other_nullable && Named { module, index }.equals(other)
        }
        (None, None) => a.0 == b.0,
        _ => false,
    }
}

/// Whether all values of the one are values of the other.
pub(crate) fn below(a: (ValType, Option<&Contents>), b: (ValType, Option<&Contents>)) -> bool {
    let (ValType::Ref(one), ValType::Ref(other)) = (a.0, b.0) else { return a.0 == b.0 };
    if one.is_nullable() && !other.is_nullable() {
        return false;
    }
    let with_null = |ty: RefType| ValType::Ref(ty.nullable());
    let abstracted = |ty: RefType| match ty.heap_type() {
        HeapType::Abstract { ty, .. } => Some(ty),
        _ => None,
    };
    use AbstractHeapType::{Exn, Extern, Func, NoExn, NoExtern, NoFunc};
    match (abstracted(one), abstracted(other)) {
        (None, Some(Func))
        | (Some(NoFunc), None | Some(Func))
        | (Some(NoExtern), Some(Extern))
        | (Some(NoExn), Some(Exn)) => true,
        _ => equal((with_null(one), a.1), (with_null(other), b.1)),
    }
}

impl Func {
    /// Whether the function is of that type.
    pub(crate) fn is_of(&self, ty: Named<'_>) -> bool {
        match self {
            Func::Wasm { module, index, .. } => Named { module, index: *index }.equals(ty),
            Func::Host { ty: own, .. } => own == ty.ty(),
        }
    }
}

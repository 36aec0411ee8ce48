//! The types of a store: equal types, whichever modules they are of, have one number and one key.
//!
//! A type is equal to another if both say the same, names of types in them compared by what they name; a type that names
//! itself is equal to one that names itself in the same place. So a type is written down as words, in which a name is the
//! number of a type that was written down before, or says that it is the type's own.

use super::load::Parsed;
use super::types::{FuncType, HeapType, RefType, ValType};
use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};

/// Set in the keys of all types that are not made of their values alone: as many parameters as no short one has.
pub(crate) const LONG_KEY: u64 = 31 << 59;

/// The key of a type that is made of its values alone: up to 18 of them, 3 bits each, below the counts of parameters and
/// results. `None`: too long, or of values that have no three bits.
pub(crate) fn short_key(ty: &FuncType) -> Option<u64> {
    let (params, results) = (ty.params(), ty.results());
    if params.len() + results.len() > 18 {
        return None;
    }
    let values = params.iter().chain(results).try_fold(0, |key, ty| Some(key << 3 | ty.code()?))?;
    Some((params.len() as u64) << 59 | (results.len() as u64) << 54 | values)
}

/// Types by number.
#[derive(Default)]
pub(crate) struct Types {
    list: Vec<FuncType>,
    numbers: BTreeMap<Box<[u32]>, u32>,
}

impl Types {
    /// The numbers of all types of a module, in order.
    pub fn of_module(&mut self, parsed: &Parsed) -> Box<[u32]> {
        let mut numbers = Vec::with_capacity(parsed.types.len());
        for ty in &parsed.types {
            let number = self.add(ty, &numbers);
            numbers.push(number);
        }
        numbers.into()
    }

    /// The number of a type that names types of these numbers by index, and itself by the index behind them.
    fn add(&mut self, ty: &FuncType, numbers: &[u32]) -> u32 {
        /// In place of a number: the type itself.
        const SELF: u32 = u32::MAX;
        let number = |index: u32| numbers.get(index as usize).copied().unwrap_or(SELF);
        let mut words = Vec::with_capacity(2 * ty.params().len() + 2 * ty.results().len() + 1);
        words.push(ty.params().len() as u32);
        for ty in ty.params().iter().chain(ty.results()) {
            words.extend(written(*ty, number));
        }
        let next = self.list.len() as u32;
        let number = *self.numbers.entry(words.into()).or_insert(next);
        if number == next {
            self.list.push(ty.map(|ty| renamed(ty, |index| numbers.get(index as usize).copied().unwrap_or(next))));
        }
        number
    }

    /// The key of a type that names no others, of a function of the host.
    pub fn key_of(&mut self, ty: &FuncType) -> u64 {
        short_key(ty).unwrap_or_else(|| LONG_KEY | u64::from(self.add(ty, &[])))
    }

    /// The key of a type, which a function has that is of it.
    pub fn key(&self, number: u32) -> u64 {
        short_key(self.get(number)).unwrap_or(LONG_KEY | u64::from(number))
    }

    /// The type, in which names are numbers.
    pub fn get(&self, number: u32) -> &FuncType {
        &self.list[number as usize]
    }

    /// Whether every value of type `a` is one of type `b`.
    pub fn is_subtype(&self, a: ValType, b: ValType) -> bool {
        match (a, b) {
            (ValType::Ref(a), ValType::Ref(b)) => (b.nullable || !a.nullable) && is_below(a.heap, b.heap),
            (a, b) => a == b,
        }
    }
}

/// The type of which a value of `ty` is shown outside: the widest above it.
pub(crate) fn top(ty: ValType) -> ValType {
    match ty {
        ValType::Ref(RefType { heap: HeapType::Func | HeapType::NoFunc | HeapType::Concrete(_), .. }) => {
            ValType::FUNCREF
        }
        ValType::Ref(RefType { heap: HeapType::Extern | HeapType::NoExtern, .. }) => ValType::EXTERNREF,
        ValType::Ref(RefType { heap: HeapType::Exn | HeapType::NoExn, .. }) => ValType::EXNREF,
        ty => ty,
    }
}

fn is_below(a: HeapType, b: HeapType) -> bool {
    use HeapType::*;
    a == b || matches!((a, b), (NoFunc, Func | Concrete(_)) | (Concrete(_), Func) | (NoExtern, Extern) | (NoExn, Exn))
}

/// `ty` with other numbers.
pub(crate) fn renamed(ty: ValType, number: impl Fn(u32) -> u32) -> ValType {
    match ty {
        ValType::Ref(RefType { nullable, heap: HeapType::Concrete(index) }) => {
            ValType::Ref(RefType { nullable, heap: HeapType::Concrete(number(index)) })
        }
        ty => ty,
    }
}

/// A type of values in two words.
fn written(ty: ValType, number: impl Fn(u32) -> u32) -> [u32; 2] {
    let (kind, named) = match ty {
        ValType::I32 => (0, 0),
        ValType::I64 => (1, 0),
        ValType::F32 => (2, 0),
        ValType::F64 => (3, 0),
        ValType::V128 => (4, 0),
        ValType::Ref(RefType { nullable, heap }) => {
            let (heap, named) = match heap {
                HeapType::Concrete(index) => (0, number(index)),
                HeapType::Func => (1, 0),
                HeapType::NoFunc => (2, 0),
                HeapType::Extern => (3, 0),
                HeapType::NoExtern => (4, 0),
                HeapType::Exn => (5, 0),
                HeapType::NoExn => (6, 0),
            };
            (8 + 2 * heap + u32::from(nullable), named)
        }
    };
    [kind, named]
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMED: fn(u32) -> ValType = |index| ValType::Ref(RefType::null(HeapType::Concrete(index)));

    fn module(types: impl IntoIterator<Item = FuncType>) -> Parsed {
        let mut parsed = Parsed::default();
        parsed.types.extend(types);
        parsed
    }

    #[test]
    fn equal_types_of_two_modules_have_one_number_and_key() {
        let mut types = Types::default();
        let plain = || FuncType::new([ValType::I32], []);
        let first = types.of_module(&module([plain(), FuncType::new([NAMED(0)], [])]));
        let second = types.of_module(&module([FuncType::new([], []), plain(), FuncType::new([NAMED(1)], [])]));
        assert_eq!([first[0], first[1]], [second[1], second[2]]);
        assert_ne!(types.key(first[0]), types.key(first[1]));
        assert_eq!(Some(types.key(first[0])), short_key(&plain()));
        assert_eq!(types.key(second[2]), LONG_KEY | u64::from(first[1]));
        assert_eq!(types.get(second[2]).params(), [NAMED(first[0])]);
    }

    #[test]
    fn a_type_may_name_itself() {
        let mut types = Types::default();
        let first = types.of_module(&module([FuncType::new([NAMED(0)], [])]));
        let second = types.of_module(&module([FuncType::new([], []), FuncType::new([NAMED(1)], [])]));
        // The second names another type, in the same place.
        let third = types.of_module(&module([FuncType::new([], []), FuncType::new([NAMED(0)], [])]));
        assert_eq!(first[0], second[1]);
        assert_ne!(first[0], third[1]);
        assert_eq!(types.get(first[0]).params(), [NAMED(first[0])]);
    }

    #[test]
    fn subtypes() {
        let types = Types::default();
        let of = |nullable, heap| ValType::Ref(RefType { nullable, heap });
        assert!(types.is_subtype(of(false, HeapType::Concrete(3)), ValType::FUNCREF));
        assert!(types.is_subtype(of(true, HeapType::NoFunc), of(true, HeapType::Concrete(3))));
        assert!(!types.is_subtype(ValType::FUNCREF, of(false, HeapType::Func)));
        assert!(!types.is_subtype(ValType::FUNCREF, of(true, HeapType::Concrete(3))));
        assert!(!types.is_subtype(of(true, HeapType::NoFunc), ValType::EXTERNREF));
        assert!(!types.is_subtype(ValType::I32, ValType::I64));
    }
}

//! What all instances of a module share, worked out once when it is loaded.

use super::once::Once;
use super::vm::{Func, HostCall, Instance};
use crate::interp::code::Code;
use crate::tier;
use crate::wasm::canon::{LONG_KEY, short_key};
use crate::wasm::load::{ConstExpr, ExportKind, Parsed};
use crate::wasm::types::FuncType;
use alloc::{boxed::Box, vec, vec::Vec};

/// A module as machines take it.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub parsed: Parsed,
    pub code: Code,
    /// Machine code, once it is there.
    pub native: Once<tier::Code>,
    /// Keys of the types; [`LONG_KEY`] for those that a store numbers itself.
    pub signatures: Box<[u64]>,
    /// Whether stores number the types: there are some without key, or something names one.
    pub is_numbered: bool,
    /// Own functions that something other than code may refer to, and with them all that code may: only these are functions
    /// of a store, all others are nothing but code.
    pub referable: Vec<u32>,
    /// The others, when functions are translated at their first call: such code calls functions of the store, which has these
    /// from the first such call on.
    pub hidden: Vec<u32>,
    /// By own function, where it is in `referable`, or behind that in `hidden`.
    positions: Box<[u32]>,
}

impl Prepared {
    pub fn new(parsed: Parsed, code: Code) -> Self {
        let signatures: Box<[u64]> = parsed.types.iter().map(|ty| short_key(ty).unwrap_or(LONG_KEY)).collect();
        let mut positions = vec![u32::MAX; code.functions.len()].into_boxed_slice();
        let (mut referable, mut hidden) = (Vec::new(), Vec::new());
        let mut note = |index: u32| {
            let own = index.checked_sub(parsed.imported_functions);
            if let Some(position) = own.and_then(|own| positions.get_mut(own as usize))
                && *position == u32::MAX
            {
                *position = referable.len() as u32;
                referable.push(index);
            }
        };
        // Validation allows `ref.func` in code for functions of exports, segments and globals alone.
        parsed.exports.iter().filter(|e| e.kind == ExportKind::Func).for_each(|e| note(e.index));
        parsed.start.iter().for_each(|(index, _)| note(*index));
        let items = parsed.elements.iter().flat_map(|segment| &segment.items);
        for expression in items.chain(&parsed.global_inits).chain(&parsed.table_inits) {
            if let ConstExpr::Func(index) = expression {
                note(*index);
            }
        }
        if code.lazy.is_some() {
            for (own, position) in positions.iter_mut().enumerate().filter(|(_, position)| **position == u32::MAX) {
                *position = (referable.len() + hidden.len()) as u32;
                hidden.push(parsed.imported_functions + own as u32);
            }
        }
        Self {
            is_numbered: parsed.names_types || !parsed.tags.is_empty() || signatures.contains(&LONG_KEY),
            signatures,
            referable,
            hidden,
            positions,
            parsed,
            code,
            native: Once::new(),
        }
    }

    /// The machine code of function `index`, counted as the module does, or null.
    pub fn native_code(&self, index: u32) -> *const u8 {
        let own = (index - self.parsed.imported_functions) as usize;
        self.native.get().map_or(core::ptr::null(), |code| code.functions[own])
    }

    /// Function `index`, counted as the module does, of an instance, as function `at` of the store.
    #[inline]
    pub fn function(&self, instance: &Instance, index: u32, entry: HostCall, at: u32) -> Func {
        let ty = self.parsed.functions[index as usize] as usize;
        let header = self.code.functions[(index - self.parsed.imported_functions) as usize] as usize;
        Func {
            header: &raw const self.code.words[header],
            native: self.native_code(index),
            instance,
            // SAFETY: there is a key for each type of the module.
            signature: unsafe { *instance.signatures.add(ty) },
            ty: &raw const self.parsed.types[ty],
            entry,
            body: core::ptr::null(),
            row: 0,
            index: at,
        }
    }

    /// Index of a type of this module.
    pub fn type_index(&self, ty: *const FuncType) -> usize {
        (ty as usize - self.parsed.types.as_ptr() as usize) / size_of::<FuncType>()
    }

    /// Where own function `index`, counted as the module does, is in [`Prepared::referable`], or in [`Prepared::hidden`].
    pub fn position(&self, index: u32) -> Result<usize, usize> {
        let position = self.positions[(index - self.parsed.imported_functions) as usize] as usize;
        if position < self.referable.len() { Ok(position) } else { Err(position - self.referable.len()) }
    }
}

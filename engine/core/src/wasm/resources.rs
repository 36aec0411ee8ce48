//! What the validator asks about the module while it walks bodies, answered from where it is at hand.

use super::load::Parsed;
use alloc::vec::Vec;
use wasmparser::types::CoreTypeId;
use wasmparser::{
    Error, FuncType, GlobalType, HeapType, MemoryType, RefType, SubType, TableType, ValType, ValidatorResources,
    WasmModuleResources,
};

/// The parser's own knowledge of a module, and beside it what every call, load and store asks for: there it lies behind several
/// pointers and a search.
pub(super) struct Resources<'m> {
    all: &'m ValidatorResources,
    memory: Option<MemoryType>,
    functions: &'m [u32],
    types: Vec<&'m SubType>,
}

impl<'m> Resources<'m> {
    /// For the bodies of the module `parsed`, which `all` is about.
    pub fn new(parsed: &'m Parsed, all: &'m ValidatorResources) -> Self {
        let types = (0..parsed.types.len() as u32).map_while(|index| all.sub_type_at(index)).collect();
        Self { all, memory: all.memory_at(0), functions: &parsed.functions, types }
    }
}

impl WasmModuleResources for Resources<'_> {
    #[inline]
    fn memory_at(&self, at: u32) -> Option<MemoryType> {
        if at == 0 { self.memory } else { self.all.memory_at(at) }
    }

    #[inline]
    fn sub_type_at(&self, index: u32) -> Option<&SubType> {
        match self.types.get(index as usize) {
            Some(ty) => Some(ty),
            None => self.all.sub_type_at(index),
        }
    }

    #[inline]
    fn type_index_of_function(&self, index: u32) -> Option<u32> {
        self.functions.get(index as usize).copied()
    }

    fn table_at(&self, at: u32) -> Option<TableType> {
        self.all.table_at(at)
    }

    fn tag_at(&self, at: u32) -> Option<&FuncType> {
        self.all.tag_at(at)
    }

    fn global_at(&self, at: u32) -> Option<GlobalType> {
        self.all.global_at(at)
    }

    fn sub_type_at_id(&self, id: CoreTypeId) -> &SubType {
        self.all.sub_type_at_id(id)
    }

    fn type_id_of_function(&self, index: u32) -> Option<CoreTypeId> {
        self.all.type_id_of_function(index)
    }

    fn element_type_at(&self, at: u32) -> Option<RefType> {
        self.all.element_type_at(at)
    }

    fn is_subtype(&self, a: ValType, b: ValType) -> bool {
        self.all.is_subtype(a, b)
    }

    fn is_shared(&self, ty: RefType) -> bool {
        self.all.is_shared(ty)
    }

    fn check_heap_type(&self, ty: &mut HeapType, offset: u64) -> Result<(), Error> {
        self.all.check_heap_type(ty, offset)
    }

    fn top_type(&self, ty: &HeapType) -> HeapType {
        self.all.top_type(ty)
    }

    fn element_count(&self) -> u32 {
        self.all.element_count()
    }

    fn data_count(&self) -> Option<u32> {
        self.all.data_count()
    }

    fn is_function_referenced(&self, index: u32) -> bool {
        self.all.is_function_referenced(index)
    }

    fn has_function_exact_type(&self, index: u32) -> bool {
        self.all.has_function_exact_type(index)
    }
}

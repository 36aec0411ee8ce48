//! Types of values, functions and importable things.

use alloc::boxed::Box;
use core::fmt;

/// What a reference may refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HeapType {
    /// Any function.
    Func,
    /// No function: the type of null alone.
    NoFunc,
    /// Any object of the embedder's.
    Extern,
    /// None of them.
    NoExtern,
    /// Any exception.
    Exn,
    /// No exception.
    NoExn,
    /// A type by its number: in the declarations of a module its index there, of something that lives in a store the store's
    /// own number, which equal types of all modules share.
    Concrete(u32),
}

impl HeapType {
    /// The parser's type of that name; `None`: this engine has none, or its index is no longer the module's.
    pub fn from_parser(ty: wasmparser::HeapType) -> Option<Self> {
        use wasmparser::{AbstractHeapType, UnpackedIndex};
        match ty {
            wasmparser::HeapType::Abstract { shared: false, ty } => Some(match ty {
                AbstractHeapType::Func => HeapType::Func,
                AbstractHeapType::NoFunc => HeapType::NoFunc,
                AbstractHeapType::Extern => HeapType::Extern,
                AbstractHeapType::NoExtern => HeapType::NoExtern,
                AbstractHeapType::Exn => HeapType::Exn,
                AbstractHeapType::NoExn => HeapType::NoExn,
                _ => return None,
            }),
            wasmparser::HeapType::Concrete(UnpackedIndex::Module(index)) => Some(HeapType::Concrete(index)),
            _ => None,
        }
    }
}

/// The type of a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RefType {
    /// Whether null is among its values.
    pub nullable: bool,
    /// What it may refer to.
    pub heap: HeapType,
}

impl RefType {
    /// A type with null.
    pub const fn null(heap: HeapType) -> Self {
        Self { nullable: true, heap }
    }
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum ValType {
    I32,
    I64,
    F32,
    F64,
    V128,
    Ref(RefType),
}

impl ValType {
    /// `funcref`: any function, or null.
    pub const FUNCREF: Self = ValType::Ref(RefType::null(HeapType::Func));
    /// `externref`: any object of the embedder's, or null.
    pub const EXTERNREF: Self = ValType::Ref(RefType::null(HeapType::Extern));

    /// `exnref`: any exception, or null.
    pub const EXNREF: Self = ValType::Ref(RefType::null(HeapType::Exn));

    /// The parser's type of that name; `None`: this engine has none.
    pub fn from_parser(ty: wasmparser::ValType) -> Option<Self> {
        Some(match ty {
            wasmparser::ValType::I32 => ValType::I32,
            wasmparser::ValType::I64 => ValType::I64,
            wasmparser::ValType::F32 => ValType::F32,
            wasmparser::ValType::F64 => ValType::F64,
            wasmparser::ValType::V128 => ValType::V128,
            wasmparser::ValType::Ref(ty) => {
                ValType::Ref(RefType { nullable: ty.is_nullable(), heap: HeapType::from_parser(ty.heap_type())? })
            }
        })
    }

    /// Whether this is a reference type.
    pub const fn is_ref(self) -> bool {
        matches!(self, ValType::Ref(_))
    }

    /// Whether this is a number type: neither a vector nor a reference.
    pub const fn is_number(self) -> bool {
        matches!(self, ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64)
    }

    /// Whether a variable of this type may begin as zero or null.
    pub const fn has_default(self) -> bool {
        !matches!(self, ValType::Ref(RefType { nullable: false, .. }))
    }

    /// The number of the type that it names, if it names one.
    pub const fn concrete(self) -> Option<u32> {
        match self {
            ValType::Ref(RefType { heap: HeapType::Concrete(index), .. }) => Some(index),
            _ => None,
        }
    }

    /// Slots that a value takes in frames, globals and calls: a v128 has two, the lower half first.
    pub const fn slots(self) -> usize {
        match self {
            ValType::V128 => 2,
            _ => 1,
        }
    }

    /// Types of WebAssembly 2.0 in three bits; the others have none. Of references and vectors the highest is set.
    pub(crate) const fn code(self) -> Option<u64> {
        Some(match self {
            ValType::I32 => 0,
            ValType::I64 => 1,
            ValType::F32 => 2,
            ValType::F64 => 3,
            ValType::Ref(RefType { nullable: true, heap: HeapType::Func }) => 4,
            ValType::Ref(RefType { nullable: true, heap: HeapType::Extern }) => 5,
            ValType::V128 => 6,
            ValType::Ref(_) => return None,
        })
    }
}

impl fmt::Display for HeapType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HeapType::Func => "func",
            HeapType::NoFunc => "nofunc",
            HeapType::Extern => "extern",
            HeapType::NoExtern => "noextern",
            HeapType::Exn => "exn",
            HeapType::NoExn => "noexn",
            HeapType::Concrete(index) => return write!(f, "{index}"),
        })
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ValType::I32 => "i32",
            ValType::I64 => "i64",
            ValType::F32 => "f32",
            ValType::F64 => "f64",
            ValType::V128 => "v128",
            &ValType::FUNCREF => "funcref",
            &ValType::EXTERNREF => "externref",
            &ValType::EXNREF => "exnref",
            ValType::Ref(RefType { nullable: true, heap }) => return write!(f, "(ref null {heap})"),
            ValType::Ref(RefType { nullable: false, heap }) => return write!(f, "(ref {heap})"),
        })
    }
}

/// The type of a function.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FuncType {
    types: Box<[ValType]>,
    params: u32,
    /// Slots of the parameters and of the results.
    slots: (u32, u32),
}

impl FuncType {
    /// A function from `params` to `results`.
    pub fn new(params: impl IntoIterator<Item = ValType>, results: impl IntoIterator<Item = ValType>) -> Self {
        let mut types: alloc::vec::Vec<_> = params.into_iter().collect();
        let params = types.len();
        types.extend(results);
        Self::from_list(types.into(), params)
    }

    /// The same from one list, `params` parameters first.
    pub(crate) fn from_list(types: Box<[ValType]>, params: usize) -> Self {
        let slots = |types: &[ValType]| types.iter().map(|ty| ty.slots() as u32).sum();
        let slots = (slots(&types[..params]), slots(&types[params..]));
        Self { types, params: params as u32, slots }
    }

    /// The same with every type replaced by what `f` makes of it.
    pub(crate) fn map(&self, f: impl Fn(ValType) -> ValType) -> Self {
        Self { types: self.types.iter().map(|ty| f(*ty)).collect(), ..*self }
    }

    /// Parameter types.
    pub fn params(&self) -> &[ValType] {
        &self.types[..self.params as usize]
    }

    /// Result types.
    pub fn results(&self) -> &[ValType] {
        &self.types[self.params as usize..]
    }

    /// How many slots parameters and results have.
    #[inline]
    pub fn slots(&self) -> (usize, usize) {
        (self.slots.0 as usize, self.slots.1 as usize)
    }

    /// How many vectors are among parameters and results.
    pub(crate) fn vectors(&self) -> (u32, u32) {
        (self.slots.0 - self.params, self.slots.1 - (self.types.len() as u32 - self.params))
    }
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, types: &[ValType]| {
            f.write_str("(")?;
            for (i, ty) in types.iter().enumerate() {
                write!(f, "{}{ty}", if i == 0 { "" } else { ", " })?;
            }
            f.write_str(")")
        };
        list(f, self.params())?;
        f.write_str(" -> ")?;
        list(f, self.results())
    }
}

/// The type of a global.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalType {
    /// Type of the value.
    pub content: ValType,
    /// Whether it can be set.
    pub mutable: bool,
}

/// The type of a table. Sizes are in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableType {
    /// Type of the elements.
    pub element: ValType,
    /// Initial size.
    pub min: u64,
    /// Size beyond which it never grows.
    pub max: Option<u64>,
    /// Whether indices and sizes are 64-bit numbers for code.
    pub table64: bool,
}

impl TableType {
    /// A table with 32-bit indices.
    pub const fn new(element: ValType, min: u64, max: Option<u64>) -> Self {
        Self { element, min, max, table64: false }
    }
}

/// The size of a memory's pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PageSize {
    /// A byte.
    Byte,
    /// 64 KiB.
    #[default]
    Standard,
}

impl PageSize {
    /// The exponent of 2 that is the size in bytes.
    pub const fn log2(self) -> u32 {
        match self {
            PageSize::Byte => 0,
            PageSize::Standard => 16,
        }
    }
}

/// The type of a memory. Sizes are in its pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryType {
    /// Initial size.
    pub min: u64,
    /// Size beyond which it never grows.
    pub max: Option<u64>,
    /// Whether addresses and sizes are 64-bit numbers for code.
    pub memory64: bool,
    /// How large a page is.
    pub page: PageSize,
}

impl MemoryType {
    /// A memory with 32-bit addresses and pages of 64 KiB.
    pub const fn new(min: u64, max: Option<u64>) -> Self {
        Self { min, max, memory64: false, page: PageSize::Standard }
    }

    /// Whether it has 32-bit addresses and pages of 64 KiB.
    pub const fn is_ordinary(&self) -> bool {
        !self.memory64 && matches!(self.page, PageSize::Standard)
    }

    /// Pages that any memory of its kind may have: sizes and addresses have no numbers for more.
    pub(crate) const fn most(&self) -> u64 {
        match (self.memory64, self.page) {
            (false, PageSize::Standard) => 1 << 16,
            (false, PageSize::Byte) => u32::MAX as u64,
            (true, PageSize::Standard) => 1 << 48,
            (true, PageSize::Byte) => u64::MAX,
        }
    }
}

/// The type of something importable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ExternType {
    Func(FuncType),
    Global(GlobalType),
    Table(TableType),
    Memory(MemoryType),
    /// A tag of exceptions: what these carry is what the function takes.
    Tag(FuncType),
}

//! Tensors as guests have them: a type, dimensions, and bytes in row-major order, little-endian.

use crate::memory::Hold;
use std::sync::Arc;

/// What a tensor's elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Type {
    /// A float of 16 bits.
    F16,
    /// A float of 32 bits.
    F32,
    /// A float of 64 bits.
    F64,
    /// An unsigned byte.
    U8,
    /// A signed byte.
    I8,
    /// 16 bits, unsigned.
    U16,
    /// 16 bits, signed.
    I16,
    /// 32 bits, unsigned.
    U32,
    /// 32 bits, signed.
    I32,
    /// 64 bits, unsigned.
    U64,
    /// 64 bits, signed.
    I64,
    /// A byte: 0 is false, anything else true.
    Bool,
}

impl Type {
    /// Bytes of an element.
    pub fn size(self) -> u64 {
        match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::F16 | Self::U16 | Self::I16 => 2,
            Self::F32 | Self::U32 | Self::I32 => 4,
            Self::F64 | Self::U64 | Self::I64 => 8,
        }
    }

    /// The type with that number in wasi-nn; in its older form before `f64` and `i64` were there.
    pub fn of_wasi_nn(number: u8, old: bool) -> Option<Self> {
        let types: &[Self] = match old {
            true => &[Self::F16, Self::F32, Self::U8, Self::I32],
            false => &[Self::F16, Self::F32, Self::F64, Self::U8, Self::I32, Self::I64],
        };
        types.get(usize::from(number)).copied()
    }

    /// The type with that number in TensorFlow's C interface. Strings, complex numbers and bf16 are not among them.
    pub fn of_tensorflow(number: u32) -> Option<Self> {
        Some(match number {
            1 => Self::F32,
            2 => Self::F64,
            3 => Self::I32,
            4 => Self::U8,
            5 => Self::I16,
            6 => Self::I8,
            9 => Self::I64,
            10 => Self::Bool,
            17 => Self::U16,
            19 => Self::F16,
            22 => Self::U32,
            23 => Self::U64,
            _ => return None,
        })
    }
}

/// Type and dimensions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    /// Of its elements.
    pub ty: Type,
    /// One number for each axis; none for a scalar.
    pub dims: Vec<usize>,
}

impl Form {
    /// Bytes of such a tensor, if that is a number.
    pub fn bytes(&self) -> Option<u64> {
        self.dims.iter().try_fold(self.ty.size(), |bytes, dim| bytes.checked_mul(u64::try_from(*dim).ok()?))
    }
}

/// A tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Type and dimensions.
    pub form: Form,
    /// As many as the form says.
    pub bytes: Vec<u8>,
}

/// A tensor, and the memory that it counts for.
#[derive(Debug)]
pub(crate) struct Held {
    pub tensor: Arc<Tensor>,
    pub _hold: Hold,
}

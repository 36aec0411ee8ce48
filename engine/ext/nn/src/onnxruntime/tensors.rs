//! Tensors as ONNX Runtime has them.

use super::failed;
use crate::backend::Failure;
use crate::tensor::{Form, Tensor, Type};
use half::f16;
use ort::value::{DynValue, Tensor as OrtTensor, TensorElementType};

/// Functions of the rows: a type here, ONNX Runtime's, an element in Rust, an element of its bytes, and its bytes.
macro_rules! types {
    ($($ty:ident $theirs:ident $element:ty, $read:expr, $write:expr;)*) => {
        /// The type that is that of ONNX Runtime; strings, complex numbers and floats of a byte are none.
        pub(super) fn element_type(ty: TensorElementType) -> Option<Type> {
            match ty {
                $(TensorElementType::$theirs => Some(Type::$ty),)*
                _ => None,
            }
        }

        /// A tensor of ONNX Runtime with those bytes.
        pub(super) fn to_value(tensor: &Tensor) -> ort::Result<DynValue> {
            let dims = tensor.form.dims.clone();
            match tensor.form.ty {
                $(Type::$ty => {
                    let elements: Vec<$element> = tensor.bytes.as_chunks().0.iter().copied().map($read).collect();
                    OrtTensor::from_array((dims, elements)).map(OrtTensor::into_dyn)
                })*
            }
        }

        fn to_bytes(value: &DynValue, ty: Type) -> ort::Result<Vec<u8>> {
            match ty {
                $(Type::$ty => Ok(value.try_extract_tensor::<$element>()?.1.iter().copied().flat_map($write).collect()),)*
            }
        }
    };
}

types! {
    F16 Float16 f16, f16::from_le_bytes, f16::to_le_bytes;
    F32 Float32 f32, f32::from_le_bytes, f32::to_le_bytes;
    F64 Float64 f64, f64::from_le_bytes, f64::to_le_bytes;
    U8 Uint8 u8, u8::from_le_bytes, u8::to_le_bytes;
    I8 Int8 i8, i8::from_le_bytes, i8::to_le_bytes;
    U16 Uint16 u16, u16::from_le_bytes, u16::to_le_bytes;
    I16 Int16 i16, i16::from_le_bytes, i16::to_le_bytes;
    U32 Uint32 u32, u32::from_le_bytes, u32::to_le_bytes;
    I32 Int32 i32, i32::from_le_bytes, i32::to_le_bytes;
    U64 Uint64 u64, u64::from_le_bytes, u64::to_le_bytes;
    I64 Int64 i64, i64::from_le_bytes, i64::to_le_bytes;
    Bool Bool bool, |[byte]: [u8; 1]| byte != 0, |it| [u8::from(it)];
}

/// The tensor that is that of ONNX Runtime, whose bytes are taken off `left`.
pub(super) fn from_value(value: &DynValue, left: &mut u64) -> Result<Tensor, Failure> {
    let dtype = value.dtype();
    let (Some(theirs), Some(shape)) = (dtype.tensor_type(), dtype.tensor_shape()) else {
        return Err(Failure::Unsupported(format!("an output that is {dtype}")));
    };
    let ty = element_type(theirs).ok_or_else(|| Failure::Unsupported(format!("an output of {theirs}")))?;
    let dims = shape.iter().map(|dim| usize::try_from(*dim)).collect::<Result<_, _>>();
    let form = Form { ty, dims: dims.map_err(|_| Failure::Runtime("an output without a size".into()))? };
    let bytes = form.bytes().unwrap_or(u64::MAX);
    *left = left.checked_sub(bytes).ok_or_else(|| Failure::TooLarge(format!("an output of {bytes} bytes")))?;
    Ok(Tensor { bytes: to_bytes(value, ty).map_err(failed)?, form })
}

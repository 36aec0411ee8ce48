//! The meaning of pure and partial operators: one small function a row of the operator table, testable alone.
//!
//! Names are the text format's with `_` for `.`. Integers are unsigned where the operator does not care.

mod convert;
mod float;
mod int;
pub mod slot;
mod vector;
mod wide;

pub use convert::*;
pub use float::*;
pub use int::*;
pub use vector::*;
pub use wide::*;

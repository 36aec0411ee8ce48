//! WASI preview 1.

pub mod errno;
pub mod fs;

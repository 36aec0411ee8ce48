//! The interpreter: its code, the sink that makes it, and two dispatch back ends over one definition of every op.

pub(crate) mod code;
pub(crate) mod exec;
pub(crate) mod lazy;
pub(crate) mod translate;

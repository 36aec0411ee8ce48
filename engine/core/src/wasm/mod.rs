//! What a module is and what an operator means and costs: bytes -> [`load::Parsed`].

pub(crate) mod bodies;
pub(crate) mod canon;
mod context;
pub mod isa;
pub mod load;
pub mod num;
pub mod plan;
mod resources;
mod short;
pub mod types;
mod vectors;
pub(crate) mod walk;

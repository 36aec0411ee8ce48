//! What every bench is made of: contenders that take turns, and a table of their ratios.

mod measure;
mod report;

pub use measure::{Contender, Effort, Times, geomean, interleave, median};
pub use report::{Asked, MICROSECONDS, Report, Unit};

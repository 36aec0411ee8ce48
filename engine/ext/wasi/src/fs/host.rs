//! x
use super::*;
pub fn open(_: &std::path::Path) -> Result<Arc<dyn Directory>> {
    todo!()
}
pub fn stdin() -> Box<dyn File> {
    todo!()
}
pub fn stdout() -> Box<dyn File> {
    todo!()
}
pub fn stderr() -> Box<dyn File> {
    todo!()
}

//! Machine code that has a place, with what is known about it there.

use crate::compile::Object;
use crate::memory::Executable;
use crate::places::Places;
use crate::stack::Stacks;
use std::sync::Arc;

/// What runs of a module's machine code refer to.
pub(crate) struct Placed {
    pub stacks: Arc<Stacks>,
    pub places: Places,
    /// Some of its instructions trap by a fault.
    pub faults: bool,
    /// What all of that is about.
    _executable: Executable,
}

impl Placed {
    /// The code of a module with `imported` imported functions, in its place.
    pub(crate) fn new(object: Object, imported: u32, executable: Executable, stacks: Arc<Stacks>) -> Self {
        let faults = !object.traps.is_empty();
        let places = Places::new(object, imported, executable.at(0) as usize);
        Self { stacks, places, faults, _executable: executable }
    }
}

//! Machine code that has a place, with what is known about it there.

use crate::compile::Object;
use crate::memory::Executable;
use crate::places::Places;
use crate::stack::Stacks;
use std::io;
use std::sync::Arc;

/// What runs of a module's machine code refer to.
pub(crate) struct Placed {
    pub stacks: Arc<Stacks>,
    pub executable: Executable,
    pub places: Places,
    /// Some of its instructions trap by a fault.
    pub faults: bool,
}

impl Placed {
    /// Maps the code of a module with `imported` imported functions.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn new(object: &Object, imported: u32, stacks: Arc<Stacks>) -> io::Result<Self> {
        let executable = Executable::new(&object.code)?;
        let places = Places::new(object, imported, executable.at(0) as usize);
        Ok(Self { stacks, executable, places, faults: !object.traps.is_empty() })
    }
}

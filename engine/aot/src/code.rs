//! Machine code that has a place, with what is known about it there.

use crate::compile::Object;
use crate::memory::Executable;
use crate::stack::Stacks;
use std::io;
use std::sync::Arc;

/// What runs of a module's machine code refer to.
pub(crate) struct Placed {
    pub stacks: Arc<Stacks>,
    pub executable: Executable,
    /// Where own functions begin, in their order, which is that of their code too.
    functions: Box<[u32]>,
    /// How many functions come before the first of them.
    imported: u32,
    /// Instructions that trap, in order, with the number of the trap.
    traps: Box<[(u32, u8)]>,
    /// Some of them do by a fault.
    pub faults: bool,
}

impl Placed {
    /// Maps the code of a module with `imported` imported functions.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn new(object: &Object, imported: u32, stacks: Arc<Stacks>) -> io::Result<Self> {
        Ok(Self {
            stacks,
            executable: Executable::new(&object.code)?,
            functions: object.functions.as_slice().into(),
            imported,
            traps: object.traps.as_slice().into(),
            faults: !object.traps.is_empty(),
        })
    }

    /// The trap of the instruction at `address`, and the function that it is in, by its number in the module.
    pub(crate) fn trap_at(&self, address: usize) -> Option<(u32, u32)> {
        let offset = u32::try_from(address.checked_sub(self.executable.at(0) as usize)?).ok()?;
        let at = self.traps.binary_search_by_key(&offset, |trap| trap.0).ok()?;
        let function = self.functions.partition_point(|start| *start <= offset).checked_sub(1)?;
        Some((u32::from(self.traps[at].1), self.imported + function as u32))
    }
}

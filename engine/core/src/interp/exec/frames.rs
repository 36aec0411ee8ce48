//! The frames of a run that was stopped by a trap, found again in its stack.
//!
//! A frame has the return address of its call in the slot behind its locals, and the op before a return address says how
//! far below the caller's frame begins (engine/core/src/interp/code.rs). Every address is looked for in the code of its
//! instance and every slot in the stack: what does not fit ends the walk.

use super::machine::Machine;
use super::slow::{ACROSS, EXIT};
use super::vm::{Across, At, Instance, Vm};
use crate::error::Trap;
use crate::interp::code::{HEADER_WORDS, Word};
use crate::wasm::load::Parsed;
use crate::wasm::types::GlobalType;
use alloc::vec::Vec;

/// Where a run was stopped.
pub(crate) struct Trapped {
    pub instance: *const Instance,
    /// The op; the header of a function that could not be entered.
    pub at: At,
    /// First slot of its frame, counted from the stack's start.
    frame: usize,
    /// Where a function that could not be entered would have returned to.
    return_to: *const Word,
    /// Calls across instances of this run, the last one last.
    across: Vec<Across>,
}

impl Trapped {
    /// Where the run of `vm` is now, in which calls across instances count from `first` on.
    pub fn now(vm: &Vm, first: usize) -> Self {
        Self {
            instance: vm.instance,
            at: At::Op(vm.saved.pc),
            frame: (vm.saved.fp as usize).wrapping_sub(vm.stack.base as usize) / size_of::<u64>(),
            return_to: vm.return_to,
            across: vm.across.get(first..).unwrap_or_default().to_vec(),
        }
    }

    /// In the machine code of a function of the running instance's module.
    pub fn native(vm: &Vm, function: u32) -> Self {
        let (frame, return_to) = (usize::MAX, core::ptr::null());
        Self { instance: vm.instance, at: At::Native(function), frame, return_to, across: Vec::new() }
    }
}

/// A function that was called and has not returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Number of its instance in the store.
    pub instance: u32,
    /// Its index in the module, imported ones counted.
    pub function: u32,
    /// Where it is: words of its code, as [`ListedOp::at`](crate::ListedOp::at) counts them. 0: it could not be entered, or is
    /// machine code.
    pub at: u32,
    /// Its first slot.
    first: u32,
    /// Slots of parameters, and of locals behind them.
    params: u16,
    locals: u16,
}

/// A run that a trap has stopped, as it lies in its store.
pub struct Stopped<'a> {
    machine: &'a Machine,
    trap: Trap,
    frames: Vec<Frame>,
}

impl<'a> Stopped<'a> {
    pub(crate) fn of(machine: &'a Machine, trap: Trap) -> Self {
        let mut frames = Vec::new();
        if let Some(trapped) = &machine.vm().trapped {
            machine.walk(trapped, &mut frames);
        }
        Self { machine, trap, frames }
    }

    /// Why it was stopped.
    pub fn trap(&self) -> Trap {
        self.trap
    }

    /// Functions that were called and have not returned, innermost first: those of this run. What a host function called
    /// is a run of its own; one that moves the stack before the host function traps leaves none to be found here.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// The module of an instance.
    pub fn module(&self, instance: u32) -> &'a Parsed {
        self.machine.parsed(instance)
    }

    /// Parameters and locals of a frame, in slots: 32-bit numbers are zero-extended, references mean nothing outside.
    /// `None`: they are not there any more, or not yet.
    pub fn locals(&self, frame: &Frame) -> Option<Vec<u64>> {
        self.machine.locals_of(frame)
    }

    /// The memory of an instance, if it has one.
    pub fn memory(&self, instance: u32) -> Option<&'a [u8]> {
        Some(self.machine.memory(self.machine.memory_of(instance)?).data())
    }

    /// Types and bits of an instance's globals; references have none.
    pub fn globals(&self, instance: u32) -> Vec<(GlobalType, Option<u128>)> {
        self.machine.globals_of(instance)
    }
}

impl Machine {
    /// Adds frames to `found` until one does not fit, which `None` says.
    fn walk(&self, trapped: &Trapped, found: &mut Vec<Frame>) -> Option<()> {
        let slots = self.vm().stack.slots();
        let mut across = trapped.across.iter().rev();
        let (mut instance, mut first) = (trapped.instance, trapped.frame);
        let mut pc = match trapped.at {
            At::Op(pc) => pc,
            At::Native(function) => {
                // SAFETY: an instance of this machine, which lives as long.
                let instance = unsafe { instance.as_ref() }?.index;
                found.push(Frame { instance, function, at: 0, first: u32::MAX, params: 0, locals: 0 });
                return Some(());
            }
        };
        loop {
            // SAFETY: null or an instance of this machine, which lives as long.
            let running = unsafe { instance.as_ref() }?;
            let (function, code, at) = running.prepared.code.locate(pc)?;
            let frame = *code.get(1)?;
            let (params, locals) = (frame.a(), frame.b());
            let control = first.checked_add(usize::from(params) + usize::from(locals))?;
            let entered = at >= HEADER_WORDS;
            if !found.is_empty() && !entered {
                return None;
            }
            let return_to = if entered { *slots.get(control)? as usize as *const Word } else { trapped.return_to };
            let outermost = core::ptr::eq(return_to, &raw const EXIT[1]);
            found.push(Frame {
                instance: running.index,
                function: function as u32 + running.prepared.parsed.imported_functions,
                at: at as u32,
                // Arguments from outside come when the frame is there.
                first: if entered || !outermost { first as u32 } else { u32::MAX },
                params,
                locals,
            });
            let mut back = return_to;
            if outermost {
                return Some(());
            }
            if core::ptr::eq(return_to, &raw const ACROSS[1]) {
                let call = across.next()?;
                (instance, back) = (call.instance, call.return_to);
            }
            // SAFETY: as above.
            let caller = unsafe { instance.as_ref() }?;
            pc = back.wrapping_sub(1);
            let (_, code, at) = caller.prepared.code.locate(pc)?;
            first = first.checked_sub(usize::from(code.get(at)?.a()))?;
        }
    }

    /// Parameters and locals of a frame as slots; `None`: its slots are gone.
    fn locals_of(&self, frame: &Frame) -> Option<Vec<u64>> {
        let (first, params) = (frame.first as usize, usize::from(frame.params));
        let all = params + usize::from(frame.locals);
        let slots = self.vm().stack.slots();
        // Locals of a function that could not be entered are still zero.
        let live = if frame.at as usize >= HEADER_WORDS { all } else { params };
        let mut locals = slots.get(first..first.checked_add(live)?)?.to_vec();
        locals.resize(all, 0);
        Some(locals)
    }

    /// Number of the memory of an instance, if it has one.
    fn memory_of(&self, instance: u32) -> Option<u32> {
        let instance = self.vm().instances.get(instance as usize);
        // SAFETY: the memory of an instance lives as long as the machine.
        (!instance.prepared.parsed.memories.is_empty()).then(|| unsafe { (*instance.memory).index })
    }

    /// Types and bits of an instance's globals.
    fn globals_of(&self, instance: u32) -> Vec<(GlobalType, Option<u128>)> {
        let instance = self.vm().instances.get(instance as usize);
        let types = &instance.prepared.parsed.globals;
        let cells = types.iter().zip(&instance.globals);
        let bits = |ty: &GlobalType, cell: *const u64| {
            // SAFETY: cells of an instance's globals live as long as the machine, and have as many slots as their type.
            let slot = |at| if at < ty.content.slots() { u128::from(unsafe { *cell.add(at) }) } else { 0 };
            (!ty.content.is_ref()).then(|| slot(0) | slot(1) << 64)
        };
        cells.map(|(ty, cell)| (*ty, bits(ty, *cell))).collect()
    }
}

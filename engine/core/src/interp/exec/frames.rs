//! The frames of a run that was stopped by a trap, found again in its stack.
//!
//! A frame has the return address of its call in the slot behind its locals, and the op before a return address says how
//! far below the caller's frame begins (engine/core/src/interp/code.rs). Every address is looked for in the code of its
//! instance and every slot in the stack: what does not fit ends the walk. Machine code says itself where its frames were.

use super::machine::Machine;
use super::slow::{ACROSS, EXIT};
use super::vm::{Across, Instance, Vm};
use crate::error::{Stop, Trap};
use crate::interp::code::{Family, HEADER_WORDS, Word};
use crate::tier::Place;
use crate::wasm::load::Parsed;
use crate::wasm::types::GlobalType;
use alloc::vec;
use alloc::vec::Vec;

/// Where a run was stopped.
pub(crate) struct Trapped {
    /// What it did in one tier after the other, innermost first.
    pub parts: Vec<Part>,
    /// The next part is what was around these.
    open: bool,
}

/// A stretch of a run in one tier.
pub(crate) struct Part {
    /// The instance that ran at its inner end.
    pub instance: *const Instance,
    pub at: At,
}

/// Where a part was stopped.
pub(crate) enum At {
    Interpreted {
        /// The op; the header of a function that could not be entered.
        pc: *const Word,
        /// First slot of its frame, counted from the stack's start.
        frame: usize,
        /// Where a function that could not be entered would have returned to.
        return_to: *const Word,
        /// Calls across instances of this part, the last one last.
        across: Vec<Across>,
    },
    /// Functions of the instance's module in machine code, innermost first.
    Native(Vec<Place>),
}

impl Trapped {
    /// Notes where a part of the run of `vm` was when a trap stopped it.
    #[cold]
    pub fn note(vm: &mut Vm, part: Part) {
        match &mut vm.trapped {
            Some(trapped) if trapped.open => {
                trapped.open = false;
                trapped.parts.push(part);
            }
            trapped => *trapped = Some(Self { parts: vec![part], open: false }),
        }
    }

    /// How a part ended that was called in the middle of another: a trap of the one stops the other too.
    ///
    /// # Safety
    /// `vm` is the running machine.
    pub unsafe fn inside(vm: *mut Vm, ended: Result<(), Stop>) -> Result<(), Stop> {
        if let Err(Stop::Trap(_)) = ended {
            // SAFETY: the caller's promise.
            if let Some(trapped) = unsafe { &mut (*vm).trapped } {
                trapped.open = true;
            }
        }
        ended
    }
}

impl Part {
    /// Where the run of `vm` is now, in which calls across instances count from `first` on.
    pub fn interpreted(vm: &Vm, first: usize) -> Self {
        let at = At::Interpreted {
            pc: vm.saved.pc,
            frame: (vm.saved.fp as usize).wrapping_sub(vm.stack.base as usize) / size_of::<u64>(),
            return_to: vm.return_to,
            across: vm.across.get(first..).unwrap_or_default().to_vec(),
        };
        Self { instance: vm.instance, at }
    }
}

/// A function that was called and has not returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Number of its instance in the store.
    pub instance: u32,
    /// Its index in the module, imported ones counted.
    pub function: u32,
    /// Where it is.
    pub at: Position,
    /// Its first slot.
    first: u32,
    /// Slots of parameters, and of locals behind them.
    params: u16,
    locals: u16,
}

/// Where in its function a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// In the interpreter's code: so many words from its start, as [`ListedOp::at`](crate::ListedOp::at) counts them. 0: the
    /// function could not be entered.
    Word(u32),
    /// In machine code: at the operator that starts at this byte of the module, if that is known. A run that is out of gas is
    /// stopped at the next look at the gas; where the processor refuses an instruction that stands for several operators, it may
    /// be a neighbour of the one that trapped.
    Byte(Option<u32>),
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
            // Frames that are not found leave no way to those around them.
            let _ = trapped.parts.iter().try_for_each(|part| machine.walk(part, &mut frames));
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
    /// `None`: they are not there any more, or not yet, or the frame is machine code's.
    pub fn locals(&self, frame: &Frame) -> Option<Vec<u64>> {
        self.machine.locals_of(frame)
    }

    /// The memories of an instance.
    pub fn memories(&self, instance: u32) -> impl Iterator<Item = &'a [u8]> {
        self.machine.memories_of(instance).map(|memory| self.machine.memory(memory).data())
    }

    /// Types and bits of an instance's globals; references have none.
    pub fn globals(&self, instance: u32) -> Vec<(GlobalType, Option<u128>)> {
        self.machine.globals_of(instance)
    }
}

impl Machine {
    /// Adds the frames of a part to `found` until one does not fit, which `None` says.
    fn walk(&self, part: &Part, found: &mut Vec<Frame>) -> Option<()> {
        let slots = self.vm().stack.slots();
        let mut instance = part.instance;
        let (mut pc, mut first, entry_returns_to, across) = match &part.at {
            At::Interpreted { pc, frame, return_to, across } => (*pc, *frame, *return_to, across),
            At::Native(places) => {
                // SAFETY: an instance of this machine, which lives as long.
                let instance = unsafe { instance.as_ref() }?.index;
                let frame = |place: &Place| {
                    let at = Position::Byte(place.byte);
                    Frame { instance, function: place.function, at, first: u32::MAX, params: 0, locals: 0 }
                };
                found.extend(places.iter().map(frame));
                return Some(());
            }
        };
        let mut across = across.iter().rev();
        let (inside, mut innermost) = (found.len(), true);
        loop {
            // SAFETY: null or an instance of this machine, which lives as long.
            let running = unsafe { instance.as_ref() }?;
            let (function, code, at) = running.prepared.code.locate(pc)?;
            let frame = *code.get(1)?;
            let (params, locals) = (frame.a(), frame.b());
            let control = first.checked_add(usize::from(params) + usize::from(locals))?;
            let entered = at >= HEADER_WORDS;
            if !innermost && !entered {
                return None;
            }
            let return_to = if entered { *slots.get(control)? as usize as *const Word } else { entry_returns_to };
            let outermost = core::ptr::eq(return_to, &raw const EXIT[1]);
            let frame = Frame {
                instance: running.index,
                function: function as u32 + running.prepared.parsed.imported_functions,
                at: Position::Word(at as u32),
                // Arguments from outside come when the frame is there.
                first: if entered || !outermost { first as u32 } else { u32::MAX },
                params,
                locals,
            };
            // What called another tier in its own place is gone.
            let gone = innermost && inside > 0 && code.get(at)?.family() == Some(Family::TailCall);
            found.extend((!gone).then_some(frame));
            innermost = false;
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
        let live = if frame.at == Position::Word(0) { params } else { all };
        let mut locals = slots.get(first..first.checked_add(live)?)?.to_vec();
        locals.resize(all, 0);
        Some(locals)
    }

    /// Numbers of the memories of an instance.
    fn memories_of(&self, instance: u32) -> impl Iterator<Item = u32> {
        let instance = self.vm().instances.get(instance as usize);
        // SAFETY: memories of an instance live as long as the machine.
        (0..instance.prepared.parsed.memories.len()).map(|at| unsafe { (*instance.memory_at(at)).index })
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

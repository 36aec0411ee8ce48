//! What the interpreter runs on: the machine of a store, its instances, functions, tables and stack.
//!
//! Everything here lives in the store's [`Arena`]s at stable addresses until the store is dropped, so code, frames and
//! instances refer to each other by raw pointer. All of it belongs to one store and is touched by one thread at a time.

use super::memory::{Bounds, Memory};
use crate::error::{Fault, Stop, Trap};
use crate::gas::{Meter, Schedule};
use crate::interp::code::{Code, Word};
use crate::limits::RunLimits;
use crate::wasm::load::Parsed;
use crate::wasm::types::{FuncType, GlobalType, TableType};
use alloc::{boxed::Box, collections::BTreeMap, sync::Arc, vec, vec::Vec};

/// Values at stable addresses, owned until the arena is dropped.
pub(crate) struct Arena<T>(Vec<*mut T>);

impl<T> Arena<T> {
    pub fn new() -> Self {
        Self(Vec::new())
    }

    pub fn push(&mut self, value: T) -> *mut T {
        let item = Box::into_raw(Box::new(value));
        self.0.push(item);
        item
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn pointer(&self, index: usize) -> *mut T {
        self.0[index]
    }

    pub fn get(&self, index: usize) -> &T {
        // SAFETY: items come from `push` and are freed by `drop` alone; shared access is guarded by `&self`, since whoever
        // writes through `pointer` holds the machine mutably.
        unsafe { &*self.0[index] }
    }

    pub fn get_mut(&mut self, index: usize) -> &mut T {
        // SAFETY: as in `get`; `&mut self` makes the access exclusive.
        unsafe { &mut *self.0[index] }
    }
}

impl<T> Drop for Arena<T> {
    fn drop(&mut self) {
        for item in &self.0 {
            // SAFETY: made by `Box::into_raw` in `push` and freed only here.
            drop(unsafe { Box::from_raw(*item) });
        }
    }
}

/// A function of a store.
pub(crate) struct Func {
    /// Header of its code; null for a host function.
    pub header: *const Word,
    /// The instance that it belongs to; null for a host function.
    pub instance: *const Instance,
    /// Number of its type in the store: equal types have equal numbers.
    pub signature: u32,
    /// Number of the host function, for those.
    pub host: u32,
    /// Parameters and results.
    pub params: u32,
    pub results: u32,
    /// Index of this function in the store.
    pub index: u32,
}

/// A table. Elements are slots: funcrefs are pointers to [`Func`], externrefs indices plus 1, null is 0.
pub(crate) struct Table {
    /// Index of this table in the store.
    pub index: u32,
    pub ty: TableType,
    pub elements: Vec<u64>,
    /// Size beyond which it never grows.
    pub max: u32,
}

impl Table {
    pub fn new(ty: TableType, init: u64, limits: &RunLimits) -> Result<Self, Fault> {
        let mut table =
            Self { index: 0, ty, elements: Vec::new(), max: ty.max.unwrap_or(u32::MAX).min(limits.table_elements) };
        table.extend(ty.min, init)?;
        Ok(table)
    }

    fn extend(&mut self, delta: u32, init: u64) -> Result<(), Fault> {
        self.elements.try_reserve_exact(delta as usize).map_err(|_| Fault::OutOfMemory)?;
        self.elements.resize(self.elements.len() + delta as usize, init);
        Ok(())
    }

    /// Whether the table may grow by `delta`.
    pub fn may_grow(&self, delta: u32) -> bool {
        self.elements.len() as u64 + u64::from(delta) <= u64::from(self.max)
    }

    /// Grows by `delta`, if that is allowed, and returns the old size.
    pub fn grow(&mut self, delta: u32, init: u64) -> Result<Option<u32>, Fault> {
        let old = self.elements.len() as u32;
        if !self.may_grow(delta) {
            return Ok(None);
        }
        self.extend(delta, init)?;
        Ok(Some(old))
    }
}

/// A global: its value as a slot, and its type.
#[repr(C)]
pub(crate) struct Global {
    pub value: u64,
    /// Index of this global in the store.
    pub index: u32,
    pub ty: GlobalType,
}

/// An instance of a module.
pub(crate) struct Instance {
    /// Index of this instance in the store.
    pub index: u32,
    pub parsed: Arc<Parsed>,
    pub code: Arc<Code>,
    pub functions: Box<[*const Func]>,
    pub tables: Box<[*mut Table]>,
    pub memories: Box<[*mut Memory]>,
    /// Pointers to [`Global`]s, as pointers to their values, which come first.
    pub globals: Box<[*mut u64]>,
    /// The store's number of each of the module's types.
    pub signatures: Box<[u32]>,
    /// Segments that were dropped, or used up by instantiation.
    pub dropped_elements: Vec<bool>,
    pub dropped_data: Vec<bool>,
    /// The memory that the fast path uses: memory 0, or an empty one.
    pub memory: *mut Memory,
}

/// The registers that an out-of-line function may see and change.
#[derive(Clone, Copy)]
pub(crate) struct Saved {
    pub pc: *const Word,
    pub fp: *mut u64,
    pub acc: u64,
}

/// A return into another instance.
pub(crate) struct Across {
    pub instance: *const Instance,
    pub return_to: *const Word,
    pub base: u16,
}

/// Calls a host function with its arguments at `args`, where its results go too. False: the run stops, for the reason left
/// in [`Vm::stop`].
pub(crate) type HostCall = unsafe fn(vm: *mut Vm, callee: *const Func, args: *mut u64) -> bool;

/// The machine of a store. The first fields are what handlers use; their offsets are fixed by the layout.
#[repr(C)]
pub(crate) struct Vm {
    pub meter: Meter,
    /// Call depth left in the high half, stack slots left of those allocated in the low half; [`BUDGET_SPENT`] guards both.
    pub budget: u64,
    /// Of the running instance's memory.
    pub bounds: Bounds,
    /// Of the running instance.
    pub globals: *const *mut u64,
    pub memory: *mut Memory,
    pub instance: *const Instance,
    pub host_call: HostCall,
    /// The store that host functions belong to, while one runs.
    pub store: *mut (),
    pub stack: Stack,
    /// Registers while something runs out of line, and at the end of a run.
    pub saved: Saved,
    /// The return address of a call whose entry went the slow way.
    pub return_to: *const Word,
    /// Why the run stopped, when a host function or an allocation said so.
    pub stop: Option<Stop>,
    pub across: Vec<Across>,
    pub schedule: Schedule,
    pub limits: RunLimits,
    /// Where the last trap was: instance and address of the op.
    pub trapped: Option<(*const Instance, *const Word)>,
    /// Out of gas was seen: memory, tables and globals are unspecified.
    pub spent: bool,
    pub functions: Arena<Func>,
    pub instances: Arena<Instance>,
    pub tables: Arena<Table>,
    pub memories: Arena<Memory>,
    pub global_cells: Arena<Global>,
    pub types: Vec<FuncType>,
    type_numbers: BTreeMap<FuncType, u32>,
    /// Stands in for the memory of instances that have none.
    pub no_memory: *mut Memory,
}

/// Set in [`Vm::budget`] when depth (high bit) or slots (low bit) are overdrawn.
pub(crate) const BUDGET_SPENT: u64 = 1 << 63 | 1 << 31;

/// One call in [`Vm::budget`]: a level of depth and `height` slots.
#[inline(always)]
pub(crate) const fn budget_of(height: u16) -> u64 {
    1 << 32 | height as u64
}

/// Slots of frames; grows up to the limit, so that small contracts stay small.
pub(crate) struct Stack {
    slots: Vec<u64>,
    pub base: *mut u64,
}

/// Slots that a new stack has: enough for most contracts, small enough to zero.
const FIRST_SLOTS: usize = 1_024;

/// Before the first run there is no store to call.
unsafe fn no_host(vm: *mut Vm, _: *const Func, _: *mut u64) -> bool {
    // SAFETY: `vm` is the running machine.
    unsafe { (*vm).stop = Some(Fault::Internal("a host function was called outside a run").into()) };
    false
}

impl Vm {
    pub fn new(schedule: Schedule, limits: RunLimits) -> Self {
        let mut memories = Arena::new();
        let empty = Memory::empty();
        let bounds = empty.bounds();
        let no_memory = memories.push(empty);
        let mut vm = Self {
            meter: Meter::unlimited(),
            budget: 0,
            bounds,
            globals: core::ptr::null(),
            memory: no_memory,
            instance: core::ptr::null(),
            host_call: no_host,
            store: core::ptr::null_mut(),
            stack: Stack { slots: Vec::new(), base: core::ptr::null_mut() },
            saved: Saved { pc: core::ptr::null(), fp: core::ptr::null_mut(), acc: 0 },
            return_to: core::ptr::null(),
            stop: None,
            across: Vec::new(),
            schedule,
            limits,
            trapped: None,
            spent: false,
            functions: Arena::new(),
            instances: Arena::new(),
            tables: Arena::new(),
            memories,
            global_cells: Arena::new(),
            types: Vec::new(),
            type_numbers: BTreeMap::new(),
            no_memory,
        };
        vm.set_limits(limits);
        vm
    }

    /// Bounds for what runs and is made from now on; only between runs.
    pub fn set_limits(&mut self, limits: RunLimits) {
        // The guard bits of the budget must be free.
        let cap = i32::MAX as u32;
        self.limits =
            RunLimits { stack_slots: limits.stack_slots.min(cap), call_depth: limits.call_depth.min(cap), ..limits };
        self.stack.slots = vec![0; FIRST_SLOTS.min(self.limits.stack_slots as usize)];
        self.stack.base = self.stack.slots.as_mut_ptr();
        self.budget = u64::from(self.limits.call_depth) << 32 | self.stack.slots.len() as u64;
    }

    /// The store's number of `ty`.
    pub fn signature(&mut self, ty: &FuncType) -> u32 {
        if let Some(number) = self.type_numbers.get(ty) {
            return *number;
        }
        let number = self.types.len() as u32;
        self.types.push(ty.clone());
        self.type_numbers.insert(ty.clone(), number);
        number
    }

    pub fn depth_left(&self) -> u32 {
        (self.budget >> 32) as u32
    }

    pub fn slots_left(&self) -> u32 {
        self.budget as u32
    }

    /// Slots taken by live frames.
    pub fn slots_used(&self) -> usize {
        self.stack.slots.len() - self.slots_left() as usize
    }

    /// Makes sure that `more` slots can be taken. Pointers into the stack are stale afterwards.
    pub fn reserve_slots(&mut self, more: u32) -> Result<(), Stop> {
        if more <= self.slots_left() {
            return Ok(());
        }
        let limit = self.limits.stack_slots as usize;
        let need = self.slots_used() + more as usize;
        if need > limit {
            return Err(Trap::StackSlots.into());
        }
        let old = self.stack.slots.len();
        let new = (old * 2).max(need).min(limit);
        self.stack.slots.try_reserve_exact(new - old).map_err(|_| Fault::OutOfMemory)?;
        self.stack.slots.resize(new, 0);
        self.stack.base = self.stack.slots.as_mut_ptr();
        self.budget += (new - old) as u64;
        Ok(())
    }

    /// Slots from `slot`, which lies in the stack, to the stack's end.
    pub fn slots_after(&self, slot: *const u64) -> usize {
        self.stack.slots.len()
            - ((slot as usize).wrapping_sub(self.stack.base as usize) / 8).min(self.stack.slots.len())
    }

    /// Whether `slots` slots at `fp` lie in the stack; for the checked build.
    pub fn owns_slots(&self, fp: *const u64, slots: usize) -> bool {
        let at = (fp as usize).wrapping_sub(self.stack.base as usize);
        at.is_multiple_of(8) && at / 8 + slots <= self.stack.slots.len()
    }

    /// Restores depth and slots to what they were when `used` slots were taken and `depth` levels left.
    pub fn restore_budget(&mut self, used: usize, depth: u32) {
        self.budget = u64::from(depth) << 32 | (self.stack.slots.len() - used) as u64;
    }

    /// Makes `instance` the running one.
    ///
    /// # Safety
    /// `instance` is null or points into this machine's arena.
    pub unsafe fn enter_instance(&mut self, instance: *const Instance) {
        self.instance = instance;
        if instance.is_null() {
            self.globals = core::ptr::null();
            self.memory = self.no_memory;
        } else {
            // SAFETY: it points into the arena, whose items live as long as the machine.
            let instance = unsafe { &*instance };
            self.globals = instance.globals.as_ptr();
            self.memory = instance.memory;
        }
    }
}

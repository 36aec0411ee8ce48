//! What the interpreter runs on: the machine of a store, its instances, functions, tables and stack.
//!
//! Everything here lives in the store's [`Arena`]s at stable addresses until the store is dropped, so code, frames and
//! instances refer to each other by raw pointer. All of it belongs to one store and is touched by one thread at a time.

use super::arena::{Arena, Lists, emptied};
use super::exception::{Exceptions, Late, Tag, Unwound};
use super::frames::Trapped;
use super::host::{Host, not_host};
use super::interrupt::{Interrupt, SLICE};
use super::memory::{Bounds, Memory, Pool};
use super::native::Native;
use super::prepared::Prepared;
use super::watch::Watch;
use crate::error::{Fault, Halt, Stop, Trap};
use crate::gas::{Meter, Particles, Schedule};
use crate::interp::code::Word;
use crate::limits::RunLimits;
use crate::wasm::canon::Types;
use crate::wasm::types::{FuncType, GlobalType, TableType};
use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::cell::Cell;
use core::ptr::NonNull;

/// A function of a store. Machine code knows the layout.
#[repr(C)]
pub(crate) struct Func {
    /// Header of its code; null for a host function.
    pub header: *const Word,
    /// Its machine code, if it has any.
    pub native: *const u8,
    /// The instance that it belongs to; null for a host function.
    pub instance: *const Instance,
    /// Equal types of a store have equal keys.
    pub signature: u64,
    /// Its type, in the module of its instance or with the host function: kept by the store either way.
    pub ty: *const FuncType,
    /// How a host function is called.
    pub entry: HostCall,
    /// A host function's own state, kept by the store.
    pub body: *const (),
    /// Its row, if it is one of a table.
    pub row: u32,
    /// Index of this function in the store.
    pub index: u32,
}

impl Func {
    /// Its type.
    pub fn ty(&self) -> &FuncType {
        // SAFETY: the store keeps it for as long as the function (field's docs).
        unsafe { &*self.ty }
    }
}

/// A table. Elements are slots: funcrefs are pointers to [`Func`], externrefs indices plus 1, null is 0. Machine code knows
/// where its elements are.
#[repr(C)]
pub(crate) struct Table {
    /// The elements, for machine code.
    pub start: *const u64,
    /// How many there are, for machine code.
    pub len: u64,
    /// Index of this table in the store.
    pub index: u32,
    pub ty: TableType,
    pub elements: Vec<u64>,
    /// Size beyond which it never grows.
    pub max: u32,
}

impl Table {
    pub fn new(ty: TableType, init: u64, limits: &RunLimits) -> Result<Self, Fault> {
        let mut table = Self {
            start: core::ptr::null(),
            len: 0,
            index: 0,
            ty,
            elements: Vec::new(),
            max: ty.max.map_or(u32::MAX, |max| max.min(u32::MAX.into()) as u32).min(limits.table_elements),
        };
        // At most the limit, which the caller has looked at.
        table.extend(ty.min as u32, init)?;
        Ok(table)
    }

    fn extend(&mut self, delta: u32, init: u64) -> Result<(), Fault> {
        self.elements.try_reserve_exact(delta as usize).map_err(|_| Fault::OutOfMemory)?;
        self.elements.resize(self.elements.len() + delta as usize, init);
        (self.start, self.len) = (self.elements.as_ptr(), self.elements.len() as u64);
        Ok(())
    }

    /// Whether the table may grow by `delta`.
    pub fn may_grow(&self, delta: u64) -> bool {
        (self.elements.len() as u64).checked_add(delta).is_some_and(|size| size <= u64::from(self.max))
    }

    /// Grows by `delta`, if that is allowed, and returns the old size.
    pub fn grow(&mut self, delta: u64, init: u64) -> Result<Option<u32>, Fault> {
        let old = self.elements.len() as u32;
        if !self.may_grow(delta) {
            return Ok(None);
        }
        // Allowed: below the maximum, which has 32 bits.
        self.extend(delta as u32, init)?;
        Ok(Some(old))
    }
}

/// A global: its value as slots, of which only a vector has the second, and its type.
#[repr(C)]
pub(crate) struct Global {
    pub value: [u64; 2],
    /// Index of this global in the store.
    pub index: u32,
    pub ty: GlobalType,
}

/// An instance of a module.
#[repr(C)]
pub(crate) struct Instance {
    /// [`Instance::functions`], for machine code.
    pub imports: *const *const Func,
    /// [`Instance::tables`], for machine code.
    pub table_list: *const *mut Table,
    /// [`Instance::others`], for machine code.
    pub memory_list: *const *mut Memory,
    /// Index of this instance in the store.
    pub index: u32,
    /// Whether a memory is far ([`Parsed::is_far`](crate::wasm::load::Parsed::is_far)).
    pub has_far_memories: bool,
    pub prepared: Arc<Prepared>,
    /// The imported functions.
    pub functions: Box<[*const Func]>,
    /// Those of its own functions that may be referred to, in the order of [`Prepared::referable`].
    pub own: *const Func,
    /// The others, in the order of [`Prepared::hidden`]; null: not made.
    pub hidden: Cell<*const Func>,
    pub tables: Box<[*mut Table]>,
    /// Pointers to [`Global`]s, as pointers to the first slots of their values, which come first.
    pub globals: Box<[*mut u64]>,
    /// The store's key of each of the module's types: [`Instance::_own_signatures`], or those that all instances share.
    pub signatures: *const u64,
    /// For modules whose types the store numbers.
    pub _own_signatures: Box<[u64]>,
    /// For the same: the store's number of each of the module's types. Others have none here.
    pub types: Box<[u32]>,
    /// The store's number of each tag.
    pub tags: Box<[u32]>,
    /// Segments that were dropped, or used up by instantiation.
    pub dropped_elements: Vec<bool>,
    pub dropped_data: Vec<bool>,
    /// Memory 0, or an empty one.
    pub memory: *mut Memory,
    /// The memories behind it.
    pub others: Box<[*mut Memory]>,
}

impl Instance {
    /// Function `index` of the module, which is imported or may be referred to.
    ///
    /// # Panics
    /// When it may not: code that validation refuses would have to refer to it.
    pub fn function(&self, index: u32) -> *const Func {
        let own = || self.prepared.position(index).expect("only functions that may be referred to are");
        // SAFETY: positions lie in the block at `own`, which has a function for each.
        self.functions.get(index as usize).copied().unwrap_or_else(|| unsafe { self.own.add(own()) })
    }

    /// Memory `index` of the module.
    pub fn memory_at(&self, index: usize) -> *mut Memory {
        if index == 0 { self.memory } else { self.others[index - 1] }
    }
}

/// The registers that an out-of-line function may see and change.
#[derive(Clone, Copy)]
pub(crate) struct Saved {
    pub pc: *const Word,
    pub fp: *mut u64,
    pub acc: u64,
}

/// A return into another instance.
#[derive(Clone, Copy)]
pub(crate) struct Across {
    pub instance: *const Instance,
    pub return_to: *const Word,
    pub base: u16,
}

/// Calls a host function for the running instance, with its arguments at `args`, where its results go too; the stack may
/// move meanwhile: where they are now. Null: the run stops, for the reason left in [`Vm::stop`].
pub(crate) type HostCall = unsafe fn(vm: *mut Vm, callee: *const Func, args: *mut u64) -> *mut u64;

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
    /// The store that host functions belong to, while one runs.
    pub store: *mut (),
    pub stack: Stack,
    /// What machine code shares with this machine.
    pub native: Native,
    /// Registers while something runs out of line, and at the end of a run.
    pub saved: Saved,
    /// The return address of a call whose entry went the slow way.
    pub return_to: *const Word,
    /// The address of an access that was not in bounds.
    pub beyond: u64,
    /// Where the arguments of a host function were that stopped the run.
    pub stopped_at: *mut u64,
    /// What the last exception has left.
    pub unwound: Unwound,
    pub exceptions: Exceptions,
    /// Where code is that was translated late.
    pub late: Late,
    pub tags: Vec<Tag>,
    /// Why the run stopped, when a host function or an allocation said so.
    pub stop: Option<Stop>,
    pub across: Vec<Across>,
    pub schedule: Schedule,
    pub limits: RunLimits,
    /// Where the last trap was.
    pub trapped: Option<Trapped>,
    /// Who watches.
    pub watch: Watch,
    /// Who may end runs from outside, if anybody may.
    pub interrupt: Option<Arc<Interrupt>>,
    /// Out of gas was seen: memory, tables and globals are unspecified.
    pub spent: bool,
    pub functions: Arena<Func>,
    pub instances: Arena<Instance>,
    pub tables: Arena<Table>,
    pub memories: Arena<Memory>,
    pub global_cells: Arena<Global>,
    /// Host functions that [`Vm::functions`] have pointers into.
    pub hosts: Vec<Arc<Host>>,
    /// Types that modules name, or that have no key of their own.
    pub types: Types,
    /// Where memory comes from and goes to.
    pub pool: Arc<Pool>,
    /// Where the lists above came from, if not from an allocation.
    lists: Option<Box<Lists>>,
    /// Stands in for the memory of instances that have none.
    no_memory: Memory,
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
    /// Slots of the limit that are not allocated.
    pub closed: u32,
}

/// Slots that a stack begins with, at the first run: enough for most contracts, small enough for many live instances.
const FIRST_SLOTS: usize = 256;

impl Stack {
    /// Slots that are allocated.
    #[inline(always)]
    pub fn size(&self) -> usize {
        self.slots.len()
    }

    /// All that are allocated.
    pub fn slots(&self) -> &[u64] {
        &self.slots
    }
}

impl Vm {
    /// A machine, to be freed as a box.
    pub fn boxed(schedule: Schedule, limits: RunLimits, pool: Arc<Pool>) -> NonNull<Self> {
        let no_memory = Memory::empty();
        let mut lists = pool.take_lists();
        let Lists { slots, functions, instances, tables, memories, globals } =
            lists.as_deref_mut().map(core::mem::take).unwrap_or_default();
        let mut vm = NonNull::from(Box::leak(Box::new(Self {
            meter: Meter::unlimited(),
            budget: 0,
            bounds: no_memory.bounds(),
            globals: core::ptr::null(),
            memory: core::ptr::null_mut(),
            instance: core::ptr::null(),
            store: core::ptr::null_mut(),
            stack: Stack { slots, base: NonNull::dangling().as_ptr(), closed: 0 },
            native: Native::new(),
            saved: Saved { pc: core::ptr::null(), fp: core::ptr::null_mut(), acc: 0 },
            return_to: core::ptr::null(),
            beyond: 0,
            stopped_at: core::ptr::null_mut(),
            unwound: Unwound::default(),
            exceptions: Exceptions::default(),
            late: Late::default(),
            tags: Vec::new(),
            stop: None,
            across: Vec::new(),
            schedule,
            limits,
            trapped: None,
            watch: Watch::default(),
            interrupt: None,
            spent: false,
            functions: Arena::new(functions),
            instances: Arena::new(instances),
            tables: Arena::new(tables),
            memories: Arena::new(memories),
            global_cells: Arena::new(globals),
            hosts: Vec::new(),
            types: Types::default(),
            pool,
            lists,
            no_memory,
        })));
        // SAFETY: just made; nothing else refers to it.
        unsafe {
            vm.as_mut().set_limits(limits);
            vm.as_mut().memory = Self::no_memory(vm.as_ptr());
        }
        vm
    }

    /// Whether somebody wants runs to end.
    pub fn is_interrupted(&self) -> bool {
        self.interrupt.as_ref().is_some_and(|interrupt| interrupt.is_raised())
    }

    /// Looks, where a run begins, whether it is to.
    #[inline]
    pub fn begin(&mut self) -> Result<(), Stop> {
        if self.interrupt.is_some() { self.begin_interruptible() } else { Ok(()) }
    }

    #[cold]
    fn begin_interruptible(&mut self) -> Result<(), Stop> {
        if self.is_interrupted() {
            return Err(Halt::TimedOut.into());
        }
        self.meter.slice(SLICE);
        Ok(())
    }

    /// Fills a negative counter from the meter's reserve; false when that is not enough, or the run is to end.
    #[cold]
    pub fn refill(&mut self) -> bool {
        if self.is_interrupted() || !self.meter.refill() {
            return false;
        }
        self.slice();
        true
    }

    /// Has the counter hold a slice where it may hold more: after machine code, which has all.
    pub fn slice(&mut self) {
        if self.interrupt.is_some() {
            self.meter.slice(SLICE);
        }
    }

    /// Takes what entering a function costs, where that is done out of line: there the counter may have been short.
    ///
    /// # Errors
    /// [`Trap::OutOfGas`], with nothing left: there was less, or the run is to end.
    pub fn charge(&mut self, cost: Particles) -> Result<(), Trap> {
        self.meter.charge(cost)?;
        self.slice();
        if self.is_interrupted() {
            self.meter.exhaust();
            return Err(Trap::OutOfGas);
        }
        Ok(())
    }

    /// The empty memory.
    ///
    /// # Safety
    /// `vm` points to a machine.
    pub unsafe fn no_memory(vm: *mut Self) -> *mut Memory {
        // SAFETY: the caller's promise; no reference is made.
        unsafe { &raw mut (*vm).no_memory }
    }

    /// Function `index` of the running instance's module, for code that calls it through the instance.
    ///
    /// # Safety
    /// `vm` is a machine with a running instance, whose module has the function, and there is no reference to its functions.
    #[inline(always)]
    pub unsafe fn callee(vm: *mut Self, index: u32) -> *const Func {
        // SAFETY: the caller's promise.
        unsafe {
            let instance: &Instance = &*(*vm).instance;
            match instance.functions.get(index as usize) {
                Some(import) => *import,
                None => Self::own_callee(vm, index),
            }
        }
    }

    /// Apart, so that calls of imports stay short.
    #[inline(never)]
    unsafe fn own_callee(vm: *mut Self, index: u32) -> *const Func {
        // SAFETY: the caller's promise. Positions lie in the blocks at `own` and `hidden`, which have a function for each.
        unsafe {
            let instance: &Instance = &*(*vm).instance;
            match instance.prepared.position(index) {
                Ok(position) => instance.own.add(position),
                Err(position) => {
                    assert!(position < instance.prepared.hidden.len(), "what code calls is there");
                    if instance.hidden.get().is_null() {
                        let first = (*vm).add_functions(instance, &instance.prepared.hidden);
                        instance.hidden.set(first);
                    }
                    instance.hidden.get().add(position)
                }
            }
        }
    }

    /// Makes own functions of an instance those of the store, one behind the other: where the first of them is.
    pub fn add_functions(&mut self, instance: &Instance, functions: &[u32]) -> *const Func {
        self.functions.reserve(functions.len());
        let mut first: *const Func = core::ptr::null();
        for (at, index) in (self.functions.len() as u32..).zip(functions) {
            let function: *const Func = self.functions.push(instance.prepared.function(instance, *index, not_host, at));
            first = if first.is_null() { function } else { first };
        }
        first
    }

    /// Bounds for what runs and is made from now on; only between runs.
    pub fn set_limits(&mut self, limits: RunLimits) {
        // The guard bits of the budget must be free.
        let cap = i32::MAX as u32;
        self.limits =
            RunLimits { stack_slots: limits.stack_slots.min(cap), call_depth: limits.call_depth.min(cap), ..limits };
        self.stack.slots.clear();
        self.stack.closed = self.limits.stack_slots;
        self.budget = u64::from(self.limits.call_depth) << 32;
    }

    /// The type of a function, in which names of types are the store's numbers.
    pub fn type_of<'a>(&'a self, func: &'a Func) -> &'a FuncType {
        // SAFETY: null, or an instance of this machine.
        match unsafe { func.instance.as_ref() } {
            Some(instance) if !instance.types.is_empty() => {
                self.types.get(instance.types[instance.prepared.type_index(func.ty)])
            }
            _ => func.ty(),
        }
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
        let need = self.slots_used() + more as usize;
        if need > self.limits.stack_slots as usize {
            return Err(Trap::StackSlots.into());
        }
        let old = self.stack.slots.len();
        self.grow_stack(need)?;
        self.budget += (self.stack.slots.len() - old) as u64;
        Ok(())
    }

    /// Allocates at least `need` slots, more than there are and no more than the limit; the budget stays what it was.
    pub fn grow_stack(&mut self, need: usize) -> Result<(), Stop> {
        let old = self.stack.slots.len();
        let new = (old * 2).max(need).max(FIRST_SLOTS).min(self.limits.stack_slots as usize);
        self.stack.slots.try_reserve_exact(new - old).map_err(|_| Fault::OutOfMemory)?;
        self.stack.slots.resize(new, 0);
        self.stack.base = self.stack.slots.as_mut_ptr();
        self.stack.closed = self.limits.stack_slots - new as u32;
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
    /// `vm` points to a machine, and `instance` is null or points into its arena.
    pub unsafe fn enter_instance(vm: *mut Self, instance: *const Instance) {
        // SAFETY: the caller's promise; items of the arena live as long as the machine.
        unsafe {
            let (globals, memory) = match instance.as_ref() {
                Some(instance) => (instance.globals.as_ptr(), instance.memory),
                None => (core::ptr::null(), Self::no_memory(vm)),
            };
            ((*vm).instance, (*vm).globals, (*vm).memory) = (instance, globals, memory);
        }
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        let pool = &self.pool;
        self.memories.each(|memory| memory.release(pool));
        let mut lists = self.lists.take().unwrap_or_default();
        *lists = Lists {
            slots: emptied(core::mem::take(&mut self.stack.slots)),
            functions: self.functions.emptied(),
            instances: self.instances.emptied(),
            tables: self.tables.emptied(),
            memories: self.memories.emptied(),
            globals: self.global_cells.emptied(),
        };
        pool.put_lists(lists);
    }
}

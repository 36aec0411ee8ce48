//! The safe door to the machine of a store: indices in, typed cells out.
//!
//! Nothing behind this door is reached by pointer from outside. A [`Cell`] carries its type and is made only from numbers,
//! or from references that this machine gave out; calls and assignments compare types, so that no number is ever taken
//! for a reference.

use super::exception::Tag;
use super::frames::At;
use super::host::{Host, RowEntry, is_numeric};
use super::interrupt::Interrupt;
use super::memory::{Memory, Pool};
use super::prepared::Prepared;
use super::vm::{Func, Global, Instance, Table, Vm};
use super::watch::Watch;
use crate::error::{Fault, Stop, Trap};
use crate::gas::{Meter, Pages, Schedule};
use crate::limits::RunLimits;
use crate::wasm::canon::{renamed, top};
use crate::wasm::load::{ConstExpr, ExportKind, ImportKind, Parsed, SegmentMode};
use crate::wasm::types::{FuncType, GlobalType, HeapType, MemoryType, TableType, ValType};
use alloc::{boxed::Box, sync::Arc, vec, vec::Vec};
use core::ptr::NonNull;

/// A value with its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    ty: ValType,
    bits: u64,
    /// The upper half of a vector; else 0.
    high: u64,
}

impl Cell {
    pub fn i32(value: u32) -> Self {
        Self::number(ValType::I32, u64::from(value))
    }

    pub fn i64(bits: u64) -> Self {
        Self::number(ValType::I64, bits)
    }

    pub fn f32(bits: u32) -> Self {
        Self::number(ValType::F32, u64::from(bits))
    }

    pub fn f64(bits: u64) -> Self {
        Self::number(ValType::F64, bits)
    }

    pub fn v128(value: u128) -> Self {
        Self { ty: ValType::V128, bits: value as u64, high: (value >> 64) as u64 }
    }

    /// A number of that type from its slot; null for a type of references, which are not made from numbers.
    #[inline(always)]
    pub fn number(ty: ValType, slot: u64) -> Self {
        Self { ty, bits: if ty.is_ref() { 0 } else { slot }, high: 0 }
    }

    /// The value that `slots` start with.
    ///
    /// # Safety
    /// They start with a value of the type.
    pub(super) unsafe fn of_slots(ty: ValType, slots: &[u64]) -> Self {
        Self { ty, bits: slots[0], high: if ty == ValType::V128 { slots[1] } else { 0 } }
    }

    /// Writes the value to the start of `slots`; returns how many it has taken.
    pub(super) fn write(&self, slots: &mut [u64]) -> usize {
        slots[0] = self.bits;
        if self.ty == ValType::V128 {
            slots[1] = self.high;
        }
        self.ty.slots()
    }

    /// The null or zero of a type.
    pub fn zero(ty: ValType) -> Self {
        Self { ty, bits: 0, high: 0 }
    }

    /// A reference to the embedder's object of that number.
    pub fn external(number: Option<u32>) -> Self {
        Self { ty: ValType::EXTERNREF, bits: number.map_or(0, |n| u64::from(n) + 1), high: 0 }
    }

    pub fn ty(&self) -> ValType {
        self.ty
    }

    /// The bits of a number.
    pub fn bits(&self) -> u64 {
        self.bits
    }

    /// The bits of a vector.
    pub fn vector(&self) -> u128 {
        u128::from(self.bits) | u128::from(self.high) << 64
    }

    /// A reference to the exception of that number.
    pub fn exception(number: Option<u32>) -> Self {
        Self { ty: ValType::EXNREF, bits: number.map_or(0, |n| u64::from(n) + 1), high: 0 }
    }

    /// The number behind a reference to an object of the embedder's or an exception.
    pub fn number_behind(&self) -> Option<u32> {
        self.bits.checked_sub(1).map(|n| n as u32)
    }

    /// The index of the function behind a funcref.
    pub fn function(&self) -> Option<u32> {
        // SAFETY: a cell of this type holds null or a function of an arena (module docs), alive as long as its store; cells
        // do not outlive calls into the store.
        (self.ty == ValType::FUNCREF && self.bits != 0).then(|| unsafe { (*(self.bits as usize as *const Func)).index })
    }
}

/// Something importable of a store, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExternIndex {
    Func(u32),
    Table(u32),
    Memory(u32),
    Global(u32),
    Tag(u32),
}

/// Why a module was not instantiated.
#[derive(Debug)]
pub(crate) enum Refused {
    /// This import is of another type.
    Import(usize),
    /// A memory's or table's minimum is above the store's limits.
    Limit,
    /// A segment did not fit, gas ran out, memory is short.
    Stop(Stop),
}

impl<E: Into<Stop>> From<E> for Refused {
    fn from(e: E) -> Self {
        Refused::Stop(e.into())
    }
}

/// What an instance imports.
#[derive(Clone, Copy)]
pub(crate) enum Imports<'a> {
    /// These, in order.
    Given(&'a [ExternIndex]),
    /// Rows of the context's table, in order: functions over numbers, whose types were compared before.
    Rows(RowEntry, &'a [u32]),
}

/// The machine of a store.
pub(crate) struct Machine {
    /// On the heap by pointer: code and host calls reach it beside references to the store that owns it.
    vm: NonNull<Vm>,
}

// SAFETY: all that the machine points to belongs to it alone (arenas), or is immutable and shareable (code).
unsafe impl Send for Machine {}
// SAFETY: nothing changes through a shared reference.
unsafe impl Sync for Machine {}

impl Drop for Machine {
    fn drop(&mut self) {
        // SAFETY: made by `Box` in `Vm::boxed`, freed only here.
        drop(unsafe { Box::from_raw(self.vm.as_ptr()) });
    }
}

impl Machine {
    pub fn new(schedule: Schedule, limits: RunLimits, pool: &Arc<Pool>) -> Self {
        Self { vm: Vm::boxed(schedule, limits, pool.clone()) }
    }

    pub(super) fn as_ptr(&mut self) -> *mut Vm {
        self.vm.as_ptr()
    }

    pub(super) fn vm(&self) -> &Vm {
        // SAFETY: alive until drop; shared by `&self`.
        unsafe { self.vm.as_ref() }
    }

    pub(super) fn vm_mut(&mut self) -> &mut Vm {
        // SAFETY: alive until drop; exclusive by `&mut self`: runs touch it only inside `call`, which has no such reference.
        unsafe { self.vm.as_mut() }
    }

    pub fn meter(&self) -> &Meter {
        &self.vm().meter
    }

    pub fn meter_mut(&mut self) -> &mut Meter {
        &mut self.vm_mut().meter
    }

    /// Who watches from now on.
    pub fn set_watch(&mut self, watch: Watch) {
        self.vm_mut().watch = watch;
    }

    /// Who may interrupt runs.
    pub fn interrupt(&mut self) -> &Arc<Interrupt> {
        self.vm_mut().interrupt.get_or_insert_default()
    }

    pub fn is_spent(&self) -> bool {
        self.vm().spent
    }

    pub fn set_limits(&mut self, limits: RunLimits) {
        self.vm_mut().set_limits(limits);
    }

    pub fn limits(&self) -> RunLimits {
        self.vm().limits
    }

    // ---- functions ----

    /// Adds a host function, which was made for this machine's contexts.
    pub(super) fn add_host(&mut self, host: &Arc<Host>) -> u32 {
        let vm = self.vm_mut();
        let index = vm.functions.len() as u32;
        let signature = host.signature.unwrap_or_else(|| vm.types.key_of(&host.ty));
        vm.functions.push(Func {
            header: core::ptr::null(),
            native: core::ptr::null(),
            instance: core::ptr::null(),
            signature,
            ty: &raw const host.ty,
            entry: host.entry,
            body: host.body,
            row: host.row,
            index,
        });
        vm.hosts.push(host.clone());
        index
    }

    /// Makes room for `count` functions at once.
    pub fn expect_functions(&mut self, count: usize) {
        self.vm_mut().functions.reserve(count);
    }

    /// Its type, in which names of types are the store's numbers.
    pub fn function_type(&self, index: u32) -> &FuncType {
        let vm = self.vm();
        vm.type_of(vm.functions.get(index as usize))
    }

    /// Whether a value is one of type `ty`, which is the store's.
    pub fn admits(&self, cell: &Cell, ty: ValType) -> bool {
        let ValType::Ref(reference) = ty else { return cell.ty == ty };
        let function = || cell.function().map(|index| self.vm().functions.get(index as usize).signature);
        top(ty) == cell.ty
            && match reference.heap {
                _ if cell.bits == 0 => reference.nullable,
                HeapType::Func | HeapType::Extern | HeapType::Exn => true,
                HeapType::NoFunc | HeapType::NoExtern | HeapType::NoExn => false,
                HeapType::Concrete(number) => function() == Some(self.vm().types.key(number)),
            }
    }

    /// The same for as many values as types.
    pub fn admits_all(&self, cells: &[Cell], types: &[ValType]) -> bool {
        cells.len() == types.len() && cells.iter().zip(types).all(|(cell, ty)| self.admits(cell, *ty))
    }

    /// A reference to function `index`, or null.
    pub fn function_cell(&self, index: Option<u32>) -> Cell {
        let bits = index.map_or(0, |i| self.vm().functions.pointer(i as usize) as usize as u64);
        Cell { ty: ValType::FUNCREF, bits, high: 0 }
    }

    // ---- memories, tables, globals ----

    pub fn add_memory(&mut self, ty: MemoryType) -> Result<u32, Refused> {
        let vm = self.vm_mut();
        if ty.min > vm.limits.memory.of_size(ty.page).min(ty.most()) {
            return Err(Refused::Limit);
        }
        // Nothing is made, and nothing paid, of a run that is to end.
        vm.begin()?;
        // At most as many bytes as the cap, whose pages have 32 bits.
        vm.meter.charge(vm.schedule.grow_cost(Pages(0), Pages::begun(ty.min << ty.page.log2())))?;
        let mut memory = Memory::new(ty, vm.limits.memory, &vm.pool)?;
        memory.index = vm.memories.len() as u32;
        let index = memory.index;
        vm.memories.push(memory);
        Ok(index)
    }

    pub fn memory(&self, index: u32) -> &Memory {
        self.vm().memories.get(index as usize)
    }

    pub fn memory_mut(&mut self, index: u32) -> &mut Memory {
        self.vm_mut().memories.get_mut(index as usize)
    }

    pub fn add_table(&mut self, ty: TableType, init: Cell) -> Result<u32, Refused> {
        let vm = self.vm_mut();
        if ty.min > u64::from(vm.limits.table_elements) {
            return Err(Refused::Limit);
        }
        let mut table = Table::new(ty, init.bits, &vm.limits)?;
        table.index = vm.tables.len() as u32;
        let index = table.index;
        vm.tables.push(table);
        Ok(index)
    }

    pub fn table(&self, index: u32) -> &Table {
        self.vm().tables.get(index as usize)
    }

    pub fn table_get(&self, index: u32, at: u32) -> Option<Cell> {
        let table = self.table(index);
        table.elements.get(at as usize).map(|bits| Cell { ty: top(table.ty.element), bits: *bits, high: 0 })
    }

    /// Sets an element; false when it does not exist or the types differ.
    pub fn table_set(&mut self, index: u32, at: u32, value: Cell) -> bool {
        let fits = self.admits(&value, self.table(index).ty.element);
        let element = self.vm_mut().tables.get_mut(index as usize).elements.get_mut(at as usize);
        match element {
            Some(element) if fits => *element = value.bits,
            _ => return false,
        }
        true
    }

    /// Grows a table by `delta`; `None` when that is not allowed or the types differ.
    pub fn table_grow(&mut self, index: u32, delta: u32, init: Cell) -> Result<Option<u32>, Fault> {
        if !self.admits(&init, self.table(index).ty.element) {
            return Ok(None);
        }
        self.vm_mut().tables.get_mut(index as usize).grow(delta.into(), init.bits)
    }

    pub fn add_global(&mut self, ty: GlobalType, value: Cell) -> u32 {
        let vm = self.vm_mut();
        let index = vm.global_cells.len() as u32;
        vm.global_cells.push(Global { value: [value.bits, value.high], index, ty });
        index
    }

    pub fn global_type(&self, index: u32) -> GlobalType {
        self.vm().global_cells.get(index as usize).ty
    }

    pub fn global(&self, index: u32) -> Cell {
        let global = self.vm().global_cells.get(index as usize);
        Cell { ty: top(global.ty.content), bits: global.value[0], high: global.value[1] }
    }

    /// Sets a global; false when it is constant or the types differ.
    pub fn set_global(&mut self, index: u32, value: Cell) -> bool {
        let ty = self.global_type(index);
        let fits = ty.mutable && self.admits(&value, ty.content);
        if fits {
            self.vm_mut().global_cells.get_mut(index as usize).value = [value.bits, value.high];
        }
        fits
    }

    // ---- instances ----

    /// Makes an instance. Its start function is not called.
    pub fn instantiate(&mut self, prepared: &Arc<Prepared>, imports: Imports<'_>) -> Result<u32, Refused> {
        let parsed = &prepared.parsed;
        let types = if prepared.is_numbered { self.vm_mut().types.of_module(parsed) } else { Box::default() };
        self.check_imports(prepared, imports, &types)?;
        let mut tables: Vec<*mut Table> = Vec::with_capacity(parsed.tables.len());
        let (mut memory, mut others): (*mut Memory, Vec<*mut Memory>) = (core::ptr::null_mut(), Vec::new());
        // Most modules have one, and no list.
        let mut add = |found: *mut Memory| if memory.is_null() { memory = found } else { others.push(found) };
        let mut globals: Vec<*mut u64> = Vec::with_capacity(parsed.globals.len());
        let mut tags: Vec<u32> = Vec::with_capacity(parsed.tags.len());
        let mut functions: Vec<*const Func> = Vec::with_capacity(parsed.imported_functions as usize);
        let vm = self.vm_mut();
        if let Imports::Given(imports) = imports {
            for index in imports {
                match *index {
                    ExternIndex::Func(i) => functions.push(vm.functions.pointer(i as usize)),
                    ExternIndex::Table(i) => tables.push(vm.tables.pointer(i as usize)),
                    ExternIndex::Memory(i) => add(vm.memories.pointer(i as usize)),
                    ExternIndex::Global(i) => globals.push(vm.global_cells.pointer(i as usize).cast()),
                    ExternIndex::Tag(i) => tags.push(i),
                }
            }
        }
        for ty in &parsed.memories[parsed.imported_memories as usize..] {
            let index = self.add_memory(*ty)?;
            add(self.vm_mut().memories.pointer(index as usize));
        }
        for ty in &parsed.tables[parsed.imported_tables as usize..] {
            let ty = TableType { element: numbered(ty.element, &types), ..*ty };
            let index = self.add_table(ty, Cell::zero(ty.element))?;
            tables.push(self.vm_mut().tables.pointer(index as usize));
        }
        if memory.is_null() {
            // SAFETY: of this machine.
            memory = unsafe { Vm::no_memory(self.as_ptr()) };
        }
        let vm = self.vm_mut();
        for ty in &parsed.tags[parsed.imported_tags as usize..] {
            let number = types[*ty as usize];
            tags.push(vm.tags.len() as u32);
            vm.tags.push(Tag { key: vm.types.key(number), ty: vm.types.get(number).clone() });
        }
        let own_signatures: Box<[u64]> = types.iter().map(|number| vm.types.key(*number)).collect();
        let index = vm.instances.len() as u32;
        let tables: Box<[*mut Table]> = tables.into();
        let others: Box<[*mut Memory]> = others.into();
        let instance = vm.instances.push(Instance {
            imports: core::ptr::null(),
            table_list: tables.as_ptr(),
            memory_list: others.as_ptr(),
            index,
            has_far_memories: parsed.has_far_memories(),
            prepared: prepared.clone(),
            functions: Box::default(),
            own: core::ptr::null(),
            hidden: core::cell::Cell::new(core::ptr::null()),
            memory,
            others,
            tables,
            globals: Box::default(),
            signatures: prepared.signatures.as_ptr(),
            _own_signatures: own_signatures,
            types,
            tags: tags.into(),
            dropped_elements: vec![false; parsed.elements.len()],
            dropped_data: vec![false; parsed.data.len()],
        });
        // SAFETY: just made; nothing else refers to it.
        let instance = unsafe { &mut *instance };
        if prepared.is_numbered {
            instance.signatures = instance._own_signatures.as_ptr();
        }
        let rows = if let Imports::Rows(entry, rows) = imports { Some((entry, rows)) } else { None };
        vm.functions.reserve(prepared.referable.len() + rows.map_or(0, |(_, rows)| rows.len()));
        let mut next = vm.functions.len() as u32;
        if let Some((entry, rows)) = rows {
            for (row, ty) in rows.iter().zip(&parsed.functions) {
                // SAFETY: below: keys of all types of the module.
                let signature = unsafe { *instance.signatures.add(*ty as usize) };
                functions.push(vm.functions.push(Func {
                    header: core::ptr::null(),
                    native: core::ptr::null(),
                    instance: core::ptr::null(),
                    signature,
                    ty: &raw const prepared.parsed.types[*ty as usize],
                    entry: entry.get(),
                    body: core::ptr::null(),
                    row: *row,
                    index: next,
                }));
                next += 1;
            }
        }
        instance.own = vm.add_functions(instance, &prepared.referable);
        instance.functions = functions.into();
        instance.imports = instance.functions.as_ptr();
        // Initial values refer to imported globals alone.
        if !parsed.global_inits.is_empty() || !parsed.table_inits.is_empty() {
            instance.globals = globals.clone().into();
        }
        for (table, init) in instance.tables[parsed.imported_tables as usize..].iter().zip(&parsed.table_inits) {
            if *init != ConstExpr::Null {
                // SAFETY: tables of an instance lead into the arena; no other reference to the table is alive.
                unsafe { (**table).elements.fill(instance.evaluate(*init)) };
            }
        }
        vm.global_cells.reserve(parsed.global_inits.len());
        for (i, init) in parsed.global_inits.iter().enumerate() {
            let ty = parsed.globals[parsed.globals.len() - parsed.global_inits.len() + i];
            let ty = GlobalType { content: numbered(ty.content, &instance.types), ..ty };
            let (value, index) = (instance.evaluate_global(*init), vm.global_cells.len() as u32);
            globals.push(vm.global_cells.push(Global { value, index, ty }).cast());
        }
        instance.globals = globals.into();
        fill_segments(instance)?;
        Ok(index)
    }

    /// Checks that there is an import of the right type for each that the module asks for.
    fn check_imports(&self, prepared: &Prepared, imports: Imports<'_>, types: &[u32]) -> Result<(), Refused> {
        let parsed = &prepared.parsed;
        for (i, import) in parsed.imports.iter().enumerate() {
            let fits = match imports {
                Imports::Given(imports) => {
                    imports.get(i).is_some_and(|index| self.matches(prepared, &import.kind, *index, types))
                }
                Imports::Rows(_, rows) => {
                    let numeric = |ty: u32| is_numeric(prepared.signatures[ty as usize], &parsed.types[ty as usize]);
                    i < rows.len() && matches!(import.kind, ImportKind::Func(ty) if numeric(ty))
                }
            };
            if !fits {
                return Err(Refused::Import(i));
            }
        }
        Ok(())
    }

    /// Whether the extern may stand for the import.
    fn matches(&self, prepared: &Prepared, import: &ImportKind, index: ExternIndex, types: &[u32]) -> bool {
        let limits = |have: u64, have_max: Option<u64>, min: u64, max: Option<u64>| {
            have >= min && max.is_none_or(|max| have_max.is_some_and(|have| have <= max))
        };
        match (import, index) {
            (ImportKind::Func(ty), ExternIndex::Func(i)) => {
                let (have, ty) = (self.vm().functions.get(i as usize), *ty as usize);
                let key = types.get(ty).map_or(prepared.signatures[ty], |number| self.vm().types.key(*number));
                have.signature == key
            }
            (ImportKind::Tag(ty), ExternIndex::Tag(i)) => {
                self.vm().tags[i as usize].key == self.vm().types.key(types[*ty as usize])
            }
            (ImportKind::Global(ty), ExternIndex::Global(i)) => {
                let (have, content) = (self.global_type(i), numbered(ty.content, types));
                let fits = if ty.mutable {
                    have.content == content
                } else {
                    self.vm().types.is_subtype(have.content, content)
                };
                have.mutable == ty.mutable && fits
            }
            (ImportKind::Memory(ty), ExternIndex::Memory(i)) => {
                let memory = self.memory(i);
                let kind = |ty: &MemoryType| (ty.memory64, ty.page);
                kind(&memory.ty) == kind(ty) && limits(memory.pages(), memory.ty.max, ty.min, ty.max)
            }
            (ImportKind::Table(ty), ExternIndex::Table(i)) => {
                let table = self.table(i);
                let element = numbered(ty.element, types);
                let same_kind = table.ty.element == element && table.ty.table64 == ty.table64;
                same_kind && limits(table.elements.len() as u64, table.ty.max, ty.min, ty.max)
            }
            _ => false,
        }
    }

    /// The instance whose code called the host function that runs now, if one did.
    pub fn calling(&self) -> Option<u32> {
        // SAFETY: the running instance is null or of this machine.
        unsafe { self.vm().instance.as_ref().map(|instance| instance.index) }
    }

    pub fn parsed(&self, instance: u32) -> &Parsed {
        &self.vm().instances.get(instance as usize).prepared.parsed
    }

    /// What an export of an instance refers to.
    pub fn resolve(&self, instance: u32, kind: ExportKind, index: u32) -> ExternIndex {
        let (instance, index) = (self.vm().instances.get(instance as usize), index as usize);
        // SAFETY (all of them): pointers of an instance lead into this machine's arenas.
        unsafe {
            match kind {
                ExportKind::Func => ExternIndex::Func((*instance.function(index as u32)).index),
                ExportKind::Table => ExternIndex::Table((*instance.tables[index]).index),
                ExportKind::Memory => ExternIndex::Memory((*instance.memory_at(index)).index),
                ExportKind::Global => ExternIndex::Global((*instance.globals[index].cast::<Global>()).index),
                ExportKind::Tag => ExternIndex::Tag(instance.tags[index]),
            }
        }
    }

    /// Function `index` of an instance's module.
    pub fn function_of(&self, instance: u32, index: u32) -> u32 {
        match self.resolve(instance, ExportKind::Func, index) {
            ExternIndex::Func(i) => i,
            _ => unreachable!("a function resolves to a function"),
        }
    }

    /// The function in which the last trap was: its module and its index there.
    pub fn trapped(&self) -> Option<(&Parsed, u32)> {
        let part = self.vm().trapped.as_ref()?.parts.first()?;
        // SAFETY: null, or an instance of this machine, which lives as long.
        let instance = unsafe { part.instance.as_ref() }?;
        let Prepared { parsed, code, .. } = &*instance.prepared;
        let index = match &part.at {
            At::Interpreted { pc, .. } => code.function_at(*pc)? as u32 + parsed.imported_functions,
            At::Native(places) => places.first()?.function,
        };
        Some((parsed, index))
    }
}

/// A module's type as the store's; a module that names no types has no numbers.
fn numbered(ty: ValType, types: &[u32]) -> ValType {
    renamed(ty, |index| types[index as usize])
}

/// Copies the active segments, in order, and marks used ones.
fn fill_segments(instance: &mut Instance) -> Result<(), Stop> {
    let prepared = instance.prepared.clone();
    let parsed = &prepared.parsed;
    for (i, segment) in parsed.elements.iter().enumerate() {
        if let SegmentMode::Active { index, at } = segment.mode {
            // SAFETY: tables of an instance lead into the arena; no other reference to the table is alive.
            let elements = unsafe { &mut (*instance.tables[index as usize]).elements };
            let at = index_of(instance.evaluate(at));
            let room = elements.get_mut(at..).and_then(|room| room.get_mut(..segment.items.len()));
            for (element, item) in room.ok_or(Trap::TableOutOfBounds)?.iter_mut().zip(&segment.items) {
                *element = instance.evaluate(*item);
            }
        }
        instance.dropped_elements[i] = !matches!(segment.mode, SegmentMode::Passive);
    }
    for (i, segment) in parsed.data.iter().enumerate() {
        if let SegmentMode::Active { index, at } = segment.mode {
            // SAFETY: memories of an instance live as long as the machine; no other reference to this one is alive.
            let memory = unsafe { &mut *instance.memory_at(index as usize) };
            let at = index_of(instance.evaluate(at));
            let room = memory.range_mut(at, segment.bytes.len());
            room.ok_or(Trap::MemoryOutOfBounds)?.copy_from_slice(&segment.bytes);
            instance.dropped_data[i] = true;
        }
    }
    Ok(())
}

/// A slot with an index or an address, of 32 bits or 64: in a list that has so many.
#[inline(always)]
pub(crate) fn index_of(slot: u64) -> usize {
    usize::try_from(slot).unwrap_or(usize::MAX)
}

/// Lends `f` a list of `len` times `fill`: on the stack if it is short, as nearly all are.
pub(crate) fn with_list<V: Copy, R>(len: usize, fill: V, f: impl FnOnce(&mut [V]) -> R) -> R {
    let mut short = [fill; 8];
    match short.get_mut(..len) {
        Some(list) => f(list),
        None => f(&mut vec![fill; len]),
    }
}

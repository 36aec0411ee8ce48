//! What instances own and share, and how an instance comes to be.

use crate::body::Body;
use crate::exception::Exceptions;
use crate::memory::Memory;
use crate::module::{Constant, Contents, Module, Place};
use crate::types::{self, Named};
use gristmill::limits::RunLimits;
use gristmill::{Fault, Guest, Meter, Pages, Schedule, Stop, Trap};
use std::rc::Rc;
use wasmparser::{ExternalKind, FuncType, GlobalType, MemoryType, TableType, TypeRef, ValType};

/// The operands of a copy: to, from, length.
pub(crate) type Span = (u64, u64, u64);

/// Why there is no instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// An import is missing or of another type, in the words of the specification's tests.
    Link(String),
    /// Gas, an active segment or the start function.
    Stop(Stop),
}

impl<T: Into<Stop>> From<T> for Failure {
    fn from(stop: T) -> Self {
        Failure::Stop(stop.into())
    }
}

/// The functions that the embedder offers, by number.
pub trait Host {
    /// Calls host function `number` with raw argument slots and returns its result slots.
    ///
    /// # Errors
    /// Why the guest does not go on.
    fn call(&mut self, number: usize, guest: &mut Guest<'_>, args: &[u64]) -> Result<Vec<u64>, Stop>;
}

/// No host functions at all.
pub struct NoHost;

impl Host for NoHost {
    fn call(&mut self, _: usize, _: &mut Guest<'_>, _: &[u64]) -> Result<Vec<u64>, Stop> {
        Err(Fault::Internal("no such host function").into())
    }
}

/// Something that can be imported and exported, as an index into the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Extern {
    Func(usize),
    Table(usize),
    Memory(usize),
    Global(usize),
    Tag(usize),
}

/// An instance of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceId(pub(crate) usize);

/// A table of references; a slot is 0 for null, else an index plus one.
#[derive(Debug)]
pub struct Table {
    /// The module whose types the elements' type names.
    pub(crate) module: Option<Rc<Contents>>,
    /// Its elements.
    pub elements: Vec<u64>,
    /// Its type, with the size that it began with.
    pub ty: TableType,
}

/// A global variable.
#[derive(Debug)]
pub struct Global {
    /// Its type.
    pub ty: GlobalType,
    /// The module whose types that names.
    pub(crate) module: Option<Rc<Contents>>,
    /// Its value.
    pub value: u128,
}

/// A function of the store.
#[derive(Clone, Debug)]
pub(crate) enum Func {
    Wasm { instance: usize, module: Rc<Contents>, index: u32, ty: FuncType, body: Rc<Body> },
    Host { number: usize, ty: FuncType },
}

impl Func {
    pub(crate) fn ty(&self) -> &FuncType {
        match self {
            Func::Wasm { ty, .. } | Func::Host { ty, .. } => ty,
        }
    }
}

/// An instance: its module's index spaces over the store, and its segments, emptied when dropped.
#[derive(Debug, Default)]
pub(crate) struct Instance {
    pub(crate) module: Rc<Contents>,
    pub(crate) funcs: Vec<usize>,
    pub(crate) tables: Vec<usize>,
    pub(crate) memories: Vec<usize>,
    pub(crate) globals: Vec<usize>,
    pub(crate) tags: Vec<usize>,
    pub(crate) elements: Vec<Vec<u64>>,
    pub(crate) data: Vec<Vec<u8>>,
}

/// Everything that runs together.
#[derive(Debug)]
pub struct Store {
    pub(crate) funcs: Vec<Func>,
    /// Memories by number.
    pub memories: Vec<Memory>,
    /// Tables by number.
    pub tables: Vec<Table>,
    /// Globals by number.
    pub globals: Vec<Global>,
    pub(crate) instances: Vec<Instance>,
    /// The type of each tag.
    pub(crate) tags: Vec<(Rc<Contents>, u32)>,
    pub(crate) exceptions: Exceptions,
    /// What is left to spend.
    pub meter: Meter,
    /// How many metered blocks were run to their end.
    pub blocks: u64,
    pub(crate) limits: RunLimits,
    pub(crate) schedule: Schedule,
    /// Out of gas before: unspecified contents, no further calls.
    pub(crate) spent: bool,
}

impl Store {
    /// An empty store without a bound on gas.
    pub fn new(limits: RunLimits, schedule: Schedule) -> Self {
        Self {
            funcs: Vec::new(),
            memories: Vec::new(),
            tables: Vec::new(),
            globals: Vec::new(),
            instances: Vec::new(),
            tags: Vec::new(),
            exceptions: Exceptions::default(),
            meter: Meter::unlimited(),
            blocks: 0,
            limits,
            schedule,
            spent: false,
        }
    }

    /// Adds host function `number`.
    pub fn host_func(&mut self, number: usize, ty: FuncType) -> Extern {
        self.funcs.push(Func::Host { number, ty });
        Extern::Func(self.funcs.len() - 1)
    }

    /// Adds a global.
    pub fn add_global(&mut self, ty: GlobalType, value: u128) -> Extern {
        self.globals.push(Global { ty, module: None, value });
        Extern::Global(self.globals.len() - 1)
    }

    /// Adds a memory of zeros.
    pub fn add_memory(&mut self, ty: &MemoryType) -> Extern {
        self.memories.push(Memory::new(ty));
        Extern::Memory(self.memories.len() - 1)
    }

    /// Adds a table of nulls.
    pub fn add_table(&mut self, ty: &TableType) -> Extern {
        let elements = vec![0; ty.initial as usize];
        self.tables.push(Table { module: None, elements, ty: *ty });
        Extern::Table(self.tables.len() - 1)
    }

    /// The type of a function.
    pub fn func_type(&self, func: usize) -> &FuncType {
        self.funcs[func].ty()
    }

    /// What `instance` exports under `name`.
    pub fn export(&self, instance: InstanceId, name: &str) -> Option<Extern> {
        let instance = &self.instances[instance.0];
        let export = instance.module.exports.iter().find(|e| e.name == name)?;
        let index = export.index as usize;
        Some(match export.kind {
            ExternalKind::Func | ExternalKind::FuncExact => Extern::Func(instance.funcs[index]),
            ExternalKind::Table => Extern::Table(instance.tables[index]),
            ExternalKind::Memory => Extern::Memory(instance.memories[index]),
            ExternalKind::Global => Extern::Global(instance.globals[index]),
            ExternalKind::Tag => Extern::Tag(instance.tags[index]),
        })
    }

    fn check(&self, wanted: &TypeRef, module: &Contents, given: Extern) -> bool {
        match (*wanted, given) {
            (TypeRef::Func(index), Extern::Func(f)) => self.funcs[f].is_of(Named { module, index }),
            (TypeRef::Global(ty), Extern::Global(g)) => {
                let given = &self.globals[g];
                let compare = if ty.mutable { types::equal } else { types::below };
                given.ty.mutable == ty.mutable
                    && compare((given.ty.content_type, given.module.as_deref()), (ty.content_type, Some(module)))
            }
            (TypeRef::Memory(ty), Extern::Memory(m)) => {
                let memory = &self.memories[m];
                let kind = |ty: &MemoryType| (ty.memory64, ty.page_size_log2.unwrap_or(16));
                kind(&memory.ty) == kind(&ty) && fits(memory.pages(), memory.ty.maximum, ty.initial, ty.maximum)
            }
            (TypeRef::Tag(ty), Extern::Tag(t)) => {
                let (of, index) = &self.tags[t];
                Named { module: of, index: *index }.equals(Named { module, index: ty.func_type_idx })
            }
            (TypeRef::Table(ty), Extern::Table(t)) => {
                let table = &self.tables[t];
                let element = (ValType::Ref(table.ty.element_type), table.module.as_deref());
                let size = table.elements.len() as u64;
                types::equal(element, (ValType::Ref(ty.element_type), Some(module)))
                    && table.ty.table64 == ty.table64
                    && fits(size, table.ty.maximum, ty.initial, ty.maximum)
            }
            _ => false,
        }
    }

    /// Makes an instance: links, charges and makes memories, copies active segments, runs the start function.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn instantiate(
        &mut self,
        host: &mut dyn Host,
        module: &Module,
        imports: &[Option<Extern>],
    ) -> Result<InstanceId, Failure> {
        if self.spent {
            return Err(Fault::Spent.into());
        }
        let module = Rc::clone(&module.0);
        let mut instance = Instance { module: Rc::clone(&module), ..Instance::default() };
        for (import, given) in module.imports.iter().zip(imports) {
            let name = format!("{}.{}", import.module, import.name);
            let given = given.ok_or_else(|| Failure::Link(format!("unknown import: {name}")))?;
            if !self.check(&import.ty, &module, given) {
                return Err(Failure::Link(format!("incompatible import type: {name}")));
            }
            match given {
                Extern::Func(f) => instance.funcs.push(f),
                Extern::Table(t) => instance.tables.push(t),
                Extern::Memory(m) => instance.memories.push(m),
                Extern::Global(g) => instance.globals.push(g),
                Extern::Tag(t) => instance.tags.push(t),
            }
        }
        let spent = self.define(&module, &mut instance);
        self.spent |= matches!(spent, Err(Trap::OutOfGas));
        spent?;
        let id = InstanceId(self.instances.len());
        self.instances.push(instance);
        self.copy_segments(id.0)?;
        if let Some(start) = module.start {
            self.invoke(host, self.instances[id.0].funcs[start as usize], &[])?;
        }
        Ok(id)
    }

    /// Makes what the module defines itself.
    fn define(&mut self, module: &Contents, instance: &mut Instance) -> Result<(), Trap> {
        for memory in &module.memories {
            self.meter.charge(self.schedule.grow_cost(Pages(0), Memory::initial_price(memory)))?;
            instance.memories.push(self.memories.len());
            self.add_memory(memory);
        }
        let defined = &module.funcs[module.funcs.len() - module.bodies.len()..];
        for (&ty, body) in defined.iter().zip(&module.bodies) {
            instance.funcs.push(self.funcs.len());
            self.funcs.push(Func::Wasm {
                instance: self.instances.len(),
                module: Rc::clone(&instance.module),
                index: ty,
                ty: module.types[ty as usize].clone(),
                body: Rc::clone(body),
            });
        }
        for index in &module.tags[module.imported_tags..] {
            instance.tags.push(self.tags.len());
            self.tags.push((Rc::clone(&instance.module), *index));
        }
        for (ty, init) in &module.tables {
            let init = self.constant(instance, init) as u64;
            instance.tables.push(self.tables.len());
            self.tables.push(Table {
                module: Some(Rc::clone(&instance.module)),
                elements: vec![init; ty.initial as usize],
                ty: *ty,
            });
        }
        for (ty, init) in &module.globals {
            let value = self.constant(instance, init);
            instance.globals.push(self.globals.len());
            self.globals.push(Global { ty: *ty, module: Some(Rc::clone(&instance.module)), value });
        }
        for (_, values) in &module.elements {
            instance.elements.push(values.iter().map(|v| self.constant(instance, v) as u64).collect());
        }
        instance.data = module.data.iter().map(|(_, bytes)| bytes.clone()).collect();
        Ok(())
    }

    fn constant(&self, instance: &Instance, constant: &Constant) -> u128 {
        match *constant {
            Constant::Bits(bits) => bits,
            Constant::Global(g) => self.globals[instance.globals[g as usize]].value,
            Constant::Func(f) => instance.funcs[f as usize] as u128 + 1,
            Constant::Several(ref constants) => {
                let mut values = Vec::new();
                for constant in constants {
                    let value = match constant {
                        Constant::Apply(op) => {
                            let operands = values.split_off(values.len() - 2);
                            op.eval(&operands).expect("sums and products are total")
                        }
                        value => self.constant(instance, value) as u64,
                    };
                    values.push(value);
                }
                values[0].into()
            }
            Constant::Apply(_) => unreachable!("validation: an operator has operands"),
        }
    }

    /// Active segments in order: elements, then data; an init and a drop each.
    fn copy_segments(&mut self, id: usize) -> Result<(), Trap> {
        let module = Rc::clone(&self.instances[id].module);
        for (index, (place, _)) in module.elements.iter().enumerate() {
            match place {
                &Place::Active(table, ref offset) => {
                    let offset = self.constant(&self.instances[id], offset) as u64;
                    let len = self.instances[id].elements[index].len() as u64;
                    self.table_init(id, table, index as u32, (offset, 0, len))?;
                    self.instances[id].elements[index].clear();
                }
                Place::Declared => self.instances[id].elements[index].clear(),
                Place::Passive => {}
            }
        }
        for (index, (place, _)) in module.data.iter().enumerate() {
            if let &Place::Active(memory, ref offset) = place {
                let offset = self.constant(&self.instances[id], offset) as u64;
                let len = self.instances[id].data[index].len() as u64;
                self.memory_init(id, memory, index as u32, (offset, 0, len))?;
                self.instances[id].data[index].clear();
            }
        }
        Ok(())
    }

    /// Copies elements of a segment into a table, whole or not at all.
    pub(crate) fn table_init(
        &mut self,
        id: usize,
        table: u32,
        segment: u32,
        (to, from, len): Span,
    ) -> Result<(), Trap> {
        let instance = &self.instances[id];
        let table = &mut self.tables[instance.tables[table as usize]];
        let source = range(&instance.elements[segment as usize], from, len).ok_or(Trap::TableOutOfBounds)?;
        range_mut(&mut table.elements, to, len).ok_or(Trap::TableOutOfBounds)?.copy_from_slice(source);
        Ok(())
    }

    /// Copies bytes of a segment into a memory, whole or not at all.
    pub(crate) fn memory_init(
        &mut self,
        id: usize,
        memory: u32,
        segment: u32,
        (to, from, len): Span,
    ) -> Result<(), Trap> {
        let instance = &self.instances[id];
        let memory = &mut self.memories[instance.memories[memory as usize]];
        let source = range(&instance.data[segment as usize], from, len).ok_or(Trap::MemoryOutOfBounds)?;
        range_mut(&mut memory.bytes, to, len).ok_or(Trap::MemoryOutOfBounds)?.copy_from_slice(source);
        Ok(())
    }
}

/// Whether something of size `min` and maximum `max` may stand for an import that declares `least` and `most`.
fn fits(min: u64, max: Option<u64>, least: u64, most: Option<u64>) -> bool {
    min >= least && most.is_none_or(|most| max.is_some_and(|max| max <= most))
}

/// `len` items from `from`; none when the range ends past the end.
pub(crate) fn range<T>(items: &[T], from: u64, len: u64) -> Option<&[T]> {
    items.get(from as usize..)?.get(..len as usize)
}

/// `len` items from `from`, to write to.
pub(crate) fn range_mut<T>(items: &mut [T], from: u64, len: u64) -> Option<&mut [T]> {
    items.get_mut(from as usize..)?.get_mut(..len as usize)
}

//! Bytes -> [`Parsed`]: sections, types, bodies walked into any sink.

use super::bodies::Bodies;
use super::isa::Op;
#[cfg(feature = "simd")]
use super::num::slot::Operand;
use super::types::{FuncType, GlobalType, MemoryType, PageSize, TableType, ValType};
use crate::error::{LoadError, LoadErrorKind};
use crate::gas::Schedule;
use crate::profile::Profile;
use alloc::{boxed::Box, format, string::String, vec::Vec};
use wasmparser::{
    CompositeInnerType, DataKind, ElementItems, ElementKind, ExternalKind, FuncToValidate, FunctionBody, HeapType,
    Operator, Parser, Payload, SubType, TableInit, TypeRef, TypeSectionReader, UnpackedIndex, ValidPayload, Validator,
    ValidatorResources,
};

/// What every Wasm module starts with.
pub const MAGIC: [u8; 4] = *b"\0asm";
/// Magic and version 1.
pub const PREAMBLE: [u8; 8] = *b"\0asm\x01\0\0\0";

/// A validated module without its code.
#[derive(Debug, Default)]
pub struct Parsed {
    /// Function types.
    pub types: Vec<FuncType>,
    /// Imports in order.
    pub imports: Vec<Import>,
    /// Type index of every function, imported ones first.
    pub functions: Vec<u32>,
    /// How many of them are imported.
    pub imported_functions: u32,
    /// Every table, imported ones first.
    pub tables: Vec<TableType>,
    /// How many of them are imported.
    pub imported_tables: u32,
    /// What the elements of the tables that are not imported begin as.
    pub table_inits: Vec<ConstExpr>,
    /// Every memory, imported ones first.
    pub memories: Vec<MemoryType>,
    /// How many of them are imported.
    pub imported_memories: u32,
    /// Every global, imported ones first.
    pub globals: Vec<GlobalType>,
    /// Type index of every tag, imported ones first.
    pub tags: Vec<u32>,
    /// How many of them are imported.
    pub imported_tags: u32,
    /// Initial values of the globals that are not imported.
    pub global_inits: Vec<ConstExpr>,
    /// Constant expressions of several operators, in the order of execution.
    pub const_programs: Vec<Box<[ConstStep]>>,
    /// Exports in order.
    pub exports: Vec<Export>,
    /// The start function and the offset of its section.
    pub start: Option<(u32, usize)>,
    /// Element segments.
    pub elements: Vec<ElementSegment>,
    /// Data segments.
    pub data: Vec<DataSegment>,
    /// Offset and length of every custom section's contents, with its name.
    pub customs: Vec<(String, core::ops::Range<usize>)>,
    /// Bytes of the module.
    pub len: usize,
    /// Whether a type or a global is, or has, a vector.
    pub(crate) has_vectors: bool,
    /// Whether something that is declared names a type: then stores number the types.
    pub(crate) names_types: bool,
    /// Whether memory 0 is far ([`Parsed::is_far`]).
    pub(crate) first_is_far: bool,
    name_section: Option<Box<[u8]>>,
    names_base: u64,
}

/// An import.
#[derive(Clone, Debug)]
pub struct Import {
    /// Module name.
    pub module: String,
    /// Field name.
    pub name: String,
    /// What is imported.
    pub kind: ImportKind,
    /// Byte offset of the entry.
    pub offset: usize,
}

/// What is imported.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum ImportKind {
    /// A function, by type index.
    Func(u32),
    Table(TableType),
    Memory(MemoryType),
    Global(GlobalType),
    /// A tag, by type index.
    Tag(u32),
}

/// An export.
#[derive(Clone, Debug)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// What is exported.
    pub kind: ExportKind,
    /// Index in its space.
    pub index: u32,
    /// Byte offset of the entry.
    pub offset: usize,
}

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ExportKind {
    Func,
    Table,
    Memory,
    Global,
    Tag,
}

/// A constant expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConstExpr {
    /// A number, as a slot.
    Value(u64),
    /// A vector, as its slots.
    Vector([u64; 2]),
    /// The value of an imported global.
    Global(u32),
    /// A reference to a function.
    Func(u32),
    /// A null reference.
    Null,
    /// What several operators give: that one of [`Parsed::const_programs`].
    Program(u32),
}

/// One operator of a constant expression that has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConstStep {
    /// Leaves a value.
    Push(ConstExpr),
    /// Takes two integers and leaves one.
    Apply(Op),
}

/// How a segment gets into its table or memory.
#[derive(Clone, Copy, Debug)]
pub enum SegmentMode {
    /// At instantiation, into the table or memory of that index.
    Active {
        /// Table or memory.
        index: u32,
        /// Where.
        at: ConstExpr,
    },
    /// By `table.init` or `memory.init`.
    Passive,
    /// Never: it only declares functions for `ref.func`.
    Declared,
}

/// An element segment.
#[derive(Clone, Debug)]
pub struct ElementSegment {
    /// When it is used.
    pub mode: SegmentMode,
    /// Its references.
    pub items: Box<[ConstExpr]>,
}

/// A data segment.
#[derive(Clone, Debug)]
pub struct DataSegment {
    /// When it is used.
    pub mode: SegmentMode,
    /// Its bytes.
    pub bytes: Box<[u8]>,
}

impl Parsed {
    /// The type of function `index`.
    pub fn func_type(&self, index: u32) -> &FuncType {
        &self.types[self.functions[index as usize] as usize]
    }

    /// Whether loads, stores and bulk operators reach that memory, which there is, the long way: because it is not memory 0,
    /// or has 64-bit addresses or pages of another size.
    pub fn is_far(&self, memory: u32) -> bool {
        memory != 0 || self.first_is_far
    }

    /// Whether all its memories are near.
    pub(crate) fn has_far_memories(&self) -> bool {
        self.first_is_far || self.memories.len() > 1
    }

    /// The export of that name.
    pub fn export(&self, name: &str) -> Option<&Export> {
        self.exports.iter().find(|e| e.name == name)
    }

    /// The name of function `index` in the module's name section.
    pub fn function_name(&self, index: u32) -> Option<String> {
        self.function_names().find(|(named, _)| *named == index).map(|(_, name)| name.into())
    }

    /// All names of functions in the module's name section, by index; what is malformed there is left out.
    pub fn function_names(&self) -> impl Iterator<Item = (u32, &str)> {
        let reader = self
            .name_section
            .as_deref()
            .map(|section| wasmparser::NameSectionReader::new(wasmparser::BinaryReader::new(section, self.names_base)));
        let functions = reader.into_iter().flatten().find_map(|subsection| match subsection {
            Ok(wasmparser::Name::Function(names)) => Some(names),
            _ => None,
        });
        functions.into_iter().flatten().filter_map(Result::ok).map(|naming| (naming.index, naming.name))
    }
}

/// Whether bytes are looked at as anybody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// They are validated.
    None,
    /// They were valid when they were loaded before, under the same profile.
    Valid,
}

/// Loads `bytes`; `finish` gets the declarations and the bodies, to walk them into a sink of its own.
pub(crate) fn load<T>(
    bytes: &[u8],
    profile: &Profile,
    schedule: Schedule,
    trust: Trust,
    finish: impl FnOnce(&Parsed, Bodies<'_>) -> Result<T, LoadError>,
) -> Result<(Parsed, T), LoadError> {
    check_preamble(bytes)?;
    if bytes.len() > profile.module.code_bytes {
        return Err(limit(profile.module.code_bytes, "the module is too large"));
    }
    let mut loader = Loader { profile, parsed: Parsed { len: bytes.len(), ..Parsed::default() } };
    let (bodies, functions) = loader.sections(bytes, trust)?;
    let mut parsed = loader.parsed;
    parsed.has_vectors = profile.features.simd()
        && (parsed.types.iter().any(|ty| ty.vectors() != (0, 0))
            || parsed.globals.iter().any(|ty| ty.content == ValType::V128));
    parsed.names_types |= parsed.globals.iter().any(|ty| ty.content.concrete().is_some())
        || parsed.tables.iter().any(|ty| ty.element.concrete().is_some());
    parsed.first_is_far = parsed.memories.first().is_some_and(|memory| !memory.is_ordinary());
    let made = finish(&parsed, Bodies { parsed: &parsed, bodies, functions, profile, schedule })?;
    Ok((parsed, made))
}

/// Magic and version, before anything else looks at the bytes.
pub fn check_preamble(bytes: &[u8]) -> Result<(), LoadError> {
    if bytes.get(..4) != Some(&MAGIC) {
        return Err(LoadError::new(LoadErrorKind::NotWasm, 0, "not WebAssembly: the magic is missing"));
    }
    if bytes.get(..8) != Some(&PREAMBLE) {
        return Err(LoadError::new(LoadErrorKind::Version, 4, "the version is not 1"));
    }
    Ok(())
}

fn limit(offset: usize, what: &'static str) -> LoadError {
    LoadError::new(LoadErrorKind::Limit, offset, what)
}

fn unsupported(offset: usize, what: impl Into<alloc::borrow::Cow<'static, str>>) -> LoadError {
    LoadError::new(LoadErrorKind::Unsupported, offset, what)
}

/// Function bodies, and what validates them.
type ToWalk<'a> = (Vec<FunctionBody<'a>>, Vec<FuncToValidate<ValidatorResources>>);

struct Loader<'p> {
    profile: &'p Profile,
    parsed: Parsed,
}

impl Loader<'_> {
    /// The function bodies, and what validates them.
    fn sections<'a>(&mut self, bytes: &'a [u8], trust: Trust) -> Result<ToWalk<'a>, LoadError> {
        let mut parser = Parser::new(0);
        parser.set_features(self.profile.features);
        let mut validator = (trust == Trust::None).then(|| Validator::new_with_features(self.profile.features));
        let (mut bodies, mut functions) = (Vec::new(), Vec::new());
        for payload in parser.parse_all(bytes) {
            let payload = payload?;
            self.count(&payload)?;
            if let Some(validator) = &mut validator
                && let ValidPayload::Func(function, _) = validator.payload(&payload)?
            {
                functions.push(function);
            }
            match payload {
                Payload::CodeSectionEntry(body) => bodies.push(body),
                Payload::TypeSection(reader) => {
                    let Some(validator) = &validator else {
                        self.types_by_index(reader)?;
                        continue;
                    };
                    // The validator has read them and keeps them: what it says of them need not be read again.
                    let types = validator.types(0).expect("a module is being validated");
                    self.parsed.types.reserve_exact(types.core_type_count_in_module() as usize);
                    for index in 0..types.core_type_count_in_module() {
                        let ty = &types[types.core_type_at_in_module(index)];
                        let Some(ty) = self.func_type(ty)? else { break };
                        self.parsed.types.push(ty);
                    }
                    if self.parsed.types.len() < types.core_type_count_in_module() as usize {
                        // Types that name types, which the validator has replaced by numbers of its own.
                        self.parsed.types.clear();
                        self.types_by_index(reader)?;
                    }
                }
                Payload::ImportSection(reader) => {
                    self.parsed.imports.reserve_exact(reader.count() as usize);
                    for import in reader.into_imports_with_offsets() {
                        let (offset, import) = import?;
                        self.import(offset as usize, import)?;
                    }
                }
                Payload::FunctionSection(reader) => {
                    self.parsed.functions.reserve_exact(reader.count() as usize);
                    for ty in reader {
                        self.parsed.functions.push(ty?);
                    }
                }
                Payload::TableSection(reader) => {
                    for table in reader.into_iter_with_offsets() {
                        let (offset, table) = table?;
                        let ty = self.table_type(offset as usize, &table.ty)?;
                        self.parsed.tables.push(ty);
                        let init = match &table.init {
                            TableInit::RefNull => ConstExpr::Null,
                            TableInit::Expr(init) => self.const_expr(init)?,
                        };
                        self.parsed.table_inits.push(init);
                    }
                }
                Payload::MemorySection(reader) => {
                    for memory in reader.into_iter_with_offsets() {
                        let (offset, memory) = memory?;
                        let ty = self.memory_type(offset as usize, &memory)?;
                        self.parsed.memories.push(ty);
                    }
                }
                Payload::TagSection(reader) => {
                    for tag in reader {
                        self.parsed.tags.push(tag?.func_type_idx);
                    }
                }
                Payload::GlobalSection(reader) => {
                    self.parsed.globals.reserve_exact(reader.count() as usize);
                    self.parsed.global_inits.reserve_exact(reader.count() as usize);
                    for global in reader {
                        let global = global?;
                        self.parsed.globals.push(global_type(&global.ty)?);
                        let init = self.const_expr(&global.init_expr)?;
                        self.parsed.global_inits.push(init);
                    }
                }
                Payload::ExportSection(reader) => {
                    self.parsed.exports.reserve_exact(reader.count() as usize);
                    for export in reader.into_iter_with_offsets() {
                        let (offset, export) = export?;
                        self.export(offset as usize, &export)?;
                    }
                }
                // Validated: as many as there are functions.
                Payload::CodeSectionStart { count, .. } => {
                    bodies.reserve_exact(count as usize);
                    functions.reserve_exact(if validator.is_some() { count as usize } else { 0 });
                }
                Payload::StartSection { func, range } => self.parsed.start = Some((func, range.start as usize)),
                Payload::ElementSection(reader) => {
                    self.parsed.elements.reserve_exact(reader.count() as usize);
                    for segment in reader {
                        let segment = self.element_segment(segment?)?;
                        self.parsed.elements.push(segment);
                    }
                }
                Payload::DataSection(reader) => {
                    self.parsed.data.reserve_exact(reader.count() as usize);
                    for segment in reader {
                        let segment = segment?;
                        let mode = match segment.kind {
                            DataKind::Passive => SegmentMode::Passive,
                            DataKind::Active { memory_index, offset_expr } => {
                                SegmentMode::Active { index: memory_index, at: self.const_expr(&offset_expr)? }
                            }
                        };
                        self.parsed.data.push(DataSegment { mode, bytes: segment.data.into() });
                    }
                }
                Payload::CustomSection(section) => {
                    let start = section.data_offset() as usize;
                    if section.name() == "name" && self.parsed.name_section.is_none() {
                        self.parsed.name_section = Some(section.data().into());
                        self.parsed.names_base = section.data_offset();
                    }
                    self.parsed.customs.push((section.name().into(), start..start + section.data().len()));
                }
                _ => {}
            }
        }
        Ok((bodies, functions))
    }

    /// Our own limits on counts, before the parser's or the validator's.
    fn count(&self, payload: &Payload<'_>) -> Result<(), LoadError> {
        let p = &self.parsed;
        let (count, range, what) = match payload {
            Payload::TypeSection(s) => (s.count(), s.range(), "types"),
            Payload::ImportSection(s) => (s.count(), s.range(), "imports"),
            Payload::FunctionSection(s) => (s.count().saturating_add(p.imported_functions), s.range(), "functions"),
            Payload::TableSection(s) => (s.count().saturating_add(p.imported_tables), s.range(), "tables"),
            Payload::GlobalSection(s) => (s.count().saturating_add(p.globals.len() as u32), s.range(), "globals"),
            Payload::TagSection(s) => (s.count().saturating_add(p.imported_tags), s.range(), "tags"),
            Payload::ExportSection(s) => (s.count(), s.range(), "exports"),
            Payload::ElementSection(s) => (s.count(), s.range(), "element segments"),
            Payload::DataSection(s) => (s.count(), s.range(), "data segments"),
            _ => return Ok(()),
        };
        if count > self.profile.module.items {
            return Err(LoadError::new(LoadErrorKind::Limit, range.start as usize, format!("too many {what}")));
        }
        Ok(())
    }

    /// The type of a function; `None`: it names a type.
    fn func_type(&self, ty: &SubType) -> Result<Option<FuncType>, LoadError> {
        let CompositeInnerType::Func(ty) = &ty.composite_type.inner else {
            return Err(unsupported(0, "only function types are supported"));
        };
        if (ty.params().len() + ty.results().len()) as u64 > u64::from(self.profile.module.signature) {
            return Err(limit(0, "too many parameters and results"));
        }
        let types = ty.params().iter().chain(ty.results());
        let is_named = |ty: &wasmparser::ValType| matches!(ty, wasmparser::ValType::Ref(ty) if matches!(ty.heap_type(), HeapType::Concrete(UnpackedIndex::Id(_))));
        if types.clone().any(is_named) {
            return Ok(None);
        }
        let types: Box<[ValType]> = types.map(|ty| val_type(*ty)).collect::<Result<_, _>>()?;
        Ok(Some(FuncType::from_list(types, ty.params().len())))
    }

    /// All types as the section has them.
    fn types_by_index(&mut self, reader: TypeSectionReader<'_>) -> Result<(), LoadError> {
        for group in reader {
            for ty in group?.types() {
                let ty = self.func_type(ty)?.expect("read from the section, which has indices alone");
                self.parsed.names_types |= ty.params().iter().chain(ty.results()).any(|ty| ty.concrete().is_some());
                self.parsed.types.push(ty);
            }
        }
        Ok(())
    }

    fn import(&mut self, offset: usize, import: wasmparser::Import<'_>) -> Result<(), LoadError> {
        let p = &mut self.parsed;
        let kind = match import.ty {
            TypeRef::Func(ty) => {
                p.functions.push(ty);
                p.imported_functions += 1;
                ImportKind::Func(ty)
            }
            TypeRef::Table(ty) => {
                let ty = self.table_type(offset, &ty)?;
                self.parsed.tables.push(ty);
                self.parsed.imported_tables += 1;
                ImportKind::Table(ty)
            }
            TypeRef::Memory(ty) => {
                let ty = self.memory_type(offset, &ty)?;
                self.parsed.memories.push(ty);
                self.parsed.imported_memories += 1;
                ImportKind::Memory(ty)
            }
            TypeRef::Global(ty) => {
                let ty = global_type(&ty)?;
                p.globals.push(ty);
                ImportKind::Global(ty)
            }
            TypeRef::Tag(ty) => {
                p.tags.push(ty.func_type_idx);
                p.imported_tags += 1;
                ImportKind::Tag(ty.func_type_idx)
            }
            TypeRef::FuncExact(_) => return Err(unsupported(offset, "import kind is not supported")),
        };
        self.parsed.imports.push(Import { module: import.module.into(), name: import.name.into(), kind, offset });
        Ok(())
    }

    fn export(&mut self, offset: usize, export: &wasmparser::Export<'_>) -> Result<(), LoadError> {
        let kind = match export.kind {
            ExternalKind::Func => ExportKind::Func,
            ExternalKind::Table => ExportKind::Table,
            ExternalKind::Memory => ExportKind::Memory,
            ExternalKind::Global => ExportKind::Global,
            ExternalKind::Tag => ExportKind::Tag,
            ExternalKind::FuncExact => {
                return Err(unsupported(offset, "export kind is not supported"));
            }
        };
        self.parsed.exports.push(Export { name: export.name.into(), kind, index: export.index, offset });
        Ok(())
    }

    fn table_type(&self, offset: usize, ty: &wasmparser::TableType) -> Result<TableType, LoadError> {
        let element = ValType::from_parser(wasmparser::ValType::Ref(ty.element_type))
            .ok_or_else(|| unsupported(offset, "the type of the elements is not supported"))?;
        if ty.initial > u64::from(self.profile.module.table_elements) {
            return Err(limit(offset, "the table is too large"));
        }
        Ok(TableType { element, min: ty.initial, max: ty.maximum, table64: ty.table64 })
    }

    fn memory_type(&self, offset: usize, ty: &wasmparser::MemoryType) -> Result<MemoryType, LoadError> {
        if self.parsed.memories.len() >= self.profile.module.memories as usize {
            return Err(limit(offset, "too many memories"));
        }
        // Validated: these are the sizes that there are.
        let page = if ty.page_size_log2 == Some(0) { PageSize::Byte } else { PageSize::Standard };
        if ty.initial > self.profile.run.memory.of_size(page) {
            return Err(limit(offset, "the memory's minimum is above the cap"));
        }
        Ok(MemoryType { min: ty.initial, max: ty.maximum, memory64: ty.memory64, page })
    }

    fn element_segment(&mut self, segment: wasmparser::Element<'_>) -> Result<ElementSegment, LoadError> {
        let mode = match segment.kind {
            ElementKind::Passive => SegmentMode::Passive,
            ElementKind::Declared => SegmentMode::Declared,
            ElementKind::Active { table_index, offset_expr } => {
                SegmentMode::Active { index: table_index.unwrap_or(0), at: self.const_expr(&offset_expr)? }
            }
        };
        let items = match segment.items {
            ElementItems::Functions(reader) => {
                reader.into_iter().map(|f| Ok(ConstExpr::Func(f?))).collect::<Result<_, LoadError>>()?
            }
            ElementItems::Expressions(_, reader) => {
                reader.into_iter().map(|e| self.const_expr(&e?)).collect::<Result<_, LoadError>>()?
            }
        };
        Ok(ElementSegment { mode, items })
    }

    /// Reads an expression that the validator has accepted, or will before anything runs.
    fn const_expr(&mut self, expr: &wasmparser::ConstExpr<'_>) -> Result<ConstExpr, LoadError> {
        let mut reader = expr.get_operators_reader();
        let (operator, offset) = reader.read_with_offset()?;
        let first = const_step(&operator, offset)?;
        let mut operator = reader.read_with_offset()?;
        if let (ConstStep::Push(value), (Operator::End, _)) = (first, &operator) {
            return Ok(value);
        }
        let mut steps = Vec::from([first]);
        while !matches!(operator.0, Operator::End) {
            steps.push(const_step(&operator.0, operator.1)?);
            operator = reader.read_with_offset()?;
        }
        self.parsed.const_programs.push(steps.into());
        Ok(ConstExpr::Program(self.parsed.const_programs.len() as u32 - 1))
    }
}

fn val_type(ty: wasmparser::ValType) -> Result<ValType, LoadError> {
    ValType::from_parser(ty).ok_or_else(|| unsupported(0, format!("type {ty} is not supported")))
}

fn global_type(ty: &wasmparser::GlobalType) -> Result<GlobalType, LoadError> {
    Ok(GlobalType { content: val_type(ty.content_type)?, mutable: ty.mutable })
}

fn const_step(operator: &Operator<'_>, offset: u64) -> Result<ConstStep, LoadError> {
    Ok(ConstStep::Push(match *operator {
        Operator::I32Const { value } => ConstExpr::Value(u64::from(value as u32)),
        Operator::I64Const { value } => ConstExpr::Value(value as u64),
        Operator::F32Const { value } => ConstExpr::Value(u64::from(value.bits())),
        Operator::F64Const { value } => ConstExpr::Value(value.bits()),
        #[cfg(feature = "simd")]
        Operator::V128Const { value } => ConstExpr::Vector(u128::from(value).into_slots()),
        Operator::GlobalGet { global_index } => ConstExpr::Global(global_index),
        Operator::RefFunc { function_index } => ConstExpr::Func(function_index),
        Operator::RefNull { .. } => ConstExpr::Null,
        Operator::I32Add => return Ok(ConstStep::Apply(Op::I32Add)),
        Operator::I32Sub => return Ok(ConstStep::Apply(Op::I32Sub)),
        Operator::I32Mul => return Ok(ConstStep::Apply(Op::I32Mul)),
        Operator::I64Add => return Ok(ConstStep::Apply(Op::I64Add)),
        Operator::I64Sub => return Ok(ConstStep::Apply(Op::I64Sub)),
        Operator::I64Mul => return Ok(ConstStep::Apply(Op::I64Mul)),
        _ => return Err(unsupported(offset as usize, "constant expression is not supported")),
    }))
}

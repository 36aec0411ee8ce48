//! Bytes to a module: sections, limits, constant expressions.

use crate::body::{Body, limit, refuse};
use crate::memory::most_pages;
use gristmill::wasm::isa::Op;
use gristmill::{LoadError, LoadErrorKind, Profile, Proposal, Schedule};
use std::rc::Rc;
use wasmparser::{
    CompositeInnerType, ConstExpr, DataKind, ElementItems, ElementKind, ExternalKind, FuncType, GlobalType, MemoryType,
    Operator, Parser, Payload, TableInit, TableType, TypeRef, ValidPayload, Validator, WasmFeatures,
};

/// The function types of a module.
pub(crate) type Types = Vec<FuncType>;

/// What a module asks for.
#[derive(Clone, Debug)]
pub struct Import {
    /// The module that is asked.
    pub module: String,
    /// The name that is asked for.
    pub name: String,
    /// The kind and type.
    pub ty: TypeRef,
}

/// What a module offers.
#[derive(Clone, Debug)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: ExternalKind,
    /// Its index among the module's own and imported items of that kind.
    pub index: u32,
}

/// A constant expression.
#[derive(Clone, Debug)]
pub(crate) enum Constant {
    /// A value; null references are 0.
    Bits(u128),
    /// The value of a global.
    Global(u32),
    /// A reference to a function.
    Func(u32),
    /// Of several operators, in order.
    Several(Vec<Constant>),
    /// An operator on two integers; only among several.
    Apply(Op),
}

/// Where a segment goes.
#[derive(Debug)]
pub(crate) enum Place {
    /// Copied at instantiation to an offset of a table or memory.
    Active(u32, Constant),
    /// Kept for the init operators.
    Passive,
    /// Only declares functions.
    Declared,
}

/// A validated module. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Module(pub(crate) Rc<Contents>);

#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) types: Types,
    pub(crate) imports: Vec<Import>,
    /// The type of every function, imported ones first.
    pub(crate) funcs: Vec<u32>,
    pub(crate) imported_globals: usize,
    pub(crate) imported_memories: usize,
    pub(crate) tables: Vec<(TableType, Constant)>,
    pub(crate) memories: Vec<MemoryType>,
    pub(crate) globals: Vec<(GlobalType, Constant)>,
    /// Type of every tag, imported ones first.
    pub(crate) tags: Vec<u32>,
    pub(crate) imported_tags: usize,
    pub(crate) exports: Vec<Export>,
    pub(crate) start: Option<u32>,
    pub(crate) elements: Vec<(Place, Vec<Constant>)>,
    pub(crate) data: Vec<(Place, Vec<u8>)>,
    pub(crate) bodies: Vec<Rc<Body>>,
}

/// The features of a profile, spelled out once more.
fn features(profile: &Profile) -> WasmFeatures {
    let mut features = WasmFeatures::GC_TYPES
        | WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::CALL_INDIRECT_OVERLONG;
    if profile.name() == "general" {
        features |= WasmFeatures::FLOATS | WasmFeatures::SATURATING_FLOAT_TO_INT | WasmFeatures::REFERENCE_TYPES;
    }
    let proposals = Proposal::ALL.iter().filter(|proposal| profile.has(**proposal));
    proposals.fold(features, |features, proposal| {
        features
            | match proposal {
                Proposal::Simd => WasmFeatures::SIMD,
                Proposal::RelaxedSimd => WasmFeatures::RELAXED_SIMD,
                Proposal::ExtendedConst => WasmFeatures::EXTENDED_CONST,
                Proposal::TailCall => WasmFeatures::TAIL_CALL,
                Proposal::WideArithmetic => WasmFeatures::WIDE_ARITHMETIC,
                Proposal::MultiMemory => WasmFeatures::MULTI_MEMORY,
                Proposal::CustomPageSizes => WasmFeatures::CUSTOM_PAGE_SIZES,
                Proposal::Memory64 => WasmFeatures::MEMORY64,
                Proposal::FunctionReferences => WasmFeatures::FUNCTION_REFERENCES,
                Proposal::Exceptions => WasmFeatures::EXCEPTIONS,
            }
    })
}

impl Module {
    /// Validates `bytes` under the features and limits of `profile` and prices them by `schedule`.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn new(profile: &Profile, schedule: Schedule, bytes: &[u8]) -> Result<Self, LoadError> {
        if !bytes.starts_with(b"\0asm") {
            return Err(refuse(LoadErrorKind::NotWasm, 0, "not wasm"));
        }
        if bytes.get(4..8) != Some(&[1, 0, 0, 0]) {
            return Err(refuse(LoadErrorKind::Version, 4, "unknown binary version"));
        }
        if bytes.len() > profile.module.code_bytes {
            return Err(limit(0, "module too large"));
        }
        let mut module = Contents::default();
        let features = features(profile);
        let mut validator = Validator::new_with_features(features);
        let mut parser = Parser::new(0);
        parser.set_features(features);
        for payload in parser.parse_all(bytes) {
            let payload = payload?;
            if let ValidPayload::Func(to_validate, body) = validator.payload(&payload)? {
                let validator = to_validate.into_validator(Default::default());
                let body = Body::read(&body, validator, &module, profile, schedule)?;
                module.bodies.push(Rc::new(body));
            }
            module.section(payload, profile)?;
        }
        Ok(Self(Rc::new(module)))
    }

    /// What it asks for, in order.
    pub fn imports(&self) -> &[Import] {
        &self.0.imports
    }

    /// What it offers, in order.
    pub fn exports(&self) -> &[Export] {
        &self.0.exports
    }

    /// The type of the function with that index, imported ones first.
    pub fn func_type(&self, index: u32) -> &FuncType {
        &self.0.types[self.0.funcs[index as usize] as usize]
    }

    /// Whether it has a start function.
    pub fn has_start(&self) -> bool {
        self.0.start.is_some()
    }
}

impl Contents {
    fn section(&mut self, payload: Payload<'_>, profile: &Profile) -> Result<(), LoadError> {
        let limits = &profile.module;
        let items = |count: usize, what: &'static str| {
            if count > limits.items as usize { Err(limit(0, what)) } else { Ok(()) }
        };
        match payload {
            Payload::TypeSection(reader) => {
                items(reader.count() as usize, "too many types")?;
                let mut types = Vec::new();
                for group in reader {
                    types.extend(group?.into_types());
                }
                for ty in types {
                    let CompositeInnerType::Func(ty) = ty.composite_type.inner else {
                        return Err(refuse(LoadErrorKind::Unsupported, 0, "a type that is no function's"));
                    };
                    if ty.params().len() + ty.results().len() > limits.signature as usize {
                        return Err(limit(0, "too many parameters and results"));
                    }
                    self.types.push(ty);
                }
            }
            Payload::ImportSection(reader) => {
                items(reader.count() as usize, "too many imports")?;
                for import in reader.into_imports() {
                    let import = import?;
                    match import.ty {
                        TypeRef::Func(ty) => self.funcs.push(ty),
                        TypeRef::Table(ty) => check_table(&ty, profile)?,
                        TypeRef::Memory(ty) => {
                            self.imported_memories += 1;
                            check_memory(&ty, self.imported_memories, profile)?;
                        }
                        TypeRef::Global(_) => self.imported_globals += 1,
                        TypeRef::Tag(ty) => {
                            self.tags.push(ty.func_type_idx);
                            self.imported_tags += 1;
                        }
                        _ => {}
                    }
                    self.imports.push(Import { module: import.module.into(), name: import.name.into(), ty: import.ty });
                }
            }
            Payload::FunctionSection(reader) => {
                items(self.funcs.len() + reader.count() as usize, "too many functions")?;
                for ty in reader {
                    self.funcs.push(ty?);
                }
            }
            Payload::TableSection(reader) => {
                for table in reader {
                    let table = table?;
                    check_table(&table.ty, profile)?;
                    let init = match &table.init {
                        TableInit::RefNull => Constant::Bits(0),
                        TableInit::Expr(init) => constant(init)?,
                    };
                    self.tables.push((table.ty, init));
                }
            }
            Payload::MemorySection(reader) => {
                for memory in reader {
                    let ty = memory?;
                    self.memories.push(ty);
                    check_memory(&ty, self.imported_memories + self.memories.len(), profile)?;
                }
            }
            Payload::TagSection(reader) => {
                items(self.tags.len() + reader.count() as usize, "too many tags")?;
                for tag in reader {
                    self.tags.push(tag?.func_type_idx);
                }
            }
            Payload::GlobalSection(reader) => {
                items(self.imported_globals + reader.count() as usize, "too many globals")?;
                for global in reader {
                    let global = global?;
                    self.globals.push((global.ty, constant(&global.init_expr)?));
                }
            }
            Payload::ExportSection(reader) => {
                items(reader.count() as usize, "too many exports")?;
                for export in reader {
                    let export = export?;
                    self.exports.push(Export { name: export.name.into(), kind: export.kind, index: export.index });
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::ElementSection(reader) => {
                items(reader.count() as usize, "too many element segments")?;
                for element in reader {
                    let element = element?;
                    let place = match element.kind {
                        ElementKind::Passive => Place::Passive,
                        ElementKind::Declared => Place::Declared,
                        ElementKind::Active { table_index, offset_expr } => {
                            Place::Active(table_index.unwrap_or(0), constant(&offset_expr)?)
                        }
                    };
                    let values = match element.items {
                        ElementItems::Functions(funcs) => {
                            funcs.into_iter().map(|f| Ok(Constant::Func(f?))).collect::<Result<_, LoadError>>()?
                        }
                        ElementItems::Expressions(_, values) => {
                            values.into_iter().map(|e| constant(&e?)).collect::<Result<_, _>>()?
                        }
                    };
                    self.elements.push((place, values));
                }
            }
            Payload::DataSection(reader) => {
                items(reader.count() as usize, "too many data segments")?;
                for data in reader {
                    let data = data?;
                    let place = match data.kind {
                        DataKind::Passive => Place::Passive,
                        DataKind::Active { memory_index, offset_expr } => {
                            Place::Active(memory_index, constant(&offset_expr)?)
                        }
                    };
                    self.data.push((place, data.data.into()));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn check_table(ty: &TableType, profile: &Profile) -> Result<(), LoadError> {
    if ty.initial > u64::from(profile.module.table_elements) { Err(limit(0, "table too large")) } else { Ok(()) }
}

/// Checks the type of a memory, which makes it `count` of them.
fn check_memory(ty: &MemoryType, count: usize, profile: &Profile) -> Result<(), LoadError> {
    if count > profile.module.memories as usize {
        return Err(limit(0, "too many memories"));
    }
    let unbounded = MemoryType { maximum: None, ..*ty };
    if ty.initial > most_pages(&unbounded, profile.run.memory) { Err(limit(0, "memory too large")) } else { Ok(()) }
}

/// Reads a constant expression, which the validator has seen.
fn constant(expression: &ConstExpr<'_>) -> Result<Constant, LoadError> {
    let mut operators = expression.get_operators_reader();
    let mut constants = Vec::new();
    loop {
        let offset = operators.original_position();
        constants.push(match operators.read()? {
            Operator::I32Const { value } => Constant::Bits(u128::from(value as u32)),
            Operator::I64Const { value } => Constant::Bits(u128::from(value as u64)),
            Operator::F32Const { value } => Constant::Bits(value.bits().into()),
            Operator::F64Const { value } => Constant::Bits(value.bits().into()),
            Operator::V128Const { value } => Constant::Bits(value.into()),
            Operator::RefNull { .. } => Constant::Bits(0),
            Operator::RefFunc { function_index } => Constant::Func(function_index),
            Operator::GlobalGet { global_index } => Constant::Global(global_index),
            Operator::I32Add => Constant::Apply(Op::I32Add),
            Operator::I32Sub => Constant::Apply(Op::I32Sub),
            Operator::I32Mul => Constant::Apply(Op::I32Mul),
            Operator::I64Add => Constant::Apply(Op::I64Add),
            Operator::I64Sub => Constant::Apply(Op::I64Sub),
            Operator::I64Mul => Constant::Apply(Op::I64Mul),
            Operator::End if constants.len() == 1 => return Ok(constants.remove(0)),
            Operator::End => return Ok(Constant::Several(constants)),
            _ => return Err(refuse(LoadErrorKind::Unsupported, offset, "constant expression")),
        });
    }
}

//! Validated modules.

use super::engine::{CompilationMode, Engine};
use crate::error::Error;
use crate::interp::code::Code;
use crate::interp::translate::{self, listing::Listing};
use crate::wasm::load::{ExportKind, ImportKind, Parsed};
use crate::wasm::types::ExternType;
use alloc::{string::String, sync::Arc, vec::Vec};

/// A module that was validated, planned and translated. Cheap to clone, shareable between threads.
#[derive(Clone, Debug)]
pub struct Module(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: Engine,
    parsed: Arc<Parsed>,
    code: Arc<Code>,
}

/// An import of a module.
#[derive(Clone, Debug)]
pub struct ImportType<'a> {
    module: &'a str,
    name: &'a str,
    ty: ExternType,
}

impl<'a> ImportType<'a> {
    /// Module name.
    pub fn module(&self) -> &'a str {
        self.module
    }

    /// Field name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Type.
    pub fn ty(&self) -> &ExternType {
        &self.ty
    }
}

/// An export of a module.
#[derive(Clone, Debug)]
pub struct ExportType<'a> {
    name: &'a str,
    ty: ExternType,
}

impl<'a> ExportType<'a> {
    /// Name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Type.
    pub fn ty(&self) -> &ExternType {
        &self.ty
    }
}

impl Module {
    /// Loads `bytes`: validates them under the engine's profile, plans their gas, translates them (or will, function by
    /// function: [`CompilationMode`](super::CompilationMode)).
    ///
    /// # Errors
    /// [`Error::Load`] with the reason and a byte offset.
    pub fn new(engine: &Engine, bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self::load(engine, bytes)?)
    }

    pub(crate) fn load(engine: &Engine, bytes: &[u8]) -> Result<Self, crate::error::LoadError> {
        let (parsed, code) = translate::load(
            bytes,
            engine.profile(),
            engine.schedule(),
            engine.compilation_mode() == CompilationMode::LazyTranslation,
        )?;
        Ok(Self(Arc::new(Inner { engine: engine.clone(), parsed: Arc::new(parsed), code: Arc::new(code) })))
    }

    /// Checks that `bytes` load.
    ///
    /// # Errors
    /// As [`Module::new`].
    pub fn validate(engine: &Engine, bytes: &[u8]) -> Result<(), Error> {
        Self::new(engine, bytes).map(drop)
    }

    /// The engine that loaded it.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// Its declarations.
    pub fn parsed(&self) -> &Parsed {
        &self.0.parsed
    }

    pub(crate) fn parts(&self) -> (&Arc<Parsed>, &Arc<Code>) {
        (&self.0.parsed, &self.0.code)
    }

    /// Bytes that the module takes in memory, roughly: declarations, segments, code. What is translated later is not in it.
    pub fn size(&self) -> usize {
        self.0.parsed.len + size_of_val(&*self.0.code.words)
    }

    /// Its imports, in order.
    pub fn imports(&self) -> impl ExactSizeIterator<Item = ImportType<'_>> {
        let parsed = &self.0.parsed;
        parsed.imports.iter().map(|import| ImportType {
            module: &import.module,
            name: &import.name,
            ty: match import.kind {
                ImportKind::Func(ty) => ExternType::Func(parsed.types[ty as usize].clone()),
                ImportKind::Table(ty) => ExternType::Table(ty),
                ImportKind::Memory(ty) => ExternType::Memory(ty),
                ImportKind::Global(ty) => ExternType::Global(ty),
            },
        })
    }

    /// Its exports, in order.
    pub fn exports(&self) -> impl ExactSizeIterator<Item = ExportType<'_>> {
        self.0.parsed.exports.iter().map(|e| ExportType { name: &e.name, ty: self.export_type(e.kind, e.index) })
    }

    /// The type of the export of that name.
    pub fn get_export(&self, name: &str) -> Option<ExternType> {
        self.0.parsed.export(name).map(|e| self.export_type(e.kind, e.index))
    }

    fn export_type(&self, kind: ExportKind, index: u32) -> ExternType {
        let parsed = &self.0.parsed;
        match kind {
            ExportKind::Func => ExternType::Func(parsed.func_type(index).clone()),
            ExportKind::Table => ExternType::Table(parsed.tables[index as usize]),
            ExportKind::Memory => ExternType::Memory(parsed.memories[index as usize]),
            ExportKind::Global => ExternType::Global(parsed.globals[index as usize]),
        }
    }

    /// The interpreter's ops, function by function (index in the module), by name. For counting and looking, not stable.
    pub fn disassemble(&self) -> impl Iterator<Item = (u32, String)> + '_ {
        let first = self.0.parsed.imported_functions;
        self.0.code.listing().map(move |(function, _, words)| (first + function, words[0].name()))
    }

    /// Loads `bytes` and tells of every function how it was cut into metered blocks and translated. For looking, not
    /// stable.
    ///
    /// # Errors
    /// As [`Module::new`].
    pub fn listing(engine: &Engine, bytes: &[u8]) -> Result<(Self, Vec<Listing>), Error> {
        let (parsed, (code, listings)) = translate::load_listing(bytes, engine.profile(), engine.schedule())?;
        let inner = Inner { engine: engine.clone(), parsed: Arc::new(parsed), code: Arc::new(code) };
        Ok((Self(Arc::new(inner)), listings))
    }
}

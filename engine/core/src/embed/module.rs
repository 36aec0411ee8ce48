//! Validated modules.

use super::api::ApiRow;
use super::engine::{CompilationMode, Engine};
use crate::error::{Error, LoadError};
use crate::interp::code::Code;
use crate::interp::exec::prepared::Prepared;
use crate::interp::translate::{self, listing::Listing};
use crate::wasm::load::{ExportKind, Import, ImportKind, Parsed};
use crate::wasm::types::ExternType;
use alloc::{borrow::Cow, boxed::Box, string::String, sync::Arc, vec::Vec};

/// A module that was validated, planned and translated. Cheap to clone, shareable between threads.
#[derive(Clone, Debug)]
pub struct Module(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: Engine,
    prepared: Arc<Prepared>,
    /// The table whose rows all of its imports are, if it was loaded for one, and the row of each.
    rows: Option<(&'static [ApiRow], Box<[u32]>)>,
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

    fn load(engine: &Engine, bytes: &[u8]) -> Result<Self, LoadError> {
        Self::load_with(engine, bytes, |_| None)
    }

    /// Loads `bytes` that were loaded before: nothing is validated again, and functions are translated at their first call.
    ///
    /// # Errors
    /// None but for want of memory.
    ///
    /// # Safety
    /// These very bytes were loaded by this version of the engine under the same profile.
    #[allow(unsafe_code)]
    pub unsafe fn load_valid(engine: &Engine, bytes: &[u8]) -> Result<Self, Error> {
        let (parsed, code) = translated(engine, bytes, true)?;
        Ok(Self::of(engine, parsed, code, None))
    }

    /// The same for a table of host functions.
    ///
    /// # Safety
    /// As for [`Module::load_valid`].
    #[allow(unsafe_code)]
    pub(crate) unsafe fn load_valid_for(
        engine: &Engine,
        bytes: &[u8],
        table: &'static [ApiRow],
    ) -> Result<Self, Error> {
        let (parsed, code) = translated(engine, bytes, true)?;
        let rows = find_rows(&parsed, table).map(|rows| (table, rows));
        Ok(Self::of(engine, parsed, code, rows))
    }

    /// Loads `bytes` for a table of host functions: which rows it imports is looked up once.
    pub(crate) fn load_for(engine: &Engine, bytes: &[u8], table: &'static [ApiRow]) -> Result<Self, LoadError> {
        Self::load_with(engine, bytes, |parsed| Some((table, find_rows(parsed, table)?)))
    }

    #[allow(unsafe_code)]
    fn load_with(
        engine: &Engine,
        bytes: &[u8],
        rows: impl FnOnce(&Parsed) -> Option<(&'static [ApiRow], Box<[u32]>)>,
    ) -> Result<Self, LoadError> {
        let compiler = engine.compiler();
        // SAFETY: the one module that is loaded below gets the code.
        let found = compiler.and_then(|compiler| unsafe { compiler.find(engine, bytes) });
        let (parsed, code) = translated(engine, bytes, found.is_some())?;
        let rows = rows(&parsed);
        let module = Self::of(engine, parsed, code, rows);
        match (found, compiler) {
            (Some(attach), _) => attach(&module),
            // SAFETY: just now.
            (None, Some(compiler)) => unsafe { compiler.loaded(&module, bytes) },
            (None, None) => {}
        }
        Ok(module)
    }

    fn of(engine: &Engine, parsed: Parsed, code: Code, rows: Option<(&'static [ApiRow], Box<[u32]>)>) -> Self {
        let prepared = Arc::new(Prepared::new(parsed, code));
        Self(Arc::new(Inner { engine: engine.clone(), prepared, rows }))
    }

    /// Which rows of `table` it imports; `None`: it imports something else.
    pub(crate) fn rows(&self, table: &'static [ApiRow]) -> Option<Cow<'_, [u32]>> {
        match &self.0.rows {
            Some((known, rows)) if core::ptr::eq(*known, table) => Some(Cow::Borrowed(rows)),
            _ => find_rows(self.parsed(), table).map(|rows| Cow::Owned(rows.into())),
        }
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
        &self.0.prepared.parsed
    }

    pub(crate) fn prepared(&self) -> &Arc<Prepared> {
        &self.0.prepared
    }

    /// Bytes that the module takes in memory, roughly: declarations, segments, code. What is translated later is not in it.
    pub fn size(&self) -> usize {
        self.parsed().len + size_of_val(&*self.0.prepared.code.words)
    }

    /// Its imports, in order.
    pub fn imports(&self) -> impl ExactSizeIterator<Item = ImportType<'_>> {
        let parsed = self.parsed();
        parsed.imports.iter().map(|import| ImportType {
            module: &import.module,
            name: &import.name,
            ty: match import.kind {
                ImportKind::Func(ty) => ExternType::Func(parsed.types[ty as usize].clone()),
                ImportKind::Table(ty) => ExternType::Table(ty),
                ImportKind::Memory(ty) => ExternType::Memory(ty),
                ImportKind::Global(ty) => ExternType::Global(ty),
                ImportKind::Tag(ty) => ExternType::Tag(parsed.types[ty as usize].clone()),
            },
        })
    }

    /// Its exports, in order.
    pub fn exports(&self) -> impl ExactSizeIterator<Item = ExportType<'_>> {
        self.parsed().exports.iter().map(|e| ExportType { name: &e.name, ty: self.export_type(e.kind, e.index) })
    }

    /// The type of the export of that name.
    pub fn get_export(&self, name: &str) -> Option<ExternType> {
        self.parsed().export(name).map(|e| self.export_type(e.kind, e.index))
    }

    fn export_type(&self, kind: ExportKind, index: u32) -> ExternType {
        let parsed = self.parsed();
        match kind {
            ExportKind::Func => ExternType::Func(parsed.func_type(index).clone()),
            ExportKind::Table => ExternType::Table(parsed.tables[index as usize]),
            ExportKind::Memory => ExternType::Memory(parsed.memories[index as usize]),
            ExportKind::Global => ExternType::Global(parsed.globals[index as usize]),
            ExportKind::Tag => ExternType::Tag(parsed.types[parsed.tags[index as usize] as usize].clone()),
        }
    }

    /// The interpreter's ops, function by function (index in the module), by name. For counting and looking, not stable.
    pub fn disassemble(&self) -> impl Iterator<Item = (u32, String)> + '_ {
        let first = self.parsed().imported_functions;
        self.0.prepared.code.listing().map(move |(function, _, words)| (first + function, words[0].name()))
    }

    /// Loads `bytes` and tells of every function how it was cut into metered blocks and translated. For looking, not
    /// stable.
    ///
    /// # Errors
    /// As [`Module::new`].
    pub fn listing(engine: &Engine, bytes: &[u8]) -> Result<(Self, Vec<Listing>), Error> {
        let (parsed, (code, listings)) = translate::load_listing(bytes, engine.profile(), engine.schedule())?;
        Ok((Self::of(engine, parsed, code, None), listings))
    }
}

/// Loads `bytes` as the engine is configured; bodies that are known to be `valid` only when they are called.
fn translated(engine: &Engine, bytes: &[u8], valid: bool) -> Result<(Parsed, Code), LoadError> {
    let later = engine.compilation_mode() == CompilationMode::LazyTranslation
        || engine.compiler().is_some_and(|compiler| compiler.compiles_at_once());
    let when = match (valid, later) {
        (true, _) => translate::When::CalledAndValid,
        (false, true) => translate::When::Called,
        (false, false) => translate::When::Now,
    };
    let (parsed, mut code) = translate::load(bytes, engine.profile(), engine.schedule(), when, engine.bench())?;
    if engine.watch().sees_calls() {
        code.watch();
    }
    Ok((parsed, code))
}

/// The row of each import, if all imports are functions of the table.
fn find_rows(parsed: &Parsed, table: &'static [ApiRow]) -> Option<Box<[u32]>> {
    let row = |import: &Import| {
        let ImportKind::Func(ty) = import.kind else { return None };
        let named = |row: &ApiRow| row.name == import.name && row.module == import.module;
        let row = table.iter().position(named)?;
        table[row].has_type(&parsed.types[ty as usize]).then_some(row as u32)
    };
    parsed.imports.iter().map(row).collect()
}

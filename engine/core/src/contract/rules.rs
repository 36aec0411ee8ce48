//! What a contract must look like beyond valid WebAssembly (contract.md 1): exports, imports, no start function.
//!
//! Checked on the parsed module, before anything of it is instantiated. The order is fixed, but only the verdict is
//! consensus: every refusal ends a frame the same way.

use super::eei;
use super::execute::Options;
use crate::error::{LoadError, LoadErrorKind};
use crate::profile::Exports;
use crate::wasm::load::{ConstExpr, Export, ExportKind, Import, ImportKind, MAGIC, Parsed, SegmentMode};
use crate::wasm::types::FuncType;
use alloc::borrow::Cow;
use alloc::format;

/// Bytes of a page of linear memory.
const PAGE: u64 = 65_536;

/// Whether `code` has the magic of WebAssembly; everything else is somebody else's code.
pub fn is_wasm(code: &[u8]) -> bool {
    code.starts_with(&MAGIC)
}

/// Checks the rules.
///
/// # Errors
/// [`LoadErrorKind::Contract`] with the offset of the entry that breaks a rule, or of the module's end when something is
/// missing.
pub fn check(module: &Parsed, options: &Options) -> Result<(), LoadError> {
    module.imports.iter().try_for_each(|import| check_import(module, import, options))?;
    if let Some((_, offset)) = module.start {
        return Err(refuse(offset, "a contract has no start function"));
    }
    let memory = exported(module, "memory", ExportKind::Memory)?;
    // Imports of memories are refused above, and the profile has one memory at most.
    debug_assert_eq!(memory.index, 0);
    let main = exported(module, "main", ExportKind::Func)?;
    let ty = module.func_type(main.index);
    if *ty != FuncType::new([], []) {
        return Err(refuse(main.offset, format!("`main` has type {ty} and must have () -> ()")));
    }
    let other = module.exports.iter().find(|e| e.name != "memory" && e.name != "main");
    if let (Exports::Strict, Some(other)) = (options.exports, other) {
        let what = format!("a contract exports `memory` and `main` only, not `{}`", other.name);
        return Err(refuse(other.offset, what));
    }
    Ok(())
}

/// Whether all active segments lie inside the initial memory and table. Creations check it, of init code and of deployed
/// code; a call to code that was deployed elsewhere traps at instantiation.
pub fn segments_fit(module: &Parsed) -> bool {
    let fits = |mode: &SegmentMode, length: usize, size_of: &dyn Fn(u32) -> Option<u64>| match *mode {
        SegmentMode::Active { index, at: ConstExpr::Value(at) } => {
            size_of(index).is_some_and(|size| u64::from(at as u32) + length as u64 <= size)
        }
        // A contract imports no global, so every other offset is a module's own that the profile has no use for.
        SegmentMode::Active { .. } => false,
        SegmentMode::Passive | SegmentMode::Declared => true,
    };
    let pages = |index: u32| module.memories.get(index as usize).map(|m| m.min * PAGE);
    let elements = |index: u32| module.tables.get(index as usize).map(|t| t.min);
    module.elements.iter().all(|s| fits(&s.mode, s.items.len(), &elements))
        && module.data.iter().all(|s| fits(&s.mode, s.bytes.len(), &pages))
}

fn refuse(offset: usize, what: impl Into<Cow<'static, str>>) -> LoadError {
    LoadError::new(LoadErrorKind::Contract, offset, what)
}

fn exported<'m>(module: &'m Parsed, name: &str, kind: ExportKind) -> Result<&'m Export, LoadError> {
    match module.export(name) {
        Some(export) if export.kind == kind => Ok(export),
        Some(export) => Err(refuse(export.offset, format!("export `{name}` is not a {}", kind_name(kind)))),
        None => Err(refuse(module.len, format!("a contract exports the {} `{name}`", kind_name(kind)))),
    }
}

fn kind_name(kind: ExportKind) -> &'static str {
    match kind {
        ExportKind::Func => "function",
        ExportKind::Table => "table",
        ExportKind::Memory => "memory",
        ExportKind::Global => "global",
        ExportKind::Tag => "tag",
    }
}

fn check_import(module: &Parsed, import: &Import, options: &Options) -> Result<(), LoadError> {
    let full = || format!("{}.{}", import.module, import.name);
    let ImportKind::Func(ty) = import.kind else {
        return Err(refuse(import.offset, format!("import `{}` is not a function", full())));
    };
    let Some(row) = eei::resolve(&import.module, &import.name, options) else {
        return Err(refuse(import.offset, format!("import `{}` is not a function of the interface", full())));
    };
    let ty = module.types.get(ty as usize).ok_or_else(|| refuse(import.offset, "an import without a type"))?;
    if !row.has_type(ty) {
        let wanted = row.ty();
        return Err(refuse(import.offset, format!("import `{}` has type {ty} and must have {wanted}", full())));
    }
    Ok(())
}

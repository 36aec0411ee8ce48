//! What functions of a module are called.

use std::collections::HashMap;

use gristmill::wasm::load::{ExportKind, ImportKind, Parsed};

/// Names of functions by index, imported ones first.
pub struct Names<'m> {
    parsed: &'m Parsed,
    names: HashMap<u32, String>,
}

impl<'m> Names<'m> {
    /// The names that a module has: those of the name section, else of imports, else the first it is exported under.
    pub fn new(parsed: &'m Parsed) -> Self {
        let imports = parsed.imports.iter().filter(|import| matches!(import.kind, ImportKind::Func(_)));
        let imported = imports.zip(0..).map(|(import, index)| (index, format!("{}.{}", import.module, import.name)));
        let exports = parsed.exports.iter().filter(|export| export.kind == ExportKind::Func).rev();
        let exported = exports.map(|export| (export.index, export.name.clone()));
        let named = parsed.function_names().map(|(index, name)| (index, name.to_string()));
        Self { parsed, names: exported.chain(imported).chain(named).collect() }
    }

    /// The name of the function.
    pub fn of(&self, function: u32) -> Option<&str> {
        self.names.get(&function).map(String::as_str)
    }

    /// The names that the function is exported under.
    pub fn exports(&self, function: u32) -> impl Iterator<Item = &'m str> {
        let functions = self.parsed.exports.iter().filter(|export| export.kind == ExportKind::Func);
        functions.filter(move |export| export.index == function).map(|export| export.name.as_str())
    }

    /// `` `name` (function 3) ``, or just the number.
    pub fn label(&self, function: u32) -> String {
        match self.of(function) {
            Some(name) => format!("`{name}` (function {function})"),
            None => format!("function {function}"),
        }
    }

    /// Whether `wanted` means the function: its index, its name, or one that it is exported under.
    pub fn means(&self, wanted: &str, function: u32) -> bool {
        wanted.parse() == Ok(function)
            || self.of(function) == Some(wanted)
            || self.exports(function).any(|name| name == wanted)
    }
}

//! Source lines of a module's code, where its `.debug_*` sections tell them.

use std::collections::HashMap;

use addr2line::Context;
use addr2line::gimli::{Dwarf, EndianSlice, Error, LittleEndian};
use wasmparser::{Parser, Payload};

use super::Source;

/// What a module says of its source.
pub struct Lines<'a> {
    context: Context<EndianSlice<'a, LittleEndian>>,
    /// Where the code section's contents start: addresses count from there.
    code: usize,
}

impl<'a> Lines<'a> {
    /// Reads a module's debug sections; `None`: it has none, or they make no sense.
    pub fn of(bytes: &'a [u8]) -> Option<Self> {
        let (mut sections, mut code) = (HashMap::new(), None);
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.ok()? {
                Payload::CodeSectionStart { unchecked_range, .. } => code = Some(unchecked_range.start as usize),
                Payload::CustomSection(section) => {
                    sections.insert(section.name(), section.data());
                }
                _ => {}
            }
        }
        if !sections.contains_key(".debug_line") {
            return None;
        }
        let section = |name: &str| EndianSlice::new(sections.get(name).copied().unwrap_or_default(), LittleEndian);
        let dwarf = Dwarf::load(|id| Ok::<_, Error>(section(id.name()))).ok()?;
        Some(Self { context: Context::from_dwarf(dwarf).ok()?, code: code? })
    }

    /// The lines of the operator that starts at `offset` in the module: of the innermost inlined function first, of the
    /// function itself last.
    pub fn at(&self, offset: usize) -> Vec<Source> {
        let mut found: Vec<Source> = Vec::new();
        let Some(address) = offset.checked_sub(self.code) else { return found };
        let Ok(mut frames) = self.context.find_frames(address as u64).skip_all_loads() else { return found };
        let mut names = Vec::new();
        // Malformed sections end the list.
        while let Ok(Some(frame)) = frames.next() {
            let Some((file, location)) = frame.location.as_ref().and_then(|l| Some((l.file?, l))) else { continue };
            found.push(Source { inlined: None, file: file.into(), line: location.line, column: location.column });
            names.push(frame.function.and_then(|function| function.raw_name().ok().map(|name| name.into_owned())));
        }
        // The last one is the function itself, whose name the module says.
        names.pop();
        found.iter_mut().zip(names).for_each(|(source, name)| source.inlined = name);
        found
    }
}

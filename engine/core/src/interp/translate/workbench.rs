//! What loading leaves to the next body or module: lists with their room, and nothing in them.

use super::{Lists, Translator};
use crate::error::LoadError;
use crate::interp::code::Code;
use crate::interp::exec::slot::Slot;
use crate::wasm::bodies::{Bodies, KeptBodies};
use crate::wasm::load::Parsed;
use crate::wasm::walk::Walker;
use alloc::boxed::Box;

/// Bodies of so many bytes may leave their lists behind: these grow with the largest body and its locals.
const LEFT_BEHIND: usize = 32 << 10;

/// Of an engine, or of a module whose functions are translated when they are called: all that is translated on it has the same
/// profile and schedule. A quarter of what a small module allocates, and nearly all that one function does.
#[derive(Debug, Default)]
pub(crate) struct Workbench(Slot<(Walker, Lists)>);

impl Workbench {
    /// The code of `bodies`, all of which belong to `parsed`.
    pub fn translate(&self, parsed: &Parsed, bodies: &Bodies<'_>) -> Result<Code, LoadError> {
        let bytes = bodies.bytes();
        self.with(
            bytes,
            || bodies.walker(),
            |walker, lists| {
                let mut translator = Translator::new(parsed, bodies.schedule, bodies.len(), bytes, lists);
                bodies.walk(walker, &mut translator)?;
                Ok(translator.finish())
            },
        )
    }

    /// The code of function `index` alone, imported ones not counted, of `parsed`.
    pub fn translate_one(&self, index: usize, parsed: &Parsed, bodies: &KeptBodies) -> Result<Code, LoadError> {
        let bytes = bodies.bytes(index);
        self.with(
            bytes,
            || bodies.walker(),
            |walker, lists| {
                let mut translator = Translator::lazy(parsed, bodies.schedule(), bytes, lists);
                bodies.walk(index, walker, parsed, &mut translator)?;
                Ok(translator.finish())
            },
        )
    }

    /// What `translate` makes of bodies that have so many bytes. After an error the lists are as it left them: they are dropped.
    fn with(
        &self,
        bytes: usize,
        walker: impl FnOnce() -> Walker,
        translate: impl FnOnce(&mut Walker, Lists) -> Result<(Code, Lists), LoadError>,
    ) -> Result<Code, LoadError> {
        let mut tools = self.0.take().unwrap_or_else(|| Box::new((walker(), Lists::new())));
        let (walker, lists) = &mut *tools;
        let code;
        (code, *lists) = translate(walker, core::mem::take(lists))?;
        if bytes <= LEFT_BEHIND {
            self.0.put(tools);
        }
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::Workbench;
    use crate::interp::code::{Family, Word};
    use crate::{gas::Schedule, profile::Profile};
    use alloc::{vec, vec::Vec};

    /// Calls forwards and back, loops, branch tables, a second try with wide branches, errors in the middle of bodies: whatever a
    /// module leaves behind, the next becomes what it becomes alone.
    #[test]
    fn code_does_not_depend_on_what_was_loaded_before() {
        let far = alloc::format!(
            "(module (func (param i32) (block (br_if 0 (local.get 0)) {})))",
            "(i32.store (i32.const 0) (i32.const 7))".repeat(40_000)
        )
        .replace("(module", "(module (memory 1)");
        let texts = [
            "(module (func (drop (call 1 (i32.const 0)))) (func (param i32) (result i32) (loop (br_if 0 (local.get 0))) i32.const 3) (func))",
            "(module (func (param i32) (block (block (br_table 0 1 (local.get 0)))) drop))",
            "(module (func (param i32) (block (block (br_table 0 1 (local.get 0))))) (func call 0 (i32.const 1)))",
            "(module (func (param i32 i32) (local i64 f32) (if (local.get 0) (then (br 0)) (else (return)))))",
            "(module (func (result i32) (if (result i32) (i32.const 1) (then (i32.const 2)) (else (i64.const 3)))))",
            far.as_str(),
        ];
        let wasm: Vec<Vec<u8>> = texts.iter().map(|text| wat::parse_str(text).expect("valid text")).collect();
        let load = |bytes: &[u8], bench: &Workbench| {
            super::super::load(bytes, &Profile::general(), Schedule::V1, super::super::When::Now, bench)
                .map(|(_, code)| (code.words.iter().map(|word| word.0).collect::<Vec<_>>(), code.functions))
                .map_err(|error| alloc::format!("{error}"))
        };
        let alone: Vec<_> = wasm.iter().map(|bytes| load(bytes, &Workbench::default())).collect();
        assert_eq!(alone.iter().map(Result::is_ok).collect::<Vec<_>>(), vec![true, false, false, true, false, true]);
        let is_wide = |word: &u64| Word(*word).family() == Some(Family::BrNonZeroWide);
        assert!(alone.last().is_some_and(|far| far.as_ref().is_ok_and(|(words, _)| words.iter().any(is_wide))));
        let shared = Workbench::default();
        for before in &wasm {
            for (bytes, expected) in wasm.iter().zip(&alone) {
                drop(load(before, &shared));
                assert_eq!(&load(bytes, &shared), expected);
            }
        }
    }
}

//! Translation at the first call, for big modules off chain of which little runs.
//!
//! Loading validates and plans every body as always, so the same modules are refused for the same reasons, and keeps the
//! bodies, which are not validated again. In place of its code a function gets a stub: a header that charges for the entry and
//! takes a frame as small as the function's can be, and one op. That op has the function translated, unless a store before has, points the store's
//! function at the code, and enters that with what the stub has not charged and taken. Calls in such code go through the
//! instance's functions, not to an offset, since code is made in any order and never written again once it can run.

use super::code::{Code, Family, HEADER_WORDS, Word};
use super::exec::once::Once;
use super::translate::Workbench;
use crate::error::LoadError;
use crate::gas::Schedule;
use crate::limits::FRAME_OVERHEAD_SLOTS;
use crate::wasm::bodies::{Bodies, KeptBodies};
use crate::wasm::isa::Op;
use crate::wasm::load::Parsed;
use crate::wasm::plan::Step;
use crate::wasm::walk::{Arg, BodyHead, Ended, Sink};
use alloc::{boxed::Box, vec::Vec};
use core::fmt;

/// What is translated of a module, and what is not yet.
pub(crate) struct Lazy {
    bodies: KeptBodies,
    /// The code of each function, imported ones left out: its header first.
    code: Box<[Once<Code>]>,
    bench: Workbench,
}

impl Lazy {
    /// The code of function `index`, imported ones not counted, of the module `parsed`.
    ///
    /// # Errors
    /// None, but for what fits no code at all.
    pub fn code(&self, index: usize, parsed: &Parsed) -> Result<&[Word], LoadError> {
        if let Some(code) = self.code[index].get() {
            return Ok(&code.words);
        }
        let code = self.bench.translate_one(index, parsed, &self.bodies)?;
        Ok(&self.code[index].put(Box::new(code)).words)
    }

    /// Whether exceptions may be thrown through its functions.
    pub fn throws(&self) -> bool {
        self.bodies.profile().features.exceptions()
    }

    /// The code of function `index`, if there is any yet.
    pub fn translated(&self, index: usize) -> Option<&Code> {
        self.code.get(index)?.get()
    }

    /// The function whose code `pc` points into.
    pub fn function_at(&self, pc: *const Word) -> Option<usize> {
        self.code.iter().position(|code| code.get().is_some_and(|code| code.words.as_ptr_range().contains(&pc)))
    }
}

impl fmt::Debug for Lazy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let translated = self.code.iter().filter(|code| code.get().is_some()).count();
        f.debug_struct("Lazy").field("functions", &self.code.len()).field("translated", &translated).finish()
    }
}

/// The code of a module of stubs.
pub(crate) fn load(bodies: Bodies<'_>) -> Result<Code, LoadError> {
    let stubs = validate(&bodies)?;
    Ok(stubs.code(bodies))
}

/// Keeps the bodies of a module, if they are valid.
pub(crate) fn keep(bodies: Bodies<'_>) -> Result<KeptBodies, LoadError> {
    validate(&bodies)?;
    Ok(bodies.keep())
}

fn validate(bodies: &Bodies<'_>) -> Result<Stubs, LoadError> {
    let mut stubs = Stubs::new(bodies.schedule);
    bodies.walk_apart(&mut stubs)?;
    Ok(stubs)
}

/// The code of a module of stubs that is known to be valid: nothing but the bodies' locals is looked at.
pub(crate) fn load_valid(bodies: Bodies<'_>) -> Result<Code, LoadError> {
    let mut stubs = Stubs::new(bodies.schedule);
    bodies.heads().try_for_each(|head| {
        stubs.begin(head?);
        Ok::<_, LoadError>(())
    })?;
    Ok(stubs.code(bodies))
}

/// Makes a stub of every function.
struct Stubs {
    schedule: Schedule,
    words: Vec<Word>,
    functions: Vec<u32>,
}

impl Stubs {
    fn new(schedule: Schedule) -> Self {
        Self { schedule, words: Vec::new(), functions: Vec::new() }
    }

    /// The code of the module, of whose functions these are all.
    fn code(self, bodies: Bodies<'_>) -> Code {
        let bodies = bodies.keep();
        let code = (0..bodies.len()).map(|_| Once::new()).collect();
        Code {
            words: self.words,
            functions: self.functions.into(),
            regions: Vec::new(),
            lazy: Some(Box::new(Lazy { bodies, code, bench: Workbench::default() })),
        }
    }
}

impl Sink for Stubs {
    fn begin(&mut self, head: BodyHead) {
        let entry = self.schedule.entry_cost(head.locals).0;
        let height = (head.params + FRAME_OVERHEAD_SLOTS) as u16;
        let function = self.functions.len() as u32;
        self.functions.push(self.words.len() as u32);
        let header: [Word; HEADER_WORDS] = [Word(entry << 32), Word::new(height, head.params as u16, 0, 0)];
        self.words.extend(header);
        self.words.push(Word::wide(Family::Translate.effect(0), 0, function));
    }

    #[inline(always)]
    fn operator(&mut self, _op: Op, _arg: &Arg<'_>, _step: Step) -> Result<(), Box<LoadError>> {
        Ok(())
    }

    #[inline(always)]
    fn block(&mut self, _closed: Option<u32>, _opens: bool) {}

    fn end(&mut self, _height: u32) -> Result<Ended, LoadError> {
        Ok(Ended::Done)
    }
}

//! Function bodies: walked once when a module is loaded, or kept, to be walked again when a function is first called.

use super::load::Parsed;
use super::resources::Resources;
use super::walk::{BodyHead, Sink, Walker};
use crate::error::LoadError;
use crate::gas::Schedule;
use crate::profile::Profile;
use alloc::{boxed::Box, vec::Vec};
use core::ops::Range;
use wasmparser::{BinaryReader, FuncToValidate, FunctionBody, ValidatorResources, WasmModuleResources};

/// The function bodies of a module whose sections are valid.
pub(crate) struct Bodies<'a> {
    pub(super) parsed: &'a Parsed,
    pub(super) bodies: Vec<FunctionBody<'a>>,
    /// What validates them; nothing, if they are known to be valid.
    pub(super) functions: Vec<FuncToValidate<ValidatorResources>>,
    pub(super) profile: &'a Profile,
    pub(crate) schedule: Schedule,
}

impl Bodies<'_> {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.bodies.len()
    }

    /// Bytes of all of them.
    pub(crate) fn bytes(&self) -> usize {
        self.bodies.iter().map(|body| body.as_bytes().len()).sum()
    }

    /// What walks them, or those of another module of the same profile and schedule.
    pub(crate) fn walker(&self) -> Walker {
        Walker::new(self.schedule, *self.profile)
    }

    /// Validates and plans every body on its way into `sink`.
    pub(crate) fn walk(&self, walker: &mut Walker, sink: &mut impl Sink) -> Result<(), LoadError> {
        debug_assert!(
            self.functions.len() == self.bodies.len(),
            "bodies that are known to be valid are kept, not walked"
        );
        let Some(function) = self.functions.first() else { return Ok(()) };
        let resources = Resources::new(self.parsed, &function.resources);
        self.walk_by(walker, sink, |_| &resources)
    }

    /// The same for any sink but the translator. The validator is generic over what it knows a module by; with a type of its
    /// own it is compiled apart, and the copy that the translator uses stays inlined in the translator's walk alone: 4 % of
    /// the instructions of loading.
    pub(crate) fn walk_apart(&self, sink: &mut impl Sink) -> Result<(), LoadError> {
        self.walk_by(&mut self.walker(), sink, |resources| resources)
    }

    fn walk_by<'a, R: WasmModuleResources>(
        &'a self,
        walker: &mut Walker,
        sink: &mut impl Sink,
        resources: impl Fn(&'a ValidatorResources) -> R,
    ) -> Result<(), LoadError> {
        for (FuncToValidate { resources: module, index, ty, features }, body) in self.functions.iter().zip(&self.bodies)
        {
            let (index, ty, features) = (*index, *ty, *features);
            let function = || FuncToValidate { resources: resources(module), index, ty, features };
            walker.function(self.parsed, function, body, sink)?;
        }
        Ok(())
    }

    /// What is known of each before its operators.
    pub(crate) fn heads(&self) -> impl Iterator<Item = Result<BodyHead, LoadError>> {
        (self.parsed.imported_functions..).zip(&self.bodies).map(|(function, body)| {
            let (params, results) = self.parsed.func_type(function).slots();
            let mut head = BodyHead::new(function, params as u32, results as u32);
            let mut locals = body.get_locals_reader()?;
            for _ in 0..locals.get_count() {
                let (count, ty) = locals.read()?;
                head.declare(count, ty);
            }
            Ok(head)
        })
    }

    /// Copies the bodies, which are valid, to walk them one at a time later.
    pub(crate) fn keep(self) -> KeptBodies {
        let mut bytes = Vec::with_capacity(self.bytes());
        let keep = |body: FunctionBody<'_>| {
            let (start, offset) = (bytes.len(), body.range().start);
            bytes.extend_from_slice(body.as_bytes());
            Kept { bytes: start..bytes.len(), offset }
        };
        let bodies = self.bodies.into_iter().map(keep).collect();
        KeptBodies { bodies, bytes: bytes.into(), profile: *self.profile, schedule: self.schedule }
    }
}

/// The bodies of a valid module.
#[derive(Debug)]
pub(crate) struct KeptBodies {
    bodies: Box<[Kept]>,
    bytes: Box<[u8]>,
    profile: Profile,
    schedule: Schedule,
}

#[derive(Debug)]
struct Kept {
    /// Where it is among the bytes that are kept.
    bytes: Range<usize>,
    /// Where it was in the module.
    offset: u64,
}

impl KeptBodies {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.bodies.len()
    }

    /// Bytes that body `index` has.
    pub(crate) fn bytes(&self, index: usize) -> usize {
        self.bodies[index].bytes.len()
    }

    /// The schedule that they are planned by.
    pub(crate) fn schedule(&self) -> Schedule {
        self.schedule
    }

    /// The profile that they are valid under.
    pub(crate) fn profile(&self) -> &Profile {
        &self.profile
    }

    /// What walks them.
    pub(crate) fn walker(&self) -> Walker {
        Walker::new(self.schedule, self.profile)
    }

    /// Walks body `index`, imported functions not counted, into `sink`. `parsed` is the module that it belongs to.
    pub(crate) fn walk(
        &self,
        index: usize,
        walker: &mut Walker,
        parsed: &Parsed,
        sink: &mut impl Sink,
    ) -> Result<(), LoadError> {
        let kept = &self.bodies[index];
        let bytes = &self.bytes[kept.bytes.clone()];
        let body = FunctionBody::new(BinaryReader::new_features(bytes, kept.offset, self.profile.features));
        let function = parsed.imported_functions + index as u32;
        walker.valid_function(parsed, function, &body, sink)
    }
}

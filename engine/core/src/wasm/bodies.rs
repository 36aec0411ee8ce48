//! Function bodies: walked once when a module is loaded, or kept, to be walked again when a function is first called.

use super::load::Parsed;
use super::plan::Planner;
use super::resources::Resources;
use super::walk::{BodyHead, Ended, Sink, Walker};
use crate::error::LoadError;
use crate::gas::Schedule;
use crate::profile::Profile;
use alloc::{boxed::Box, vec::Vec};
use core::ops::Range;
use wasmparser::{
    BinaryReader, FuncToValidate, FuncValidatorAllocations, FunctionBody, ValidatorResources, WasmModuleResources,
};

/// A function of a module whose sections are valid, and its body.
pub(super) type Body<'a> = (FuncToValidate<ValidatorResources>, FunctionBody<'a>);

/// The function bodies of a module, not yet validated.
pub(crate) struct Bodies<'a> {
    pub(super) parsed: &'a Parsed,
    pub(super) bodies: Vec<Body<'a>>,
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
        self.bodies.iter().map(|(_, body)| body.as_bytes().len()).sum()
    }

    /// Validates and plans every body on its way into `sink`.
    pub(crate) fn walk(&self, sink: &mut impl Sink) -> Result<(), LoadError> {
        let Some((function, _)) = self.bodies.first() else { return Ok(()) };
        let resources = Resources::new(self.parsed, &function.resources);
        self.walk_by(sink, |_| &resources)
    }

    /// The same for any sink but the translator. The validator is generic over what it knows a module by; with a type of its
    /// own it is compiled apart, and the copy that the translator uses stays inlined in the translator's walk alone: 4 % of
    /// the instructions of loading.
    pub(crate) fn walk_apart(&self, sink: &mut impl Sink) -> Result<(), LoadError> {
        self.walk_by(sink, |resources| resources)
    }

    fn walk_by<'a, R: WasmModuleResources>(
        &'a self,
        sink: &mut impl Sink,
        resources: impl Fn(&'a ValidatorResources) -> R,
    ) -> Result<(), LoadError> {
        let mut walker = Walker::new(Planner::new(self.schedule), *self.profile);
        let mut allocations = FuncValidatorAllocations::default();
        for (FuncToValidate { resources: module, index, ty, features }, body) in &self.bodies {
            let (index, ty, features) = (*index, *ty, *features);
            let function = || FuncToValidate { resources: resources(module), index, ty, features };
            allocations = walk(&mut walker, self.parsed, function, body, allocations, sink)?;
        }
        Ok(())
    }

    /// Copies the bodies, to walk them one at a time later.
    pub(crate) fn keep(self) -> KeptBodies {
        let mut bytes = Vec::with_capacity(self.bytes());
        let keep = |(function, body): Body<'_>| {
            let (start, offset) = (bytes.len(), body.range().start);
            bytes.extend_from_slice(body.as_bytes());
            Kept { function, bytes: start..bytes.len(), offset }
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
    function: FuncToValidate<ValidatorResources>,
    /// Where its body is among the bytes that are kept.
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

    /// Walks body `index`, imported functions not counted, into `sink`. `parsed` is the module that it belongs to.
    pub(crate) fn walk(&self, index: usize, parsed: &Parsed, sink: &mut impl Sink) -> Result<(), LoadError> {
        let mut walker = Walker::new(Planner::new(self.schedule), self.profile);
        let kept = &self.bodies[index];
        let bytes = &self.bytes[kept.bytes.clone()];
        let body = FunctionBody::new(BinaryReader::new_features(bytes, kept.offset, self.profile.features));
        let FuncToValidate { resources, index, ty, features } = &kept.function;
        let resources = Resources::for_one(parsed, resources);
        let function = || FuncToValidate { resources: &resources, index: *index, ty: *ty, features: *features };
        walk(&mut walker, parsed, function, &body, FuncValidatorAllocations::default(), sink)?;
        Ok(())
    }
}

/// Walks one body, as often as the sink wants it.
fn walk<R: WasmModuleResources>(
    walker: &mut Walker,
    parsed: &Parsed,
    function: impl Fn() -> FuncToValidate<R>,
    body: &FunctionBody<'_>,
    mut allocations: FuncValidatorAllocations,
    sink: &mut impl Sink,
) -> Result<FuncValidatorAllocations, LoadError> {
    loop {
        let mut validator = function().into_validator(allocations);
        let ty = parsed.func_type(validator.index());
        let head = BodyHead {
            function: validator.index(),
            params: ty.params().len() as u32,
            locals: 0,
            results: ty.results().len() as u32,
        };
        let ended = walker.body(body, &mut validator, head, sink)?;
        allocations = validator.into_allocations();
        if ended == Ended::Done {
            return Ok(allocations);
        }
    }
}

//! A module to machine code: every function by itself, then one block of bytes that may lie anywhere.

use crate::Bounds;
use crate::abi::{self, Signatures};
use crate::charge::{self, CHARGE, LOOKED_AT, MARKS};
use crate::lower::{self, Lower};
use crate::stack::{FRAME, SLOT};
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{ExternalName, Function, InstBuilder, MemFlagsData, Signature, UserFuncName};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Context, FinalizedRelocTarget};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use gristmill::error::{Error, LoadError};
use gristmill::tier::{self, Source};
use gristmill::wasm::types::FuncType;
use serde::{Deserialize, Serialize};

/// Bytes of the largest body that is compiled: time grows faster than the body, and room with it.
const MAX_BODY: usize = 128 << 10;

const _: () = assert!(MAX_BODY <= tier::MAX_SITE, "sites tell all operators apart");

/// Machine code of a module, before it has a place.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Object {
    #[serde(with = "bytes")]
    pub code: Vec<u8>,
    /// Where each function begins.
    pub functions: Vec<u32>,
    /// Where the adaptor of each type begins.
    pub adaptors: Vec<u32>,
    /// Instructions that trap, in order, with their sites ([`tier::site`]); none where bounds are compared.
    pub traps: Vec<(u32, u32)>,
    /// Functions that are interpreted.
    pub interpreted: Vec<u32>,
    /// Of each function the byte of the module at which its first operator starts.
    pub bodies: Vec<u32>,
    /// Where calls return to, in order, and how far behind the first operator of the body the one starts that calls.
    pub returns: Vec<(u32, u32)>,
    /// Calls of functions that are not linked yet: where the displacement is, and of which function.
    #[serde(skip)]
    calls: Vec<(u32, u32)>,
}

/// Bytes as one piece.
mod bytes {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Vec<u8>, D::Error> {
        <&[u8]>::deserialize(from).map(Vec::from)
    }
}

/// The compiler for this machine.
///
/// # Errors
/// When there is none.
pub(crate) fn isa() -> Result<OwnedTargetIsa, Error> {
    let unsupported = |what: String| Error::usage(format!("no machine code on this machine: {what}"));
    let mut flags = settings::builder();
    let on = [
        "enable_pinned_reg",
        "enable_nan_canonicalization",
        "preserve_frame_pointers",
        "enable_multi_ret_implicit_sret",
    ];
    let off = ["enable_probestack", "unwind_info", "enable_verifier"];
    for (names, value) in [(&on[..], "true"), (&off[..], "false")] {
        for name in names {
            flags.set(name, value).map_err(|e| unsupported(e.to_string()))?;
        }
    }
    flags.set("opt_level", "speed").map_err(|e| unsupported(e.to_string()))?;
    let isa = cranelift_native::builder().map_err(|what| unsupported(what.into()))?;
    isa.finish(settings::Flags::new(flags)).map_err(|e| unsupported(e.to_string()))
}

/// Compiles all functions of `source`.
///
/// # Errors
/// Those of loading.
pub(crate) fn module(isa: &OwnedTargetIsa, bounds: Bounds, source: &Source) -> Result<Object, Error> {
    let signatures = Signatures::new(source.parsed());
    let mut compiler = Compiler::new(isa, bounds, source, &signatures);
    let mut object = Object::default();
    for index in 0..source.len() {
        compiler.function(&mut object, index)?;
    }
    for ty in 0..source.parsed().types.len() {
        compiler.adaptor(&mut object, ty as u32)?;
    }
    object.link(source.parsed().imported_functions);
    Ok(object)
}

/// A function on its way to machine code.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its index in the module, imported ones counted.
    pub function: u32,
    /// It has no machine code of its own: what follows is a call of the interpreter.
    pub interpreted: bool,
    /// Cranelift's intermediate form, optimised.
    pub clif: String,
    /// Machine instructions, and labels, before charges are shortened.
    pub machine: String,
    /// Bytes of machine code.
    pub bytes: usize,
}

/// What every function of `source` becomes.
///
/// # Errors
/// Those of loading.
pub(crate) fn listing(isa: &OwnedTargetIsa, bounds: Bounds, source: &Source) -> Result<Vec<Listed>, Error> {
    let signatures = Signatures::new(source.parsed());
    let mut compiler = Compiler::new(isa, bounds, source, &signatures);
    compiler.lists = true;
    let mut object = Object::default();
    let mut list = Vec::with_capacity(source.len());
    for index in 0..source.len() {
        let before = object.interpreted.len();
        compiler.function(&mut object, index)?;
        let compiled = compiler.context.compiled_code();
        list.push(Listed {
            function: source.parsed().imported_functions + index as u32,
            interpreted: object.interpreted.len() > before,
            clif: compiler.context.func.display().to_string(),
            machine: compiled.and_then(|code| code.vcode.clone()).unwrap_or_default(),
            bytes: compiled.map_or(0, |code| code.buffer.data().len()),
        });
    }
    Ok(list)
}

struct Compiler<'a> {
    isa: &'a OwnedTargetIsa,
    bounds: Bounds,
    source: &'a Source,
    signatures: &'a Signatures,
    context: Context,
    builders: FunctionBuilderContext,
    /// Instructions are wanted as text.
    lists: bool,
}

impl<'a> Compiler<'a> {
    fn new(isa: &'a OwnedTargetIsa, bounds: Bounds, source: &'a Source, signatures: &'a Signatures) -> Self {
        let (context, builders) = (Context::new(), FunctionBuilderContext::new());
        Self { isa, bounds, source, signatures, context, builders, lists: false }
    }

    fn begin(&mut self, signature: Signature) {
        self.context.clear();
        self.context.set_disasm(self.lists);
        self.context.func = Function::with_name_signature(UserFuncName::default(), signature);
    }

    /// Function `index`, imported ones left out: its own code if it can have some, else what calls the interpreter.
    fn function(&mut self, object: &mut Object, index: usize) -> Result<(), Error> {
        let parsed = self.source.parsed();
        let number = parsed.imported_functions + index as u32;
        let ty = parsed.functions[number as usize];
        let (mut height, mut body) = (None, 0);
        if self.source.bytes(index) <= MAX_BODY {
            self.begin(self.signatures.of(ty).clone());
            let builder = FunctionBuilder::new(&mut self.context.func, &mut self.builders);
            let mut lower = Lower::new(builder, self.source, self.signatures, self.bounds);
            let walked = self.source.walk(index, &mut lower);
            (height, body) = ((!lower.catches()).then(|| lower.total_height()), lower.first_operator());
            lower.into_builder().finalize(self.isa.frontend_config());
            walked.map_err(|e: LoadError| Error::from(e))?;
        }
        let at = match height {
            Some(height) => self.emit(object, Some(SLOT * height + FRAME)),
            None => None,
        };
        let at = match at {
            Some(at) => at,
            None => {
                object.interpreted.push(number);
                self.begin(self.signatures.of(ty).clone());
                let builder = FunctionBuilder::new(&mut self.context.func, &mut self.builders);
                let ty = &parsed.types[ty as usize];
                let mut lower = Lower::new(builder, self.source, self.signatures, self.bounds);
                lower::stand_in(&mut lower, number, ty);
                lower.into_builder().finalize(self.isa.frontend_config());
                self.emit(object, None).ok_or_else(|| Error::usage("a call out of machine code does not compile"))?
            }
        };
        object.functions.push(at);
        object.bodies.push(body);
        Ok(())
    }

    /// What enters functions of type `index` from outside.
    fn adaptor(&mut self, object: &mut Object, index: u32) -> Result<(), Error> {
        let ty: &FuncType = &self.source.parsed().types[index as usize];
        self.begin(abi::adaptor());
        let mut b = FunctionBuilder::new(&mut self.context.func, &mut self.builders);
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        b.seal_block(entry);
        let [vm, budget, values, function] = b.block_params(entry)[..] else {
            unreachable!("an adaptor has four parameters")
        };
        let flags = MemFlagsData::trusted();
        let mut all = vec![vm, budget];
        all.extend(abi::load_all(&mut b, flags, values, ty.params()));
        let signature = b.import_signature(self.signatures.of(index).clone());
        let call = b.ins().call_indirect(signature, function, &all);
        let results = b.inst_results(call).to_vec();
        abi::store_all(&mut b, flags, values, &results);
        b.ins().return_(&[]);
        b.finalize(self.isa.frontend_config());
        let at = self.emit(object, None).ok_or_else(|| Error::usage("an adaptor does not compile"))?;
        object.adaptors.push(at);
        Ok(())
    }

    /// Compiles the function at hand: where its code begins. `None`: it has none, or takes a larger frame than it may.
    fn emit(&mut self, object: &mut Object, max_frame: Option<u32>) -> Option<u32> {
        self.context.compile(&**self.isa, &mut ControlPlane::default()).ok()?;
        let compiled = self.context.compiled_code()?;
        let frame = compiled.buffer.frame_layout().map_or(0, |layout| layout.frame_to_fp_offset + 16);
        if max_frame.is_some_and(|max| frame > max) {
            return None;
        }
        let start = object.code.len().next_multiple_of(self.isa.function_alignment().preferred as usize);
        let mut calls = Vec::new();
        for reloc in compiled.buffer.relocs() {
            // Anything but a call of another function would be a routine of Cranelift's that this machine has no operator for.
            let (Reloc::X86CallPCRel4, FinalizedRelocTarget::ExternalName(ExternalName::User(name))) =
                (reloc.kind, &reloc.target)
            else {
                return None;
            };
            let callee = self.context.func.params.user_named_funcs()[*name].index;
            if reloc.addend != -4 {
                return None;
            }
            calls.push((start as u32 + reloc.offset, callee));
        }
        let places = compiled.buffer.get_srclocs_sorted();
        // How far behind the first operator the one starts that the instruction with byte `at` in it is of.
        let operator = |at: u32| {
            let place = &places[..places.partition_point(|place| place.start <= at)];
            let place = place.last().filter(|place| at < place.end && !place.loc.is_default());
            place.map(|place| place.loc.bits() & !MARKS)
        };
        for call in compiled.buffer.call_sites() {
            let operator = operator(call.ret_addr - 1);
            object.returns.extend(operator.map(|operator| (start as u32 + call.ret_addr, operator)));
        }
        // No instruction between functions is ever reached: breakpoints.
        object.code.resize(start, 0xcc);
        object.code.extend_from_slice(compiled.buffer.data());
        for place in places.iter().filter(|place| !place.loc.is_default() && place.loc.bits() & CHARGE != 0) {
            let looked_at = place.loc.bits() & LOOKED_AT != 0;
            charge::shorten(&mut object.code[start + place.start as usize..], looked_at);
        }
        object.calls.extend(calls);
        for trap in compiled.buffer.traps() {
            // A load that is one instruction with what uses its value has no place of its own: the last one before it is near.
            let before = || {
                let before = &places[..places.partition_point(|place| place.start <= trap.offset)];
                before.iter().rev().find(|place| !place.loc.is_default()).map(|place| place.loc.bits() & !MARKS)
            };
            let offset = operator(trap.offset).or_else(before).unwrap_or(0);
            let site = |trapped| tier::site(trapped, offset);
            object.traps.extend(abi::trap_of(trap.code).map(|trapped| (start as u32 + trap.offset, site(trapped))));
        }
        Some(start as u32)
    }
}

impl Object {
    /// Whether everything that it points at lies in it.
    pub(crate) fn is_whole(&self) -> bool {
        self.functions.iter().chain(&self.adaptors).all(|at| (*at as usize) < self.code.len())
            && self.functions.is_sorted()
            && self.traps.is_sorted()
            && self.traps.iter().all(|(_, site)| tier::is_site(*site))
            && self.returns.is_sorted()
    }

    /// Writes the displacements of all calls.
    fn link(&mut self, imported: u32) {
        for (at, callee) in std::mem::take(&mut self.calls) {
            let to = self.functions[(callee - imported) as usize];
            let displacement = to.wrapping_sub(at + 4);
            self.code[at as usize..at as usize + 4].copy_from_slice(&displacement.to_le_bytes());
        }
    }
}

//! Coredumps as the WebAssembly tools have them.
//!
//! Source: "Coredump" of WebAssembly's tool conventions, with the sections `coremodules` and `coreinstances` and instances of
//! frames as wasmtime and the crates of wasm-tools write and read them. One module, one instance, one stack: that of the last
//! trap. Operands are left out: registers of the interpreter are no operands any more. References have no form there.

use std::collections::HashMap;

use gristmill::{PageSize, ValType};
use wasm_encoder::{
    ConstExpr, CoreDumpInstancesSection, CoreDumpModulesSection, CoreDumpSection, CoreDumpStackSection, CoreDumpValue,
    DataSection, GlobalSection, GlobalType, HeapType, Ieee32, Ieee64, MemorySection, MemoryType, Module, RefType,
    ValType as Encoded,
};
use wasmparser::{FunctionBody, Parser, Payload};

use super::Located;

/// Memory is looked at in blocks of so many bytes; those that are zero are left out.
const BLOCK: usize = 4_096;

/// The coredump of a module called `name`.
pub fn encode(located: &Located<'_>, name: &str) -> Vec<u8> {
    let caught = located.caught;
    let parsed = located.module.parsed();
    let bodies = Bodies::of(located.bytes, parsed.imported_functions);

    let mut stack = CoreDumpStackSection::new("main");
    for ((frame, slots), offset) in caught.frames.iter().zip(&located.offsets) {
        let params = parsed.func_type(frame.function).params().iter().map(|ty| Kind::of(*ty));
        let types = params.chain(bodies.locals(frame.function)).collect::<Vec<_>>();
        let start = bodies.start(frame.function);
        let at = offset.zip(start).and_then(|(offset, start)| offset.checked_sub(start)).unwrap_or(0);
        stack.frame(0, frame.function, at as u32, values(&types, slots.as_deref()), []);
    }

    let mut memories = MemorySection::new();
    let mut data = DataSection::new();
    for (index, (bytes, ty)) in (0..).zip(caught.memories.iter().zip(&parsed.memories)) {
        let page = ty.page.log2();
        memories.memory(MemoryType {
            minimum: bytes.len() as u64 >> page,
            maximum: ty.max,
            memory64: ty.memory64,
            shared: false,
            page_size_log2: (ty.page != PageSize::Standard).then_some(page),
        });
        for (at, run) in runs(bytes) {
            let at = if ty.memory64 { ConstExpr::i64_const(at as i64) } else { ConstExpr::i32_const(at as u32 as i32) };
            data.active(index, &at, run.iter().copied());
        }
    }
    let mut globals = GlobalSection::new();
    for (ty, bits) in &caught.globals {
        let (val_type, value) = constant(ty.content, bits.unwrap_or(0));
        globals.global(GlobalType { val_type, mutable: false, shared: false }, &value);
    }

    let (mut modules, mut instances) = (CoreDumpModulesSection::new(), CoreDumpInstancesSection::new());
    modules.module(name);
    instances.instance(0, (0..memories.len()).collect::<Vec<_>>(), (0..globals.len()).collect::<Vec<_>>());

    let mut dump = Module::new();
    dump.section(&CoreDumpSection::new(name)).section(&modules).section(&instances).section(&stack);
    if !memories.is_empty() {
        dump.section(&memories);
    }
    if !globals.is_empty() {
        dump.section(&globals);
    }
    if !data.is_empty() {
        dump.section(&data);
    }
    dump.finish()
}

/// Runs of blocks that are not zero, with where they start.
fn runs(bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let mut runs: Vec<(usize, &[u8])> = Vec::new();
    let mut start = None;
    for (at, block) in bytes.chunks(BLOCK).enumerate() {
        match (block.iter().all(|byte| *byte == 0), start) {
            (false, None) => start = Some(at * BLOCK),
            (true, Some(from)) => {
                runs.push((from, &bytes[from..at * BLOCK]));
                start = None;
            }
            _ => {}
        }
    }
    runs.extend(start.map(|from| (from, &bytes[from..])));
    runs
}

/// What a coredump can say of a value.
#[derive(Clone, Copy)]
enum Kind {
    I32,
    I64,
    F32,
    F64,
    /// No form for it; so many slots.
    Other(usize),
}

impl Kind {
    fn of(ty: ValType) -> Self {
        match ty {
            ValType::I32 => Kind::I32,
            ValType::I64 => Kind::I64,
            ValType::F32 => Kind::F32,
            ValType::F64 => Kind::F64,
            ValType::V128 => Kind::Other(2),
            ValType::Ref(_) => Kind::Other(1),
        }
    }

    fn parsed(ty: wasmparser::ValType) -> Self {
        match ty {
            wasmparser::ValType::I32 => Kind::I32,
            wasmparser::ValType::I64 => Kind::I64,
            wasmparser::ValType::F32 => Kind::F32,
            wasmparser::ValType::F64 => Kind::F64,
            wasmparser::ValType::V128 => Kind::Other(2),
            wasmparser::ValType::Ref(_) => Kind::Other(1),
        }
    }

    fn slots(self) -> usize {
        if let Kind::Other(slots) = self { slots } else { 1 }
    }
}

/// Values of these types out of their slots, if there are any.
fn values(types: &[Kind], slots: Option<&[u64]>) -> Vec<CoreDumpValue> {
    let mut at = 0;
    let value = |kind: &Kind| {
        let slot = slots.and_then(|slots| slots.get(at)).copied();
        at += kind.slots();
        match (kind, slot) {
            (Kind::I32, Some(slot)) => CoreDumpValue::I32(slot as u32 as i32),
            (Kind::I64, Some(slot)) => CoreDumpValue::I64(slot as i64),
            (Kind::F32, Some(slot)) => CoreDumpValue::F32(Ieee32::new(slot as u32)),
            (Kind::F64, Some(slot)) => CoreDumpValue::F64(Ieee64::new(slot)),
            (Kind::Other(_), _) | (_, None) => CoreDumpValue::Missing,
        }
    };
    types.iter().map(value).collect()
}

/// A global's type and value; references are null.
fn constant(ty: ValType, bits: u128) -> (Encoded, ConstExpr) {
    let slot = bits as u64;
    match ty {
        ValType::V128 => (Encoded::V128, ConstExpr::v128_const(bits as i128)),
        ValType::I32 => (Encoded::I32, ConstExpr::i32_const(slot as u32 as i32)),
        ValType::I64 => (Encoded::I64, ConstExpr::i64_const(slot as i64)),
        ValType::F32 => (Encoded::F32, ConstExpr::f32_const(Ieee32::new(slot as u32))),
        ValType::F64 => (Encoded::F64, ConstExpr::f64_const(Ieee64::new(slot))),
        ValType::EXTERNREF => (Encoded::Ref(RefType::EXTERNREF), ConstExpr::ref_null(HeapType::EXTERN)),
        ValType::Ref(_) => (Encoded::Ref(RefType::FUNCREF), ConstExpr::ref_null(HeapType::FUNC)),
    }
}

/// The bodies of a module, by index of the function.
struct Bodies<'a>(HashMap<u32, FunctionBody<'a>>);

impl<'a> Bodies<'a> {
    /// Of a module that was loaded before.
    fn of(bytes: &'a [u8], imported: u32) -> Self {
        let bodies = Parser::new(0).parse_all(bytes).filter_map(|payload| match payload {
            Ok(Payload::CodeSectionEntry(body)) => Some(body),
            _ => None,
        });
        Self((imported..).zip(bodies).collect())
    }

    /// Where the body starts in the module: its locals, not its size.
    fn start(&self, function: u32) -> Option<usize> {
        Some(self.0.get(&function)?.range().start as usize)
    }

    /// Types of declared locals.
    fn locals(&self, function: u32) -> Vec<Kind> {
        let locals = self.0.get(&function).and_then(|body| body.get_locals_reader().ok());
        let groups = locals.into_iter().flatten().filter_map(Result::ok);
        groups.flat_map(|(count, ty)| std::iter::repeat_n(Kind::parsed(ty), count as usize)).collect()
    }
}

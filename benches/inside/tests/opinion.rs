//! A third opinion: what wasmtime says of generated modules, beside our tiers. Results, kinds of traps, memories, globals and tables
//! must be the same. Gas is nobody's opinion but ours: these modules end by themselves.

use arbitrary::Unstructured;
use gristmill::{Config, Engine, Extern, Gas, Instance, Linker, Module, Store, Trap, Val, ValType};
use gristmill_aot::{Aot, Bounds, Options};
use std::sync::Arc;

/// Modules that are looked at.
const SEEDS: u64 = 400;

/// Loops and calls of a module until it gives up with `unreachable`.
const FUEL: u32 = 300;

/// Bytes of a thread's stack, and of it those that wasmtime's code may have: more than [`FUEL`] calls take.
const STACK: usize = 64 << 20;
const WASM_STACK: usize = 2 << 20;

/// A small generator of numbers (splitmix64): seeds must mean the same modules for ever.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// The module of a seed; `None`: the seed's bytes make none.
fn module(seed: u64) -> Option<Vec<u8>> {
    let config = wasm_smith::Config {
        bulk_memory_enabled: true,
        compact_imports_enabled: false,
        custom_page_sizes_enabled: false,
        allow_start_export: seed.is_multiple_of(5),
        // In functions; segments may still be too long for what they fill.
        disallow_traps: !seed.is_multiple_of(3),
        exceptions_enabled: false,
        export_everything: true,
        extended_const_enabled: true,
        gc_enabled: false,
        max_funcs: 10,
        max_imports: 0,
        max_instructions: 300,
        max_memories: 1,
        max_memory32_bytes: 4 << 16,
        max_table_elements: 40,
        max_tables: 3,
        memory64_enabled: false,
        memory_max_size_required: true,
        min_funcs: 4,
        min_memories: u32::from(!seed.is_multiple_of(4)),
        multi_value_enabled: true,
        reference_types_enabled: true,
        relaxed_simd_enabled: seed.is_multiple_of(2),
        saturating_float_to_int_enabled: true,
        sign_extension_ops_enabled: true,
        simd_enabled: seed.is_multiple_of(2),
        table_max_size_required: true,
        tail_call_enabled: true,
        threads_enabled: false,
        wide_arithmetic_enabled: true,
        ..wasm_smith::Config::default()
    };
    let mut numbers = Numbers(seed);
    let bytes: Vec<u8> = (0..1_000).flat_map(|_| numbers.next().to_le_bytes()).collect();
    let mut module = wasm_smith::Module::new(config, &mut Unstructured::new(&bytes)).ok()?;
    module.ensure_termination(FUEL).ok()?;
    Some(module.to_bytes())
}

/// Why a run stopped, in words that both sides have.
type Stopped = &'static str;

/// A value: its bits, or whether a reference is null.
type Bits = u128;

/// What can be seen of a module.
#[derive(Debug, PartialEq)]
struct Seen {
    /// Of each exported function in turn.
    ends: Vec<Result<Vec<Bits>, Stopped>>,
    memories: Vec<Vec<u8>>,
    globals: Vec<Bits>,
    tables: Vec<Vec<Bits>>,
}

/// An argument of some type, the same on both sides: references are null.
fn argument(numbers: &mut Numbers) -> u64 {
    const EDGES: [u64; 6] = [0, 1, 31, 0x7fff_ffff, 0x8000_0000, u64::MAX];
    let n = numbers.next();
    if n.is_multiple_of(3) { numbers.next() } else { EDGES[(n >> 8) as usize % EDGES.len()] }
}

// ---- ours ----

fn our_trap(trap: Trap) -> Option<Stopped> {
    Some(match trap {
        Trap::Unreachable => "unreachable",
        Trap::MemoryOutOfBounds => "memory",
        // A call beyond the end of a table is no other trap there.
        Trap::TableOutOfBounds | Trap::UndefinedElement => "table",
        Trap::UninitializedElement => "null",
        Trap::IndirectCallTypeMismatch => "type",
        Trap::DivideByZero => "zero",
        Trap::IntegerOverflow => "overflow",
        Trap::InvalidConversionToInteger => "conversion",
        _ => return None,
    })
}

fn our_bits(value: &Val) -> Bits {
    match value {
        Val::I32(v) => Bits::from(*v as u32),
        Val::I64(v) => Bits::from(*v as u64),
        Val::F32(bits) => Bits::from(*bits),
        Val::F64(bits) => Bits::from(*bits),
        Val::V128(bits) => *bits,
        Val::FuncRef(func) => Bits::from(func.is_some()),
        Val::ExternRef(value) => Bits::from(value.is_some()),
        Val::ExnRef(value) => Bits::from(value.is_some()),
    }
}

fn our_value(ty: ValType, bits: u64) -> Val {
    match ty {
        ValType::I32 => Val::I32(bits as i32),
        ValType::I64 => Val::I64(bits as i64),
        ValType::F32 => Val::F32(bits as u32),
        ValType::F64 => Val::F64(bits),
        ValType::V128 => Val::V128(Bits::from(bits) << 32 | Bits::from(bits)),
        ty => Val::default(ty),
    }
}

/// `None`: a bound of ours was met, which says nothing of the module.
fn ours(engine: &Engine, bytes: &[u8], seed: u64) -> Option<Result<Seen, Stopped>> {
    let module = Module::new(engine, bytes).unwrap_or_else(|e| panic!("seed {seed} is refused: {e}"));
    let mut store = Store::new(engine, ());
    store.set_gas(Gas(i64::MAX as u64));
    let trap = |e: gristmill::Error| our_trap(e.as_trap().unwrap_or_else(|| panic!("seed {seed}: {e}")));
    let instance: Instance = match Linker::new(engine).instantiate(&mut store, &module) {
        Ok(instance) => instance,
        Err(e) => return Some(Err(trap(e)?)),
    };
    let mut numbers = Numbers(!seed);
    let mut seen = Seen { ends: Vec::new(), memories: Vec::new(), globals: Vec::new(), tables: Vec::new() };
    let exports = instance.exports(&store);
    for (_, export) in &exports {
        let Extern::Func(func) = export else { continue };
        let ty = func.ty(&store);
        let args: Vec<Val> = ty.params().iter().map(|ty| our_value(*ty, argument(&mut numbers))).collect();
        let mut results: Vec<Val> = ty.results().iter().map(|ty| Val::default(*ty)).collect();
        let end = match func.call(&mut store, &args, &mut results) {
            Ok(()) => Ok(results.iter().map(our_bits).collect()),
            Err(e) => Err(trap(e)?),
        };
        seen.ends.push(end);
    }
    for (_, export) in exports {
        match export {
            Extern::Memory(memory) => seen.memories.push(memory.data(&store).to_vec()),
            Extern::Global(global) => seen.globals.push(our_bits(&global.get(&store))),
            Extern::Table(table) => {
                let elements = (0..table.size(&store)).filter_map(|at| table.get(&store, at));
                seen.tables.push(elements.map(|value| our_bits(&value)).collect());
            }
            Extern::Func(_) | Extern::Tag(_) => {}
        }
    }
    Some(Ok(seen))
}

// ---- wasmtime's ----

fn their_trap(e: &wasmtime::Error) -> Stopped {
    use wasmtime::Trap;
    match e.downcast_ref::<Trap>().unwrap_or_else(|| panic!("no trap: {e:?}")) {
        Trap::UnreachableCodeReached => "unreachable",
        Trap::MemoryOutOfBounds => "memory",
        Trap::TableOutOfBounds => "table",
        Trap::IndirectCallToNull => "null",
        Trap::BadSignature => "type",
        Trap::IntegerDivisionByZero => "zero",
        Trap::IntegerOverflow => "overflow",
        Trap::BadConversionToInteger => "conversion",
        other => panic!("{other}"),
    }
}

fn their_bits(value: &wasmtime::Val) -> Bits {
    use wasmtime::Val;
    match value {
        Val::I32(v) => Bits::from(*v as u32),
        Val::I64(v) => Bits::from(*v as u64),
        Val::F32(bits) => Bits::from(*bits),
        Val::F64(bits) => Bits::from(*bits),
        Val::V128(bits) => bits.as_u128(),
        Val::FuncRef(func) => Bits::from(func.is_some()),
        Val::ExternRef(value) => Bits::from(value.is_some()),
        other => panic!("{other:?} is in no module here"),
    }
}

fn their_value(ty: &wasmtime::ValType, bits: u64) -> wasmtime::Val {
    use wasmtime::{Val, ValType};
    match ty {
        ValType::I32 => Val::I32(bits as i32),
        ValType::I64 => Val::I64(bits as i64),
        ValType::F32 => Val::F32(bits as u32),
        ValType::F64 => Val::F64(bits),
        ValType::V128 => Val::V128((Bits::from(bits) << 32 | Bits::from(bits)).into()),
        ty => Val::default_for_ty(ty).expect("references may be null"),
    }
}

fn theirs(engine: &wasmtime::Engine, bytes: &[u8], seed: u64) -> Result<Seen, Stopped> {
    use wasmtime::Extern;
    let module = wasmtime::Module::new(engine, bytes).unwrap_or_else(|e| panic!("seed {seed} is refused: {e}"));
    let mut store = wasmtime::Store::new(engine, ());
    let instance = wasmtime::Instance::new(&mut store, &module, &[]).map_err(|e| their_trap(&e))?;
    let mut numbers = Numbers(!seed);
    let mut seen = Seen { ends: Vec::new(), memories: Vec::new(), globals: Vec::new(), tables: Vec::new() };
    let exports: Vec<Extern> = instance.exports(&mut store).map(wasmtime::Export::into_extern).collect();
    for export in &exports {
        let Extern::Func(func) = export else { continue };
        let ty = func.ty(&store);
        let args: Vec<_> = ty.params().map(|ty| their_value(&ty, argument(&mut numbers))).collect();
        let mut results: Vec<_> = ty.results().map(|ty| their_value(&ty, 0)).collect();
        let end = func.call(&mut store, &args, &mut results);
        seen.ends.push(end.map(|()| results.iter().map(their_bits).collect()).map_err(|e| their_trap(&e)));
    }
    for export in exports {
        match export {
            Extern::Memory(memory) => seen.memories.push(memory.data(&store).to_vec()),
            Extern::Global(global) => seen.globals.push(their_bits(&global.get(&mut store))),
            Extern::Table(table) => {
                let elements = (0..table.size(&store)).filter_map(|at| table.get(&mut store, at));
                let is_there = |value: wasmtime::Ref| Bits::from(!value.is_null());
                seen.tables.push(elements.map(is_there).collect());
            }
            _ => {}
        }
    }
    Ok(seen)
}

/// wasmtime, in what the specification leaves open as we are.
fn wasmtime() -> wasmtime::Engine {
    let mut config = wasmtime::Config::new();
    config
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .wasm_wide_arithmetic(true)
        .max_wasm_stack(WASM_STACK);
    wasmtime::Engine::new(&config).expect("this machine can run it")
}

fn tiers() -> [(&'static str, Engine); 3] {
    let config = Config::new();
    let compiled = |bounds| {
        let aot = Aot::new(Options { bounds, ..Options::default() }).expect("this machine has machine code");
        Engine::with_compiler(&config, Arc::new(aot)).expect("the automatic dispatch always exists")
    };
    [
        ("interpreter", Engine::new(&config).expect("as above")),
        ("machine code that compares", compiled(Bounds::Check)),
        ("machine code with guards", compiled(Bounds::Guard)),
    ]
}

fn compare() {
    let (wasmtime, tiers) = (wasmtime(), tiers());
    let (mut returned, mut trapped, mut left_out) = (0, 0, 0);
    for seed in 0..SEEDS {
        let Some(bytes) = module(seed) else { continue };
        let theirs = theirs(&wasmtime, &bytes, seed);
        for (name, engine) in &tiers {
            let Some(ours) = ours(engine, &bytes, seed) else {
                left_out += 1;
                continue;
            };
            assert!(ours == theirs, "seed {seed}, {name}:\n{ours:?}\nwasmtime:\n{theirs:?}");
        }
        let ends = theirs.map_or_else(|trap| vec![Err(trap)], |seen| seen.ends);
        returned += ends.iter().filter(|end| end.is_ok()).count();
        trapped += ends.iter().filter(|end| end.is_err()).count();
    }
    println!("{returned} calls returned, {trapped} trapped, {left_out} modules met a bound of ours");
    assert!(returned > 150 && trapped > 150 && left_out < 20, "{returned}, {trapped}, {left_out}");
}

#[test]
fn wasmtime_sees_the_same() {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(compare).expect("a thread starts");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

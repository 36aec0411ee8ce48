//! Modules from fixed seeds: the same for ever, so that what they show can be looked at again.

use crate::machine::{HostFn, slots, takes_defaults};
use arbitrary::Unstructured;
use gristmill::{Profile, Schedule};
use std::sync::Arc;
use wasm_smith::{Config, Module};

/// Host functions that a generated module may import.
const IMPORTS: &str = r#"
    (import "host" "nothing" (func))
    (import "host" "one" (func (param i32 i64) (result i32)))
    (import "host" "wide" (func (param i64) (result i64)))
    (import "host" "two" (func (param i32) (result i64 i32)))"#;

/// One more where there are vectors.
const VECTOR_IMPORT: &str = r#"(import "host" "vector" (func (param i32 v128 i32) (result v128 i64)))"#;

/// A small generator of numbers (splitmix64): seeds must mean the same modules for ever.
pub struct Numbers(pub u64);

impl Numbers {
    /// Any number.
    #[allow(clippy::should_implement_trait)] // there is no end
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// An argument: now and then an edge, else anything.
    pub fn argument(&mut self) -> u64 {
        const EDGES: [u64; 8] = [0, 1, 2, 31, 0x7fff_ffff, 0x8000_0000, u64::MAX, 1 << 63];
        let n = self.next();
        if n.is_multiple_of(3) { self.next() } else { EDGES[(n >> 8) as usize % EDGES.len()] }
    }
}

fn config(general: bool, seed: u64) -> Config {
    let simd = general && seed.is_multiple_of(2);
    let memories = general && seed % 5 < 2;
    let imports = format!("(module {IMPORTS} {})", if simd { VECTOR_IMPORT } else { "" });
    Config {
        available_imports: Some(wat::parse_str(&imports).expect("the imports are well-formed")),
        allow_floats: general,
        allow_start_export: seed.is_multiple_of(4),
        bulk_memory_enabled: true,
        compact_imports_enabled: false,
        custom_page_sizes_enabled: memories,
        disallow_traps: seed.is_multiple_of(3),
        exceptions_enabled: general && seed % 3 == 1,
        export_everything: true,
        extended_const_enabled: general,
        gc_enabled: false,
        max_funcs: 12,
        max_instructions: 400,
        max_memories: if memories { 3 } else { 1 },
        max_memory32_bytes: if memories { 1 << 16 } else { 4 << 16 },
        max_memory64_bytes: 1 << 16,
        max_table_elements: 40,
        max_tables: if general { 3 } else { 1 },
        memory64_enabled: memories,
        min_funcs: 2,
        min_memories: u32::from(seed.is_multiple_of(2)),
        min_tables: u32::from(!seed.is_multiple_of(5)),
        min_types: 3,
        multi_value_enabled: true,
        reference_types_enabled: general,
        relaxed_simd_enabled: simd,
        saturating_float_to_int_enabled: general,
        sign_extension_ops_enabled: true,
        simd_enabled: simd,
        tail_call_enabled: general,
        threads_enabled: false,
        wide_arithmetic_enabled: general,
        ..Config::default()
    }
}

/// The module of a seed, with what the profile `general` has or what `chain1` has; `None` when the seed's bytes make none.
pub fn module(general: bool, seed: u64) -> Option<Vec<u8>> {
    let mut numbers = Numbers(seed);
    let bytes: Vec<u8> = (0..1_500).flat_map(|_| numbers.next().to_le_bytes()).collect();
    let module = Module::new(config(general, seed), &mut Unstructured::new(&bytes)).ok()?;
    Some(module.to_bytes())
}

/// Up to eight exported functions with arguments.
pub fn calls(bytes: &[u8], profile: &Profile, schedule: Schedule, seed: u64) -> Vec<(String, Vec<u64>)> {
    let Ok(module) = gristmill_reference::Module::new(profile, schedule, bytes) else { return Vec::new() };
    let mut numbers = Numbers(!seed);
    let functions = module.exports().iter().filter(|e| e.kind == wasmparser::ExternalKind::Func).take(8);
    functions
        .filter(|e| takes_defaults(module.func_type(e.index)))
        .map(|e| (e.name.clone(), (0..slots(module.func_type(e.index).params())).map(|_| numbers.argument()).collect()))
        .collect()
}

/// What a host function answers: a mixture of its arguments.
pub fn host(_: &str, name: &str) -> HostFn {
    let mix = |args: &[u64]| args.iter().fold(0x1234_5678_u64, |a, b| (a ^ b).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    match name {
        "nothing" => Arc::new(|_, _| vec![]),
        "one" => Arc::new(move |_, args| vec![mix(args) >> 32]),
        "wide" => Arc::new(move |_, args| vec![mix(args)]),
        "vector" => Arc::new(move |_, args| vec![mix(args), !mix(args), mix(args) >> 7]),
        _ => Arc::new(move |_, args| vec![mix(args), mix(args) & 3]),
    }
}

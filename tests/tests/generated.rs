//! A thousand generated modules from fixed seeds, over a sweep of gas limits: the executors must agree on everything.

use arbitrary::Unstructured;
use gristmill::{Fault, Gas, Meter, Particles, Profile, Schedule, Stop, Trap};
use gristmill_tests::deep;
use gristmill_tests::machine::{Executor, HostFn, Plan, Seen, executors, slots};
use std::sync::Arc;
use wasm_smith::{Config, Module};

/// Seeds of each profile.
const SEEDS: u64 = 500;

/// Host functions that a generated module may import.
const IMPORTS: &str = r#"
    (import "host" "nothing" (func))
    (import "host" "one" (func (param i32 i64) (result i32)))
    (import "host" "wide" (func (param i64) (result i64)))
    (import "host" "two" (func (param i32) (result i64 i32)))"#;

/// One more where there are vectors.
const VECTOR_IMPORT: &str = r#"(import "host" "vector" (func (param i32 v128 i32) (result v128 i64)))"#;

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

    /// An argument: now and then an edge, else anything.
    fn argument(&mut self) -> u64 {
        const EDGES: [u64; 8] = [0, 1, 2, 31, 0x7fff_ffff, 0x8000_0000, u64::MAX, 1 << 63];
        let n = self.next();
        if n.is_multiple_of(3) { self.next() } else { EDGES[(n >> 8) as usize % EDGES.len()] }
    }
}

fn config(general: bool, seed: u64) -> Config {
    let simd = general && seed.is_multiple_of(2);
    let imports = format!("(module {IMPORTS} {})", if simd { VECTOR_IMPORT } else { "" });
    Config {
        available_imports: Some(wat::parse_str(&imports).expect("the imports are well-formed")),
        allow_floats: general,
        allow_start_export: seed.is_multiple_of(4),
        bulk_memory_enabled: true,
        compact_imports_enabled: false,
        custom_page_sizes_enabled: false,
        disallow_traps: seed.is_multiple_of(3),
        exceptions_enabled: false,
        export_everything: true,
        extended_const_enabled: general,
        gc_enabled: false,
        max_funcs: 12,
        max_instructions: 400,
        max_memories: 1,
        max_memory32_bytes: 4 << 16,
        max_table_elements: 40,
        max_tables: if general { 3 } else { 1 },
        memory64_enabled: false,
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

/// The module of a seed; `None` when the seed's bytes make none.
fn module(general: bool, seed: u64) -> Option<Vec<u8>> {
    let mut numbers = Numbers(seed);
    let bytes: Vec<u8> = (0..1_500).flat_map(|_| numbers.next().to_le_bytes()).collect();
    let module = Module::new(config(general, seed), &mut Unstructured::new(&bytes)).ok()?;
    Some(module.to_bytes())
}

/// Up to eight exported functions with arguments.
fn calls(bytes: &[u8], profile: &Profile, schedule: Schedule, seed: u64) -> Vec<(String, Vec<u64>)> {
    let Ok(module) = gristmill_reference::Module::new(profile, schedule, bytes) else { return Vec::new() };
    let mut numbers = Numbers(!seed);
    let functions = module.exports().iter().filter(|e| e.kind == wasmparser::ExternalKind::Func).take(8);
    functions
        .map(|e| (e.name.clone(), (0..slots(module.func_type(e.index).params())).map(|_| numbers.argument()).collect()))
        .collect()
}

/// What a host function answers: a mixture of its arguments.
fn host(_: &str, name: &str) -> HostFn {
    let mix = |args: &[u64]| args.iter().fold(0x1234_5678_u64, |a, b| (a ^ b).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    match name {
        "nothing" => Arc::new(|_, _| vec![]),
        "one" => Arc::new(move |_, args| vec![mix(args) >> 32]),
        "wide" => Arc::new(move |_, args| vec![mix(args)]),
        "vector" => Arc::new(move |_, args| vec![mix(args), !mix(args), mix(args) >> 7]),
        _ => Arc::new(move |_, args| vec![mix(args), mix(args) & 3]),
    }
}

/// A meter with so many particles.
fn budget(particles: u64) -> Meter {
    let mut meter = Meter::new(Gas(particles.div_ceil(10_000)));
    meter.charge(Particles(particles.next_multiple_of(10_000) - particles)).expect("less than a gas of one more");
    meter
}

/// Counts of what happened, so that a generator that went silent is noticed.
#[derive(Debug, Default)]
struct Tally {
    valid: usize,
    returned: usize,
    trapped: usize,
    out_of_gas: usize,
    host_calls: usize,
    runs: usize,
}

impl Tally {
    fn add(&mut self, seen: &[Seen]) {
        self.runs += 1;
        for seen in seen {
            match &seen.end {
                Ok(_) => self.returned += 1,
                Err(Stop::Trap(Trap::OutOfGas)) => self.out_of_gas += 1,
                Err(Stop::Trap(_)) => self.trapped += 1,
                Err(_) => {}
            }
        }
        self.host_calls += seen.last().map_or(0, |s| s.trace.len());
    }
}

/// Runs on all executors and returns what all of them saw.
fn agree(executors: &[(&str, Executor)], plan: &Plan<'_>, what: &str) -> Option<Vec<Seen>> {
    let (first, executor) = &executors[0];
    let expected = executor.run(plan);
    for (name, executor) in &executors[1..] {
        let seen = executor.run(plan);
        if seen != expected {
            let differ =
                |(seen, expected): (&Seen, &Seen)| (seen != expected).then(|| format!("{seen:?}\n{expected:?}"));
            let pairs = seen.iter().flatten().zip(expected.iter().flatten());
            let at = pairs.enumerate().find_map(|(i, pair)| differ(pair).map(|text| format!("step {i}:\n{text}")));
            panic!(
                "{what}: {name} and {first} differ, {}",
                at.unwrap_or_else(|| "in the verdict or the number of steps".into())
            );
        }
    }
    expected
}

fn sweep(general: bool) {
    let profile = if general { Profile::general() } else { Profile::chain1() };
    let executors = [Schedule::Unit, Schedule::V1].map(|schedule| executors(profile, schedule));
    let mut tally = Tally::default();
    for seed in 0..SEEDS {
        let Some(bytes) = module(general, seed) else { continue };
        let (schedule, executors) = match seed % 2 {
            0 => (Schedule::V1, &executors[1]),
            _ => (Schedule::Unit, &executors[0]),
        };
        let calls = calls(&bytes, &profile, schedule, seed);
        // Four pages and something to run with; a page is 1,024 and 14,336 gas.
        let most: u64 = if schedule == Schedule::V1 { 80_000_000 } else { 1_000_000_000 };
        let plan = |particles| Plan {
            profile,
            schedule,
            meter: budget(particles),
            bytes: &bytes,
            imports: &host,
            calls: &calls,
        };
        let what = |particles| format!("{} seed {seed} with {particles} particles", profile.name());
        let Some(whole) = agree(&executors[..], &plan(most), &what(most)) else { continue };
        tally.valid += 1;
        tally.add(&whole);
        let used = u128::from(most) - whole.last().map_or(0, |s| s.left);
        let used = u64::try_from(used).expect("not more than there was");
        for particles in [0, 1, used / 7, used / 3, used / 2, used - used / 10, used.saturating_sub(1), used] {
            let seen = agree(&executors[..], &plan(particles), &what(particles)).expect("valid as before");
            tally.add(&seen);
            // Whoever pays all gets all; a particle less is out of gas, wherever the last one went.
            let ends = |seen: &[Seen]| seen.iter().map(|s| s.end.clone()).collect::<Vec<_>>();
            if particles == used {
                assert_eq!(ends(&seen), ends(&whole), "{}", what(particles));
            } else if particles < used {
                let end = &seen.last().expect("at least one step").end;
                let spent = matches!(end, Err(Stop::Trap(Trap::OutOfGas) | Stop::Fault(Fault::Spent)));
                assert!(spent, "{}: {end:?}", what(particles));
            }
        }
    }
    println!("{}: {tally:?}", profile.name());
    assert!(tally.valid as u64 >= SEEDS * 9 / 10, "{tally:?}");
    assert!(tally.returned > 2_000 && tally.trapped > 500 && tally.out_of_gas > 500, "{tally:?}");
    assert!(tally.host_calls > 200, "{tally:?}");
}

#[test]
fn general_modules() {
    deep(|| sweep(true));
}

#[test]
fn chain1_modules() {
    deep(|| sweep(false));
}

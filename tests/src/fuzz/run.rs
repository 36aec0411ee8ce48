//! A generated module, run with bounded gas on every executor: equal ends, gas, host calls, memories and globals.

use crate::machine::{HostFn, Plan, executors, slots, takes_defaults};
use arbitrary::{Result, Unstructured};
use gristmill::{Gas, Meter, Profile, Schedule};
use std::sync::{Arc, OnceLock};
use wasm_encoder::{EntityType, ImportSection, TypeSection, ValType};
use wasm_smith::Config;

/// Host functions that a module may import: name, parameters, results.
const HOST: [(&str, &[ValType], &[ValType]); 3] = [
    ("none", &[], &[]),
    ("pair", &[ValType::I32, ValType::I64], &[ValType::I32]),
    ("many", &[ValType::I64], &[ValType::I64, ValType::I32]),
];

/// A generated module with what it may spend.
pub struct Case {
    /// Its bytes.
    pub wasm: Vec<u8>,
    /// Prices. Not `ewasm`: there an endless loop is free.
    pub schedule: Schedule,
    /// For instantiation and all calls together.
    pub gas: Gas,
}

/// Generates a module from `data`, calls all its exported functions everywhere, and compares.
pub fn run(data: &[u8]) {
    if let Ok(case) = Case::read(&mut Unstructured::new(data)) {
        case.compare(Meter::new(case.gas));
    }
}

impl Case {
    /// A module out of `u`: everything that the profile `general` has.
    ///
    /// # Errors
    /// The generator found no module in these bytes.
    pub fn read(u: &mut Unstructured<'_>) -> Result<Self> {
        let schedule = if u.arbitrary()? { Schedule::V1 } else { Schedule::Unit };
        // In v1 a gas buys up to a thousand operators, in unit one.
        let most = if schedule == Schedule::V1 { 6_000 } else { 80_000u32 };
        let gas = Gas(u64::from(u.int_in_range(0..=most)?));
        // From what was read already, as below.
        let memories = gas.0 % 5 == 4;
        let config = Config {
            available_imports: Some(imports().clone()),
            allow_floats: u.arbitrary()?,
            compact_imports_enabled: false,
            custom_page_sizes_enabled: memories,
            exceptions_enabled: gas.0 % 8 == 3,
            export_everything: true,
            extended_const_enabled: gas.0 % 3 == 1,
            gc_enabled: false,
            max_imports: 4,
            max_instructions: 400,
            max_memories: if memories { 3 } else { 1 },
            max_memory32_bytes: 64 * 65_536,
            max_memory64_bytes: 64 * 65_536,
            max_table_elements: 4_096,
            max_tables: 3,
            memory64_enabled: memories,
            relaxed_simd_enabled: gas.0 % 3 == 1,
            // From what was read already: older inputs keep their meaning.
            simd_enabled: gas.0 % 3 == 1,
            tail_call_enabled: gas.0 % 3 == 1,
            threads_enabled: false,
            wide_arithmetic_enabled: gas.0 % 3 == 1,
            ..Config::default()
        };
        let wasm = wasm_smith::Module::new(config, u)?.to_bytes();
        Ok(Self { wasm, schedule, gas })
    }

    /// Calls all exported functions with `meter` on every executor.
    ///
    /// # Panics
    /// When two executors show something different, or refuse the module.
    pub fn compare(&self, meter: Meter) {
        let calls = calls(&self.wasm, self.schedule);
        let plan = Plan {
            profile: Profile::general(),
            schedule: self.schedule,
            meter,
            bytes: &self.wasm,
            imports: &|_, name| host(name),
            calls: &calls,
        };
        let mut executors = executors(plan.profile, self.schedule).into_iter();
        let (first, executor) = executors.next().expect("there are executors");
        let expected = executor.run(&plan).expect("a generated module is valid");
        for (name, executor) in executors {
            let seen = executor.run(&plan).expect("a generated module is valid");
            assert_eq!(expected.len(), seen.len(), "{first} and {name} got not equally far");
            for (i, (a, b)) in expected.iter().zip(&seen).enumerate() {
                let what = if i == 0 { "start" } else { &calls[i - 1].0 };
                assert!(a == b, "{what}, {:?}:\n{first:>9}: {a:?}\n{name:>9}: {b:?}", plan.meter.left());
            }
        }
    }
}

/// All exported functions with arguments, which are spread over the bits.
fn calls(wasm: &[u8], schedule: Schedule) -> Vec<(String, Vec<u64>)> {
    let module = gristmill_reference::Module::new(&Profile::general(), schedule, wasm);
    let module = module.expect("a generated module is valid");
    let functions = module.exports().iter().filter(|export| export.kind == wasmparser::ExternalKind::Func);
    functions
        .filter(|export| takes_defaults(module.func_type(export.index)))
        .map(|export| {
            let params = slots(module.func_type(export.index).params()) as u64;
            (export.name.clone(), (1..=params).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect())
        })
        .collect()
}

/// A module that declares the host functions, as the generator wants to be told.
fn imports() -> &'static Vec<u8> {
    static MODULE: OnceLock<Vec<u8>> = OnceLock::new();
    MODULE.get_or_init(|| {
        let (mut types, mut imports) = (TypeSection::new(), ImportSection::new());
        for (number, (name, params, results)) in (0..).zip(HOST) {
            types.ty().function(params.iter().copied(), results.iter().copied());
            imports.import("host", name, EntityType::Function(number));
        }
        let mut module = wasm_encoder::Module::new();
        module.section(&types).section(&imports);
        module.finish()
    })
}

/// A host function whose results depend on all its arguments.
fn host(name: &str) -> HostFn {
    let results = HOST.iter().find(|row| row.0 == name).map_or(&[][..], |row| row.2);
    Arc::new(move |_, args| {
        let mix = args.iter().fold(7, |mix: u64, arg| mix.rotate_left(9) ^ arg);
        results.iter().map(|ty| if *ty == ValType::I32 { mix & 0xffff_ffff } else { mix }).collect()
    })
}

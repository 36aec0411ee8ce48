//! The interpreter, machine code and the naive executor on one module, at limits of gas from nothing to all that it takes: equal
//! ends, results, host calls with the gas they are shown, gas left, and what the store holds.

use super::run::Case;
use crate::machine::{Executor, HostFn, Plan, run_module, slots, takes_defaults};
use arbitrary::Unstructured;
use gristmill::{Config, Engine, ExternType, Gas, Meter, Module, Profile, Schedule, ValType};
use gristmill_aot::{Aot, Bounds, Options};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// What a module may spend at most, in gas of schedule `v1`: some hundred thousand operators, which take the naive executor a
/// tenth of a second where everything is instrumented.
const MOST: Gas = Gas(400);
/// At about how many limits it runs.
const LIMITS: u64 = 12;

/// A module as it stands, a real one or one made of it, or bytes that the generator makes one of.
pub fn run(data: &[u8]) {
    if data.starts_with(b"\0asm") {
        compare(data, &[], MOST, LIMITS);
    } else if let Ok(case) = Case::read(&mut Unstructured::new(data)) {
        compare(&case.wasm, &[], MOST, LIMITS);
    }
}

/// The engine with the interpreter, and with machine code of both kinds.
fn engines() -> &'static [(&'static str, Engine); 3] {
    static ENGINES: OnceLock<[(&'static str, Engine); 3]> = OnceLock::new();
    ENGINES.get_or_init(|| {
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
    })
}

/// Compares the tiers on `bytes` at about `count` limits up to `most`. Without `calls` exported functions are called with
/// arguments of all sizes.
///
/// # Panics
/// When two of them show something different, or one refuses the module and another does not.
pub fn compare(bytes: &[u8], calls: &[(String, Vec<u64>)], most: Gas, count: u64) {
    let modules: Vec<_> = engines().iter().map(|(name, engine)| (*name, Module::new(engine, bytes))).collect();
    let reference = gristmill_reference::Module::new(&Profile::general(), Schedule::V1, bytes);
    let refused = modules.iter().filter(|(_, module)| module.is_err()).count() + usize::from(reference.is_err());
    assert!(matches!(refused, 0 | 4), "a module is refused by one and not by another: {bytes:02x?}");
    let Ok(reference) = reference else { return };
    match calls {
        [] => sweep(bytes, &modules, &exported(&reference), most, count),
        calls => sweep(bytes, &modules, calls, most, count),
    }
}

fn sweep(
    bytes: &[u8],
    modules: &[(&'static str, Result<Module, gristmill::Error>)],
    calls: &[(String, Vec<u64>)],
    most: Gas,
    count: u64,
) {
    let Some(hosts) = modules[0].1.as_ref().ok().and_then(hosts) else { return };
    let imports = |module: &str, name: &str| hosts[&(module.to_string(), name.to_string())].clone();
    let at = |limit: Gas| {
        let meter = Meter::new(limit);
        let plan = Plan { profile: Profile::general(), schedule: Schedule::V1, meter, bytes, imports: &imports, calls };
        let expected = Executor::Reference.run(&plan).expect("nobody refused it");
        for (name, module) in modules {
            let module = module.as_ref().expect("nobody refused it");
            let seen = run_module(module, &plan, &[], 0);
            assert_eq!(expected.len(), seen.len(), "{name} got not as far as the naive executor, gas {}", limit.0);
            for (step, (a, b)) in expected.iter().zip(&seen).enumerate() {
                assert!(a == b, "{name}, gas {}, step {step}:\n{b:?}\nnaive executor:\n{a:?}", limit.0);
            }
        }
        expected.last().map_or(0, |last| (u128::from(limit.0) - last.left / 10_000) as u64)
    };
    let used = at(most);
    let between = (0..count).map(|step| used * step / count);
    let around = [used.saturating_sub(1), used, (used + 1).min(most.0)];
    for limit in between.chain(around) {
        at(Gas(limit));
    }
}

/// Up to eight exported functions, with numbers of all sizes.
fn exported(module: &gristmill_reference::Module) -> Vec<(String, Vec<u64>)> {
    let functions = module.exports().iter().filter(|export| export.kind == wasmparser::ExternalKind::Func).take(8);
    let argument = |i: u64| if i.is_multiple_of(3) { i } else { i.wrapping_mul(0x9e37_79b9_7f4a_7c15) };
    functions
        .filter(|export| takes_defaults(module.func_type(export.index)))
        .map(|export| {
            let params = slots(module.func_type(export.index).params()) as u64;
            (export.name.clone(), (1..=params).map(argument).collect())
        })
        .collect()
}

/// A function for each import, whose results depend on its arguments; `None`: something else is imported, or one name with
/// two types.
fn hosts(module: &Module) -> Option<BTreeMap<(String, String), HostFn>> {
    let mut types = BTreeMap::new();
    for import in module.imports() {
        let ExternType::Func(ty) = import.ty() else { return None };
        let name = (import.module().to_string(), import.name().to_string());
        if types.insert(name, ty.clone()).is_some_and(|before| before != *ty) {
            return None;
        }
    }
    let host = |ty: gristmill::FuncType| -> HostFn {
        Arc::new(move |_, args| {
            let mix = args.iter().fold(7, |mix: u64, arg| mix.rotate_left(9) ^ arg);
            let value = |ty: &ValType| match ty {
                ValType::I32 | ValType::F32 => vec![mix & 0xffff],
                ValType::V128 => vec![mix, !mix],
                _ => vec![mix],
            };
            ty.results().iter().flat_map(value).collect()
        })
    };
    Some(types.into_iter().map(|(name, ty)| (name, host(ty))).collect())
}

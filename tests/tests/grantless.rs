//! Programs to which nothing is granted: thousands that try everything, and the chain, which has none of it.

use gristmill::contract::{Ewasm, Options};
use gristmill::{Engine, Linker, Module, Profile, Schedule, Store, ValType};
use gristmill_cli::program::{Program, Shared, extensions, link};
use gristmill_ext_grants::{Granted, Grants};
use gristmill_ext_wasi::Streams;
use gristmill_tests::{engines, fuzz::grantless};
use std::collections::BTreeSet;

/// Programs, and the bytes that each is made of.
const PROGRAMS: u64 = 4_000;
const BYTES: usize = 600;

/// splitmix64.
fn fill(seed: u64, bytes: &mut [u8]) {
    let mut state = seed;
    for chunk in bytes.chunks_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        chunk.copy_from_slice(&(word ^ word >> 31).to_le_bytes()[..chunk.len()]);
    }
}

#[test]
fn thousands_try_everything() {
    let before = std::fs::read_dir(".").unwrap().count();
    let mut bytes = [0; BYTES];
    for seed in 0..PROGRAMS {
        fill(seed << 32, &mut bytes);
        let outcome = std::panic::catch_unwind(|| grantless::run(&bytes));
        assert!(outcome.is_ok(), "seed {seed}");
    }
    // None of them has made a file here.
    assert_eq!(std::fs::read_dir(".").unwrap().count(), before);
    println!("{PROGRAMS} programs, {} functions", grantless::functions());
}

/// All names that programs may import, with their types in the text format.
fn names() -> Vec<(String, String, String)> {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    link(&mut linker).unwrap();
    let program =
        Program::of(Granted::quiet(Grants::default()), "x", Streams::default(), &Shared::open(None, None).unwrap())
            .unwrap();
    let mut store = Store::new(&engine, program);
    let all: Vec<_> =
        linker.iter(&mut store).map(|(module, name, item)| (module, name, item.into_func().unwrap())).collect();
    let text = |types: &[ValType]| types.iter().map(|ty| format!(" {ty}")).collect::<String>();
    all.into_iter()
        .map(|(module, name, func)| {
            let ty = func.ty(&store);
            (module.into(), name.into(), format!("(param{}) (result{})", text(ty.params()), text(ty.results())))
        })
        .collect()
}

#[test]
fn contracts_can_import_none_of_it() {
    let names = names();
    let have: BTreeSet<_> = names.iter().map(|(module, name, _)| (module.as_str(), name.as_str())).collect();
    for extension in extensions() {
        assert!(extension.rows.iter().all(|row| have.contains(&(row.module, row.name))), "{}", extension.name);
        for module in extension.also {
            assert!(have.iter().any(|(other, _)| other == module), "{module}");
        }
    }
    assert!(names.len() >= 46 + 22 + 9 + 2 * 11, "{}", names.len());
    for (executor, engine) in engines(Profile::chain1(), Schedule::V1) {
        let contracts = Ewasm::new(&engine, Options::default());
        for (module, name, ty) in &names {
            let contract = |module: &str, name: &str| {
                let text = format!(
                    "(module (import {module:?} {name:?} (func {ty}))
                     (memory (export \"memory\") 1) (func (export \"main\")))"
                );
                wat::parse_str(text).unwrap()
            };
            // By the rules of contracts, before anything is linked or run.
            let bytes = contract(module, name);
            assert!(Module::new(&engine, &bytes).is_ok(), "{module}.{name}: the import is all that is wrong");
            let error = contracts.load(&bytes).unwrap_err().to_string();
            assert!(error.contains("is not a function of the interface"), "{module}.{name}, {executor}: {error}");
            // Nor in the interface's own module.
            if name != "finish" {
                assert!(contracts.load(&contract("ethereum", name)).is_err(), "ethereum.{name}");
            }
        }
    }
}

//! Any bytes: a module or a typed error, in bounded time and memory.

use gristmill::{Config, Engine, Error, Module, Profile, Schedule};
use std::sync::OnceLock;

/// Loads `data` under both profiles.
pub fn run(data: &[u8]) {
    static ENGINES: OnceLock<[Engine; 2]> = OnceLock::new();
    let engines = ENGINES.get_or_init(|| {
        [Profile::chain1(), Profile::general()].map(|profile| {
            Engine::new(Config::new().profile(profile).schedule(Schedule::V1)).expect("both profiles make an engine")
        })
    });
    let [chain, general] = engines.each_ref().map(|engine| load(engine, data));
    // Everything that chain1 allows is allowed off-chain.
    assert!(!chain || general, "a module of chain1 is none of general");
}

fn load(engine: &Engine, data: &[u8]) -> bool {
    match Module::new(engine, data) {
        Ok(module) => {
            // Reading what it declares must not panic either.
            assert!(module.imports().count() + module.exports().count() <= data.len());
            true
        }
        Err(Error::Load(refusal)) => {
            assert!(refusal.offset <= data.len(), "blames byte {} of {}", refusal.offset, data.len());
            assert!(!refusal.to_string().is_empty());
            false
        }
        Err(other) => panic!("bytes are refused with a load error, not with {other}"),
    }
}

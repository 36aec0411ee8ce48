//! What the integration tests share: where data is, the executors, and one way to run a module on each of them.
//!
//! The executors judge each other: the engine with tail and with loop dispatch, each with functions translated when a module
//! is loaded and when they are called, watched too, and the naive one of `gristmill-reference`. A test that names none of
//! them runs on all.

pub mod fuzz;
pub mod kernels;
pub mod machine;
pub mod reference_script;
pub mod reference_vm;
pub mod smith;
pub mod watched;

use gristmill::contract::{Ewasm, ModuleCache, Options, Vm};
use gristmill::{CompilationMode, Config, Dispatch, Engine, Error, Module, Profile, Schedule};
use gristmill_aot::{self as aot, Aot, Bounds};
use gristmill_chain::CodeCache;
use reference_vm::Reference;
use std::path::PathBuf;
use std::sync::Arc;
use watched::Judge;

/// The engine with every dispatch back end that this build has, each in every mode, and with machine code.
///
/// # Panics
/// When the engine does not take a dispatch that it says it has, or this machine has no machine code.
pub fn engines(profile: Profile, schedule: Schedule) -> Vec<(&'static str, Engine)> {
    let dispatches =
        [Dispatch::Loop, Dispatch::Tail].into_iter().filter(|d| *d == Dispatch::Loop || Dispatch::has_tail());
    let mut engines: Vec<_> = dispatches
        .flat_map(|dispatch| [CompilationMode::Eager, CompilationMode::LazyTranslation].map(|mode| (dispatch, mode)))
        .map(|(dispatch, mode)| {
            let mut config = Config::new();
            config.profile(profile).schedule(schedule).dispatch(dispatch).compilation_mode(mode);
            let name = match (dispatch, mode) {
                (Dispatch::Loop, CompilationMode::LazyTranslation) => "loop, lazy",
                (_, CompilationMode::LazyTranslation) => "tail, lazy",
                (dispatch, CompilationMode::Eager) => dispatch.name(),
            };
            (name, Engine::new(&config).expect("this build has this dispatch"))
        })
        .collect();
    let watched = engines[0].1.watched(Arc::new(Judge::default()));
    let mut config = Config::new();
    config.profile(profile).schedule(schedule);
    engines.push(("loop, watched", watched));
    // What `checked` adds is tests inside of the interpreter.
    if cfg!(feature = "checked") {
        return engines;
    }
    let mut kinds = vec![("aot, check", Bounds::Check), ("aot, guard", Bounds::Guard)];
    // A tool that watches memory (`./test memcheck`) reports the very faults that guards are there for.
    if std::env::var_os("GRISTMILL_WITHOUT_GUARDS").is_some() {
        kinds.pop();
    }
    engines.extend(kinds.into_iter().map(|(name, bounds)| {
        let options = aot::Options { bounds, ..Default::default() };
        let aot = Arc::new(Aot::new(options).expect("this machine has machine code"));
        (name, Engine::with_compiler(&config, aot).expect("the automatic dispatch always exists"))
    }));
    engines
}

/// All executors as VMs for contracts under `chain1`.
pub fn vms(schedule: Schedule, options: &Options) -> Vec<(&'static str, Box<dyn Vm>)> {
    let options = Options { schedule, ..options.clone() };
    let mut vms: Vec<(_, Box<dyn Vm>)> = Vec::new();
    for (name, engine) in engines(Profile::chain1(), schedule) {
        let compiles = name.starts_with("aot");
        let vm = Ewasm::new(&engine, options.clone());
        // Machine code is kept from message to message, or most of the time would be the compiler's.
        let vm = if compiles { vm.with_cache(Arc::new(CodeCache::new(1 << 26))) } else { vm };
        if name == "loop, lazy" {
            vms.push(("loop, loaded again", Box::new(vm.clone().with_cache(Arc::new(Again(vm.clone()))))));
        }
        vms.push((name, Box::new(vm)));
    }
    vms.push(("reference", Box::new(Reference::new(Profile::chain1(), options))));
    vms
}

/// Keeps nothing, but loads what was loaded as what is known to be valid.
struct Again(Ewasm);

impl ModuleCache for Again {
    fn get_or_load(&self, code: &[u8], load: &mut dyn FnMut() -> Result<Module, Error>) -> Result<Module, Error> {
        load()?;
        // SAFETY: just now, by a VM of which this is a copy.
        unsafe { self.0.load_valid(code) }
    }
}

/// A folder of the material beside the repository: `conformance/..`, `kernels`, `contracts`.
///
/// `GRISTMILL_CONFORMANCE` names the conformance folder when it is elsewhere; the others are its siblings. Without it
/// the place is `../shared` from the workspace's root. `None`, with a line on standard error, when there is nothing.
///
/// # Panics
/// When there is nothing and `CI=true`.
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = match std::env::var_os("GRISTMILL_CONFORMANCE") {
        Some(conformance) => PathBuf::from(conformance).join(".."),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
    };
    let found = root.join(path);
    if found.exists() {
        return Some(found);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} not found, and CI=true", found.display());
    eprintln!("{} not found: nothing is tested", found.display());
    None
}

/// Runs `f` on a thread with a stack for the deepest recursion of any test: messages nested 1,024 times in a build that
/// nothing optimised.
///
/// # Panics
/// When `f` does.
pub fn deep<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    const STACK: usize = 256 << 20;
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(f).expect("a thread starts");
    match thread.join() {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

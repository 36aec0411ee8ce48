//! `gristmill run`: calls an exported function of a module.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use gristmill::{Engine, Error, Extern, Func, FuncType, Gas, Instance, Linker, Meter, Module, Store, Val};
use gristmill_aot::{Rejected, When};
use serde_json::{Value, json};

use crate::args::{self, EngineArgs, ProfileArg, WithoutArgs};
use crate::output::{Answer, Failure, Spinner};
use crate::trap::Catcher;

/// Call an exported function of a module
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Arguments are read by the function's signature: integers signed, unsigned or in hex, floats in decimal, references \
`null`. Results are printed a line each. Without --invoke the error lists what the module exports. A trap is shown with \
the functions that had not returned, with lines of source where the module has DWARF sections (`clang -g`).

Examples:
  gristmill run fib.wasm --invoke run 27
  gristmill run matmul.wasm --invoke run 20 --stats
  gristmill run loop.wat --invoke spin --gas 1_000_000
  gristmill run parser.wasm --invoke main --coredump core.wasm")]
pub struct Args {
    /// Module, binary or text (`-`: standard input)
    file: PathBuf,
    /// Exported function to call
    #[arg(long, value_name = "NAME")]
    invoke: Option<String>,
    /// Its arguments
    #[arg(allow_negative_numbers = true)]
    args: Vec<String>,
    /// Gas to spend; unlimited without
    #[arg(long, value_parser = args::gas)]
    gas: Option<Gas>,
    /// Show gas, times and memory
    #[arg(long)]
    stats: bool,
    /// Write a coredump here when the guest traps: frames, locals, memory, globals, as WebAssembly's tools read them
    #[arg(long, value_name = "FILE")]
    coredump: Option<PathBuf>,
    /// Which modules are accepted, under which limits
    #[arg(long, value_enum, default_value = "general", value_name = "NAME")]
    profile: ProfileArg,
    #[command(flatten)]
    without: WithoutArgs,
    /// Machine code of the module, made by `compile` and signed with a key that --trust names
    #[arg(long, value_name = "FILE")]
    code: Option<PathBuf>,
    #[command(flatten)]
    engine: EngineArgs,
}

/// Runs the command.
///
/// # Errors
/// The module is refused, there is no such function, the arguments do not fit, the guest traps.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let bytes = args::read_module(&args.file)?;
    let catcher = Arc::new(Catcher::new(args.coredump.is_some()));
    let profile = args.without.of(args.profile);
    let attached = args.code.as_ref().map(|_| args.engine.tier.compiler(When::Never)).transpose()?;
    let plain = match &attached {
        None => args.engine.engine(profile)?,
        Some(aot) => {
            let config = args::config(profile, args.engine.schedule, &args.engine.tier);
            Engine::with_compiler(&config, aot.clone())?
        }
    };
    let engine = plain.watched(catcher.clone());
    let trapped = |failure| explained(failure, args, &catcher, &plain, &bytes);

    let loading = Instant::now();
    let module = match (&attached, &args.code) {
        (Some(aot), Some(path)) => {
            let code = args::read_file(path)?;
            let refused = |why: Rejected| Failure::refused(why.to_string()).at(path.display());
            aot.accept(&engine, &bytes, &code).map_err(refused)?.load()
        }
        _ => Module::new(&engine, &bytes),
    }
    .map_err(|e| Failure::from(e).at(args.file.display()))?;
    let load_time = loading.elapsed();

    let mut store = Store::new(&engine, ());
    if let Some(gas) = args.gas {
        store.set_gas(gas);
    }
    let before = store.meter().left();
    let instance = match Linker::new(&engine).instantiate(&mut store, &module) {
        Ok(instance) => instance,
        Err(e) => return Err(trapped(link_failure(e, &module))),
    };
    let (name, func) = function(args.invoke.as_deref(), &store, instance)?;
    let ty = func.ty(&store);
    let values = arguments(name, &ty, &args.args)?;
    let mut results: Vec<_> = ty.results().iter().map(|ty| Val::default(*ty)).collect();

    let spinner = Spinner::new("running");
    let running = Instant::now();
    let outcome = func.call(&mut store, &values, &mut results);
    let run_time = running.elapsed();
    drop(spinner);

    let stats = Stats {
        gas_used: used(before, store.meter()),
        load_nanoseconds: load_time.as_nanos(),
        run_nanoseconds: run_time.as_nanos(),
        memory_pages: instance.get_memory(&store, "memory").map(|m| m.size(&store)),
        tier: if attached.is_some() { "aot" } else { args.engine.tier.name() },
        dispatch: engine.dispatch().name(),
    };
    if let Err(e) = outcome {
        return Err(trapped(e.into()).with("invoked", name).with("stats", stats.json()));
    }
    let mut lines: Vec<_> = results.iter().map(args::value_text).collect();
    let values: Vec<_> =
        results.iter().map(|v| json!({ "type": v.ty().to_string(), "value": args::value_text(v) })).collect();
    if args.stats {
        lines.push(stats.text());
    }
    Ok(Answer::good(lines.join("\n"), json!({ "results": values, "stats": stats.json() })))
}

/// What a run cost.
struct Stats {
    gas_used: Gas,
    load_nanoseconds: u128,
    run_nanoseconds: u128,
    /// Of the export `memory`.
    memory_pages: Option<u64>,
    tier: &'static str,
    dispatch: &'static str,
}

impl Stats {
    fn text(&self) -> String {
        let milliseconds = |ns: u128| ns as f64 / 1e6;
        let memory = self.memory_pages.map_or("none exported".into(), |pages| format!("{pages} pages"));
        format!(
            "gas used  {}\nload      {:.3} ms\nrun       {:.3} ms ({}, {})\nmemory    {memory}",
            self.gas_used.0,
            milliseconds(self.load_nanoseconds),
            milliseconds(self.run_nanoseconds),
            self.tier,
            self.dispatch,
        )
    }

    fn json(&self) -> Value {
        json!({
            "gas_used": self.gas_used.0,
            "load_nanoseconds": self.load_nanoseconds as u64,
            "run_nanoseconds": self.run_nanoseconds as u64,
            "memory_pages": self.memory_pages,
            "tier": self.tier,
            "dispatch": self.dispatch,
        })
    }
}

fn used(before: Gas, meter: &Meter) -> Gas {
    Gas(before.0 - meter.left().0)
}

/// Why a module could not be linked.
pub fn link_failure(e: Error, module: &Module) -> Failure {
    let contract = module.imports().any(|import| import.module() == "ethereum");
    let failure = Failure::from(e);
    match contract {
        true => {
            Failure { message: format!("{}; a contract runs with `deploy` and `call`", failure.message), ..failure }
        }
        false => failure,
    }
}

/// Adds where the guest trapped, and writes the coredump.
fn explained(failure: Failure, args: &Args, catcher: &Catcher, engine: &Engine, bytes: &[u8]) -> Failure {
    let Some(caught) = catcher.take() else { return failure };
    let Ok(located) = caught.locate(engine, bytes) else { return failure };
    let failure = located.backtrace().explain(failure);
    let Some(path) = &args.coredump else { return failure };
    match located.write_coredump(&args.file.display().to_string(), path) {
        Ok(()) => {
            let message = format!("{}\ncoredump: {}", failure.message, path.display());
            Failure { message, ..failure }.with("coredump", path.display().to_string())
        }
        Err(e) => Failure { message: format!("{}\nno coredump: {}", failure.message, e.message), ..failure },
    }
}

/// The values that a function is called with.
///
/// # Errors
/// They are not as many, or not of its types.
pub fn arguments(name: &str, ty: &FuncType, texts: &[String]) -> Result<Vec<Val>, Failure> {
    if ty.params().len() != texts.len() {
        let message = format!("`{name}` takes {} arguments, {} given: {ty}", ty.params().len(), texts.len());
        return Err(Failure::usage(message));
    }
    let values = texts.iter().zip(ty.params()).map(|(text, ty)| args::parse_value(text, *ty));
    values.collect::<Result<_, _>>().map_err(Failure::usage)
}

/// The function to call; without a name an error that lists what there is.
///
/// # Errors
/// There is no such function.
pub fn function<'a>(
    invoke: Option<&'a str>,
    store: &Store<()>,
    instance: Instance,
) -> Result<(&'a str, Func), Failure> {
    let found = invoke.and_then(|name| Some((name, instance.get_func(store, name)?)));
    found.ok_or_else(|| {
        let exports = instance.exports(store).into_iter();
        let functions = exports.filter_map(|(name, export)| match export {
            Extern::Func(func) => Some(format!("  {name} {}", func.ty(store))),
            _ => None,
        });
        let list = functions.collect::<Vec<_>>().join("\n");
        let what = match invoke {
            Some(name) => format!("there is no exported function `{name}`"),
            None => "which function? (--invoke NAME)".into(),
        };
        match list.as_str() {
            "" => Failure::usage(format!("{what}; the module exports none")),
            list => Failure::usage(format!("{what}; the module exports\n{list}")),
        }
    })
}

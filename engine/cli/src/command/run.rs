//! `gristmill run`: calls an exported function of a module.

use std::path::PathBuf;
use std::time::Instant;

use gristmill::{Error, Extern, Func, Gas, Instance, Linker, Meter, Module, Store, Val};
use serde_json::{Value, json};

use crate::args::{self, EngineArgs, ProfileArg};
use crate::output::{Answer, Exit, Failure, Spinner};

/// Call an exported function of a module
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Arguments are read by the function's signature: integers signed, unsigned or in hex, floats in decimal, references \
`null`. Results are printed a line each. Without --invoke the error lists what the module exports.

Examples:
  gristmill run fib.wasm --invoke run 27
  gristmill run matmul.wasm --invoke run 20 --stats
  gristmill run loop.wat --invoke spin --gas 1_000_000")]
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
    /// Which modules are accepted, under which limits
    #[arg(long, value_enum, default_value = "general", value_name = "NAME")]
    profile: ProfileArg,
    #[command(flatten)]
    engine: EngineArgs,
}

/// Runs the command.
///
/// # Errors
/// The module is refused, there is no such function, the arguments do not fit, the guest traps.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let bytes = args::read_module(&args.file)?;
    let engine = args.engine.engine(args.profile.into())?;

    let loading = Instant::now();
    let module = Module::new(&engine, &bytes).map_err(|e| Failure::from(e).at(args.file.display()))?;
    let load_time = loading.elapsed();

    let mut store = Store::new(&engine, ());
    if let Some(gas) = args.gas {
        store.set_gas(gas);
    }
    let before = store.meter().left();
    let instance = match Linker::new(&engine).instantiate(&mut store, &module) {
        Ok(instance) => instance,
        Err(e) => return Err(located(link_failure(e, &module), &store)),
    };
    let (name, func) = function(args, &store, instance)?;
    let ty = func.ty(&store);
    if ty.params().len() != args.args.len() {
        let message = format!("`{name}` takes {} arguments, {} given: {ty}", ty.params().len(), args.args.len());
        return Err(Failure::usage(message));
    }
    let values = args.args.iter().zip(ty.params()).map(|(text, ty)| args::parse_value(text, *ty));
    let values = values.collect::<Result<Vec<_>, _>>().map_err(Failure::usage)?;
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
        dispatch: engine.dispatch().name(),
    };
    if let Err(e) = outcome {
        return Err(located(e.into(), &store).with("invoked", name).with("stats", stats.json()));
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
    dispatch: &'static str,
}

impl Stats {
    fn text(&self) -> String {
        let milliseconds = |ns: u128| ns as f64 / 1e6;
        let memory = self.memory_pages.map_or("none exported".into(), |pages| format!("{pages} pages"));
        format!(
            "gas used  {}\nload      {:.3} ms\nrun       {:.3} ms ({})\nmemory    {memory}",
            self.gas_used.0,
            milliseconds(self.load_nanoseconds),
            milliseconds(self.run_nanoseconds),
            self.dispatch,
        )
    }

    fn json(&self) -> Value {
        json!({
            "gas_used": self.gas_used.0,
            "load_nanoseconds": self.load_nanoseconds as u64,
            "run_nanoseconds": self.run_nanoseconds as u64,
            "memory_pages": self.memory_pages,
            "dispatch": self.dispatch,
        })
    }
}

fn used(before: Gas, meter: &Meter) -> Gas {
    Gas(before.0 - meter.left().0)
}

fn link_failure(e: Error, module: &Module) -> Failure {
    let contract = module.imports().any(|import| import.module() == "ethereum");
    let failure = Failure::from(e);
    match contract {
        true => {
            Failure { message: format!("{}; a contract runs with `deploy` and `call`", failure.message), ..failure }
        }
        false => failure,
    }
}

/// Adds where the guest trapped: the function, by its name if the module tells names.
fn located(failure: Failure, store: &Store<()>) -> Failure {
    let Some(frame) = store.trap_frame().filter(|_| failure.exit == Exit::Guest) else { return failure };
    let place = match &frame.name {
        Some(name) => format!("`{name}` (function {})", frame.function),
        None => format!("function {}", frame.function),
    };
    let message = format!("{} in {place}", failure.message);
    Failure { message, ..failure }.with("function", frame.function).with("function_name", frame.name)
}

/// The function to call; without `--invoke` an error that lists what there is.
fn function<'a>(args: &'a Args, store: &Store<()>, instance: Instance) -> Result<(&'a str, Func), Failure> {
    let found = args.invoke.as_deref().and_then(|name| Some((name, instance.get_func(store, name)?)));
    found.ok_or_else(|| {
        let exports = instance.exports(store).into_iter();
        let functions = exports.filter_map(|(name, export)| match export {
            Extern::Func(func) => Some(format!("  {name} {}", func.ty(store))),
            _ => None,
        });
        let list = functions.collect::<Vec<_>>().join("\n");
        let what = match &args.invoke {
            Some(name) => format!("there is no exported function `{name}`"),
            None => "which function? (--invoke NAME)".into(),
        };
        match list.as_str() {
            "" => Failure::usage(format!("{what}; the module exports none")),
            list => Failure::usage(format!("{what}; the module exports\n{list}")),
        }
    })
}

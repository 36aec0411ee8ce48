//! `gristmill run`: a program, or an exported function of a module.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use gristmill::{Engine, Error, Extern, Func, FuncType, Gas, Halt, Instance, Linker, Meter, Module, Store, Val};
use gristmill_aot::{Rejected, When};
use gristmill_ext_grants::{Digest, Grants, Limits, Output};
use serde_json::{Value, json};

use crate::args::{self, EngineArgs, ProfileArg, WithoutArgs};
use crate::confine::{ConfineArg, confine};
use crate::grants::GrantArgs;
use crate::link;
use crate::output::{self, Answer, Exit, Failure, Spinner};
use crate::program::{self, Mode, Program};
use crate::tape::{Header, Outcome, Start, TapeArgs, named_rules};
use crate::trap::Catcher;

/// Run a program of WASI, or call an exported function of a module
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A module that exports `_start` is a program: it gets the arguments as they are, its exit code is passed through, and a trap or a \
spent limit is 134. Of any other module --invoke names a function; its arguments are read by the function's signature: \
integers signed, unsigned or in hex, floats in decimal, references `null`. Results are printed a line each. Without --invoke the \
error lists what the module exports. A trap is shown with the functions that had not returned, with lines of source where the \
module has DWARF sections (`clang -g`).

Examples:
  gristmill run app.wasm --dir .::/ -- --verbose in.txt
  gristmill run app.wasm --manifest app.toml --explain
  gristmill run app.wasm --storage app --storage-file app.redb --timeout 2s
  gristmill run fib.wasm --invoke run 27
  gristmill run matmul.wasm --invoke run 20 --stats
  gristmill run loop.wat --invoke spin --gas 1_000_000
  gristmill run parser.wasm --invoke main --coredump core.wasm
  gristmill run app.wasm --dir .::/ --record app.rec -- in.txt
  gristmill run app.wasm --replay app.rec --tier aot")]
pub struct Args {
    /// Module, binary or text (`-`: standard input)
    file: PathBuf,
    /// Exported function to call
    #[arg(long, value_name = "NAME")]
    invoke: Option<String>,
    /// Call the function that the first argument names, whatever the module exports
    #[arg(long, conflicts_with = "invoke")]
    reactor: bool,
    /// Its arguments
    #[arg(allow_negative_numbers = true)]
    args: Vec<String>,
    /// Gas to spend; unlimited without
    #[arg(long, alias = "gas-limit", value_parser = args::gas)]
    gas: Option<Gas>,
    /// Show gas, times and memory
    #[arg(
        long,
        overrides_with = "stats",
        aliases = ["enable-instruction-count", "enable-gas-measuring", "enable-time-measuring", "enable-all-statistics"]
    )]
    stats: bool,
    /// Print what the program could do, and do not run it
    #[arg(long)]
    explain: bool,
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
    #[command(flatten)]
    grants: GrantArgs,
    /// Have the kernel keep from this process what is not granted (Landlock, seccomp): paths, sockets, programs. Where it
    /// cannot, nothing runs; with `best-effort` it keeps what it can
    #[arg(
        long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "whole", value_name = "best-effort",
        hide_possible_values = true, conflicts_with = "coredump", help_heading = "What the program may do"
    )]
    confine: Option<ConfineArg>,
    #[command(flatten)]
    tape: TapeArgs,
}

impl Args {
    /// Where a module begins.
    fn start(&self, module: &Module) -> Start {
        if Mode::of(module) == Mode::Command && self.invoke.is_none() && !self.reactor {
            return Start::Command;
        }
        let (name, words) = match self.args.split_first() {
            Some((name, words)) if self.reactor => (Some(name), words),
            _ => (self.invoke.as_ref(), &self.args[..]),
        };
        // Without a name the error lists what there is.
        Start::Function(name.cloned(), words.to_vec())
    }

    /// All that is granted.
    fn grants(&self, command: bool) -> Result<Grants, Failure> {
        let mut grants = self.grants.grants()?;
        if command {
            grants.arguments.extend(self.args.iter().cloned());
        }
        grants.limits.gas = self.gas.map(|gas| gas.0).or(grants.limits.gas);
        grants.limits.pages = self.engine.tier.most_memory().map(|pages| pages.0).or(grants.limits.pages);
        Ok(grants)
    }

    /// What a replay may do: nothing, within the limits of the recording.
    fn grants_of(&self, header: &Header) -> Grants {
        let milliseconds = self.grants.milliseconds();
        let limits = Limits { gas: header.gas, pages: header.pages, milliseconds, ..Limits::default() };
        Grants { limits, ..Grants::default() }
    }

    /// How a recording of this run begins.
    fn header(&self, bytes: &[u8], start: &Start, grants: &Grants) -> Header {
        Header {
            module: Digest::of(bytes).0,
            profile: self.profile.name().into(),
            without: self.without.without.iter().map(|proposal| proposal.name().into()).collect(),
            schedule: self.engine.schedule.name().into(),
            gas: grants.limits.gas,
            pages: grants.limits.pages,
            start: start.clone(),
            streams: [grants.stdio.stdout, grants.stdio.stderr].map(|stream| stream == Output::Inherit),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// The module is refused, there is no such function, the arguments do not fit, the guest traps.
pub fn run(args: &Args, as_json: bool) -> Result<Answer, Failure> {
    if args.explain {
        let grants = args.grants(true)?;
        let json = serde_json::to_value(&grants).map_err(|e| Failure::host(e.to_string()))?;
        return Ok(Answer::good(grants.to_string(), json!({ "grants": json })));
    }
    let recorded = args.tape.open()?;
    let (profile, schedule) = match &recorded {
        Some(recorded) => named_rules(&recorded.header)?,
        None => (args.without.of(args.profile), args.engine.schedule),
    };
    let bytes = args::read_module(&args.file)?;
    let catcher = Arc::new(Catcher::new(args.coredump.is_some()));
    let attached = args.code.as_ref().map(|_| args.engine.tier.compiler(When::Never)).transpose()?;
    let plain = match &attached {
        None => args::engine(profile, schedule, &args.engine.tier)?,
        Some(aot) => {
            let config = args::config(profile, schedule, &args.engine.tier);
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

    let start = recorded.as_ref().map_or_else(|| args.start(&module), |recorded| recorded.header.start.clone());
    let command = start == Start::Command;
    let grants = match &recorded {
        Some(recorded) => args.grants_of(&recorded.header),
        None => args.grants(command)?,
    };
    if !grants.fits(&bytes) {
        return Err(Failure::refused("the manifest is for another module").at(args.file.display()));
    }
    if recorded.as_ref().is_some_and(|recorded| recorded.header.module != Digest::of(&bytes).0) {
        return Err(Failure::refused("the recording is of another module").at(args.file.display()));
    }
    let header = args.header(&bytes, &start, &grants);
    let limits = grants.limits;
    let sockets = args.grants.sockets()?;
    let shared = args.grants.shared(&grants)?;
    let program = Program::new(grants, &args.file, sockets, &shared)?;
    let mut store = Store::new(&engine, program);
    if let Some(gas) = limits.gas {
        store.set_gas(Gas(gas));
    }
    if let Some(pages) = limits.pages {
        let memory = store.limits().memory.min(gristmill::Pages(pages));
        store.set_limits(gristmill::limits::RunLimits { memory, ..store.limits() });
    }
    let before = store.meter().left();
    let tape = args.tape.begin(recorded, &header, before)?;
    let mut linker = Linker::new(&engine);
    tape.join(&mut linker);
    program::link(&mut linker)?;
    if let Some(how) = args.confine {
        let cache: Vec<_> = args.engine.tier.code_cache.iter().map(PathBuf::as_path).collect();
        confine(how, &store.data().wasi.granted().grants, &cache)?;
    }
    let spinner = Spinner::new(if command { "" } else { "running" });
    let running = Instant::now();
    store.set_deadline(store.data().wasi.granted().deadline);
    if let Some(limit) = limits.milliseconds {
        end_after(Duration::from_millis(limit), as_json);
    }
    let begun = linker.instantiate(&mut store, &module).map_err(|e| (true, e)).and_then(|instance| {
        initialize(&mut store, instance, command).map_err(|e| (false, e))?;
        Ok(instance)
    });
    let stats = |store: &Store<Program>, instance: Option<Instance>| Stats {
        gas_used: used(before, store.meter()),
        load_nanoseconds: load_time.as_nanos(),
        run_nanoseconds: running.elapsed().as_nanos(),
        memory_pages: instance.and_then(|it| it.get_memory(store, "memory")).map(|m| m.size(store)),
        tier: if attached.is_some() { "aot" } else { args.engine.tier.name() },
        dispatch: engine.dispatch().name(),
        taped: None,
    };
    let instance = match begun {
        Ok(instance) => instance,
        Err((true, e @ Error::Link(_))) => return Err(link::failure(e, &module, &linker)),
        Err((_, e)) => {
            tape.finish(&store, None, Outcome::of(Err(&e)))?;
            let stats = stats(&store, None);
            return if command { ended(Err(e), args, &stats, trapped) } else { Err(trapped(e.into())) };
        }
    };
    let (invoked, words) = match &start {
        Start::Command => {
            let start = instance.get_typed_func::<(), ()>(&store, "_start")?;
            drop(spinner);
            let outcome = start.call(&mut store, ());
            let taped = tape.finish(&store, Some(instance), Outcome::of(outcome.as_ref().map(|()| Vec::new())))?;
            return ended(outcome, args, &Stats { taped, ..stats(&store, Some(instance)) }, trapped);
        }
        Start::Function(name, words) => (name.as_deref(), words),
    };
    let (name, func) = function(invoked, &store, instance)?;
    let ty = func.ty(&store);
    let values = arguments(name, &ty, words)?;
    let mut results: Vec<_> = ty.results().iter().map(|ty| Val::default(*ty)).collect();
    let outcome = func.call(&mut store, &values, &mut results);
    let texts = || results.iter().map(args::value_text).collect();
    let taped = tape.finish(&store, Some(instance), Outcome::of(outcome.as_ref().map(|()| texts())))?;
    let stats = Stats { taped, ..stats(&store, Some(instance)) };
    drop(spinner);
    if let Err(e) = outcome {
        return match e {
            Error::Halt(Halt::Exit(code)) => Ok(exited(code, args, &stats)),
            e => Err(trapped(e.into()).with("invoked", name).with("stats", stats.json())),
        };
    }
    let mut lines: Vec<_> = results.iter().map(args::value_text).collect();
    let values: Vec<_> =
        results.iter().map(|v| json!({ "type": v.ty().to_string(), "value": args::value_text(v) })).collect();
    if args.stats {
        lines.push(stats.text());
    }
    Ok(Answer::good(lines.join("\n"), json!({ "results": values, "stats": stats.json() })))
}

/// Calls `_initialize`, which modules have that are no commands.
fn initialize(store: &mut Store<Program>, instance: Instance, command: bool) -> Result<(), Error> {
    match instance.get_func(&*store, "_initialize") {
        Some(_) if !command => instance.get_typed_func::<(), ()>(&*store, "_initialize")?.call(store, ()),
        _ => Ok(()),
    }
}

/// How a program ended that ran from its beginning.
fn ended(
    outcome: Result<(), Error>,
    args: &Args,
    stats: &Stats,
    trapped: impl FnOnce(Failure) -> Failure,
) -> Result<Answer, Failure> {
    match outcome {
        Ok(()) => Ok(exited(0, args, stats)),
        Err(Error::Halt(Halt::Exit(code))) => Ok(exited(code, args, stats)),
        Err(e) => {
            let failure = trapped(e.into()).with("stats", stats.json());
            let exit = if failure.exit == Exit::Guest { Exit::Trapped } else { failure.exit };
            Err(Failure { exit, ..failure })
        }
    }
}

/// A program's own end. Standard output is the program's: figures for people go to standard error.
fn exited(code: i32, args: &Args, stats: &Stats) -> Answer {
    if args.stats {
        eprintln!("{}", stats.text());
    }
    // The system's codes have eight bits.
    let exit = if code == 0 { Exit::Good } else { Exit::Own(code as u8) };
    Answer { exit, text: String::new(), json: json!({ "exit_code": code, "stats": stats.json() }) }
}

/// How much longer than its time a program may take to notice that the time is up.
const GRACE: Duration = Duration::from_secs(1);

/// Ends this process when a program does not hear that its time is over: under a schedule whose operators are free.
fn end_after(limit: Duration, as_json: bool) {
    thread::spawn(move || {
        thread::sleep(limit.saturating_add(GRACE));
        let failure = Failure { exit: Exit::Trapped, ..Failure::guest("the time for the run is over") };
        std::process::exit(output::finish(Err(failure), as_json).code().into());
    });
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
    /// Of a run that is recorded or replayed: what its memory is in the end.
    taped: Option<Digest>,
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
            "memory_digest": self.taped.map(|digest| digest.to_string()),
        })
    }
}

fn used(before: Gas, meter: &Meter) -> Gas {
    Gas(before.0 - meter.left().0)
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
pub fn function<'a, T>(
    invoke: Option<&'a str>,
    store: &Store<T>,
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

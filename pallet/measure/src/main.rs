//! The pallet's weights, measured: runs the benchmarks of the demo runtime in its Wasm and writes what comes of them.
//!
//! As `frame-omni-bencher` does with the same runtime, whose proof sizes this leaves to the estimates. The state is in memory:
//! reads and writes are counted, and weigh what the runtime says that its database takes.

mod state;
mod weights;

use clap::Parser;
use codec::{Decode, Encode};
use frame_benchmarking::{BenchmarkBatch, BenchmarkConfig, BenchmarkList, BenchmarkMetadata, BenchmarkResult};
use gristmill_demo_runtime::genesis;
use sc_executor::{HeapAllocStrategy, WasmExecutor};
use sp_core::traits::{CallContext, RuntimeCode, WrappedRuntimeCode};
use sp_externalities::Extensions;
use sp_runtime::BuildStorage;
use sp_state_machine::{OverlayedChanges, StateMachine};
use state::State;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Measures the pallet's weights in the Wasm of the demo runtime, and writes pallet/src/weights/measured.rs.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Where to write; `-` prints
    #[arg(long, value_name = "FILE", default_value_os_t = folder().join("../src/weights/measured.rs"))]
    output: PathBuf,
    /// A blob with benchmarks; without, pallet/build-runtime makes the demo runtime's
    #[arg(long, value_name = "FILE")]
    runtime: Option<PathBuf>,
    /// Which of the runtime's pallets
    #[arg(long, value_name = "NAME", default_value = "pallet_gristmill")]
    pallet: String,
    /// These benchmarks; prints what they came to and writes nothing
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Values of each component
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..))]
    steps: u32,
    /// Runs of each value
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// What times are multiplied with at the end, for noise and other machines
    #[arg(long, value_name = "F", default_value_t = 1.2)]
    factor: f64,
    /// Runs each benchmark at its ends, once, with its assertions, and writes nothing
    #[arg(long)]
    check: bool,
    /// Makes the benchmarks' contracts of their text, and nothing else
    #[arg(long)]
    assemble: bool,
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Makes the benchmarks' contracts of their text.
fn assemble() -> Result<(), String> {
    let folder = folder().join("../src/benchmarks");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.extension().is_some_and(|end| end == "wat") {
            let module = wat::parse_file(&path).map_err(|error| error.to_string())?;
            std::fs::write(path.with_extension("wasm"), module).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

/// The demo runtime with benchmarks, built if need be.
fn build() -> Result<PathBuf, String> {
    let script = folder().join("../build-runtime");
    let output = Command::new(&script)
        .args(["gristmill-demo-runtime", "runtime-benchmarks"])
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| format!("{}: {error}", script.display()))?;
    let path = String::from_utf8_lossy(&output.stdout);
    if output.status.success() { Ok(path.trim().into()) } else { Err("the runtime does not build".into()) }
}

/// Rounds in which the runs of all values are made.
const ROUNDS: u32 = 5;

/// What a node with benchmarks gives a runtime.
type Functions = (sp_io::SubstrateHostFunctions, frame_benchmarking::benchmarking::HostFunctions);

/// A runtime that is asked to measure itself.
struct Bench {
    executor: WasmExecutor<Functions>,
    code: Vec<u8>,
    state: State,
}

impl Bench {
    fn new(code: Vec<u8>) -> Result<Self, String> {
        // 128 MiB, a node's default.
        let heap = HeapAllocStrategy::Static { extra_pages: 2_048 };
        let executor = WasmExecutor::builder()
            .with_onchain_heap_alloc_strategy(heap)
            .with_offchain_heap_alloc_strategy(heap)
            .build();
        let first = genesis::configuration().build_storage()?;
        Ok(Self { executor, code, state: State::new(first) })
    }

    fn call<R: Decode>(&self, function: &str, arguments: &impl Encode) -> Result<R, String> {
        let fetcher = WrappedRuntimeCode((&self.code[..]).into());
        let hash = sp_io::hashing::blake2_256(&self.code).to_vec();
        let code = RuntimeCode { code_fetcher: &fetcher, heap_pages: None, hash };
        let (mut overlay, mut extensions) = (OverlayedChanges::default(), Extensions::default());
        let arguments = arguments.encode();
        let bytes = StateMachine::new(
            &self.state,
            &mut overlay,
            &self.executor,
            function,
            &arguments,
            &mut extensions,
            &code,
            CallContext::Offchain,
        )
        .execute()
        .map_err(|error| format!("{function}: {error}"))?;
        R::decode(&mut &bytes[..]).map_err(|error| format!("{function}: {error}"))
    }

    /// What the runtime has for the pallet.
    fn list(&self, pallet: &str) -> Result<BenchmarkList, String> {
        // Beside it is where the pallets keep things, for who says more about proofs.
        let lists: Beginning<Vec<BenchmarkList>> = self.call("Benchmark_benchmark_metadata", &false)?;
        let found = lists.0.into_iter().find(|list| list.pallet == pallet.as_bytes());
        found.ok_or_else(|| format!("the runtime has no benchmarks of {pallet}"))
    }

    /// Runs a benchmark at every step of each of its components, the others at their least: what a component adds is seen best
    /// where it is most of the whole.
    fn run(
        &self,
        list: &BenchmarkList,
        benchmark: &BenchmarkMetadata,
        options: &Options,
    ) -> Result<Vec<BenchmarkResult>, String> {
        let least: Vec<_> = benchmark.components.iter().map(|(name, low, _)| (*name, *low)).collect();
        let mut points = Vec::new();
        for (at, (name, low, high)) in benchmark.components.iter().enumerate() {
            for step in 0..options.steps {
                let span = u64::from(high - low) * u64::from(step) / u64::from(options.steps - 1);
                let mut point = least.clone();
                point[at] = (*name, low + span as u32);
                points.push(point);
            }
        }
        if points.is_empty() {
            points.push(Vec::new());
        }
        // In rounds: what disturbs the machine for a while meets few of a value's runs.
        let rounds = options.repeat.min(ROUNDS);
        let mut results = Vec::new();
        for point in (0..rounds).flat_map(|_| &points) {
            let config = BenchmarkConfig {
                pallet: list.pallet.clone(),
                instance: list.instance.clone(),
                benchmark: benchmark.name.clone(),
                selected_components: point.clone(),
                verify: options.check,
                internal_repeats: options.repeat.div_ceil(rounds),
            };
            let batches: Result<Vec<BenchmarkBatch>, String> = self.call("Benchmark_dispatch_benchmark", &config)?;
            results.extend(batches?.into_iter().flat_map(|batch| batch.results));
        }
        Ok(results)
    }
}

/// The beginning of what was encoded; the rest is not looked at.
struct Beginning<R>(R);

impl<R: Decode> Decode for Beginning<R> {
    fn decode<I: codec::Input>(input: &mut I) -> Result<Self, codec::Error> {
        R::decode(input).map(Beginning)
    }
}

fn measure(options: &Options) -> Result<(), String> {
    assemble()?;
    if options.assemble {
        return Ok(());
    }
    let path = match &options.runtime {
        Some(path) => path.clone(),
        None => build()?,
    };
    let code = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let bench = Bench::new(code)?;
    let list = bench.list(&options.pallet)?;
    let mut measured = Vec::new();
    for benchmark in &list.benchmarks {
        let name = String::from_utf8_lossy(&benchmark.name).into_owned();
        if !options.only.is_empty() && !options.only.contains(&name) {
            continue;
        }
        let results = bench.run(&list, benchmark, options).map_err(|error| format!("{name}: {error}"))?;
        let weight = weights::Measured::of(name, &results)?;
        eprintln!("{} {weight}", weight.name);
        if !options.only.is_empty() {
            eprint!("{}", weight.points());
        }
        measured.push(weight);
    }
    if measured.is_empty() {
        return Err("no benchmark has such a name".into());
    }
    if options.check || !options.only.is_empty() {
        return Ok(());
    }
    let text = weights::file(&measured, options.steps, options.repeat, options.factor);
    if options.output == Path::new("-") {
        print!("{text}");
        return Ok(());
    }
    std::fs::write(&options.output, text).map_err(|error| format!("{}: {error}", options.output.display()))?;
    let status = Command::new("rustfmt").args(["--edition", "2024"]).arg(&options.output).status();
    if status.is_ok_and(|status| status.success()) { Ok(()) } else { Err("rustfmt did not take it".into()) }
}

fn main() -> ExitCode {
    let mut options = Options::parse();
    if options.check {
        (options.steps, options.repeat) = (2, 1);
    }
    match measure(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

//! From what was measured to the file of weights.

use frame_benchmarking::{Analysis, BenchmarkParameter, BenchmarkResult, BenchmarkSelector};
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::process::Command;

/// Picoseconds a gas stands for at least. Fees, limits of gas out of weight, and what a block holds are made of it: it is round,
/// and does not move with every measurement. It needs no factor: contracts of other operators take half of it.
const GAS_AT_LEAST: u128 = 500_000;

/// What a benchmark came to.
pub struct Measured {
    pub name: String,
    /// The names of what it depends on.
    components: Vec<String>,
    /// Picoseconds, through the medians.
    time: Line,
    medians: Vec<BenchmarkResult>,
    reads: Line,
    writes: Line,
}

/// A number, and what each of a component adds.
struct Line {
    base: u128,
    slopes: Vec<u128>,
}

impl Line {
    /// Least squares.
    fn of(results: &Vec<BenchmarkResult>, selector: BenchmarkSelector) -> Result<Self, String> {
        let analysis = Analysis::min_squares_iqr(results, selector).map_err(|error| error.to_string())?;
        Ok(Self { base: analysis.base, slopes: analysis.slopes })
    }

    fn at(&self, components: &[(BenchmarkParameter, u32)]) -> u128 {
        self.slopes.iter().zip(components).fold(self.base, |sum, (slope, (_, value))| sum + slope * u128::from(*value))
    }

    fn times(&self, factor: f64) -> Self {
        let times = |value: u128| (value as f64 * factor).ceil() as u128;
        Self { base: times(self.base), slopes: self.slopes.iter().map(|slope| times(*slope)).collect() }
    }
}

impl Measured {
    /// Out of all runs of a benchmark.
    ///
    /// # Errors
    /// There are too few for a line.
    pub fn of(name: String, results: &Vec<BenchmarkResult>) -> Result<Self, String> {
        let first = results.first().ok_or(format!("{name} was left out"))?;
        let components = first.components.iter().map(|(component, _)| component.to_string()).collect();
        let medians = medians(results);
        let line = |selector| Line::of(results, selector).map_err(|error| format!("{name}: {error}"));
        Ok(Self {
            components,
            time: Line::of(&medians, BenchmarkSelector::ExtrinsicTime).map_err(|error| format!("{name}: {error}"))?,
            reads: line(BenchmarkSelector::Reads)?,
            writes: line(BenchmarkSelector::Writes)?,
            medians,
            name,
        })
    }

    /// The time with the factor, and as much more as it takes that no median is above it.
    fn enough(&self, factor: f64) -> Line {
        let line = self.time.times(factor);
        let above =
            self.medians.iter().map(|point| (point.extrinsic_time * 1_000).saturating_sub(line.at(&point.components)));
        let more = above.max().unwrap_or(0);
        Line { base: line.base + more, ..line }
    }

    /// The median time at each point: whether it is a line at all.
    pub fn points(&self) -> String {
        let mut text = String::new();
        for point in &self.medians {
            let values: Vec<u32> = point.components.iter().map(|(_, value)| *value).collect();
            let _ = writeln!(text, "    {values:?} {:.1} us", point.extrinsic_time as f64 / 1e3);
        }
        text
    }

    /// The function of the trait.
    fn function(&self, factor: f64) -> String {
        let mut time = self.enough(factor);
        if self.name == "gas" {
            // No transaction around it: `call` and `load` have weights of their own.
            time.base = 0;
            time.slopes =
                self.time.slopes.iter().map(|slope| (*slope).max(GAS_AT_LEAST).next_multiple_of(50_000)).collect();
        }
        let parameters = self.components.iter().map(|name| format!("{name}: u32")).collect::<Vec<_>>().join(", ");
        let name = &self.name;
        let arguments = self.components.join(", ");
        let mut text = format!("    /// {self}.\n    fn {name}({parameters}) -> Weight {{\n");
        let proof = format!("<() as WeightInfo>::{name}({arguments}).proof_size()");
        let _ = write!(text, "        Weight::from_parts({}, {proof})", digits(time.base));
        for (component, slope) in self.components.iter().zip(&time.slopes) {
            if *slope > 0 {
                let slope = digits(*slope);
                let _ = write!(
                    text,
                    "\n            .saturating_add(Weight::from_parts({slope}, 0).saturating_mul({component}.into()))"
                );
            }
        }
        let (reads, writes) = if self.name == "gas" { (0, 0) } else { (self.reads.base, self.writes.base) };
        if reads + writes > 0 {
            let _ = write!(text, "\n            .saturating_add(T::DbWeight::get().reads_writes({reads}, {writes}))");
        }
        for (at, component) in self.components.iter().enumerate() {
            let (reads, writes) = (self.reads.slopes[at], self.writes.slopes[at]);
            if reads + writes > 0 {
                let _ = write!(
                    text,
                    "\n            .saturating_add(T::DbWeight::get().reads_writes({reads}, {writes}).saturating_mul({component}.into()))"
                );
            }
        }
        text + "\n    }\n"
    }
}

/// The run of the median time at each point.
fn medians(results: &[BenchmarkResult]) -> Vec<BenchmarkResult> {
    let mut points = BTreeMap::<Vec<u32>, Vec<&BenchmarkResult>>::new();
    for result in results {
        let point = result.components.iter().map(|(_, value)| *value).collect();
        points.entry(point).or_default().push(result);
    }
    let median = |mut runs: Vec<&BenchmarkResult>| {
        runs.sort_by_key(|run| run.extrinsic_time);
        runs[runs.len() / 2].clone()
    };
    points.into_values().map(median).collect()
}

/// In microseconds, with what is read and written.
impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} us, {} reads, {} writes", self.time.base as f64 / 1e6, self.reads.base, self.writes.base)?;
        for (at, component) in self.components.iter().enumerate() {
            let (time, reads, writes) = (self.time.slopes[at], self.reads.slopes[at], self.writes.slopes[at]);
            write!(f, "; each {component} {:.3} ns", time as f64 / 1e3)?;
            if reads + writes > 0 {
                write!(f, ", {reads} reads, {writes} writes")?;
            }
        }
        Ok(())
    }
}

/// A number with its thousands apart.
fn digits(number: u128) -> String {
    let plain = number.to_string();
    let mut text = String::new();
    for (at, digit) in plain.chars().enumerate() {
        if at > 0 && (plain.len() - at).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

/// What a command prints, or that nobody knows.
fn said_by(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string()).unwrap_or_default();
    if text.is_empty() { "unknown".into() } else { text }
}

fn machine() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let count = cpus.lines().filter(|line| line.starts_with("processor")).count();
    format!("{}, {count} processors", model.map_or("unknown", |(_, name)| name.trim()))
}

/// The file.
pub fn file(measured: &[Measured], steps: u32, repeat: u32, factor: f64) -> String {
    let mut text = format!(
        "//! Weights as they were measured, in the demo runtime's Wasm. Written by a command; do not edit.\n\
         //!\n\
         //! `cargo run --release -p gristmill-pallet-measure -- --steps {steps} --repeat {repeat} --factor {factor}`\n\
         //!\n\
         //! {}, {}; {}.\n\
         //! {steps} steps of each component, {repeat} runs of each. Time is a line through the medians, times {factor}, and not\n\
         //! below any of them; reads and writes weigh what the runtime says. Proof is as estimated.\n\n\
         use super::WeightInfo;\n\
         use core::marker::PhantomData;\n\
         use frame_support::traits::Get;\n\
         use frame_support::weights::Weight;\n\n\
         /// Measured weights, with the database of the runtime. Beside each what it is made of, without the factor.\n\
         pub struct SubstrateWeight<T>(PhantomData<T>);\n\n\
         impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {{\n",
        said_by("date", &["-u", "+%Y-%m-%d"]),
        machine(),
        said_by("rustc", &["--version"]),
    );
    text += &measured.iter().map(|measured| measured.function(factor)).collect::<Vec<_>>().join("\n");
    text + "}\n"
}

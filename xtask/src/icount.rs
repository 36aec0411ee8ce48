//! Instructions a kernel, by callgrind: the same on every run, whatever else the machine does.
//!
//! A kernel runs once and three times in two processes; half the difference is one run without start-up and load. Kernels
//! run with a tenth of their usual argument: simulation is some fifty times slower.

use crate::peers::{Peers, build};
use crate::{Outcome, output};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// `cargo xtask icount [KERNELS]`.
pub fn main(arguments: &[String]) -> Outcome {
    print!("{}", tables(&build()?, arguments.first().map_or("", |only| only))?);
    Ok(())
}

/// A kernel of the list.
struct Kernel {
    name: String,
    n: String,
    file: String,
    export: String,
}

/// Counts by kernel and engine.
type Counts = BTreeMap<(String, String), f64>;

const OURS: [&str; 4] = ["tail", "tail unmetered", "loop", "loop unmetered"];
const WASMI: [&str; 2] = ["wasmi", "wasmi fuel"];
const PORTABLE: &str = "wasmi portable fuel";
const INSIDE: [&str; 2] = ["loop inside", "wasmi inside fuel"];

/// All tables. `only` names kernels, or parts of their names, between commas.
pub fn tables(peers: &Peers, only: &str) -> Outcome<String> {
    let list = output(peers.command(&peers.benches).arg("icount"))?;
    let kernels: Vec<Kernel> = list
        .lines()
        .filter_map(|line| {
            let mut fields = line.strip_prefix("kernel ")?.split('\t').map(String::from);
            Some(Kernel { name: fields.next()?, n: fields.next()?, file: fields.next()?, export: fields.next()? })
        })
        .filter(|kernel| only.split(',').any(|part| kernel.name.contains(part)))
        .collect();
    let mut counts = Counts::new();
    for kernel in &kernels {
        let mut count = |engine: &str, binary: &Path, worker: bool| -> Outcome {
            let run = |times: &str| {
                let mut command = peers.command(Path::new("valgrind"));
                if worker {
                    instructions(&mut command, binary, &[engine, &kernel.file, &kernel.export, &kernel.n, times])
                } else {
                    instructions(&mut command, binary, &["icount", engine, &kernel.name, &kernel.n, times])
                }
            };
            let one = (run("3")? - run("1")?) as f64 / 2.0;
            counts.insert((kernel.name.clone(), engine.into()), one);
            Ok(())
        };
        for engine in OURS.into_iter().chain(WASMI) {
            count(engine, &peers.benches, false)?;
        }
        count(PORTABLE, &peers.portable, true)?;
        if let (Some(inside), Some(_)) = (&peers.inside, &peers.guests) {
            for engine in INSIDE {
                count(engine, inside, true)?;
            }
        }
        eprintln!("{}: counted", kernel.name);
    }
    let mut text = String::new();
    let engines = [&OURS[..], &WASMI].concat();
    table(&mut text, "One run, thousands of instructions (ratio to wasmi with fuel)", &kernels, &engines, &counts)?;
    let loops = ["loop", "loop unmetered", PORTABLE];
    table(
        &mut text,
        "The loop back ends, natively (ratio to wasmi's portable loop with fuel)",
        &kernels,
        &loops,
        &counts,
    )?;
    if peers.inside.is_some() && peers.guests.is_some() {
        let title = "Inside Wasm, the native instructions that wasmtime's code takes (ratio to wasmi with fuel)";
        table(&mut text, title, &kernels, &INSIDE, &counts)?;
    }
    metering(&mut text, peers, &kernels, &counts)?;
    Ok(text)
}

/// One table; the last engine is what the others are compared with.
fn table(text: &mut String, title: &str, kernels: &[Kernel], engines: &[&str], counts: &Counts) -> Outcome {
    writeln!(text, "\n### {title}\n\n| kernel | n | {} |", engines.join(" | "))?;
    writeln!(text, "{}|", "|---".repeat(engines.len() + 2))?;
    let mut logs = vec![0.0; engines.len()];
    for kernel in kernels {
        let of = |engine: &str| counts[&(kernel.name.clone(), engine.to_string())];
        let base = of(engines[engines.len() - 1]);
        let cells: Vec<String> = engines.iter().map(|e| format!("{:.1} ({:.3})", of(e) / 1e3, of(e) / base)).collect();
        writeln!(text, "| {} | {} | {} |", kernel.name, kernel.n, cells.join(" | "))?;
        logs.iter_mut().zip(engines).for_each(|(log, e)| *log += (of(e) / base).ln());
    }
    let means: Vec<String> = logs.iter().map(|log| format!("**{:.3}**", (log / kernels.len() as f64).exp())).collect();
    writeln!(text, "| **geomean of the ratios** | | {} |", means.join(" | "))?;
    Ok(())
}

/// What metering costs: in part of the run, and in instructions a metered block.
fn metering(text: &mut String, peers: &Peers, kernels: &[Kernel], counts: &Counts) -> Outcome {
    let list = output(peers.command(&peers.benches).arg("blocks"))?;
    let blocks: BTreeMap<&str, f64> =
        list.lines().filter_map(|line| line.split_once(' ')).filter_map(|(k, n)| Some((k, n.parse().ok()?))).collect();
    writeln!(
        text,
        "\n### What metering costs: instructions with schedule v1 against schedule ewasm, which charges for none\n"
    )?;
    writeln!(text, "| kernel | blocks run | tail | a block | loop | a block | wasmi |\n|---|---|---|---|---|---|---|")?;
    let mut logs = [0.0; 3];
    for kernel in kernels {
        let of = |engine: &str| counts[&(kernel.name.clone(), engine.to_string())];
        let pairs = [("tail", "tail unmetered"), ("loop", "loop unmetered"), ("wasmi fuel", "wasmi")];
        let ratios = pairs.map(|(with, without)| of(with) / of(without));
        let run = blocks.get(&*kernel.name);
        let each = pairs.map(|(with, without)| {
            run.map_or_else(|| "–".into(), |run| format!("{:.2}", (of(with) - of(without)) / run))
        });
        let part = ratios.map(|ratio| format!("{:+.1} %", (ratio - 1.0) * 100.0));
        let run = run.map_or_else(|| "–".into(), |run| format!("{run}"));
        let [tail, looped, wasmi] = part;
        writeln!(text, "| {} | {run} | {tail} | {} | {looped} | {} | {wasmi} |", kernel.name, each[0], each[1])?;
        logs.iter_mut().zip(ratios).for_each(|(log, ratio)| *log += ratio.ln());
    }
    let [tail, looped, wasmi] =
        logs.map(|log| format!("**{:+.1} %**", ((log / kernels.len() as f64).exp() - 1.0) * 100.0));
    writeln!(text, "| **geomean** | | {tail} | | {looped} | | {wasmi} |")?;
    Ok(())
}

/// All instructions of a process; `valgrind` is the command so far.
fn instructions(valgrind: &mut Command, binary: &Path, arguments: &[&str]) -> Outcome<u64> {
    let file = std::env::temp_dir().join(format!("gristmill-icount-{}.out", std::process::id()));
    valgrind.args(["--quiet", "--tool=callgrind"]).arg(format!("--callgrind-out-file={}", file.display()));
    output(valgrind.arg(binary).args(arguments))?;
    let profile = std::fs::read_to_string(&file)?;
    std::fs::remove_file(&file)?;
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.ok_or("no totals in the output of callgrind")?.trim().parse()?)
}

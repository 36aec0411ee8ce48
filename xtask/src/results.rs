//! Runs comparisons and writes their pages: benches/RESULTS.md, and benches/EXTENSIONS.md for what is beyond the chain.

use crate::peers::{GUESTS, Peers, build};
use crate::{Outcome, generated, icount, output, root, target};
use std::fmt::Write as _;
use std::process::Command;

/// `cargo xtask results [ROUNDS [MILLISECONDS [KERNELS]]]`: turns of every contender, the least length of one, and whose
/// instructions are counted, which takes longest by far.
pub fn main(arguments: &[String]) -> Outcome {
    let rounds = arguments.first().map_or("11", |rounds| rounds);
    let turn = arguments.get(1).map_or("10", |turn| turn);
    let counted = arguments.get(2).map_or("", |kernels| kernels);
    let peers = build()?;
    let mut text = head(&peers, rounds, turn)?;
    for bench in ["run", "compiled", "looped", "host_call", "load", "instantiate", "contract", "memory"] {
        eprintln!("{bench}");
        let mut command = peers.command(&peers.benches);
        command.args([bench, "--rounds", rounds, "--turn", turn, "--brief"]).stderr(std::process::Stdio::inherit());
        text.push_str(&output(&mut command)?);
    }
    text.push_str(&sizes(&peers)?);
    text.push_str("\n## Instructions, by callgrind\n");
    text.push_str(&icount::tables(&peers, counted)?);
    generated("benches/RESULTS.md", &text, &[])
}

/// `cargo xtask extensions [ROUNDS [MILLISECONDS]]`: turns of every contender, and the least length of one.
pub fn extensions(arguments: &[String]) -> Outcome {
    let rounds = arguments.first().map_or("11", |rounds| rounds);
    let turn = arguments.get(1).map_or("500", |turn| turn);
    let mut text = belongs("Results of the extensions", "cargo xtask extensions")?;
    let locks = [("benches/Cargo.lock", &["wasmtime-wasi"][..]), ("Cargo.lock", &["tract-onnx", "redb", "axum"])];
    let mut versions = Vec::new();
    for (lock, names) in locks {
        let lock = std::fs::read_to_string(root().join(lock))?;
        versions.extend(names.iter().map(|name| version(&lock, name)));
    }
    writeln!(text, "- {}", versions.join("; "))?;
    writeln!(
        text,
        "- release as users build it; beside wasmtime: fat LTO, one codegen unit\n\n\
         Contenders take turns of at least {turn} ms, {rounds} times; a ratio is the median of the ratios of turns side by side. \
         Guests call in a loop; what one asks for is done and checked as if it were the only one. To repeat: `cargo xtask \
         extensions [ROUNDS [MILLISECONDS]]`, or one alone: `cargo bench -p gristmill-ext-storage -- --only get`."
    )?;
    let mut bench = |folder: &str, arguments: &[&str]| -> Outcome {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(root().join(folder)).args(["bench", "--quiet", "--locked"]).args(arguments);
        cargo.args(["--", "--rounds", rounds, "--turn", turn, "--brief"]).stderr(std::process::Stdio::inherit());
        text.push_str(&output(&mut cargo)?);
        Ok(())
    };
    let inside = target().join("benches");
    bench("benches", &["--package=gristmill-bench-wasi", "--target-dir", &inside.to_string_lossy()])?;
    // All at once: the packages of a command share one set of features, and the suites have built that of the whole.
    bench(".", &["--workspace", "--bench=native"])?;
    generated("benches/EXTENSIONS.md", &text, &[])
}

/// What figures belong to: a page's first lines.
fn belongs(title: &str, command: &str) -> Outcome<String> {
    let line = |program: &str, arguments: &[&str]| {
        let out = output(Command::new(program).current_dir(root()).args(arguments));
        out.ok().and_then(|text| text.lines().next().map(String::from)).unwrap_or_else(|| "none".into())
    };
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpuinfo
        .lines()
        .find_map(|l| l.strip_prefix("model name"))
        .unwrap_or("unknown")
        .trim_start_matches(['\t', ' ', ':']);
    let cores = std::thread::available_parallelism().map_or(0, |n| n.get());
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut text = format!("# {title}\n\nWritten by `{command}`; do not edit.\n\n");
    writeln!(
        text,
        "- {}, commit {}",
        line("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        line("git", &["describe", "--always", "--dirty"])
    )?;
    writeln!(text, "- {cpu}, {cores} cores; load when the run began: {}", load.split(' ').next().unwrap_or("unknown"))?;
    writeln!(text, "- {}; native code by {}", line("rustc", &["-V"]), line("clang-19", &["--version"]))?;
    Ok(text)
}

/// The first lines of RESULTS.md, and how to read it.
fn head(peers: &Peers, rounds: &str, turn: &str) -> Outcome<String> {
    let mut text = belongs("Results", "cargo xtask results")?;
    let lock = std::fs::read_to_string(root().join("benches/Cargo.lock"))?;
    let versions: Vec<String> =
        ["wasmi", "wasmtime", "tinywasm", "makepad-stitch", "revm"].iter().map(|name| version(&lock, name)).collect();
    writeln!(text, "- {}; solc 0.8.37 for the EVM code", versions.join("; "))?;
    writeln!(
        text,
        "- release, fat LTO, one codegen unit; wasmtime's code for x86-64-v3; the plugin as users build it"
    )?;
    if peers.inside.is_none() || peers.guests.is_none() {
        writeln!(text, "- left out: see what the command prints")?;
    }
    writeln!(
        text,
        "\nContenders take turns (A B C A B C) of at least {turn} ms, {rounds} times; a ratio is the median of the ratios of turns \
         side by side (in brackets: of the least times, which noise touches least), and every result is checked. Times belong to this machine on this day, whatever else it did; counts of \
         instructions do not. `tail` and `loop` are our dispatch back ends, metered with schedule v1; `unmetered` is schedule \
         ewasm. To repeat: `cargo xtask results [ROUNDS [MILLISECONDS [KERNELS]]]`, or one bench alone: \
         `cd benches && cargo run --release -- run --only keccak`."
    )?;
    Ok(text)
}

/// Name and versions of a crate in a lock file.
fn version(lock: &str, name: &str) -> String {
    let wanted = format!("name = \"{name}\"");
    let mut versions = Vec::new();
    let mut lines = lock.lines();
    while let Some(line) = lines.next() {
        if line == wanted {
            versions.extend(lines.next().and_then(|l| l.strip_prefix("version = ")).map(|v| v.trim_matches('"')));
        }
    }
    format!("{name} {}", versions.join(" and "))
}

/// Sizes of the engines as Wasm.
fn sizes(peers: &Peers) -> Outcome<String> {
    let Some(guests) = &peers.guests else { return Ok(String::new()) };
    let mut text =
        String::from("\n## size: an engine as a module for wasm32v1-none, with the bench's host functions (bytes)\n\n");
    writeln!(text, "| engine | opt-level 3 | opt-level s |\n|---|---|---|")?;
    for guest in GUESTS {
        let size = |suffix: &str| {
            let file = std::fs::metadata(guests.join(format!("{guest}{suffix}.wasm")));
            file.map_or_else(|_| "–".into(), |file| file.len().to_string())
        };
        writeln!(text, "| {guest} | {} | {} |", size(""), size("-small"))?;
    }
    Ok(text)
}

//! gristmill beside its peers: the kernels, the engines, and a runner that interleaves them.
//!
//! `cargo run --release -- [BENCH..] [--only SUBSTRING] ..`: some benches or all. Every bench answers one question and checks
//! every result it times. A figure belongs to one run on one machine: only ratios of contenders that took turns in the same
//! run are worth comparing.

mod bench;
mod engines;
mod evm;
mod heap;
mod kernels;
mod native;
mod padded;
mod workers;

/// A bench: its name and its body.
type Row = (&'static str, fn());

const BENCHES: &[Row] = &[
    ("run", bench::run::main),
    ("compiled", bench::compiled::main),
    ("looped", bench::looped::main),
    ("load", bench::load::main),
    ("instantiate", bench::instantiate::main),
    ("host_call", bench::host_call::main),
    ("contract", bench::contract::main),
    ("memory", bench::memory::main),
];

fn main() {
    let names: Vec<String> = std::env::args().skip(1).take_while(|argument| !argument.starts_with("--")).collect();
    match names.first().map(String::as_str) {
        Some("icount") => return bench::icount::main(),
        Some("memory-of") => return bench::memory::of(),
        Some("blocks") => return bench::blocks::main(),
        _ => {}
    }
    for name in &names {
        if BENCHES.iter().all(|row| row.0 != name) {
            let known: Vec<&str> = BENCHES.iter().map(|row| row.0).collect();
            eprintln!("{name}: the benches are {}", known.join(", "));
            std::process::exit(2);
        }
    }
    for (_, run) in BENCHES.iter().filter(|row| names.is_empty() || names.iter().any(|name| name == row.0)) {
        run();
    }
}

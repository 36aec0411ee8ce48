//! Machine code, ours beside wasmtime's, by the same Cranelift: how fast is it, how long does it take to make, to load from
//! what was written down, and to be called from and by the host? Metered by schedule v1 and not, with guard pages and without.

use crate::kernels::{self, Kernel};
use crate::native;
use crate::workers::{Worker, some};
use gristmill_measure::{MICROSECONDS, Report, Unit};

const OURS: [&str; 2] = ["aot unmetered", "aot"];

pub fn main() {
    run("compiled: one run of a kernel, beside wasmtime without fuel", &["winch", "wasmtime fuel"], "wasmtime");
    run("compiled: explicit bounds, beside wasmtime with fuel", &["wasmtime check"], "wasmtime check fuel");
    let unit = Unit { name: "µs/KB", ..MICROSECONDS };
    modules("compiled: bytes to machine code", "load", unit, &["wasmtime fuel", "winch", "wasmtime"]);
    modules("compiled: load what was written down", "artifact", unit, &["wasmtime"]);
    modules("compiled: store, link, memory, data", "instantiate", MICROSECONDS, &["wasmtime", "wasmtime pooled"]);
}

/// Those of ours, then `peers`, then what all are compared with.
fn contenders(peers: &[&str], base: &str) -> Vec<Worker> {
    some(&[&OURS, peers, &[base]].concat())
}

fn run(question: &'static str, peers: &[&str], base: &str) {
    let mut report = Report::from_arguments(question, MICROSECONDS);
    let workers = contenders(peers, base);
    for kernel in kernels::all().filter(|kernel| report.wants(kernel.name)).collect::<Vec<_>>() {
        let mut contenders: Vec<_> = native::contender(kernel).into_iter().collect();
        contenders.extend(workers.iter().map(|worker| worker.run(kernel)));
        report.time(kernel.name, 1.0, !kernel.is_host_call(), &mut contenders);
    }
    report.finish();
}

fn modules(question: &'static str, work: &str, unit: Unit, peers: &[&str]) {
    let mut report = Report::from_arguments(question, unit);
    let (base, peers) = peers.split_last().expect("somebody to compare with");
    let workers = contenders(peers, base);
    let own_module = |kernel: &&Kernel| kernel.name == kernel.module && report.wants(kernel.name);
    for kernel in kernels::all().filter(own_module).collect::<Vec<_>>() {
        let per = if work == "instantiate" { 1.0 } else { kernel.bytes().len() as f64 / 1024.0 };
        let mut contenders: Vec<_> = workers.iter().map(|worker| worker.work(work, &kernel.path())).collect();
        report.time(kernel.name, per, true, &mut contenders);
    }
    report.finish();
}

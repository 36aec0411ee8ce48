//! How long does a kernel take? Metering on and off, both dispatches, beside the peers; every result is checked.

use crate::engines::all;
use crate::kernels::{KERNELS, Kernel, OWN_KERNELS};
use crate::native;
use crate::workers::{Worker, some};
use gristmill_measure::{Contender, MICROSECONDS, Report};

pub fn main() {
    let workers = some(&["wasmtime", "wasmtime fuel"]);
    group("run: one run of a kernel", KERNELS, &workers);
    group("run: kernels of our own", OWN_KERNELS, &workers);
}

fn group(question: &'static str, kernels: &'static [Kernel], workers: &[Worker]) {
    let mut report = Report::from_arguments(question, MICROSECONDS);
    let peers = all();
    for kernel in kernels {
        if !report.wants(kernel.name) {
            continue;
        }
        let wasm = kernel.bytes();
        let mut contenders: Vec<Contender<'_>> = native::contender(kernel).into_iter().collect();
        contenders.extend(workers.iter().map(|worker| worker.run(kernel)));
        contenders.extend(peers.iter().filter(|peer| peer.runs(kernel.name)).map(|peer| {
            // Storage grows with the first run only: the same accounts pay each other.
            let mut live = peer.load(&wasm).instantiate();
            Contender::new(peer.name(), move || assert_eq!(live.run(kernel.export, kernel.n), kernel.result))
        }));
        report.time(kernel.name, 1.0, !kernel.is_host_call(), &mut contenders);
    }
    report.finish();
}

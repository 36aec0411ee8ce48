//! How good is the loop back end where there are no tail calls? Beside wasmi's portable loop, natively; and both engines
//! compiled to Wasm and run by wasmtime, which is what a Substrate runtime gets.

use crate::engines::{Peer, ours};
use crate::kernels::{Kernel, all};
use crate::workers::{Worker, some};
use gristmill_measure::{Contender, MICROSECONDS, Report};

pub fn main() {
    let loops: Vec<Box<dyn Peer>> = ours().into_iter().filter(|peer| peer.name().starts_with("loop")).collect();
    let workers = some(&["wasmi portable", "wasmi portable fuel"]);
    group("looped: the loop back ends, natively", &loops, &workers, "wasmi portable fuel");
    let workers = some(&["loop inside", "loop inside unmetered", "wasmi inside", "wasmi inside fuel"]);
    group("looped: inside Wasm, run by wasmtime", &[], &workers, "wasmi inside fuel");
}

fn group(question: &'static str, peers: &[Box<dyn Peer>], workers: &[Worker], base: &str) {
    if workers.iter().all(|worker| worker.name != base) {
        eprintln!("LEFT OUT: {question}: nothing to compare with");
        return;
    }
    let mut report = Report::from_arguments(question, MICROSECONDS);
    for kernel in all().filter(|kernel: &&Kernel| report.wants(kernel.name)).collect::<Vec<_>>() {
        let wasm = kernel.bytes();
        let mut contenders: Vec<Contender<'_>> = peers
            .iter()
            .map(|peer| {
                let mut live = peer.load(&wasm).instantiate();
                Contender::new(peer.name(), move || assert_eq!(live.run(kernel.export, kernel.n), kernel.result))
            })
            .collect();
        contenders.extend(workers.iter().map(|worker| worker.run(kernel)));
        report.time(kernel.name, 1.0, !kernel.is_host_call(), &mut contenders);
    }
    report.finish();
}

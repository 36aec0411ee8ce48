//! How long does a kernel take? Metering on and off, both dispatches, beside wasmi; every result is checked.

use gristmill_benches::engines::all;
use gristmill_benches::kernels::KERNELS;
use gristmill_benches::measure::Contender;
use gristmill_benches::report::{MICROSECONDS, Report};

fn main() {
    let mut report = Report::from_arguments("run: one run of a kernel", MICROSECONDS);
    let peers = all();
    for kernel in KERNELS {
        if !report.wants(kernel.name) {
            continue;
        }
        let wasm = kernel.bytes();
        let mut contenders: Vec<Contender<'_>> = peers
            .iter()
            .map(|peer| {
                // Storage grows with the first run only: the same accounts pay each other.
                let mut live = peer.load(&wasm).instantiate();
                Contender::new(peer.name(), move || assert_eq!(live.run(kernel.export, kernel.n), kernel.result))
            })
            .collect();
        report.time(kernel.name, 1.0, !kernel.is_host_call(), &mut contenders);
    }
    report.finish();
}

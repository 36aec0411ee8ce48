//! How long does one call out of the guest take? `hostcall`: () -> i64; `hostmem`: a 20-byte write to guest memory.

use crate::engines::all;
use crate::kernels::KERNELS;
use gristmill_measure::{Contender, Report, Unit};

pub fn main() {
    let unit = Unit { name: "ns a call, the guest's loop included", nanoseconds: 1.0 };
    let mut report = Report::from_arguments("host_call: out of the guest and back", unit);
    let peers = all();
    for kernel in KERNELS.iter().filter(|k| k.is_host_call()) {
        if !report.wants(kernel.name) {
            continue;
        }
        let wasm = kernel.bytes();
        let mut contenders: Vec<Contender<'_>> = peers
            .iter()
            .filter(|peer| peer.runs(kernel.name))
            .map(|peer| {
                let mut live = peer.load(&wasm).instantiate();
                Contender::new(peer.name(), move || assert_eq!(live.run(kernel.export, kernel.n), kernel.result))
            })
            .collect();
        report.time(kernel.name, f64::from(kernel.n), true, &mut contenders);
    }
    report.finish();
}

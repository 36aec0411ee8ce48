//! How long from a loaded module to an instance, with a store of its own, dropped again?

use crate::engines::all;
use crate::kernels::KERNELS;
use gristmill_measure::{Contender, MICROSECONDS, Report};
use std::hint::black_box;

pub fn main() {
    let mut report = Report::from_arguments("instantiate: store, link, memory, data", MICROSECONDS);
    let peers = all();
    for kernel in KERNELS.iter().filter(|k| k.name == k.module) {
        if !report.wants(kernel.name) {
            continue;
        }
        let wasm = kernel.bytes();
        let mut contenders: Vec<Contender<'_>> = peers
            .iter()
            .filter(|peer| peer.runs(kernel.name))
            .map(|peer| {
                let module = peer.load(&wasm);
                Contender::new(peer.name(), move || drop(black_box(module.instantiate())))
            })
            .collect();
        report.time(kernel.name, 1.0, true, &mut contenders);
    }
    report.finish();
}

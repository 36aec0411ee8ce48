//! How long from bytes to a module that can be instantiated, a kilobyte? Kernels and bundled contracts.

use gristmill_benches::engines::all;
use gristmill_benches::kernels::KERNELS;
use gristmill_benches::measure::Contender;
use gristmill_benches::report::{MICROSECONDS, Report, Unit};
use std::hint::black_box;

fn main() {
    let mut report = Report::from_arguments("load: validate and translate", Unit { name: "µs/KB", ..MICROSECONDS });
    let peers = all();
    let mut inputs: Vec<(String, Vec<u8>)> =
        KERNELS.iter().filter(|k| k.name == k.module).map(|k| (k.name.to_string(), k.bytes())).collect();
    for file in gristmill_fixtures::modules() {
        if file.path.starts_with("token/") || file.path.ends_with("0.8.20.wasm") {
            inputs.push((file.path.to_string(), file.read().expect("a bundled file is there")));
        }
    }
    for (name, wasm) in &inputs {
        if !report.wants(name) {
            continue;
        }
        let mut contenders: Vec<Contender<'_>> = peers
            .iter()
            .map(|peer| Contender::new(peer.name(), || drop(black_box(peer.load(black_box(wasm))))))
            .collect();
        report.time(name, wasm.len() as f64 / 1024.0, true, &mut contenders);
    }
    report.finish();
}

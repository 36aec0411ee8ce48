//! How long from bytes to a module that can be instantiated, a kilobyte? Kernels and bundled contracts; and modules of half
//! a megabyte and more, which npm packages ship.
//!
//! stitch only validates here: it compiles a function when it is first called.

use crate::engines::all;
use crate::kernels;
use crate::workers::some;
use gristmill_measure::{Contender, MICROSECONDS, Report, Unit};
use std::hint::black_box;
use std::path::PathBuf;

const UNIT: Unit = Unit { name: "µs/KB", ..MICROSECONDS };

pub fn main() {
    let mut inputs: Vec<(String, PathBuf)> =
        kernels::all().filter(|k| k.name == k.module).map(|k| (k.name.into(), k.path())).collect();
    for file in gristmill_fixtures::modules() {
        if file.path.starts_with("token/") || file.path.ends_with("0.8.20.wasm") {
            inputs.push((file.path.into(), gristmill_fixtures::path(file.path)));
        }
    }
    group("load: validate and translate", &inputs, &["wasmtime", "loop inside", "wasmi inside fuel"]);

    let Some(folder) = std::env::var_os("GRISTMILL_BIG") else {
        eprintln!("LEFT OUT: big modules ($GRISTMILL_BIG names their folder; `cargo xtask results` fetches them)");
        return;
    };
    let files = std::fs::read_dir(&folder).expect("$GRISTMILL_BIG is a folder");
    let mut inputs: Vec<(String, PathBuf)> = files
        .map(|file| file.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|e| e == "wasm"))
        .map(|path| (path.file_name().expect("a file has a name").to_string_lossy().into_owned(), path))
        .collect();
    inputs.sort();
    group("load: big modules", &inputs, &[]);
}

fn group(question: &'static str, inputs: &[(String, PathBuf)], workers: &[&str]) {
    let mut report = Report::from_arguments(question, UNIT);
    let (peers, workers) = (all(), some(workers));
    for (name, path) in inputs {
        if !report.wants(name) {
            continue;
        }
        let wasm = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut contenders: Vec<Contender<'_>> = workers.iter().map(|worker| worker.work("load", path)).collect();
        contenders.extend(
            peers
                .iter()
                .filter(|peer| peer.runs(name))
                .map(|peer| Contender::new(peer.name(), || drop(black_box(peer.load(black_box(&wasm)))))),
        );
        report.time(name, wasm.len() as f64 / 1024.0, true, &mut contenders);
    }
    report.finish();
}

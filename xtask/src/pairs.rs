//! Which internal ops follow each other? Counted over code as it stands in modules, to choose fusions by evidence.

use crate::{Outcome, kernels};
use gristmill::{Engine, Module};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Lines of each table.
const SHOWN: usize = 40;

pub fn main(arguments: &[String]) -> Outcome {
    let files = if arguments.is_empty() { everything()? } else { arguments.iter().map(PathBuf::from).collect() };
    let engine = Engine::default();
    let (mut modules, mut ops) = (0, 0);
    let mut counts: [BTreeMap<Vec<String>, usize>; 3] = Default::default();
    for file in &files {
        // Fixtures hold one module on purpose that must be refused.
        let Ok(module) = Module::new(&engine, &std::fs::read(file)?) else { continue };
        modules += 1;
        let mut last: Vec<(u32, String)> = Vec::new();
        for (function, op) in module.disassemble() {
            ops += 1;
            last.retain(|(f, _)| *f == function);
            last.push((function, op));
            for length in 1..=last.len().min(3) {
                let run = last[last.len() - length..].iter().map(|(_, op)| op.clone()).collect();
                *counts[length - 1].entry(run).or_default() += 1;
            }
            if last.len() == 3 {
                last.remove(0);
            }
        }
    }
    println!("{modules} modules, {ops} internal ops");
    for (title, counts) in ["single ops", "pairs", "triples"].iter().zip(&counts) {
        println!("\n{title}");
        let mut sorted: Vec<_> = counts.iter().collect();
        sorted.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        for (run, count) in sorted.into_iter().take(SHOWN) {
            println!("{count:8} {:5.2} %  {}", *count as f64 * 100.0 / ops as f64, run.join(" ; "));
        }
    }
    Ok(())
}

/// The kernels and the bundled contracts.
fn everything() -> Outcome<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = gristmill_fixtures::modules().map(|f| gristmill_fixtures::path(f.path)).collect();
    for entry in std::fs::read_dir(kernels())? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "wasm") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

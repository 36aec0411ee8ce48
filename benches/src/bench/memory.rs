//! How much memory does a live instance take? Heap by a counting allocator, and what became resident after a first call.
//!
//! The instance is the kernel `xorshift`: one page of memory and no host functions. Mean of a thousand that live at once.

use crate::engines::all;
use crate::heap;
use crate::kernels;
use std::process::Command;

const KERNEL: &str = "xorshift";
const INSTANCES: usize = 1_000;

pub fn main() {
    println!("\n## memory: a live instance with one page of 64 KiB (KiB, mean of {INSTANCES})\n");
    println!(
        "| engine | heap, page included | heap beside the page | resident after the first call |\n|---|---|---|---|"
    );
    let this = std::env::current_exe().expect("this binary has a path");
    for peer in all().iter().filter(|peer| peer.runs(KERNEL) && !peer.name().starts_with("loop")) {
        // A process each: what one engine gave back would serve the next.
        let out = Command::new(&this).args(["memory-of", &peer.name()]).output().expect("this binary starts");
        assert!(out.status.success(), "{}: {}", peer.name(), String::from_utf8_lossy(&out.stderr));
        print!("{}", String::from_utf8_lossy(&out.stdout));
    }
}

/// The row of the engine that the second argument names.
pub fn of() {
    let name = std::env::args().nth(2).expect("an engine");
    let peer = all().into_iter().find(|peer| peer.name() == name).expect("an engine of the list");
    let kernel = kernels::all().find(|k| k.name == KERNEL).expect("the kernel is in the list");
    let module = peer.load(&kernel.bytes());
    // The first may fill pools and caches that all share.
    module.instantiate().run(kernel.export, 1);
    let (heap_before, resident_before) = (heap::live(), resident());
    let mut live: Vec<_> = (0..INSTANCES).map(|_| module.instantiate()).collect();
    let results: Vec<i64> = live.iter_mut().map(|live| live.run(kernel.export, 1)).collect();
    let heap = (heap::live() - heap_before) as f64 / INSTANCES as f64 / 1024.0;
    let resident = resident().zip(resident_before).map(|(now, before)| (now - before) / INSTANCES as f64);
    assert!(results.iter().all(|result| *result == results[0]) && results[0] != 0);
    let resident = resident.map_or_else(|| "–".into(), |kib| format!("{kib:.1}"));
    println!("| {name} | {heap:.1} | {:.1} | {resident} |", heap - 64.0);
}

/// Resident KiB of this process, where the system tells.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

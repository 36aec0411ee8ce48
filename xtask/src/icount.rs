//! Instructions a kernel, by callgrind: the same on every run, whatever else the machine does.
//!
//! A kernel runs once and three times in two processes; half the difference is one run without start-up and load. Kernels
//! run with a tenth of their usual argument: simulation is some fifty times slower.

use crate::{Outcome, kernels, output, root};
use std::path::{Path, PathBuf};
use std::process::Command;

pub fn main(arguments: &[String]) -> Outcome {
    let benches = root().join("benches");
    let cargo = ["build", "--quiet", "--release", "--bin=icount"];
    output(Command::new(env!("CARGO")).current_dir(&benches).args(cargo))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| benches.join("target"), PathBuf::from);
    let binary = target.join("release/icount");
    let list = output(&mut Command::new(&binary))?;
    let engines: Vec<&str> = list.lines().filter_map(|line| line.strip_prefix("engine ")).collect();
    println!("Instructions (thousands) of one run\n\n| kernel | n | {} |", engines.join(" | "));
    println!("{}|", "|---".repeat(engines.len() + 2));
    let mut logs = vec![0.0; engines.len()];
    let mut rows = 0;
    for kernel in list.lines().filter_map(|line| line.strip_prefix("kernel ")) {
        let (name, n) = kernel.split_once(' ').ok_or("icount lists a kernel and its argument")?;
        if arguments.first().is_some_and(|only| !name.contains(&**only)) {
            continue;
        }
        // The recursion of fib is exponential in its argument.
        let n: i32 = if name == "fib" { 20 } else { (n.parse::<i32>()? / 10).max(1) };
        let mut counts = Vec::new();
        for engine in &engines {
            let once = instructions(&binary, engine, name, n, 1)?;
            let thrice = instructions(&binary, engine, name, n, 3)?;
            counts.push((thrice - once) as f64 / 2.0);
        }
        let base = counts[counts.len() - 1];
        let cells: Vec<String> = counts.iter().map(|c| format!("{:.1} ({:.3})", c / 1e3, c / base)).collect();
        println!("| {name} | {n} | {} |", cells.join(" | "));
        logs.iter_mut().zip(&counts).for_each(|(log, c)| *log += (c / base).ln());
        rows += 1;
    }
    let means: Vec<String> = logs.iter().map(|log| format!("**{:.3}**", (log / f64::from(rows)).exp())).collect();
    println!("| **geomean of the ratios** | | {} |", means.join(" | "));
    Ok(())
}

/// All instructions of a process that runs `kernel` `times` times.
fn instructions(binary: &Path, engine: &str, kernel: &str, n: i32, times: u32) -> Outcome<u64> {
    let file = std::env::temp_dir().join(format!("gristmill-icount-{}.out", std::process::id()));
    let mut valgrind = Command::new("valgrind");
    valgrind.env("GRISTMILL_KERNELS", kernels()).arg("--quiet").arg("--tool=callgrind");
    valgrind.arg(format!("--callgrind-out-file={}", file.display())).arg(binary);
    output(valgrind.args([engine, kernel, &n.to_string(), &times.to_string()]))?;
    let profile = std::fs::read_to_string(&file)?;
    std::fs::remove_file(&file)?;
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.ok_or("no totals in the output of callgrind")?.trim().parse()?)
}

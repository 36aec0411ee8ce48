//! Compiled code as a worker of the benches: wasmtime's and ours, by the same Cranelift; and guests, which are engines
//! compiled to Wasm that run the kernels inside wasmtime.
//!
//! `$GRISTMILL_GUESTS` names the folder of the guests, `NAME.wasm` each; without it there are none.

mod compiled;
mod guest;
mod ours;

use compiled::Compiled;
use gristmill_contenders::{Peer, worker};
use guest::Guest;
use wasmtime::Config;

/// Settings whose code does not depend on what the processor says of itself: under callgrind it says something else, and
/// counts of instructions must be of the same code.
fn config() -> Config {
    let mut config = Config::new();
    if cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        config.target("x86_64-unknown-linux-gnu").expect("the machine's own target");
        for flag in ["sse3", "ssse3", "sse41", "sse42", "popcnt", "bmi1", "bmi2", "lzcnt", "avx", "avx2", "fma"] {
            // SAFETY: every x86-64 processor since 2013 has these; wasmtime compares them with this one's and refuses
            // otherwise.
            unsafe { config.cranelift_flag_enable(&format!("has_{flag}")) };
        }
    }
    config
}

fn main() {
    let mut peers: Vec<Box<dyn Peer>> = Vec::new();
    peers.extend(Compiled::all().map(|peer| Box::new(peer) as Box<dyn Peer>));
    peers.extend(ours::Compiling::all().map(|peer| Box::new(peer) as Box<dyn Peer>));
    if let Some(folder) = std::env::var_os("GRISTMILL_GUESTS") {
        for (file, name) in [("ours", "loop inside"), ("wasmi", "wasmi inside")] {
            for (metered, suffix) in [(false, [" unmetered", ""]), (true, ["", " fuel"])] {
                let suffix = suffix[usize::from(file == "wasmi")];
                let path = std::path::Path::new(&folder).join(file).with_extension("wasm");
                peers.push(Box::new(Guest::new(format!("{name}{suffix}"), path, metered)));
            }
        }
    }
    worker::serve(&peers);
}

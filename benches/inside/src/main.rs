//! wasmtime as a worker of the benches: kernels compiled to native code, with fuel and without, and guests, which are
//! engines compiled to Wasm that run the kernels in there.
//!
//! `$GRISTMILL_GUESTS` names the folder of the guests, `NAME.wasm` each; without it there are none.

mod compiled;
mod guest;

use compiled::Compiled;
use gristmill_contenders::{Peer, worker};
use guest::Guest;
use wasmtime::{Config, Engine};

/// An engine whose code does not depend on what the processor says of itself: under callgrind it says something else, and
/// counts of instructions must be of the same code.
fn engine(fuel: bool) -> Engine {
    let mut config = Config::new();
    config.consume_fuel(fuel);
    if cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        config.target("x86_64-unknown-linux-gnu").expect("the machine's own target");
        for flag in ["sse3", "ssse3", "sse41", "sse42", "popcnt", "bmi1", "bmi2", "lzcnt", "avx", "avx2", "fma"] {
            // SAFETY: every x86-64 processor since 2013 has these; wasmtime compares them with this one's and refuses
            // otherwise.
            unsafe { config.cranelift_flag_enable(&format!("has_{flag}")) };
        }
    }
    Engine::new(&config).expect("this machine has what x86-64-v3 asks for")
}

fn main() {
    let mut peers: Vec<Box<dyn Peer>> = vec![Box::new(Compiled::new(false)), Box::new(Compiled::new(true))];
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

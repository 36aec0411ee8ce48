//! Runs one kernel on one engine a given number of times: what callgrind looks at for `cargo xtask icount`.
//!
//! `icount ENGINE KERNEL N TIMES`; without more arguments it lists engines, and kernels with
//! the argument for counting, file and export.

use crate::engines::all as engines;
use crate::kernels::all as kernels;

pub fn main() {
    let arguments: Vec<String> = std::env::args().skip(2).collect();
    let [engine, kernel, n, times] = &arguments[..] else {
        engines().iter().for_each(|peer| println!("engine {}", peer.name()));
        kernels().for_each(|k| println!("kernel {}\t{}\t{}\t{}", k.name, k.few, k.path().display(), k.export));
        return;
    };
    let peer = engines().into_iter().find(|peer| peer.name() == *engine).expect("an engine of the list");
    let kernel = kernels().find(|k| k.name == *kernel).expect("a kernel of the list");
    let n: i32 = n.parse().expect("N is a number");
    let times: u32 = times.parse().expect("TIMES is a number");
    let mut live = peer.load(&kernel.bytes()).instantiate();
    for _ in 0..times {
        let result = live.run(kernel.export, n);
        assert!(n != kernel.n || result == kernel.result, "{} on {engine}: wrong result {result}", kernel.name);
    }
}

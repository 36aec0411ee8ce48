//! Runs one kernel on one engine a given number of times: what callgrind looks at for `cargo xtask icount`.
//!
//! `icount ENGINE KERNEL N TIMES`; without arguments it lists engines and kernels.

use gristmill_benches::engines::all;
use gristmill_benches::kernels::KERNELS;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [engine, kernel, n, times] = &arguments[..] else {
        all().iter().for_each(|peer| println!("engine {}", peer.name()));
        KERNELS.iter().for_each(|k| println!("kernel {} {}", k.name, k.n));
        return;
    };
    let peer = all().into_iter().find(|peer| peer.name() == *engine).expect("an engine of the list");
    let kernel = KERNELS.iter().find(|k| k.name == *kernel).expect("a kernel of the list");
    let n: i32 = n.parse().expect("N is a number");
    let times: u32 = times.parse().expect("TIMES is a number");
    let mut live = peer.load(&kernel.bytes()).instantiate();
    for _ in 0..times {
        let result = live.run(kernel.export, n);
        assert!(n != kernel.n || result == kernel.result, "{} on {engine}: wrong result {result}", kernel.name);
    }
}

//! How many metered blocks does a kernel run through? Counted by the naive executor, for `cargo xtask icount`: the price of
//! metering is instructions a block. Kernels with imports are left out.

use crate::kernels;
use gristmill::{Profile, Schedule};
use gristmill_reference::{Extern, Module, NoHost, Store};

pub fn main() {
    let profile = Profile::general();
    for kernel in kernels::all().filter(|k| !["erc20", "hostcall", "hostmem"].contains(&k.name)) {
        let module = Module::new(&profile, Schedule::V1, &kernel.bytes()).expect("a kernel is valid");
        let mut store = Store::new(profile.run, Schedule::V1);
        let instance = store.instantiate(&mut NoHost, &module, &[]).expect("a kernel has no imports");
        let Some(Extern::Func(run)) = store.export(instance, kernel.export) else { panic!("a kernel has its export") };
        let before = store.blocks;
        store.invoke(&mut NoHost, run, &[kernel.few as u32 as u64]).expect("a kernel does not trap");
        println!("{} {}", kernel.name, store.blocks - before);
    }
}

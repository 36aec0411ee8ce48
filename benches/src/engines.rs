//! The engines behind one small face: load bytes, make an instance, call an export of type `(i32) -> i64` or `() -> ()`.

mod ours;
mod wasmi2;

use gristmill::{Dispatch, Schedule};

pub use ours::Ours;
pub use wasmi2::Wasmi;

/// An engine with its settings.
pub trait Peer {
    /// Column of the tables.
    fn name(&self) -> String;
    /// Validates and translates.
    fn load(&self, wasm: &[u8]) -> Box<dyn Loaded>;
}

/// A module that is ready to be instantiated.
pub trait Loaded {
    /// A new instance over a new [`crate::host::KernelHost`].
    fn instantiate(&self) -> Box<dyn Live>;
}

/// An instance.
pub trait Live {
    /// Calls an export of type `(i32) -> i64`.
    fn run(&mut self, export: &str, n: i32) -> i64;
    /// Calls the export `main` of type `() -> ()`.
    fn main(&mut self);
}

/// All contenders, the one that the others are compared with last: wasmi with its own metering on.
pub fn all() -> Vec<Box<dyn Peer>> {
    let ours = |dispatch, schedule| Box::new(Ours::new(dispatch, schedule)) as Box<dyn Peer>;
    vec![
        ours(Dispatch::Tail, Schedule::V1),
        ours(Dispatch::Tail, Schedule::Ewasm),
        ours(Dispatch::Loop, Schedule::V1),
        ours(Dispatch::Loop, Schedule::Ewasm),
        Box::new(Wasmi::new(false)),
        Box::new(Wasmi::new(true)),
    ]
}

#[cfg(test)]
mod tests {
    use crate::kernels::KERNELS;

    #[test]
    fn every_engine_gets_every_kernel_right() {
        for peer in super::all() {
            for kernel in KERNELS {
                let mut live = peer.load(&kernel.bytes()).instantiate();
                assert_eq!(live.run(kernel.export, kernel.n), kernel.result, "{} on {}", kernel.name, peer.name());
            }
        }
    }
}

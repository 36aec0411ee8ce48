//! The engines that share the bench's process. Others are workers: [`crate::workers`].

mod stitch;
mod tinywasm;

use gristmill::{Dispatch, Schedule};
use gristmill_contenders::{Wasmi, Wasmi1};

pub use self::stitch::Stitch;
pub use self::tinywasm::Tinywasm;
pub use gristmill_contenders::{Ours, Peer};

/// Ours: either dispatch, metered and not.
pub fn ours() -> Vec<Box<dyn Peer>> {
    let row = |dispatch, schedule| Box::new(Ours::new(dispatch, schedule)) as Box<dyn Peer>;
    vec![
        row(Dispatch::Tail, Schedule::V1),
        row(Dispatch::Tail, Schedule::Ewasm),
        row(Dispatch::Loop, Schedule::V1),
        row(Dispatch::Loop, Schedule::Ewasm),
    ]
}

/// All of this process, the one that the others are compared with last: wasmi with its own metering on.
pub fn all() -> Vec<Box<dyn Peer>> {
    let mut all = ours();
    all.push(Box::new(Tinywasm));
    all.push(Box::new(Stitch::default()));
    all.push(Box::new(Wasmi1::new(true)));
    all.push(Box::new(Wasmi::new(false)));
    all.push(Box::new(Wasmi::new(true)));
    all
}

#[cfg(test)]
mod tests {
    use crate::kernels;

    #[test]
    fn every_engine_gets_every_kernel_right() {
        for peer in super::all() {
            for kernel in kernels::all().filter(|kernel| peer.runs(kernel.name)) {
                let mut live = peer.load(&kernel.bytes()).instantiate();
                assert_eq!(live.run(kernel.export, kernel.n), kernel.result, "{} on {}", kernel.name, peer.name());
            }
        }
    }

    #[test]
    fn the_native_build_gets_every_kernel_right() {
        for kernel in kernels::all() {
            let run = crate::native::compile(kernel).expect("a C compiler is there");
            assert_eq!(run(kernel.n), kernel.result, "{}", kernel.name);
        }
    }
}

//! The short way for contracts: every import is a row of one host table, and `main` is what runs.

use super::api::HostApi;
use super::instance::Instance;
use super::module::Module;
use super::store::Store;
use crate::error::{Error, Fault, Stop};
use crate::gas::Meter;

/// Instantiates `module` over the host table `data` (which charges its initial memory first) and calls its export `main`.
///
/// The contract rules have passed: every import is a row of the table with that type.
///
/// # Errors
/// Whatever ends the run early; a [`Fault`] when the module is no contract. `meter` has what is left in any case.
pub fn run_main<T: HostApi>(module: &Module, data: &mut T, meter: &mut Meter) -> Result<(), Stop> {
    let mut store = Store::new(module.engine(), data);
    core::mem::swap(store.meter_mut(), meter);
    let done = run(module, &mut store);
    core::mem::swap(store.meter_mut(), meter);
    done
}

fn run<T: HostApi>(module: &Module, store: &mut Store<T>) -> Result<(), Stop> {
    let broken = Stop::Fault(Fault::Internal("a module that is no contract was run as one"));
    let stop = |error: Error| match error {
        Error::Trap(trap) => Stop::Trap(trap),
        Error::Halt(halt) => Stop::Halt(halt),
        Error::Fault(fault) => Stop::Fault(fault),
        _ => broken,
    };
    let rows = module.rows(T::rows()).ok_or(broken)?;
    let instance = Instance::over_rows(store, module, &rows).map_err(stop)?;
    let main = instance.get_typed_func::<(), ()>(&*store, "main").map_err(stop)?;
    main.call(store, ()).map_err(stop)
}

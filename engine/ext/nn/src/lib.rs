//! Machine learning and pictures for programs off chain: wasi-nn (`wasi_ephemeral_nn`, with WasmEdge's additions), SSVM's
//! `ssvm_tensorflow`, `ssvm_tensorflowlite` and `ssvm_image`, and WasmEdge's names for them in both of their generations.
//!
//! Models run on [`Tract`]: ONNX, frozen graphs of TensorFlow, TensorFlow Lite, on processors. An embedder's [`Backend`] stands
//! beside it or in its place; what no back end takes is answered as such. A grant may name the back end of its model. With the
//! feature `onnxruntime` there is `OnnxRuntime`, which loads that library. [`Models`] keeps what is granted by name, read
//! once for all instances.
//!
//! What a program may do is in its grants: models by name ([`models`](gristmill_ext_grants::Grants::models)), and whether it may
//! bring its own ([`own_models`](gristmill_ext_grants::Grants::own_models)). Pictures take no grant: they are computed.
//!
//! # What it costs
//!
//! All is paid before it is done, by the prices of the grants: bytes that go in and out; a model that the guest brings, by its
//! bytes when it is loaded and again for each set of input forms that it leaves open; a run, by its multiplications and the
//! elements that it writes, which follow from its forms. Where these depend on values, a run pays operator by operator.
//! Tensors, models of the guest and what a run holds between count against the limit of memory, or [`MEMORY`] without one. When
//! the time of the run is up, nobody waits: the work ends behind the operator that it is at. Only a run of a granted model that
//! takes a few milliseconds is waited for.
//!
//! # What it does not promise
//!
//! Results are those of the processor: vectors of other lengths add in another order, so two machines may differ in the last
//! digits. Only programs off chain can reach any of this.
//!
//! A model of a guest is read by a library that is not made for hostile input. Sizes are looked at before it is, a panic is
//! an error, it gets no file and no random bytes; but a host that takes models from anybody gives the process a limit of
//! memory, too.
//!
//! ```
//! use gristmill::{Config, Engine, Linker, Store};
//! use gristmill_ext_grants::{Granted, Grants};
//! use gristmill_ext_nn::{Models, Nn, add_to_linker};
//! use std::sync::Arc;
//!
//! struct Data { nn: Nn }
//! let engine = Engine::new(&Config::new())?;
//! let mut linker = Linker::new(&engine);
//! add_to_linker(&mut linker, |data: &mut Data| &mut data.nn)?;
//! let models = Arc::new(Models::default());
//! let granted = Granted::quiet(Grants { models: vec!["face=face.tflite".parse()?], ..Grants::default() });
//! let store = Store::new(&engine, Data { nn: Nn::new(granted, models) });
//! # drop(store);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod backend;
mod handles;
mod later;
mod legacy;
mod memory;
mod models;
#[cfg(feature = "onnxruntime")]
mod onnxruntime;
mod picture;
mod pictures;
mod rows;
mod sessions;
mod table;
mod tensor;
mod tract;
mod wasi_nn;
mod worker;

pub use backend::{Backend, Encoding, Failure, Graph, Origin, Plan, Port, Ran, Target, Wanted, Watch};
pub use handles::MOST as HANDLES;
pub use later::Code;
pub use models::Models;
#[cfg(feature = "onnxruntime")]
pub use onnxruntime::{MICROSECOND, OnnxRuntime};
pub use picture::PIXELS;
pub use table::{MEMORY, Nn};
pub use tensor::{Form, Tensor, Type};
pub use tract::Tract;
pub use wasi_nn::Errno;

use gristmill::{Error, HostApi, Linker};

/// Names all functions, in each of their generations. `part` finds the models in a store's data.
///
/// # Errors
/// When one of the names is taken.
pub fn add_to_linker<T: 'static>(
    linker: &mut Linker<T>,
    part: impl Fn(&mut T) -> &mut Nn + Copy + Send + Sync + 'static,
) -> Result<(), Error> {
    linker.table(part)?;
    for row in Nn::rows().iter().filter(|row| row.module.starts_with("ssvm_")) {
        let [module, name] = [row.module, row.name].map(|name| name.replacen("ssvm_", "wasmedge_", 1));
        linker.alias(row.module, row.name, &module, &name)?;
    }
    Ok(())
}

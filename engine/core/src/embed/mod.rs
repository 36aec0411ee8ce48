//! The embedding API, in the words of wasmtime and wasmi.

mod api;
pub mod contract;
mod engine;
mod entity;
mod exception;
mod func;
mod instance;
mod interrupt;
mod linker;
mod module;
mod store;
mod value;

pub use crate::interp::exec::Dispatch;
pub use crate::interp::exec::frames::{Frame, Position, Stopped};
pub use crate::interp::exec::watch::{Callee, Watcher};
pub use crate::interp::translate::listing::{ListedBlock, ListedOp, ListedOperator, Listing};
pub use crate::wasm::types::{
    ExternType, FuncType, GlobalType, HeapType, MemoryType, PageSize, RefType, TableType, ValType,
};
pub use api::{ApiFn, ApiRow, Guest, HostApi, IntoSlot};
pub use engine::{CompilationMode, Config, Engine};
pub use entity::{Extern, Global, Memory, Table};
pub use exception::{ExnRef, Tag};
pub use func::{Caller, Func, IntoFunc, TypedFunc, WasmResults, WasmValues};
pub use instance::Instance;
pub use interrupt::InterruptHandle;
pub use linker::Linker;
pub use module::{ExportType, ImportType, Module};
pub use store::{AsContext, AsContextMut, Store, TrapFrame};
pub use value::{ExternRef, Val};

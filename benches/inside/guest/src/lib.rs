//! One engine behind a few exports, built for `wasm32v1-none`: what a Substrate runtime would hold.

#![cfg(target_arch = "wasm32")]
#![no_std]

extern crate alloc;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use gristmill_contenders::{Live, Peer};

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

#[derive(Default)]
struct Guest {
    bytes: Vec<u8>,
    export: String,
    live: Option<Box<dyn Live>>,
}

struct One(RefCell<Option<Guest>>);
// SAFETY: Wasm without threads has one.
unsafe impl Sync for One {}
static GUEST: One = One(RefCell::new(None));

fn with<T>(work: impl FnOnce(&mut Guest) -> T) -> T {
    work(GUEST.0.borrow_mut().get_or_insert_default())
}

#[cfg(feature = "ours")]
fn peer(metered: bool) -> impl Peer {
    use gristmill_contenders::gristmill::{Dispatch, Schedule};
    gristmill_contenders::Ours::new(Dispatch::Loop, if metered { Schedule::V1 } else { Schedule::Ewasm })
}

#[cfg(feature = "wasmi")]
fn peer(metered: bool) -> impl Peer {
    gristmill_contenders::Wasmi::new(metered)
}

/// Room for `length` bytes; the address of the first.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(length: usize) -> *mut u8 {
    with(|guest| {
        guest.bytes = alloc::vec![0; length];
        guest.bytes.as_mut_ptr()
    })
}

/// Makes a module of the reserved bytes and drops it.
#[unsafe(no_mangle)]
pub extern "C" fn load(metered: i32) {
    with(|guest| drop(peer(metered != 0).load(&guest.bytes)));
}

/// Makes an instance of the reserved bytes, and keeps it.
#[unsafe(no_mangle)]
pub extern "C" fn instantiate(metered: i32) {
    with(|guest| guest.live = Some(peer(metered != 0).load(&guest.bytes).instantiate()));
}

/// The reserved bytes name the export that `run` calls.
#[unsafe(no_mangle)]
pub extern "C" fn choose() {
    with(|guest| guest.export = String::from_utf8(guest.bytes.clone()).unwrap_or_default());
}

/// Calls the chosen export of the instance.
#[unsafe(no_mangle)]
pub extern "C" fn run(n: i32) -> i64 {
    with(|guest| guest.live.as_mut().map_or(i64::MIN, |live| live.run(&guest.export, n)))
}

//! Faults that are not machine code's: they go to who handled them before, and else end the process.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(unsafe_code)]

use gristmill::{Config, Engine, Instance, Module, Store, Trap};
use gristmill_aot::{Aot, Bounds, Options};
use std::ffi::c_int;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::sync::Arc;

/// Runs test `name` of this file in a process of its own, told to fault.
fn faulting(name: &str) -> ExitStatus {
    let this = std::env::current_exe().expect("the test has a file");
    let run = Command::new(this).args([name, "--exact", "--nocapture"]).env(FAULTS, "1").output();
    run.expect("the test starts").status
}

const FAULTS: &str = "GRISTMILL_TEST_FAULTS";

fn told_to_fault() -> bool {
    std::env::var_os(FAULTS).is_some()
}

/// Traps in machine code, so that the handlers are there and work.
fn trap() {
    let options = Options { bounds: Bounds::Guard, ..Options::default() };
    let aot = Arc::new(Aot::new(options).expect("this machine has machine code"));
    let engine = Engine::with_compiler(&Config::new(), aot).expect("an engine");
    let text = r#"(module (memory 1) (func (export "load") (param i32) (drop (i32.load (local.get 0)))))"#;
    let module = Module::new(&engine, &wat::parse_str(text).expect("the text is WebAssembly")).expect("valid");
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).expect("nothing is imported");
    let load = instance.get_typed_func::<i32, ()>(&store, "load").expect("exported");
    load.call(&mut store, 65_532).expect("it lies in memory");
    let error = load.call(&mut store, 65_533).expect_err("it does not");
    assert_eq!(error.as_trap(), Some(Trap::MemoryOutOfBounds));
}

/// What no trap is: a read where nothing is.
fn fault() -> ! {
    // SAFETY: not at all: that it faults is what is tested.
    unsafe { std::ptr::without_provenance::<u8>(8).read_volatile() };
    unreachable!("nothing is mapped at address 8");
}

#[test]
fn a_fault_of_nobody_ends_the_process() {
    if told_to_fault() {
        trap();
        fault();
    }
    assert_eq!(faulting("a_fault_of_nobody_ends_the_process").signal(), Some(libc::SIGSEGV));
}

#[test]
fn a_fault_goes_to_who_handled_it_before() {
    const HANDLED: c_int = 42;
    extern "C" fn handle(_: c_int) {
        // SAFETY: may be called in a handler.
        unsafe { libc::_exit(HANDLED) };
    }
    if told_to_fault() {
        // SAFETY: the handler only ends the process.
        unsafe { libc::signal(libc::SIGSEGV, handle as extern "C" fn(c_int) as libc::sighandler_t) };
        trap();
        fault();
    }
    assert_eq!(faulting("a_fault_goes_to_who_handled_it_before").code(), Some(HANDLED));
}

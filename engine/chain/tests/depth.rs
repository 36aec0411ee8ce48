//! How much native stack a nested message takes.

use gristmill::contract::{Address, Ewasm, HostCall, Observer, Options, StatusCode, Transaction};
use gristmill::{Config, Dispatch, Engine, Profile};
use gristmill_chain::{Chain, Settings};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Calls itself with all its gas, if there is any data to tell it so.
const RECURSE: &str = r#"(module
  (import "ethereum" "call" (func $call (param i64 i32 i32 i32 i32) (result i32)))
  (import "ethereum" "getAddress" (func $address (param i32)))
  (memory (export "memory") 1)
  (func (export "main")
    (call $address (i32.const 0))
    (drop (call $call (i64.const 0x7fffffffffffffff) (i32.const 0) (i32.const 32) (i32.const 0) (i32.const 0)))))"#;

/// Creation code that leaves what follows it.
fn creation(code: &[u8]) -> Vec<u8> {
    let data: String = code.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let length = code.len();
    wat::parse_str(format!(
        r#"(module (import "ethereum" "finish" (func $finish (param i32 i32)))
             (memory (export "memory") 1) (data (i32.const 0) "{data}")
             (func (export "main") (call $finish (i32.const 0) (i32.const {length}))))"#
    ))
    .expect("the text above")
}

/// Where the stack was when a frame at the least and at the greatest depth called the host.
#[derive(Default)]
struct Stack {
    first: AtomicUsize,
    last: AtomicUsize,
    depth: AtomicUsize,
}

impl Observer for Stack {
    fn host_call(&self, call: &HostCall<'_>) {
        if call.name != "getAddress" {
            return;
        }
        let here = 0u8;
        let here = std::ptr::from_ref(std::hint::black_box(&here)).addr();
        if call.depth == 0 {
            self.first.store(here, Ordering::Relaxed);
        }
        self.last.store(here, Ordering::Relaxed);
        self.depth.fetch_max(call.depth as usize, Ordering::Relaxed);
    }
}

fn descend(dispatch: Dispatch) {
    let mut chain = Chain::in_memory(&Settings::default()).unwrap();
    let stack = Arc::new(Stack::default());
    let mut config = Config::new();
    config.profile(Profile::chain1()).schedule(chain.settings().schedule).dispatch(dispatch);
    let Ok(engine) = Engine::new(&config) else {
        assert_eq!(dispatch, Dispatch::Tail, "only the tail back end may be missing from a build");
        return;
    };
    let options = Options { observer: Some(stack.clone()), ..chain.settings().options() };
    chain.set_vm(Box::new(Ewasm::new(&engine, options)));
    let code = wat::parse_str(RECURSE).unwrap();
    let sender = Address::repeat_byte(1);
    // One gas in 64 stays at every level: (64/63)^1024 times a frame's own.
    let transaction = Transaction { sender, gas_limit: 1 << 50, ..Transaction::default() };
    let created = chain.transact(&Transaction { data: creation(&code), ..transaction.clone() }).unwrap();
    assert_eq!(created.outcome.status, StatusCode::Success);
    let to = created.outcome.create_address;
    let receipt = chain.transact(&Transaction { to, ..transaction }).unwrap();
    assert_eq!(receipt.outcome.status, StatusCode::Success);
    let depth = stack.depth.load(Ordering::Relaxed);
    assert_eq!(depth, 1_024);
    let used = stack.first.load(Ordering::Relaxed).abs_diff(stack.last.load(Ordering::Relaxed));
    println!("{}: {} bytes of native stack a message", dispatch.name(), used / depth);
    // The engine is optimised in every profile of the workspace; without that, every temporary has a place of its own.
    assert!(used / depth <= 6 << 10);
}

#[test]
fn a_thousand_messages_fit_a_main_thread() {
    for dispatch in [Dispatch::Tail, Dispatch::Loop] {
        let thread = std::thread::Builder::new().stack_size(8 << 20).spawn(move || descend(dispatch)).unwrap();
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

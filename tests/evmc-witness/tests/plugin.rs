//! A host made of evmc-vm's types loads our plugin, at ABI 9, by its path in GRISTMILL_EVMC_LIBRARY.
//!
//! SAFETY of every `unsafe` below: pointers come from the plugin, which passes what EVMC promises (a context as it got it,
//! addresses and words to read, a buffer to write), or from this test, whose values live for the time of the call; the
//! instance lives from `create` to `destroy`, and one thread uses it.

use ::evmc_vm::{ExecutionMessage, ExecutionResult};
use evmc_sys::*;
use libloading::Library;
use std::collections::HashMap;
use std::ffi::CStr;

/// State, and what the host was told. The context pointer points here.
struct World {
    vm: *mut evmc_vm,
    codes: HashMap<u8, Vec<u8>>,
    storage: HashMap<([u8; 20], [u8; 32]), [u8; 32]>,
    logs: Vec<(Vec<u8>, usize)>,
    messages: Vec<(evmc_call_kind, i32, evmc_address)>,
}

fn account(number: u8) -> evmc_address {
    let mut bytes = [0; 20];
    bytes[19] = number;
    evmc_address { bytes }
}

unsafe fn world<'a>(context: *mut evmc_host_context) -> &'a mut World {
    unsafe { &mut *context.cast::<World>() }
}

extern "C" fn account_exists(_: *mut evmc_host_context, _: *const evmc_address) -> bool {
    true
}

extern "C" fn get_storage(
    context: *mut evmc_host_context,
    account: *const evmc_address,
    key: *const evmc_bytes32,
) -> evmc_bytes32 {
    let (world, slot) = unsafe { (world(context), ((*account).bytes, (*key).bytes)) };
    evmc_bytes32 { bytes: world.storage.get(&slot).copied().unwrap_or_default() }
}

extern "C" fn set_storage(
    context: *mut evmc_host_context,
    account: *const evmc_address,
    key: *const evmc_bytes32,
    value: *const evmc_bytes32,
) -> evmc_storage_status {
    let (world, slot) = unsafe { (world(context), ((*account).bytes, (*key).bytes)) };
    match world.storage.insert(slot, unsafe { *value }.bytes) {
        None => evmc_storage_status::EVMC_STORAGE_ADDED,
        Some(_) => evmc_storage_status::EVMC_STORAGE_MODIFIED,
    }
}

extern "C" fn get_balance(_: *mut evmc_host_context, _: *const evmc_address) -> evmc_uint256be {
    let mut bytes = [0; 32];
    bytes[31] = 200;
    evmc_uint256be { bytes }
}

extern "C" fn get_code_size(context: *mut evmc_host_context, account: *const evmc_address) -> usize {
    let (world, number) = unsafe { (world(context), (*account).bytes[19]) };
    world.codes.get(&number).map_or(0, Vec::len)
}

extern "C" fn get_code_hash(_: *mut evmc_host_context, _: *const evmc_address) -> evmc_bytes32 {
    evmc_bytes32::default()
}

extern "C" fn copy_code(
    context: *mut evmc_host_context,
    account: *const evmc_address,
    offset: usize,
    buffer: *mut u8,
    size: usize,
) -> usize {
    let (world, number) = unsafe { (world(context), (*account).bytes[19]) };
    let code = world.codes.get(&number).map_or(&[][..], Vec::as_slice);
    let rest = code.get(offset..).unwrap_or_default();
    let count = rest.len().min(size);
    unsafe { std::ptr::copy_nonoverlapping(rest.as_ptr(), buffer, count) };
    count
}

extern "C" fn selfdestruct(_: *mut evmc_host_context, _: *const evmc_address, _: *const evmc_address) {}

extern "C" fn call(context: *mut evmc_host_context, message: *const evmc_message) -> evmc_result {
    let read = ExecutionMessage::from(unsafe { &*message });
    let world_of = unsafe { world(context) };
    world_of.messages.push((read.kind(), read.depth(), *read.destination()));
    match world_of.codes.get(&read.destination().bytes[19]).cloned() {
        Some(code) => unsafe { execute(world_of.vm, context, &*message, &code) },
        None => ExecutionResult::success(read.gas() / 2, Some(b"abc")).into(),
    }
}

extern "C" fn get_tx_context(_: *mut evmc_host_context) -> evmc_tx_context {
    let mut context: evmc_tx_context = unsafe { std::mem::zeroed() };
    context.block_number = 1_000;
    context.block_timestamp = 77;
    context.chain_id.bytes[31] = 5;
    context.tx_origin = evmc_address { bytes: [0x0e; 20] };
    context
}

extern "C" fn get_block_hash(_: *mut evmc_host_context, _: i64) -> evmc_bytes32 {
    evmc_bytes32::default()
}

extern "C" fn emit_log(
    context: *mut evmc_host_context,
    _: *const evmc_address,
    data: *const u8,
    size: usize,
    _: *const evmc_bytes32,
    topics: usize,
) {
    let data = unsafe { std::slice::from_raw_parts(data, size) }.to_vec();
    unsafe { world(context) }.logs.push((data, topics));
}

extern "C" fn access_account(_: *mut evmc_host_context, _: *const evmc_address) -> evmc_access_status {
    evmc_access_status::EVMC_ACCESS_WARM
}

extern "C" fn access_storage(
    _: *mut evmc_host_context,
    _: *const evmc_address,
    _: *const evmc_bytes32,
) -> evmc_access_status {
    evmc_access_status::EVMC_ACCESS_COLD
}

static HOST: evmc_host_interface = evmc_host_interface {
    account_exists: Some(account_exists),
    get_storage: Some(get_storage),
    set_storage: Some(set_storage),
    get_balance: Some(get_balance),
    get_code_size: Some(get_code_size),
    get_code_hash: Some(get_code_hash),
    copy_code: Some(copy_code),
    selfdestruct: Some(selfdestruct),
    call: Some(call),
    get_tx_context: Some(get_tx_context),
    get_block_hash: Some(get_block_hash),
    emit_log: Some(emit_log),
    access_account: Some(access_account),
    access_storage: Some(access_storage),
};

unsafe fn execute(
    vm: *mut evmc_vm,
    context: *mut evmc_host_context,
    message: &evmc_message,
    code: &[u8],
) -> evmc_result {
    let revision = evmc_revision::EVMC_BERLIN;
    unsafe { (*vm).execute.unwrap()(vm, &HOST, context, revision, message, code.as_ptr(), code.len()) }
}

/// Runs the contract of account 1 as the transaction's own message.
fn run(world: &mut World, input: &[u8]) -> ExecutionResult {
    let mut message: evmc_message = unsafe { std::mem::zeroed() };
    message.gas = 1_000_000;
    message.destination = account(1);
    message.sender = account(2);
    message.input_data = input.as_ptr();
    message.input_size = input.len();
    let code = world.codes[&1].clone();
    let vm = world.vm;
    ExecutionResult::from(unsafe { execute(vm, std::ptr::from_mut(world).cast(), &message, &code) })
}

fn contract(name: &str) -> Vec<u8> {
    wat::parse_file(format!("{}/../evmc-host/contracts/{name}.wat", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn a_host_on_the_published_crates() {
    let path = std::env::var_os("GRISTMILL_EVMC_LIBRARY").expect("GRISTMILL_EVMC_LIBRARY is the plugin's path");
    let library = unsafe { Library::new(path) }.unwrap();
    let create =
        *unsafe { library.get::<unsafe extern "C" fn() -> *mut evmc_vm>("evmc_create_gristmill_abi9") }.unwrap();
    let vm = unsafe { create() };
    let fields = unsafe { &*vm };
    assert_eq!(fields.abi_version as u32, EVMC_ABI_VERSION as u32);
    assert_eq!(unsafe { CStr::from_ptr(fields.name) }, c"gristmill");
    assert_eq!(unsafe { fields.get_capabilities.unwrap()(vm) }, evmc_capabilities::EVMC_CAPABILITY_EWASM as u32);
    let set = |name: &CStr, value: &CStr| unsafe { fields.set_option.unwrap()(vm, name.as_ptr(), value.as_ptr()) };
    assert_eq!(set(c"gas-schedule", c"v1"), evmc_set_option_result::EVMC_SET_OPTION_SUCCESS);
    assert_eq!(set(c"nonsense", c"v1"), evmc_set_option_result::EVMC_SET_OPTION_INVALID_NAME);
    assert_eq!(set(c"gas-schedule", c"v0"), evmc_set_option_result::EVMC_SET_OPTION_INVALID_VALUE);

    let mut world =
        World { vm, codes: HashMap::new(), storage: HashMap::new(), logs: Vec::new(), messages: Vec::new() };
    world.codes.insert(1, contract("counter"));
    for round in 1..=3 {
        let result = run(&mut world, &[]);
        assert_eq!(result.status_code(), evmc_status_code::EVMC_SUCCESS);
        assert_eq!(result.output().unwrap()[31], round);
        assert!(result.gas_left() > 900_000 && result.create_address().is_none_or(|a| *a == account(0)));
    }
    assert_eq!((world.storage.len(), world.logs.len()), (1, 3));
    assert_eq!(world.logs[0], (b"log".to_vec(), 1));

    world.codes.insert(1, contract("echo"));
    assert_eq!(run(&mut world, b"hello").output().unwrap(), b"hello");
    assert!(run(&mut world, &[]).output().is_none());

    world.codes.insert(1, contract("context"));
    let output = run(&mut world, &[]).output().unwrap().clone();
    assert_eq!((&output[..2], output[8], output[16], output[32], output[56]), (&[0xe8, 3][..], 77, 5, 0x0e, 200));

    world.codes.insert(1, contract("kinds"));
    assert_eq!(run(&mut world, &[]).status_code(), evmc_status_code::EVMC_SUCCESS);
    let kinds: Vec<_> = world.messages.iter().map(|message| message.0 as u32).collect();
    assert_eq!(kinds, [0, 2, 1, 0, 3, 4]);

    // Account 9 calls itself until the gas that is left does not do.
    world.messages.clear();
    world.codes.insert(9, contract("recurse"));
    world.codes.insert(1, contract("recurse"));
    assert_eq!(run(&mut world, &[]).status_code(), evmc_status_code::EVMC_SUCCESS);
    assert!(world.messages.len() > 100, "{}", world.messages.len());
    assert!(world.messages.iter().zip(1..).all(|(message, depth)| message.1 == depth && message.2 == account(9)));

    world.codes.insert(1, contract("revert"));
    let result = run(&mut world, &[]);
    assert_eq!((result.status_code(), &result.output().unwrap()[..]), (evmc_status_code::EVMC_REVERT, &b"oops"[..]));
    world.codes.insert(1, vec![0xfe, 0]);
    assert_eq!(run(&mut world, &[]).status_code(), evmc_status_code::EVMC_REJECTED);
    unsafe { fields.destroy.unwrap()(vm) };
}

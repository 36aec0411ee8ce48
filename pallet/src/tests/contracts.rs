//! Contracts to try the pallet with, in text. The tests of the runtime's Wasm have them too.

/// Creation code that leaves the contract of `runtime`, a module in text.
pub fn deployer(runtime: &str) -> Vec<u8> {
    deployer_of(&wat::parse_str(runtime).expect("a module"))
}

/// The same of a module in bytes.
pub fn deployer_of(runtime: &[u8]) -> Vec<u8> {
    let data: String = runtime.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let pages = runtime.len() / 65_536 + 1;
    wat::parse_str(format!(
        r#"(module
            (import "ethereum" "finish" (func $finish (param i32 i32)))
            (memory (export "memory") {pages})
            (data (i32.const 0) "{data}")
            (func (export "main") (call $finish (i32.const 0) (i32.const {}))))"#,
        runtime.len()
    ))
    .expect("a module")
}

/// Imports that contracts of tests choose from, each with the memory they write to.
pub const IMPORTS: &str = r#"
    (import "ethereum" "finish" (func $finish (param i32 i32)))
    (import "ethereum" "revert" (func $revert (param i32 i32)))
    (import "ethereum" "storageStore" (func $store (param i32 i32)))
    (import "ethereum" "storageLoad" (func $load (param i32 i32)))
    (import "ethereum" "getCallDataSize" (func $size (result i32)))
    (import "ethereum" "callDataCopy" (func $data (param i32 i32 i32)))
    (import "ethereum" "call" (func $call (param i64 i32 i32 i32 i32) (result i32)))
    (import "ethereum" "callStatic" (func $static (param i64 i32 i32 i32) (result i32)))
    (import "ethereum" "callDelegate" (func $delegate (param i64 i32 i32 i32) (result i32)))
    (import "ethereum" "create2" (func $create2 (param i32 i32 i32 i32 i32) (result i32)))
    (import "ethereum" "getReturnDataSize" (func $returned (result i32)))
    (import "ethereum" "returnDataCopy" (func $returnedCopy (param i32 i32 i32)))
    (import "ethereum" "selfDestruct" (func $destroy (param i32)))
    (import "ethereum" "log" (func $log (param i32 i32 i32 i32 i32 i32 i32)))
    (import "ethereum" "getBlockTimestamp" (func $timestamp (result i64)))
    (import "ethereum" "getGasLeft" (func $gas (result i64)))
    (import "ethereum" "getAddress" (func $address (param i32)))
    (import "ethereum" "getCaller" (func $caller (param i32)))
    (import "ethereum" "getCallValue" (func $value (param i32)))
    (memory (export "memory") 1)
"#;

/// A contract whose `main` is `body`, with [`IMPORTS`].
pub fn contract(body: &str) -> String {
    format!("(module {IMPORTS} (func (export \"main\") {body}))")
}

/// Stores the 32 bytes at offset 32 of its call data under the 32 bytes at 0; returns what was there.
pub fn keeper() -> String {
    contract(
        "(call $data (i32.const 0) (i32.const 0) (i32.const 64))
         (call $load (i32.const 0) (i32.const 64))
         (call $store (i32.const 0) (i32.const 32))
         (call $finish (i32.const 64) (i32.const 32))",
    )
}

/// A number as 32 big-endian bytes.
pub fn word(value: u64) -> [u8; 32] {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&value.to_be_bytes());
    word
}

/// Call data for [`keeper`].
pub fn set(key: u64, value: u64) -> Vec<u8> {
    [word(key), word(value)].concat()
}

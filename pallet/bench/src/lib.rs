//! The demo runtime with more functions: the same transactions of contracts on our engine and on wasmi, and a token's on
//! pallet-contracts.
//!
//! The first two go through the pallet: its storage, journal, interface and deposits. What differs is who loads and runs the
//! code. Nothing is kept between transactions, as between extrinsics: each makes its engine, loads the contract without
//! validating it again, and instantiates it. [`seal`] is another pallet, with an interface of its own.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod peer;
// What `construct_runtime` makes has no documentation of its own.
#[allow(missing_docs)]
pub mod seal;

use alloc::vec::Vec;
use codec::Encode;
use frame_support::storage::{TransactionOutcome, with_transaction_unchecked};
use frame_support::weights::Weight;
use gristmill::contract::{Address, StatusCode, U256};
use gristmill_demo_runtime::{AccountId, Contracts};

/// Sends the transactions one after the other, on our engine; how many succeeded.
pub fn ours(sender: &AccountId, dest: Address, inputs: Vec<Vec<u8>>) -> u32 {
    let succeeded = |input| Contracts::bare_call(sender, dest, U256::zero(), None, None, input).result.is_ok();
    inputs.into_iter().filter(|input| succeeded(input.clone())).count() as u32
}

/// The same on wasmi, with fuel.
pub fn wasmi(sender: &AccountId, dest: Address, inputs: Vec<Vec<u8>>) -> u32 {
    let succeeded = |input| {
        let vm = peer::Wasmi::new();
        Contracts::call_on(&vm, sender, dest, input) == Ok(StatusCode::Success)
    };
    inputs.into_iter().filter(|input| succeeded(input.clone())).count() as u32
}

/// A call on our engine, once and taken back: what it weighed, if it succeeded.
pub fn once(sender: &AccountId, dest: Address, input: Vec<u8>) -> Option<Weight> {
    with_transaction_unchecked(|| {
        let result = Contracts::bare_call(sender, dest, U256::zero(), None, None, input);
        TransactionOutcome::Rollback(result.result.is_ok().then_some(result.weight_consumed))
    })
}

/// The blob of a package, built if need be.
///
/// # Panics
/// When it cannot be built.
#[cfg(feature = "std")]
pub fn blob(package: &str) -> &'static [u8] {
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../build-runtime");
    let output = std::process::Command::new(script).arg(package).output().expect("the script runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let path = String::from_utf8(output.stdout).expect("a path");
    std::fs::read(path.trim()).expect("the blob").leak()
}

/// What the exported functions take.
pub type Arguments = (AccountId, Address, Vec<Vec<u8>>);

/// What those of [`seal`] take.
pub type SealArguments = (AccountId, AccountId, Vec<Vec<u8>>);

/// As a runtime's functions return: where the bytes are, and how many.
#[cfg_attr(feature = "std", allow(dead_code))]
fn returned(value: impl Encode) -> u64 {
    let bytes = value.encode().leak();
    (bytes.len() as u64) << 32 | bytes.as_ptr() as usize as u64
}

#[cfg(not(feature = "std"))]
mod exports {
    use super::{Address, Arguments, SealArguments, once, ours, returned, seal, wasmi};
    use alloc::vec::Vec;
    use codec::Decode;
    use gristmill_demo_runtime::AccountId;

    /// # Safety
    /// The executor's: `length` bytes lie at `arguments`.
    unsafe fn arguments<A: Decode>(arguments: *const u8, length: usize) -> A {
        // SAFETY: the caller's promise.
        let mut bytes = unsafe { core::slice::from_raw_parts(arguments, length) };
        A::decode(&mut bytes).expect("the bench encodes them")
    }

    /// [`ours`] for the executor.
    ///
    /// # Safety
    /// `length` bytes lie at `at`.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn Bench_ours(at: *const u8, length: usize) -> u64 {
        // SAFETY: the executor's promise.
        let (sender, dest, inputs): Arguments = unsafe { arguments(at, length) };
        returned(ours(&sender, dest, inputs))
    }

    /// [`once`] for the executor.
    ///
    /// # Safety
    /// `length` bytes lie at `at`.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn Bench_once(at: *const u8, length: usize) -> u64 {
        // SAFETY: the executor's promise.
        let (sender, dest, input): (AccountId, Address, Vec<u8>) = unsafe { arguments(at, length) };
        returned(once(&sender, dest, input))
    }

    /// [`wasmi`](super::wasmi) for the executor.
    ///
    /// # Safety
    /// `length` bytes lie at `at`.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn Bench_wasmi(at: *const u8, length: usize) -> u64 {
        // SAFETY: the executor's promise.
        let (sender, dest, inputs): Arguments = unsafe { arguments(at, length) };
        returned(wasmi(&sender, dest, inputs))
    }

    /// [`seal::deploy`] for the executor.
    ///
    /// # Safety
    /// `length` bytes lie at `at`.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn Bench_seal_deploy(at: *const u8, length: usize) -> u64 {
        // SAFETY: the executor's promise.
        let (sender, code): (AccountId, Vec<u8>) = unsafe { arguments(at, length) };
        returned(seal::deploy(&sender, code))
    }

    /// [`seal::calls`] for the executor.
    ///
    /// # Safety
    /// `length` bytes lie at `at`.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn Bench_seal(at: *const u8, length: usize) -> u64 {
        // SAFETY: the executor's promise.
        let (sender, dest, inputs): SealArguments = unsafe { arguments(at, length) };
        returned(seal::calls(&sender, &dest, inputs))
    }
}

//! revm: the EVM that Rust clients run, for the same work as EVM code. `solidity/` has the sources.

use revm::context::TxEnv;
use revm::database::InMemoryDB;
use revm::primitives::{Address, Bytes, TxKind};
use revm::{Context, ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext};

/// The token that SOLL compiled, compiled by solc: creation code.
pub const TOKEN: &str = include_str!("../solidity/Token.hex");
/// Loops of the kernels: creation code.
pub const LOOPS: &str = include_str!("../solidity/Loops.hex");

/// The account that sends everything.
fn sender() -> Address {
    Address::with_last_byte(0xa1)
}

fn transaction(kind: TxKind, data: Vec<u8>) -> TxEnv {
    let builder = TxEnv::builder().caller(sender()).kind(kind).data(Bytes::from(data)).gas_limit(1 << 40);
    builder.build().expect("a plain transaction")
}

/// What a call left: output and number of logs.
pub struct Answer {
    /// What it returned.
    pub output: Vec<u8>,
    /// How many logs it made.
    pub logs: usize,
}

/// Deploys creation code, and calls what it made, with the call data given, a whole transaction each. What a call changed is
/// returned to the caller of revm and dropped: every call finds the state of the deployment.
///
/// # Panics
/// When a transaction does not succeed.
pub fn deployed(creation: &[u8]) -> impl FnMut(&[u8]) -> Answer + use<> {
    let mut evm = Context::mainnet()
        .with_db(InMemoryDB::default())
        .modify_cfg_chained(|cfg| {
            cfg.disable_nonce_check = true;
            cfg.tx_gas_limit_cap = Some(u64::MAX);
        })
        .build_mainnet();
    let created = evm.transact_commit(transaction(TxKind::Create, creation.into())).expect("a valid transaction");
    let contract = created.created_address().unwrap_or_else(|| panic!("not created: {created:?}"));
    move |data| {
        let result =
            evm.transact(transaction(TxKind::Call(contract), data.into())).expect("a valid transaction").result;
        assert!(result.is_success(), "{result:?}");
        Answer { logs: result.logs().len(), output: result.into_output().unwrap_or_default().into() }
    }
}

/// [`deployed`] of a text of hex.
pub fn deployed_hex(creation: &str) -> impl FnMut(&[u8]) -> Answer + use<> {
    deployed(&hex::decode(creation.trim()).expect("the file is hex"))
}

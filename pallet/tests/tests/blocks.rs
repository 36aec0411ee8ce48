//! Transactions in blocks, executed by the runtime's Wasm.

use gristmill_pallet_tests::{Chain, Runtime};
use sp_keyring::Sr25519Keyring::Alice;

#[test]
fn a_block_with_a_remark() {
    let mut chain = Chain::new();
    let call = frame_system::Call::<Runtime>::remark { remark: b"grain".to_vec() };
    chain.submit(Alice, call).unwrap();
    let block = chain.next_block();
    assert_eq!(block.header.number, 1);
}

//! A node's off-chain worker in the runtime's Wasm, the real runner behind its door.

use codec::Decode;
use gristmill_demo_runtime as runtime;
use gristmill_offchain::{Isolated, Policies};
use gristmill_pallet_tests::jobs::{floats, roots};
use gristmill_pallet_tests::{Chain, Runtime, blob_for_node};
use pallet_gristmill_jobs::door::RunnerExt;
use pallet_gristmill_jobs::{Budget, End, JobCode, KEY_TYPE, Outcome, PURE, View};
use runtime::UncheckedExtrinsic;
use sp_core::offchain::testing::{TestOffchainExt, TestTransactionPoolExt};
use sp_core::offchain::{OffchainDbExt, OffchainWorkerExt, TransactionPoolExt};
use sp_keyring::Sr25519Keyring::{Alice, Charlie, Dave};
use sp_keystore::testing::MemoryKeystore;
use sp_keystore::{Keystore, KeystoreExt};
use std::sync::Arc;

const BUDGET: Budget = Budget { gas: 10_000_000, milliseconds: 20_000, pages: 16, output: 256 };

/// A real runner behind a real door of a runtime that has one, and two workers' keys.
#[test]
fn a_nodes_off_chain_worker_runs_jobs_and_sends_answers() {
    let mut chain = Chain::of(blob_for_node());
    let (offchain, _) = TestOffchainExt::new();
    let (pool_ext, pool) = TestTransactionPoolExt::new();
    let keystore = MemoryKeystore::new();
    for key in [Alice, Charlie] {
        keystore.insert(KEY_TYPE, &key.to_seed(), &key.public().0).expect("a keystore in memory takes keys");
    }
    chain.register(OffchainDbExt::new(offchain.clone()));
    chain.register(OffchainWorkerExt::new(offchain));
    chain.register(TransactionPoolExt::new(pool_ext));
    chain.register(KeystoreExt::new(keystore));
    let (code, input) = (JobCode::Inline(roots()), floats(&[4.0, 2.0]));
    let policy = PURE.to_vec().try_into().expect("it is short");
    let job = pallet_gristmill_jobs::Call::<Runtime>::submit_job {
        code,
        input,
        policy,
        budget: BUDGET,
        reward: runtime::UNIT,
    };
    chain.submit(Dave, job).unwrap();
    chain.next_block();
    // No runner: the door is shut, and nothing is sent.
    chain.work();
    assert!(pool.read().transactions.is_empty());
    let program = env!("CARGO_BIN_EXE_gristmill-job").into();
    chain.register(RunnerExt(Arc::new(Isolated::new(program, vec!["--serve".into()], Policies::default()))));
    chain.work();
    let sent = std::mem::take(&mut pool.write().transactions);
    assert_eq!(sent.len(), 2, "an answer of each worker whose key the node has");
    for transaction in sent {
        let extrinsic = UncheckedExtrinsic::decode(&mut &transaction[..]).expect("a transaction");
        chain.apply(extrinsic).unwrap();
    }
    let expected = Outcome::Completed(floats(&[2.0, 2f64.sqrt()]));
    let view = chain.read(|| pallet_gristmill_jobs::Pallet::<Runtime>::view(0));
    assert_eq!(view, View::Closed(End::Agreed(expected)));
    chain.next_block();
    chain.work();
    assert!(pool.read().transactions.is_empty(), "there is nothing more to do");
}

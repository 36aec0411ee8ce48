//! The off-chain worker: what it runs, once, and what it sends.

use super::mock::*;
use crate::door::{NotRun, Run, Runner, RunnerExt};
use crate::*;
use codec::Decode;
use frame_support::assert_ok;
use frame_support::traits::{Authorize, Hooks};
use parking_lot::{Mutex, RwLock};
use sp_core::offchain::testing::{OffchainState, PoolState, TestOffchainExt, TestTransactionPoolExt};
use sp_core::offchain::{OffchainDbExt, OffchainWorkerExt, Timestamp, TransactionPoolExt};
use sp_core::{ByteArray, Pair};
use sp_keystore::testing::MemoryKeystore;
use sp_keystore::{Keystore, KeystoreExt};
use sp_runtime::traits::Dispatchable;
use sp_runtime::transaction_validity::TransactionSource;
use std::sync::Arc;

/// Answers with what it is told, and notes what it was asked.
#[derive(Default)]
struct Told {
    asked: Mutex<Vec<Run>>,
    says: Mutex<Option<Result<Outcome, NotRun>>>,
}

impl Runner for Told {
    fn run(&self, run: &Run) -> Result<Outcome, NotRun> {
        self.asked.lock().push(run.clone());
        self.says.lock().clone().unwrap_or_else(|| Ok(found(&run.input)))
    }
}

/// A node: its off-chain state, its pool, its runner.
struct Node {
    chain: sp_io::TestExternalities,
    state: Arc<RwLock<OffchainState>>,
    pool: Arc<RwLock<PoolState>>,
    runner: Arc<Told>,
}

impl Node {
    /// With the keys of these workers.
    fn new(keys: &[u8]) -> Self {
        let mut chain = genesis();
        let (offchain, state) = TestOffchainExt::new();
        let (pool_ext, pool) = TestTransactionPoolExt::new();
        let keystore = MemoryKeystore::new();
        for number in keys {
            let suri = format!("0x{}", [format!("{number:02x}")].concat().repeat(32));
            let public = ByteArray::to_raw_vec(&pair(*number).public());
            keystore.insert(KEY_TYPE, &suri, &public).expect("a keystore in memory takes keys");
        }
        let runner = Arc::new(Told::default());
        chain.register_extension(OffchainDbExt::new(offchain.clone()));
        chain.register_extension(OffchainWorkerExt::new(offchain));
        chain.register_extension(TransactionPoolExt::new(pool_ext));
        chain.register_extension(KeystoreExt::new(keystore));
        chain.register_extension(RunnerExt(runner.clone()));
        Self { chain, state, pool, runner }
    }

    fn on_chain<R>(&mut self, act: impl FnOnce() -> R) -> R {
        self.chain.execute_with(act)
    }

    /// What the node does in a block; the calls that it sends.
    fn work(&mut self) -> Vec<RuntimeCall> {
        self.on_chain(|| JobsPallet::offchain_worker(System::block_number()));
        // What a pallet's worker stores is there for the next block's.
        self.chain.persist_offchain_overlay();
        let sent = std::mem::take(&mut self.pool.write().transactions);
        sent.into_iter().map(|bytes| Extrinsic::decode(&mut &bytes[..]).expect("a transaction").function).collect()
    }

    /// Lets a transaction without a fee in and executes it.
    fn apply(&mut self, call: RuntimeCall) -> Result<(), TransactionValidityError> {
        self.on_chain(|| {
            call.authorize(TransactionSource::External).expect("it needs no signature")?;
            let done = call.dispatch(frame_system::RawOrigin::Authorized.into());
            assert_ok!(done.map_err(|failed| failed.error));
            Ok(())
        })
    }

    fn runs(&self) -> usize {
        self.runner.asked.lock().len()
    }
}

#[test]
fn a_node_runs_a_job_once_and_its_workers_answer() {
    let mut node = Node::new(&[1, 3]);
    node.on_chain(|| {
        assert_ok!(submit(b"grain", 1_000));
    });
    let calls = node.work();
    assert_eq!((calls.len(), node.runs()), (2, 1));
    let asked = node.runner.asked.lock()[0].clone();
    assert_eq!((&asked.code[..], &asked.input[..], asked.budget), (CODE, &b"grain"[..], BUDGET));
    // The pool lost them: the next block sends them again, and runs nothing.
    let calls = node.work();
    assert_eq!((calls.len(), node.runs()), (2, 1));
    for call in calls {
        node.apply(call).unwrap();
    }
    node.on_chain(|| {
        assert_eq!(JobsPallet::view(0), View::Closed(End::Agreed(found(b"grain"))));
        check_books();
    });
    assert!(node.work().is_empty());
    assert_eq!(node.state.read().persistent_storage.get(b"gristmill jobs"), Some(Vec::<u8>::from([0])), "notes go");
}

#[test]
fn who_has_no_key_of_a_worker_runs_nothing() {
    let mut node = Node::new(&[4]);
    node.on_chain(|| {
        assert_ok!(submit(b"", 1_000));
    });
    assert!(node.work().is_empty());
    assert_eq!(node.runs(), 0);
}

/// Another call of the worker on this node is at it.
#[test]
fn a_job_that_is_being_run_is_not_run_again_before_its_time_is_over() {
    let mut node = Node::new(&[1]);
    node.on_chain(|| {
        assert_ok!(submit(b"", 1_000));
    });
    *node.runner.says.lock() = Some(Err(NotRun::TookTooLong));
    for tries in 1..=3 {
        assert!(node.work().is_empty());
        assert!(node.work().is_empty());
        assert_eq!(node.runs(), tries, "not while it waits");
        let now = node.state.read().timestamp;
        node.state.write().timestamp = Timestamp::from_unix_millis(now.unix_millis() + 31_000);
    }
    *node.runner.says.lock() = None;
    assert!(node.work().is_empty());
    assert_eq!(node.runs(), 3, "three times are enough for a round");
    // Another round is another try.
    node.on_chain(|| run_to(11));
    assert_eq!((node.work().len(), node.runs()), (1, 4));
}

#[test]
fn a_node_whose_door_is_shut_waits() {
    let mut node = Node::new(&[1]);
    node.on_chain(|| {
        assert_ok!(submit(b"", 1_000));
    });
    *node.runner.says.lock() = Some(Err(NotRun::Shut));
    assert!(node.work().is_empty());
    *node.runner.says.lock() = None;
    assert_eq!(node.work().len(), 1, "as soon as there is a runner, there is an answer");
}

#[test]
fn only_what_a_worker_has_signed_is_let_in() {
    let mut node = Node::new(&[1]);
    node.on_chain(|| {
        assert_ok!(submit(b"grain", 1_000));
    });
    let RuntimeCall::JobsPallet(Call::submit_result_unsigned { answer, signature }) = node.work().remove(0) else {
        panic!("the worker answers")
    };
    let mut apply = |answer: &Answer<_>, signature: &SignatureOf<Test>| {
        let (answer, signature) = (answer.clone(), signature.clone());
        node.apply(Call::submit_result_unsigned { answer, signature }.into())
    };
    let invalid = |kind: InvalidTransaction| Err(TransactionValidityError::Invalid(kind));
    let changed = Answer { outcome: found(b"chaff"), ..answer.clone() };
    assert_eq!(apply(&changed, &signature), invalid(InvalidTransaction::BadProof));
    let other = Answer { worker: worker(2), ..answer.clone() };
    assert_eq!(apply(&other, &signature), invalid(InvalidTransaction::BadProof));
    let nobody = Answer { worker: ALICE, ..answer.clone() };
    assert_eq!(apply(&nobody, &signature), invalid(InvalidTransaction::BadSigner));
    let early = Answer { round: 1, ..answer.clone() };
    assert_eq!(apply(&early, &signature), invalid(InvalidTransaction::Stale));
    let long = Answer { outcome: found(&[0; 65]), ..answer.clone() };
    let payload = long.payload(H256::zero());
    assert_eq!(apply(&long, &pair(1).sign(&payload)), invalid(InvalidTransaction::ExhaustsResources));
    // Of another chain.
    let elsewhere = pair(1).sign(&answer.payload(H256::repeat_byte(1)));
    assert_eq!(apply(&answer, &elsewhere), invalid(InvalidTransaction::BadProof));
    assert_eq!(apply(&answer, &signature), Ok(()));
    assert_eq!(apply(&answer, &signature), invalid(InvalidTransaction::Stale), "once");
}

/// A call on chain has no runner, whatever the node has for its off-chain calls.
#[test]
fn the_door_is_shut_on_chain() {
    chain(|| {
        let run = Run { code: vec![], input: vec![], policy: pure(), budget: BUDGET };
        assert_eq!(crate::door::knock(&run), Err(NotRun::Shut));
    });
}

//! What the node gives the runtime beyond its state: host functions, and what is behind them.

use gristmill_offchain::{Isolated, Kept, Policies};
use pallet_gristmill::acceleration;
use pallet_gristmill_jobs::door::{Runner, RunnerExt};
use pallet_gristmill_jobs::{KEY_TYPE, door};
use sp_core::offchain::OffchainStorage;
use sp_externalities::Extension;
use sp_keystore::KeystorePtr;
use std::io;
use std::sync::Arc;

/// Host functions of ours. A runtime that imports one runs on this node and on no other.
pub type Ours = (door::HostFunctions, acceleration::HostFunctions);

/// All host functions that a runtime may import.
pub type HostFunctions = (sp_io::SubstrateHostFunctions, Ours);

/// The command by which the node starts itself anew for a job.
pub const RUN_JOB: &str = "run-job";

/// Workers of the chain for development, whose keys are nobody's secret.
const DEVELOPERS: [&str; 3] = ["//Alice", "//Bob", "//Charlie"];

/// What runs jobs: this program, in a process for each. What they store is kept in the node's off-chain storage, if it has one.
///
/// # Errors
/// Where this program is cannot be told.
pub fn runner<S>(policies: Policies, storage: Option<S>) -> io::Result<Arc<dyn Runner>>
where
    S: OffchainStorage + Sync + 'static,
{
    let runner = Isolated::new(std::env::current_exe()?, vec![RUN_JOB.into()], policies);
    Ok(match storage {
        Some(storage) => Arc::new(runner.keeping(Arc::new(Local(storage)))),
        None => Arc::new(runner),
    })
}

/// The node's off-chain storage, where jobs' namespaces have a place of their own.
struct Local<S>(S);

/// Where: off-chain workers of runtimes write elsewhere.
const NAMESPACES: &[u8] = b"gristmill-jobs";

impl<S: OffchainStorage + Sync> Kept for Local<S> {
    fn get(&self, namespace: &str) -> Option<Vec<u8>> {
        self.0.get(NAMESPACES, namespace.as_bytes())
    }

    fn replace(&self, namespace: &str, old: Option<&[u8]>, new: &[u8]) -> bool {
        // Handles of the one storage, which compares and sets at once.
        self.0.clone().compare_and_set(NAMESPACES, namespace.as_bytes(), old, new)
    }
}

/// What calls of off-chain workers have, and no other call: a host function that looks for one of these and does not find it
/// knows that it runs on chain.
///
/// Asked once for each block that workers run on.
pub fn extensions(runner: &Arc<dyn Runner>) -> Vec<Box<dyn Extension>> {
    vec![Box::new(RunnerExt(runner.clone()))]
}

/// Gives the node the keys of the workers that a chain for development begins with.
///
/// # Errors
/// The keystore cannot be written.
pub fn develop(keystore: &KeystorePtr) -> Result<(), sp_keystore::Error> {
    for seed in DEVELOPERS {
        keystore.sr25519_generate_new(KEY_TYPE, Some(seed))?;
    }
    Ok(())
}

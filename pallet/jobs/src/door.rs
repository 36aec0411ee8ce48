//! The door through which a node's off-chain workers reach what runs jobs.
//!
//! The node registers a [`Runner`] for off-chain calls, and for those alone: calls of the runtime on chain find the door shut,
//! and never knock. A runtime without the feature `door` imports no host function of ours; it has no door at all.

use crate::{Budget, Outcome, Policy};
use alloc::vec::Vec;
use codec::{Decode, Encode};

/// A run that a node is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Run {
    /// A module.
    pub code: Vec<u8>,
    /// What it reads.
    pub input: Vec<u8>,
    /// What it may do.
    pub policy: Policy,
    /// What it may take.
    pub budget: Budget,
}

/// Why there is no outcome: it lies with the node, not with the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum NotRun {
    /// Nothing on this side of the door: the call is on chain, or the node runs no jobs.
    Shut,
    /// The node has no policy of that name.
    UnknownPolicy,
    /// It took longer than its budget of wall time.
    TookTooLong,
    /// The node failed: no memory, no process.
    Broken,
}

#[cfg(feature = "door")]
pub use interface::gristmill_jobs;
#[cfg(all(feature = "std", feature = "door"))]
pub use interface::gristmill_jobs::HostFunctions;
#[cfg(feature = "std")]
pub use node::Runner;
#[cfg(all(feature = "std", feature = "door"))]
pub use node::RunnerExt;

/// Asks the node; without a door there is nobody to ask.
pub(crate) fn knock(run: &Run) -> Result<Outcome, NotRun> {
    #[cfg(feature = "door")]
    return gristmill_jobs::run(&run.encode());
    #[cfg(not(feature = "door"))]
    {
        let _ = run;
        Err(NotRun::Shut)
    }
}

#[cfg(feature = "std")]
mod node {
    use super::{NotRun, Run};
    use crate::Outcome;

    /// What runs jobs on a node.
    pub trait Runner: Send + Sync {
        /// Runs one.
        ///
        /// # Errors
        /// There is no outcome that every honest worker would find.
        fn run(&self, run: &Run) -> Result<Outcome, NotRun>;
    }

    #[cfg(feature = "door")]
    sp_externalities::decl_extension! {
        /// The runner behind the door.
        pub struct RunnerExt(std::sync::Arc<dyn Runner>);
    }
}

#[cfg(feature = "door")]
#[allow(missing_docs)]
mod interface {
    use super::NotRun;
    use crate::Outcome;
    use sp_runtime_interface::pass_by::{AllocateAndReturnByCodec, PassFatPointerAndRead};
    use sp_runtime_interface::runtime_interface;

    /// The host function.
    #[runtime_interface]
    pub trait GristmillJobs {
        /// Runs what `run` encodes, a [`Run`](super::Run).
        fn run(&mut self, run: PassFatPointerAndRead<&[u8]>) -> AllocateAndReturnByCodec<Result<Outcome, NotRun>> {
            use codec::Decode;
            use sp_externalities::ExternalitiesExt;
            let Some(runner) = self.extension::<crate::door::RunnerExt>() else { return Err(NotRun::Shut) };
            let run = crate::door::Run::decode(&mut &run[..]).map_err(|_| NotRun::Broken)?;
            runner.0.run(&run)
        }
    }
}

//! What a job is, and what comes of it.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::traits::ConstU32;
use scale_info::TypeInfo;
use sp_core::H256;
use sp_runtime::BoundedVec;

/// The number of a job, counted from 0 by the chain.
pub type JobId = u64;

/// The name of a policy: what a job may do where it runs. Nodes have them by name.
pub type Policy = BoundedVec<u8, ConstU32<32>>;

/// The policy that every node has: computation, and nothing beside.
pub const PURE: &[u8] = b"pure";

/// What a job may take.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Budget {
    /// Whole gas.
    pub gas: u64,
    /// Wall time where it runs, in milliseconds. A run that takes longer gives no result.
    pub milliseconds: u32,
    /// Pages of 64 KiB of all its memories together.
    pub pages: u32,
    /// Bytes of output.
    pub output: u32,
}

impl Budget {
    /// Whether it asks for no more than `most`.
    pub fn within(&self, most: &Budget) -> bool {
        self.gas <= most.gas
            && self.milliseconds <= most.milliseconds
            && self.pages <= most.pages
            && self.output <= most.output
    }
}

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Request {
    /// keccak256 of the code, which the chain keeps.
    pub code_hash: H256,
    /// What the code reads as its call data.
    pub input: Vec<u8>,
    /// What it may do.
    pub policy: Policy,
    /// What it may take.
    pub budget: Budget,
}

/// The code of a job that is submitted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum JobCode {
    /// Comes along, and stays as long as jobs need it.
    Inline(Vec<u8>),
    /// keccak256 of code that is there.
    Stored(H256),
}

/// How a run ended. It is a function of code, input, policy and budget: honest workers find the same.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Outcome {
    /// It returned, or gave this to `finish`.
    Completed(Vec<u8>),
    /// It gave this to `revert`.
    Reverted(Vec<u8>),
    /// It broke off.
    Failed(Failure),
}

impl Outcome {
    /// What it gave back; nothing where it broke off.
    pub fn output(&self) -> &[u8] {
        match self {
            Self::Completed(output) | Self::Reverted(output) => output,
            Self::Failed(_) => &[],
        }
    }

    /// What is compared: the BLAKE2 hash of all of it.
    pub fn hash(&self) -> H256 {
        sp_io::hashing::blake2_256(&self.encode()).into()
    }
}

/// Why a run broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Failure {
    /// The code is no module that the policy lets run.
    Rejected,
    /// Its gas ran out.
    OutOfGas,
    /// It trapped.
    Trapped,
    /// Its memories grew beyond its budget.
    OutOfMemory,
    /// It had more output than its budget.
    OutputTooLong,
}

/// A worker's answer. Signed with [`Answer::payload`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Answer<AccountId> {
    /// Of which job.
    pub job: JobId,
    /// In which round, counted from 0.
    pub round: u32,
    /// Whose.
    pub worker: AccountId,
    /// How the run ended.
    pub outcome: Outcome,
}

impl<AccountId: Encode> Answer<AccountId> {
    /// The bytes that are signed, on the chain that began with that block.
    pub fn payload<Hash: Encode>(&self, genesis: Hash) -> Vec<u8> {
        (b"gristmill job", genesis, self).encode()
    }
}

/// A job on the chain. Its input and what came of it are kept beside.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Job<AccountId, Balance, BlockNumber> {
    /// Who gets back what is not spent.
    pub owner: AccountId,
    /// keccak256 of its code.
    pub code_hash: H256,
    /// What it may do.
    pub policy: Policy,
    /// What it may take.
    pub budget: Budget,
    /// What workers share.
    pub reward: Balance,
    /// What is kept until the job is removed.
    pub deposit: Balance,
    /// How often it was begun anew.
    pub round: u32,
    /// The block in which the round is over, or what came of the job is forgotten.
    pub due: BlockNumber,
    /// The block until which what came of it is kept, once it is closed.
    pub kept_until: Option<BlockNumber>,
}

/// What came of a job that is closed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum End {
    /// Enough workers have found this.
    Agreed(Outcome),
    /// They did not, in all rounds.
    Abandoned,
}

/// What somebody sees of a job.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum View {
    /// There is none of that number, or no more.
    Unknown,
    /// Workers are at it.
    Open,
    /// It is closed.
    Closed(End),
}

/// Code that jobs run.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct CodeInfo<AccountId, Balance> {
    /// Who paid the deposit and gets it back.
    pub owner: AccountId,
    /// What is kept for it.
    pub deposit: Balance,
    /// Open jobs that run it.
    pub users: u32,
    /// Whether it was uploaded: then it stays without jobs.
    pub uploaded: bool,
}

/// What the chain lets jobs do. All lengths are bytes, all times blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Rules<BlockNumber> {
    /// Equal answers of distinct workers that make a result.
    pub quorum: u32,
    /// Workers, at most.
    pub workers: u32,
    /// Of a code, at most.
    pub code: u32,
    /// Of an input, at most.
    pub input: u32,
    /// Of any job, at most.
    pub budget: Budget,
    /// Open jobs, at most.
    pub open: u32,
    /// Jobs that fall due in a block, at most: what a block has to do for them.
    pub due: u32,
    /// How long workers have.
    pub round: BlockNumber,
    /// How often it is tried.
    pub rounds: u32,
    /// How long what came of a job is kept.
    pub keep: BlockNumber,
}

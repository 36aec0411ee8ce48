//! Messages, results and what surrounds them, in our own types; EVMC, FRAME and JSON convert at their own edge.

use alloc::vec::Vec;
pub use primitive_types::{H160, H256, U256};

/// A 20-byte account address.
pub type Address = H160;
/// A 32-byte storage key, storage value, topic or hash, in the byte order of the EVM.
pub type Bytes32 = H256;

/// Ethereum's rule sets. The order is the order in time. Numbers as EVMC has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Revision {
    Frontier = 0,
    Homestead = 1,
    TangerineWhistle = 2,
    SpuriousDragon = 3,
    Byzantium = 4,
    Constantinople = 5,
    Petersburg = 6,
    Istanbul = 7,
    Berlin = 8,
    London = 9,
    Paris = 10,
    Shanghai = 11,
    Cancun = 12,
    /// The default of the local chain.
    #[default]
    Prague = 13,
    Osaka = 14,
}

impl Revision {
    /// All revisions, oldest first.
    pub const ALL: [Revision; 15] = [
        Revision::Frontier,
        Revision::Homestead,
        Revision::TangerineWhistle,
        Revision::SpuriousDragon,
        Revision::Byzantium,
        Revision::Constantinople,
        Revision::Petersburg,
        Revision::Istanbul,
        Revision::Berlin,
        Revision::London,
        Revision::Paris,
        Revision::Shanghai,
        Revision::Cancun,
        Revision::Prague,
        Revision::Osaka,
    ];

    /// The revision with EVMC's number; numbers of the future mean the newest that we know.
    pub fn from_number(number: i32) -> Self {
        Self::ALL[number.clamp(0, Self::ALL.len() as i32 - 1) as usize]
    }

    /// The revision of that name, case ignored.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.name().eq_ignore_ascii_case(name))
    }

    /// The name, as state tests spell it.
    pub fn name(self) -> &'static str {
        match self {
            Revision::Frontier => "Frontier",
            Revision::Homestead => "Homestead",
            Revision::TangerineWhistle => "TangerineWhistle",
            Revision::SpuriousDragon => "SpuriousDragon",
            Revision::Byzantium => "Byzantium",
            Revision::Constantinople => "Constantinople",
            Revision::Petersburg => "Petersburg",
            Revision::Istanbul => "Istanbul",
            Revision::Berlin => "Berlin",
            Revision::London => "London",
            Revision::Paris => "Paris",
            Revision::Shanghai => "Shanghai",
            Revision::Cancun => "Cancun",
            Revision::Prague => "Prague",
            Revision::Osaka => "Osaka",
        }
    }
}

/// How a message reaches its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallKind {
    /// The target's code on the target's state.
    Call,
    /// The target's code on our state, with our caller and value.
    DelegateCall,
    /// The target's code on our state.
    CallCode,
    /// New account at an address of sender and nonce.
    Create,
    /// New account at an address of sender, salt and init code.
    Create2,
}

impl CallKind {
    /// Whether the message creates an account.
    pub fn is_create(self) -> bool {
        matches!(self, CallKind::Create | CallKind::Create2)
    }
}

/// One call or creation.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// How the code is reached.
    pub kind: CallKind,
    /// No state may change, in this frame and all below.
    pub is_static: bool,
    /// 0 for the transaction's own message.
    pub depth: u32,
    /// Whole gas to spend. Never negative: the edges refuse that.
    pub gas: i64,
    /// Whose state is used. Of a creation: the new account (in messages that a contract sends: zero, the host knows).
    pub recipient: Address,
    /// Who called.
    pub sender: Address,
    /// Whose code runs. Of a creation: zero.
    pub code_address: Address,
    /// Call data; of a creation, in messages that a contract sends: the init code.
    pub input: &'a [u8],
    /// The value, apparent for delegate calls.
    pub value: U256,
    /// Of [`CallKind::Create2`].
    pub salt: Bytes32,
}

/// How a frame ended. Numbers as EVMC has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[allow(missing_docs)]
pub enum StatusCode {
    Success = 0,
    Failure = 1,
    Revert = 2,
    OutOfGas = 3,
    InvalidInstruction = 4,
    UndefinedInstruction = 5,
    StackOverflow = 6,
    StackUnderflow = 7,
    BadJumpDestination = 8,
    InvalidMemoryAccess = 9,
    CallDepthExceeded = 10,
    StaticModeViolation = 11,
    PrecompileFailure = 12,
    ContractValidationFailure = 13,
    ArgumentOutOfRange = 14,
    WasmUnreachableInstruction = 15,
    WasmTrap = 16,
    InsufficientBalance = 17,
    InternalError = -1,
    Rejected = -2,
    OutOfMemory = -3,
}

/// The result of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub status: StatusCode,
    /// Whole gas left; 0 unless success or revert.
    pub gas_left: i64,
    /// Refund counter of the frame and its successful children; 0 unless success.
    pub gas_refund: i64,
    /// Return or revert data; empty on failure.
    pub output: Vec<u8>,
    /// The new account of a successful creation; filled in by the host.
    pub create_address: Option<Address>,
}

impl Outcome {
    /// A failure: no gas, no output.
    pub fn failure(status: StatusCode) -> Self {
        Self { status, gas_left: 0, gas_refund: 0, output: Vec::new(), create_address: None }
    }
}

/// Block and transaction, as a contract may ask for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TxContext {
    /// Effective gas price in wei.
    pub gas_price: U256,
    /// Sender of the transaction.
    pub origin: Address,
    /// Beneficiary of the block.
    pub coinbase: Address,
    /// Number of the block.
    pub number: i64,
    /// Seconds since the epoch.
    pub timestamp: i64,
    /// Gas limit of the block.
    pub gas_limit: i64,
    /// Difficulty, or the beacon chain's randomness from Paris on.
    pub prev_randao: U256,
    /// Chain id.
    pub chain_id: U256,
    /// Base fee a gas in wei.
    pub base_fee: U256,
    /// Base fee a blob gas in wei.
    pub blob_base_fee: U256,
}

/// What a storage write did, from the original value of the transaction over the current to the new one. EVMC's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum StorageStatus {
    Assigned = 0,
    Added = 1,
    Deleted = 2,
    Modified = 3,
    DeletedAdded = 4,
    ModifiedDeleted = 5,
    DeletedRestored = 6,
    AddedDeleted = 7,
    ModifiedRestored = 8,
}

/// Whether an account or slot was touched before in this transaction (EIP-2929).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Access {
    Cold,
    Warm,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Who logged.
    pub address: Address,
    /// At most 4.
    pub topics: Vec<Bytes32>,
    /// Any bytes.
    pub data: Vec<u8>,
}

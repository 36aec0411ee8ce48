//! What calls from outside return, in the shape of pallet-revive's: whoever decodes its results decodes ours.

use alloc::string::String;
use alloc::vec::Vec;
use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::weights::Weight;
use gristmill::contract::{Address, Bytes32};
use scale_info::TypeInfo;
use sp_runtime::DispatchError;
use sp_runtime::traits::{Saturating, Zero};

/// What came of a call or an instantiation.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct ContractResult<R, Balance> {
    /// What it weighed beyond the call's own base weight.
    pub weight_consumed: Weight,
    /// The least limit of weight under which it ends the same way.
    pub weight_required: Weight,
    /// What its storage costs the sender, or gave back.
    pub storage_deposit: StorageDeposit<Balance>,
    /// The most that it cost at any time. Deposits are settled once, at the end: the same, but never below zero.
    pub max_storage_deposit: StorageDeposit<Balance>,
    /// Whole gas used, after the refund.
    pub gas_consumed: Balance,
    /// Output, or why there is none. A revert is an output with a flag.
    pub result: Result<R, DispatchError>,
}

/// What a run that ended by itself returns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct ExecReturnValue {
    /// How it ended.
    pub flags: ReturnFlags,
    /// What it gave to `finish` or `revert`.
    pub data: Vec<u8>,
}

impl ExecReturnValue {
    /// Whether the contract took its changes back.
    pub fn did_revert(&self) -> bool {
        self.flags == ReturnFlags::REVERT
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct ReturnFlags(u32);

impl ReturnFlags {
    /// By `revert`.
    pub const REVERT: Self = Self(1);
}

/// What an instantiation returns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct InstantiateReturnValue {
    /// Revert data; nothing when it succeeded, for a creation's output is the code.
    pub result: ExecReturnValue,
    /// The new account; zero when there is none.
    pub addr: Address,
}

/// A deposit that was paid or came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum StorageDeposit<Balance> {
    /// This came back.
    Refund(Balance),
    /// This was paid.
    Charge(Balance),
}

impl<Balance: Zero + Saturating + Ord + Copy> StorageDeposit<Balance> {
    /// What `charge` and `refund` come to.
    pub fn net(charge: Balance, refund: Balance) -> Self {
        if charge >= refund {
            Self::Charge(charge.saturating_sub(refund))
        } else {
            Self::Refund(refund.saturating_sub(charge))
        }
    }

    /// What is to be paid; zero for a refund.
    pub fn charge_or_zero(&self) -> Balance {
        match self {
            Self::Charge(amount) => *amount,
            Self::Refund(_) => Balance::zero(),
        }
    }
}

/// What an upload returns.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct CodeUploadReturnValue<Balance> {
    /// keccak256 of the code.
    pub code_hash: Bytes32,
    /// What is held for it.
    pub deposit: Balance,
}

/// Code for a dry run of an instantiation.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum Code {
    /// These bytes.
    Upload(Vec<u8>),
    /// What was uploaded with this hash.
    Existing(Bytes32),
}

/// Why storage could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum ContractAccessError {
    /// There is no contract at that address.
    DoesntExist,
}

/// One host call of a dry run.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct TracedCall {
    /// Depth of the frame, 0 for the transaction's own message.
    pub depth: u32,
    /// The function, as the contract imports it.
    pub name: String,
    /// Argument slots; 32-bit ones are zero-extended.
    pub args: Vec<u64>,
    /// Whole gas left when it was called.
    pub gas_before: u64,
    /// Whole gas left after it.
    pub gas_after: u64,
    /// The result slot; `None`: the frame ended here.
    pub result: Option<u64>,
}

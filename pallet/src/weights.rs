//! What the pallet's calls and the interface's functions weigh: estimates, and what was measured of the demo runtime.

mod measured;

pub use measured::SubstrateWeight;

use frame_support::weights::Weight;
use frame_support::weights::constants::{RocksDbWeight, WEIGHT_REF_TIME_PER_MICROS, WEIGHT_REF_TIME_PER_NANOS};

/// Weights. Those of calls are without what a contract does; time is picoseconds, proof is bytes.
pub trait WeightInfo {
    /// `call` and `call_with_gas`, but for the contract.
    fn call() -> Weight;
    /// `instantiate`, with so many bytes of arguments.
    fn instantiate(data: u32) -> Weight;
    /// `instantiate_with_code` and `create`, with so many bytes of code and arguments.
    fn instantiate_with_code(code: u32, data: u32) -> Weight;
    /// `upload_code`, with so many bytes.
    fn upload_code(code: u32) -> Weight;
    /// `remove_code`.
    fn remove_code() -> Weight;
    /// `set_code`.
    fn set_code() -> Weight;
    /// `map_account`.
    fn map_account() -> Weight;
    /// `unmap_account`.
    fn unmap_account() -> Weight;
    /// `deposit_balance`.
    fn deposit_balance() -> Weight;
    /// `withdraw_balance`.
    fn withdraw_balance() -> Weight;
    /// Looking for contracts to delete when there is none.
    fn on_idle_base() -> Weight;
    /// Deleting so many slots of a contract that is gone.
    fn on_idle_slots(slots: u32) -> Weight;

    /// Running so much gas of operators, the dearest there are for their gas.
    fn gas(gas: u32) -> Weight;
    /// Beginning and ending a frame.
    fn frame() -> Weight;
    /// Making a module of so many bytes that were validated before, and translating what of it is called.
    fn load(bytes: u32) -> Weight;
    /// The same, and validating them.
    fn validate(bytes: u32) -> Weight;
    /// Reading an account.
    fn read_account() -> Weight;
    /// Reading a slot.
    fn read_slot() -> Weight;
    /// Reading code of so many bytes.
    fn read_code(bytes: u32) -> Weight;
    /// Writing an account that changed.
    fn write_account() -> Weight;
    /// Writing a slot that changed.
    fn write_slot() -> Weight;

    /// So many calls of functions that answer from the message or the block. Of these and all below, what one more call
    /// weighs is what counts; the rest is the transaction that makes them.
    fn host_plain(calls: u32) -> Weight;
    /// So many calls of functions that copy, and bytes in all of them.
    fn host_bytes(calls: u32, bytes: u32) -> Weight;
    /// Functions that ask for an account. Of these and all below: without reading what was not read before, and writing it.
    fn host_account(calls: u32) -> Weight;
    /// `externalCodeCopy`, and bytes in all.
    fn host_code(calls: u32, bytes: u32) -> Weight;
    /// `getBlockHash`.
    fn host_block_hash(calls: u32) -> Weight;
    /// `storageLoad`.
    fn host_storage_load(calls: u32) -> Weight;
    /// `storageStore`.
    fn host_storage_store(calls: u32) -> Weight;
    /// `transientLoad` and `transientStore`.
    fn host_transient(calls: u32) -> Weight;
    /// `log`, and bytes in all.
    fn host_log(calls: u32, bytes: u32) -> Weight;
    /// `keccak256`, and bytes in all.
    fn host_keccak(calls: u32, bytes: u32) -> Weight;
    /// Functions that call, without what they call.
    fn host_call(calls: u32) -> Weight;
    /// Functions that create, and bytes of init code in all.
    fn host_create(calls: u32, bytes: u32) -> Weight;
    /// `selfDestruct`.
    fn host_self_destruct(calls: u32) -> Weight;
}

const fn micros(micros: u64) -> Weight {
    Weight::from_parts(micros * WEIGHT_REF_TIME_PER_MICROS, 0)
}

const fn nanos(nanos: u64) -> Weight {
    Weight::from_parts(nanos * WEIGHT_REF_TIME_PER_NANOS, 0)
}

/// Bytes of proof for a value of so many bytes in a trie of a million: nodes on the way, and the value.
const fn proof(bytes: u64) -> Weight {
    Weight::from_parts(0, 3_072 + bytes)
}

/// Estimates that err on the side of too much, for tests and for runtimes that have not measured yet.
impl WeightInfo for () {
    fn call() -> Weight {
        micros(200).saturating_add(RocksDbWeight::get().reads_writes(6, 6)).saturating_add(proof(12_288))
    }

    fn instantiate(data: u32) -> Weight {
        Self::call().saturating_add(nanos(2).saturating_mul(data.into())).saturating_add(micros(100))
    }

    fn instantiate_with_code(code: u32, data: u32) -> Weight {
        Self::instantiate(data).saturating_add(nanos(400).saturating_mul(code.into()))
    }

    fn upload_code(code: u32) -> Weight {
        Self::validate(code)
            .saturating_add(nanos(40).saturating_mul(code.into()))
            .saturating_add(RocksDbWeight::get().reads_writes(5, 5))
            .saturating_add(proof(8_192))
    }

    fn remove_code() -> Weight {
        micros(100).saturating_add(RocksDbWeight::get().reads_writes(4, 4)).saturating_add(proof(8_192))
    }

    fn set_code() -> Weight {
        micros(100).saturating_add(RocksDbWeight::get().reads_writes(5, 5)).saturating_add(proof(8_192))
    }

    fn map_account() -> Weight {
        micros(100).saturating_add(RocksDbWeight::get().reads_writes(3, 3)).saturating_add(proof(4_096))
    }

    fn unmap_account() -> Weight {
        Self::map_account()
    }

    fn deposit_balance() -> Weight {
        micros(100).saturating_add(RocksDbWeight::get().reads_writes(3, 3)).saturating_add(proof(4_096))
    }

    fn withdraw_balance() -> Weight {
        Self::deposit_balance()
    }

    fn on_idle_base() -> Weight {
        RocksDbWeight::get().reads(2).saturating_add(proof(64))
    }

    fn on_idle_slots(slots: u32) -> Weight {
        let slot = micros(3).saturating_add(RocksDbWeight::get().writes(1)).saturating_add(proof(64));
        micros(20).saturating_add(slot.saturating_mul(slots.into()))
    }

    fn gas(gas: u32) -> Weight {
        nanos(500).saturating_mul(gas.into())
    }

    fn frame() -> Weight {
        micros(20)
    }

    fn load(bytes: u32) -> Weight {
        micros(20).saturating_add(nanos(400).saturating_mul(bytes.into()))
    }

    fn validate(bytes: u32) -> Weight {
        micros(20).saturating_add(nanos(450).saturating_mul(bytes.into()))
    }

    fn read_account() -> Weight {
        RocksDbWeight::get().reads(2).saturating_add(proof(512))
    }

    fn read_slot() -> Weight {
        RocksDbWeight::get().reads(1).saturating_add(proof(64))
    }

    fn read_code(bytes: u32) -> Weight {
        let read = RocksDbWeight::get().reads(2).saturating_add(proof(256));
        read.saturating_add(Weight::from_parts(0, bytes.into()))
    }

    fn write_account() -> Weight {
        RocksDbWeight::get().writes(2)
    }

    fn write_slot() -> Weight {
        RocksDbWeight::get().writes(1)
    }

    fn host_plain(calls: u32) -> Weight {
        nanos(500).saturating_mul(calls.into())
    }

    fn host_bytes(calls: u32, bytes: u32) -> Weight {
        Self::host_plain(calls).saturating_add(Weight::from_parts(200, 0).saturating_mul(bytes.into()))
    }

    fn host_account(calls: u32) -> Weight {
        micros(5).saturating_mul(calls.into())
    }

    fn host_code(calls: u32, bytes: u32) -> Weight {
        Self::host_account(calls).saturating_add(Weight::from_parts(500, 0).saturating_mul(bytes.into()))
    }

    fn host_block_hash(calls: u32) -> Weight {
        RocksDbWeight::get().reads(1).saturating_add(micros(5)).saturating_mul(calls.into())
    }

    fn host_storage_load(calls: u32) -> Weight {
        micros(5).saturating_mul(calls.into())
    }

    fn host_storage_store(calls: u32) -> Weight {
        micros(5).saturating_mul(calls.into())
    }

    fn host_transient(calls: u32) -> Weight {
        micros(2).saturating_mul(calls.into())
    }

    fn host_log(calls: u32, bytes: u32) -> Weight {
        micros(5).saturating_mul(calls.into()).saturating_add(nanos(5).saturating_mul(bytes.into()))
    }

    fn host_keccak(calls: u32, bytes: u32) -> Weight {
        micros(5).saturating_mul(calls.into()).saturating_add(nanos(50).saturating_mul(bytes.into()))
    }

    fn host_call(calls: u32) -> Weight {
        micros(10).saturating_mul(calls.into())
    }

    fn host_create(calls: u32, bytes: u32) -> Weight {
        micros(30).saturating_mul(calls.into()).saturating_add(nanos(60).saturating_mul(bytes.into()))
    }

    fn host_self_destruct(calls: u32) -> Weight {
        micros(20).saturating_mul(calls.into())
    }
}

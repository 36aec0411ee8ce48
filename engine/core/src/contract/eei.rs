//! The Ethereum Environment Interface: one row and one body a function.
//!
//! Order of work (consensus.md, "EEI order"): 1 base cost; 2 argument ranges; 3 length cost; for calls and creations the
//! value is read; 4 static check; 5 bounds of all pointers in parameter order, outputs included; 6 depth, balance,
//! charges that depend on state, the host; 7 results. The rows' prologue does 1 to 4, the bodies do the rest. Nothing
//! reaches the host before 1 to 5 have passed, and no length of the guest's is allocated before its bounds are checked.
//!
//! The page engine/docs/eei.md is generated from the rows.

mod calls;
mod create;
mod data;
mod debug;
mod environment;
mod halt;
mod hashes;
mod log;
pub mod prices;
mod storage;
#[cfg(test)]
mod tests;

use super::execute::{Compat, Options};
use super::host::Host;
use super::types::{Access, Address, Message, Revision, TxContext, U256};
use crate::embed::{ApiRow, Guest, HostApi};
use crate::error::{Stop, Trap};
use crate::gas::Gas;
use alloc::vec::Vec;
use hashes::Hashes;
use prices::Prices;

/// One frame's side of the interface: what the message brought, what the frame leaves.
pub struct Eei<'a> {
    host: &'a mut dyn Host,
    options: &'a Options,
    message: &'a Message<'a>,
    code: &'a [u8],
    prices: Prices,
    keccak_at_9: bool,
    /// Output of the last call or creation.
    return_data: Vec<u8>,
    /// What `finish` or `revert` gave; never shared with `return_data`, or a callee's output would leak into ours.
    output: Vec<u8>,
    refund: i64,
    hashes: Hashes,
    /// Asked of the host once a frame, when first needed.
    context: Option<TxContext>,
}

crate::host_api! {
    impl ['a] Eei<'a>, in_static is_static {
        /// Takes `amount` gas. A negative amount ends the frame.
        "ethereum" useGas => use_gas(amount: i64) -> none, |_| prices::FREE, + not_negative(amount), reads;
        /// Gas left after the price of this call, whole gas, rounded down.
        "ethereum" getGasLeft => gas_left() -> i64, |_| prices::BASE, reads;
        /// Writes the 20-byte address of the running account at `result`.
        "ethereum" getAddress => address(result: i32) -> none, |_| prices::BASE, reads;
        /// Writes the balance of the account whose address is at `address` as 16 little-endian bytes at `result`.
        "ethereum" getExternalBalance => external_balance(address: i32, result: i32) -> none, |e| e.prices.balance, reads;
        /// Writes the hash of block `number`, one of the 256 before this one, at `result` and returns 0; else returns 1.
        "ethereum" getBlockHash => block_hash(number: i64, result: i32) -> i32, |_| prices::BLOCK_HASH, reads;
        /// Bytes of call data.
        "ethereum" getCallDataSize => call_data_size() -> i32, |_| prices::BASE, reads;
        /// Copies `length` bytes of call data from `data` to `result`. Traps past the end, never pads.
        "ethereum" callDataCopy => call_data_copy(result: i32, data: i32, length: i32) -> none,
            |_| prices::VERY_LOW, + Ok(prices::copied(length)), reads;
        /// Writes the 20-byte address of the caller at `result`.
        "ethereum" getCaller => caller(result: i32) -> none, |_| prices::BASE, reads;
        /// Writes the value of the message as 16 little-endian bytes at `result`.
        "ethereum" getCallValue => call_value(result: i32) -> none, |_| prices::BASE, reads;
        /// Copies `length` bytes of the running code from `code` to `result`. Traps past the end, never pads.
        "ethereum" codeCopy => code_copy(result: i32, code: i32, length: i32) -> none,
            |_| prices::VERY_LOW, + Ok(prices::copied(length)), reads;
        /// Bytes of the running code, as stored.
        "ethereum" getCodeSize => code_size() -> i32, |_| prices::BASE, reads;
        /// Copies `length` bytes from `code` of the code of the account at `address` to `result`. Traps past the end.
        "ethereum" externalCodeCopy => external_code_copy(address: i32, result: i32, code: i32, length: i32) -> none,
            |e| e.prices.code, + Ok(prices::copied(length)), reads;
        /// Bytes of code of the account whose address is at `address`; 0 for a missing account.
        "ethereum" getExternalCodeSize => external_code_size(address: i32) -> i32, |e| e.prices.code, reads;
        /// Writes the 20-byte address of the block's beneficiary at `result`.
        "ethereum" getBlockCoinbase => block_coinbase(result: i32) -> none, |_| prices::BASE, reads;
        /// Writes the block's difficulty, randomness from Paris on, as 32 little-endian bytes at `result`.
        "ethereum" getBlockDifficulty => block_difficulty(result: i32) -> none, |_| prices::BASE, reads;
        /// Gas limit of the block.
        "ethereum" getBlockGasLimit => block_gas_limit() -> i64, |_| prices::BASE, reads;
        /// Writes the gas price of the transaction as 16 little-endian bytes at `result`.
        "ethereum" getTxGasPrice => gas_price(result: i32) -> none, |_| prices::BASE, reads;
        /// Number of the block.
        "ethereum" getBlockNumber => block_number() -> i64, |_| prices::BASE, reads;
        /// Seconds since the epoch, as the block says.
        "ethereum" getBlockTimestamp => block_timestamp() -> i64, |_| prices::BASE, reads;
        /// Writes the 20-byte address of the transaction's sender at `result`.
        "ethereum" getTxOrigin => origin(result: i32) -> none, |_| prices::BASE, reads;
        /// Writes the 32-byte value stored under the 32-byte key at `path` to `result`.
        "ethereum" storageLoad => storage_load(path: i32, result: i32) -> none, |e| e.prices.load, reads;
        /// Stores the 32-byte value at `value` under the 32-byte key at `path`.
        "ethereum" storageStore => storage_store(path: i32, value: i32) -> none, |e| e.prices.store, writes;
        /// Logs `length` bytes at `data` with the first `topics` of the 32-byte topics at `topic1` to `topic4`.
        "ethereum" log => emit_log(data: i32, length: i32, topics: i32, topic1: i32, topic2: i32, topic3: i32, topic4: i32)
            -> none, |_| prices::LOG, + log::price(topics, length), writes;
        /// Calls the account at `address` with the 16-byte value at `value`. 0 success, 1 failure, 2 revert.
        "ethereum" call => call_account(gas: i64, address: i32, value: i32, data: i32, length: i32) -> i32,
            |e| e.prices.call, + in_range(gas), guards;
        /// Runs the code of the account at `address` on our state. 0 success, 1 failure, 2 revert.
        "ethereum" callCode => call_code(gas: i64, address: i32, value: i32, data: i32, length: i32) -> i32,
            |e| e.prices.call, + in_range(gas), reads;
        /// Runs the code of the account at `address` on our state with our caller and value. 0 success, 1 failure, 2 revert.
        "ethereum" callDelegate => call_delegate(gas: i64, address: i32, data: i32, length: i32) -> i32,
            |e| e.prices.call, + in_range(gas), reads;
        /// Calls the account at `address`, which may not change state. 0 success, 1 failure, 2 revert.
        "ethereum" callStatic => call_static(gas: i64, address: i32, data: i32, length: i32) -> i32,
            |e| e.prices.call, + in_range(gas), reads;
        /// Creates an account with the init code at `data` and writes its address to `result`. 0 success, 1 failure, 2 revert.
        /// Init code costs 2 gas a word from Shanghai on.
        "ethereum" create => create(value: i32, data: i32, length: i32, result: i32) -> i32,
            |_| prices::CREATE, guards;
        /// Creates an account at an address made from the 32-byte salt at `salt`. 0 success, 1 failure, 2 revert.
        /// Init code costs 6 gas a word, 8 from Shanghai on.
        "ethereum" create2 => create2(value: i32, data: i32, length: i32, salt: i32, result: i32) -> i32,
            |_| prices::CREATE, guards;
        /// Bytes that the last call or creation returned.
        "ethereum" getReturnDataSize => return_data_size() -> i32, |_| prices::BASE, reads;
        /// Copies `length` bytes of them from `data` to `result`. Traps past the end, never pads.
        "ethereum" returnDataCopy => return_data_copy(result: i32, data: i32, length: i32) -> none,
            |_| prices::VERY_LOW, + Ok(prices::copied(length)), reads;
        /// Ends the frame with success; output is `length` bytes at `data`.
        "ethereum" finish => finish(data: i32, length: i32) -> none, |_| prices::FREE, reads;
        /// Ends the frame and rolls its changes back; output is `length` bytes at `data`, gas left is kept.
        "ethereum" revert => revert(data: i32, length: i32) -> none, |_| prices::FREE, reads;
        /// Ends the frame with success, sends our balance to the account at `address` and removes ours.
        "ethereum" selfDestruct => self_destruct(address: i32) -> none, |_| prices::SELF_DESTRUCT, writes;
        /// Writes the chain id as 16 little-endian bytes at `result`.
        "ethereum" getChainId => chain_id(result: i32) -> none, |_| prices::BASE, reads;
        /// Writes the block's base fee as 16 little-endian bytes at `result`.
        "ethereum" getBlockBaseFee => base_fee(result: i32) -> none, |_| prices::BASE, reads;
        /// SOLL's and DeepSEA's wrong name of `getReturnDataSize`. Only with `compat=ssvm`.
        "ethereum" returnDataSize => return_data_size() -> i32, |_| prices::BASE, reads;

        /// Writes the transient value under the 32-byte key at `path` to `result`. Only in the set "beyond".
        "ethereum" transientLoad => transient_load(path: i32, result: i32) -> none, |_| prices::TRANSIENT, reads;
        /// Stores a transient value. Only in the set "beyond".
        "ethereum" transientStore => transient_store(path: i32, value: i32) -> none, |_| prices::TRANSIENT, writes;
        /// Writes the code hash of the account at `address` to `result`. Only in the set "beyond".
        "ethereum" getExternalCodeHash => external_code_hash(address: i32, result: i32) -> none,
            |e| e.prices.code_hash, reads;
        /// Writes our balance as 16 little-endian bytes at `result`. Only in the set "beyond".
        "ethereum" getSelfBalance => self_balance(result: i32) -> none, |_| prices::LOW, reads;
        /// Writes the block's blob base fee as 16 little-endian bytes at `result`. Only in the set "beyond".
        "ethereum" getBlobBaseFee => blob_base_fee(result: i32) -> none, |_| prices::BASE, reads;
        /// Writes the keccak256 of `length` bytes at `data` to `result`. Only in the set "beyond".
        "ethereum" keccak256 => keccak256(data: i32, length: i32, result: i32) -> none,
            |_| prices::KECCAK, + Ok(Gas(prices::KECCAK_WORD * prices::words(length))), reads;

        /// Prints `value`.
        "debug" print32 => print_32(value: i32) -> none, |_| prices::FREE, reads;
        /// Prints `value`.
        "debug" print64 => print_64(value: i64) -> none, |_| prices::FREE, reads;
        /// Prints memory as characters.
        "debug" printMem => print_memory(data: i32, length: i32) -> none, |_| prices::FREE, reads;
        /// Prints memory as hexadecimal bytes.
        "debug" printMemHex => print_memory_hex(data: i32, length: i32) -> none, |_| prices::FREE, reads;
        /// Prints the value stored under the key at `path` as characters.
        "debug" printStorage => print_storage(path: i32) -> none, |_| prices::FREE, reads;
        /// Prints the value stored under the key at `path` as hexadecimal bytes.
        "debug" printStorageHex => print_storage_hex(path: i32) -> none, |_| prices::FREE, reads;
        /// Prints a step of an EVM interpreter as JSON: its stack is in memory from 0 up to and including `sp`.
        "debug" evmTrace => evm_trace(pc: i32, opcode: i32, cost: i32, sp: i32) -> none, |_| prices::FREE, reads;
    }
}

/// Functions that no other VM claims, off unless asked for.
const BEYOND: [&str; 6] =
    ["transientLoad", "transientStore", "getExternalCodeHash", "getSelfBalance", "getBlobBaseFee", "keccak256"];

/// The row behind an import under `options`; `None`: such a module does not link.
pub fn resolve(module: &str, name: &str, options: &Options) -> Option<&'static ApiRow> {
    let row = Eei::rows().iter().find(|row| row.module == module && row.name == name)?;
    let enabled = match row.name {
        _ if row.module == "debug" => options.debug.is_some(),
        "returnDataSize" => options.compat == Compat::Ssvm,
        name => options.beyond || !BEYOND.contains(&name),
    };
    enabled.then_some(row)
}

impl<'a> Eei<'a> {
    /// The interface of one frame that runs `code` for `message` over `host`.
    pub fn new(
        host: &'a mut dyn Host,
        options: &'a Options,
        revision: Revision,
        message: &'a Message<'a>,
        code: &'a [u8],
    ) -> Self {
        Self {
            host,
            options,
            message,
            code,
            prices: Prices::of(options.schedule, revision),
            keccak_at_9: options.keccak_at_9.is_on(options.schedule, revision),
            return_data: Vec::new(),
            output: Vec::new(),
            refund: 0,
            hashes: Hashes::new(),
            context: None,
        }
    }

    /// Output and refund counter of a frame that has ended.
    pub fn into_results(self) -> (Vec<u8>, i64) {
        (self.output, self.refund)
    }

    /// Depth of the frame's message.
    pub fn depth(&self) -> u32 {
        self.message.depth
    }

    fn is_static(&self) -> bool {
        self.message.is_static
    }

    /// Adds to the refund counter; saturates, for a host may claim anything of its children.
    fn add_refund(&mut self, amount: i64) {
        self.refund = self.refund.saturating_add(amount);
    }

    /// EIP-2929: marks an account warm and takes what a cold one costs more. Nothing before Berlin.
    fn touch(&mut self, guest: &mut Guest<'_>, address: &Address) -> Result<(), Stop> {
        let Some(prices) = self.prices.access else { return Ok(()) };
        match self.host.access_account(address)? {
            Some(Access::Warm) => Ok(()),
            Some(Access::Cold) => guest.charge(prices.account),
            None => guest.charge(prices.unknown_account),
        }
    }
}

/// Refuses a negative amount, and is the amount.
fn not_negative(amount: u64) -> Result<Gas, Stop> {
    if amount > i64::MAX as u64 {
        return Err(Trap::ArgumentOutOfRange.into());
    }
    Ok(Gas(amount))
}

/// Refuses negative gas to forward; the range check costs nothing.
fn in_range(gas: u64) -> Result<Gas, Stop> {
    not_negative(gas).map(|_| Gas(0))
}

/// Reads 20 bytes.
fn read_address(guest: &Guest<'_>, pointer: u32) -> Result<Address, Stop> {
    Ok(Address::from(guest.read::<20>(pointer)?))
}

/// Reads a 128-bit value: 16 bytes, little-endian.
fn read_value(guest: &Guest<'_>, pointer: u32) -> Result<U256, Stop> {
    Ok(U256::from(u128::from_le_bytes(guest.read(pointer)?)))
}

/// Writes a 128-bit value; one that does not fit ends the frame.
fn write_value(guest: &mut Guest<'_>, pointer: u32, value: U256) -> Result<(), Stop> {
    guest.write(pointer, &narrow(value)?.to_le_bytes())
}

/// A value of the host's in 128 bits; one that does not fit ends the frame.
fn narrow(value: U256) -> Result<u128, Stop> {
    u128::try_from(value).map_err(|_| Trap::ArgumentOutOfRange.into())
}

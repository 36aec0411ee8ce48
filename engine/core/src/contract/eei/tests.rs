//! The interface over a host that writes down what reaches it.

use super::prices::{Prices, STIPEND};
use super::*;
use crate::contract::execute::KeccakAt9;
use crate::contract::keccak256;
use crate::contract::types::{Bytes32, CallKind, Outcome, StatusCode, StorageStatus};
use crate::error::{Fault, Halt};
use crate::gas::{Meter, Schedule};
use alloc::string::{String, ToString};
use alloc::{format, vec};

mod messages;

/// Answers by its fields.
struct Recorder {
    seen: Vec<String>,
    exists: bool,
    balance: U256,
    stored: Bytes32,
    status: StorageStatus,
    access: Option<Access>,
    code: Vec<u8>,
    outcome: Outcome,
    first_destruct: bool,
}

impl Default for Recorder {
    fn default() -> Self {
        Self {
            seen: Vec::new(),
            exists: true,
            balance: 1_000.into(),
            stored: Bytes32::zero(),
            status: StorageStatus::Assigned,
            access: Some(Access::Warm),
            code: vec![1, 2, 3],
            outcome: Outcome {
                create_address: Some(Address::repeat_byte(0xcc)),
                ..Outcome::failure(StatusCode::Success)
            },
            first_destruct: true,
        }
    }
}

impl Recorder {
    fn note(&mut self, what: impl Into<String>) {
        self.seen.push(what.into());
    }
}

impl Host for Recorder {
    fn account_exists(&mut self, _: &Address) -> Result<bool, Fault> {
        self.note("account_exists");
        Ok(self.exists)
    }
    fn storage(&mut self, _: &Address, _: &Bytes32) -> Result<Bytes32, Fault> {
        self.note("storage");
        Ok(self.stored)
    }
    fn set_storage(&mut self, _: &Address, _: &Bytes32, _: &Bytes32) -> Result<StorageStatus, Fault> {
        self.note("set_storage");
        Ok(self.status)
    }
    fn transient_storage(&mut self, _: &Address, _: &Bytes32) -> Result<Bytes32, Fault> {
        self.note("transient_storage");
        Ok(Bytes32::zero())
    }
    fn set_transient_storage(&mut self, _: &Address, _: &Bytes32, _: &Bytes32) -> Result<(), Fault> {
        self.note("set_transient_storage");
        Ok(())
    }
    fn balance(&mut self, _: &Address) -> Result<U256, Fault> {
        self.note("balance");
        Ok(self.balance)
    }
    fn code_size(&mut self, _: &Address) -> Result<usize, Fault> {
        self.note("code_size");
        Ok(self.code.len())
    }
    fn code_hash(&mut self, _: &Address) -> Result<Bytes32, Fault> {
        self.note("code_hash");
        Ok(keccak256(&self.code))
    }
    fn copy_code(&mut self, _: &Address, offset: usize, buffer: &mut [u8]) -> Result<usize, Fault> {
        self.note("copy_code");
        let rest = self.code.get(offset..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
    fn self_destruct(&mut self, _: &Address, _: &Address) -> Result<bool, Fault> {
        self.note("self_destruct");
        Ok(self.first_destruct)
    }
    fn call(&mut self, m: &Message<'_>) -> Result<Outcome, Fault> {
        self.note(format!(
            "{:?} static={} depth={} gas={} {:x}->{:x} code={:x} value={} input={} salt={:x}",
            m.kind,
            m.is_static,
            m.depth,
            m.gas,
            m.sender.to_low_u64_be(),
            m.recipient.to_low_u64_be(),
            m.code_address.to_low_u64_be(),
            m.value,
            m.input.len(),
            m.salt[0],
        ));
        Ok(self.outcome.clone())
    }
    fn tx_context(&mut self) -> Result<TxContext, Fault> {
        self.note("tx_context");
        Ok(TxContext { number: 300, gas_price: U256::one() << 128, chain_id: 5.into(), ..TxContext::default() })
    }
    fn block_hash(&mut self, number: i64) -> Result<Bytes32, Fault> {
        self.note(format!("block_hash {number}"));
        Ok(if number == 100 { Bytes32::zero() } else { Bytes32::repeat_byte(7) })
    }
    fn log(&mut self, _: &Address, data: &[u8], topics: &[Bytes32]) -> Result<(), Fault> {
        self.note(format!("log {} {}", data.len(), topics.len()));
        Ok(())
    }
    fn access_account(&mut self, _: &Address) -> Result<Option<Access>, Fault> {
        self.note("access_account");
        Ok(self.access)
    }
    fn access_storage(&mut self, _: &Address, _: &Bytes32) -> Result<Option<Access>, Fault> {
        self.note("access_storage");
        Ok(self.access)
    }
}

/// A frame in which one function is called.
struct Frame {
    host: Recorder,
    options: Options,
    revision: Revision,
    message: Message<'static>,
    memory: Vec<u8>,
    gas: u64,
    return_data: Vec<u8>,
}

const ME: u64 = 0xaa;
const CALLER: u64 = 0xbb;
/// Where the tests keep an address (of `TARGET`), a value of 16 bytes (`VALUE_AT`: 5; elsewhere 0), keys and results.
const TARGET: u64 = 0x77;
const ADDRESS_AT: u64 = 0;
const VALUE_AT: u64 = 32;
const ZERO_AT: u64 = 64;
const RESULT_AT: u64 = 128;
const MEMORY: usize = 256;

impl Frame {
    fn new(schedule: Schedule, revision: Revision) -> Self {
        let mut memory = vec![0; MEMORY];
        memory[19] = TARGET as u8;
        memory[VALUE_AT as usize] = 5;
        Self {
            host: Recorder::default(),
            options: Options { schedule, keccak_at_9: KeccakAt9::Off, beyond: true, ..Options::default() },
            revision,
            message: Message {
                kind: CallKind::Call,
                is_static: false,
                depth: 3,
                gas: 0,
                recipient: Address::from_low_u64_be(ME),
                sender: Address::from_low_u64_be(CALLER),
                code_address: Address::from_low_u64_be(ME),
                input: &[1, 2, 3],
                value: 9.into(),
                salt: Bytes32::zero(),
            },
            memory,
            gas: 1_000_000,
            return_data: Vec::new(),
        }
    }

    fn ewasm() -> Self {
        Self::new(Schedule::Ewasm, Revision::Byzantium)
    }

    /// The result, the gas used and the refund.
    fn call(&mut self, name: &str, args: &[u64]) -> (Result<u64, Stop>, u64, i64) {
        let index = Eei::rows().iter().position(|row| row.name == name).unwrap();
        let mut meter = Meter::new(Gas(self.gas));
        let mut guest = Guest::new(&mut self.memory, &mut meter);
        let mut eei = Eei::new(&mut self.host, &self.options, self.revision, &self.message, &[4, 5, 6]);
        eei.return_data = core::mem::take(&mut self.return_data);
        let result = eei.call(index, &mut guest, args);
        self.return_data = core::mem::take(&mut eei.return_data);
        let (_, refund) = eei.into_results();
        (result, self.gas - meter.left().0, refund)
    }
}

fn trap(t: Trap) -> Result<u64, Stop> {
    Err(t.into())
}

/// Every function: valid arguments, which of them are pointers into memory, the fixed price of eei.md 1 for them.
const ROWS: &[(&str, &[u64], &[usize], u64)] = &[
    ("useGas", &[0], &[], 0),
    ("getGasLeft", &[], &[], 2),
    ("getAddress", &[RESULT_AT], &[0], 2),
    ("getExternalBalance", &[ADDRESS_AT, RESULT_AT], &[0, 1], 400),
    ("getBlockHash", &[299, RESULT_AT], &[1], 800),
    ("getCallDataSize", &[], &[], 2),
    ("callDataCopy", &[RESULT_AT, 0, 3], &[0], 6),
    ("getCaller", &[RESULT_AT], &[0], 2),
    ("getCallValue", &[RESULT_AT], &[0], 2),
    ("codeCopy", &[RESULT_AT, 0, 3], &[0], 6),
    ("getCodeSize", &[], &[], 2),
    ("externalCodeCopy", &[ADDRESS_AT, RESULT_AT, 0, 3], &[0, 1], 703),
    ("getExternalCodeSize", &[ADDRESS_AT], &[0], 700),
    ("getBlockCoinbase", &[RESULT_AT], &[0], 2),
    ("getBlockDifficulty", &[RESULT_AT], &[0], 2),
    ("getBlockGasLimit", &[], &[], 2),
    ("getTxGasPrice", &[RESULT_AT], &[0], 2),
    ("getBlockNumber", &[], &[], 2),
    ("getBlockTimestamp", &[], &[], 2),
    ("getTxOrigin", &[RESULT_AT], &[0], 2),
    ("storageLoad", &[ZERO_AT, RESULT_AT], &[0, 1], 200),
    ("storageStore", &[VALUE_AT, ZERO_AT], &[0, 1], 5_000),
    ("log", &[0, 10, 2, 0, 32, 9_999, 9_999], &[0, 3, 4], 375 * 3 + 80),
    ("call", &[0, ADDRESS_AT, ZERO_AT, 0, 8], &[1, 2, 3], 700),
    ("callCode", &[0, ADDRESS_AT, ZERO_AT, 0, 8], &[1, 2, 3], 700),
    ("callDelegate", &[0, ADDRESS_AT, 0, 8], &[1, 2], 700),
    ("callStatic", &[0, ADDRESS_AT, 0, 8], &[1, 2], 700),
    ("create", &[ZERO_AT, 0, 8, RESULT_AT], &[0, 1, 3], 32_000),
    ("create2", &[ZERO_AT, 0, 33, VALUE_AT, RESULT_AT], &[0, 1, 3, 4], 32_012),
    ("getReturnDataSize", &[], &[], 2),
    ("returnDataCopy", &[RESULT_AT, 0, 0], &[0], 3),
    ("finish", &[0, 8], &[0], 0),
    ("revert", &[0, 8], &[0], 0),
    ("selfDestruct", &[ADDRESS_AT], &[0], 5_000),
    ("getChainId", &[RESULT_AT], &[0], 2),
    ("getBlockBaseFee", &[RESULT_AT], &[0], 2),
    ("returnDataSize", &[], &[], 2),
    ("transientLoad", &[ZERO_AT, RESULT_AT], &[0, 1], 100),
    ("transientStore", &[ZERO_AT, VALUE_AT], &[0, 1], 100),
    ("getExternalCodeHash", &[ADDRESS_AT, RESULT_AT], &[0, 1], 400),
    ("getSelfBalance", &[RESULT_AT], &[0], 5),
    ("getBlobBaseFee", &[RESULT_AT], &[0], 2),
    ("keccak256", &[0, 33, RESULT_AT], &[0, 2], 42),
];

#[test]
fn the_table_above_is_whole() {
    let rows = || Eei::rows().iter().filter(|row| row.module == "ethereum");
    assert_eq!(rows().map(|row| row.name).collect::<Vec<_>>(), ROWS.iter().map(|row| row.0).collect::<Vec<_>>());
    for (row, case) in rows().zip(ROWS) {
        assert_eq!(row.params.len(), case.1.len(), "{}", row.name);
    }
}

#[test]
fn names_and_options() {
    let linked =
        |options: &Options| Eei::rows().iter().filter(|row| resolve(row.module, row.name, options).is_some()).count();
    // The design's 33, create2, getChainId, getBlockBaseFee.
    assert_eq!(linked(&Options::default()), 36);
    assert_eq!(linked(&Options { compat: Compat::Ssvm, ..Options::default() }), 37);
    assert_eq!(linked(&Options { beyond: true, ..Options::default() }), 42);
    assert_eq!(linked(&Options { debug: Some(alloc::sync::Arc::new(|_: &str| {})), ..Options::default() }), 43);
    for (module, name) in [("env", "call"), ("ethereum", "getBalance"), ("ethereum", "Call"), ("ethereum", "print32")] {
        assert_eq!(resolve(module, name, &Options { beyond: true, ..Options::default() }), None);
    }
}

#[test]
fn fixed_prices_are_due_to_the_unit_and_before_the_host() {
    for (name, args, _, price) in ROWS {
        let mut frame = Frame::ewasm();
        // Callees leave all that they get.
        frame.host.outcome.gas_left = i64::MAX;
        let (result, used, _) = frame.call(name, args);
        // Host context says 2^128 for the gas price, which no contract can see.
        let expected = if *name == "getTxGasPrice" { Some(Trap::ArgumentOutOfRange) } else { None };
        match (&result, expected) {
            (Ok(_) | Err(Stop::Halt(_)), None) => assert_eq!(used, *price, "{name}"),
            (Err(Stop::Trap(t)), Some(expected)) => assert_eq!(*t, expected, "{name}"),
            _ => panic!("{name}: {result:?}"),
        }
        if *price > 0 {
            let mut frame = Frame { gas: price - 1, ..Frame::ewasm() };
            assert_eq!(frame.call(name, args).0, trap(Trap::OutOfGas), "{name}");
            assert_eq!(frame.host.seen, [] as [String; 0], "{name}");
        }
    }
}

#[test]
fn a_bad_pointer_ends_the_frame_before_the_host_knows() {
    for schedule in Schedule::ALL {
        for (name, args, pointers, _) in ROWS {
            for pointer in *pointers {
                // One byte past the end; far past it; and a start inside whose end is not, short copies apart.
                let inside = if name.ends_with("Copy") { None } else { Some(MEMORY as u64 - 7) };
                for bad in [MEMORY as u64 + 1, u64::from(u32::MAX)].into_iter().chain(inside) {
                    let mut frame = Frame::new(schedule, Revision::Prague);
                    let mut args = args.to_vec();
                    args[*pointer] = bad;
                    assert_eq!(frame.call(name, &args).0, trap(Trap::InvalidMemoryAccess), "{name} {pointer} {bad}");
                    assert_eq!(frame.host.seen, [] as [String; 0], "{name} {pointer} {bad}");
                }
            }
        }
    }
}

#[test]
fn static_frames_write_nothing() {
    let writers = ["storageStore", "log", "create", "create2", "selfDestruct", "transientStore"];
    for (name, args, ..) in ROWS {
        let mut frame = Frame::ewasm();
        frame.message.is_static = true;
        let (result, ..) = frame.call(name, args);
        assert_eq!(result == trap(Trap::StaticViolation), writers.contains(name), "{name}");
        if writers.contains(name) {
            assert_eq!(frame.host.seen, [] as [String; 0], "{name}");
        }
    }
    // A call with value does too; callCode moves nothing.
    let mut frame = Frame::ewasm();
    frame.message.is_static = true;
    assert_eq!(frame.call("call", &[0, ADDRESS_AT, VALUE_AT, 0, 0]).0, trap(Trap::StaticViolation));
    assert_eq!(frame.call("callCode", &[0, ADDRESS_AT, VALUE_AT, 0, 0]).0, Ok(0));
    assert!(frame.host.seen[1].contains("static=true"), "{:?}", frame.host.seen);
}

#[test]
fn arguments_out_of_range() {
    let negative = u64::MAX;
    for (name, args) in [
        ("useGas", &[negative][..]),
        ("call", &[negative, ADDRESS_AT, ZERO_AT, 0, 0]),
        ("callCode", &[negative, ADDRESS_AT, ZERO_AT, 0, 0]),
        ("callDelegate", &[negative, ADDRESS_AT, 0, 0]),
        ("callStatic", &[negative, ADDRESS_AT, 0, 0]),
        ("log", &[0, 0, 5, 0, 0, 0, 0]),
        ("log", &[0, 0, u64::from(u32::MAX), 0, 0, 0, 0]),
    ] {
        let mut frame = Frame::ewasm();
        assert_eq!(frame.call(name, args).0, trap(Trap::ArgumentOutOfRange), "{name}");
        assert_eq!(frame.host.seen, [] as [String; 0]);
    }
    let mut frame = Frame::ewasm();
    frame.host.balance = U256::one() << 128;
    assert_eq!(frame.call("getExternalBalance", &[ADDRESS_AT, RESULT_AT]).0, trap(Trap::ArgumentOutOfRange));
    // ewasm/tests callSenderBalanceExceeds128Bits.
    assert_eq!(frame.call("call", &[0, ADDRESS_AT, VALUE_AT, 0, 0]).0, trap(Trap::ArgumentOutOfRange));
    assert_eq!(frame.call("create", &[VALUE_AT, 0, 0, RESULT_AT]).0, trap(Trap::ArgumentOutOfRange));
    frame.message.value = U256::one() << 128;
    assert_eq!(frame.call("getCallValue", &[RESULT_AT]).0, trap(Trap::ArgumentOutOfRange));
}

#[test]
fn copies_trap_past_their_source() {
    for name in ["callDataCopy", "codeCopy", "returnDataCopy"] {
        let mut frame = Frame { return_data: vec![7, 8, 9], ..Frame::ewasm() };
        for (from, length, fits) in
            [(0, 3, true), (3, 0, true), (2, 1, true), (4, 0, false), (2, 2, false), (u64::from(u32::MAX), 1, false)]
        {
            let (result, ..) = frame.call(name, &[RESULT_AT, from, length]);
            assert_eq!(result, if fits { Ok(0) } else { trap(Trap::InvalidMemoryAccess) }, "{name} {from} {length}");
        }
        frame.call(name, &[RESULT_AT, 1, 2]).0.unwrap();
        let expected = match name {
            "callDataCopy" => [2, 3],
            "codeCopy" => [5, 6],
            _ => [8, 9],
        };
        assert_eq!(frame.memory[RESULT_AT as usize..][..2], expected);
    }
    let mut frame = Frame::ewasm();
    for (from, length, fits) in [(0, 3, true), (3, 0, true), (4, 0, false), (1, 3, false)] {
        let (result, ..) = frame.call("externalCodeCopy", &[ADDRESS_AT, RESULT_AT, from, length]);
        assert_eq!(result.is_ok(), fits, "{from} {length}");
    }
}

#[test]
fn block_hashes_of_the_last_256() {
    for (number, asked) in [(299, true), (44, true), (43, false), (300, false), (301, false), (u64::MAX, false)] {
        let mut frame = Frame::ewasm();
        let (result, ..) = frame.call("getBlockHash", &[number, RESULT_AT]);
        assert_eq!(result, Ok(u64::from(!asked)), "{number}");
        assert_eq!(frame.host.seen.len(), 1 + usize::from(asked));
        assert_eq!(frame.memory[RESULT_AT as usize], if asked { 7 } else { 0 });
    }
    // The host has none.
    assert_eq!(Frame::ewasm().call("getBlockHash", &[100, RESULT_AT]).0, Ok(1));
}

#[test]
fn warm_and_cold() {
    let used = |name: &str, args: &[u64], revision, access| {
        let mut frame = Frame::new(Schedule::V1, revision);
        frame.host.access = access;
        frame.call(name, args).1
    };
    let cold = Some(Access::Cold);
    let warm = Some(Access::Warm);
    for (name, args, prices) in [
        ("getExternalBalance", &[ADDRESS_AT, RESULT_AT][..], [400, 700, 100, 2_600, 700]),
        ("getExternalCodeSize", &[ADDRESS_AT], [700, 700, 100, 2_600, 700]),
        ("externalCodeCopy", &[ADDRESS_AT, RESULT_AT, 0, 3], [703, 703, 103, 2_603, 703]),
        ("callStatic", &[0, ADDRESS_AT, 0, 0], [700, 700, 100, 2_600, 700]),
        ("storageLoad", &[ZERO_AT, RESULT_AT], [200, 800, 100, 2_100, 800]),
        ("storageStore", &[ZERO_AT, VALUE_AT], [5_000, 800, 100, 2_200, 800]),
        ("selfDestruct", &[ADDRESS_AT], [5_000, 5_000, 5_000, 7_600, 5_000]),
    ] {
        let row = [
            used(name, args, Revision::Byzantium, warm),
            used(name, args, Revision::Istanbul, warm),
            used(name, args, Revision::Berlin, warm),
            used(name, args, Revision::Berlin, cold),
            used(name, args, Revision::Berlin, None),
        ];
        assert_eq!(row, prices, "{name}");
    }
}

#[test]
fn storage_is_billed_by_schedule() {
    // 15,000 more before the write, when zero becomes non-zero; the legacy refund whatever the revision.
    let mut frame = Frame::new(Schedule::Ewasm, Revision::Prague);
    frame.host.status = StorageStatus::Added;
    assert_eq!(frame.call("storageStore", &[ZERO_AT, VALUE_AT]).1, 20_000);
    assert_eq!(frame.host.seen, ["storage", "set_storage"]);
    let mut short = Frame { gas: 19_999, ..Frame::ewasm() };
    assert_eq!(short.call("storageStore", &[ZERO_AT, VALUE_AT]).0, trap(Trap::OutOfGas));
    assert_eq!(short.host.seen, ["storage"]);
    frame.host.status = StorageStatus::Deleted;
    frame.host.stored = Bytes32::repeat_byte(1);
    let (result, used, refund) = frame.call("storageStore", &[ZERO_AT, ZERO_AT]);
    assert_eq!((result, used, refund), (Ok(0), 5_000, 15_000));
    // `v1`: the status decides, and asks nothing else.
    let mut frame = Frame::new(Schedule::V1, Revision::London);
    frame.host.status = StorageStatus::ModifiedDeleted;
    let (result, used, refund) = frame.call("storageStore", &[ZERO_AT, ZERO_AT]);
    assert_eq!((result, used, refund), (Ok(0), 100, 4_800));
    assert_eq!(frame.host.seen, ["access_storage", "set_storage"]);
    // EIP-2200's sentry.
    for (gas, enough) in [(2_300, false), (2_301, true)] {
        let mut frame = Frame { gas, ..Frame::new(Schedule::V1, Revision::Istanbul) };
        let (result, ..) = frame.call("storageStore", &[ZERO_AT, ZERO_AT]);
        assert_eq!(result.is_ok(), enough, "{gas}");
        assert_eq!(frame.host.seen.is_empty(), !enough);
    }
}

#[test]
fn self_destruct() {
    let run = |schedule, revision, exists: bool, balance: u64| {
        let mut frame = Frame::new(schedule, revision);
        (frame.host.exists, frame.host.balance) = (exists, balance.into());
        let (result, used, refund) = frame.call("selfDestruct", &[ADDRESS_AT]);
        assert_eq!(result, Err(Halt::SelfDestruct.into()));
        (used, refund)
    };
    assert_eq!(run(Schedule::Ewasm, Revision::Byzantium, true, 0), (5_000, 24_000));
    assert_eq!(run(Schedule::Ewasm, Revision::Byzantium, false, 0), (30_000, 24_000));
    assert_eq!(run(Schedule::V1, Revision::Byzantium, false, 0), (5_000, 24_000));
    assert_eq!(run(Schedule::V1, Revision::Byzantium, false, 1), (30_000, 24_000));
    assert_eq!(run(Schedule::V1, Revision::London, true, 1), (5_000, 0));
    let mut again = Frame::ewasm();
    again.host.first_destruct = false;
    assert_eq!(again.call("selfDestruct", &[ADDRESS_AT]).2, 0);
}

#[test]
fn debug_prints() {
    use alloc::sync::Arc;
    extern crate std;
    let lines = Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = lines.clone();
    let mut frame = Frame::ewasm();
    frame.options.debug = Some(Arc::new(move |line: &str| sink.lock().unwrap().push(line.to_string())));
    frame.memory[100..104].copy_from_slice(b"abcd");
    frame.host.stored = Bytes32::repeat_byte(0x41);
    for (name, args) in [
        ("print32", &[0xffff_ffff][..]),
        ("print64", &[10]),
        ("printMem", &[100, 4]),
        ("printMem", &[100, 0]),
        ("printMemHex", &[100, 4]),
        ("printStorageHex", &[0]),
        ("evmTrace", &[1, 2, 3, u64::from(u32::MAX)]),
        ("evmTrace", &[1, 2, 3, 0]),
    ] {
        let (result, used, _) = frame.call(name, args);
        assert_eq!((result, used), (Ok(0), 0), "{name}");
    }
    assert_eq!(frame.call("evmTrace", &[1, 2, 3, 32 * 1_024]).0, trap(Trap::ArgumentOutOfRange));
    assert_eq!(frame.call("printMem", &[300, 0]).0, trap(Trap::InvalidMemoryAccess));
    let word = "77".to_string() + &"0".repeat(38);
    assert_eq!(
        *lines.lock().unwrap(),
        [
            "[3] DEBUG print32: -1 0xffffffff".to_string(),
            "[3] DEBUG print64: 10 0xa".to_string(),
            "[3] DEBUG printMem: abcd".to_string(),
            "[3] DEBUG printMemHex: 61626364".to_string(),
            format!("[3] DEBUG printStorageHex: {}", "41".repeat(32)),
            "{\"depth\":3,\"gas\":1000000,\"gasCost\":3,\"op\":2,\"pc\":1,\"stack\":[]}".to_string(),
            format!(
                "{{\"depth\":3,\"gas\":1000000,\"gasCost\":3,\"op\":2,\"pc\":1,\"stack\":[\"0x{}{word}\"]}}",
                "0".repeat(24)
            ),
        ]
    );
}

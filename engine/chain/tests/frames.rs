//! What a frame makes of bytes: statuses in the order of contract.md 2, rules with offsets, what creations leave.

use gristmill::contract::{
    Address, Code, Compat, Environment, Evm1, Ewasm, Ledger, LedgerAccount, NoPrecompiles, Options, Outcome, Receipt,
    Revision, Rules, StatusCode, Transaction, TxContext, execute,
};
use gristmill::contract::{CallKind, Message};
use gristmill::{Config, Engine, Error, Exports, LoadErrorKind, Profile, Schedule};
use gristmill_chain::CodeCache;
use std::sync::Arc;

const GAS: i64 = 1_000_000;

fn engine(schedule: Schedule) -> Engine {
    let mut config = Config::new();
    config.profile(Profile::chain1()).schedule(schedule);
    Engine::new(&config).unwrap()
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|e| panic!("{e}"))
}

/// A whole contract around `fields`, which define `main`.
fn contract(fields: &str) -> Vec<u8> {
    wat(&format!(
        r#"(module
          (import "ethereum" "finish" (func $finish (param i32 i32)))
          (import "ethereum" "revert" (func $revert (param i32 i32)))
          (memory (export "memory") 1)
          {fields})"#
    ))
}

fn string(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

/// Init code that leaves `code`.
fn leaving(code: &[u8]) -> Vec<u8> {
    let (text, length) = (string(code), code.len());
    contract(&format!(
        r#"(data (i32.const 0) "{text}") (func (export "main") (call $finish (i32.const 0) (i32.const {length})))"#
    ))
}

fn run(schedule: Schedule, options: Options, kind: CallKind, gas: i64, code: &[u8]) -> Outcome {
    let mut host = Silent;
    let message = Message {
        kind,
        is_static: false,
        depth: 0,
        gas,
        recipient: Address::repeat_byte(1),
        sender: Address::repeat_byte(2),
        code_address: Address::repeat_byte(1),
        input: &[],
        value: 0.into(),
        salt: Default::default(),
    };
    execute(&engine(schedule), &options, &mut host, Revision::Prague, &message, code)
}

fn call(code: &[u8]) -> Outcome {
    run(Schedule::V1, Options::default(), CallKind::Call, GAS, code)
}

fn status(code: &[u8]) -> StatusCode {
    let outcome = call(code);
    if outcome.status != StatusCode::Success && outcome.status != StatusCode::Revert {
        assert_eq!(outcome, Outcome::failure(outcome.status), "a failure leaves nothing");
    }
    outcome.status
}

/// Nobody asks it anything here.
struct Silent;

mod silent {
    use gristmill::Fault;
    use gristmill::contract::{Access, Address, Bytes32, Host, Message, Outcome, StorageStatus, TxContext, U256};

    const ASKED: Fault = Fault::Host("nobody should ask");

    impl Host for super::Silent {
        fn account_exists(&mut self, _: &Address) -> Result<bool, Fault> {
            Err(ASKED)
        }
        fn storage(&mut self, _: &Address, _: &Bytes32) -> Result<Bytes32, Fault> {
            Err(ASKED)
        }
        fn set_storage(&mut self, _: &Address, _: &Bytes32, _: &Bytes32) -> Result<StorageStatus, Fault> {
            Err(ASKED)
        }
        fn transient_storage(&mut self, _: &Address, _: &Bytes32) -> Result<Bytes32, Fault> {
            Err(ASKED)
        }
        fn set_transient_storage(&mut self, _: &Address, _: &Bytes32, _: &Bytes32) -> Result<(), Fault> {
            Err(ASKED)
        }
        fn balance(&mut self, _: &Address) -> Result<U256, Fault> {
            Err(ASKED)
        }
        fn code_size(&mut self, _: &Address) -> Result<usize, Fault> {
            Err(ASKED)
        }
        fn code_hash(&mut self, _: &Address) -> Result<Bytes32, Fault> {
            Err(ASKED)
        }
        fn copy_code(&mut self, _: &Address, _: usize, _: &mut [u8]) -> Result<usize, Fault> {
            Err(ASKED)
        }
        fn self_destruct(&mut self, _: &Address, _: &Address) -> Result<bool, Fault> {
            Err(ASKED)
        }
        fn call(&mut self, _: &Message<'_>) -> Result<Outcome, Fault> {
            Err(ASKED)
        }
        fn tx_context(&mut self) -> Result<TxContext, Fault> {
            Err(ASKED)
        }
        fn block_hash(&mut self, _: i64) -> Result<Bytes32, Fault> {
            Err(ASKED)
        }
        fn log(&mut self, _: &Address, _: &[u8], _: &[Bytes32]) -> Result<(), Fault> {
            Err(ASKED)
        }
        fn access_account(&mut self, _: &Address) -> Result<Option<Access>, Fault> {
            Err(ASKED)
        }
        fn access_storage(&mut self, _: &Address, _: &Bytes32) -> Result<Option<Access>, Fault> {
            Err(ASKED)
        }
    }
}

#[test]
fn bytes_that_are_no_contract() {
    let invalid = StatusCode::ContractValidationFailure;
    assert_eq!(call(&[]), Outcome { gas_left: GAS, ..Outcome::failure(StatusCode::Success) });
    for code in [&b"\0as"[..], b"\x60\x01", b"\0asn\x01\0\0\0", &[0xef]] {
        assert_eq!(status(code), StatusCode::Rejected);
        let options = Options { evm1: Evm1::Reject, ..Options::default() };
        assert_eq!(run(Schedule::V1, options, CallKind::Call, GAS, code).status, StatusCode::Failure);
    }
    for code in [&b"\0asm"[..], b"\0asm\x01\0\0", b"\0asm\x02\0\0\0", b"\0asm\x01\0\0\0", b"\0asm\x01\0\0\0\x63"] {
        assert_eq!(status(code), invalid, "{code:?}");
    }
    let mut trailing = contract(r#"(func (export "main"))"#);
    trailing.push(0);
    assert_eq!(status(&trailing), invalid);
}

#[test]
fn ends_of_main() {
    let main = |body: &str| contract(&format!(r#"(func $f (call $f)) (func (export "main") {body})"#));
    for (body, expected) in [
        ("", StatusCode::Success),
        ("(call $finish (i32.const 0) (i32.const 3))", StatusCode::Success),
        ("(call $revert (i32.const 0) (i32.const 3)) unreachable", StatusCode::Revert),
        ("unreachable", StatusCode::WasmUnreachableInstruction),
        ("(drop (i32.load (i32.const -1)))", StatusCode::WasmTrap),
        ("(drop (i32.div_s (i32.const 1) (i32.const 0)))", StatusCode::WasmTrap),
        ("(call $f)", StatusCode::WasmTrap),
        ("(call $finish (i32.const 65535) (i32.const 2))", StatusCode::InvalidMemoryAccess),
        ("(loop br 0)", StatusCode::OutOfGas),
    ] {
        assert_eq!(status(&main(body)), expected, "{body}");
    }
    let outcome = call(&main("(call $revert (i32.const 0) (i32.const 3)) unreachable"));
    assert_eq!(outcome.output, [0; 3]);
    assert!(outcome.gas_left > 0);
}

/// What is refused, and where it is.
#[test]
fn rules_of_contracts() {
    let vm = Ewasm::new(&engine(Schedule::V1), Options::default());
    let refused = |text: &str| match vm.load(&wat(text)) {
        Err(Error::Load(error)) => (error.kind, error.what.into_owned(), error.offset),
        other => panic!("{text}: {other:?}"),
    };
    let good = r#"(memory (export "memory") 1) (func (export "main"))"#;
    for (fields, what) in [
        (r#"(memory (export "memory") 1)"#, "`main`"),
        (r#"(func (export "main"))"#, "`memory`"),
        (r#"(memory (export "memory") 1) (func (export "main") (param i32))"#, "`main` has type (i32) -> ()"),
        (
            r#"(memory (export "memory") 1) (func (export "main") (result i32) i32.const 0)"#,
            "`main` has type () -> (i32)",
        ),
        (r#"(memory (export "main") 1) (func (export "memory"))"#, "`memory` is not a memory"),
        (r#"(memory (export "memory") 1) (global (export "main") i32 (i32.const 0))"#, "`main` is not a function"),
        (r#"(memory (export "memory") 1) (func (export "main") (export "more"))"#, "not `more`"),
        (r#"(memory (export "memory") 1) (func $f (export "main")) (start $f)"#, "start function"),
        (
            r#"(import "ethereum" "memory" (memory 1)) (export "memory" (memory 0)) (func (export "main"))"#,
            "is not a function",
        ),
        (
            r#"(import "ethereum" "g" (global i32)) (memory (export "memory") 1) (func (export "main"))"#,
            "is not a function",
        ),
        (
            r#"(import "env" "finish" (func (param i32 i32))) (memory (export "memory") 1) (func (export "main"))"#,
            "`env.finish`",
        ),
        (
            r#"(import "ethereum" "getBalance" (func (param i32 i32))) (memory (export "memory") 1) (func (export "main"))"#,
            "`ethereum.getBalance`",
        ),
        (
            r#"(import "ethereum" "finish" (func (param i32))) (memory (export "memory") 1) (func (export "main"))"#,
            "must have (i32, i32) -> ()",
        ),
        (
            r#"(import "ethereum" "getGasLeft" (func (result i32))) (memory (export "memory") 1) (func (export "main"))"#,
            "must have () -> (i64)",
        ),
        (
            r#"(import "debug" "print32" (func (param i32))) (memory (export "memory") 1) (func (export "main"))"#,
            "`debug.print32`",
        ),
        (
            r#"(import "ethereum" "returnDataSize" (func (result i32))) (memory (export "memory") 1) (func (export "main"))"#,
            "`ethereum.returnDataSize`",
        ),
        (
            r#"(import "ethereum" "keccak256" (func (param i32 i32 i32))) (memory (export "memory") 1) (func (export "main"))"#,
            "`ethereum.keccak256`",
        ),
    ] {
        let (kind, told, offset) = refused(&format!("(module {fields})"));
        assert_eq!(kind, LoadErrorKind::Contract, "{fields}: {told}");
        assert!(told.contains(what), "{fields}: {told}");
        assert!(offset >= 8, "{fields}: {offset}");
    }
    // The offset is that of the import's entry: type section of 10 bytes after the preamble, section header 3 bytes.
    let import = wat(r#"(module (import "x" "y" (func (param i32 i32))) (memory (export "memory") 1))"#);
    let Err(Error::Load(error)) = vm.load(&import) else { panic!("loaded") };
    assert_eq!(import[error.offset..][..4], *b"\x01x\x01y");

    vm.load(&wat(&format!("(module {good})"))).unwrap();
    let with = |options| Ewasm::new(&engine(Schedule::V1), options);
    let print: Arc<dyn Fn(&str) + Send + Sync> = Arc::new(|_| {});
    for (options, fields) in [
        (Options { exports: Exports::Lenient, ..Options::default() }, r#"(func (export "more"))"#),
        (Options { debug: Some(print), ..Options::default() }, r#"(import "debug" "print32" (func (param i32)))"#),
        (
            Options { beyond: true, ..Options::default() },
            r#"(import "ethereum" "keccak256" (func (param i32 i32 i32)))"#,
        ),
        (
            Options { compat: Compat::Ssvm, ..Options::default() },
            r#"(import "ethereum" "returnDataSize" (func (result i32)))"#,
        ),
    ] {
        with(options).load(&wat(&format!("(module {fields} {good})"))).unwrap();
    }
}

#[test]
fn the_profile_comes_before_the_rules() {
    for (fields, kind) in [
        (r#"(func (export "main") (drop (f32.const 0)))"#, LoadErrorKind::Invalid),
        (r#"(memory (export "memory") 257) (func (export "main"))"#, LoadErrorKind::Limit),
    ] {
        let vm = Ewasm::new(&engine(Schedule::V1), Options::default());
        match vm.load(&wat(&format!("(module {fields})"))) {
            Err(Error::Load(error)) => {
                assert!(error.kind == kind || error.kind == LoadErrorKind::Unsupported, "{fields}: {error:?}")
            }
            other => panic!("{fields}: {other:?}"),
        }
    }
}

#[test]
fn what_creations_leave() {
    let create = |code: &[u8]| run(Schedule::V1, Options::default(), CallKind::Create, GAS, code);
    let good = contract(r#"(func (export "main"))"#);
    let two = create(&leaving(&good));
    assert_eq!((two.status, &two.output), (StatusCode::Success, &good));
    // Whatever is not Wasm is left as it is.
    for code in [&b""[..], b"\x60\x01", b"\0as"] {
        let outcome = create(&leaving(code));
        assert_eq!((outcome.status, &outcome.output[..]), (StatusCode::Success, code));
    }
    // Wasm has to be a contract.
    let mut cut = good.clone();
    cut.pop();
    for code in [&b"\0asm"[..], b"\0asm\x01\0\0\0", b"\0asm\x02\0\0\0", &cut] {
        for kind in [CallKind::Create, CallKind::Create2] {
            let outcome = run(Schedule::V1, Options::default(), kind, GAS, &leaving(code));
            assert_eq!(outcome, Outcome::failure(StatusCode::ContractValidationFailure), "{code:?}");
        }
        // A call that happens to return it is none of that.
        assert_eq!(status(&leaving(code)), StatusCode::Success);
    }
    // Revert data is nobody's code.
    let text = string(b"\0asm");
    let reverting = contract(&format!(
        r#"(data (i32.const 0) "{text}") (func (export "main") (call $revert (i32.const 0) (i32.const 4)))"#
    ));
    let outcome = create(&reverting);
    assert_eq!((outcome.status, &outcome.output[..]), (StatusCode::Revert, &b"\0asm"[..]));
}

/// 10 gas a byte of init and deployed code in `v1`, to the unit; nothing elsewhere.
#[test]
fn validation_has_a_price() {
    let good = contract(r#"(func (export "main"))"#);
    let init = leaving(&good);
    let bytes = (init.len() + good.len()) as i64;
    for (schedule, price) in [(Schedule::V1, 10 * bytes), (Schedule::Unit, 0), (Schedule::Ewasm, 0)] {
        let run = |kind, gas| run(schedule, Options::default(), kind, gas, &init);
        let used = GAS - run(CallKind::Call, GAS).gas_left;
        assert_eq!(GAS - run(CallKind::Create, GAS).gas_left, used + price, "{schedule:?}");
        assert_eq!(run(CallKind::Create, used + price).status, StatusCode::Success);
        if used + price > 0 {
            assert_eq!(run(CallKind::Create, used + price - 1), Outcome::failure(StatusCode::OutOfGas));
        }
    }
}

/// contract.md 1: a creation refuses segments out of bounds, of its own code and of what it leaves; a call traps.
#[test]
fn segments_out_of_bounds() {
    for fields in [
        r#"(data (i32.const 65533) "abcd") (func (export "main"))"#,
        r#"(data (i32.const -1) "") (func (export "main"))"#,
        r#"(table 1 funcref) (elem (i32.const 1) $m) (func $m (export "main"))"#,
    ] {
        let code = contract(fields);
        assert_eq!(status(&code), StatusCode::WasmTrap, "{fields}");
        for code in [code.clone(), leaving(&code)] {
            let outcome = run(Schedule::V1, Options::default(), CallKind::Create, GAS, &code);
            assert_eq!(outcome, Outcome::failure(StatusCode::ContractValidationFailure), "{fields}");
        }
    }
    let fits = contract(r#"(data (i32.const 65532) "abcd") (data (i32.const 65536) "") (func (export "main"))"#);
    assert_eq!(status(&fits), StatusCode::Success);
    assert_eq!(
        run(Schedule::V1, Options::default(), CallKind::Create, GAS, &leaving(&fits)).status,
        StatusCode::Success
    );
}

#[test]
fn depth_and_gas_of_the_message() {
    let code = contract(r#"(func (export "main"))"#);
    let run = |depth, gas| {
        let message = Message {
            kind: CallKind::Call,
            is_static: false,
            depth,
            gas,
            recipient: Address::zero(),
            sender: Address::zero(),
            code_address: Address::zero(),
            input: &[],
            value: 0.into(),
            salt: Default::default(),
        };
        execute(&engine(Schedule::Ewasm), &Options::default(), &mut Silent, Revision::Prague, &message, &code)
    };
    assert_eq!(run(1_024, 0).status, StatusCode::Success);
    assert_eq!(run(1_025, 0).status, StatusCode::CallDepthExceeded);
    assert_eq!(run(0, -1).status, StatusCode::ArgumentOutOfRange);
    assert_eq!(run(0, i64::MAX).gas_left, i64::MAX);
}

/// A caller and its callees over the ledger: nested messages, their return data, one load for all of them.
#[test]
fn nested_messages_load_once() {
    let callee =
        contract(r#"(data (i32.const 0) "hello") (func (export "main") (call $finish (i32.const 0) (i32.const 5)))"#);
    // Calls account 2 twenty times, then returns what the last call returned.
    let caller = wat(r#"(module
          (import "ethereum" "callStatic" (func $call (param i64 i32 i32 i32) (result i32)))
          (import "ethereum" "getReturnDataSize" (func $size (result i32)))
          (import "ethereum" "returnDataCopy" (func $copy (param i32 i32 i32)))
          (import "ethereum" "finish" (func $finish (param i32 i32)))
          (memory (export "memory") 1)
          (data (i32.const 19) "\02")
          (func (export "main") (local $n i32)
            (loop $again
              (if (call $call (i64.const 100000) (i32.const 0) (i32.const 0) (i32.const 0)) (then unreachable))
              (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 20))))
            (call $copy (i32.const 64) (i32.const 0) (call $size))
            (call $finish (i32.const 64) (call $size))))"#);
    let account = |code: Vec<u8>| LedgerAccount { code: Code::from(code), ..LedgerAccount::default() };
    let mut ledger = Ledger::new();
    ledger.accounts.insert(Address::from_low_u64_be(1), account(caller));
    ledger.accounts.insert(Address::from_low_u64_be(2), account(callee));
    let cache = Arc::new(CodeCache::new(1 << 20));
    let vm = Ewasm::new(&engine(Schedule::V1), Options::default()).with_cache(cache.clone());
    let environment = Environment {
        vm: &vm,
        precompiles: &NoPrecompiles,
        rules: &Rules::new(Revision::Prague),
        context: &TxContext::default(),
    };
    let transaction = Transaction { to: Some(Address::from_low_u64_be(1)), gas_limit: GAS, ..Transaction::default() };
    let Receipt { outcome, .. } = ledger.call(&environment, &transaction).unwrap();
    assert_eq!((outcome.status, &outcome.output[..]), (StatusCode::Success, &b"hello"[..]));
    assert_eq!(cache.len(), 2);
}

/// The place of the bytes says nothing: what lies there now counts. And every way of finding an entry is a use of it.
#[test]
fn the_cache_looks_at_the_bytes_and_not_at_their_place() {
    use gristmill::contract::ModuleCache;
    let code = |n| contract(&format!(r#"(data (i32.const 0) "{n}") (func (export "main"))"#));
    let codes: Vec<_> = (0..9).map(code).collect();
    let engine = engine(Schedule::V1);
    let cache = CodeCache::new(8 * CodeCache::weight(&codes[0]));
    let mut buffer = codes[0].clone();
    let mut loads = 0;
    for _ in 0..3 {
        for (n, code) in codes[..8].iter().enumerate() {
            buffer.copy_from_slice(code);
            let mut load = || {
                loads += 1;
                gristmill::Module::new(&engine, code)
            };
            for bytes in [&buffer, code] {
                let module = cache.get_or_load(bytes, &mut load).unwrap();
                assert_eq!(*module.parsed().data[0].bytes, *n.to_string().as_bytes());
            }
            // Shared bytes, and after them others that may lie in the same place.
            let shared: Arc<[u8]> = code.as_slice().into();
            for bytes in [&shared, &shared.clone(), &code.as_slice().into()] {
                let module = cache.get_or_load_shared(bytes, &mut load).unwrap();
                assert_eq!(*module.parsed().data[0].bytes, *n.to_string().as_bytes());
            }
        }
    }
    assert_eq!(loads, 8);
    // 0 is used again and again in one place, then a ninth comes: 1 goes.
    let mut refuse = || -> Result<gristmill::Module, gristmill::Error> { panic!("it is there") };
    (0..3).for_each(|_| drop(cache.get_or_load(&codes[0], &mut refuse)));
    cache.get_or_load(&codes[8], &mut || gristmill::Module::new(&engine, &codes[8])).unwrap();
    let kept: Vec<_> = codes.iter().map(|code| cache.contains(code)).collect();
    assert_eq!(kept, [true, false, true, true, true, true, true, true, true]);
}

#[test]
fn the_cache_keeps_its_bound_and_the_last_used() {
    let codes: Vec<_> =
        (0..4).map(|n| contract(&format!(r#"(func (export "main") (drop (i32.const {n})))"#))).collect();
    // Room for three: each counts 4 KiB beside its bytes.
    let cache = Arc::new(CodeCache::new(3 * (codes[0].len() + 4_096)));
    let vm = Ewasm::new(&engine(Schedule::V1), Options::default()).with_cache(cache.clone());
    for n in [0, 1, 2, 0, 3] {
        vm.load(&codes[n]).unwrap();
    }
    assert_eq!((cache.len(), cache.bytes()), (3, 3 * (codes[0].len() + 4_096)));
    // 1 was used least recently: it alone is loaded again.
    use gristmill::contract::ModuleCache;
    let mut loaded = Vec::new();
    for n in [0, 2, 3, 1] {
        let mut load = || {
            loaded.push(n);
            gristmill::Module::new(&engine(Schedule::V1), &codes[n])
        };
        cache.get_or_load(&codes[n], &mut load).unwrap();
    }
    assert_eq!(loaded, [1]);
    cache.clear();
    assert!(cache.is_empty() && cache.bytes() == 0);
    // A refusal is not kept, and what is larger than the cache is loaded all the same.
    assert!(vm.load(b"\0asm").is_err());
    let small = Ewasm::new(&engine(Schedule::V1), Options::default()).with_cache(Arc::new(CodeCache::new(10)));
    small.load(&codes[0]).unwrap();
}

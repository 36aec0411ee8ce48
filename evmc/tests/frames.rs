//! Frames through both sides of the edge: a `Host` of ours, the C table, the shared library, and back.

mod common;

use common::{ABIS, plugin};
use gristmill::contract::{
    Address, Bytes32, Code, Environment, Ewasm, KeccakAt9, Ledger, LedgerAccount, NoPrecompiles, Options, Receipt,
    Revision, Rules, StatusCode, Transaction, TxContext, U256, Vm,
};
use gristmill::{Config, Engine, Profile, Schedule};
use std::path::Path;
use std::sync::Arc;

fn contract(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/evmc-host/contracts");
    wat::parse_file(folder.join(name).with_extension("wat")).unwrap()
}

const SELF: u64 = 1;
const OTHER: u64 = 9;

/// `code` at 1, which is called, and `other` at 9, which the contracts here call.
fn ledger(code: &[u8], other: &[u8]) -> Ledger {
    let mut ledger = Ledger::new();
    for (number, code) in [(SELF, code), (OTHER, other)] {
        let account =
            LedgerAccount { code: Code::from(code.to_vec()), balance: U256::from(1_000), ..LedgerAccount::default() };
        ledger.accounts.insert(Address::from_low_u64_be(number), account);
    }
    ledger
}

fn transact(vm: &dyn Vm, rules: &Rules, ledger: &mut Ledger, gas_limit: i64) -> Receipt {
    let context = TxContext { number: 300, chain_id: U256::from(5), ..TxContext::default() };
    let environment = Environment { vm, precompiles: &NoPrecompiles, rules, context: &context };
    let to = Some(Address::from_low_u64_be(SELF));
    ledger
        .transact(&environment, &Transaction { to, gas_limit, data: b"data".to_vec(), ..Transaction::default() })
        .unwrap()
}

fn built_in(schedule: Schedule, options: Options) -> Ewasm {
    Ewasm::new(&Engine::new(Config::new().profile(Profile::chain1()).schedule(schedule)).unwrap(), options)
}

/// What may run code, as text behind a plugin's path: results and gas are the same.
const ENGINES: [&str; 4] = ["", ",engine=aot", ",engine=aot,memory=guard", ",engine=auto"];

/// All revisions that the ABI can name, with everything that a receipt and the state have. Old ABIs count on the ledger
/// for refunds.
#[test]
fn every_revision_as_the_engine_itself() {
    let contracts = ["counter", "context", "echo", "revert", "caller", "copier", "kinds"];
    for (abi, engine) in ABIS.into_iter().flat_map(|abi| ENGINES.map(|engine| (abi, engine))) {
        let plugin = plugin(abi, engine);
        let newest = [(8, Revision::Berlin), (9, Revision::Shanghai), (11, Revision::Prague), (12, Revision::Osaka)];
        let newest = newest.iter().find(|row| abi <= row.0).unwrap().1;
        // An ABI without access lists has prices of its own from Berlin on.
        let newest = if abi == 7 { Revision::Istanbul } else { newest };
        for revision in Revision::ALL.into_iter().filter(|r| *r <= newest) {
            let rules = Rules { refunds: plugin.refunds(), ..Rules::new(revision) };
            for name in contracts {
                let (mut ours, mut theirs) =
                    (ledger(&contract(name), &contract("counter")), ledger(&contract(name), &contract("counter")));
                let vm = built_in(Schedule::V1, Options::default());
                // Twice: the second finds what the first wrote.
                for _ in 0..2 {
                    let expected = transact(&vm, &rules, &mut ours, 1_000_000);
                    let seen = transact(&plugin, &rules, &mut theirs, 1_000_000);
                    assert_eq!(seen, expected, "{name} at {revision:?} over ABI {abi}{engine}");
                }
                assert_eq!(theirs, ours, "{name} at {revision:?} over ABI {abi}{engine}");
            }
        }
    }
}

#[test]
fn options_reach_the_engine() {
    let echo = contract("echo");
    for abi in ABIS {
        let run = |options: &str, code: &[u8]| {
            transact(&plugin(abi, options), &Rules::default(), &mut ledger(code, &[]), 100_000)
        };
        let v1 = run("", &echo);
        assert_eq!((v1.outcome.status, &v1.outcome.output[..]), (StatusCode::Success, &b"data"[..]));
        assert_eq!(run(",metering=true,gas-schedule=unit,gas-schedule=v1,dispatch=loop,cache=0", &echo), v1);
        for (options, schedule) in [(",metering=false", Schedule::Ewasm), (",gas-schedule=unit", Schedule::Unit)] {
            let vm = built_in(schedule, Options::default());
            let expected = transact(&vm, &Rules::default(), &mut ledger(&echo, &[]), 100_000);
            assert_eq!(run(options, &echo), expected, "{options}");
            assert_ne!(expected.gas_used, v1.gas_used);
        }
        let status = |options, code: &[u8]| run(options, code).outcome.status;
        assert_eq!(status("", b"\xfe"), StatusCode::Rejected);
        assert_eq!(status(",evm1mode=reject", b"\xfe"), StatusCode::Failure);
        let one_more =
            wat::parse_str(r#"(module (memory (export "memory") 1) (func (export "main")) (func (export "x")))"#)
                .unwrap();
        assert_eq!(status("", &one_more), StatusCode::ContractValidationFailure);
        assert_eq!(status(",exports=lenient", &one_more), StatusCode::Success);
        let prints = wat::parse_str(
            r#"(module (import "debug" "print32" (func $p (param i32))) (memory (export "memory") 1)
                 (func (export "main") (call $p (i32.const 7))))"#,
        )
        .unwrap();
        assert_eq!(status("", &prints), StatusCode::ContractValidationFailure);
        assert_eq!(status(",debug=true", &prints), StatusCode::Success);
        let hash = wat::parse_str(
            r#"(module (import "ethereum" "callStatic" (func $c (param i64 i32 i32 i32) (result i32)))
                 (import "ethereum" "getReturnDataSize" (func $size (result i32)))
                 (memory (export "memory") 1) (data (i32.const 19) "\09")
                 (func (export "main") (drop (call $c (i64.const 1000) (i32.const 0) (i32.const 0) (i32.const 0)))
                   (if (i32.ne (call $size) (i32.const 32)) (then unreachable))))"#,
        )
        .unwrap();
        assert_eq!(status(",keccak-at-9=off", &hash), StatusCode::WasmUnreachableInstruction);
        assert_eq!(status(",keccak-at-9=on", &hash), StatusCode::Success);
        let transient = wat::parse_str(
            r#"(module (import "ethereum" "transientStore" (func $s (param i32 i32)))
                 (import "ethereum" "transientLoad" (func $l (param i32 i32))) (memory (export "memory") 1)
                 (data (i32.const 32) "\07")
                 (func (export "main") (call $s (i32.const 0) (i32.const 32)) (call $l (i32.const 0) (i32.const 64))
                   (if (i32.ne (i32.load8_u (i32.const 64)) (i32.const 7)) (then unreachable))))"#,
        )
        .unwrap();
        assert_eq!(status("", &transient), StatusCode::ContractValidationFailure);
        if abi >= 11 {
            assert_eq!(status(",features=beyond", &transient), StatusCode::Success);
        }
    }
}

/// Both sides of the edge and the journal lie on the stack, a thousand times.
#[test]
fn a_thousand_messages_fit_a_main_thread() {
    for (abi, engine) in ABIS.into_iter().flat_map(|abi| ENGINES.map(|engine| (abi, engine))) {
        let body = move || {
            let code = contract("recurse");
            let receipt = transact(&plugin(abi, engine), &Rules::default(), &mut ledger(&code, &code), 1 << 50);
            assert_eq!(receipt.outcome.status, StatusCode::Success);
        };
        std::thread::Builder::new().stack_size(8 << 20).spawn(body).unwrap().join().unwrap();
    }
}

#[test]
fn eight_threads_on_one_vm() {
    for (abi, engine) in [7, 12].into_iter().flat_map(|abi| ENGINES.map(|engine| (abi, engine))) {
        let plugin = Arc::new(plugin(abi, &format!(",cache=100000{engine}")));
        let rules = Rules { refunds: plugin.refunds(), ..Rules::new(Revision::Istanbul) };
        let code = contract("counter");
        let mut alone = ledger(&code, &[]);
        let expected: Vec<_> = (0..50)
            .map(|_| transact(&built_in(Schedule::V1, Options::default()), &rules, &mut alone, 1_000_000))
            .collect();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let mut own = ledger(&code, &[]);
                    for expected in &expected {
                        assert_eq!(&transact(&*plugin, &rules, &mut own, 1_000_000), expected);
                    }
                    assert_eq!(own, alone);
                });
            }
        });
    }
}

/// Exact gas, status and refund for limits around what a run needs, old storage statuses included.
#[test]
fn the_same_gas_at_every_limit() {
    let options = Options { keccak_at_9: KeccakAt9::On, ..Options::default() };
    let (kinds, counter) = (contract("kinds"), contract("counter"));
    for (abi, engine) in [9, 10].into_iter().flat_map(|abi| ENGINES.map(|engine| (abi, engine))) {
        let plugin = plugin(abi, &format!(",keccak-at-9=on{engine}"));
        let rules = Rules { refunds: plugin.refunds(), ..Rules::new(Revision::London) };
        let vm = built_in(Schedule::V1, options.clone());
        for limit in (0..400_000).step_by(997) {
            let expected = transact(&vm, &rules, &mut ledger(&kinds, &counter), limit);
            let seen = transact(&plugin, &rules, &mut ledger(&kinds, &counter), limit);
            assert_eq!(seen, expected, "{limit} over ABI {abi}{engine}");
        }
    }
}

mod broken {
    use super::*;
    use gristmill::Fault;
    use gristmill::contract::{Access, CallKind, Host, Message, Outcome, StorageStatus};

    /// A host of which one function fails or panics.
    struct Broken {
        panics: bool,
        asked: u32,
    }

    impl Broken {
        fn fail<T>(&mut self) -> Result<T, Fault> {
            self.asked += 1;
            assert!(!self.panics, "the host is broken");
            Err(Fault::OutOfMemory)
        }
    }

    impl Host for Broken {
        fn account_exists(&mut self, _: &Address) -> Result<bool, Fault> {
            self.fail()
        }
        fn storage(&mut self, _: &Address, _: &Bytes32) -> Result<Bytes32, Fault> {
            self.fail()
        }
        fn set_storage(&mut self, _: &Address, _: &Bytes32, _: &Bytes32) -> Result<StorageStatus, Fault> {
            self.fail()
        }
        fn transient_storage(&mut self, _: &Address, _: &Bytes32) -> Result<Bytes32, Fault> {
            self.fail()
        }
        fn set_transient_storage(&mut self, _: &Address, _: &Bytes32, _: &Bytes32) -> Result<(), Fault> {
            self.fail()
        }
        fn balance(&mut self, _: &Address) -> Result<U256, Fault> {
            self.fail()
        }
        fn code_size(&mut self, _: &Address) -> Result<usize, Fault> {
            self.fail()
        }
        fn code_hash(&mut self, _: &Address) -> Result<Bytes32, Fault> {
            self.fail()
        }
        fn copy_code(&mut self, _: &Address, _: usize, _: &mut [u8]) -> Result<usize, Fault> {
            self.fail()
        }
        fn self_destruct(&mut self, _: &Address, _: &Address) -> Result<bool, Fault> {
            self.fail()
        }
        fn call(&mut self, _: &Message<'_>) -> Result<Outcome, Fault> {
            self.fail()
        }
        fn tx_context(&mut self) -> Result<TxContext, Fault> {
            self.fail()
        }
        fn block_hash(&mut self, _: i64) -> Result<Bytes32, Fault> {
            self.fail()
        }
        fn log(&mut self, _: &Address, _: &[u8], _: &[Bytes32]) -> Result<(), Fault> {
            self.fail()
        }
        fn access_account(&mut self, _: &Address) -> Result<Option<Access>, Fault> {
            self.fail()
        }
        fn access_storage(&mut self, _: &Address, _: &Bytes32) -> Result<Option<Access>, Fault> {
            self.fail()
        }
    }

    fn execute(abi: i32, host: &mut Broken, name: &str) -> Outcome {
        let message = Message {
            kind: CallKind::Call,
            is_static: false,
            depth: 0,
            gas: 1_000_000,
            recipient: Address::repeat_byte(1),
            sender: Address::repeat_byte(2),
            code_address: Address::repeat_byte(1),
            input: b"data",
            value: U256::zero(),
            salt: Bytes32::zero(),
        };
        plugin(abi, "").execute(host, Revision::Byzantium, &message, &contract(name))
    }

    /// Contracts whose first question is each of these functions: the plugin goes on with what it got instead of an
    /// answer, and nothing of it reaches the host or the result.
    #[test]
    fn a_host_that_fails_is_heard_through_the_plugin() {
        for abi in ABIS {
            for name in ["counter", "context", "caller", "copier", "kinds"] {
                let mut host = Broken { panics: false, asked: 0 };
                let outcome = execute(abi, &mut host, name);
                assert_eq!((outcome, host.asked), (Outcome::failure(StatusCode::OutOfMemory), 1), "{name}");
            }
        }
    }

    #[test]
    fn a_host_that_panics_does_so_behind_the_plugin() {
        for abi in ABIS {
            let run = || execute(abi, &mut Broken { panics: true, asked: 0 }, "counter");
            let panic = std::panic::catch_unwind(run).unwrap_err();
            assert_eq!(panic.downcast_ref::<&str>(), Some(&"the host is broken"));
        }
    }
}

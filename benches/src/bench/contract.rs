//! How long does a contract's message take? `cold` begins with the bytes, `warm` with the loaded module.
//!
//! `token` is the bundled SOLL contract in whole transactions, journal, precompile and log included, and the same source on
//! revm; `nothing` a contract whose `main` returns at once, so that the rest of the message is all there is; `kernel`, `C`
//! and `AssemblyScript` are tokens on the bench's own host, which wasmi can run too; `loops` the kernels as EVM code.

use crate::engines::{Peer, all, ours};
use crate::evm::{LOOPS, TOKEN, deployed, deployed_hex};
use crate::kernels::{self, Kernel};
use crate::padded;
use gristmill::contract::{
    Address, Environment, Ewasm, KeccakAt9, Ledger, LedgerAccount, Options, Receipt, Rules, StatusCode, Transaction,
    TxContext, U256, Vm, transact,
};
use gristmill::{Config, Dispatch, Engine, Exports, Profile, Schedule};
use gristmill_aot::{Aot, Bounds};
use gristmill_chain::{CodeCache, StandardPrecompiles};
use gristmill_contenders::Wasmi;
use gristmill_evmc::host::Plugin;
use gristmill_measure::{Contender, MICROSECONDS, Report};
use std::sync::Arc;

const GAS: i64 = 1_000_000_000;
/// `keccak256("transfer(address,uint256)")[..4]`.
const TRANSFER: [u8; 4] = [0xa9, 0x05, 0x9c, 0xbb];

pub fn main() {
    tokens();
    nothing();
    compilers();
    loops();
}

/// A virtual machine of ours; with a cache when `warm`.
fn vm(engine: &Engine, warm: bool) -> Box<dyn Vm> {
    let schedule = engine.schedule();
    let vm = Ewasm::new(engine, Options { schedule, keccak_at_9: KeccakAt9::On, ..Options::default() });
    Box::new(if warm { vm.with_cache(Arc::new(CodeCache::new(1 << 24))) } else { vm })
}

fn config(schedule: Schedule) -> Config {
    let mut config = Config::new();
    config.profile(Profile::chain1()).schedule(schedule);
    config
}

fn interpreting(dispatch: Dispatch, schedule: Schedule) -> Engine {
    Engine::new(config(schedule).dispatch(dispatch)).expect("this build has both dispatches")
}

fn compiling(bounds: Bounds) -> Engine {
    let aot = Aot::new(gristmill_aot::Options { bounds, ..Default::default() });
    let aot = Arc::new(aot.expect("there is machine code for this machine"));
    Engine::with_compiler(&config(Schedule::V1), aot).expect("the settings fit")
}

/// The plugin over `dlopen`, schedule v1, with more options.
fn plugin(options: &str) -> Option<Box<dyn Vm>> {
    let Some(path) = std::env::var_os("GRISTMILL_EVMC_LIBRARY") else {
        eprintln!("LEFT OUT: the plugin ($GRISTMILL_EVMC_LIBRARY names its file; `cargo xtask results` builds it)");
        return None;
    };
    let text = format!("{},keccak-at-9=on{options}", path.to_string_lossy());
    Some(Box::new(Plugin::load(&text).expect("the plugin loads")))
}

/// All of ours, by column. Compiled ones are warm alone: loading is compiling, which has a bench of its own.
fn vms(warm: bool) -> Vec<(&'static str, Schedule, Box<dyn Vm>)> {
    let row = |name, engine: &Engine| (name, engine.schedule(), vm(engine, warm));
    let mut vms = vec![
        row("tail", &interpreting(Dispatch::Tail, Schedule::V1)),
        row("tail unmetered", &interpreting(Dispatch::Tail, Schedule::Ewasm)),
        row("loop", &interpreting(Dispatch::Loop, Schedule::V1)),
    ];
    let mut plugins = vec![("plugin", if warm { "" } else { ",cache=0" })];
    if warm {
        vms.push(row("aot", &compiling(Bounds::Check)));
        vms.push(row("aot guard", &compiling(Bounds::Guard)));
        plugins.extend([("plugin aot", ",engine=aot"), ("plugin aot guard", ",engine=aot,memory=guard")]);
    }
    vms.extend(plugins.into_iter().filter_map(|(name, options)| Some((name, Schedule::V1, plugin(options)?))));
    vms
}

/// A chain of one sender.
struct Chain {
    ledger: Ledger,
    schedule: Schedule,
}

impl Chain {
    const SENDER: u64 = 0xa11ce;

    fn new(schedule: Schedule) -> Self {
        let mut ledger = Ledger::new();
        let account = LedgerAccount { balance: U256::from(1_000_000u64), ..LedgerAccount::default() };
        ledger.accounts.insert(Address::from_low_u64_be(Self::SENDER), account);
        Self { ledger, schedule }
    }

    /// Sends a transaction, which must succeed. What it changes is worked out and kept only when asked to, as with revm.
    fn send(&mut self, vm: &dyn Vm, to: Option<Address>, data: &[u8], keep: bool) -> Receipt {
        let (rules, context) = (Rules::default(), TxContext { number: 1, timestamp: 1, ..TxContext::default() });
        let precompiles = StandardPrecompiles { keccak_at_9: KeccakAt9::On, schedule: self.schedule };
        let environment = Environment { vm, precompiles: &precompiles, rules: &rules, context: &context };
        let sender = Address::from_low_u64_be(Self::SENDER);
        let transaction = Transaction { sender, to, data: data.into(), gas_limit: GAS, ..Transaction::default() };
        let (receipt, changes) = transact(&self.ledger, &environment, &transaction).expect("the sender can pay");
        assert_eq!(receipt.outcome.status, StatusCode::Success);
        if keep {
            self.ledger.apply(changes);
        }
        receipt
    }

    fn deploy(&mut self, vm: &dyn Vm, creation: &[u8]) -> Address {
        self.send(vm, None, creation, true).outcome.create_address.expect("a successful creation has an address")
    }
}

/// A word with `value` in its last bytes.
fn word(value: u64) -> [u8; 32] {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&value.to_be_bytes());
    word
}

/// `transfer(0xb0b, 1)`.
fn transfer() -> Vec<u8> {
    [&TRANSFER[..], &word(0xb0b), &word(1)].concat()
}

fn tokens() {
    let mut report = Report::from_arguments("contract: one ERC-20 transfer, a whole transaction", MICROSECONDS);
    for (input, warm) in [("token cold", false), ("token warm", true)] {
        if !report.wants(input) {
            continue;
        }
        let data = transfer();
        let mut contenders: Vec<Contender<'_>> = Vec::new();
        for (name, schedule, vm) in vms(warm) {
            let mut chain = Chain::new(schedule);
            let token = chain.deploy(&*vm, gristmill_fixtures::TOKEN);
            let data = &data;
            contenders.push(Contender::new(name, move || {
                let receipt = chain.send(&*vm, Some(token), data, false);
                assert!(receipt.outcome.output == word(1) && receipt.logs.len() == 1);
            }));
        }
        let (mut call, data) = (deployed_hex(TOKEN), &data);
        contenders.push(Contender::new("revm", move || {
            let answer = call(data);
            assert!(answer.output == word(1) && answer.logs == 1);
        }));
        report.time(input, 1.0, true, &mut contenders);
    }
    report.finish();
}

fn nothing() {
    let mut report = Report::from_arguments(
        "contract: a message to a contract that does nothing, a whole transaction",
        MICROSECONDS,
    );
    for (input, size, warm) in [
        ("nothing 3 KB cold", 3_000, false),
        ("nothing 3 KB warm", 3_000, true),
        ("nothing 30 KB cold", 30_000, false),
        ("nothing 30 KB warm", 30_000, true),
    ] {
        if !report.wants(input) {
            continue;
        }
        let wasm = padded::module(size);
        let mut contenders: Vec<Contender<'_>> = Vec::new();
        for (name, schedule, vm) in vms(warm) {
            let mut chain = Chain::new(schedule);
            let contract = Address::from_low_u64_be(0xc0de);
            let account = LedgerAccount { nonce: 1, code: wasm.clone().into(), ..LedgerAccount::default() };
            chain.ledger.accounts.insert(contract, account);
            contenders.push(Contender::new(name, move || {
                assert!(chain.send(&*vm, Some(contract), &[], false).outcome.output.is_empty());
            }));
        }
        // The same without a chain: an engine alone, which loads, links and calls.
        for peer in ours().into_iter().take(1).chain([Box::new(Wasmi::new(true)) as Box<dyn Peer>]) {
            let (module, wasm) = (peer.load(&wasm), wasm.clone());
            contenders.push(Contender::new(format!("{} alone", peer.name()), move || {
                let mut live = if warm { module.instantiate() } else { peer.load(&wasm).instantiate() };
                live.main();
            }));
        }
        // PUSH1 1, PUSH0, RETURN: creates a contract of one zero byte, which is STOP.
        let mut call = deployed(&[0x60, 0x01, 0x5f, 0xf3]);
        contenders.push(Contender::new("revm", move || assert!(call(&[]).output.is_empty())));
        report.time(input, 1.0, true, &mut contenders);
    }
    report.finish();
}

/// Tokens of C and AssemblyScript, and of the kernels, on the bench's own host.
fn compilers() {
    let mut report = Report::from_arguments("contract: one ERC-20 transfer, the contract alone", MICROSECONDS);
    let kernel = kernels::all().find(|k| k.name == "erc20").expect("the kernel is in the list");
    let inputs = [
        ("kernel", kernel.bytes(), false),
        ("C", runtime("token-c/clang.wasm"), true),
        ("AssemblyScript", runtime("token-as/asc.wasm"), true),
    ];
    let mut peers = ours();
    peers.push(Box::new(Wasmi::new(false)));
    peers.push(Box::new(Wasmi::new(true)));
    for (name, wasm, contract) in &inputs {
        for (heat, warm) in [("cold", false), ("warm", true)] {
            let input = format!("{name} {heat}");
            if !report.wants(&input) {
                continue;
            }
            let contenders = peers.iter().map(|peer| {
                let module = peer.load(wasm);
                Contender::new(peer.name(), move || {
                    let mut live = if warm { module.instantiate() } else { peer.load(wasm).instantiate() };
                    if *contract {
                        assert_eq!(live.contract(), word(1));
                    } else {
                        live.main();
                    }
                })
            });
            report.time(&input, 1.0, true, &mut contenders.collect::<Vec<_>>());
        }
    }
    report.finish();
}

/// What the creation code of a bundled contract leaves on the chain.
fn runtime(path: &str) -> Vec<u8> {
    let creation = std::fs::read(gristmill_fixtures::path(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    // AssemblyScript's runtime exports more than a contract may by default.
    let mut config = Config::new();
    config.profile(Profile::chain1());
    let engine = Engine::new(&config).expect("a plain configuration");
    let options = Options { keccak_at_9: KeccakAt9::On, exports: Exports::Lenient, ..Options::default() };
    let vm = Ewasm::new(&engine, options);
    let mut chain = Chain::new(Schedule::V1);
    let contract = chain.deploy(&vm, &creation);
    chain.ledger.accounts[&contract].code.to_vec()
}

/// The same work as Wasm and as EVM code. What comes out must be equal.
fn loops() {
    let mut report = Report::from_arguments("contract: loops as Wasm and as EVM code", MICROSECONDS);
    let peers = all();
    // Selectors: the first four bytes of keccak256 of `fib(uint256)` and so on.
    for name in ["fib", "xorshift", "mul256", "keccak256"] {
        if !report.wants(name) {
            continue;
        }
        let kernel: &Kernel = kernels::all().find(|k| k.name == name).expect("the kernel is in the list");
        let signature = format!("{}(uint256)", if name == "keccak256" { "keccak256_" } else { name });
        let selector = &gristmill::contract::keccak256(signature.as_bytes()).0[..4];
        let data = [selector, &word(kernel.few as u64)].concat();
        let mut call = deployed_hex(LOOPS);
        let result = i64::from_be_bytes(call(&data).output[24..].try_into().expect("eight bytes"));
        let wasm = kernel.bytes();
        let mut contenders: Vec<Contender<'_>> = peers
            .iter()
            .filter(|peer| ["tail", "loop", "wasmi fuel"].contains(&&*peer.name()))
            .map(|peer| {
                let mut live = peer.load(&wasm).instantiate();
                Contender::new(peer.name(), move || assert_eq!(live.run(kernel.export, kernel.few), result))
            })
            .collect();
        contenders.push(Contender::new("revm", || assert_eq!(call(&data).output[24..], result.to_be_bytes())));
        report.time(&format!("{name}({})", kernel.few), 1.0, true, &mut contenders);
    }
    report.finish();
}

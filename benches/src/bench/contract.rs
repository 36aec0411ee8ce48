//! How long does an ERC-20 transfer take?
//!
//! `token`: the bundled SOLL contract on the ledger, whole transactions with journal, precompile and log. `kernel`: the
//! token kernel's `main` on the bench's own host, which wasmi can run too. `cold` begins with the bytes, `warm` with the
//! loaded module (in a code cache, or ready to be instantiated).

use crate::engines::{Peer, all};
use crate::kernels::KERNELS;
use crate::measure::Contender;
use crate::report::{MICROSECONDS, Report};
use gristmill::contract::{
    Address, Environment, Ewasm, KeccakAt9, Ledger, LedgerAccount, Options, Rules, StatusCode, Transaction, TxContext,
    U256, Vm,
};
use gristmill::{Config, Dispatch, Engine, Profile, Schedule};
use gristmill_chain::{CodeCache, StandardPrecompiles};
use std::sync::Arc;

const GAS: i64 = 1_000_000_000;

pub fn main() {
    let mut report = Report::from_arguments("contract: one ERC-20 transfer", MICROSECONDS);
    let peers = all();
    for (input, warm) in [("kernel cold", false), ("kernel warm", true)] {
        if report.wants(input) {
            let mut contenders: Vec<Contender<'_>> = peers.iter().map(|peer| kernel(&**peer, warm)).collect();
            report.time(input, 1.0, true, &mut contenders);
        }
    }
    report.finish();

    let mut report =
        Report::from_arguments("contract: one transfer of the SOLL token, a whole transaction", MICROSECONDS);
    for (input, warm) in [("token cold", false), ("token warm", true)] {
        if report.wants(input) {
            let variants = [
                ("tail", Dispatch::Tail, Schedule::V1),
                ("tail unmetered", Dispatch::Tail, Schedule::Ewasm),
                ("loop", Dispatch::Loop, Schedule::V1),
                ("loop unmetered", Dispatch::Loop, Schedule::Ewasm),
            ];
            let mut contenders: Vec<Contender<'_>> = variants
                .into_iter()
                .rev()
                .map(|(name, dispatch, schedule)| Contender::new(name, token(dispatch, schedule, warm)))
                .collect();
            report.time(input, 1.0, true, &mut contenders);
        }
    }
    report.finish();
}

fn kernel(peer: &dyn Peer, warm: bool) -> Contender<'_> {
    let erc20 = KERNELS.iter().find(|k| k.name == "erc20").expect("the kernel is in the list");
    let wasm = erc20.bytes();
    let module = peer.load(&wasm);
    Contender::new(peer.name(), move || {
        let mut live = if warm { module.instantiate() } else { peer.load(&wasm).instantiate() };
        live.main();
    })
}

/// A closure that sends one transfer to a token that was deployed before, and checks what the token answered.
fn token(dispatch: Dispatch, schedule: Schedule, warm: bool) -> impl FnMut() {
    let mut config = Config::new();
    config.profile(Profile::chain1()).schedule(schedule).dispatch(dispatch);
    let engine = Engine::new(&config).expect("this build has both dispatches");
    let mut vm = Ewasm::new(&engine, Options { schedule, keccak_at_9: KeccakAt9::On, ..Options::default() });
    if warm {
        vm = vm.with_cache(Arc::new(CodeCache::new(1 << 24)));
    }
    let minter = Address::from_low_u64_be(0xa11ce);
    let mut ledger = Ledger::new();
    ledger.accounts.insert(minter, LedgerAccount { balance: U256::from(1_000_000u64), ..LedgerAccount::default() });
    let rules = Rules::default();
    let context = TxContext { number: 1, timestamp: 1, ..TxContext::default() };
    let send = move |ledger: &mut Ledger, vm: &dyn Vm, to: Option<Address>, data: Vec<u8>| {
        let precompiles = StandardPrecompiles { keccak_at_9: KeccakAt9::On, schedule };
        let environment = Environment { vm, precompiles: &precompiles, rules: &rules, context: &context };
        let transaction = Transaction { sender: minter, to, data, gas_limit: GAS, ..Transaction::default() };
        let receipt = ledger.transact(&environment, &transaction).expect("the sender can pay");
        assert_eq!(receipt.outcome.status, StatusCode::Success);
        receipt
    };
    let created = send(&mut ledger, &vm, None, gristmill_fixtures::TOKEN.to_vec());
    let token = created.outcome.create_address.expect("a successful creation has an address");
    // transfer(0xb0b, 1)
    let mut data = hex::decode("a9059cbb").expect("four bytes of hex");
    data.extend([0; 30].into_iter().chain([0x0b, 0x0b]).chain([0; 31]).chain([1]));
    let mut answer = [0; 32];
    answer[31] = 1;
    move || {
        // The ledger is put back, so that every turn pays the same surcharges and nobody runs out of tokens.
        let receipt = send(&mut ledger.clone(), &vm, Some(token), data.clone());
        assert!(receipt.outcome.output == answer && receipt.logs.len() == 1);
    }
}

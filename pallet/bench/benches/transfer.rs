//! A transfer of a token inside the runtime's Wasm: through the pallet on our engine and on wasmi, and through pallet-contracts.
//!
//! `cargo bench -p gristmill-pallet-bench --bench transfer`. Prints microseconds a transfer, the median of interleaved runs, and
//! ratios. There are two tokens: SOLL's, of Solidity, and one that is written by hand for both interfaces (`src/token.wat`), and
//! does no more than it must.

use codec::Encode;
use frame_support::weights::Weight;
use gristmill_pallet_bench::{Arguments, SealArguments, blob};
use gristmill_pallet_tests::contracts::deployer_of;
use gristmill_pallet_tests::{Chain, Runtime};
use pallet_gristmill::gristmill::contract::{Address, create_address};
use pallet_gristmill::{AccountId32Mapper, AddressMapper};
use sp_keyring::Sr25519Keyring::{self, Alice, Bob};
use std::time::Instant;

/// Transfers in a run, and runs.
const TRANSFERS: usize = 50;
const RUNS: usize = 15;
/// As much as a transaction may have.
const PLENTY: Weight = Weight::from_parts(4_000_000_000_000, 10_000_000);

type AccountId = gristmill_pallet_tests::AccountId;
type Contracts = pallet_gristmill::Call<Runtime>;

/// `transfer(to, amount)`.
fn transfer(to: Address, amount: u64) -> Vec<u8> {
    let mut data = vec![0xa9, 0x05, 0x9c, 0xbb];
    data.extend([0; 12]);
    data.extend(to.as_bytes());
    data.extend([0; 24]);
    data.extend(amount.to_be_bytes());
    data
}

/// Microseconds a transfer, beyond what a call of the runtime takes by itself.
fn run<Dest: Clone + Encode>(chain: &mut Chain, function: &str, arguments: &(AccountId, Dest, Vec<Vec<u8>>)) -> f64 {
    let time = |chain: &mut Chain, inputs: &[Vec<u8>]| {
        let encoded = (&arguments.0, &arguments.1, inputs).encode();
        let start = Instant::now();
        let done: u32 = chain.try_call(function, &encoded).expect("the runtime has the function");
        assert_eq!(done as usize, inputs.len(), "every transfer succeeds");
        start.elapsed().as_secs_f64() * 1e6
    };
    let alone = time(chain, &[]);
    (time(chain, &arguments.2) - alone) / arguments.2.len() as f64
}

/// The token that is written by hand, with that interface before it.
fn small(interface: &str) -> Vec<u8> {
    wat::parse_str(format!("(module {interface} {})", include_str!("../src/token.wat"))).expect("a module")
}

/// Makes a contract of Alice's.
fn deploy(chain: &mut Chain, code: Vec<u8>) -> Address {
    let sender = address(Alice);
    let nonce: u64 = chain.call("GristmillApi_nonce", &sender);
    let call = Contracts::instantiate_with_code {
        value: 0,
        weight_limit: PLENTY,
        storage_deposit_limit: u128::MAX,
        code,
        data: vec![],
        salt: None,
    };
    chain.submit(Alice, call).unwrap();
    chain.next_block();
    create_address(&sender, nonce)
}

fn address(who: Sr25519Keyring) -> Address {
    AccountId32Mapper::<Runtime>::to_address(&who.to_account_id())
}

/// The small token in our pallet, and call data for it.
fn small_one(chain: &mut Chain) -> Arguments {
    let dest = deploy(chain, deployer_of(&small(include_str!("../src/token-eei.wat"))));
    let (value, data) = (0, vec![]);
    let mint = Contracts::call { dest, value, weight_limit: PLENTY, storage_deposit_limit: u128::MAX, data };
    chain.submit(Alice, mint).unwrap();
    chain.next_block();
    let mut input = address(Bob).as_bytes().to_vec();
    input.resize(32, 0);
    input.push(1);
    input.resize(64, 0);
    (Alice.to_account_id(), dest, vec![input; TRANSFERS])
}

/// The same on pallet-contracts: a contract, and call data for it.
fn beside(chain: &mut Chain) -> SealArguments {
    let code = small(include_str!("../src/token-seal.wat"));
    let dest: AccountId = chain.call("Bench_seal_deploy", &(Alice.to_account_id(), code));
    let mut input = Bob.to_account_id().encode();
    input.extend([1]);
    input.resize(64, 0);
    (Alice.to_account_id(), dest, vec![input; TRANSFERS])
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn main() {
    let mut chain = Chain::of(blob("gristmill-pallet-bench"));
    let contract = deploy(&mut chain, gristmill_fixtures::TOKEN.to_vec());
    // Both accounts have a balance: every transfer is the same work.
    let inputs: Vec<_> = (0..TRANSFERS).map(|_| transfer(address(Bob), 1)).collect();
    let solidity: Arguments = (Alice.to_account_id(), contract, inputs);
    let by_hand = small_one(&mut chain);
    let seal = beside(&mut chain);
    let round = |chain: &mut Chain| {
        [
            run(chain, "Bench_ours", &solidity),
            run(chain, "Bench_wasmi", &solidity),
            run(chain, "Bench_ours", &by_hand),
            run(chain, "Bench_seal", &seal),
        ]
    };
    round(&mut chain);
    let rounds: Vec<_> = (0..RUNS).map(|_| round(&mut chain)).collect();
    let [ours, wasmi, small, contracts] =
        [0, 1, 2, 3].map(|column| median(rounds.iter().map(|round| round[column]).collect()));
    println!("ERC-20 transfer in the runtime's Wasm, microseconds, median of {RUNS} runs of {TRANSFERS}");
    println!("SOLL's token: gristmill {ours:.1}");
    println!("SOLL's token: wasmi 2.0 portable-dispatch, fuel {wasmi:.1}");
    println!("small token: gristmill {small:.1}");
    println!("small token: pallet-contracts 51, wasmi 0.32 {contracts:.1}");
    println!("wasmi / gristmill {:.2}", wasmi / ours);
    println!("pallet-contracts / gristmill {:.2}", contracts / small);
}

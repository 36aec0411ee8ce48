//! A transfer of a token inside the runtime's Wasm: through the pallet on our engine and on wasmi, and through pallet-contracts.
//!
//! `cargo bench -p gristmill-pallet-bench --bench transfer`. Prints microseconds a transfer, the median of interleaved runs, and
//! ratios. The token of the first two is SOLL's, of Solidity; that of pallet-contracts is written by hand (`src/token.wat`),
//! and does no more than it must.

use codec::Encode;
use gristmill_pallet_bench::{Arguments, SealArguments, blob};
use gristmill_pallet_tests::{Chain, Runtime};
use pallet_gristmill::gristmill::contract::{Address, create_address};
use pallet_gristmill::{AccountId32Mapper, AddressMapper};
use sp_keyring::Sr25519Keyring::{Alice, Bob};
use std::time::Instant;

/// Transfers in a run, and runs.
const TRANSFERS: usize = 50;
const RUNS: usize = 15;

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

/// The same on pallet-contracts: a contract, and call data for it.
fn beside(chain: &mut Chain) -> SealArguments {
    let code = wat::parse_str(include_str!("../src/token.wat")).expect("a module");
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
    let address = |who: sp_keyring::Sr25519Keyring| AccountId32Mapper::<Runtime>::to_address(&who.to_account_id());
    let contract = create_address(&address(Alice), 0);
    let call = Contracts::instantiate_with_code {
        value: 0,
        weight_limit: frame_support::weights::Weight::from_parts(4_000_000_000_000, 10_000_000),
        storage_deposit_limit: u128::MAX,
        code: gristmill_fixtures::TOKEN.to_vec(),
        data: vec![],
        salt: None,
    };
    chain.submit(Alice, call).unwrap();
    chain.next_block();
    // Both accounts have a balance: every transfer is the same work.
    let inputs: Vec<_> = (0..TRANSFERS).map(|_| transfer(address(Bob), 1)).collect();
    let arguments: Arguments = (Alice.to_account_id(), contract, inputs);
    let seal_arguments = beside(&mut chain);
    for function in ["Bench_ours", "Bench_wasmi"] {
        run(&mut chain, function, &arguments);
    }
    run(&mut chain, "Bench_seal", &seal_arguments);
    let (mut ours, mut wasmi, mut seal) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        ours.push(run(&mut chain, "Bench_ours", &arguments));
        wasmi.push(run(&mut chain, "Bench_wasmi", &arguments));
        seal.push(run(&mut chain, "Bench_seal", &seal_arguments));
    }
    let (ours, wasmi, seal) = (median(ours), median(wasmi), median(seal));
    println!("ERC-20 transfer in the runtime's Wasm, microseconds, median of {RUNS} runs of {TRANSFERS}");
    println!("gristmill {ours:.1}");
    println!("wasmi 2.0 portable-dispatch, fuel {wasmi:.1}");
    println!("pallet-contracts 51, wasmi 0.32 {seal:.1}");
    println!("wasmi / gristmill {:.2}", wasmi / ours);
    println!("pallet-contracts / gristmill {:.2}", seal / ours);
}

//! Jobs in blocks of the runtime's Wasm, requested by users and by contracts. That a node's off-chain worker runs them is tested beside
//! the runner, in `pallet/offchain`.

use frame_support::weights::Weight;
use gristmill::contract::{Address, U256, create_address, keccak256};
use gristmill_demo_runtime as runtime;
use gristmill_pallet_tests::contracts::{contract, deployer};
use gristmill_pallet_tests::jobs::{floats, roots};
use gristmill_pallet_tests::{Applied, Chain, Runtime};
use pallet_gristmill::{AccountId32Mapper, AddressMapper, ContractResult, ExecReturnValue, JOBS};
use pallet_gristmill_jobs::{Answer, Budget, End, Event, JobCode, JobId, Outcome, PURE, Rules, View};
use runtime::{AccountId, Balance, RuntimeCall, RuntimeEvent, UNIT, UncheckedExtrinsic};
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie, Dave, Eve};
use sp_runtime::transaction_validity::{InvalidTransaction, TransactionValidityError};

type Jobs = pallet_gristmill_jobs::Call<Runtime>;
type JobsPallet = pallet_gristmill_jobs::Pallet<Runtime>;
type Contracts = pallet_gristmill::Call<Runtime>;

const BUDGET: Budget = Budget { gas: 10_000_000, milliseconds: 20_000, pages: 16, output: 256 };
const PLENTY: Weight = Weight::from_parts(4_000_000_000_000, 10_000_000);

fn submit(chain: &mut Chain, who: Sr25519Keyring, input: Vec<u8>) -> Applied {
    let policy = PURE.to_vec().try_into().expect("it is short");
    chain.submit(who, Jobs::submit_job { code: JobCode::Inline(roots()), input, policy, budget: BUDGET, reward: UNIT })
}

fn answer(job: JobId, who: Sr25519Keyring, outcome: &Outcome) -> Answer<AccountId> {
    Answer { job, round: 0, worker: who.to_account_id(), outcome: outcome.clone() }
}

/// A transaction without a fee, whose payload is signed by `key`.
fn unsigned(chain: &mut Chain, answer: Answer<AccountId>, key: Sr25519Keyring) -> Applied {
    let genesis = chain.read(|| runtime::System::block_hash(0));
    let signature = key.sign(&answer.payload(genesis)).into();
    let call = Jobs::submit_result_unsigned { answer, signature }.into();
    chain.apply(authorized(call))
}

fn authorized(call: RuntimeCall) -> UncheckedExtrinsic {
    use frame_system::offchain::CreateAuthorizedTransaction;
    <Runtime as CreateAuthorizedTransaction<RuntimeCall>>::create_authorized_transaction(call)
}

fn view(chain: &mut Chain, job: JobId) -> View {
    chain.read(|| JobsPallet::view(job))
}

#[test]
fn workers_answer_with_and_without_a_fee() {
    let mut chain = Chain::new();
    submit(&mut chain, Dave, floats(&[4.0])).unwrap();
    let outcome = Outcome::Completed(floats(&[2.0]));
    let paid = chain.free(&Bob.to_account_id());
    chain.submit(Alice, Jobs::submit_result { job: 0, round: 0, outcome: outcome.clone() }).unwrap();
    let lie = unsigned(&mut chain, answer(0, Bob, &Outcome::Completed(vec![])), Eve);
    let invalid = |kind: InvalidTransaction| Err(TransactionValidityError::Invalid(kind));
    assert_eq!(lie.result, invalid(InvalidTransaction::BadProof));
    let nobody = unsigned(&mut chain, answer(0, Eve, &outcome), Eve);
    assert_eq!(nobody.result, invalid(InvalidTransaction::BadSigner));
    let events = unsigned(&mut chain, answer(0, Bob, &outcome), Bob).unwrap();
    let finished = RuntimeEvent::Jobs(Event::JobFinished { job: 0, outcome: outcome.hash() });
    assert!(events.contains(&finished), "{events:?}");
    assert_eq!(view(&mut chain, 0), View::Closed(End::Agreed(outcome.clone())));
    assert_eq!(chain.free(&Bob.to_account_id()), paid + UNIT / 2, "half of the reward, and no fee");
    let late = unsigned(&mut chain, answer(0, Charlie, &outcome), Charlie);
    assert_eq!(late.result, invalid(InvalidTransaction::Stale));
    chain.next_block();
}

fn words(words: &[U256]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_big_endian()).collect()
}

fn selector(signature: &str) -> [u8; 4] {
    keccak256(signature.as_bytes()).as_bytes()[..4].try_into().expect("four bytes")
}

/// `request(...)` with this input.
fn request(code: [u8; 32], policy: &[u8], input: &[u8]) -> Vec<u8> {
    let mut name = [0; 32];
    name[..policy.len()].copy_from_slice(policy);
    let Budget { gas, milliseconds, pages, output } = BUDGET;
    let mut data = selector("request(bytes32,bytes32,uint64,uint32,uint32,uint32,bytes)").to_vec();
    data.extend(code);
    data.extend(name);
    data.extend(words(&[
        gas.into(),
        milliseconds.into(),
        pages.into(),
        output.into(),
        (7 * 32).into(),
        input.len().into(),
    ]));
    data.extend(input);
    data.resize(data.len().next_multiple_of(32) + 4, 0);
    data
}

fn dry_call(chain: &mut Chain, dest: Address, value: Balance, data: Vec<u8>) -> ExecReturnValue {
    let (weight, deposit) = (None::<Weight>, None::<Balance>);
    let result: ContractResult<ExecReturnValue, Balance> =
        chain.call("GristmillApi_call", &(Alice.to_account_id(), dest, value, weight, deposit, data));
    result.result.expect("it runs")
}

/// Status and output.
fn result(chain: &mut Chain, job: JobId) -> (u64, Vec<u8>) {
    let question = [&selector("result(uint64)")[..], &words(&[job.into()])].concat();
    let answer = dry_call(chain, JOBS, 0, question).data;
    let word = |at: usize| U256::from_big_endian(&answer[32 * at..32 * (at + 1)]).low_u64();
    assert_eq!((word(1), answer.len() % 32), (64, 0));
    (word(0), answer[96..96 + word(2) as usize].to_vec())
}

fn deploy(chain: &mut Chain, module: &str) -> Address {
    let sender = AccountId32Mapper::<Runtime>::to_address(&Alice.to_account_id());
    let nonce: u64 = chain.call("GristmillApi_nonce", &sender);
    let (code, data, salt) = (deployer(module), vec![], None);
    let call = Contracts::instantiate_with_code {
        value: 0,
        weight_limit: PLENTY,
        storage_deposit_limit: Balance::MAX,
        code,
        data,
        salt,
    };
    chain.submit(Alice, call).unwrap();
    chain.next_block();
    create_address(&sender, nonce)
}

fn call(chain: &mut Chain, dest: Address, value: Balance, data: Vec<u8>) -> Applied {
    let call = Contracts::call { dest, value, weight_limit: PLENTY, storage_deposit_limit: Balance::MAX, data };
    let applied = chain.submit(Alice, call);
    chain.next_block();
    applied
}

/// Writes the address of the precompile at 0.
const TO_JOBS: &str = "(i64.store (i32.const 0) (i64.const 0)) (i64.store (i32.const 8) (i64.const 0))
    (i32.store (i32.const 16) (i32.const 0x73626f6a))";

/// Passes its call on to the precompile, with its value, and what comes of it back.
fn forwarder(end: &str) -> String {
    contract(&format!(
        "{TO_JOBS}
         (call $value (i32.const 32))
         (call $data (i32.const 64) (i32.const 0) (call $size))
         (if (call $call (i64.const 5000000) (i32.const 0) (i32.const 32) (i32.const 64) (call $size))
             (then (call $returnedCopy (i32.const 64) (i32.const 0) (call $returned))
                   (call $revert (i32.const 64) (call $returned))))
         (call $returnedCopy (i32.const 64) (i32.const 0) (call $returned))
         (call ${end} (i32.const 64) (call $returned))"
    ))
}

/// Uploads the job's code; its hash.
fn upload(chain: &mut Chain) -> [u8; 32] {
    chain.submit(Dave, Jobs::upload_code { code: roots() }).unwrap();
    chain.next_block();
    keccak256(&roots()).0
}

#[test]
fn a_contract_requests_a_job_and_reads_its_result() {
    let mut chain = Chain::new();
    chain.read(|| runtime::JobRules::set(&Rules { round: 4, keep: 4, ..runtime::JobRules::get() }));
    let code = upload(&mut chain);
    let asker = deploy(&mut chain, &forwarder("finish"));
    let input = floats(&[9.0]);
    let price = [&selector("deposit(uint32,uint32)")[..], &words(&[8.into(), BUDGET.output.into()])].concat();
    let deposit = U256::from_big_endian(&dry_call(&mut chain, JOBS, 0, price).data);
    let deposit = u128::try_from(deposit).expect("it fits") / 1_000_000;
    assert_eq!(deposit, chain.read(|| JobsPallet::job_deposit(8, BUDGET.output)));
    let events = call(&mut chain, asker, deposit + UNIT, request(code, PURE, &input)).unwrap();
    let owner = chain.read(|| AccountId32Mapper::<Runtime>::to_account_id(&asker));
    let submitted = Event::JobSubmitted { job: 0, owner: owner.clone(), code_hash: code.into(), reward: UNIT };
    assert!(events.contains(&RuntimeEvent::Jobs(submitted)), "{events:?}");
    assert_eq!(chain.call::<U256>("GristmillApi_balance", &JOBS), U256::zero(), "what was paid went on");
    assert_eq!(result(&mut chain, 0), (1, vec![]));
    let outcome = Outcome::Completed(floats(&[3.0]));
    for worker in [Bob, Charlie] {
        unsigned(&mut chain, answer(0, worker, &outcome), worker).unwrap();
    }
    assert_eq!(result(&mut chain, 0), (2, floats(&[3.0])));
    assert_eq!(result(&mut chain, 1), (0, vec![]));
    // The contract asks for itself.
    let question = [&selector("result(uint64)")[..], &words(&[0.into()])].concat();
    assert_eq!(dry_call(&mut chain, asker, 0, question).data[96..104], floats(&[3.0]));
    // When it is forgotten, the deposit is the contract's.
    assert_eq!(chain.call::<U256>("GristmillApi_balance", &asker), U256::zero());
    for _ in 0..6 {
        chain.next_block();
    }
    assert_eq!(view(&mut chain, 0), View::Unknown);
    assert_eq!(chain.call::<U256>("GristmillApi_balance", &asker), U256::from(deposit) * 1_000_000u64);
}

#[test]
fn requests_of_frames_that_fail_are_none() {
    let mut chain = Chain::new();
    let code = upload(&mut chain);
    let undone = deploy(&mut chain, &forwarder("revert"));
    // Calls the contract whose address comes first, whatever comes of it, and then the precompile.
    let after = deploy(
        &mut chain,
        &contract(&format!(
            "(local $size i32)
             (local.set $size (i32.sub (call $size) (i32.const 32)))
             (call $data (i32.const 0) (i32.const 0) (i32.const 32))
             (call $data (i32.const 64) (i32.const 32) (local.get $size))
             (call $value (i32.const 32))
             (drop (call $call (i64.const 3000000) (i32.const 12) (i32.const 32) (i32.const 64) (local.get $size)))
             {TO_JOBS}
             (if (call $call (i64.const 3000000) (i32.const 0) (i32.const 32) (i32.const 64) (local.get $size))
                 (then unreachable))
             (call $returnedCopy (i32.const 0) (i32.const 0) (call $returned))
             (call $finish (i32.const 0) (call $returned))"
        )),
    );
    let value = 2 * UNIT;
    assert!(call(&mut chain, undone, value, request(code, PURE, b"")).result.expect("the block takes it").is_err());
    assert_eq!(view(&mut chain, 0), View::Unknown);
    let mut data = [&[0; 12][..], undone.as_bytes()].concat();
    data.extend(request(code, PURE, b"12345678"));
    assert_eq!(dry_call(&mut chain, after, value, data.clone()).data, words(&[0.into()]), "the number that it gets");
    call(&mut chain, after, value, data).unwrap();
    assert_eq!((view(&mut chain, 0), view(&mut chain, 1)), (View::Open, View::Unknown));
    let input = chain.read(|| pallet_gristmill_jobs::Inputs::<Runtime>::get(0));
    assert_eq!(input, b"12345678");
}

#[test]
fn requests_that_cannot_be_are_refused_with_reasons() {
    let mut chain = Chain::new();
    let code = upload(&mut chain);
    let asker = deploy(&mut chain, &forwarder("finish"));
    let mut refused = |value, data: Vec<u8>, why: &str| {
        let answer = dry_call(&mut chain, asker, value, data);
        assert!(answer.did_revert(), "{why}");
        let text = String::from_utf8_lossy(&answer.data).into_owned();
        assert!(text.contains(why), "{why} is not in {text:?}");
    };
    refused(2 * UNIT, request([1; 32], PURE, b""), "CodeNotFound");
    refused(2 * UNIT, request(code, b"root", b""), "UnknownPolicy");
    refused(0, request(code, PURE, b""), "RewardTooLow");
    refused(2 * UNIT, request(code, PURE, &[0; 1_000])[..500].to_vec(), "do not decode");
    refused(2 * UNIT, vec![], "no function");
    refused(2 * UNIT, vec![0; 100], "no function");
    // Where the bytes should begin, and how many they are, can be anything.
    for word in [6, 7] {
        let mut wild = request(code, PURE, b"");
        wild[4 + 32 * word..4 + 32 * (word + 1)].fill(0xff);
        refused(2 * UNIT, wild, "do not decode");
    }
    let statically = deploy(
        &mut chain,
        &contract(&format!(
            "{TO_JOBS}
             (call $data (i32.const 64) (i32.const 0) (call $size))
             (i32.store (i32.const 0) (call $static (i64.const 3000000) (i32.const 0) (i32.const 64) (call $size)))
             (call $finish (i32.const 0) (i32.const 4))"
        )),
    );
    assert_eq!(
        dry_call(&mut chain, statically, 0, request(code, PURE, b"")).data,
        [1, 0, 0, 0],
        "it would change state"
    );
    let borrowed = deploy(
        &mut chain,
        &contract(&format!(
            "{TO_JOBS}
             (call $data (i32.const 64) (i32.const 0) (call $size))
             (i32.store (i32.const 0) (call $delegate (i64.const 3000000) (i32.const 0) (i32.const 64) (call $size)))
             (call $finish (i32.const 0) (i32.const 4))"
        )),
    );
    assert_eq!(dry_call(&mut chain, borrowed, 2 * UNIT, request(code, PURE, b"")).data, [2, 0, 0, 0], "it is no call");
}

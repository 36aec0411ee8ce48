//! Every scenario of the bundled contracts through the pallet, in blocks of the runtime's Wasm, and through the engine's own
//! ledger with the same block around it: status, output, logs, storage, balances and gas are the same.

use codec::Encode;
use frame_support::weights::Weight;
use gristmill::contract::{
    Address, Bytes32, Environment, Ewasm, KeccakAt9, Ledger, LedgerAccount, Log, Options, Receipt, Rules, StatusCode,
    Transaction, TxContext, U256,
};
use gristmill::{Config, Engine, Exports, Schedule};
use gristmill_demo_runtime as runtime;
use gristmill_pallet_tests::{Applied, Chain, Runtime};
use gristmill_precompiles::StandardPrecompiles;
use pallet_gristmill::{AccountId32Mapper, AddressMapper, ContractResult, ExecReturnValue};
use runtime::{AccountId, Balance, RuntimeEvent};
use serde_json::Value;
use sp_keyring::Sr25519Keyring::Alice;
use std::path::{Path, PathBuf};

type Weights = <Runtime as pallet_gristmill::Config>::WeightInfo;

/// Gas of every step: what a block has for one transaction.
const STEP_GAS: u64 = 5_500_000;
/// Wei a gas, as the scenarios have it: all of it base fee, which is burnt, so that the pallet's books tell what gas cost.
const PRICE: u64 = 7;
/// Wei in a unit of the runtime's currency.
const RATIO: u64 = 1_000_000;

type Contracts = pallet_gristmill::Call<Runtime>;

fn folder() -> PathBuf {
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../soll-fixtures");
    std::env::var_os("GRISTMILL_CONTRACTS").map_or(bundled, PathBuf::from)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} is a text"))
}

fn address(text: &str) -> Address {
    let bytes = hex::decode(&text[2..]).expect("hex");
    Address::from_slice(&bytes)
}

fn own_account(address: &Address) -> AccountId {
    AccountId32Mapper::<Runtime>::to_fallback_account_id(address)
}

fn decimal(text: &str) -> U256 {
    U256::from_dec_str(text).expect("a decimal number")
}

/// The two worlds of one build of a scenario.
struct Worlds {
    chain: Chain,
    ledger: Ledger,
    context: TxContext,
}

impl Worlds {
    fn new(scenario: &Value) -> Self {
        let env = &scenario["env"];
        let coinbase = address(text(env, "coinbase"));
        let mut ledger = Ledger::new();
        let mut config = runtime::genesis::configuration();
        for (who, balance) in scenario["accounts"].as_object().expect("accounts") {
            let (who, balance) = (address(who), decimal(balance.as_str().expect("a number")));
            let account = LedgerAccount { balance, ..LedgerAccount::default() };
            ledger.accounts.insert(who, account);
            let account = pallet_gristmill::GenesisAccount { balance, ..Default::default() };
            config.contracts.accounts.insert(who, account);
        }
        let mut chain = Chain::with_genesis(config);
        let number = env["number"].as_u64().expect("a number");
        let timestamp = env["timestamp"].as_u64().expect("a number");
        let difficulty = decimal(text(env, "difficulty"));
        let chain_id = decimal(text(env, "chainId"));
        chain.read(|| {
            frame_system::Pallet::<Runtime>::set_block_number(number as u32);
            for (block, hash) in env["blockHashes"].as_object().expect("hashes") {
                let hash = Bytes32::from_slice(&hex::decode(&hash.as_str().expect("hex")[2..]).expect("hex"));
                let block: u32 = block.parse().expect("a number");
                frame_system::BlockHash::<Runtime>::insert(block, hash);
                ledger.block_hashes.insert(block.into(), hash);
            }
            // A chain has a first block too.
            ledger.block_hashes.insert(0, frame_system::BlockHash::<Runtime>::get(0));
            pallet_timestamp::Now::<Runtime>::put(timestamp * 1_000);
            runtime::Author::set(&Some(own_account(&coinbase)));
            let mut randao = [0; 32];
            difficulty.write_as_big_endian(&mut randao);
            runtime::PrevRandao::set(&randao.into());
            runtime::BaseFee::set(&PRICE.into());
            runtime::ChainId::set(&chain_id.as_u64());
            runtime::DepositPerItem::set(&0);
            runtime::DepositPerChildTrieItem::set(&0);
            runtime::DepositPerByte::set(&0);
        });
        let block = chain.read(|| {
            let weights = <Runtime as frame_system::Config>::BlockWeights::get();
            weights.max_block.ref_time() / pallet_gristmill::meter::gas_time::<Weights>()
        });
        let context = TxContext {
            coinbase,
            number: number as i64,
            timestamp: timestamp as i64,
            gas_limit: block as i64,
            prev_randao: difficulty,
            chain_id,
            base_fee: PRICE.into(),
            blob_base_fee: U256::one(),
            ..TxContext::default()
        };
        Self { chain, ledger, context }
    }

    /// A step on the ledger.
    fn on_ledger(&mut self, transaction: &Transaction) -> Receipt {
        let mut config = Config::new();
        let mut profile = gristmill::Profile::chain1();
        profile.run.memory = gristmill::Pages(pallet_gristmill::MEMORY_PAGES);
        config.profile(profile);
        let options =
            Options { keccak_at_9: KeccakAt9::On, exports: Exports::Lenient, beyond: true, ..Options::default() };
        let vm = Ewasm::new(&Engine::new(&config).expect("an engine"), options);
        let precompiles = StandardPrecompiles { keccak_at_9: KeccakAt9::On, schedule: Schedule::V1 };
        let rules = Rules { fees: true, max_depth: pallet_gristmill::MAX_DEPTH, ..Rules::default() };
        let environment = Environment { vm: &vm, precompiles: &precompiles, rules: &rules, context: &self.context };
        self.ledger.transact(&environment, transaction).expect("steps are not refused")
    }

    /// The same on chain, by sudo in the name of the sender, who has no key.
    fn on_chain(&mut self, transaction: &Transaction) -> (bool, Vec<RuntimeEvent>) {
        let call: runtime::RuntimeCall = match transaction.to {
            Some(target) => Contracts::call_with_gas {
                target,
                input: transaction.data.clone(),
                value: transaction.value,
                gas_limit: STEP_GAS,
                gas_price: PRICE.into(),
            },
            None => Contracts::create {
                code: transaction.data.clone(),
                value: transaction.value,
                gas_limit: STEP_GAS,
                gas_price: PRICE.into(),
            },
        }
        .into();
        let who = own_account(&transaction.sender).into();
        // Blocks are as long as it takes: only the transaction's own weight is limited.
        self.chain.read(frame_system::BlockWeight::<Runtime>::kill);
        let Applied { result, events } =
            self.chain.submit(Alice, pallet_sudo::Call::<Runtime>::sudo_as { who, call: Box::new(call) });
        result.expect("the block takes it").expect("sudo does it");
        let done = events.iter().find_map(|event| match event {
            RuntimeEvent::Sudo(pallet_sudo::Event::SudoAsDone { sudo_result }) => Some(sudo_result.is_ok()),
            _ => None,
        });
        (done.expect("sudo says how it went"), events)
    }

    /// What a dry run returns: revert flag and output.
    fn dry(&mut self, transaction: &Transaction) -> ContractResult<ExecReturnValue, Balance> {
        let origin = own_account(&transaction.sender);
        let value = (transaction.value / RATIO).as_u128();
        let limit = Some(Weight::from_parts(pallet_gristmill::meter::time_for::<Weights>(STEP_GAS, 0), u64::MAX));
        let arguments = (origin, transaction.to, value, limit, None::<Balance>, &transaction.data).encode();
        // `dest` is no option in the call: its first byte goes.
        let at = 32;
        let arguments = [&arguments[..at], &arguments[at + 1..]].concat();
        self.chain.try_call("GristmillApi_call", &arguments).expect("the dry run ends")
    }

    fn check_step(&mut self, what: &str, transaction: &Transaction) {
        let dry = (transaction.to.is_some() && (transaction.value % RATIO).is_zero()).then(|| self.dry(transaction));
        let before = self.chain.read(pallet_gristmill::Burnt::<Runtime>::get);
        let receipt = self.on_ledger(transaction);
        let status = receipt.outcome.status;
        let (succeeded, events) = self.on_chain(transaction);
        assert_eq!(succeeded, status == StatusCode::Success, "{what}: {status:?}");
        if let Some(dry) = dry {
            match status {
                StatusCode::Success | StatusCode::Revert => {
                    let output = dry.result.unwrap_or_else(|error| panic!("{what}: {error:?}"));
                    assert_eq!(output.did_revert(), status == StatusCode::Revert, "{what}");
                    assert_eq!(output.data, receipt.outcome.output, "{what}: output");
                    // The dry run pays no fees; contracts that look at balances may see that.
                    if !what.contains("balance") {
                        assert_eq!(dry.gas_consumed, receipt.gas_used as u128, "{what}: gas of the dry run");
                    }
                }
                _ => assert!(dry.result.is_err(), "{what}: {status:?}"),
            }
        }
        if !succeeded {
            // A transaction that fails leaves nothing on chain: neither its sender's nonce nor what its gas cost.
            self.chain.read(|| {
                pallet_gristmill::Accounts::<Runtime>::mutate(transaction.sender, |account| {
                    let account = account.as_mut().expect("the sender is there");
                    account.nonce += 1;
                    account.kept -= U256::from(PRICE) * receipt.gas_used;
                });
            });
        } else {
            let logs: Vec<Log> = events
                .into_iter()
                .filter_map(|event| match event {
                    RuntimeEvent::Contracts(pallet_gristmill::Event::ContractEmitted { contract, data, topics }) => {
                        Some(Log { address: contract, topics, data })
                    }
                    _ => None,
                })
                .collect();
            assert_eq!(logs, receipt.logs, "{what}: logs");
            let paid = self.chain.read(pallet_gristmill::Burnt::<Runtime>::get) - before;
            assert_eq!(paid, U256::from(PRICE) * receipt.gas_used, "{what}: gas");
        }
        self.check_state(what);
    }

    /// Every account of the ledger is on chain as it is there.
    fn check_state(&mut self, what: &str) {
        let ledger = &self.ledger;
        self.chain.read(|| {
            for (who, account) in &ledger.accounts {
                assert_eq!(runtime::Contracts::balance(who), account.balance, "{what}: balance of {who:?}");
                assert_eq!(runtime::Contracts::code(who), account.code[..], "{what}: code of {who:?}");
                let on_chain = pallet_gristmill::Accounts::<Runtime>::get(who).unwrap_or_default();
                assert_eq!(on_chain.nonce, account.nonce, "{what}: nonce of {who:?}");
                let items = on_chain.contract.map_or(0, |contract| contract.items);
                assert_eq!(items as usize, account.storage.len(), "{what}: slots of {who:?}");
                for (key, value) in &account.storage {
                    assert_eq!(runtime::Contracts::storage(who, key), Ok(Some(*value)), "{what}: {who:?} {key:?}");
                }
            }
        });
    }
}

fn run(path: &Path) -> usize {
    let scenario: Value = serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON");
    let folder = path.parent().expect("a file in a folder");
    let mut steps = 0;
    for build in scenario["wasm"].as_array().expect("builds") {
        let id = text(build, "id");
        let mut worlds = Worlds::new(&scenario);
        for (index, step) in scenario["steps"].as_array().expect("steps").iter().enumerate() {
            if step["skipFor"].get(id).is_some() {
                continue;
            }
            let (to, data) = if text(step, "op") == "deploy" {
                let file = text(&build["files"], text(step, "contract"));
                (None, std::fs::read(folder.join(file)).expect("the file of a contract"))
            } else {
                (Some(address(text(step, "to"))), hex::decode(&text(step, "data")[2..]).expect("hex"))
            };
            let transaction = Transaction {
                sender: address(text(step, "sender")),
                to,
                value: decimal(text(step, "value")),
                data,
                gas_limit: STEP_GAS as i64,
                gas_price: PRICE.into(),
                ..Transaction::default()
            };
            let call = step["call"].as_str().unwrap_or("deploy");
            worlds.check_step(&format!("{} {id} {index} {call}", text(&scenario, "name")), &transaction);
            steps += 1;
        }
    }
    steps
}

#[test]
fn scenarios_are_the_ledgers() {
    let mut files: Vec<_> = std::fs::read_dir(folder())
        .expect("the contracts")
        .map(|entry| entry.expect("an entry").path().join("scenario.json"))
        .filter(|path| path.exists())
        .collect();
    files.sort();
    let steps: usize = files.iter().map(|path| run(path)).sum();
    println!("{} scenarios, {steps} steps", files.len());
    assert!(files.len() >= 15 && steps >= 1_000, "{} scenarios, {steps} steps", files.len());
}

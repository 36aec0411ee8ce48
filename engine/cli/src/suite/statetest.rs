//! Runs state tests (the `GeneralStateTests` of ethereum/tests) over any [`Vm`].
//!
//! A test is a state, a block and a transaction with several choices of data, gas limit and value; for every fork it lists
//! which choices must lead to which state root and which hash of the logs. Nothing but the two hashes is judged, so gas,
//! fees, nonces and empty accounts must be right to the unit. What a wrong root is about, [`Accounts::differences`] tells
//! where the whole state is known.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use gristmill::Schedule;
use gristmill::contract::{
    Address, Bytes32, Environment, Ledger, LedgerAccount, Receipt, Refunds, Refusal, Revision, Rules, Transaction,
    TxContext, U256, Vm, keccak256,
};
use gristmill_chain::{StandardPrecompiles, logs_hash, state_root};
use k256::elliptic_curve::sec1::ToEncodedPoint;
use serde::Deserialize;

use super::fields::{Hex, Number};

/// The tests of a file by name.
pub type StateTests = BTreeMap<String, StateTest>;

/// Reads a file of state tests.
///
/// # Errors
/// Not JSON of that format; the text says where.
pub fn parse(text: &str) -> Result<StateTests, String> {
    serde_json::from_str(text).map_err(|e| e.to_string())
}

/// What tests run under, beside their fork.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Whose prices precompiles have; the VM brings its own for the rest.
    pub schedule: Schedule,
    /// Who counts refunds: the VM, or for old plugins the host.
    pub refunds: Refunds,
}

/// One test.
#[derive(Clone, Debug, Deserialize)]
pub struct StateTest {
    env: Env,
    pre: Accounts,
    transaction: Choices,
    /// By fork, in the words of the format.
    post: BTreeMap<String, Vec<Post>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Env {
    current_coinbase: Hex<Address>,
    current_number: Number,
    current_timestamp: Number,
    current_gas_limit: Number,
    current_difficulty: Option<Number>,
    current_random: Option<Number>,
    current_base_fee: Option<Number>,
}

/// The transaction, with lists to choose from.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Choices {
    data: Vec<Hex<Vec<u8>>>,
    gas_limit: Vec<Number>,
    value: Vec<Number>,
    nonce: Number,
    to: Option<String>,
    secret_key: Option<Hex<Bytes32>>,
    sender: Option<Hex<Address>>,
    gas_price: Option<Number>,
    max_fee_per_gas: Option<Number>,
    max_priority_fee_per_gas: Option<Number>,
    /// One for each choice of data.
    access_lists: Option<Vec<Option<Vec<Listed>>>>,
    max_fee_per_blob_gas: Option<Number>,
    authorization_list: Option<serde_json::Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    address: Hex<Address>,
    storage_keys: Vec<Hex<Bytes32>>,
}

/// What a choice must lead to.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Post {
    hash: Hex<Bytes32>,
    logs: Hex<Bytes32>,
    indexes: Indexes,
    /// The transaction must be refused.
    expect_exception: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Indexes {
    data: usize,
    gas: usize,
    value: usize,
}

/// A whole state as test files have it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Accounts(BTreeMap<Hex<Address>, Account>);

#[derive(Clone, Debug, Deserialize)]
struct Account {
    balance: Number,
    nonce: Number,
    code: String,
    storage: BTreeMap<Number, Number>,
}

/// What a file of derived expectations says in place of code that did not change.
const UNCHANGED: &str = "unchanged";

/// What became of one choice of a test under one fork.
#[derive(Clone, Debug)]
pub struct CaseReport {
    /// The test's name.
    pub name: String,
    /// The fork as the file spells it.
    pub fork: String,
    /// Position in the fork's list, from 0.
    pub index: usize,
    /// Why it was not run.
    pub skipped: Option<String>,
    /// What differs from the expectation, in geth's words.
    pub error: Option<String>,
    /// Root of the state afterwards.
    pub root: Bytes32,
    /// How the transaction ended.
    pub ended: String,
    /// Whole gas used after the refund; 0 when the transaction was refused.
    pub gas_used: i64,
    /// No gas was left: a VM that refuses all code would have done as well.
    pub all_gas: bool,
    /// Account by account, what is wrong; only where the whole expected state was given.
    pub differences: Vec<String>,
    /// From the state before to the root after it.
    pub time: Duration,
}

impl CaseReport {
    /// Whether it was run and is as it should be.
    pub fn passed(&self) -> bool {
        self.skipped.is_none() && self.error.is_none()
    }
}

/// The revision behind a fork's name in state tests.
pub fn revision(fork: &str) -> Option<Revision> {
    match fork {
        "EIP150" => Some(Revision::TangerineWhistle),
        "EIP158" => Some(Revision::SpuriousDragon),
        "ConstantinopleFix" => Some(Revision::Petersburg),
        "Merge" => Some(Revision::Paris),
        name => Revision::from_name(name),
    }
}

impl StateTest {
    /// Runs all cases of the forks that `wanted` likes, in the order of the file. `expected` is the whole state that all
    /// of them must lead to, if it is known.
    ///
    /// # Errors
    /// The test itself is broken: an index without a choice, a transaction without a sender, a number beyond its range.
    pub fn run(
        &self,
        name: &str,
        vm: &dyn Vm,
        terms: Terms,
        wanted: &dyn Fn(&str) -> bool,
        expected: Option<&Accounts>,
    ) -> Result<Vec<CaseReport>, String> {
        let mut reports = Vec::new();
        for (fork, cases) in self.post.iter().filter(|(fork, _)| wanted(fork)) {
            for (index, post) in cases.iter().enumerate() {
                let report = self.case(vm, terms, fork, post, expected);
                let report = report.map_err(|e| format!("{name} ({fork} {index}): {e}"))?;
                reports.push(CaseReport { name: name.into(), index, ..report });
            }
        }
        Ok(reports)
    }

    fn case(
        &self,
        vm: &dyn Vm,
        terms: Terms,
        fork: &str,
        post: &Post,
        expected: Option<&Accounts>,
    ) -> Result<CaseReport, String> {
        let mut report = CaseReport {
            name: String::new(),
            fork: fork.into(),
            index: 0,
            skipped: None,
            error: None,
            root: Bytes32::zero(),
            ended: String::new(),
            gas_used: 0,
            all_gas: false,
            differences: Vec::new(),
            time: Duration::ZERO,
        };
        let Some(revision) = revision(fork) else {
            report.skipped = Some("this engine does not know the fork".into());
            return Ok(report);
        };
        if self.transaction.authorization_list.is_some() || self.transaction.max_fee_per_blob_gas.is_some() {
            report.skipped =
                Some("transactions with blobs (EIP-4844) or authorizations (EIP-7702) are not there".into());
            return Ok(report);
        }
        let rules = Rules { intrinsic_gas: true, fees: true, refunds: terms.refunds, ..Rules::new(revision) };
        let context = self.env.context(revision)?;
        let transaction = self.transaction.choose(&post.indexes)?;
        let mut ledger = self.pre.ledger()?;
        // testeth's, and geth's: keccak256 of the number written out.
        let hash = |n: i64| (n, keccak256(n.to_string().as_bytes()));
        ledger.block_hashes = (context.number.saturating_sub(256).max(0)..context.number).map(hash).collect();
        let precompiles = StandardPrecompiles { schedule: terms.schedule, ..StandardPrecompiles::default() };
        let environment = Environment { vm, precompiles: &precompiles, rules: &rules, context: &context };

        let started = Instant::now();
        let outcome = match transaction.gas_limit > context.gas_limit {
            true => Err("the gas limit is above the block's".into()),
            false => ledger.transact(&environment, &transaction).map_err(|refusal: Refusal| refusal.to_string()),
        };
        reward(&mut ledger, &context.coinbase, revision);
        report.root = state_root(&ledger);
        report.time = started.elapsed();

        let logs = outcome.as_ref().map_or(&[][..], |receipt: &Receipt| &receipt.logs);
        report.error = judge(post, report.root, logs_hash(logs), outcome.as_ref().err());
        match &outcome {
            Ok(receipt) => {
                report.gas_used = receipt.gas_used;
                report.all_gas = receipt.gas_used == transaction.gas_limit;
                report.ended = format!("{:?}", receipt.outcome.status);
            }
            Err(refusal) => report.ended = format!("refused: {refusal}"),
        }
        if let Some(expected) = expected.filter(|_| report.error.is_some()) {
            report.differences = expected.differences(&ledger, &self.pre)?;
        }
        Ok(report)
    }
}

/// What geth says when a test fails.
fn judge(post: &Post, root: Bytes32, logs: Bytes32, refusal: Option<&String>) -> Option<String> {
    match (refusal, &post.expect_exception) {
        (Some(refusal), None) => return Some(format!("unexpected error: {refusal}")),
        (None, Some(expected)) => return Some(format!("expected error {expected:?}, got no error")),
        _ => {}
    }
    let differ =
        |what: &str, got: Bytes32, want: Bytes32| format!("post state {what} mismatch: got {got:x}, want {want:x}");
    if root != post.hash.0 {
        return Some(differ("root", root, post.hash.0));
    }
    (logs != post.logs.0).then(|| differ("logs hash", logs, post.logs.0))
}

/// The block's reward of nothing, which touches the beneficiary: what remains of mining in state tests.
fn reward(ledger: &mut Ledger, coinbase: &Address, revision: Revision) {
    if revision < Revision::SpuriousDragon {
        ledger.accounts.entry(*coinbase).or_default();
    } else if ledger.accounts.get(coinbase).is_some_and(|account| account.info().is_empty()) {
        ledger.accounts.remove(coinbase);
    }
}

impl Env {
    fn context(&self, revision: Revision) -> Result<TxContext, String> {
        let random = if revision >= Revision::Paris { self.current_random } else { self.current_difficulty };
        let base_fee = self.current_base_fee.filter(|_| revision >= Revision::London);
        Ok(TxContext {
            coinbase: self.current_coinbase.0,
            number: self.current_number.small("the block's number")?,
            timestamp: self.current_timestamp.small("the block's time")?,
            gas_limit: self.current_gas_limit.small("the block's gas limit")?,
            prev_randao: random.unwrap_or_default().0,
            base_fee: base_fee.unwrap_or_default().0,
            blob_base_fee: U256::one(),
            chain_id: U256::one(),
            ..TxContext::default()
        })
    }
}

/// The choice of that index, in the words of the format.
fn chosen<'a, T>(list: &'a [T], index: usize, what: &str) -> Result<&'a T, String> {
    list.get(index).ok_or_else(|| format!("there is no {what} {index}"))
}

impl Choices {
    fn choose(&self, indexes: &Indexes) -> Result<Transaction, String> {
        let to = self.to.clone().filter(|to| !to.is_empty()).map(Hex::<Address>::try_from).transpose()?;
        let nonce = u64::try_from(self.nonce.0).map_err(|_| "the nonce is beyond 64 bits")?;
        let price = self.gas_price.or(self.max_fee_per_gas).ok_or("there is no gas price")?;
        let lists = self.access_lists.as_deref().unwrap_or_default();
        let listed = lists.get(indexes.data).cloned().flatten().unwrap_or_default();
        let slots = |listed: Listed| (listed.address.0, listed.storage_keys.into_iter().map(|key| key.0).collect());
        // A limit that gas cannot have is above the block's in any case.
        let gas_limit = chosen(&self.gas_limit, indexes.gas, "gas limit")?.small("gas limit").unwrap_or(i64::MAX);
        Ok(Transaction {
            sender: self.sender()?,
            to: to.map(|to| to.0),
            value: chosen(&self.value, indexes.value, "value")?.0,
            data: chosen(&self.data, indexes.data, "data")?.0.clone(),
            gas_limit,
            gas_price: price.0,
            priority_fee: self.max_priority_fee_per_gas.map(|fee| fee.0),
            access_list: listed.into_iter().map(slots).collect(),
            nonce: Some(nonce),
            ..Transaction::default()
        })
    }

    fn sender(&self) -> Result<Address, String> {
        match (&self.sender, &self.secret_key) {
            (Some(sender), _) => Ok(sender.0),
            (None, Some(key)) => address_of(&key.0).ok_or_else(|| "the secret key is none of secp256k1".into()),
            (None, None) => Err("there is neither sender nor secretKey".into()),
        }
    }
}

/// The account of a secret key: the last 20 bytes of the hash of its public key. Source: Yellow Paper, appendix F.
fn address_of(secret: &Bytes32) -> Option<Address> {
    let key = k256::SecretKey::from_slice(secret.as_bytes()).ok()?;
    let point = key.public_key().to_encoded_point(false);
    // One byte says how the point is encoded.
    let hash = keccak256(point.as_bytes().get(1..)?);
    Some(Address::from_slice(&hash.as_bytes()[12..]))
}

impl Accounts {
    fn ledger(&self) -> Result<Ledger, String> {
        let mut ledger = Ledger::new();
        for (address, account) in &self.0 {
            ledger.accounts.insert(address.0, account.load(&[])?);
        }
        Ok(ledger)
    }

    /// What is wrong with `ledger`, account by account; code that is said to be unchanged is that of `pre`.
    ///
    /// # Errors
    /// A nonce beyond 64 bits, code that is no hex.
    pub fn differences(&self, ledger: &Ledger, pre: &Accounts) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        let addresses: BTreeSet<_> = self.0.keys().map(|a| a.0).chain(ledger.accounts.keys().copied()).collect();
        for address in addresses {
            let expected = self.0.get(&Hex(address)).map(|account| {
                let before = pre.0.get(&Hex(address)).map_or("", |account| account.code.as_str());
                account.load(&crate::abi::parse_hex(before)?)
            });
            match (expected.transpose()?, ledger.accounts.get(&address)) {
                (Some(should), Some(is)) => compare(&address, is, &should, &mut found),
                (Some(_), None) => found.push(format!("{address:?} is missing")),
                (None, Some(_)) => found.push(format!("{address:?} should not be there")),
                (None, None) => {}
            }
        }
        Ok(found)
    }
}

impl Account {
    fn load(&self, before: &[u8]) -> Result<LedgerAccount, String> {
        let code = if self.code == UNCHANGED { before.to_vec() } else { crate::abi::parse_hex(&self.code)? };
        let slots = self.storage.iter().filter(|(_, value)| !value.0.is_zero());
        Ok(LedgerAccount {
            nonce: u64::try_from(self.nonce.0).map_err(|_| "a nonce is beyond 64 bits")?,
            balance: self.balance.0,
            code: code.into(),
            storage: slots.map(|(key, value)| (key.word(), value.word())).collect(),
        })
    }
}

fn compare(address: &Address, is: &LedgerAccount, should: &LedgerAccount, found: &mut Vec<String>) {
    let mut differ = |what: String, is: String, should: String| {
        if is != should {
            found.push(format!("{address:?}: {what} is {is}, should be {should}"));
        }
    };
    differ("balance".into(), is.balance.to_string(), should.balance.to_string());
    differ("nonce".into(), is.nonce.to_string(), should.nonce.to_string());
    let code = |account: &LedgerAccount| format!("{} bytes with hash {:?}", account.code.len(), account.code.hash());
    differ("code".into(), code(is), code(should));
    let keys: BTreeSet<_> = is.storage.keys().chain(should.storage.keys()).collect();
    for key in keys {
        let value = |account: &LedgerAccount| format!("{:?}", account.storage.get(key).copied().unwrap_or_default());
        differ(format!("storage[{key:?}]"), value(is), value(should));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_accounts() {
        // The key of all Ewasm state tests, and of most others.
        let key = "45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8".parse().unwrap();
        assert_eq!(address_of(&key), Some("a94f5374fce5edbc8e2a8697c15331677e6ebf0b".parse().unwrap()));
        assert_eq!(address_of(&Bytes32::zero()), None);
    }

    #[test]
    fn forks_have_revisions() {
        assert_eq!(revision("EIP158"), Some(Revision::SpuriousDragon));
        assert_eq!(revision("Byzantium"), Some(Revision::Byzantium));
        assert_eq!(revision("Merge"), Some(Revision::Paris));
        assert_eq!(revision("BPO1"), None);
    }
}

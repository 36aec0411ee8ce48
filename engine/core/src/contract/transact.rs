//! A whole transaction over any backing: what the sender pays, the message, the refund, what changed.

use super::address::{create_address, create2_address};
use super::host::{Host, Vm};
use super::journal::{AccountInfo, Backing, Changes, Journal, Precompiles, Refunds, Rules};
use super::types::{Address, Bytes32, CallKind, Log, Message, Outcome, Revision, StatusCode, TxContext, U256};
use crate::error::Fault;
use crate::limits::MESSAGE_DEPTH;
use alloc::vec::Vec;
use core::fmt;

/// What somebody wants done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// Who pays and whose nonce rises.
    pub sender: Address,
    /// Who is called; `None`: an account is created.
    pub to: Option<Address>,
    /// Wei that move along.
    pub value: U256,
    /// Call data, or init code.
    pub data: Vec<u8>,
    /// What init code sees as call data. Empty on Ethereum; of no meaning in a call.
    pub arguments: Vec<u8>,
    /// Creates the account at the address of CREATE2 with this salt.
    pub salt: Option<Bytes32>,
    /// Whole gas. A negative limit is refused.
    pub gas_limit: i64,
    /// Wei a gas; paid only when [`Rules::fees`] says so, and always seen by contracts. With a priority fee: the most that
    /// is paid in all.
    pub gas_price: U256,
    /// EIP-1559, from London on: wei a gas for the beneficiary at most, on top of the base fee. `None`: whatever
    /// `gas_price` leaves.
    pub priority_fee: Option<U256>,
    /// EIP-2930, from Berlin on: accounts and slots that are paid for beforehand and warm from the start.
    pub access_list: Vec<(Address, Vec<Bytes32>)>,
    /// Refused when this is given and not the sender's.
    pub nonce: Option<u64>,
}

/// What came of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// How its message ended; of a successful creation with the address and without output.
    pub outcome: Outcome,
    /// Events, in order.
    pub logs: Vec<Log>,
    /// Whole gas used, after the refund.
    pub gas_used: i64,
    /// Whole gas refunded.
    pub gas_refunded: i64,
}

/// Why a transaction did not happen at all: no nonce rose, nobody paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The nonce is not the sender's, or the sender's has reached its end.
    Nonce {
        /// What the transaction says.
        given: u64,
        /// What the sender has.
        expected: u64,
    },
    /// The sender has less than value and gas cost.
    Balance,
    /// The gas limit does not cover what the transaction costs before anything runs.
    IntrinsicGas {
        /// Whole gas that it costs.
        needed: i64,
    },
    /// EIP-3860: too much init code.
    InitCodeSize,
    /// EIP-1559: the price is below the base fee, or below the priority fee.
    GasPrice,
    /// An access list before Berlin, or a priority fee before London.
    TooEarly,
    /// The machine or its database is broken.
    Fault(Fault),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Nonce { given, expected } => write!(f, "the nonce is {given}, the sender's is {expected}"),
            Refusal::Balance => f.write_str("the sender's balance covers not value and gas"),
            Refusal::IntrinsicGas { needed } => write!(f, "the gas limit is below the {needed} that it takes to start"),
            Refusal::InitCodeSize => f.write_str("the init code is too large"),
            Refusal::GasPrice => f.write_str("the gas price is below the base fee or the priority fee"),
            Refusal::TooEarly => f.write_str("a transaction of this kind belongs to a later revision"),
            Refusal::Fault(fault) => fault.fmt(f),
        }
    }
}

impl core::error::Error for Refusal {}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Refusal::Fault(fault)
    }
}

/// What surrounds transactions.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    /// Runs code.
    pub vm: &'a dyn Vm,
    /// Native accounts.
    pub precompiles: &'a dyn Precompiles,
    /// The chain's rules.
    pub rules: &'a Rules,
    /// The block. Origin and gas price are the transaction's, whatever stands here.
    pub context: &'a TxContext,
}

/// Runs `transaction` and returns what it changed. The backing itself is not written to.
///
/// # Errors
/// [`Refusal`]: the transaction did not happen.
pub fn transact(
    backing: &dyn Backing,
    environment: &Environment<'_>,
    transaction: &Transaction,
) -> Result<(Receipt, Changes), Refusal> {
    let Environment { vm, precompiles, rules, context } = *environment;
    let gas_price = effective_price(transaction, context);
    let context = TxContext { origin: transaction.sender, gas_price, ..context.clone() };
    let mut journal = Journal::new(backing, vm, precompiles, rules, &context);
    let gas = admit(&mut journal, rules, &context, transaction)?;
    let nonce = start(&mut journal, rules, &context, transaction)?;
    let outcome = send(&mut journal, rules, transaction, nonce, gas)?;
    let (gas_used, gas_refunded) = settle(&mut journal, rules, &context, transaction, &outcome)?;
    let (changes, logs) = journal.finish();
    Ok((Receipt { outcome, logs, gas_used, gas_refunded }, changes))
}

/// What a gas costs in this block (EIP-1559).
fn effective_price(transaction: &Transaction, context: &TxContext) -> U256 {
    match transaction.priority_fee {
        None => transaction.gas_price,
        Some(fee) => context.base_fee.saturating_add(fee).min(transaction.gas_price),
    }
}

/// Gas for an account in an access list. Source: EIP-2930.
const LISTED_ACCOUNT: i64 = 2_400;
/// Gas for a slot in an access list. Source: EIP-2930.
const LISTED_SLOT: i64 = 1_900;

/// Whole gas that the transaction costs before anything runs, and the least that it costs at all (EIP-7623).
pub fn intrinsic_gas(revision: Revision, transaction: &Transaction) -> (i64, i64) {
    let bytes = [&transaction.data[..], &transaction.arguments[..]];
    // Vectors hold at most i64::MAX bytes; saturating keeps sums of prices in range.
    let length: i64 = bytes.iter().map(|b| b.len() as i64).sum();
    let zeros = bytes.iter().map(|b| b.iter().filter(|byte| **byte == 0).count() as i64).sum::<i64>();
    let others = length - zeros;
    // EIP-2028 made data cheaper.
    let price = if revision >= Revision::Istanbul { 16 } else { 68 };
    let mut gas = others.saturating_mul(price).saturating_add(zeros.saturating_mul(4)).saturating_add(21_000);
    if transaction.to.is_none() {
        if revision >= Revision::Homestead {
            gas = gas.saturating_add(32_000);
        }
        if revision >= Revision::Shanghai {
            // EIP-3860. A count of words fits wherever the count of bytes did.
            gas = gas.saturating_add(2 * transaction.data.len().div_ceil(32) as i64);
        }
    }
    for (_, slots) in &transaction.access_list {
        gas = gas.saturating_add(LISTED_ACCOUNT).saturating_add(LISTED_SLOT.saturating_mul(slots.len() as i64));
    }
    let floor = if revision >= Revision::Prague {
        others.saturating_mul(4).saturating_add(zeros).saturating_mul(10).saturating_add(21_000)
    } else {
        0
    };
    (gas, floor)
}

/// The checks, without a change: what is left of the gas limit for the message.
fn admit(
    journal: &mut Journal<'_>,
    rules: &Rules,
    context: &TxContext,
    transaction: &Transaction,
) -> Result<i64, Refusal> {
    let sender = journal.account(&transaction.sender)?.unwrap_or_default();
    let given = transaction.nonce.unwrap_or(sender.nonce);
    if given != sender.nonce || given == u64::MAX {
        return Err(Refusal::Nonce { given, expected: sender.nonce });
    }
    let listed = rules.revision < Revision::Berlin && !transaction.access_list.is_empty();
    if listed || (rules.revision < Revision::London && transaction.priority_fee.is_some()) {
        return Err(Refusal::TooEarly);
    }
    let too_large = |max| transaction.data.len() > max;
    if transaction.to.is_none() && rules.max_init_code_size.is_some_and(too_large) {
        return Err(Refusal::InitCodeSize);
    }
    let least = transaction.priority_fee.unwrap_or_default().max(context.base_fee);
    if rules.fees && rules.revision >= Revision::London && transaction.gas_price < least {
        return Err(Refusal::GasPrice);
    }
    let (intrinsic, floor) = if rules.intrinsic_gas { intrinsic_gas(rules.revision, transaction) } else { (0, 0) };
    let needed = intrinsic.max(floor);
    if transaction.gas_limit < needed {
        return Err(Refusal::IntrinsicGas { needed });
    }
    let price = if rules.fees { gas_cost(transaction.gas_limit, transaction.gas_price) } else { Some(U256::zero()) };
    match price.and_then(|price| price.checked_add(transaction.value)) {
        Some(total) if total <= sender.balance => Ok(transaction.gas_limit - intrinsic),
        _ => Err(Refusal::Balance),
    }
}

/// The price of `gas`, unless it is more than there is.
fn gas_cost(gas: i64, price: U256) -> Option<U256> {
    U256::from(gas.max(0)).checked_mul(price)
}

/// Buys the gas, raises the nonce and warms what EIP-2929, EIP-2930 and EIP-3651 say. The nonce before.
fn start(
    journal: &mut Journal<'_>,
    rules: &Rules,
    context: &TxContext,
    transaction: &Transaction,
) -> Result<u64, Refusal> {
    let sender = &transaction.sender;
    if rules.fees {
        let cost = gas_cost(transaction.gas_limit, context.gas_price).ok_or(Refusal::Balance)?;
        journal.take_balance(sender, cost)?;
    }
    let info = journal.account(sender)?.unwrap_or_default();
    journal.set_account(sender, AccountInfo { nonce: info.nonce.saturating_add(1), ..info })?;
    journal.access_account(sender)?;
    if let Some(to) = &transaction.to {
        journal.access_account(to)?;
    }
    if rules.revision >= Revision::Shanghai {
        journal.access_account(&context.coinbase)?;
    }
    for (address, slots) in &transaction.access_list {
        journal.access_account(address)?;
        for slot in slots {
            journal.access_storage(address, slot)?;
        }
    }
    Ok(info.nonce)
}

fn send(
    journal: &mut Journal<'_>,
    rules: &Rules,
    transaction: &Transaction,
    nonce: u64,
    gas: i64,
) -> Result<Outcome, Refusal> {
    let to = transaction.to.unwrap_or_default();
    let message = Message {
        kind: match (transaction.to, transaction.salt) {
            (Some(_), _) => CallKind::Call,
            (None, None) => CallKind::Create,
            (None, Some(_)) => CallKind::Create2,
        },
        is_static: false,
        // Nobody sees the number, but how many are left.
        depth: MESSAGE_DEPTH.saturating_sub(rules.max_depth),
        gas,
        recipient: to,
        sender: transaction.sender,
        code_address: to,
        input: &transaction.data,
        value: transaction.value,
        salt: transaction.salt.unwrap_or_default(),
    };
    if !message.kind.is_create() {
        return Ok(journal.call_nested(&message)?);
    }
    let address = match &transaction.salt {
        Some(salt) => create2_address(&transaction.sender, salt, &transaction.data),
        None => create_address(&transaction.sender, nonce),
    };
    Ok(journal.create_at(&address, &message, &transaction.arguments)?)
}

/// The refund, and the fees. Gas used and refunded.
fn settle(
    journal: &mut Journal<'_>,
    rules: &Rules,
    context: &TxContext,
    transaction: &Transaction,
    outcome: &Outcome,
) -> Result<(i64, i64), Refusal> {
    let mut used = transaction.gas_limit - outcome.gas_left;
    let counted = match rules.refunds {
        Refunds::FromVm => outcome.gas_refund,
        Refunds::Counted if outcome.status == StatusCode::Success => journal.refund(),
        Refunds::Counted => 0,
    };
    // EIP-3529 lowered the share that can come back.
    let share = if rules.revision >= Revision::London { 5 } else { 2 };
    let refunded = counted.clamp(0, used / share);
    used -= refunded;
    if rules.intrinsic_gas {
        used = used.max(intrinsic_gas(rules.revision, transaction).1);
    }
    if rules.fees {
        let price = context.gas_price;
        let rest = gas_cost(transaction.gas_limit - used, price).ok_or(Refusal::Balance)?;
        journal.add_balance(&transaction.sender, rest)?;
        // EIP-1559 burns the base fee.
        let burnt = if rules.revision >= Revision::London { context.base_fee } else { U256::zero() };
        let tip = gas_cost(used, price.saturating_sub(burnt)).ok_or(Refusal::Balance)?;
        journal.add_balance(&context.coinbase, tip)?;
    }
    Ok((used, refunded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::execute::{Ewasm, Observer, Options};
    use crate::contract::journal::NoPrecompiles;
    use crate::contract::ledger::{Ledger, LedgerAccount};
    use crate::contract::types::Access;
    use crate::error::Trap;
    use crate::{Config, Engine, Gas, Profile};
    use alloc::sync::Arc;
    use alloc::vec;
    use core::sync::atomic::{AtomicU64, Ordering};

    fn address(n: u64) -> Address {
        Address::from_low_u64_be(n)
    }

    /// Uses 40,000 of what it gets and claims a refund of 30,000.
    struct Spender;

    impl Vm for Spender {
        fn execute(&self, _: &mut dyn Host, _: Revision, message: &Message<'_>, _: &[u8]) -> Outcome {
            let end = Outcome::failure(StatusCode::Success);
            Outcome { gas_left: message.gas - 40_000, gas_refund: 30_000, ..end }
        }
    }

    const PRICE: u64 = 3;
    const START: u64 = 1_000_000;

    fn ledger() -> Ledger {
        let mut ledger = Ledger::new();
        let account = |balance: u64, code: &[u8]| LedgerAccount {
            balance: balance.into(),
            code: code.into(),
            ..LedgerAccount::default()
        };
        ledger.accounts.insert(address(1), account(START, &[]));
        ledger.accounts.insert(address(2), account(0, &[1]));
        ledger
    }

    fn run(rules: Rules, base_fee: u64, transaction: &Transaction) -> (Ledger, Result<Receipt, Refusal>) {
        let context = TxContext { coinbase: address(9), base_fee: base_fee.into(), ..TxContext::default() };
        let environment = Environment { vm: &Spender, precompiles: &NoPrecompiles, rules: &rules, context: &context };
        let mut ledger = ledger();
        let receipt = ledger.transact(&environment, transaction);
        (ledger, receipt)
    }

    fn call() -> Transaction {
        Transaction {
            sender: address(1),
            to: Some(address(2)),
            gas_limit: 100_000,
            gas_price: PRICE.into(),
            ..Transaction::default()
        }
    }

    #[test]
    fn intrinsic_gas_by_revision() {
        let call = Transaction { data: vec![0, 0, 1], ..call() };
        let create = Transaction { to: None, data: vec![1; 33], arguments: vec![0], ..call.clone() };
        for (revision, expected) in [
            (Revision::Frontier, [(21_076, 0), (21_000 + 33 * 68 + 4, 0)]),
            (Revision::Byzantium, [(21_076, 0), (53_000 + 33 * 68 + 4, 0)]),
            (Revision::Istanbul, [(21_024, 0), (53_000 + 33 * 16 + 4, 0)]),
            (Revision::Shanghai, [(21_024, 0), (53_000 + 33 * 16 + 4 + 4, 0)]),
            (Revision::Prague, [(21_024, 21_060), (53_000 + 33 * 16 + 4 + 4, 21_000 + 10 * (4 * 33 + 1))]),
        ] {
            assert_eq!([intrinsic_gas(revision, &call), intrinsic_gas(revision, &create)], expected, "{revision:?}");
        }
    }

    #[test]
    fn fees_and_refunds_by_revision() {
        for (revision, base_fee, used, tip) in [
            // Half of 61,000 can come back, so all of 30,000 does.
            (Revision::Byzantium, 0, 31_000, PRICE),
            // A fifth, and the base fee is burnt.
            (Revision::London, 1, 48_800, PRICE - 1),
        ] {
            let rules = Rules { fees: true, intrinsic_gas: true, ..Rules::new(revision) };
            let (ledger, receipt) = run(rules, base_fee, &call());
            let receipt = receipt.unwrap();
            assert_eq!((receipt.gas_used, receipt.gas_refunded), (used, 61_000 - used));
            let balance = |n| ledger.accounts[&address(n)].balance.as_u64();
            assert_eq!(balance(1), START - PRICE * used as u64);
            assert_eq!(balance(9), tip * used as u64);
            assert_eq!(ledger.accounts[&address(1)].nonce, 1);
        }
    }

    #[test]
    fn access_lists_are_paid_for_and_warm() {
        let list = vec![(address(5), vec![Bytes32::zero(), Bytes32::repeat_byte(7)]), (address(2), vec![])];
        let listed = Transaction { access_list: list, ..call() };
        // 21,000, 2 accounts at 2,400 and 2 slots at 1,900.
        assert_eq!(intrinsic_gas(Revision::Berlin, &listed), (29_600, 0));
        assert_eq!(intrinsic_gas(Revision::Prague, &listed), (29_600, 21_000));

        /// Says of some accounts and slots whether they are warm: 1.
        struct Prober;
        impl Vm for Prober {
            fn execute(&self, host: &mut dyn Host, _: Revision, message: &Message<'_>, _: &[u8]) -> Outcome {
                let accounts = [1, 2, 5, 9, 6].map(|n| host.access_account(&address(n)));
                let slots = [7, 8].map(|n| host.access_storage(&address(5), &Bytes32::repeat_byte(n)));
                let warm = accounts.into_iter().chain(slots).map(|access| u8::from(access == Ok(Some(Access::Warm))));
                let end = Outcome::failure(StatusCode::Success);
                Outcome { gas_left: message.gas, output: warm.collect(), ..end }
            }
        }
        let context = TxContext { coinbase: address(9), ..TxContext::default() };
        for (revision, transaction, warm) in [
            (Revision::London, call(), [1, 1, 0, 0, 0, 0, 0]),
            (Revision::London, listed.clone(), [1, 1, 1, 0, 0, 1, 0]),
            // EIP-3651: the beneficiary too.
            (Revision::Shanghai, listed, [1, 1, 1, 1, 0, 1, 0]),
        ] {
            let rules = Rules { intrinsic_gas: true, ..Rules::new(revision) };
            let environment =
                Environment { vm: &Prober, precompiles: &NoPrecompiles, rules: &rules, context: &context };
            let receipt = ledger().call(&environment, &transaction).unwrap();
            assert_eq!(receipt.outcome.output, warm, "{revision:?}");
            assert_eq!(receipt.gas_used, intrinsic_gas(revision, &transaction).0);
        }
    }

    #[test]
    fn the_priority_fee_goes_to_the_beneficiary() {
        let rules = Rules { fees: true, intrinsic_gas: true, ..Rules::new(Revision::London) };
        // 61,000 used, of which a fifth comes back.
        let used = 48_800;
        for (most, fee, price) in [(10, 3, 5), (5, 3, 5), (4, 3, 4), (2, 0, 2)] {
            let (base_fee, fee) = (2, U256::from(fee));
            let transaction = Transaction { gas_price: most.into(), priority_fee: Some(fee), ..call() };
            let (ledger, receipt) = run(rules.clone(), base_fee, &transaction);
            assert_eq!(receipt.unwrap().gas_used, used);
            assert_eq!(ledger.accounts[&address(1)].balance, (START - price * used as u64).into());
            let tip = (price - base_fee) * used as u64;
            assert_eq!(ledger.accounts.get(&address(9)).map_or(0, |account| account.balance.as_u64()), tip);
            // The sender must have what it might cost: 100,000 at 10.
            let dear = Transaction { value: 1.into(), ..transaction };
            assert_eq!(run(rules.clone(), base_fee, &dear).1.is_err(), most == 10);
        }
    }

    #[test]
    fn the_least_that_data_costs() {
        let rules = Rules { fees: true, intrinsic_gas: true, ..Rules::new(Revision::Prague) };
        // 21,000 and 2,000 bytes at 40; without the floor: 53,000 and 40,000, and a fifth of that back.
        let transaction = Transaction { data: vec![1; 2_000], gas_limit: 120_000, ..call() };
        let (ledger, receipt) = run(rules.clone(), 0, &transaction);
        assert_eq!(receipt.unwrap().gas_used, 101_000);
        assert_eq!(ledger.accounts[&address(1)].balance, (START - PRICE * 101_000).into());
        let short = Transaction { gas_limit: 100_999, ..transaction.clone() };
        assert_eq!(run(rules, 0, &short).1, Err(Refusal::IntrinsicGas { needed: 101_000 }));
        let before = Rules { fees: true, intrinsic_gas: true, ..Rules::new(Revision::Cancun) };
        assert_eq!(run(before, 0, &transaction).1.unwrap().gas_used, 93_000 - 18_600);
    }

    #[test]
    fn an_empty_beneficiary_goes_with_a_tip_of_nothing() {
        let context = TxContext { coinbase: address(9), base_fee: PRICE.into(), ..TxContext::default() };
        let rules = Rules { fees: true, ..Rules::new(Revision::London) };
        let environment = Environment { vm: &Spender, precompiles: &NoPrecompiles, rules: &rules, context: &context };
        let mut ledger = ledger();
        ledger.accounts.insert(address(9), LedgerAccount::default());
        ledger.transact(&environment, &call()).unwrap();
        assert!(!ledger.accounts.contains_key(&address(9)));
    }

    #[test]
    fn without_fees_gas_moves_nothing() {
        let (ledger, receipt) = run(Rules::new(Revision::Byzantium), 0, &call());
        assert_eq!(receipt.unwrap().gas_used, 20_000);
        assert_eq!(ledger.accounts[&address(1)].balance, START.into());
        assert!(!ledger.accounts.contains_key(&address(9)));
    }

    #[test]
    fn refusals_change_nothing() {
        let paid = Rules { fees: true, intrinsic_gas: true, ..Rules::default() };
        let small = Rules { max_init_code_size: Some(1), ..Rules::default() };
        let refused = |rules: &Rules, base_fee, transaction| {
            let (after, receipt) = run(rules.clone(), base_fee, &transaction);
            assert_eq!(after, ledger());
            receipt.unwrap_err()
        };
        let wrong = Transaction { nonce: Some(1), ..call() };
        assert_eq!(refused(&paid, 0, wrong), Refusal::Nonce { given: 1, expected: 0 });
        let short = Transaction { gas_limit: 20_999, ..call() };
        assert_eq!(refused(&paid, 0, short), Refusal::IntrinsicGas { needed: 21_000 });
        let negative = Transaction { gas_limit: -1, ..call() };
        assert_eq!(refused(&Rules::default(), 0, negative), Refusal::IntrinsicGas { needed: 0 });
        assert_eq!(refused(&paid, PRICE + 1, call()), Refusal::GasPrice);
        let generous = Transaction { priority_fee: Some((PRICE + 1).into()), ..call() };
        assert_eq!(refused(&paid, 0, generous.clone()), Refusal::GasPrice);
        assert_eq!(refused(&Rules::new(Revision::Berlin), 0, generous), Refusal::TooEarly);
        let listed = Transaction { access_list: vec![(address(2), vec![])], ..call() };
        assert_eq!(refused(&Rules::new(Revision::Istanbul), 0, listed), Refusal::TooEarly);
        // To the last wei: gas and value together.
        let all = START - PRICE * 100_000;
        assert_eq!(refused(&paid, 0, Transaction { value: (all + 1).into(), ..call() }), Refusal::Balance);
        assert!(run(paid.clone(), 0, &Transaction { value: all.into(), ..call() }).1.is_ok());
        let dear = Transaction { gas_price: U256::MAX, ..call() };
        assert_eq!(refused(&paid, 0, dear), Refusal::Balance);
        assert_eq!(
            refused(&Rules::default(), 0, Transaction { value: (START + 1).into(), ..call() }),
            Refusal::Balance
        );
        let large = Transaction { to: None, data: vec![1, 2], ..call() };
        assert_eq!(refused(&small, 0, large), Refusal::InitCodeSize);
    }

    #[test]
    fn addresses_of_creations() {
        let create = Transaction { to: None, data: vec![7], ..call() };
        let (_, receipt) = run(Rules::default(), 0, &create);
        assert_eq!(receipt.unwrap().outcome.create_address, Some(create_address(&address(1), 0)));
        let salt = Bytes32::repeat_byte(5);
        let (_, receipt) = run(Rules::default(), 0, &Transaction { salt: Some(salt), ..create });
        let expected = create2_address(&address(1), &salt, &[7]);
        assert_eq!(receipt.unwrap().outcome.create_address, Some(expected));
    }

    /// Calls itself with all its gas, and counts in its storage how often it was called.
    const CALLER: &str = r#"(module
        (import "ethereum" "getAddress" (func $address (param i32)))
        (import "ethereum" "storageLoad" (func $load (param i32 i32)))
        (import "ethereum" "storageStore" (func $store (param i32 i32)))
        (import "ethereum" "call" (func $call (param i64 i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "main")
            (call $load (i32.const 0) (i32.const 32))
            (i64.store (i32.const 32) (i64.add (i64.load (i32.const 32)) (i64.const 1)))
            (call $store (i32.const 0) (i32.const 32))
            (call $address (i32.const 64))
            (drop (call $call (i64.const 0x7fffffff) (i32.const 64) (i32.const 96) (i32.const 0) (i32.const 0)))))"#;

    fn caller(observer: Option<Arc<dyn Observer>>, rules: &Rules) -> (StatusCode, u64) {
        let engine = Engine::new(Config::new().profile(Profile::chain1())).expect("an engine");
        let vm = Ewasm::new(&engine, Options { observer, ..Options::default() });
        let context = TxContext::default();
        let environment = Environment { vm: &vm, precompiles: &NoPrecompiles, rules, context: &context };
        let mut ledger = Ledger::new();
        let code = wat::parse_str(CALLER).expect("well-formed").into();
        ledger.accounts.insert(address(2), LedgerAccount { code, ..LedgerAccount::default() });
        let transaction = Transaction { gas_limit: 50_000_000, gas_price: U256::zero(), ..call() };
        let receipt = ledger.transact(&environment, &transaction).expect("it happens");
        let calls = ledger.accounts[&address(2)].storage.get(&Bytes32::zero());
        let low = |value: &Bytes32| u64::from_le_bytes(value.0[..8].try_into().expect("eight bytes"));
        (receipt.outcome.status, calls.map_or(0, low))
    }

    #[test]
    fn messages_are_as_deep_as_the_rules_say() {
        for max_depth in [0, 1, 31, 40] {
            let rules = Rules { max_depth, ..Rules::default() };
            assert_eq!(caller(None, &rules), (StatusCode::Success, u64::from(max_depth) + 1));
        }
    }

    /// Lets so many host calls pass.
    struct Toll(AtomicU64);

    impl Observer for Toll {
        fn before(&self, _: usize, _: &[u64], _: Gas) -> Result<(), Trap> {
            let left = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            left.map(drop).map_err(|_| Trap::OutOfGas)
        }
    }

    /// A frame whose toll is spent ends, and with it what it did; the frames around it do not.
    #[test]
    fn a_frame_ends_where_its_observer_says() {
        let rules = Rules { max_depth: 2, ..Rules::default() };
        // Of each frame four calls, and the innermost has nobody to call.
        for (toll, status, calls) in [
            (0, StatusCode::OutOfGas, 0),
            (3, StatusCode::OutOfGas, 0),
            (4, StatusCode::Success, 1),
            (7, StatusCode::Success, 1),
            (8, StatusCode::Success, 2),
            (12, StatusCode::Success, 3),
        ] {
            let toll = Arc::new(Toll(AtomicU64::new(toll)));
            assert_eq!(caller(Some(toll), &rules), (status, calls));
        }
    }
}

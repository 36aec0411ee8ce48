//! The journal with scripted code in place of a VM.

use super::*;
use crate::contract::address::{create_address, keccak256};
use crate::contract::ledger::{Ledger, LedgerAccount};
use crate::contract::types::{CallKind, StatusCode};
use StorageStatus::*;

/// Code is one byte; what it does is up to the test.
struct Script<F>(F);

impl<F: Fn(&mut dyn Host, &Message<'_>, u8) -> Outcome> Vm for Script<F> {
    fn execute(&self, host: &mut dyn Host, _: Revision, message: &Message<'_>, code: &[u8]) -> Outcome {
        (self.0)(host, message, code[0])
    }
}

fn end(status: StatusCode, gas_left: i64, output: &[u8]) -> Outcome {
    Outcome { gas_left, output: output.into(), ..Outcome::failure(status) }
}

fn address(n: u64) -> Address {
    Address::from_low_u64_be(n)
}

fn word(n: u64) -> Bytes32 {
    Bytes32::from_low_u64_be(n)
}

fn message(kind: CallKind, sender: u64, to: u64, value: u64) -> Message<'static> {
    Message {
        kind,
        is_static: false,
        depth: 1,
        gas: 100_000,
        recipient: address(to),
        sender: address(sender),
        code_address: address(to),
        input: &[],
        value: value.into(),
        salt: Bytes32::zero(),
    }
}

fn ledger(accounts: &[(u64, u64, &[u8])]) -> Ledger {
    let mut ledger = Ledger::new();
    for (n, balance, code) in accounts {
        let account = LedgerAccount { balance: (*balance).into(), code: (*code).into(), ..Default::default() };
        ledger.accounts.insert(address(*n), account);
    }
    ledger
}

fn with_journal<R>(
    backing: &dyn Backing,
    revision: Revision,
    vm: &dyn Vm,
    body: impl FnOnce(&mut Journal<'_>) -> R,
) -> (R, Changes, Vec<Log>) {
    let rules = Rules::new(revision);
    let context = TxContext::default();
    let mut journal = Journal::new(backing, vm, &NoPrecompiles, &rules, &context);
    let result = body(&mut journal);
    let (changes, logs) = journal.finish();
    (result, changes, logs)
}

fn no_code() -> Script<impl Fn(&mut dyn Host, &Message<'_>, u8) -> Outcome> {
    Script(|_: &mut dyn Host, _: &Message<'_>, _| end(StatusCode::Success, 0, &[]))
}

/// EVMC's table: original, current, new, with X, Y, Z distinct and not zero.
#[test]
fn storage_statuses() {
    let [o, x, y, z] = [0, 1, 2, 3].map(word);
    for (original, current, new, status) in [
        (o, o, o, Assigned),
        (x, x, x, Assigned),
        (o, y, y, Assigned),
        (x, y, y, Assigned),
        (x, o, o, Assigned),
        (o, y, z, Assigned),
        (x, y, z, Assigned),
        (o, o, z, Added),
        (x, x, o, Deleted),
        (x, x, z, Modified),
        (x, o, z, DeletedAdded),
        (x, y, o, ModifiedDeleted),
        (x, o, x, DeletedRestored),
        (o, y, o, AddedDeleted),
        (x, y, x, ModifiedRestored),
    ] {
        assert_eq!(storage_status(original, current, new), status, "{original} {current} {new}");
    }
}

#[test]
fn the_original_value_is_that_of_the_transaction_across_frames() {
    let mut backing = ledger(&[(1, 0, &[])]);
    backing.accounts.get_mut(&address(1)).unwrap().storage.insert(word(7), word(1));
    let (statuses, changes, _) = with_journal(&backing, Revision::Prague, &no_code(), |journal| {
        let mut statuses = Vec::new();
        let mut set = |journal: &mut Journal<'_>, value| {
            statuses.push(journal.set_storage(&address(1), &word(7), &word(value)).unwrap());
        };
        set(journal, 2);
        let point = journal.checkpoint();
        set(journal, 0);
        set(journal, 1);
        journal.revert_to(point);
        assert_eq!(journal.storage(&address(1), &word(7)), Ok(word(2)));
        set(journal, 1);
        statuses
    });
    assert_eq!(statuses, [Modified, ModifiedDeleted, DeletedRestored, ModifiedRestored]);
    assert_eq!(changes, Changes::default(), "everything is as it was");
}

#[test]
fn a_failure_takes_everything_back() {
    let backing = ledger(&[(1, 10, &[]), (2, 0, &[1])]);
    for status in [StatusCode::Revert, StatusCode::WasmTrap, StatusCode::Rejected] {
        let vm = Script(move |host: &mut dyn Host, message: &Message<'_>, _| {
            let me = message.recipient;
            assert_eq!(host.balance(&me), Ok(5.into()));
            host.set_storage(&me, &word(1), &word(2)).unwrap();
            host.set_transient_storage(&me, &word(1), &word(3)).unwrap();
            host.log(&me, &[1], &[word(1)]).unwrap();
            assert_eq!(host.access_account(&address(9)), Ok(Some(Access::Cold)));
            assert_eq!(host.access_account(&address(9)), Ok(Some(Access::Warm)));
            assert_eq!(host.access_storage(&me, &word(1)), Ok(Some(Access::Cold)));
            assert_eq!(host.access_storage(&me, &word(1)), Ok(Some(Access::Warm)));
            host.self_destruct(&me, &address(3)).unwrap();
            Outcome { gas_refund: 7, ..end(status, 40, &[9]) }
        });
        let ((), changes, logs) = with_journal(&backing, Revision::Prague, &vm, |journal| {
            let outcome = journal.call(&message(CallKind::Call, 1, 2, 5)).unwrap();
            let expected = if status == StatusCode::Revert { end(status, 40, &[9]) } else { Outcome::failure(status) };
            assert_eq!(outcome, expected);
            assert_eq!(journal.transient_storage(&address(2), &word(1)), Ok(word(0)));
            assert_eq!(journal.access_account(&address(9)), Ok(Some(Access::Cold)));
            assert_eq!(journal.access_storage(&address(2), &word(1)), Ok(Some(Access::Cold)));
            assert_eq!(journal.balance(&address(1)), Ok(10.into()));
        });
        assert_eq!(changes, Changes::default());
        assert_eq!(logs, []);
    }
}

#[test]
fn success_stays() {
    let mut backing = ledger(&[(1, 10, &[]), (2, 0, &[1])]);
    let vm = Script(|host: &mut dyn Host, message: &Message<'_>, _| {
        host.set_storage(&message.recipient, &word(1), &word(2)).unwrap();
        host.log(&message.recipient, &[1], &[word(1)]).unwrap();
        end(StatusCode::Success, i64::MAX, &[])
    });
    let (outcome, changes, logs) = with_journal(&backing, Revision::Prague, &vm, |journal| {
        journal.call(&message(CallKind::Call, 1, 2, 4)).unwrap()
    });
    assert_eq!(outcome.gas_left, 100_000, "no VM returns more than it was given");
    assert_eq!(logs, [Log { address: address(2), topics: alloc::vec![word(1)], data: alloc::vec![1] }]);
    backing.apply(changes);
    assert_eq!(backing.accounts[&address(1)].balance, 6.into());
    assert_eq!(backing.accounts[&address(2)].balance, 4.into());
    assert_eq!(backing.accounts[&address(2)].storage, BTreeMap::from([(word(1), word(2))]));
}

#[test]
fn light_failures_keep_the_gas() {
    let backing = ledger(&[(1, 10, &[]), (2, 0, &[1])]);
    with_journal(&backing, Revision::Prague, &no_code(), |journal| {
        for kind in [CallKind::Call, CallKind::CallCode, CallKind::Create, CallKind::Create2] {
            let poor = journal.call(&message(kind, 1, 2, 11)).unwrap();
            assert_eq!(poor, end(StatusCode::InsufficientBalance, 100_000, &[]));
            let deep = journal.call(&Message { depth: 1_025, ..message(kind, 1, 2, 0) }).unwrap();
            assert_eq!(deep, end(StatusCode::CallDepthExceeded, 100_000, &[]));
        }
        assert_eq!(journal.account(&address(1)).unwrap().unwrap().nonce, 0);
        // The value of a delegate call moves nothing.
        let outcome = journal.call(&message(CallKind::DelegateCall, 1, 2, 11)).unwrap();
        assert_eq!(outcome.status, StatusCode::Success);
    });
}

#[test]
fn creation() {
    let backing = ledger(&[(1, 10, &[])]);
    let created = create_address(&address(1), 0);
    let vm = Script(move |host: &mut dyn Host, message: &Message<'_>, _| {
        assert_eq!(message.recipient, created);
        assert_eq!(message.input, &[] as &[u8]);
        assert_eq!(host.balance(&created), Ok(3.into()));
        host.set_storage(&created, &word(1), &word(2)).unwrap();
        end(StatusCode::Success, 600, &[1, 2, 3])
    });
    let create = Message { input: &[1], ..message(CallKind::Create, 1, 0, 3) };
    let (outcome, changes, _) = with_journal(&backing, Revision::Prague, &vm, |journal| journal.call(&create).unwrap());
    assert_eq!(outcome, Outcome { create_address: Some(created), ..end(StatusCode::Success, 0, &[]) });
    let mut after = backing.clone();
    after.apply(changes);
    assert_eq!(
        after.accounts[&created],
        LedgerAccount {
            nonce: 1,
            balance: 3.into(),
            code: [1u8, 2, 3][..].into(),
            storage: BTreeMap::from([(word(1), word(2))])
        }
    );
    assert_eq!(after.accounts[&address(1)].nonce, 1);

    // Again with the sender's nonce turned back: the address is taken, all gas is gone, the nonce is not.
    after.accounts.get_mut(&address(1)).unwrap().nonce = 0;
    let (outcome, changes, _) = with_journal(&after, Revision::Prague, &vm, |journal| journal.call(&create).unwrap());
    assert_eq!(outcome, Outcome::failure(StatusCode::Failure));
    assert_eq!(changes.accounts.keys().collect::<Vec<_>>(), [&address(1)]);
    assert_eq!(changes.accounts[&address(1)].info.unwrap().nonce, 1);
}

/// EIP-7610: storage without nonce and code is as much a sign of life.
#[test]
fn creation_where_storage_was_left() {
    let mut backing = ledger(&[(1, 10, &[])]);
    let created = create_address(&address(1), 0);
    let stored = LedgerAccount { storage: BTreeMap::from([(word(1), word(2))]), ..LedgerAccount::default() };
    backing.accounts.insert(created, stored.clone());
    let create = Message { input: &[1], ..message(CallKind::Create, 1, 0, 3) };
    let run = |backing: &Ledger| {
        let vm = no_code();
        let (outcome, changes, _) =
            with_journal(backing, Revision::Byzantium, &vm, |journal| journal.call(&create).unwrap());
        let mut after = backing.clone();
        after.apply(changes);
        (outcome.status, after.accounts[&created].clone())
    };
    assert_eq!(run(&backing), (StatusCode::Failure, stored));
    // A balance alone may wait there.
    let paid = LedgerAccount { balance: 4.into(), ..LedgerAccount::default() };
    backing.accounts.insert(created, paid);
    let (status, account) = run(&backing);
    assert_eq!((status, account.nonce, account.balance), (StatusCode::Success, 1, 7.into()));
}

/// EIP-2929: what was warm before a creation is warm when that has failed.
#[test]
fn a_slot_stays_warm_when_the_creation_around_it_fails() {
    let backing = ledger(&[(1, 1_000, &[])]);
    let made = create_address(&address(1), 0);
    let vm = Script(move |host: &mut dyn Host, _: &Message<'_>, _| {
        let slots = [1, 2].map(|key| host.access_storage(&made, &word(key)).unwrap());
        assert_eq!(slots, [Some(Access::Warm), Some(Access::Cold)]);
        host.set_storage(&made, &word(1), &word(9)).unwrap();
        end(StatusCode::Revert, 0, &[])
    });
    with_journal(&backing, Revision::Prague, &vm, |journal| {
        journal.access_storage(&made, &word(1)).unwrap();
        let creation = Message { input: &[1], ..message(CallKind::Create, 1, 0, 0) };
        assert_eq!(journal.call(&creation).unwrap().status, StatusCode::Revert);
        let slots = [1, 2].map(|key| journal.access_storage(&made, &word(key)).unwrap());
        assert_eq!(slots, [Some(Access::Warm), Some(Access::Cold)]);
        assert_eq!(journal.storage(&made, &word(1)).unwrap(), word(0));
    });
}

#[test]
fn deposit() {
    let backing = ledger(&[(1, 10, &[])]);
    let run = |revision, gas: i64, code: &'static [u8]| {
        let vm = Script(move |_: &mut dyn Host, _: &Message<'_>, _| end(StatusCode::Success, gas, code));
        let create = Message { input: &[1], ..message(CallKind::Create, 1, 0, 0) };
        let (outcome, changes, _) = with_journal(&backing, revision, &vm, |journal| journal.call(&create).unwrap());
        let code = changes.accounts.get(&create_address(&address(1), 0)).map(|change| change.code.clone());
        (outcome.status, outcome.gas_left, code.flatten().map(|code| code.to_vec()))
    };
    let kept = Some(alloc::vec![1, 2, 3]);
    assert_eq!(run(Revision::Byzantium, 601, &[1, 2, 3]), (StatusCode::Success, 1, kept.clone()));
    assert_eq!(run(Revision::Byzantium, 600, &[1, 2, 3]), (StatusCode::Success, 0, kept));
    assert_eq!(run(Revision::Byzantium, 599, &[1, 2, 3]), (StatusCode::OutOfGas, 0, None));
    assert_eq!(run(Revision::Frontier, 599, &[1, 2, 3]), (StatusCode::Success, 599, None));
    // EIP-3541.
    assert_eq!(run(Revision::Berlin, 600, &[0xef]).0, StatusCode::Success);
    assert_eq!(run(Revision::London, 600, &[0xef]), (StatusCode::ContractValidationFailure, 0, None));
}

#[test]
fn size_limits_only_when_asked_for() {
    let backing = ledger(&[(1, 10, &[])]);
    let vm = Script(|_: &mut dyn Host, _: &Message<'_>, _| end(StatusCode::Success, 1_000, &[1, 2]));
    let create = Message { input: &[1, 2, 3], ..message(CallKind::Create, 1, 0, 0) };
    let context = TxContext::default();
    for (code, init, status) in [
        (None, None, StatusCode::Success),
        (Some(2), Some(3), StatusCode::Success),
        (Some(1), None, StatusCode::Failure),
        (None, Some(2), StatusCode::OutOfGas),
    ] {
        let rules = Rules { max_code_size: code, max_init_code_size: init, ..Rules::default() };
        let mut journal = Journal::new(&backing, &vm, &NoPrecompiles, &rules, &context);
        assert_eq!(journal.call(&create).unwrap().status, status);
    }
}

#[test]
fn self_destruct_by_revision() {
    let backing = ledger(&[(1, 10, &[1]), (2, 1, &[])]);
    let vm = Script(|host: &mut dyn Host, message: &Message<'_>, _| {
        let beneficiary = Address::from_slice(&message.input[..20]);
        let first = host.self_destruct(&message.recipient, &beneficiary).unwrap();
        let again = host.self_destruct(&message.recipient, &beneficiary).unwrap();
        end(StatusCode::Success, 0, &[u8::from(first), u8::from(again)])
    });
    let run = |revision, beneficiary: u64| {
        let input = address(beneficiary);
        let call = Message { input: input.as_bytes(), ..message(CallKind::Call, 2, 1, 0) };
        let (outcome, changes, _) = with_journal(&backing, revision, &vm, |journal| journal.call(&call).unwrap());
        let mut after = backing.clone();
        after.apply(changes);
        let balance = |n| after.accounts.get(&address(n)).map(|account| account.balance.as_u64());
        (outcome.output, balance(1), balance(2))
    };
    assert_eq!(run(Revision::Shanghai, 2), (alloc::vec![1, 0], None, Some(11)));
    assert_eq!(run(Revision::Shanghai, 1), (alloc::vec![1, 0], None, Some(1)), "to itself: burnt");
    assert_eq!(run(Revision::Cancun, 2), (alloc::vec![0, 0], Some(0), Some(11)));
    assert_eq!(run(Revision::Cancun, 1), (alloc::vec![0, 0], Some(10), Some(1)), "to itself: nothing happens");
}

#[test]
fn self_destruct_in_the_transaction_of_the_creation() {
    let backing = ledger(&[(1, 10, &[])]);
    let vm = Script(|host: &mut dyn Host, message: &Message<'_>, _| {
        assert_eq!(host.self_destruct(&message.recipient, &message.recipient), Ok(true));
        end(StatusCode::Success, 0, &[])
    });
    let create = Message { input: &[1], ..message(CallKind::Create, 1, 0, 3) };
    let (_, changes, _) = with_journal(&backing, Revision::Prague, &vm, |journal| journal.call(&create).unwrap());
    assert_eq!(changes.accounts.keys().collect::<Vec<_>>(), [&address(1)], "nothing was ever there");
    assert_eq!(changes.accounts[&address(1)].info.unwrap().balance, 7.into());
}

#[test]
fn touched_and_empty() {
    let backing = ledger(&[(1, 0, &[]), (2, 0, &[]), (3, 5, &[])]);
    let run = |revision| {
        let (existed, changes, _) = with_journal(&backing, revision, &no_code(), |journal| {
            let existed = journal.account_exists(&address(1)).unwrap();
            journal.call(&message(CallKind::Call, 3, 1, 0)).unwrap();
            journal.call(&message(CallKind::Call, 3, 9, 0)).unwrap();
            // Looking does not touch.
            journal.balance(&address(2)).unwrap();
            existed
        });
        (existed, changes.accounts.into_iter().map(|(a, c)| (a, c.info)).collect::<Vec<_>>())
    };
    assert_eq!(run(Revision::TangerineWhistle), (true, alloc::vec![(address(9), Some(AccountInfo::default()))]));
    assert_eq!(run(Revision::SpuriousDragon), (false, alloc::vec![(address(1), None)]));
}

#[test]
fn a_broken_backing_is_no_result() {
    struct Broken;
    impl Backing for Broken {
        fn account(&self, _: &Address) -> Result<Option<AccountInfo>, Fault> {
            Ok(Some(AccountInfo { code_hash: keccak256(&[1]), ..Default::default() }))
        }
        fn storage(&self, _: &Address, _: &Bytes32) -> Result<Bytes32, Fault> {
            Err(Fault::Host("the disk is gone"))
        }
        fn has_storage(&self, _: &Address) -> Result<bool, Fault> {
            Err(Fault::Host("the disk is gone"))
        }
        fn code(&self, _: &Address, _: &Bytes32) -> Result<Arc<[u8]>, Fault> {
            Ok(Arc::from([1u8]))
        }
        fn block_hash(&self, _: i64) -> Result<Bytes32, Fault> {
            Ok(Bytes32::zero())
        }
    }
    let vm = Script(|host: &mut dyn Host, message: &Message<'_>, _| {
        assert!(host.storage(&message.recipient, &word(1)).is_err());
        Outcome::failure(StatusCode::InternalError)
    });
    with_journal(&Broken, Revision::Prague, &vm, |journal| {
        assert_eq!(journal.call(&message(CallKind::Call, 1, 2, 0)), Err(Fault::Host("the disk is gone")));
    });
}

#[test]
fn counted_refunds_go_with_their_frame() {
    let backing = ledger(&[(1, 0, &[]), (2, 0, &[1]), (3, 0, &[2])]);
    let vm = Script(|host: &mut dyn Host, message: &Message<'_>, code| {
        host.set_storage(&message.recipient, &word(1), &word(2)).unwrap();
        host.set_storage(&message.recipient, &word(1), &word(0)).unwrap();
        let status = if code == 1 { StatusCode::Success } else { StatusCode::Revert };
        Outcome { gas_refund: 1_000, ..end(status, 0, &[]) }
    });
    let rules = Rules { refunds: Refunds::Counted, ..Rules::new(Revision::Byzantium) };
    let context = TxContext::default();
    let mut journal = Journal::new(&backing, &vm, &NoPrecompiles, &rules, &context);
    for to in [2, 3] {
        let outcome = journal.call(&message(CallKind::Call, 1, to, 0)).unwrap();
        assert_eq!(outcome.gas_refund, 0, "such a VM's figure counts for nothing");
        assert_eq!(journal.refund(), 15_000);
    }
}

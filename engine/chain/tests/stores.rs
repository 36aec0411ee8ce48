//! The same chain in memory, in a JSON file and in a database, closed and opened between steps.

use gristmill::contract::{Address, Bytes32, KeccakAt9, Refusal, Revision, StatusCode, Transaction, U256};
use gristmill::{Exports, Schedule};
use gristmill_chain::{Chain, ChainError, Settings};
use std::path::Path;

fn address(n: u64) -> Address {
    Address::from_low_u64_be(n)
}

fn send(from: u64, to: u64, value: u64) -> Transaction {
    Transaction {
        sender: address(from),
        to: Some(address(to)),
        value: value.into(),
        gas_limit: 100_000,
        ..Transaction::default()
    }
}

fn settings() -> Settings {
    Settings {
        chain_id: 7,
        revision: Revision::Cancun,
        schedule: Schedule::Unit,
        keccak_at_9: KeccakAt9::Off,
        exports: Exports::Lenient,
        max_code_size: Some(9),
        coinbase: address(0xc0),
        fees: true,
        ..Settings::default()
    }
}

/// Does one step on a chain that it opens.
type Open<'a> = dyn FnMut(&mut dyn FnMut(&mut Chain)) + 'a;

fn story(open: &mut Open<'_>) -> Vec<String> {
    let mut seen = Vec::new();
    let mut step = |action: &mut dyn FnMut(&mut Chain) -> String| {
        open(&mut |chain: &mut Chain| {
            seen.push(format!("{} {:?} {:?}", action(chain), chain.block(), chain.accounts().unwrap()));
        });
    };
    step(&mut |chain| format!("{:?}", chain.settings()));
    step(&mut |chain| format!("{:?}", chain.set_balance(&address(1), U256::exp10(30)).unwrap()));
    step(&mut |chain| format!("{:?}", chain.transact(&send(1, 2, 5)).unwrap()));
    step(&mut |chain| format!("{:?}", chain.call(&send(2, 3, 5)).unwrap()));
    step(&mut |chain| {
        chain.set_time(1_000);
        format!("{:?}", chain.transact(&send(2, 1, 5)).unwrap())
    });
    step(&mut |chain| chain.transact(&send(2, 1, 5)).unwrap_err().to_string());
    step(&mut |chain| format!("{:?}", chain.advance(300)));
    step(&mut |chain| format!("{:?}", chain.set_settings(Settings { beyond: true, ..settings() }).unwrap()));
    step(&mut |chain| format!("{:?}", chain.settings()));
    step(&mut |chain| format!("{:?} {:?}", chain.set_note("b", Some("2")), chain.set_note("a", Some("ü\n"))));
    step(&mut |chain| format!("{:?} {:?} {:?}", chain.note("a"), chain.note("c"), chain.notes()));
    step(&mut |chain| format!("{:?} {:?}", chain.set_note("b", None), chain.set_note("c", None)));
    step(&mut |chain| format!("{:?}", chain.notes()));
    step(&mut |chain| format!("{:?} {:?}", chain.storage(&address(1)), chain.code(&address(1))));
    seen
}

fn on_file(path: &Path) -> Vec<String> {
    story(&mut |step| {
        // The settings of the file win over these from the second time on.
        let other = Settings { chain_id: 8, ..settings() };
        let given = if path.exists() { other } else { settings() };
        step(&mut Chain::open(path, &given).unwrap());
    })
}

#[test]
fn one_story_three_stores() {
    let folder = tempfile::tempdir().unwrap();
    let mut chain = Chain::in_memory(&settings()).unwrap();
    let in_memory = story(&mut |step| step(&mut chain));
    assert_eq!(on_file(&folder.path().join("state.json")), in_memory);
    assert_eq!(on_file(&folder.path().join("state.redb")), in_memory);
    // 2 had nothing left, and an account that was touched and is empty is no account; it sent, so it has a nonce.
    assert!(in_memory[4].contains("nonce: 1, balance: 0"), "{}", in_memory[4]);
    assert!(in_memory[6].contains("number: 302") && in_memory[6].contains("timestamp: 1300"), "{}", in_memory[6]);
}

#[test]
fn a_refused_transaction_makes_no_block() {
    let mut chain = Chain::in_memory(&Settings::default()).unwrap();
    let before = chain.block().clone();
    let poor = chain.transact(&send(1, 2, 5));
    assert!(matches!(poor, Err(ChainError::Refused(Refusal::Balance))), "{poor:?}");
    let wrong = chain.transact(&Transaction { nonce: Some(3), ..send(1, 2, 0) });
    assert!(matches!(wrong, Err(ChainError::Refused(Refusal::Nonce { given: 3, expected: 0 }))), "{wrong:?}");
    assert_eq!(*chain.block(), before);
}

#[test]
fn precompiles_answer_transactions() {
    let mut chain = Chain::in_memory(&Settings::default()).unwrap();
    let hash = chain.transact(&Transaction { data: b"abc".to_vec(), ..send(1, 2, 0) }).unwrap();
    assert_eq!(hash.outcome.status, StatusCode::Success);
    assert_eq!(hash.gas_used, 72);
    assert_eq!(
        Bytes32::from_slice(&hash.outcome.output),
        "0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".parse().unwrap()
    );
    // Not enough gas: the block is there, the value is not gone.
    let short = chain.transact(&Transaction { gas_limit: 71, data: b"abc".to_vec(), ..send(1, 2, 0) }).unwrap();
    assert_eq!((short.outcome.status, short.gas_used), (StatusCode::OutOfGas, 71));
    assert_eq!(chain.block().number, 2);
}

#[test]
fn files_that_are_no_chain() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text, what) in [
        ("empty.json", "", "EOF"),
        ("other.json", "{\"format\": \"x\"}", "missing field"),
        ("list.json", "[]", "invalid"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        match Chain::open(&path, &Settings::default()) {
            Err(ChainError::Format { path: named, what: told }) => {
                assert_eq!(named, path);
                assert!(told.contains(what), "{told}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "what is refused is left alone");
    }
    let path = folder.path().join("text.redb");
    std::fs::write(&path, "no database").unwrap();
    assert!(matches!(Chain::open(&path, &Settings::default()), Err(ChainError::File { .. })));
}

#[test]
fn a_file_of_another_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    drop(Chain::open(&path, &Settings::default()).unwrap());
    let good = std::fs::read_to_string(&path).unwrap();
    for (from, to, what) in [
        ("gristmill-state-1", "gristmill-state-2", "format"),
        ("\"Prague\"", "\"Plague\"", "revision"),
        ("\"v1\"", "\"v0\"", "schedule"),
        ("\"strict\"", "\"lax\"", "exports"),
        ("\"0x0000000000000000000000000000000000000000\"", "\"0x00\"", "20 bytes"),
        ("\"number\": 0", "\"number\": 1", "head's block hash"),
        ("\"notes\"", "\"note\"", "unknown field"),
    ] {
        assert!(good.contains(from), "{from}");
        std::fs::write(&path, good.replace(from, to)).unwrap();
        match Chain::open(&path, &Settings::default()) {
            Err(ChainError::Format { what: told, .. }) => assert!(told.contains(what), "{told}"),
            other => panic!("{from}: {other:?}"),
        }
    }
}

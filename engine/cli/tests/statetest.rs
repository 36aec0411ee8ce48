//! `gristmill statetest`: the Ewasm state tests to the last bit, the words of geth, and hand-made tests of the fees.

mod common;

use common::{Run, conformance, file, folder, gristmill};
use gristmill::contract::{Address, Ledger, LedgerAccount};
use gristmill_chain::{logs_hash, state_root};
use serde_json::{Value, json};

/// Of the key 45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8.
const SENDER: &str = "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b";
const KEY: &str = "0x45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8";
const RECEIVER: &str = "0x00000000000000000000000000000000000000b0";
const MINER: &str = "0x00000000000000000000000000000000000000c0";

/// The root of a state of accounts without code: address, nonce, balance.
fn root(accounts: &[(&str, u64, u64)]) -> String {
    let mut ledger = Ledger::new();
    for (address, nonce, balance) in accounts {
        let address = address.trim_start_matches("0x").parse::<Address>().unwrap();
        let account = LedgerAccount { nonce: *nonce, balance: (*balance).into(), ..LedgerAccount::default() };
        ledger.accounts.insert(address, account);
    }
    format!("{:?}", state_root(&ledger))
}

/// A transfer of 5 wei with a gas limit of 30,000, from an account that has a million.
fn transfer(fork: &str, env: Value, transaction: Value, hash: &str) -> Value {
    let account = json!({ "balance": "0xf4240", "nonce": "0x00", "code": "0x", "storage": {} });
    let mut test = json!({
        "env": {
            "currentCoinbase": MINER, "currentNumber": "0x01", "currentTimestamp": "0x03e8",
            "currentGasLimit": "0x05500000", "currentDifficulty": "0x020000",
        },
        "pre": { SENDER: account },
        "transaction": {
            "data": ["0x", "0x00ff"], "gasLimit": ["0x7530", "20999"], "value": ["0x05"], "nonce": "0x00",
            "to": RECEIVER, "secretKey": KEY,
        },
        "post": { fork: [{
            "hash": hash, "logs": format!("{:?}", logs_hash(&[])), "indexes": { "data": 0, "gas": 0, "value": 0 },
        }] },
    });
    for (part, more) in [("env", env), ("transaction", transaction)] {
        for (key, value) in more.as_object().unwrap() {
            test[part][key] = value.clone();
        }
    }
    test
}

/// Runs the test alone.
fn run(name: &str, test: Value, args: &[&str]) -> Run {
    let path = file(&folder(name), "test.json", json!({ name: test }).to_string());
    gristmill(&[&["statetest", &path], args].concat())
}

#[test]
fn files_that_are_no_tests_are_refused() {
    let here = folder("statetest_broken");
    gristmill(&["statetest"]).exits(2);
    gristmill(&["statetest", "no/such/folder"]).exits(4);
    gristmill(&["statetest", here.to_str().unwrap()]).exits(2).complains("no state test");
    let broken = file(&here, "broken.json", "{");
    gristmill(&["statetest", &broken]).exits(3).complains("broken.json");
    let price = json!({ "gasPrice": "1" });
    let mut test = transfer("Byzantium", json!({}), price.clone(), &root(&[]));
    test["post"]["Byzantium"][0]["indexes"]["gas"] = 2.into();
    run("statetest_index", test, &[]).exits(3).complains("there is no gas limit 2");
    let mut test = transfer("Byzantium", json!({}), price.clone(), &root(&[]));
    test["transaction"].as_object_mut().unwrap().remove("secretKey");
    run("statetest_sender", test, &[]).exits(3).complains("neither sender nor secretKey");
    let test = transfer("Byzantium", json!({}), price, &root(&[]));
    run("statetest_none", test, &["--run", "other"]).exits(2);
}

/// 21,000 gas at a price of 2.
#[test]
fn a_transfer_pays_its_gas() {
    let after = root(&[(SENDER, 1, 1_000_000 - 42_000 - 5), (RECEIVER, 0, 5), (MINER, 0, 42_000)]);
    let test = transfer("Byzantium", json!({}), json!({ "gasPrice": "0x02" }), &after);
    let summary = run("statetest_transfer", test.clone(), &[]).exits(0).says("Success, 21000 gas").summary();
    assert_eq!((&summary["passed"], &summary["tell"], &summary["all_gas"]), (&1.into(), &1.into(), &0.into()));
    let json = run("statetest_json", test.clone(), &["--json"]).exits(0);
    let list: Value = serde_json::from_str(json.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(
        list,
        json!([{ "name": "statetest_json", "pass": true, "stateRoot": after, "fork": "Byzantium" }]),
        "geth's fields"
    );
    run("statetest_fork", test.clone(), &["--fork", "byzantium", "--bench"]).exits(0).says(" ms");
    run("statetest_other_fork", test, &["--fork", "London"]).exits(2);
}

#[test]
fn a_wrong_root_is_explained() {
    let right = root(&[(SENDER, 1, 957_995), (RECEIVER, 0, 5), (MINER, 0, 42_000)]);
    let wrong = root(&[(SENDER, 1, 957_996), (RECEIVER, 0, 5), (MINER, 0, 42_000)]);
    let test = transfer("Byzantium", json!({}), json!({ "gasPrice": "0x02" }), &wrong);
    let error = format!("post state root mismatch: got {}, want {}", &right[2..], &wrong[2..]);
    run("statetest_wrong", test.clone(), &[]).exits(1).says(&error).says("FAIL statetest_wrong");

    let here = folder("statetest_explained_post");
    let account = |balance: &str, nonce: &str| json!({ "balance": balance, "nonce": nonce, "code": "unchanged", "storage": { "0x01": "0x02" } });
    let post = json!({ SENDER: account("0xe9e2c", "0x1"), "0x00000000000000000000000000000000000000d0": account("0x1", "0x0") });
    file(&here, "statetest_explained.json", json!({ "post": post }).to_string());
    run("statetest_explained", test, &["--post", here.to_str().unwrap()])
        .exits(1)
        .says(&format!("{SENDER}: balance is 957995, should be 957996"))
        .says("storage[0x0000000000000000000000000000000000000000000000000000000000000001] is 0x00")
        .says("0x00000000000000000000000000000000000000d0 is missing")
        .says(&format!("{RECEIVER} should not be there"));
}

#[test]
fn fees_of_london() {
    let env = json!({ "currentBaseFee": "0x07" });
    // At most 10 and 2 for the miner: 9 a gas, of which 7 are burnt.
    let capped = json!({ "maxFeePerGas": "0x0a", "maxPriorityFeePerGas": "0x02", "sender": SENDER });
    let after = root(&[(SENDER, 1, 1_000_000 - 189_000 - 5), (RECEIVER, 0, 5), (MINER, 0, 42_000)]);
    run("statetest_capped", transfer("London", env.clone(), capped, &after), &[]).exits(0);
    // 2,400 for an account, 1,900 for a slot.
    let key = format!("0x{:064x}", 1);
    let listed = json!({
        "gasPrice": "0x07", "accessLists": [[{ "address": RECEIVER, "storageKeys": [key] }], []],
    });
    let after = root(&[(SENDER, 1, 1_000_000 - 7 * 25_300 - 5), (RECEIVER, 0, 5)]);
    run("statetest_listed", transfer("London", env, listed, &after), &[]).exits(0).says("25300 gas");
}

#[test]
fn refused_transactions_change_nothing() {
    let before = root(&[(SENDER, 0, 1_000_000)]);
    let mut test = transfer("Shanghai", json!({ "currentBaseFee": "0x07" }), json!({ "gasPrice": "0x06" }), &before);
    run("statetest_unexpected", test.clone(), &[]).exits(1).says("unexpected error: the gas price is below");
    test["post"]["Shanghai"][0]["expectException"] = "TransactionException.INSUFFICIENT_MAX_FEE_PER_GAS".into();
    run("statetest_refused", test.clone(), &[]).exits(0).says("refused: ");
    test["transaction"]["gasPrice"] = "0x07".into();
    run("statetest_not_refused", test.clone(), &[]).exits(1).says("got no error");
    // 2 bytes of data: 4 and 16 gas more than a limit of 20,999 is short of.
    test["post"]["Shanghai"][0]["indexes"] = json!({ "data": 1, "gas": 1, "value": 0 });
    run("statetest_intrinsic", test.clone(), &[]).exits(0).says("the 21020 that it takes");
    test["env"]["currentGasLimit"] = "20998".into();
    run("statetest_block_gas", test, &[]).exits(0).says("above the block's");
}

#[test]
fn what_is_not_there_is_skipped_with_a_reason() {
    let skipped = |name: &str, test: Value, why: &str| {
        let summary = run(name, test, &[]).exits(0).says(why).summary();
        assert_eq!((&summary["passed"], &summary["skipped"]), (&0.into(), &1.into()));
    };
    let price = json!({ "gasPrice": "0x02" });
    skipped("statetest_future", transfer("Amsterdam", json!({}), price, &root(&[])), "does not know the fork");
    let setting = json!({ "maxFeePerGas": "0x0a", "maxPriorityFeePerGas": "0x02", "authorizationList": [] });
    skipped("statetest_7702", transfer("Prague", json!({}), setting, &root(&[])), "EIP-7702");
}

/// All of the suite, on both back ends: roots and logs are exact. 88 of the tests expect nothing but all gas gone.
#[test]
fn ewasm_state_tests() {
    let Some(suite) = conformance() else { return };
    let (tests, post) = (suite.join("ewasm-state/tests"), suite.join("ewasm-state/post"));
    let mut lists = Vec::new();
    for dispatch in ["auto", "loop"] {
        let args = ["statetest", tests.to_str().unwrap(), "--dispatch", dispatch, "--json"];
        let run = gristmill(&[&args[..], &["--post", post.to_str().unwrap()]].concat()).exits(0);
        let summary = run.summary();
        assert_eq!(summary["suite"], "statetest");
        assert_eq!((&summary["passed"], &summary["failed"], &summary["skipped"]), (&150.into(), &0.into(), &0.into()));
        assert_eq!((&summary["tell"], &summary["all_gas"]), (&62.into(), &88.into()));
        let list: Value = serde_json::from_str(run.stdout.lines().next().unwrap()).unwrap();
        for entry in list.as_array().unwrap() {
            let name = entry["name"].as_str().unwrap();
            let text = std::fs::read_to_string(post.join(format!("{name}.json"))).unwrap();
            let derived: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(entry["stateRoot"], derived["state_root"], "{name}");
        }
        lists.push(list);
    }
    assert_eq!(lists[0], lists[1], "the order of the files, whichever thread ran them");
}

/// The suite's folder `bench` cannot pass, whatever an engine does: both files carry `_info` and `post` of another test,
/// getAddressRust, whose contract was then replaced by the one to measure. A state root covers the code of all accounts,
/// so no execution of these contracts ends in the root of a state with that other contract. One of them is no valid
/// contract either: it has floats (and sixteen exports).
#[test]
fn the_benchmarks_expect_the_root_of_another_test() {
    let Some(suite) = conformance() else { return };
    let suite = suite.join("ewasm-state");
    let read = |path: &str, name: &str| {
        let file: Value = serde_json::from_str(&std::fs::read_to_string(suite.join(path)).unwrap()).unwrap();
        file[name].clone()
    };
    let other = read("tests/getAddressRust.json", "getAddressRust");
    let contract = "0xb94f5374fce5edbc8e2a8697c15331677e6ebf0b";
    for (name, ended) in [
        ("benchEd25519Valid", "Success, 31721 gas"),
        ("benchPairing_two_point_match_2", "ContractValidationFailure, 83886081 gas"),
    ] {
        let path = format!("bench/{name}.json");
        let test = read(&path, name);
        assert_eq!(test["_info"]["source"], other["_info"]["source"]);
        assert_eq!(test["post"], other["post"]);
        assert_ne!(test["pre"][contract]["code"], other["pre"][contract]["code"]);
        for dispatch in ["auto", "loop"] {
            let path = suite.join(&path);
            gristmill(&["statetest", path.to_str().unwrap(), "--dispatch", dispatch])
                .exits(1)
                .says("post state root mismatch")
                .says(ended);
        }
    }
}

//! Roots and hashes by which Ethereum compares states: of all accounts, and of a transaction's events.

use alloy_primitives::{B256, U256};
use alloy_rlp::{Encodable, Header};
use alloy_trie::{TrieAccount, root};
use gristmill::contract::{Bytes32, Ledger, LedgerAccount, Log, keccak256};

/// The root of the Merkle trie of all accounts, as a block header has it. Accounts are not judged: an empty one counts.
pub fn state_root(ledger: &Ledger) -> Bytes32 {
    let accounts = ledger.accounts.iter().map(|(address, account)| {
        let account = TrieAccount {
            nonce: account.nonce,
            balance: U256::from_be_bytes(account.balance.to_big_endian()),
            storage_root: storage_root(account),
            code_hash: account.code.hash().0.into(),
        };
        (B256::from(keccak256(address.as_bytes()).0), account)
    });
    root::state_root_unsorted(accounts).0.into()
}

fn storage_root(account: &LedgerAccount) -> B256 {
    let slots = account.storage.iter().map(|(key, value)| (B256::from(key.0), U256::from_be_bytes(value.0)));
    root::storage_root_unhashed(slots)
}

/// keccak256 of the RLP of `[[address, [topic, ...], data], ...]`, as state tests have it.
pub fn logs_hash(logs: &[Log]) -> Bytes32 {
    let mut all = Vec::new();
    for log in logs {
        let mut topics = Vec::new();
        log.topics.iter().for_each(|topic| topic.0.encode(&mut topics));
        let mut fields = Vec::new();
        log.address.0.encode(&mut fields);
        list(&topics, &mut fields);
        log.data.as_slice().encode(&mut fields);
        list(&fields, &mut all);
    }
    let mut encoded = Vec::new();
    list(&all, &mut encoded);
    keccak256(&encoded)
}

/// `payload`, which is encoded items, as a list.
fn list(payload: &[u8], out: &mut Vec<u8>) {
    Header { list: true, payload_length: payload.len() }.encode(out);
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What every trie without entries has (Yellow Paper, appendix D), and keccak256 of an empty list.
    #[test]
    fn nothing() {
        let root = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";
        assert_eq!(state_root(&Ledger::new()), root.parse().unwrap());
        let logs = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347";
        assert_eq!(logs_hash(&[]), logs.parse().unwrap());
    }
}

//! Hashes, and the addresses of new accounts.

use super::types::{Address, Bytes32};
use tiny_keccak::{Hasher, Keccak};

/// keccak256 of no bytes: the code hash of an account without code.
pub const EMPTY_CODE_HASH: Bytes32 = primitive_types::H256([
    0xc5, 0xd2, 0x46, 0x01, 0x86, 0xf7, 0x23, 0x3c, 0x92, 0x7e, 0x7d, 0xb2, 0xdc, 0xc7, 0x03, 0xc0, 0xe5, 0x00, 0xb6,
    0x53, 0xca, 0x82, 0x27, 0x3b, 0x7b, 0xfa, 0xd8, 0x04, 0x5d, 0x85, 0xa4, 0x70,
]);

/// keccak256 of `data`.
pub fn keccak256(data: &[u8]) -> Bytes32 {
    hash_parts(&[data])
}

fn hash_parts(parts: &[&[u8]]) -> Bytes32 {
    let mut hasher = Keccak::v256();
    for part in parts {
        hasher.update(part);
    }
    let mut hash = Bytes32::zero();
    hasher.finalize(hash.as_bytes_mut());
    hash
}

/// The address of the account that `sender` creates with `nonce`, its nonce before the creation:
/// the last 20 bytes of keccak256(rlp([sender, nonce])). Source: Yellow Paper, section 7.
pub fn create_address(sender: &Address, nonce: u64) -> Address {
    // RLP: the nonce is a big-endian string without leading zeros; one byte below 0x80 stands for itself.
    let bytes = nonce.to_be_bytes();
    let digits = &bytes[nonce.leading_zeros() as usize / 8..];
    let prefix = [0x80 + digits.len() as u8];
    let prefix: &[u8] = if matches!(digits, [0..=0x7f]) { &[] } else { &prefix };
    // 21 bytes of address and at most 9 of nonce: a short list.
    let list = [0xc0 + (21 + prefix.len() + digits.len()) as u8, 0x80 + 20];
    Address::from(hash_parts(&[&list, sender.as_bytes(), prefix, digits]))
}

/// The address of the account that `sender` creates from `init_code` with `salt`: the last 20 bytes of
/// keccak256(0xff, sender, salt, keccak256(init_code)). Source: EIP-1014.
pub fn create2_address(sender: &Address, salt: &Bytes32, init_code: &[u8]) -> Address {
    let code = keccak256(init_code);
    Address::from(hash_parts(&[&[0xff], sender.as_bytes(), salt.as_bytes(), code.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::str::FromStr;

    fn address(text: &str) -> Address {
        Address::from_str(text).unwrap()
    }

    #[test]
    fn empty_code_hash() {
        assert_eq!(keccak256(&[]), EMPTY_CODE_HASH);
    }

    /// Nonces 0 to 2: go-ethereum's `TestNewContractAddress`; 209 and 257: web3j's `testCreateContractAddress`.
    #[test]
    fn create_addresses() {
        let geth = "970e8128ab834e8eac17ab8e3812f010678cf791";
        let web3j = "19e03255f667bdfd50a32722df860b1eeaf4d635";
        for (sender, nonce, created) in [
            (geth, 0, "333c3310824b7c685133f2bedb2ca4b8b4df633d"),
            (geth, 1, "8bda78331c916a08481428e4b07c96d3e916d165"),
            (geth, 2, "c9ddedf451bc62ce88bf9292afb13df35b670699"),
            (web3j, 209, "e41e694d8fa4337b7bffc7483d3609ae1ea068d5"),
            (web3j, 257, "59c21d36fbe415218e834683cb6616f2bc971ca9"),
        ] {
            assert_eq!(create_address(&address(sender), nonce), address(created), "nonce {nonce}");
        }
    }

    /// The ends of both forms of a nonce, spelled out as RLP.
    #[test]
    fn nonces_in_rlp() {
        let sender = address("970e8128ab834e8eac17ab8e3812f010678cf791");
        let cases: [(u64, &[u8], &[u8]); 4] = [
            (0x7f, &[0xd6, 0x94], &[0x7f]),
            (0x80, &[0xd7, 0x94], &[0x81, 0x80]),
            (0x100, &[0xd8, 0x94], &[0x82, 1, 0]),
            (u64::MAX - 1, &[0xde, 0x94], &[0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]),
        ];
        for (nonce, head, tail) in cases {
            let rlp = [head, sender.as_bytes(), tail].concat();
            assert_eq!(create_address(&sender, nonce), Address::from(keccak256(&rlp)), "nonce {nonce}");
        }
    }

    /// The examples of EIP-1014.
    #[test]
    fn create2_addresses() {
        let deadbeef = address("deadbeef00000000000000000000000000000000");
        let cafe = Bytes32::from_str("000000000000000000000000feed000000000000000000000000000000000000").unwrap();
        let zero = Bytes32::zero();
        assert_eq!(create2_address(&Address::zero(), &zero, &[0]), address("4d1a2e2bb4f88f0250f26ffff098b0b30b26bf38"));
        assert_eq!(create2_address(&deadbeef, &zero, &[0]), address("b928f69bb1d91cd65274e3c79d8986362984fda3"));
        assert_eq!(create2_address(&deadbeef, &cafe, &[0]), address("d04116cdd17bebe565eb2422f2497e06cc1c9833"));
        assert_eq!(
            create2_address(&Address::zero(), &zero, &[0xde, 0xad, 0xbe, 0xef]),
            address("70f2b2914a2a4b783faefb75f459a580616fcb5e")
        );
        assert_eq!(create2_address(&Address::zero(), &zero, &[]), address("e33c0c7f7df4809055c3eba6c09cfe4baf1bd9e0"));
    }
}

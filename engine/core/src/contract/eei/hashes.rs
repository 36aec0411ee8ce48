//! What a frame has hashed lately.

use crate::contract::keccak256;
use crate::contract::types::Bytes32;

/// Bytes of an input that is kept: a key and the place of its mapping, as compilers of Solidity hash them.
const KEPT: usize = 64;

/// The last short inputs and their hashes. Contracts hash the key of a mapping again for every access to the entry, and a
/// comparison costs next to nothing beside a permutation. What a hash costs the guest has been charged before.
pub(super) struct Hashes {
    kept: [([u8; KEPT], Bytes32); 4],
    /// How many hashes were kept so far.
    count: usize,
}

impl Hashes {
    pub fn new() -> Self {
        Self { kept: [([0; KEPT], Bytes32::zero()); 4], count: 0 }
    }

    /// keccak256 of `data`.
    pub fn keccak256(&mut self, data: &[u8]) -> Bytes32 {
        let Ok(input) = <[u8; KEPT]>::try_from(data) else { return keccak256(data) };
        let known = self.kept.iter().take(self.count).find(|(kept, _)| *kept == input);
        if let Some((_, hash)) = known {
            return *hash;
        }
        let hash = keccak256(data);
        // The oldest goes.
        self.kept[self.count % self.kept.len()] = (input, hash);
        self.count += 1;
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_their_inputs() {
        let mut hashes = Hashes::new();
        // Again after one other, three, four and more; lengths around the one that is kept.
        for byte in [1, 1, 2, 1, 3, 4, 1, 5, 6, 1, 2, 2, 7, 8, 9, 1] {
            for length in [0, 32, KEPT - 1, KEPT, KEPT + 1, 200] {
                let data = &[byte; 200][..length];
                assert_eq!(hashes.keccak256(data), keccak256(data), "{length} of {byte}");
            }
        }
        assert_eq!(hashes.keccak256(&[0; KEPT]), keccak256(&[0; KEPT]));
    }
}

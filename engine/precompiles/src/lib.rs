//! Ethereum's precompiles by revision, and the keccak256 service of the Ewasm design. The local chain and the pallet have
//! the same ones.
#![no_std]

extern crate alloc;

use alloc::vec::Vec;
use gristmill::Schedule;
use gristmill::contract::eei::prices::{Prices, words};
use gristmill::contract::{
    Address, H160, Host, KeccakAt9, Message, Outcome, Precompiles, Revision, StatusCode, keccak256,
};
use revm_precompile::{Precompile, PrecompileHalt, PrecompileSpecId, PrecompileStatus};

/// 0x01 to 0x0a and whatever Ethereum has at a revision, through `revm-precompile`; address 9 is keccak256 where asked for.
///
/// Static calls to address 9 do not come this far when the VM's own option is on; other kinds of calls do, and pay the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StandardPrecompiles {
    /// Whether address 9 is keccak256 and not BLAKE2F.
    pub keccak_at_9: KeccakAt9,
    /// Whose price keccak256 has there.
    pub schedule: Schedule,
}

/// Where keccak256 is.
const KECCAK: Address = numbered(9);

const fn numbered(number: u8) -> Address {
    let mut bytes = [0; 20];
    bytes[19] = number;
    H160(bytes)
}

impl StandardPrecompiles {
    /// Runs the precompile at `address` with `gas` to spend; a failure where there is none.
    pub fn call(&self, address: &Address, input: &[u8], gas: i64, revision: Revision) -> Outcome {
        let limit = u64::try_from(gas).unwrap_or(0);
        if self.is_keccak(address, revision) {
            return keccak(Prices::of(self.schedule, revision), input, limit);
        }
        let Some(precompile) = find(address, revision) else {
            return Outcome::failure(StatusCode::PrecompileFailure);
        };
        let Ok(output) = precompile.execute(input, limit, 0) else {
            // Its own environment is broken: no result of this transaction.
            return Outcome::failure(StatusCode::InternalError);
        };
        let (status, keeps) = match output.status {
            PrecompileStatus::Success => (StatusCode::Success, true),
            PrecompileStatus::Revert => (StatusCode::Revert, true),
            PrecompileStatus::Halt(PrecompileHalt::OutOfGas) => (StatusCode::OutOfGas, false),
            PrecompileStatus::Halt(_) => (StatusCode::PrecompileFailure, false),
        };
        if !keeps {
            return Outcome::failure(status);
        }
        ended(status, limit.saturating_sub(output.gas_used), output.bytes.to_vec())
    }

    fn is_keccak(&self, address: &Address, revision: Revision) -> bool {
        *address == KECCAK && self.keccak_at_9.is_on(self.schedule, revision)
    }
}

/// The last revision at or before `revision` that changed precompiles.
fn set_of(revision: Revision) -> PrecompileSpecId {
    match revision {
        Revision::Frontier | Revision::Homestead | Revision::TangerineWhistle | Revision::SpuriousDragon => {
            PrecompileSpecId::HOMESTEAD
        }
        Revision::Byzantium | Revision::Constantinople | Revision::Petersburg => PrecompileSpecId::BYZANTIUM,
        Revision::Istanbul => PrecompileSpecId::ISTANBUL,
        Revision::Berlin | Revision::London | Revision::Paris | Revision::Shanghai => PrecompileSpecId::BERLIN,
        Revision::Cancun => PrecompileSpecId::CANCUN,
        Revision::Prague => PrecompileSpecId::PRAGUE,
        Revision::Osaka => PrecompileSpecId::OSAKA,
    }
}

/// The highest address of a precompile: EIP-7951's.
const LAST: u32 = 0x100;

fn find(address: &Address, revision: Revision) -> Option<&'static Precompile> {
    // Most addresses are hashes, or nobody's: no look-up for what cannot be there.
    let (zeros, number) = address.as_fixed_bytes().split_last_chunk::<4>()?;
    if !(1..=LAST).contains(&u32::from_be_bytes(*number)) || *zeros != [0; 16] {
        return None;
    }
    revm_precompile::Precompiles::new(set_of(revision)).get(&address.0.into())
}

impl Precompiles for StandardPrecompiles {
    fn contains(&self, address: &Address, revision: Revision) -> bool {
        self.is_keccak(address, revision) || find(address, revision).is_some()
    }

    fn run(&self, _: &mut dyn Host, message: &Message<'_>, revision: Revision) -> Outcome {
        self.call(&message.code_address, message.input, message.gas, revision)
    }
}

fn keccak(prices: Prices, input: &[u8], limit: u64) -> Outcome {
    let (at_once, a_word) = prices.keccak_at_9;
    // Call data comes out of a 32-bit memory, or at least out of a machine's: the price cannot wrap.
    let length = u32::try_from(input.len()).unwrap_or(u32::MAX);
    match limit.checked_sub(at_once.0 + a_word * words(length)) {
        Some(left) => ended(StatusCode::Success, left, keccak256(input).as_bytes().to_vec()),
        None => Outcome::failure(StatusCode::OutOfGas),
    }
}

fn ended(status: StatusCode, left: u64, output: Vec<u8>) -> Outcome {
    // At most what came in as an i64.
    let gas_left = i64::try_from(left).unwrap_or(i64::MAX);
    Outcome { gas_left, output, ..Outcome::failure(status) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(precompiles: StandardPrecompiles, n: u64, input: &[u8], gas: i64, revision: Revision) -> Outcome {
        precompiles.call(&Address::from_low_u64_be(n), input, gas, revision)
    }

    const ETHEREUM: StandardPrecompiles = StandardPrecompiles { keccak_at_9: KeccakAt9::Off, schedule: Schedule::V1 };

    #[test]
    fn addresses_by_revision() {
        let last = |revision| {
            (1..=0x200).filter(|n| ETHEREUM.contains(&Address::from_low_u64_be(*n), revision)).collect::<Vec<_>>()
        };
        assert_eq!(last(Revision::Frontier), Vec::from_iter(1..=4));
        assert_eq!(last(Revision::Petersburg), Vec::from_iter(1..=8));
        assert_eq!(last(Revision::Shanghai), Vec::from_iter(1..=9));
        assert_eq!(last(Revision::Cancun), Vec::from_iter(1..=10));
        assert_eq!(last(Revision::Prague), Vec::from_iter(1..=17));
        assert_eq!(last(Revision::Osaka), Vec::from_iter((1..=17).chain([0x100])));
    }

    #[test]
    fn no_address_beyond_the_last() {
        for revision in Revision::ALL {
            for address in revm_precompile::Precompiles::new(set_of(revision)).addresses() {
                assert!(
                    (Address::from_low_u64_be(1)..=Address::from_low_u64_be(LAST.into())).contains(&address.0.0.into())
                );
            }
        }
    }

    #[test]
    fn sha256_of_nothing() {
        // 60 + 12 a word (Yellow Paper, appendix E).
        let outcome = run(ETHEREUM, 2, &[], 100, Revision::Prague);
        assert_eq!((outcome.status, outcome.gas_left), (StatusCode::Success, 40));
        assert_eq!(hex::encode(outcome.output), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(run(ETHEREUM, 2, &[], 59, Revision::Prague), Outcome::failure(StatusCode::OutOfGas));
    }

    #[test]
    fn bad_input_is_a_failure() {
        assert_eq!(run(ETHEREUM, 9, &[0], 1_000, Revision::Istanbul), Outcome::failure(StatusCode::PrecompileFailure));
    }

    #[test]
    fn keccak_at_9_where_asked_for() {
        let prices = [(Schedule::Ewasm, 6), (Schedule::Unit, 6), (Schedule::V1, 42)];
        for (schedule, price) in prices {
            let on = StandardPrecompiles { keccak_at_9: KeccakAt9::On, schedule };
            let outcome = run(on, 9, &[1; 33], 100, Revision::Prague);
            assert_eq!((outcome.status, outcome.gas_left), (StatusCode::Success, 100 - price));
            assert_eq!(outcome.output, keccak256(&[1; 33]).as_bytes());
            assert_eq!(run(on, 9, &[1; 33], price - 1, Revision::Prague).status, StatusCode::OutOfGas);
        }
        let auto = StandardPrecompiles::default();
        assert!(auto.contains(&Address::from_low_u64_be(9), Revision::Byzantium));
        assert_eq!(run(auto, 9, &[], 100, Revision::Byzantium).output, keccak256(&[]).as_bytes());
        assert_eq!(run(auto, 9, &[], 100, Revision::Istanbul).status, StatusCode::PrecompileFailure);
    }
}

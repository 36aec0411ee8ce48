//! What a node may do for the runtime natively, and need not: the feature `accelerated`.
//!
//! A runtime with it imports a host function of ours, and runs on nodes that have it, and on no other. Output and gas are those
//! of the same code in the runtime's Wasm; weights are not touched, so that blocks are no fuller than every node can execute.

#[cfg(feature = "std")]
pub use gristmill_acceleration::HostFunctions;

use codec::{Decode, Encode};
use gristmill::contract::{Address, KeccakAt9, Outcome, Revision, StatusCode};
use gristmill_precompiles::StandardPrecompiles;
use sp_runtime_interface::pass_by::{AllocateAndReturnByCodec, PassFatPointerAndRead};
use sp_runtime_interface::runtime_interface;

/// A call of a precompile.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
struct Called {
    address: Address,
    gas: i64,
    /// As EVMC numbers them.
    revision: i32,
    keccak_at_9: bool,
    input: alloc::vec::Vec<u8>,
}

/// What comes back: a status as EVMC numbers them, gas left, output.
type Ended = (i32, i64, alloc::vec::Vec<u8>);

#[allow(missing_docs)]
#[runtime_interface]
pub trait GristmillAcceleration {
    /// Runs a precompile of Ethereum's set. What does not decode fails.
    fn precompile(call: PassFatPointerAndRead<&[u8]>) -> AllocateAndReturnByCodec<Ended> {
        let Ok(call) = Called::decode(&mut &call[..]) else {
            return (StatusCode::InternalError as i32, 0, Default::default());
        };
        let keccak_at_9 = if call.keccak_at_9 { KeccakAt9::On } else { KeccakAt9::Off };
        let set = StandardPrecompiles { keccak_at_9, ..Default::default() };
        let outcome = set.call(&call.address, &call.input, call.gas, Revision::from_number(call.revision));
        (outcome.status as i32, outcome.gas_left, outcome.output)
    }
}

/// Has the node run a precompile.
pub(crate) fn precompile(
    set: &StandardPrecompiles,
    address: &Address,
    input: &[u8],
    gas: i64,
    revision: Revision,
) -> Outcome {
    let keccak_at_9 = set.keccak_at_9 == KeccakAt9::On;
    let call = Called { address: *address, gas, revision: revision as i32, keccak_at_9, input: input.to_vec() };
    let (status, gas_left, output) = gristmill_acceleration::precompile(&call.encode());
    let status = [StatusCode::Success, StatusCode::Revert, StatusCode::OutOfGas, StatusCode::PrecompileFailure]
        .into_iter()
        .find(|known| *known as i32 == status);
    match status {
        Some(status) => Outcome { gas_left, output, ..Outcome::failure(status) },
        None => Outcome::failure(StatusCode::InternalError),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The way through the node changes nothing: successes, failures, too little gas, each revision's set.
    #[test]
    fn it_is_as_without() {
        let inputs: [&[u8]; 4] = [b"", b"grain", &[0xff; 213], &[1; 384]];
        for revision in Revision::ALL {
            for keccak_at_9 in [KeccakAt9::On, KeccakAt9::Off] {
                let set = StandardPrecompiles { keccak_at_9, ..Default::default() };
                for number in 0..=0x101u64 {
                    let address = Address::from_low_u64_be(number);
                    for (input, gas) in inputs.iter().flat_map(|input| [(input, 0), (input, 1_000_000)]) {
                        let (plain, natively) = (
                            set.call(&address, input, gas, revision),
                            precompile(&set, &address, input, gas, revision),
                        );
                        assert_eq!(plain, natively, "{number} at {revision:?} with {gas} gas");
                    }
                }
            }
        }
    }
}

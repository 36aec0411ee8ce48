//! Contracts that the runtime itself is: Ethereum's, and those that a chain adds.

use crate::Config;
use crate::meter::{Toll, gas_time};
use core::marker::PhantomData;
use frame_support::traits::Get;
use frame_support::weights::Weight;
use frame_support::weights::constants::WEIGHT_REF_TIME_PER_MICROS;
use gristmill::Schedule;
use gristmill::contract::{Address, Host, KeccakAt9, Message, Outcome, Precompiles, Revision, StatusCode};
use gristmill_precompiles::StandardPrecompiles;

/// A set of precompiles. Tuples are sets too: the first member that has an address runs it.
pub trait PrecompileSet {
    /// Whether the set has one at `address`.
    fn contains(address: &Address, revision: Revision) -> bool;

    /// What running it weighs at most. A message costs the greater of this and its gas; running out of either ends it
    /// OUT_OF_GAS.
    fn weight(address: &Address, input: &[u8]) -> Weight;

    /// Runs it. What it does to `host` is taken back when it, or who called it, fails.
    fn run(host: &mut dyn Host, message: &Message<'_>, revision: Revision) -> Outcome;
}

/// No precompiles.
impl PrecompileSet for () {
    fn contains(_: &Address, _: Revision) -> bool {
        false
    }

    fn weight(_: &Address, _: &[u8]) -> Weight {
        Weight::zero()
    }

    fn run(_: &mut dyn Host, _: &Message<'_>, _: Revision) -> Outcome {
        Outcome::failure(StatusCode::PrecompileFailure)
    }
}

impl<A: PrecompileSet, B: PrecompileSet> PrecompileSet for (A, B) {
    fn contains(address: &Address, revision: Revision) -> bool {
        A::contains(address, revision) || B::contains(address, revision)
    }

    fn weight(address: &Address, input: &[u8]) -> Weight {
        A::weight(address, input).max(B::weight(address, input))
    }

    fn run(host: &mut dyn Host, message: &Message<'_>, revision: Revision) -> Outcome {
        if A::contains(&message.code_address, revision) {
            A::run(host, message, revision)
        } else {
            B::run(host, message, revision)
        }
    }
}

/// Ethereum's precompiles at the chain's revision. Address 9 is keccak256, or with `T::KeccakAt9` false BLAKE2F.
pub struct Ethereum<T>(PhantomData<T>);

impl<T: Config> Ethereum<T> {
    fn set() -> StandardPrecompiles {
        let keccak_at_9 = if T::KeccakAt9::get() { KeccakAt9::On } else { KeccakAt9::Off };
        StandardPrecompiles { keccak_at_9, schedule: Schedule::V1 }
    }
}

impl<T: Config> PrecompileSet for Ethereum<T> {
    fn contains(address: &Address, revision: Revision) -> bool {
        Self::set().contains(address, revision)
    }

    fn weight(address: &Address, input: &[u8]) -> Weight {
        let words = (input.len() as u64).div_ceil(32);
        // Least of all; what is dearer than its gas says is named.
        let [.., number] = address.0;
        let micros = match number {
            1 => 600,
            2 | 3 => 5 + words,
            4 => 2 + words / 64,
            9 => 5 + 2 * words,
            _ => 20 + words,
        };
        Weight::from_parts(micros.saturating_mul(WEIGHT_REF_TIME_PER_MICROS), 0)
    }

    fn run(_: &mut dyn Host, message: &Message<'_>, revision: Revision) -> Outcome {
        let (address, input, gas) = (&message.code_address, message.input, message.gas);
        #[cfg(feature = "accelerated")]
        return crate::acceleration::precompile(&Self::set(), address, input, gas, revision);
        #[cfg(not(feature = "accelerated"))]
        Self::set().call(address, input, gas, revision)
    }
}

/// The chain's set behind its toll.
pub(crate) struct Tolled<'a, T> {
    toll: &'a Toll,
    of: PhantomData<fn() -> T>,
}

impl<'a, T: Config> Tolled<'a, T> {
    pub(crate) fn new(toll: &'a Toll) -> Self {
        Self { toll, of: PhantomData }
    }
}

impl<T: Config> Precompiles for Tolled<'_, T> {
    fn contains(&self, address: &Address, revision: Revision) -> bool {
        T::Precompiles::contains(address, revision)
    }

    fn run(&self, host: &mut dyn Host, message: &Message<'_>, revision: Revision) -> Outcome {
        let weight = T::Precompiles::weight(&message.code_address, message.input);
        if !self.toll.take(weight) {
            return Outcome::failure(StatusCode::OutOfGas);
        }
        let outcome = T::Precompiles::run(host, message, revision);
        let gas = u64::try_from(message.gas.saturating_sub(outcome.gas_left)).unwrap_or(0);
        self.toll.give_back(weight.ref_time().min(gas.saturating_mul(gas_time::<T::WeightInfo>())));
        outcome
    }
}

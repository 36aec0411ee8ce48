//! Policies by name: what a node lets jobs do.

use pallet_gristmill_jobs::{PURE, Policy};
use std::collections::BTreeMap;

/// What runs the code. Never changes an outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, codec::Encode, codec::Decode)]
pub enum Tier {
    /// The interpreter: begins at once.
    Interpreter,
    /// Machine code.
    #[default]
    Compiled,
}

/// The policies that a node has. The default is `pure` alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policies(BTreeMap<Vec<u8>, Tier>);

impl Default for Policies {
    fn default() -> Self {
        Self::of(Tier::default())
    }
}

impl Policies {
    /// `pure`, run by that tier.
    pub fn of(tier: Tier) -> Self {
        Self(BTreeMap::from([(PURE.to_vec(), tier)]))
    }

    /// What the policy of that name runs jobs with, if there is one.
    pub fn get(&self, name: &Policy) -> Option<Tier> {
        self.0.get(&name[..]).copied()
    }
}

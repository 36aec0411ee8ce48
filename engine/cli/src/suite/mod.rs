//! Test suites, as functions that tests call too: they are generic over what executes.

pub mod embedded;
mod fields;
pub mod known;
pub mod scenario;
pub mod statetest;
pub mod wast;

use std::path::Path;

use gristmill::{Profile, Proposal};
use serde_json::{Value, json};

/// Folders of specification scripts that want something refused which came later, and what that is.
const LATER: [(&str, &[Proposal]); 5] = [
    ("core-2.0", &[Proposal::MultiMemory, Proposal::CustomPageSizes, Proposal::Memory64, Proposal::FunctionReferences]),
    ("multi-memory", &[Proposal::CustomPageSizes, Proposal::Memory64, Proposal::FunctionReferences]),
    ("extended-const", &[Proposal::FunctionReferences]),
    ("tail-call", &[Proposal::FunctionReferences]),
    ("core-3.0-delta", &[Proposal::CustomPageSizes]),
];

/// The part of `profile` that the specification scripts at `path` are about.
pub fn profile_for(path: &Path, profile: Profile) -> Profile {
    let later = LATER.iter().filter(|(folder, _)| path.components().any(|part| part.as_os_str() == *folder));
    later.flat_map(|(_, proposals)| *proposals).fold(profile, |profile, proposal| profile.without(*proposal))
}

/// Sums of a suite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// What did as it should.
    pub passed: usize,
    /// What did not.
    pub failed: usize,
    /// What was not tried, or is a known failure.
    pub skipped: usize,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl Tally {
    /// The last line of a suite's run: in which tier, and on which dispatch, or in which plugin.
    pub fn json(&self, suite: &str, tier: &str, dispatch: &str) -> Value {
        json!({
            "suite": suite,
            "tier": tier,
            "dispatch": dispatch,
            "passed": self.passed,
            "failed": self.failed,
            "skipped": self.skipped,
        })
    }
}

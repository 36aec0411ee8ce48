//! What a chain is, as its file says.

use gristmill::contract::{Address, KeccakAt9, Revision, Rules};
use gristmill::{Exports, Schedule, contract};
use serde::{Deserialize, Serialize};

/// What a chain is. Stored with the chain: those of an existing file win over the ones given to open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Chain id; 1337 by default.
    pub chain_id: u64,
    /// Ethereum's rule set; Prague by default.
    pub revision: Revision,
    /// The price list; `v1` by default.
    pub schedule: Schedule,
    /// Whether address 9 is keccak256; on by default, as contracts compiled for Ewasm expect.
    pub keccak_at_9: KeccakAt9,
    /// Whether contracts may import what no other VM has.
    pub beyond: bool,
    /// Which exports a contract may have; strict by default: `memory` and `main` alone.
    pub exports: Exports,
    /// Whether transactions pay 21,000 gas and their data; off by default.
    pub intrinsic_gas: bool,
    /// Whether gas costs money; off by default.
    pub fees: bool,
    /// EIP-170's limit on deployed code, in bytes; none by default.
    pub max_code_size: Option<usize>,
    /// EIP-3860's limit on init code, in bytes; none by default.
    pub max_init_code_size: Option<usize>,
    /// Beneficiary of every block; zero by default.
    pub coinbase: Address,
    /// Gas limit of every block, as contracts see it; 30 million by default.
    pub block_gas_limit: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            chain_id: 1_337,
            revision: Revision::Prague,
            schedule: Schedule::V1,
            keccak_at_9: KeccakAt9::On,
            beyond: false,
            exports: Exports::Strict,
            intrinsic_gas: false,
            fees: false,
            max_code_size: None,
            max_init_code_size: None,
            coinbase: Address::zero(),
            block_gas_limit: 30_000_000,
        }
    }
}

impl Settings {
    /// The rules for the journal.
    pub fn rules(&self) -> Rules {
        Rules {
            max_code_size: self.max_code_size,
            max_init_code_size: self.max_init_code_size,
            intrinsic_gas: self.intrinsic_gas,
            fees: self.fees,
            ..Rules::new(self.revision)
        }
    }

    /// The options for the VM; what only concerns this process (debug, observer) is off.
    pub fn options(&self) -> contract::Options {
        contract::Options {
            schedule: self.schedule,
            keccak_at_9: self.keccak_at_9,
            beyond: self.beyond,
            exports: self.exports,
            ..contract::Options::default()
        }
    }
}

/// [`Settings`] as a file spells them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SettingsText {
    chain_id: u64,
    revision: String,
    schedule: String,
    keccak_at_9: String,
    beyond: bool,
    exports: String,
    intrinsic_gas: bool,
    fees: bool,
    max_code_size: Option<usize>,
    max_init_code_size: Option<usize>,
    coinbase: String,
    block_gas_limit: i64,
}

impl From<&Settings> for SettingsText {
    fn from(s: &Settings) -> Self {
        Self {
            chain_id: s.chain_id,
            revision: s.revision.name().into(),
            schedule: s.schedule.name().into(),
            keccak_at_9: keccak_name(s.keccak_at_9).into(),
            beyond: s.beyond,
            exports: exports_name(s.exports).into(),
            intrinsic_gas: s.intrinsic_gas,
            fees: s.fees,
            max_code_size: s.max_code_size,
            max_init_code_size: s.max_init_code_size,
            coinbase: crate::json::hex_text(s.coinbase.as_bytes()),
            block_gas_limit: s.block_gas_limit,
        }
    }
}

impl SettingsText {
    pub(crate) fn parse(self) -> Result<Settings, String> {
        Ok(Settings {
            chain_id: self.chain_id,
            revision: Revision::from_name(&self.revision)
                .ok_or_else(|| format!("no revision is called {:?}", self.revision))?,
            schedule: Schedule::from_name(&self.schedule)
                .ok_or_else(|| format!("no schedule is called {:?}", self.schedule))?,
            keccak_at_9: KECCAK_NAMES
                .into_iter()
                .find(|choice| keccak_name(*choice) == self.keccak_at_9)
                .ok_or_else(|| format!("keccakAt9 is auto, on or off, not {:?}", self.keccak_at_9))?,
            beyond: self.beyond,
            exports: [Exports::Strict, Exports::Lenient]
                .into_iter()
                .find(|choice| exports_name(*choice) == self.exports)
                .ok_or_else(|| format!("exports are strict or lenient, not {:?}", self.exports))?,
            intrinsic_gas: self.intrinsic_gas,
            fees: self.fees,
            max_code_size: self.max_code_size,
            max_init_code_size: self.max_init_code_size,
            coinbase: Address::from(crate::json::parse_hex::<20>(&self.coinbase)?),
            block_gas_limit: self.block_gas_limit,
        })
    }
}

const KECCAK_NAMES: [KeccakAt9; 3] = [KeccakAt9::Auto, KeccakAt9::On, KeccakAt9::Off];

fn keccak_name(choice: KeccakAt9) -> &'static str {
    match choice {
        KeccakAt9::Auto => "auto",
        KeccakAt9::On => "on",
        KeccakAt9::Off => "off",
    }
}

fn exports_name(choice: Exports) -> &'static str {
    match choice {
        Exports::Strict => "strict",
        Exports::Lenient => "lenient",
    }
}

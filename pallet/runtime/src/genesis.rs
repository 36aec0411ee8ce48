//! What the chain begins with.

use crate::*;
use alloc::string::ToString;
use alloc::vec::Vec;
use frame_support::build_struct_json_patch;
use serde_json::Value;
use sp_genesis_builder::DEV_RUNTIME_PRESET;
pub use sp_genesis_builder::PresetId;
use sp_keyring::Sr25519Keyring;

/// Well-known accounts with money; Alice is sudo, all are mapped, and the first three are workers with keys of their own.
fn development() -> Value {
    let accounts = Sr25519Keyring::well_known().map(|key| key.to_account_id()).collect::<Vec<_>>();
    let workers = [Sr25519Keyring::Alice, Sr25519Keyring::Bob, Sr25519Keyring::Charlie];
    #[cfg_attr(feature = "without-contracts", allow(unused_mut))]
    let mut config = build_struct_json_patch!(RuntimeGenesisConfig {
        balances: BalancesConfig {
            balances: accounts.iter().cloned().map(|account| (account, 1_000_000 * UNIT)).collect()
        },
        sudo: SudoConfig { key: Some(Sr25519Keyring::Alice.to_account_id()) },
        jobs: pallet_gristmill_jobs::GenesisConfig {
            workers: workers.iter().map(|key| (key.to_account_id(), key.public().into())).collect()
        },
    });
    #[cfg(not(feature = "without-contracts"))]
    merge(
        &mut config,
        build_struct_json_patch!(RuntimeGenesisConfig {
            contracts: pallet_gristmill::GenesisConfig { mapped: accounts },
        }),
    );
    config
}

/// The preset of that name, as JSON.
pub fn preset(id: &PresetId) -> Option<Vec<u8>> {
    (id.as_ref() as &str == DEV_RUNTIME_PRESET).then(|| development().to_string().into_bytes())
}

/// What a chain for development begins with: the preset over the defaults.
///
/// # Panics
/// Never, unless the preset is not what the runtime's genesis takes.
#[cfg(feature = "std")]
pub fn configuration() -> RuntimeGenesisConfig {
    let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).expect("configurations are JSON");
    merge(&mut config, development());
    serde_json::from_value(config).expect("the preset lies over the default configuration")
}

/// Lays `patch` over `value`.
#[cfg(any(feature = "std", not(feature = "without-contracts")))]
fn merge(value: &mut Value, patch: Value) {
    match (value, patch) {
        (Value::Object(value), Value::Object(patch)) => {
            for (key, patch) in patch {
                merge(value.entry(key).or_insert(Value::Null), patch);
            }
        }
        (value, patch) => *value = patch,
    }
}

/// The names that there are.
pub fn names() -> Vec<PresetId> {
    alloc::vec![PresetId::from(DEV_RUNTIME_PRESET)]
}

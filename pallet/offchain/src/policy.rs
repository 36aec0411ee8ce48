//! Policies by name: what a node lets jobs do.

use gristmill_ext_grants::{Grants, Version};
use pallet_gristmill_jobs::{PURE, Policy};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;

/// What runs the code. Never changes an outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, codec::Encode, codec::Decode, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// The interpreter: begins at once.
    Interpreter,
    /// Machine code.
    #[default]
    Compiled,
}

/// What jobs of a policy are run with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Means {
    /// What runs the code.
    pub tier: Tier,
    /// What the extensions give beyond computation; nothing: there are no extensions.
    pub grants: Option<Grants>,
}

/// The policies that a node has. The default is `pure` alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Policies(BTreeMap<Vec<u8>, Means>);

impl Default for Policies {
    fn default() -> Self {
        Self::of(Tier::default())
    }
}

/// Why a manifest is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadManifest(String);

impl fmt::Display for BadManifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.trim_end())
    }
}

impl std::error::Error for BadManifest {}

/// The manifest's form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    #[serde(rename = "version")]
    _version: Version,
    #[serde(default, rename = "policy")]
    policies: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    #[serde(default)]
    tier: Tier,
    grants: Grants,
}

impl Policies {
    /// `pure`, run by that tier.
    pub fn of(tier: Tier) -> Self {
        Self(BTreeMap::from([(PURE.to_vec(), Means { tier, grants: None })]))
    }

    /// `pure`, and the policies of a manifest in TOML: `version = 1`, and for each policy a `[[policy]]` with its `name`, its `tier`
    /// (`interpreter`, or `compiled`) and its `grants`, which are written as in a program's manifest.
    ///
    /// Jobs read standard input and are done with what they write to standard output, whatever the grants say of these.
    ///
    /// # Errors
    /// It is none; a name is no policy's or there twice; a policy has more than one namespace of storage.
    pub fn from_toml(text: &str) -> Result<Self, BadManifest> {
        let manifest: Manifest = toml::from_str(text).map_err(|error| BadManifest(error.to_string()))?;
        let mut policies = Self::default();
        for Entry { name, tier, grants } in manifest.policies {
            let wrong = |what: &str| Err(BadManifest(format!("policy `{name}`: {what}")));
            if name.is_empty() || Policy::try_from(name.clone().into_bytes()).is_err() {
                return wrong("a name has 1 to 32 bytes");
            }
            // What a job stores is kept or forgotten as one.
            if grants.storage.len() > 1 {
                return wrong("more than one namespace of storage");
            }
            if policies.0.insert(name.clone().into_bytes(), Means { tier, grants: Some(grants) }).is_some() {
                return wrong("there already");
            }
        }
        Ok(policies)
    }

    /// What the policy of that name runs jobs with, if there is one.
    pub fn get(&self, name: &Policy) -> Option<&Means> {
        self.0.get(&name[..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policies(text: &str) -> Result<Policies, BadManifest> {
        Policies::from_toml(text)
    }

    #[test]
    fn manifests_are_read() {
        let text = r#"
            version = 1
            [[policy]]
            name = "classify"
            tier = "interpreter"
            [[policy.grants.model]]
            name = "magika"
            file = "magika.onnx"
            [[policy]]
            name = "count"
            [policy.grants]
            storage = [{ namespace = "counters", access = "rw", bytes = 4096 }]
        "#;
        let policies = policies(text).unwrap();
        let get = |name: &str| policies.get(&name.as_bytes().to_vec().try_into().unwrap());
        assert_eq!(get("pure"), Some(&Means::default()));
        assert_eq!(get("classify").unwrap().tier, Tier::Interpreter);
        assert_eq!(get("count").unwrap().grants.as_ref().unwrap().storage[0].namespace, "counters");
        assert_eq!(get("root"), None);
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        for (text, part) in [
            ("", "version"),
            ("version = 2", "version 1"),
            ("version = 1\npolicies = []", "unknown field"),
            ("version = 1\n[[policy]]\nname = \"a\"", "grants"),
            ("version = 1\n[[policy]]\nname = \"\"\ngrants = {}", "1 to 32"),
            ("version = 1\n[[policy]]\nname = \"a\"\ngrants = { files = [] }", "unknown field"),
            ("version = 1\n[[policy]]\nname = \"pure\"\ngrants = {}", "already"),
            (
                "version = 1\n[[policy]]\nname = \"a\"\ngrants = { storage = [{ namespace = \"b\" }, { namespace = \"c\" }] }",
                "namespace",
            ),
        ] {
            let error = policies(text).expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}

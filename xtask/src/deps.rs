//! Dependencies: the versions that fit together, who may use whom, and no std below the chain.

use crate::{Outcome, output, root};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Crates that our packages must use in no other version: the pallet's runtime brings these, or limits rest on them.
const FIXED: &[(&str, &str, &str)] = &[
    ("primitive-types", "0.13.", "sp-core's: the pallet shares types with FRAME"),
    ("cranelift-codegen", "0.135.", "the newest that Rust 1.95 takes"),
    ("wasmparser", "0.263.", "its limits and feature flags are part of validation"),
    ("tiny-keccak", "2.", "hashes of consensus"),
    ("revm-precompile", "43.", "of the revm that fits"),
    ("ort", "2.0.0-rc.15", "version 2 has only candidates, which change"),
    ("tract-onnx", "0.23.9", "engine/ext/nn puts bounds around what this release does while it reads models"),
];

/// The engine core's direct dependencies: all of them.
const CORE: &[&str] = &["libm", "primitive-types", "tiny-keccak", "wasmparser"];

/// Which of our packages a package may use, apart from its tests. `*` is anything.
const ARROWS: &[(&str, &[&str])] = &[
    ("gristmill", &[]),
    ("gristmill-aot", &["gristmill"]),
    ("gristmill-precompiles", &["gristmill"]),
    ("gristmill-chain", &["gristmill", "gristmill-precompiles"]),
    (
        "gristmill-cli",
        &[
            "gristmill",
            "gristmill-aot",
            "gristmill-chain",
            "gristmill-evmc",
            "gristmill-ext-grants",
            "gristmill-ext-nn",
            "gristmill-ext-process",
            "gristmill-ext-storage",
            "gristmill-ext-walls",
            "gristmill-ext-wasi",
            "gristmill-serve",
        ],
    ),
    ("gristmill-ext-grants", &["gristmill"]),
    ("gristmill-ext-nn", &["gristmill", "gristmill-ext-grants"]),
    ("gristmill-ext-process", &["gristmill", "gristmill-ext-grants", "gristmill-ext-walls"]),
    ("gristmill-ext-storage", &["gristmill", "gristmill-ext-grants"]),
    ("gristmill-ext-walls", &[]),
    ("gristmill-ext-wasi", &["gristmill", "gristmill-ext-grants"]),
    ("gristmill-serve", &["gristmill", "gristmill-ext-grants", "gristmill-ext-wasi"]),
    ("gristmill-evmc", &["gristmill", "gristmill-aot", "gristmill-chain"]),
    ("gristmill-fixtures", &[]),
    ("gristmill-measure", &[]),
    ("gristmill-reference", &["gristmill"]),
    ("gristmill-tests", &["*"]),
    ("xtask", &["*"]),
    ("pallet-gristmill-jobs", &[]),
    ("pallet-gristmill", &["gristmill", "gristmill-precompiles", "pallet-gristmill-jobs"]),
    (
        "gristmill-offchain",
        &[
            "gristmill",
            "gristmill-aot",
            "gristmill-ext-grants",
            "gristmill-ext-nn",
            "gristmill-ext-process",
            "gristmill-ext-storage",
            "gristmill-ext-wasi",
            "pallet-gristmill-jobs",
        ],
    ),
    ("gristmill-demo-runtime", &["pallet-gristmill", "pallet-gristmill-jobs"]),
    ("gristmill-pallet-tests", &["*"]),
    ("gristmill-pallet-bench", &["*"]),
    ("gristmill-pallet-measure", &["*"]),
];

/// Workspaces whose packages the table is about.
const MANIFESTS: &[&str] = &["Cargo.toml", "pallet/Cargo.toml"];

pub fn main(_: &[String]) -> Outcome {
    let mut wrong = Vec::new();
    for manifest in MANIFESTS {
        let metadata = ["metadata", "--format-version=1", "--locked", "--all-features", "--manifest-path", manifest];
        let metadata: Value = serde_json::from_str(&output(cargo().args(metadata))?)?;
        wrong.extend(versions(&metadata));
        wrong.extend(arrows(&metadata));
    }
    let tree = output(cargo().args(["tree", "--package=gristmill", "--no-default-features", "--locked"]).args([
        "--target=wasm32v1-none",
        "--edges=normal,no-proc-macro",
        "--prefix=none",
        "--format={p} [{f}]",
    ]))?;
    wrong.extend(no_std(&tree));
    if wrong.is_empty() {
        println!("dependencies: versions, arrows and no_std hold");
        return Ok(());
    }
    Err(format!("{} rules broken\n  {}", wrong.len(), wrong.join("\n  ")).into())
}

fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root());
    cargo
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// Looks at what our own packages use directly; two others may share an older version between them.
fn versions(metadata: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let packages = || array(metadata, "packages").iter();
    let ours: BTreeSet<&str> = packages().filter(|p| p["source"].is_null()).map(|p| text(p, "id")).collect();
    let nodes = array(&metadata["resolve"], "nodes").iter().filter(|node| ours.contains(text(node, "id")));
    let used: BTreeSet<&str> = nodes.flat_map(|node| array(node, "deps")).map(|dep| text(dep, "pkg")).collect();
    for package in packages().filter(|p| used.contains(text(p, "id"))) {
        let (name, version) = (text(package, "name"), text(package, "version"));
        if let Some((_, fixed, why)) = FIXED.iter().find(|f| f.0 == name)
            && !version.starts_with(fixed)
        {
            wrong.push(format!("{name} {version}: must be {fixed}x ({why})"));
        }
    }
    wrong
}

fn arrows(metadata: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let ours: BTreeMap<&str, &Value> = array(metadata, "packages")
        .iter()
        .filter(|p| p["source"].is_null())
        .map(|package| (text(package, "name"), package))
        .collect();
    for (name, package) in &ours {
        let Some((_, allowed)) = ARROWS.iter().find(|a| a.0 == *name) else {
            wrong.push(format!("{name}: no row in the table of arrows (xtask/src/deps.rs)"));
            continue;
        };
        let used = || array(package, "dependencies").iter().filter(|d| d["kind"].as_str() != Some("dev"));
        for dependency in used().map(|d| text(d, "name")).filter(|d| ours.contains_key(d)) {
            if !allowed.contains(&"*") && !allowed.contains(&dependency) {
                wrong.push(format!("{name} -> {dependency}: not an arrow of the architecture"));
            }
        }
        if *name == "gristmill" {
            let mut direct: Vec<&str> = used().map(|d| text(d, "name")).collect();
            direct.sort_unstable();
            if direct != CORE {
                wrong.push(format!("gristmill depends on {direct:?}, not on exactly {CORE:?}"));
            }
            let keccak = used().find(|d| text(d, "name") == "tiny-keccak").map(|d| array(d, "features"));
            if !keccak.is_some_and(|features| features.iter().any(|f| f == "keccak")) {
                wrong.push("gristmill: tiny-keccak without its feature keccak".into());
            }
        }
    }
    wrong
}

/// Lines of `cargo tree`: `name version [features]`.
fn no_std(tree: &str) -> Vec<String> {
    let mut wrong: Vec<String> = tree
        .lines()
        .filter(|line| line.split(['[', ']', ',']).any(|feature| feature == "std"))
        .map(|line| format!("std in the no_std part: {line}"))
        .collect();
    if !tree.contains("wasmparser") {
        wrong.push("cargo tree did not list the core's dependencies".into());
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn package(name: &str, version: &str, dependencies: &[&str]) -> Value {
        let dependencies: Vec<Value> =
            dependencies.iter().map(|d| json!({"name": d, "kind": null, "features": ["keccak"]})).collect();
        json!({"id": name, "name": name, "version": version, "source": null, "dependencies": dependencies})
    }

    #[test]
    fn what_holds_passes_and_each_breach_is_named() {
        let good = json!({"packages": [package("gristmill", "0.1.0", CORE), package("gristmill-chain", "0.1.0", &["gristmill"])]});
        assert!(arrows(&good).is_empty());
        let uses = json!({"nodes": [{"id": "stranger", "deps": [{"pkg": "primitive-types"}]}]});
        let bad = json!({"resolve": uses, "packages": [
            package("gristmill", "0.1.0", &["libm", "gristmill-chain"]),
            package("gristmill-chain", "0.1.0", &["gristmill"]),
            package("stranger", "0.1.0", &[]),
            package("primitive-types", "0.14.0", &[]),
        ]});
        let wrong = arrows(&bad).join("\n");
        for part in ["gristmill -> gristmill-chain", "not on exactly", "without its feature keccak", "stranger: no row"]
        {
            assert!(wrong.contains(part), "{part} not in {wrong}");
        }
        assert_eq!(versions(&bad).len(), 1);
        assert!(versions(&good).is_empty());
    }

    #[test]
    fn std_is_found_by_feature_and_not_by_substring() {
        let good = "gristmill v0.1.0 []\nwasmparser v0.263.0 [validate,features]\nhashbrown v0.17.0 [nostd]";
        assert!(no_std(good).is_empty());
        assert_eq!(no_std(&good.replace("nostd", "a,std")).len(), 1);
        assert_eq!(no_std("").len(), 1);
    }
}

//! The manifest and the files say the same.

use gristmill_fixtures::{File, files, guests, modules, path, scenarios};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_sum_is_that_of_the_file() {
    for File { path: name, sha256, .. } in files() {
        let bytes = std::fs::read(path(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(hex::encode(Sha256::digest(bytes)), sha256, "{name} is not the file that the manifest describes");
    }
}

/// Adds the files under `folder` to `found`, by their paths below the crate's folder. What others leave there is no fixture.
fn find(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if !entry.file_type().unwrap().is_dir() {
            let below = entry.path().strip_prefix(path("")).unwrap().to_str().unwrap().to_string();
            found.insert(below);
        } else if !["target", "node_modules"].contains(&&*name) {
            find(&entry.path(), found);
        }
    }
}

#[test]
fn every_file_of_a_fixture_is_listed() {
    let listed: BTreeSet<String> = files().iter().map(|f| f.path.to_string()).collect();
    let mut found = BTreeSet::new();
    for folder in std::fs::read_dir(path("")).unwrap().map(|e| e.unwrap()) {
        let name = folder.file_name().into_string().unwrap();
        if folder.file_type().unwrap().is_dir() && !["src", "tests", "target"].contains(&&*name) {
            find(&folder.path(), &mut found);
        }
    }
    assert_eq!(listed, found);
}

#[test]
fn every_file_has_its_facts() {
    for f in files() {
        for (key, value) in [("licence", f.licence), ("provenance", f.provenance), ("sha256", f.sha256)] {
            assert!(!value.is_empty(), "{}: no {key}", f.path);
        }
        if f.is_wasm() && !f.path.starts_with("third-party/") {
            for (key, value) in [("compiler", f.compiler), ("settings", f.settings), ("source", f.source)] {
                assert!(!value.is_empty(), "{}: no {key}", f.path);
            }
            assert!(path(f.source).is_file(), "{}: its source {} is missing", f.path, f.source);
        }
    }
}

#[test]
fn the_catalogue_counts_what_is_there() {
    assert_eq!(scenarios().len(), 15);
    assert_eq!(modules().count(), 50);
    assert_eq!(guests().count(), 17);
    assert_eq!(gristmill_fixtures::TOKEN, std::fs::read(path("token/soll-normal.wasm")).unwrap());
}

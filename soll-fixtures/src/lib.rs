//! The bundled contracts and guests as a catalogue: what files there are, who made them from what, and where they lie.
//!
//! The one source is `manifest.toml`; [`files`] reads it. `README.md` in this folder says how a scenario is judged and
//! which compiler faults to expect.

use std::path::PathBuf;

/// The ERC-20 of `token/`, compiled by SOLL (`-deploy=Normal`): creation code.
pub const TOKEN: &[u8] = include_bytes!("../token/soll-normal.wasm");
/// The text of the manifest.
pub const MANIFEST: &str = include_str!("../manifest.toml");

/// One bundled file, as the manifest has it. The three compiler fields are empty where no compiler made the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// Path relative to this crate's folder, with `/`.
    pub path: &'static str,
    /// Compiler and version.
    pub compiler: &'static str,
    /// Compiler settings that matter.
    pub settings: &'static str,
    /// The source, a path as [`File::path`].
    pub source: &'static str,
    /// Name of the contract in the source.
    pub contract: &'static str,
    /// SPDX licence identifier.
    pub licence: &'static str,
    /// Who made the file, or from what.
    pub provenance: &'static str,
    /// SHA-256 of the bytes, hex.
    pub sha256: &'static str,
}

impl File {
    /// Whether the file is a WebAssembly module.
    pub fn is_wasm(&self) -> bool {
        self.path.ends_with(".wasm")
    }

    /// Whether the file belongs to the programs for off-chain extensions.
    pub fn is_guest(&self) -> bool {
        self.path.starts_with("guests/")
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&self) -> std::io::Result<Vec<u8>> {
        std::fs::read(path(self.path))
    }
}

/// Where a bundled file lies: `relative` under this crate's folder.
pub fn path(relative: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(relative)
}

/// All bundled files, in the order of the manifest (by path).
pub fn files() -> Vec<File> {
    let mut files = Vec::new();
    for line in MANIFEST.lines() {
        if line == "[[file]]" {
            files.push(File::default());
        }
        let (Some(file), Some((key, value))) = (files.last_mut(), line.split_once(" = ")) else { continue };
        let value = value.trim_matches('"');
        match key {
            "path" => file.path = value,
            "compiler" => file.compiler = value,
            "settings" => file.settings = value,
            "source" => file.source = value,
            "contract" => file.contract = value,
            "licence" => file.licence = value,
            "provenance" => file.provenance = value,
            "sha256" => file.sha256 = value,
            _ => {}
        }
    }
    files
}

/// The contracts among [`files`], one that must be refused included (`negative/invalid-runtime.wasm`).
pub fn modules() -> impl Iterator<Item = File> {
    files().into_iter().filter(|file| file.is_wasm() && !file.is_guest())
}

/// The programs for off-chain extensions among [`files`]. `guests/README.md` says what they do.
pub fn guests() -> impl Iterator<Item = File> {
    files().into_iter().filter(|file| file.is_wasm() && file.is_guest())
}

/// The folders that have a `scenario.json`, by name.
pub fn scenarios() -> Vec<&'static str> {
    files().iter().filter_map(|f| f.path.strip_suffix("/scenario.json")).collect()
}

/// The example of the project's README, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

//! Runs the built command and looks at everything that it leaves behind.
#![allow(dead_code)] // each test file uses its own part

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What a run of the command left behind.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// The whole of standard output as one JSON value.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}{}", self.stdout, self.stderr))
    }

    /// The last line of standard output as JSON: what suites end with.
    pub fn summary(&self) -> Value {
        let last = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|e| panic!("{e}: {}{}", self.stdout, self.stderr))
    }

    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.stdout.contains(words), "no `{words}` in {}{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub fn complains(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "no `{words}` in {}{}", self.stdout, self.stderr);
        self
    }
}

/// Runs `gristmill` in `folder`.
pub fn gristmill_in(folder: &Path, args: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_gristmill")).args(args).current_dir(folder).output().unwrap();
    Run {
        code: output.status.code().expect("ended by a signal"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs `gristmill` at the root of the repository.
pub fn gristmill(args: &[&str]) -> Run {
    gristmill_in(&root(), args)
}

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// An empty folder for the test of that name.
pub fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Writes a file into `folder` and returns its path as text.
pub fn file(folder: &Path, name: &str, contents: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, contents).unwrap();
    path.to_str().unwrap().to_string()
}

/// Suites that live outside the repository: `$GRISTMILL_CONFORMANCE`, else `../shared/conformance`. None on a user's machine;
/// missing in CI is a failure.
pub fn conformance() -> Option<PathBuf> {
    let path = match std::env::var_os("GRISTMILL_CONFORMANCE") {
        Some(path) => PathBuf::from(path),
        None => root().join("../shared/conformance"),
    };
    if path.is_dir() {
        return Some(path);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is not there, and this is CI", path.display());
    println!("not found: {}", path.display());
    None
}

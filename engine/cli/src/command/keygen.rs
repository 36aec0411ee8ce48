//! `gristmill keygen`: a pair of keys that sign machine code.

use std::path::PathBuf;

use serde_json::json;

use crate::key;
use crate::output::{Answer, Failure};

/// Make a pair of keys to sign machine code with
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Writes the secret key to FILE, which only you can read, and the public one to FILE.pub. `compile --sign FILE` signs; \
`run --trust FILE.pub` and its like run what was signed. Files that are there are never overwritten.

Example:
  gristmill keygen release.key")]
pub struct Args {
    /// Where to write the secret key
    file: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// A file is there already, or cannot be written.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let key = key::new()?;
    key::write(&args.file, &key)?;
    let public = hex::encode(key.verifying_key().as_bytes());
    let text = format!("public key {public}");
    Ok(Answer::good(text, json!({ "file": args.file.display().to_string(), "public": public })))
}

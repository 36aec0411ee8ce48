//! Keys that sign machine code: Ed25519, as hex in text files.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use gristmill_aot::{SigningKey, VerifyingKey};

use crate::output::Failure;

/// A new secret key, of the system's randomness.
///
/// # Errors
/// The system has none.
pub fn new() -> Result<SigningKey, Failure> {
    let mut secret = [0; 32];
    let mut random = OpenOptions::new().read(true).open("/dev/urandom").map_err(|e| Failure::host(e.to_string()))?;
    random.read_exact(&mut secret).map_err(|e| Failure::host(e.to_string()))?;
    Ok(SigningKey::from_bytes(&secret))
}

/// Writes a secret key to a new file that nobody but its owner can read, and the public one beside it.
///
/// # Errors
/// A file is there already, or cannot be written.
pub fn write(path: &Path, key: &SigningKey) -> Result<(), Failure> {
    let put = |path: &Path, mode, bytes: &[u8]| {
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
        let written = file.and_then(|mut file| writeln!(file, "{}", hex::encode(bytes)));
        written.map_err(|e| Failure::host(e.to_string()).at(path.display()))
    };
    put(path, 0o600, key.as_bytes())?;
    put(&path.with_added_extension("pub"), 0o644, key.verifying_key().as_bytes())
}

/// Reads a secret key.
///
/// # Errors
/// The file cannot be read, or is none.
pub fn secret(path: &Path) -> Result<SigningKey, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| Failure::host(e.to_string()).at(path.display()))?;
    let bytes = bytes(&text).ok_or_else(|| Failure::usage("not a secret key: 64 hex digits").at(path.display()))?;
    Ok(SigningKey::from_bytes(&bytes))
}

/// Reads a public key: hex, or a file with it.
///
/// # Errors
/// It is neither.
pub fn public(text: &str) -> Result<VerifyingKey, Failure> {
    let read = || std::fs::read_to_string(text).ok().and_then(|text| bytes(&text));
    let key = bytes(text).or_else(read).and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
    key.ok_or_else(|| Failure::usage("not a public key: 64 hex digits, or a file with them").at(text))
}

fn bytes(text: &str) -> Option<[u8; 32]> {
    hex::decode(text.trim()).ok()?.try_into().ok()
}

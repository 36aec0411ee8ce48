//! A raw chain specification of the demo runtime, with the development preset: what a node or chopsticks starts from.

use gristmill_demo_runtime as runtime;
use serde_json::{Value, json};
use sp_core::bytes::to_hex;
use sp_core::storage::well_known_keys;
use sp_runtime::BuildStorage;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
A raw chain specification of the demo runtime, with the development preset.

Usage: chain-spec [-o FILE] BLOB

  BLOB      the runtime's Wasm, as pallet/build-runtime leaves it
  -o FILE   write there, and not to the standard output
  --help    this

Exit codes: 2 for arguments that make no sense, 3 for a blob that cannot be read, 1 for output that cannot be written.
";

const USAGE: u8 = 2;
const UNREADABLE: u8 = 3;

/// What was asked for.
struct Arguments {
    blob: PathBuf,
    output: Option<PathBuf>,
}

/// `None`: the help.
fn arguments(mut given: impl Iterator<Item = std::ffi::OsString>) -> Result<Option<Arguments>, String> {
    let (mut blob, mut output) = (None, None);
    while let Some(argument) = given.next() {
        match argument.to_str() {
            Some("-h" | "--help") => return Ok(None),
            Some("-o") => output = Some(given.next().ok_or("-o takes a file")?.into()),
            Some(option) if option.starts_with('-') => return Err(format!("no option {option}")),
            _ if blob.is_some() => return Err(format!("one blob, and {} is another", argument.display())),
            _ => blob = Some(argument.into()),
        }
    }
    let blob = blob.ok_or("which blob?")?;
    Ok(Some(Arguments { blob, output }))
}

fn specification(code: Vec<u8>) -> Value {
    let mut storage = runtime::genesis::configuration().build_storage().expect("the preset builds");
    storage.top.insert(well_known_keys::CODE.to_vec(), code);
    // The raw form has no room for what the preset does not make: contracts.
    assert!(storage.children_default.is_empty(), "the development preset has no child tries");
    let hex = |bytes: &[u8]| to_hex(bytes, false);
    let top: serde_json::Map<_, _> = storage.top.iter().map(|(key, value)| (hex(key), hex(value).into())).collect();
    json!({
        "name": "Gristmill Development",
        "id": "gristmill_dev",
        "chainType": "Development",
        "bootNodes": [],
        "telemetryEndpoints": null,
        "protocolId": null,
        "properties": { "ss58Format": 42, "tokenDecimals": 12, "tokenSymbol": "UNIT" },
        "codeSubstitutes": {},
        "genesis": { "raw": { "top": top, "childrenDefault": {} } },
    })
}

fn main() -> ExitCode {
    let arguments = match arguments(std::env::args_os().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("chain-spec: {error}\nchain-spec --help says more");
            return USAGE.into();
        }
    };
    let code = match fs::read(&arguments.blob) {
        // The magic of a module: a blob that is compressed, or something else by mistake, starts no chain.
        Ok(code) if code.starts_with(b"\0asm") => code,
        Ok(_) => {
            eprintln!("chain-spec: {}: no WebAssembly module", arguments.blob.display());
            return UNREADABLE.into();
        }
        Err(error) => {
            eprintln!("chain-spec: {}: {error}", arguments.blob.display());
            return UNREADABLE.into();
        }
    };
    let text = format!("{:#}\n", specification(code));
    let (written, place) = match &arguments.output {
        Some(path) => (fs::write(path, text), path.display().to_string()),
        None => (io::stdout().write_all(text.as_bytes()), "standard output".into()),
    };
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chain-spec: {place}: {error}");
            ExitCode::FAILURE
        }
    }
}

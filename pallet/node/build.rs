//! Has the runtime built that the node carries.
//!
//! `GRISTMILL_RUNTIME` names a blob that is there already; without it `pallet/build-runtime` makes one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// What the blob is made of, seen from here. Cargo looks into folders.
const SOURCES: [&str; 11] = [
    "../build-runtime",
    "../Cargo.toml",
    "../Cargo.lock",
    "../src",
    "../jobs/Cargo.toml",
    "../jobs/src",
    "../runtime/Cargo.toml",
    "../runtime/src",
    "../../engine/core/Cargo.toml",
    "../../engine/core/src",
    "../../engine/precompiles",
];

/// The magic of a module: one that is compressed, or something else by mistake, starts no chain.
const MAGIC: &[u8] = b"\0asm";

fn main() {
    println!("cargo::rerun-if-env-changed=GRISTMILL_RUNTIME");
    match blob() {
        Ok(blob) => {
            println!("cargo::rerun-if-changed={}", blob.display());
            println!("cargo::rustc-env=GRISTMILL_BLOB={}", blob.display());
        }
        Err(error) => println!("cargo::error={error}"),
    }
}

/// Where the blob is: a path that holds wherever the compiler is.
fn blob() -> Result<PathBuf, String> {
    let given = match env::var_os("GRISTMILL_RUNTIME") {
        Some(given) => PathBuf::from(given),
        None => built()?,
    };
    let say = |error| format!("{}: {error}", given.display());
    let blob = fs::canonicalize(&given).map_err(say)?;
    let code = fs::read(&blob).map_err(say)?;
    if !code.starts_with(MAGIC) {
        return Err(format!("{}: no WebAssembly module", given.display()));
    }
    Ok(blob)
}

fn built() -> Result<PathBuf, String> {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    let script = Path::new("..").join("build-runtime");
    let output = Command::new(&script)
        // With all that this node has and others do not.
        .args(["gristmill-demo-runtime", "node"])
        // Clippy would come along into another toolchain.
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("RUSTC_WRAPPER")
        .env_remove("CLIPPY_ARGS")
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{}: {error}", script.display()))?;
    if !output.status.success() {
        return Err(format!("{}: {}", script.display(), output.status));
    }
    let path = String::from_utf8(output.stdout).map_err(|error| format!("{}: {error}", script.display()))?;
    Ok(PathBuf::from(path.trim_end()))
}

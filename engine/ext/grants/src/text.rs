//! Grants as flags of a command.

use crate::manifest::{Access, Command, Directory, Model, Storage};
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// Why a flag's value is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFlag(pub String);

impl fmt::Display for BadFlag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadFlag {}

fn nonempty(text: &str, what: &str) -> Result<String, BadFlag> {
    if text.is_empty() { Err(BadFlag(format!("{what} is empty"))) } else { Ok(text.into()) }
}

/// `HOST::GUEST[:ro]`, as wasmtime's; with one colon `GUEST:HOST`, as SSVM's; a path alone is both. What can be written is, unless
/// it says `:ro` (or `:readonly`, WasmEdge's word).
impl FromStr for Directory {
    type Err = BadFlag;

    fn from_str(text: &str) -> Result<Self, BadFlag> {
        let (names, access) = match text.rsplit_once(':') {
            Some((names, "ro" | "readonly")) => (names, Access::Ro),
            Some((names, "rw")) => (names, Access::Rw),
            _ => (text, Access::Rw),
        };
        let (guest, host) = match names.split_once("::") {
            Some((host, guest)) => (guest, host),
            None => names.split_once(':').unwrap_or((names, names)),
        };
        let guest = nonempty(guest, "the directory's name")?;
        let host = Some(nonempty(host, "the directory's path")?.into());
        Ok(Self { guest, host, access, quota: None })
    }
}

/// `NAME`, or `NAME=PATH`.
impl FromStr for Command {
    type Err = BadFlag;

    fn from_str(text: &str) -> Result<Self, BadFlag> {
        let (name, path) = match text.split_once('=') {
            Some((name, path)) => (name, Some(nonempty(path, "the command's path")?.into())),
            None => (text, None),
        };
        let name = nonempty(name, "the command's name")?;
        Ok(Self { name, path, arguments: None, environment: None, milliseconds: None, walls: None })
    }
}

/// `NAMESPACE[:ro]`.
impl FromStr for Storage {
    type Err = BadFlag;

    fn from_str(text: &str) -> Result<Self, BadFlag> {
        let (name, access) = match text.rsplit_once(':') {
            Some((name, "ro")) => (name, Access::Ro),
            Some((name, "rw")) => (name, Access::Rw),
            _ => (text, Access::Rw),
        };
        Ok(Self { namespace: nonempty(name, "the namespace")?, access, bytes: None, keys: None })
    }
}

/// `NAME=FILE`, or `NAME:ENCODING:TARGET:FILE` as WasmEdge's; a file alone is called as it is, without what is behind its last dot.
impl FromStr for Model {
    type Err = BadFlag;

    fn from_str(text: &str) -> Result<Self, BadFlag> {
        let (name, encoding, target, file) = match text.splitn(4, ':').collect::<Vec<_>>()[..] {
            [name, encoding, target, file] => (name, encoding.to_ascii_lowercase(), target.to_ascii_lowercase(), file),
            _ => {
                let stem = Path::new(text).file_stem().and_then(|stem| stem.to_str()).unwrap_or(text);
                let (name, file) = text.split_once('=').unwrap_or((stem, text));
                (name, "autodetect".into(), "cpu".into(), file)
            }
        };
        let name = nonempty(name, "the model's name")?;
        Ok(Self { name, file: nonempty(file, "the model's file")?.into(), digest: None, encoding, target })
    }
}

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

/// `NAME=FILE[:ENCODING[:TARGET[:BACKEND]]]`, or `NAME:ENCODING:TARGET:FILE` as WasmEdge's; a file alone is called as it is, without what is
/// behind its last dot. A file whose name ends with the name of an encoding is given in a manifest.
impl FromStr for Model {
    type Err = BadFlag;

    fn from_str(text: &str) -> Result<Self, BadFlag> {
        let (name, rest) = match (text.split_once('='), &text.splitn(4, ':').collect::<Vec<_>>()[..]) {
            (None, [name, encoding, target, file]) => return model(name, file, encoding, target, None),
            (Some((name, rest)), _) => (name, rest),
            (None, _) => (Path::new(text).file_stem().and_then(|stem| stem.to_str()).unwrap_or(text), text),
        };
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_target = |word: &str| ["cpu", "gpu", "tpu", "auto"].contains(&word);
        // The file may have colons, too.
        match rest.split(':').collect::<Vec<_>>()[..] {
            [ref file @ .., encoding, target, backend]
                if !file.is_empty() && is_word(encoding) && is_target(target) && is_word(backend) =>
            {
                model(name, &file.join(":"), encoding, target, Some(backend))
            }
            [ref file @ .., encoding, target] if !file.is_empty() && is_word(encoding) && is_target(target) => {
                model(name, &file.join(":"), encoding, target, None)
            }
            [ref file @ .., encoding] if !file.is_empty() && is_word(encoding) => {
                model(name, &file.join(":"), encoding, "cpu", None)
            }
            _ => model(name, rest, "autodetect", "cpu", None),
        }
    }
}

fn model(name: &str, file: &str, encoding: &str, target: &str, backend: Option<&str>) -> Result<Model, BadFlag> {
    let (name, file) = (nonempty(name, "the model's name")?, nonempty(file, "the model's file")?.into());
    let [encoding, target] = [encoding, target].map(str::to_ascii_lowercase);
    Ok(Model { name, file, digest: None, encoding, target, backend: backend.map(str::to_ascii_lowercase) })
}

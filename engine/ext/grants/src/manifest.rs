//! The manifest: its structure, which is that of the grants, and how it is read.

use crate::limits::{Limits, Prices};
use crate::network::NetRule;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// The version of the manifest's form: 1, and no other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Version;

impl Version {
    const NUMBER: u32 = 1;
}

impl From<Version> for u32 {
    fn from(_: Version) -> Self {
        Version::NUMBER
    }
}

impl TryFrom<u32> for Version {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        if number == Self::NUMBER { Ok(Self) } else { Err(format!("version {} is the only one", Self::NUMBER)) }
    }
}

/// All that a program may do. The default is nothing at all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grants {
    /// Of the manifest's form.
    pub version: Version,
    /// The only module that these grants are for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<Digest>,
    /// What the program finds as arguments, behind its name.
    pub arguments: Vec<String>,
    /// Variables of its environment. Nothing is inherited.
    pub environment: BTreeMap<String, String>,
    /// Standard input, output and error.
    pub stdio: Stdio,
    /// What clocks show.
    pub clock: Clock,
    /// Where random bytes come from.
    pub random: Random,
    /// Directories, opened before the program begins, in this order.
    #[serde(rename = "directory")]
    pub directories: Vec<Directory>,
    /// Whom it may connect to, what it may listen on, which names it may resolve.
    pub network: Vec<NetRule>,
    /// Programs of the system that it may run.
    #[serde(rename = "command")]
    pub commands: Vec<Command>,
    /// Whether it may run any program of the system, with any arguments. For one that has an entry among
    /// [`commands`](Self::commands) that fits, the entry's path and time count still.
    pub all_commands: bool,
    /// Namespaces of key-value storage. The first is what functions without a name for one mean.
    pub storage: Vec<Storage>,
    /// Models that it may load by name.
    #[serde(rename = "model")]
    pub models: Vec<Model>,
    /// Whether it may load models that it brings itself.
    pub own_models: bool,
    /// Gas, time, memory and output.
    pub limits: Limits,
    /// What functions of the extensions cost.
    pub prices: Prices,
}

/// SHA-256 of a file, `sha256:` and 64 hexadecimal digits in text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex::encode(self.0))
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.strip_prefix("sha256:").ok_or("a digest begins with `sha256:`")?;
        let mut digest = [0; 32];
        hex::decode_to_slice(digits, &mut digest).map_err(|error| format!("a digest has 64 hex digits: {error}"))?;
        Ok(Self(digest))
    }
}

/// The three standard streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stdio {
    /// Where reading comes from.
    pub stdin: Input,
    /// Where writing goes.
    pub stdout: Output,
    /// Where writing goes.
    pub stderr: Output,
}

/// A standard stream to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// It is at its end.
    #[default]
    Null,
    /// The host process's.
    Inherit,
    /// What the embedder gives.
    Given,
}

/// A standard stream to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// Nobody reads it.
    #[default]
    Null,
    /// The host process's.
    Inherit,
    /// Kept for the embedder, up to [`Limits::output`] bytes.
    Capture,
}

/// What clocks show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Clock {
    /// There is none.
    #[default]
    Off,
    /// Time begins at 0 and passes while the program waits, by as much, and at no other time.
    Virtual,
    /// The machine's.
    Real,
}

/// Where random bytes come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Random {
    /// Nowhere.
    #[default]
    Off,
    /// The operating system.
    System,
    /// A generator (ChaCha, 20 rounds) that begins with this number: the same bytes in each run.
    Seed(u64),
}

/// Whether things may be changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// They may be read.
    #[default]
    Ro,
    /// And written.
    Rw,
}

/// A directory that the program finds open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// What the program calls it.
    pub guest: String,
    /// The directory of the host; without, one in memory that is gone when the program ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<PathBuf>,
    /// Whether it may be changed.
    #[serde(default)]
    pub access: Access,
    /// Bytes that files in it may grow by, in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<u64>,
}

/// A program of the system that may be run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// What the guest calls it, exactly.
    pub name: String,
    /// The file that is run; without, the name is looked up in the host's `PATH`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Patterns of its arguments (`*` is any text, also none), one for each in their order; without, any arguments. For some
    /// that may be left out there are several entries with the same name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Vec<String>>,
    /// Variables that the guest may set; without, any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<Vec<String>>,
    /// The longest that it may run, whatever the guest says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u32>,
    /// Walls of the kernel around it; without, it may do what this process may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub walls: Option<CommandWalls>,
}

/// What is within the walls around a command, beside the system's programs and their libraries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CommandWalls {
    /// Files and directories that it may read.
    pub read: Vec<PathBuf>,
    /// That it may read and change.
    pub write: Vec<PathBuf>,
    /// Whether it may make sockets.
    pub network: bool,
}

/// A namespace of key-value storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// Its name: programs with the same one share it.
    pub namespace: String,
    /// Whether it may be changed.
    #[serde(default)]
    pub access: Access,
    /// Bytes of keys and values in it, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Keys in it, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<u64>,
}

/// A model for inference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What programs call it.
    pub name: String,
    /// Where it is.
    pub file: PathBuf,
    /// What it must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Its form: `onnx`, `tensorflow`, `tensorflowlite`, or `autodetect`.
    #[serde(default = "autodetect")]
    pub encoding: String,
    /// What it runs on.
    #[serde(default = "cpu")]
    pub target: String,
    /// The back end that runs it, by its name: `tract`, `onnxruntime`. Without, the host's first for the encoding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
}

fn autodetect() -> String {
    "autodetect".into()
}

fn cpu() -> String {
    "cpu".into()
}

/// Why a manifest is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError(String);

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.trim_end())
    }
}

impl std::error::Error for ManifestError {}

impl Grants {
    /// Reads a manifest. It must have `version = 1`, and no key that is not known.
    ///
    /// # Errors
    /// With the line that is wrong.
    pub fn from_toml(text: &str) -> Result<Self, ManifestError> {
        let grants: Self = toml::from_str(text).map_err(|error| ManifestError(error.to_string()))?;
        let table: toml::Table = toml::from_str(text).map_err(|error| ManifestError(error.to_string()))?;
        if !table.contains_key("version") {
            return Err(ManifestError(format!("there is no `version = {}`", Version::NUMBER)));
        }
        grants.checked()
    }

    fn checked(self) -> Result<Self, ManifestError> {
        let twice = |what: &str, names: Vec<&str>| {
            let mut sorted = names.clone();
            sorted.sort_unstable();
            match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
                Some(pair) => Err(ManifestError(format!("two {what} are called `{}`", pair[0]))),
                None => Ok(()),
            }
        };
        twice("directories", self.directories.iter().map(|it| it.guest.as_str()).collect())?;
        twice("models", self.models.iter().map(|it| it.name.as_str()).collect())?;
        twice("namespaces", self.storage.iter().map(|it| it.namespace.as_str()).collect())?;
        Ok(self)
    }

    /// Whether a module with this digest may have these grants.
    pub fn fits(&self, module: &[u8]) -> bool {
        self.module.is_none_or(|digest| digest == Digest::of(module))
    }
}

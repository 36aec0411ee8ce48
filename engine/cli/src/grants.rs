//! Flags that grant something, and the manifest.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use gristmill_ext_grants::{
    Clock, Command, Directory, Grants, Input, Limits, Model, NetRule, Output, Random, Stdio, Storage,
};

use crate::args;
use crate::output::Failure;
use crate::program::Shared;

/// What a program may do.
///
/// Without a manifest a program has what a shell gives to any: the standard streams, the time, random bytes.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "What the program may do")]
pub struct GrantArgs {
    /// Grants in TOML; flags add to them. Without it, standard streams, clocks and random bytes are the system's
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
    /// Open a directory: HOST::GUEST, GUEST:HOST, or one name for both; `:ro` behind it: to read only
    #[arg(long, value_name = "HOST::GUEST")]
    pub dir: Vec<Directory>,
    /// Set a variable of the environment; nothing is inherited
    #[arg(long, value_parser = variable, value_name = "NAME=VALUE")]
    pub env: Vec<(String, String)>,
    /// Standard input: `inherit`, or `null`
    #[arg(long, value_parser = input, value_name = "NAME")]
    pub stdin: Option<Input>,
    /// What clocks show: `real`, `virtual` (begins at 0, passes in waits) or `off`
    #[arg(long, value_parser = clock, value_name = "NAME")]
    pub clock: Option<Clock>,
    /// Random bytes: `system`, a number to begin with, or `off`
    #[arg(long, value_parser = random, value_name = "NAME|SEED")]
    pub random: Option<Random>,
    /// Let it use the network: `connect|listen|resolve:[tcp:|udp:]HOSTS[:PORTS]`; HOSTS is an address, a network, a name, `*.NAME` or `*`
    #[arg(long, value_name = "RULE")]
    pub allow_net: Vec<NetRule>,
    /// Listen here for it: a socket behind its directories, from 3 on
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub tcplisten: Vec<SocketAddr>,
    /// Let it run a program of the system: NAME, or NAME=PATH
    #[arg(long, value_name = "NAME")]
    pub allow_command: Vec<Command>,
    /// Let it run any program of the system
    #[arg(long)]
    pub allow_command_all: bool,
    /// Give it a namespace of key-value storage; `:ro` behind it: to read only
    #[arg(long, value_name = "NAMESPACE")]
    pub storage: Vec<Storage>,
    /// Keep its storage in this file (redb); it is gone with the program otherwise
    #[arg(long, value_name = "FILE")]
    pub storage_file: Option<PathBuf>,
    /// Give it a model by name: `NAME=FILE[:ENCODING[:TARGET[:BACKEND]]]`, or `NAME:ENCODING:TARGET:FILE`
    #[arg(long, alias = "nn-preload", value_name = "NAME=FILE")]
    pub nn_model: Vec<Model>,
    /// Let it run models that it brings itself
    #[arg(long)]
    pub nn_own_models: bool,
    /// Number tensor types and errors of wasi-nn as before `f64` and `i64` were among them
    #[arg(long)]
    pub nn_old_types: bool,
    /// Load ONNX Runtime, which is this library, for models whose grant names `onnxruntime` as their back end
    #[arg(long, value_name = "FILE")]
    pub onnxruntime: Option<PathBuf>,
    /// The longest that it may run: a number with ms, s or m
    #[arg(long, value_parser = args::duration, value_name = "TIME")]
    pub timeout: Option<Duration>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
        _ => Err("NAME=VALUE".into()),
    }
}

fn input(text: &str) -> Result<Input, String> {
    match text {
        "inherit" => Ok(Input::Inherit),
        "null" => Ok(Input::Null),
        _ => Err("`inherit` or `null`".into()),
    }
}

fn clock(text: &str) -> Result<Clock, String> {
    match text {
        "real" => Ok(Clock::Real),
        "virtual" => Ok(Clock::Virtual),
        "off" => Ok(Clock::Off),
        _ => Err("`real`, `virtual` or `off`".into()),
    }
}

fn random(text: &str) -> Result<Random, String> {
    match (text, text.parse()) {
        ("system", _) => Ok(Random::System),
        ("off", _) => Ok(Random::Off),
        (_, Ok(seed)) => Ok(Random::Seed(seed)),
        _ => Err("`system`, a number or `off`".into()),
    }
}

impl GrantArgs {
    /// All that is granted: the manifest's grants, and what the flags add.
    ///
    /// # Errors
    /// The manifest cannot be read.
    pub fn grants(&self) -> Result<Grants, Failure> {
        let mut grants = match &self.manifest {
            Some(path) => {
                let text = args::read_file(path)?;
                let text = String::from_utf8(text).map_err(|_| Failure::refused("not UTF-8").at(path.display()))?;
                Grants::from_toml(&text).map_err(|e| Failure::refused(e.to_string()).at(path.display()))?
            }
            None => Grants {
                stdio: Stdio { stdin: Input::Inherit, stdout: Output::Inherit, stderr: Output::Inherit },
                clock: Clock::Real,
                random: Random::System,
                ..Grants::default()
            },
        };
        grants.directories.extend(self.dir.iter().cloned());
        grants.environment.extend(self.env.iter().cloned());
        grants.network.extend(self.allow_net.iter().cloned());
        grants.commands.extend(self.allow_command.iter().cloned());
        grants.storage.extend(self.storage.iter().cloned());
        grants.models.extend(self.nn_model.iter().cloned());
        grants.own_models |= self.nn_own_models;
        grants.all_commands |= self.allow_command_all;
        grants.stdio.stdin = self.stdin.unwrap_or(grants.stdio.stdin);
        grants.clock = self.clock.unwrap_or(grants.clock);
        grants.random = self.random.unwrap_or(grants.random);
        grants.limits = Limits { milliseconds: self.milliseconds().or(grants.limits.milliseconds), ..grants.limits };
        Ok(grants)
    }

    /// What programs share, which is all that these grants need.
    ///
    /// # Errors
    /// The file of the storage or a library cannot be opened; a model is granted to a back end that is not there.
    pub fn shared(&self, grants: &Grants) -> Result<Shared, Failure> {
        let shared = Shared::open(self.storage_file.as_deref(), self.onnxruntime.as_deref())?;
        for model in &grants.models {
            let backend = model.backend.iter().try_for_each(|name| shared.models.backend(name).map(drop));
            backend.map_err(|e| Failure::refused(e.to_string()).at(format!("the model {}", model.name)))?;
        }
        Ok(shared)
    }

    /// `--timeout`.
    pub fn milliseconds(&self) -> Option<u64> {
        self.timeout.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    /// Sockets that are open when the program begins.
    ///
    /// # Errors
    /// An address cannot be listened at.
    pub fn sockets(&self) -> Result<Vec<OwnedFd>, Failure> {
        let listen = |at: &SocketAddr| {
            let listener = TcpListener::bind(at).map_err(|e| Failure::host(e.to_string()).at(at))?;
            Ok(listener.into())
        };
        self.tcplisten.iter().map(listen).collect()
    }
}

//! The command `gristmill`: runs Wasm, deploys and calls Ewasm contracts on a local chain, runs test suites.
//!
//! A library so that tests can use its suite runners ([`suite`]) with other executors; the binary is [`main`].

pub mod abi;
pub mod args;
pub mod command;
pub mod confine;
pub mod grants;
pub mod key;
pub mod link;
pub mod local;
pub mod names;
pub mod output;
pub mod plugin;
pub mod profile;
pub mod program;
pub mod receipt;
pub mod suite;
pub mod tape;
pub mod trap;

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use crate::output::{Exit, finish};

/// A deterministic, metered WebAssembly engine for contracts
#[derive(Debug, Parser)]
#[command(name = "gristmill", version, after_help = EXAMPLES, max_term_width = 110)]
pub struct Cli {
    /// Print one JSON object for machines
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  gristmill call --deploy token.wasm 'balanceOf(address)(uint256)' alice
  gristmill deploy --state dev.redb --name TOKEN token.wasm
  gristmill call --state dev.redb TOKEN 'transfer(address,uint256)(bool)' bob 5
  gristmill run fib.wasm --invoke run 27
  gristmill profile token.wasm transfer bob 5
  gristmill check --profile chain1 token.wasm

Exit codes: 0 good, 1 the guest failed, 2 usage, 3 refused input, 4 host failure; of programs that `run` runs: their own, and 134 for\na trap or a spent limit.";

/// The commands.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    Run(command::run::Args),
    #[cfg(feature = "serve")]
    Serve(command::serve::Args),
    Extensions(command::extensions::Args),
    Deploy(command::deploy::Args),
    Call(command::call::Args),
    Trace(command::trace::Args),
    Profile(command::profile::Args),
    Storage(command::storage::Args),
    Account(command::account::Args),
    Scenario(command::scenario::Args),
    Statetest(command::statetest::Args),
    Wast(command::wast::Args),
    Check(command::check::Args),
    Pack(command::pack::Args),
    Compile(command::compile::Args),
    Keygen(command::keygen::Args),
    Cache(command::cache::Args),
    Gas(command::gas::Args),
    Disasm(command::disasm::Args),
    VmInfo(command::vm_info::Args),
    Completions(command::completions::Args),
}

/// Runs a command line, prints what it has to say, and tells how the process ends.
pub fn main(args: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(e) => {
            let exit = if e.use_stderr() { Exit::Usage } else { Exit::Good };
            // Nobody reads the help: nothing left to do.
            let _ = e.print();
            return exit;
        }
    };
    let json = cli.json;
    let outcome = match cli.command {
        Command::Run(args) => command::run::run(&args, json),
        #[cfg(feature = "serve")]
        Command::Serve(args) => command::serve::run(&args, json),
        Command::Extensions(args) => command::extensions::run(&args),
        Command::Deploy(args) => command::deploy::run(&args),
        Command::Call(args) => command::call::run(&args),
        Command::Trace(args) => command::trace::run(&args),
        Command::Profile(args) => command::profile::run(&args),
        Command::Storage(args) => command::storage::run(&args),
        Command::Account(args) => command::account::run(&args),
        Command::Scenario(args) => command::scenario::run(&args, json),
        Command::Statetest(args) => command::statetest::run(&args, json),
        Command::Wast(args) => command::wast::run(&args, json),
        Command::Check(args) => command::check::run(&args),
        Command::Pack(args) => command::pack::run(&args),
        Command::Compile(args) => command::compile::run(&args),
        Command::Keygen(args) => command::keygen::run(&args),
        Command::Cache(args) => command::cache::run(&args),
        Command::Gas(args) => command::gas::run(&args),
        Command::Disasm(args) => command::disasm::run(&args),
        Command::VmInfo(args) => command::vm_info::run(&args),
        Command::Completions(args) => command::completions::run(&args),
    };
    finish(outcome, json)
}

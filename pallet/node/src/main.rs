//! A development node for the demo chain: gristmill-node --dev
//!
//! One node and no peers. The runtime that it carries is executed as Wasm, as on every chain.

mod cli;
mod host;
mod sealing;
mod service;

use cli::{Cli, Command};
use sc_cli::{Error, SubstrateCli};
use std::process::ExitCode;

/// What clap ends with too.
const USAGE: u8 = 2;

fn run(cli: &Cli) -> Result<(), Error> {
    match &cli.command {
        None => {
            let sealing = cli.run.sealing;
            cli.create_runner(&cli.run)?
                .run_node_until_exit(|config| async move { service::start(config, sealing).map_err(Error::Service) })
        }
        Some(Command::ExportChainSpec(command)) => command.run(cli.load_spec(&command.chain)?),
        Some(Command::PurgeChain(command)) => {
            cli.create_runner(command)?.sync_run(|config| command.run(config.database))
        }
    }
}

fn main() -> ExitCode {
    match run(&Cli::from_args()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", Cli::executable_name());
            match error {
                Error::Input(_) => USAGE.into(),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

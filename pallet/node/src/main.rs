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
            let (sealing, is_dev, policies) = (cli.run.sealing, cli.run.is_dev(), cli.run.policies()?);
            let start =
                |config| async move { service::start(config, sealing, is_dev, policies).map_err(Error::Service) };
            cli.create_runner(&cli.run)?.run_node_until_exit(start)
        }
        Some(Command::ExportChainSpec(command)) => command.run(cli.load_spec(&command.chain)?),
        Some(Command::PurgeChain(command)) => {
            cli.create_runner(command)?.sync_run(|config| command.run(config.database))
        }
        Some(Command::RunJob) => Ok(gristmill_offchain::serve()?),
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

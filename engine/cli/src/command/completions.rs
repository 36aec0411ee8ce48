//! `gristmill completions`: what a shell needs to complete the command line.

use clap::CommandFactory;
use clap_complete::Shell;
use serde_json::json;

use crate::Cli;
use crate::output::{Answer, Failure};

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gristmill completions bash > ~/.local/share/bash-completion/completions/gristmill
  gristmill completions zsh > ~/.zfunc/_gristmill")]
pub struct Args {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the command.
///
/// # Errors
/// None in practice: the generator writes UTF-8 into memory.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "gristmill", &mut script);
    let script = String::from_utf8(script).map_err(|e| Failure::host(e.to_string()))?;
    let json = json!({ "shell": args.shell.to_string(), "script": script });
    Ok(Answer::good(script, json))
}

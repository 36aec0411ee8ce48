//! The command `gristmill`.

use std::process::ExitCode;

fn main() -> ExitCode {
    gristmill_cli::main(std::env::args_os()).into()
}

//! Prints the SHA-256 of each file, as the system's `sha256sum` finds it. Written with the crate that WasmEdge's programs were
//! written with, whose functions have other names than SSVM's. Needs the command and the folders of the files.

use std::process::ExitCode;
use std::{env, fs};
use wasmedge_process_interface::Command;

fn main() -> ExitCode {
    for path in env::args().skip(1) {
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) => {
                eprintln!("{path}: {e}");
                return ExitCode::FAILURE;
            }
        };
        let sum = Command::new("sha256sum").stdin_u8vec(bytes).output();
        if sum.status != 0 {
            eprint!("{}", String::from_utf8_lossy(&sum.stderr));
            return ExitCode::FAILURE;
        }
        println!("{}  {path}", String::from_utf8_lossy(&sum.stdout).trim_end_matches("  -\n"));
    }
    ExitCode::SUCCESS
}

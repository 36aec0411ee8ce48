//! `cargo bench` is the binary of this package, with the names of benches behind `--`.

use std::process::Command;

fn main() {
    // cargo adds `--bench`.
    let arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let status = Command::new(env!("CARGO_BIN_EXE_gristmill-benches")).args(arguments).status();
    let status = status.expect("cargo has built the binary");
    std::process::exit(status.code().unwrap_or(1));
}

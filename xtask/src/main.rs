//! The project's own commands: `cargo xtask COMMAND`.

mod bless;
mod deps;
mod docs;
mod icount;
mod pairs;
mod peers;
mod results;
mod tails;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// What a command ends with; the error is for people.
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// A command: its name, what it does, its body over the remaining arguments.
type Row = (&'static str, &'static str, fn(&[String]) -> Outcome);

const COMMANDS: &[Row] = &[
    ("deps", "check dependency versions, crate arrows and that the no_std part has no std", deps::main),
    ("docs", "write engine/docs/isa.md and eei.md from the tables; --check: fail when they are stale", docs::main),
    ("bless", "write the golden gas of all bundled scenarios; --check: fail when it differs", bless::main),
    ("tails", "fail on an indirect call in a tail handler of the release binary [BINARY]", tails::main),
    ("pairs", "count pairs and triples of internal ops over kernels, contracts, or FILES", pairs::main),
    ("icount", "instructions a kernel under callgrind, beside the peers [KERNEL,KERNEL..]", icount::main),
    (
        "results",
        "run every comparison and write benches/RESULTS.md [ROUNDS [MILLISECONDS [KERNEL,KERNEL..]]]",
        results::main,
    ),
    (
        "extensions",
        "run the extensions beside what they are made of, and write benches/EXTENSIONS.md [ROUNDS [MILLISECONDS]]",
        results::extensions,
    ),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let command = arguments.first().and_then(|name| COMMANDS.iter().find(|row| row.0 == name));
    let Some((name, _, run)) = command else {
        eprintln!("usage: cargo xtask COMMAND");
        COMMANDS.iter().for_each(|(name, what, _)| eprintln!("  {name:10} {what}"));
        return ExitCode::from(2);
    };
    match run(&arguments[1..]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("xtask {name}: {e}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's folder.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace")
}

/// Where cargo puts what it builds for the workspace.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Where the kernels lie: `$GRISTMILL_KERNELS`, or `shared/kernels` beside the repository.
fn kernels() -> PathBuf {
    std::env::var_os("GRISTMILL_KERNELS").map_or_else(|| root().join("../shared/kernels"), PathBuf::from)
}

/// The standard output of a command that must succeed.
fn output(command: &mut Command) -> Outcome<String> {
    let what = format!("{command:?}");
    let out = command.output().map_err(|e| format!("{what}: {e}"))?;
    if !out.status.success() {
        return Err(format!("{what}: {}\n{}", out.status, String::from_utf8_lossy(&out.stderr)).into());
    }
    Ok(String::from_utf8(out.stdout)?)
}

/// Writes a generated file, or with `--check` fails when it is not what would be written.
fn generated(path: &str, text: &str, arguments: &[String]) -> Outcome {
    let file = root().join(path);
    if !arguments.iter().any(|a| a == "--check") {
        std::fs::write(file, text)?;
        println!("wrote {path}");
        return Ok(());
    }
    let found = std::fs::read_to_string(file).unwrap_or_default();
    if found == text {
        println!("{path} is up to date");
        return Ok(());
    }
    let line = found.lines().zip(text.lines()).take_while(|(a, b)| a == b).count();
    let (was, is) = (found.lines().nth(line).unwrap_or("<end>"), text.lines().nth(line).unwrap_or("<end>"));
    Err(format!("{path} is stale from line {}:\n  file: {was}\n  now:  {is}", line + 1).into())
}

//! A host in C (tests/evmc-host), with its own idea of EVMC's structs, drives the shared library at every ABI.

mod common;

use common::{ABIS, library};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a command that must succeed; what it says.
fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}\n{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/evmc-host")
}

/// The contracts as Wasm, and the host for `abi`.
fn build(folder: &Path, abi: i32) -> PathBuf {
    for entry in std::fs::read_dir(source().join("contracts")).unwrap().map(|entry| entry.unwrap().path()) {
        let wasm = wat::parse_file(&entry).unwrap();
        std::fs::write(folder.join(entry.with_extension("wasm").file_name().unwrap()), wasm).unwrap();
    }
    let host = folder.join(format!("host{abi}"));
    let flags = ["-std=c11", "-O2", "-g", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-pthread"];
    succeed(
        Command::new("cc")
            .args(flags)
            .arg(format!("-DABI={abi}"))
            .arg(source().join("host.c"))
            .arg("-o")
            .arg(&host)
            .arg("-ldl"),
    );
    host
}

#[test]
fn a_host_in_c() {
    let folder = tempfile::tempdir().unwrap();
    for abi in ABIS {
        let host = build(folder.path(), abi);
        print!("{}", succeed(Command::new(host).arg(library()).arg(folder.path())));
    }
}

#[test]
fn valgrind_finds_nothing() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "no valgrind, and CI=true");
        eprintln!("no valgrind: nothing is tested");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // One with each layout of a result; the others differ in what is behind the ends.
    for abi in [7, 12] {
        let host = build(folder.path(), abi);
        let flags = ["--quiet", "--error-exitcode=9", "--leak-check=full", "--show-leak-kinds=definite,possible"];
        let mut command = Command::new("valgrind");
        let known = format!("--suppressions={}", source().join("../valgrind.supp").display());
        command.arg(known).args(flags).arg("--errors-for-leak-kinds=definite,possible").arg("--main-stacksize=8388608");
        print!("{}", succeed(command.arg(host).arg(library()).arg(folder.path()).arg("quick")));
    }
}

//! Builds what the benches run beside: workers, engines compiled to Wasm, the plugin, modules of npm packages.

use crate::{Outcome, kernels, output, root, target};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Engines inside Wasm: a feature of the guest, and so a file.
pub const GUESTS: [&str; 2] = ["ours", "wasmi"];

/// What was built. What could not be has a line on standard error, and the benches leave it out.
pub struct Peers {
    /// The benches themselves.
    pub benches: PathBuf,
    /// wasmi's portable loop.
    pub portable: PathBuf,
    /// wasmtime, and guests.
    pub inside: Option<PathBuf>,
    /// The folder of guests: `ours.wasm`, and `ours-small.wasm` built for size.
    pub guests: Option<PathBuf>,
    environment: Vec<(&'static str, PathBuf)>,
}

impl Peers {
    /// A command that finds all of it.
    pub fn command(&self, binary: &Path) -> Command {
        let mut command = Command::new(binary);
        command.env("GRISTMILL_KERNELS", kernels()).envs(self.environment.iter().map(|(k, v)| (k, v)));
        command
    }
}

/// Builds everything; with `$GRISTMILL_BUILT` set, takes what an earlier run built.
///
/// # Errors
/// When the benches or wasmi's loop do not build.
pub fn build() -> Outcome<Peers> {
    let folder = target().join("benches");
    let built = std::env::var_os("GRISTMILL_BUILT").is_some();
    let build = |arguments: &[&str]| {
        if built {
            return Ok(());
        }
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(root().join("benches")).args(["build", "--quiet", "--locked"]).args(arguments);
        output(cargo.arg("--target-dir").arg(&folder)).map(|_| ())
    };
    // Apart: what one command builds shares one set of features, and the portable loop is one.
    build(&["--release", "--package=gristmill-benches"])?;
    build(&["--release", "--package=gristmill-portable"])?;
    let release = folder.join("release");
    let workers = folder.join("workers");
    std::fs::create_dir_all(&workers)?;
    let worker = |from: PathBuf| {
        let to = workers.join(from.file_name().expect("a binary has a name"));
        std::fs::copy(from, &to).map(|_| to)
    };
    let portable = worker(release.join("gristmill-portable"))?;
    let inside = or_left_out("wasmtime", || {
        build(&["--release", "--package=gristmill-inside"])?;
        Ok(worker(release.join("gristmill-inside"))?)
    });
    let guests = or_left_out("engines inside Wasm", || if built { Ok(folder.join("guests")) } else { guests(&folder) });
    let plugin = or_left_out("the plugin", || {
        let package = ["build", "--quiet", "--locked", "--release", "--package=gristmill-evmc"];
        if !built {
            output(Command::new(env!("CARGO")).current_dir(root()).args(package))?;
        }
        Ok(target().join("release/libgristmill_evmc.so"))
    });
    let big = or_left_out("big modules", || {
        let big = folder.join("big");
        output(Command::new(root().join("benches/fetch-big")).arg(&big))?;
        Ok(big)
    });
    let mut environment = vec![("GRISTMILL_WORKERS", workers)];
    environment.extend(guests.clone().map(|path| ("GRISTMILL_GUESTS", path)));
    environment.extend(plugin.map(|path| ("GRISTMILL_EVMC_LIBRARY", path)));
    environment.extend(big.map(|path| ("GRISTMILL_BIG", path)));
    Ok(Peers { benches: release.join("gristmill-benches"), portable, inside, guests, environment })
}

fn or_left_out<T>(what: &str, work: impl FnOnce() -> Outcome<T>) -> Option<T> {
    work().inspect_err(|e| eprintln!("LEFT OUT: {what}: {e}")).ok()
}

/// Both guests, at opt-level 3 and s, without names, by the toolchain of tests/wasm-sysroot.
fn guests(folder: &Path) -> Outcome<PathBuf> {
    output(&mut Command::new(root().join("tests/wasm-sysroot")))?;
    let guests = folder.join("guests");
    std::fs::create_dir_all(&guests)?;
    for (level, suffix) in [("3", ""), ("\"s\"", "-small")] {
        for guest in GUESTS {
            let mut cargo = Command::new("cargo");
            for variable in ["RUSTC", "CARGO", "RUSTUP_TOOLCHAIN", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
                cargo.env_remove(variable);
            }
            let target = folder.join("wasm");
            cargo.current_dir(root().join("benches")).args(["+wasm", "build", "--quiet", "--locked", "--release"]);
            cargo.args(["--package=gristmill-guest", "--features", guest, "--target=wasm32v1-none", "--target-dir"]);
            cargo.arg(&target).arg("--config").arg(format!("profile.release.opt-level={level}"));
            output(cargo.args(["--config", "profile.release.strip=true"]))?;
            let built = target.join("wasm32v1-none/release/gristmill_guest.wasm");
            std::fs::copy(built, guests.join(format!("{guest}{suffix}.wasm")))?;
        }
    }
    Ok(guests)
}

//! The kernels' own C sources, compiled for this machine: the floor under every engine.

use crate::kernels::Kernel;
use gristmill_measure::Contender;
use std::process::Command;

/// An export of a kernel.
pub type Run = extern "C" fn(i32) -> i64;

/// Compiles a kernel with `$CC`, or clang, as `clang -O2`: no instructions beyond the baseline of the processor family.
/// The library stays loaded.
///
/// # Errors
/// When there is no clang, or it refuses the source.
pub fn compile(kernel: &Kernel) -> Result<Run, String> {
    let compiler = compiler().ok_or("no clang ($CC names one): native figures are left out")?;
    let folder = std::env::temp_dir().join(format!("gristmill-native-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let library = folder.join(format!("{}.so", kernel.module));
    let mut command = Command::new(&compiler);
    command.args(["-O2", "-std=c11", "-fno-builtin", "-shared", "-fPIC", "-fvisibility=hidden", "-w", "-o"]);
    command.arg(&library).arg(kernel.source());
    if ["hostcall", "erc20"].contains(&kernel.module) {
        command.arg(crate::kernels::folder().join("host_native.c"));
    }
    let out = command.output().map_err(|e| format!("{compiler}: {e}"))?;
    if !out.status.success() {
        return Err(format!("{compiler}: {}", String::from_utf8_lossy(&out.stderr)));
    }
    // SAFETY: the kernels have no code that runs at load, and their exports are of this type.
    let run = unsafe {
        let library = Box::leak(Box::new(libloading::Library::new(&library).map_err(|e| e.to_string())?));
        *library.get::<Run>(kernel.export.as_bytes()).map_err(|e| e.to_string())?
    };
    std::fs::remove_dir_all(&folder).map_err(|e| e.to_string())?;
    Ok(run)
}

/// The compiler, with its version: a line for the report. None without one.
pub fn compiler() -> Option<String> {
    let named = std::env::var("CC").ok();
    let candidates = ["clang-19", "clang", "clang-14"].map(String::from);
    named.into_iter().chain(candidates).find(|name| Command::new(name).arg("--version").output().is_ok())
}

/// The native contender; none, and a line on stderr, when it cannot be compiled.
pub fn contender(kernel: &'static Kernel) -> Option<Contender<'static>> {
    match compile(kernel) {
        Ok(run) => Some(Contender::new("native", move || assert_eq!(run(kernel.n), kernel.result))),
        Err(e) => {
            eprintln!("{}: {e}", kernel.name);
            None
        }
    }
}

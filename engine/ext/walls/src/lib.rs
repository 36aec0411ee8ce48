//! Walls of the kernel around a process, or around a command that it starts: paths by Landlock, system calls by seccomp.
//!
//! Grants are kept by the extensions; walls are what is left to keep them when an extension, or the engine, has a bug. A wall
//! cannot be taken down, and children have it too. Descriptors that are open already stay what they are.
//!
//! ```no_run
//! use gristmill_ext_walls::{Strength, Walls};
//!
//! let walls = Walls { read: vec!["/srv/data".into()], ..Walls::default() };
//! let missing = walls.around_process(Strength::Whole)?;
//! assert!(missing.is_empty());
//! # Ok::<(), gristmill_ext_walls::WallError>(())
//! ```

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod linux;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod syscalls;

use std::fmt;
use std::path::{Path, PathBuf};

/// What is within the walls. The default is nothing: no path, no network, no other program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walls {
    /// Files and directories that may be read.
    pub read: Vec<PathBuf>,
    /// That may be read and changed.
    pub write: Vec<PathBuf>,
    /// That may be read and executed.
    pub run: Vec<PathBuf>,
    /// Whether sockets may be made.
    pub network: bool,
    /// Whether other programs may be started. What they need is not known: of system calls only those of administration are
    /// kept from them, where otherwise only those are let through that a program of gristmill needs.
    pub processes: bool,
}

/// What happens where a kernel has no such walls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strength {
    /// It is an error: nothing runs with less than was asked for.
    #[default]
    Whole,
    /// There are as many walls as the kernel has; what is missing is told.
    BestEffort,
}

/// Why there are no walls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WallError {
    /// The kernel has not what it takes.
    Kernel(String),
    /// A path within the walls cannot be opened.
    Path(PathBuf, String),
}

impl fmt::Display for WallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kernel(what) => write!(f, "this kernel has no such walls: {what}"),
            Self::Path(path, why) => write!(f, "{} cannot be within the walls: {why}", path.display()),
        }
    }
}

impl std::error::Error for WallError {}

/// Where systems keep programs, their libraries and their settings.
const SYSTEM: [&str; 8] = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/opt", "/nix"];

/// Devices that programs expect to read and write.
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

impl Walls {
    /// Lets in what commands of the system need to run: the places of programs, those of `PATH`, devices that are none.
    pub fn with_system(mut self) -> Self {
        let existing = |names: &[&str]| -> Vec<PathBuf> {
            names.iter().map(PathBuf::from).filter(|path| Path::exists(path)).collect()
        };
        self.run.extend(existing(&SYSTEM));
        let path = std::env::var_os("PATH").unwrap_or_default();
        self.run.extend(std::env::split_paths(&path).filter(|path| path.is_absolute() && path.is_dir()));
        self.write.extend(existing(&DEVICES));
        self.processes = true;
        self
    }

    /// Puts this process within the walls, for good, and all that it starts. Paths are kept from this thread and those that it
    /// starts; system calls from all threads.
    ///
    /// Returns what is missing, which is nothing with [`Strength::Whole`].
    ///
    /// # Errors
    /// The kernel has no such walls; a path cannot be opened. Some walls may stand then.
    pub fn around_process(&self, strength: Strength) -> Result<Vec<String>, WallError> {
        self.raise(strength, true)
    }

    /// The same for this thread alone, and all that it starts.
    ///
    /// # Errors
    /// As [`Walls::around_process`].
    pub fn around_thread(&self, strength: Strength) -> Result<Vec<String>, WallError> {
        self.raise(strength, false)
    }

    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn raise(&self, strength: Strength, all_threads: bool) -> Result<Vec<String>, WallError> {
        linux::raise(self, strength, all_threads)
    }

    #[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
    fn raise(&self, strength: Strength, _: bool) -> Result<Vec<String>, WallError> {
        let what = "they are Linux's, on x86-64 and AArch64".to_string();
        if strength == Strength::Whole { Err(WallError::Kernel(what)) } else { Ok(vec![what]) }
    }
}

//! The back ends, each with an empty directory that was granted, and a file beside it that no path may lead to.

use gristmill_ext_wasi::fs::memory::MemoryFs;
use gristmill_ext_wasi::fs::{Directory, host};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// What is in the file beside.
pub const SENTINEL: &[u8] = b"sentinel: nobody reads this";

/// A back end of a test.
pub enum Back {
    /// A directory of the host.
    Host {
        /// Holds the sentinel, and the directory that was granted.
        outside: TempDir,
        /// Whether the kernel resolves paths.
        beneath: bool,
    },
    /// A directory in memory.
    Memory(MemoryFs),
}

impl Back {
    /// One of each.
    pub fn all() -> [Back; 3] {
        [Back::host(true), Back::host(false), Back::memory()]
    }

    /// A directory of the host.
    pub fn host(beneath: bool) -> Back {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("sentinel"), SENTINEL).unwrap();
        std::fs::create_dir(outside.path().join("granted")).unwrap();
        Back::Host { outside, beneath }
    }

    /// A directory in memory.
    pub fn memory() -> Back {
        let fs = MemoryFs::new(1 << 24, Arc::new(|| 1_000));
        fs.add("sentinel", SENTINEL).unwrap();
        fs.root().create_directory("granted").unwrap();
        Back::Memory(fs)
    }

    /// The directory that was granted.
    pub fn open(&self) -> Arc<dyn Directory> {
        match self {
            Back::Host { beneath: true, .. } => host::open(&self.path().unwrap()).unwrap(),
            Back::Host { beneath: false, .. } => host::open_by_walk(&self.path().unwrap()).unwrap(),
            Back::Memory(fs) => fs.directory("granted").unwrap(),
        }
    }

    /// Where it is on the host.
    pub fn path(&self) -> Option<PathBuf> {
        match self {
            Back::Host { outside, .. } => Some(outside.path().join("granted")),
            Back::Memory(_) => None,
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Back::Host { beneath: true, .. } => "host, openat2",
            Back::Host { beneath: false, .. } => "host, walk",
            Back::Memory(_) => "memory",
        }
    }

    /// Checks that nothing was done outside.
    pub fn assert_outside_untouched(&self) {
        let (names, sentinel) = match self {
            Back::Host { outside, .. } => {
                let names = std::fs::read_dir(outside.path()).unwrap().map(|entry| entry.unwrap().file_name());
                let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
                names.sort();
                (names, std::fs::read(outside.path().join("sentinel")).unwrap())
            }
            Back::Memory(fs) => {
                let names = fs.root().entries().unwrap().into_iter().skip(2);
                (names.map(|entry| String::from_utf8(entry.name).unwrap()).collect(), fs.read("sentinel").unwrap())
            }
        };
        assert_eq!(names, ["granted", "sentinel"], "{}", self.name());
        assert_eq!(sentinel, SENTINEL, "{}", self.name());
    }
}

//! Machine code on disk, in a folder that nobody but its owner can write to.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A folder of machine code.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

/// Group's and others' rights to write.
const OTHERS_WRITE: u32 = 0o022;

impl Cache {
    /// Opens `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// It cannot be made, is no folder, belongs to another user, or others may write to it.
    pub fn open(folder: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let metadata = fs::symlink_metadata(folder)?;
        if !metadata.is_dir() || !is_own(&metadata) {
            let what = "the cache must be a folder of this user that nobody else can write to";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
        }
        Ok(Self { folder: folder.into() })
    }

    /// Where the user's cache is: `$XDG_CACHE_HOME/gristmill`, or `~/.cache/gristmill`.
    pub fn default_folder() -> Option<PathBuf> {
        let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
        Some(base.or_else(home)?.join("gristmill"))
    }

    /// What is kept under `name`, whatever it is.
    pub(crate) fn get(&self, name: &str) -> Option<Vec<u8>> {
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(self.path(name)).ok()?;
        let metadata = file.metadata().ok()?;
        if !is_own(&metadata) {
            return None;
        }
        // What is kept is never written to: it is as long as it was.
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(usize::try_from(metadata.len()).ok()?).ok()?;
        file.take(metadata.len()).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Keeps `bytes` under `name`, which is one for a file. Readers see all of them or none.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(name);
        let new = path.with_extension(format!("{}.new", std::process::id()));
        let written = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)
            .and_then(|mut file| file.write_all(bytes))
            .and_then(|()| fs::rename(&new, &path));
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        written
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.gmc"))
    }
}

/// Whether it belongs to this user, and nobody else may write to it.
fn is_own(metadata: &fs::Metadata) -> bool {
    // SAFETY: asks for a number and cannot fail.
    let user = unsafe { libc::geteuid() };
    metadata.uid() == user && metadata.mode() & OTHERS_WRITE == 0
}

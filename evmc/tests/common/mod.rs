//! What the tests of the shared library share: where it is, and copies under the names that choose an ABI.

use gristmill_evmc::host::Plugin;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// All ABIs.
pub const ABIS: [i32; 6] = [7, 8, 9, 10, 11, 12];

/// The shared library, which cargo builds beside the tests of its package.
pub fn library() -> PathBuf {
    let file = format!("{}gristmill_evmc{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let tests = std::env::current_exe().expect("a test has a path");
    let library = tests.parent().expect("it is in a folder").join(file);
    assert!(library.is_file(), "{} was not built", library.display());
    library
}

/// A link to the library whose name gives it the ABI, as an installation has it.
#[allow(dead_code)] // Not every test needs it.
pub fn link(folder: &Path, abi: i32) -> PathBuf {
    let link = folder.join(format!("libgristmill_abi{abi}.so"));
    if !link.exists() {
        std::os::unix::fs::symlink(library(), &link).expect("a link can be made");
    }
    link
}

/// The plugin at an ABI, with options as in `,name=value`.
#[allow(dead_code)]
pub fn plugin(abi: i32, options: &str) -> Plugin {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| tempfile::tempdir().expect("there is a folder for temporary files"));
    // Two tests may want the same link at once.
    static MAKING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let link = {
        let _one = MAKING.lock();
        link(folder.path(), abi)
    };
    let text = format!("{}{options}", link.display());
    Plugin::load(&text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

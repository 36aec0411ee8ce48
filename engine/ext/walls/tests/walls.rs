//! Walls that stand: each test forks no process, but gives a thread its walls, which has them for good.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use gristmill_ext_walls::{Strength, WallError, Walls};
use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::process::Command;
use std::thread;

/// What `body` does in a thread within those walls.
///
/// # Panics
/// When there are no walls: a kernel without them tests nothing, and says so.
fn within<R: Send>(walls: &Walls, body: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| {
        let inside = scope.spawn(|| {
            let missing =
                walls.around_thread(Strength::Whole).expect("NOT TESTED: this kernel has no Landlock or no seccomp");
            assert_eq!(missing, Vec::<String>::new());
            body()
        });
        inside.join().unwrap()
    })
}

fn kind<T>(result: std::io::Result<T>) -> ErrorKind {
    result.map(drop).unwrap_err().kind()
}

#[test]
fn paths_are_kept_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["outside", "read", "write"] {
        fs::create_dir(path(name)).unwrap();
        fs::write(path(name).join("f"), name).unwrap();
    }
    let walls = Walls { read: vec![path("read")], write: vec![path("write")], ..Walls::default() };
    within(&walls, || {
        assert_eq!(kind(fs::read(path("outside/f"))), ErrorKind::PermissionDenied);
        assert_eq!(kind(fs::read("/etc/passwd")), ErrorKind::PermissionDenied);
        assert_eq!(kind(fs::read_dir("/")), ErrorKind::PermissionDenied);
        assert_eq!(kind(fs::read(path("read/../outside/f"))), ErrorKind::PermissionDenied);
        assert_eq!(fs::read(path("read/f")).unwrap(), b"read");
        assert_eq!(kind(fs::write(path("read/f"), "x")), ErrorKind::PermissionDenied);
        assert_eq!(kind(fs::remove_file(path("read/f"))), ErrorKind::PermissionDenied);
        fs::write(path("write/f"), "x").unwrap();
        fs::create_dir(path("write/d")).unwrap();
        fs::rename(path("write/f"), path("write/d/g")).unwrap();
        assert_eq!(fs::read(path("write/d/g")).unwrap(), b"x");
        assert!(fs::rename(path("write/d/g"), path("read/g")).is_err());
        fs::remove_dir_all(path("write/d")).unwrap();
    });
    assert_eq!(fs::read(path("outside/f")).unwrap(), b"outside");
}

#[test]
fn sockets_and_programs_are_for_those_who_may() {
    within(&Walls::default(), || {
        assert_eq!(kind(TcpListener::bind("127.0.0.1:0")), ErrorKind::PermissionDenied);
        assert_eq!(kind(Command::new("/bin/true").status()), ErrorKind::PermissionDenied);
        // Threads may be: of the process itself.
        thread::spawn(|| assert!(TcpListener::bind("127.0.0.1:0").is_err())).join().unwrap();
    });
    within(&Walls { network: true, ..Walls::default() }, || {
        TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(kind(Command::new("/bin/true").status()), ErrorKind::PermissionDenied);
    });
    within(&Walls::default().with_system(), || {
        assert!(Command::new("/bin/true").status().unwrap().success());
        assert_eq!(kind(TcpListener::bind("127.0.0.1:0")), ErrorKind::PermissionDenied);
        // A child has the same walls.
        let status = Command::new("/bin/sh").args(["-c", "cat /proc/version"]).output().unwrap().status;
        assert!(!status.success());
    });
}

#[test]
fn a_path_that_is_not_there_is_an_error() {
    let walls = Walls { read: vec!["/no/such/path".into()], ..Walls::default() };
    let error = thread::spawn(move || walls.around_thread(Strength::BestEffort)).join().unwrap().unwrap_err();
    assert!(matches!(error, WallError::Path(path, _) if path.ends_with("path")));
}

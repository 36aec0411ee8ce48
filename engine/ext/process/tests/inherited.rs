//! What a command must not get of its host, and what must not be left: alone in its process, which others would disturb.

mod common;

use common::*;
use rustix::io::{FdFlags, fcntl_setfd};
use std::os::fd::AsRawFd;
use std::process::Command;

#[test]
fn no_descriptor_is_inherited_and_no_child_is_left() {
    let file = tempfile::tempfile().unwrap();
    fcntl_setfd(&file, FdFlags::empty()).unwrap();
    let script = format!("test -e /proc/self/fd/{} && echo there || echo gone", file.as_raw_fd());
    // An ordinary child has it.
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(output.stdout, b"there\n");
    let mut run = Run::new(SSVM, grants(&["sh"]));
    assert_eq!(run.sh(&script).1, "gone\n");
    // Standard streams, and what `ls` has opened itself.
    assert_eq!(run.sh("ls /proc/self/fd").1, "0\n1\n2\n3\n");
    run.timeout(50).sh("sleep 30");
    run.name("sh").args(&["-c", "kill -9 $$"]).run();
    run.name("no").run();
    assert_eq!(children(), [] as [String; 0]);
}

/// What `/proc` says of the children of this process, dead ones included.
fn children() -> Vec<String> {
    let parent = format!(" {} ", std::process::id());
    let stats = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let stat = std::fs::read_to_string(entry.ok()?.path().join("stat")).ok()?;
        // Behind the name, which may have anything in it, come the state and the parent.
        let (_, rest) = stat.rsplit_once(") ")?;
        rest.get(1..)?.starts_with(&parent).then_some(stat)
    });
    stats.collect()
}

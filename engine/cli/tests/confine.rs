//! `gristmill run --confine`: what is granted works as before, and the kernel keeps the rest away.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

mod common;

use std::fs;
use std::path::Path;
use std::thread;

use common::{Run, file, folder, gristmill, gristmill_in, root};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

const TIERS: [&str; 3] = ["interp", "aot", "auto"];

/// A program that runs `sh -c SCRIPT` and prints what that printed.
fn shell(script: &str) -> String {
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "ssvm_process" "ssvm_process_set_prog_name" (func $program (param i32 i32)))
  (import "ssvm_process" "ssvm_process_add_arg" (func $arg (param i32 i32)))
  (import "ssvm_process" "ssvm_process_run" (func $run (result i32)))
  (import "ssvm_process" "ssvm_process_get_stdout_len" (func $length (result i32)))
  (import "ssvm_process" "ssvm_process_get_stdout" (func $output (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "sh-c{script}")
  (func (export "_start")
    (call $program (i32.const 0) (i32.const 2))
    (call $arg (i32.const 2) (i32.const 2))
    (call $arg (i32.const 4) (i32.const {}))
    (drop (call $run))
    (call $output (i32.const 1024))
    (i32.store (i32.const 512) (i32.const 1024))
    (i32.store (i32.const 516) (call $length))
    (drop (call $write (i32.const 1) (i32.const 512) (i32.const 1) (i32.const 520)))))"#,
        script.len()
    )
}

#[test]
fn what_is_granted_works_within_walls() {
    let here = folder("confine");
    fs::create_dir(here.join("dir")).unwrap();
    file(&here.join("dir"), "in.txt", "x");
    let world = root().join("engine/cli/tests/fixtures/world.wat");
    // What the shell looks at is not the system's programs: the manifest says so, for the command and so for all.
    let manifest = "version = 1\nclock = \"real\"\nrandom = \"system\"\n\
        stdio = { stdout = \"inherit\", stderr = \"inherit\" }\n\
        [[command]]\nname = \"sh\"\nwalls = { read = [\"/proc\"] }\n";
    file(&here, "m.toml", manifest);
    let flags =
        ["--manifest", "m.toml", "--dir", "dir::/", "--storage", "s", "--storage-file", "s.redb", "--timeout", "1m"];
    for tier in TIERS {
        let run = ["run", world.to_str().unwrap(), "--tier", tier, "--confine", "--record", "r"];
        let run = gristmill_in(&here, &[&run[..], &flags].concat());
        assert_eq!((run.code, run.stderr.as_str()), (42, "in.txt\n"), "NOT TESTED without Landlock and seccomp");
    }
    let unsaid =
        ["run", world.to_str().unwrap(), "--allow-command", "sh", "--confine", "--dir", "dir::/", "--storage", "s"];
    gristmill_in(&here, &unsaid).exits(134);
}

#[test]
fn guards_of_memory_work_within_walls() {
    let here = folder("confine_guard");
    let module = file(
        &here,
        "m.wat",
        r#"(module (memory (export "memory") 1)
        (func (export "_start") (local $i i32)
          ;; To every page of a memory that grows, and then beyond.
          (drop (memory.grow (i32.const 100)))
          (loop $next (i32.store (local.get $i) (local.get $i))
            (local.set $i (i32.add (local.get $i) (i32.const 4096)))
            (br $next))))"#,
    );
    for (tier, memory) in [("interp", "guard"), ("aot", "guard"), ("aot", "check"), ("auto", "guard")] {
        let run = gristmill(&["run", &module, "--tier", tier, "--memory", memory, "--confine"]);
        run.exits(134).complains("out of bounds memory access");
    }
}

#[test]
fn walls_stand_around_commands_too() {
    let here = folder("confine_commands");
    for name in ["in", "out"] {
        fs::create_dir(here.join(name)).unwrap();
        file(&here.join(name), "f", name);
    }
    let program = file(&here, "m.wat", shell("cat in/f; cat out/f; echo >in/g || echo kept; ls . || echo shut"));
    let run = |flags: &[&str]| {
        let all = ["run", &program, "--allow-command", "sh", "--dir", "in::/:ro"];
        gristmill_in(&here, &[&all, flags].concat()).exits(0).stdout
    };
    assert!(run(&[]).starts_with("inoutin\n"), "without walls a command does as it likes");
    fs::remove_file(here.join("in/g")).unwrap();
    assert_eq!(run(&["--confine"]), "inkept\nshut\n");
    assert!(!here.join("in/g").exists());
}

/// Runs the command on a kernel that has no Landlock, as far as it can see.
fn without_landlock(here: &Path, args: &[&str]) -> Run {
    thread::scope(|scope| {
        let inside = scope.spawn(|| {
            let hidden = [(libc::SYS_landlock_create_ruleset, Vec::new())].into();
            let (otherwise, missing) = (SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS as u32));
            let arch = std::env::consts::ARCH.try_into().unwrap();
            let filter: BpfProgram = SeccompFilter::new(hidden, otherwise, missing, arch).unwrap().try_into().unwrap();
            seccompiler::apply_filter(&filter).expect("NOT TESTED: this kernel has no seccomp");
            gristmill_in(here, args)
        });
        inside.join().unwrap()
    })
}

#[test]
fn a_kernel_without_landlock_is_told_of() {
    let here = folder("confine_without");
    let module = file(&here, "m.wat", r#"(module (func (export "_start")))"#);
    without_landlock(&here, &["run", &module]).exits(0);
    let refused = without_landlock(&here, &["run", &module, "--confine"]).exits(4);
    refused.complains("this kernel has no such walls: ").complains("--confine=best-effort");
    let json = without_landlock(&here, &["run", &module, "--confine", "--json"]).exits(4).json();
    assert_eq!(json["error"]["kind"], "host");
    without_landlock(&here, &["run", &module, "--confine=best-effort"]).exits(0).complains("not confined: ");
    let coredump = ["run", &module, "--confine", "--coredump", "c"];
    gristmill_in(&here, &coredump).exits(2);
    gristmill_in(&here, &["run", &module, "--confine=none"]).exits(2);
}

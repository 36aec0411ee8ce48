//! The functions, one by one, and what a run is.

mod common;

use common::*;
use gristmill::contract::{Ewasm, Options};
use gristmill::{Config, Engine, HostApi, Module, Profile, Trap};
use gristmill_ext_grants::{Cancel, Command, CommandWalls, Grants, Limits, Price};
use gristmill_ext_process::{Process, STDIN, WORDS};
use std::time::{Duration, Instant};

/// Every function with arguments that are fine.
const CALLS: [(&str, &[i64]); 11] = [
    ("set_prog_name", &[0, 2]),
    ("add_arg", &[0, 2]),
    ("add_env", &[0, 2, 0, 2]),
    ("add_stdin", &[0, 2]),
    ("set_timeout", &[100]),
    ("run", &[]),
    ("get_exit_code", &[]),
    ("get_stdout_len", &[]),
    ("get_stdout", &[0]),
    ("get_stderr_len", &[]),
    ("get_stderr", &[0]),
];

#[test]
fn every_function_has_a_call() {
    let rows: Vec<_> = Process::rows().iter().map(|row| (row.name.to_string(), row.params.len())).collect();
    assert_eq!(rows, CALLS.map(|(name, args)| (format!("{}{name}", SSVM.1), args.len())));
    assert!(Process::rows().iter().all(|row| row.module == SSVM.0));
}

#[test]
fn nothing_but_a_run_takes_a_grant() {
    let mut run = Run::new(SSVM, Grants::default());
    for (name, args) in CALLS {
        let denied = matches!(name, "run" | "get_exit_code");
        let length = if name == "get_stderr_len" { run.output("stderr").len() as i32 } else { 0 };
        assert_eq!(run.call(name, args).unwrap(), if denied { -1 } else { length }, "{name}");
    }
    assert!(run.output("stderr").starts_with("permission denied: command"));
    assert_eq!(run.log().lines().count(), 1, "{}", run.log());
}

#[test]
fn a_command_gets_what_it_is_given_in_both_generations() {
    for names in [SSVM, WASMEDGE] {
        let mut run = Run::new(names, grants(&["sh"]));
        assert_eq!(run.call("get_exit_code", &[]).unwrap(), -1);
        run.name("never").name("sh").args(&[
            "-c",
            "cat; echo \"$0 $1 $A $B\"; echo error >&2; exit 3",
            "zero",
            "o n e",
        ]);
        run.env("A", "first").env("A", "second").env("B", "=").stdin(b"one ").stdin(b"two ");
        assert_eq!(run.run(), (3, "one two zero o n e first =\n".into(), "error\n".into()));
        // All that was said is forgotten, what came of it is not.
        assert_eq!(run.output("stdout"), "one two zero o n e first =\n");
        assert_eq!(run.name("sh").stdin(b"echo $# $A; cat").run(), (0, "0\n".into(), "".into()));
        let (code, stdout, stderr) = run.run();
        assert_eq!((code, stdout), (-1, String::new()));
        assert!(stderr.contains("\"\""), "{stderr}");
        assert_eq!(run.call("get_exit_code", &[]).unwrap(), -1);
    }
}

#[test]
fn a_denied_run_says_what_it_takes() {
    let directory = tempfile::tempdir().unwrap();
    let witness = directory.path().join("witness");
    for grants in [Grants::default(), grants(&["touc", "touch ", "Touch", "/bin/touch", "*"])] {
        let mut run = Run::new(SSVM, grants);
        let (code, stdout, stderr) = run.name("touch").args(&[witness.to_str().unwrap()]).run();
        assert_eq!((code, stdout), (-1, String::new()));
        for what in ["permission denied", "\"touch\"", "--allow-command ", "--allow-command-all", "all_commands"] {
            assert!(stderr.contains(what), "{stderr}");
        }
        assert!(!witness.exists());
        assert!(
            run.log().contains("refused: ssvm_process_run(\"touch\"); it takes --allow-command NAME"),
            "{}",
            run.log()
        );
        // It is over, too.
        assert!(run.run().2.contains("\"\""));
    }
    // The name is what is denied, not what it leads to.
    let mut run = Run::new(SSVM, grants(&["touch"]));
    assert_eq!(run.name("/bin/../bin/touch").args(&[witness.to_str().unwrap()]).run().0, -1);
    assert_eq!(run.name("touch").args(&[witness.to_str().unwrap()]).run().0, 0);
    assert!(witness.exists());
}

#[test]
fn all_commands_is_a_grant() {
    let mut run = Run::new(SSVM, Grants { all_commands: true, ..Grants::default() });
    assert_eq!(run.name("printf").args(&["%s", "x"]).run(), (0, "x".into(), "".into()));
    assert_eq!(run.sh("exit 4").0, 4);
    assert_eq!(run.log(), "");
}

#[test]
fn a_grant_may_bind_path_arguments_and_variables() {
    let bound = || {
        command(|command| {
            command.path = Some("/bin/echo".into());
            command.arguments = Some(vec!["-n".into(), "http://h/*".into()]);
            command.environment = Some(vec!["LANG".into()]);
        })
    };
    let mut run = Run::new(SSVM, bound());
    run.name("sh").args(&["-n", "http://h/page"]).env("LANG", "C");
    assert_eq!(run.run(), (0, "http://h/page".into(), "".into()));
    for args in [&["-n", "http://other/"][..], &["-n"], &[], &["-n", "http://h/", "more"]] {
        let (code, stdout, stderr) = run.name("sh").args(args).run();
        assert_eq!((code, stdout), (-1, String::new()));
        assert!(stderr.contains("\"sh\" may not be run with these arguments"), "{stderr}");
    }
    assert!(run.log().contains("sh -n http://other/"));
    for variable in ["LD_PRELOAD", "LANG=C", "", "lang"] {
        let (code, _, stderr) = run.name("sh").args(&["-n", "http://h/"]).env(variable, "x").run();
        assert_eq!(code, -1);
        assert!(stderr.contains(&format!("the variable \"{variable}\"")), "{stderr}");
    }
    assert!(run.log().contains("LD_PRELOAD=... sh"));
}

#[test]
fn nothing_of_the_environment_is_inherited() {
    assert!(std::env::var_os("PATH").is_some());
    let mut run = Run::new(SSVM, grants(&["env"]));
    assert_eq!(run.name("env").run(), (0, "".into(), "".into()));
    // The guest's PATH is the command's, and does not choose the command.
    assert_eq!(run.name("env").env("PATH", "/nowhere").run(), (0, "PATH=/nowhere\n".into(), "".into()));
}

#[test]
fn programs_that_cannot_be_started() {
    let directory = tempfile::tempdir().unwrap();
    let plain = directory.path().join("plain");
    std::fs::write(&plain, "text").unwrap();
    let mut run = Run::new(SSVM, Grants { all_commands: true, ..Grants::default() });
    for (name, reason) in [
        ("no-such-program-anywhere", "not found\n"),
        ("/no/such/program", "not found\n"),
        (plain.to_str().unwrap(), "permission denied\n"),
        ("", "not found\n"),
        ("sh\0", "not found\n"),
    ] {
        assert_eq!(run.name(name).run(), (-1, "".into(), reason.into()), "{name:?}");
    }
    // A NUL is in no argument and in no variable.
    assert_eq!(run.name("sh").args(&["a\0b"]).run(), (-1, "".into(), "unknown\n".into()));
    assert_eq!(run.name("sh").env("A\0", "b").run(), (-1, "".into(), "unknown\n".into()));
    // More than the system takes in one argument.
    assert_eq!(run.name("sh").args(&[&"x".repeat(1 << 20)]).run(), (-1, "".into(), "unknown\n".into()));
}

#[test]
fn exit_codes() {
    let mut run = Run::new(SSVM, grants(&["sh"]));
    for (script, code) in [
        ("exit 0", 0),
        ("exit 127", 127),
        ("exit 128", -128),
        ("exit 200", -56),
        ("exit 255", -1),
        ("kill -9 $$", 137),
        ("kill -15 $$", 143),
    ] {
        assert_eq!(run.sh(script).0, code, "{script}");
    }
}

#[test]
fn a_mebibyte_goes_through_cat() {
    let mut run = Run::new(SSVM, grants(&["cat", "sh"]));
    let bytes: Vec<u8> = (0..1 << 20).map(|i: u32| b'a' + (i % 23) as u8).collect();
    let (code, stdout, stderr) = run.name("cat").stdin(&bytes).run();
    assert!(code == 0 && stdout.as_bytes() == bytes && stderr.is_empty());
    // To both outputs at once, and of a command that reads late.
    let (code, stdout, stderr) = run.stdin(&bytes[..400_000]).sh("head -c 300000 /dev/zero >&2; cat");
    assert!(code == 0 && stdout.as_bytes() == &bytes[..400_000] && stderr.len() == 300_000);
    // Of one that does not read.
    let (code, stdout, _) = run.stdin(&bytes).sh("exec <&-; echo done");
    assert_eq!((code, stdout.as_str()), (0, "done\n"));
    let (code, stdout, _) = run.stdin(&bytes).sh("echo done");
    assert_eq!((code, stdout.as_str()), (0, "done\n"));
}

#[test]
fn output_is_capped() {
    let limited = limits(Limits { output: Some(10), ..Limits::default() }, grants(&["sh"]));
    let mut run = Run::new(SSVM, limited);
    let (code, stdout, stderr) = run.sh("head -c 3000000 /dev/zero | tr '\\0' x; printf 0123456789abc >&2; exit 5");
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (5, "xxxxxxxxxx", "0123456789"));
    assert_eq!(run.call("get_stdout_len", &[]).unwrap(), 10);
    run.name("no");
    assert_eq!(run.run().2, "permission");
    let mut run = Run::new(SSVM, grants(&["sh"]));
    run.sh("head -c 3000000 /dev/zero");
    assert_eq!(run.call("get_stdout_len", &[]).unwrap(), 1 << 20);
}

/// Runs a script that takes too long: exit code, output and how long it was.
fn slow(grants: Grants, millis: u32, script: &str) -> (i32, String, Duration) {
    let mut run = Run::new(SSVM, grants);
    let begun = Instant::now();
    let (code, stdout, _) = run.timeout(millis).sh(script);
    (code, stdout, begun.elapsed())
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn time_is_kept_to_the_millisecond() {
    let (code, stdout, took) = slow(grants(&["sh"]), 50, "echo begun; sleep 30");
    assert_eq!((code, stdout.as_str()), (110, "begun\n"));
    assert!(took >= Duration::from_millis(50) && took < SECOND, "{took:?}");
    // The grant's own limit, when it is the lower one.
    let (code, _, took) = slow(command(|command| command.milliseconds = Some(50)), 20_000, "sleep 30");
    assert!(code == 110 && took < 5 * SECOND, "{code} {took:?}");
    let (code, _, took) = slow(command(|command| command.milliseconds = Some(20_000)), 50, "sleep 30");
    assert!(code == 110 && took < 5 * SECOND, "{code} {took:?}");
    assert_eq!(slow(grants(&["sh"]), 0, "sleep 30").0, 110);
    // It writes for ever, and closes what it has.
    assert_eq!(slow(grants(&["sh"]), 50, "while :; do echo yyyyyyyyyyyyyy; done").0, 110);
    assert_eq!(slow(grants(&["sh"]), 50, "exec <&- >&- 2>&-; sleep 30").0, 110);
}

#[test]
fn the_whole_group_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let witness = directory.path().join("witness");
    let late = format!("(sleep 0.4; echo late > {}) &", witness.display());
    for script in [format!("{late} sleep 30"), format!("{late} exit 0")] {
        let (_, _, took) = slow(grants(&["sh"]), 100, &script);
        assert!(took < 5 * SECOND, "{took:?}");
    }
    std::thread::sleep(Duration::from_millis(600));
    assert!(!witness.exists());
}

#[test]
fn descendants_that_hold_the_pipes_hold_nobody_up() {
    // In the group, where it ends with the command; and in a session of its own, where it lives on for a while.
    for (millis, script, expected) in [
        (10_000, "sleep 8 & echo done", 0),
        (10_000, "setsid sleep 8 & echo done", 0),
        (300, "setsid sleep 8 & wait", 110),
    ] {
        let (code, _, took) = slow(grants(&["sh"]), millis, script);
        assert_eq!(code, expected, "{script}");
        assert!(took < 5 * SECOND, "{script} {took:?}");
    }
}

#[test]
fn the_time_of_the_run_is_up() {
    let limited = limits(Limits { milliseconds: Some(1_000), ..Limits::default() }, grants(&["sh"]));
    let mut run = Run::new(SSVM, limited);
    assert_eq!(run.sh("echo early"), (0, "early\n".into(), "".into()));
    let begun = Instant::now();
    let error = run.name("sh").args(&["-c", "sleep 30"]).call("run", &[]).unwrap_err();
    assert!(matches!(error, gristmill::Error::Halt(gristmill::Halt::TimedOut)), "{error}");
    assert!(begun.elapsed() < 5 * SECOND);
    // Nothing is begun afterwards.
    let directory = tempfile::tempdir().unwrap();
    let witness = directory.path().join("witness");
    run.name("sh").args(&["-c", &format!("echo > {}", witness.display())]);
    assert!(run.call("run", &[]).is_err());
    std::thread::sleep(Duration::from_millis(50));
    assert!(!witness.exists());
}

#[test]
fn a_command_ends_with_a_run_that_is_cancelled() {
    let directory = tempfile::tempdir().unwrap();
    let begun = directory.path().join("begun");
    let cancel = Cancel::default();
    let mut run = Run::with(SSVM, grants(&["sh"]), Some(cancel.clone()));
    assert_eq!(run.timeout(60_000).sh("echo early"), (0, "early\n".into(), "".into()));
    let script = format!("echo > {}; sleep 3600", begun.display());
    run.name("sh").args(&["-c", &script]).timeout(3_600_000);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !begun.exists() {
                std::thread::sleep(Duration::from_millis(5));
            }
            cancel.cancel();
        });
        let error = run.call("run", &[]).unwrap_err();
        assert!(matches!(error, gristmill::Error::Halt(gristmill::Halt::TimedOut)), "{error}");
    });
}

#[test]
fn pointers_are_checked_whole() {
    let mut run = Run::new(SSVM, grants(&["sh"]));
    run.sh("printf out; printf error >&2");
    for (name, places) in [
        ("set_prog_name", &[0][..]),
        ("add_arg", &[0]),
        ("add_env", &[0, 2]),
        ("add_stdin", &[0]),
        ("get_stdout", &[9]),
        ("get_stderr", &[9]),
    ] {
        for &place in places {
            let wrong: &[(i64, i64)] = match place {
                9 => &[(SIZE - 2, 0), (SIZE, 0), (-1, 0), (-4, 0)],
                _ => &[(SIZE, 1), (SIZE - 1, 2), (SIZE + 1, 0), (-1, 1), (-1, 2), (1, -1), (16, i32::MAX as i64)],
            };
            for (at, len) in wrong {
                let mut args = CALLS.iter().find(|call| call.0 == name).unwrap().1.to_vec();
                match place {
                    9 => args[0] = *at,
                    _ => args[place..place + 2].copy_from_slice(&[*at, *len]),
                }
                run.memory().fill(b'.');
                let trap = run.call(name, &args).unwrap_err().as_trap();
                assert_eq!(trap, Some(Trap::InvalidMemoryAccess), "{name} {args:?}");
                assert!(run.memory().iter().all(|byte| *byte == b'.'), "{name}");
            }
        }
    }
    // Nothing of all that was kept; the very end of memory is fine.
    run.call("add_arg", &[SIZE, 0]).unwrap();
    run.call("get_stdout", &[SIZE - 3]).unwrap();
    assert_eq!(run.memory()[SIZE as usize - 3..], *b"out");
    let (code, _, stderr) = run.run();
    assert!(code == -1 && stderr.contains("\"\""), "{stderr}");
}

#[test]
fn what_is_said_has_a_bound() {
    let mut run = Run::new(SSVM, grants(&["sh"]));
    let trap = |run: &mut Run, name: &str, args: &[i64]| run.call(name, args).unwrap_err().as_trap();
    let half = (WORDS / 2) as i64;
    run.call("add_arg", &[0, half]).unwrap();
    assert_eq!(trap(&mut run, "add_arg", &[0, half]), Some(Trap::ArgumentOutOfRange));
    assert_eq!(trap(&mut run, "add_env", &[0, half / 2, 0, half / 2]), Some(Trap::ArgumentOutOfRange));
    assert_eq!(trap(&mut run, "set_prog_name", &[0, half]), Some(Trap::ArgumentOutOfRange));
    run.run();
    run.call("set_prog_name", &[0, half]).unwrap();
    for _ in 0..STDIN >> 20 {
        run.call("add_stdin", &[0, 1 << 20]).unwrap();
    }
    assert_eq!(trap(&mut run, "add_stdin", &[0, 1]), Some(Trap::ArgumentOutOfRange));
}

#[test]
fn gas_is_taken_before_the_work() {
    let directory = tempfile::tempdir().unwrap();
    let witness = directory.path().join("witness");
    for (name, args) in CALLS {
        for gas in [900, 3_000] {
            let moves =
                matches!(name, "set_prog_name" | "add_arg" | "add_env" | "add_stdin" | "get_stdout" | "get_stderr");
            if gas == 3_000 && !moves {
                continue;
            }
            let mut priced = grants(&["sh"]);
            priced.prices.process = Price { call: 1_000, kib: 5_000 };
            let mut run = Run::new(SSVM, priced);
            run.sh("echo out; echo error >&2");
            run.name("sh").args(&["-c", &format!("echo > {}", witness.display())]);
            run.memory().fill(b'.');
            run.set_gas(gas);
            assert_eq!(run.call(name, args).unwrap_err().as_trap(), Some(Trap::OutOfGas), "{name} {gas}");
            assert!(run.memory().iter().all(|byte| *byte == b'.'), "{name}");
            assert!(!witness.exists());
        }
    }
}

#[test]
fn stores_do_not_share_what_they_say() {
    let (mut one, mut two) = (Run::new(SSVM, grants(&["sh"])), Run::new(SSVM, grants(&["sh"])));
    one.name("sh").args(&["-c", "echo one"]);
    two.name("sh").args(&["-c", "echo two"]);
    assert_eq!((one.run().1, two.run().1), ("one\n".into(), "two\n".into()));
}

#[test]
fn contracts_cannot_have_it() {
    let engine = Engine::new(Config::new().profile(Profile::chain1())).unwrap();
    let contracts = Ewasm::new(&engine, Options::default());
    for names in [SSVM, WASMEDGE] {
        let (imports, _) = parts(names);
        assert_eq!(imports.lines().count(), 11);
        for import in imports.lines() {
            let text = format!("(module {import} (memory (export \"memory\") 1) (func (export \"main\")))");
            let error = contracts.load(&wat::parse_str(&text).unwrap()).unwrap_err().to_string();
            assert!(error.contains("is not a function of the interface"), "{error}");
        }
    }
    // Nor link it by another type.
    let engine = Engine::new(&Config::new()).unwrap();
    let mut linker = gristmill::Linker::new(&engine);
    gristmill_ext_process::add_to_linker(&mut linker, |process| process).unwrap();
    let text = "(module (import \"ssvm_process\" \"ssvm_process_run\" (func (result i64))))";
    let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
    let mut store = gristmill::Store::new(
        &engine,
        gristmill_ext_process::Process::new(gristmill_ext_grants::Granted::quiet(Grants::default())),
    );
    assert!(linker.instantiate(&mut store, &module).is_err());
}

#[test]
fn walls_are_around_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["read", "write", "none"] {
        std::fs::create_dir(path(name)).unwrap();
        std::fs::write(path(name).join("f"), name).unwrap();
    }
    let walls = CommandWalls { read: vec![path("read")], write: vec![path("write")], network: false };
    let within = |walls| {
        let sh = Command { walls: Some(walls), ..grants(&["sh"]).commands.remove(0) };
        Run::new(SSVM, Grants { commands: vec![sh], ..Grants::default() })
    };
    let root = folder.path().display();
    let script = format!(
        "cd {root}; cat read/f; echo x >read/f || echo kept; echo y >write/f && cat write/f; cat none/f || echo hidden; ls {root} || echo shut"
    );
    let (code, stdout, stderr) = within(walls.clone()).sh(&script);
    assert_eq!((code, stdout.as_str()), (0, "readkept\ny\nhidden\nshut\n"), "NOT TESTED without Landlock: {stderr}");
    // A socket is made by the shell's own means.
    let connect = "exec 3<>/dev/tcp/127.0.0.1/9";
    let bash = |network| {
        let walls = CommandWalls { network, ..walls.clone() };
        let bash = Command { walls: Some(walls), ..grants(&["bash"]).commands.remove(0) };
        Run::new(SSVM, Grants { commands: vec![bash], ..Grants::default() }).name("bash").args(&["-c", connect]).run().2
    };
    assert!(bash(false).contains("not permitted"), "{}", bash(false));
    assert!(!bash(true).contains("not permitted"), "{}", bash(true));
    // Walls that cannot stand: nothing is run.
    let (code, stdout, stderr) = within(CommandWalls { read: vec![path("gone")], ..walls }).sh("echo ran");
    assert_eq!((code, stdout.as_str()), (-1, ""));
    assert!(stderr.contains("gone cannot be within the walls"), "{stderr}");
    // The host's own walls are what they were.
    assert_eq!(std::fs::read(path("none/f")).unwrap(), b"none");
}

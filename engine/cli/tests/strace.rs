//! What the system sees of a program to which nothing is granted: nothing. It calls every function of every extension, with
//! arguments of every kind, under strace.

mod common;

use common::{file, folder};
use gristmill::{Engine, Linker, Store, ValType};
use gristmill_cli::program::{Program, Shared, link};
use gristmill_ext_grants::{Granted, Grants};
use gristmill_ext_wasi::Streams;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// System calls of the engine's own while a program runs: memory, locks, signals' masks and stacks. `write` is allowed to the
/// standard streams, for what the operator is told.
const OWN: &[&str] = &[
    "brk",
    "futex",
    "madvise",
    "mmap",
    "mprotect",
    "mremap",
    "munmap",
    "rt_sigaction",
    "rt_sigprocmask",
    "sched_yield",
    "sigaltstack",
];

/// What marks the beginning and the end in the log: `sched_yield` is a system call that does nothing.
const MARK: &str = "sched_yield";

/// A function that can be imported: module, name, parameters, results.
type Function = (String, String, Vec<ValType>, Vec<ValType>);

fn functions() -> Vec<Function> {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    link(&mut linker).unwrap();
    let (granted, shared) = (Granted::quiet(Grants::default()), Shared::open(None, None).unwrap());
    let program = Program::of(granted, "x", Streams::default(), &shared).unwrap();
    let mut store = Store::new(&engine, program);
    let all: Vec<_> =
        linker.iter(&mut store).map(|(module, name, item)| (module, name, item.into_func().unwrap())).collect();
    let mut all: Vec<Function> = all
        .into_iter()
        .map(|(module, name, func)| {
            let ty = func.ty(&store);
            (module.into(), name.into(), ty.params().to_vec(), ty.results().to_vec())
        })
        .collect();
    // What closes descriptors comes last.
    all.sort_by_key(|(module, name, ..)| {
        (name.contains("close") || name.contains("renumber"), module.clone(), name.clone())
    });
    all
}

/// Arguments of every kind: descriptors, texts and lists at [`DATA`], edges of memory and of the range.
const KINDS: [i64; 14] = [0, 1, 2, 3, -1, 16, 33, 256, 512, 65_535, 65_536, i32::MIN as i64, i32::MAX as i64, 1_024];

/// Names at 16 and 33, a list of two buffers at 256, waits for a clock and for standard input at 512.
const DATA: &str = r#"(data (i32.const 16) "/etc/passwd")
    (data (i32.const 33) "../../etc/passwd")
    (data (i32.const 256) "\00\10\00\00\10\00\00\00\00\20\00\00\01\00\00\00")
    (data (i32.const 520) "\00") (data (i32.const 568) "\01")"#;

/// All arguments that a function is tried with: as many of one kind each, and each of every kind among some that fit.
fn tries(params: usize) -> Vec<Vec<i64>> {
    let mut all: Vec<_> = KINDS.iter().map(|kind| vec![*kind; params]).collect();
    for fit in [[3, 16, 11, 256, 2, 1_024, 16, 11, 1_024], [0, 256, 2, 1_024, 1_024, 1_024, 1, 1, 1]] {
        for (place, kind) in (0..params).flat_map(|place| KINDS.iter().map(move |kind| (place, kind))) {
            let mut args: Vec<_> = fit.iter().copied().cycle().take(params).collect();
            args[place] = *kind;
            all.push(args);
        }
    }
    all.dedup();
    all
}

/// A program of these calls between two marks.
fn program(functions: &[Function], calls: &[(usize, Vec<i64>)]) -> String {
    let ty = |ty: &ValType| if *ty == ValType::I64 { "i64" } else { "i32" };
    let mut text = format!("(module (import \"wasi_snapshot_preview1\" {MARK:?} (func $mark (result i32)))\n");
    for (number, (module, name, params, results)) in functions.iter().enumerate() {
        let params: String = params.iter().map(|it| format!(" {}", ty(it))).collect();
        let results: String = results.iter().map(|it| format!(" {}", ty(it))).collect();
        writeln!(text, "(import {module:?} {name:?} (func $f{number} (param{params}) (result{results})))").unwrap();
    }
    writeln!(text, "(memory (export \"memory\") 1) {DATA}").unwrap();
    let mut parts = 0;
    // Some at once: a function has a bound.
    for part in calls.chunks(500) {
        writeln!(text, "(func $p{parts}").unwrap();
        for (number, args) in part {
            let (_, _, params, results) = &functions[*number];
            let args: String = params.iter().zip(args).map(|(it, arg)| format!("({}.const {arg}) ", ty(it))).collect();
            let call = format!("(call $f{number} {args})");
            writeln!(text, "{}", if results.is_empty() { call } else { format!("(drop {call})") }).unwrap();
        }
        writeln!(text, ")").unwrap();
        parts += 1;
    }
    let calls: String = (0..parts).map(|part| format!("(call $p{part}) ")).collect();
    writeln!(text, "(func (export \"_start\") (drop (call $mark)) {calls} (drop (call $mark))))").unwrap();
    text
}

/// The system calls between the marks, or behind the first if there is one: names, and whole lines.
fn traced(here: &Path, text: &str, flags: &[&str]) -> Option<(i32, Vec<(String, String)>)> {
    let module = file(here, "hostile.wat", text);
    let manifest = file(here, "nothing.toml", "version = 1\n");
    let log = here.join("strace.log");
    let gristmill = Command::new("strace")
        .args(["-f", "-qq", "-s", "64", "-o"])
        .arg(&log)
        .arg(env!("CARGO_BIN_EXE_gristmill"))
        .args(["run", &module, "--manifest", &manifest])
        .args(flags)
        .current_dir(here)
        .output();
    let traces = gristmill.as_ref().is_ok_and(|_| log.metadata().is_ok_and(|log| log.len() > 0));
    if !traces {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "strace does not work, and CI=true: {gristmill:?}");
        eprintln!("strace does not work: nothing is tested");
        return None;
    }
    let output = gristmill.unwrap();
    let log = std::fs::read_to_string(log).unwrap();
    let lines: Vec<_> =
        log.lines().filter_map(|line| line.split_once(' ').map(|(_, line)| line.trim_start())).collect();
    let marked = |line: &&&str| line.starts_with(MARK);
    let marks = lines.iter().filter(marked).count();
    let begun = lines.iter().position(|line| marked(&line)).expect("the program has begun");
    let ended = if marks > 1 { lines.iter().rposition(|line| marked(&line)) } else { None };
    // A program that traps ends where the engine says so.
    let said = lines.iter().rposition(|line| line.starts_with("write(2,"));
    let ended = ended.or(said).unwrap_or(lines.len());
    // Pages between guards are opened for the first write to each by a handler of the engine's own.
    let beside = ["<...", "--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_ACCERR", "rt_sigreturn("];
    let calls = lines[begun..ended].iter().filter(|line| !beside.iter().any(|begin| line.starts_with(begin)));
    let calls = calls.map(|line| (line.split('(').next().unwrap_or_default().to_string(), line.to_string()));
    Some((output.status.code().unwrap_or(-1), calls.collect()))
}

/// Fails on any system call that is not the engine's own.
fn only_own(calls: &[(String, String)]) {
    let foreign: Vec<_> = calls
        .iter()
        .filter(|(name, line)| {
            let told = name == "write" && (line.starts_with("write(1,") || line.starts_with("write(2,"));
            !(OWN.contains(&name.as_str()) || told)
        })
        .map(|(_, line)| line)
        .collect();
    assert!(foreign.is_empty(), "{foreign:#?}");
}

/// Both tiers.
const TIERS: [&[&str]; 2] = [&["--tier", "interp"], &["--tier", "aot"]];

#[test]
fn the_system_sees_nothing_of_what_is_refused() {
    let functions = functions();
    // These answer with a number, and do not end the program; the process's refuse what is too much by a trap.
    let tells =
        |module: &str, name: &str| (module.starts_with("wasi") || module == "gristmill_storage") && name != "proc_exit";
    let calls: Vec<_> = (0..functions.len())
        .filter(|number| tells(&functions[*number].0, &functions[*number].1))
        .flat_map(|number| tries(functions[number].2.len()).into_iter().map(move |args| (number, args)))
        .collect();
    assert!(calls.len() > 5_000, "{}", calls.len());
    let here = folder("strace_refused");
    for tier in TIERS {
        let Some((code, seen)) = traced(&here, &program(&functions, &calls), tier) else { return };
        assert_eq!(code, 0, "the program came to its end, {tier:?}");
        only_own(&seen);
        println!("{} calls of {} functions, {} system calls, {tier:?}", calls.len(), functions.len(), seen.len());
    }
}

#[test]
fn no_process_is_begun() {
    let functions = functions();
    let here = folder("strace_process");
    for prefix in ["ssvm_process", "wasmedge_process"] {
        let find = |name: &str| functions.iter().position(|it| it.1 == format!("{prefix}_{name}")).unwrap();
        let text = [
            ("set_prog_name", vec![2_048, 10]),
            ("add_arg", vec![2_064, 10]),
            ("add_env", vec![2_048, 4, 2_048, 4]),
            ("add_stdin", vec![2_048, 10]),
            ("set_timeout", vec![1_000]),
            ("run", vec![]),
            ("get_exit_code", vec![]),
            ("get_stdout_len", vec![]),
            ("get_stdout", vec![4_096]),
            ("get_stderr_len", vec![]),
            ("get_stderr", vec![4_096]),
        ];
        let calls: Vec<_> = text.into_iter().map(|(name, args)| (find(name), args)).collect();
        let data = "(data (i32.const 2048) \"/bin/touch\") (data (i32.const 2064) \"a-new-file\")";
        let text = program(&functions, &calls).replace(DATA, data);
        for tier in TIERS {
            let Some((code, seen)) = traced(&here, &text, tier) else { return };
            assert_eq!(code, 0, "{prefix}, {tier:?}");
            only_own(&seen);
        }
    }
    assert!(!here.join("a-new-file").exists());
}

#[test]
fn what_traps_has_done_nothing() {
    let functions = functions();
    let here = folder("strace_traps");
    let mut tried = 0;
    for (number, (module, _, params, _)) in functions.iter().enumerate() {
        if module.ends_with("_native") {
            let text = program(&functions, &[(number, vec![256; params.len()])]);
            let Some((code, seen)) = traced(&here, &text, TIERS[0]) else { return };
            assert_eq!(code, 134, "{:?}", functions[number]);
            only_own(&seen);
            tried += 1;
        }
    }
    assert_eq!(tried, 2 * 9);
}

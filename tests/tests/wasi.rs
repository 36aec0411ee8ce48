//! Preview 1's tests (`conformance/wasi-preview1`), on every executor of the engine.

use gristmill::{Error, Halt, Linker, Module, Profile, Schedule, Store};
use gristmill_ext_grants::{Access, Clock, Directory, Granted, Grants, Output, Random, Stdio};
use gristmill_ext_wasi::{Streams, Wasi, add_to_linker};
use gristmill_tests::{engines, shared};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What a test needs beyond the defaults. Source: the suite's README.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Case {
    args: Vec<String>,
    env: BTreeMap<String, String>,
    /// The folder beside the test that is preopened as `/`.
    root: Option<PathBuf>,
    exit_code: i32,
    stdout: Option<String>,
    stderr: Option<String>,
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

/// How a program ended, and what it wrote.
fn run(linker: &Linker<Wasi>, module: &Module, file: &Path, case: &Case) -> (Result<i32, Error>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let directories = case.root.iter().map(|root| {
        copy(&file.with_file_name(root), folder.path());
        Directory { guest: "/".into(), host: Some(folder.path().into()), access: Access::Rw, quota: None }
    });
    let grants = Grants {
        arguments: case.args.clone(),
        environment: case.env.clone(),
        stdio: Stdio { stdout: Output::Capture, stderr: Output::Capture, ..Stdio::default() },
        clock: Clock::Real,
        random: Random::System,
        directories: directories.collect(),
        ..Grants::default()
    };
    let name = file.file_name().unwrap().to_str().unwrap();
    let wasi = Wasi::new(Granted::quiet(grants), name, Streams::default()).unwrap();
    let mut store = Store::new(linker.engine(), wasi);
    let instance = linker.instantiate(&mut store, module).unwrap();
    let start = instance.get_typed_func::<(), ()>(&store, "_start").unwrap();
    let ended = match start.call(&mut store, ()) {
        Ok(()) => Ok(0),
        Err(Error::Halt(Halt::Exit(code))) => Ok(code),
        Err(error) => Err(error),
    };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (ended, text(store.data().stdout().take()), text(store.data().stderr().take()))
}

#[test]
fn preview_1() {
    let Some(suite) = shared("conformance/wasi-preview1") else { return };
    let mut files: Vec<_> = ["assemblyscript", "c", "rust"]
        .iter()
        .flat_map(|language| fs::read_dir(suite.join(language)).unwrap().map(|entry| entry.unwrap().path()))
        .filter(|path| path.extension().is_some_and(|end| end == "wasm"))
        .collect();
    files.sort();
    assert!(files.len() >= 48, "{} tests", files.len());
    for (executor, engine) in engines(Profile::general(), Schedule::V1) {
        let mut linker = Linker::new(&engine);
        add_to_linker(&mut linker, |wasi: &mut Wasi| wasi).unwrap();
        for file in &files {
            let case = fs::read(file.with_extension("json")).ok();
            let case: Case = case.map_or_else(Case::default, |text| serde_json::from_slice(&text).unwrap());
            let module = Module::new(&engine, &fs::read(file).unwrap()).unwrap();
            let (ended, stdout, stderr) = run(&linker, &module, file, &case);
            let at = format!("{} on {executor}: {stderr}", file.display());
            assert_eq!(ended.unwrap_or_else(|error| panic!("{at}: {error}")), case.exit_code, "{at}");
            case.stdout.iter().for_each(|expected| assert_eq!(stdout, *expected, "{at}"));
            case.stderr.iter().for_each(|expected| assert_eq!(stderr, *expected, "{at}"));
        }
    }
}

//! `gristmill run --record` and `--replay`: the same run again, without the world.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{Run, file, folder, gristmill, gristmill_in, root};
use gristmill::{Config, Engine, Gas, Linker, Module, Store};
use gristmill_cli::program::{self, Program, Shared};
use gristmill_cli::tape::{End, Outcome, Replayer, Why, Wrong, open};
use gristmill_ext_grants::{Digest, Grants};
use serde_json::Value;

const TIERS: [&str; 2] = ["interp", "aot"];

fn world() -> String {
    root().join("engine/cli/tests/fixtures/world.wat").to_str().unwrap().to_string()
}

/// Records the program that looks at the world.
fn record(here: &Path, flags: &[&str]) -> Run {
    fs::create_dir_all(here.join("dir")).unwrap();
    file(&here.join("dir"), "in.txt", "what is in a file");
    let world = world();
    let all = ["run", &world, "--dir", "dir::/", "--storage", "s", "--allow-command", "sh", "--record", "r", "--json"];
    gristmill_in(here, &[&all, flags, &["--", "one", "two"]].concat())
}

fn replay(here: &Path, tier: &str) -> Run {
    // Nothing of the world is left where it was.
    let elsewhere = folder("tape_elsewhere");
    let recording = here.join("r");
    gristmill_in(&elsewhere, &["run", &world(), "--replay", recording.to_str().unwrap(), "--tier", tier, "--json"])
}

/// All that must be the same: output, error output, exit code, and of the figures gas and memory.
fn facts(run: &Run) -> (i32, String, String, Vec<Value>) {
    let (output, last) = run.stdout.trim_end().rsplit_once('\n').unwrap_or(("", run.stdout.trim_end()));
    // A program that writes no line end shares its last line with the figures.
    let (rest, json) = last.split_at(last.find('{').unwrap());
    let json: Value = serde_json::from_str(json).unwrap();
    let stats = if json["stats"].is_null() { &json["error"]["stats"] } else { &json["stats"] };
    let figures = ["gas_used", "memory_pages", "memory_digest"].map(|name| stats[name].clone());
    let ends = ["exit_code", "results"].map(|name| json[name].clone());
    let trap = json["error"]["trap"].clone();
    (run.code, format!("{output}\n{rest}"), run.stderr.clone(), [&figures[..], &ends, &[trap]].concat())
}

#[test]
fn a_run_is_the_same_on_either_tier_without_the_world() {
    let here = folder("tape_world");
    let mut seen = Vec::new();
    for tier in TIERS {
        let recorded = facts(&record(&here, &["--tier", tier]).exits(42));
        fs::remove_dir_all(here.join("dir")).unwrap();
        assert!(recorded.1.trim_end().ends_with("sh"), "{recorded:?}");
        assert_eq!(recorded.2, "in.txt\n");
        assert!(recorded.3[2].as_str().unwrap().starts_with("sha256:"));
        for other in TIERS {
            assert_eq!(facts(&replay(&here, other)), recorded, "{tier} to {other}");
        }
        seen.push(recorded.1);
    }
    // The world is another one each time.
    assert_ne!(seen[0], seen[1]);
}

#[test]
fn a_run_ends_the_same_wherever_its_gas_ends() {
    let here = folder("tape_gas");
    let used = record(&here, &[]).exits(42);
    let used = facts(&used).3[0].as_u64().unwrap();
    for gas in (2 * 1_024 - 1..used).step_by(173).chain([used - 1, used]) {
        let recorded = facts(&record(&here, &["--gas", &gas.to_string()]));
        assert_eq!(recorded.0, if gas == used { 42 } else { 134 }, "{gas}");
        for tier in TIERS {
            assert_eq!(facts(&replay(&here, tier)), recorded, "{gas} {tier}");
        }
    }
}

#[test]
fn functions_and_their_results_are_recorded() {
    let here = folder("tape_function");
    let module = file(
        &here,
        "m.wat",
        r#"(module
        (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "add") (param i64) (result i64)
          (drop (call $random (i32.const 8) (i32.const 8)))
          (i64.add (local.get 0) (i64.load (i32.const 8))))
        (func (export "beyond") (result i32) (call $random (i32.const 65530) (i32.const 8))))"#,
    );
    let tape = here.join("r");
    let tape = tape.to_str().unwrap();
    let recorded = gristmill(&["run", &module, "--record", tape, "--invoke", "add", "--", "-5"]).exits(0).stdout;
    for tier in TIERS {
        let again = gristmill(&["run", &module, "--replay", tape, "--tier", tier]).exits(0).stdout;
        assert_eq!(again, recorded);
    }
    // 21 is `fault`: nothing was written.
    gristmill(&["run", &module, "--record", tape, "--invoke", "beyond"]).exits(0).says("21");
    gristmill(&["run", &module, "--replay", tape, "--tier", "aot"]).exits(0).says("21");
    // What is recorded is not said again, and of another module there is no replay.
    gristmill(&["run", &module, "--replay", tape, "--invoke", "add"]).exits(2);
    gristmill(&["run", &module, "--replay", tape, "--gas", "5"]).exits(2);
    gristmill(&["run", &module, "--replay", tape, "--record", tape]).exits(2);
    gristmill(&["run", &world(), "--replay", tape]).exits(3).complains("of another module");
    let nowhere = here.join("no/where");
    gristmill(&["run", &module, "--record", nowhere.to_str().unwrap(), "--invoke", "beyond"]).exits(4);
    gristmill(&["run", &module, "--replay", nowhere.to_str().unwrap()]).exits(3).complains("no/where");
}

/// Replays a file with the recorded module, in this process.
fn replayed(module: &Module, path: &Path) -> Result<(), Wrong> {
    let (header, input) = open(path)?;
    let shared = Shared::open(None, None).unwrap();
    let program = Program::new(Grants::default(), path, Vec::new(), &shared).unwrap();
    let mut store = Store::new(module.engine(), program);
    // As much as the run has used, about: a recording that lies may have the program compute for long.
    store.set_gas(Gas(header.gas.unwrap_or(0).min(1_000_000)));
    let replayer = Arc::new(Replayer::new(&header, input, store.meter().left().0));
    let mut linker = Linker::new(module.engine());
    linker.intercept(replayer.clone());
    program::link(&mut linker).unwrap();
    let begun = linker.instantiate(&mut store, module);
    let instance = begun.as_ref().ok().copied();
    let ended =
        begun.and_then(|instance| instance.get_typed_func::<(), ()>(&store, "_start").unwrap().call(&mut store, ()));
    let memory = instance.filter(|_| !store.is_spent()).map(|instance| instance.get_memory(&store, "memory").unwrap());
    let memory = memory.map(|memory| Digest::of(memory.data(&store)).0);
    let outcome = Outcome::of(ended.as_ref().map(|()| Vec::new()));
    replayer.finish(&End { outcome, left: store.meter().left().0, memory })
}

/// A recording of a program whose output nobody reads, and its module.
fn quiet(test: &str) -> (PathBuf, Module, Vec<u8>) {
    let here = folder(test);
    let manifest = file(&here, "m.toml", "version = 1\nclock = \"real\"\nrandom = \"system\"\n");
    record(&here, &["--manifest", &manifest, "--gas", "100000"]).exits(42);
    let engine = Engine::new(&Config::new()).unwrap();
    let module = Module::new(&engine, &wat::parse_file(world()).unwrap()).unwrap();
    let bytes = fs::read(here.join("r")).unwrap();
    (here.join("changed"), module, bytes)
}

#[test]
fn a_recording_that_was_changed_is_refused_or_replayed_and_nothing_else() {
    let (path, module, bytes) = quiet("tape_hostile");
    let attempt = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        replayed(&module, &path)
    };
    attempt(&bytes).unwrap();
    for end in 0..bytes.len() {
        let wrong = attempt(&bytes[..end]).unwrap_err();
        assert!(matches!(wrong.why, Why::NoRecording | Why::Truncated), "{end}: {wrong}");
    }
    assert!(matches!(attempt(&[&bytes[..], b"x"].concat()).unwrap_err().why, Why::Malformed));
    let (mut refused, mut differs) = (0, 0);
    for at in 0..bytes.len() {
        for change in [1, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            match attempt(&changed) {
                Ok(()) => {}
                Err(Wrong { why: Why::Differs(..), .. }) => differs += 1,
                Err(_) => refused += 1,
            }
        }
        // A byte more, a byte less.
        if at % 7 == 0 {
            let _ = attempt(&[&bytes[..at], &[0], &bytes[at..]].concat());
            let _ = attempt(&[&bytes[..at], &bytes[at + 1..]].concat());
        }
    }
    assert!(refused > 0 && differs > bytes.len() / 2, "{refused} {differs} of {}", 2 * bytes.len());
}

#[test]
fn frames_that_lie_are_refused_in_bounded_memory() {
    let (path, module, bytes) = quiet("tape_frames");
    let header = 9 + 4 + u32::from_le_bytes(bytes[9..13].try_into().unwrap()) as usize;
    let attempt = |frames: &[u8]| {
        fs::write(&path, [&bytes[..header], frames].concat()).unwrap();
        replayed(&module, &path).unwrap_err()
    };
    // Lengths that are not there, of the frame and inside of it: a function's name, a call's arguments, bytes for the memory.
    assert!(matches!(attempt(&[0xff; 4]), Wrong { call: 1, why: Why::Malformed }));
    for kind in 0..6u8 {
        let claims = [&[10, 0, 0, 0, kind][..], &[0xff; 8], &[0x0f]].concat();
        assert!(matches!(attempt(&claims).why, Why::Malformed), "{kind}");
    }
    // More functions than there are.
    let function = [3, 0, 0, 0, 0, 0, 0];
    assert!(matches!(attempt(&function.repeat(5_000)).why, Why::Malformed));
    assert!(matches!(attempt(&[3, 0, 0, 0, 1, 9, 0]).why, Why::Malformed));
    assert!(matches!(attempt(b"").why, Why::Truncated));
}

#[test]
fn what_is_no_recording_is_told() {
    let here = folder("tape_none");
    record(&here, &[]).exits(42);
    let (tape, world) = (here.join("r"), world());
    let mut bytes = fs::read(&tape).unwrap();
    let run = || gristmill(&["run", &world, "--replay", tape.to_str().unwrap()]);
    bytes[8] = 9;
    fs::write(&tape, &bytes).unwrap();
    run().exits(3).complains("a recording of version 9");
    fs::write(&tape, b"\0asm").unwrap();
    run().exits(3).complains("not a recording");
    // Cut off behind some calls: with the number of the call, in JSON too.
    bytes[8] = 1;
    fs::write(&tape, &bytes[..bytes.len() / 2]).unwrap();
    run().exits(3).complains(": the recording ends here");
    let json = gristmill(&["run", &world, "--replay", tape.to_str().unwrap(), "--json"]).exits(3);
    let json: Value = serde_json::from_str(&json.stdout[json.stdout.find('{').unwrap()..]).unwrap();
    assert_eq!(json["error"]["kind"], "refused");
    assert!(json["error"]["call"].as_u64().unwrap() > 3, "{json}");
}

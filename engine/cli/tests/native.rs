//! Machine code on the command line: who may have it run, where it is kept, and that it changes no result and no gas.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Run, conformance, file, folder, gristmill, root};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Returns the constant, and something that takes gas.
const MODULE: &str = r#"(module
  (func $answer (export "answer") (result i32) (i32.const 0x01234567))
  (func $sum (export "sum") (param i32) (result i32) (local i32)
    (loop (local.set 1 (i32.add (local.get 1) (local.get 0)))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1)))"#;

/// The constant, and what stands in its place in forged code.
const ANSWER: u32 = 0x0123_4567;
const FORGED: u32 = 0x0765_4321;

/// Length of the magic and the digest of an artifact, of a key and of a signature.
const HEAD: usize = 8 + 32;
const SIGNED: usize = 32 + 64;

/// Machine code that answers something else, whole again, and signed by `key` if there is one: only who runs it gets that.
fn forge(artifact: &[u8], key: Option<&SigningKey>) -> Vec<u8> {
    let body = HEAD + 1 + if artifact[HEAD] == 1 { SIGNED } else { 0 };
    let mut body = artifact[body..].to_vec();
    let at = body.windows(4).position(|bytes| bytes == ANSWER.to_le_bytes()).expect("the constant is in the code");
    body[at..at + 4].copy_from_slice(&FORGED.to_le_bytes());
    let mut rest = vec![u8::from(key.is_some())];
    if let Some(key) = key {
        rest.extend_from_slice(key.verifying_key().as_bytes());
        rest.extend_from_slice(&key.sign(&body).to_bytes());
    }
    rest.extend_from_slice(&body);
    [&artifact[..8], &Sha256::digest(&rest), &rest].concat()
}

/// Makes a pair of keys in `here`: the paths of the secret and the public one.
fn keys(here: &Path, name: &str) -> (String, String) {
    let secret = here.join(name).to_str().unwrap().to_string();
    gristmill(&["keygen", &secret]).exits(0).says("public key ");
    let public = format!("{secret}.pub");
    (secret, public)
}

fn signing_key(path: &str) -> SigningKey {
    let secret = hex::decode(fs::read_to_string(path).unwrap().trim()).unwrap();
    SigningKey::from_bytes(&secret.try_into().unwrap())
}

fn answer(module: &str, more: &[&str]) -> Run {
    gristmill(&[&["run", module, "--invoke", "answer"], more].concat())
}

fn text(number: u32) -> String {
    format!("{number}\n")
}

#[test]
fn keys_are_for_their_owner_and_never_overwritten() {
    let here = folder("keygen");
    let (secret, public) = keys(&here, "key");
    let mode = |path: &str| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&secret), 0o600);
    assert_eq!(mode(&public) & 0o022, 0, "nobody else writes the public one");
    let before = fs::read_to_string(&secret).unwrap();
    let key = hex::encode(signing_key(&secret).verifying_key().as_bytes());
    assert_eq!(fs::read_to_string(&public).unwrap().trim(), key);
    gristmill(&["keygen", &secret]).exits(4).complains("key");
    assert_eq!(fs::read_to_string(&secret).unwrap(), before);
    let other = gristmill(&["keygen", here.join("other").to_str().unwrap(), "--json"]).exits(0).json();
    assert_ne!(other["public"], *key);
    gristmill(&["keygen"]).exits(2);
    gristmill(&["keygen", "no/such/folder/key"]).exits(4);
}

#[test]
fn compile_refuses_what_it_should() {
    let here = folder("compile_refused");
    let module = file(&here, "m.wat", MODULE);
    gristmill(&["compile"]).exits(2);
    gristmill(&["compile", "no/such/file.wasm"]).exits(4);
    gristmill(&["compile", &file(&here, "bad.wat", "(module (func (result i32)))")]).exits(3);
    gristmill(&["compile", &module, "--sign", "no/such/key"]).exits(4);
    let nonsense = file(&here, "nonsense.key", "not a key");
    gristmill(&["compile", &module, "--sign", &nonsense]).exits(2).complains("64 hex digits");
    gristmill(&["compile", &module, "-o", "no/such/folder/m.gmc"]).exits(4);
    let fast = here.join("m.fast.wasm");
    gristmill(&["compile", &module, "--embed"]).exits(0);
    gristmill(&["compile", fast.to_str().unwrap()]).exits(3).complains("machine code already");
}

#[test]
fn code_in_a_file_runs_only_if_who_is_trusted_signed_it() {
    let here = folder("compile_file");
    let module = file(&here, "m.wat", MODULE);
    let ((secret, public), (_, other)) = (keys(&here, "key"), keys(&here, "other"));
    let plain = gristmill(&["compile", &module, "--json"]).exits(0).json();
    let code = here.join("m.gmc").to_str().unwrap().to_string();
    assert_eq!(plain["output"], *code);
    assert_eq!((&plain["functions"], &plain["interpreted"]), (&2.into(), &0.into()));
    assert_eq!(plain["bytes"], fs::metadata(&code).unwrap().len());
    assert_eq!(plain["signed"], false);
    gristmill(&["compile", &module]).exits(0).says("not signed: nobody will run it");
    let untrusted = "nobody who is trusted";
    answer(&module, &["--code", &code]).exits(3).complains(untrusted);
    answer(&module, &["--code", &code, "--trust", &public]).exits(3).complains(untrusted);

    let signed = here.join("signed.gmc").to_str().unwrap().to_string();
    let json = gristmill(&["compile", &module, "--sign", &secret, "-o", &signed, "--json"]).exits(0).json();
    assert_eq!(json["signed"], true);
    answer(&module, &["--code", &signed]).exits(3).complains(untrusted);
    answer(&module, &["--code", &signed, "--trust", &other]).exits(3).complains(untrusted);
    answer(&module, &["--code", &signed, "--trust", "no key"]).exits(2).complains("64 hex digits");
    let both = ["--trust", &other, "--trust", &public];
    assert_eq!(answer(&module, &[&["--code", &signed], &both[..]].concat()).exits(0).stdout, text(ANSWER));
    let in_hex = fs::read_to_string(&public).unwrap();
    assert_eq!(answer(&module, &["--code", &signed, "--trust", in_hex.trim()]).exits(0).stdout, text(ANSWER));

    // Result and gas are the interpreter's.
    let sum = |more: &[&str]| {
        let json = gristmill(&[&["run", &module, "--invoke", "sum", "1000", "--json"], more].concat()).exits(0).json();
        (json["results"].clone(), json["stats"]["gas_used"].clone(), json["stats"]["tier"].clone())
    };
    let (interpreted, compiled) = (sum(&[]), sum(&["--code", &signed, "--trust", &public]));
    assert_eq!((interpreted.2, compiled.2), ("interp".into(), "aot".into()));
    assert_eq!((interpreted.0, interpreted.1), (compiled.0, compiled.1));

    // What is run is the code, and nothing of what nobody signed.
    let bytes = fs::read(&signed).unwrap();
    let forged = |name: &str, key: Option<&str>| {
        let bytes = forge(&bytes, key.map(signing_key).as_ref());
        file(&here, name, bytes)
    };
    let unsigned = forged("unsigned.gmc", None);
    let by_other = forged("other.gmc", Some(other.trim_end_matches(".pub")));
    for code in [&unsigned, &by_other] {
        let run = answer(&module, &["--code", code, "--trust", &public]).exits(3).complains(untrusted);
        assert_eq!(run.stdout, "");
    }
    let by_key = forged("key.gmc", Some(&secret));
    assert_eq!(answer(&module, &["--code", &by_key, "--trust", &public]).exits(0).stdout, text(FORGED));
    // A bit of it, or code for another schedule or module.
    let mut broken = bytes.clone();
    *broken.last_mut().unwrap() ^= 1;
    let broken = file(&here, "broken.gmc", broken);
    answer(&module, &["--code", &broken, "--trust", &public]).exits(3).complains("damaged");
    let trusted = ["--code", &signed, "--trust", &public];
    answer(&module, &[&trusted[..], &["--schedule", "unit"]].concat()).exits(3).complains("another engine");
    let other_module = file(&here, "n.wat", MODULE.replace("$sum", "$total"));
    answer(&other_module, &trusted).exits(3).complains("another engine");
}

#[test]
fn code_inside_of_a_module_runs_only_if_who_is_trusted_signed_it() {
    let here = folder("compile_embed");
    let module = file(&here, "m.wasm", wat::parse_str(MODULE).unwrap());
    let ((secret, public), (other, _)) = (keys(&here, "key"), keys(&here, "other"));
    let fast = here.join("m.fast.wasm").to_str().unwrap().to_string();
    gristmill(&["compile", &module, "--embed", "--sign", &secret]).exits(0).says("2 of 2 functions compiled");
    let code = here.join("m.gmc").to_str().unwrap().to_string();
    gristmill(&["compile", &module, "--sign", &secret]).exits(0);
    let (plain, code) = (fs::read(&module).unwrap(), fs::read(&code).unwrap());
    assert_eq!(fs::read(&fast).unwrap(), gristmill_aot::embed(&plain, &code));
    let forged = |name: &str, key: Option<&str>| {
        let code = forge(&code, key.map(signing_key).as_ref());
        file(&here, name, gristmill_aot::embed(&plain, &code))
    };
    let files =
        [forged("unsigned.wasm", None), forged("other.wasm", Some(&other)), forged("key.wasm", Some(&secret)), fast];
    for (number, module) in files.iter().enumerate() {
        // A module that runs everywhere.
        assert_eq!(answer(module, &[]).exits(0).stdout, text(ANSWER));
        for tier in ["aot", "auto"] {
            assert_eq!(answer(module, &["--tier", tier]).exits(0).stdout, text(ANSWER));
        }
        let trusting = answer(module, &["--tier", "aot", "--trust", &public]).exits(0);
        assert_eq!(trusting.stdout, text(if number == 2 { FORGED } else { ANSWER }), "{module}");
    }
}

#[test]
fn a_cache_is_used_again_and_only_if_it_is_ours() {
    let here = folder("code_cache");
    let module = file(&here, "m.wat", MODULE);
    let cache = here.join("cache");
    let cached = |more: &[&str]| {
        let path = cache.to_str().unwrap();
        answer(&module, &[&["--tier", "aot", "--code-cache", path], more].concat())
    };
    let entries = || {
        let entries = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path());
        entries.collect::<Vec<_>>()
    };
    assert_eq!(cached(&[]).exits(0).stdout, text(ANSWER));
    assert_eq!(fs::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o700);
    let [entry] = &entries()[..] else { panic!("one entry: {:?}", entries()) };
    assert_eq!(fs::metadata(entry).unwrap().permissions().mode() & 0o777, 0o600);
    let made = fs::read(entry).unwrap();

    // What is there runs: the folder is the owner's.
    fs::write(entry, forge(&made, None)).unwrap();
    assert_eq!(cached(&[]).exits(0).stdout, text(FORGED));
    assert_eq!(entries().len(), 1);
    // Another schedule has code of its own.
    assert_eq!(cached(&["--schedule", "unit"]).exits(0).stdout, text(ANSWER));
    assert_eq!(entries().len(), 2);
    // What is not whole is made again, and kept in its place.
    let mut broken = forge(&made, None);
    *broken.last_mut().unwrap() ^= 1;
    for bytes in [&broken[..], &made[..made.len() / 2], b"", b"gmcode"] {
        fs::write(entry, bytes).unwrap();
        assert_eq!(cached(&[]).exits(0).stdout, text(ANSWER));
        assert_eq!(fs::read(entry).unwrap(), made);
    }
    // An entry or a folder that others can write to.
    fs::write(entry, forge(&made, None)).unwrap();
    fs::set_permissions(entry, fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(cached(&[]).exits(0).stdout, text(ANSWER));
    for mode in [0o770, 0o707, 0o777] {
        fs::set_permissions(&cache, fs::Permissions::from_mode(mode)).unwrap();
        cached(&[]).exits(4).complains("nobody else can write to");
    }
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o700)).unwrap();
    cached(&[]).exits(0);
    let link = here.join("link");
    std::os::unix::fs::symlink(&cache, &link).unwrap();
    answer(&module, &["--tier", "aot", "--code-cache", link.to_str().unwrap()]).exits(4);
    answer(&module, &["--tier", "aot", "--code-cache", &module]).exits(4);
}

#[test]
fn perf_is_told_the_names_of_functions() {
    let module = file(&folder("perf_map"), "m.wat", MODULE);
    let args = ["run", &module, "--invoke", "sum", "10", "--tier", "aot", "--perf-map"];
    let child = Command::new(env!("CARGO_BIN_EXE_gristmill")).args(args).stdout(Stdio::piped()).spawn().unwrap();
    let map = format!("/tmp/perf-{}.map", child.id());
    assert_eq!(child.wait_with_output().unwrap().stdout, b"55\n");
    let text = fs::read_to_string(&map).unwrap();
    assert_eq!(fs::metadata(&map).unwrap().permissions().mode() & 0o777, 0o600);
    fs::remove_file(&map).unwrap();
    let mut last = 0;
    let mut names = Vec::new();
    for line in text.lines() {
        let [start, len, name] = line.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let (start, len) = (u64::from_str_radix(start, 16).unwrap(), u64::from_str_radix(len, 16).unwrap());
        assert!(start >= last && len > 0, "{text}");
        last = start + len;
        names.push(name.to_string());
    }
    assert_eq!(names, ["wasm: answer", "wasm: sum", "wasm: enter type 0", "wasm: enter type 1"]);
}

#[test]
fn disasm_shows_what_machine_code_is_made() {
    let module = file(&folder("disasm_native"), "m.wat", MODULE);
    let disasm = |more: &[&str]| gristmill(&[&["disasm", &module, "--profile", "general"], more].concat()).exits(0);
    let json = disasm(&["--native", "--json"]).json();
    let functions = json["functions"].as_array().unwrap();
    assert_eq!(functions.len(), 2);
    for function in functions {
        let native = &function["native"];
        assert_eq!(native["interpreted"], false);
        assert!(native["bytes"].as_u64().unwrap() > 10);
        assert!(native["clif"].as_str().unwrap().starts_with("function u0:0(i64, i64"), "{native}");
        assert!(native["machine"].as_str().unwrap().contains("ret"), "{native}");
    }
    assert!(functions[0]["native"]["machine"].as_str().unwrap().contains("0x1234567"));
    disasm(&["--native", "--function", "answer"]).says("i32.const").says("iconst.i32").says("bytes of machine code:");
    assert!(disasm(&["--json"]).json()["functions"][0].get("native").is_none());
}

/// What runs code, and what the summaries call it.
const TIERS: [&str; 3] = ["interp", "aot", "auto"];

/// What is left of JSON without times and the words for what ran.
fn comparable(mut value: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.retain(|key, _| !["tier", "dispatch"].contains(&key.as_str()) && !key.contains("nanoseconds"));
                map.values_mut().for_each(strip);
            }
            Value::Array(list) => list.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut value);
    value
}

/// Runs a command in every tier, and compares all JSON that it prints, gas of each step included.
fn same_in_every_tier(args: &[&str]) {
    let mut first: Option<Vec<Value>> = None;
    for tier in TIERS {
        let run = gristmill(&[args, &["--json", "--tier", tier]].concat()).exits(0);
        let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let last = lines.last().expect("something is printed");
        assert!(last["tier"] == tier || last["stats"]["tier"] == tier, "{last}");
        let lines: Vec<Value> = lines.into_iter().map(comparable).collect();
        assert_eq!(first.get_or_insert_with(|| lines.clone()), &lines, "{args:?} with {tier}");
    }
}

#[test]
fn every_tier_uses_the_same_gas() {
    let here = folder("tiers");
    let module = file(&here, "m.wat", MODULE);
    same_in_every_tier(&["run", &module, "--invoke", "sum", "1000"]);
    same_in_every_tier(&["scenario", root().join("soll-fixtures").to_str().unwrap()]);
    let script =
        file(&here, "s.wast", format!(r#"{MODULE} (assert_return (invoke "sum" (i32.const 10)) (i32.const 55))"#));
    same_in_every_tier(&["wast", &script]);
    if let Some(suites) = conformance() {
        same_in_every_tier(&["statetest", suites.join("ewasm-state/tests").to_str().unwrap()]);
    }
}

#[test]
fn out_of_gas_is_the_same_in_every_tier() {
    let module = file(&folder("tiers_gas"), "m.wat", MODULE);
    for gas in ["0", "1", "2", "100"] {
        for tier in TIERS {
            let args = ["run", &module, "--invoke", "sum", "1000000", "--gas", gas, "--tier", tier, "--json"];
            let json = gristmill(&args).exits(1).json();
            assert_eq!(
                (&json["error"]["trap"], &json["error"]["stats"]["gas_used"]),
                (&"OutOfGas".into(), &gas.parse::<u64>().unwrap().into())
            );
        }
    }
}

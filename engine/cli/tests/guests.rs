//! The guests of `soll-fixtures/guests`, as a user runs them: interpreted and compiled, with the same output and gas.

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use common::{Run, conformance, file, folder, root};
use serde_json::Value;

fn guests() -> PathBuf {
    root().join("soll-fixtures/guests")
}

/// A flag that grants this folder under the name `guest`.
fn dir(host: &Path, guest: &str) -> String {
    format!("--dir={}::{guest}:ro", host.display())
}

/// Runs a guest on one tier: flags, then the guest's arguments behind `--`.
fn run_on(tier: &str, guest: &str, arguments: &[&str], input: &str) -> Run {
    let mut run = Command::new(env!("CARGO_BIN_EXE_gristmill"));
    run.args(["run", "--tier", tier, "--stats", "--clock", "virtual", "--random", "7"]);
    run.arg(guests().join("wasm").join(guest).with_extension("wasm")).args(arguments);
    let mut child = run.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A guest that does not read to the end closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code().expect("ended by a signal"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn gas(run: &Run) -> &str {
    run.stderr.lines().find(|line| line.starts_with("gas used")).unwrap_or_else(|| panic!("no gas: {}", run.stderr))
}

/// Runs a guest on both tiers, which must not differ; the run of the second.
#[track_caller]
fn run(guest: &str, arguments: &[&str], input: &str) -> Run {
    let [interpreted, compiled] = ["interp", "aot"].map(|tier| run_on(tier, guest, arguments, input));
    assert_eq!(interpreted.stdout, compiled.stdout);
    assert_eq!(interpreted.code, compiled.code, "{}{}", interpreted.stderr, compiled.stderr);
    assert_eq!(gas(&interpreted), gas(&compiled));
    compiled
}

/// A folder with two files of text.
fn texts(test: &str) -> PathBuf {
    let here = folder(test);
    file(&here, "one.txt", "The cat sat.\nThe dog, too.\n");
    fs::create_dir(here.join("more")).unwrap();
    file(&here.join("more"), "two.txt", "No cat\nhere; a dog is.\n");
    here
}

#[test]
fn word_count_walks_what_is_granted() {
    let here = texts("guest_word_count");
    let counted = run("word-count", &[&dir(&here, "/"), "--", "--top", "3", "/more", "/one.txt"], "").exits(0);
    let expected = [
        "      2       6      23 /more/two.txt",
        "      2       6      27 /one.txt",
        "      4      12      50 total",
        "      2 cat",
        "      2 dog",
        "      2 the",
    ];
    assert_eq!(counted.stdout.lines().collect::<Vec<_>>(), expected);
    assert_eq!(run("word-count", &[], "one two\n").exits(0).stdout, "      1       2       8 -\n");
    run("word-count", &["--", "/one.txt"], "").exits(1).complains("/one.txt");
    run("word-count", &[&dir(&here, "/texts"), "--", "/texts/../etc/passwd"], "").exits(1).complains("/etc/passwd");
}

#[test]
fn grep_in_c() {
    let here = texts("guest_grep");
    let found = run("grep", &[&dir(&here, "/texts"), "--", "cat", "/texts"], "").exits(0);
    assert_eq!(found.stdout, "/texts/more/two.txt:1:No cat\n/texts/one.txt:1:The cat sat.\n");
    assert_eq!(run("grep", &["--", "b"], "a\nbc\nb").exits(0).stdout, "bc\nb\n");
    run("grep", &[&dir(&here, "/texts"), "--", "horse", "/texts"], "").exits(1);
    run("grep", &["--", "cat", "/texts"], "").exits(2).complains("/texts");
}

#[test]
fn sort_lines_in_assemblyscript() {
    assert_eq!(run("sort-lines", &[], "pear\napple\nfig").exits(0).stdout, "apple\nfig\npear\n");
    assert_eq!(run("sort-lines", &["--", "-r"], "b\na\n\u{e9}\n").exits(0).stdout, "\u{e9}\nb\na\n");
    let many: Vec<String> = (0..9_000).rev().map(|number| format!("{number:06} {}", "x".repeat(20))).collect();
    let sorted = run("sort-lines", &[], &(many.join("\n") + "\n")).exits(0).stdout;
    assert!(sorted.lines().rev().eq(many.iter()));
}

/// Runs a guest for each row: arguments, exit code, standard output. Storage is a file of the tier's own, and `more` are flags.
#[track_caller]
fn storage_session(test: &str, guest: &str, namespace: &str, rows: &[(&str, i32, &str)]) {
    let here = folder(test);
    for tier in ["interp", "aot"] {
        let kept = format!("--storage-file={}", here.join(tier).with_extension("redb").display());
        for (words, code, expected) in rows {
            let words: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
            let arguments = [&["--storage", namespace, &kept, "--"], &words[..]].concat();
            let run = run_on(tier, guest, &arguments, "").exits(*code);
            assert_eq!(run.stdout, *expected, "{guest} {words:?}");
        }
    }
}

#[test]
fn notebook_keeps_notes() {
    storage_session(
        "guest_notebook",
        "notebook",
        "notes",
        &[
            ("read shop", 1, ""),
            ("write shop milk and bread", 0, ""),
            ("write short -", 0, ""),
            ("read shop", 0, "milk and bread\n"),
            ("list sh", 0, "shop\nshort\n"),
            ("forget short", 0, ""),
            ("forget short", 1, ""),
            ("list", 0, "shop\n"),
        ],
    );
    run("notebook", &["--", "list"], "").exits(2).complains("status 3");
    run("notebook", &["--storage=notes:ro", "--", "write", "a", "b"], "").exits(2).complains("status 4");
}

#[test]
fn accounts_in_c() {
    storage_session(
        "guest_accounts",
        "accounts",
        "bank",
        &[
            ("add ada 10", 0, "ada 10\n"),
            ("move ada bob 4", 0, "ada 6, bob 4\n"),
            ("move ada bob 7", 1, ""),
            ("add ada -1", 0, "ada 5\n"),
            ("show bob", 0, "bob 4\n"),
            ("show eve", 0, "eve 0\n"),
        ],
    );
    run("accounts", &["--", "add", "ada", "1"], "").exits(2).complains("storage answers 3");
}

#[test]
fn todo_in_assemblyscript() {
    storage_session(
        "guest_todo",
        "todo",
        "todo",
        &[
            ("add wash up", 0, "1\n"),
            ("add dry", 0, "2\n"),
            ("", 0, "1 wash up\n2 dry\n"),
            ("done 1", 0, ""),
            ("done 1", 1, ""),
            ("", 0, "2 dry\n"),
        ],
    );
    // An exception that nobody catches ends the program.
    run("todo", &["--", "add", "dry"], "").exits(255).complains("storage answers 3");
}

#[test]
fn contacts_through_the_published_crate() {
    let here = folder("guest_contacts");
    for tier in ["interp", "aot"] {
        let kept = format!("--storage-file={}", here.join(tier).with_extension("redb").display());
        let contacts =
            |words: &[&str]| run_on(tier, "contacts", &[&["--storage=people", &kept, "--"], words].concat(), "");
        // The crate tells what it stores, three bytes a word.
        contacts(&["add", "Ada", "ada@example.org", "36"])
            .exits(0)
            .says("[1003000000, 1000000000, 1000000065, 1100097015, ");
        contacts(&["add", "Bob", "bob@example.org", "255"]).exits(0);
        let shown = contacts(&["show", "Ada"]).exits(0).stdout;
        assert!(shown.ends_with("\nAda <ada@example.org>, 36\n"), "{shown}");
        let shown = contacts(&["show", "Bob"]).exits(0).stdout;
        assert!(shown.ends_with("\nBob <bob@example.org>, 255\n"), "{shown}");
        contacts(&["show", "Eve"]).exits(134);
    }
    run_on("aot", "contacts", &["--", "show", "Ada"], "").exits(134).complains("--storage");
}

#[test]
fn checksum_through_the_published_crate() {
    let here = texts("guest_checksum");
    let flags = [&dir(&here, "/texts"), "--allow-command", "sha256sum", "--", "/texts/one.txt"];
    let own = Command::new("sha256sum").arg(here.join("one.txt")).output().unwrap();
    let own = String::from_utf8(own.stdout).unwrap();
    let sum = run("checksum", &flags, "").exits(0).stdout;
    assert_eq!(sum, format!("{}  /texts/one.txt\n", own.split(' ').next().unwrap()));
    run("checksum", &[flags[0], "--", "/texts/one.txt"], "").exits(1).complains("--allow-command");
}

/// Answers one request: the head and the body that it got, as text.
fn answer(stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(number) = line.to_lowercase().strip_prefix("content-length: ") {
            length = number.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
        head += line.trim_end();
        head += "|";
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let text = format!("{head}{}", String::from_utf8_lossy(&body));
    let length = text.len();
    write!(reader.get_mut(), "HTTP/1.1 201 Made\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}")
}

#[test]
fn http_proxy_through_an_allowed_curl() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/greet", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        for stream in listener.incoming().take(2) {
            answer(stream.unwrap()).unwrap();
        }
    });
    let request = format!("POST {url}\nX-Who: gristmill\n\nhello");
    for tier in ["interp", "aot"] {
        let got = run_on(tier, "http-proxy", &["--allow-command", "curl"], &request).exits(0);
        let got = got.says("HTTP/1.1 201 Made").says("POST /greet HTTP/1.1|").says("X-Who: gristmill|");
        assert!(got.stdout.ends_with("|hello"), "{}", got.stdout);
    }
    server.join().unwrap();

    // Nobody listens any more: curl's own exit code, 7. Without the grant nothing is run.
    run_on("aot", "http-proxy", &["--allow-command", "curl"], &request).exits(7).complains("curl: (7)");
    run("http-proxy", &[], &request).exits(255).complains("--allow-command");
    // The command is named, and it is another one.
    run("http-proxy", &["--allow-command", "wget"], &request).exits(255);
}

/// What the reference runtimes say about a file of `data/`.
fn reference(name: &str) -> Value {
    let text = fs::read_to_string(guests().join("data/reference.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()[name].clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// The numbers in a line.
fn figures(line: &str) -> Vec<f64> {
    line.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

#[track_caller]
fn near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{found:?}, expected {expected:?}");
    let close = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() <= tolerance);
    assert!(close, "{found:?}, expected {expected:?}");
}

#[test]
fn voice_hears_speech() {
    let Some(suite) = conformance() else { return };
    let data = dir(&guests().join("data"), "/");
    let model = format!("--nn-model=silero={}", suite.join("models/silero_vad_16k_sequence.onnx").display());
    let heard = run("voice", &[&data, &model, "--", "/goforward.raw"], "").exits(0).stdout;
    let stretches = reference("goforward.raw")["stretches"].clone();
    assert_eq!(heard.lines().count(), stretches.as_array().unwrap().len(), "{heard}");
    for (line, stretch) in heard.lines().zip(stretches.as_array().unwrap()) {
        near(&figures(line), &numbers(stretch), 1e-4);
    }

    // Silence is no speech, and a model that is not granted is not found.
    let here = folder("guest_voice");
    fs::write(here.join("silence.raw"), [0; 64_000]).unwrap();
    assert_eq!(run("voice", &[&dir(&here, "/"), &model, "--", "/silence.raw"], "").exits(0).stdout, "");
    run("voice", &[&data, "--", "/goforward.raw"], "").exits(1).complains("--nn-model");
}

#[test]
fn file_type_knows_files() {
    let Some(suite) = conformance() else { return };
    let model = format!("--nn-model=magika={}", suite.join("models/magika-standard_v3_3.onnx").display());
    let files = reference("file-type")["labels"].clone();
    let paths: Vec<&str> = files.as_object().unwrap().keys().map(String::as_str).collect();
    let granted = dir(&guests(), "/");
    let told = run("file-type", &[&[&*granted, &model, "--"], &paths[..]].concat(), "").exits(0).stdout;
    assert_eq!(told.lines().count(), paths.len(), "{told}");
    for line in told.lines() {
        let (path, rest) = line.split_once(": ").unwrap();
        let (label, _score) = rest.split_once(' ').unwrap();
        assert_eq!(label, files[path], "{line}");
    }
}

#[test]
fn faces_are_found() {
    let Some(suite) = conformance() else { return };
    let [data, models] =
        [(guests().join("data"), "/"), (suite.join("models"), "/models")].map(|(at, name)| dir(&at, name));
    let words = ["--", "/models/face_detection_short_range.tflite", "/astronaut.jpg"];
    let expected = reference("astronaut.jpg");
    let tolerance = expected["tolerance"].as_f64().unwrap();
    for guest in ["faces", "faces-wasmedge"] {
        let found = run(guest, &[&[&*data, &models, "--nn-own-models"], &words[..]].concat(), "").exits(0).stdout;
        assert_eq!(found.lines().count(), 1, "{found}");
        let numbers =
            [vec![expected["score"].as_f64().unwrap()], numbers(&expected["box"]), numbers(&expected["eyes"])];
        near(&figures(&found), &numbers.concat(), tolerance);
    }
    run("faces", &[&[&*data, &models], &words[..]].concat(), "").exits(1).complains("--nn-own-models");
}

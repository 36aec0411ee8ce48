use crate::*;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A manifest with everything that there is.
const ALL: &str = r#"
version = 1
module = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
arguments = ["-v", "in.txt"]
network = [
  { allow = "connect", hosts = "10.0.0.0/8", protocol = "tcp", ports = "80-90" },
  { allow = "resolve", hosts = "*.example.com" },
]
clock = "virtual"
random = { seed = 7 }
own_models = true
all_commands = true

[environment]
HOME = "/"

[stdio]
stdin = "inherit"
stdout = "capture"

[[directory]]
guest = "/data"
host = "/srv/data"
access = "rw"
quota = 1000

[[directory]]
guest = "/tmp"

[[command]]
name = "curl"
path = "/usr/bin/curl"
arguments = ["-s", "http://127.0.0.1/*"]
environment = []
milliseconds = 500

[[storage]]
namespace = "app"
access = "rw"
bytes = 1000
keys = 10

[[model]]
name = "face"
file = "face.tflite"

[[model]]
name = "voice"
file = "voice.onnx"
backend = "onnxruntime"

[limits]
gas = 1000
milliseconds = 50
pages = 16
output = 100

[prices]
wasi = { call = 1, kib = 2 }
"#;

#[test]
fn a_manifest_says_everything() {
    let grants = Grants::from_toml(ALL).unwrap();
    assert_eq!(grants.network[0].to_string(), "connect:tcp:10.0.0.0/8:80-90");
    assert_eq!(grants.random, Random::Seed(7));
    assert_eq!(grants.directories[1].host, None);
    assert!(grants.all_commands);
    assert_eq!((grants.models[0].encoding.as_str(), &grants.models[0].backend), ("autodetect", &None));
    assert_eq!(grants.models[1].backend.as_deref(), Some("onnxruntime"));
    assert_eq!(grants.commands[0].environment.as_deref(), Some(&[][..]));
    assert_eq!((grants.prices.wasi.kib, grants.prices.nn), (2, Price::default()));
    assert!(grants.fits(b"") && !grants.fits(b"another module"));
    let explained = grants.to_string();
    for what in [
        "e3b0c442",
        "/srv/data",
        "1000 bytes",
        "HOME",
        "example.com",
        "curl",
        "any command",
        "app",
        "face.tflite",
        "50 ms",
    ] {
        assert!(explained.contains(what), "{what} is not in\n{explained}");
    }
}

#[test]
fn nothing_is_granted_by_default() {
    let grants = Grants::from_toml("version = 1").unwrap();
    assert_eq!(grants, Grants::default());
    assert_eq!(grants.to_string(), "computes, and does nothing else");
}

#[test]
fn what_is_not_known_is_an_error() {
    let refused = |text: &str| Grants::from_toml(text).unwrap_err().to_string();
    assert!(refused("").contains("version = 1"));
    assert!(refused("version = 2").contains("version"));
    for text in [
        "version = 1\ndirectories = []",
        "version = 1\n[[directory]]\nguest = \"/\"\nhots = \"/\"",
        "version = 1\n[limits]\nseconds = 1",
        "version = 1\n[stdio]\nstdin = \"file\"",
        "version = 1\n[[network]]\nallow = \"all\"\nhosts = \"*\"",
        "version = 1\n[prices]\nwasm = { call = 1 }",
    ] {
        // With the line.
        assert!(refused(text).contains("line"), "{text}: {}", refused(text));
    }
    let twice = "version = 1\n[[directory]]\nguest = \"/\"\n[[directory]]\nguest = \"/\"";
    assert_eq!(refused(twice), "two directories are called `/`");
}

#[test]
fn directories_as_flags() {
    let read = |text: &str| {
        let Directory { guest, host, access, .. } = text.parse().unwrap();
        (guest, host.unwrap().display().to_string(), access)
    };
    let is = |guest: &str, host: &str, access| (guest.to_string(), host.to_string(), access);
    assert_eq!(read("/host::/guest"), is("/guest", "/host", Access::Rw));
    assert_eq!(read("/host::/guest:ro"), is("/guest", "/host", Access::Ro));
    assert_eq!(read("/guest:/host"), is("/guest", "/host", Access::Rw));
    assert_eq!(read("/guest:/host:readonly"), is("/guest", "/host", Access::Ro));
    assert_eq!(read("."), is(".", ".", Access::Rw));
    assert_eq!(read(".:ro"), is(".", ".", Access::Ro));
    for text in ["", ":", "::", "a::", ":ro"] {
        assert!(text.parse::<Directory>().is_err(), "{text}");
    }
}

#[test]
fn rules_of_the_network() {
    let allows = |rule: &str, address: &str, port| {
        let rule: NetRule = rule.parse().unwrap();
        assert_eq!(rule.to_string().parse(), Ok(rule.clone()));
        rule.allows_address(NetAct::Connect, Protocol::Tcp, address.parse().unwrap(), port)
    };
    assert!(allows("connect:10.0.0.0/8:80", "10.1.2.3", 80));
    assert!(!allows("connect:10.0.0.0/8:80", "10.1.2.3", 81));
    assert!(!allows("connect:10.0.0.0/8:80", "11.1.2.3", 80));
    assert!(!allows("connect:udp:10.0.0.0/8:80", "10.1.2.3", 80));
    assert!(!allows("listen:10.0.0.0/8:80", "10.1.2.3", 80));
    assert!(allows("connect:127.0.0.1", "127.0.0.1", 1));
    assert!(allows("connect:tcp:[::1]:443", "::1", 443));
    assert!(allows("connect:[fe80::/10]:1-9", "fe80::1", 9));
    assert!(allows("connect:*:443", "8.8.8.8", 443));
    // IPv4 in the clothes of IPv6 passes where IPv4 does, and nowhere else.
    assert!(allows("connect:127.0.0.0/8", "::ffff:127.0.0.1", 1));
    assert!(!allows("connect:::/0", "::ffff:127.0.0.1", 1));
    // A name says nothing about an address.
    assert!(!allows("connect:example.com", "1.2.3.4", 1));
    for text in ["connect", "dance:*", "connect:a b", "connect:*:99999", "connect:*:9-1", "resolve:"] {
        assert!(text.parse::<NetRule>().is_err(), "{text}");
    }
    let names: Hosts = "*.Example.com".parse().unwrap();
    for (name, has) in
        [("a.example.com", true), ("A.B.EXAMPLE.COM.", true), ("example.com", false), ("aexample.com", false)]
    {
        assert_eq!(names.has_name(name), has, "{name}");
    }
}

#[test]
fn models_and_commands_as_flags() {
    let model: Model = "face:TensorflowLite:CPU:models/a.tflite".parse().unwrap();
    assert_eq!(
        (model.name.as_str(), model.encoding.as_str(), model.target.as_str()),
        ("face", "tensorflowlite", "cpu")
    );
    let model: Model = "models/mnist.onnx".parse().unwrap();
    assert_eq!((model.name.as_str(), model.file.to_str()), ("mnist", Some("models/mnist.onnx")));
    let read = |text: &str| {
        let Model { name, file, encoding, target, backend, .. } = text.parse().unwrap();
        [name, file.display().to_string(), encoding, target].join(" ")
            + &backend.map_or(String::new(), |it| format!(" {it}"))
    };
    assert_eq!(read("face=a.tflite"), "face a.tflite autodetect cpu");
    assert_eq!(read("face=a.tflite:TensorflowLite"), "face a.tflite tensorflowlite cpu");
    assert_eq!(read("face=a.tflite:onnx:gpu"), "face a.tflite onnx gpu");
    assert_eq!(read("face=C:/models/a.onnx"), "face C:/models/a.onnx autodetect cpu");
    assert_eq!(read("face=C:/models/a.onnx:onnx:cpu:OnnxRuntime"), "face C:/models/a.onnx onnx cpu onnxruntime");
    assert_eq!(read("face=a.onnx:onnx:onnxruntime"), "face a.onnx:onnx onnxruntime cpu");
    assert_eq!(read("face=onnx:cpu:tract"), "face onnx:cpu tract cpu");
    let command: Command = "ls=/bin/ls".parse().unwrap();
    assert_eq!((command.name.as_str(), command.path), ("ls", Some("/bin/ls".into())));
    assert!("".parse::<Command>().is_err() && "=x".parse::<Command>().is_err() && "".parse::<Model>().is_err());
}

#[test]
fn refusals_are_told_once_and_not_for_ever() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let granted = {
        let lines = lines.clone();
        Granted::new(Grants::default(), move |refused| lines.lock().unwrap().push(refused.to_string()))
    };
    for _ in 0..3 {
        granted.refuse("path_open", "/etc\n\u{1b}[31m", Act::Directory);
    }
    assert_eq!(
        *lines.lock().unwrap(),
        [r#"refused: path_open("/etc\n\u{1b}[31m"); it takes --dir HOST::GUEST, [[directory]]"#]
    );
    granted.refuse("path_open", "ä".repeat(1_000), Act::Directory);
    assert!(lines.lock().unwrap()[1].len() < 400);
    for number in 0..1_000 {
        granted.refuse("path_open", number.to_string(), Act::Directory);
    }
    assert_eq!(lines.lock().unwrap().len(), 64);
}

#[test]
fn time_that_is_left() {
    let second = Duration::from_secs(1);
    let granted = Granted::quiet(Grants::default());
    assert_eq!(granted.patience(None), Some(None));
    assert_eq!(granted.patience(Some(second)), Some(Some(second)));
    let limits = Limits { milliseconds: Some(60_000), ..Limits::default() };
    let granted = Granted::quiet(Grants { limits, ..Grants::default() });
    assert_eq!(granted.patience(Some(second)), Some(Some(second)));
    assert!(granted.patience(None).unwrap().is_some_and(|left| left > second));
    assert!(granted.in_time().is_ok());
    let mut over = Arc::into_inner(granted).unwrap();
    over.deadline = Some(Instant::now());
    assert!(over.patience(Some(second)).is_none() && over.in_time().is_err());
}

#[test]
fn what_can_be_cancelled_waits_in_turns() {
    let (second, cancel) = (Duration::from_secs(1), Cancel::default());
    let granted = Granted::cancellable(Grants::default(), cancel.clone(), |_| {});
    assert_eq!(granted.patience(Some(second)), Some(Some(second)));
    assert!(granted.turn(None).unwrap().is_some_and(|turn| turn < second));
    assert_eq!(granted.turn(Some(Duration::ZERO)), Some(Some(Duration::ZERO)));
    assert!(granted.in_time().is_ok() && !granted.is_endless());
    cancel.cancel();
    assert_eq!((granted.patience(None), granted.turn(None)), (None, None));
    assert!(granted.in_time().is_err());
    let other = Granted::quiet(Grants::default());
    assert_eq!(other.turn(Some(second)), Some(Some(second)));
    assert!(other.turn(None) == Some(None) && other.is_endless());
}

//! `gristmill vm-info`, and `--vm`: everything through gristmill's own EVMC plugin is as it is without.

mod common;

use std::path::{Path, PathBuf};

use common::{conformance, file, folder, gristmill, gristmill_in, root};
use serde_json::json;

const TOKEN: &str = "soll-fixtures/token/soll-normal.wasm";

/// The plugin, which cargo builds beside the tests of packages that depend on it.
fn library() -> PathBuf {
    let file = format!("{}gristmill_evmc{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let library = std::env::current_exe().unwrap().with_file_name(file);
    assert!(library.is_file(), "{} was not built", library.display());
    library
}

/// A link whose name chooses the ABI.
fn link(folder: &Path, abi: u32) -> String {
    let link = folder.join(format!("libgristmill_abi{abi}.so"));
    std::os::unix::fs::symlink(library(), &link).unwrap();
    link.to_str().unwrap().into()
}

#[test]
fn what_is_no_plugin_is_refused() {
    let here = folder("plugin_refused");
    let text = file(&here, "libtext.so", "no library");
    gristmill(&["vm-info"]).exits(2);
    gristmill(&["vm-info", ""]).exits(2);
    gristmill(&["vm-info", "no/such/lib.so"]).exits(4).complains("cannot open");
    gristmill(&["vm-info", &text]).exits(4);
    let plugin = link(&here, 12);
    gristmill(&["vm-info", &format!("{plugin},color=red")]).exits(2).complains("no option `color`");
    gristmill(&["call", "--deploy", TOKEN, "totalSupply", "--vm", &format!("{plugin},debug=maybe")]).exits(2);
    gristmill(&["trace", "--deploy", TOKEN, "totalSupply", "--vm", &plugin]).exits(2).complains("cannot be seen");
    let token = root().join(TOKEN);
    let words = ["deploy", token.to_str().unwrap(), "--state", "new.redb", "--vm", "no/such/lib.so"];
    gristmill_in(&here, &words).exits(4);
    assert!(!here.join("new.redb").exists(), "no mistake makes a state");
}

#[test]
fn a_plugin_says_what_it_is() {
    let here = folder("plugin_info");
    for abi in [7, 12] {
        let info = gristmill(&["vm-info", &link(&here, abi), "--json"]).exits(0).json();
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(info, json!({ "name": "gristmill", "version": version, "abi": abi, "capabilities": ["ewasm"] }));
    }
    // A bare name means a file of this folder.
    gristmill_in(&here, &["vm-info", "libgristmill_abi7.so,metering=true"]).exits(0).says("capabilities  ewasm");
}

#[test]
fn calls_through_a_plugin_cost_the_same() {
    let here = folder("plugin_calls");
    let token = root().join(TOKEN);
    let token = token.to_str().unwrap();
    for abi in [12, 9] {
        let plugin = link(&here, abi);
        for more in [&[][..], &["--schedule", "unit"], &["--dispatch", "loop"]] {
            let words = [&["call", "--deploy", token, "--json"], more, &["transfer", "bob", "5"]].concat();
            let built_in = gristmill(&words).exits(0).json();
            assert_eq!(
                gristmill(&[&words[..], &["--vm", &plugin]].concat()).exits(0).json(),
                built_in,
                "{abi} {more:?}"
            );
        }
        let state = format!("dev{abi}.redb");
        let run = |args: &[&str]| gristmill_in(&here, &[args, &["--state", &state, "--vm", &plugin]].concat());
        run(&["deploy", token, "--name", "TOKEN"]).exits(0);
        run(&["call", "TOKEN", "transfer", "bob", "5"]).exits(0);
        // Without the plugin the state is the same.
        gristmill_in(&here, &["call", "TOKEN", "balanceOf", "bob", "--state", &state]).exits(0).says("result  5");
        run(&["call", "TOKEN", "transfer", "bob", "1000001"]).exits(1).says("balance too low");
    }
    let refused = file(&here, "start.wat", r#"(module (memory (export "memory") 1) (func (export "main")) (start 0))"#);
    gristmill(&["deploy", &refused, "--vm", &link(&here, 10)]).exits(3).says("start function");
}

/// Output, storage, logs and gas of every step; up to ABI 9 the journal counts the refunds.
#[test]
fn scenarios_do_not_see_the_plugin() {
    let here = folder("plugin_scenarios");
    for schedule in ["v1", "unit"] {
        let words = ["scenario", "soll-fixtures", "--json", "--schedule", schedule];
        let built_in = gristmill(&words).exits(0);
        let steps = |stdout: &str| {
            let lines: Vec<_> =
                stdout.lines().filter(|line| !line.contains(r#""suite""#)).map(str::to_string).collect();
            assert!(lines.len() == 46 && lines[0].contains("gas_used"), "{stdout}");
            lines
        };
        for abi in [7, 8, 9, 10, 11, 12] {
            let link = here.join(format!("libgristmill_abi{abi}.so"));
            let plugin = if link.exists() { link.to_str().unwrap().into() } else { self::link(&here, abi) };
            let run = gristmill(&[&words[..], &["--vm", &plugin]].concat()).exits(0);
            assert_eq!(steps(&run.stdout), steps(&built_in.stdout), "ABI {abi}");
            let summary = run.summary();
            assert_eq!(summary["passed"], 41);
            let vm = format!("gristmill {} (EVMC ABI {abi})", env!("CARGO_PKG_VERSION"));
            assert_eq!(summary["dispatch"], vm);
        }
    }
}

#[test]
fn state_tests_through_the_plugin() {
    let Some(suite) = conformance() else { return };
    let tests = suite.join("ewasm-state/tests");
    let words = ["statetest", tests.to_str().unwrap(), "--json"];
    let first = |stdout: &str| stdout.lines().next().unwrap().to_string();
    let built_in = first(&gristmill(&words).exits(0).stdout);
    let here = folder("plugin_statetests");
    for abi in [12, 10, 9, 7] {
        let run = gristmill(&[&words[..], &["--vm", &link(&here, abi)]].concat()).exits(0);
        assert_eq!(run.summary()["passed"], 150);
        assert_eq!(first(&run.stdout), built_in, "ABI {abi}");
    }
    // It is the plugin that runs them: with another price list they fail, whichever name says so.
    for option in ["gas-schedule=v1", "metering=true"] {
        let plugin = format!("{},{option}", here.join("libgristmill_abi12.so").display());
        let summary = gristmill(&[&words[..], &["--vm", &plugin]].concat()).exits(1).summary();
        assert!(summary["failed"].as_u64().unwrap() > 40, "{summary}");
    }
}

//! Engines in processes of their own, which take turns with the ones here.
//!
//! `$GRISTMILL_WORKERS` names the folder of the workers' binaries; `cargo xtask results` builds them and sets it.

use crate::kernels::Kernel;
use gristmill_measure::Contender;
use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// The binaries, each of which may have several engines.
const BINARIES: [&str; 2] = ["gristmill-portable", "gristmill-inside"];

/// One engine in a process of its own.
pub struct Worker {
    /// Column of the tables.
    pub name: String,
    pipes: RefCell<Pipes>,
}

struct Pipes {
    process: Child,
    // None when the process was told to end.
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

/// The path of a worker's binary, when it is there.
pub fn binary(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("GRISTMILL_WORKERS")?;
    Some(Path::new(&folder).join(name)).filter(|path| path.exists())
}

/// The workers whose names `wanted` accepts, in the order of `wanted`; what is missing has a line on stderr.
pub fn some(wanted: &[&str]) -> Vec<Worker> {
    let mut found: Vec<(String, PathBuf)> = Vec::new();
    for path in BINARIES.iter().filter_map(|name| binary(name)) {
        let out = Command::new(&path).arg("list").output().expect("a worker starts");
        found.extend(String::from_utf8_lossy(&out.stdout).lines().map(|name| (name.to_string(), path.clone())));
    }
    wanted
        .iter()
        .filter_map(|name| match found.iter().find(|(engine, _)| engine == name) {
            Some((name, path)) => Some(Worker::start(name, path)),
            None => {
                eprintln!("LEFT OUT: {name} has no worker here; `cargo xtask results` builds all of them");
                None
            }
        })
        .collect()
}

impl Worker {
    fn start(name: &str, path: &Path) -> Self {
        let mut process =
            Command::new(path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a worker starts");
        let to = process.stdin.take();
        let from = BufReader::new(process.stdout.take().expect("a pipe was asked for"));
        Self { name: name.into(), pipes: RefCell::new(Pipes { process, to, from }) }
    }

    fn ask(&self, fields: &[&str]) -> String {
        let mut pipes = self.pipes.borrow_mut();
        let mut line = String::new();
        let to = pipes.to.as_mut().expect("only drop closes it");
        writeln!(to, "{}", fields.join("\t")).expect("a worker listens");
        pipes.from.read_line(&mut line).expect("a worker answers");
        assert!(!line.is_empty(), "{} ended: see its message above", self.name);
        line.trim().into()
    }

    /// A contender that has been told what its work is.
    fn contender(&self, work: &[&str]) -> Contender<'_> {
        assert_eq!(self.ask(work), "ok");
        Contender::turns(self.name.clone(), move |times| {
            let nanoseconds = self.ask(&["turn", &times.to_string()]);
            Duration::from_nanos(nanoseconds.parse().expect("a worker answers with a number"))
        })
    }

    /// Runs a kernel and checks its result.
    pub fn run(&self, kernel: &Kernel) -> Contender<'_> {
        let (n, result) = (kernel.n.to_string(), kernel.result.to_string());
        self.contender(&["run", &self.name, &kernel.path().display().to_string(), kernel.export, &n, &result])
    }

    /// Does to the module in a file what `work` names: `load`, `artifact`, `instantiate`.
    pub fn work(&self, work: &str, file: &Path) -> Contender<'_> {
        self.contender(&[work, &self.name, &file.display().to_string()])
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The end of its input ends it.
        let pipes = self.pipes.get_mut();
        drop(pipes.to.take());
        if let Err(e) = pipes.process.wait() {
            eprintln!("{}: {e}", self.name);
        }
    }
}

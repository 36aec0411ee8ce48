//! `gristmill serve`: functions over HTTP.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gristmill::{Error, Gas, Linker};
use gristmill_ext_grants::{Granted, Grants};
use gristmill_ext_wasi::{Streams, Wasi};
use gristmill_serve::run::{Mill, Programs, Runner};
use gristmill_serve::{Form, Mount, Options, Server, SetupError, faas, signals};
use serde_json::json;

use crate::args::{self, EngineArgs, ProfileArg, WithoutArgs};
use crate::grants::GrantArgs;
use crate::output::{Answer, Exit, Failure, print_line};
use crate::program::{self, Program, Shared};

/// Serve functions over HTTP
#[derive(Debug, clap::Args)]
#[command(
    mut_arg("tier", |arg| arg.default_value(TIER)),
    after_help = "\
A module that exports `_start` is a program, run for each request as the Common Gateway Interface has it: the request is in its \
environment and on standard input, and what it writes is the answer (`Content-Type: ..`, `Status: ..`, an empty line, the body; \
without them plain text). Of other modules POST calls functions behind the route, which take bytes and return bytes \
(wasmedge-bindgen, wasm-bindgen). --faas takes uploads, too. Every request has an instance of its own, and the limits. \
SIGTERM or SIGINT: requests that were begun are answered, and the server ends. A line for each request goes to standard error.

Examples:
  gristmill serve hello.wasm
  gristmill serve /=site.wasm /thumbnail=thumbnail.wasm --dir ./public::/:ro --gas 1_000_000_000 --timeout 2s
  gristmill serve --faas --addr 0.0.0.0:8080 --upload-key key.txt --metrics 127.0.0.1:9100"
)]
pub struct Args {
    /// Modules, binary or text, each with a route in front of it (`/` without): a segment or more, for all paths below
    #[arg(value_name = "[ROUTE=]FILE", required_unless_present = "faas")]
    modules: Vec<String>,
    /// Take uploads and run their functions, behind the routes of SSVM's service (`/api/executables`, `/api/run`, ..)
    #[arg(long)]
    faas: bool,
    /// File with a key that whoever uploads must show
    #[arg(long, value_name = "FILE", requires = "faas")]
    upload_key: Option<PathBuf>,
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    addr: SocketAddr,
    /// Where to tell figures for Prometheus, at `/metrics`; nowhere without
    #[arg(long, value_name = "ADDRESS:PORT")]
    metrics: Option<SocketAddr>,
    /// Functions that run at once; as many as there are processors without
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024), value_name = "NUMBER")]
    workers: Option<u16>,
    /// Requests that wait for a worker; beyond them the answer is 503. 16 for each worker without
    #[arg(long, value_name = "NUMBER")]
    queue: Option<u16>,
    /// Gas that a request may spend; unlimited without
    #[arg(long, alias = "gas-limit", value_parser = args::gas)]
    gas: Option<Gas>,
    /// The longest body of a request: a number of bytes, or KiB, MiB
    #[arg(long, default_value = "4MiB", value_parser = size, value_name = "SIZE")]
    max_body: usize,
    /// How long a client may take for the head of a request, for its body, for a piece of the answer
    #[arg(long, default_value = "10s", value_parser = args::duration, value_name = "TIME")]
    client_timeout: Duration,
    /// How long requests may take to end when the server ends
    #[arg(long, default_value = "30s", value_parser = args::duration, value_name = "TIME")]
    grace: Duration,
    /// Do not log requests
    #[arg(long)]
    quiet: bool,
    /// Which modules are accepted, under which limits
    #[arg(long, value_enum, default_value = "general", value_name = "NAME")]
    profile: ProfileArg,
    #[command(flatten)]
    without: WithoutArgs,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    grants: GrantArgs,
}

/// What is served is compiled where there is a compiler: it is loaded once and run often.
const TIER: &str = if cfg!(all(target_arch = "x86_64", target_os = "linux")) { "aot" } else { "interp" };

/// What a request may take when nobody says: milliseconds, and pages of memory (128 MiB).
const MILLISECONDS: u64 = 10_000;
const PAGES: u32 = 2_048;

fn size(text: &str) -> Result<usize, String> {
    let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("", 1)];
    let size =
        units.iter().find_map(|(unit, size)| text.strip_suffix(unit)?.trim().parse::<usize>().ok()?.checked_mul(*size));
    size.filter(|size| *size <= 1 << 30).ok_or_else(|| "a number of bytes, or of KiB or MiB, up to 1 GiB".into())
}

impl Args {
    fn grants(&self) -> Result<Grants, Failure> {
        let mut grants = self.grants.grants()?;
        let limits = &mut grants.limits;
        limits.gas = self.gas.map(|gas| gas.0).or(limits.gas);
        limits.milliseconds = limits.milliseconds.or(Some(MILLISECONDS));
        limits.pages = self.engine.tier.most_memory().map(|pages| pages.0).or(limits.pages).or(Some(PAGES));
        Ok(grants)
    }

    fn options(&self, as_json: bool) -> Result<Options, Failure> {
        let key = |path: &PathBuf| {
            let text = String::from_utf8(args::read_file(path)?).unwrap_or_default();
            match text.trim() {
                "" => Err(Failure::refused("no key").at(path.display())),
                key => Ok(key.to_string()),
            }
        };
        let upload_key = self.upload_key.as_ref().map(key).transpose()?;
        if self.faas && upload_key.is_none() && !self.addr.ip().is_loopback() {
            return Err(Failure::usage(
                "beyond loopback, --faas takes an --upload-key: whoever uploads runs programs here",
            ));
        }
        let default = Options::default();
        let workers = self.workers.map_or(default.workers, usize::from);
        Ok(Options {
            address: self.addr,
            metrics: self.metrics,
            workers,
            queue: self.queue.map_or(16 * workers, usize::from),
            body: self.max_body,
            client: self.client_timeout,
            grace: self.grace,
            log: if self.quiet {
                Form::Off
            } else if as_json {
                Form::Json
            } else {
                Form::Text
            },
            faas: self.faas.then(|| faas::Options { upload_key, ..faas::Options::default() }),
            ..default
        })
    }
}

/// Programs with all extensions.
struct All(Shared);

impl Programs for All {
    type Program = Program;

    fn link(&self, linker: &mut Linker<Program>) -> Result<(), Error> {
        program::link(linker)
    }

    fn program(&self, granted: Arc<Granted>, name: &str, streams: Streams) -> Result<Program, String> {
        Program::of(granted, name, streams, &self.0).map_err(|failure| failure.message)
    }

    fn wasi<'p>(&self, program: &'p Program) -> &'p Wasi {
        &program.wasi
    }
}

/// Runs the command.
///
/// # Errors
/// A module is refused, or cannot be served; somebody else listens at the address.
pub fn run(args: &Args, as_json: bool) -> Result<Answer, Failure> {
    let (grants, options) = (args.grants()?, args.options(as_json)?);
    let engine = args.engine.engine(args.without.of(args.profile))?;
    let shared = args.grants.shared(&grants)?;
    let runner = Mill::new(&engine, All(shared), |refused| eprintln!("{refused}"))?;
    let mut mounts = Vec::new();
    for text in &args.modules {
        let (route, file) = match text.split_once('=') {
            Some((route, file)) if route.starts_with('/') => (route, file),
            _ => ("/", text.as_str()),
        };
        let file = Path::new(file);
        let bytes = args::read_module(file)?;
        if !grants.fits(&bytes) {
            return Err(Failure::refused("the manifest is for another module").at(file.display()));
        }
        let module = runner.load(&bytes).map_err(|failed| Failure::refused(failed.message()).at(file.display()))?;
        mounts.push(Mount { route: route.into(), name: program::name(file), module });
    }
    let server = Server::bind(options, grants, mounts, Arc::new(runner)).map_err(|error| match error {
        SetupError::Site(what) => Failure::refused(what),
        system => Failure::host(system.to_string()),
    })?;
    let (address, metrics) = (server.address(), server.metrics());
    let listening = match as_json {
        true => json!({ "listening": address.to_string(), "metrics": metrics.map(|it| it.to_string()) }).to_string(),
        false => format!(
            "listening on http://{address}{}",
            metrics.map_or(String::new(), |it| format!(", figures on http://{it}/metrics"))
        ),
    };
    // Nobody reads it: requests come all the same.
    let _ = print_line(&listening);
    let drained = server.run(signals()).map_err(|error| Failure::host(error.to_string()))?;
    match drained.cut {
        0 => Ok(Answer { exit: Exit::Good, text: String::new(), json: json!({ "cut": 0 }) }),
        cut => Err(Failure::host(format!("{cut} requests were cut off")).with("cut", cut)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        assert_eq!((size("7"), size("2KiB"), size("3 MiB")), (Ok(7), Ok(2 << 10), Ok(3 << 20)));
        assert!(size("").is_err() && size("-1").is_err() && size("2GiB").is_err() && size("1025MiB").is_err());
    }
}

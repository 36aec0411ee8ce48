//! A server on loopback, a client, and guests.
#![allow(dead_code)] // each test file uses its own part

pub mod guests;

use gristmill::{Config, Engine, Error, Linker};
use gristmill_aot::{Aot, Options as Compile};
use gristmill_ext_grants::{Granted, Grants};
use gristmill_ext_wasi::{Streams, Wasi};
use gristmill_serve::run::{Mill, Programs, Runner};
use gristmill_serve::{Drained, Form, Mount, Options, Server};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use ureq::http::Response;
use ureq::{Agent, Body};

/// Programs that have WASI, and nothing else.
struct Only;

impl Programs for Only {
    type Program = Wasi;

    fn link(&self, linker: &mut Linker<Wasi>) -> Result<(), Error> {
        gristmill_ext_wasi::add_to_linker(linker, |wasi| wasi)
    }

    fn program(&self, granted: Arc<Granted>, name: &str, streams: Streams) -> Result<Wasi, String> {
        Wasi::new(granted, name, streams).map_err(|error| error.to_string())
    }

    fn wasi<'p>(&self, program: &'p Wasi) -> &'p Wasi {
        program
    }
}

/// A server that runs until this is dropped.
pub struct Running {
    pub address: SocketAddr,
    pub metrics: SocketAddr,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<Drained>>,
}

impl Running {
    /// Tells the server to end.
    pub fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Tells the server to end, and waits for it.
    pub fn ended(mut self) -> Drained {
        self.stop();
        self.thread.take().expect("it ends once").join().expect("the server does not panic")
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn get(&self, path: &str) -> Answer {
        Answer::of(agent().get(self.url(path)).call())
    }

    pub fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        self.send("POST", path, &[], body)
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.as_ref().to_vec()).expect("a request");
        let request = agent().configure_request(request).allow_non_standard_methods(true).build();
        Answer::of(agent().run(request))
    }

    /// Asks in another thread; its status comes back.
    pub fn ask(&self, method: &'static str, path: &str) -> Receiver<u16> {
        let url = self.url(path);
        aside(move || {
            let request = ureq::http::Request::builder().method(method).uri(url).body("").expect("a request");
            Answer::of(agent().run(request)).status
        })
    }

    /// Waits until a figure is at least this.
    pub fn wait_for(&self, line: &str, least: f64) {
        while self.figure(line) < least {
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Figures whose lines begin so, added up.
    pub fn figure(&self, line: &str) -> f64 {
        let text = Answer::of(agent().get(format!("http://{}/metrics", self.metrics)).call()).text();
        let values = text.lines().filter(|it| it.starts_with(line)).filter_map(|it| it.rsplit(' ').next());
        values.map(|value| value.parse::<f64>().expect("a figure")).sum()
    }

    /// Sends these very bytes, and returns all that comes back until the server closes.
    pub fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time is set");
        // The server may have closed already.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).max_redirects(0).proxy(None).build().into()
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    fn of(answer: Result<Response<Body>, ureq::Error>) -> Self {
        let (parts, mut body) = answer.expect("an answer").into_parts();
        let body = body.with_config().limit(64 << 20).read_to_vec().expect("a body");
        Self { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("text")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// The word for what failed.
    #[track_caller]
    pub fn failed(&self, status: u16, kind: &str) {
        assert_eq!((self.status, self.json()["error"]["kind"].as_str()), (status, Some(kind)), "{}", self.text());
    }
}

/// A small server: two workers, a queue of two.
pub fn options() -> Options {
    Options {
        address: "127.0.0.1:0".parse().expect("an address"),
        metrics: Some("127.0.0.1:0".parse().expect("an address")),
        workers: 2,
        queue: 2,
        body: 64 << 10,
        grace: Duration::from_secs(60),
        log: Form::Off,
        ..Options::default()
    }
}

/// Grants of a run that ends after 30 seconds, in 64 pages.
pub fn grants() -> Grants {
    let mut grants = Grants { clock: gristmill_ext_grants::Clock::Real, ..Grants::default() };
    grants.limits.milliseconds = Some(30_000);
    grants.limits.pages = Some(64);
    grants
}

pub fn try_serve(mounts: &[(&str, &str)], grants: Grants, options: Options) -> Result<Running, String> {
    try_serve_by(mill(&Engine::default()), mounts, grants, options)
}

/// The interpreter, and machine code.
pub fn engines() -> [(&'static str, Engine); 2] {
    let aot = Aot::new(Compile::default()).expect("a compiler for this machine");
    let compiled = Engine::with_compiler(&Config::new(), Arc::new(aot)).expect("an engine");
    [("interpreter", Engine::default()), ("machine code", compiled)]
}

pub fn mill(engine: &Engine) -> Arc<dyn Runner> {
    Arc::new(Mill::new(engine, Only, |_| {}).expect("no name is there twice"))
}

pub fn try_serve_by(
    runner: Arc<dyn Runner>,
    mounts: &[(&str, &str)],
    grants: Grants,
    options: Options,
) -> Result<Running, String> {
    let mounts = mounts.iter().map(|(route, text)| {
        let bytes = wat::parse_str(text).unwrap_or_else(|e| panic!("{e}"));
        let module = runner.load(&bytes).map_err(|failed| failed.message())?;
        Ok(Mount { route: route.to_string(), name: "guest.wasm".into(), module })
    });
    let mounts = mounts.collect::<Result<_, String>>()?;
    let server = Server::bind(options, grants, mounts, runner).map_err(|error| error.to_string())?;
    let (address, metrics) = (server.address(), server.metrics().expect("figures are asked for"));
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let run = move || server.run(async { drop(stopped.await) }).expect("the system gives threads");
    Ok(Running { address, metrics, stop: Some(stop), thread: Some(thread::spawn(run)) })
}

pub fn serve(mounts: &[(&str, &str)]) -> Running {
    try_serve(mounts, grants(), options()).unwrap_or_else(|e| panic!("{e}"))
}

/// Does it in another thread.
pub fn aside<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let (done, result) = channel();
    thread::spawn(move || done.send(what()));
    result
}

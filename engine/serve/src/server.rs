//! The server: connections, their limits, and how it ends.

use crate::body::Bounds;
use crate::faas::{self, Faas};
use crate::log::{Form, Log};
use crate::metrics::{self, Metrics};
use crate::pool::Pool;
use crate::run::Runner;
use crate::site::{Mount, Site};
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use gristmill_ext_grants::Grants;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;

/// How a server serves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it tells its figures, at `/metrics`.
    pub metrics: Option<SocketAddr>,
    /// Functions that run at once.
    pub workers: usize,
    /// Requests that wait for a worker.
    pub queue: usize,
    /// Bytes of a request's body.
    pub body: usize,
    /// How long a client may take for the head of a request, for its body, and for reading a piece of the answer. A connection on
    /// which nothing happens for so long is closed.
    pub client: Duration,
    /// How long requests may take to end when the server ends.
    pub grace: Duration,
    /// Connections at once.
    pub connections: usize,
    /// How requests are logged.
    pub log: Form,
    /// The service that takes uploads.
    pub faas: Option<faas::Options>,
}

impl Default for Options {
    fn default() -> Self {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8080)),
            metrics: None,
            workers,
            queue: 16 * workers,
            body: 4 << 20,
            client: Duration::from_secs(10),
            grace: Duration::from_secs(30),
            connections: 1_024,
            log: Form::default(),
            faas: None,
        }
    }
}

/// Bytes of the head of a request. It has at most 100 fields: what hyper has room for without asking for memory.
const HEAD: usize = 64 << 10;

/// Threads that talk to clients. They only carry bytes.
const CARRIERS: usize = 4;

/// Why there is no server.
#[derive(Debug)]
pub enum SetupError {
    /// It cannot listen there, or the system gives no thread.
    System(String, io::Error),
    /// What is to be served cannot be.
    Site(String),
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetupError::System(what, error) => write!(f, "{what}: {error}"),
            SetupError::Site(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for SetupError {}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Requests that were cut off, because they took longer than they were given.
    pub cut: u64,
}

/// A server that listens.
pub struct Server {
    site: Arc<Site>,
    listener: StdListener,
    metrics: Option<StdListener>,
    options: Options,
}

impl Server {
    /// Listens. Requests are answered once it [runs](Server::run).
    ///
    /// # Errors
    /// Somebody else listens there; a route is none or there twice, a module has nothing to serve.
    pub fn bind(
        options: Options,
        grants: Grants,
        mounts: Vec<Mount>,
        runner: Arc<dyn Runner>,
    ) -> Result<Self, SetupError> {
        let listen = |address: SocketAddr| {
            let listener = StdListener::bind(address)?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        };
        let cannot = |address: SocketAddr| move |error| SetupError::System(address.to_string(), error);
        let listener = listen(options.address).map_err(cannot(options.address))?;
        let metrics = options.metrics.map(|address| listen(address).map_err(cannot(address))).transpose()?;
        let address = listener.local_addr().map_err(cannot(options.address))?;
        let thread = |error| SetupError::System("threads".into(), error);
        let limit = grants.limits.milliseconds.map_or(Duration::MAX, Duration::from_millis);
        let pool = Pool::new(options.workers, options.queue, limit).map_err(thread)?;
        let log = Log::new(options.log).map_err(thread)?;
        // As many bodies as there are places for requests: one that is read for a place that is taken is dropped again.
        let bounds = Bounds::new(options.body, options.workers + options.queue, options.client);
        let faas = options.faas.clone().map(|faas| Faas::new(faas, &grants, options.client));
        let site = Site::new(runner, grants, mounts, faas, (pool, bounds), log, address).map_err(SetupError::Site)?;
        Ok(Self { site: Arc::new(site), listener, metrics, options })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.site.address
    }

    /// Where it tells its figures.
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Serves until `stop` is done, then takes no more connections, and waits for requests that were begun.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn run(self, stop: impl Future<Output = ()>) -> io::Result<Drained> {
        let carriers = std::thread::available_parallelism().map_or(1, usize::from).min(CARRIERS);
        let runtime = Builder::new_multi_thread().worker_threads(carriers).enable_all().build()?;
        let drained = runtime.block_on(self.serve(stop));
        // Requests that were not answered in time are dropped, and what runs for them is ended.
        runtime.shutdown_background();
        drained
    }

    async fn serve(self, stop: impl Future<Output = ()>) -> io::Result<Drained> {
        let Self { site, listener, metrics, options } = self;
        let doors = |connections, figures| Doors {
            patience: options.client,
            room: Arc::new(Semaphore::new(connections)),
            figures,
        };
        let graceful = GracefulShutdown::new();
        if let Some(listener) = metrics {
            let listener = TcpListener::from_std(listener)?;
            let (site, doors) = (site.clone(), doors(FIGURES, None));
            let answer = move |_, request| {
                let site = site.clone();
                async move { figures(&site.metrics, &request) }
            };
            tokio::spawn(async move { doors.accept(&listener, &GracefulShutdown::new(), answer).await });
        }
        let listener = TcpListener::from_std(listener)?;
        let (served, router) = (site.clone(), site.router());
        let answer = move |client, request: Request<Incoming>| {
            let (site, router) = (served.clone(), router.clone());
            async move { site.answer(router, client, request.map(Body::new)).await }
        };
        let doors = doors(options.connections, Some(site.clone()));
        tokio::select! {
            () = doors.accept(&listener, &graceful, answer) => {}
            () = stop => {}
        }
        drop(listener);
        let drained = timeout(options.grace, graceful.shutdown()).await;
        let cut = if drained.is_ok() { 0 } else { site.metrics.in_flight.get() };
        Ok(Drained { cut: u64::try_from(cut).unwrap_or(0) })
    }
}

/// Where clients come in.
struct Doors {
    patience: Duration,
    room: Arc<Semaphore>,
    /// Where they are counted.
    figures: Option<Arc<Site>>,
}

/// Connections of those who want figures.
const FIGURES: usize = 16;

/// What somebody is told for whom there is no room.
const NO_ROOM: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

impl Doors {
    async fn accept<A, F>(&self, listener: &TcpListener, graceful: &GracefulShutdown, answer: A)
    where
        A: Fn(SocketAddr, Request<Incoming>) -> F + Clone + Send + 'static,
        F: Future<Output = Response<Body>> + Send,
    {
        loop {
            let Ok((stream, client)) = listener.accept().await else {
                // The client has gone, or there are no descriptors: some come back.
                sleep(Duration::from_millis(10)).await;
                continue;
            };
            let Ok(room) = self.room.clone().try_acquire_owned() else {
                if let Some(site) = &self.figures {
                    site.metrics.rejected("connection");
                }
                // As far as it goes without waiting.
                let _ = stream.try_write(NO_ROOM);
                continue;
            };
            let answer = answer.clone();
            let service = service_fn(move |request| {
                let answer = answer.clone();
                async move { Ok::<_, Infallible>(answer(client, request).await) }
            });
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(self.patience).max_buf_size(HEAD).max_header_size(HEAD);
            let connection = http.serve_connection(TokioIo::new(Box::pin(self.timed(stream))), service);
            let connection = graceful.watch(connection);
            let open = self.figures.as_ref().map(|site| site.metrics.connections.clone());
            if let Some(open) = &open {
                open.inc();
            }
            tokio::spawn(async move {
                // What goes wrong with a connection is its client's business.
                let _ = connection.await;
                if let Some(open) = open {
                    open.dec();
                }
                drop(room);
            });
        }
    }

    /// A stream whose reader must go on reading. How long a client may take to write is seen to where it writes.
    fn timed(&self, stream: TcpStream) -> TimeoutStream<TcpStream> {
        // Without it answers wait for a full packet; that they do is no reason to refuse the client.
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.patience));
        stream
    }
}

fn figures(metrics: &Metrics, request: &Request<Incoming>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    match metrics.text() {
        Ok(text) if request.uri().path() == "/metrics" => {
            response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(metrics::TYPE));
            *response.body_mut() = Body::from(text);
        }
        Ok(_) => *response.status_mut() = StatusCode::NOT_FOUND,
        Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    response
}

/// Done when the process is told to end: SIGTERM, or SIGINT.
pub async fn signals() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        // Without handlers the signals end the process as they always do.
        return std::future::pending().await;
    };
    let (terminate, interrupt) = (pin!(terminate.recv()), pin!(interrupt.recv()));
    tokio::select! {
        _ = terminate => {}
        _ = interrupt => {}
    }
}

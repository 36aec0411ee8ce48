//! What is served: modules behind routes, and what becomes of a request.

use crate::body::{Bounds, Received};
use crate::call::{Convention, Returned, is_callable};
use crate::cgi::{self, PLAIN, Place};
use crate::end::{End, EndOnDrop};
use crate::faas::Faas;
use crate::failed::Failed;
use crate::log::{Entry as Line, Log};
use crate::metrics::Metrics;
use crate::pool::Pool;
use crate::run::{Entry, Ran, Runner, Task};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gristmill::{ExternType, Module};
use gristmill_ext_grants::{Grants, Input, Output};
use percent_encoding::percent_decode_str;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use tower_service::Service;

/// A module and where it is served.
#[derive(Clone, Debug)]
pub struct Mount {
    /// The beginning of the paths that are its: `/`, or segments as in `/api/thumbnail`.
    pub route: String,
    /// What the program is called.
    pub name: String,
    /// The module.
    pub module: Module,
}

/// How a module answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It is a program (`_start`), run for each request: the Common Gateway Interface.
    Program,
    /// Its functions take bytes and return bytes: POST to their names behind the route.
    Functions,
}

#[derive(Debug)]
struct Served {
    mount: Mount,
    /// The route without a slash at its end.
    script: String,
    way: Way,
}

/// Everything that a request needs.
pub struct Site {
    pub(crate) runner: Arc<dyn Runner>,
    pub(crate) grants: Grants,
    pub(crate) pool: Pool,
    pub(crate) bounds: Bounds,
    pub(crate) faas: Option<Faas>,
    pub(crate) metrics: Metrics,
    pub(crate) log: Log,
    pub(crate) address: SocketAddr,
    /// Longer routes first.
    served: Vec<Served>,
}

/// Whom a request is from.
#[derive(Clone, Copy, Debug)]
pub struct Client(pub SocketAddr);

/// What the log and the figures are told of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub route: String,
    pub gas: u64,
}

/// Segments of letters that stand for themselves, so that a route can be compared with a decoded path.
fn is_route(route: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
    let segment = |segment: &str| !segment.is_empty() && !segment.starts_with('.') && segment.chars().all(fits);
    route == "/" || route.strip_prefix('/').is_some_and(|rest| rest.split('/').all(segment))
}

impl Site {
    /// A site of these parts.
    ///
    /// # Errors
    /// A route is none, is there twice, or its module has nothing to serve.
    pub(crate) fn new(
        runner: Arc<dyn Runner>,
        mut grants: Grants,
        mounts: Vec<Mount>,
        faas: Option<Faas>,
        (pool, bounds): (Pool, Bounds),
        log: Log,
        address: SocketAddr,
    ) -> Result<Self, String> {
        grants.stdio.stdin = Input::Given;
        grants.stdio.stdout = Output::Capture;
        let mut served = Vec::new();
        for mount in mounts {
            let (route, name) = (&mount.route, &mount.name);
            if !is_route(route) || faas.is_some() && (route == "/api" || route.starts_with("/api/")) {
                return Err(format!("`{route}` cannot be a route"));
            }
            let starts = matches!(mount.module.get_export("_start"), Some(ExternType::Func(_)));
            let way = match (starts, Convention::of(&mount.module)) {
                (true, _) => Way::Program,
                (false, Some(_)) => Way::Functions,
                (false, None) => {
                    return Err(format!(
                        "{name}: neither a program (`_start`) nor functions of bytes (`memory` and `allocate` or `__wbindgen_malloc`)"
                    ));
                }
            };
            served.push(Served { script: route.trim_end_matches('/').to_string(), way, mount });
        }
        served.sort_by_key(|it| std::cmp::Reverse(it.script.len()));
        for (i, one) in served.iter().enumerate() {
            if served[..i].iter().any(|other| other.script == one.script) {
                return Err(format!("two modules are at `{}`", one.mount.route));
            }
        }
        let metrics = Metrics::default();
        Ok(Self { runner, grants, pool, bounds, faas, metrics, log, address, served })
    }

    /// What answers requests.
    pub(crate) fn router(self: &Arc<Self>) -> Router {
        let routes = if self.faas.is_some() { crate::faas::routes() } else { Router::new() };
        routes.fallback(mounted).with_state(self.clone())
    }

    /// Answers a request, counts it and logs it.
    pub(crate) async fn answer(&self, router: Router, client: SocketAddr, mut request: Request<Body>) -> Response {
        let mut record = Record::new(self, client, &request);
        request.extensions_mut().insert(Client(client));
        let response = match path(request.uri().path()) {
            Err(failed) => failed.into_response(),
            // A router is always ready, and never fails.
            Ok(_) => match { router }.call(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            },
        };
        record.answered(&response);
        response
    }

    /// Runs a module on a worker. What the request holds is held until the run is over; a run for which nobody waits any more, because
    /// the client has gone or the server has ended, is ended.
    pub(crate) async fn run(&self, module: &Module, task: Task, held: Received) -> Ran {
        let (runner, module, abandoned) = (self.runner.clone(), module.clone(), self.metrics.abandoned.clone());
        let end = End::default();
        let _waits = EndOnDrop(end.clone());
        let ran = self.pool.run(move || {
            let ran = runner.run(&module, task, &end);
            drop(held);
            if end.is_wanted() && ran.outcome == Err(Failed::TimedOut) {
                abandoned.inc();
            }
            ran
        });
        ran.await.unwrap_or_else(|failed| Ran { outcome: Err(failed), gas: 0, errors: Vec::new() })
    }

    async fn program(
        &self,
        served: &Served,
        client: SocketAddr,
        request: Request<Body>,
    ) -> (Result<Response, Failed>, u64) {
        let (parts, body) = request.into_parts();
        let received = match self.bounds.receive(body).await {
            Ok(received) => received,
            Err(failed) => return (Err(failed), 0),
        };
        let raw = parts.uri.path();
        let Ok(decoded) = path(raw) else { return (Err(Failed::Bad("the path".into())), 0) };
        let place = Place {
            script: &served.script,
            path_info: &decoded[served.script.len()..],
            raw_path_info: behind(raw, served.script.matches('/').count()),
            client,
            server: self.address,
            length: received.bytes.len(),
        };
        let mut grants = self.grants.clone();
        grants.environment.extend(cgi::variables(&parts, place));
        let task = Task { grants, name: served.mount.name.clone(), input: received.bytes.clone(), entry: Entry::Start };
        let ran = self.run(&served.mount.module, task, received).await;
        let response = ran.outcome.and_then(|returned| match returned {
            Returned::Bytes(output) => cgi::answer(output),
            other => Ok(returned_as_is(other)),
        });
        (response, ran.gas)
    }

    async fn function(&self, served: &Served, request: Request<Body>) -> (Result<Response, Failed>, u64) {
        let (parts, body) = request.into_parts();
        let name = parts.uri.path()[served.script.len()..].strip_prefix('/').unwrap_or_default().to_string();
        let ty = served.mount.module.get_export(&name);
        if !is_callable(&name) || !matches!(ty, Some(ExternType::Func(_))) {
            return (Err(Failed::NotFound("there is no such function here".into())), 0);
        }
        if parts.method != Method::POST {
            return (Err(Failed::Method(Some("POST"))), 0);
        }
        let received = match self.bounds.receive(body).await {
            Ok(received) => received,
            Err(failed) => return (Err(failed), 0),
        };
        let entry = Entry::Function(name, inputs(&parts.headers, &received.bytes));
        let task = Task { grants: self.grants.clone(), name: served.mount.name.clone(), input: Bytes::new(), entry };
        let ran = self.run(&served.mount.module, task, received).await;
        (ran.outcome.map(returned_as_is), ran.gas)
    }
}

/// A request with a body has one input, which may be empty; one without has none.
pub(crate) fn inputs(headers: &HeaderMap, body: &Bytes) -> Vec<Bytes> {
    let has_body = headers.contains_key(header::CONTENT_LENGTH) || headers.contains_key(header::TRANSFER_ENCODING);
    has_body.then(|| body.clone()).into_iter().collect()
}

/// An answer of the type that the function returned.
pub(crate) fn returned_as_is(returned: Returned) -> Response {
    let (ty, body) = match returned {
        Returned::Nothing => return StatusCode::NO_CONTENT.into_response(),
        Returned::Bytes(bytes) => (HeaderValue::from_static("application/octet-stream"), bytes),
        Returned::Text(text) => (PLAIN, text.into_bytes()),
        Returned::Json(value) => (HeaderValue::from_static("application/json"), value.to_string().into_bytes()),
    };
    ([(header::CONTENT_TYPE, ty)], body).into_response()
}

/// Answers what is not the service's.
async fn mounted(
    State(site): State<Arc<Site>>,
    Extension(Client(client)): Extension<Client>,
    request: Request<Body>,
) -> Response {
    let Ok(decoded) = path(request.uri().path()) else { return Failed::Bad("the path".into()).into_response() };
    let under =
        |script: &str| decoded.strip_prefix(script).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let Some(served) = site.served.iter().find(|served| under(&served.script)) else {
        return Failed::NotFound("there is nothing at this path".into()).into_response();
    };
    let (outcome, gas) = match served.way {
        Way::Program => site.program(served, client, request).await,
        Way::Functions => site.function(served, request).await,
    };
    let mut response = outcome.unwrap_or_else(Failed::into_response);
    response.extensions_mut().insert(Told { route: served.mount.route.clone(), gas });
    response
}

/// A path, decoded, in which segments are what they seem.
///
/// # Errors
/// It is none, or has what paths are tricked with: dots as segments, slashes and NULs in disguise.
fn path(raw: &str) -> Result<String, Failed> {
    let bad = |what: &str| Failed::Bad(format!("the path {what}"));
    if !raw.starts_with('/') {
        return Err(bad("does not begin with a slash"));
    }
    for (at, _) in raw.match_indices('%') {
        match raw.get(at + 1..at + 3) {
            Some(digits) if digits.eq_ignore_ascii_case("2f") || digits == "00" => {
                return Err(bad("has an encoded slash or NUL"));
            }
            Some(digits) if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => {}
            _ => return Err(bad("has a % without two digits")),
        }
    }
    let decoded = percent_decode_str(raw).decode_utf8().map_err(|_| bad("is not UTF-8"))?;
    if decoded.split('/').any(|segment| segment == "." || segment == "..") {
        return Err(bad("has a segment of dots"));
    }
    Ok(decoded.into_owned())
}

/// What is behind so many segments.
fn behind(path: &str, segments: usize) -> &str {
    path.match_indices('/').nth(segments).map_or("", |(at, _)| &path[at..])
}

/// A request that is under way. It is told even if its client goes.
struct Record<'a> {
    site: &'a Site,
    client: SocketAddr,
    begun: Instant,
    method: Method,
    path: String,
    is_answered: bool,
}

/// What logs say of clients that did not wait.
const GONE: u16 = 499;

impl<'a> Record<'a> {
    fn new(site: &'a Site, client: SocketAddr, request: &Request<Body>) -> Self {
        site.metrics.in_flight.inc();
        let (method, path) = (request.method().clone(), request.uri().path().to_string());
        Self { site, client, begun: Instant::now(), method, path, is_answered: false }
    }

    fn answered(&mut self, response: &Response) {
        self.is_answered = true;
        let failure = response.extensions().get::<Failed>();
        match failure {
            Some(Failed::Host(what)) => self.site.log.trouble(what),
            Some(Failed::Busy) => self.site.metrics.rejected("request"),
            _ => {}
        }
        let told = response.extensions().get::<Told>();
        let route = told.map_or("none", |told| &told.route);
        self.tell(response.status().as_u16(), failure, route, told.map_or(0, |told| told.gas));
    }

    fn tell(&self, status: u16, failure: Option<&Failed>, route: &str, gas: u64) {
        let time = self.begun.elapsed();
        let metrics = &self.site.metrics;
        metrics.answered(route, status, time.as_secs_f64(), gas);
        let failure = failure.map(Failed::name);
        let failure = failure.as_deref();
        if let Some(failure) = failure {
            metrics.failed(failure);
        }
        let (client, method, path) = (self.client, self.method.as_str(), &*self.path);
        self.site.log.request(&Line { client, method, path, status, failure, time, gas });
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        self.site.metrics.in_flight.dec();
        if !self.is_answered {
            self.tell(GONE, None, "none", 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tricks_with_paths_are_refused() {
        for raw in [
            "",
            "*",
            "a",
            "/..",
            "/a/../b",
            "/a/%2e%2E/b",
            "/./a",
            "/a%2fb",
            "/a%2Fb",
            "/a%00",
            "/%",
            "/%2",
            "/%zz",
            "/%ff",
        ] {
            assert!(path(raw).is_err(), "{raw}");
        }
        for (raw, decoded) in [("/", "/"), ("/a//b/", "/a//b/"), ("/a%20b/...", "/a b/..."), ("/%c3%bc", "/ü")] {
            assert_eq!(path(raw).as_deref(), Ok(decoded));
        }
        assert_eq!((behind("/a/b%20c/d", 1), behind("/a", 1), behind("/a", 0)), ("/b%20c/d", "", "/a"));
    }

    #[test]
    fn routes_are_plain() {
        for route in ["/", "/a", "/a/b-c_d.e"] {
            assert!(is_route(route), "{route}");
        }
        for route in ["", "a", "/a/", "//", "/a b", "/%61", "/..", "/a/../b"] {
            assert!(!is_route(route), "{route}");
        }
    }
}

//! Running functions of executables: where their inputs come from, and where their answers go.

use super::Faas;
use super::outbound::Target;
use super::routes::{ROUTE, uses};
use super::store::{Executable, Line};
use crate::body::Received;
use crate::call::Returned;
use crate::failed::Failed;
use crate::run::{Entry, Task};
use crate::site::{Site, Told, inputs, returned_as_is};
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Request, header};
use axum::response::{IntoResponse, Response};
use gristmill::Module;
use gristmill_ext_grants::{Grants, Output};
use http_body_util::{BodyDataStream, Full};
use multer::Multipart;
use serde_json::Value;
use std::sync::Arc;
use std::time::SystemTime;

const FETCH: &str = "SSVM_Fetch";
const CALLBACK: &str = "SSVM_Callback";

/// Parts that a request may have.
const PARTS: usize = 64;

/// Bytes of standard error that the log keeps of a run.
const ERRORS: usize = 1 << 10;

/// What goes in and out of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Text,
    Bytes,
}

type Named = Path<(u64, String)>;

pub(super) async fn text(site: State<Arc<Site>>, path: Named, request: Request<Body>) -> Response {
    run(site, path, request, Type::Text, false).await
}

pub(super) async fn bytes(site: State<Arc<Site>>, path: Named, request: Request<Body>) -> Response {
    run(site, path, request, Type::Bytes, false).await
}

pub(super) async fn parts_text(site: State<Arc<Site>>, path: Named, request: Request<Body>) -> Response {
    run(site, path, request, Type::Text, true).await
}

pub(super) async fn parts_bytes(site: State<Arc<Site>>, path: Named, request: Request<Body>) -> Response {
    run(site, path, request, Type::Bytes, true).await
}

/// The service: its routes are there only with it.
pub(super) fn service(site: &Site) -> Result<&Faas, Failed> {
    site.faas.as_ref().ok_or_else(|| Failed::NotFound("there is no such service here".into()))
}

async fn run(
    State(site): State<Arc<Site>>,
    Path((id, function)): Named,
    request: Request<Body>,
    ty: Type,
    in_parts: bool,
) -> Response {
    let mut gas = 0;
    let outcome = answered(&site, id, function, request, ty, in_parts, &mut gas).await;
    let mut response = outcome.unwrap_or_else(Failed::into_response);
    response.extensions_mut().insert(Told { route: ROUTE.into(), gas });
    response
}

/// What a run needs to know of its executable.
struct Known {
    module: Module,
    grants: Grants,
    callback: Option<Target>,
}

impl Known {
    /// The base grants, and what the service gives to this one: its state as an argument, its number and the key of its storage as
    /// variables, namespaces that no other executable has.
    fn new(base: &Grants, id: u64, executable: &Executable) -> Self {
        let mut grants = base.clone();
        grants.arguments.push(executable.state.clone());
        grants.environment.insert("wasm_id".into(), id.to_string());
        grants.environment.insert("storage_key".into(), executable.storage.clone());
        grants.stdio.stderr = Output::Capture;
        for storage in &mut grants.storage {
            storage.namespace = format!("{}/{}", executable.storage, storage.namespace);
        }
        Self { module: executable.module.clone(), grants, callback: executable.callback.clone() }
    }
}

async fn answered(
    site: &Arc<Site>,
    id: u64,
    function: String,
    request: Request<Body>,
    ty: Type,
    in_parts: bool,
    gas: &mut u64,
) -> Result<Response, Failed> {
    let faas = service(site)?;
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    let known = faas.store.with(id, |executable| {
        uses(executable, &headers)?;
        Ok(Known::new(&site.grants, id, executable))
    })?;
    let received = site.bounds.receive(body).await?;
    let asked = Asked::of(&headers, &received.bytes)?;
    let callback = asked.callback.unwrap_or(known.callback);
    let inputs = match (asked.fetch, in_parts) {
        (Some(fetch), _) => vec![faas.fetched(fetch, site).await?],
        (None, true) => faas.parts(&headers, &received, site).await?,
        (None, false) => inputs(&headers, &received.bytes),
    };
    if ty == Type::Text && inputs.iter().any(|input| std::str::from_utf8(input).is_err()) {
        return Err(Failed::Bad("an input is not UTF-8; bytes go to the same route with /bytes behind it".into()));
    }
    let entry = Entry::Function(function.clone(), inputs);
    let task = Task { grants: known.grants, name: function.clone(), input: Bytes::new(), entry };
    let ran = site.run(&known.module, task, received).await;
    *gas = ran.gas;
    let errors = String::from_utf8_lossy(&ran.errors[..ran.errors.len().min(ERRORS)]).into_owned();
    let line = Line {
        time: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
        function,
        outcome: ran.outcome.as_ref().map_or_else(|failed| failed.name().into_owned(), |_| "ok".into()),
        gas: ran.gas,
        errors,
    };
    // It may have been taken away in the meantime.
    let _ = faas.store.with(id, |executable| {
        executable.note(line);
        Ok(())
    });
    let returned = typed(ran.outcome?, ty)?;
    let Some(callback) = callback else { return Ok(returned_as_is(returned)) };
    let body = match returned {
        Returned::Nothing => Bytes::new(),
        Returned::Bytes(bytes) => bytes.into(),
        Returned::Text(text) => text.into(),
        Returned::Json(value) => value.to_string().into(),
    };
    let most = site.grants.limits.output();
    let answer = callback.carrying(body).send(&faas.granted, CALLBACK, most, faas.patience).await?;
    Ok(returned_as_is(typed(Returned::Bytes(answer.into()), ty)?))
}

/// What was returned, as text where text is asked for: guests do not say which of their bytes are.
fn typed(returned: Returned, ty: Type) -> Result<Returned, Failed> {
    match (returned, ty) {
        (Returned::Bytes(bytes), Type::Text) => {
            let text = String::from_utf8(bytes);
            text.map(Returned::Text).map_err(|_| Failed::Answer("the function's answer is not UTF-8".into()))
        }
        (Returned::Text(text), Type::Bytes) => Ok(Returned::Bytes(text.into_bytes())),
        (returned, _) => Ok(returned),
    }
}

/// What a request says of others: a header first, then a body of JSON. `Some(None)`: nobody, whatever is stored.
struct Asked {
    fetch: Option<Target>,
    callback: Option<Option<Target>>,
}

impl Asked {
    fn of(headers: &HeaderMap, body: &Bytes) -> Result<Self, Failed> {
        let in_header = |name: &str| {
            let text =
                headers.get(name).map(|value| value.to_str().map_err(|_| Failed::Bad(format!("{name}: no text"))));
            text.transpose()?.map(Target::read).transpose()
        };
        let is_json =
            headers.get(header::CONTENT_TYPE).is_some_and(|ty| ty.as_bytes().starts_with(b"application/json"));
        let object: Option<Value> = is_json.then(|| serde_json::from_slice(body).ok()).flatten();
        let in_body = |name: &str| object.as_ref().and_then(|object| object.get(name)).map(Target::of).transpose();
        let either = |name: &str| Ok::<_, Failed>(in_header(name)?.or(in_body(name)?));
        Ok(Self { fetch: either(FETCH)?.flatten(), callback: either(CALLBACK)? })
    }
}

impl Faas {
    async fn fetched(&self, target: Target, site: &Site) -> Result<Bytes, Failed> {
        target.send(&self.granted, FETCH, site.bounds.most(), self.patience).await
    }

    /// An input for each part, in their order; a part that is called `fetch...` says where one comes from.
    async fn parts(&self, headers: &HeaderMap, received: &Received, site: &Site) -> Result<Vec<Bytes>, Failed> {
        let bad = |error: multer::Error| Failed::Bad(format!("multipart: {error}"));
        let ty = headers.get(header::CONTENT_TYPE).and_then(|ty| ty.to_str().ok()).unwrap_or_default();
        let boundary = multer::parse_boundary(ty).map_err(bad)?;
        let mut parts = Multipart::new(BodyDataStream::new(Full::new(received.bytes.clone())), boundary);
        let (mut inputs, mut room) = (Vec::new(), site.bounds.most());
        while let Some(part) = parts.next_field().await.map_err(bad)? {
            if inputs.len() == PARTS {
                return Err(Failed::Bad(format!("multipart: more than {PARTS} parts")));
            }
            let fetches = part.name().is_some_and(|name| name.starts_with("fetch"));
            let content = part.bytes().await.map_err(bad)?;
            let input = match fetches {
                false => content,
                true => {
                    let text =
                        std::str::from_utf8(&content).map_err(|_| Failed::Bad("a URL that is no text".into()))?;
                    let target = Target::read(text)?.ok_or_else(|| Failed::Bad("a URL that is empty".into()))?;
                    self.fetched(target, site).await?
                }
            };
            // Parts of the body fit; what is fetched counts, too.
            room = room.checked_sub(input.len()).ok_or(Failed::TooLarge(site.bounds.most()))?;
            inputs.push(input);
        }
        Ok(inputs)
    }
}

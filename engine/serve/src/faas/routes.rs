//! The routes, apart from those that run something.

use super::key::Key;
use super::running::{self, service};
use super::store::Executable;
use super::{Faas, outbound::Target};
use crate::failed::Failed;
use crate::site::{Site, Told};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use gristmill::Module;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// What figures call all of these routes.
pub(super) const ROUTE: &str = "/api";

pub(crate) fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/api/executables", post(upload).get(list))
        .route("/api/executables/{id}", get(show).delete(remove))
        .route("/api/update_wasm_binary/{id}", put(update))
        .route("/api/run/{id}/{function}", post(running::text))
        .route("/api/run/{id}/{function}/bytes", post(running::bytes))
        .route("/api/multipart/run/{id}/{function}", post(running::parts_text))
        .route("/api/multipart/run/{id}/{function}/bytes", post(running::parts_bytes))
        .route("/api/state/{id}", put(set_state).get(state))
        .route("/api/callback/{id}", put(set_callback))
        .route("/api/log/{id}", get(log))
        .route("/api/ephemeral_storage", post(add_value))
        .route("/api/ephemeral_storage/{key}", get(value).put(set_value).delete(remove_value))
        .route("/api/keys/{id}/usage_key", put(set_usage_key).delete(remove_usage_key))
        .layer(axum::middleware::map_response(told))
}

/// What is refused before it comes here (the method, a number that is none) is refused in the same words.
async fn told(mut response: Response) -> Response {
    if response.status().is_client_error() && response.extensions().get::<Failed>().is_none() {
        response = match response.status() {
            // The router says which behind this.
            StatusCode::METHOD_NOT_ALLOWED => Failed::Method(None),
            _ => Failed::Bad("the path".into()),
        }
        .into_response();
    }
    if response.extensions().get::<Told>().is_none() {
        response.extensions_mut().insert(Told { route: ROUTE.into(), gas: 0 });
    }
    response
}

type Answer = Result<Response, Failed>;

fn answer(value: Value) -> Answer {
    Ok(Json(value).into_response())
}

fn forbidden(name: &str) -> Failed {
    Failed::Forbidden(format!("this takes the right {name}"))
}

pub(super) const ADMIN: &str = "SSVM_Admin_Key";
pub(super) const USAGE: &str = "SSVM_Usage_Key";

/// Whether somebody may change an executable.
fn administers(executable: &Executable, headers: &HeaderMap) -> Result<(), Failed> {
    if executable.admin.is_shown(headers, ADMIN) { Ok(()) } else { Err(forbidden(ADMIN)) }
}

/// Whether somebody may use it.
pub(super) fn uses(executable: &Executable, headers: &HeaderMap) -> Result<(), Failed> {
    match &executable.usage {
        Some(key) if !key.is_shown(headers, USAGE) => administers(executable, headers).map_err(|_| forbidden(USAGE)),
        _ => Ok(()),
    }
}

fn no_random(error: getrandom::Error) -> Failed {
    Failed::Host(format!("no random bytes: {error}"))
}

/// Compiles a module on a worker, and says what is wrong with it now and not when it is run.
async fn compiled(site: &Arc<Site>, faas: &Faas, body: Body) -> Result<(Module, String, usize), Failed> {
    let received = faas.uploads.receive(body).await?;
    let length = received.bytes.len();
    faas.store.has_room(0, length)?;
    let runner = site.runner.clone();
    let (module, digest) = site
        .pool
        .run(move || Ok::<_, Failed>((runner.load(&received.bytes)?, Sha256::digest(&received.bytes))))
        .await??;
    Ok((module, format!("0x{}", hex::encode(digest)), length))
}

async fn upload(State(site): State<Arc<Site>>, request: Request<Body>) -> Answer {
    let faas = service(&site)?;
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    if faas.upload_key.as_ref().is_some_and(|key| !key.is_shown(&headers, ADMIN)) {
        return Err(forbidden(ADMIN));
    }
    // Pages of other sites can send text to a server on loopback, but not this without asking.
    let ty = headers.get(header::CONTENT_TYPE).and_then(|ty| ty.to_str().ok());
    if !matches!(ty, Some("application/octet-stream" | "application/wasm")) {
        return Err(Failed::Bad("an upload is of type application/octet-stream or application/wasm".into()));
    }
    faas.store.has_room(1, 0)?;
    let wishes_key = headers.get("SSVM_Create_Usage_Key").is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"true"));
    let usage = wishes_key.then(Key::random).transpose().map_err(no_random)?;
    let admin = Key::random().map_err(no_random)?;
    let mut storage = [0; 16];
    getrandom::fill(&mut storage).map_err(no_random)?;
    let description = headers.get("SSVM_Description").map(|text| String::from_utf8_lossy(text.as_bytes()).into_owned());
    let (module, digest, bytes) = compiled(&site, faas, body).await?;
    let executable = Executable::new(
        description.unwrap_or_default(),
        digest.clone(),
        module,
        bytes,
        (usage.clone(), admin.clone()),
        hex::encode(storage),
    );
    let usage = executable.usage_text().to_string();
    let id = faas.store.add(executable)?;
    answer(json!({ "wasm_id": id, "wasm_sha256": digest, USAGE: usage, ADMIN: admin.text() }))
}

async fn list(State(site): State<Arc<Site>>) -> Answer {
    answer(service(&site)?.store.list().into())
}

async fn show(State(site): State<Arc<Site>>, Path(id): Path<u64>) -> Answer {
    answer(service(&site)?.store.with(id, |executable| Ok(executable.told(id)))?)
}

async fn remove(State(site): State<Arc<Site>>, Path(id): Path<u64>, headers: HeaderMap) -> Answer {
    let faas = service(&site)?;
    faas.store.with(id, |executable| administers(executable, &headers))?;
    faas.store.remove(id);
    answer(json!({ "wasm_id": id }))
}

async fn update(State(site): State<Arc<Site>>, Path(id): Path<u64>, request: Request<Body>) -> Answer {
    let faas = service(&site)?;
    let (parts, body) = request.into_parts();
    faas.store.with(id, |executable| administers(executable, &parts.headers))?;
    let (module, digest, bytes) = compiled(&site, faas, body).await?;
    faas.store.replace(id, module, digest.clone(), bytes)?;
    answer(json!({ "wasm_id": id, "wasm_sha256": digest }))
}

/// A small body of text.
async fn small(faas: &Faas, body: Body) -> Result<String, Failed> {
    let bytes = faas.small.receive(body).await?.bytes;
    String::from_utf8(bytes.into()).map_err(|_| Failed::Bad("the body is not UTF-8".into()))
}

async fn set_state(State(site): State<Arc<Site>>, Path(id): Path<u64>, request: Request<Body>) -> Answer {
    let faas = service(&site)?;
    let (parts, body) = request.into_parts();
    faas.store.with(id, |executable| administers(executable, &parts.headers))?;
    let state = small(faas, body).await?;
    if state.contains('\0') {
        return Err(Failed::Bad("an argument has no NUL".into()));
    }
    faas.store.with(id, |executable| {
        executable.state = state;
        Ok(())
    })?;
    answer(json!({ "wasm_id": id }))
}

async fn state(State(site): State<Arc<Site>>, Path(id): Path<u64>, headers: HeaderMap) -> Answer {
    let look = |executable: &mut Executable| {
        uses(executable, &headers)?;
        Ok(executable.state.clone())
    };
    Ok(service(&site)?.store.with(id, look)?.into_response())
}

async fn set_callback(State(site): State<Arc<Site>>, Path(id): Path<u64>, request: Request<Body>) -> Answer {
    let faas = service(&site)?;
    let (parts, body) = request.into_parts();
    faas.store.with(id, |executable| administers(executable, &parts.headers))?;
    let callback = Target::read(&small(faas, body).await?)?;
    faas.store.with(id, |executable| {
        executable.callback = callback;
        Ok(())
    })?;
    answer(json!({ "wasm_id": id }))
}

async fn log(State(site): State<Arc<Site>>, Path(id): Path<u64>, headers: HeaderMap) -> Answer {
    let look = |executable: &mut Executable| {
        administers(executable, &headers)?;
        Ok(executable.log())
    };
    answer(json!(service(&site)?.store.with(id, look)?))
}

async fn set_usage_key(State(site): State<Arc<Site>>, Path(id): Path<u64>, headers: HeaderMap) -> Answer {
    let key = Key::random().map_err(no_random)?;
    let text = key.text().to_string();
    change_usage_key(&site, id, &headers, Some(key))?;
    answer(json!({ "wasm_id": id, USAGE: text }))
}

async fn remove_usage_key(State(site): State<Arc<Site>>, Path(id): Path<u64>, headers: HeaderMap) -> Answer {
    change_usage_key(&site, id, &headers, None)?;
    answer(json!({ "wasm_id": id, USAGE: super::key::NONE }))
}

fn change_usage_key(site: &Site, id: u64, headers: &HeaderMap, key: Option<Key>) -> Result<(), Failed> {
    service(site)?.store.with(id, |executable| {
        administers(executable, headers)?;
        executable.usage = key;
        Ok(())
    })
}

async fn json_value(faas: &Faas, body: Body) -> Result<Value, Failed> {
    let text = small(faas, body).await?;
    serde_json::from_str(&text).map_err(|error| Failed::Bad(format!("the body is no JSON: {error}")))
}

async fn add_value(State(site): State<Arc<Site>>, request: Request<Body>) -> Answer {
    let faas = service(&site)?;
    let value = json_value(faas, request.into_body()).await?;
    let key = Key::random().map_err(no_random)?;
    faas.store.put_value(key.text(), value, false)?;
    answer(json!({ "key": key.text() }))
}

async fn value(State(site): State<Arc<Site>>, Path(key): Path<String>) -> Answer {
    let value = service(&site)?.store.value(&key);
    answer(json!({ "value": value.ok_or_else(|| Failed::NotFound("there is no such key".into()))? }))
}

async fn set_value(State(site): State<Arc<Site>>, Path(key): Path<String>, request: Request<Body>) -> Answer {
    let faas = service(&site)?;
    let value = json_value(faas, request.into_body()).await?;
    faas.store.put_value(&key, value, true)?;
    answer(json!({ "key": key }))
}

async fn remove_value(State(site): State<Arc<Site>>, Path(key): Path<String>) -> Answer {
    match service(&site)?.store.remove_value(&key) {
        true => answer(json!({ "key": key })),
        false => Err(Failed::NotFound("there is no such key".into())),
    }
}

//! Requests to others, for `SSVM_Fetch` and `SSVM_Callback`: to whom the operator granted that a connection may be made, and to
//! nobody else. HTTP only; what they answer is bounded, and where they redirect to nobody goes.

use crate::failed::Failed;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use gristmill_ext_grants::{Act, Granted, NetAct, Protocol};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// A request to somebody else.
#[derive(Clone, Debug)]
pub struct Target {
    method: Method,
    host: String,
    port: u16,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// Fields that belong to this connection, and cannot be asked for.
const OURS: [HeaderName; 4] = [header::HOST, header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING];

impl Target {
    /// A URL to get, or an object of `hostname`, `path`, `method`, `port`, `headers` and `body`; an empty one is none.
    ///
    /// # Errors
    /// [`Failed::Bad`].
    pub fn read(text: &str) -> Result<Option<Self>, Failed> {
        let bad = || Failed::Bad("a target is an http:// URL, or an object with a `hostname`".into());
        if text.trim().is_empty() {
            return Ok(None);
        }
        if text.trim_start().starts_with('{') {
            return Self::of(&serde_json::from_str(text).map_err(|_| bad())?);
        }
        let uri: Uri = text.trim().parse().map_err(|_| bad())?;
        let (Some("http"), Some(host)) = (uri.scheme_str(), uri.host()) else { return Err(bad()) };
        let host = host.trim_matches(['[', ']']).to_string();
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_string();
        let (port, headers) = (uri.port_u16().unwrap_or(80), HeaderMap::new());
        Ok(Some(Self { method: Method::GET, host, port, path, headers, body: Bytes::new() }))
    }

    /// The same from what JSON has: text, or the object.
    ///
    /// # Errors
    /// [`Failed::Bad`].
    pub fn of(value: &Value) -> Result<Option<Self>, Failed> {
        let bad = |what: &str| Failed::Bad(format!("a target's `{what}`"));
        let object = match value {
            Value::Null => return Ok(None),
            Value::String(text) => return Self::read(text),
            Value::Object(object) if object.is_empty() => return Ok(None),
            Value::Object(object) => object,
            _ => return Err(Failed::Bad("a target is a URL or an object".into())),
        };
        let text = |name: &str, default: &str| match object.get(name) {
            None => Ok(default.to_string()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(bad(name)),
        };
        let host = text("hostname", "")?;
        let path = text("path", "/")?;
        let method = text("method", "GET")?.to_ascii_uppercase();
        let method = [Method::GET, Method::POST, Method::PUT].into_iter().find(|known| *known == *method);
        let port = object.get("port").map_or(Some(80), |port| match port {
            Value::String(text) => text.parse().ok(),
            number => number.as_u64().and_then(|port| u16::try_from(port).ok()),
        });
        let body = match object.get("body") {
            None => Bytes::new(),
            Some(Value::String(text)) => text.clone().into(),
            Some(other) => other.to_string().into(),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in object.get("headers").and_then(Value::as_object).into_iter().flatten() {
            let name = HeaderName::try_from(name).map_err(|_| bad("headers"))?;
            let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok());
            if !OURS.contains(&name) {
                headers.append(name, value.ok_or_else(|| bad("headers"))?);
            }
        }
        if host.is_empty() || !path.starts_with('/') || path.parse::<Uri>().is_err() {
            return Err(bad(if host.is_empty() { "hostname" } else { "path" }));
        }
        let (method, port) = (method.ok_or_else(|| bad("method"))?, port.ok_or_else(|| bad("port"))?);
        Ok(Some(Self { method, host, port, path, headers, body }))
    }

    /// The same, with an answer as its body. What only asked gives.
    pub fn carrying(self, body: Bytes) -> Self {
        let method = if self.method == Method::GET { Method::POST } else { self.method };
        Self { method, body, ..self }
    }

    /// Sends it, and returns the body of the answer, `most` bytes at most, after `patience` at most.
    ///
    /// # Errors
    /// [`Failed::Forbidden`] when no grant allows it: nothing is sent then, nor is the name resolved. [`Failed::Elsewhere`] when
    /// the other side does not answer as it should.
    pub async fn send(
        self,
        granted: &Granted,
        function: &'static str,
        most: usize,
        patience: Duration,
    ) -> Result<Bytes, Failed> {
        let elsewhere = |what: &str| Failed::Elsewhere(format!("{function}: {what}"));
        let sent = timeout(patience, self.exchange(granted, function, most));
        sent.await.unwrap_or_else(|_| Err(elsewhere("no answer in time")))
    }

    async fn addresses(&self, granted: &Granted, function: &'static str) -> Result<Vec<SocketAddr>, Failed> {
        let rules = &granted.grants.network;
        let literal = self.host.parse::<IpAddr>().ok();
        let allowed = rules.iter().any(|rule| match literal {
            Some(address) => rule.allows_address(NetAct::Connect, Protocol::Tcp, address, self.port),
            None => rule.allows_name(NetAct::Connect, Protocol::Tcp, &self.host, self.port),
        });
        if !allowed {
            granted.refuse(function, format!("{}:{}", self.host, self.port), Act::Connect);
            return Err(Failed::Forbidden(format!("{function}: this server may not connect there")));
        }
        if let Some(address) = literal {
            return Ok(vec![(address, self.port).into()]);
        }
        let found = lookup_host((&*self.host, self.port)).await;
        Ok(found.map_err(|_| Failed::Elsewhere(format!("{function}: there is no such host")))?.collect())
    }

    async fn exchange(self, granted: &Granted, function: &'static str, most: usize) -> Result<Bytes, Failed> {
        let elsewhere = |what: &str| Failed::Elsewhere(format!("{function}: {what}"));
        let addresses = self.addresses(granted, function).await?;
        let stream = TcpStream::connect(&*addresses).await.map_err(|_| elsewhere("no connection"))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|_| elsewhere("no connection"))?;
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host };
        let mut request = Request::builder().method(self.method).uri(self.path);
        request = request.header(header::HOST, format!("{host}:{}", self.port));
        let mut request =
            request.body(Full::new(self.body)).map_err(|_| Failed::Bad(format!("{function}: a name of a host")))?;
        request.headers_mut().extend(self.headers);
        let answer = async {
            let response = sender.send_request(request).await.map_err(|_| elsewhere("no answer"))?;
            if !response.status().is_success() {
                return Err(elsewhere(&format!("status {}", response.status().as_u16())));
            }
            let body = Limited::new(response.into_body(), most).collect().await;
            Ok(body.map_err(|_| elsewhere("an answer that is too long or broke off"))?.to_bytes())
        };
        // The connection carries the bytes, and ends with the answer.
        tokio::select! {
            biased;
            answer = answer => answer,
            _ = connection => Err(elsewhere("the connection ended")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn targets_that_are_none_are_refused() {
        for text in ["x", "https://a/", "ftp://a/", "http://", "{", "[]", "{\"path\":\"/\"}"] {
            assert!(Target::read(text).is_err(), "{text}");
        }
        for value in [
            json!(1),
            json!({ "hostname": 1 }),
            json!({ "hostname": "a", "path": "b" }),
            json!({ "hostname": "a", "path": "/b c" }),
            json!({ "hostname": "a", "method": "DELETE" }),
            json!({ "hostname": "a", "port": 65536 }),
            json!({ "hostname": "a", "headers": { "x": "a\nb" } }),
        ] {
            assert!(Target::of(&value).is_err(), "{value}");
        }
        assert!(matches!(
            (Target::read(" "), Target::read("{}"), Target::of(&Value::Null)),
            (Ok(None), Ok(None), Ok(None))
        ));
    }

    #[test]
    fn a_target_is_a_url_or_an_object() {
        let target = Target::read("http://[::1]:81/a?b").unwrap().unwrap();
        assert_eq!((&*target.host, target.port, &*target.path, target.method), ("::1", 81, "/a?b", Method::GET));
        let object = json!({ "hostname": "a", "port": "82", "method": "put", "body": { "x": 1 }, "headers": { "Host": "b", "X": "y" } });
        let target = Target::of(&object).unwrap().unwrap();
        assert_eq!((target.port, &target.method, &target.body[..]), (82, &Method::PUT, &b"{\"x\":1}"[..]));
        assert_eq!((target.headers.len(), &target.headers["x"]), (1, &HeaderValue::from_static("y")));
    }
}

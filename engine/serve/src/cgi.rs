//! The Common Gateway Interface, version 1.1 (RFC 3875): a request as variables, an answer from what a program writes.

use crate::failed::Failed;
use axum::body::Body;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// What the variables are made of, beside the request.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The route without a slash at its end: what of the path belongs to the program.
    pub script: &'a str,
    /// What is behind it, decoded.
    pub path_info: &'a str,
    /// The same as it was sent.
    pub raw_path_info: &'a str,
    /// Whom the request is from.
    pub client: SocketAddr,
    /// Where it arrived.
    pub server: SocketAddr,
    /// Bytes of the body.
    pub length: usize,
}

/// Headers that variables never come from: credentials, of which a program has no need to know, and `Proxy`, whose variable
/// libraries take for a setting (httpoxy).
const HIDDEN: [&str; 3] = ["authorization", "proxy-authorization", "proxy"];

/// The meta-variables of a request (section 4.1), and those of Wagi beside them (`X_...`).
pub fn variables(request: &Parts, place: Place<'_>) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    let mut set = |name: &str, value: &str| drop(variables.insert(name.to_string(), value.to_string()));
    let host = request.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let server = place.server.ip().to_string();
    // An address of IPv6 stands in brackets; a port is behind the last colon.
    let name = host.map_or(&*server, |host| match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    });
    let path = request.uri.path();
    let query = request.uri.query().unwrap_or_default();
    let target = request.uri.path_and_query().map_or(path, |target| target.as_str());
    set("GATEWAY_INTERFACE", "CGI/1.1");
    set("REQUEST_METHOD", request.method.as_str());
    set("SCRIPT_NAME", place.script);
    set("PATH_INFO", place.path_info);
    set("QUERY_STRING", query);
    set("REMOTE_ADDR", &place.client.ip().to_string());
    set("REMOTE_HOST", &place.client.ip().to_string());
    set("REMOTE_PORT", &place.client.port().to_string());
    set("REQUEST_URI", target);
    set("SERVER_NAME", name);
    set("SERVER_PORT", &place.server.port().to_string());
    set("SERVER_PROTOCOL", &format!("{:?}", request.version));
    set("SERVER_SOFTWARE", concat!("gristmill/", env!("CARGO_PKG_VERSION")));
    set("X_MATCHED_ROUTE", &format!("{}/...", place.script));
    set("X_RAW_PATH_INFO", place.raw_path_info);
    set("X_FULL_URL", &format!("http://{}{target}", host.unwrap_or(&server)));
    if place.length > 0 {
        set("CONTENT_LENGTH", &place.length.to_string());
    }
    if let Some(ty) = request.headers.get(header::CONTENT_TYPE) {
        set("CONTENT_TYPE", &String::from_utf8_lossy(ty.as_bytes()));
    }
    for name in request.headers.keys() {
        let separate = [header::CONTENT_TYPE, header::CONTENT_LENGTH].contains(name);
        // `X_Y` would be the variable of `X-Y`, which somebody in between may have checked.
        if separate || HIDDEN.contains(&name.as_str()) || name.as_str().contains('_') {
            continue;
        }
        let between = if name == header::COOKIE { "; " } else { ", " };
        let values = request.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        let variable = format!("HTTP_{}", name.as_str().to_ascii_uppercase().replace('-', "_"));
        set(&variable, &values.collect::<Vec<_>>().join(between));
    }
    variables
}

/// The most lines that a program's header may have.
const LINES: usize = 100;

/// Fields of a message's framing and of the connection: the server's own.
const OURS: [HeaderName; 6] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The answer that a program wrote (section 6): fields, an empty line, the body. `Status` is the status, 200 without, or 302 with a
/// `Location`, which goes to the client also when it is a path. Output that does not begin with fields and an empty line is the
/// body, as plain text.
///
/// # Errors
/// [`Failed::Answer`]: a field or the status is none.
pub fn answer(output: Vec<u8>) -> Result<Response<Body>, Failed> {
    let Some((fields, body)) = head(&output) else { return Ok(plain(output)) };
    let bad = |what: &str| Failed::Answer(format!("the program's header: {what}"));
    let mut headers = HeaderMap::new();
    let mut status = None;
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name).map_err(|_| bad("a field's name"))?;
        if name == "status" {
            let code = value.split(|byte| *byte == b' ').next().unwrap_or_default();
            let code = StatusCode::from_bytes(code).ok().filter(|code| !code.is_informational());
            status = Some(code.ok_or_else(|| bad("Status"))?);
        } else if !OURS.contains(&name) {
            let value = HeaderValue::from_bytes(value).map_err(|_| bad(name.as_str()))?;
            headers.append(name, value);
        }
    }
    let redirected = headers.contains_key(header::LOCATION);
    if !redirected && !headers.contains_key(header::CONTENT_TYPE) && body < output.len() {
        headers.insert(header::CONTENT_TYPE, PLAIN);
    }
    let mut output = output;
    output.drain(..body);
    let mut response = Response::new(Body::from(output));
    *response.status_mut() = status.unwrap_or(if redirected { StatusCode::FOUND } else { StatusCode::OK });
    *response.headers_mut() = headers;
    Ok(response)
}

/// What text is that does not say so.
pub const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

fn plain(output: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(output));
    response.headers_mut().insert(header::CONTENT_TYPE, PLAIN);
    response
}

/// Name and value of a header's field.
type Field<'a> = (&'a [u8], &'a [u8]);

/// The fields that the output begins with, and where the body begins; none: it has no header.
fn head(output: &[u8]) -> Option<(Vec<Field<'_>>, usize)> {
    let (mut fields, mut at) = (Vec::new(), 0);
    for _ in 0..=LINES {
        let end = at + output[at..].iter().position(|byte| *byte == b'\n')?;
        let line = output[at..end].strip_suffix(b"\r").unwrap_or(&output[at..end]);
        at = end + 1;
        if line.is_empty() {
            return Some((fields, at));
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.is_empty() || name.iter().any(|byte| byte.is_ascii_whitespace()) {
            return None;
        }
        fields.push((name, value));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn status(output: &str) -> Result<u16, Failed> {
        answer(output.into()).map(|response| response.status().as_u16())
    }

    #[test]
    fn headers_that_are_none_are_refused_or_are_the_body() {
        for output in
            ["Status: 99\n\n", "Status: 100 Continue\n\n", "Status: OK\n\n", "Status:\n\n", "X: \0\n\n", "Ä: b\n\n"]
        {
            assert!(matches!(status(output), Err(Failed::Answer(_))), "{output:?}");
        }
        for output in ["hello", "", "Status: 404", "Status: 404\n", "two words: 1\n\nx", ": a\n\n", "a\n\nb: c\n\n"] {
            let response = answer(output.into()).unwrap();
            assert_eq!((response.status().as_u16(), &response.headers()["content-type"]), (200, &PLAIN), "{output:?}");
        }
        assert_eq!(head("a: b\n".repeat(LINES + 1).as_bytes()), None);
    }

    #[test]
    fn fields_are_the_answers_and_framing_is_not() {
        let output = "Content-Type: image/png\r\nSet-Cookie: a\nset-cookie: b\nTransfer-Encoding: chunked\nContent-Length: 7\n\n\x01";
        let response = answer(output.into()).unwrap();
        let headers = response.headers();
        assert_eq!(headers["content-type"], "image/png");
        assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
        assert_eq!(headers.len(), 3);
        assert_eq!(status("Status: 404 Not Found\n\nx"), Ok(404));
        assert_eq!(status("Location: /there\n\n"), Ok(302));
        assert_eq!(status("Location: /there\nStatus: 308\n\n"), Ok(308));
        assert_eq!(status("\nbody"), Ok(200));
    }

    #[test]
    fn a_request_becomes_variables() {
        let request = Request::builder()
            .uri("/a/b%20c?x=1&y")
            .header("Host", "[::1]:8080")
            .header("Content-Type", "text/plain")
            .header("Accept", "a")
            .header("Accept", "b")
            .header("Cookie", "c=1")
            .header("Cookie", "d=2")
            .header("Authorization", "secret")
            .header("Proxy", "http://evil/")
            .header("X_Real", "spoofed");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let client = "127.0.0.1:5".parse().unwrap();
        let server = "127.0.0.1:80".parse().unwrap();
        let place = Place { script: "/a", path_info: "/b c", raw_path_info: "/b%20c", client, server, length: 3 };
        let variables = variables(&parts, place);
        for (name, value) in [
            ("SCRIPT_NAME", "/a"),
            ("PATH_INFO", "/b c"),
            ("QUERY_STRING", "x=1&y"),
            ("REQUEST_METHOD", "GET"),
            ("SERVER_NAME", "[::1]"),
            ("SERVER_PORT", "80"),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("REMOTE_ADDR", "127.0.0.1"),
            ("CONTENT_LENGTH", "3"),
            ("CONTENT_TYPE", "text/plain"),
            ("HTTP_ACCEPT", "a, b"),
            ("HTTP_COOKIE", "c=1; d=2"),
            ("X_RAW_PATH_INFO", "/b%20c"),
            ("X_FULL_URL", "http://[::1]:8080/a/b%20c?x=1&y"),
        ] {
            assert_eq!(variables.get(name).map(String::as_str), Some(value), "{name}");
        }
        for name in ["HTTP_AUTHORIZATION", "HTTP_PROXY", "HTTP_X_REAL", "HTTP_CONTENT_TYPE"] {
            assert!(!variables.contains_key(name), "{name}");
        }
    }
}

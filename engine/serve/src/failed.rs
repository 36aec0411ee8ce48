//! Why a request is not answered as it wishes, as a status and in JSON.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gristmill::error::Fault;
use gristmill::{Error, Halt, Trap};
use serde_json::json;
use std::borrow::Cow;

/// Why there is no answer, or none that the function gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failed {
    /// The request makes no sense.
    Bad(String),
    /// A key is missing or wrong, or the operator has not granted it.
    Forbidden(String),
    /// There is no such route, executable or function.
    NotFound(String),
    /// The route is there, for other methods: these, or what the router says.
    Method(Option<&'static str>),
    /// The client took too long to send its request.
    SlowClient,
    /// The body is longer than this many bytes.
    TooLarge(usize),
    /// A place for uploads or values is full.
    Full(String),
    /// The module is refused.
    Refused(String),
    /// All workers are busy and the queue is full.
    Busy,
    /// The function trapped.
    Trap(Trap),
    /// The program ended with a code that is not 0.
    Exit(i32),
    /// The function answered with an error of its own.
    Function(String),
    /// The gas for the request is spent.
    OutOfGas,
    /// The time for the request is over.
    TimedOut,
    /// What the function answered is no answer.
    Answer(String),
    /// Whom the function's input or output goes through did not answer.
    Elsewhere(String),
    /// This server is broken; the text is for the operator.
    Host(String),
}

impl Failed {
    /// Its status and its word in JSON, in metrics and in the log.
    pub fn code(&self) -> (StatusCode, &'static str) {
        match self {
            Failed::Bad(_) => (StatusCode::BAD_REQUEST, "bad_request"),
            Failed::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
            Failed::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
            Failed::Method(_) => (StatusCode::METHOD_NOT_ALLOWED, "method"),
            Failed::SlowClient => (StatusCode::REQUEST_TIMEOUT, "slow_client"),
            Failed::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Failed::Full(_) => (StatusCode::INSUFFICIENT_STORAGE, "full"),
            Failed::Refused(_) => (StatusCode::UNPROCESSABLE_ENTITY, "refused"),
            Failed::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Failed::Trap(_) => (StatusCode::INTERNAL_SERVER_ERROR, "trap"),
            Failed::Exit(_) => (StatusCode::INTERNAL_SERVER_ERROR, "exit"),
            Failed::Function(_) => (StatusCode::INTERNAL_SERVER_ERROR, "function"),
            Failed::OutOfGas => (StatusCode::INTERNAL_SERVER_ERROR, "out_of_gas"),
            Failed::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "timeout"),
            Failed::Answer(_) => (StatusCode::BAD_GATEWAY, "answer"),
            Failed::Elsewhere(_) => (StatusCode::BAD_GATEWAY, "elsewhere"),
            Failed::Host(_) => (StatusCode::INTERNAL_SERVER_ERROR, "host"),
        }
    }

    /// Its word in figures and in the log: a trap's own name.
    pub fn name(&self) -> Cow<'static, str> {
        match self {
            Failed::Trap(trap) => format!("{trap:?}").into(),
            other => other.code().1.into(),
        }
    }

    /// What the client is told.
    pub fn message(&self) -> String {
        match self {
            Failed::Bad(what)
            | Failed::Forbidden(what)
            | Failed::NotFound(what)
            | Failed::Full(what)
            | Failed::Refused(what)
            | Failed::Function(what)
            | Failed::Answer(what)
            | Failed::Elsewhere(what) => what.clone(),
            Failed::Method(_) => "this route is for other methods: see Allow".into(),
            Failed::SlowClient => "the request took too long to arrive".into(),
            Failed::TooLarge(limit) => format!("a body has at most {limit} bytes"),
            Failed::Busy => "all workers are busy".into(),
            Failed::Trap(trap) => format!("trap: {trap}"),
            Failed::Exit(code) => format!("the program exited with code {code}"),
            Failed::OutOfGas => "the gas for the request is spent".into(),
            Failed::TimedOut => "the time for the request is over".into(),
            // What is broken here is nobody's business out there.
            Failed::Host(_) => "the server failed".into(),
        }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        match error {
            Error::Trap(Trap::OutOfGas) => Failed::OutOfGas,
            Error::Trap(trap) => Failed::Trap(trap),
            Error::Halt(Halt::TimedOut) => Failed::TimedOut,
            Error::Halt(Halt::Exit(code)) => Failed::Exit(code),
            Error::Halt(halt) => Failed::Answer(format!("the function ended with {halt:?}")),
            Error::ThrownException => Failed::Function("an exception that nothing has caught".into()),
            Error::Load(error) => Failed::Refused(error.to_string()),
            Error::Link(what) => Failed::Refused(what),
            Error::Usage(what) => Failed::Answer(what.into_owned()),
            Error::Fault(Fault::OutOfMemory) => Failed::Busy,
            Error::Fault(fault) => Failed::Host(fault.to_string()),
            Error::Custom(error) => Failed::Host(error.to_string()),
        }
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let (status, kind) = self.code();
        let body = json!({ "error": { "kind": kind, "message": self.message() } });
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        match &self {
            Failed::Busy => drop(headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"))),
            Failed::Method(Some(allowed)) => drop(headers.insert(header::ALLOW, HeaderValue::from_static(allowed))),
            // What is still to come of the request must not be read as the next one.
            Failed::SlowClient | Failed::TooLarge(_) => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response.extensions_mut().insert(self);
        response
    }
}

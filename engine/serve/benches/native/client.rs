//! A client: connections that each ask again when they have their answer.

use axum::body::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::handshake;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::runtime::Builder;

/// What one turn gave.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Microseconds of each request, in order of their length.
    latencies: Vec<f64>,
    seconds: f64,
}

impl Turn {
    /// Requests a second.
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.seconds
    }

    /// Microseconds that so many in a hundred take at most.
    pub fn percentile(&self, hundredths: usize) -> f64 {
        self.latencies[(self.latencies.len() - 1) * hundredths / 100]
    }
}

/// Asks for so long.
pub fn turn(
    address: SocketAddr,
    path: &'static str,
    body: Option<usize>,
    connections: usize,
    length: Duration,
) -> Turn {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let begun = Instant::now();
        let end = begun + length;
        let asking: Vec<_> = (0..connections).map(|_| tokio::spawn(ask(address, path, body, end))).collect();
        let mut latencies = Vec::new();
        for asked in asking {
            latencies.extend(asked.await.expect("a client does not panic"));
        }
        latencies.sort_by(f64::total_cmp);
        Turn { latencies, seconds: begun.elapsed().as_secs_f64() }
    })
}

async fn ask(address: SocketAddr, path: &'static str, body: Option<usize>, end: Instant) -> Vec<f64> {
    let stream = TcpStream::connect(address).await.expect("the server listens");
    stream.set_nodelay(true).expect("a setting of TCP");
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.expect("a connection");
    tokio::spawn(connection);
    let sent = Bytes::from(vec![7; body.unwrap_or(0)]);
    let expected = if body.is_some() { sent.clone() } else { Bytes::from_static(b"hello") };
    let mut latencies = Vec::new();
    while Instant::now() < end {
        let method = if body.is_some() { "POST" } else { "GET" };
        let request = Request::builder().method(method).uri(path).header("host", "bench");
        let request = request.body(Full::new(sent.clone())).expect("a request");
        let begun = Instant::now();
        let answer = sender.send_request(request).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        let answer = answer.into_body().collect().await.expect("a body").to_bytes();
        latencies.push(begun.elapsed().as_secs_f64() * 1e6);
        assert!(answer == expected);
    }
    latencies
}

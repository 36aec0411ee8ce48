//! HTTP: gets a page by the name of its host, and prints it: `HOST PORT PATH`.

use std::io::{Read, Write};
use wasmedge_wasi_socket::TcpStream;

fn main() -> std::io::Result<()> {
    let arguments: Vec<_> = std::env::args().collect();
    let (host, port, path) = (&arguments[1], &arguments[2], &arguments[3]);
    let mut stream = TcpStream::connect(format!("{host}:{port}"))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    let (head, body) = page.split_once("\r\n\r\n").expect("a head and a body");
    println!("{}\n{body}", head.lines().next().unwrap_or_default());
    Ok(())
}

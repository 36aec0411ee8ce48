//! Preview 1 alone: accepts one connection at the listener that it finds as descriptor 3, with what std has, and answers.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::fd::FromRawFd;

fn main() -> std::io::Result<()> {
    // SAFETY: the program is started with a listener there.
    let listener = unsafe { TcpListener::from_raw_fd(3) };
    let (mut stream, _) = listener.accept()?;
    let mut request = String::new();
    stream.read_to_string(&mut request)?;
    write!(stream, "you said: {request}")
}

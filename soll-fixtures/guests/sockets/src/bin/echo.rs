//! TCP: with `serve ADDRESS COUNT` a server that says where it listens and sends back what connections send; with
//! `talk ADDRESS TEXT` a client that prints what comes back.

use std::io::{Read, Write};
use wasmedge_wasi_socket::{Shutdown, TcpListener, TcpStream};

fn main() -> std::io::Result<()> {
    let arguments: Vec<_> = std::env::args().collect();
    match &arguments[1..] {
        [serve, address, count] if serve == "serve" => {
            let listener = TcpListener::bind(address.as_str(), false)?;
            println!("{}", listener.local_addr()?);
            std::io::stdout().flush()?;
            for _ in 0..count.parse().expect("a number") {
                let (mut stream, _) = listener.accept(false)?;
                let mut bytes = [0; 1024];
                loop {
                    match stream.read(&mut bytes)? {
                        0 => break,
                        read => stream.write_all(&bytes[..read])?,
                    }
                }
            }
            Ok(())
        }
        [talk, address, text] if talk == "talk" => {
            let mut stream = TcpStream::connect(address.as_str())?;
            stream.write_all(text.as_bytes())?;
            stream.shutdown(Shutdown::Write)?;
            let mut back = String::new();
            stream.read_to_string(&mut back)?;
            println!("{back}");
            Ok(())
        }
        _ => panic!("serve ADDRESS COUNT, or talk ADDRESS TEXT"),
    }
}

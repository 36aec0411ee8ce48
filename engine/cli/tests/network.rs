//! `gristmill run` and the network: `--allow-net`, `--tcplisten`.

mod common;

use common::{gristmill, root};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// A program of soll-fixtures/guests/sockets.
fn guest(name: &str) -> String {
    root().join("soll-fixtures/guests/sockets").join(name).to_str().unwrap().into()
}

#[test]
fn rules_are_read_and_explained() {
    let get = guest("get.wasm");
    let rules = ["connect:tcp:*.example.com:443", "listen:udp:[::1/128]:8000-8999", "resolve:localhost"];
    let mut args = vec!["run", &get, "--explain"];
    rules.iter().for_each(|rule| args.extend(["--allow-net", rule]));
    let explained = gristmill(&args).exits(0);
    rules.iter().for_each(|rule| assert!(explained.stdout.contains(&format!("uses the network: {rule}\n"))));
    for wrong in ["example.com", "connect:", "bind:*", "connect:host:65536", "listen:10.0.0.0/33"] {
        gristmill(&["run", &get, "--allow-net", wrong]).exits(2).complains("--allow-net");
    }
    gristmill(&["run", &get, "--tcplisten", "8080"]).exits(2).complains("--tcplisten");
}

#[test]
fn a_program_gets_what_it_may_and_the_operator_is_told_of_the_rest() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let echo = guest("echo.wasm");
    let talk = ["--timeout", "60s", "--", "talk", &address.to_string(), "hello"].map(String::from);
    let run = |flags: &[&str]| gristmill(&[&["run", &echo], flags, &talk.each_ref().map(String::as_str)].concat());
    run(&[]).exits(1).complains("refused: sock_open(\"tcp\"); it takes --allow-net connect:HOSTS:PORTS, [[network]]");
    run(&["--allow-net", "connect:127.0.0.2"])
        .exits(1)
        .complains(&format!("refused: sock_connect(\"tcp {address}\"); it takes --allow-net connect:HOSTS:PORTS"));
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err());
    listener.set_nonblocking(false).unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        stream.write_all(text.to_uppercase().as_bytes()).unwrap();
    });
    assert_eq!(run(&["--allow-net", "connect:tcp:127.0.0.0/8"]).exits(0).stdout, "HELLO\n");
    server.join().unwrap();
}

#[test]
fn a_listener_is_open_when_the_program_begins() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let inherited = guest("inherited.wasm");
    gristmill(&["run", &inherited, "--tcplisten", &address]).exits(4).complains(&address);
    drop(taken);
    let client = {
        let address = address.clone();
        thread::spawn(move || {
            let mut stream = loop {
                match TcpStream::connect(&address) {
                    Ok(stream) => break stream,
                    Err(_) => thread::sleep(Duration::from_millis(5)),
                }
            };
            stream.write_all(b"hello").unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        })
    };
    gristmill(&["run", &inherited, "--tcplisten", &address, "--timeout", "60s"]).exits(0);
    assert_eq!(client.join().unwrap(), "you said: hello");
}

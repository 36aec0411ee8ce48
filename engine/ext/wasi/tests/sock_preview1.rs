//! The functions of preview 1 on sockets that the embedder gives.

mod sock_common;

use gristmill::{Error, Halt};
use gristmill_ext_grants::{Grants, Limits};
use gristmill_ext_wasi::Streams;
use gristmill_ext_wasi::errno::Errno;
use sock_common::*;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

/// The first socket's number.
const FD: u32 = 3;

fn given(grants: Grants, sockets: Vec<OwnedFd>) -> Run {
    Run::with(grants, Streams { sockets, ..Streams::default() })
}

/// A guest with a listener, and where that is. It needs no rule: the embedder has opened it.
fn listening(grants: Grants) -> (Run, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    (given(grants, vec![listener.into()]), at)
}

/// A guest with one end of a connection, and the other end.
fn connected(grants: Grants) -> (Run, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (theirs, _) = listener.accept().unwrap();
    (given(grants, vec![theirs.into()]), ours)
}

fn limited(milliseconds: u64) -> Grants {
    Grants { limits: Limits { milliseconds: Some(milliseconds), ..Limits::default() }, ..net(&[]) }
}

#[test]
fn connections_are_accepted_with_both_types_and_echoed() {
    let (mut run, at) = listening(net(&[]));
    for (accept, flags) in [("sock_accept", None), ("sock_accept_v2", Some(0)), ("sock_accept/3", Some(0))] {
        let mut client = TcpStream::connect(at).unwrap();
        let args: Vec<_> = [FD].into_iter().chain(flags).chain([OUT]).collect();
        run.works(accept, &args);
        let fd = run.word(OUT);
        assert_eq!(fd, 4);
        client.write_all(b"hello").unwrap();
        assert_eq!(run.receive(fd, 100), b"hello");
        assert_eq!(run.send(fd, b"echo"), 4);
        let mut bytes = [0; 4];
        client.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"echo");
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(run.receive(fd, 100), b"");
        run.works("fd_close", &[fd]);
        assert_eq!(client.read(&mut bytes).unwrap(), 0);
    }
}

#[test]
fn files_functions_work_on_sockets() {
    let (mut run, mut client) = connected(net(&[]));
    client.write_all(b"one two").unwrap();
    // Into two buffers.
    run.words(IOVS, &[DATA, 4, DATA + 100, 50]);
    run.works("fd_read", &[FD, IOVS, 2, OUT]);
    assert_eq!((run.word(OUT), run.bytes(DATA, 4), run.bytes(DATA + 100, 3)), (7, b"one ".to_vec(), b"two".to_vec()));
    run.words(IOVS, &[DATA + 100, 3, DATA, 4]);
    run.works("fd_write", &[FD, IOVS, 2, OUT]);
    assert_eq!(run.word(OUT), 7);
    let mut bytes = [0; 7];
    client.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"twoone ");
    run.works("fd_fdstat_get", &[FD, OUT]);
    assert_eq!(run.bytes(OUT, 1), [6]);
    run.works("fd_filestat_get", &[FD, OUT]);
    assert_eq!(run.bytes(OUT + 16, 1), [6]);
    let [iovs, n] = run.iovs(b"x");
    run.fails("fd_read", &[FD, iovs, n, SIZE - 3], Errno::Fault);
    run.fails("fd_write", &[FD, SIZE - 7, 1, OUT], Errno::Fault);
    run.fails("fd_sync", &[FD], Errno::Notcapable);
    run.fails("fd_tell", &[FD, OUT], Errno::Spipe);
}

#[test]
fn flags_of_receiving() {
    let (mut run, mut client) = connected(net(&[]));
    client.write_all(b"abcdef").unwrap();
    let [iovs, n] = run.iovs(&[0; 4]);
    run.works("sock_recv", &[FD, iovs, n, 1, OUT, OUT + 4]);
    assert_eq!((run.word(OUT), run.bytes(DATA, 4)), (4, b"abcd".to_vec()));
    assert_eq!(run.receive(FD, 3), b"abc");
    // All of it, however it comes.
    let sender = thread::spawn(move || {
        client.write_all(b"gh").unwrap();
        thread::sleep(Duration::from_millis(30));
        client.write_all(b"ij").unwrap();
        client
    });
    let [iovs, n] = run.iovs(&[0; 7]);
    run.works("sock_recv", &[FD, iovs, n, 2, OUT, OUT + 4]);
    assert_eq!((run.word(OUT), run.bytes(DATA, 7)), (7, b"defghij".to_vec()));
    // As much as there was when the peer has gone.
    let mut client = sender.join().unwrap();
    client.write_all(b"end").unwrap();
    drop(client);
    let [iovs, n] = run.iovs(&[0; 7]);
    run.works("sock_recv", &[FD, iovs, n, 2, OUT, OUT + 4]);
    assert_eq!((run.word(OUT), run.bytes(DATA, 3)), (3, b"end".to_vec()));
    run.fails("sock_recv", &[FD, iovs, n, 4, OUT, OUT + 4], Errno::Inval);
    run.fails("sock_send", &[FD, iovs, n, 1, OUT], Errno::Inval);
}

#[test]
fn datagrams_are_cut_off_and_say_so() {
    let theirs = UdpSocket::bind("127.0.0.1:0").unwrap();
    let ours = UdpSocket::bind("127.0.0.1:0").unwrap();
    ours.connect(theirs.local_addr().unwrap()).unwrap();
    theirs.connect(ours.local_addr().unwrap()).unwrap();
    let mut run = given(net(&[]), vec![theirs.into()]);
    run.works("fd_fdstat_get", &[FD, OUT]);
    assert_eq!(run.bytes(OUT, 1), [5]);
    for (bytes, flags) in [(&b"12345678"[..], 1), (b"1234", 0), (b"", 0)] {
        ours.send(bytes).unwrap();
        let [iovs, n] = run.iovs(&[0; 4]);
        run.works("sock_recv", &[FD, iovs, n, 0, OUT, OUT + 4]);
        assert_eq!((run.word(OUT), run.bytes(OUT + 4, 2)), (bytes.len().min(4) as u32, vec![flags, 0]));
    }
    assert_eq!(run.send(FD, b"back"), 4);
    let mut bytes = [0; 8];
    assert_eq!(ours.recv(&mut bytes).unwrap(), 4);
}

#[test]
fn shutting_down() {
    let (mut run, mut client) = connected(net(&[]));
    run.fails("sock_shutdown", &[FD, 0], Errno::Inval);
    run.fails("sock_shutdown", &[FD, 4], Errno::Inval);
    run.works("sock_shutdown", &[FD, 2]);
    assert_eq!(client.read(&mut [0; 4]).unwrap(), 0);
    let [iovs, n] = run.iovs(b"x");
    // No signal ends us.
    run.fails("sock_send", &[FD, iovs, n, 0, OUT], Errno::Pipe);
    client.write_all(b"last").unwrap();
    assert_eq!(run.receive(FD, 9), b"last");
    run.works("sock_shutdown", &[FD, 1]);
    assert_eq!(run.receive(FD, 9), b"");
    let (mut run, _) = listening(net(&[]));
    run.fails("sock_shutdown", &[FD, 3], Errno::Notcapable);
}

#[test]
fn what_is_wrong_is_said_before_anything_is_done() {
    let (mut run, mut client) = connected(net(&[]));
    client.write_all(b"kept").unwrap();
    let [iovs, n] = run.iovs(&[0; 4]);
    for (name, args) in [
        ("sock_recv", [FD, iovs, n, 0, SIZE - 3, OUT]),
        ("sock_recv", [FD, iovs, n, 0, OUT, SIZE - 1]),
        ("sock_recv", [FD, SIZE - 7, 1, 0, OUT, OUT + 4]),
        ("sock_recv", [FD, u32::MAX, 1, 0, OUT, OUT + 4]),
    ] {
        run.fails(name, &args, Errno::Fault);
    }
    run.fails("sock_send", &[FD, iovs, n, 0, SIZE - 3], Errno::Fault);
    run.fails("sock_send", &[FD, iovs, 1_025, 0, OUT], Errno::Inval);
    run.words(IOVS, &[SIZE - 2, 4]);
    run.fails("sock_recv", &[FD, IOVS, 1, 0, OUT, OUT + 4], Errno::Fault);
    run.fails("sock_send", &[FD, IOVS, 1, 0, OUT], Errno::Fault);
    // Nothing of that has taken anything.
    assert_eq!(run.receive(FD, 9), b"kept");
    let [iovs, n] = run.iovs(b"x");
    for fd in [0, 2] {
        run.fails("sock_recv", &[fd, iovs, n, 0, OUT, OUT + 4], Errno::NotSock);
        run.fails("sock_send", &[fd, iovs, n, 0, OUT], Errno::NotSock);
        run.fails("sock_shutdown", &[fd, 3], Errno::NotSock);
        run.fails("sock_accept", &[fd, OUT], Errno::NotSock);
    }
    for fd in [4, u32::MAX] {
        run.fails("sock_recv", &[fd, iovs, n, 0, OUT, OUT + 4], Errno::Badf);
        run.fails("sock_accept_v2", &[fd, 0, OUT], Errno::Badf);
    }
    run.fails("sock_accept", &[FD, OUT], Errno::Notcapable);
    let (mut run, at) = listening(net(&[]));
    let _waits = TcpStream::connect(at).unwrap();
    run.fails("sock_accept", &[FD, SIZE - 3], Errno::Fault);
    run.fails("sock_accept_v2", &[FD, 32, OUT], Errno::Inval);
    run.fails("sock_recv", &[FD, iovs, 0, 0, OUT, OUT + 4], Errno::Notcapable);
    run.works("sock_accept", &[FD, OUT]);
}

#[test]
fn what_does_not_wait_says_again() {
    let (mut run, at) = listening(net(&[]));
    run.nonblocking(FD, true);
    run.fails("sock_accept", &[FD, OUT], Errno::Again);
    let mut client = TcpStream::connect(at).unwrap();
    // The kernel has it already.
    run.works("sock_accept_v2", &[FD, 4, OUT]);
    let fd = run.word(OUT);
    run.works("fd_fdstat_get", &[fd, OUT]);
    assert_eq!(run.bytes(OUT + 2, 2), [4, 0]);
    let [iovs, n] = run.iovs(&[0; 4]);
    run.fails("sock_recv", &[fd, iovs, n, 0, OUT, OUT + 4], Errno::Again);
    run.fails("fd_read", &[fd, iovs, n, OUT], Errno::Again);
    // What the system keeps for a peer that does not read has an end.
    let [iovs, n] = run.iovs(&[7; 65_536]);
    let full = (0..10_000).find(|_| run.call("sock_send", &[fd, iovs, n, 0, OUT]) == Errno::Again as u32);
    assert!(full.is_some());
    let mut some = vec![0; 1 << 20];
    assert!(client.read(&mut some).unwrap() > 0);
}

#[test]
fn every_wait_ends_with_the_run() {
    let timed_out = |answer: Result<u32, Error>| matches!(answer, Err(Error::Halt(Halt::TimedOut)));
    let (mut run, _) = listening(limited(60));
    assert!(timed_out(run.try_call("sock_accept", &[FD, OUT])));
    assert!(timed_out(run.try_call("sock_accept_v2", &[FD, 0, OUT])));
    let (mut run, _client) = connected(limited(60));
    let [iovs, n] = run.iovs(&[0; 4]);
    assert!(timed_out(run.try_call("sock_recv", &[FD, iovs, n, 0, OUT, OUT + 4])));
    assert!(timed_out(run.try_call("fd_read", &[FD, iovs, n, OUT])));
    let (mut run, _client) = connected(limited(200));
    let [iovs, n] = run.iovs(&[0; 65_536]);
    // Sending, too: a peer that does not read keeps nobody.
    let ended = (0..10_000).map(|_| run.try_call("sock_send", &[FD, iovs, n, 0, OUT])).find(Result::is_err);
    assert!(timed_out(ended.unwrap()));
}

/// A subscription to a descriptor.
fn subscribe(run: &mut Run, at: u32, fd: u32, write: bool) {
    run.put(at, &[0; 48]);
    run.words(at, &[at, 0]);
    run.put(at + 8, &[1 + u8::from(write)]);
    run.words(at + 16, &[fd]);
}

#[test]
fn polling() {
    let (mut run, at) = listening(net(&[]));
    // A clock of 1 ms beside it, so that it ends.
    subscribe(&mut run, DATA, FD, false);
    run.put(DATA + 48, &[0; 48]);
    run.words(DATA + 48 + 16, &[1, 0, 1_000_000]);
    for poll in ["poll_oneoff", "epoll_oneoff"] {
        run.works(poll, &[DATA, DATA + 1_000, 2, OUT]);
        assert_eq!((run.word(OUT), run.bytes(DATA + 1_000 + 10, 1)), (1, vec![0]), "{poll}");
    }
    let mut client = TcpStream::connect(at).unwrap();
    run.works("poll_oneoff", &[DATA, DATA + 1_000, 1, OUT]);
    assert_eq!((run.word(OUT), run.word(DATA + 1_000), run.bytes(DATA + 1_008, 3)), (1, DATA, vec![0, 0, 1]));
    run.works("sock_accept", &[FD, OUT]);
    let fd = run.word(OUT);
    subscribe(&mut run, DATA, fd, true);
    subscribe(&mut run, DATA + 48, fd, false);
    run.works("epoll_oneoff", &[DATA, DATA + 1_000, 2, OUT]);
    assert_eq!((run.word(OUT), run.bytes(DATA + 1_010, 1)), (1, vec![2]));
    // It tells what is ready each time.
    client.write_all(b"12345").unwrap();
    for poll in ["epoll_oneoff", "poll_oneoff"] {
        run.works(poll, &[DATA + 48, DATA + 1_000, 1, OUT]);
        assert_eq!((run.word(OUT), run.bytes(DATA + 1_010, 1), run.word(DATA + 1_016)), (1, vec![1], 5), "{poll}");
    }
    run.works("sock_shutdown", &[fd, 3]);
    drop(client);
    run.works("poll_oneoff", &[DATA + 48, DATA + 1_000, 1, OUT]);
    assert_eq!(run.bytes(DATA + 1_024, 2), [1, 0]);
    run.fails("epoll_oneoff", &[SIZE - 47, DATA + 1_000, 1, OUT], Errno::Fault);
    run.fails("epoll_oneoff", &[DATA, SIZE - 31, 1, OUT], Errno::Fault);
    run.fails("epoll_oneoff", &[DATA, DATA + 1_000, 0, OUT], Errno::Inval);
}

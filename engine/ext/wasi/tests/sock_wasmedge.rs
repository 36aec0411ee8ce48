//! WasmEdge's functions, one by one: opening, binding, connecting, datagrams, addresses, options.

mod sock_common;

use gristmill::{Error, Halt};
use gristmill_ext_grants::{Cancel, Grants, Limits};
use gristmill_ext_wasi::errno::Errno;
use sock_common::*;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;

/// All that can be granted of this machine.
const LOOPBACK: &[&str] = &["connect:127.0.0.0/8", "connect:[::1]", "listen:127.0.0.0/8", "listen:[::1]"];

const FLAG: [u32; 10] = [0, 3, 4, 5, 6, 7, 8, 10, 2, 13];

#[test]
fn a_server_and_a_client_in_one_guest() {
    for (family, address) in [(1, "127.0.0.1"), (2, "::1")] {
        let mut run = Run::net(LOOPBACK);
        let (server, at) = run.listener(address);
        assert_ne!(at.port(), 0);
        let client = run.open(family, STREAM);
        assert_eq!(run.connect(client, at), OK);
        run.works("sock_accept", &[server, OUT]);
        let accepted = run.word(OUT);
        assert_eq!((run.peer(client), run.local(accepted)), (at, at));
        assert_eq!(run.peer(accepted), run.local(client));
        assert_eq!(run.send(client, b"over"), 4);
        assert_eq!(run.receive(accepted, 10), b"over");
        // The file's functions, too.
        let [iovs, n] = run.iovs(b"and out");
        run.works("fd_write", &[accepted, iovs, n, OUT]);
        assert_eq!(run.receive(client, 10), b"and out");
        run.works("fd_close", &[accepted]);
        assert_eq!(run.receive(client, 10), b"");
        assert_eq!(run.log(), "");
    }
}

#[test]
fn the_second_generation_has_storage_areas() {
    for (family, address) in [(1u32, "127.0.0.1"), (2, "::1")] {
        let address: IpAddr = address.parse().unwrap();
        let mut run = Run::net(LOOPBACK);
        let fd = run.open(family, STREAM);
        let record = run.address(address, true);
        // In the first there are none.
        run.fails("sock_bind", &[fd, record, 0], Errno::Inval);
        run.fails("sock_connect", &[fd, record, 9], Errno::Inval);
        run.works("sock_bind_v2", &[fd, record, 0]);
        run.works("sock_listen_v2", &[fd, 1]);
        let at = run.local(fd);
        for getter in ["sock_getlocaladdr_v2", "sock_getlocaladdr/3"] {
            let record = run.room(128);
            run.works(getter, &[fd, record, OUT]);
            assert_eq!(run.word(OUT), u32::from(at.port()));
            let storage = run.bytes(ADDRESS + 8, 128);
            assert_eq!(storage[..2], [family as u8, 0]);
            let length = if family == 1 { 4 } else { 16 };
            let octets = match address {
                IpAddr::V4(address) => address.octets().to_vec(),
                IpAddr::V6(address) => address.octets().to_vec(),
            };
            assert_eq!(storage[2..2 + length], octets);
            assert!(storage[2 + length..].iter().all(|byte| *byte == 0));
            let record = run.room(16);
            run.fails(getter, &[fd, record, OUT], Errno::Inval);
        }
        run.works("sock_open_v2", &[family, STREAM, OUT]);
        let client = run.word(OUT);
        let record = run.address(address, true);
        run.works("sock_connect_v2", &[client, record, at.port().into()]);
        let record = run.room(128);
        run.works("sock_getpeeraddr_v2", &[client, record, OUT]);
        assert_eq!(run.word(OUT), u32::from(at.port()));
        run.works("sock_accept_v2", &[fd, 0, OUT]);
        let accepted = run.word(OUT);
        let [iovs, n] = run.iovs(b"x");
        run.works("sock_send_v2", &[client, iovs, n, 0, OUT]);
        run.works("sock_recv_v2", &[accepted, iovs, n, 0, OUT, OUT + 4]);
        run.works("sock_shutdown_v2", &[accepted, 3]);
    }
}

#[test]
fn datagrams() {
    for (address, length) in [("127.0.0.1", 4), ("::1", 16)] {
        let mut run = Run::net(LOOPBACK);
        let (fd, at) = run.bind(DATAGRAM, address);
        let ours = UdpSocket::bind((address, 0)).unwrap();
        let to = ours.local_addr().unwrap();
        for (send, storage) in [("sock_send_to", false), ("sock_send_to_v2", true)] {
            let [iovs, n] = run.iovs(b"datagram");
            let record = run.address(to.ip(), storage);
            run.works(send, &[fd, iovs, n, record, to.port().into(), 0, OUT]);
            assert_eq!(run.word(OUT), 8);
            let mut bytes = [0; 16];
            assert_eq!(ours.recv_from(&mut bytes).unwrap(), (8, at));
        }
        ours.send_to(b"first", at).unwrap();
        ours.send_to(b"second", at).unwrap();
        let [iovs, n] = run.iovs(&[0; 6]);
        let record = run.room(length);
        run.works("sock_recv_from", &[fd, iovs, n, record, 0, OUT, OUT + 4]);
        assert_eq!((run.word(OUT), run.bytes(DATA, 5), run.word(OUT + 4) & 0xffff), (5, b"first".to_vec(), 0));
        let told = run.bytes(ADDRESS + 8, length);
        let octets = match to.ip() {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        assert_eq!(told, octets);
        // A name alone has the second's type, too: the port has two bytes.
        let record = run.room(128);
        run.words(OUT, &[u32::MAX; 3]);
        run.works("sock_recv_from/8", &[fd, iovs, n, record, 0, OUT, OUT + 4, OUT + 8]);
        assert_eq!(run.word(OUT), 0xffff_0000 | u32::from(to.port()));
        assert_eq!((run.word(OUT + 4), run.bytes(DATA, 6)), (6, b"second".to_vec()));
        assert_eq!(run.bytes(ADDRESS + 8, 1), [if length == 4 { 1 } else { 2 }]);
        assert_eq!(run.log(), "");
    }
}

#[test]
fn datagrams_of_a_connection() {
    let mut run = Run::net(&["connect:udp:127.0.0.1"]);
    let ours = UdpSocket::bind("127.0.0.1:0").unwrap();
    let fd = run.open(1, DATAGRAM);
    assert_eq!(run.connect(fd, ours.local_addr().unwrap()), OK);
    assert_eq!(run.send(fd, b"ping"), 4);
    let mut bytes = [0; 16];
    let (length, from) = ours.recv_from(&mut bytes).unwrap();
    assert_eq!((length, from), (4, run.local(fd)));
    ours.send_to(b"pong", from).unwrap();
    assert_eq!(run.receive(fd, 16), b"pong");
}

#[test]
fn who_is_bound_nowhere_hears_only_whom_it_may_talk_to() {
    let ours = UdpSocket::bind("127.0.0.1:0").unwrap();
    let stranger = UdpSocket::bind("127.0.0.2:0").unwrap();
    let mut run = Run::net(&["connect:udp:127.0.0.1"]);
    let fd = run.open(1, DATAGRAM);
    let [iovs, n] = run.iovs(b"hello");
    let to = ours.local_addr().unwrap();
    let record = run.address(to.ip(), false);
    run.works("sock_send_to", &[fd, iovs, n, record, to.port().into(), 0, OUT]);
    let (_, from) = ours.recv_from(&mut [0; 16]).unwrap();
    stranger.send_to(b"evil", ("127.0.0.1", from.port())).unwrap();
    ours.send_to(b"good", from).unwrap();
    // Looked at or taken: the stranger's is not there.
    let record = run.room(4);
    let [iovs, n] = run.iovs(&[0; 5]);
    run.works("sock_recv_from", &[fd, iovs, n, record, 1, OUT, OUT + 4]);
    assert_eq!(run.bytes(DATA, 4), b"good");
    assert_eq!(run.receive(fd, 16), b"good");
    stranger.send_to(b"evil", ("127.0.0.1", from.port())).unwrap();
    run.nonblocking(fd, true);
    let [iovs, n] = run.iovs(&[0; 5]);
    run.fails("sock_recv", &[fd, iovs, n, 0, OUT, OUT + 4], Errno::Again);
}

#[test]
fn connecting_without_waiting() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let mut run = Run::net(LOOPBACK);
    let fd = run.open(1, STREAM);
    run.nonblocking(fd, true);
    let answer = run.connect(fd, at);
    assert!([OK, Errno::InProgress as u32].contains(&answer), "{answer}");
    // Until it can be written.
    run.put(DATA, &[0; 48]);
    run.put(DATA + 8, &[2]);
    run.words(DATA + 16, &[fd]);
    run.works("poll_oneoff", &[DATA, DATA + 1_000, 1, OUT]);
    run.words(OUT, &[0, 4]);
    run.works("sock_getsockopt", &[fd, 0, 2, OUT, OUT + 4]);
    assert_eq!((run.word(OUT), run.peer(fd)), (0, at));
    let (mut ours, _) = listener.accept().unwrap();
    ours.write_all(b"hi").unwrap();
    run.nonblocking(fd, false);
    assert_eq!(run.receive(fd, 9), b"hi");
}

#[test]
fn who_refuses_is_told_apart() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut run = Run::net(LOOPBACK);
    let fd = run.open(1, STREAM);
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    assert_eq!(run.connect(fd, to), Errno::ConnRefused as u32);
    let (fd, at) = run.listener("127.0.0.1");
    assert_eq!(run.connect(fd, at), Errno::IsConn as u32);
    let other = run.open(1, STREAM);
    let record = run.address(at.ip(), false);
    run.fails("sock_bind", &[other, record, at.port().into()], Errno::AddrInUse);
    run.fails("sock_getpeeraddr", &[other, record, OUT, OUT + 4], Errno::NotConn);
    run.fails("sock_accept", &[other, OUT], Errno::Inval);
    let [iovs, n] = run.iovs(b"x");
    run.fails("sock_recv", &[other, iovs, n, 0, OUT, OUT + 4], Errno::NotConn);
    let datagrams = run.open(1, DATAGRAM);
    run.fails("sock_send", &[datagrams, iovs, n, 0, OUT], Errno::DestAddrReq);
}

#[test]
fn what_is_no_socket_and_what_is_no_number() {
    let mut run = Run::net(LOOPBACK);
    for (family, kind, errno) in [
        (0, STREAM, Errno::Inval),
        (3, STREAM, Errno::Nosys),
        (4, STREAM, Errno::Inval),
        (257, STREAM, Errno::Inval),
        (1, 0, Errno::Inval),
        (1, 3, Errno::Inval),
        (u32::MAX, u32::MAX, Errno::Inval),
    ] {
        run.fails("sock_open", &[family, kind, OUT], errno);
    }
    run.fails("sock_open", &[1, STREAM, SIZE - 3], Errno::Fault);
    run.works("sock_open", &[1, STREAM, SIZE - 4]);
    assert_eq!(run.word(SIZE - 4), 3);
    let record = run.address(Ipv4Addr::LOCALHOST.into(), false);
    let [iovs, n] = run.iovs(b"x");
    let calls = |fd: u32| {
        [
            ("sock_bind", vec![fd, record, 0]),
            ("sock_bind_v2", vec![fd, record, 0]),
            ("sock_listen", vec![fd, 1]),
            ("sock_connect", vec![fd, record, 9]),
            ("sock_connect_v2", vec![fd, record, 9]),
            ("sock_recv_from", vec![fd, iovs, n, record, 0, OUT, OUT]),
            ("sock_recv_from_v2", vec![fd, iovs, n, record, 0, OUT, OUT, OUT]),
            ("sock_send_to", vec![fd, iovs, n, record, 9, 0, OUT]),
            ("sock_send_to_v2", vec![fd, iovs, n, record, 9, 0, OUT]),
            ("sock_getsockopt", vec![fd, 0, 0, OUT, OUT]),
            ("sock_setsockopt", vec![fd, 0, 0, OUT, 4]),
            ("sock_getlocaladdr", vec![fd, record, OUT, OUT]),
            ("sock_getlocaladdr_v2", vec![fd, record, OUT]),
            ("sock_getpeeraddr", vec![fd, record, OUT, OUT]),
            ("sock_getpeeraddr_v2", vec![fd, record, OUT]),
        ]
    };
    for (fd, errno) in [(0, Errno::NotSock), (1, Errno::NotSock), (9, Errno::Badf), (u32::MAX, Errno::Badf)] {
        for (name, args) in calls(fd) {
            run.fails(name, &args, errno);
        }
    }
}

#[test]
fn pointers_that_lead_nowhere() {
    let mut run = Run::net(LOOPBACK);
    let (fd, _) = run.bind(DATAGRAM, "127.0.0.1");
    let [iovs, n] = run.iovs(b"x");
    let good = run.address(Ipv4Addr::LOCALHOST.into(), false);
    // A record outside, and one whose bytes lie outside.
    const BAD: u32 = 2_048;
    run.words(BAD, &[SIZE - 3, 4]);
    for record in [SIZE - 7, u32::MAX, BAD] {
        for (name, args) in [
            ("sock_bind", vec![fd, record, 0]),
            ("sock_bind_v2", vec![fd, record, 0]),
            ("sock_connect", vec![fd, record, 9]),
            ("sock_connect_v2", vec![fd, record, 9]),
            ("sock_recv_from", vec![fd, iovs, n, record, 0, OUT, OUT]),
            ("sock_recv_from_v2", vec![fd, iovs, n, record, 0, OUT, OUT, OUT]),
            ("sock_send_to", vec![fd, iovs, n, record, 9, 0, OUT]),
            ("sock_send_to_v2", vec![fd, iovs, n, record, 9, 0, OUT]),
            ("sock_getlocaladdr", vec![fd, record, OUT, OUT]),
            ("sock_getlocaladdr_v2", vec![fd, record, OUT]),
        ] {
            run.fails(name, &args, Errno::Fault);
        }
    }
    for end in [SIZE - 1, u32::MAX] {
        for (name, args) in [
            ("sock_recv_from", vec![fd, iovs, n, good, 0, end, OUT]),
            ("sock_recv_from", vec![fd, iovs, n, good, 0, OUT, end]),
            ("sock_recv_from_v2", vec![fd, iovs, n, good, 0, end, OUT, OUT]),
            ("sock_recv_from", vec![fd, end, 1, good, 0, OUT, OUT]),
            ("sock_send_to", vec![fd, iovs, n, good, 9, 0, end]),
            ("sock_send_to", vec![fd, end, 1, good, 9, 0, OUT]),
            ("sock_getlocaladdr", vec![fd, good, end, OUT]),
            ("sock_getlocaladdr", vec![fd, good, OUT, end]),
            ("sock_getsockopt", vec![fd, 0, 0, OUT, end]),
            ("sock_setsockopt", vec![fd, 0, 0, end, 4]),
        ] {
            run.fails(name, &args, Errno::Fault);
        }
    }
    run.words(OUT, &[4]);
    run.fails("sock_getsockopt", &[fd, 0, 0, SIZE - 3, OUT], Errno::Fault);
    for length in [0, 3, 5, 15, 17, 127, 128, 129, u32::MAX] {
        run.words(BAD, &[DATA, length]);
        run.fails("sock_connect", &[fd, BAD, 9], Errno::Inval);
        if length != 128 {
            run.fails("sock_connect_v2", &[fd, BAD, 9], Errno::Inval);
        }
    }
    for family in [0u8, 3, 255] {
        run.words(BAD, &[DATA, 128]);
        run.put(DATA, &[family, 0]);
        run.fails("sock_connect_v2", &[fd, BAD, 9], Errno::AfNoSupport);
    }
    run.fails("sock_connect", &[fd, good, 65_536], Errno::Inval);
    run.fails("sock_send_to", &[fd, iovs, n, good, 9, 1, OUT], Errno::Inval);
    run.fails("sock_recv_from", &[fd, iovs, n, good, 4, OUT, OUT], Errno::Inval);
}

#[test]
fn options_have_their_sizes() {
    let mut run = Run::net(LOOPBACK);
    let fd = run.open(1, STREAM);
    let get = |run: &mut Run, name: u32, room: u32| {
        run.words(OUT, &[room]);
        run.put(DATA, &[0xee; 32]);
        let answer = run.call("sock_getsockopt", &[fd, 0, name, DATA, OUT]);
        (answer, run.word(OUT), run.bytes(DATA, 16))
    };
    for name in FLAG {
        for short in 0..4 {
            assert_eq!(get(&mut run, name, short).0, Errno::Inval as u32, "{name}");
        }
        let (answer, size, bytes) = get(&mut run, name, 32);
        assert_eq!((answer, size, &bytes[4..]), (OK, 4, &[0xee; 12][..]), "{name}");
        for wrong in [0, 1, 3, 5, 8] {
            run.fails("sock_setsockopt", &[fd, 0, name, DATA, wrong], Errno::Inval);
        }
    }
    for (name, size) in [(9, 8), (11, 16), (12, 16)] {
        assert_eq!(get(&mut run, name, size - 1).0, Errno::Inval as u32);
        assert_eq!(get(&mut run, name, size).1, size);
        run.fails("sock_setsockopt", &[fd, 0, name, DATA, 4], Errno::Inval);
    }
    // Kind, and what can be switched.
    assert_eq!(get(&mut run, 1, 4).2[..4], [2, 0, 0, 0]);
    for name in [0, 4, 7, 8] {
        run.words(DATA, &[1]);
        run.works("sock_setsockopt", &[fd, 0, name, DATA, 4]);
        assert_ne!(get(&mut run, name, 4).2[0], 0, "{name}");
        run.words(DATA, &[0]);
        run.works("sock_setsockopt", &[fd, 0, name, DATA, 4]);
        assert_eq!(get(&mut run, name, 4).2[0], 0, "{name}");
    }
    // Sizes are the system's to say; what is asked for is bounded.
    for name in [5, 6] {
        for asked in [4_096, i32::MAX as u32] {
            run.words(DATA, &[asked]);
            run.works("sock_setsockopt", &[fd, 0, name, DATA, 4]);
            let (_, _, bytes) = get(&mut run, name, 4);
            let size = u32::from_le_bytes(bytes[..4].try_into().unwrap());
            assert!((2_048..=2 << 20).contains(&size), "{size}");
        }
        run.words(DATA, &[u32::MAX]);
        run.fails("sock_setsockopt", &[fd, 0, name, DATA, 4], Errno::Inval);
    }
    // Times, and lingering, which is told and takes no time of the host's.
    for (name, words) in [(11, &[3, 0, 250_000, 0][..]), (12, &[0, 0, 1, 0]), (9, &[1, 9]), (9, &[0, 0]), (9, &[1, 0])]
    {
        run.words(DATA, words);
        run.works("sock_setsockopt", &[fd, 0, name, DATA, words.len() as u32 * 4]);
        let (_, _, bytes) = get(&mut run, name, 16);
        let told: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(bytes[..told.len()], told);
    }
    for words in [[u32::MAX; 4], [0, 0, 1_000_000, 0], [0, 0, u32::MAX, u32::MAX]] {
        run.words(DATA, &words);
        run.fails("sock_setsockopt", &[fd, 0, 11, DATA, 16], Errno::Inval);
    }
    run.words(DATA, &[1, u32::MAX]);
    run.fails("sock_setsockopt", &[fd, 0, 9, DATA, 8], Errno::Inval);
    // What stays as it is.
    for (name, fixed) in [(3, 0), (10, 1)] {
        run.words(DATA, &[fixed]);
        run.works("sock_setsockopt", &[fd, 0, name, DATA, 4]);
        run.words(DATA, &[fixed + 1]);
        run.fails("sock_setsockopt", &[fd, 0, name, DATA, 4], Errno::NoProtoOpt);
    }
    for name in [1, 2, 13] {
        run.fails("sock_setsockopt", &[fd, 0, name, DATA, 4], Errno::NoProtoOpt);
    }
    for (level, name) in [(0, 15), (0, u32::MAX), (1, 0), (6, 1)] {
        run.words(OUT, &[16]);
        run.fails("sock_getsockopt", &[fd, level, name, DATA, OUT], Errno::NoProtoOpt);
        run.fails("sock_setsockopt_v2", &[fd, level, name, DATA, 4], Errno::NoProtoOpt);
    }
    // No grant binds a socket to an interface.
    assert_eq!(get(&mut run, 14, 16).1, 0);
    run.put(DATA, b"lo\0");
    run.fails("sock_setsockopt", &[fd, 0, 14, DATA, 3], Errno::Notcapable);
    run.fails("sock_setsockopt", &[fd, 0, 14, SIZE - 2, 3], Errno::Fault);
    assert!(run.log().contains("sock_setsockopt(\"bindtodevice\")"), "{}", run.log());
}

#[test]
fn times_of_a_socket_end_its_waits() {
    let mut run = Run::net(LOOPBACK);
    let (server, at) = run.listener("127.0.0.1");
    let client = run.open(1, STREAM);
    assert_eq!(run.connect(client, at), OK);
    run.words(DATA, &[0, 0, 20_000, 0]);
    for fd in [server, client] {
        run.works("sock_setsockopt", &[fd, 0, 11, DATA, 16]);
        run.works("sock_setsockopt", &[fd, 0, 12, DATA, 16]);
    }
    run.works("sock_accept", &[server, OUT]);
    run.fails("sock_accept", &[server, OUT], Errno::Again);
    let [iovs, n] = run.iovs(&[0; 65_536]);
    run.fails("sock_recv", &[client, iovs, n, 0, OUT, OUT + 4], Errno::Again);
    assert!((0..10_000).any(|_| run.call("sock_send", &[client, iovs, n, 0, OUT]) == Errno::Again as u32));
}

#[test]
fn connecting_ends_with_the_run() {
    // A listener whose queue is full answers nobody.
    let mut full = Run::net(LOOPBACK);
    let (fd, at) = full.bind(STREAM, "127.0.0.1");
    full.works("sock_listen", &[fd, 0]);
    let waiting: Vec<_> = (0..4)
        .map(|_| thread::spawn(move || TcpStream::connect_timeout(&at, std::time::Duration::from_secs(1))))
        .collect();
    let waiting: Vec<_> = waiting.into_iter().map(|it| it.join().unwrap()).collect();
    assert!(waiting.iter().any(Result::is_err));
    let limits = Limits { milliseconds: Some(100), ..Limits::default() };
    let mut run = Run::new(Grants { limits, ..net(LOOPBACK) });
    let fd = run.open(1, STREAM);
    let record = run.address(at.ip(), false);
    let ended = run.try_call("sock_connect", &[fd, record, at.port().into()]);
    assert!(matches!(ended, Err(Error::Halt(Halt::TimedOut))), "{ended:?}");
}

#[test]
fn waits_end_when_the_run_is_cancelled() {
    type Wait = fn(&mut Run, u32) -> Result<u32, Error>;
    let kinds: [Wait; 3] = [
        |run, server| run.try_call("sock_accept", &[server, OUT]),
        // A subscription to read the socket, and one to an hour of the clock.
        |run, server| {
            run.put(DATA, &[0; 96]);
            run.put(DATA + 8, &[1]);
            run.words(DATA + 16, &[server]);
            run.words(DATA + 48 + 16, &[1, 0, 0x4630_0000, 0x346]);
            run.try_call("poll_oneoff", &[DATA, DATA + 1_024, 2, OUT])
        },
        |run, server| {
            let [iovs, n] = run.iovs(&[0; 4]);
            let at = run.local(server);
            let client = run.open(1, STREAM);
            assert_eq!(run.connect(client, at), OK);
            run.try_call("sock_recv", &[client, iovs, n, 0, OUT, OUT + 4])
        },
    ];
    for wait in kinds {
        let cancel = Cancel::default();
        let mut run = Run::cancellable(LOOPBACK, cancel.clone());
        let (server, _) = run.listener("127.0.0.1");
        let canceller = thread::spawn(move || {
            thread::sleep(std::time::Duration::from_millis(50));
            cancel.cancel();
        });
        let ended = wait(&mut run, server);
        assert!(matches!(ended, Err(Error::Halt(Halt::TimedOut))), "{ended:?}");
        canceller.join().unwrap();
    }
}

#[test]
fn gas_is_paid_before_anything_is_sent() {
    let ours = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = ours.local_addr().unwrap();
    let mut run = Run::net(LOOPBACK);
    let fd = run.open(1, DATAGRAM);
    let [iovs, n] = run.iovs(&[0; 8_192]);
    let record = run.address(to.ip(), false);
    run.store.set_gas(gristmill::Gas(70));
    let ended = run.try_call("sock_send_to", &[fd, iovs, n, record, to.port().into(), 0, OUT]);
    assert!(matches!(ended, Err(Error::Trap(_))), "{ended:?}");
    ours.set_nonblocking(true).unwrap();
    assert!(ours.recv(&mut [0; 16]).is_err());
}

#[test]
fn peers_that_go_away() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let mut run = Run::net(LOOPBACK);
    let fd = run.open(1, STREAM);
    assert_eq!(run.connect(fd, at), OK);
    let (mut ours, _) = listener.accept().unwrap();
    run.send(fd, b"unread");
    let mut one = [0; 1];
    ours.read_exact(&mut one).unwrap();
    // With bytes that nobody has read the connection is reset.
    drop(ours);
    let [iovs, n] = run.iovs(&[0; 4]);
    run.fails("sock_recv", &[fd, iovs, n, 0, OUT, OUT + 4], Errno::ConnReset);
    run.fails("sock_send", &[fd, iovs, n, 0, OUT], Errno::Pipe);
}

#[test]
fn rights_that_were_given_away_are_gone() {
    const READ: u32 = 1 << 1;
    const WRITE: u32 = 1 << 6;
    const SHUTDOWN: u32 = 1 << 28;
    let mut run = Run::net(LOOPBACK);
    let (server, at) = run.listener("127.0.0.1");
    let client = run.open(1, STREAM);
    assert_eq!(run.connect(client, at), OK);
    let [iovs, n] = run.iovs(b"x");
    let record = run.address(at.ip(), false);
    let recv = [client, iovs, n, 0, OUT, OUT + 4];
    run.works("fd_fdstat_set_rights", &[client, WRITE, 0]);
    run.fails("sock_recv", &recv, Errno::Notcapable);
    run.fails("fd_read", &[client, iovs, n, OUT], Errno::Notcapable);
    run.fails("sock_recv_from", &[client, iovs, n, record, 0, OUT, OUT + 4], Errno::Notcapable);
    run.fails("sock_shutdown", &[client, 3], Errno::Notcapable);
    run.works("sock_send", &[client, iovs, n, 0, OUT]);
    // What is gone does not come back.
    run.fails("fd_fdstat_set_rights", &[client, WRITE | READ, 0], Errno::Notcapable);
    run.works("fd_fdstat_set_rights", &[client, 0, 0]);
    run.fails("sock_send", &[client, iovs, n, 0, OUT], Errno::Notcapable);
    run.fails("fd_write", &[client, iovs, n, OUT], Errno::Notcapable);
    run.fails("sock_send_to", &[client, iovs, n, record, 9, 0, OUT], Errno::Notcapable);
    run.fails("sock_listen", &[client, 1], Errno::Notcapable);
    run.works("fd_fdstat_set_rights", &[server, SHUTDOWN, 0]);
    run.fails("sock_accept", &[server, OUT], Errno::Notcapable);
    run.fails("sock_accept_v2", &[server, 0, OUT], Errno::Notcapable);
}

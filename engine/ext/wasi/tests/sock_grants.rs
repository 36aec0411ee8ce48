//! What no rule allows is refused before anything is sent, and the operator is told what it takes.

mod sock_common;

use gristmill_ext_grants::Grants;
use gristmill_ext_wasi::errno::Errno;
use sock_common::*;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

/// A listener of streams and one of datagrams, at one port or two, which nobody may reach.
struct Witness {
    streams: TcpListener,
    datagrams: UdpSocket,
}

impl Witness {
    fn new() -> Self {
        let (streams, datagrams) = (TcpListener::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
        streams.set_nonblocking(true).unwrap();
        datagrams.set_nonblocking(true).unwrap();
        Self { streams, datagrams }
    }

    fn streams(&self) -> SocketAddr {
        self.streams.local_addr().unwrap()
    }

    fn datagrams(&self) -> SocketAddr {
        self.datagrams.local_addr().unwrap()
    }

    /// Loopback delivers before the sender's call returns: what is not here now was not sent.
    fn saw_nothing(&self) {
        assert_eq!(self.streams.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(self.datagrams.recv(&mut [0; 16]).unwrap_err().kind(), ErrorKind::WouldBlock);
    }
}

fn connect(rules: &[&str], to: SocketAddr) -> (u32, String) {
    let mut run = Run::net(rules);
    let fd = run.open(if to.is_ipv4() { 1 } else { 2 }, STREAM);
    (run.connect(fd, to), run.log())
}

const DENIED: u32 = Errno::Notcapable as u32;

#[test]
fn without_a_rule_there_are_no_sockets() {
    for rules in [&[][..], &["resolve:*"]] {
        let mut run = Run::net(rules);
        for (kind, name) in [(STREAM, "tcp"), (DATAGRAM, "udp")] {
            run.fails("sock_open", &[1, kind, OUT], Errno::Notcapable);
            let line = format!("refused: sock_open({name:?}); it takes --allow-net connect:HOSTS:PORTS, [[network]]");
            assert!(run.log().contains(&line), "{}", run.log());
        }
    }
    // One protocol does not give the other.
    let mut run = Run::net(&["listen:udp:*"]);
    run.fails("sock_open", &[2, STREAM, OUT], Errno::Notcapable);
    run.works("sock_open", &[2, DATAGRAM, OUT]);
}

#[test]
fn connecting_outside_of_the_grant_sends_no_packet() {
    let witness = Witness::new();
    let to = witness.streams();
    let port = to.port();
    let other = if port == 1 { 2 } else { port - 1 };
    for rules in [
        vec![format!("connect:127.0.0.1:{other}")],
        vec![format!("connect:127.0.0.2:{port}")],
        vec![format!("connect:10.0.0.0/8:{port}"), format!("connect:tcp:[::1]:{port}")],
        vec!["listen:*".into(), "connect:localhost".into(), "resolve:*".into()],
        vec!["listen:tcp:*".into(), format!("connect:udp:127.0.0.1:{port}")],
    ] {
        let rules: Vec<_> = rules.iter().map(String::as_str).collect();
        let (answer, log) = connect(&rules, to);
        assert_eq!(answer, DENIED, "{rules:?}");
        let line = format!("refused: sock_connect(\"tcp 127.0.0.1:{port}\"); it takes --allow-net connect:HOSTS:PORTS");
        assert!(log.contains(&line), "{log}");
        witness.saw_nothing();
    }
    let (answer, log) = connect(&[&format!("connect:tcp:127.0.0.0/8:{port}")], to);
    assert_eq!((answer, log.as_str()), (OK, ""));
    assert!(witness.streams.accept().is_ok());
}

#[test]
fn datagrams_outside_of_the_grant_are_not_sent() {
    let witness = Witness::new();
    let to = witness.datagrams();
    let mut run = Run::net(&["listen:udp:127.0.0.1", "connect:udp:127.0.0.2", "connect:tcp:*"]);
    let (fd, _) = run.bind(DATAGRAM, "127.0.0.1");
    for (send, storage) in [("sock_send_to", false), ("sock_send_to_v2", true)] {
        let [iovs, n] = run.iovs(b"secret");
        let record = run.address(to.ip(), storage);
        run.fails(send, &[fd, iovs, n, record, to.port().into(), 0, OUT], Errno::Notcapable);
    }
    // Not by connecting first, either.
    assert_eq!(run.connect(fd, to), DENIED);
    let [iovs, n] = run.iovs(b"secret");
    run.fails("sock_send", &[fd, iovs, n, 0, OUT], Errno::DestAddrReq);
    witness.saw_nothing();
    assert!(run.log().contains(&format!("sock_send_to(\"udp {to}\")")), "{}", run.log());
}

#[test]
fn an_address_of_ipv4_is_itself_in_the_clothes_of_ipv6() {
    let witness = Witness::new();
    let to = witness.streams();
    let mapped = SocketAddr::new(Ipv4Addr::LOCALHOST.to_ipv6_mapped().into(), to.port());
    for denied in ["connect:[::/0]", "connect:[::ffff:0:0/96]", "connect:10.0.0.0/8"] {
        assert_eq!(connect(&[denied], mapped).0, DENIED, "{denied}");
        witness.saw_nothing();
    }
    assert_eq!(connect(&["connect:127.0.0.1"], mapped).0, OK);
    assert!(witness.streams.accept().is_ok());
}

#[test]
fn binding_and_listening_take_a_rule() {
    let at = |run: &mut Run, fd: u32, address: &str, port: u16| {
        let record = run.address(address.parse().unwrap(), false);
        run.call("sock_bind", &[fd, record, port.into()])
    };
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut run = Run::net(&[&format!("listen:tcp:127.0.0.1:{free}"), "connect:*"]);
    let fd = run.open(1, STREAM);
    for (address, port) in [("127.0.0.1", 0), ("127.0.0.1", free ^ 1), ("127.0.0.2", free), ("0.0.0.0", free)] {
        assert_eq!(at(&mut run, fd, address, port), DENIED, "{address}:{port}");
        let line = format!("sock_bind(\"tcp {address}:{port}\"); it takes --allow-net listen:HOSTS:PORTS");
        assert!(run.log().contains(&line), "{}", run.log());
    }
    // Nor does the system put it anywhere.
    run.fails("sock_listen", &[fd, 1], Errno::Notcapable);
    assert!(run.log().contains("sock_listen(\"tcp 0.0.0.0:0\")"), "{}", run.log());
    let datagrams = run.open(1, DATAGRAM);
    assert_eq!(at(&mut run, datagrams, "127.0.0.1", free), DENIED);
    assert_eq!(at(&mut run, fd, "127.0.0.1", free), OK);
    run.works("sock_listen", &[fd, 1]);
    // Port 0 is a port of its own: any that is free.
    let mut run = Run::net(&["listen:127.0.0.1:0"]);
    let (_, given) = run.listener("127.0.0.1");
    let other = run.open(1, STREAM);
    assert_eq!(at(&mut run, other, "127.0.0.1", given.port()), DENIED);
    // Anywhere, where that is granted.
    let mut run = Run::net(&["listen:tcp:0.0.0.0:0"]);
    let fd = run.open(1, STREAM);
    run.works("sock_listen", &[fd, 1]);
    assert_ne!(run.local(fd).port(), 0);
}

#[test]
fn all_addresses_of_ipv6_are_those_of_ipv4_only_by_a_rule() {
    for (rules, reached) in [(&["listen:[::]"][..], false), (&["listen:[::]", "listen:0.0.0.0"], true)] {
        let mut run = Run::net(rules);
        let fd = run.open(2, STREAM);
        let record = run.address(Ipv6Addr::UNSPECIFIED.into(), false);
        run.works("sock_bind", &[fd, record, 0]);
        run.works("sock_listen", &[fd, 4]);
        let port = run.local(fd).port();
        let connected = |to: IpAddr| std::net::TcpStream::connect((to, port)).is_ok();
        assert!(connected(Ipv6Addr::LOCALHOST.into()));
        assert_eq!(connected(Ipv4Addr::LOCALHOST.into()), reached, "{rules:?}");
    }
}

#[test]
fn who_may_connect_to_a_name_may_connect_to_what_it_resolved_to() {
    let witness = Witness::new();
    let to = witness.streams();
    let names = Names::new(&[
        ("good.example", &["127.0.0.1", "::1"]),
        ("evil.example", &["127.0.0.1"]),
        ("a.wide.example", &["127.0.0.3"]),
    ]);
    let rule = format!("connect:tcp:good.example:{}", to.port());
    let network = [&rule, "connect:udp:*.wide.example", "resolve:evil.example"];
    let mut run = Run::with(net(&network), names.streams());
    let resolve = |run: &mut Run, name: &str| {
        run.put(DATA, name.as_bytes());
        // A list of no entries: what is found is remembered all the same.
        run.words(OUT, &[0]);
        run.call("sock_getaddrinfo", &[DATA, name.len() as u32, DATA, 0, 0, OUT, 0, OUT + 4])
    };
    let mut fd = run.open(1, STREAM);
    // Not before it was resolved, and not because another name resolves to the same.
    assert_eq!(run.connect(fd, to), DENIED);
    assert_eq!(resolve(&mut run, "evil.example"), OK);
    assert_eq!(run.connect(fd, to), DENIED);
    witness.saw_nothing();
    assert_eq!(resolve(&mut run, "Good.Example."), Errno::AiNoName as u32);
    assert_eq!(resolve(&mut run, "good.example"), OK);
    // Another port, another protocol, another address.
    assert_eq!(run.connect(fd, SocketAddr::new(to.ip(), to.port() ^ 1)), DENIED);
    assert_eq!(run.connect(fd, SocketAddr::new(Ipv4Addr::new(127, 0, 0, 9).into(), to.port())), DENIED);
    let datagrams = run.open(1, DATAGRAM);
    assert_eq!(run.connect(datagrams, to), DENIED);
    witness.saw_nothing();
    assert_eq!(run.connect(fd, to), OK);
    assert!(witness.streams.accept().is_ok());
    // In the clothes of IPv6, too.
    fd = run.open(2, STREAM);
    let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped().into();
    assert_eq!(run.connect(fd, SocketAddr::new(mapped, to.port())), OK);
    assert_eq!(resolve(&mut run, "a.wide.example"), OK);
    assert_eq!(run.connect(datagrams, (Ipv4Addr::new(127, 0, 0, 3), 9).into()), OK);
    // Names that no rule has are not asked for.
    for name in ["other.example", "wide.example", "good.example.evil", "xgood.example"] {
        assert_eq!(resolve(&mut run, name), DENIED, "{name}");
        assert!(run.log().contains(&format!("sock_getaddrinfo({name:?}); it takes --allow-net resolve:NAMES")));
    }
    assert_eq!(*names.asked.lock().unwrap(), ["evil.example", "Good.Example.", "good.example", "a.wide.example"]);
}

#[test]
fn names_are_forgotten_with_the_program() {
    let names = Names::new(&[("good.example", &["127.0.0.1"])]);
    let grants: Grants = net(&["connect:good.example"]);
    let mut first = Run::with(grants.clone(), names.streams());
    first.put(DATA, b"good.example");
    first.words(OUT, &[0]);
    first.works("sock_getaddrinfo", &[DATA, 12, DATA, 0, 0, OUT, 0, OUT + 4]);
    let mut second = Run::with(grants, names.streams());
    let fd = second.open(1, STREAM);
    assert_eq!(second.connect(fd, (Ipv4Addr::LOCALHOST, 9).into()), DENIED);
}

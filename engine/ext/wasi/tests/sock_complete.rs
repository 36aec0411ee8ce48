//! Each of WasmEdge's functions with each kind of test, on both tiers: that it works, wrong pointers, no grant, a grant of something else,
//! a right that was given away, spent gas. A function that has no row fails; one that has no test of a kind says why.

mod sock_common;

use gristmill::{Config, Engine, Gas, HostApi, Trap};
use gristmill_aot::{Aot, Options};
use gristmill_ext_grants::{Grants, Price};
use gristmill_ext_wasi::errno::Errno;
use gristmill_ext_wasi::{MODULE, Wasi};
use sock_common::*;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;

/// A test of a kind, or why there is none.
type Kind<T> = Result<T, &'static str>;

/// Somebody who listens, for both protocols, and whoever has connected.
struct Host {
    streams: TcpListener,
    datagrams: UdpSocket,
    connected: Option<TcpStream>,
}

/// Makes what a function acts on, and its arguments.
type Setup = fn(&mut Run, &mut Host) -> Vec<u32>;

/// What is behind a pointer.
#[derive(Clone, Copy)]
enum Behind {
    /// So many bytes.
    Bytes(u32),
    /// As many as the next argument says.
    Next,
    /// A list of buffers, whose number is the next argument.
    Buffers,
    /// A record of an address: where its bytes are, and how many.
    Record,
}

struct Case {
    name: &'static str,
    setup: Setup,
    pointers: &'static [(usize, Behind)],
    /// What it answers in a program to which nothing is granted.
    without: u32,
    /// Rules under which it is refused, and what it acts on then.
    outside: Kind<(&'static str, Setup)>,
    /// Bit of the right that its descriptor must have.
    right: Kind<u32>,
}

const LOOPBACK: &[&str] = &["connect:127.0.0.0/8", "listen:127.0.0.0/8", "resolve:*"];

const READ: u32 = 1;
const WRITE: u32 = 6;
const ACCEPT: u32 = 29;

const MADE: &str = "it acts on a socket, which is there as far as it was granted";
const RULED: &str = "rules of the grant say where a socket may go, and no right";
const NO_SOCKET: &str = "it takes no socket";
const ASKS: &str = "it tells of a socket that one has";

/// A record of the address of this machine, of its own length or in a storage area.
fn here(run: &mut Run, storage: bool) -> u32 {
    run.address(Ipv4Addr::LOCALHOST.into(), storage)
}

fn connected(run: &mut Run, host: &mut Host) -> u32 {
    let fd = run.open(1, STREAM);
    assert_eq!(run.connect(fd, host.streams.local_addr().unwrap()), OK);
    host.connected = Some(host.streams.accept().unwrap().0);
    fd
}

fn open(run: &mut Run, storage: bool) -> Vec<u32> {
    let fd = run.open(1, STREAM);
    vec![fd, here(run, storage), 0]
}

fn connects(run: &mut Run, host: &Host, storage: bool) -> Vec<u32> {
    let fd = run.open(1, STREAM);
    vec![fd, here(run, storage), host.streams.local_addr().unwrap().port().into()]
}

/// A socket for which a datagram has come.
fn receives(run: &mut Run, host: &Host, more: &[u32]) -> Vec<u32> {
    let (fd, at) = run.bind(DATAGRAM, "127.0.0.1");
    host.datagrams.send_to(b"ping", at).unwrap();
    let [iovs, n] = run.iovs(&[0; 8]);
    [&[fd, iovs, n, run.room(16), 0], more].concat()
}

fn sends(run: &mut Run, host: &Host, storage: bool) -> Vec<u32> {
    let (fd, _) = run.bind(DATAGRAM, "127.0.0.1");
    let [iovs, n] = run.iovs(b"pong");
    let port = host.datagrams.local_addr().unwrap().port();
    vec![fd, iovs, n, here(run, storage), port.into(), 0, OUT]
}

/// Where a list of an entry lies for answers, and the entry's address, data and name.
fn resolves(run: &mut Run, _: &mut Host) -> Vec<u32> {
    const HINTS: u32 = 2_048;
    const ENTRY: u32 = 8_192;
    run.put(DATA, b"127.0.0.1");
    run.put(DATA + 64, b"80");
    run.words(OUT, &[ENTRY]);
    run.words(ENTRY, &[0, 0, 0, ENTRY + 64, ENTRY + 256, 64, 0]);
    run.words(ENTRY + 64, &[0, 0, ENTRY + 128]);
    vec![DATA, 9, DATA + 64, 2, HINTS, OUT, 1, OUT + 4]
}

fn named(run: &mut Run, host: &mut Host) -> Vec<u32> {
    let mut args = resolves(run, host);
    run.put(DATA, b"localhost");
    args[1] = 9;
    args
}

fn subscribes(run: &mut Run, _: &mut Host) -> Vec<u32> {
    // To the clock of the machine, which has passed a nanosecond at once.
    run.put(DATA, &[0; 48]);
    run.words(DATA + 16, &[1, 0, 1]);
    vec![DATA, DATA + 64, 1, OUT]
}

fn case(name: &'static str, setup: Setup, pointers: &'static [(usize, Behind)]) -> Case {
    Case { name, setup, pointers, without: Errno::Badf as u32, outside: Err(MADE), right: Err(RULED) }
}

impl Case {
    fn outside(self, rule: &'static str) -> Self {
        Self { outside: Ok((rule, self.setup)), ..self }
    }

    fn right(self, bit: u32) -> Self {
        Self { right: Ok(bit), ..self }
    }

    fn asks(self) -> Self {
        Self { right: Err(ASKS), ..self }
    }

    /// It takes no socket, and answers that to a program without grants.
    fn free(self, without: u32) -> Self {
        Self { without, right: Err(NO_SOCKET), ..self }
    }
}

fn table() -> Vec<Case> {
    use Behind::*;
    let listen = |run: &mut Run, _: &mut Host| vec![run.bind(STREAM, "127.0.0.1").0, 8];
    let anywhere = |run: &mut Run, _: &mut Host| vec![run.open(1, STREAM), 8];
    vec![
        case(
            "sock_accept",
            |run, host| {
                let (fd, at) = run.listener("127.0.0.1");
                host.connected = Some(TcpStream::connect(at).unwrap());
                vec![fd, OUT]
            },
            &[(1, Bytes(4))],
        )
        .right(ACCEPT),
        case("sock_open", |_, _| vec![1, STREAM, OUT], &[(2, Bytes(4))])
            .free(Errno::Notcapable as u32)
            .outside("connect:udp:*"),
        case("sock_bind", |run, _| open(run, false), &[(1, Record)]).outside("connect:*"),
        case("sock_bind_v2", |run, _| open(run, true), &[(1, Record)]).outside("connect:*"),
        Case { outside: Ok(("connect:*", anywhere)), ..case("sock_listen", listen, &[]) }.right(ACCEPT),
        case("sock_connect", |run, host| connects(run, host, false), &[(1, Record)]).outside("listen:*"),
        case("sock_connect_v2", |run, host| connects(run, host, true), &[(1, Record)]).outside("listen:*"),
        case(
            "sock_recv_from",
            |run, host| receives(run, host, &[OUT, OUT + 8]),
            &[(1, Buffers), (3, Record), (5, Bytes(4)), (6, Bytes(2))],
        )
        .right(READ),
        case(
            "sock_recv_from_v2",
            |run, host| receives(run, host, &[OUT, OUT + 4, OUT + 8]),
            &[(1, Buffers), (3, Record), (5, Bytes(2)), (6, Bytes(4)), (7, Bytes(2))],
        )
        .right(READ),
        case("sock_send_to", |run, host| sends(run, host, false), &[(1, Buffers), (3, Record), (6, Bytes(4))])
            .right(WRITE)
            .outside("listen:udp:*"),
        case("sock_send_to_v2", |run, host| sends(run, host, true), &[(1, Buffers), (3, Record), (6, Bytes(4))])
            .right(WRITE)
            .outside("listen:udp:*"),
        case(
            "sock_getsockopt",
            |run, _| {
                let fd = run.open(1, STREAM);
                run.words(OUT, &[4]);
                vec![fd, 0, 1, DATA, OUT]
            },
            &[(3, Bytes(4)), (4, Bytes(4))],
        )
        .asks(),
        // Of all that can be set one thing takes a grant, which there is none of.
        Case {
            outside: Ok(("connect:*", |run, _| vec![run.open(1, STREAM), 0, 14, DATA, 3])),
            ..case("sock_setsockopt", |run, _| vec![run.open(1, STREAM), 0, 0, DATA, 4], &[(3, Next)])
        },
        case(
            "sock_getlocaladdr",
            |run, host| vec![connected(run, host), run.room(16), OUT, OUT + 4],
            &[(1, Record), (2, Bytes(4)), (3, Bytes(4))],
        )
        .asks(),
        case(
            "sock_getlocaladdr_v2",
            |run, host| vec![connected(run, host), run.room(128), OUT],
            &[(1, Record), (2, Bytes(4))],
        )
        .asks(),
        case(
            "sock_getpeeraddr",
            |run, host| vec![connected(run, host), run.room(16), OUT, OUT + 4],
            &[(1, Record), (2, Bytes(4)), (3, Bytes(4))],
        )
        .asks(),
        case(
            "sock_getpeeraddr_v2",
            |run, host| vec![connected(run, host), run.room(128), OUT],
            &[(1, Record), (2, Bytes(4))],
        )
        .asks(),
        // Addresses are resolved by nobody; names take a grant.
        Case {
            outside: Ok(("connect:*", named)),
            ..case("sock_getaddrinfo", resolves, &[(0, Next), (2, Next), (4, Bytes(28)), (5, Bytes(4)), (7, Bytes(4))])
                .free(OK)
        },
        // Clocks and descriptors have their own grants, which are told in events.
        Case {
            outside: Err(NO_SOCKET),
            ..case("epoll_oneoff", subscribes, &[(0, Bytes(48)), (1, Bytes(32)), (3, Bytes(4))]).free(OK)
        },
    ]
}

/// Each function on each tier, with these rules.
fn everywhere(rules: impl Fn(&Case) -> Grants, test: impl Fn(&str, &Case, &mut Run, &mut Host)) {
    let aot = Aot::new(Options::default()).unwrap();
    let config = Config::new();
    let engines = [
        ("interpreter", Engine::new(&config).unwrap()),
        ("machine code", Engine::with_compiler(&config, Arc::new(aot)).unwrap()),
    ];
    for (tier, engine) in &engines {
        for case in table() {
            let mut run = Run::on(engine, rules(&case));
            let mut host = Host {
                streams: TcpListener::bind("127.0.0.1:0").unwrap(),
                datagrams: UdpSocket::bind("127.0.0.1:0").unwrap(),
                connected: None,
            };
            test(&format!("{} on {tier}", case.name), &case, &mut run, &mut host);
        }
    }
}

/// Names that are not preview 1's own.
fn rows() -> impl Iterator<Item = &'static gristmill::ApiRow> {
    Wasi::rows().iter().skip_while(|row| row.name != "sock_accept").filter(|row| row.module == MODULE)
}

#[test]
fn every_function_has_a_row() {
    let table = table();
    let named: BTreeSet<_> = table.iter().map(|case| case.name).collect();
    assert_eq!(named, rows().map(|row| row.name).collect());
    assert_eq!(named.len(), table.len());
    // All that is not a number points somewhere.
    const NUMBERS: [&str; 13] = [
        "fd",
        "port",
        "flags",
        "n",
        "level",
        "len",
        "backlog",
        "family",
        "kind",
        "max",
        "node_len",
        "service_len",
        "name",
    ];
    for row in rows() {
        let case = table.iter().find(|case| case.name == row.name).unwrap();
        // The length of an option is an address where it is told.
        let is_told = |name: &str| name == "len" && row.name == "sock_getsockopt";
        let addresses = (0..).zip(row.params).filter(|(_, (name, _))| !NUMBERS.contains(name) || is_told(name));
        assert!(
            addresses.map(|(place, _)| place).eq(case.pointers.iter().map(|it| it.0)),
            "{}: {:?}",
            row.name,
            row.params
        );
    }
}

#[test]
fn each_works() {
    everywhere(
        |_| net(LOOPBACK),
        |what, case, run, host| {
            let args = (case.setup)(run, host);
            run.works(case.name, &args);
            assert_eq!(run.log(), "", "{what}");
        },
    );
}

#[test]
fn each_checks_its_pointers() {
    everywhere(
        |_| net(LOOPBACK),
        |what, case, run, host| {
            let args = (case.setup)(run, host);
            let mut wrong = Vec::new();
            for (pointer, behind) in case.pointers {
                let bytes = match behind {
                    Behind::Bytes(bytes) => *bytes,
                    Behind::Next => args[pointer + 1],
                    Behind::Buffers => 8 * args[pointer + 1],
                    Behind::Record => 8,
                };
                for at in [SIZE - bytes + 1, SIZE, u32::MAX, 0u32.wrapping_sub(bytes)] {
                    let mut args = args.clone();
                    args[*pointer] = at;
                    wrong.push((args, None));
                }
                // What a record, or an entry of a list, points to.
                if matches!(behind, Behind::Buffers | Behind::Record) {
                    let place = args[*pointer];
                    wrong.extend([SIZE - 1, SIZE + 1, u32::MAX].map(|at| (args.clone(), Some((place, at)))));
                }
            }
            for (args, inner) in wrong {
                let memory = run.memory().to_vec();
                inner.into_iter().for_each(|(place, at)| run.words(place, &[at]));
                let before = run.memory().to_vec();
                assert_eq!(run.call(case.name, &args), Errno::Fault as u32, "{what} {args:?} {inner:?}");
                assert!(run.memory() == before, "{what} {args:?}");
                run.memory().copy_from_slice(&memory);
            }
            // Nothing has happened: it works.
            run.works(case.name, &args);
        },
    );
}

#[test]
fn none_works_without_a_grant() {
    everywhere(
        |_| Grants::default(),
        |what, case, run, host| {
            let mut granted = Run::net(LOOPBACK);
            let args = (case.setup)(&mut granted, host);
            run.memory().copy_from_slice(granted.memory());
            assert_eq!(run.call(case.name, &args), case.without, "{what}");
            assert_eq!(run.log().contains("it takes --allow-net"), case.name == "sock_open", "{what}: {}", run.log());
        },
    );
}

#[test]
fn none_goes_beyond_its_rules() {
    everywhere(
        |case| net(&case.outside.map_or(LOOPBACK.to_vec(), |(rule, _)| vec![rule])),
        |what, case, run, host| {
            let Ok((_, setup)) = case.outside else { return };
            let args = setup(run, host);
            let memory = run.memory().to_vec();
            run.fails(case.name, &args, Errno::Notcapable);
            assert!(run.memory() == memory, "{what}");
            let function = case.name.trim_end_matches("_v2");
            assert!(run.log().contains(&format!("refused: {function}(")), "{what}: {}", run.log());
            host.streams.set_nonblocking(true).unwrap();
            host.datagrams.set_nonblocking(true).unwrap();
            assert!(host.streams.accept().is_err() && host.datagrams.recv(&mut [0; 8]).is_err(), "{what}");
        },
    );
}

#[test]
fn each_right_that_was_given_away() {
    everywhere(
        |_| net(LOOPBACK),
        |what, case, run, host| {
            let Ok(bit) = case.right else { return };
            let args = (case.setup)(run, host);
            let (fd, memory) = (args[0], run.memory().to_vec());
            run.works("fd_fdstat_get", &[fd, OUT]);
            let rights = run.word(OUT + 8);
            assert_ne!(rights & 1 << bit, 0, "{what}");
            run.works("fd_fdstat_set_rights", &[fd, rights & !(1 << bit), 0]);
            run.memory().copy_from_slice(&memory);
            run.fails(case.name, &args, Errno::Notcapable);
            assert!(run.memory() == memory, "{what}");
        },
    );
}

#[test]
fn each_is_paid_for_first() {
    let priced = |_: &Case| {
        let mut grants = net(LOOPBACK);
        grants.prices.sockets = Price { call: 1_000, kib: 0 };
        grants
    };
    everywhere(priced, |what, case, run, host| {
        let args = (case.setup)(run, host);
        let memory = run.memory().to_vec();
        run.store.set_gas(Gas(999));
        let trap = run.try_call(case.name, &args).unwrap_err().as_trap();
        assert_eq!(trap, Some(Trap::OutOfGas), "{what}");
        assert!(run.memory() == memory, "{what}");
    });
}

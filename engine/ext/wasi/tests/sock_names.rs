//! `sock_getaddrinfo`: the list, what is put into it, and what is refused.

mod sock_common;

use gristmill::{Error, Halt};
use gristmill_ext_grants::{Grants, Limits};
use gristmill_ext_wasi::errno::Errno;
use gristmill_ext_wasi::{Resolve, Streams};
use sock_common::*;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Where things lie: texts, hints, and the list of entries of 28 bytes, each with 12 and 26 elsewhere.
const NODE: u32 = 1_024;
const SERVICE: u32 = 1_536;
const HINTS: u32 = 2_048;
const LIST: u32 = 8_192;
const ADDRESSES: u32 = 16_384;
const DATAS: u32 = 24_576;
const NAMES: u32 = 32_768;

fn known() -> Names {
    Names::new(&[
        ("both", &["127.0.0.1", "::1", "10.0.0.7"]),
        ("four", &["192.0.2.1"]),
        ("nothing", &[]),
        ("many", &["192.0.2.1"; 200]),
    ])
}

fn run() -> Run {
    Run::with(net(&["resolve:*"]), known().streams())
}

/// Makes a list of so many entries.
fn list(run: &mut Run, entries: u32) {
    for i in 0..entries {
        let next = if i + 1 < entries { LIST + 28 * (i + 1) } else { 0 };
        run.words(LIST + 28 * i, &[0, 0, 0, ADDRESSES + 12 * i, NAMES + 64 * i, 64, next]);
        run.words(ADDRESSES + 12 * i, &[0, 0, DATAS + 26 * i]);
    }
    run.words(OUT, &[if entries == 0 { 0 } else { LIST }, u32::MAX]);
}

/// Asks with hints of flags, family, kind and protocol.
fn ask(run: &mut Run, node: &str, service: &str, hints: (u16, u8, u8, u8), most: u32) -> u32 {
    run.put(NODE, node.as_bytes());
    run.put(SERVICE, service.as_bytes());
    run.put(HINTS, &[0; 28]);
    run.put(HINTS, &hints.0.to_le_bytes());
    run.put(HINTS + 2, &[hints.1, hints.2, hints.3]);
    run.call("sock_getaddrinfo", &[NODE, node.len() as u32, SERVICE, service.len() as u32, HINTS, OUT, most, OUT + 4])
}

/// Entries that were filled: address with port, kind and protocol.
fn found(run: &mut Run) -> Vec<(SocketAddr, u8, u8)> {
    let entry = |run: &mut Run, i: u32| {
        let head = run.bytes(LIST + 28 * i, 5);
        let (family, kind, protocol) = (head[2], head[3], head[4]);
        let length = if family == 1 { 14 } else { 26 };
        assert_eq!(run.word(LIST + 28 * i + 8), length + 2);
        assert_eq!(run.bytes(ADDRESSES + 12 * i, 1), [family]);
        assert_eq!(run.word(ADDRESSES + 12 * i + 4), length);
        // Pointers are the guest's.
        assert_eq!(run.word(ADDRESSES + 12 * i + 8), DATAS + 26 * i);
        assert_eq!(run.word(LIST + 28 * i + 12), ADDRESSES + 12 * i);
        let data = run.bytes(DATAS + 26 * i, length);
        let port = u16::from_be_bytes([data[0], data[1]]);
        let address: IpAddr = if family == 1 {
            assert_eq!(data[6..], [0; 8]);
            <[u8; 4]>::try_from(&data[2..6]).unwrap().into()
        } else {
            assert_eq!((&data[2..6], &data[22..]), (&[0; 4][..], &[0; 4][..]));
            <[u8; 16]>::try_from(&data[6..22]).unwrap().into()
        };
        ((address, port).into(), kind, protocol)
    };
    let count = run.word(OUT + 4);
    (0..count).map(|i| entry(run, i)).collect()
}

fn at(text: &str, kind: u8) -> (SocketAddr, u8, u8) {
    (text.parse().unwrap(), kind, 3 - kind)
}

#[test]
fn addresses_of_names_and_ports_of_services() {
    let mut run = run();
    // As the published guest crate asks: IPv4, a stream, NULs behind the texts.
    for service in ["http\0", "80\0", "80"] {
        list(&mut run, 10);
        assert_eq!(ask(&mut run, "both\0", service, (0, 1, 2, 1), 10), OK);
        assert_eq!(found(&mut run), [at("127.0.0.1:80", 2), at("10.0.0.7:80", 2)]);
    }
    list(&mut run, 10);
    assert_eq!(ask(&mut run, "both", "https", (0, 2, 1, 0), 10), OK);
    assert_eq!(found(&mut run), [at("[::1]:443", 1)]);
    // Whatever kind: both, for each address.
    list(&mut run, 10);
    assert_eq!(ask(&mut run, "both", "", (0, 0, 0, 0), 10), OK);
    let all = ["127.0.0.1:0", "10.0.0.7:0", "[::1]:0"].map(|text| [at(text, 2), at(text, 1)]);
    assert_eq!(found(&mut run), all.concat());
    // Without hints the same.
    run.works("sock_getaddrinfo_v2", &[NODE, 4, SERVICE, 0, 0, OUT, 10, OUT + 4]);
    assert_eq!(found(&mut run), all.concat());
}

#[test]
fn addresses_need_nobody_who_knows_them() {
    let names = known();
    let mut run = Run::with(net(&[]), names.streams());
    list(&mut run, 4);
    assert_eq!(ask(&mut run, "192.0.2.9", "53", (1 << 2, 0, 1, 2), 4), OK);
    assert_eq!(found(&mut run), [at("192.0.2.9:53", 1)]);
    assert_eq!(ask(&mut run, "fe80::1", "7", (0, 2, 2, 0), 4), OK);
    assert_eq!(found(&mut run), [at("[fe80::1]:7", 2)]);
    // No node: this machine, or all of its addresses.
    assert_eq!(ask(&mut run, "", "http", (0, 0, 2, 0), 4), OK);
    assert_eq!(found(&mut run), [at("127.0.0.1:80", 2), at("[::1]:80", 2)]);
    assert_eq!(ask(&mut run, "", "http", (1, 1, 2, 0), 4), OK);
    assert_eq!(found(&mut run), [at("0.0.0.0:80", 2)]);
    assert_eq!(ask(&mut run, "four", "", (1 << 2, 0, 0, 0), 4), Errno::AiNoName as u32);
    assert_eq!(ask(&mut run, "four", "", (0, 0, 0, 0), 4), Errno::Notcapable as u32);
    assert!(names.asked.lock().unwrap().is_empty());
}

#[test]
fn mapped_addresses_are_for_who_asks_for_them() {
    let mut run = run();
    list(&mut run, 8);
    const MAPPED: u16 = 1 << 4;
    const ALL: u16 = 1 << 5;
    assert_eq!(ask(&mut run, "four", "", (0, 2, 2, 0), 8), Errno::AiNoData as u32);
    assert_eq!(ask(&mut run, "four", "", (MAPPED, 2, 2, 0), 8), OK);
    assert_eq!(found(&mut run), [at("[::ffff:192.0.2.1]:0", 2)]);
    assert_eq!(ask(&mut run, "both", "", (MAPPED, 2, 2, 0), 8), OK);
    assert_eq!(found(&mut run), [at("[::1]:0", 2)]);
    assert_eq!(ask(&mut run, "both", "", (MAPPED | ALL, 2, 2, 0), 8), OK);
    let all = ["[::1]:0", "[::ffff:127.0.0.1]:0", "[::ffff:10.0.0.7]:0"];
    assert_eq!(found(&mut run), all.map(|text| at(text, 2)));
}

#[test]
fn as_many_as_there_is_room_for() {
    let mut run = run();
    list(&mut run, 2);
    assert_eq!(ask(&mut run, "both", "", (0, 1, 2, 0), 1), OK);
    assert_eq!(found(&mut run).len(), 1);
    // The list is shorter than it says.
    assert_eq!(ask(&mut run, "both", "", (0, 0, 0, 0), u32::MAX), OK);
    assert_eq!(found(&mut run).len(), 2);
    list(&mut run, 0);
    assert_eq!(ask(&mut run, "both", "", (0, 0, 0, 0), 8), OK);
    assert_eq!(run.word(OUT + 4), 0);
    // One that goes in a circle, with many addresses: it comes to an end.
    list(&mut run, 1);
    run.words(LIST + 24, &[LIST]);
    assert_eq!(ask(&mut run, "many", "", (0, 1, 2, 0), u32::MAX), OK);
    assert_eq!(run.word(OUT + 4), 128);
}

#[test]
fn the_name_goes_where_there_is_room() {
    let mut run = run();
    for (room, told) in [(0, 0), (3, 0), (4, 4), (64, 4)] {
        list(&mut run, 2);
        run.words(LIST + 20, &[room]);
        run.put(NAMES, &[b'.'; 64]);
        assert_eq!(ask(&mut run, "four\0", "", (1 << 1, 1, 2, 0), 2), OK);
        assert_eq!(run.word(LIST + 20), told);
        assert_eq!(run.bytes(NAMES, 5), if told == 4 { b"four." } else { b"....." });
    }
}

#[test]
fn what_nobody_knows() {
    let mut run = run();
    list(&mut run, 4);
    for (node, service, hints, errno) in [
        ("none", "", (0, 0, 0, 0), Errno::AiNoName),
        ("nothing", "", (0, 0, 0, 0), Errno::AiNoData),
        ("", "", (0, 0, 0, 0), Errno::AiNoName),
        ("\0", "\0", (0, 0, 0, 0), Errno::AiNoName),
        ("fo\0ur", "", (0, 0, 0, 0), Errno::AiNoName),
        ("both", "gopher?", (0, 0, 0, 0), Errno::AiService),
        ("both", "65536", (0, 0, 0, 0), Errno::AiService),
        ("both", "http", (1 << 3, 0, 0, 0), Errno::AiNoName),
        ("both", "", (0, 3, 0, 0), Errno::AiFamily),
        ("both", "", (0, 0, 3, 0), Errno::AiSockType),
        ("both", "", (0, 0, 0, 3), Errno::AiService),
        // A stream by UDP.
        ("both", "", (0, 0, 2, 2), Errno::AiService),
    ] {
        assert_eq!(ask(&mut run, node, service, hints, 4), errno as u32, "{node:?} {service:?} {hints:?}");
    }
    let long = "x".repeat(257);
    assert_eq!(ask(&mut run, &long, "", (0, 0, 0, 0), 4), Errno::AiNoName as u32);
    run.put(NODE, &[0xff, 0xfe]);
    run.fails("sock_getaddrinfo", &[NODE, 2, SERVICE, 0, 0, OUT, 4, OUT + 4], Errno::AiNoName);
}

#[test]
fn pointers_are_looked_at_before_anybody_is_asked() {
    let names = known();
    let mut run = Run::with(net(&["resolve:*"]), names.streams());
    list(&mut run, 4);
    run.put(NODE, b"both");
    let good = [NODE, 4, SERVICE, 0, HINTS, OUT, 4, OUT + 4];
    for (at, bad) in
        [(0, SIZE - 3), (1, u32::MAX), (2, u32::MAX), (3, u32::MAX), (4, SIZE - 27), (5, SIZE - 3), (7, SIZE - 3)]
    {
        let mut args = good;
        args[at] = bad;
        if at == 2 {
            args[3] = 1;
        }
        run.fails("sock_getaddrinfo", &args, Errno::Fault);
    }
    // In the list itself: an entry, its address, its data, its name.
    for (place, bad) in [
        (OUT, SIZE - 27),
        (LIST + 28 + 12, SIZE - 11),
        (ADDRESSES + 12 + 8, SIZE - 13),
        (LIST + 20, u32::MAX),
        (LIST + 24, SIZE - 27),
    ] {
        list(&mut run, 4);
        run.words(place, &[bad]);
        run.fails("sock_getaddrinfo", &good, Errno::Fault);
    }
    assert!(names.asked.lock().unwrap().is_empty());
    list(&mut run, 4);
    run.works("sock_getaddrinfo", &good);
}

/// One that takes the time that it is given.
struct Slow;

impl Resolve for Slow {
    fn resolve(&self, _: &str, within: Option<Duration>) -> Result<Vec<IpAddr>, Errno> {
        std::thread::sleep(within.expect("the run has an end"));
        Err(Errno::AiAgain)
    }
}

#[test]
fn asking_ends_with_the_run() {
    let limits = Limits { milliseconds: Some(50), ..Limits::default() };
    let streams = Streams { resolver: Some(Box::new(Slow)), ..Streams::default() };
    let mut run = Run::with(Grants { limits, ..net(&["resolve:*"]) }, streams);
    list(&mut run, 1);
    run.put(NODE, b"both");
    let ended = run.try_call("sock_getaddrinfo", &[NODE, 4, SERVICE, 0, 0, OUT, 1, OUT + 4]);
    assert!(matches!(ended, Err(Error::Halt(Halt::TimedOut))), "{ended:?}");
}

//! What takes more than one call, or one call more than once: quotas, listings, waiting, paths as bytes.

use crate::guest::*;
use crate::table::{BADF, DQUOT, FBIG, ILSEQ, INVAL, NAMETOOLONG, NOSPC, NOTCAPABLE, clock, ready};
use Arg::*;
use gristmill::{Linker, Module};
use gristmill_ext_grants::{Clock, Random};
use gristmill_ext_wasi::{Wasi, add_to_linker};

/// On the interpreter, and in machine code.
fn everywhere(test: impl Fn(World)) {
    engines().iter().for_each(|(engine, ..)| test(World::new(engine)));
}

/// Opens a path with all rights that there are.
fn open(world: &mut World, fd: u32, path: &'static str, oflags: i64, fdflags: i64) -> Result<u32, u32> {
    let args = [Fd(fd), Is(0), Text(path), Is(oflags), Is(0x8e0_0fff), Is(i64::MAX), Is(fdflags), Out(4)];
    match world.act("path_open", &args).unwrap() {
        0 => Ok(world.u32(7)),
        errno => Err(errno),
    }
}

#[test]
fn a_quota_is_what_files_grow_by() {
    everywhere(|mut w| {
        let grows: [(&str, Vec<Arg>); 5] = [
            ("fd_write", vec![Fd(FILE), Read(&[106]), Out(4)]),
            ("fd_pwrite", vec![Fd(FILE), Read(&[1]), Is(105), Out(4)]),
            ("fd_pwrite", vec![Fd(FILE), Read(&[1]), Is(i64::MAX - 1), Out(4)]),
            ("fd_allocate", vec![Fd(FILE), Is(100), Is(6)]),
            ("fd_filestat_set_size", vec![Fd(FILE), Is(106)]),
        ];
        for (name, args) in &grows {
            let laid = w.lay(args);
            let before = w.state();
            assert_eq!(w.call(name, &laid.values).unwrap(), DQUOT, "{name}");
            assert_eq!(w.state(), before, "{name}");
            let log = w.log();
            assert!(log.contains(&format!("{name}(")) && log.contains("a larger quota"), "{log}");
        }
        // To the byte, and shared by all that is opened in the directory.
        assert_eq!(w.act("fd_filestat_set_size", &[Fd(FILE), Is(104)]).unwrap(), 0);
        let other = open(&mut w, DIR, "x", 0, 0).unwrap();
        assert_eq!(w.act("fd_write", &[Fd(other), Read(&[2]), Out(4)]).unwrap(), DQUOT);
        assert_eq!(w.act("fd_write", &[Fd(other), Read(&[1]), Out(4)]).unwrap(), 0);
        assert_eq!(w.act("fd_write", &[Fd(other), Read(&[1]), Out(4)]).unwrap(), DQUOT);
        assert_eq!(w.act("fd_pwrite", &[Fd(other), Read(&[1]), Is(0), Out(4)]).unwrap(), 0);
    });
}

#[test]
fn a_quota_counts_what_is_written_at_the_end() {
    everywhere(|mut w| {
        let file = open(&mut w, RW, "g", 0, 1).unwrap();
        // Wherever it is said to go.
        for round in 0..4 {
            let expected = if round < 2 { 0 } else { DQUOT };
            assert_eq!(w.act("fd_pwrite", &[Fd(file), Read(&[50]), Is(0), Out(4)]).unwrap(), expected);
        }
        assert_eq!(w.act("fd_write", &[Fd(file), Read(&[1]), Out(4)]).unwrap(), DQUOT);
        assert_eq!(w.file("g").len(), 5 + 100);
    });
}

#[test]
fn a_quota_is_given_back_when_nothing_comes_of_it() {
    for (engine, ..) in engines() {
        let mut w = World::with(engine, |grants| grants.directories[0].quota = Some(i64::MAX as u64));
        // No file system of the host has files of that size; each takes more than half of what there is.
        for (name, args) in [
            ("fd_filestat_set_size", vec![Fd(FILE), Is(i64::MAX)]),
            ("fd_pwrite", vec![Fd(FILE), Write(&["x"]), Is(i64::MAX - 1), Out(4)]),
            ("fd_allocate", vec![Fd(FILE), Is(i64::MAX - 10), Is(10)]),
        ] {
            assert_eq!([w.act(name, &args).unwrap(), w.act(name, &args).unwrap()], [FBIG; 2], "{name}");
        }
        assert_eq!(w.file("f"), b"hello");
        assert_eq!(w.log(), "");
    }
}

#[test]
fn a_directory_in_memory_holds_so_much() {
    everywhere(|mut w| {
        let room = ROOM as i64;
        assert_eq!(w.act("fd_filestat_set_size", &[Fd(KEPT), Is(room)]).unwrap(), NOSPC);
        assert_eq!(w.act("fd_allocate", &[Fd(KEPT), Is(0), Is(room)]).unwrap(), NOSPC);
        assert_eq!(w.act("fd_pwrite", &[Fd(KEPT), Write(&["x"]), Is(room), Out(4)]).unwrap(), NOSPC);
        // A node and a name are counted for the file.
        assert_eq!(w.act("fd_filestat_set_size", &[Fd(KEPT), Is(room - 2 * 512)]).unwrap(), 0);
        for (name, args) in [
            ("path_create_directory", vec![Fd(MEMORY), Text("new")]),
            ("path_symlink", vec![Text("m"), Fd(MEMORY), Text("new")]),
            ("path_link", vec![Fd(MEMORY), Is(0), Text("m"), Fd(MEMORY), Text("new")]),
        ] {
            assert_eq!(w.act(name, &args).unwrap(), NOSPC, "{name}");
        }
        assert_eq!(open(&mut w, MEMORY, "new", 1, 0), Err(NOSPC));
    });
}

#[test]
fn cookies_are_any_number() {
    everywhere(|mut w| {
        for cookie in [7, 8, 1 << 32, i64::MAX, i64::MIN, -1] {
            assert_eq!(w.act("fd_readdir", &[Fd(RW), Room(400), Is(cookie), Out(4)]).unwrap(), 0);
            assert_eq!(w.u32(3), 0, "{cookie}");
        }
        // The last entry, and what is cut off.
        assert_eq!(w.act("fd_readdir", &[Fd(RW), Room(400), Is(6), Out(4)]).unwrap(), 0);
        assert_eq!((w.u32(3), w.bytes(1, 1)[0]), (25, 7));
        assert_eq!(w.act("fd_readdir", &[Fd(RW), Room(10), Is(0), Out(4)]).unwrap(), 0);
        assert_eq!(w.u32(3), 10);
        assert_eq!(w.act("fd_readdir", &[Fd(RW), Room(0), Is(0), Out(4)]).unwrap(), 0);
        assert_eq!(w.u32(3), 0);
    });
}

#[test]
fn events_say_what_cannot_be_waited_for() {
    everywhere(|mut w| {
        let mut wanted = [
            ready(0, 1, NEXT),
            ready(1, 2, u32::MAX),
            ready(2, 1, RW),
            ready(3, 1, FILE),
            ready(4, 2, LISTENER),
            ready(5, 9, FILE),
            clock(6, 4, 1),
            clock(7, 0, 1),
            ready(8, 1, CONNECTION),
        ];
        wanted[7][40] = 2;
        // What cannot be read is not waited for.
        assert_eq!(w.act("fd_fdstat_set_rights", &[Fd(FILE), Is(1 << 6), Is(0)]).unwrap(), 0);
        let count = wanted.len() as u32;
        let args = [In(wanted.concat()), Out(32 * count), Is(count.into()), Out(4)];
        assert_eq!(w.act("poll_oneoff", &args).unwrap(), 0);
        let seen = w.u32(3) as usize;
        let events = w.bytes(1, 32 * seen);
        let mut events: Vec<_> = events.chunks(32).map(|event| (event[0], u32::from(event[8]), event[16])).collect();
        events.sort_unstable();
        let errnos = [BADF, BADF, BADF, NOTCAPABLE, NOTCAPABLE, INVAL, INVAL, INVAL];
        let expected = (0..).zip(errnos).map(|(userdata, errno)| (userdata, errno, 0)).chain([(8, 0, 4)]);
        assert_eq!(events, expected.collect::<Vec<_>>());
    });
}

#[test]
fn a_virtual_clock_passes_in_waits() {
    everywhere(|mut w| {
        let mut absolute = clock(1, 1, 1_500);
        absolute[40] = 1;
        let hour = 3_600_000_000_000;
        for (subscription, now) in [(clock(1, 1, 1_000), 1_000), (absolute, 1_500), (clock(1, 0, hour), 1_500 + hour)] {
            assert_eq!(w.act("poll_oneoff", &[In(subscription), Out(32), Is(1), Out(4)]).unwrap(), 0);
            assert_eq!((w.u32(3), w.bytes(1, 11)[8..].to_vec()), (1, vec![0, 0, 0]));
            assert_eq!(w.act("clock_time_get", &[Is(0), Is(0), Out(8)]).unwrap(), 0);
            assert_eq!(w.u64(2), now);
        }
    });
}

#[test]
fn clocks_and_random_bytes_of_the_host() {
    for (engine, ..) in engines() {
        let mut w = World::with(engine, |grants| (grants.clock, grants.random) = (Clock::Real, Random::System));
        for id in 0..4 {
            assert_eq!(w.act("clock_res_get", &[Is(id), Out(8)]).unwrap(), 0);
            assert!(w.u64(1) > 0);
            assert_eq!(w.act("clock_time_get", &[Is(id), Is(0), Out(8)]).unwrap(), 0);
            // 2020 is over; other clocks begin with the program.
            assert_eq!(w.u64(2) > 1_577_836_800_000_000_000, id == 0, "{id}");
        }
        let mut bytes = || {
            assert_eq!(w.act("random_get", &[Room(32)]).unwrap(), 0);
            w.bytes(0, 32)
        };
        assert_ne!(bytes(), bytes());
    }
}

#[test]
fn paths_are_text_without_a_nul_and_not_too_long() {
    everywhere(|mut w| {
        let at = 8_192;
        let mut asked = |bytes: &[u8]| {
            w.memory()[at..][..bytes.len()].copy_from_slice(bytes);
            w.memory()[1_024] = b'z';
            let (at, length) = (at as i64, bytes.len() as i64);
            let create = w.call("path_create_directory", &[RW.into(), at, length]).unwrap();
            assert_eq!(w.call("path_symlink", &[at, length, RW.into(), 1_024, 1]).unwrap(), create);
            create
        };
        for bytes in [&b"\xff"[..], b"a\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"caf\xe9/../f"] {
            assert_eq!(asked(bytes), ILSEQ, "{bytes:?}");
        }
        assert_eq!(asked(b"new\0"), INVAL);
        assert_eq!(asked(b"\0"), INVAL);
        assert_eq!(asked(&[b'n'; 4_097]), NAMETOOLONG);
        assert_eq!(asked(&[b'n'; 4_096]), NAMETOOLONG);
        assert_eq!(w.call("path_create_directory", &[RW.into(), at as i64, 256]).unwrap(), NAMETOOLONG);
        assert_eq!(w.call("path_create_directory", &[RW.into(), at as i64, 255]).unwrap(), 0);
    });
}

#[test]
fn lists_have_a_bound() {
    everywhere(|mut w| {
        // 1,024 buffers without a byte, and one more.
        for (count, expected) in [(1_024, 0), (1_025, INVAL), (-1, INVAL), (1 << 29, INVAL)] {
            assert_eq!(w.call("fd_read", &[FILE.into(), 8_192, count, 1_024]).unwrap(), expected, "{count}");
            assert_eq!(w.call("fd_write", &[FILE.into(), 8_192, count, 1_024]).unwrap(), expected, "{count}");
        }
    });
}

#[test]
fn a_thousand_and_twenty_four_descriptors() {
    everywhere(|mut w| {
        for number in NEXT..1_024 {
            assert_eq!(open(&mut w, RW, "f", 0, 0), Ok(number));
        }
        assert_eq!(open(&mut w, RW, "new", 1, 0), Err(33));
        assert!(!w.host.path().join("rw/new").exists());
        assert_eq!(w.act("sock_accept_v2", &[Fd(LISTENER), Is(0), Out(4)]).unwrap(), 33);
        assert_eq!(w.act("fd_close", &[Fd(500)]).unwrap(), 0);
        assert_eq!(open(&mut w, RW, "new", 1, 0), Ok(500));
    });
}

#[test]
fn opening_takes_rights() {
    everywhere(|mut w| {
        // What a descriptor may not, nothing that is opened beneath it may.
        let inheriting = 1 << 1 | 1 << 13;
        let down = [Fd(DIR), Is(1 << 13), Is(inheriting)];
        assert_eq!(w.act("fd_fdstat_set_rights", &down).unwrap(), 0);
        let before = w.state();
        // To make a file, to cut one off, to write.
        assert_eq!(open(&mut w, DIR, "new", 1, 0), Err(NOTCAPABLE));
        assert_eq!(open(&mut w, DIR, "x", 8, 0), Err(NOTCAPABLE));
        assert_eq!(open(&mut w, DIR, "x", 0, 0), Err(NOTCAPABLE));
        w.memory().fill(0);
        assert_eq!(w.state(), before);
        let args = [Fd(DIR), Is(0), Text("x"), Is(0), Is(i64::MAX & !(1 << 6)), Is(i64::MAX), Is(0), Out(4)];
        assert_eq!(w.act("path_open", &args).unwrap(), 0);
        let number = w.u32(7);
        assert_eq!(w.act("fd_fdstat_get", &[Fd(number), Out(24)]).unwrap(), 0);
        assert_eq!((w.u64_at(1, 8), w.u64_at(1, 16)), (1 << 1, 0));
        for (path, oflags) in [("new", 1), ("f", 8), ("f", 0)] {
            assert_eq!(open(&mut w, RO, path, oflags, 0), Err(NOTCAPABLE));
            assert!(w.log().contains("path_open") && w.log().contains("without :ro"));
        }
        assert!(!w.host.path().join("ro/new").exists());
        assert_eq!(std::fs::read(w.host.path().join("ro/f")).unwrap(), b"hello");
    });
}

#[test]
fn other_types_do_not_link() {
    let (_, engine, _) = &engines()[0];
    let mut linker = Linker::new(engine);
    add_to_linker(&mut linker, |wasi: &mut Wasi| wasi).unwrap();
    for (name, signature) in [
        // As SSVM 0.7 had them.
        ("path_filestat_set_times", "(param i32 i32 i32 i32 i32 i32 i32) (result i32)"),
        ("path_readlink", "(param i32 i32 i32 i32 i32) (result i32)"),
        ("fd_write", "(param i32 i32 i32 i32) (result i64)"),
    ] {
        let text = format!("(module (import \"wasi_snapshot_preview1\" {name:?} (func {signature})))");
        let module = Module::new(engine, &wat::parse_str(text).unwrap()).unwrap();
        let mut world = World::bare("interpreter");
        assert!(linker.instantiate(&mut world.store, &module).is_err(), "{name}");
    }
}

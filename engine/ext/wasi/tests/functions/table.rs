//! The functions, a row each: arguments that are fine and what comes of them, what each takes, and what it refuses.

use crate::guest::*;
use Arg::*;

/// A function.
pub struct Case {
    pub name: &'static str,
    pub args: Vec<Arg>,
    /// What it answers to them.
    pub answers: u32,
    /// Whether all is as it should be afterwards.
    pub check: fn(&mut World),
    /// Rights that it takes: a descriptor, and the number of the right's bit.
    pub rights: &'static [(u32, u32)],
    /// What it answers in a program to which nothing is granted.
    pub ungranted: u32,
    /// Whether it costs by the KiB as well.
    pub moves: bool,
    /// Another argument in place of one, and the error number that it is refused with.
    pub refused: Vec<(usize, Arg, u32)>,
}

fn case(name: &'static str, args: impl Into<Vec<Arg>>, check: fn(&mut World)) -> Case {
    let (args, refused) = (args.into(), Vec::new());
    Case { name, args, answers: 0, check, rights: &[], ungranted: BADF, moves: false, refused }
}

impl Case {
    fn rights(self, rights: &'static [(u32, u32)]) -> Self {
        Self { rights, ..self }
    }

    fn ungranted(self, ungranted: u32) -> Self {
        Self { ungranted, ..self }
    }

    fn moves(self) -> Self {
        Self { moves: true, ..self }
    }

    fn refuses(self, refused: impl Into<Vec<(usize, Arg, u32)>>) -> Self {
        Self { refused: refused.into(), ..self }
    }
}

// Error numbers, as preview 1 has them.
pub const BADF: u32 = 8;
pub const DQUOT: u32 = 19;
const EXIST: u32 = 20;
pub const FAULT: u32 = 21;
pub const FBIG: u32 = 22;
pub const ILSEQ: u32 = 25;
pub const INVAL: u32 = 28;
const ISDIR: u32 = 31;
const LOOP: u32 = 32;
pub const NAMETOOLONG: u32 = 37;
const NOENT: u32 = 44;
pub const NOSPC: u32 = 51;
const NOTDIR: u32 = 54;
const NOTEMPTY: u32 = 55;
const NOTSOCK: u32 = 57;
const NOTSUP: u32 = 58;
const PERM: u32 = 63;
const SPIPE: u32 = 70;
const XDEV: u32 = 75;
pub const NOTCAPABLE: u32 = 76;

/// A subscription to a clock, relative.
pub fn clock(userdata: u64, id: u32, nanoseconds: u64) -> Vec<u8> {
    let mut bytes = vec![0; 48];
    bytes[..8].copy_from_slice(&userdata.to_le_bytes());
    bytes[16..20].copy_from_slice(&id.to_le_bytes());
    bytes[24..32].copy_from_slice(&nanoseconds.to_le_bytes());
    bytes
}

/// A subscription to a descriptor: to read (1), or to write (2).
pub fn ready(userdata: u64, tag: u8, fd: u32) -> Vec<u8> {
    let mut bytes = clock(userdata, fd, 0);
    bytes[8] = tag;
    bytes
}

/// What a descriptor of ours is: kind, flags, rights.
fn fdstat(world: &mut World, fd: u32) -> (u8, u16, u64) {
    assert_eq!(world.act("fd_fdstat_get", &[Fd(fd), Out(24)]).unwrap(), 0);
    let bytes = world.bytes(1, 24);
    (bytes[0], u16::from_le_bytes([bytes[2], bytes[3]]), world.u64_at(1, 8))
}

/// Times of a file: when it was read, when it was written.
fn times(world: &mut World, path: &'static str) -> (u64, u64) {
    assert_eq!(world.act("path_filestat_get", &[Fd(RW), Is(0), Text(path), Out(64)]).unwrap(), 0);
    (world.u64_at(3, 40), world.u64_at(3, 48))
}

fn there(world: &World, name: &str) -> bool {
    std::fs::symlink_metadata(world.host.path().join("rw").join(name)).is_ok()
}

/// Rights to read and seek.
const READING: i64 = 1 << 1 | 1 << 2;

/// All functions.
pub fn table() -> Vec<Case> {
    [system(), descriptors(), contents(), paths(), links(), sockets()].into_iter().flatten().collect()
}

fn system() -> Vec<Case> {
    vec![
        case("args_get", [Out(8), Out(11)], |w| {
            let at = w.laid.at[1];
            assert_eq!(w.bytes(0, 8), [at.to_le_bytes(), (at + 8).to_le_bytes()].concat());
            assert_eq!(w.bytes(1, 12), b"program\0-v\0\0");
        })
        .ungranted(0)
        .moves(),
        case("args_sizes_get", [Out(4), Out(4)], |w| assert_eq!((w.u32(0), w.u32(1)), (2, 11))).ungranted(0),
        case("environ_get", [Out(4), Out(4)], |w| {
            assert_eq!(w.u32(0), w.laid.at[1]);
            assert_eq!(w.bytes(1, 5), b"A=b\0\0");
        })
        .ungranted(0)
        .moves(),
        case("environ_sizes_get", [Out(4), Out(4)], |w| assert_eq!((w.u32(0), w.u32(1)), (1, 4))).ungranted(0),
        case("clock_res_get", [Is(1), Out(8)], |w| assert_eq!(w.u64(1), 1))
            .ungranted(NOTCAPABLE)
            .refuses([(0, Is(4), INVAL), (0, Is(-1), INVAL)]),
        case("clock_time_get", [Is(0), Is(0), Out(8)], |w| assert_eq!(w.u64(2), 0))
            .ungranted(NOTCAPABLE)
            .refuses([(0, Is(4), INVAL), (0, Is(i64::from(i32::MIN)), INVAL)]),
        // The file can be read at once: the clock does not pass.
        case("poll_oneoff", [In([clock(7, 0, 1_000), ready(8, 1, FILE)].concat()), Out(64), Is(2), Out(4)], |w| {
            assert_eq!(w.u32(3), 1);
            let event = w.bytes(1, 64);
            assert_eq!((&event[..8], &event[8..11], event[16]), (&8u64.to_le_bytes()[..], &[0, 0, 1][..], 5));
            assert_eq!(event[32..], [0; 32]);
        })
        .ungranted(0)
        .moves()
        .refuses([(2, Is(0), INVAL), (2, Is(4_097), INVAL), (2, Is(-1), INVAL)]),
        case("proc_exit", [Is(7)], |_| {}).ungranted(0),
        Case { answers: NOTSUP, ..case("proc_raise", [Is(9)], |_| {}).ungranted(NOTSUP) },
        case("sched_yield", [], |_| {}).ungranted(0),
        case("random_get", [Room(32)], |w| {
            let bytes = w.bytes(0, 33);
            assert!(bytes[..32].iter().any(|byte| *byte != 0) && bytes[32] == 0);
        })
        .ungranted(NOTCAPABLE)
        .moves(),
    ]
}

fn descriptors() -> Vec<Case> {
    vec![
        case("fd_close", [Fd(FILE)], |w| assert_eq!(w.act("fd_tell", &[Fd(FILE), Out(8)]).unwrap(), BADF)),
        case("fd_fdstat_get", [Fd(FILE), Out(24)], |w| {
            let bytes = w.bytes(1, 24);
            assert_eq!((bytes[0], bytes[2], w.u64_at(1, 8), w.u64_at(1, 16)), (4, 0, 0x8e0_01ff, 0));
        }),
        case("fd_fdstat_set_flags", [Fd(FILE), Is(1)], |w| assert_eq!(fdstat(w, FILE).1, 1))
            .rights(&[(FILE, 3)])
            .refuses([(1, Is(32), INVAL), (1, Is(-1), INVAL), (1, Is(2), NOTSUP), (0, Fd(RW), BADF)]),
        case("fd_fdstat_set_rights", [Fd(FILE), Is(2), Is(0)], |w| {
            assert_eq!(fdstat(w, FILE).2, 2);
            // What was given away does not come back.
            assert_eq!(w.act("fd_fdstat_set_rights", &[Fd(FILE), Is(6), Is(0)]).unwrap(), NOTCAPABLE);
        })
        .refuses([(1, Is(-1), NOTCAPABLE), (2, Is(2), NOTCAPABLE), (1, Is(1 << 9), NOTCAPABLE)]),
        case("fd_filestat_get", [Fd(FILE), Out(64)], |w| {
            let bytes = w.bytes(1, 64);
            assert_eq!((bytes[16], w.u64_at(1, 24), w.u64_at(1, 32)), (4, 1, 5));
        })
        .rights(&[(FILE, 21)]),
        case("fd_filestat_set_times", [Fd(FILE), Is(5), Is(7), Is(5)], |w| assert_eq!(times(w, "f"), (5, 7)))
            .rights(&[(FILE, 23)])
            .refuses([(3, Is(3), INVAL), (3, Is(12), INVAL), (3, Is(16), INVAL), (0, Fd(1), NOTCAPABLE)]),
        case("fd_prestat_get", [Fd(RW), Out(8)], |w| assert_eq!(w.bytes(1, 8), [0, 0, 0, 0, 3, 0, 0, 0])).refuses([
            (0, Fd(FILE), BADF),
            (0, Fd(DIR), BADF),
            (0, Fd(0), BADF),
        ]),
        case("fd_prestat_dir_name", [Fd(RW), Room(3)], |w| assert_eq!(w.bytes(1, 4), b"/rw\0"))
            .refuses([(1, Room(2), NAMETOOLONG), (0, Fd(FILE), NOTDIR)]),
        case("fd_renumber", [Fd(FILE), Fd(DIR)], |w| {
            assert_eq!(fdstat(w, DIR).0, 4);
            assert_eq!(w.act("fd_tell", &[Fd(FILE), Out(8)]).unwrap(), BADF);
        }),
    ]
}

fn contents() -> Vec<Case> {
    vec![
        case("fd_advise", [Fd(FILE), Is(0), Is(1), Is(0)], |w| assert_eq!(w.file("f"), b"hello"))
            .rights(&[(FILE, 7)])
            .refuses([(3, Is(6), INVAL), (1, Is(-1), INVAL), (2, Is(-1), INVAL)]),
        case("fd_allocate", [Fd(FILE), Is(4), Is(4)], |w| assert_eq!(w.file("f"), b"hello\0\0\0"))
            .rights(&[(FILE, 8)])
            .moves()
            .refuses([(2, Is(0), INVAL), (1, Is(-1), FBIG), (2, Is(i64::MAX), FBIG), (0, Fd(DIR), NOTCAPABLE)]),
        case("fd_datasync", [Fd(FILE)], |w| assert_eq!(w.file("f"), b"hello")).rights(&[(FILE, 0)]),
        case("fd_sync", [Fd(DIR)], |_| {}).rights(&[(DIR, 4)]).refuses([(0, Fd(1), NOTCAPABLE)]),
        case("fd_filestat_set_size", [Fd(FILE), Is(8)], |w| assert_eq!(w.file("f"), b"hello\0\0\0"))
            .rights(&[(FILE, 22)])
            .moves()
            .refuses([(1, Is(-1), FBIG), (0, Fd(1), NOTCAPABLE)]),
        case("fd_read", [Fd(FILE), Read(&[2, 10]), Out(4)], |w| {
            assert_eq!((w.u32(2), w.buffer(1, 0, 3), w.buffer(1, 1, 4)), (5, b"he\0".to_vec(), b"llo\0".to_vec()));
            // The end.
            assert_eq!(w.act("fd_read", &[Fd(FILE), Read(&[2, 10]), Out(4)]).unwrap(), 0);
            assert_eq!(w.u32(2), 0);
        })
        .rights(&[(FILE, 1)])
        .moves()
        .refuses([(0, Fd(DIR), NOTCAPABLE)]),
        case("fd_pread", [Fd(FILE), Read(&[2, 1]), Is(2), Out(4)], |w| {
            assert_eq!((w.u32(3), w.buffer(1, 0, 3), w.buffer(1, 1, 2)), (3, b"ll\0".to_vec(), b"o\0".to_vec()));
            assert_eq!(w.act("fd_tell", &[Fd(FILE), Out(8)]).unwrap(), 0);
            assert_eq!(w.u64(1), 0);
        })
        .rights(&[(FILE, 1), (FILE, 2)])
        .moves()
        .refuses([(2, Is(-1), INVAL), (0, Fd(0), NOTCAPABLE)]),
        case("fd_write", [Fd(FILE), Write(&["he", "y"]), Out(4)], |w| {
            assert_eq!((w.u32(2), w.file("f")), (3, b"heylo".to_vec()));
            assert_eq!(w.act("fd_write", &[Fd(FILE), Write(&["!"]), Out(4)]).unwrap(), 0);
            assert_eq!(w.file("f"), b"hey!o");
            assert_eq!(w.act("fd_write", &[Fd(1), Write(&["out"]), Out(4)]).unwrap(), 0);
            assert_eq!(w.store.data().stdout().take(), b"out");
        })
        .rights(&[(FILE, 6)])
        .moves()
        .refuses([(0, Fd(DIR), NOTCAPABLE)]),
        case("fd_pwrite", [Fd(FILE), Write(&["ab", "c"]), Is(4), Out(4)], |w| {
            assert_eq!((w.u32(3), w.file("f")), (3, b"hellabc".to_vec()));
        })
        .rights(&[(FILE, 6), (FILE, 2)])
        .moves()
        .refuses([(0, Fd(1), NOTCAPABLE)]),
        case("fd_seek", [Fd(FILE), Is(-2), Is(2), Out(8)], |w| assert_eq!(w.u64(3), 3)).rights(&[(FILE, 2)]).refuses([
            (1, Is(-6), INVAL),
            (1, Is(i64::MAX), INVAL),
            (1, Is(i64::MIN), INVAL),
            (2, Is(3), INVAL),
            (0, Fd(1), SPIPE),
            (0, Fd(RW), BADF),
        ]),
        case("fd_tell", [Fd(FILE), Out(8)], |w| assert_eq!(w.u64(1), 0))
            .rights(&[(FILE, 5)])
            .refuses([(0, Fd(1), SPIPE), (0, Fd(RW), BADF)]),
        case("fd_readdir", [Fd(RW), Room(400), Is(0), Out(4)], |w| {
            let used = w.u32(3) as usize;
            let bytes = w.bytes(1, used);
            let (mut at, mut names) = (0, Vec::new());
            while at < used {
                let length = usize::from(bytes[at + 16]);
                names.push((bytes[at], bytes[at + 20], bytes[at + 24..][..length].to_vec()));
                at += 24 + length;
            }
            let expected = [(3, "."), (3, ".."), (3, "d"), (3, "e"), (4, "f"), (4, "g"), (7, "l")];
            let expected = (1..).zip(expected).map(|(cookie, (kind, name))| (cookie, kind, name.as_bytes().to_vec()));
            assert_eq!(names, expected.collect::<Vec<_>>());
        })
        .rights(&[(RW, 14)])
        .moves()
        .refuses([(0, Fd(FILE), NOTCAPABLE)]),
    ]
}

fn paths() -> Vec<Case> {
    vec![
        case("path_create_directory", [Fd(RW), Text("new")], |w| assert!(w.host.path().join("rw/new").is_dir()))
            .rights(&[(RW, 9)])
            .moves()
            .refuses([(1, Text("d"), EXIST), (1, Text("../new"), PERM), (1, Text(""), NOENT), (0, Fd(FILE), NOTDIR)]),
        case("path_filestat_get", [Fd(RW), Is(1), Text("l"), Out(64)], |w| {
            assert_eq!((w.bytes(3, 64)[16], w.u64_at(3, 32)), (4, 5));
            assert_eq!(w.act("path_filestat_get", &[Fd(RW), Is(0), Text("l"), Out(64)]).unwrap(), 0);
            assert_eq!(w.bytes(3, 64)[16], 7);
        })
        .rights(&[(RW, 18)])
        .moves()
        .refuses([
            (1, Is(2), INVAL),
            (2, Text("none"), NOENT),
            (2, Text("/etc"), PERM),
            (2, Text("f\0"), INVAL),
            (0, Fd(1), NOTDIR),
        ]),
        case("path_filestat_set_times", [Fd(RW), Is(1), Text("l"), Is(5), Is(7), Is(5)], |w| {
            assert_eq!(times(w, "f"), (5, 7));
        })
        .rights(&[(RW, 20)])
        .moves()
        .refuses([(1, Is(-1), INVAL), (5, Is(3), INVAL), (2, Text(".."), PERM), (0, Fd(FILE), NOTDIR)]),
        case("path_open", [Fd(RW), Is(1), Text("l"), Is(0), Is(READING), Is(0), Is(0), Out(4)], |w| {
            assert_eq!(w.u32(7), NEXT);
            assert_eq!(fdstat(w, NEXT), (4, 0, READING as u64));
            assert_eq!(w.act("fd_read", &[Fd(NEXT), Read(&[8]), Out(4)]).unwrap(), 0);
            assert_eq!(w.buffer(1, 0, 5), b"hello");
        })
        .rights(&[(RW, 13)])
        .moves()
        .refuses([
            (1, Is(2), INVAL),
            (1, Is(0), LOOP),
            (2, Text("none"), NOENT),
            (2, Text("../rw/f"), PERM),
            (2, Text("/"), PERM),
            (2, Text("f/"), NOTDIR),
            (3, Is(2), NOTDIR),
            (3, Is(3), INVAL),
            (3, Is(5), EXIST),
            (3, Is(16), INVAL),
            (6, Is(32), INVAL),
            (0, Fd(FILE), NOTDIR),
            (0, Fd(LISTENER), NOTDIR),
        ]),
        case("path_remove_directory", [Fd(RW), Text("e")], |w| assert!(!there(w, "e")))
            .rights(&[(RW, 25)])
            .moves()
            .refuses([(1, Text("d"), NOTEMPTY), (1, Text("f"), NOTDIR), (1, Text(".."), PERM), (0, Fd(FILE), NOTDIR)]),
        case("path_rename", [Fd(RW), Text("f"), Fd(DIR), Text("new")], |w| {
            assert!(!there(w, "f"));
            assert_eq!(w.file("d/new"), b"hello");
        })
        .rights(&[(RW, 16), (DIR, 17)])
        .moves()
        .refuses([
            (1, Text("none"), NOENT),
            (1, Text("../ro/f"), PERM),
            (3, Text("../new"), PERM),
            (2, Fd(MEMORY), XDEV),
            (0, Fd(FILE), NOTDIR),
        ]),
        case("path_unlink_file", [Fd(RW), Text("g")], |w| assert!(!there(w, "g")))
            .rights(&[(RW, 26)])
            .moves()
            .refuses([(1, Text("d"), ISDIR), (1, Text("none"), NOENT), (1, Text("../ro/f"), PERM), (0, Fd(1), NOTDIR)]),
    ]
}

fn links() -> Vec<Case> {
    vec![
        case("path_link", [Fd(RW), Is(0), Text("f"), Fd(DIR), Text("new")], |w| {
            assert_eq!(w.file("d/new"), b"hello");
            assert_eq!(w.act("fd_filestat_get", &[Fd(FILE), Out(64)]).unwrap(), 0);
            assert_eq!(w.u64_at(1, 24), 2);
        })
        .rights(&[(RW, 11), (DIR, 12)])
        .moves()
        .refuses([
            (1, Is(2), INVAL),
            (2, Text("d"), PERM),
            (2, Text("../ro/f"), PERM),
            (4, Text("x"), EXIST),
            (4, Text("/new"), PERM),
            (3, Fd(MEMORY), XDEV),
            (0, Fd(1), NOTDIR),
        ]),
        case("path_readlink", [Fd(RW), Text("l"), Room(8), Out(4)], |w| {
            assert_eq!((w.u32(3), w.bytes(2, 2)), (1, b"f\0".to_vec()));
        })
        .rights(&[(RW, 15)])
        .moves()
        .refuses([(1, Text("f"), INVAL), (1, Text("../rw/l"), PERM), (0, Fd(FILE), NOTDIR)]),
        case("path_symlink", [Text("f"), Fd(DIR), Text("new")], |w| {
            assert_eq!(std::fs::read_link(w.host.path().join("rw/d/new")).unwrap().to_str(), Some("f"));
        })
        .rights(&[(DIR, 24)])
        .moves()
        .refuses([
            (0, Text("/etc"), PERM),
            (0, Text(""), NOENT),
            (2, Text("x"), EXIST),
            (2, Text("../new"), PERM),
            (1, Fd(FILE), NOTDIR),
        ]),
    ]
}

fn sockets() -> Vec<Case> {
    vec![
        case("sock_accept_v2", [Fd(LISTENER), Is(4), Out(4)], |w| {
            assert_eq!(w.u32(2), NEXT);
            assert_eq!((fdstat(w, NEXT).0, fdstat(w, NEXT).1), (6, 4));
        })
        .rights(&[(LISTENER, 29)])
        .refuses([(1, Is(32), INVAL), (0, Fd(FILE), NOTSOCK), (0, Fd(CONNECTION), NOTCAPABLE)]),
        case("sock_recv", [Fd(CONNECTION), Read(&[2, 10]), Is(0), Out(4), Out(2)], |w| {
            assert_eq!((w.u32(3), w.bytes(4, 2)), (4, vec![0, 0]));
            assert_eq!((w.buffer(1, 0, 2), w.buffer(1, 1, 3)), (b"pi".to_vec(), b"ng\0".to_vec()));
        })
        .rights(&[(CONNECTION, 1)])
        .moves()
        .refuses([(2, Is(4), INVAL), (0, Fd(FILE), NOTSOCK), (0, Fd(LISTENER), NOTCAPABLE)]),
        case("sock_send", [Fd(CONNECTION), Write(&["po", "ng"]), Is(0), Out(4)], |w| {
            assert_eq!((w.u32(3), w.received()), (4, b"pong".to_vec()));
        })
        .rights(&[(CONNECTION, 6)])
        .moves()
        .refuses([(2, Is(1), INVAL), (0, Fd(1), NOTSOCK), (0, Fd(LISTENER), NOTCAPABLE)]),
        case("sock_shutdown", [Fd(CONNECTION), Is(2)], |w| assert_eq!(w.received(), b"end"))
            .rights(&[(CONNECTION, 28)])
            .refuses([(1, Is(0), INVAL), (1, Is(4), INVAL), (0, Fd(FILE), NOTSOCK), (0, Fd(LISTENER), NOTCAPABLE)]),
    ]
}

//! What is read and written, counted and kept: the same for all back ends; and what only one of them has.

mod common;

use common::{Back, SENTINEL};
use gristmill_ext_wasi::errno::Errno;
use gristmill_ext_wasi::fs::memory::{COST, MemoryFs};
use gristmill_ext_wasi::fs::{Directory, File, Flags, Kind, Open, Opened, Result, Time, host};
use rustix::fs::{FileType, Mode, OFlags};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

fn both() -> Open {
    Open { create: true, read: true, write: true, ..Open::default() }
}

fn open(root: &dyn Directory, path: &str, how: Open) -> Result<Box<dyn File>> {
    match root.open(path, how)? {
        Opened::File(file) => Ok(file),
        Opened::Directory(_) => Err(Errno::Isdir),
    }
}

fn contents(file: &mut dyn File) -> Vec<u8> {
    let mut bytes = vec![0; 100];
    let count = file.read_at(&mut bytes, 0).unwrap();
    bytes.truncate(count);
    bytes
}

#[test]
fn files() {
    for back in Back::all() {
        let root = back.open();
        let mut file = open(&*root, "f", both()).unwrap();
        assert_eq!(file.write_at(b"hello", 0), Ok(5));
        assert_eq!(file.write_at(b"!", 7), Ok(1));
        assert_eq!(contents(&mut *file), b"hello\0\0!", "{}", back.name());
        assert_eq!(file.read_at(&mut [0; 4], 8), Ok(0));
        assert_eq!(file.read_at(&mut [0; 4], 1 << 60), Ok(0));
        assert_eq!(file.read_at(&mut [0; 4], u64::MAX), Err(Errno::Inval), "{}", back.name());
        assert_eq!(file.write_at(b"x", u64::MAX), Err(Errno::Inval), "{}", back.name());
        assert_eq!(file.read(&mut [0; 4]), Err(Errno::Spipe));
        assert_eq!(file.append(b"x"), Err(Errno::Spipe));
        assert_eq!(file.set_size(3), Ok(()));
        assert_eq!(file.set_size(4), Ok(()));
        assert_eq!(file.set_size(u64::MAX), Err(Errno::Inval), "{}", back.name());
        assert_eq!(contents(&mut *file), b"hel\0");
        assert_eq!(file.allocate(2, 4), Ok(()));
        assert_eq!(file.allocate(0, 1), Ok(()));
        assert_eq!(file.allocate(0, 0), Err(Errno::Inval), "{}", back.name());
        assert_eq!(file.stat().map(|stat| (stat.kind, stat.size)), Ok((Kind::Regular, 6)), "{}", back.name());
        assert_eq!((file.sync(true), file.sync(false), root.sync()), (Ok(()), Ok(()), Ok(())));
        assert!(file.waits().is_none());

        let mut other = open(&*root, "f", Open { write: true, ..Open::default() }).unwrap();
        assert_eq!(other.read_at(&mut [0; 4], 0), Err(Errno::Badf), "{}", back.name());
        other.set_flags(Flags { append: true, ..Flags::default() }).unwrap();
        assert_eq!(other.append(b"end"), Ok(3), "{}", back.name());
        assert_eq!(contents(&mut *file), b"hel\0\0\0end", "{}", back.name());
        other.set_flags(Flags::default()).unwrap();
        assert_eq!(other.write_at(b"H", 0), Ok(1));
        assert_eq!(contents(&mut *file), b"Hel\0\0\0end", "{}", back.name());
        for flags in [Flags { dsync: true, ..Flags::default() }, Flags { sync: true, ..Flags::default() }] {
            assert_eq!(other.set_flags(flags), Err(Errno::Notsup), "{}", back.name());
        }

        let mut only_read = open(&*root, "f", Open { read: true, ..Open::default() }).unwrap();
        assert_eq!(only_read.write_at(b"x", 0), Err(Errno::Badf), "{}", back.name());
        assert_eq!(only_read.set_size(0), Err(Errno::Inval), "{}", back.name());
        assert_eq!(only_read.allocate(0, 1), Err(Errno::Badf), "{}", back.name());
    }
}

#[test]
fn names_inodes_and_what_has_no_name() {
    for back in Back::all() {
        let root = back.open();
        let mut file = open(&*root, "f", both()).unwrap();
        file.write_at(b"kept", 0).unwrap();
        root.link("f", false, &*root, "g").unwrap();
        let (f, g) = (root.stat_at("f", false).unwrap(), root.stat_at("g", false).unwrap());
        assert_eq!((f.inode, f.device, f.links), (g.inode, g.device, 2), "{}", back.name());
        let entries = root.entries().unwrap();
        let listed: Vec<_> = entries.iter().map(|entry| (&entry.name[..], entry.kind)).collect();
        let dots = [(&b"."[..], Kind::Directory), (b"..", Kind::Directory)];
        assert_eq!(listed, [&dots[..], &[(b"f", Kind::Regular), (b"g", Kind::Regular)]].concat(), "{}", back.name());
        assert_eq!((entries[0].inode, entries[2].inode), (root.stat().unwrap().inode, f.inode));
        root.unlink("f").unwrap();
        assert_eq!(file.stat().unwrap().links, 1);
        root.unlink("g").unwrap();
        assert_eq!(file.stat().unwrap().links, 0, "{}", back.name());
        assert_eq!(contents(&mut *file), b"kept", "{}", back.name());
        open(&*root, "f", both()).unwrap();
        assert_ne!(root.stat_at("f", false).unwrap().inode, f.inode, "{}", back.name());

        root.create_directory("d").unwrap();
        root.create_directory("d/e").unwrap();
        assert_eq!(root.stat_at("d", false).unwrap().kind, Kind::Directory);
    }
}

#[test]
fn times() {
    for back in Back::all() {
        let root = back.open();
        let mut file = open(&*root, "f", both()).unwrap();
        root.symlink("f", "link").unwrap();
        let (accessed, modified) = (1_500_000_000_123_456_789, 7);
        file.set_times(Time::At(accessed), Time::At(modified)).unwrap();
        file.set_times(Time::Kept, Time::Kept).unwrap();
        let stat = root.stat_at("f", false).unwrap();
        assert_eq!((stat.accessed, stat.modified), (accessed, modified), "{}", back.name());
        root.set_times_at("link", false, Time::At(1), Time::At(2)).unwrap();
        let stat = root.stat_at("link", false).unwrap();
        assert_eq!((stat.accessed, stat.modified), (1, 2), "{}", back.name());
        root.set_times_at("link", true, Time::At(3), Time::Kept).unwrap();
        let stat = root.stat_at("link", true).unwrap();
        assert_eq!((stat.accessed, stat.modified), (3, modified), "{}", back.name());
        root.set_times(Time::At(4), Time::Now).unwrap();
        assert_eq!(root.stat().unwrap().accessed, 4, "{}", back.name());
        root.set_times_at(".", false, Time::At(5), Time::Now).unwrap();
        assert_eq!(root.stat().unwrap().accessed, 5, "{}", back.name());
    }
}

#[test]
fn pipes_and_devices_do_not_hold_up_the_host() {
    for back in [Back::host(true), Back::host(false)] {
        let root = back.open();
        let path = back.path().unwrap().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let write = Open { write: true, ..Open::default() };
        assert_eq!(open(&*root, "pipe", write).err(), Some(Errno::Nxio));
        let mut reader = open(&*root, "pipe", Open { read: true, ..Open::default() }).unwrap();
        let mut writer = open(&*root, "pipe", Open { follow: true, create: true, truncate: true, ..write }).unwrap();
        assert_eq!(reader.stat().unwrap().kind, Kind::Unknown);
        assert_eq!(reader.read_at(&mut [0; 4], 0), Err(Errno::Spipe));
        assert_eq!(writer.append(b"through"), Ok(7));
        let mut bytes = [0; 16];
        assert_eq!(reader.read(&mut bytes), Ok(7));
        // What was not asked for is no longer set; what was, is.
        let flags = |file: &dyn File| rustix::fs::fcntl_getfl(file.waits().unwrap()).unwrap();
        assert!(!flags(&*reader).contains(OFlags::NONBLOCK));
        reader.set_flags(Flags { nonblock: true, ..Flags::default() }).unwrap();
        assert!(flags(&*reader).contains(OFlags::NONBLOCK));
        assert_eq!(reader.read(&mut bytes), Err(Errno::Again));
        // As much as fits, and then it says so.
        assert_eq!(writer.append(&[1; 100_000]), Ok(4096));
        writer.set_flags(Flags { nonblock: true, ..Flags::default() }).unwrap();
        let written = std::iter::repeat_with(|| writer.append(&[1; 100_000])).find(|written| written.is_err());
        assert_eq!(written, Some(Err(Errno::Again)));
        assert!(root.entries().unwrap().iter().any(|entry| entry.name == b"pipe" && entry.kind == Kind::Unknown));

        let _socket = std::os::unix::net::UnixListener::bind(back.path().unwrap().join("socket")).unwrap();
        assert_eq!(open(&*root, "socket", Open { read: true, ..Open::default() }).err(), Some(Errno::Nxio));
    }
    let devices = host::open("/dev".as_ref()).unwrap();
    let mut null = open(&*devices, "null", Open { read: true, write: true, ..Open::default() }).unwrap();
    assert_eq!((null.read(&mut [0; 4]), null.append(b"x")), (Ok(0), Ok(1)));
    assert_eq!(null.stat().unwrap().kind, Kind::Character);
    assert!(null.waits().is_some());
}

#[test]
fn streams_of_the_process() {
    for stream in [host::stdin(), host::stdout(), host::stderr()] {
        let mut stream = stream.unwrap();
        stream.stat().unwrap();
        let flags = |stream: &dyn File| stream.waits().map(|fd| rustix::fs::fcntl_getfl(fd).unwrap());
        let before = flags(&*stream);
        stream.set_flags(Flags { nonblock: true, append: true, ..Flags::default() }).unwrap();
        // They are those of whoever has started the process, too.
        assert_eq!(flags(&*stream), before);
    }
    assert_eq!(host::stderr().unwrap().append(b""), Ok(0));
}

#[test]
fn not_a_directory_of_the_host() {
    assert_eq!(host::open("/dev/null".as_ref()).err(), Some(Errno::Notdir));
    assert_eq!(host::open("/none/at/all".as_ref()).err(), Some(Errno::Noent));
}

/// While another process has a directory become a link that leads out, and back.
#[test]
fn a_race_does_not_lead_out() {
    for back in [Back::host(true), Back::host(false)] {
        let root = back.open();
        let granted = back.path().unwrap();
        std::fs::create_dir_all(granted.join("dir/deep")).unwrap();
        std::os::unix::fs::symlink("..", granted.join("link")).unwrap();
        std::os::unix::fs::symlink(granted.parent().unwrap(), granted.join("absolute")).unwrap();
        let stop = AtomicBool::new(false);
        let (mut tried, mut out) = (0, 0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let at = |name: &str| granted.join(name);
                for name in ["link", "absolute"].into_iter().cycle() {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    for (from, to) in [("dir", "x"), ("x", "dir"), (name, "x"), ("x", name)] {
                        std::fs::rename(at(from), at(to)).unwrap();
                    }
                }
            });
            let until = Instant::now() + Duration::from_millis(700);
            while Instant::now() < until {
                for path in ["x/sentinel", "x/deep/../sentinel", "x/deep/../../sentinel", "x/../sentinel"] {
                    for how in [both(), Open { create: false, ..both() }, Open { follow: true, ..both() }] {
                        tried += 1;
                        if let Ok(mut file) = open(&*root, path, how) {
                            out += usize::from(contents(&mut *file) == SENTINEL);
                        }
                    }
                    let _ = root.create_directory("x/made");
                    let _ = root.rename("dir/sentinel", &*root, "x/made2");
                    let _ = root.unlink(path);
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
        println!("{}: {tried} opened", back.name());
        assert_eq!(out, 0, "{}", back.name());
        back.assert_outside_untouched();
    }
}

fn small(limit: u64) -> MemoryFs {
    let ticks = AtomicU64::new(0);
    MemoryFs::new(limit, Arc::new(move || ticks.fetch_add(1, Ordering::Relaxed)))
}

#[test]
fn memory_is_filled_and_read_back() {
    let fs = small(1 << 20);
    fs.add("a/b/c", b"deep").unwrap();
    fs.add("a/b/c", b"dee").unwrap();
    assert_eq!(fs.read("a/b/c"), Ok(b"dee".to_vec()));
    assert_eq!(fs.read("a/b"), Err(Errno::Isdir));
    assert_eq!(fs.read("a/x"), Err(Errno::Noent));
    assert_eq!(fs.read("/a"), Err(Errno::Perm));
    assert_eq!(fs.add("a", b""), Err(Errno::Isdir));
    assert_eq!(fs.add("a/b/c/d", b""), Err(Errno::Notdir));
    for path in ["", "/", "/x", "//x/y", "x/", "\0", "..", "../x", "a/../../x", "a//b/./c/.."] {
        assert!(fs.add(path, b"").is_err(), "{path:?}");
    }
    fs.clone().add("a//d", b"d").unwrap();
    assert_eq!(fs.read("a/d"), Ok(b"d".to_vec()));
    assert!(fs.directory("a/b").is_ok());
    assert_eq!(fs.directory("a/d").err(), Some(Errno::Notdir));
}

#[test]
fn memory_has_a_limit() {
    let fs = small(10 * COST);
    let root = fs.root();
    let mut file = open(&*root, "f", both()).unwrap();
    assert_eq!(fs.used(), 2 * COST);
    // Refused before there is any: nobody has that much.
    for (offset, errno) in [(1 << 40, Errno::Nospc), (1 << 62, Errno::Nospc), (u64::MAX, Errno::Inval)] {
        assert_eq!(file.write_at(b"x", offset), Err(errno));
        assert_eq!(file.set_size(offset), Err(errno));
        assert_eq!(file.allocate(offset, 1), Err(errno));
    }
    assert_eq!(file.allocate(1 << 62, 1 << 62), Err(Errno::Fbig));
    assert_eq!((fs.used(), file.stat().unwrap().size), (2 * COST, 0));
    assert_eq!(file.set_size(8 * COST), Ok(()));
    assert_eq!(file.write_at(b"x", 8 * COST), Err(Errno::Nospc));
    assert_eq!(file.write_at(b"x", 0), Ok(1));
    assert_eq!(root.create_directory("d"), Err(Errno::Nospc));
    assert_eq!(root.symlink("f", "l"), Err(Errno::Nospc));
    assert_eq!(root.link("f", false, &*root, "l"), Err(Errno::Nospc));
    assert_eq!(open(&*root, "g", both()).err(), Some(Errno::Nospc));
    assert_eq!(fs.used(), 10 * COST);
    assert_eq!(root.rename("f", &*root, "g"), Ok(()));
    // An open file is still there.
    root.unlink("g").unwrap();
    assert_eq!(fs.used(), 9 * COST);
    assert_eq!(open(&*root, "h", both()).err(), Some(Errno::Nospc));
    drop(file);
    assert_eq!(fs.used(), 0);
    // Names and nodes count whatever is in them.
    let made = (0..).take_while(|number| root.create_directory(&format!("d{number}")).is_ok()).count();
    assert_eq!((made, fs.used()), (5, 10 * COST));
    for number in 0..made {
        root.remove_directory(&format!("d{number}")).unwrap();
    }
    root.symlink("12345", "l").unwrap();
    assert_eq!(fs.used(), 2 * COST + 5);
    fs.add("f", b"").unwrap();
    root.rename("f", &*root, "l").unwrap();
    assert_eq!(fs.used(), 2 * COST);
    // One that was removed, and what holds it.
    root.create_directory("d").unwrap();
    let held = fs.directory("d").unwrap();
    root.remove_directory("d").unwrap();
    assert_eq!((fs.used(), held.stat().unwrap().links, held.entries().unwrap().len()), (3 * COST, 0, 2));
    drop(held);
    assert_eq!(fs.used(), 2 * COST);
}

#[test]
fn memory_counts_names_and_tells_its_own_time() {
    let fs = small(1 << 20);
    let root = fs.root();
    for path in ["a", "a/b", "c"] {
        root.create_directory(path).unwrap();
    }
    let links = |path| root.stat_at(path, false).unwrap().links;
    assert_eq!((links("."), links("a"), links("a/b")), (4, 3, 2));
    root.rename("a/b", &*root, "c/b").unwrap();
    assert_eq!((links("."), links("a"), links("c")), (4, 2, 3));
    root.rename("a", &*root, "c/b").unwrap();
    assert_eq!((links("."), links("c"), links("c/b")), (3, 3, 2));
    root.remove_directory("c/b").unwrap();
    assert_eq!((links("."), links("c")), (3, 2));

    let before = root.stat().unwrap();
    fs.add("f", b"1").unwrap();
    let after = root.stat().unwrap();
    assert!(after.modified > before.modified && after.changed > before.changed && after.accessed == before.accessed);
    let before = root.stat_at("f", false).unwrap();
    let mut file = open(&*root, "f", both()).unwrap();
    file.read_at(&mut [0], 0).unwrap();
    let read = file.stat().unwrap();
    assert!(read.accessed > before.accessed && read.modified == before.modified);
    file.write_at(b"2", 0).unwrap();
    assert!(file.stat().unwrap().modified > read.modified);
    root.link("f", false, &*root, "g").unwrap();
    assert!(file.stat().unwrap().changed > file.stat().unwrap().modified);
}

#[test]
fn memory_is_used_by_many_threads() {
    let fs = small(1 << 20);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let fs = fs.clone();
            scope.spawn(move || {
                let root = fs.root();
                for round in 0..500 {
                    let name = format!("{}", (thread + round) % 3);
                    let mut file = open(&*root, &name, both()).unwrap();
                    file.write_at(name.as_bytes(), 0).unwrap();
                    let _ = root.rename(&name, &*root, "moved");
                    let _ = root.unlink(&name);
                    assert_eq!(contents(&mut *file), name.as_bytes());
                }
            });
        }
    });
    let root = fs.root();
    for entry in root.entries().unwrap().into_iter().skip(2) {
        root.unlink(std::str::from_utf8(&entry.name).unwrap()).unwrap();
    }
    assert_eq!(fs.used(), 0);
}

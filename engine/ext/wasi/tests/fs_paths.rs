//! Where paths lead, and what is refused: one table for all back ends.

mod common;

use common::{Back, SENTINEL};
use gristmill_ext_wasi::errno::Errno;
use gristmill_ext_wasi::fs::{Directory, Kind, Open, Opened, Result, Time, host};
use std::os::fd::AsRawFd;
use std::path::Path;

const READ: Open = Open {
    follow: true,
    create: false,
    exclusive: false,
    truncate: false,
    directory: false,
    read: true,
    write: false,
    flags: gristmill_ext_wasi::fs::Flags { append: false, nonblock: false, dsync: false, rsync: false, sync: false },
};
const CREATE: Open = Open { create: true, write: true, ..READ };
const NEW: Open = Open { exclusive: true, ..CREATE };
const TRUNCATE: Open = Open { truncate: true, write: true, ..READ };
const DIRECTORY: Open = Open { directory: true, ..READ };

fn nofollow(how: Open) -> Open {
    Open { follow: false, ..how }
}

/// Everything a row may begin with.
fn fill(root: &dyn Directory) {
    let file = |path, bytes: &[u8]| match root.open(path, NEW).unwrap() {
        Opened::File(mut file) => assert_eq!(file.write_at(bytes, 0), Ok(bytes.len())),
        Opened::Directory(_) => unreachable!(),
    };
    for path in ["a", "a/b", "empty", "full"] {
        root.create_directory(path).unwrap();
    }
    file("f", b"hello");
    file("g", b"other");
    file("a/f", b"in a");
    file("a/b/f", b"in b");
    file("full/f", b"");
    for (target, path) in [
        ("f", "to-f"),
        ("a", "to-a"),
        ("a/", "to-a-slash"),
        ("to-a", "to-to-a"),
        ("f/", "to-f-slash"),
        ("none", "dangling"),
        ("..", "up"),
        ("../sentinel", "out"),
        ("../made", "out-dangling"),
        ("out", "to-out"),
        ("../../granted/f", "out-and-in"),
        ("up/sentinel", "through-up"),
        ("a/../..", "round-up"),
        ("loop", "loop"),
        ("loop2", "loop1"),
        ("loop1", "loop2"),
        ("../f", "a/up-f"),
        ("../..", "a/up-up"),
        ("b/../../f", "a/round-f"),
    ] {
        root.symlink(target, path).unwrap();
    }
}

fn open(root: &dyn Directory, path: &str, how: Open) -> Result<String> {
    match root.open(path, how)? {
        Opened::Directory(directory) => Ok(format!("{}", directory.entries()?.len() - 2)),
        Opened::File(file) if !how.read => Ok(format!("{:?}", file.stat()?.kind)),
        Opened::File(mut file) => {
            let mut bytes = [0; 64];
            let count = file.read_at(&mut bytes, 0)?;
            Ok(String::from_utf8_lossy(&bytes[..count]).into_owned())
        }
    }
}

fn stat(root: &dyn Directory, path: &str, follow: bool) -> Result<String> {
    root.stat_at(path, follow).map(|stat| format!("{:?}", stat.kind))
}

type Act = Box<dyn Fn(&dyn Directory) -> Result<String>>;

/// `operation(arguments)` on the directory, and what comes of it.
macro_rules! rows {
    ($($act:ident($($argument:expr),*) => $expected:expr;)*) => {
        vec![$((
            stringify!($act($($argument),*)),
            Box::new(|root: &dyn Directory| rows!(@ root $act($($argument),*))) as Act,
            $expected,
        )),*]
    };
    (@ $root:ident open($path:expr, $how:expr)) => { open($root, $path, $how) };
    (@ $root:ident stat($path:expr, $follow:expr)) => { stat($root, $path, $follow) };
    (@ $root:ident rename($from:expr, $to:expr)) => { $root.rename($from, $root, $to).map(|()| String::new()) };
    (@ $root:ident link($from:expr, $follow:expr, $to:expr)) => { $root.link($from, $follow, $root, $to).map(|()| String::new()) };
    (@ $root:ident read_link($path:expr)) => { $root.read_link($path).map(|target| String::from_utf8(target).unwrap()) };
    (@ $root:ident touch($path:expr, $follow:expr)) => {
        $root.set_times_at($path, $follow, Time::At(5), Time::Kept).map(|()| String::new())
    };
    (@ $root:ident $act:ident($($argument:expr),*)) => { $root.$act($($argument),*).map(|()| String::new()) };
}

fn table() -> Vec<(&'static str, Act, std::result::Result<&'static str, Errno>)> {
    use Errno::*;
    let done = Ok("");
    rows! {
        // Out of the directory.
        open("..", READ) => Err(Perm);
        open("../sentinel", READ) => Err(Perm);
        open("../sentinel", TRUNCATE) => Err(Perm);
        open("../made", CREATE) => Err(Perm);
        open("../granted/f", READ) => Err(Perm);
        open("a/../..", READ) => Err(Perm);
        open("a/../../sentinel", READ) => Err(Perm);
        open("a/b/../../../sentinel", READ) => Err(Perm);
        open("./../sentinel", READ) => Err(Perm);
        open(".//..//sentinel", READ) => Err(Perm);
        open("/etc/passwd", READ) => Err(Perm);
        open("/", DIRECTORY) => Err(Perm);
        open("//f", READ) => Err(Perm);
        open("up", READ) => Err(Perm);
        open("up/", READ) => Err(Perm);
        open("up/", nofollow(READ)) => Err(Perm);
        open("up", nofollow(DIRECTORY)) => Err(Loop);
        open("up/sentinel", READ) => Err(Perm);
        open("up/sentinel", TRUNCATE) => Err(Perm);
        open("up/made", CREATE) => Err(Perm);
        open("out", READ) => Err(Perm);
        open("out", TRUNCATE) => Err(Perm);
        open("to-out", READ) => Err(Perm);
        open("out-and-in", READ) => Err(Perm);
        open("through-up", READ) => Err(Perm);
        open("round-up", DIRECTORY) => Err(Perm);
        open("a/up-up", DIRECTORY) => Err(Perm);
        open("a/up-up/sentinel", READ) => Err(Perm);
        open("out-dangling", CREATE) => Err(Perm);
        open("out-dangling", NEW) => Err(Exist);
        stat("..", true) => Err(Perm);
        stat("../sentinel", false) => Err(Perm);
        stat("out", true) => Err(Perm);
        stat("out", false) => Ok("Link");
        stat("up/", false) => Err(Perm);
        touch("out", true) => Err(Perm);
        touch("out", false) => done;
        touch("../sentinel", false) => Err(Perm);
        create_directory("..") => Err(Perm);
        create_directory("../made") => Err(Perm);
        create_directory("up/made") => Err(Perm);
        create_directory("out-dangling") => Err(Exist);
        create_directory("out-dangling/") => Err(Exist);
        create_directory("/made") => Err(Perm);
        remove_directory("..") => Err(Perm);
        remove_directory("../granted") => Err(Perm);
        remove_directory("up") => Err(Notdir);
        remove_directory("up/") => Err(Notdir);
        unlink("../sentinel") => Err(Perm);
        unlink("up/sentinel") => Err(Perm);
        unlink("out") => done;
        unlink("..") => Err(Perm);
        rename("f", "../made") => Err(Perm);
        rename("f", "up/made") => Err(Perm);
        rename("f", "/made") => Err(Perm);
        rename("../sentinel", "x") => Err(Perm);
        rename("up/sentinel", "x") => Err(Perm);
        rename("out", "x") => done;
        link("f", false, "../made") => Err(Perm);
        link("../sentinel", false, "x") => Err(Perm);
        link("up/sentinel", true, "x") => Err(Perm);
        link("out", true, "x") => Err(Perm);
        link("out", false, "x") => done;
        symlink("/etc", "x") => Err(Perm);
        symlink("/", "x") => Err(Perm);
        symlink("f", "../made") => Err(Perm);
        symlink("f", "up/made") => Err(Perm);
        read_link("up/granted/to-f") => Err(Perm);
        read_link("out") => Ok("../sentinel");

        // Round about, but beneath.
        open("a/../f", READ) => Ok("hello");
        open("a/b/../.././f", READ) => Ok("hello");
        open("a/.//b/../../a/b/..///./f", READ) => Ok("in a");
        open("a/up-f", READ) => Ok("hello");
        open("a/round-f", READ) => Ok("hello");
        open("to-a/b/f", READ) => Ok("in b");
        open("to-to-a/f", READ) => Ok("in a");
        open("to-a/../f", READ) => Ok("hello");
        open("to-a-slash/up-f", READ) => Ok("hello");
        open(".", READ) => Ok("21");
        open("./", DIRECTORY) => Ok("21");
        open("a/..", DIRECTORY) => Ok("21");
        open("a/.", READ) => Ok("5");
        stat(".", false) => Ok("Directory");

        // Names, and none.
        open("", READ) => Err(Noent);
        stat("", true) => Err(Noent);
        create_directory("") => Err(Noent);
        unlink("") => Err(Noent);
        rename("f", "") => Err(Noent);
        symlink("", "x") => Err(Noent);
        open("none", READ) => Err(Noent);
        open("none/x", READ) => Err(Noent);
        open("none/..", READ) => Err(Noent);
        open("f/x", READ) => Err(Notdir);
        open("f/..", READ) => Err(Notdir);
        open("f/.", READ) => Err(Notdir);
        open("f\0", READ) => Err(Inval);
        open("f\0/../../x", READ) => Err(Inval);
        symlink("f\0", "x") => Err(Inval);
        unlink("f\0g") => Err(Inval);
        open("line\nfeed", CREATE) => Ok("");
        open("größe-漢字-🦀", CREATE) => Ok("");
        open("a\\b", CREATE) => Ok("");
        open(&"n".repeat(255), CREATE) => Ok("");
        open(&"n".repeat(256), CREATE) => Err(NameTooLong);
        open(&format!("{}/x", "n".repeat(256)), READ) => Err(NameTooLong);
        create_directory(&"n".repeat(256)) => Err(NameTooLong);
        rename("f", &"n".repeat(256)) => Err(NameTooLong);
        rename("f", &"n".repeat(255)) => done;
        symlink("f", &"n".repeat(256)) => Err(NameTooLong);
        open(&"./".repeat(2500), READ) => Err(NameTooLong);
        open(&"n".repeat(5000), READ) => Err(NameTooLong);
        open(&format!("{}f", "./".repeat(2040)), READ) => Ok("hello");
        symlink(&"n".repeat(5000), "x") => Err(NameTooLong);

        // A slash at the end.
        open("f/", READ) => Err(Notdir);
        open("f///", READ) => Err(Notdir);
        open("a/", READ) => Ok("5");
        open("a///", READ) => Ok("5");
        open("to-a/", nofollow(READ)) => Ok("5");
        open("to-f/", READ) => Err(Notdir);
        open("to-f-slash", READ) => Err(Notdir);
        open("to-a-slash", READ) => Ok("5");
        open("none/", READ) => Err(Noent);
        open("none/", CREATE) => Err(Isdir);
        stat("to-a/", false) => Ok("Directory");
        stat("f/", false) => Err(Notdir);
        stat("to-f/", false) => Err(Notdir);
        touch("to-a/", false) => done;
        touch("f/", true) => Err(Notdir);
        create_directory("x/") => done;
        create_directory("x//") => done;
        create_directory("f/") => Err(Exist);
        remove_directory("empty/") => done;
        remove_directory("empty///") => done;
        remove_directory("f/") => Err(Notdir);
        remove_directory("to-a/") => Err(Notdir);
        unlink("f/") => Err(Notdir);
        unlink("a/") => Err(Isdir);
        unlink("to-a/") => Err(Notdir);
        unlink("none/") => Err(Noent);
        rename("f/", "x") => Err(Notdir);
        rename("f", "x/") => Err(Notdir);
        rename("f", "g/") => Err(Notdir);
        rename("empty/", "x") => done;
        rename("empty", "x/") => done;
        rename("to-a/", "x") => Err(Notdir);
        link("f/", false, "x") => Err(Notdir);
        link("f", false, "x/") => Err(Noent);
        link("f", false, "g/") => Err(Exist);
        link("f", false, "empty/") => Err(Exist);
        symlink("f", "x/") => Err(Noent);
        symlink("f", "empty/") => Err(Exist);
        symlink("f", "g/") => Err(Exist);
        symlink("f", "to-a/") => Err(Exist);
        read_link("to-a/") => Err(Inval);
        read_link("to-f/") => Err(Notdir);

        // Links.
        open("to-f", READ) => Ok("hello");
        open("to-f", nofollow(READ)) => Err(Loop);
        open("to-a", nofollow(DIRECTORY)) => Err(Loop);
        open("to-a", nofollow(READ)) => Err(Loop);
        open("loop", READ) => Err(Loop);
        open("loop1", READ) => Err(Loop);
        open("loop1/x", READ) => Err(Loop);
        open("loop/", READ) => Err(Loop);
        open("loop", nofollow(READ)) => Err(Loop);
        open("loop", CREATE) => Err(Loop);
        stat("loop", true) => Err(Loop);
        stat("loop", false) => Ok("Link");
        unlink("loop") => done;
        open("dangling", READ) => Err(Noent);
        open("dangling", CREATE) => Ok("");
        open("dangling", nofollow(CREATE)) => Err(Loop);
        open("dangling", NEW) => Err(Exist);
        open("dangling/", CREATE) => Err(Isdir);
        stat("dangling", true) => Err(Noent);
        create_directory("dangling") => Err(Exist);
        symlink("f", "dangling") => Err(Exist);
        link("dangling", false, "x") => done;
        link("dangling", true, "x") => Err(Noent);
        link("loop", false, "x") => done;
        link("loop", true, "x") => Err(Loop);
        link("to-f", true, "x") => done;
        link("to-a", true, "x") => Err(Perm);
        read_link("to-f") => Ok("f");
        read_link("to-a-slash") => Ok("a/");
        read_link("to-a/up-f") => Ok("../f");
        read_link("f") => Err(Inval);
        read_link("a") => Err(Inval);
        read_link(".") => Err(Inval);
        read_link("none") => Err(Noent);

        // Directories where none is meant, and the reverse.
        open("a", CREATE) => Err(Isdir);
        open("a", TRUNCATE) => Err(Isdir);
        open("a", Open { directory: true, ..TRUNCATE }) => Err(Isdir);
        open("a", NEW) => Err(Exist);
        open(".", CREATE) => Err(Isdir);
        open(".", NEW) => Err(Exist);
        open("f", NEW) => Err(Exist);
        open("f", DIRECTORY) => Err(Notdir);
        open("x", Open { directory: true, ..CREATE }) => Err(Inval);
        open("f", TRUNCATE) => Ok("");
        open("f", CREATE) => Ok("hello");
        create_directory("a") => Err(Exist);
        create_directory("f") => Err(Exist);
        create_directory(".") => Err(Exist);
        create_directory("a/..") => Err(Exist);
        create_directory("f/x") => Err(Notdir);
        unlink("a") => Err(Isdir);
        unlink(".") => Err(Isdir);
        unlink("a/..") => Err(Isdir);
        unlink("f") => done;
        unlink("none") => Err(Noent);
        remove_directory("f") => Err(Notdir);
        remove_directory("to-a") => Err(Notdir);
        remove_directory("full") => Err(Notempty);
        remove_directory(".") => Err(Inval);
        remove_directory("empty/.") => Err(Inval);
        remove_directory("a/..") => Err(Notempty);
        remove_directory("none") => Err(Noent);
        remove_directory("empty") => done;
        rename("f", "g") => done;
        rename("f", "f") => done;
        rename("a", "a") => done;
        rename("none", "f") => Err(Noent);
        rename("f", "none/x") => Err(Noent);
        rename("f", "g/x") => Err(Notdir);
        rename("empty", "f") => Err(Notdir);
        rename("f", "empty") => Err(Isdir);
        rename("a", "empty") => done;
        rename("empty", "full") => Err(Notempty);
        rename("a", "a/b/x") => Err(Inval);
        rename("a", "a/x") => Err(Inval);
        rename("a", "to-a/x") => Err(Inval);
        rename("a/b", "a") => Err(Notempty);
        rename("a/f", "a") => Err(Notempty);
        rename("a/b", "b") => done;
        rename(".", "x") => Err(Inval);
        rename("f", ".") => Err(Inval);
        rename("a/..", "x") => Err(Inval);
        rename("f", "a/..") => Err(Inval);
        rename("to-f", "x") => done;
        rename("f", "to-f") => done;
        rename("empty", "to-a") => Err(Notdir);
        link("f", false, "x") => done;
        link("f", false, "f") => Err(Exist);
        link("f", false, "a") => Err(Exist);
        link("f", false, ".") => Err(Exist);
        link("a", false, "x") => Err(Perm);
        link(".", false, "x") => Err(Perm);
        link("none", false, "x") => Err(Noent);
        link("f", false, "none/x") => Err(Noent);
        symlink("f", "f") => Err(Exist);
        symlink("f", ".") => Err(Exist);
        symlink("none", "x") => done;
    }
}

#[test]
fn paths() {
    let rows = table();
    let mut wrong = Vec::new();
    for (what, act, expected) in &rows {
        for back in Back::all() {
            let root = back.open();
            fill(&*root);
            let outcome = act(&*root);
            if outcome.as_deref() != expected.as_ref().map(|text| *text) {
                wrong.push(format!("{what}, {}: {outcome:?}, not {expected:?}", back.name()));
            }
            back.assert_outside_untouched();
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    println!("{} rows, 3 back ends", rows.len());
}

#[test]
fn a_dangling_link_that_is_opened_to_create_makes_what_it_leads_to() {
    for back in Back::all() {
        let root = back.open();
        fill(&*root);
        for (link, target, made) in [("a/in", "b/new", "a/b/new"), ("a/over", "../full/new", "full/new")] {
            root.symlink(target, link).unwrap();
            assert_eq!(open(&*root, link, CREATE), Ok(String::new()), "{}", back.name());
            assert_eq!(stat(&*root, made, false), Ok("Regular".into()), "{}", back.name());
            assert_eq!(stat(&*root, link, false), Ok("Link".into()), "{}", back.name());
        }
    }
}

#[test]
fn forty_links_are_followed_and_no_more() {
    for back in Back::all() {
        let root = back.open();
        fill(&*root);
        root.symlink("f", "link1").unwrap();
        for number in 2..=41 {
            root.symlink(&format!("link{}", number - 1), &format!("link{number}")).unwrap();
        }
        assert_eq!(open(&*root, "link40", READ), Ok("hello".into()), "{}", back.name());
        assert_eq!(open(&*root, "link41", READ), Err(Errno::Loop), "{}", back.name());
    }
}

/// The one thing that a walk on the host does not do: each step has a descriptor of ours.
#[test]
fn deep_paths() {
    for back in Back::all() {
        let root = back.open();
        let deep = |depth: usize| vec!["d"; depth].join("/");
        let mut dir = root.clone();
        for depth in 1..=300 {
            dir.create_directory("d").unwrap();
            dir = match dir.open("d", DIRECTORY).unwrap() {
                Opened::Directory(below) => below,
                Opened::File(_) => unreachable!(),
            };
            if depth < 257 {
                assert_eq!(stat(&*root, &deep(depth), true), Ok("Directory".into()), "{}", back.name());
            }
        }
        let refused = back.name() == "host, walk";
        let expected = if refused { Err(Errno::NameTooLong) } else { Ok("Directory".into()) };
        assert_eq!(stat(&*root, &deep(300), true), expected, "{}", back.name());
        let back_again = format!("{}/{}", deep(200), vec![".."; 200].join("/"));
        assert_eq!(open(&*root, &back_again, DIRECTORY), Ok("1".into()), "{}", back.name());
        assert_eq!(open(&*root, &format!("{back_again}/.."), DIRECTORY), Err(Errno::Perm), "{}", back.name());
    }
}

#[test]
fn a_directory_that_was_opened_is_a_root_of_its_own() {
    for back in Back::all() {
        let root = back.open();
        fill(&*root);
        let Opened::Directory(a) = root.open("a", DIRECTORY).unwrap() else { panic!("{}", back.name()) };
        assert_eq!(open(&*a, "f", READ), Ok("in a".into()));
        assert_eq!(open(&*a, "../f", READ), Err(Errno::Perm), "{}", back.name());
        assert_eq!(open(&*a, "up-f", READ), Err(Errno::Perm), "{}", back.name());
        assert_eq!(open(&*a, "b/../..", READ), Err(Errno::Perm), "{}", back.name());
        // Not even after it has moved.
        root.rename("a", &*root, "full/a").unwrap();
        assert_eq!(open(&*a, "b/../..", READ), Err(Errno::Perm), "{}", back.name());
        assert_eq!(open(&*a, "f", READ), Ok("in a".into()));
        let entries = a.entries().unwrap();
        assert_eq!((&entries[0].name[..], &entries[1].name[..]), (&b"."[..], &b".."[..]));
        assert_eq!((entries[0].inode, entries[1].inode), (a.stat().unwrap().inode, a.stat().unwrap().inode));
    }
}

#[test]
fn two_directories() {
    for back in Back::all() {
        let root = back.open();
        fill(&*root);
        let Opened::Directory(a) = root.open("a", DIRECTORY).unwrap() else { panic!("{}", back.name()) };
        let Opened::Directory(empty) = root.open("empty", DIRECTORY).unwrap() else { panic!("{}", back.name()) };
        assert_eq!(a.rename("f", &*empty, "x"), Ok(()), "{}", back.name());
        assert_eq!(a.link("b/f", false, &*empty, "y"), Ok(()), "{}", back.name());
        assert_eq!(empty.stat_at("y", false).map(|stat| stat.links), Ok(2), "{}", back.name());
        assert_eq!(a.rename("b", &*empty, "b"), Ok(()), "{}", back.name());
        for to in ["../x", "/x", "b/../../x"] {
            assert_eq!(a.rename("up-f", &*empty, to), Err(Errno::Perm), "{}", back.name());
            assert_eq!(a.link("up-f", false, &*empty, to), Err(Errno::Perm), "{}", back.name());
            assert_eq!(empty.rename(to, &*a, "x"), Err(Errno::Perm), "{}", back.name());
            assert_eq!(empty.link(to, false, &*a, "x"), Err(Errno::Perm), "{}", back.name());
        }
        // Through a third directory, one would be in itself.
        assert_eq!(root.rename("empty", &*empty, "x"), Err(Errno::Inval), "{}", back.name());
        // A link that was moved leads nowhere else than from where it is.
        assert_eq!(root.rename("out", &*empty, "out"), Ok(()), "{}", back.name());
        assert_eq!(open(&*root, "empty/out", READ), Err(Errno::Noent), "{}", back.name());
        assert_eq!(open(&*empty, "out", READ), Err(Errno::Perm), "{}", back.name());
        // A directory that was removed takes nothing.
        assert_eq!(root.remove_directory("empty"), Err(Errno::Notempty), "{}", back.name());
        for name in ["x", "y", "out", "b/f"] {
            empty.unlink(name).unwrap();
        }
        empty.remove_directory("b").unwrap();
        root.remove_directory("empty").unwrap();
        assert_eq!(open(&*empty, "x", CREATE), Err(Errno::Noent), "{}", back.name());
        assert_eq!(root.rename("f", &*empty, "x"), Err(Errno::Noent), "{}", back.name());
        assert_eq!(root.link("f", false, &*empty, "x"), Err(Errno::Noent), "{}", back.name());
        back.assert_outside_untouched();
    }
    // Nothing moves from one kind to another, or from one file system in memory to another.
    let (host, memory, other) = (Back::host(true), Back::memory(), Back::memory());
    let (host, memory, other) = (host.open(), memory.open(), other.open());
    for root in [&host, &memory, &other] {
        fill(&**root);
    }
    assert_eq!(host.rename("f", &*memory, "x"), Err(Errno::Xdev));
    assert_eq!(memory.link("f", false, &*host, "x"), Err(Errno::Xdev));
    assert_eq!(memory.rename("f", &*other, "x"), Err(Errno::Xdev));
}

#[test]
fn absolute_links_that_others_have_made_lead_nowhere() {
    for back in [Back::host(true), Back::host(false)] {
        let path = back.path().unwrap();
        let outside = path.parent().unwrap();
        let root = back.open();
        fill(&*root);
        std::os::unix::fs::symlink("/etc", path.join("etc")).unwrap();
        std::os::unix::fs::symlink(outside.join("sentinel"), path.join("absolute")).unwrap();
        std::os::unix::fs::symlink(path.join("f"), path.join("absolute-in")).unwrap();
        std::os::unix::fs::symlink(outside.join("made"), path.join("absolute-dangling")).unwrap();
        for name in ["etc", "etc/", "etc/passwd", "absolute", "absolute-in", "absolute-dangling"] {
            assert_eq!(open(&*root, name, READ), Err(Errno::Perm), "{name}, {}", back.name());
            assert_eq!(open(&*root, name, CREATE), Err(Errno::Perm), "{name}, {}", back.name());
            assert_eq!(stat(&*root, name, true), Err(Errno::Perm), "{name}, {}", back.name());
        }
        assert_eq!(root.link("absolute", true, &*root, "x"), Err(Errno::Perm), "{}", back.name());
        assert_eq!(root.set_times_at("absolute", true, Time::Now, Time::Now), Err(Errno::Perm), "{}", back.name());
        assert_eq!(root.read_link("etc"), Ok(b"/etc".to_vec()), "{}", back.name());
        assert_eq!(root.stat_at("etc", false).map(|stat| stat.kind), Ok(Kind::Link), "{}", back.name());
        assert_eq!(root.unlink("etc"), Ok(()), "{}", back.name());
        back.assert_outside_untouched();
    }
}

/// Links of the kernel's own, which lead wherever a process has something open: neither on the way nor at the end.
#[test]
fn magic_links_lead_nowhere() {
    let beside = tempfile::tempdir().unwrap();
    std::fs::write(beside.path().join("secret"), SENTINEL).unwrap();
    let held = std::fs::File::open(beside.path()).unwrap();
    let file = std::fs::File::open(beside.path().join("secret")).unwrap();
    let numbers = [held.as_raw_fd(), file.as_raw_fd()];
    for open_root in [host::open, host::open_by_walk] {
        let root = open_root(Path::new("/proc/self")).unwrap();
        let [directory, file] = numbers.map(|number| format!("fd/{number}"));
        let paths = [
            "cwd".into(),
            "cwd/".into(),
            "root/etc/passwd".into(),
            "exe".into(),
            "cwd/Cargo.toml".into(),
            directory.clone(),
            format!("{directory}/secret"),
            format!("{directory}/"),
            file,
        ];
        for path in paths {
            for (what, outcome) in [
                ("open", open(&*root, &path, READ)),
                ("stat", stat(&*root, &path, true)),
                ("touch", root.set_times_at(&path, true, Time::Now, Time::Now).map(|()| String::new())),
                ("create", open(&*root, &format!("{path}/new"), CREATE)),
            ] {
                // Where the kernel looks it does not say more than that it was a link.
                assert!(matches!(outcome, Err(Errno::Perm | Errno::Loop)), "{what} {path}: {outcome:?}");
            }
        }
        // What is no link is there.
        assert!(open(&*root, "comm", READ).is_ok());
    }
    assert_eq!(std::fs::read_dir(beside.path()).unwrap().count(), 1);
}

/// What a granted directory is called by others does not matter: links between two of them are links out of each.
#[test]
fn links_between_directories_that_are_granted() {
    for [one, other] in [[Back::host(true), Back::host(true)], [Back::host(false), Back::host(false)]] {
        let (from, to) = (one.open(), other.open());
        fill(&*from);
        to.create_directory("d").unwrap();
        let other_path = other.path().unwrap();
        let absolute = other_path.to_str().unwrap();
        assert_eq!(from.symlink(absolute, "x"), Err(Errno::Perm));
        std::os::unix::fs::symlink(&other_path, one.path().unwrap().join("x")).unwrap();
        for path in ["x", "x/", "x/d", "x/../granted/f"] {
            assert_eq!(open(&*from, path, READ), Err(Errno::Perm), "{path}");
        }
        assert_eq!(from.rename("f", &*from, "x/f"), Err(Errno::Perm));
        // By their handles both are open: what is moved lies where it was said, on one device.
        assert_eq!(from.rename("f", &*to, "d/f"), Ok(()));
        assert_eq!(from.link("g", false, &*to, "d/g"), Ok(()));
        assert_eq!(from.rename("g", &*to, "../g"), Err(Errno::Perm));
        assert_eq!(from.link("g", false, &*to, "d/../../g"), Err(Errno::Perm));
        assert_eq!(from.rename("../sentinel", &*to, "s"), Err(Errno::Perm));
        assert_eq!(from.link("out", true, &*to, "s"), Err(Errno::Perm));
        assert_eq!(std::fs::read(other_path.join("d/f")).unwrap(), b"hello");
        one.assert_outside_untouched();
        other.assert_outside_untouched();
    }
}

//! Sequences of operations made from any bytes, to hold one back end against another: for tests and fuzzing.

use super::{Directory, File, Flags, Kind, Open, Opened, Result, Time};
use crate::errno::Errno;
use std::sync::Arc;

/// Few names, so that operations meet.
const NAMES: [&str; 8] = ["a", "b", "c", "l1", "l2", "..", ".", "d"];

/// What links lead to, besides paths of those.
const TARGETS: [&str; 6] = ["..", "../..", "../../sentinel", "/sentinel", "a/../..", "l2"];

/// An operation. Numbers choose among what is open, whatever their size.
#[derive(Clone, Debug)]
enum Operation {
    Open { dir: u8, path: String, how: Open },
    Write { file: u8, offset: u64, length: u8 },
    Read { file: u8, offset: u64 },
    Append { file: u8, length: u8 },
    SetSize { file: u8, size: u64 },
    Allocate { file: u8, offset: u64, length: u64 },
    SetFlags { file: u8, flags: Flags },
    StatFile { file: u8 },
    CreateDirectory { dir: u8, path: String },
    RemoveDirectory { dir: u8, path: String },
    Unlink { dir: u8, path: String },
    Rename { dir: u8, from: String, other: u8, to: String },
    Link { dir: u8, from: String, follow: bool, other: u8, to: String },
    Symlink { dir: u8, target: String, path: String },
    ReadLink { dir: u8, path: String },
    Stat { dir: u8, path: String, follow: bool },
    SetTimes { dir: u8, path: String, follow: bool },
    Entries { dir: u8 },
}

/// What choices are made of: bytes, and zeros past their end.
struct Choices<'c>(&'c [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    fn path(&mut self) -> String {
        let shape = self.byte();
        let mut path = String::new();
        if shape & 0xf0 == 0xf0 {
            path.push('/');
        }
        // Most are short.
        for part in 0..=[0, 0, 0, 1, 1, 2, 2, 4][usize::from(shape & 7)] {
            if part > 0 {
                path.push('/');
            }
            let name = self.byte();
            // One in sixteen is `..` or `.`, one in eight of each other.
            path.push_str(NAMES[usize::from(if name < 0xe0 { name % 5 } else { name % 8 })]);
        }
        if shape & 0x38 == 0x38 {
            path.push('/');
        }
        path
    }

    fn flags(&mut self) -> Flags {
        let byte = self.byte();
        Flags { append: byte & 1 == 1, nonblock: byte & 2 == 2, dsync: byte & 0xfc == 0xfc, ..Flags::default() }
    }

    fn open(&mut self) -> Open {
        let byte = self.byte();
        let bit = |bit: u8| byte & 1 << bit != 0;
        // A directory that is made is refused at once, so few try.
        let rarely = self.byte();
        Open {
            follow: bit(0),
            create: bit(1),
            exclusive: bit(2) && bit(3),
            truncate: bit(4) && bit(5),
            directory: if bit(1) { rarely < 16 } else { rarely < 128 },
            read: bit(6),
            write: bit(7),
            flags: self.flags(),
        }
    }

    fn offset(&mut self) -> u64 {
        match self.byte() {
            0xff => u64::MAX,
            0xfe => i64::MAX as u64,
            byte => u64::from(byte),
        }
    }

    fn operation(&mut self) -> Operation {
        let dir = self.byte();
        match self.byte() % 32 {
            0..=4 => Operation::Open { dir, path: self.path(), how: self.open() },
            5 => Operation::Write { file: dir, offset: self.offset(), length: self.byte() },
            6 => Operation::Read { file: dir, offset: self.offset() },
            7 => Operation::Append { file: dir, length: self.byte() },
            8 => Operation::SetSize { file: dir, size: u64::from(self.byte()) },
            9 => Operation::Allocate { file: dir, offset: u64::from(self.byte()), length: u64::from(self.byte()) },
            10 => Operation::SetFlags { file: dir, flags: self.flags() },
            11 => Operation::StatFile { file: dir },
            12..=14 => Operation::CreateDirectory { dir, path: self.path() },
            15 => Operation::RemoveDirectory { dir, path: self.path() },
            16 => Operation::Unlink { dir, path: self.path() },
            17..=20 => Operation::Rename { dir, from: self.path(), other: self.byte(), to: self.path() },
            21..=22 => Operation::Link {
                dir,
                from: self.path(),
                follow: self.byte() & 1 == 1,
                other: self.byte(),
                to: self.path(),
            },
            23..=25 => {
                let target = match self.byte() {
                    byte if byte < 96 => TARGETS[usize::from(byte) % TARGETS.len()].to_owned(),
                    _ => self.path(),
                };
                Operation::Symlink { dir, target, path: self.path() }
            }
            26 => Operation::ReadLink { dir, path: self.path() },
            27..=28 => Operation::Stat { dir, path: self.path(), follow: self.byte() & 1 == 1 },
            29 => Operation::SetTimes { dir, path: self.path(), follow: self.byte() & 1 == 1 },
            _ => Operation::Entries { dir },
        }
    }
}

/// The operations that some bytes stand for.
fn operations(choices: &[u8]) -> Vec<Operation> {
    let mut choices = Choices(choices);
    let mut operations = Vec::new();
    while !choices.0.is_empty() {
        operations.push(choices.operation());
    }
    operations
}

/// Does what some bytes stand for in empty directories of several back ends, and shows `seen` what came of each operation.
///
/// # Panics
/// If two of them differ, in what comes of an operation or in what is there in the end.
pub fn compare(backs: &[(&str, Arc<dyn Directory>)], choices: &[u8], mut seen: impl FnMut(&Result<String>)) {
    let mut driven: Vec<_> = backs.iter().map(|(name, root)| (*name, Driven::begin(root))).collect();
    for (at, operation) in operations(choices).iter().enumerate() {
        let mut outcomes = driven.iter_mut().map(|(name, driven)| (*name, driven.apply(operation)));
        let Some((first, expected)) = outcomes.next() else { return };
        for (name, outcome) in outcomes {
            assert_eq!(expected, outcome, "operation {at}: {operation:?}, {first} and {name}");
        }
        seen(&expected);
    }
    let mut trees = driven.iter().map(|(name, driven)| (*name, driven.tree()));
    if let Some((first, expected)) = trees.next() {
        trees.for_each(|(name, tree)| assert_eq!(expected, tree, "{first} and {name}"));
    }
}

/// A back end while it is driven: directories and files that were opened, at most a few of each.
struct Driven {
    roots: Vec<Arc<dyn Directory>>,
    dirs: Vec<Arc<dyn Directory>>,
    files: Vec<Box<dyn File>>,
}

/// Directories, and files, that are kept open.
const KEPT: usize = 4;

impl Driven {
    /// Begins with an empty directory, and two in it, which are never closed.
    fn begin(root: &Arc<dyn Directory>) -> Self {
        let open = |name| {
            root.create_directory(name)?;
            root.open(name, Open { directory: true, ..Open::default() })
        };
        let mut roots = vec![root.clone()];
        for name in ["a", "b"] {
            match open(name) {
                Ok(Opened::Directory(directory)) => roots.extend([directory, root.clone()]),
                Ok(Opened::File(_)) | Err(_) => panic!("{name} cannot be made in a directory that should be empty"),
            }
        }
        roots.truncate(4);
        Driven { roots, dirs: Vec::new(), files: Vec::new() }
    }

    fn dir(&self, number: u8) -> &dyn Directory {
        // Half of all happens in what was there from the beginning.
        let (list, number) = match number {
            128.. if !self.dirs.is_empty() => (&self.dirs, number - 128),
            number => (&self.roots, number),
        };
        &*list[usize::from(number) % list.len()]
    }

    fn file(&mut self, number: u8) -> Result<&mut dyn File> {
        match self.files.len() {
            0 => Err(Errno::Badf),
            count => Ok(&mut *self.files[usize::from(number) % count]),
        }
    }

    /// Does one, and says what came of it: everything that back ends must agree on.
    fn apply(&mut self, operation: &Operation) -> Result<String> {
        let done = |()| String::new();
        match operation {
            Operation::Open { dir, path, how } => match self.dir(*dir).open(path, *how)? {
                Opened::Directory(opened) => {
                    self.dirs.insert(0, opened);
                    self.dirs.truncate(KEPT);
                    Ok("directory".into())
                }
                Opened::File(opened) => {
                    self.files.insert(0, opened);
                    self.files.truncate(KEPT);
                    Ok("file".into())
                }
            },
            Operation::Write { file, offset, length } => {
                let bytes = vec![*length; usize::from(*length)];
                self.file(*file)?.write_at(&bytes, *offset).map(|count| count.to_string())
            }
            Operation::Read { file, offset } => {
                let mut bytes = [0; 300];
                let count = self.file(*file)?.read_at(&mut bytes, *offset)?;
                Ok(format!("{:?}", &bytes[..count]))
            }
            Operation::Append { file, length } => {
                let bytes = vec![*length; usize::from(*length)];
                self.file(*file)?.append(&bytes).map(|count| count.to_string())
            }
            Operation::SetSize { file, size } => self.file(*file)?.set_size(*size).map(done),
            Operation::Allocate { file, offset, length } => self.file(*file)?.allocate(*offset, *length).map(done),
            Operation::SetFlags { file, flags } => self.file(*file)?.set_flags(*flags).map(done),
            Operation::StatFile { file } => {
                let stat = self.file(*file)?.stat()?;
                Ok(format!("{:?} {} {}", stat.kind, stat.links, stat.size))
            }
            Operation::CreateDirectory { dir, path } => self.dir(*dir).create_directory(path).map(done),
            Operation::RemoveDirectory { dir, path } => self.dir(*dir).remove_directory(path).map(done),
            Operation::Unlink { dir, path } => self.dir(*dir).unlink(path).map(done),
            Operation::Rename { dir, from, other, to } => self.dir(*dir).rename(from, self.dir(*other), to).map(done),
            Operation::Link { dir, from, follow, other, to } => {
                self.dir(*dir).link(from, *follow, self.dir(*other), to).map(done)
            }
            Operation::Symlink { dir, target, path } => self.dir(*dir).symlink(target, path).map(done),
            Operation::ReadLink { dir, path } => self.dir(*dir).read_link(path).map(|target| format!("{target:?}")),
            Operation::Stat { dir, path, follow } => {
                let stat = self.dir(*dir).stat_at(path, *follow)?;
                let size = if stat.kind == Kind::Directory { 0 } else { stat.size };
                Ok(format!("{:?} {size}", stat.kind))
            }
            Operation::SetTimes { dir, path, follow } => {
                let (accessed, modified) = (Time::At(1_500_000_000_123_456_789), Time::At(u64::from(*dir)));
                self.dir(*dir).set_times_at(path, *follow, accessed, modified)?;
                let stat = self.dir(*dir).stat_at(path, *follow)?;
                Ok(format!("{} {}", stat.accessed, stat.modified))
            }
            Operation::Entries { dir } => {
                let entries = self.dir(*dir).entries()?;
                let names =
                    entries.iter().map(|entry| format!("{:?} {:?}", String::from_utf8_lossy(&entry.name), entry.kind));
                Ok(names.collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// All there is beneath the first directory, a line each: what it is, its names, and what is in it.
    fn tree(&self) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        if let Some(root) = self.roots.first() {
            list(&**root, "", &mut lines)?;
        }
        Ok(lines)
    }
}

fn list(dir: &dyn Directory, above: &str, lines: &mut Vec<String>) -> Result<()> {
    for entry in dir.entries()?.into_iter().skip(2) {
        let name = String::from_utf8_lossy(&entry.name);
        let stat = dir.stat_at(&name, false)?;
        let what = match stat.kind {
            Kind::Link => format!("-> {:?}", String::from_utf8_lossy(&dir.read_link(&name)?)),
            Kind::Regular => match dir.open(&name, Open { read: true, ..Open::default() })? {
                Opened::File(mut file) => {
                    let mut bytes = vec![0; stat.size as usize];
                    let count = file.read_at(&mut bytes, 0)?;
                    format!("{count} {bytes:?}")
                }
                Opened::Directory(_) => return Err(Errno::Isdir),
            },
            _ => String::new(),
        };
        // Not all file systems count a directory's names the same way.
        let links = if stat.kind == Kind::Directory { 0 } else { stat.links };
        lines.push(format!("{above}{name} {:?} {links} {what}", stat.kind));
        if stat.kind == Kind::Directory {
            let how = Open { directory: true, ..Open::default() };
            if let Opened::Directory(below) = dir.open(&name, how)? {
                list(&*below, &format!("{above}{name}/"), lines)?;
            }
        }
    }
    Ok(())
}

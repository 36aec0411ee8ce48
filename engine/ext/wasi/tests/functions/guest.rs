//! A program whose exports are the functions of preview 1, one each, and the world that it is in.

use gristmill::{ApiRow, Config, Engine, Error, Gas, HostApi, Instance, Linker, Module, Store, Val, ValType};
use gristmill_aot::{Aot, Bounds, Options};
use gristmill_ext_grants::{Access, Clock, Directory, Granted, Grants, Input, Output, Random, Stdio};
use gristmill_ext_wasi::{Streams, Wasi, add_to_linker};
use std::fmt::Write as _;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use tempfile::TempDir;

/// Bytes of the program's memory.
pub const SIZE: i64 = 65_536;

/// Descriptors of the program: a directory of the host to change, one to read, one in memory.
pub const RW: u32 = 3;
pub const RO: u32 = 4;
pub const MEMORY: u32 = 5;
/// Sockets: one that listens, with somebody waiting, and a connection on which `ping` has arrived.
pub const LISTENER: u32 = 6;
pub const CONNECTION: u32 = 7;
/// What it has opened: `f` and `d` in the first directory, `m` in the third.
pub const FILE: u32 = 8;
pub const DIR: u32 = 9;
pub const KEPT: u32 = 10;
/// The next number.
pub const NEXT: u32 = 11;

/// Bytes that files of the first directory may grow by, and bytes of the third.
pub const QUOTA: u64 = 100;
pub const ROOM: u64 = 1 << 20;

/// An argument: one parameter, or two.
#[derive(Clone, Debug)]
pub enum Arg {
    /// A descriptor.
    Fd(u32),
    /// A number.
    Is(i64),
    /// The address of these bytes.
    In(Vec<u8>),
    /// The address of so many bytes, which the function writes.
    Out(u32),
    /// The address of a text, and its length.
    Text(&'static str),
    /// The address of so many bytes, and how many.
    Room(u32),
    /// The address of a list of buffers of these lengths, and how many there are.
    Read(&'static [u32]),
    /// The address of a list of buffers with these bytes, and how many there are.
    Write(&'static [&'static str]),
}

/// A parameter that is an address.
#[derive(Clone, Copy, Debug)]
pub struct Pointer {
    /// Which parameter.
    pub param: usize,
    /// Bytes that must lie there.
    pub bytes: u32,
    /// Bytes of one thing of which the parameter behind it says how many there are.
    pub each: Option<u32>,
}

/// Arguments as they were put into memory.
#[derive(Clone, Debug, Default)]
pub struct Laid {
    pub values: Vec<i64>,
    pub pointers: Vec<Pointer>,
    pub descriptors: Vec<usize>,
    /// Lists of buffers.
    pub lists: Vec<u32>,
    /// Where what belongs to an argument lies.
    pub at: Vec<u32>,
}

/// Bytes that belong to an argument at most, buffers of a list from the second quarter on.
const REGION: u32 = 1_024;

/// The functions of the standard. Behind them come WasmEdge's sockets and `wasi_unstable`, of which sock_*.rs and unstable.rs are.
pub fn standard() -> impl Iterator<Item = &'static ApiRow> {
    Wasi::rows().iter().take_while(|row| row.name != "sock_accept")
}

/// A module that imports all functions of the standard and exports them again.
pub fn module_text(memory: &str) -> String {
    let (mut imports, mut functions) = (String::new(), String::new());
    let name = |ty: &ValType| if *ty == ValType::I64 { "i64" } else { "i32" };
    for row in standard() {
        let ty = row.ty();
        let params: String = ty.params().iter().map(|it| format!(" {}", name(it))).collect();
        let result = ty.results().first().map_or(String::new(), |it| format!("(result {})", name(it)));
        let signature = format!("(param{params}) {result}");
        writeln!(imports, "(import {:?} {:?} (func ${} {signature}))", row.module, row.name, row.name).unwrap();
        let gets: String = (0..ty.params().len()).map(|i| format!("local.get {i} ")).collect();
        writeln!(functions, "(func (export {:?}) {signature} {gets} call ${})", row.name, row.name).unwrap();
    }
    format!("(module {imports} {memory} {functions})")
}

/// The interpreter and machine code, each with the module.
pub fn engines() -> &'static [(&'static str, Engine, Module)] {
    static ENGINES: OnceLock<Vec<(&'static str, Engine, Module)>> = OnceLock::new();
    ENGINES.get_or_init(|| {
        let config = Config::new();
        let aot = Aot::new(Options { bounds: Bounds::Check, ..Options::default() }).unwrap();
        let bytes = wat::parse_str(module_text("(memory (export \"memory\") 1)")).unwrap();
        [
            ("interpreter", Engine::new(&config).unwrap()),
            ("machine code", Engine::with_compiler(&config, Arc::new(aot)).unwrap()),
        ]
        .map(|(name, engine)| {
            let module = Module::new(&engine, &bytes).unwrap();
            (name, engine, module)
        })
        .into()
    })
}

pub struct World {
    pub store: Store<Wasi>,
    pub instance: Instance,
    pub laid: Laid,
    pub host: TempDir,
    pub log: Arc<Mutex<Vec<String>>>,
    peer: Option<UnixStream>,
    _waiting: Option<TcpStream>,
}

/// All that can be seen of a world without changing it.
#[derive(Debug, PartialEq, Eq)]
pub struct State {
    memory: Vec<u8>,
    descriptors: Vec<Vec<u8>>,
    host: Vec<String>,
    printed: Vec<u8>,
    received: Vec<u8>,
}

/// Grants of all that preview 1 has.
pub fn everything(host: &Path) -> Grants {
    let directory = |guest: &str, host, access, quota| Directory { guest: guest.into(), host, access, quota };
    Grants {
        arguments: vec!["-v".into()],
        environment: [("A".into(), "b".into())].into(),
        stdio: Stdio { stdin: Input::Given, stdout: Output::Capture, stderr: Output::Null },
        clock: Clock::Virtual,
        random: Random::Seed(1),
        directories: vec![
            directory("/rw", Some(host.join("rw")), Access::Rw, Some(QUOTA)),
            directory("/ro", Some(host.join("ro")), Access::Ro, None),
            directory("/memory", None, Access::Rw, Some(ROOM)),
        ],
        ..Grants::default()
    }
}

/// What is in the directories.
fn fill(host: &Path) {
    for name in ["rw", "ro"] {
        let path = host.join(name);
        fs::create_dir_all(path.join("d")).unwrap();
        fs::create_dir(path.join("e")).unwrap();
        for (file, bytes) in [("f", "hello"), ("g", "other"), ("d/x", "")] {
            fs::write(path.join(file), bytes).unwrap();
        }
        symlink("f", path.join("l")).unwrap();
    }
}

impl World {
    /// One of everything, for that engine.
    pub fn new(engine: &str) -> Self {
        Self::with(engine, |_| {})
    }

    /// The same, with other grants.
    pub fn with(engine: &str, change: impl FnOnce(&mut Grants)) -> Self {
        let host = tempfile::tempdir().unwrap();
        fill(host.path());
        let mut grants = everything(host.path());
        change(&mut grants);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let waiting = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (connection, mut peer) = UnixStream::pair().unwrap();
        peer.write_all(b"ping").unwrap();
        peer.set_nonblocking(true).unwrap();
        let streams = Streams {
            stdin: Some(Box::new(Cursor::new(b"input".to_vec()))),
            sockets: vec![listener.into(), connection.into()],
            ..Streams::default()
        };
        let mut world = Self::made(engine, host, grants, streams);
        (world.peer, world._waiting) = (Some(peer), Some(waiting));
        // With whatever rights there are, for a directory those that do not ask to write: what is too much is left out.
        for (directory, path, oflags, number) in [(RW, "f", 0, FILE), (RW, "d", 2, DIR), (MEMORY, "m", 1, KEPT)] {
            let rights = if oflags == 2 { i64::MAX & !0x40_0140 } else { 0x8e0_0fff };
            let args = [Arg::Fd(directory), Arg::Is(0), Arg::Text(path), Arg::Is(oflags), Arg::Is(rights)];
            let more = [Arg::Is(i64::MAX), Arg::Is(0), Arg::Out(4)];
            assert_eq!(world.act("path_open", &[&args[..], &more].concat()).unwrap(), 0, "{path}");
            assert_eq!(world.u32(7), number);
        }
        assert_eq!(world.act("fd_write", &[Arg::Fd(KEPT), Arg::Write(&["memory"]), Arg::Out(4)]).unwrap(), 0);
        world.memory().fill(0);
        world
    }

    /// A program to which nothing is granted.
    pub fn bare(engine: &str) -> Self {
        Self::made(engine, tempfile::tempdir().unwrap(), Grants::default(), Streams::default())
    }

    fn made(engine: &str, host: TempDir, grants: Grants, streams: Streams) -> Self {
        let (_, engine, module) = engines().iter().find(|it| it.0 == engine).unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let granted = {
            let log = log.clone();
            Granted::new(grants, move |refused| log.lock().unwrap().push(refused.to_string()))
        };
        let mut store = Store::new(engine, Wasi::new(granted, "program", streams).unwrap());
        let mut linker = Linker::new(engine);
        add_to_linker(&mut linker, |wasi: &mut Wasi| wasi).unwrap();
        let instance = linker.instantiate(&mut store, module).unwrap();
        Self { store, instance, laid: Laid::default(), host, log, peer: None, _waiting: None }
    }

    pub fn memory(&mut self) -> &mut [u8] {
        self.instance.get_memory(&self.store, "memory").unwrap().data_mut(&mut self.store)
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    pub fn set_gas(&mut self, gas: u64) {
        self.store.set_gas(Gas(gas));
    }

    /// Calls a function; 0 when it has no result.
    pub fn call(&mut self, name: &str, args: &[i64]) -> Result<u32, Error> {
        let func = self.instance.get_func(&self.store, name).unwrap_or_else(|| panic!("{name}"));
        let ty = func.ty(&self.store);
        assert_eq!(ty.params().len(), args.len(), "{name}");
        let value =
            |(ty, arg): (&ValType, &i64)| if *ty == ValType::I64 { Val::I64(*arg) } else { Val::I32(*arg as i32) };
        let args: Vec<_> = ty.params().iter().zip(args).map(value).collect();
        let mut results: Vec<_> = ty.results().iter().map(|ty| Val::default(*ty)).collect();
        func.call(&mut self.store, &args, &mut results)?;
        Ok(results.first().map_or(0, |result| result.i32().unwrap() as u32))
    }

    fn put(&mut self, at: u32, bytes: &[u8]) {
        self.memory()[at as usize..][..bytes.len()].copy_from_slice(bytes);
    }

    /// Puts arguments into memory, where they stay until others come.
    pub fn lay(&mut self, args: &[Arg]) -> Laid {
        let mut laid = Laid::default();
        for (number, arg) in (1..).zip(args) {
            let at = number * REGION;
            laid.at.push(at);
            let param = laid.values.len();
            let mut pointer = |bytes, each| laid.pointers.push(Pointer { param, bytes, each });
            let (first, second) = match arg {
                Arg::Fd(fd) => {
                    laid.descriptors.push(param);
                    (i64::from(*fd), None)
                }
                Arg::Is(value) => (*value, None),
                Arg::In(bytes) => {
                    pointer(bytes.len() as u32, None);
                    self.put(at, bytes);
                    (at.into(), None)
                }
                Arg::Out(bytes) => {
                    pointer(*bytes, None);
                    (at.into(), None)
                }
                Arg::Text(text) => {
                    pointer(text.len() as u32, Some(1));
                    self.put(at, text.as_bytes());
                    (at.into(), Some(text.len() as i64))
                }
                Arg::Room(bytes) => {
                    pointer(*bytes, Some(1));
                    (at.into(), Some(i64::from(*bytes)))
                }
                Arg::Read(_) | Arg::Write(_) => {
                    let lengths: Vec<_> = match arg {
                        Arg::Read(lengths) => lengths.to_vec(),
                        Arg::Write(texts) => texts.iter().map(|text| text.len() as u32).collect(),
                        _ => Vec::new(),
                    };
                    pointer(8 * lengths.len() as u32, Some(8));
                    laid.lists.push(at);
                    for (i, length) in (0..).zip(&lengths) {
                        self.put(at + 8 * i, &buffer(at, i).to_le_bytes());
                        self.put(at + 8 * i + 4, &length.to_le_bytes());
                        if let Arg::Write(texts) = arg {
                            self.put(buffer(at, i), texts[i as usize].as_bytes());
                        }
                    }
                    (at.into(), Some(lengths.len() as i64))
                }
            };
            laid.values.push(first);
            laid.values.extend(second);
        }
        self.laid = laid.clone();
        laid
    }

    /// Puts arguments into memory and calls a function with them.
    pub fn act(&mut self, name: &str, args: &[Arg]) -> Result<u32, Error> {
        let laid = self.lay(args);
        self.call(name, &laid.values)
    }

    /// Bytes that belong to an argument.
    pub fn bytes(&mut self, arg: usize, length: usize) -> Vec<u8> {
        let at = self.laid.at[arg] as usize;
        self.memory()[at..][..length].to_vec()
    }

    /// Bytes of a buffer in a list.
    pub fn buffer(&mut self, arg: usize, number: u32, length: usize) -> Vec<u8> {
        let at = buffer(self.laid.at[arg], number) as usize;
        self.memory()[at..][..length].to_vec()
    }

    pub fn u32(&mut self, arg: usize) -> u32 {
        u32::from_le_bytes(self.bytes(arg, 4).try_into().unwrap())
    }

    pub fn u64(&mut self, arg: usize) -> u64 {
        self.u64_at(arg, 0)
    }

    pub fn u64_at(&mut self, arg: usize, offset: usize) -> u64 {
        u64::from_le_bytes(self.bytes(arg, offset + 8)[offset..].try_into().unwrap())
    }

    /// What is in a file of the first directory.
    pub fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.host.path().join("rw").join(name)).unwrap()
    }

    /// What the connection's other side gets now; nothing if nothing came, and `end` if there is an end.
    pub fn received(&mut self) -> Vec<u8> {
        let mut bytes = [0; 64];
        match self.peer.as_mut().map(|peer| peer.read(&mut bytes)) {
            Some(Ok(0)) => b"end".to_vec(),
            Some(Ok(count)) => bytes[..count].to_vec(),
            Some(Err(_)) | None => Vec::new(),
        }
    }

    /// All that can be seen. Gas is taken for granted, and memory left as it was.
    pub fn state(&mut self) -> State {
        self.set_gas(u64::MAX);
        let (memory, laid) = (self.memory().to_vec(), self.laid.clone());
        let mut descriptors = Vec::new();
        for fd in 0..NEXT + 2 {
            for (name, size) in [("fd_fdstat_get", 24), ("fd_filestat_get", 64), ("fd_tell", 8)] {
                let errno = self.act(name, &[Arg::Fd(fd), Arg::Out(size)]).unwrap();
                let mut seen = self.bytes(1, size as usize);
                // When a file was read last changes when the host's directories are looked at below.
                seen.truncate(40);
                seen.push(errno as u8);
                descriptors.push(seen);
            }
        }
        let mut asked = |name: &str, args: &[Arg], from: usize, length: usize| {
            self.act(name, args).unwrap();
            let seen = self.bytes(from, length);
            descriptors.push(seen);
        };
        asked("fd_readdir", &[Arg::Fd(MEMORY), Arg::Room(600), Arg::Is(0), Arg::Out(4)], 1, 600);
        asked("clock_time_get", &[Arg::Is(0), Arg::Is(0), Arg::Out(8)], 2, 8);
        // What has arrived, and stays.
        let peek = [Arg::Fd(CONNECTION), Arg::Read(&[16]), Arg::Is(1), Arg::Out(4), Arg::Out(2)];
        if self.peer.is_some() {
            let errno = self.act("sock_recv", &peek).unwrap();
            let seen = self.buffer(1, 0, 16);
            descriptors.push([seen, errno.to_le_bytes().to_vec()].concat());
        }
        self.memory().copy_from_slice(&memory);
        self.laid = laid;
        State { descriptors, ..self.outside() }
    }

    /// All that can be seen without a call: a program whose gas is spent is called no more.
    pub fn outside(&mut self) -> State {
        let mut host = Vec::new();
        tree(self.host.path(), &mut host);
        let (memory, printed) = (self.memory().to_vec(), self.store.data().stdout().take());
        State { memory, descriptors: Vec::new(), host, printed, received: self.received() }
    }
}

fn buffer(list: u32, number: u32) -> u32 {
    list + REGION / 4 + 128 * number
}

/// All that is in a directory: names, kinds, times of changes, contents.
fn tree(path: &Path, lines: &mut Vec<String>) {
    let mut entries: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let data = fs::symlink_metadata(&path).unwrap();
        let contents = if data.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        lines.push(format!(
            "{} {:?} {} {:?} {contents:?}",
            path.display(),
            data.file_type(),
            data.nlink(),
            (data.mtime(), data.mtime_nsec())
        ));
        if data.is_dir() {
            tree(&path, lines);
        }
    }
}

//! A guest whose exports are the functions of sockets, one each, and memory to call them with.
#![allow(dead_code)] // Each test uses its part.

use gristmill::{Config, Engine, Error, HostApi, Instance, Linker, Module, Store, Val, ValType};
use gristmill_ext_grants::{Cancel, Clock, Granted, Grants, Refused};
use gristmill_ext_wasi::errno::Errno;
use gristmill_ext_wasi::{Resolve, Streams, Wasi, add_to_linker};
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

/// Bytes of its memory: 4 pages.
pub const SIZE: u32 = 4 * 65_536;

/// Where a call's results go, its buffers, its address.
pub const OUT: u32 = 0;
pub const IOVS: u32 = 256;
pub const ADDRESS: u32 = 512;
pub const DATA: u32 = 4_096;

/// No error.
pub const OK: u32 = 0;

/// A guest that imports `module`'s functions under names that it has, and exports each: `name`, or `name/parameters` where a name has
/// several types.
pub struct Run {
    pub store: Store<Wasi>,
    instance: Instance,
    log: Arc<Mutex<Vec<String>>>,
}

/// Imports: module, name, types of parameters. Sockets have each name with `_v2`, too, whatever is a row.
pub fn imports() -> Vec<(&'static str, String, Vec<&'static str>)> {
    let ty = |ty: &gristmill::wasm::isa::Ty| if format!("{ty:?}") == "i64" { "i64" } else { "i32" };
    let rows = || Wasi::rows().iter().filter(|row| row.result.is_some() && row.module == gristmill_ext_wasi::MODULE);
    let is_row = |name: &str| rows().any(|row| row.name == name);
    let names = rows().flat_map(|row| {
        let second = format!("{}_v2", row.name);
        let has_second = row.name.starts_with("sock_") && !row.name.ends_with("_v2") && !is_row(&second);
        std::iter::once(row.name.to_string()).chain(has_second.then_some(second)).map(move |name| (row, name))
    });
    names.map(|(row, name)| (row.module, name, row.params.iter().map(|(_, it)| ty(it)).collect())).collect()
}

/// Where refusals are noted.
type Note = Box<dyn Fn(&Refused) + Send + Sync>;

impl Run {
    pub fn new(grants: Grants) -> Self {
        Self::with(grants, Streams::default())
    }

    /// A program that has these rules, and a clock.
    pub fn net(rules: &[&str]) -> Self {
        Self::new(net(rules))
    }

    pub fn with(grants: Grants, streams: Streams) -> Self {
        Self::of(&Engine::new(&Config::new()).unwrap(), streams, |note| Granted::new(grants, note))
    }

    pub fn on(engine: &Engine, grants: Grants) -> Self {
        Self::of(engine, Streams::default(), |note| Granted::new(grants, note))
    }

    /// A program that has these rules and a clock, and may be cancelled.
    pub fn cancellable(rules: &[&str], cancel: Cancel) -> Self {
        let granted = |note: Note| Granted::cancellable(net(rules), cancel, note);
        Self::of(&Engine::new(&Config::new()).unwrap(), Streams::default(), granted)
    }

    fn of(engine: &Engine, streams: Streams, granted: impl FnOnce(Note) -> Arc<Granted>) -> Self {
        let (mut header, mut functions) = (String::new(), String::new());
        let mut add = |module: &str, name: &str, export: &str, params: &[&str]| {
            let signature = format!("(param {}) (result i32)", params.join(" "));
            writeln!(header, "(import {module:?} {name:?} (func $i{export} {signature}))").unwrap();
            let gets: String = (0..params.len()).map(|i| format!("local.get {i} ")).collect();
            writeln!(functions, "(func (export {export:?}) {signature} {gets} call $i{export})").unwrap();
        };
        for (module, name, params) in imports() {
            add(module, &name, &name, &params);
            // A name alone has the second generation's type, too.
            if let Some(plain) = name.strip_suffix("_v2") {
                add(module, plain, &format!("{plain}/{}", params.len()), &params);
            }
        }
        let text = format!("(module {header} (memory (export \"memory\") 4) {functions})");
        let module = Module::new(engine, &wat::parse_str(text).unwrap()).unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let granted = {
            let log = log.clone();
            granted(Box::new(move |refused| log.lock().unwrap().push(refused.to_string())))
        };
        let mut linker = Linker::new(engine);
        add_to_linker(&mut linker, |wasi: &mut Wasi| wasi).unwrap();
        let mut store = Store::new(engine, Wasi::new(granted, "guest", streams).unwrap());
        let instance = linker.instantiate(&mut store, &module).unwrap();
        Self { store, instance, log }
    }

    /// Calls a function that answers.
    pub fn call(&mut self, name: &str, args: &[u32]) -> u32 {
        self.try_call(name, args).unwrap()
    }

    pub fn try_call(&mut self, name: &str, args: &[u32]) -> Result<u32, Error> {
        let func = self.instance.get_func(&self.store, name).unwrap_or_else(|| panic!("{name}"));
        let ty = func.ty(&self.store);
        let value = |(arg, ty): (&u32, &ValType)| match *ty == ValType::I64 {
            true => Val::I64(i64::from(*arg)),
            false => Val::I32(*arg as i32),
        };
        let args: Vec<_> = args.iter().zip(ty.params()).map(value).collect();
        let mut results = [Val::I32(-1)];
        func.call(&mut self.store, &args, &mut results)?;
        Ok(results[0].i32().unwrap() as u32)
    }

    /// Calls it and wants that error.
    pub fn fails(&mut self, name: &str, args: &[u32], errno: Errno) {
        let (answer, log) = (self.call(name, args), self.log());
        assert_eq!(answer, errno as u32, "{name}{args:?} answers {answer}, not {errno:?}\n{log}");
    }

    /// Calls it and wants none.
    pub fn works(&mut self, name: &str, args: &[u32]) {
        let (answer, log) = (self.call(name, args), self.log());
        assert_eq!(answer, OK, "{name}{args:?}\n{log}");
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    pub fn memory(&mut self) -> &mut [u8] {
        self.instance.get_memory(&self.store, "memory").unwrap().data_mut(&mut self.store)
    }

    pub fn put(&mut self, at: u32, bytes: &[u8]) {
        self.memory()[at as usize..][..bytes.len()].copy_from_slice(bytes);
    }

    pub fn bytes(&mut self, at: u32, length: u32) -> Vec<u8> {
        self.memory()[at as usize..][..length as usize].to_vec()
    }

    pub fn word(&mut self, at: u32) -> u32 {
        u32::from_le_bytes(self.bytes(at, 4).try_into().unwrap())
    }

    pub fn words(&mut self, at: u32, words: &[u32]) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.put(at, &bytes);
    }

    /// Puts an address where calls look for it: of its own length, or in a storage area.
    pub fn address(&mut self, address: IpAddr, storage: bool) -> u32 {
        let (family, octets) = match address {
            IpAddr::V4(address) => (1u8, address.octets().to_vec()),
            IpAddr::V6(address) => (2, address.octets().to_vec()),
        };
        let mut bytes = octets;
        if storage {
            bytes.splice(0..0, [family, 0]);
            bytes.resize(128, 0);
        }
        self.words(ADDRESS, &[ADDRESS + 8, bytes.len() as u32]);
        self.put(ADDRESS + 8, &bytes);
        ADDRESS
    }

    /// Room for an address of that length, which is filled with ones.
    pub fn room(&mut self, length: u32) -> u32 {
        self.words(ADDRESS, &[ADDRESS + 8, length]);
        self.put(ADDRESS + 8, &[0xff; 200]);
        ADDRESS
    }

    /// One buffer with these bytes.
    pub fn iovs(&mut self, bytes: &[u8]) -> [u32; 2] {
        self.put(DATA, bytes);
        self.words(IOVS, &[DATA, bytes.len() as u32]);
        [IOVS, 1]
    }

    /// A new socket.
    pub fn open(&mut self, family: u32, kind: u32) -> u32 {
        self.works("sock_open", &[family, kind, OUT]);
        self.word(OUT)
    }

    /// A socket of that kind at `address`, any port; which.
    pub fn bind(&mut self, kind: u32, address: &str) -> (u32, SocketAddr) {
        let address: IpAddr = address.parse().unwrap();
        let fd = self.open(if address.is_ipv4() { 1 } else { 2 }, kind);
        let record = self.address(address, false);
        self.works("sock_bind", &[fd, record, 0]);
        (fd, self.local(fd))
    }

    /// A socket that listens there.
    pub fn listener(&mut self, address: &str) -> (u32, SocketAddr) {
        let (fd, at) = self.bind(STREAM, address);
        self.works("sock_listen", &[fd, 8]);
        (fd, at)
    }

    pub fn connect(&mut self, fd: u32, to: SocketAddr) -> u32 {
        let record = self.address(to.ip(), false);
        self.call("sock_connect", &[fd, record, to.port().into()])
    }

    /// Where a socket is, as the first generation says.
    pub fn local(&mut self, fd: u32) -> SocketAddr {
        let record = self.room(16);
        self.works("sock_getlocaladdr", &[fd, record, OUT, OUT + 4]);
        self.told()
    }

    pub fn peer(&mut self, fd: u32) -> SocketAddr {
        let record = self.room(16);
        self.works("sock_getpeeraddr", &[fd, record, OUT, OUT + 4]);
        self.told()
    }

    fn told(&mut self) -> SocketAddr {
        let bytes: [u8; 16] = self.bytes(ADDRESS + 8, 16).try_into().unwrap();
        let address: IpAddr = match self.word(OUT) {
            4 => <[u8; 4]>::try_from(&bytes[..4]).unwrap().into(),
            6 => bytes.into(),
            other => panic!("{other}"),
        };
        (address, u16::try_from(self.word(OUT + 4)).unwrap()).into()
    }

    pub fn send(&mut self, fd: u32, bytes: &[u8]) -> u32 {
        let [iovs, n] = self.iovs(bytes);
        self.works("sock_send", &[fd, iovs, n, 0, OUT]);
        self.word(OUT)
    }

    pub fn receive(&mut self, fd: u32, most: u32) -> Vec<u8> {
        let [iovs, n] = self.iovs(&vec![0; most as usize]);
        self.works("sock_recv", &[fd, iovs, n, 0, OUT, OUT + 4]);
        let length = self.word(OUT);
        self.bytes(DATA, length)
    }

    /// Makes it wait for nothing, or for all.
    pub fn nonblocking(&mut self, fd: u32, yes: bool) {
        self.works("fd_fdstat_set_flags", &[fd, if yes { 4 } else { 0 }]);
    }
}

pub const DATAGRAM: u32 = 1;
pub const STREAM: u32 = 2;

/// Grants of these rules, of a clock, and of two seconds.
pub fn net(rules: &[&str]) -> Grants {
    let network = rules.iter().map(|rule| rule.parse().unwrap()).collect();
    Grants { network, clock: Clock::Real, ..Grants::default() }
}

/// One that knows a few names, and counts who asks.
#[derive(Clone, Default)]
pub struct Names {
    pub known: Vec<(&'static str, Vec<IpAddr>)>,
    pub asked: Arc<Mutex<Vec<String>>>,
}

impl Names {
    pub fn new(known: &[(&'static str, &[&str])]) -> Self {
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let known = known.iter().map(|(name, texts)| (*name, addresses(texts))).collect();
        Self { known, ..Self::default() }
    }

    pub fn streams(&self) -> Streams {
        Streams { resolver: Some(Box::new(self.clone())), ..Streams::default() }
    }
}

impl Resolve for Names {
    fn resolve(&self, name: &str, _: Option<std::time::Duration>) -> Result<Vec<IpAddr>, Errno> {
        self.asked.lock().unwrap().push(name.into());
        let found = self.known.iter().find(|(known, _)| *known == name);
        found.map(|(_, addresses)| addresses.clone()).ok_or(Errno::AiNoName)
    }
}

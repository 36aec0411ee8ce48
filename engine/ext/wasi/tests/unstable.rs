//! `wasi_unstable`: all functions of preview 1 but one, and where it differs from it.

use gristmill::{Config, Engine, HostApi, Instance, Linker, Module, Store, Val};
use gristmill_ext_grants::{Access, Clock, Directory, Granted, Grants};
use gristmill_ext_wasi::{MODULE, Streams, UNSTABLE, Wasi, add_to_linker};
use std::fmt::Write as _;

/// The 45 functions.
const NAMES: [&str; 45] = [
    "args_get",
    "args_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_advise",
    "fd_allocate",
    "fd_close",
    "fd_datasync",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_filestat_get",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_pread",
    "fd_prestat_dir_name",
    "fd_prestat_get",
    "fd_pwrite",
    "fd_read",
    "fd_readdir",
    "fd_renumber",
    "fd_seek",
    "fd_sync",
    "fd_tell",
    "fd_write",
    "path_create_directory",
    "path_filestat_get",
    "path_filestat_set_times",
    "path_link",
    "path_open",
    "path_readlink",
    "path_remove_directory",
    "path_rename",
    "path_symlink",
    "path_unlink_file",
    "poll_oneoff",
    "proc_exit",
    "proc_raise",
    "random_get",
    "sched_yield",
    "sock_recv",
    "sock_send",
    "sock_shutdown",
];

struct Run {
    store: Store<Wasi>,
    instance: Instance,
}

impl Run {
    fn new() -> Self {
        let engine = Engine::new(&Config::new()).unwrap();
        let (mut imports, mut functions) = (String::new(), String::new());
        for name in NAMES {
            let row = Wasi::rows().iter().find(|row| row.module == MODULE && row.name == name).unwrap();
            let params: Vec<_> = row.params.iter().map(|(_, ty)| format!("{ty:?}")).collect();
            let signature = format!("(param {}) {}", params.join(" "), row.result.map_or("", |_| "(result i32)"));
            writeln!(imports, "(import {UNSTABLE:?} {name:?} (func ${name} {signature}))").unwrap();
            let gets: String = (0..params.len()).map(|i| format!("local.get {i} ")).collect();
            writeln!(functions, "(func (export {name:?}) {signature} {gets} call ${name})").unwrap();
        }
        let text = format!("(module {imports} (memory (export \"memory\") 1) {functions})");
        let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
        let mut linker = Linker::new(&engine);
        add_to_linker(&mut linker, |wasi: &mut Wasi| wasi).unwrap();
        let directory = Directory { guest: "/".into(), host: None, access: Access::Rw, quota: None };
        let grants = Grants { directories: vec![directory], clock: Clock::Virtual, ..Grants::default() };
        let mut store = Store::new(&engine, Wasi::new(Granted::quiet(grants), "guest", Streams::default()).unwrap());
        let instance = linker.instantiate(&mut store, &module).unwrap();
        Self { store, instance }
    }

    /// Calls a function whose parameters number `wide` is of 64 bits.
    fn call(&mut self, name: &str, args: &[u64]) -> i32 {
        let func = self.instance.get_func(&self.store, name).unwrap();
        let args: Vec<_> = args
            .iter()
            .zip(func.ty(&self.store).params())
            .map(|(arg, ty)| {
                if format!("{ty:?}") == format!("{:?}", Val::I64(0).ty()) {
                    Val::I64(*arg as i64)
                } else {
                    Val::I32(*arg as i32)
                }
            })
            .collect();
        let mut results = [Val::I32(-1)];
        func.call(&mut self.store, &args, &mut results).unwrap();
        results[0].i32().unwrap()
    }

    fn memory(&mut self) -> &mut [u8] {
        self.instance.get_memory(&self.store, "memory").unwrap().data_mut(&mut self.store)
    }

    fn long(&mut self, at: usize) -> u64 {
        u64::from_le_bytes(self.memory()[at..at + 8].try_into().unwrap())
    }

    /// A file with 10 bytes.
    fn file(&mut self) -> u64 {
        self.memory()[1_000] = b'f';
        assert_eq!(self.call("path_open", &[3, 0, 1_000, 1, 1, u64::MAX, 0, 0, 0]), 0);
        let fd = u64::from(self.memory()[0]);
        self.memory()[64..72].copy_from_slice(&[0xe8, 3, 0, 0, 10, 0, 0, 0]);
        assert_eq!(self.call("fd_write", &[fd, 64, 1, 0]), 0);
        fd
    }
}

#[test]
fn it_has_no_sock_accept() {
    assert!(NAMES.len() == 45);
    let engine = Engine::new(&Config::new()).unwrap();
    let mut linker = Linker::new(&engine);
    add_to_linker(&mut linker, |wasi: &mut Wasi| wasi).unwrap();
    for other in ["sock_accept", "sock_open", "epoll_oneoff", "sock_recv_v2"] {
        let mut store =
            Store::new(&engine, Wasi::new(Granted::quiet(Grants::default()), "g", Streams::default()).unwrap());
        assert!(linker.get(&mut store, UNSTABLE, other).is_none(), "{other}");
        assert!(linker.get(&mut store, MODULE, other).is_some(), "{other}");
    }
}

#[test]
fn places_of_files_are_told_in_another_order() {
    let mut run = Run::new();
    let fd = run.file();
    // From where one is, from the end, from the beginning.
    for (delta, whence, place) in [(-4i64, 0, 6), (-1, 1, 9), (3, 2, 3), (0, 0, 3), (0, 1, 10)] {
        assert_eq!(run.call("fd_seek", &[fd, delta as u64, whence, 8]), 0);
        assert_eq!(run.long(8), place);
    }
    for whence in [3, u64::from(u32::MAX)] {
        assert_eq!(run.call("fd_seek", &[fd, 0, whence, 8]), 28);
    }
    assert_eq!(run.call("fd_seek", &[fd, 0, 0, 65_529]), 21);
}

#[test]
fn what_is_known_of_a_file_has_56_bytes() {
    let mut run = Run::new();
    let fd = run.file();
    assert_eq!(run.call("fd_filestat_set_times", &[fd, 11, 22, 5]), 0);
    for (name, args) in [("fd_filestat_get", vec![fd, 200]), ("path_filestat_get", vec![3, 0, 1_000, 1, 200])] {
        run.memory()[200..264].fill(0xee);
        assert_eq!(run.call(name, &args), 0);
        // A regular file, one name, 10 bytes, and its times.
        assert_eq!((run.memory()[216], run.long(220) as u32), (4, 1), "{name}");
        assert_eq!((run.long(224), run.long(232), run.long(240)), (10, 11, 22), "{name}");
        assert_eq!(run.long(256), 0xeeee_eeee_eeee_eeee, "{name}");
    }
    assert_eq!(run.call("fd_filestat_get", &[fd, 65_536 - 56]), 0);
    assert_eq!(run.call("fd_filestat_get", &[fd, 65_536 - 55]), 21);
    assert_eq!(run.call("path_filestat_get", &[3, 0, 1_000, 1, 65_536 - 55]), 21);
}

#[test]
fn subscriptions_have_56_bytes() {
    let mut run = Run::new();
    let fd = run.file();
    assert_eq!(run.call("fd_seek", &[fd, 4, 2, 8]), 0);
    // A clock of an hour, with a number of the guest's before it, and a file.
    run.memory()[300..412].fill(0);
    run.memory()[300..308].copy_from_slice(&7u64.to_le_bytes());
    run.memory()[316..324].fill(0xff);
    run.memory()[324] = 1;
    run.memory()[332..340].copy_from_slice(&3_600_000_000_000u64.to_le_bytes());
    run.memory()[356..364].copy_from_slice(&9u64.to_le_bytes());
    run.memory()[364] = 1;
    run.memory()[372] = fd as u8;
    assert_eq!(run.call("poll_oneoff", &[300, 500, 1, 0]), 0);
    assert_eq!((run.memory()[0], run.long(500), run.long(508)), (1, 7, 0));
    assert_eq!(run.call("clock_time_get", &[1, 0, 8]), 0);
    assert_eq!(run.long(8), 3_600_000_000_000);
    assert_eq!(run.call("poll_oneoff", &[300, 500, 2, 0]), 0);
    assert_eq!((run.memory()[0], run.long(500), run.memory()[510], run.long(516)), (1, 9, 1, 6));
    assert_eq!(run.call("poll_oneoff", &[65_536 - 55, 500, 1, 0]), 21);
    assert_eq!(run.call("poll_oneoff", &[65_536 - 56, 500, 1, 0]), 0);
}

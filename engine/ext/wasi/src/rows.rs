//! All functions: names, types, prices.

use crate::Wasi;
use gristmill::host_api;

host_api! { impl [] Wasi, in_static is_static {
    /// Writes the addresses of the arguments to `argv`, and the arguments, each with a NUL, to `buf`.
    "wasi_snapshot_preview1" args_get => args_get(argv: i32, buf: i32) -> i32, |w| w.price(), reads;
    /// How many arguments there are, and their bytes with a NUL for each.
    "wasi_snapshot_preview1" args_sizes_get => args_sizes_get(count: i32, size: i32) -> i32, |w| w.price(), reads;
    /// Writes the addresses of the variables to `env`, and the variables, `NAME=VALUE` and a NUL, to `buf`.
    "wasi_snapshot_preview1" environ_get => environ_get(env: i32, buf: i32) -> i32, |w| w.price(), reads;
    /// How many variables there are, and their bytes with a NUL for each.
    "wasi_snapshot_preview1" environ_sizes_get => environ_sizes_get(count: i32, size: i32) -> i32, |w| w.price(), reads;
    /// Nanoseconds between two values of a clock.
    "wasi_snapshot_preview1" clock_res_get => clock_res_get(id: i32, out: i32) -> i32, |w| w.price(), reads;
    /// What a clock shows, in nanoseconds.
    "wasi_snapshot_preview1" clock_time_get => clock_time_get(id: i32, precision: i64, out: i32) -> i32, |w| w.price(), reads;
    /// How a part of a file will be used.
    "wasi_snapshot_preview1" fd_advise => fd_advise(fd: i32, offset: i64, len: i64, advice: i32) -> i32, |w| w.price(), reads;
    /// Keeps room for a part of a file.
    "wasi_snapshot_preview1" fd_allocate => fd_allocate(fd: i32, offset: i64, len: i64) -> i32, |w| w.price(), writes;
    /// Closes a descriptor.
    "wasi_snapshot_preview1" fd_close => fd_close(fd: i32) -> i32, |w| w.price(), writes;
    /// Has a file's contents on the device.
    "wasi_snapshot_preview1" fd_datasync => fd_datasync(fd: i32) -> i32, |w| w.price(), writes;
    /// What a descriptor is, its flags and rights.
    "wasi_snapshot_preview1" fd_fdstat_get => fd_fdstat_get(fd: i32, out: i32) -> i32, |w| w.price(), reads;
    /// Changes a descriptor's flags.
    "wasi_snapshot_preview1" fd_fdstat_set_flags => fd_fdstat_set_flags(fd: i32, flags: i32) -> i32, |w| w.price(), writes;
    /// Gives rights of a descriptor away.
    "wasi_snapshot_preview1" fd_fdstat_set_rights => fd_fdstat_set_rights(fd: i32, base: i64, inheriting: i64) -> i32, |w| w.price(), writes;
    /// What is known of an open file.
    "wasi_snapshot_preview1" fd_filestat_get => fd_filestat_get(fd: i32, out: i32) -> i32, |w| w.price(), reads;
    /// Cuts an open file off, or has it end with zeros.
    "wasi_snapshot_preview1" fd_filestat_set_size => fd_filestat_set_size(fd: i32, size: i64) -> i32, |w| w.price(), writes;
    /// Sets times of an open file.
    "wasi_snapshot_preview1" fd_filestat_set_times => fd_filestat_set_times(fd: i32, atim: i64, mtim: i64, flags: i32) -> i32, |w| w.price(), writes;
    /// Reads at a place of a file.
    "wasi_snapshot_preview1" fd_pread => fd_pread(fd: i32, iovs: i32, n: i32, offset: i64, nread: i32) -> i32, |w| w.price(), reads;
    /// Whether a descriptor was open when the program began, and how long its name is.
    "wasi_snapshot_preview1" fd_prestat_get => fd_prestat_get(fd: i32, out: i32) -> i32, |w| w.price(), reads;
    /// Its name.
    "wasi_snapshot_preview1" fd_prestat_dir_name => fd_prestat_dir_name(fd: i32, buf: i32, len: i32) -> i32, |w| w.price(), reads;
    /// Writes at a place of a file.
    "wasi_snapshot_preview1" fd_pwrite => fd_pwrite(fd: i32, iovs: i32, n: i32, offset: i64, nwritten: i32) -> i32, |w| w.price(), writes;
    /// Reads what comes next.
    "wasi_snapshot_preview1" fd_read => fd_read(fd: i32, iovs: i32, n: i32, nread: i32) -> i32, |w| w.price(), reads;
    /// What is in a directory, from `cookie` on.
    "wasi_snapshot_preview1" fd_readdir => fd_readdir(fd: i32, buf: i32, len: i32, cookie: i64, used: i32) -> i32, |w| w.price(), reads;
    /// Gives a descriptor the number of another one, which is closed.
    "wasi_snapshot_preview1" fd_renumber => fd_renumber(from: i32, to: i32) -> i32, |w| w.price(), writes;
    /// Moves to another place of a file.
    "wasi_snapshot_preview1" fd_seek => fd_seek(fd: i32, delta: i64, whence: i32, out: i32) -> i32, |w| w.price(), reads;
    /// Has a file on the device, with what is known of it.
    "wasi_snapshot_preview1" fd_sync => fd_sync(fd: i32) -> i32, |w| w.price(), writes;
    /// At which place of a file one is.
    "wasi_snapshot_preview1" fd_tell => fd_tell(fd: i32, out: i32) -> i32, |w| w.price(), reads;
    /// Writes what comes next.
    "wasi_snapshot_preview1" fd_write => fd_write(fd: i32, iovs: i32, n: i32, nwritten: i32) -> i32, |w| w.price(), writes;
    /// Makes a directory.
    "wasi_snapshot_preview1" path_create_directory => path_create_directory(fd: i32, path: i32, len: i32) -> i32, |w| w.price(), writes;
    /// What is known of a path.
    "wasi_snapshot_preview1" path_filestat_get => path_filestat_get(fd: i32, lookup: i32, path: i32, len: i32, out: i32) -> i32, |w| w.price(), reads;
    /// Sets times of a path.
    "wasi_snapshot_preview1" path_filestat_set_times => path_filestat_set_times(fd: i32, lookup: i32, path: i32, len: i32, atim: i64, mtim: i64, flags: i32) -> i32, |w| w.price(), writes;
    /// Gives a file another name.
    "wasi_snapshot_preview1" path_link => path_link(old_fd: i32, lookup: i32, old: i32, old_len: i32, new_fd: i32, new: i32, new_len: i32) -> i32, |w| w.price(), writes;
    /// Opens a path.
    "wasi_snapshot_preview1" path_open => path_open(fd: i32, lookup: i32, path: i32, len: i32, oflags: i32, base: i64, inheriting: i64, fdflags: i32, out: i32) -> i32, |w| w.price(), writes;
    /// Where a symbolic link leads.
    "wasi_snapshot_preview1" path_readlink => path_readlink(fd: i32, path: i32, len: i32, buf: i32, buf_len: i32, used: i32) -> i32, |w| w.price(), reads;
    /// Removes an empty directory.
    "wasi_snapshot_preview1" path_remove_directory => path_remove_directory(fd: i32, path: i32, len: i32) -> i32, |w| w.price(), writes;
    /// Moves a file or a directory.
    "wasi_snapshot_preview1" path_rename => path_rename(old_fd: i32, old: i32, old_len: i32, new_fd: i32, new: i32, new_len: i32) -> i32, |w| w.price(), writes;
    /// Makes a symbolic link.
    "wasi_snapshot_preview1" path_symlink => path_symlink(target: i32, target_len: i32, fd: i32, path: i32, len: i32) -> i32, |w| w.price(), writes;
    /// Removes a name of a file.
    "wasi_snapshot_preview1" path_unlink_file => path_unlink_file(fd: i32, path: i32, len: i32) -> i32, |w| w.price(), writes;
    /// Waits for clocks and descriptors.
    "wasi_snapshot_preview1" poll_oneoff => poll_oneoff(subscriptions: i32, events: i32, n: i32, out: i32) -> i32, |w| w.price(), reads;
    /// Ends the program.
    "wasi_snapshot_preview1" proc_exit => proc_exit(code: i32) -> none, |w| w.price(), reads;
    /// Not supported.
    "wasi_snapshot_preview1" proc_raise => proc_raise(signal: i32) -> i32, |w| w.price(), reads;
    /// Lets others run.
    "wasi_snapshot_preview1" sched_yield => sched_yield() -> i32, |w| w.price(), reads;
    /// Random bytes.
    "wasi_snapshot_preview1" random_get => random_get(buf: i32, len: i32) -> i32, |w| w.price(), reads;
    /// Receives.
    "wasi_snapshot_preview1" sock_recv => sock_recv(fd: i32, iovs: i32, n: i32, flags: i32, len_out: i32, flags_out: i32) -> i32, |w| w.price(), reads;
    /// Sends.
    "wasi_snapshot_preview1" sock_send => sock_send(fd: i32, iovs: i32, n: i32, flags: i32, len_out: i32) -> i32, |w| w.price(), writes;
    /// Ends one or both directions of a connection.
    "wasi_snapshot_preview1" sock_shutdown => sock_shutdown(fd: i32, how: i32) -> i32, |w| w.price(), writes;
    /// Accepts a connection, as the standard has it: its name without `_v2` has this type, too.
    "wasi_snapshot_preview1" sock_accept_v2 => sock_accept_v2(fd: i32, flags: i32, out: i32) -> i32, |w| w.price(), writes;

    // WasmEdge's sockets. Each has a name with `_v2` behind it, too; what differs then is a row. A name alone is the first generation's,
    // unless its import has the type of the second.

    /// Accepts a connection.
    "wasi_snapshot_preview1" sock_accept => sock_accept(fd: i32, out: i32) -> i32, |w| w.socket_price(), writes;
    /// Opens a socket of a family (1: IPv4, 2: IPv6) and a kind (1: datagrams, 2: streams).
    "wasi_snapshot_preview1" sock_open => sock_open(family: i32, kind: i32, out: i32) -> i32, |w| w.socket_price(), writes;
    /// Gives a socket an address of this machine. Port 0: any that is free.
    "wasi_snapshot_preview1" sock_bind => sock_bind(fd: i32, addr: i32, port: i32) -> i32, |w| w.socket_price(), writes;
    /// The same; the address may be a storage area.
    "wasi_snapshot_preview1" sock_bind_v2 => sock_bind_v2(fd: i32, addr: i32, port: i32) -> i32, |w| w.socket_price(), writes;
    /// Has connections accepted at it.
    "wasi_snapshot_preview1" sock_listen => sock_listen(fd: i32, backlog: i32) -> i32, |w| w.socket_price(), writes;
    /// Connects.
    "wasi_snapshot_preview1" sock_connect => sock_connect(fd: i32, addr: i32, port: i32) -> i32, |w| w.socket_price(), writes;
    /// The same; the address may be a storage area.
    "wasi_snapshot_preview1" sock_connect_v2 => sock_connect_v2(fd: i32, addr: i32, port: i32) -> i32, |w| w.socket_price(), writes;
    /// Receives, and tells the address from which.
    "wasi_snapshot_preview1" sock_recv_from => sock_recv_from(fd: i32, iovs: i32, n: i32, addr: i32, flags: i32, len_out: i32, flags_out: i32) -> i32, |w| w.socket_price(), reads;
    /// The same, and tells the port, in two bytes.
    "wasi_snapshot_preview1" sock_recv_from_v2 => sock_recv_from_v2(fd: i32, iovs: i32, n: i32, addr: i32, flags: i32, port_out: i32, len_out: i32, flags_out: i32) -> i32, |w| w.socket_price(), reads;
    /// Sends to an address.
    "wasi_snapshot_preview1" sock_send_to => sock_send_to(fd: i32, iovs: i32, n: i32, addr: i32, port: i32, flags: i32, len_out: i32) -> i32, |w| w.socket_price(), writes;
    /// The same; the address may be a storage area.
    "wasi_snapshot_preview1" sock_send_to_v2 => sock_send_to_v2(fd: i32, iovs: i32, n: i32, addr: i32, port: i32, flags: i32, len_out: i32) -> i32, |w| w.socket_price(), writes;
    /// An option's value.
    "wasi_snapshot_preview1" sock_getsockopt => sock_getsockopt(fd: i32, level: i32, name: i32, value: i32, len: i32) -> i32, |w| w.socket_price(), reads;
    /// Changes it.
    "wasi_snapshot_preview1" sock_setsockopt => sock_setsockopt(fd: i32, level: i32, name: i32, value: i32, len: i32) -> i32, |w| w.socket_price(), writes;
    /// Where a socket is: its address, 4 or 6, and its port.
    "wasi_snapshot_preview1" sock_getlocaladdr => sock_getlocaladdr(fd: i32, addr: i32, kind_out: i32, port_out: i32) -> i32, |w| w.socket_price(), reads;
    /// The same, in a storage area.
    "wasi_snapshot_preview1" sock_getlocaladdr_v2 => sock_getlocaladdr_v2(fd: i32, addr: i32, port_out: i32) -> i32, |w| w.socket_price(), reads;
    /// With whom it is connected: address, 4 or 6, and port.
    "wasi_snapshot_preview1" sock_getpeeraddr => sock_getpeeraddr(fd: i32, addr: i32, kind_out: i32, port_out: i32) -> i32, |w| w.socket_price(), reads;
    /// The same, in a storage area.
    "wasi_snapshot_preview1" sock_getpeeraddr_v2 => sock_getpeeraddr_v2(fd: i32, addr: i32, port_out: i32) -> i32, |w| w.socket_price(), reads;
    /// Addresses of a name and a service, in the list that the guest has made for them.
    "wasi_snapshot_preview1" sock_getaddrinfo => sock_getaddrinfo(node: i32, node_len: i32, service: i32, service_len: i32, hints: i32, list: i32, max: i32, out: i32) -> i32, |w| w.socket_price(), writes;
    /// As `poll_oneoff`: it tells what is ready, not only what has become so.
    "wasi_snapshot_preview1" epoll_oneoff => poll_oneoff(subscriptions: i32, events: i32, n: i32, out: i32) -> i32, |w| w.socket_price(), reads;

    // The preview before 1, where it differs. All other functions have its names, too.

    /// Moves to another place of a file; from where one is (0), the end (1), the beginning (2).
    "wasi_unstable" fd_seek => seek_unstable(fd: i32, delta: i64, whence: i32, out: i32) -> i32, |w| w.price(), reads;
    /// What is known of an open file, in 56 bytes.
    "wasi_unstable" fd_filestat_get => fd_filestat_unstable(fd: i32, out: i32) -> i32, |w| w.price(), reads;
    /// What is known of a path, in 56 bytes.
    "wasi_unstable" path_filestat_get => path_filestat_unstable(fd: i32, lookup: i32, path: i32, len: i32, out: i32) -> i32, |w| w.price(), reads;
    /// Waits for clocks and descriptors, with subscriptions of 56 bytes.
    "wasi_unstable" poll_oneoff => poll_unstable(subscriptions: i32, events: i32, n: i32, out: i32) -> i32, |w| w.price(), reads;
} }

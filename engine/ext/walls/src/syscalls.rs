//! Lists of system calls.

use libc::*;
use seccompiler::{SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};
use std::collections::BTreeMap;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// What gristmill needs while a program runs: files, memory, time, threads, signals of its own.
#[rustfmt::skip]
const PROGRAMS: &[c_long] = &[
    // Descriptors and files. Which ones is Landlock's matter.
    SYS_read, SYS_readv, SYS_pread64, SYS_preadv, SYS_preadv2, SYS_write, SYS_writev, SYS_pwrite64, SYS_pwritev, SYS_pwritev2,
    SYS_lseek, SYS_close, SYS_close_range, SYS_dup, SYS_dup3, SYS_fcntl, SYS_flock, SYS_fsync, SYS_fdatasync, SYS_sync_file_range,
    SYS_ftruncate, SYS_truncate, SYS_fallocate, SYS_fadvise64, SYS_readahead, SYS_copy_file_range, SYS_sendfile, SYS_statx,
    SYS_newfstatat, SYS_fstat, SYS_faccessat, SYS_faccessat2, SYS_readlinkat, SYS_openat, SYS_openat2, SYS_mkdirat, SYS_unlinkat,
    SYS_renameat, SYS_renameat2, SYS_linkat, SYS_symlinkat, SYS_utimensat, SYS_getdents64, SYS_statfs, SYS_fstatfs, SYS_umask,
    SYS_getcwd, SYS_pipe2, SYS_eventfd2, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_ppoll, SYS_pselect6,
    // Memory.
    SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_brk, SYS_mincore, SYS_membarrier,
    // Threads and signals. Landlock keeps signals within, where it can.
    SYS_futex, SYS_set_robust_list, SYS_get_robust_list, SYS_rseq, SYS_sched_yield, SYS_sched_getaffinity, SYS_exit, SYS_exit_group,
    SYS_gettid, SYS_getpid, SYS_getppid, SYS_tgkill, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack,
    // The other filter answers `clone3`.
    SYS_restart_syscall, SYS_prctl, SYS_clone3,
    // Time, chance, and what the process is.
    SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday, SYS_getrandom, SYS_getuid,
    SYS_geteuid, SYS_getgid, SYS_getegid, SYS_prlimit64, SYS_getrlimit, SYS_getrusage, SYS_sysinfo, SYS_uname,
];

/// The older names of some, which x86-64 alone has.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const OLDER: &[c_long] = &[
    SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_mkdir, SYS_rmdir, SYS_unlink, SYS_rename, SYS_link, SYS_symlink,
    SYS_getdents, SYS_dup2, SYS_pipe, SYS_eventfd, SYS_epoll_create, SYS_epoll_wait, SYS_poll, SYS_select, SYS_arch_prctl,
    SYS_time, SYS_utimensat,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[c_long] = &[];

/// What makes sockets and uses them.
#[rustfmt::skip]
const NETWORK: &[c_long] = &[
    SYS_socket, SYS_socketpair, SYS_bind, SYS_connect, SYS_listen, SYS_accept, SYS_accept4, SYS_getsockname, SYS_getpeername,
    SYS_sendto, SYS_recvfrom, SYS_sendmsg, SYS_recvmsg, SYS_sendmmsg, SYS_recvmmsg, SYS_setsockopt, SYS_getsockopt, SYS_shutdown,
];

/// What no program needs that is not an administrator's, or that looks into other processes. `io_uring` does what the others
/// do without being seen.
#[rustfmt::skip]
const ADMINISTRATION: &[c_long] = &[
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_getfd, SYS_kcmp, SYS_perf_event_open, SYS_bpf,
    SYS_userfaultfd, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_mount, SYS_umount2, SYS_move_mount,
    SYS_open_tree, SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_mount_setattr, SYS_pivot_root, SYS_chroot, SYS_setns,
    SYS_unshare, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_swapoff,
    SYS_keyctl, SYS_add_key, SYS_request_key, SYS_name_to_handle_at, SYS_open_by_handle_at, SYS_acct, SYS_quotactl,
    SYS_settimeofday, SYS_clock_settime, SYS_clock_adjtime, SYS_adjtimex, SYS_sethostname, SYS_setdomainname, SYS_syslog,
    SYS_vhangup, SYS_mknodat,
];

/// What programs of gristmill get; everything else is denied.
pub fn of_programs(network: bool) -> Rules {
    let sockets = if network { NETWORK } else { &[] };
    let mut rules = all([PROGRAMS, OLDER, sockets].concat());
    // A thread of this process, and no other process.
    let thread = condition(0, SeccompCmpOp::MaskedEq(CLONE_THREAD as u64), CLONE_THREAD as u64);
    rules.insert(SYS_clone, vec![rule(vec![thread])]);
    // Not what types at a terminal in the user's place.
    let other = [TIOCSTI, TIOCLINUX].map(|request| condition(1, SeccompCmpOp::Ne, request));
    rules.insert(SYS_ioctl, vec![rule(other.to_vec())]);
    rules
}

/// What commands of the system do not get.
pub fn of_administration(network: bool) -> Rules {
    // Without a socket there is nothing that the others could be used on.
    let sockets: &[c_long] = if network { &[] } else { &[SYS_socket] };
    let mut rules = all([ADMINISTRATION, sockets].concat());
    let typing = [TIOCSTI, TIOCLINUX].map(|request| rule(vec![condition(1, SeccompCmpOp::Eq, request)]));
    rules.insert(SYS_ioctl, typing.to_vec());
    rules
}

fn all(calls: Vec<c_long>) -> Rules {
    calls.into_iter().map(|call| (call, Vec::new())).collect()
}

fn condition(argument: u8, operator: SeccompCmpOp, value: u64) -> SeccompCondition {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value).expect("a call has six arguments")
}

fn rule(conditions: Vec<SeccompCondition>) -> SeccompRule {
    SeccompRule::new(conditions).expect("there is a condition")
}

/// Requests that type at a terminal. Source: Linux, asm-generic/ioctls.h; as numbers, for their type is each libc's own.
const TIOCSTI: u64 = 0x5412;
const TIOCLINUX: u64 = 0x541c;

//! `wasi_unstable`, the preview before 1: the same functions without `sock_accept`, of which four have their numbers and structures
//! in another form.

use crate::abi::{Answer, filestat_unstable};
use crate::poll::Layout;
use crate::{MODULE, UNSTABLE, Wasi};
use gristmill::{ApiRow, Error, Guest, HostApi, Linker};

/// Gives the functions that have not changed their older names.
///
/// # Errors
/// A name is taken.
pub fn alias<T>(linker: &mut Linker<T>) -> Result<(), Error> {
    let has = |name: &str| Wasi::rows().iter().any(|row| row.module == UNSTABLE && row.name == name);
    for row in Wasi::rows().iter().filter(|row| is_older(row) && !has(row.name)) {
        linker.alias(MODULE, row.name, UNSTABLE, row.name)?;
    }
    Ok(())
}

/// Whether preview 1 had the function from its beginning.
fn is_older(row: &ApiRow) -> bool {
    match row.name {
        "sock_recv" | "sock_send" | "sock_shutdown" => true,
        "epoll_oneoff" => false,
        name => row.module == MODULE && !name.starts_with("sock_"),
    }
}

impl Wasi {
    pub(crate) fn seek_unstable(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        delta: u64,
        whence: u32,
        out: u32,
    ) -> Answer {
        // From where one is, from the end, from the beginning.
        let whence = [1, 2, 0].get(whence as usize).copied().unwrap_or(whence);
        self.fd_seek(guest, fd, delta, whence, out)
    }

    pub(crate) fn fd_filestat_unstable(&mut self, guest: &mut Guest<'_>, fd: u32, out: u32) -> Answer {
        self.descriptor_stat(guest, fd, out, filestat_unstable)
    }

    pub(crate) fn path_filestat_unstable(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        lookup: u32,
        at: u32,
        length: u32,
        out: u32,
    ) -> Answer {
        self.path_stat(guest, fd, lookup, (at, length), out, filestat_unstable)
    }

    pub(crate) fn poll_unstable(
        &mut self,
        guest: &mut Guest<'_>,
        subscriptions: u32,
        events: u32,
        count: u32,
        out: u32,
    ) -> Answer {
        self.poll(guest, Layout::UNSTABLE, subscriptions, events, count, out)
    }
}

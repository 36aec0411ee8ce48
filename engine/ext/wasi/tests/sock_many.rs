//! Sockets come to an end: alone in its process, whose own limit may be the nearer one.

mod sock_common;

use gristmill_ext_wasi::errno::Errno;
use sock_common::*;

#[test]
fn there_is_a_last_number() {
    let mut run = Run::net(&["connect:*"]);
    let open: Vec<_> = (0..100).map(|_| run.open(1, DATAGRAM)).collect();
    assert_eq!(open, (3..103).collect::<Vec<_>>());
    open.iter().for_each(|fd| run.works("fd_close", &[*fd]));
    assert_eq!(run.open(1, STREAM), 3);
    let answer = (0..2_000).map(|_| run.call("sock_open", &[1, DATAGRAM, OUT])).find(|answer| *answer != OK);
    assert_eq!(answer, Some(Errno::Mfile as u32));
}

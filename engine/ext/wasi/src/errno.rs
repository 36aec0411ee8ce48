//! What preview 1 answers when something does not work.

use std::io;

macro_rules! errnos {
    ($($(#[doc = $doc:literal])* $name:ident = $number:literal $(, $host:ident)?;)*) => {
        /// An error number of preview 1. Source: the standard's witx, whose order these numbers are.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        pub enum Errno {
            $($(#[doc = $doc])* $name = $number,)*
        }

        impl From<rustix::io::Errno> for Errno {
            fn from(error: rustix::io::Errno) -> Self {
                match error {
                    $($(rustix::io::Errno::$host => Errno::$name,)?)*
                    // Whatever else a kernel thinks of.
                    _ => Errno::Io,
                }
            }
        }
    };
}

errnos! {
    /// Argument list too long.
    TooBig = 1, TOOBIG;
    /// Permission denied.
    Acces = 2, ACCESS;
    /// Address in use.
    AddrInUse = 3, ADDRINUSE;
    /// Address not available.
    AddrNotAvail = 4, ADDRNOTAVAIL;
    /// Address family not supported.
    AfNoSupport = 5, AFNOSUPPORT;
    /// Resource unavailable, or the operation would block.
    Again = 6, AGAIN;
    /// Connection already in progress.
    Already = 7, ALREADY;
    /// Bad file descriptor.
    Badf = 8, BADF;
    /// Device or resource busy.
    Busy = 10, BUSY;
    /// Connection aborted.
    ConnAborted = 13, CONNABORTED;
    /// Connection refused.
    ConnRefused = 14, CONNREFUSED;
    /// Connection reset.
    ConnReset = 15, CONNRESET;
    /// Resource deadlock would occur.
    Deadlk = 16, DEADLK;
    /// Destination address required.
    DestAddrReq = 17, DESTADDRREQ;
    /// Quota exceeded.
    Dquot = 19, DQUOT;
    /// File exists.
    Exist = 20, EXIST;
    /// Bad address.
    Fault = 21, FAULT;
    /// File too large.
    Fbig = 22, FBIG;
    /// Host is unreachable.
    HostUnreach = 23, HOSTUNREACH;
    /// Illegal byte sequence.
    Ilseq = 25, ILSEQ;
    /// Operation in progress.
    InProgress = 26, INPROGRESS;
    /// Interrupted function.
    Intr = 27, INTR;
    /// Invalid argument.
    Inval = 28, INVAL;
    /// I/O error.
    Io = 29, IO;
    /// Socket is connected.
    IsConn = 30, ISCONN;
    /// Is a directory.
    Isdir = 31, ISDIR;
    /// Too many levels of symbolic links.
    Loop = 32, LOOP;
    /// File descriptor value too large.
    Mfile = 33, MFILE;
    /// Too many links.
    Mlink = 34, MLINK;
    /// Message too large.
    MsgSize = 35, MSGSIZE;
    /// Filename too long.
    NameTooLong = 37, NAMETOOLONG;
    /// Network is down.
    NetDown = 38, NETDOWN;
    /// Network unreachable.
    NetUnreach = 40, NETUNREACH;
    /// Too many files open in the system.
    Nfile = 41, NFILE;
    /// No buffer space available.
    NoBufs = 42, NOBUFS;
    /// No such device.
    Nodev = 43, NODEV;
    /// No such file or directory.
    Noent = 44, NOENT;
    /// Not enough space.
    Nomem = 48, NOMEM;
    /// Protocol not available.
    NoProtoOpt = 50, NOPROTOOPT;
    /// No space left on device.
    Nospc = 51, NOSPC;
    /// Function not supported.
    Nosys = 52, NOSYS;
    /// The socket is not connected.
    NotConn = 53, NOTCONN;
    /// Not a directory or a symbolic link to a directory.
    Notdir = 54, NOTDIR;
    /// Directory not empty.
    Notempty = 55, NOTEMPTY;
    /// Not a socket.
    NotSock = 57, NOTSOCK;
    /// Not supported.
    Notsup = 58, NOTSUP;
    /// No such device or address.
    Nxio = 60, NXIO;
    /// Value too large to be stored in data type.
    Overflow = 61, OVERFLOW;
    /// Operation not permitted.
    Perm = 63, PERM;
    /// Broken pipe.
    Pipe = 64, PIPE;
    /// Protocol not supported.
    ProtoNoSupport = 66, PROTONOSUPPORT;
    /// Read-only file system.
    Rofs = 69, ROFS;
    /// Invalid seek.
    Spipe = 70, SPIPE;
    /// Stale file handle.
    Stale = 72, STALE;
    /// Connection timed out.
    TimedOut = 73, TIMEDOUT;
    /// Text file busy.
    Txtbsy = 74, TXTBSY;
    /// Cross-device link.
    Xdev = 75, XDEV;
    /// Capabilities insufficient.
    Notcapable = 76;
    // From here on WasmEdge's, of names.
    /// No answer now; there may be one later.
    AiAgain = 78;
    /// No answer, now or later.
    AiFail = 80;
    /// Family not supported.
    AiFamily = 81;
    /// A name without addresses.
    AiNoData = 83;
    /// No such name.
    AiNoName = 84;
    /// No such service, or not of that protocol.
    AiService = 85;
    /// Kind of socket not supported.
    AiSockType = 86;
    /// The system does not let us ask.
    AiSystem = 87;
}

impl From<io::Error> for Errno {
    fn from(error: io::Error) -> Self {
        match rustix::io::Errno::from_io_error(&error) {
            Some(errno) => errno.into(),
            None => match error.kind() {
                io::ErrorKind::PermissionDenied => Errno::Perm,
                io::ErrorKind::NotFound => Errno::Noent,
                io::ErrorKind::InvalidInput => Errno::Inval,
                io::ErrorKind::Unsupported => Errno::Notsup,
                _ => Errno::Io,
            },
        }
    }
}

//! Rights of descriptors: what may be done with each, and with what is opened beneath it.

use std::ops::{BitAnd, BitOr};

/// A set of rights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights(pub u64);

macro_rules! rights {
    ($($(#[doc = $doc:literal])* $name:ident = $bit:literal;)*) => {
        impl Rights {
            $($(#[doc = $doc])* pub const $name: Self = Self(1 << $bit);)*
        }
    };
}

rights! {
    /// `fd_datasync`.
    FD_DATASYNC = 0;
    /// `fd_read`, and `sock_recv`.
    FD_READ = 1;
    /// `fd_seek`.
    FD_SEEK = 2;
    /// `fd_fdstat_set_flags`.
    FD_FDSTAT_SET_FLAGS = 3;
    /// `fd_sync`.
    FD_SYNC = 4;
    /// `fd_tell`.
    FD_TELL = 5;
    /// `fd_write`, and `sock_send`.
    FD_WRITE = 6;
    /// `fd_advise`.
    FD_ADVISE = 7;
    /// `fd_allocate`.
    FD_ALLOCATE = 8;
    /// `path_create_directory`.
    PATH_CREATE_DIRECTORY = 9;
    /// `path_open` that makes a file.
    PATH_CREATE_FILE = 10;
    /// `path_link`, the directory of the old name.
    PATH_LINK_SOURCE = 11;
    /// `path_link`, that of the new one.
    PATH_LINK_TARGET = 12;
    /// `path_open`.
    PATH_OPEN = 13;
    /// `fd_readdir`.
    FD_READDIR = 14;
    /// `path_readlink`.
    PATH_READLINK = 15;
    /// `path_rename`, the directory of the old name.
    PATH_RENAME_SOURCE = 16;
    /// `path_rename`, that of the new one.
    PATH_RENAME_TARGET = 17;
    /// `path_filestat_get`.
    PATH_FILESTAT_GET = 18;
    /// `path_open` that truncates.
    PATH_FILESTAT_SET_SIZE = 19;
    /// `path_filestat_set_times`.
    PATH_FILESTAT_SET_TIMES = 20;
    /// `fd_filestat_get`.
    FD_FILESTAT_GET = 21;
    /// `fd_filestat_set_size`.
    FD_FILESTAT_SET_SIZE = 22;
    /// `fd_filestat_set_times`.
    FD_FILESTAT_SET_TIMES = 23;
    /// `path_symlink`.
    PATH_SYMLINK = 24;
    /// `path_remove_directory`.
    PATH_REMOVE_DIRECTORY = 25;
    /// `path_unlink_file`.
    PATH_UNLINK_FILE = 26;
    /// `poll_oneoff` on reading or writing.
    POLL_FD_READWRITE = 27;
    /// `sock_shutdown`.
    SOCK_SHUTDOWN = 28;
    /// `sock_accept`.
    SOCK_ACCEPT = 29;
}

impl Rights {
    /// What can be done with a file.
    pub const FILE: Self = Self(
        Self::FD_DATASYNC.0
            | Self::FD_READ.0
            | Self::FD_SEEK.0
            | Self::FD_FDSTAT_SET_FLAGS.0
            | Self::FD_SYNC.0
            | Self::FD_TELL.0
            | Self::FD_WRITE.0
            | Self::FD_ADVISE.0
            | Self::FD_ALLOCATE.0
            | Self::FD_FILESTAT_GET.0
            | Self::FD_FILESTAT_SET_SIZE.0
            | Self::FD_FILESTAT_SET_TIMES.0
            | Self::POLL_FD_READWRITE.0,
    );
    /// What can be done with something to read or write that has no places: a terminal, a pipe.
    pub const STREAM: Self = Self(
        Self::FD_READ.0
            | Self::FD_FDSTAT_SET_FLAGS.0
            | Self::FD_WRITE.0
            | Self::FD_FILESTAT_GET.0
            | Self::POLL_FD_READWRITE.0,
    );
    /// What can be done with a socket that listens.
    pub const LISTENER: Self =
        Self(Self::FD_FDSTAT_SET_FLAGS.0 | Self::FD_FILESTAT_GET.0 | Self::POLL_FD_READWRITE.0 | Self::SOCK_ACCEPT.0);
    /// What can be done with a connection.
    pub const CONNECTION: Self = Self(Self::STREAM.0 | Self::SOCK_SHUTDOWN.0);
    /// What can be done with a directory.
    pub const DIRECTORY: Self = Self(
        Self::FD_FDSTAT_SET_FLAGS.0
            | Self::FD_SYNC.0
            | Self::PATH_CREATE_DIRECTORY.0
            | Self::PATH_CREATE_FILE.0
            | Self::PATH_LINK_SOURCE.0
            | Self::PATH_LINK_TARGET.0
            | Self::PATH_OPEN.0
            | Self::FD_READDIR.0
            | Self::PATH_READLINK.0
            | Self::PATH_RENAME_SOURCE.0
            | Self::PATH_RENAME_TARGET.0
            | Self::PATH_FILESTAT_GET.0
            | Self::PATH_FILESTAT_SET_SIZE.0
            | Self::PATH_FILESTAT_SET_TIMES.0
            | Self::FD_FILESTAT_GET.0
            | Self::FD_FILESTAT_SET_TIMES.0
            | Self::PATH_SYMLINK.0
            | Self::PATH_REMOVE_DIRECTORY.0
            | Self::PATH_UNLINK_FILE.0,
    );
    /// What changes something.
    pub const WRITING: Self = Self(
        Self::FD_WRITE.0
            | Self::FD_ALLOCATE.0
            | Self::PATH_CREATE_DIRECTORY.0
            | Self::PATH_CREATE_FILE.0
            | Self::PATH_LINK_SOURCE.0
            | Self::PATH_LINK_TARGET.0
            | Self::PATH_RENAME_SOURCE.0
            | Self::PATH_RENAME_TARGET.0
            | Self::PATH_FILESTAT_SET_SIZE.0
            | Self::PATH_FILESTAT_SET_TIMES.0
            | Self::FD_FILESTAT_SET_SIZE.0
            | Self::FD_FILESTAT_SET_TIMES.0
            | Self::PATH_SYMLINK.0
            | Self::PATH_REMOVE_DIRECTORY.0
            | Self::PATH_UNLINK_FILE.0,
    );

    /// Whether all of `others` are among these.
    pub fn has(self, others: Self) -> bool {
        self & others == others
    }

    /// These without `others`.
    pub fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }
}

impl BitOr for Rights {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Rights {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

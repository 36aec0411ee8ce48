//! Directories of the host.

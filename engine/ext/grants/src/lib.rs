//! What a program off chain may do. Everything is denied unless it is granted.
//!
//! [`Grants`] is the one structure: a manifest in TOML and flags of a command both make it ([`Grants::from_toml`], and [`FromStr`]
//! of its parts). [`Granted`] is what extensions hold while a program runs: grants, where refusals are noted, and when the
//! time is up.
//!
//! ```
//! # use gristmill_ext_grants::{Access, Grants};
//! let grants = Grants::from_toml(r#"
//!     version = 1
//!     [[directory]]
//!     guest = "/data"
//!     host = "/srv/data"
//!     access = "ro"
//! "#)?;
//! assert_eq!(grants.directories[0].access, Access::Ro);
//! # Ok::<(), gristmill_ext_grants::ManifestError>(())
//! ```
//!
//! [`FromStr`]: std::str::FromStr

mod explain;
mod granted;
mod limits;
mod manifest;
mod network;
mod text;

pub use granted::{Act, Cancel, Granted, Refused};
pub use limits::{Inference, Limits, Price, Prices};
pub use manifest::{
    Access, Clock, Command, CommandWalls, Digest, Directory, Grants, Input, ManifestError, Model, Output, Random,
    Stdio, Storage, Version,
};
pub use network::{Hosts, NetAct, NetRule, Ports, Protocol};
pub use text::BadFlag;

#[cfg(test)]
mod tests;

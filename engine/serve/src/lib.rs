//! Functions over HTTP.
//!
//! A [`Server`] serves modules behind routes, each by what it exports: a program (`_start`) is run once for each request and
//! speaks the Common Gateway Interface; functions that take and return bytes are called by POST. With [`faas`] it takes uploads,
//! too, behind the routes of SSVM's service.
//!
//! Guests run on threads of their own, so many at once; a queue with an end is in front of them, and what finds no place there is
//! told to come again. A run whose client goes is ended, and its place is free again: its code is interrupted, and host functions that
//! wait look for that, but for the one that asks for addresses of a name, which takes a minute at most. Requests share nothing that one of them can change ([`run`] says what they share). What a request may do is
//! what [`Grants`](gristmill_ext_grants::Grants) say, what it may spend their limits.

mod body;
mod call;
mod cgi;
mod end;
pub mod faas;
mod failed;
mod log;
mod metrics;
mod pool;
pub mod run;
mod server;
mod site;

pub use call::{Convention, Returned};
pub use end::End;
pub use failed::Failed;
pub use log::Form;
pub use server::{Drained, Options, Server, SetupError, signals};
pub use site::Mount;

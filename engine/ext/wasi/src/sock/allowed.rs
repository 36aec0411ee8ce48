//! What the grants allow of the network.

use crate::Wasi;
use crate::errno::Errno;
use gristmill_ext_grants::{Act, Hosts, NetAct, Protocol};
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

/// Addresses that are remembered of names at most; the oldest go first.
const MANY: usize = 1_024;

/// What names have resolved to for this program: who may connect to a name may connect to these.
#[derive(Debug, Default)]
pub struct Resolved(VecDeque<(String, IpAddr)>);

impl Resolved {
    /// Remembers an address of a name.
    pub(super) fn add(&mut self, name: &str, address: IpAddr) {
        if self.names(address).any(|known| known == name) {
            return;
        }
        if self.0.len() == MANY {
            self.0.pop_front();
        }
        self.0.push_back((name.into(), address.to_canonical()));
    }

    /// The names of an address.
    fn names(&self, address: IpAddr) -> impl Iterator<Item = &str> {
        let address = address.to_canonical();
        self.0.iter().filter(move |(_, known)| *known == address).map(|(name, _)| name.as_str())
    }
}

impl Wasi {
    /// Whether a rule allows it.
    pub(super) fn allows(&self, act: NetAct, protocol: Protocol, at: SocketAddr) -> bool {
        let (address, port) = (at.ip(), at.port());
        self.granted.grants.network.iter().any(|rule| {
            let by_name = |name| act == NetAct::Connect && rule.allows_name(act, protocol, name, port);
            rule.allows_address(act, protocol, address, port) || self.resolved.names(address).any(by_name)
        })
    }

    /// Refuses what no rule allows, and tells the operator.
    pub(super) fn may(
        &self,
        function: &'static str,
        act: NetAct,
        protocol: Protocol,
        at: SocketAddr,
    ) -> Result<(), Errno> {
        if self.allows(act, protocol, at) {
            return Ok(());
        }
        let protocol = if protocol == Protocol::Udp { "udp" } else { "tcp" };
        let missing = if act == NetAct::Listen { Act::Listen } else { Act::Connect };
        self.granted.refuse(function, format!("{protocol} {at}"), missing);
        Err(Errno::Notcapable)
    }

    /// Refuses to ask for names that no rule has: one to resolve, or one to connect to that names them.
    pub(super) fn may_resolve(&self, function: &'static str, name: &str) -> Result<(), Errno> {
        let allowed = self.granted.grants.network.iter().any(|rule| match rule.allow {
            NetAct::Resolve => rule.hosts.has_name(name),
            NetAct::Connect => matches!(rule.hosts, Hosts::Name(_)) && rule.hosts.has_name(name),
            NetAct::Listen => false,
        });
        if allowed {
            return Ok(());
        }
        self.granted.refuse(function, name, Act::Resolve);
        Err(Errno::Notcapable)
    }

    /// Refuses sockets of a protocol with which nothing could be done.
    pub(super) fn may_open(&self, function: &'static str, protocol: Protocol) -> Result<(), Errno> {
        let of_use = self
            .granted
            .grants
            .network
            .iter()
            .any(|rule| rule.allow != NetAct::Resolve && rule.protocol.is_none_or(|only| only == protocol));
        if of_use {
            return Ok(());
        }
        self.granted.refuse(function, if protocol == Protocol::Udp { "udp" } else { "tcp" }, Act::Connect);
        Err(Errno::Notcapable)
    }
}

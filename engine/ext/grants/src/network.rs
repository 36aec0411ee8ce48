//! Rules of the network: what may be done with which hosts and ports.

use crate::text::BadFlag;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// What may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetAct {
    /// Send to, or connect to, addresses.
    Connect,
    /// Bind to, and accept at, addresses of this machine.
    Listen,
    /// Ask for the addresses of names.
    Resolve,
}

/// A protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Streams.
    Tcp,
    /// Datagrams.
    Udp,
}

/// Addresses by network, or names by pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Hosts {
    /// All.
    Any,
    /// Those of a network; an address alone is a network of one.
    Net(IpNet),
    /// A name; `*.` before it: names below it. Whoever may connect to a name may connect to what it resolves to.
    Name(String),
}

impl Hosts {
    /// Whether it is one of these addresses.
    pub fn has_address(&self, address: IpAddr) -> bool {
        // An IPv4 address in the clothes of IPv6 is that IPv4 address.
        let address = address.to_canonical();
        match self {
            Hosts::Any => true,
            Hosts::Net(net) => net.contains(&address),
            Hosts::Name(_) => false,
        }
    }

    /// Whether it is one of these names. Case and a last dot do not count.
    pub fn has_name(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        match self {
            Hosts::Any => true,
            Hosts::Net(net) => name.parse::<IpAddr>().is_ok_and(|address| net.contains(&address)),
            Hosts::Name(pattern) => match pattern.strip_prefix("*.") {
                Some(above) => name.strip_suffix(above).is_some_and(|below| below.len() > 1 && below.ends_with('.')),
                None => name == *pattern,
            },
        }
    }
}

impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hosts::Any => f.write_str("*"),
            Hosts::Net(net) => net.fmt(f),
            Hosts::Name(name) => f.write_str(name),
        }
    }
}

impl FromStr for Hosts {
    type Err = BadFlag;

    fn from_str(text: &str) -> Result<Self, BadFlag> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if text == "*" {
            return Ok(Hosts::Any);
        }
        if let Ok(net) = bare.parse() {
            return Ok(Hosts::Net(net));
        }
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(Hosts::Net(address.into()));
        }
        let name = text.trim_end_matches('.').to_ascii_lowercase();
        let letters = name.strip_prefix("*.").unwrap_or(&name);
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == '_';
        if letters.is_empty() || !letters.chars().all(fits) {
            return Err(BadFlag(format!("`{text}` is no address, network or name")));
        }
        Ok(Hosts::Name(name))
    }
}

impl TryFrom<String> for Hosts {
    type Error = BadFlag;

    fn try_from(text: String) -> Result<Self, BadFlag> {
        text.parse()
    }
}

impl From<Hosts> for String {
    fn from(hosts: Hosts) -> Self {
        hosts.to_string()
    }
}

/// Ports from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ports {
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
}

impl Ports {
    /// All.
    pub const ANY: Self = Self { first: 0, last: u16::MAX };

    /// Whether it is one of these.
    pub fn has(&self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }
}

impl Default for Ports {
    fn default() -> Self {
        Self::ANY
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ANY => f.write_str("*"),
            Self { first, last } if first == last => first.fmt(f),
            Self { first, last } => write!(f, "{first}-{last}"),
        }
    }
}

impl FromStr for Ports {
    type Err = BadFlag;

    fn from_str(text: &str) -> Result<Self, BadFlag> {
        if text == "*" {
            return Ok(Self::ANY);
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (first.parse(), last.parse()) {
            (Ok(first), Ok(last)) if first <= last => Ok(Self { first, last }),
            _ => Err(BadFlag(format!("`{text}` is no port and no range of ports"))),
        }
    }
}

impl TryFrom<String> for Ports {
    type Error = BadFlag;

    fn try_from(text: String) -> Result<Self, BadFlag> {
        text.parse()
    }
}

impl From<Ports> for String {
    fn from(ports: Ports) -> Self {
        ports.to_string()
    }
}

/// One rule. What no rule allows is denied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetRule {
    /// What may be done.
    pub allow: NetAct,
    /// With whom.
    pub hosts: Hosts,
    /// By which protocol; both without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// At which ports.
    #[serde(default)]
    pub ports: Ports,
}

impl NetRule {
    /// Whether it allows this.
    pub fn allows_address(&self, act: NetAct, protocol: Protocol, address: IpAddr, port: u16) -> bool {
        self.allow == act
            && self.protocol.is_none_or(|only| only == protocol)
            && self.ports.has(port)
            && self.hosts.has_address(address)
    }

    /// Whether addresses that `name` resolves to may be used so.
    pub fn allows_name(&self, act: NetAct, protocol: Protocol, name: &str, port: u16) -> bool {
        self.allow == act
            && self.protocol.is_none_or(|only| only == protocol)
            && self.ports.has(port)
            && self.hosts.has_name(name)
    }
}

impl fmt::Display for NetRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let act = match self.allow {
            NetAct::Connect => "connect",
            NetAct::Listen => "listen",
            NetAct::Resolve => "resolve",
        };
        let protocol = match self.protocol {
            None => "",
            Some(Protocol::Tcp) => "tcp:",
            Some(Protocol::Udp) => "udp:",
        };
        match (&self.hosts, self.ports) {
            (hosts, Ports::ANY) => write!(f, "{act}:{protocol}{hosts}"),
            (Hosts::Net(net @ IpNet::V6(_)), ports) => write!(f, "{act}:{protocol}[{net}]:{ports}"),
            (hosts, ports) => write!(f, "{act}:{protocol}{hosts}:{ports}"),
        }
    }
}

/// `connect|listen|resolve` `:` \[`tcp:`|`udp:`\] hosts \[`:` ports\].
impl FromStr for NetRule {
    type Err = BadFlag;

    fn from_str(text: &str) -> Result<Self, BadFlag> {
        let bad = || BadFlag(format!("`{text}`: write connect:HOSTS:PORTS, listen:HOSTS:PORTS or resolve:NAMES"));
        let (act, rest) = text.split_once(':').ok_or_else(bad)?;
        let allow = match act {
            "connect" => NetAct::Connect,
            "listen" => NetAct::Listen,
            "resolve" => NetAct::Resolve,
            _ => return Err(bad()),
        };
        let (protocol, rest) = match rest.split_once(':') {
            Some(("tcp", rest)) => (Some(Protocol::Tcp), rest),
            Some(("udp", rest)) => (Some(Protocol::Udp), rest),
            _ => (None, rest),
        };
        // An address of IPv6 with a port stands in brackets.
        let (hosts, ports) = match rest.rsplit_once(':') {
            Some((hosts, ports)) if hosts.ends_with(']') || !hosts.contains(':') => (hosts, ports.parse()?),
            _ => (rest, Ports::ANY),
        };
        Ok(Self { allow, hosts: hosts.parse()?, protocol, ports })
    }
}

//! Addresses of names.

use crate::errno::Errno;
use hickory_resolver::config::ResolverConfig;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::{ResolverBuilder, TokioResolver};
use std::net::IpAddr;
use std::thread;
use std::time::Duration;

/// Who knows addresses of names.
pub trait Resolve: Send + Sync {
    /// All addresses of a name, asked for no longer than `within`.
    ///
    /// # Errors
    /// [`Errno::AiNoName`] when there is no such name, [`Errno::AiNoData`] when it has no addresses, [`Errno::AiAgain`] when
    /// nobody answers in time, [`Errno::AiFail`].
    fn resolve(&self, name: &str, within: Option<Duration>) -> Result<Vec<IpAddr>, Errno>;
}

/// The machine's way: its file of hosts (`/etc/hosts`), then the servers and search domains of its configuration
/// (`/etc/resolv.conf`). Nothing is remembered from one name to the next.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Resolve for System {
    fn resolve(&self, name: &str, within: Option<Duration>) -> Result<Vec<IpAddr>, Errno> {
        // Without a configuration there is the file of hosts still.
        let nobody =
            || TokioResolver::builder_with_config(ResolverConfig::from_parts(None, vec![], vec![]), provider());
        look_up(TokioResolver::builder(provider()).unwrap_or_else(|_| nobody()), name, within)
    }
}

fn provider() -> TokioRuntimeProvider {
    TokioRuntimeProvider::default()
}

/// Longer nobody waits for an answer, whatever the configuration says.
const LONGEST: Duration = Duration::from_secs(60);

fn look_up(
    builder: ResolverBuilder<TokioRuntimeProvider>,
    name: &str,
    within: Option<Duration>,
) -> Result<Vec<IpAddr>, Errno> {
    let ask = || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|_| Errno::AiSystem)?;
        runtime.block_on(async {
            let resolver = builder.build().map_err(|_| Errno::AiFail)?;
            let asked = tokio::time::timeout(within.unwrap_or(LONGEST).min(LONGEST), resolver.lookup_ip(name));
            match asked.await {
                Ok(found) => found.map(|found| found.iter().collect()).map_err(|error| errno(&error)),
                Err(_) => Err(Errno::AiAgain),
            }
        })
    };
    // On a thread of its own: who embeds us may have a runtime on this one.
    thread::scope(|scope| scope.spawn(ask).join().unwrap_or(Err(Errno::AiFail)))
}

fn errno(error: &NetError) -> Errno {
    match error {
        NetError::Proto(_) => Errno::AiNoName,
        NetError::Timeout | NetError::Busy | NetError::Io(_) | NetError::NoConnections => Errno::AiAgain,
        _ if error.is_nx_domain() => Errno::AiNoName,
        _ if error.is_no_records_found() => Errno::AiNoData,
        _ => Errno::AiFail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_resolver::config::{ConnectionConfig, NameServerConfig};
    use std::net::{Ipv4Addr, UdpSocket};
    use std::sync::mpsc;

    /// A server of names on this machine: `one.test` has an address of each kind, `two.test` a name alone, nothing else is there.
    /// It answers nobody who asks for `silent.test`.
    fn server() -> (NameServerConfig, mpsc::Receiver<String>) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut connection = ConnectionConfig::udp();
        connection.port = socket.local_addr().unwrap().port();
        let (asked, names) = mpsc::channel();
        thread::spawn(move || {
            let mut query = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut query) {
                let question = &query[12..length];
                let (mut name, mut at) = (String::new(), 0);
                while question[at] != 0 {
                    let label = &question[at + 1..][..usize::from(question[at])];
                    name = format!("{name}{}.", String::from_utf8_lossy(label).to_ascii_lowercase());
                    at += label.len() + 1;
                }
                let kind = question[at + 2];
                let end = at + 5;
                let data: Option<&[u8]> = match (name.as_str(), kind) {
                    ("one.test.", 1) => Some(&[192, 0, 2, 1]),
                    ("one.test.", 28) => Some(&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
                    ("silent.test.", _) => continue,
                    _ => None,
                };
                let code = if name.starts_with("one.") || name.starts_with("two.") { 0 } else { 3 };
                let mut answer = query[..2].to_vec();
                answer.extend([0x81, 0x80 | code, 0, 1, 0, u8::from(data.is_some()), 0, 0, 0, 0]);
                answer.extend(&question[..end]);
                if let Some(data) = data {
                    answer.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, data.len() as u8]);
                    answer.extend(data);
                }
                let _ = asked.send(name);
                let _ = socket.send_to(&answer, from);
            }
        });
        (NameServerConfig::new(Ipv4Addr::LOCALHOST.into(), true, vec![connection]), names)
    }

    fn ask(server: &NameServerConfig, name: &str, milliseconds: u64) -> Result<Vec<IpAddr>, Errno> {
        let config = ResolverConfig::from_parts(None, vec![], vec![server.clone()]);
        let builder = TokioResolver::builder_with_config(config, provider());
        look_up(builder, name, Some(Duration::from_millis(milliseconds)))
    }

    #[test]
    fn servers_are_asked() {
        let (server, asked) = server();
        let mut found = ask(&server, "one.test", 20_000).unwrap();
        found.sort();
        assert_eq!(found, ["192.0.2.1", "2001:db8::1"].map(|text| text.parse::<IpAddr>().unwrap()));
        assert!(asked.try_iter().all(|name| name == "one.test."));
        assert_eq!(ask(&server, "two.test", 20_000), Err(Errno::AiNoData));
        assert_eq!(ask(&server, "three.test", 20_000), Err(Errno::AiNoName));
        assert_eq!(ask(&server, &"x".repeat(64), 20_000), Err(Errno::AiNoName));
        // Nobody answers: no longer than was said.
        assert_eq!(ask(&server, "silent.test", 50), Err(Errno::AiAgain));
    }

    #[test]
    fn the_machine_knows_itself() {
        let found = System.resolve("localhost", Some(Duration::from_secs(20))).unwrap();
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
    }

    #[test]
    fn who_has_a_runtime_may_ask() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert!(runtime.block_on(async { System.resolve("localhost", None) }).is_ok());
    }
}

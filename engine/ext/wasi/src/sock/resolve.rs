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

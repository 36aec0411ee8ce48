//! When blocks are made, and what time it is in them.

use crate::service::{Client, Hash, Pool};
use codec::Decode;
use futures::channel::{mpsc, oneshot};
use futures::{SinkExt, StreamExt};
use gristmill_demo_runtime::Runtime;
use log::{debug, warn};
use sc_client_api::{StorageKey, StorageProvider};
use sc_consensus_manual_seal::{CreatedBlock, EngineCommand, Error};
use sc_transaction_pool_api::TransactionPool;
use sp_blockchain::HeaderBackend;
use sp_runtime::traits::Get;
use sp_timestamp::{InherentDataProvider, Timestamp};
use std::num::NonZeroU64;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

const LOG_TARGET: &str = "sealing";

/// How long the pool may take to learn of a block.
const POOL_TIMEOUT: Duration = Duration::from_secs(5);

/// When blocks are made. In all of these `engine_createBlock` makes one too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// As soon as there is a transaction, and no empty ones.
    Instant,
    /// Only when somebody asks.
    Manual,
    /// All so many milliseconds, empty or not.
    Interval(NonZeroU64),
}

impl FromStr for Sealing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "instant" => Ok(Self::Instant),
            "manual" => Ok(Self::Manual),
            _ => text.parse().map(Self::Interval).map_err(|_| "instant, manual, or milliseconds above 0".into()),
        }
    }
}

/// Where blocks are ordered.
pub type Orders = mpsc::Sender<EngineCommand<Hash>>;

/// Orders blocks as long as the node runs.
pub async fn order(sealing: Sealing, client: Arc<Client>, pool: Arc<Pool>, mut orders: Orders) {
    match sealing {
        Sealing::Manual => {}
        Sealing::Instant => {
            let mut arrivals = pool.import_notification_stream();
            while arrivals.next().await.is_some() {
                empty(&client, &pool, &mut orders).await;
            }
        }
        Sealing::Interval(milliseconds) => {
            let mut ticks = tokio::time::interval(Duration::from_millis(milliseconds.get()));
            // A machine that was busy makes no blocks afterwards for the time that it missed.
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                if let Err(error) = seal(&mut orders, true).await {
                    warn!(target: LOG_TARGET, "no block: {error}");
                }
            }
        }
    }
}

/// Makes blocks until no transaction is left that goes into one: there may be more than a block takes, or that came while the
/// last was made.
async fn empty(client: &Client, pool: &Pool, orders: &mut Orders) {
    loop {
        // Only a pool that has seen the last block knows what is left.
        let best = client.info().best_hash;
        if pool.ready_at_with_timeout(best, POOL_TIMEOUT).await.next().is_none() {
            return;
        }
        match seal(orders, false).await {
            Ok(_) => {}
            // What is left goes into no block.
            Err(Error::EmptyTransactionPool) => return,
            Err(error) => return warn!(target: LOG_TARGET, "no block: {error}"),
        }
    }
}

/// Orders a block that is final, and waits for it.
async fn seal(orders: &mut Orders, create_empty: bool) -> Result<CreatedBlock<Hash>, Error> {
    let (sender, block) = oneshot::channel();
    let order = EngineCommand::SealNewBlock { create_empty, finalize: true, parent_hash: None, sender: Some(sender) };
    orders.send(order).await?;
    let block = block.await??;
    debug!(target: LOG_TARGET, "sealed {}", block.hash);
    Ok(block)
}

/// The time of a block on `parent`: the clock's, or the next that the runtime takes where that is not later. Blocks may come
/// faster than its milliseconds, and clocks are set back.
pub fn time_after(client: &Client, parent: Hash) -> Result<InherentDataProvider, sp_blockchain::Error> {
    let key = StorageKey(pallet_timestamp::Now::<Runtime>::hashed_key().to_vec());
    let last = match client.storage(parent, &key)? {
        Some(now) => u64::decode(&mut &now.0[..])
            .map_err(|error| sp_blockchain::Error::Backend(format!("the time of {parent}: {error}")))?,
        None => 0,
    };
    let next = last.saturating_add(<Runtime as pallet_timestamp::Config>::MinimumPeriod::get());
    Ok(InherentDataProvider::new(Timestamp::current().max(Timestamp::new(next))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_sealing_is_refused() {
        for text in ["", "0", "-1", "1.5", "Instant", "18446744073709551616"] {
            assert!(text.parse::<Sealing>().is_err(), "{text}");
        }
    }

    #[test]
    fn sealings_by_name_and_by_time() {
        assert_eq!("instant".parse(), Ok(Sealing::Instant));
        assert_eq!("manual".parse(), Ok(Sealing::Manual));
        assert_eq!("250".parse(), Ok(Sealing::Interval(NonZeroU64::new(250).expect("above 0"))));
    }
}

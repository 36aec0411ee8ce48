//! What the node gives the runtime beyond its state: host functions, and what is behind them.

use sp_externalities::Extension;

/// Host functions of ours. A runtime that imports one runs on this node and on no other.
pub type Ours = ();

/// All host functions that a runtime may import.
pub type HostFunctions = (sp_io::SubstrateHostFunctions, Ours);

/// What calls of off-chain workers have, and no other call: a host function that looks for one of these and does not find it
/// knows that it runs on chain.
///
/// Asked once for each block that workers run on.
pub fn extensions() -> Vec<Box<dyn Extension>> {
    Vec::new()
}

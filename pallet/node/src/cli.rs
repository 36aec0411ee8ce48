//! The command line by sc-cli's conventions, without what a node without peers has no use for.

use crate::host::{Ours, RUN_JOB};
use crate::sealing::Sealing;
use clap::{Parser, Subcommand};
use gristmill_offchain::Policies;
use sc_cli::{
    CliConfiguration, ExportChainSpecCmd, PruningParams, PurgeChainCmd, Result, RpcEndpoint, RpcParams, SharedParams,
    SubstrateCli,
};
use sc_service::config::{KeystoreConfig, OffchainWorkerConfig, TelemetryEndpoints, TransactionPoolOptions};
use sc_service::{BlocksPruning, ChainSpec, ChainType, GenericChainSpec, NoExtension, Properties, PruningMode, Role};
use sc_transaction_pool::TransactionPoolType;
use sp_genesis_builder::DEV_RUNTIME_PRESET;
use std::path::{Path, PathBuf};

/// The runtime's Wasm: build.rs says where from.
const BLOB: &[u8] = include_bytes!(env!("GRISTMILL_BLOB"));

/// Memory for parts of the state that were read.
const TRIE_CACHE: usize = 64 << 20;

/// Transactions that may wait, and their bytes: as many as sc-cli has.
const POOL_TRANSACTIONS: usize = 8_192;
const POOL_BYTES: usize = 20 << 20;

/// The help of sc-cli speaks of nodes that have more.
const CHAIN: &str = "Which chain: dev, or a file that export-chain-spec has written";
const DEV: &str =
    "The chain dev in a directory that ends with the node, keys of its workers in memory, RPC for every origin";

/// The command line.
#[derive(Debug, Parser)]
#[command(mut_arg("chain", |arg| arg.help(CHAIN).long_help(CHAIN)))]
#[command(mut_arg("dev", |arg| arg.help(DEV).long_help(DEV)))]
pub struct Cli {
    /// What to do other than to run.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// How to run.
    #[command(flatten)]
    pub run: Run,
}

/// What there is to do other than to run.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print a chain's specification, or write it to a file.
    #[command(alias = "build-spec")]
    ExportChainSpec(ExportChainSpecCmd),

    /// Remove a chain's database.
    PurgeChain(PurgeChainCmd),

    /// Run a job: the node starts itself this way.
    #[command(name = RUN_JOB, hide = true)]
    RunJob,
}

/// How the node runs.
#[derive(Debug, Parser)]
pub struct Run {
    /// When blocks are made, which are final at once.
    ///
    /// instant: as soon as there is a transaction. manual: when engine_createBlock is called, which says whether they are
    /// final. A number: all so many milliseconds, empty or not.
    #[arg(long, value_name = "WHEN", default_value = "instant")]
    pub sealing: Sealing,

    /// What jobs of other policies than `pure` may do, in TOML: for each a [[policy]] with `name`, `tier` and `grants`.
    #[arg(long, value_name = "FILE")]
    pub policies: Option<PathBuf>,

    #[command(flatten)]
    shared: SharedParams,

    #[command(flatten)]
    rpc: RpcParams,

    #[command(flatten)]
    pruning: PruningParams,
}

impl Run {
    /// Whether the node is to know what is secret elsewhere.
    pub fn is_dev(&self) -> bool {
        self.shared.is_dev()
    }

    /// The policies that jobs may have here.
    ///
    /// # Errors
    /// The file cannot be read, or is no manifest.
    pub fn policies(&self) -> Result<Policies> {
        let Some(path) = &self.policies else { return Ok(Policies::default()) };
        let wrong = |error: String| sc_cli::Error::Input(format!("{}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        Policies::from_toml(&text).map_err(|error| wrong(error.to_string()))
    }
}

impl SubstrateCli for Cli {
    fn impl_name() -> String {
        "Gristmill development node".into()
    }

    fn impl_version() -> String {
        env!("CARGO_PKG_VERSION").into()
    }

    fn description() -> String {
        env!("CARGO_PKG_DESCRIPTION").into()
    }

    fn author() -> String {
        "the gristmill authors".into()
    }

    fn support_url() -> String {
        concat!(env!("CARGO_PKG_REPOSITORY"), "/issues").into()
    }

    fn copyright_start_year() -> i32 {
        2026
    }

    fn load_spec(&self, id: &str) -> std::result::Result<Box<dyn ChainSpec>, String> {
        match id {
            // The conventions' names of the chain without a name, of that of `--dev`, and of one on this machine: there is one.
            "" | "dev" | "local" => Ok(Box::new(development())),
            path => Ok(Box::new(Specification::from_json_file(PathBuf::from(path))?)),
        }
    }
}

type Specification = GenericChainSpec<NoExtension, Ours>;

/// The chain that ../runtime/examples/chain_spec.rs writes too.
fn development() -> Specification {
    let mut properties = Properties::new();
    properties.insert("ss58Format".into(), 42.into());
    properties.insert("tokenDecimals".into(), 12.into());
    properties.insert("tokenSymbol".into(), "UNIT".into());
    Specification::builder(BLOB, NoExtension::None)
        .with_name("Gristmill Development")
        .with_id("gristmill_dev")
        .with_chain_type(ChainType::Development)
        .with_properties(properties)
        .with_genesis_config_preset_name(DEV_RUNTIME_PRESET)
        .build()
}

/// Without parameters of a network there is none to speak of: nobody is listened to, nobody called, and the node's key is a new
/// one each time.
impl CliConfiguration for Run {
    fn shared_params(&self) -> &SharedParams {
        &self.shared
    }

    fn pruning_params(&self) -> Option<&PruningParams> {
        Some(&self.pruning)
    }

    fn state_pruning(&self) -> Result<Option<PruningMode>> {
        self.pruning.state_pruning()
    }

    fn blocks_pruning(&self) -> Result<BlocksPruning> {
        self.pruning.blocks_pruning()
    }

    fn trie_cache_maximum_size(&self) -> Result<Option<usize>> {
        Ok(Some(TRIE_CACHE))
    }

    fn node_name(&self) -> Result<String> {
        Ok("gristmill".into())
    }

    /// Nobody else makes blocks.
    fn role(&self, _is_dev: bool) -> Result<Role> {
        Ok(Role::Authority)
    }

    fn force_authoring(&self) -> Result<bool> {
        Ok(true)
    }

    fn keystore_config(&self, config_dir: &PathBuf) -> Result<KeystoreConfig> {
        Ok(if self.shared.is_dev() {
            KeystoreConfig::InMemory
        } else {
            KeystoreConfig::Path { path: Path::join(config_dir, "keystore"), password: None }
        })
    }

    fn offchain_worker(&self, _role: &Role) -> Result<OffchainWorkerConfig> {
        Ok(OffchainWorkerConfig { enabled: true, indexing_enabled: false })
    }

    /// None, whatever a specification says.
    fn telemetry_endpoints(&self, _: &Box<dyn ChainSpec>) -> Result<Option<TelemetryEndpoints>> {
        Ok(None)
    }

    /// The pool without forks. The other leaves a transaction that comes while a block is made to the next block, and where
    /// blocks are made on demand there is none.
    fn transaction_pool(&self, is_dev: bool) -> Result<TransactionPoolOptions> {
        let pool = TransactionPoolType::SingleState;
        Ok(TransactionPoolOptions::new_with_params(POOL_TRANSACTIONS, POOL_BYTES, None, pool, is_dev, false))
    }

    fn rpc_addr(&self, default_listen_port: u16) -> Result<Option<Vec<RpcEndpoint>>> {
        self.rpc.rpc_addr(self.shared.is_dev(), false, default_listen_port)
    }

    fn rpc_max_connections(&self) -> Result<u32> {
        Ok(self.rpc.rpc_max_connections)
    }
}

//! The node out of its parts: client, pool, a network without peers, blocks on demand, off-chain workers, RPC.

use crate::host::{self, HostFunctions};
use crate::sealing::{self, Sealing};
use futures::FutureExt;
use futures::channel::mpsc;
use gristmill_demo_runtime::{AccountId, Header, Nonce, RuntimeApi};
use gristmill_offchain::Policies;
use jsonrpsee::RpcModule;
use sc_basic_authorship::ProposerFactory;
use sc_client_api::Backend as _;
use sc_consensus::LongestChain;
use sc_consensus_manual_seal::rpc::{ManualSeal, ManualSealApiServer};
use sc_consensus_manual_seal::{ManualSealParams, run_manual_seal};
use sc_executor::WasmExecutor;
use sc_network::config::FullNetworkConfiguration;
use sc_network::{Litep2pNetworkBackend, NetworkBackend};
use sc_offchain::{OffchainWorkerOptions, OffchainWorkers};
use sc_service::{BuildNetworkParams, Configuration, Error, SpawnTasksParams, TFullBackend, TFullClient, TaskManager};
use sc_transaction_pool::TransactionPoolHandle;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_runtime::OpaqueExtrinsic;
use std::sync::Arc;
use substrate_frame_rpc_system::{System, SystemApiServer};

/// A block as the node sees it: what is in transactions is the runtime's, which may change.
pub type Block = sp_runtime::generic::Block<Header, OpaqueExtrinsic>;
/// What blocks are known by.
pub type Hash = gristmill_demo_runtime::Hash;
/// State and blocks, and the runtime that is in them.
pub type Client = TFullClient<Block, RuntimeApi, WasmExecutor<HostFunctions>>;
/// Transactions that are in no block yet.
pub type Pool = TransactionPoolHandle<Block, Client>;

type Backend = TFullBackend<Block>;
type Network = Litep2pNetworkBackend;

/// How many orders for blocks may wait.
const ORDERS: usize = 64;

/// Starts the node, for development with the keys of its workers. It runs as long as the tasks of the result do.
pub fn start(config: Configuration, sealing: Sealing, is_dev: bool, policies: Policies) -> Result<TaskManager, Error> {
    let executor = sc_service::new_wasm_executor::<HostFunctions>(&config.executor);
    let (client, backend, keystore, mut tasks) =
        sc_service::new_full_parts::<Block, RuntimeApi, _>(&config, None, executor, Vec::new())?;
    if is_dev {
        host::develop(&keystore.keystore()).map_err(|error| Error::Application(error.into()))?;
    }
    let client = Arc::new(client);
    let pool = Arc::new(
        sc_transaction_pool::Builder::new(
            tasks.spawn_essential_handle(),
            client.clone(),
            config.role.is_authority().into(),
        )
        .with_options(config.transaction_pool.clone())
        .build(),
    );
    let import_queue =
        sc_consensus_manual_seal::import_queue(Box::new(client.clone()), &tasks.spawn_essential_handle(), None);
    let (network, system_rpc_tx, tx_handler_controller, sync_service, _) =
        sc_service::build_network(BuildNetworkParams {
            config: &config,
            net_config: FullNetworkConfiguration::<Block, Hash, Network>::new(&config.network, None),
            client: client.clone(),
            transaction_pool: pool.clone(),
            spawn_handle: tasks.spawn_handle(),
            spawn_essential_handle: tasks.spawn_essential_handle(),
            import_queue,
            block_announce_validator_builder: None,
            warp_sync_config: None,
            block_relay: None,
            metrics: <Network as NetworkBackend<Block, Hash>>::register_notification_metrics(None),
            gap_sync_body_policy: None,
        })?;

    if config.offchain_worker.enabled {
        let runner =
            host::runner(policies, backend.offchain_storage()).map_err(|error| Error::Application(error.into()))?;
        let workers = OffchainWorkers::new(OffchainWorkerOptions {
            runtime_api_provider: client.clone(),
            keystore: Some(keystore.keystore()),
            offchain_db: backend.offchain_storage(),
            transaction_pool: Some(OffchainTransactionPoolFactory::new(pool.clone())),
            network_provider: Arc::new(network.clone()),
            is_validator: config.role.is_authority(),
            enable_http_requests: true,
            custom_extensions: move |_| host::extensions(&runner),
        })?;
        let workers = workers.run(client.clone(), tasks.spawn_handle());
        tasks.spawn_handle().spawn("offchain-workers", "offchain-worker", workers.boxed());
    }

    let orders = seal(&tasks, client.clone(), backend.clone(), pool.clone(), sealing);
    sc_service::spawn_tasks(SpawnTasksParams {
        config,
        client: client.clone(),
        backend,
        task_manager: &mut tasks,
        keystore: keystore.keystore(),
        transaction_pool: pool.clone(),
        rpc_builder: Box::new(move |_| rpc(client.clone(), pool.clone(), orders.clone())),
        network,
        system_rpc_tx,
        tx_handler_controller,
        sync_service,
        telemetry: None,
        tracing_execute_block: None,
    })?;
    Ok(tasks)
}

/// Starts to make blocks; where they are ordered.
fn seal(
    tasks: &TaskManager,
    client: Arc<Client>,
    backend: Arc<Backend>,
    pool: Arc<Pool>,
    sealing: Sealing,
) -> sealing::Orders {
    let (orders, commands_stream) = mpsc::channel(ORDERS);
    let ordered = sealing::order(sealing, client.clone(), pool.clone(), orders.clone());
    let clock = client.clone();
    let made = run_manual_seal(ManualSealParams {
        block_import: client.clone(),
        env: ProposerFactory::new(tasks.spawn_handle(), client.clone(), pool.clone(), None, None),
        client,
        pool,
        commands_stream,
        select_chain: LongestChain::new(backend),
        // No seal, no author: who may make blocks is whoever runs the node.
        consensus_data_provider: None,
        create_inherent_data_providers: move |parent, ()| {
            let time = sealing::time_after(&clock, parent);
            async move { Ok(time?) }
        },
    });
    tasks.spawn_essential_handle().spawn_blocking("seal", Some("block-authoring"), made);
    tasks.spawn_handle().spawn("order-blocks", Some("block-authoring"), ordered);
    orders
}

/// What the node is asked beyond what every node is.
fn rpc(client: Arc<Client>, pool: Arc<Pool>, orders: sealing::Orders) -> Result<RpcModule<()>, Error> {
    let mut module = RpcModule::new(());
    let system = SystemApiServer::<Hash, AccountId, Nonce>::into_rpc(System::<_, _, Block>::new(client, pool));
    module.merge(system).map_err(|error| Error::Application(error.into()))?;
    module.merge(ManualSeal::new(orders).into_rpc()).map_err(|error| Error::Application(error.into()))?;
    Ok(module)
}

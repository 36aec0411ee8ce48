//! A chain in memory that executes the demo runtime's Wasm, as a node does, and never its native code.
//!
//! The blob is what `pallet/build-runtime` leaves, or what `GRISTMILL_RUNTIME` names; a test without it fails.

#[path = "../../src/tests/contracts.rs"]
pub mod contracts;
pub mod jobs;

use codec::{Decode, Encode};
use gristmill_demo_runtime as runtime;
pub use runtime::{AccountId, Runtime};
use runtime::{Balance, Block, Hash, Header, RuntimeCall, RuntimeEvent, TxExtension, UncheckedExtrinsic};
use sc_executor::{HeapAllocStrategy, WasmExecutor};
use sp_core::traits::{CallContext, CodeExecutor, RuntimeCode, WrappedRuntimeCode};
use sp_externalities::Extension;
use sp_keyring::Sr25519Keyring;
use sp_runtime::generic::Era;
use sp_runtime::traits::{BlakeTwo256, Header as _};
use sp_runtime::{ApplyExtrinsicResult, BuildStorage, ExtrinsicInclusionMode, MultiAddress, Storage};
use sp_state_machine::TestExternalities;
use std::path::PathBuf;
use std::sync::OnceLock;

/// What a node's executor gives a runtime: a stock node's, and those of ours that runtimes with the feature `node` import.
type Functions = (
    sp_io::SubstrateHostFunctions,
    pallet_gristmill_jobs::door::HostFunctions,
    pallet_gristmill::acceleration::HostFunctions,
);

/// The demo runtime's Wasm.
///
/// # Panics
/// When it is not there.
pub fn blob() -> &'static [u8] {
    static BLOB: OnceLock<Vec<u8>> = OnceLock::new();
    BLOB.get_or_init(|| read_blob("GRISTMILL_RUNTIME", "gristmill-demo-runtime", ""))
}

/// The same with the feature `node`, which `GRISTMILL_RUNTIME_NODE` names.
///
/// # Panics
/// When it is not there.
pub fn blob_for_node() -> &'static [u8] {
    static BLOB: OnceLock<Vec<u8>> = OnceLock::new();
    BLOB.get_or_init(|| {
        read_blob("GRISTMILL_RUNTIME_NODE", "gristmill-demo-runtime-node", " gristmill-demo-runtime node")
    })
}

fn read_blob(variable: &str, name: &str, arguments: &str) -> Vec<u8> {
    let path = std::env::var_os(variable).map_or_else(
        || {
            let target = std::env::var_os("CARGO_TARGET_DIR")
                .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
            target.join(format!("wasm/{name}.wasm"))
        },
        PathBuf::from,
    );
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}; pallet/build-runtime{arguments} makes it", path.display()))
}

/// One for all tests of a process: it compiles a blob once.
fn executor() -> &'static WasmExecutor<Functions> {
    static EXECUTOR: OnceLock<WasmExecutor<Functions>> = OnceLock::new();
    EXECUTOR.get_or_init(|| {
        WasmExecutor::builder()
            // 128 MiB, a node's default.
            .with_onchain_heap_alloc_strategy(HeapAllocStrategy::Static { extra_pages: 2_048 })
            .with_offchain_heap_alloc_strategy(HeapAllocStrategy::Static { extra_pages: 2_048 })
            .build()
    })
}

/// A chain.
pub struct Chain {
    ext: TestExternalities<BlakeTwo256>,
    code: &'static [u8],
    /// The hash of the block before the first.
    genesis: Hash,
    head: Header,
    /// What the block has so far.
    extrinsics: Vec<UncheckedExtrinsic>,
    /// Milliseconds.
    now: u64,
}

/// What became of a transaction.
#[derive(Debug)]
pub struct Applied {
    /// As the block builder sees it.
    pub result: ApplyExtrinsicResult,
    /// What it emitted.
    pub events: Vec<RuntimeEvent>,
}

impl Applied {
    /// What it emitted, if it succeeded.
    ///
    /// # Panics
    /// When it failed.
    pub fn unwrap(self) -> Vec<RuntimeEvent> {
        match self.result {
            Ok(Ok(())) => self.events,
            other => panic!("the transaction failed: {other:?}"),
        }
    }
}

impl Default for Chain {
    fn default() -> Self {
        Self::new()
    }
}

impl Chain {
    /// A chain of the demo runtime that begins as for development, behind its first block.
    pub fn new() -> Self {
        Self::with_genesis(runtime::genesis::configuration())
    }

    /// A chain for development of another blob.
    pub fn of(code: &'static [u8]) -> Self {
        Self::with_storage(code, runtime::genesis::configuration().build_storage().expect("the genesis builds"))
    }

    /// A chain of the demo runtime that begins with `config`.
    pub fn with_genesis(config: runtime::RuntimeGenesisConfig) -> Self {
        Self::with_storage(blob(), config.build_storage().expect("the genesis builds"))
    }

    /// A chain that begins with this.
    pub fn with_storage(code: &'static [u8], storage: Storage) -> Self {
        let mut chain = Self::before_first(code, storage);
        chain.begin();
        chain
    }

    fn before_first(code: &'static [u8], mut storage: Storage) -> Self {
        storage.top.insert(sp_core::storage::well_known_keys::CODE.to_vec(), code.to_vec());
        let ext = TestExternalities::new_with_code(code, storage);
        let head = Header::new(0, Hash::default(), Hash::default(), Hash::default(), Default::default());
        Self { ext, code, genesis: head.hash(), head, extrinsics: Vec::new(), now: 1_600_000_000_000 }
    }

    /// Calls a function of the runtime. What it stores stays.
    ///
    /// # Errors
    /// What the executor says: a panic of the runtime, a missing function.
    pub fn try_call<R: Decode>(&mut self, function: &str, arguments: &[u8]) -> Result<R, String> {
        self.call_in(CallContext::Onchain { import: false }, function, arguments)
    }

    fn call_in<R: Decode>(&mut self, context: CallContext, function: &str, arguments: &[u8]) -> Result<R, String> {
        let code = WrappedRuntimeCode(self.code.into());
        let code =
            RuntimeCode { code_fetcher: &code, heap_pages: None, hash: sp_io::hashing::blake2_256(self.code).to_vec() };
        let mut ext = self.ext.ext();
        let (result, _) = executor().call(&mut ext, &code, function, arguments, context);
        let bytes = result.map_err(|error| error.to_string())?;
        R::decode(&mut &bytes[..]).map_err(|error| error.to_string())
    }

    /// The same.
    ///
    /// # Panics
    /// On its errors.
    pub fn call<R: Decode>(&mut self, function: &str, arguments: &impl Encode) -> R {
        self.try_call(function, &arguments.encode()).unwrap_or_else(|error| panic!("{function}: {error}"))
    }

    /// Gives calls of the runtime what a node gives its off-chain workers.
    pub fn register<E: Extension>(&mut self, extension: E) {
        self.ext.register_extension(extension);
    }

    /// Runs the off-chain worker after the block before this one.
    pub fn work(&mut self) {
        let header = self.head.encode();
        let () = self.call_in(CallContext::Offchain, "OffchainWorkerApi_offchain_worker", &header).expect("it ends");
        self.ext.persist_offchain_overlay();
    }

    /// Reads storage natively: the runtime's types know where things are.
    pub fn read<R>(&mut self, f: impl FnOnce() -> R) -> R {
        self.ext.execute_with(f)
    }

    /// Begins a block: initialises it and sets the time.
    fn begin(&mut self) {
        let parent = self.head.hash();
        let number = self.head.number + 1;
        let header = Header::new(number, Hash::default(), Hash::default(), parent, Default::default());
        let mode: ExtrinsicInclusionMode = self.call("Core_initialize_block", &header);
        assert_eq!(mode, ExtrinsicInclusionMode::AllExtrinsics);
        let now = pallet_timestamp::Call::<Runtime>::set { now: self.now }.into();
        let result = self.apply(UncheckedExtrinsic::new_bare(now));
        assert_eq!(result.result, Ok(Ok(())), "the time is set");
    }

    /// Ends the block and begins the next, six seconds later.
    pub fn next_block(&mut self) -> Block {
        self.head = self.call("BlockBuilder_finalize_block", &());
        let block = Block { header: self.head.clone(), extrinsics: std::mem::take(&mut self.extrinsics) };
        self.now += 6_000;
        self.begin();
        block
    }

    /// Executes a chain's first block on the state that it begins with, as a node does that did not build it.
    ///
    /// # Errors
    /// It comes to something else than its header says.
    pub fn import_first(config: runtime::RuntimeGenesisConfig, block: &Block) -> Result<(), String> {
        let mut chain = Self::before_first(blob(), config.build_storage().expect("the genesis builds"));
        chain.try_call("Core_execute_block", &block.encode())
    }

    /// Applies an extrinsic.
    pub fn apply(&mut self, extrinsic: UncheckedExtrinsic) -> Applied {
        let before = self.read(runtime::System::event_count);
        let result: ApplyExtrinsicResult = self.call("BlockBuilder_apply_extrinsic", &extrinsic);
        if result.is_ok() {
            self.extrinsics.push(extrinsic);
        }
        let events =
            self.read(|| runtime::System::read_events_no_consensus().skip(before as usize).map(|r| r.event).collect());
        Applied { result, events }
    }

    /// A transaction that `who` has signed.
    pub fn sign(&mut self, who: Sr25519Keyring, call: impl Into<RuntimeCall>) -> UncheckedExtrinsic {
        let nonce = self.read(|| runtime::System::account_nonce(who.to_account_id()));
        sign(self.genesis, who, nonce, call.into())
    }

    /// Applies a transaction of `who`.
    pub fn submit(&mut self, who: Sr25519Keyring, call: impl Into<RuntimeCall>) -> Applied {
        let extrinsic = self.sign(who, call);
        self.apply(extrinsic)
    }

    /// What the account has, free.
    pub fn free(&mut self, who: &AccountId) -> Balance {
        self.read(|| runtime::Balances::free_balance(who))
    }
}

/// A transaction that `who` has signed with that nonce.
pub fn sign(genesis: Hash, who: Sr25519Keyring, nonce: u32, call: RuntimeCall) -> UncheckedExtrinsic {
    let extension: TxExtension = (
        frame_system::AuthorizeCall::new(),
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        frame_system::CheckMortality::from(Era::Immortal),
        frame_system::CheckNonce::from(nonce),
        frame_system::CheckWeight::new(),
        pallet_transaction_payment::ChargeTransactionPayment::from(0),
        frame_system::WeightReclaim::new(),
    );
    let version = <runtime::Runtime as frame_system::Config>::Version::get();
    let implicit = ((), (), version.spec_version, version.transaction_version, genesis, genesis, (), (), (), ());
    let payload = sp_runtime::generic::SignedPayload::<RuntimeCall, TxExtension>::from_raw(
        call.clone(),
        extension.clone(),
        implicit,
    );
    let signature = payload.using_encoded(|bytes| who.sign(bytes));
    UncheckedExtrinsic::new_signed(call, MultiAddress::Id(who.to_account_id()), signature.into(), extension)
}

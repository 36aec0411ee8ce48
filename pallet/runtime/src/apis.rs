//! What nodes and users ask the runtime.

use crate::*;
use alloc::vec::Vec;
use frame_support::genesis_builder_helper::{build_state, get_preset};
use frame_support::weights::Weight;
#[cfg(not(feature = "without-contracts"))]
use pallet_gristmill::{
    AddressMapper, Code, CodeUploadReturnValue, ContractAccessError, ContractResult, ExecReturnValue,
    InstantiateReturnValue, TracedCall,
};
use sp_core::OpaqueMetadata;
#[cfg(not(feature = "without-contracts"))]
use sp_core::{H160, U256};
#[cfg(not(feature = "without-contracts"))]
use sp_runtime::DispatchError;
use sp_runtime::traits::Block as BlockT;
use sp_runtime::transaction_validity::{TransactionSource, TransactionValidity};
use sp_runtime::{ApplyExtrinsicResult, ExtrinsicInclusionMode};

#[cfg(not(feature = "without-contracts"))]
type Mapper = <Runtime as pallet_gristmill::Config>::AddressMapper;

sp_api::impl_runtime_apis! {
    impl sp_api::Core<Block> for Runtime {
        fn version() -> RuntimeVersion {
            VERSION
        }

        fn execute_block(block: <Block as BlockT>::LazyBlock) {
            Executive::execute_block(block);
        }

        fn initialize_block(header: &<Block as BlockT>::Header) -> ExtrinsicInclusionMode {
            Executive::initialize_block(header)
        }
    }

    impl sp_api::Metadata<Block> for Runtime {
        fn metadata() -> OpaqueMetadata {
            OpaqueMetadata::new(Runtime::metadata().into())
        }

        fn metadata_at_version(version: u32) -> Option<OpaqueMetadata> {
            Runtime::metadata_at_version(version)
        }

        fn metadata_versions() -> Vec<u32> {
            Runtime::metadata_versions()
        }
    }

    impl sp_block_builder::BlockBuilder<Block> for Runtime {
        fn apply_extrinsic(extrinsic: <Block as BlockT>::Extrinsic) -> ApplyExtrinsicResult {
            Executive::apply_extrinsic(extrinsic)
        }

        fn finalize_block() -> <Block as BlockT>::Header {
            Executive::finalize_block()
        }

        fn inherent_extrinsics(data: sp_inherents::InherentData) -> Vec<<Block as BlockT>::Extrinsic> {
            data.create_extrinsics()
        }

        fn check_inherents(
            block: <Block as BlockT>::LazyBlock,
            data: sp_inherents::InherentData,
        ) -> sp_inherents::CheckInherentsResult {
            data.check_extrinsics(&block)
        }
    }

    impl sp_transaction_pool::runtime_api::TaggedTransactionQueue<Block> for Runtime {
        fn validate_transaction(
            source: TransactionSource,
            tx: <Block as BlockT>::Extrinsic,
            block_hash: <Block as BlockT>::Hash,
        ) -> TransactionValidity {
            Executive::validate_transaction(source, tx, block_hash)
        }
    }

    impl sp_offchain::OffchainWorkerApi<Block> for Runtime {
        fn offchain_worker(header: &<Block as BlockT>::Header) {
            Executive::offchain_worker(header)
        }
    }

    impl sp_session::SessionKeys<Block> for Runtime {
        fn generate_session_keys(
            _: Vec<u8>,
            _: Option<Vec<u8>>,
        ) -> sp_session::OpaqueGeneratedSessionKeys {
            sp_session::OpaqueGeneratedSessionKeys { keys: Vec::new(), proof: Vec::new() }
        }

        fn decode_session_keys(_: Vec<u8>) -> Option<Vec<(Vec<u8>, sp_core::crypto::KeyTypeId)>> {
            None
        }
    }

    impl frame_system_rpc_runtime_api::AccountNonceApi<Block, AccountId, Nonce> for Runtime {
        fn account_nonce(account: AccountId) -> Nonce {
            System::account_nonce(account)
        }
    }

    impl pallet_transaction_payment_rpc_runtime_api::TransactionPaymentApi<Block, Balance> for Runtime {
        fn query_info(
            extrinsic: <Block as BlockT>::Extrinsic,
            len: u32,
        ) -> pallet_transaction_payment_rpc_runtime_api::RuntimeDispatchInfo<Balance> {
            TransactionPayment::query_info(extrinsic, len)
        }

        fn query_fee_details(
            extrinsic: <Block as BlockT>::Extrinsic,
            len: u32,
        ) -> pallet_transaction_payment::FeeDetails<Balance> {
            TransactionPayment::query_fee_details(extrinsic, len)
        }

        fn query_weight_to_fee(weight: Weight) -> Balance {
            TransactionPayment::weight_to_fee(weight)
        }

        fn query_length_to_fee(length: u32) -> Balance {
            TransactionPayment::length_to_fee(length)
        }
    }

    impl sp_genesis_builder::GenesisBuilder<Block> for Runtime {
        fn build_state(config: Vec<u8>) -> sp_genesis_builder::Result {
            build_state::<RuntimeGenesisConfig>(config)
        }

        fn get_preset(id: &Option<sp_genesis_builder::PresetId>) -> Option<Vec<u8>> {
            get_preset::<RuntimeGenesisConfig>(id, genesis::preset)
        }

        fn preset_names() -> Vec<sp_genesis_builder::PresetId> {
            genesis::names()
        }
    }

    #[cfg(not(feature = "without-contracts"))]
    impl pallet_gristmill::GristmillApi<Block, AccountId, Balance> for Runtime {
        fn call(
            origin: AccountId,
            dest: H160,
            value: Balance,
            weight_limit: Option<Weight>,
            storage_deposit_limit: Option<Balance>,
            input_data: Vec<u8>,
        ) -> ContractResult<ExecReturnValue, Balance> {
            let value = Contracts::native_to_wei(value);
            Contracts::dry_call(&origin, dest, value, weight_limit, storage_deposit_limit, input_data)
        }

        fn instantiate(
            origin: AccountId,
            value: Balance,
            weight_limit: Option<Weight>,
            storage_deposit_limit: Option<Balance>,
            code: Code,
            data: Vec<u8>,
            salt: Option<[u8; 32]>,
        ) -> ContractResult<InstantiateReturnValue, Balance> {
            let value = Contracts::native_to_wei(value);
            Contracts::dry_instantiate(&origin, value, weight_limit, storage_deposit_limit, code, data, salt)
        }

        fn upload_code(
            origin: AccountId,
            code: Vec<u8>,
            storage_deposit_limit: Option<Balance>,
        ) -> Result<CodeUploadReturnValue<Balance>, DispatchError> {
            Contracts::bare_upload_code(&origin, &code, storage_deposit_limit.unwrap_or(Balance::MAX))
        }

        fn get_storage(address: H160, key: [u8; 32]) -> Result<Option<Vec<u8>>, ContractAccessError> {
            Ok(Contracts::storage(&address, &key.into())?.map(|value| value.as_bytes().to_vec()))
        }

        fn get_code(address: H160) -> Vec<u8> {
            Contracts::code(&address)
        }

        fn balance(address: H160) -> U256 {
            Contracts::balance(&address)
        }

        fn nonce(address: H160) -> u64 {
            pallet_gristmill::Accounts::<Runtime>::get(address).map(|account| account.nonce).unwrap_or_default()
        }

        fn estimate_gas(
            origin: AccountId,
            dest: Option<H160>,
            value: U256,
            input: Vec<u8>,
        ) -> Result<u64, DispatchError> {
            Contracts::estimate_gas(&origin, dest, value, input)
        }

        fn address(account: AccountId) -> H160 {
            Mapper::to_address(&account)
        }

        fn account_id(address: H160) -> AccountId {
            Mapper::to_account_id(&address)
        }

        fn trace(
            origin: AccountId,
            dest: H160,
            value: Balance,
            input: Vec<u8>,
        ) -> (ContractResult<ExecReturnValue, Balance>, Vec<TracedCall>) {
            Contracts::trace(&origin, dest, Contracts::native_to_wei(value), input)
        }
    }
    #[cfg(feature = "runtime-benchmarks")]
    impl frame_benchmarking::Benchmark<Block> for Runtime {
        fn benchmark_metadata(
            extra: bool,
        ) -> (Vec<frame_benchmarking::BenchmarkList>, Vec<frame_support::traits::StorageInfo>) {
            let mut list = Vec::new();
            list_benchmarks!(list, extra);
            (list, <AllPalletsWithSystem as frame_support::traits::StorageInfoTrait>::storage_info())
        }

        fn dispatch_benchmark(
            config: frame_benchmarking::BenchmarkConfig,
        ) -> Result<Vec<frame_benchmarking::BenchmarkBatch>, alloc::string::String> {
            use frame_support::traits::WhitelistedStorageKeys;
            let whitelist = AllPalletsWithSystem::whitelisted_storage_keys();
            let mut batches = Vec::new();
            let params = (&config, &whitelist);
            add_benchmarks!(params, batches);
            Ok(batches)
        }
    }
}

//! A VM made with the published crates runs on our host side.

use evmc_declare::evmc_declare_vm;
use evmc_vm::{
    AccessStatus, Address, Bytes32, EvmcVm, ExecutionContext, ExecutionMessage, ExecutionResult, MessageKind, Revision,
    StatusCode, StorageStatus,
};
use gristmill::contract as ours;
use gristmill::contract::{Environment, Ledger, LedgerAccount, NoPrecompiles, Rules, Transaction, TxContext, U256};
use gristmill_evmc::host::{LoadError, Plugin};
use std::ffi::c_void;

/// Asks the host for everything once, and checks what it says.
#[evmc_declare_vm("Prober", "ewasm", "1.2.3")]
pub struct Prober;

fn account(number: u8) -> Address {
    let mut bytes = [0; 20];
    bytes[19] = number;
    Address { bytes }
}

fn word(number: u8) -> Bytes32 {
    let mut bytes = [0; 32];
    bytes[31] = number;
    Bytes32 { bytes }
}

impl EvmcVm for Prober {
    fn init() -> Self {
        Prober
    }

    fn execute<'a>(
        &self,
        revision: Revision,
        code: &'a [u8],
        message: &'a ExecutionMessage,
        context: Option<&'a mut ExecutionContext<'a>>,
    ) -> ExecutionResult {
        let host = context.expect("a host");
        let me = *message.destination();
        if code == b"callee" {
            assert_eq!((message.depth(), me), (1, account(1)));
            assert_eq!((message.kind(), *message.sender()), (MessageKind::EVMC_CALLCODE, account(1)));
            assert_eq!(message.input().unwrap(), b"in");
            return ExecutionResult::success(message.gas() - 10, Some(b"out"));
        }
        assert_eq!((code, message.depth(), me, *message.sender()), (&b"prober"[..], 0, account(1), account(2)));
        assert_eq!((message.kind(), message.flags(), message.gas()), (MessageKind::EVMC_CALL, 0, 1_000));
        assert_eq!(message.input().unwrap(), b"data");
        assert_eq!(revision, Revision::EVMC_LONDON);
        let tx = host.get_tx_context();
        assert_eq!((tx.block_number, tx.block_timestamp, tx.block_gas_limit), (300, 77, 30_000_000));
        assert_eq!((tx.chain_id, tx.block_base_fee, tx.tx_origin), (word(5), word(7), account(2)));
        assert!(host.account_exists(&account(9)) && !host.account_exists(&account(77)));
        assert_eq!(host.get_balance(&me), word(200));
        assert_eq!((host.get_code_size(&account(9)), host.get_code_size(&account(77))), (6, 0));
        assert_ne!(host.get_code_hash(&account(9)), Bytes32::default());
        let mut buffer = [0; 8];
        assert_eq!((host.copy_code(&account(9), 4, &mut buffer), &buffer[..3]), (2, &b"ee\0"[..]));
        assert_eq!(host.get_block_hash(299), word(0));
        assert_eq!(host.access_account(&account(9)), AccessStatus::EVMC_ACCESS_COLD);
        assert_eq!(host.access_account(&account(9)), AccessStatus::EVMC_ACCESS_WARM);
        assert_eq!(host.access_storage(&me, &word(1)), AccessStatus::EVMC_ACCESS_COLD);
        assert_eq!(host.access_storage(&me, &word(1)), AccessStatus::EVMC_ACCESS_WARM);
        let mut store = |key, value| host.set_storage(&me, &word(key), &word(value));
        assert_eq!(store(1, 0), StorageStatus::EVMC_STORAGE_UNCHANGED);
        assert_eq!(store(1, 5), StorageStatus::EVMC_STORAGE_ADDED);
        assert_eq!(store(1, 0), StorageStatus::EVMC_STORAGE_MODIFIED_AGAIN);
        assert_eq!(store(2, 6), StorageStatus::EVMC_STORAGE_MODIFIED);
        assert_eq!(store(3, 0), StorageStatus::EVMC_STORAGE_DELETED);
        assert_eq!(host.get_storage(&me, &word(2)), word(6));
        host.emit_log(&me, b"note", &[word(1), word(2)]);
        let nested = ExecutionMessage::new(
            MessageKind::EVMC_CALLCODE,
            0,
            1,
            100,
            account(9),
            me,
            Some(b"in"),
            word(0),
            Bytes32::default(),
        );
        let result = host.call(&nested);
        assert_eq!((result.status_code(), result.gas_left()), (StatusCode::EVMC_SUCCESS, 90));
        assert_eq!(result.output().unwrap(), b"out");
        ExecutionResult::success(message.gas() - 100, Some(b"done"))
    }
}

unsafe extern "C" fn create() -> *mut c_void {
    evmc_create_prober().cast_mut().cast()
}

#[test]
fn a_vm_on_the_published_crates() {
    // SAFETY: the macro makes a create function, and its VM is linked in.
    let mut plugin = unsafe { Plugin::from_create(create) }.unwrap();
    assert_eq!((plugin.name().as_str(), plugin.version().as_str(), plugin.abi()), ("Prober", "1.2.3", 9));
    assert_eq!(plugin.capabilities(), 2);
    // It has no options.
    assert_eq!(plugin.set_option("verbose", "1"), Err(LoadError::OptionName("verbose".into())));

    let address = ours::Address::from_low_u64_be;
    let slot = ours::Bytes32::from_low_u64_be;
    let mut ledger = Ledger::new();
    for (number, code) in [(1, &b"prober"[..]), (9, b"callee")] {
        let account =
            LedgerAccount { code: ours::Code::from(code.to_vec()), balance: U256::from(200), ..Default::default() };
        ledger.accounts.insert(address(number), account);
    }
    let storage = &mut ledger.accounts.get_mut(&address(1)).unwrap().storage;
    storage.insert(slot(2), slot(4));
    storage.insert(slot(3), slot(4));
    let context = TxContext {
        number: 300,
        timestamp: 77,
        gas_limit: 30_000_000,
        chain_id: U256::from(5),
        base_fee: U256::from(7),
        origin: address(2),
        ..TxContext::default()
    };
    let rules = Rules { refunds: plugin.refunds(), ..Rules::new(ours::Revision::Paris) };
    let environment = Environment { vm: &plugin, precompiles: &NoPrecompiles, rules: &rules, context: &context };
    let transaction = Transaction {
        sender: address(2),
        to: Some(address(1)),
        gas_limit: 1_000,
        data: b"data".to_vec(),
        ..Transaction::default()
    };
    let receipt = ledger.transact(&environment, &transaction).unwrap();
    assert_eq!(receipt.outcome.status, ours::StatusCode::Success);
    assert_eq!((receipt.outcome.gas_left, &receipt.outcome.output[..]), (900, &b"done"[..]));
    assert_eq!((receipt.logs.len(), receipt.logs[0].topics.len()), (1, 2));
    let storage = &ledger.accounts[&address(1)].storage;
    assert_eq!((storage.get(&slot(1)), storage.get(&slot(2)), storage.get(&slot(3))), (None, Some(&slot(6)), None));
}

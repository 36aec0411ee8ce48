//! Our layouts of ABI 9 beside those that bindgen makes of EVMC's header.

use evmc_sys as theirs;
use gristmill_evmc::abi::layout::{self as ours, Access8, Context7, HostTable, RawVm};
use gristmill_evmc::abi::{Abi, Abi9};
use std::mem::{align_of, offset_of, size_of};

/// Name of the field here, and of the field there.
macro_rules! offsets {
    ($ours:ty, $theirs:ty: $($field:ident $there:ident),*) => {
        $(assert_eq!(offset_of!($ours, $field), offset_of!($theirs, $there), stringify!($there));)*
    };
}

macro_rules! same_size {
    ($ours:ty, $theirs:ty) => {
        assert_eq!(size_of::<$ours>(), size_of::<$theirs>(), stringify!($theirs));
        assert_eq!(align_of::<$ours>(), align_of::<$theirs>(), stringify!($theirs));
    };
}

#[test]
fn sizes() {
    assert_eq!(Abi9::VERSION as u32, theirs::EVMC_ABI_VERSION as u32);
    same_size!(<Abi9 as Abi>::Message, theirs::evmc_message);
    same_size!(<Abi9 as Abi>::Context, theirs::evmc_tx_context);
    same_size!(<Abi9 as Abi>::Result, theirs::evmc_result);
    same_size!(HostTable<Abi9>, theirs::evmc_host_interface);
    same_size!(RawVm<Abi9>, theirs::evmc_vm);
    same_size!(ours::Word, theirs::evmc_bytes32);
    same_size!(ours::RawAddress, theirs::evmc_address);
}

#[test]
fn offsets() {
    offsets!(ours::Message7, theirs::evmc_message: kind kind, flags flags, depth depth, gas gas, destination destination,
        sender sender, input_data input_data, input_size input_size, value value, salt create2_salt);
    offsets!(Context7, theirs::evmc_tx_context: gas_price tx_gas_price, origin tx_origin, coinbase block_coinbase,
        number block_number, timestamp block_timestamp, gas_limit block_gas_limit, prev_randao block_difficulty,
        chain_id chain_id);
    offsets!(ours::Context9, theirs::evmc_tx_context: base_fee block_base_fee);
    offsets!(ours::Result7, theirs::evmc_result: status status_code, gas_left gas_left, output_data output_data,
        output_size output_size, release release, create_address create_address, padding padding);
    offsets!(HostTable<Abi9>, theirs::evmc_host_interface: account_exists account_exists, get_storage get_storage,
        set_storage set_storage, get_balance get_balance, get_code_size get_code_size, get_code_hash get_code_hash,
        copy_code copy_code, selfdestruct selfdestruct, call call, get_tx_context get_tx_context,
        get_block_hash get_block_hash, emit_log emit_log, access access_account);
    let access = offset_of!(HostTable<Abi9>, access) + offset_of!(Access8, access_storage);
    assert_eq!(access, offset_of!(theirs::evmc_host_interface, access_storage));
    offsets!(RawVm<Abi9>, theirs::evmc_vm: abi_version abi_version, name name, version version, destroy destroy,
        execute execute, get_capabilities get_capabilities, set_option set_option);
}

#[test]
fn numbers() {
    use theirs::{evmc_capabilities, evmc_flags, evmc_set_option_result};
    assert_eq!(ours::FLAG_STATIC, evmc_flags::EVMC_STATIC as u32);
    assert_eq!(ours::CAPABILITY_EVM1, evmc_capabilities::EVMC_CAPABILITY_EVM1 as u32);
    assert_eq!(ours::CAPABILITY_EWASM, evmc_capabilities::EVMC_CAPABILITY_EWASM as u32);
    assert_eq!(ours::CAPABILITY_PRECOMPILES, evmc_capabilities::EVMC_CAPABILITY_PRECOMPILES as u32);
    let invalid = evmc_set_option_result::EVMC_SET_OPTION_INVALID_VALUE;
    assert_eq!(ours::OptionStatus::InvalidValue as u32, invalid as u32);
    let invalid = evmc_set_option_result::EVMC_SET_OPTION_INVALID_NAME;
    assert_eq!(ours::OptionStatus::InvalidName as u32, invalid as u32);
}

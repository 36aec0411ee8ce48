//! Sizes and offsets on 64-bit machines, as measured on EVMC's own headers.
#![cfg(target_pointer_width = "64")]

use super::*;
use std::mem::{offset_of, size_of};

/// Message, transaction context, result, host table, VM.
fn sizes<A: Abi>() -> [usize; 5] {
    [
        size_of::<A::Message>(),
        size_of::<A::Context>(),
        size_of::<A::Result>(),
        size_of::<HostTable<A>>(),
        size_of::<RawVm<A>>(),
    ]
}

#[test]
fn sizes_of_every_abi() {
    assert_eq!(sizes::<Abi7>(), [144, 160, 64, 96, 56]);
    assert_eq!(sizes::<Abi8>(), [144, 160, 64, 112, 56]);
    assert_eq!(sizes::<Abi9>(), [144, 192, 64, 112, 56]);
    assert_eq!(sizes::<Abi10>(), [168, 192, 72, 112, 56]);
    assert_eq!(sizes::<Abi11>(), [168, 240, 72, 128, 56]);
    assert_eq!(sizes::<Abi12>(), [184, 256, 72, 128, 56]);
}

#[test]
fn offsets_of_messages() {
    let base = [
        (offset_of!(Message7, kind), 0),
        (offset_of!(Message7, flags), 4),
        (offset_of!(Message7, depth), 8),
        (offset_of!(Message7, gas), 16),
        (offset_of!(Message7, destination), 24),
        (offset_of!(Message7, sender), 44),
        (offset_of!(Message7, input_data), 64),
        (offset_of!(Message7, input_size), 72),
        (offset_of!(Message7, value), 80),
        (offset_of!(Message7, salt), 112),
    ];
    assert!(base.iter().all(|(is, should)| is == should), "{base:?}");
    assert_eq!(offset_of!(Message10, code_address), 144);
    assert_eq!((offset_of!(Message12, code), offset_of!(Message12, code_size)), (168, 176));
    // The common part is at the front.
    assert_eq!((offset_of!(Message10, base), offset_of!(Message12, base)), (0, 0));
}

#[test]
fn offsets_of_contexts() {
    let base = [
        (offset_of!(Context7, gas_price), 0),
        (offset_of!(Context7, origin), 32),
        (offset_of!(Context7, coinbase), 52),
        (offset_of!(Context7, number), 72),
        (offset_of!(Context7, timestamp), 80),
        (offset_of!(Context7, gas_limit), 88),
        (offset_of!(Context7, prev_randao), 96),
        (offset_of!(Context7, chain_id), 128),
    ];
    assert!(base.iter().all(|(is, should)| is == should), "{base:?}");
    assert_eq!(offset_of!(Context9, base_fee), 160);
    assert_eq!(offset_of!(Context11, blob_base_fee), 192);
    assert_eq!((offset_of!(Context11, blob_hashes), offset_of!(Context11, blob_hashes_count)), (224, 232));
    assert_eq!((offset_of!(Context12, initcodes), offset_of!(Context12, initcodes_count)), (240, 248));
    assert_eq!((offset_of!(Context9, base), offset_of!(Context11, base), offset_of!(Context12, base)), (0, 0, 0));
}

#[test]
fn offsets_of_results() {
    let old = [
        (offset_of!(Result7, status), 0),
        (offset_of!(Result7, gas_left), 8),
        (offset_of!(Result7, output_data), 16),
        (offset_of!(Result7, output_size), 24),
        (offset_of!(Result7, release), 32),
        (offset_of!(Result7, create_address), 40),
        (offset_of!(Result7, padding), 60),
    ];
    assert!(old.iter().all(|(is, should)| is == should), "{old:?}");
    let new = [
        (offset_of!(Result10, status), 0),
        (offset_of!(Result10, gas_left), 8),
        (offset_of!(Result10, gas_refund), 16),
        (offset_of!(Result10, output_data), 24),
        (offset_of!(Result10, output_size), 32),
        (offset_of!(Result10, release), 40),
        (offset_of!(Result10, create_address), 48),
        (offset_of!(Result10, padding), 68),
    ];
    assert!(new.iter().all(|(is, should)| is == should), "{new:?}");
}

/// Each function is a pointer, so an offset is eight times the place in the order.
#[test]
fn order_of_the_host_table() {
    type Table = HostTable<Abi12>;
    let order = [
        offset_of!(Table, account_exists),
        offset_of!(Table, get_storage),
        offset_of!(Table, set_storage),
        offset_of!(Table, get_balance),
        offset_of!(Table, get_code_size),
        offset_of!(Table, get_code_hash),
        offset_of!(Table, copy_code),
        offset_of!(Table, selfdestruct),
        offset_of!(Table, call),
        offset_of!(Table, get_tx_context),
        offset_of!(Table, get_block_hash),
        offset_of!(Table, emit_log),
        offset_of!(Table, access) + offset_of!(Access8, access_account),
        offset_of!(Table, access) + offset_of!(Access8, access_storage),
        offset_of!(Table, transient) + offset_of!(Transient11, get_transient_storage),
        offset_of!(Table, transient) + offset_of!(Transient11, set_transient_storage),
    ];
    assert_eq!(order, std::array::from_fn(|place| 8 * place));
}

#[test]
fn offsets_of_the_vm() {
    type Vm = RawVm<Abi7>;
    let order = [
        offset_of!(Vm, abi_version),
        offset_of!(Vm, name),
        offset_of!(Vm, version),
        offset_of!(Vm, destroy),
        offset_of!(Vm, execute),
        offset_of!(Vm, get_capabilities),
        offset_of!(Vm, set_option),
    ];
    assert_eq!(order, std::array::from_fn(|place| 8 * place));
}

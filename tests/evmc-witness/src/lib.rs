//! Witnesses of the C edge that share nothing with it: the published crates of EVMC, of ABI 9.
//!
//! tests/layouts.rs compares every size and offset with what bindgen makes of EVMC's own header; tests/plugin.rs is a host
//! made of evmc-vm's types that loads our plugin; tests/vm.rs is a VM made with evmc-vm and evmc-declare, on our host side.

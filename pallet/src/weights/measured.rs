//! Weights as they were measured, in the demo runtime's Wasm. Written by a command; do not edit.
//!
//! `cargo run --release -p gristmill-pallet-measure -- --steps 10 --repeat 20 --factor 1.2`
//!
//! 2026-11-23, AMD EPYC, 2 processors; rustc 1.95.0 (59807616e 2026-04-14).
//! 10 steps of each component, 20 runs of each. Time is a line through the medians, times 1.2, and not
//! below any of them; reads and writes weigh what the runtime says. Proof is as estimated.

use super::WeightInfo;
use core::marker::PhantomData;
use frame_support::traits::Get;
use frame_support::weights::Weight;

/// Measured weights, with the database of the runtime. Beside each what it is made of, without the factor.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    /// 202.2 us, 23 reads, 6 writes.
    fn call() -> Weight {
        Weight::from_parts(242_595_600, <() as WeightInfo>::call().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(23, 6))
    }

    /// 336.4 us, 29 reads, 12 writes; each d 0.413 ns.
    fn instantiate(d: u32) -> Weight {
        Weight::from_parts(403_657_463, <() as WeightInfo>::instantiate(d).proof_size())
            .saturating_add(Weight::from_parts(496, 0).saturating_mul(d.into()))
            .saturating_add(T::DbWeight::get().reads_writes(29, 12))
    }

    /// 329.5 us, 28 reads, 12 writes; each c 9.230 ns; each d 0.479 ns.
    fn instantiate_with_code(c: u32, d: u32) -> Weight {
        Weight::from_parts(395_345_144, <() as WeightInfo>::instantiate_with_code(c, d).proof_size())
            .saturating_add(Weight::from_parts(11_076, 0).saturating_mul(c.into()))
            .saturating_add(Weight::from_parts(575, 0).saturating_mul(d.into()))
            .saturating_add(T::DbWeight::get().reads_writes(28, 12))
    }

    /// 219.0 us, 11 reads, 8 writes; each c 157.601 ns.
    fn upload_code(c: u32) -> Weight {
        Weight::from_parts(262_798_800, <() as WeightInfo>::upload_code(c).proof_size())
            .saturating_add(Weight::from_parts(189_122, 0).saturating_mul(c.into()))
            .saturating_add(T::DbWeight::get().reads_writes(11, 8))
    }

    /// 87.0 us, 8 reads, 7 writes.
    fn remove_code() -> Weight {
        Weight::from_parts(104_353_200, <() as WeightInfo>::remove_code().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(8, 7))
    }

    /// 180.7 us, 11 reads, 9 writes.
    fn set_code() -> Weight {
        Weight::from_parts(216_866_400, <() as WeightInfo>::set_code().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(11, 9))
    }

    /// 76.4 us, 9 reads, 5 writes.
    fn map_account() -> Weight {
        Weight::from_parts(91_710_000, <() as WeightInfo>::map_account().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(9, 5))
    }

    /// 58.0 us, 6 reads, 5 writes.
    fn unmap_account() -> Weight {
        Weight::from_parts(69_548_400, <() as WeightInfo>::unmap_account().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(6, 5))
    }

    /// 87.4 us, 8 reads, 5 writes.
    fn deposit_balance() -> Weight {
        Weight::from_parts(104_905_200, <() as WeightInfo>::deposit_balance().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(8, 5))
    }

    /// 88.2 us, 8 reads, 5 writes.
    fn withdraw_balance() -> Weight {
        Weight::from_parts(105_891_600, <() as WeightInfo>::withdraw_balance().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(8, 5))
    }

    /// 2.0 us, 2 reads, 0 writes.
    fn on_idle_base() -> Weight {
        Weight::from_parts(2_379_600, <() as WeightInfo>::on_idle_base().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(2, 0))
    }

    /// 7.9 us, 3 reads, 2 writes; each s 971.123 ns, 1 reads, 1 writes.
    fn on_idle_slots(s: u32) -> Weight {
        Weight::from_parts(9_494_400, <() as WeightInfo>::on_idle_slots(s).proof_size())
            .saturating_add(Weight::from_parts(1_165_348, 0).saturating_mul(s.into()))
            .saturating_add(T::DbWeight::get().reads_writes(3, 2))
            .saturating_add(T::DbWeight::get().reads_writes(1, 1).saturating_mul(s.into()))
    }

    /// 124.9 us, 17 reads, 1 writes; each g 573.927 ns.
    fn gas(g: u32) -> Weight {
        Weight::from_parts(0, <() as WeightInfo>::gas(g).proof_size())
            .saturating_add(Weight::from_parts(600_000, 0).saturating_mul(g.into()))
    }

    /// 1.8 us, 0 reads, 0 writes.
    fn frame() -> Weight {
        Weight::from_parts(2_139_600, <() as WeightInfo>::frame().proof_size())
    }

    /// 266.5 us, 0 reads, 0 writes; each b 281.094 ns.
    fn load(b: u32) -> Weight {
        Weight::from_parts(319_777_200, <() as WeightInfo>::load(b).proof_size())
            .saturating_add(Weight::from_parts(337_313, 0).saturating_mul(b.into()))
    }

    /// 311.5 us, 0 reads, 0 writes; each b 321.435 ns.
    fn validate(b: u32) -> Weight {
        Weight::from_parts(373_773_600, <() as WeightInfo>::validate(b).proof_size())
            .saturating_add(Weight::from_parts(385_722, 0).saturating_mul(b.into()))
    }

    /// 8.8 us, 3 reads, 0 writes.
    fn read_account() -> Weight {
        Weight::from_parts(10_599_600, <() as WeightInfo>::read_account().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(3, 0))
    }

    /// 2.9 us, 1 reads, 0 writes.
    fn read_slot() -> Weight {
        Weight::from_parts(3_498_000, <() as WeightInfo>::read_slot().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(1, 0))
    }

    /// 5.0 us, 2 reads, 0 writes; each b 0.489 ns.
    fn read_code(b: u32) -> Weight {
        Weight::from_parts(6_039_329, <() as WeightInfo>::read_code(b).proof_size())
            .saturating_add(Weight::from_parts(587, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads_writes(2, 0))
    }

    /// 95.8 us, 8 reads, 4 writes.
    fn write_account() -> Weight {
        Weight::from_parts(114_928_800, <() as WeightInfo>::write_account().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(8, 4))
    }

    /// 20.0 us, 3 reads, 1 writes.
    fn write_slot() -> Weight {
        Weight::from_parts(23_976_000, <() as WeightInfo>::write_slot().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(3, 1))
    }

    /// 135.0 us, 17 reads, 1 writes; each r 63.957 ns.
    fn host_plain(r: u32) -> Weight {
        Weight::from_parts(161_975_628, <() as WeightInfo>::host_plain(r).proof_size())
            .saturating_add(Weight::from_parts(76_749, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(17, 1))
    }

    /// 121.8 us, 17 reads, 1 writes; each r 73.724 ns; each b 0.401 ns.
    fn host_bytes(r: u32, b: u32) -> Weight {
        Weight::from_parts(146_109_107, <() as WeightInfo>::host_bytes(r, b).proof_size())
            .saturating_add(Weight::from_parts(88_469, 0).saturating_mul(r.into()))
            .saturating_add(Weight::from_parts(482, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads_writes(17, 1))
    }

    /// 145.0 us, 20 reads, 1 writes; each r 120.019 ns.
    fn host_account(r: u32) -> Weight {
        Weight::from_parts(174_028_814, <() as WeightInfo>::host_account(r).proof_size())
            .saturating_add(Weight::from_parts(144_023, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(20, 1))
    }

    /// 182.3 us, 22 reads, 1 writes; each r 128.553 ns; each b 0.072 ns.
    fn host_code(r: u32, b: u32) -> Weight {
        Weight::from_parts(218_726_583, <() as WeightInfo>::host_code(r, b).proof_size())
            .saturating_add(Weight::from_parts(154_264, 0).saturating_mul(r.into()))
            .saturating_add(Weight::from_parts(87, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads_writes(22, 1))
    }

    /// 136.4 us, 17 reads, 1 writes; each r 3354.013 ns, 1 reads, 0 writes.
    fn host_block_hash(r: u32) -> Weight {
        Weight::from_parts(163_726_796, <() as WeightInfo>::host_block_hash(r).proof_size())
            .saturating_add(Weight::from_parts(4_024_816, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(17, 1))
            .saturating_add(T::DbWeight::get().reads_writes(1, 0).saturating_mul(r.into()))
    }

    /// 141.4 us, 18 reads, 1 writes; each r 101.681 ns.
    fn host_storage_load(r: u32) -> Weight {
        Weight::from_parts(169_726_150, <() as WeightInfo>::host_storage_load(r).proof_size())
            .saturating_add(Weight::from_parts(122_018, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(18, 1))
    }

    /// 155.4 us, 18 reads, 2 writes; each r 197.553 ns.
    fn host_storage_store(r: u32) -> Weight {
        Weight::from_parts(186_461_476, <() as WeightInfo>::host_storage_store(r).proof_size())
            .saturating_add(Weight::from_parts(237_064, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(18, 2))
    }

    /// 120.2 us, 17 reads, 1 writes; each r 247.348 ns.
    fn host_transient(r: u32) -> Weight {
        Weight::from_parts(144_219_093, <() as WeightInfo>::host_transient(r).proof_size())
            .saturating_add(Weight::from_parts(296_818, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(17, 1))
    }

    /// 119.3 us, 20 reads, 3 writes; each r 4915.376 ns; each b 0.907 ns.
    fn host_log(r: u32, b: u32) -> Weight {
        Weight::from_parts(143_108_832, <() as WeightInfo>::host_log(r, b).proof_size())
            .saturating_add(Weight::from_parts(5_898_452, 0).saturating_mul(r.into()))
            .saturating_add(Weight::from_parts(1_089, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads_writes(20, 3))
    }

    /// 123.1 us, 17 reads, 1 writes; each r 676.700 ns; each b 4.175 ns.
    fn host_keccak(r: u32, b: u32) -> Weight {
        Weight::from_parts(147_773_192, <() as WeightInfo>::host_keccak(r, b).proof_size())
            .saturating_add(Weight::from_parts(812_040, 0).saturating_mul(r.into()))
            .saturating_add(Weight::from_parts(5_010, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads_writes(17, 1))
    }

    /// 160.5 us, 19 reads, 2 writes; each r 434.162 ns.
    fn host_call(r: u32) -> Weight {
        Weight::from_parts(192_584_307, <() as WeightInfo>::host_call(r).proof_size())
            .saturating_add(Weight::from_parts(520_995, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(19, 2))
    }

    /// 153.5 us, 20 reads, 3 writes; each r 23782.237 ns, 3 reads, 1 writes; each b 4.133 ns.
    fn host_create(r: u32, b: u32) -> Weight {
        Weight::from_parts(184_188_636, <() as WeightInfo>::host_create(r, b).proof_size())
            .saturating_add(Weight::from_parts(28_538_685, 0).saturating_mul(r.into()))
            .saturating_add(Weight::from_parts(4_960, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads_writes(20, 3))
            .saturating_add(T::DbWeight::get().reads_writes(3, 1).saturating_mul(r.into()))
    }

    /// 177.8 us, 19 reads, 2 writes; each r 3867.314 ns.
    fn host_self_destruct(r: u32) -> Weight {
        Weight::from_parts(213_364_774, <() as WeightInfo>::host_self_destruct(r).proof_size())
            .saturating_add(Weight::from_parts(4_640_777, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(19, 2))
    }
}

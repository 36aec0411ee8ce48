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
    /// 197.9 us, 23 reads, 6 writes.
    fn call() -> Weight {
        Weight::from_parts(237_512_400, <() as WeightInfo>::call().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(23, 6))
    }

    /// 326.0 us, 29 reads, 12 writes; each d 0.451 ns.
    fn instantiate(d: u32) -> Weight {
        Weight::from_parts(391_192_557, <() as WeightInfo>::instantiate(d).proof_size())
            .saturating_add(Weight::from_parts(542, 0).saturating_mul(d.into()))
            .saturating_add(T::DbWeight::get().reads_writes(29, 12))
    }

    /// 331.8 us, 28 reads, 12 writes; each c 8.703 ns; each d 0.307 ns.
    fn instantiate_with_code(c: u32, d: u32) -> Weight {
        Weight::from_parts(398_147_057, <() as WeightInfo>::instantiate_with_code(c, d).proof_size())
            .saturating_add(Weight::from_parts(10_444, 0).saturating_mul(c.into()))
            .saturating_add(Weight::from_parts(369, 0).saturating_mul(d.into()))
            .saturating_add(T::DbWeight::get().reads_writes(28, 12))
    }

    /// 213.7 us, 11 reads, 8 writes; each c 145.142 ns.
    fn upload_code(c: u32) -> Weight {
        Weight::from_parts(256_417_200, <() as WeightInfo>::upload_code(c).proof_size())
            .saturating_add(Weight::from_parts(174_171, 0).saturating_mul(c.into()))
            .saturating_add(T::DbWeight::get().reads_writes(11, 8))
    }

    /// 84.6 us, 8 reads, 7 writes.
    fn remove_code() -> Weight {
        Weight::from_parts(101_540_400, <() as WeightInfo>::remove_code().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(8, 7))
    }

    /// 157.3 us, 11 reads, 9 writes.
    fn set_code() -> Weight {
        Weight::from_parts(188_719_200, <() as WeightInfo>::set_code().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(11, 9))
    }

    /// 73.5 us, 9 reads, 5 writes.
    fn map_account() -> Weight {
        Weight::from_parts(88_224_000, <() as WeightInfo>::map_account().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(9, 5))
    }

    /// 56.7 us, 6 reads, 5 writes.
    fn unmap_account() -> Weight {
        Weight::from_parts(68_082_000, <() as WeightInfo>::unmap_account().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(6, 5))
    }

    /// 84.8 us, 8 reads, 5 writes.
    fn deposit_balance() -> Weight {
        Weight::from_parts(101_805_600, <() as WeightInfo>::deposit_balance().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(8, 5))
    }

    /// 84.9 us, 8 reads, 5 writes.
    fn withdraw_balance() -> Weight {
        Weight::from_parts(101_889_600, <() as WeightInfo>::withdraw_balance().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(8, 5))
    }

    /// 1.9 us, 2 reads, 0 writes.
    fn on_idle_base() -> Weight {
        Weight::from_parts(2_307_600, <() as WeightInfo>::on_idle_base().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(2, 0))
    }

    /// 8.2 us, 3 reads, 2 writes; each s 907.691 ns, 1 reads, 1 writes.
    fn on_idle_slots(s: u32) -> Weight {
        Weight::from_parts(9_866_400, <() as WeightInfo>::on_idle_slots(s).proof_size())
            .saturating_add(Weight::from_parts(1_089_230, 0).saturating_mul(s.into()))
            .saturating_add(T::DbWeight::get().reads_writes(3, 2))
            .saturating_add(T::DbWeight::get().reads_writes(1, 1).saturating_mul(s.into()))
    }

    /// 27.3 us, 17 reads, 1 writes; each g 558.787 ns.
    fn gas(g: u32) -> Weight {
        Weight::from_parts(0, <() as WeightInfo>::gas(g).proof_size())
            .saturating_add(Weight::from_parts(600_000, 0).saturating_mul(g.into()))
    }

    /// 1.6 us, 0 reads, 0 writes.
    fn frame() -> Weight {
        Weight::from_parts(1_874_400, <() as WeightInfo>::frame().proof_size())
    }

    /// 89.7 us, 0 reads, 0 writes; each b 102.980 ns.
    fn load(b: u32) -> Weight {
        Weight::from_parts(107_648_892, <() as WeightInfo>::load(b).proof_size())
            .saturating_add(Weight::from_parts(123_576, 0).saturating_mul(b.into()))
    }

    /// 179.7 us, 0 reads, 0 writes; each b 145.430 ns.
    fn validate(b: u32) -> Weight {
        Weight::from_parts(215_613_941, <() as WeightInfo>::validate(b).proof_size())
            .saturating_add(Weight::from_parts(174_516, 0).saturating_mul(b.into()))
    }

    /// 8.5 us, 3 reads, 0 writes.
    fn read_account() -> Weight {
        Weight::from_parts(10_227_600, <() as WeightInfo>::read_account().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(3, 0))
    }

    /// 2.8 us, 1 reads, 0 writes.
    fn read_slot() -> Weight {
        Weight::from_parts(3_390_000, <() as WeightInfo>::read_slot().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(1, 0))
    }

    /// 4.8 us, 2 reads, 0 writes; each b 0.498 ns.
    fn read_code(b: u32) -> Weight {
        Weight::from_parts(5_767_748, <() as WeightInfo>::read_code(b).proof_size())
            .saturating_add(Weight::from_parts(598, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads_writes(2, 0))
    }

    /// 93.0 us, 8 reads, 4 writes.
    fn write_account() -> Weight {
        Weight::from_parts(111_636_000, <() as WeightInfo>::write_account().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(8, 4))
    }

    /// 19.6 us, 3 reads, 1 writes.
    fn write_slot() -> Weight {
        Weight::from_parts(23_542_800, <() as WeightInfo>::write_slot().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(3, 1))
    }

    /// 136.0 us, 17 reads, 1 writes; each r 63.502 ns.
    fn host_plain(r: u32) -> Weight {
        Weight::from_parts(163_157_404, <() as WeightInfo>::host_plain(r).proof_size())
            .saturating_add(Weight::from_parts(76_203, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(17, 1))
    }

    /// 126.9 us, 17 reads, 1 writes; each r 70.119 ns; each b 0.486 ns.
    fn host_bytes(r: u32, b: u32) -> Weight {
        Weight::from_parts(152_231_210, <() as WeightInfo>::host_bytes(r, b).proof_size())
            .saturating_add(Weight::from_parts(84_143, 0).saturating_mul(r.into()))
            .saturating_add(Weight::from_parts(584, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads_writes(17, 1))
    }

    /// 157.7 us, 20 reads, 1 writes; each r 134.095 ns.
    fn host_account(r: u32) -> Weight {
        Weight::from_parts(189_299_556, <() as WeightInfo>::host_account(r).proof_size())
            .saturating_add(Weight::from_parts(160_914, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(20, 1))
    }

    /// 192.9 us, 22 reads, 1 writes; each r 138.020 ns; each b 0.000 ns.
    fn host_code(r: u32, b: u32) -> Weight {
        Weight::from_parts(231_498_443, <() as WeightInfo>::host_code(r, b).proof_size())
            .saturating_add(Weight::from_parts(165_624, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(22, 1))
    }

    /// 144.2 us, 17 reads, 1 writes; each r 3396.181 ns, 1 reads, 0 writes.
    fn host_block_hash(r: u32) -> Weight {
        Weight::from_parts(172_993_194, <() as WeightInfo>::host_block_hash(r).proof_size())
            .saturating_add(Weight::from_parts(4_075_418, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(17, 1))
            .saturating_add(T::DbWeight::get().reads_writes(1, 0).saturating_mul(r.into()))
    }

    /// 144.1 us, 18 reads, 1 writes; each r 96.293 ns.
    fn host_storage_load(r: u32) -> Weight {
        Weight::from_parts(172_917_881, <() as WeightInfo>::host_storage_load(r).proof_size())
            .saturating_add(Weight::from_parts(115_552, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(18, 1))
    }

    /// 155.3 us, 18 reads, 2 writes; each r 190.730 ns.
    fn host_storage_store(r: u32) -> Weight {
        Weight::from_parts(186_317_975, <() as WeightInfo>::host_storage_store(r).proof_size())
            .saturating_add(Weight::from_parts(228_876, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(18, 2))
    }

    /// 118.1 us, 17 reads, 1 writes; each r 258.397 ns.
    fn host_transient(r: u32) -> Weight {
        Weight::from_parts(141_737_091, <() as WeightInfo>::host_transient(r).proof_size())
            .saturating_add(Weight::from_parts(310_077, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(17, 1))
    }

    /// 134.7 us, 20 reads, 3 writes; each r 4993.670 ns; each b 0.643 ns.
    fn host_log(r: u32, b: u32) -> Weight {
        Weight::from_parts(161_699_091, <() as WeightInfo>::host_log(r, b).proof_size())
            .saturating_add(Weight::from_parts(5_992_404, 0).saturating_mul(r.into()))
            .saturating_add(Weight::from_parts(772, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads_writes(20, 3))
    }

    /// 122.8 us, 17 reads, 1 writes; each r 693.446 ns; each b 4.356 ns.
    fn host_keccak(r: u32, b: u32) -> Weight {
        Weight::from_parts(147_400_582, <() as WeightInfo>::host_keccak(r, b).proof_size())
            .saturating_add(Weight::from_parts(832_136, 0).saturating_mul(r.into()))
            .saturating_add(Weight::from_parts(5_228, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads_writes(17, 1))
    }

    /// 171.5 us, 19 reads, 2 writes; each r 441.425 ns.
    fn host_call(r: u32) -> Weight {
        Weight::from_parts(205_742_922, <() as WeightInfo>::host_call(r).proof_size())
            .saturating_add(Weight::from_parts(529_710, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(19, 2))
    }

    /// 174.5 us, 20 reads, 3 writes; each r 24596.617 ns, 3 reads, 1 writes; each b 3.789 ns.
    fn host_create(r: u32, b: u32) -> Weight {
        Weight::from_parts(209_386_636, <() as WeightInfo>::host_create(r, b).proof_size())
            .saturating_add(Weight::from_parts(29_515_941, 0).saturating_mul(r.into()))
            .saturating_add(Weight::from_parts(4_547, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads_writes(20, 3))
            .saturating_add(T::DbWeight::get().reads_writes(3, 1).saturating_mul(r.into()))
    }

    /// 179.5 us, 19 reads, 2 writes; each r 3705.809 ns.
    fn host_self_destruct(r: u32) -> Weight {
        Weight::from_parts(215_409_670, <() as WeightInfo>::host_self_destruct(r).proof_size())
            .saturating_add(Weight::from_parts(4_446_971, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(19, 2))
    }
}

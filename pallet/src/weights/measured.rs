//! Weights as they were measured, in the demo runtime's Wasm. Written by a command; do not edit.
//!
//! `cargo run --release -p gristmill-pallet-measure -- --steps 10 --repeat 20 --factor 1.2`
//!
//! 2026-11-22, AMD EPYC, 2 processors; rustc 1.95.0 (59807616e 2026-04-14).
//! 10 steps of each component, 20 runs of each. Time is a line through the medians, times 1.2, and not
//! below any of them; reads and writes weigh what the runtime says. Proof is as estimated.

use super::WeightInfo;
use core::marker::PhantomData;
use frame_support::traits::Get;
use frame_support::weights::Weight;

/// Measured weights, with the database of the runtime. Beside each what it is made of, without the factor.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    /// 193.9 us, 23 reads, 6 writes.
    fn call() -> Weight {
        Weight::from_parts(232_645_200, <() as WeightInfo>::call().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(23, 6))
    }

    /// 315.8 us, 28 reads, 11 writes; each d 0.395 ns.
    fn instantiate(d: u32) -> Weight {
        Weight::from_parts(379_003_558, <() as WeightInfo>::instantiate(d).proof_size())
            .saturating_add(Weight::from_parts(474, 0).saturating_mul(d.into()))
            .saturating_add(T::DbWeight::get().reads_writes(28, 11))
    }

    /// 311.9 us, 27 reads, 11 writes; each c 4.616 ns; each d 0.437 ns.
    fn instantiate_with_code(c: u32, d: u32) -> Weight {
        Weight::from_parts(374_267_879, <() as WeightInfo>::instantiate_with_code(c, d).proof_size())
            .saturating_add(Weight::from_parts(5_540, 0).saturating_mul(c.into()))
            .saturating_add(Weight::from_parts(525, 0).saturating_mul(d.into()))
            .saturating_add(T::DbWeight::get().reads_writes(27, 11))
    }

    /// 205.6 us, 11 reads, 8 writes; each c 143.282 ns.
    fn upload_code(c: u32) -> Weight {
        Weight::from_parts(246_741_600, <() as WeightInfo>::upload_code(c).proof_size())
            .saturating_add(Weight::from_parts(171_939, 0).saturating_mul(c.into()))
            .saturating_add(T::DbWeight::get().reads_writes(11, 8))
    }

    /// 81.0 us, 8 reads, 7 writes.
    fn remove_code() -> Weight {
        Weight::from_parts(97_178_400, <() as WeightInfo>::remove_code().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(8, 7))
    }

    /// 145.0 us, 11 reads, 9 writes.
    fn set_code() -> Weight {
        Weight::from_parts(174_020_400, <() as WeightInfo>::set_code().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(11, 9))
    }

    /// 74.2 us, 9 reads, 5 writes.
    fn map_account() -> Weight {
        Weight::from_parts(88_982_400, <() as WeightInfo>::map_account().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(9, 5))
    }

    /// 56.0 us, 6 reads, 5 writes.
    fn unmap_account() -> Weight {
        Weight::from_parts(67_168_800, <() as WeightInfo>::unmap_account().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(6, 5))
    }

    /// 84.9 us, 8 reads, 5 writes.
    fn deposit_balance() -> Weight {
        Weight::from_parts(101_912_400, <() as WeightInfo>::deposit_balance().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(8, 5))
    }

    /// 88.3 us, 8 reads, 5 writes.
    fn withdraw_balance() -> Weight {
        Weight::from_parts(105_950_400, <() as WeightInfo>::withdraw_balance().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(8, 5))
    }

    /// 2.3 us, 2 reads, 1 writes.
    fn on_idle_base() -> Weight {
        Weight::from_parts(2_812_800, <() as WeightInfo>::on_idle_base().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(2, 1))
    }

    /// 7.8 us, 3 reads, 2 writes; each s 900.736 ns, 1 reads, 1 writes.
    fn on_idle_slots(s: u32) -> Weight {
        Weight::from_parts(9_374_400, <() as WeightInfo>::on_idle_slots(s).proof_size())
            .saturating_add(Weight::from_parts(1_080_884, 0).saturating_mul(s.into()))
            .saturating_add(T::DbWeight::get().reads_writes(3, 2))
            .saturating_add(T::DbWeight::get().reads_writes(1, 1).saturating_mul(s.into()))
    }

    /// 317.4 us, 17 reads, 1 writes; each g 554.150 ns.
    fn gas(g: u32) -> Weight {
        Weight::from_parts(0, <() as WeightInfo>::gas(g).proof_size())
            .saturating_add(Weight::from_parts(600_000, 0).saturating_mul(g.into()))
    }

    /// 1.8 us, 0 reads, 0 writes.
    fn frame() -> Weight {
        Weight::from_parts(2_115_600, <() as WeightInfo>::frame().proof_size())
    }

    /// 249.5 us, 0 reads, 0 writes; each b 274.589 ns.
    fn load(b: u32) -> Weight {
        Weight::from_parts(299_430_000, <() as WeightInfo>::load(b).proof_size())
            .saturating_add(Weight::from_parts(329_507, 0).saturating_mul(b.into()))
    }

    /// 297.1 us, 0 reads, 0 writes; each b 310.373 ns.
    fn validate(b: u32) -> Weight {
        Weight::from_parts(356_539_200, <() as WeightInfo>::validate(b).proof_size())
            .saturating_add(Weight::from_parts(372_448, 0).saturating_mul(b.into()))
    }

    /// 8.6 us, 3 reads, 0 writes.
    fn read_account() -> Weight {
        Weight::from_parts(10_371_600, <() as WeightInfo>::read_account().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(3, 0))
    }

    /// 2.9 us, 1 reads, 0 writes.
    fn read_slot() -> Weight {
        Weight::from_parts(3_460_800, <() as WeightInfo>::read_slot().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(1, 0))
    }

    /// 5.4 us, 2 reads, 0 writes; each b 0.465 ns.
    fn read_code(b: u32) -> Weight {
        Weight::from_parts(6_494_704, <() as WeightInfo>::read_code(b).proof_size())
            .saturating_add(Weight::from_parts(558, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads_writes(2, 0))
    }

    /// 92.1 us, 8 reads, 4 writes.
    fn write_account() -> Weight {
        Weight::from_parts(110_482_800, <() as WeightInfo>::write_account().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(8, 4))
    }

    /// 19.2 us, 3 reads, 1 writes.
    fn write_slot() -> Weight {
        Weight::from_parts(23_037_600, <() as WeightInfo>::write_slot().proof_size())
            .saturating_add(T::DbWeight::get().reads_writes(3, 1))
    }

    /// 125.9 us, 17 reads, 1 writes; each r 65.828 ns.
    fn host_plain(r: u32) -> Weight {
        Weight::from_parts(151_102_002, <() as WeightInfo>::host_plain(r).proof_size())
            .saturating_add(Weight::from_parts(78_994, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(17, 1))
    }

    /// 115.0 us, 17 reads, 1 writes; each r 71.837 ns; each b 0.339 ns.
    fn host_bytes(r: u32, b: u32) -> Weight {
        Weight::from_parts(138_026_133, <() as WeightInfo>::host_bytes(r, b).proof_size())
            .saturating_add(Weight::from_parts(86_205, 0).saturating_mul(r.into()))
            .saturating_add(Weight::from_parts(407, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads_writes(17, 1))
    }

    /// 139.4 us, 20 reads, 1 writes; each r 103.702 ns.
    fn host_account(r: u32) -> Weight {
        Weight::from_parts(167_279_076, <() as WeightInfo>::host_account(r).proof_size())
            .saturating_add(Weight::from_parts(124_443, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(20, 1))
    }

    /// 163.4 us, 22 reads, 1 writes; each r 117.781 ns; each b 0.189 ns.
    fn host_code(r: u32, b: u32) -> Weight {
        Weight::from_parts(196_055_416, <() as WeightInfo>::host_code(r, b).proof_size())
            .saturating_add(Weight::from_parts(141_338, 0).saturating_mul(r.into()))
            .saturating_add(Weight::from_parts(227, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads_writes(22, 1))
    }

    /// 126.5 us, 17 reads, 1 writes; each r 3263.610 ns, 1 reads, 0 writes.
    fn host_block_hash(r: u32) -> Weight {
        Weight::from_parts(151_825_217, <() as WeightInfo>::host_block_hash(r).proof_size())
            .saturating_add(Weight::from_parts(3_916_332, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(17, 1))
            .saturating_add(T::DbWeight::get().reads_writes(1, 0).saturating_mul(r.into()))
    }

    /// 135.8 us, 18 reads, 1 writes; each r 96.003 ns.
    fn host_storage_load(r: u32) -> Weight {
        Weight::from_parts(162_983_525, <() as WeightInfo>::host_storage_load(r).proof_size())
            .saturating_add(Weight::from_parts(115_204, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(18, 1))
    }

    /// 148.7 us, 18 reads, 2 writes; each r 185.691 ns.
    fn host_storage_store(r: u32) -> Weight {
        Weight::from_parts(178_407_369, <() as WeightInfo>::host_storage_store(r).proof_size())
            .saturating_add(Weight::from_parts(222_830, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(18, 2))
    }

    /// 111.7 us, 17 reads, 1 writes; each r 233.501 ns.
    fn host_transient(r: u32) -> Weight {
        Weight::from_parts(134_028_777, <() as WeightInfo>::host_transient(r).proof_size())
            .saturating_add(Weight::from_parts(280_202, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(17, 1))
    }

    /// 118.2 us, 20 reads, 3 writes; each r 4673.717 ns; each b 0.727 ns.
    fn host_log(r: u32, b: u32) -> Weight {
        Weight::from_parts(141_831_443, <() as WeightInfo>::host_log(r, b).proof_size())
            .saturating_add(Weight::from_parts(5_608_461, 0).saturating_mul(r.into()))
            .saturating_add(Weight::from_parts(873, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads_writes(20, 3))
    }

    /// 113.9 us, 17 reads, 1 writes; each r 676.998 ns; each b 4.009 ns.
    fn host_keccak(r: u32, b: u32) -> Weight {
        Weight::from_parts(136_669_140, <() as WeightInfo>::host_keccak(r, b).proof_size())
            .saturating_add(Weight::from_parts(812_398, 0).saturating_mul(r.into()))
            .saturating_add(Weight::from_parts(4_811, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads_writes(17, 1))
    }

    /// 154.1 us, 19 reads, 2 writes; each r 380.488 ns.
    fn host_call(r: u32) -> Weight {
        Weight::from_parts(184_913_475, <() as WeightInfo>::host_call(r).proof_size())
            .saturating_add(Weight::from_parts(456_586, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(19, 2))
    }

    /// 156.3 us, 20 reads, 3 writes; each r 22295.448 ns, 3 reads, 1 writes; each b 3.785 ns.
    fn host_create(r: u32, b: u32) -> Weight {
        Weight::from_parts(187_593_951, <() as WeightInfo>::host_create(r, b).proof_size())
            .saturating_add(Weight::from_parts(26_754_538, 0).saturating_mul(r.into()))
            .saturating_add(Weight::from_parts(4_542, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads_writes(20, 3))
            .saturating_add(T::DbWeight::get().reads_writes(3, 1).saturating_mul(r.into()))
    }

    /// 166.6 us, 19 reads, 2 writes; each r 3654.892 ns.
    fn host_self_destruct(r: u32) -> Weight {
        Weight::from_parts(199_870_505, <() as WeightInfo>::host_self_destruct(r).proof_size())
            .saturating_add(Weight::from_parts(4_385_871, 0).saturating_mul(r.into()))
            .saturating_add(T::DbWeight::get().reads_writes(19, 2))
    }
}

//! What the pallet's calls weigh.

use frame_support::weights::Weight;
use frame_support::weights::constants::{RocksDbWeight, WEIGHT_REF_TIME_PER_MICROS, WEIGHT_REF_TIME_PER_NANOS};

/// Weights. Time is picoseconds, proof is bytes.
pub trait WeightInfo {
    /// `upload_code`, with so many bytes.
    fn upload_code(code: u32) -> Weight;
    /// `remove_code`.
    fn remove_code() -> Weight;
    /// `submit_job`, with so many bytes of code and input.
    fn submit_job(code: u32, input: u32) -> Weight;
    /// `cancel_job`.
    fn cancel_job() -> Weight;
    /// `remove_job`.
    fn remove_job() -> Weight;
    /// `submit_result` and `submit_result_unsigned`, with so many bytes of output, when so many workers are paid.
    fn submit_result(output: u32, workers: u32) -> Weight;
    /// Finding out whether an answer without a fee may come, with so many bytes of output.
    fn authorize(output: u32) -> Weight;
    /// `add_worker`, when there are so many workers.
    fn add_worker(workers: u32) -> Weight;
    /// `remove_worker`.
    fn remove_worker() -> Weight;
    /// What a block does for so many jobs that fall due in it.
    fn due(jobs: u32) -> Weight;
    /// Looking at a job.
    fn view() -> Weight;
}

const fn micros(micros: u64) -> Weight {
    Weight::from_parts(micros * WEIGHT_REF_TIME_PER_MICROS, 0)
}

/// Time and proof for so many bytes that are hashed and kept.
fn bytes(count: u32) -> Weight {
    Weight::from_parts(20 * WEIGHT_REF_TIME_PER_NANOS, 1).saturating_mul(count.into())
}

/// Reads and writes, with the nodes of a proof for each.
fn items(reads: u64, writes: u64) -> Weight {
    RocksDbWeight::get().reads_writes(reads, writes).saturating_add(Weight::from_parts(0, 3_072 * reads))
}

/// Estimates that err on the side of too much: what is read and written, counted, and time beside.
impl WeightInfo for () {
    fn upload_code(code: u32) -> Weight {
        micros(100).saturating_add(items(4, 4)).saturating_add(bytes(code))
    }

    fn remove_code() -> Weight {
        micros(100).saturating_add(items(4, 4))
    }

    fn submit_job(code: u32, input: u32) -> Weight {
        micros(150).saturating_add(items(8, 10)).saturating_add(bytes(code)).saturating_add(bytes(input))
    }

    fn cancel_job() -> Weight {
        micros(150).saturating_add(items(8, 10))
    }

    fn remove_job() -> Weight {
        micros(100).saturating_add(items(4, 4))
    }

    fn submit_result(output: u32, workers: u32) -> Weight {
        let paid = micros(80).saturating_add(items(2, 2)).saturating_mul(workers.into());
        micros(200).saturating_add(items(10, 10)).saturating_add(bytes(output)).saturating_add(paid)
    }

    fn authorize(output: u32) -> Weight {
        // An sr25519 signature takes about 60 us.
        micros(150).saturating_add(items(4, 0)).saturating_add(bytes(output))
    }

    fn add_worker(workers: u32) -> Weight {
        micros(50).saturating_add(items(2, 2)).saturating_add(items(1, 0).saturating_mul(workers.into()))
    }

    fn remove_worker() -> Weight {
        Self::add_worker(0)
    }

    fn due(jobs: u32) -> Weight {
        let job = micros(150).saturating_add(items(8, 10));
        items(1, 1).saturating_add(job.saturating_mul(jobs.into()))
    }

    fn view() -> Weight {
        micros(50).saturating_add(items(2, 0))
    }
}

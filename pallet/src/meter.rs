//! Weight beside gas: what host functions, loads and reads cost a node beyond what their gas pays for.
//!
//! Gas belongs to the contract and is the ledger's to the unit. A second budget, the [`Toll`], stands beside it: running out
//! of either ends the frame OUT_OF_GAS.

use crate::execute::MAX_DEPTH;
use crate::primitives::TracedCall;
use crate::weights::WeightInfo;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};
use frame_support::weights::Weight;
use gristmill::contract::eei::Eei;
use gristmill::contract::eei::prices::{CREATE, Prices};
use gristmill::contract::{HostCall, Observer, Revision};
use gristmill::limits::MESSAGE_DEPTH;
use gristmill::{ApiRow, Gas, HostApi, Schedule, Trap};
use spin::Mutex;

/// Share of a call's time that is not gas but toll: one part in this many.
const TOLL_SHARE: u64 = 8;

/// Time that a gas stands for, in picoseconds.
pub fn gas_time<W: WeightInfo>() -> u64 {
    const MANY: u32 = 1_000_000;
    let slope = W::gas(MANY).ref_time().saturating_sub(W::gas(0).ref_time()) / u64::from(MANY);
    slope.max(1)
}

/// What a limit of weight gives: whole gas, and the toll that stands beside it.
pub fn divide<W: WeightInfo>(limit: Weight) -> (i64, Weight) {
    let toll = limit.ref_time() / TOLL_SHARE;
    let gas = (limit.ref_time() - toll) / gas_time::<W>();
    (i64::try_from(gas).unwrap_or(i64::MAX), Weight::from_parts(toll, limit.proof_size()))
}

/// The toll that [`divide`] puts beside so much gas.
pub fn toll_beside<W: WeightInfo>(gas: u64) -> u64 {
    gas.saturating_mul(gas_time::<W>()).div_ceil(TOLL_SHARE - 1)
}

/// The least time of which [`divide`] makes so much gas, and a toll for it.
pub fn time_for<W: WeightInfo>(gas: u64, toll: u64) -> u64 {
    // Seven parts of eight are gas; rounded up.
    let by_gas = gas.saturating_mul(gas_time::<W>()).saturating_add(toll_beside::<W>(gas));
    by_gas.max(toll.saturating_mul(TOLL_SHARE))
}

/// A budget of time and proof that one call spends.
#[derive(Debug)]
pub struct Toll {
    limit: Weight,
    time: AtomicU64,
    proof: AtomicU64,
    /// The most proof that was asked for at once beyond what was taken.
    proof_needed: AtomicU64,
    /// The most time.
    time_needed: AtomicU64,
}

// There is one thread. Atomics are what a shared value takes that engine and observer keep.
const ORDER: Ordering = Ordering::Relaxed;

impl Toll {
    /// The whole of `limit`.
    pub fn new(limit: Weight) -> Self {
        Self {
            limit,
            time: AtomicU64::new(limit.ref_time()),
            proof: AtomicU64::new(limit.proof_size()),
            proof_needed: AtomicU64::new(0),
            time_needed: AtomicU64::new(0),
        }
    }

    /// Whether `weight` is left; that it was needed is noted.
    pub fn covers(&self, weight: Weight) -> bool {
        let (time, proof) = (self.time.load(ORDER), self.proof.load(ORDER));
        let taken = self.taken();
        self.time_needed.fetch_max(taken.ref_time().saturating_add(weight.ref_time()), ORDER);
        self.proof_needed.fetch_max(taken.proof_size().saturating_add(weight.proof_size()), ORDER);
        time >= weight.ref_time() && proof >= weight.proof_size()
    }

    /// Takes `weight` when all of it is left.
    pub fn take(&self, weight: Weight) -> bool {
        let covered = self.covers(weight);
        if covered {
            self.spend(weight);
        }
        covered
    }

    /// Takes what [`Toll::covers`] has made sure of.
    pub fn spend(&self, weight: Weight) {
        self.time.store(self.time.load(ORDER).saturating_sub(weight.ref_time()), ORDER);
        self.proof.store(self.proof.load(ORDER).saturating_sub(weight.proof_size()), ORDER);
        let taken = self.taken();
        self.time_needed.fetch_max(taken.ref_time(), ORDER);
        self.proof_needed.fetch_max(taken.proof_size(), ORDER);
    }

    /// Puts time back that gas has paid for.
    pub fn give_back(&self, time: u64) {
        self.time.store(self.time.load(ORDER).saturating_add(time).min(self.limit.ref_time()), ORDER);
    }

    /// What was taken so far.
    pub fn taken(&self) -> Weight {
        Weight::from_parts(
            self.limit.ref_time().saturating_sub(self.time.load(ORDER)),
            self.limit.proof_size().saturating_sub(self.proof.load(ORDER)),
        )
    }

    /// The least limit with which nothing would have been refused.
    pub fn needed(&self) -> Weight {
        Weight::from_parts(self.time_needed.load(ORDER), self.proof_needed.load(ORDER))
    }
}

/// What a host function costs a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cost {
    /// As much every time.
    Fixed(u64),
    /// So much, and so much more for each byte that the argument of this number says; picoseconds and a thousandth of them.
    Bytes { base: u64, thousandths: u64, length: usize },
}

/// Calls, or bytes, between which a slope is taken.
const MANY: u32 = 1_000;

impl Cost {
    /// One more call.
    fn fixed(at: impl Fn(u32) -> Weight) -> Self {
        Cost::Fixed(Self::thousand(at).div_ceil(MANY.into()))
    }

    /// One more call, and its bytes.
    fn by_length(at: impl Fn(u32, u32) -> Weight, length: usize) -> Self {
        let base = Self::thousand(|calls| at(calls, 0)).div_ceil(MANY.into());
        Cost::Bytes { base, thousandths: Self::thousand(|bytes| at(0, bytes)), length }
    }

    /// Time of a thousand more.
    fn thousand(at: impl Fn(u32) -> Weight) -> u64 {
        at(MANY).ref_time().saturating_sub(at(0).ref_time())
    }

    fn time(self, args: &[u64]) -> u64 {
        match self {
            Cost::Fixed(time) => time,
            Cost::Bytes { base, thousandths, length } => {
                let bytes = args.get(length).copied().unwrap_or(0).min(u64::from(u32::MAX));
                base.saturating_add(thousandths.saturating_mul(bytes) / u64::from(MANY))
            }
        }
    }
}

/// A row of the interface as the pallet counts it.
#[derive(Clone, Copy, Debug)]
struct Row {
    cost: Cost,
    /// Whether it may read state: then all that it could read must be left of the proof.
    reads: bool,
    /// Of functions that run others: their own gas, for the rest is their callees'.
    own_gas: Option<Gas>,
}

fn row<W: WeightInfo>(row: &ApiRow, prices: &Prices) -> Row {
    let state = |cost| Row { cost, reads: true, own_gas: None };
    let plain = |cost| Row { cost, reads: false, own_gas: None };
    match row.name {
        "callDataCopy" | "codeCopy" | "returnDataCopy" => plain(Cost::by_length(W::host_bytes, 2)),
        "finish" | "revert" => plain(Cost::by_length(W::host_bytes, 1)),
        "keccak256" => plain(Cost::by_length(W::host_keccak, 1)),
        "log" => plain(Cost::by_length(W::host_log, 1)),
        "transientLoad" | "transientStore" => plain(Cost::fixed(W::host_transient)),
        "getExternalBalance" => state(Cost::fixed(W::host_account)),
        "getExternalCodeSize" | "getExternalCodeHash" => state(Cost::fixed(W::host_account)),
        "externalCodeCopy" => state(Cost::by_length(W::host_code, 3)),
        "getBlockHash" => state(Cost::fixed(W::host_block_hash)),
        "storageLoad" => state(Cost::fixed(W::host_storage_load)),
        "storageStore" => state(Cost::fixed(W::host_storage_store)),
        "selfDestruct" => state(Cost::fixed(W::host_self_destruct)),
        "call" | "callCode" | "callDelegate" | "callStatic" => {
            Row { own_gas: Some(prices.call), ..state(Cost::fixed(W::host_call)) }
        }
        "create" | "create2" => Row { own_gas: Some(CREATE), ..state(Cost::by_length(W::host_create, 2)) },
        _ => plain(Cost::fixed(W::host_plain)),
    }
}

/// Takes the toll of host calls, and notes them where somebody wants to see them.
pub struct TollBooth {
    toll: Arc<Toll>,
    rows: Box<[Row]>,
    gas_time: u64,
    /// What one host call may read at most.
    reserve: Weight,
    /// What was taken when each host call that has not returned began.
    begun: Mutex<Vec<u64>>,
    trace: Option<Mutex<Vec<TracedCall>>>,
}

impl TollBooth {
    /// In front of an interface at `revision`.
    pub fn new<W: WeightInfo>(toll: Arc<Toll>, revision: Revision, reserve: Weight, trace: bool) -> Self {
        let prices = Prices::of(Schedule::V1, revision);
        Self {
            toll,
            rows: Eei::rows().iter().map(|api| row::<W>(api, &prices)).collect(),
            gas_time: gas_time::<W>(),
            reserve,
            begun: Mutex::default(),
            trace: trace.then(Mutex::default),
        }
    }

    /// What was noted so far.
    pub fn take_trace(&self) -> Vec<TracedCall> {
        self.trace.as_ref().map(|calls| core::mem::take(&mut *calls.lock())).unwrap_or_default()
    }
}

impl Observer for TollBooth {
    fn before(&self, index: usize, args: &[u64], _: Gas) -> Result<(), Trap> {
        let Some(row) = self.rows.get(index) else { return Err(Trap::OutOfGas) };
        let time = row.cost.time(args);
        let reserve = if row.reads { self.reserve } else { Weight::zero() };
        if !self.toll.covers(reserve.saturating_add(Weight::from_parts(time, 0))) {
            return Err(Trap::OutOfGas);
        }
        self.begun.lock().push(self.toll.taken().ref_time());
        self.toll.spend(Weight::from_parts(time, 0));
        Ok(())
    }

    fn host_call(&self, call: &HostCall<'_>) {
        let begun = self.begun.lock().pop();
        if let (Some(row), Some(begun)) = (self.rows.get(call.index), begun) {
            // The greater of both, not both.
            let (gas, taken) = match row.own_gas {
                Some(gas) => (gas.0, row.cost.time(call.args)),
                None => {
                    let gas = call.gas_before.0.saturating_sub(call.gas_after.0);
                    (gas, self.toll.taken().ref_time().saturating_sub(begun))
                }
            };
            self.toll.give_back(taken.min(gas.saturating_mul(self.gas_time)));
        }
        if let Some(trace) = &self.trace {
            trace.lock().push(TracedCall {
                depth: call.depth.saturating_sub(MESSAGE_DEPTH - MAX_DEPTH),
                name: call.name.into(),
                args: call.args.into(),
                gas_before: call.gas_before.0,
                gas_after: call.gas_after.0,
                result: call.result.ok(),
            });
        }
    }
}

//! What the interface costs where schedule and revision matter. All numbers are whole gas.
//!
//! Source: eei.md 1 (fixed numbers, what hera charges) and 7 (by revision); the EIPs are named beside the rows.

use crate::contract::types::{Revision, StorageStatus};
use crate::gas::{Gas, Schedule};

/// `useGas`, `finish`, `revert`, and everything of module `debug`.
pub const FREE: Gas = Gas(0);
/// What answers from the message or the block.
pub const BASE: Gas = Gas(2);
/// `getSelfBalance`: EIP-1884's SELFBALANCE.
pub const LOW: Gas = Gas(5);
/// Copies, beside [`copied`].
pub const VERY_LOW: Gas = Gas(3);
/// `getBlockHash`: hera's number, not the EVM's 20.
pub const BLOCK_HASH: Gas = Gas(800);
/// `log`, beside 375 a topic and 8 a byte.
pub const LOG: Gas = Gas(375);
/// Bytes of a log, each.
pub const LOG_BYTE: u64 = 8;
/// `create` and `create2`.
pub const CREATE: Gas = Gas(32_000);
/// `selfDestruct`.
pub const SELF_DESTRUCT: Gas = Gas(5_000);
/// Giving something to an account that does not exist.
pub const NEW_ACCOUNT: Gas = Gas(25_000);
/// A call that moves value.
pub const VALUE: Gas = Gas(9_000);
/// What a callee gets on top when value moves, at nobody's expense.
pub const STIPEND: u64 = 2_300;
/// Transient storage: EIP-1153, as a warm slot.
pub const TRANSIENT: Gas = Gas(100);
/// `keccak256`, beside 6 a word: the EVM's KECCAK256.
pub const KECCAK: Gas = Gas(30);
/// Words hashed, each.
pub const KECCAK_WORD: u64 = 6;
/// More than zero-to-zero or non-zero writes, for a write of non-zero over zero in the fixed schedules.
pub const STORE_ADDED: Gas = Gas(15_000);

/// 32-byte words begun by `length` bytes.
pub const fn words(length: u32) -> u64 {
    (length as u64).div_ceil(32)
}

/// Moving `length` bytes: 3 a word.
pub const fn copied(length: u32) -> Gas {
    Gas(3 * words(length))
}

/// Prices of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prices {
    /// `getExternalBalance`.
    pub balance: Gas,
    /// `getExternalCodeSize`, and `externalCodeCopy` beside 3 a word.
    pub code: Gas,
    /// `getExternalCodeHash` (EIP-1052).
    pub code_hash: Gas,
    /// `call`, `callCode`, `callDelegate`, `callStatic`.
    pub call: Gas,
    /// `storageLoad`.
    pub load: Gas,
    /// `storageStore`, before the write tells what it did.
    pub store: Gas,
    /// Init code, a word (EIP-3860).
    pub init_word: u64,
    /// The keccak256 service at address 9, beside the call: at once, and a word.
    pub keccak_at_9: (Gas, u64),
    /// What a touched account or slot is asked for; `None` before Berlin and in the fixed schedules.
    pub access: Option<AccessPrices>,
    /// How a storage write is billed.
    pub writes: Writes,
    /// What storage statuses give back.
    pub refunds: Option<Net>,
    /// What `selfDestruct` gives back; nothing from London on (EIP-3529).
    pub self_destruct_refund: i64,
    /// EIP-2200: a write with this much gas or less left is out of gas; 0 is off.
    pub store_sentry: Gas,
}

/// EIP-2929 surcharges on top of the base costs, which are those of warm items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessPrices {
    /// A cold account.
    pub account: Gas,
    /// A cold slot that is read.
    pub slot: Gas,
    /// A cold slot that is written.
    pub written_slot: Gas,
    /// A cold beneficiary of `selfDestruct`; a warm one costs nothing.
    pub beneficiary: Gas,
    /// An account on a host older than EIP-2929: up to Istanbul's price.
    pub unknown_account: Gas,
    /// A slot that is read on such a host: up to Istanbul's price.
    pub unknown_slot: Gas,
}

/// How a storage write is billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    /// 15,000 before the write when zero becomes non-zero, beside the base price of 5,000. The status costs nothing.
    Fixed,
    /// By status, after the write: 20,000 when zero becomes non-zero, else 5,000.
    Legacy,
    /// By status, after the write, with the net rules of EIP-1283 and EIP-2200.
    Net(Net),
}

/// The three numbers of net metering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    /// A write that changes nothing, or again what this transaction changed before.
    pub warm: i64,
    /// The first change of a non-zero value.
    pub reset: i64,
    /// The refund for zeroing.
    pub clear: i64,
}

/// EIP-1283.
const NET_CONSTANTINOPLE: Net = Net { warm: 200, reset: 5_000, clear: 15_000 };
/// EIP-2200 with EIP-1884's price of a load.
pub const NET_ISTANBUL: Net = Net { warm: 800, reset: 5_000, clear: 15_000 };
/// EIP-2929.
const NET_BERLIN: Net = Net { warm: 100, reset: 2_900, clear: 15_000 };
/// EIP-3529.
const NET_LONDON: Net = Net { clear: 4_800, ..NET_BERLIN };

/// Fixed numbers of eei.md 1; refunds by the legacy column.
const FIXED: Prices = Prices {
    balance: Gas(400),
    code: Gas(700),
    code_hash: Gas(400),
    call: Gas(700),
    load: Gas(200),
    store: Gas(5_000),
    init_word: 0,
    keccak_at_9: (Gas(0), 3),
    access: None,
    writes: Writes::Fixed,
    refunds: None,
    self_destruct_refund: 24_000,
    store_sentry: Gas(0),
};

const BYZANTIUM: Prices = Prices { store: Gas(0), writes: Writes::Legacy, keccak_at_9: (KECCAK, KECCAK_WORD), ..FIXED };

const CONSTANTINOPLE: Prices =
    Prices { writes: Writes::Net(NET_CONSTANTINOPLE), refunds: Some(NET_CONSTANTINOPLE), ..BYZANTIUM };

const ISTANBUL: Prices = Prices {
    balance: Gas(700),
    code_hash: Gas(700),
    load: Gas(800),
    writes: Writes::Net(NET_ISTANBUL),
    refunds: Some(NET_ISTANBUL),
    store_sentry: Gas(2_300),
    ..BYZANTIUM
};

const BERLIN: Prices = Prices {
    balance: Gas(100),
    code: Gas(100),
    code_hash: Gas(100),
    call: Gas(100),
    load: Gas(100),
    access: Some(AccessPrices {
        account: Gas(2_500),
        slot: Gas(2_000),
        written_slot: Gas(2_100),
        beneficiary: Gas(2_600),
        unknown_account: Gas(600),
        unknown_slot: Gas(700),
    }),
    writes: Writes::Net(NET_BERLIN),
    refunds: Some(NET_BERLIN),
    ..ISTANBUL
};

const LONDON: Prices =
    Prices { writes: Writes::Net(NET_LONDON), refunds: Some(NET_LONDON), self_destruct_refund: 0, ..BERLIN };

const SHANGHAI: Prices = Prices { init_word: 2, ..LONDON };

impl Prices {
    /// The prices of `schedule` at `revision`. Revisions before Byzantium have Byzantium's.
    pub const fn of(schedule: Schedule, revision: Revision) -> Self {
        let by_revision = match revision {
            Revision::Frontier
            | Revision::Homestead
            | Revision::TangerineWhistle
            | Revision::SpuriousDragon
            | Revision::Byzantium
            | Revision::Petersburg => BYZANTIUM,
            Revision::Constantinople => CONSTANTINOPLE,
            Revision::Istanbul => ISTANBUL,
            Revision::Berlin => BERLIN,
            Revision::London | Revision::Paris => LONDON,
            Revision::Shanghai | Revision::Cancun | Revision::Prague | Revision::Osaka => SHANGHAI,
        };
        let self_destruct_refund = by_revision.self_destruct_refund;
        match schedule {
            Schedule::Ewasm => Prices { self_destruct_refund, ..FIXED },
            Schedule::Unit => Prices { self_destruct_refund, refunds: by_revision.refunds, ..FIXED },
            Schedule::V1 => by_revision,
        }
    }
}

/// What a write with `status` costs after the fact, in a schedule that bills by status.
pub const fn store_cost(net: Option<Net>, status: StorageStatus) -> Gas {
    use StorageStatus::*;
    Gas(match (net, status) {
        (_, Added) => 20_000,
        (None, DeletedAdded | DeletedRestored) => 20_000,
        (None, _) => 5_000,
        // The numbers of `Net` are constants above, none negative.
        (Some(net), Modified | Deleted) => net.reset as u64,
        (Some(net), _) => net.warm as u64,
    })
}

/// What a write with `status` adds to the refund counter; negative when it takes an earlier refund back.
pub const fn store_refund(net: Option<Net>, status: StorageStatus) -> i64 {
    use StorageStatus::*;
    match (net, status) {
        (_, Assigned | Added | Modified) => 0,
        (None, Deleted | ModifiedDeleted | AddedDeleted) => 15_000,
        (None, DeletedAdded | DeletedRestored | ModifiedRestored) => 0,
        (Some(net), Deleted | ModifiedDeleted) => net.clear,
        (Some(net), DeletedAdded) => -net.clear,
        (Some(net), DeletedRestored) => net.reset - net.warm - net.clear,
        (Some(net), AddedDeleted) => 20_000 - net.warm,
        (Some(net), ModifiedRestored) => net.reset - net.warm,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use StorageStatus::*;

    /// Cost and refund, as EIP-2200's table of cases sums them up at Istanbul, and eei.md 7 elsewhere.
    #[test]
    fn storage_statuses() {
        let rows = |revision| {
            let net = Prices::of(Schedule::V1, revision).refunds;
            [
                Assigned,
                Added,
                Deleted,
                Modified,
                DeletedAdded,
                ModifiedDeleted,
                DeletedRestored,
                AddedDeleted,
                ModifiedRestored,
            ]
            .map(|status| (store_cost(net, status).0, store_refund(net, status)))
        };
        let legacy = [
            (5_000, 0),
            (20_000, 0),
            (5_000, 15_000),
            (5_000, 0),
            (20_000, 0),
            (5_000, 15_000),
            (20_000, 0),
            (5_000, 15_000),
            (5_000, 0),
        ];
        assert_eq!(rows(Revision::Frontier), legacy);
        assert_eq!(rows(Revision::Petersburg), legacy);
        assert_eq!(
            rows(Revision::Istanbul),
            [
                (800, 0),
                (20_000, 0),
                (5_000, 15_000),
                (5_000, 0),
                (800, -15_000),
                (800, 15_000),
                (800, -10_800),
                (800, 19_200),
                (800, 4_200),
            ]
        );
        assert_eq!(
            rows(Revision::London),
            [
                (100, 0),
                (20_000, 0),
                (2_900, 4_800),
                (2_900, 0),
                (100, -4_800),
                (100, 4_800),
                (100, -2_000),
                (100, 19_900),
                (100, 2_800),
            ]
        );
    }

    #[test]
    fn fixed_schedules_ignore_the_revision_but_for_refunds() {
        for revision in Revision::ALL {
            let v1 = Prices::of(Schedule::V1, revision);
            let kept = Prices { self_destruct_refund: v1.self_destruct_refund, ..FIXED };
            assert_eq!(Prices::of(Schedule::Ewasm, revision), kept);
            assert_eq!(Prices::of(Schedule::Unit, revision), Prices { refunds: v1.refunds, ..kept });
            assert_eq!(v1.self_destruct_refund, if revision < Revision::London { 24_000 } else { 0 });
        }
    }
}

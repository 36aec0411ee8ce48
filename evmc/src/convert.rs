//! Between C's numbers and structs and the engine's types, for both sides of the edge.

use crate::abi::Abi;
use crate::abi::layout::{Context7, ContextLayout, FLAG_STATIC, Message7, MessageLayout, RawAddress, Word};
use gristmill::contract::eei::prices::Prices;
use gristmill::contract::{Address, Bytes32, CallKind, Message, Revision, StatusCode, StorageStatus, TxContext, U256};
use gristmill::{Fault, Schedule};
use std::ffi::c_int;

impl From<&U256> for Word {
    fn from(number: &U256) -> Self {
        Self(number.to_big_endian())
    }
}

impl From<&Bytes32> for Word {
    fn from(bytes: &Bytes32) -> Self {
        Self(bytes.0)
    }
}

impl Word {
    /// As a big-endian number.
    pub(crate) fn number(&self) -> U256 {
        U256::from_big_endian(&self.0)
    }

    /// As bytes.
    pub(crate) fn bytes(&self) -> Bytes32 {
        Bytes32::from(self.0)
    }
}

/// Why a message cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// A kind of call that is not known here: another VM may know it.
    Kind,
    /// Impossible.
    Nonsense(&'static str),
}

const KINDS: [(c_int, CallKind); 5] = [
    (0, CallKind::Call),
    (1, CallKind::DelegateCall),
    (2, CallKind::CallCode),
    (3, CallKind::Create),
    (4, CallKind::Create2),
];

/// `size` bytes at `data`, which may be NULL only for none.
///
/// # Safety
/// If `data` is not NULL, `size` bytes are readable there for as long as `'a`, and nobody writes them.
///
/// # Errors
/// NULL with a size, or a size that no object has.
pub(crate) unsafe fn bytes<'a>(data: *const u8, size: usize) -> Result<&'a [u8], &'static str> {
    match (data.is_null(), size) {
        (_, 0) => Ok(&[]),
        (true, _) => Err("NULL with a size"),
        (false, _) if size > isize::MAX as usize => Err("a size beyond the address space"),
        // SAFETY: not NULL, a size that an object can have, and the caller's promise.
        (false, _) => Ok(unsafe { std::slice::from_raw_parts(data, size) }),
    }
}

/// NULL for nothing, as hosts and VMs of the C world expect.
pub(crate) fn pointer(bytes: &[u8]) -> *const u8 {
    if bytes.is_empty() { std::ptr::null() } else { bytes.as_ptr() }
}

/// A message from the other side. Where the ABI does not tell whose code runs, code address and recipient both are the
/// destination. Unknown flags, the salt of a message that runs, and ABI 12's code are not looked at.
///
/// # Safety
/// The input of `raw` is readable for as long as `'a`, and nobody writes it.
pub(crate) unsafe fn read_message<'a, A: Abi>(raw: &A::Message) -> Result<Message<'a>, Unreadable> {
    let base = raw.base();
    let (_, kind) = KINDS.into_iter().find(|(number, _)| *number == base.kind).ok_or(Unreadable::Kind)?;
    Ok(Message {
        kind,
        is_static: base.flags & FLAG_STATIC != 0,
        depth: u32::try_from(base.depth).map_err(|_| Unreadable::Nonsense("a message of negative depth"))?,
        gas: base.gas,
        recipient: Address::from(base.destination),
        sender: Address::from(base.sender),
        code_address: Address::from(raw.code_address().unwrap_or(base.destination)),
        // SAFETY: the caller's promise.
        input: unsafe { bytes(base.input_data, base.input_size) }.map_err(Unreadable::Nonsense)?,
        value: base.value.number(),
        salt: base.salt.bytes(),
    })
}

/// A message for the other side, with `destination` as the one address that all ABIs have.
pub(crate) fn write_message<A: Abi>(message: &Message<'_>, destination: &Address) -> A::Message {
    let kind = KINDS.into_iter().find(|(_, kind)| *kind == message.kind).map_or(0, |(number, _)| number);
    let base = Message7 {
        kind,
        flags: if message.is_static { FLAG_STATIC } else { 0 },
        // Depth is at most 1,025: frames beyond 1,024 send nothing.
        depth: message.depth as i32,
        gas: message.gas,
        destination: destination.0,
        sender: message.sender.0,
        input_data: pointer(message.input),
        input_size: message.input.len(),
        value: Word::from(&message.value),
        salt: Word::from(&message.salt),
    };
    A::Message::new(base, message.code_address.0)
}

/// Block and transaction from the other side.
pub(crate) fn read_context<A: Abi>(raw: &A::Context) -> TxContext {
    let base = raw.base();
    let (base_fee, blob_base_fee) = raw.fees();
    TxContext {
        gas_price: base.gas_price.number(),
        origin: Address::from(base.origin),
        coinbase: Address::from(base.coinbase),
        number: base.number,
        timestamp: base.timestamp,
        gas_limit: base.gas_limit,
        prev_randao: base.prev_randao.number(),
        chain_id: base.chain_id.number(),
        base_fee: base_fee.number(),
        blob_base_fee: blob_base_fee.number(),
    }
}

/// Block and transaction for the other side.
pub(crate) fn write_context<A: Abi>(context: &TxContext) -> A::Context {
    let base = Context7 {
        gas_price: Word::from(&context.gas_price),
        origin: context.origin.0,
        coinbase: context.coinbase.0,
        number: context.number,
        timestamp: context.timestamp,
        gas_limit: context.gas_limit,
        prev_randao: Word::from(&context.prev_randao),
        chain_id: Word::from(&context.chain_id),
    };
    A::Context::new(base, Word::from(&context.base_fee), Word::from(&context.blob_base_fee))
}

/// Revisions by their numbers up to ABI 9, which skip Paris: that fork came later, and Shanghai was the name of the next.
const OLD_REVISIONS: [Revision; 11] = [
    Revision::Frontier,
    Revision::Homestead,
    Revision::TangerineWhistle,
    Revision::SpuriousDragon,
    Revision::Byzantium,
    Revision::Constantinople,
    Revision::Petersburg,
    Revision::Istanbul,
    Revision::Berlin,
    Revision::London,
    Revision::Shanghai,
];

/// A revision from the other side; numbers of the future mean the newest.
pub(crate) fn read_revision<A: Abi>(number: c_int) -> Revision {
    if A::RENUMBERED {
        return Revision::from_number(number);
    }
    OLD_REVISIONS[number.clamp(0, OLD_REVISIONS.len() as c_int - 1) as usize]
}

/// The number of `revision`, or of the newest one before it that the ABI has.
pub(crate) fn write_revision<A: Abi>(revision: Revision) -> c_int {
    let revision = revision.min(A::NEWEST);
    if A::RENUMBERED {
        return revision as c_int;
    }
    // Paris has no number and the rules of London.
    OLD_REVISIONS.iter().rposition(|old| *old <= revision).unwrap_or(0) as c_int
}

/// Storage statuses by number since ABI 10.
const STATUSES: [StorageStatus; 9] = [
    StorageStatus::Assigned,
    StorageStatus::Added,
    StorageStatus::Deleted,
    StorageStatus::Modified,
    StorageStatus::DeletedAdded,
    StorageStatus::ModifiedDeleted,
    StorageStatus::DeletedRestored,
    StorageStatus::AddedDeleted,
    StorageStatus::ModifiedRestored,
];

/// Storage statuses by number up to ABI 9: unchanged, modified, modified again, added, deleted. The first and the third
/// cost the same, and that is all that they are asked for.
const OLD_STATUSES: [StorageStatus; 5] = [
    StorageStatus::Assigned,
    StorageStatus::Modified,
    StorageStatus::Assigned,
    StorageStatus::Added,
    StorageStatus::Deleted,
];

/// A storage status from the other side.
///
/// # Errors
/// No such status.
pub(crate) fn read_storage_status<A: Abi>(number: c_int) -> Result<StorageStatus, Fault> {
    let statuses: &[StorageStatus] = if A::RENUMBERED { &STATUSES } else { &OLD_STATUSES };
    let status = usize::try_from(number).ok().and_then(|number| statuses.get(number));
    status.copied().ok_or(Fault::Host("an unknown storage status"))
}

/// The number of `status` for a VM that runs at `revision`. Without net metering, old statuses tell only what became of
/// the current value, whatever the original was.
pub(crate) fn write_storage_status<A: Abi>(status: StorageStatus, revision: Revision) -> c_int {
    use StorageStatus::*;
    if A::RENUMBERED {
        return status as c_int;
    }
    let net = Prices::of(Schedule::V1, revision).refunds.is_some();
    match status {
        Assigned => 0,
        Modified => 1,
        Added => 3,
        Deleted => 4,
        _ if net => 2,
        ModifiedRestored => 1,
        DeletedAdded | DeletedRestored => 3,
        ModifiedDeleted | AddedDeleted => 4,
    }
}

const STATUS_CODES: [StatusCode; 21] = [
    StatusCode::Success,
    StatusCode::Failure,
    StatusCode::Revert,
    StatusCode::OutOfGas,
    StatusCode::InvalidInstruction,
    StatusCode::UndefinedInstruction,
    StatusCode::StackOverflow,
    StatusCode::StackUnderflow,
    StatusCode::BadJumpDestination,
    StatusCode::InvalidMemoryAccess,
    StatusCode::CallDepthExceeded,
    StatusCode::StaticModeViolation,
    StatusCode::PrecompileFailure,
    StatusCode::ContractValidationFailure,
    StatusCode::ArgumentOutOfRange,
    StatusCode::WasmUnreachableInstruction,
    StatusCode::WasmTrap,
    StatusCode::InsufficientBalance,
    StatusCode::InternalError,
    StatusCode::Rejected,
    StatusCode::OutOfMemory,
];

/// A status from the other side. One of the future is a failure, a negative one an error of the machine.
pub(crate) fn read_status_code(number: c_int) -> StatusCode {
    let known = STATUS_CODES.into_iter().find(|status| *status as c_int == number);
    known.unwrap_or(if number < 0 { StatusCode::InternalError } else { StatusCode::Failure })
}

/// A new account's address, if a creation succeeded.
pub(crate) fn created(kind: CallKind, status: StatusCode, address: RawAddress) -> Option<Address> {
    (kind.is_create() && status == StatusCode::Success).then(|| Address::from(address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Abi7, Abi8, Abi9, Abi10, Abi11, Abi12};

    #[test]
    fn revisions() {
        // The same number is another revision since ABI 10.
        assert_eq!((read_revision::<Abi9>(10), read_revision::<Abi10>(10)), (Revision::Shanghai, Revision::Paris));
        for number in [15, 99, c_int::MAX] {
            assert_eq!(read_revision::<Abi12>(number), Revision::Osaka);
            assert_eq!(read_revision::<Abi9>(number), Revision::Shanghai);
        }
        assert_eq!(read_revision::<Abi7>(-1), Revision::Frontier);
        assert_eq!(write_revision::<Abi9>(Revision::Paris), 9);
        assert_eq!(write_revision::<Abi9>(Revision::Prague), 10);
        assert_eq!(write_revision::<Abi7>(Revision::Prague), 8);
        assert_eq!(write_revision::<Abi8>(Revision::London), 8);
        assert_eq!(write_revision::<Abi11>(Revision::Osaka), 13);
        assert_eq!(write_revision::<Abi12>(Revision::Osaka), 14);
        for revision in Revision::ALL {
            if revision <= Revision::London {
                assert_eq!(read_revision::<Abi9>(write_revision::<Abi9>(revision)), revision);
            }
            assert_eq!(read_revision::<Abi12>(write_revision::<Abi12>(revision)), revision);
        }
    }

    #[test]
    fn storage_statuses() {
        for (number, status) in STATUSES.into_iter().enumerate() {
            let number = number as c_int;
            assert_eq!(status as c_int, number);
            assert_eq!(read_storage_status::<Abi10>(number), Ok(status));
            assert_eq!(write_storage_status::<Abi10>(status, Revision::Frontier), number);
        }
        for wrong in [-1, 9, 256, c_int::MIN] {
            assert!(read_storage_status::<Abi10>(wrong).is_err());
        }
        assert!(read_storage_status::<Abi9>(5).is_err());
        // What the engine charges is the same through old statuses, at every revision.
        for revision in Revision::ALL {
            let net = Prices::of(Schedule::V1, revision).refunds;
            for status in STATUSES {
                let there = write_storage_status::<Abi9>(status, revision);
                let back = read_storage_status::<Abi9>(there).unwrap();
                let cost = |status| gristmill::contract::eei::prices::store_cost(net, status);
                assert_eq!(cost(back), cost(status), "{status:?} at {revision:?}");
            }
        }
    }

    #[test]
    fn status_codes() {
        for status in STATUS_CODES {
            assert_eq!(read_status_code(status as c_int), status);
        }
        assert_eq!(read_status_code(18), StatusCode::Failure);
        assert_eq!(read_status_code(-4), StatusCode::InternalError);
    }

    #[test]
    fn messages_go_there_and_back() {
        let input = [1, 2, 3];
        let message = Message {
            kind: CallKind::CallCode,
            is_static: true,
            depth: 7,
            gas: 1_000,
            recipient: Address::repeat_byte(1),
            sender: Address::repeat_byte(2),
            code_address: Address::repeat_byte(3),
            input: &input,
            value: U256::MAX,
            salt: Bytes32::repeat_byte(4),
        };
        let raw = write_message::<Abi12>(&message, &message.recipient);
        // SAFETY: `input` lives on.
        let back = unsafe { read_message::<Abi12>(&raw) }.unwrap();
        assert_eq!(format!("{back:?}"), format!("{message:?}"));
        let raw = write_message::<Abi9>(&message, &message.code_address);
        // SAFETY: as above.
        let old = unsafe { read_message::<Abi9>(&raw) }.unwrap();
        assert_eq!((old.recipient, old.code_address), (message.code_address, message.code_address));
    }

    #[test]
    fn nonsense_is_refused() {
        let fine = write_message::<Abi7>(
            &Message {
                kind: CallKind::Call,
                is_static: false,
                depth: 0,
                gas: -1,
                recipient: Address::zero(),
                sender: Address::zero(),
                code_address: Address::zero(),
                input: &[],
                value: U256::zero(),
                salt: Bytes32::zero(),
            },
            &Address::zero(),
        );
        assert!(fine.input_data.is_null());
        // SAFETY: no input in any of them.
        let read = |message| unsafe { read_message::<Abi7>(&message) };
        assert_eq!(read(Message7 { flags: !0, ..fine }).map(|m| m.is_static), Ok(true));
        assert_eq!(read(Message7 { flags: !FLAG_STATIC, ..fine }).map(|m| m.is_static), Ok(false));
        for kind in [5, 6, -1, c_int::MAX] {
            assert_eq!(read(Message7 { kind, ..fine }).map(|m| m.kind), Err(Unreadable::Kind));
        }
        assert!(matches!(read(Message7 { depth: -1, ..fine }), Err(Unreadable::Nonsense(_))));
        assert!(matches!(read(Message7 { input_size: 1, ..fine }), Err(Unreadable::Nonsense(_))));
        let far = Message7 { input_data: [0].as_ptr(), input_size: usize::MAX, ..fine };
        assert!(matches!(read(far), Err(Unreadable::Nonsense(_))));
    }
}

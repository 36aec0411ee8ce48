//! Jobs that contracts request: a precompile, and the filing of those requests that a transaction leaves.
//!
//! A contract speaks to [`JOBS`] in Solidity's words:
//!
//! ```solidity
//! interface Jobs {
//!     /// A request of the transaction that has happened. `value` is in wei.
//!     event Requested(address indexed owner, uint64 indexed id, uint256 indexed value, bytes32 codeHash, bytes32 policy,
//!         uint64 gas, uint32 milliseconds, uint32 pages, uint32 output, bytes input);
//!     /// Asks workers to run code that the chain keeps. What is paid beyond the deposit is their reward.
//!     function request(bytes32 codeHash, bytes32 policy, uint64 gas, uint32 milliseconds, uint32 pages, uint32 output,
//!         bytes input) payable returns (uint64 id);
//!     /// 0 unknown, 1 open, 2 completed, 3 reverted, 4 failed, 5 abandoned; and what it left.
//!     function result(uint64 id) view returns (uint8 status, bytes output);
//!     /// Wei that is kept until a job with so many bytes of input and output is removed.
//!     function deposit(uint32 input, uint32 output) view returns (uint256);
//! }
//! ```
//!
//! A request is a log, and a count in transient storage: both go when the frame that made them, or one around it, fails.
//! What is left when the transaction ends is filed, in order, under the numbers that were promised.

use crate::{AddressMapper, Config, Error, Pallet, PrecompileSet};
use alloc::vec::Vec;
use core::marker::PhantomData;
use frame_support::traits::fungible::Mutate;
use frame_support::traits::tokens::Preservation;
use frame_support::weights::Weight;
use gristmill::contract::{
    Address, Bytes32, CallKind, Host, Log, Message, Outcome, Revision, StatusCode, U256, keccak256,
};
use pallet_gristmill_jobs::{Budget, End, JobQueue, Outcome as JobOutcome, Policy, Request, View};
use sp_runtime::{DispatchError, DispatchResult};

/// Where the precompile is: `jobs` in ASCII.
pub const JOBS: Address = sp_core::H160(*b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0jobs");

const REQUEST: &[u8] = b"request(bytes32,bytes32,uint64,uint32,uint32,uint32,bytes)";
const RESULT: &[u8] = b"result(uint64)";
const DEPOSIT: &[u8] = b"deposit(uint32,uint32)";
const REQUESTED: &[u8] = b"Requested(address,uint64,uint256,bytes32,bytes32,uint64,uint32,uint32,uint32,bytes)";

/// Gas for any question, and for each 32 bytes that come or go.
const BASE: i64 = 5_000;
const WORD: i64 = 6;
/// Gas for a request beyond that: it fills some slots.
const FILE: i64 = 80_000;

/// The precompile, for [`Config::Precompiles`] of runtimes whose [`Config::Jobs`] takes jobs.
pub struct Jobs<T>(PhantomData<T>);

/// Why the precompile does not do what it was asked for.
enum Refused {
    /// With the status of a frame that broke the rules.
    Failed(StatusCode),
    /// With a revert that says why, as Solidity's `Error(string)`.
    Reverted(&'static str),
}

impl From<DispatchError> for Refused {
    fn from(error: DispatchError) -> Self {
        Refused::Reverted(error.into())
    }
}

impl<T: Config> PrecompileSet for Jobs<T> {
    fn contains(address: &Address, _: Revision) -> bool {
        *address == JOBS
    }

    fn weight(_: &Address, input: &[u8]) -> Weight {
        T::Jobs::weight(u32::try_from(input.len()).unwrap_or(u32::MAX))
    }

    fn run(host: &mut dyn Host, message: &Message<'_>, _: Revision) -> Outcome {
        let words = |bytes: usize| (bytes.div_ceil(32) as i64).saturating_mul(WORD);
        let spend = |gas: i64, price: i64| gas.checked_sub(price).filter(|left| *left >= 0);
        let Some(gas) = spend(message.gas, BASE.saturating_add(words(message.input.len()))) else {
            return Outcome::failure(StatusCode::OutOfGas);
        };
        let (status, output, file) = match Self::answer(host, message) {
            Ok((answer, file)) => (StatusCode::Success, answer, file),
            Err(Refused::Reverted(why)) => (StatusCode::Revert, revert(why), 0),
            Err(Refused::Failed(status)) => return Outcome::failure(status),
        };
        match spend(gas, words(output.len()).saturating_add(file)) {
            Some(gas_left) => Outcome { gas_left, output, ..Outcome::failure(status) },
            None => Outcome::failure(StatusCode::OutOfGas),
        }
    }
}

impl<T: Config> Jobs<T> {
    /// The answer, and the gas that it costs beyond its words.
    fn answer(host: &mut dyn Host, message: &Message<'_>) -> Result<(Vec<u8>, i64), Refused> {
        let unknown = Refused::Reverted("no function of Jobs");
        let Some((selector, arguments)) = message.input.split_first_chunk::<4>() else { return Err(unknown) };
        let is = |signature| keccak256(signature).as_bytes().starts_with(selector);
        let misread = Refused::Reverted("the arguments do not decode");
        if is(REQUEST) {
            Ok((Self::request(host, message, arguments)?, FILE))
        } else if is(RESULT) {
            let id = number(arguments, 0, u64::MAX).ok_or(misread)?;
            Ok((result(&T::Jobs::view(id)), 0))
        } else if is(DEPOSIT) {
            let length = |at| number(arguments, at, u32::MAX.into()).map(|length| length as u32);
            let (input, output) = length(0).zip(length(1)).ok_or(misread)?;
            Ok((Pallet::<T>::native_to_wei(T::Jobs::deposit(input, output)).to_big_endian().to_vec(), 0))
        } else {
            Err(unknown)
        }
    }

    fn request(host: &mut dyn Host, message: &Message<'_>, arguments: &[u8]) -> Result<Vec<u8>, Refused> {
        let broken = |_| Refused::Failed(StatusCode::InternalError);
        if message.is_static {
            return Err(Refused::Failed(StatusCode::StaticModeViolation));
        }
        // Of any other kind, the value is somewhere else.
        if message.kind != CallKind::Call || message.recipient != JOBS {
            return Err(Refused::Reverted("requests are calls"));
        }
        let request = decode(arguments).ok_or(Refused::Reverted("the arguments do not decode"))?;
        let (amount, rest) = Pallet::<T>::wei_to_native(message.value)?;
        if !rest.is_zero() {
            return Err(Refused::Reverted("the value is no whole number of the chain's units"));
        }
        let count = Bytes32::zero();
        let ahead = U256::from_big_endian(host.transient_storage(&JOBS, &count).map_err(broken)?.as_bytes());
        T::Jobs::check(&request, amount, ahead.low_u32())?;
        let id = T::Jobs::next().saturating_add(ahead.low_u64());
        let next = (ahead + U256::one()).to_big_endian().into();
        host.set_transient_storage(&JOBS, &count, &next).map_err(broken)?;
        let mut owner = Bytes32::zero();
        owner.0[12..].copy_from_slice(message.sender.as_bytes());
        let id = U256::from(id).to_big_endian();
        let topics = [keccak256(REQUESTED), owner, id.into(), message.value.to_big_endian().into()];
        host.log(&JOBS, arguments, &topics).map_err(broken)?;
        Ok(id.to_vec())
    }
}

/// Files the requests among the logs of a transaction whose changes are written.
///
/// # Errors
/// The queue does not take one: it would have said so before, unless its pallet is broken.
pub(crate) fn file<T: Config>(logs: &[Log]) -> DispatchResult {
    let requested = keccak256(REQUESTED);
    for log in logs.iter().filter(|log| log.address == JOBS && log.topics.first() == Some(&requested)) {
        let &[_, owner, _, value] = &log.topics[..] else { return Err(Error::<T>::Internal.into()) };
        let request = decode(&log.data).ok_or(Error::<T>::Internal)?;
        let value = U256::from_big_endian(value.as_bytes());
        let (amount, _) = Pallet::<T>::wei_to_native(value)?;
        Pallet::<T>::debit(&JOBS, value)?;
        T::Currency::transfer(&Pallet::<T>::account_id(), &T::Jobs::account(), amount, Preservation::Preserve)
            .map_err(|_| Error::<T>::TransferFailed)?;
        let owner = T::AddressMapper::to_account_id(&Address::from_slice(&owner.as_bytes()[12..]));
        T::Jobs::file(owner, request, amount)?;
    }
    Ok(())
}

fn word(data: &[u8], at: usize) -> Option<&[u8; 32]> {
    data.get(at.checked_mul(32)?..)?.first_chunk()
}

/// The number in word `at`, at most `most`.
fn number(data: &[u8], at: usize, most: u64) -> Option<u64> {
    let number = u64::try_from(U256::from_big_endian(word(data, at)?)).ok()?;
    (number <= most).then_some(number)
}

/// The arguments of a request, as they come and as they are logged.
fn decode(data: &[u8]) -> Option<Request> {
    let small = |at| number(data, at, u32::MAX.into()).map(|number| number as u32);
    // Solidity's short strings end in zeros.
    let name = word(data, 1)?;
    let name = &name[..name.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)];
    let start = number(data, 6, u32::MAX.into())? as usize;
    let length = number(data.get(start..)?, 0, u32::MAX.into())? as usize;
    let input = data.get(start.checked_add(32)?..)?.get(..length)?;
    Some(Request {
        code_hash: word(data, 0)?.into(),
        input: input.to_vec(),
        policy: Policy::try_from(name.to_vec()).ok()?,
        budget: Budget {
            gas: number(data, 2, u64::MAX)?,
            milliseconds: small(3)?,
            pages: small(4)?,
            output: small(5)?,
        },
    })
}

/// Bytes behind an offset and their length, padded to words.
fn put_bytes(out: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    out.extend(U256::from(offset).to_big_endian());
    out.extend(U256::from(bytes.len()).to_big_endian());
    out.extend(bytes);
    out.resize(out.len() + bytes.len().next_multiple_of(32) - bytes.len(), 0);
}

fn result(view: &View) -> Vec<u8> {
    let status: u8 = match view {
        View::Unknown => 0,
        View::Open => 1,
        View::Closed(End::Agreed(JobOutcome::Completed(_))) => 2,
        View::Closed(End::Agreed(JobOutcome::Reverted(_))) => 3,
        View::Closed(End::Agreed(JobOutcome::Failed(_))) => 4,
        View::Closed(End::Abandoned) => 5,
    };
    let output = match view {
        View::Closed(End::Agreed(outcome)) => outcome.output(),
        _ => &[],
    };
    let mut out = U256::from(status).to_big_endian().to_vec();
    put_bytes(&mut out, 64, output);
    out
}

/// `Error(string)`.
fn revert(why: &str) -> Vec<u8> {
    let mut out = keccak256(b"Error(string)").as_bytes()[..4].to_vec();
    put_bytes(&mut out, 32, why.as_bytes());
    out
}

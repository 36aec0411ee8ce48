//! Jobs as another pallet sees them: that of contracts, which request jobs for the contracts that ask.

use crate::{JobId, Request, View};
use frame_support::weights::Weight;
use sp_runtime::DispatchError;

/// A queue of jobs, for whoever files them on behalf of others. `()` takes none.
pub trait JobQueue<AccountId, Balance> {
    /// Whose account has what [`JobQueue::file`] is told that it has been paid.
    fn account() -> AccountId;

    /// The number of the next job.
    fn next() -> JobId;

    /// What is kept of a payment until a job with so many bytes of input and output is removed.
    fn deposit(input: u32, output: u32) -> Balance;

    /// Whether a job could be filed for `amount` when `ahead` others are filed before it.
    ///
    /// # Errors
    /// Why not.
    fn check(request: &Request, amount: Balance, ahead: u32) -> Result<(), DispatchError>;

    /// Files a job. `amount` has been paid to [`JobQueue::account`]; what is not deposit is the workers' reward. What is left
    /// of it in the end goes to `owner`.
    ///
    /// # Errors
    /// As [`JobQueue::check`].
    fn file(owner: AccountId, request: Request, amount: Balance) -> Result<JobId, DispatchError>;

    /// What there is to see of a job.
    fn view(job: JobId) -> View;

    /// What checking and filing a job with so many bytes of input weighs, or looking at one.
    fn weight(input: u32) -> Weight;
}

impl<AccountId, Balance> JobQueue<AccountId, Balance> for ()
where
    AccountId: codec::Decode,
    Balance: Default,
{
    fn account() -> AccountId {
        // Nothing is ever paid to it.
        AccountId::decode(&mut sp_runtime::traits::TrailingZeroInput::zeroes()).expect("zeros decode as an account")
    }

    fn next() -> JobId {
        0
    }

    fn deposit(_: u32, _: u32) -> Balance {
        Balance::default()
    }

    fn check(_: &Request, _: Balance, _: u32) -> Result<(), DispatchError> {
        Err(DispatchError::Unavailable)
    }

    fn file(_: AccountId, _: Request, _: Balance) -> Result<JobId, DispatchError> {
        Err(DispatchError::Unavailable)
    }

    fn view(_: JobId) -> View {
        View::Unknown
    }

    fn weight(_: u32) -> Weight {
        Weight::zero()
    }
}

/// Takes what is for an account that does not exist.
pub trait Unpaid<AccountId, Balance> {
    /// `amount`, which `from` has, belongs to `to`. Whether it was taken.
    fn keep(from: &AccountId, to: &AccountId, amount: Balance) -> bool;
}

/// Takes nothing: the account begins to exist, if that is enough for one.
impl<AccountId, Balance> Unpaid<AccountId, Balance> for () {
    fn keep(_: &AccountId, _: &AccountId, _: Balance) -> bool {
        false
    }
}

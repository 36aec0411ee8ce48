//! Deposits for storage: who makes the chain keep something pays for it until it is gone.
//!
//! All of them are held on the pallet's account. A change is collected while a transaction's changes are written, and
//! settled once.

use crate::primitives::StorageDeposit;
use crate::{BalanceOf, Config, Error, HoldReason, Pallet};
use alloc::vec::Vec;
use frame_support::ensure;
use frame_support::traits::fungible::{InspectHold, MutateHold};
use frame_support::traits::tokens::{Fortitude, Precision, Preservation, Restriction};
use sp_runtime::DispatchResult;
use sp_runtime::traits::{Saturating, Zero};

/// What one transaction owes for storage, and is owed.
pub(crate) struct Deposits<T: Config> {
    storage: BalanceOf<T>,
    code: BalanceOf<T>,
    /// Storage that is gone: to who made it go.
    cleared: BalanceOf<T>,
    /// Code that is gone: to who paid for it.
    refunds: Vec<(T::AccountId, BalanceOf<T>)>,
}

impl<T: Config> Deposits<T> {
    pub(crate) fn new() -> Self {
        Self { storage: Zero::zero(), code: Zero::zero(), cleared: Zero::zero(), refunds: Vec::new() }
    }

    pub(crate) fn charge(&mut self, reason: HoldReason, amount: BalanceOf<T>) {
        let total = if reason == HoldReason::CodeUploadDepositReserve { &mut self.code } else { &mut self.storage };
        total.saturating_accrue(amount);
    }

    /// `amount` of storage is gone.
    pub(crate) fn clear(&mut self, amount: BalanceOf<T>) {
        self.cleared.saturating_accrue(amount);
    }

    pub(crate) fn refund(&mut self, reason: HoldReason, to: &T::AccountId, amount: BalanceOf<T>) {
        debug_assert!(reason == HoldReason::CodeUploadDepositReserve);
        self.refunds.push((to.clone(), amount));
    }

    /// What it comes to for `origin`.
    pub(crate) fn net(&self, origin: &T::AccountId) -> StorageDeposit<BalanceOf<T>> {
        let own = self.refunds.iter().filter(|(to, _)| to == origin);
        let refund = own.fold(self.cleared, |sum, (_, amount)| sum.saturating_add(*amount));
        StorageDeposit::net(self.storage.saturating_add(self.code), refund)
    }

    /// Moves the money.
    ///
    /// # Errors
    /// [`Error::StorageDepositLimitExhausted`], [`Error::StorageDepositNotEnoughFunds`].
    pub(crate) fn settle(self, origin: &T::AccountId, limit: BalanceOf<T>) -> DispatchResult {
        ensure!(self.net(origin).charge_or_zero() <= limit, Error::<T>::StorageDepositLimitExhausted);
        let pot = Pallet::<T>::account_id();
        // First what comes back, so that it can be paid out of that.
        let storage = HoldReason::StorageDepositReserve;
        match StorageDeposit::net(self.storage, self.cleared) {
            StorageDeposit::Refund(amount) => give_back::<T>(&storage, &pot, origin, amount)?,
            StorageDeposit::Charge(amount) => take::<T>(&storage, origin, &pot, amount)?,
        }
        let code = HoldReason::CodeUploadDepositReserve;
        for (owner, amount) in &self.refunds {
            give_back::<T>(&code, &pot, owner, *amount)?;
        }
        take::<T>(&code, origin, &pot, self.code)
    }
}

fn take<T: Config>(
    reason: &HoldReason,
    from: &T::AccountId,
    pot: &T::AccountId,
    amount: BalanceOf<T>,
) -> DispatchResult {
    if amount.is_zero() {
        return Ok(());
    }
    let (exact, preserve, polite) = (Precision::Exact, Preservation::Preserve, Fortitude::Polite);
    T::Currency::transfer_and_hold(&(*reason).into(), from, pot, amount, exact, preserve, polite)
        .map_err(|_| Error::<T>::StorageDepositNotEnoughFunds)?;
    Ok(())
}

fn give_back<T: Config>(
    reason: &HoldReason,
    pot: &T::AccountId,
    to: &T::AccountId,
    amount: BalanceOf<T>,
) -> DispatchResult {
    if amount.is_zero() {
        return Ok(());
    }
    let hold = (*reason).into();
    debug_assert!(T::Currency::balance_on_hold(&hold, pot) >= amount);
    let (exact, free, polite) = (Precision::Exact, Restriction::Free, Fortitude::Polite);
    if T::Currency::transfer_on_hold(&hold, pot, to, amount, exact, free, polite).is_ok() {
        return Ok(());
    }
    // Too little for an account that is no more: the pallet keeps it for its address.
    T::Currency::release(&hold, pot, amount, exact)?;
    Pallet::<T>::keep(to, amount);
    Ok(())
}

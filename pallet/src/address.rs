//! Accounts of the chain and addresses of contracts: one word for the other.

use crate::{Config, Error, HoldReason, OriginalAccount};
use core::marker::PhantomData;
use frame_support::ensure;
use frame_support::traits::{Get, fungible::MutateHold, tokens::Precision};
use gristmill::contract::{Address, keccak256};
use sp_runtime::traits::Saturating;
use sp_runtime::{AccountId32, DispatchResult};

/// How the chain's accounts and 20-byte addresses belong together. [`AccountId32Mapper`] or [`H160Mapper`], by the type of
/// account that the chain has.
pub trait AddressMapper<T: Config> {
    /// The address of an account.
    fn to_address(account: &T::AccountId) -> Address;

    /// The account behind an address: the one that was mapped, or the address's own.
    fn to_account_id(address: &Address) -> T::AccountId;

    /// The address's own account, whether another is mapped or not. A contract's, and of who has an Ethereum key.
    fn to_fallback_account_id(address: &Address) -> T::AccountId;

    /// Makes [`AddressMapper::to_account_id`] lead back to `account`, for a deposit.
    ///
    /// # Errors
    /// [`Error::AccountAlreadyMapped`], or the account cannot pay the deposit.
    fn map(account: &T::AccountId) -> DispatchResult;

    /// Forgets that, and gives the deposit back. Nothing when there is none.
    ///
    /// # Errors
    /// The deposit could not be released.
    fn unmap(account: &T::AccountId) -> DispatchResult;

    /// Whether the account's address leads back to it.
    fn is_mapped(account: &T::AccountId) -> bool;
}

/// For accounts of 32 bytes. The address is the end of the account's keccak256; an account whose last twelve bytes are `0xEE`
/// is an address's own and begins with it. That is what pallet-revive does, and for hashed accounts pallet-ssvm too.
pub struct AccountId32Mapper<T>(PhantomData<T>);

/// What an address's own account ends with.
const OWN: [u8; 12] = [0xee; 12];
/// Bytes that a mapping takes: an address and an account.
const MAPPING_BYTES: u32 = 20 + 32;

impl<T: Config<AccountId = AccountId32>> AddressMapper<T> for AccountId32Mapper<T> {
    fn to_address(account: &AccountId32) -> Address {
        let bytes: &[u8; 32] = account.as_ref();
        match bytes.split_first_chunk::<20>() {
            Some((address, end)) if *end == OWN => Address::from(address),
            _ => Address::from(keccak256(bytes)),
        }
    }

    fn to_account_id(address: &Address) -> AccountId32 {
        OriginalAccount::<T>::get(address).unwrap_or_else(|| Self::to_fallback_account_id(address))
    }

    fn to_fallback_account_id(address: &Address) -> AccountId32 {
        let mut bytes = [0; 32];
        bytes[..20].copy_from_slice(address.as_bytes());
        bytes[20..].copy_from_slice(&OWN);
        bytes.into()
    }

    fn map(account: &AccountId32) -> DispatchResult {
        ensure!(!Self::is_mapped(account), Error::<T>::AccountAlreadyMapped);
        let deposit =
            T::DepositPerItem::get().saturating_add(T::DepositPerByte::get().saturating_mul(MAPPING_BYTES.into()));
        T::Currency::hold(&HoldReason::AddressMapping.into(), account, deposit)?;
        OriginalAccount::<T>::insert(Self::to_address(account), account);
        Ok(())
    }

    fn unmap(account: &AccountId32) -> DispatchResult {
        OriginalAccount::<T>::remove(Self::to_address(account));
        T::Currency::release_all(&HoldReason::AddressMapping.into(), account, Precision::BestEffort)?;
        Ok(())
    }

    fn is_mapped(account: &AccountId32) -> bool {
        let bytes: &[u8; 32] = account.as_ref();
        bytes.ends_with(&OWN) || OriginalAccount::<T>::contains_key(Self::to_address(account))
    }
}

/// For accounts of 20 bytes, which are addresses.
pub struct H160Mapper<T>(PhantomData<T>);

impl<T: Config> AddressMapper<T> for H160Mapper<T>
where
    T::AccountId: AsRef<[u8; 20]> + From<Address>,
{
    fn to_address(account: &T::AccountId) -> Address {
        Address::from(account.as_ref())
    }

    fn to_account_id(address: &Address) -> T::AccountId {
        (*address).into()
    }

    fn to_fallback_account_id(address: &Address) -> T::AccountId {
        (*address).into()
    }

    fn map(_: &T::AccountId) -> DispatchResult {
        Err(Error::<T>::AccountAlreadyMapped.into())
    }

    fn unmap(_: &T::AccountId) -> DispatchResult {
        Ok(())
    }

    fn is_mapped(_: &T::AccountId) -> bool {
        true
    }
}

//! Accounts, balances and storage of contracts: the engine's [`Backing`] over FRAME storage, and writing what changed.
//!
//! A balance in wei is what its account may spend of the chain's own currency, by the ratio, and what the pallet keeps for
//! the address: dust, and everything of addresses whose account does not exist. What is kept is backed, unit by unit, by the
//! pallet's own account.

use crate::code::{self, Loader};
use crate::deposit::Deposits;
use crate::meter::Toll;
use crate::weights::WeightInfo;
use crate::{
    Accounts, AddressMapper, BalanceOf, Burnt, CodeInfo, CodeInfoOf, Codes, Config, DeletionQueue, Error, Event,
    FirstDeletion, GenesisAccount, HoldReason, NextDeletion, NextTrie, Pallet,
};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::cell::RefCell;
use frame_support::storage::child::{self, ChildInfo};
use frame_support::traits::Get;
use frame_support::traits::fungible::{Inspect, Mutate};
use frame_support::traits::tokens::{Fortitude, Preservation};
use frame_support::weights::{Weight, WeightMeter};
use frame_support::{CloneNoBound, DebugNoBound, EqNoBound, PartialEqNoBound};
use gristmill::Fault;
use gristmill::contract::{AccountInfo, Address, Backing, Bytes32, Change, Changes, EMPTY_CODE_HASH, U256, keccak256};
use scale_info::TypeInfo;
use sp_runtime::traits::{Saturating, Zero};
use sp_runtime::{DispatchError, DispatchResult};

/// What the pallet has of an address.
#[derive(
    CloneNoBound,
    DebugNoBound,
    PartialEqNoBound,
    EqNoBound,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[scale_info(skip_type_params(T))]
pub struct Account<T: Config> {
    /// Transactions sent to contracts, or accounts created.
    pub nonce: u64,
    /// Wei that the pallet keeps for the address.
    pub kept: U256,
    /// What a contract has beyond that.
    pub contract: Option<Contract<T>>,
}

impl<T: Config> Default for Account<T> {
    fn default() -> Self {
        Self { nonce: 0, kept: U256::zero(), contract: None }
    }
}

/// Code and storage of an account.
#[derive(
    CloneNoBound,
    DebugNoBound,
    PartialEqNoBound,
    EqNoBound,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[scale_info(skip_type_params(T))]
pub struct Contract<T: Config> {
    /// keccak256 of the code.
    pub code_hash: Bytes32,
    /// Which child trie has the storage.
    pub trie: u64,
    /// Slots in it.
    pub items: u32,
    /// What is held for all of this on the pallet's account.
    pub deposit: BalanceOf<T>,
}

/// The child trie of that number.
pub(crate) fn trie(number: u64) -> ChildInfo {
    ChildInfo::new_default(&number.encode())
}

/// A slot's key in its trie: nobody can choose where in the trie it comes to lie.
fn slot_key(key: &Bytes32) -> Vec<u8> {
    let mut out = sp_io::hashing::blake2_128(key.as_bytes()).to_vec();
    out.extend_from_slice(key.as_bytes());
    out
}

/// What is stored under `key` in that trie.
pub(crate) fn slot(number: u64, key: &Bytes32) -> Option<Bytes32> {
    let bytes = child::get_raw(&trie(number), &slot_key(key))?;
    <[u8; 32]>::try_from(bytes).ok().map(Bytes32::from)
}

/// State before a transaction.
pub(crate) struct State<'a, T: Config> {
    toll: &'a Toll,
    loader: &'a Loader<T>,
    /// Tries of contracts that were looked at.
    tries: RefCell<BTreeMap<Address, Option<u64>>>,
}

impl<'a, T: Config> State<'a, T> {
    pub(crate) fn new(toll: &'a Toll, loader: &'a Loader<T>) -> Self {
        Self { toll, loader, tries: RefCell::default() }
    }

    /// The most that one host call looks at for the first time: three accounts, two slots and a code.
    pub(crate) fn reserve() -> Weight {
        let accounts = Self::account_weight().saturating_mul(3);
        let slots = Self::slot_weight().saturating_mul(2);
        accounts.saturating_add(slots).saturating_add(T::WeightInfo::read_code(T::MaxCodeLen::get()))
    }

    /// An account that is looked at may be written at the end.
    fn account_weight() -> Weight {
        T::WeightInfo::read_account().saturating_add(T::WeightInfo::write_account())
    }

    /// So may a slot.
    fn slot_weight() -> Weight {
        T::WeightInfo::read_slot().saturating_add(T::WeightInfo::write_slot())
    }

    fn trie(&self, address: &Address) -> Option<u64> {
        *self.tries.borrow_mut().entry(*address).or_insert_with(|| {
            self.toll.spend(T::WeightInfo::read_account());
            Accounts::<T>::get(address).and_then(|account| account.contract).map(|contract| contract.trie)
        })
    }
}

impl<T: Config> Backing for State<'_, T> {
    fn account(&self, address: &Address) -> Result<Option<AccountInfo>, Fault> {
        self.toll.spend(Self::account_weight());
        let account = Accounts::<T>::get(address);
        let balance = Pallet::<T>::wei(address, account.as_ref());
        if account.is_none() && balance.is_zero() {
            return Ok(None);
        }
        let account = account.unwrap_or_default();
        self.tries.borrow_mut().insert(*address, account.contract.as_ref().map(|contract| contract.trie));
        let code_hash = account.contract.map_or(EMPTY_CODE_HASH, |contract| contract.code_hash);
        Ok(Some(AccountInfo { nonce: account.nonce, balance, code_hash }))
    }

    fn storage(&self, address: &Address, key: &Bytes32) -> Result<Bytes32, Fault> {
        let Some(number) = self.trie(address) else { return Ok(Bytes32::zero()) };
        self.toll.spend(Self::slot_weight());
        Ok(slot(number, key).unwrap_or_default())
    }

    fn has_storage(&self, address: &Address) -> Result<bool, Fault> {
        let contract = Accounts::<T>::get(address).and_then(|account| account.contract);
        Ok(contract.is_some_and(|contract| contract.items > 0))
    }

    fn code(&self, _: &Address, hash: &Bytes32) -> Result<Arc<[u8]>, Fault> {
        let (code, read) = self.loader.code(hash).ok_or(Fault::Host("an account's code is not there"))?;
        if read > 0 {
            self.toll.spend(T::WeightInfo::read_code(u32::try_from(read).unwrap_or(u32::MAX)));
        }
        Ok(code)
    }

    fn block_hash(&self, number: i64) -> Result<Bytes32, Fault> {
        self.toll.spend(T::WeightInfo::read_account().set_ref_time(0));
        Ok(Pallet::<T>::block_hash(number))
    }
}

/// Items and bytes of an account that is a contract.
fn contract_deposit<T: Config>() -> BalanceOf<T> {
    let bytes = u32::try_from(Account::<T>::max_encoded_len()).unwrap_or(u32::MAX);
    T::DepositPerItem::get().saturating_add(T::DepositPerByte::get().saturating_mul(bytes.into()))
}

/// A slot's key and value.
fn slot_deposit<T: Config>() -> BalanceOf<T> {
    T::DepositPerChildTrieItem::get().saturating_add(T::DepositPerByte::get().saturating_mul(64u32.into()))
}

/// Writes what a transaction of `origin` has changed; what it owes for storage.
///
/// # Errors
/// Balances that cannot be moved: the chain's currency holds them for something else.
pub(crate) fn write<T: Config>(changes: &Changes, origin: &T::AccountId, deposits: &mut Deposits<T>) -> DispatchResult {
    settle::<T>(changes)?;
    // Codes that come before codes that go: what is in use does not go in between.
    let (gone, there): (Vec<_>, Vec<_>) = changes.accounts.iter().partition(|(_, change)| change.info.is_none());
    for (address, change) in there.into_iter().chain(gone) {
        let mut account = Accounts::<T>::get(address).unwrap_or_default();
        let goes = change.info.is_none() || change.wiped;
        if let Some(contract) = account.contract.take_if(|_| goes) {
            dismantle::<T>(contract, deposits);
            Pallet::<T>::deposit_event(Event::Terminated { contract: *address });
        }
        account.nonce = change.info.map_or(0, |info| info.nonce);
        if let Some(info) = change.info {
            build::<T>(&mut account, *address, &info, change, origin, deposits);
        }
        put::<T>(address, account);
    }
    Ok(())
}

/// Keeps an account, unless it is as if there was none.
fn put<T: Config>(address: &Address, account: Account<T>) {
    if account == Account::default() {
        Accounts::<T>::remove(address);
    } else {
        Accounts::<T>::insert(address, account);
    }
}

fn build<T: Config>(
    account: &mut Account<T>,
    address: Address,
    info: &AccountInfo,
    change: &Change,
    origin: &T::AccountId,
    deposits: &mut Deposits<T>,
) {
    if account.contract.is_none() && change.code.is_none() && change.storage.values().all(Bytes32::is_zero) {
        return;
    }
    let contract = account.contract.get_or_insert_with(|| {
        let deployer = T::AddressMapper::to_address(origin);
        Pallet::<T>::deposit_event(Event::Instantiated { deployer, contract: address });
        let deposit = contract_deposit::<T>();
        deposits.charge(HoldReason::StorageDepositReserve, deposit);
        let trie = NextTrie::<T>::mutate(|next| core::mem::replace(next, next.saturating_add(1)));
        Contract { code_hash: EMPTY_CODE_HASH, trie, items: 0, deposit }
    });
    if let Some(code) = change.code.as_ref().filter(|_| contract.code_hash != info.code_hash) {
        code::acquire::<T>(info.code_hash, code, origin, deposits);
        contract.code_hash = info.code_hash;
    }
    let info = trie(contract.trie);
    for (key, value) in &change.storage {
        let key = slot_key(key);
        let was = child::exists(&info, &key);
        if value.is_zero() {
            child::kill(&info, &key);
        } else {
            child::put_raw(&info, &key, value.as_bytes());
        }
        match (was, !value.is_zero()) {
            (false, true) => {
                contract.items = contract.items.saturating_add(1);
                contract.deposit.saturating_accrue(slot_deposit::<T>());
                deposits.charge(HoldReason::StorageDepositReserve, slot_deposit::<T>());
            }
            (true, false) => {
                // Its share of what was paid, whatever a slot costs now.
                let slots = contract.deposit.saturating_sub(contract_deposit::<T>());
                let share = slots / contract.items.max(1).into();
                contract.items = contract.items.saturating_sub(1);
                contract.deposit.saturating_reduce(share);
                deposits.clear(share);
            }
            _ => {}
        }
    }
}

/// Takes a contract apart; its storage goes later, when blocks have time for it.
fn dismantle<T: Config>(contract: Contract<T>, deposits: &mut Deposits<T>) {
    deposits.clear(contract.deposit);
    if contract.items > 0 {
        let at = NextDeletion::<T>::mutate(|next| core::mem::replace(next, next.saturating_add(1)));
        DeletionQueue::<T>::insert(at, contract.trie);
    }
    if contract.code_hash != EMPTY_CODE_HASH {
        code::release::<T>(contract.code_hash, deposits);
    }
}

/// Moves balances: who has less pays first.
fn settle<T: Config>(changes: &Changes) -> DispatchResult {
    let (mut taken, mut given) = (U256::zero(), U256::zero());
    let mut more = Vec::new();
    for (address, change) in &changes.accounts {
        let before = Pallet::<T>::wei(address, Accounts::<T>::get(address).as_ref());
        let after = change.info.map_or(U256::zero(), |info| info.balance);
        if after < before {
            Pallet::<T>::debit(address, before - after)?;
            taken = taken.saturating_add(before - after);
        } else if after > before {
            more.push((address, after - before));
        }
    }
    for (address, amount) in more {
        Pallet::<T>::credit(address, amount)?;
        given = given.saturating_add(amount);
    }
    // What destroyed itself into itself. Its backing stays with the pallet, and belongs to nobody.
    let burnt = taken.saturating_sub(given);
    if !burnt.is_zero() {
        Burnt::<T>::mutate(|sum| *sum = sum.saturating_add(burnt));
    }
    debug_assert!(given <= taken, "a transaction makes no money");
    Ok(())
}

impl<T: Config> Pallet<T> {
    fn ratio() -> U256 {
        T::NativeToEthRatio::get().max(1).into()
    }

    /// Wei of an amount of the chain's currency.
    pub fn native_to_wei(native: BalanceOf<T>) -> U256 {
        let native: U256 = native.into();
        native.saturating_mul(Self::ratio())
    }

    /// Whole units of the chain's currency in `wei`, and the rest.
    pub(crate) fn wei_to_native(wei: U256) -> Result<(BalanceOf<T>, U256), DispatchError> {
        let (whole, rest) = wei.div_mod(Self::ratio());
        Ok((whole.try_into().map_err(|_| Error::<T>::BalanceConversionFailed)?, rest))
    }

    /// The balance of `address`, of which the pallet has `account`.
    pub(crate) fn wei(address: &Address, account: Option<&Account<T>>) -> U256 {
        let owner = T::AddressMapper::to_account_id(address);
        let native = T::Currency::reducible_balance(&owner, Preservation::Preserve, Fortitude::Polite);
        let kept = account.map_or(U256::zero(), |account| account.kept);
        Self::native_to_wei(native).saturating_add(kept)
    }

    /// Takes `amount`, which the address has: first of what is kept, then of its account.
    pub(crate) fn debit(address: &Address, amount: U256) -> DispatchResult {
        let mut account = Accounts::<T>::get(address).unwrap_or_default();
        if account.kept < amount {
            let (mut native, rest) = Self::wei_to_native(amount - account.kept)?;
            if !rest.is_zero() {
                native = native.saturating_add(1u32.into());
            }
            let owner = T::AddressMapper::to_account_id(address);
            T::Currency::transfer(&owner, &Self::account_id(), native, Preservation::Preserve)
                .map_err(|_| Error::<T>::TransferFailed)?;
            account.kept = account.kept.saturating_add(Self::native_to_wei(native));
        }
        account.kept = account.kept.checked_sub(amount).ok_or(Error::<T>::TransferFailed)?;
        put::<T>(address, account);
        Ok(())
    }

    /// Gives `amount`: to its account, if there is one, else the pallet keeps it.
    fn credit(address: &Address, amount: U256) -> DispatchResult {
        let mut account = Accounts::<T>::get(address).unwrap_or_default();
        account.kept = account.kept.checked_add(amount).ok_or(Error::<T>::BalanceConversionFailed)?;
        let owner = T::AddressMapper::to_account_id(address);
        let (native, rest) = Self::wei_to_native(account.kept)?;
        if !native.is_zero() && !T::Currency::total_balance(&owner).is_zero() {
            T::Currency::transfer(&Self::account_id(), &owner, native, Preservation::Preserve)
                .map_err(|_| Error::<T>::TransferFailed)?;
            account.kept = rest;
        }
        put::<T>(address, account);
        Ok(())
    }

    /// Keeps what an account could not take. The pallet's own account has it already.
    pub(crate) fn keep(owner: &T::AccountId, amount: BalanceOf<T>) {
        let address = T::AddressMapper::to_address(owner);
        let mut account = Accounts::<T>::get(address).unwrap_or_default();
        account.kept = account.kept.saturating_add(Self::native_to_wei(amount));
        put::<T>(&address, account);
    }

    /// Keeps what `from` has for an account that could not take it. For [`pallet_gristmill_jobs::Unpaid`].
    fn keep_from(from: &T::AccountId, owner: &T::AccountId, amount: BalanceOf<T>) -> DispatchResult {
        T::Currency::transfer(from, &Self::account_id(), amount, Preservation::Preserve)?;
        Self::keep(owner, amount);
        Ok(())
    }

    /// Moves the chain's currency to the pallet, which keeps it for the address of `who`.
    pub(crate) fn keep_of(who: &T::AccountId, amount: BalanceOf<T>) -> DispatchResult {
        T::Currency::transfer(who, &Self::account_id(), amount, Preservation::Preserve)
            .map_err(|_| Error::<T>::BalanceLow)?;
        Self::keep(who, amount);
        Ok(())
    }

    /// And back.
    pub(crate) fn return_kept(who: &T::AccountId, amount: BalanceOf<T>) -> DispatchResult {
        let address = T::AddressMapper::to_address(who);
        let mut account = Accounts::<T>::get(address).unwrap_or_default();
        let wei = Self::native_to_wei(amount);
        account.kept = account.kept.checked_sub(wei).ok_or(Error::<T>::BalanceLow)?;
        T::Currency::transfer(&Self::account_id(), who, amount, Preservation::Preserve)
            .map_err(|_| Error::<T>::TransferFailed)?;
        put::<T>(&address, account);
        Ok(())
    }

    /// Gives a contract another code.
    pub(crate) fn replace_code(address: &Address, code_hash: Bytes32, deposits: &mut Deposits<T>) -> DispatchResult {
        Accounts::<T>::try_mutate(address, |account| {
            let contract = account.as_mut().and_then(|account| account.contract.as_mut());
            let contract = contract.ok_or(Error::<T>::ContractNotFound)?;
            let code = Codes::<T>::get(code_hash).ok_or(Error::<T>::CodeNotFound)?;
            let old = core::mem::replace(&mut contract.code_hash, code_hash);
            // There already: nobody pays.
            code::acquire::<T>(code_hash, &code, &Self::account_id(), deposits);
            if old != EMPTY_CODE_HASH {
                code::release::<T>(old, deposits);
            }
            Self::deposit_event(Event::ContractCodeUpdated {
                contract: *address,
                new_code_hash: code_hash,
                old_code_hash: old,
            });
            Ok(())
        })
    }
}

/// Deletes slots of contracts that are gone, as far as the weight goes.
pub(crate) fn delete_some<T: Config>(meter: &mut WeightMeter) {
    if meter.try_consume(T::WeightInfo::on_idle_base()).is_err() {
        return;
    }
    let first = FirstDeletion::<T>::get();
    let mut at = first;
    let end = NextDeletion::<T>::get();
    let slot = T::WeightInfo::on_idle_slots(1).saturating_sub(T::WeightInfo::on_idle_slots(0));
    while at < end {
        let per_entry = T::WeightInfo::on_idle_slots(0);
        let left = meter.remaining().saturating_sub(per_entry);
        let slots = left.checked_div_per_component(&slot).unwrap_or(0).min(u32::MAX.into()) as u32;
        if slots == 0 {
            break;
        }
        let Some(number) = DeletionQueue::<T>::get(at) else {
            at = at.saturating_add(1);
            continue;
        };
        let (done, deleted) = match child::clear_storage(&trie(number), Some(slots), None) {
            result if result.maybe_cursor.is_none() => (true, result.loops),
            result => (false, result.loops),
        };
        meter.consume(per_entry.saturating_add(slot.saturating_mul(deleted.into())));
        if !done {
            break;
        }
        DeletionQueue::<T>::remove(at);
        at = at.saturating_add(1);
    }
    if at != first {
        FirstDeletion::<T>::put(at);
    }
}

/// What jobs owe to addresses without an account, contracts mostly, is kept as their balances are.
impl<T: Config> pallet_gristmill_jobs::Unpaid<T::AccountId, BalanceOf<T>> for Pallet<T> {
    fn keep(from: &T::AccountId, to: &T::AccountId, amount: BalanceOf<T>) -> bool {
        Self::keep_from(from, to, amount).is_ok()
    }
}

impl<T: Config> Pallet<T> {
    /// Writes an account that the chain begins with.
    pub(crate) fn begin(address: &Address, genesis: &GenesisAccount) {
        let mut account = Account { nonce: genesis.nonce, kept: genesis.balance, contract: None };
        let (native, rest) = Self::wei_to_native(genesis.balance).expect("a genesis balance fits the chain's currency");
        let native = if rest.is_zero() { native } else { native.saturating_add(1u32.into()) };
        T::Currency::mint_into(&Self::account_id(), native).expect("the chain's currency has room for genesis");
        if !genesis.code.is_empty() || !genesis.storage.is_empty() {
            let code_hash = keccak256(&genesis.code);
            if !genesis.code.is_empty() {
                Codes::<T>::insert(code_hash, &genesis.code);
                CodeInfoOf::<T>::mutate(code_hash, |info| match info {
                    Some(info) => info.users = info.users.saturating_add(1),
                    None => {
                        *info = Some(CodeInfo {
                            owner: Self::account_id(),
                            deposit: Zero::zero(),
                            users: 1,
                            uploaded: true,
                            length: genesis.code.len() as u32,
                            validated_by: None,
                        })
                    }
                });
            }
            let number = NextTrie::<T>::mutate(|next| core::mem::replace(next, next.saturating_add(1)));
            let slots = genesis.storage.iter().filter(|(_, value)| !value.is_zero());
            let mut items = 0;
            for (key, value) in slots {
                child::put_raw(&trie(number), &slot_key(key), value.as_bytes());
                items += 1;
            }
            account.contract = Some(Contract { code_hash, trie: number, items, deposit: Zero::zero() });
        }
        put::<T>(address, account);
    }
}

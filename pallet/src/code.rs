//! Code: kept once by its hash, paid for by who brought it, loaded without validation where this runtime has validated it.

use crate::deposit::Deposits;
use crate::{BalanceOf, CodeInfoOf, Codes, Config, Error, Event, HoldReason, Pallet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::marker::PhantomData;
use frame_support::ensure;
use frame_support::traits::Get;
use frame_support::{CloneNoBound, DebugNoBound, EqNoBound, PartialEqNoBound};
use gristmill::contract::rules::is_wasm;
use gristmill::contract::{Bytes32, Ewasm, ModuleCache, keccak256};
use gristmill::{Error as EngineError, Module};
use scale_info::TypeInfo;
use sp_runtime::traits::Saturating;
use sp_runtime::{DispatchError, DispatchResult};
use spin::Mutex;

/// What there is to know of a code.
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
pub struct CodeInfo<T: Config> {
    /// Who paid the deposit and gets it back.
    pub owner: T::AccountId,
    /// What is held for it on the pallet's account.
    pub deposit: BalanceOf<T>,
    /// Accounts that have it.
    pub users: u64,
    /// Whether it was uploaded: then it stays when nobody has it any more.
    pub uploaded: bool,
    /// Bytes.
    pub length: u32,
    /// Which version of the runtime has validated it, if any.
    pub validated_by: Option<u32>,
}

/// The version of the runtime, which is that of the engine in it.
pub(crate) fn version<T: Config>() -> u32 {
    <T as frame_system::Config>::Version::get().spec_version
}

/// Items that a code takes: itself and what there is to know of it.
const ITEMS: u32 = 2;

fn deposit_for<T: Config>(length: usize) -> BalanceOf<T> {
    let bytes = u32::try_from(length.saturating_add(CodeInfo::<T>::max_encoded_len())).unwrap_or(u32::MAX);
    let items = T::DepositPerItem::get().saturating_mul(ITEMS.into());
    items.saturating_add(T::DepositPerByte::get().saturating_mul(bytes.into()))
}

/// Another account has `code` now. New code is noted as not validated: who knows better says so ([`Loader`]).
pub(crate) fn acquire<T: Config>(hash: Bytes32, code: &[u8], payer: &T::AccountId, deposits: &mut Deposits<T>) {
    CodeInfoOf::<T>::mutate(hash, |info| match info {
        Some(info) => info.users = info.users.saturating_add(1),
        None => *info = Some(store::<T>(hash, code, payer, deposits, 1)),
    });
}

fn store<T: Config>(
    hash: Bytes32,
    code: &[u8],
    payer: &T::AccountId,
    deposits: &mut Deposits<T>,
    users: u64,
) -> CodeInfo<T> {
    Codes::<T>::insert(hash, code);
    let deposit = deposit_for::<T>(code.len());
    deposits.charge(HoldReason::CodeUploadDepositReserve, deposit);
    Pallet::<T>::deposit_event(Event::CodeStored { code_hash: hash, deposit_held: deposit, uploader: payer.clone() });
    CodeInfo {
        owner: payer.clone(),
        deposit,
        users,
        uploaded: false,
        // A transaction is shorter.
        length: u32::try_from(code.len()).unwrap_or(u32::MAX),
        validated_by: None,
    }
}

/// An account has the code no longer.
pub(crate) fn release<T: Config>(hash: Bytes32, deposits: &mut Deposits<T>) {
    CodeInfoOf::<T>::mutate_exists(hash, |entry| {
        let Some(info) = entry else { return };
        info.users = info.users.saturating_sub(1);
        if info.users == 0 && !info.uploaded {
            remove::<T>(hash, info, deposits);
            *entry = None;
        }
    });
}

fn remove<T: Config>(hash: Bytes32, info: &CodeInfo<T>, deposits: &mut Deposits<T>) {
    Codes::<T>::remove(hash);
    deposits.refund(HoldReason::CodeUploadDepositReserve, &info.owner, info.deposit);
    Pallet::<T>::deposit_event(Event::CodeRemoved {
        code_hash: hash,
        deposit_released: info.deposit,
        remover: info.owner.clone(),
    });
}

/// Keeps code that `owner` has uploaded, after it was validated.
///
/// # Errors
/// [`Error::BlobTooLarge`], [`Error::CodeRejected`].
pub(crate) fn upload<T: Config>(
    code: &[u8],
    owner: &T::AccountId,
    deposits: &mut Deposits<T>,
) -> Result<(Bytes32, BalanceOf<T>), DispatchError> {
    ensure!(code.len() <= T::MaxCodeLen::get() as usize, Error::<T>::BlobTooLarge);
    let hash = keccak256(code);
    let known = CodeInfoOf::<T>::get(hash);
    if known.as_ref().is_none_or(|info| info.validated_by != Some(version::<T>())) {
        ensure!(is_wasm(code), Error::<T>::CodeRejected);
        Pallet::<T>::ewasm()?.load(code).map_err(|_| Error::<T>::CodeRejected)?;
    }
    let info = match known {
        Some(info) if info.uploaded => return Ok((hash, info.deposit)),
        // Who wants it to stay pays for it from now on.
        Some(info) => {
            deposits.refund(HoldReason::CodeUploadDepositReserve, &info.owner, info.deposit);
            let deposit = deposit_for::<T>(code.len());
            deposits.charge(HoldReason::CodeUploadDepositReserve, deposit);
            CodeInfo { owner: owner.clone(), deposit, ..info }
        }
        None => store::<T>(hash, code, owner, deposits, 0),
    };
    let deposit = info.deposit;
    CodeInfoOf::<T>::insert(hash, CodeInfo { uploaded: true, validated_by: Some(version::<T>()), ..info });
    Ok((hash, deposit))
}

/// Forgets uploaded code that no account has.
///
/// # Errors
/// [`Error::CodeNotFound`], [`Error::CodeInUse`], and not the owner.
pub(crate) fn remove_uploaded<T: Config>(
    owner: &T::AccountId,
    hash: Bytes32,
    deposits: &mut Deposits<T>,
) -> DispatchResult {
    let info = CodeInfoOf::<T>::get(hash).ok_or(Error::<T>::CodeNotFound)?;
    ensure!(info.owner == *owner, DispatchError::BadOrigin);
    ensure!(info.users == 0, Error::<T>::CodeInUse);
    remove::<T>(hash, &info, deposits);
    CodeInfoOf::<T>::remove(hash);
    Ok(())
}

/// Code of one transaction, with the modules that were made of it.
struct Kept {
    code: Arc<[u8]>,
    hash: Option<Bytes32>,
    /// Whether this version of the runtime has validated it.
    valid: bool,
    module: Option<Module>,
}

/// The codes that one transaction has come by, and their modules. Nothing of it outlives the transaction.
pub(crate) struct Loader<T> {
    /// Without a cache: it makes the modules that are kept here.
    ewasm: Ewasm,
    kept: Mutex<Vec<Kept>>,
    /// keccak256 of what was loaded from anywhere else: init code, and what creations left.
    loaded: Mutex<Vec<Bytes32>>,
    of: PhantomData<fn() -> T>,
}

impl<T: Config> Loader<T> {
    pub(crate) fn new(ewasm: Ewasm) -> Self {
        Self { ewasm, kept: Mutex::default(), loaded: Mutex::default(), of: PhantomData }
    }

    /// The code of that hash, out of storage the first time; how many bytes that took.
    pub(crate) fn code(&self, hash: &Bytes32) -> Option<(Arc<[u8]>, usize)> {
        let mut kept = self.kept.lock();
        if let Some(known) = kept.iter().find(|kept| kept.hash == Some(*hash)) {
            return Some((known.code.clone(), 0));
        }
        let code: Arc<[u8]> = Codes::<T>::get(hash)?.into();
        let valid = CodeInfoOf::<T>::get(hash).is_some_and(|info| info.validated_by == Some(version::<T>()));
        kept.push(Kept { code: code.clone(), hash: Some(*hash), valid, module: None });
        Some((code.clone(), code.len()))
    }

    /// Whether a module was made of these very bytes.
    pub(crate) fn has_module(&self, code: &Arc<[u8]>) -> bool {
        self.kept.lock().iter().any(|kept| Arc::ptr_eq(&kept.code, code) && kept.module.is_some())
    }

    /// Whether this version of the runtime has validated these very bytes.
    pub(crate) fn is_valid(&self, code: &Arc<[u8]>) -> bool {
        self.kept.lock().iter().any(|kept| Arc::ptr_eq(&kept.code, code) && kept.valid)
    }

    /// Notes which stored codes this version of the runtime has validated meanwhile.
    pub(crate) fn note_validated(&self) {
        let kept = self.kept.lock();
        let kept = kept.iter().filter(|kept| !kept.valid && kept.module.is_some()).filter_map(|kept| kept.hash);
        for hash in kept.chain(self.loaded.lock().iter().copied()) {
            CodeInfoOf::<T>::mutate_extant(hash, |info| info.validated_by = Some(version::<T>()));
        }
    }
}

impl<T: Config> ModuleCache for Loader<T> {
    fn get_or_load(
        &self,
        code: &[u8],
        load: &mut dyn FnMut() -> Result<Module, EngineError>,
    ) -> Result<Module, EngineError> {
        let module = load()?;
        self.loaded.lock().push(keccak256(code));
        Ok(module)
    }

    #[allow(unsafe_code)]
    fn get_or_load_shared(
        &self,
        code: &Arc<[u8]>,
        load: &mut dyn FnMut() -> Result<Module, EngineError>,
    ) -> Result<Module, EngineError> {
        let mut kept = self.kept.lock();
        let at = kept.iter().position(|kept| Arc::ptr_eq(&kept.code, code));
        if let Some(module) = at.and_then(|at| kept[at].module.clone()) {
            return Ok(module);
        }
        let valid = at.is_some_and(|at| kept[at].valid);
        let module = if valid {
            // SAFETY: these bytes came out of storage together with the note that this version of the runtime has loaded
            // them, which nothing but `upload` and `note_validated` writes, each of what `Ewasm::load` has just accepted
            // (benchmarks write it for their own contracts, and are on no chain). A version has one engine, one profile and
            // one set of options. Who can write the chain's state past the pallet can replace the runtime, too.
            unsafe { self.ewasm.load_valid(code) }?
        } else {
            load()?
        };
        match at {
            Some(at) => kept[at].module = Some(module.clone()),
            None => kept.push(Kept { code: code.clone(), hash: None, valid, module: Some(module.clone()) }),
        }
        Ok(module)
    }
}

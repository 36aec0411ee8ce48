//! What each function of [`WeightInfo`] stands for, as a benchmark: `gristmill-pallet-measure` runs them in a runtime's Wasm.
//!
//! Functions of the interface are measured by contracts that repeat them: the dearest of each group, for which the runtime's own
//! part and the observer's are in the time. The contracts' text is beside, in `benchmarks/`; a test compares it.

use crate::code::{Loader, version};
use crate::deposit::Deposits;
use crate::execute::Limits;
use crate::*;
use alloc::sync::Arc;
use alloc::vec;
use frame_benchmarking::benchmarking::add_to_whitelist;
use frame_benchmarking::v2::*;
use frame_support::storage::child;
use frame_system::RawOrigin;
use gristmill::contract::{
    AccountInfo, CallKind, Change, Changes, EMPTY_CODE_HASH, Ewasm, Journal, Ledger, Message, NoPrecompiles, Outcome,
    Rules, StatusCode, TxContext, Vm, keccak256,
};
use sp_runtime::traits::Saturating;

pub(crate) const FUNCTIONS: &[u8] = include_bytes!("benchmarks/functions.wasm");
pub(crate) const BEYOND: &[u8] = include_bytes!("benchmarks/beyond.wasm");
pub(crate) const CREATION: &[u8] = include_bytes!("benchmarks/creation.wasm");

/// Numbers of what [`FUNCTIONS`] repeats.
mod function {
    pub const OPERATORS: u32 = 0;
    pub const PLAIN: u32 = 1;
    pub const BYTES: u32 = 2;
    pub const ACCOUNT: u32 = 3;
    pub const CODE: u32 = 4;
    pub const HASH: u32 = 5;
    pub const LOAD: u32 = 6;
    pub const STORE: u32 = 7;
    pub const LOGS: u32 = 8;
    pub const CALLS: u32 = 9;
    pub const CREATIONS: u32 = 10;
    pub const DESTRUCTION: u32 = 11;
    /// And [`super::BEYOND`].
    pub const TRANSIENT: u32 = 0;
    pub const KECCAK: u32 = 1;
}

/// The most bytes that a function is measured with: contracts of the benchmarks have four pages of memory.
const MANY_BYTES: u32 = 65_536;

/// Time and proof that are never the limit.
const UNLIMITED: Weight = Weight::from_parts(u64::MAX / 2, u64::MAX);

/// The most calls of a function of the interface.
const MANY_CALLS: u32 = 1_000;

fn most<T: Config>() -> BalanceOf<T> {
    sp_runtime::traits::Bounded::max_value()
}

/// Wasm's way to write a number.
fn leb(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    [leb(bytes.len()), bytes.to_vec()].concat()
}

fn section(id: u8, bytes: &[u8]) -> Vec<u8> {
    [vec![id], sized(bytes)].concat()
}

/// A contract of functions with these bodies, without their sizes; the last is `main`.
fn module(bodies: &[Vec<u8>]) -> Vec<u8> {
    let count = leb(bodies.len());
    let code: Vec<u8> = bodies.iter().flat_map(|body| sized(body)).collect();
    [
        b"\0asm\x01\0\0\0".to_vec(),
        // The type () -> ().
        section(1, &[1, 0x60, 0, 0]),
        section(3, &[&count[..], &vec![0; bodies.len()]].concat()),
        section(5, &[1, 0, 1]),
        section(7, &[&[2][..], b"\x06memory\x02\0\x04main\0", &leb(bodies.len() - 1)].concat()),
        section(10, &[count, code].concat()),
    ]
    .concat()
}

/// The shortest contract, about.
fn nothing() -> Vec<u8> {
    module(&[vec![0, 0x0b]])
}

/// The code with so many bytes in all, the rest in a section that nobody reads.
fn padded(code: &[u8], bytes: u32) -> Vec<u8> {
    // The section has a head of at most six bytes, and a name of no bytes.
    let padding = (bytes as usize).saturating_sub(code.len() + 7);
    [code, &section(0, &vec![0; padding + 1])].concat()
}

/// Functions that a contract may have, about: `ModuleLimits::CHAIN1`.
const MANY_ITEMS: usize = 9_990;

/// The most bytes with which [`heavy`] and [`exporting`] get dearer by the byte: then they have all items that there may be.
const HEAVY_BYTES: u32 = 65_536;

/// As many codes are loaded at once at most: what they become takes tens of megabytes.
const LOADS: u32 = 12;

/// A contract of at most so many bytes that takes longest for its length to run once: it has as many functions
/// as can be, and calls each, for then each is translated.
fn heavy(bytes: u32) -> Vec<u8> {
    // A function's type, its length, its locals, its end; and a call of it.
    let functions = ((bytes as usize).saturating_sub(128) / (1 + 1 + 1 + 1 + 3)).min(MANY_ITEMS);
    let calls = (0..functions).flat_map(|function| [vec![0x10], leb(function)].concat());
    let main = [0].into_iter().chain(calls).chain([0x0b]).collect();
    let mut bodies = vec![vec![0, 0x0b]; functions];
    bodies.push(main);
    module(&bodies)
}

/// The same for validation alone: many exports, where the chain allows them, or types of many parameters.
fn exporting(bytes: u32, allowed: Exports) -> Vec<u8> {
    let room = (bytes as usize).saturating_sub(128);
    let name = |export: usize| [export, export / 26, export / 676].map(|letter| b'a' + (letter % 26) as u8);
    let exports = if allowed == Exports::Lenient { (room / 6).min(MANY_ITEMS) } else { 0 };
    let entries = (0..exports).flat_map(|export| [&[3][..], &name(export), &[0, 0]].concat());
    let parameters = 990;
    let types = if exports > 0 { 0 } else { room / (parameters + 4) };
    let ty = [&[0x60][..], &leb(parameters), &vec![0x7f; parameters], &[0]].concat();
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[&leb(types + 1)[..], &[0x60, 0, 0], &ty.repeat(types)].concat()),
        section(3, &[1, 0]),
        section(5, &[1, 0, 1]),
        section(7, &[&leb(exports + 2)[..], b"\x06memory\x02\0\x04main\0\0", &entries.collect::<Vec<_>>()].concat()),
        section(10, &[1, 2, 0, 0x0b]),
    ]
    .concat()
}

/// Gives the account plenty, but no more than contracts can see.
fn enrich<T: Config>(who: &T::AccountId) -> Result<(), BenchmarkError> {
    let bytes = T::DepositPerByte::get().saturating_mul(T::MaxCodeLen::get().saturating_mul(8).into());
    let items =
        T::DepositPerItem::get().saturating_add(T::DepositPerChildTrieItem::get()).saturating_mul(4_096u32.into());
    let least = T::Currency::minimum_balance().saturating_mul(4_096u32.into());
    T::Currency::mint_into(who, bytes.saturating_add(items).saturating_add(least).saturating_add(1_000_000u32.into()))?;
    Ok(())
}

/// An account that is rich and mapped.
fn mapped<T: Config>(who: T::AccountId) -> Result<T::AccountId, BenchmarkError> {
    Pallet::<T>::endow();
    enrich::<T>(&who)?;
    if !T::AddressMapper::is_mapped(&who) {
        T::AddressMapper::map(&who)?;
    }
    Ok(who)
}

fn address_of<T: Config>(who: &T::AccountId) -> Address {
    T::AddressMapper::to_address(who)
}

/// Puts a contract at an address: valid, with some wei and something in its first slot.
fn plant<T: Config>(seed: u8, code: &[u8]) -> Address {
    Pallet::<T>::endow();
    let address = Address::repeat_byte(seed);
    let account = GenesisAccount {
        balance: 1_000_000_000_000u64.into(),
        code: code.to_vec(),
        storage: [(Bytes32::zero(), Bytes32::repeat_byte(1))].into(),
        ..Default::default()
    };
    Pallet::<T>::begin(&address, &account);
    CodeInfoOf::<T>::mutate_extant(keccak256(code), |info| info.validated_by = Some(version::<T>()));
    address
}

/// Call data for [`FUNCTIONS`].
fn repeated(which: u32, times: u32, number: u32, address: Address, value: u8) -> Vec<u8> {
    let mut data = vec![0; 80];
    data[..4].copy_from_slice(&which.to_le_bytes());
    data[4..8].copy_from_slice(&times.to_le_bytes());
    data[8..12].copy_from_slice(&number.to_le_bytes());
    data[12..32].copy_from_slice(address.as_bytes());
    data[32] = value;
    data
}

/// The same with what its calls send.
fn sending(data: Vec<u8>, input: Vec<u8>) -> Vec<u8> {
    [data, input].concat()
}

/// A transaction; the gas of its contract.
fn run<T: Config>(origin: &T::AccountId, dest: Address, data: Vec<u8>) -> Result<u64, BenchmarkError> {
    let transaction =
        Transaction { to: Some(dest), ..Pallet::<T>::transaction(address_of::<T>(origin), U256::zero(), data) };
    let limits = Limits::of_weight(UNLIMITED, most::<T>());
    let done = Pallet::<T>::transact(origin, &transaction, &limits, false, false)
        .map_err(|_| BenchmarkError::Stop("the transaction was refused"))?;
    match done.receipt.outcome.status {
        StatusCode::Success => Ok(u64::try_from(done.receipt.gas_used).unwrap_or(0)),
        _ => Err(BenchmarkError::Stop("the contract failed")),
    }
}

/// One frame of a code that is stored, on a state in memory.
struct Frame {
    vm: Ewasm,
    code: Arc<[u8]>,
}

impl Frame {
    fn of<T: Config>(code: &[u8], valid: bool) -> Result<Self, BenchmarkError> {
        plant::<T>(1, code);
        let hash = keccak256(code);
        if !valid {
            CodeInfoOf::<T>::mutate_extant(hash, |info| info.validated_by = None);
        }
        let vm = Pallet::<T>::ewasm()?;
        let loader = Arc::new(Loader::<T>::new(vm.clone()));
        let (code, _) = loader.code(&hash).ok_or("the code was stored")?;
        Ok(Self { vm: vm.with_cache(loader), code })
    }

    /// Of [`heavy`] codes with so many bytes in all. One of them would stay in a processor's caches from run to run.
    fn several<T: Config>(bytes: u32, valid: bool) -> Result<Vec<Self>, BenchmarkError> {
        let most = T::MaxCodeLen::get().min(HEAVY_BYTES);
        let lengths = (0..bytes.div_ceil(most)).map(|code| (bytes - code * most).min(most));
        lengths.map(|length| Self::of::<T>(&heavy(length), valid)).collect()
    }

    fn run(&self) -> Outcome {
        let (rules, context, ledger) = (Rules::default(), TxContext::default(), Ledger::new());
        let mut journal = Journal::new(&ledger, &self.vm, &NoPrecompiles, &rules, &context);
        let message = Message {
            kind: CallKind::Call,
            is_static: false,
            depth: 0,
            gas: i64::MAX / 1_000_000,
            recipient: Address::repeat_byte(1),
            sender: Address::repeat_byte(2),
            code_address: Address::repeat_byte(1),
            input: &[],
            value: U256::zero(),
            salt: Bytes32::zero(),
        };
        self.vm.execute_shared(&mut journal, rules.revision, &message, &self.code)
    }
}

/// Somebody whom the origin lets pass, rich and mapped.
fn let_in<T: Config, O: EnsureOrigin<OriginFor<T>, Success = T::AccountId>>()
-> Result<(OriginFor<T>, T::AccountId), BenchmarkError> {
    let origin = O::try_successful_origin().map_err(|()| BenchmarkError::Weightless)?;
    let who = O::ensure_origin(origin.clone()).map_err(|_| "an origin lets its own example pass")?;
    Ok((origin, mapped::<T>(who)?))
}

/// What the chain's estimates say of functions that the chain leaves out.
fn left_out(estimate: Weight) -> BenchmarkError {
    BenchmarkError::Override(BenchmarkResult::from_weight(estimate))
}

#[benchmarks]
mod measured {
    use super::*;

    #[benchmark]
    fn call() -> Result<(), BenchmarkError> {
        let caller = mapped::<T>(whitelisted_caller())?;
        let dest = plant::<T>(1, &nothing());
        let before = Pallet::<T>::balance(&dest);
        #[extrinsic_call]
        call(RawOrigin::Signed(caller), dest, 1u32.into(), UNLIMITED, most::<T>(), vec![0; 128]);
        assert_eq!(Pallet::<T>::balance(&dest), before + Pallet::<T>::native_to_wei(1u32.into()));
        Ok(())
    }

    #[benchmark]
    fn instantiate(d: Linear<0, MANY_BYTES>) -> Result<(), BenchmarkError> {
        let (origin, caller) = let_in::<T, T::InstantiateOrigin>()?;
        Pallet::<T>::bare_upload_code(&caller, CREATION, most::<T>())?;
        let (hash, data) = (keccak256(CREATION), vec![1; d as usize]);
        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, 1u32.into(), UNLIMITED, most::<T>(), hash, data, Some([1; 32]));
        assert_eq!(NextTrie::<T>::get(), 1);
        Ok(())
    }

    #[benchmark]
    fn instantiate_with_code(
        c: Linear<1_024, { T::MaxCodeLen::get() }>,
        d: Linear<0, MANY_BYTES>,
    ) -> Result<(), BenchmarkError> {
        let (origin, _) = let_in::<T, T::InstantiateOrigin>()?;
        let (code, data) = (padded(CREATION, c), vec![1; d as usize]);
        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, 1u32.into(), UNLIMITED, most::<T>(), code, data, Some([1; 32]));
        assert_eq!(NextTrie::<T>::get(), 1);
        Ok(())
    }

    #[benchmark]
    fn upload_code(c: Linear<1_024, { T::MaxCodeLen::get().min(HEAVY_BYTES) }>) -> Result<(), BenchmarkError> {
        let (origin, _) = let_in::<T, T::UploadOrigin>()?;
        let code = exporting(c, T::Exports::get());
        let hash = keccak256(&code);
        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, code, most::<T>());
        assert!(Codes::<T>::contains_key(hash));
        Ok(())
    }

    #[benchmark]
    fn remove_code() -> Result<(), BenchmarkError> {
        let caller = mapped::<T>(whitelisted_caller())?;
        let code = padded(&nothing(), T::MaxCodeLen::get());
        Pallet::<T>::bare_upload_code(&caller, &code, most::<T>())?;
        let hash = keccak256(&code);
        #[extrinsic_call]
        _(RawOrigin::Signed(caller), hash);
        assert!(!Codes::<T>::contains_key(hash));
        Ok(())
    }

    #[benchmark]
    fn set_code() -> Result<(), BenchmarkError> {
        let caller = mapped::<T>(whitelisted_caller())?;
        let dest = plant::<T>(1, &nothing());
        let (old, new) = (padded(&nothing(), T::MaxCodeLen::get() - 1), padded(&nothing(), T::MaxCodeLen::get()));
        for code in [&old, &new] {
            Pallet::<T>::bare_upload_code(&caller, code, most::<T>())?;
        }
        // Nobody else has it: it goes, and its deposit.
        CodeInfoOf::<T>::mutate_extant(keccak256(&old), |info| (info.users, info.uploaded) = (1, false));
        Accounts::<T>::mutate_extant(dest, |account| {
            if let Some(contract) = &mut account.contract {
                contract.code_hash = keccak256(&old);
            }
        });
        let hash = keccak256(&new);
        #[extrinsic_call]
        _(RawOrigin::Root, dest, hash);
        assert_eq!(Pallet::<T>::code(&dest), new);
        Ok(())
    }

    #[benchmark]
    fn map_account() -> Result<(), BenchmarkError> {
        let caller: T::AccountId = whitelisted_caller();
        enrich::<T>(&caller)?;
        if T::AddressMapper::is_mapped(&caller) {
            return Err(BenchmarkError::Weightless);
        }
        #[extrinsic_call]
        _(RawOrigin::Signed(caller.clone()));
        assert!(T::AddressMapper::is_mapped(&caller));
        Ok(())
    }

    #[benchmark]
    fn unmap_account() -> Result<(), BenchmarkError> {
        let caller = mapped::<T>(whitelisted_caller())?;
        #[extrinsic_call]
        _(RawOrigin::Signed(caller));
        Ok(())
    }

    #[benchmark]
    fn deposit_balance() -> Result<(), BenchmarkError> {
        let caller = mapped::<T>(whitelisted_caller())?;
        let address = address_of::<T>(&caller);
        #[extrinsic_call]
        _(RawOrigin::Signed(caller), 100u32.into());
        assert!(Accounts::<T>::get(address).is_some());
        Ok(())
    }

    #[benchmark]
    fn withdraw_balance() -> Result<(), BenchmarkError> {
        let caller = mapped::<T>(whitelisted_caller())?;
        let address = address_of::<T>(&caller);
        Pallet::<T>::keep_of(&caller, 100u32.into())?;
        #[extrinsic_call]
        _(RawOrigin::Signed(caller), 50u32.into());
        assert!(Accounts::<T>::get(address).is_some());
        Ok(())
    }

    #[benchmark]
    fn on_idle_base() -> Result<(), BenchmarkError> {
        let mut meter = WeightMeter::with_limit(UNLIMITED);
        #[block]
        {
            state::delete_some::<T>(&mut meter);
        }
        Ok(())
    }

    #[benchmark]
    fn on_idle_slots(s: Linear<0, 1_000>) -> Result<(), BenchmarkError> {
        let trie = state::trie(7);
        for slot in 0..s {
            let key = [&sp_io::hashing::blake2_128(&slot.to_le_bytes())[..], &[7; 32]].concat();
            child::put_raw(&trie, &key, &[1; 32]);
        }
        DeletionQueue::<T>::insert(0, 7);
        NextDeletion::<T>::put(1);
        let mut meter = WeightMeter::with_limit(UNLIMITED);
        #[block]
        {
            state::delete_some::<T>(&mut meter);
        }
        assert!(!DeletionQueue::<T>::contains_key(0));
        Ok(())
    }

    #[benchmark]
    fn gas(g: Linear<0, 200_000>) -> Result<(), BenchmarkError> {
        let caller = mapped::<T>(whitelisted_caller())?;
        let dest = plant::<T>(1, FUNCTIONS);
        let data = |times| repeated(function::OPERATORS, times, 0, Address::zero(), 0);
        const MANY: u64 = 1_000;
        let least = run::<T>(&caller, dest, data(0))?;
        let many = run::<T>(&caller, dest, data(MANY as u32))?.saturating_sub(least).max(1);
        let data = data((u64::from(g) * MANY / many) as u32);
        #[block]
        {
            run::<T>(&caller, dest, data)?;
        }
        Ok(())
    }

    #[benchmark]
    fn frame() -> Result<(), BenchmarkError> {
        let ready = Frame::of::<T>(&nothing(), true)?;
        // The module is there now.
        ready.run();
        let outcome;
        #[block]
        {
            outcome = ready.run();
        }
        assert_eq!(outcome.status, StatusCode::Success);
        Ok(())
    }

    #[benchmark]
    fn load(b: Linear<1_024, { LOADS * T::MaxCodeLen::get().min(HEAVY_BYTES) }>) -> Result<(), BenchmarkError> {
        let ready = Frame::several::<T>(b, true)?;
        let succeeded;
        #[block]
        {
            succeeded = ready.iter().all(|code| code.run().status == StatusCode::Success);
            // What was made is given back before a call ends.
            drop(ready);
        }
        assert!(succeeded);
        Ok(())
    }

    #[benchmark]
    fn validate(b: Linear<1_024, { LOADS * T::MaxCodeLen::get().min(HEAVY_BYTES) }>) -> Result<(), BenchmarkError> {
        let ready = Frame::several::<T>(b, false)?;
        let succeeded;
        #[block]
        {
            succeeded = ready.iter().all(|code| code.run().status == StatusCode::Success);
            // What was made is given back before a call ends.
            drop(ready);
        }
        assert!(succeeded);
        Ok(())
    }

    #[benchmark]
    fn read_account() -> Result<(), BenchmarkError> {
        let who = mapped::<T>(account("somebody", 0, 0))?;
        Pallet::<T>::keep_of(&who, 1u32.into())?;
        let address = address_of::<T>(&who);
        let balance;
        #[block]
        {
            balance = Pallet::<T>::balance(&address);
        }
        assert!(!balance.is_zero());
        Ok(())
    }

    #[benchmark]
    fn read_slot() -> Result<(), BenchmarkError> {
        plant::<T>(1, &nothing());
        let value;
        #[block]
        {
            value = state::slot(0, &Bytes32::zero());
        }
        assert_eq!(value, Some(Bytes32::repeat_byte(1)));
        Ok(())
    }

    #[benchmark]
    fn read_code(b: Linear<1_024, { T::MaxCodeLen::get() }>) -> Result<(), BenchmarkError> {
        let code = padded(&nothing(), b);
        plant::<T>(1, &code);
        let hash = keccak256(&code);
        let loader = Loader::<T>::new(Pallet::<T>::ewasm()?);
        let read;
        #[block]
        {
            read = loader.code(&hash);
        }
        assert!(read.is_some());
        Ok(())
    }

    #[benchmark]
    fn write_account() -> Result<(), BenchmarkError> {
        let who = mapped::<T>(account("somebody", 0, 0))?;
        let address = address_of::<T>(&who);
        let balance = Pallet::<T>::balance(&address) - 1;
        let info = AccountInfo { nonce: 1, balance, code_hash: EMPTY_CODE_HASH };
        let change = Change { info: Some(info), ..Default::default() };
        let changes = Changes { accounts: [(address, change)].into() };
        let mut deposits = Deposits::new();
        // What a transaction writes once, whatever the number of accounts, is in the weight of calls.
        add_to_whitelist(frame_system::Account::<T>::hashed_key_for(Pallet::<T>::account_id()).into());
        add_to_whitelist(Burnt::<T>::hashed_key().to_vec().into());
        #[block]
        {
            state::write::<T>(&changes, &who, &mut deposits)?;
        }
        assert_eq!(Pallet::<T>::balance(&address), balance);
        Ok(())
    }

    #[benchmark]
    fn write_slot() -> Result<(), BenchmarkError> {
        let who = mapped::<T>(whitelisted_caller())?;
        let address = plant::<T>(1, &nothing());
        let account = Accounts::<T>::get(address).unwrap_or_default();
        let code_hash = keccak256(&nothing());
        let info = AccountInfo { nonce: account.nonce, balance: Pallet::<T>::balance(&address), code_hash };
        let key = Bytes32::repeat_byte(2);
        let change =
            Change { info: Some(info), storage: [(key, Bytes32::repeat_byte(3))].into(), ..Default::default() };
        let changes = Changes { accounts: [(address, change)].into() };
        let mut deposits = Deposits::new();
        // Its account has a weight of its own.
        let owner = T::AddressMapper::to_account_id(&address);
        add_to_whitelist(Accounts::<T>::hashed_key_for(address).into());
        add_to_whitelist(OriginalAccount::<T>::hashed_key_for(address).into());
        add_to_whitelist(frame_system::Account::<T>::hashed_key_for(owner).into());
        #[block]
        {
            state::write::<T>(&changes, &who, &mut deposits)?;
        }
        assert_eq!(state::slot(0, &key), Some(Bytes32::repeat_byte(3)));
        Ok(())
    }

    #[benchmark]
    fn host_plain(r: Linear<0, MANY_CALLS>) -> Result<(), BenchmarkError> {
        let caller = mapped::<T>(whitelisted_caller())?;
        let dest = plant::<T>(1, FUNCTIONS);
        let data = repeated(function::PLAIN, r, 0, Address::zero(), 0);
        #[block]
        {
            run::<T>(&caller, dest, data)?;
        }
        Ok(())
    }

    #[benchmark]
    fn host_bytes(r: Linear<0, MANY_CALLS>, b: Linear<0, MANY_BYTES>) -> Result<(), BenchmarkError> {
        let caller = mapped::<T>(whitelisted_caller())?;
        let dest = plant::<T>(1, FUNCTIONS);
        let mut data = repeated(function::BYTES, r, b, Address::zero(), 0);
        data.resize(data.len() + b as usize, 1);
        #[block]
        {
            run::<T>(&caller, dest, data)?;
        }
        Ok(())
    }

    #[benchmark]
    fn host_account(r: Linear<0, MANY_CALLS>) -> Result<(), BenchmarkError> {
        let caller = mapped::<T>(whitelisted_caller())?;
        let dest = plant::<T>(1, FUNCTIONS);
        let data = repeated(function::ACCOUNT, r, 0, plant::<T>(2, &nothing()), 0);
        #[block]
        {
            run::<T>(&caller, dest, data)?;
        }
        Ok(())
    }

    #[benchmark]
    fn host_code(r: Linear<0, MANY_CALLS>, b: Linear<0, MANY_BYTES>) -> Result<(), BenchmarkError> {
        let caller = mapped::<T>(whitelisted_caller())?;
        let dest = plant::<T>(1, FUNCTIONS);
        let other = plant::<T>(2, &vec![0; MANY_BYTES as usize]);
        let data = repeated(function::CODE, r, b, other, 0);
        #[block]
        {
            run::<T>(&caller, dest, data)?;
        }
        Ok(())
    }

    #[benchmark]
    fn host_block_hash(r: Linear<0, 255>) -> Result<(), BenchmarkError> {
        let caller = mapped::<T>(whitelisted_caller())?;
        let dest = plant::<T>(1, FUNCTIONS);
        const NOW: u32 = 300;
        frame_system::Pallet::<T>::set_block_number(NOW.into());
        for number in 0..NOW {
            let number: BlockNumberFor<T> = number.into();
            frame_system::BlockHash::<T>::insert(number, T::Hash::default());
        }
        let data = repeated(function::HASH, r, NOW, Address::zero(), 0);
        #[block]
        {
            run::<T>(&caller, dest, data)?;
        }
        Ok(())
    }

    #[benchmark]
    fn host_storage_load(r: Linear<0, MANY_CALLS>) -> Result<(), BenchmarkError> {
        let caller = mapped::<T>(whitelisted_caller())?;
        let dest = plant::<T>(1, FUNCTIONS);
        let data = repeated(function::LOAD, r, 0, Address::zero(), 0);
        #[block]
        {
            run::<T>(&caller, dest, data)?;
        }
        Ok(())
    }

    #[benchmark]
    fn host_storage_store(r: Linear<0, MANY_CALLS>) -> Result<(), BenchmarkError> {
        let caller = mapped::<T>(whitelisted_caller())?;
        let dest = plant::<T>(1, FUNCTIONS);
        let data = repeated(function::STORE, r, 0, Address::zero(), 0);
        #[block]
        {
            run::<T>(&caller, dest, data)?;
        }
        Ok(())
    }

    #[benchmark]
    fn host_transient(r: Linear<0, MANY_CALLS>) -> Result<(), BenchmarkError> {
        if !T::Beyond::get() {
            return Err(left_out(<() as WeightInfo>::host_transient(r)));
        }
        let caller = mapped::<T>(whitelisted_caller())?;
        let dest = plant::<T>(1, BEYOND);
        let data = repeated(function::TRANSIENT, r, 0, Address::zero(), 0);
        #[block]
        {
            run::<T>(&caller, dest, data)?;
        }
        Ok(())
    }

    #[benchmark]
    fn host_log(r: Linear<0, MANY_CALLS>, b: Linear<0, MANY_BYTES>) -> Result<(), BenchmarkError> {
        let caller = mapped::<T>(whitelisted_caller())?;
        let dest = plant::<T>(1, FUNCTIONS);
        let data = repeated(function::LOGS, r, b, Address::zero(), 0);
        #[block]
        {
            run::<T>(&caller, dest, data)?;
        }
        Ok(())
    }

    #[benchmark]
    fn host_keccak(r: Linear<0, MANY_CALLS>, b: Linear<0, MANY_BYTES>) -> Result<(), BenchmarkError> {
        if !T::Beyond::get() {
            return Err(left_out(<() as WeightInfo>::host_keccak(r, b)));
        }
        let caller = mapped::<T>(whitelisted_caller())?;
        let dest = plant::<T>(1, BEYOND);
        let data = repeated(function::KECCAK, r, b, Address::zero(), 0);
        #[block]
        {
            run::<T>(&caller, dest, data)?;
        }
        Ok(())
    }

    #[benchmark]
    fn host_call(r: Linear<0, MANY_CALLS>) -> Result<(), BenchmarkError> {
        let caller = mapped::<T>(whitelisted_caller())?;
        let dest = plant::<T>(1, FUNCTIONS);
        // Somebody without code, who gets a wei each time.
        let data = sending(repeated(function::CALLS, r, 0, plant::<T>(2, &[]), 1), vec![0; 80]);
        #[block]
        {
            run::<T>(&caller, dest, data)?;
        }
        Ok(())
    }

    #[benchmark]
    fn host_create(r: Linear<0, 100>, b: Linear<0, MANY_BYTES>) -> Result<(), BenchmarkError> {
        let caller = mapped::<T>(whitelisted_caller())?;
        let dest = plant::<T>(1, FUNCTIONS);
        let data = repeated(function::CREATIONS, r, b, Address::zero(), 0);
        #[block]
        {
            run::<T>(&caller, dest, data)?;
        }
        Ok(())
    }

    #[benchmark]
    fn host_self_destruct(r: Linear<0, 100>) -> Result<(), BenchmarkError> {
        let caller = mapped::<T>(whitelisted_caller())?;
        let dest = plant::<T>(1, FUNCTIONS);
        // A destruction is the end of a frame: there is a call with each.
        let ends = repeated(function::DESTRUCTION, 0, 0, dest, 0);
        let data = sending(repeated(function::CALLS, r, 0, plant::<T>(2, FUNCTIONS), 1), ends);
        #[block]
        {
            run::<T>(&caller, dest, data)?;
        }
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::tests::mock::genesis(), crate::tests::mock::Test);
}

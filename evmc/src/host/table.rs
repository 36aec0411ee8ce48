//! A [`Host`] as the table of functions that an EVMC plugin calls.

use crate::abi::Abi;
use crate::abi::layout::*;
use crate::convert;
use crate::results::write_result;
use gristmill::Fault;
use gristmill::contract::execute::fault_status;
use gristmill::contract::{Access, Address, CallKind, Host, Outcome, Revision, StatusCode, TxContext};
use std::any::Any;
use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// What the context pointer of one execution points to.
pub(super) struct Context<'h> {
    host: &'h mut dyn Host,
    revision: Revision,
    /// Whose state the frame works on: old messages to the host do not say.
    recipient: Address,
    trouble: Option<Trouble>,
}

/// Why the frame has no result, though the VM may not know. The first counts, and nothing reaches the host after it.
enum Trouble {
    Fault(Fault),
    Panic(Box<dyn Any + Send>),
}

impl<'h> Context<'h> {
    pub(super) fn new(host: &'h mut dyn Host, revision: Revision, recipient: Address) -> Self {
        Self { host, revision, recipient, trouble: None }
    }

    /// The fault that a function of the host ended with; its panic goes on.
    pub(super) fn finish(self) -> Option<Fault> {
        match self.trouble? {
            Trouble::Fault(fault) => Some(fault),
            Trouble::Panic(panic) => resume_unwind(panic),
        }
    }
}

/// Calls the host, once nothing was wrong so far. `absent` is what the VM gets if something is.
///
/// # Safety
/// `context` is the one of an execution that waits for this call.
unsafe fn serve<T>(context: *mut c_void, absent: T, call: impl FnOnce(&mut Context<'_>) -> Result<T, Fault>) -> T {
    // SAFETY: the caller's promise. The execution itself does not touch the context before it returns, and one that the
    // host starts meanwhile has its own.
    let context = unsafe { &mut *context.cast::<Context<'_>>() };
    if context.trouble.is_some() {
        return absent;
    }
    let trouble = match catch_unwind(AssertUnwindSafe(|| call(context))) {
        Ok(Ok(value)) => return value,
        Ok(Err(fault)) => Trouble::Fault(fault),
        Err(panic) => Trouble::Panic(panic),
    };
    context.trouble = Some(trouble);
    absent
}

/// What a pointer of the VM points to.
///
/// # Safety
/// `pointer` is NULL or points to a `T`.
unsafe fn read<T: Copy>(pointer: *const T) -> Result<T, Fault> {
    // SAFETY: not NULL, and the caller's promise. Aligned: a `T` here is made of bytes.
    unsafe { pointer.as_ref() }.copied().ok_or(Fault::Host("the VM passed NULL"))
}

/// # Safety
/// As [`read`].
unsafe fn address(pointer: *const RawAddress) -> Result<Address, Fault> {
    // SAFETY: the caller's promise.
    unsafe { read(pointer) }.map(Address::from)
}

/// The functions for VMs of ABI `A`. Their context is a [`Context`].
pub(super) fn table<A: Abi>() -> HostTable<A> {
    HostTable {
        account_exists: Some(account_exists),
        get_storage: Some(get_storage),
        set_storage: Some(set_storage::<A>),
        get_balance: Some(get_balance),
        get_code_size: Some(get_code_size),
        get_code_hash: Some(get_code_hash),
        copy_code: Some(copy_code),
        selfdestruct: Some(selfdestruct::<A>),
        call: Some(call::<A>),
        get_tx_context: Some(get_tx_context::<A>),
        get_block_hash: Some(get_block_hash),
        emit_log: Some(emit_log),
        access: A::Access::of(Access8 { access_account: Some(access_account), access_storage: Some(access_storage) }),
        transient: A::Transient::of(Transient11 {
            get_transient_storage: Some(get_transient_storage),
            set_transient_storage: Some(set_transient_storage),
        }),
    }
}

// SAFETY of the functions below: the VM passes the context that it got, and pointers that EVMC's rules make readable (of
// a buffer: writable) for the time of the call.

unsafe extern "C" fn account_exists(context: *mut c_void, account: *const RawAddress) -> CBool {
    // SAFETY: see above.
    unsafe { serve(context, 0, |c| Ok(CBool::from(c.host.account_exists(&address(account)?)?))) }
}

unsafe extern "C" fn get_storage(context: *mut c_void, account: *const RawAddress, key: *const Word) -> Word {
    // SAFETY: see above.
    unsafe {
        serve(context, Word::default(), |c| Ok(Word::from(&c.host.storage(&address(account)?, &read(key)?.bytes())?)))
    }
}

unsafe extern "C" fn set_storage<A: Abi>(
    context: *mut c_void,
    account: *const RawAddress,
    key: *const Word,
    value: *const Word,
) -> c_int {
    // SAFETY: see above.
    unsafe {
        serve(context, 0, |c| {
            let status = c.host.set_storage(&address(account)?, &read(key)?.bytes(), &read(value)?.bytes())?;
            Ok(convert::write_storage_status::<A>(status, c.revision))
        })
    }
}

unsafe extern "C" fn get_balance(context: *mut c_void, account: *const RawAddress) -> Word {
    // SAFETY: see above.
    unsafe { serve(context, Word::default(), |c| Ok(Word::from(&c.host.balance(&address(account)?)?))) }
}

unsafe extern "C" fn get_code_size(context: *mut c_void, account: *const RawAddress) -> usize {
    // SAFETY: see above.
    unsafe { serve(context, 0, |c| c.host.code_size(&address(account)?)) }
}

unsafe extern "C" fn get_code_hash(context: *mut c_void, account: *const RawAddress) -> Word {
    // SAFETY: see above.
    unsafe { serve(context, Word::default(), |c| Ok(Word::from(&c.host.code_hash(&address(account)?)?))) }
}

unsafe extern "C" fn copy_code(
    context: *mut c_void,
    account: *const RawAddress,
    offset: usize,
    buffer: *mut u8,
    size: usize,
) -> usize {
    // SAFETY: see above. The buffer may hold nothing yet: it is filled before it becomes a slice.
    unsafe {
        serve(context, 0, |c| {
            let account = address(account)?;
            if size == 0 {
                return Ok(0);
            }
            if buffer.is_null() || size > isize::MAX as usize {
                return Err(Fault::Host("the VM passed no buffer"));
            }
            buffer.write_bytes(0, size);
            c.host.copy_code(&account, offset, std::slice::from_raw_parts_mut(buffer, size))
        })
    }
}

unsafe extern "C" fn selfdestruct<A: Abi>(
    context: *mut c_void,
    account: *const RawAddress,
    beneficiary: *const RawAddress,
) -> A::Destroyed {
    // SAFETY: see above.
    unsafe {
        serve(context, A::Destroyed::of(false), |c| {
            Ok(A::Destroyed::of(c.host.self_destruct(&address(account)?, &address(beneficiary)?)?))
        })
    }
}

unsafe extern "C" fn call<A: Abi>(context: *mut c_void, message: *const A::Message) -> A::Result {
    let absent = Outcome::failure(StatusCode::InternalError);
    // SAFETY: see above.
    let outcome = unsafe {
        serve(context, absent, |c| {
            let raw = message.as_ref().ok_or(Fault::Host("the VM passed no message"))?;
            let mut message = convert::read_message::<A>(raw).map_err(|unreadable| match unreadable {
                convert::Unreadable::Kind => Fault::Host("the VM sent an unknown kind of message"),
                convert::Unreadable::Nonsense(what) => Fault::Host(what),
            })?;
            if message.gas < 0 {
                return Err(Fault::Host("the VM sent a message with negative gas"));
            }
            match message.kind {
                CallKind::Call => {}
                // As the engine's own interface sends them.
                CallKind::Create | CallKind::Create2 => {
                    (message.recipient, message.code_address) = (Address::zero(), Address::zero());
                }
                CallKind::CallCode | CallKind::DelegateCall => message.recipient = c.recipient,
            }
            c.host.call(&message).or_else(|fault| {
                // The VM gets an answer that fits, and the frame fails whatever it makes of it.
                c.trouble = Some(Trouble::Fault(fault));
                Ok(Outcome::failure(fault_status(fault)))
            })
        })
    };
    write_result::<A>(outcome)
}

unsafe extern "C" fn get_tx_context<A: Abi>(context: *mut c_void) -> A::Context {
    let absent = convert::write_context::<A>(&TxContext::default());
    // SAFETY: see above.
    unsafe { serve(context, absent, |c| Ok(convert::write_context::<A>(&c.host.tx_context()?))) }
}

unsafe extern "C" fn get_block_hash(context: *mut c_void, number: i64) -> Word {
    // SAFETY: see above.
    unsafe { serve(context, Word::default(), |c| Ok(Word::from(&c.host.block_hash(number)?))) }
}

unsafe extern "C" fn emit_log(
    context: *mut c_void,
    account: *const RawAddress,
    data: *const u8,
    size: usize,
    topics: *const Word,
    count: usize,
) {
    // SAFETY: see above.
    unsafe {
        serve(context, (), |c| {
            let data = convert::bytes(data, size).map_err(Fault::Host)?;
            if count > gristmill::limits::MAX_LOG_TOPICS as usize || (topics.is_null() && count > 0) {
                return Err(Fault::Host("the VM logged impossible topics"));
            }
            let topics: Vec<_> = (0..count).map(|i| (*topics.add(i)).bytes()).collect();
            c.host.log(&address(account)?, data, &topics)
        })
    }
}

/// A host that cannot tell has not seen the item before.
fn access(access: Option<Access>) -> c_int {
    c_int::from(access == Some(Access::Warm))
}

unsafe extern "C" fn access_account(context: *mut c_void, account: *const RawAddress) -> c_int {
    // SAFETY: see above.
    unsafe { serve(context, 0, |c| Ok(access(c.host.access_account(&address(account)?)?))) }
}

unsafe extern "C" fn access_storage(context: *mut c_void, account: *const RawAddress, key: *const Word) -> c_int {
    // SAFETY: see above.
    unsafe { serve(context, 0, |c| Ok(access(c.host.access_storage(&address(account)?, &read(key)?.bytes())?))) }
}

unsafe extern "C" fn get_transient_storage(context: *mut c_void, account: *const RawAddress, key: *const Word) -> Word {
    // SAFETY: see above.
    unsafe {
        serve(context, Word::default(), |c| {
            Ok(Word::from(&c.host.transient_storage(&address(account)?, &read(key)?.bytes())?))
        })
    }
}

unsafe extern "C" fn set_transient_storage(
    context: *mut c_void,
    account: *const RawAddress,
    key: *const Word,
    value: *const Word,
) {
    // SAFETY: see above.
    unsafe {
        serve(context, (), |c| {
            c.host.set_transient_storage(&address(account)?, &read(key)?.bytes(), &read(value)?.bytes())
        })
    }
}

//! An instance of a plugin, whatever its ABI.

use super::table::{Context, table};
use crate::abi::Abi;
use crate::abi::layout::{HostTable, OptionStatus, RawVm};
use crate::convert;
use crate::results::take_result;
use gristmill::contract::execute::fault_status;
use gristmill::contract::{Host, Message, Outcome, Revision, StatusCode};
use std::ffi::{CStr, c_char, c_int};
use std::ptr::NonNull;

/// An instance behind its ABI.
pub(super) trait Drive: Send + Sync {
    fn name(&self) -> String;
    fn version(&self) -> String;
    fn abi(&self) -> c_int;
    fn capabilities(&self) -> u32;
    fn set_option(&mut self, name: &CStr, value: &CStr) -> c_int;
    fn execute(&self, host: &mut dyn Host, revision: Revision, message: &Message<'_>, code: &[u8]) -> Outcome;
}

/// An instance of ABI `A`, which this owns.
pub(super) struct Driver<A: Abi> {
    vm: NonNull<RawVm<A>>,
    /// What the VM may call.
    table: HostTable<A>,
}

// SAFETY: EVMC demands of a VM that one instance executes on many threads at once; what else there is to call takes
// `&mut self` or reads what never changes.
unsafe impl<A: Abi> Send for Driver<A> {}
// SAFETY: as above.
unsafe impl<A: Abi> Sync for Driver<A> {}

impl<A: Abi> Driver<A> {
    /// # Safety
    /// `vm` is an instance of ABI `A` that nobody else owns.
    pub(super) unsafe fn new(vm: NonNull<RawVm<A>>) -> Self {
        Self { vm, table: table() }
    }

    fn vm(&self) -> &RawVm<A> {
        // SAFETY: the instance lives until this is dropped, and its struct is not written after creation.
        unsafe { self.vm.as_ref() }
    }
}

/// A static string of the VM.
///
/// # Safety
/// `text` is NULL or a NUL-terminated string.
unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not NULL, and the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Ends an instance.
///
/// # Safety
/// Nothing uses `vm` now or later.
pub(super) unsafe fn destroy<A: Abi>(vm: NonNull<RawVm<A>>) {
    // SAFETY: the instance is there still.
    if let Some(destroy) = unsafe { vm.as_ref() }.destroy {
        // SAFETY: the caller's promise.
        unsafe { destroy(vm.as_ptr()) };
    }
}

impl<A: Abi> Drop for Driver<A> {
    fn drop(&mut self) {
        // SAFETY: this owns the instance, and is gone.
        unsafe { destroy(self.vm) };
    }
}

impl<A: Abi> Drive for Driver<A> {
    fn name(&self) -> String {
        // SAFETY: EVMC's rule for the field.
        unsafe { text(self.vm().name) }
    }

    fn version(&self) -> String {
        // SAFETY: EVMC's rule for the field.
        unsafe { text(self.vm().version) }
    }

    fn abi(&self) -> c_int {
        A::VERSION
    }

    fn capabilities(&self) -> u32 {
        let Some(capabilities) = self.vm().get_capabilities else { return 0 };
        // SAFETY: a function of the instance, called with it.
        unsafe { capabilities(self.vm.as_ptr()) }
    }

    fn set_option(&mut self, name: &CStr, value: &CStr) -> c_int {
        let Some(set) = self.vm().set_option else { return OptionStatus::InvalidName as c_int };
        // SAFETY: a function of the instance, called with it and with strings that outlive the call.
        unsafe { set(self.vm.as_ptr(), name.as_ptr(), value.as_ptr()) }
    }

    fn execute(&self, host: &mut dyn Host, revision: Revision, message: &Message<'_>, code: &[u8]) -> Outcome {
        let Some(execute) = self.vm().execute else { return Outcome::failure(StatusCode::InternalError) };
        let mut context = Context::new(host, revision, message.recipient);
        // A VM works on the recipient's state, whoever's code it is.
        let raw = convert::write_message::<A>(message, &message.recipient);
        // SAFETY: a function of the instance, called with it; table, context, message and code outlive the call, and the
        // functions of the table take this context.
        let outcome = unsafe {
            take_result(
                execute(
                    self.vm.as_ptr(),
                    &self.table,
                    (&raw mut context).cast(),
                    convert::write_revision::<A>(revision),
                    &raw,
                    convert::pointer(code),
                    code.len(),
                ),
                message.kind,
            )
        };
        if let Some(fault) = context.finish() {
            return Outcome::failure(fault_status(fault));
        }
        match outcome {
            Ok(outcome) if outcome.gas_left < 0 => Outcome::failure(StatusCode::InternalError),
            Ok(outcome) if matches!(outcome.status, StatusCode::Success | StatusCode::Revert) => Outcome {
                gas_left: outcome.gas_left.min(message.gas),
                // The chain gives addresses, not the VM.
                create_address: None,
                ..outcome
            },
            Ok(outcome) => Outcome::failure(outcome.status),
            Err(fault) => Outcome::failure(fault_status(fault)),
        }
    }
}

//! The plugin: what an EVMC host creates and runs. One core for all ABIs, under a thin layer for each.
//!
//! An instance has no state of executions: settings and the VM that they describe lie behind a lock, which no execution
//! holds. So one instance runs on many threads at once, and enters itself again through the host's `call`.
//!
//! No panic crosses the edge, and none prints. The library starts no thread but those that compile in the background, which end
//! with their instance, and keeps no thread-local with a destructor, so it can be unloaded once its instances are destroyed;
//! but for `memory=guard`, whose signal handlers stay.

mod edge;
mod machine;
mod quiet;
pub(crate) mod report;

use crate::abi::layout::*;
use crate::abi::{Abi, Abi7, Abi8, Abi9, Abi10, Abi11, Abi12, WithAbi, with_abi};
use crate::convert;
use crate::options::Settings;
use crate::results::write_result;
use edge::EvmcHost;
use gristmill::contract::{Outcome, StatusCode};
use machine::Machine;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

/// An instance as the host sees it, and behind that what it does not see.
#[repr(C)]
struct Instance<A: Abi> {
    raw: RawVm<A>,
    machine: Machine,
}

/// What hosts are told.
pub const NAME: &CStr = c"gristmill";

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => panic!("a version has no NUL in it"),
};

/// The environment variable that chooses the ABI of [`evmc_create`].
pub const ABI_VARIABLE: &str = "GRISTMILL_EVMC_ABI";

macro_rules! creates {
    ($($(#[$about:meta])* $name:ident => $abi:expr;)*) => {$(
        $(#[$about])*
        ///
        /// Returns a VM for the host to end by its `destroy`; NULL when it cannot be made.
        #[unsafe(no_mangle)]
        pub extern "C" fn $name() -> *mut c_void {
            create($abi)
        }
    )*};
}

creates! {
    /// For hosts with a fixed symbol: ABI 12, or what `GRISTMILL_EVMC_ABI` says. NULL when that is no ABI of ours.
    evmc_create => chosen();
    /// For a library that has the name of this crate. ABI as with [`evmc_create`].
    evmc_create_gristmill_evmc => chosen();
    /// For a copy named `libgristmill.so`. ABI as with [`evmc_create`].
    evmc_create_gristmill => chosen();
    /// For a copy named `libgristmill_abi7.so`.
    evmc_create_gristmill_abi7 => Abi7::VERSION;
    /// For a copy named `libgristmill_abi8.so`.
    evmc_create_gristmill_abi8 => Abi8::VERSION;
    /// For a copy named `libgristmill_abi9.so`.
    evmc_create_gristmill_abi9 => Abi9::VERSION;
    /// For a copy named `libgristmill_abi10.so`.
    evmc_create_gristmill_abi10 => Abi10::VERSION;
    /// For a copy named `libgristmill_abi11.so`.
    evmc_create_gristmill_abi11 => Abi11::VERSION;
    /// For a copy named `libgristmill_abi12.so`.
    evmc_create_gristmill_abi12 => Abi12::VERSION;
}

/// The ABI that the environment asks for. What cannot be read is no ABI, and creation fails: a host that runs with
/// another ABI than its owner asked for would be worse.
fn chosen() -> c_int {
    match std::env::var_os(ABI_VARIABLE) {
        None => Abi12::VERSION,
        Some(text) if text.is_empty() => Abi12::VERSION,
        Some(text) => text.to_str().and_then(|text| text.parse().ok()).unwrap_or(0),
    }
}

fn create(abi: c_int) -> *mut c_void {
    struct Create;

    impl WithAbi for Create {
        type Output = *mut c_void;

        fn with<A: Abi>(self) -> *mut c_void {
            let instance = Instance::<A> {
                raw: RawVm {
                    abi_version: A::VERSION,
                    name: NAME.as_ptr(),
                    version: VERSION.as_ptr(),
                    destroy: Some(destroy::<A>),
                    execute: Some(execute::<A>),
                    get_capabilities: Some(get_capabilities::<A>),
                    set_option: Some(set_option::<A>),
                },
                machine: Machine::new(Settings::new(A::Transient::PRESENT)),
            };
            Box::into_raw(Box::new(instance)).cast()
        }
    }

    quiet::guarded(|| with_abi(abi, Create)).ok().flatten().unwrap_or(ptr::null_mut())
}

unsafe extern "C" fn destroy<A: Abi>(vm: *mut RawVm<A>) {
    if !vm.is_null() {
        // SAFETY: the host gives back what `create` made, once, when nothing runs on it any more.
        let instance = unsafe { Box::from_raw(vm.cast::<Instance<A>>()) };
        let _ = quiet::guarded(|| drop(instance));
    }
}

unsafe extern "C" fn get_capabilities<A: Abi>(_: *mut RawVm<A>) -> u32 {
    CAPABILITY_EWASM
}

unsafe extern "C" fn set_option<A: Abi>(vm: *mut RawVm<A>, name: *const c_char, value: *const c_char) -> c_int {
    // SAFETY: `vm` is NULL or an instance of ours that lives on; shared, as other threads may execute on it.
    let instance = unsafe { vm.cast::<Instance<A>>().as_ref() };
    // SAFETY: each is NULL or a NUL-terminated string, for the time of this call.
    let (name, value) = unsafe { (text(name), text(value)) };
    let (Some(instance), Some(name)) = (instance, name) else { return OptionStatus::InvalidName as c_int };
    let done = quiet::guarded(|| instance.machine.set_option(name, value));
    done.unwrap_or(OptionStatus::InvalidValue) as c_int
}

/// # Safety
/// `text` is NULL or a NUL-terminated string that lives as long as `'a`.
unsafe fn text<'a>(text: *const c_char) -> Option<&'a CStr> {
    // SAFETY: not NULL, and the caller's promise.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })
}

unsafe extern "C" fn execute<A: Abi>(
    vm: *mut RawVm<A>,
    host: *const HostTable<A>,
    context: *mut c_void,
    revision: c_int,
    message: *const A::Message,
    code: *const u8,
    code_size: usize,
) -> A::Result {
    // SAFETY: each is NULL or points to what its type says, alive for the time of this call; the instance is shared.
    let (instance, host, message) = unsafe { (vm.cast::<Instance<A>>().as_ref(), host.as_ref(), message.as_ref()) };
    let (Some(instance), Some(host), Some(message)) = (instance, host, message) else {
        return write_result::<A>(Outcome::failure(StatusCode::InternalError));
    };
    // No code is no code, whatever size comes with it.
    let code_size = if code.is_null() { 0 } else { code_size };
    let outcome = quiet::guarded(|| {
        // SAFETY: the host's message and code live for the time of this call.
        let (message, code) = unsafe { (convert::read_message::<A>(message), convert::bytes(code, code_size)) };
        let message = message.map_err(|unreadable| match unreadable {
            convert::Unreadable::Kind => StatusCode::Rejected,
            convert::Unreadable::Nonsense(_) => StatusCode::InternalError,
        })?;
        let code = code.map_err(|_| StatusCode::InternalError)?;
        let mut host = EvmcHost::<A>::new(host, context);
        Ok(instance.machine.execute(&mut host, convert::read_revision::<A>(revision), &message, code))
    });
    let outcome = outcome.unwrap_or_else(|panic| {
        instance.machine.report(&panic);
        Err(StatusCode::InternalError)
    });
    write_result::<A>(outcome.unwrap_or_else(Outcome::failure))
}

//! Faults of machine code that compares no bounds: what the processor refuses becomes a trap of WebAssembly.
//!
//! Handlers are installed once a process and stay. A write to a page of a memory that was read only until then goes on
//! ([`reserve::mend`]). Any other fault is ours when this thread runs machine code ([`Run`]) and the
//! instruction is one that its table lists; every other goes to who handled it before.

use crate::code::Placed;
use crate::reserve;
use gristmill::tier::layout;
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

/// Machine code that a thread is in, with the machine that it runs on.
pub(crate) struct Run {
    pub vm: *mut c_void,
    pub code: *const Placed,
}

thread_local! {
    /// The innermost run of this thread; null outside of machine code.
    static RUN: Cell<*const Run> = const { Cell::new(null()) };
}

/// Does `enter` while faults of this thread are those of `run`.
pub(crate) fn during<T>(run: &Run, enter: impl FnOnce() -> T) -> T {
    let around = RUN.replace(run);
    let done = enter();
    RUN.set(around);
    done
}

/// The run that this thread is in.
///
/// # Safety
/// For a handler of a signal, until it returns.
pub(crate) unsafe fn run<'a>() -> Option<&'a Run> {
    // SAFETY: a run that is noted is under way.
    unsafe { RUN.get().as_ref() }
}

/// What the processor raises where machine code traps: `ud2`, and what has no access.
const SIGNALS: [c_int; 2] = [libc::SIGILL, libc::SIGSEGV];

/// Who handled them before, in the order of [`SIGNALS`].
static BEFORE: OnceLock<[libc::sigaction; 2]> = OnceLock::new();

/// Installs the handlers, if they are not there yet.
pub(crate) fn install() {
    BEFORE.get_or_init(|| {
        // SAFETY: a structure of numbers and a set of signals, for which zero means: the default, none.
        let none: libc::sigaction = unsafe { std::mem::zeroed() };
        let mut before = [none; 2];
        for (signal, before) in SIGNALS.iter().zip(&mut before) {
            // SAFETY: only asks.
            unsafe { libc::sigaction(*signal, null(), before) };
        }
        before
    });
    static INSTALLED: OnceLock<()> = OnceLock::new();
    // Only now: the handler looks at who was there before.
    INSTALLED.get_or_init(|| {
        for signal in SIGNALS {
            // SAFETY: as above.
            let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
            action.sa_sigaction = handle as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            // SAFETY: the handler only calls what may be called in one.
            let installed = unsafe { libc::sigaction(signal, &action, null_mut()) };
            assert_eq!(installed, 0, "these signals can be handled");
        }
    });
}

unsafe extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the system gives the context of the instruction; a run that is noted is under way.
    unsafe {
        if signal == libc::SIGSEGV && is_write(&*info, &*context.cast()) && mends((*info).si_addr() as usize) {
            return;
        }
        if !run().is_some_and(|run| land(run, &mut *context.cast())) {
            forward(signal, info, context);
        }
    }
}

/// Whether what is refused is a write to what is there.
fn is_write(info: &libc::siginfo_t, context: &libc::ucontext_t) -> bool {
    /// There is something, and it may not be accessed like this.
    const SEGV_ACCERR: c_int = 2;
    /// Of a page fault's error code.
    const WRITE: i64 = 2;
    info.si_code == SEGV_ACCERR && context.uc_mcontext.gregs[libc::REG_ERR as usize] & WRITE != 0
}

/// Whether the instruction is to be tried again, whoever's it is: all code writes to memories.
fn mends(address: usize) -> bool {
    // SAFETY: this thread's own; whoever is interrupted may be about to read it.
    unsafe {
        let before = *libc::__errno_location();
        let mended = reserve::mend(address);
        *libc::__errno_location() = before;
        mended
    }
}

/// Makes the thread go on as if the instruction had been a call of the way out. False: it is not one that traps.
///
/// # Safety
/// `context` is that of a fault of the thread that `run` is of.
unsafe fn land(run: &Run, context: &mut libc::ucontext_t) -> bool {
    let registers = &mut context.uc_mcontext.gregs;
    let at = registers[libc::REG_RIP as usize] as usize;
    // SAFETY: the run keeps its code.
    let code = unsafe { &*run.code };
    let Some(site) = code.places.site_at(at) else { return false };
    // SAFETY: the machine's own fields. At an instruction that traps, the stack pointer is that of its function's body, below which
    // there is room for a call.
    unsafe {
        let field = |at| run.vm.byte_add(at);
        field(layout::VM_SITE).cast::<u32>().write(site);
        let top = registers[libc::REG_RSP as usize] - 8;
        (top as usize as *mut usize).write(at);
        registers[libc::REG_RSP as usize] = top;
        registers[libc::REG_RDI as usize] = run.vm as i64;
        registers[libc::REG_RIP as usize] = field(layout::VM_LEAVE).cast::<i64>().read();
    }
    true
}

/// Gives a signal to who handled it before.
///
/// # Safety
/// As for a handler.
unsafe fn forward(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let before = BEFORE.get().and_then(|before| {
        let at = SIGNALS.iter().position(|other| *other == signal)?;
        Some(before[at])
    });
    // SAFETY: the caller's promise; or the default, which ends the process when the instruction is tried again.
    unsafe {
        if !before.is_some_and(|before| hand_on(&before, signal, info, context)) {
            libc::signal(signal, libc::SIG_DFL);
        }
    }
}

/// Calls a handler as the system would have, in the way that it asked for; false: that is none.
///
/// # Safety
/// As for a handler.
pub(crate) unsafe fn hand_on(
    action: &libc::sigaction,
    signal: c_int,
    info: *mut libc::siginfo_t,
    context: *mut c_void,
) -> bool {
    if [libc::SIG_DFL, libc::SIG_IGN].contains(&action.sa_sigaction) {
        return false;
    }
    // SAFETY: the caller's promise.
    unsafe {
        if action.sa_flags & libc::SA_SIGINFO != 0 {
            type Handler = unsafe extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);
            std::mem::transmute::<usize, Handler>(action.sa_sigaction)(signal, info, context);
        } else {
            type Handler = unsafe extern "C" fn(c_int);
            std::mem::transmute::<usize, Handler>(action.sa_sigaction)(signal);
        }
    }
    true
}

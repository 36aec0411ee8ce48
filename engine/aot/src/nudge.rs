//! Interrupting machine code: a signal to the thread that it runs on, whose handler takes the code's gas away.
//!
//! Machine code looks at its gas and at nothing else, so that runs that nobody may interrupt pay nothing for those that somebody
//! may. A signal that finds the thread elsewhere, in what the code has called out for, does nothing; it comes again.

use crate::signal::{hand_on, run};
use gristmill::tier::{GAS_GONE, Interrupt};
use libc::{c_int, c_void};
use std::mem::zeroed;
use std::ptr::null_mut;
use std::sync::OnceLock;

/// One that does nothing to who does not handle it.
const SIGNAL: c_int = libc::SIGURG;

/// Who handled it before.
static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

/// Does what machine code does that `interrupt` is to end; no other such run of this thread is under way.
pub(crate) fn during(interrupt: &Interrupt, enter: impl FnOnce() -> bool) -> bool {
    install();
    // SAFETY: only asks.
    let thread = unsafe { libc::gettid() };
    interrupt.during(thread as usize, nudge, enter)
}

fn nudge(thread: usize) {
    // SAFETY: a signal to a thread of this process, or to none. The one that runs machine code handles it; whoever has the number of
    // a thread that is gone gets a signal that means nothing to it.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread as libc::pid_t, SIGNAL) };
}

fn install() {
    BEFORE.get_or_init(|| {
        // SAFETY: structures of numbers and sets of signals, for which zero means: the default, none. The handler only calls what
        // may be called in one. System calls that it comes into go on.
        unsafe {
            let (mut action, mut before): (libc::sigaction, libc::sigaction) = (zeroed(), zeroed());
            action.sa_sigaction = handle as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
            libc::sigaction(SIGNAL, null_mut(), &mut before);
            let installed = libc::sigaction(SIGNAL, &action, null_mut());
            assert_eq!(installed, 0, "this signal can be handled");
            before
        }
    });
}

unsafe extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the system gives the context of the instruction that comes next; a run that is noted is under way on this thread, and
    // keeps its machine and its code. Functions of machine code have their gas in r15 and nowhere else.
    unsafe {
        if let Some(run) = run()
            && gristmill::tier::interrupt(run.vm).is_some_and(Interrupt::is_raised)
        {
            let registers = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs;
            if (*run.code).places.has(registers[libc::REG_RIP as usize] as usize) {
                registers[libc::REG_R15 as usize] = GAS_GONE;
            }
            return;
        }
        if let Some(before) = BEFORE.get() {
            hand_on(before, signal, info, context);
        }
    }
}

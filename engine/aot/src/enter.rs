//! The way into machine code, out of it and back: on a stack of its own, without unwinding.
//!
//! Machine code runs on a guarded stack ([`crate::stack`]) and comes back to the thread's own for everything that it calls
//! out for. A trap restores the stack pointer that its entry left in the machine, so the frames between are simply gone:
//! they belong to machine code alone, which owns nothing. Before anything else runs on that stack, what they were is looked up
//! ([`crate::places`]). A panic of what was called out for waits until its run is left.

use crate::code::Placed;
use crate::nudge;
use crate::signal::{self, Run};
use crate::stack;
use gristmill::tier::{self, Call, layout};
use std::any::Any;
use std::arch::naked_asm;
use std::cell::Cell;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::null_mut;

/// What machine code calls out for, by the number of its gate.
#[derive(Clone, Copy)]
#[repr(usize)]
pub(crate) enum Gate {
    /// A function that is not of the running instance.
    Call,
    /// A function of the running instance that is interpreted.
    Interpreted,
    /// An operator.
    Operator,
    /// An exception to throw.
    Throw,
}

/// The gates, by number.
static GATES: [unsafe extern "sysv64" fn(*mut c_void, u64, u64, u64); 4] =
    [to_call, to_interpreted, to_operator, to_throw];

/// What goes back through a gate: the machine, whose code goes on, or null: its run is over.
type Back = *mut c_void;

thread_local! {
    /// What panicked while machine code waited for it, from `Box::into_raw`; or null. Not as a box: a plugin that is unloaded must
    /// leave no destructor with threads.
    static PANIC: Cell<*mut Box<dyn Any + Send>> = const { Cell::new(null_mut()) };
}

/// Enters machine code: [`tier::Enter`].
///
/// # Safety
/// That of [`tier::Enter`].
pub(crate) unsafe fn enter(vm: *mut c_void, call: &Call) -> bool {
    // SAFETY: the fields are the machine's, at its own offsets.
    let (top, gates_at, leave_at) = unsafe {
        let field = |at| vm.byte_add(at).cast::<usize>();
        (field(layout::VM_STACK), field(layout::VM_GATES), field(layout::VM_LEAVE))
    };
    // SAFETY: as above; nothing else refers to the machine while its code runs. The context is the code that is entered
    // (`Shared::place`). A stack is this run's alone until it is given back, and no frame of it is left then. Where code was left
    // early, its frames still lie between the noted one and where it was entered, for nothing has run there since. A panic was
    // put there by `guarded`, once.
    unsafe {
        let code = &*call.context.cast::<Placed>();
        let stacks = &code.stacks;
        let outermost = *top == 0;
        let taken = if outermost { stacks.take(stack::size_for(call.budget)) } else { None };
        if outermost {
            let Some(stack) = &taken else {
                tier::out_of_memory(vm);
                return false;
            };
            *top = stack.top();
            *gates_at = GATES.as_ptr() as usize;
            *leave_at = leave as *const () as usize;
        }
        let begin = *top;
        let switch = || switch(vm, call.adaptor, call.function, call.budget, call.values, begin);
        let done = match tier::interrupt(vm) {
            None if code.faults => signal::during(&Run { vm, code }, switch),
            None => switch(),
            Some(interrupt) if outermost => nudge::during(interrupt, || {
                // From here on whoever raises it nudges. Whoever has done so before is heard now.
                if interrupt.is_raised() {
                    vm.byte_add(layout::VM_COUNTER).cast::<i64>().write(tier::GAS_GONE);
                }
                signal::during(&Run { vm, code }, switch)
            }),
            Some(_) => signal::during(&Run { vm, code }, switch),
        };
        if !done {
            // Before anything else is put there.
            let frame = *vm.byte_add(layout::VM_FRAME).cast::<usize>();
            let site = Some(*vm.byte_add(layout::VM_SITE).cast::<u32>()).filter(|site| *site != OUTSIDE);
            tier::left(vm, code.places.walk(frame, begin, site, tier::places_wanted(vm)));
        }
        if let Some(stack) = taken {
            *top = 0;
            stacks.give_back(stack);
        }
        let panic = PANIC.replace(null_mut());
        if !panic.is_null() {
            resume_unwind(*Box::from_raw(panic));
        }
        done
    }
}

/// Runs `f`, which may panic, for machine code of `vm`.
#[inline(always)]
fn guarded(vm: *mut c_void, f: impl FnOnce() -> bool) -> Back {
    let goes_on = catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| {
        keep(panic);
        false
    });
    if goes_on { vm } else { null_mut() }
}

#[cold]
fn keep(panic: Box<dyn Any + Send>) {
    PANIC.set(Box::into_raw(Box::new(panic)));
}

unsafe extern "sysv64" fn call(vm: *mut c_void, callee: u64, values: u64, budget: u64) -> Back {
    // SAFETY: machine code calls this through its gate, with what the contract of `tier::call` asks for.
    unsafe {
        let function = callee as usize as *const c_void;
        if tier::is_ready(vm, function, budget) {
            guarded(vm, || tier::call_host(vm, function, values as usize as *mut u64))
        } else {
            call_any(vm, callee, values, budget)
        }
    }
}

#[cold]
unsafe extern "sysv64" fn call_any(vm: *mut c_void, callee: u64, values: u64, budget: u64) -> Back {
    // SAFETY: as above.
    guarded(vm, || unsafe { tier::call(vm, callee as usize as *const c_void, values as usize as *mut u64, budget) })
}

unsafe extern "sysv64" fn interpreted(vm: *mut c_void, index: u64, values: u64, budget: u64) -> Back {
    // SAFETY: machine code calls this through its gate, with what the contract of `tier::call_interpreted` asks for.
    guarded(vm, || unsafe { tier::call_interpreted(vm, index as u32, values as usize as *mut u64, budget) })
}

unsafe extern "sysv64" fn operator(vm: *mut c_void, op: u64, word: u64, values: u64) -> Back {
    // SAFETY: machine code calls this through its gate, with what the contract of `tier::operator` asks for.
    guarded(vm, || unsafe { tier::operator(vm, op, word, values as usize as *mut u64) })
}

unsafe extern "sysv64" fn throw(vm: *mut c_void, tag: u64, values: u64, budget: u64) -> Back {
    // SAFETY: machine code calls this through its gate, with what the contract of `tier::throw` asks for.
    guarded(vm, || unsafe { tier::throw(vm, tag, values as usize as *mut u64, budget) })
}

/// Saves what belongs to Rust, changes to the stack that ends at `top` and calls `adaptor`. Gas is in r15 from there on.
///
/// # Safety
/// As for [`enter`]; `top` is the end of a free stretch of stack, a multiple of 16.
#[unsafe(naked)]
unsafe extern "sysv64" fn switch(
    vm: *mut c_void,
    adaptor: *const u8,
    function: *const u8,
    budget: u64,
    values: *mut u64,
    top: usize,
) -> bool {
    naked_asm!(
        "push rbp", "push rbx", "push r12", "push r13", "push r14", "push r15",
        "push qword ptr [rdi + {host}]",
        "push qword ptr [rdi + {stack}]",
        // For gates, when they get nothing back.
        "push rdi",
        "mov [rdi + {host}], rsp",
        "mov rbx, rdi",
        "mov r15, [rdi + {counter}]",
        "mov rsp, r9",
        // The chain of frames ends here.
        "xor ebp, ebp",
        "mov rax, rsi",
        "mov rsi, rcx",
        "mov rcx, rdx",
        "mov rdx, r8",
        "call rax",
        "mov eax, 1",
        "mov rdi, rbx",
        "jmp {back}",
        host = const layout::VM_HOST_STACK,
        stack = const layout::VM_STACK,
        counter = const layout::VM_COUNTER,
        back = sym back,
    )
}

/// In the place of a trap's site: what ended the run was called out for.
const OUTSIDE: u32 = u32::MAX;

/// Goes back to where [`switch`] was called, with what is in rax.
#[unsafe(naked)]
unsafe extern "sysv64" fn back() {
    naked_asm!(
        "mov [rdi + {counter}], r15",
        "mov rsp, [rdi + {host}]",
        "add rsp, 8",
        "pop qword ptr [rdi + {stack}]",
        "pop qword ptr [rdi + {host}]",
        "pop r15", "pop r14", "pop r13", "pop r12", "pop rbx", "pop rbp",
        "ret",
        host = const layout::VM_HOST_STACK,
        stack = const layout::VM_STACK,
        counter = const layout::VM_COUNTER,
    )
}

/// Leaves machine code for good, after a trap of its own: `leave(vm)`.
#[unsafe(naked)]
unsafe extern "sysv64" fn leave() {
    naked_asm!("push rbp", "mov rbp, rsp", "jmp {leave_frame}", leave_frame = sym leave_frame)
}

/// Leaves machine code for good, from a frame in rbp whose return address is in it.
#[unsafe(naked)]
unsafe extern "sysv64" fn leave_frame() {
    naked_asm!("mov [rdi + {frame}], rbp", "xor eax, eax", "jmp {back}", frame = const layout::VM_FRAME, back = sym back)
}

/// A gate, `fn(vm, a, b, c)`: calls a function on the thread's own stack, and comes back when that says so, or leaves.
macro_rules! gate {
    ($name:ident, $function:ident) => {
        #[unsafe(naked)]
        unsafe extern "sysv64" fn $name(vm: *mut c_void, a: u64, b: u64, c: u64) {
            naked_asm!(
                "push rbp",
                "mov rbp, rsp",
                "mov [rdi + {counter}], r15",
                "mov [rdi + {stack}], rsp",
                "mov rsp, [rdi + {host}]",
                "call {function}",
                "test rax, rax",
                "jz 2f",
                "mov r15, [rax + {counter}]",
                "mov rsp, rbp",
                "pop rbp",
                "ret",
                "2:",
                "mov rdi, [rsp]",
                "mov r15, [rdi + {counter}]",
                "mov dword ptr [rdi + {site}], {outside}",
                "jmp {leave_frame}",
                host = const layout::VM_HOST_STACK,
                stack = const layout::VM_STACK,
                counter = const layout::VM_COUNTER,
                function = sym $function,
                site = const layout::VM_SITE,
                outside = const OUTSIDE,
                leave_frame = sym leave_frame,
            )
        }
    };
}

gate!(to_call, call);
gate!(to_interpreted, interpreted);
gate!(to_operator, operator);
gate!(to_throw, throw);

//! Calls into the machine, and calls out of it to host functions.
//!
//! A host function is added to a machine with everything that a call needs: a function pointer made for its very types, its
//! own state, its type. What runs over numbers gets them out of the caller's slots and puts its results there; what has
//! references gets [`Cell`]s, and its results are compared with its type.

use super::machine::{Cell, Imports, Machine, Refused, with_list};
use super::prepared::Prepared;
use super::vm::{Func, HostCall, Vm};
use super::{Dispatch, invoke};
use crate::error::{Fault, Stop};
use crate::gas::Meter;
use crate::wasm::canon::{LONG_KEY, short_key, top};
use crate::wasm::types::{FuncType, ValType};
use alloc::{boxed::Box, sync::Arc};
use core::marker::PhantomData;

/// What a machine calls its host functions with: the store.
///
/// A machine is lent by contexts of one type alone, its whole life long: its host functions were made for that type.
pub(crate) trait Context: Sized {
    /// The machine, always the same one.
    fn machine(&mut self) -> &mut Machine;
}

/// A context that is a table of host functions over numbers.
pub(crate) trait Rows: Context {
    /// Calls row number `row` with memory 0 of the calling instance, as [`Memory::lend`](super::memory::Memory::lend) gives
    /// it, the meter and the arguments.
    fn call_row(
        &mut self,
        row: u32,
        memory: (&mut [u8], &mut usize),
        meter: &mut Meter,
        args: &[u64],
    ) -> Result<u64, Stop>;
}

/// A host function over numbers: arguments from slots, the function, results to slots. It may use the whole context,
/// so nothing refers to slots while it runs.
pub(crate) trait OverNumbers<C>: Send + Sync {
    /// Parameters of its type.
    const PARAMS: usize;
    /// Results of its type.
    const RESULTS: usize;
    /// What it takes.
    type Args;
    /// What it gives.
    type Results;
    /// Reads as many slots as there are parameters.
    fn args(slots: &[u64]) -> Self::Args;
    /// Calls it.
    fn run(&self, context: &mut C, args: Self::Args) -> Result<Self::Results, Stop>;
    /// Writes as many slots as there are results.
    fn results(results: Self::Results, slots: &mut [u64]);
}

/// A host function over values of any type: arguments have the types of its parameters; results arrive as zeros of their
/// types, and must leave with these.
pub(crate) type OverCells<C> = dyn Fn(&mut C, &[Cell], &mut [Cell]) -> Result<(), Stop> + Send + Sync;

/// A row of a table that is a part of a context: it sees memory and meter, and neither machine nor store.
pub(crate) trait OverPart<C>: Send + Sync {
    fn call(
        &self,
        context: &mut C,
        memory: (&mut [u8], &mut usize),
        meter: &mut Meter,
        args: &[u64],
    ) -> Result<u64, Stop>;
}

/// A host function, whatever it was made for.
pub(crate) struct Host {
    pub ty: FuncType,
    /// The type's key, if it is short.
    pub signature: Option<u64>,
    pub entry: HostCall,
    pub body: *const (),
    /// Number of the row, for those.
    pub row: u32,
    /// Frees the body.
    drop: unsafe fn(*const ()),
}

// SAFETY: the body is shareable (bounds of the constructors), and the rest is plain data.
unsafe impl Send for Host {}
// SAFETY: as above.
unsafe impl Sync for Host {}

impl Drop for Host {
    fn drop(&mut self) {
        // SAFETY: `HostFunc::new` pairs the body with what frees it, and nobody else does.
        unsafe { (self.drop)(self.body) };
    }
}

/// A host function for machines of contexts `C`. Cheap to clone.
pub(crate) struct HostFunc<C>(Arc<Host>, PhantomData<fn(&mut C)>);

impl<C> Clone for HostFunc<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<C: Context> HostFunc<C> {
    fn new<B: Send + Sync>(ty: FuncType, entry: HostCall, body: B) -> Self {
        unsafe fn drop_body<B>(body: *const ()) {
            // SAFETY: made by `Box::into_raw` below, of this very type.
            drop(unsafe { Box::from_raw(body.cast_mut().cast::<B>()) });
        }
        let body = Box::into_raw(Box::new(body)).cast_const().cast();
        Self(Arc::new(Host { signature: short_key(&ty), ty, entry, body, row: 0, drop: drop_body::<B> }), PhantomData)
    }

    /// A function over numbers.
    ///
    /// # Panics
    /// When the type has references, which may not be made out of numbers, or vectors, or is not the function's.
    pub fn over_numbers<B: OverNumbers<C> + 'static>(ty: FuncType, body: B) -> Self {
        let fits = ty.params().len() == B::PARAMS && ty.results().len() == B::RESULTS;
        assert!(fits && has_numbers_only(&ty), "a function over numbers has a type of numbers");
        Self::new(ty, over_numbers::<C, B>, body)
    }

    /// A function over any values.
    ///
    /// # Panics
    /// When the type names types, which have numbers in stores alone.
    pub fn over_cells(ty: FuncType, body: Box<OverCells<C>>) -> Self {
        let mut types = ty.params().iter().chain(ty.results());
        assert!(types.all(|ty| ty.concrete().is_none()), "a host function's type names no types");
        Self::new(ty, over_cells::<C>, body)
    }

    /// Row number `row` of the context's table, which has numbers only.
    pub fn row(ty: FuncType, row: u32) -> Self
    where
        C: Rows,
    {
        assert!(has_numbers_only(&ty), "a row has a type of numbers");
        unsafe fn nothing(_: *const ()) {}
        Self(
            Arc::new(Host {
                signature: short_key(&ty),
                ty,
                entry: over_row::<C>,
                body: core::ptr::null(),
                row,
                drop: nothing,
            }),
            PhantomData,
        )
    }

    /// A row of a table that is a part of the context.
    pub fn part<B: OverPart<C> + 'static>(ty: FuncType, body: B) -> Self {
        assert!(has_numbers_only(&ty), "a row has a type of numbers");
        Self::new(ty, over_part::<C, B>, body)
    }

    /// Its type.
    pub fn ty(&self) -> &FuncType {
        &self.0.ty
    }

    /// Adds it to the context's machine: the index of the function.
    pub fn add(&self, context: &mut C) -> u32 {
        context.machine().add_host(&self.0)
    }
}

fn has_numbers_only(ty: &FuncType) -> bool {
    ty.params().iter().chain(ty.results()).all(|ty| ty.is_number())
}

/// Whether a type, whose key is also given, has numbers only.
pub(super) fn is_numeric(key: u64, ty: &FuncType) -> bool {
    /// Set in the three bits of all types of references and vectors, and of no number.
    const OTHERS: u64 = 0o444_444_444_444_444_444;
    const fn is(ty: ValType, code: u64) -> bool {
        matches!(ty.code(), Some(of) if of == code)
    }
    const { assert!(is(ValType::F64, 3) && is(ValType::FUNCREF, 4) && is(ValType::EXTERNREF, 5) && is(ValType::V128, 6)) };
    if key >= LONG_KEY { has_numbers_only(ty) } else { key & OTHERS == 0 }
}

/// How rows of a context's table are called.
#[derive(Clone, Copy)]
pub(crate) struct RowEntry(HostCall);

impl RowEntry {
    pub(super) fn get(self) -> HostCall {
        self.0
    }
}

/// Makes an instance whose imports are rows of the context's table. Its start function is not called.
pub(crate) fn instantiate_over_rows<C: Rows>(
    context: &mut C,
    prepared: &Arc<Prepared>,
    rows: &[u32],
) -> Result<u32, Refused> {
    context.machine().instantiate(prepared, Imports::Rows(RowEntry(over_row::<C>), rows))
}

/// Calls function `index` of the context's machine.
///
/// # Errors
/// What ends the run early; a fault when types do not fit.
pub(crate) fn call<C: Context>(
    context: &mut C,
    index: u32,
    args: &[Cell],
    results: &mut [Cell],
    dispatch: Dispatch,
) -> Result<(), Stop> {
    let machine = context.machine();
    let ty = machine.function_type(index);
    if !machine.admits_all(args, ty.params()) || results.len() != ty.results().len() {
        return Err(Fault::Internal("a call's types do not fit").into());
    }
    results.iter_mut().zip(ty.results()).for_each(|(cell, ty)| *cell = Cell::zero(top(*ty)));
    let (params, returns) = ty.slots();
    let function = machine.vm_mut().functions.pointer(index as usize);
    with_list(params + returns, 0, |slots| {
        let (params, returns) = slots.split_at_mut(params);
        write_cells(args, params);
        // SAFETY: the function is of this machine, and types fit (above).
        unsafe { run(context, function, params, returns, dispatch)? };
        // SAFETY: the run has returned, so its results are of their types.
        unsafe { read_cells(results, returns) };
        Ok(())
    })
}

/// Puts cells into slots, which are as many as their types have.
fn write_cells(cells: &[Cell], slots: &mut [u64]) {
    let mut at = 0;
    for cell in cells {
        at += cell.write(&mut slots[at..]);
    }
}

/// Takes cells, of the types that they have, from slots.
///
/// # Safety
/// The slots hold values of these types.
unsafe fn read_cells(cells: &mut [Cell], slots: &[u64]) {
    let mut at = 0;
    for cell in cells {
        // SAFETY: the caller's promise.
        *cell = unsafe { Cell::of_slots(cell.ty(), &slots[at..]) };
        at += cell.ty().slots();
    }
}

/// Calls function `index` of the context's machine, whose type has numbers only.
///
/// # Errors
/// What ends the run early; a fault when the type does not fit.
#[inline]
pub(crate) fn call_numbers<C: Context>(
    context: &mut C,
    index: u32,
    args: &[u64],
    results: &mut [u64],
    dispatch: Dispatch,
) -> Result<(), Stop> {
    let function = context.machine().vm_mut().functions.pointer(index as usize);
    // SAFETY: the arena's, and nobody writes it now.
    let Func { signature, ty, .. } = unsafe { &*function };
    // SAFETY: the store keeps it.
    let ty = unsafe { &**ty };
    if !is_numeric(*signature, ty) || args.len() != ty.params().len() || results.len() != ty.results().len() {
        return Err(Fault::Internal("a call's types do not fit").into());
    }
    // SAFETY: the function is of this machine; it takes as many numbers, whatever they are, and gives as many.
    unsafe { run(context, function, args, results, dispatch) }
}

/// # Safety
/// `function` is of the context's machine; arguments and results fit its type.
unsafe fn run<C: Context>(
    context: &mut C,
    function: *const Func,
    args: &[u64],
    results: &mut [u64],
    dispatch: Dispatch,
) -> Result<(), Stop> {
    let vm = context.machine().as_ptr();
    // SAFETY: the caller's promises. The context is borrowed exclusively for the whole run, during which only entries of
    // its own type refer to it. What was there before is put back.
    unsafe {
        let before = (*vm).store;
        (*vm).store = core::ptr::from_mut(context).cast();
        let done = invoke(vm, function, args, results, dispatch);
        (*vm).store = before;
        done
    }
}

// SAFETY of the entries below: they are called for functions that were made with them, on a machine of contexts `C`, whose
// `store` is the context of the innermost run, borrowed exclusively and not used otherwise while that run waits for its
// host function. `args` has room for parameters and results. Machine, memory and stack are other allocations than the
// context.

/// The entry of functions that are no host functions.
pub(super) unsafe fn not_host(vm: *mut Vm, _: *const Func, _: *mut u64) -> *mut u64 {
    // SAFETY: see above.
    unsafe { stopped(vm, Fault::Internal("a function of a module was called as a host's").into()) }
}

/// What an entry returns when the run stops.
unsafe fn stopped(vm: *mut Vm, stop: Stop) -> *mut u64 {
    // SAFETY: `vm` is the running machine, to which nothing else refers now.
    unsafe { (*vm).stop = Some(stop) };
    core::ptr::null_mut()
}

/// The same, with the slots of its call at `slots`: an exception goes on from there.
unsafe fn stopped_at(vm: *mut Vm, stop: Stop, slots: *mut u64) -> *mut u64 {
    // SAFETY: as for `stopped`.
    unsafe {
        (*vm).stopped_at = slots;
        stopped(vm, stop)
    }
}

unsafe fn over_numbers<C: Context, B: OverNumbers<C>>(vm: *mut Vm, callee: *const Func, args: *mut u64) -> *mut u64 {
    // SAFETY: see above; the body is a `B`, kept by the machine; slots are only referred to before and after the call.
    unsafe {
        let body = &*(*callee).body.cast::<B>();
        let taken = B::args(core::slice::from_raw_parts(args, B::PARAMS));
        let slots = Slots::of(vm, args);
        match body.run(&mut *(*vm).store.cast::<C>(), taken) {
            Ok(results) => {
                let slots = slots.now();
                B::results(results, core::slice::from_raw_parts_mut(slots, B::RESULTS));
                slots
            }
            Err(stop) => stopped_at(vm, stop, slots.now()),
        }
    }
}

unsafe fn over_row<C: Rows>(vm: *mut Vm, callee: *const Func, args: *mut u64) -> *mut u64 {
    // SAFETY: see above; a row sees neither machine nor store, so memory, meter and slots stay what they are.
    unsafe {
        let ty = (*callee).ty();
        let slots = core::slice::from_raw_parts(args, ty.params().len());
        let memory = (*(*vm).memory).lend();
        match (*(*vm).store.cast::<C>()).call_row((*callee).row, memory, &mut (*vm).meter, slots) {
            Ok(value) => {
                if !ty.results().is_empty() {
                    *args = value;
                }
                args
            }
            Err(stop) => stopped_at(vm, stop, args),
        }
    }
}

unsafe fn over_part<C: Context, B: OverPart<C>>(vm: *mut Vm, callee: *const Func, args: *mut u64) -> *mut u64 {
    // SAFETY: see above; the body is a `B`, kept by the machine. Of the context it uses what is neither machine nor store, so
    // memory, meter and slots stay what they are.
    unsafe {
        let ty = (*callee).ty();
        let body = &*(*callee).body.cast::<B>();
        let slots = core::slice::from_raw_parts(args, ty.params().len());
        let memory = (*(*vm).memory).lend();
        match body.call(&mut *(*vm).store.cast::<C>(), memory, &mut (*vm).meter, slots) {
            Ok(value) => {
                if !ty.results().is_empty() {
                    *args = value;
                }
                args
            }
            Err(stop) => stopped_at(vm, stop, args),
        }
    }
}

unsafe fn over_cells<C: Context>(vm: *mut Vm, callee: *const Func, args: *mut u64) -> *mut u64 {
    // SAFETY: see above; the body is a boxed closure of this type, kept by the machine. Values are copied, and types are
    // compared before one goes into a slot.
    let slots = unsafe { Slots::of(vm, args) };
    // SAFETY: as above.
    let done = unsafe {
        let body = &*(*callee).body.cast::<Box<OverCells<C>>>();
        let ty = (*callee).ty();
        with_list(ty.params().len() + ty.results().len(), Cell::i32(0), |cells| {
            let (params, returned) = cells.split_at_mut(ty.params().len());
            params.iter_mut().zip(ty.params()).for_each(|(cell, ty)| *cell = Cell::zero(top(*ty)));
            read_cells(params, core::slice::from_raw_parts(args, ty.slots().0));
            returned.iter_mut().zip(ty.results()).for_each(|(cell, ty)| *cell = Cell::zero(top(*ty)));
            let context = &mut *(*vm).store.cast::<C>();
            body(context, params, returned)?;
            if !context.machine().admits_all(returned, ty.results()) {
                return Err(Stop::Fault(Fault::Internal("a host function's results do not fit its type")));
            }
            let to = slots.now();
            write_cells(returned, core::slice::from_raw_parts_mut(to, ty.slots().1));
            Ok(to)
        })
    };
    // SAFETY: see above.
    done.unwrap_or_else(|stop| unsafe { stopped_at(vm, stop, slots.now()) })
}

/// Slots of a call, which lie in the stack, or outside of it when a host function is called from outside.
struct Slots {
    vm: *mut Vm,
    at: *mut u64,
    stack: *mut u64,
    /// Slots that the stack had.
    size: usize,
}

impl Slots {
    #[inline(always)]
    unsafe fn of(vm: *mut Vm, at: *mut u64) -> Self {
        // SAFETY: `vm` is the running machine.
        unsafe { Self { vm, at, stack: (*vm).stack.base, size: (*vm).stack.size() } }
    }

    /// Where they are now: the stack may have moved, with all of its contents.
    #[inline(always)]
    unsafe fn now(&self) -> *mut u64 {
        // SAFETY: `vm` is the running machine.
        let stack = unsafe { (*self.vm).stack.base };
        if stack == self.stack { self.at } else { self.moved(stack) }
    }

    #[cold]
    fn moved(&self, stack: *mut u64) -> *mut u64 {
        let distance = (self.at as usize).wrapping_sub(self.stack as usize);
        // Slots keep their distance from the stack's start.
        if distance < self.size * 8 { stack.wrapping_byte_add(distance) } else { self.at }
    }
}

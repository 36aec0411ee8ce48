//! Stores: what instances live in.

use super::api::{Guest, HostApi};
use super::engine::Engine;
use super::interrupt::InterruptHandle;
use crate::error::{Error, Fault, Stop};
use crate::gas::{Gas, Meter};
use crate::interp::exec::frames::Stopped;
use crate::interp::exec::host::{self, Context, Rows};
use crate::interp::exec::machine::{Cell, Machine, Refused};
use crate::limits::RunLimits;
use alloc::{boxed::Box, string::String, vec::Vec};
use core::any::Any;
use core::sync::atomic::{AtomicU32, Ordering};

/// Tells stores apart, so that no handle is used in another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoreId(u32);

impl StoreId {
    fn next() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Instances, memories, tables, globals and functions, the embedder's data, one meter and one set of limits.
pub struct Store<T> {
    pub(crate) id: StoreId,
    engine: Engine,
    pub(crate) machine: Machine,
    pub(crate) externs: Vec<Box<dyn Any + Send + Sync>>,
    /// The error behind [`Stop::Custom`].
    custom: Option<Error>,
    /// Interrupts runs when their time is over.
    #[cfg(feature = "std")]
    alarm: Option<super::interrupt::Alarm>,
    data: T,
}

/// The function in which a trap was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrapFrame {
    /// Index of the function in its module.
    pub function: u32,
    /// Its name in the module's name section.
    pub name: Option<String>,
}

impl<T> Store<T> {
    /// An empty store over `data`, with all the gas in the world and the limits of the engine's profile.
    pub fn new(engine: &Engine, data: T) -> Self {
        let mut machine = Machine::new(engine.schedule(), engine.profile().run, engine.pool());
        machine.set_watch(engine.watch().clone());
        Self {
            id: StoreId::next(),
            engine: engine.clone(),
            machine,
            externs: Vec::new(),
            custom: None,
            #[cfg(feature = "std")]
            alarm: None,
            data,
        }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The embedder's data.
    pub fn data(&self) -> &T {
        &self.data
    }

    /// The embedder's data.
    pub fn data_mut(&mut self) -> &mut T {
        &mut self.data
    }

    /// The embedder's data.
    pub fn into_data(self) -> T {
        self.data
    }

    pub(crate) fn machine_and_data(&mut self) -> (&mut Machine, &mut T) {
        (&mut self.machine, &mut self.data)
    }

    /// The meter of all runs in this store.
    pub fn meter(&self) -> &Meter {
        self.machine.meter()
    }

    /// The meter of all runs in this store.
    pub fn meter_mut(&mut self) -> &mut Meter {
        self.machine.meter_mut()
    }

    /// Sets what may be spent from now on.
    pub fn set_gas(&mut self, gas: Gas) {
        *self.machine.meter_mut() = Meter::new(gas);
    }

    /// What ends this store's runs from other threads. Such an end is [`Halt::TimedOut`](crate::Halt::TimedOut), and leaves the store
    /// as a run out of gas does. It comes where gas is counted: not while a host function runs, nor in code whose operators are
    /// free ([`Schedule::Ewasm`](crate::Schedule::Ewasm)).
    pub fn interrupt_handle(&mut self) -> InterruptHandle {
        InterruptHandle::new(self.machine.interrupt())
    }

    /// Ends what runs in this store at that time, as an [`InterruptHandle`] does; none: whenever it ends by itself. A store whose
    /// time is over takes no further calls.
    #[cfg(feature = "std")]
    pub fn set_deadline(&mut self, deadline: Option<std::time::Instant>) {
        self.alarm = deadline.map(|deadline| super::interrupt::Alarm::at(deadline, self.machine.interrupt()));
    }

    /// Sets bounds for what is run and made from now on; for use between runs.
    pub fn set_limits(&mut self, limits: RunLimits) {
        self.machine.set_limits(limits);
    }

    /// The bounds.
    pub fn limits(&self) -> RunLimits {
        self.machine.limits()
    }

    /// Whether a run was out of gas: memories, tables and globals are unspecified, and no further call is taken.
    pub fn is_spent(&self) -> bool {
        self.machine.is_spent()
    }

    /// Where the last trap was.
    pub fn trap_frame(&self) -> Option<TrapFrame> {
        let (parsed, function) = self.machine.trapped()?;
        Some(TrapFrame { function, name: parsed.function_name(function) })
    }

    /// Calls function `index` of the machine.
    pub(crate) fn call(&mut self, index: u32, args: &[Cell], results: &mut [Cell]) -> Result<(), Error> {
        let dispatch = self.engine.dispatch();
        host::call(self, index, args, results, dispatch).map_err(|stop| self.ended(stop))
    }

    /// Calls function `index` of the machine, whose type has numbers only.
    #[inline]
    pub(crate) fn call_numbers(&mut self, index: u32, args: &[u64], results: &mut [u64]) -> Result<(), Error> {
        let dispatch = self.engine.dispatch();
        host::call_numbers(self, index, args, results, dispatch).map_err(|stop| self.ended(stop))
    }

    /// A call has ended early: whoever watches looks at a trap, and the stop becomes an error.
    #[cold]
    fn ended(&mut self, stop: Stop) -> Error {
        if let (Stop::Trap(trap), Some(watcher)) = (stop, &self.engine.watch().0) {
            watcher.trapped(&Stopped::of(&self.machine, trap));
        }
        self.error(stop)
    }

    /// A stop as an error, with the embedder's own one where it left one.
    pub(crate) fn error(&mut self, stop: Stop) -> Error {
        match stop {
            Stop::Trap(trap) => Error::Trap(trap),
            Stop::Fault(fault) => Error::Fault(fault),
            Stop::Halt(halt) => Error::Halt(halt),
            Stop::Exception => Error::ThrownException,
            Stop::Custom => self.custom.take().unwrap_or(Error::Fault(Fault::Internal("an error was lost"))),
        }
    }

    pub(crate) fn refused(&mut self, refused: Refused, import: impl FnOnce(usize) -> Error) -> Error {
        match refused {
            Refused::Import(i) => import(i),
            Refused::Limit => Error::Link("a minimum size is above the store's limits".into()),
            Refused::Stop(stop) => self.error(stop),
        }
    }

    /// An error as a stop; what is no stop waits in the store.
    pub(crate) fn stop(&mut self, error: Error) -> Stop {
        match error {
            Error::Trap(trap) => Stop::Trap(trap),
            Error::Fault(fault) => Stop::Fault(fault),
            Error::Halt(halt) => Stop::Halt(halt),
            Error::ThrownException => self.machine.passed_on(),
            other => {
                self.custom = Some(other);
                Stop::Custom
            }
        }
    }
}

impl<T> Context for Store<T> {
    fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }
}

impl<T: HostApi> Rows for Store<T> {
    #[inline]
    fn call_row(
        &mut self,
        row: u32,
        memory: (&mut [u8], &mut usize),
        meter: &mut Meter,
        args: &[u64],
    ) -> Result<u64, Stop> {
        self.data.call(row as usize, &mut Guest::lent(memory, meter), args)
    }
}

/// Something with a store to look at.
pub trait AsContext {
    /// The store's data.
    type Data;

    /// The store.
    fn as_context(&self) -> &Store<Self::Data>;
}

/// Something with a store to change.
pub trait AsContextMut: AsContext {
    /// The store.
    fn as_context_mut(&mut self) -> &mut Store<Self::Data>;
}

impl<T> AsContext for Store<T> {
    type Data = T;

    fn as_context(&self) -> &Store<T> {
        self
    }
}

impl<T> AsContextMut for Store<T> {
    fn as_context_mut(&mut self) -> &mut Store<T> {
        self
    }
}

impl<C: AsContext> AsContext for &C {
    type Data = C::Data;

    fn as_context(&self) -> &Store<C::Data> {
        (**self).as_context()
    }
}

impl<C: AsContext> AsContext for &mut C {
    type Data = C::Data;

    fn as_context(&self) -> &Store<C::Data> {
        (**self).as_context()
    }
}

impl<C: AsContextMut> AsContextMut for &mut C {
    fn as_context_mut(&mut self) -> &mut Store<C::Data> {
        (**self).as_context_mut()
    }
}

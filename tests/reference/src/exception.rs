//! Exceptions of a store.

use crate::store::Store;
use gristmill::Trap;

/// An exception.
#[derive(Debug)]
pub(crate) struct Exception {
    /// Its tag, by number in the store.
    pub(crate) tag: usize,
    carried: Vec<u128>,
    /// Slots of what it carries.
    slots: u64,
    /// Somebody got a reference: it stays.
    is_held: bool,
}

impl Exception {
    fn bytes(&self) -> u64 {
        16 + 8 * self.slots
    }
}

/// All of them: a reference is 0 for null, else an index plus one. Numbers are never used again.
#[derive(Debug, Default)]
pub(crate) struct Exceptions {
    all: Vec<Exception>,
    bytes: u64,
    thrown: u64,
}

impl Exceptions {
    /// The one that is thrown and not caught.
    pub(crate) fn thrown(&self) -> &Exception {
        &self.all[self.thrown as usize - 1]
    }

    /// Throws the one that a reference refers to. One that was thrown before is lost.
    pub(crate) fn throw(&mut self, reference: u64) {
        if self.thrown != 0 && self.thrown != reference {
            self.let_go();
        }
        self.thrown = reference;
    }

    /// Catches the one that is thrown: what it carries, and the reference to it.
    pub(crate) fn caught(&mut self, with_reference: bool) -> (Vec<u128>, u64) {
        let (carried, reference) = (self.thrown().carried.clone(), self.thrown);
        self.all[reference as usize - 1].is_held |= with_reference;
        self.let_go();
        (carried, reference)
    }

    /// The one that is thrown is not any more, and goes if nobody ever had a reference to it.
    fn let_go(&mut self) {
        if !self.thrown().is_held {
            self.bytes -= self.thrown().bytes();
        }
        self.thrown = 0;
    }
}

impl Store {
    /// Charges for an exception, bounds it, keeps it and throws it.
    pub(crate) fn make_exception(&mut self, tag: usize, carried: Vec<u128>, slots: u64) -> Result<(), Trap> {
        let exception = Exception { tag, carried, slots, is_held: false };
        let bytes = exception.bytes();
        self.meter.charge(self.schedule.exception_cost(bytes as u32))?;
        if self.exceptions.bytes + bytes > u64::from(self.limits.exception_bytes) {
            return Err(Trap::ExceptionBytes);
        }
        self.exceptions.bytes += bytes;
        self.exceptions.all.push(exception);
        self.exceptions.throw(self.exceptions.all.len() as u64);
        Ok(())
    }
}

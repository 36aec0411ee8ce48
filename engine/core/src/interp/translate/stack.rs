//! The operand stack at translation time: where each value is, and what the accumulator holds.

use alloc::vec::Vec;

/// Where a value of the operand stack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// In its home: the frame slot of its stack position.
    Home,
    /// In a local; `below` is the next value on the stack that is the same local, plus 1.
    Local { local: u16, below: u32 },
    /// A constant, not yet anywhere.
    Const(u64),
    /// Only in the accumulator, put there by the op in [`Acc::pending`].
    Acc,
}

/// A value that is in the accumulator alone. Its three numbers are below 2^31 in any module that is not refused; 32 bits
/// keep operands, which are passed around all the time, at two words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pending {
    position: u32,
    producer: u32,
    end: u32,
}

impl Pending {
    /// The value at stack position `position`, made by the op at `producer`, which ends before `end`.
    pub fn new(position: usize, producer: usize, end: usize) -> Self {
        Self { position: position as u32, producer: producer as u32, end: end as u32 }
    }

    /// Its stack position.
    pub fn position(self) -> usize {
        self.position as usize
    }

    /// Index of the op that made it.
    pub fn producer(self) -> usize {
        self.producer as usize
    }

    /// Index behind that op.
    pub fn end(self) -> usize {
        self.end as usize
    }
}

/// What the accumulator holds at this point of the code.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Acc {
    /// The value that is nowhere else.
    pub pending: Option<Pending>,
    /// A slot that holds the same value.
    pub mirror: Option<u16>,
}

/// The stack.
#[derive(Default)]
pub(super) struct Stack {
    values: Vec<Value>,
    /// For each local: the topmost value on the stack that is this local, plus 1.
    heads: Vec<u32>,
    /// Values below this position are not locals. Above the stack's height it says nothing.
    settled: usize,
}

impl Stack {
    pub fn reset(&mut self, locals: usize) {
        self.values.clear();
        self.heads.clear();
        self.heads.resize(locals, 0);
        self.settled = 0;
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn value(&self, position: usize) -> Value {
        self.values[position]
    }

    pub fn push(&mut self, value: Value) {
        self.values.push(value);
    }

    pub fn push_local(&mut self, local: u16) {
        self.settled = self.settled.min(self.values.len());
        let below = core::mem::replace(&mut self.heads[usize::from(local)], self.values.len() as u32 + 1);
        self.values.push(Value::Local { local, below });
    }

    pub fn pop(&mut self) -> Value {
        let value = self.values.pop().expect("validated: an operand is there");
        if let Value::Local { local, below } = value {
            // Values leave in the order of the chain: the topmost one is its head.
            self.heads[usize::from(local)] = below;
        }
        value
    }

    pub fn truncate(&mut self, len: usize) {
        while self.values.len() > len {
            self.pop();
        }
    }

    /// Notes that the value at `position`, which was no local, is in its home now.
    pub fn settle(&mut self, position: usize) {
        debug_assert!(!matches!(self.values[position], Value::Local { .. }));
        self.values[position] = Value::Home;
    }

    /// Takes the topmost value that is `local` from the chain; it is in its home from now on.
    pub fn detach(&mut self, local: u16) -> Option<usize> {
        let position = self.heads[usize::from(local)].checked_sub(1)? as usize;
        if let Value::Local { below, .. } = self.values[position] {
            self.heads[usize::from(local)] = below;
        }
        self.values[position] = Value::Home;
        Some(position)
    }

    /// The lowest value that is a local, if one is: its position, and the local. It is in its home from now on. Asked until
    /// none is left: the locals' chains are cut as if it was the last.
    pub fn settle_local(&mut self) -> Option<(usize, u16)> {
        while let Some(value) = self.values.get_mut(self.settled) {
            let position = self.settled;
            self.settled += 1;
            if let Value::Local { local, .. } = *value {
                *value = Value::Home;
                self.heads[usize::from(local)] = 0;
                return Some((position, local));
            }
        }
        None
    }
}

//! The operand stack at translation time: where each value is, and what the accumulator holds.
//!
//! What is pushed and popped all the time has two words, so that it stays in registers. Enumerations of this size are written
//! to memory in parts and read back as a whole, and a processor waits for each part then: 5 to 9 % of the time of loading.

use crate::limits::FRAME_OVERHEAD_SLOTS;
use alloc::vec::Vec;

/// Where a value of the operand stack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In its home: the frame slot of its stack position.
    Home,
    /// In this local.
    Local(u16),
    /// A constant, not yet anywhere.
    Const(u64),
    /// Only in the accumulator.
    Acc,
}

/// The op that made a value which is in the accumulator alone. Its numbers are below 2^31 in any module that is not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Producer {
    at: u32,
    end: u32,
}

impl Producer {
    /// The op at `at`, which ends before `end`.
    pub fn new(at: usize, end: usize) -> Self {
        Self { at: at as u32, end: end as u32 }
    }

    /// Index of the op.
    pub fn at(self) -> usize {
        self.at as usize
    }

    /// Index behind it.
    pub fn end(self) -> usize {
        self.end as usize
    }

    fn word(self) -> u64 {
        u64::from(self.at) | u64::from(self.end) << 32
    }

    fn of(word: u64) -> Self {
        Self { at: word as u32, end: (word >> 32) as u32 }
    }
}

// What the lowest 16 bits of a value's head say. An operand in a slot may be in the accumulator too.
const IN_SLOT: u64 = 0;
const IN_BOTH: u64 = 1;
const CONST: u64 = 2;
const IN_ACC: u64 = 3;
const LOCAL: u64 = 4;

const KIND: u64 = 0xffff;

fn head(kind: u64, slot: u16, high: u32) -> u64 {
    kind | u64::from(slot) << 16 | u64::from(high) << 32
}

/// A value of the stack.
#[derive(Clone, Copy, Debug)]
struct Value {
    /// Kind, slot, and of a local the next value below that is the same one, plus 1.
    head: u64,
    /// A constant, or a [`Producer`].
    more: u64,
}

impl Value {
    fn kind(self) -> u64 {
        self.head & KIND
    }

    fn slot(self) -> u16 {
        (self.head >> 16) as u16
    }

    fn below(self) -> u32 {
        (self.head >> 32) as u32
    }
}

/// An operand that was popped, and the stack position that it had, whose home is free for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Popped {
    /// Kind, slot, position.
    head: u64,
    /// A constant, or a [`Producer`].
    more: u64,
}

/// Where an operand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    Slot(u16),
    Const(u64),
    /// In the accumulator, and in this slot.
    Both(u16),
    /// In the accumulator alone.
    Acc(Producer),
}

impl Popped {
    pub fn position(self) -> usize {
        (self.head >> 32) as usize
    }

    #[inline(always)]
    pub fn operand(self) -> Operand {
        let slot = (self.head >> 16) as u16;
        match self.head & KIND {
            CONST => Operand::Const(self.more),
            IN_SLOT => Operand::Slot(slot),
            IN_BOTH => Operand::Both(slot),
            _ => Operand::Acc(Producer::of(self.more)),
        }
    }

    /// Whether it is in the accumulator.
    #[inline(always)]
    pub fn in_acc(self) -> bool {
        matches!(self.operand(), Operand::Both(_) | Operand::Acc(_))
    }

    /// Its value, if it is a constant.
    #[inline(always)]
    pub fn value(self) -> Option<u64> {
        match self.operand() {
            Operand::Const(value) => Some(value),
            _ => None,
        }
    }
}

/// What the accumulator holds at this point of the code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Acc {
    /// Position of the value that is nowhere else.
    pending: u32,
    /// A slot that holds the same value.
    mirror: u32,
}

const NONE: u32 = u32::MAX;

impl Default for Acc {
    fn default() -> Self {
        Self { pending: NONE, mirror: NONE }
    }
}

impl Acc {
    /// What is in `slot`.
    pub fn of(slot: u16) -> Self {
        Self { pending: NONE, mirror: slot.into() }
    }

    /// The value at `position`, which is nowhere else.
    fn only(position: usize) -> Self {
        Self { pending: position as u32, mirror: NONE }
    }

    /// Whether it holds what is in `slot`.
    pub fn holds(self, slot: u16) -> bool {
        self.mirror == slot.into()
    }

    /// Position of the value that is nowhere else.
    fn pending(self) -> Option<usize> {
        (self.pending != NONE).then_some(self.pending as usize)
    }

    /// Notes that the slots in `slots` have other values now.
    pub fn overwritten(&mut self, slots: core::ops::Range<u32>) {
        if slots.contains(&self.mirror) {
            self.mirror = NONE;
        }
    }
}

/// The stack.
#[derive(Default)]
pub(super) struct Stack {
    values: Vec<Value>,
    /// For each local: the topmost value on the stack that is this local, plus 1.
    heads: Vec<u32>,
    /// Values below this position are not locals. Above the stack's height it says nothing.
    settled: usize,
    /// The accumulator.
    pub acc: Acc,
}

impl Stack {
    pub fn reset(&mut self, locals: usize) {
        self.values.clear();
        self.heads.clear();
        self.heads.resize(locals, 0);
        self.settled = 0;
        self.acc = Acc::default();
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// The home of `position`. The walker refuses frames over 65,535 slots at the function's end, so a number that does not fit
    /// here belongs to a function that will be refused.
    pub fn home(&self, position: usize) -> u16 {
        (self.heads.len() + FRAME_OVERHEAD_SLOTS as usize + position) as u16
    }

    /// Where the value at `position` is.
    pub fn place(&self, position: usize) -> Place {
        let value = self.values[position];
        match value.kind() {
            IN_SLOT => Place::Home,
            LOCAL => Place::Local(value.slot()),
            CONST => Place::Const(value.more),
            _ => Place::Acc,
        }
    }

    /// Pushes a value that is in its home.
    pub fn push_home(&mut self) {
        let home = self.home(self.values.len());
        self.values.push(Value { head: head(IN_SLOT, home, 0), more: 0 });
    }

    pub fn push_const(&mut self, value: u64) {
        self.values.push(Value { head: CONST, more: value });
    }

    /// Pushes what the op at `producer` leaves in the accumulator.
    pub fn push_acc(&mut self, producer: Producer) {
        self.acc = Acc::only(self.values.len());
        self.values.push(Value { head: IN_ACC, more: producer.word() });
    }

    pub fn push_local(&mut self, local: u16) {
        self.settled = self.settled.min(self.values.len());
        let below = core::mem::replace(&mut self.heads[usize::from(local)], self.values.len() as u32 + 1);
        self.values.push(Value { head: head(LOCAL, local, below), more: 0 });
    }

    #[inline]
    pub fn pop(&mut self) -> Popped {
        let value = self.values.pop().expect("validated: an operand is there");
        let kind = match value.kind() {
            CONST => CONST,
            IN_ACC => {
                self.acc.pending = NONE;
                IN_ACC
            }
            kind => {
                if kind == LOCAL {
                    // Values leave in the order of the chain: the topmost one is its head.
                    self.heads[usize::from(value.slot())] = value.below();
                }
                if self.acc.holds(value.slot()) { IN_BOTH } else { IN_SLOT }
            }
        };
        Popped { head: head(kind, value.slot(), self.values.len() as u32), more: value.more }
    }

    /// The constant on top, if one is there.
    #[inline]
    pub fn constant(&mut self) -> Option<&mut u64> {
        self.values.last_mut().filter(|value| value.kind() == CONST).map(|value| &mut value.more)
    }

    /// The op that made the value on top, if that is in the accumulator alone.
    pub fn top_producer(&self) -> Option<Producer> {
        self.values.last().filter(|value| value.kind() == IN_ACC).map(|value| Producer::of(value.more))
    }

    /// Drops values down to `len`.
    pub fn truncate(&mut self, len: usize) {
        while self.values.len() > len {
            self.pop();
        }
    }

    /// The op that made the value which is in the accumulator alone, if one is.
    pub fn pending(&self) -> Option<Producer> {
        self.acc.pending().map(|position| Producer::of(self.values[position].more))
    }

    /// The same, and the value's home, where it is from now on.
    #[inline]
    pub fn spill(&mut self) -> Option<(Producer, u16)> {
        let position = self.acc.pending()?;
        let producer = Producer::of(self.values[position].more);
        let home = self.settle(position);
        self.acc = Acc::of(home);
        Some((producer, home))
    }

    /// Drops the topmost `count` values, which are in their homes.
    pub fn drop_homes(&mut self, count: usize) {
        let len = self.values.len() - count;
        debug_assert!(self.values[len..].iter().all(|value| value.kind() == IN_SLOT));
        self.values.truncate(len);
    }

    /// Notes that the value at `position`, which was no local, is in its home now; returns that.
    pub fn settle(&mut self, position: usize) -> u16 {
        let home = self.home(position);
        let value = &mut self.values[position];
        debug_assert!(value.kind() != LOCAL);
        value.head = head(IN_SLOT, home, 0);
        home
    }

    /// The same for a local, of which no value is above `position`.
    pub fn settle_top_local(&mut self, position: usize) -> u16 {
        let home = self.home(position);
        let value = &mut self.values[position];
        let topmost = &mut self.heads[usize::from(value.slot())];
        debug_assert_eq!(*topmost as usize, position + 1);
        *topmost = value.below();
        value.head = head(IN_SLOT, home, 0);
        home
    }

    /// Takes the topmost value that is `local` from the chain, and returns its home, where it is from now on.
    pub fn detach(&mut self, local: u16) -> Option<u16> {
        let position = self.heads[usize::from(local)].checked_sub(1)? as usize;
        let home = self.home(position);
        let value = &mut self.values[position];
        self.heads[usize::from(local)] = value.below();
        value.head = head(IN_SLOT, home, 0);
        Some(home)
    }

    /// The lowest value that is a local, if one is: its home, where it is from now on, and the local. Asked until none is left:
    /// the locals' chains are cut as if it was the last.
    pub fn settle_local(&mut self) -> Option<(u16, u16)> {
        while let Some(&value) = self.values.get(self.settled) {
            let position = self.settled;
            self.settled += 1;
            if value.kind() == LOCAL {
                let home = self.home(position);
                self.values[position].head = head(IN_SLOT, home, 0);
                self.heads[usize::from(value.slot())] = 0;
                return Some((home, value.slot()));
            }
        }
        None
    }
}

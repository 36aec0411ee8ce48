//! Fields of emitted words that are written later: costs of blocks, offsets of branches.

use crate::interp::code::Word;
use alloc::vec::Vec;

/// A 32-bit half of a word that holds the cost of a block. Words are below 2^31 in any module that is not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u32);

impl Place {
    pub fn low(word: usize) -> Self {
        Self((word as u32) << 1)
    }

    pub fn high(word: usize) -> Self {
        Self((word as u32) << 1 | 1)
    }

    /// Writes the cost where nothing was written before.
    pub fn write(self, code: &mut [Word], cost: u32) {
        let word = &mut code[self.0 as usize / 2];
        let shift = 32 * (self.0 & 1);
        debug_assert_eq!(word.0 >> shift & 0xffff_ffff, 0);
        word.0 |= u64::from(cost) << shift;
    }
}

/// Where a word keeps the offset of a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// 16 bits in a.
    A,
    /// 16 bits in c.
    C,
    /// 32 bits in b:c.
    High,
    /// 32 bits in the low half: an entry of a branch table.
    Low,
}

/// Of each [`Field`], in their order: its lowest bit, and how many it has.
const SHAPES: [(u32, u32); 4] = [(16, 16), (48, 16), (32, 32), (0, 32)];

/// A branch: where its offset is kept, from where it counts, and where the cost of the target's block goes. Two words, so that
/// it stays in registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jump {
    /// `at`, and `from` in the high half.
    offset: u64,
    /// The place of the cost, and the field in the high half.
    rest: u64,
}

impl Jump {
    /// The offset is kept in `field` of the word at `at` and counts from `from`.
    pub fn new(at: usize, field: Field, from: usize, cost: Place) -> Self {
        Self { offset: at as u64 | (from as u64) << 32, rest: u64::from(cost.0) | (field as u64) << 32 }
    }

    /// Where the cost of the target's block goes.
    pub fn cost(self) -> Place {
        Place(self.rest as u32)
    }

    /// Writes the offset to `target` where nothing was written before; false if it does not fit its field.
    pub fn write(self, code: &mut [Word], target: usize) -> bool {
        let offset = target as i64 - (self.offset >> 32) as i64;
        let word = &mut code[self.offset as u32 as usize];
        let (shift, bits) = SHAPES[(self.rest >> 32) as usize];
        let mask = (1 << bits) - 1;
        let fits = offset << (64 - bits) >> (64 - bits) == offset;
        debug_assert_eq!(word.0 >> shift & mask, 0);
        word.0 |= (offset as u64 & mask) << shift;
        fits
    }
}

/// Branches to labels whose place is not known yet: lists in one pool.
#[derive(Default)]
pub(super) struct Fixups(Vec<(Jump, u32)>);

/// A list of [`Fixups`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Waiting(u32);

impl Fixups {
    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn push(&mut self, list: &mut Waiting, jump: Jump) {
        self.0.push((jump, list.0));
        list.0 = self.0.len() as u32;
    }

    /// Takes the branch that was pushed last from `list`.
    pub fn pop(&self, list: &mut Waiting) -> Option<Jump> {
        let (jump, next) = *self.0.get(list.0.checked_sub(1)? as usize)?;
        list.0 = next;
        Some(jump)
    }
}

//! The metering plan: where a function's metered blocks start and what each costs. Consensus (consensus.md, "Gas").
//!
//! Computed once per function from the validated Wasm operators, operator by operator, so that a sink can follow along in
//! the same pass. Both tiers take their numbers from here and neither counts for itself.

use super::isa::{Op, Prices};
use crate::error::{LoadError, LoadErrorKind};
use crate::gas::{MAX_BLOCK_COST, MAX_FUNCTION_COST, Schedule};
use alloc::{boxed::Box, vec::Vec};

/// What one operator does to the plan.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The operator is reachable: it counts and does something.
    pub live: bool,
    /// What follows it is reachable.
    pub live_after: bool,
    /// The block that ends with this operator, if one does: its cost.
    pub closed: Option<u32>,
    /// A new block starts behind it.
    pub opens: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Block,
    Loop,
    If,
    Else,
}

struct Frame {
    kind: Kind,
    /// The construct itself is reachable.
    live: bool,
    /// A reachable branch goes to its end.
    targeted: bool,
}

/// Makes the plan of one function body.
pub struct Planner {
    /// Prices of the schedule's operators.
    prices: &'static Prices,
    frames: Vec<Frame>,
    live: bool,
    /// Sum of the open block.
    cost: u32,
    total: u64,
}

impl Planner {
    /// An empty planner for `schedule`.
    pub fn new(schedule: Schedule) -> Self {
        Self { prices: Op::prices(schedule), frames: Vec::new(), live: true, cost: 0, total: 0 }
    }

    /// Starts a new body, keeping allocations. The first block starts at once.
    pub fn reset(&mut self) {
        self.frames.clear();
        self.frames.push(Frame { kind: Kind::Block, live: true, targeted: false });
        self.live = true;
        (self.cost, self.total) = (0, 0);
    }

    /// Notes a branch of the current operator to the label at `depth`; called before [`Planner::step`].
    #[inline]
    pub fn branch(&mut self, depth: u32) {
        if self.live {
            let at = self.frames.len() - 1 - depth as usize;
            // A branch to a loop goes to its start, where a block starts anyway.
            if self.frames[at].kind != Kind::Loop {
                self.frames[at].targeted = true;
            }
        }
    }

    /// Takes the next operator. Validation has passed for it.
    ///
    /// # Errors
    /// `Plan` when a block costs more than 2^32-1 or the function more than 2^48 particles.
    // Inlined into one visiting function an operator, where all but the sum folds away for most of them.
    #[inline(always)]
    pub fn step(&mut self, op: Op, offset: usize) -> Result<Step, Box<LoadError>> {
        let live = self.live;
        if live {
            // The limit of a block is what its 32 bits hold.
            const { assert!(MAX_BLOCK_COST == u32::MAX as u64) };
            let Some(cost) = self.cost.checked_add(self.prices[op as usize]) else {
                return Err(too_dear(offset));
            };
            self.cost = cost;
        }
        let mut opens = live && op.ends_block();
        match op {
            Op::Block | Op::TryTable => self.frames.push(Frame { kind: Kind::Block, live, targeted: false }),
            Op::Loop => self.frames.push(Frame { kind: Kind::Loop, live, targeted: false }),
            Op::If => self.frames.push(Frame { kind: Kind::If, live, targeted: false }),
            Op::Else => {
                let frame = self.frames.last_mut().expect("validated: `else` stands inside an `if`");
                frame.kind = Kind::Else;
                frame.targeted |= live;
                self.live = frame.live;
                opens = frame.live;
            }
            Op::End => {
                let frame = self.frames.pop().expect("validated: every `end` has its construct");
                let skipped = frame.kind == Kind::If && frame.live;
                self.live = live || frame.targeted || skipped;
                opens = self.live
                    && match frame.kind {
                        Kind::Block => frame.targeted,
                        Kind::Loop => false,
                        Kind::If | Kind::Else => true,
                    };
                if self.frames.is_empty() {
                    (self.live, opens) = (false, false);
                }
            }
            op if op.ends_path() => self.live = false,
            _ => {}
        }
        let closed = if live && (opens || !self.live) { Some(self.close(offset)?) } else { None };
        Ok(Step { live, live_after: self.live, closed, opens })
    }

    #[inline]
    fn close(&mut self, offset: usize) -> Result<u32, Box<LoadError>> {
        let cost = core::mem::take(&mut self.cost);
        self.total += u64::from(cost);
        if self.total > MAX_FUNCTION_COST { Err(too_dear(offset)) } else { Ok(cost) }
    }
}

#[cold]
fn too_dear(offset: usize) -> Box<LoadError> {
    let what = "the metered cost of a block or function is beyond its limit";
    Box::new(LoadError::new(LoadErrorKind::Plan, offset, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The blocks: index of the first operator, dead ones counted too, and cost in gas.
    fn plan(ops: &[(Op, Option<u32>)]) -> Vec<(u32, u32)> {
        let mut p = Planner::new(Schedule::Unit);
        p.reset();
        let (mut blocks, mut start) = (Vec::new(), 0);
        for (index, (op, target)) in ops.iter().enumerate() {
            target.iter().for_each(|d| p.branch(*d));
            let step = p.step(*op, 0).unwrap();
            blocks.extend(step.closed.map(|cost| (start, cost / 10_000)));
            if step.opens {
                start = index as u32 + 1;
            }
        }
        blocks
    }

    #[test]
    fn a_block_that_nothing_targets_belongs_to_its_surroundings() {
        let ops = [(Op::Block, None), (Op::Nop, None), (Op::End, None), (Op::Nop, None), (Op::End, None)];
        assert_eq!(plan(&ops), [(0, 5)]);
    }

    #[test]
    fn a_targeted_end_starts_a_block() {
        let ops = [
            (Op::Block, None),
            (Op::LocalGet, None),
            (Op::BrIf, Some(0)),
            (Op::Nop, None),
            (Op::End, None),
            (Op::End, None),
        ];
        assert_eq!(plan(&ops), [(0, 3), (3, 2), (5, 1)]);
    }

    #[test]
    fn what_follows_an_endless_loop_is_dead() {
        let ops =
            [(Op::Loop, None), (Op::Br, Some(0)), (Op::Nop, None), (Op::End, None), (Op::Nop, None), (Op::End, None)];
        assert_eq!(plan(&ops), [(0, 1), (1, 1)]);
    }

    #[test]
    fn arms_and_what_follows_them() {
        let ops = [
            (Op::LocalGet, None),
            (Op::If, None),
            (Op::Nop, None),
            (Op::Else, None),
            (Op::Return, None),
            (Op::End, None),
            (Op::End, None),
        ];
        // condition and `if`; `nop` and `else`; `return`; the function's `end`. The inner `end` is never executed.
        assert_eq!(plan(&ops), [(0, 2), (2, 2), (4, 1), (6, 1)]);
    }
}

//! Reversals of bytes, which WebAssembly has no operator for: compilers write them as shifts, masks and unions, some twenty
//! operators each, and contracts do little else where the chain's numbers are of the other byte order.
//!
//! Found in finished code, by trying it: a run of ops that move whole bytes of one slot is evaluated for the number whose
//! bytes are 1, 2, 3 and so on. What comes out says where each byte goes, whatever the slot holds. The run's first word
//! becomes one op that leaves what the run's last op leaves, and goes on behind it. The other words stay as they are: a branch
//! may lead to one of them.

use crate::interp::code::{CODES, Family, Kind, TO_SLOT, Word, pair};
use crate::interp::exec::fused::words_of;

/// Ops of the longest run that is looked at: those for 64 bits have 21 at least.
const LONGEST: usize = 32;

/// Whether a reversal may begin with an op of this code.
static BEGINS: [bool; CODES] = {
    let (mut begins, mut code) = ([false; CODES], 0);
    while code < CODES {
        let word = Word::new(code as u16, 0, 0, 0);
        begins[code] = match parts(word) {
            Some((_, Action::Or, _)) | None => false,
            Some((_, _, form)) => with_constant(Kind::Slot, form) || with_constant(Kind::Acc, form),
        };
        code += 1;
    }
    begins
};

/// Whether operands are `left` and a constant in this form of an op that moves bytes.
const fn with_constant(left: Kind, form: u16) -> bool {
    form == pair(left, Kind::Imm) || form == pair(left, Kind::Ext)
}

/// The op that does what the code starts with, behind the op `before`, in a function whose slots from `homes` on hold operands;
/// if that is a reversal.
#[inline(always)]
pub(super) fn reversal(before: Word, code: &[Word], homes: u16) -> Option<Word> {
    match BEGINS.get(usize::from(code[0].code())) {
        Some(true) => try_run(before, code, homes),
        _ => None,
    }
}

#[inline(never)]
fn try_run(before: Word, code: &[Word], homes: u16) -> Option<Word> {
    let (wide, _, form) = parts(code[0])?;
    let in_acc = with_constant(Kind::Acc, form);
    let source = if in_acc { left_in(before)? } else { code[0].b() };
    let mut run = Run { wide, source, homes, values: [(0, 0); HELD], held: 0, acc: None };
    run.acc = in_acc.then_some((run.identity(), false));
    let (family, goal) = match wide {
        true => (Family::I64Reverse, run.identity().swap_bytes()),
        false => (Family::I32Reverse, run.identity().swap_bytes() >> 32),
    };
    let mut at = 0;
    for _ in 0..LONGEST {
        let word = *code.get(at)?;
        let value = run.step(word, code.get(at + 1).copied())?;
        at += words_of(word);
        if value == goal && run.held == 0 {
            let (to, words) = (word.form() & TO_SLOT, u16::try_from(at).ok()?);
            return Some(Word::new(family.value(0, to), word.a(), run.source, words));
        }
        run.keep(word, value)?;
    }
    None
}

/// The slot that an op leaves its value in, beside the accumulator.
fn left_in(op: Word) -> Option<u16> {
    let family = op.family()? as u16;
    let value = |first: Family, last: Family| (first as u16..=last as u16).contains(&family);
    let makes_one = value(Family::I32Add, Family::I64Rotr) || value(Family::I32DivS, Family::I64Load32S);
    (makes_one && op.form() & TO_SLOT != 0).then_some(op.a())
}

/// What an op of a run does.
enum Action {
    And,
    Or,
    Left,
    Right,
    Rotate,
}

/// Width, action and form of an op that a run may have.
const fn parts(word: Word) -> Option<(bool, Action, u16)> {
    let Some(family) = word.family() else { return None };
    let (wide, action) = match family {
        Family::I64And => (true, Action::And),
        Family::I64Or => (true, Action::Or),
        Family::I64Shl => (true, Action::Left),
        Family::I64ShrU => (true, Action::Right),
        Family::I64Rotl => (true, Action::Rotate),
        Family::I32And => (false, Action::And),
        Family::I32Or => (false, Action::Or),
        Family::I32Shl => (false, Action::Left),
        Family::I32ShrU => (false, Action::Right),
        Family::I32Rotl => (false, Action::Rotate),
        _ => return None,
    };
    Some((wide, action, word.form() / 2))
}

/// Intermediate values that are held at a time: as many as there are bytes.
const HELD: usize = 8;

/// The values of a run so far.
struct Run {
    wide: bool,
    /// The slot whose bytes are moved.
    source: u16,
    /// Slots below are locals.
    homes: u16,
    /// Slots with values that are still to be used, and these.
    values: [(u16, u64); HELD],
    held: usize,
    /// The value in the accumulator that is still to be used, and whether it is the last one held as well.
    acc: Option<(u64, bool)>,
}

impl Run {
    /// Each byte of the source, from 1 on; 0 stands for none.
    fn identity(&self) -> u64 {
        if self.wide { 0x0807_0605_0403_0201 } else { 0x0403_0201 }
    }

    /// Takes the value of `slot`: the source, or a value that was held for this one use.
    fn slot(&mut self, slot: u16) -> Option<u64> {
        if slot == self.source {
            return Some(self.identity());
        }
        let at = self.values[..self.held].iter().rposition(|(held, _)| *held == slot)?;
        self.held -= 1;
        self.values.swap(at, self.held);
        Some(self.values[self.held].1)
    }

    /// Takes the accumulator's value, from where else it is held too: it has one use. Asked for before slots are.
    fn acc(&mut self) -> Option<u64> {
        let (value, held) = self.acc.take()?;
        self.held -= usize::from(held);
        Some(value)
    }

    /// The value of the next op; `None`: it is none that a run may have.
    fn step(&mut self, word: Word, extension: Option<Word>) -> Option<u64> {
        let (wide, action, form) = parts(word)?;
        if wide != self.wide {
            return None;
        }
        let is = |left, right| form == pair(left, right);
        if let Action::Or = action {
            // The right operand was pushed later, but a union has no order.
            let (left, right) = if is(Kind::Slot, Kind::Slot) {
                (self.slot(word.b())?, self.slot(word.c())?)
            } else if is(Kind::Acc, Kind::Slot) {
                (self.acc()?, self.slot(word.c())?)
            } else {
                return None;
            };
            let bytes = |value: u64| (0..8).filter(move |i| value >> (8 * i) & 0xff != 0);
            let apart = bytes(left).all(|i| right >> (8 * i) & 0xff == 0);
            return apart.then_some(left | right);
        }
        let with_extension = is(Kind::Slot, Kind::Ext) || is(Kind::Acc, Kind::Ext);
        let operand = if with_extension { extension?.0 } else { i64::from(word.c() as i16) as u64 };
        let operand = if wide { operand } else { u64::from(operand as u32) };
        let value = if is(Kind::Slot, Kind::Imm) || is(Kind::Slot, Kind::Ext) {
            self.slot(word.b())?
        } else if is(Kind::Acc, Kind::Imm) || is(Kind::Acc, Kind::Ext) {
            self.acc()?
        } else {
            return None;
        };
        let whole_bytes = |count: u64| count.is_multiple_of(8);
        let value = match action {
            Action::And => {
                let masks = (0..8).all(|i| matches!(operand >> (8 * i) & 0xff, 0 | 0xff));
                masks.then_some(value & operand)?
            }
            _ if !whole_bytes(operand) => return None,
            Action::Left => value << (operand & 63),
            Action::Right => value >> (operand & 63),
            Action::Rotate if wide => value.rotate_left(operand as u32),
            _ => u64::from((value as u32).rotate_left(operand as u32)),
        };
        Some(if wide { value } else { u64::from(value as u32) })
    }

    /// Holds the value that `word` made: its slot must be one of operands, so that nothing else ever reads it. What is made
    /// must be used, which also bounds how far a run is followed in vain.
    fn keep(&mut self, word: Word, value: u64) -> Option<()> {
        if matches!(self.acc, Some((_, false))) {
            // The value before was dropped.
            return None;
        }
        let held = word.form() & TO_SLOT != 0;
        self.acc = Some((value, held));
        if held {
            if word.a() < self.homes || word.a() == self.source || self.held == HELD {
                return None;
            }
            self.values[self.held] = (word.a(), value);
            self.held += 1;
        }
        Some(())
    }
}

//! The charge of a block, in two instructions.
//!
//! Cranelift reaches the register of gas by moves alone: `mov r, r15; sub r, cost; mov r15, r`, and where gas is looked at
//! `test r, r; jl` behind. Nothing else uses `r` ([`crate::lower`] writes charges so and marks them). The same is
//! `sub r15, cost; jl`: what is left of the bytes becomes one instruction that does nothing. Anything that does not look
//! exactly so stays as it is.

/// Marks what a charge becomes, in the source location of its first instruction. Above every operator's place.
pub(crate) const CHARGE: u32 = 1 << 30;
/// Marks a charge behind which gas is looked at.
pub(crate) const LOOKED_AT: u32 = 1 << 29;
/// All marks.
pub(crate) const MARKS: u32 = CHARGE | LOOKED_AT;

/// The longest instruction that does nothing, by how many bytes it is to have.
const NOTHING: [&[u8]; 10] = [
    &[],
    &[0x90],
    &[0x66, 0x90],
    &[0x0f, 0x1f, 0x00],
    &[0x0f, 0x1f, 0x40, 0x00],
    &[0x0f, 0x1f, 0x44, 0x00, 0x00],
    &[0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
    &[0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
    &[0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
    &[0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
];

/// Shortens the charge that `code` begins with, if it is one, `looked_at` or not.
pub(crate) fn shorten(code: &mut [u8], looked_at: bool) {
    if let Some((len, cost)) = charge(code, looked_at) {
        let nothing = NOTHING[len - cost.len()];
        code[..nothing.len()].copy_from_slice(nothing);
        code[nothing.len()..len].copy_from_slice(&cost);
    }
}

/// How many bytes the charge takes, and the one instruction that does the same.
fn charge(code: &[u8], looked_at: bool) -> Option<(usize, Vec<u8>)> {
    // `mov r, r15`: r is any register of the sixteen; its high bit is in the prefix.
    let (&[prefix @ (0x4c | 0x4d), 0x89, register], rest) = code.split_first_chunk()? else { return None };
    let (high, low) = (prefix & 1, register & 7);
    if register != 0xf8 | low {
        return None;
    }
    // `sub r, cost`: of one byte or four; with rax there is a form of its own.
    let (size, rest) = match rest {
        [0x48, 0x2d, rest @ ..] if (high, low) == (0, 0) => (0x81, rest),
        &[prefix, size @ (0x81 | 0x83), register, ref rest @ ..] if (prefix, register) == (0x48 | high, 0xe8 | low) => {
            (size, rest)
        }
        _ => return None,
    };
    let (cost, rest) = rest.split_at_checked(if size == 0x83 { 1 } else { 4 })?;
    // `mov r15, r`.
    let rest = rest.strip_prefix(&[0x49 | high << 2, 0x89, 0xc7 | low << 3])?;
    // `test r, r` and `jl` or `jge`: both ask for the sign that `sub` leaves, as what is left never wraps. When something else
    // comes between, what asks for `r` comes later.
    let rest = if looked_at {
        let rest = rest.strip_prefix(&[0x48 | high << 2 | high, 0x85, 0xc0 | low << 3 | low])?;
        matches!(rest, [0x0f, 0x8c | 0x8d, ..] | [0x7c | 0x7d, ..]).then_some(rest)?
    } else {
        rest
    };
    Some((code.len() - rest.len(), [&[0x49, size, 0xef], cost].concat()))
}

#[cfg(test)]
mod tests {
    use super::shorten;
    use crate::{Bounds, compile};
    use gristmill::tier::Source;
    use gristmill::{Config, Engine};

    fn shortened(code: &[u8], looked_at: bool) -> Vec<u8> {
        let mut code = code.to_vec();
        shorten(&mut code, looked_at);
        code
    }

    #[test]
    fn a_charge_is_one_subtraction() {
        // mov r9, r15; sub r9, 0x12345678; mov r15, r9; ret
        let paid = [0x4d, 0x89, 0xf9, 0x49, 0x81, 0xe9, 0x78, 0x56, 0x34, 0x12, 0x4d, 0x89, 0xcf, 0xc3];
        let sub = [0x49, 0x81, 0xef, 0x78, 0x56, 0x34, 0x12, 0xc3];
        assert_eq!(shortened(&paid, false), [&[0x66, 0x0f, 0x1f, 0x44, 0, 0][..], &sub].concat());
        // mov rax, r15; sub rax, 0x1234; mov r15, rax
        let paid = [0x4c, 0x89, 0xf8, 0x48, 0x2d, 0x34, 0x12, 0, 0, 0x49, 0x89, 0xc7];
        assert_eq!(shortened(&paid, false), [0x0f, 0x1f, 0x44, 0, 0, 0x49, 0x81, 0xef, 0x34, 0x12, 0, 0]);
        // mov rax, r15; sub rax, 7; mov r15, rax; test rax, rax; jl
        let looked_at = [0x4c, 0x89, 0xf8, 0x48, 0x83, 0xe8, 7, 0x49, 0x89, 0xc7, 0x48, 0x85, 0xc0, 0x0f, 0x8c];
        let sub = [0x49, 0x83, 0xef, 7, 0x0f, 0x8c];
        assert_eq!(shortened(&looked_at, true), [&[0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0][..], &sub].concat());
    }

    #[test]
    fn what_is_no_charge_stays() {
        let looked_at = [0x4c, 0x89, 0xf8, 0x48, 0x83, 0xe8, 7, 0x49, 0x89, 0xc7, 0x48, 0x85, 0xc0, 0x0f, 0x8c];
        for (at, other) in [(0, 0x48), (1, 0x8b), (2, 0xf9), (3, 0x49), (5, 0xe9), (7, 0x4d), (9, 0xcf), (14, 0x84)] {
            let mut code = looked_at;
            code[at] = other;
            assert_eq!(shortened(&code, true), code, "byte {at}");
        }
        for len in 0..15 {
            assert_eq!(shortened(&looked_at[..len], true), looked_at[..len], "{len} bytes");
        }
    }

    /// A move between charge and test, as when a value is spilled there: the test is of `r`.
    #[test]
    fn what_is_looked_at_later_stays() {
        let later = [0x4c, 0x89, 0xf8, 0x48, 0x83, 0xe8, 7, 0x49, 0x89, 0xc7, 0x89, 0xd1, 0x48, 0x85, 0xc0, 0x0f, 0x8c];
        assert_eq!(shortened(&later, true), later);
    }

    /// No gas goes to its register by a move but where an entry fails.
    #[test]
    fn all_charges_of_compiled_code_are_short() {
        let engine = Engine::new(&Config::new()).expect("an engine");
        let isa = compile::isa().expect("this machine has machine code");
        for bounds in [Bounds::Check, Bounds::Guard] {
            let source = Source::new(&engine, gristmill_fixtures::TOKEN).expect("a contract");
            let object = compile::module(&isa, bounds, &source).expect("it compiles");
            let moved = |code: &&[u8]| matches!(code, [0x49 | 0x4d, 0x89, to] if to & 0xc7 == 0xc7);
            let moves = object.code.windows(3).filter(moved).count();
            assert!(moves <= object.functions.len(), "{moves} moves, {} functions", object.functions.len());
        }
    }
}

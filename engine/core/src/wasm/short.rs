//! The short encodings: those that nearly every operator of a module has, read without asking the parser.
//!
//! An opcode of one byte, then nothing, a number of at most four bytes, an alignment and such an offset, or a block type
//! of one byte. Whatever is longer, rarer or wrong in any way is left to the parser, whose reading of the short ones is the
//! same: a test compares them.

use super::isa::{Group, Op};
use alloc::vec::Vec;
use wasmparser::{
    BlockType, BrTable, HeapType, Ieee32, Ieee64, MemArg, MemArgTarget, Ordering, RefType, ResumeTable, TryTable,
    ValType,
};

/// The opcode of the operator with the parser's name `ident` if it can be read here, else one that no byte has. Where size
/// counts, that is `end` alone: whoever takes the last one must know what is behind it.
pub(super) const fn code(ident: &str, unrolled: bool) -> u32 {
    match Op::from_ident(ident) {
        Some(op) if !unrolled && !matches!(op, Op::End) => u32::MAX,
        // `else` needs a look at the construct it stands in, the indices of the other groups have rules of their own.
        Some(Op::Else) | None => u32::MAX,
        Some(op) => match op.row().group {
            Group::Table | Group::Reference | Group::Memory | Group::Bulk => u32::MAX,
            _ => op.row().encoding,
        },
    }
}

/// The immediates of operator `op` at the start of `bytes`, as a tuple, and what follows them.
pub(super) trait Short: Sized {
    #[inline(always)]
    fn read(_bytes: &[u8], _op: Option<Op>) -> Option<(Self, &[u8])> {
        None
    }
}

impl Short for () {
    #[inline(always)]
    fn read(bytes: &[u8], _: Option<Op>) -> Option<(Self, &[u8])> {
        Some(((), bytes))
    }
}

impl Short for (u32,) {
    #[inline(always)]
    fn read(bytes: &[u8], _: Option<Op>) -> Option<(Self, &[u8])> {
        let (value, _, rest) = number(bytes)?;
        Some(((value,), rest))
    }
}

impl Short for (i32,) {
    #[inline(always)]
    fn read(bytes: &[u8], _: Option<Op>) -> Option<(Self, &[u8])> {
        let (value, bits, rest) = number(bytes)?;
        Some(((signed(value, bits),), rest))
    }
}

impl Short for (i64,) {
    #[inline(always)]
    fn read(bytes: &[u8], _: Option<Op>) -> Option<(Self, &[u8])> {
        let (value, bits, rest) = number(bytes)?;
        Some(((i64::from(signed(value, bits)),), rest))
    }
}

impl Short for (MemArg,) {
    #[inline(always)]
    fn read(bytes: &[u8], op: Option<Op>) -> Option<(Self, &[u8])> {
        // Higher bits are flags.
        let (&align, rest) = bytes.split_first().filter(|(align, _)| **align < 1 << 4)?;
        let (offset, _, rest) = number(rest)?;
        let offset = u64::from(offset);
        let memarg = MemArg {
            align,
            max_align: op?.access_bytes()?.trailing_zeros() as u8,
            offset,
            target: MemArgTarget::Memory(0),
            ordering: None,
        };
        Some(((memarg,), rest))
    }
}

impl Short for (BlockType,) {
    #[inline(always)]
    fn read(bytes: &[u8], _: Option<Op>) -> Option<(Self, &[u8])> {
        let (&ty, rest) = bytes.split_first()?;
        let ty = match ty {
            0x40 => BlockType::Empty,
            0x7f => BlockType::Type(ValType::I32),
            0x7e => BlockType::Type(ValType::I64),
            _ => return None,
        };
        Some(((ty,), rest))
    }
}

macro_rules! never {
    ($($ty:ty;)*) => { $( impl Short for $ty {} )* };
}

never! {
    (u32, u32);
    (Ieee32,);
    (Ieee64,);
    (ValType,);
    (HeapType,);
    (TryTable,);
    (BrTable<'_>,);
    (Vec<ValType>,);
    (u32, RefType, RefType);
    (Ordering,);
    (Ordering, u32);
    (Ordering, u32, u32);
    (u32, ResumeTable);
    (u32, u32, ResumeTable);
}

/// A LEB128 number of at most four bytes, which all widths and signs have room for; how many bits of it were given, and what
/// follows it. Longer than a byte, it is read if four bytes are left: how long it is nobody can guess, so nothing branches on that.
#[inline(always)]
fn number(bytes: &[u8]) -> Option<(u32, u32, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        return Some((first.into(), 7, rest));
    }
    let word = u32::from_le_bytes(*bytes.first_chunk()?);
    // The highest bit of the number's last byte, the lowest of these that is not set.
    let last = !word & 0x8080_8080;
    if last == 0 {
        return None;
    }
    let len = last.trailing_zeros() / 8 + 1;
    let word = word & (last ^ (last - 1));
    let value = word & 0x7f | word >> 1 & 0x3f80 | word >> 2 & 0x1f_c000 | word >> 3 & 0xfe0_0000;
    Some((value, 7 * len, bytes.get(len as usize..)?))
}

/// A number of which `bits` bits were given, if it has a sign.
#[inline(always)]
fn signed(value: u32, bits: u32) -> i32 {
    let unused = 32 - bits;
    (value << unused) as i32 >> unused
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use wasmparser::{BinaryReader, Operator, OperatorsReader};

    macro_rules! operators {
        ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($arity:tt)*))*) => {
            /// The operator at the start of `bytes` as it is read here, and its length.
            #[allow(non_upper_case_globals, unreachable_patterns)]
            fn here<'a>(bytes: &'a [u8]) -> Option<(Operator<'a>, usize)> {
                $( const $op: u32 = code(stringify!($op), true); )*
                match u32::from(bytes[0]) {
                    $( $op => {
                        const OP: Option<Op> = Op::from_ident(stringify!($op));
                        let (($($($arg,)*)?), rest) = <($($($ty,)*)?)>::read(&bytes[1..], OP)?;
                        Some((Operator::$op $({ $($arg),* })?, bytes.len() - rest.len()))
                    } )*
                    _ => None,
                }
            }
        };
    }
    wasmparser::for_each_visit_operator!(operators);

    fn parser(bytes: &[u8]) -> Option<(Operator<'_>, usize)> {
        let reader = BinaryReader::new_features(bytes, 0, Profile::general().features);
        let mut reader = OperatorsReader::new(reader);
        let operator = reader.read().ok()?;
        Some((operator, reader.original_position() as usize))
    }

    /// Numbers at the edges of bytes and signs, some overlong, some too long, some cut off; alignments and flags among them.
    const NUMBERS: &[&[u8]] = &[
        &[],
        &[0x00],
        &[0x01],
        &[0x03],
        &[0x0f],
        &[0x10],
        &[0x20],
        &[0x3f],
        &[0x40],
        &[0x7d],
        &[0x7e],
        &[0x7f],
        &[0x80],
        &[0x80, 0x00],
        &[0xff, 0x00],
        &[0x80, 0x01],
        &[0xff, 0x3f],
        &[0xc0, 0x40],
        &[0xff, 0x7f],
        &[0x80, 0x80, 0x01],
        &[0xff, 0xff, 0x7f],
        &[0x80, 0x80, 0x80],
        &[0x80, 0x80, 0x80, 0x40],
        &[0xff, 0xff, 0xff, 0x3f],
        &[0xff, 0xff, 0xff, 0x7f],
        &[0xff, 0xff, 0xff, 0xff, 0x0f],
        &[0xff, 0xff, 0xff, 0xff, 0x7f],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ];

    #[test]
    fn what_is_read_here_is_what_the_parser_reads() {
        let mut read = [false; 256];
        for code in 0..=255 {
            for (first, second) in NUMBERS.iter().flat_map(|first| NUMBERS.iter().map(move |second| (first, second))) {
                let bytes = [&[code][..], first, second].concat();
                if let Some(here) = here(&bytes) {
                    read[usize::from(code)] = true;
                    assert_eq!(Some(here), parser(&bytes), "{bytes:02x?}");
                }
            }
        }
        // All operators of WebAssembly 1.0 and sign extension but `else`, `br_table`, `call_indirect`, the two on the size of
        // memory, and constants that are floats; and `return_call`, the calls and the branches of references,
        // and the two that throw.
        assert_eq!(
            read.iter().filter(|read| **read).count(),
            172 - 7 + 5 + 1 + 4 + 2,
            "a short encoding is left to the parser"
        );
    }
}

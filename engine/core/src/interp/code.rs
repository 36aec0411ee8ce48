//! The interpreter's code: register form over 8-byte frame slots, in words of 8 bytes.
//!
//! A word is `{op, a, b, c}`, 16 bits each, op lowest; extension words follow where a field says so. An op is a family
//! (what it does) and a form (where its operands are). Kinds of operands: a slot of the frame, an immediate, the
//! accumulator, an extension word. Every op that makes a value leaves it in the accumulator, and the lowest bit of the form
//! says whether it is also written to slot `a`: so the translator can give a value a slot after the op was emitted.
//!
//! | op | words |
//! |---|---|
//! | function header | block cost:32 entry cost:32; height, parameters, locals; then the first op |
//! | value | a = destination, b = left, c = right, or b:c = 32-bit immediate |
//! | branch on a comparison | a = left, b = right, c = offset:16; taken cost:32, fall cost:32 |
//! | branch | a = offset:16, b:c = cost |
//! | call | a = first argument, b:c = callee; cost of the block behind:32 |
//! | return | a = control slot, b = value, c = height |
//!
//! Offsets count words from the op's own word. A frame is parameters, locals, four control slots (the first holds the
//! return address), operands; a callee's frame starts at its first argument.

use super::exec::fused::{first_of, words_of};
use super::lazy::Lazy;
use alloc::{string::String, vec::Vec};

/// One 8-byte word of code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Word(pub u64);

impl Word {
    pub const fn new(code: u16, a: u16, b: u16, c: u16) -> Self {
        Self(code as u64 | (a as u64) << 16 | (b as u64) << 32 | (c as u64) << 48)
    }

    /// A word whose fields b and c hold 32 bits.
    pub const fn wide(code: u16, a: u16, bc: u32) -> Self {
        Self(code as u64 | (a as u64) << 16 | (bc as u64) << 32)
    }

    /// This word with another code.
    pub const fn with_code(self, code: u16) -> Self {
        Self(self.0 & !0xffff | code as u64)
    }

    #[inline(always)]
    pub const fn code(self) -> u16 {
        self.0 as u16
    }

    #[inline(always)]
    pub const fn a(self) -> u16 {
        (self.0 >> 16) as u16
    }

    #[inline(always)]
    pub const fn b(self) -> u16 {
        (self.0 >> 32) as u16
    }

    #[inline(always)]
    pub const fn c(self) -> u16 {
        (self.0 >> 48) as u16
    }

    /// Fields b and c together; also the high half of an extension word.
    #[inline(always)]
    pub const fn high(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The low half of an extension word.
    #[inline(always)]
    pub const fn low(self) -> u32 {
        self.0 as u32
    }

    pub const fn family(self) -> Option<Family> {
        let family = (self.code() / FORMS) as usize;
        if family < FAMILIES.len() { Some(FAMILIES[family]) } else { None }
    }

    pub const fn form(self) -> u16 {
        self.code() % FORMS
    }
}

/// Forms a family may have.
pub(crate) const FORMS: u16 = 16;

/// The bit of a value's form that says it is written to slot `a` too.
pub(crate) const TO_SLOT: u16 = 1;

/// Where an operand is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A slot of the frame.
    Slot,
    /// A sign-extended 16-bit immediate; for loads and stores a 32-bit absolute address.
    Imm,
    /// The accumulator.
    Acc,
    /// The extension word.
    Ext,
}

/// Form (without [`TO_SLOT`], shifted) of two operands. A family has extension or left-immediate forms, never both.
pub(crate) const fn pair(left: Kind, right: Kind) -> u16 {
    use Kind::*;
    match (left, right) {
        (Slot, Slot) => 0,
        (Slot, Imm) => 1,
        (Slot, Acc) => 2,
        (Acc, Slot) => 3,
        (Acc, Imm) => 4,
        (Slot, Ext) | (Imm, Slot) => 5,
        (Acc, Ext) | (Imm, Acc) => 6,
        _ => 7,
    }
}

/// Form of one operand, shifted likewise.
pub(crate) const fn single(operand: Kind) -> u16 {
    match operand {
        Kind::Slot => 0,
        Kind::Acc => 1,
        Kind::Imm => 2,
        Kind::Ext => 3,
    }
}

/// Form of a load: where the address is, and whether the static offset needs the extension word.
pub(crate) const fn load(address: Kind, far: bool) -> u16 {
    single(address) + if far { 3 } else { 0 }
}

/// Form of a store; `far` is known for slots only.
pub(crate) const fn store(address: Kind, value: Kind, far: bool) -> u16 {
    use Kind::*;
    match (address, value, far) {
        (Slot, Slot, false) => 0,
        (Acc, Slot, _) => 1,
        (Acc, Imm, _) => 8,
        (Slot, Acc, _) => 2,
        (Slot, Imm, _) => 3,
        (Slot, _, true) => 4,
        (Imm, Slot, _) => 5,
        (Imm, Acc, _) => 6,
        (Imm, Imm, _) => 7,
        _ => 15,
    }
}

/// Calls `$callback` with what is passed on and all families by kind, each with the function of `num` that is its meaning where it has one.
macro_rules! for_each_family {
    ($callback:ident $([$($pass:tt)*])?) => {
        $callback! {
            $([$($pass)*])?
            commutative {
                I32Add i32_add; I32Mul i32_mul; I32And i32_and; I32Or i32_or; I32Xor i32_xor;
                I64Add i64_add; I64Mul i64_mul; I64And i64_and; I64Or i64_or; I64Xor i64_xor;
            }
            ordered {
                I32Sub i32_sub; I32Shl i32_shl; I32ShrS i32_shr_s; I32ShrU i32_shr_u; I32Rotl i32_rotl; I32Rotr i32_rotr;
                I64Sub i64_sub; I64Shl i64_shl; I64ShrS i64_shr_s; I64ShrU i64_shr_u; I64Rotl i64_rotl; I64Rotr i64_rotr;
            }
            compare {
                I32Eq BrI32Eq i32_eq; I32Ne BrI32Ne i32_ne;
                I32LtS BrI32LtS i32_lt_s; I32LtU BrI32LtU i32_lt_u; I32GeS BrI32GeS i32_ge_s; I32GeU BrI32GeU i32_ge_u;
                I64Eq BrI64Eq i64_eq; I64Ne BrI64Ne i64_ne;
                I64LtS BrI64LtS i64_lt_s; I64LtU BrI64LtU i64_lt_u; I64GeS BrI64GeS i64_ge_s; I64GeU BrI64GeU i64_ge_u;
            }
            partial {
                I32DivS i32_div_s; I32DivU i32_div_u; I32RemS i32_rem_s; I32RemU i32_rem_u;
                I64DivS i64_div_s; I64DivU i64_div_u; I64RemS i64_rem_s; I64RemU i64_rem_u;
            }
            unary {
                I32Clz i32_clz; I32Ctz i32_ctz; I32Popcnt i32_popcnt; I64Clz i64_clz; I64Ctz i64_ctz; I64Popcnt i64_popcnt;
                I32Extend8S i32_extend8_s; I32Extend16S i32_extend16_s; I64Extend8S i64_extend8_s;
                I64Extend16S i64_extend16_s; I64Extend32S i64_extend32_s; I32WrapI64 i32_wrap_i64;
            }
            load {
                Load8U u8; Load16U u16; Load32U u32; Load64 u64;
                I32Load8S i8; I32Load16S i16; I64Load8S i8; I64Load16S i16; I64Load32S i32;
            }
            store { Store8 u8; Store16 u16; Store32 u32; Store64 u64; }
            float_binary {
                F32Eq f32_eq; F32Ne f32_ne; F32Lt f32_lt; F32Gt f32_gt; F32Le f32_le; F32Ge f32_ge;
                F64Eq f64_eq; F64Ne f64_ne; F64Lt f64_lt; F64Gt f64_gt; F64Le f64_le; F64Ge f64_ge;
                F32Add f32_add; F32Sub f32_sub; F32Mul f32_mul; F32Div f32_div;
                F32Min f32_min; F32Max f32_max; F32Copysign f32_copysign;
                F64Add f64_add; F64Sub f64_sub; F64Mul f64_mul; F64Div f64_div;
                F64Min f64_min; F64Max f64_max; F64Copysign f64_copysign;
            }
            float_unary {
                F32Abs f32_abs; F32Neg f32_neg; F32Ceil f32_ceil; F32Floor f32_floor; F32Trunc f32_trunc;
                F32Nearest f32_nearest; F32Sqrt f32_sqrt;
                F64Abs f64_abs; F64Neg f64_neg; F64Ceil f64_ceil; F64Floor f64_floor; F64Trunc f64_trunc;
                F64Nearest f64_nearest; F64Sqrt f64_sqrt;
                I32TruncF32S i32_trunc_f32_s; I32TruncF32U i32_trunc_f32_u; I32TruncF64S i32_trunc_f64_s;
                I32TruncF64U i32_trunc_f64_u; I64TruncF32S i64_trunc_f32_s; I64TruncF32U i64_trunc_f32_u;
                I64TruncF64S i64_trunc_f64_s; I64TruncF64U i64_trunc_f64_u;
                F32ConvertI32S f32_convert_i32_s; F32ConvertI32U f32_convert_i32_u;
                F32ConvertI64S f32_convert_i64_s; F32ConvertI64U f32_convert_i64_u; F32DemoteF64 f32_demote_f64;
                F64ConvertI32S f64_convert_i32_s; F64ConvertI32U f64_convert_i32_u;
                F64ConvertI64S f64_convert_i64_s; F64ConvertI64U f64_convert_i64_u; F64PromoteF32 f64_promote_f32;
                I32TruncSatF32S i32_trunc_sat_f32_s; I32TruncSatF32U i32_trunc_sat_f32_u;
                I32TruncSatF64S i32_trunc_sat_f64_s; I32TruncSatF64U i32_trunc_sat_f64_u;
                I64TruncSatF32S i64_trunc_sat_f32_s; I64TruncSatF32U i64_trunc_sat_f32_u;
                I64TruncSatF64S i64_trunc_sat_f64_s; I64TruncSatF64U i64_trunc_sat_f64_u;
            }
            other {
                /// To slot a without touching the accumulator: form 0 slot b, 1 accumulator, 2 b:c zero-extended, 3 b:c
                /// sign-extended, 4 the extension word; 5 copies c slots from b to a, which is below or apart; 6 and 7 copy
                /// two and four slots that are apart.
                Copy;
                /// a = one of b (chosen when the condition is not zero) and c; the condition is the accumulator, or a slot
                /// in the extension word.
                Select;
                GlobalGet; GlobalSet; MemorySize;
                /// Slot b with its 8 (4) bytes in the opposite order; c words in all: the ops that it stands for.
                I64Reverse; I32Reverse;
                /// Branch if slot a, or the accumulator, is not zero (is zero); offset c; costs in the extension word.
                BrNonZero; BrZero;
                /// The same with a 32-bit offset in b:c, for functions whose code is long.
                BrNonZeroWide; BrZeroWide;
                Br;
                /// Offset b:c; cost in the extension word.
                BrWide;
                /// Index in slot a or the accumulator, b:c entries before the default; each entry offset:32, cost:32.
                BrTable;
                /// b:c is the cost of the block that is entered by falling into it.
                Charge;
                /// Callee's header at offset b:c.
                Call;
                /// Import b:c.
                CallImport;
                /// Index in slot b, type c; the table is in the high half of the extension word. Form 1: the function itself is in
                /// slot b.
                CallIndirect;
                /// A call whose frame takes the place of the caller's: form 0 as `Call`, 1 as `CallImport`, 2 as `CallIndirect`, 3 as
                /// that in form 1; the extension word has slots of parameters:16, control slot:16, table:16, height:16. A callee
                /// that is not of the instance is left to the call and the return behind it.
                TailCall;
                /// Form 0 nothing, 1 slot b, 2 the accumulator, 3 as many values as the extension word says from slot b.
                Return;
                /// An operator off the fast path: operands from slot a, immediates b and c; the extension word holds the
                /// cost of the block behind and the operator's number.
                Slow;
                /// A load or store in a far memory: operands from slot a, where the result goes too, memory b, lane c; an extension
                /// word holds the operator's number in its high half, another the static offset.
                Far;
                /// An operator on vectors, which have two slots: operands from slots b and c, result to slot a; the extension
                /// word holds the operator's number:16, a third operand's slot or a lane index:16, and a static offset or a
                /// global's index:32. Form 1 has the lanes of a shuffle in two words more.
                Vector;
                /// a is the trap's number.
                Trap;
                /// Throws: form 0 an exception of tag b:c that carries the values from slot a on, 1 the one that slot a refers to.
                Throw;
                /// Goes on behind the words of the table that it begins, b:c in all: a entries of two words each, which say what
                /// the region catches and where that goes ([`Caught`]), and returns for those that go out of the function.
                TryTable;
                /// The only op of a stub: has function b:c (imported ones left out) translated, and enters it.
                Translate;
                /// Stands for a call or a return of a watched module, by form: exec/watch.rs.
                Break;
                /// The end of a run, and of a call into another instance.
                Exit; ReturnAcross;
            }
        }
    };
}
pub(crate) use for_each_family;

macro_rules! family_enum {
    ($($kind:ident { $($body:tt)* })*) => { family_enum!(@collect [] $($kind { $($body)* })*); };
    (@collect [$($done:tt)*] compare { $($f:ident $br:ident $m:ident;)* } $($rest:tt)*) => {
        family_enum!(@collect [$($done)* $($f, $br,)*] $($rest)*);
    };
    (@collect [$($done:tt)*] other { $($(#[$doc:meta])* $f:ident;)* } $($rest:tt)*) => {
        family_enum!(@collect [$($done)* $($(#[$doc])* $f,)*] $($rest)*);
    };
    (@collect [$($done:tt)*] $kind:ident { $($f:ident $m:ident;)* } $($rest:tt)*) => {
        family_enum!(@collect [$($done)* $($f,)*] $($rest)*);
    };
    (@collect [$($(#[$doc:meta])* $f:ident,)*]) => {
        /// What an op does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        pub(crate) enum Family { $($(#[$doc])* $f,)* }

        pub(crate) const FAMILIES: &[Family] = &[$(Family::$f,)*];
    };
}
for_each_family!(family_enum);

/// Codes of ops that are not fused.
pub(crate) const CODES: usize = (Family::ReturnAcross as usize + 1) * FORMS as usize;

impl Family {
    /// The code of this family in a form that makes a value.
    pub const fn value(self, form: u16, to: u16) -> u16 {
        self as u16 * FORMS + form * 2 + to
    }

    /// The code of this family in a form that makes none.
    pub const fn effect(self, form: u16) -> u16 {
        self as u16 * FORMS + form
    }

    /// The comparison that is true when this one is false.
    pub fn inverse(self) -> Option<Family> {
        use Family::*;
        Some(match self {
            I32Eq => I32Ne,
            I32Ne => I32Eq,
            I32LtS => I32GeS,
            I32LtU => I32GeU,
            I32GeS => I32LtS,
            I32GeU => I32LtU,
            I64Eq => I64Ne,
            I64Ne => I64Eq,
            I64LtS => I64GeS,
            I64LtU => I64GeU,
            I64GeS => I64LtS,
            I64GeU => I64LtU,
            _ => return None,
        })
    }

    /// The branch on this comparison.
    pub fn branch(self) -> Option<Family> {
        // The enum lists every comparison right before its branch.
        self.inverse().map(|_| FAMILIES[self as usize + 1])
    }
}

/// Header words of a function: costs, frame.
pub(crate) const HEADER_WORDS: usize = 2;

/// From where on a `TryTable` catches exceptions, or none does, up to the next region.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
    /// The first word, counted from the start of the code.
    pub start: u32,
    /// Where the op with the table is, plus 1; 0: nothing is caught here.
    pub table: u32,
    /// The region around this one: its place in the list, plus 1.
    pub around: u32,
}

/// What an entry of a table says: the first word has kind, slot and, in the upper half, tag; the second offset and cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caught {
    /// Index of the tag; `None`: exceptions of all tags.
    pub tag: Option<u32>,
    /// Behind the values comes a reference to the exception.
    pub with_reference: bool,
    /// Where the values go.
    pub home: u16,
    /// From the table's first word.
    pub offset: i32,
    /// Of the block there.
    pub cost: u32,
}

impl Caught {
    /// The first word.
    pub fn word(tag: Option<u32>, with_reference: bool, home: u16) -> Word {
        Word::wide(u16::from(tag.is_none()) << 1 | u16::from(with_reference), home, tag.unwrap_or(0))
    }

    fn read(first: Word, second: Word) -> Self {
        Self {
            tag: (first.code() & 2 == 0).then_some(first.high()),
            with_reference: first.code() & 1 != 0,
            home: first.a(),
            offset: second.low() as i32,
            cost: second.high(),
        }
    }
}

/// All interpreter code of a module, or that of one function of it.
#[derive(Debug, Default)]
pub(crate) struct Code {
    /// All functions, one behind the other.
    pub words: Vec<Word>,
    /// Where each function's header is; nothing for one function alone, which has it first.
    pub functions: alloc::boxed::Box<[u32]>,
    /// What catches exceptions, in the order of the code.
    pub regions: Vec<Region>,
    /// When functions are translated at their first call: those that were. The words above are stubs then.
    pub lazy: Option<alloc::boxed::Box<Lazy>>,
}

impl Code {
    /// The function, imported ones left out, whose code `pc` points into.
    pub fn function_at(&self, pc: *const Word) -> Option<usize> {
        if !self.words.as_ptr_range().contains(&pc) {
            return self.lazy.as_ref()?.function_at(pc);
        }
        let at = (pc as usize - self.words.as_ptr() as usize) / size_of::<Word>();
        self.functions.partition_point(|header| *header as usize <= at).checked_sub(1)
    }

    /// Which of these words `pc` points to; none, when functions are translated at their first call and it points into one.
    pub fn word_at(&self, pc: *const Word) -> Option<usize> {
        let inside = self.words.as_ptr_range().contains(&pc);
        inside.then(|| (pc as usize - self.words.as_ptr() as usize) / size_of::<Word>())
    }

    /// The second word of the header of the function that has word `at`: its frame.
    pub fn frame_at(&self, at: usize) -> Word {
        let functions = self.functions.partition_point(|header| *header as usize <= at);
        let header = functions.checked_sub(1).map_or(0, |last| self.functions[last]);
        self.words[header as usize + 1]
    }

    /// What catches exceptions at word `at`, the innermost first, each with the word at which its table begins.
    pub fn catches(&self, at: usize) -> impl Iterator<Item = (Caught, usize)> + '_ {
        let mut next = self.regions.partition_point(|region| region.start as usize <= at);
        let tables = core::iter::from_fn(move || {
            let region = self.regions.get(next.checked_sub(1)?)?;
            next = region.around as usize;
            region.table.checked_sub(1)
        });
        tables.flat_map(move |start| {
            let table = &self.words[start as usize..];
            let entries = table[1..].chunks_exact(2).take(usize::from(table[0].a()));
            entries.map(move |entry| (Caught::read(entry[0], entry[1]), start as usize))
        })
    }

    /// The function, imported ones left out, whose code `pc` points into, all of that code from its header on, and which
    /// word of it `pc` points to.
    pub fn locate(&self, pc: *const Word) -> Option<(usize, &[Word], usize)> {
        let function = self.function_at(pc)?;
        let own = self.functions.get(function).map(|header| *header as usize);
        let end = self.functions.get(function + 1).map_or(self.words.len(), |next| *next as usize);
        let lazy = || Some(&self.lazy.as_ref()?.translated(function)?.words[..]);
        let code = own.and_then(|own| self.words.get(own..end)).filter(|code| code.as_ptr_range().contains(&pc));
        let code = code.or_else(lazy)?;
        let at = (pc as usize).checked_sub(code.as_ptr() as usize)? / size_of::<Word>();
        Some((function, code, at))
    }

    /// Every op, function by function: the function, where its first word is, and all of its words.
    pub fn listing(&self) -> impl Iterator<Item = (u32, usize, &[Word])> + '_ {
        let end = |function: usize| self.functions.get(function + 1).map_or(self.words.len(), |w| *w as usize);
        (0..self.functions.len()).flat_map(move |function| {
            let mut at = self.functions[function] as usize + HEADER_WORDS;
            core::iter::from_fn(move || {
                let start = at;
                let word = self.words.get(start).filter(|_| start < end(function))?;
                at += words_of(*word);
                Some((function as u32, start, self.words.get(start..at)?))
            })
        })
    }
}

impl Word {
    /// Family and form of the op that starts with this one; a `+` behind them: it is fused with the one behind it.
    pub fn name(self) -> String {
        match self.family() {
            Some(family) => alloc::format!("{family:?}/{}", self.form()),
            None => alloc::format!("{}+", self.with_code(first_of(self.code())).name()),
        }
    }
}

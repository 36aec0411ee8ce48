//! The operators: one row each. What an operator is called, how it is encoded, what it costs, what it means.
//!
//! Everything that knows operators derives from these rows: the walker (which refuses what has no row), the metering
//! plan, the interpreter's translator, the naive executor of the tests and the generated page engine/docs/isa.md.
//!
//! Columns: operator, encoding, text name, price in schedule `v1` (particles), types, group and meaning. The price is the
//! Ewasm cost note's where it has one (cycles on a 2.2 GHz core times 45) and ours elsewhere; reasons are in
//! engine/docs/gas.md. Schedules `ewasm` (0) and `unit` (1 gas) are functions of the row, not further tables.
//! Types are given where they are fixed; control, variables and tables depend on context and show none.

mod scalar;
mod vector;

use super::num;
use super::num::slot::{Meaning, VectorMeaning, eval, eval_vector};
use crate::error::Trap;
use crate::gas::{Gas, Particles, Schedule};

/// The type of a value, as far as slots and operators care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(non_camel_case_types, missing_docs)]
pub enum Ty {
    i32,
    i64,
    f32,
    f64,
    v128,
}

impl Ty {
    /// Slots that a value takes.
    pub const fn slots(self) -> u16 {
        match self {
            Ty::v128 => 2,
            _ => 1,
        }
    }
}

/// What kind of thing an operator is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Blocks, branches, calls.
    Control,
    /// `drop` and `select`.
    Parametric,
    /// Locals and globals.
    Variable,
    /// Table operators that end no metered block.
    Table,
    /// Reference constants and tests.
    Reference,
    /// Loads.
    Load,
    /// Stores.
    Store,
    /// Memory operators that end no metered block.
    Memory,
    /// Operators with a dynamic charge for pages, bytes or elements; each ends a metered block.
    Bulk,
    /// Constants.
    Constant,
    /// A total function of its operands.
    Pure,
    /// A function of its operands that may trap.
    Partial,
    /// A total function of its operands with two results.
    Wide,
    /// A total function of its operands and lane indices, some of which are vectors.
    Vector,
    /// Loads that make a vector.
    VectorLoad,
    /// Stores of a vector or of a lane.
    VectorStore,
}

/// One operator.
#[derive(Clone, Copy)]
pub struct Row {
    /// The operator.
    pub op: Op,
    /// The Rust name of the operator, as the parser spells it too.
    pub ident: &'static str,
    /// Opcode; prefixed ones have the prefix above the lowest 16 bits.
    pub encoding: u32,
    /// The name in the text format.
    pub name: &'static str,
    /// Price in schedule `v1`, without dynamic charges.
    pub v1: Particles,
    /// Operand types where they are fixed.
    pub params: &'static [Ty],
    /// Result types where they are fixed.
    pub results: &'static [Ty],
    /// The kind of operator.
    pub group: Group,
    /// The meaning of a pure or partial operator on slots.
    pub meaning: Option<Meaning>,
    /// The meaning of an operator of the vector groups, or of a wide one, on slots.
    pub vector: Option<VectorMeaning>,
}

macro_rules! group {
    (control) => {
        Group::Control
    };
    (parametric) => {
        Group::Parametric
    };
    (variable) => {
        Group::Variable
    };
    (table) => {
        Group::Table
    };
    (reference) => {
        Group::Reference
    };
    (load) => {
        Group::Load
    };
    (store) => {
        Group::Store
    };
    (memory) => {
        Group::Memory
    };
    (bulk) => {
        Group::Bulk
    };
    (constant) => {
        Group::Constant
    };
    (pure) => {
        Group::Pure
    };
    (partial) => {
        Group::Partial
    };
    (wide) => {
        Group::Wide
    };
    (vector) => {
        Group::Vector
    };
    (vector_load) => {
        Group::VectorLoad
    };
    (vector_store) => {
        Group::VectorStore
    };
}

/// The meaning on scalars and the one on vectors, of which an operator has one or none.
macro_rules! meanings {
    ($group:ident) => {
        (None::<Meaning>, None::<VectorMeaning>)
    };
    (pure $f:ident) => {
        (Some((|args| eval(num::$f, args)) as Meaning), None::<VectorMeaning>)
    };
    (partial $f:ident) => {
        (Some((|args| eval(num::$f, args)) as Meaning), None::<VectorMeaning>)
    };
    ($group:ident $f:ident) => {
        (None::<Meaning>, Some((|args| eval_vector(num::$f, args)) as VectorMeaning))
    };
}

macro_rules! isa {
    ($($op:ident $code:literal $text:literal $v1:literal
        ($($p:ident)*) -> ($($r:ident)*) $group:ident $($f:ident)?;)*) => {
        /// An operator of this engine.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        #[allow(missing_docs)]
        pub enum Op { $($op,)* }

        /// All operators, indexed by [`Op`].
        pub static ROWS: &[Row] = &[$(Row {
            op: Op::$op,
            ident: stringify!($op),
            encoding: $code,
            name: $text,
            v1: Particles($v1),
            params: &[$(Ty::$p),*],
            results: &[$(Ty::$r),*],
            group: group!($group),
            meaning: meanings!($group $($f)?).0,
            vector: meanings!($group $($f)?).1,
        }),*];

        /// How many operators there are.
        const COUNT: usize = ROWS.len();

        const IDENTS: &[(&str, Op)] = &[$((stringify!($op), Op::$op)),*];
    };
}

use scalar::scalar_rows;
use vector::vector_rows;
vector_rows! { scalar_rows isa }

/// What the parser knows and this engine refuses, with the reason. A test fails when the parser knows an operator that is
/// neither a row nor here.
pub static REFUSED: &[(&str, &str)] = &[
    ("@threads", "shared memory is not deterministic"),
    ("@acquire_release_atomics", "shared memory is not deterministic"),
    ("@shared_everything_threads", "shared memory is not deterministic"),
    ("@legacy_exceptions", "superseded by exceptions"),
    ("@gc", "WebAssembly 3.0, not yet"),
    ("@custom_descriptors", "not in any WebAssembly version"),
    ("@memory_control", "not in any WebAssembly version"),
    ("@stack_switching", "not in any WebAssembly version"),
    ("TypedSelectMulti", "not in any WebAssembly version"),
];

/// The price of every operator under one schedule, in particles, indexed by [`Op`].
pub(crate) type Prices = [u32; COUNT];

const fn prices(schedule: Schedule) -> Prices {
    let mut prices = [0; COUNT];
    let mut i = 0;
    while i < COUNT {
        let cost = ROWS[i].op.cost(schedule).0;
        assert!(cost <= u32::MAX as u64, "no operator costs more than a block may");
        prices[i] = cost as u32;
        i += 1;
    }
    prices
}

const fn count_vectors(types: &[Ty]) -> u32 {
    let (mut count, mut i) = (0, 0);
    while i < types.len() {
        count += matches!(types[i], Ty::v128) as u32;
        i += 1;
    }
    count
}

impl Op {
    /// The row of this operator.
    #[inline]
    pub const fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// The operator with the parser's name `ident`; evaluated at compile time by the walker.
    pub const fn from_ident(ident: &str) -> Option<Op> {
        let ident = ident.as_bytes();
        let mut i = 0;
        while i < IDENTS.len() {
            let name = IDENTS[i].0.as_bytes();
            let mut k = 0;
            while k < name.len() && k < ident.len() && name[k] == ident[k] {
                k += 1;
            }
            if k == name.len() && k == ident.len() {
                return Some(IDENTS[i].1);
            }
            i += 1;
        }
        None
    }

    /// The static price of this operator. Dynamic charges come on top.
    #[inline]
    pub const fn cost(self, schedule: Schedule) -> Particles {
        match schedule {
            Schedule::Ewasm => Particles(0),
            Schedule::Unit => Gas(1).particles(),
            Schedule::V1 => ROWS[self as usize].v1,
        }
    }

    /// [`Op::cost`] of every operator.
    pub(crate) fn prices(schedule: Schedule) -> &'static Prices {
        static EWASM: Prices = prices(Schedule::Ewasm);
        static UNIT: Prices = prices(Schedule::Unit);
        static V1: Prices = prices(Schedule::V1);
        match schedule {
            Schedule::Ewasm => &EWASM,
            Schedule::Unit => &UNIT,
            Schedule::V1 => &V1,
        }
    }

    /// Whether the operator after this one starts a metered block, wherever this one stands (consensus.md, "Gas"): the
    /// arms of `if`, the body of `loop`, what follows a conditional branch, a call or a bulk operator. The `end` of an
    /// `if` or of a branched-to `block` depends on context and is the plan's business.
    #[inline]
    pub fn ends_block(self) -> bool {
        matches!(self, Op::If | Op::Else | Op::Loop | Op::BrIf | Op::BrOnNull | Op::BrOnNonNull)
            || matches!(self, Op::Call | Op::CallIndirect | Op::CallRef)
            || matches!(self.row().group, Group::Bulk)
    }

    /// Whether nothing goes on behind this operator: what follows is dead up to the next label.
    #[inline(always)]
    pub const fn ends_path(self) -> bool {
        matches!(self, Op::Br | Op::BrTable | Op::Return | Op::Unreachable | Op::Throw | Op::ThrowRef)
            || matches!(self, Op::ReturnCall | Op::ReturnCallIndirect | Op::ReturnCallRef)
    }

    /// The meaning of a pure or partial operator, on slots.
    ///
    /// # Errors
    /// The operator's own traps.
    ///
    /// # Panics
    /// When the operator is neither pure nor partial or `args` has the wrong length: a caller's bug, not a guest's.
    pub fn eval(self, args: &[u64]) -> Result<u64, Trap> {
        self.row().meaning.expect("only pure and partial operators have a meaning of their own")(args)
    }

    /// The meaning of an operator of the vector groups, on slots: a v128 has two, the lower half first. Operands come in order,
    /// then a lane index or the lanes of a shuffle; bytes that a load reads stand for its address. The result is in as many
    /// slots as its type has.
    ///
    /// # Panics
    /// When the operator is of another group or `args` is too short: a caller's bug, not a guest's.
    #[inline]
    pub fn eval_vector(self, args: &[u64]) -> [u64; 2] {
        self.row().vector.expect("only operators of the vector groups have a meaning on vectors")(args)
    }

    /// Bytes that a load or store moves; `None` for other operators.
    #[inline]
    pub const fn access_bytes(self) -> Option<u8> {
        use Op::*;
        Some(match self {
            I32Load8S | I32Load8U | I64Load8S | I64Load8U | I32Store8 | I64Store8 => 1,
            I32Load16S | I32Load16U | I64Load16S | I64Load16U | I32Store16 | I64Store16 => 2,
            I32Load | F32Load | I64Load32S | I64Load32U | I32Store | F32Store | I64Store32 => 4,
            I64Load | F64Load | I64Store | F64Store => 8,
            V128Load8Splat | V128Load8Lane | V128Store8Lane => 1,
            V128Load16Splat | V128Load16Lane | V128Store16Lane => 2,
            V128Load32Splat | V128Load32Zero | V128Load32Lane | V128Store32Lane => 4,
            V128Load8x8S | V128Load8x8U | V128Load16x4S | V128Load16x4U | V128Load32x2S | V128Load32x2U => 8,
            V128Load64Splat | V128Load64Zero | V128Load64Lane | V128Store64Lane => 8,
            V128Load | V128Store => 16,
            _ => return None,
        })
    }

    /// Vectors among the operands and among the results, where those are fixed.
    pub(crate) const fn vectors(self) -> (u32, u32) {
        let row = &ROWS[self as usize];
        (count_vectors(row.params), count_vectors(row.results))
    }
}

//! Every bound that a guest can observe, in one place.
//!
//! Those of `chain1` are consensus and frozen with the profile's name; they are at or below the parser's own, so that an
//! update of a library cannot fork a chain. Source: engine/docs/consensus.md.

use crate::gas::Pages;

/// Bounds on a module, checked before anything of it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ModuleLimits {
    /// Bytes of the whole module.
    pub code_bytes: usize,
    /// Functions (imported ones included), types, imports, exports, globals and segments, each.
    pub items: u32,
    /// Parameters plus results of a function type.
    pub signature: u32,
    /// Declared locals plus parameters of a function.
    pub locals: u32,
    /// Targets of one `br_table`, the default not counted.
    pub br_table_targets: u32,
    /// Nested blocks in a function.
    pub nesting: u32,
    /// Elements of a table.
    pub table_elements: u32,
    /// Memories, imported ones included.
    pub memories: u32,
}

/// The most slots of a frame: frame slots are numbered by 16 bits.
pub const MAX_FRAME_SLOTS: u32 = 65_535;

/// Clauses of one `try_table`: the parser's own limit, and counted by 16 bits.
pub const MAX_CLAUSES: usize = 10_000;

/// Slots added to parameters, locals and operands in the static height of every function.
pub const FRAME_OVERHEAD_SLOTS: u32 = 4;

impl ModuleLimits {
    /// The limits of `chain1`.
    pub const CHAIN1: Self = Self {
        code_bytes: 1 << 20,
        items: 10_000,
        signature: 1_000,
        locals: 10_000,
        br_table_targets: 65_536,
        nesting: 1_024,
        table_elements: 65_536,
        memories: 1,
    };

    /// The limits of `general`: what the encodings of this engine can hold.
    pub const GENERAL: Self = Self {
        code_bytes: 1 << 30,
        items: 65_535,
        signature: 2_000,
        locals: 50_000,
        br_table_targets: 1 << 20,
        nesting: 65_535,
        table_elements: 10_000_000,
        memories: 100,
    };
}

/// Bounds at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunLimits {
    /// Pages of one linear memory.
    pub memory: Pages,
    /// Stack slots over the live frames of one message (static heights, 8 bytes each).
    pub stack_slots: u32,
    /// Wasm call depth; the entry function counts 1, host functions do not count.
    pub call_depth: u32,
    /// Elements of one table after `table.grow`.
    pub table_elements: u32,
    /// Bytes of all exceptions of a store: one has 16, and 8 for each slot of what it carries.
    pub exception_bytes: u32,
}

impl RunLimits {
    /// The bounds of `chain1`.
    pub const CHAIN1: Self =
        Self { memory: Pages(256), stack_slots: 65_536, call_depth: 4_096, table_elements: 65_536, exception_bytes: 0 };

    /// The bounds of `general`, settable on the store.
    pub const GENERAL: Self = Self {
        memory: Pages(65_536),
        stack_slots: 1 << 20,
        call_depth: 65_536,
        table_elements: 10_000_000,
        exception_bytes: 1 << 28,
    };
}

/// Nested contract messages: depth 0 is the transaction's own. Source: the EVM's call depth limit.
pub const MESSAGE_DEPTH: u32 = 1_024;

/// Topics of one log.
pub const MAX_LOG_TOPICS: u32 = 4;

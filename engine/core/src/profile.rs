//! What a module may use: named sets of WebAssembly features, limits and rules.

use crate::limits::{ModuleLimits, RunLimits};
use wasmparser::WasmFeatures;

/// Which rules a contract's exports are held to (contract.md 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Exports {
    /// Exactly `memory` and `main`.
    #[default]
    Strict,
    /// At least `memory` and `main`.
    Lenient,
}

macro_rules! proposals {
    ($($(#[$doc:meta])* $name:ident $text:literal $flag:ident;)*) => {
        /// What `general` has beyond WebAssembly 2.0 without vectors, and vectors: each can be left out
        /// ([`Profile::without`]). `chain1` has none of it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Proposal { $($(#[$doc])* $name,)* }

        impl Proposal {
            /// All of them.
            pub const ALL: &[Proposal] = &[$(Proposal::$name,)*];

            /// The name in WebAssembly's list of proposals.
            pub const fn name(self) -> &'static str {
                match self { $(Proposal::$name => $text,)* }
            }

            /// The parser's flag.
            const fn flag(self) -> WasmFeatures {
                match self { $(Proposal::$name => WasmFeatures::$flag,)* }
            }
        }
    };
}

proposals! {
    /// Vectors; without them there are no relaxed operators either.
    Simd "simd" SIMD;
    /// Vector operators whose results the specification leaves open; here they are those of its deterministic profile.
    RelaxedSimd "relaxed-simd" RELAXED_SIMD;
    /// Sums, differences and products in constant expressions.
    ExtendedConst "extended-const" EXTENDED_CONST;
    /// Calls that take the place of their caller.
    TailCall "tail-call" TAIL_CALL;
    /// Sums and products of 128 bits.
    WideArithmetic "wide-arithmetic" WIDE_ARITHMETIC;
    /// More than one memory.
    MultiMemory "multi-memory" MULTI_MEMORY;
    /// Memories with pages of a byte.
    CustomPageSizes "custom-page-sizes" CUSTOM_PAGE_SIZES;
    /// Memories with 64-bit addresses, tables with 64-bit indices.
    Memory64 "memory64" MEMORY64;
    /// References to functions of a type, calls of them, references without null.
    FunctionReferences "function-references" FUNCTION_REFERENCES;
    /// Tags, exceptions that are thrown and caught, references to them.
    Exceptions "exception-handling" EXCEPTIONS;
}

impl Proposal {
    /// The proposal of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|proposal| proposal.name() == name)
    }
}

/// A named set of features and limits. Those of a released name never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Profile {
    name: &'static str,
    pub(crate) features: WasmFeatures,
    /// Bounds on a module.
    pub module: ModuleLimits,
    /// Bounds at run time.
    pub run: RunLimits,
}

impl Profile {
    /// Consensus: integers only, WebAssembly 1.0 with mutable globals, sign extension, multi-value, bulk memory and the
    /// reference-types encodings.
    pub const fn chain1() -> Self {
        Self {
            name: "chain1",
            // Spelled out, never from a default: an update of the parser must not change the set.
            features: WasmFeatures::GC_TYPES
                .union(WasmFeatures::MUTABLE_GLOBAL)
                .union(WasmFeatures::SIGN_EXTENSION)
                .union(WasmFeatures::MULTI_VALUE)
                .union(WasmFeatures::BULK_MEMORY)
                .union(WasmFeatures::CALL_INDIRECT_OVERLONG),
            module: ModuleLimits::CHAIN1,
            run: RunLimits::CHAIN1,
        }
    }

    /// Off-chain work: WebAssembly 2.0 and every [`Proposal`]. Floats are deterministic here too: NaNs are canonical, and
    /// relaxed operators do what the specification's deterministic profile says.
    pub const fn general() -> Self {
        let mut features = Self::chain1()
            .features
            .union(WasmFeatures::FLOATS)
            .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
            .union(WasmFeatures::REFERENCE_TYPES);
        let mut i = 0;
        while i < Proposal::ALL.len() {
            features = features.union(Proposal::ALL[i].flag());
            i += 1;
        }
        Self { name: "general", features, module: ModuleLimits::GENERAL, run: RunLimits::GENERAL }
    }

    /// The same without this.
    pub const fn without(mut self, proposal: Proposal) -> Self {
        self.features = self.features.difference(proposal.flag());
        match proposal {
            Proposal::Simd => self.without(Proposal::RelaxedSimd),
            _ => self,
        }
    }

    /// Whether modules may use this.
    pub const fn has(&self, proposal: Proposal) -> bool {
        self.features.contains(proposal.flag())
    }

    /// The frozen name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::general()
    }
}

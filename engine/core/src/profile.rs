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

    /// Off-chain work: WebAssembly 2.0, extended constants, tail calls, wide arithmetic and relaxed SIMD. Floats are deterministic here too: NaNs are canonical, and relaxed
    /// operators do what the specification's deterministic profile says.
    pub const fn general() -> Self {
        Self {
            name: "general",
            features: Self::chain1()
                .features
                .union(WasmFeatures::FLOATS)
                .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
                .union(WasmFeatures::REFERENCE_TYPES)
                .union(WasmFeatures::SIMD)
                .union(WasmFeatures::RELAXED_SIMD)
                .union(WasmFeatures::EXTENDED_CONST)
                .union(WasmFeatures::TAIL_CALL)
                .union(WasmFeatures::WIDE_ARITHMETIC),
            module: ModuleLimits::GENERAL,
            run: RunLimits::GENERAL,
        }
    }

    /// The same without vectors (SIMD).
    pub const fn without_simd(mut self) -> Self {
        self.features = self.features.difference(WasmFeatures::SIMD.union(WasmFeatures::RELAXED_SIMD));
        self
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

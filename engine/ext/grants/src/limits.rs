//! What a run may spend, and what functions of the extensions cost.

use gristmill::{Gas, Guest, Stop};
use serde::{Deserialize, Serialize};

/// What a run may spend at most. What is not said is as the embedder has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Whole gas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gas: Option<u64>,
    /// Time that passes, host functions and waiting included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
    /// Pages of memory, 64 KiB each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages: Option<u32>,
    /// Bytes that are kept of each stream that is captured, and of what commands print.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<u64>,
}

impl Limits {
    /// [`Limits::output`] when nobody says: 1 MiB.
    pub const OUTPUT: u64 = 1 << 20;

    /// Bytes that are kept of a stream.
    pub fn output(&self) -> usize {
        usize::try_from(self.output.unwrap_or(Self::OUTPUT)).unwrap_or(usize::MAX)
    }
}

/// What a function costs: so much for a call, and more for what it moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Price {
    /// Gas for each call.
    pub call: u64,
    /// Gas for each KiB begun of what is read, written or looked at.
    pub kib: u64,
}

/// 20 ns of a system call is a gas, about: a call is 1 µs, a KiB copied 100 ns.
impl Default for Price {
    fn default() -> Self {
        Self { call: 50, kib: 5 }
    }
}

impl Price {
    /// For a call.
    pub fn base(&self) -> Gas {
        Gas(self.call)
    }

    /// For that many bytes, before the work.
    ///
    /// # Errors
    /// Less gas is left.
    pub fn charge_bytes(&self, guest: &mut Guest<'_>, bytes: u64) -> Result<(), Stop> {
        guest.charge(Gas(self.kib.saturating_mul(bytes.div_ceil(1 << 10))))
    }
}

/// Prices by extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prices {
    /// WASI preview 1.
    pub wasi: Price,
    /// Sockets beyond it.
    pub sockets: Price,
    /// Key-value storage.
    pub storage: Price,
    /// Commands. Their time is the system's: bounded by time-outs, not by gas.
    pub process: Price,
    /// Images.
    pub image: Price,
    /// Models that a program brings, for the bytes that they have: read, and made ready for inputs of other forms.
    pub model: Price,
    /// Inference: beside these, each multiplication of a model costs by [`Prices::inference`].
    pub nn: Price,
    /// Of a million multiplications of a model.
    pub inference: Inference,
}

impl Default for Prices {
    fn default() -> Self {
        let price = Price::default();
        Self {
            wasi: price,
            sockets: price,
            storage: price,
            process: price,
            image: price,
            nn: price,
            // A MiB is read and made ready in some 40 ms.
            model: Price { kib: 2_000, ..price },
            inference: Inference::default(),
        }
    }
}

/// What a million multiplications of a model cost, in gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Inference(pub u64);

/// A processor does ten or more at once in a nanosecond.
impl Default for Inference {
    fn default() -> Self {
        Self(5_000)
    }
}

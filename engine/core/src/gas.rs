//! Units of gas, the one counter, the only rounding, and the named schedules.

use crate::error::Trap;
use crate::wasm::types::PageSize;

/// The unit of metering: 10,000 particles are 1 gas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Particles(pub u64);

/// Whole gas, the unit of the Ethereum side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gas(pub u64);

/// A count of 64 KiB pages of linear memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pages(pub u32);

impl Pages {
    /// The pages that `bytes` bytes begin. At 2^48 bytes there are no more numbers.
    pub const fn begun(bytes: u64) -> Self {
        let pages = bytes.div_ceil(1 << 16);
        Self(if pages < u32::MAX as u64 { pages as u32 } else { u32::MAX })
    }

    /// How many pages of that size are as many bytes.
    pub(crate) const fn of_size(self, page: PageSize) -> u64 {
        (self.0 as u64) << (16 - page.log2())
    }
}

/// Particles in a gas. Source: the gas cost document of the Ewasm design ("1 gas = 10000 particles").
pub const PARTICLES_PER_GAS: u64 = 10_000;

/// The most whole gas that the signed counter holds; what a caller has beyond it waits in [`Meter`]'s reserve.
const COUNTER_GAS: u64 = i64::MAX as u64 / PARTICLES_PER_GAS;

/// Highest cost of one metered block, in particles (consensus.md, "Gas").
pub const MAX_BLOCK_COST: u64 = u32::MAX as u64;

/// Highest cost of all blocks of one function, in particles (consensus.md, "Gas").
pub const MAX_FUNCTION_COST: u64 = 1 << 48;

impl Gas {
    /// The same amount in particles; saturates, and a saturated charge can never be paid.
    pub const fn particles(self) -> Particles {
        Particles(self.0.saturating_mul(PARTICLES_PER_GAS))
    }
}

/// The one counter of a run: what is left, in particles.
///
/// The interpreter subtracts from `counter` in place and looks at its sign. The fields are ordered and laid out for that.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Meter {
    /// Particles left, without the reserve. Negative: the last charge was too much for the counter alone.
    pub(crate) counter: i64,
    /// Whole gas beyond what the counter holds. Hosts do pass 2^63-1 gas for system calls.
    pub(crate) reserve: u64,
    /// The counter is to be short soon, whoever spends: a refill brings what was asked for and no more.
    sparing: bool,
}

impl Meter {
    /// A meter with `gas` to spend.
    pub const fn new(gas: Gas) -> Self {
        let now = if gas.0 < COUNTER_GAS { gas.0 } else { COUNTER_GAS };
        Self { counter: (now * PARTICLES_PER_GAS) as i64, reserve: gas.0 - now, sparing: false }
    }

    /// A meter that no program exhausts in this century.
    pub const fn unlimited() -> Self {
        Self::new(Gas(u64::MAX))
    }

    /// Whole gas left. Rounded down, so that used gas is rounded up: the only rounding there is.
    pub fn left(&self) -> Gas {
        Gas((self.counter.max(0) as u64 / PARTICLES_PER_GAS).saturating_add(self.reserve))
    }

    /// Takes `cost`.
    ///
    /// # Errors
    /// [`Trap::OutOfGas`] when less is left; nothing is left then.
    #[inline]
    pub fn charge(&mut self, cost: Particles) -> Result<(), Trap> {
        if cost.0 > i64::MAX as u64 {
            // More than the counter can hold at once: the whole gas first, then the rest.
            self.charge_gas(Gas(cost.0 / PARTICLES_PER_GAS))?;
            return self.charge(Particles(cost.0 % PARTICLES_PER_GAS));
        }
        // Cannot wrap: a non-negative counter minus at most i64::MAX.
        self.counter -= cost.0 as i64;
        if self.counter >= 0 || self.refill() {
            return Ok(());
        }
        self.exhaust();
        Err(Trap::OutOfGas)
    }

    /// Takes `cost` whole gas. Same as [`Meter::charge`], without its limit of 2^64 particles.
    #[inline]
    pub fn charge_gas(&mut self, cost: Gas) -> Result<(), Trap> {
        if cost.0 <= COUNTER_GAS {
            return self.charge(cost.particles());
        }
        if self.left() < cost {
            self.exhaust();
            return Err(Trap::OutOfGas);
        }
        // The whole fits, so the part beyond the counter's reach comes out of the reserve as far as that goes.
        let beyond = (cost.0 - COUNTER_GAS).min(self.reserve);
        self.reserve -= beyond;
        let mut rest = cost.0 - beyond;
        while rest > 0 {
            let step = rest.min(COUNTER_GAS);
            self.charge(Gas(step).particles())?;
            rest -= step;
        }
        Ok(())
    }

    /// Gives whole gas back: what a callee left.
    pub fn give_back(&mut self, gas: Gas) {
        let room = (i64::MAX - self.counter.max(0)) as u64 / PARTICLES_PER_GAS;
        let now = gas.0.min(room);
        self.counter += (now * PARTICLES_PER_GAS) as i64;
        self.reserve = self.reserve.saturating_add(gas.0 - now);
    }

    /// Moves as much of the reserve into the counter as that holds, for code that only looks at the counter; nothing while
    /// that has more than any run can spend.
    pub(crate) fn top_up(&mut self) {
        // Nearly never is there one: looked at first.
        if self.reserve > 0 && self.counter < i64::MAX / 2 {
            self.fill();
        }
    }

    #[cold]
    #[inline(never)]
    fn fill(&mut self) {
        let reserve = core::mem::take(&mut self.reserve);
        self.give_back(Gas(reserve));
    }

    /// Fills a negative counter from the reserve; false when that is not enough.
    #[cold]
    pub(crate) fn refill(&mut self) -> bool {
        if self.counter < 0 {
            // Cannot wrap: negative plus at most i64::MAX.
            let short = self.counter.unsigned_abs().div_ceil(PARTICLES_PER_GAS);
            self.fetch(if self.sparing { short } else { COUNTER_GAS });
        }
        self.counter >= 0
    }

    /// Moves so much of the reserve, as far as it goes, into the counter, which has room for it.
    fn fetch(&mut self, gas: u64) {
        let now = self.reserve.min(gas);
        self.reserve -= now;
        self.counter += (now * PARTICLES_PER_GAS) as i64;
    }

    /// Has the counter hold `gas` at most, and spares from now on: who looks at the counter's sign does so
    /// about as often as that much is spent, by whomever.
    pub(crate) fn slice(&mut self, gas: u64) {
        self.sparing = true;
        let held = self.counter.max(0) as u64 / PARTICLES_PER_GAS;
        if held < gas {
            return self.fetch(gas - held);
        }
        // No more than one counter and one reserve ever held.
        self.counter -= ((held - gas) * PARTICLES_PER_GAS) as i64;
        self.reserve = self.reserve.saturating_add(held - gas);
    }

    /// Nothing is left: what every failure does to a frame.
    pub fn exhaust(&mut self) {
        self.counter = 0;
        self.reserve = 0;
    }
}

/// A named, frozen price list. The numbers behind a name never change; a change is a new name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Schedule {
    /// Interface costs only: what the Ewasm state tests were filled with. Memory is free: never for untrusted callers.
    Ewasm,
    /// One gas an operator, the fee schedule of the Ewasm design.
    Unit,
    /// Priced operators, memory, bulk bytes, validation; interface costs by revision. The default everywhere.
    #[default]
    V1,
}

impl Schedule {
    /// All schedules.
    pub const ALL: [Schedule; 3] = [Schedule::Ewasm, Schedule::Unit, Schedule::V1];

    /// The frozen name.
    pub const fn name(self) -> &'static str {
        match self {
            Schedule::Ewasm => "ewasm",
            Schedule::Unit => "unit",
            Schedule::V1 => "v1",
        }
    }

    /// The schedule of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }

    /// The price of growing linear memory from `current` by `delta` pages, on top of the operator's own cost.
    ///
    /// Charged before the memory grows, and for the initial pages (from 0) before the first instruction. `delta` 0 is
    /// free. Asked only when the growth is allowed: a refused growth yields -1 to the guest and pays for no page. Memories
    /// with pages of another size pay for the 64 KiB that they begin.
    ///
    /// Source: `unit` is the fee schedule's flat 14,336 gas a page; `v1` is ours, 1,024 gas for each of the first 16
    /// pages and 14,336 beyond. Reason: engine/docs/gas.md, "Memory".
    pub fn grow_cost(self, current: Pages, delta: Pages) -> Particles {
        let (current, delta) = (u64::from(current.0), u64::from(delta.0));
        let gas = match self {
            Schedule::Ewasm => 0,
            Schedule::Unit => delta * DEAR_PAGE,
            Schedule::V1 => {
                let cheap = CHEAP_PAGES.saturating_sub(current).min(delta);
                cheap * CHEAP_PAGE + (delta - cheap) * DEAR_PAGE
            }
        };
        Gas(gas).particles()
    }

    /// The price of moving `bytes` with a bulk memory operator: 3 gas a started 32 bytes, as EVM copies.
    #[inline]
    pub fn bulk_cost(self, bytes: u32) -> Particles {
        match self {
            Schedule::Ewasm => Particles(0),
            // `div_ceil` would look for a carry that 33 bits do not have.
            Schedule::Unit | Schedule::V1 => Particles(MOVED_WORD * ((u64::from(bytes) + 31) >> 5)),
        }
    }

    /// [`Schedule::bulk_cost`] of lengths of 64 bits; at most 2^64 - 1 particles.
    pub fn wide_bulk_cost(self, bytes: u64) -> Particles {
        match self {
            Schedule::Ewasm => Particles(0),
            Schedule::Unit | Schedule::V1 => Particles(bytes.div_ceil(32).saturating_mul(MOVED_WORD)),
        }
    }

    /// The price of touching `elements` of a table with a bulk table operator.
    ///
    /// Source: `v1` 200 particles an element (metering.md 3.3); `unit` prices the operator alone, as the fee schedule
    /// does, but an element is 8 bytes moved, so it pays the bulk rule for those. At most 2^64 - 1 particles.
    pub fn table_cost(self, elements: u64) -> Particles {
        match self {
            Schedule::Ewasm => Particles(0),
            // Four elements are 32 bytes.
            Schedule::Unit => Gas(elements.div_ceil(4).saturating_mul(3)).particles(),
            Schedule::V1 => Particles(elements.saturating_mul(200)),
        }
    }

    /// The price of the `bytes` of an exception, which the store keeps.
    ///
    /// Source: `v1` 25 particles a byte, as an element of a table, which has 8; `unit` as bytes that are copied.
    pub fn exception_cost(self, bytes: u32) -> Particles {
        match self {
            Schedule::Ewasm | Schedule::Unit => self.bulk_cost(bytes),
            Schedule::V1 => Particles(25 * u64::from(bytes)),
        }
    }

    /// The price of a clause of a `try_table` that is looked at for an exception.
    pub fn clause_cost(self) -> Particles {
        match self {
            Schedule::Ewasm | Schedule::Unit => Particles(0),
            Schedule::V1 => Particles(90),
        }
    }

    /// The price of the `frames` frames of functions that an exception leaves.
    pub fn unwind_cost(self, frames: u32) -> Particles {
        match self {
            Schedule::Ewasm | Schedule::Unit => Particles(0),
            Schedule::V1 => Particles(1_000 * u64::from(frames)),
        }
    }

    /// The price of entering a function with `locals` declared locals (parameters not counted): 90 + 5 a local.
    pub fn entry_cost(self, locals: u32) -> Particles {
        match self {
            Schedule::Ewasm | Schedule::Unit => Particles(0),
            Schedule::V1 => Particles(90 + 5 * u64::from(locals)),
        }
    }

    /// The price of validating, planning and translating `bytes` of init or deployed code: 10 gas a byte in `v1`.
    pub fn validation_cost(self, bytes: usize) -> Gas {
        match self {
            Schedule::Ewasm | Schedule::Unit => Gas(0),
            Schedule::V1 => Gas((bytes as u64).saturating_mul(10)),
        }
    }
}

/// Particles for a started 32 bytes that a bulk memory operator moves: 3 gas.
const MOVED_WORD: u64 = 3 * PARTICLES_PER_GAS;
/// Pages at the low price of `v1`.
const CHEAP_PAGES: u64 = 16;
/// Gas for each of the first [`CHEAP_PAGES`] pages in `v1`.
const CHEAP_PAGE: u64 = 1_024;
/// Gas for a page: the EVM's memory formula for one 64 KiB page, 2048 * 3 + 2048^2 / 512.
const DEAR_PAGE: u64 = 14_336;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_unit_is_spendable_and_the_next_is_not() {
        let mut m = Meter::new(Gas(1));
        m.charge(Particles(10_000)).unwrap();
        assert_eq!(m.left(), Gas(0));
        assert_eq!(m.charge(Particles(1)), Err(Trap::OutOfGas));
    }

    #[test]
    fn used_gas_is_rounded_up() {
        let mut m = Meter::new(Gas(10));
        m.charge(Particles(1)).unwrap();
        assert_eq!(m.left(), Gas(9));
        m.charge(Particles(9_999)).unwrap();
        assert_eq!(m.left(), Gas(9));
        m.charge(Particles(1)).unwrap();
        assert_eq!(m.left(), Gas(8));
    }

    #[test]
    fn gas_beyond_the_counter_is_kept() {
        for start in [COUNTER_GAS - 1, COUNTER_GAS, COUNTER_GAS + 1, i64::MAX as u64, u64::MAX] {
            let mut m = Meter::new(Gas(start));
            assert_eq!(m.left(), Gas(start));
            m.charge_gas(Gas(COUNTER_GAS - 1)).unwrap();
            assert_eq!(m.left(), Gas(start - (COUNTER_GAS - 1)));
            m.give_back(Gas(COUNTER_GAS - 1));
            assert_eq!(m.left(), Gas(start));
            m.charge_gas(Gas(start)).unwrap();
            assert_eq!(m.left(), Gas(0));
            assert!(m.charge_gas(Gas(1)).is_err());
        }
    }

    #[test]
    fn a_failed_charge_leaves_nothing() {
        let mut m = Meter::new(Gas(5));
        assert!(m.charge_gas(Gas(6)).is_err());
        assert_eq!(m.left(), Gas(0));
        let mut m = Meter::new(Gas(5));
        assert!(m.charge(Particles(u64::MAX)).is_err());
        assert_eq!(m.left(), Gas(0));
    }

    #[test]
    fn a_sparing_meter_counts_the_same_and_is_short_soon() {
        const SLICE: u64 = 100;
        for start in [0, 1, SLICE, 12_345, COUNTER_GAS + 7, u64::MAX] {
            let mut whole = Meter::new(Gas(start));
            let mut spares = whole.clone();
            spares.slice(SLICE);
            for cost in [1, 9_999, 1_500_000, 1, 30_000_001, 70_000_000, u64::MAX, 1] {
                assert_eq!(whole.charge(Particles(cost)), spares.charge(Particles(cost)), "{start}: {cost}");
                assert_eq!(whole.left(), spares.left(), "{start}: {cost}");
                assert!(spares.counter < (SLICE * PARTICLES_PER_GAS) as i64 + PARTICLES_PER_GAS as i64);
                if cost > SLICE * PARTICLES_PER_GAS {
                    assert!(spares.counter < PARTICLES_PER_GAS as i64);
                    spares.slice(SLICE);
                    assert_eq!(whole.left(), spares.left());
                }
            }
        }
    }

    #[test]
    fn pages_of_v1() {
        let cost = |c, d| Schedule::V1.grow_cost(Pages(c), Pages(d)).0 / PARTICLES_PER_GAS;
        assert_eq!(cost(0, 0), 0);
        assert_eq!(cost(0, 1), 1_024);
        assert_eq!(cost(0, 16), 16 * 1_024);
        assert_eq!(cost(0, 17), 16 * 1_024 + 14_336);
        assert_eq!(cost(15, 2), 1_024 + 14_336);
        assert_eq!(cost(16, 1), 14_336);
        assert_eq!(cost(0, 65_536), 16 * 1_024 + 65_520 * 14_336);
    }
}

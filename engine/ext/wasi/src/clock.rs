//! Clocks, and random bytes.

use crate::errno::Errno;
use gristmill_ext_grants as grants;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rustix::time::{ClockId, Timespec, clock_getres, clock_gettime};

/// The clocks of preview 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id {
    /// Since 1970.
    Realtime,
    /// Since some time; it never goes back.
    Monotonic,
    /// Of the processor, for this program: it starts at 0.
    Cpu,
}

impl TryFrom<u32> for Id {
    type Error = Errno;

    fn try_from(number: u32) -> Result<Self, Errno> {
        match number {
            0 => Ok(Id::Realtime),
            1 => Ok(Id::Monotonic),
            2 | 3 => Ok(Id::Cpu),
            _ => Err(Errno::Inval),
        }
    }
}

fn nanoseconds(time: Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0).saturating_mul(1_000_000_000);
    seconds.saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// A guest's clocks.
#[derive(Debug)]
pub struct Clock {
    kind: grants::Clock,
    /// What the virtual clock shows.
    now: u64,
    /// What the host's clocks showed when the program began: it sees no more of them than it must.
    monotonic: u64,
    cpu: u64,
}

impl Clock {
    /// Clocks as granted.
    pub fn new(kind: grants::Clock) -> Self {
        let at = |clock| nanoseconds(clock_gettime(clock));
        Self { kind, now: 0, monotonic: at(ClockId::Monotonic), cpu: at(ClockId::ThreadCPUTime) }
    }

    /// Whether time passes for the guest alone.
    pub fn is_virtual(&self) -> bool {
        self.kind == grants::Clock::Virtual
    }

    /// Nanoseconds; nothing when there is no clock.
    pub fn now(&self, id: Id) -> Option<u64> {
        match self.kind {
            grants::Clock::Off => None,
            grants::Clock::Virtual => Some(self.now),
            grants::Clock::Real => Some(match id {
                Id::Realtime => nanoseconds(clock_gettime(ClockId::Realtime)),
                Id::Monotonic => nanoseconds(clock_gettime(ClockId::Monotonic)).saturating_sub(self.monotonic),
                Id::Cpu => nanoseconds(clock_gettime(ClockId::ThreadCPUTime)).saturating_sub(self.cpu),
            }),
        }
    }

    /// Nanoseconds between two values.
    pub fn resolution(&self, id: Id) -> Option<u64> {
        match self.kind {
            grants::Clock::Off => None,
            grants::Clock::Virtual => Some(1),
            grants::Clock::Real => Some(match id {
                Id::Realtime => nanoseconds(clock_getres(ClockId::Realtime)),
                Id::Monotonic => nanoseconds(clock_getres(ClockId::Monotonic)),
                Id::Cpu => nanoseconds(clock_getres(ClockId::ThreadCPUTime)),
            }),
        }
    }

    /// Lets virtual time pass.
    pub fn pass(&mut self, nanoseconds: u64) {
        self.now = self.now.saturating_add(nanoseconds);
    }
}

/// Where a guest's random bytes come from.
#[derive(Debug)]
pub enum Random {
    /// Nowhere.
    Off,
    /// The operating system.
    System,
    /// A generator.
    Seeded(Box<ChaCha20Rng>),
}

impl Random {
    /// As granted.
    pub fn new(kind: grants::Random) -> Self {
        match kind {
            grants::Random::Off => Random::Off,
            grants::Random::System => Random::System,
            grants::Random::Seed(seed) => Random::Seeded(Box::new(ChaCha20Rng::seed_from_u64(seed))),
        }
    }

    /// Fills `bytes`; whether there is anything to fill them with.
    pub fn fill(&mut self, bytes: &mut [u8]) -> Result<bool, Errno> {
        match self {
            Random::Off => return Ok(false),
            Random::System => getrandom::fill(bytes).map_err(|_| Errno::Io)?,
            Random::Seeded(generator) => generator.fill_bytes(bytes),
        }
        Ok(true)
    }
}

//! What extensions hold while a program runs.

use crate::manifest::Grants;
use gristmill::{Halt, Stop};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Something that was refused, for the operator: what was tried, and what grant was missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refused {
    /// The guest's name of the function.
    pub function: &'static str,
    /// What it was to act on.
    pub object: String,
    /// What would have allowed it, as a flag and in a manifest.
    pub missing: Act,
}

/// What takes a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Opening files.
    Directory,
    /// Changing them.
    Write,
    /// Growing them.
    Quota,
    /// Looking at clocks.
    Clock,
    /// Getting random bytes.
    Random,
    /// Connecting and sending.
    Connect,
    /// Listening.
    Listen,
    /// Resolving names.
    Resolve,
    /// Keeping sockets to one interface of the machine.
    Interface,
    /// Running a program of the system.
    Command,
    /// Key-value storage.
    Storage,
    /// Changing it.
    StorageWrite,
    /// Keeping more in it.
    StorageQuota,
    /// Models by name.
    Model,
    /// Models that the guest brings.
    OwnModel,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Act::Directory => "--dir HOST::GUEST, [[directory]]",
            Act::Write => "--dir HOST::GUEST without :ro, access = \"rw\"",
            Act::Quota => "a larger quota of [[directory]]",
            Act::Clock => "--clock real|virtual, clock",
            Act::Random => "--random system|SEED, random",
            Act::Connect => "--allow-net connect:HOSTS:PORTS, [[network]]",
            Act::Listen => "--allow-net listen:HOSTS:PORTS, [[network]]",
            Act::Resolve => "--allow-net resolve:NAMES, [[network]]",
            Act::Interface => "a grant that there is none of",
            Act::Command => "--allow-command NAME, [[command]], or --allow-command-all, all_commands = true",
            Act::Storage => "--storage NAMESPACE, [[storage]]",
            Act::StorageWrite => "--storage NAMESPACE without :ro, access = \"rw\"",
            Act::StorageQuota => "more `bytes` or `keys` of [[storage]]",
            Act::Model => "--nn-model NAME=FILE, [[model]]",
            Act::OwnModel => "--nn-own-models, own_models = true",
        })
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What the guest says goes to a terminal or a log: a line, whatever is in it.
        write!(f, "refused: {}({:?}); it takes {}", self.function, self.object, self.missing)
    }
}

/// Lines that are written of one run: a guest that tries for ever fills no log.
const MANY: usize = 64;

/// Bytes that are shown of what a guest says.
const SHOWN: usize = 256;

/// How long something waits at most before it looks whether its run is cancelled.
const TURN: Duration = Duration::from_millis(20);

/// Cancels a run from another thread, as far as its host functions see to it: those that wait, and those that take their time. Its code
/// is interrupted by its store.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// From now on the time of the run is up.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it is.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Grants of a run, where refusals are noted, and when its time is up. Extensions of a store share one.
pub struct Granted {
    /// What may be done.
    pub grants: Grants,
    /// When the run ends, whatever it does.
    pub deadline: Option<Instant>,
    cancel: Option<Cancel>,
    log: Box<dyn Fn(&Refused) + Send + Sync>,
    noted: Mutex<BTreeSet<Refused>>,
}

impl Granted {
    /// Grants for a run that begins now; each kind of refusal is told `log` once.
    pub fn new(grants: Grants, log: impl Fn(&Refused) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self::of(grants, None, Box::new(log)))
    }

    /// The same, of a run that can be cancelled before its time is up.
    pub fn cancellable(grants: Grants, cancel: Cancel, log: impl Fn(&Refused) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self::of(grants, Some(cancel), Box::new(log)))
    }

    fn of(grants: Grants, cancel: Option<Cancel>, log: Box<dyn Fn(&Refused) + Send + Sync>) -> Self {
        let deadline =
            grants.limits.milliseconds.and_then(|limit| Instant::now().checked_add(Duration::from_millis(limit)));
        Self { grants, deadline, cancel, log, noted: Mutex::default() }
    }

    /// The same, with nobody to tell.
    pub fn quiet(grants: Grants) -> Arc<Self> {
        Self::new(grants, |_| {})
    }

    /// Notes that something was refused.
    pub fn refuse(&self, function: &'static str, object: impl Into<String>, missing: Act) {
        let mut object = object.into();
        if object.len() > SHOWN {
            let end = (0..=SHOWN).rev().find(|end| object.is_char_boundary(*end)).unwrap_or(0);
            object.truncate(end);
        }
        let refused = Refused { function, object, missing };
        // A thread that panicked in between has noted or not noted a line.
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < MANY && noted.insert(refused.clone()) {
            (self.log)(&refused);
        }
    }

    /// How long something may wait that would wait for `wanted`: until the time is up at most. Nothing: it is up.
    pub fn patience(&self, wanted: Option<Duration>) -> Option<Option<Duration>> {
        if self.is_cancelled() {
            return None;
        }
        let Some(deadline) = self.deadline else { return Some(wanted) };
        let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        Some(Some(wanted.map_or(left, |wanted| wanted.min(left))))
    }

    /// The same for something that asks again when it has waited so long in vain: it hears, too, that the run is cancelled.
    pub fn turn(&self, wanted: Option<Duration>) -> Option<Option<Duration>> {
        let left = self.patience(wanted)?;
        Some(match self.cancel {
            Some(_) => Some(left.map_or(TURN, |left| left.min(TURN))),
            None => left,
        })
    }

    /// Whether nothing but itself ends what waits.
    pub fn is_endless(&self) -> bool {
        self.deadline.is_none() && self.cancel.is_none()
    }

    fn is_cancelled(&self) -> bool {
        self.cancel.as_ref().is_some_and(Cancel::is_cancelled)
    }

    /// Ends the run if its time is up.
    ///
    /// # Errors
    /// [`Halt::TimedOut`].
    pub fn in_time(&self) -> Result<(), Stop> {
        let is_over = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        if is_over || self.is_cancelled() { Err(Halt::TimedOut.into()) } else { Ok(()) }
    }
}

impl fmt::Debug for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Granted").field("grants", &self.grants).field("deadline", &self.deadline).finish()
    }
}

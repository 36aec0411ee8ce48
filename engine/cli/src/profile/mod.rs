//! Where gas and time go: a tree of calls, made while contracts run.
//!
//! A frame has what its meter had when it was entered and when it was left; what its children had is theirs, the rest its
//! own. So the sum of all frames' own gas is the gas of the outermost one, whatever happens inside.

mod contracts;
mod report;
mod svg;

pub use contracts::Profiled;
pub use report::{By, Report};

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use gristmill::gas::PARTICLES_PER_GAS;
use gristmill::wasm::load::{ImportKind, Parsed};
use gristmill::{Callee, Watcher};

use crate::names::Names;

/// Frames that lie deeper than that in the tree count as their parent's own there; in the table they count as themselves.
const DEPTH: usize = 512;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A run, a transaction, a step.
    Run,
    /// A message to a contract.
    Message,
    /// A function of a module.
    Function,
    /// A function of the host.
    Host,
    /// Gas that no code spends.
    Charge,
}

impl Kind {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Run => "run",
            Kind::Message => "message",
            Kind::Function => "function",
            Kind::Host => "host",
            Kind::Charge => "charge",
        }
    }
}

/// What is known of all frames of one name.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// What it is called.
    pub label: String,
    /// The module that a function belongs to.
    pub module: Option<usize>,
    /// How often it was entered.
    pub calls: u64,
    /// Its own.
    pub own: Cost,
    /// With all that it called; what calls itself counts once.
    pub total: Cost,
    /// Frames of it that are open.
    open: u32,
}

/// Gas, in particles, and time. A refund is negative gas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Particles: 10,000 are 1 gas.
    pub particles: i128,
    /// Time.
    pub time: Duration,
}

impl Cost {
    fn add(&mut self, other: Cost) {
        self.particles += other.particles;
        self.time += other.time;
    }

    fn minus(self, other: Cost) -> Cost {
        Cost { particles: self.particles - other.particles, time: self.time.saturating_sub(other.time) }
    }
}

/// A place in the tree.
#[derive(Clone, Debug)]
pub struct Node {
    /// Number of its [`Entry`].
    pub entry: usize,
    /// Its own.
    pub own: Cost,
    /// Places of what it called, in the order of first calls.
    pub children: Vec<usize>,
    by_entry: HashMap<usize, usize>,
}

/// A frame that was entered and not left.
struct Open {
    entry: usize,
    node: usize,
    /// Particles at its entry, and when last seen.
    entered: i128,
    seen: i128,
    since: Instant,
    /// What its children cost.
    inside: Cost,
    /// It has called nothing yet.
    fresh: bool,
}

/// What tells entries apart.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    /// Function of a module.
    Own(usize, Option<u32>),
    /// Anything else.
    Named(Kind, String),
}

#[derive(Default)]
struct State {
    entries: Vec<Entry>,
    by_key: HashMap<Key, usize>,
    nodes: Vec<Node>,
    roots: Vec<usize>,
    open: Vec<Open>,
    /// Names of functions by module, and what a module is called.
    modules: Vec<Module>,
    by_code: HashMap<Vec<u8>, usize>,
    /// The module of each message that runs.
    running: Vec<usize>,
}

struct Module {
    label: String,
    names: Option<HashMap<u32, String>>,
}

/// Counts.
#[derive(Default)]
pub struct Profiler(Mutex<State>);

impl Profiler {
    fn with<R: Default>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        // A panic elsewhere ends the command: nobody reads a profile then.
        self.0.lock().map(|mut state| f(&mut state)).unwrap_or_default()
    }

    /// Something begins that has `gas` to spend.
    pub fn begin(&self, kind: Kind, label: &str, gas: i64) {
        self.with(|state| {
            if kind == Kind::Message {
                // What a transaction costs before its message.
                state.charge_first("(intrinsic gas)", &[Kind::Run], particles(gas));
            }
            let entry = state.named(kind, label, None);
            state.enter(entry, particles(gas));
        });
    }

    /// What began last is over, with so much gas left.
    pub fn end(&self, gas_left: i64) {
        self.with(|state| state.leave(particles(gas_left)));
    }

    /// Code begins to run; functions that are entered are its own.
    pub fn begin_code(&self, code: &[u8], label: &str) {
        self.with(|state| {
            let module = match state.by_code.get(code) {
                Some(module) => *module,
                None => {
                    state.modules.push(Module { label: label.into(), names: None });
                    state.by_code.insert(code.to_vec(), state.modules.len() - 1);
                    state.modules.len() - 1
                }
            };
            state.running.push(module);
        });
    }

    /// The code that began last is over.
    pub fn end_code(&self) {
        self.with(|state| {
            state.running.pop();
        });
    }

    /// Gas that no code spent, as a frame of its own inside of the one that is open.
    pub fn charge(&self, label: &str, gas: i64) {
        self.with(|state| state.charge(label, particles(gas)));
    }

    /// Gas that went between the last frame inside of the one that is open and now, as a frame of its own.
    pub fn charge_rest(&self, label: &str, gas_left: i64) {
        self.with(|state| {
            let rest = state.open.last().map_or(0, |open| open.seen - particles(gas_left));
            if rest > 0 {
                state.charge(label, rest);
            }
        });
    }

    /// What was counted, once all is over.
    pub fn report(&self) -> Report {
        self.with(|state| {
            let modules = state.modules.iter().map(|module| module.label.clone()).collect();
            Report { entries: state.entries.clone(), nodes: state.nodes.clone(), roots: state.roots.clone(), modules }
        })
    }
}

impl Watcher for Profiler {
    fn sees_calls(&self) -> bool {
        true
    }

    fn enter(&self, callee: Callee<'_>, left: u128) {
        self.with(|state| {
            let left = left as i128;
            state.charge_first("(validation, first pages)", &[Kind::Message, Kind::Run], left);
            let entry = state.callee(callee);
            state.enter(entry, left);
        });
    }

    fn leave(&self, left: u128) {
        self.with(|state| state.leave(left as i128));
    }
}

fn particles(gas: i64) -> i128 {
    i128::from(gas) * i128::from(PARTICLES_PER_GAS)
}

impl State {
    fn callee(&mut self, callee: Callee<'_>) -> usize {
        let module = self.running.last().copied().unwrap_or(0);
        let key = Key::Own(module, callee.function);
        if let Some(entry) = self.by_key.get(&key) {
            return *entry;
        }
        let name = callee.function.and_then(|function| self.name(module, callee.module, function));
        let label = match (name, callee.function) {
            (Some(name), _) => name,
            (None, Some(function)) => format!("func[{function}]"),
            (None, None) => "a host function of a table".into(),
        };
        let is_host = callee.function.is_none_or(|function| function < callee.module.imported_functions);
        let entry = match is_host {
            true => self.named(Kind::Host, &label, None),
            false => self.add(Kind::Function, label, Some(module)),
        };
        self.by_key.insert(key, entry);
        entry
    }

    fn name(&mut self, module: usize, parsed: &Parsed, function: u32) -> Option<String> {
        if function < parsed.imported_functions {
            // By the names of the interface, whatever the guest calls it.
            let mut functions = parsed.imports.iter().filter(|import| matches!(import.kind, ImportKind::Func(_)));
            let import = functions.nth(function as usize)?;
            return Some(format!("{}.{}", import.module, import.name));
        }
        let names = |parsed: &Parsed| {
            let names = Names::new(parsed);
            let all = 0..parsed.functions.len() as u32;
            all.filter_map(|function| Some((function, names.of(function)?.to_string()))).collect()
        };
        let known = self.modules.get_mut(module)?.names.get_or_insert_with(|| names(parsed));
        known.get(&function).cloned()
    }

    fn named(&mut self, kind: Kind, label: &str, module: Option<usize>) -> usize {
        let key = Key::Named(kind, label.into());
        if let Some(entry) = self.by_key.get(&key) {
            return *entry;
        }
        let entry = self.add(kind, label.into(), module);
        self.by_key.insert(key, entry);
        entry
    }

    fn add(&mut self, kind: Kind, label: String, module: Option<usize>) -> usize {
        let (own, total) = (Cost::default(), Cost::default());
        self.entries.push(Entry { kind, label, module, calls: 0, own, total, open: 0 });
        self.entries.len() - 1
    }

    /// The place of `entry` below the frame that is open.
    fn place(&mut self, entry: usize) -> usize {
        let parent = self.open.last().map(|open| open.node);
        if let Some(parent) = parent.filter(|_| self.open.len() >= DEPTH) {
            return parent;
        }
        let known = match parent {
            Some(parent) => self.nodes[parent].by_entry.get(&entry).copied(),
            None => self.roots.iter().copied().find(|root| self.nodes[*root].entry == entry),
        };
        known.unwrap_or_else(|| {
            let node = self.nodes.len();
            self.nodes.push(Node { entry, own: Cost::default(), children: Vec::new(), by_entry: HashMap::new() });
            match parent {
                Some(parent) => {
                    self.nodes[parent].children.push(node);
                    self.nodes[parent].by_entry.insert(entry, node);
                }
                None => self.roots.push(node),
            }
            node
        })
    }

    fn enter(&mut self, entry: usize, left: i128) {
        let node = self.place(entry);
        if let Some(open) = self.open.last_mut() {
            open.fresh = false;
        }
        self.entries[entry].open += 1;
        let (since, inside) = (Instant::now(), Cost::default());
        self.open.push(Open { entry, node, entered: left, seen: left, since, inside, fresh: true });
    }

    fn leave(&mut self, left: i128) {
        let Some(open) = self.open.pop() else { return };
        let all = Cost { particles: open.entered - left, time: open.since.elapsed() };
        self.count(open.entry, open.node, all.minus(open.inside), all);
        self.entries[open.entry].open -= 1;
        if self.entries[open.entry].open == 0 {
            self.entries[open.entry].total.add(all);
        }
        if let Some(outer) = self.open.last_mut() {
            outer.seen = left;
        }
    }

    /// What the open frame, if it is of these kinds, has paid before it calls anything.
    fn charge_first(&mut self, label: &str, kinds: &[Kind], left: i128) {
        let Some(open) = self.open.last().filter(|open| open.fresh) else { return };
        if open.entered > left && kinds.contains(&self.entries[open.entry].kind) {
            self.charge(label, open.entered - left);
        }
    }

    /// A frame that is entered and left at once.
    fn charge(&mut self, label: &str, particles: i128) {
        let entry = self.named(Kind::Charge, label, None);
        let node = self.place(entry);
        let cost = Cost { particles, time: Duration::ZERO };
        self.count(entry, node, cost, cost);
        self.entries[entry].total.add(cost);
    }

    fn count(&mut self, entry: usize, node: usize, own: Cost, all: Cost) {
        self.entries[entry].calls += 1;
        self.entries[entry].own.add(own);
        self.nodes[node].own.add(own);
        if let Some(outer) = self.open.last_mut() {
            outer.inside.add(all);
        }
    }
}

//! A profile as a table, as JSON, and as folded stacks.

use std::cmp::Reverse;

use clap::ValueEnum;
use gristmill::gas::PARTICLES_PER_GAS;
use serde_json::{Value, json};

use super::{Cost, Entry, Kind, Node, svg};

/// What counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// Gas, exact and the same on every machine
    #[default]
    Gas,
    /// Time, of this run on this machine
    Time,
}

impl By {
    /// The part that counts, in whole units: particles or nanoseconds.
    pub fn of(self, cost: Cost) -> i128 {
        match self {
            By::Gas => cost.particles,
            By::Time => cost.time.as_nanos() as i128,
        }
    }

    /// An amount for people.
    pub fn text(self, amount: i128) -> String {
        match self {
            By::Gas => format!("{} gas", gas(amount)),
            By::Time => format!("{} ms", milliseconds(amount)),
        }
    }
}

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub(super) entries: Vec<Entry>,
    pub(super) nodes: Vec<Node>,
    pub(super) roots: Vec<usize>,
    /// What modules are called.
    pub(super) modules: Vec<String>,
}

impl Report {
    /// Everything together: what the outermost frames cost.
    pub fn total(&self) -> Cost {
        let mut sum = Cost::default();
        self.entries.iter().for_each(|entry| sum.add(entry.own));
        sum
    }

    /// Frames by name, the dearest first.
    pub fn sorted(&self, by: By) -> Vec<&Entry> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by_key(|entry| (Reverse(by.of(entry.own)), Reverse(by.of(entry.total))));
        entries
    }

    /// The module of a function, where there are several.
    fn module(&self, entry: &Entry) -> Option<&str> {
        let module = self.modules.get(entry.module?)?;
        (self.modules.len() > 1).then_some(module)
    }

    /// A line a name, the first `top` of them, and what they are together.
    pub fn table(&self, by: By, top: usize) -> Vec<String> {
        let total = self.total();
        let numbers = |own: Cost, whole: Option<Cost>, calls: u64, name: &str| {
            let whole_of = |f: &dyn Fn(Cost) -> String| whole.map(f).unwrap_or_default();
            let share = |part: Cost| match by.of(total) {
                0 => "-".into(),
                all => format!("{:.1}", by.of(part) as f64 * 100.0 / all as f64),
            };
            let columns = [
                gas(own.particles),
                milliseconds(own.time.as_nanos() as i128),
                share(own),
                whole_of(&|whole| gas(whole.particles)),
                whole_of(&|whole| milliseconds(whole.time.as_nanos() as i128)),
                whole_of(&share),
                calls.to_string(),
            ];
            row(columns.each_ref().map(String::as_str), name)
        };
        let mut lines = vec![row(["self gas", "self ms", "%", "total gas", "total ms", "%", "calls"], "function")];
        let sorted = self.sorted(by);
        let (shown, rest) = sorted.split_at(top.min(sorted.len()));
        for entry in shown {
            let name = match self.module(entry) {
                Some(module) => format!("{}  ({module})", entry.label),
                None => entry.label.clone(),
            };
            lines.push(numbers(entry.own, Some(entry.total), entry.calls, &name));
        }
        if !rest.is_empty() {
            let mut own = Cost::default();
            rest.iter().for_each(|entry| own.add(entry.own));
            let calls = rest.iter().map(|entry| entry.calls).sum();
            lines.push(numbers(own, None, calls, &format!("{} more", rest.len())));
        }
        lines.push(numbers(total, None, self.entries.iter().map(|entry| entry.calls).sum(), "all"));
        lines
    }

    /// The same for machines, all of it.
    pub fn json(&self, by: By) -> Value {
        let entry = |entry: &&Entry| {
            json!({
                "name": entry.label,
                "kind": entry.kind.name(),
                "module": entry.module.and_then(|module| self.modules.get(module)),
                "calls": entry.calls,
                "self_particles": small(entry.own.particles),
                "self_gas": gas(entry.own.particles),
                "total_particles": small(entry.total.particles),
                "total_gas": gas(entry.total.particles),
                "self_nanoseconds": small(entry.own.time.as_nanos() as i128),
                "total_nanoseconds": small(entry.total.time.as_nanos() as i128),
            })
        };
        let total = self.total();
        json!({
            "particles": small(total.particles),
            "gas": gas(total.particles),
            "nanoseconds": small(total.time.as_nanos() as i128),
            "functions": self.sorted(by).iter().map(entry).collect::<Vec<_>>(),
        })
    }

    /// A line a stack: names from the outermost on, and what is the last one's own, in particles or nanoseconds. Refunds,
    /// which are negative, are left out.
    pub fn folded(&self, by: By) -> String {
        let mut text = String::new();
        let mut todo: Vec<(usize, String)> = self.roots.iter().rev().map(|root| (*root, String::new())).collect();
        while let Some((node, path)) = todo.pop() {
            let Node { entry, own, children, .. } = &self.nodes[node];
            let name = self.entries[*entry].label.replace(';', ":").replace(['\n', '\r'], " ");
            let path = if path.is_empty() { name } else { format!("{path};{name}") };
            let amount = by.of(*own);
            if amount > 0 {
                text += &format!("{path} {amount}\n");
            }
            todo.extend(children.iter().rev().map(|child| (*child, path.clone())));
        }
        text
    }

    /// A flame graph under this title.
    pub fn svg(&self, by: By, title: &str) -> String {
        svg::draw(self, by, title)
    }

    /// What refunds take away; 0 or less.
    pub fn refunds(&self) -> i128 {
        let charges = self.entries.iter().filter(|entry| entry.kind == Kind::Charge);
        charges.map(|entry| entry.own.particles.min(0)).sum()
    }
}

/// A number of particles as JSON has it.
fn small(number: i128) -> Value {
    i64::try_from(number).map_or_else(|_| Value::String(number.to_string()), Value::from)
}

/// Particles as gas, exact.
pub fn gas(particles: i128) -> String {
    let (sign, size) = (if particles < 0 { "-" } else { "" }, particles.unsigned_abs());
    let unit = u128::from(PARTICLES_PER_GAS);
    format!("{sign}{}.{:04}", size / unit, size % unit)
}

/// Nanoseconds as milliseconds.
fn milliseconds(nanoseconds: i128) -> String {
    format!("{:.3}", nanoseconds as f64 / 1e6)
}

fn row([own, own_time, own_share, total, total_time, total_share, calls]: [&str; 7], name: &str) -> String {
    format!("{own:>16} {own_time:>9} {own_share:>6} {total:>16} {total_time:>9} {total_share:>6} {calls:>9}  {name}")
}

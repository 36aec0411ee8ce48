//! Arguments of a bench, and its result as a table for people and as JSON.

use crate::measure::{Contender, Effort, Times, geomean, interleave};
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

/// What a bench is asked for on the command line.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `--rounds N`, `--turn MILLISECONDS`.
    pub effort: Effort,
    /// `--only SUBSTRING`: of the inputs' names.
    pub only: Option<String>,
    /// `--json FILE`.
    pub json: Option<String>,
    /// `--brief`: no line about the machine.
    pub brief: bool,
}

impl Asked {
    /// Reads the arguments; without them there are 11 turns of `turn`.
    ///
    /// # Panics
    /// On arguments that make no sense.
    pub fn from_arguments(turn: Duration) -> Self {
        let mut asked = Self { effort: Effort { rounds: 11, turn }, only: None, json: None, brief: false };
        let mut arguments = std::env::args().skip(1).skip_while(|argument| !argument.starts_with("--"));
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().unwrap_or_else(|| panic!("{name} needs a value"));
            match &*name {
                "--rounds" => asked.effort.rounds = value().parse().expect("--rounds takes a number"),
                "--turn" => {
                    asked.effort.turn = Duration::from_millis(value().parse().expect("--turn takes milliseconds"));
                }
                "--only" => asked.only = Some(value()),
                "--json" => asked.json = Some(value()),
                "--brief" => asked.brief = true,
                // What `cargo bench` adds.
                "--bench" => {}
                _ => panic!("{name}: only --rounds, --turn, --only, --json and --brief are known"),
            }
        }
        asked
    }

    /// Whether the input was asked for.
    pub fn wants(&self, input: &str) -> bool {
        self.only.as_ref().is_none_or(|only| input.contains(&**only))
    }
}

/// A bench under way: what was asked for, and the rows so far.
pub struct Report {
    question: &'static str,
    unit: Unit,
    asked: Asked,
    rows: Vec<Row>,
}

struct Row {
    input: String,
    scale: f64,
    in_mean: bool,
    times: Vec<Times>,
}

/// What a figure of the table means.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    /// For people: `µs`, `ns a call`.
    pub name: &'static str,
    /// Nanoseconds in one of it.
    pub nanoseconds: f64,
}

/// Microseconds for one unit of work.
pub const MICROSECONDS: Unit = Unit { name: "µs", nanoseconds: 1e3 };

impl Report {
    /// Of what [the arguments](Asked) say, turns of 10 ms without.
    ///
    /// # Panics
    /// On arguments that make no sense.
    pub fn from_arguments(question: &'static str, unit: Unit) -> Self {
        Self { question, unit, asked: Asked::from_arguments(Duration::from_millis(10)), rows: Vec::new() }
    }

    /// Whether the input was asked for.
    pub fn wants(&self, input: &str) -> bool {
        self.asked.wants(input)
    }

    /// Times one input. Figures are divided by `per` (calls in a unit of work, kilobytes of a module); rows outside the
    /// mean are shown and left out of the last line. The last contender is what the others are compared with.
    pub fn time(&mut self, input: &str, per: f64, in_mean: bool, contenders: &mut [Contender<'_>]) {
        let times = interleave(contenders, self.asked.effort);
        let scale = 1.0 / (per * self.unit.nanoseconds);
        eprint!("{input}:");
        for t in &times {
            eprint!(" {} {:.3}", t.name, t.median() * scale);
        }
        eprintln!(" {}", self.unit.name);
        self.rows.push(Row { input: input.to_string(), scale, in_mean, times });
    }

    /// Prints the tables and, when asked, writes the JSON.
    ///
    /// # Panics
    /// When the JSON file cannot be written.
    pub fn finish(self) {
        println!(
            "\n## {} ({}, median of {} rounds; least in brackets)\n",
            self.question, self.unit.name, self.asked.effort.rounds
        );
        let machine = machine();
        if !self.asked.brief {
            let facts = machine.as_object().into_iter().flatten();
            println!("{}\n", facts.map(|(k, v)| format!("{k}: {}", text(v))).collect::<Vec<_>>().join("; "));
        }
        let names = self.names();
        let Some(base) = names.last() else {
            println!("nothing was asked for");
            return;
        };
        let line = |head: &str, cells: Vec<String>| println!("| {head} | {} |", cells.join(" | "));
        let head = || {
            line("input", names.clone());
            println!("{}|", "|---".repeat(names.len() + 1));
        };
        head();
        for row in &self.rows {
            line(
                &row.input,
                row.cells(&names, |t| format!("{:.3} ({:.3})", t.median() * row.scale, t.least() * row.scale)),
            );
        }
        println!("\nRatio to {base}, median over the rounds; of the least times in brackets (below 1 is faster):\n");
        head();
        for row in &self.rows {
            line(
                &row.input,
                row.cells(&names, |t| format!("{:.3} ({:.3})", t.ratio(row.base()), t.least_ratio(row.base()))),
            );
        }
        let means = self.means(&names, Times::ratio);
        let least = self.means(&names, Times::least_ratio);
        line("**geomean**", means.iter().zip(&least).map(|(m, l)| format!("**{m:.3}** ({l:.3})")).collect());
        if let Some(file) = &self.asked.json {
            let rows: Vec<Value> = self.rows.iter().map(|row| row.json()).collect();
            let geomean: serde_json::Map<String, Value> =
                names.iter().zip(&means).map(|(n, m)| (n.to_string(), json!(m))).collect();
            let all = json!({
                "question": self.question, "unit": self.unit.name, "rounds": self.asked.effort.rounds,
                "machine": machine, "base": base, "geomean": geomean, "rows": rows,
            });
            std::fs::write(file, format!("{all:#}\n")).unwrap_or_else(|e| panic!("{file}: {e}"));
        }
    }

    /// The geometric mean of each contender's ratios, over the rows that are in the mean.
    fn means(&self, names: &[String], ratio: impl Fn(&Times, &Times) -> f64) -> Vec<f64> {
        let of = |name: &String| {
            let rows = self.rows.iter().filter(|row| row.in_mean);
            let ratios = rows.filter_map(|row| Some(ratio(row.times.iter().find(|t| t.name == *name)?, row.base())));
            geomean(&ratios.collect::<Vec<_>>())
        };
        names.iter().map(of).collect()
    }

    /// Columns: every contender of every row, what they are compared with last.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for time in self.rows.iter().flat_map(|row| &row.times) {
            if !names.contains(&time.name) {
                names.push(time.name.clone());
            }
        }
        if let Some(base) = self.rows.first().map(|row| &row.base().name) {
            names.retain(|name| name != base);
            names.push(base.clone());
        }
        names
    }
}

impl Row {
    /// What the others are compared with.
    fn base(&self) -> &Times {
        self.times.last().expect("a row has contenders")
    }

    /// A cell for each column; a dash for contenders that do not run this input.
    fn cells(&self, names: &[String], cell: impl Fn(&Times) -> String) -> Vec<String> {
        let find = |name: &String| self.times.iter().find(|t| t.name == *name);
        names.iter().map(|name| find(name).map_or_else(|| "–".into(), &cell)).collect()
    }

    fn json(&self) -> Value {
        let contenders: serde_json::Map<String, Value> = self
            .times
            .iter()
            .map(|t| {
                let figures = json!({
                    "median": t.median() * self.scale, "least": t.least() * self.scale, "ratio": t.ratio(self.base()),
                    "least_ratio": t.least_ratio(self.base()),
                });
                (t.name.clone(), figures)
            })
            .collect();
        json!({ "input": self.input, "contenders": contenders })
    }
}

/// What the figures were taken on.
fn machine() -> Value {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu =
        cpuinfo.lines().find_map(|l| l.strip_prefix("model name")).map(|l| l.trim_start_matches([' ', '\t', ':']));
    let rustc = Command::new("rustc").arg("-V").output().map(|o| String::from_utf8_lossy(&o.stdout).trim().to_string());
    json!({
        "cpu": cpu.unwrap_or("unknown"),
        "cores": std::thread::available_parallelism().map_or(0, |n| n.get()),
        "os": std::env::consts::OS,
        "rustc": rustc.unwrap_or_else(|_| "unknown".into()),
    })
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

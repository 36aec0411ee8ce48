//! What a program could do, in words.

use crate::manifest::{Access, Clock, Grants, Input, Output, Random};
use std::fmt;

impl fmt::Display for Grants {
    /// A line for each thing that may be done.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        let may = |access: Access| if access == Access::Rw { "reads and writes" } else { "reads" };
        if let Some(digest) = self.module {
            lines.push(format!("is the module {digest}"));
        }
        for directory in &self.directories {
            let quota = directory.quota.map_or(String::new(), |quota| format!(", grows it by {quota} bytes at most"));
            let place = match &directory.host {
                Some(host) => format!("the host's {}", host.display()),
                None => "a directory in memory".into(),
            };
            lines.push(format!("{} {place} as {}{quota}", may(directory.access), directory.guest));
        }
        if !self.arguments.is_empty() {
            lines.push(format!("gets {} arguments", self.arguments.len()));
        }
        if !self.environment.is_empty() {
            let names: Vec<_> = self.environment.keys().map(String::as_str).collect();
            lines.push(format!("sees in its environment {}", names.join(", ")));
        }
        match self.stdio.stdin {
            Input::Null => {}
            Input::Inherit => lines.push("reads standard input".into()),
            Input::Given => lines.push("reads an input that it is given".into()),
        }
        for (name, output) in [("standard output", self.stdio.stdout), ("standard error", self.stdio.stderr)] {
            match output {
                Output::Null => {}
                Output::Inherit => lines.push(format!("writes to {name}")),
                Output::Capture => {
                    lines.push(format!("writes to {name}, of which {} bytes are kept", self.limits.output()))
                }
            }
        }
        match self.clock {
            Clock::Off => {}
            Clock::Virtual => lines.push("has a clock that begins at 0".into()),
            Clock::Real => lines.push("sees the time".into()),
        }
        match self.random {
            Random::Off => {}
            Random::System => lines.push("gets random bytes of the system".into()),
            Random::Seed(seed) => lines.push(format!("gets the random bytes of seed {seed}")),
        }
        lines.extend(self.network.iter().map(|rule| format!("uses the network: {rule}")));
        for command in &self.commands {
            let path = command.path.as_ref().map_or(String::new(), |path| format!(" ({})", path.display()));
            let arguments = match &command.arguments {
                None => " with any arguments".into(),
                Some(patterns) => format!(" with arguments like {patterns:?}"),
            };
            let time = command.milliseconds.map_or(String::new(), |limit| format!(", for {limit} ms at most"));
            let walls = command.walls.as_ref().map_or(String::new(), |walls| {
                let network = if walls.network { "with" } else { "without" };
                let (read, write) = (&walls.read, &walls.write);
                format!(", within walls {network} network: reads {read:?}, reads and writes {write:?}")
            });
            lines.push(format!("runs {}{path}{arguments}{time}{walls}", command.name));
        }
        if self.all_commands {
            lines.push("runs any command of the system".into());
        }
        for storage in &self.storage {
            let limit =
                |limit: Option<u64>, what| limit.map_or(String::new(), |limit| format!(", {limit} {what} at most"));
            let (bytes, keys) = (limit(storage.bytes, "bytes"), limit(storage.keys, "keys"));
            lines.push(format!("{} the storage {}{bytes}{keys}", may(storage.access), storage.namespace));
        }
        for model in &self.models {
            let (name, file) = (&model.name, model.file.display());
            let backend = model.backend.as_ref().map_or(String::new(), |backend| format!(" by {backend}"));
            lines.push(format!("runs the model {name}: {file} ({} on {}{backend})", model.encoding, model.target));
        }
        if self.own_models {
            lines.push("runs models that it brings".into());
        }
        if lines.is_empty() {
            lines.push("computes, and does nothing else".into());
        }
        let limits = [
            self.limits.gas.map(|gas| format!("{gas} gas")),
            self.limits.milliseconds.map(|limit| format!("{limit} ms")),
            self.limits.pages.map(|pages| format!("{pages} pages of memory")),
        ];
        let limits: Vec<_> = limits.into_iter().flatten().collect();
        if !limits.is_empty() {
            lines.push(format!("spends {} at most", limits.join(", ")));
        }
        f.write_str(&lines.join("\n"))
    }
}

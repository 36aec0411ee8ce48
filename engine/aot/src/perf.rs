//! The file in which Linux perf looks up names of functions that no binary has: `/tmp/perf-PID.map`.

use crate::compile::Object;
use crate::memory::Executable;
use gristmill::tier::Parsed;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;

/// Adds a line for every function of a module: where its code is, how long, its name or else its number.
///
/// # Errors
/// The file cannot be written to.
pub(crate) fn write(parsed: &Parsed, object: &Object, executable: &Executable) -> io::Result<()> {
    let path = format!("/tmp/perf-{}.map", std::process::id());
    // Others can make links in /tmp.
    let mut file =
        OpenOptions::new().create(true).append(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(path)?;
    let names: std::collections::HashMap<u32, &str> = parsed.function_names().collect();
    let mut starts: Vec<(u32, String)> = Vec::with_capacity(object.functions.len() + object.adaptors.len());
    for (index, at) in (parsed.imported_functions..).zip(&object.functions) {
        let name = names.get(&index).map_or_else(|| format!("function {index}"), ToString::to_string);
        // A line is a name.
        starts.push((*at, format!("wasm: {}", name.replace(char::is_control, " "))));
    }
    starts.extend(object.adaptors.iter().enumerate().map(|(ty, at)| (*at, format!("wasm: enter type {ty}"))));
    starts.sort();
    let mut text = String::new();
    for (at, (start, name)) in starts.iter().enumerate() {
        let end = starts.get(at + 1).map_or(object.code.len(), |(next, _)| *next as usize);
        let address = executable.at(*start as usize) as usize;
        text += &format!("{address:x} {:x} {name}\n", end - *start as usize);
    }
    file.write_all(text.as_bytes())
}

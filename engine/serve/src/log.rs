//! A line for each request, on standard error.

use serde_json::json;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, SystemTime};
use std::{io, thread};

/// How requests are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// A line of text.
    #[default]
    Text,
    /// A line of JSON.
    Json,
    /// Not at all.
    Off,
}

/// What is told of a request.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Whom it came from.
    pub client: SocketAddr,
    /// Its method.
    pub method: &'a str,
    /// Its path, as it was sent.
    pub path: &'a str,
    /// The answer's status; 499: the client did not wait for one.
    pub status: u16,
    /// What failed, if something did.
    pub failure: Option<&'a str>,
    /// From request to answer.
    pub time: Duration,
    /// Gas that was spent.
    pub gas: u64,
}

/// Lines that wait for somebody to read standard error. Beyond them lines are dropped: no reader stops the server.
const WAITING: usize = 4_096;

/// Characters of a path that are told.
const SHOWN: usize = 256;

/// The log.
#[derive(Debug)]
pub struct Log {
    form: Form,
    lines: SyncSender<String>,
}

impl Log {
    /// A log in that form, with a thread that writes it.
    ///
    /// # Errors
    /// The system has no more threads.
    pub fn new(form: Form) -> io::Result<Self> {
        let (lines, written) = sync_channel::<String>(WAITING);
        let write = move || {
            for line in written {
                // Nobody reads it: nothing left to do.
                let _ = io::stderr().write_all(line.as_bytes());
            }
        };
        thread::Builder::new().name("log".into()).spawn(write)?;
        Ok(Self { form, lines })
    }

    /// Tells of a request.
    pub fn request(&self, entry: &Entry<'_>) {
        let line = match self.form {
            Form::Text => text(entry),
            Form::Json => in_json(entry),
            Form::Off => return,
        };
        self.write(line);
    }

    fn write(&self, line: String) {
        // A full queue drops it.
        let _ = self.lines.try_send(line);
    }

    /// Tells the operator what is wrong.
    pub fn trouble(&self, what: &str) {
        let line = match self.form {
            Form::Json => format!("{}\n", json!({ "trouble": what })),
            Form::Text | Form::Off => format!("trouble: {what:?}\n"),
        };
        self.write(line);
    }
}

fn shown(path: &str) -> String {
    path.chars().take(SHOWN).collect()
}

/// What came from outside is quoted: a line is a line, whatever a client sends.
fn text(entry: &Entry<'_>) -> String {
    let time = humantime::format_rfc3339_millis(SystemTime::now());
    let failure = entry.failure.map_or(String::new(), |failure| format!(" {failure}"));
    let milliseconds = entry.time.as_secs_f64() * 1e3;
    let (client, method, status, gas) = (entry.client, entry.method, entry.status, entry.gas);
    format!("{time} {client} {method:?} {:?} {status}{failure} {milliseconds:.3} ms {gas} gas\n", shown(entry.path))
}

fn in_json(entry: &Entry<'_>) -> String {
    let line = json!({
        "time": humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
        "client": entry.client.to_string(),
        "method": entry.method,
        "path": shown(entry.path),
        "status": entry.status,
        "failure": entry.failure,
        "milliseconds": entry.time.as_secs_f64() * 1e3,
        "gas": entry.gas,
    });
    format!("{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_line() {
        let entry = Entry {
            client: "127.0.0.1:9".parse().unwrap(),
            method: "GET",
            path: "/\n\x1b[31m\"",
            status: 500,
            failure: Some("trap"),
            time: Duration::from_micros(1_500),
            gas: 7,
        };
        let line = text(&entry);
        assert!(line.ends_with("\"GET\" \"/\\n\\u{1b}[31m\\\"\" 500 trap 1.500 ms 7 gas\n"), "{line}");
        let json = in_json(&entry);
        assert_eq!(json.matches('\n').count(), 1);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["path"], entry.path);
    }
}

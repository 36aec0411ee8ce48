//! Fetches for others: reads a request on standard input, has the system's `curl` make it, and prints the answer. Written
//! with the crate that SSVM's programs were written with. Needs the command `curl`.
//!
//! ```text
//! POST http://127.0.0.1:8080/greet
//! Content-Type: text/plain
//!
//! body
//! ```

use ssvm_process_interface::Command;
use std::io::{self, Read, Write};
use std::process::ExitCode;

fn main() -> io::Result<ExitCode> {
    let mut request = String::new();
    io::stdin().read_to_string(&mut request)?;
    let (head, body) = request.split_once("\n\n").unwrap_or((request.trim_end(), ""));
    let mut lines = head.lines();
    let Some((method, url)) = lines.next().and_then(|line| line.split_once(' ')) else {
        eprintln!("the first line is METHOD URL");
        return Ok(ExitCode::from(2));
    };

    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--include", "--request", method]);
    for header in lines {
        curl.args(["--header", header]);
    }
    if !body.is_empty() {
        curl.args(["--data-binary", "@-"]).stdin(body);
    }
    let answer = curl.args(["--", url]).timeout(5_000).output();

    io::stdout().write_all(&answer.stdout)?;
    io::stderr().write_all(&answer.stderr)?;
    Ok(ExitCode::from(answer.status as u8))
}

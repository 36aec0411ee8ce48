//! Notes that outlive the program, through gristmill's own storage functions. Needs the namespace `notes`.
//!
//! ```text
//! notebook write TITLE TEXT...    notebook read TITLE    notebook forget TITLE    notebook list [BEGINNING]
//! ```

use std::env;
use std::process::ExitCode;

use gristmill_guests::storage::{Failed, Space};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match act(&words) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(Failed(status)) => {
            eprintln!("storage: status {status}");
            ExitCode::from(2)
        }
    }
}

fn act(words: &[&str]) -> Result<bool, Failed> {
    let notes = Space::open("notes")?;
    match words {
        ["write", title, text @ ..] => notes.set(title, text.join(" ").as_bytes()).map(|()| true),
        ["read", title] => {
            let note = notes.get(title)?;
            match &note {
                Some(text) => println!("{}", String::from_utf8_lossy(text)),
                None => eprintln!("no note {title}"),
            }
            Ok(note.is_some())
        }
        ["forget", title] => notes.delete(title),
        ["list", rest @ ..] => {
            for title in notes.keys(rest.first().unwrap_or(&""))? {
                println!("{title}");
            }
            Ok(true)
        }
        _ => {
            eprintln!("write, read, forget or list");
            Ok(false)
        }
    }
}

//! What may be run.

use crate::table::Request;
use gristmill_ext_grants::{Command, CommandWalls, Grants};
use std::path::Path;

/// A run that is allowed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Allowed<'a> {
    /// The file; without, the name is looked up.
    pub path: Option<&'a Path>,
    /// The longest that it may run.
    pub milliseconds: Option<u32>,
    /// What is around it.
    pub walls: Option<&'a CommandWalls>,
}

/// Why a run is not.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// No entry has the name.
    Name,
    /// One has, and no such arguments.
    Arguments,
    /// One has, and this variable may not be set.
    Variable(String),
}

/// Whether that may be run: by the first entry that fits, or because everything may.
pub(crate) fn check<'a>(grants: &'a Grants, request: &Request) -> Result<Allowed<'a>, Denied> {
    let mut denied = Denied::Name;
    for command in grants.commands.iter().filter(|command| command.name.as_bytes() == request.program) {
        match fits(command, request) {
            Ok(()) => {
                let (path, milliseconds) = (command.path.as_deref(), command.milliseconds);
                return Ok(Allowed { path, milliseconds, walls: command.walls.as_ref() });
            }
            Err(why) if denied == Denied::Name => denied = why,
            Err(_) => {}
        }
    }
    if grants.all_commands { Ok(Allowed::default()) } else { Err(denied) }
}

fn fits(command: &Command, request: &Request) -> Result<(), Denied> {
    if let Some(patterns) = &command.arguments {
        let same = patterns.len() == request.arguments.len();
        let mut pairs = patterns.iter().zip(&request.arguments);
        if !same || !pairs.all(|(pattern, argument)| matches(pattern.as_bytes(), argument)) {
            return Err(Denied::Arguments);
        }
    }
    let Some(names) = &command.environment else { return Ok(()) };
    let other = request.environment.iter().find(|(name, _)| !names.iter().any(|allowed| allowed.as_bytes() == name));
    match other {
        Some((name, _)) => Err(Denied::Variable(String::from_utf8_lossy(name).into_owned())),
        None => Ok(()),
    }
}

/// Whether `text` is the pattern, in which `*` is any text. Time is at most the product of both lengths.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Behind the last star, and how far the text is taken by it. An earlier star never needs to take more than it has.
    let mut star = None;
    loop {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                star = Some((p, t));
            }
            Some(byte) if text.get(t) == Some(byte) => (p, t) = (p + 1, t + 1),
            None if t == text.len() => return true,
            _ => match star {
                Some((behind, taken)) if taken < text.len() => {
                    (p, t) = (behind, taken + 1);
                    star = Some((p, t));
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let cases: [(&str, &[&str], &[&str]); 7] = [
            ("", &[""], &["a"]),
            ("*", &["", "a", "*"], &[]),
            ("-s", &["-s"], &["-S", "-ss", ""]),
            ("http://h/*", &["http://h/", "http://h/a*b"], &["http://h", "xhttp://h/", "http://hh/"]),
            ("*.txt", &[".txt", "a.txt", "a.txt.txt"], &["a.txt.", "txt"]),
            ("a*b*c", &["abc", "a*b*c", "abbcbc", "aXXbYYc"], &["ab", "acb", "abcd"]),
            ("**a", &["a", "aa", "ba"], &["", "ab"]),
        ];
        for (pattern, same, other) in cases {
            for text in same {
                assert!(matches(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
            }
            for text in other {
                assert!(!matches(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
            }
        }
        // No more than the product of the lengths.
        assert!(!matches(&b"*a".repeat(200), &[b'b'; 100_000]));
        assert!(!matches(&[&b"*a".repeat(100)[..], b"c"].concat(), &[b'a'; 20_000]));
    }

    #[test]
    fn the_first_entry_that_fits_counts() {
        let entry = |arguments: Option<&[&str]>, milliseconds| Command {
            name: "cmd".into(),
            path: None,
            arguments: arguments.map(|patterns| patterns.iter().map(|it| it.to_string()).collect()),
            environment: Some(vec!["LANG".into()]),
            milliseconds: Some(milliseconds),
            walls: None,
        };
        let mut grants =
            Grants { commands: vec![entry(Some(&[]), 1), entry(Some(&["-v", "*"]), 2)], ..Grants::default() };
        let request = |program: &str, arguments: &[&str], variables: &[&str]| Request {
            program: program.into(),
            arguments: arguments.iter().map(|it| it.as_bytes().to_vec()).collect(),
            environment: variables.iter().map(|it| (it.as_bytes().to_vec(), Vec::new())).collect(),
            ..Request::default()
        };
        let is = |grants: &Grants, request: &Request| check(grants, request).map(|allowed| allowed.milliseconds);
        assert_eq!(is(&grants, &request("cmd", &[], &[])), Ok(Some(1)));
        assert_eq!(is(&grants, &request("cmd", &["-v", "x"], &["LANG"])), Ok(Some(2)));
        assert_eq!(is(&grants, &request("cmd", &["-v"], &[])), Err(Denied::Arguments));
        assert_eq!(is(&grants, &request("cmd", &[], &["LANG=x"])), Err(Denied::Variable("LANG=x".into())));
        for name in ["Cmd", "/cmd", "cmd ", "./cmd", ""] {
            assert_eq!(is(&grants, &request(name, &[], &[])), Err(Denied::Name), "{name}");
        }
        grants.all_commands = true;
        assert_eq!(is(&grants, &request("cmd", &[], &[])), Ok(Some(1)));
        assert_eq!(is(&grants, &request("cmd", &["-v"], &["PATH"])), Ok(None));
        assert_eq!(is(&grants, &request("other", &[], &[])), Ok(None));
    }
}

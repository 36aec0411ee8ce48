//! Known failures: a line each, with the reason. A listed case that passes is an error, so the list cannot rot.

use std::path::Path;

use super::Tally;
use super::wast::Verdict;

/// The failures that this version knows of.
pub const WAST: &str = include_str!("known-wast.txt");

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// End of the script's path: whole components.
    pub file: String,
    /// Line of the directive; `None`: the whole script, of which something fails.
    pub line: Option<usize>,
    /// Why it fails.
    pub reason: String,
}

impl Known {
    /// Whether this entry means that directive.
    pub fn means(&self, path: &Path, line: usize) -> bool {
        self.line == Some(line) && path.ends_with(&self.file)
    }
}

/// Reads a list: `file.wast:LINE reason`, or `file.wast:* reason` for all of a script; empty lines and lines that begin with `#` are not entries.
///
/// # Errors
/// A line without a file, a number or a reason.
pub fn parse(text: &str) -> Result<Vec<Known>, String> {
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines.map(|line| entry(line).ok_or_else(|| format!("not `file.wast:LINE reason`: {line}"))).collect()
}

fn entry(line: &str) -> Option<Known> {
    let (place, reason) = line.split_once(char::is_whitespace)?;
    let (file, number) = place.rsplit_once(':')?;
    let line = if number == "*" { None } else { Some(number.parse().ok()?) };
    let known = Known { file: file.into(), line, reason: reason.trim().into() };
    (!known.file.is_empty() && !known.reason.is_empty()).then_some(known)
}

/// A directive that did not do as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unexpected {
    /// Line in the script.
    pub line: usize,
    /// What happened.
    pub what: String,
}

/// Sums up the verdicts over the script at `path`, with what is known to fail taken out.
///
/// An assertion that is known to fail counts as skipped. A known failure counts as failed when it passes, or when there is no such
/// directive. All assertions of a script that is known as a whole are skipped, unless the script passes.
pub fn judge(path: &Path, verdicts: &[Verdict], known: &[Known]) -> (Tally, Vec<Unexpected>) {
    let (mut tally, mut unexpected) = (Tally::default(), Vec::new());
    if let Some(entry) = known.iter().find(|k| k.line.is_none() && path.ends_with(&k.file)) {
        if verdicts.iter().all(|verdict| verdict.error.is_none()) {
            let what = format!("passes, but is listed as failing: {}", entry.reason);
            unexpected.push(Unexpected { line: 0, what });
        }
        tally.failed = unexpected.len();
        tally.skipped = verdicts.iter().filter(|verdict| verdict.assertion).count() - tally.failed;
        return (tally, unexpected);
    }
    for verdict in verdicts {
        let entry = known.iter().find(|k| k.means(path, verdict.line));
        let what = match (&verdict.error, entry) {
            (None, None) => {
                tally.passed += usize::from(verdict.assertion);
                continue;
            }
            (Some(_), Some(_)) => {
                tally.skipped += usize::from(verdict.assertion);
                continue;
            }
            (Some(error), None) => format!("{}: {error}", verdict.directive),
            (None, Some(entry)) => format!("{} passes, but is listed as failing: {}", verdict.directive, entry.reason),
        };
        unexpected.push(Unexpected { line: verdict.line, what });
    }
    for entry in known.iter().filter(|k| path.ends_with(&k.file)) {
        if let Some(line) = entry.line.filter(|line| !verdicts.iter().any(|v| v.line == *line)) {
            let what = format!("is listed as failing, but nothing begins there: {}", entry.reason);
            unexpected.push(Unexpected { line, what });
        }
    }
    tally.failed = unexpected.len();
    (tally, unexpected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(line: usize, error: Option<&str>) -> Verdict {
        Verdict { line, directive: "assert_return", assertion: true, error: error.map(Into::into) }
    }

    #[test]
    fn a_listed_case_that_passes_is_a_failure() {
        let known = parse("a.wast:1 not yet\na.wast:2 not yet\na.wast:9 not yet\nb.wast:3 not yet").unwrap();
        let verdicts = [verdict(1, None), verdict(2, Some("no")), verdict(3, Some("no")), verdict(4, None)];
        let (tally, unexpected) = judge(Path::new("x/a.wast"), &verdicts, &known);
        assert_eq!(tally, Tally { passed: 1, failed: 3, skipped: 1 });
        assert_eq!(unexpected.iter().map(|u| u.line).collect::<Vec<_>>(), [1, 3, 9]);
    }

    #[test]
    fn a_listed_script_is_skipped_until_all_of_it_passes() {
        let known = parse("a.wast:* not yet").unwrap();
        let judged = |second| judge(Path::new("x/a.wast"), &[verdict(1, None), verdict(2, second)], &known);
        assert_eq!(judged(Some("no")), (Tally { passed: 0, failed: 0, skipped: 2 }, Vec::new()));
        assert_eq!(judged(None).0, Tally { passed: 0, failed: 1, skipped: 1 });
    }

    #[test]
    fn entries_need_a_place_and_a_reason() {
        for bad in ["a.wast:1", "a.wast reason", ":1 reason", "a.wast:x reason"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_entry_means_one_directive() {
        let known = parse("# comment\n\ncore-2.0/a.wast:7  no such thing yet\n").unwrap();
        assert_eq!(known[0].reason, "no such thing yet");
        assert!(known[0].means(Path::new("suite/core-2.0/a.wast"), 7));
        assert!(!known[0].means(Path::new("suite/core-2.0/a.wast"), 8));
        assert!(!known[0].means(Path::new("suite/proposals/a.wast"), 7));
        assert!(!known[0].means(Path::new("suite/core-2.0/aa.wast"), 7));
    }

    #[test]
    fn the_embedded_list_is_well_formed() {
        parse(WAST).unwrap();
    }
}

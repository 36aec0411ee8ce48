//! Counts lines, words and bytes of files, and of files in folders: `word-count [--top N] [PATH...]`, standard input without
//! a path. With `--top`, the most frequent words beneath. Needs the folders that hold the paths.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Read};
use std::path::Path;
use std::{env, fs};

#[derive(Default)]
struct Counts {
    lines: usize,
    words: usize,
    bytes: usize,
    each: BTreeMap<String, usize>,
}

impl Counts {
    fn file(&mut self, name: &str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let lines = bytes.iter().filter(|&&byte| byte == b'\n').count();
        let mut words = 0;
        for word in text.split_whitespace() {
            words += 1;
            let word = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
            if !word.is_empty() {
                *self.each.entry(word).or_default() += 1;
            }
        }
        row(lines, words, bytes.len(), name);
        self.lines += lines;
        self.words += words;
        self.bytes += bytes.len();
    }

    fn path(&mut self, path: &Path) -> Result<usize, Box<dyn Error>> {
        let told = |e: io::Error| format!("{}: {e}", path.display());
        if !path.is_dir() {
            self.file(&path.to_string_lossy(), &fs::read(path).map_err(told)?);
            return Ok(1);
        }
        let mut inside: Vec<_> = fs::read_dir(path).map_err(told)?.collect::<Result<_, _>>()?;
        inside.sort_by_key(|entry| entry.file_name());
        inside.iter().map(|entry| self.path(&entry.path())).sum()
    }
}

fn row(lines: usize, words: usize, bytes: usize, name: &str) {
    println!("{lines:7} {words:7} {bytes:7} {name}");
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let mut top = 0;
    if arguments.first().is_some_and(|first| first == "--top") {
        top = arguments.get(1).ok_or("--top takes a number")?.parse()?;
        arguments.drain(..2);
    }
    let mut counts = Counts::default();
    if arguments.is_empty() {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes)?;
        counts.file("-", &bytes);
    } else {
        let files: usize = arguments.iter().map(|path| counts.path(Path::new(path))).sum::<Result<_, _>>()?;
        if files > 1 {
            row(counts.lines, counts.words, counts.bytes, "total");
        }
    }
    let mut words: Vec<_> = counts.each.iter().collect();
    words.sort_by_key(|&(word, count)| (std::cmp::Reverse(count), word));
    for (word, count) in words.iter().take(top) {
        println!("{count:7} {word}");
    }
    Ok(())
}
